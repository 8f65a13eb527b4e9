/* SPDX-License-Identifier: Apache-2.0
 *
 * The patient's home: its answer to a plan, and its check of the settlement against that answer.
 */
#include "unit/domain/books_world.h"

#define CARE "450100"

/* Q of Ji'an has 40 yuan; P1 of Nanchang (here), F of Hangzhou and P2 of Ji'an (here) pay in this order. */
static struct world *world_with_patient(void) {
    struct world *w = world_new();
    world_person(w, "Q", "360800", "310", 40);
    world_person(w, "P1", "360100", "310", 100);
    world_person(w, "P2", "360800", "310", 70);
    world_bind(w, "B1", "P1", "360100", "Q", "360800", "child");
    world_bind(w, "BF", "F", "330100", "Q", "360800", "spouse");
    world_bind(w, "B2", "P2", "360800", "Q", "360800", "parent");
    return w;
}

static void ask_init(struct gj_plan_ask *ask, int64_t payable_fen) {
    *ask = (struct gj_plan_ask){.sender = "450000/test",
                                .insuplc_admdvs = "360800",
                                .mdtrtarea_admvs = CARE,
                                .fixmedins_code = "H45010000001",
                                .mdtrt_cert_type = "02",
                                .mdtrt_cert_no = "NQ",
                                .use = "outpatient",
                                .med_type = "11",
                                .acct_payable_amt = payable_fen,
                                .business_date = TODAY};
    world_wire_person("Q", &ask->person);
}

static void plan(struct world *w, const struct gj_plan_ask *ask, struct gj_plan_answer *ret) {
    gj_books_plan(&w->books, &w->turn, ask, ret);
}

static void a_plan_names_own_accounts_and_sources_in_order(void **state) {
    (void)state;
    struct world *w = world_with_patient();
    struct gj_plan_ask ask;
    struct gj_plan_answer answer;
    ask_init(&ask, 200 * YUAN);
    plan(w, &ask, &answer);
    assert_string_equal(answer.code, "");
    assert_string_equal(answer.person_ref, "Q");
    assert_string_equal(answer.insutype, "310");
    assert_string_equal(answer.draw, "CASCADE");
    assert_string_equal(answer.on_unreachable, "SKIP");
    assert_string_equal(answer.pack.pack, "default");
    assert_string_equal(answer.pack.region, "360800");
    assert_int_equal(answer.valid_until, w->turn.now.wall.ms + GJ_PLAN_LIFE_MS);
    assert_int_equal(answer.n_own, 1);
    assert_string_equal(answer.own[0].account, "P/Q/prior");
    assert_int_equal(answer.own[0].cover, 40 * YUAN);
    assert_int_equal(answer.n_sources, 3);
    assert_string_equal(answer.sources[0].binding_ref, "B1");
    assert_true(answer.sources[0].evaluated);
    assert_int_equal(answer.sources[0].cover, 100 * YUAN);
    assert_string_equal(answer.sources[0].account, "P/P1/prior");
    assert_string_equal(answer.sources[0].pack.region, "360100");
    assert_string_equal(answer.sources[1].binding_ref, "BF");
    assert_false(answer.sources[1].evaluated);
    assert_string_equal(answer.sources[1].region, "330100");
    assert_string_equal(answer.sources[1].payer_masked, "N**");
    assert_string_equal(answer.sources[2].binding_ref, "B2");
    assert_int_equal(answer.sources[2].cover, 70 * YUAN);
    world_free(w);
}

static void a_plan_tells_no_more_than_was_asked(void **state) {
    (void)state;
    struct world *w = world_with_patient();
    struct gj_plan_ask ask;
    struct gj_plan_answer answer;
    ask_init(&ask, 50 * YUAN);
    plan(w, &ask, &answer);
    assert_int_equal(answer.own[0].cover, 40 * YUAN);
    assert_int_equal(answer.sources[0].cover, 10 * YUAN);
    assert_string_equal(answer.sources[0].rule, "");
    ask_init(&ask, 30 * YUAN);
    plan(w, &ask, &answer);
    assert_int_equal(answer.own[0].cover, 30 * YUAN);
    assert_int_equal(answer.sources[0].cover, 0);
    world_free(w);
}

/* R49, R51 and R83 do not limit a person's own use; other statuses of the person and the account do. */
static void a_persons_own_use_of_his_account(void **state) {
    (void)state;
    static const struct {
        const char *stas, *status;
        int64_t own_yuan;
        const char *source_rule;
    } rows[] = {{"1", "normal", 40, "R51"}, {"2", "normal", 40, "R3"}, {"1", "frozen", 0, "R51"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct world *w = world_with_patient();
        struct gj_plan_ask ask;
        struct gj_plan_answer answer;
        w->pack[0].min_retention_fen = 60 * YUAN;
        w->pack[0].per_settlement_cap_fen = 5 * YUAN;
        world_set_status(w, "Q", rows[i].stas, rows[i].status);
        ask_init(&ask, 200 * YUAN);
        plan(w, &ask, &answer);
        assert_string_equal(answer.code, "");
        assert_int_equal(answer.own[0].cover, rows[i].own_yuan * YUAN);
        assert_string_equal(answer.sources[0].rule, rows[i].source_rule);
        assert_true(answer.sources[0].evaluated);
        world_free(w);
    }
}

static void a_person_enrolled_twice_draws_no_relative(void **state) {
    (void)state;
    struct world *w = world_with_patient();
    struct gj_plan_ask ask;
    struct gj_plan_answer answer;
    assert_int_equal(world_add(w, "Q2", "Q", "360100", "390", 0), GJ_OK);
    ask_init(&ask, 200 * YUAN);
    plan(w, &ask, &answer);
    assert_int_equal(answer.own[0].cover, 40 * YUAN);
    for (uint32_t i = 0; i < 3; i++) {
        assert_true(answer.sources[i].evaluated);
        assert_int_equal(answer.sources[i].cover, 0);
        assert_string_equal(answer.sources[i].rule, "R4");
    }
    world_free(w);
}

/* R21 as the patient's own side sees it: the payer's node is not even asked. */
static void the_patients_reach_skips_a_source(void **state) {
    (void)state;
    struct world *w = world_with_patient();
    struct gj_plan_ask ask;
    struct gj_plan_answer answer;
    w->pack[0].reach = GJ_REACH_PROVINCE;
    ask_init(&ask, 200 * YUAN);
    plan(w, &ask, &answer);
    assert_int_equal(answer.sources[0].cover, 100 * YUAN);
    assert_true(answer.sources[1].evaluated);
    assert_int_equal(answer.sources[1].cover, 0);
    assert_string_equal(answer.sources[1].rule, "R21");
    assert_string_equal(answer.sources[1].pack.region, "360800");
    world_free(w);
}

static void current_is_drawn_only_where_the_pack_names_it(void **state) {
    (void)state;
    struct world *w = world_with_patient();
    struct gj_entry entry = {.id = "open/P/Q/current",
                             .kind = "opening",
                             .from = "X/opening",
                             .to = "P/Q/current",
                             .amount_fen = 15 * YUAN};
    gj_ledger_post(&w->turn, &entry);
    struct gj_plan_ask ask;
    struct gj_plan_answer answer;
    ask_init(&ask, 200 * YUAN);
    plan(w, &ask, &answer);
    assert_int_equal(answer.n_own, 1);
    w->pack[0].own_order[0] = GJ_SUB_CURRENT;
    w->pack[0].own_order[1] = GJ_SUB_PRIOR;
    w->pack[0].n_own_order = 2;
    plan(w, &ask, &answer);
    assert_int_equal(answer.n_own, 2);
    assert_string_equal(answer.own[0].account, "P/Q/current");
    assert_int_equal(answer.own[0].cover, 15 * YUAN);
    assert_int_equal(answer.own[1].cover, 40 * YUAN);
    ask_init(&ask, 45 * YUAN);
    plan(w, &ask, &answer);
    assert_int_equal(answer.own[1].cover, 30 * YUAN);
    world_free(w);
}

/* --- what refuses the whole bill ---------------------------------------------------------------------------- */
static void wrong_region(struct world *w, struct gj_plan_ask *ask) {
    (void)w;
    memcpy(ask->insuplc_admdvs, "330100", 7);
}
static void other_region_of_ours(struct world *w, struct gj_plan_ask *ask) {
    (void)w;
    memcpy(ask->insuplc_admdvs, "360100", 7);
}
static void wrong_name(struct world *w, struct gj_plan_ask *ask) {
    (void)w;
    memcpy(ask->person.psn_name, "Name P", 7);
}
static void somebody_elses_number(struct world *w, struct gj_plan_ask *ask) {
    (void)w;
    memcpy(ask->mdtrt_cert_no, "NP1", 4);
}
static void somebody_elses_card(struct world *w, struct gj_plan_ask *ask) {
    (void)w;
    memcpy(ask->mdtrt_cert_type, "03", 3);
    memcpy(ask->mdtrt_cert_no, "CP1", 4);
}
static void number_for_a_card(struct world *w, struct gj_plan_ask *ask) {
    (void)w;
    memcpy(ask->mdtrt_cert_type, "03", 3);
}
static void no_card_at_all(struct world *w, struct gj_plan_ask *ask) {
    struct gj_person_row row;
    assert_true(gj_person_get(&w->turn, "Q", &row));
    row.card_token[0] = '\0';
    gj_store_put(w->store, &gj_table_person, &row);
    memcpy(ask->mdtrt_cert_type, "03", 3);
    ask->mdtrt_cert_no[0] = '\0';
}
static void e_credential(struct world *w, struct gj_plan_ask *ask) {
    (void)w;
    memcpy(ask->mdtrt_cert_type, "01", 3);
}
static void unknown_credential(struct world *w, struct gj_plan_ask *ask) {
    (void)w;
    memcpy(ask->mdtrt_cert_type, "04", 3);
}
static void not_insured(struct world *w, struct gj_plan_ask *ask) {
    (void)ask;
    world_set_status(w, "Q", "0", "normal");
}
static void insurance_ended(struct world *w, struct gj_plan_ask *ask) {
    (void)ask;
    world_set_status(w, "Q", "4", "normal");
}
static void forbidden_use(struct world *w, struct gj_plan_ask *ask) {
    (void)w;
    memcpy(ask->use, "fitness", 8);
}
static void use_not_in_this_region(struct world *w, struct gj_plan_ask *ask) {
    (void)w;
    memcpy(ask->use, "checkup", 8);
}
static void unknown_use(struct world *w, struct gj_plan_ask *ask) {
    (void)w;
    memcpy(ask->use, "dinner", 7);
}
static void no_pack(struct world *w, struct gj_plan_ask *ask) {
    (void)ask;
    w->packs.n = 0;
}

static void what_refuses_the_whole_bill(void **state) {
    (void)state;
    static const struct {
        void (*spoil)(struct world *w, struct gj_plan_ask *ask);
        enum gj_err code;
        const char *rule;
    } rows[] = {
        {wrong_region, GJ_ERR_WRONG_NODE, ""},
        {other_region_of_ours, GJ_ERR_PERSON_UNKNOWN, ""},
        {wrong_name, GJ_ERR_PERSON_UNKNOWN, ""},
        {somebody_elses_number, GJ_ERR_RULE, "R41"},
        {somebody_elses_card, GJ_ERR_RULE, "R41"},
        {number_for_a_card, GJ_ERR_RULE, "R41"},
        {no_card_at_all, GJ_ERR_RULE, "R41"},
        {e_credential, GJ_ERR_NOT_SUPPORTED, "R41"},
        {unknown_credential, GJ_ERR_RULE, "R41"},
        {not_insured, GJ_ERR_RULE, "R2"},
        {insurance_ended, GJ_ERR_RULE, "R2"},
        {forbidden_use, GJ_ERR_RULE, "R74"},
        {use_not_in_this_region, GJ_ERR_RULE, "R73"},
        {unknown_use, GJ_ERR_BAD_FIELD, ""},
        {no_pack, GJ_ERR_RULE, "R25"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct world *w = world_with_patient();
        struct gj_plan_ask ask;
        struct gj_plan_answer answer;
        ask_init(&ask, 200 * YUAN);
        rows[i].spoil(w, &ask);
        plan(w, &ask, &answer);
        assert_string_equal(answer.code, gj_err_name(rows[i].code));
        assert_string_equal(answer.rule, rows[i].rule);
        assert_int_equal(answer.n_own + answer.n_sources, 0);
        world_free(w);
    }
}

static void the_card_proves_presence_too(void **state) {
    (void)state;
    struct world *w = world_with_patient();
    struct gj_plan_ask ask;
    struct gj_plan_answer answer;
    ask_init(&ask, 200 * YUAN);
    memcpy(ask.mdtrt_cert_type, "03", 3);
    memcpy(ask.mdtrt_cert_no, " CQ ", 5);
    plan(w, &ask, &answer);
    assert_string_equal(answer.code, "");
    world_free(w);
}

/* --- PREPARE at the home ---------------------------------------------------------------------------------------- */
struct prepared {
    struct world *w;
    struct gj_plan_ask ask;
    struct gj_plan_answer plan;
    struct tx tx;
};

static void add_draw(struct prepared *p, const char *binding, const char *node, const char *from,
                     const char *account, int64_t yuan) {
    struct gj_leg_detail *detail = tx_draw(&p->tx, binding, account, from, CARE, yuan * YUAN);
    memcpy(p->tx.legs[p->tx.core.n_legs - 1].node, node, 7);
    if (binding[0] == '\0') memcpy(detail->person_ref, "Q", 2);
}

/* 200 yuan: 40 own, 100 of P1, 60 of F at the other node; the record comes last. */
static void prepare_init(struct prepared *p) {
    p->w = world_with_patient();
    ask_init(&p->ask, 200 * YUAN);
    plan(p->w, &p->ask, &p->plan);
    tx_init(p->w, &p->tx, "settle", "450000");
    p->tx.core.n_participants = 2;
    memcpy(p->tx.participants[1].node, "330000", 7);
    add_draw(p, "", SELF, "360800", "P/Q/prior", 40);
    add_draw(p, "B1", SELF, "360100", "P/P1/prior", 100);
    add_draw(p, "BF", "330000", "330100", "P/F/prior", 60);
    struct gj_leg_detail *record = tx_leg(&p->tx, "consume", SELF, "360800", CARE, 0);
    memcpy(record->person_ref, "Q", 2);
    memcpy(record->mdtrtarea_admvs, CARE, 7);
    memcpy(record->fixmedins_code, "H45010000001", 13);
    memcpy(record->setl_id, "S1", 3);
    record->medfee_sumamt = 300 * YUAN;
    record->fund_pay_sumamt = 100 * YUAN;
    record->psn_part_amt = 200 * YUAN;
    record->acct_pay = 200 * YUAN;
    record->acct_mulaid_pay = 160 * YUAN;
    p->tx.view.plan = &p->plan;
}

static void the_home_holds_and_records_what_it_planned(void **state) {
    (void)state;
    struct prepared p;
    prepare_init(&p);
    assert_true(tx_hold(p.w, &p.tx));
    assert_int_equal(world_held(p.w, "P/Q/prior"), 40 * YUAN);
    assert_int_equal(world_held(p.w, "P/P1/prior"), 100 * YUAN);
    assert_int_equal(gj_usage_get(&p.w->turn, "Q", 2026), 0);
    assert_int_equal(gj_usage_get(&p.w->turn, "P1", 2026), 100 * YUAN);
    struct gj_consumption_row row = {.txid = p.tx.core.txid};
    assert_false(gj_store_get(p.w->store, &gj_table_consumption, &row, &p.w->scratch));
    tx_post(p.w, &p.tx);
    assert_true(gj_store_get(p.w->store, &gj_table_consumption, &row, &p.w->scratch));
    assert_string_equal(row.person_ref, "Q");
    assert_string_equal(row.setl_id, "S1");
    assert_int_equal(row.acct_pay, 200 * YUAN);
    assert_int_equal(world_balance(p.w, "P/Q/prior"), 0);
    assert_int_equal(world_balance(p.w, "R/360800/450100"), 40 * YUAN);
    assert_int_equal(world_balance(p.w, "R/360100/450100"), 100 * YUAN);
    assert_books_agree(p.w);
    world_free(p.w);
}

static void a_facts_change_since_the_plan_is_no_violation(void **state) {
    (void)state;
    struct prepared p;
    prepare_init(&p);
    struct gj_entry refund = {
        .id = "late", .kind = "refund", .from = "X/opening", .to = "P/Q/prior", .amount_fen = 500};
    gj_ledger_post(&p.w->turn, &refund);
    assert_true(tx_hold(p.w, &p.tx));
    world_free(p.w);
}

static void no_plan(struct prepared *p) {
    p->tx.view.plan = NULL;
}
static void plan_of_another(struct prepared *p) {
    memcpy(p->plan.person_ref, "P1", 3);
}
static void plan_of_another_sender(struct prepared *p) {
    memcpy(p->plan.sender, "450000/else", 12);
}
static void plan_for_another_use(struct prepared *p) {
    memcpy(p->plan.use, "inpatient", 10);
}
static void plan_for_another_place(struct prepared *p) {
    memcpy(p->plan.fixmedins_code, "H45010000002", 13);
}
static void plan_of_yesterday(struct prepared *p) {
    p->plan.business_date = 20260314;
}
static void plan_too_old(struct prepared *p) {
    p->w->turn.now.wall.ms += GJ_PLAN_LIFE_MS + 1;
}
static void plan_for_more_than_the_bill(struct prepared *p) {
    p->plan.acct_payable_amt = 200 * YUAN + 1;
}
static void plan_that_refused(struct prepared *p) {
    memcpy(p->plan.code, "RULE", 5);
}
static void own_account_spared(struct prepared *p) {
    p->tx.legs[0].amount = 39 * YUAN;
    p->tx.details[3].acct_pay = 199 * YUAN;
}
static void relative_before_own(struct prepared *p) {
    struct gj_core_leg leg = p->tx.legs[0];
    struct gj_leg_detail detail = p->tx.details[0];
    p->tx.legs[0] = p->tx.legs[1];
    p->tx.details[0] = p->tx.details[1];
    p->tx.legs[1] = leg;
    p->tx.details[1] = detail;
}
static void wrong_order(struct prepared *p) {
    struct gj_core_leg leg = p->tx.legs[1];
    struct gj_leg_detail detail = p->tx.details[1];
    p->tx.legs[1] = p->tx.legs[2];
    p->tx.details[1] = p->tx.details[2];
    p->tx.legs[2] = leg;
    p->tx.details[2] = detail;
}
static void source_not_in_the_plan(struct prepared *p) {
    memcpy(p->tx.details[2].binding_ref, "BX", 3);
}
static void able_source_passed_over(struct prepared *p) {
    p->plan.sources[0].cover = 100 * YUAN;
    memcpy(p->plan.sources[0].binding_ref, "B0", 3);
}
static void less_than_the_cover(struct prepared *p) {
    p->tx.legs[1].amount = 99 * YUAN;
    p->tx.details[3].acct_pay = 199 * YUAN;
    p->tx.details[3].acct_mulaid_pay = 159 * YUAN;
}
static void more_than_payable(struct prepared *p) {
    p->plan.acct_payable_amt = 199 * YUAN;
}
static void two_where_one_is_allowed(struct prepared *p) {
    memcpy(p->plan.draw, "ONE", 4);
}
static void from_another_region(struct prepared *p) {
    memcpy(p->tx.legs[2].from_region, "330200", 7);
}
static void one_more_than_the_plan_has(struct prepared *p) {
    p->plan.n_sources = 2;
    memcpy(p->tx.details[2].binding_ref, "BX", 3);
}
static void last_source_spared(struct prepared *p) {
    p->plan.n_sources = 2;
    less_than_the_cover(p);
}
static void own_money_of_another_region(struct prepared *p) {
    memcpy(p->tx.legs[0].from_region, "360100", 7);
}
static void spent_meanwhile(struct prepared *p) {
    struct gj_entry entry = {
        .id = "spent", .kind = "settle", .from = "P/Q/prior", .to = "X/opening", .amount_fen = 1};
    gj_ledger_post(&p->w->turn, &entry);
}
static void lapsed_meanwhile(struct prepared *p) {
    world_set_status(p->w, "Q", "2", "normal");
}
static void twice_enrolled_meanwhile(struct prepared *p) {
    assert_int_equal(world_add(p->w, "Q2", "Q", "360100", "390", 0), GJ_OK);
}
static void ended_meanwhile(struct prepared *p) {
    world_set_status(p->w, "Q", "4", "normal");
}
static void frozen_meanwhile(struct prepared *p) {
    world_set_status(p->w, "Q", "1", "frozen");
}
static void sum_is_wrong(struct prepared *p) {
    p->tx.details[3].acct_pay++;
}
static void relatives_sum_is_wrong(struct prepared *p) {
    p->tx.details[3].acct_mulaid_pay--;
}
static void more_than_the_personal_part(struct prepared *p) {
    p->tx.details[3].psn_part_amt = 200 * YUAN - 1;
}
static void a_leg_kept_from_the_home(struct prepared *p) {
    p->tx.parts[2] = p->tx.parts[3];
    p->tx.details[2] = p->tx.details[3];
    p->tx.view.n_parts = 3;
}
static void no_record(struct prepared *p) {
    p->tx.core.n_legs = 3;
    p->tx.view.n_parts = 3;
}
static void record_of_another(struct prepared *p) {
    memcpy(p->tx.details[3].person_ref, "P2", 3);
}
/* What a leg says to its own node must be what the record says to the home. */
static void relative_at_another_node(struct prepared *p) {
    memcpy(p->tx.legs[2].node, "130000", 7);
}
static void relative_for_another_use(struct prepared *p) {
    memcpy(p->tx.details[2].use, "pharmacy", 9);
}
static void relative_for_another_place(struct prepared *p) {
    memcpy(p->tx.legs[2].to_region, "450200", 7);
}
static void record_of_another_region(struct prepared *p) {
    memcpy(p->tx.legs[3].from_region, "360100", 7);
}
static void forbidden_by_now(struct prepared *p) {
    p->w->pack[0].uses &= ~(1u << GJ_USE_OUTPATIENT);
}

static void each_way_to_leave_the_plan_is_refused(void **state) {
    (void)state;
    static const struct {
        void (*spoil)(struct prepared *p);
        enum gj_vote_class class;
        enum gj_err code;
        const char *rule;
    } rows[] = {
        {no_plan, GJ_VOTE_PLAN_STALE, GJ_ERR_PLAN_STALE, ""},
        {plan_of_another, GJ_VOTE_PLAN_STALE, GJ_ERR_PLAN_STALE, ""},
        {plan_of_another_sender, GJ_VOTE_PLAN_STALE, GJ_ERR_PLAN_STALE, ""},
        {plan_for_another_use, GJ_VOTE_PLAN_STALE, GJ_ERR_PLAN_STALE, ""},
        {plan_for_another_place, GJ_VOTE_PLAN_STALE, GJ_ERR_PLAN_STALE, ""},
        {plan_of_yesterday, GJ_VOTE_PLAN_STALE, GJ_ERR_PLAN_STALE, ""},
        {plan_too_old, GJ_VOTE_PLAN_STALE, GJ_ERR_PLAN_STALE, ""},
        {plan_for_more_than_the_bill, GJ_VOTE_PLAN_STALE, GJ_ERR_PLAN_STALE, ""},
        {plan_that_refused, GJ_VOTE_PLAN_STALE, GJ_ERR_PLAN_STALE, ""},
        {own_account_spared, GJ_VOTE_PLAN_STALE, GJ_ERR_PLAN_STALE, "R43"},
        {relative_before_own, GJ_VOTE_PLAN_STALE, GJ_ERR_PLAN_STALE, "R43"},
        {wrong_order, GJ_VOTE_PLAN_STALE, GJ_ERR_PLAN_STALE, "R47"},
        {source_not_in_the_plan, GJ_VOTE_PLAN_STALE, GJ_ERR_PLAN_STALE, "R47"},
        {able_source_passed_over, GJ_VOTE_PLAN_STALE, GJ_ERR_PLAN_STALE, "R47"},
        {less_than_the_cover, GJ_VOTE_PLAN_STALE, GJ_ERR_PLAN_STALE, "R47"},
        {more_than_payable, GJ_VOTE_PLAN_STALE, GJ_ERR_PLAN_STALE, "R47"},
        {two_where_one_is_allowed, GJ_VOTE_PLAN_STALE, GJ_ERR_PLAN_STALE, "R46"},
        {from_another_region, GJ_VOTE_PLAN_STALE, GJ_ERR_PLAN_STALE, "R47"},
        {one_more_than_the_plan_has, GJ_VOTE_PLAN_STALE, GJ_ERR_PLAN_STALE, "R47"},
        {last_source_spared, GJ_VOTE_PLAN_STALE, GJ_ERR_PLAN_STALE, "R47"},
        {own_money_of_another_region, GJ_VOTE_RULE, GJ_ERR_BAD_FIELD, ""},
        {spent_meanwhile, GJ_VOTE_COVER, GJ_ERR_NO_COVER, "R50"},
        {lapsed_meanwhile, GJ_VOTE_PLAN_STALE, GJ_ERR_PLAN_STALE, "R3"},
        {twice_enrolled_meanwhile, GJ_VOTE_PLAN_STALE, GJ_ERR_PLAN_STALE, "R4"},
        {ended_meanwhile, GJ_VOTE_RULE, GJ_ERR_RULE, "R2"},
        {frozen_meanwhile, GJ_VOTE_PLAN_STALE, GJ_ERR_PLAN_STALE, "R82"},
        {sum_is_wrong, GJ_VOTE_RULE, GJ_ERR_BAD_AMOUNT, ""},
        {relatives_sum_is_wrong, GJ_VOTE_RULE, GJ_ERR_BAD_AMOUNT, ""},
        {more_than_the_personal_part, GJ_VOTE_RULE, GJ_ERR_BAD_AMOUNT, ""},
        {a_leg_kept_from_the_home, GJ_VOTE_RULE, GJ_ERR_MISSING_FIELD, ""},
        {no_record, GJ_VOTE_RULE, GJ_ERR_PERSON_UNKNOWN, ""},
        {record_of_another, GJ_VOTE_RULE, GJ_ERR_BAD_FIELD, ""},
        {relative_at_another_node, GJ_VOTE_RULE, GJ_ERR_BAD_FIELD, ""},
        {relative_for_another_use, GJ_VOTE_RULE, GJ_ERR_BAD_FIELD, ""},
        {relative_for_another_place, GJ_VOTE_RULE, GJ_ERR_BAD_FIELD, ""},
        {record_of_another_region, GJ_VOTE_RULE, GJ_ERR_WRONG_NODE, ""},
        {forbidden_by_now, GJ_VOTE_PLAN_STALE, GJ_ERR_PLAN_STALE, "R70"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct prepared p;
        prepare_init(&p);
        rows[i].spoil(&p);
        uint64_t writes = p.w->store->writes;
        if (tx_hold(p.w, &p.tx)) fail_msg("row %zu was held", i);
        if (p.tx.no.code != rows[i].code) print_error("row %zu\n", i);
        assert_no(&p.tx, rows[i].class, rows[i].code, rows[i].rule);
        assert_int_equal(p.w->store->writes, writes);
        world_free(p.w);
    }
}

static void a_coordinator_that_is_the_home_needs_no_plan(void **state) {
    (void)state;
    struct prepared p;
    prepare_init(&p);
    memcpy(p.tx.core.txid.coordinator, SELF, 7);
    memcpy(p.tx.core.sender, "360000/test", 12);
    p.tx.view.is_coordinator = true;
    p.tx.view.plan = NULL;
    for (uint32_t i = 0; i < p.tx.core.n_legs; i++)
        memcpy(p.tx.legs[i].to_region, "360100", 7); /* and the place of care */
    memcpy(p.tx.details[3].mdtrtarea_admvs, "360100", 7);
    assert_true(tx_hold(p.w, &p.tx));
    world_free(p.w);
}

static void the_home_counts_what_was_refunded(void **state) {
    (void)state;
    struct prepared p;
    prepare_init(&p);
    assert_true(tx_hold(p.w, &p.tx));
    tx_post(p.w, &p.tx);
    struct tx first, second;
    struct tx *refunds[] = {&first, &second};
    for (int i = 0; i < 2; i++) {
        tx_init(p.w, refunds[i], "refund", "450000");
        struct gj_leg_detail *leg = tx_leg(refunds[i], "refund", "330000", CARE, "330100", 150 * YUAN);
        leg->original = p.tx.core.txid;
        leg->original_leg = 2;
        struct gj_leg_detail *record = tx_leg(refunds[i], "unconsume", SELF, CARE, "360800", 0);
        record->original = p.tx.core.txid;
        record->original_leg = 3;
    }
    assert_true(tx_hold(p.w, &first));
    assert_int_equal(first.n_facts, 0);
    assert_false(tx_hold(p.w, &second));
    assert_no(&second, GJ_VOTE_BUSY, GJ_ERR_BUSY, "R80");
    tx_post(p.w, &first);
    assert_false(tx_hold(p.w, &second));
    assert_no(&second, GJ_VOTE_RULE, GJ_ERR_EXCEEDS_ORIGINAL, "R80");
    second.legs[0].amount = 50 * YUAN;
    memcpy(second.core.txid.coordinator, "330000", 7);
    memcpy(second.core.sender, "330000", 6);
    assert_false(tx_hold(p.w, &second));
    assert_no(&second, GJ_VOTE_RULE, GJ_ERR_WRONG_NODE, "");
    memcpy(second.core.txid.coordinator, "450000", 7);
    memcpy(second.core.sender, "450000", 6);
    assert_true(tx_hold(p.w, &second));
    tx_release(p.w, &second);
    struct gj_consumption_row row = {.txid = p.tx.core.txid};
    assert_true(gj_store_get(p.w->store, &gj_table_consumption, &row, &p.w->scratch));
    assert_int_equal(row.refunded_fen, 150 * YUAN);
    assert_int_equal(row.refund_prepared_fen, 0);
    world_free(p.w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plan_names_own_accounts_and_sources_in_order),
        cmocka_unit_test(a_plan_tells_no_more_than_was_asked),
        cmocka_unit_test(a_persons_own_use_of_his_account),
        cmocka_unit_test(a_person_enrolled_twice_draws_no_relative),
        cmocka_unit_test(the_patients_reach_skips_a_source),
        cmocka_unit_test(current_is_drawn_only_where_the_pack_names_it),
        cmocka_unit_test(what_refuses_the_whole_bill),
        cmocka_unit_test(the_card_proves_presence_too),
        cmocka_unit_test(the_home_holds_and_records_what_it_planned),
        cmocka_unit_test(a_facts_change_since_the_plan_is_no_violation),
        cmocka_unit_test(each_way_to_leave_the_plan_is_refused),
        cmocka_unit_test(a_coordinator_that_is_the_home_needs_no_plan),
        cmocka_unit_test(the_home_counts_what_was_refunded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

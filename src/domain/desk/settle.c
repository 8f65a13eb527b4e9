/* SPDX-License-Identifier: Apache-2.0
 *
 * A settlement: from a complete plan to the legs of one transaction, and from its commit to the record and
 * the answer. It never pays anything that the client has not agreed to, and never touches an account.
 */
#include <string.h>

#include "base/check.h"
#include "base/money.h"
#include "domain/desk/desk.h"

void gj_settle_start(struct gj_domain *domain, struct gj_turn *turn, struct gj_session *session) {
    struct gj_session_bill *bill = &session->u.bill;
    struct gj_composed composed;
    if (bill->req.plan_id[0] == '\0') {
        gj_plan_start(domain, turn, session);
        return;
    }
    const struct gj_plan_answer *home = NULL;
    if (gj_plan_load(turn, session, bill->req.plan_id))
        home = gj_plan_home(turn, bill->home_local, gj_slice_of(bill->answer, bill->answer_len));
    if (home == NULL || home->n_sources != bill->n_covers) {
        /* A stated cash does not carry on without it: the plan may be gone because it was settled already. */
        gj_session_refuse(domain, turn, session, GJ_ERR_PLAN_UNKNOWN, "", "plan_id");
        return;
    }
    gj_compose(bill->req.acct_payable_amt, bill->req.insuplc_admdvs, home, bill->covers, &composed);
    if (!bill->has_agreed) bill->agreed_cash_fen = gj_bill_cash(&bill->req, &composed);
    bill->has_agreed = true;
    /* A plan of yesterday would be prepared under today's date: the home would not know it. */
    if (bill->date == gj_date_of(turn->now.wall))
        gj_settle_planned(domain, turn, session, home, &composed);
    else
        gj_plan_start(domain, turn, session);
}

/* --- from a plan to legs ------------------------------------------------------------------------------------ */

static void refuse_changed(struct gj_domain *domain, struct gj_turn *turn, struct gj_session *session,
                           const struct gj_plan_answer *home, struct gj_composed *composed) {
    struct gj_ans_plan plan;
    struct gj_pay_line lines[GJ_LEGS_MAX];
    struct gj_ans_problem problem;
    struct gj_buf out;
    struct gj_fault fault;
    uint8_t memory[16384];
    gj_plan_store(turn, session, home, composed, &plan, lines);
    gj_buf_init(&out, memory, sizeof(memory));
    enum gj_err err = gj_shape_encode(&gj_shape_ans_plan, &plan, &out, &fault);
    GJ_ASSERT(err == GJ_OK);
    memset(&problem, 0, sizeof(problem));
    gj_text_set(problem.outcome, sizeof(problem.outcome), "refused");
    gj_text_set(problem.code, sizeof(problem.code), gj_err_name(GJ_ERR_PLAN_CHANGED));
    problem.txid = session->txid;
    problem.plan = gj_buf_slice(&out);
    gj_session_finish(domain, turn, session, GJ_ERR_PLAN_CHANGED, "", "", GJ_ANSWER_PROBLEM, &problem);
}

/* What every leg of a settlement says. */
static void fill_common(const struct gj_session_bill *bill, struct gj_tx_leg *leg) {
    memset(leg, 0, sizeof(*leg));
    gj_text_set(leg->to_region, sizeof(leg->to_region), bill->req.mdtrtarea_admvs);
    struct gj_leg_detail *detail = &leg->detail;
    gj_text_set(detail->recipient_region, sizeof(detail->recipient_region), bill->req.insuplc_admdvs);
    gj_text_set(detail->mdtrtarea_admvs, sizeof(detail->mdtrtarea_admvs), bill->req.mdtrtarea_admvs);
    gj_text_set(detail->fixmedins_code, sizeof(detail->fixmedins_code), bill->req.fixmedins_code);
    gj_text_set(detail->use, sizeof(detail->use), bill->use);
    gj_text_set(detail->setl_id, sizeof(detail->setl_id), bill->setl_id);
}

static void draw_leg(const struct gj_domain *domain, const struct gj_session_bill *bill,
                     const struct gj_plan_answer *home, const struct gj_pick *pick, struct gj_tx_leg *leg) {
    fill_common(bill, leg);
    struct gj_leg_detail *detail = &leg->detail;
    gj_text_set(detail->type, sizeof(detail->type), "draw");
    gj_text_set(detail->account, sizeof(detail->account), pick->account);
    leg->amount_fen = pick->amount_fen;
    const char *region = bill->req.insuplc_admdvs;
    const char *node = bill->home;
    if (pick->relative) {
        const struct gj_source *source = &home->sources[pick->index];
        region = source->region;
        node = gj_desk_node_of(domain, region);
        gj_text_set(detail->binding_ref, sizeof(detail->binding_ref), source->binding_ref);
        gj_text_set(detail->relation, sizeof(detail->relation), source->relation);
    } else {
        gj_text_set(detail->person_ref, sizeof(detail->person_ref), home->person_ref);
        gj_text_set(detail->relation, sizeof(detail->relation), gj_relation_word(GJ_RELATION_SELF));
    }
    gj_text_set(leg->node, sizeof(leg->node), node);
    gj_text_set(leg->from_region, sizeof(leg->from_region), region);
    gj_text_set(detail->payer_region, sizeof(detail->payer_region), region);
}

/* The home's record of the consumption: no money, the whole bill's figures. */
static void consume_leg(const struct gj_session_bill *bill, const struct gj_plan_answer *home,
                        const struct gj_composed *composed, struct gj_tx_leg *leg) {
    fill_common(bill, leg);
    struct gj_leg_detail *detail = &leg->detail;
    gj_text_set(leg->node, sizeof(leg->node), bill->home);
    gj_text_set(leg->from_region, sizeof(leg->from_region), bill->req.insuplc_admdvs);
    gj_text_set(detail->type, sizeof(detail->type), "consume");
    gj_text_set(detail->person_ref, sizeof(detail->person_ref), home->person_ref);
    detail->medfee_sumamt = bill->req.medfee_sumamt;
    detail->fund_pay_sumamt = bill->req.fund_pay_sumamt;
    detail->psn_part_amt = bill->req.psn_part_amt;
    detail->acct_pay = composed->own_fen + composed->mulaid_fen;
    detail->acct_mulaid_pay = composed->mulaid_fen;
}

static void add_pack(const struct gj_pack_ref *pack, struct gj_pack_ref *packs, uint32_t *n) {
    if (pack->pack[0] == '\0') return;
    for (uint32_t i = 0; i < *n; i++) {
        if (gj_text_equal(packs[i].region, pack->region) && gj_digest_equal(&packs[i].digest, &pack->digest))
            return;
    }
    if (*n < GJ_SOURCES_MAX + 1) packs[(*n)++] = *pack;
}

static uint32_t quote_packs(const struct gj_session_bill *bill, const struct gj_plan_answer *home,
                            const struct gj_composed *composed,
                            struct gj_pack_ref packs[GJ_SOURCES_MAX + 1]) {
    uint32_t n = 0;
    add_pack(&home->pack, packs, &n);
    for (uint32_t i = 0; i < composed->n_picks; i++) {
        if (composed->picks[i].relative) add_pack(&bill->covers[composed->picks[i].index].pack, packs, &n);
    }
    return n;
}

static void begin(struct gj_domain *domain, struct gj_turn *turn, struct gj_session *session,
                  const struct gj_plan_answer *home, const struct gj_composed *composed) {
    struct gj_session_bill *bill = &session->u.bill;
    struct gj_pack_ref packs[GJ_SOURCES_MAX + 1];
    struct gj_tx_leg *legs = gj_arena_array(turn->scratch, composed->n_picks + 1, sizeof(*legs));
    if (legs == NULL) {
        gj_session_refuse(domain, turn, session, GJ_ERR_NO_SPACE, "", "");
        return;
    }
    uint32_t n_packs = quote_packs(bill, home, composed, packs);
    if (n_packs > GJ_PARTICIPANTS_MAX) {
        gj_session_refuse(domain, turn, session, GJ_ERR_TOO_MANY, "", "packs");
        return;
    }
    for (uint32_t i = 0; i < composed->n_picks; i++)
        draw_leg(domain, bill, home, &composed->picks[i], &legs[i]);
    consume_leg(bill, home, composed, &legs[composed->n_picks]);
    struct gj_tx_order order = {.business_date = bill->date,
                                .packs = packs,
                                .n_packs = n_packs,
                                .legs = legs,
                                .n_legs = composed->n_picks + 1};
    gj_text_set(order.kind, sizeof(order.kind), "settle");
    gj_text_set(order.sender, sizeof(order.sender), session->sender);
    gj_text_set(order.msgid, sizeof(order.msgid), session->msgid);
    gj_text_set(order.all_details_to, sizeof(order.all_details_to), bill->home);
    if (!bill->home_local) order.plan = gj_slice_of(bill->answer, bill->answer_len);
    gj_session_begin(domain, turn, session, &order);
}

void gj_settle_planned(struct gj_domain *domain, struct gj_turn *turn, struct gj_session *session,
                       const struct gj_plan_answer *home, struct gj_composed *composed) {
    struct gj_session_bill *bill = &session->u.bill;
    GJ_ASSERT(bill->has_agreed);
    bool is_dearer = gj_bill_cash(&bill->req, composed) > bill->agreed_cash_fen;
    if (is_dearer && !bill->req.accept_changed) {
        refuse_changed(domain, turn, session, home, composed);
        return;
    }
    if (bill->setl_id[0] == '\0') gj_desk_new_id(turn, "S", bill->setl_id);
    begin(domain, turn, session, home, composed);
}

/* --- from a commit to the record ---------------------------------------------------------------------------- */

static struct gj_slice encode_explain(struct gj_composed *composed, uint8_t *memory, size_t cap) {
    struct gj_buf out;
    struct gj_fault fault;
    const struct gj_explain_list list = {.lines = composed->explain, .n_lines = composed->n_explain};
    gj_buf_init(&out, memory, cap);
    enum gj_err err = gj_shape_encode(&gj_shape_explain_list, &list, &out, &fault);
    GJ_ASSERT(err == GJ_OK);
    return gj_buf_slice(&out);
}

static void put_settlement(struct gj_turn *turn, const struct gj_session *session,
                           const struct gj_decision *decision, const struct gj_plan_answer *home,
                           struct gj_composed *composed, struct gj_settlement_row *row) {
    const struct gj_session_bill *bill = &session->u.bill;
    uint8_t memory[16384];
    memset(row, 0, sizeof(*row));
    gj_text_set(row->setl_id, sizeof(row->setl_id), bill->setl_id);
    row->txid = decision->txid;
    gj_text_set(row->sender, sizeof(row->sender), session->sender);
    gj_text_set(row->msgid, sizeof(row->msgid), session->msgid);
    gj_text_set(row->state, sizeof(row->state), "settled");
    gj_text_set(row->fixmedins_code, sizeof(row->fixmedins_code), bill->req.fixmedins_code);
    gj_text_set(row->mdtrtarea_admvs, sizeof(row->mdtrtarea_admvs), bill->req.mdtrtarea_admvs);
    gj_text_set(row->insuplc_admdvs, sizeof(row->insuplc_admdvs), bill->req.insuplc_admdvs);
    gj_text_set(row->home, sizeof(row->home), bill->home);
    row->consume_leg = composed->n_picks;
    gj_text_set(row->person_ref, sizeof(row->person_ref), home->person_ref);
    gj_text_set(row->use, sizeof(row->use), bill->use);
    row->business_date = decision->core->business_date;
    row->medfee_sumamt = bill->req.medfee_sumamt;
    row->fund_pay_sumamt = bill->req.fund_pay_sumamt;
    row->psn_part_amt = bill->req.psn_part_amt;
    row->acct_pay = composed->own_fen + composed->mulaid_fen;
    row->acct_mulaid_pay = composed->mulaid_fen;
    row->explain = encode_explain(composed, memory, sizeof(memory));
    gj_store_put(turn->store, &gj_table_settlement, row);
    row->explain = gj_arena_copy(turn->scratch, row->explain);
}

static void put_legs(struct gj_turn *turn, const struct gj_session_bill *bill, const struct gj_core *core,
                     const struct gj_plan_answer *home, const struct gj_composed *composed) {
    for (uint32_t i = 0; i < composed->n_picks; i++) {
        const struct gj_pick *pick = &composed->picks[i];
        struct gj_settlement_leg_row leg;
        memset(&leg, 0, sizeof(leg));
        gj_text_set(leg.setl_id, sizeof(leg.setl_id), bill->setl_id);
        leg.leg = i;
        gj_text_set(leg.payer, sizeof(leg.payer), pick->relative ? "relative" : "self");
        gj_text_set(leg.node, sizeof(leg.node), core->legs[i].node);
        gj_text_set(leg.region, sizeof(leg.region), core->legs[i].from_region);
        gj_text_set(leg.account, sizeof(leg.account), pick->account);
        leg.amount_fen = pick->amount_fen;
        if (pick->relative) {
            const struct gj_source *source = &home->sources[pick->index];
            gj_text_set(leg.binding_id, sizeof(leg.binding_id), source->binding_ref);
            gj_text_set(leg.relation, sizeof(leg.relation), source->relation);
            gj_text_set(leg.payer_masked, sizeof(leg.payer_masked), source->payer_masked);
        }
        gj_store_put(turn->store, &gj_table_settlement_leg, &leg);
    }
}

void gj_settle_committed(struct gj_domain *domain, struct gj_turn *turn, struct gj_session *session,
                         const struct gj_decision *decision) {
    struct gj_session_bill *bill = &session->u.bill;
    struct gj_composed composed;
    struct gj_settlement_row row;
    const struct gj_plan_answer *home =
        gj_plan_home(turn, bill->home_local, gj_slice_of(bill->answer, bill->answer_len));
    if (home == NULL) { /* it decoded when the transaction began: only the arena can be short */
        gj_store_fail(turn->store, GJ_ERR_NO_SPACE, "scratch arena too small for a settlement");
        return;
    }
    gj_compose(bill->req.acct_payable_amt, bill->req.insuplc_admdvs, home, bill->covers, &composed);
    GJ_ASSERT(decision->core->n_legs == composed.n_picks + 1);
    session->txid = decision->txid;
    put_settlement(turn, session, decision, home, &composed, &row);
    put_legs(turn, bill, decision->core, home, &composed);
    gj_books_post_destination(&domain->books, turn, decision->core, row.fixmedins_code, row.setl_id);
    if (bill->plan_id[0] != '\0') gj_plan_drop(turn, bill->plan_id); /* a plan is settled once */

    struct gj_ans_settlement answer;
    struct gj_pay_line lines[GJ_LEGS_MAX];
    gj_settle_answer(turn, &row, lines, &answer);
    gj_session_finish(domain, turn, session, GJ_OK, "", row.setl_id, GJ_ANSWER_SETTLEMENT, &answer);
}

void gj_settle_line(const struct gj_settlement_leg_row *leg, const char *account, struct gj_pay_line *ret) {
    const char *sub = gj_account_sub(account);
    memset(ret, 0, sizeof(*ret));
    gj_text_set(ret->payer, sizeof(ret->payer), leg->payer);
    gj_text_set(ret->binding_id, sizeof(ret->binding_id), leg->binding_id);
    gj_text_set(ret->relation, sizeof(ret->relation), leg->relation);
    gj_text_set(ret->payer_masked, sizeof(ret->payer_masked), leg->payer_masked);
    gj_text_set(ret->region, sizeof(ret->region), leg->region);
    gj_text_set(ret->acct_type, sizeof(ret->acct_type), sub != NULL ? sub : "other");
    ret->amount = leg->amount_fen;
    ret->refunded = leg->refunded_fen;
}

struct gj_settlement_leg_row *gj_settle_legs(struct gj_turn *turn, const char *setl_id, uint32_t *ret_n) {
    struct gj_settlement_leg_row key;
    struct gj_rows rows;
    memset(&key, 0, sizeof(key));
    gj_text_set(key.setl_id, sizeof(key.setl_id), setl_id);
    gj_store_find(turn->store, &gj_table_settlement_leg, NULL, &key, 1, NULL, GJ_LEGS_MAX, turn->scratch,
                  &rows);
    *ret_n = (uint32_t)rows.n;
    return rows.items;
}

bool gj_settle_find(struct gj_turn *turn, const char *setl_id, struct gj_settlement_row *ret) {
    memset(ret, 0, sizeof(*ret));
    if (gj_text_copy(ret->setl_id, sizeof(ret->setl_id), setl_id) != GJ_OK) return false;
    return gj_store_get(turn->store, &gj_table_settlement, ret, turn->scratch);
}

void gj_settle_answer(struct gj_turn *turn, const struct gj_settlement_row *row,
                      struct gj_pay_line lines[GJ_LEGS_MAX], struct gj_ans_settlement *ret) {
    struct gj_explain_list explain;
    struct gj_fault fault;
    memset(ret, 0, sizeof(*ret));
    gj_text_set(ret->setl_id, sizeof(ret->setl_id), row->setl_id);
    ret->txid = row->txid;
    gj_text_set(ret->state, sizeof(ret->state), row->state);
    ret->business_date = row->business_date;
    ret->medfee_sumamt = row->medfee_sumamt;
    ret->fund_pay_sumamt = row->fund_pay_sumamt;
    ret->psn_part_amt = row->psn_part_amt;
    ret->acct_pay = row->acct_pay;
    ret->acct_mulaid_pay = row->acct_mulaid_pay;
    ret->psn_cash_pay = row->psn_part_amt - row->acct_pay;
    ret->refunded = row->refunded_fen;
    struct gj_settlement_leg_row *legs = gj_settle_legs(turn, row->setl_id, &ret->n_payers);
    for (uint32_t i = 0; i < ret->n_payers; i++)
        gj_settle_line(&legs[i], legs[i].account, &lines[i]);
    ret->payers = lines;
    if (gj_shape_decode(&gj_shape_explain_list, row->explain, turn->scratch, &explain, &fault) != GJ_OK)
        return;
    ret->explain = explain.lines;
    ret->n_explain = explain.n_lines;
}

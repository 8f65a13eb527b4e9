/* SPDX-License-Identifier: Apache-2.0
 *
 * Money legs at a payer's node and at a coordinator: hold, post, release, refund; all or nothing.
 */
#include "unit/domain/books_world.h"

#define P1      "P/P1/prior"
#define P2      "P/P2/prior"
#define CARE    "450100" /* the place of care */
#define THERE   "330100" /* where the recipients of P1 and P2 are insured */
#define BETWEEN "R/360800/450100"

/* P1 and P2 of Ji'an pay for Q of Hangzhou. */
static struct world *world_with_payers(void) {
    struct world *w = world_new();
    world_person(w, "P1", "360800", "310", 500);
    world_person(w, "P2", "360800", "310", 300);
    world_bind(w, "B1", "P1", "360800", "Q", THERE, "child");
    world_bind(w, "B2", "P2", "360800", "Q", THERE, "child");
    return w;
}

/* A settlement of Q: his home's record is a leg of it. */
static void settle_init(struct world *w, struct tx *tx) {
    tx_init(w, tx, "settle", "450000");
    tx->home = THERE;
}

static void a_draw_is_held_then_posted(void **state) {
    (void)state;
    struct world *w = world_with_payers();
    struct tx tx;
    settle_init(w, &tx);
    tx_draw(&tx, "B1", P1, "360800", CARE, 120 * YUAN);
    tx_draw(&tx, "B2", P2, "360800", CARE, 300 * YUAN);
    assert_true(tx_hold(w, &tx));
    assert_int_equal(tx.n_facts, 0);
    assert_int_equal(world_balance(w, P1), 500 * YUAN);
    assert_int_equal(world_held(w, P1), 120 * YUAN);
    assert_int_equal(world_held(w, P2), 300 * YUAN);
    assert_int_equal(gj_usage_get(&w->turn, "P1", 2026), 120 * YUAN);
    assert_books_agree(w);
    tx_post(w, &tx);
    assert_int_equal(world_balance(w, P1), 380 * YUAN);
    assert_int_equal(world_held(w, P1), 0);
    assert_int_equal(world_balance(w, P2), 0);
    assert_int_equal(world_balance(w, BETWEEN), 420 * YUAN);
    assert_int_equal(gj_usage_get(&w->turn, "P1", 2026), 120 * YUAN);
    assert_books_agree(w);
    world_free(w);
}

static void a_released_draw_leaves_no_trace(void **state) {
    (void)state;
    struct world *w = world_with_payers();
    struct tx tx;
    settle_init(w, &tx);
    tx_draw(&tx, "B1", P1, "360800", CARE, 120 * YUAN);
    assert_true(tx_hold(w, &tx));
    tx_release(w, &tx);
    assert_int_equal(world_balance(w, P1), 500 * YUAN);
    assert_int_equal(world_held(w, P1), 0);
    assert_int_equal(gj_usage_get(&w->turn, "P1", 2026), 0);
    struct gj_hold_row hold = {.txid = tx.core.txid};
    assert_false(gj_store_get(w->store, &gj_table_hold, &hold, &w->scratch));
    assert_books_agree(w);
    world_free(w);
}

static void a_hold_is_all_or_nothing(void **state) {
    (void)state;
    struct world *w = world_with_payers();
    struct tx tx;
    settle_init(w, &tx);
    tx_draw(&tx, "B1", P1, "360800", CARE, 120 * YUAN);
    tx_draw(&tx, "B2", P2, "360800", CARE, 300 * YUAN + 1);
    uint64_t writes = w->store->writes;
    assert_false(tx_hold(w, &tx));
    assert_no(&tx, GJ_VOTE_COVER, GJ_ERR_NO_COVER, "R50");
    assert_int_equal(w->store->writes, writes);
    assert_int_equal(world_held(w, P1), 0);
    world_free(w);
}

static void what_is_held_is_not_available_again(void **state) {
    (void)state;
    struct world *w = world_with_payers();
    struct tx first, second;
    settle_init(w, &first);
    tx_draw(&first, "B1", P1, "360800", CARE, 400 * YUAN);
    assert_true(tx_hold(w, &first));
    settle_init(w, &second);
    tx_draw(&second, "B1", P1, "360800", CARE, 100 * YUAN + 1);
    assert_false(tx_hold(w, &second));
    assert_no(&second, GJ_VOTE_COVER, GJ_ERR_NO_COVER, "R50");
    second.legs[0].amount = 100 * YUAN;
    assert_true(tx_hold(w, &second));
    tx_release(w, &first);
    tx_post(w, &second);
    assert_int_equal(world_balance(w, P1), 400 * YUAN);
    assert_int_equal(world_held(w, P1), 0);
    assert_books_agree(w);
    world_free(w);
}

static void posting_goes_on_when_the_facts_changed_after_the_hold(void **state) {
    (void)state;
    struct world *w = world_with_payers();
    struct tx tx;
    settle_init(w, &tx);
    tx_draw(&tx, "B1", P1, "360800", CARE, 120 * YUAN);
    assert_true(tx_hold(w, &tx));
    world_set_status(w, "P1", "4", "liquidated");
    assert_true(gj_books_end_binding(&w->turn, "B1", "payer", TODAY));
    tx_post(w, &tx);
    assert_int_equal(world_balance(w, P1), 380 * YUAN);
    assert_books_agree(w);
    world_free(w);
}

/* --- what a PREPARE may get wrong ------------------------------------------------------------------------ */
static void wrong_account(struct world *w, struct tx *tx) {
    (void)w;
    gj_text_set(tx->details[0].account, sizeof(tx->details[0].account), "P/P1/current");
}
static void wrong_region(struct world *w, struct tx *tx) {
    (void)w;
    memcpy(tx->legs[0].from_region, "360100", 7);
}
static void wrong_kind(struct world *w, struct tx *tx) {
    (void)w;
    memcpy(tx->core.kind, "refund", 7);
}
static void wrong_type(struct world *w, struct tx *tx) {
    (void)w;
    memcpy(tx->details[0].type, "gift", 5);
}
static void wrong_use(struct world *w, struct tx *tx) {
    (void)w;
    memcpy(tx->details[0].use, "dinner", 7);
}
static void home_is_missing(struct world *w, struct tx *tx) {
    (void)w;
    tx->home = NULL;
}
/* To be listed is not to agree: what the home has to do must be the record of this payment. */
static void home_is_only_listed(struct world *w, struct tx *tx) {
    (void)w;
    tx->home = NULL;
    tx->core.n_participants = 2;
    memcpy(tx->participants[1].node, "330000", 7);
}
static void home_pays_something_else(struct world *w, struct tx *tx) {
    home_is_only_listed(w, tx);
    tx_leg_elsewhere(tx, "330000", THERE, CARE);
    tx->legs[1].amount = 1;
}
static void home_records_for_another_region(struct world *w, struct tx *tx) {
    home_is_only_listed(w, tx);
    tx_leg_elsewhere(tx, "330000", "330200", CARE);
}
static void to_a_third_node(struct world *w, struct tx *tx) {
    (void)w;
    memcpy(tx->legs[0].to_region, "130100", 7);
}
static void to_nobody(struct world *w, struct tx *tx) {
    (void)w;
    memcpy(tx->legs[0].to_region, "999999", 7);
}
static void binding_ended(struct world *w, struct tx *tx) {
    (void)tx;
    assert_true(gj_books_end_binding(&w->turn, "B1", "recipient", TODAY));
}
static void binding_unknown(struct world *w, struct tx *tx) {
    (void)w;
    memcpy(tx->details[0].binding_ref, "B9", 3);
}
static void payer_frozen(struct world *w, struct tx *tx) {
    (void)tx;
    world_set_status(w, "P1", "1", "frozen");
}
static void nothing_to_draw(struct world *w, struct tx *tx) {
    (void)w;
    tx->legs[0].amount = 0;
}
static void twice_one_account(struct world *w, struct tx *tx) {
    (void)w;
    tx_draw(tx, "B1", P1, "360800", CARE, 1);
}
static void detail_withheld(struct world *w, struct tx *tx) {
    (void)w;
    tx->view.n_parts = 0;
}
static void day_before_yesterday(struct world *w, struct tx *tx) {
    (void)w;
    tx->core.business_date = 20260313;
}
static void day_after_tomorrow(struct world *w, struct tx *tx) {
    (void)w;
    tx->core.business_date = 20260317;
}
static void no_day_at_all(struct world *w, struct tx *tx) {
    (void)w;
    tx->core.business_date = 20261399;
}
static void stranger_coordinates(struct world *w, struct tx *tx) {
    (void)w;
    memcpy(tx->core.txid.coordinator, "130000", 7);
}
static struct gj_pack_ref other_pack = {
    .region = "360800", .pack = "default", .version = 1, .digest = {{1, 2}}};
static void other_rule_book(struct world *w, struct tx *tx) {
    (void)w;
    tx->core.packs = &other_pack;
    tx->core.n_packs = 1;
}
static void over_the_cap(struct world *w, struct tx *tx) {
    (void)tx;
    w->pack[0].per_settlement_cap_fen = 100 * YUAN - 1;
}
static void under_the_floor(struct world *w, struct tx *tx) {
    (void)tx;
    w->pack[0].min_retention_fen = 400 * YUAN + 1;
}

static void each_wrong_draw_is_refused_with_its_own_class(void **state) {
    (void)state;
    static const struct {
        void (*spoil)(struct world *w, struct tx *tx);
        enum gj_vote_class class;
        enum gj_err code;
        const char *rule;
    } rows[] = {
        {wrong_account, GJ_VOTE_RULE, GJ_ERR_BAD_FIELD, ""},
        {wrong_region, GJ_VOTE_RULE, GJ_ERR_BAD_FIELD, ""},
        {wrong_kind, GJ_VOTE_RULE, GJ_ERR_BAD_FIELD, ""},
        {wrong_type, GJ_VOTE_RULE, GJ_ERR_BAD_FIELD, ""},
        {wrong_use, GJ_VOTE_RULE, GJ_ERR_BAD_FIELD, ""},
        {home_is_missing, GJ_VOTE_RULE, GJ_ERR_WRONG_NODE, ""},
        {home_is_only_listed, GJ_VOTE_RULE, GJ_ERR_WRONG_NODE, ""},
        {home_pays_something_else, GJ_VOTE_RULE, GJ_ERR_WRONG_NODE, ""},
        {home_records_for_another_region, GJ_VOTE_RULE, GJ_ERR_WRONG_NODE, ""},
        {to_a_third_node, GJ_VOTE_RULE, GJ_ERR_WRONG_NODE, ""},
        {to_nobody, GJ_VOTE_RULE, GJ_ERR_WRONG_NODE, ""},
        {binding_ended, GJ_VOTE_PLAN_STALE, GJ_ERR_PLAN_STALE, "R32"},
        {binding_unknown, GJ_VOTE_PLAN_STALE, GJ_ERR_PLAN_STALE, "R32"},
        {payer_frozen, GJ_VOTE_PLAN_STALE, GJ_ERR_PLAN_STALE, "R9"},
        {nothing_to_draw, GJ_VOTE_RULE, GJ_ERR_BAD_AMOUNT, ""},
        {twice_one_account, GJ_VOTE_RULE, GJ_ERR_BAD_FIELD, ""},
        {detail_withheld, GJ_VOTE_RULE, GJ_ERR_MISSING_FIELD, ""},
        {day_before_yesterday, GJ_VOTE_DATE, GJ_ERR_BAD_DATE, ""},
        {day_after_tomorrow, GJ_VOTE_DATE, GJ_ERR_BAD_DATE, ""},
        {no_day_at_all, GJ_VOTE_DATE, GJ_ERR_BAD_DATE, ""},
        {stranger_coordinates, GJ_VOTE_RULE, GJ_ERR_WRONG_NODE, ""},
        {other_rule_book, GJ_VOTE_PLAN_STALE, GJ_ERR_PLAN_STALE, "R25"},
        {over_the_cap, GJ_VOTE_COVER, GJ_ERR_NO_COVER, "R51"},
        {under_the_floor, GJ_VOTE_COVER, GJ_ERR_NO_COVER, "R49"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct world *w = world_with_payers();
        struct tx tx;
        settle_init(w, &tx);
        tx_draw(&tx, "B1", P1, "360800", CARE, 100 * YUAN);
        rows[i].spoil(w, &tx);
        uint64_t writes = w->store->writes;
        assert_false(tx_hold(w, &tx));
        assert_no(&tx, rows[i].class, rows[i].code, rows[i].rule);
        assert_int_equal(w->store->writes, writes);
        world_free(w);
    }
}

static void our_own_rule_book_and_the_neighbouring_days_are_fine(void **state) {
    (void)state;
    static const gj_date days[] = {20260314, TODAY, 20260316};
    for (size_t i = 0; i < 3; i++) {
        struct world *w = world_with_payers();
        struct tx tx;
        struct gj_pack_ref ref;
        settle_init(w, &tx);
        gj_pack_ref_of(&w->pack[0], "360800", &ref);
        tx.core.packs = &ref;
        tx.core.n_packs = 1;
        tx.core.business_date = days[i];
        tx_draw(&tx, "B1", P1, "360800", CARE, 100 * YUAN);
        assert_true(tx_hold(w, &tx));
        world_free(w);
    }
}

/* --- refund ---------------------------------------------------------------------------------------------- */
/* P1 pays 120 yuan; the refund goes back from Nanning to Ji'an. */
static struct world *world_with_payment(struct tx *original) {
    struct world *w = world_with_payers();
    settle_init(w, original);
    tx_draw(original, "B1", P1, "360800", CARE, 120 * YUAN);
    assert_true(tx_hold(w, original));
    tx_post(w, original);
    return w;
}

static void refund_init(struct world *w, struct tx *tx, const struct tx *original, int64_t amount_fen) {
    tx_init(w, tx, "refund", "450000");
    struct gj_leg_detail *detail = tx_leg(tx, "refund", SELF, CARE, "360800", amount_fen);
    detail->original = original->core.txid;
    detail->original_leg = 0;
    tx->view.original = &original->core;
}

static void a_refund_goes_back_to_the_same_account_in_parts(void **state) {
    (void)state;
    struct tx original, first, second, third;
    struct world *w = world_with_payment(&original);
    refund_init(w, &first, &original, 50 * YUAN);
    assert_true(tx_hold(w, &first));
    assert_int_equal(first.n_facts, 1);
    assert_int_equal(first.facts[0].leg, 0);
    assert_string_equal(first.facts[0].account, P1);
    assert_int_equal(world_balance(w, P1), 380 * YUAN);
    assert_books_agree(w);
    tx_post(w, &first);
    assert_int_equal(world_balance(w, P1), 430 * YUAN);
    assert_int_equal(world_balance(w, BETWEEN), 70 * YUAN);
    assert_int_equal(gj_usage_get(&w->turn, "P1", 2026), 70 * YUAN);
    refund_init(w, &second, &original, 70 * YUAN);
    assert_true(tx_hold(w, &second));
    tx_post(w, &second);
    assert_int_equal(world_balance(w, P1), 500 * YUAN);
    assert_int_equal(world_balance(w, BETWEEN), 0);
    refund_init(w, &third, &original, 1);
    assert_false(tx_hold(w, &third));
    assert_no(&third, GJ_VOTE_RULE, GJ_ERR_EXCEEDS_ORIGINAL, "R80");
    assert_books_agree(w);
    world_free(w);
}

static void a_refund_waits_for_another_that_is_only_prepared(void **state) {
    (void)state;
    struct tx original, first, second;
    struct world *w = world_with_payment(&original);
    refund_init(w, &first, &original, 100 * YUAN);
    assert_true(tx_hold(w, &first));
    refund_init(w, &second, &original, 20 * YUAN + 1);
    assert_false(tx_hold(w, &second));
    assert_no(&second, GJ_VOTE_BUSY, GJ_ERR_BUSY, "R80");
    tx_release(w, &first);
    assert_int_equal(gj_usage_get(&w->turn, "P1", 2026), 120 * YUAN);
    assert_true(tx_hold(w, &second));
    tx_post(w, &second);
    assert_int_equal(world_balance(w, P1), 400 * YUAN + 1);
    assert_books_agree(w);
    world_free(w);
}

static void a_refund_counts_in_the_year_of_its_original(void **state) {
    (void)state;
    struct tx original, refund;
    struct world *w = world_with_payment(&original);
    w->turn.now.wall.ms += INT64_C(366) * 86400000;
    refund_init(w, &refund, &original, 120 * YUAN);
    refund.core.business_date = gj_date_of(w->turn.now.wall);
    assert_int_equal(refund.core.business_date / 10000, 2027);
    assert_true(tx_hold(w, &refund));
    tx_post(w, &refund);
    assert_int_equal(gj_usage_get(&w->turn, "P1", 2026), 0);
    assert_int_equal(gj_usage_get(&w->turn, "P1", 2027), 0);
    assert_books_agree(w);
    world_free(w);
}

static void a_refund_of_nothing_known_is_refused(void **state) {
    (void)state;
    struct tx original, refund;
    struct world *w = world_with_payment(&original);
    refund_init(w, &refund, &original, 1);
    refund.details[0].original_leg = 1;
    assert_false(tx_hold(w, &refund));
    assert_no(&refund, GJ_VOTE_RULE, GJ_ERR_NOT_FOUND, "R80");
    refund_init(w, &refund, &original, 1);
    memcpy(refund.core.txid.coordinator, "330000", 7);
    memcpy(refund.core.sender, "330000", 6);
    assert_false(tx_hold(w, &refund));
    assert_no(&refund, GJ_VOTE_RULE, GJ_ERR_WRONG_NODE, "");
    refund_init(w, &refund, &original, 1);
    memcpy(refund.legs[0].to_region, "360100", 7);
    assert_false(tx_hold(w, &refund));
    assert_no(&refund, GJ_VOTE_RULE, GJ_ERR_BAD_FIELD, "R80");
    world_free(w);
}

/* R81: who left gets it by the pack of the original's day; a closed account always by suspense. */
static void where_a_late_refund_goes(void **state) {
    (void)state;
    static const struct {
        bool ended, closed;
        enum gj_refund_after_exit pack;
        const char *account;
        uint32_t cases;
    } rows[] = {
        {false, false, GJ_REFUND_TO_SUSPENSE, P1, 0},
        {true, false, GJ_REFUND_TO_SUSPENSE, "P/P1/suspense", 0},
        {true, false, GJ_REFUND_TO_ORIGIN, P1, 0},
        {false, true, GJ_REFUND_TO_ORIGIN, "P/P1/suspense", 1},
        {true, true, GJ_REFUND_TO_ORIGIN, "P/P1/suspense", 1},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct tx original, refund;
        struct world *w = world_with_payment(&original);
        w->pack[0].refund_after_exit = rows[i].pack;
        if (rows[i].ended) assert_true(gj_books_end_binding(&w->turn, "B1", "payer", TODAY));
        if (rows[i].closed) world_set_status(w, "P1", "4", "liquidated");
        refund_init(w, &refund, &original, 20 * YUAN);
        assert_true(tx_hold(w, &refund));
        assert_string_equal(refund.facts[0].account, rows[i].account);
        tx_post(w, &refund);
        assert_int_equal(w->events.n, rows[i].cases);
        assert_int_equal(world_balance(w, BETWEEN), 100 * YUAN);
        assert_books_agree(w);
        world_free(w);
    }
}

/* A pack that came after the payment has no say in its refund. */
static void a_refund_stands_under_the_pack_of_its_original(void **state) {
    (void)state;
    struct tx original, refund;
    struct world *w = world_with_payment(&original);
    w->pack[0].valid_to = TODAY;
    world_default_pack(&w->pack[1]);
    w->pack[1].valid_from = 20260316;
    w->pack[1].refund_after_exit = GJ_REFUND_TO_ORIGIN;
    w->packs.n = 2;
    assert_true(gj_books_end_binding(&w->turn, "B1", "payer", TODAY));
    w->turn.now.wall.ms += INT64_C(5) * 86400000;
    refund_init(w, &refund, &original, 20 * YUAN);
    refund.core.business_date = 20260320;
    assert_true(tx_hold(w, &refund));
    assert_string_equal(refund.facts[0].account, "P/P1/suspense");
    world_free(w);
}

static void a_refund_is_never_refused_for_a_status(void **state) {
    (void)state;
    struct tx original, refund;
    struct world *w = world_with_payment(&original);
    world_set_status(w, "P1", "2", "frozen");
    w->pack[0].per_settlement_cap_fen = 1;
    refund_init(w, &refund, &original, 120 * YUAN);
    assert_true(tx_hold(w, &refund));
    assert_string_equal(refund.facts[0].account, P1);
    world_free(w);
}

/* --- both ends ---------------------------------------------------------------------------------------------- */
static void the_place_of_care_books_the_other_end(void **state) {
    (void)state;
    struct world *w = world_new();
    struct tx settle, refund;
    tx_init(w, &settle, "settle", SELF);
    tx_leg(&settle, "draw", "330000", "330100", "360800", 80 * YUAN);
    tx_leg(&settle, "draw", SELF, "360800", "360800", 20 * YUAN);
    tx_leg(&settle, "consume", "330000", "330100", "360800", 0);
    gj_books_post_destination(&w->books, &w->turn, &settle.core, "H36080000001", "S1");
    assert_int_equal(world_balance(w, "I/H36080000001"), 100 * YUAN);
    assert_int_equal(world_balance(w, "R/330100/360800"), -80 * YUAN);
    assert_int_equal(world_balance(w, "R/360800/360800"), -20 * YUAN);
    tx_init(w, &refund, "refund", SELF);
    tx_leg(&refund, "refund", "330000", "360800", "330100", 30 * YUAN);
    gj_books_post_destination(&w->books, &w->turn, &refund.core, "H36080000001", "S1");
    assert_int_equal(world_balance(w, "I/H36080000001"), 70 * YUAN);
    assert_int_equal(world_balance(w, "R/330100/360800"), -50 * YUAN);
    assert_books_agree(w);
    world_free(w);
}

static void within_one_node_the_regions_net_to_zero(void **state) {
    (void)state;
    struct world *w = world_with_payers();
    struct tx tx;
    settle_init(w, &tx);
    memcpy(tx.core.txid.coordinator, SELF, 7);
    tx.view.is_coordinator = true;
    tx_draw(&tx, "B1", P1, "360800", "360100", 120 * YUAN);
    assert_true(tx_hold(w, &tx));
    tx_post(w, &tx);
    gj_books_post_destination(&w->books, &w->turn, &tx.core, "H36010000001", "S1");
    assert_int_equal(world_balance(w, P1), 380 * YUAN);
    assert_int_equal(world_balance(w, "R/360800/360100"), 0);
    assert_int_equal(world_balance(w, "I/H36010000001"), 120 * YUAN);
    assert_books_agree(w);
    world_free(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_draw_is_held_then_posted),
        cmocka_unit_test(a_released_draw_leaves_no_trace),
        cmocka_unit_test(a_hold_is_all_or_nothing),
        cmocka_unit_test(what_is_held_is_not_available_again),
        cmocka_unit_test(posting_goes_on_when_the_facts_changed_after_the_hold),
        cmocka_unit_test(each_wrong_draw_is_refused_with_its_own_class),
        cmocka_unit_test(our_own_rule_book_and_the_neighbouring_days_are_fine),
        cmocka_unit_test(a_refund_goes_back_to_the_same_account_in_parts),
        cmocka_unit_test(a_refund_waits_for_another_that_is_only_prepared),
        cmocka_unit_test(a_refund_counts_in_the_year_of_its_original),
        cmocka_unit_test(a_refund_of_nothing_known_is_refused),
        cmocka_unit_test(where_a_late_refund_goes),
        cmocka_unit_test(a_refund_stands_under_the_pack_of_its_original),
        cmocka_unit_test(a_refund_is_never_refused_for_a_status),
        cmocka_unit_test(the_place_of_care_books_the_other_end),
        cmocka_unit_test(within_one_node_the_regions_net_to_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

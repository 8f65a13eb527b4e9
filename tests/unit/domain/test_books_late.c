/* SPDX-License-Identifier: Apache-2.0
 *
 * Legs whose truth comes late: posted without a hold, or undone after they were posted by hand. The far end is booked
 * already, so the pair's account must show the whole leg whatever the person's account still has.
 */
#include "unit/domain/books_world.h"

#define P1         "P/P1/prior"
#define CARE       "450100"
#define THERE      "330100"
#define BETWEEN    "R/360800/450100"
#define DIFFERENCE "D/360800"

static const struct gj_vote_facts no_facts;

static struct world *world_with_payer(struct tx *tx, int64_t amount_yuan) {
    struct world *w = world_new();
    world_person(w, "P1", "360800", "310", 500);
    world_bind(w, "B1", "P1", "360800", "Q", THERE, "child");
    tx_init(w, tx, "settle", "450000");
    tx->home = THERE;
    tx_draw(tx, "B1", P1, "360800", CARE, amount_yuan * YUAN);
    assert_true(tx_hold(w, tx));
    return w;
}

static int64_t adopt(struct world *w, struct tx *tx) {
    const struct gj_vote_facts facts = {.facts = tx->facts, .n_facts = tx->n_facts};
    return gj_books_adopt(&w->books, &w->turn, &tx->view, &facts);
}

static int64_t undo(struct world *w, struct tx *tx) {
    const struct gj_vote_facts facts = {.facts = tx->facts, .n_facts = tx->n_facts};
    return gj_books_undo(&w->books, &w->turn, &tx->view, &facts);
}

/* Somebody else's draw takes |yuan| of the account meanwhile. */
static void spend(struct world *w, int64_t yuan) {
    struct tx tx;
    tx_init(w, &tx, "settle", "450000");
    tx.home = THERE;
    tx_draw(&tx, "B1", P1, "360800", "450200", yuan * YUAN);
    assert_true(tx_hold(w, &tx));
    tx_post(w, &tx);
}

static void a_draw_is_adopted_as_if_it_had_been_held(void **state) {
    (void)state;
    struct tx tx;
    struct world *w = world_with_payer(&tx, 120);
    tx_release(w, &tx);
    assert_int_equal(adopt(w, &tx), 0);
    assert_int_equal(world_balance(w, P1), 380 * YUAN);
    assert_int_equal(world_balance(w, BETWEEN), 120 * YUAN);
    assert_int_equal(world_balance(w, DIFFERENCE), 0);
    assert_int_equal(gj_usage_get(&w->turn, "P1", 2026), 120 * YUAN);
    struct gj_paid_row paid = {.txid = tx.core.txid};
    assert_true(gj_store_get(w->store, &gj_table_paid, &paid, &w->scratch));
    assert_string_equal(paid.person_ref, "P1");
    assert_string_equal(paid.binding_ref, "B1");
    assert_books_agree(w);
    world_free(w);
}

static void what_the_account_has_not_is_the_regions(void **state) {
    (void)state;
    struct tx tx;
    struct world *w = world_with_payer(&tx, 120);
    tx_release(w, &tx);
    spend(w, 430);
    assert_int_equal(adopt(w, &tx), 50 * YUAN);
    assert_int_equal(world_balance(w, P1), 0);
    assert_int_equal(world_balance(w, BETWEEN), 120 * YUAN); /* the whole leg, as at the other end */
    assert_int_equal(world_balance(w, DIFFERENCE), -50 * YUAN);
    assert_books_agree(w);
    world_free(w);
}

/* What others hold is not taken: their commit may not fail. */
static void held_money_is_not_taken(void **state) {
    (void)state;
    struct tx tx, other;
    struct world *w = world_with_payer(&tx, 120);
    tx_release(w, &tx);
    tx_init(w, &other, "settle", "450000");
    other.home = THERE;
    tx_draw(&other, "B1", P1, "360800", CARE, 450 * YUAN);
    assert_true(tx_hold(w, &other));
    assert_int_equal(adopt(w, &tx), 70 * YUAN);
    assert_int_equal(world_balance(w, P1), 450 * YUAN);
    tx_post(w, &other);
    assert_int_equal(world_balance(w, P1), 0);
    assert_books_agree(w);
    world_free(w);
}

/* A store that was put back knows neither person nor account. */
static void a_stranger_is_adopted_too(void **state) {
    (void)state;
    struct world *w = world_new();
    struct tx tx;
    tx_init(w, &tx, "settle", "450000");
    tx_draw(&tx, "B9", "P/P9/prior", "360800", CARE, 30 * YUAN);
    assert_int_equal(adopt(w, &tx), 30 * YUAN);
    assert_int_equal(world_balance(w, BETWEEN), 30 * YUAN);
    assert_int_equal(world_balance(w, DIFFERENCE), -30 * YUAN);
    assert_books_agree(w);
    world_free(w);
}

static void a_posted_draw_is_mirrored(void **state) {
    (void)state;
    struct tx tx;
    struct world *w = world_with_payer(&tx, 120);
    tx_post(w, &tx);
    assert_int_equal(undo(w, &tx), 0);
    assert_int_equal(world_balance(w, P1), 500 * YUAN);
    assert_int_equal(world_balance(w, BETWEEN), 0);
    assert_int_equal(gj_usage_get(&w->turn, "P1", 2026), 0);
    assert_books_agree(w);
    struct gj_posting_row line = {.line = 0};
    gj_entry_id(line.entry, &tx.core.txid, 0, "m");
    assert_true(gj_store_get(w->store, &gj_table_posting, &line, &w->scratch));
    assert_string_equal(line.kind, "mirror");
    assert_int_equal(line.date, TODAY);
    world_free(w);
}

static void who_has_left_gets_it_in_suspense(void **state) {
    (void)state;
    struct tx tx;
    struct world *w = world_with_payer(&tx, 120);
    tx_post(w, &tx);
    world_set_status(w, "P1", "1", "liquidated");
    assert_int_equal(undo(w, &tx), 0);
    assert_int_equal(world_balance(w, "P/P1/suspense"), 120 * YUAN);
    assert_books_agree(w);
    world_free(w);
}

/* --- refunds ---------------------------------------------------------------------------------------------- */

static void refund_init(struct world *w, const struct tx *of, struct tx *tx, int64_t yuan) {
    tx_init(w, tx, "refund", "450000");
    struct gj_leg_detail *detail = tx_leg(tx, "refund", SELF, CARE, "360800", yuan * YUAN);
    detail->original = of->core.txid;
    gj_text_set(detail->account, sizeof(detail->account), P1);
}

static void a_refund_is_adopted_up_to_what_is_left(void **state) {
    (void)state;
    struct tx tx, refund, other;
    struct world *w = world_with_payer(&tx, 120);
    tx_post(w, &tx);
    refund_init(w, &tx, &refund, 100);
    assert_true(tx_hold(w, &refund));
    tx_release(w, &refund);
    refund_init(w, &tx, &other, 90);
    assert_true(tx_hold(w, &other));
    tx_post(w, &other);
    assert_int_equal(adopt(w, &refund), 70 * YUAN);
    assert_int_equal(world_balance(w, BETWEEN), -70 * YUAN); /* both legs whole: 120 - 90 - 100 */
    assert_int_equal(world_balance(w, P1), 500 * YUAN);
    assert_int_equal(world_balance(w, DIFFERENCE), 70 * YUAN);
    assert_books_agree(w);
    world_free(w);
}

static void a_refund_that_was_spent_is_mirrored_by_the_region(void **state) {
    (void)state;
    struct tx tx, refund;
    struct world *w = world_with_payer(&tx, 120);
    tx_post(w, &tx);
    refund_init(w, &tx, &refund, 100);
    assert_true(tx_hold(w, &refund));
    tx_post(w, &refund);
    spend(w, 450);
    assert_int_equal(undo(w, &refund), 70 * YUAN);
    assert_int_equal(world_balance(w, P1), 0);
    assert_int_equal(world_balance(w, BETWEEN), 120 * YUAN);
    assert_int_equal(world_balance(w, DIFFERENCE), -70 * YUAN);
    assert_books_agree(w);
    world_free(w);
}

/* --- the home's record, bindings ---------------------------------------------------------------------------- */

static void the_homes_record_follows(void **state) {
    (void)state;
    struct world *w = world_new();
    struct tx tx, refund;
    struct gj_consumption_row row = {.refunded_fen = 0};
    tx_init(w, &tx, "settle", "450000");
    struct gj_leg_detail *detail = tx_leg(&tx, "consume", SELF, "360800", CARE, 0);
    gj_text_set(detail->person_ref, sizeof(detail->person_ref), "P1");
    detail->acct_pay = 120 * YUAN;
    assert_int_equal(adopt(w, &tx), 0);
    tx_init(w, &refund, "refund", "450000");
    tx_leg_elsewhere(&refund, "330000", CARE, "330100");
    refund.legs[0].amount = 50 * YUAN;
    detail = tx_leg(&refund, "unconsume", SELF, CARE, "360800", 0);
    detail->original = tx.core.txid;
    row.txid = tx.core.txid;
    assert_int_equal(adopt(w, &refund), 0);
    assert_true(gj_store_get(w->store, &gj_table_consumption, &row, &w->scratch));
    assert_int_equal(row.refunded_fen, 50 * YUAN);
    assert_int_equal(undo(w, &refund), 0);
    assert_true(gj_store_get(w->store, &gj_table_consumption, &row, &w->scratch));
    assert_int_equal(row.refunded_fen, 0);
    assert_int_equal(undo(w, &tx), 0);
    assert_true(gj_store_get(w->store, &gj_table_consumption, &row, &w->scratch));
    assert_int_equal(row.refunded_fen, 120 * YUAN);
    world_free(w);
}

static void a_binding_is_made_or_ended(void **state) {
    (void)state;
    struct world *w = world_new();
    struct tx tx;
    struct gj_binding_row row;
    world_person(w, "P1", "360800", "310", 500);
    world_bind_tx(w, &tx, "B1", "P1", "360800", "Q", THERE, "child");
    assert_int_equal(adopt(w, &tx), 0);
    assert_true(gj_binding_get(&w->turn, "B1", GJ_SIDE_PAYER, &row));
    assert_string_equal(row.state, "active");
    assert_int_equal(undo(w, &tx), 0);
    assert_true(gj_binding_get(&w->turn, "B1", GJ_SIDE_PAYER, &row));
    assert_string_equal(row.state, "ended");
    assert_int_equal(adopt(w, &tx), 0); /* what was ended since stays ended */
    assert_true(gj_binding_get(&w->turn, "B1", GJ_SIDE_PAYER, &row));
    assert_string_equal(row.state, "ended");
    assert_int_equal(gj_books_adopt(&w->books, &w->turn, &tx.view, &no_facts), 0);
    world_free(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_draw_is_adopted_as_if_it_had_been_held),
        cmocka_unit_test(what_the_account_has_not_is_the_regions),
        cmocka_unit_test(held_money_is_not_taken),
        cmocka_unit_test(a_stranger_is_adopted_too),
        cmocka_unit_test(a_posted_draw_is_mirrored),
        cmocka_unit_test(who_has_left_gets_it_in_suspense),
        cmocka_unit_test(a_refund_is_adopted_up_to_what_is_left),
        cmocka_unit_test(a_refund_that_was_spent_is_mirrored_by_the_region),
        cmocka_unit_test(the_homes_record_follows),
        cmocka_unit_test(a_binding_is_made_or_ended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

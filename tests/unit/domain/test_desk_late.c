/* SPDX-License-Identifier: Apache-2.0
 *
 * What comes late, on real engines: two people decide by hand while the line to the coordinator is cut, and the truth
 * comes when it is back; and what is asked for after so many years that nobody need have a record of it.
 */
#include "desk_world.h"

#define PATIENT 10u
#define P1      11u
#define DAY_MS  INT64_C(86400000)

static struct desk *payer_in_the_east(struct gj_req_bill *bill) {
    char binding[GJ_REF_MAX + 1];
    struct desk *desk = desk_new();
    desk_person(desk, PATIENT, "360800", "310", Y(0));
    desk_person(desk, P1, "330200", "310", Y(100));
    desk_bind(desk, P1, "330200", PATIENT, "360800", binding);
    desk_bill(desk, bill, PATIENT, "360800", Y(300), Y(100));
    return desk;
}

/* Nothing of |from| comes to |to| any more, once |pass| parcels are through. */
static void mute(struct desk *desk, size_t from, size_t to, unsigned pass) {
    desk->mute[from][to] = true;
    desk->pass[from][to] = pass;
}

/* The transaction that is in doubt in the east. */
static struct gj_txid doubt(struct desk *desk) {
    const struct gj_req_get get = {.what = "transactions", .state = "PREPARED"};
    const void *answer = NULL;
    assert_int_equal(desk_ask(desk, EAST, GJ_REQUEST_GET, &get, &answer), GJ_ANSWER_TRANSACTIONS);
    const struct gj_ans_transactions *list = answer;
    assert_int_equal(list->n_transactions, 1);
    return list->transactions[0].txid;
}

static void by_hand(struct desk *desk, const struct gj_txid *txid, const char *outcome) {
    struct gj_req_resolve req = {.reason = "the line was cut", .evidence = "letter 7", .operator= "li" };
    const void *answer = NULL;
    gj_txid_format(req.id, txid);
    gj_text_set(req.outcome, sizeof(req.outcome), outcome);
    desk_refused(desk, EAST, GJ_REQUEST_CONFIRM, &req, "refused", GJ_ERR_DUAL_CONTROL, "");
    assert_int_equal(desk_ask(desk, EAST, GJ_REQUEST_PROPOSE, &req, &answer), GJ_ANSWER_RESOLUTION);
    gj_text_set(req.operator, sizeof(req.operator), "wang");
    assert_int_equal(desk_ask(desk, EAST, GJ_REQUEST_CONFIRM, &req, &answer), GJ_ANSWER_RESOLUTION);
    const struct gj_ans_resolution *resolution = answer;
    assert_string_equal(resolution->state, "confirmed");
}

static void expect_one_case(struct desk *desk, const char *what, int64_t difference_fen) {
    const struct gj_req_get get = {.what = "cases"};
    const void *answer = NULL;
    assert_int_equal(desk_ask(desk, EAST, GJ_REQUEST_GET, &get, &answer), GJ_ANSWER_CASES);
    const struct gj_ans_cases *cases = answer;
    assert_int_equal(cases->n_cases, 1);
    assert_string_equal(cases->cases[0].what, what);
    assert_int_equal(cases->cases[0].difference, difference_fen);
    assert_true(cases->cases[0].has_evidence);
}

static void an_abort_by_hand_and_it_was_committed(void **state) {
    (void)state;
    struct gj_req_bill bill;
    struct desk *desk = payer_in_the_east(&bill);
    mute(desk, CARE, EAST, 2); /* the cover question and the PREPARE; then silence */
    (void)desk_settle(desk, &bill, 0);
    struct gj_txid txid = doubt(desk);
    by_hand(desk, &txid, "abort");
    assert_int_equal(desk_balance(desk, EAST, "P/p11/prior"), Y(100));
    desk->mute[CARE][EAST] = false;
    desk_books_agree(desk);
    assert_int_equal(desk_balance(desk, EAST, "P/p11/prior"), 0);
    assert_int_equal(desk_balance(desk, EAST, "R/330200/450100"), Y(100));
    expect_one_case(desk, "manual_abort_failed", 0);
    desk_free(desk);
}

static void a_commit_by_hand_and_it_was_aborted(void **state) {
    (void)state;
    struct gj_req_bill bill;
    struct desk *desk = payer_in_the_east(&bill);
    mute(desk, CARE, EAST, 2);
    mute(desk, EAST, CARE, 1); /* the cover; the YES is lost */
    desk_expect_cash(&bill, 0);
    desk_refused(desk, CARE, GJ_REQUEST_SETTLE, &bill, "refused", GJ_ERR_PLAN_CHANGED, "");
    struct gj_txid txid = doubt(desk);
    by_hand(desk, &txid, "commit");
    assert_int_equal(desk_balance(desk, EAST, "P/p11/prior"), 0);
    assert_int_equal(desk_balance(desk, EAST, "R/330200/450100"), Y(100));
    desk->mute[CARE][EAST] = false;
    desk->mute[EAST][CARE] = false;
    (void)gj_cluster_run(desk->cluster, desk_never, NULL, 120000);
    desk_books_agree(desk);
    assert_int_equal(desk_balance(desk, EAST, "P/p11/prior"), Y(100));
    assert_int_equal(desk_balance(desk, EAST, "R/330200/450100"), 0);
    expect_one_case(desk, "manual_commit_failed", 0);
    desk_free(desk);
}

/* --- years later ------------------------------------------------------------------------------------------ */

static void what_is_too_old_is_not_undone(void **state) {
    (void)state;
    struct gj_req_bill bill;
    struct desk *desk = payer_in_the_east(&bill);
    struct gj_ans_settlement settlement = desk_settle(desk, &bill, 0);
    struct gj_req_refund refund = {.amount = Y(10)};
    struct gj_req_reverse reverse = {.oinfno = ""};
    const void *answer = NULL;
    gj_text_set(refund.sender, sizeof(refund.sender), HOSPITAL);
    gj_text_set(refund.setl_id, sizeof(refund.setl_id), settlement.setl_id);
    gj_text_set(reverse.sender, sizeof(reverse.sender), HOSPITAL);
    gj_text_set(reverse.omsgid, sizeof(reverse.omsgid), bill.msgid);

    gj_cluster_advance(desk->cluster, GJ_REFUND_HORIZON_DAYS * DAY_MS - DAY_MS);
    desk_msgid(desk, refund.msgid);
    assert_int_equal(desk_ask(desk, CARE, GJ_REQUEST_REFUND, &refund, &answer), GJ_ANSWER_REFUND);
    desk_books_agree(desk);
    gj_cluster_advance(desk->cluster, 2 * DAY_MS);
    desk_msgid(desk, refund.msgid);
    desk_refused(desk, CARE, GJ_REQUEST_REFUND, &refund, "refused", GJ_ERR_TOO_OLD, "");
    desk_refused(desk, CARE, GJ_REQUEST_REVERSE, &reverse, "refused", GJ_ERR_TOO_OLD,
                 ""); /* never "reversed" */
    desk_books_agree(desk);
    assert_int_equal(desk_balance(desk, EAST, "P/p11/prior"), Y(10));
    desk_free(desk);
}

/* --- what passes by itself ---------------------------------------------------------------------------------- */

static bool has_heard_an_error(void *ctx) {
    struct desk *desk = ctx;
    return gj_cluster_events(desk->cluster, CARE, GJ_EVENT_PEER_ERROR) > 0;
}

static bool is_answered(void *ctx) {
    struct desk *desk = ctx;
    return gj_cluster_is_answered(desk->cluster, desk->ticket);
}

/* The home has just started and has not heard everybody: it says so, and the settlement is tried again, not refused. */
static void a_home_behind_its_gate_is_asked_again(void **state) {
    (void)state;
    struct gj_req_bill bill;
    const void *answer = NULL;
    struct desk *desk = payer_in_the_east(&bill);
    mute(desk, NORTH, HOME, 0);
    gj_cluster_crash(desk->cluster, HOME);
    gj_cluster_restart(desk->cluster, HOME, GJ_WITNESS_DOUBTFUL);
    (void)gj_cluster_run(desk->cluster, desk_never, NULL, 5000);
    desk_expect_cash(&bill, 0);
    desk->ticket = gj_cluster_submit(desk->cluster, CARE, GJ_REQUEST_SETTLE, &bill);
    assert_true(gj_cluster_run(desk->cluster, has_heard_an_error, desk, 5000));
    assert_false(is_answered(desk));
    desk->mute[NORTH][HOME] = false;
    assert_true(gj_cluster_run(desk->cluster, is_answered, desk, 20000));
    assert_int_equal(gj_cluster_answer(desk->cluster, desk->ticket, &answer), GJ_ANSWER_SETTLEMENT);
    desk_books_agree(desk);
    desk_free(desk);
}

/* As long as it lasts it is refused in the end, and for good: a late copy of the message must do nothing. */
static void not_for_ever(void **state) {
    (void)state;
    struct gj_req_bill bill;
    struct desk *desk = payer_in_the_east(&bill);
    mute(desk, NORTH, HOME, 0);
    gj_cluster_crash(desk->cluster, HOME);
    gj_cluster_restart(desk->cluster, HOME, GJ_WITNESS_DOUBTFUL);
    (void)gj_cluster_run(desk->cluster, desk_never, NULL, 5000);
    desk_expect_cash(&bill, 0);
    desk_refused(desk, CARE, GJ_REQUEST_SETTLE, &bill, "refused", GJ_ERR_GATE, "");
    desk->mute[NORTH][HOME] = false;
    (void)gj_cluster_run(desk->cluster, desk_never, NULL, 5000);
    desk_refused(desk, CARE, GJ_REQUEST_SETTLE, &bill, "refused", GJ_ERR_GATE, "");
    desk_books_agree(desk);
    desk_free(desk);
}

/* A refund that a crash interrupted comes again while another one runs: it stays what it was, in progress. */
static void an_interrupted_refund_waits_for_the_other(void **state) {
    (void)state;
    struct gj_req_bill bill;
    const void *answer = NULL;
    struct desk *desk = payer_in_the_east(&bill);
    struct gj_ans_settlement settlement = desk_settle(desk, &bill, 0);
    struct gj_req_refund first = {.amount = Y(10)}, second;
    gj_text_set(first.sender, sizeof(first.sender), HOSPITAL);
    gj_text_set(first.setl_id, sizeof(first.setl_id), settlement.setl_id);
    second = first;
    desk_msgid(desk, first.msgid);
    desk_msgid(desk, second.msgid);
    mute(desk, CARE, EAST, 0);
    (void)gj_cluster_submit(desk->cluster, CARE, GJ_REQUEST_REFUND, &first);
    assert_true(gj_cluster_step_node(desk->cluster, CARE));
    gj_cluster_crash(desk->cluster, CARE);
    gj_cluster_restart(desk->cluster, CARE, GJ_WITNESS_EQUAL_OR_BEHIND);
    desk->mute[CARE][EAST] = false;
    (void)gj_cluster_run(desk->cluster, desk_never, NULL, 5000);
    mute(desk, CARE, EAST, 0);
    desk->ticket = gj_cluster_submit(desk->cluster, CARE, GJ_REQUEST_REFUND, &second);
    (void)gj_cluster_step_node(desk->cluster, CARE);
    desk_refused(desk, CARE, GJ_REQUEST_REFUND, &first, "in_progress", GJ_ERR_IN_PROGRESS, "");
    desk->mute[CARE][EAST] = false;
    assert_true(gj_cluster_run(desk->cluster, is_answered, desk, 20000));
    assert_int_equal(desk_ask(desk, CARE, GJ_REQUEST_REFUND, &first, &answer), GJ_ANSWER_REFUND);
    desk_books_agree(desk);
    assert_int_equal(desk_balance(desk, EAST, "P/p11/prior"), Y(20));
    desk_free(desk);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_abort_by_hand_and_it_was_committed),
        cmocka_unit_test(a_commit_by_hand_and_it_was_aborted),
        cmocka_unit_test(what_is_too_old_is_not_undone),
        cmocka_unit_test(a_home_behind_its_gate_is_asked_again),
        cmocka_unit_test(not_for_ever),
        cmocka_unit_test(an_interrupted_refund_waits_for_the_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Bind, plan and settle across four provinces: who pays, what is refused and how, what is idempotent.
 */
#include "desk_world.h"

#define PATIENT 10
#define P1      11
#define P2      12

/* The patient in one province, payers in two others, the place of care in the fourth. */
static struct desk *two_payers(char b1[GJ_REF_MAX + 1], char b2[GJ_REF_MAX + 1]) {
    struct desk *desk = desk_new();
    desk_person(desk, PATIENT, "360800", "310", Y(30));
    desk_person(desk, P1, "330200", "310", Y(100));
    desk_person(desk, P2, "130100", "310", Y(500));
    desk_bind(desk, P1, "330200", PATIENT, "360800", b1);
    desk_bind(desk, P2, "130100", PATIENT, "360800", b2);
    return desk;
}

static void a_cascade_over_three_provinces(void **state) {
    (void)state;
    char b1[GJ_REF_MAX + 1], b2[GJ_REF_MAX + 1];
    struct desk *desk = two_payers(b1, b2);
    struct gj_req_bill bill;
    const void *answer = NULL;
    desk_bill(desk, &bill, PATIENT, "360800", Y(500), Y(400));

    assert_int_equal(desk_ask(desk, CARE, GJ_REQUEST_PLAN, &bill, &answer), GJ_ANSWER_PLAN);
    const struct gj_ans_plan *plan = answer;
    assert_int_equal(plan->acct_pay, Y(400));
    assert_int_equal(plan->acct_mulaid_pay, Y(370));
    assert_int_equal(plan->psn_cash_pay, 0);
    assert_int_equal(plan->n_payers, 3);
    assert_string_equal(plan->payers[1].binding_id, b1);
    assert_int_equal(plan->payers[1].amount, Y(100));
    assert_string_equal(plan->payers[2].binding_id, b2);
    assert_int_equal(plan->payers[2].amount, Y(270));
    assert_int_equal(plan->n_explain, 3);
    assert_string_equal(plan->explain[1].result, "shortened");
    assert_string_equal(plan->explain[1].rule, "R50");
    assert_string_equal(plan->explain[1].pack, "default");
    assert_false(plan->degraded);

    gj_text_set(bill.plan_id, sizeof(bill.plan_id), plan->plan_id);
    desk_msgid(desk, bill.msgid);
    assert_int_equal(desk_ask(desk, CARE, GJ_REQUEST_SETTLE, &bill, &answer), GJ_ANSWER_SETTLEMENT);
    const struct gj_ans_settlement *settlement = answer;
    assert_int_equal(settlement->acct_pay, Y(400));
    assert_int_equal(settlement->psn_cash_pay, 0);
    assert_int_equal(settlement->n_payers, 3);
    assert_int_equal(settlement->n_explain, 3);
    assert_string_equal(settlement->state, "settled");
    desk_books_agree(desk);
    assert_int_equal(desk_balance(desk, HOME, "P/p10/prior"), 0);
    assert_int_equal(desk_balance(desk, EAST, "P/p11/prior"), 0);
    assert_int_equal(desk_balance(desk, NORTH, "P/p12/prior"), Y(230));
    assert_int_equal(desk_balance(desk, CARE, "I/" HOSPITAL), Y(400));

    /* The same words again: the stored answer, no second payment; the plan is used up for other messages. */
    assert_int_equal(desk_ask(desk, CARE, GJ_REQUEST_SETTLE, &bill, &answer), GJ_ANSWER_SETTLEMENT);
    desk_msgid(desk, bill.msgid);
    desk_refused(desk, CARE, GJ_REQUEST_SETTLE, &bill, "refused", GJ_ERR_PLAN_UNKNOWN, "");
    assert_int_equal(desk_balance(desk, NORTH, "P/p12/prior"), Y(230));
    desk_free(desk);
}

static void what_is_refused_before_anything_is_stored(void **state) {
    (void)state;
    struct desk *desk = desk_new();
    struct gj_req_bill good, bill;
    desk_person(desk, PATIENT, "360800", "310", Y(30));
    desk_bill(desk, &good, PATIENT, "360800", Y(100), Y(80));
    desk_expect_cash(&good, Y(80));

#define REFUSED(change, code)                                                                                \
    do {                                                                                                     \
        bill = good;                                                                                         \
        change;                                                                                              \
        desk_refused(desk, CARE, GJ_REQUEST_SETTLE, &bill, "refused", code, "");                             \
    } while (0)
    REFUSED(bill.certno[17] = bill.certno[17] == '0' ? '1' : '0', GJ_ERR_BAD_CERTNO);
    REFUSED(bill.acct_payable_amt = bill.psn_part_amt + 1, GJ_ERR_BAD_AMOUNT);
    REFUSED(bill.medfee_sumamt = Y(99), GJ_ERR_BAD_AMOUNT);
    REFUSED(gj_text_set(bill.use, sizeof(bill.use), "gambling"), GJ_ERR_BAD_FIELD);
    REFUSED(gj_text_set(bill.med_type, sizeof(bill.med_type), "77"), GJ_ERR_BAD_FIELD);
    REFUSED(gj_text_set(bill.insuplc_admdvs, sizeof(bill.insuplc_admdvs), "990000"), GJ_ERR_BAD_FIELD);
    REFUSED(gj_text_set(bill.mdtrtarea_admvs, sizeof(bill.mdtrtarea_admvs), "330200"), GJ_ERR_BAD_FIELD);
    REFUSED(gj_text_set(bill.fixmedins_code, sizeof(bill.fixmedins_code), "H45010000002"), GJ_ERR_BAD_FIELD);
    REFUSED(bill.expected_psn_cash_pay[0] = '\0', GJ_ERR_BAD_INPUT);
    REFUSED(gj_text_set(bill.expected_psn_cash_pay, sizeof(bill.expected_psn_cash_pay), "1.5"),
            GJ_ERR_BAD_AMOUNT);
    REFUSED(gj_text_set(bill.sender, sizeof(bill.sender), "nobody"), GJ_ERR_BAD_FIELD);
#undef REFUSED
    /* None of them took the message's name: the good one goes through under it. */
    (void)desk_settle(desk, &good, Y(50));
    desk_free(desk);
}

static void refusals_that_are_final(void **state) {
    (void)state;
    struct desk *desk = desk_new();
    struct gj_req_bill bill;
    desk_person(desk, PATIENT, "360800", "310", Y(30));
    desk_bill(desk, &bill, PATIENT, "360800", Y(100), Y(80));
    desk_expect_cash(&bill, Y(80));
    gj_text_set(bill.use, sizeof(bill.use), "fitness");
    desk_refused(desk, CARE, GJ_REQUEST_SETTLE, &bill, "refused", GJ_ERR_RULE, "R74");
    desk_refused(desk, CARE, GJ_REQUEST_SETTLE, &bill, "refused", GJ_ERR_RULE, "R74"); /* the stored answer */
    bill.use[0] = '\0';
    desk_refused(desk, CARE, GJ_REQUEST_SETTLE, &bill, "refused", GJ_ERR_CONFLICT, "");

    desk_msgid(desk, bill.msgid); /* a sender of another node is told where to go */
    gj_text_set(bill.sender, sizeof(bill.sender), "H33020000001");
    const void *answer = NULL;
    assert_int_equal(desk_ask(desk, CARE, GJ_REQUEST_SETTLE, &bill, &answer), GJ_ANSWER_PROBLEM);
    const struct gj_ans_problem *problem = answer;
    assert_string_equal(problem->outcome, "wrong_node");
    assert_string_equal(problem->node, "330000");

    gj_text_set(bill.sender, sizeof(bill.sender), "450000/window"); /* a channel, but no such institution */
    gj_text_set(bill.fixmedins_code, sizeof(bill.fixmedins_code), "H45010000009");
    desk_refused(desk, CARE, GJ_REQUEST_SETTLE, &bill, "refused", GJ_ERR_INSTITUTION, "");
    desk_free(desk);
}

static void a_dearer_plan_asks_the_client_again(void **state) {
    (void)state;
    char b1[GJ_REF_MAX + 1], b2[GJ_REF_MAX + 1];
    struct desk *desk = two_payers(b1, b2);
    struct gj_req_bill bill;
    const void *answer = NULL;
    desk_bill(desk, &bill, PATIENT, "360800", Y(700), Y(700));
    desk_expect_cash(&bill, Y(60)); /* it will be 70 */
    assert_int_equal(desk_ask(desk, CARE, GJ_REQUEST_SETTLE, &bill, &answer), GJ_ANSWER_PROBLEM);
    const struct gj_ans_problem *problem = answer;
    assert_string_equal(problem->code, "PLAN_CHANGED");
    struct gj_ans_plan plan;
    struct gj_fault fault;
    struct gj_arena arena;
    static _Alignas(max_align_t) uint8_t memory[65536];
    gj_arena_init(&arena, memory, sizeof(memory));
    assert_int_equal(gj_shape_decode(&gj_shape_ans_plan, problem->plan, &arena, &plan, &fault), GJ_OK);
    assert_int_equal(plan.psn_cash_pay, Y(70));
    assert_int_equal(desk_balance(desk, NORTH, "P/p12/prior"), Y(500));

    gj_text_set(bill.plan_id, sizeof(bill.plan_id), plan.plan_id); /* he agrees */
    bill.expected_psn_cash_pay[0] = '\0';
    desk_msgid(desk, bill.msgid);
    assert_int_equal(desk_ask(desk, CARE, GJ_REQUEST_SETTLE, &bill, &answer), GJ_ANSWER_SETTLEMENT);
    assert_int_equal(((const struct gj_ans_settlement *)answer)->psn_cash_pay, Y(70));

    desk_bill(desk, &bill, PATIENT, "360800", Y(40), Y(40)); /* or agreed beforehand */
    bill.accept_changed = true;
    desk_expect_cash(&bill, 0);
    assert_int_equal(desk_ask(desk, CARE, GJ_REQUEST_SETTLE, &bill, &answer), GJ_ANSWER_SETTLEMENT);
    assert_int_equal(((const struct gj_ans_settlement *)answer)->psn_cash_pay, Y(40));
    desk_books_agree(desk);
    desk_free(desk);
}

/* A plan is for its bill, its sender and its life. */
static void a_plan_fits_only_its_bill(void **state) {
    (void)state;
    struct desk *desk = desk_new();
    struct gj_req_bill bill, other;
    const void *answer = NULL;
    desk_person(desk, PATIENT, "360800", "310", Y(30));
    desk_bill(desk, &bill, PATIENT, "360800", Y(100), Y(80));
    assert_int_equal(desk_ask(desk, CARE, GJ_REQUEST_PLAN, &bill, &answer), GJ_ANSWER_PLAN);
    gj_text_set(bill.plan_id, sizeof(bill.plan_id), ((const struct gj_ans_plan *)answer)->plan_id);
    other = bill;
    other.acct_payable_amt = Y(79);
    desk_refused(desk, CARE, GJ_REQUEST_SETTLE, &other, "refused", GJ_ERR_PLAN_UNKNOWN, "");
    /* A stated cash does not carry on without the plan: it may be gone because it was settled already. */
    desk_msgid(desk, other.msgid);
    desk_expect_cash(&other, Y(50));
    desk_refused(desk, CARE, GJ_REQUEST_SETTLE, &other, "refused", GJ_ERR_PLAN_UNKNOWN, "");
    desk_msgid(desk, other.msgid);
    other.plan_id[0] = '\0';
    assert_int_equal(desk_ask(desk, CARE, GJ_REQUEST_SETTLE, &other, &answer), GJ_ANSWER_SETTLEMENT);
    desk_msgid(desk, bill.msgid);
    gj_cluster_advance(desk->cluster, GJ_PLAN_LIFE_MS + 1); /* no timer has looked at it yet */
    desk_refused(desk, CARE, GJ_REQUEST_SETTLE, &bill, "refused", GJ_ERR_PLAN_UNKNOWN, "");
    (void)gj_cluster_run(desk->cluster, desk_never, NULL, 60000);
    const struct gj_req_get get = {.what = "plan"};
    struct gj_req_get read = get;
    gj_text_set(read.id, sizeof(read.id), bill.plan_id);
    desk_refused(desk, CARE, GJ_REQUEST_GET, &read, "refused", GJ_ERR_NOT_FOUND, "");
    desk_free(desk);
}

static void who_cannot_be_reached(void **state) {
    (void)state;
    char b1[GJ_REF_MAX + 1], b2[GJ_REF_MAX + 1];
    struct desk *desk = two_payers(b1, b2);
    struct gj_req_bill bill;
    const void *answer = NULL;
    desk->mute[EAST][CARE] = true;
    desk_bill(desk, &bill, PATIENT, "360800", Y(50), Y(50));
    assert_int_equal(desk_ask(desk, CARE, GJ_REQUEST_PLAN, &bill, &answer), GJ_ANSWER_PLAN);
    const struct gj_ans_plan *plan = answer;
    assert_true(plan->degraded);
    assert_string_equal(plan->explain[1].result, "unreachable");
    assert_int_equal(plan->payers[1].amount, Y(20));
    assert_string_equal(plan->payers[1].binding_id, b2);

    desk->mute[HOME][CARE] = true;
    desk_msgid(desk, bill.msgid);
    desk_refused(desk, CARE, GJ_REQUEST_PLAN, &bill, "refused", GJ_ERR_HOME_UNREACHABLE, "");
    desk->mute[EAST][CARE] = desk->mute[HOME][CARE] = false;
    desk->pack.on_unreachable = GJ_UNREACHABLE_REFUSE;
    desk->mute[EAST][CARE] = true;
    desk_refused(desk, CARE, GJ_REQUEST_PLAN, &bill, "refused", GJ_ERR_PAYER_UNREACHABLE, "");
    desk_free(desk);
}

/* A payer that answers the plan and then falls silent: its vote times out, the next plan does without it. */
static bool covered(void *ctx) {
    struct desk *desk = ctx;
    return gj_cluster_events(desk->cluster, CARE, GJ_EVENT_TX_BEGUN) == 3; /* two bindings, one settlement */
}

static void a_payer_that_does_not_vote_is_left_out(void **state) {
    (void)state;
    char b1[GJ_REF_MAX + 1], b2[GJ_REF_MAX + 1];
    struct desk *desk = two_payers(b1, b2);
    struct gj_req_bill bill;
    const void *answer = NULL;
    desk_bill(desk, &bill, PATIENT, "360800", Y(50), Y(50));
    desk_expect_cash(&bill, 0);
    desk->mute[EAST][CARE] = true;
    desk->pass[EAST][CARE] = 1; /* its cover, not its vote */
    uint64_t ticket = gj_cluster_submit(desk->cluster, CARE, GJ_REQUEST_SETTLE, &bill);
    assert_true(gj_cluster_run(desk->cluster, covered, desk, 5000));

    /* While it runs, the same words hear that it runs, under its txid. */
    assert_int_equal(desk_ask(desk, CARE, GJ_REQUEST_SETTLE, &bill, &answer), GJ_ANSWER_PROBLEM);
    assert_string_equal(((const struct gj_ans_problem *)answer)->outcome, "in_progress");
    assert_false(gj_txid_is_none(&((const struct gj_ans_problem *)answer)->txid));
    struct gj_req_get get = {.what = "request", .sender = HOSPITAL};
    gj_text_set(get.id, sizeof(get.id), bill.msgid);
    desk_refused(desk, CARE, GJ_REQUEST_GET, &get, "in_progress", GJ_ERR_IN_PROGRESS, "");

    for (int i = 0; i < 4000 && !gj_cluster_is_answered(desk->cluster, ticket); i++)
        (void)gj_cluster_run(desk->cluster, desk_never, NULL, 10);
    assert_int_equal(gj_cluster_answer(desk->cluster, ticket, &answer), GJ_ANSWER_SETTLEMENT);
    const struct gj_ans_settlement *settlement = answer;
    assert_int_equal(settlement->n_payers, 2);
    assert_string_equal(settlement->payers[1].binding_id, b2);
    desk->mute[EAST][CARE] = false;
    (void)gj_cluster_run(desk->cluster, desk_never, NULL, 120000);
    desk_books_agree(desk);
    assert_int_equal(desk_balance(desk, EAST, "P/p11/prior"), Y(100));
    desk_free(desk);
}

static void everything_on_one_node(void **state) {
    (void)state;
    struct desk *desk = desk_new();
    char binding[GJ_REF_MAX + 1];
    struct gj_req_bill bill;
    desk_person(desk, PATIENT, "450200", "310", Y(30));
    desk_person(desk, P1, "450100", "310", Y(100));
    desk_bind(desk, P1, "450100", PATIENT, "450200", binding);
    uint64_t begun = gj_cluster_events(desk->cluster, CARE, GJ_EVENT_TX_BEGUN);
    desk_bill(desk, &bill, PATIENT, "450200", Y(200), Y(150));
    struct gj_ans_settlement settlement = desk_settle(desk, &bill, Y(20));
    assert_int_equal(settlement.acct_mulaid_pay, Y(100));
    assert_int_equal(gj_cluster_events(desk->cluster, CARE, GJ_EVENT_TX_BEGUN), begun + 1);
    assert_int_equal(desk_balance(desk, CARE, "I/" HOSPITAL), Y(130));
    desk_bill(desk, &bill, PATIENT, "450200", Y(10), 0); /* nothing that an account may pay */
    settlement = desk_settle(desk, &bill, 0);
    assert_int_equal(settlement.acct_pay, 0);
    desk_books_agree(desk);
    desk_free(desk);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cascade_over_three_provinces),
        cmocka_unit_test(what_is_refused_before_anything_is_stored),
        cmocka_unit_test(refusals_that_are_final),
        cmocka_unit_test(a_dearer_plan_asks_the_client_again),
        cmocka_unit_test(a_plan_fits_only_its_bill),
        cmocka_unit_test(who_cannot_be_reached),
        cmocka_unit_test(a_payer_that_does_not_vote_is_left_out),
        cmocka_unit_test(everything_on_one_node),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

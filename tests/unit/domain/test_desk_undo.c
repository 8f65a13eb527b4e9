/* SPDX-License-Identifier: Apache-2.0
 *
 * Binding and what undoes things: refund, reversal, unbinding; with nodes that are dead or slow meanwhile.
 */
#include "desk_world.h"

#define PATIENT  10
#define P1       11
#define P2       12
#define RELATIVE 13

static bool quiet(void *ctx) {
    (void)ctx;
    return false;
}

static struct desk *settled(struct gj_req_bill *bill, struct gj_ans_settlement *ret, char b1[GJ_REF_MAX + 1],
                            char b2[GJ_REF_MAX + 1]) {
    struct desk *desk = desk_new();
    desk_person(desk, PATIENT, "360800", "310", Y(30));
    desk_person(desk, P1, "330200", "310", Y(100));
    desk_person(desk, P2, "130100", "310", Y(500));
    desk_bind(desk, P1, "330200", PATIENT, "360800", b1);
    desk_bind(desk, P2, "130100", PATIENT, "360800", b2);
    desk_bill(desk, bill, PATIENT, "360800", Y(300), Y(200));
    *ret = desk_settle(desk, bill, 0); /* 30 own, 100 of P1, 70 of P2 */
    return desk;
}

static void refund_body(struct desk *desk, struct gj_req_refund *ret, const char *setl_id,
                        int64_t amount_fen) {
    memset(ret, 0, sizeof(*ret));
    gj_text_set(ret->sender, sizeof(ret->sender), HOSPITAL);
    desk_msgid(desk, ret->msgid);
    gj_text_set(ret->setl_id, sizeof(ret->setl_id), setl_id);
    ret->amount = amount_fen;
}

static void refunds_go_back_the_way_they_came(void **state) {
    (void)state;
    char b1[GJ_REF_MAX + 1], b2[GJ_REF_MAX + 1];
    struct gj_req_bill bill;
    struct gj_ans_settlement settlement;
    struct gj_req_refund refund;
    const void *answer = NULL;
    struct desk *desk = settled(&bill, &settlement, b1, b2);

    refund_body(desk, &refund, settlement.setl_id, Y(90));
    assert_int_equal(desk_ask(desk, CARE, GJ_REQUEST_REFUND, &refund, &answer), GJ_ANSWER_REFUND);
    const struct gj_ans_refund *first = answer;
    assert_int_equal(first->remaining, Y(110));
    assert_int_equal(first->n_payees, 2);
    assert_string_equal(first->payees[0].binding_id, b2);
    assert_int_equal(first->payees[0].amount, Y(70));
    assert_string_equal(first->payees[1].binding_id, b1);
    assert_int_equal(first->payees[1].amount, Y(20));
    assert_string_equal(first->payees[1].acct_type, "prior");
    desk_books_agree(desk);
    assert_int_equal(desk_balance(desk, NORTH, "P/p12/prior"), Y(500));
    assert_int_equal(desk_balance(desk, EAST, "P/p11/prior"), Y(20));
    assert_int_equal(desk_balance(desk, CARE, "I/" HOSPITAL), Y(110));

    desk_refused(
        desk, CARE, GJ_REQUEST_REFUND,
        &(struct gj_req_refund){.sender = HOSPITAL, .msgid = "x1", .setl_id = "nothing", .amount = 1},
        "refused", GJ_ERR_NOT_FOUND, "");
    refund_body(desk, &refund, settlement.setl_id, 0);
    desk_refused(desk, CARE, GJ_REQUEST_REFUND, &refund, "refused", GJ_ERR_BAD_AMOUNT, "");
    refund_body(desk, &refund, settlement.setl_id, Y(110) + 1);
    desk_refused(desk, CARE, GJ_REQUEST_REFUND, &refund, "refused", GJ_ERR_EXCEEDS_ORIGINAL, "");
    refund_body(desk, &refund, settlement.setl_id, Y(110));
    assert_int_equal(desk_ask(desk, CARE, GJ_REQUEST_REFUND, &refund, &answer), GJ_ANSWER_REFUND);
    assert_int_equal(((const struct gj_ans_refund *)answer)->remaining, 0);
    assert_int_equal(desk_ask(desk, CARE, GJ_REQUEST_REFUND, &refund, &answer), GJ_ANSWER_REFUND); /* again */
    refund_body(desk, &refund, settlement.setl_id, 1);
    desk_refused(desk, CARE, GJ_REQUEST_REFUND, &refund, "refused", GJ_ERR_EXCEEDS_ORIGINAL, "");
    desk_books_agree(desk);
    assert_int_equal(desk_balance(desk, HOME, "P/p10/prior"), Y(30));
    assert_int_equal(desk_balance(desk, EAST, "P/p11/prior"), Y(100));
    assert_int_equal(desk_balance(desk, CARE, "I/" HOSPITAL), 0);
    desk_free(desk);
}

/* Two refunds of one settlement at the same time: the second is asked to come again, and nothing of it is kept. */
static void one_refund_at_a_time(void **state) {
    (void)state;
    char b1[GJ_REF_MAX + 1], b2[GJ_REF_MAX + 1];
    struct gj_req_bill bill;
    struct gj_ans_settlement settlement;
    struct gj_req_refund first, second;
    const void *answer = NULL;
    struct desk *desk = settled(&bill, &settlement, b1, b2);
    refund_body(desk, &first, settlement.setl_id, Y(150));
    refund_body(desk, &second, settlement.setl_id, Y(150));
    uint64_t ticket = gj_cluster_submit(desk->cluster, CARE, GJ_REQUEST_REFUND, &first);
    desk_refused(desk, CARE, GJ_REQUEST_REFUND, &second, "refused", GJ_ERR_BUSY, "");
    (void)gj_cluster_run(desk->cluster, quiet, NULL, 3000);
    assert_int_equal(gj_cluster_answer(desk->cluster, ticket, &answer), GJ_ANSWER_REFUND);
    second.amount = Y(50);
    assert_int_equal(desk_ask(desk, CARE, GJ_REQUEST_REFUND, &second, &answer), GJ_ANSWER_REFUND);
    desk_books_agree(desk);
    desk_free(desk);
}

static void after_the_payer_left_it_goes_to_suspense(void **state) {
    (void)state;
    char b1[GJ_REF_MAX + 1], b2[GJ_REF_MAX + 1];
    struct gj_req_bill bill;
    struct gj_ans_settlement settlement;
    struct gj_req_refund refund;
    const void *answer = NULL;
    struct desk *desk = settled(&bill, &settlement, b1, b2);
    struct gj_req_unbind unbind = {.sender = "130000/window", .msgid = "u1", .by = "payer"};
    gj_text_set(unbind.binding_id, sizeof(unbind.binding_id), b2);
    assert_int_equal(desk_ask(desk, NORTH, GJ_REQUEST_UNBIND, &unbind, &answer), GJ_ANSWER_BINDING);
    assert_string_equal(((const struct gj_ans_binding *)answer)->state, "ended");
    refund_body(desk, &refund, settlement.setl_id, Y(80));
    assert_int_equal(desk_ask(desk, CARE, GJ_REQUEST_REFUND, &refund, &answer), GJ_ANSWER_REFUND);
    const struct gj_ans_refund *back = answer;
    assert_string_equal(back->payees[0].acct_type, "suspense");
    assert_string_equal(back->payees[1].acct_type, "prior");
    desk_books_agree(desk);
    assert_int_equal(desk_balance(desk, NORTH, "P/p12/suspense"), Y(70));
    assert_int_equal(desk_balance(desk, NORTH, "P/p12/prior"), Y(430));
    desk_free(desk);
}

/* --- reversal ------------------------------------------------------------------------------------------------- */

static void reverse_is(struct desk *desk, const char *msgid, const char *want) {
    struct gj_req_reverse reverse = {.sender = HOSPITAL};
    const void *answer = NULL;
    gj_text_set(reverse.omsgid, sizeof(reverse.omsgid), msgid);
    assert_int_equal(desk_ask(desk, CARE, GJ_REQUEST_REVERSE, &reverse, &answer), GJ_ANSWER_REVERSAL);
    assert_string_equal(((const struct gj_ans_reversal *)answer)->state, want);
    assert_string_equal(((const struct gj_ans_reversal *)answer)->omsgid, msgid);
}

/* What the request's own record says: unlike a reversal, asking for it moves nothing on. */
static void reversal_stands_at(struct desk *desk, const char *msgid, const char *want) {
    struct gj_req_get get = {.what = "request", .sender = HOSPITAL};
    const void *answer = NULL;
    gj_text_set(get.id, sizeof(get.id), msgid);
    assert_int_equal(desk_ask(desk, CARE, GJ_REQUEST_GET, &get, &answer), GJ_ANSWER_REQUEST);
    assert_string_equal(((const struct gj_ans_request *)answer)->state, "done");
    assert_string_equal(((const struct gj_ans_request *)answer)->reversal, want);
}

static void reversal_in_any_order(void **state) {
    (void)state;
    char b1[GJ_REF_MAX + 1], b2[GJ_REF_MAX + 1];
    struct gj_req_bill bill, early;
    struct gj_ans_settlement settlement;
    struct gj_req_refund refund;
    const void *answer = NULL;
    struct desk *desk = settled(&bill, &settlement, b1, b2);

    desk_bill(desk, &early, PATIENT, "360800", Y(10), Y(10)); /* before its original */
    desk_expect_cash(&early, Y(10));
    reverse_is(desk, early.msgid, "reversed");
    desk_refused(desk, CARE, GJ_REQUEST_SETTLE, &early, "refused", GJ_ERR_REVERSED, "");
    reverse_is(desk, early.msgid, "reversed");

    refund_body(desk, &refund, settlement.setl_id, Y(50)); /* after a partial refund */
    assert_int_equal(desk_ask(desk, CARE, GJ_REQUEST_REFUND, &refund, &answer), GJ_ANSWER_REFUND);
    reverse_is(desk, bill.msgid, "reversed");
    reverse_is(desk, bill.msgid, "reversed");
    struct gj_req_get get = {.what = "settlement"};
    gj_text_set(get.id, sizeof(get.id), settlement.setl_id);
    assert_int_equal(desk_ask(desk, CARE, GJ_REQUEST_GET, &get, &answer), GJ_ANSWER_SETTLEMENT);
    assert_string_equal(((const struct gj_ans_settlement *)answer)->state, "reversed");
    assert_int_equal(((const struct gj_ans_settlement *)answer)->refunded, Y(200));
    reversal_stands_at(desk, bill.msgid, "reversed"); /* and its outcome never changes */
    desk_books_agree(desk);
    assert_int_equal(desk_balance(desk, HOME, "P/p10/prior"), Y(30));
    assert_int_equal(desk_balance(desk, EAST, "P/p11/prior"), Y(100));
    assert_int_equal(desk_balance(desk, NORTH, "P/p12/prior"), Y(500));

    struct gj_req_reverse refunds = {.sender = HOSPITAL}; /* a refund is not reversed here, and says so */
    gj_text_set(refunds.omsgid, sizeof(refunds.omsgid), refund.msgid);
    desk_refused(desk, CARE, GJ_REQUEST_REVERSE, &refunds, "refused", GJ_ERR_NOT_SUPPORTED, "");
    desk_bill(desk, &bill, PATIENT, "360800", Y(10), 0); /* nothing to give back */
    (void)desk_settle(desk, &bill, 0);
    reverse_is(desk, bill.msgid, "reversed");
    desk_free(desk);
}

/* The settlement is being decided: it is aborted, and nothing is paid. */
static bool begun(void *ctx) {
    struct desk *desk = ctx;
    return gj_cluster_events(desk->cluster, CARE, GJ_EVENT_TX_BEGUN) ==
           4; /* two bindings, one settled before */
}

static void reversal_of_what_runs(void **state) {
    (void)state;
    char b1[GJ_REF_MAX + 1], b2[GJ_REF_MAX + 1];
    struct gj_req_bill bill;
    struct gj_ans_settlement settlement;
    const void *answer = NULL;
    struct desk *desk = settled(&bill, &settlement, b1, b2);
    desk_bill(desk, &bill, PATIENT, "360800", Y(50), Y(50));
    desk_expect_cash(&bill, 0);
    desk->mute[NORTH][CARE] = true;
    desk->pass[NORTH][CARE] = 1; /* its cover, not its vote */
    uint64_t ticket = gj_cluster_submit(desk->cluster, CARE, GJ_REQUEST_SETTLE, &bill);
    assert_true(gj_cluster_run(desk->cluster, begun, desk, 5000));
    reverse_is(desk, bill.msgid, "reversed");
    assert_int_equal(gj_cluster_answer(desk->cluster, ticket, &answer), GJ_ANSWER_PROBLEM);
    assert_string_equal(((const struct gj_ans_problem *)answer)->code, "REVERSED");
    assert_int_equal(gj_cluster_answers(desk->cluster, ticket), 1);
    desk->mute[NORTH][CARE] = false;
    desk_refused(desk, CARE, GJ_REQUEST_SETTLE, &bill, "refused", GJ_ERR_REVERSED, "");

    desk_bill(desk, &bill, PATIENT, "360800", Y(50), Y(50)); /* still planning */
    desk_expect_cash(&bill, 0);
    desk->mute[HOME][CARE] = true;
    ticket = gj_cluster_submit(desk->cluster, CARE, GJ_REQUEST_SETTLE, &bill);
    reverse_is(desk, bill.msgid, "reversed");
    desk->mute[HOME][CARE] = false;
    (void)gj_cluster_run(desk->cluster, quiet, NULL, 60000);
    assert_int_equal(gj_cluster_answers(desk->cluster, ticket), 1);
    desk_books_agree(desk);
    assert_int_equal(desk_balance(desk, NORTH, "P/p12/prior"), Y(430));
    desk_free(desk);
}

/* A payer's node is dead while a settlement is reversed, the coordinator restarts, and then all ends well. */
static void a_reversal_outlives_dead_nodes(void **state) {
    (void)state;
    char b1[GJ_REF_MAX + 1], b2[GJ_REF_MAX + 1];
    struct gj_req_bill bill;
    struct gj_ans_settlement settlement;
    struct desk *desk = settled(&bill, &settlement, b1, b2);
    desk_books_agree(desk);
    gj_cluster_crash(desk->cluster, EAST);
    reverse_is(desk, bill.msgid, "reversing");
    reverse_is(desk, bill.msgid, "reversing");
    struct gj_req_refund refund;
    refund_body(desk, &refund, settlement.setl_id, Y(1));
    desk_refused(desk, CARE, GJ_REQUEST_REFUND, &refund, "refused", GJ_ERR_BUSY, "");
    gj_cluster_crash(desk->cluster, CARE);
    gj_cluster_restart(desk->cluster, CARE, GJ_WITNESS_EQUAL_OR_BEHIND);
    (void)gj_cluster_run(desk->cluster, quiet, NULL, 20000);
    reversal_stands_at(desk, bill.msgid, "reversing");
    gj_cluster_restart(desk->cluster, EAST, GJ_WITNESS_EQUAL_OR_BEHIND);
    (void)gj_cluster_run(desk->cluster, quiet, NULL, 180000);
    reversal_stands_at(desk, bill.msgid, "reversed");
    reverse_is(desk, bill.msgid, "reversed");
    desk_books_agree(desk);
    assert_int_equal(desk_balance(desk, EAST, "P/p11/prior"), Y(100));
    assert_int_equal(desk_balance(desk, CARE, "I/" HOSPITAL), 0);
    desk_free(desk);
}

/* More reversals than one round of the timer takes up, some of them stuck: none stands in another's way. */
static void many_reversals_wait(void **state) {
    (void)state;
    enum { MANY = 12, OTHER = 20 };
    char b1[GJ_REF_MAX + 1], b2[GJ_REF_MAX + 1], north[MANY][GJ_MSGID_MAX + 1], east[MANY][GJ_MSGID_MAX + 1];
    struct gj_req_bill bill;
    struct gj_ans_settlement settlement;
    struct desk *desk =
        settled(&bill, &settlement, b1, b2); /* this patient is left with the payer in the north */
    desk_person(desk, OTHER, "360800", "390", 0);
    desk_person(desk, RELATIVE, "330200", "310", Y(100));
    desk_bind(desk, RELATIVE, "330200", OTHER, "360800", b1);
    for (int i = 0; i < MANY; i++) {
        desk_bill(desk, &bill, PATIENT, "360800", Y(1), Y(1));
        gj_text_set(north[i], sizeof(north[i]), bill.msgid);
        (void)desk_settle(desk, &bill, 0);
        desk_bill(desk, &bill, OTHER, "360800", Y(1), Y(1));
        gj_text_set(east[i], sizeof(east[i]), bill.msgid);
        (void)desk_settle(desk, &bill, 0);
    }
    gj_cluster_crash(desk->cluster, HOME);
    gj_cluster_crash(desk->cluster, NORTH);
    for (int i = 0; i < MANY; i++) {
        reverse_is(desk, north[i], "reversing");
        reverse_is(desk, east[i], "reversing");
    }
    gj_cluster_restart(desk->cluster, HOME, GJ_WITNESS_EQUAL_OR_BEHIND);
    (void)gj_cluster_run(desk->cluster, quiet, NULL, 300000);
    for (int i = 0; i < MANY; i++) {
        reversal_stands_at(desk, east[i], "reversed");
        reversal_stands_at(desk, north[i], "reversing");
    }
    gj_cluster_restart(desk->cluster, NORTH, GJ_WITNESS_EQUAL_OR_BEHIND);
    (void)gj_cluster_run(desk->cluster, quiet, NULL, 300000);
    for (int i = 0; i < MANY; i++)
        reversal_stands_at(desk, north[i], "reversed");
    desk_books_agree(desk);
    assert_int_equal(desk_balance(desk, NORTH, "P/p12/prior"), Y(430));
    assert_int_equal(desk_balance(desk, EAST, "P/p13/prior"), Y(100));
    desk_free(desk);
}

/* Three attempts, then a refusal that is sure: nothing came back, and another refund may. */
static void a_refund_gives_up(void **state) {
    (void)state;
    char b1[GJ_REF_MAX + 1], b2[GJ_REF_MAX + 1];
    struct gj_req_bill bill;
    struct gj_ans_settlement settlement;
    struct gj_req_refund refund;
    const void *answer = NULL;
    struct desk *desk = settled(&bill, &settlement, b1, b2);
    desk_books_agree(desk);
    gj_cluster_crash(desk->cluster, EAST);
    uint64_t begun_before = gj_cluster_events(desk->cluster, CARE, GJ_EVENT_TX_BEGUN);
    refund_body(desk, &refund, settlement.setl_id, Y(150));
    desk_refused(desk, CARE, GJ_REQUEST_REFUND, &refund, "refused", GJ_ERR_TIMED_OUT, "");
    assert_int_equal(gj_cluster_events(desk->cluster, CARE, GJ_EVENT_TX_BEGUN),
                     begun_before + GJ_ATTEMPTS_MAX);
    gj_cluster_restart(desk->cluster, EAST, GJ_WITNESS_EQUAL_OR_BEHIND);
    (void)gj_cluster_run(desk->cluster, quiet, NULL, 10000);
    desk_refused(desk, CARE, GJ_REQUEST_REFUND, &refund, "refused", GJ_ERR_TIMED_OUT, ""); /* it is final */
    refund_body(desk, &refund, settlement.setl_id, Y(150));
    assert_int_equal(desk_ask(desk, CARE, GJ_REQUEST_REFUND, &refund, &answer), GJ_ANSWER_REFUND);
    desk_books_agree(desk);
    assert_int_equal(desk_balance(desk, EAST, "P/p11/prior"), Y(80));
    desk_free(desk);
}

/* The coordinator dies over a settlement: the same words start it anew, and it is paid once. */
static void an_interrupted_settlement_is_resumed(void **state) {
    (void)state;
    char b1[GJ_REF_MAX + 1], b2[GJ_REF_MAX + 1];
    struct gj_req_bill bill;
    struct gj_ans_settlement settlement;
    const void *answer = NULL;
    struct desk *desk = settled(&bill, &settlement, b1, b2);
    desk_bill(desk, &bill, PATIENT, "360800", Y(50), Y(50));
    desk_expect_cash(&bill, 0);
    desk->mute[NORTH][CARE] = true;
    desk->pass[NORTH][CARE] = 1;
    (void)gj_cluster_submit(desk->cluster, CARE, GJ_REQUEST_SETTLE, &bill);
    assert_true(gj_cluster_run(desk->cluster, begun, desk, 5000));
    gj_cluster_crash(desk->cluster, CARE);
    desk->mute[NORTH][CARE] = false;
    gj_cluster_restart(desk->cluster, CARE, GJ_WITNESS_EQUAL_OR_BEHIND);
    (void)gj_cluster_run(desk->cluster, quiet, NULL, 3000);
    struct gj_req_get get = {.what = "request", .sender = HOSPITAL};
    gj_text_set(get.id, sizeof(get.id), bill.msgid);
    desk_refused(desk, CARE, GJ_REQUEST_GET, &get, "in_progress", GJ_ERR_IN_PROGRESS, "");
    assert_int_equal(desk_ask(desk, CARE, GJ_REQUEST_SETTLE, &bill, &answer), GJ_ANSWER_SETTLEMENT);
    desk_books_agree(desk);
    assert_int_equal(desk_balance(desk, NORTH, "P/p12/prior"), Y(380));
    desk_free(desk);
}

/* --- bindings ---------------------------------------------------------------------------------------------------- */

static void bind_is_refused(struct desk *desk, unsigned payer, const char *payer_region, unsigned recipient,
                            const char *recipient_region, const char *relation, enum gj_err code,
                            const char *rule) {
    struct gj_req_bind body;
    desk_bind_body(desk, &body, payer, payer_region, recipient, recipient_region, relation);
    desk_refused(desk, CARE, GJ_REQUEST_BIND, &body, "refused", code, rule);
}

static void bindings_that_are_refused(void **state) {
    (void)state;
    struct desk *desk = desk_new();
    desk_person(desk, PATIENT, "360800", "390", 0);
    desk_person(desk, P1, "330200", "310", Y(100));
    desk_person(desk, RELATIVE, "330200", "390", 0);
    bind_is_refused(desk, RELATIVE, "330200", PATIENT, "360800", "spouse", GJ_ERR_RULE, "R1");
    bind_is_refused(desk, P1, "330200", PATIENT, "360800", "spouse_parent", GJ_ERR_RULE, "R12");
    bind_is_refused(desk, P1, "330200", PATIENT, "360800", "sibling", GJ_ERR_RULE, "R10");
    bind_is_refused(desk, RELATIVE, "330200", PATIENT, "360800", "sibling", GJ_ERR_RULE,
                    "R1"); /* both: R1 first */
    bind_is_refused(desk, P1, "330200", 77, "360800", "sibling", GJ_ERR_PERSON_UNKNOWN, "");
    bind_is_refused(desk, P1, "330200", PATIENT, "360800", "cousin", GJ_ERR_BAD_FIELD, "");
    bind_is_refused(desk, P1, "330200", PATIENT, "360800", "self", GJ_ERR_BAD_FIELD, "");
    bind_is_refused(desk, P1, "330200", P1, "360800", "spouse", GJ_ERR_BAD_FIELD, "");
    bind_is_refused(desk, P1, "330200", PATIENT, "990000", "spouse", GJ_ERR_BAD_FIELD, "");
    gj_cluster_cut(desk->cluster, CARE, HOME, true);
    bind_is_refused(desk, P1, "330200", PATIENT, "360800", "spouse", GJ_ERR_HOME_UNREACHABLE, "");
    bind_is_refused(desk, RELATIVE, "330200", PATIENT, "360800", "spouse", GJ_ERR_RULE,
                    "R1"); /* is certain */
    gj_cluster_cut(desk->cluster, CARE, HOME, false);
    char binding[GJ_REF_MAX + 1];
    desk_bind(desk, P1, "330200", PATIENT, "360800", binding);
    bind_is_refused(desk, P1, "330200", PATIENT, "360800", "child", GJ_ERR_RULE, "R16");
    desk_free(desk);
}

static void no_is_said_alone_and_told_until_heard(void **state) {
    (void)state;
    char b1[GJ_REF_MAX + 1], b2[GJ_REF_MAX + 1];
    struct gj_req_bill bill;
    struct gj_ans_settlement settlement;
    const void *answer = NULL;
    struct desk *desk = settled(&bill, &settlement, b1, b2);
    struct gj_req_unbind unbind = {.sender = "330000/window", .msgid = "u1", .by = "recipient"};
    gj_text_set(unbind.binding_id, sizeof(unbind.binding_id), b1);
    assert_int_equal(desk_ask(desk, EAST, GJ_REQUEST_UNBIND, &unbind, &answer), GJ_ANSWER_PROBLEM);
    assert_string_equal(((const struct gj_ans_problem *)answer)->node,
                        "360000"); /* he decides at his own home */
    gj_text_set(unbind.by, sizeof(unbind.by), "payer");
    gj_cluster_crash(desk->cluster, HOME);
    assert_int_equal(desk_ask(desk, EAST, GJ_REQUEST_UNBIND, &unbind, &answer), GJ_ANSWER_BINDING);
    assert_string_equal(((const struct gj_ans_binding *)answer)->state, "ended");
    (void)gj_cluster_run(desk->cluster, quiet, NULL, 1000); /* what was sent is lost */
    gj_cluster_crash(desk->cluster, EAST);                  /* the notice is a record, not a memory */
    gj_cluster_restart(desk->cluster, EAST, GJ_WITNESS_EQUAL_OR_BEHIND);
    gj_cluster_restart(desk->cluster, HOME, GJ_WITNESS_EQUAL_OR_BEHIND);
    (void)gj_cluster_run(desk->cluster, quiet, NULL, 60000);
    struct gj_req_get get = {.what = "binding"};
    gj_text_set(get.id, sizeof(get.id), b1);
    assert_int_equal(desk_ask(desk, HOME, GJ_REQUEST_GET, &get, &answer), GJ_ANSWER_BINDING);
    assert_string_equal(((const struct gj_ans_binding *)answer)->state, "ended");
    desk_bill(desk, &bill, PATIENT, "360800", Y(10), Y(10)); /* only the other payer is left */
    (void)desk_settle(desk, &bill, 0);
    desk_books_agree(desk);
    assert_int_equal(desk_balance(desk, NORTH, "P/p12/prior"), Y(420));
    desk_free(desk);
}

static void put_false_notice(void *ctx, struct gj_turn *turn) {
    struct gj_notice_row notice = {
        .node = "360000", .by = "payer", .reason = "unbind", .business_date = 20261118};
    gj_text_set(notice.binding_id, sizeof(notice.binding_id), ctx);
    gj_store_put(turn->store, &gj_table_notice, &notice);
}

/* A node that has no part in a binding tells its home that it is over. */
static void nobody_else_ends_a_binding(void **state) {
    (void)state;
    char b1[GJ_REF_MAX + 1], b2[GJ_REF_MAX + 1];
    struct gj_req_bill bill;
    struct gj_ans_settlement settlement;
    const void *answer = NULL;
    struct desk *desk = settled(&bill, &settlement, b1, b2);
    desk_books_agree(desk);
    gj_cluster_crash(desk->cluster, NORTH);
    gj_cluster_edit(desk->cluster, NORTH, put_false_notice, b1); /* b1 is of the east */
    gj_cluster_restart(desk->cluster, NORTH, GJ_WITNESS_EQUAL_OR_BEHIND);
    (void)gj_cluster_run(desk->cluster, quiet, NULL, 3000);
    assert_true(gj_cluster_events(desk->cluster, HOME, GJ_EVENT_VIOLATION) > 0);
    struct gj_req_get get = {.what = "binding"};
    gj_text_set(get.id, sizeof(get.id), b1);
    assert_int_equal(desk_ask(desk, HOME, GJ_REQUEST_GET, &get, &answer), GJ_ANSWER_BINDING);
    assert_string_equal(((const struct gj_ans_binding *)answer)->state, "active");
    desk_free(desk);
}

/* Made at a third node: its reversal has to reach both homes. */
static void a_binding_is_reversed(void **state) {
    (void)state;
    struct desk *desk = desk_new();
    struct gj_req_bind body;
    const void *answer = NULL;
    desk_person(desk, PATIENT, "360800", "390", 0);
    desk_person(desk, P1, "330200", "310", Y(100));
    desk_bind_body(desk, &body, P1, "330200", PATIENT, "360800", "child");
    assert_int_equal(desk_ask(desk, CARE, GJ_REQUEST_BIND, &body, &answer), GJ_ANSWER_BINDING);
    struct gj_req_get get = {.what = "binding"};
    gj_text_set(get.id, sizeof(get.id), ((const struct gj_ans_binding *)answer)->binding_id);
    reverse_is(desk, body.msgid, "reversing");
    (void)gj_cluster_run(desk->cluster, quiet, NULL, 10000);
    reverse_is(desk, body.msgid, "reversed");
    static const size_t nodes[] = {CARE, HOME, EAST};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(desk_ask(desk, nodes[i], GJ_REQUEST_GET, &get, &answer), GJ_ANSWER_BINDING);
        assert_string_equal(((const struct gj_ans_binding *)answer)->state, "ended");
    }
    desk_free(desk);
}

static void the_recipient_sets_the_order(void **state) {
    (void)state;
    char b1[GJ_REF_MAX + 1], b2[GJ_REF_MAX + 1];
    struct gj_req_bill bill;
    struct gj_ans_settlement settlement;
    struct gj_req_person who;
    const void *answer = NULL;
    struct desk *desk = settled(&bill, &settlement, b1, b2);
    struct gj_binding_item items[2];
    struct gj_req_order order = {.sender = "360000/app", .msgid = "o1", .bindings = items, .n_bindings = 2};
    desk_name(&who, PATIENT, "360800");
    order.recipient = who;
    gj_text_set(items[0].binding_id, sizeof(items[0].binding_id), b2);
    gj_text_set(items[1].binding_id, sizeof(items[1].binding_id), b2);
    desk_refused(desk, HOME, GJ_REQUEST_ORDER, &order, "refused", GJ_ERR_BAD_FIELD, "");
    gj_text_set(items[1].binding_id, sizeof(items[1].binding_id), b1);
    gj_text_set(order.msgid, sizeof(order.msgid), "o2");
    assert_int_equal(desk_ask(desk, HOME, GJ_REQUEST_ORDER, &order, &answer), GJ_ANSWER_ORDER);
    desk_bill(desk, &bill, PATIENT, "360800", Y(10), Y(10));
    assert_int_equal(desk_ask(desk, CARE, GJ_REQUEST_PLAN, &bill, &answer), GJ_ANSWER_PLAN);
    assert_string_equal(((const struct gj_ans_plan *)answer)->payers[0].binding_id, b2);
    gj_text_set(order.sender, sizeof(order.sender), HOSPITAL);
    desk_refused(desk, CARE, GJ_REQUEST_ORDER, &order, "wrong_node", GJ_ERR_WRONG_NODE, "");
    desk_free(desk);
}

static void an_enrolment_is_verified(void **state) {
    (void)state;
    struct desk *desk = desk_new();
    const void *answer = NULL;
    struct gj_req_person who;
    desk_person(desk, PATIENT, "360800", "390", 0);
    desk_name(&who, PATIENT, "360800");
    struct gj_req_verify verify = {.sender = HOSPITAL, .msgid = "v1", .purpose = "check", .consent_ref = "c"};
    gj_text_set(verify.insuplc_admdvs, sizeof(verify.insuplc_admdvs), who.insuplc_admdvs);
    gj_text_set(verify.psn_cert_type, sizeof(verify.psn_cert_type), who.psn_cert_type);
    gj_text_set(verify.certno, sizeof(verify.certno), who.certno);
    gj_text_set(verify.psn_name, sizeof(verify.psn_name), who.psn_name);
    assert_int_equal(desk_ask(desk, CARE, GJ_REQUEST_VERIFY, &verify, &answer), GJ_ANSWER_VERIFY);
    assert_true(((const struct gj_ans_verify *)answer)->enrolled);
    assert_string_equal(((const struct gj_ans_verify *)answer)->insutype, "390");
    gj_text_set(verify.psn_name, sizeof(verify.psn_name), "Somebody"); /* another's name */
    desk_refused(desk, CARE, GJ_REQUEST_VERIFY, &verify, "refused", GJ_ERR_PERSON_UNKNOWN, "");
    gj_text_set(verify.purpose, sizeof(verify.purpose), "curiosity");
    desk_refused(desk, CARE, GJ_REQUEST_VERIFY, &verify, "refused", GJ_ERR_BAD_FIELD, "");
    gj_text_set(verify.purpose, sizeof(verify.purpose), "check");
    gj_cluster_cut(desk->cluster, CARE, HOME, true);
    desk_refused(desk, CARE, GJ_REQUEST_VERIFY, &verify, "refused", GJ_ERR_HOME_UNREACHABLE, "");
    desk_free(desk);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refunds_go_back_the_way_they_came),
        cmocka_unit_test(one_refund_at_a_time),
        cmocka_unit_test(after_the_payer_left_it_goes_to_suspense),
        cmocka_unit_test(reversal_in_any_order),
        cmocka_unit_test(reversal_of_what_runs),
        cmocka_unit_test(a_reversal_outlives_dead_nodes),
        cmocka_unit_test(many_reversals_wait),
        cmocka_unit_test(a_refund_gives_up),
        cmocka_unit_test(an_interrupted_settlement_is_resumed),
        cmocka_unit_test(bindings_that_are_refused),
        cmocka_unit_test(no_is_said_alone_and_told_until_heard),
        cmocka_unit_test(nobody_else_ends_a_binding),
        cmocka_unit_test(a_binding_is_reversed),
        cmocka_unit_test(the_recipient_sets_the_order),
        cmocka_unit_test(an_enrolment_is_verified),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * What a client with a good token may still not do: settle a plan twice, take the key of a reversal, end or
 * order or read what is not its own, bill under another region than its institution's.
 */
#include "desk_world.h"

#define PATIENT 10
#define P1      11

static struct desk *bound(char binding[GJ_REF_MAX + 1]) {
    struct desk *desk = desk_new();
    desk_person(desk, PATIENT, "360800", "310", Y(30));
    desk_person(desk, P1, "330200", "310", Y(500));
    desk_bind(desk, P1, "330200", PATIENT, "360800", binding);
    return desk;
}

/* A hospital that heard nothing sends the same plan again under a new message while the first still runs. */
static void one_plan_pays_once(void **state) {
    (void)state;
    char binding[GJ_REF_MAX + 1];
    struct gj_req_bill first, second;
    const void *answer = NULL;
    struct desk *desk = bound(binding);
    desk_bill(desk, &first, PATIENT, "360800", Y(100), Y(80));
    assert_int_equal(desk_ask(desk, CARE, GJ_REQUEST_PLAN, &first, &answer), GJ_ANSWER_PLAN);
    gj_text_set(first.plan_id, sizeof(first.plan_id), ((const struct gj_ans_plan *)answer)->plan_id);
    second = first;
    desk_msgid(desk, first.msgid);
    desk_msgid(desk, second.msgid);
    desk->mute[EAST][CARE] = true; /* the vote is lost, and said again later */
    uint64_t ticket = gj_cluster_submit(desk->cluster, CARE, GJ_REQUEST_SETTLE, &first);
    (void)gj_cluster_run(desk->cluster, desk_never, NULL, 50);
    desk_refused(desk, CARE, GJ_REQUEST_SETTLE, &second, "refused", GJ_ERR_BUSY, "");
    desk_expect_cash(&second, 0); /* nor does a stated cash let it pass */
    desk_refused(desk, CARE, GJ_REQUEST_SETTLE, &second, "refused", GJ_ERR_BUSY, "");
    second.expected_psn_cash_pay[0] = '\0';
    desk->mute[EAST][CARE] = false;
    (void)gj_cluster_run(desk->cluster, desk_never, NULL, 3000);
    assert_int_equal(gj_cluster_answer(desk->cluster, ticket, &answer), GJ_ANSWER_SETTLEMENT);
    desk_refused(desk, CARE, GJ_REQUEST_SETTLE, &second, "refused", GJ_ERR_PLAN_UNKNOWN, "");
    desk_books_agree(desk);
    assert_int_equal(desk_balance(desk, EAST, "P/p11/prior"), Y(450));
    desk_free(desk);
}

/* A message that was interrupted comes again while another message settles the same plan. */
static void a_resumed_message_does_not_pay_the_plan_again(void **state) {
    (void)state;
    char binding[GJ_REF_MAX + 1];
    struct gj_req_bill first, second;
    const void *answer = NULL;
    struct desk *desk = bound(binding);
    desk_bill(desk, &first, PATIENT, "360800", Y(100), Y(80));
    assert_int_equal(desk_ask(desk, CARE, GJ_REQUEST_PLAN, &first, &answer), GJ_ANSWER_PLAN);
    gj_text_set(first.plan_id, sizeof(first.plan_id), ((const struct gj_ans_plan *)answer)->plan_id);
    second = first;
    desk_msgid(desk, first.msgid);
    desk_msgid(desk, second.msgid);
    desk->mute[EAST][CARE] = true; /* no vote comes */
    (void)gj_cluster_submit(desk->cluster, CARE, GJ_REQUEST_SETTLE, &first);
    (void)gj_cluster_run(desk->cluster, desk_never, NULL, 300);
    gj_cluster_crash(desk->cluster, CARE);
    desk->mute[EAST][CARE] = false;
    gj_cluster_restart(desk->cluster, CARE, GJ_WITNESS_EQUAL_OR_BEHIND);
    (void)gj_cluster_run(desk->cluster, desk_never, NULL, 5000);
    uint64_t ticket = gj_cluster_submit(desk->cluster, CARE, GJ_REQUEST_SETTLE, &second);
    desk_refused(desk, CARE, GJ_REQUEST_SETTLE, &first, "refused", GJ_ERR_BUSY, "");
    (void)gj_cluster_run(desk->cluster, desk_never, NULL, 5000);
    assert_int_equal(gj_cluster_answer(desk->cluster, ticket, &answer), GJ_ANSWER_SETTLEMENT);
    desk_refused(desk, CARE, GJ_REQUEST_SETTLE, &first, "refused", GJ_ERR_PLAN_UNKNOWN, "");
    desk_books_agree(desk);
    assert_int_equal(desk_balance(desk, EAST, "P/p11/prior"), Y(450));
    desk_free(desk);
}

/* The refund inside a reversal runs under "rev:..."; two transactions under one key would end the node. */
static void no_message_takes_the_key_of_a_reversal(void **state) {
    (void)state;
    char binding[GJ_REF_MAX + 1];
    struct gj_req_bill bill;
    struct gj_req_bind bind;
    struct gj_req_refund refund = {.sender = HOSPITAL, .msgid = "rev:1", .setl_id = "S1", .amount = 1};
    struct gj_req_unbind unbind = {.sender = "360000/window", .msgid = "rev:1", .by = "recipient"};
    struct desk *desk = bound(binding);
    desk_bill(desk, &bill, PATIENT, "360800", Y(100), Y(80));
    desk_expect_cash(&bill, Y(80));
    gj_text_set(bill.msgid, sizeof(bill.msgid), "rev:00112233445566778899aabbccddeeff");
    desk_refused(desk, CARE, GJ_REQUEST_SETTLE, &bill, "refused", GJ_ERR_BAD_FIELD, "");
    desk_refused(desk, CARE, GJ_REQUEST_REFUND, &refund, "refused", GJ_ERR_BAD_FIELD, "");
    desk_bind_body(desk, &bind, P1, "330200", PATIENT, "360800", "child");
    gj_text_set(bind.msgid, sizeof(bind.msgid), "rev:");
    desk_refused(desk, CARE, GJ_REQUEST_BIND, &bind, "refused", GJ_ERR_BAD_FIELD, "");
    gj_text_set(unbind.binding_id, sizeof(unbind.binding_id), binding);
    desk_refused(desk, HOME, GJ_REQUEST_UNBIND, &unbind, "refused", GJ_ERR_BAD_FIELD, "");
    gj_text_set(bill.msgid, sizeof(bill.msgid), "rev-1"); /* only that prefix is taken */
    (void)desk_settle(desk, &bill, 0);
    desk_books_agree(desk);
    desk_free(desk);
}

/* A hospital sees a binding's id in every plan; ending or ordering is for the bureau's channels, or for who
 * made it. */
static void a_hospital_touches_only_bindings_that_it_made(void **state) {
    (void)state;
    char binding[GJ_REF_MAX + 1], own[GJ_REF_MAX + 1];
    const void *answer = NULL;
    struct desk *desk = bound(binding);
    struct gj_req_unbind unbind = {.sender = "H33020000001", .msgid = "u1", .by = "payer"};
    gj_text_set(unbind.binding_id, sizeof(unbind.binding_id), binding);
    desk_refused(desk, EAST, GJ_REQUEST_UNBIND, &unbind, "refused", GJ_ERR_UNAUTHORIZED, "");
    struct gj_binding_item item = {.binding_id = ""};
    gj_text_set(item.binding_id, sizeof(item.binding_id), binding);
    struct gj_req_order order = {.sender = "H36080000001", .msgid = "o1", .bindings = &item, .n_bindings = 1};
    desk_name(&order.recipient, PATIENT, "360800");
    desk_refused(desk, HOME, GJ_REQUEST_ORDER, &order, "refused", GJ_ERR_UNAUTHORIZED, "");
    struct gj_req_get get = {.what = "binding", .sender = "H33020000001"};
    gj_text_set(get.id, sizeof(get.id), binding);
    desk_refused(desk, EAST, GJ_REQUEST_GET, &get, "refused", GJ_ERR_NOT_FOUND, "");
    gj_text_set(get.sender, sizeof(get.sender), "H45010000002");
    desk_refused(desk, CARE, GJ_REQUEST_GET, &get, "refused", GJ_ERR_NOT_FOUND, "");

    gj_text_set(get.sender, sizeof(get.sender), HOSPITAL); /* made it */
    assert_int_equal(desk_ask(desk, CARE, GJ_REQUEST_GET, &get, &answer), GJ_ANSWER_BINDING);
    gj_text_set(get.sender, sizeof(get.sender), "330000/window");
    assert_int_equal(desk_ask(desk, EAST, GJ_REQUEST_GET, &get, &answer), GJ_ANSWER_BINDING);
    assert_string_equal(((const struct gj_ans_binding *)answer)->state, "active");
    desk_person(desk, 14, "450200", "310", Y(500));
    desk_bind(desk, 14, "450200", PATIENT, "360800", own);
    struct gj_req_unbind mine = {.sender = HOSPITAL, .msgid = "u2", .by = "payer"};
    gj_text_set(mine.binding_id, sizeof(mine.binding_id), own);
    assert_int_equal(desk_ask(desk, CARE, GJ_REQUEST_UNBIND, &mine, &answer), GJ_ANSWER_BINDING);
    desk_free(desk);
}

/* One caller for many hospitals reads by their prefix. */
static void a_prefix_reads_what_is_theirs(void **state) {
    (void)state;
    char binding[GJ_REF_MAX + 1];
    struct gj_req_bill bill;
    const void *answer = NULL;
    struct desk *desk = bound(binding);
    desk_bill(desk, &bill, PATIENT, "360800", Y(100), Y(80));
    struct gj_ans_settlement settlement = desk_settle(desk, &bill, 0);
    desk_msgid(desk, bill.msgid);
    bill.expected_psn_cash_pay[0] = '\0';
    assert_int_equal(desk_ask(desk, CARE, GJ_REQUEST_PLAN, &bill, &answer), GJ_ANSWER_PLAN);
    struct gj_req_get reads[] = {
        {.what = "settlement", .sender = "H450100*"}, {.what = "plan"}, {.what = "binding"}};
    gj_text_set(reads[1].id, sizeof(reads[1].id), ((const struct gj_ans_plan *)answer)->plan_id);
    gj_text_set(reads[0].id, sizeof(reads[0].id), settlement.setl_id);
    gj_text_set(reads[2].id, sizeof(reads[2].id), binding);
    for (size_t i = 0; i < 3; i++) {
        gj_text_set(reads[i].sender, sizeof(reads[i].sender), "H450100*");
        assert_int_not_equal(desk_ask(desk, CARE, GJ_REQUEST_GET, &reads[i], &answer), GJ_ANSWER_PROBLEM);
        gj_text_set(reads[i].sender, sizeof(reads[i].sender), "H450200*");
        desk_refused(desk, CARE, GJ_REQUEST_GET, &reads[i], "refused", GJ_ERR_NOT_FOUND, "");
    }
    desk_free(desk);
}

/* Money between regions is counted under the place of care: it is the institution's own region. */
static void a_bill_names_its_institutions_region(void **state) {
    (void)state;
    char binding[GJ_REF_MAX + 1];
    struct gj_req_bill bill;
    struct desk *desk = bound(binding);
    desk_bill(desk, &bill, PATIENT, "360800", Y(100), Y(80));
    desk_expect_cash(&bill, Y(80));
    gj_text_set(bill.mdtrtarea_admvs, sizeof(bill.mdtrtarea_admvs), "450200");
    desk_refused(desk, CARE, GJ_REQUEST_SETTLE, &bill, "refused", GJ_ERR_BAD_FIELD, "");
    desk_refused(desk, CARE, GJ_REQUEST_PLAN, &bill, "refused", GJ_ERR_BAD_FIELD, "");
    desk_free(desk);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_plan_pays_once),
        cmocka_unit_test(a_resumed_message_does_not_pay_the_plan_again),
        cmocka_unit_test(no_message_takes_the_key_of_a_reversal),
        cmocka_unit_test(a_hospital_touches_only_bindings_that_it_made),
        cmocka_unit_test(a_prefix_reads_what_is_theirs),
        cmocka_unit_test(a_bill_names_its_institutions_region),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

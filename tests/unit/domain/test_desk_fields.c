/* SPDX-License-Identifier: Apache-2.0
 *
 * Every field that a client can get wrong, one at a time: the answer names the error and the field, and nothing of
 * the request is kept, so that the same message may come again, corrected.
 */
#include "desk_world.h"

#define PATIENT 10
#define P1      11
#define CHANNEL "360000/window"

static struct desk *two_people(void) {
    struct desk *desk = desk_new();
    desk_person(desk, PATIENT, "360800", "310", Y(300));
    desk_person(desk, P1, "330200", "310", Y(100));
    return desk;
}

static void refused_for(struct desk *desk, size_t node, enum gj_request_kind kind, const void *body,
                        enum gj_err code, const char *field) {
    const void *answer = NULL;
    assert_int_equal(desk_ask(desk, node, kind, body, &answer), GJ_ANSWER_PROBLEM);
    const struct gj_ans_problem *problem = answer;
    assert_string_equal(problem->code, gj_err_name(code));
    assert_string_equal(problem->detail, field);
}

#define SET(field, text) gj_text_set((field), sizeof(field), (text))

/* --- bills ---------------------------------------------------------------------------------------------------- */

static void bad_number(struct gj_req_bill *bill) {
    SET(bill->certno, "110101199001010000");
}
static void no_such_region(struct gj_req_bill *bill) {
    SET(bill->insuplc_admdvs, "990000");
}
static void no_such_place(struct gj_req_bill *bill) {
    SET(bill->mdtrtarea_admvs, "990000");
}
static void anothers_place(struct gj_req_bill *bill) {
    SET(bill->mdtrtarea_admvs, "330200");
}
static void short_code(struct gj_req_bill *bill) {
    SET(bill->fixmedins_code, "H45010000");
}
static void code_of_another_region(struct gj_req_bill *bill) {
    SET(bill->fixmedins_code, "H45020000001");
}
static void code_of_another_sender(struct gj_req_bill *bill) {
    SET(bill->fixmedins_code, "H45010000002");
}
static void parts_above_the_fee(struct gj_req_bill *bill) {
    bill->psn_part_amt = bill->medfee_sumamt + 1;
}
static void more_than_his_part(struct gj_req_bill *bill) {
    bill->acct_payable_amt = bill->psn_part_amt + 1;
}
static void unknown_use(struct gj_req_bill *bill) {
    SET(bill->use, "gambling");
}
static void unknown_med_type(struct gj_req_bill *bill) {
    SET(bill->med_type, "ZZ");
}
static void nothing_agreed(struct gj_req_bill *bill) {
    SET(bill->expected_psn_cash_pay, "");
}
static void no_money(struct gj_req_bill *bill) {
    SET(bill->expected_psn_cash_pay, "1.234");
}
static void less_than_nothing(struct gj_req_bill *bill) {
    SET(bill->expected_psn_cash_pay, "-1.00");
}

static void bills(void **state) {
    (void)state;
    static const struct {
        void (*spoil)(struct gj_req_bill *bill);
        enum gj_err code;
        const char *field;
    } rows[] = {
        {bad_number, GJ_ERR_BAD_CERTNO, "certno"},
        {no_such_region, GJ_ERR_BAD_FIELD, "insuplc_admdvs"},
        {no_such_place, GJ_ERR_BAD_FIELD, "mdtrtarea_admvs"},
        {anothers_place, GJ_ERR_BAD_FIELD, "mdtrtarea_admvs"},
        {short_code, GJ_ERR_BAD_FIELD, "fixmedins_code"},
        {code_of_another_region, GJ_ERR_BAD_FIELD, "fixmedins_code"},
        {code_of_another_sender, GJ_ERR_BAD_FIELD, "fixmedins_code"},
        {parts_above_the_fee, GJ_ERR_BAD_AMOUNT, "medfee_sumamt"},
        {more_than_his_part, GJ_ERR_BAD_AMOUNT, "acct_payable_amt"},
        {unknown_use, GJ_ERR_BAD_FIELD, "use"},
        {unknown_med_type, GJ_ERR_BAD_FIELD, "med_type"},
        {nothing_agreed, GJ_ERR_BAD_INPUT, "plan_id or expected_psn_cash_pay"},
        {no_money, GJ_ERR_BAD_AMOUNT, "expected_psn_cash_pay"},
        {less_than_nothing, GJ_ERR_BAD_AMOUNT, "expected_psn_cash_pay"},
    };
    struct desk *desk = two_people();
    struct gj_req_bill good;
    desk_bill(desk, &good, PATIENT, "360800", Y(100), Y(100));
    desk_expect_cash(&good, 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct gj_req_bill bill = good;
        rows[i].spoil(&bill);
        refused_for(desk, CARE, GJ_REQUEST_SETTLE, &bill, rows[i].code, rows[i].field);
    }
    (void)desk_settle(desk, &good, 0); /* under the msgid that was refused so often */
    desk_free(desk);
}

/* --- verify, bind, order ---------------------------------------------------------------------------------------- */

static void questions_about_enrolment(void **state) {
    (void)state;
    struct desk *desk = two_people();
    struct gj_req_verify good = {.sender = HOSPITAL, .psn_cert_type = "01", .insuplc_admdvs = "360800"};
    struct gj_req_verify verify;
    const void *answer = NULL;
    SET(good.consent_ref, "consent-1");
    desk_certno(PATIENT, good.certno);
    SET(good.psn_name, "Person10");
    desk_msgid(desk, good.msgid);
    static const char *const purposes[] = {"check", "settlement", "binding"};
    for (size_t i = 0; i < sizeof(purposes) / sizeof(purposes[0]); i++) {
        SET(good.purpose, purposes[i]);
        assert_int_equal(desk_ask(desk, CARE, GJ_REQUEST_VERIFY, &good, &answer), GJ_ANSWER_VERIFY);
        assert_true(((const struct gj_ans_verify *)answer)->enrolled);
        assert_int_equal(desk_ask(desk, HOME, GJ_REQUEST_VERIFY, &good, &answer),
                         GJ_ANSWER_PROBLEM); /* 421 */
    }
    verify = good;
    SET(verify.purpose, "curiosity");
    refused_for(desk, CARE, GJ_REQUEST_VERIFY, &verify, GJ_ERR_BAD_FIELD, "purpose");
    verify = good;
    SET(verify.insuplc_admdvs, "990000");
    refused_for(desk, CARE, GJ_REQUEST_VERIFY, &verify, GJ_ERR_BAD_FIELD, "insuplc_admdvs");
    verify = good;
    SET(verify.certno, "110101199001010000");
    refused_for(desk, CARE, GJ_REQUEST_VERIFY, &verify, GJ_ERR_BAD_CERTNO, "certno");
    desk_free(desk);
}

static void bindings(void **state) {
    (void)state;
    struct desk *desk = two_people();
    struct gj_req_bind good, bind;
    const void *answer = NULL;
    desk_bind_body(desk, &good, P1, "330200", PATIENT, "360800", "child");
    bind = good;
    SET(bind.payer.certno, "110101199001010000");
    refused_for(desk, CARE, GJ_REQUEST_BIND, &bind, GJ_ERR_BAD_CERTNO, "payer.certno");
    bind = good;
    SET(bind.recipient.certno, "110101199001010000");
    refused_for(desk, CARE, GJ_REQUEST_BIND, &bind, GJ_ERR_BAD_CERTNO, "recipient.certno");
    bind = good;
    SET(bind.relation, "friend");
    refused_for(desk, CARE, GJ_REQUEST_BIND, &bind, GJ_ERR_BAD_FIELD, "relation");
    SET(bind.relation, "self");
    refused_for(desk, CARE, GJ_REQUEST_BIND, &bind, GJ_ERR_BAD_FIELD, "relation");
    bind = good;
    SET(bind.payer.insuplc_admdvs, "990000");
    refused_for(desk, CARE, GJ_REQUEST_BIND, &bind, GJ_ERR_BAD_FIELD, "payer.insuplc_admdvs");
    bind = good;
    SET(bind.recipient.insuplc_admdvs, "990000");
    refused_for(desk, CARE, GJ_REQUEST_BIND, &bind, GJ_ERR_BAD_FIELD, "recipient.insuplc_admdvs");
    bind = good;
    bind.recipient = bind.payer;
    refused_for(desk, CARE, GJ_REQUEST_BIND, &bind, GJ_ERR_BAD_FIELD, "recipient.certno");
    assert_int_equal(desk_ask(desk, CARE, GJ_REQUEST_BIND, &good, &answer), GJ_ANSWER_BINDING);
    desk_free(desk);
}

static void orders(void **state) {
    (void)state;
    struct desk *desk = two_people();
    char binding[GJ_REF_MAX + 1];
    const void *answer = NULL;
    desk_bind(desk, P1, "330200", PATIENT, "360800", binding);
    struct gj_binding_item item;
    SET(item.binding_id, binding);
    struct gj_req_order good = {.sender = CHANNEL, .msgid = "o1", .bindings = &item, .n_bindings = 1};
    desk_name(&good.recipient, PATIENT, "360800");
    struct gj_req_order order = good;
    SET(order.recipient.insuplc_admdvs, "990000");
    refused_for(desk, HOME, GJ_REQUEST_ORDER, &order, GJ_ERR_BAD_FIELD, "recipient.insuplc_admdvs");
    order = good;
    SET(order.recipient.insuplc_admdvs, "330200");
    refused_for(desk, HOME, GJ_REQUEST_ORDER, &order, GJ_ERR_WRONG_NODE, "");
    order = good;
    SET(order.sender, "H36080000001"); /* an institution does not order anybody's payers */
    refused_for(desk, HOME, GJ_REQUEST_ORDER, &order, GJ_ERR_UNAUTHORIZED, "sender");
    order = good;
    SET(order.msgid, "o2");
    desk_name(&order.recipient, 99, "360800");
    refused_for(desk, HOME, GJ_REQUEST_ORDER, &order, GJ_ERR_PERSON_UNKNOWN, "recipient");
    order = good;
    SET(order.msgid, "o3");
    order.n_bindings = 0;
    refused_for(desk, HOME, GJ_REQUEST_ORDER, &order, GJ_ERR_BAD_FIELD, "bindings");
    assert_int_equal(desk_ask(desk, HOME, GJ_REQUEST_ORDER, &good, &answer), GJ_ANSWER_ORDER);
    desk_free(desk);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bills),
        cmocka_unit_test(questions_about_enrolment),
        cmocka_unit_test(bindings),
        cmocka_unit_test(orders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

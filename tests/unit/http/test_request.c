/* SPDX-License-Identifier: Apache-2.0
 *
 * A call becomes a request: tokens, senders, values of the address, and that a refused call leaves no bytes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "http/edge.h"

static const struct gj_http_client clients[] = {
    {"hospital", "token-of-the-hospital", "H33010000001", false},
    {"bureau", "token-of-the-bureau", "330000/*", false},
    {"empty", "", "*", false},
    {"any", "token-of-any", "*", false},
};
#define N_CLIENTS (sizeof clients / sizeof clients[0])
#define ANY       (&clients[3])

static uint8_t out_memory[GJ_REQUEST_MAX];
static uint8_t arena_memory[65536];

struct outcome {
    enum gj_err err;
    struct gj_http_fault fault;
    struct gj_asked asked;
    struct gj_slice bytes;
    const void *value; /* decoded again */
    enum gj_request_kind kind;
};

static struct outcome call(const struct gj_http_client *client, const char *method, const char *target,
                           const char *body) {
    struct outcome ret = {0};
    struct gj_route_match match;
    struct gj_buf out;
    assert_int_equal(gj_route_find(method, target, &match, &ret.fault), GJ_OK);
    gj_buf_init(&out, out_memory, sizeof out_memory);
    ret.err = gj_http_request(&match, client, gj_slice_str(body), &out, &ret.asked, &ret.fault);
    ret.bytes = gj_buf_slice(&out);
    if (ret.err != GJ_OK) return ret;
    struct gj_arena arena;
    struct gj_fault fault;
    void *value = NULL;
    gj_arena_init(&arena, arena_memory, sizeof arena_memory);
    assert_int_equal(gj_request_decode(ret.bytes, &arena, &ret.kind, &value, &fault), GJ_OK);
    ret.value = value;
    return ret;
}

static void a_token_is_found_whole(void **state) {
    (void)state;
    assert_ptr_equal(gj_http_client_of(clients, N_CLIENTS, "Bearer token-of-the-bureau"), &clients[1]);
    assert_ptr_equal(gj_http_client_of(clients, N_CLIENTS, "bearer  token-of-any"), &clients[3]);
    const char *bad[] = {NULL,
                         "",
                         "Bearer",
                         "Bearer ",
                         "Bearer token-of-the-burea",
                         "Bearer token-of-the-bureau ",
                         "Bearer token-of-the-bureaux",
                         "Basic token-of-any",
                         "token-of-any",
                         "Bearer Token-of-any"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_null(gj_http_client_of(clients, N_CLIENTS, bad[i]));
    }
    char huge[400] = "Bearer ";
    memset(huge + 7, 'a', 300);
    assert_null(gj_http_client_of(clients, N_CLIENTS, huge));
    assert_null(gj_http_client_of(clients, 0, "Bearer token-of-any"));
}

static void a_client_speaks_for_its_senders_only(void **state) {
    (void)state;
    assert_true(gj_http_client_may(&clients[0], "H33010000001"));
    assert_false(gj_http_client_may(&clients[0], "H330100000012"));
    assert_false(gj_http_client_may(&clients[0], "H3301000000"));
    assert_true(gj_http_client_may(&clients[1], "330000/app"));
    assert_false(gj_http_client_may(&clients[1], "330000"));
    assert_false(gj_http_client_may(&clients[1], "360000/app"));
    assert_true(gj_http_client_may(&clients[3], "anybody"));
}

static void only_utf8_json_is_taken(void **state) {
    (void)state;
    const char *good[] = {"application/json", "Application/JSON", "application/json; charset=utf-8",
                          "application/json;charset=UTF-8", "application/json ; charset=\"utf-8\""};
    const char *bad[] = {NULL,
                         "",
                         "text/json",
                         "application/jsonx",
                         "application/json; charset=gbk",
                         "application/json; q=1",
                         "application/problem+json",
                         "multipart/form-data"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(gj_http_is_json(good[i]));
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(gj_http_is_json(bad[i]));
    }
}

#define PERSON(number)                                                                                       \
    "\"insuplc_admdvs\":\"360800\",\"psn_cert_type\":\"01\",\"certno\":\"" number                            \
    "\",\"psn_name\":\"\xe7\x8e\x8b\xe4\xb8\x80\""
#define BILL(extra)                                                                                          \
    "{\"msgid\":\"m1\",\"fixmedins_code\":\"H33010000001\",\"mdtrtarea_admvs\":\"330100\"," PERSON(          \
        "360802200002290019") ",\"mdtrt_cert_type\":\"02\",\"mdtrt_cert_no\":\"360802200002290019\","        \
                              "\"med_type\":\"11\",\"medfee_sumamt\":\"100.00\",\"fund_pay_sumamt\":\"60."   \
                              "00\","                                                                        \
                              "\"psn_part_amt\":\"40.00\",\"acct_payable_amt\":\"40.00\"" extra "}"

static void a_hospital_states_its_code_only(void **state) {
    (void)state;
    struct outcome out = call(&clients[0], "POST", "/v1/plans", BILL(""));
    assert_int_equal(out.err, GJ_OK);
    assert_int_equal(out.kind, GJ_REQUEST_PLAN);
    const struct gj_req_bill *bill = out.value;
    assert_string_equal(bill->sender, "H33010000001");
    assert_string_equal(bill->fixmedins_code, "H33010000001");
    assert_int_equal(bill->medfee_sumamt, 10000);
    assert_int_equal(bill->acct_payable_amt, 4000);
    assert_true(out.asked.changes);
    assert_string_equal(out.asked.sender, "H33010000001");
    assert_string_equal(out.asked.msgid, "m1");
}

static void a_stated_sender_stands(void **state) {
    (void)state;
    struct outcome out = call(&clients[1], "POST", "/v1/settlements", BILL(",\"sender\":\"330000/app\""));
    assert_int_equal(out.err, GJ_OK);
    assert_int_equal(out.kind, GJ_REQUEST_SETTLE);
    assert_string_equal(((const struct gj_req_bill *)out.value)->sender, "330000/app");
}

static void another_sender_is_403(void **state) {
    (void)state;
    struct outcome out = call(&clients[1], "POST", "/v1/plans", BILL(""));
    assert_int_equal(out.err, GJ_ERR_UNAUTHORIZED);
    assert_string_equal(out.fault.field, "sender");
    assert_int_equal(gj_http_status(out.err), 403);
    assert_int_equal(out.bytes.len, 0);
    out = call(&clients[0], "GET", "/v1/requests/H33010000002/m1", "");
    assert_int_equal(out.err, GJ_ERR_UNAUTHORIZED);
    out = call(&clients[0], "POST", "/v1/reversals", "{\"sender\":\"330000/app\",\"omsgid\":\"m1\"}");
    assert_int_equal(out.err, GJ_ERR_UNAUTHORIZED);
}

static void the_address_fills_its_field(void **state) {
    (void)state;
    const char *body = "{\"sender\":\"330000/app\",\"msgid\":\"m2\",\"amount\":\"12.50\"}";
    struct outcome out = call(ANY, "POST", "/v1/settlements/S%2F1/refunds", body);
    assert_int_equal(out.err, GJ_OK);
    assert_int_equal(out.kind, GJ_REQUEST_REFUND);
    assert_string_equal(((const struct gj_req_refund *)out.value)->setl_id, "S/1");
    assert_int_equal(((const struct gj_req_refund *)out.value)->amount, 1250);
    const char *same = "{\"sender\":\"330000/app\",\"msgid\":\"m2\",\"amount\":\"12.50\",\"setl_id\":\"S1\"}";
    assert_int_equal(call(ANY, "POST", "/v1/settlements/S1/refunds", same).err, GJ_OK);
    out = call(ANY, "POST", "/v1/settlements/S2/refunds", same);
    assert_int_equal(out.err, GJ_ERR_BAD_FIELD);
    assert_string_equal(out.fault.field, "setl_id");
    const char *number = "{\"sender\":\"330000/app\",\"msgid\":\"m2\",\"amount\":\"12.50\",\"setl_id\":1}";
    assert_int_equal(call(ANY, "POST", "/v1/settlements/1/refunds", number).err, GJ_ERR_BAD_FIELD);
    out = call(ANY, "POST", "/v1/bindings/B1:unbind", "{\"sender\":\"s\",\"msgid\":\"m\",\"by\":\"payer\"}");
    assert_int_equal(out.kind, GJ_REQUEST_UNBIND);
    assert_string_equal(((const struct gj_req_unbind *)out.value)->binding_id, "B1");
    out = call(ANY, "GET", "/v1/plans/%ff%fe", "");
    assert_int_equal(out.err, GJ_ERR_BAD_FIELD);
}

static void reads_carry_what_is_asked(void **state) {
    (void)state;
    const struct {
        const char *target, *what, *id, *sender, *state;
    } rows[] = {
        {"/v1/settlements/S1", "settlement", "S1", "", ""},
        {"/v1/requests/330000%2Fapp/m%201", "request", "m 1", "330000/app", ""},
        {"/v1/transactions/330000%2F7%2F42%2F1", "transaction", "330000/7/42/1", "", ""},
        {"/v1/transactions?state=PREPARED", "transactions", "", "", "PREPARED"},
        {"/v1/transactions", "transactions", "", "", ""},
        {"/v1/node", "node", "", "", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct outcome out = call(&clients[1], "GET", rows[i].target, "");
        assert_int_equal(out.err, GJ_OK);
        assert_int_equal(out.kind, GJ_REQUEST_GET);
        const struct gj_req_get *get = out.value;
        assert_string_equal(get->what, rows[i].what);
        assert_string_equal(get->id, rows[i].id);
        assert_string_equal(get->sender, rows[i].sender);
        assert_string_equal(get->state, rows[i].state);
        assert_false(out.asked.changes);
    }
    assert_int_equal(call(ANY, "GET", "/v1/node", "{}").err, GJ_ERR_BAD_INPUT);
    char target[100] = "/v1/plans/";
    memset(target + 10, 'a', GJ_TXID_TEXT_CAP + 1);
    struct outcome out = call(ANY, "GET", target, "");
    assert_int_equal(out.err, GJ_ERR_BAD_FIELD);
    assert_string_equal(out.fault.field, "id");
}

static void one_sender_reads_its_own_only(void **state) {
    (void)state;
    const char *targets[] = {"/v1/settlements/S1", "/v1/plans/P1", "/v1/refunds/R1", "/v1/bindings/B1",
                             "/v1/node"};
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        struct outcome out = call(&clients[0], "GET", targets[i], "");
        assert_int_equal(out.err, GJ_OK);
        assert_string_equal(((const struct gj_req_get *)out.value)->sender, "H33010000001");
    }
    assert_int_equal(call(&clients[0], "GET", "/v1/requests/H33010000001/m1", "").err, GJ_OK);
    assert_int_equal(call(&clients[0], "GET", "/v1/transactions", "").err, GJ_ERR_UNAUTHORIZED);
    assert_int_equal(call(&clients[0], "GET", "/v1/transactions/330000%2F7%2F42%2F1", "").err,
                     GJ_ERR_UNAUTHORIZED);
    assert_true(gj_http_client_sees_all(&clients[1]));
    assert_false(gj_http_client_sees_all(&clients[0]));
}

/* Software of many hospitals is no bureau: its prefix goes along, and the engine compares. */
static void a_prefix_of_hospitals_reads_theirs_only(void **state) {
    (void)state;
    static const struct gj_http_client vendor = {"vendor", "token-of-the-vendor", "H330100*", false};
    assert_true(gj_http_client_may(&vendor, "H33010000001"));
    assert_false(gj_http_client_may(&vendor, "H33020000001"));
    assert_false(gj_http_client_sees_all(&vendor));
    struct outcome out = call(&vendor, "GET", "/v1/settlements/S1", "");
    assert_int_equal(out.err, GJ_OK);
    assert_string_equal(((const struct gj_req_get *)out.value)->sender, "H330100*");
    out = call(&vendor, "GET", "/v1/requests/H33010000001/m1", "");
    assert_int_equal(out.err, GJ_OK);
    assert_string_equal(((const struct gj_req_get *)out.value)->sender, "H33010000001");
    assert_int_equal(call(&vendor, "GET", "/v1/requests/H33020000001/m1", "").err, GJ_ERR_UNAUTHORIZED);
    assert_int_equal(call(&vendor, "GET", "/v1/transactions", "").err, GJ_ERR_UNAUTHORIZED);
    assert_int_equal(call(&vendor, "GET", "/v1/requests/H330100*/m1", "").err, GJ_ERR_BAD_FIELD);
    const char *star = "{\"sender\":\"330000/*\",\"omsgid\":\"m\"}";
    assert_int_equal(call(ANY, "POST", "/v1/reversals", star).err, GJ_ERR_BAD_FIELD);
}

static void every_kind_of_request_passes(void **state) {
    (void)state;
    const char *verify =
        "{\"sender\":\"s\",\"msgid\":\"m\",\"purpose\":\"check\",\"consent_ref\":\"c\"," PERSON(
            "360802200002290019") "}";
    const char *bind =
        "{\"sender\":\"s\",\"msgid\":\"m\",\"consent_ref\":\"c\",\"relation\":\"child\",\"position\":2,"
        "\"payer\":{" PERSON("330102199001010012") "},\"recipient\":{" PERSON("36080220000229001"
                                                                              "9") "}}";
    const char *order = "{\"sender\":\"s\",\"msgid\":\"m\",\"recipient\":{" PERSON(
        "360802200002290019") "},\"bindings\":[{\"binding_id\":\"b2\"},{\"binding_id\":\"b1\"}]}";
    assert_int_equal(call(ANY, "POST", "/v1/enrolments:verify", verify).kind, GJ_REQUEST_VERIFY);
    struct outcome out = call(ANY, "POST", "/v1/bindings", bind);
    assert_int_equal(out.kind, GJ_REQUEST_BIND);
    assert_int_equal(((const struct gj_req_bind *)out.value)->position, 2);
    assert_string_equal(((const struct gj_req_bind *)out.value)->payer.certno, "330102199001010012");
    out = call(ANY, "POST", "/v1/bindings:order", order);
    assert_int_equal(out.kind, GJ_REQUEST_ORDER);
    assert_int_equal(((const struct gj_req_order *)out.value)->n_bindings, 2);
    assert_string_equal(((const struct gj_req_order *)out.value)->bindings[1].binding_id, "b1");
    out = call(ANY, "POST", "/v1/reversals", "{\"sender\":\"s\",\"omsgid\":\"m\",\"oinfno\":\"2207\"}");
    assert_int_equal(out.kind, GJ_REQUEST_REVERSE);
    assert_string_equal(out.asked.msgid, "m");
}

static void a_refused_body_leaves_no_bytes(void **state) {
    (void)state;
    const struct {
        const char *body;
        enum gj_err err;
        const char *field;
    } rows[] = {
        {"", GJ_ERR_BAD_JSON, ""},
        {"[]", GJ_ERR_BAD_JSON, ""},
        {BILL(",\"msgid\":\"m2\""), GJ_ERR_BAD_JSON, ""},
        {BILL(",\"extra\":1"), GJ_ERR_UNKNOWN_FIELD, "extra"},
        {BILL(",\"plan_id\":\"1234567890123456789012345678901234567890123456789\""), GJ_ERR_BAD_FIELD,
         "plan_id"},
        {BILL(",\"expected_psn_cash_pay\":12.5"), GJ_ERR_BAD_AMOUNT, "expected_psn_cash_pay"},
        {BILL(",\"expected_psn_cash_pay\":0"), GJ_ERR_BAD_AMOUNT, "expected_psn_cash_pay"},
        {BILL(",\"expected_psn_cash_pay\":\"12.5\""), GJ_ERR_BAD_AMOUNT, "expected_psn_cash_pay"},
        {BILL(",\"expected_psn_cash_pay\":\"-1.00\""), GJ_ERR_BAD_AMOUNT, "expected_psn_cash_pay"},
        {BILL(",\"accept_changed\":1"), GJ_ERR_BAD_FIELD, "accept_changed"},
        {BILL(",\"sender\":7"), GJ_ERR_BAD_FIELD, "sender"},
        {BILL(",\"use\":{\"a\":[[[[[[[[1]]]]]]]]}"), GJ_ERR_TOO_DEEP, ""},
        {"{\"msgid\":\"m1\"}", GJ_ERR_MISSING_FIELD, "sender"},
        {"{\"fixmedins_code\":\"H33010000001\"}", GJ_ERR_MISSING_FIELD, "msgid"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct outcome out = call(ANY, "POST", "/v1/settlements", rows[i].body);
        assert_int_equal(out.err, rows[i].err);
        assert_string_equal(out.fault.field, rows[i].field);
        assert_int_equal(out.bytes.len, 0);
        assert_int_equal(gj_http_status(out.err), 400);
    }
    struct outcome out = call(ANY, "POST", "/v1/settlements", BILL(",\"expected_psn_cash_pay\":\"0.00\""));
    assert_int_equal(out.err, GJ_OK);
}

/* Who decides by hand is the token's owner; no body can say another, and no other token may. */
static void an_operator_is_who_his_token_says(void **state) {
    (void)state;
    static const struct gj_http_client li = {"li", "token-of-li", "330000/operators", true};
    static const char path[] = "/v1/transactions/130000%2F1%2F2%2F1:propose";
    static const char body[] = "{\"outcome\":\"abort\",\"reason\":\"r\",\"evidence\":\"e\"}";
    struct outcome out = call(&li, "POST", path, body);
    assert_int_equal(out.err, GJ_OK);
    assert_int_equal(out.kind, GJ_REQUEST_PROPOSE);
    const struct gj_req_resolve *req = out.value;
    assert_string_equal(req->operator, "li");
    assert_string_equal(req->id, "130000/1/2/1");
    out = call(&li, "POST", "/v1/transactions/130000%2F1%2F2%2F1:confirm", "{\"outcome\":\"abort\"}");
    assert_int_equal(out.kind, GJ_REQUEST_CONFIRM);
    assert_int_equal(call(ANY, "POST", path, body).err, GJ_ERR_UNAUTHORIZED);
    out = call(&li, "POST", path, "{\"outcome\":\"abort\",\"operator\":\"wang\"}");
    assert_int_equal(out.err, GJ_ERR_BAD_FIELD);
    assert_string_equal(out.fault.field, "operator");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_is_found_whole),
        cmocka_unit_test(a_client_speaks_for_its_senders_only),
        cmocka_unit_test(a_prefix_of_hospitals_reads_theirs_only),
        cmocka_unit_test(only_utf8_json_is_taken),
        cmocka_unit_test(a_hospital_states_its_code_only),
        cmocka_unit_test(a_stated_sender_stands),
        cmocka_unit_test(another_sender_is_403),
        cmocka_unit_test(the_address_fills_its_field),
        cmocka_unit_test(reads_carry_what_is_asked),
        cmocka_unit_test(one_sender_reads_its_own_only),
        cmocka_unit_test(every_kind_of_request_passes),
        cmocka_unit_test(a_refused_body_leaves_no_bytes),
        cmocka_unit_test(an_operator_is_who_his_token_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers: a status for every code, rules in words, plans inside problems, and 202 for every unknown outcome.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <glob.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/edge.h"
#include "wire/message.h"

static const struct gj_asked asked_post = {true, "330000/app", "m 1"};
static const struct gj_asked asked_get = {false, "", ""};

static uint8_t answer_memory[131072];

static json_t *render(enum gj_answer_kind kind, const void *value, const struct gj_asked *asked,
                      struct gj_http_response *ret) {
    struct gj_buf out;
    gj_buf_init(&out, answer_memory, sizeof answer_memory);
    assert_int_equal(gj_answer_encode(kind, value, &out), GJ_OK);
    gj_http_answer(gj_buf_slice(&out), asked, ret);
    assert_non_null(ret->body);
    json_t *json = json_loads(ret->body, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(json);
    free(ret->body);
    return json;
}

static const char *text_of(const json_t *json, const char *name) {
    const char *text = json_string_value(json_object_get(json, name));
    return text == NULL ? "" : text;
}

static struct gj_ans_problem problem_of(const char *outcome, const char *code, const char *rule) {
    struct gj_ans_problem problem = {0};
    strcpy(problem.outcome, outcome);
    strcpy(problem.code, code);
    strcpy(problem.rule, rule);
    return problem;
}

struct code {
    enum gj_err err;
    const char *name;
};

static const struct code codes[] = {
#define X(name, number, class, retry, en, zh) {GJ_ERR_##name, #name},
#include "base/err.def"
#undef X
};
#define N_CODES (sizeof codes / sizeof codes[0])

static const enum gj_err rows_of_table[] = {
#define X(name, status, retry_after_s) GJ_ERR_##name,
#include "http/status.def"
#undef X
};

static void every_code_has_one_row(void **state) {
    (void)state;
    const size_t n_rows = sizeof rows_of_table / sizeof rows_of_table[0];
    assert_int_equal(n_rows, N_CODES);
    for (size_t i = 0; i < N_CODES; i++) {
        size_t found = 0;
        for (size_t k = 0; k < n_rows; k++) {
            if (rows_of_table[k] == codes[i].err) found++;
        }
        if (found != 1) print_error("%s has %zu rows\n", codes[i].name, found);
        assert_int_equal(found, 1);
    }
}

static void statuses_follow_the_classes(void **state) {
    (void)state;
    for (size_t i = 0; i < N_CODES; i++) {
        enum gj_err err = codes[i].err;
        unsigned status = gj_http_status(err);
        if (gj_err_class_of(err) == GJ_CLASS_INTERNAL) assert_true(status >= 500);
        if (gj_err_class_of(err) == GJ_CLASS_STORE) assert_true(status >= 500);
        if (gj_err_class_of(err) == GJ_CLASS_POLICY) assert_true(status == 422 || status == 409);
        if (status == 503) assert_true(gj_err_is_retryable(err) && gj_http_retry_after(err) > 0);
        if (status != 503) assert_int_equal(gj_http_retry_after(err), 0);
    }
    const struct {
        enum gj_err err;
        unsigned status;
    } rows[] = {
        {GJ_ERR_BAD_CERTNO, 400},    {GJ_ERR_UNAUTHORIZED, 403}, {GJ_ERR_NOT_FOUND, 404},
        {GJ_ERR_UNKNOWN_ROUTE, 404}, {GJ_ERR_CONFLICT, 409},     {GJ_ERR_PLAN_CHANGED, 409},
        {GJ_ERR_TOO_LARGE, 413},     {GJ_ERR_WRONG_NODE, 421},   {GJ_ERR_RULE, 422},
        {GJ_ERR_INTERNAL, 500},      {GJ_ERR_BUSY, 503},         {GJ_ERR_HOME_UNREACHABLE, 503},
        {GJ_ERR_STORE_FULL, 503},    {GJ_ERR_DRAINING, 503},     {GJ_ERR_GATE, 503},
        {GJ_ERR_RESYNC, 503},        {GJ_ERR_IN_PROGRESS, 202},  {GJ_ERR_EXCEEDS_ORIGINAL, 422},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(gj_http_status(rows[i].err), rows[i].status);
    }
}

static void every_code_becomes_a_problem(void **state) {
    (void)state;
    for (size_t i = 0; i < N_CODES; i++) {
        if (codes[i].err == GJ_ERR_IN_PROGRESS) continue;
        struct gj_ans_problem problem = problem_of("refused", codes[i].name, "");
        struct gj_http_response what;
        char type[80];
        snprintf(type, sizeof type, "urn:gongji:error:%s", codes[i].name);
        json_t *json = render(GJ_ANSWER_PROBLEM, &problem, &asked_post, &what);
        assert_int_equal(what.status, gj_http_status(codes[i].err));
        assert_true(what.is_problem);
        assert_string_equal(text_of(json, "type"), type);
        assert_string_equal(text_of(json, "code"), codes[i].name);
        assert_string_equal(text_of(json, "title"), gj_err_text_en(codes[i].err));
        assert_string_equal(text_of(json, "message_zh"), gj_err_text_zh(codes[i].err));
        assert_int_equal(json_integer_value(json_object_get(json, "status")), what.status);
        assert_int_equal(what.retry_after_s, gj_http_retry_after(codes[i].err));
        json_decref(json);
    }
}

static void a_rule_is_heard_in_words(void **state) {
    (void)state;
    struct gj_ans_problem problem = problem_of("refused", "RULE", "R12");
    strcpy(problem.detail, "recipient");
    strcpy(problem.txid.coordinator, "330000");
    problem.txid.epoch = 7;
    problem.txid.seq = 42;
    problem.txid.attempt = 1;
    struct gj_http_response what;
    json_t *json = render(GJ_ANSWER_PROBLEM, &problem, &asked_post, &what);
    assert_int_equal(what.status, 422);
    assert_string_equal(text_of(json, "rule"), "R12");
    assert_string_equal(text_of(json, "message"), gj_rule_text_of("R12")->en);
    assert_string_equal(text_of(json, "message_zh"), gj_rule_text_of("R12")->zh);
    assert_string_equal(text_of(json, "detail"), "recipient");
    assert_string_equal(text_of(json, "txid"), "330000/7/42/1");
    assert_string_equal(text_of(json, "outcome"), "refused");
    json_decref(json);
    problem = problem_of("refused", "RULE", "R99");
    json = render(GJ_ANSWER_PROBLEM, &problem, &asked_post, &what);
    assert_string_equal(text_of(json, "message"), gj_err_text_en(GJ_ERR_RULE));
    json_decref(json);
}

static void rules_have_texts(void **state) {
    (void)state;
    const char *named[] = {"R1",  "R2",  "R3",  "R4",  "R5",  "R6",  "R7",  "R8",  "R9",  "R10",
                           "R11", "R12", "R13", "R14", "R15", "R16", "R20", "R21", "R22", "R23",
                           "R24", "R33", "R41", "R43", "R45", "R46", "R47", "R49", "R50", "R51",
                           "R70", "R71", "R72", "R73", "R74", "R80", "R81", "R83"};
    for (size_t i = 0; i < sizeof named / sizeof named[0]; i++) {
        const struct gj_rule_text *words = gj_rule_text_of(named[i]);
        assert_non_null(words);
        assert_string_equal(words->rule, named[i]);
        assert_true(strlen(words->en) > 20 && words->en[strlen(words->en) - 1] == '.');
        assert_true((unsigned char)words->zh[0] >= 0x80 || words->zh[0] == 'R');
    }
    assert_ptr_equal(gj_rule_text_of("R46a"), gj_rule_text_of("R46"));
    const char *unknown[] = {"", "R", "R0", "R19", "R999", "R46A", "R46ab", "r46", "R4 "};
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        assert_null(gj_rule_text_of(unknown[i]));
    }
}

static void check_rules_of(const char *path) {
    static char text[262144];
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t len = fread(text, 1, sizeof text - 1, file);
    assert_true(len < sizeof text - 1);
    text[len] = '\0';
    fclose(file);
    for (const char *at = text; (at = strstr(at, "\"R")) != NULL; at++) {
        size_t digits = strspn(at + 2, "0123456789");
        if (digits == 0 || digits > 2 || at[2 + digits] != '"') continue;
        char rule[4] = {'R', at[2], digits == 2 ? at[3] : '\0', '\0'};
        if (gj_rule_text_of(rule) == NULL) print_error("%s names %s, which has no words\n", path, rule);
        assert_non_null(gj_rule_text_of(rule));
    }
}

/* A rule that the domain can name and nobody can read would be a number to the user. */
static void every_rule_that_the_code_names_has_words(void **state) {
    (void)state;
    glob_t files;
    assert_int_equal(glob(GJ_SOURCE_DIR "/src/domain/*.[ch]", 0, NULL, &files), 0);
    assert_int_equal(glob(GJ_SOURCE_DIR "/src/domain/*/*.[ch]", GLOB_APPEND, NULL, &files), 0);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        check_rules_of(files.gl_pathv[i]);
    }
    globfree(&files);
}

static void in_progress_is_202_and_says_where_to_ask(void **state) {
    (void)state;
    struct gj_ans_problem problem = problem_of("in_progress", "IN_PROGRESS", "");
    strcpy(problem.txid.coordinator, "330000");
    problem.txid.seq = 42;
    struct gj_http_response what;
    json_t *json = render(GJ_ANSWER_PROBLEM, &problem, &asked_post, &what);
    assert_int_equal(what.status, 202);
    assert_false(what.is_problem);
    assert_string_equal(text_of(json, "outcome"), "in_progress");
    assert_string_equal(text_of(json, "txid"), "330000/0/42/0");
    assert_string_equal(what.location, "/v1/requests/330000%2Fapp/m%201");
    assert_string_equal(text_of(json, "ask"), what.location);
    assert_string_equal(text_of(json, "sender"), "330000/app");
    json_decref(json);
}

static void an_unknown_outcome_is_never_an_error(void **state) {
    (void)state;
    struct gj_http_response what;
    gj_http_answer_unknown(&asked_post, &what);
    assert_int_equal(what.status, 202);
    assert_non_null(strstr(what.body, "\"IN_PROGRESS\""));
    free(what.body);
    gj_http_answer_unknown(&asked_get, &what);
    assert_int_equal(what.status, 503);
    free(what.body);
    const struct gj_slice bad[] = {GJ_SLICE_NONE, GJ_SLICE_LIT("\xff\x80"), GJ_SLICE_LIT("\x05\x80"),
                                   GJ_SLICE_LIT("\x05\xc1")};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        gj_http_answer(bad[i], &asked_post, &what);
        assert_int_equal(what.status, 202);
        free(what.body);
        gj_http_answer(bad[i], &asked_get, &what);
        assert_int_equal(what.status, 500);
        free(what.body);
    }
}

static void the_longest_names_fit_the_location(void **state) {
    (void)state;
    struct gj_asked asked = {.changes = true};
    struct gj_http_response what;
    memset(asked.sender, '/', GJ_SENDER_MAX);
    memset(asked.msgid, 'm', GJ_MSGID_MAX);
    gj_http_answer_unknown(&asked, &what);
    assert_int_equal(strlen(what.location), strlen("/v1/requests//") + 3 * GJ_SENDER_MAX + GJ_MSGID_MAX);
    free(what.body);
    memset(asked.msgid, '+', GJ_MSGID_MAX);
    gj_http_answer_unknown(&asked, &what);
    assert_int_equal(strlen(what.location), strlen("/v1/requests//") + 3 * (GJ_SENDER_MAX + GJ_MSGID_MAX));
    assert_string_equal(what.location + strlen(what.location) - 3, "%2B");
    free(what.body);
}

static void the_wrong_node_names_the_right_one(void **state) {
    (void)state;
    struct gj_ans_problem problem = problem_of("wrong_node", "WRONG_NODE", "");
    strcpy(problem.node, "360000");
    strcpy(problem.url, "http://10.0.0.2:7202");
    struct gj_http_response what;
    json_t *json = render(GJ_ANSWER_PROBLEM, &problem, &asked_post, &what);
    assert_int_equal(what.status, 421);
    assert_string_equal(text_of(json, "outcome"), "wrong_node");
    assert_string_equal(text_of(json, "node"), "360000");
    assert_string_equal(text_of(json, "url"), "http://10.0.0.2:7202");
    json_decref(json);
}

static void fill_plan(struct gj_ans_plan *plan, struct gj_pay_line *payer, struct gj_explain_line *explain) {
    memset(plan, 0, sizeof *plan);
    memset(payer, 0, sizeof *payer);
    memset(explain, 0, sizeof *explain);
    strcpy(plan->plan_id, "P1");
    plan->psn_cash_pay = 1234;
    plan->acct_pay = 5;
    plan->payers = payer;
    plan->n_payers = 1;
    plan->explain = explain;
    plan->n_explain = 1;
    strcpy(payer->payer, "relative");
    strcpy(payer->region, "360800");
    strcpy(payer->acct_type, "prior");
    payer->amount = 5;
    strcpy(explain->source, "relative");
    strcpy(explain->result, "shortened");
    strcpy(explain->rule, "R51");
    explain->amount = 5;
}

static void a_changed_plan_is_inside(void **state) {
    (void)state;
    static uint8_t memory[16384];
    struct gj_ans_plan plan;
    struct gj_pay_line payer;
    struct gj_explain_line explain;
    struct gj_fault fault;
    struct gj_buf bytes;
    fill_plan(&plan, &payer, &explain);
    gj_buf_init(&bytes, memory, sizeof memory);
    assert_int_equal(gj_shape_encode(&gj_shape_ans_plan, &plan, &bytes, &fault), GJ_OK);
    struct gj_ans_problem problem = problem_of("refused", "PLAN_CHANGED", "");
    problem.plan = gj_buf_slice(&bytes);
    struct gj_http_response what;
    json_t *json = render(GJ_ANSWER_PROBLEM, &problem, &asked_post, &what);
    assert_int_equal(what.status, 409);
    json_t *nested = json_object_get(json, "plan");
    assert_string_equal(text_of(nested, "plan_id"), "P1");
    assert_string_equal(text_of(nested, "psn_cash_pay"), "12.34");
    json_t *line = json_array_get(json_object_get(nested, "explain"), 0);
    assert_string_equal(text_of(line, "rule"), "R51");
    assert_string_equal(text_of(line, "message_zh"), gj_rule_text_of("R51")->zh);
    json_decref(json);
    problem.plan = GJ_SLICE_LIT("\xc1");
    json = render(GJ_ANSWER_PROBLEM, &problem, &asked_post, &what);
    assert_null(json_object_get(json, "plan"));
    assert_int_equal(what.status, 409);
    json_decref(json);
}

static void a_plan_reads_in_yuan(void **state) {
    (void)state;
    struct gj_ans_plan plan;
    struct gj_pay_line payer;
    struct gj_explain_line explain;
    struct gj_http_response what;
    fill_plan(&plan, &payer, &explain);
    json_t *json = render(GJ_ANSWER_PLAN, &plan, &asked_post, &what);
    assert_int_equal(what.status, 200);
    assert_false(what.is_problem);
    assert_string_equal(text_of(json, "acct_pay"), "0.05");
    assert_string_equal(text_of(json, "medfee_sumamt"), "0.00");
    assert_true(json_is_false(json_object_get(json, "degraded")));
    json_t *line = json_array_get(json_object_get(json, "explain"), 0);
    assert_string_equal(text_of(line, "message"), gj_rule_text_of("R51")->en);
    json_decref(json);
}

static void the_longest_list_fits(void **state) {
    (void)state;
    static struct gj_tx_line lines[200];
    for (size_t i = 0; i < 200; i++) {
        memset(lines[i].txid.coordinator, 'a', GJ_NODE_MAX);
        lines[i].txid.seq = INT64_MAX;
        memset(lines[i].kind, 'k', GJ_WORD_MAX);
        memset(lines[i].role, 'r', GJ_WORD_MAX);
        memset(lines[i].state, 's', GJ_WORD_MAX);
        memset(lines[i].sender, 's', GJ_SENDER_MAX);
        memset(lines[i].msgid, 'm', GJ_MSGID_MAX);
    }
    struct gj_ans_transactions list = {lines, 200, true};
    struct gj_http_response what;
    json_t *json = render(GJ_ANSWER_TRANSACTIONS, &list, &asked_get, &what);
    assert_int_equal(what.status, 200);
    assert_int_equal(json_array_size(json_object_get(json, "transactions")), 200);
    json_decref(json);
}

static void a_fault_of_the_edge_names_its_field(void **state) {
    (void)state;
    struct gj_http_fault fault;
    struct gj_http_response what;
    gj_fault_set(&fault, GJ_ERR_BAD_CERTNO, "payer.certno", "check for a typing error");
    gj_http_answer_fault(&fault, &what);
    json_t *json = json_loads(what.body, 0, NULL);
    assert_int_equal(what.status, 400);
    assert_string_equal(text_of(json, "field"), "payer.certno");
    assert_string_equal(text_of(json, "detail"), "check for a typing error");
    assert_string_equal(text_of(json, "message_zh"), gj_err_text_zh(GJ_ERR_BAD_CERTNO));
    json_decref(json);
    free(what.body);
    gj_fault_set(&fault, GJ_ERR_UNKNOWN_ROUTE, NULL, "x");
    fault.status = 405;
    strcpy(fault.allow, "POST");
    gj_http_answer_fault(&fault, &what);
    assert_int_equal(what.status, 405);
    assert_string_equal(what.allow, "POST");
    free(what.body);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_has_one_row),
        cmocka_unit_test(statuses_follow_the_classes),
        cmocka_unit_test(every_code_becomes_a_problem),
        cmocka_unit_test(a_rule_is_heard_in_words),
        cmocka_unit_test(rules_have_texts),
        cmocka_unit_test(every_rule_that_the_code_names_has_words),
        cmocka_unit_test(in_progress_is_202_and_says_where_to_ask),
        cmocka_unit_test(an_unknown_outcome_is_never_an_error),
        cmocka_unit_test(the_longest_names_fit_the_location),
        cmocka_unit_test(the_wrong_node_names_the_right_one),
        cmocka_unit_test(a_changed_plan_is_inside),
        cmocka_unit_test(a_plan_reads_in_yuan),
        cmocka_unit_test(the_longest_list_fits),
        cmocka_unit_test(a_fault_of_the_edge_names_its_field),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

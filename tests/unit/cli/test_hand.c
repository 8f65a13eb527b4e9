/* SPDX-License-Identifier: Apache-2.0
 *
 * `gongji tx propose`, `tx confirm` against the real edge, whose engine the test plays; `gongji cases` on a real store.
 */
#include "cli_run.h"

#include <sys/stat.h>
#include <unistd.h>

#include "conf/conf.h"
#include "http/http.h"
#include "protocol/protocol.h"
#include "protocol/tables.h"
#include "store/store.h"
#include "wire/message.h"

/* --- the node ----------------------------------------------------------------------------------------------- */

static struct gj_http *http;
static struct gj_req_resolve heard; /* the last request */
static enum gj_request_kind heard_kind;
static enum gj_err refusal; /* GJ_OK: it is done */

static struct gj_slice answer_to(const struct gj_req_resolve *req, uint8_t *memory, size_t cap) {
    struct gj_ans_resolution done = {.txid = {.coordinator = "130000", .epoch = 1, .seq = 2, .attempt = 1},
                                     .reason = "r",
                                     .evidence = "e",
                                     .proposed_by = "li"};
    struct gj_ans_problem problem = {.outcome = "refused"};
    struct gj_buf out;
    gj_buf_init(&out, memory, cap);
    gj_text_set(done.outcome, sizeof done.outcome, req->outcome);
    gj_text_set(done.state, sizeof done.state, heard_kind == GJ_REQUEST_CONFIRM ? "confirmed" : "proposed");
    if (heard_kind == GJ_REQUEST_CONFIRM)
        gj_text_set(done.confirmed_by, sizeof done.confirmed_by, req->operator);
    gj_text_set(problem.code, sizeof problem.code, gj_err_name(refusal));
    assert_int_equal(refusal == GJ_OK ? gj_answer_encode(GJ_ANSWER_RESOLUTION, &done, &out)
                                      : gj_answer_encode(GJ_ANSWER_PROBLEM, &problem, &out),
                     GJ_OK);
    return gj_buf_slice(&out);
}

static bool submit(void *ctx, uint64_t waiter, struct gj_slice request) {
    static uint8_t arena_memory[16384], memory[16384];
    struct gj_arena arena;
    struct gj_fault fault;
    void *body = NULL;
    (void)ctx;
    gj_arena_init(&arena, arena_memory, sizeof arena_memory);
    if (gj_request_decode(request, &arena, &heard_kind, &body, &fault) != GJ_OK) return false;
    heard = *(const struct gj_req_resolve *)body;
    gj_http_reply(http, waiter, answer_to(&heard, memory, sizeof memory));
    return true;
}

static void hangup(void *ctx, uint64_t waiter) {
    (void)ctx;
    (void)waiter;
}

static void write_private(const char *name, const char *text) {
    char path[SCRATCH_PATH_CAP];
    scratch_write_bytes(name, text, strlen(text));
    assert_int_equal(chmod(scratch_path(path, name), 0600), 0);
}

/* The example's configuration with the port that the edge got. */
static void write_config(unsigned port) {
    size_t len = 0;
    char *text = scratch_read_path(GJ_SOURCE_DIR "/config/node.yaml", &len);
    char *at = strstr(text, "port: 8101"), number[16];
    assert_non_null(at);
    (void)snprintf(number, sizeof number, "port: %u", port);
    char *whole = malloc(len + 32);
    assert_non_null(whole);
    (void)snprintf(whole, len + 32, "%.*s%s%s", (int)(at - text), text, number, at + strlen("port: 8101"));
    scratch_write_bytes("node.yaml", whole, strlen(whole));
    free(whole);
    free(text);
}

static int open_node(void **state) {
    static const struct gj_http_client clients[] = {{"li", "token-of-li-the-first", "330000/operators", true},
                                                    {"his", "token-of-a-hospital", "H33010000001", false}};
    char detail[GJ_HTTP_DETAIL_CAP] = "";
    const struct gj_http_config config = {
        .address = "127.0.0.1", .clients = clients, .n_clients = 2, .submit = submit, .hangup = hangup};
    if (scratch_setup(state) != 0) return -1;
    assert_int_equal(gj_http_open(&config, &http, detail), GJ_OK);
    write_config(gj_http_port(http));
    write_private("li", "token-of-li-the-first\n");
    write_private("his", "token-of-a-hospital\n");
    refusal = GJ_OK;
    return 0;
}

static int close_node(void **state) {
    if (http != NULL) gj_http_close(&http);
    cli_forget();
    return scratch_teardown(state);
}

#define WHERE " --config @node.yaml --token @li"
#define TX    " 130000/1/2/1"

static void a_proposal_reaches_the_node(void **state) {
    (void)state;
    assert_cli("gongji tx propose" WHERE " --reason cut --evidence letter-7" TX " abort", GJ_EXIT_OK);
    assert_int_equal(heard_kind, GJ_REQUEST_PROPOSE);
    assert_string_equal(heard.id, "130000/1/2/1");
    assert_string_equal(heard.outcome, "abort");
    assert_string_equal(heard.reason, "cut");
    assert_string_equal(heard.evidence, "letter-7");
    assert_string_equal(heard.operator, "li"); /* by the token */
    assert_non_null(strstr(cli_out, "abort proposed by li"));
    assert_non_null(strstr(cli_out, "尚未生效"));
}

static void a_confirmation_too(void **state) {
    (void)state;
    assert_cli("gongji tx confirm" WHERE TX " commit", GJ_EXIT_OK);
    assert_int_equal(heard_kind, GJ_REQUEST_CONFIRM);
    assert_string_equal(heard.outcome, "commit");
    assert_non_null(strstr(cli_out, "commit confirmed by li, li"));
    assert_cli("gongji tx confirm --json" WHERE TX " commit", GJ_EXIT_OK);
    assert_non_null(strstr(cli_out, "\"state\":\"confirmed\""));
}

static void a_refusal_is_told_in_both_languages(void **state) {
    (void)state;
    refusal = GJ_ERR_DUAL_CONTROL;
    assert_cli("gongji tx confirm" WHERE TX " commit", GJ_EXIT_FILE);
    assert_non_null(strstr(cli_err, "DUAL_CONTROL"));
    assert_non_null(strstr(cli_err, gj_err_text_en(GJ_ERR_DUAL_CONTROL)));
    assert_non_null(strstr(cli_err, gj_err_text_zh(GJ_ERR_DUAL_CONTROL)));
    refusal = GJ_ERR_RESYNC;
    assert_cli("gongji tx confirm" WHERE TX " commit", GJ_EXIT_SYSTEM);
    /* Another's token decides nothing, whatever it may else. */
    assert_cli("gongji tx confirm --config @node.yaml --token @his" TX " commit", GJ_EXIT_FILE);
    assert_non_null(strstr(cli_err, "UNAUTHORIZED"));
    assert_null(strstr(cli_err, "token-of"));
}

static void what_is_wrong_is_said_before_anything_is_sent(void **state) {
    (void)state;
    char path[SCRATCH_PATH_CAP];
    heard_kind = GJ_REQUEST_NONE;
    assert_cli("gongji tx propose" WHERE TX " abort", GJ_EXIT_USAGE);
    assert_cli("gongji tx confirm" WHERE TX " perhaps", GJ_EXIT_USAGE);
    assert_cli("gongji tx confirm" WHERE " 130000/1 abort", GJ_EXIT_USAGE);
    assert_cli("gongji tx confirm" WHERE TX, GJ_EXIT_USAGE);
    assert_cli("gongji tx", GJ_EXIT_USAGE);
    assert_cli("gongji tx confirm --config @node.yaml --token @nobody" TX " abort", GJ_EXIT_FILE);
    assert_int_equal(chmod(scratch_path(path, "li"), 0644), 0);
    assert_cli("gongji tx confirm" WHERE TX " abort", GJ_EXIT_FILE);
    assert_non_null(strstr(cli_err, "others can read it"));
    write_private("li", "two words\n");
    assert_cli("gongji tx confirm" WHERE TX " abort", GJ_EXIT_FILE);
    assert_int_equal(heard_kind, GJ_REQUEST_NONE);
}

static void a_node_that_is_down_is_told(void **state) {
    (void)state;
    gj_http_close(&http);
    assert_cli("gongji tx confirm" WHERE TX " abort", GJ_EXIT_SYSTEM);
    assert_non_null(strstr(cli_err, "does not answer"));
}

/* --- cases -------------------------------------------------------------------------------------------------- */

static void copy_config(const char *name) {
    char from[SCRATCH_PATH_CAP];
    size_t len = 0;
    (void)snprintf(from, sizeof from, GJ_SOURCE_DIR "/config/%s", name);
    char *text = scratch_read_path(from, &len);
    scratch_write_bytes(name, text, len);
    free(text);
}

static int fresh_store(void **state) {
    if (scratch_setup(state) != 0) return -1;
    copy_config("node.yaml");
    copy_config("registry.yaml");
    copy_config("registry.yaml.sig");
    copy_config("authority.pub");
    scratch_mkdir("packs");
    scratch_mkdir("witness");
    copy_config("packs/000000-base.yaml");
    if (cli("gongji keys --out @keys") != 0) return -1;
    return cli("gongji init --config @node.yaml");
}

static void cases_are_listed_with_their_evidence(void **state) {
    (void)state;
    char path[SCRATCH_PATH_CAP], detail[200] = "";
    struct gj_store *store = NULL;
    struct gj_case_row row = {.case_id = "C1",
                              .what = "manual_abort_failed",
                              .txid = {.coordinator = "130000", .epoch = 1, .seq = 2, .attempt = 1},
                              .node = "130000",
                              .opened_ms = 7,
                              .difference_fen = -5000,
                              .first = GJ_SLICE_LIT("\x01\xab")};
    assert_cli("gongji cases --config @node.yaml", GJ_EXIT_OK);
    assert_string_equal(cli_out, "");
    assert_int_equal(gj_store_open_sqlite(scratch_path(path, "gongji.db"), GJ_STORE_WRITE,
                                          gj_store_catalogue(), &store, detail),
                     GJ_OK);
    store->ops->begin(store);
    gj_store_put(store, &gj_table_case, &row);
    gj_text_set(row.case_id, sizeof row.case_id, "C0");
    row.opened_ms = 9;
    gj_store_put(store, &gj_table_case, &row);
    assert_int_equal(store->ops->commit(store), GJ_OK);
    gj_store_close(&store);
    assert_cli("gongji cases --config @node.yaml", GJ_EXIT_OK);
    assert_string_equal(cli_out, "C1 manual_abort_failed 130000/1/2/1 130000 -50.00\n"
                                 "C0 manual_abort_failed 130000/1/2/1 130000 -50.00\n");
    assert_cli("gongji cases --config @node.yaml --json", GJ_EXIT_OK);
    assert_non_null(strstr(cli_out, "\"first\":\"01ab\",\"second\":\"\"}"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_proposal_reaches_the_node, open_node, close_node),
        cmocka_unit_test_setup_teardown(a_confirmation_too, open_node, close_node),
        cmocka_unit_test_setup_teardown(a_refusal_is_told_in_both_languages, open_node, close_node),
        cmocka_unit_test_setup_teardown(what_is_wrong_is_said_before_anything_is_sent, open_node, close_node),
        cmocka_unit_test_setup_teardown(a_node_that_is_down_is_told, open_node, close_node),
        cmocka_unit_test_setup_teardown(cases_are_listed_with_their_evidence, fresh_store, close_node),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

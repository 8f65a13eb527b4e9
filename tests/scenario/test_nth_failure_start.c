/* SPDX-License-Identifier: Apache-2.0
 *
 * Every allocation fails in turn while a node's files are read, its store, engine, sockets and HTTP edge are opened and
 * closed again; and while one call goes through the edge. Either all of it is there, or an error and nothing.
 */
#include "nth_alloc.h"
#include "unit/cli/cli_run.h"

#include <jansson.h>
#include <limits.h>
#include <sqlite3.h>
#include <unistd.h>

#include "http/edge.h"
#include "node/engine.h"
#include "node/inbox.h"
#include "node/load.h"
#include "ops/metrics.h"

/* --- libraries that take an allocator ------------------------------------------------------------------------ */
/* How many more of jansson's own may fail. Its reader ends the process by an assert of its own when its buffer cannot
 * grow, which is as safe as any crash, but leaves nothing to look at: of a request only its first one is counted. */
static unsigned json_counted;

static void *json_malloc(size_t size) {
    if (json_counted == 0) return __real_malloc(size);
    json_counted--;
    return malloc(size);
}

/* SQLite allocates thousands of times in one start, and most are alike: only every so many is counted. */
#define SQLITE_STRIDE 53
static sqlite3_mem_methods sqlite_memory;
static unsigned sqlite_calls;

static bool sqlite_fails(void) {
    return sqlite_calls++ % SQLITE_STRIDE == 0 && nth_alloc_fails();
}

static void *sqlite_malloc(int size) {
    return sqlite_fails() ? NULL : sqlite_memory.xMalloc(size);
}

static void *sqlite_realloc(void *ptr, int size) {
    return sqlite_fails() ? NULL : sqlite_memory.xRealloc(ptr, size);
}

static void take_over_libraries(void) {
    json_set_alloc_funcs(json_malloc, free);
    assert_int_equal(sqlite3_config(SQLITE_CONFIG_GETMALLOC, &sqlite_memory), SQLITE_OK);
    sqlite3_mem_methods ours = sqlite_memory;
    ours.xMalloc = sqlite_malloc;
    ours.xRealloc = sqlite_realloc;
    assert_int_equal(sqlite3_config(SQLITE_CONFIG_MALLOC, &ours), SQLITE_OK);
    assert_int_equal(sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0), SQLITE_OK);
}

/* --- a node's folder -------------------------------------------------------------------------------------------- */
/* The rest of the line that begins with |word| in what the command printed. */
static const char *printed(const char *word) {
    static char value[512];
    const char *at = strstr(cli_out, word);
    if (at == NULL) fail_msg("no %s in: %s", word, cli_out);
    at += strlen(word);
    (void)snprintf(value, sizeof value, "%.*s", (int)strcspn(at, "\n"), at);
    return value;
}

static void copy_pack(void) {
    size_t len = 0;
    char *text = scratch_read_path(GJ_SOURCE_DIR "/config/packs/000000-base.yaml", &len);
    scratch_write_bytes("packs/base.yaml", text, len);
    free(text);
}

static int make_node(void **state) {
    char registry[4096], curve[512], path[SCRATCH_PATH_CAP];
    take_over_libraries();
    if (scratch_setup(state) != 0) return -1;
    scratch_mkdir("packs");
    copy_pack();
    assert_cli("gongji keys --authority --out @", GJ_EXIT_OK);
    assert_cli("gongji keys --out @keys", GJ_EXIT_OK);
    (void)snprintf(curve, sizeof curve, "%s", printed("curve_public:"));
    (void)snprintf(
        registry, sizeof registry,
        "network_id: \"67f1a9f4b1c54f0c9d7c0e1b5a2d8837\"\nserial: 1\nnodes:\n"
        "  - node: \"330000\"\n    endpoint: tcp://127.0.0.1:7101\n    url: http://127.0.0.1:8101\n"
        "    curve_public:%s\n    keys:\n      - public:%s\n        valid_from: 2024-01-01 00:00:00\n"
        "regions:\n  - {region: \"330100\", node: \"330000\"}\n",
        curve, printed("\npublic:"));
    scratch_write("registry.yaml", registry);
    assert_cli("gongji registry sign @registry.yaml --key @authority.pem", GJ_EXIT_OK);
    scratch_write("token", "0123456789abcdef0123456789abcdef\n");
    assert_int_equal(chmod(scratch_path(path, "token"), 0600), 0);
    scratch_write("node.yaml",
                  "node: \"330000\"\nstore: gongji.db\nwitness: gongji.witness\nregistry: registry.yaml\n"
                  "registry_key: authority.pub\npacks: packs\nsign_key: keys/sign.pem\n"
                  "curve_key: keys/curve.key\ndata_key: keys/data.key\nlisten: tcp://127.0.0.1:7101\n"
                  "http:\n  address: 127.0.0.1\n  port: 8101\n"
                  "clients:\n  - name: his\n    token_file: token\n    senders: H33010000001\n");
    return cli("gongji init --config @node.yaml");
}

static int drop_node(void **state) {
    cli_forget();
    return scratch_teardown(state);
}

/* --- starting and stopping ------------------------------------------------------------------------------------------ */
static bool on_frame(void *ctx, const char *line, struct gj_slice frame) {
    (void)ctx;
    (void)line;
    (void)frame;
    return true;
}

static bool on_submit(void *ctx, uint64_t waiter, struct gj_slice request) {
    (void)ctx;
    (void)waiter;
    (void)request;
    return true;
}

static void on_hangup(void *ctx, uint64_t waiter) {
    (void)ctx;
    (void)waiter;
}

static void on_metrics(void *ctx, struct gj_buf *out) {
    gj_metrics_write(ctx, out);
}

static void on_parcel(void *ctx, const char *node, struct gj_slice parcel) {
    (void)ctx;
    (void)node;
    (void)parcel;
}

static void on_reply(void *ctx, uint64_t waiter, struct gj_slice answer) {
    (void)ctx;
    (void)waiter;
    (void)answer;
}

static void on_event(void *ctx, const struct gj_event *event) {
    (void)ctx;
    (void)event;
}

static void on_random(void *ctx, void *ret, size_t len) {
    (void)ctx;
    gj_random_bytes(ret, len);
}

struct started {
    struct gj_loaded loaded;
    struct gj_store *store;
    struct gj_engine *engine;
    struct gj_inbox *inbox;
    struct gj_metrics *metrics;
    struct gj_net *net;
    struct gj_http *http;
    struct gj_hasher hasher;
    struct gj_prover prover;
};

static enum gj_err open_edges(struct started *s) {
    char detail[200];
    const struct gj_net_config net = {.listen = "tcp://127.0.0.1:*",
                                      .curve_public = s->loaded.curve_public,
                                      .curve_secret = s->loaded.curve_secret,
                                      .self = "330000",
                                      .peers = s->loaded.peers,
                                      .n_peers = s->loaded.n_peers,
                                      .receive = on_frame};
    GJ_TRY(gj_net_open(&net, &s->net, detail));
    const struct gj_http_config http = {.address = "127.0.0.1",
                                        .clients = s->loaded.clients,
                                        .n_clients = s->loaded.n_clients,
                                        .ctx = s->metrics,
                                        .submit = on_submit,
                                        .hangup = on_hangup,
                                        .metrics = on_metrics};
    return gj_http_open(&http, &s->http, detail);
}

static enum gj_err open_node(struct started *s, const char *config) {
    struct gj_conf_error error;
    char detail[200], path[SCRATCH_PATH_CAP];
    const struct gj_now now = gj_clock_read();
    const struct gj_input input = {
        .kind = GJ_INPUT_PARCEL, .bytes = GJ_SLICE_LIT("some frame"), .line = "360000"};
    GJ_TRY(gj_load(config, now.wall, &s->loaded, &error));
    GJ_TRY(gj_store_open_sqlite(scratch_path(path, "gongji.db"), GJ_STORE_WRITE, gj_store_catalogue(),
                                &s->store, detail));
    s->inbox = gj_inbox_new();
    s->metrics = gj_metrics_new("330000");
    if (s->inbox == NULL || s->metrics == NULL) return GJ_ERR_NO_MEMORY;
    s->hasher = gj_crypto_hasher(&s->loaded.data_key);
    s->prover = (struct gj_prover){
        .ctx = s->loaded.registry->keyring, .verify = gj_keyring_verify, .key_valid = gj_keyring_key_valid};
    const struct gj_engine_config engine = {
        .store = s->store,
        .directory = &s->loaded.registry->directory,
        .packs = &s->loaded.packs->packs,
        .hasher = &s->hasher,
        .prover = &s->prover,
        .sign_key = s->loaded.sign_key,
        .data_key = &s->loaded.data_key,
        .sink = {.parcel = on_parcel, .reply = on_reply, .event = on_event, .random = on_random},
        .record_inputs = true};
    GJ_TRY(gj_engine_new(&engine, &s->engine));
    GJ_TRY(gj_engine_start(s->engine, now, GJ_WITNESS_EQUAL_OR_BEHIND));
    GJ_TRY(gj_engine_step(s->engine, &input, 1, now));
    (void)gj_inbox_put(s->inbox, &input);
    return open_edges(s);
}

static void close_node(struct started *s) {
    gj_http_close(&s->http);
    gj_net_close(&s->net);
    gj_engine_free(&s->engine);
    if (s->inbox != NULL) gj_inbox_close(s->inbox);
    gj_inbox_free(&s->inbox);
    gj_metrics_free(&s->metrics);
    gj_store_close(&s->store);
    gj_load_done(&s->loaded);
}

static void every_allocation_of_a_start(void **state) {
    (void)state;
    char config[SCRATCH_PATH_CAP];
    unsigned long long n = 0, refused = 0;
    (void)scratch_path(config, "node.yaml");
    for (bool is_untouched = false; !is_untouched;) {
        struct started started;
        memset(&started, 0, sizeof started);
        sqlite_calls = 0;
        nth_alloc_arm(++n);
        enum gj_err err = open_node(&started, config);
        is_untouched = nth_alloc_disarm();
        close_node(&started);
        refused += err != GJ_OK;
        if (is_untouched) assert_int_equal(err, GJ_OK);
    }
    assert_true(n > 200 && refused > n / 2);
    print_message("%llu allocations, %llu starts refused\n", n - 1, refused);
    assert_cli("gongji books --config @node.yaml", GJ_EXIT_OK);
}

/* --- one call through the edge ----------------------------------------------------------------------------------------- */
static const struct gj_http_client client = {"his", "0123456789abcdef0123456789abcdef", "H33010000001", false};
#define BILL                                                                                                 \
    "{\"msgid\":\"m-1\",\"fixmedins_code\":\"H33010000001\",\"mdtrtarea_admvs\":\"330100\","                 \
    "\"insuplc_admdvs\":\"330100\",\"psn_cert_type\":\"01\",\"certno\":\"330100197308023967\","              \
    "\"psn_name\":\"x\",\"mdtrt_cert_type\":\"02\",\"mdtrt_cert_no\":\"330100197308023967\",\"med_type\":"   \
    "\"11\","                                                                                                \
    "\"medfee_sumamt\":\"10.00\",\"fund_pay_sumamt\":\"5.00\",\"psn_part_amt\":\"5.00\","                    \
    "\"acct_payable_amt\":\"5.00\"}"

static void every_allocation_of_a_request(void **state) {
    (void)state;
    static uint8_t memory[GJ_REQUEST_MAX];
    struct gj_route_match match;
    struct gj_http_fault fault;
    unsigned long long n = 0;
    assert_int_equal(gj_route_find("POST", "/v1/plans", &match, &fault), GJ_OK);
    for (bool is_untouched = false; !is_untouched;) {
        struct gj_asked asked;
        struct gj_buf out;
        gj_buf_init(&out, memory, sizeof memory);
        json_counted = 1;
        nth_alloc_arm(++n);
        enum gj_err err = gj_http_request(&match, &client, gj_slice_str(BILL), &out, &asked, &fault);
        is_untouched = nth_alloc_disarm();
        /* The caller is not told that he was wrong when it was us. */
        assert_int_equal(err, is_untouched ? GJ_OK : GJ_ERR_NO_MEMORY);
    }
    assert_true(n > 2);
}

static char *answer_text(struct gj_slice answer) {
    const struct gj_asked asked = {.changes = true, .sender = "H33010000001", .msgid = "m-1"};
    struct gj_http_response response;
    gj_http_answer(answer, &asked, &response);
    return response.body;
}

/* Half an answer about money is worse than none. */
static void every_allocation_of(enum gj_answer_kind kind, const void *body) {
    static uint8_t memory[GJ_MESSAGE_MAX];
    struct gj_buf out;
    unsigned long long n = 0;
    gj_buf_init(&out, memory, sizeof memory);
    assert_int_equal(gj_answer_encode(kind, body, &out), GJ_OK);
    char *whole = answer_text(gj_buf_slice(&out));
    assert_non_null(whole);
    for (bool is_untouched = false; !is_untouched;) {
        json_counted = UINT_MAX;
        nth_alloc_arm(++n);
        char *text = answer_text(gj_buf_slice(&out));
        is_untouched = nth_alloc_disarm();
        bool is_in_progress = text != NULL && strstr(text, "\"IN_PROGRESS\"") != NULL;
        if (text != NULL && !is_in_progress) assert_string_equal(text, whole);
        if (is_untouched) assert_non_null(text);
        free(text);
    }
    free(whole);
    assert_true(n > 20);
}

static void every_allocation_of_an_answer(void **state) {
    (void)state;
    struct gj_pay_line payer = {.payer = "self", .region = "330100", .acct_type = "prior", .amount = 500};
    struct gj_explain_line why = {.source = "self", .result = "taken", .rule = "R43", .amount = 500};
    const struct gj_ans_settlement settlement = {.setl_id = "s-1",
                                                 .txid = {"330000", 1, 2, 1},
                                                 .state = "settled",
                                                 .business_date = 20261118,
                                                 .medfee_sumamt = 1000,
                                                 .fund_pay_sumamt = 500,
                                                 .psn_part_amt = 500,
                                                 .acct_pay = 500,
                                                 .payers = &payer,
                                                 .n_payers = 1,
                                                 .explain = &why,
                                                 .n_explain = 1};
    const struct gj_ans_problem problem = {
        .outcome = "refused", .code = "RULE", .rule = "R51", .detail = "payer", .txid = {"330000", 1, 2, 1}};
    every_allocation_of(GJ_ANSWER_SETTLEMENT, &settlement);
    every_allocation_of(GJ_ANSWER_PROBLEM, &problem);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_allocation_of_a_start),
        cmocka_unit_test(every_allocation_of_a_request),
        cmocka_unit_test(every_allocation_of_an_answer),
    };
    return cmocka_run_group_tests(tests, make_node, drop_node);
}

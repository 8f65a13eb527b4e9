/* SPDX-License-Identifier: Apache-2.0
 *
 * The daemon on a real loopback socket, with an engine that the test plays: good and bad calls, slow, many and
 * vanishing clients, and the end with clients still waiting.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <jansson.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "http/http.h"
#include "wire/message.h"

/* --- the engine that the test plays ------------------------------------------------------------------------ */
#define SEEN_MAX 2048

struct engine {
    pthread_mutex_t lock;
    struct gj_http *http;
    uint64_t submitted[SEEN_MAX], hung_up[SEEN_MAX];
    size_t n_submitted, n_hung_up;
    char last_msgid[GJ_MSGID_MAX + 1];
    bool full, answers_at_once;
};

static size_t encode_reversal(const char *omsgid, uint8_t *memory, size_t cap)
{
    struct gj_ans_reversal answer = {0};
    struct gj_buf out;
    strcpy(answer.state, "reversed");
    strcpy(answer.omsgid, omsgid);
    gj_buf_init(&out, memory, cap);
    if (gj_answer_encode(GJ_ANSWER_REVERSAL, &answer, &out) != GJ_OK) abort();
    return out.len;
}

static void reply(struct gj_http *http, uint64_t waiter, const char *omsgid)
{
    uint8_t memory[512];
    size_t len = encode_reversal(omsgid, memory, sizeof memory);
    gj_http_reply(http, waiter, gj_slice_of(memory, len));
}

static void note_msgid(struct engine *engine, struct gj_slice request)
{
    static _Thread_local uint8_t memory[16384];
    struct gj_arena arena;
    struct gj_fault fault;
    enum gj_request_kind kind;
    void *body;
    gj_arena_init(&arena, memory, sizeof memory);
    if (gj_request_decode(request, &arena, &kind, &body, &fault) != GJ_OK) abort();
    if (kind == GJ_REQUEST_REVERSE) strcpy(engine->last_msgid, ((struct gj_req_reverse *)body)->omsgid);
}

static bool on_submit(void *ctx, uint64_t waiter, struct gj_slice request)
{
    struct engine *engine = ctx;
    pthread_mutex_lock(&engine->lock);
    bool taken = !engine->full;
    if (taken) {
        note_msgid(engine, request);
        engine->submitted[engine->n_submitted++ % SEEN_MAX] = waiter;
    }
    bool at_once = taken && engine->answers_at_once;
    char msgid[GJ_MSGID_MAX + 1];
    strcpy(msgid, engine->last_msgid);
    pthread_mutex_unlock(&engine->lock);
    if (at_once) reply(engine->http, waiter, msgid);
    return taken;
}

static void on_hangup(void *ctx, uint64_t waiter)
{
    struct engine *engine = ctx;
    pthread_mutex_lock(&engine->lock);
    engine->hung_up[engine->n_hung_up++ % SEEN_MAX] = waiter;
    pthread_mutex_unlock(&engine->lock);
}

static void on_metrics(void *ctx, struct gj_buf *out)
{
    (void)ctx;
    gj_buf_put_slice(out, GJ_SLICE_LIT("gongji_up 1\n"));
}

static void pause_ms(long ms)
{
    const struct timespec pause = {0, ms * 1000000L};
    nanosleep(&pause, NULL);
}

/* Waits for something that must come; the test program's own limit ends it if it never does. */
static size_t counted(struct engine *engine, const size_t *counter)
{
    pthread_mutex_lock(&engine->lock);
    size_t n = *counter;
    pthread_mutex_unlock(&engine->lock);
    return n;
}

static void await(struct engine *engine, const size_t *counter, size_t n)
{
    while (counted(engine, counter) < n) {
        pause_ms(2);
    }
}

/* --- a node under test ------------------------------------------------------------------------------------- */
static const struct gj_http_client clients[] = {{"bureau", "secret-token", "330000/*"}};

static struct engine *open_with(uint32_t wait_ms)
{
    struct engine *engine = calloc(1, sizeof *engine);
    char detail[GJ_HTTP_DETAIL_CAP];
    pthread_mutex_init(&engine->lock, NULL);
    const struct gj_http_config config = {.address = "127.0.0.1",
                                          .wait_ms = wait_ms,
                                          .clients = clients,
                                          .n_clients = 1,
                                          .ctx = engine,
                                          .submit = on_submit,
                                          .hangup = on_hangup,
                                          .metrics = on_metrics};
    pthread_mutex_lock(&engine->lock);
    assert_int_equal(gj_http_open(&config, &engine->http, detail), GJ_OK);
    pthread_mutex_unlock(&engine->lock);
    assert_int_not_equal(gj_http_port(engine->http), 0);
    return engine;
}

static int setup(void **state)
{
    struct engine *engine = open_with(0);
    engine->answers_at_once = true;
    *state = engine;
    return 0;
}

static int setup_waiting(void **state)
{
    *state = open_with(0);
    return 0;
}

static int setup_short_wait(void **state)
{
    *state = open_with(50);
    return 0;
}

static int teardown(void **state)
{
    struct engine *engine = *state;
    gj_http_close(&engine->http);
    assert_null(engine->http);
    pthread_mutex_destroy(&engine->lock);
    free(engine);
    return 0;
}

/* --- a client ------------------------------------------------------------------------------------------------ */
struct response {
    int status; /* 0: the line was closed without one */
    char head[2048];
    char body[65536];
};

static int dial(const struct engine *engine)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(gj_http_port(engine->http))};
    struct timeval limit = {60, 0};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(inet_pton(AF_INET, "127.0.0.1", &address.sin_addr), 1);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static bool put_bytes(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);
        if (n <= 0) return false;
        bytes += n;
        len -= (size_t)n;
    }
    return true;
}

static void put(int fd, const char *text)
{
    assert_true(put_bytes(fd, text, strlen(text)));
}

static void post_bytes(int fd, const char *target, const char *body, size_t len)
{
    char head[1024];
    snprintf(head, sizeof head,
             "POST %s HTTP/1.1\r\nHost: n\r\nAuthorization: Bearer secret-token\r\n"
             "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
             target, len);
    put(fd, head);
    put_bytes(fd, body, len); /* an early answer may close the line */
}

static void post(int fd, const char *target, const char *body)
{
    post_bytes(fd, target, body, strlen(body));
}

static void get(int fd, const char *target)
{
    char head[512];
    snprintf(head, sizeof head, "GET %s HTTP/1.1\r\nHost: n\r\nAuthorization: Bearer secret-token\r\n\r\n",
             target);
    put(fd, head);
}

static size_t read_head(int fd, struct response *ret)
{
    size_t n = 0;
    while (n + 1 < sizeof ret->head && recv(fd, ret->head + n, 1, 0) == 1) {
        n++;
        if (n >= 4 && memcmp(ret->head + n - 4, "\r\n\r\n", 4) == 0) break;
    }
    ret->head[n] = '\0';
    return n;
}

static void take(int fd, struct response *ret)
{
    memset(ret, 0, sizeof *ret);
    if (read_head(fd, ret) == 0) return;
    assert_int_equal(sscanf(ret->head, "HTTP/1.1 %d", &ret->status), 1);
    const char *length = strstr(ret->head, "Content-Length: ");
    assert_non_null(length);
    size_t left = strtoul(length + 16, NULL, 10), n = 0;
    assert_true(left < sizeof ret->body);
    while (left > 0) {
        ssize_t got = recv(fd, ret->body + n, left, 0);
        assert_true(got > 0);
        n += (size_t)got;
        left -= (size_t)got;
    }
}

static void expect(int fd, int status, const char *in_body)
{
    static struct response response;
    take(fd, &response);
    if (response.status != status || strstr(response.body, in_body) == NULL) {
        print_error("%s%s\n", response.head, response.body);
    }
    assert_int_equal(response.status, status);
    assert_non_null(strstr(response.body, in_body));
}

#define REVERSAL "{\"sender\":\"330000/app\",\"omsgid\":\"m1\"}"

/* --- good calls ------------------------------------------------------------------------------------------------ */
static void one_line_serves_many_calls(void **state)
{
    struct engine *engine = *state;
    int fd = dial(engine);
    for (int i = 0; i < 20; i++) {
        char body[100], expected[40];
        snprintf(body, sizeof body, "{\"sender\":\"330000/app\",\"omsgid\":\"m%d\"}", i);
        snprintf(expected, sizeof expected, "\"omsgid\":\"m%d\"", i);
        post(fd, "/v1/reversals", body);
        expect(fd, 200, expected);
        get(fd, "/healthz");
        expect(fd, 200, "\"ok\"");
    }
    close(fd);
    struct gj_http_counts counts;
    gj_http_counts_of(engine->http, &counts);
    assert_int_equal(counts.requests, 40);
    assert_int_equal(counts.submitted, 20);
    assert_int_equal(counts.answered, 20);
    assert_int_equal(counts.refused, 0);
}

static void answers_carry_their_headers(void **state)
{
    struct engine *engine = *state;
    static struct response response;
    int fd = dial(engine);
    post(fd, "/v1/reversals", REVERSAL);
    take(fd, &response);
    assert_non_null(strstr(response.head, "Content-Type: application/json\r\n"));
    assert_non_null(strstr(response.head, "Cache-Control: no-store\r\n"));
    get(fd, "/v1/nowhere");
    take(fd, &response);
    assert_int_equal(response.status, 404);
    assert_non_null(strstr(response.head, "Content-Type: application/problem+json\r\n"));
    get(fd, "/v1/plans");
    take(fd, &response);
    assert_int_equal(response.status, 405);
    assert_non_null(strstr(response.head, "Allow: POST\r\n"));
    get(fd, "/metrics");
    take(fd, &response);
    assert_int_equal(response.status, 200);
    assert_string_equal(response.body, "gongji_up 1\n");
    assert_non_null(strstr(response.head, "Content-Type: text/plain; version=0.0.4"));
    put(fd, "GET /v1/node HTTP/1.1\r\nHost: n\r\n\r\n");
    take(fd, &response);
    assert_int_equal(response.status, 401);
    assert_non_null(strstr(response.head, "WWW-Authenticate: Bearer\r\n"));
    close(fd);
}

static void a_head_request_is_405_without_a_body(void **state)
{
    struct engine *engine = *state;
    static struct response response;
    int fd = dial(engine);
    put(fd, "HEAD /v1/node HTTP/1.1\r\nHost: n\r\n\r\n");
    read_head(fd, &response);
    assert_non_null(strstr(response.head, "405"));
    assert_non_null(strstr(response.head, "Allow: GET\r\n"));
    get(fd, "/healthz");
    expect(fd, 200, "ok");
    close(fd);
}

static void a_slow_client_is_served_and_stops_nobody(void **state)
{
    struct engine *engine = *state;
    const char *call = "POST /v1/reversals HTTP/1.1\r\nHost: n\r\nAuthorization: Bearer secret-token\r\n"
                       "Content-Type: application/json\r\nContent-Length: 37\r\n\r\n" REVERSAL;
    int slow = dial(engine), other = dial(engine);
    int one = 1;
    assert_int_equal(strlen(REVERSAL), 37);
    setsockopt(slow, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    for (size_t i = 0; i < strlen(call); i++) {
        assert_true(put_bytes(slow, call + i, 1));
        if (i % 40 != 0) continue;
        pause_ms(1);
        post(other, "/v1/reversals", REVERSAL);
        expect(other, 200, "reversed");
    }
    expect(slow, 200, "\"omsgid\":\"m1\"");
    close(slow);
    close(other);
}

static void a_chunked_body_is_put_together(void **state)
{
    struct engine *engine = *state;
    int fd = dial(engine);
    put(fd, "POST /v1/reversals HTTP/1.1\r\nHost: n\r\nAuthorization: Bearer secret-token\r\n"
            "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
            "a\r\n{\"sender\":\r\n1b\r\n\"330000/app\",\"omsgid\":\"m1\"}\r\n0\r\n\r\n");
    expect(fd, 200, "reversed");
    close(fd);
}

/* --- refused calls: none of them reaches the engine --------------------------------------------------------------- */
static void bad_bodies_are_refused(void **state)
{
    struct engine *engine = *state;
    static const struct {
        const char *body, *code;
    } rows[] = {
        {"", "BAD_JSON"},
        {"{\"sender\":\"330000/app\",\"omsgid\":\"m1\"", "BAD_JSON"},
        {"{\"sender\":\"330000/app\",\"omsgid\":\"m1\",\"omsgid\":\"m2\"}", "BAD_JSON"},
        {"{\"sender\":\"330000/app\",\"omsgid\":\"m\\u0000\"}", "BAD_JSON"},
        {"{\"sender\":\"330000/app\",\"omsgid\":[[[[[[[[[1]]]]]]]]]}", "TOO_DEEP"},
        {"{\"sender\":\"330000/app\",\"omsgid\":\"m1\",\"x\":1}", "UNKNOWN_FIELD"},
        {"{\"sender\":\"330000/app\"}", "MISSING_FIELD"},
        {"{\"sender\":\"330000/app\",\"omsgid\":7}", "BAD_FIELD"},
    };
    int fd = dial(engine);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        post(fd, "/v1/reversals", rows[i].body);
        expect(fd, 400, rows[i].code);
    }
    post_bytes(fd, "/v1/reversals", "{\"sender\":\"330000/app\",\"omsgid\":\"m\0\"}", 37);
    expect(fd, 400, "BAD_JSON");
    post(fd, "/v1/reversals", "{\"sender\":\"360000/app\",\"omsgid\":\"m1\"}");
    expect(fd, 403, "UNAUTHORIZED");
    close(fd);
    assert_int_equal(counted(engine, &engine->n_submitted), 0);
    struct gj_http_counts counts;
    gj_http_counts_of(engine->http, &counts);
    assert_int_equal(counts.refused, sizeof rows / sizeof rows[0] + 2);
    assert_int_equal(counts.submitted, 0);
}

static void bad_heads_are_refused(void **state)
{
    struct engine *engine = *state;
    static const struct {
        const char *head;
        int status;
    } rows[] = {
        {"POST /v1/reversals HTTP/1.1\r\nHost: n\r\nContent-Type: application/json\r\n", 401},
        {"POST /v1/reversals HTTP/1.1\r\nHost: n\r\nAuthorization: Bearer wrong\r\nContent-Type: "
         "application/json\r\n",
         401},
        {"POST /v1/reversals HTTP/1.1\r\nHost: n\r\nAuthorization: Bearer secret-token\r\nContent-Type: "
         "text/plain\r\n",
         415},
        {"POST /v1/reversals HTTP/1.1\r\nHost: n\r\nAuthorization: Bearer secret-token\r\n", 415},
        {"POST /v1/nothing HTTP/1.1\r\nHost: n\r\nAuthorization: Bearer secret-token\r\n", 404},
        {"PUT /v1/reversals HTTP/1.1\r\nHost: n\r\nAuthorization: Bearer secret-token\r\n", 405},
        {"POST /v1/reversals?x=1 HTTP/1.1\r\nHost: n\r\nAuthorization: Bearer secret-token\r\n", 400},
    };
    int fd = dial(engine);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char tail[100];
        put(fd, rows[i].head);
        snprintf(tail, sizeof tail, "Content-Length: %zu\r\n\r\n%s", strlen(REVERSAL), REVERSAL);
        put(fd, tail);
        expect(fd, rows[i].status, "\"code\"");
    }
    close(fd);
    assert_int_equal(counted(engine, &engine->n_submitted), 0);
}

static char *spaces(size_t len)
{
    char *text = malloc(len);
    assert_non_null(text);
    memset(text, ' ', len);
    return text;
}

static void an_oversize_body_hears_413(void **state)
{
    struct engine *engine = *state;
    int fd = dial(engine);
    char *body = spaces(GJ_REQUEST_MAX + 1);
    memcpy(body, REVERSAL, strlen(REVERSAL));
    post_bytes(fd, "/v1/reversals", body, GJ_REQUEST_MAX);
    expect(fd, 200, "reversed"); /* exactly at the limit */
    post_bytes(fd, "/v1/reversals", body, GJ_REQUEST_MAX + 1);
    expect(fd, 413, "TOO_LARGE");
    post(fd, "/v1/reversals", REVERSAL);
    expect(fd, 200, "reversed"); /* the line lives on */
    close(fd);
    fd = dial(engine);
    char head[300];
    snprintf(head, sizeof head,
             "POST /v1/reversals HTTP/1.1\r\nHost: n\r\nAuthorization: Bearer secret-token\r\n"
             "Expect: 100-continue\r\nContent-Type: application/json\r\nContent-Length: %u\r\n\r\n",
             2 * GJ_HTTP_DISCARD_MAX);
    put(fd, head);
    expect(fd, 413, "TOO_LARGE"); /* before any of it was sent */
    close(fd);
    assert_int_equal(counted(engine, &engine->n_submitted), 2);
    free(body);
}

static bool put_chunk(int fd, const char *bytes, size_t len)
{
    char head[20];
    snprintf(head, sizeof head, "%zx\r\n", len);
    return put_bytes(fd, head, strlen(head)) && put_bytes(fd, bytes, len) && put_bytes(fd, "\r\n", 2);
}

/* A body that does not say its length is counted; far above the limit the line is cut. */
static void an_endless_body_is_cut(void **state)
{
    struct engine *engine = *state;
    const char *head = "POST /v1/reversals HTTP/1.1\r\nHost: n\r\nAuthorization: Bearer secret-token\r\n"
                       "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    char *body = spaces(65536);
    int fd = dial(engine);
    put(fd, head);
    assert_true(put_chunk(fd, body, 65536) && put_chunk(fd, body, 1));
    put(fd, "0\r\n\r\n");
    expect(fd, 413, "TOO_LARGE");
    put(fd, head);
    bool open = true;
    for (int i = 0; i < 10000 && open; i++) {
        open = put_chunk(fd, body, 65536);
    }
    assert_false(open);
    close(fd);
    fd = dial(engine);
    get(fd, "/healthz");
    expect(fd, 200, "ok");
    close(fd);
    free(body);
    assert_int_equal(counted(engine, &engine->n_submitted), 0);
}

static void a_full_inbox_is_503_at_once(void **state)
{
    struct engine *engine = *state;
    static struct response response;
    engine->full = true;
    int fd = dial(engine);
    for (int i = 0; i < 3; i++) {
        post(fd, "/v1/reversals", REVERSAL);
        take(fd, &response);
        assert_int_equal(response.status, 503);
        assert_non_null(strstr(response.head, "Retry-After: 1\r\n"));
        assert_non_null(strstr(response.body, "\"code\":\"BUSY\""));
    }
    close(fd);
    struct gj_http_counts counts;
    gj_http_counts_of(engine->http, &counts);
    assert_int_equal(counts.busy, 3);
}

/* --- waiting ------------------------------------------------------------------------------------------------------- */
#define CROWD 200

static void many_wait_at_once_on_few_threads(void **state)
{
    struct engine *engine = *state;
    int fds[CROWD];
    for (int i = 0; i < CROWD; i++) {
        fds[i] = dial(engine);
        post(fds[i], "/v1/reversals", REVERSAL);
    }
    await(engine, &engine->n_submitted, CROWD);
    int other = dial(engine);
    get(other, "/healthz");
    expect(other, 200, "ok");
    close(other);
    for (int i = CROWD - 1; i >= 0; i--) {
        reply(engine->http, engine->submitted[i], "all");
    }
    for (int i = 0; i < CROWD; i++) {
        expect(fds[i], 200, "\"omsgid\":\"all\"");
        close(fds[i]);
    }
    for (int i = 0; i < CROWD; i++) {
        for (int k = 0; k < i; k++) {
            assert_int_not_equal(engine->submitted[i], engine->submitted[k]);
        }
    }
}

static void pipelined_calls_come_round_to_old_slots(void **state)
{
    struct engine *engine = *state;
    enum { LINES = 64, WAVES = 17 };
    static struct response response;
    int fds[LINES];
    /* Each line has one waiter at a time; the calls behind it wait in its socket. */
    for (int i = 0; i < LINES; i++) {
        fds[i] = dial(engine);
        for (int k = 0; k < WAVES; k++) {
            post(fds[i], "/v1/reversals", REVERSAL);
        }
    }
    for (int k = 0; k < WAVES; k++) {
        await(engine, &engine->n_submitted, (size_t)LINES * (size_t)(k + 1));
        for (int i = 0; i < LINES; i++) {
            reply(engine->http, engine->submitted[k * LINES + i], "wave");
        }
        for (int i = 0; i < LINES; i++) {
            take(fds[i], &response);
            assert_int_equal(response.status, 200);
        }
    }
    for (int i = 0; i < LINES; i++) {
        reply(engine->http, engine->submitted[i], "late"); /* an old number finds nothing */
        close(fds[i]);
    }
}

static void a_client_that_hangs_up_is_told_of(void **state)
{
    struct engine *engine = *state;
    int fd = dial(engine);
    post(fd, "/v1/reversals", REVERSAL);
    await(engine, &engine->n_submitted, 1);
    close(fd);
    await(engine, &engine->n_hung_up, 1);
    assert_int_equal(engine->hung_up[0], engine->submitted[0]);
    reply(engine->http, engine->submitted[0], "too late"); /* finds nobody */
    fd = dial(engine);
    post(fd, "/v1/reversals", REVERSAL);
    await(engine, &engine->n_submitted, 2);
    assert_int_not_equal(engine->submitted[0], engine->submitted[1]);
    reply(engine->http, engine->submitted[0], "wrong");
    reply(engine->http, engine->submitted[1], "right");
    expect(fd, 200, "right");
    close(fd);
    struct gj_http_counts counts;
    gj_http_counts_of(engine->http, &counts);
    assert_int_equal(counts.hangups, 1);
    assert_int_equal(counts.answered, 1);
}

static void strange_waiters_are_ignored(void **state)
{
    struct engine *engine = *state;
    const uint64_t strange[] = {0, 1, 1023, 1024, UINT64_MAX};
    for (size_t i = 0; i < sizeof strange / sizeof strange[0]; i++) {
        reply(engine->http, strange[i], "nobody");
    }
    int fd = dial(engine);
    post(fd, "/v1/reversals", REVERSAL);
    await(engine, &engine->n_submitted, 1);
    uint64_t waiter = engine->submitted[0];
    reply(engine->http, waiter + 1, "neighbour");
    reply(engine->http, waiter + GJ_SESSIONS_MAX, "next serial");
    reply(engine->http, waiter, "me");
    reply(engine->http, waiter, "twice");
    expect(fd, 200, "\"omsgid\":\"me\"");
    close(fd);
}

static void an_unknown_outcome_is_202(void **state)
{
    struct engine *engine = *state;
    static struct response response;
    int fd = dial(engine);
    post(fd, "/v1/reversals", REVERSAL);
    take(fd, &response); /* nobody answers within the short wait of this node */
    assert_int_equal(response.status, 202);
    assert_non_null(strstr(response.head, "Location: /v1/requests/330000%2Fapp/m1\r\n"));
    assert_non_null(strstr(response.body, "\"code\":\"IN_PROGRESS\""));
    assert_non_null(strstr(response.body, "\"msgid\":\"m1\""));
    await(engine, &engine->n_hung_up, 1);
    assert_int_equal(engine->hung_up[0], engine->submitted[0]);
    reply(engine->http, engine->submitted[0], "late");
    get(fd, "/v1/node");
    expect(fd, 503, "\"code\":\"BUSY\""); /* a read has no outcome to be in doubt about */
    close(fd);
    struct gj_http_counts counts;
    gj_http_counts_of(engine->http, &counts);
    assert_int_equal(counts.late, 2);
}

/* --- the end ---------------------------------------------------------------------------------------------------------- */
static void closing_tells_who_waits(void **state)
{
    struct engine *engine = *state;
    int fds[10];
    for (int i = 0; i < 10; i++) {
        fds[i] = dial(engine);
        post(fds[i], "/v1/reversals", REVERSAL);
    }
    int idle = dial(engine), half = dial(engine);
    put(half, "POST /v1/reversals HTTP/1.1\r\nHost: n\r\n");
    await(engine, &engine->n_submitted, 10);
    gj_http_close(&engine->http);
    assert_null(engine->http);
    for (int i = 0; i < 10; i++) {
        expect(fds[i], 202, "IN_PROGRESS");
        close(fds[i]);
    }
    static struct response response;
    take(idle, &response);
    assert_int_equal(response.status, 0);
    close(idle);
    close(half);
    gj_http_close(&engine->http); /* a second time is nothing */
}

static void open_says_why_not(void **state)
{
    struct engine *engine = *state;
    char detail[GJ_HTTP_DETAIL_CAP] = "";
    struct gj_http *http = NULL;
    struct gj_http_config config = {.address = "localhost", .submit = on_submit, .hangup = on_hangup};
    assert_int_equal(gj_http_open(&config, &http, detail), GJ_ERR_BAD_CONFIG);
    assert_non_null(strstr(detail, "localhost"));
    config.address = "127.0.0.1";
    config.port = gj_http_port(engine->http);
    assert_int_equal(gj_http_open(&config, &http, detail), GJ_ERR_IO);
    assert_non_null(strstr(detail, "cannot listen"));
    assert_null(http);
    config.address = "::1";
    config.port = 0;
    enum gj_err err = gj_http_open(&config, &http, detail);
    assert_true(err == GJ_OK || err == GJ_ERR_IO); /* a machine may have no IPv6 */
    gj_http_close(&http);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_line_serves_many_calls, setup, teardown),
        cmocka_unit_test_setup_teardown(answers_carry_their_headers, setup, teardown),
        cmocka_unit_test_setup_teardown(a_head_request_is_405_without_a_body, setup, teardown),
        cmocka_unit_test_setup_teardown(a_slow_client_is_served_and_stops_nobody, setup, teardown),
        cmocka_unit_test_setup_teardown(a_chunked_body_is_put_together, setup, teardown),
        cmocka_unit_test_setup_teardown(bad_bodies_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(bad_heads_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(an_oversize_body_hears_413, setup, teardown),
        cmocka_unit_test_setup_teardown(an_endless_body_is_cut, setup, teardown),
        cmocka_unit_test_setup_teardown(a_full_inbox_is_503_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(many_wait_at_once_on_few_threads, setup_waiting, teardown),
        cmocka_unit_test_setup_teardown(pipelined_calls_come_round_to_old_slots, setup_waiting, teardown),
        cmocka_unit_test_setup_teardown(a_client_that_hangs_up_is_told_of, setup_waiting, teardown),
        cmocka_unit_test_setup_teardown(strange_waiters_are_ignored, setup_waiting, teardown),
        cmocka_unit_test_setup_teardown(an_unknown_outcome_is_202, setup_short_wait, teardown),
        cmocka_unit_test_setup_teardown(closing_tells_who_waits, setup_waiting, teardown),
        cmocka_unit_test_setup_teardown(open_says_why_not, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * See http_node.h. The engine here only counts and answers; it knows no insurance.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "support/http_node.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "wire/message.h"

/* --- the node that the test plays ------------------------------------------------------------------------ */
static size_t encode_reversal(const char *omsgid, uint8_t *memory, size_t cap) {
    struct gj_ans_reversal answer = {0};
    struct gj_buf out;
    strcpy(answer.state, "reversed");
    strcpy(answer.omsgid, omsgid);
    gj_buf_init(&out, memory, cap);
    if (gj_answer_encode(GJ_ANSWER_REVERSAL, &answer, &out) != GJ_OK) abort();
    return out.len;
}

void http_node_reply(struct http_node *node, uint64_t waiter, const char *omsgid) {
    uint8_t memory[512];
    size_t len = encode_reversal(omsgid, memory, sizeof memory);
    gj_http_reply(node->http, waiter, gj_slice_of(memory, len));
}

static void note_msgid(struct http_node *node, struct gj_slice request) {
    static _Thread_local uint8_t memory[16384];
    struct gj_arena arena;
    struct gj_fault fault;
    enum gj_request_kind kind;
    void *body;
    gj_arena_init(&arena, memory, sizeof memory);
    if (gj_request_decode(request, &arena, &kind, &body, &fault) != GJ_OK) abort();
    if (kind == GJ_REQUEST_REVERSE) strcpy(node->last_msgid, ((struct gj_req_reverse *)body)->omsgid);
}

static bool on_submit(void *ctx, uint64_t waiter, struct gj_slice request) {
    struct http_node *node = ctx;
    pthread_mutex_lock(&node->lock);
    bool taken = !node->full;
    if (taken) {
        note_msgid(node, request);
        node->submitted[node->n_submitted++ % HTTP_SEEN_MAX] = waiter;
    }
    bool at_once = taken && node->answers_at_once;
    char msgid[GJ_MSGID_MAX + 1];
    strcpy(msgid, node->last_msgid);
    pthread_mutex_unlock(&node->lock);
    if (at_once) http_node_reply(node, waiter, msgid);
    return taken;
}

static void on_hangup(void *ctx, uint64_t waiter) {
    struct http_node *node = ctx;
    pthread_mutex_lock(&node->lock);
    node->hung_up[node->n_hung_up++ % HTTP_SEEN_MAX] = waiter;
    pthread_mutex_unlock(&node->lock);
}

static void on_metrics(void *ctx, struct gj_buf *out) {
    (void)ctx;
    gj_buf_put_slice(out, GJ_SLICE_LIT("gongji_up 1\n"));
}

void http_pause_ms(long ms) {
    const struct timespec pause = {0, ms * 1000000L};
    nanosleep(&pause, NULL);
}

/* Waits for something that must come; the test program's own limit ends it if it never does. */
size_t http_node_counted(struct http_node *node, const size_t *counter) {
    pthread_mutex_lock(&node->lock);
    size_t n = *counter;
    pthread_mutex_unlock(&node->lock);
    return n;
}

void http_node_await(struct http_node *node, const size_t *counter, size_t n) {
    while (http_node_counted(node, counter) < n) {
        http_pause_ms(2);
    }
}

/* --- a node under test ------------------------------------------------------------------------------------- */
static const struct gj_http_client clients[] = {{"bureau", "secret-token", "330000/*", false}};

void http_node_config(struct http_node *node, uint32_t wait_ms, struct gj_http_config *ret) {
    *ret = (struct gj_http_config){.address = "127.0.0.1",
                                   .wait_ms = wait_ms,
                                   .clients = clients,
                                   .n_clients = 1,
                                   .ctx = node,
                                   .submit = on_submit,
                                   .hangup = on_hangup,
                                   .metrics = on_metrics};
}

struct http_node *http_node_open(uint32_t wait_ms) {
    struct http_node *node = calloc(1, sizeof *node);
    struct gj_http_config config;
    char detail[GJ_HTTP_DETAIL_CAP];
    assert_non_null(node);
    pthread_mutex_init(&node->lock, NULL);
    http_node_config(node, wait_ms, &config);
    pthread_mutex_lock(&node->lock);
    assert_int_equal(gj_http_open(&config, &node->http, detail), GJ_OK);
    pthread_mutex_unlock(&node->lock);
    assert_int_not_equal(gj_http_port(node->http), 0);
    return node;
}

void http_node_close(struct http_node **node_p) {
    struct http_node *node = *node_p;
    *node_p = NULL;
    gj_http_close(&node->http);
    assert_null(node->http);
    pthread_mutex_destroy(&node->lock);
    free(node);
}

/* --- a client ------------------------------------------------------------------------------------------------ */
int http_dial(const struct http_node *node) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(gj_http_port(node->http))};
    struct timeval limit = {60, 0};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(inet_pton(AF_INET, "127.0.0.1", &address.sin_addr), 1);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

bool http_put_bytes(int fd, const char *bytes, size_t len) {
    while (len > 0) {
        ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);
        if (n <= 0) return false;
        bytes += n;
        len -= (size_t)n;
    }
    return true;
}

void http_put(int fd, const char *text) {
    assert_true(http_put_bytes(fd, text, strlen(text)));
}

void http_post_bytes(int fd, const char *target, const char *body, size_t len) {
    char head[1024];
    snprintf(head, sizeof head,
             "POST %s HTTP/1.1\r\nHost: n\r\nAuthorization: Bearer secret-token\r\n"
             "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
             target, len);
    http_put(fd, head);
    http_put_bytes(fd, body, len); /* an early answer may close the line */
}

void http_post(int fd, const char *target, const char *body) {
    http_post_bytes(fd, target, body, strlen(body));
}

void http_get(int fd, const char *target) {
    char head[512];
    snprintf(head, sizeof head, "GET %s HTTP/1.1\r\nHost: n\r\nAuthorization: Bearer secret-token\r\n\r\n",
             target);
    http_put(fd, head);
}

size_t http_read_head(int fd, struct http_response *ret) {
    size_t n = 0;
    while (n + 1 < sizeof ret->head && recv(fd, ret->head + n, 1, 0) == 1) {
        n++;
        if (n >= 4 && memcmp(ret->head + n - 4, "\r\n\r\n", 4) == 0) break;
    }
    ret->head[n] = '\0';
    return n;
}

void http_take(int fd, struct http_response *ret) {
    memset(ret, 0, sizeof *ret);
    if (http_read_head(fd, ret) == 0) return;
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

void http_expect(int fd, int status, const char *in_body) {
    static struct http_response response;
    http_take(fd, &response);
    if (response.status != status || strstr(response.body, in_body) == NULL) {
        print_error("%s%s\n", response.head, response.body);
    }
    assert_int_equal(response.status, status);
    assert_non_null(strstr(response.body, in_body));
}

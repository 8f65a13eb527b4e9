/* SPDX-License-Identifier: Apache-2.0
 *
 * The daemon on a real loopback socket, with an engine that answers at once: good calls, refused calls, slow and
 * oversized ones. Nothing refused may reach the engine.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/http_node.h"

static int setup(void **state) {
    struct http_node *node = http_node_open(0);
    node->answers_at_once = true;
    *state = node;
    return 0;
}

static int teardown(void **state) {
    struct http_node *node = *state;
    http_node_close(&node);
    return 0;
}

/* --- good calls ------------------------------------------------------------------------------------------------ */
static void one_line_serves_many_calls(void **state) {
    struct http_node *node = *state;
    int fd = http_dial(node);
    for (int i = 0; i < 20; i++) {
        char body[100], expected[40];
        snprintf(body, sizeof body, "{\"sender\":\"330000/app\",\"omsgid\":\"m%d\"}", i);
        snprintf(expected, sizeof expected, "\"omsgid\":\"m%d\"", i);
        http_post(fd, "/v1/reversals", body);
        http_expect(fd, 200, expected);
        http_get(fd, "/healthz");
        http_expect(fd, 200, "\"ok\"");
    }
    close(fd);
    struct gj_http_counts counts;
    gj_http_counts_of(node->http, &counts);
    assert_int_equal(counts.requests, 40);
    assert_int_equal(counts.submitted, 20);
    assert_int_equal(counts.answered, 20);
    assert_int_equal(counts.refused, 0);
}

static void answers_carry_their_headers(void **state) {
    struct http_node *node = *state;
    static struct http_response response;
    int fd = http_dial(node);
    http_post(fd, "/v1/reversals", HTTP_REVERSAL);
    http_take(fd, &response);
    assert_non_null(strstr(response.head, "Content-Type: application/json\r\n"));
    assert_non_null(strstr(response.head, "Cache-Control: no-store\r\n"));
    http_get(fd, "/v1/nowhere");
    http_take(fd, &response);
    assert_int_equal(response.status, 404);
    assert_non_null(strstr(response.head, "Content-Type: application/problem+json\r\n"));
    http_get(fd, "/v1/plans");
    http_take(fd, &response);
    assert_int_equal(response.status, 405);
    assert_non_null(strstr(response.head, "Allow: POST\r\n"));
    http_get(fd, "/metrics");
    http_take(fd, &response);
    assert_int_equal(response.status, 200);
    assert_string_equal(response.body, "gongji_up 1\n");
    assert_non_null(strstr(response.head, "Content-Type: text/plain; version=0.0.4"));
    http_put(fd, "GET /v1/node HTTP/1.1\r\nHost: n\r\n\r\n");
    http_take(fd, &response);
    assert_int_equal(response.status, 401);
    assert_non_null(strstr(response.head, "WWW-Authenticate: Bearer\r\n"));
    close(fd);
}

static void a_head_request_is_405_without_a_body(void **state) {
    struct http_node *node = *state;
    static struct http_response response;
    int fd = http_dial(node);
    http_put(fd, "HEAD /v1/node HTTP/1.1\r\nHost: n\r\n\r\n");
    http_read_head(fd, &response);
    assert_non_null(strstr(response.head, "405"));
    assert_non_null(strstr(response.head, "Allow: GET\r\n"));
    http_get(fd, "/healthz");
    http_expect(fd, 200, "ok");
    close(fd);
}

static void a_slow_client_is_served_and_stops_nobody(void **state) {
    struct http_node *node = *state;
    const char *call = "POST /v1/reversals HTTP/1.1\r\nHost: n\r\nAuthorization: Bearer secret-token\r\n"
                       "Content-Type: application/json\r\nContent-Length: 37\r\n\r\n" HTTP_REVERSAL;
    int slow = http_dial(node), other = http_dial(node);
    int one = 1;
    assert_int_equal(strlen(HTTP_REVERSAL), 37);
    setsockopt(slow, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    for (size_t i = 0; i < strlen(call); i++) {
        assert_true(http_put_bytes(slow, call + i, 1));
        if (i % 40 != 0) continue;
        http_pause_ms(1);
        http_post(other, "/v1/reversals", HTTP_REVERSAL);
        http_expect(other, 200, "reversed");
    }
    http_expect(slow, 200, "\"omsgid\":\"m1\"");
    close(slow);
    close(other);
}

static void a_chunked_body_is_put_together(void **state) {
    struct http_node *node = *state;
    int fd = http_dial(node);
    http_put(fd, "POST /v1/reversals HTTP/1.1\r\nHost: n\r\nAuthorization: Bearer secret-token\r\n"
                 "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
                 "a\r\n{\"sender\":\r\n1b\r\n\"330000/app\",\"omsgid\":\"m1\"}\r\n0\r\n\r\n");
    http_expect(fd, 200, "reversed");
    close(fd);
}

/* --- refused calls: none of them reaches the node --------------------------------------------------------------- */
static void bad_bodies_are_refused(void **state) {
    struct http_node *node = *state;
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
    int fd = http_dial(node);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        http_post(fd, "/v1/reversals", rows[i].body);
        http_expect(fd, 400, rows[i].code);
    }
    http_post_bytes(fd, "/v1/reversals", "{\"sender\":\"330000/app\",\"omsgid\":\"m\0\"}", 37);
    http_expect(fd, 400, "BAD_JSON");
    http_post(fd, "/v1/reversals", "{\"sender\":\"360000/app\",\"omsgid\":\"m1\"}");
    http_expect(fd, 403, "UNAUTHORIZED");
    close(fd);
    assert_int_equal(http_node_counted(node, &node->n_submitted), 0);
    struct gj_http_counts counts;
    gj_http_counts_of(node->http, &counts);
    assert_int_equal(counts.refused, sizeof rows / sizeof rows[0] + 2);
    assert_int_equal(counts.submitted, 0);
}

static void bad_heads_are_refused(void **state) {
    struct http_node *node = *state;
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
    int fd = http_dial(node);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char tail[100];
        http_put(fd, rows[i].head);
        snprintf(tail, sizeof tail, "Content-Length: %zu\r\n\r\n%s", strlen(HTTP_REVERSAL), HTTP_REVERSAL);
        http_put(fd, tail);
        http_expect(fd, rows[i].status, "\"code\"");
    }
    close(fd);
    assert_int_equal(http_node_counted(node, &node->n_submitted), 0);
}

/* A proxy in front may believe the other one: nothing is done, and the line is closed. */
static void a_head_that_says_two_things_is_refused(void **state) {
    struct http_node *node = *state;
    static const char *const doubled[] = {"Content-Length: 1\r\n", "Content-Length: 500\r\n",
                                          "Authorization: Bearer secret-token\r\n",
                                          "Content-Type: application/json\r\n"};
    for (size_t i = 0; i < sizeof doubled / sizeof doubled[0]; i++) {
        char call[500], rest[64];
        int fd = http_dial(node);
        snprintf(call, sizeof call,
                 "POST /v1/reversals HTTP/1.1\r\nHost: n\r\nAuthorization: Bearer secret-token\r\n"
                 "Content-Type: application/json\r\nContent-Length: %zu\r\n%s\r\n" HTTP_REVERSAL,
                 strlen(HTTP_REVERSAL), doubled[i]);
        http_put(fd, call);
        http_expect(fd, 400, "\"code\"");
        ssize_t more = read(fd, rest, sizeof rest);
        assert_true(more <= 0);
        close(fd);
    }
    assert_int_equal(http_node_counted(node, &node->n_submitted), 0);
}

static char *spaces(size_t len) {
    char *text = malloc(len);
    assert_non_null(text);
    memset(text, ' ', len);
    return text;
}

/* The answer comes before any of the body was sent. */
static void announce_large(const struct http_node *node, const char *header, size_t len) {
    char head[300];
    int fd = http_dial(node);
    snprintf(head, sizeof head,
             "POST /v1/reversals HTTP/1.1\r\nHost: n\r\nAuthorization: Bearer secret-token\r\n%s"
             "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
             header, len);
    http_put(fd, head);
    http_expect(fd, 413, "TOO_LARGE");
    close(fd);
}

static void an_oversize_body_hears_413(void **state) {
    struct http_node *node = *state;
    int fd = http_dial(node);
    char *body = spaces(GJ_REQUEST_MAX + 1);
    memcpy(body, HTTP_REVERSAL, strlen(HTTP_REVERSAL));
    http_post_bytes(fd, "/v1/reversals", body, GJ_REQUEST_MAX);
    http_expect(fd, 200, "reversed"); /* exactly at the limit */
    http_post_bytes(fd, "/v1/reversals", body, GJ_REQUEST_MAX + 1);
    http_expect(fd, 413, "TOO_LARGE");
    http_post(fd, "/v1/reversals", HTTP_REVERSAL);
    http_expect(fd, 200, "reversed"); /* the line lives on */
    close(fd);
    announce_large(node, "Expect: 100-continue\r\n", GJ_REQUEST_MAX + 1);
    announce_large(node, "", GJ_HTTP_DISCARD_MAX + 1);
    assert_int_equal(http_node_counted(node, &node->n_submitted), 2);
    free(body);
}

static bool put_chunk(int fd, const char *bytes, size_t len) {
    char head[20];
    snprintf(head, sizeof head, "%zx\r\n", len);
    return http_put_bytes(fd, head, strlen(head)) && http_put_bytes(fd, bytes, len) &&
           http_put_bytes(fd, "\r\n", 2);
}

/* A body that does not say its length is counted; far above the limit the line is cut. */
static void an_endless_body_is_cut(void **state) {
    struct http_node *node = *state;
    const char *head = "POST /v1/reversals HTTP/1.1\r\nHost: n\r\nAuthorization: Bearer secret-token\r\n"
                       "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    char *body = spaces(65536);
    int fd = http_dial(node);
    http_put(fd, head);
    assert_true(put_chunk(fd, body, 65536) && put_chunk(fd, body, 1));
    http_put(fd, "0\r\n\r\n");
    http_expect(fd, 413, "TOO_LARGE");
    http_put(fd, head);
    bool open = true;
    for (int i = 0; i < 10000 && open; i++) {
        open = put_chunk(fd, body, 65536);
    }
    assert_false(open);
    close(fd);
    fd = http_dial(node);
    http_get(fd, "/healthz");
    http_expect(fd, 200, "ok");
    close(fd);
    free(body);
    assert_int_equal(http_node_counted(node, &node->n_submitted), 0);
}

static void a_full_inbox_is_503_at_once(void **state) {
    struct http_node *node = *state;
    static struct http_response response;
    node->full = true;
    int fd = http_dial(node);
    for (int i = 0; i < 3; i++) {
        http_post(fd, "/v1/reversals", HTTP_REVERSAL);
        http_take(fd, &response);
        assert_int_equal(response.status, 503);
        assert_non_null(strstr(response.head, "Retry-After: 1\r\n"));
        assert_non_null(strstr(response.body, "\"code\":\"BUSY\""));
    }
    close(fd);
    struct gj_http_counts counts;
    gj_http_counts_of(node->http, &counts);
    assert_int_equal(counts.busy, 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_line_serves_many_calls, setup, teardown),
        cmocka_unit_test_setup_teardown(answers_carry_their_headers, setup, teardown),
        cmocka_unit_test_setup_teardown(a_head_request_is_405_without_a_body, setup, teardown),
        cmocka_unit_test_setup_teardown(a_slow_client_is_served_and_stops_nobody, setup, teardown),
        cmocka_unit_test_setup_teardown(a_chunked_body_is_put_together, setup, teardown),
        cmocka_unit_test_setup_teardown(bad_bodies_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(bad_heads_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_head_that_says_two_things_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(an_oversize_body_hears_413, setup, teardown),
        cmocka_unit_test_setup_teardown(an_endless_body_is_cut, setup, teardown),
        cmocka_unit_test_setup_teardown(a_full_inbox_is_503_at_once, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

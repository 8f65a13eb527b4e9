/* SPDX-License-Identifier: Apache-2.0
 *
 * The daemon with clients that wait: many on few threads, some that hang up, some that nobody answers, and the
 * end of the daemon while they wait.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "support/http_node.h"

static int setup(void **state) {
    *state = http_node_open(0);
    return 0;
}

static int setup_short_wait(void **state) {
    *state = http_node_open(50);
    return 0;
}

static int teardown(void **state) {
    struct http_node *node = *state;
    http_node_close(&node);
    return 0;
}

/* --- waiting ------------------------------------------------------------------------------------------------------- */
#define CROWD 200

static void many_wait_at_once_on_few_threads(void **state) {
    struct http_node *node = *state;
    int fds[CROWD];
    for (int i = 0; i < CROWD; i++) {
        fds[i] = http_dial(node);
        http_post(fds[i], "/v1/reversals", HTTP_REVERSAL);
    }
    http_node_await(node, &node->n_submitted, CROWD);
    int other = http_dial(node);
    http_get(other, "/healthz");
    http_expect(other, 200, "ok");
    close(other);
    for (int i = CROWD - 1; i >= 0; i--) {
        http_node_reply(node, node->submitted[i], "all");
    }
    for (int i = 0; i < CROWD; i++) {
        http_expect(fds[i], 200, "\"omsgid\":\"all\"");
        close(fds[i]);
    }
    for (int i = 0; i < CROWD; i++) {
        for (int k = 0; k < i; k++) {
            assert_int_not_equal(node->submitted[i], node->submitted[k]);
        }
    }
}

/* Whoever sends a byte now and then must not hold a line for ever. */
static void a_body_that_drips_is_cut_off(void **state) {
    struct http_node *node = *state;
    static struct http_response response;
    static const char body[] = HTTP_REVERSAL;
    char head[256];
    int fd = http_dial(node);
    (void)snprintf(head, sizeof head,
                   "POST /v1/reversals HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer secret-token\r\n"
                   "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n{",
                   sizeof body - 1);
    http_put(fd, head);
    http_pause_ms(200); /* the limit is 50 */
    http_put(fd, body + 1);
    http_take(fd, &response);
    assert_int_equal(response.status, 0);
    close(fd);
    assert_int_equal(http_node_counted(node, &node->n_submitted), 0);
}

static void pipelined_calls_come_round_to_old_slots(void **state) {
    struct http_node *node = *state;
    enum { LINES = 64, WAVES = 17 };
    static struct http_response response;
    int fds[LINES];
    /* Each line has one waiter at a time; the calls behind it wait in its socket. */
    for (int i = 0; i < LINES; i++) {
        fds[i] = http_dial(node);
        for (int k = 0; k < WAVES; k++) {
            http_post(fds[i], "/v1/reversals", HTTP_REVERSAL);
        }
    }
    for (int k = 0; k < WAVES; k++) {
        http_node_await(node, &node->n_submitted, (size_t)LINES * (size_t)(k + 1));
        for (int i = 0; i < LINES; i++) {
            http_node_reply(node, node->submitted[k * LINES + i], "wave");
        }
        for (int i = 0; i < LINES; i++) {
            http_take(fds[i], &response);
            assert_int_equal(response.status, 200);
        }
    }
    for (int i = 0; i < LINES; i++) {
        http_node_reply(node, node->submitted[i], "late"); /* an old number finds nothing */
        close(fds[i]);
    }
}

static void a_client_that_hangs_up_is_told_of(void **state) {
    struct http_node *node = *state;
    int fd = http_dial(node);
    http_post(fd, "/v1/reversals", HTTP_REVERSAL);
    http_node_await(node, &node->n_submitted, 1);
    close(fd);
    http_node_await(node, &node->n_hung_up, 1);
    assert_int_equal(node->hung_up[0], node->submitted[0]);
    http_node_reply(node, node->submitted[0], "too late"); /* finds nobody */
    fd = http_dial(node);
    http_post(fd, "/v1/reversals", HTTP_REVERSAL);
    http_node_await(node, &node->n_submitted, 2);
    assert_int_not_equal(node->submitted[0], node->submitted[1]);
    http_node_reply(node, node->submitted[0], "wrong");
    http_node_reply(node, node->submitted[1], "right");
    http_expect(fd, 200, "right");
    close(fd);
    struct gj_http_counts counts;
    gj_http_counts_of(node->http, &counts);
    assert_int_equal(counts.hangups, 1);
    assert_int_equal(counts.answered, 1);
}

static void strange_waiters_are_ignored(void **state) {
    struct http_node *node = *state;
    const uint64_t strange[] = {0, 1, 1023, 1024, UINT64_MAX};
    for (size_t i = 0; i < sizeof strange / sizeof strange[0]; i++) {
        http_node_reply(node, strange[i], "nobody");
    }
    int fd = http_dial(node);
    http_post(fd, "/v1/reversals", HTTP_REVERSAL);
    http_node_await(node, &node->n_submitted, 1);
    uint64_t waiter = node->submitted[0];
    http_node_reply(node, waiter + 1, "neighbour");
    http_node_reply(node, waiter + GJ_SESSIONS_MAX, "next serial");
    http_node_reply(node, waiter, "me");
    http_node_reply(node, waiter, "twice");
    http_expect(fd, 200, "\"omsgid\":\"me\"");
    close(fd);
}

static void an_unknown_outcome_is_202(void **state) {
    struct http_node *node = *state;
    static struct http_response response;
    int fd = http_dial(node);
    http_post(fd, "/v1/reversals", HTTP_REVERSAL);
    http_take(fd, &response); /* nobody answers within the short wait of this node */
    assert_int_equal(response.status, 202);
    assert_non_null(strstr(response.head, "Location: /v1/requests/330000%2Fapp/m1\r\n"));
    assert_non_null(strstr(response.body, "\"code\":\"IN_PROGRESS\""));
    assert_non_null(strstr(response.body, "\"msgid\":\"m1\""));
    http_node_await(node, &node->n_hung_up, 1);
    assert_int_equal(node->hung_up[0], node->submitted[0]);
    http_node_reply(node, node->submitted[0], "late");
    http_get(fd, "/v1/node");
    http_expect(fd, 503, "\"code\":\"BUSY\""); /* a read has no outcome to be in doubt about */
    close(fd);
    http_node_await(node, &node->n_hung_up, 2); /* counted before, though after the answer */
    struct gj_http_counts counts;
    gj_http_counts_of(node->http, &counts);
    assert_int_equal(counts.late, 2);
}

/* --- the end ---------------------------------------------------------------------------------------------------------- */
static void closing_tells_who_waits(void **state) {
    struct http_node *node = *state;
    int fds[10];
    for (int i = 0; i < 10; i++) {
        fds[i] = http_dial(node);
        http_post(fds[i], "/v1/reversals", HTTP_REVERSAL);
    }
    int idle = http_dial(node), half = http_dial(node);
    http_put(half, "POST /v1/reversals HTTP/1.1\r\nHost: n\r\n");
    http_node_await(node, &node->n_submitted, 10);
    gj_http_close(&node->http);
    assert_null(node->http);
    for (int i = 0; i < 10; i++) {
        http_expect(fds[i], 202, "IN_PROGRESS");
        close(fds[i]);
    }
    static struct http_response response;
    http_take(idle, &response);
    assert_int_equal(response.status, 0);
    close(idle);
    close(half);
    gj_http_close(&node->http); /* a second time is nothing */
}

static void open_says_why_not(void **state) {
    struct http_node *node = *state;
    char detail[GJ_HTTP_DETAIL_CAP] = "";
    struct gj_http *http = NULL;
    struct gj_http_config config;
    http_node_config(node, 0, &config);
    config.address = "localhost";
    assert_int_equal(gj_http_open(&config, &http, detail), GJ_ERR_BAD_CONFIG);
    assert_non_null(strstr(detail, "localhost"));
    config.address = "127.0.0.1";
    config.port = gj_http_port(node->http);
    assert_int_equal(gj_http_open(&config, &http, detail), GJ_ERR_IO);
    assert_non_null(strstr(detail, "cannot listen"));
    assert_null(http);
    config.address = "::1";
    config.port = 0;
    enum gj_err err = gj_http_open(&config, &http, detail);
    assert_true(err == GJ_OK || err == GJ_ERR_IO); /* a machine may have no IPv6 */
    gj_http_close(&http);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(many_wait_at_once_on_few_threads, setup, teardown),
        cmocka_unit_test_setup_teardown(pipelined_calls_come_round_to_old_slots, setup, teardown),
        cmocka_unit_test_setup_teardown(a_client_that_hangs_up_is_told_of, setup, teardown),
        cmocka_unit_test_setup_teardown(strange_waiters_are_ignored, setup, teardown),
        cmocka_unit_test_setup_teardown(a_body_that_drips_is_cut_off, setup_short_wait, teardown),
        cmocka_unit_test_setup_teardown(an_unknown_outcome_is_202, setup_short_wait, teardown),
        cmocka_unit_test_setup_teardown(closing_tells_who_waits, setup, teardown),
        cmocka_unit_test_setup_teardown(open_says_why_not, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

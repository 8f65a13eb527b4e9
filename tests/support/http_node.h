/* SPDX-License-Identifier: Apache-2.0
 *
 * The HTTP edge on a real loopback socket: an engine that a test plays by hand, and a client that writes bytes.
 */
#ifndef GJ_TESTS_HTTP_NODE_H
#define GJ_TESTS_HTTP_NODE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http/http.h"

#define HTTP_SEEN_MAX 2048

struct http_node {
    pthread_mutex_t lock;
    struct gj_http *http;
    uint64_t submitted[HTTP_SEEN_MAX], hung_up[HTTP_SEEN_MAX];
    size_t n_submitted, n_hung_up;
    char last_msgid[GJ_MSGID_MAX + 1];
    bool full, answers_at_once;
};

/* The one client that it knows has the token secret-token and speaks for 330000/..; wait_ms 0: the usual. */
struct http_node *http_node_open(uint32_t wait_ms);
void http_node_close(struct http_node **node_p);
void http_node_config(struct http_node *node, uint32_t wait_ms, struct gj_http_config *ret);
/* Answers a waiter with a reversal of |omsgid|. */
void http_node_reply(struct http_node *node, uint64_t waiter, const char *omsgid);
/* One of the node's counters, and waiting for it; a test program's own time limit ends it if it never comes. */
size_t http_node_counted(struct http_node *node, const size_t *counter);
void http_node_await(struct http_node *node, const size_t *counter, size_t n);

struct http_response {
    int status; /* 0: the line was closed without one */
    char head[2048];
    char body[65536];
};

int http_dial(const struct http_node *node);
bool http_put_bytes(int fd, const char *bytes, size_t len);
void http_put(int fd, const char *text);
void http_post_bytes(int fd, const char *target, const char *body, size_t len);
void http_post(int fd, const char *target, const char *body);
void http_get(int fd, const char *target);
size_t http_read_head(int fd, struct http_response *ret);
void http_take(int fd, struct http_response *ret);
/* The next response has |status| and |in_body| somewhere in its body. */
void http_expect(int fd, int status, const char *in_body);
void http_pause_ms(long ms);

#define HTTP_REVERSAL "{\"sender\":\"330000/app\",\"omsgid\":\"m1\"}"

#endif

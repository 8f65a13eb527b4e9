/* SPDX-License-Identifier: Apache-2.0
 *
 * The HTTP edge: routes, JSON in and out, callers' tokens. It turns a call into request bytes, hands them
 * to the engine, waits without holding a thread, and turns answer bytes into a response.
 * The only room that includes microhttpd.h; jansson only here and in cli.
 */
#ifndef GJ_HTTP_HTTP_H
#define GJ_HTTP_HTTP_H

#include "base/bytes.h"
#include "base/limits.h"

struct gj_http_client {
    char name[GJ_WORD_MAX + 1];
    char token[129];
    char senders[GJ_SENDER_MAX + 1]; /* one sender, or a prefix ending in * */
};

struct gj_http_config {
    const char *address;
    uint16_t port;                          /* 0: any; see gj_http_port() */
    const struct gj_http_client *clients;   /* copied */
    size_t n_clients;
    void *ctx;
    /* Hands a request to the engine; false: the inbox is full (503 BUSY). Called on HTTP threads. */
    bool (*submit)(void *ctx, uint64_t waiter, struct gj_slice request);
    void (*hangup)(void *ctx, uint64_t waiter);
    /* Writes the metrics page. */
    void (*metrics)(void *ctx, struct gj_buf *out);
};

struct gj_http;
GJ_MUST_USE enum gj_err gj_http_open(const struct gj_http_config *config, struct gj_http **ret, char *ret_detail);
uint16_t gj_http_port(const struct gj_http *http);
/* Any thread: the answer of a waiter. Unknown waiters (hung up) are ignored. */
void gj_http_reply(struct gj_http *http, uint64_t waiter, struct gj_slice answer);
void gj_http_close(struct gj_http **http_p);

#endif

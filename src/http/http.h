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

/* Beside those of base/limits.h. At each of them the caller gets an answer and a counter moves. */
#define GJ_HTTP_CONNECTIONS_MAX 1024u
#define GJ_HTTP_THREADS         2u
#define GJ_HTTP_IDLE_S          30u                   /* a connection on which nothing moves is closed */
#define GJ_HTTP_WAIT_MS         25000                 /* then a waiting client is told "in progress" */
#define GJ_HTTP_DISCARD_MAX     ((size_t)1024 * 1024) /* of an oversized body, before the line is cut */
#define GJ_HTTP_METRICS_MAX     ((size_t)256 * 1024)
#define GJ_HTTP_DETAIL_CAP      200

struct gj_http_client {
    char name[GJ_WORD_MAX + 1];
    char token[129];
    char senders[GJ_SENDER_MAX + 1]; /* one sender, or a prefix ending in * */
    bool is_operator;                /* one person, who may decide by hand */
};

struct gj_http_config {
    const char *address;
    uint16_t port;                        /* 0: any; see gj_http_port() */
    uint32_t wait_ms;                     /* 0: GJ_HTTP_WAIT_MS */
    const struct gj_http_client *clients; /* copied */
    size_t n_clients;
    void *ctx;
    /* Hands a request to the engine; false: the inbox is full (503 BUSY). Called on HTTP threads. */
    bool (*submit)(void *ctx, uint64_t waiter, struct gj_slice request);
    void (*hangup)(void *ctx, uint64_t waiter);
    /* Writes the metrics page. */
    void (*metrics)(void *ctx, struct gj_buf *out);
};

struct gj_http;
/* |address| is numeric, IPv4 or IPv6. GJ_ERR_BAD_CONFIG for an address that is not, GJ_ERR_IO when it cannot
 * be listened on, GJ_ERR_NO_MEMORY; |ret_detail| of GJ_HTTP_DETAIL_CAP bytes then says why, for people. */
GJ_MUST_USE enum gj_err gj_http_open(const struct gj_http_config *config, struct gj_http **ret,
                                     char *ret_detail);
uint16_t gj_http_port(const struct gj_http *http);
/* Any thread, also from within submit(): the answer of a waiter, gj_answer_encode() bytes, copied. Unknown
 * waiters (hung up, or past the wait limit) are ignored. A waiter's number is never used twice. */
void gj_http_reply(struct gj_http *http, uint64_t waiter, struct gj_slice answer);

struct gj_http_counts {
    uint64_t requests;  /* calls of a known route, /metrics and /healthz too */
    uint64_t refused;   /* by this edge, before anything reached the engine */
    uint64_t too_large; /* of these: a body above GJ_REQUEST_MAX */
    uint64_t busy;      /* no waiter left, or the engine's inbox was full */
    uint64_t submitted;
    uint64_t answered;
    uint64_t late;    /* told "in progress" at the wait limit */
    uint64_t hangups; /* clients that went away while they waited */
};
void gj_http_counts_of(const struct gj_http *http, struct gj_http_counts *ret);

/* Takes no new call, tells every waiting client that its request is in progress, and ends its threads.
 * No gj_http_reply() may be running or come after it. */
void gj_http_close(struct gj_http **http_p);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * What the daemon's two halves share: server.c owns threads and life, call.c the path of one call.
 */
#ifndef GJ_HTTP_SERVER_H
#define GJ_HTTP_SERVER_H

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

#include "http/http.h"
#include "http/waiters.h"

struct gj_http {
    struct gj_http_config config;
    struct gj_http_client *clients;
    struct MHD_Daemon *daemon;
    struct gj_waiters *waiters;
    pthread_t sweeper;
    atomic_bool closing;
    atomic_uint_fast64_t suspended; /* calls that were handed to the engine and are not over yet */
    atomic_uint_fast64_t requests, refused, too_large, busy, submitted, answered, late, hangups;
};

/* Wakes the call of |waiter|; false if somebody else has. Without an answer the outcome is unknown. */
bool gj_call_wake(struct gj_http *http, uint64_t waiter, struct gj_slice answer);

/* The callbacks of libmicrohttpd: request line, request, end. |cls| is the struct gj_http. */
void *gj_call_open(void *cls, const char *target, struct MHD_Connection *connection);
enum MHD_Result gj_call_handle(void *cls, struct MHD_Connection *connection, const char *url,
                               const char *method, const char *version, const char *data, size_t *data_len,
                               void **call_p);
void gj_call_done(void *cls, struct MHD_Connection *connection, void **call_p,
                  enum MHD_RequestTerminationCode how);

#endif

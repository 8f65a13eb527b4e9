/* SPDX-License-Identifier: Apache-2.0
 *
 * The HTTP daemon: opens the socket, runs libmicrohttpd's threads and one sweeper that ends what waits too
 * long or for nobody, and closes all of it in order. Says nothing about routes or bodies.
 */
#include "http/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define SWEEP_MS  200
#define SWEEP_CAP 64
#define CLOSE_MS  2000 /* for the last answers to leave */
#define BACKLOG   512u

static int64_t mono_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* --- sweeper ---------------------------------------------------------------------------------------------- */
static void sweep(struct gj_http *http) {
    struct gj_waiter_gone gone[SWEEP_CAP];
    size_t n = gj_waiters_sweep(http->waiters, (struct gj_mono){mono_ms()}, gone, SWEEP_CAP);
    for (size_t i = 0; i < n; i++) {
        if (!gj_call_wake(http, gone[i].waiter, GJ_SLICE_NONE)) continue;
        atomic_fetch_add(gone[i].hung_up ? &http->hangups : &http->late, 1);
        http->config.hangup(http->config.ctx, gone[i].waiter);
    }
}

static void *sweeper_main(void *arg) {
    struct gj_http *http = arg;
    while (gj_waiters_pause(http->waiters, SWEEP_MS)) {
        sweep(http);
    }
    return NULL;
}

/* --- open ---------------------------------------------------------------------------------------------------- */
union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static enum gj_err parse_address(const char *text, uint16_t port, union address *ret, char *ret_detail) {
    memset(ret, 0, sizeof *ret);
    if (inet_pton(AF_INET, text, &ret->v4.sin_addr) == 1) {
        ret->v4.sin_family = AF_INET;
        ret->v4.sin_port = htons(port);
        return GJ_OK;
    }
    if (inet_pton(AF_INET6, text, &ret->v6.sin6_addr) == 1) {
        ret->v6.sin6_family = AF_INET6;
        ret->v6.sin6_port = htons(port);
        return GJ_OK;
    }
    snprintf(ret_detail, GJ_HTTP_DETAIL_CAP, "%.100s is not a numeric IPv4 or IPv6 address", text);
    return GJ_ERR_BAD_CONFIG;
}

static struct MHD_Daemon *start_daemon(struct gj_http *http, const union address *address) {
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME;
    if (address->any.sa_family == AF_INET6) flags |= MHD_USE_IPv6;
    return MHD_start_daemon(
        flags, 0, NULL, NULL, gj_call_handle, http, /* port: in the address */
        MHD_OPTION_SOCK_ADDR, &address->any, MHD_OPTION_URI_LOG_CALLBACK, gj_call_open, http,
        MHD_OPTION_NOTIFY_COMPLETED, gj_call_done, http, MHD_OPTION_THREAD_POOL_SIZE, GJ_HTTP_THREADS,
        MHD_OPTION_CONNECTION_LIMIT, GJ_HTTP_CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, GJ_HTTP_IDLE_S,
        MHD_OPTION_LISTEN_BACKLOG_SIZE, BACKLOG, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
}

static void free_http(struct gj_http *http) {
    gj_waiters_free(&http->waiters);
    free(http->clients);
    free(http);
}

static struct gj_http *new_http(const struct gj_http_config *config) {
    struct gj_http *http = calloc(1, sizeof *http);
    if (http == NULL) return NULL;
    http->config = *config;
    if (http->config.wait_ms == 0) http->config.wait_ms = GJ_HTTP_WAIT_MS;
    http->waiters = gj_waiters_new();
    http->clients = calloc(config->n_clients + 1, sizeof *http->clients);
    if (http->waiters == NULL || http->clients == NULL) {
        free_http(http);
        return NULL;
    }
    if (config->n_clients > 0)
        memcpy(http->clients, config->clients, config->n_clients * sizeof *http->clients);
    http->config.clients = http->clients;
    return http;
}

enum gj_err gj_http_open(const struct gj_http_config *config, struct gj_http **ret, char *ret_detail) {
    union address address;
    GJ_TRY(parse_address(config->address, config->port, &address, ret_detail));
    struct gj_http *http = new_http(config);
    if (http == NULL) {
        snprintf(ret_detail, GJ_HTTP_DETAIL_CAP, "out of memory");
        return GJ_ERR_NO_MEMORY;
    }
    http->config.address = NULL; /* borrowed for this call only */
    if (pthread_create(&http->sweeper, NULL, sweeper_main, http) != 0) {
        snprintf(ret_detail, GJ_HTTP_DETAIL_CAP, "cannot start a thread");
        free_http(http);
        return GJ_ERR_NO_MEMORY;
    }
    errno = 0;
    http->daemon = start_daemon(http, &address);
    if (http->daemon == NULL) {
        snprintf(ret_detail, GJ_HTTP_DETAIL_CAP, "cannot listen on %.64s port %u: %.80s", config->address,
                 (unsigned)config->port, strerror(errno));
        gj_waiters_close(http->waiters);
        pthread_join(http->sweeper, NULL);
        free_http(http);
        return GJ_ERR_IO;
    }
    *ret = http;
    return GJ_OK;
}

uint16_t gj_http_port(const struct gj_http *http) {
    return MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
}

void gj_http_reply(struct gj_http *http, uint64_t waiter, struct gj_slice answer) {
    gj_call_wake(http, waiter, answer);
}

void gj_http_counts_of(const struct gj_http *http, struct gj_http_counts *ret) {
    ret->requests = atomic_load(&http->requests);
    ret->refused = atomic_load(&http->refused);
    ret->too_large = atomic_load(&http->too_large);
    ret->busy = atomic_load(&http->busy);
    ret->submitted = atomic_load(&http->submitted);
    ret->answered = atomic_load(&http->answered);
    ret->late = atomic_load(&http->late);
    ret->hangups = atomic_load(&http->hangups);
}

/* --- close ---------------------------------------------------------------------------------------------------- */
static void wake_everybody(struct gj_http *http) {
    uint64_t waiter;
    while ((waiter = gj_waiters_any(http->waiters)) != 0) {
        gj_call_wake(http, waiter, GJ_SLICE_NONE);
    }
    gj_waiters_settle(http->waiters);
}

/* A client that does not read cannot hold us. */
static void await_last_answers(const struct gj_http *http) {
    const struct timespec pause = {0, 5000000};
    int64_t until = mono_ms() + CLOSE_MS;
    while (atomic_load(&http->suspended) > 0 && mono_ms() < until) {
        nanosleep(&pause, NULL);
    }
}

void gj_http_close(struct gj_http **http_p) {
    struct gj_http *http = *http_p;
    if (http == NULL) return;
    *http_p = NULL;
    atomic_store(&http->closing, true);
    gj_waiters_close(http->waiters);
    wake_everybody(http);
    pthread_join(http->sweeper, NULL);
    await_last_answers(http);
    MHD_stop_daemon(http->daemon);
    free_http(http);
}

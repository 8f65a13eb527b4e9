/* SPDX-License-Identifier: Apache-2.0
 *
 * Opening, closing and counting. The sockets are made here, so that a bad address is told to the caller,
 * and belong to the net thread from then on.
 */
#include "net/private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <zmq.h>

#include "base/check.h"

#define DETAIL_MAX 200

void gj_net_count(struct gj_net *net, enum gj_net_counter counter, uint64_t n) {
    atomic_fetch_add_explicit(&net->counts[counter], n, memory_order_relaxed);
}

static uint64_t count_of(struct gj_net *net, enum gj_net_counter counter) {
    return atomic_load_explicit(&net->counts[counter], memory_order_relaxed);
}

void gj_net_counts_of(struct gj_net *net, struct gj_net_counts *ret) {
    *ret = (struct gj_net_counts){
        .frames_in = count_of(net, GJ_NET_FRAMES_IN),
        .frames_out = count_of(net, GJ_NET_FRAMES_OUT),
        .bytes_in = count_of(net, GJ_NET_BYTES_IN),
        .bytes_out = count_of(net, GJ_NET_BYTES_OUT),
        .dropped_inbox_full = count_of(net, GJ_NET_DROPPED_INBOX_FULL),
        .dropped_outbox_full = count_of(net, GJ_NET_DROPPED_OUTBOX_FULL),
        .refused_extra_frames = count_of(net, GJ_NET_REFUSED_EXTRA_FRAMES),
        .refused_too_large = count_of(net, GJ_NET_REFUSED_TOO_LARGE),
        .refused_zap = count_of(net, GJ_NET_REFUSED_ZAP),
    };
}

static enum gj_err fail(enum gj_err err, char *ret_detail, const char *what, const char *why) {
    (void)snprintf(ret_detail, DETAIL_MAX, "%s: %s", what, why);
    return err;
}

static enum gj_err copy_peers(struct gj_net *net, const struct gj_net_config *config, char *ret_detail) {
    if (config->n_peers > GJ_NODES_MAX) return fail(GJ_ERR_TOO_MANY, ret_detail, "peers", "too many");
    for (size_t i = 0; i < config->n_peers; i++) {
        struct gj_net_line *line = &net->lines[i];
        line->peer = config->peers[i];
        if (strlen(line->peer.curve_public) != GJ_CURVE_TEXT ||
            zmq_z85_decode(line->curve_public, line->peer.curve_public) == NULL)
            return fail(GJ_ERR_BAD_CONFIG, ret_detail, line->peer.node, "not a CURVE public key");
        net->n_lines++;
    }
    return GJ_OK;
}

/* ZAP is bound before any socket can ask it. */
static enum gj_err open_sockets(struct gj_net *net, const struct gj_net_config *config, char *ret_detail) {
    net->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (net->wake < 0) return fail(GJ_ERR_IO, ret_detail, "eventfd", strerror(errno));
    net->zmq = zmq_ctx_new();
    if (net->zmq == NULL) return fail(GJ_ERR_NO_MEMORY, ret_detail, "zmq", strerror(errno));
    (void)zmq_ctx_set(net->zmq, ZMQ_BLOCKY, 0);
    net->zap = gj_net_open_zap(net);
    if (net->zap == NULL) return fail(GJ_ERR_IO, ret_detail, "zap", zmq_strerror(errno));
    net->router = gj_net_open_router(net, config->listen);
    if (net->router == NULL) return fail(GJ_ERR_IO, ret_detail, config->listen, zmq_strerror(errno));
    for (size_t i = 0; i < net->n_lines; i++) {
        net->lines[i].dealer = gj_net_open_dealer(net, &net->lines[i]);
        if (net->lines[i].dealer == NULL)
            return fail(GJ_ERR_IO, ret_detail, net->lines[i].peer.endpoint, zmq_strerror(errno));
    }
    return GJ_OK;
}

static enum gj_err start(struct gj_net *net, const struct gj_net_config *config, char *ret_detail) {
    GJ_TRY(gj_text_copy(net->self, sizeof net->self, config->self));
    GJ_TRY(gj_text_copy(net->curve_public, sizeof net->curve_public, config->curve_public));
    GJ_TRY(gj_text_copy(net->curve_secret, sizeof net->curve_secret, config->curve_secret));
    GJ_TRY(copy_peers(net, config, ret_detail));
    GJ_TRY(open_sockets(net, config, ret_detail));
    int rc = pthread_create(&net->thread, NULL, gj_net_run, net);
    if (rc != 0) return fail(GJ_ERR_IO, ret_detail, "thread", strerror(rc));
    net->has_thread = true;
    return GJ_OK;
}

enum gj_err gj_net_open(const struct gj_net_config *config, struct gj_net **ret, char *ret_detail) {
    GJ_ASSERT(config->receive != NULL);
    ret_detail[0] = '\0';
    struct gj_net *net = calloc(1, sizeof *net);
    if (net == NULL) return fail(GJ_ERR_NO_MEMORY, ret_detail, "net", "no memory");
    net->wake = -1;
    net->ctx = config->ctx;
    net->receive = config->receive;
    (void)pthread_mutex_init(&net->mutex, NULL);
    enum gj_err err = start(net, config, ret_detail);
    if (err != GJ_OK) {
        gj_net_close(&net);
        return err;
    }
    *ret = net;
    return GJ_OK;
}

/* What was pushed down still leaves, within a moment: a node that stops should not leave its last decisions
 * to the resend after its next start. */
static void close_dealer(struct gj_net_line *line) {
    int linger = GJ_NET_FAREWELL_MS;
    if (line->dealer == NULL) return;
    (void)zmq_setsockopt(line->dealer, ZMQ_LINGER, &linger, sizeof linger);
    (void)zmq_close(line->dealer);
    line->dealer = NULL;
}

static void close_socket(void **socket_p) {
    if (*socket_p != NULL) (void)zmq_close(*socket_p);
    *socket_p = NULL;
}

void gj_net_close(struct gj_net **net_p) {
    struct gj_net *net = *net_p;
    if (net == NULL) return;
    *net_p = NULL;
    if (net->has_thread) {
        atomic_store(&net->stop, true);
        uint64_t one = 1;
        ssize_t written = write(net->wake, &one, sizeof one);
        (void)written;
        (void)pthread_join(net->thread, NULL);
    }
    for (size_t i = 0; i < net->n_lines; i++)
        close_dealer(&net->lines[i]);
    close_socket(&net->router);
    /* The context waits for nobody else, and a ZAP question under way ends with its asker. */
    close_socket(&net->zap);
    if (net->zmq != NULL) (void)zmq_ctx_term(net->zmq);
    if (net->wake >= 0) (void)close(net->wake);
    gj_net_outbox_clear(net);
    (void)pthread_mutex_destroy(&net->mutex);
    memset(net->curve_secret, 0, sizeof net->curve_secret);
    free(net);
}

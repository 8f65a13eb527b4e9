/* SPDX-License-Identifier: Apache-2.0
 *
 * The net thread: polls the sockets, hands inbound frames up with the name of their line, and pushes the
 * outbox down. Nothing here blocks on one peer, and nothing looks inside a frame.
 */
#include "net/private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#include "base/ids.h"

static bool has_more(zmq_msg_t *frame) {
    return zmq_msg_more(frame) != 0;
}

/* Reads and forgets the rest of a message that has too many frames. */
static void drain(void *router) {
    for (bool more = true; more;) {
        zmq_msg_t frame;
        (void)zmq_msg_init(&frame);
        more = zmq_msg_recv(&frame, router, 0) >= 0 && has_more(&frame);
        (void)zmq_msg_close(&frame);
    }
}

/* The node whose key opened this session; NULL cannot happen with ZAP in force. */
static const char *line_of(zmq_msg_t *frame) {
    const char *user = zmq_msg_gets(frame, "User-Id");
    return user != NULL && gj_node_is_valid(user) ? user : NULL;
}

static void deliver(struct gj_net *net, zmq_msg_t *frame) {
    const char *line = line_of(frame);
    size_t len = zmq_msg_size(frame);
    if (line == NULL) {
        gj_net_count(net, GJ_NET_REFUSED_ZAP, 1);
        return;
    }
    if (len > GJ_PARCEL_MAX) {
        gj_net_count(net, GJ_NET_REFUSED_TOO_LARGE, 1);
        return;
    }
    if (!net->receive(net->ctx, line, gj_slice_of(zmq_msg_data(frame), len))) {
        gj_net_count(net, GJ_NET_DROPPED_INBOX_FULL, 1);
        return;
    }
    gj_net_count(net, GJ_NET_FRAMES_IN, 1);
    gj_net_count(net, GJ_NET_BYTES_IN, len);
}

/* One message: [routing id][frame]. False if none waits. */
static bool receive_one(struct gj_net *net) {
    zmq_msg_t frame;
    (void)zmq_msg_init(&frame);
    bool got = zmq_msg_recv(&frame, net->router, ZMQ_DONTWAIT) >= 0;
    if (got && has_more(&frame) && zmq_msg_recv(&frame, net->router, 0) >= 0) {
        if (has_more(&frame)) {
            gj_net_count(net, GJ_NET_REFUSED_EXTRA_FRAMES, 1);
            drain(net->router);
        } else {
            deliver(net, &frame);
        }
    }
    (void)zmq_msg_close(&frame);
    return got;
}

/* libzmq hands a parcel from our thread to its own by atomics that the thread sanitizer does not see. */
#ifdef __SANITIZE_THREAD__
void __tsan_release(void *address);
void __tsan_acquire(void *address);
#define HAND_OVER(parcel) __tsan_release(parcel)
#define TAKE_OVER(parcel) __tsan_acquire(parcel)
#else
#define HAND_OVER(parcel) ((void)(parcel))
#define TAKE_OVER(parcel) ((void)(parcel))
#endif

static void free_parcel(void *data, void *parcel) {
    (void)data;
    TAKE_OVER(parcel);
    free(parcel);
}

/* Takes the parcel in every case. False: libzmq did not take it, and it is gone. */
static bool push(struct gj_net *net, struct gj_net_line *line, struct gj_net_parcel *parcel) {
    size_t len = parcel->len;
    HAND_OVER(parcel);
    zmq_msg_t frame;
    if (zmq_msg_init_data(&frame, parcel->bytes, len, free_parcel, parcel) != 0) {
        free(parcel);
        return false;
    }
    if (zmq_msg_send(&frame, line->dealer, ZMQ_DONTWAIT) < 0) {
        (void)zmq_msg_close(&frame); /* frees the parcel */
        return false;
    }
    gj_net_count(net, GJ_NET_FRAMES_OUT, 1);
    gj_net_count(net, GJ_NET_BYTES_OUT, len);
    return true;
}

/* May the line take a frame now? Asked first, so that a frame never has to be taken back. */
static bool is_writable(void *dealer) {
    int events = 0;
    size_t size = sizeof events;
    return zmq_getsockopt(dealer, ZMQ_EVENTS, &events, &size) == 0 && (events & ZMQ_POLLOUT) != 0;
}

static void renew(struct gj_net *net, struct gj_net_line *line, int64_t now_ms) {
    /* After a refusal by ZAP libzmq does not try again by itself, though the other side's registry may
     * have changed since. */
    if (line->dealer != NULL) (void)zmq_close(line->dealer);
    line->dealer = gj_net_open_dealer(net, line);
    line->stuck_since_ms = now_ms;
}

static void push_line(struct gj_net *net, struct gj_net_line *line, int64_t now_ms) {
    for (int i = 0; i < GJ_NET_BURST_MAX; i++) {
        struct gj_net_parcel *parcel = gj_net_outbox_take(net, line, now_ms);
        if (parcel == NULL) return;
        if (line->dealer == NULL || !is_writable(line->dealer)) {
            gj_net_outbox_return(net, line, parcel);
            if (line->stuck_since_ms == 0) line->stuck_since_ms = now_ms;
            if (now_ms - line->stuck_since_ms > GJ_NET_RENEW_MS) renew(net, line, now_ms);
            return;
        }
        line->stuck_since_ms = 0;
        if (!push(net, line, parcel)) gj_net_count(net, GJ_NET_DROPPED_OUTBOX_FULL, 1);
    }
}

static bool is_waiting(struct gj_net *net, const struct gj_net_line *line) {
    (void)pthread_mutex_lock(&net->mutex);
    bool waiting = line->n > 0;
    (void)pthread_mutex_unlock(&net->mutex);
    return waiting;
}

/* Sleeps until a socket or the outbox has something to do. */
static void wait(struct gj_net *net) {
    zmq_pollitem_t items[3 + GJ_NODES_MAX];
    items[0] = (zmq_pollitem_t){.fd = net->wake, .events = ZMQ_POLLIN};
    items[1] = (zmq_pollitem_t){.socket = net->zap, .events = ZMQ_POLLIN};
    items[2] = (zmq_pollitem_t){.socket = net->router, .events = ZMQ_POLLIN};
    int n = 3;
    bool waiting = false;
    for (size_t i = 0; i < net->n_lines; i++) {
        if (!is_waiting(net, &net->lines[i])) continue;
        waiting = true;
        if (net->lines[i].dealer != NULL)
            items[n++] = (zmq_pollitem_t){.socket = net->lines[i].dealer, .events = ZMQ_POLLOUT};
    }
    (void)zmq_poll(items, n, waiting ? GJ_NET_POLL_MS : -1);
    uint64_t wakes;
    ssize_t got = read(net->wake, &wakes, sizeof wakes);
    (void)got;
}

static void push_all(struct gj_net *net) {
    int64_t now_ms = gj_net_clock_ms();
    for (size_t i = 0; i < net->n_lines; i++)
        push_line(net, &net->lines[i], now_ms);
}

void *gj_net_run(void *arg) {
    struct gj_net *net = arg;
    while (!atomic_load(&net->stop)) {
        wait(net);
        for (int i = 0; i < GJ_NET_BURST_MAX && gj_net_zap_answer(net); i++) {
        }
        for (int i = 0; i < GJ_NET_BURST_MAX && receive_one(net); i++) {
        }
        push_all(net);
    }
    push_all(net); /* what the peers that are there take at once */
    return NULL;
}

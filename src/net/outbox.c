/* SPDX-License-Identifier: Apache-2.0
 *
 * Parcels that wait for the net thread, one bounded queue per peer. A dead peer fills only its own queue,
 * and what waited too long is dropped: the protocol sends again from its state, so an old parcel is worth
 * nothing. Never blocks the engine.
 */
#include "net/private.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

int64_t gj_net_clock_ms(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static struct gj_net_line *find_line(struct gj_net *net, const char *node) {
    for (size_t i = 0; i < net->n_lines; i++)
        if (gj_text_equal(net->lines[i].peer.node, node)) return &net->lines[i];
    return NULL;
}

static bool enqueue(struct gj_net *net, struct gj_net_line *line, struct gj_net_parcel *parcel) {
    (void)pthread_mutex_lock(&net->mutex);
    bool fits = line->n < GJ_NET_LINE_PARCELS_MAX && line->bytes + parcel->len <= GJ_NET_LINE_BYTES_MAX &&
                net->waiting_bytes + parcel->len <= GJ_NET_BYTES_MAX;
    if (fits) {
        if (line->tail == NULL)
            line->head = parcel;
        else
            line->tail->next = parcel;
        line->tail = parcel;
        line->n++;
        line->bytes += parcel->len;
        net->waiting_bytes += parcel->len;
    }
    (void)pthread_mutex_unlock(&net->mutex);
    return fits;
}

void gj_net_send(struct gj_net *net, const char *node, struct gj_slice parcel) {
    struct gj_net_line *line = find_line(net, node);
    struct gj_net_parcel *copy = NULL;
    if (line != NULL && parcel.len <= GJ_PARCEL_MAX) copy = malloc(sizeof *copy + parcel.len);
    if (copy == NULL) {
        gj_net_count(net, GJ_NET_DROPPED_OUTBOX_FULL, 1);
        return;
    }
    copy->next = NULL;
    copy->len = parcel.len;
    copy->queued_ms = gj_net_clock_ms();
    if (parcel.len > 0) memcpy(copy->bytes, parcel.ptr, parcel.len);
    if (!enqueue(net, line, copy)) {
        free(copy);
        gj_net_count(net, GJ_NET_DROPPED_OUTBOX_FULL, 1);
        return;
    }
    uint64_t one = 1;
    /* A full counter of an eventfd still wakes: nothing is lost when this write says EAGAIN. */
    ssize_t written = write(net->wake, &one, sizeof one);
    (void)written;
}

static struct gj_net_parcel *pop(struct gj_net *net, struct gj_net_line *line) {
    (void)pthread_mutex_lock(&net->mutex);
    struct gj_net_parcel *parcel = line->head;
    if (parcel != NULL) {
        line->head = parcel->next;
        if (line->head == NULL) line->tail = NULL;
        line->n--;
        line->bytes -= parcel->len;
        net->waiting_bytes -= parcel->len;
        parcel->next = NULL;
    }
    (void)pthread_mutex_unlock(&net->mutex);
    return parcel;
}

struct gj_net_parcel *gj_net_outbox_take(struct gj_net *net, struct gj_net_line *line, int64_t now_ms) {
    struct gj_net_parcel *parcel = pop(net, line);
    while (parcel != NULL && now_ms - parcel->queued_ms > GJ_NET_STALE_MS) {
        free(parcel);
        gj_net_count(net, GJ_NET_DROPPED_OUTBOX_FULL, 1);
        parcel = pop(net, line);
    }
    return parcel;
}

void gj_net_outbox_return(struct gj_net *net, struct gj_net_line *line, struct gj_net_parcel *parcel) {
    (void)pthread_mutex_lock(&net->mutex);
    parcel->next = line->head;
    line->head = parcel;
    if (line->tail == NULL) line->tail = parcel;
    line->n++;
    line->bytes += parcel->len;
    net->waiting_bytes += parcel->len;
    (void)pthread_mutex_unlock(&net->mutex);
}

void gj_net_outbox_clear(struct gj_net *net) {
    for (size_t i = 0; i < net->n_lines; i++)
        for (struct gj_net_parcel *parcel = pop(net, &net->lines[i]); parcel != NULL;
             parcel = pop(net, &net->lines[i]))
            free(parcel);
}

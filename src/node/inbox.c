/* SPDX-License-Identifier: Apache-2.0
 *
 * The inbox: a list under a mutex, and a condition variable on the monotonic clock, so that a step of the
 * wall clock neither wakes nor delays the engine.
 */
#include "node/inbox.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/check.h"

struct item {
    struct item *next;
    struct gj_input input;
    uint8_t bytes[];
};

struct gj_inbox {
    pthread_mutex_t mutex;
    pthread_cond_t filled;
    struct item *head, *tail;
    size_t n, bytes;
    bool is_closed, is_woken;
    struct item *taken; /* of the last take: freed by the next */
};

struct gj_now gj_clock_read(void) {
    struct timespec mono, wall;
    GJ_ASSERT(clock_gettime(CLOCK_MONOTONIC, &mono) == 0 && clock_gettime(CLOCK_REALTIME, &wall) == 0);
    return (struct gj_now){.mono = {(int64_t)mono.tv_sec * 1000 + mono.tv_nsec / 1000000},
                           .wall = {(int64_t)wall.tv_sec * 1000 + wall.tv_nsec / 1000000}};
}

struct gj_inbox *gj_inbox_new(void) {
    struct gj_inbox *inbox = calloc(1, sizeof *inbox);
    pthread_condattr_t monotonic;
    if (inbox == NULL) return NULL;
    GJ_ASSERT(pthread_mutex_init(&inbox->mutex, NULL) == 0);
    GJ_ASSERT(pthread_condattr_init(&monotonic) == 0);
    GJ_ASSERT(pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC) == 0);
    GJ_ASSERT(pthread_cond_init(&inbox->filled, &monotonic) == 0);
    (void)pthread_condattr_destroy(&monotonic);
    return inbox;
}

static void free_list(struct item *item) {
    while (item != NULL) {
        struct item *next = item->next;
        free(item);
        item = next;
    }
}

void gj_inbox_free(struct gj_inbox **inbox_p) {
    struct gj_inbox *inbox = *inbox_p;
    if (inbox == NULL) return;
    *inbox_p = NULL;
    free_list(inbox->head);
    free_list(inbox->taken);
    (void)pthread_cond_destroy(&inbox->filled);
    (void)pthread_mutex_destroy(&inbox->mutex);
    free(inbox);
}

static void lock(struct gj_inbox *inbox) {
    GJ_ASSERT(pthread_mutex_lock(&inbox->mutex) == 0);
}

static void unlock(struct gj_inbox *inbox) {
    GJ_ASSERT(pthread_mutex_unlock(&inbox->mutex) == 0);
}

bool gj_inbox_put(struct gj_inbox *inbox, const struct gj_input *input) {
    size_t len = input->bytes.len;
    struct item *item = malloc(sizeof *item + len);
    if (item == NULL) return false;
    item->next = NULL;
    item->input = *input;
    if (len > 0) memcpy(item->bytes, input->bytes.ptr, len);
    item->input.bytes = gj_slice_of(item->bytes, len);

    lock(inbox);
    bool fits =
        !inbox->is_closed && inbox->n < GJ_INBOX_INPUTS_MAX && len <= GJ_INBOX_BYTES_MAX - inbox->bytes;
    if (fits) {
        if (inbox->tail == NULL)
            inbox->head = item;
        else
            inbox->tail->next = item;
        inbox->tail = item;
        inbox->n++;
        inbox->bytes += len;
        (void)pthread_cond_signal(&inbox->filled);
    }
    unlock(inbox);
    if (!fits) free(item);
    return fits;
}

void gj_inbox_wake(struct gj_inbox *inbox) {
    lock(inbox);
    inbox->is_woken = true;
    (void)pthread_cond_signal(&inbox->filled);
    unlock(inbox);
}

void gj_inbox_close(struct gj_inbox *inbox) {
    lock(inbox);
    inbox->is_closed = true;
    unlock(inbox);
}

/* Takes the first |max| items off the list. */
static size_t move(struct gj_inbox *inbox, struct gj_input *ret, size_t max) {
    size_t n = 0;
    struct item *last = NULL;
    for (struct item *item = inbox->head; item != NULL && n < max; item = item->next) {
        ret[n++] = item->input;
        inbox->bytes -= item->input.bytes.len;
        last = item;
    }
    if (last == NULL) return 0;
    inbox->taken = inbox->head;
    inbox->head = last->next;
    if (inbox->head == NULL) inbox->tail = NULL;
    last->next = NULL;
    inbox->n -= n;
    return n;
}

size_t gj_inbox_take(struct gj_inbox *inbox, struct gj_mono until, struct gj_input *ret, size_t max) {
    free_list(inbox->taken);
    inbox->taken = NULL;
    bool is_endless = until.ms == INT64_MAX;
    struct timespec deadline = {0};
    if (!is_endless && until.ms > 0)
        deadline = (struct timespec){.tv_sec = until.ms / 1000, .tv_nsec = until.ms % 1000 * 1000000};

    lock(inbox);
    int rc = 0;
    while (inbox->n == 0 && !inbox->is_woken && rc == 0)
        rc = is_endless ? pthread_cond_wait(&inbox->filled, &inbox->mutex)
                        : pthread_cond_timedwait(&inbox->filled, &inbox->mutex, &deadline);
    inbox->is_woken = false;
    size_t n = move(inbox, ret, max);
    unlock(inbox);
    return n;
}

size_t gj_inbox_waiting(struct gj_inbox *inbox) {
    lock(inbox);
    size_t n = inbox->n;
    unlock(inbox);
    return n;
}

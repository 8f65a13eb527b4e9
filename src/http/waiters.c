/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of waiters. A number is a serial and a slot, so that a look-up is one step and an old number
 * finds nothing. The lock is never held while somebody is woken.
 */
#include "http/waiters.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#include "base/check.h"
#include "base/limits.h"

struct slot {
    uint64_t waiter; /* 0: free */
    void *call;
    int fd;
    struct gj_mono deadline;
};

struct gj_waiters {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct slot slots[GJ_SESSIONS_MAX];
    uint32_t free_slots[GJ_SESSIONS_MAX]; /* a stack */
    uint32_t n_free;
    uint32_t waking;
    uint64_t last_serial;
    bool closed;
};

struct gj_waiters *gj_waiters_new(void) {
    struct gj_waiters *waiters = calloc(1, sizeof *waiters);
    if (waiters == NULL) return NULL;
    pthread_condattr_t attr;
    GJ_ASSERT(pthread_mutex_init(&waiters->lock, NULL) == 0);
    GJ_ASSERT(pthread_condattr_init(&attr) == 0);
    GJ_ASSERT(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0);
    GJ_ASSERT(pthread_cond_init(&waiters->changed, &attr) == 0);
    pthread_condattr_destroy(&attr);
    for (uint32_t i = 0; i < GJ_SESSIONS_MAX; i++) {
        waiters->free_slots[i] = GJ_SESSIONS_MAX - 1 - i;
    }
    waiters->n_free = GJ_SESSIONS_MAX;
    return waiters;
}

void gj_waiters_free(struct gj_waiters **waiters_p) {
    struct gj_waiters *waiters = *waiters_p;
    if (waiters == NULL) return;
    *waiters_p = NULL;
    pthread_cond_destroy(&waiters->changed);
    pthread_mutex_destroy(&waiters->lock);
    free(waiters);
}

uint64_t gj_waiters_add(struct gj_waiters *waiters, void *call, int fd, struct gj_mono deadline) {
    uint64_t waiter = 0;
    pthread_mutex_lock(&waiters->lock);
    if (!waiters->closed && waiters->n_free > 0) {
        if (waiters->n_free == GJ_SESSIONS_MAX) pthread_cond_broadcast(&waiters->changed);
        uint32_t slot = waiters->free_slots[--waiters->n_free];
        waiter = ++waiters->last_serial * GJ_SESSIONS_MAX + slot;
        waiters->slots[slot] = (struct slot){waiter, call, fd, deadline};
    }
    pthread_mutex_unlock(&waiters->lock);
    return waiter;
}

void *gj_waiters_take(struct gj_waiters *waiters, uint64_t waiter) {
    uint32_t index = (uint32_t)(waiter % GJ_SESSIONS_MAX);
    void *call = NULL;
    pthread_mutex_lock(&waiters->lock);
    struct slot *slot = &waiters->slots[index];
    if (waiter != 0 && slot->waiter == waiter) {
        call = slot->call;
        *slot = (struct slot){0};
        waiters->free_slots[waiters->n_free++] = index;
        waiters->waking++;
    }
    pthread_mutex_unlock(&waiters->lock);
    return call;
}

void gj_waiters_woken(struct gj_waiters *waiters) {
    pthread_mutex_lock(&waiters->lock);
    GJ_ASSERT(waiters->waking > 0);
    if (--waiters->waking == 0 && waiters->closed) pthread_cond_broadcast(&waiters->changed);
    pthread_mutex_unlock(&waiters->lock);
}

/* Has the client closed its side? The socket is open as long as its waiter is in the table. */
static bool is_hung_up(int fd) {
    char byte;
    ssize_t n = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (n == 0) return true;
    return n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR;
}

size_t gj_waiters_sweep(struct gj_waiters *waiters, struct gj_mono now, struct gj_waiter_gone *ret,
                        size_t cap) {
    size_t n = 0;
    pthread_mutex_lock(&waiters->lock);
    for (uint32_t i = 0; i < GJ_SESSIONS_MAX && n < cap; i++) {
        const struct slot *slot = &waiters->slots[i];
        if (slot->waiter == 0) continue;
        bool hung_up = is_hung_up(slot->fd);
        if (!hung_up && now.ms < slot->deadline.ms) continue;
        ret[n++] = (struct gj_waiter_gone){slot->waiter, hung_up};
    }
    pthread_mutex_unlock(&waiters->lock);
    return n;
}

void gj_waiters_close(struct gj_waiters *waiters) {
    pthread_mutex_lock(&waiters->lock);
    waiters->closed = true;
    pthread_cond_broadcast(&waiters->changed);
    pthread_mutex_unlock(&waiters->lock);
}

uint64_t gj_waiters_any(struct gj_waiters *waiters) {
    uint64_t waiter = 0;
    pthread_mutex_lock(&waiters->lock);
    GJ_ASSERT(waiters->closed);
    for (uint32_t i = 0; i < GJ_SESSIONS_MAX && waiter == 0; i++) {
        waiter = waiters->slots[i].waiter;
    }
    pthread_mutex_unlock(&waiters->lock);
    return waiter;
}

void gj_waiters_settle(struct gj_waiters *waiters) {
    pthread_mutex_lock(&waiters->lock);
    while (waiters->waking > 0) {
        pthread_cond_wait(&waiters->changed, &waiters->lock);
    }
    pthread_mutex_unlock(&waiters->lock);
}

static struct timespec in_ms(uint32_t ms) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += ms / 1000;
    at.tv_nsec += (long)(ms % 1000) * 1000000L;
    if (at.tv_nsec >= 1000000000L) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000L;
    }
    return at;
}

bool gj_waiters_pause(struct gj_waiters *waiters, uint32_t ms) {
    pthread_mutex_lock(&waiters->lock);
    while (!waiters->closed && waiters->n_free == GJ_SESSIONS_MAX) {
        pthread_cond_wait(&waiters->changed, &waiters->lock);
    }
    struct timespec until = in_ms(ms);
    int err = 0;
    while (!waiters->closed && err != ETIMEDOUT) {
        err = pthread_cond_timedwait(&waiters->changed, &waiters->lock, &until);
    }
    bool open = !waiters->closed;
    pthread_mutex_unlock(&waiters->lock);
    return open;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Who waits for an answer of the engine: a bounded table from waiter numbers to calls. Whoever takes a waiter
 * out of it (an answer, the wait limit, a hang-up, the end) is the only one to wake its call; everybody else
 * finds nothing. Thread-safe; knows no HTTP.
 */
#ifndef GJ_HTTP_WAITERS_H
#define GJ_HTTP_WAITERS_H

#include "base/bytes.h"
#include "base/clock.h"

struct gj_waiters;

/* NULL when out of memory. */
struct gj_waiters *gj_waiters_new(void);
void gj_waiters_free(struct gj_waiters **waiters_p);

/* A number for |call|, which waits on socket |fd| until |deadline|; 0 when the table is full or closed.
 * Numbers are never used twice. */
uint64_t gj_waiters_add(struct gj_waiters *waiters, void *call, int fd, struct gj_mono deadline);
/* Takes a waiter out; NULL if it is not there (any more). Each take that gives a call must be followed by
 * gj_waiters_woken() once the call has been woken. */
void *gj_waiters_take(struct gj_waiters *waiters, uint64_t waiter);
void gj_waiters_woken(struct gj_waiters *waiters);

struct gj_waiter_gone {
    uint64_t waiter;
    bool hung_up; /* else: past its deadline */
};
/* Lists up to |cap| waiters that are past |now| or whose client closed its side; takes none of them out. */
size_t gj_waiters_sweep(struct gj_waiters *waiters, struct gj_mono now, struct gj_waiter_gone *ret,
                        size_t cap);

/* From now on nothing can be added; wakes gj_waiters_pause(). */
void gj_waiters_close(struct gj_waiters *waiters);
/* Any waiter of a closed table, 0: none. */
uint64_t gj_waiters_any(struct gj_waiters *waiters);
/* Until nobody who took a waiter is still waking it. */
void gj_waiters_settle(struct gj_waiters *waiters);
/* Sleeps |ms| if somebody waits, else until somebody does; false once the table is closed. */
bool gj_waiters_pause(struct gj_waiters *waiters, uint32_t ms);

#endif

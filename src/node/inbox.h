/* SPDX-License-Identifier: Apache-2.0
 *
 * What waits for the engine: filled by the net and HTTP threads, emptied by the engine's. Bounded in number
 * and bytes; at the limit the caller is told at once, nothing waits for room.
 */
#ifndef GJ_NODE_INBOX_H
#define GJ_NODE_INBOX_H

#include "node/engine.h"

#define GJ_INBOX_INPUTS_MAX 8192u
#define GJ_INBOX_BYTES_MAX  ((size_t)64 * 1024 * 1024)

struct gj_inbox;

struct gj_inbox *gj_inbox_new(void); /* NULL without memory */
void gj_inbox_free(struct gj_inbox **inbox_p);

/* Any thread. Copies. False: full, or closed. */
bool gj_inbox_put(struct gj_inbox *inbox, const struct gj_input *input);
/* Any thread: wakes the taker without an input, now or at its next call. */
void gj_inbox_wake(struct gj_inbox *inbox);
/* From now on nothing is taken in. */
void gj_inbox_close(struct gj_inbox *inbox);

/* The engine's thread: sleeps until there is an input, a wake, or |until|; then moves at most |max| inputs, the
 * oldest first, into |ret|. Their bytes belong to the inbox and are valid until the next call. */
size_t gj_inbox_take(struct gj_inbox *inbox, struct gj_mono until, struct gj_input *ret, size_t max);
size_t gj_inbox_waiting(struct gj_inbox *inbox);

/* CLOCK_MONOTONIC and Unix time, read together: once per step, by the loop. */
struct gj_now gj_clock_read(void);

#endif

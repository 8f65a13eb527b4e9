/* SPDX-License-Identifier: Apache-2.0
 *
 * Keeps what went into the core, in order, so that a store can be replayed from its start: the same inputs,
 * times and seeds give the same records. What a batch without a flush took is carried over to the next flush.
 *
 *   entry = 'B' u8 witness | now | seed32                             a start: reset the core, recover
 *         | 'S' now | u8 accepts | u16 no_new_work                    a step begins
 *         | 'I' u8 kind | u64 waiter | u8 len, line | seed32 | u32 len, bytes
 *         | 'P' seed32 | 'D' seed32                                   a tick of the protocol, of the domain
 *   now   = i64 mono_ms | i64 wall_ms; all integers big-endian.
 */
#ifndef GJ_NODE_RECORDER_H
#define GJ_NODE_RECORDER_H

#include "crypto/crypto.h"
#include "node/engine.h"
#include "protocol/turn.h"

struct gj_recorder;

/* NULL without memory. |key| borrowed for life. */
struct gj_recorder *gj_recorder_new(const struct gj_data_key *key);
void gj_recorder_free(struct gj_recorder **recorder_p);

/* Is there room for one more input of |len| bytes, and for the ticks and the step after it? */
bool gj_recorder_has_room(const struct gj_recorder *recorder, size_t len);
void gj_recorder_start(struct gj_recorder *recorder, struct gj_now now, enum gj_witness witness,
                       const uint8_t seed[32]);
void gj_recorder_step(struct gj_recorder *recorder, const struct gj_turn *turn);
void gj_recorder_input(struct gj_recorder *recorder, const struct gj_input *input, const uint8_t seed[32]);
void gj_recorder_tick(struct gj_recorder *recorder, char which, const uint8_t seed[32]);

/* Sealed bytes of all that was kept since the last clear; borrowed until the next call. */
GJ_MUST_USE enum gj_err gj_recorder_seal(struct gj_recorder *recorder, struct gj_slice *ret);
void gj_recorder_clear(struct gj_recorder *recorder);

#endif

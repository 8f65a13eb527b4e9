/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside the engine: its memory, and the seams between its parts. Nothing here has a thread, a socket or a
 * clock. Never included outside this folder.
 */
#ifndef GJ_NODE_PRIVATE_H
#define GJ_NODE_PRIVATE_H

#include "node/engine.h"
#include "node/recorder.h"
#include "protocol/turn.h"

/* --- limits of the engine ------------------------------------------------------------------------------- */
#define GJ_ENGINE_SCRATCH_BYTES ((size_t)32 * 1024 * 1024) /* one input; untouched pages cost nothing */
#define GJ_ENGINE_BATCH_BYTES   ((size_t)64 * 1024 * 1024) /* what one batch says */
/* Everybody who can wait at once: sessions under way, and a whole batch of new requests. */
#define GJ_ENGINE_WAITERS_MAX (GJ_SESSIONS_MAX + (size_t)2 * GJ_BATCH_INPUTS_MAX)
#define GJ_ENGINE_REPLIES_MAX (2 * GJ_ENGINE_WAITERS_MAX) /* over GJ_BATCH_INPUTS_MAX more than they can be */
#define GJ_ENGINE_EVENTS_MAX  8192u

struct gj_waiter {
    uint64_t id;
    bool is_new; /* its request is in the batch that is not durable yet */
};

struct gj_engine {
    struct gj_engine_config config;
    void *protocol_memory, *domain_memory;
    struct gj_protocol *protocol;
    struct gj_domain *domain;

    uint8_t *scratch_memory, *batch_memory;
    bool is_short; /* the scratch was too small for an input of this batch */
    struct gj_arena scratch, batch;
    struct gj_outbox outbox;
    struct gj_replies replies;
    struct gj_events events;
    struct gj_waiter *waiters; /* whose answer is owed */
    size_t n_waiters;

    /* signer */
    struct gj_public_key public_key;
    uint8_t key_id[GJ_KEY_ID_BYTES];
    struct gj_leaf *leaves;
    uint32_t *indexes;
    uint8_t *salts;
    uint8_t *parcel_memory;

    struct gj_recorder *recorder; /* NULL: inputs are not kept */
    struct gj_mono trim_due;      /* old recorded inputs are looked for */
    uint8_t store_id[16];
    uint64_t flush; /* the last durable one of this epoch */
    bool draining;
    bool coordinates; /* while draining: something of ours was undecided after the last batch */
    struct gj_engine_counts counts;
};

/* --- batch.c: inputs through the core, durable, then out -------------------------------------------------- */
/* Takes as many of the |n| inputs as fit one batch, at least one if n > 0. */
enum gj_err gj_batch_run(struct gj_engine *engine, const struct gj_input *inputs, size_t n, struct gj_now now,
                         size_t *ret_taken);
/* The batch of a start: a new epoch. */
enum gj_err gj_batch_recover(struct gj_engine *engine, struct gj_now now, enum gj_witness witness);
/* Protocol and domain as they are before recovery: all volatile state is gone. */
void gj_batch_reset_core(struct gj_engine *engine);

/* --- signer.c ------------------------------------------------------------------------------------------------ */
enum gj_err gj_signer_init(struct gj_engine *engine);
void gj_signer_done(struct gj_engine *engine);
/* Signs what the outbox holds, once, and hands one or more parcels per peer to the sink. */
enum gj_err gj_signer_release(struct gj_engine *engine, struct gj_now now);

/* --- waiters.c ----------------------------------------------------------------------------------------------- */
/* False: there are more than the limit, answer BUSY. He is on the list all the same, until he is answered. */
bool gj_engine_waiters_add(struct gj_engine *engine, uint64_t waiter);
void gj_engine_waiters_remove(struct gj_engine *engine, uint64_t waiter);
void gj_engine_waiters_keep(struct gj_engine *engine); /* the batch is durable */
/* After a rollback: the batch's own waiters are refused, all others are told "in progress". */
void gj_engine_waiters_tell_rollback(struct gj_engine *engine, enum gj_err why);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * The engine: takes what waits, runs it through the pure core as one batch, makes it durable, and only
 * then lets anything leave. It owns no socket and no thread: the daemon, the tests and the simulator all
 * call gj_engine_step().
 *
 *     begin ─► inputs, then ticks ─► commit (the flush) ─► replies, then one signature, parcels
 *
 * A batch that cannot be stored is rolled back and says nothing; an I/O error ends the process.
 */
#ifndef GJ_NODE_ENGINE_H
#define GJ_NODE_ENGINE_H

#include "crypto/crypto.h"
#include "domain/domain.h"
#include "store/store.h"

struct gj_engine;

enum gj_input_kind { GJ_INPUT_PARCEL, GJ_INPUT_REQUEST, GJ_INPUT_HANGUP };

struct gj_input {
    enum gj_input_kind kind;
    struct gj_slice bytes;      /* frame, or gj_request_encode() bytes; borrowed for the step */
    char line[GJ_NODE_MAX + 1]; /* PARCEL: the node that the transport authenticated */
    uint64_t waiter;            /* REQUEST, HANGUP */
};

/* Where things go. Both are called after the flush, on the caller's thread, and must not block. */
struct gj_engine_sink {
    void *ctx;
    void (*parcel)(void *ctx, const char *node, struct gj_slice parcel);
    void (*reply)(void *ctx, uint64_t waiter, struct gj_slice answer);
    void (*event)(void *ctx, const struct gj_event *event);
    void (*random)(void *ctx, void *ret, size_t len);
};

struct gj_engine_config {
    struct gj_store *store; /* borrowed, as all here */
    const struct gj_directory *directory;
    const struct gj_packs *packs;
    const struct gj_hasher *hasher;
    const struct gj_prover *prover;
    const struct gj_sign_key *sign_key;
    const struct gj_data_key *data_key; /* seals the recorded inputs */
    struct gj_engine_sink sink;
    bool record_inputs;       /* keep each batch's inputs, sealed, for replay */
    uint32_t record_days;     /* for so long; 0: for ever */
    uint32_t retention_years; /* of decided records of others' transactions; 0: GJ_RETENTION_YEARS */
};

struct gj_engine_counts {
    uint64_t steps, flushes, signatures, messages_out, parcels_out, bytes_out, parcels_in, requests;
};

GJ_MUST_USE enum gj_err gj_engine_new(const struct gj_engine_config *config, struct gj_engine **ret);
void gj_engine_free(struct gj_engine **engine_p);
/* The recovery batch. GJ_OK, or the store's error. */
GJ_MUST_USE enum gj_err gj_engine_start(struct gj_engine *engine, struct gj_now now, enum gj_witness witness);
/* One batch of at most GJ_BATCH_INPUTS_MAX inputs. GJ_ERR_STORE_FULL, GJ_ERR_NO_SPACE (an input that is more than our
 * memory for one): rolled back, waiters were told, go on. Any other error: the store's outcome is unknown, end the
 * process. */
GJ_MUST_USE enum gj_err gj_engine_step(struct gj_engine *engine, const struct gj_input *inputs, size_t n,
                                       struct gj_now now);
bool gj_engine_goes_on(enum gj_err err);
/* When to step again without input. */
struct gj_mono gj_engine_next_due(const struct gj_engine *engine);
/* No new work from now on; decisions go on. */
void gj_engine_drain(struct gj_engine *engine);
/* Nothing of our own is undecided: a draining node may stop. */
bool gj_engine_is_idle(const struct gj_engine *engine);
/* The witness must not be written yet: it would vouch for a store that may be an old copy. */
bool gj_engine_is_in_doubt(const struct gj_engine *engine);
/* What the witness file must say after the last flush. */
void gj_engine_flush_mark(const struct gj_engine *engine, uint8_t ret_store_id[16], uint32_t *ret_epoch,
                          uint64_t *ret_flush);
const struct gj_engine_counts *gj_engine_counts_of(const struct gj_engine *engine);

#endif

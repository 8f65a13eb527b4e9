/* SPDX-License-Identifier: Apache-2.0
 *
 * The engine's life: memory once at the start, then steps. Each step is one batch, or a few when a batch's
 * limits are reached; see batch.c for what a batch is.
 */
#include "node/private.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

static bool allocate(struct gj_engine *engine) {
    engine->protocol_memory = calloc(1, gj_protocol_size());
    engine->domain_memory = calloc(1, gj_domain_size());
    engine->scratch_memory = malloc(GJ_ENGINE_SCRATCH_BYTES);
    engine->batch_memory = malloc(GJ_ENGINE_BATCH_BYTES);
    engine->outbox.items = calloc(GJ_BATCH_OUT_MAX, sizeof *engine->outbox.items);
    engine->replies.items = calloc(GJ_ENGINE_REPLIES_MAX, sizeof *engine->replies.items);
    engine->events.items = calloc(GJ_ENGINE_EVENTS_MAX, sizeof *engine->events.items);
    engine->waiters = calloc(GJ_ENGINE_REPLIES_MAX, sizeof *engine->waiters);
    return engine->protocol_memory != NULL && engine->domain_memory != NULL &&
           engine->scratch_memory != NULL && engine->batch_memory != NULL && engine->outbox.items != NULL &&
           engine->replies.items != NULL && engine->events.items != NULL && engine->waiters != NULL;
}

static enum gj_err prepare(struct gj_engine *engine) {
    if (!allocate(engine)) return GJ_ERR_NO_MEMORY;
    gj_arena_init(&engine->scratch, engine->scratch_memory, GJ_ENGINE_SCRATCH_BYTES);
    gj_arena_init(&engine->batch, engine->batch_memory, GJ_ENGINE_BATCH_BYTES);
    engine->outbox.cap = GJ_BATCH_OUT_MAX;
    engine->replies.cap = GJ_ENGINE_REPLIES_MAX;
    engine->events.cap = GJ_ENGINE_EVENTS_MAX;
    GJ_TRY(gj_signer_init(engine));
    if (engine->config.record_inputs) {
        GJ_ASSERT(engine->config.data_key != NULL);
        engine->recorder = gj_recorder_new(engine->config.data_key);
        if (engine->recorder == NULL) return GJ_ERR_NO_MEMORY;
    }
    gj_batch_reset_core(engine);
    return GJ_OK;
}

enum gj_err gj_engine_new(const struct gj_engine_config *config, struct gj_engine **ret) {
    struct gj_engine *engine = calloc(1, sizeof *engine);
    if (engine == NULL) return GJ_ERR_NO_MEMORY;
    engine->config = *config;
    enum gj_err err = prepare(engine);
    if (err != GJ_OK) {
        gj_engine_free(&engine);
        return err;
    }
    *ret = engine;
    return GJ_OK;
}

void gj_engine_free(struct gj_engine **engine_p) {
    struct gj_engine *engine = *engine_p;
    if (engine == NULL) return;
    *engine_p = NULL;
    gj_recorder_free(&engine->recorder);
    gj_signer_done(engine);
    free(engine->waiters);
    free(engine->events.items);
    free(engine->replies.items);
    free(engine->outbox.items);
    free(engine->batch_memory);
    free(engine->scratch_memory);
    free(engine->domain_memory);
    free(engine->protocol_memory);
    free(engine);
}

enum gj_err gj_engine_start(struct gj_engine *engine, struct gj_now now, enum gj_witness witness) {
    return gj_batch_recover(engine, now, witness);
}

bool gj_engine_goes_on(enum gj_err err) {
    return err == GJ_OK || err == GJ_ERR_STORE_FULL || err == GJ_ERR_NO_SPACE;
}

enum gj_err gj_engine_step(struct gj_engine *engine, const struct gj_input *inputs, size_t n,
                           struct gj_now now) {
    GJ_ASSERT(n <= GJ_BATCH_INPUTS_MAX);
    enum gj_err result = GJ_OK;
    size_t done = 0;
    engine->counts.steps++;
    do {
        size_t taken = 0;
        enum gj_err err = gj_batch_run(engine, inputs + done, n - done, now, &taken);
        if (!gj_engine_goes_on(err)) return err;
        if (err != GJ_OK) result = err;
        done += taken;
    } while (done < n);
    return result;
}

struct gj_mono gj_engine_next_due(const struct gj_engine *engine) {
    struct gj_mono protocol = gj_protocol_next_due(engine->protocol);
    struct gj_mono domain = gj_domain_next_due(engine->domain);
    return protocol.ms < domain.ms ? protocol : domain;
}

void gj_engine_drain(struct gj_engine *engine) {
    if (engine->draining) return;
    engine->draining = true;
    engine->coordinates = true; /* until the next step has looked */
}

bool gj_engine_is_idle(const struct gj_engine *engine) {
    return gj_domain_open_requests(engine->domain) == 0 && !(engine->draining && engine->coordinates);
}

bool gj_engine_is_in_doubt(const struct gj_engine *engine) {
    return gj_protocol_is_in_doubt(engine->protocol);
}

void gj_engine_flush_mark(const struct gj_engine *engine, uint8_t ret_store_id[16], uint32_t *ret_epoch,
                          uint64_t *ret_flush) {
    memcpy(ret_store_id, engine->store_id, sizeof engine->store_id);
    *ret_epoch = gj_protocol_epoch(engine->protocol);
    *ret_flush = engine->flush;
}

const struct gj_engine_counts *gj_engine_counts_of(const struct gj_engine *engine) {
    return &engine->counts;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * One signature for all that a flush has to say: the outbox becomes the leaves of one tree, and each peer gets
 * its own leaves in as few parcels as the limits allow. Called only after the flush; never waits for more.
 */
#include "node/private.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

/* The most that one message adds to a parcel beside its own bytes, and the parcel's own front. */
#define ITEM_OVERHEAD  (4u + GJ_SALT_BYTES + 1u + (size_t)GJ_PATH_MAX * GJ_HASH_BYTES + 4u)
#define FRONT_OVERHEAD (4u + 4u + GJ_SIGNED_BYTES_MAX + 2u + GJ_SIGNATURE_MAX + 4u)

struct batch {
    struct gj_batch_head head;
    uint8_t signature[GJ_SIGNATURE_MAX];
    uint32_t n;
};

enum gj_err gj_signer_init(struct gj_engine *engine) {
    gj_sign_key_public(engine->config.sign_key, &engine->public_key);
    gj_public_key_id(&engine->public_key, engine->key_id);
    engine->leaves = calloc(GJ_BATCH_OUT_MAX, sizeof *engine->leaves);
    engine->indexes = calloc(GJ_PARCEL_MESSAGES_MAX, sizeof *engine->indexes);
    engine->salts = calloc(GJ_BATCH_OUT_MAX, GJ_SALT_BYTES);
    engine->parcel_memory = malloc(GJ_PARCEL_MAX);
    bool ok = engine->leaves != NULL && engine->indexes != NULL && engine->salts != NULL &&
              engine->parcel_memory != NULL;
    return ok ? GJ_OK : GJ_ERR_NO_MEMORY;
}

void gj_signer_done(struct gj_engine *engine) {
    free(engine->leaves);
    free(engine->indexes);
    free(engine->salts);
    free(engine->parcel_memory);
}

static enum gj_err sign(struct gj_engine *engine, struct gj_now now, struct batch *batch) {
    const struct gj_engine_sink *sink = &engine->config.sink;
    batch->n = engine->outbox.n;
    sink->random(sink->ctx, engine->salts, (size_t)batch->n * GJ_SALT_BYTES);
    for (uint32_t i = 0; i < batch->n; i++) {
        engine->leaves[i].message = engine->outbox.items[i].message;
        memcpy(engine->leaves[i].salt, engine->salts + (size_t)i * GJ_SALT_BYTES, GJ_SALT_BYTES);
    }
    struct gj_batch_head *head = &batch->head;
    *head = (struct gj_batch_head){.alg = engine->public_key.alg,
                                   .epoch = gj_protocol_epoch(engine->protocol),
                                   .flush = engine->flush,
                                   .created_ms = now.wall.ms};
    memcpy(head->network_id, engine->config.directory->network_id, sizeof head->network_id);
    memcpy(head->key_id, engine->key_id, sizeof head->key_id);
    gj_text_set(head->sender, sizeof head->sender, engine->config.directory->self);
    sink->random(sink->ctx, head->batch_id, sizeof head->batch_id);
    GJ_TRY(gj_batch_root(engine->config.hasher, head, engine->leaves, batch->n));

    uint8_t memory[GJ_SIGNED_BYTES_MAX];
    struct gj_buf bytes;
    gj_buf_init(&bytes, memory, sizeof memory);
    gj_batch_signed_bytes(head, &bytes);
    GJ_TRY(gj_buf_check(&bytes));
    size_t len = 0;
    GJ_TRY(gj_sign(engine->config.sign_key, gj_buf_slice(&bytes), batch->signature, &len));
    GJ_ASSERT(len == sizeof batch->signature);
    engine->counts.signatures++;
    return GJ_OK;
}

static enum gj_err send(struct gj_engine *engine, const struct batch *batch, const char *node, uint32_t n) {
    if (n == 0) return GJ_OK;
    struct gj_buf parcel;
    gj_buf_init(&parcel, engine->parcel_memory, GJ_PARCEL_MAX);
    GJ_TRY(gj_parcel_write(engine->config.hasher, &batch->head,
                           gj_slice_of(batch->signature, sizeof batch->signature), engine->leaves, batch->n,
                           engine->indexes, n, &parcel));
    engine->config.sink.parcel(engine->config.sink.ctx, node, gj_buf_slice(&parcel));
    engine->counts.parcels_out++;
    engine->counts.messages_out += n;
    engine->counts.bytes_out += parcel.len;
    return GJ_OK;
}

static bool is_for(const struct gj_out *out, const char *node) {
    for (uint32_t i = 0; i < out->n_nodes; i++)
        if (gj_text_equal(out->nodes[i], node)) return true;
    return false;
}

/* A CORE is understood only with the LEGS behind it, and facts only with the VOTE behind them: a parcel
 * does not end between them. */
static bool leads_the_next(enum gj_kind kind) {
    return kind == GJ_KIND_CORE || kind == GJ_KIND_VOTE_FACTS;
}

/* Sends the first of the |n| collected messages and keeps one back if it belongs to what follows. */
static enum gj_err split(struct gj_engine *engine, const struct batch *batch, const char *node, uint32_t *n) {
    uint32_t last = engine->indexes[*n - 1];
    bool keep = *n > 1 && leads_the_next(engine->outbox.items[last].kind);
    GJ_TRY(send(engine, batch, node, keep ? *n - 1 : *n));
    engine->indexes[0] = last;
    *n = keep ? 1 : 0;
    return GJ_OK;
}

static enum gj_err send_to(struct gj_engine *engine, const struct batch *batch, const char *node) {
    uint32_t n = 0;
    size_t bytes = FRONT_OVERHEAD;
    for (uint32_t i = 0; i < batch->n; i++) {
        const struct gj_out *out = &engine->outbox.items[i];
        if (!is_for(out, node)) continue;
        size_t need = ITEM_OVERHEAD + out->message.len;
        if (n > 0 && (n == GJ_PARCEL_MESSAGES_MAX || bytes + need > GJ_PARCEL_MAX)) {
            GJ_TRY(split(engine, batch, node, &n));
            bytes = FRONT_OVERHEAD;
            if (n > 0) bytes += ITEM_OVERHEAD + engine->outbox.items[engine->indexes[0]].message.len;
        }
        engine->indexes[n++] = i;
        bytes += need;
    }
    return send(engine, batch, node, n);
}

enum gj_err gj_signer_release(struct gj_engine *engine, struct gj_now now) {
    if (engine->outbox.n == 0) return GJ_OK;
    struct batch batch;
    GJ_TRY(sign(engine, now, &batch));
    const struct gj_directory *directory = engine->config.directory;
    for (size_t i = 0; i < directory->n_nodes; i++) {
        const char *node = directory->nodes[i].node;
        if (!gj_directory_is_self(directory, node)) GJ_TRY(send_to(engine, &batch, node));
    }
    return GJ_OK;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Forged parcels: the wire room's own functions, called with whatever the test wants.
 */
#include "support/forge.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

#define MEMORY_BYTES ((size_t)16 * 1024 * 1024)
#define TTL_MS       30000

void gj_forge_init(struct gj_forge *forge, const struct gj_hasher *hasher, const struct gj_sign_key *key,
                   const struct gj_directory *directory, const char *sender) {
    *forge = (struct gj_forge){.hasher = hasher, .key = key, .epoch = 1, .counter = 1};
    memcpy(forge->network_id, directory->network_id, sizeof forge->network_id);
    gj_text_set(forge->sender, sizeof forge->sender, sender);
    forge->memory = malloc(MEMORY_BYTES);
    forge->work = malloc(GJ_PARCEL_MAX);
    GJ_ASSERT(forge->memory != NULL && forge->work != NULL);
    gj_arena_init(&forge->arena, forge->memory, MEMORY_BYTES);
}

void gj_forge_done(struct gj_forge *forge) {
    free(forge->memory);
    free(forge->work);
    forge->memory = forge->work = NULL;
}

void gj_forge_reset(struct gj_forge *forge) {
    gj_arena_reset(&forge->arena);
}

void gj_forge_header(struct gj_forge *forge, enum gj_kind kind, const char *to, const struct gj_txid *tx,
                     struct gj_header *ret) {
    const struct gj_msgid id = {forge->epoch, forge->counter++};
    *ret = (struct gj_header){
        .v = GJ_PROTOCOL_VERSION, .sent_at = forge->wall.ms, .expires_at = forge->wall.ms + TTL_MS};
    gj_text_set(ret->kind, sizeof ret->kind, gj_kind_word(kind));
    gj_text_set(ret->from, sizeof ret->from, forge->sender);
    gj_text_set(ret->to, sizeof ret->to, to);
    gj_msgid_write(ret->id, &id);
    if (tx != NULL) ret->tx = *tx;
}

static struct gj_slice keep(struct gj_forge *forge, const struct gj_buf *buf) {
    struct gj_slice copy = gj_arena_copy(&forge->arena, gj_buf_slice(buf));
    GJ_ASSERT(copy.ptr != NULL);
    return copy;
}

struct gj_slice gj_forge_message(struct gj_forge *forge, const struct gj_header *header,
                                 const struct gj_shape *shape, const void *body) {
    struct gj_buf buf;
    gj_buf_init(&buf, forge->work, GJ_MESSAGE_MAX);
    enum gj_err err = gj_message_encode(header, shape, body, &buf);
    GJ_ASSERT(err == GJ_OK);
    return keep(forge, &buf);
}

struct gj_slice gj_forge_say(struct gj_forge *forge, enum gj_kind kind, const char *to,
                             const struct gj_txid *tx, const void *body) {
    struct gj_header header;
    gj_forge_header(forge, kind, to, tx, &header);
    return gj_forge_message(forge, &header, gj_kind_shape(kind), body);
}

static void fill_head(struct gj_forge *forge, struct gj_batch_head *ret) {
    struct gj_public_key key;
    gj_sign_key_public(forge->key, &key);
    *ret = (struct gj_batch_head){
        .alg = key.alg, .epoch = forge->epoch, .flush = forge->flush, .created_ms = forge->wall.ms};
    memcpy(ret->network_id, forge->network_id, sizeof ret->network_id);
    gj_public_key_id(&key, ret->key_id);
    gj_text_set(ret->sender, sizeof ret->sender, forge->sender);
    forge->batches++;
    memcpy(ret->batch_id, &forge->batches, sizeof forge->batches);
}

struct gj_slice gj_forge_parcel(struct gj_forge *forge, const struct gj_slice *messages, uint32_t n,
                                const uint32_t *indexes, uint32_t n_indexes) {
    uint8_t signed_memory[GJ_SIGNED_BYTES_MAX], signature[GJ_SIGNATURE_MAX];
    uint32_t all[GJ_FORGE_MESSAGES_MAX];
    struct gj_batch_head head;
    struct gj_buf signed_bytes;
    size_t len = 0;
    GJ_ASSERT(n >= 1 && n <= GJ_FORGE_MESSAGES_MAX);
    struct gj_leaf *leaves = gj_arena_array(&forge->arena, n, sizeof *leaves);
    GJ_ASSERT(leaves != NULL);
    for (uint32_t i = 0; i < n; i++) {
        leaves[i].message = messages[i];
        memset(leaves[i].salt, (int)(i % 256), sizeof leaves[i].salt);
        all[i] = i;
    }
    fill_head(forge, &head);
    enum gj_err err = gj_batch_root(forge->hasher, &head, leaves, n);
    GJ_ASSERT(err == GJ_OK);
    gj_buf_init(&signed_bytes, signed_memory, sizeof signed_memory);
    gj_batch_signed_bytes(&head, &signed_bytes);
    err = gj_sign(forge->key, gj_buf_slice(&signed_bytes), signature, &len);
    GJ_ASSERT(err == GJ_OK);

    struct gj_buf out;
    gj_buf_init(&out, forge->work, GJ_PARCEL_MAX);
    err = gj_parcel_write(forge->hasher, &head, gj_slice_of(signature, len), leaves, n,
                          indexes == NULL ? all : indexes, indexes == NULL ? n : n_indexes, &out);
    GJ_ASSERT(err == GJ_OK);
    return keep(forge, &out);
}

struct gj_slice gj_forge_one(struct gj_forge *forge, enum gj_kind kind, const char *to,
                             const struct gj_txid *tx, const void *body) {
    struct gj_slice message = gj_forge_say(forge, kind, to, tx, body);
    return gj_forge_parcel(forge, &message, 1, NULL, 0);
}

struct gj_slice gj_forge_flush_proof(struct gj_forge *forge, uint32_t epoch, uint64_t flush) {
    uint8_t memory[GJ_FLUSH_PROOF_MAX], signature[GJ_SIGNATURE_MAX];
    struct gj_batch_head head;
    struct gj_buf out;
    size_t len = 0;
    fill_head(forge, &head);
    head.epoch = epoch;
    head.flush = flush;
    head.n_leaves = 1;
    gj_buf_init(&out, memory, sizeof memory);
    gj_batch_signed_bytes(&head, &out);
    enum gj_err err = gj_sign(forge->key, gj_buf_slice(&out), signature, &len);
    GJ_ASSERT(err == GJ_OK);
    gj_buf_put(&out, signature, len);
    GJ_ASSERT(gj_buf_check(&out) == GJ_OK);
    return keep(forge, &out);
}

struct gj_slice gj_forge_flip(struct gj_forge *forge, struct gj_slice bytes, size_t at) {
    struct gj_slice copy = gj_arena_copy(&forge->arena, bytes);
    GJ_ASSERT(copy.ptr != NULL && at < copy.len);
    ((uint8_t *)(uintptr_t)copy.ptr)[at] ^= 1;
    return copy;
}

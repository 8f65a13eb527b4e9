/* SPDX-License-Identifier: Apache-2.0
 *
 * Messages and parcels of a test's own making, signed with a real key: what a peer would say, or what a liar
 * would. Every field can be changed between two calls. A mistake of the test's own is an assert.
 */
#ifndef GJ_TESTS_SUPPORT_FORGE_H
#define GJ_TESTS_SUPPORT_FORGE_H

#include "crypto/crypto.h"
#include "protocol/directory.h"
#include "wire/message.h"

#define GJ_FORGE_MESSAGES_MAX 600u

struct gj_forge {
    const struct gj_hasher *hasher; /* borrowed, as the key */
    const struct gj_sign_key *key;
    uint8_t network_id[16];
    char sender[GJ_NODE_MAX + 1];
    uint32_t epoch;
    uint64_t counter; /* of the next message id */
    uint64_t flush;
    struct gj_wall wall;
    uint64_t batches; /* batch ids are made of it */
    uint8_t *memory, *work;
    struct gj_arena arena; /* all that is returned lives here until gj_forge_reset() */
};

void gj_forge_init(struct gj_forge *forge, const struct gj_hasher *hasher, const struct gj_sign_key *key,
                   const struct gj_directory *directory, const char *sender);
void gj_forge_done(struct gj_forge *forge);
void gj_forge_reset(struct gj_forge *forge);

/* A header as this sender would write it now, with a fresh id. |tx| may be NULL. */
void gj_forge_header(struct gj_forge *forge, enum gj_kind kind, const char *to, const struct gj_txid *tx,
                     struct gj_header *ret);
/* The bytes of a message; |shape| is the body's, which need not be the kind's. */
struct gj_slice gj_forge_message(struct gj_forge *forge, const struct gj_header *header,
                                 const struct gj_shape *shape, const void *body);
/* Header and message in one. */
struct gj_slice gj_forge_say(struct gj_forge *forge, enum gj_kind kind, const char *to,
                             const struct gj_txid *tx, const void *body);
/* One signed batch of |n| messages as a parcel with those of |indexes| (NULL: all). */
struct gj_slice gj_forge_parcel(struct gj_forge *forge, const struct gj_slice *messages, uint32_t n,
                                const uint32_t *indexes, uint32_t n_indexes);
/* A parcel of one message: also the form of evidence. */
struct gj_slice gj_forge_one(struct gj_forge *forge, enum gj_kind kind, const char *to,
                             const struct gj_txid *tx, const void *body);
/* What this sender's signature proves of its epochs in a WELCOME: the head of a batch. */
struct gj_slice gj_forge_flush_proof(struct gj_forge *forge, uint32_t epoch, uint64_t flush);
/* A copy with one byte changed. */
struct gj_slice gj_forge_flip(struct gj_forge *forge, struct gj_slice bytes, size_t at);

#endif

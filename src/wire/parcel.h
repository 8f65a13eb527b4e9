/* SPDX-License-Identifier: Apache-2.0
 *
 * Batches and parcels. A batch is what one flush has to say to all peers: N messages, the leaves of one
 * salted Merkle tree, one signature over the root. A parcel is one ZeroMQ frame with the messages for
 * one peer and an inclusion path for each. A parcel of one message is evidence on its own.
 *
 *   leaf  = H(0x00 | "gongji-batch/1" | batch_id | u32 i | u32 N | salt_i | H(message))
 *   node  = H(0x01 | batch_id | u32 first_leaf | u32 leaf_count | left | right)   (RFC 9162 split)
 *   signed bytes = "gongji-batch-root/1\0" | network_id | u8 alg | key_id8 | u8 len, sender | u32 epoch |
 *                  u64 flush | batch_id | u32 N | root | u64 created_ms
 *   parcel = "GJP1" | u32 len, signed bytes | u16 len, signature | u32 count |
 *            count x ( u32 i | salt16 | u8 hashes, path | u32 len, message )
 *
 * All integers big-endian. The verifier recomputes the tree's shape from (i, N): a path that is too short
 * or too long, and an index outside the batch, are errors of their own. Pure: hashes through a gj_hasher.
 */
#ifndef GJ_WIRE_PARCEL_H
#define GJ_WIRE_PARCEL_H

#include "base/bytes.h"
#include "base/hasher.h"
#include "base/ids.h"
#include "base/limits.h"

enum gj_sign_alg { GJ_SIGN_SM2 = 1, GJ_SIGN_ED25519 = 2 }; /* with SM3, with SHA-256 */
#define GJ_KEY_ID_BYTES     8
#define GJ_SIGNATURE_MAX    64 /* SM2: r | s, 32 bytes each; Ed25519: 64 bytes */
#define GJ_SIGNED_BYTES_MAX 160
#define GJ_SALT_BYTES       16

struct gj_batch_head {
    uint8_t network_id[16];
    enum gj_sign_alg alg;
    uint8_t key_id[GJ_KEY_ID_BYTES];
    char sender[GJ_NODE_MAX + 1];
    uint32_t epoch;
    uint64_t flush;
    uint8_t batch_id[16];
    uint32_t n_leaves;
    uint8_t root[GJ_HASH_BYTES];
    int64_t created_ms;
};

enum gj_hash_alg gj_hash_alg_of(enum gj_sign_alg alg);

/* --- making ---------------------------------------------------------------------------------------- */
struct gj_leaf {
    uint8_t salt[GJ_SALT_BYTES];
    struct gj_slice message;
    uint8_t hash[GJ_HASH_BYTES]; /* filled by gj_batch_root() */
    uint8_t node[GJ_HASH_BYTES]; /* as well: the inner node that splits just before this leaf */
};

/* |head|'s alg and batch_id are set. Fills each leaf's hash and node, and |head|->n_leaves and root.
 * 1 <= n <= GJ_BATCH_LEAVES_MAX (else GJ_ERR_TOO_MANY). */
GJ_MUST_USE enum gj_err gj_batch_root(const struct gj_hasher *hasher, struct gj_batch_head *head,
                                      struct gj_leaf *leaves, uint32_t n);
/* The bytes to sign. */
void gj_batch_signed_bytes(const struct gj_batch_head *head, struct gj_buf *out);
/* Exactly what gj_batch_signed_bytes() writes, or GJ_ERR_BAD_PARCEL, GJ_ERR_TOO_MANY. */
GJ_MUST_USE enum gj_err gj_batch_head_read(struct gj_slice in, struct gj_batch_head *ret);
/* A parcel of the leaves with the given indexes, ascending, out of all |n| of the batch that gj_batch_root()
 * filled. Hashes no tree again: many parcels of one batch are cheap. GJ_ERR_NO_SPACE; TOO_MANY above
 * GJ_PARCEL_MESSAGES_MAX; TOO_LARGE for a message above GJ_MESSAGE_MAX or a parcel above GJ_PARCEL_MAX. */
GJ_MUST_USE enum gj_err gj_parcel_write(const struct gj_hasher *hasher, const struct gj_batch_head *head,
                                        struct gj_slice signature, const struct gj_leaf *leaves, uint32_t n,
                                        const uint32_t *indexes, uint32_t n_indexes, struct gj_buf *out);

/* --- reading --------------------------------------------------------------------------------------- */
struct gj_parcel_item {
    uint32_t index;
    struct gj_slice salt; /* GJ_SALT_BYTES */
    struct gj_slice path; /* whole hashes, from the leaf upwards */
    struct gj_slice message;
};

struct gj_parcel {
    struct gj_batch_head head;
    struct gj_slice signed_bytes;
    struct gj_slice signature;
    struct gj_parcel_item *items; /* in the arena */
    uint32_t n_items;
};

/* Parses only; all slices borrow from |in|. Refuses trailing bytes, unknown algorithms, counts above
 * GJ_PARCEL_MESSAGES_MAX: GJ_ERR_BAD_PARCEL, TOO_LARGE, TOO_MANY; an index outside the batch:
 * GJ_ERR_BAD_INDEX; a path of another length than (i, N) asks for: GJ_ERR_BAD_PATH. */
GJ_MUST_USE enum gj_err gj_parcel_read(struct gj_slice in, struct gj_arena *arena, struct gj_parcel *ret);
/* Does the item lead to the root? GJ_ERR_BAD_SIGNATURE if not; BAD_INDEX, BAD_PATH as above. The signature
 * over the root is another's job. */
GJ_MUST_USE enum gj_err gj_parcel_check_item(const struct gj_hasher *hasher, const struct gj_batch_head *head,
                                             const struct gj_parcel_item *item);
/* Writes the parcel that holds only |item|: the form in which evidence is kept and passed on. */
GJ_MUST_USE enum gj_err gj_parcel_extract(const struct gj_parcel *parcel, const struct gj_parcel_item *item,
                                          struct gj_buf *out);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * The salted Merkle tree of a batch: split at the largest power of two below n, no leaf duplicated, batch
 * and range bound into each node. It must never recurse, allocate, or believe a path's own idea of its
 * shape: position and length follow from (index, N) alone.
 */
#include "wire/merkle.h"

#include <string.h>

#include "base/check.h"

#define BATCH_TAG "gongji-batch/1"

_Static_assert(GJ_BATCH_LEAVES_MAX == 1u << GJ_PATH_MAX,
               "a path of GJ_PATH_MAX hashes spans the largest batch");

/* The leaves first .. first + count - 1. */
struct span {
    uint32_t first, count;
};

/* One level on the way from the root to a leaf. */
struct step {
    struct span parent, sibling;
};

/* The largest power of two below |n|; n > 1. */
static uint32_t split_of(uint32_t n) {
    uint32_t k = 1;
    while (k * 2 < n)
        k *= 2;
    return k;
}

/* The levels from the root (steps[0]) down to leaf |index|; gives their number. */
static uint32_t walk(uint32_t index, uint32_t n, struct step steps[GJ_PATH_MAX]) {
    GJ_ASSERT(index < n && n <= GJ_BATCH_LEAVES_MAX);
    struct span at = {0, n};
    uint32_t depth = 0;
    while (at.count > 1) {
        uint32_t k = split_of(at.count);
        struct span left = {at.first, k};
        struct span right = {at.first + k, at.count - k};
        bool go_left = index < right.first;
        steps[depth++] = (struct step){at, go_left ? right : left};
        at = go_left ? left : right;
    }
    return depth;
}

uint32_t gj_merkle_depth(uint32_t index, uint32_t n) {
    struct step steps[GJ_PATH_MAX];
    return walk(index, n, steps);
}

static struct gj_slice u32_bytes(uint8_t dst[4], uint32_t value) {
    struct gj_buf buf;
    gj_buf_init(&buf, dst, 4);
    gj_buf_put_u32(&buf, value);
    return gj_buf_slice(&buf);
}

static void hash_leaf(const struct gj_hasher *hasher, const struct gj_batch_head *head, uint32_t index,
                      struct gj_slice salt, struct gj_slice message, uint8_t ret[GJ_HASH_BYTES]) {
    enum gj_hash_alg alg = gj_hash_alg_of(head->alg);
    uint8_t index_bytes[4], n_bytes[4], digest[GJ_HASH_BYTES];
    hasher->hash(hasher->ctx, alg, &message, 1, digest);
    const struct gj_slice parts[] = {
        GJ_SLICE_LIT("\x00"),
        GJ_SLICE_LIT(BATCH_TAG),
        gj_slice_of(head->batch_id, sizeof head->batch_id),
        u32_bytes(index_bytes, index),
        u32_bytes(n_bytes, head->n_leaves),
        salt,
        gj_slice_of(digest, sizeof digest),
    };
    hasher->hash(hasher->ctx, alg, parts, sizeof parts / sizeof parts[0], ret);
}

/* |ret| may be |left| or |right|. */
static void hash_node(const struct gj_hasher *hasher, const struct gj_batch_head *head, struct span span,
                      const uint8_t left[GJ_HASH_BYTES], const uint8_t right[GJ_HASH_BYTES],
                      uint8_t ret[GJ_HASH_BYTES]) {
    uint8_t first_bytes[4], count_bytes[4], hash[GJ_HASH_BYTES];
    const struct gj_slice parts[] = {
        GJ_SLICE_LIT("\x01"),
        gj_slice_of(head->batch_id, sizeof head->batch_id),
        u32_bytes(first_bytes, span.first),
        u32_bytes(count_bytes, span.count),
        gj_slice_of(left, GJ_HASH_BYTES),
        gj_slice_of(right, GJ_HASH_BYTES),
    };
    hasher->hash(hasher->ctx, gj_hash_alg_of(head->alg), parts, sizeof parts / sizeof parts[0], hash);
    memcpy(ret, hash, GJ_HASH_BYTES);
}

/* A finished subtree is kept at the leaf where it splits: every leaf but the first splits exactly one. */
static const uint8_t *hash_of_span(const struct gj_leaf *leaves, struct span span) {
    if (span.count == 1) return leaves[span.first].hash;
    return leaves[span.first + split_of(span.count)].node;
}

/* Joins the two topmost subtrees of the stack; gives the new height. */
static uint32_t join(const struct gj_hasher *hasher, const struct gj_batch_head *head, struct gj_leaf *leaves,
                     struct span *stack, uint32_t height) {
    struct span left = stack[height - 2], right = stack[height - 1];
    struct span whole = {left.first, left.count + right.count};
    hash_node(hasher, head, whole, hash_of_span(leaves, left), hash_of_span(leaves, right),
              leaves[right.first].node);
    stack[height - 2] = whole;
    return height - 1;
}

enum gj_err gj_batch_root(const struct gj_hasher *hasher, struct gj_batch_head *head, struct gj_leaf *leaves,
                          uint32_t n) {
    if (n < 1 || n > GJ_BATCH_LEAVES_MAX) return GJ_ERR_TOO_MANY;
    head->n_leaves = n;
    /* Like a binary counter: equal neighbours join at once, the unequal rest at the end, from the right. */
    struct span stack[GJ_PATH_MAX + 1];
    uint32_t height = 0;
    for (uint32_t i = 0; i < n; i++) {
        hash_leaf(hasher, head, i, gj_slice_of(leaves[i].salt, GJ_SALT_BYTES), leaves[i].message,
                  leaves[i].hash);
        stack[height++] = (struct span){i, 1};
        while (height > 1 && stack[height - 2].count == stack[height - 1].count)
            height = join(hasher, head, leaves, stack, height);
    }
    while (height > 1)
        height = join(hasher, head, leaves, stack, height);
    memcpy(head->root, hash_of_span(leaves, stack[0]), GJ_HASH_BYTES);
    return GJ_OK;
}

void gj_merkle_put_path(const struct gj_leaf *leaves, uint32_t n, uint32_t index, struct gj_buf *out) {
    struct step steps[GJ_PATH_MAX];
    for (uint32_t depth = walk(index, n, steps); depth > 0; depth--)
        gj_buf_put(out, hash_of_span(leaves, steps[depth - 1].sibling), GJ_HASH_BYTES);
}

enum gj_err gj_parcel_check_item(const struct gj_hasher *hasher, const struct gj_batch_head *head,
                                 const struct gj_parcel_item *item) {
    if (head->n_leaves > GJ_BATCH_LEAVES_MAX) return GJ_ERR_TOO_MANY;
    if (item->index >= head->n_leaves) return GJ_ERR_BAD_INDEX;
    struct step steps[GJ_PATH_MAX];
    uint32_t depth = walk(item->index, head->n_leaves, steps);
    if (item->path.len != (size_t)depth * GJ_HASH_BYTES) return GJ_ERR_BAD_PATH;
    if (item->salt.len != GJ_SALT_BYTES) return GJ_ERR_BAD_PARCEL;

    uint8_t hash[GJ_HASH_BYTES];
    hash_leaf(hasher, head, item->index, item->salt, item->message, hash);
    const uint8_t *sibling = item->path.ptr;
    for (; depth > 0; depth--, sibling += GJ_HASH_BYTES) {
        const struct step *step = &steps[depth - 1];
        bool sibling_is_right = step->sibling.first > item->index;
        hash_node(hasher, head, step->parent, sibling_is_right ? hash : sibling,
                  sibling_is_right ? sibling : hash, hash);
    }
    return memcmp(hash, head->root, GJ_HASH_BYTES) == 0 ? GJ_OK : GJ_ERR_BAD_SIGNATURE;
}

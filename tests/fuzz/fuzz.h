/* SPDX-License-Identifier: Apache-2.0
 *
 * What the fuzz targets share. A target is a function of its input alone: it keeps nothing from one input to the
 * next that could change what the next one does, so that a file that fails once fails always. A wrong answer of
 * the product is a GJ_ASSERT, which ends the process as a crash does.
 */
#ifndef GJ_TESTS_FUZZ_FUZZ_H
#define GJ_TESTS_FUZZ_FUZZ_H

#include "base/bytes.h"
#include "base/check.h"
#include "base/shape.h"
#include "wire/message.h"

#define X(name, max_len, question) void gj_fuzz_##name(struct gj_slice in);
#include "fuzz/targets.def"
#undef X

/* --- identity.c ---------------------------------------------------------------------------------------------- */
/* Room for one input; two of them, because a value that was read lives while it is read again. */
struct gj_arena *gj_fuzz_arena(unsigned which);
/* Every shape of the wire and of the edge. */
extern const struct gj_shape *const gj_fuzz_shapes[];
extern const size_t gj_fuzz_n_shapes;
/* |value| was decoded: it can be encoded, what comes out decodes to the same value and encodes to the same bytes. */
void gj_fuzz_identity(const struct gj_shape *shape, const void *value);
/* Equal field by field, whatever lies between the fields. */
bool gj_fuzz_is_same(const struct gj_shape *shape, const void *a, const void *b);

/* --- fill.c: structs out of bytes ------------------------------------------------------------------------------ */
/* What is worth saying: names and references that the story under way has made. Each list is a ring. */
#define GJ_FUZZ_POOL 16u
struct gj_fuzz_pool {
    struct gj_txid txids[GJ_FUZZ_POOL];
    struct gj_digest digests[GJ_FUZZ_POOL];
    struct gj_slice bins[GJ_FUZZ_POOL];
    char texts[GJ_FUZZ_POOL][GJ_REF_MAX + 1];
    uint32_t n_txids, n_digests, n_bins, n_texts; /* ever added */
};
void gj_fuzz_pool_txid(struct gj_fuzz_pool *pool, const struct gj_txid *txid);
void gj_fuzz_pool_digest(struct gj_fuzz_pool *pool, const struct gj_digest *digest);
void gj_fuzz_pool_bin(struct gj_fuzz_pool *pool, struct gj_slice bin); /* borrowed */
void gj_fuzz_pool_text(struct gj_fuzz_pool *pool, const char *text);
/* Adds what a decoded struct holds. */
void gj_fuzz_pool_learn(struct gj_fuzz_pool *pool, const struct gj_shape *shape, const void *value);
/* A struct within its shape's limits, so that it can be encoded; lists live in |arena|. An empty reader reads
 * zeroes. */
void gj_fuzz_fill(const struct gj_shape *shape, void *value, struct gj_reader *reader,
                  const struct gj_fuzz_pool *pool, struct gj_arena *arena);
/* One field anywhere in |value| gets another value; lists may lose or double an entry. */
void gj_fuzz_change(const struct gj_shape *shape, void *value, struct gj_reader *reader,
                    const struct gj_fuzz_pool *pool, struct gj_arena *arena);

#endif

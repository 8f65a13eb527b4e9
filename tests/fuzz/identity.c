/* SPDX-License-Identifier: Apache-2.0
 *
 * decode -> encode -> decode is the identity: for every value that any decoder has let in. The comparison is
 * written from the shapes' description alone, not with the codec.
 */
#include <string.h>

#include "fuzz/fuzz.h"

#define ARENA_BYTES ((size_t)8 * 1024 * 1024)

#define GJ_SHAPE(shape) &gj_shape_##shape,
#define GJ_SHAPE_END(shape)
#define GJ_U64(...)
#define GJ_I64(...)
#define GJ_FEN(...)
#define GJ_FEN_SIGNED(...)
#define GJ_DATE(...)
#define GJ_BOOL(...)
#define GJ_TEXT(...)
#define GJ_SECRET(...)
#define GJ_BIN(...)
#define GJ_FIX(...)
#define GJ_TX(...)
#define GJ_DIG(...)
#define GJ_MAP(...)
#define GJ_LIST(...)
const struct gj_shape *const gj_fuzz_shapes[] = {
#include "wire/api.def"
#include "wire/messages.def"
#include "base/shape_undef.h"
};
const size_t gj_fuzz_n_shapes = sizeof gj_fuzz_shapes / sizeof gj_fuzz_shapes[0];

struct gj_arena *gj_fuzz_arena(unsigned which) {
    static _Alignas(16) uint8_t memory[2][ARENA_BYTES];
    static struct gj_arena arenas[2];
    GJ_ASSERT(which < 2);
    gj_arena_init(&arenas[which], memory[which], ARENA_BYTES);
    return &arenas[which];
}

static bool is_same_list(const struct gj_field *field, const uint8_t *a, const uint8_t *b) {
    uint32_t n_a, n_b;
    const uint8_t *items_a, *items_b;
    memcpy(&n_a, a + field->count_offset, sizeof n_a);
    memcpy(&n_b, b + field->count_offset, sizeof n_b);
    memcpy(&items_a, a + field->offset, sizeof items_a);
    memcpy(&items_b, b + field->offset, sizeof items_b);
    if (n_a != n_b) return false;
    for (uint32_t i = 0; i < n_a; i++) {
        size_t at = i * field->shape->size;
        if (!gj_fuzz_is_same(field->shape, items_a + at, items_b + at)) return false;
    }
    return true;
}

static bool is_same_bin(const uint8_t *a, const uint8_t *b) {
    struct gj_slice slice_a, slice_b;
    memcpy(&slice_a, a, sizeof slice_a);
    memcpy(&slice_b, b, sizeof slice_b);
    return gj_slice_equal(slice_a, slice_b);
}

static bool is_same_field(const struct gj_field *field, const uint8_t *a, const uint8_t *b) {
    const uint8_t *at_a = a + field->offset, *at_b = b + field->offset;
    switch (field->type) {
    case GJ_FIELD_U64:
    case GJ_FIELD_I64:
    case GJ_FIELD_FEN:
        return memcmp(at_a, at_b, sizeof(int64_t)) == 0;
    case GJ_FIELD_DATE:
        return memcmp(at_a, at_b, sizeof(int32_t)) == 0;
    case GJ_FIELD_BOOL:
        return memcmp(at_a, at_b, sizeof(bool)) == 0;
    case GJ_FIELD_TEXT:
        return strcmp((const char *)at_a, (const char *)at_b) == 0;
    case GJ_FIELD_BIN:
        return is_same_bin(at_a, at_b);
    case GJ_FIELD_FIX:
        return memcmp(at_a, at_b, (size_t)field->max) == 0;
    case GJ_FIELD_TXID:
        return gj_txid_equal((const struct gj_txid *)(const void *)at_a,
                             (const struct gj_txid *)(const void *)at_b);
    case GJ_FIELD_DIGEST:
        return memcmp(at_a, at_b, sizeof(struct gj_digest)) == 0;
    case GJ_FIELD_MAP:
        return gj_fuzz_is_same(field->shape, at_a, at_b);
    case GJ_FIELD_LIST:
        return is_same_list(field, a, b);
    }
    return false;
}

bool gj_fuzz_is_same(const struct gj_shape *shape, const void *a, const void *b) {
    for (uint32_t i = 0; i < shape->n_fields; i++)
        if (!is_same_field(&shape->fields[i], a, b)) return false;
    return true;
}

void gj_fuzz_identity(const struct gj_shape *shape, const void *value) {
    static uint8_t first_bytes[GJ_MESSAGE_MAX], second_bytes[GJ_MESSAGE_MAX];
    struct gj_arena *arena = gj_fuzz_arena(1);
    struct gj_buf first, second;
    struct gj_fault fault;
    void *again = gj_arena_alloc(arena, shape->size);
    gj_buf_init(&first, first_bytes, sizeof first_bytes);
    gj_buf_init(&second, second_bytes, sizeof second_bytes);
    enum gj_err encoded = gj_shape_encode(shape, value, &first, &fault);
    GJ_ASSERT(encoded == GJ_OK);
    enum gj_err decoded = gj_shape_decode(shape, gj_buf_slice(&first), arena, again, &fault);
    GJ_ASSERT(decoded == GJ_OK);
    GJ_ASSERT(gj_fuzz_is_same(shape, value, again));
    encoded = gj_shape_encode(shape, again, &second, &fault);
    GJ_ASSERT(encoded == GJ_OK);
    GJ_ASSERT(gj_slice_equal(gj_buf_slice(&first), gj_buf_slice(&second)));
}

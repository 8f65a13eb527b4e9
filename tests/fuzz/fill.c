/* SPDX-License-Identifier: Apache-2.0
 *
 * Structs out of bytes: within the limits of their shapes, so that the codec lets them through and the machines
 * behind it see them; and out of a pool of what the story has made, because a random digest finds nothing.
 */
#include <string.h>

#include "base/clock.h"
#include "fuzz/fuzz.h"

#define LIST_MAX  4u
#define DEPTH_MAX 6

/* --- the pool ------------------------------------------------------------------------------------------------- */
void gj_fuzz_pool_txid(struct gj_fuzz_pool *pool, const struct gj_txid *txid) {
    for (uint32_t i = 0; i < GJ_FUZZ_POOL; i++)
        if (gj_txid_equal(&pool->txids[i], txid)) return;
    pool->txids[pool->n_txids++ % GJ_FUZZ_POOL] = *txid;
}

void gj_fuzz_pool_digest(struct gj_fuzz_pool *pool, const struct gj_digest *digest) {
    for (uint32_t i = 0; i < GJ_FUZZ_POOL; i++)
        if (gj_digest_equal(&pool->digests[i], digest)) return;
    pool->digests[pool->n_digests++ % GJ_FUZZ_POOL] = *digest;
}

void gj_fuzz_pool_bin(struct gj_fuzz_pool *pool, struct gj_slice bin) {
    pool->bins[pool->n_bins++ % GJ_FUZZ_POOL] = bin;
}

void gj_fuzz_pool_text(struct gj_fuzz_pool *pool, const char *text) {
    for (uint32_t i = 0; i < GJ_FUZZ_POOL; i++)
        if (strcmp(pool->texts[i], text) == 0) return;
    if (strlen(text) > GJ_REF_MAX) return;
    gj_text_set(pool->texts[pool->n_texts++ % GJ_FUZZ_POOL], GJ_REF_MAX + 1, text);
}

static void learn_list(struct gj_fuzz_pool *pool, const struct gj_field *field, const uint8_t *value) {
    uint32_t n;
    const uint8_t *items;
    memcpy(&n, value + field->count_offset, sizeof n);
    memcpy(&items, value + field->offset, sizeof items);
    for (uint32_t i = 0; i < n; i++)
        gj_fuzz_pool_learn(pool, field->shape, items + i * field->shape->size);
}

void gj_fuzz_pool_learn(struct gj_fuzz_pool *pool, const struct gj_shape *shape, const void *value) {
    for (uint32_t i = 0; i < shape->n_fields; i++) {
        const struct gj_field *field = &shape->fields[i];
        const uint8_t *at = (const uint8_t *)value + field->offset;
        struct gj_txid txid;
        struct gj_digest digest;
        if (field->type == GJ_FIELD_TXID) {
            memcpy(&txid, at, sizeof txid);
            if (!gj_txid_is_none(&txid)) gj_fuzz_pool_txid(pool, &txid);
        } else if (field->type == GJ_FIELD_DIGEST) {
            memcpy(&digest, at, sizeof digest);
            gj_fuzz_pool_digest(pool, &digest);
        } else if (field->type == GJ_FIELD_TEXT && field->max > GJ_WORD_MAX) {
            gj_fuzz_pool_text(pool, (const char *)at);
        } else if (field->type == GJ_FIELD_MAP) {
            gj_fuzz_pool_learn(pool, field->shape, at);
        } else if (field->type == GJ_FIELD_LIST) {
            learn_list(pool, field, value);
        }
    }
}

/* --- values ----------------------------------------------------------------------------------------------------- */
static const char *const words[] = {
    "330000",
    "360000",
    "450000",
    "130000",
    "330200",
    "360800",
    "450100",
    "000000",
    "YES",
    "NO",
    "COVER",
    "BUSY",
    "PLAN_STALE",
    "DATE",
    "RULE",
    "COMMITTED",
    "ABORTED",
    "PENDING",
    "PREPARED",
    "REFUSED",
    "COLLECTED",
    "RESOLVED",
    "settle",
    "refund",
    "bind",
    "draw",
    "consume",
    "payer",
    "recipient",
    "unconsume",
    "ONE",
    "CASCADE",
    "SKIP",
    "REFUSE",
    "child",
    "spouse",
    "outpatient",
    "binding",
    "settlement",
    "check",
    "R51",
    "01",
    "310",
    "11",
    "H45010000001",
    "TIMED_OUT",
    "NO_COVER",
    "VERSION",
    "330000/x",
    "*",
    "P/p10/prior",
    "prior",
    "R/330200/450100",
    "I/H45010000001",
    "p10",
    "p11",
};

static int64_t number(const struct gj_field *field, struct gj_reader *reader) {
    uint8_t how = gj_read_u8(reader);
    uint64_t range = (uint64_t)field->max - (uint64_t)field->min;
    uint64_t step = how;
    if (how == 255) return field->max;
    if (how == 254) return field->min;
    if (how >= 192)
        step = gj_read_u64(reader);
    else if (how >= 128)
        step = gj_read_u16(reader);
    if (range < UINT64_MAX) step %= range + 1;
    return (int64_t)((uint64_t)field->min + step);
}

static void text(const struct gj_field *field, uint8_t *at, struct gj_reader *reader,
                 const struct gj_fuzz_pool *pool) {
    uint8_t how = gj_read_u8(reader);
    const size_t n_words = sizeof words / sizeof words[0];
    const char *from = how < 2 * n_words ? words[how % n_words] : pool->texts[how % GJ_FUZZ_POOL];
    if (from[0] == '\0') from = "x";
    size_t len = strlen(from);
    if (len > (size_t)field->max) len = (size_t)field->max;
    memset(at, 0, (size_t)field->max + 1);
    memcpy(at, from, len);
}

static struct gj_slice bin(const struct gj_field *field, struct gj_reader *reader,
                           const struct gj_fuzz_pool *pool, struct gj_arena *arena) {
    uint8_t how = gj_read_u8(reader);
    struct gj_slice found = pool->bins[how % GJ_FUZZ_POOL];
    if (how >= 128 || found.len == 0) { /* some bytes of the input itself */
        size_t len = how % 32u + 1;
        uint8_t *bytes = gj_arena_alloc(arena, len);
        GJ_ASSERT(bytes != NULL);
        for (size_t i = 0; i < len; i++)
            bytes[i] = gj_read_u8(reader);
        found = gj_slice_of(bytes, len);
    }
    if (found.len > (size_t)field->max) found.len = (size_t)field->max;
    return found;
}

static void fill_struct(const struct gj_shape *shape, uint8_t *value, struct gj_reader *reader,
                        const struct gj_fuzz_pool *pool, struct gj_arena *arena, int depth);

static void list(const struct gj_field *field, uint8_t *value, struct gj_reader *reader,
                 const struct gj_fuzz_pool *pool, struct gj_arena *arena, int depth) {
    uint32_t n = gj_read_u8(reader) % (LIST_MAX + 1);
    if (n == 0 && (field->flags & GJ_FIELD_REQUIRED) != 0) n = 1;
    if (n > (uint64_t)field->max) n = (uint32_t)field->max;
    uint8_t *items = gj_arena_array(arena, n, field->shape->size);
    GJ_ASSERT(items != NULL);
    for (uint32_t i = 0; i < n; i++)
        fill_struct(field->shape, items + i * field->shape->size, reader, pool, arena, depth + 1);
    memcpy(value + field->offset, &items, sizeof items);
    memcpy(value + field->count_offset, &n, sizeof n);
}

static void fill_field(const struct gj_field *field, uint8_t *value, struct gj_reader *reader,
                       const struct gj_fuzz_pool *pool, struct gj_arena *arena, int depth) {
    static const gj_date dates[] = {20261118, 20261117, 20261119, 20260101, 19000101, 29991231};
    uint8_t *at = value + field->offset;
    int64_t integer;
    struct gj_slice slice;
    gj_date date;
    bool yes;
    switch (field->type) {
    case GJ_FIELD_U64:
    case GJ_FIELD_I64:
    case GJ_FIELD_FEN:
        integer = number(field, reader);
        memcpy(at, &integer, sizeof integer);
        return;
    case GJ_FIELD_DATE:
        date = dates[gj_read_u8(reader) % (sizeof dates / sizeof dates[0])];
        memcpy(at, &date, sizeof date);
        return;
    case GJ_FIELD_BOOL:
        yes = gj_read_u8(reader) % 2 == 1;
        memcpy(at, &yes, sizeof yes);
        return;
    case GJ_FIELD_TEXT:
        text(field, at, reader, pool);
        return;
    case GJ_FIELD_BIN:
        slice = bin(field, reader, pool, arena);
        memcpy(at, &slice, sizeof slice);
        return;
    case GJ_FIELD_FIX:
        memset(at, gj_read_u8(reader), (size_t)field->max);
        return;
    case GJ_FIELD_TXID:
        memcpy(at, &pool->txids[gj_read_u8(reader) % GJ_FUZZ_POOL], sizeof(struct gj_txid));
        if (gj_txid_is_none((const struct gj_txid *)(const void *)at))
            *(struct gj_txid *)(void *)at = (struct gj_txid){"330000", 1000, gj_read_u8(reader), 1};
        return;
    case GJ_FIELD_DIGEST:
        memcpy(at, &pool->digests[gj_read_u8(reader) % GJ_FUZZ_POOL], sizeof(struct gj_digest));
        if (at[0] == 0) at[0] = GJ_HASH_SM3;
        return;
    case GJ_FIELD_MAP:
        fill_struct(field->shape, at, reader, pool, arena, depth + 1);
        return;
    case GJ_FIELD_LIST:
        list(field, value, reader, pool, arena, depth);
        return;
    }
}

static void fill_struct(const struct gj_shape *shape, uint8_t *value, struct gj_reader *reader,
                        const struct gj_fuzz_pool *pool, struct gj_arena *arena, int depth) {
    GJ_ASSERT(depth < DEPTH_MAX);
    memset(value, 0, shape->size);
    for (uint32_t i = 0; i < shape->n_fields; i++) {
        const struct gj_field *field = &shape->fields[i];
        bool is_required = (field->flags & GJ_FIELD_REQUIRED) != 0 || field->type == GJ_FIELD_MAP;
        if (!is_required && gj_read_u8(reader) % 2 == 0) continue;
        fill_field(field, value, reader, pool, arena, depth);
    }
}

void gj_fuzz_fill(const struct gj_shape *shape, void *value, struct gj_reader *reader,
                  const struct gj_fuzz_pool *pool, struct gj_arena *arena) {
    fill_struct(shape, value, reader, pool, arena, 0);
}

/* --- changes ------------------------------------------------------------------------------------------------------ */
/* Into an entry of the list, or the list itself: an entry less, or the first one twice. */
static bool change_list(const struct gj_field *field, uint8_t *value, struct gj_reader *reader,
                        const struct gj_fuzz_pool *pool, struct gj_arena *arena) {
    uint8_t *items, how = gj_read_u8(reader);
    uint32_t n;
    memcpy(&items, value + field->offset, sizeof items);
    memcpy(&n, value + field->count_offset, sizeof n);
    if (n == 0) return false;
    if (how == 255) {
        n--;
    } else if (how == 254 && n < (uint64_t)field->max) {
        uint8_t *longer = gj_arena_array(arena, (size_t)n + 1, field->shape->size);
        GJ_ASSERT(longer != NULL);
        memcpy(longer, items, n * field->shape->size);
        memcpy(longer + n * field->shape->size, items, field->shape->size);
        memcpy(value + field->offset, &longer, sizeof longer);
        n++;
    } else {
        gj_fuzz_change(field->shape, items + how % n * field->shape->size, reader, pool, arena);
    }
    if (n == 0 && (field->flags & GJ_FIELD_REQUIRED) != 0) return true; /* it must not be empty */
    memcpy(value + field->count_offset, &n, sizeof n);
    return true;
}

void gj_fuzz_change(const struct gj_shape *shape, void *value, struct gj_reader *reader,
                    const struct gj_fuzz_pool *pool, struct gj_arena *arena) {
    const struct gj_field *field = &shape->fields[gj_read_u8(reader) % shape->n_fields];
    if (field->type == GJ_FIELD_MAP) {
        gj_fuzz_change(field->shape, (uint8_t *)value + field->offset, reader, pool, arena);
        return;
    }
    if (field->type == GJ_FIELD_LIST && change_list(field, value, reader, pool, arena)) return;
    fill_field(field, value, reader, pool, arena, 0);
}

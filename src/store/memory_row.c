/* SPDX-License-Identifier: Apache-2.0
 *
 * Making and reading rows of the memory driver. Nothing here knows of tables or transactions.
 */
#include "store/memory_row.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/ids.h"
#include "store/driver.h"

static size_t align_up(size_t size) {
    return (size + alignof(max_align_t) - 1) / alignof(max_align_t) * alignof(max_align_t);
}

static const struct gj_slice *bin_of(const struct gj_field *field, const void *rec) {
    return (const struct gj_slice *)(const void *)((const uint8_t *)rec + field->offset);
}

static size_t bins_size(const struct gj_shape *shape, const void *rec) {
    size_t size = 0;
    for (uint32_t i = 0; i < shape->n_fields; i++) {
        if (shape->fields[i].type == GJ_FIELD_BIN) size += bin_of(&shape->fields[i], rec)->len;
    }
    return size;
}

static void copy_txid(struct gj_txid *to, const struct gj_txid *from) {
    if (gj_txid_is_none(from)) return;
    gj_text_set(to->coordinator, sizeof(to->coordinator), from->coordinator);
    to->epoch = from->epoch;
    to->seq = from->seq;
    to->attempt = from->attempt;
}

/* Into a zeroed record. A BIN still points into |from|'s. */
static void copy_field(const struct gj_field *field, void *to_rec, const void *from_rec) {
    uint8_t *to = (uint8_t *)to_rec + field->offset;
    const uint8_t *from = (const uint8_t *)from_rec + field->offset;
    switch (field->type) {
    case GJ_FIELD_U64:
    case GJ_FIELD_I64:
    case GJ_FIELD_FEN:
        memcpy(to, from, sizeof(int64_t));
        return;
    case GJ_FIELD_DATE:
        memcpy(to, from, sizeof(gj_date));
        return;
    case GJ_FIELD_BOOL:
        *(bool *)to = *(const bool *)from;
        return;
    case GJ_FIELD_TEXT:
        gj_text_set((char *)to, (size_t)field->max + 1, (const char *)from);
        return;
    case GJ_FIELD_FIX:
    case GJ_FIELD_DIGEST:
        memcpy(to, from, (size_t)field->max);
        return;
    case GJ_FIELD_TXID:
        copy_txid((struct gj_txid *)(void *)to, (const struct gj_txid *)(const void *)from);
        return;
    case GJ_FIELD_BIN:
        *(struct gj_slice *)(void *)to = *bin_of(field, from_rec);
        return;
    case GJ_FIELD_MAP:
    case GJ_FIELD_LIST:
        break;
    }
    gj_assert_failed("a table's field has a type that tables allow", __FILE__, __LINE__);
}

/* All orders' keys one after the other in |buf|; the row's slices point there. */
static void encode_keys(const struct gj_layout *layout, const void *rec, struct gj_buf *buf,
                        struct gj_memory_row *ret) {
    for (uint32_t i = 0; i < layout->n_orders; i++) {
        const struct gj_order *order = &layout->orders[i];
        size_t first = buf->len;
        gj_order_encode(order, rec, 0, order->n_own, buf);
        ret->own_len[i] = buf->len - first;
        gj_order_encode(order, rec, order->n_own, order->n_columns, buf);
        ret->keys[i] = gj_slice_of(buf->ptr + first, buf->len - first);
    }
}

struct gj_memory_row *gj_memory_row_new(const struct gj_layout *layout, const void *rec) {
    const struct gj_shape *shape = layout->table->shape;
    uint8_t memory[GJ_ORDERS_MAX * GJ_ORDER_KEY_MAX];
    struct gj_buf keys;
    struct gj_memory_row sizes = {0};
    gj_buf_init(&keys, memory, sizeof(memory));
    encode_keys(layout, rec, &keys, &sizes);

    size_t rec_at = align_up(sizeof(struct gj_memory_row));
    size_t bins_at = rec_at + align_up(shape->size);
    size_t keys_at = bins_at + bins_size(shape, rec);
    uint8_t *block = calloc(1, keys_at + keys.len);
    if (block == NULL) return NULL;

    struct gj_memory_row *row = (struct gj_memory_row *)(void *)block;
    row->rec = block + rec_at;
    uint8_t *bin = block + bins_at;
    for (uint32_t i = 0; i < shape->n_fields; i++) {
        const struct gj_field *field = &shape->fields[i];
        copy_field(field, row->rec, rec);
        if (field->type != GJ_FIELD_BIN) continue;
        struct gj_slice *value = (struct gj_slice *)(void *)((uint8_t *)row->rec + field->offset);
        if (value->len > 0) memcpy(bin, value->ptr, value->len);
        value->ptr = value->len > 0 ? bin : NULL;
        bin += value->len;
    }
    struct gj_buf own_keys;
    gj_buf_init(&own_keys, block + keys_at, keys.len);
    encode_keys(layout, rec, &own_keys, row);
    return row;
}

void gj_memory_row_read(const struct gj_memory_row *row, const struct gj_shape *shape, struct gj_store *store,
                        struct gj_arena *arena, void *ret_rec) {
    memcpy(ret_rec, row->rec, shape->size);
    for (uint32_t i = 0; i < shape->n_fields; i++) {
        const struct gj_field *field = &shape->fields[i];
        if (field->type != GJ_FIELD_BIN) continue;
        struct gj_slice *value = (struct gj_slice *)(void *)((uint8_t *)ret_rec + field->offset);
        *value = gj_driver_copy(store, arena, *value);
    }
}

int gj_memory_row_compare(const struct gj_memory_row *row, uint32_t order, struct gj_slice key) {
    size_t common = row->keys[order].len < key.len ? row->keys[order].len : key.len;
    return common == 0 ? 0 : memcmp(row->keys[order].ptr, key.ptr, common);
}

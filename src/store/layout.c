/* SPDX-License-Identifier: Apache-2.0
 *
 * Orders of a table, and keys that sort as bytes. Knows no driver.
 */
#include "store/layout.h"

#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/ids.h"

static const struct gj_field *field_of(const struct gj_shape *shape, const char *name) {
    for (uint32_t i = 0; i < shape->n_fields; i++) {
        if (strcmp(shape->fields[i].name, name) == 0) return &shape->fields[i];
    }
    gj_assert_failed("an index names fields of its table", __FILE__, __LINE__);
}

static void add_column(struct gj_order *order, const struct gj_field *field) {
    for (uint32_t i = 0; i < order->n_columns; i++) {
        if (order->columns[i] == field) return;
    }
    GJ_ASSERT(order->n_columns < GJ_ORDER_COLUMNS_MAX);
    order->columns[order->n_columns++] = field;
}

/* The most bytes that gj_order_encode() makes of one field. */
static size_t encoded_max(const struct gj_field *field) {
    switch (field->type) {
    case GJ_FIELD_U64:
    case GJ_FIELD_I64:
    case GJ_FIELD_FEN:
    case GJ_FIELD_DATE:
    case GJ_FIELD_BOOL:
        return sizeof(uint64_t);
    case GJ_FIELD_TEXT:
    case GJ_FIELD_TXID:
        return (size_t)field->max + 1;
    case GJ_FIELD_FIX:
    case GJ_FIELD_DIGEST:
        return (size_t)field->max;
    case GJ_FIELD_BIN:
    case GJ_FIELD_MAP:
    case GJ_FIELD_LIST:
        break;
    }
    gj_assert_failed("a key has no BIN, MAP or LIST", __FILE__, __LINE__);
}

static void init_order(struct gj_order *order, const struct gj_table *table, const struct gj_index *index) {
    *order = (struct gj_order){.index = index, .unique = index == NULL || index->unique};
    for (uint32_t i = 0; index != NULL && i < GJ_INDEX_COLUMNS_MAX && index->columns[i] != NULL; i++) {
        add_column(order, field_of(table->shape, index->columns[i]));
    }
    order->n_own = index == NULL ? table->key_fields : order->n_columns;
    for (uint32_t i = 0; i < table->key_fields; i++)
        add_column(order, &table->shape->fields[i]);

    size_t max = 0;
    for (uint32_t i = 0; i < order->n_columns; i++)
        max += encoded_max(order->columns[i]);
    GJ_ASSERT(max <= GJ_ORDER_KEY_MAX);
}

void gj_layout_init(struct gj_layout *layout, const struct gj_table *table) {
    GJ_ASSERT(table->key_fields > 0 && table->key_fields <= GJ_INDEX_COLUMNS_MAX);
    GJ_ASSERT(table->n_indexes <= GJ_TABLE_INDEXES_MAX);
    *layout = (struct gj_layout){.table = table, .n_orders = table->n_indexes + 1};
    init_order(&layout->orders[0], table, NULL);
    for (uint32_t i = 0; i < table->n_indexes; i++) {
        init_order(&layout->orders[i + 1], table, &table->indexes[i]);
    }
}

uint32_t gj_layout_order(const struct gj_layout *layout, const struct gj_index *index) {
    for (uint32_t i = 0; i < layout->n_orders; i++) {
        if (layout->orders[i].index == index) return i;
    }
    gj_assert_failed("the index belongs to the table", __FILE__, __LINE__);
}

int64_t gj_field_integer(const struct gj_field *field, const void *rec) {
    const void *at = (const uint8_t *)rec + field->offset;
    if (field->type == GJ_FIELD_U64) return (int64_t) * (const uint64_t *)at;
    if (field->type == GJ_FIELD_DATE) return *(const gj_date *)at;
    if (field->type == GJ_FIELD_BOOL) return *(const bool *)at ? 1 : 0;
    GJ_ASSERT(field->type == GJ_FIELD_I64 || field->type == GJ_FIELD_FEN);
    return *(const int64_t *)at;
}

static void encode_field(const struct gj_field *field, const void *rec, struct gj_buf *ret) {
    const uint8_t *at = (const uint8_t *)rec + field->offset;
    switch (field->type) {
    case GJ_FIELD_U64:
    case GJ_FIELD_I64:
    case GJ_FIELD_FEN:
    case GJ_FIELD_DATE:
    case GJ_FIELD_BOOL:
        /* The flipped sign puts negative numbers first. */
        gj_buf_put_u64(ret, (uint64_t)gj_field_integer(field, rec) ^ (UINT64_C(1) << 63));
        return;
    case GJ_FIELD_TEXT:
        gj_buf_put(ret, at, strlen((const char *)at) + 1);
        return;
    case GJ_FIELD_TXID: {
        const struct gj_txid *txid = (const void *)at;
        char text[GJ_TXID_TEXT_CAP] = "";
        if (!gj_txid_is_none(txid)) (void)gj_txid_format(text, txid);
        gj_buf_put(ret, text, strlen(text) + 1);
        return;
    }
    case GJ_FIELD_FIX:
    case GJ_FIELD_DIGEST:
        gj_buf_put(ret, at, (size_t)field->max);
        return;
    case GJ_FIELD_BIN:
    case GJ_FIELD_MAP:
    case GJ_FIELD_LIST:
        break;
    }
    gj_assert_failed("a key has no BIN, MAP or LIST", __FILE__, __LINE__);
}

void gj_order_encode(const struct gj_order *order, const void *rec, uint32_t from, uint32_t to,
                     struct gj_buf *ret) {
    GJ_ASSERT(from <= to && to <= order->n_columns);
    for (uint32_t i = from; i < to; i++)
        encode_field(order->columns[i], rec, ret);
    GJ_ASSERT(!ret->overflow);
}

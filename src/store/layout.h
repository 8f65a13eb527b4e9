/* SPDX-License-Identifier: Apache-2.0
 *
 * A table's description worked out once: the columns of every order in which it can be read. Shared by
 * the drivers, so that "in the order of the index, then of the key" means the same in each of them.
 */
#ifndef GJ_STORE_LAYOUT_H
#define GJ_STORE_LAYOUT_H

#include "base/store.h"

#define GJ_ORDERS_MAX        (GJ_TABLE_INDEXES_MAX + 1)
#define GJ_ORDER_COLUMNS_MAX (2 * GJ_INDEX_COLUMNS_MAX)
#define GJ_ORDER_KEY_MAX     1024 /* bytes of gj_order_encode() for all columns */

/* The index's own columns, then those of the primary key that are not among them. */
struct gj_order {
    const struct gj_index *index; /* NULL: the primary key */
    bool unique;                  /* the own columns alone tell a record */
    uint32_t n_own;
    uint32_t n_columns;
    const struct gj_field *columns[GJ_ORDER_COLUMNS_MAX];
};

struct gj_layout {
    const struct gj_table *table;
    uint32_t n_orders; /* 0 is the primary key, i + 1 the table's index i */
    struct gj_order orders[GJ_ORDERS_MAX];
};

/* Asserts that the description can be stored: no BIN in a key, known columns, lengths within limits. */
void gj_layout_init(struct gj_layout *layout, const struct gj_table *table);
/* The order of an index of this very table; NULL is the primary key. */
uint32_t gj_layout_order(const struct gj_layout *layout, const struct gj_index *index);

/* Appends columns [from, to) of |rec| in a form that memcmp() orders as SQL orders the columns, and in
 * which no column's bytes are the beginning of another value's. */
void gj_order_encode(const struct gj_order *order, const void *rec, uint32_t from, uint32_t to,
                     struct gj_buf *ret);

/* The integer that a U64, I64, FEN, DATE or BOOL field is stored as. */
int64_t gj_field_integer(const struct gj_field *field, const void *rec);

#endif

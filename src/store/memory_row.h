/* SPDX-License-Identifier: Apache-2.0
 *
 * A row of the memory driver: one block of memory with the record, its BIN values and its keys in every
 * order. Made once, never changed, given back with free().
 */
#ifndef GJ_STORE_MEMORY_ROW_H
#define GJ_STORE_MEMORY_ROW_H

#include "store/layout.h"

struct gj_memory_row {
    struct gj_slice
        keys[GJ_ORDERS_MAX];       /* gj_order_encode() of all columns, inside this block, as all here */
    size_t own_len[GJ_ORDERS_MAX]; /* how much of it are the index's own columns */
    void *rec;
};

/* A copy of |rec|, field by field: what was padding or lay behind a text's end is zero. NULL: no memory. */
struct gj_memory_row *gj_memory_row_new(const struct gj_layout *layout, const void *rec);
/* The record into |ret_rec|, its BIN values into |arena|; latches GJ_ERR_NO_SPACE. */
void gj_memory_row_read(const struct gj_memory_row *row, const struct gj_shape *shape, struct gj_store *store,
                        struct gj_arena *arena, void *ret_rec);
/* memcmp() of the row's key with |key|, up to the shorter: 0 means that the key begins with |key|. */
int gj_memory_row_compare(const struct gj_memory_row *row, uint32_t order, struct gj_slice key);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * SQL out of table descriptions. Only names of the program's own tables and columns come in here, never a
 * value: values are parameters.
 */
#include <string.h>

#include "base/check.h"
#include "store/sqlite.h"

static void text(struct gj_buf *buf, const char *part) {
    gj_buf_put(buf, part, strlen(part));
}

/* Quoted always, since `by` and `order` are words of SQL. */
static void name(struct gj_buf *buf, const char *identifier) {
    text(buf, "\"");
    text(buf, identifier);
    text(buf, "\"");
}

static void end(struct gj_buf *buf) {
    gj_buf_put_u8(buf, 0);
    GJ_ASSERT(!buf->overflow);
}

static void all_columns(const struct gj_shape *shape, struct gj_buf *buf) {
    for (uint32_t i = 0; i < shape->n_fields; i++) {
        if (i > 0) text(buf, ",");
        name(buf, shape->fields[i].name);
    }
}

static void parameters(struct gj_buf *buf, uint32_t n) {
    for (uint32_t i = 0; i < n; i++)
        text(buf, i > 0 ? ",?" : "?");
}

/* Columns [from, to) of an order, with commas. */
static void order_columns(const struct gj_order *order, uint32_t from, uint32_t to, struct gj_buf *buf) {
    for (uint32_t i = from; i < to; i++) {
        if (i > from) text(buf, ",");
        name(buf, order->columns[i]->name);
    }
}

static void where_equal(const struct gj_order *order, uint32_t n, struct gj_buf *buf) {
    for (uint32_t i = 0; i < n; i++) {
        text(buf, i > 0 ? " AND " : " WHERE ");
        name(buf, order->columns[i]->name);
        text(buf, "=?");
    }
}

static void select_from(const struct gj_layout *layout, struct gj_buf *buf) {
    text(buf, "SELECT ");
    all_columns(layout->table->shape, buf);
    text(buf, " FROM ");
    name(buf, layout->table->name);
}

void gj_sqlite_sql_get(const struct gj_layout *layout, struct gj_buf *ret) {
    select_from(layout, ret);
    where_equal(&layout->orders[0], layout->orders[0].n_own, ret);
    end(ret);
}

void gj_sqlite_sql_put(const struct gj_layout *layout, struct gj_buf *ret) {
    const struct gj_shape *shape = layout->table->shape;
    uint32_t n_key = layout->table->key_fields;
    text(ret, "INSERT INTO ");
    name(ret, layout->table->name);
    text(ret, "(");
    all_columns(shape, ret);
    text(ret, ") VALUES (");
    parameters(ret, shape->n_fields);
    text(ret, ") ON CONFLICT (");
    order_columns(&layout->orders[0], 0, n_key, ret);
    text(ret, ") DO ");
    text(ret, shape->n_fields > n_key ? "UPDATE SET " : "NOTHING");
    for (uint32_t i = n_key; i < shape->n_fields; i++) {
        if (i > n_key) text(ret, ",");
        name(ret, shape->fields[i].name);
        text(ret, "=excluded.");
        name(ret, shape->fields[i].name);
    }
    end(ret);
}

void gj_sqlite_sql_del(const struct gj_layout *layout, struct gj_buf *ret) {
    text(ret, "DELETE FROM ");
    name(ret, layout->table->name);
    where_equal(&layout->orders[0], layout->orders[0].n_own, ret);
    end(ret);
}

void gj_sqlite_sql_find(const struct gj_layout *layout, uint32_t order_number, uint32_t n_match, bool after,
                        struct gj_buf *ret) {
    const struct gj_order *order = &layout->orders[order_number];
    select_from(layout, ret);
    where_equal(order, n_match, ret);
    if (after) {
        text(ret, n_match > 0 ? " AND " : " WHERE ");
        if (n_match == order->n_columns) {
            text(ret, "0"); /* everything is matched: nothing comes after it */
        } else {
            text(ret, "(");
            order_columns(order, n_match, order->n_columns, ret);
            text(ret, ")>(");
            parameters(ret, order->n_columns - n_match);
            text(ret, ")");
        }
    }
    text(ret, " ORDER BY ");
    order_columns(order, 0, order->n_columns, ret);
    text(ret, " LIMIT ?");
    end(ret);
}

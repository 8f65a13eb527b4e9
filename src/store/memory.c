/* SPDX-License-Identifier: Apache-2.0
 *
 * The driver that keeps everything in memory: for the simulator and for tests. A table is, per order, an
 * array of pointers to its rows, sorted by the rows' encoded keys. A row never changes: a put makes a new
 * one, and the undo log holds the old one until the transaction ends.
 * It must never be more forgiving than a driver with a disk: tests/store runs one suite on all of them.
 */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "store/driver.h"
#include "store/memory_row.h"

#define FIRST_ROWS 16

struct table {
    struct gj_layout layout;
    struct gj_memory_row **orders[GJ_ORDERS_MAX]; /* |n| of |cap| each */
    size_t n;
    size_t cap;
};

/* One change: |old| (NULL: there was none) became |new| (NULL: removed). The log owns |old|. */
struct undo {
    struct table *table;
    struct gj_memory_row *old;
    struct gj_memory_row *new;
};

struct memory {
    struct gj_store head;
    struct table *tables;
    size_t n_tables;
    struct undo *undo;
    size_t n_undo;
    size_t undo_cap;
};

static struct memory *memory_of(struct gj_store *store) {
    return (struct memory *)(void *)store;
}

static struct table *table_of(struct gj_store *store, const struct gj_table *table) {
    struct memory *memory = memory_of(store);
    for (size_t i = 0; i < memory->n_tables; i++) {
        if (memory->tables[i].layout.table == table) return &memory->tables[i];
    }
    gj_assert_failed("the table is in the store's catalogue", __FILE__, __LINE__);
}

/* The place of the first row whose key does not come before |key|; with |past|, of the first that comes
 * after it and does not begin with it. */
static size_t bound(const struct table *table, uint32_t order, struct gj_slice key, bool past) {
    size_t low = 0, high = table->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int compared = gj_memory_row_compare(table->orders[order][middle], order, key);
        if (compared < 0 || (past && compared == 0)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* The row with the key fields of |rec|, or NULL. */
static struct gj_memory_row *row_of(const struct table *table, const void *rec) {
    uint8_t memory[GJ_ORDER_KEY_MAX];
    struct gj_buf key;
    gj_buf_init(&key, memory, sizeof(memory));
    gj_order_encode(&table->layout.orders[0], rec, 0, table->layout.orders[0].n_columns, &key);
    size_t at = bound(table, 0, gj_buf_slice(&key), false);
    if (at == table->n) return NULL;
    struct gj_memory_row *row = table->orders[0][at];
    return gj_memory_row_compare(row, 0, gj_buf_slice(&key)) == 0 ? row : NULL;
}

/* --- changing the arrays -------------------------------------------------------------------------- */

static void link_row(struct table *table, struct gj_memory_row *row) {
    GJ_ASSERT(table->n < table->cap);
    for (uint32_t i = 0; i < table->layout.n_orders; i++) {
        size_t at = bound(table, i, row->keys[i], false);
        memmove(&table->orders[i][at + 1], &table->orders[i][at], (table->n - at) * sizeof(row));
        table->orders[i][at] = row;
    }
    table->n++;
}

static void unlink_row(struct table *table, const struct gj_memory_row *row) {
    for (uint32_t i = 0; i < table->layout.n_orders; i++) {
        size_t at = bound(table, i, row->keys[i], false);
        GJ_ASSERT(at < table->n && table->orders[i][at] == row);
        memmove(&table->orders[i][at], &table->orders[i][at + 1], (table->n - at - 1) * sizeof(row));
    }
    table->n--;
}

/* Room for one more row and one more change, so that what follows cannot fail half way. */
static bool reserve(struct memory *memory, struct table *table) {
    if (memory->n_undo == memory->undo_cap) {
        size_t cap = memory->undo_cap == 0 ? FIRST_ROWS : memory->undo_cap * 2;
        struct undo *undo = realloc(memory->undo, cap * sizeof(*undo));
        if (undo == NULL) return false;
        memory->undo = undo;
        memory->undo_cap = cap;
    }
    if (table->n < table->cap) return true;
    size_t cap = table->cap == 0 ? FIRST_ROWS : table->cap * 2;
    for (uint32_t i = 0; i < table->layout.n_orders; i++) {
        struct gj_memory_row **rows = realloc(table->orders[i], cap * sizeof(*rows));
        if (rows == NULL) return false;
        table->orders[i] = rows;
    }
    table->cap = cap;
    return true;
}

static bool same_places(const struct table *table, const struct gj_memory_row *a,
                        const struct gj_memory_row *b) {
    for (uint32_t i = 0; i < table->layout.n_orders; i++) {
        if (!gj_slice_equal(a->keys[i], b->keys[i])) return false;
    }
    return true;
}

/* Most puts change a record but none of its keys: then nothing needs to move. */
static void swap_row(struct table *table, const struct gj_memory_row *old, struct gj_memory_row *new) {
    for (uint32_t i = 0; i < table->layout.n_orders; i++) {
        size_t at = bound(table, i, old->keys[i], false);
        GJ_ASSERT(at < table->n && table->orders[i][at] == old);
        table->orders[i][at] = new;
    }
}

static void exchange(struct table *table, const struct gj_memory_row *old, struct gj_memory_row *new) {
    if (old != NULL && new != NULL && same_places(table, old, new)) {
        swap_row(table, old, new);
        return;
    }
    if (old != NULL) unlink_row(table, old);
    if (new != NULL) link_row(table, new);
}

static void change(struct memory *memory, struct table *table, struct gj_memory_row *old,
                   struct gj_memory_row *new) {
    exchange(table, old, new);
    memory->undo[memory->n_undo++] = (struct undo){table, old, new};
}

/* The unique index that |row| would break, not counting |old|, which it replaces; or NULL. */
static const struct gj_index *broken_index(const struct table *table, const struct gj_memory_row *row,
                                           const struct gj_memory_row *old) {
    for (uint32_t i = 1; i < table->layout.n_orders; i++) {
        const struct gj_order *order = &table->layout.orders[i];
        if (!order->unique) continue;
        struct gj_slice own = gj_slice_of(row->keys[i].ptr, row->own_len[i]);
        for (size_t at = bound(table, i, own, false); at < bound(table, i, own, true); at++) {
            if (table->orders[i][at] != old) return order->index;
        }
    }
    return NULL;
}

/* --- the port ---------------------------------------------------------------------------------------- */

static bool memory_get(struct gj_store *store, const struct gj_table *table, void *rec,
                       struct gj_arena *arena) {
    const struct gj_memory_row *row = row_of(table_of(store, table), rec);
    if (row == NULL) return false;
    gj_memory_row_read(row, table->shape, store, arena, rec);
    return store->err == GJ_OK;
}

static void memory_put(struct gj_store *store, const struct gj_table *described, const void *rec) {
    struct memory *memory = memory_of(store);
    struct table *table = table_of(store, described);
    struct gj_memory_row *row = gj_memory_row_new(&table->layout, rec);
    if (row == NULL || !reserve(memory, table)) {
        free(row);
        gj_driver_fail(store, GJ_ERR_NO_MEMORY, "%s: out of memory", described->name);
        return;
    }
    struct gj_memory_row *old = row_of(table, rec);
    const struct gj_index *broken = broken_index(table, row, old);
    if (broken != NULL) {
        free(row);
        gj_driver_fail(store, GJ_ERR_INTERNAL, "%s: a second record for the unique index %s", described->name,
                       broken->name);
        return;
    }
    change(memory, table, old, row);
}

static bool memory_del(struct gj_store *store, const struct gj_table *described, const void *rec) {
    struct memory *memory = memory_of(store);
    struct table *table = table_of(store, described);
    struct gj_memory_row *old = row_of(table, rec);
    if (old == NULL) return false;
    if (!reserve(memory, table)) {
        gj_driver_fail(store, GJ_ERR_NO_MEMORY, "%s: out of memory", described->name);
        return false;
    }
    change(memory, table, old, NULL);
    return true;
}

static void memory_find(struct gj_store *store, const struct gj_table *described,
                        const struct gj_index *index, const void *rec, uint32_t n_match, const void *after,
                        size_t limit, struct gj_arena *arena, struct gj_rows *ret) {
    const struct table *table = table_of(store, described);
    uint32_t o = gj_layout_order(&table->layout, index);
    const struct gj_order *order = &table->layout.orders[o];
    uint8_t memory[GJ_ORDER_KEY_MAX];
    struct gj_buf key;
    gj_buf_init(&key, memory, sizeof(memory));
    gj_order_encode(order, rec, 0, n_match, &key);
    size_t end = bound(table, o, gj_buf_slice(&key), true);
    if (after != NULL) gj_order_encode(order, after, n_match, order->n_columns, &key);
    size_t first = bound(table, o, gj_buf_slice(&key), after != NULL);

    GJ_ASSERT(first <= end);
    size_t n = end - first < limit ? end - first : limit;
    uint8_t *items = gj_driver_rows(store, arena, n, described->shape->size);
    for (size_t i = 0; i < n && store->err == GJ_OK; i++) {
        gj_memory_row_read(table->orders[o][first + i], described->shape, store, arena,
                           items + i * described->shape->size);
    }
    *ret = (struct gj_rows){.items = items, .n = n, .more = end - first > n};
}

static void memory_begin(struct gj_store *store) {
    GJ_ASSERT(!store->in_transaction);
    store->in_transaction = true;
    store->err = GJ_OK;
    store->detail[0] = '\0';
    store->writes = 0;
}

static void memory_rollback(struct gj_store *store) {
    struct memory *memory = memory_of(store);
    GJ_ASSERT(store->in_transaction);
    while (memory->n_undo > 0) {
        const struct undo *undo = &memory->undo[--memory->n_undo];
        exchange(undo->table, undo->new, undo->old);
        free(undo->new);
    }
    store->in_transaction = false;
    store->err = GJ_OK;
}

static enum gj_err memory_commit(struct gj_store *store) {
    struct memory *memory = memory_of(store);
    GJ_ASSERT(store->in_transaction);
    enum gj_err err = store->err;
    if (err != GJ_OK) {
        memory_rollback(store);
        return err;
    }
    while (memory->n_undo > 0)
        free(memory->undo[--memory->n_undo].old);
    store->in_transaction = false;
    return GJ_OK;
}

static void memory_close(struct gj_store *store) {
    struct memory *memory = memory_of(store);
    if (store->in_transaction) memory_rollback(store);
    for (size_t i = 0; i < memory->n_tables; i++) {
        struct table *table = &memory->tables[i];
        for (size_t at = 0; at < table->n; at++)
            free(table->orders[0][at]);
        for (uint32_t o = 0; o < GJ_ORDERS_MAX; o++)
            free(table->orders[o]);
    }
    free(memory->tables);
    free(memory->undo);
    free(memory);
}

static bool memory_below_reserve(const struct gj_store *store) {
    (void)store;
    return false;
}

static void memory_checkpoint(struct gj_store *store) {
    (void)store;
}

static const struct gj_driver_ops memory_ops = {
    .port = {.get = memory_get,
             .put = memory_put,
             .del = memory_del,
             .find = memory_find,
             .begin = memory_begin,
             .commit = memory_commit,
             .rollback = memory_rollback,
             .close = memory_close},
    .below_reserve = memory_below_reserve,
    .checkpoint = memory_checkpoint,
};

/* --- making stores ------------------------------------------------------------------------------------ */

/* An empty store for |n| tables whose layouts the caller sets; NULL without memory. */
static struct memory *memory_new(size_t n) {
    struct memory *memory = calloc(1, sizeof(*memory));
    if (memory == NULL) return NULL;
    memory->head.ops = &memory_ops.port;
    memory->tables = calloc(n > 0 ? n : 1, sizeof(*memory->tables));
    if (memory->tables == NULL) {
        free(memory);
        return NULL;
    }
    memory->n_tables = n;
    return memory;
}

enum gj_err gj_store_open_memory(const struct gj_catalogue *catalogue, struct gj_store **ret) {
    struct memory *memory = memory_new(catalogue->n);
    if (memory == NULL) return GJ_ERR_NO_MEMORY;
    for (size_t i = 0; i < catalogue->n; i++) {
        gj_layout_init(&memory->tables[i].layout, catalogue->tables[i]);
    }
    *ret = &memory->head;
    return GJ_OK;
}

static bool clone_table(struct memory *copy, struct table *to, const struct table *from) {
    to->layout = from->layout;
    for (size_t i = 0; i < from->n; i++) {
        struct gj_memory_row *row = gj_memory_row_new(&to->layout, from->orders[0][i]->rec);
        if (row == NULL || !reserve(copy, to)) {
            free(row);
            return false;
        }
        link_row(to, row);
    }
    return true;
}

enum gj_err gj_store_clone_memory(struct gj_store *store, struct gj_store **ret) {
    GJ_ASSERT(store->ops == &memory_ops.port && !store->in_transaction);
    const struct memory *memory = memory_of(store);
    struct memory *copy = memory_new(memory->n_tables);
    if (copy == NULL) return GJ_ERR_NO_MEMORY;
    for (size_t i = 0; i < memory->n_tables; i++) {
        if (clone_table(copy, &copy->tables[i], &memory->tables[i])) continue;
        memory_close(&copy->head);
        return GJ_ERR_NO_MEMORY;
    }
    *ret = &copy->head;
    return GJ_OK;
}

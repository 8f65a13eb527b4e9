/* SPDX-License-Identifier: Apache-2.0
 *
 * The store as the pure rooms see it: typed tables, described by shapes, inside one store
 * transaction per batch. The store room fills this port (SQLite, memory).
 *
 * Errors latch: after the first failure every call is a no-op that finds nothing, `gj_store_err()`
 * tells it, and the batch is rolled back by the engine, which sends nothing of it. So the pure rooms
 * need not check each call; they only must not loop on a failing store (finds are bounded).
 *
 * A table's record is the struct of its shape. Allowed field types: U64, I64, FEN, DATE, BOOL, TEXT,
 * BIN, FIX, TXID, DIGEST. A TXID is stored as its text, DATE as an integer, empty TEXT as ''.
 */
#ifndef GJ_BASE_STORE_H
#define GJ_BASE_STORE_H

#include "base/bytes.h"
#include "base/shape.h"

#define GJ_INDEX_COLUMNS_MAX 5
#define GJ_TABLE_INDEXES_MAX 4

struct gj_index {
    const char *name;
    bool unique;
    const char *columns[GJ_INDEX_COLUMNS_MAX]; /* field names, NULL-terminated if fewer */
};

struct gj_table {
    const char *name;
    const struct gj_shape *shape;
    uint32_t key_fields; /* the first fields of the shape are the primary key */
    struct gj_index indexes[GJ_TABLE_INDEXES_MAX];
    uint32_t n_indexes;
};

/* What find() gives: |n| records of the table's struct, one after the other, in the arena. */
struct gj_rows {
    void *items;
    size_t n;
    bool more; /* the limit cut the list */
};

struct gj_store;

struct gj_store_ops {
    /* Reads the record whose key fields are set in |rec| into |rec|. BIN fields are copied into |arena|. */
    bool (*get)(struct gj_store *store, const struct gj_table *table, void *rec, struct gj_arena *arena);
    /* Inserts, or replaces the record of the same key. A duplicate in a unique index latches GJ_ERR_INTERNAL. */
    void (*put)(struct gj_store *store, const struct gj_table *table, const void *rec);
    /* Removes it; false if there was none. */
    bool (*del)(struct gj_store *store, const struct gj_table *table, const void *rec);
    /* Records whose first |n_match| columns of |index| (NULL: of the primary key) equal those of |rec|,
     * in the order of that index, then of the key. With |after|, only records that come strictly after it
     * in that order. At most |limit|. */
    void (*find)(struct gj_store *store, const struct gj_table *table, const struct gj_index *index,
                 const void *rec, uint32_t n_match, const void *after, size_t limit, struct gj_arena *arena,
                 struct gj_rows *ret);
    void (*begin)(struct gj_store *store);
    /* Durable when it returns GJ_OK. GJ_ERR_STORE_FULL: rolled back. Any other error: outcome unknown,
     * the process must stop and recover. */
    enum gj_err (*commit)(struct gj_store *store);
    void (*rollback)(struct gj_store *store);
    void (*close)(struct gj_store *store);
};

/* The head of every driver's store. */
struct gj_store {
    const struct gj_store_ops *ops;
    enum gj_err err;  /* latched until rollback or begin */
    char detail[200]; /* for people: what failed */
    bool in_transaction;
    uint64_t writes; /* puts and dels of this transaction */
};

bool gj_store_get(struct gj_store *store, const struct gj_table *table, void *rec, struct gj_arena *arena);
void gj_store_put(struct gj_store *store, const struct gj_table *table, const void *rec);
bool gj_store_del(struct gj_store *store, const struct gj_table *table, const void *rec);
/* |index_name| NULL is the primary key; an unknown name is an assert. */
void gj_store_find(struct gj_store *store, const struct gj_table *table, const char *index_name,
                   const void *rec, uint32_t n_match, const void *after, size_t limit, struct gj_arena *arena,
                   struct gj_rows *ret);
enum gj_err gj_store_err(const struct gj_store *store);
/* Latches |err| with a text, unless one is latched already. */
void gj_store_fail(struct gj_store *store, enum gj_err err, const char *detail);

#endif

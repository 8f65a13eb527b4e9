/* SPDX-License-Identifier: Apache-2.0
 *
 * The SQLite driver's side of the port: one writing connection, one transaction per batch.
 * It must never go on after an I/O error (what a failed sync left behind, only recovery can tell), and
 * never retry a sync. A full disk is no such error: the transaction was rolled back whole.
 */
#include "store/sqlite.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/check.h"

static struct gj_sqlite *sqlite_of(struct gj_store *store) {
    return (struct gj_sqlite *)(void *)store;
}

static struct gj_sqlite_table *table_of(struct gj_sqlite *sqlite, const struct gj_table *table) {
    for (size_t i = 0; i < sqlite->n_tables; i++) {
        if (sqlite->tables[i].layout.table == table) return &sqlite->tables[i];
    }
    gj_assert_failed("the table is in the store's catalogue", __FILE__, __LINE__);
}

/* --- errors ------------------------------------------------------------------------------------------ */

static bool is_want_of_room(sqlite3_file *file) {
    int cause = 0;
    if (file == NULL || file->pMethods == NULL) return false;
    if (file->pMethods->xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, &cause) != SQLITE_OK) return false;
    return cause == ENOSPC || cause == EDQUOT || cause == EFBIG;
}

/* A write that the system cut short for want of room: a quota and a file size limit are a full disk too.
 * The frame that would have ended the transaction is not whole, so no recovery can find it. */
static bool is_full(sqlite3 *db, int code) {
    if (code == SQLITE_FULL) return true;
    if (code != SQLITE_IOERR_WRITE) return false;
    sqlite3_file *log = NULL, *main_file = NULL;
    (void)sqlite3_file_control(db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
    (void)sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &main_file);
    return is_want_of_room(log) || is_want_of_room(main_file);
}

enum gj_err gj_sqlite_err(sqlite3 *db, int code, bool *ret_broken) {
    if (is_full(db, code)) return GJ_ERR_STORE_FULL;
    switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return GJ_ERR_STORE_LOCKED;
    case SQLITE_NOMEM:
        return GJ_ERR_NO_MEMORY;
    case SQLITE_CONSTRAINT:
        return GJ_ERR_INTERNAL; /* a record that its table forbids: our own mistake, caught in time */
    default:
        *ret_broken = true;
        return GJ_ERR_STORE;
    }
}

static void fail(struct gj_sqlite *sqlite, int code, const char *what) {
    enum gj_err err = gj_sqlite_err(sqlite->db, code, &sqlite->broken);
    gj_driver_fail(&sqlite->head, err, "%s: %s (%d)", what, sqlite3_errmsg(sqlite->db), code);
}

/* --- statements --------------------------------------------------------------------------------------- */

sqlite3_stmt *gj_sqlite_prepare(struct gj_sqlite *sqlite, const char *sql) {
    sqlite3_stmt *stmt = NULL;
    int code = sqlite3_prepare_v3(sqlite->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL);
    if (code != SQLITE_OK) fail(sqlite, code, "preparing a statement");
    return stmt;
}

enum gj_err gj_sqlite_prepare_all(struct gj_sqlite *sqlite) {
    char memory[GJ_SQLITE_SQL_MAX];
    for (size_t i = 0; i < sqlite->n_tables && sqlite->head.err == GJ_OK; i++) {
        struct gj_sqlite_table *table = &sqlite->tables[i];
        struct gj_buf sql;
        gj_buf_init(&sql, memory, sizeof(memory));
        gj_sqlite_sql_get(&table->layout, &sql);
        table->get = gj_sqlite_prepare(sqlite, memory);
        if (sqlite->read_only || sqlite->head.err != GJ_OK) continue;
        gj_buf_init(&sql, memory, sizeof(memory));
        gj_sqlite_sql_put(&table->layout, &sql);
        table->put = gj_sqlite_prepare(sqlite, memory);
        gj_buf_init(&sql, memory, sizeof(memory));
        gj_sqlite_sql_del(&table->layout, &sql);
        table->del = gj_sqlite_prepare(sqlite, memory);
    }
    return sqlite->head.err;
}

static sqlite3_stmt *find_statement(struct gj_sqlite *sqlite, struct gj_sqlite_table *table, uint32_t order,
                                    uint32_t n_match, bool after) {
    sqlite3_stmt **stmt = &table->finds[order][n_match][after ? 1 : 0];
    if (*stmt == NULL) {
        char memory[GJ_SQLITE_SQL_MAX];
        struct gj_buf sql;
        gj_buf_init(&sql, memory, sizeof(memory));
        gj_sqlite_sql_find(&table->layout, order, n_match, after, &sql);
        *stmt = gj_sqlite_prepare(sqlite, memory);
    }
    return *stmt;
}

/* Binds columns [from, to) of an order from parameter |*at| on. */
static int bind_columns(sqlite3_stmt *stmt, const struct gj_order *order, uint32_t from, uint32_t to,
                        const void *rec, int *at) {
    int code = SQLITE_OK;
    for (uint32_t i = from; i < to && code == SQLITE_OK; i++) {
        code = gj_sqlite_bind(stmt, (*at)++, order->columns[i], rec);
    }
    return code;
}

/* A statement that is not reset would keep its read transaction open. */
static void finish(sqlite3_stmt *stmt) {
    (void)sqlite3_reset(stmt);
    (void)sqlite3_clear_bindings(stmt);
}

/* --- reading ------------------------------------------------------------------------------------------- */

static bool sqlite_get(struct gj_store *store, const struct gj_table *described, void *rec,
                       struct gj_arena *arena) {
    struct gj_sqlite *sqlite = sqlite_of(store);
    struct gj_sqlite_table *table = table_of(sqlite, described);
    const struct gj_order *key = &table->layout.orders[0];
    int at = 1;
    int code = bind_columns(table->get, key, 0, key->n_own, rec, &at);
    if (code == SQLITE_OK) code = sqlite3_step(table->get);
    bool found = false;
    if (code == SQLITE_ROW) {
        found = gj_sqlite_read(sqlite, table->get, described, arena, rec);
    } else if (code != SQLITE_DONE) {
        fail(sqlite, code, described->name);
    }
    finish(table->get);
    return found;
}

/* Room for record number |n| in the scratch; it need not hold more than |arena| can take. */
static bool grow_scratch(struct gj_sqlite *sqlite, const struct gj_arena *arena, size_t n, size_t size) {
    size_t needed = (n + 1) * size;
    if (needed > arena->cap - arena->used) {
        gj_driver_fail(&sqlite->head, GJ_ERR_NO_SPACE, "no room for record %zu of %zu bytes", n + 1, size);
        return false;
    }
    if (needed <= sqlite->scratch_cap) return true;
    size_t cap = needed * 2;
    uint8_t *scratch = realloc(sqlite->scratch, cap);
    if (scratch == NULL) {
        gj_driver_fail(&sqlite->head, GJ_ERR_NO_MEMORY, "out of memory");
        return false;
    }
    sqlite->scratch = scratch;
    sqlite->scratch_cap = cap;
    return true;
}

/* Steps through the bound statement; the records go to the scratch, their BIN values to the arena. */
static size_t collect(struct gj_sqlite *sqlite, sqlite3_stmt *stmt, const struct gj_table *table,
                      size_t limit, struct gj_arena *arena, bool *ret_more) {
    size_t n = 0, size = table->shape->size;
    int code = SQLITE_ROW;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        if (n == limit) {
            *ret_more = true;
            return n;
        }
        if (!grow_scratch(sqlite, arena, n, size)) return 0;
        if (!gj_sqlite_read(sqlite, stmt, table, arena, sqlite->scratch + n * size)) return 0;
        n++;
    }
    if (code != SQLITE_DONE) fail(sqlite, code, table->name);
    return n;
}

static void sqlite_find(struct gj_store *store, const struct gj_table *described,
                        const struct gj_index *index, const void *rec, uint32_t n_match, const void *after,
                        size_t limit, struct gj_arena *arena, struct gj_rows *ret) {
    struct gj_sqlite *sqlite = sqlite_of(store);
    struct gj_sqlite_table *table = table_of(sqlite, described);
    uint32_t o = gj_layout_order(&table->layout, index);
    const struct gj_order *order = &table->layout.orders[o];
    sqlite3_stmt *stmt = find_statement(sqlite, table, o, n_match, after != NULL);
    if (stmt == NULL) return;

    int at = 1;
    int code = bind_columns(stmt, order, 0, n_match, rec, &at);
    if (code == SQLITE_OK && after != NULL) {
        code = bind_columns(stmt, order, n_match, order->n_columns, after, &at);
    }
    int64_t one_more = limit < INT64_MAX ? (int64_t)limit + 1 : INT64_MAX;
    if (code == SQLITE_OK) code = sqlite3_bind_int64(stmt, at, one_more);
    if (code == SQLITE_OK) {
        ret->n = collect(sqlite, stmt, described, limit, arena, &ret->more);
    } else {
        fail(sqlite, code, described->name);
    }
    finish(stmt);
    if (store->err != GJ_OK) return;
    ret->items = gj_driver_rows(store, arena, ret->n, described->shape->size);
    if (ret->items != NULL && ret->n > 0) {
        memcpy(ret->items, sqlite->scratch, ret->n * described->shape->size);
    }
}

/* --- writing ------------------------------------------------------------------------------------------- */

static bool writable(struct gj_sqlite *sqlite, const struct gj_table *table) {
    if (!sqlite->read_only) return true;
    gj_driver_fail(&sqlite->head, GJ_ERR_NOT_SUPPORTED, "%s: the store is open for reading", table->name);
    return false;
}

static void sqlite_put(struct gj_store *store, const struct gj_table *described, const void *rec) {
    struct gj_sqlite *sqlite = sqlite_of(store);
    if (!writable(sqlite, described)) return;
    sqlite3_stmt *put = table_of(sqlite, described)->put;
    int code = SQLITE_OK;
    for (uint32_t i = 0; i < described->shape->n_fields && code == SQLITE_OK; i++) {
        code = gj_sqlite_bind(put, (int)i + 1, &described->shape->fields[i], rec);
    }
    if (code == SQLITE_OK) code = sqlite3_step(put);
    if (code != SQLITE_DONE) fail(sqlite, code, described->name);
    finish(put);
}

static bool sqlite_del(struct gj_store *store, const struct gj_table *described, const void *rec) {
    struct gj_sqlite *sqlite = sqlite_of(store);
    if (!writable(sqlite, described)) return false;
    struct gj_sqlite_table *table = table_of(sqlite, described);
    const struct gj_order *key = &table->layout.orders[0];
    int at = 1;
    int code = bind_columns(table->del, key, 0, key->n_own, rec, &at);
    if (code == SQLITE_OK) code = sqlite3_step(table->del);
    if (code != SQLITE_DONE) fail(sqlite, code, described->name);
    bool removed = code == SQLITE_DONE && sqlite3_changes(sqlite->db) > 0;
    finish(table->del);
    return removed;
}

/* --- transactions -------------------------------------------------------------------------------------- */

static void clear(struct gj_store *store) {
    store->err = GJ_OK;
    store->detail[0] = '\0';
}

static void sqlite_begin(struct gj_store *store) {
    struct gj_sqlite *sqlite = sqlite_of(store);
    GJ_ASSERT(!store->in_transaction);
    store->in_transaction = true; /* of the port, even if the database's cannot begin: then all is latched */
    store->writes = 0;
    if (sqlite->broken) {
        gj_driver_fail(store, GJ_ERR_STORE, "the store failed before; restart to recover");
        return;
    }
    clear(store);
    /* IMMEDIATE: what would be in the way is known before any work is done. */
    const char *sql = sqlite->read_only ? "BEGIN" : "BEGIN IMMEDIATE";
    int code = sqlite3_exec(sqlite->db, sql, NULL, NULL, NULL);
    if (code != SQLITE_OK) fail(sqlite, code, sql);
}

/* SQLite has rolled back by itself after some errors; then there is nothing left to do. */
static void undo(struct gj_sqlite *sqlite) {
    sqlite->head.in_transaction = false;
    if (sqlite3_get_autocommit(sqlite->db)) return;
    int code = sqlite3_exec(sqlite->db, "ROLLBACK", NULL, NULL, NULL);
    if (code != SQLITE_OK) sqlite->broken = true;
}

static void sqlite_rollback(struct gj_store *store) {
    struct gj_sqlite *sqlite = sqlite_of(store);
    GJ_ASSERT(store->in_transaction);
    undo(sqlite);
    if (!sqlite->broken) {
        clear(store);
    } else if (store->err == GJ_OK) {
        gj_driver_fail(store, GJ_ERR_STORE, "the rollback failed; restart to recover");
    }
}

static enum gj_err sqlite_commit(struct gj_store *store) {
    struct gj_sqlite *sqlite = sqlite_of(store);
    GJ_ASSERT(store->in_transaction);
    if (store->err == GJ_OK) {
        int code = sqlite3_exec(sqlite->db, "COMMIT", NULL, NULL, NULL);
        if (code == SQLITE_OK) {
            store->in_transaction = false;
            return GJ_OK;
        }
        fail(sqlite, code, "COMMIT");
    }
    enum gj_err err = store->err;
    sqlite_rollback(store);
    return sqlite->broken ? GJ_ERR_STORE : err;
}

static void sqlite_close(struct gj_store *store) {
    if (store->in_transaction) sqlite_rollback(store);
    gj_sqlite_free(sqlite_of(store));
}

/* --- upkeep --------------------------------------------------------------------------------------------- */

static bool sqlite_below_reserve(const struct gj_store *store) {
    const struct gj_sqlite *sqlite = (const struct gj_sqlite *)(const void *)store;
    struct statvfs room;
    if (statvfs(sqlite->path, &room) != 0)
        return true; /* a file system that does not answer takes no new work */
    return (uint64_t)room.f_bavail * room.f_frsize < GJ_STORE_RESERVE_BYTES;
}

/* Whatever comes of it, the log still holds everything: no room and a reader in the way are no errors. */
static bool checkpoint(struct gj_sqlite *sqlite, int mode, int *ret_log, int *ret_done) {
    int code = sqlite3_wal_checkpoint_v2(sqlite->db, NULL, mode, ret_log, ret_done);
    if (code == SQLITE_OK) return true;
    bool broken = false;
    if (gj_sqlite_err(sqlite->db, code, &broken) == GJ_ERR_STORE) fail(sqlite, code, "checkpoint");
    return false;
}

static void sqlite_checkpoint(struct gj_store *store) {
    struct gj_sqlite *sqlite = sqlite_of(store);
    if (sqlite->read_only || sqlite->wal_pages < GJ_SQLITE_CHECKPOINT_PAGES) return;
    int log = 0, done = 0;
    if (!checkpoint(sqlite, SQLITE_CHECKPOINT_PASSIVE, &log, &done)) return;
    if (log != done) return; /* a reader still needs older pages; next time */
    sqlite->wal_pages = 0;
    if (log < GJ_SQLITE_TRUNCATE_PAGES) return; /* the next transaction writes over it from its start */
    (void)sqlite3_busy_timeout(sqlite->db, 0);
    if (!checkpoint(sqlite, SQLITE_CHECKPOINT_TRUNCATE, &log, &done)) {
        sqlite->wal_pages = GJ_SQLITE_TRUNCATE_PAGES; /* a reader at the newest moment; next time */
    }
    (void)sqlite3_busy_timeout(sqlite->db, GJ_SQLITE_BUSY_MS);
}

const struct gj_driver_ops gj_sqlite_ops = {
    .port = {.get = sqlite_get,
             .put = sqlite_put,
             .del = sqlite_del,
             .find = sqlite_find,
             .begin = sqlite_begin,
             .commit = sqlite_commit,
             .rollback = sqlite_rollback,
             .close = sqlite_close},
    .below_reserve = sqlite_below_reserve,
    .checkpoint = sqlite_checkpoint,
};

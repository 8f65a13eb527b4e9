/* SPDX-License-Identifier: Apache-2.0
 *
 * The SQLite driver's own struct and its parts, shared by the files sqlite*.c only.
 */
#ifndef GJ_STORE_SQLITE_H
#define GJ_STORE_SQLITE_H

#include <sqlite3.h>

#include "store/driver.h"
#include "store/layout.h"

#define GJ_SQLITE_APPLICATION_ID   0x474A4757 /* "GJGW", in the file's header */
#define GJ_SQLITE_BUSY_MS          5000
#define GJ_SQLITE_CACHE_KIB        16384
#define GJ_SQLITE_CHECKPOINT_PAGES 256   /* a smaller log is not worth two syncs */
#define GJ_SQLITE_TRUNCATE_PAGES   16384 /* a larger log is cut back once it is written back whole */
#define GJ_SQLITE_SQL_MAX          16384

struct gj_sqlite_table {
    struct gj_layout layout;
    sqlite3_stmt *get;
    sqlite3_stmt *put;
    sqlite3_stmt *del;
    sqlite3_stmt *finds[GJ_ORDERS_MAX][GJ_INDEX_COLUMNS_MAX + 1][2]; /* [order][n_match][with after] */
};

struct gj_sqlite {
    struct gj_store head;
    sqlite3 *db;
    char *path;
    int lock_fd; /* -1: read-only */
    bool read_only;
    bool broken; /* an I/O error was seen: what is on the disk is known only after a restart */
    int wal_pages;
    struct gj_sqlite_table *tables;
    size_t n_tables;
    uint8_t *scratch; /* where a find collects records before their number is known */
    size_t scratch_cap;
};

/* --- sqlite_sql.c: statements from descriptions, into |ret| with a final NUL -------------------- */
void gj_sqlite_sql_get(const struct gj_layout *layout, struct gj_buf *ret);
void gj_sqlite_sql_put(const struct gj_layout *layout, struct gj_buf *ret);
void gj_sqlite_sql_del(const struct gj_layout *layout, struct gj_buf *ret);
/* Parameters: the matched columns, with |after| those behind them, the limit. */
void gj_sqlite_sql_find(const struct gj_layout *layout, uint32_t order, uint32_t n_match, bool after,
                        struct gj_buf *ret);

/* --- sqlite_row.c: fields ⇄ parameters and columns ------------------------------------------------- */
/* The record must live until the statement is reset. SQLite's result code. */
int gj_sqlite_bind(sqlite3_stmt *stmt, int at, const struct gj_field *field, const void *rec);
/* The statement's row, which selects all fields, into |ret_rec|. False and latched: no room for a BIN, or a
 * value that the shape cannot hold, which only another program can have written. */
bool gj_sqlite_read(struct gj_sqlite *sqlite, sqlite3_stmt *stmt, const struct gj_table *table,
                    struct gj_arena *arena, void *ret_rec);

/* --- sqlite_migrate.c -------------------------------------------------------------------------------- */
/* Is the open file a store of this program, and of no newer version? Reads only. */
enum gj_err gj_sqlite_check_identity(sqlite3 *db, int *ret_version, char *ret_detail);
/* Applies what is missing after |version|, each migration in a transaction of its own. */
enum gj_err gj_sqlite_migrate(sqlite3 *db, int version, char *ret_detail);
/* The version that this program writes. */
int gj_sqlite_version(void);

/* --- sqlite_open.c ------------------------------------------------------------------------------------ */
/* Closes the database and the lock, and frees the store. */
void gj_sqlite_free(struct gj_sqlite *sqlite);

/* --- sqlite.c ------------------------------------------------------------------------------------------ */
extern const struct gj_driver_ops gj_sqlite_ops;
/* The error that a result code means; |ret_broken| if the file's state is no longer known. */
enum gj_err gj_sqlite_err(sqlite3 *db, int code, bool *ret_broken);
/* A prepared statement, kept for the store's life; NULL and latched. */
sqlite3_stmt *gj_sqlite_prepare(struct gj_sqlite *sqlite, const char *sql);
/* Prepares what names every column of every table: a file that does not fit is found at the start. */
enum gj_err gj_sqlite_prepare_all(struct gj_sqlite *sqlite);

#define GJ_STORE_DETAIL_CAP 200

#endif

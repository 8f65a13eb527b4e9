/* SPDX-License-Identifier: Apache-2.0
 *
 * Opening and closing a store's file. Every check comes before the first write: a file that is not ours, or
 * of a newer version, stays as it was.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/lock.h"
#include "store/reread.h"
#include "store/sqlite.h"

__attribute__((format(printf, 3, 4))) static enum gj_err refuse(enum gj_err err, char *ret_detail,
                                                                const char *format, ...) {
    va_list args;
    va_start(args, format);
    (void)vsnprintf(ret_detail, GJ_STORE_DETAIL_CAP, format, args);
    va_end(args);
    return err;
}

/* --- files -------------------------------------------------------------------------------------------- */

static enum gj_err take_lock(struct gj_sqlite *sqlite, char *ret_detail) {
    pid_t holder = 0;
    enum gj_err err = gj_lock_take(sqlite->path, &sqlite->lock_fd, &holder);
    if (err == GJ_OK) return GJ_OK;
    if (err == GJ_ERR_STORE_LOCKED) {
        return refuse(err, ret_detail, "%s is open in process %ld", sqlite->path, (long)holder);
    }
    return refuse(err, ret_detail, "%s.lock: %s", sqlite->path, strerror(errno));
}

/* The new name must be as durable as what will be written under it. */
static int sync_folder(const char *path) {
    char *copy = strdup(path);
    if (copy == NULL) return -1;
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(copy);
    if (fd < 0) return -1;
    int result = fsync(fd);
    (void)close(fd);
    return result;
}

/* An empty file of mode 0600; SQLite gives its log the same mode. */
static enum gj_err create_file(const char *path, char *ret_detail) {
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 && errno == EEXIST) return refuse(GJ_ERR_CONFLICT, ret_detail, "%s exists already", path);
    if (fd < 0) return refuse(GJ_ERR_IO, ret_detail, "%s: %s", path, strerror(errno));
    (void)close(fd);
    if (sync_folder(path) == 0) return GJ_OK;
    enum gj_err err = refuse(GJ_ERR_IO, ret_detail, "the folder of %s: %s", path, strerror(errno));
    (void)unlink(path);
    return err;
}

static enum gj_err check_file(const char *path, char *ret_detail) {
    struct stat found;
    if (stat(path, &found) != 0) {
        enum gj_err err = errno == ENOENT ? GJ_ERR_NOT_FOUND : GJ_ERR_IO;
        return refuse(err, ret_detail, "%s: %s", path, strerror(errno));
    }
    if (!S_ISREG(found.st_mode)) return refuse(GJ_ERR_IO, ret_detail, "%s is not a file", path);
    return GJ_OK;
}

/* --- the connection ----------------------------------------------------------------------------------- */

static enum gj_err set(sqlite3 *db, const char *pragma, char *ret_detail) {
    int code = sqlite3_exec(db, pragma, NULL, NULL, NULL);
    if (code == SQLITE_OK) return GJ_OK;
    bool broken = false;
    return refuse(gj_sqlite_err(db, code, &broken), ret_detail, "%s: %s", pragma, sqlite3_errmsg(db));
}

/* Tells after each commit how long the log is; nothing is written back here. */
static int on_commit(void *ctx, sqlite3 *db, const char *schema, int pages) {
    (void)db;
    (void)schema;
    ((struct gj_sqlite *)ctx)->wal_pages = pages;
    return SQLITE_OK;
}

static enum gj_err connect_file(struct gj_sqlite *sqlite, char *ret_detail) {
    int flags = SQLITE_OPEN_NOMUTEX | (sqlite->read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE);
    int code = sqlite3_open_v2(sqlite->path, &sqlite->db, flags, NULL);
    if (code != SQLITE_OK)
        return refuse(GJ_ERR_STORE, ret_detail, "%s: %s", sqlite->path, sqlite3_errstr(code));
    (void)sqlite3_extended_result_codes(sqlite->db, 1);
    (void)sqlite3_busy_timeout(sqlite->db, GJ_SQLITE_BUSY_MS);
    (void)sqlite3_db_config(sqlite->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    (void)sqlite3_db_config(sqlite->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    /* Else the name of a missing column would be taken for a text. */
    (void)sqlite3_db_config(sqlite->db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    (void)sqlite3_wal_hook(sqlite->db, on_commit, sqlite); /* also takes the place of automatic checkpoints */
    char cache[60];
    (void)snprintf(cache, sizeof(cache), "PRAGMA cache_size=-%d", GJ_SQLITE_CACHE_KIB);
    return set(sqlite->db, cache, ret_detail);
}

/* A log that survives a power cut with every transaction that commit() has confirmed. */
static enum gj_err make_durable(struct gj_sqlite *sqlite, char *ret_detail) {
    GJ_TRY(set(sqlite->db, "PRAGMA journal_mode=WAL", ret_detail));
    GJ_TRY(set(sqlite->db, "PRAGMA synchronous=FULL", ret_detail));
    sqlite3_stmt *stmt = NULL;
    int code = sqlite3_prepare_v2(sqlite->db, "PRAGMA journal_mode", -1, &stmt, NULL);
    if (code == SQLITE_OK) code = sqlite3_step(stmt);
    bool is_wal =
        code == SQLITE_ROW && sqlite3_stricmp((const char *)sqlite3_column_text(stmt, 0), "wal") == 0;
    (void)sqlite3_finalize(stmt);
    if (is_wal) return GJ_OK;
    return refuse(GJ_ERR_STORE, ret_detail, "%s: this file system cannot keep a write-ahead log",
                  sqlite->path);
}

static enum gj_err open_writing(struct gj_sqlite *sqlite, enum gj_store_mode mode, char *ret_detail) {
    int version = 0;
    GJ_TRY(take_lock(sqlite, ret_detail));
    GJ_TRY(mode == GJ_STORE_CREATE ? create_file(sqlite->path, ret_detail)
                                   : check_file(sqlite->path, ret_detail));
    if (mode == GJ_STORE_WRITE && gj_store_reread(sqlite->path) != GJ_OK)
        return refuse(GJ_ERR_IO, ret_detail, "%s: %s", sqlite->path, strerror(errno));
    GJ_TRY(connect_file(sqlite, ret_detail));
    if (mode == GJ_STORE_WRITE) GJ_TRY(gj_sqlite_check_identity(sqlite->db, &version, ret_detail));
    GJ_TRY(make_durable(sqlite, ret_detail));
    GJ_TRY(gj_sqlite_migrate(sqlite->db, version, ret_detail));
    /* The log came into being, and a journal before it went: neither may come undone later. */
    if (mode != GJ_STORE_CREATE || sync_folder(sqlite->path) == 0) return GJ_OK;
    return refuse(GJ_ERR_IO, ret_detail, "the folder of %s: %s", sqlite->path, strerror(errno));
}

static enum gj_err open_reading(struct gj_sqlite *sqlite, char *ret_detail) {
    int version = 0;
    GJ_TRY(check_file(sqlite->path, ret_detail));
    GJ_TRY(connect_file(sqlite, ret_detail));
    GJ_TRY(gj_sqlite_check_identity(sqlite->db, &version, ret_detail));
    if (version == gj_sqlite_version()) return GJ_OK;
    return refuse(GJ_ERR_STORE, ret_detail,
                  "%s has version %d; start the node once to bring it to version %d", sqlite->path, version,
                  gj_sqlite_version());
}

/* --- the store ------------------------------------------------------------------------------------------ */

static struct gj_sqlite *sqlite_new(const char *path, const struct gj_catalogue *catalogue) {
    struct gj_sqlite *sqlite = calloc(1, sizeof(*sqlite));
    if (sqlite == NULL) return NULL;
    sqlite->head.ops = &gj_sqlite_ops.port;
    sqlite->lock_fd = -1;
    sqlite->path = strdup(path);
    sqlite->tables = calloc(catalogue->n > 0 ? catalogue->n : 1, sizeof(*sqlite->tables));
    if (sqlite->path == NULL || sqlite->tables == NULL) {
        gj_sqlite_free(sqlite);
        return NULL;
    }
    sqlite->n_tables = catalogue->n;
    for (size_t i = 0; i < catalogue->n; i++) {
        gj_layout_init(&sqlite->tables[i].layout, catalogue->tables[i]);
    }
    return sqlite;
}

static void finalize_table(struct gj_sqlite_table *table) {
    (void)sqlite3_finalize(table->get);
    (void)sqlite3_finalize(table->put);
    (void)sqlite3_finalize(table->del);
    for (uint32_t i = 0; i < GJ_ORDERS_MAX; i++) {
        for (uint32_t n = 0; n <= GJ_INDEX_COLUMNS_MAX; n++) {
            (void)sqlite3_finalize(table->finds[i][n][0]);
            (void)sqlite3_finalize(table->finds[i][n][1]);
        }
    }
}

void gj_sqlite_free(struct gj_sqlite *sqlite) {
    for (size_t i = 0; i < sqlite->n_tables; i++)
        finalize_table(&sqlite->tables[i]);
    (void)sqlite3_close(sqlite->db);
    /* Last: until here nobody else may open the file for writing. */
    if (sqlite->lock_fd >= 0) (void)close(sqlite->lock_fd);
    free(sqlite->tables);
    free(sqlite->scratch);
    free(sqlite->path);
    free(sqlite);
}

/* Takes back a file that we made and that never became a store. */
static void remove_file(const char *path) {
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    char name[4096];
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        int n = snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);
        if (n > 0 && (size_t)n < sizeof(name)) (void)unlink(name);
    }
}

enum gj_err gj_store_open_sqlite(const char *path, enum gj_store_mode mode,
                                 const struct gj_catalogue *catalogue, struct gj_store **ret,
                                 char *ret_detail) {
    char unwanted[GJ_STORE_DETAIL_CAP];
    char *detail = ret_detail != NULL ? ret_detail : unwanted;
    detail[0] = '\0';
    /* SQLite takes "" and ":memory:" for stores that are gone with the process. */
    if (path[0] == '\0' || path[0] == ':')
        return refuse(GJ_ERR_BAD_CONFIG, detail, "\"%s\" is not a file", path);

    struct gj_sqlite *sqlite = sqlite_new(path, catalogue);
    if (sqlite == NULL) return refuse(GJ_ERR_NO_MEMORY, detail, "out of memory");
    sqlite->read_only = mode == GJ_STORE_READ;
    enum gj_err err = sqlite->read_only ? open_reading(sqlite, detail) : open_writing(sqlite, mode, detail);
    if (err == GJ_OK) {
        err = gj_sqlite_prepare_all(sqlite);
        if (err != GJ_OK) (void)refuse(err, detail, "%s: %s", path, sqlite->head.detail);
    }
    if (err == GJ_OK) {
        *ret = &sqlite->head;
        return GJ_OK;
    }
    if (mode == GJ_STORE_CREATE && sqlite->db != NULL) remove_file(path); /* still under its lock */
    gj_sqlite_free(sqlite);
    return err;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Whose file it is, of which version, and the way to the present version: schemas/sql/NNNN_name.sql, built
 * into the program, applied one by one. It must never touch a file of another program or a newer one.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "store/sqlite.h"

struct migration {
    int number;
    const char *name;
    const unsigned char *sql;
};

#include "migrations.inc" /* migrations[], numbered 1, 2, 3 ...: made by embed_sql.sh */

int gj_sqlite_version(void) {
    return (int)(sizeof(migrations) / sizeof(migrations[0]));
}

__attribute__((format(printf, 2, 3))) static void say(char *ret_detail, const char *format, ...) {
    va_list args;
    va_start(args, format);
    (void)vsnprintf(ret_detail, GJ_STORE_DETAIL_CAP, format, args);
    va_end(args);
}

static enum gj_err failed(sqlite3 *db, int code, const char *what, char *ret_detail) {
    bool broken = false;
    say(ret_detail, "%s: %s", what, sqlite3_errmsg(db));
    return gj_sqlite_err(db, code, &broken);
}

static enum gj_err read_pragma(sqlite3 *db, const char *sql, int64_t *ret, char *ret_detail) {
    sqlite3_stmt *stmt = NULL;
    int code = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);
    if (code == SQLITE_OK) code = sqlite3_step(stmt);
    if (code == SQLITE_ROW) *ret = sqlite3_column_int64(stmt, 0);
    enum gj_err err = code == SQLITE_ROW ? GJ_OK : failed(db, code, sql, ret_detail);
    (void)sqlite3_finalize(stmt);
    return err;
}

enum gj_err gj_sqlite_check_identity(sqlite3 *db, int *ret_version, char *ret_detail) {
    int64_t application = 0, version = 0;
    GJ_TRY(read_pragma(db, "PRAGMA application_id", &application, ret_detail));
    GJ_TRY(read_pragma(db, "PRAGMA user_version", &version, ret_detail));
    if (application != GJ_SQLITE_APPLICATION_ID || version < 1) {
        say(ret_detail,
            "the file is empty or not a store of this program (application_id %" PRId64 ", version %" PRId64
            ")",
            application, version);
        return GJ_ERR_STORE;
    }
    if (version > gj_sqlite_version()) {
        say(ret_detail, "the file has version %" PRId64 ", this program knows versions up to %d", version,
            gj_sqlite_version());
        return GJ_ERR_STORE_NEWER;
    }
    *ret_version = (int)version;
    return GJ_OK;
}

static enum gj_err run(sqlite3 *db, const char *sql, const char *what, char *ret_detail) {
    int code = sqlite3_exec(db, sql, NULL, NULL, NULL);
    return code == SQLITE_OK ? GJ_OK : failed(db, code, what, ret_detail);
}

static enum gj_err apply(sqlite3 *db, const struct migration *migration, char *ret_detail) {
    char stamp[120];
    (void)snprintf(stamp, sizeof(stamp), "PRAGMA application_id=%d; PRAGMA user_version=%d",
                   GJ_SQLITE_APPLICATION_ID, migration->number);
    GJ_TRY(run(db, "BEGIN IMMEDIATE", migration->name, ret_detail));
    GJ_TRY(run(db, (const char *)migration->sql, migration->name, ret_detail));
    if (sqlite3_get_autocommit(db)) {
        say(ret_detail, "%s: a migration must not end its transaction", migration->name);
        return GJ_ERR_INTERNAL;
    }
    GJ_TRY(run(db, stamp, migration->name, ret_detail));
    return run(db, "COMMIT", migration->name, ret_detail);
}

enum gj_err gj_sqlite_migrate(sqlite3 *db, int version, char *ret_detail) {
    for (int i = version; i < gj_sqlite_version(); i++) {
        enum gj_err err = apply(db, &migrations[i], ret_detail);
        if (err == GJ_OK) continue;
        /* The connection is closed next; what was not committed is gone with it. */
        if (!sqlite3_get_autocommit(db)) (void)sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
        return err;
    }
    return GJ_OK;
}

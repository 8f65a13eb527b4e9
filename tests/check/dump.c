/* SPDX-License-Identifier: Apache-2.0
 *
 * A store read as any other program would read it: tables and columns as the file itself describes them, values as
 * plain SQL gives them. Opened for reading only; a log that a killed node left beside it is read with it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "base/check.h"
#include "check.h"

#define TABLES_MAX  64
#define COLUMNS_MAX 64
#define DIGEST      33
#define NAME_CAP    64
#define SQL_CAP     512
#define BUSY_MS     60000 /* a node that recovers or closes its store beside us locks it for a moment */

/* A table's description in the checker's terms, made of what the file says of itself. */
struct described {
    struct gj_table table;
    struct gj_shape shape;
    struct gj_field fields[COLUMNS_MAX];
    char name[NAME_CAP], names[COLUMNS_MAX][NAME_CAP];
};

struct check_dump {
    sqlite3 *db;
    char path[4096], node[CHECK_NAME_MAX + 1];
    struct described *tables[TABLES_MAX];
    size_t n;
};

static bool refuse(const struct check_dump *dump, const char *what, const char *why) {
    (void)fprintf(stderr, "gongji-check: %s: %s: %s\n", dump->path, what, why);
    return false;
}

static sqlite3_stmt *prepare(struct check_dump *dump, const char *sql) {
    sqlite3_stmt *stmt = NULL;
    if (sqlite3_prepare_v2(dump->db, sql, -1, &stmt, NULL) != SQLITE_OK)
        (void)refuse(dump, sql, sqlite3_errmsg(dump->db));
    return stmt;
}

/* --- what the file says of itself ------------------------------------------------------------------------ */
/* The longest text of a column, so that none is cut. */
static bool longest_text(struct check_dump *dump, const char *table, const char *column, int64_t *ret) {
    char sql[SQL_CAP];
    (void)snprintf(sql, sizeof sql, "SELECT max(length(CAST(\"%s\" AS BLOB))) FROM \"%s\"", column, table);
    sqlite3_stmt *stmt = prepare(dump, sql);
    bool is_there = stmt != NULL && sqlite3_step(stmt) == SQLITE_ROW;
    *ret = is_there ? sqlite3_column_int64(stmt, 0) : 0;
    (void)sqlite3_finalize(stmt);
    return is_there || refuse(dump, column, "cannot be read");
}

/* A column's place in the record, behind the |size| bytes that are taken. Digests are 33 bytes inline. */
static bool describe_column(struct check_dump *dump, struct described *of, const char *name,
                            const char *type) {
    struct gj_field *field = &of->fields[of->shape.n_fields];
    size_t align = sizeof(int64_t), size = sizeof(int64_t);
    if (of->shape.n_fields == COLUMNS_MAX || strlen(name) >= NAME_CAP)
        return refuse(dump, of->name, "more or longer columns than expected");
    (void)snprintf(of->names[of->shape.n_fields], NAME_CAP, "%s", name);
    *field = (struct gj_field){.name = of->names[of->shape.n_fields++], .type = GJ_FIELD_I64};
    if (strcmp(type, "TEXT") == 0) {
        field->type = GJ_FIELD_TEXT;
        if (!longest_text(dump, of->name, name, &field->max)) return false;
        size = (size_t)field->max + 1;
    } else if (strcmp(type, "BLOB") == 0) {
        bool is_digest = strcmp(name, "digest") == 0;
        field->type = is_digest ? GJ_FIELD_DIGEST : GJ_FIELD_BIN;
        size = is_digest ? DIGEST : sizeof(struct gj_slice);
    } else if (strcmp(type, "INTEGER") != 0) {
        return refuse(dump, name, "a column of an unknown type");
    }
    field->offset = (uint32_t)of->shape.size;
    of->shape.size += (size + align - 1) / align * align;
    return true;
}

/* Key columns first, in the key's order. */
static bool describe_table(struct check_dump *dump, const char *name) {
    char sql[SQL_CAP];
    bool ok = true;
    struct described *of = calloc(1, sizeof *of);
    GJ_ASSERT(of != NULL);
    if (dump->n == TABLES_MAX || strlen(name) >= NAME_CAP) {
        free(of);
        return refuse(dump, name, "more tables than expected");
    }
    dump->tables[dump->n++] = of;
    (void)snprintf(of->name, sizeof of->name, "%s", name);
    of->table = (struct gj_table){.name = of->name, .shape = &of->shape};
    of->shape = (struct gj_shape){.name = of->name, .fields = of->fields};
    (void)snprintf(sql, sizeof sql,
                   "SELECT name, type, pk FROM pragma_table_info('%s') ORDER BY pk = 0, pk, cid", name);
    sqlite3_stmt *stmt = prepare(dump, sql);
    while (ok && stmt != NULL && sqlite3_step(stmt) == SQLITE_ROW) {
        of->table.key_fields += sqlite3_column_int(stmt, 2) > 0;
        ok = describe_column(dump, of, (const char *)sqlite3_column_text(stmt, 0),
                             (const char *)sqlite3_column_text(stmt, 1));
    }
    (void)sqlite3_finalize(stmt);
    return ok && (of->table.key_fields > 0 || refuse(dump, name, "a table without a key"));
}

static bool describe(struct check_dump *dump) {
    bool ok = true;
    sqlite3_stmt *stmt =
        prepare(dump, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name != 'batch'"
                      " AND name NOT LIKE 'sqlite_%'");
    while (ok && stmt != NULL && sqlite3_step(stmt) == SQLITE_ROW)
        ok = describe_table(dump, (const char *)sqlite3_column_text(stmt, 0));
    (void)sqlite3_finalize(stmt);
    return ok && (dump->n > 0 || refuse(dump, "it", "has no table"));
}

static void read_node(struct check_dump *dump) {
    sqlite3_stmt *stmt = prepare(dump, "SELECT node FROM node");
    if (stmt != NULL && sqlite3_step(stmt) == SQLITE_ROW)
        (void)snprintf(dump->node, sizeof dump->node, "%s", (const char *)sqlite3_column_text(stmt, 0));
    (void)sqlite3_finalize(stmt);
}

struct check_dump *check_dump_open(const char *path) {
    struct check_dump *dump = calloc(1, sizeof *dump);
    GJ_ASSERT(dump != NULL);
    (void)snprintf(dump->path, sizeof dump->path, "%s", path);
    bool ok = sqlite3_open_v2(path, &dump->db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK &&
              sqlite3_busy_timeout(dump->db, BUSY_MS) == SQLITE_OK &&
              sqlite3_exec(dump->db, "BEGIN", NULL, NULL, NULL) == SQLITE_OK;
    if (!ok) (void)refuse(dump, "cannot be opened", sqlite3_errmsg(dump->db));
    if (ok && describe(dump)) {
        read_node(dump);
        return dump;
    }
    check_dump_close(&dump);
    return NULL;
}

const char *check_dump_node(const struct check_dump *dump) {
    return dump->node;
}

/* --- records --------------------------------------------------------------------------------------------- */
/* BINs are lent: the checker copies them. */
static bool read_record(const struct described *of, sqlite3_stmt *stmt, uint8_t *rec) {
    memset(rec, 0, of->shape.size);
    for (uint32_t i = 0; i < of->shape.n_fields; i++) {
        const struct gj_field *field = &of->fields[i];
        size_t len = (size_t)sqlite3_column_bytes(stmt, (int)i);
        const void *bytes = sqlite3_column_blob(stmt, (int)i);
        int64_t number = sqlite3_column_int64(stmt, (int)i);
        struct gj_slice slice = gj_slice_of(bytes, bytes == NULL ? 0 : len);
        void *to = rec + field->offset;
        bool is_zero_inside = field->type == GJ_FIELD_TEXT && len > 0 && memchr(bytes, 0, len) != NULL;
        bool is_short = field->type == GJ_FIELD_DIGEST && len != DIGEST;
        if (is_zero_inside || is_short) return false;
        if (field->type == GJ_FIELD_I64) memcpy(to, &number, sizeof number);
        if (field->type == GJ_FIELD_BIN) memcpy(to, &slice, sizeof slice);
        if (field->type == GJ_FIELD_TEXT || field->type == GJ_FIELD_DIGEST)
            if (len > 0) memcpy(to, bytes, len);
    }
    return true;
}

static bool read_table(struct check_dump *dump, const struct described *of, struct ck *ck, size_t node) {
    char sql[4096];
    int code = SQLITE_ERROR;
    bool ok = true;
    size_t len = (size_t)snprintf(sql, sizeof sql, "SELECT ");
    for (uint32_t i = 0; i < of->shape.n_fields && len < sizeof sql; i++)
        len += (size_t)snprintf(sql + len, sizeof sql - len, "%s\"%s\"", i == 0 ? "" : ", ", of->names[i]);
    if (len < sizeof sql) len += (size_t)snprintf(sql + len, sizeof sql - len, " FROM \"%s\"", of->name);
    if (len >= sizeof sql) return refuse(dump, of->name, "too many columns");
    uint8_t *rec = malloc(of->shape.size);
    GJ_ASSERT(rec != NULL);
    sqlite3_stmt *stmt = prepare(dump, sql);
    while (ok && stmt != NULL && (code = sqlite3_step(stmt)) == SQLITE_ROW) {
        ok = read_record(of, stmt, rec) || refuse(dump, of->name, "a value that its column cannot have");
        if (ok) ck_dump_put(ck, node, &of->table, rec);
    }
    (void)sqlite3_finalize(stmt);
    free(rec);
    return ok && (code == SQLITE_DONE || refuse(dump, of->name, sqlite3_errmsg(dump->db)));
}

bool check_dump_read(struct check_dump *dump, struct ck *ck, size_t node) {
    for (size_t i = 0; i < dump->n; i++)
        if (!read_table(dump, dump->tables[i], ck, node)) return false;
    return true;
}

void check_dump_close(struct check_dump **dump_p) {
    struct check_dump *dump = *dump_p;
    if (dump == NULL) return;
    *dump_p = NULL;
    for (size_t i = 0; i < dump->n; i++)
        free(dump->tables[i]);
    (void)sqlite3_close(dump->db);
    free(dump);
}

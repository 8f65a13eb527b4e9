/* SPDX-License-Identifier: Apache-2.0
 *
 * One field as a parameter, one column as a field. What comes from the file is checked against the shape:
 * a file that somebody changed by hand must give an error, never a write past a text's end.
 */
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/ids.h"
#include "store/sqlite.h"

static int bind_txid(sqlite3_stmt *stmt, int at, const struct gj_txid *txid) {
    char text[GJ_TXID_TEXT_CAP] = "";
    if (!gj_txid_is_none(txid)) (void)gj_txid_format(text, txid);
    return sqlite3_bind_text(stmt, at, text, -1, SQLITE_TRANSIENT);
}

int gj_sqlite_bind(sqlite3_stmt *stmt, int at, const struct gj_field *field, const void *rec) {
    const void *value = (const uint8_t *)rec + field->offset;
    switch (field->type) {
    case GJ_FIELD_U64:
    case GJ_FIELD_I64:
    case GJ_FIELD_FEN:
    case GJ_FIELD_DATE:
    case GJ_FIELD_BOOL:
        return sqlite3_bind_int64(stmt, at, gj_field_integer(field, rec));
    case GJ_FIELD_TEXT:
        return sqlite3_bind_text(stmt, at, value, -1, SQLITE_STATIC);
    case GJ_FIELD_TXID:
        return bind_txid(stmt, at, value);
    case GJ_FIELD_FIX:
    case GJ_FIELD_DIGEST:
        return sqlite3_bind_blob(stmt, at, value, (int)field->max, SQLITE_STATIC);
    case GJ_FIELD_BIN: {
        const struct gj_slice *bin = value;
        if (bin->len == 0) return sqlite3_bind_zeroblob(stmt, at, 0); /* a NULL pointer would bind NULL */
        return sqlite3_bind_blob64(stmt, at, bin->ptr, bin->len, SQLITE_STATIC);
    }
    case GJ_FIELD_MAP:
    case GJ_FIELD_LIST:
        break;
    }
    gj_assert_failed("a table's field has a type that tables allow", __FILE__, __LINE__);
}

static bool read_integer(const struct gj_field *field, int64_t stored, void *ret) {
    switch (field->type) {
    case GJ_FIELD_U64:
        if (stored < 0) return false;
        *(uint64_t *)ret = (uint64_t)stored;
        return true;
    case GJ_FIELD_DATE:
        if (stored < 0 || stored > INT32_MAX) return false;
        *(gj_date *)ret = (gj_date)stored;
        return true;
    case GJ_FIELD_BOOL:
        if (stored != 0 && stored != 1) return false;
        *(bool *)ret = stored == 1;
        return true;
    case GJ_FIELD_I64:
    case GJ_FIELD_FEN:
        *(int64_t *)ret = stored;
        return true;
    case GJ_FIELD_TEXT:
    case GJ_FIELD_BIN:
    case GJ_FIELD_FIX:
    case GJ_FIELD_TXID:
    case GJ_FIELD_DIGEST:
    case GJ_FIELD_MAP:
    case GJ_FIELD_LIST:
        break;
    }
    return false;
}

static bool read_bytes(struct gj_sqlite *sqlite, const struct gj_field *field, struct gj_slice stored,
                       struct gj_arena *arena, void *ret) {
    switch (field->type) {
    case GJ_FIELD_TEXT:
        return gj_text_from_slice(ret, (size_t)field->max + 1, stored) == GJ_OK;
    case GJ_FIELD_TXID:
        return stored.len == 0 || gj_txid_parse((const char *)stored.ptr, stored.len, ret) == GJ_OK;
    case GJ_FIELD_FIX:
    case GJ_FIELD_DIGEST:
        if (stored.len != (size_t)field->max) return false;
        memcpy(ret, stored.ptr, stored.len);
        return true;
    case GJ_FIELD_BIN:
        if (stored.len > (size_t)field->max) return false;
        *(struct gj_slice *)ret = gj_driver_copy(&sqlite->head, arena, stored);
        return true;
    case GJ_FIELD_U64:
    case GJ_FIELD_I64:
    case GJ_FIELD_FEN:
    case GJ_FIELD_DATE:
    case GJ_FIELD_BOOL:
    case GJ_FIELD_MAP:
    case GJ_FIELD_LIST:
        break;
    }
    return false;
}

static bool read_column(struct gj_sqlite *sqlite, sqlite3_stmt *stmt, int column,
                        const struct gj_field *field, struct gj_arena *arena, void *ret_rec) {
    void *ret = (uint8_t *)ret_rec + field->offset;
    int type = sqlite3_column_type(stmt, column);
    if (type == SQLITE_INTEGER) return read_integer(field, sqlite3_column_int64(stmt, column), ret);
    bool is_text = field->type == GJ_FIELD_TEXT || field->type == GJ_FIELD_TXID;
    if (type != (is_text ? SQLITE_TEXT : SQLITE_BLOB)) return false;
    const void *bytes =
        is_text ? (const void *)sqlite3_column_text(stmt, column) : sqlite3_column_blob(stmt, column);
    size_t len = (size_t)sqlite3_column_bytes(stmt, column);
    if (bytes == NULL && len > 0) return false;
    return read_bytes(sqlite, field, gj_slice_of(bytes, len), arena, ret);
}

bool gj_sqlite_read(struct gj_sqlite *sqlite, sqlite3_stmt *stmt, const struct gj_table *table,
                    struct gj_arena *arena, void *ret_rec) {
    memset(ret_rec, 0, table->shape->size);
    for (uint32_t i = 0; i < table->shape->n_fields; i++) {
        const struct gj_field *field = &table->shape->fields[i];
        if (read_column(sqlite, stmt, (int)i, field, arena, ret_rec)) continue;
        gj_driver_fail(&sqlite->head, GJ_ERR_STORE,
                       "%s.%s: the file holds a value that the column cannot have", table->name, field->name);
        return false;
    }
    return sqlite->head.err == GJ_OK;
}

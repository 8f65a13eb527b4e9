/* SPDX-License-Identifier: Apache-2.0
 *
 * What the store's tests share: tables of their own, a folder per test, a store of either driver with those
 * tables, records out of a seed. For test programs of this folder only.
 */
#ifndef GJ_TESTS_STORE_KIT_H
#define GJ_TESTS_STORE_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <signal.h>

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/money.h"
#include "store/layout.h"
#include "store/store.h"

#include "base/shape_struct.h"
#include "store/kit_tables.def"
#include "base/shape_undef.h"
#include "base/shape_desc.h"
#include "store/kit_tables.def"
#include "base/shape_undef.h"

static const struct gj_table table_thing = {
    .name = "thing",
    .shape = &gj_shape_thing,
    .key_fields = 2,
    .indexes = {{.name = "thing_by_by", .columns = {"by", "day"}},
                {.name = "thing_by_token", .unique = true, .columns = {"token"}},
                {.name = "thing_by_txid", .columns = {"txid"}},
                {.name = "thing_by_flag", .columns = {"flag", "number", "digest", "region"}}},
    .n_indexes = 4};
static const struct gj_table table_mark = {.name = "mark", .shape = &gj_shape_mark, .key_fields = 1};
static const struct gj_table table_large = {.name = "large", .shape = &gj_shape_large, .key_fields = 1};
static const struct gj_table *const kit_tables[] = {&table_thing, &table_mark, &table_large};
static const struct gj_catalogue kit_catalogue = {.tables = kit_tables, .n = 3};

#define KIT_ARENA_BYTES (24u * 1024u * 1024u)

struct kit {
    char folder[64];
    char path[96];
    struct gj_store *store;
    struct gj_arena arena;
    void *memory;
};

/* --- DDL out of descriptions ------------------------------------------------------------------------ */

static inline const char *kit_type(const struct gj_field *field) {
    switch (field->type) {
    case GJ_FIELD_U64:
    case GJ_FIELD_I64:
    case GJ_FIELD_FEN:
    case GJ_FIELD_DATE:
    case GJ_FIELD_BOOL:
        return "INTEGER";
    case GJ_FIELD_TEXT:
    case GJ_FIELD_TXID:
        return "TEXT";
    case GJ_FIELD_BIN:
    case GJ_FIELD_FIX:
    case GJ_FIELD_DIGEST:
        return "BLOB";
    case GJ_FIELD_MAP:
    case GJ_FIELD_LIST:
        break;
    }
    return "?";
}

__attribute__((format(printf, 3, 4))) static inline void kit_add(char *sql, size_t cap, const char *format,
                                                                 ...) {
    size_t at = strlen(sql);
    va_list args;
    va_start(args, format);
    (void)vsnprintf(sql + at, cap - at, format, args);
    va_end(args);
}

static inline void kit_add_columns(char *sql, size_t cap, const struct gj_order *order, uint32_t n) {
    for (uint32_t i = 0; i < n; i++)
        kit_add(sql, cap, "%s\"%s\"", i > 0 ? "," : "", order->columns[i]->name);
}

/* What a migration would have to say for |table|, without comments and checks. */
static inline void kit_ddl(const struct gj_table *table, char *sql, size_t cap) {
    struct gj_layout layout;
    gj_layout_init(&layout, table);
    sql[0] = '\0';
    kit_add(sql, cap, "CREATE TABLE \"%s\" (", table->name);
    for (uint32_t i = 0; i < table->shape->n_fields; i++) {
        const struct gj_field *field = &table->shape->fields[i];
        kit_add(sql, cap, "\"%s\" %s NOT NULL,", field->name, kit_type(field));
    }
    kit_add(sql, cap, "PRIMARY KEY (");
    kit_add_columns(sql, cap, &layout.orders[0], table->key_fields);
    kit_add(sql, cap, ")) STRICT;");
    for (uint32_t i = 1; i < layout.n_orders; i++) {
        const struct gj_order *order = &layout.orders[i];
        kit_add(sql, cap, "CREATE %s INDEX \"%s\" ON ", order->unique ? "UNIQUE" : "", order->index->name);
        kit_add(sql, cap, "\"%s\" (", table->name);
        kit_add_columns(sql, cap, order, order->unique ? order->n_own : order->n_columns);
        kit_add(sql, cap, ");");
    }
}

/* --- files and stores -------------------------------------------------------------------------------- */

/* Runs SQL behind the store's back. */
static inline int kit_exec(const char *path, const char *sql) {
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    int code = sqlite3_exec(db, sql, NULL, NULL, NULL);
    (void)sqlite3_close(db);
    return code;
}

static inline void kit_folder(struct kit *kit) {
    const char *tmp = getenv("TMPDIR");
    (void)snprintf(kit->folder, sizeof(kit->folder), "%.40s/gj-store-XXXXXX", tmp != NULL ? tmp : "/tmp");
    assert_non_null(mkdtemp(kit->folder));
    (void)snprintf(kit->path, sizeof(kit->path), "%s/store.db", kit->folder);
    kit->memory = malloc(KIT_ARENA_BYTES);
    assert_non_null(kit->memory);
    gj_arena_init(&kit->arena, kit->memory, KIT_ARENA_BYTES);
}

static inline void kit_open_memory(struct kit *kit) {
    assert_int_equal(gj_store_open_memory(&kit_catalogue, &kit->store), GJ_OK);
}

/* A store file that has the kit's tables beside the real ones. */
static inline void kit_make_file(struct kit *kit) {
    static const struct gj_catalogue none = {NULL, 0};
    char detail[200], sql[4096];
    struct gj_store *store = NULL;
    if (gj_store_open_sqlite(kit->path, GJ_STORE_CREATE, &none, &store, detail) != GJ_OK) {
        fail_msg("%s", detail);
    }
    gj_store_close(&store);
    for (size_t i = 0; i < kit_catalogue.n; i++) {
        kit_ddl(kit_catalogue.tables[i], sql, sizeof(sql));
        assert_int_equal(kit_exec(kit->path, sql), SQLITE_OK);
    }
    /* One index without the key behind it: the order must come from the statement, not by luck. */
    assert_int_equal(
        kit_exec(kit->path, "DROP INDEX thing_by_txid; CREATE INDEX thing_by_txid ON thing (txid)"),
        SQLITE_OK);
}

static inline enum gj_err kit_reopen(struct kit *kit, enum gj_store_mode mode, char *ret_detail) {
    return gj_store_open_sqlite(kit->path, mode, &kit_catalogue, &kit->store, ret_detail);
}

static inline void kit_open_sqlite(struct kit *kit) {
    char detail[200];
    kit_make_file(kit);
    if (kit_reopen(kit, GJ_STORE_WRITE, detail) != GJ_OK) fail_msg("%s", detail);
}

static inline void kit_done(struct kit *kit) {
    static const char *const names[] = {"store.db", "store.db-wal", "store.db-shm", "store.db.lock"};
    char path[128];
    gj_store_close(&kit->store);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", kit->folder, names[i]);
        (void)unlink(path);
    }
    (void)rmdir(kit->folder);
    free(kit->memory);
}

static inline void kit_begin(struct kit *kit) {
    kit->store->ops->begin(kit->store);
}

static inline void kit_commit(struct kit *kit) {
    assert_string_equal(kit->store->detail, "");
    assert_int_equal(kit->store->ops->commit(kit->store), GJ_OK);
}

static inline void kit_rollback(struct kit *kit) {
    kit->store->ops->rollback(kit->store);
}

static inline void kit_put_mark(struct kit *kit, uint64_t at) {
    struct gj_mark mark = {.at = at};
    gj_store_put(kit->store, &table_mark, &mark);
}

static inline void kit_put_large(struct kit *kit, uint64_t at, size_t len) {
    uint8_t *bytes = malloc(len);
    assert_non_null(bytes);
    memset(bytes, (int)at + 1, len);
    struct gj_large large = {.at = at, .bytes = gj_slice_of(bytes, len)};
    gj_store_put(kit->store, &table_large, &large);
    free(bytes);
}

/* The number of records that a find gives; 0 if the store has failed. */
static inline size_t kit_count(struct kit *kit, struct gj_store *store, const struct gj_table *table) {
    struct gj_rows rows;
    gj_arena_reset(&kit->arena);
    gj_store_find(store, table, NULL, NULL, 0, NULL, SIZE_MAX, &kit->arena, &rows);
    return rows.n;
}

/* --- records ------------------------------------------------------------------------------------------ */

/* xorshift64*: the same numbers on every machine. */
static inline uint64_t kit_random(uint64_t *state) {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(2685821657736338717);
}

static inline uint64_t kit_below(uint64_t *state, uint64_t n) {
    return kit_random(state) % n;
}

/* Few values per column, so that keys meet and columns are equal often. |bytes| has room for 70000. */
static inline struct gj_thing kit_thing(uint64_t *seed, uint8_t *bytes) {
    static const char *const texts[] = {"", "a", "ab", "b", "甲", "a b", "A", "zzzzzzzzzzzz"};
    struct gj_thing thing = {.seq = kit_below(seed, 12),
                             .number = (int64_t)kit_below(seed, 7) - 3,
                             .amount = (int64_t)kit_below(seed, 1000),
                             .balance = (int64_t)kit_below(seed, 1000) - 500,
                             .day = kit_below(seed, 3) == 0 ? 0 : 20261100 + (gj_date)kit_below(seed, 5) + 1,
                             .flag = kit_below(seed, 2) == 1};
    gj_text_set(thing.region, sizeof(thing.region), texts[kit_below(seed, 3)]);
    gj_text_set(thing.by, sizeof(thing.by), texts[kit_below(seed, 8)]);
    uint64_t token = kit_below(seed, 4000);
    memcpy(thing.token, &token, sizeof(thing.token));
    thing.digest.bytes[0] = (uint8_t)kit_below(seed, 3);
    thing.digest.bytes[32] = (uint8_t)(kit_below(seed, 3) * 100);
    if (kit_below(seed, 4) > 0) {
        gj_text_set(thing.txid.coordinator, sizeof(thing.txid.coordinator), "330000");
        thing.txid.epoch = 1795000000;
        thing.txid.seq = 8 + kit_below(seed, 4); /* as texts: 10, 11, 8, 9 */
        thing.txid.attempt = (uint16_t)(1 + kit_below(seed, 2));
    }
    size_t len = kit_below(seed, 3) * kit_below(seed, 40);
    if (kit_below(seed, 200) == 0) len = 70000;
    memset(bytes, (int)kit_below(seed, 256), len);
    thing.bytes = gj_slice_of(bytes, len);
    return thing;
}

static inline bool kit_same_thing(const struct gj_thing *a, const struct gj_thing *b) {
    return strcmp(a->region, b->region) == 0 && a->seq == b->seq && a->number == b->number &&
           a->amount == b->amount && a->balance == b->balance && a->day == b->day && a->flag == b->flag &&
           strcmp(a->by, b->by) == 0 && gj_slice_equal(a->bytes, b->bytes) &&
           memcmp(a->token, b->token, sizeof(a->token)) == 0 && gj_txid_equal(&a->txid, &b->txid) &&
           gj_digest_equal(&a->digest, &b->digest);
}

/* Did |act| end its process with an assert? */
static inline bool kit_asserts(void (*act)(struct kit *), struct kit *kit) {
    (void)fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)!freopen("/dev/null", "w", stderr);
        act(kit);
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

#endif

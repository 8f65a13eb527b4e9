/* SPDX-License-Identifier: Apache-2.0
 *
 * The tables as the program describes them against the tables as schemas/sql/ makes them, both ways; and that
 * every find the port allows is served by an index, without sorting.
 */
#include "store/kit.h"
#include "store/sqlite.h"

#define SQL_MAX GJ_SQLITE_SQL_MAX

struct schema {
    struct kit kit;
    sqlite3 *db;
    int differences;
    bool quiet; /* differences are expected: count them only */
};

static int set_up(void **state) {
    struct schema *schema = calloc(1, sizeof(*schema));
    char detail[200];
    struct gj_store *store = NULL;
    assert_non_null(schema);
    kit_folder(&schema->kit);
    if (gj_store_open_sqlite(schema->kit.path, GJ_STORE_CREATE, gj_store_catalogue(), &store, detail) !=
        GJ_OK) {
        fail_msg("%s", detail);
    }
    gj_store_close(&store);
    assert_int_equal(sqlite3_open(schema->kit.path, &schema->db), SQLITE_OK);
    (void)sqlite3_db_config(schema->db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    *state = schema;
    return 0;
}

static int tear_down(void **state) {
    struct schema *schema = *state;
    (void)sqlite3_close(schema->db);
    kit_done(&schema->kit);
    free(schema);
    return 0;
}

__attribute__((format(printf, 2, 3))) static void differs(struct schema *schema, const char *format, ...) {
    schema->differences++;
    if (schema->quiet) return;
    va_list args;
    va_start(args, format);
    (void)vfprintf(stderr, format, args);
    va_end(args);
    (void)fputc('\n', stderr);
}

static sqlite3_stmt *query(struct schema *schema, const char *sql, const char *name) {
    sqlite3_stmt *stmt = NULL;
    assert_int_equal(sqlite3_prepare_v2(schema->db, sql, -1, &stmt, NULL), SQLITE_OK);
    if (name != NULL) assert_int_equal(sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC), SQLITE_OK);
    return stmt;
}

static const char *text(sqlite3_stmt *stmt, int column) {
    return (const char *)sqlite3_column_text(stmt, column);
}

/* --- one table ------------------------------------------------------------------------------------------- */

static void compare_columns(struct schema *schema, const struct gj_table *table) {
    sqlite3_stmt *stmt =
        query(schema, "SELECT name, type, \"notnull\", pk FROM pragma_table_xinfo(?)", table->name);
    uint32_t i = 0;
    for (; sqlite3_step(stmt) == SQLITE_ROW; i++) {
        if (i >= table->shape->n_fields) {
            differs(schema, "%s.%s: in SQL only", table->name, text(stmt, 0));
            continue;
        }
        const struct gj_field *field = &table->shape->fields[i];
        int pk = i < table->key_fields ? (int)i + 1 : 0;
        if (strcmp(text(stmt, 0), field->name) != 0) {
            differs(schema, "%s: column %u is %s in SQL, %s in C", table->name, i, text(stmt, 0),
                    field->name);
        }
        if (strcmp(text(stmt, 1), kit_type(field)) != 0) {
            differs(schema, "%s.%s: type %s in SQL, %s in C", table->name, field->name, text(stmt, 1),
                    kit_type(field));
        }
        if (sqlite3_column_int(stmt, 2) != 1)
            differs(schema, "%s.%s: not NOT NULL", table->name, field->name);
        if (sqlite3_column_int(stmt, 3) != pk) {
            differs(schema, "%s.%s: place %d in the key in SQL, %d in C", table->name, field->name,
                    sqlite3_column_int(stmt, 3), pk);
        }
    }
    (void)sqlite3_finalize(stmt);
    for (; i < table->shape->n_fields; i++) {
        differs(schema, "%s.%s: in C only", table->name, table->shape->fields[i].name);
    }
}

static void compare_index(struct schema *schema, const struct gj_order *order, bool is_unique) {
    uint32_t n = order->unique ? order->n_own : order->n_columns;
    const char *name = order->index->name;
    if (is_unique != order->unique) differs(schema, "%s: unique is not the same in SQL and C", name);
    sqlite3_stmt *stmt =
        query(schema, "SELECT name, \"desc\", coll FROM pragma_index_xinfo(?) WHERE key", name);
    uint32_t i = 0;
    for (; sqlite3_step(stmt) == SQLITE_ROW; i++) {
        if (i >= n || strcmp(text(stmt, 0), order->columns[i]->name) != 0) {
            differs(schema, "%s: column %u is %s in SQL, %s in C", name, i, text(stmt, 0),
                    i < n ? order->columns[i]->name : "none");
        }
        if (sqlite3_column_int(stmt, 1) != 0 || strcmp(text(stmt, 2), "BINARY") != 0) {
            differs(schema, "%s.%s: not in the order of bytes", name, text(stmt, 0));
        }
    }
    if (i < n) differs(schema, "%s: %u columns in SQL, %u in C", name, i, n);
    (void)sqlite3_finalize(stmt);
}

static void compare_indexes(struct schema *schema, const struct gj_table *table) {
    struct gj_layout layout;
    bool seen[GJ_ORDERS_MAX] = {true};
    gj_layout_init(&layout, table);
    sqlite3_stmt *stmt =
        query(schema, "SELECT name, \"unique\" FROM pragma_index_list(?) WHERE origin <> 'pk'", table->name);
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        uint32_t o = 1;
        while (o < layout.n_orders && strcmp(layout.orders[o].index->name, text(stmt, 0)) != 0)
            o++;
        if (o == layout.n_orders) {
            differs(schema, "%s: index %s in SQL only", table->name, text(stmt, 0));
            continue;
        }
        seen[o] = true;
        compare_index(schema, &layout.orders[o], sqlite3_column_int(stmt, 1) == 1);
    }
    (void)sqlite3_finalize(stmt);
    for (uint32_t o = 1; o < layout.n_orders; o++) {
        if (!seen[o]) differs(schema, "%s: index %s in C only", table->name, layout.orders[o].index->name);
    }
}

static void compare_table(struct schema *schema, const struct gj_table *table) {
    char ddl[SQL_MAX];
    int before = schema->differences;
    sqlite3_stmt *stmt = query(schema, "SELECT strict FROM pragma_table_list WHERE name = ?", table->name);
    if (sqlite3_step(stmt) != SQLITE_ROW) {
        differs(schema, "%s: in C only", table->name);
    } else if (sqlite3_column_int(stmt, 0) != 1) {
        differs(schema, "%s: not STRICT", table->name);
    }
    (void)sqlite3_finalize(stmt);
    compare_columns(schema, table);
    compare_indexes(schema, table);
    if (schema->differences == before || schema->quiet) return;
    kit_ddl(table, ddl, sizeof(ddl));
    (void)fprintf(stderr, "expected, but for checks and comments:\n%s\n", ddl);
}

static void compare(struct schema *schema) {
    const struct gj_catalogue *catalogue = gj_store_catalogue();
    schema->differences = 0;
    for (size_t i = 0; i < catalogue->n; i++)
        compare_table(schema, catalogue->tables[i]);
    sqlite3_stmt *stmt = query(schema, "SELECT name, type FROM sqlite_schema WHERE type <> 'index'", NULL);
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        size_t i = 0;
        while (i < catalogue->n && strcmp(catalogue->tables[i]->name, text(stmt, 0)) != 0)
            i++;
        if (i == catalogue->n) differs(schema, "%s %s: in SQL only", text(stmt, 1), text(stmt, 0));
    }
    (void)sqlite3_finalize(stmt);
}

/* --- tests -------------------------------------------------------------------------------------------------- */

static void test_sql_and_c_describe_the_same_tables(void **state) {
    compare(*state);
    assert_int_equal(((struct schema *)*state)->differences, 0);
}

/* The comparison itself sees each sort of difference. */
static void test_the_comparison_sees_each_difference(void **state) {
    static const char *const changes[] = {
        "CREATE TABLE extra (a INTEGER NOT NULL PRIMARY KEY) STRICT",
        "CREATE VIEW extra_view AS SELECT 1",
        "ALTER TABLE coord ADD COLUMN extra TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE coord RENAME COLUMN core TO kernel",
        "DROP TABLE epoch",
        "DROP TABLE epoch; CREATE TABLE epoch (epoch INTEGER NOT NULL PRIMARY KEY, flush INTEGER NOT NULL)",
        "DROP TABLE epoch; CREATE TABLE epoch (epoch INTEGER NOT NULL PRIMARY KEY, flush INTEGER) STRICT",
        "DROP TABLE epoch; CREATE TABLE epoch (epoch TEXT NOT NULL PRIMARY KEY, flush INTEGER NOT NULL) "
        "STRICT",
        "DROP TABLE epoch; CREATE TABLE epoch (epoch INTEGER NOT NULL, flush INTEGER NOT NULL,"
        " PRIMARY KEY (flush)) STRICT",
        "DROP TABLE epoch; CREATE TABLE epoch (epoch INTEGER NOT NULL PRIMARY KEY) STRICT",
        "DROP INDEX part_by_state",
        "CREATE INDEX extra_index ON part (since_ms)",
        "DROP INDEX part_by_state; CREATE UNIQUE INDEX part_by_state ON part (state, txid)",
        "DROP INDEX part_by_state; CREATE INDEX part_by_state ON part (state)",
        "DROP INDEX part_by_state; CREATE INDEX part_by_state ON part (state DESC, txid)",
        "DROP INDEX part_by_state; CREATE INDEX part_by_state ON part (state COLLATE NOCASE, txid)",
        "DROP INDEX part_by_state; CREATE INDEX part_by_state ON part (state, txid, rule)",
    };
    struct schema *schema = *state;
    schema->quiet = true;
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        assert_int_equal(sqlite3_exec(schema->db, "BEGIN", NULL, NULL, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_exec(schema->db, changes[i], NULL, NULL, NULL), SQLITE_OK);
        compare(schema);
        if (schema->differences == 0) fail_msg("not seen: %s", changes[i]);
        assert_int_equal(sqlite3_exec(schema->db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    }
    compare(schema);
    assert_int_equal(schema->differences, 0);
}

/* Does the plan sort, or read more of the table than the find asks for? */
static bool is_served(struct schema *schema, const char *sql, bool matches_or_after) {
    char explain[SQL_MAX + 32];
    (void)snprintf(explain, sizeof(explain), "EXPLAIN QUERY PLAN %s", sql);
    sqlite3_stmt *stmt = query(schema, explain, NULL);
    bool served = true;
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        const char *step = text(stmt, 3);
        if (strstr(step, "TEMP B-TREE") != NULL) served = false;
        if (matches_or_after && strncmp(step, "SCAN", 4) == 0) served = false;
    }
    (void)sqlite3_finalize(stmt);
    return served;
}

static void test_an_index_serves_every_find(void **state) {
    const struct gj_catalogue *catalogue = gj_store_catalogue();
    struct schema *schema = *state;
    char sql[SQL_MAX];
    for (size_t i = 0; i < catalogue->n; i++) {
        struct gj_layout layout;
        gj_layout_init(&layout, catalogue->tables[i]);
        for (uint32_t o = 0; o < layout.n_orders; o++) {
            for (uint32_t n = 0; n <= 2 * layout.orders[o].n_own + 1; n++) {
                bool after = n % 2 == 1;
                if (after && n / 2 == layout.orders[o].n_columns) continue; /* never gives anything */
                struct gj_buf buf;
                gj_buf_init(&buf, sql, sizeof(sql));
                gj_sqlite_sql_find(&layout, o, n / 2, after, &buf);
                if (!is_served(schema, sql, n > 0)) fail_msg("%s", sql);
            }
        }
    }
    /* And without its index a find is not served, so the check above can fail. */
    assert_int_equal(sqlite3_exec(schema->db, "DROP INDEX part_by_state", NULL, NULL, NULL), SQLITE_OK);
    assert_false(
        is_served(schema, "SELECT txid FROM part WHERE state='' ORDER BY state, txid LIMIT 1", true));
}

static void test_strict_tables_reject_other_types(void **state) {
    struct schema *schema = *state;
    assert_int_equal(sqlite3_exec(schema->db, "INSERT INTO epoch VALUES (1, 2, 1, 0, 0, 0)", NULL, NULL, NULL),
                     SQLITE_OK);
    static const char *const bad[] = {
        "INSERT INTO epoch VALUES (2, 'many', 1, 0, 0, 0)", "INSERT INTO epoch VALUES (2, NULL, 1, 0, 0, 0)",
        "INSERT INTO epoch VALUES (x'00', 1, 1, 0, 0, 0)",  "INSERT INTO epoch VALUES (2, -1, 1, 0, 0, 0)",
        "INSERT INTO epoch VALUES (0, 1, 1, 0, 0, 0)",      "INSERT INTO epoch VALUES (1, 3, 1, 0, 0, 0)",
        "UPDATE epoch SET flush = 0.5",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        int code = sqlite3_exec(schema->db, bad[i], NULL, NULL, NULL);
        if (code != SQLITE_CONSTRAINT) fail_msg("%s: %d", bad[i], code);
    }
}

/* --- migrations become C ------------------------------------------------------------------------------------- */

static int embed(struct kit *kit, const char *files) {
    char command[1024];
    (void)snprintf(command, sizeof(command),
                   "cd '%s' && rm -f *.sql && for f in %s; do echo 'SELECT 1;' > $f; done && "
                   "sh '%s/src/store/embed_sql.sh' out.inc *.sql 2>/dev/null; code=$?; rm -f *.sql out.inc; "
                   "exit $code",
                   kit->folder, files, GJ_SOURCE_DIR);
    int status = system(command);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_migrations_are_numbered_without_gaps(void **state) {
    struct kit *kit = &((struct schema *)*state)->kit;
    assert_int_equal(embed(kit, "0001_a.sql"), 0);
    assert_int_equal(embed(kit, "0001_a.sql 0002_b.sql 0003_c.sql"), 0);
    assert_int_not_equal(embed(kit, "0002_b.sql"), 0);
    assert_int_not_equal(embed(kit, "0001_a.sql 0003_c.sql"), 0);
    assert_int_not_equal(embed(kit, "0001_a.sql 0001_b.sql"), 0);
    assert_int_not_equal(embed(kit, "first.sql"), 0);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_sql_and_c_describe_the_same_tables),   TEST(test_the_comparison_sees_each_difference),
        TEST(test_an_index_serves_every_find),           TEST(test_strict_tables_reject_other_types),
        TEST(test_migrations_are_numbered_without_gaps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

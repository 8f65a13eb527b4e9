/* SPDX-License-Identifier: Apache-2.0
 *
 * Opening a SQLite store: whose file, which version, who holds it, what a reader sees; and its upkeep.
 */
#include "store/kit.h"

#include <sys/stat.h>

#include "store/sqlite.h"

static int set_up(void **state) {
    struct kit *kit = calloc(1, sizeof(*kit));
    assert_non_null(kit);
    kit_folder(kit);
    kit_make_file(kit);
    *state = kit;
    return 0;
}

static int tear_down(void **state) {
    kit_done(*state);
    free(*state);
    return 0;
}

static void open_as(struct kit *kit, enum gj_store_mode mode) {
    char detail[200];
    if (kit_reopen(kit, mode, detail) != GJ_OK) fail_msg("%s", detail);
}

static enum gj_err try_open(const struct kit *kit, enum gj_store_mode mode, char *ret_detail) {
    struct gj_store *store = NULL;
    enum gj_err err = gj_store_open_sqlite(kit->path, mode, &kit_catalogue, &store, ret_detail);
    assert_true((err == GJ_OK) == (store != NULL));
    gj_store_close(&store);
    return err;
}

static int64_t size_of(const struct kit *kit, const char *suffix) {
    char path[128];
    struct stat found;
    (void)snprintf(path, sizeof(path), "%s%s", kit->path, suffix);
    return stat(path, &found) == 0 ? (int64_t)found.st_size : -1;
}

static void write_file(const struct kit *kit, const char *content) {
    FILE *file = fopen(kit->path, "w");
    assert_non_null(file);
    (void)fputs(content, file);
    assert_int_equal(fclose(file), 0);
}

/* --- whose file, which version ------------------------------------------------------------------------------ */

static void test_create_and_open_keep_apart(void **state) {
    struct kit *kit = *state;
    char detail[200];
    assert_int_equal(try_open(kit, GJ_STORE_CREATE, detail), GJ_ERR_CONFLICT);
    assert_non_null(strstr(detail, "exists"));
    assert_int_equal(try_open(kit, GJ_STORE_WRITE, detail), GJ_OK);
    assert_int_equal(try_open(kit, GJ_STORE_READ, detail), GJ_OK);
    assert_int_equal(unlink(kit->path), 0);
    assert_int_equal(try_open(kit, GJ_STORE_WRITE, detail), GJ_ERR_NOT_FOUND);
    assert_int_equal(try_open(kit, GJ_STORE_READ, detail), GJ_ERR_NOT_FOUND);
    assert_int_equal(size_of(kit, ""), -1);
    struct gj_store *store = NULL;
    assert_int_equal(gj_store_open_sqlite(":memory:", GJ_STORE_CREATE, &kit_catalogue, &store, detail),
                     GJ_ERR_BAD_CONFIG);
    assert_int_equal(gj_store_open_sqlite("", GJ_STORE_CREATE, &kit_catalogue, &store, NULL),
                     GJ_ERR_BAD_CONFIG);
}

/* A catalogue that the new file does not fit: the file is taken back, so that a second try can succeed. */
static void test_a_store_that_could_not_be_made_leaves_no_file(void **state) {
    struct kit *kit = *state;
    char detail[200];
    assert_int_equal(unlink(kit->path), 0);
    assert_int_equal(try_open(kit, GJ_STORE_CREATE, detail), GJ_ERR_STORE);
    assert_non_null(strstr(detail, "thing"));
    assert_int_equal(size_of(kit, ""), -1);
    assert_int_equal(size_of(kit, "-wal"), -1);
}

static void test_only_the_owner_may_read(void **state) {
    struct kit *kit = *state;
    static const char *const suffixes[] = {"", "-wal", "-shm", ".lock"};
    mode_t before = umask(0);
    assert_int_equal(unlink(kit->path), 0);
    kit_make_file(kit);
    open_as(kit, GJ_STORE_WRITE);
    kit_begin(kit);
    kit_put_mark(kit, 1);
    kit_commit(kit);
    (void)umask(before);
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        char path[128];
        struct stat found;
        (void)snprintf(path, sizeof(path), "%s%s", kit->path, suffixes[i]);
        assert_int_equal(stat(path, &found), 0);
        assert_int_equal(found.st_mode & 07777, 0600);
    }
}

static void test_a_newer_file_is_refused_and_not_touched(void **state) {
    struct kit *kit = *state;
    char detail[200], known[20];
    assert_int_equal(kit_exec(kit->path, "PRAGMA user_version=4711"), SQLITE_OK);
    assert_int_equal(try_open(kit, GJ_STORE_WRITE, detail), GJ_ERR_STORE_NEWER);
    assert_non_null(strstr(detail, "4711"));
    (void)snprintf(known, sizeof(known), "up to %d", gj_sqlite_version());
    assert_non_null(strstr(detail, known));
    assert_int_equal(try_open(kit, GJ_STORE_READ, detail), GJ_ERR_STORE_NEWER);
    (void)snprintf(detail, sizeof(detail), "PRAGMA user_version=%d", gj_sqlite_version());
    assert_int_equal(kit_exec(kit->path, detail), SQLITE_OK);
    assert_int_equal(try_open(kit, GJ_STORE_WRITE, detail), GJ_OK);
}

static void test_a_file_of_another_program_is_refused_and_not_touched(void **state) {
    struct kit *kit = *state;
    char detail[200];
    assert_int_equal(unlink(kit->path), 0);
    assert_int_equal(kit_exec(kit->path, "CREATE TABLE theirs (a); PRAGMA user_version=1"), SQLITE_OK);
    int64_t size = size_of(kit, "");
    assert_int_equal(try_open(kit, GJ_STORE_WRITE, detail), GJ_ERR_STORE);
    assert_non_null(strstr(detail, "not a store"));
    assert_int_equal(size_of(kit, ""), size);
    assert_int_equal(size_of(kit, "-wal"), -1);

    write_file(kit, ""); /* truncated, or its creation was interrupted: never taken for a new store */
    assert_int_equal(try_open(kit, GJ_STORE_WRITE, detail), GJ_ERR_STORE);
    assert_int_equal(size_of(kit, ""), 0);
    write_file(kit, "this is no database, but it is long enough to look like the head of one: "
                    "sixteen bytes of a known text would have to come first, and they do not.");
    assert_int_equal(try_open(kit, GJ_STORE_WRITE, detail), GJ_ERR_STORE);
    assert_int_equal(try_open(kit, GJ_STORE_READ, detail), GJ_ERR_STORE);
    assert_string_not_equal(detail, "");
}

/* A file of this version whose tables are not those of the program: found at the start, not at the first put. */
static void test_a_file_with_other_tables_is_refused(void **state) {
    struct kit *kit = *state;
    char detail[200];
    assert_int_equal(kit_exec(kit->path, "ALTER TABLE thing DROP COLUMN bytes"), SQLITE_OK);
    assert_int_equal(try_open(kit, GJ_STORE_WRITE, detail), GJ_ERR_STORE);
    assert_non_null(strstr(detail, "bytes"));
    assert_int_equal(try_open(kit, GJ_STORE_READ, detail), GJ_ERR_STORE);
}

/* --- who holds it ---------------------------------------------------------------------------------------------- */

static void test_one_writer_only(void **state) {
    struct kit *kit = *state;
    char detail[200], holder[40];
    open_as(kit, GJ_STORE_WRITE);
    assert_int_equal(try_open(kit, GJ_STORE_WRITE, detail), GJ_ERR_STORE_LOCKED);
    (void)snprintf(holder, sizeof(holder), "process %ld", (long)getpid());
    assert_non_null(strstr(detail, holder));
    assert_int_equal(try_open(kit, GJ_STORE_READ, detail), GJ_OK);
    gj_store_close(&kit->store);
    assert_int_equal(try_open(kit, GJ_STORE_WRITE, detail), GJ_OK);
}

static void test_a_second_process_is_refused_until_the_first_is_gone(void **state) {
    struct kit *kit = *state;
    char detail[200], byte;
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);
    (void)fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (kit_reopen(kit, GJ_STORE_WRITE, detail) != GJ_OK) _exit(1);
        if (write(pipes[1], "x", 1) != 1) _exit(1);
        (void)alarm(60); /* if the test fails before it kills us */
        (void)pause();
    }
    assert_int_equal(read(pipes[0], &byte, 1), 1);
    assert_int_equal(try_open(kit, GJ_STORE_WRITE, detail), GJ_ERR_STORE_LOCKED);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    (void)close(pipes[0]);
    (void)close(pipes[1]);
    assert_int_equal(try_open(kit, GJ_STORE_WRITE, detail), GJ_OK);
}

/* Somebody else's writing transaction is noticed when ours begins, not when it has done its work. */
static void test_a_foreign_writer_is_noticed_at_begin(void **state) {
    struct kit *kit = *state;
    sqlite3 *other = NULL;
    open_as(kit, GJ_STORE_WRITE);
    (void)sqlite3_busy_timeout(((struct gj_sqlite *)(void *)kit->store)->db, 0);
    assert_int_equal(sqlite3_open(kit->path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    kit_begin(kit);
    assert_int_equal(gj_store_err(kit->store), GJ_ERR_STORE_LOCKED);
    kit_put_mark(kit, 1);
    assert_int_equal(kit->store->ops->commit(kit->store), GJ_ERR_STORE_LOCKED);
    assert_int_equal(sqlite3_exec(other, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    (void)sqlite3_close(other);
    kit_begin(kit);
    kit_put_mark(kit, 2);
    kit_commit(kit);
    assert_int_equal(kit_count(kit, kit->store, &table_mark), 1);
}

/* --- readers ------------------------------------------------------------------------------------------------------ */

static void test_a_reader_sees_what_is_committed(void **state) {
    struct kit *kit = *state;
    struct gj_store *reader = NULL;
    open_as(kit, GJ_STORE_WRITE);
    assert_int_equal(gj_store_open_sqlite(kit->path, GJ_STORE_READ, &kit_catalogue, &reader, NULL), GJ_OK);
    kit_begin(kit);
    kit_put_mark(kit, 1);
    assert_int_equal(kit_count(kit, reader, &table_mark), 0);
    kit_commit(kit);
    assert_int_equal(kit_count(kit, reader, &table_mark), 1);

    /* Inside its own transaction it sees one moment only. */
    reader->ops->begin(reader);
    assert_int_equal(kit_count(kit, reader, &table_mark), 1);
    kit_begin(kit);
    kit_put_mark(kit, 2);
    kit_commit(kit);
    assert_int_equal(kit_count(kit, reader, &table_mark), 1);
    assert_int_equal(reader->ops->commit(reader), GJ_OK);
    assert_int_equal(kit_count(kit, reader, &table_mark), 2);
    gj_store_close(&reader);
}

static void test_a_reader_cannot_write(void **state) {
    struct kit *kit = *state;
    open_as(kit, GJ_STORE_READ);
    struct gj_mark mark = {.at = 1};
    kit_begin(kit);
    gj_store_put(kit->store, &table_mark, &mark);
    assert_int_equal(gj_store_err(kit->store), GJ_ERR_NOT_SUPPORTED);
    kit_rollback(kit);
    kit_begin(kit);
    assert_false(gj_store_del(kit->store, &table_mark, &mark));
    assert_int_equal(gj_store_err(kit->store), GJ_ERR_NOT_SUPPORTED);
    kit_rollback(kit);
    assert_int_equal(kit_count(kit, kit->store, &table_mark), 0);
}

/* The last reader that closes must not write pages back: only the writing connection may. */
static void test_a_reader_writes_nothing_back(void **state) {
    struct kit *kit = *state;
    struct gj_store *reader = NULL;
    open_as(kit, GJ_STORE_WRITE);
    kit_begin(kit);
    kit_put_mark(kit, 1);
    kit_commit(kit);
    int64_t log = size_of(kit, "-wal");
    assert_true(log > 0);
    /* As after a crash: the writer is gone, its log is there. */
    (void)fflush(NULL);
    assert_int_equal(gj_store_open_sqlite(kit->path, GJ_STORE_READ, &kit_catalogue, &reader, NULL), GJ_OK);
    assert_int_equal(kit_count(kit, reader, &table_mark), 1);
    (void)sqlite3_db_config(((struct gj_sqlite *)(void *)kit->store)->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1,
                            NULL);
    gj_store_close(&kit->store);
    gj_store_close(&reader);
    assert_int_equal(size_of(kit, "-wal"), log);
}

/* --- upkeep ------------------------------------------------------------------------------------------------------- */

static int64_t pragma_of(struct gj_store *store, const char *pragma) {
    sqlite3_stmt *stmt = NULL;
    assert_int_equal(sqlite3_prepare_v2(((struct gj_sqlite *)(void *)store)->db, pragma, -1, &stmt, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    int64_t value = sqlite3_column_int64(stmt, 0);
    (void)sqlite3_finalize(stmt);
    return value;
}

static void test_the_writing_connection_is_durable(void **state) {
    struct kit *kit = *state;
    open_as(kit, GJ_STORE_WRITE);
    assert_int_equal(pragma_of(kit->store, "PRAGMA synchronous"), 2); /* FULL */
    assert_int_equal(pragma_of(kit->store, "PRAGMA wal_autocheckpoint"), 0);
    assert_int_equal(pragma_of(kit->store, "PRAGMA application_id"), GJ_SQLITE_APPLICATION_ID);
    assert_int_equal(pragma_of(kit->store, "PRAGMA user_version"), gj_sqlite_version());
    assert_int_equal(pragma_of(kit->store, "SELECT journal_mode = 'wal' FROM pragma_journal_mode"), 1);
}

static void put_large(struct kit *kit, uint64_t at, const uint8_t *bytes, size_t len) {
    struct gj_large large = {.at = at, .bytes = gj_slice_of(bytes, len)};
    kit_begin(kit);
    gj_store_put(kit->store, &table_large, &large);
    kit_commit(kit);
}

static void test_a_checkpoint_brings_the_log_home(void **state) {
    struct kit *kit = *state;
    size_t len = 4194304;
    uint8_t *bytes = calloc(1, len);
    assert_non_null(bytes);
    open_as(kit, GJ_STORE_WRITE);
    int64_t file = size_of(kit, "");

    put_large(kit, 1, bytes, 1000); /* too little to be worth it */
    gj_store_checkpoint(kit->store);
    assert_int_equal(size_of(kit, ""), file);

    put_large(kit, 1, bytes, len); /* nothing is written back without being asked */
    assert_int_equal(size_of(kit, ""), file);
    int64_t log = size_of(kit, "-wal");
    gj_store_checkpoint(kit->store);
    assert_true(size_of(kit, "") > file + (int64_t)len / 2);
    assert_int_equal(size_of(kit, "-wal"), log);
    put_large(kit, 2, bytes, 1000); /* the log starts again from its beginning */
    assert_int_equal(size_of(kit, "-wal"), log);

    for (uint64_t i = 0; i < 18; i++)
        put_large(kit, i, bytes, len);
    assert_true(size_of(kit, "-wal") > 64 * 1024 * 1024);
    gj_store_checkpoint(kit->store);
    assert_int_equal(size_of(kit, "-wal"), 0);
    free(bytes);
}

/* A reader that stays at an old moment keeps the log from being cut; nobody waits for it, nothing fails. */
static void test_a_checkpoint_waits_for_no_reader(void **state) {
    struct kit *kit = *state;
    struct gj_store *reader = NULL;
    size_t len = 4194304;
    uint8_t *bytes = calloc(1, len);
    assert_non_null(bytes);
    open_as(kit, GJ_STORE_WRITE);
    assert_int_equal(gj_store_open_sqlite(kit->path, GJ_STORE_READ, &kit_catalogue, &reader, NULL), GJ_OK);
    put_large(kit, 0, bytes, 1000);
    reader->ops->begin(reader);
    assert_int_equal(kit_count(kit, reader, &table_large), 1);
    for (uint64_t i = 1; i < 19; i++)
        put_large(kit, i, bytes, len);
    gj_store_checkpoint(kit->store);
    assert_int_equal(gj_store_err(kit->store), GJ_OK);
    assert_true(size_of(kit, "-wal") > 64 * 1024 * 1024);
    assert_int_equal(kit_count(kit, reader, &table_large), 1);
    assert_int_equal(reader->ops->commit(reader), GJ_OK);

    reader->ops->begin(reader); /* at the newest moment: all can go home, but the log cannot be cut */
    assert_int_equal(kit_count(kit, reader, &table_mark), 0);
    gj_store_checkpoint(kit->store);
    assert_int_equal(gj_store_err(kit->store), GJ_OK);
    assert_true(size_of(kit, "-wal") > 64 * 1024 * 1024);
    assert_int_equal(reader->ops->commit(reader), GJ_OK);
    gj_store_checkpoint(kit->store);
    assert_int_equal(size_of(kit, "-wal"), 0);
    gj_store_close(&reader);
    free(bytes);
}

static void test_closing_brings_everything_home(void **state) {
    struct kit *kit = *state;
    open_as(kit, GJ_STORE_WRITE);
    kit_begin(kit);
    kit_put_mark(kit, 1);
    kit_commit(kit);
    kit_begin(kit);
    kit_put_mark(kit, 2); /* a transaction left open is rolled back */
    gj_store_close(&kit->store);
    assert_null(kit->store);
    assert_int_equal(size_of(kit, "-wal"), -1);
    open_as(kit, GJ_STORE_READ);
    assert_int_equal(kit_count(kit, kit->store, &table_mark), 1);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_create_and_open_keep_apart),
        TEST(test_a_store_that_could_not_be_made_leaves_no_file),
        TEST(test_only_the_owner_may_read),
        TEST(test_a_newer_file_is_refused_and_not_touched),
        TEST(test_a_file_of_another_program_is_refused_and_not_touched),
        TEST(test_a_file_with_other_tables_is_refused),
        TEST(test_one_writer_only),
        TEST(test_a_second_process_is_refused_until_the_first_is_gone),
        TEST(test_a_foreign_writer_is_noticed_at_begin),
        TEST(test_a_reader_sees_what_is_committed),
        TEST(test_a_reader_cannot_write),
        TEST(test_a_reader_writes_nothing_back),
        TEST(test_the_writing_connection_is_durable),
        TEST(test_a_checkpoint_brings_the_log_home),
        TEST(test_a_checkpoint_waits_for_no_reader),
        TEST(test_closing_brings_everything_home),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

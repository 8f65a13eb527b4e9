/* SPDX-License-Identifier: Apache-2.0
 *
 * What a killed process leaves in a SQLite store: whole batches, all that it told of among them.
 */
#include "store/kit.h"

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

/* Commits batches of 10 for ever, telling the number of each after it is durable. */
static void work_until_killed(struct kit *kit, int tell) {
    char detail[200];
    if (kit_reopen(kit, GJ_STORE_WRITE, detail) != GJ_OK) _exit(1);
    for (uint64_t batch = 0;; batch++) {
        kit_begin(kit);
        for (uint64_t i = 0; i < 10; i++)
            kit_put_mark(kit, batch * 10 + i);
        kit_put_large(kit, batch % 7, 1000 + batch * 37 % 30000);
        if (kit->store->ops->commit(kit->store) != GJ_OK) _exit(1);
        if (write(tell, &batch, sizeof(batch)) != sizeof(batch)) _exit(1);
        if (batch % 50 == 0) gj_store_checkpoint(kit->store);
    }
}

/* A process killed at any moment leaves whole batches, all that it told of among them. */
static void test_a_killed_process_leaves_whole_batches(void **state) {
    struct kit *kit = *state;
    for (uint64_t round = 0; round < 12; round++) {
        int pipes[2];
        gj_store_close(&kit->store);
        assert_int_equal(kit_exec(kit->path, "DELETE FROM mark"), SQLITE_OK);
        assert_int_equal(pipe(pipes), 0);
        (void)fflush(NULL);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            (void)close(pipes[0]);
            (void)alarm(60);
            work_until_killed(kit, pipes[1]);
        }
        (void)close(pipes[1]);
        uint64_t told = 0;
        for (uint64_t i = 0; i <= round * 9; i++) {
            assert_int_equal(read(pipes[0], &told, sizeof(told)), sizeof(told));
        }
        assert_int_equal(kill(child, SIGKILL), 0);
        int status = 0;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        uint64_t last = told;
        while (read(pipes[0], &last, sizeof(last)) == sizeof(last))
            told = last;
        (void)close(pipes[0]);

        char detail[200];
        assert_int_equal(kit_reopen(kit, GJ_STORE_WRITE, detail), GJ_OK);
        size_t marks = kit_count(kit, kit->store, &table_mark);
        assert_int_equal(marks % 10, 0);
        /* One batch may have become durable and not been told of. */
        assert_true(marks / 10 == told + 1 || marks / 10 == told + 2);
    }
}

/* And in the middle of a transaction: exactly what was committed before. */
static void test_killed_in_the_middle_of_a_transaction(void **state) {
    struct kit *kit = *state;
    gj_store_close(&kit->store);
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);
    (void)fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        char detail[200];
        if (kit_reopen(kit, GJ_STORE_WRITE, detail) != GJ_OK) _exit(1);
        kit_begin(kit);
        for (uint64_t i = 0; i < 5; i++)
            kit_put_mark(kit, i);
        if (kit->store->ops->commit(kit->store) != GJ_OK) _exit(1);
        kit_begin(kit);
        for (uint64_t i = 5; i < 9; i++)
            kit_put_mark(kit, i);
        for (uint64_t i = 0; i < 8; i++)
            kit_put_large(kit, i, 4194304); /* spills into the log */
        if (write(pipes[1], "x", 1) != 1) _exit(1);
        (void)alarm(60); /* if the test fails before it kills us */
        (void)pause();
    }
    char byte;
    assert_int_equal(read(pipes[0], &byte, 1), 1);
    assert_int_equal(kill(child, SIGKILL), 0);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    (void)close(pipes[0]);
    (void)close(pipes[1]);
    char detail[200];
    assert_int_equal(kit_reopen(kit, GJ_STORE_WRITE, detail), GJ_OK);
    assert_int_equal(kit_count(kit, kit->store, &table_mark), 5);
    assert_int_equal(kit_count(kit, kit->store, &table_large), 0);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_a_killed_process_leaves_whole_batches),
        TEST(test_killed_in_the_middle_of_a_transaction),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

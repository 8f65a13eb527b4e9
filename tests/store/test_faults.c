/* SPDX-License-Identifier: Apache-2.0
 *
 * What the SQLite driver does when the disk does not: no room, a failed write, sync or read, a damaged
 * file.
 */
#define _GNU_SOURCE /* unshare(), for a small file system of our own */
#include "store/kit.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "store/faulty_vfs.h"

static int set_up(void **state) {
    struct kit *kit = calloc(1, sizeof(*kit));
    assert_non_null(kit);
    faults = (struct faults){.writes_left = -1};
    kit_folder(kit);
    kit_open_sqlite(kit);
    *state = kit;
    return 0;
}

static int tear_down(void **state) {
    faults = (struct faults){.writes_left = -1};
    kit_done(*state);
    free(*state);
    return 0;
}

static void reopen(struct kit *kit) {
    char detail[200];
    gj_store_close(&kit->store);
    if (kit_reopen(kit, GJ_STORE_WRITE, detail) != GJ_OK) fail_msg("%s", detail);
}

/* --- no room --------------------------------------------------------------------------------------------------- */

/* Whatever write it is that finds no room: all or nothing, and the store goes on. */
static void test_a_full_disk_rolls_back_and_the_store_goes_on(void **state) {
    struct kit *kit = *state;
    size_t full = 0, kept = 0;
    for (long writes = 0; writes < 60; writes++) {
        kit_begin(kit);
        faults = (struct faults){.writes_left = writes, .write_code = SQLITE_FULL};
        kit_put_large(kit, (uint64_t)writes, 100000);
        kit_put_mark(kit, (uint64_t)writes);
        enum gj_err err = kit->store->ops->commit(kit->store);
        faults.writes_left = -1;
        assert_true(err == GJ_OK || err == GJ_ERR_STORE_FULL);
        assert_false(kit->store->in_transaction);
        assert_int_equal(gj_store_err(kit->store), GJ_OK);
        kept += err == GJ_OK;
        full += err == GJ_ERR_STORE_FULL;
        assert_int_equal(kit_count(kit, kit->store, &table_large), kept);
        assert_int_equal(kit_count(kit, kit->store, &table_mark), kept);
    }
    assert_true(full > 20 && kept > 0);
    reopen(kit);
    assert_int_equal(kit_count(kit, kit->store, &table_large), kept);
    kit_begin(kit);
    kit_put_mark(kit, 1000);
    kit_commit(kit);
}

/* A batch larger than the page cache is written to the log before its commit. */
static void test_a_full_disk_in_the_middle_of_a_large_batch(void **state) {
    struct kit *kit = *state;
    kit_begin(kit);
    faults = (struct faults){.writes_left = 3000, .write_code = SQLITE_FULL};
    for (uint64_t i = 0; i < 10; i++)
        kit_put_large(kit, i, 4194304);
    assert_int_equal(gj_store_err(kit->store), GJ_ERR_STORE_FULL);
    kit_put_mark(kit, 1);
    assert_int_equal(kit->store->ops->commit(kit->store), GJ_ERR_STORE_FULL);
    faults.writes_left = -1;
    assert_int_equal(kit_count(kit, kit->store, &table_large), 0);
    assert_int_equal(kit_count(kit, kit->store, &table_mark), 0);
    kit_begin(kit);
    kit_put_large(kit, 1, 4194304);
    kit_commit(kit);
    reopen(kit);
    assert_int_equal(kit_count(kit, kit->store, &table_large), 1);
}

/* Runs |act| in a process of its own, because what it changes cannot be taken back; its code must be 0. */
static int in_child(int (*act)(struct kit *), struct kit *kit) {
    (void)fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) _exit(act(kit));
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

#define CHECK(cond)                                                                                          \
    do {                                                                                                     \
        if (!(cond)) return __LINE__ % 250 + 1;                                                              \
    } while (0)

static int fill_until_full(struct kit *kit) {
    enum gj_err err = GJ_OK;
    size_t kept = 0;
    for (uint64_t i = 0; i < 200 && err == GJ_OK; i++) {
        kit_begin(kit);
        kit_put_large(kit, i, 100000);
        err = kit->store->ops->commit(kit->store);
        kept += err == GJ_OK;
    }
    CHECK(err == GJ_ERR_STORE_FULL);
    CHECK(kept > 0 && kit_count(kit, kit->store, &table_large) == kept);
    return 0;
}

static int fill_under_a_size_limit(struct kit *kit) {
    char detail[200];
    CHECK(kit_reopen(kit, GJ_STORE_WRITE, detail) == GJ_OK);
    (void)signal(SIGXFSZ, SIG_IGN);
    CHECK(setrlimit(RLIMIT_FSIZE, &(struct rlimit){2000000, RLIM_INFINITY}) == 0);
    int code = fill_until_full(kit);
    if (code != 0) return code;
    size_t kept = kit_count(kit, kit->store, &table_large);
    CHECK(setrlimit(RLIMIT_FSIZE, &(struct rlimit){RLIM_INFINITY, RLIM_INFINITY}) == 0);
    kit_begin(kit);
    kit_put_large(kit, 1000, 100000);
    CHECK(kit->store->ops->commit(kit->store) == GJ_OK);
    CHECK(kit_count(kit, kit->store, &table_large) == kept + 1);
    gj_store_close(&kit->store);
    return 0;
}

static void test_a_file_size_limit_is_a_full_disk(void **state) {
    struct kit *kit = *state;
    gj_store_close(&kit->store);
    assert_int_equal(in_child(fill_under_a_size_limit, kit), 0);
}

#define NO_MOUNT 251

/* A real file system of 3 MiB, seen by this process only. */
static int fill_a_small_file_system(struct kit *kit) {
    char detail[200], ballast[120];
    int space = CLONE_NEWNS | (geteuid() == 0 ? 0 : CLONE_NEWUSER);
    if (unshare(space) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) return NO_MOUNT;
    if (mount("tmpfs", kit->folder, "tmpfs", 0, "size=3m") != 0) return NO_MOUNT;
    kit_make_file(kit);
    CHECK(kit_reopen(kit, GJ_STORE_WRITE, detail) == GJ_OK);
    CHECK(gj_store_below_reserve(kit->store));
    (void)snprintf(ballast, sizeof(ballast), "%s/ballast", kit->folder);
    int fd = open(ballast, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    CHECK(fd >= 0 && posix_fallocate(fd, 0, 1500000) == 0 && close(fd) == 0);
    int code = fill_until_full(kit);
    if (code != 0) return code;
    size_t kept = kit_count(kit, kit->store, &table_large);
    CHECK(unlink(ballast) == 0);
    kit_begin(kit);
    kit_put_large(kit, 1000, 100000);
    CHECK(kit->store->ops->commit(kit->store) == GJ_OK);
    gj_store_close(&kit->store);
    CHECK(kit_reopen(kit, GJ_STORE_WRITE, detail) == GJ_OK);
    CHECK(kit_count(kit, kit->store, &table_large) == kept + 1);
    gj_store_close(&kit->store);
    return 0;
}

static void test_a_small_file_system(void **state) {
    struct kit *kit = *state;
    assert_false(gj_store_below_reserve(kit->store));
    gj_store_close(&kit->store);
    int code = in_child(fill_a_small_file_system, kit);
    if (code == NO_MOUNT) {
        print_message("skipped: this user may not mount; the other tests of a full disk do not need it\n");
        skip();
    }
    assert_int_equal(code, 0);
}

/* --- a disk that fails -------------------------------------------------------------------------------------------- */

static void expect_stopped(struct kit *kit) {
    faults = (struct faults){.writes_left = -1}; /* even if the disk is well again */
    for (int i = 0; i < 2; i++) {
        kit_begin(kit);
        kit_put_mark(kit, 77);
        assert_int_equal(kit->store->ops->commit(kit->store), GJ_ERR_STORE);
        assert_int_equal(kit_count(kit, kit->store, &table_mark), 0);
    }
    reopen(kit);
}

static void test_a_failed_sync_stops_the_store_for_good(void **state) {
    struct kit *kit = *state;
    kit_begin(kit);
    kit_put_mark(kit, 1);
    kit_commit(kit);
    kit_begin(kit);
    kit_put_mark(kit, 2);
    faults.sync_code = SQLITE_IOERR_FSYNC;
    faults.syncs = 0;
    assert_int_equal(kit->store->ops->commit(kit->store), GJ_ERR_STORE);
    assert_int_equal(faults.syncs, 1); /* a sync is never tried again */
    expect_stopped(kit);
    /* Both are allowed: what a failed sync left, only the recovery knows. What was durable is there. */
    assert_true(kit_count(kit, kit->store, &table_mark) == 1 || kit_count(kit, kit->store, &table_mark) == 2);
}

static void test_a_failed_write_stops_the_store(void **state) {
    struct kit *kit = *state;
    kit_begin(kit);
    kit_put_mark(kit, 1);
    faults.writes_left = 0;
    faults.write_code = SQLITE_IOERR_WRITE;
    assert_int_equal(kit->store->ops->commit(kit->store), GJ_ERR_STORE);
    expect_stopped(kit);
    assert_int_equal(kit_count(kit, kit->store, &table_mark), 0);
}

static void test_a_failed_read_is_an_error_and_not_nothing(void **state) {
    struct kit *kit = *state;
    kit_begin(kit);
    kit_put_mark(kit, 1);
    kit_put_large(kit, 1, 4194304);
    kit_commit(kit);
    reopen(kit);
    kit_begin(kit);
    faults.read_code = SQLITE_IOERR_READ;
    struct gj_large large = {.at = 1};
    assert_false(gj_store_get(kit->store, &table_large, &large, &kit->arena));
    assert_int_equal(gj_store_err(kit->store), GJ_ERR_STORE);
    assert_int_equal(kit->store->ops->commit(kit->store), GJ_ERR_STORE);
    expect_stopped(kit);
}

static void test_a_commit_syncs_and_a_rollback_does_not(void **state) {
    struct kit *kit = *state;
    kit_begin(kit);
    kit_put_mark(kit, 1);
    kit_commit(kit); /* makes the log */
    for (uint64_t i = 2; i < 5; i++) {
        faults.syncs = 0;
        kit_begin(kit);
        kit_put_mark(kit, i);
        kit_put_mark(kit, i + 100);
        kit_commit(kit);
        assert_int_equal(faults.syncs, 1);
    }
    faults.syncs = 0;
    kit_begin(kit);
    kit_put_mark(kit, 9);
    kit_rollback(kit);
    assert_int_equal(faults.syncs, 0);
}

/* The engine asks whenever it is idle; that must cost nothing after a few small batches. */
static void test_a_checkpoint_of_a_short_log_does_nothing(void **state) {
    struct kit *kit = *state;
    kit_begin(kit);
    kit_put_mark(kit, 1);
    kit_commit(kit);
    faults.syncs = 0;
    gj_store_checkpoint(kit->store);
    assert_int_equal(faults.syncs, 0);
    kit_begin(kit);
    kit_put_large(kit, 1, 4194304);
    kit_commit(kit);
    faults.syncs = 0;
    gj_store_checkpoint(kit->store);
    assert_true(faults.syncs > 0);
    faults.syncs = 0;
    gj_store_checkpoint(kit->store); /* nor twice */
    assert_int_equal(faults.syncs, 0);
}

/* No room to write pages back is no harm, the log has them; a failed sync there is as bad as in a commit. */
static void test_a_checkpoint_on_a_bad_disk(void **state) {
    struct kit *kit = *state;
    kit_begin(kit);
    kit_put_large(kit, 1, 4194304);
    kit_commit(kit);
    faults.writes_left = 0;
    faults.write_code = SQLITE_FULL;
    gj_store_checkpoint(kit->store);
    faults.writes_left = -1;
    assert_int_equal(gj_store_err(kit->store), GJ_OK);
    kit_begin(kit);
    kit_put_large(kit, 2, 4194304);
    kit_commit(kit);
    faults.sync_code = SQLITE_IOERR_FSYNC;
    gj_store_checkpoint(kit->store);
    assert_int_equal(gj_store_err(kit->store), GJ_ERR_STORE);
    expect_stopped(kit);
    assert_int_equal(kit_count(kit, kit->store, &table_large), 2);
}

/* --- a file that is damaged ----------------------------------------------------------------------------------------- */

static void test_a_damaged_file_gives_errors(void **state) {
    struct kit *kit = *state;
    kit_begin(kit);
    for (uint64_t i = 0; i < 40; i++)
        kit_put_large(kit, i, 20000);
    kit_commit(kit);
    gj_store_close(&kit->store);
    struct stat whole;
    assert_int_equal(stat(kit->path, &whole), 0);
    uint8_t *original = malloc((size_t)whole.st_size), noise[512];
    int fd = open(kit->path, O_RDWR | O_CLOEXEC);
    assert_int_equal(pread(fd, original, (size_t)whole.st_size, 0), whole.st_size);

    uint64_t seed = 5, refused = 0, latched = 0;
    for (int round = 0; round < 60; round++) {
        char detail[200] = "";
        uint64_t at = round == 0 ? 0 : kit_below(&seed, (uint64_t)whole.st_size - sizeof(noise));
        for (size_t i = 0; i < sizeof(noise); i++)
            noise[i] = (uint8_t)kit_random(&seed);
        assert_int_equal(pwrite(fd, noise, sizeof(noise), (off_t)at), sizeof(noise));
        if (kit_reopen(kit, GJ_STORE_WRITE, detail) == GJ_OK) {
            kit_begin(kit);
            (void)kit_count(kit, kit->store, &table_large);
            kit_put_mark(kit, 1);
            latched += gj_store_err(kit->store) != GJ_OK;
            (void)!kit->store->ops->commit(kit->store);
            gj_store_close(&kit->store);
        } else {
            assert_string_not_equal(detail, "");
            refused++;
        }
        assert_int_equal(pwrite(fd, original, (size_t)whole.st_size, 0), whole.st_size);
        assert_int_equal(ftruncate(fd, whole.st_size), 0);
    }
    assert_true(refused > 0 && latched > 0);
    (void)close(fd);
    free(original);
}

static void expect_unreadable(struct kit *kit, const char *update) {
    assert_int_equal(kit_exec(kit->path, update), SQLITE_OK);
    struct gj_thing thing = {.seq = 1};
    assert_false(gj_store_get(kit->store, &table_thing, &thing, &kit->arena));
    assert_int_equal(gj_store_err(kit->store), GJ_ERR_STORE);
    assert_non_null(strstr(kit->store->detail, "thing."));
    kit_begin(kit);
    assert_int_equal(kit_count(kit, kit->store, &table_thing), 0);
    assert_int_equal(gj_store_err(kit->store), GJ_ERR_STORE);
    kit_rollback(kit);
}

/* Values that the program never writes, written by somebody else. */
static void test_values_that_a_column_cannot_have(void **state) {
    struct kit *kit = *state;
    struct gj_thing thing = {.seq = 1};
    kit_begin(kit);
    gj_store_put(kit->store, &table_thing, &thing);
    kit_commit(kit);
    expect_unreadable(kit, "UPDATE thing SET \"by\" = 'longer than twelve'");
    expect_unreadable(kit, "UPDATE thing SET \"by\" = char(65, 0, 66)");
    expect_unreadable(kit, "UPDATE thing SET \"by\" = '', token = x'0011'");
    expect_unreadable(kit, "UPDATE thing SET token = x'0011223344'");
    expect_unreadable(kit, "UPDATE thing SET token = x'00112233', txid = 'not a txid'");
    expect_unreadable(kit, "UPDATE thing SET txid = '', flag = 2");
    expect_unreadable(kit, "UPDATE thing SET flag = 0, day = 99999999999");
    expect_unreadable(kit, "UPDATE thing SET day = 0, bytes = zeroblob(70001)");
    expect_unreadable(kit, "UPDATE thing SET bytes = x'', digest = x''");
    assert_int_equal(kit_exec(kit->path, "UPDATE thing SET digest = zeroblob(33)"), SQLITE_OK);
    kit_begin(kit);
    assert_int_equal(kit_count(kit, kit->store, &table_thing), 1);
    kit_commit(kit);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_a_full_disk_rolls_back_and_the_store_goes_on),
        TEST(test_a_full_disk_in_the_middle_of_a_large_batch),
        TEST(test_a_file_size_limit_is_a_full_disk),
        TEST(test_a_small_file_system),
        TEST(test_a_failed_sync_stops_the_store_for_good),
        TEST(test_a_failed_write_stops_the_store),
        TEST(test_a_failed_read_is_an_error_and_not_nothing),
        TEST(test_a_commit_syncs_and_a_rollback_does_not),
        TEST(test_a_checkpoint_of_a_short_log_does_nothing),
        TEST(test_a_checkpoint_on_a_bad_disk),
        TEST(test_a_damaged_file_gives_errors),
        TEST(test_values_that_a_column_cannot_have),
    };
    faulty_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Everything that a node's SQLite store does to its files fails in turn, while the node starts, serves a settlement
 * and a refund, and stops: each write, sync, truncation, opening, removal; as an I/O error, half written, on a full
 * disk. After an error the node ends and nothing more reaches the file; after a full disk it goes on. A loop ends
 * when a run passes untouched. What a crash then loses of the writes before is another test's (test_crash.c).
 */
#include "nth_stride.h"
#include "nth_world.h"

#include <glob.h>
#include <unistd.h>

#include "store/faulty_vfs.h"

static char folder[] = "/tmp/gongji-nth-write-XXXXXX";
static char path[sizeof folder + 16];

/* --- the one node with a file --------------------------------------------------------------------------- */
static enum gj_err open_file(enum gj_store_mode mode, struct gj_store **ret) {
    char detail[200];
    return gj_store_open_sqlite(path, mode, gj_store_catalogue(), ret, detail);
}

static struct gj_store *with_file(void *ctx, size_t node, struct gj_store *opened) {
    const struct nth *nth = ctx;
    struct gj_store *store = NULL;
    if (node != nth->node) return opened;
    gj_store_close(&opened);
    assert_int_equal(open_file(GJ_STORE_CREATE, &store), GJ_OK);
    return store;
}

/* As its process would: what is left to write at the end is written, unless it died of an error. */
static void close_file(struct nth *nth) {
    struct gj_store *store = gj_cluster_swap_store(nth->desk.cluster, nth->node, NULL);
    if (store == NULL) return;
    assert_int_equal(faults.after_death, 0); /* after an error it has tried nothing more */
    if (faults.is_dead) assert_int_not_equal(gj_cluster_failure(nth->desk.cluster, nth->node), GJ_OK);
    if (!faults.is_dead) gj_store_checkpoint(store);
    gj_store_close(&store);
}

static void revive(void) {
    faults.is_dead = false;
    faults.after_death = 0;
}

/* The next process. One that cannot open its store ends, and is started once more. */
static void reopen(struct nth *nth) {
    struct gj_store *store = NULL;
    close_file(nth);
    revive();
    for (unsigned tries = 0; open_file(GJ_STORE_WRITE, &store) != GJ_OK; tries++) {
        assert_true(tries < 2);
        revive();
    }
    assert_null(gj_cluster_swap_store(nth->desk.cluster, nth->node, store));
}

static void remove_files(void) {
    char pattern[sizeof path + 2];
    glob_t found;
    (void)snprintf(pattern, sizeof pattern, "%s*", path);
    if (glob(pattern, 0, NULL, &found) != 0) return;
    for (size_t i = 0; i < found.gl_pathc; i++)
        (void)unlink(found.gl_pathv[i]);
    globfree(&found);
}

/* --- loops ---------------------------------------------------------------------------------------------- */
/* Returns how many failures there were: after as many runs nothing failed any more. */
static unsigned long loop(size_t node, enum faulty_how how) {
    static const char *const words[] = {"an I/O error", "half written", "full", "half written, full"};
    static struct nth nth;
    unsigned long settled = 0, runs = 0, n = 1;
    for (bool is_untouched = false; !is_untouched; n += NTH_STRIDE) {
        runs++;
        faults = (struct faults){.writes_left = -1, .skips_syncs = true};
        nth_open_with(&nth, node, NULL, with_file);
        nth.reopen = reopen;
        faults.how = how;
        faults.changes = 0;
        faults.fail_at = n;
        nth_play(&nth);
        close_file(&nth);
        is_untouched = faults.changes < n;
        faults.fail_at = 0;
        nth_check(&nth);
        settled += nth.settled && nth.refunded;
        if (is_untouched) assert_true(nth.settled && nth.refunded && nth.acct_pay == NTH_PAYABLE);
        nth_close(&nth);
        remove_files();
    }
    assert_true(settled > runs / 2); /* a failure is an exception for the client too */
    print_message("%s, %s: %lu failures, %lu runs with settlement and refund\n", desk_nodes[node].name,
                  words[how], runs - 1, settled);
    return (runs - 1) * NTH_STRIDE;
}

static void every_change_of_the_coordinators_file(void **state) {
    (void)state;
    assert_true(loop(CARE, FAULTY_ERROR) > 100);
}

static void every_change_of_the_homes_file(void **state) {
    (void)state;
    assert_true(loop(HOME, FAULTY_ERROR) > 50);
}

static void every_change_of_the_payers_file(void **state) {
    (void)state;
    assert_true(loop(EAST, FAULTY_ERROR) > 50);
}

static void every_write_is_half_done(void **state) {
    (void)state;
    assert_true(loop(CARE, FAULTY_HALF_WRITTEN) > 100);
}

static void every_write_finds_the_disk_full(void **state) {
    (void)state;
    assert_true(loop(CARE, FAULTY_FULL) > 100);
    assert_true(loop(EAST, FAULTY_HALF_FULL) > 50);
}

static int make_folder(void **state) {
    (void)state;
    if (mkdtemp(folder) == NULL) return -1;
    (void)snprintf(path, sizeof path, "%s/node.db", folder);
    faulty_install();
    return 0;
}

static int remove_folder(void **state) {
    (void)state;
    remove_files();
    return rmdir(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_change_of_the_coordinators_file),
        cmocka_unit_test(every_change_of_the_homes_file),
        cmocka_unit_test(every_change_of_the_payers_file),
        cmocka_unit_test(every_write_is_half_done),
        cmocka_unit_test(every_write_finds_the_disk_full),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}

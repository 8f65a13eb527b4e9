/* SPDX-License-Identifier: Apache-2.0
 *
 * The witness: written and read back, compared with a store, and doubtful in every doubt.
 */
#include "conf/witness.h"

#include "scratch.h"

static struct gj_witness_mark mark_of(uint32_t epoch, uint64_t flush) {
    struct gj_witness_mark mark = {.machine = "machine-1", .epoch = epoch, .flush = flush};
    memset(mark.store_id, 0xab, sizeof mark.store_id);
    return mark;
}

static void what_was_written_is_read(void **state) {
    (void)state;
    char path[SCRATCH_PATH_CAP];
    struct gj_conf_error error;
    struct gj_witness_mark mark = mark_of(UINT32_MAX, INT64_MAX), read;
    scratch_path(path, "witness");
    assert_int_equal(gj_witness_write(path, &mark, &error), GJ_OK);
    assert_int_equal(gj_witness_read(path, &read, &error), GJ_OK);
    assert_memory_equal(read.store_id, mark.store_id, sizeof mark.store_id);
    assert_string_equal(read.machine, "machine-1");
    assert_int_equal(read.epoch, UINT32_MAX);
    assert_int_equal(read.flush, INT64_MAX);
    size_t len = 0;
    char *text = scratch_read("witness", &len);
    assert_string_equal(text,
                        "store_id abababababababababababababababab\nmachine machine-1\nepoch 4294967295\n"
                        "flush 9223372036854775807\n");
    free(text);
    mark = mark_of(1, 2);
    assert_int_equal(gj_witness_write(path, &mark, &error), GJ_OK);
    assert_int_equal(gj_witness_read(path, &read, &error), GJ_OK);
    assert_int_equal(read.flush, 2);
    assert_int_equal(gj_witness_write(scratch_path(path, "no/folder"), &mark, &error), GJ_ERR_NOT_FOUND);
}

struct row {
    uint32_t epoch;
    uint64_t flush;
    enum gj_witness expected;
};

static void only_equal_or_behind_opens_the_gate(void **state) {
    (void)state;
    static const struct row rows[] = {
        {5, 10, GJ_WITNESS_EQUAL_OR_BEHIND}, {5, 9, GJ_WITNESS_EQUAL_OR_BEHIND},
        {4, 99, GJ_WITNESS_EQUAL_OR_BEHIND}, {5, 11, GJ_WITNESS_DOUBTFUL},
        {6, 0, GJ_WITNESS_DOUBTFUL},
    };
    struct gj_witness_mark store = mark_of(5, 10);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct gj_witness_mark witness = mark_of(rows[i].epoch, rows[i].flush);
        assert_int_equal(gj_witness_compare(&witness, &store), rows[i].expected);
    }
    struct gj_witness_mark other = mark_of(5, 10);
    other.store_id[15] ^= 1;
    assert_int_equal(gj_witness_compare(&other, &store), GJ_WITNESS_DOUBTFUL);
    other = mark_of(5, 10);
    other.machine[0] = 'M';
    assert_int_equal(gj_witness_compare(&other, &store), GJ_WITNESS_DOUBTFUL);
}

static void missing_and_broken_files_are_doubtful(void **state) {
    (void)state;
    static const char good[] =
        "store_id abababababababababababababababab\nmachine machine-1\nepoch 5\nflush 10\n";
    static const char *const broken[] = {
        "",
        "store_id abab\nmachine m\nepoch 5\nflush 10\n",
        "store_id abababababababababababababababab\nmachine machine-1\nepoch 5\nflush -1\n",
        "store_id abababababababababababababababab\nmachine machine-1\nepoch 4294967296\nflush 1\n",
        "store_id abababababababababababababababab\nmachine machine-1\nepoch 5\nflush 10\nmore 1\n",
        "machine machine-1\nstore_id abababababababababababababababab\nepoch 5\nflush 10\n",
    };
    char path[SCRATCH_PATH_CAP];
    struct gj_conf_error error;
    struct gj_witness_mark store = mark_of(5, 10);
    assert_int_equal(gj_witness_judge(scratch_path(path, "none"), &store, &error), GJ_WITNESS_DOUBTFUL);
    assert_holds(error.text, "none: cannot be opened");
    scratch_path(path, "witness");
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        scratch_write("witness", broken[i]);
        assert_int_equal(gj_witness_judge(path, &store, &error), GJ_WITNESS_DOUBTFUL);
        assert_holds(error.text, "witness:1: is not a witness file");
    }
    for (size_t cut = 0; cut < sizeof good - 1; cut++) {
        scratch_write_bytes("witness", good, cut);
        assert_int_equal(gj_witness_judge(path, &store, &error), GJ_WITNESS_DOUBTFUL);
    }
    scratch_write("witness", good);
    assert_int_equal(gj_witness_judge(path, &store, &error), GJ_WITNESS_EQUAL_OR_BEHIND);
    assert_string_equal(error.text, "");
    store.flush = 9;
    assert_int_equal(gj_witness_judge(path, &store, &error), GJ_WITNESS_DOUBTFUL);
    assert_holds(error.text, "is ahead of the store");
}

static void a_machine_has_one_name(void **state) {
    (void)state;
    char one[GJ_MACHINE_MAX + 1], two[GJ_MACHINE_MAX + 1];
    gj_machine_id(one);
    gj_machine_id(two);
    assert_true(strlen(one) > 0);
    assert_string_equal(one, two);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_is_read),
        cmocka_unit_test(only_equal_or_behind_opens_the_gate),
        cmocka_unit_test(missing_and_broken_files_are_doubtful),
        cmocka_unit_test(a_machine_has_one_name),
    };
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * The contract of the store port (base/store.h), one suite for every driver. What holds here may be relied
 * on by the pure rooms; a driver that cannot keep it is no driver.
 */
#include "store/kit.h"

struct driver {
    const char *name;
    void (*open)(struct kit *kit);
};

static const struct driver drivers[] = {{"memory", kit_open_memory}, {"sqlite", kit_open_sqlite}};
static const struct driver *driver; /* that the suite runs on now */

static int set_up(void **state) {
    struct kit *kit = calloc(1, sizeof(*kit));
    assert_non_null(kit);
    kit_folder(kit);
    driver->open(kit);
    *state = kit;
    return 0;
}

static int tear_down(void **state) {
    kit_done(*state);
    free(*state);
    return 0;
}

static struct gj_thing thing_of(const char *region, uint64_t seq, uint32_t token) {
    struct gj_thing thing = {.seq = seq, .amount = 1};
    gj_text_set(thing.region, sizeof(thing.region), region);
    memcpy(thing.token, &token, sizeof(thing.token));
    return thing;
}

static void put_thing(struct kit *kit, const char *region, uint64_t seq, uint32_t token) {
    struct gj_thing thing = thing_of(region, seq, token);
    gj_store_put(kit->store, &table_thing, &thing);
}

static bool has_thing(struct kit *kit, const char *region, uint64_t seq) {
    struct gj_thing thing = thing_of(region, seq, 0);
    return gj_store_get(kit->store, &table_thing, &thing, &kit->arena);
}

static struct gj_rows find_all(struct kit *kit) {
    struct gj_rows rows;
    gj_store_find(kit->store, &table_thing, NULL, NULL, 0, NULL, SIZE_MAX, &kit->arena, &rows);
    return rows;
}

/* --- one record ---------------------------------------------------------------------------------------- */

static void test_gives_back_every_field(void **state) {
    struct kit *kit = *state;
    uint8_t *bytes = malloc(70000);
    uint64_t seed = 7;
    for (int i = 0; i < 300; i++) {
        struct gj_thing put = kit_thing(&seed, bytes);
        struct gj_thing got = {.seq = put.seq, .amount = -1, .flag = true};
        memcpy(got.region, put.region, sizeof(got.region));
        gj_arena_reset(&kit->arena);
        kit_begin(kit);
        gj_store_put(kit->store, &table_thing, &put);
        assert_true(gj_store_get(kit->store, &table_thing, &got, &kit->arena));
        assert_true(kit_same_thing(&put, &got));
        assert_true(put.bytes.len == 0 ? got.bytes.ptr == NULL : got.bytes.ptr != put.bytes.ptr);
        kit_rollback(kit);
    }
    free(bytes);
}

static void test_keeps_the_extremes(void **state) {
    struct kit *kit = *state;
    struct gj_thing put = thing_of("zzzzzzzz", INT64_MAX, UINT32_MAX);
    put.number = INT64_MIN;
    put.amount = INT64_MAX;
    put.balance = INT64_MIN;
    put.day = 29991231;
    gj_text_set(put.by, sizeof(put.by), "甲乙丙丁");
    gj_text_set(put.txid.coordinator, sizeof(put.txid.coordinator), "abcdefghijklmnop");
    put.txid.epoch = UINT32_MAX;
    put.txid.seq = INT64_MAX;
    put.txid.attempt = UINT16_MAX;
    memset(put.digest.bytes, 0xff, sizeof(put.digest.bytes));
    kit_begin(kit);
    gj_store_put(kit->store, &table_thing, &put);
    kit_commit(kit);
    struct gj_thing got = thing_of("zzzzzzzz", INT64_MAX, 0);
    assert_true(gj_store_get(kit->store, &table_thing, &got, &kit->arena));
    assert_true(kit_same_thing(&put, &got));
}

static void test_finds_nothing_where_nothing_is(void **state) {
    struct kit *kit = *state;
    kit_begin(kit);
    put_thing(kit, "a", 1, 1);
    kit_commit(kit);
    assert_false(has_thing(kit, "a", 2));
    assert_false(has_thing(kit, "", 1));
    assert_false(has_thing(kit, "a", UINT64_MAX));
    assert_int_equal(gj_store_err(kit->store), GJ_OK);
    struct gj_thing thing = thing_of("b", 1, 1);
    kit_begin(kit);
    assert_false(gj_store_del(kit->store, &table_thing, &thing));
    assert_int_equal(gj_store_err(kit->store), GJ_OK);
    kit_commit(kit);
}

static void test_replaces_and_removes(void **state) {
    struct kit *kit = *state;
    struct gj_thing thing = thing_of("a", 1, 1), got = thing;
    kit_begin(kit);
    gj_store_put(kit->store, &table_thing, &thing);
    thing.amount = 2;
    gj_text_set(thing.by, sizeof(thing.by), "other");
    gj_store_put(kit->store, &table_thing, &thing);
    kit_commit(kit);
    assert_true(gj_store_get(kit->store, &table_thing, &got, &kit->arena));
    assert_int_equal(got.amount, 2);
    assert_int_equal(find_all(kit).n, 1);
    /* The old place in the index is gone with the old value. */
    struct gj_rows rows;
    struct gj_thing none = {0};
    gj_store_find(kit->store, &table_thing, "thing_by_by", &none, 1, NULL, 9, &kit->arena, &rows);
    assert_int_equal(rows.n, 0);

    kit_begin(kit);
    assert_true(gj_store_del(kit->store, &table_thing, &thing));
    assert_false(gj_store_del(kit->store, &table_thing, &thing));
    assert_false(has_thing(kit, "a", 1));
    kit_commit(kit);
    assert_int_equal(find_all(kit).n, 0);
}

static void test_takes_a_record_of_nothing_but_a_key(void **state) {
    struct kit *kit = *state;
    struct gj_mark mark = {.at = 5};
    kit_begin(kit);
    gj_store_put(kit->store, &table_mark, &mark);
    gj_store_put(kit->store, &table_mark, &mark);
    kit_commit(kit);
    assert_true(gj_store_get(kit->store, &table_mark, &mark, NULL));
    mark.at = 6;
    assert_false(gj_store_get(kit->store, &table_mark, &mark, NULL));
}

static void test_counts_writes(void **state) {
    struct kit *kit = *state;
    kit_begin(kit);
    assert_int_equal(kit->store->writes, 0);
    put_thing(kit, "a", 1, 1);
    put_thing(kit, "a", 2, 2);
    assert_int_equal(kit->store->writes, 2);
    kit_commit(kit);
    kit_begin(kit);
    assert_int_equal(kit->store->writes, 0);
    kit_rollback(kit);
}

/* --- limits ----------------------------------------------------------------------------------------------- */

static void test_blobs_up_to_their_limit(void **state) {
    struct kit *kit = *state;
    size_t limit = 4194304;
    uint8_t *bytes = malloc(limit + 1);
    assert_non_null(bytes);
    for (size_t i = 0; i <= limit; i++)
        bytes[i] = (uint8_t)(i * 31);
    struct gj_large large = {.at = 1, .bytes = gj_slice_of(bytes, limit)};
    kit_begin(kit);
    gj_store_put(kit->store, &table_large, &large);
    kit_commit(kit);
    struct gj_large got = {.at = 1};
    assert_true(gj_store_get(kit->store, &table_large, &got, &kit->arena));
    assert_true(gj_slice_equal(got.bytes, large.bytes));

    kit_begin(kit);
    large.bytes.len = limit + 1;
    gj_store_put(kit->store, &table_large, &large);
    assert_int_equal(gj_store_err(kit->store), GJ_ERR_TOO_LARGE);
    assert_non_null(strstr(kit->store->detail, "large.bytes"));
    kit_rollback(kit);
    free(bytes);
}

static void expect_refused(struct kit *kit, const struct gj_thing *thing, const char *field) {
    kit_begin(kit);
    gj_store_put(kit->store, &table_thing, thing);
    assert_int_equal(gj_store_err(kit->store), GJ_ERR_OVERFLOW);
    assert_non_null(strstr(kit->store->detail, field));
    kit_rollback(kit);
    assert_int_equal(find_all(kit).n, 0);
}

static void test_refuses_values_that_a_column_cannot_have(void **state) {
    struct kit *kit = *state;
    struct gj_thing thing = thing_of("a", (uint64_t)INT64_MAX + 1, 1);
    expect_refused(kit, &thing, "thing.seq");
    thing = thing_of("a", 1, 1);
    thing.amount = -1;
    expect_refused(kit, &thing, "thing.amount");
    thing = thing_of("a", 1, 1);
    thing.day = 18991231;
    expect_refused(kit, &thing, "thing.day");
    thing.day = -1;
    expect_refused(kit, &thing, "thing.day");
    thing = thing_of("a", 1, 1);
    gj_text_set(thing.txid.coordinator, sizeof(thing.txid.coordinator), "330000");
    thing.txid.seq = (uint64_t)INT64_MAX + 1;
    expect_refused(kit, &thing, "thing.txid");
    thing.txid.seq = 1;
    gj_text_set(thing.txid.coordinator, sizeof(thing.txid.coordinator), "no/node");
    expect_refused(kit, &thing, "thing.txid");
}

static void test_an_arena_that_is_full_latches(void **state) {
    struct kit *kit = *state;
    uint8_t bytes[2000] = {1}, small[1000];
    struct gj_thing thing = thing_of("a", 1, 1);
    thing.bytes = gj_slice_of(bytes, sizeof(bytes));
    kit_begin(kit);
    gj_store_put(kit->store, &table_thing, &thing);
    kit_commit(kit);

    struct gj_arena arena;
    gj_arena_init(&arena, small, sizeof(small));
    kit_begin(kit);
    assert_false(gj_store_get(kit->store, &table_thing, &thing, &arena));
    assert_int_equal(gj_store_err(kit->store), GJ_ERR_NO_SPACE);
    kit_rollback(kit);

    struct gj_rows rows = {.n = 7};
    gj_arena_init(&arena, small, sizeof(small));
    kit_begin(kit);
    gj_store_find(kit->store, &table_thing, NULL, NULL, 0, NULL, 5, &arena, &rows);
    assert_int_equal(gj_store_err(kit->store), GJ_ERR_NO_SPACE);
    assert_int_equal(rows.n, 0);
    kit_rollback(kit);

    /* And of many records without a large one. */
    gj_arena_init(&arena, small, sizeof(small));
    kit_begin(kit);
    thing.bytes = GJ_SLICE_NONE;
    for (uint32_t i = 0; i < 20; i++)
        put_thing(kit, "b", i, 100 + i);
    struct gj_thing match = thing_of("b", 0, 0);
    gj_store_find(kit->store, &table_thing, NULL, &match, 1, NULL, SIZE_MAX, &arena, &rows);
    assert_int_equal(gj_store_err(kit->store), GJ_ERR_NO_SPACE);
    kit_rollback(kit);
    assert_true(has_thing(kit, "a", 1));
}

/* --- transactions and the latch ---------------------------------------------------------------------------- */

static void test_a_transaction_sees_its_own_writes(void **state) {
    struct kit *kit = *state;
    kit_begin(kit);
    put_thing(kit, "a", 1, 1);
    assert_true(has_thing(kit, "a", 1));
    assert_int_equal(find_all(kit).n, 1);
    kit_rollback(kit);
    assert_false(has_thing(kit, "a", 1));
    assert_int_equal(find_all(kit).n, 0);
}

static void expect_same_rows(const struct gj_rows *a, const struct gj_rows *b) {
    assert_int_equal(a->n, b->n);
    const struct gj_thing *left = a->items, *right = b->items;
    for (size_t i = 0; i < a->n; i++)
        assert_true(kit_same_thing(&left[i], &right[i]));
}

static void test_a_rollback_restores_everything(void **state) {
    struct kit *kit = *state;
    uint8_t *bytes = malloc(70000);
    uint64_t seed = 11;
    kit_begin(kit);
    for (uint32_t i = 0; i < 30; i++) {
        struct gj_thing thing = kit_thing(&seed, bytes);
        memcpy(thing.token, &i, sizeof(i));
        gj_store_put(kit->store, &table_thing, &thing);
    }
    kit_commit(kit);
    struct gj_rows before = find_all(kit);
    for (int round = 0; round < 20; round++) {
        kit_begin(kit);
        for (uint32_t i = 0; i < 40; i++) {
            struct gj_thing thing = kit_thing(&seed, bytes);
            uint32_t token = 100 + i;
            memcpy(thing.token, &token, sizeof(token));
            if (kit_below(&seed, 3) == 0) {
                (void)gj_store_del(kit->store, &table_thing, &thing);
            } else {
                gj_store_put(kit->store, &table_thing, &thing);
            }
        }
        kit_rollback(kit);
    }
    struct gj_rows after = find_all(kit);
    expect_same_rows(&before, &after);
    free(bytes);
}

static void test_a_second_record_for_a_unique_index_latches(void **state) {
    struct kit *kit = *state;
    kit_begin(kit);
    put_thing(kit, "a", 1, 1);
    put_thing(kit, "a", 1, 1); /* itself is no second */
    kit_commit(kit);
    kit_begin(kit);
    put_thing(kit, "a", 2, 1);
    assert_int_equal(gj_store_err(kit->store), GJ_ERR_INTERNAL);
    assert_int_equal(kit->store->ops->commit(kit->store), GJ_ERR_INTERNAL);
    kit_begin(kit);
    assert_false(has_thing(kit, "a", 2));
    /* The value is free again once its record is gone, or has another. */
    struct gj_thing thing = thing_of("a", 1, 0);
    assert_true(gj_store_del(kit->store, &table_thing, &thing));
    put_thing(kit, "a", 2, 1);
    put_thing(kit, "a", 2, 3);
    put_thing(kit, "a", 4, 1);
    kit_commit(kit);
    assert_int_equal(find_all(kit).n, 2);
}

static void test_after_an_error_nothing_happens(void **state) {
    struct kit *kit = *state;
    kit_begin(kit);
    put_thing(kit, "a", 1, 1);
    kit_commit(kit);
    kit_begin(kit);
    put_thing(kit, "a", 2, 2);
    gj_store_fail(kit->store, GJ_ERR_BUSY, "first");
    gj_store_fail(kit->store, GJ_ERR_INTERNAL, "second");
    assert_int_equal(gj_store_err(kit->store), GJ_ERR_BUSY);
    assert_string_equal(kit->store->detail, "first");
    put_thing(kit, "a", 3, 3);
    assert_int_equal(kit->store->writes, 1);
    assert_false(has_thing(kit, "a", 1));
    assert_int_equal(find_all(kit).n, 0);
    struct gj_thing thing = thing_of("a", 1, 1);
    assert_false(gj_store_del(kit->store, &table_thing, &thing));
    /* A latched transaction cannot become durable, whoever asks. */
    assert_int_equal(kit->store->ops->commit(kit->store), GJ_ERR_BUSY);
    assert_false(kit->store->in_transaction);
    assert_int_equal(gj_store_err(kit->store), GJ_OK);
    assert_true(has_thing(kit, "a", 1));
    assert_int_equal(find_all(kit).n, 1);
}

static void test_a_latch_outside_a_transaction_ends_with_the_next(void **state) {
    struct kit *kit = *state;
    gj_store_fail(kit->store, GJ_ERR_BUSY, "between two");
    assert_false(has_thing(kit, "a", 1));
    kit_begin(kit);
    assert_int_equal(gj_store_err(kit->store), GJ_OK);
    put_thing(kit, "a", 1, 1);
    kit_commit(kit);
    assert_true(has_thing(kit, "a", 1));
}

static void put_outside(struct kit *kit) {
    put_thing(kit, "a", 1, 1);
}

static void del_outside(struct kit *kit) {
    struct gj_thing thing = {0};
    (void)gj_store_del(kit->store, &table_thing, &thing);
}

static void find_in_unknown_index(struct kit *kit) {
    struct gj_rows rows;
    gj_store_find(kit->store, &table_thing, "thing_by_nothing", NULL, 0, NULL, 1, &kit->arena, &rows);
}

static void find_with_too_many_columns(struct kit *kit) {
    struct gj_rows rows;
    struct gj_thing thing = {0};
    gj_store_find(kit->store, &table_thing, "thing_by_token", &thing, 2, NULL, 1, &kit->arena, &rows);
}

static void nothing(struct kit *kit) {
    (void)kit;
}

static void test_our_own_mistakes_are_asserts(void **state) {
    assert_true(kit_asserts(put_outside, *state));
    assert_true(kit_asserts(del_outside, *state));
    assert_true(kit_asserts(find_in_unknown_index, *state));
    assert_true(kit_asserts(find_with_too_many_columns, *state));
    assert_false(kit_asserts(nothing, *state));
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_gives_back_every_field),
        TEST(test_keeps_the_extremes),
        TEST(test_finds_nothing_where_nothing_is),
        TEST(test_replaces_and_removes),
        TEST(test_takes_a_record_of_nothing_but_a_key),
        TEST(test_counts_writes),
        TEST(test_blobs_up_to_their_limit),
        TEST(test_refuses_values_that_a_column_cannot_have),
        TEST(test_an_arena_that_is_full_latches),
        TEST(test_a_transaction_sees_its_own_writes),
        TEST(test_a_rollback_restores_everything),
        TEST(test_a_second_record_for_a_unique_index_latches),
        TEST(test_after_an_error_nothing_happens),
        TEST(test_a_latch_outside_a_transaction_ends_with_the_next),
        TEST(test_our_own_mistakes_are_asserts),
    };
    int failed = 0;
    for (size_t i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++) {
        driver = &drivers[i];
        failed += cmocka_run_group_tests_name(driver->name, tests, NULL, NULL);
    }
    return failed;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * What find() gives, on every driver: against a plain list that is sorted and filtered by hand here; and both
 * drivers against each other over thousands of random steps of one seed.
 */
#include "store/kit.h"

#define MODEL_MAX 400
#define STEPS     12000

struct model {
    struct gj_thing things[MODEL_MAX];
    uint8_t *bytes[MODEL_MAX];
    size_t n;
};

static struct kit memory, sqlite;
static struct kit *const kits[] = {&memory, &sqlite};
#define N_KITS (sizeof(kits) / sizeof(kits[0]))

static int set_up(void **state) {
    (void)state;
    memset(&memory, 0, sizeof(memory));
    memset(&sqlite, 0, sizeof(sqlite));
    kit_folder(&memory);
    kit_open_memory(&memory);
    kit_folder(&sqlite);
    kit_open_sqlite(&sqlite);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    kit_done(&memory);
    kit_done(&sqlite);
    return 0;
}

/* --- orders, written out by hand: number 0 is the key, then the indexes of thing ------------------------ */

static int by_number(int64_t a, int64_t b) {
    return (a > b) - (a < b);
}

static int by_txid(const struct gj_thing *a, const struct gj_thing *b) {
    char left[GJ_TXID_TEXT_CAP] = "", right[GJ_TXID_TEXT_CAP] = "";
    if (!gj_txid_is_none(&a->txid)) (void)gj_txid_format(left, &a->txid);
    if (!gj_txid_is_none(&b->txid)) (void)gj_txid_format(right, &b->txid);
    return strcmp(left, right);
}

#define N_ORDERS 5
static const char *const order_names[N_ORDERS] = {NULL, "thing_by_by", "thing_by_token", "thing_by_txid",
                                                  "thing_by_flag"};
static const uint32_t order_columns[N_ORDERS] = {2, 2, 1, 1, 4};

/* Compares column |i| of an order; behind the index's own columns come those of the key. */
static int compare_column(size_t order, uint32_t i, const struct gj_thing *a, const struct gj_thing *b) {
    if (i >= order_columns[order]) return compare_column(0, i - order_columns[order], a, b);
    switch (order) {
    case 0:
        return i == 0 ? strcmp(a->region, b->region) : by_number((int64_t)a->seq, (int64_t)b->seq);
    case 1:
        return i == 0 ? strcmp(a->by, b->by) : by_number(a->day, b->day);
    case 2:
        return memcmp(a->token, b->token, sizeof(a->token));
    case 3:
        return by_txid(a, b);
    default:
        if (i == 0) return by_number(a->flag, b->flag);
        if (i == 1) return by_number(a->number, b->number);
        if (i == 2) return memcmp(a->digest.bytes, b->digest.bytes, sizeof(a->digest.bytes));
        return strcmp(a->region, b->region);
    }
}

static size_t sort_order;
static int compare_things(const void *left, const void *right) {
    for (uint32_t i = 0; i < order_columns[sort_order] + 2; i++) {
        int compared = compare_column(sort_order, i, left, right);
        if (compared != 0) return compared;
    }
    return 0;
}

static void model_put(struct model *model, const struct gj_thing *thing) {
    size_t at = 0;
    while (at < model->n &&
           (strcmp(model->things[at].region, thing->region) != 0 || model->things[at].seq != thing->seq)) {
        at++;
    }
    assert_true(at < MODEL_MAX);
    if (at == model->n) model->n++;
    model->things[at] = *thing;
    model->bytes[at] = realloc(model->bytes[at], thing->bytes.len + 1);
    assert_non_null(model->bytes[at]);
    if (thing->bytes.len > 0) memcpy(model->bytes[at], thing->bytes.ptr, thing->bytes.len);
    model->things[at].bytes.ptr = model->bytes[at];
}

static bool matches(size_t order, uint32_t n_match, const struct gj_thing *a, const struct gj_thing *b) {
    for (uint32_t i = 0; i < n_match; i++) {
        if (compare_column(order, i, a, b) != 0) return false;
    }
    return true;
}

/* Everything the find should give, in pages of |limit|, each taken up after the last record of the one before. */
static void expect_pages(struct kit *kit, const struct model *model, size_t order, uint32_t n_match,
                         const struct gj_thing *match, size_t limit) {
    const struct gj_thing *after = NULL;
    struct gj_thing last;
    struct gj_rows rows = {0};
    size_t at_row = 0;
    bool more = true;
    gj_arena_reset(&kit->arena);
    for (size_t i = 0; i < model->n; i++) {
        if (!matches(order, n_match, &model->things[i], match)) continue;
        if (at_row == rows.n) {
            assert_true(more);
            gj_store_find(kit->store, &table_thing, order_names[order], match, n_match, after, limit,
                          &kit->arena, &rows);
            assert_string_equal(kit->store->detail, "");
            assert_true(rows.n > 0 && rows.n <= limit);
            last = ((const struct gj_thing *)rows.items)[rows.n - 1];
            after = &last;
            more = rows.more;
            at_row = 0;
        }
        assert_true(kit_same_thing(&model->things[i], &((const struct gj_thing *)rows.items)[at_row]));
        at_row++;
    }
    assert_int_equal(at_row, rows.n);
    if (after != NULL) {
        assert_false(rows.more);
        gj_store_find(kit->store, &table_thing, order_names[order], match, n_match, after, limit, &kit->arena,
                      &rows);
    } else {
        gj_store_find(kit->store, &table_thing, order_names[order], match, n_match, NULL, limit, &kit->arena,
                      &rows);
    }
    assert_int_equal(rows.n, 0);
    assert_false(rows.more);
}

static void test_every_prefix_in_every_order_and_page(void **state) {
    (void)state;
    struct model model = {0};
    uint8_t *bytes = malloc(70000);
    uint64_t seed = 20261121;
    kit_begin(&memory);
    kit_begin(&sqlite);
    for (uint32_t i = 0; i < MODEL_MAX; i++) {
        struct gj_thing thing = kit_thing(&seed, bytes);
        thing.seq = kit_below(&seed, 60);
        uint32_t token = i * 2654435761u;
        memcpy(thing.token, &token, sizeof(token));
        model_put(&model, &thing);
        gj_store_put(memory.store, &table_thing, &thing);
        gj_store_put(sqlite.store, &table_thing, &thing);
    }
    kit_commit(&memory);
    kit_commit(&sqlite);
    assert_true(model.n > 100);

    static const size_t limits[] = {1, 7, 1000};
    for (size_t order = 0; order < N_ORDERS; order++) {
        sort_order = order;
        qsort(model.things, model.n, sizeof(model.things[0]), compare_things);
        for (uint32_t n_match = 0; n_match <= order_columns[order]; n_match++) {
            for (size_t i = 0; i < 36; i++) {
                const struct gj_thing present = model.things[kit_below(&seed, model.n)];
                const struct gj_thing random = kit_thing(&seed, bytes);
                for (size_t k = 0; k < N_KITS; k++) {
                    expect_pages(kits[k], &model, order, n_match, i % 3 > 0 ? &present : &random,
                                 limits[i % 3]);
                }
                if (n_match == 0 && i == 2) break; /* nothing is matched: always the same */
            }
        }
    }
    for (size_t i = 0; i < MODEL_MAX; i++)
        free(model.bytes[i]);
    free(bytes);
}

static void test_more_tells_whether_the_limit_cut(void **state) {
    (void)state;
    for (size_t k = 0; k < N_KITS; k++) {
        struct kit *kit = kits[k];
        kit_begin(kit);
        for (uint64_t i = 0; i < 5; i++) {
            struct gj_mark mark = {.at = i};
            gj_store_put(kit->store, &table_mark, &mark);
        }
        kit_commit(kit);
        for (size_t limit = 0; limit < 8; limit++) {
            struct gj_rows rows;
            gj_store_find(kit->store, &table_mark, NULL, NULL, 0, NULL, limit, &kit->arena, &rows);
            assert_int_equal(rows.n, limit < 5 ? limit : 5);
            assert_int_equal(rows.more, limit < 5);
        }
    }
}

/* --- one driver against the other -------------------------------------------------------------------------- */

struct answer {
    bool found;
    enum gj_err err;
    struct gj_thing thing;
    struct gj_rows rows;
};

static struct answer random_read(struct kit *kit, uint64_t seed, const struct gj_thing *thing,
                                 const struct gj_thing *other) {
    struct answer answer = {.thing = *thing};
    gj_arena_reset(&kit->arena);
    if (kit_below(&seed, 3) == 0) {
        answer.found = gj_store_get(kit->store, &table_thing, &answer.thing, &kit->arena);
        return answer;
    }
    size_t order = kit_below(&seed, N_ORDERS);
    uint32_t n_match = (uint32_t)kit_below(&seed, order_columns[order] + 1);
    gj_store_find(kit->store, &table_thing, order_names[order], thing, n_match,
                  kit_below(&seed, 2) == 0 ? NULL : other, kit_below(&seed, 20), &kit->arena, &answer.rows);
    return answer;
}

static struct answer random_step(struct kit *kit, uint64_t seed, const struct gj_thing *thing,
                                 const struct gj_thing *other) {
    struct answer answer = {.thing = *thing};
    uint64_t choice = kit_below(&seed, 100);
    if (!kit->store->in_transaction) {
        if (choice < 60) {
            kit_begin(kit);
        } else {
            answer = random_read(kit, seed, thing, other);
        }
    } else if (choice < 5) {
        answer.err = kit->store->ops->commit(kit->store);
    } else if (choice < 8) {
        kit_rollback(kit);
    } else if (choice < 45) {
        gj_store_put(kit->store, &table_thing, thing);
    } else if (choice < 55) {
        answer.found = gj_store_del(kit->store, &table_thing, thing);
    } else {
        answer = random_read(kit, seed, thing, other);
    }
    if (answer.err == GJ_OK) answer.err = gj_store_err(kit->store);
    return answer;
}

static void expect_same(const struct answer *a, const struct answer *b) {
    assert_int_equal(a->found, b->found);
    assert_int_equal(a->err, b->err);
    assert_true(kit_same_thing(&a->thing, &b->thing));
    assert_int_equal(a->rows.n, b->rows.n);
    assert_int_equal(a->rows.more, b->rows.more);
    const struct gj_thing *left = a->rows.items, *right = b->rows.items;
    for (size_t i = 0; i < a->rows.n; i++)
        assert_true(kit_same_thing(&left[i], &right[i]));
}

static void test_both_drivers_agree_on_random_work(void **state) {
    (void)state;
    uint8_t *bytes = malloc(70000), *other_bytes = malloc(70000);
    uint64_t seed = 330000, latched = 0, rows = 0, found = 0;
    for (int step = 0; step < STEPS; step++) {
        struct gj_thing thing = kit_thing(&seed, bytes), other = kit_thing(&seed, other_bytes);
        uint64_t choice = kit_random(&seed);
        struct answer of_memory = random_step(&memory, choice, &thing, &other);
        struct answer of_sqlite = random_step(&sqlite, choice, &thing, &other);
        expect_same(&of_memory, &of_sqlite);
        latched += of_memory.err != GJ_OK;
        rows += of_memory.rows.n;
        found += of_memory.found;
    }
    /* The walk has been everywhere, or it shows nothing. */
    assert_true(latched > 50);
    assert_true(rows > 5000);
    assert_true(found > 300);
    for (size_t k = 0; k < N_KITS; k++) {
        if (kits[k]->store->in_transaction) kit_rollback(kits[k]);
    }
    struct answer all[N_KITS] = {{0}};
    for (size_t k = 0; k < N_KITS; k++) {
        gj_arena_reset(&kits[k]->arena);
        gj_store_find(kits[k]->store, &table_thing, NULL, NULL, 0, NULL, SIZE_MAX, &kits[k]->arena,
                      &all[k].rows);
    }
    assert_true(all[0].rows.n > 0);
    expect_same(&all[0], &all[1]);
    free(bytes);
    free(other_bytes);
}

/* --- many ------------------------------------------------------------------------------------------------------ */

#define MANY 100000

static void test_a_hundred_thousand_records(void **state) {
    (void)state;
    for (size_t k = 0; k < N_KITS; k++) {
        struct kit *kit = kits[k];
        kit_begin(kit);
        for (uint64_t i = 0; i < MANY; i++) {
            struct gj_mark mark = {.at = i * 7919 % MANY}; /* a walk through all, far from sorted */
            gj_store_put(kit->store, &table_mark, &mark);
        }
        kit_commit(kit);
        struct gj_mark last = {0};
        const struct gj_mark *after = NULL;
        struct gj_rows rows = {.more = true};
        uint64_t n = 0;
        while (rows.more) {
            gj_arena_reset(&kit->arena);
            gj_store_find(kit->store, &table_mark, NULL, NULL, 0, after, 999, &kit->arena, &rows);
            const struct gj_mark *marks = rows.items;
            for (size_t i = 0; i < rows.n; i++)
                assert_int_equal(marks[i].at, n++);
            last = marks[rows.n - 1];
            after = &last;
        }
        assert_int_equal(n, MANY);
    }
}

static void test_a_clone_is_its_own_store(void **state) {
    (void)state;
    struct gj_large large = {.at = 1, .bytes = GJ_SLICE_LIT("first")};
    kit_begin(&memory);
    gj_store_put(memory.store, &table_large, &large);
    kit_commit(&memory);
    struct gj_store *clone = NULL;
    assert_int_equal(gj_store_clone_memory(memory.store, &clone), GJ_OK);
    kit_begin(&memory);
    large.bytes = GJ_SLICE_LIT("second");
    gj_store_put(memory.store, &table_large, &large);
    kit_commit(&memory);
    gj_store_close(&memory.store); /* what the clone has must not lie in the original */
    memory.store = clone;
    assert_true(gj_store_get(clone, &table_large, &large, &memory.arena));
    assert_true(gj_slice_equal(large.bytes, GJ_SLICE_LIT("first")));
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_every_prefix_in_every_order_and_page),
        TEST(test_more_tells_whether_the_limit_cut),
        TEST(test_both_drivers_agree_on_random_work),
        TEST(test_a_hundred_thousand_records),
        TEST(test_a_clone_is_its_own_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Recorded inputs are kept as long as the configuration says: the oldest go, a few with each flush, and the others stay.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "store/tables.h"
#include "support/cluster.h"

#define DAY_MS INT64_C(86400000)

static const struct gj_cluster_node nodes[] = {{.name = "330000", .regions = "330100"},
                                               {.name = "360000", .regions = "360100"}};

struct count {
    uint64_t n;
    int64_t oldest_ms;
};

static void count_batches(void *ctx, struct gj_turn *turn) {
    struct count *count = ctx;
    struct gj_batch_row key = {.epoch = 0}, last;
    const struct gj_batch_row *after = NULL;
    struct gj_rows rows = {.more = true};
    *count = (struct count){.n = 0};
    while (rows.more) {
        gj_arena_reset(turn->scratch);
        gj_store_find(turn->store, &gj_table_batch, NULL, &key, 0, after, 1, turn->scratch, &rows);
        if (rows.n == 0) return;
        last = *(const struct gj_batch_row *)rows.items;
        if (count->n++ == 0) count->oldest_ms = last.wall_ms;
        last.inputs = GJ_SLICE_NONE;
        after = &last;
    }
}

static struct count batches(struct gj_cluster *c) {
    struct count count;
    gj_cluster_edit(c, 0, count_batches, &count);
    return count;
}

/* A start of the other node is a flush here. */
static void some_flushes(struct gj_cluster *c, unsigned n) {
    for (unsigned i = 0; i < n; i++) {
        gj_cluster_crash(c, 1);
        gj_cluster_advance(c, 2000);
        gj_cluster_start(c);
    }
}

static struct gj_cluster *recording(uint32_t days) {
    static const struct gj_packs none;
    const struct gj_cluster_config config = {.nodes = nodes,
                                             .n_nodes = 2,
                                             .packs = &none,
                                             .alg = GJ_SIGN_ED25519,
                                             .record_inputs = true,
                                             .record_days = days,
                                             .seed = 7};
    struct gj_cluster *c = gj_cluster_new(&config);
    gj_cluster_start(c);
    some_flushes(c, 10);
    return c;
}

static void the_oldest_go(void **state) {
    (void)state;
    struct gj_cluster *c = recording(3);
    uint64_t before = batches(c).n;
    int64_t begun_ms = batches(c).oldest_ms;
    assert_true(before >= 10);
    gj_cluster_advance(c, 2 * DAY_MS);
    some_flushes(c, 3);
    assert_true(batches(c).n > before); /* none is old enough */
    assert_int_equal(batches(c).oldest_ms, begun_ms);
    gj_cluster_advance(c, 2 * DAY_MS);
    some_flushes(c, 1);
    assert_true(batches(c).oldest_ms > begun_ms);
    assert_true(batches(c).n > 4); /* a few at a time */
    some_flushes(c, 20);
    assert_true(batches(c).oldest_ms >= gj_cluster_now(c, 0).wall.ms - 3 * DAY_MS);
    assert_true(batches(c).n > 4);
    gj_cluster_free(&c);
}

static void without_a_limit_all_stay(void **state) {
    (void)state;
    struct gj_cluster *c = recording(0);
    int64_t begun_ms = batches(c).oldest_ms;
    gj_cluster_advance(c, 5000 * DAY_MS);
    some_flushes(c, 3);
    assert_int_equal(batches(c).oldest_ms, begun_ms);
    gj_cluster_free(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_oldest_go),
        cmocka_unit_test(without_a_limit_all_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

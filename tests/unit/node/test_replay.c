/* SPDX-License-Identifier: Apache-2.0
 *
 * A store can be made again from the inputs that were recorded with its flushes: same inputs, times and seeds,
 * same records, byte for byte. The reader of the records is the format's second implementation (support/replay.h).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "support/replay.h"
#include "unit/domain/desk_world.h"

/* --- the story ------------------------------------------------------------------------------------------------- */
static struct desk *new_desk(void) {
    struct desk *desk = desk_new();
    /* The same world, but on nodes that record their inputs. */
    const struct gj_cluster_config config = {.nodes = desk_nodes,
                                             .n_nodes = NODES,
                                             .packs = &desk->packs,
                                             .alg = GJ_SIGN_ED25519,
                                             .seed = 43,
                                             .record_inputs = true,
                                             .ctx = desk,
                                             .network = desk_network};
    gj_cluster_free(&desk->cluster);
    desk->cluster = gj_cluster_new(&config);
    gj_cluster_edit(desk->cluster, CARE, desk_add_hospital, NULL);
    desk_person(desk, 1, "360100", "310", Y(100));
    desk_person(desk, 2, "330200", "310", Y(500));
    return desk;
}

/* Bind, settle over three nodes, refund a part; lose the coordinator and a participant on the way. */
static void tell(struct desk *desk) {
    char binding[GJ_REF_MAX + 1];
    struct gj_req_bill bill;
    const void *answer;
    desk_bind(desk, 2, "330200", 1, "360100", binding);
    desk_bill(desk, &bill, 1, "360100", Y(1000), Y(300));
    struct gj_ans_settlement settled = desk_settle(desk, &bill, 0);

    desk_bill(desk, &bill, 1, "360100", Y(50), Y(50));
    desk_expect_cash(&bill, Y(50));
    (void)gj_cluster_submit(desk->cluster, CARE, GJ_REQUEST_SETTLE, &bill);
    for (int i = 0; i < 6; i++)
        (void)gj_cluster_step(desk->cluster);
    gj_cluster_crash(desk->cluster, CARE);
    gj_cluster_crash(desk->cluster, EAST);
    (void)gj_cluster_run(desk->cluster, NULL, NULL, 3000);
    gj_cluster_restart(desk->cluster, CARE, GJ_WITNESS_EQUAL_OR_BEHIND);
    gj_cluster_restart(desk->cluster, EAST, GJ_WITNESS_EQUAL_OR_BEHIND);
    (void)gj_cluster_run(desk->cluster, NULL, NULL, 30000);

    struct gj_req_refund refund = {.amount = Y(20)};
    gj_text_set(refund.sender, sizeof refund.sender, HOSPITAL);
    desk_msgid(desk, refund.msgid);
    gj_text_set(refund.setl_id, sizeof refund.setl_id, settled.setl_id);
    assert_int_equal(desk_ask(desk, CARE, GJ_REQUEST_REFUND, &refund, &answer), GJ_ANSWER_REFUND);
    (void)gj_cluster_run(desk->cluster, NULL, NULL, 120000);
    desk_books_agree(desk);
}

static void test_every_store_is_made_again(void **state) {
    (void)state;
    struct desk *desk = new_desk();
    struct gj_store *before[NODES];
    for (size_t i = 0; i < NODES; i++)
        assert_int_equal(gj_store_clone_memory(gj_cluster_store(desk->cluster, i), &before[i]), GJ_OK);
    gj_cluster_start(desk->cluster);
    tell(desk);
    for (size_t i = 0; i < NODES; i++) {
        size_t rows = 0;
        struct gj_store *live = gj_cluster_store(desk->cluster, i);
        assert_true(gj_replay_differences(live, before[i], &rows) > 0);
        assert_true(gj_replay(desk->cluster, i, &desk->packs, live, before[i], false) > 10);
        assert_int_equal(gj_replay_differences(live, before[i], &rows), 0);
        assert_true(rows > 3);
        gj_store_close(&before[i]);
    }
    desk_free(desk);
}

/* The comparison sees it when a single bit of each seed is another. */
static void test_another_seed_makes_another_store(void **state) {
    (void)state;
    struct desk *desk = new_desk();
    struct gj_store *before;
    size_t rows;
    assert_int_equal(gj_store_clone_memory(gj_cluster_store(desk->cluster, CARE), &before), GJ_OK);
    gj_cluster_start(desk->cluster);
    struct gj_store *live = gj_cluster_store(desk->cluster, CARE);
    (void)gj_replay(desk->cluster, CARE, &desk->packs, live, before, true);
    assert_true(gj_replay_differences(live, before, &rows) > 0);
    gj_store_close(&before);
    desk_free(desk);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_store_is_made_again),
        cmocka_unit_test(test_another_seed_makes_another_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * A store put back from an earlier copy heals while the memory of one input is too small, at every place where some is
 * asked for, in turn, at the node that heals and at those that tell it; and while people look on. In the end all is
 * back, to the fen.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "nth_arena.h"
#include "nth_stride.h"
#include "support/pilot.h"

#define PATIENT 10 /* at HOME */
#define PAYER   11 /* at EAST */
#define Y(yuan) ((int64_t)(yuan)*100)

struct heal {
    struct gj_pilot *pilot;
    size_t node;
};

static void open_story(struct heal *h, size_t node) {
    struct gj_req_bill bill;
    struct gj_req_refund refund;
    struct gj_store *copy = NULL;
    const void *answer = NULL;
    char id[GJ_REF_MAX + 1];
    const struct gj_pilot_config config = {.seed = 3, .n_nodes = 3};
    *h = (struct heal){gj_pilot_new(&config), node};
    struct gj_cluster *cluster = h->pilot->cluster;
    gj_pilot_person(h->pilot, GJ_PILOT_HOME, PATIENT, Y(30));
    gj_pilot_person(h->pilot, GJ_PILOT_EAST, PAYER, Y(500));
    assert_int_equal(gj_store_clone_memory(gj_cluster_store(cluster, node), &copy), GJ_OK);
    gj_pilot_bind(h->pilot, GJ_PILOT_EAST, PAYER, GJ_PILOT_HOME, PATIENT, id);
    gj_pilot_bill(h->pilot, &bill, GJ_PILOT_HOME, PATIENT, Y(100), 0);
    gj_pilot_settle(h->pilot, &bill, id);
    gj_pilot_refund_body(h->pilot, &refund, id, Y(20));
    assert_int_equal(gj_cluster_request(cluster, GJ_PILOT_CARE, GJ_REQUEST_REFUND, &refund, &answer),
                     GJ_ANSWER_REFUND);
    assert_true(gj_pilot_settle_down(h->pilot, 60000));
    gj_cluster_crash(cluster, node);
    struct gj_store *lost = gj_cluster_swap_store(cluster, node, copy);
    gj_store_close(&lost);
    gj_cluster_advance(cluster, 2000);
    gj_cluster_restart(cluster, node, GJ_WITNESS_EQUAL_OR_BEHIND);
}

static bool is_healed(void *ctx) {
    const struct heal *h = ctx;
    return gj_cluster_events(h->pilot->cluster, h->node, GJ_EVENT_RESYNC_DONE) > 0;
}

/* What an operator asks meanwhile; one of the answers may be that there was no room for it. */
static void look_on(struct heal *h) {
    static const char *const whats[] = {"node", "resync", "cases", "transactions"};
    for (size_t i = 0; i < sizeof whats / sizeof whats[0]; i++) {
        struct gj_req_get get = {.what = ""};
        gj_text_set(get.what, sizeof get.what, whats[i]);
        (void)gj_cluster_submit(h->pilot->cluster, h->node, GJ_REQUEST_GET, &get);
        (void)gj_cluster_step(h->pilot->cluster);
    }
}

static void heals(size_t node) {
    uint64_t n = 1;
    for (bool is_untouched = false; !is_untouched; n += NTH_STRIDE) {
        struct heal h;
        open_story(&h, node);
        nth_arena_arm(n);
        look_on(&h);
        (void)gj_cluster_run(h.pilot->cluster, is_healed, &h, 120000);
        look_on(&h);
        is_untouched = nth_arena_disarm();
        assert_true(gj_cluster_run(h.pilot->cluster, is_healed, &h, 600000));
        assert_true(gj_pilot_settle_down(h.pilot, 600000));
        assert_int_equal(gj_pilot_differences(h.pilot), 0);
        assert_int_equal(gj_pilot_balance(h.pilot, GJ_PILOT_CARE, "R/360800/450100") +
                             gj_pilot_balance(h.pilot, GJ_PILOT_HOME, "R/360800/450100"),
                         0);
        assert_int_equal(gj_cluster_events(h.pilot->cluster, node, GJ_EVENT_CASE_OPENED), 0);
        gj_pilot_free(&h.pilot);
    }
    print_message("%llu failures\n", (unsigned long long)(n - 1) / NTH_STRIDE);
    assert_true(n > 50);
}

static void the_coordinator(void **state) {
    (void)state;
    heals(GJ_PILOT_CARE);
}

static void the_home(void **state) {
    (void)state;
    heals(GJ_PILOT_HOME);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_coordinator),
        cmocka_unit_test(the_home),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

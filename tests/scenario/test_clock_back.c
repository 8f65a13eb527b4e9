/* SPDX-License-Identifier: Apache-2.0
 *
 * A clock that is put right after a start: what the node signs then is older, by its own date, than the start of its
 * life. Shown that by a peer, it must not take it for another process's and stop.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/cluster.h"

#define HOUR_MS INT64_C(3600000)

enum { EAST, HOME, NODES };
static const struct gj_cluster_node nodes[NODES] = {{.name = "330000", .regions = "330100"},
                                                    {.name = "360000", .regions = "360100"}};

struct kept {
    uint8_t bytes[4096];
    size_t len;
};

/* EAST's first words: the HELLO of its first life. */
static void keep_first(void *ctx, const struct gj_cluster_flight *flight, struct gj_cluster_fate *fate) {
    struct kept *kept = ctx;
    (void)fate;
    if (flight->from != EAST || kept->len > 0) return;
    assert_true(flight->parcel.len <= sizeof kept->bytes);
    memcpy(kept->bytes, flight->parcel.ptr, flight->parcel.len);
    kept->len = flight->parcel.len;
}

static void an_old_greeting_after_the_clock_was_put_right(void **state) {
    (void)state;
    struct kept kept = {.len = 0};
    const struct gj_packs packs = {NULL, 0};
    const struct gj_cluster_config config = {
        .nodes = nodes, .n_nodes = NODES, .packs = &packs, .seed = 3, .ctx = &kept, .network = keep_first};
    struct gj_cluster *cluster = gj_cluster_new(&config);
    gj_cluster_start(cluster);
    gj_cluster_crash(cluster, EAST);
    gj_cluster_set_skew(cluster, EAST, HOUR_MS);
    gj_cluster_restart(cluster, EAST, GJ_WITNESS_EQUAL_OR_BEHIND);
    (void)gj_cluster_run(cluster, NULL, NULL, 3000);
    gj_cluster_set_skew(cluster, EAST, 0);
    /* Greeted, it writes, and signs what it wrote under the true time. */
    gj_cluster_crash(cluster, HOME);
    gj_cluster_restart(cluster, HOME, GJ_WITNESS_EQUAL_OR_BEHIND);
    (void)gj_cluster_run(cluster, NULL, NULL, 3000);

    gj_cluster_inject(cluster, HOME, nodes[EAST].name, gj_slice_of(kept.bytes, kept.len));
    (void)gj_cluster_run(cluster, NULL, NULL, 3000);
    assert_true(gj_cluster_events(cluster, EAST, GJ_EVENT_PEER_ERROR) > 0); /* it was shown */
    assert_int_equal(gj_cluster_events(cluster, EAST, GJ_EVENT_RESYNC_NEEDED), 0);
    gj_cluster_free(&cluster);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(an_old_greeting_after_the_clock_was_put_right)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

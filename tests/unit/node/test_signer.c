/* SPDX-License-Identifier: Apache-2.0
 *
 * The signer alone, with an outbox of the test's own: who gets which leaves, how parcels are split, and that
 * every leaf leads to the one root that was signed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "node/private.h"
#include "support/cluster.h"

#define MESSAGES_MAX 4096

static const struct gj_cluster_node three[] = {
    {"330000", "330100", NULL}, {"360000", "360100", NULL}, {"130000", "130100", NULL}};
static const struct gj_packs no_packs;

typedef char node_name[GJ_NODE_MAX + 1];
static const node_name to_360000[] = {"360000"};
static const node_name to_130000[] = {"130000"};
static const node_name to_both[] = {"360000", "130000"};

/* What each peer got: the indexes of the leaves, in order, and the parcels. */
struct got {
    uint32_t indexes[MESSAGES_MAX];
    uint32_t n, parcels;
    bool ends_on_core; /* some parcel ended between a CORE and its LEGS */
};

struct collector {
    struct gj_cluster *cluster;
    struct gj_engine *engine;
    struct got got[2];
    uint8_t root[GJ_HASH_BYTES];
    bool has_root;
};

static uint8_t arena_memory[8 * 1024 * 1024];

static void on_parcel(void *ctx, const char *node, struct gj_slice bytes) {
    struct collector *collector = ctx;
    struct got *got = &collector->got[strcmp(node, "360000") == 0 ? 0 : 1];
    struct gj_arena arena;
    struct gj_parcel parcel;
    assert_true(bytes.len <= GJ_PARCEL_MAX);
    gj_arena_init(&arena, arena_memory, sizeof arena_memory);
    assert_int_equal(gj_parcel_read(bytes, &arena, &parcel), GJ_OK);
    assert_true(parcel.n_items <= GJ_PARCEL_MESSAGES_MAX);
    assert_string_equal(parcel.head.sender, "330000");
    assert_int_equal(gj_keyring_verify(gj_cluster_keyring(collector->cluster, 1), &parcel.head,
                                       parcel.signed_bytes, parcel.signature),
                     GJ_OK);
    if (!collector->has_root) memcpy(collector->root, parcel.head.root, GJ_HASH_BYTES);
    collector->has_root = true;
    assert_memory_equal(collector->root, parcel.head.root, GJ_HASH_BYTES);
    const struct gj_out *items = collector->engine->outbox.items;
    for (uint32_t i = 0; i < parcel.n_items; i++) {
        const struct gj_parcel_item *item = &parcel.items[i];
        const struct gj_hasher *hasher = gj_cluster_hasher(collector->cluster, 1);
        assert_int_equal(gj_parcel_check_item(hasher, &parcel.head, item), GJ_OK);
        assert_true(gj_slice_equal(item->message, items[item->index].message));
        got->indexes[got->n++] = item->index;
    }
    if (items[parcel.items[parcel.n_items - 1].index].kind == GJ_KIND_CORE) got->ends_on_core = true;
    got->parcels++;
}

static void on_random(void *ctx, void *ret, size_t len) {
    (void)ctx;
    gj_random_bytes(ret, len);
}

/* An engine of node 0 whose parcels come here. */
static void open_signer(struct collector *collector) {
    static struct gj_prover prover;
    const struct gj_cluster_config config = {
        .nodes = three, .n_nodes = 3, .packs = &no_packs, .alg = GJ_SIGN_ED25519};
    memset(collector, 0, sizeof *collector);
    collector->cluster = gj_cluster_new(&config);
    prover = (struct gj_prover){.ctx = gj_cluster_keyring(collector->cluster, 0),
                                .verify = gj_keyring_verify,
                                .key_valid = gj_keyring_key_valid};
    const struct gj_engine_config engine = {
        .store = gj_cluster_store(collector->cluster, 0),
        .directory = gj_cluster_directory(collector->cluster, 0),
        .packs = &no_packs,
        .hasher = gj_cluster_hasher(collector->cluster, 0),
        .prover = &prover,
        .sign_key = gj_cluster_sign_key(collector->cluster, 0),
        .sink = {.ctx = collector, .parcel = on_parcel, .random = on_random}};
    assert_int_equal(gj_engine_new(&engine, &collector->engine), GJ_OK);
}

static void close_signer(struct collector *collector) {
    gj_engine_free(&collector->engine);
    gj_cluster_free(&collector->cluster);
}

static void say(struct collector *collector, enum gj_kind kind, size_t len, const node_name *nodes,
                uint32_t n) {
    static uint8_t bytes[GJ_MESSAGE_MAX];
    struct gj_outbox *outbox = &collector->engine->outbox;
    assert_true(outbox->n < outbox->cap && len <= sizeof bytes);
    struct gj_slice message = gj_arena_copy(&collector->engine->batch, gj_slice_of(bytes, len));
    outbox->items[outbox->n++] =
        (struct gj_out){.kind = kind, .message = message, .nodes = nodes, .n_nodes = n};
}

static void release(struct collector *collector) {
    const struct gj_now now = {.wall = {INT64_C(1795000000000)}};
    assert_int_equal(gj_signer_release(collector->engine, now), GJ_OK);
}

static void test_empty_outbox_signs_nothing(void **state) {
    (void)state;
    struct collector collector;
    open_signer(&collector);
    release(&collector);
    assert_int_equal(collector.engine->counts.signatures, 0);
    close_signer(&collector);
}

static void test_each_peer_gets_its_own_leaves(void **state) {
    (void)state;
    struct collector collector;
    open_signer(&collector);
    say(&collector, GJ_KIND_CORE, 100, to_both, 2);
    say(&collector, GJ_KIND_LEGS, 200, to_360000, 1);
    say(&collector, GJ_KIND_LEGS, 300, to_130000, 1);
    say(&collector, GJ_KIND_ACK, 10, to_130000, 1);
    release(&collector);
    static const uint32_t first[] = {0, 1}, second[] = {0, 2, 3};
    assert_int_equal(collector.got[0].n, 2);
    assert_memory_equal(collector.got[0].indexes, first, sizeof first);
    assert_int_equal(collector.got[1].n, 3);
    assert_memory_equal(collector.got[1].indexes, second, sizeof second);
    assert_int_equal(collector.engine->counts.signatures, 1);
    assert_int_equal(collector.engine->counts.messages_out, 5);
    assert_int_equal(collector.engine->counts.parcels_out, 2);
    close_signer(&collector);
}

/* 40 pairs of a CORE and large LEGS: more than two megabytes, so three parcels or more, and none of them ends
 * between the two of a pair. The sizes grow, so that a limit falls on every place of a pair. */
static void test_large_batch_is_split_between_pairs(void **state) {
    (void)state;
    for (size_t size = 24000; size < 64000; size += 3701) {
        struct collector collector;
        open_signer(&collector);
        for (unsigned i = 0; i < 40; i++) {
            say(&collector, GJ_KIND_CORE, 8000 + size / 4, to_360000, 1);
            say(&collector, GJ_KIND_LEGS, size, to_360000, 1);
        }
        release(&collector);
        assert_int_equal(collector.got[0].n, 80);
        for (uint32_t i = 0; i < 80; i++)
            assert_int_equal(collector.got[0].indexes[i], i);
        assert_true(collector.got[0].parcels >= 2);
        assert_false(collector.got[0].ends_on_core);
        assert_int_equal(collector.got[1].n, 0);
        assert_int_equal(collector.engine->counts.signatures, 1);
        close_signer(&collector);
    }
}

/* The most leaves that a batch has, all for one peer: the limit of messages splits, not the bytes. */
static void test_full_batch_is_split_by_number(void **state) {
    (void)state;
    struct collector collector;
    open_signer(&collector);
    /* CORE at the odd places, so that the limit falls behind one. */
    for (uint32_t i = 0; i < GJ_BATCH_OUT_MAX; i++)
        say(&collector, i % 2 == 1 && i + 1 < GJ_BATCH_OUT_MAX ? GJ_KIND_CORE : GJ_KIND_LEGS, 40, to_130000,
            1);
    release(&collector);
    assert_int_equal(collector.got[1].n, GJ_BATCH_OUT_MAX);
    assert_true(collector.got[1].parcels >= GJ_BATCH_OUT_MAX / GJ_PARCEL_MESSAGES_MAX);
    assert_false(collector.got[1].ends_on_core);
    assert_int_equal(collector.engine->counts.signatures, 1);
    close_signer(&collector);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty_outbox_signs_nothing),
        cmocka_unit_test(test_each_peer_gets_its_own_leaves),
        cmocka_unit_test(test_large_batch_is_split_between_pairs),
        cmocka_unit_test(test_full_batch_is_split_by_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

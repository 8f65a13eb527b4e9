/* SPDX-License-Identifier: Apache-2.0
 *
 * Parcels that a node did sign, with one message changed and signed again with its own key: what a node would say
 * whose program is wrong or whose owner lies.
 */
#include <string.h>

#include "fuzz/world.h"
#include "wire/parcel.h"

static void add_lie(struct world *world, size_t from, size_t to, struct gj_slice frame) {
    if (world->n_lies == WORLD_LIES) return;
    world->lies[world->n_lies].to = to;
    world->lies[world->n_lies].line = gj_cluster_directory(world->cluster, from)->self;
    world->lies[world->n_lies].frame = frame;
    world->n_lies++;
}

void world_release_lies(struct world *world) {
    for (uint32_t i = 0; i < world->n_lies; i++)
        gj_cluster_inject(world->cluster, world->lies[i].to, world->lies[i].line, world->lies[i].frame);
    world->n_lies = 0;
}

/* The story's arena is large, but a story can be wordy: then no more is kept. */
static bool has_room(const struct world *world) {
    return world->arena.used < world->arena.cap / 2 && !world->arena.overflow;
}

/* The message with something changed; empty if it is of no kind that we know or nothing fits. */
static struct gj_slice change(struct world *world, struct gj_slice bytes) {
    static uint8_t memory[GJ_MESSAGE_MAX];
    struct gj_message message;
    struct gj_fault fault;
    struct gj_buf out;
    if (gj_message_decode(bytes, &world->arena, &message, &fault) != GJ_OK) return GJ_SLICE_NONE;
    const struct gj_shape *shape = gj_kind_shape(message.kind);
    void *body = (void *)(uintptr_t)message.body; /* ours, in the arena */
    gj_fuzz_pool_learn(&world->pool, shape, body);
    for (unsigned changes = 1 + gj_read_u8(&world->reader) % 3u; changes > 0; changes--)
        gj_fuzz_change(shape, body, &world->reader, &world->pool, &world->arena);
    uint8_t how = gj_read_u8(&world->reader);
    if (how >= 192)
        gj_fuzz_change(&gj_shape_header, &message.header, &world->reader, &world->pool, &world->arena);
    gj_buf_init(&out, memory, sizeof memory);
    if (gj_message_encode(&message.header, shape, body, &out) != GJ_OK) return GJ_SLICE_NONE;
    return gj_arena_copy(&world->arena, gj_buf_slice(&out));
}

bool world_lie(struct world *world, const struct gj_cluster_flight *flight) {
    static struct gj_slice messages[GJ_FORGE_MESSAGES_MAX];
    struct gj_forge *forge = &world->forges[flight->from];
    struct gj_parcel parcel;
    if (!has_room(world)) return false;
    struct gj_slice copy = gj_arena_copy(&world->arena, flight->parcel);
    enum gj_err err = gj_parcel_read(copy, &world->arena, &parcel);
    GJ_ASSERT(err == GJ_OK);
    if (parcel.n_items == 0 || parcel.n_items > GJ_FORGE_MESSAGES_MAX) return false;
    for (uint32_t i = 0; i < parcel.n_items; i++)
        messages[i] = parcel.items[i].message;
    uint32_t which = gj_read_u8(&world->reader) % parcel.n_items;
    messages[which] = change(world, messages[which]);
    if (messages[which].len == 0) return false;
    gj_forge_reset(forge);
    forge->epoch = parcel.head.epoch;
    forge->flush = parcel.head.flush;
    forge->wall.ms = parcel.head.created_ms;
    struct gj_slice lie = gj_forge_parcel(forge, messages, parcel.n_items, NULL, 0);
    lie = gj_arena_copy(&world->arena, lie);
    if (lie.len == 0) return false;
    gj_fuzz_pool_bin(&world->pool, lie);
    add_lie(world, flight->from, flight->to, lie);
    return true;
}

void world_inject(struct world *world) {
    size_t from = gj_read_u8(&world->reader) % WORLD_NODES, to = gj_read_u8(&world->reader) % WORLD_NODES;
    enum gj_kind kind = (enum gj_kind)(1 + gj_read_u8(&world->reader) % (GJ_KIND_COUNT - 1));
    struct gj_forge *forge = &world->forges[from];
    if (!has_room(world) || from == to || !gj_cluster_is_up(world->cluster, from)) return;
    uint8_t store_id[16], how = gj_read_u8(&world->reader);
    const struct gj_shape *shape = gj_kind_shape(kind);
    void *body = gj_arena_alloc(&world->arena, shape->size);
    GJ_ASSERT(body != NULL);
    gj_fuzz_fill(shape, body, &world->reader, &world->pool, &world->arena);
    /* Ids far ahead of the node's own, so that its true messages are not taken for replays. */
    gj_forge_reset(forge);
    gj_engine_flush_mark(gj_cluster_engine(world->cluster, from), store_id, &forge->epoch, &forge->flush);
    forge->wall = gj_cluster_now(world->cluster, from).wall;
    if (forge->counter < 2000) forge->counter = 2000;
    const char *name = how % 8 == 7 ? "*" : gj_cluster_directory(world->cluster, to)->self;
    const struct gj_txid *tx = &world->pool.txids[how % GJ_FUZZ_POOL];
    if (how >= 128 || gj_txid_is_none(tx)) tx = NULL;
    struct gj_slice parcel = gj_forge_one(forge, kind, name, tx, body);
    parcel = gj_arena_copy(&world->arena, parcel);
    if (parcel.len > 0) add_lie(world, from, to, parcel);
}

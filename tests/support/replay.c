/* SPDX-License-Identifier: Apache-2.0
 *
 * The core without an engine, fed from a store's recorded inputs. It is the recording's second reader, shares nothing
 * with the one that writes it, and must never look at the live node but for its keys and its registry.
 */
#include "support/replay.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "domain/domain.h"
#include "protocol/tables.h"
#include "store/tables.h"

#define ARENA_BYTES ((size_t)64 * 1024 * 1024)
#define PAGE        200

/* --- the core without an engine ---------------------------------------------------------------------------- */
struct replay {
    struct gj_cluster *cluster;
    const struct gj_packs *packs;
    size_t node;
    struct gj_store *store;
    struct gj_prover prover;
    void *protocol_memory, *domain_memory;
    struct gj_protocol *protocol;
    struct gj_domain *domain;
    struct gj_arena scratch, batch;
    struct gj_outbox outbox;
    struct gj_replies replies;
    struct gj_events events;
    struct gj_turn turn;
    size_t entries;
    bool flip_a_seed;
};

static void *memory_of(size_t size) {
    void *memory = calloc(1, size);
    GJ_ASSERT(memory != NULL);
    return memory;
}

static void open_replay(struct replay *replay, struct gj_cluster *cluster, const struct gj_packs *packs,
                        size_t node, struct gj_store *store) {
    memset(replay, 0, sizeof *replay);
    replay->cluster = cluster;
    replay->packs = packs;
    replay->node = node;
    replay->store = store;
    replay->prover = (struct gj_prover){.ctx = gj_cluster_keyring(cluster, node),
                                        .verify = gj_keyring_verify,
                                        .key_valid = gj_keyring_key_valid};
    replay->protocol_memory = memory_of(gj_protocol_size());
    replay->domain_memory = memory_of(gj_domain_size());
    gj_arena_init(&replay->scratch, memory_of(ARENA_BYTES), ARENA_BYTES);
    gj_arena_init(&replay->batch, memory_of(ARENA_BYTES), ARENA_BYTES);
    replay->outbox.cap = GJ_BATCH_OUT_MAX;
    replay->outbox.items = memory_of(replay->outbox.cap * sizeof *replay->outbox.items);
    replay->replies.cap = 4096;
    replay->replies.items = memory_of(replay->replies.cap * sizeof *replay->replies.items);
    replay->turn = (struct gj_turn){.store = store,
                                    .scratch = &replay->scratch,
                                    .batch = &replay->batch,
                                    .outbox = &replay->outbox,
                                    .replies = &replay->replies,
                                    .events = &replay->events, /* of no size: they are not wanted */
                                    .hasher = gj_cluster_hasher(cluster, node)};
}

static void close_replay(struct replay *replay) {
    free(replay->replies.items);
    free(replay->outbox.items);
    free(replay->batch.ptr);
    free(replay->scratch.ptr);
    free(replay->domain_memory);
    free(replay->protocol_memory);
}

static void read_now(struct replay *replay, struct gj_reader *reader) {
    replay->turn.now.mono.ms = (int64_t)gj_read_u64(reader);
    replay->turn.now.wall.ms = (int64_t)gj_read_u64(reader);
}

static void read_seed(struct replay *replay, struct gj_reader *reader) {
    gj_arena_reset(&replay->scratch);
    gj_read_copy(reader, replay->turn.seed, sizeof replay->turn.seed);
    if (replay->flip_a_seed) replay->turn.seed[0] ^= 1;
    replay->turn.draws = 0;
}

static void play_start(struct replay *replay, struct gj_reader *reader) {
    enum gj_witness witness = (enum gj_witness)gj_read_u8(reader);
    const struct gj_directory *directory = gj_cluster_directory(replay->cluster, replay->node);
    read_now(replay, reader);
    read_seed(replay, reader);
    const struct gj_domain_config domain = {.directory = directory, .packs = replay->packs};
    replay->domain = gj_domain_init(replay->domain_memory, &domain);
    const struct gj_protocol_config protocol = {.directory = directory,
                                                .prover = &replay->prover,
                                                .app_ops = &gj_domain_app_ops,
                                                .app = replay->domain,
                                                .digest_alg = GJ_HASH_SHA256};
    replay->protocol = gj_protocol_init(replay->protocol_memory, &protocol);
    gj_domain_attach(replay->domain, replay->protocol);
    replay->turn.accepts_new_work = true;
    gj_protocol_recover(replay->protocol, &replay->turn, witness);
    gj_domain_recover(replay->domain, &replay->turn);
}

static void play_step(struct replay *replay, struct gj_reader *reader) {
    read_now(replay, reader);
    replay->turn.accepts_new_work = gj_read_u8(reader) != 0;
    replay->turn.no_new_work = (enum gj_err)gj_read_u16(reader);
    gj_arena_reset(&replay->batch);
    replay->outbox.n = 0;
    replay->replies.n = 0;
}

static void play_input(struct replay *replay, struct gj_reader *reader) {
    char line[GJ_NODE_MAX + 1];
    enum gj_input_kind kind = (enum gj_input_kind)gj_read_u8(reader);
    uint64_t waiter = gj_read_u64(reader);
    GJ_ASSERT(gj_text_from_slice(line, sizeof line, gj_read_slice(reader, gj_read_u8(reader))) == GJ_OK);
    read_seed(replay, reader);
    struct gj_slice bytes = gj_read_slice(reader, gj_read_u32(reader));
    switch (kind) {
    case GJ_INPUT_PARCEL:
        gj_protocol_parcel(replay->protocol, &replay->turn, line, bytes);
        break;
    case GJ_INPUT_REQUEST:
        gj_domain_request(replay->domain, &replay->turn, waiter, bytes);
        break;
    case GJ_INPUT_HANGUP:
        gj_domain_forget_waiter(replay->domain, waiter);
        break;
    }
}

static void play_entry(struct replay *replay, struct gj_reader *reader) {
    uint8_t kind = gj_read_u8(reader);
    replay->entries++;
    if (kind == 'B') {
        play_start(replay, reader);
    } else if (kind == 'S') {
        play_step(replay, reader);
    } else if (kind == 'I') {
        play_input(replay, reader);
    } else {
        GJ_ASSERT(kind == 'P' || kind == 'D');
        read_seed(replay, reader);
        if (kind == 'P')
            gj_protocol_tick(replay->protocol, &replay->turn);
        else
            gj_domain_tick(replay->domain, &replay->turn);
    }
    GJ_ASSERT(!reader->failed);
}

/* One recorded flush: its entries, the flush number, the commit. */
static void play_row(struct replay *replay, const struct gj_batch_row *row) {
    static uint8_t memory[GJ_STORE_INPUTS_MAX];
    struct gj_buf plain;
    struct gj_reader reader;
    gj_buf_init(&plain, memory, sizeof memory);
    const struct gj_data_key *key = gj_cluster_data_key(replay->cluster, replay->node);
    GJ_ASSERT(gj_unseal(key, row->inputs, &plain) == GJ_OK);
    gj_reader_init(&reader, gj_buf_slice(&plain));
    replay->store->ops->begin(replay->store);
    while (reader.left > 0)
        play_entry(replay, &reader);
    struct gj_node_row node = {.one = 1};
    GJ_ASSERT(gj_store_get(replay->store, &gj_table_node, &node, &replay->scratch));
    node.flush++;
    gj_store_put(replay->store, &gj_table_node, &node);
    GJ_ASSERT(replay->store->ops->commit(replay->store) == GJ_OK);
}

size_t gj_replay(struct gj_cluster *cluster, size_t node, const struct gj_packs *packs,
                 struct gj_store *recorded, struct gj_store *store, bool flip_a_seed) {
    struct replay replay;
    struct gj_arena arena;
    struct gj_batch_row after = {0};
    struct gj_rows rows = {.more = true};
    open_replay(&replay, cluster, packs, node, store);
    replay.flip_a_seed = flip_a_seed;
    gj_arena_init(&arena, memory_of(ARENA_BYTES), ARENA_BYTES);
    recorded->ops->begin(recorded);
    for (bool is_first = true; rows.more; is_first = false) {
        gj_arena_reset(&arena);
        gj_store_find(recorded, &gj_table_batch, NULL, &after, 0, is_first ? NULL : &after, 1, &arena, &rows);
        if (rows.n == 0) break;
        after = *(const struct gj_batch_row *)rows.items;
        play_row(&replay, &after);
    }
    recorded->ops->rollback(recorded);
    size_t entries = replay.entries;
    free(arena.ptr);
    close_replay(&replay);
    return entries;
}

/* --- comparing two stores ------------------------------------------------------------------------------------- */
static bool is_same_field(const struct gj_field *field, const uint8_t *a, const uint8_t *b) {
    switch (field->type) {
    case GJ_FIELD_BIN:
        return gj_slice_equal(*(const struct gj_slice *)(const void *)a,
                              *(const struct gj_slice *)(const void *)b);
    case GJ_FIELD_TEXT:
        return strcmp((const char *)a, (const char *)b) == 0;
    case GJ_FIELD_TXID:
        return gj_txid_equal((const void *)a, (const void *)b);
    case GJ_FIELD_FIX:
        return memcmp(a, b, (size_t)field->max) == 0;
    case GJ_FIELD_DIGEST:
        return memcmp(a, b, sizeof(struct gj_digest)) == 0;
    case GJ_FIELD_BOOL:
        return *(const bool *)a == *(const bool *)b;
    case GJ_FIELD_DATE:
        return memcmp(a, b, sizeof(gj_date)) == 0;
    case GJ_FIELD_U64:
    case GJ_FIELD_I64:
    case GJ_FIELD_FEN:
        return memcmp(a, b, sizeof(uint64_t)) == 0;
    case GJ_FIELD_MAP:
    case GJ_FIELD_LIST:
        break;
    }
    GJ_ASSERT(false);
    return false;
}

static size_t differences_of_table(const struct gj_table *table, struct gj_store *a, struct gj_store *b,
                                   struct gj_arena *arena, size_t *ret_rows) {
    const struct gj_shape *shape = table->shape;
    uint8_t *after = memory_of(shape->size);
    size_t differences = 0;
    for (bool is_first = true;; is_first = false) {
        struct gj_rows of_a, of_b;
        gj_arena_reset(arena);
        gj_store_find(a, table, NULL, after, 0, is_first ? NULL : after, PAGE, arena, &of_a);
        gj_store_find(b, table, NULL, after, 0, is_first ? NULL : after, PAGE, arena, &of_b);
        if (of_a.n != of_b.n) differences++;
        size_t n = of_a.n < of_b.n ? of_a.n : of_b.n;
        for (size_t i = 0; i < n; i++) {
            const uint8_t *row_a = (const uint8_t *)of_a.items + i * shape->size;
            const uint8_t *row_b = (const uint8_t *)of_b.items + i * shape->size;
            for (uint32_t f = 0; f < shape->n_fields; f++) {
                uint32_t offset = shape->fields[f].offset;
                if (is_same_field(&shape->fields[f], row_a + offset, row_b + offset)) continue;
                differences++;
            }
        }
        *ret_rows += n;
        if (differences > 0 || !of_a.more) break;
        memcpy(after, (const uint8_t *)of_a.items + (of_a.n - 1) * shape->size, shape->size);
    }
    free(after);
    return differences;
}

size_t gj_replay_differences(struct gj_store *a, struct gj_store *b, size_t *ret_rows) {
    struct gj_arena arena;
    size_t differences = 0;
    const struct gj_catalogue *catalogue = gj_store_catalogue();
    gj_arena_init(&arena, memory_of(ARENA_BYTES), ARENA_BYTES);
    *ret_rows = 0;
    a->ops->begin(a);
    b->ops->begin(b);
    for (size_t i = 0; i < catalogue->n; i++) {
        if (catalogue->tables[i] == &gj_table_batch) continue; /* sealed under a fresh nonce each time */
        differences += differences_of_table(catalogue->tables[i], a, b, &arena, ret_rows);
    }
    a->ops->rollback(a);
    b->ops->rollback(b);
    free(arena.ptr);
    return differences;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * A store can be made again from the inputs that were recorded with its flushes: same inputs, times and seeds,
 * same records, byte for byte. The reader of the records here is the format's second implementation.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "protocol/tables.h"
#include "store/tables.h"
#include "unit/domain/desk_world.h"

#define ARENA_BYTES ((size_t)64 * 1024 * 1024)
#define PAGE        200

/* --- the core without an engine ---------------------------------------------------------------------------- */
struct replay {
    struct desk *desk;
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
    assert_non_null(memory);
    return memory;
}

static void open_replay(struct replay *replay, struct desk *desk, size_t node, struct gj_store *store) {
    memset(replay, 0, sizeof *replay);
    replay->desk = desk;
    replay->node = node;
    replay->store = store;
    replay->prover = (struct gj_prover){.ctx = gj_cluster_keyring(desk->cluster, node),
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
                                    .hasher = gj_cluster_hasher(desk->cluster, node)};
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
    const struct gj_directory *directory = gj_cluster_directory(replay->desk->cluster, replay->node);
    read_now(replay, reader);
    read_seed(replay, reader);
    const struct gj_domain_config domain = {.directory = directory, .packs = &replay->desk->packs};
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
    assert_int_equal(gj_text_from_slice(line, sizeof line, gj_read_slice(reader, gj_read_u8(reader))), GJ_OK);
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
        assert_true(kind == 'P' || kind == 'D');
        read_seed(replay, reader);
        if (kind == 'P')
            gj_protocol_tick(replay->protocol, &replay->turn);
        else
            gj_domain_tick(replay->domain, &replay->turn);
    }
    assert_false(reader->failed);
}

/* One recorded flush: its entries, the flush number, the commit. */
static void play_row(struct replay *replay, const struct gj_batch_row *row) {
    static uint8_t memory[GJ_STORE_INPUTS_MAX];
    struct gj_buf plain;
    struct gj_reader reader;
    gj_buf_init(&plain, memory, sizeof memory);
    const struct gj_data_key *key = gj_cluster_data_key(replay->desk->cluster, replay->node);
    assert_int_equal(gj_unseal(key, row->inputs, &plain), GJ_OK);
    gj_reader_init(&reader, gj_buf_slice(&plain));
    replay->store->ops->begin(replay->store);
    while (reader.left > 0)
        play_entry(replay, &reader);
    struct gj_node_row node = {.one = 1};
    assert_true(gj_store_get(replay->store, &gj_table_node, &node, &replay->scratch));
    node.flush++;
    gj_store_put(replay->store, &gj_table_node, &node);
    assert_int_equal(replay->store->ops->commit(replay->store), GJ_OK);
}

static void play_all(void *ctx, struct gj_turn *turn) {
    struct replay *replay = ctx;
    struct gj_batch_row after = {0};
    struct gj_rows rows = {.more = true};
    for (bool is_first = true; rows.more; is_first = false) {
        gj_arena_reset(turn->scratch);
        gj_store_find(turn->store, &gj_table_batch, NULL, &after, 0, is_first ? NULL : &after, 1,
                      turn->scratch, &rows);
        if (rows.n == 0) return;
        after = *(const struct gj_batch_row *)rows.items;
        play_row(replay, &after);
    }
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
    fail();
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

static size_t differences_of(struct gj_store *a, struct gj_store *b, size_t *ret_rows) {
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
        struct replay replay;
        size_t rows = 0;
        struct gj_store *live = gj_cluster_store(desk->cluster, i);
        assert_true(differences_of(live, before[i], &rows) > 0);
        open_replay(&replay, desk, i, before[i]);
        gj_cluster_edit(desk->cluster, i, play_all, &replay);
        assert_true(replay.entries > 10);
        assert_int_equal(differences_of(live, before[i], &rows), 0);
        assert_true(rows > 3);
        close_replay(&replay);
        gj_store_close(&before[i]);
    }
    desk_free(desk);
}

/* The comparison sees it when a single bit of each seed is another. */
static void test_another_seed_makes_another_store(void **state) {
    (void)state;
    struct desk *desk = new_desk();
    struct gj_store *before;
    struct replay replay;
    size_t rows;
    assert_int_equal(gj_store_clone_memory(gj_cluster_store(desk->cluster, CARE), &before), GJ_OK);
    gj_cluster_start(desk->cluster);
    open_replay(&replay, desk, CARE, before);
    replay.flip_a_seed = true;
    gj_cluster_edit(desk->cluster, CARE, play_all, &replay);
    assert_true(differences_of(gj_cluster_store(desk->cluster, CARE), before, &rows) > 0);
    close_replay(&replay);
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

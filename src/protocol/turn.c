/* SPDX-License-Identifier: Apache-2.0
 *
 * The turn's small services: random bytes out of its seed, events, answers. And the tables that it works on: their
 * shapes, keys and indexes.
 */
#include "protocol/turn.h"

#include <string.h>

#include "base/check.h"
#include "base/money.h"
#include "protocol/tables.h"

#include "base/shape_desc.h"
#include "protocol/tables.def"
#include "base/shape_undef.h"

void gj_turn_random(struct gj_turn *turn, void *ret, size_t len) {
    uint8_t *out = ret;
    while (len > 0) {
        uint8_t counter[8], block[GJ_HASH_BYTES];
        struct gj_buf buf;
        gj_buf_init(&buf, counter, sizeof counter);
        gj_buf_put_u64(&buf, turn->draws++);
        const struct gj_slice parts[] = {gj_slice_of(turn->seed, sizeof turn->seed), gj_buf_slice(&buf)};
        turn->hasher->hash(turn->hasher->ctx, GJ_HASH_SM3, parts, 2, block);
        size_t take = len < sizeof block ? len : sizeof block;
        memcpy(out, block, take);
        out += take;
        len -= take;
    }
}

void gj_turn_event(struct gj_turn *turn, enum gj_event_code code, enum gj_err err, const struct gj_txid *txid,
                   const char *node, int64_t value) {
    if (turn->events->n == turn->events->cap) {
        turn->events->lost++;
        return;
    }
    struct gj_event *event = &turn->events->items[turn->events->n++];
    *event = (struct gj_event){.code = code, .err = err, .value = value};
    if (txid != NULL) event->txid = *txid;
    if (node != NULL && gj_node_is_valid(node)) gj_text_set(event->node, sizeof event->node, node);
}

void gj_turn_reply(struct gj_turn *turn, uint64_t waiter, enum gj_answer_kind kind, const void *body) {
    if (waiter == 0) return;
    size_t mark = turn->scratch->used;
    uint8_t *memory = gj_arena_alloc(turn->scratch, GJ_REQUEST_MAX);
    if (memory == NULL) return;
    struct gj_buf buf;
    gj_buf_init(&buf, memory, GJ_REQUEST_MAX);
    enum gj_err err = gj_answer_encode(kind, body, &buf);
    GJ_ASSERT(err == GJ_OK);
    gj_turn_reply_bytes(turn, waiter, gj_buf_slice(&buf));
    gj_arena_rewind(turn->scratch, mark);
}

void gj_turn_reply_bytes(struct gj_turn *turn, uint64_t waiter, struct gj_slice answer) {
    if (waiter == 0) return;
    /* The engine sizes the list for more waiters than there can be; a full one is its mistake. */
    GJ_ASSERT(turn->replies->n < turn->replies->cap);
    struct gj_slice copy = gj_arena_copy(turn->batch, answer);
    if (copy.ptr == NULL) return;
    turn->replies->items[turn->replies->n++] = (struct gj_reply){.waiter = waiter, .answer = copy};
}

struct event_row {
    enum gj_event_level level;
    const char *word;
    const char *text;
};

static const struct event_row event_rows[GJ_EVENT_COUNT] = {
    [GJ_EVENT_NONE] = {GJ_LEVEL_DEBUG, "none", ""},
#define X(name, level, word, text) [GJ_EVENT_##name] = {GJ_LEVEL_##level, word, text},
#include "protocol/events.def"
#undef X
};

const char *gj_event_word(enum gj_event_code code) {
    return event_rows[code].word;
}

const char *gj_event_text(enum gj_event_code code) {
    return event_rows[code].text;
}

enum gj_event_level gj_event_level_of(enum gj_event_code code) {
    return event_rows[code].level;
}

/* --- tables --------------------------------------------------------------------------------------------- */

const struct gj_table gj_table_node = {.name = "node", .shape = &gj_shape_node_row, .key_fields = 1};
const struct gj_table gj_table_epoch = {.name = "epoch", .shape = &gj_shape_epoch_row, .key_fields = 1};
const struct gj_table gj_table_peer = {.name = "peer", .shape = &gj_shape_peer_row, .key_fields = 2};
const struct gj_table gj_table_request = {
    .name = "request",
    .shape = &gj_shape_request_row,
    .key_fields = 2,
    .indexes = {{.name = "request_by_state", .columns = {"state", "opened_ms"}}},
    .n_indexes = 1};
const struct gj_table gj_table_coord = {.name = "coord",
                                        .shape = &gj_shape_coord_row,
                                        .key_fields = 1,
                                        .indexes = {{.name = "coord_by_state", .columns = {"state"}},
                                                    {.name = "coord_by_biz", .columns = {"sender", "msgid"}}},
                                        .n_indexes = 2};
const struct gj_table gj_table_vote = {.name = "vote", .shape = &gj_shape_vote_row, .key_fields = 2};
const struct gj_table gj_table_part = {
    .name = "part",
    .shape = &gj_shape_part_row,
    .key_fields = 1,
    .indexes = {{.name = "part_by_state", .columns = {"state", "since_ms"}},
                {.name = "part_by_biz", .columns = {"biz_live"}}},
    .n_indexes = 2};

const struct gj_table gj_table_resolution = {
    .name = "resolution", .shape = &gj_shape_resolution_row, .key_fields = 1};
/* CASE is a word of SQL. */
const struct gj_table gj_table_case = {.name = "case_file",
                                       .shape = &gj_shape_case_row,
                                       .key_fields = 1,
                                       .indexes = {{.name = "case_file_by_time", .columns = {"opened_ms"}}},
                                       .n_indexes = 1};
const struct gj_table gj_table_collected = {
    .name = "collected", .shape = &gj_shape_collected_row, .key_fields = 2};
const struct gj_table gj_table_resync = {.name = "resync", .shape = &gj_shape_resync_row, .key_fields = 1};
const struct gj_table gj_table_replayed = {
    .name = "replayed", .shape = &gj_shape_replayed_row, .key_fields = 1};
const struct gj_table gj_table_opening = {.name = "opening", .shape = &gj_shape_opening_row, .key_fields = 1};

const struct gj_table *const gj_protocol_tables[] = {
    &gj_table_node,   &gj_table_epoch,    &gj_table_peer,       &gj_table_request, &gj_table_coord,
    &gj_table_vote,   &gj_table_part,     &gj_table_resolution, &gj_table_case,    &gj_table_collected,
    &gj_table_resync, &gj_table_replayed, &gj_table_opening};
const size_t gj_protocol_n_tables = sizeof(gj_protocol_tables) / sizeof(gj_protocol_tables[0]);

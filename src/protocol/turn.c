/* SPDX-License-Identifier: Apache-2.0
 *
 * The turn's small services: random bytes out of its seed, events, answers.
 */
#include "protocol/turn.h"

#include <string.h>

#include "base/check.h"

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

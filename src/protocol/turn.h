/* SPDX-License-Identifier: Apache-2.0
 *
 * A turn: the world of one input. The engine makes it, hands it to the pure rooms, and throws it away.
 * Whatever the pure rooms learn, write or say goes through it: the store transaction of the batch, the
 * time, random bytes, messages to peers, answers to clients, events for the log. Nothing in an outbox
 * or a reply list leaves before the batch is durable; a batch rolled back sends nothing.
 */
#ifndef GJ_PROTOCOL_TURN_H
#define GJ_PROTOCOL_TURN_H

#include "base/bytes.h"
#include "base/clock.h"
#include "base/hasher.h"
#include "base/ids.h"
#include "base/store.h"
#include "wire/message.h"

/* One message to send: finished bytes, to be signed and put into parcels after the flush. */
struct gj_out {
    enum gj_kind kind;
    struct gj_slice message;
    const char (*nodes)[GJ_NODE_MAX + 1]; /* who gets it */
    uint32_t n_nodes;
};

struct gj_outbox {
    struct gj_out *items;
    uint32_t n, cap;
    bool overflow; /* latched: a message did not fit; state is the truth, a timer sends it again */
};

struct gj_reply {
    uint64_t waiter;        /* the engine's handle of the client's connection */
    struct gj_slice answer; /* gj_answer_encode() bytes */
};

struct gj_replies {
    struct gj_reply *items;
    uint32_t n, cap;
};

/* What the shell logs and counts. X(NAME, level, "name", "text") in events.def. */
enum gj_event_code {
    GJ_EVENT_NONE,
#define X(name, level, word, text) GJ_EVENT_##name,
#include "protocol/events.def"
#undef X
    GJ_EVENT_COUNT
};
enum gj_event_level { GJ_LEVEL_DEBUG, GJ_LEVEL_INFO, GJ_LEVEL_WARN, GJ_LEVEL_ALARM };

struct gj_event {
    enum gj_event_code code;
    enum gj_err err;
    struct gj_txid txid;
    char node[GJ_NODE_MAX + 1];
    int64_t value;
};

struct gj_events {
    struct gj_event *items;
    uint32_t n, cap;
    uint32_t lost;
};

const char *gj_event_word(enum gj_event_code code);
const char *gj_event_text(enum gj_event_code code);
enum gj_event_level gj_event_level_of(enum gj_event_code code);

struct gj_turn {
    struct gj_store *store;
    struct gj_now now;
    struct gj_arena *scratch; /* until this input is done */
    struct gj_arena *batch;   /* until the batch was released: outbox and replies live here */
    struct gj_outbox *outbox;
    struct gj_replies *replies;
    struct gj_events *events;
    const struct gj_hasher *hasher;
    uint8_t seed[32]; /* fresh for each input, recorded with it */
    uint64_t draws;
    bool accepts_new_work;   /* false while draining or below the store's reserve */
    enum gj_err no_new_work; /* why not */
};

/* |len| bytes out of the turn's seed: H(seed | counter). Deterministic under replay. */
void gj_turn_random(struct gj_turn *turn, void *ret, size_t len);
void gj_turn_event(struct gj_turn *turn, enum gj_event_code code, enum gj_err err, const struct gj_txid *txid,
                   const char *node, int64_t value);
/* Encodes and queues the answer of one waiter; waiter 0 is nobody. */
void gj_turn_reply(struct gj_turn *turn, uint64_t waiter, enum gj_answer_kind kind, const void *body);
/* Queues an answer that is encoded already; copied. */
void gj_turn_reply_bytes(struct gj_turn *turn, uint64_t waiter, struct gj_slice answer);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * The only way in for what peers say. A parcel is checked from the cheapest question to the dearest:
 * size and counts, parse, sender, network, epoch, then per message version and recipient; then one signature for
 * the whole parcel, the path of each message, HELLO and clock window, its id; only then a machine hears it.
 * Each refusal has a code of its own. Nothing is remembered of a parcel whose signature did not verify.
 */
#include "protocol/state.h"

#include <string.h>

static void refuse(struct gj_turn *turn, enum gj_err err, const char *node, int64_t value) {
    enum gj_event_code code = err == GJ_ERR_CLOCK_SKEW ? GJ_EVENT_CLOCK_SKEW : GJ_EVENT_PARCEL_REFUSED;
    gj_turn_event(turn, code, err, NULL, node, value);
}

/* --- the parcel ----------------------------------------------------------------------------------------- */

static enum gj_err check_head(struct gj_protocol *p, struct gj_wall now, const char *line,
                              const struct gj_batch_head *head, struct gj_peer **ret_peer) {
    struct gj_peer *peer = gj_peer_of(p, head->sender);
    if (peer == NULL) return GJ_ERR_UNKNOWN_SENDER;
    if (!gj_text_equal(line, head->sender)) return GJ_ERR_WRONG_SENDER;
    if (memcmp(head->network_id, p->config.directory->network_id, sizeof head->network_id) != 0)
        return GJ_ERR_WRONG_NETWORK;
    if (head->epoch < peer->epoch) return GJ_ERR_OLD_EPOCH;
    /* Who once was in an epoch never comes back to an earlier one. So a false clock, or a thief of its key, must not
     * take a node's epochs of the next years. */
    if (head->epoch > now.ms / 1000 + GJ_EPOCH_AHEAD_MAX_S) return GJ_ERR_CLOCK_SKEW;
    *ret_peer = peer;
    return GJ_OK;
}

/* --- one message ---------------------------------------------------------------------------------------- */

static void answer_error(struct gj_protocol *p, struct gj_turn *turn, const struct gj_message *message,
                         enum gj_err err) {
    struct gj_error body = {0};
    struct gj_msgid id;
    if (message->kind == GJ_KIND_ERROR) return;
    gj_text_set(body.code, sizeof body.code, gj_err_name(err));
    gj_msgid_read(message->header.id, &id);
    gj_protocol_send(p, turn, GJ_KIND_ERROR, message->header.from, &body, &id, GJ_CLOCK_WINDOW_MS, NULL);
}

static enum gj_err check_clock(struct gj_turn *turn, struct gj_peer *peer, const struct gj_message *message) {
    int64_t now = turn->now.wall.ms;
    if (!gj_kind_is_new_work(message->kind)) return GJ_OK;
    peer->clock_skew_ms = message->header.sent_at - now;
    if (message->header.sent_at > now + GJ_CLOCK_WINDOW_MS) return GJ_ERR_CLOCK_SKEW;
    if (message->header.sent_at < now - GJ_CLOCK_WINDOW_MS) return GJ_ERR_CLOCK_SKEW;
    if (message->header.expires_at < now - GJ_CLOCK_WINDOW_MS) return GJ_ERR_CLOCK_SKEW;
    return GJ_OK;
}

static bool may_be_to_all(enum gj_kind kind) {
    return kind == GJ_KIND_CORE || kind == GJ_KIND_COMMIT || kind == GJ_KIND_ABORT;
}

/* What can be said of a message before its signature is verified. */
static enum gj_err check_header(struct gj_protocol *p, const struct gj_message *message) {
    const struct gj_header *header = &message->header;
    struct gj_msgid id;
    if (!gj_text_equal(header->from, p->parcel->head.sender)) return GJ_ERR_WRONG_SENDER;
    bool to_all = gj_text_equal(header->to, GJ_ALL_NODES) && may_be_to_all(message->kind);
    if (!to_all && !gj_protocol_is_self(p, header->to)) return GJ_ERR_WRONG_RECIPIENT;
    gj_msgid_read(header->id, &id);
    return id.epoch == p->parcel->head.epoch ? GJ_OK : GJ_ERR_BAD_FIELD;
}

/* What is noted of a peer, and answered, only under its signature. The HELLO may be in this very parcel. */
static enum gj_err check_standing(struct gj_protocol *p, struct gj_turn *turn, struct gj_peer *peer,
                                  const struct gj_message *message) {
    bool is_greeting = message->kind == GJ_KIND_HELLO || message->kind == GJ_KIND_WELCOME;
    if (!is_greeting && p->parcel->head.epoch != peer->epoch) return GJ_ERR_NO_HELLO;
    return check_clock(turn, peer, message);
}

static void on_error(struct gj_protocol *p, struct gj_turn *turn, const struct gj_message *message) {
    const struct gj_error *error = message->body;
    struct gj_peer *peer = gj_peer_of(p, message->header.from);
    enum gj_err err = gj_protocol_code_of_peer(error->code);
    gj_turn_event(turn, GJ_EVENT_PEER_ERROR, err, NULL, message->header.from, 0);
    if (err == GJ_ERR_BAD_NONCE || err == GJ_ERR_OLD_EPOCH) {
        gj_peers_on_disowned(p, turn, message->header.from, err, error->proof);
        return;
    }
    if (err == GJ_ERR_NO_HELLO) {
        peer->heard = false;
        peer->hello_due = turn->now.mono;
    }
    if (message->header.reply_to.len != GJ_MSGID_BYTES) return;
    struct gj_msgid id;
    gj_msgid_read(message->header.reply_to.ptr, &id);
    p->config.app_ops->peer_error(p->config.app, turn, message->header.from, &id, err);
}

static void on_vote(struct gj_protocol *p, struct gj_turn *turn, const struct gj_message *message,
                    struct gj_slice evidence) {
    const struct gj_vote *vote = message->body;
    gj_coordinator_on_vote(p, turn, message->header.from, &message->header.tx, &vote->digest, vote->yes, vote,
                           evidence);
}

static void on_core(struct gj_protocol *p, const struct gj_message *message, struct gj_slice evidence) {
    p->last_core = evidence;
    p->last_core_message = *message;
}

static void on_abort(struct gj_protocol *p, struct gj_turn *turn, const struct gj_message *message,
                     struct gj_slice evidence) {
    const struct gj_abort *abort = message->body;
    if (!gj_text_equal(message->header.from, message->header.tx.coordinator)) {
        gj_turn_event(turn, GJ_EVENT_VIOLATION, GJ_ERR_WRONG_SENDER, &message->header.tx,
                      message->header.from, 0);
        return;
    }
    gj_participant_on_abort(p, turn, &message->header.tx, &abort->digest, evidence);
}

/* In RESYNC nothing is heard but what heals: no vote, no answer, no decision. A core waits for the replay behind it,
 * a commit is kept until it can be adopted. */
static bool is_unheard(struct gj_protocol *p, struct gj_turn *turn, const struct gj_message *message,
                       struct gj_slice evidence) {
    static const bool heals[GJ_KIND_COUNT] = {
        [GJ_KIND_HELLO] = true,      [GJ_KIND_WELCOME] = true, [GJ_KIND_ERROR] = true,
        [GJ_KIND_REPLAY_ASK] = true, [GJ_KIND_REPLAY] = true,  [GJ_KIND_CORE] = true};
    if (!p->resync || heals[message->kind]) return false;
    if (message->kind == GJ_KIND_COMMIT) gj_adopt_on_commit(p, turn, message, evidence);
    if (gj_kind_is_new_work(message->kind)) answer_error(p, turn, message, GJ_ERR_RESYNC);
    return true;
}

static void dispatch(struct gj_protocol *p, struct gj_turn *turn, const struct gj_message *message,
                     struct gj_slice evidence) {
    if (is_unheard(p, turn, message, evidence)) return;
    switch (message->kind) {
    case GJ_KIND_HELLO:
        gj_peers_on_hello(p, turn, message);
        return;
    case GJ_KIND_WELCOME:
        gj_peers_on_welcome(p, turn, message);
        return;
    case GJ_KIND_CORE:
        on_core(p, message, evidence);
        return;
    case GJ_KIND_LEGS:
        gj_participant_on_prepare(p, turn, message);
        return;
    case GJ_KIND_VOTE:
        on_vote(p, turn, message, evidence);
        return;
    case GJ_KIND_VOTE_FACTS:
        gj_coordinator_on_facts(p, turn, message);
        return;
    case GJ_KIND_COMMIT:
        gj_participant_on_commit(p, turn, message, evidence);
        return;
    case GJ_KIND_ABORT:
        on_abort(p, turn, message, evidence);
        return;
    case GJ_KIND_ACK:
        gj_coordinator_on_ack(p, turn, message);
        return;
    case GJ_KIND_INQUIRE:
        gj_inquiry_on_inquire(p, turn, message, evidence);
        return;
    case GJ_KIND_STATUS:
        gj_inquiry_on_status(p, turn, message, evidence);
        return;
    case GJ_KIND_ERROR:
        on_error(p, turn, message);
        return;
    case GJ_KIND_REPLAY_ASK:
        gj_replay_on_ask(p, turn, message);
        return;
    case GJ_KIND_REPLAY:
        gj_resync_on_replay(p, turn, message);
        return;
    case GJ_KIND_VERIFY:
    case GJ_KIND_VERIFIED:
    case GJ_KIND_PLAN:
    case GJ_KIND_PLAN_ANSWER:
    case GJ_KIND_COVER:
    case GJ_KIND_COVER_ANSWER:
    case GJ_KIND_REVOKE:
    case GJ_KIND_REVOKED:
        p->config.app_ops->message(p->config.app, turn, message, evidence);
        return;
    case GJ_KIND_NONE:
    case GJ_KIND_COUNT:
        return;
    }
}

/* Kinds that go into a record as they came. What no schema knows may be in them too, and is signed with them. */
static bool is_kept(enum gj_kind kind) {
    return kind == GJ_KIND_CORE || kind == GJ_KIND_VOTE || kind == GJ_KIND_COMMIT || kind == GJ_KIND_ABORT ||
           kind == GJ_KIND_COVER;
}

/* A message whose signature is verified: its id, then its content. */
static void admit(struct gj_protocol *p, struct gj_turn *turn, struct gj_peer *peer,
                  const struct gj_parcel_item *item, const struct gj_message *message, enum gj_err content) {
    struct gj_msgid id;
    struct gj_buf buf;
    gj_msgid_read(message->header.id, &id);
    enum gj_err err = check_standing(p, turn, peer, message);
    if (err != GJ_OK) {
        refuse(turn, err, message->header.from, err == GJ_ERR_CLOCK_SKEW ? peer->clock_skew_ms : 0);
        answer_error(p, turn, message, err);
        return;
    }
    err = gj_replay_check(&peer->replay, &id);
    if (err != GJ_OK) {
        refuse(turn, err, message->header.from, (int64_t)id.counter);
        return;
    }
    gj_replay_remember(&peer->replay, &id);
    if (content != GJ_OK) {
        refuse(turn, content, message->header.from, 0);
        answer_error(p, turn, message, content);
        return;
    }
    uint8_t *memory = gj_arena_alloc(turn->scratch, GJ_SIGNED_BYTES_MAX + GJ_SIGNATURE_MAX + 64 +
                                                        item->path.len + item->message.len);
    if (memory == NULL) return;
    gj_buf_init(&buf, memory,
                GJ_SIGNED_BYTES_MAX + GJ_SIGNATURE_MAX + 64 + item->path.len + item->message.len);
    if (gj_parcel_extract(p->parcel, item, &buf) != GJ_OK) {
        refuse(turn, GJ_ERR_NO_SPACE, message->header.from, 0);
        return;
    }
    if (is_kept(message->kind) && buf.len > GJ_EVIDENCE_MAX) {
        refuse(turn, GJ_ERR_TOO_LARGE, message->header.from, (int64_t)buf.len);
        answer_error(p, turn, message, GJ_ERR_TOO_LARGE);
        return;
    }
    dispatch(p, turn, message, gj_buf_slice(&buf));
}

/* --- the whole way -------------------------------------------------------------------------------------- */

/* One ACK per coordinator for all the commits that this parcel brought. */
static void flush_acks(struct gj_protocol *p, struct gj_turn *turn) {
    for (uint32_t i = 0; i < p->n_acks; i++) {
        const char *node = p->acks[i].txid.coordinator;
        struct gj_ack ack = {.txids = gj_arena_array(turn->scratch, p->n_acks, sizeof *ack.txids)};
        bool is_done = ack.txids == NULL;
        for (uint32_t k = 0; k < i && !is_done; k++) {
            is_done = gj_text_equal(p->acks[k].txid.coordinator, node);
        }
        for (uint32_t k = i; k < p->n_acks && !is_done; k++) {
            if (gj_text_equal(p->acks[k].txid.coordinator, node)) ack.txids[ack.n_txids++] = p->acks[k];
        }
        if (!is_done) gj_protocol_emit_one(p, turn, GJ_KIND_ACK, node, NULL, &ack);
    }
    p->n_acks = 0;
}

void gj_admission_ack(struct gj_protocol *p, struct gj_turn *turn, const struct gj_txid *txid) {
    if (p->resync) return; /* the commit comes again when we may answer */
    if (p->n_acks == GJ_INQUIRE_ITEMS_MAX) flush_acks(p, turn);
    p->acks[p->n_acks++].txid = *txid;
}

struct candidate {
    const struct gj_parcel_item *item;
    struct gj_message message;
    enum gj_err content; /* GJ_OK, or why the body cannot be taken although the header can */
};

/* Decodes and checks what needs no signature. Refused ones are left out. */
static uint32_t sift(struct gj_protocol *p, struct gj_turn *turn, struct candidate *ret) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < p->parcel->n_items; i++) {
        struct candidate *c = &ret[n];
        struct gj_fault fault;
        c->item = &p->parcel->items[i];
        c->content = gj_message_decode(c->item->message, turn->scratch, &c->message, &fault);
        bool has_header = c->message.header.kind[0] != '\0' && c->content != GJ_ERR_BAD_VERSION;
        enum gj_err err = has_header ? check_header(p, &c->message) : c->content;
        if (err != GJ_OK) {
            refuse(turn, err, p->parcel->head.sender, i);
            continue;
        }
        n++;
    }
    return n;
}

static void forget_core(struct gj_protocol *p, struct gj_turn *turn, size_t mark) {
    p->last_core = GJ_SLICE_NONE;
    gj_arena_rewind(turn->scratch, mark);
}

/* A vote rests on its facts, which come as a message of their own before it: of a parcel in which something could not
 * be taken none counts. It comes again. */
static bool may_be_a_yes(const struct gj_message *message) {
    return message->kind == GJ_KIND_VOTE || message->kind == GJ_KIND_INQUIRE;
}

static void read_parcel(struct gj_protocol *p, struct gj_turn *turn, const char *line,
                        const struct gj_parcel *parcel) {
    struct gj_peer *peer = NULL;
    enum gj_err err = check_head(p, turn->now.wall, line, &parcel->head, &peer);
    if (err != GJ_OK) {
        refuse(turn, err, line, 0);
        if (err == GJ_ERR_OLD_EPOCH) gj_peers_on_old_epoch(p, turn, line, parcel);
        return;
    }
    p->parcel = parcel;
    struct candidate *candidates = gj_arena_array(turn->scratch, parcel->n_items, sizeof *candidates);
    if (candidates == NULL) {
        refuse(turn, GJ_ERR_NO_SPACE, line, 0);
        return;
    }
    uint32_t n = sift(p, turn, candidates);
    if (turn->scratch->overflow) {
        /* Decoded, it is larger than any honest parcel can be. Nothing was written yet. */
        gj_arena_reset(turn->scratch);
        refuse(turn, GJ_ERR_TOO_LARGE, line, (int64_t)parcel->n_items);
        return;
    }
    if (n == 0) return;
    const struct gj_prover *prover = p->config.prover;
    err = prover->verify(prover->ctx, &parcel->head, parcel->signed_bytes, parcel->signature);
    /* Its date is the signer's own word: who speaks now needs a key that is valid now. (Evidence does not.) */
    if (err == GJ_OK && !prover->key_valid(prover->ctx, &parcel->head, turn->now.wall))
        err = GJ_ERR_UNKNOWN_KEY;
    if (err != GJ_OK) {
        refuse(turn, err, line, 0);
        return;
    }
    size_t mark = turn->scratch->used;
    bool is_whole = n == parcel->n_items;
    for (uint32_t i = 0; i < n; i++) {
        err = gj_parcel_check_item(turn->hasher, &parcel->head, candidates[i].item);
        if (err != GJ_OK) {
            refuse(turn, err, line, i);
            is_whole = false;
            continue;
        }
        if (!is_whole && may_be_a_yes(&candidates[i].message)) {
            refuse(turn, GJ_ERR_BAD_PARCEL, line, i);
            continue;
        }
        /* One message's memory serves the next; only a core waits, and only for what rests on it right behind it. */
        const enum gj_kind kind = candidates[i].message.kind;
        if (kind != GJ_KIND_LEGS && kind != GJ_KIND_REPLAY) forget_core(p, turn, mark);
        admit(p, turn, peer, candidates[i].item, &candidates[i].message, candidates[i].content);
        if (kind != GJ_KIND_CORE) forget_core(p, turn, mark);
    }
    gj_peers_saw_flush(peer, parcel);
}

void gj_protocol_parcel(struct gj_protocol *p, struct gj_turn *turn, const char *line,
                        struct gj_slice frame) {
    struct gj_parcel parcel;
    if (frame.len > GJ_PARCEL_MAX) {
        refuse(turn, GJ_ERR_TOO_LARGE, line, (int64_t)frame.len);
        return;
    }
    enum gj_err err = gj_parcel_read(frame, turn->scratch, &parcel);
    if (err != GJ_OK) {
        refuse(turn, err, line, 0);
        return;
    }
    p->last_core = GJ_SLICE_NONE;
    p->n_acks = 0;
    read_parcel(p, turn, line, &parcel);
    flush_acks(p, turn);
    gj_peers_write_flushes(p, turn);
    p->parcel = NULL;
}

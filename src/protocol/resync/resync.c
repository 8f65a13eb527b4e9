/* SPDX-License-Identifier: Apache-2.0
 *
 * RESYNC: this store went back in time. The node says nothing but HELLO, WELCOME and replays, asks every peer for
 * what it knows, step by step, and opens when all have told it. It never believes how far it is but by its own
 * records: a crash at any point begins the unfinished replays again, and each of them changes nothing the second time.
 */
#include "protocol/state.h"

#include <string.h>

#define PASS_ROWS 16u /* of what was replayed, in one turn */

/* --- who owes us a replay --------------------------------------------------------------------------------- */

static void put_debt(struct gj_turn *turn, const char *node, const struct gj_peer *peer) {
    struct gj_resync_row row = {.done = !peer->is_owed, .missed = peer->is_missed};
    gj_text_set(row.node, sizeof row.node, node);
    gj_store_put(turn->store, &gj_table_resync, &row);
}

/* From its first step on, as after a restart: what it told before changes nothing. */
static void begin_replay(struct gj_turn *turn, struct gj_peer *peer) {
    peer->is_owed = true;
    peer->was_told = peer->has_early = false;
    peer->n_at = 0;
    peer->ask_due = turn->now.mono;
}

void gj_resync_enter(struct gj_protocol *p, struct gj_turn *turn, const char *why_node,
                     const struct gj_txid *txid) {
    struct gj_node_row node = {.one = 1};
    const struct gj_directory *dir = p->config.directory;
    const bool is_news = !p->resync;
    if (!gj_store_get(turn->store, &gj_table_node, &node, turn->scratch)) return;
    node.resync = true;
    gj_store_put(turn->store, &gj_table_node, &node);
    if (is_news) { /* said in good faith, by a store that was too old; a timer says it again */
        turn->outbox->n = 0;
        p->n_acks = 0;
    }
    p->resync = true;
    p->past_is_settled = false;
    gj_resync_forget_openings(turn);
    for (size_t i = 0; i < dir->n_nodes; i++) {
        if (gj_protocol_is_self(p, dir->nodes[i].node)) continue;
        p->peers[i].is_missed = false;
        begin_replay(turn, &p->peers[i]);
        put_debt(turn, dir->nodes[i].node, &p->peers[i]);
    }
    if (is_news) gj_turn_event(turn, GJ_EVENT_RESYNC_NEEDED, GJ_ERR_RESYNC, txid, why_node, 0);
}

/* The registry may have changed since: who is gone is asked no more. An official restore sets RESYNC alone. */
void gj_resync_recover(struct gj_protocol *p, struct gj_turn *turn) {
    const struct gj_directory *dir = p->config.directory;
    for (size_t i = 0; i < dir->n_nodes; i++) {
        struct gj_resync_row row = {.done = false};
        gj_text_set(row.node, sizeof row.node, dir->nodes[i].node);
        bool is_known = gj_store_get(turn->store, &gj_table_resync, &row, turn->scratch);
        bool is_owed = is_known ? !row.done : p->resync;
        if (gj_protocol_is_self(p, dir->nodes[i].node) || !is_owed) continue;
        p->peers[i].is_missed = is_known && row.missed;
        begin_replay(turn, &p->peers[i]);
        if (!is_known) put_debt(turn, dir->nodes[i].node, &p->peers[i]);
    }
    p->pass.is_due = gj_resync_is_healing(p);
}

bool gj_resync_is_healing(const struct gj_protocol *p) {
    for (size_t i = 0; i < p->config.directory->n_nodes; i++) {
        if (p->peers[i].is_owed) return true;
    }
    return p->resync;
}

void gj_resync_note_loss(struct gj_protocol *p, struct gj_turn *turn, const char *why_node,
                         const struct gj_txid *txid) {
    if (!gj_resync_is_healing(p) && !gj_adopt_is_staged(turn, txid)) gj_resync_enter(p, turn, why_node, txid);
}

bool gj_resync_waits(const struct gj_protocol *p) {
    for (size_t i = 0; i < p->config.directory->n_nodes; i++) {
        if (p->peers[i].is_owed && !p->peers[i].is_missed) return true;
    }
    return false;
}

/* Has another peer, who is waited for, not told anything to its end yet? */
static bool others_may_bring(const struct gj_protocol *p, const struct gj_peer *peer) {
    for (size_t i = 0; i < p->config.directory->n_nodes; i++) {
        const struct gj_peer *other = &p->peers[i];
        if (other != peer && other->is_owed && !other->is_missed && !other->was_told) return true;
    }
    return false;
}

void gj_resync_note_early(struct gj_protocol *p, const char *node) {
    struct gj_peer *peer = gj_peer_of(p, node);
    if (others_may_bring(p, peer)) peer->has_early = true;
}

/* --- asking ------------------------------------------------------------------------------------------------ */

/* Who has told all once, too early, is asked again when the others have. */
static bool is_asked(const struct gj_protocol *p, const struct gj_peer *peer) {
    return peer->is_owed && peer->heard && !(peer->was_told && others_may_bring(p, peer));
}

static void ask(struct gj_protocol *p, struct gj_turn *turn, const char *node, struct gj_peer *peer) {
    struct gj_replay_ask body = {.at = gj_slice_of(peer->at, peer->n_at)};
    memcpy(body.nonce, p->nonce, sizeof body.nonce);
    peer->ask_due = gj_mono_after(turn->now.mono, gj_jitter(turn, GJ_REPLAY_RESEND_MS));
    gj_protocol_emit_one(p, turn, GJ_KIND_REPLAY_ASK, node, NULL, &body);
}

static void ask_all(struct gj_protocol *p, struct gj_turn *turn) {
    const struct gj_directory *dir = p->config.directory;
    for (size_t i = 0; i < dir->n_nodes; i++) {
        struct gj_peer *peer = &p->peers[i];
        bool is_due = is_asked(p, peer) && gj_mono_is_due(peer->ask_due, turn->now.mono);
        if (is_due) ask(p, turn, dir->nodes[i].node, peer);
    }
}

static void peer_is_done(struct gj_protocol *p, struct gj_turn *turn, const char *node,
                         struct gj_peer *peer) {
    peer->was_told = true;
    p->pass.is_due = true;
    if (peer->has_early) {
        peer->has_early = false;
        peer->n_at = 0;
        return;
    }
    peer->is_owed = peer->is_missed = false;
    put_debt(turn, node, peer);
    gj_turn_event(turn, GJ_EVENT_REPLAY_DONE, GJ_OK, NULL, node, 0);
}

/* Another place than the one asked for: a step that came twice, or one before it was lost. */
static bool is_the_step(const struct gj_protocol *p, const struct gj_peer *peer,
                        const struct gj_replay *replay) {
    return peer->is_owed && memcmp(replay->nonce, p->nonce, sizeof replay->nonce) == 0 &&
           gj_slice_equal(replay->at, gj_slice_of(peer->at, peer->n_at));
}

void gj_resync_on_replay(struct gj_protocol *p, struct gj_turn *turn, const struct gj_message *message) {
    const struct gj_replay *replay = message->body;
    const char *from = message->header.from;
    struct gj_peer *peer = gj_peer_of(p, from);
    if (!is_the_step(p, peer, replay)) return;
    if (replay->what[0] != '\0') {
        enum gj_err err = gj_adopt_take(p, turn, message);
        if (err == GJ_ERR_NOT_FOUND) return; /* what went before it was lost; the step is asked for again */
        if (err != GJ_OK) gj_turn_event(turn, GJ_EVENT_VIOLATION, err, &message->header.tx, from, 0);
    }
    if (replay->done) {
        peer_is_done(p, turn, from, peer);
        return;
    }
    if (replay->next.len > sizeof peer->at) return;
    if (replay->next.len > 0) memcpy(peer->at, replay->next.ptr, replay->next.len);
    peer->n_at = (uint32_t)replay->next.len;
    if (replay->last) ask(p, turn, from, peer);
}

/* --- adopting, opening -------------------------------------------------------------------------------------- */

/* One walk is over. A walk that adopted something is followed by another, a quiet one by the last: what rests on
 * something that did not come is not waited for any longer, if nobody is left who could bring it. */
static void end_walk(struct gj_pass *pass) {
    const bool has_adopted = pass->has_adopted, was_last = pass->is_last;
    *pass = (struct gj_pass){.is_due = has_adopted || !was_last, .is_last = !has_adopted && !was_last};
}

/* A refund waits for its original, whatever came first: so it is walked again and again, some rows a turn. */
static void walk_staged(struct gj_protocol *p, struct gj_turn *turn) {
    struct gj_replayed_row after = {.txid = p->pass.after};
    const struct gj_replayed_row *last = gj_txid_is_none(&p->pass.after) ? NULL : &after;
    struct gj_rows rows;
    gj_store_find(turn->store, &gj_table_replayed, NULL, &after, 0, last, PASS_ROWS, turn->scratch, &rows);
    struct gj_replayed_row *items = rows.items;
    for (size_t i = 0; i < rows.n; i++) {
        size_t mark = turn->scratch->used;
        if (gj_adopt_try(p, turn, &items[i], p->pass.is_last)) p->pass.has_adopted = true;
        gj_arena_rewind(turn->scratch, mark);
    }
    if (rows.more && rows.n > 0)
        p->pass.after = items[rows.n - 1].txid;
    else
        end_walk(&p->pass);
    /* Commits that came back are sent again, and what waited for somebody's word may be presumed aborted now. */
    if (!p->pass.is_due) p->past_is_settled = false;
}

/* After a doubtful start also those who had told all before it first say what they have seen of us since. */
static bool is_gate_satisfied(const struct gj_protocol *p) {
    const struct gj_directory *dir = p->config.directory;
    for (size_t i = 0; i < dir->n_nodes && !p->gate_open; i++) {
        bool is_asked = !gj_protocol_is_self(p, dir->nodes[i].node) && !p->peers[i].is_missed;
        if (is_asked && !p->peers[i].heard) return false;
    }
    return true;
}

static bool may_open(const struct gj_protocol *p) {
    return p->resync && !p->pass.is_due && !gj_resync_waits(p) && is_gate_satisfied(p);
}

static void open_node(struct gj_protocol *p, struct gj_turn *turn) {
    struct gj_node_row node = {.one = 1};
    const struct gj_directory *dir = p->config.directory;
    if (!gj_store_get(turn->store, &gj_table_node, &node, turn->scratch)) return;
    node.resync = false;
    gj_store_put(turn->store, &gj_table_node, &node);
    for (size_t i = 0; i < dir->n_nodes; i++) {
        struct gj_resync_row row = {.done = true};
        gj_text_set(row.node, sizeof row.node, dir->nodes[i].node);
        if (!p->peers[i].is_owed) (void)gj_store_del(turn->store, &gj_table_resync, &row);
    }
    gj_resync_forget_openings(turn);
    p->resync = false;
    p->gate_open = true;
    gj_turn_event(turn, GJ_EVENT_RESYNC_DONE, GJ_OK, NULL, NULL, p->epoch);
}

void gj_resync_tick(struct gj_protocol *p, struct gj_turn *turn) {
    ask_all(p, turn);
    if (p->pass.is_due) walk_staged(p, turn);
    if (may_open(p)) open_node(p, turn);
}

struct gj_mono gj_resync_next_due(const struct gj_protocol *p) {
    int64_t next = INT64_MAX;
    if (p->pass.is_due || may_open(p)) return (struct gj_mono){0};
    for (size_t i = 0; i < p->config.directory->n_nodes; i++) {
        const struct gj_peer *peer = &p->peers[i];
        if (is_asked(p, peer) && peer->ask_due.ms < next) next = peer->ask_due.ms;
    }
    return (struct gj_mono){next};
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * What this node knows of each other node: HELLO, epochs, the flushes seen, the replay window.
 * A peer's memory of our flushes is how we learn that our own store went back in time.
 */
#include "protocol/state.h"

#include <string.h>

struct gj_peer *gj_peer_of(struct gj_protocol *p, const char *node) {
    size_t index = gj_directory_index(p->config.directory, node);
    if (index == p->config.directory->n_nodes || gj_protocol_is_self(p, node)) return NULL;
    return &p->peers[index];
}

enum gj_err gj_protocol_code_of_peer(const char *name) {
    static const enum gj_err not_for_peers[] = {
        GJ_OK,           GJ_ERR_REVERSED, GJ_ERR_IN_PROGRESS, GJ_ERR_PLAN_CHANGED, GJ_ERR_INTERRUPTED,
        GJ_ERR_TIMED_OUT};
    const enum gj_err err = gj_err_from_name(name);
    for (size_t i = 0; i < sizeof not_for_peers / sizeof not_for_peers[0]; i++) {
        if (err == not_for_peers[i]) return GJ_ERR_VIOLATION;
    }
    return err;
}

/* --- replay window -------------------------------------------------------------------------------------- */

static bool bit_is_set(const struct gj_replay_window *window, uint64_t counter) {
    uint64_t at = counter % GJ_REPLAY_WINDOW;
    return (window->bits[at / 64] >> (at % 64) & 1) != 0;
}

enum gj_err gj_replay_check(struct gj_replay_window *window, const struct gj_msgid *id) {
    if (id->epoch < window->epoch) return GJ_ERR_OLD_ID;
    if (id->epoch > window->epoch || id->counter > window->highest) return GJ_OK;
    if (window->highest - id->counter >= GJ_REPLAY_WINDOW) return GJ_ERR_OLD_ID;
    return bit_is_set(window, id->counter) ? GJ_ERR_REPLAY : GJ_OK;
}

void gj_replay_remember(struct gj_replay_window *window, const struct gj_msgid *id) {
    if (id->epoch != window->epoch) {
        memset(window, 0, sizeof *window);
        window->epoch = id->epoch;
    }
    if (id->counter > window->highest) {
        uint64_t step = id->counter - window->highest;
        for (uint64_t i = 1; i <= step && i <= GJ_REPLAY_WINDOW; i++) {
            uint64_t at = (window->highest + i) % GJ_REPLAY_WINDOW;
            window->bits[at / 64] &= ~(UINT64_C(1) << (at % 64));
        }
        window->highest = id->counter;
    }
    uint64_t at = id->counter % GJ_REPLAY_WINDOW;
    window->bits[at / 64] |= UINT64_C(1) << (at % 64);
}

/* --- flushes seen --------------------------------------------------------------------------------------- */

void gj_peers_saw_flush(struct gj_peer *peer, const struct gj_parcel *parcel) {
    struct gj_buf proof;
    if (parcel->head.epoch != peer->epoch || parcel->head.flush <= peer->flush) return;
    gj_buf_init(&proof, peer->proof, sizeof peer->proof);
    gj_buf_put_slice(&proof, parcel->signed_bytes);
    gj_buf_put_slice(&proof, parcel->signature);
    peer->n_proof = gj_buf_check(&proof) == GJ_OK ? (uint32_t)proof.len : 0;
    peer->flush = parcel->head.flush;
    peer->flush_is_dirty = true;
}

/* Only in a batch that writes anyway: what was merely asked and answered left no effect that a lost flush
 * could take back. */
void gj_peers_write_flushes(struct gj_protocol *p, struct gj_turn *turn) {
    if (turn->store->writes == 0) return;
    for (size_t i = 0; i < p->config.directory->n_nodes; i++) {
        struct gj_peer *peer = &p->peers[i];
        if (!peer->flush_is_dirty) continue;
        struct gj_peer_row row = {.epoch = peer->epoch};
        gj_text_set(row.node, sizeof row.node, p->config.directory->nodes[i].node);
        if (!gj_store_get(turn->store, &gj_table_peer, &row, turn->scratch)) continue;
        row.flush = peer->flush;
        row.proof = gj_slice_of(peer->proof, peer->n_proof);
        gj_store_put(turn->store, &gj_table_peer, &row);
        peer->flush_is_dirty = false;
    }
}

/* The newest |max| rows of a peer, in ascending order of epoch. */
static uint32_t rows_of_peer(struct gj_turn *turn, const char *node, struct gj_epoch_flush *ret,
                             uint32_t max) {
    struct gj_peer_row key = {0}, after;
    const struct gj_peer_row *last = NULL;
    struct gj_rows rows;
    uint32_t n = 0;
    gj_text_set(key.node, sizeof key.node, node);
    do {
        gj_store_find(turn->store, &gj_table_peer, NULL, &key, 1, last, GJ_PAGE_ROWS, turn->scratch, &rows);
        const struct gj_peer_row *items = rows.items;
        for (size_t i = 0; i < rows.n; i++) {
            if (n == max) memmove(ret, ret + 1, --n * sizeof *ret);
            ret[n++] = (struct gj_epoch_flush){
                .epoch = items[i].epoch, .flush = items[i].flush, .proof = items[i].proof};
        }
        if (rows.n > 0) {
            after = items[rows.n - 1];
            last = &after;
        }
    } while (rows.more && rows.n > 0);
    return n;
}

/* Of the newest epochs only: a peer that starts often, or says so, fills no store and slows no greeting. */
static void forget_oldest(struct gj_turn *turn, const char *node) {
    struct gj_peer_row key = {0};
    struct gj_rows rows;
    gj_text_set(key.node, sizeof key.node, node);
    gj_store_find(turn->store, &gj_table_peer, NULL, &key, 1, NULL, GJ_EPOCHS_MAX + 1, turn->scratch, &rows);
    const struct gj_peer_row *items = rows.items;
    for (size_t i = 0; i + GJ_EPOCHS_MAX < rows.n; i++) {
        (void)gj_store_del(turn->store, &gj_table_peer, &items[i]);
    }
}

/* It is there again: what waits is tried at once. Bounded, for each time may be as much as all that waits. */
static void hurry(struct gj_protocol *p, struct gj_peer *peer, struct gj_mono now) {
    struct gj_mono window_end = gj_mono_after(peer->hurry_since, GJ_HURRY_WINDOW_MS);
    if (peer->hurries == 0 || gj_mono_is_due(window_end, now)) {
        peer->hurry_since = now;
        peer->hurries = 0;
    }
    if (peer->hurries++ < GJ_HURRY_PER_WINDOW) gj_active_hurry(p, now);
}

void gj_peers_recover(struct gj_protocol *p, struct gj_turn *turn) {
    for (size_t i = 0; i < p->config.directory->n_nodes; i++) {
        struct gj_peer *peer = &p->peers[i];
        struct gj_epoch_flush newest = {0};
        peer->hello_due = turn->now.mono;
        if (rows_of_peer(turn, p->config.directory->nodes[i].node, &newest, 1) == 0) continue;
        peer->epoch = (uint32_t)newest.epoch;
        peer->flush = newest.flush;
        peer->n_proof = (uint32_t)newest.proof.len; /* its column is as long as the array */
        if (newest.proof.len > 0) memcpy(peer->proof, newest.proof.ptr, newest.proof.len);
    }
}

/* --- HELLO ---------------------------------------------------------------------------------------------- */

static uint32_t own_epochs(struct gj_turn *turn, struct gj_epoch_flush *ret, uint32_t max) {
    struct gj_epoch_row key = {0}, after;
    const struct gj_epoch_row *last = NULL;
    struct gj_rows rows;
    uint32_t n = 0;
    do {
        gj_store_find(turn->store, &gj_table_epoch, NULL, &key, 0, last, GJ_PAGE_ROWS, turn->scratch, &rows);
        const struct gj_epoch_row *items = rows.items;
        for (size_t i = 0; i < rows.n; i++) {
            if (n == max) memmove(ret, ret + 1, --n * sizeof *ret);
            ret[n++] = (struct gj_epoch_flush){.epoch = items[i].epoch, .flush = items[i].flush};
        }
        if (rows.n > 0) {
            after = items[rows.n - 1];
            last = &after;
        }
    } while (rows.more && rows.n > 0);
    return n;
}

static void send_hello(struct gj_protocol *p, struct gj_turn *turn, const char *node) {
    struct gj_node_row self = {.one = 1};
    struct gj_hello hello = {.version_min = GJ_PROTOCOL_VERSION,
                             .version_max = GJ_PROTOCOL_VERSION,
                             .registry_serial = p->config.directory->serial,
                             .boot_epoch = p->epoch};
    struct gj_epoch_flush *epochs = gj_arena_array(turn->scratch, GJ_EPOCHS_MAX, sizeof *epochs);
    if (epochs == NULL || !gj_store_get(turn->store, &gj_table_node, &self, turn->scratch)) return;
    memcpy(hello.network_id, p->config.directory->network_id, sizeof hello.network_id);
    memcpy(hello.store_id, self.store_id, sizeof hello.store_id);
    memcpy(hello.nonce, p->nonce, sizeof hello.nonce);
    hello.epochs = epochs;
    hello.n_epochs = own_epochs(turn, epochs, GJ_EPOCHS_MAX);
    gj_protocol_emit_one(p, turn, GJ_KIND_HELLO, node, NULL, &hello);
}

void gj_peers_tick(struct gj_protocol *p, struct gj_turn *turn) {
    for (size_t i = 0; i < p->config.directory->n_nodes; i++) {
        struct gj_peer *peer = &p->peers[i];
        const char *node = p->config.directory->nodes[i].node;
        if (gj_protocol_is_self(p, node) || peer->heard || !gj_mono_is_due(peer->hello_due, turn->now.mono))
            continue;
        peer->hello_due = gj_mono_after(turn->now.mono, gj_jitter(turn, GJ_HELLO_RESEND_MS));
        send_hello(p, turn, node);
    }
}

static void refuse_hello(struct gj_turn *turn, const struct gj_message *message, enum gj_err err) {
    enum gj_event_code code = err == GJ_ERR_BAD_NONCE ? GJ_EVENT_VIOLATION : GJ_EVENT_PARCEL_REFUSED;
    gj_turn_event(turn, code, err, NULL, message->header.from, 0);
}

/* Who greets in an epoch that he was in before has a store that went back in time: he is shown his own signature. */
static void tell_his_epoch(struct gj_protocol *p, struct gj_turn *turn, const char *node, enum gj_err err) {
    struct gj_peer *peer = gj_peer_of(p, node);
    struct gj_error body = {.proof = gj_slice_of(peer->proof, peer->n_proof)};
    if (peer->n_proof == 0 || !gj_mono_is_due(peer->tell_due, turn->now.mono)) return;
    peer->tell_due = gj_mono_after(turn->now.mono, GJ_HELLO_RESEND_MS / 2);
    gj_text_set(body.code, sizeof body.code, gj_err_name(err));
    gj_protocol_send(p, turn, GJ_KIND_ERROR, node, &body, NULL, GJ_CLOCK_WINDOW_MS, NULL);
}

void gj_peers_on_old_epoch(struct gj_protocol *p, struct gj_turn *turn, const char *node,
                           const struct gj_parcel *parcel) {
    struct gj_message *message = gj_arena_alloc(turn->scratch, sizeof *message);
    struct gj_fault fault;
    for (uint32_t i = 0; i < parcel->n_items && message != NULL; i++) {
        enum gj_err err = gj_message_decode(parcel->items[i].message, turn->scratch, message, &fault);
        if (err != GJ_OK || message->kind != GJ_KIND_HELLO) continue;
        tell_his_epoch(p, turn, node, GJ_ERR_OLD_EPOCH);
        return;
    }
}

/* Does the HELLO know less of that epoch than we have seen? */
static bool knows_less(const struct gj_hello *hello, uint64_t sent_flush, const struct gj_epoch_flush *seen) {
    if (seen->epoch == hello->boot_epoch) return seen->flush > sent_flush;
    for (uint32_t i = 0; i < hello->n_epochs; i++) {
        if (hello->epochs[i].epoch == seen->epoch) return seen->flush > hello->epochs[i].flush;
    }
    return true;
}

/* A proof goes only with what it must prove, the newest first: all of them would not fit one message. */
static void keep_needed_proofs(const struct gj_hello *hello, uint64_t sent_flush,
                               struct gj_welcome *welcome) {
    uint32_t n = 0;
    for (uint32_t i = welcome->n_seen; i > 0; i--) {
        struct gj_epoch_flush *seen = &welcome->seen[i - 1];
        bool is_needed = knows_less(hello, sent_flush, seen) && n < GJ_WELCOME_PROOFS_MAX;
        if (is_needed) n++;
        if (!is_needed) seen->proof = GJ_SLICE_NONE;
    }
}

static void send_welcome(struct gj_protocol *p, struct gj_turn *turn, const struct gj_message *message,
                         const struct gj_hello *hello) {
    struct gj_msgid reply_to;
    struct gj_welcome welcome = {
        .version = GJ_PROTOCOL_VERSION, .registry_serial = p->config.directory->serial, .resync = p->resync};
    memcpy(welcome.nonce, hello->nonce, sizeof welcome.nonce);
    welcome.seen = gj_arena_array(turn->scratch, GJ_EPOCHS_MAX, sizeof *welcome.seen);
    if (welcome.seen == NULL) return;
    welcome.n_seen = rows_of_peer(turn, message->header.from, welcome.seen, GJ_EPOCHS_MAX);
    keep_needed_proofs(hello, p->parcel->head.flush, &welcome);
    gj_msgid_read(message->header.id, &reply_to);
    gj_protocol_send(p, turn, GJ_KIND_WELCOME, message->header.from, &welcome, &reply_to, GJ_CLOCK_WINDOW_MS,
                     NULL);
}

void gj_peers_on_hello(struct gj_protocol *p, struct gj_turn *turn, const struct gj_message *message) {
    static const uint8_t no_nonce[16];
    const struct gj_hello *hello = message->body;
    struct gj_peer *peer = gj_peer_of(p, message->header.from);
    struct gj_peer_row row = {.epoch = hello->boot_epoch};

    if (memcmp(hello->network_id, p->config.directory->network_id, sizeof hello->network_id) != 0) {
        refuse_hello(turn, message, GJ_ERR_WRONG_NETWORK);
        return;
    }
    if (hello->version_min > GJ_PROTOCOL_VERSION || hello->version_max < GJ_PROTOCOL_VERSION) {
        refuse_hello(turn, message, GJ_ERR_BAD_VERSION);
        return;
    }
    if (hello->boot_epoch < peer->epoch || hello->boot_epoch != p->parcel->head.epoch) {
        refuse_hello(turn, message, GJ_ERR_OLD_EPOCH);
        return;
    }
    gj_text_set(row.node, sizeof row.node, message->header.from);
    bool known = gj_store_get(turn->store, &gj_table_peer, &row, turn->scratch);
    if (known && memcmp(row.nonce, no_nonce, sizeof row.nonce) != 0 &&
        memcmp(row.nonce, hello->nonce, sizeof row.nonce) != 0) {
        refuse_hello(turn, message, GJ_ERR_BAD_NONCE);
        tell_his_epoch(p, turn, message->header.from, GJ_ERR_BAD_NONCE);
        return;
    }
    if (hello->boot_epoch > peer->epoch) {
        peer->flush = peer->n_proof = 0;
        gj_turn_event(turn, GJ_EVENT_PEER_RESTARTED, GJ_OK, NULL, message->header.from,
                      (int64_t)hello->boot_epoch);
        hurry(p, peer, turn->now.mono);
    }
    peer->epoch = (uint32_t)hello->boot_epoch;
    gj_peers_saw_flush(peer, p->parcel);
    memcpy(row.nonce, hello->nonce, sizeof row.nonce);
    row.flush = peer->flush;
    row.proof = gj_slice_of(peer->proof, peer->n_proof);
    if (!known || peer->flush_is_dirty) gj_store_put(turn->store, &gj_table_peer, &row);
    if (!known) forget_oldest(turn, row.node);
    peer->flush_is_dirty = false;
    send_welcome(p, turn, message, hello);
}

/* Has the peer seen a flush of ours that this store does not hold? */
static bool saw_more_than_we_hold(struct gj_protocol *p, struct gj_turn *turn,
                                  const struct gj_epoch_flush *seen) {
    struct gj_epoch_row past = {.epoch = seen->epoch};
    if (seen->epoch > p->epoch) return true;
    if (seen->epoch == p->epoch) {
        struct gj_node_row node = {.one = 1};
        return gj_store_get(turn->store, &gj_table_node, &node, turn->scratch) && seen->flush > node.flush;
    }
    if (!gj_store_get(turn->store, &gj_table_epoch, &past, turn->scratch)) return true;
    return seen->flush > past.flush;
}

/* A batch head and a signature behind it: is it ours? */
static bool is_our_head(struct gj_protocol *p, struct gj_slice proof, struct gj_batch_head *ret) {
    const struct gj_prover *prover = p->config.prover;
    if (proof.len <= GJ_SIGNATURE_MAX) return false;
    const size_t n_signed = proof.len - GJ_SIGNATURE_MAX;
    const struct gj_slice signed_bytes = gj_slice_of(proof.ptr, n_signed);
    if (gj_batch_head_read(signed_bytes, ret) != GJ_OK) return false;
    return gj_protocol_is_self(p, ret->sender) &&
           memcmp(ret->network_id, p->config.directory->network_id, sizeof ret->network_id) == 0 &&
           prover->verify(prover->ctx, ret, signed_bytes,
                          gj_slice_of(proof.ptr + n_signed, GJ_SIGNATURE_MAX)) == GJ_OK;
}

/* RESYNC stops this node, so the word of one peer is not enough: our own signature must stand under an epoch and a
 * flush like those that he says. */
static bool is_proven(struct gj_protocol *p, const struct gj_epoch_flush *seen) {
    struct gj_batch_head head;
    return is_our_head(p, seen->proof, &head) && head.epoch == seen->epoch && head.flush >= seen->flush;
}

/* Signed by us, in an epoch that is not over, and not by this life: then the store was put back within its last epoch's
 * second, or the clock was. A thief's epoch of the far future is not followed. */
static bool is_of_another_life(struct gj_protocol *p, struct gj_turn *turn,
                               const struct gj_batch_head *head) {
    struct gj_node_row node = {.one = 1};
    if (head->epoch > turn->now.wall.ms / 1000 + GJ_EPOCH_AHEAD_MAX_S) return false;
    if (head->epoch != p->epoch) return head->epoch > p->epoch;
    return head->created_ms < p->earliest_ms ||
           (gj_store_get(turn->store, &gj_table_node, &node, turn->scratch) && head->flush > node.flush);
}

void gj_peers_on_disowned(struct gj_protocol *p, struct gj_turn *turn, const char *node, enum gj_err err,
                          struct gj_slice proof) {
    struct gj_batch_head head;
    if (!is_our_head(p, proof, &head) || !is_of_another_life(p, turn, &head)) return;
    /* Of our present epoch nobody says that it is over; that may be a greeting of ours that came late. */
    if (err == GJ_ERR_OLD_EPOCH && head.epoch <= p->epoch) return;
    gj_protocol_leave_epoch(p, turn, head.epoch, head.flush);
    gj_resync_enter(p, turn, node, NULL);
}

/* What is proven is noted at once, so that the same loss is found once and a greater one is a new one. */
void gj_peers_note_flush(struct gj_turn *turn, uint64_t epoch, uint64_t flush) {
    struct gj_epoch_row past = {.epoch = epoch};
    if (!gj_store_get(turn->store, &gj_table_epoch, &past, turn->scratch))
        past = (struct gj_epoch_row){.epoch = epoch, .next_seq = 1};
    past.flush = flush;
    past.lost = true;
    gj_store_put(turn->store, &gj_table_epoch, &past);
}

/* Newest first, as the proofs go; a false proof is the last that we verify for him. A peer without which people
 * opened us is asked for what it knows, and what we had lost then is found now: that is no new loss. */
static void look_for_loss(struct gj_protocol *p, struct gj_turn *turn, const struct gj_welcome *welcome,
                          const struct gj_peer *peer, const char *node) {
    const struct gj_epoch_flush *unproven = NULL;
    bool is_lost = false;
    for (uint32_t i = welcome->n_seen; i > 0; i--) {
        const struct gj_epoch_flush *seen = &welcome->seen[i - 1];
        if (!saw_more_than_we_hold(p, turn, seen)) continue;
        if (is_proven(p, seen)) {
            is_lost = true;
            if (seen->epoch < p->epoch) gj_peers_note_flush(turn, seen->epoch, seen->flush);
            continue;
        }
        unproven = seen;
        if (seen->proof.len > 0) break;
    }
    if (is_lost && !peer->is_missed) gj_resync_enter(p, turn, node, NULL);
    if (unproven == NULL || is_lost) return;
    gj_turn_event(turn, GJ_EVENT_VIOLATION, GJ_ERR_BAD_EVIDENCE, NULL, node, (int64_t)unproven->epoch);
}

void gj_peers_on_welcome(struct gj_protocol *p, struct gj_turn *turn, const struct gj_message *message) {
    const struct gj_welcome *welcome = message->body;
    struct gj_peer *peer = gj_peer_of(p, message->header.from);
    if (memcmp(welcome->nonce, p->nonce, sizeof welcome->nonce) != 0) {
        gj_turn_event(turn, GJ_EVENT_PARCEL_REFUSED, GJ_ERR_BAD_NONCE, NULL, message->header.from, 0);
        return;
    }
    look_for_loss(p, turn, welcome, peer, message->header.from);
    if (peer->heard) return;
    peer->heard = true;
    gj_turn_event(turn, GJ_EVENT_PEER_HEARD, GJ_OK, NULL, message->header.from, (int64_t)peer->epoch);
    hurry(p, peer, turn->now.mono);
}

bool gj_peers_may_inquire(struct gj_peer *peer, struct gj_mono now) {
    int64_t second = now.ms / 1000;
    if (peer->inquire_second != second) {
        peer->inquire_second = second;
        peer->inquires_sent = 0;
    }
    if (peer->inquires_sent >= GJ_INQUIRE_PER_PEER_PER_S) return false;
    peer->inquires_sent++;
    return true;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Ending a doubt: asking the coordinator, then the other participants, and believing only proofs. A bare
 * answer (PENDING, PREPARED, COLLECTED, ABORTED without proof) changes nothing but the time of the next question.
 */
#include "protocol/state.h"

#include <string.h>

#include "base/money.h"

#define BUDGET_RETRY_MS 50

/* --- asked ---------------------------------------------------------------------------------------------- */

/* An answer may be a whole certificate, the question a few bytes: each transaction is answered once, and only as long
 * as this batch still has room for what others are owed. Who was left out asks again. */
static bool is_answered(const struct gj_inquire *inquire, uint32_t at) {
    for (uint32_t i = 0; i < at; i++) {
        if (gj_txid_equal(&inquire->items[i].txid, &inquire->items[at].txid)) return true;
    }
    return false;
}

static bool has_room_to_answer(const struct gj_turn *turn) {
    return turn->outbox->n < turn->outbox->cap / 2 && turn->batch->used < turn->batch->cap / 2;
}

void gj_inquiry_on_inquire(struct gj_protocol *p, struct gj_turn *turn, const struct gj_message *message,
                           struct gj_slice evidence) {
    const struct gj_inquire *inquire = message->body;
    const char *from = message->header.from;
    struct gj_status status = {.items =
                                   gj_arena_array(turn->scratch, inquire->n_items, sizeof *status.items)};
    if (status.items == NULL) return;
    for (uint32_t i = 0; i < inquire->n_items; i++) {
        const struct gj_inquiry *item = &inquire->items[i];
        struct gj_tx_status *line = &status.items[status.n_items];
        size_t mark = turn->scratch->used;
        if (is_answered(inquire, i)) continue;
        if (!has_room_to_answer(turn)) {
            gj_turn_event(turn, GJ_EVENT_LIMIT_REACHED, GJ_ERR_BUSY, NULL, from, turn->outbox->n);
            break;
        }
        bool has_line = gj_protocol_is_self(p, item->txid.coordinator)
                            ? gj_coordinator_on_inquiry(p, turn, from, item, evidence, line)
                            : gj_participant_on_inquiry(p, turn, from, item, line);
        if (has_line) status.n_items++;
        /* One record's memory serves the next; only a proof is still to be sent. */
        if (!has_line || line->proof.len == 0) gj_arena_rewind(turn->scratch, mark);
    }
    if (status.n_items > 0) gj_protocol_emit_one(p, turn, GJ_KIND_STATUS, from, NULL, &status);
}

bool gj_proof_may_travel(struct gj_turn *turn, struct gj_slice proof) {
    struct gj_parcel parcel;
    struct gj_message message;
    struct gj_fault fault;
    size_t mark = turn->scratch->used;
    bool may = proof.len > 0 && gj_parcel_read(proof, turn->scratch, &parcel) == GJ_OK &&
               gj_message_decode(parcel.items->message, turn->scratch, &message, &fault) == GJ_OK &&
               message.kind != GJ_KIND_COVER;
    gj_arena_rewind(turn->scratch, mark);
    return may;
}

/* --- answered ------------------------------------------------------------------------------------------- */

static bool declares_aborted(const struct gj_superseded *list, uint32_t n, const struct gj_tx_status *item) {
    for (uint32_t i = 0; i < n; i++) {
        if (gj_txid_equal(&list[i].txid, &item->txid) && gj_digest_equal(&list[i].digest, &item->digest))
            return true;
    }
    return false;
}

/* Is the (verified) message its coordinator's word that the transaction is aborted? */
static bool is_abort_of(const struct gj_message *message, const struct gj_tx_status *item) {
    if (!gj_text_equal(message->header.from, item->txid.coordinator)) return false;
    if (message->kind == GJ_KIND_ABORT) {
        const struct gj_abort *abort = message->body;
        return gj_txid_equal(&message->header.tx, &item->txid) &&
               gj_digest_equal(&abort->digest, &item->digest);
    }
    if (message->kind != GJ_KIND_CORE) return false;
    const struct gj_prepare_core *core = message->body;
    return declares_aborted(core->supersedes, core->n_supersedes, item);
}

/* The core of a transaction that is in doubt here. */
static bool prepared_core(struct gj_protocol *p, struct gj_turn *turn, const struct gj_tx_status *item,
                          struct gj_core *ret) {
    struct gj_part_row row;
    struct gj_message message;
    if (!gj_part_is_in_doubt(gj_participant_state(p, turn, &item->txid, &row))) return false;
    if (!gj_digest_equal(&row.digest, &item->digest)) return false;
    if (gj_protocol_verify_evidence(p, turn, row.core_evidence, item->txid.coordinator, &message) != GJ_OK)
        return false;
    const struct gj_prepare_core *prepare = message.body;
    return gj_core_read(p, turn, prepare->core, &row.digest, ret) == GJ_OK;
}

/* A participant's refusal ends our doubt only once the coordinator was silent and we have asked the others. Who says
 * YES to the coordinator and REFUSED to us cannot choose the moment then: as long as the coordinator speaks, its word
 * comes first. */
static bool have_asked_peers(struct gj_protocol *p, const struct gj_txid *txid) {
    const struct gj_active *active = gj_active_find(p, txid, GJ_ACTIVE_IN_DOUBT);
    return active != NULL && active->tries >= GJ_INQUIRE_PEERS_FROM_TRY;
}

static void take_proof(struct gj_protocol *p, struct gj_turn *turn, const struct gj_tx_status *item,
                       const struct gj_core *core) {
    struct gj_parcel parcel;
    struct gj_message *message = gj_arena_alloc(turn->scratch, sizeof *message);
    if (message == NULL || gj_parcel_read(item->proof, turn->scratch, &parcel) != GJ_OK) return;
    if (gj_protocol_verify_evidence(p, turn, item->proof, parcel.head.sender, message) != GJ_OK) return;
    if (message->kind == GJ_KIND_COMMIT) {
        gj_participant_on_commit(p, turn, message, item->proof);
        return;
    }
    if (is_abort_of(message, item)) {
        if (gj_decision_check_key(p, turn, item->proof) != GJ_OK) return;
        gj_participant_on_abort(p, turn, &item->txid, &item->digest, item->proof);
        return;
    }
    if (have_asked_peers(p, &item->txid) && gj_proof_refuses(message, core, &item->digest))
        gj_participant_on_refusal(p, turn, &item->txid, item->proof);
}

void gj_inquiry_on_status(struct gj_protocol *p, struct gj_turn *turn, const struct gj_message *message,
                          struct gj_slice evidence) {
    const struct gj_status *status = message->body;
    for (uint32_t i = 0; i < status->n_items; i++) {
        const struct gj_tx_status *item = &status->items[i];
        size_t mark = turn->scratch->used;
        struct gj_core *core = gj_arena_alloc(turn->scratch, sizeof *core);
        bool is_prepared = core != NULL && prepared_core(p, turn, item, core);
        if (is_prepared && item->proof.len > 0) {
            take_proof(p, turn, item, core);
        } else if (is_prepared && evidence.len <= GJ_EVIDENCE_MAX && have_asked_peers(p, &item->txid) &&
                   gj_proof_refuses(message, core, &item->digest)) {
            gj_participant_on_refusal(p, turn, &item->txid, evidence);
        }
        gj_arena_rewind(turn->scratch, mark);
    }
}

/* --- asking --------------------------------------------------------------------------------------------- */

static void next_try(struct gj_turn *turn, struct gj_active *active) {
    active->tries++;
    active->interval_ms =
        gj_fen_min(gj_fen_max(active->interval_ms * 2, GJ_INQUIRE_FIRST_MS), GJ_INQUIRE_MAX_MS);
    active->due = gj_mono_after(turn->now.mono, gj_jitter(turn, active->interval_ms));
}

static void alarm_if_old(struct gj_turn *turn, struct gj_active *active) {
    int64_t age_ms = turn->now.mono.ms - active->since.ms;
    if (active->alarmed || age_ms < GJ_IN_DOUBT_ALARM_MS) return;
    active->alarmed = true;
    gj_turn_event(turn, GJ_EVENT_IN_DOUBT, GJ_OK, &active->txid, active->txid.coordinator, age_ms);
}

/* The other participants, one message each with the coordinator's core as the right to ask. */
static void ask_peers(struct gj_protocol *p, struct gj_turn *turn, const struct gj_part_row *row) {
    struct gj_tx_status key = {.txid = row->txid, .digest = row->digest};
    struct gj_core *core = gj_arena_alloc(turn->scratch, sizeof *core);
    if (core == NULL || !prepared_core(p, turn, &key, core)) return;
    struct gj_inquiry item = {
        .txid = row->txid, .digest = row->digest, .yes = true, .core = row->core_evidence};
    const struct gj_inquire inquire = {.items = &item, .n_items = 1};
    for (uint32_t i = 0; i < core->n_participants; i++) {
        const char *node = core->participants[i].node;
        struct gj_peer *peer = gj_peer_of(p, node);
        if (peer == NULL || !gj_peers_may_inquire(peer, turn->now.mono)) continue;
        gj_protocol_emit_one(p, turn, GJ_KIND_INQUIRE, node, NULL, &inquire);
    }
}

/* One message with all that is due for one coordinator, as far as it has room. */
static void ask_coordinator(struct gj_protocol *p, struct gj_turn *turn, const char *node,
                            struct gj_peer *peer) {
    struct gj_inquire inquire = {0};
    bool may_ask = false, asked_budget = false;
    for (uint32_t i = 0; i < p->n_active && inquire.n_items < GJ_INQUIRE_ITEMS_MAX; i++) {
        struct gj_active *active = &p->active[i];
        struct gj_part_row row;
        if (active->role != GJ_ACTIVE_IN_DOUBT || !gj_mono_is_due(active->due, turn->now.mono)) continue;
        if (!gj_text_equal(active->txid.coordinator, node)) continue;
        if (!asked_budget) may_ask = gj_peers_may_inquire(peer, turn->now.mono);
        asked_budget = true;
        if (!may_ask) {
            active->due = gj_mono_after(turn->now.mono, BUDGET_RETRY_MS);
            continue;
        }
        if (inquire.items == NULL)
            inquire.items = gj_arena_array(turn->scratch, GJ_INQUIRE_ITEMS_MAX, sizeof *inquire.items);
        size_t mark = turn->scratch->used;
        if (inquire.items == NULL ||
            !gj_part_is_in_doubt(gj_participant_state(p, turn, &active->txid, &row))) {
            active->due = gj_mono_after(turn->now.mono, BUDGET_RETRY_MS);
            continue;
        }
        inquire.items[inquire.n_items++] =
            (struct gj_inquiry){.txid = row.txid, .digest = row.digest, .yes = true};
        gj_participant_send_facts(p, turn, &row);
        next_try(turn, active);
        alarm_if_old(turn, active);
        if (active->tries >= GJ_INQUIRE_PEERS_FROM_TRY) ask_peers(p, turn, &row);
        gj_arena_rewind(turn->scratch, mark);
    }
    if (inquire.n_items > 0) gj_protocol_emit_one(p, turn, GJ_KIND_INQUIRE, node, NULL, &inquire);
}

void gj_inquiry_tick(struct gj_protocol *p, struct gj_turn *turn) {
    if (p->resync) return;
    for (size_t i = 0; i < p->config.directory->n_nodes; i++) {
        const char *node = p->config.directory->nodes[i].node;
        size_t mark = turn->scratch->used;
        if (!gj_protocol_is_self(p, node)) ask_coordinator(p, turn, node, &p->peers[i]);
        gj_arena_rewind(turn->scratch, mark);
    }
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * From what is staged to the record: a commit is posted without a hold, a YES gets its hold again, a decision of our
 * own gets back its record and its answer. Each is done once, in one store transaction, and nothing is said: who must
 * hear it is told from the record when the node has opened. What cannot be rebuilt becomes a case, never a guess.
 */
#include "protocol/state.h"

#include <string.h>

/* One staged transaction, read. */
struct staged {
    const struct gj_replayed_row *row;
    struct gj_core *core;
    struct gj_prepare_legs *legs;
    struct gj_vote_facts facts;
    struct gj_tx_view view;
    bool is_last; /* nobody is left who could bring more */
};

static bool commits(const struct staged *staged) {
    return gj_text_equal(staged->row->state, "COMMITTED");
}

static bool owes(const struct gj_protocol *p, const char *node) {
    size_t index = gj_directory_index(p->config.directory, node);
    return index < p->config.directory->n_nodes && p->peers[index].is_owed;
}

bool gj_resync_is_complete_for(const struct gj_protocol *p, const struct gj_core *core) {
    if (owes(p, core->txid.coordinator)) return false;
    for (uint32_t i = 0; i < core->n_participants; i++) {
        if (owes(p, core->participants[i].node)) return false;
    }
    return true;
}

static bool read_staged(struct gj_protocol *p, struct gj_turn *turn, struct staged *ret) {
    struct gj_fault fault;
    ret->legs = gj_arena_alloc(turn->scratch, sizeof *ret->legs);
    bool is_whole = ret->legs != NULL && gj_replayed_core(p, turn, ret->row, &ret->core) == GJ_OK &&
                    gj_replayed_legs(turn, ret->row, ret->legs) == GJ_OK &&
                    gj_legs_read(p, turn, ret->core, ret->legs, "", &ret->view) == GJ_OK;
    if (is_whole && ret->row->facts.len > 0)
        is_whole = gj_shape_decode(&gj_shape_vote_facts, ret->row->facts, turn->scratch, &ret->facts,
                                   &fault) == GJ_OK;
    return gj_record_is_whole(turn, is_whole);
}

/* Has each leg of |node| its detail? NULL: every leg. */
static bool has_details(const struct staged *staged, const char *node) {
    for (uint32_t i = 0; i < staged->core->n_legs; i++) {
        bool is_wanted = node == NULL || gj_text_equal(staged->core->legs[i].node, node);
        bool is_there = false;
        for (uint32_t k = 0; k < staged->view.n_parts; k++)
            is_there |= staged->view.parts[k].leg == i;
        if (is_wanted && !is_there) return false;
    }
    return true;
}

static bool is_committed_here(struct gj_protocol *p, struct gj_turn *turn, const struct gj_txid *txid) {
    struct gj_coord_row coord = {.txid = *txid};
    struct gj_part_row part;
    if (!gj_protocol_is_self(p, txid->coordinator))
        return gj_participant_state(p, turn, txid, &part) == GJ_PART_COMMITTED;
    return gj_store_get(turn->store, &gj_table_coord, &coord, turn->scratch) &&
           (gj_text_equal(coord.state, "COMMITTED") || gj_text_equal(coord.state, "ENDED"));
}

/* A refund rests on its original, which is replayed too. */
static bool waits_for_original(struct gj_protocol *p, struct gj_turn *turn, const struct staged *staged) {
    if (staged->is_last) return false;
    for (uint32_t i = 0; i < staged->view.n_parts; i++) {
        const struct gj_txid *original = &staged->view.details[i].original;
        if (!gj_txid_is_none(original) && !is_committed_here(p, turn, original)) return true;
    }
    return false;
}

/* Money that came in, or was given back, after what the copy of the store knows: so it waits for the rest. */
static bool waits_for_cover(struct gj_protocol *p, struct gj_turn *turn, const struct staged *staged) {
    return !staged->is_last && !p->config.app_ops->covers(p->config.app, turn, &staged->view);
}

/* Where the participants of a refund have put it: each of them tells, and the client is told. */
static bool has_facts(const struct gj_protocol *p, const struct staged *staged) {
    for (uint32_t i = 0; i < staged->view.n_parts; i++) {
        uint32_t leg = (uint32_t)staged->view.parts[i].leg;
        bool is_there = !gj_text_equal(staged->view.details[i].type, "refund") ||
                        gj_protocol_is_self(p, staged->core->legs[leg].node);
        for (uint32_t k = 0; k < staged->facts.n_facts; k++)
            is_there |= staged->facts.facts[k].leg == leg;
        if (!is_there) return false;
    }
    return true;
}

static void open_case(struct gj_turn *turn, const struct gj_txid *txid, int64_t difference_fen) {
    gj_turn_event(turn, GJ_EVENT_CASE_OPENED, GJ_ERR_RESYNC, txid, NULL, difference_fen);
}

/* A binding may have ended since it was made. */
static void end_bindings(struct gj_protocol *p, struct gj_turn *turn, const struct staged *staged) {
    const struct gj_replayed_row *row = staged->row;
    if (row->ended_by[0] == '\0') return;
    struct gj_revoke end = {.business_date = row->ended_date};
    gj_text_set(end.by, sizeof end.by, row->ended_by);
    for (uint32_t i = 0; i < staged->view.n_parts; i++) {
        gj_text_set(end.binding_ref, sizeof end.binding_ref, staged->view.details[i].binding_ref);
        (void)p->config.app_ops->end_binding(p->config.app, turn, row->txid.coordinator, &end);
    }
}

/* What our own node must do to its accounts for a commit. |is_held|: the holds are there. */
static void post(struct gj_protocol *p, struct gj_turn *turn, const struct staged *staged, bool is_held) {
    if (is_held) {
        p->config.app_ops->post(p->config.app, turn, &staged->view);
    } else {
        int64_t difference_fen = p->config.app_ops->adopt(p->config.app, turn, &staged->view, &staged->facts);
        if (difference_fen != 0) open_case(turn, &staged->row->txid, difference_fen);
    }
    end_bindings(p, turn, staged);
}

/* --- as a participant ------------------------------------------------------------------------------------------ */

static void fill_part(const struct staged *staged, struct gj_part_row *row) {
    row->digest = staged->row->digest;
    gj_text_set(row->kind, sizeof row->kind, staged->core->kind);
    gj_text_set(row->sender, sizeof row->sender, staged->core->sender);
    gj_text_set(row->msgid, sizeof row->msgid, staged->core->msgid);
    row->core_evidence = staged->row->core_evidence;
    row->legs = staged->row->legs;
    row->facts = staged->row->facts;
    row->proof = staged->row->proof;
}

static bool adopt_part(struct gj_protocol *p, struct gj_turn *turn, const struct staged *staged,
                       struct gj_part_row *row) {
    if (!has_details(staged, p->config.directory->self) || waits_for_original(p, turn, staged) ||
        waits_for_cover(p, turn, staged))
        return false;
    fill_part(staged, row);
    if (commits(staged)) {
        post(p, turn, staged, false);
        gj_participant_put(turn, row, GJ_PART_COMMITTED);
    } else {
        int64_t difference_fen = 0;
        if (!p->config.app_ops->rehold(p->config.app, turn, &staged->view, &staged->facts, &difference_fen))
            return false;
        if (difference_fen != 0) open_case(turn, &row->txid, difference_fen);
        gj_participant_put(turn, row, GJ_PART_PREPARED);
    }
    gj_turn_event(turn, GJ_EVENT_ADOPTED, GJ_OK, &row->txid, row->txid.coordinator, commits(staged));
    return true;
}

/* What the record says counts, but for what the store has lost: NONE, a hold, and a NO that our own YES belies. */
static bool try_part(struct gj_protocol *p, struct gj_turn *turn, const struct staged *staged) {
    const struct gj_txid *txid = &staged->row->txid;
    struct gj_part_row row;
    enum gj_part_state state = gj_participant_state(p, turn, txid, &row);
    if (state == GJ_PART_COLLECTED) return true;
    if (state != GJ_PART_NONE && !gj_digest_equal(&row.digest, &staged->row->digest)) {
        gj_turn_event(turn, GJ_EVENT_VIOLATION, GJ_ERR_VIOLATION, txid, txid->coordinator, (int64_t)state);
        return true;
    }
    if (state == GJ_PART_NONE) return adopt_part(p, turn, staged, &row);
    if (!commits(staged)) return true;
    if (state == GJ_PART_REFUSED) return adopt_part(p, turn, staged, &row);
    if (gj_part_is_in_doubt(state)) {
        gj_participant_apply_commit(p, turn, txid, staged->row->proof);
        end_bindings(p, turn, staged);
    }
    if (state == GJ_PART_ABORTED) open_case(turn, txid, 0);
    return true;
}

/* --- as the coordinator ---------------------------------------------------------------------------------------- */

static const char *home_of(const struct staged *staged) {
    for (uint32_t i = 0; i < staged->view.n_parts; i++) {
        const char *type = staged->view.details[i].type;
        if (gj_text_equal(type, "consume") || gj_text_equal(type, "unconsume"))
            return staged->core->legs[staged->view.parts[i].leg].node;
    }
    return "";
}

/* Every participant's YES out of the certificate; none has acknowledged, as far as we know. */
static bool put_votes(struct gj_protocol *p, struct gj_turn *turn, const struct staged *staged) {
    struct gj_message commit;
    struct gj_parcel parcel;
    if (gj_protocol_verify_evidence(p, turn, staged->row->proof, p->config.directory->self, &commit) != GJ_OK)
        return gj_record_is_whole(turn, false);
    const struct gj_commit *body = commit.body;
    for (uint32_t i = 0; i < body->n_votes; i++) {
        struct gj_vote_row vote = {
            .txid = staged->row->txid, .vote = "YES", .evidence = body->votes[i].bytes};
        if (gj_parcel_read(vote.evidence, turn->scratch, &parcel) != GJ_OK)
            return gj_record_is_whole(turn, false);
        gj_text_set(vote.node, sizeof vote.node, parcel.head.sender);
        gj_store_put(turn->store, &gj_table_vote, &vote);
    }
    return true;
}

static void fill_coord(const struct gj_turn *turn, const struct staged *staged, struct gj_coord_row *row) {
    row->digest = staged->row->digest;
    row->epoch = row->txid.epoch;
    row->core = staged->row->core;
    row->legs = staged->row->legs;
    row->begun_ms = turn->now.wall.ms;
    gj_text_set(row->sender, sizeof row->sender, staged->core->sender);
    gj_text_set(row->msgid, sizeof row->msgid, staged->core->msgid);
    gj_text_set(row->all_details_to, sizeof row->all_details_to, home_of(staged));
}

/* What came back of an epoch, and how far: what lies between and did not come back only we knew. */
static void count_adopted(struct gj_turn *turn, const struct gj_txid *txid) {
    struct gj_epoch_row past = {.epoch = txid->epoch};
    if (!gj_store_get(turn->store, &gj_table_epoch, &past, turn->scratch) || txid->seq < past.next_seq)
        return;
    past.adopted++;
    if (txid->seq > past.highest_seq) past.highest_seq = txid->seq;
    gj_store_put(turn->store, &gj_table_epoch, &past);
}

static bool adopt_coord(struct gj_protocol *p, struct gj_turn *turn, struct staged *staged,
                        struct gj_coord_row *row, bool is_begun) {
    struct gj_tx_view begun = {0};
    if (!staged->is_last && !is_begun && !(has_details(staged, NULL) && has_facts(p, staged))) return false;
    if (is_begun) {
        gj_coordinator_view(p, turn, row, &begun);
        if (begun.core == NULL) return false;
        staged->view = begun;
    } else {
        if (!has_details(staged, p->config.directory->self) || waits_for_original(p, turn, staged) ||
            waits_for_cover(p, turn, staged))
            return false;
        staged->view.is_coordinator = true;
        fill_coord(turn, staged, row);
    }
    if (!put_votes(p, turn, staged)) return false;
    gj_text_set(row->state, sizeof row->state, "COMMITTED");
    gj_store_put(turn->store, &gj_table_coord, row);
    gj_active_remove(p, &row->txid, GJ_ACTIVE_COLLECTING);
    post(p, turn, staged, is_begun);
    const struct gj_decision decision = {.txid = row->txid,
                                         .core = staged->core,
                                         .committed = true,
                                         .facts = staged->facts.facts,
                                         .n_facts = staged->facts.n_facts};
    count_adopted(turn, &row->txid);
    if (!p->config.app_ops->remember(p->config.app, turn, &staged->view, &decision))
        open_case(turn, &row->txid, 0);
    gj_turn_event(turn, GJ_EVENT_ADOPTED, GJ_OK, &row->txid, NULL, 1);
    return true;
}

static bool try_coord(struct gj_protocol *p, struct gj_turn *turn, struct staged *staged) {
    struct gj_coord_row row = {.txid = staged->row->txid};
    bool is_there = gj_store_get(turn->store, &gj_table_coord, &row, turn->scratch);
    if (!commits(staged))
        return is_there || staged->is_last; /* begun, and nobody has seen a commit: aborted */
    if (!is_there) return adopt_coord(p, turn, staged, &row, false);
    if (!gj_digest_equal(&row.digest, &staged->row->digest)) {
        gj_turn_event(turn, GJ_EVENT_VIOLATION, GJ_ERR_VIOLATION, &row.txid, NULL, 0);
        return true;
    }
    if (gj_text_equal(row.state, "BEGUN")) return adopt_coord(p, turn, staged, &row, true);
    /* Aborted by a store that had forgotten its own commit: the others have posted it. People decide. */
    if (gj_text_equal(row.state, "ABORTED")) open_case(turn, &row.txid, 0);
    return true;
}

/* --- one of them ----------------------------------------------------------------------------------------------- */

static void report(struct gj_turn *turn, struct gj_replayed_row *row) {
    if (row->reported) return;
    row->reported = true;
    gj_store_put(turn->store, &gj_table_replayed, row);
    open_case(turn, &row->txid, 0);
}

bool gj_adopt_try(struct gj_protocol *p, struct gj_turn *turn, struct gj_replayed_row *row, bool is_last) {
    struct staged staged = {.row = row};
    if (!read_staged(p, turn, &staged)) return false;
    staged.is_last = is_last && !gj_resync_waits(p) && gj_resync_is_complete_for(p, staged.core);
    bool is_over = gj_protocol_is_self(p, row->txid.coordinator) ? try_coord(p, turn, &staged)
                                                                 : try_part(p, turn, &staged);
    if (is_over) {
        (void)gj_store_del(turn->store, &gj_table_replayed, row);
        return true;
    }
    if (staged.is_last) report(turn, row);
    return false;
}

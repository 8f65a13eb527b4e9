/* SPDX-License-Identifier: Apache-2.0
 *
 * What peers replay becomes our records again. Nothing is adopted but what carries our own signature: our YES inside
 * a certificate or alone, our own decision as a coordinator, our own NO. Details are believed because the core that
 * we signed holds their hashes. What is proven waits in a table of its own until all that it needs has come.
 */
#include "protocol/request.h"
#include "protocol/state.h"

#include <string.h>

#define COMMITTED "COMMITTED"
#define PREPARED  "PREPARED"
#define BEGUN     "BEGUN" /* by us: it needs a commit that somebody else may bring, or it is nothing */

/* --- staging ------------------------------------------------------------------------------------------------ */

static bool get_staged(struct gj_turn *turn, const struct gj_txid *txid, struct gj_replayed_row *ret) {
    *ret = (struct gj_replayed_row){.txid = *txid};
    return gj_store_get(turn->store, &gj_table_replayed, ret, turn->scratch);
}

bool gj_adopt_is_staged(struct gj_turn *turn, const struct gj_txid *txid) {
    struct gj_replayed_row row;
    return get_staged(turn, txid, &row);
}

/* Is there a record already that says as much? */
static bool is_recorded(struct gj_protocol *p, struct gj_turn *turn, const struct gj_txid *txid,
                        bool committed) {
    struct gj_part_row part;
    struct gj_coord_row coord = {.txid = *txid};
    if (!gj_protocol_is_self(p, txid->coordinator)) {
        enum gj_part_state state = gj_participant_state(p, turn, txid, &part);
        return committed ? state == GJ_PART_COMMITTED : state != GJ_PART_NONE;
    }
    if (!gj_store_get(turn->store, &gj_table_coord, &coord, turn->scratch)) return false;
    return gj_text_equal(coord.state, COMMITTED) || gj_text_equal(coord.state, "ENDED");
}

/* A certificate outdoes a mere YES; what is known of the legs stays. True if something is new. */
static bool stage(struct gj_turn *turn, const struct gj_replayed_row *found) {
    struct gj_replayed_row row;
    bool is_known = get_staged(turn, &found->txid, &row);
    if (is_known && gj_text_equal(row.state, COMMITTED)) return false;
    if (!is_known) {
        gj_store_put(turn->store, &gj_table_replayed, found);
        return true;
    }
    if (!gj_text_equal(found->state, COMMITTED)) return false;
    if (!gj_digest_equal(&row.digest, &found->digest)) row = *found;
    gj_text_set(row.state, sizeof row.state, found->state);
    if (found->proof.len > 0) row.proof = found->proof;
    gj_store_put(turn->store, &gj_table_replayed, &row);
    return true;
}

/* Before we coordinate again, its biz key is taken: what came back may stay a case, without what its client was told. */
static void note_request(struct gj_protocol *p, struct gj_turn *turn, const struct gj_replayed_row *row) {
    struct gj_core *core;
    if (gj_replayed_core(p, turn, row, &core) == GJ_OK) gj_request_note_commit(p, turn, core);
}

void gj_adopt_commit(struct gj_protocol *p, struct gj_turn *turn, const struct gj_txid *txid,
                     const struct gj_commit *commit, struct gj_slice evidence) {
    struct gj_replayed_row row = {
        .txid = *txid, .state = COMMITTED, .digest = commit->digest, .core = commit->core, .proof = evidence};
    if (is_recorded(p, turn, txid, true)) return;
    if (!stage(turn, &row)) return;
    p->pass.is_due = true;
    if (gj_protocol_is_self(p, txid->coordinator)) note_request(p, turn, &row);
}

void gj_adopt_on_commit(struct gj_protocol *p, struct gj_turn *turn, const struct gj_message *message,
                        struct gj_slice evidence) {
    const struct gj_txid *txid = &message->header.tx;
    struct gj_certificate certificate;
    enum gj_err err = gj_decision_check_key(p, turn, evidence);
    if (err == GJ_OK)
        err = gj_certificate_check(p, turn, message->header.from, txid, message->body, &certificate);
    if (err != GJ_OK) gj_turn_event(turn, GJ_EVENT_BAD_CERTIFICATE, err, txid, message->header.from, 0);
    if (err == GJ_OK && certificate.holds_our_yes)
        gj_adopt_commit(p, turn, txid, certificate.commit, evidence);
}

static bool has_part(const struct gj_prepare_legs *legs, uint64_t leg) {
    for (uint32_t i = 0; i < legs->n_legs; i++) {
        if (legs->legs[i].leg == leg) return true;
    }
    return false;
}

enum gj_err gj_replayed_core(struct gj_protocol *p, struct gj_turn *turn, const struct gj_replayed_row *row,
                             struct gj_core **ret) {
    *ret = gj_arena_alloc(turn->scratch, sizeof **ret);
    if (*ret == NULL) return GJ_ERR_NO_SPACE;
    return gj_core_read(p, turn, row->core, &row->digest, *ret);
}

enum gj_err gj_replayed_legs(struct gj_turn *turn, const struct gj_replayed_row *row,
                             struct gj_prepare_legs *ret) {
    struct gj_fault fault;
    *ret = (struct gj_prepare_legs){.digest = row->digest};
    if (row->legs.len == 0) return GJ_OK;
    return gj_shape_decode(&gj_shape_prepare_legs, row->legs, turn->scratch, ret, &fault);
}

/* Adds the details that were not there yet; each is what the core says or the whole message is a lie. */
static enum gj_err add_legs(struct gj_protocol *p, struct gj_turn *turn, struct gj_replayed_row *row,
                            const struct gj_replay *replay) {
    const struct gj_prepare_legs given = {
        .digest = row->digest, .legs = replay->legs, .n_legs = replay->n_legs};
    struct gj_prepare_legs known, all = {.digest = row->digest};
    struct gj_tx_view view = {0};
    struct gj_core *core;
    GJ_TRY(gj_replayed_core(p, turn, row, &core));
    GJ_TRY(gj_legs_read(p, turn, core, &given, "", &view));
    GJ_TRY(gj_replayed_legs(turn, row, &known));
    all.legs = gj_arena_array(turn->scratch, GJ_LEGS_MAX, sizeof *all.legs);
    if (all.legs == NULL) return GJ_ERR_NO_SPACE;
    for (uint32_t i = 0; i < known.n_legs; i++)
        all.legs[all.n_legs++] = known.legs[i];
    for (uint32_t i = 0; i < given.n_legs; i++) {
        if (!has_part(&known, given.legs[i].leg)) all.legs[all.n_legs++] = given.legs[i];
    }
    row->legs = gj_protocol_encode_body(p, turn, &gj_shape_prepare_legs, &all);
    return GJ_OK;
}

/* Of a refund, the accounts: ours as we had said them to the coordinator, or each participant's own. */
static enum gj_err add_facts(struct gj_protocol *p, struct gj_turn *turn, struct gj_replayed_row *row,
                             const struct gj_replay *replay, const char *from) {
    struct gj_vote_facts all = {.digest = row->digest};
    const bool is_ours = !gj_protocol_is_self(p, row->txid.coordinator);
    const char *whose = is_ours ? p->config.directory->self : from;
    struct gj_fault fault;
    struct gj_core *core;
    if (replay->n_facts == 0) return GJ_OK;
    GJ_TRY(gj_replayed_core(p, turn, row, &core));
    if (is_ours && !gj_text_equal(from, row->txid.coordinator)) return GJ_OK;
    struct gj_leg_fact *facts = gj_arena_array(turn->scratch, GJ_LEGS_MAX, sizeof *facts);
    if (facts == NULL) return GJ_ERR_NO_SPACE;
    if (row->facts.len > 0)
        GJ_TRY(gj_shape_decode(&gj_shape_vote_facts, row->facts, turn->scratch, &all, &fault));
    for (uint32_t i = 0; i < all.n_facts; i++)
        facts[i] = all.facts[i];
    for (uint32_t i = 0; i < replay->n_facts; i++) {
        uint64_t leg = replay->facts[i].leg;
        bool is_known = leg >= core->n_legs || !gj_text_equal(core->legs[leg].node, whose);
        for (uint32_t k = 0; k < all.n_facts && !is_known; k++)
            is_known = facts[k].leg == leg;
        if (!is_known && all.n_facts < GJ_LEGS_MAX) facts[all.n_facts++] = replay->facts[i];
    }
    all.facts = facts;
    row->facts = gj_protocol_encode_body(p, turn, &gj_shape_vote_facts, &all);
    return GJ_OK;
}

static enum gj_err add_details(struct gj_protocol *p, struct gj_turn *turn,
                               const struct gj_message *message) {
    const struct gj_replay *replay = message->body;
    struct gj_replayed_row row;
    if (!get_staged(turn, &message->header.tx, &row)) {
        bool is_over = is_recorded(p, turn, &message->header.tx, false);
        return is_over ? GJ_OK : GJ_ERR_NOT_FOUND;
    }
    GJ_TRY(add_legs(p, turn, &row, replay));
    GJ_TRY(add_facts(p, turn, &row, replay, message->header.from));
    gj_store_put(turn->store, &gj_table_replayed, &row);
    (void)gj_adopt_try(p, turn, &row, false);
    return GJ_OK;
}

/* --- what is said, and by whom it is proven ------------------------------------------------------------------- */

static enum gj_err our_own(struct gj_protocol *p, struct gj_turn *turn, struct gj_slice evidence,
                           struct gj_message *ret) {
    return gj_protocol_verify_evidence(p, turn, evidence, p->config.directory->self, ret);
}

static enum gj_err take_committed(struct gj_protocol *p, struct gj_turn *turn,
                                  const struct gj_message *message) {
    const struct gj_replay *replay = message->body;
    const struct gj_txid *txid = &message->header.tx;
    const bool is_ours = gj_protocol_is_self(p, txid->coordinator);
    struct gj_certificate certificate;
    struct gj_message decision;
    if (replay->proof.len > 0) {
        GJ_TRY(gj_protocol_verify_evidence(p, turn, replay->proof, txid->coordinator, &decision));
        if (decision.kind != GJ_KIND_COMMIT) return GJ_ERR_BAD_EVIDENCE;
        if (!is_ours) GJ_TRY(gj_decision_check_key(p, turn, replay->proof));
        GJ_TRY(gj_certificate_check(p, turn, txid->coordinator, txid, decision.body, &certificate));
        if (!is_ours && !certificate.holds_our_yes) return GJ_ERR_BAD_EVIDENCE;
        gj_adopt_commit(p, turn, txid, decision.body, replay->proof);
    }
    return add_details(p, turn, message);
}

/* Our YES, and the coordinator's core in the message just before. */
static enum gj_err take_prepared(struct gj_protocol *p, struct gj_turn *turn,
                                 const struct gj_message *message) {
    const struct gj_replay *replay = message->body;
    const struct gj_txid *txid = &message->header.tx;
    struct gj_replayed_row row = {.txid = *txid, .state = PREPARED, .digest = replay->digest};
    struct gj_message yes;
    struct gj_core core;
    GJ_TRY(our_own(p, turn, replay->proof, &yes));
    if (!gj_proof_is_yes(&yes, txid, &replay->digest)) return GJ_ERR_BAD_EVIDENCE;
    if (is_recorded(p, turn, txid, false)) return GJ_OK;
    if (p->last_core.len == 0 || !gj_txid_equal(&p->last_core_message.header.tx, txid))
        return GJ_ERR_NOT_FOUND;
    if (!gj_text_equal(p->last_core_message.header.from, txid->coordinator)) return GJ_ERR_BAD_EVIDENCE;
    const struct gj_prepare_core *prepare = p->last_core_message.body;
    GJ_TRY(gj_core_read(p, turn, prepare->core, &replay->digest, &core));
    if (!gj_txid_equal(&core.txid, txid) || !gj_core_is_sound(p, &core) ||
        !gj_core_lists(&core, p->config.directory->self))
        return GJ_ERR_BAD_EVIDENCE;
    row.core = prepare->core;
    row.core_evidence = p->last_core;
    (void)stage(turn, &row);
    return add_details(p, turn, message);
}

/* Our own core, and the details that a participant was given with it. */
static enum gj_err take_begun(struct gj_protocol *p, struct gj_turn *turn, const struct gj_message *message) {
    const struct gj_replay *replay = message->body;
    const struct gj_txid *txid = &message->header.tx;
    struct gj_replayed_row row = {.txid = *txid, .state = BEGUN, .digest = replay->digest};
    struct gj_coord_row coord = {.txid = *txid};
    struct gj_message begun;
    struct gj_core core;
    GJ_TRY(our_own(p, turn, replay->proof, &begun));
    if (begun.kind != GJ_KIND_CORE) return GJ_ERR_BAD_EVIDENCE;
    const struct gj_prepare_core *prepare = begun.body;
    GJ_TRY(gj_core_read(p, turn, prepare->core, &replay->digest, &core));
    if (!gj_txid_equal(&core.txid, txid) || !gj_protocol_is_self(p, txid->coordinator))
        return GJ_ERR_BAD_EVIDENCE;
    if (gj_store_get(turn->store, &gj_table_coord, &coord, turn->scratch)) return GJ_OK;
    row.core = prepare->core;
    (void)stage(turn, &row);
    return add_details(p, turn, message);
}

/* Its coordinator says so, and it is the word that counts; our YES, if it ever came there, shows that we must not vote
 * again. */
static enum gj_err take_aborted(struct gj_protocol *p, struct gj_turn *turn,
                                const struct gj_message *message) {
    const struct gj_replay *replay = message->body;
    const struct gj_txid *txid = &message->header.tx;
    struct gj_part_row row;
    struct gj_message yes;
    const bool has_yes = replay->proof.len > 0;
    if (!gj_text_equal(message->header.from, txid->coordinator)) return GJ_ERR_WRONG_SENDER;
    if (has_yes) GJ_TRY(our_own(p, turn, replay->proof, &yes));
    if (has_yes && !gj_proof_is_yes(&yes, txid, &replay->digest)) return GJ_ERR_BAD_EVIDENCE;
    enum gj_part_state state = gj_participant_state(p, turn, txid, &row);
    if (state != GJ_PART_NONE) {
        gj_participant_on_abort(p, turn, txid, &replay->digest, GJ_SLICE_NONE);
        return GJ_OK;
    }
    if (!has_yes) return GJ_OK;
    row.digest = replay->digest;
    gj_participant_put(turn, &row, GJ_PART_ABORTED);
    return GJ_OK;
}

/* We said NO to one of them, or that we never would: so it stays. */
static enum gj_err take_refused(struct gj_protocol *p, struct gj_turn *turn,
                                const struct gj_message *message) {
    const struct gj_replay *replay = message->body;
    const struct gj_txid *txid = &message->header.tx;
    struct gj_part_row row;
    struct gj_message no;
    GJ_TRY(our_own(p, turn, replay->proof, &no));
    if (!gj_proof_is_no(&no, txid, &replay->digest)) return GJ_ERR_BAD_EVIDENCE;
    if (gj_participant_state(p, turn, txid, &row) != GJ_PART_NONE) return GJ_OK;
    row.digest = replay->digest;
    gj_text_set(row.class, sizeof row.class, gj_vote_class_word(GJ_VOTE_BUSY));
    gj_text_set(row.code, sizeof row.code, gj_err_name(GJ_ERR_REFUSED_BEFORE));
    gj_participant_put(turn, &row, GJ_PART_REFUSED);
    return GJ_OK;
}

/* The other home's word is enough to end a binding, as it always is. One that we have still to adopt ends with it. */
static enum gj_err take_ended(struct gj_protocol *p, struct gj_turn *turn, const struct gj_message *message) {
    const struct gj_replay *replay = message->body;
    struct gj_replayed_row row;
    struct gj_core *core;
    if (get_staged(turn, &message->header.tx, &row)) {
        GJ_TRY(gj_replayed_core(p, turn, &row, &core));
        bool is_home = gj_core_lists(core, message->header.from) ||
                       gj_text_equal(core->txid.coordinator, message->header.from);
        if (!is_home) return GJ_ERR_WRONG_SENDER;
        gj_text_set(row.ended_by, sizeof row.ended_by, replay->by);
        row.ended_date = replay->business_date;
        gj_store_put(turn->store, &gj_table_replayed, &row);
        return GJ_OK;
    }
    struct gj_revoke end = {.business_date = replay->business_date};
    gj_text_set(end.binding_ref, sizeof end.binding_ref, replay->binding_ref);
    gj_text_set(end.by, sizeof end.by, replay->by);
    /* One that nobody brings ends without us; what it says wrongly the application has reported. */
    enum gj_err err = p->config.app_ops->end_binding(p->config.app, turn, message->header.from, &end);
    if (err == GJ_ERR_NOT_FOUND) gj_resync_note_early(p, message->header.from);
    return GJ_OK;
}

enum gj_err gj_adopt_take(struct gj_protocol *p, struct gj_turn *turn, const struct gj_message *message) {
    static const struct {
        const char *what;
        enum gj_err (*take)(struct gj_protocol *p, struct gj_turn *turn, const struct gj_message *message);
    } whats[] = {{"committed", take_committed}, {"prepared", take_prepared}, {"begun", take_begun},
                 {"aborted", take_aborted},     {"refused", take_refused},   {"legs", add_details},
                 {"ended", take_ended}};
    const struct gj_replay *replay = message->body;
    for (size_t i = 0; i < sizeof whats / sizeof whats[0]; i++) {
        if (gj_text_equal(whats[i].what, replay->what)) return whats[i].take(p, turn, message);
    }
    return GJ_OK; /* of a later version */
}

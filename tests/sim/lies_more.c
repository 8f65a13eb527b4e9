/* SPDX-License-Identifier: Apache-2.0
 *
 * Lies that nobody asked for: words about transactions that the liar heard of, its own and others', at any time and
 * in any state of them. Most are true in form, so that a table of the receiver decides, not admission.
 */
#include <string.h>

#include "liars.h"

#define STORM_ITEMS GJ_INQUIRE_ITEMS_MAX

static void told(struct sim_liars *liars, enum sim_lie lie, size_t to, const struct gj_txid *tx) {
    sim_lie_told(liars, lie, to, tx);
}

/* A transaction of |to|'s making that was heard of; or one that |to| never began, of a past epoch of its own. */
static bool of_theirs(struct sim_liars *liars, size_t to, struct gj_txid *ret, struct gj_digest *ret_digest) {
    uint32_t n = liars->n_heard < SIM_HEARD_MAX ? liars->n_heard : SIM_HEARD_MAX;
    /* Half of the time about the newest: it may not be settled yet. */
    uint64_t first = sim_lie_below(liars, 2) == 0 ? liars->n_heard + n - 1 : sim_lie_below(liars, n) + n;
    for (uint32_t i = 0; i < n; i++) {
        const struct sim_heard *heard = &liars->heard[(first - i) % n];
        if (heard->kind == GJ_KIND_CORE || !gj_text_equal(heard->tx.coordinator, sim_node_name(to))) continue;
        *ret = heard->tx;
        *ret_digest = heard->digest;
        if (sim_lie_below(liars, 6) == 0) {
            ret->seq += 100000;
            ret->epoch -= (uint32_t)sim_lie_below(liars, 2);
        }
        return true;
    }
    return false;
}

/* --- to a coordinator ----------------------------------------------------------------------------------- */
static bool vote_late(struct sim_liars *liars, size_t to) {
    struct gj_txid tx;
    struct gj_vote vote = {.yes = sim_lie_below(liars, 2) == 0};
    if (!of_theirs(liars, to, &tx, &vote.digest)) return false;
    if (!vote.yes) gj_text_set(vote.class, sizeof vote.class, "BUSY");
    if (vote.yes) sim_lie_note_false_yes(liars, &tx);
    (void)sim_lie_say(liars, to, GJ_KIND_VOTE, &tx, &vote, 0);
    told(liars, SIM_LIE_VOTE_LATE, to, &tx);
    return true;
}

static bool facts(struct sim_liars *liars, size_t to) {
    struct gj_txid tx;
    struct gj_leg_fact fact = {.leg = sim_lie_below(liars, 3), .account = "P/p1/suspense"};
    struct gj_vote_facts body = {.facts = &fact, .n_facts = 1};
    if (!of_theirs(liars, to, &tx, &body.digest)) return false;
    (void)sim_lie_say(liars, to, GJ_KIND_VOTE_FACTS, &tx, &body, 0);
    told(liars, SIM_LIE_FACTS, to, &tx);
    return true;
}

static bool ack(struct sim_liars *liars, size_t to) {
    struct gj_tx_ref ref;
    struct gj_digest digest;
    const struct gj_ack body = {.txids = &ref, .n_txids = 1};
    if (!of_theirs(liars, to, &ref.txid, &digest)) return false;
    (void)sim_lie_say(liars, to, GJ_KIND_ACK, NULL, &body, 0);
    told(liars, SIM_LIE_ACK, to, &ref.txid);
    return true;
}

/* Many questions, about what it may ask and what it may not, with and without the coordinator's core. */
static bool storm(struct sim_liars *liars, size_t to) {
    struct gj_inquiry *items = gj_arena_array(&liars->look, STORM_ITEMS, sizeof *items);
    struct gj_inquire body = {.items = items, .n_items = 1 + (uint32_t)sim_lie_below(liars, STORM_ITEMS)};
    const struct sim_heard *core = sim_lie_heard(liars, GJ_KIND_CORE);
    size_t room = GJ_MESSAGE_MAX / 2;
    if (items == NULL) return false;
    for (uint32_t i = 0; i < body.n_items; i++) {
        const struct sim_heard *heard = sim_lie_heard(liars, GJ_KIND_LEGS);
        if (heard == NULL) return false;
        items[i].txid = heard->tx;
        items[i].digest = heard->digest;
        if (sim_lie_below(liars, 8) == 0) items[i].txid.seq += i;
        bool has_core = core != NULL && room > core->len && sim_lie_below(liars, 4) == 0;
        if (!has_core) continue;
        items[i].core = gj_slice_of(core->evidence, core->len);
        room -= core->len;
    }
    (void)sim_lie_say(liars, to, GJ_KIND_INQUIRE, NULL, &body, 0);
    told(liars, SIM_LIE_STORM, to, NULL);
    return true;
}

/* One question without a vote, as a participant that lost its record might ask. */
static bool inquire(struct sim_liars *liars, size_t to) {
    struct gj_inquiry item = {.yes = false};
    struct gj_inquire body = {.items = &item, .n_items = 1};
    if (!of_theirs(liars, to, &item.txid, &item.digest)) return false;
    (void)sim_lie_say(liars, to, GJ_KIND_INQUIRE, NULL, &body, 0);
    told(liars, SIM_LIE_INQUIRE, to, &item.txid);
    return true;
}

/* --- to a participant ----------------------------------------------------------------------------------- */
static bool abort_any(struct sim_liars *liars, size_t to) {
    const struct sim_heard *heard =
        sim_lie_heard(liars, sim_lie_below(liars, 2) == 0 ? GJ_KIND_COMMIT : GJ_KIND_LEGS);
    if (heard == NULL) return false;
    struct gj_abort body = {.digest = heard->digest, .reason = "BUSY"};
    (void)sim_lie_say(liars, to, GJ_KIND_ABORT, &heard->tx, &body, 0);
    told(liars, sim_lie_is_own(liars, &heard->tx) ? SIM_LIE_ABORT_LATE : SIM_LIE_ABORT_OF_ANOTHER, to,
         &heard->tx);
    return true;
}

/* A certificate that it holds, for its own transaction, or for one that is another's to decide. */
static bool commit_any(struct sim_liars *liars, size_t to) {
    const struct sim_heard *heard = sim_lie_heard(liars, GJ_KIND_COMMIT);
    const struct sim_heard *other = sim_lie_heard(liars, GJ_KIND_LEGS);
    if (heard == NULL) return false;
    const struct gj_message *message = sim_lie_open(liars, gj_slice_of(heard->evidence, heard->len));
    if (message == NULL) return false;
    bool is_own = sim_lie_is_own(liars, &heard->tx) && sim_lie_below(liars, 2) == 0;
    const struct gj_txid *tx = is_own || other == NULL ? &heard->tx : &other->tx;
    struct sim_flight *flight = sim_lie_say(liars, to, GJ_KIND_COMMIT, tx, message->body, 0);
    flight->is_damaged = !is_own; /* no certificate for that: no record meets it */
    told(liars, is_own ? SIM_LIE_COMMIT_LATE : SIM_LIE_COMMIT_OF_ANOTHER, to, tx);
    return true;
}

/* "Your transaction is ..." to somebody who did not ask, with whatever proof is at hand. */
static bool status_any(struct sim_liars *liars, size_t to) {
    static const char *const states[] = {"COMMITTED", "ABORTED", "REFUSED", "COLLECTED"};
    const struct sim_heard *heard = sim_lie_heard(liars, GJ_KIND_LEGS);
    const struct sim_heard *proof = sim_lie_heard(liars, GJ_KIND_NONE);
    if (heard == NULL) return false;
    struct gj_tx_status item = {.txid = heard->tx, .digest = heard->digest};
    const struct gj_status body = {.items = &item, .n_items = 1};
    gj_text_set(item.state, sizeof item.state, states[sim_lie_below(liars, 4)]);
    bool has_proof = proof != NULL && sim_lie_below(liars, 2) == 0;
    if (has_proof) item.proof = gj_slice_of(proof->evidence, proof->len);
    (void)sim_lie_say(liars, to, GJ_KIND_STATUS, NULL, &body, 0);
    bool is_refusal = strcmp(item.state, "REFUSED") == 0;
    told(liars,
         has_proof    ? SIM_LIE_PROOF_OF_ANOTHER
         : is_refusal ? SIM_LIE_REFUSED_TO_A_PEER
                      : SIM_LIE_BARE_WORD,
         to, &item.txid);
    return true;
}

/* Its own old evidence again: a core with its legs, of an epoch that may be over. */
static bool prepare_again(struct sim_liars *liars, size_t to) {
    const struct sim_heard *core = sim_lie_heard(liars, GJ_KIND_CORE);
    struct gj_header headers[2];
    struct gj_slice messages[2];
    if (core == NULL || !sim_lie_is_own(liars, &core->tx)) return false;
    for (uint32_t i = 0; i < SIM_HEARD_MAX && i < liars->n_heard; i++) {
        const struct sim_heard *legs = &liars->heard[i];
        if (legs->kind != GJ_KIND_LEGS || !gj_txid_equal(&legs->tx, &core->tx)) continue;
        const struct gj_message *a = sim_lie_open(liars, gj_slice_of(core->evidence, core->len));
        const struct gj_message *b = sim_lie_open(liars, gj_slice_of(legs->evidence, legs->len));
        if (a == NULL || b == NULL) return false;
        sim_lie_header(liars, GJ_KIND_CORE, to, &core->tx, &headers[0]);
        sim_lie_header(liars, GJ_KIND_LEGS, to, &core->tx, &headers[1]);
        messages[0] = gj_forge_message(&liars->forge, &headers[0], gj_kind_shape(GJ_KIND_CORE), a->body);
        messages[1] = gj_forge_message(&liars->forge, &headers[1], gj_kind_shape(GJ_KIND_LEGS), b->body);
        /* The legs may have been another's: then nothing of it stands. */
        (void)sim_lie_frame(liars, to, gj_forge_parcel(&liars->forge, messages, 2, NULL, 0), 0);
        told(liars, SIM_LIE_PREPARE_AGAIN, to, &core->tx);
        return true;
    }
    return false;
}

/* --- which one ------------------------------------------------------------------------------------------ */
static bool (*const unasked[])(struct sim_liars *liars, size_t to) = {
    vote_late, facts, ack, storm, inquire, abort_any, commit_any, status_any, prepare_again};

void sim_lie_to_the_waking(struct sim_liars *liars, size_t to) {
    for (int i = 0; i < 3; i++) {
        if (sim_lie_below(liars, 2) == 0) (void)vote_late(liars, to);
        if (sim_lie_below(liars, 2) == 0) (void)ack(liars, to);
        if (sim_lie_below(liars, 2) == 0) (void)inquire(liars, to);
    }
}

void sim_lie_unasked(struct sim_liars *liars, size_t to) {
    const size_t n = sizeof unasked / sizeof unasked[0];
    uint64_t first = sim_lie_below(liars, n);
    for (size_t i = 0; i < n; i++)
        if (unasked[(first + i) % n](liars, to)) return;
}

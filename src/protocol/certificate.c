/* SPDX-License-Identifier: Apache-2.0
 *
 * Proofs: cores, leg details, certificates and refusals, checked to the last hash. Nothing here changes
 * state, and nothing here trusts who delivered the bytes.
 */
#include "protocol/state.h"

#include <string.h>

enum gj_err gj_core_read(struct gj_protocol *p, struct gj_turn *turn, struct gj_slice bytes,
                         const struct gj_digest *digest, struct gj_core *ret) {
    struct gj_digest computed;
    struct gj_fault fault;
    (void)p;
    gj_digest_of(turn->hasher, (enum gj_hash_alg)digest->bytes[0], &bytes, 1, &computed);
    if (!gj_digest_equal(&computed, digest)) return GJ_ERR_BAD_EVIDENCE;
    return gj_shape_decode(&gj_shape_core, bytes, turn->scratch, ret, &fault);
}

bool gj_core_lists(const struct gj_core *core, const char *node) {
    for (uint32_t i = 0; i < core->n_participants; i++) {
        if (gj_text_equal(core->participants[i].node, node)) return true;
    }
    return false;
}

static bool names_each_once(const struct gj_protocol *p, const struct gj_core *core) {
    for (uint32_t i = 0; i < core->n_participants; i++) {
        const char *node = core->participants[i].node;
        if (gj_text_equal(node, core->txid.coordinator)) return false;
        if (gj_directory_node(p->config.directory, node) == NULL) return false;
        for (uint32_t k = 0; k < i; k++) {
            if (gj_text_equal(node, core->participants[k].node)) return false;
        }
    }
    return true;
}

/* Who has nothing to do judges nothing, and his YES would be shown as an approval of what the others do. */
static bool has_a_leg(const struct gj_core *core, const char *node) {
    for (uint32_t i = 0; i < core->n_legs; i++) {
        if (gj_text_equal(core->legs[i].node, node)) return true;
    }
    return false;
}

bool gj_core_is_sound(const struct gj_protocol *p, const struct gj_core *core) {
    if (!names_each_once(p, core)) return false;
    for (uint32_t i = 0; i < core->n_participants; i++) {
        if (!has_a_leg(core, core->participants[i].node)) return false;
    }
    for (uint32_t i = 0; i < core->n_legs; i++) {
        const struct gj_core_leg *leg = &core->legs[i];
        if (!gj_text_equal(leg->node, core->txid.coordinator) && !gj_core_lists(core, leg->node))
            return false;
    }
    return core->n_legs > 0;
}

/* --- evidence ------------------------------------------------------------------------------------------- */

enum gj_err gj_protocol_verify_evidence(struct gj_protocol *p, struct gj_turn *turn, struct gj_slice evidence,
                                        const char *signer, struct gj_message *ret) {
    const struct gj_prover *prover = p->config.prover;
    struct gj_parcel parcel;
    struct gj_fault fault;
    if (evidence.len == 0 || gj_parcel_read(evidence, turn->scratch, &parcel) != GJ_OK || parcel.n_items != 1)
        return GJ_ERR_BAD_EVIDENCE;
    if (!gj_text_equal(parcel.head.sender, signer)) return GJ_ERR_BAD_EVIDENCE;
    if (memcmp(parcel.head.network_id, p->config.directory->network_id, sizeof parcel.head.network_id) != 0)
        return GJ_ERR_WRONG_NETWORK;
    GJ_TRY(gj_parcel_check_item(turn->hasher, &parcel.head, parcel.items));
    GJ_TRY(prover->verify(prover->ctx, &parcel.head, parcel.signed_bytes, parcel.signature));
    GJ_TRY(gj_message_decode(parcel.items->message, turn->scratch, ret, &fault));
    return gj_text_equal(ret->header.from, signer) ? GJ_OK : GJ_ERR_BAD_EVIDENCE;
}

enum gj_err gj_decision_check_key(struct gj_protocol *p, struct gj_turn *turn, struct gj_slice evidence) {
    const struct gj_prover *prover = p->config.prover;
    struct gj_parcel parcel;
    GJ_TRY(gj_parcel_read(evidence, turn->scratch, &parcel));
    return prover->key_valid(prover->ctx, &parcel.head, turn->now.wall) ? GJ_OK : GJ_ERR_UNKNOWN_KEY;
}

bool gj_proof_is_yes(const struct gj_message *message, const struct gj_txid *txid,
                     const struct gj_digest *digest) {
    if (message->kind == GJ_KIND_VOTE) {
        const struct gj_vote *vote = message->body;
        return vote->yes && gj_txid_equal(&message->header.tx, txid) &&
               gj_digest_equal(&vote->digest, digest);
    }
    if (message->kind != GJ_KIND_INQUIRE) return false;
    const struct gj_inquire *inquire = message->body;
    for (uint32_t i = 0; i < inquire->n_items; i++) {
        const struct gj_inquiry *item = &inquire->items[i];
        if (item->yes && gj_txid_equal(&item->txid, txid) && gj_digest_equal(&item->digest, digest))
            return true;
    }
    return false;
}

/* Which listed participant's YES the evidence is; core->n_participants if none. */
static uint32_t voter_of(struct gj_protocol *p, struct gj_turn *turn, const struct gj_core *core,
                         const struct gj_digest *digest, struct gj_slice evidence) {
    struct gj_parcel parcel;
    if (gj_parcel_read(evidence, turn->scratch, &parcel) != GJ_OK) return core->n_participants;
    for (uint32_t i = 0; i < core->n_participants; i++) {
        struct gj_message message;
        if (!gj_text_equal(parcel.head.sender, core->participants[i].node)) continue;
        if (gj_protocol_verify_evidence(p, turn, evidence, core->participants[i].node, &message) != GJ_OK)
            break;
        return gj_proof_is_yes(&message, &core->txid, digest) ? i : core->n_participants;
    }
    return core->n_participants;
}

enum gj_err gj_certificate_check(struct gj_protocol *p, struct gj_turn *turn, const char *signer,
                                 const struct gj_txid *txid, const struct gj_commit *commit,
                                 struct gj_certificate *ret) {
    struct gj_core *core = gj_arena_alloc(turn->scratch, sizeof *core);
    bool has_voted[GJ_PARTICIPANTS_MAX] = {false};
    if (core == NULL) return GJ_ERR_NO_SPACE;
    GJ_TRY(gj_core_read(p, turn, commit->core, &commit->digest, core));
    if (!gj_txid_equal(&core->txid, txid)) return GJ_ERR_BAD_EVIDENCE;
    if (!gj_text_equal(core->txid.coordinator, signer)) return GJ_ERR_BAD_EVIDENCE;
    if (!gj_core_is_sound(p, core) || commit->n_votes != core->n_participants) return GJ_ERR_BAD_EVIDENCE;
    for (uint32_t i = 0; i < commit->n_votes; i++) {
        uint32_t voter = voter_of(p, turn, core, &commit->digest, commit->votes[i].bytes);
        if (voter == core->n_participants || has_voted[voter]) return GJ_ERR_BAD_EVIDENCE;
        has_voted[voter] = true;
    }
    ret->commit = commit;
    ret->core = core;
    ret->holds_our_yes = gj_core_lists(core, p->config.directory->self);
    return GJ_OK;
}

bool gj_proof_is_no(const struct gj_message *message, const struct gj_txid *txid,
                    const struct gj_digest *digest) {
    if (message->kind == GJ_KIND_VOTE) {
        const struct gj_vote *vote = message->body;
        return !vote->yes && gj_txid_equal(&message->header.tx, txid) &&
               gj_digest_equal(&vote->digest, digest);
    }
    if (message->kind != GJ_KIND_STATUS) return false;
    const struct gj_status *status = message->body;
    for (uint32_t i = 0; i < status->n_items; i++) {
        const struct gj_tx_status *item = &status->items[i];
        if (gj_txid_equal(&item->txid, txid) && gj_digest_equal(&item->digest, digest) &&
            gj_text_equal(item->state, gj_part_state_word(GJ_PART_REFUSED)))
            return true;
    }
    return false;
}

bool gj_proof_refuses(const struct gj_message *message, const struct gj_core *core,
                      const struct gj_digest *digest) {
    return gj_core_lists(core, message->header.from) && gj_proof_is_no(message, &core->txid, digest);
}

/* --- leg details ---------------------------------------------------------------------------------------- */

static enum gj_err check_part(struct gj_turn *turn, const struct gj_core *core,
                              const struct gj_leg_part *part, struct gj_leg_detail *ret) {
    struct gj_digest computed;
    struct gj_fault fault;
    if (part->leg >= core->n_legs) return GJ_ERR_BAD_EVIDENCE;
    const struct gj_digest *stated = &core->legs[part->leg].detail_digest;
    const struct gj_slice pieces[] = {gj_slice_of(part->salt, sizeof part->salt), part->detail};
    gj_digest_of(turn->hasher, (enum gj_hash_alg)stated->bytes[0], pieces, 2, &computed);
    if (!gj_digest_equal(&computed, stated)) return GJ_ERR_BAD_EVIDENCE;
    return gj_shape_decode(&gj_shape_leg_detail, part->detail, turn->scratch, ret, &fault);
}

enum gj_err gj_legs_read(struct gj_protocol *p, struct gj_turn *turn, const struct gj_core *core,
                         const struct gj_prepare_legs *legs, const char *must_have_node,
                         struct gj_tx_view *ret) {
    bool given[GJ_LEGS_MAX] = {false};
    struct gj_leg_detail *details = gj_arena_array(turn->scratch, legs->n_legs, sizeof *details);
    (void)p;
    if (details == NULL) return GJ_ERR_NO_SPACE;
    for (uint32_t i = 0; i < legs->n_legs; i++) {
        GJ_TRY(check_part(turn, core, &legs->legs[i], &details[i]));
        if (given[legs->legs[i].leg]) return GJ_ERR_BAD_EVIDENCE;
        given[legs->legs[i].leg] = true;
    }
    for (uint32_t i = 0; i < core->n_legs; i++) {
        if (gj_text_equal(core->legs[i].node, must_have_node) && !given[i]) return GJ_ERR_BAD_EVIDENCE;
    }
    ret->core = core;
    ret->digest = &legs->digest;
    ret->parts = legs->legs;
    ret->n_parts = legs->n_legs;
    ret->details = details;
    return GJ_OK;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Transactions that the liar coordinates: any legs at anybody, with true digests, so that only what they say is
 * the lie.
 */
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "support/liar.h"

static struct gj_slice encode(struct gj_liar *liar, const struct gj_shape *shape, const void *value) {
    struct gj_buf buf;
    gj_buf_init(&buf, liar->forge.work, GJ_MESSAGE_MAX);
    enum gj_err err = gj_shape_encode(shape, value, &buf, NULL);
    GJ_ASSERT(err == GJ_OK);
    struct gj_slice copy = gj_arena_copy(&liar->forge.arena, gj_buf_slice(&buf));
    GJ_ASSERT(copy.ptr != NULL);
    return copy;
}

void gj_liar_tx_init(struct gj_liar *liar, struct gj_liar_tx *tx, const char *kind) {
    struct gj_wall now = gj_cluster_now(liar->cluster, liar->self).wall;
    memset(tx, 0, sizeof *tx);
    tx->txid = (struct gj_txid){.epoch = liar->forge.epoch, .seq = ++liar->seq, .attempt = 1};
    gj_text_set(tx->txid.coordinator, sizeof tx->txid.coordinator, gj_liar_name(liar->self));
    gj_text_set(tx->core.kind, sizeof tx->core.kind, kind);
    (void)snprintf(tx->core.sender, sizeof tx->core.sender, "%s/lies", gj_liar_name(liar->self));
    (void)snprintf(tx->core.msgid, sizeof tx->core.msgid, "m%u", (unsigned)liar->seq);
    tx->core.business_date = gj_date_of(now);
    tx->core.expires_at = now.ms + GJ_PREPARE_EXPIRY_MS;
}

void gj_liar_tx_lists(struct gj_liar_tx *tx, size_t node) {
    GJ_ASSERT(tx->core.n_participants < GJ_PARTICIPANTS_MAX);
    struct gj_node_ref *ref = &tx->participants[tx->core.n_participants++];
    gj_text_set(ref->node, sizeof ref->node, gj_liar_name(node));
}

struct gj_leg_detail *gj_liar_tx_leg(struct gj_liar_tx *tx, const char *type, size_t node, const char *from,
                                     const char *to, int64_t amount_fen) {
    GJ_ASSERT(tx->core.n_legs < GJ_LEGS_MAX);
    uint32_t at = tx->core.n_legs++;
    struct gj_core_leg *leg = &tx->legs[at];
    gj_text_set(leg->node, sizeof leg->node, gj_liar_name(node));
    gj_text_set(leg->from_region, sizeof leg->from_region, from);
    gj_text_set(leg->to_region, sizeof leg->to_region, to);
    leg->amount = amount_fen;
    struct gj_leg_detail *detail = &tx->details[at];
    gj_text_set(detail->type, sizeof detail->type, type);
    gj_text_set(detail->use, sizeof detail->use, "outpatient");
    gj_text_set(detail->mdtrtarea_admvs, sizeof detail->mdtrtarea_admvs, to);
    gj_text_set(detail->fixmedins_code, sizeof detail->fixmedins_code, GJ_LIAR_HOSPITAL);
    return detail;
}

struct gj_leg_detail *gj_liar_tx_draw(struct gj_liar *liar, struct gj_liar_tx *tx, int64_t amount_fen) {
    struct gj_leg_detail *detail = gj_liar_tx_leg(tx, "draw", GJ_LIAR_EAST, "330100", "450100", amount_fen);
    gj_text_set(detail->account, sizeof detail->account, GJ_LIAR_PAYER);
    gj_text_set(detail->binding_ref, sizeof detail->binding_ref, liar->binding);
    return detail;
}

struct gj_leg_detail *gj_liar_tx_own(struct gj_liar_tx *tx, int64_t amount_fen) {
    struct gj_leg_detail *detail = gj_liar_tx_leg(tx, "draw", GJ_LIAR_HOME, "360100", "450100", amount_fen);
    gj_text_set(detail->account, sizeof detail->account, GJ_LIAR_PATIENT);
    gj_text_set(detail->person_ref, sizeof detail->person_ref, "p2");
    return detail;
}

struct gj_leg_detail *gj_liar_tx_consume(struct gj_liar_tx *tx, int64_t own_fen, int64_t relatives_fen) {
    struct gj_leg_detail *detail = gj_liar_tx_leg(tx, "consume", GJ_LIAR_HOME, "360100", "450100", 0);
    gj_text_set(detail->person_ref, sizeof detail->person_ref, "p2");
    gj_text_set(detail->setl_id, sizeof detail->setl_id, "S1");
    detail->acct_pay = own_fen + relatives_fen;
    detail->acct_mulaid_pay = relatives_fen;
    detail->psn_part_amt = detail->medfee_sumamt = own_fen + relatives_fen;
    return detail;
}

void gj_liar_tx_seal(struct gj_liar *liar, struct gj_liar_tx *tx) {
    tx->core.txid = tx->txid;
    tx->core.legs = tx->legs;
    tx->core.participants = tx->participants;
    for (uint32_t i = 0; i < tx->core.n_legs; i++) {
        struct gj_leg_part *part = &tx->parts[i];
        part->leg = i;
        memset(part->salt, (int)i + 1, sizeof part->salt);
        if (part->detail.len == 0) part->detail = encode(liar, &gj_shape_leg_detail, &tx->details[i]);
        const struct gj_slice pieces[] = {gj_slice_of(part->salt, sizeof part->salt), part->detail};
        gj_digest_of(liar->forge.hasher, GJ_HASH_SM3, pieces, 2, &tx->legs[i].detail_digest);
    }
    tx->core_bytes = encode(liar, &gj_shape_core, &tx->core);
    gj_digest_of(liar->forge.hasher, GJ_HASH_SM3, &tx->core_bytes, 1, &tx->digest);
}

void gj_liar_prepare(struct gj_liar *liar, const struct gj_liar_tx *tx, size_t to, bool all_details) {
    struct gj_prepare_core core = {.core = tx->core_bytes,
                                   .supersedes = (struct gj_superseded *)(uintptr_t)tx->supersedes,
                                   .n_supersedes = tx->n_supersedes};
    struct gj_leg_part parts[GJ_LEGS_MAX];
    struct gj_prepare_legs legs = {
        .digest = tx->digest, .plan = tx->plan, .original = tx->original, .legs = parts};
    for (uint32_t i = 0; i < tx->core.n_legs; i++)
        if (all_details || gj_text_equal(tx->legs[i].node, gj_liar_name(to)))
            parts[legs.n_legs++] = tx->parts[i];
    liar->forge.wall = gj_cluster_now(liar->cluster, liar->self).wall;
    const struct gj_slice messages[] = {
        tx->core_padding > 0 ? gj_liar_padded(liar, GJ_KIND_CORE, "*", &tx->txid, &core, tx->core_padding)
                             : gj_forge_say(&liar->forge, GJ_KIND_CORE, "*", &tx->txid, &core),
        gj_forge_say(&liar->forge, GJ_KIND_LEGS, gj_liar_name(to), &tx->txid, &legs)};
    gj_liar_frame(liar, to, gj_liar_parcel(liar, messages, 2));
}

/* --- an honest settlement, for what comes after it ----------------------------------------------------------------- */
void gj_liar_plan(struct gj_liar *liar, int64_t payable_fen, struct gj_slice *ret_evidence) {
    struct gj_req_person who;
    struct gj_plan_ask ask = {.insuplc_admdvs = "360100",
                              .mdtrtarea_admvs = "450100",
                              .fixmedins_code = GJ_LIAR_HOSPITAL,
                              .mdtrt_cert_type = "02",
                              .use = "outpatient",
                              .med_type = "11",
                              .acct_payable_amt = payable_fen};
    gj_liar_person(2, "360100", &who);
    (void)snprintf(ask.sender, sizeof ask.sender, "%s/lies", gj_liar_name(liar->self));
    gj_text_set(ask.person.psn_cert_type, sizeof ask.person.psn_cert_type, who.psn_cert_type);
    gj_text_set(ask.person.certno, sizeof ask.person.certno, who.certno);
    gj_text_set(ask.person.psn_name, sizeof ask.person.psn_name, who.psn_name);
    gj_text_set(ask.mdtrt_cert_no, sizeof ask.mdtrt_cert_no, who.certno);
    ask.business_date = gj_date_of(gj_cluster_now(liar->cluster, liar->self).wall);
    gj_liar_say(liar, GJ_LIAR_HOME, GJ_KIND_PLAN, NULL, &ask);
    const struct gj_plan_answer *answer = gj_liar_latest(liar, GJ_LIAR_HOME, GJ_KIND_PLAN_ANSWER, NULL);
    GJ_ASSERT(answer != NULL && answer->code[0] == '\0');
    *ret_evidence = gj_liar_latest_caught(liar, GJ_LIAR_HOME, GJ_KIND_PLAN_ANSWER)->evidence;
}

void gj_liar_settlement(struct gj_liar *liar, struct gj_liar_tx *tx, int64_t relatives_fen) {
    gj_liar_tx_init(liar, tx, "settle");
    gj_liar_plan(liar, 5000 + relatives_fen, &tx->plan);
    gj_liar_tx_lists(tx, GJ_LIAR_HOME);
    gj_liar_tx_lists(tx, GJ_LIAR_EAST);
    (void)gj_liar_tx_own(tx, 5000);
    (void)gj_liar_tx_draw(liar, tx, relatives_fen);
    (void)gj_liar_tx_consume(tx, 5000, relatives_fen);
    gj_liar_tx_seal(liar, tx);
}

/* --- votes and decisions ------------------------------------------------------------------------------------------- */
static const struct gj_liar_caught *caught_vote(struct gj_liar *liar, size_t from,
                                                const struct gj_liar_tx *tx, struct gj_message *ret) {
    struct gj_fault fault;
    for (uint32_t i = liar->n_caught; i > 0; i--) {
        const struct gj_liar_caught *caught = &liar->caught[i - 1];
        if (caught->from != from || caught->kind != GJ_KIND_VOTE) continue;
        gj_arena_reset(&liar->look);
        GJ_ASSERT(gj_message_decode(caught->message, &liar->look, ret, &fault) == GJ_OK);
        if (gj_txid_equal(&ret->header.tx, &tx->txid)) return caught;
    }
    return NULL;
}

const struct gj_vote *gj_liar_vote(struct gj_liar *liar, size_t from, const struct gj_liar_tx *tx) {
    struct gj_message message;
    return caught_vote(liar, from, tx, &message) == NULL ? NULL : message.body;
}

void gj_liar_expect_yes(struct gj_liar *liar, size_t from, const struct gj_liar_tx *tx) {
    const struct gj_vote *vote = gj_liar_vote(liar, from, tx);
    if (vote != NULL && !vote->yes)
        (void)fprintf(stderr, "NO %s %s %s\n", vote->class, vote->code, vote->rule);
    GJ_ASSERT(vote != NULL && vote->yes);
}

void gj_liar_expect_no(struct gj_liar *liar, size_t from, const struct gj_liar_tx *tx, const char *code) {
    const struct gj_vote *vote = gj_liar_vote(liar, from, tx);
    if (vote != NULL && !gj_text_equal(vote->code, code))
        (void)fprintf(stderr, "%s %s %s\n", vote->yes ? "YES" : "NO", vote->code, vote->rule);
    GJ_ASSERT(vote != NULL && !vote->yes && gj_text_equal(vote->code, code));
}

void gj_liar_certificate(struct gj_liar *liar, const struct gj_liar_tx *tx, struct gj_commit *ret) {
    *ret = (struct gj_commit){.digest = tx->digest, .core = tx->core_bytes};
    ret->votes = gj_arena_array(&liar->forge.arena, GJ_PARTICIPANTS_MAX, sizeof *ret->votes);
    GJ_ASSERT(ret->votes != NULL);
    for (uint32_t i = 0; i < tx->core.n_participants; i++) {
        struct gj_message message;
        size_t node = gj_cluster_index(liar->cluster, tx->participants[i].node);
        const struct gj_liar_caught *vote = caught_vote(liar, node, tx, &message);
        if (vote != NULL) ret->votes[ret->n_votes++].bytes = vote->evidence;
    }
}

void gj_liar_commit(struct gj_liar *liar, const struct gj_liar_tx *tx) {
    struct gj_commit commit;
    gj_liar_certificate(liar, tx, &commit);
    for (uint32_t i = 0; i < tx->core.n_participants; i++)
        gj_liar_say(liar, gj_cluster_index(liar->cluster, tx->participants[i].node), GJ_KIND_COMMIT,
                    &tx->txid, &commit);
}

void gj_liar_abort(struct gj_liar *liar, const struct gj_liar_tx *tx, size_t to) {
    const struct gj_abort abort = {.digest = tx->digest, .reason = "TIMED_OUT"};
    gj_liar_say(liar, to, GJ_KIND_ABORT, &tx->txid, &abort);
}

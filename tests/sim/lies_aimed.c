/* SPDX-License-Identifier: Apache-2.0
 *
 * Lies aimed at what is open right now: second attempts beside the one that runs, refunds of what is being refunded,
 * answers to a node in doubt. They draw from a stream of their own, and must never change what the engine says.
 */
#include <string.h>

#include "base/check.h"
#include "liars.h"

#define CORE_BYTES     8192
#define EVIDENCE_BYTES 16384
#define END_MS         20000 /* then it takes back what it made its peers hold */
#define ATTEMPTS_AWAY  7u
#define ANSWERS        4u

static uint64_t draw(struct sim_liars *liars, uint64_t n) {
    return sim_below(liars->sim, SIM_AIM, n);
}

static struct gj_slice encode_core(struct sim_liars *liars, const struct gj_core *core) {
    struct gj_buf buf;
    gj_buf_init(&buf, gj_arena_alloc(&liars->forge.arena, CORE_BYTES), CORE_BYTES);
    GJ_ASSERT(gj_shape_encode(&gj_shape_core, core, &buf, NULL) == GJ_OK);
    return gj_buf_slice(&buf);
}

/* --- beside what its engine asks for ---------------------------------------------------------------------- */
/* What another node asked it for last: others may be in doubt about that. */
static const struct sim_heard *newest_foreign(struct sim_liars *liars) {
    for (uint32_t i = 1; i <= SIM_HEARD_MAX && i <= liars->n_heard; i++) {
        const struct sim_heard *heard = &liars->heard[(liars->n_heard - i) % SIM_HEARD_MAX];
        if (heard->kind == GJ_KIND_LEGS && !sim_lie_is_own(liars, &heard->tx)) return heard;
    }
    return NULL;
}

/* Another transaction like message |at| and the legs behind it; later it is aborted. */
static void say_twin(struct sim_saying *saying, uint32_t at, struct gj_core *core, int64_t delay_ms) {
    struct sim_liars *liars = saying->liars;
    struct gj_prepare_core body = *(const struct gj_prepare_core *)saying->message[at].body;
    struct gj_prepare_legs legs = *(const struct gj_prepare_legs *)saying->message[at + 1].body;
    struct gj_header headers[2];
    struct gj_slice messages[2];
    const struct sim_heard *foreign = newest_foreign(liars);
    struct gj_superseded superseded;
    if (foreign != NULL && body.n_supersedes == 0 && draw(liars, 3) > 0) {
        superseded = (struct gj_superseded){.txid = foreign->tx, .digest = foreign->digest};
        body.supersedes = &superseded;
        body.n_supersedes = 1;
    }
    core->txid.attempt = (uint16_t)(core->txid.attempt + ATTEMPTS_AWAY + draw(liars, ATTEMPTS_AWAY));
    body.core = encode_core(liars, core);
    gj_digest_of(liars->forge.hasher, (enum gj_hash_alg)legs.digest.bytes[0], &body.core, 1, &legs.digest);
    sim_lie_header(liars, GJ_KIND_CORE, saying->to, &core->txid, &headers[0]);
    sim_lie_header(liars, GJ_KIND_LEGS, saying->to, &core->txid, &headers[1]);
    messages[0] = gj_forge_message(&liars->forge, &headers[0], gj_kind_shape(GJ_KIND_CORE), &body);
    messages[1] = gj_forge_message(&liars->forge, &headers[1], gj_kind_shape(GJ_KIND_LEGS), &legs);
    sim_lie_frame(liars, saying->to, gj_forge_parcel(&liars->forge, messages, 2, NULL, 0), delay_ms)
        ->is_damaged = true;
    struct gj_abort abort = {.digest = legs.digest, .reason = "TIMED_OUT"};
    (void)sim_lie_say(liars, saying->to, GJ_KIND_ABORT, &core->txid, &abort, delay_ms + END_MS);
}

/* What an earlier attempt's record does not stand in the way of. */
static void rename_request(struct sim_liars *liars, struct gj_core *core) {
    size_t len = strlen(core->msgid);
    if (len > 0) core->msgid[len - 1] = (char)('A' + draw(liars, 26));
}

static bool has_draw_of(const struct gj_core *core, size_t node, bool to_zero) {
    bool has_one = false;
    for (uint32_t i = 0; i < core->n_legs; i++) {
        if (core->legs[i].amount == 0 || !gj_text_equal(core->legs[i].node, sim_node_name(node))) continue;
        has_one = true;
        if (to_zero) core->legs[i].amount = 0;
    }
    return has_one;
}

static void twin_of(struct sim_saying *saying, uint32_t at) {
    struct sim_liars *liars = saying->liars;
    struct gj_core *core =
        sim_lie_copy_core(liars, ((const struct gj_prepare_core *)saying->message[at].body)->core);
    enum sim_lie lie = SIM_LIE_KEY_TWICE;
    uint64_t what = draw(liars, 4), soon = draw(liars, 20), late = draw(liars, 8000);
    if (core == NULL || !has_draw_of(core, saying->to, false)) return;
    if (gj_text_equal(core->kind, "refund") && what < 3) {
        rename_request(liars, core);
        lie = SIM_LIE_REFUND_TWICE;
    } else if (gj_text_equal(core->kind, "settle") && what < 2) {
        (void)has_draw_of(core, saying->to, true);
        rename_request(liars, core);
        lie = SIM_LIE_ZERO;
    }
    say_twin(saying, at, core, (int64_t)(what == 0 && lie == SIM_LIE_REFUND_TWICE ? late : soon));
    sim_lie_told(liars, lie, saying->to, &core->txid);
}

void sim_lie_aim_saying(struct sim_saying *saying) {
    for (uint32_t i = 0; i + 1 < saying->n; i++) {
        bool is_prepare =
            saying->message[i].kind == GJ_KIND_CORE && saying->message[i + 1].kind == GJ_KIND_LEGS;
        if (is_prepare && draw(saying->liars, 2) == 0) twin_of(saying, i);
    }
}

/* --- to who is in doubt ----------------------------------------------------------------------------------- */
static struct gj_slice evidence_of(struct sim_liars *liars, const struct sim_hearing *hearing) {
    struct gj_buf buf;
    gj_buf_init(&buf, gj_arena_alloc(&liars->forge.arena, EVIDENCE_BYTES), EVIDENCE_BYTES);
    return gj_parcel_extract(hearing->parcel, hearing->item, &buf) == GJ_OK ? gj_buf_slice(&buf)
                                                                            : GJ_SLICE_NONE;
}

static const struct sim_heard *own_core(struct sim_liars *liars, const struct gj_txid *tx) {
    for (uint32_t i = 0; i < SIM_HEARD_MAX && i < liars->n_heard; i++)
        if (liars->heard[i].kind == GJ_KIND_CORE && gj_txid_equal(&liars->heard[i].tx, tx))
            return &liars->heard[i];
    return NULL;
}

/* The first YES of several, under a core that lists nobody else: all but the digest is in order. */
static void commit_at_first_yes(struct sim_liars *liars, const struct sim_hearing *hearing) {
    const struct gj_message *message = hearing->message;
    const struct gj_vote *vote = message->body;
    const struct sim_heard *heard = own_core(liars, &message->header.tx);
    if (!vote->yes || heard == NULL) return;
    const struct gj_message *opened = sim_lie_open(liars, gj_slice_of(heard->evidence, heard->len));
    if (opened == NULL) return;
    struct gj_core *core = sim_lie_copy_core(liars, ((const struct gj_prepare_core *)opened->body)->core);
    struct gj_proof votes[1];
    struct gj_commit commit = {.digest = vote->digest, .votes = votes, .n_votes = 1};
    if (core == NULL || core->n_participants < 2) return;
    core->n_participants = 1;
    gj_text_set(core->participants[0].node, sizeof core->participants[0].node, sim_node_name(hearing->from));
    for (uint32_t i = 0; i < core->n_legs; i++)
        if (!gj_text_equal(core->legs[i].node, sim_node_name(hearing->from)))
            gj_text_set(core->legs[i].node, sizeof core->legs[i].node, core->txid.coordinator);
    commit.core = encode_core(liars, core);
    votes[0].bytes = evidence_of(liars, hearing);
    sim_lie_say(liars, hearing->from, GJ_KIND_COMMIT, &message->header.tx, &commit, 0)->is_damaged = true;
    sim_lie_told(liars, SIM_LIE_CORE_MUTATED, hearing->from, &message->header.tx);
}

/* All votes are there, but it is another's to decide. */
static struct gj_slice certificate_of_another(struct sim_liars *liars, const struct sim_hearing *hearing,
                                              const struct gj_inquiry *item) {
    const struct gj_message *opened = item->core.len == 0 ? NULL : sim_lie_open(liars, item->core);
    const struct gj_vote yes = {.digest = item->digest, .yes = true};
    struct gj_proof votes[2] = {{.bytes = evidence_of(liars, hearing)}};
    struct gj_commit commit = {.digest = item->digest, .votes = votes, .n_votes = 2};
    if (opened == NULL || opened->kind != GJ_KIND_CORE || votes[0].bytes.len == 0) return GJ_SLICE_NONE;
    commit.core = ((const struct gj_prepare_core *)opened->body)->core;
    const struct gj_core *core = sim_lie_copy_core(liars, commit.core);
    if (core == NULL || core->n_participants > 2) return GJ_SLICE_NONE;
    commit.n_votes = core->n_participants;
    votes[1].bytes = gj_forge_one(&liars->forge, GJ_KIND_VOTE, item->txid.coordinator, &item->txid, &yes);
    return gj_forge_one(&liars->forge, GJ_KIND_COMMIT, sim_node_name(hearing->from), &item->txid, &commit);
}

/* A true ABORT of its own, but of the attempt behind the one that is asked about. */
static struct gj_slice abort_of_the_next(struct sim_liars *liars, const struct sim_hearing *hearing,
                                         const struct gj_inquiry *item) {
    const struct gj_abort abort = {.digest = sim_lie_other_digest(&item->digest), .reason = "BUSY"};
    struct gj_txid tx = item->txid;
    tx.attempt++;
    return gj_forge_one(&liars->forge, GJ_KIND_ABORT, sim_node_name(hearing->from), &tx, &abort);
}

static void answer_in_doubt(struct sim_liars *liars, const struct sim_hearing *hearing,
                            const struct gj_inquiry *item) {
    bool is_own = sim_lie_is_own(liars, &item->txid);
    struct gj_tx_status told = {.txid = item->txid, .digest = item->digest};
    const struct gj_status status = {.items = &told, .n_items = 1};
    enum sim_lie lie = SIM_LIE_BARE_WORD;
    uint64_t what = draw(liars, 4);
    struct gj_header header; /* so that what is forged has an id that is new */
    sim_lie_header(liars, GJ_KIND_STATUS, hearing->from, NULL, &header);
    gj_text_set(told.state, sizeof told.state, what % 2 == 0 ? "ABORTED" : "COLLECTED");
    if (what >= 2) {
        told.proof =
            is_own ? abort_of_the_next(liars, hearing, item) : certificate_of_another(liars, hearing, item);
        gj_text_set(told.state, sizeof told.state, is_own ? "ABORTED" : "COMMITTED");
        lie = is_own ? SIM_LIE_PROOF_OF_ANOTHER : SIM_LIE_COMMIT_OF_ANOTHER;
        if (told.proof.len == 0) return;
    }
    (void)sim_lie_say(liars, hearing->from, GJ_KIND_STATUS, NULL, &status, 0);
    sim_lie_told(liars, lie, hearing->from, &item->txid);
}

/* From now on it is in doubt, and it has not asked yet. */
static void to_who_voted(struct sim_liars *liars, const struct sim_hearing *hearing) {
    const struct gj_vote *vote = hearing->message->body;
    const struct gj_inquiry item = {.txid = hearing->message->header.tx, .digest = vote->digest, .yes = true};
    if (!vote->yes || !sim_lie_is_own(liars, &item.txid)) return;
    if (draw(liars, 3) == 0)
        commit_at_first_yes(liars, hearing);
    else
        answer_in_doubt(liars, hearing, &item);
}

void sim_lie_aim_hearing(struct sim_liars *liars, const struct sim_hearing *hearing) {
    const struct gj_message *message = hearing->message;
    if (message->kind == GJ_KIND_VOTE) to_who_voted(liars, hearing);
    if (message->kind != GJ_KIND_INQUIRE) return;
    const struct gj_inquire *inquire = message->body;
    for (uint32_t i = 0; i < inquire->n_items && i < ANSWERS; i++)
        if (inquire->items[i].yes && draw(liars, 3) > 0) answer_in_doubt(liars, hearing, &inquire->items[i]);
}

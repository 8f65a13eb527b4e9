/* SPDX-License-Identifier: Apache-2.0
 *
 * Lies in what the liar's engine says anyway: votes, decisions, cores, statuses, answers, greetings. Each takes one
 * message of a parcel and changes it, or sends another one after it. Bodies are true but for the lie.
 */
#include <string.h>

#include "base/check.h"
#include "base/money.h"
#include "liars.h"

#define LATER_MS 8000 /* how much later the second word may come */

static int64_t later(struct sim_saying *saying) {
    return (int64_t)sim_lie_below(saying->liars, UINT64_C(1) << sim_lie_below(saying->liars, 13)) % LATER_MS;
}

static const struct gj_txid *tx_of(const struct sim_saying *saying, uint32_t at) {
    return &saying->message[at].header.tx;
}

static bool told(struct sim_saying *saying, uint32_t at, enum sim_lie lie) {
    sim_lie_told(saying->liars, lie, saying->to, tx_of(saying, at));
    return true;
}

/* No shape lets an amount above GJ_FEN_INPUT_MAX through: where that stands in the bytes, write INT64_MAX. */
static void write_int64_max(struct gj_slice bytes) {
    uint8_t from[9] = {0xcf}, to[9] = {0xcf, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    for (int i = 0; i < 8; i++)
        from[8 - i] = (uint8_t)((uint64_t)GJ_FEN_INPUT_MAX >> (8 * i));
    for (size_t at = 0; at + sizeof from <= bytes.len; at++)
        if (memcmp(bytes.ptr + at, from, sizeof from) == 0)
            memcpy((uint8_t *)(uintptr_t)bytes.ptr + at, to, sizeof to);
}

static struct gj_slice copy_with_flip(struct sim_saying *saying, struct gj_slice bytes) {
    return gj_forge_flip(&saying->liars->forge, bytes, (size_t)sim_lie_below(saying->liars, bytes.len));
}

/* --- votes ---------------------------------------------------------------------------------------------- */
static struct gj_vote no_like(const struct gj_vote *vote) {
    struct gj_vote no = {.digest = vote->digest};
    gj_text_set(no.class, sizeof no.class, "RULE");
    gj_text_set(no.code, sizeof no.code, "RULE");
    gj_text_set(no.rule, sizeof no.rule, "R50");
    return no;
}

/* To whoever else may be in it, while it is in doubt there. */
static void abort_of_theirs(struct sim_saying *saying, uint32_t at, const struct gj_vote *vote) {
    struct sim_liars *liars = saying->liars;
    struct gj_abort abort = {.digest = vote->digest, .reason = "BUSY"};
    for (size_t to = 0; to < liars->sim->n; to++)
        if (to != saying->to && to != liars->node)
            (void)sim_lie_say(liars, to, GJ_KIND_ABORT, tx_of(saying, at), &abort,
                              (int64_t)sim_lie_below(liars, 20));
}

static bool about_vote(struct sim_saying *saying, uint32_t at) {
    const struct gj_vote *vote = saying->message[at].body;
    const struct gj_vote no = no_like(vote), yes = {.digest = vote->digest, .yes = true};
    const struct gj_vote other = {.digest = sim_lie_other_digest(&vote->digest), .yes = vote->yes};
    switch (sim_lie_below(saying->liars, 4)) {
    case 0:
        if (!vote->yes) return false;
        sim_lie_instead(saying, at, &no);
        return told(saying, at, SIM_LIE_NO_FOR_YES);
    case 1:
        if (!vote->yes) sim_lie_note_false_yes(saying->liars, tx_of(saying, at));
        (void)sim_lie_say(saying->liars, saying->to, GJ_KIND_VOTE, tx_of(saying, at), vote->yes ? &no : &yes,
                          later(saying));
        return told(saying, at, vote->yes ? SIM_LIE_NO_AFTER_YES : SIM_LIE_YES_AFTER_NO);
    case 2:
        abort_of_theirs(saying, at, vote);
        return told(saying, at, SIM_LIE_ABORT_OF_ANOTHER);
    default:
        sim_lie_instead(saying, at, &other);
        return told(saying, at, SIM_LIE_OTHER_DIGEST);
    }
}

/* --- decisions ------------------------------------------------------------------------------------------ */
static struct gj_commit *copy_commit(struct sim_saying *saying, const struct gj_commit *commit) {
    struct gj_commit *copy = gj_arena_alloc(&saying->liars->look, sizeof *copy);
    GJ_ASSERT(copy != NULL);
    *copy = *commit;
    copy->votes = gj_arena_array(&saying->liars->look, GJ_PARTICIPANTS_MAX, sizeof *copy->votes);
    GJ_ASSERT(copy->votes != NULL);
    if (commit->n_votes > 0) memcpy(copy->votes, commit->votes, commit->n_votes * sizeof *copy->votes);
    return copy;
}

/* A certificate with something wrong in it. */
static enum sim_lie spoil(struct sim_saying *saying, struct gj_commit *commit) {
    const struct sim_heard *other = sim_lie_heard(saying->liars, GJ_KIND_VOTE);
    uint32_t which = (uint32_t)sim_lie_below(saying->liars, commit->n_votes);
    switch (sim_lie_below(saying->liars, 5)) {
    case 0:
        commit->votes[which] = commit->votes[--commit->n_votes];
        return SIM_LIE_VOTE_MISSING;
    case 1:
        commit->votes[which].bytes = copy_with_flip(saying, commit->votes[which].bytes);
        return SIM_LIE_VOTE_MUTATED;
    case 2:
        if (commit->n_votes == 1) commit->votes[commit->n_votes++] = commit->votes[0];
        commit->votes[which] = commit->votes[(which + 1) % commit->n_votes];
        return SIM_LIE_VOTE_TWICE;
    case 3:
        commit->core = copy_with_flip(saying, commit->core);
        return SIM_LIE_CORE_MUTATED;
    default:
        commit->votes[which].bytes = other == NULL ? commit->core : gj_slice_of(other->evidence, other->len);
        return SIM_LIE_VOTE_OF_ANOTHER;
    }
}

static bool about_commit(struct sim_saying *saying, uint32_t at) {
    const struct gj_commit *commit = saying->message[at].body;
    struct gj_abort abort = {.digest = commit->digest};
    struct sim_liars *liars = saying->liars;
    gj_text_set(abort.reason, sizeof abort.reason, "TIMED_OUT");
    if (commit->n_votes == 0) return false;
    switch (sim_lie_below(liars, 3)) {
    case 0: { /* to this one it says ABORT, to the others COMMIT */
        struct gj_header header = saying->message[at].header;
        gj_text_set(header.kind, sizeof header.kind, gj_kind_word(GJ_KIND_ABORT));
        saying->bytes[at] = gj_forge_message(&liars->forge, &header, gj_kind_shape(GJ_KIND_ABORT), &abort);
        saying->is_changed = true;
        return told(saying, at, SIM_LIE_ABORT_FOR_COMMIT);
    }
    case 1:
        (void)sim_lie_say(liars, saying->to, GJ_KIND_ABORT, tx_of(saying, at), &abort,
                          (int64_t)sim_lie_below(liars, 20));
        return told(saying, at, SIM_LIE_ABORT_AFTER_COMMIT);
    default: {
        struct gj_commit *copy = copy_commit(saying, commit);
        enum sim_lie lie = spoil(saying, copy);
        sim_lie_instead(saying, at, copy);
        saying->is_refused = true;
        return told(saying, at, lie);
    }
    }
}

static bool about_abort(struct sim_saying *saying, uint32_t at) {
    struct gj_abort abort = *(const struct gj_abort *)saying->message[at].body;
    abort.digest = sim_lie_other_digest(&abort.digest);
    sim_lie_instead(saying, at, &abort);
    return told(saying, at, SIM_LIE_OTHER_DIGEST);
}

/* --- cores ---------------------------------------------------------------------------------------------- */
/* What a core must not be, or what a participant must say NO to. */
static enum sim_lie twist(struct sim_saying *saying, struct gj_core *core) {
    struct sim_liars *liars = saying->liars;
    struct gj_core_leg *leg = &core->legs[sim_lie_below(liars, core->n_legs)];
    struct gj_node_ref *last = &core->participants[core->n_participants];
    const char *other = sim_node_name((size_t)sim_lie_below(liars, liars->sim->n));
    switch (sim_lie_below(liars, 9)) {
    case 0:
        gj_text_set(last->node, sizeof last->node, core->txid.coordinator);
        core->n_participants++;
        return SIM_LIE_NAMES_ITSELF;
    case 1:
        *last = core->participants[0];
        core->n_participants++;
        return SIM_LIE_NAMES_TWICE;
    case 2:
        gj_text_set(last->node, sizeof last->node, "999999");
        core->n_participants++;
        return SIM_LIE_NAMES_A_STRANGER;
    case 3:
        leg->amount = leg->amount > 0 ? 0 : 1;
        return SIM_LIE_ZERO;
    case 4:
        leg->amount = GJ_FEN_INPUT_MAX;
        return SIM_LIE_INT64;
    case 5:
        core->business_date = core->business_date + 10000; /* a year later */
        return SIM_LIE_DATE;
    case 6:
        (void)snprintf(core->sender, sizeof core->sender, "%s/lies", other);
        for (uint32_t i = 0; i < core->n_legs; i++)
            gj_text_set(core->legs[i].to_region, sizeof core->legs[i].to_region, sim_region(saying->to, 0));
        return SIM_LIE_FOREIGN_SENDER;
    case 7:
        core->expires_at = 1;
        return SIM_LIE_EXPIRED;
    default:
        core->txid.attempt = (uint16_t)(core->txid.attempt + 7); /* the same key under another txid */
        return SIM_LIE_KEY_TWICE;
    }
}

struct gj_core *sim_lie_copy_core(struct sim_liars *liars, struct gj_slice bytes) {
    struct gj_core *core = gj_arena_alloc(&liars->look, sizeof *core);
    struct gj_node_ref *nodes = gj_arena_array(&liars->look, GJ_PARTICIPANTS_MAX, sizeof *nodes);
    struct gj_fault fault;
    GJ_ASSERT(core != NULL && nodes != NULL);
    if (gj_shape_decode(&gj_shape_core, bytes, &liars->look, core, &fault) != GJ_OK) return NULL;
    if (core->n_participants == 0 || core->n_participants == GJ_PARTICIPANTS_MAX || core->n_legs == 0)
        return NULL;
    memcpy(nodes, core->participants, core->n_participants * sizeof *nodes);
    core->participants = nodes;
    return core;
}

/* Core and legs under their new digest, instead of the true ones or, with a true one before, after them. */
static void say_twisted(struct sim_saying *saying, uint32_t at, const struct gj_core *core, bool instead) {
    struct sim_liars *liars = saying->liars;
    struct gj_prepare_core body = *(const struct gj_prepare_core *)saying->message[at].body;
    struct gj_prepare_legs legs = *(const struct gj_prepare_legs *)saying->message[at + 1].body;
    struct gj_header headers[2];
    struct gj_slice messages[2];
    struct gj_buf buf;
    gj_buf_init(&buf, gj_arena_alloc(&liars->forge.arena, 8192), 8192);
    GJ_ASSERT(gj_shape_encode(&gj_shape_core, core, &buf, NULL) == GJ_OK);
    body.core = gj_buf_slice(&buf);
    if (sim_lie_below(liars, 2) == 0) write_int64_max(body.core);
    gj_digest_of(liars->forge.hasher, (enum gj_hash_alg)legs.digest.bytes[0], &body.core, 1, &legs.digest);
    sim_lie_header(liars, GJ_KIND_CORE, saying->to, &core->txid, &headers[0]);
    sim_lie_header(liars, GJ_KIND_LEGS, saying->to, &core->txid, &headers[1]);
    messages[0] = gj_forge_message(&liars->forge, &headers[0], gj_kind_shape(GJ_KIND_CORE), &body);
    messages[1] = gj_forge_message(&liars->forge, &headers[1], gj_kind_shape(GJ_KIND_LEGS), &legs);
    if (instead) {
        saying->bytes[at] = messages[0];
        saying->bytes[at + 1] = messages[1];
        saying->is_changed = saying->is_refused = true;
        return;
    }
    sim_lie_frame(liars, saying->to, gj_forge_parcel(&liars->forge, messages, 2, NULL, 0), later(saying))
        ->is_damaged = true;
}

/* Names one that was committed among the earlier attempts that it says were aborted. */
static bool supersede(struct sim_saying *saying, uint32_t at) {
    struct gj_prepare_core body = *(const struct gj_prepare_core *)saying->message[at].body;
    const struct sim_heard *heard = sim_lie_heard(saying->liars, GJ_KIND_COMMIT);
    struct gj_superseded *list = gj_arena_array(&saying->liars->look, GJ_SUPERSEDES_MAX, sizeof *list);
    if (heard == NULL || list == NULL || body.n_supersedes == GJ_SUPERSEDES_MAX) return false;
    if (body.n_supersedes > 0) memcpy(list, body.supersedes, body.n_supersedes * sizeof *list);
    list[body.n_supersedes++] = (struct gj_superseded){.txid = heard->tx, .digest = heard->digest};
    body.supersedes = list;
    sim_lie_instead(saying, at, &body);
    return told(saying, at, SIM_LIE_SUPERSEDES_COMMITTED);
}

static bool about_core(struct sim_saying *saying, uint32_t at) {
    const struct gj_prepare_core *body = saying->message[at].body;
    if (at + 1 == saying->n || saying->message[at + 1].kind != GJ_KIND_LEGS) return false;
    uint64_t draw = sim_lie_below(saying->liars, 10);
    if (draw < 2) return supersede(saying, at);
    struct gj_core *core = sim_lie_copy_core(saying->liars, body->core);
    if (core == NULL) return false;
    enum sim_lie lie = twist(saying, core);
    say_twisted(saying, at, core, draw < 6);
    return told(saying, at, draw < 6 ? lie : SIM_LIE_CORE_TWICE);
}

/* --- statuses, answers, greetings ------------------------------------------------------------------------- */
static bool about_status(struct sim_saying *saying, uint32_t at) {
    static const char *const bare[] = {"COMMITTED", "ABORTED", "COLLECTED", "RESOLVED", "PENDING"};
    struct sim_liars *liars = saying->liars;
    struct gj_status status = *(const struct gj_status *)saying->message[at].body;
    struct gj_tx_status item = status.items[sim_lie_below(liars, status.n_items)];
    const struct sim_heard *heard = sim_lie_heard(liars, GJ_KIND_NONE);
    enum sim_lie lie = SIM_LIE_BARE_WORD;
    item.proof = GJ_SLICE_NONE;
    switch (sim_lie_below(liars, 3)) {
    case 0:
        gj_text_set(item.state, sizeof item.state, "REFUSED");
        lie = SIM_LIE_REFUSED_TO_A_PEER;
        break;
    case 1:
        gj_text_set(item.state, sizeof item.state, bare[sim_lie_below(liars, 5)]);
        break;
    default:
        if (heard == NULL) return false;
        gj_text_set(item.state, sizeof item.state, bare[sim_lie_below(liars, 2)]);
        item.proof = gj_slice_of(heard->evidence, heard->len);
        lie = SIM_LIE_PROOF_OF_ANOTHER;
        break;
    }
    status.items = &item;
    status.n_items = 1;
    sim_lie_instead(saying, at, &status);
    return told(saying, at, lie);
}

static bool about_cover(struct sim_saying *saying, uint32_t at) {
    struct gj_cover_answer answer = *(const struct gj_cover_answer *)saying->message[at].body;
    answer.cover = sim_lie_below(saying->liars, 2) == 0 ? GJ_FEN_INPUT_MAX : answer.cover * 2 + 1;
    answer.code[0] = answer.rule[0] = '\0';
    sim_lie_instead(saying, at, &answer);
    if (sim_lie_below(saying->liars, 2) == 0) write_int64_max(saying->bytes[at]);
    return told(saying, at, SIM_LIE_COVER);
}

static bool about_plan(struct sim_saying *saying, uint32_t at) {
    struct sim_liars *liars = saying->liars;
    struct gj_plan_answer answer = *(const struct gj_plan_answer *)saying->message[at].body;
    struct gj_source *sources = gj_arena_array(&liars->look, GJ_SOURCES_MAX, sizeof *sources);
    struct gj_own_cover own = {.account = "P/p1/prior"};
    if (answer.code[0] != '\0' || sources == NULL) return false;
    if (answer.n_sources > 0) memcpy(sources, answer.sources, answer.n_sources * sizeof *sources);
    answer.sources = sources;
    switch (sim_lie_below(liars, 3)) {
    case 0:
        if (answer.n_own > 0) own = answer.own[0];
        own.cover = GJ_FEN_INPUT_MAX;
        answer.own = &own;
        answer.n_own = 1;
        break;
    case 1:
        if (answer.n_sources == 0 || answer.n_sources == GJ_SOURCES_MAX) return false;
        sources[answer.n_sources++] = sources[0];
        break;
    default:
        if (answer.n_sources == 0) return false;
        gj_text_set(sources[0].region, sizeof sources[0].region, "999999");
        break;
    }
    sim_lie_instead(saying, at, &answer);
    return told(saying, at, SIM_LIE_PLAN);
}

/* "I have seen flushes of yours that you do not have", with no proof, or with one that proves nothing. */
static bool about_welcome(struct sim_saying *saying, uint32_t at) {
    struct sim_liars *liars = saying->liars;
    struct gj_welcome welcome = *(const struct gj_welcome *)saying->message[at].body;
    struct gj_epoch_flush *seen = gj_arena_array(&liars->look, GJ_EPOCHS_MAX, sizeof *seen);
    if (seen == NULL || welcome.n_seen == 0) return false;
    memcpy(seen, welcome.seen, welcome.n_seen * sizeof *seen);
    struct gj_epoch_flush *last = &seen[welcome.n_seen - 1];
    last->flush += 1 + sim_lie_below(liars, 1000);
    if (sim_lie_below(liars, 2) == 0)
        last->proof = gj_forge_flush_proof(&liars->forge, (uint32_t)last->epoch, last->flush);
    if (sim_lie_below(liars, 4) == 0) welcome.nonce[0] ^= 1;
    welcome.seen = seen;
    sim_lie_instead(saying, at, &welcome);
    return told(saying, at, SIM_LIE_WELCOME);
}

static bool about_hello(struct sim_saying *saying, uint32_t at) {
    struct gj_hello hello = *(const struct gj_hello *)saying->message[at].body;
    switch (sim_lie_below(saying->liars, 4)) {
    case 0:
        hello.network_id[0] ^= 1;
        break;
    case 1:
        hello.version_min = hello.version_max = GJ_PROTOCOL_VERSION + 1;
        break;
    case 2:
        hello.boot_epoch--;
        break;
    default:
        hello.nonce[0] ^= 1;
        break;
    }
    /* Behind the true one: two greetings of one epoch. */
    (void)sim_lie_say(saying->liars, saying->to, GJ_KIND_HELLO, NULL, &hello, later(saying));
    return told(saying, at, SIM_LIE_HELLO);
}

/* --- which one ------------------------------------------------------------------------------------------ */
static const struct {
    enum gj_kind kind;
    bool (*lie)(struct sim_saying *saying, uint32_t at);
} lies[] = {
    {GJ_KIND_VOTE, about_vote},        {GJ_KIND_COMMIT, about_commit},   {GJ_KIND_ABORT, about_abort},
    {GJ_KIND_CORE, about_core},        {GJ_KIND_STATUS, about_status},   {GJ_KIND_COVER_ANSWER, about_cover},
    {GJ_KIND_PLAN_ANSWER, about_plan}, {GJ_KIND_WELCOME, about_welcome}, {GJ_KIND_HELLO, about_hello},
};

bool sim_lie_about(struct sim_saying *saying, uint32_t at) {
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++)
        if (lies[i].kind == saying->message[at].kind) return lies[i].lie(saying, at);
    return false;
}

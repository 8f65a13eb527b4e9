/* SPDX-License-Identifier: Apache-2.0
 *
 * Transactions as peers of the lone machine would make them, and its own.
 */
#include <string.h>

#include "base/check.h"
#include "support/solo.h"

static void *room(struct gj_solo *solo, size_t n, size_t size) {
    void *memory = gj_arena_array(&solo->peers[0].arena, n, size);
    GJ_ASSERT(memory != NULL);
    return memory;
}

static struct gj_slice encode(struct gj_solo *solo, const struct gj_shape *shape, const void *value) {
    struct gj_buf buf;
    gj_buf_init(&buf, solo->peers[0].work, GJ_MESSAGE_MAX);
    enum gj_err err = gj_shape_encode(shape, value, &buf, NULL);
    GJ_ASSERT(err == GJ_OK);
    struct gj_slice copy = gj_arena_copy(&solo->peers[0].arena, gj_buf_slice(&buf));
    GJ_ASSERT(copy.ptr != NULL);
    return copy;
}

/* The next name of a list, or NULL. */
static const char *next_name(const char **at, char ret[GJ_NODE_MAX + 1]) {
    size_t len = strcspn(*at, " ");
    if (len == 0) return NULL;
    GJ_ASSERT(len <= GJ_NODE_MAX);
    memcpy(ret, *at, len);
    ret[len] = '\0';
    *at += len;
    *at += strspn(*at, " ");
    return ret;
}

static const char *region_of(const struct gj_solo *solo, const char *node) {
    for (size_t i = 0; i < solo->directory.n_regions; i++)
        if (gj_text_equal(solo->directory.regions[i].node, node)) return solo->directory.regions[i].region;
    return "999999";
}

/* --- of a peer --------------------------------------------------------------------------------------------- */

static void add_leg(struct gj_solo *solo, struct gj_solo_tx *tx, const char *node) {
    struct gj_leg_detail detail = {.type = "draw"};
    uint32_t at = tx->core.n_legs++;
    struct gj_leg_part *part = &tx->all.legs[tx->all.n_legs++];
    struct gj_core_leg *leg = &tx->core.legs[at];
    part->leg = at;
    memset(part->salt, (int)at + 1, sizeof part->salt);
    part->detail = encode(solo, &gj_shape_leg_detail, &detail);
    const struct gj_slice pieces[] = {gj_slice_of(part->salt, sizeof part->salt), part->detail};
    gj_digest_of(&solo->hasher, GJ_HASH_SM3, pieces, 2, &leg->detail_digest);
    gj_text_set(leg->node, sizeof leg->node, node);
    gj_text_set(leg->from_region, sizeof leg->from_region, region_of(solo, node));
    gj_text_set(leg->to_region, sizeof leg->to_region, region_of(solo, tx->txid.coordinator));
    leg->amount = 100;
}

void gj_solo_tx_seal(struct gj_solo *solo, struct gj_solo_tx *tx) {
    tx->core.txid = tx->txid;
    tx->core_bytes = encode(solo, &gj_shape_core, &tx->core);
    gj_digest_of(&solo->hasher, GJ_HASH_SM3, &tx->core_bytes, 1, &tx->digest);
    tx->all.digest = tx->digest;
}

void gj_solo_tx_init(struct gj_solo *solo, struct gj_solo_tx *tx, const char *coordinator,
                     const char *participants) {
    static uint64_t seq;
    char name[GJ_NODE_MAX + 1];
    memset(tx, 0, sizeof *tx);
    gj_text_set(tx->txid.coordinator, sizeof tx->txid.coordinator, coordinator);
    tx->txid.epoch = gj_solo_peer(solo, coordinator)->epoch;
    tx->txid.seq = ++seq;
    tx->txid.attempt = 1;
    struct gj_core *core = &tx->core;
    gj_text_set(core->sender, sizeof core->sender, coordinator);
    memcpy(core->sender + strlen(coordinator), "/test", 6);
    memcpy(core->msgid, "m", 2);
    for (uint64_t n = seq, at = 1; n > 0; n /= 10)
        core->msgid[at++] = (char)('0' + n % 10);
    gj_text_set(core->kind, sizeof core->kind, "settle");
    core->business_date = gj_date_of(solo->now.wall);
    core->expires_at = solo->now.wall.ms + GJ_PREPARE_EXPIRY_MS;
    core->participants = room(solo, GJ_PARTICIPANTS_MAX, sizeof *core->participants);
    core->legs = room(solo, GJ_LEGS_MAX, sizeof *core->legs);
    tx->all.legs = room(solo, GJ_LEGS_MAX, sizeof *tx->all.legs);
    for (const char *at = participants; next_name(&at, name) != NULL;) {
        struct gj_node_ref *ref = &core->participants[core->n_participants++];
        gj_text_set(ref->node, sizeof ref->node, name);
        add_leg(solo, tx, name);
    }
    gj_solo_tx_seal(solo, tx);
}

static struct gj_prepare_core core_body(const struct gj_solo_tx *tx) {
    return (struct gj_prepare_core){.core = tx->core_bytes,
                                    .supersedes = (struct gj_superseded *)(uintptr_t)tx->supersedes,
                                    .n_supersedes = tx->n_supersedes};
}

struct gj_slice gj_solo_core_evidence(struct gj_solo *solo, const struct gj_solo_tx *tx) {
    struct gj_prepare_core body = core_body(tx);
    return gj_forge_one(gj_solo_peer(solo, tx->txid.coordinator), GJ_KIND_CORE, GJ_ALL_NODES, &tx->txid,
                        &body);
}

struct gj_slice gj_solo_vote(struct gj_solo *solo, const struct gj_solo_tx *tx, const char *voter, bool yes) {
    struct gj_vote vote = {.digest = tx->digest, .yes = yes};
    if (!yes) gj_text_set(vote.class, sizeof vote.class, "RULE");
    return gj_forge_one(gj_solo_peer(solo, voter), GJ_KIND_VOTE, tx->txid.coordinator, &tx->txid, &vote);
}

struct gj_commit gj_solo_certificate(struct gj_solo *solo, const struct gj_solo_tx *tx) {
    struct gj_commit commit = {.digest = tx->digest, .core = tx->core_bytes};
    commit.votes = room(solo, GJ_PARTICIPANTS_MAX, sizeof *commit.votes);
    for (uint32_t i = 0; i < tx->core.n_participants; i++)
        commit.votes[commit.n_votes++].bytes = gj_solo_vote(solo, tx, tx->core.participants[i].node, true);
    return commit;
}

void gj_solo_prepare(struct gj_solo *solo, const struct gj_solo_tx *tx) {
    struct gj_forge *forge = gj_solo_peer(solo, tx->txid.coordinator);
    struct gj_prepare_core core = core_body(tx);
    struct gj_prepare_legs legs = {.digest = tx->all.digest, .original = tx->original, .plan = tx->plan};
    legs.legs = room(solo, GJ_LEGS_MAX, sizeof *legs.legs);
    for (uint32_t i = 0; i < tx->all.n_legs; i++) {
        const struct gj_leg_part *part = &tx->all.legs[i];
        bool is_ours =
            part->leg < tx->core.n_legs && gj_text_equal(tx->core.legs[part->leg].node, GJ_SOLO_SELF);
        if (is_ours) legs.legs[legs.n_legs++] = *part;
    }
    const struct gj_slice messages[] = {gj_forge_say(forge, GJ_KIND_CORE, GJ_ALL_NODES, &tx->txid, &core),
                                        gj_forge_say(forge, GJ_KIND_LEGS, GJ_SOLO_SELF, &tx->txid, &legs)};
    gj_solo_frame(solo, tx->txid.coordinator, gj_forge_parcel(forge, messages, 2, NULL, 0));
}

void gj_solo_commit(struct gj_solo *solo, const struct gj_solo_tx *tx) {
    struct gj_commit commit = gj_solo_certificate(solo, tx);
    gj_solo_say(solo, tx->txid.coordinator, GJ_KIND_COMMIT, &tx->txid, &commit);
}

void gj_solo_abort(struct gj_solo *solo, const struct gj_solo_tx *tx) {
    const struct gj_abort abort = {.digest = tx->digest, .reason = "TIMED_OUT"};
    gj_solo_say(solo, tx->txid.coordinator, GJ_KIND_ABORT, &tx->txid, &abort);
}

void gj_solo_reach(struct gj_solo *solo, struct gj_solo_tx *tx, const char *state) {
    gj_solo_tx_init(solo, tx, "330000", GJ_SOLO_SELF " 130000");
    if (state[0] == '\0') return;
    solo->app.refuse = gj_text_equal(state, "REFUSED");
    solo->app.no = (struct gj_refusal){.class = GJ_VOTE_COVER, .code = GJ_ERR_NO_COVER, .rule = "R50"};
    gj_solo_prepare(solo, tx);
    solo->app.refuse = false;
    if (gj_text_equal(state, "ABORTED")) gj_solo_abort(solo, tx);
    if (gj_text_equal(state, "COMMITTED")) gj_solo_commit(solo, tx);
    if (gj_text_equal(state, "RESOLVED")) GJ_ASSERT(gj_solo_resolve(solo, &tx->txid, "abort") == GJ_OK);
    if (gj_text_equal(state, "COLLECTED")) {
        gj_solo_commit(solo, tx);
        gj_solo_collect(solo);
        return; /* there is no row any more */
    }
    if (gj_text_equal(state, "PREPARING")) {
        struct gj_part_row row = gj_solo_part_row(solo, &tx->txid);
        gj_text_set(row.state, sizeof row.state, state);
        gj_solo_put(solo, &gj_table_part, &row);
    }
    GJ_ASSERT(gj_text_equal(gj_solo_part_state(solo, &tx->txid), state));
}

enum gj_err gj_solo_resolve(struct gj_solo *solo, const struct gj_txid *txid, const char *outcome) {
    struct gj_req_resolve req = {.reason = "the line was cut", .evidence = "letter 7"};
    struct gj_ans_resolution ret;
    gj_txid_format(req.id, txid);
    gj_text_set(req.outcome, sizeof req.outcome, outcome);
    gj_text_set(req.operator, sizeof req.operator, "one");
    enum gj_err err = gj_protocol_propose(solo->protocol, gj_solo_begin(solo), &req, &ret);
    gj_solo_end(solo);
    if (err != GJ_OK) return err;
    gj_text_set(req.operator, sizeof req.operator, "two");
    err = gj_protocol_confirm(solo->protocol, gj_solo_begin(solo), &req, &ret);
    gj_solo_end(solo);
    return err;
}

/* The clock goes on by the years that records are kept, and the job comes. */
void gj_solo_collect(struct gj_solo *solo) {
    struct gj_now before = solo->now;
    solo->now.wall.ms += GJ_RETENTION_YEARS * GJ_YEAR_MS + 1;
    solo->now.mono.ms += GJ_COLLECT_EVERY_MS;
    gj_aftermath_tick(solo->protocol, gj_solo_begin(solo));
    gj_solo_end(solo);
    solo->now.wall = before.wall;
}

void gj_solo_inquire(struct gj_solo *solo, const char *peer, const struct gj_txid *txid,
                     const struct gj_digest *digest, bool yes, struct gj_slice core) {
    struct gj_inquiry item = {.txid = *txid, .digest = *digest, .yes = yes, .core = core};
    const struct gj_inquire inquire = {.items = &item, .n_items = 1};
    gj_solo_say(solo, peer, GJ_KIND_INQUIRE, NULL, &inquire);
}

/* --- our own -------------------------------------------------------------------------------------------------- */

enum gj_err gj_solo_coordinate(struct gj_solo *solo, const char *msgid, const char *names,
                               struct gj_txid *ret_txid) {
    struct gj_tx_leg legs[GJ_LEGS_MAX];
    struct gj_tx_order order = {.kind = "settle", .sender = GJ_SOLO_SELF "/test", .legs = legs};
    struct gj_refusal no = {0};
    char name[GJ_NODE_MAX + 1];
    memset(legs, 0, sizeof legs);
    gj_text_set(order.msgid, sizeof order.msgid, msgid);
    order.business_date = gj_date_of(solo->now.wall);
    for (const char *at = names; next_name(&at, name) != NULL;) {
        struct gj_tx_leg *leg = &legs[order.n_legs++];
        gj_text_set(leg->node, sizeof leg->node, name);
        gj_text_set(leg->from_region, sizeof leg->from_region, region_of(solo, name));
        gj_text_set(leg->to_region, sizeof leg->to_region, "360100");
        gj_text_set(leg->detail.type, sizeof leg->detail.type, "draw");
        leg->amount_fen = 100;
    }
    enum gj_err err = gj_protocol_begin(solo->protocol, gj_solo_begin(solo), &order, ret_txid, &no);
    gj_solo_end(solo);
    return err;
}

void gj_solo_answer(struct gj_solo *solo, const char *voter, const struct gj_txid *txid, bool yes) {
    struct gj_vote vote = {.digest = gj_solo_coord_row(solo, txid).digest, .yes = yes};
    if (!yes) {
        gj_text_set(vote.class, sizeof vote.class, "RULE");
        gj_text_set(vote.rule, sizeof vote.rule, "R51");
    }
    gj_solo_say(solo, voter, GJ_KIND_VOTE, txid, &vote);
}

void gj_solo_ack(struct gj_solo *solo, const char *voter, const struct gj_txid *txid) {
    struct gj_tx_ref ref = {.txid = *txid};
    const struct gj_ack ack = {.txids = &ref, .n_txids = 1};
    gj_solo_say(solo, voter, GJ_KIND_ACK, NULL, &ack);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Somebody who holds a node's key speaks in its name, on its line: an abort or a vote that the node never said, a
 * certificate in which one vote is missing. What the node's own store says about the transaction makes the words fit.
 */
#include <string.h>

#include "base/check.h"
#include "protocol/tables.h"
#include "sim/checker/msgpack.h"
#include "stage.h"
#include "support/forge.h"

/* Above any id that the node itself has used, inside everybody's replay window. */
#define FORGED_FROM 2000u

struct facts {
    struct gj_txid txid;
    bool found;
    struct gj_digest digest;
    struct gj_slice core;
    struct gj_proof votes[GJ_PARTICIPANTS_MAX];
    char voters[GJ_PARTICIPANTS_MAX][GJ_NODE_MAX + 1];
    uint32_t n_votes;
    struct gj_arena *keep;
};

static void read_votes(struct gj_turn *turn, struct facts *facts) {
    struct gj_vote_row key = {.txid = facts->txid};
    struct gj_rows rows;
    gj_store_find(turn->store, &gj_table_vote, NULL, &key, 1, NULL, GJ_PARTICIPANTS_MAX, turn->scratch,
                  &rows);
    for (size_t i = 0; i < rows.n; i++) {
        const struct gj_vote_row *row = (const struct gj_vote_row *)rows.items + i;
        facts->votes[facts->n_votes].bytes = gj_arena_copy(facts->keep, row->evidence);
        gj_text_set(facts->voters[facts->n_votes++], sizeof facts->voters[0], row->node);
    }
}

static void read_facts(void *ctx, struct gj_turn *turn) {
    struct facts *facts = ctx;
    struct gj_coord_row coord = {.txid = facts->txid};
    struct gj_part_row part = {.txid = facts->txid};
    if (gj_store_get(turn->store, &gj_table_coord, &coord, turn->scratch)) {
        facts->found = true;
        facts->digest = coord.digest;
        facts->core = gj_arena_copy(facts->keep, coord.core);
        read_votes(turn, facts);
    } else if (gj_store_get(turn->store, &gj_table_part, &part, turn->scratch)) {
        facts->found = true;
        facts->digest = part.digest;
    }
}

/* One bit turned in the signature, or in what leads from the message to the signed root. */
static struct gj_slice spoil(struct gj_forge *forge, struct gj_slice frame, const char *flaw) {
    static struct ck_parcel parcel;
    if (flaw[0] == '\0') return frame;
    GJ_ASSERT(ck_parcel_read(frame.ptr, frame.len, &parcel));
    const uint8_t *at = strcmp(flaw, "signature") == 0 ? parcel.signature : parcel.items[0].salt;
    return gj_forge_flip(forge, frame, (size_t)(at - (const uint8_t *)frame.ptr));
}

static json_t *say(struct stage *stage, struct gj_forge *forge, size_t as, size_t to, enum gj_kind kind,
                   const struct gj_txid *txid, const void *body, const char *flaw) {
    struct gj_slice frame = spoil(forge, gj_forge_one(forge, kind, stage->names[to], txid, body), flaw);
    stage_say(stage, "%s -> %s says, and it is a lie: %s", stage->names[as], stage->names[to],
              gj_kind_word(kind));
    if (gj_cluster_is_up(stage->cluster, to)) gj_cluster_inject(stage->cluster, to, stage->names[as], frame);
    return stage_ok();
}

static json_t *tell(struct stage *stage, struct gj_forge *forge, const json_t *command,
                    const struct facts *facts, size_t as, size_t to) {
    const char *what = stage_text(command, "what"), *flaw = stage_text(command, "flaw");
    if (strcmp(what, "abort") == 0) {
        const struct gj_abort abort = {.digest = facts->digest, .reason = "TIMED_OUT"};
        return say(stage, forge, as, to, GJ_KIND_ABORT, &facts->txid, &abort, flaw);
    }
    if (strcmp(what, "no") == 0) {
        const struct gj_vote vote = {
            .digest = facts->digest, .yes = false, .class = "RULE", .rule = "R50", .code = "NO_COVER"};
        return say(stage, forge, as, to, GJ_KIND_VOTE, &facts->txid, &vote, flaw);
    }
    if (strcmp(what, "commit") != 0) return stage_error("lie: no such lie");
    struct gj_proof votes[GJ_PARTICIPANTS_MAX];
    struct gj_commit commit = {.digest = facts->digest, .core = facts->core, .votes = votes};
    for (uint32_t i = 0; i < facts->n_votes; i++)
        if (strcmp(facts->voters[i], stage_text(command, "without")) != 0)
            votes[commit.n_votes++] = facts->votes[i];
    return say(stage, forge, as, to, GJ_KIND_COMMIT, &facts->txid, &commit, flaw);
}

/* {"as", "to", "what": abort | no | commit, "txid", "without": the node whose vote is left out of a commit,
 * "flaw": signature | path: what is broken in it} */
json_t *stage_lie(struct stage *stage, const json_t *command) {
    static _Alignas(max_align_t) uint8_t memory[1 << 20];
    struct gj_arena keep;
    struct gj_forge forge;
    struct facts facts = {.keep = &keep};
    size_t as, to;
    if (!stage_node_of(stage, command, "as", &as) || !stage_node_of(stage, command, "to", &to))
        return stage_error("lie: as and to are nodes");
    const char *txid = stage_text(command, "txid");
    if (gj_txid_parse(txid, strlen(txid), &facts.txid) != GJ_OK) return stage_error("lie: no txid");
    gj_arena_init(&keep, memory, sizeof memory);
    gj_cluster_edit(stage->cluster, as, read_facts, &facts);
    if (!facts.found) return stage_error("%s knows no such transaction", stage->names[as]);
    gj_forge_init(&forge, gj_cluster_hasher(stage->cluster, as), stage->sign_keys[as],
                  gj_cluster_directory(stage->cluster, as), stage->names[as]);
    forge.epoch = ck_epoch(stage->ck, as);
    forge.counter = FORGED_FROM + stage->nodes[as].forged++;
    forge.batches = stage->nodes[as].forged;
    forge.wall = gj_cluster_now(stage->cluster, as).wall;
    json_t *answer = tell(stage, &forge, command, &facts, as, to);
    gj_forge_done(&forge);
    return answer;
}

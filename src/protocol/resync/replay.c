/* SPDX-License-Identifier: Apache-2.0
 *
 * The other side of a RESYNC: telling a peer that lost data what our records know of it, a bounded piece each time,
 * in an order that only we need to understand. Nothing is remembered of it: the asking node says where to go on. A
 * node in RESYNC tells too, so that two of them do not wait for each other.
 */
#include "protocol/state.h"

#include <string.h>

#define PAGE     8u                       /* records read at a time, with all their bytes */
#define ROWS_MAX 256u                     /* records looked at for one question */
#define ROOM     (GJ_MESSAGE_MAX - 4096u) /* of one message, for proof and details */

enum stage { STAGE_COORD, STAGE_PART, STAGE_APP };

/* Where a replay is: behind which record of a stage. |has_proof|: the proof of the record after it was told, its
 * details were not, because both together were too much for one message. */
struct place {
    enum stage stage;
    bool has_proof;
    char after[GJ_TXID_TEXT_CAP];
};

struct telling {
    struct gj_protocol *p;
    struct gj_turn *turn;
    const char *to;
    const struct gj_replay_ask *ask;
    struct place place;
    uint8_t at[GJ_REPLAY_AT_MAX]; /* the place of the next step, as it was last written */
    size_t n_at;
    uint32_t rows;
};

/* --- steps ------------------------------------------------------------------------------------------------------ */

static struct gj_slice write_place(const struct place *place, uint8_t memory[GJ_REPLAY_AT_MAX]) {
    struct gj_buf buf;
    gj_buf_init(&buf, memory, GJ_REPLAY_AT_MAX);
    gj_buf_put_u8(&buf, (uint8_t)place->stage);
    gj_buf_put_u8(&buf, place->has_proof ? 1 : 0);
    gj_buf_put(&buf, place->after, strlen(place->after));
    return gj_buf_slice(&buf);
}

static bool read_place(struct gj_slice at, struct place *ret) {
    *ret = (struct place){.stage = STAGE_COORD};
    if (at.len == 0) return true;
    if (at.len < 2 || at.ptr[0] > STAGE_APP || at.ptr[1] > 1) return false;
    ret->stage = (enum stage)at.ptr[0];
    ret->has_proof = at.ptr[1] == 1;
    return gj_text_from_slice(ret->after, sizeof ret->after, gj_slice_of(at.ptr + 2, at.len - 2)) == GJ_OK;
}

/* Says |step| and moves on to t->place. */
static void send_step(struct telling *t, const struct gj_txid *txid, struct gj_replay *step) {
    uint8_t next[GJ_REPLAY_AT_MAX];
    memcpy(step->nonce, t->ask->nonce, sizeof step->nonce);
    step->at = gj_slice_of(t->at, t->n_at);
    step->next = write_place(&t->place, next);
    gj_protocol_emit_one(t->p, t->turn, GJ_KIND_REPLAY, t->to, txid, step);
    memcpy(t->at, next, step->next.len);
    t->n_at = step->next.len;
}

static size_t size_of_details(const struct gj_replay *step) {
    size_t size = step->n_facts * sizeof *step->facts;
    for (uint32_t i = 0; i < step->n_legs; i++)
        size += step->legs[i].detail.len + 64;
    return size;
}

/* One record, in one step or in two. */
static void send_record(struct telling *t, const struct gj_txid *txid, const char *what,
                        struct gj_replay *step) {
    struct gj_replay proof = *step;
    gj_text_set(proof.what, sizeof proof.what, what);
    if (step->proof.len + size_of_details(step) > ROOM) {
        proof.n_legs = proof.n_facts = 0;
        const struct place behind = t->place;
        if (!t->place.has_proof) {
            struct place before;
            if (!read_place(gj_slice_of(t->at, t->n_at), &before)) return;
            t->place = before;
            t->place.has_proof = true;
            send_step(t, txid, &proof);
        }
        t->place = behind;
        proof = *step;
        proof.proof = GJ_SLICE_NONE;
        gj_text_set(proof.what, sizeof proof.what, "legs");
    }
    send_step(t, txid, &proof);
}

static bool has_room(const struct telling *t) {
    const struct gj_turn *turn = t->turn;
    return turn->outbox->n < turn->outbox->cap / 2 && turn->batch->used < turn->batch->cap / 2 &&
           t->rows < ROWS_MAX && gj_store_err(turn->store) == GJ_OK;
}

/* The legs of |node| among what a record holds; all of them if |node| is NULL. */
static void add_legs(struct telling *t, struct gj_slice bytes, const struct gj_core *core, const char *node,
                     struct gj_replay *step) {
    struct gj_prepare_legs all;
    struct gj_fault fault;
    if (bytes.len == 0) return;
    if (gj_shape_decode(&gj_shape_prepare_legs, bytes, t->turn->scratch, &all, &fault) != GJ_OK) return;
    step->legs = gj_arena_array(t->turn->scratch, all.n_legs, sizeof *step->legs);
    for (uint32_t i = 0; i < all.n_legs && step->legs != NULL; i++) {
        bool is_theirs = node == NULL || gj_text_equal(core->legs[all.legs[i].leg].node, node);
        if (is_theirs) step->legs[step->n_legs++] = all.legs[i];
    }
}

static void add_facts(struct telling *t, struct gj_slice bytes, struct gj_replay *step) {
    struct gj_vote_facts facts;
    struct gj_fault fault;
    if (bytes.len == 0) return;
    if (gj_shape_decode(&gj_shape_vote_facts, bytes, t->turn->scratch, &facts, &fault) != GJ_OK) return;
    step->facts = facts.facts;
    step->n_facts = facts.n_facts;
}

/* --- what we coordinated ------------------------------------------------------------------------------------------ */

static void send_to_it(struct telling *t, enum gj_kind kind, const struct gj_txid *txid, const void *body) {
    char name[1][GJ_NODE_MAX + 1];
    gj_text_set(name[0], sizeof name[0], t->to);
    gj_protocol_emit(t->p, t->turn, kind, GJ_ALL_NODES, (const char(*)[GJ_NODE_MAX + 1]) name, 1, txid, body,
                     NULL, GJ_CLOCK_WINDOW_MS, NULL);
}

/* Its vote is what makes it the peer's business. The commit, the core come as messages of their own just before, so
 * that it holds them as anybody does: under our signature, each alone. */
static void tell_coord(struct telling *t, const struct gj_coord_row *row) {
    struct gj_vote_row vote = {.txid = row->txid};
    struct gj_replay step = {.digest = row->digest};
    struct gj_core core;
    struct gj_fault fault;
    struct gj_commit commit;
    gj_text_set(vote.node, sizeof vote.node, t->to);
    if (!gj_store_get(t->turn->store, &gj_table_vote, &vote, t->turn->scratch)) return;
    if (gj_shape_decode(&gj_shape_core, row->core, t->turn->scratch, &core, &fault) != GJ_OK) return;
    const bool is_yes = gj_text_equal(vote.vote, "YES");
    if (gj_text_equal(vote.vote, "NO")) {
        step.proof = vote.evidence;
        send_record(t, &row->txid, "refused", &step);
    } else if (gj_text_equal(row->state,
                             "ABORTED")) { /* its YES may have been lost: what it holds ends all the same */
        if (is_yes) step.proof = vote.evidence;
        send_record(t, &row->txid, "aborted", &step);
    } else if (is_yes) {
        const struct gj_prepare_core prepare = {.core = row->core};
        bool is_committed = gj_coordinator_commit_body(t->p, t->turn, &row->txid, &commit);
        add_legs(t, row->legs, &core, gj_text_equal(row->all_details_to, t->to) ? NULL : t->to, &step);
        add_facts(t, vote.facts, &step);
        if (!is_committed) step.proof = vote.evidence;
        if (is_committed) send_to_it(t, GJ_KIND_COMMIT, &row->txid, &commit);
        if (!is_committed) send_to_it(t, GJ_KIND_CORE, &row->txid, &prepare);
        send_record(t, &row->txid, is_committed ? "committed" : "prepared", &step);
    }
}

/* --- what we took part in ------------------------------------------------------------------------------------------ */

/* The core of a transaction of which we hold a record: signed by its coordinator, or inside the certificate. */
static bool core_of(struct telling *t, const struct gj_part_row *row, struct gj_core *ret) {
    const struct gj_slice holds[] = {row->core_evidence, row->proof};
    for (size_t i = 0; i < sizeof holds / sizeof holds[0]; i++) {
        struct gj_parcel parcel;
        struct gj_message message;
        struct gj_fault fault;
        if (holds[i].len == 0 || gj_parcel_read(holds[i], t->turn->scratch, &parcel) != GJ_OK) continue;
        if (gj_message_decode(parcel.items->message, t->turn->scratch, &message, &fault) != GJ_OK) continue;
        const struct gj_prepare_core *core = message.body;
        const struct gj_commit *commit = message.body;
        struct gj_slice bytes = GJ_SLICE_NONE;
        if (message.kind == GJ_KIND_CORE) bytes = core->core;
        if (message.kind == GJ_KIND_COMMIT) bytes = commit->core;
        if (bytes.len > 0 && gj_core_read(t->p, t->turn, bytes, &row->digest, ret) == GJ_OK) return true;
    }
    return false;
}

static bool is_signed_by(struct telling *t, struct gj_slice evidence, const char *node) {
    struct gj_parcel parcel;
    return evidence.len > 0 && gj_parcel_read(evidence, t->turn->scratch, &parcel) == GJ_OK &&
           gj_text_equal(parcel.head.sender, node);
}

static void tell_part(struct telling *t, const struct gj_part_row *row) {
    struct gj_replay step = {.digest = row->digest, .proof = row->proof};
    struct gj_core core;
    const bool is_its_own = gj_text_equal(row->txid.coordinator, t->to);
    const bool is_open = gj_part_is_in_doubt(gj_part_state_of(row->state));
    if (!core_of(t, row, &core)) return;
    if (!is_its_own && !gj_core_lists(&core, t->to)) return;
    if (is_its_own && is_open) { /* another one may hold its commit: then these details are needed */
        step.proof = row->core_evidence;
        add_legs(t, row->legs, &core, NULL, &step);
        add_facts(t, row->facts, &step);
        send_record(t, &row->txid, "begun", &step);
    } else if (row->proof.len > 0 && gj_text_equal(row->state, "COMMITTED")) {
        add_legs(t, row->legs, &core, is_its_own ? NULL : t->to, &step);
        if (is_its_own) add_facts(t, row->facts, &step);
        send_record(t, &row->txid, "committed", &step);
    } else if (!is_its_own && gj_text_equal(row->state, "ABORTED") && is_signed_by(t, row->proof, t->to)) {
        send_record(t, &row->txid, "refused", &step);
    }
}

/* --- walking --------------------------------------------------------------------------------------------------------- */

typedef void tell_fn(struct telling *t, const void *row);

static void tell_coord_row(struct telling *t, const void *row) {
    tell_coord(t, row);
}

static void tell_part_row(struct telling *t, const void *row) {
    tell_part(t, row);
}

/* Both tables begin with the txid, which is their key. True if the table has no more. */
static bool walk(struct telling *t, const struct gj_table *table, tell_fn *tell) {
    union {
        struct gj_coord_row coord;
        struct gj_part_row part;
        struct gj_txid txid;
    } after;
    struct gj_rows rows = {.more = true};
    while (rows.more && has_room(t)) {
        size_t mark = t->turn->scratch->used;
        bool is_first = t->place.after[0] == '\0';
        memset(&after, 0, sizeof after);
        if (!is_first && gj_txid_parse(t->place.after, strlen(t->place.after), &after.txid) != GJ_OK)
            return true;
        gj_store_find(t->turn->store, table, NULL, &after, 0, is_first ? NULL : &after, PAGE,
                      t->turn->scratch, &rows);
        for (size_t i = 0; i < rows.n; i++) {
            const uint8_t *row = (const uint8_t *)rows.items + i * table->shape->size;
            const struct gj_txid *txid = (const struct gj_txid *)(const void *)row;
            gj_txid_format(t->place.after, txid);
            tell(t, row);
            t->place.has_proof = false;
            t->rows++;
        }
        gj_arena_rewind(t->turn->scratch, mark);
        if (rows.n == 0) rows.more = false;
    }
    return !rows.more;
}

/* What the application alone knows: bindings that ended. */
static bool walk_app(struct telling *t) {
    const struct gj_app_ops *app_ops = t->p->config.app_ops;
    while (has_room(t)) {
        struct gj_replay step = {.what = "ended"};
        struct gj_revoke end = {.business_date = 0};
        struct gj_txid txid;
        size_t mark = t->turn->scratch->used;
        if (gj_text_copy(end.binding_ref, sizeof end.binding_ref, t->place.after) != GJ_OK) return true;
        if (!app_ops->ended_binding(t->p->config.app, t->turn, t->to, &end, &txid)) return true;
        gj_text_set(t->place.after, sizeof t->place.after, end.binding_ref);
        gj_text_set(step.binding_ref, sizeof step.binding_ref, end.binding_ref);
        gj_text_set(step.by, sizeof step.by, end.by);
        step.business_date = end.business_date;
        send_step(t, &txid, &step);
        gj_arena_rewind(t->turn->scratch, mark);
        t->rows++;
    }
    return false;
}

static bool walk_stage(struct telling *t) {
    switch (t->place.stage) {
    case STAGE_COORD:
        return walk(t, &gj_table_coord, tell_coord_row);
    case STAGE_PART:
        return walk(t, &gj_table_part, tell_part_row);
    case STAGE_APP:
        return walk_app(t);
    }
    return true;
}

void gj_replay_on_ask(struct gj_protocol *p, struct gj_turn *turn, const struct gj_message *message) {
    struct telling t = {.p = p, .turn = turn, .to = message->header.from, .ask = message->body};
    struct gj_replay end = {.last = true};
    if (!read_place(t.ask->at, &t.place)) {
        gj_turn_event(turn, GJ_EVENT_VIOLATION, GJ_ERR_BAD_FIELD, NULL, t.to, 0);
        return;
    }
    if (t.ask->at.len > 0) memcpy(t.at, t.ask->at.ptr, t.ask->at.len);
    t.n_at = t.ask->at.len;
    while (!end.done && walk_stage(&t)) {
        end.done = t.place.stage == STAGE_APP;
        if (!end.done) t.place = (struct place){.stage = t.place.stage + 1};
    }
    send_step(&t, NULL, &end);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * The coordinator of a transaction: BEGUN, then COMMITTED or ABORTED, once. The commit point is the flush
 * of the COMMITTED record; until then every doubt ends in ABORTED, and "no record" means ABORTED too.
 * Every state x input cell is in the table below; README.md says what is true in each state.
 */
#include "protocol/state.h"

#include <string.h>

#include "base/check.h"
#include "base/money.h"

enum coord_state { NONE, COLLECTING, PAST, COMMITTED, ABORTED, ENDED, STATES };
enum coord_input { VOTE_YES, VOTE_NO, ACKED, INQUIRED, CANCELLED, INPUTS };

/* What is known about the transaction while one input is handled. */
struct seat {
    struct gj_coord_row row;
    enum coord_state state;
    const char *node;        /* who says it */
    struct gj_vote_row vote; /* that node's, if has_vote */
    bool has_vote;
    const struct gj_vote *no; /* VOTE_NO */
    struct gj_slice evidence;
};

static const char *const state_words[] = {
    [COLLECTING] = "BEGUN", [COMMITTED] = "COMMITTED", [ABORTED] = "ABORTED", [ENDED] = "ENDED"};

static enum coord_state state_of(const struct gj_protocol *p, const struct gj_coord_row *row) {
    if (gj_text_equal(row->state, "COMMITTED")) return COMMITTED;
    if (gj_text_equal(row->state, "ABORTED")) return ABORTED;
    if (gj_text_equal(row->state, "ENDED")) return ENDED;
    /* Begun in an epoch that is over: nobody can decide it any more but presumption. */
    return row->txid.epoch == p->epoch ? COLLECTING : PAST;
}

static void load_seat(struct gj_protocol *p, struct gj_turn *turn, const struct gj_txid *txid,
                      const char *node, struct seat *ret) {
    *ret = (struct seat){.row = {.txid = *txid}, .node = node, .vote = {.txid = *txid}};
    if (!gj_store_get(turn->store, &gj_table_coord, &ret->row, turn->scratch)) return;
    ret->state = state_of(p, &ret->row);
    if (node == NULL) return;
    gj_text_set(ret->vote.node, sizeof ret->vote.node, node);
    ret->has_vote = gj_store_get(turn->store, &gj_table_vote, &ret->vote, turn->scratch);
}

static void write_state(struct gj_turn *turn, struct seat *seat, enum coord_state state) {
    gj_text_set(seat->row.state, sizeof seat->row.state, state_words[state]);
    seat->state = state;
    gj_store_put(turn->store, &gj_table_coord, &seat->row);
}

static struct gj_vote_row *votes_of(struct gj_turn *turn, const struct gj_txid *txid, uint32_t *ret_n) {
    struct gj_vote_row key = {.txid = *txid};
    struct gj_rows rows;
    gj_store_find(turn->store, &gj_table_vote, NULL, &key, 1, NULL, GJ_PARTICIPANTS_MAX, turn->scratch,
                  &rows);
    *ret_n = (uint32_t)rows.n;
    return rows.items;
}

/* The transaction as our own application sees it. Our own records cannot be malformed. */
static void own_view(struct gj_protocol *p, struct gj_turn *turn, const struct gj_coord_row *row,
                     struct gj_tx_view *ret) {
    struct gj_core *core = gj_arena_alloc(turn->scratch, sizeof *core);
    struct gj_prepare_legs *legs = gj_arena_alloc(turn->scratch, sizeof *legs);
    struct gj_fault fault;
    *ret = (struct gj_tx_view){.is_coordinator = true};
    if (core == NULL || legs == NULL) {
        gj_store_fail(turn->store, GJ_ERR_NO_SPACE, "scratch arena too small for a transaction");
        return;
    }
    enum gj_err err = gj_shape_decode(&gj_shape_core, row->core, turn->scratch, core, &fault);
    GJ_ASSERT(err == GJ_OK);
    err = gj_shape_decode(&gj_shape_prepare_legs, row->legs, turn->scratch, legs, &fault);
    GJ_ASSERT(err == GJ_OK);
    err = gj_legs_read(p, turn, core, legs, p->config.directory->self, ret);
    GJ_ASSERT(err == GJ_OK);
    ret->is_coordinator = true;
}

/* --- what leaves, always made from the record -------------------------------------------------------------- */

/* The legs of one node, or all of them for the home. */
static void send_legs(struct gj_protocol *p, struct gj_turn *turn, const struct gj_coord_row *row,
                      const struct gj_core *core, const struct gj_prepare_legs *all, const char *node) {
    struct gj_prepare_legs own = *all;
    bool is_home = gj_text_equal(node, row->all_details_to);
    own.n_legs = 0;
    own.legs = gj_arena_array(turn->scratch, all->n_legs, sizeof *own.legs);
    if (own.legs == NULL) return;
    for (uint32_t i = 0; i < all->n_legs; i++) {
        bool is_theirs = gj_text_equal(core->legs[all->legs[i].leg].node, node);
        if (is_home || is_theirs) own.legs[own.n_legs++] = all->legs[i];
    }
    if (!is_home) own.plan = GJ_SLICE_NONE;
    gj_protocol_emit_one(p, turn, GJ_KIND_LEGS, node, &row->txid, &own);
}

/* To all that have not voted: the core, one message for everybody, and right behind it each one's legs. */
static void send_prepare(struct gj_protocol *p, struct gj_turn *turn, const struct gj_coord_row *row) {
    char nodes[GJ_PARTICIPANTS_MAX][GJ_NODE_MAX + 1];
    struct gj_prepare_core body = {.core = row->core};
    struct gj_superseded_list list = {0};
    struct gj_prepare_legs all;
    struct gj_core core;
    struct gj_fault fault;
    uint32_t n = 0, n_nodes = 0;

    struct gj_vote_row *votes = votes_of(turn, &row->txid, &n);
    for (uint32_t i = 0; i < n; i++) {
        if (gj_text_equal(votes[i].vote, "-")) memcpy(nodes[n_nodes++], votes[i].node, sizeof nodes[0]);
    }
    if (n_nodes == 0) return;
    enum gj_err err = gj_shape_decode(&gj_shape_core, row->core, turn->scratch, &core, &fault);
    GJ_ASSERT(err == GJ_OK);
    err = gj_shape_decode(&gj_shape_prepare_legs, row->legs, turn->scratch, &all, &fault);
    GJ_ASSERT(err == GJ_OK);
    if (row->supersedes.len > 0) {
        err = gj_shape_decode(&gj_shape_superseded_list, row->supersedes, turn->scratch, &list, &fault);
        GJ_ASSERT(err == GJ_OK);
    }
    body.supersedes = list.items;
    body.n_supersedes = list.n_items;
    gj_protocol_emit(p, turn, GJ_KIND_CORE, GJ_ALL_NODES, (const char(*)[GJ_NODE_MAX + 1]) nodes, n_nodes,
                     &row->txid, &body, NULL, GJ_PREPARE_EXPIRY_MS, NULL);
    for (uint32_t i = 0; i < n_nodes; i++) {
        send_legs(p, turn, row, &core, &all, nodes[i]);
    }
}

bool gj_coordinator_commit_body(struct gj_protocol *p, struct gj_turn *turn, const struct gj_txid *txid,
                                struct gj_commit *ret) {
    struct gj_coord_row row = {.txid = *txid};
    uint32_t n = 0;
    if (!gj_store_get(turn->store, &gj_table_coord, &row, turn->scratch)) return false;
    enum coord_state state = state_of(p, &row);
    if (state != COMMITTED && state != ENDED) return false;
    struct gj_vote_row *votes = votes_of(turn, txid, &n);
    *ret = (struct gj_commit){.digest = row.digest, .core = row.core};
    ret->votes = gj_arena_array(turn->scratch, n, sizeof *ret->votes);
    if (ret->votes == NULL) return false;
    for (uint32_t i = 0; i < n; i++) {
        ret->votes[ret->n_votes++].bytes = votes[i].evidence;
    }
    return true;
}

static void send_commit(struct gj_protocol *p, struct gj_turn *turn, const struct gj_txid *txid,
                        const char *only_to) {
    char nodes[GJ_PARTICIPANTS_MAX][GJ_NODE_MAX + 1];
    struct gj_commit body;
    uint32_t n = 0, n_nodes = 0;
    struct gj_vote_row *votes = votes_of(turn, txid, &n);
    for (uint32_t i = 0; i < n; i++) {
        bool wanted = only_to == NULL ? !votes[i].acked : gj_text_equal(votes[i].node, only_to);
        if (wanted) memcpy(nodes[n_nodes++], votes[i].node, sizeof nodes[0]);
    }
    if (only_to != NULL && n_nodes == 0) gj_text_set(nodes[n_nodes++], sizeof nodes[0], only_to);
    if (n_nodes == 0 || !gj_coordinator_commit_body(p, turn, txid, &body)) return;
    gj_protocol_emit(p, turn, GJ_KIND_COMMIT, GJ_ALL_NODES, (const char(*)[GJ_NODE_MAX + 1]) nodes, n_nodes,
                     txid, &body, NULL, GJ_CLOCK_WINDOW_MS, NULL);
}

static void send_abort(struct gj_protocol *p, struct gj_turn *turn, const struct gj_txid *txid,
                       const struct gj_digest *digest, const char *reason, const char *only_to) {
    char nodes[GJ_PARTICIPANTS_MAX][GJ_NODE_MAX + 1];
    struct gj_abort body = {.digest = *digest};
    uint32_t n = 0, n_nodes = 0;
    gj_text_set(body.reason, sizeof body.reason, reason[0] == '\0' ? "ABORTED" : reason);
    struct gj_vote_row *votes = votes_of(turn, txid, &n);
    for (uint32_t i = 0; i < n && only_to == NULL; i++) {
        memcpy(nodes[n_nodes++], votes[i].node, sizeof nodes[0]);
    }
    if (only_to != NULL) gj_text_set(nodes[n_nodes++], sizeof nodes[0], only_to);
    if (n_nodes == 0) return;
    gj_protocol_emit(p, turn, GJ_KIND_ABORT, GJ_ALL_NODES, (const char(*)[GJ_NODE_MAX + 1]) nodes, n_nodes,
                     txid, &body, NULL, GJ_CLOCK_WINDOW_MS, NULL);
}

/* --- the two decisions ---------------------------------------------------------------------------------------- */

static void add_facts(struct gj_turn *turn, struct gj_slice bytes, struct gj_leg_fact *facts, uint32_t *n) {
    struct gj_vote_facts body;
    struct gj_fault fault;
    if (bytes.len == 0) return;
    if (gj_shape_decode(&gj_shape_vote_facts, bytes, turn->scratch, &body, &fault) != GJ_OK) return;
    for (uint32_t i = 0; i < body.n_facts && *n < GJ_LEGS_MAX; i++) {
        facts[(*n)++] = body.facts[i];
    }
}

static struct gj_leg_fact *all_facts(struct gj_turn *turn, const struct gj_coord_row *row, uint32_t *ret_n) {
    uint32_t n = 0;
    struct gj_vote_row *votes = votes_of(turn, &row->txid, &n);
    struct gj_leg_fact *facts = gj_arena_array(turn->scratch, GJ_LEGS_MAX, sizeof *facts);
    *ret_n = 0;
    if (facts == NULL) return NULL;
    add_facts(turn, row->facts, facts, ret_n);
    for (uint32_t i = 0; i < n; i++) {
        add_facts(turn, votes[i].facts, facts, ret_n);
    }
    return facts;
}

/* All have voted YES. The record, the postings and the answer to the client are one flush. */
static void commit(struct gj_protocol *p, struct gj_turn *turn, struct seat *seat) {
    struct gj_tx_view view;
    uint32_t n_votes = 0, n_facts = 0;
    votes_of(turn, &seat->row.txid, &n_votes);
    write_state(turn, seat, n_votes == 0 ? ENDED : COMMITTED);
    own_view(p, turn, &seat->row, &view);
    if (view.core == NULL) return;
    p->config.app_ops->post(p->config.app, turn, &view);
    gj_active_remove(p, &seat->row.txid, GJ_ACTIVE_COLLECTING);
    if (n_votes > 0) {
        struct gj_active *active = gj_active_add(p, turn, &seat->row.txid, GJ_ACTIVE_COMMITTED,
                                                 gj_jitter(turn, GJ_COMMIT_RESEND_MS));
        if (active == NULL) p->rescan = true;
        if (active != NULL) active->interval_ms = GJ_COMMIT_RESEND_MS;
        send_commit(p, turn, &seat->row.txid, NULL);
    }
    gj_turn_event(turn, GJ_EVENT_TX_COMMITTED, GJ_OK, &seat->row.txid, NULL, n_votes);

    struct gj_leg_fact *facts = all_facts(turn, &seat->row, &n_facts);
    struct gj_decision decision = {
        .txid = seat->row.txid, .core = view.core, .committed = true, .facts = facts, .n_facts = n_facts};
    p->config.app_ops->decided(p->config.app, turn, &decision);
}

static void abort_tx(struct gj_protocol *p, struct gj_turn *turn, struct seat *seat,
                     const struct gj_refusal *refusal, const char *node) {
    struct gj_tx_view view;
    gj_text_set(seat->row.reason, sizeof seat->row.reason, gj_err_name(refusal->code));
    write_state(turn, seat, ABORTED);
    own_view(p, turn, &seat->row, &view);
    if (view.core == NULL) return;
    p->config.app_ops->release(p->config.app, turn, &view);
    gj_active_remove(p, &seat->row.txid, GJ_ACTIVE_COLLECTING);
    if (gj_protocol_may_speak(p, view.core))
        send_abort(p, turn, &seat->row.txid, &seat->row.digest, seat->row.reason, NULL);
    gj_turn_event(turn, GJ_EVENT_TX_ABORTED, refusal->code, &seat->row.txid, node, 0);

    struct gj_decision decision = {.txid = seat->row.txid, .core = view.core, .refusal = *refusal};
    gj_text_set(decision.node, sizeof decision.node, node == NULL ? "" : node);
    p->config.app_ops->decided(p->config.app, turn, &decision);
}

/* --- cells ------------------------------------------------------------------------------------------------------ */

typedef void cell_fn(struct gj_protocol *p, struct gj_turn *turn, struct seat *seat);

static void ignore(struct gj_protocol *p, struct gj_turn *turn, struct seat *seat) {
    (void)p;
    (void)turn;
    (void)seat;
}

static void count_yes(struct gj_protocol *p, struct gj_turn *turn, struct seat *seat) {
    uint32_t n = 0;
    if (gj_text_equal(seat->vote.vote, "YES")) return;
    gj_text_set(seat->vote.vote, sizeof seat->vote.vote, "YES");
    seat->vote.evidence = seat->evidence;
    gj_store_put(turn->store, &gj_table_vote, &seat->vote);
    struct gj_vote_row *votes = votes_of(turn, &seat->row.txid, &n);
    for (uint32_t i = 0; i < n; i++) {
        if (!gj_text_equal(votes[i].vote, "YES")) return;
    }
    commit(p, turn, seat);
}

static void refuse_by_vote(struct gj_protocol *p, struct gj_turn *turn, struct seat *seat) {
    struct gj_refusal refusal = {.class = gj_vote_class_of(seat->no->class),
                                 .code = seat->no->code[0] == '\0' ? GJ_ERR_RULE
                                                                   : gj_err_from_name(seat->no->code)};
    gj_text_set(refusal.rule, sizeof refusal.rule, seat->no->rule);
    if (gj_text_equal(seat->vote.vote, "YES"))
        gj_turn_event(turn, GJ_EVENT_EQUIVOCATION, GJ_ERR_VIOLATION, &seat->row.txid, seat->node, 0);
    gj_text_set(seat->vote.vote, sizeof seat->vote.vote, "NO");
    seat->vote.evidence = seat->evidence;
    gj_store_put(turn->store, &gj_table_vote, &seat->vote);
    abort_tx(p, turn, seat, &refusal, seat->node);
}

static void resend_commit(struct gj_protocol *p, struct gj_turn *turn, struct seat *seat) {
    send_commit(p, turn, &seat->row.txid, seat->node);
}

static void resend_abort(struct gj_protocol *p, struct gj_turn *turn, struct seat *seat) {
    if (!p->gate_open) return;
    send_abort(p, turn, &seat->row.txid, &seat->row.digest, seat->row.reason, seat->node);
}

static void alarm_equivocation(struct gj_protocol *p, struct gj_turn *turn, struct seat *seat) {
    (void)p;
    gj_turn_event(turn, GJ_EVENT_EQUIVOCATION, GJ_ERR_VIOLATION, &seat->row.txid, seat->node, 0);
}

static void note_ack(struct gj_protocol *p, struct gj_turn *turn, struct seat *seat) {
    uint32_t n = 0;
    if (!seat->has_vote || seat->vote.acked) return;
    seat->vote.acked = true;
    gj_store_put(turn->store, &gj_table_vote, &seat->vote);
    struct gj_vote_row *votes = votes_of(turn, &seat->row.txid, &n);
    for (uint32_t i = 0; i < n; i++) {
        if (!votes[i].acked) return;
    }
    write_state(turn, seat, ENDED);
    gj_active_remove(p, &seat->row.txid, GJ_ACTIVE_COMMITTED);
    gj_turn_event(turn, GJ_EVENT_TX_ENDED, GJ_OK, &seat->row.txid, NULL, 0);
}

static void cancel(struct gj_protocol *p, struct gj_turn *turn, struct seat *seat) {
    const struct gj_refusal refusal = {.class = GJ_VOTE_YES, .code = GJ_ERR_REVERSED};
    abort_tx(p, turn, seat, &refusal, NULL);
}

/* PENDING is the STATUS that gj_coordinator_on_inquiry() gives for COLLECTING and PAST; there is nothing to
 * send for it here. A transaction without a record is ABORTED (presumed abort). */
static cell_fn *const cells[STATES][INPUTS] = {
    [NONE] = {[VOTE_YES] = resend_abort,
              [VOTE_NO] = ignore,
              [ACKED] = ignore,
              [INQUIRED] = resend_abort,
              [CANCELLED] = ignore},
    [COLLECTING] = {[VOTE_YES] = count_yes,
                    [VOTE_NO] = refuse_by_vote,
                    [ACKED] = ignore,
                    [INQUIRED] = ignore,
                    [CANCELLED] = cancel},
    [PAST] = {[VOTE_YES] = ignore,
              [VOTE_NO] = ignore,
              [ACKED] = ignore,
              [INQUIRED] = ignore,
              [CANCELLED] = ignore},
    [COMMITTED] = {[VOTE_YES] = resend_commit,
                   [VOTE_NO] = alarm_equivocation,
                   [ACKED] = note_ack,
                   [INQUIRED] = resend_commit,
                   [CANCELLED] = ignore},
    [ABORTED] = {[VOTE_YES] = resend_abort,
                 [VOTE_NO] = ignore,
                 [ACKED] = ignore,
                 [INQUIRED] = resend_abort,
                 [CANCELLED] = ignore},
    [ENDED] = {[VOTE_YES] = resend_commit,
               [VOTE_NO] = alarm_equivocation,
               [ACKED] = ignore,
               [INQUIRED] = resend_commit,
               [CANCELLED] = ignore},
};

/* A transaction that this node cannot have begun: named by somebody who should not know it. */
static bool was_never_issued(struct gj_protocol *p, struct gj_turn *turn, const struct gj_txid *txid) {
    struct gj_node_row node = {.one = 1};
    if (txid->epoch > p->epoch) return true;
    if (txid->epoch < p->epoch) return false;
    return gj_store_get(turn->store, &gj_table_node, &node, turn->scratch) && txid->seq >= node.next_seq;
}

/* Loads the seat and checks that the input is about our transaction, this digest, a listed node. */
static bool take_seat(struct gj_protocol *p, struct gj_turn *turn, const struct gj_txid *txid,
                      const struct gj_digest *digest, const char *node, struct seat *ret) {
    bool is_ours = gj_protocol_is_self(p, txid->coordinator);
    if (is_ours) load_seat(p, turn, txid, node, ret);
    bool is_sound =
        is_ours && (ret->state == NONE ? !was_never_issued(p, turn, txid)
                                       : ret->has_vote && gj_digest_equal(&ret->row.digest, digest));
    if (!is_sound) {
        gj_turn_event(turn, GJ_EVENT_VIOLATION, GJ_ERR_VIOLATION, txid, node, 0);
        return false;
    }
    if (ret->state == NONE) ret->row.digest = *digest;
    return true;
}

/* --- inputs -------------------------------------------------------------------------------------------------------- */

void gj_coordinator_on_vote(struct gj_protocol *p, struct gj_turn *turn, const char *node,
                            const struct gj_txid *txid, const struct gj_digest *digest, bool yes,
                            const struct gj_vote *no, struct gj_slice evidence) {
    struct seat seat;
    if (!take_seat(p, turn, txid, digest, node, &seat)) return;
    seat.no = no;
    seat.evidence = evidence;
    cells[seat.state][yes ? VOTE_YES : VOTE_NO](p, turn, &seat);
}

/* The facts come in a leaf of their own just before the vote that they belong to. */
void gj_coordinator_on_facts(struct gj_protocol *p, struct gj_turn *turn, const struct gj_message *message) {
    const struct gj_vote_facts *facts = message->body;
    struct seat seat;
    if (!take_seat(p, turn, &message->header.tx, &facts->digest, message->header.from, &seat)) return;
    if (seat.state != COLLECTING || !gj_text_equal(seat.vote.vote, "-")) return;
    seat.vote.facts = gj_protocol_encode_body(p, turn, &gj_shape_vote_facts, facts);
    gj_store_put(turn->store, &gj_table_vote, &seat.vote);
}

void gj_coordinator_on_ack(struct gj_protocol *p, struct gj_turn *turn, const struct gj_message *message) {
    const struct gj_ack *ack = message->body;
    for (uint32_t i = 0; i < ack->n_txids; i++) {
        struct seat seat;
        if (!gj_protocol_is_self(p, ack->txids[i].txid.coordinator)) continue;
        load_seat(p, turn, &ack->txids[i].txid, message->header.from, &seat);
        cells[seat.state][ACKED](p, turn, &seat);
    }
}

bool gj_coordinator_on_inquiry(struct gj_protocol *p, struct gj_turn *turn, const char *from,
                               const struct gj_inquiry *item, struct gj_slice evidence,
                               struct gj_tx_status *ret) {
    struct seat seat;
    if (!take_seat(p, turn, &item->txid, &item->digest, from, &seat)) return false;
    if (seat.state == PAST && !p->past_is_settled) return false;
    if (item->yes) {
        seat.evidence = evidence;
        cells[seat.state][VOTE_YES](p, turn, &seat);
    } else {
        cells[seat.state][INQUIRED](p, turn, &seat);
    }
    if (seat.state != COLLECTING) return false;
    *ret = (struct gj_tx_status){.txid = item->txid, .digest = item->digest};
    gj_text_set(ret->state, sizeof ret->state, "PENDING");
    return true;
}

bool gj_protocol_cancel(struct gj_protocol *p, struct gj_turn *turn, const struct gj_txid *txid) {
    struct seat seat;
    load_seat(p, turn, txid, NULL, &seat);
    if (seat.state != COLLECTING) return false;
    cells[seat.state][CANCELLED](p, turn, &seat);
    return true;
}

/* --- timers ------------------------------------------------------------------------------------------------------------ */

static void vote_deadline(struct gj_protocol *p, struct gj_turn *turn, struct seat *seat) {
    const struct gj_refusal refusal = {.class = GJ_VOTE_YES, .code = GJ_ERR_TIMED_OUT};
    uint32_t n = 0;
    const char *silent = NULL;
    struct gj_vote_row *votes = votes_of(turn, &seat->row.txid, &n);
    for (uint32_t i = 0; i < n && silent == NULL; i++) {
        if (gj_text_equal(votes[i].vote, "-")) silent = votes[i].node;
    }
    abort_tx(p, turn, seat, &refusal, silent);
}

void gj_coordinator_tick(struct gj_protocol *p, struct gj_turn *turn, struct gj_active *active) {
    struct seat seat;
    load_seat(p, turn, &active->txid, NULL, &seat);
    if (gj_store_err(turn->store) != GJ_OK) return;
    if (active->role == GJ_ACTIVE_COLLECTING && gj_mono_is_due(active->deadline, turn->now.mono)) {
        vote_deadline(p, turn, &seat);
        return;
    }
    active->tries++;
    if (active->role == GJ_ACTIVE_COLLECTING) {
        active->interval_ms = active->interval_ms * 3 / 2;
        active->due = gj_mono_after(turn->now.mono, gj_jitter(turn, active->interval_ms));
        send_prepare(p, turn, &seat.row);
        return;
    }
    active->interval_ms = gj_fen_min(active->interval_ms * 2, GJ_COMMIT_RESEND_MAX_MS);
    active->due = gj_mono_after(turn->now.mono, gj_jitter(turn, active->interval_ms));
    send_commit(p, turn, &seat.row.txid, NULL);
}

/* --- recovery ------------------------------------------------------------------------------------------------------------ */

typedef void row_fn(struct gj_protocol *p, struct gj_turn *turn, struct gj_coord_row *row);

static void presume_abort(struct gj_protocol *p, struct gj_turn *turn, struct gj_coord_row *row) {
    const struct gj_refusal refusal = {.class = GJ_VOTE_YES, .code = GJ_ERR_INTERRUPTED};
    struct seat seat = {.row = *row, .state = state_of(p, row)};
    if (seat.state == PAST) abort_tx(p, turn, &seat, &refusal, NULL);
}

static void take_up_commit(struct gj_protocol *p, struct gj_turn *turn, struct gj_coord_row *row) {
    if (gj_active_find(p, &row->txid, GJ_ACTIVE_COMMITTED) != NULL) return;
    struct gj_active *active = gj_active_add(p, turn, &row->txid, GJ_ACTIVE_COMMITTED, 0);
    if (active == NULL) p->rescan = true;
    if (active != NULL) active->interval_ms = GJ_COMMIT_RESEND_MS / 2;
}

static void each_in_state(struct gj_protocol *p, struct gj_turn *turn, enum coord_state state, row_fn *fn) {
    struct gj_coord_row key = {0}, after;
    const struct gj_coord_row *last = NULL;
    struct gj_rows rows;
    gj_text_set(key.state, sizeof key.state, state_words[state]);
    do {
        gj_store_find(turn->store, &gj_table_coord, "coord_by_state", &key, 1, last, 8, turn->scratch, &rows);
        struct gj_coord_row *items = rows.items;
        for (size_t i = 0; i < rows.n; i++) {
            after = items[i];
            fn(p, turn, &items[i]);
        }
        last = &after;
        gj_arena_reset(turn->scratch);
    } while (rows.more && rows.n > 0 && !p->rescan && gj_store_err(turn->store) == GJ_OK);
}

void gj_coordinator_recover(struct gj_protocol *p, struct gj_turn *turn) {
    each_in_state(p, turn, COLLECTING, presume_abort);
    each_in_state(p, turn, COMMITTED, take_up_commit);
}

/* --- beginning -------------------------------------------------------------------------------------------------------------- */

void gj_protocol_supersedes(struct gj_protocol *p, struct gj_turn *turn, const char *sender,
                            const char *msgid, struct gj_superseded **ret, uint32_t *ret_n) {
    struct gj_coord_row key = {0};
    struct gj_rows rows;
    (void)p;
    *ret_n = 0;
    gj_text_set(key.sender, sizeof key.sender, sender);
    gj_text_set(key.msgid, sizeof key.msgid, msgid);
    gj_store_find(turn->store, &gj_table_coord, "coord_by_biz", &key, 2, NULL, GJ_SUPERSEDES_MAX,
                  turn->scratch, &rows);
    const struct gj_coord_row *items = rows.items;
    *ret = gj_arena_array(turn->scratch, rows.n, sizeof **ret);
    for (size_t i = 0; i < rows.n && *ret != NULL; i++) {
        if (!gj_text_equal(items[i].state, state_words[ABORTED])) continue;
        (*ret)[(*ret_n)++] = (struct gj_superseded){.txid = items[i].txid, .digest = items[i].digest};
    }
}

/* What a begin puts together before anything is written. */
struct draft {
    struct gj_core core;
    struct gj_prepare_legs legs;
    struct gj_coord_row row;
};

static enum gj_err add_participant(const struct gj_protocol *p, struct gj_core *core, const char *node) {
    if (gj_protocol_is_self(p, node) || gj_core_lists(core, node)) return GJ_OK;
    if (gj_directory_node(p->config.directory, node) == NULL) return GJ_ERR_BAD_FIELD;
    if (core->n_participants == GJ_PARTICIPANTS_MAX) return GJ_ERR_TOO_MANY;
    gj_text_set(core->participants[core->n_participants++].node, sizeof core->participants->node, node);
    return GJ_OK;
}

static enum gj_err draft_leg(struct gj_protocol *p, struct gj_turn *turn, const struct gj_tx_leg *leg,
                             struct draft *draft) {
    uint32_t at = draft->core.n_legs++;
    struct gj_leg_part *part = &draft->legs.legs[draft->legs.n_legs++];
    struct gj_core_leg *core_leg = &draft->core.legs[at];
    part->leg = at;
    gj_turn_random(turn, part->salt, sizeof part->salt);
    part->detail = gj_protocol_encode_body(p, turn, &gj_shape_leg_detail, &leg->detail);
    const struct gj_slice pieces[] = {gj_slice_of(part->salt, sizeof part->salt), part->detail};
    gj_digest_of(turn->hasher, p->config.digest_alg, pieces, 2, &core_leg->detail_digest);
    gj_text_set(core_leg->node, sizeof core_leg->node, leg->node);
    gj_text_set(core_leg->from_region, sizeof core_leg->from_region, leg->from_region);
    gj_text_set(core_leg->to_region, sizeof core_leg->to_region, leg->to_region);
    core_leg->amount = leg->amount_fen;
    return add_participant(p, &draft->core, leg->node);
}

static enum gj_err draft_original(struct gj_protocol *p, struct gj_turn *turn,
                                  const struct gj_tx_order *order, struct draft *draft) {
    struct gj_commit original;
    if (gj_txid_is_none(&order->original)) return GJ_OK;
    if (!gj_coordinator_commit_body(p, turn, &order->original, &original)) return GJ_ERR_NOT_FOUND;
    draft->legs.original = gj_protocol_encode_body(p, turn, &gj_shape_commit, &original);
    return GJ_OK;
}

static enum gj_err make_draft(struct gj_protocol *p, struct gj_turn *turn, const struct gj_tx_order *order,
                              const struct gj_node_row *node, struct draft *draft) {
    struct gj_core *core = &draft->core;
    struct gj_superseded_list list = {0};
    gj_protocol_supersedes(p, turn, order->sender, order->msgid, &list.items, &list.n_items);

    core->txid =
        (struct gj_txid){.epoch = p->epoch, .seq = node->next_seq, .attempt = (uint16_t)(list.n_items + 1)};
    gj_text_set(core->txid.coordinator, sizeof core->txid.coordinator, p->config.directory->self);
    gj_text_set(core->sender, sizeof core->sender, order->sender);
    gj_text_set(core->msgid, sizeof core->msgid, order->msgid);
    gj_text_set(core->kind, sizeof core->kind, order->kind);
    core->business_date = order->business_date;
    core->expires_at = turn->now.wall.ms + GJ_PREPARE_EXPIRY_MS;
    core->packs = gj_arena_array(turn->scratch, order->n_packs, sizeof *core->packs);
    core->participants = gj_arena_array(turn->scratch, GJ_PARTICIPANTS_MAX, sizeof *core->participants);
    core->legs = gj_arena_array(turn->scratch, order->n_legs, sizeof *core->legs);
    draft->legs.legs = gj_arena_array(turn->scratch, order->n_legs, sizeof *draft->legs.legs);
    if (core->packs == NULL || core->participants == NULL || core->legs == NULL || draft->legs.legs == NULL)
        return GJ_ERR_NO_SPACE;
    if (order->n_packs > 0) memcpy(core->packs, order->packs, order->n_packs * sizeof *core->packs);
    core->n_packs = order->n_packs;
    for (uint32_t i = 0; i < order->n_legs; i++) {
        GJ_TRY(draft_leg(p, turn, &order->legs[i], draft));
    }
    GJ_TRY(draft_original(p, turn, order, draft));
    draft->row.txid = core->txid;
    draft->row.core = gj_protocol_encode_body(p, turn, &gj_shape_core, core);
    gj_digest_of(turn->hasher, p->config.digest_alg, &draft->row.core, 1, &draft->row.digest);
    draft->legs.digest = draft->row.digest;
    draft->legs.plan = order->plan;
    draft->row.legs = gj_protocol_encode_body(p, turn, &gj_shape_prepare_legs, &draft->legs);
    if (list.n_items > 0)
        draft->row.supersedes = gj_protocol_encode_body(p, turn, &gj_shape_superseded_list, &list);
    return GJ_OK;
}

static void write_begin(struct gj_protocol *p, struct gj_turn *turn, const struct gj_tx_order *order,
                        struct gj_node_row *node, struct draft *draft) {
    struct gj_coord_row *row = &draft->row;
    node->next_seq++;
    gj_store_put(turn->store, &gj_table_node, node);
    row->epoch = p->epoch;
    row->begun_ms = turn->now.wall.ms;
    gj_text_set(row->state, sizeof row->state, state_words[COLLECTING]);
    gj_text_set(row->sender, sizeof row->sender, order->sender);
    gj_text_set(row->msgid, sizeof row->msgid, order->msgid);
    gj_text_set(row->all_details_to, sizeof row->all_details_to, order->all_details_to);
    gj_store_put(turn->store, &gj_table_coord, row);
    for (uint32_t i = 0; i < draft->core.n_participants; i++) {
        struct gj_vote_row vote = {.txid = row->txid};
        gj_text_set(vote.node, sizeof vote.node, draft->core.participants[i].node);
        gj_text_set(vote.vote, sizeof vote.vote, "-");
        gj_store_put(turn->store, &gj_table_vote, &vote);
    }
    gj_turn_event(turn, GJ_EVENT_TX_BEGUN, GJ_OK, &row->txid, NULL, draft->core.n_participants);
}

static void start_collecting(struct gj_protocol *p, struct gj_turn *turn, const struct gj_coord_row *row) {
    struct gj_active *active =
        gj_active_add(p, turn, &row->txid, GJ_ACTIVE_COLLECTING, gj_jitter(turn, GJ_PREPARE_RESEND_MS));
    GJ_ASSERT(active != NULL);
    active->deadline = gj_mono_after(turn->now.mono, GJ_VOTE_DEADLINE_MS);
    active->interval_ms = GJ_PREPARE_RESEND_MS;
    send_prepare(p, turn, row);
}

enum gj_err gj_protocol_begin(struct gj_protocol *p, struct gj_turn *turn, const struct gj_tx_order *order,
                              struct gj_txid *ret_txid, struct gj_refusal *ret_no) {
    struct gj_node_row node = {.one = 1};
    struct gj_tx_view view;
    struct gj_leg_fact facts[GJ_LEGS_MAX];
    uint32_t n_facts = 0;

    GJ_TRY(gj_protocol_accepts_work(p, turn));
    if (!gj_active_has_room(p)) return GJ_ERR_BUSY;
    if (order->n_legs == 0 || order->n_legs > GJ_LEGS_MAX) return GJ_ERR_TOO_MANY;
    struct draft *draft = gj_arena_alloc(turn->scratch, sizeof *draft);
    if (draft == NULL || !gj_store_get(turn->store, &gj_table_node, &node, turn->scratch)) return GJ_ERR_BUSY;
    GJ_TRY(make_draft(p, turn, order, &node, draft));
    own_view(p, turn, &draft->row, &view);
    if (view.core == NULL) return GJ_ERR_BUSY;
    if (!p->config.app_ops->hold(p->config.app, turn, &view, ret_no, facts, &n_facts)) return GJ_ERR_RULE;
    const struct gj_vote_facts own_facts = {.digest = draft->row.digest, .facts = facts, .n_facts = n_facts};
    if (n_facts > 0) draft->row.facts = gj_protocol_encode_body(p, turn, &gj_shape_vote_facts, &own_facts);
    write_begin(p, turn, order, &node, draft);
    *ret_txid = draft->row.txid;
    if (draft->core.n_participants > 0) {
        start_collecting(p, turn, &draft->row);
        return GJ_OK;
    }
    struct seat seat = {.row = draft->row, .state = COLLECTING};
    commit(p, turn, &seat);
    return GJ_OK;
}

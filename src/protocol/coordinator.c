/* SPDX-License-Identifier: Apache-2.0
 *
 * The coordinator of a transaction: BEGUN, then COMMITTED or ABORTED, once. The commit point is the flush of
 * the COMMITTED record; until then every doubt ends in ABORTED, and "no record" means ABORTED too.
 * Every state x input cell is in the table below; README.md says what is true in each state.
 */
#include "protocol/state.h"

#include <string.h>

#include "base/check.h"
#include "base/money.h"

/* What is known about the transaction while one input is handled. */
struct seat {
    struct gj_coord_row row;
    enum gj_coord_state state;
    const char *node;        /* who says it */
    struct gj_vote_row vote; /* that node's, if has_vote */
    bool has_vote;
    const struct gj_vote *no; /* VOTE_NO */
    struct gj_slice evidence;
};

static const char *const state_words[] = {[GJ_COORD_COLLECTING] = "BEGUN",
                                          [GJ_COORD_COMMITTED] = "COMMITTED",
                                          [GJ_COORD_ABORTED] = "ABORTED",
                                          [GJ_COORD_ENDED] = "ENDED"};

static enum gj_coord_state state_of(const struct gj_protocol *p, const struct gj_coord_row *row) {
    if (gj_text_equal(row->state, "COMMITTED")) return GJ_COORD_COMMITTED;
    if (gj_text_equal(row->state, "ABORTED")) return GJ_COORD_ABORTED;
    if (gj_text_equal(row->state, "ENDED")) return GJ_COORD_ENDED;
    /* Begun in an epoch that is over: nobody can decide it any more but presumption. */
    return row->txid.epoch == p->epoch ? GJ_COORD_COLLECTING : GJ_COORD_PAST;
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

static void write_state(struct gj_turn *turn, struct seat *seat, enum gj_coord_state state) {
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

void gj_coordinator_view(struct gj_protocol *p, struct gj_turn *turn, const struct gj_coord_row *row,
                         struct gj_tx_view *ret) {
    struct gj_core *core = gj_arena_alloc(turn->scratch, sizeof *core);
    struct gj_prepare_legs *legs = gj_arena_alloc(turn->scratch, sizeof *legs);
    struct gj_fault fault;
    *ret = (struct gj_tx_view){.is_coordinator = true};
    if (core == NULL || legs == NULL) {
        gj_store_fail(turn->store, GJ_ERR_NO_SPACE, "scratch arena too small for a transaction");
        return;
    }
    bool is_whole =
        gj_shape_decode(&gj_shape_core, row->core, turn->scratch, core, &fault) == GJ_OK &&
        gj_shape_decode(&gj_shape_prepare_legs, row->legs, turn->scratch, legs, &fault) == GJ_OK &&
        gj_legs_read(p, turn, core, legs, p->config.directory->self, ret) == GJ_OK;
    if (!gj_record_is_whole(turn, is_whole)) ret->core = NULL;
    ret->is_coordinator = true;
}

/* --- what leaves, always made from the record ----------------------------------------------------------- */

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
    struct gj_prepare_legs all = {0};
    struct gj_core core = {0};
    struct gj_fault fault;
    uint32_t n = 0, n_nodes = 0;

    struct gj_vote_row *votes = votes_of(turn, &row->txid, &n);
    for (uint32_t i = 0; i < n; i++) {
        if (gj_text_equal(votes[i].vote, "-")) memcpy(nodes[n_nodes++], votes[i].node, sizeof nodes[0]);
    }
    if (n_nodes == 0) return;
    bool is_whole = gj_shape_decode(&gj_shape_core, row->core, turn->scratch, &core, &fault) == GJ_OK &&
                    gj_shape_decode(&gj_shape_prepare_legs, row->legs, turn->scratch, &all, &fault) == GJ_OK;
    if (is_whole && row->supersedes.len > 0)
        is_whole = gj_shape_decode(&gj_shape_superseded_list, row->supersedes, turn->scratch, &list,
                                   &fault) == GJ_OK;
    if (!gj_record_is_whole(turn, is_whole)) return;
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
    enum gj_coord_state state = state_of(p, &row);
    if (state != GJ_COORD_COMMITTED && state != GJ_COORD_ENDED) return false;
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

/* --- the two decisions ---------------------------------------------------------------------------------- */

/* What |node| fixed about its own legs; about another's it knows nothing. */
static void add_facts(struct gj_turn *turn, struct gj_slice bytes, const struct gj_core *core,
                      const char *node, struct gj_leg_fact *facts, uint32_t *n) {
    struct gj_vote_facts body;
    struct gj_fault fault;
    if (bytes.len == 0) return;
    if (gj_shape_decode(&gj_shape_vote_facts, bytes, turn->scratch, &body, &fault) != GJ_OK) return;
    for (uint32_t i = 0; i < body.n_facts && *n < GJ_LEGS_MAX; i++) {
        uint64_t leg = body.facts[i].leg;
        if (leg < core->n_legs && gj_text_equal(core->legs[leg].node, node)) facts[(*n)++] = body.facts[i];
    }
}

static struct gj_leg_fact *all_facts(struct gj_turn *turn, const struct gj_coord_row *row,
                                     const struct gj_core *core, uint32_t *ret_n) {
    uint32_t n = 0;
    struct gj_vote_row *votes = votes_of(turn, &row->txid, &n);
    struct gj_leg_fact *facts = gj_arena_array(turn->scratch, GJ_LEGS_MAX, sizeof *facts);
    *ret_n = 0;
    if (facts == NULL) return NULL;
    add_facts(turn, row->facts, core, row->txid.coordinator, facts, ret_n);
    for (uint32_t i = 0; i < n; i++) {
        add_facts(turn, votes[i].facts, core, votes[i].node, facts, ret_n);
    }
    return facts;
}

/* All have voted YES. The record, the postings and the answer to the client are one flush. */
static void commit(struct gj_protocol *p, struct gj_turn *turn, struct seat *seat) {
    struct gj_tx_view view;
    uint32_t n_votes = 0, n_facts = 0;
    votes_of(turn, &seat->row.txid, &n_votes);
    write_state(turn, seat, n_votes == 0 ? GJ_COORD_ENDED : GJ_COORD_COMMITTED);
    gj_coordinator_view(p, turn, &seat->row, &view);
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

    struct gj_leg_fact *facts = all_facts(turn, &seat->row, view.core, &n_facts);
    struct gj_decision decision = {
        .txid = seat->row.txid, .core = view.core, .committed = true, .facts = facts, .n_facts = n_facts};
    p->config.app_ops->decided(p->config.app, turn, &decision);
}

static void abort_tx(struct gj_protocol *p, struct gj_turn *turn, struct seat *seat,
                     const struct gj_refusal *refusal, const char *node) {
    struct gj_tx_view view;
    gj_text_set(seat->row.reason, sizeof seat->row.reason, gj_err_name(refusal->code));
    write_state(turn, seat, GJ_COORD_ABORTED);
    gj_coordinator_view(p, turn, &seat->row, &view);
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

/* --- cells ---------------------------------------------------------------------------------------------- */

typedef void cell_fn(struct gj_protocol *p, struct gj_turn *turn, struct seat *seat);

static void ignore(struct gj_protocol *p, struct gj_turn *turn, struct seat *seat) {
    (void)p;
    (void)turn;
    (void)seat;
}

static void count_yes(struct gj_protocol *p, struct gj_turn *turn, struct seat *seat) {
    uint32_t n = 0;
    if (gj_text_equal(seat->vote.vote, "YES")) return;
    /* Twelve such votes and a core must fit into one certificate. A vote of its own is always short enough. */
    if (seat->evidence.len > GJ_VOTE_EVIDENCE_MAX) return;
    gj_text_set(seat->vote.vote, sizeof seat->vote.vote, "YES");
    seat->vote.evidence = seat->evidence;
    gj_store_put(turn->store, &gj_table_vote, &seat->vote);
    struct gj_vote_row *votes = votes_of(turn, &seat->row.txid, &n);
    for (uint32_t i = 0; i < n; i++) {
        if (!gj_text_equal(votes[i].vote, "YES")) return;
    }
    commit(p, turn, seat);
}

/* Both of its signed votes are kept: they convict it. */
static void alarm_equivocation(struct gj_protocol *p, struct gj_turn *turn, struct seat *seat) {
    (void)p;
    const struct gj_case_in in = {.what = GJ_CASE_TWO_VOTES,
                                  .txid = &seat->row.txid,
                                  .node = seat->node,
                                  .first = seat->vote.evidence,
                                  .second = seat->evidence};
    gj_case_open(turn, &in);
    gj_turn_event(turn, GJ_EVENT_EQUIVOCATION, GJ_ERR_VIOLATION, &seat->row.txid, seat->node, 0);
}

static void refuse_by_vote(struct gj_protocol *p, struct gj_turn *turn, struct seat *seat) {
    struct gj_refusal refusal = {
        .class = gj_vote_class_of(seat->no->class),
        .code = seat->no->code[0] == '\0' ? GJ_ERR_RULE : gj_protocol_code_of_peer(seat->no->code)};
    gj_text_set(refusal.rule, sizeof refusal.rule, seat->no->rule);
    if (gj_text_equal(seat->vote.vote, "YES")) alarm_equivocation(p, turn, seat);
    gj_text_set(seat->vote.vote, sizeof seat->vote.vote, "NO");
    seat->vote.evidence = seat->evidence;
    gj_store_put(turn->store, &gj_table_vote, &seat->vote);
    abort_tx(p, turn, seat, &refusal, seat->node);
}

static void resend_commit(struct gj_protocol *p, struct gj_turn *turn, struct seat *seat) {
    send_commit(p, turn, &seat->row.txid, seat->node);
}

static void resend_abort(struct gj_protocol *p, struct gj_turn *turn, struct seat *seat) {
    /* Of an earlier epoch "no record" means aborted only once nobody is left who might hold its commit. */
    bool is_unsure =
        seat->state == GJ_COORD_NONE && seat->row.txid.epoch < p->epoch && gj_resync_is_healing(p);
    if (!p->gate_open || is_unsure) return;
    send_abort(p, turn, &seat->row.txid, &seat->row.digest, seat->row.reason, seat->node);
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
    write_state(turn, seat, GJ_COORD_ENDED);
    gj_active_remove(p, &seat->row.txid, GJ_ACTIVE_COMMITTED);
    gj_turn_event(turn, GJ_EVENT_TX_ENDED, GJ_OK, &seat->row.txid, NULL, 0);
}

static void cancel(struct gj_protocol *p, struct gj_turn *turn, struct seat *seat) {
    const struct gj_refusal refusal = {.class = GJ_VOTE_YES, .code = GJ_ERR_REVERSED};
    abort_tx(p, turn, seat, &refusal, NULL);
}

/* PENDING is the STATUS that gj_coordinator_on_inquiry() gives for COLLECTING; there is nothing more to send for
 * it here. A transaction without a record is aborted (presumed abort). */
struct cell {
    cell_fn *fn;
    const char *name;
};
#define CELL(fn)                                                                                             \
    { fn, #fn }

/* clang-format off */
static const struct cell cells[GJ_COORD_STATES][GJ_COORD_INPUTS] = {
    /*                          YES                  NO                        ACK             INQUIRE              CANCEL */
    [GJ_COORD_NONE] =       {CELL(resend_abort),  CELL(ignore),             CELL(ignore),   CELL(resend_abort),  CELL(ignore)},
    [GJ_COORD_COLLECTING] = {CELL(count_yes),     CELL(refuse_by_vote),     CELL(ignore),   CELL(ignore),        CELL(cancel)},
    [GJ_COORD_PAST] =       {CELL(ignore),        CELL(ignore),             CELL(ignore),   CELL(ignore),        CELL(ignore)},
    [GJ_COORD_COMMITTED] =  {CELL(resend_commit), CELL(alarm_equivocation), CELL(note_ack), CELL(resend_commit), CELL(ignore)},
    [GJ_COORD_ABORTED] =    {CELL(resend_abort),  CELL(ignore),             CELL(ignore),   CELL(resend_abort),  CELL(ignore)},
    [GJ_COORD_ENDED] =      {CELL(resend_commit), CELL(alarm_equivocation), CELL(ignore),   CELL(resend_commit), CELL(ignore)},
};
/* clang-format on */

const char *gj_coordinator_cell(enum gj_coord_state state, enum gj_coord_input input) {
    return cells[state][input].name;
}

/* A transaction that this node cannot have begun: named by somebody who should not know it. */
static bool was_never_issued(struct gj_protocol *p, struct gj_turn *turn, const struct gj_txid *txid) {
    struct gj_node_row node = {.one = 1};
    struct gj_epoch_row past = {.epoch = txid->epoch};
    if (txid->epoch > p->epoch) return true;
    /* An epoch that this store never had: if it was ours all the same, the store went back in time, and what
     * it lost may have been committed. */
    if (txid->epoch < p->epoch) return !gj_store_get(turn->store, &gj_table_epoch, &past, turn->scratch);
    return gj_store_get(turn->store, &gj_table_node, &node, turn->scratch) && txid->seq >= node.next_seq;
}

/* Its commit came back in a RESYNC, what is needed to post it did not: people decide, and meanwhile nobody may hear
 * that it was aborted. Who is in doubt asks the others. */
static bool is_staged(struct gj_turn *turn, const struct gj_txid *txid) {
    struct gj_replayed_row row = {.txid = *txid};
    return gj_store_get(turn->store, &gj_table_replayed, &row, turn->scratch) &&
           gj_text_equal(row.state, "COMMITTED");
}

/* Loads the seat and checks that the input is about our transaction, this digest, a listed node. */
static bool take_seat(struct gj_protocol *p, struct gj_turn *turn, const struct gj_txid *txid,
                      const struct gj_digest *digest, const char *node, struct seat *ret) {
    bool is_ours = gj_protocol_is_self(p, txid->coordinator);
    if (is_ours) load_seat(p, turn, txid, node, ret);
    if (is_ours && ret->state == GJ_COORD_NONE && is_staged(turn, txid)) return false;
    bool is_sound =
        is_ours && (ret->state == GJ_COORD_NONE ? !was_never_issued(p, turn, txid)
                                                : ret->has_vote && gj_digest_equal(&ret->row.digest, digest));
    if (!is_sound) {
        gj_turn_event(turn, GJ_EVENT_VIOLATION, GJ_ERR_VIOLATION, txid, node, 0);
        return false;
    }
    if (ret->state == GJ_COORD_NONE) ret->row.digest = *digest;
    return true;
}

/* --- inputs --------------------------------------------------------------------------------------------- */

/* Of two different signed votes a person is told even when nothing hangs on them any more. */
static void hear_vote(struct gj_protocol *p, struct gj_turn *turn, struct seat *seat, bool yes) {
    if (seat->state == GJ_COORD_ABORTED && gj_text_equal(seat->vote.vote, yes ? "NO" : "YES"))
        alarm_equivocation(p, turn, seat);
    cells[seat->state][yes ? GJ_COORD_ON_YES : GJ_COORD_ON_NO].fn(p, turn, seat);
}

void gj_coordinator_on_vote(struct gj_protocol *p, struct gj_turn *turn, const char *node,
                            const struct gj_txid *txid, const struct gj_digest *digest, bool yes,
                            const struct gj_vote *no, struct gj_slice evidence) {
    struct seat seat;
    if (!take_seat(p, turn, txid, digest, node, &seat)) return;
    seat.no = no;
    seat.evidence = evidence;
    hear_vote(p, turn, &seat, yes);
}

/* The facts come in a leaf of their own just before the vote that they belong to. */
void gj_coordinator_on_facts(struct gj_protocol *p, struct gj_turn *turn, const struct gj_message *message) {
    const struct gj_vote_facts *facts = message->body;
    struct seat seat;
    if (!take_seat(p, turn, &message->header.tx, &facts->digest, message->header.from, &seat)) return;
    if (seat.state != GJ_COORD_COLLECTING || !gj_text_equal(seat.vote.vote, "-")) return;
    seat.vote.facts = gj_protocol_encode_body(p, turn, &gj_shape_vote_facts, facts);
    gj_store_put(turn->store, &gj_table_vote, &seat.vote);
}

void gj_coordinator_on_ack(struct gj_protocol *p, struct gj_turn *turn, const struct gj_message *message) {
    const struct gj_ack *ack = message->body;
    for (uint32_t i = 0; i < ack->n_txids; i++) {
        struct seat seat;
        if (!gj_protocol_is_self(p, ack->txids[i].txid.coordinator)) continue;
        size_t mark = turn->scratch->used;
        load_seat(p, turn, &ack->txids[i].txid, message->header.from, &seat);
        cells[seat.state][GJ_COORD_ON_ACK].fn(p, turn, &seat);
        gj_arena_rewind(turn->scratch, mark);
    }
}

bool gj_coordinator_on_inquiry(struct gj_protocol *p, struct gj_turn *turn, const char *from,
                               const struct gj_inquiry *item, struct gj_slice evidence,
                               struct gj_tx_status *ret) {
    struct seat seat;
    if (!take_seat(p, turn, &item->txid, &item->digest, from, &seat)) return false;
    if (seat.state == GJ_COORD_PAST && !p->past_is_settled) return false;
    if (item->yes) {
        seat.evidence = evidence;
        hear_vote(p, turn, &seat, true);
    } else {
        cells[seat.state][GJ_COORD_ON_INQUIRE].fn(p, turn, &seat);
    }
    if (seat.state != GJ_COORD_COLLECTING) return false;
    *ret = (struct gj_tx_status){.txid = item->txid, .digest = item->digest};
    gj_text_set(ret->state, sizeof ret->state, "PENDING");
    return true;
}

bool gj_protocol_cancel(struct gj_protocol *p, struct gj_turn *turn, const struct gj_txid *txid) {
    struct seat seat;
    load_seat(p, turn, txid, NULL, &seat);
    if (seat.state != GJ_COORD_COLLECTING) return false;
    cells[seat.state][GJ_COORD_ON_CANCEL].fn(p, turn, &seat);
    return true;
}

/* --- timers --------------------------------------------------------------------------------------------- */

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

/* --- recovery ------------------------------------------------------------------------------------------- */

typedef void row_fn(struct gj_protocol *p, struct gj_turn *turn, struct gj_coord_row *row);

/* Not while a node that it names may still hold its commit. */
static bool may_presume(struct gj_protocol *p, struct gj_turn *turn, const struct gj_coord_row *row) {
    struct gj_tx_view view;
    if (!gj_resync_is_healing(p)) return true;
    gj_coordinator_view(p, turn, row, &view);
    return view.core != NULL && gj_resync_is_complete_for(p, view.core);
}

static void presume_abort(struct gj_protocol *p, struct gj_turn *turn, struct gj_coord_row *row) {
    const struct gj_refusal refusal = {.class = GJ_VOTE_YES, .code = GJ_ERR_INTERRUPTED};
    struct seat seat = {.row = *row, .state = state_of(p, row)};
    if (seat.state == GJ_COORD_PAST && may_presume(p, turn, row)) abort_tx(p, turn, &seat, &refusal, NULL);
}

static void take_up_commit(struct gj_protocol *p, struct gj_turn *turn, struct gj_coord_row *row) {
    if (gj_active_find(p, &row->txid, GJ_ACTIVE_COMMITTED) != NULL) return;
    struct gj_active *active = gj_active_add(p, turn, &row->txid, GJ_ACTIVE_COMMITTED, 0);
    if (active == NULL) p->rescan = true;
    if (active != NULL) active->interval_ms = GJ_COMMIT_RESEND_MS / 2;
}

static void each_in_state(struct gj_protocol *p, struct gj_turn *turn, enum gj_coord_state state,
                          row_fn *fn) {
    struct gj_coord_row key = {0}, after;
    const struct gj_coord_row *last = NULL;
    struct gj_rows rows;
    gj_text_set(key.state, sizeof key.state, state_words[state]);
    const size_t mark = turn->scratch->used;
    do {
        gj_store_find(turn->store, &gj_table_coord, "coord_by_state", &key, 1, last, 8, turn->scratch, &rows);
        struct gj_coord_row *items = rows.items;
        for (size_t i = 0; i < rows.n; i++) {
            after = items[i];
            fn(p, turn, &items[i]);
        }
        last = &after;
        gj_arena_rewind(turn->scratch, mark); /* not a reset: that would forget that it was short */
    } while (rows.more && rows.n > 0 && !p->rescan && gj_store_err(turn->store) == GJ_OK);
}

void gj_coordinator_recover(struct gj_protocol *p, struct gj_turn *turn) {
    each_in_state(p, turn, GJ_COORD_COLLECTING, presume_abort);
    each_in_state(p, turn, GJ_COORD_COMMITTED, take_up_commit);
}

/* --- starting ------------------------------------------------------------------------------------------- */

void gj_coordinator_start(struct gj_protocol *p, struct gj_turn *turn, const struct gj_coord_row *row,
                          uint32_t n_participants) {
    if (n_participants == 0) {
        struct seat seat = {.row = *row, .state = GJ_COORD_COLLECTING};
        commit(p, turn, &seat);
        return;
    }
    struct gj_active *active =
        gj_active_add(p, turn, &row->txid, GJ_ACTIVE_COLLECTING, gj_jitter(turn, GJ_PREPARE_RESEND_MS));
    GJ_ASSERT(active != NULL); /* room was looked for before */
    active->deadline = gj_mono_after(turn->now.mono, GJ_VOTE_DEADLINE_MS);
    active->interval_ms = GJ_PREPARE_RESEND_MS;
    send_prepare(p, turn, row);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * What becomes of a participant's record besides the protocol's own course: two people resolve a doubt by hand, and
 * the truth comes later; what is decided and old is collected; and the cases, which people settle. A decision by hand
 * moves this node's own money and nothing else: it is never told to others, and never ends the doubt.
 */
#include "protocol/state.h"

#include <string.h>

/* --- cases ---------------------------------------------------------------------------------------------- */

#define CASE_ID_BYTES 11

static const char *const case_words[GJ_CASE_COUNT] = {[GJ_CASE_TWO_VOTES] = "two_votes",
                                                      [GJ_CASE_TWO_DECISIONS] = "two_decisions",
                                                      [GJ_CASE_MANUAL_ABORT_FAILED] = "manual_abort_failed",
                                                      [GJ_CASE_MANUAL_COMMIT_FAILED] = "manual_commit_failed",
                                                      [GJ_CASE_REFUND_TO_NOBODY] = "refund_to_nobody"};

const char *gj_case_word(enum gj_case what) {
    return case_words[what];
}

/* One case per kind, transaction and node, whatever number of times the same thing is seen. */
static void name_case(const struct gj_turn *turn, struct gj_case_row *row) {
    char txid[GJ_TXID_TEXT_CAP];
    uint8_t hash[GJ_HASH_BYTES];
    gj_txid_format(txid, &row->txid);
    const struct gj_slice parts[] = {gj_slice_of(row->what, strlen(row->what) + 1),
                                     gj_slice_of(txid, strlen(txid) + 1), gj_slice_str(row->node)};
    turn->hasher->hash(turn->hasher->ctx, GJ_HASH_SM3, parts, 3, hash);
    row->case_id[0] = 'C';
    gj_hex_encode(row->case_id + 1, hash, CASE_ID_BYTES);
}

static struct gj_slice short_enough(struct gj_slice evidence) {
    return evidence.len <= GJ_EVIDENCE_MAX ? evidence : GJ_SLICE_NONE;
}

void gj_case_open(struct gj_turn *turn, const struct gj_case_in *in) {
    struct gj_case_row row = {.txid = *in->txid}, known;
    gj_text_set(row.what, sizeof row.what, case_words[in->what]);
    gj_text_set(row.node, sizeof row.node, in->node);
    name_case(turn, &row);
    known = row;
    if (turn->no_new_work == GJ_ERR_STORE_FULL) return;
    bool found = gj_store_get(turn->store, &gj_table_case, &known, turn->scratch);
    if (found && (known.second.len > 0 || in->second.len == 0)) return;
    row.opened_ms = found ? known.opened_ms : turn->now.wall.ms;
    row.difference_fen = in->difference_fen;
    row.first = short_enough(in->first);
    row.second = short_enough(in->second);
    gj_store_put(turn->store, &gj_table_case, &row);
}

static void case_line(const struct gj_case_row *row, struct gj_case_line *ret) {
    *ret = (struct gj_case_line){.txid = row->txid,
                                 .opened_ms = row->opened_ms,
                                 .difference = row->difference_fen,
                                 .has_evidence = row->first.len + row->second.len > 0};
    gj_text_set(ret->case_id, sizeof ret->case_id, row->case_id);
    gj_text_set(ret->what, sizeof ret->what, row->what);
    gj_text_set(ret->node, sizeof ret->node, row->node);
}

/* One row at a time: two pieces of evidence are large. */
void gj_protocol_cases(struct gj_turn *turn, const char *after, struct gj_ans_cases *ret) {
    struct gj_case_row last = {.opened_ms = 0};
    const struct gj_case_row *from = NULL;
    struct gj_rows rows = {.more = true};
    *ret = (struct gj_ans_cases){.cases = gj_arena_array(turn->scratch, GJ_CASES_LISTED, sizeof *ret->cases)};
    if (ret->cases == NULL) return;
    gj_text_set(last.case_id, sizeof last.case_id, after);
    if (after[0] != '\0' && gj_store_get(turn->store, &gj_table_case, &last, turn->scratch)) from = &last;
    while (rows.more && ret->n_cases < GJ_CASES_LISTED) {
        size_t mark = turn->scratch->used;
        gj_store_find(turn->store, &gj_table_case, "case_file_by_time", &last, 0, from, 1, turn->scratch,
                      &rows);
        if (rows.n == 0) break;
        last = *(const struct gj_case_row *)rows.items;
        case_line(&last, &ret->cases[ret->n_cases++]);
        last.first = GJ_SLICE_NONE;
        last.second = GJ_SLICE_NONE;
        from = &last;
        gj_arena_rewind(turn->scratch, mark);
    }
    ret->more = rows.more && rows.n > 0;
}

/* --- by hand -------------------------------------------------------------------------------------------- */

#define COMMIT "commit"
#define ABORT  "abort"

static void answer(const struct gj_resolution_row *row, struct gj_ans_resolution *ret) {
    *ret = (struct gj_ans_resolution){.txid = row->txid};
    bool is_confirmed = row->confirmed_by[0] != '\0';
    gj_text_set(ret->state, sizeof ret->state, is_confirmed ? "confirmed" : "proposed");
    gj_text_set(ret->outcome, sizeof ret->outcome, row->outcome);
    gj_text_set(ret->reason, sizeof ret->reason, row->reason);
    gj_text_set(ret->evidence, sizeof ret->evidence, row->evidence);
    gj_text_set(ret->proposed_by, sizeof ret->proposed_by, row->proposed_by);
    gj_text_set(ret->confirmed_by, sizeof ret->confirmed_by, row->confirmed_by);
    gj_text_set(ret->truth, sizeof ret->truth, row->truth);
}

struct hand {
    struct gj_part_row part;
    enum gj_part_state state;
    struct gj_resolution_row row;
    bool found; /* somebody has proposed */
};

/* What both steps ask first. */
static enum gj_err take_hand(struct gj_protocol *p, struct gj_turn *turn, const struct gj_req_resolve *req,
                             struct hand *ret) {
    struct gj_txid txid;
    bool is_outcome = gj_text_equal(req->outcome, COMMIT) || gj_text_equal(req->outcome, ABORT);
    if (!is_outcome || gj_txid_parse(req->id, strlen(req->id), &txid) != GJ_OK) return GJ_ERR_BAD_FIELD;
    if (req->operator[0] == '\0') return GJ_ERR_UNAUTHORIZED;
    if (p->resync) return GJ_ERR_RESYNC; /* what is true here is not known */
    ret->state = gj_participant_state(p, turn, &txid, &ret->part);
    if (ret->state == GJ_PART_NONE) return GJ_ERR_NOT_FOUND;
    ret->row = (struct gj_resolution_row){.txid = txid};
    ret->found = gj_store_get(turn->store, &gj_table_resolution, &ret->row, turn->scratch);
    return GJ_OK;
}

/* The same as was confirmed is answered again, whoever asks. */
static enum gj_err answer_confirmed(const struct hand *hand, const struct gj_req_resolve *req,
                                    struct gj_ans_resolution *ret) {
    bool is_same =
        hand->found && hand->row.confirmed_by[0] != '\0' && gj_text_equal(hand->row.outcome, req->outcome);
    if (!is_same) return GJ_ERR_NOT_IN_DOUBT;
    answer(&hand->row, ret);
    return GJ_OK;
}

enum gj_err gj_protocol_propose(struct gj_protocol *p, struct gj_turn *turn, const struct gj_req_resolve *req,
                                struct gj_ans_resolution *ret) {
    struct hand hand;
    GJ_TRY(take_hand(p, turn, req, &hand));
    if (hand.state != GJ_PART_PREPARED) return answer_confirmed(&hand, req, ret);
    if (req->reason[0] == '\0' || req->evidence[0] == '\0') return GJ_ERR_MISSING_FIELD;
    /* Who proposed may change his mind; nobody changes it for him. */
    if (hand.found && !gj_text_equal(hand.row.proposed_by, req->operator)) return GJ_ERR_DUAL_CONTROL;
    gj_text_set(hand.row.outcome, sizeof hand.row.outcome, req->outcome);
    gj_text_set(hand.row.reason, sizeof hand.row.reason, req->reason);
    gj_text_set(hand.row.evidence, sizeof hand.row.evidence, req->evidence);
    gj_text_set(hand.row.proposed_by, sizeof hand.row.proposed_by, req->operator);
    hand.row.proposed_ms = turn->now.wall.ms;
    gj_store_put(turn->store, &gj_table_resolution, &hand.row);
    answer(&hand.row, ret);
    return GJ_OK;
}

/* The hold becomes a posting, or is given back. INQUIRE goes on: only a proof ends the doubt. */
static void resolve(struct gj_protocol *p, struct gj_turn *turn, struct hand *hand) {
    struct gj_tx_view view = {0};
    if (!gj_participant_view(p, turn, &hand->part, &view)) return;
    if (gj_text_equal(hand->row.outcome, COMMIT))
        p->config.app_ops->post(p->config.app, turn, &view);
    else
        p->config.app_ops->release(p->config.app, turn, &view);
    gj_store_put(turn->store, &gj_table_resolution, &hand->row);
    gj_participant_put(turn, &hand->part, GJ_PART_RESOLVED);
    gj_turn_event(turn, GJ_EVENT_RESOLVED_BY_HAND, GJ_OK, &hand->part.txid, hand->part.txid.coordinator, 0);
}

enum gj_err gj_protocol_confirm(struct gj_protocol *p, struct gj_turn *turn, const struct gj_req_resolve *req,
                                struct gj_ans_resolution *ret) {
    struct hand hand;
    GJ_TRY(take_hand(p, turn, req, &hand));
    if (hand.state != GJ_PART_PREPARED) return answer_confirmed(&hand, req, ret);
    bool is_the_same = hand.found && gj_text_equal(hand.row.outcome, req->outcome) &&
                       !gj_text_equal(hand.row.proposed_by, req->operator);
    if (!is_the_same) return GJ_ERR_DUAL_CONTROL;
    gj_text_set(hand.row.confirmed_by, sizeof hand.row.confirmed_by, req->operator);
    hand.row.confirmed_ms = turn->now.wall.ms;
    resolve(p, turn, &hand);
    answer(&hand.row, ret);
    return GJ_OK;
}

/* --- the truth, later ------------------------------------------------------------------------------------- */

/* What our YES had fixed. */
static bool read_facts(struct gj_turn *turn, const struct gj_part_row *row, struct gj_vote_facts *ret) {
    struct gj_fault fault;
    *ret = (struct gj_vote_facts){.n_facts = 0};
    if (row->facts.len == 0) return true;
    enum gj_err err = gj_shape_decode(&gj_shape_vote_facts, row->facts, turn->scratch, ret, &fault);
    return gj_record_is_whole(turn, err == GJ_OK);
}

/* The money follows the truth. Returns false only if the store has failed. */
static bool put_right(struct gj_protocol *p, struct gj_turn *turn, const struct gj_part_row *row,
                      bool committed, int64_t *ret_difference) {
    const struct gj_app_ops *ops = p->config.app_ops;
    struct gj_tx_view view = {0};
    struct gj_vote_facts facts;
    if (!gj_participant_view(p, turn, row, &view) || !read_facts(turn, row, &facts)) return false;
    *ret_difference = committed ? ops->adopt(p->config.app, turn, &view, &facts)
                                : ops->undo(p->config.app, turn, &view, &facts);
    return true;
}

void gj_aftermath_decided(struct gj_protocol *p, struct gj_turn *turn, struct gj_part_row *row,
                          const char *from, struct gj_slice evidence, bool committed) {
    struct gj_resolution_row by_hand = {.txid = row->txid};
    enum gj_part_state truth = committed ? GJ_PART_COMMITTED : GJ_PART_ABORTED;
    int64_t difference = 0;
    bool found = gj_store_get(turn->store, &gj_table_resolution, &by_hand, turn->scratch);
    if (!gj_record_is_whole(turn, found)) return;
    bool was_right = gj_text_equal(by_hand.outcome, committed ? COMMIT : ABORT);
    if (!was_right) {
        const struct gj_case_in in = {.what = committed ? GJ_CASE_MANUAL_ABORT_FAILED
                                                        : GJ_CASE_MANUAL_COMMIT_FAILED,
                                      .txid = &row->txid,
                                      .node = row->txid.coordinator,
                                      .first = row->core_evidence,
                                      .second = evidence};
        struct gj_case_in opened = in;
        if (!put_right(p, turn, row, committed, &difference)) return;
        opened.difference_fen = difference;
        gj_case_open(turn, &opened);
        gj_turn_event(turn, GJ_EVENT_CASE_OPENED, GJ_ERR_DIFFERENCE, &row->txid, from, difference);
    }
    gj_text_set(by_hand.truth, sizeof by_hand.truth, gj_part_state_word(truth));
    gj_store_put(turn->store, &gj_table_resolution, &by_hand);
    row->proof = evidence;
    gj_participant_put(turn, row, truth);
    gj_active_remove(p, &row->txid, GJ_ACTIVE_IN_DOUBT);
    gj_turn_event(turn, committed ? GJ_EVENT_TX_COMMITTED : GJ_EVENT_TX_ABORTED, GJ_OK, &row->txid, from, 0);
    /* As with any commit: out of a refund alone it is not acknowledged, the signed commit itself comes again. */
    if (committed && evidence.len > 0) gj_admission_ack(p, turn, &row->txid);
}

/* --- collection ------------------------------------------------------------------------------------------- */

#define COLLECT_PAGE 8u /* each row has its legs, core and proof with it */

bool gj_aftermath_is_collected(const struct gj_protocol *p, struct gj_turn *turn,
                               const struct gj_txid *txid) {
    struct gj_collected_row mark = {.epoch = txid->epoch};
    if (!p->has_collected) return false;
    gj_text_set(mark.coordinator, sizeof mark.coordinator, txid->coordinator);
    return gj_store_get(turn->store, &gj_table_collected, &mark, turn->scratch) && txid->seq <= mark.seq;
}

void gj_aftermath_recover(struct gj_protocol *p, struct gj_turn *turn) {
    struct gj_collected_row none = {.epoch = 0};
    struct gj_rows rows;
    gj_store_find(turn->store, &gj_table_collected, NULL, &none, 0, NULL, 1, turn->scratch, &rows);
    p->has_collected = rows.n > 0;
    p->collect_due = gj_mono_after(turn->now.mono, GJ_COLLECT_EVERY_MS);
}

/* The mark is in the same store transaction: the record is there, or it is known to have been there. */
static void collect(struct gj_protocol *p, struct gj_turn *turn, const struct gj_part_row *row) {
    struct gj_collected_row mark = {.epoch = row->txid.epoch};
    gj_text_set(mark.coordinator, sizeof mark.coordinator, row->txid.coordinator);
    bool found = gj_store_get(turn->store, &gj_table_collected, &mark, turn->scratch);
    if (!found || mark.seq < row->txid.seq) {
        mark.seq = row->txid.seq;
        gj_store_put(turn->store, &gj_table_collected, &mark);
    }
    p->has_collected = true;
    gj_store_del(turn->store, &gj_table_part, row);
}

/* The oldest of a state; returns how many of |budget| are left: 0 means that there may be more. */
static uint32_t collect_state(struct gj_protocol *p, struct gj_turn *turn, enum gj_part_state state,
                              int64_t before_ms, uint32_t budget) {
    bool is_old = true;
    while (budget > 0 && is_old && gj_store_err(turn->store) == GJ_OK) {
        struct gj_part_row key = {.since_ms = 0};
        struct gj_rows rows;
        size_t mark = turn->scratch->used;
        gj_text_set(key.state, sizeof key.state, gj_part_state_word(state));
        gj_store_find(turn->store, &gj_table_part, "part_by_state", &key, 1, NULL, COLLECT_PAGE,
                      turn->scratch, &rows);
        const struct gj_part_row *items = rows.items;
        is_old = rows.n == COLLECT_PAGE;
        for (size_t i = 0; i < rows.n && budget > 0; i++) {
            if (items[i].since_ms >= before_ms) {
                is_old = false;
                break;
            }
            collect(p, turn, &items[i]);
            budget--;
        }
        gj_arena_rewind(turn->scratch, mark);
    }
    return budget;
}

/* A clock that runs years ahead would throw everything away: as long as a peer's differs, nothing is thrown. */
static bool clock_is_agreed(const struct gj_protocol *p) {
    for (size_t i = 0; i < p->config.directory->n_nodes; i++) {
        int64_t skew = p->peers[i].clock_skew_ms;
        if (skew > GJ_CLOCK_WINDOW_MS || skew < -GJ_CLOCK_WINDOW_MS) return false;
    }
    return true;
}

void gj_aftermath_tick(struct gj_protocol *p, struct gj_turn *turn) {
    static const enum gj_part_state decided[] = {GJ_PART_COMMITTED, GJ_PART_ABORTED, GJ_PART_REFUSED};
    uint32_t years = p->config.retention_years == 0 ? GJ_RETENTION_YEARS : p->config.retention_years;
    int64_t before_ms = turn->now.wall.ms - (int64_t)years * GJ_YEAR_MS;
    uint32_t budget = GJ_COLLECT_PER_TICK;
    if (!gj_mono_is_due(p->collect_due, turn->now.mono)) return;
    p->collect_due = gj_mono_after(turn->now.mono, GJ_COLLECT_EVERY_MS);
    if (p->resync || !p->past_is_settled || !clock_is_agreed(p)) return;
    for (size_t i = 0; i < sizeof decided / sizeof decided[0]; i++) {
        budget = collect_state(p, turn, decided[i], before_ms, budget);
    }
    if (budget < GJ_COLLECT_PER_TICK)
        gj_turn_event(turn, GJ_EVENT_COLLECTED, GJ_OK, NULL, NULL, GJ_COLLECT_PER_TICK - budget);
    if (budget == 0) p->collect_due = gj_mono_after(turn->now.mono, GJ_COLLECT_AGAIN_MS);
}

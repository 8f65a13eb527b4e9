/* SPDX-License-Identifier: Apache-2.0
 *
 * Decisions by hand: two people, one decision, told to nobody; and the truth that comes later, whatever they had
 * decided. Also what becomes a case, and that it stays one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "support/solo.h"

#define C  "330000" /* the coordinator */
#define P2 "130000" /* the other participant */

static struct gj_ans_resolution said;

/* One person's word; the answer is in |said|. */
static enum gj_err word_of(struct gj_solo *s, const struct gj_txid *txid, bool confirm, const char *outcome,
                           const char *person) {
    struct gj_req_resolve req = {.reason = "the line was cut", .evidence = "letter 7"};
    gj_txid_format(req.id, txid);
    gj_text_set(req.outcome, sizeof req.outcome, outcome);
    gj_text_set(req.operator, sizeof req.operator, person);
    memset(&said, 0, sizeof said);
    struct gj_turn *turn = gj_solo_begin(s);
    enum gj_err err = confirm ? gj_protocol_confirm(s->protocol, turn, &req, &said)
                              : gj_protocol_propose(s->protocol, turn, &req, &said);
    gj_solo_end(s);
    return err;
}

static struct gj_ans_cases cases_of(struct gj_solo *s, const char *after) {
    static struct gj_case_line lines[GJ_CASES_LISTED];
    struct gj_ans_cases ret;
    gj_protocol_cases(gj_solo_begin(s), after, &ret);
    memcpy(lines, ret.cases, ret.n_cases * sizeof *lines);
    ret.cases = lines;
    gj_solo_end(s);
    return ret;
}

static struct gj_case_row only_case(struct gj_solo *s, enum gj_case what) {
    struct gj_ans_cases cases = cases_of(s, "");
    struct gj_case_row row = {.opened_ms = 0};
    assert_int_equal(cases.n_cases, 1);
    assert_string_equal(cases.cases[0].what, gj_case_word(what));
    gj_text_set(row.case_id, sizeof row.case_id, cases.cases[0].case_id);
    assert_true(gj_solo_get(s, &gj_table_case, &row));
    return row;
}

/* --- two people ------------------------------------------------------------------------------------------------- */

static void it_takes_two(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(NULL);
    struct gj_solo_tx tx;
    gj_solo_reach(s, &tx, "PREPARED");
    assert_int_equal(word_of(s, &tx.txid, true, "commit", "two"),
                     GJ_ERR_DUAL_CONTROL); /* nothing is proposed */
    assert_int_equal(word_of(s, &tx.txid, false, "commit", "one"), GJ_OK);
    assert_string_equal(said.state, "proposed");
    assert_string_equal(said.proposed_by, "one");
    assert_string_equal(gj_solo_part_state(s, &tx.txid), "PREPARED");
    assert_int_equal(word_of(s, &tx.txid, true, "commit", "one"), GJ_ERR_DUAL_CONTROL); /* himself */
    assert_int_equal(word_of(s, &tx.txid, true, "abort", "two"), GJ_ERR_DUAL_CONTROL);  /* not the same */
    assert_int_equal(word_of(s, &tx.txid, false, "abort", "two"),
                     GJ_ERR_DUAL_CONTROL); /* not his to change */
    assert_int_equal(s->app.posts + s->app.releases, 0);
    assert_string_equal(gj_solo_part_state(s, &tx.txid), "PREPARED");
    assert_int_equal(word_of(s, &tx.txid, true, "commit", "two"), GJ_OK);
    assert_string_equal(said.state, "confirmed");
    assert_string_equal(said.confirmed_by, "two");
    assert_int_equal(gj_solo_events(s, GJ_EVENT_RESOLVED_BY_HAND, GJ_OK), 1);
    assert_string_equal(gj_solo_part_state(s, &tx.txid), "RESOLVED");
    assert_int_equal(s->app.posts, 1);
    assert_int_equal(s->app.releases, 0);
    gj_solo_free(&s);
}

/* Who proposed may change his mind before it is confirmed; afterwards nobody may. */
static void a_proposal_is_its_makers(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(NULL);
    struct gj_solo_tx tx;
    gj_solo_reach(s, &tx, "PREPARED");
    assert_int_equal(word_of(s, &tx.txid, false, "commit", "one"), GJ_OK);
    assert_int_equal(word_of(s, &tx.txid, false, "abort", "one"), GJ_OK);
    assert_int_equal(word_of(s, &tx.txid, true, "commit", "two"), GJ_ERR_DUAL_CONTROL);
    assert_int_equal(word_of(s, &tx.txid, true, "abort", "two"), GJ_OK);
    assert_int_equal(s->app.releases, 1);
    assert_int_equal(word_of(s, &tx.txid, true, "abort", "three"), GJ_OK); /* the same, told again */
    assert_string_equal(said.confirmed_by, "two");
    assert_int_equal(word_of(s, &tx.txid, false, "abort", "one"), GJ_OK);
    assert_int_equal(word_of(s, &tx.txid, false, "commit", "one"), GJ_ERR_NOT_IN_DOUBT);
    assert_int_equal(word_of(s, &tx.txid, true, "commit", "two"), GJ_ERR_NOT_IN_DOUBT);
    assert_int_equal(s->app.releases, 1);
    assert_int_equal(s->app.posts, 0);
    gj_solo_free(&s);
}

static void only_a_doubt_is_resolved(void **state) {
    (void)state;
    static const char *const states[] = {"PREPARING", "REFUSED", "ABORTED", "COMMITTED", "COLLECTED"};
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        struct gj_solo *s = gj_solo_new(NULL);
        struct gj_solo_tx tx;
        gj_solo_reach(s, &tx, states[i]);
        assert_int_equal(word_of(s, &tx.txid, false, "commit", "one"), GJ_ERR_NOT_IN_DOUBT);
        assert_int_equal(word_of(s, &tx.txid, true, "commit", "two"), GJ_ERR_NOT_IN_DOUBT);
        gj_solo_free(&s);
    }
    struct gj_solo *s = gj_solo_new(NULL);
    struct gj_solo_tx tx;
    gj_solo_reach(s, &tx, "");
    assert_int_equal(word_of(s, &tx.txid, false, "commit", "one"), GJ_ERR_NOT_FOUND);
    gj_solo_prepare(s, &tx);
    assert_int_equal(word_of(s, &tx.txid, false, "perhaps", "one"), GJ_ERR_BAD_FIELD);
    assert_int_equal(word_of(s, &tx.txid, false, "commit", ""), GJ_ERR_UNAUTHORIZED);
    struct gj_req_resolve req = {.outcome = "commit", .operator= "one", .reason = "why"};
    gj_txid_format(req.id, &tx.txid);
    assert_int_equal(gj_protocol_propose(s->protocol, gj_solo_begin(s), &req, &said), GJ_ERR_MISSING_FIELD);
    gj_solo_end(s);
    s->protocol->resync = true;
    assert_int_equal(word_of(s, &tx.txid, false, "commit", "one"), GJ_ERR_RESYNC);
    gj_solo_free(&s);
}

/* --- told to nobody ----------------------------------------------------------------------------------------------- */

static void the_doubt_goes_on(void **state) {
    (void)state;
    static const char *const outcomes[] = {"commit", "abort"};
    for (size_t i = 0; i < 2; i++) {
        struct gj_solo *s = gj_solo_new(NULL);
        struct gj_solo_tx tx;
        gj_solo_reach(s, &tx, "PREPARED");
        assert_int_equal(gj_solo_resolve(s, &tx.txid, outcomes[i]), GJ_OK);
        assert_true(gj_solo_is_silent(s));
        uint32_t before = s->n_log;
        gj_solo_run(s, 60000);
        uint32_t asked = 0;
        for (uint32_t k = before; k < s->n_log; k++) {
            asked += s->log[k].kind == GJ_KIND_INQUIRE;
            assert_true(s->log[k].kind == GJ_KIND_INQUIRE || s->log[k].kind == GJ_KIND_HELLO);
        }
        assert_true(asked >= 3);
        /* Another attempt of the same biz key is still refused. */
        assert_string_not_equal(gj_solo_part_row(s, &tx.txid).biz_live, "");
        gj_solo_restart(s, GJ_WITNESS_EQUAL_OR_BEHIND);
        assert_true(gj_solo_vote_to(s, C)->yes);
        gj_solo_inquire(s, P2, &tx.txid, &tx.digest, true, gj_solo_core_evidence(s, &tx));
        assert_string_equal(gj_solo_status_to(s, P2)->state, "PREPARED");
        assert_int_equal(gj_solo_status_to(s, P2)->proof.len, 0);
        gj_solo_free(&s);
    }
}

/* --- the truth ------------------------------------------------------------------------------------------------------ */

struct truth {
    const char *by_hand;
    bool committed;
    bool is_case;
    enum gj_case what;
    unsigned adopted, undone;
};

static const struct truth truths[] = {
    {"commit", true, false, GJ_CASE_COUNT, 0, 0},
    {"abort", false, false, GJ_CASE_COUNT, 0, 0},
    {"abort", true, true, GJ_CASE_MANUAL_ABORT_FAILED, 1, 0},
    {"commit", false, true, GJ_CASE_MANUAL_COMMIT_FAILED, 0, 1},
};

static void tell(struct gj_solo *s, struct gj_solo_tx *tx, const struct truth *truth) {
    if (truth->committed)
        gj_solo_commit(s, tx);
    else
        gj_solo_abort(s, tx);
}

static void one_truth(const struct truth *truth) {
    struct gj_solo *s = gj_solo_new(NULL);
    struct gj_solo_tx tx;
    print_message("%s by hand, %s\n", truth->by_hand, truth->committed ? "committed" : "aborted");
    s->app.facts[0] = (struct gj_leg_fact){.leg = 0, .account = "P/p1/prior"};
    s->app.n_facts = 1;
    gj_solo_reach(s, &tx, "PREPARED");
    assert_int_equal(gj_solo_resolve(s, &tx.txid, truth->by_hand), GJ_OK);
    s->app.difference_fen = 70;
    tell(s, &tx, truth);
    assert_int_equal(s->app.adopted, truth->adopted);
    assert_int_equal(s->app.undone, truth->undone);
    if (truth->is_case) assert_int_equal(s->app.n_late_facts, 1);
    assert_int_equal(gj_solo_alarms(s), truth->is_case ? 1 : 0);
    assert_int_equal(gj_solo_count(s, GJ_KIND_ACK, C), truth->committed ? 1 : 0);
    assert_string_equal(gj_solo_part_state(s, &tx.txid), truth->committed ? "COMMITTED" : "ABORTED");
    assert_true(gj_solo_part_row(s, &tx.txid).proof.len > 0);
    assert_null(gj_active_find(s->protocol, &tx.txid, GJ_ACTIVE_IN_DOUBT));
    struct gj_resolution_row by_hand = {.txid = tx.txid};
    assert_true(gj_solo_get(s, &gj_table_resolution, &by_hand));
    assert_string_equal(by_hand.truth, truth->committed ? "COMMITTED" : "ABORTED");
    assert_string_equal(by_hand.outcome, truth->by_hand);
    if (truth->is_case) {
        struct gj_case_row row = only_case(s, truth->what);
        assert_int_equal(row.difference_fen, 70);
        assert_true(gj_txid_equal(&row.txid, &tx.txid));
        assert_true(row.second.len > 0);
    }
    tell(s, &tx, truth); /* again: nothing moves, no second case */
    assert_int_equal(s->app.adopted + s->app.undone, truth->adopted + truth->undone);
    assert_int_equal(cases_of(s, "").n_cases, truth->is_case ? 1 : 0);
    gj_solo_free(&s);
}

static void the_truth_puts_it_right(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof truths / sizeof truths[0]; i++) {
        one_truth(&truths[i]);
    }
}

/* A listed node's signed refusal is a proof too; a bare answer is none, of whatever kind. */
static void a_bare_answer_ends_nothing(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(NULL);
    struct gj_solo_tx tx;
    gj_solo_reach(s, &tx, "RESOLVED");
    static const char *const words[] = {"ABORTED", "COMMITTED", "PREPARED", "COLLECTED", "PENDING"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        struct gj_tx_status item = {.txid = tx.txid, .digest = tx.digest};
        const struct gj_status status = {.items = &item, .n_items = 1};
        gj_text_set(item.state, sizeof item.state, words[i]);
        gj_solo_say(s, C, GJ_KIND_STATUS, NULL, &status);
        gj_solo_say(s, P2, GJ_KIND_STATUS, NULL, &status);
        assert_string_equal(gj_solo_part_state(s, &tx.txid), "RESOLVED");
    }
    gj_solo_run(s, 60000); /* until the others were asked */
    struct gj_tx_status item = {.txid = tx.txid, .digest = tx.digest, .state = "REFUSED"};
    const struct gj_status status = {.items = &item, .n_items = 1};
    gj_solo_say(s, P2, GJ_KIND_STATUS, NULL, &status);
    assert_string_equal(gj_solo_part_state(s, &tx.txid), "ABORTED");
    gj_solo_free(&s);
}

/* A refund brings the certificate of an original that was resolved by hand. */
static void a_refund_brings_the_truth(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(NULL);
    struct gj_solo_tx tx, refund;
    gj_solo_reach(s, &tx, "RESOLVED");
    gj_solo_tx_init(s, &refund, C, GJ_SOLO_SELF);
    struct gj_commit certificate = gj_solo_certificate(s, &tx);
    struct gj_buf buf;
    struct gj_fault fault;
    static uint8_t memory[GJ_EVIDENCE_MAX];
    gj_buf_init(&buf, memory, sizeof memory);
    assert_int_equal(gj_shape_encode(&gj_shape_commit, &certificate, &buf, &fault), GJ_OK);
    refund.original = gj_buf_slice(&buf);
    gj_solo_prepare(s, &refund);
    assert_string_equal(gj_solo_part_state(s, &tx.txid), "COMMITTED");
    assert_int_equal(s->app.adopted, 1);
    assert_int_equal(gj_solo_count(s, GJ_KIND_ACK, C), 0); /* the signed commit itself is still to come */
    (void)only_case(s, GJ_CASE_MANUAL_ABORT_FAILED);
    gj_solo_free(&s);
}

/* --- who spoke twice -------------------------------------------------------------------------------------------------- */

static void two_votes_are_kept(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(NULL);
    struct gj_txid txid;
    assert_int_equal(gj_solo_coordinate(s, "m1", C " " P2, &txid), GJ_OK);
    gj_solo_answer(s, P2, &txid, true);
    assert_int_equal(cases_of(s, "").n_cases, 0);
    gj_solo_answer(s, P2, &txid, false);
    struct gj_case_row row = only_case(s, GJ_CASE_TWO_VOTES);
    assert_string_equal(row.node, P2);
    assert_true(row.first.len > 0 && row.second.len > 0);
    assert_false(gj_slice_equal(row.first, row.second));
    gj_solo_free(&s);
}

/* Whichever comes first, and when the transaction is committed already. */
static void a_vote_after_the_end_is_kept(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(NULL);
    struct gj_txid aborted, committed;
    assert_int_equal(gj_solo_coordinate(s, "m1", C " " P2, &aborted), GJ_OK);
    gj_solo_answer(s, P2, &aborted, false);
    gj_solo_answer(s, P2, &aborted, true);
    assert_int_equal(gj_solo_coordinate(s, "m2", P2, &committed), GJ_OK);
    gj_solo_answer(s, P2, &committed, true);
    gj_solo_answer(s, P2, &committed, false);
    struct gj_ans_cases cases = cases_of(s, "");
    assert_int_equal(cases.n_cases, 2);
    assert_true(cases.cases[0].has_evidence && cases.cases[1].has_evidence);
    cases = cases_of(s, cases.cases[0].case_id);
    assert_int_equal(cases.n_cases, 1);
    gj_solo_free(&s);
}

static void two_decisions_are_kept(void **state) {
    (void)state;
    static const char *const states[] = {"ABORTED", "COMMITTED"};
    for (size_t i = 0; i < 2; i++) {
        struct gj_solo *s = gj_solo_new(NULL);
        struct gj_solo_tx tx;
        gj_solo_reach(s, &tx, states[i]);
        if (i == 0) gj_solo_commit(s, &tx);
        if (i == 1) gj_solo_abort(s, &tx);
        struct gj_case_row row = only_case(s, GJ_CASE_TWO_DECISIONS);
        assert_string_equal(row.node, C);
        assert_true(row.first.len > 0 && row.second.len > 0);
        gj_solo_free(&s);
    }
}

/* What is left of the store is for decisions: the case is only reported. */
static void a_full_store_keeps_no_case(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(NULL);
    struct gj_txid txid = {.coordinator = C, .epoch = 1, .seq = 1, .attempt = 1};
    const struct gj_case_in in = {.what = GJ_CASE_TWO_VOTES, .txid = &txid, .node = P2};
    struct gj_turn *turn = gj_solo_begin(s);
    turn->no_new_work = GJ_ERR_STORE_FULL;
    gj_case_open(turn, &in);
    gj_solo_end(s);
    assert_int_equal(cases_of(s, "").n_cases, 0);
    gj_solo_free(&s);
}

/* --- what a cover question says ------------------------------------------------------------------------------------------ */

/* Its list of earlier attempts is the coordinator's word and our proof. It is not shown to others. */
static void a_cover_question_is_a_proof_for_us_alone(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(NULL);
    struct gj_solo_tx tx;
    gj_solo_reach(s, &tx, "PREPARED");
    struct gj_superseded old = {.txid = tx.txid, .digest = tx.digest};
    struct gj_cover_ask ask = {.supersedes = &old, .n_supersedes = 1};
    gj_text_set(ask.binding_ref, sizeof ask.binding_ref, "b-1");
    gj_text_set(ask.recipient_region, sizeof ask.recipient_region, "360100");
    gj_text_set(ask.use, sizeof ask.use, "outpatient");
    gj_text_set(ask.mdtrtarea_admvs, sizeof ask.mdtrtarea_admvs, "330100");
    ask.amount = 100;
    ask.business_date = gj_date_of(s->now.wall);
    struct gj_slice evidence = gj_forge_one(gj_solo_peer(s, C), GJ_KIND_COVER, GJ_SOLO_SELF, NULL, &ask);
    gj_protocol_apply_supersedes(s->protocol, gj_solo_begin(s), C, &old, 1, evidence);
    gj_solo_end(s);
    assert_string_equal(gj_solo_part_state(s, &tx.txid), "ABORTED");
    assert_int_equal(gj_solo_part_row(s, &tx.txid).proof.len, evidence.len);
    gj_solo_inquire(s, P2, &tx.txid, &tx.digest, true, gj_solo_core_evidence(s, &tx));
    assert_string_equal(gj_solo_status_to(s, P2)->state, "ABORTED");
    assert_int_equal(gj_solo_status_to(s, P2)->proof.len, 0);
    gj_solo_abort(s, &tx); /* its own word for all */
    gj_solo_inquire(s, P2, &tx.txid, &tx.digest, true, gj_solo_core_evidence(s, &tx));
    assert_true(gj_solo_status_to(s, P2)->proof.len > 0);
    gj_solo_free(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_takes_two),
        cmocka_unit_test(a_proposal_is_its_makers),
        cmocka_unit_test(only_a_doubt_is_resolved),
        cmocka_unit_test(the_doubt_goes_on),
        cmocka_unit_test(the_truth_puts_it_right),
        cmocka_unit_test(a_bare_answer_ends_nothing),
        cmocka_unit_test(a_refund_brings_the_truth),
        cmocka_unit_test(two_votes_are_kept),
        cmocka_unit_test(a_vote_after_the_end_is_kept),
        cmocka_unit_test(two_decisions_are_kept),
        cmocka_unit_test(a_full_store_keeps_no_case),
        cmocka_unit_test(a_cover_question_is_a_proof_for_us_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

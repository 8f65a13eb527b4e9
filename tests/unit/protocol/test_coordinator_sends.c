/* SPDX-License-Identifier: Apache-2.0
 *
 * What a coordinator says, to whom and when: cores and legs, the certificate, why it was aborted, earlier attempts,
 * and how often it says it again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "support/solo.h"

#define A    "330000"
#define B    "130000"
#define D    "450000" /* takes no part */
#define BOTH A " " B

static void begin(struct gj_solo *s, const char *msgid, const char *nodes, struct gj_txid *ret) {
    assert_int_equal(gj_solo_coordinate(s, msgid, nodes, ret), GJ_OK);
}

static bool cancel(struct gj_solo *s, const struct gj_txid *txid) {
    bool done = gj_protocol_cancel(s->protocol, gj_solo_begin(s), txid);
    gj_solo_end(s);
    return done;
}

/* --- what participants are sent -------------------------------------------------------------------------------- */

static void each_gets_the_core_and_his_own_legs(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(NULL);
    struct gj_tx_leg legs[3];
    struct gj_tx_order order = {.kind = "settle",
                                .sender = GJ_SOLO_SELF "/test",
                                .msgid = "m1",
                                .business_date = gj_date_of(s->now.wall),
                                .legs = legs,
                                .n_legs = 3,
                                .all_details_to = B,
                                .plan = GJ_SLICE_LIT("the home's plan")};
    static const char *const at[3] = {A, B, GJ_SOLO_SELF};
    struct gj_txid txid;
    struct gj_refusal no;
    memset(legs, 0, sizeof legs);
    for (size_t i = 0; i < 3; i++) {
        gj_text_set(legs[i].node, sizeof legs[i].node, at[i]);
        gj_text_set(legs[i].from_region, sizeof legs[i].from_region, "330100");
        gj_text_set(legs[i].to_region, sizeof legs[i].to_region, "360100");
        gj_text_set(legs[i].detail.type, sizeof legs[i].detail.type, "draw");
        legs[i].amount_fen = 100;
    }
    assert_int_equal(gj_protocol_begin(s->protocol, gj_solo_begin(s), &order, &txid, &no), GJ_OK);
    gj_solo_end(s);

    assert_int_equal(gj_solo_count(s, GJ_KIND_CORE, NULL), 1); /* the same bytes for both */
    assert_int_equal(gj_solo_count(s, GJ_KIND_CORE, A), 1);
    assert_int_equal(gj_solo_count(s, GJ_KIND_CORE, B), 1);
    assert_int_equal(gj_solo_count(s, GJ_KIND_LEGS, NULL), 2);
    const struct gj_prepare_legs *to_a = gj_solo_message(s, GJ_KIND_LEGS, A, 0);
    const struct gj_prepare_legs *to_b = gj_solo_message(s, GJ_KIND_LEGS, B, 0);
    assert_int_equal(to_a->n_legs, 1);
    assert_int_equal(to_a->legs[0].leg, 0);
    assert_int_equal(to_a->plan.len, 0);
    assert_int_equal(to_b->n_legs, 3);
    assert_int_equal(to_b->plan.len, order.plan.len);
    assert_true(gj_digest_equal(&to_a->digest, &to_b->digest));
    /* Salts differ, or a short detail could be guessed from the core's digest. */
    assert_memory_not_equal(to_b->legs[0].salt, to_b->legs[1].salt, sizeof to_b->legs[0].salt);
    gj_solo_free(&s);
}

/* The certificate that goes out is the proof itself: checked by the same rules as at a participant. */
static void the_commit_is_a_whole_certificate(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(NULL);
    struct gj_txid txid;
    struct gj_certificate certificate;
    begin(s, "m1", BOTH, &txid);
    gj_solo_answer(s, A, &txid, true);
    struct gj_digest digest = gj_solo_coord_row(s, &txid).digest;
    gj_solo_inquire(s, B, &txid, &digest, true, GJ_SLICE_NONE); /* counts as the vote */
    struct gj_commit commit;
    struct gj_turn *turn = gj_solo_begin(s);
    assert_true(gj_coordinator_commit_body(s->protocol, turn, &txid, &commit));
    assert_int_equal(commit.n_votes, 2);
    assert_int_equal(gj_certificate_check(s->protocol, turn, GJ_SOLO_SELF, &txid, &commit, &certificate),
                     GJ_OK);
    gj_solo_end(s);
    gj_solo_free(&s);
}

static void facts_reach_the_decision(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(NULL);
    struct gj_txid txid;
    struct gj_leg_fact fact = {.leg = 0, .account = "P/1/suspense"};
    begin(s, "m1", BOTH, &txid);
    struct gj_vote_facts facts = {.digest = gj_solo_coord_row(s, &txid).digest, .facts = &fact, .n_facts = 1};
    gj_solo_say(s, D, GJ_KIND_VOTE_FACTS, &txid, &facts); /* of nobody */
    assert_int_equal(gj_solo_events(s, GJ_EVENT_VIOLATION, GJ_OK), 1);
    gj_solo_say(s, A, GJ_KIND_VOTE_FACTS, &txid, &facts);
    gj_solo_answer(s, A, &txid, true);
    gj_text_set(fact.account, sizeof fact.account, "P/1/changed"); /* after the vote: too late */
    gj_solo_say(s, A, GJ_KIND_VOTE_FACTS, &txid, &facts);
    gj_solo_answer(s, B, &txid, true);
    assert_true(s->app.decision.committed);
    assert_int_equal(s->app.decision.n_facts, 1);
    assert_string_equal(s->app.decision_facts[0].account, "P/1/suspense");
    gj_solo_free(&s);
}

static void the_decision_says_why(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(NULL);
    struct gj_txid txid;
    begin(s, "m1", BOTH, &txid);
    gj_solo_answer(s, B, &txid, false);
    assert_false(s->app.decision.committed);
    assert_int_equal(s->app.decision.refusal.class, GJ_VOTE_RULE);
    assert_string_equal(s->app.decision.refusal.rule, "R51");
    assert_string_equal(s->app.decision.node, B);

    begin(s, "m2", BOTH, &txid); /* silence: who did not answer is named */
    gj_solo_answer(s, A, &txid, true);
    gj_solo_run(s, GJ_VOTE_DEADLINE_MS);
    assert_int_equal(s->app.decision.refusal.class, GJ_VOTE_YES);
    assert_int_equal(s->app.decision.refusal.code, GJ_ERR_TIMED_OUT);
    assert_string_equal(s->app.decision.node, B);

    begin(s, "m3", BOTH, &txid);
    assert_true(cancel(s, &txid));
    assert_int_equal(s->app.decision.refusal.code, GJ_ERR_REVERSED);
    assert_string_equal(s->app.decision.node, "");

    begin(s, "m4", BOTH, &txid);
    gj_solo_restart(s, GJ_WITNESS_EQUAL_OR_BEHIND);
    assert_int_equal(s->app.decision.refusal.code, GJ_ERR_INTERRUPTED);
    assert_true(gj_txid_equal(&s->app.decision.txid, &txid));
    gj_solo_free(&s);
}

/* --- beginning -------------------------------------------------------------------------------------------------- */

static void alone_it_is_decided_at_once(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(NULL);
    struct gj_txid txid;
    begin(s, "m1", GJ_SOLO_SELF, &txid);
    assert_string_equal(gj_solo_coord_state(s, &txid), "ENDED");
    assert_int_equal(s->app.posts, 1);
    assert_int_equal(s->app.decisions, 1);
    assert_true(gj_solo_is_silent(s));
    assert_int_equal(s->protocol->n_active, 0);
    gj_solo_free(&s);
}

static void what_cannot_begin_writes_nothing(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(NULL);
    struct gj_txid txid = {.epoch = 0};
    s->app.refuse = true;
    s->app.no = (struct gj_refusal){.class = GJ_VOTE_COVER, .code = GJ_ERR_NO_COVER};
    assert_int_equal(gj_solo_coordinate(s, "m1", BOTH, &txid), GJ_ERR_RULE);
    s->app.refuse = false;
    assert_int_equal(gj_solo_coordinate(s, "m2", "", &txid), GJ_ERR_TOO_MANY);
    assert_int_equal(gj_solo_coordinate(s, "m3", A " 999999", &txid), GJ_ERR_BAD_FIELD);
    s->accepts_new_work = false;
    assert_int_equal(gj_solo_coordinate(s, "m4", BOTH, &txid), GJ_ERR_DRAINING);
    s->accepts_new_work = true;
    assert_true(gj_txid_is_none(&txid));
    assert_true(gj_solo_is_silent(s));
    struct gj_coord_row key = {.state = "BEGUN"};
    struct gj_rows rows;
    gj_store_find(gj_solo_begin(s)->store, &gj_table_coord, NULL, &key, 0, NULL, 10, &s->scratch, &rows);
    assert_int_equal(rows.n, 0);
    gj_solo_end(s);
    begin(s, "m5", BOTH, &txid);
    assert_int_equal(txid.seq, 1);
    gj_solo_free(&s);
}

/* --- earlier attempts ---------------------------------------------------------------------------------------------- */

static void attempts_supersede_the_aborted(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(NULL);
    struct gj_txid txid[3], other;
    for (size_t i = 0; i < 3; i++) {
        begin(s, "m1", BOTH, &txid[i]);
        const struct gj_prepare_core *core = gj_solo_message(s, GJ_KIND_CORE, A, 0);
        assert_int_equal(txid[i].attempt, i + 1);
        assert_int_equal(core->n_supersedes, i);
        for (size_t k = 0; k < i; k++) {
            struct gj_digest digest = gj_solo_coord_row(s, &core->supersedes[k].txid).digest;
            assert_true(gj_digest_equal(&core->supersedes[k].digest, &digest));
            assert_string_equal(gj_solo_coord_state(s, &core->supersedes[k].txid), "ABORTED");
        }
        begin(s, "m2", BOTH, &other); /* another key supersedes nothing of this one */
        assert_int_equal(
            ((const struct gj_prepare_core *)gj_solo_message(s, GJ_KIND_CORE, A, 0))->n_supersedes, i);
        gj_solo_answer(s, A, &other, false);
        gj_solo_answer(s, A, &txid[i], false);
    }
    gj_solo_free(&s);
}

/* What is not aborted is never declared so: not what still runs, not what was committed. */
static void a_live_attempt_is_not_superseded(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(NULL);
    struct gj_txid running, committed, next;
    begin(s, "m1", BOTH, &running);
    begin(s, "m1", A, &committed);
    gj_solo_answer(s, A, &committed, true);
    begin(s, "m1", BOTH, &next);
    assert_int_equal(((const struct gj_prepare_core *)gj_solo_message(s, GJ_KIND_CORE, A, 0))->n_supersedes,
                     0);
    gj_solo_free(&s);
}

/* Of more attempts than fit, the newest are named: the older ones have long been told. */
static void the_newest_attempts_are_named(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(NULL);
    struct gj_superseded *list;
    uint32_t n;
    struct gj_txid txid;
    for (unsigned i = 0; i < 2 * GJ_SUPERSEDES_MAX; i++) {
        if (i == GJ_SUPERSEDES_MAX + 3)
            gj_solo_restart(s, GJ_WITNESS_EQUAL_OR_BEHIND); /* numbers begin again */
        begin(s, "m1", BOTH, &txid);
        gj_solo_answer(s, A, &txid, false);
    }
    struct gj_turn *turn = gj_solo_begin(s);
    gj_protocol_supersedes(s->protocol, turn, GJ_SOLO_SELF "/test", "m1", &list, &n);
    assert_int_equal(n, GJ_SUPERSEDES_MAX);
    assert_true(gj_txid_equal(&list[0].txid, &txid)); /* newest first */
    for (uint32_t i = 1; i < n; i++) {
        const struct gj_txid *newer = &list[i - 1].txid, *older = &list[i].txid;
        assert_true(newer->epoch > older->epoch ||
                    (newer->epoch == older->epoch && newer->seq == older->seq + 1));
    }
    gj_solo_end(s);
    begin(s, "m1", BOTH, &txid);
    assert_int_equal(((const struct gj_prepare_core *)gj_solo_message(s, GJ_KIND_CORE, A, 0))->n_supersedes,
                     GJ_SUPERSEDES_MAX);
    assert_int_equal(txid.attempt, 2 * GJ_SUPERSEDES_MAX + 1);
    gj_solo_free(&s);
}

/* --- timers ----------------------------------------------------------------------------------------------------------- */

static uint32_t sends(const struct gj_solo *s, enum gj_kind kind, const char *node, int64_t from_ms,
                      int64_t ret_at_ms[64]) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->n_log && n < 64; i++)
        if (s->log[i].kind == kind && gj_text_equal(s->log[i].node, node))
            ret_at_ms[n++] = s->log[i].at_ms - from_ms;
    return n;
}

static void prepare_is_sent_again_to_who_has_not_voted(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(NULL);
    struct gj_txid txid;
    int64_t at[64], start = s->now.mono.ms;
    s->n_log = 0;
    begin(s, "m1", BOTH, &txid);
    gj_solo_answer(s, A, &txid, true);
    gj_solo_run(s, 60000);
    assert_int_equal(sends(s, GJ_KIND_CORE, A, start, at), 1);
    uint32_t n = sends(s, GJ_KIND_CORE, B, start, at);
    assert_int_equal(n, sends(s, GJ_KIND_LEGS, B, start, at));
    n = sends(s, GJ_KIND_CORE, B, start, at);
    assert_in_range(n, 4, 5); /* 0, 400, +600, +900 and perhaps one more before 3000 */
    static const int64_t step[] = {400, 600, 900, 1350};
    for (uint32_t i = 1; i < n; i++)
        assert_in_range(at[i] - at[i - 1], step[i - 1] * 8 / 10, step[i - 1] * 12 / 10);
    assert_string_equal(gj_solo_coord_state(s, &txid), "ABORTED");
    n = sends(s, GJ_KIND_ABORT, B, start, at);
    assert_int_equal(n, 1); /* needs no acknowledgement: whoever did not hear it asks */
    assert_int_equal(at[0], GJ_VOTE_DEADLINE_MS);
    assert_int_equal(sends(s, GJ_KIND_ABORT, A, start, at), 1);
    assert_int_equal(s->protocol->n_active, 0);
    gj_solo_free(&s);
}

static void commit_is_sent_for_ever(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(NULL);
    struct gj_txid txid;
    int64_t at[64];
    begin(s, "m1", BOTH, &txid);
    gj_solo_answer(s, A, &txid, true);
    s->n_log = 0;
    int64_t start = s->now.mono.ms;
    gj_solo_answer(s, B, &txid, true);
    gj_solo_ack(s, A, &txid);
    gj_solo_run(s, INT64_C(24) * 3600 * 1000);
    assert_int_equal(sends(s, GJ_KIND_COMMIT, A, start, at), 1);
    assert_int_equal(sends(s, GJ_KIND_COMMIT, B, start, at), 64); /* and many more */
    int64_t step = 1000;
    for (uint32_t i = 1; i < 64; i++) {
        assert_in_range(at[i] - at[i - 1], step * 8 / 10, step * 12 / 10);
        step = 2 * step > 60000 ? 60000 : 2 * step;
    }
    assert_true(s->n_log > 24 * 60 * 8 / 10);
    assert_string_equal(gj_solo_coord_state(s, &txid), "COMMITTED");
    gj_solo_ack(s, B, &txid);
    s->n_log = 0;
    gj_solo_run(s, 3600000);
    assert_int_equal(s->n_log, 0);
    assert_string_equal(gj_solo_coord_state(s, &txid), "ENDED");
    gj_solo_free(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_gets_the_core_and_his_own_legs),
        cmocka_unit_test(the_commit_is_a_whole_certificate),
        cmocka_unit_test(facts_reach_the_decision),
        cmocka_unit_test(the_decision_says_why),
        cmocka_unit_test(alone_it_is_decided_at_once),
        cmocka_unit_test(what_cannot_begin_writes_nothing),
        cmocka_unit_test(attempts_supersede_the_aborted),
        cmocka_unit_test(a_live_attempt_is_not_superseded),
        cmocka_unit_test(the_newest_attempts_are_named),
        cmocka_unit_test(prepare_is_sent_again_to_who_has_not_voted),
        cmocka_unit_test(commit_is_sent_for_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

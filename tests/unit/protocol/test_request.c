/* SPDX-License-Identifier: Apache-2.0
 *
 * A client's request as a state machine: every verdict, and that an outcome that was told never changes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "support/solo.h"

#define SENDER "H36010000001"

static enum gj_request_verdict admit(struct gj_solo *s, const char *msgid, const char *kind, const char *body,
                                     struct gj_request_row *ret) {
    struct gj_turn *turn = gj_solo_begin(s);
    enum gj_request_verdict verdict =
        gj_request_admit(s->protocol, turn, SENDER, msgid, kind, gj_slice_str(body), ret);
    gj_solo_end(s);
    return verdict;
}

static struct gj_request_row row_of(struct gj_solo *s, const char *msgid) {
    struct gj_request_row row = {.sender = SENDER};
    gj_text_set(row.msgid, sizeof row.msgid, msgid);
    assert_true(gj_solo_get(s, &gj_table_request, &row));
    return row;
}

static void finish(struct gj_solo *s, const char *msgid, bool done, enum gj_err code, const char *answer) {
    struct gj_request_row row = row_of(s, msgid);
    struct gj_turn *turn = gj_solo_begin(s);
    gj_request_finish(turn, &row, done, code, done ? "" : "R51", done ? "S1" : "", gj_slice_str(answer));
    gj_solo_end(s);
}

static void close_interrupted(struct gj_solo *s, size_t limit) {
    gj_request_close_interrupted(s->protocol, gj_solo_begin(s), limit);
    gj_solo_end(s);
}

/* --- verdicts ----------------------------------------------------------------------------------------------- */

static void new_then_open(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(NULL);
    struct gj_request_row row;
    assert_int_equal(admit(s, "m1", "settle", "body", &row), GJ_REQUEST_IS_NEW);
    assert_string_equal(row.state, "OPEN");
    assert_int_equal(row.epoch, gj_protocol_epoch(s->protocol));
    assert_int_equal(row.opened_ms, s->now.wall.ms);
    assert_int_equal(admit(s, "m1", "settle", "body", &row), GJ_REQUEST_IS_OPEN);
    assert_int_equal(admit(s, "m2", "settle", "body", &row), GJ_REQUEST_IS_NEW); /* another key */
    gj_solo_free(&s);
}

/* Another body, or the same under another kind, never gets the first one's answer, whatever its state. */
static void another_body_is_a_conflict(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(NULL);
    struct gj_request_row row;
    static const char *const ends[] = {"open", "done", "refused", "interrupted"};
    for (size_t i = 0; i < 4; i++) {
        (void)admit(s, ends[i], "settle", "body", &row);
        if (i == 1) finish(s, ends[i], true, GJ_OK, "answer");
        if (i == 2) finish(s, ends[i], false, GJ_ERR_RULE, "answer");
        if (i == 3) gj_solo_restart(s, GJ_WITNESS_EQUAL_OR_BEHIND);
        assert_int_equal(admit(s, ends[i], "settle", "other", &row), GJ_REQUEST_IS_CONFLICT);
        assert_int_equal(admit(s, ends[i], "settle", "", &row), GJ_REQUEST_IS_CONFLICT);
        assert_int_equal(admit(s, ends[i], "bind", "body", &row), GJ_REQUEST_IS_CONFLICT);
        assert_int_equal(admit(s, ends[i], "settlebody", "", &row), GJ_REQUEST_IS_CONFLICT);
    }
    gj_solo_free(&s);
}

static void the_final_answer_is_kept(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(NULL);
    struct gj_request_row row;
    (void)admit(s, "done", "settle", "body", &row);
    finish(s, "done", true, GJ_OK, "the answer");
    assert_int_equal(gj_solo_events(s, GJ_EVENT_REQUEST_DONE, GJ_OK), 1);
    (void)admit(s, "no", "settle", "body", &row);
    finish(s, "no", false, GJ_ERR_RULE, "the refusal");
    assert_int_equal(gj_solo_events(s, GJ_EVENT_REQUEST_REFUSED, GJ_ERR_RULE), 1);
    for (int i = 0; i < 3; i++) { /* also after restarts, and long after */
        assert_int_equal(admit(s, "done", "settle", "body", &row), GJ_REQUEST_IS_FINAL);
        assert_string_equal(row.state, "DONE");
        assert_string_equal(row.result_ref, "S1");
        assert_true(gj_slice_equal(row.answer, GJ_SLICE_LIT("the answer")));
        assert_int_equal(admit(s, "no", "settle", "body", &row), GJ_REQUEST_IS_FINAL);
        assert_string_equal(row.state, "REFUSED");
        assert_string_equal(row.code, "RULE");
        assert_string_equal(row.rule, "R51");
        assert_true(gj_slice_equal(row.answer, GJ_SLICE_LIT("the refusal")));
        gj_solo_restart(s, GJ_WITNESS_EQUAL_OR_BEHIND);
        gj_solo_run(s, 100 * GJ_PLAN_LIFE_MS);
        close_interrupted(s, 100);
    }
    gj_solo_free(&s);
}

/* --- interrupted ---------------------------------------------------------------------------------------------- */

static bool is_interrupted(struct gj_solo *s, const struct gj_request_row *row) {
    bool is = gj_request_is_interrupted(s->protocol, gj_solo_begin(s), row);
    gj_solo_end(s);
    return is;
}

static void the_same_body_resumes_it(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(NULL);
    struct gj_request_row row;
    const struct gj_txid txid = {.coordinator = GJ_SOLO_SELF, .epoch = 7, .seq = 8, .attempt = 1};
    (void)admit(s, "m1", "settle", "body", &row);
    struct gj_turn *turn = gj_solo_begin(s);
    gj_request_note_tx(turn, &row, &txid);
    gj_solo_end(s);
    assert_false(is_interrupted(s, &row));
    gj_solo_restart(s, GJ_WITNESS_EQUAL_OR_BEHIND);
    row = row_of(s, "m1");
    assert_true(is_interrupted(s, &row));
    assert_true(gj_txid_equal(&row.txid, &txid)); /* a reader hears which */
    assert_int_equal(admit(s, "m1", "settle", "body", &row), GJ_REQUEST_IS_RESUMED);
    assert_false(is_interrupted(s, &row));
    assert_int_equal(admit(s, "m1", "settle", "body", &row), GJ_REQUEST_IS_OPEN);
    finish(s, "m1", true, GJ_OK, "a");
    assert_int_equal(admit(s, "m1", "settle", "body", &row), GJ_REQUEST_IS_FINAL);
    gj_solo_free(&s);
}

/* When a plan's life is over nobody waits any more: REFUSED, for good. Not earlier, and not what runs. */
static void after_a_plans_life_it_is_closed(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(NULL);
    struct gj_request_row row;
    (void)admit(s, "old", "settle", "body", &row);
    gj_solo_restart(s, GJ_WITNESS_EQUAL_OR_BEHIND);
    (void)admit(s, "runs", "settle", "body", &row);
    gj_solo_run(s, GJ_PLAN_LIFE_MS - 1000); /* the restart took a second */
    close_interrupted(s, 100);
    assert_string_equal(row_of(s, "old").state, "OPEN");
    gj_solo_run(s, 1);
    close_interrupted(s, 100);
    row = row_of(s, "old");
    assert_string_equal(row.state, "REFUSED");
    assert_string_equal(row.code, "INTERRUPTED");
    assert_true(row.answer.len > 0);
    gj_solo_run(s, 10 * GJ_PLAN_LIFE_MS);
    close_interrupted(s, 100);
    assert_string_equal(row_of(s, "runs").state, "OPEN");
    assert_int_equal(admit(s, "old", "settle", "body", &row), GJ_REQUEST_IS_FINAL); /* too late to resume */

    struct gj_arena *arena = &s->look;
    enum gj_answer_kind kind;
    void *body;
    assert_int_equal(gj_answer_decode(row.answer, arena, &kind, &body), GJ_OK);
    assert_int_equal(kind, GJ_ANSWER_PROBLEM);
    assert_string_equal(((const struct gj_ans_problem *)body)->outcome, "refused");
    assert_string_equal(((const struct gj_ans_problem *)body)->code, "INTERRUPTED");
    gj_solo_free(&s);
}

static void closing_takes_a_few_at_a_time(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(NULL);
    struct gj_request_row row;
    for (int i = 0; i < 5; i++) {
        char msgid[8];
        (void)snprintf(msgid, sizeof msgid, "m%d", i);
        (void)admit(s, msgid, "settle", "body", &row);
    }
    gj_solo_restart(s, GJ_WITNESS_EQUAL_OR_BEHIND);
    gj_solo_run(s, GJ_PLAN_LIFE_MS);
    for (int i = 0; i < 3; i++) {
        close_interrupted(s, 2);
        assert_int_equal(gj_solo_events(s, GJ_EVENT_REQUEST_REFUSED, GJ_ERR_INTERRUPTED), i < 2 ? 2 : 1);
    }
    gj_solo_free(&s);
}

/* While the past is not settled (a doubtful start), a commit may still be hidden in it: nothing is closed. */
static void behind_the_gate_nothing_is_closed(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(NULL);
    struct gj_request_row row;
    (void)admit(s, "m1", "settle", "body", &row);
    gj_solo_restart(s, GJ_WITNESS_DOUBTFUL);
    gj_solo_run(s, 2 * GJ_PLAN_LIFE_MS);
    close_interrupted(s, 100);
    assert_string_equal(row_of(s, "m1").state, "OPEN");
    gj_solo_greet(s);
    gj_solo_run(s, 0);
    close_interrupted(s, 100);
    assert_string_equal(row_of(s, "m1").state, "REFUSED");
    gj_solo_free(&s);
}

/* --- reversal --------------------------------------------------------------------------------------------------- */

static void refuse_reversed(struct gj_solo *s, const char *msgid) {
    struct gj_turn *turn = gj_solo_begin(s);
    gj_request_refuse_reversed(s->protocol, turn, SENDER, msgid, GJ_SLICE_LIT("reversed before"));
    gj_solo_end(s);
}

/* A reversal that came first: what comes later under its key, with any body, hears that it was reversed. */
static void a_reversal_first_is_a_tombstone(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(NULL);
    struct gj_request_row row;
    refuse_reversed(s, "m1");
    static const char *const bodies[] = {"body", "other", ""};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(admit(s, "m1", "settle", bodies[i], &row), GJ_REQUEST_IS_FINAL);
        assert_string_equal(row.state, "REFUSED");
        assert_string_equal(row.reversal, "reversed");
        assert_string_equal(row.code, "REVERSED");
        assert_true(gj_slice_equal(row.answer, GJ_SLICE_LIT("reversed before")));
        gj_solo_restart(s, GJ_WITNESS_EQUAL_OR_BEHIND);
    }
    (void)admit(s, "m2", "settle", "body", &row); /* while it is open */
    refuse_reversed(s, "m2");
    assert_int_equal(admit(s, "m2", "settle", "body", &row), GJ_REQUEST_IS_FINAL);
    assert_string_equal(row.code, "REVERSED");
    gj_solo_free(&s);
}

static void a_reversal_never_changes_the_outcome(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(NULL);
    struct gj_request_row row;
    static const char *const words[] = {"reversing", "reversed"};
    (void)admit(s, "m1", "settle", "body", &row);
    finish(s, "m1", true, GJ_OK, "the answer");
    for (size_t i = 0; i < 2; i++) {
        row = row_of(s, "m1");
        struct gj_turn *turn = gj_solo_begin(s);
        gj_request_set_reversal(turn, &row, words[i]);
        gj_solo_end(s);
        assert_int_equal(admit(s, "m1", "settle", "body", &row), GJ_REQUEST_IS_FINAL);
        assert_string_equal(row.state, "DONE");
        assert_string_equal(row.reversal, words[i]);
        assert_true(gj_slice_equal(row.answer, GJ_SLICE_LIT("the answer")));
        assert_int_equal(admit(s, "m1", "settle", "other", &row), GJ_REQUEST_IS_CONFLICT);
    }
    gj_solo_free(&s);
}

/* Bodies carry personal data of low entropy: only a keyed digest is kept. */
static void the_body_is_not_kept(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(NULL);
    struct gj_request_row row, other;
    uint8_t plain[GJ_HASH_BYTES];
    (void)admit(s, "m1", "settle", "body", &row);
    const struct gj_slice parts[] = {GJ_SLICE_LIT("body")};
    s->hasher.hash(s->hasher.ctx, GJ_HASH_SM3, parts, 1, plain);
    assert_memory_not_equal(row.body_mac, plain, sizeof plain);
    memset(&s->data_key, 4, sizeof s->data_key); /* another node's key: another digest */
    (void)admit(s, "m2", "settle", "body", &other);
    assert_memory_not_equal(row.body_mac, other.body_mac, sizeof plain);
    gj_solo_free(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(new_then_open),
        cmocka_unit_test(another_body_is_a_conflict),
        cmocka_unit_test(the_final_answer_is_kept),
        cmocka_unit_test(the_same_body_resumes_it),
        cmocka_unit_test(after_a_plans_life_it_is_closed),
        cmocka_unit_test(closing_takes_a_few_at_a_time),
        cmocka_unit_test(behind_the_gate_nothing_is_closed),
        cmocka_unit_test(a_reversal_first_is_a_tombstone),
        cmocka_unit_test(a_reversal_never_changes_the_outcome),
        cmocka_unit_test(the_body_is_not_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * The desk's decision tables: which refusal of a binding is named, what follows a NO, what a reversal does
 * with the request that it finds, how a refund is split over what was drawn.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "domain/desk/desk.h"

#define Y(yuan) ((int64_t)(yuan)*100)

/* Said the way the rule table says it; the test fails if the code's list loses, moves or adds one. */
static void rules_are_named_in_order(void **state) {
    (void)state;
    static const char *const order[] = {"R1",  "R7",  "R2",  "R4",  "R3",  "R8",  "R6",  "R20", "R21",
                                        "R22", "R12", "R10", "R11", "R13", "R14", "R15", "R16", "R33"};
    const uint32_t n = sizeof(order) / sizeof(order[0]);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t rank = gj_bind_rank(GJ_ERR_RULE, order[i]);
        assert_true(gj_bind_rank(GJ_ERR_PERSON_UNKNOWN, "") < rank);
        if (i > 0) assert_true(gj_bind_rank(GJ_ERR_RULE, order[i - 1]) < rank);
        assert_true(rank < gj_bind_rank(GJ_ERR_RULE, "R99"));
        assert_true(rank < gj_bind_rank(GJ_ERR_BUSY, "R16"));
        assert_true(rank < gj_bind_rank(GJ_ERR_PAYER_UNREACHABLE, ""));
    }
    assert_true(gj_bind_rank(GJ_ERR_BUSY, "R16") < gj_bind_rank(GJ_ERR_HOME_UNREACHABLE, ""));
    assert_true(gj_bind_rank(GJ_ERR_RULE, "R99") < gj_bind_rank(GJ_ERR_BUSY, ""));
}

static void what_follows_a_no(void **state) {
    (void)state;
    static const struct {
        enum gj_vote_class class;
        enum gj_err code;
        enum gj_retry want;
    } rows[] = {
        {GJ_VOTE_COVER, GJ_ERR_NO_COVER, GJ_RETRY_NOW},
        {GJ_VOTE_PLAN_STALE, GJ_ERR_PLAN_STALE, GJ_RETRY_NOW},
        {GJ_VOTE_BUSY, GJ_ERR_BUSY, GJ_RETRY_LATER},
        {GJ_VOTE_DATE, GJ_ERR_BAD_DATE, GJ_RETRY_LATER},
        {GJ_VOTE_RULE, GJ_ERR_RULE, GJ_RETRY_NEVER},
        {GJ_VOTE_RULE, GJ_ERR_EXCEEDS_ORIGINAL, GJ_RETRY_NEVER},
        {GJ_VOTE_RULE, GJ_ERR_EXPIRED, GJ_RETRY_NOW},
        {GJ_VOTE_YES, GJ_ERR_TIMED_OUT, GJ_RETRY_NOW},
        {GJ_VOTE_YES, GJ_ERR_INTERRUPTED, GJ_RETRY_NEVER},
        {GJ_VOTE_YES, GJ_ERR_REVERSED, GJ_RETRY_NEVER},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct gj_refusal refusal = {.class = rows[i].class, .code = rows[i].code};
        assert_int_equal(gj_desk_retry_of(&refusal), rows[i].want);
    }
}

static void what_a_reversal_does(void **state) {
    (void)state;
    static const struct {
        const char *kind, *state, *reversal;
        bool found, interrupted, is_old;
        enum gj_reverse_step want;
    } rows[] = {
        {"", "", "", false, false, false, GJ_REVERSE_TOMBSTONE},
        {"settle", "OPEN", "", true, false, false, GJ_REVERSE_CANCEL},
        {"bind", "OPEN", "", true, false, false, GJ_REVERSE_CANCEL},
        {"refund", "OPEN", "", true, false, false, GJ_REVERSE_CANCEL},
        {"settle", "OPEN", "", true, true, false, GJ_REVERSE_CLOSE},
        {"settle", "REFUSED", "", true, false, false, GJ_REVERSE_NOTHING},
        {"reversed", "REFUSED", "reversed", true, false, false, GJ_REVERSE_NOTHING},
        {"settle", "DONE", "", true, false, false, GJ_REVERSE_REFUND},
        {"settle", "DONE", "reversing", true, false, false, GJ_REVERSE_REFUND},
        {"settle", "DONE", "reversed", true, false, false, GJ_REVERSE_NOTHING},
        {"bind", "DONE", "", true, false, false, GJ_REVERSE_UNBIND},
        {"bind", "DONE", "reversed", true, false, false, GJ_REVERSE_NOTHING},
        {"refund", "DONE", "", true, false, false, GJ_REVERSE_NOT_POSSIBLE},
        {"unbind", "DONE", "", true, false, false, GJ_REVERSE_NOT_POSSIBLE},
        {"order", "DONE", "", true, false, false, GJ_REVERSE_NOT_POSSIBLE},
        {"settle", "DONE", "", true, false, true, GJ_REVERSE_TOO_OLD},
        {"bind", "DONE", "", true, false, true, GJ_REVERSE_TOO_OLD},
        {"settle", "DONE", "reversing", true, false, true, GJ_REVERSE_REFUND},
        {"settle", "DONE", "reversed", true, false, true, GJ_REVERSE_NOTHING},
        {"settle", "REFUSED", "", true, false, true, GJ_REVERSE_NOTHING},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct gj_request_row row;
        memset(&row, 0, sizeof(row));
        gj_text_set(row.kind, sizeof(row.kind), rows[i].kind);
        gj_text_set(row.state, sizeof(row.state), rows[i].state);
        gj_text_set(row.reversal, sizeof(row.reversal), rows[i].reversal);
        assert_int_equal(gj_reverse_step_of(&row, rows[i].found, rows[i].interrupted, rows[i].is_old),
                         rows[i].want);
    }
}

static void the_last_drawn_comes_back_first(void **state) {
    (void)state;
    static const struct {
        int64_t drawn[3], refunded[3], amount, take[3];
        bool whole;
    } rows[] = {
        {{Y(30), Y(100), Y(70)}, {0, 0, 0}, Y(50), {0, 0, Y(50)}, true},
        {{Y(30), Y(100), Y(70)}, {0, 0, 0}, Y(70), {0, 0, Y(70)}, true},
        {{Y(30), Y(100), Y(70)}, {0, 0, 0}, Y(71), {0, Y(1), Y(70)}, true},
        {{Y(30), Y(100), Y(70)}, {0, 0, Y(50)}, Y(50), {0, Y(30), Y(20)}, true},
        {{Y(30), Y(100), Y(70)}, {0, Y(100), Y(70)}, Y(30), {Y(30), 0, 0}, true},
        {{Y(30), Y(100), Y(70)}, {0, 0, 0}, Y(200), {Y(30), Y(100), Y(70)}, true},
        {{Y(30), Y(100), Y(70)}, {0, 0, 0}, Y(200) + 1, {Y(30), Y(100), Y(70)}, false},
        {{Y(30), Y(100), Y(70)}, {Y(30), Y(100), Y(70)}, 1, {0, 0, 0}, false},
        {{Y(30), Y(100), Y(70)}, {0, 0, 0}, 0, {0, 0, 0}, true},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct gj_settlement_leg_row legs[3];
        int64_t take[GJ_LEGS_MAX];
        memset(legs, 0, sizeof(legs));
        for (uint32_t k = 0; k < 3; k++) {
            legs[k].leg = k;
            legs[k].amount_fen = rows[i].drawn[k];
            legs[k].refunded_fen = rows[i].refunded[k];
        }
        assert_int_equal(gj_refund_split(rows[i].amount, legs, 3, take), rows[i].whole);
        for (uint32_t k = 0; k < 3; k++)
            assert_int_equal(take[k], rows[i].take[k]);
    }
    int64_t take[GJ_LEGS_MAX];
    assert_true(gj_refund_split(0, NULL, 0, take));
    assert_false(gj_refund_split(1, NULL, 0, take));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_are_named_in_order),
        cmocka_unit_test(what_follows_a_no),
        cmocka_unit_test(what_a_reversal_does),
        cmocka_unit_test(the_last_drawn_comes_back_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * The waterfall as tables: the arithmetic of the documents' worked examples, and what each source's line says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "domain/desk/desk.h"

#define Y(yuan) ((int64_t)(yuan)*100)
#define U       GJ_COVER_UNREACHABLE
#define A       GJ_COVER_ANSWERED
#define MAX     4

struct source_case {
    enum gj_cover_state state;
    int64_t cover_fen;
    const char *rule;
    /* expected */
    int64_t take_fen;
    const char *result, *named;
};

struct compose_case {
    const char *name, *draw, *on_unreachable;
    int64_t payable_fen;
    int64_t own[MAX];                /* covers of the own accounts; -1 ends */
    struct source_case sources[MAX]; /* state 0 ends */
    int64_t own_fen, cash_fen;
    bool degraded;
    enum gj_err err;
};

static const struct compose_case cases[] = {
    {"own first, then a cascade of three",
     "CASCADE",
     "SKIP",
     Y(400),
     {Y(30), -1},
     {{A, Y(100), "R50", Y(100), "shortened", "R50"},
      {A, Y(70), "R50", Y(70), "shortened", "R50"},
      {A, Y(370), "", Y(200), "taken", "R47"}},
     Y(30),
     0,
     false,
     GJ_OK},
    {"ONE stops at the first that has anything",
     "ONE",
     "SKIP",
     Y(3000),
     {-1},
     {{A, Y(1000), "R50", Y(1000), "shortened", "R50"}, {A, Y(3000), "", 0, "skipped", "R46"}},
     0,
     Y(2000),
     false,
     GJ_OK},
    {"one yuan is the ONE",
     "ONE",
     "SKIP",
     Y(50),
     {-1},
     {{A, Y(1), "", Y(1), "taken", "R46"}, {A, Y(50), "", 0, "skipped", "R46"}},
     0,
     Y(49),
     false,
     GJ_OK},
    {"zero cover does not count as the ONE",
     "ONE",
     "SKIP",
     Y(50),
     {-1},
     {{A, 0, "R50", 0, "skipped", "R50"}, {A, Y(50), "", Y(50), "taken", "R46"}},
     0,
     0,
     false,
     GJ_OK},
    {"the own account is not the ONE",
     "ONE",
     "SKIP",
     Y(20),
     {Y(10), -1},
     {{A, Y(10), "", Y(10), "taken", "R46"}},
     Y(10),
     0,
     false,
     GJ_OK},
    {"own suffices",
     "ONE",
     "SKIP",
     Y(20),
     {Y(20), -1},
     {{A, Y(20), "", 0, "skipped", "R43"}},
     Y(20),
     0,
     false,
     GJ_OK},
    {"an own account that says too much is cut",
     "CASCADE",
     "SKIP",
     Y(20),
     {Y(30), -1},
     {{0}},
     Y(20),
     0,
     false,
     GJ_OK},
    {"two own accounts in order",
     "CASCADE",
     "SKIP",
     Y(50),
     {Y(20), Y(100), -1},
     {{0}},
     Y(50),
     0,
     false,
     GJ_OK},
    {"retention shortens",
     "CASCADE",
     "SKIP",
     Y(500),
     {-1},
     {{A, Y(300), "R49", Y(300), "shortened", "R49"}},
     0,
     Y(200),
     false,
     GJ_OK},
    {"no balance anywhere is a settlement in cash",
     "CASCADE",
     "SKIP",
     Y(80),
     {-1},
     {{A, 0, "R50", 0, "skipped", "R50"}},
     0,
     Y(80),
     false,
     GJ_OK},
    {"no reason given is no balance",
     "CASCADE",
     "SKIP",
     Y(80),
     {-1},
     {{A, 0, "", 0, "skipped", "R50"}},
     0,
     Y(80),
     false,
     GJ_OK},
    {"an abnormal payer is passed over",
     "CASCADE",
     "SKIP",
     Y(60),
     {-1},
     {{A, 0, "R9", 0, "skipped", "R9"}, {A, Y(60), "", Y(60), "taken", "R47"}},
     0,
     0,
     false,
     GJ_OK},
    {"a lapsed patient pays himself only",
     "CASCADE",
     "SKIP",
     Y(100),
     {Y(40), -1},
     {{A, 0, "R3", 0, "skipped", "R3"}},
     Y(40),
     Y(60),
     false,
     GJ_OK},
    {"an unreachable payer is skipped",
     "CASCADE",
     "SKIP",
     Y(60),
     {-1},
     {{U, 0, "", 0, "unreachable", ""}, {A, Y(60), "", Y(60), "taken", "R47"}},
     0,
     0,
     true,
     GJ_OK},
    {"or refuses, by pack",
     "CASCADE",
     "REFUSE",
     Y(60),
     {-1},
     {{U, 0, "", 0, "unreachable", ""}, {A, Y(60), "", Y(60), "taken", "R47"}},
     0,
     0,
     true,
     GJ_ERR_PAYER_UNREACHABLE},
    {"but not where nothing was left to pay",
     "CASCADE",
     "REFUSE",
     Y(60),
     {-1},
     {{A, Y(60), "", Y(60), "taken", "R47"}, {U, 0, "", 0, "unreachable", ""}},
     0,
     0,
     false,
     GJ_OK},
    {"nor behind the ONE",
     "ONE",
     "REFUSE",
     Y(60),
     {-1},
     {{A, Y(10), "", Y(10), "taken", "R46"}, {U, 0, "", 0, "unreachable", ""}},
     0,
     Y(50),
     false,
     GJ_OK},
    {"nothing to pay is a valid bill",
     "CASCADE",
     "SKIP",
     0,
     {Y(5), -1},
     {{A, 0, "", 0, "skipped", "R43"}},
     0,
     0,
     false,
     GJ_OK},
    {"a single fen", "CASCADE", "SKIP", 1, {-1}, {{A, Y(1), "", 1, "taken", "R47"}}, 0, 0, false, GJ_OK},
};

struct input {
    struct gj_plan_answer home;
    struct gj_own_cover own[MAX];
    struct gj_source sources[MAX];
    struct gj_plan_cover covers[MAX];
};

static void make(const struct compose_case *from, struct input *ret) {
    memset(ret, 0, sizeof(*ret));
    ret->home.own = ret->own;
    ret->home.sources = ret->sources;
    gj_text_set(ret->home.draw, sizeof(ret->home.draw), from->draw);
    gj_text_set(ret->home.on_unreachable, sizeof(ret->home.on_unreachable), from->on_unreachable);
    gj_text_set(ret->home.pack.pack, sizeof(ret->home.pack.pack), "home-2025");
    ret->home.pack.version = 3;
    static const char *const own[] = {"P/me/prior", "P/me/current", "P/me/mutual", "P/me/suspense"};
    for (uint32_t i = 0; i < MAX && from->own[i] >= 0; i++) {
        ret->own[i].cover = from->own[i];
        gj_text_set(ret->own[i].account, sizeof(ret->own[i].account), own[i]);
        ret->home.n_own++;
    }
    for (uint32_t i = 0; i < MAX && from->sources[i].state != 0; i++) {
        ret->covers[i].state = from->sources[i].state;
        ret->covers[i].cover = from->sources[i].cover_fen;
        gj_text_set(ret->covers[i].rule, sizeof(ret->covers[i].rule), from->sources[i].rule);
        gj_text_set(ret->covers[i].account, sizeof(ret->covers[i].account), "P/p/prior");
        gj_text_set(ret->covers[i].pack.pack, sizeof(ret->covers[i].pack.pack), "payer-2025");
        ret->sources[i].binding_ref[0] = (char)('a' + i);
        gj_text_set(ret->sources[i].region, sizeof(ret->sources[i].region), "330200");
        gj_text_set(ret->sources[i].relation, sizeof(ret->sources[i].relation), "child");
        ret->home.n_sources++;
    }
}

static void check_lines(const struct compose_case *from, const struct input *in,
                        const struct gj_composed *got) {
    uint32_t n_self = in->home.n_own > 0 ? in->home.n_own : 1;
    assert_int_equal(got->n_explain, n_self + in->home.n_sources);
    for (uint32_t i = 0; i < in->home.n_sources; i++) {
        const struct gj_explain_line *line = &got->explain[n_self + i];
        const struct source_case *want = &from->sources[i];
        assert_string_equal(line->source, "relative");
        assert_string_equal(line->binding_id, in->sources[i].binding_ref);
        assert_string_equal(line->result, want->result);
        assert_string_equal(line->rule, want->named);
        assert_string_equal(line->pack, "payer-2025");
        assert_int_equal(line->amount, want->take_fen);
    }
}

static void every_case(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct compose_case *from = &cases[i];
        struct input in;
        struct gj_composed got;
        print_message("  %s\n", from->name);
        make(from, &in);
        gj_compose(from->payable_fen, "360800", &in.home, in.covers, &got);
        assert_int_equal(got.err, from->err);
        assert_int_equal(got.own_fen, from->own_fen);
        assert_int_equal(from->payable_fen - got.own_fen - got.mulaid_fen, from->cash_fen);
        assert_int_equal(got.degraded, from->degraded);
        assert_int_equal(gj_compose_own(from->payable_fen, &in.home), from->own_fen);
        check_lines(from, &in, &got);
        int64_t sum = 0;
        for (uint32_t k = 0; k < got.n_picks; k++) {
            assert_true(got.picks[k].amount_fen > 0);
            if (k > 0) assert_true(got.picks[k].relative >= got.picks[k - 1].relative); /* own first */
            sum += got.picks[k].amount_fen;
        }
        assert_int_equal(sum, got.own_fen + got.mulaid_fen);
    }
}

/* A source that nobody was asked about has no line and gives nothing. */
static void unasked_is_silent(void **state) {
    (void)state;
    struct input in;
    struct gj_composed got;
    make(&cases[5], &in);
    in.covers[0].state = GJ_COVER_UNASKED;
    gj_compose(Y(20), "360800", &in.home, in.covers, &got);
    assert_int_equal(got.n_explain, 1);
    assert_string_equal(got.explain[0].source, "self");
    assert_string_equal(got.explain[0].rule, "R43");
    assert_string_equal(got.explain[0].pack, "home-2025");
}

/* Money can only come from a sub-account: whatever else a peer names is no source. */
static void an_odd_account_is_no_source(void **state) {
    (void)state;
    static const char *const odd[] = {"",          "P/p",  "P/p/", "I/H45010000001", "R/330200/360800",
                                      "X/opening", "prior"};
    for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        struct input in;
        struct gj_composed got;
        make(&cases[0], &in);
        gj_text_set(in.covers[2].account, sizeof(in.covers[2].account), odd[i]);
        gj_text_set(in.own[0].account, sizeof(in.own[0].account), odd[i]);
        gj_compose(Y(400), "360800", &in.home, in.covers, &got);
        assert_int_equal(got.own_fen, 0);
        assert_int_equal(got.mulaid_fen, Y(170));
        assert_null(gj_account_sub(odd[i]));
    }
    assert_string_equal(gj_account_sub("P/x/suspense"), "suspense");
}

static void lines_of_payers(void **state) {
    (void)state;
    struct input in;
    struct gj_composed got;
    struct gj_pay_line lines[GJ_LEGS_MAX];
    make(&cases[0], &in);
    gj_text_set(in.sources[1].payer_masked, sizeof(in.sources[1].payer_masked), "W**");
    gj_compose(Y(400), "360800", &in.home, in.covers, &got);
    assert_int_equal(gj_compose_payers(&got, "360800", &in.home, lines), 4);
    assert_string_equal(lines[0].payer, "self");
    assert_string_equal(lines[0].region, "360800");
    assert_string_equal(lines[0].binding_id, "");
    assert_string_equal(lines[2].payer, "relative");
    assert_string_equal(lines[2].region, "330200");
    assert_string_equal(lines[2].binding_id, "b");
    assert_string_equal(lines[2].relation, "child");
    assert_string_equal(lines[2].payer_masked, "W**");
    assert_string_equal(lines[2].acct_type, "prior");
    assert_int_equal(lines[2].amount, Y(70));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_case),
        cmocka_unit_test(unasked_is_silent),
        cmocka_unit_test(an_odd_account_is_no_source),
        cmocka_unit_test(lines_of_payers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * A crash at every point of a settlement, a refund and a binding over three provinces: each node in turn dies in
 * its k-th step, with what it had to say already on the line or not yet, for every k until a run passes untouched.
 * Restarted, it must all end well: one outcome everywhere, one final answer, money moved once or not at all.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/pilot.h"

#define NODES   3u
#define PATIENT 10 /* at HOME, with 30 yuan of his own */
#define PAYER   11 /* at EAST, with 500 */
#define Y(yuan) ((int64_t)(yuan)*100)

enum story { SETTLE, REFUND, BIND, STORIES };
static const char *const story_words[STORIES] = {"settlement", "refund", "binding"};

/* What a dying node's last step had to say: on the line, or lost with it. */
enum last_words { SAID, UNSAID };

struct blow {
    size_t node;
    uint64_t at_step; /* from the beginning of the request, from 1 */
    enum last_words last_words;
    int64_t down_ms;
};

struct run {
    struct gj_pilot *pilot;
    enum story story;
    uint64_t ticket;
    /* request */
    enum gj_request_kind kind;
    union {
        struct gj_req_bill bill;
        struct gj_req_refund refund;
        struct gj_req_bind bind;
    } body;
    /* the blow that is waited for */
    const struct blow *blow;
    uint64_t target;
    bool is_muted;
};

static uint64_t steps_of(struct run *run, size_t node) {
    struct gj_engine *engine = gj_cluster_engine(run->pilot->cluster, node);
    return engine == NULL ? 0 : gj_engine_counts_of(engine)->steps;
}

static void on_network(void *ctx, const struct gj_cluster_flight *flight, struct gj_cluster_fate *fate) {
    struct run *run = ctx;
    fate->delay_ms = 1 + (int64_t)(flight->number % 3); /* so that steps stand apart */
    if (run->blow == NULL || flight->from != run->blow->node || run->blow->last_words == SAID) return;
    if (steps_of(run, flight->from) >= run->target) fate->copies = 0;
}

static bool is_struck(void *ctx) {
    struct run *run = ctx;
    return steps_of(run, run->blow->node) >= run->target;
}

static bool is_over(void *ctx) {
    struct run *run = ctx;
    return gj_cluster_is_answered(run->pilot->cluster, run->ticket) && gj_pilot_is_quiet(run->pilot);
}

static bool is_struck_or_over(void *ctx) {
    return is_struck(ctx) || is_over(ctx);
}

/* --- before the blow -------------------------------------------------------------------------------------- */

static void begin(struct run *run, enum story story, const char *folder) {
    char id[GJ_REF_MAX + 1];
    struct gj_req_bill bill;
    memset(run, 0, sizeof *run);
    const struct gj_pilot_config config = {
        .n_nodes = NODES, .seed = 1, .folder = folder, .ctx = run, .network = on_network};
    run->story = story;
    run->pilot = gj_pilot_new(&config);
    gj_pilot_person(run->pilot, GJ_PILOT_HOME, PATIENT, Y(30));
    gj_pilot_person(run->pilot, GJ_PILOT_EAST, PAYER, Y(500));
    if (story == BIND) {
        run->kind = GJ_REQUEST_BIND;
        gj_pilot_bind_body(run->pilot, &run->body.bind, GJ_PILOT_EAST, PAYER, GJ_PILOT_HOME, PATIENT);
        return;
    }
    gj_pilot_bind(run->pilot, GJ_PILOT_EAST, PAYER, GJ_PILOT_HOME, PATIENT, id);
    gj_pilot_bill(run->pilot, &bill, GJ_PILOT_HOME, PATIENT, Y(100), 0);
    if (story == REFUND) {
        gj_pilot_settle(run->pilot, &bill, id);
        run->kind = GJ_REQUEST_REFUND;
        gj_pilot_refund_body(run->pilot, &run->body.refund, id,
                             Y(80)); /* 70 of the payer, 10 of the patient */
    } else {
        run->kind = GJ_REQUEST_SETTLE;
        run->body.bill = bill;
    }
    assert_true(gj_pilot_settle_down(run->pilot, 60000));
}

static void ask(struct run *run) {
    run->ticket = gj_cluster_submit(run->pilot->cluster, GJ_PILOT_CARE, run->kind, &run->body);
}

/* False if the story was over before. */
static bool strike(struct run *run, const struct blow *blow) {
    struct gj_cluster *cluster = run->pilot->cluster;
    run->blow = blow;
    run->target = steps_of(run, blow->node) + blow->at_step;
    (void)gj_cluster_run(cluster, is_struck_or_over, run, 30000);
    bool struck = is_struck(run);
    run->blow = NULL;
    if (struck) gj_cluster_crash(cluster, blow->node);
    return struck;
}

static void rise(struct run *run, const struct blow *blow) {
    struct gj_cluster *cluster = run->pilot->cluster;
    (void)gj_cluster_run(cluster, NULL, NULL, blow->down_ms);
    gj_cluster_restart(cluster, blow->node, GJ_WITNESS_EQUAL_OR_BEHIND);
    assert_true(gj_cluster_is_up(cluster, blow->node));
}

/* --- afterwards ------------------------------------------------------------------------------------------------ */

/* What a client may keep: which answer, and which thing it names. */
struct verdict {
    enum gj_answer_kind kind;
    char code[GJ_CODE_MAX + 1], ref[GJ_REF_MAX + 1];
};

/* False while it is not final. */
static bool read_verdict(struct run *run, struct verdict *ret) {
    const void *body = NULL;
    *ret = (struct verdict){.kind = gj_cluster_answer(run->pilot->cluster, run->ticket, &body)};
    if (ret->kind == GJ_ANSWER_NONE) return false;
    assert_int_equal(gj_cluster_answers(run->pilot->cluster, run->ticket), 1);
    if (ret->kind == GJ_ANSWER_PROBLEM) {
        const struct gj_ans_problem *problem = body;
        gj_text_set(ret->code, sizeof ret->code, problem->code);
        if (strcmp(problem->outcome, "in_progress") == 0) return false;
        assert_string_equal(problem->outcome, "refused");
        /* Nothing was stored for these: the same message may come again. */
        return strcmp(problem->code, "BUSY") != 0 && strcmp(problem->code, "GATE") != 0;
    }
    if (ret->kind == GJ_ANSWER_SETTLEMENT)
        gj_text_set(ret->ref, sizeof ret->ref, ((const struct gj_ans_settlement *)body)->setl_id);
    if (ret->kind == GJ_ANSWER_REFUND)
        gj_text_set(ret->ref, sizeof ret->ref, ((const struct gj_ans_refund *)body)->refund_id);
    if (ret->kind == GJ_ANSWER_BINDING)
        gj_text_set(ret->ref, sizeof ret->ref, ((const struct gj_ans_binding *)body)->binding_id);
    assert_true(ret->ref[0] != '\0');
    return true;
}

static bool is_answered(void *ctx) {
    const struct run *run = ctx;
    return gj_cluster_is_answered(run->pilot->cluster, run->ticket);
}

/* The client asks until it hears the end. */
static void ask_until_final(struct run *run, struct verdict *ret) {
    for (int i = 0; i < 60; i++) {
        ask(run);
        (void)gj_cluster_run(run->pilot->cluster, is_answered, run, 30000);
        if (read_verdict(run, ret)) return;
        (void)gj_cluster_run(run->pilot->cluster, NULL, NULL, 2000);
    }
    fail_msg("no final answer");
}

static void expect_balance(struct run *run, size_t node, const char *account, int64_t fen) {
    int64_t found = gj_pilot_balance(run->pilot, node, account);
    if (found != fen) print_message("%s\n", account);
    assert_int_equal(found, fen);
}

static void expect_money(struct run *run, bool done) {
    bool settled = run->story == REFUND || (run->story == SETTLE && done);
    int64_t back = run->story == REFUND && done ? 1 : 0;
    expect_balance(run, GJ_PILOT_HOME, "P/p10/prior", Y(30) - (settled ? Y(30) : 0) + back * Y(10));
    expect_balance(run, GJ_PILOT_EAST, "P/p11/prior", Y(500) - (settled ? Y(70) : 0) + back * Y(70));
    expect_balance(run, GJ_PILOT_CARE, "I/" GJ_PILOT_HOSPITAL, (settled ? Y(100) : 0) - back * Y(80));
}

/* Returns true if the request was done in the end. */
static bool end_well(struct run *run) {
    struct verdict early, final, again;
    bool was_final = read_verdict(run, &early);
    ask_until_final(run, &final);
    assert_true(gj_pilot_settle_down(run->pilot, 400000));
    for (int i = 0; i < 2; i++) {
        ask_until_final(run, &again);
        assert_memory_equal(&again, &final, sizeof final);
    }
    if (was_final) assert_memory_equal(&early, &final, sizeof final);
    bool done = final.kind != GJ_ANSWER_PROBLEM;
    assert_int_equal(gj_pilot_differences(run->pilot), 0);
    expect_money(run, done);
    assert_int_equal(gj_cluster_alarms(run->pilot->cluster), 0);
    gj_pilot_free(&run->pilot);
    return done;
}

/* --- one node ------------------------------------------------------------------------------------------------------ */

static const int64_t down_ms[] = {200, 2500, 4000, 20000};

static void a_crash_at_every_point(void **state) {
    (void)state;
    for (int story = 0; story < STORIES; story++) {
        unsigned runs = 0, done = 0;
        for (size_t node = 0; node < NODES; node++) {
            for (int last_words = SAID; last_words <= UNSAID; last_words++) {
                bool struck = true;
                uint64_t step = 0;
                while (struck) {
                    struct run run;
                    step++;
                    const struct blow blow = {node, step, (enum last_words)last_words, down_ms[step % 4]};
                    begin(&run, (enum story)story, NULL);
                    ask(&run);
                    struck = strike(&run, &blow);
                    if (struck) rise(&run, &blow);
                    bool is_done = end_well(&run);
                    if (!struck) assert_true(is_done); /* untouched, it simply works */
                    if (is_done) done++;
                    runs++;
                }
                assert_true(step > 2); /* it took part */
            }
        }
        print_message("%s: %u runs, %u done, %u refused\n", story_words[story], runs, done, runs - done);
        assert_true(done > runs / 4);
    }
}

/* --- two nodes ------------------------------------------------------------------------------------------------------- */

static void two_crashes(void **state) {
    (void)state;
    unsigned runs = 0, both = 0;
    for (int story = 0; story < STORIES; story++) {
        for (size_t first = 0; first < NODES; first++) {
            for (size_t second = 0; second < NODES; second++) {
                for (uint64_t grid = 0; grid < 9; grid++) {
                    struct run run;
                    const struct blow one = {first, 1 + grid % 3, grid % 2 ? SAID : UNSAID,
                                             down_ms[grid % 4]};
                    const struct blow two = {second, 1 + grid / 3, grid % 4 < 2 ? SAID : UNSAID,
                                             down_ms[(grid + 1) % 4]};
                    bool rises_between = first == second || grid % 2 == 0;
                    begin(&run, (enum story)story, NULL);
                    ask(&run);
                    bool struck = strike(&run, &one);
                    /* The second dies while the first is down, or after it rose; or it is the same, in recovery. */
                    if (struck && rises_between) rise(&run, &one);
                    bool struck_too = strike(&run, &two);
                    if (struck && !rises_between) rise(&run, &one);
                    if (struck_too) rise(&run, &two);
                    if (struck && struck_too) both++;
                    (void)end_well(&run);
                    runs++;
                }
            }
        }
    }
    print_message("%u runs, %u with two crashes\n", runs, both);
    assert_true(both > runs / 2);
}

/* --- on files --------------------------------------------------------------------------------------------------------- */

static void remove_folder(const char *folder) {
    static const char *const nodes[] = {"450000", "360000", "330000"};
    static const char *const tails[] = {".db", ".db-wal", ".db-shm", ".db.lock"};
    for (size_t i = 0; i < 3; i++) {
        for (size_t k = 0; k < 4; k++) {
            char path[200];
            (void)snprintf(path, sizeof path, "%s/%s%s", folder, nodes[i], tails[k]);
            (void)unlink(path);
        }
    }
    assert_int_equal(rmdir(folder), 0);
}

/* The same on SQLite: what a crash leaves is what the file holds. */
static void a_crash_on_files(void **state) {
    (void)state;
    for (size_t node = 0; node < NODES; node++) {
        for (uint64_t step = 2; step <= 6; step += 2) {
            struct run run;
            char folder[] = "/tmp/gongji-crash-XXXXXX";
            const struct blow blow = {node, step, step % 4 == 0 ? SAID : UNSAID, 2500};
            assert_non_null(mkdtemp(folder));
            begin(&run, SETTLE, folder);
            ask(&run);
            if (strike(&run, &blow)) rise(&run, &blow);
            (void)end_well(&run);
            remove_folder(folder);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_crash_at_every_point),
        cmocka_unit_test(two_crashes),
        cmocka_unit_test(a_crash_on_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

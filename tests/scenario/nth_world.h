/* SPDX-License-Identifier: Apache-2.0
 *
 * The story of the n-th failure loops: a node starts, serves a settlement and a refund, and stops, while something
 * of one node fails. The client does what a client must: as long as the outcome is not known it asks again with the
 * same words; what was refused, and might not be another time, it asks anew. What must hold afterwards does not
 * depend on where the failure was.
 */
#ifndef GJ_TESTS_SCENARIO_NTH_WORLD_H
#define GJ_TESTS_SCENARIO_NTH_WORLD_H

#include "support/faulty_store.h"
#include "unit/domain/desk_world.h"

#define NTH_PATIENT 10
#define NTH_PAYER   11
#define NTH_FEE     Y(500)
#define NTH_PAYABLE Y(400)
#define NTH_REFUND  Y(50)
#define NTH_ASKS    12

struct nth {
    struct desk desk;
    size_t node; /* where it fails */
    struct gj_faulty faulty;
    struct gj_store *opened[NODES];  /* under the wrapper */
    void (*reopen)(struct nth *nth); /* before each start of it, for a store in a file; NULL: it stays open */
    bool settled, refunded;
    int64_t acct_pay;
};

static inline struct gj_store *nth_wrap(void *ctx, size_t node, struct gj_store *opened) {
    struct nth *nth = ctx;
    if (node != nth->node) return opened;
    gj_store_close(&nth->opened[node]);
    nth->opened[node] = opened;
    return gj_faulty_store_new(opened, &nth->faulty);
}

/* People, institution, one binding; nothing has failed. |network| may be NULL. */
static inline void nth_open_with(struct nth *nth, size_t node,
                                 void (*network)(void *ctx, const struct gj_cluster_flight *flight,
                                                 struct gj_cluster_fate *fate),
                                 struct gj_store *(*wrap)(void *ctx, size_t node, struct gj_store *opened)) {
    struct desk *desk = &nth->desk;
    char binding[GJ_REF_MAX + 1];
    memset(nth, 0, sizeof *nth);
    nth->node = node;
    desk->pack = (struct gj_pack){.id = "default",
                                  .region = "000000",
                                  .version = 1,
                                  .valid_from = 20200101,
                                  .relations = 1u << GJ_RELATION_CHILD,
                                  .own_order = {GJ_SUB_PRIOR},
                                  .n_own_order = 1,
                                  .reach = GJ_REACH_NATIONAL,
                                  .uses = 1u << GJ_USE_OUTPATIENT,
                                  .digest = {{GJ_HASH_SM3, 1}}};
    desk->packs = (struct gj_packs){&desk->pack, 1};
    const struct gj_cluster_config config = {.nodes = desk_nodes,
                                             .n_nodes = NORTH, /* without the last one */
                                             .packs = &desk->packs,
                                             .alg = GJ_SIGN_ED25519,
                                             .seed = 42,
                                             .ctx = nth,
                                             .network = network,
                                             .wrap = wrap};
    desk->cluster = gj_cluster_new(&config);
    gj_cluster_edit(desk->cluster, CARE, desk_add_hospital, NULL);
    desk_person(desk, NTH_PATIENT, "360800", "310", Y(30));
    desk_person(desk, NTH_PAYER, "330200", "310", Y(1000));
    gj_cluster_start(desk->cluster);
    desk_bind(desk, NTH_PAYER, "330200", NTH_PATIENT, "360800", binding);
    nth->faulty = (struct gj_faulty){0};
}

static inline void nth_open(struct nth *nth, size_t node,
                            void (*network)(void *ctx, const struct gj_cluster_flight *flight,
                                            struct gj_cluster_fate *fate)) {
    nth_open_with(nth, node, network, nth_wrap);
}

static inline void nth_close(struct nth *nth) {
    gj_cluster_free(&nth->desk.cluster);
    for (size_t i = 0; i < NODES; i++)
        gj_store_close(&nth->opened[i]);
}

/* Whoever ended by itself is started again, as often as it takes. */
static inline void nth_restart(struct nth *nth) {
    struct gj_cluster *cluster = nth->desk.cluster;
    for (unsigned tries = 0; !gj_cluster_is_up(cluster, nth->node); tries++) {
        assert_true(tries < 4);
        gj_cluster_advance(cluster, 1000);
        if (nth->reopen != NULL) nth->reopen(nth);
        gj_cluster_restart(cluster, nth->node, GJ_WITNESS_EQUAL_OR_BEHIND);
        (void)gj_cluster_run(cluster, NULL, NULL, 2000); /* until it is heard again */
    }
}

struct nth_wait {
    struct nth *nth;
    uint64_t ticket;
};

static inline bool nth_is_over(void *ctx) {
    const struct nth_wait *wait = ctx;
    const struct gj_cluster *cluster = wait->nth->desk.cluster;
    return gj_cluster_is_answered(cluster, wait->ticket) || !gj_cluster_is_up(cluster, wait->nth->node);
}

/* Asks until the answer is final; GJ_ANSWER_NONE would mean that it never was. */
static inline enum gj_answer_kind nth_ask(struct nth *nth, enum gj_request_kind kind, const void *body,
                                          char msgid[GJ_MSGID_MAX + 1], const void **ret) {
    struct gj_cluster *cluster = nth->desk.cluster;
    for (unsigned asks = 0; asks < NTH_ASKS; asks++) {
        nth_restart(nth);
        struct nth_wait wait = {nth, gj_cluster_submit(cluster, CARE, kind, body)};
        (void)gj_cluster_run(cluster, nth_is_over, &wait, GJ_CLUSTER_REQUEST_MS);
        enum gj_answer_kind answer = gj_cluster_answer(cluster, wait.ticket, ret);
        if (answer == GJ_ANSWER_NONE) continue;
        const struct gj_ans_problem *problem = *ret;
        if (answer != GJ_ANSWER_PROBLEM) return answer;
        (void)gj_cluster_run(cluster, NULL, NULL, 3000);
        if (strcmp(problem->outcome, "in_progress") == 0) continue;
        if (!gj_err_is_retryable(gj_err_from_name(problem->code))) return answer;
        desk_msgid(&nth->desk, msgid);
    }
    return GJ_ANSWER_NONE;
}

/* From here on calls are counted, and one of them fails. */
static inline void nth_play(struct nth *nth) {
    struct gj_cluster *cluster = nth->desk.cluster;
    struct gj_req_bill bill;
    struct gj_req_refund refund = {.sender = HOSPITAL, .amount = NTH_REFUND};
    const void *answer = NULL;
    char setl_id[GJ_REF_MAX + 1];

    gj_cluster_crash(cluster, nth->node);
    nth_restart(nth);
    desk_bill(&nth->desk, &bill, NTH_PATIENT, "360800", NTH_FEE, NTH_PAYABLE);
    desk_expect_cash(&bill, 0);
    enum gj_answer_kind kind = nth_ask(nth, GJ_REQUEST_SETTLE, &bill, bill.msgid, &answer);
    assert_true(kind == GJ_ANSWER_SETTLEMENT || kind == GJ_ANSWER_PROBLEM);
    nth->settled = kind == GJ_ANSWER_SETTLEMENT;
    if (nth->settled) {
        const struct gj_ans_settlement *settlement = answer;
        nth->acct_pay = settlement->acct_pay;
        gj_text_set(setl_id, sizeof setl_id, settlement->setl_id);
        gj_text_set(refund.setl_id, sizeof refund.setl_id, setl_id);
        desk_msgid(&nth->desk, refund.msgid);
        kind = nth_ask(nth, GJ_REQUEST_REFUND, &refund, refund.msgid, &answer);
        assert_true(kind == GJ_ANSWER_REFUND || kind == GJ_ANSWER_PROBLEM);
        nth->refunded = kind == GJ_ANSWER_REFUND;
    }
    nth_restart(nth);
    gj_engine_drain(gj_cluster_engine(cluster, nth->node));
    (void)gj_cluster_run(cluster, NULL, NULL, 5000);
    if (gj_cluster_is_up(cluster, nth->node))
        gj_cluster_crash(cluster, nth->node); /* the process has ended */
}

static inline void nth_look(void *ctx, struct gj_turn *turn) {
    static const char *const undecided[] = {"PREPARED", "BEGUN"};
    struct gj_part_row part = {.since_ms = 0};
    struct gj_coord_row coord = {.begun_ms = 0};
    struct gj_rows rows;
    (void)ctx;
    gj_store_find(turn->store, &gj_table_part, NULL, &part, 0, NULL, 100, turn->scratch, &rows);
    for (size_t i = 0; i < rows.n; i++)
        assert_string_not_equal(((const struct gj_part_row *)rows.items)[i].state, undecided[0]);
    gj_store_find(turn->store, &gj_table_coord, NULL, &coord, 0, NULL, 100, turn->scratch, &rows);
    for (size_t i = 0; i < rows.n; i++)
        assert_string_not_equal(((const struct gj_coord_row *)rows.items)[i].state, undecided[1]);
}

/* The failure is over: what the client was told is what the books say, on every node, and nothing is half done. */
static inline void nth_check(struct nth *nth) {
    struct gj_cluster *cluster = nth->desk.cluster;
    uint64_t held = 0;
    nth->faulty.fail_at_call = nth->faulty.commits_until_fault = 0;
    nth_restart(nth);
    (void)gj_cluster_run(cluster, NULL, NULL, 1000000);
    for (size_t i = 0; i < NORTH; i++) {
        gj_cluster_edit(cluster, i, desk_check, &held);
        gj_cluster_edit(cluster, i, nth_look, NULL);
    }
    assert_int_equal(held, 0);
    int64_t moved = nth->settled ? nth->acct_pay - (nth->refunded ? NTH_REFUND : 0) : 0;
    int64_t left =
        desk_balance(&nth->desk, HOME, "P/p10/prior") + desk_balance(&nth->desk, EAST, "P/p11/prior");
    assert_int_equal(desk_balance(&nth->desk, CARE, "I/" HOSPITAL), moved);
    assert_int_equal(left, Y(1030) - moved);
    assert_int_equal(desk_balance(&nth->desk, CARE, "R/360800/450100") +
                         desk_balance(&nth->desk, HOME, "R/360800/450100"),
                     0);
    assert_int_equal(desk_balance(&nth->desk, CARE, "R/330200/450100") +
                         desk_balance(&nth->desk, EAST, "R/330200/450100"),
                     0);
    for (size_t i = 0; i < NORTH; i++) {
        assert_int_equal(gj_cluster_events(cluster, i, GJ_EVENT_EQUIVOCATION), 0);
        assert_int_equal(gj_cluster_events(cluster, i, GJ_EVENT_VIOLATION), 0);
        assert_int_equal(gj_cluster_events(cluster, i, GJ_EVENT_RESYNC_NEEDED), 0);
        assert_int_equal(gj_cluster_events(cluster, i, GJ_EVENT_BAD_CERTIFICATE), 0);
    }
}

#endif

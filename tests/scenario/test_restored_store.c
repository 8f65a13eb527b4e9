/* SPDX-License-Identifier: Apache-2.0
 *
 * A node whose store was put back from an older copy, with real engines: it finds out by itself, from what a peer
 * saw of it or from a certificate with its own YES, goes into RESYNC, and promises nothing any more.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/tables.h"
#include "support/pilot.h"

#define PATIENT 10 /* at HOME */
#define PAYER   11 /* at EAST */
#define Y(yuan) ((int64_t)(yuan)*100)

struct world {
    struct gj_pilot *pilot;
    size_t deaf;         /* no WELCOME reaches it; GJ_PILOT_NODES: all do */
    enum gj_kind losing; /* no such message reaches anybody */
    unsigned every;      /* each so-manieth parcel is lost, the one before it comes twice; 0: none */
};

static bool carries(struct gj_slice frame, enum gj_kind kind) {
    static _Alignas(max_align_t) uint8_t memory[1 << 19];
    struct gj_arena arena;
    struct gj_parcel parcel;
    gj_arena_init(&arena, memory, sizeof memory);
    if (gj_parcel_read(frame, &arena, &parcel) != GJ_OK) return false;
    for (uint32_t i = 0; i < parcel.n_items; i++) {
        struct gj_message message;
        struct gj_fault fault;
        if (gj_message_decode(parcel.items[i].message, &arena, &message, &fault) == GJ_OK &&
            message.kind == kind)
            return true;
    }
    return false;
}

static void on_network(void *ctx, const struct gj_cluster_flight *flight, struct gj_cluster_fate *fate) {
    struct world *w = ctx;
    if (w->every > 0 && flight->number % w->every == 0) fate->copies = 0;
    if (w->every > 0 && flight->number % w->every == 1) fate->copies = 2;
    if (flight->to == w->deaf && carries(flight->parcel, GJ_KIND_WELCOME)) fate->copies = 0;
    if (w->losing != GJ_KIND_NONE && carries(flight->parcel, w->losing)) fate->copies = 0;
}

static void open_world(struct world *w) {
    char id[GJ_REF_MAX + 1];
    *w = (struct world){.deaf = GJ_PILOT_NODES};
    const struct gj_pilot_config config = {.seed = 3, .ctx = w, .network = on_network};
    w->pilot = gj_pilot_new(&config);
    gj_pilot_person(w->pilot, GJ_PILOT_HOME, PATIENT, Y(30));
    gj_pilot_person(w->pilot, GJ_PILOT_EAST, PAYER, Y(500));
    gj_pilot_bind(w->pilot, GJ_PILOT_EAST, PAYER, GJ_PILOT_HOME, PATIENT, id);
    assert_true(gj_pilot_settle_down(w->pilot, 60000));
}

static struct gj_store *backup_of(struct world *w, size_t node) {
    struct gj_store *copy = NULL;
    assert_int_equal(gj_store_clone_memory(gj_cluster_store(w->pilot->cluster, node), &copy), GJ_OK);
    return copy;
}

/* The node is down; what it had is lost, and the copy is in its place. */
static void restore(struct world *w, size_t node, struct gj_store *copy) {
    struct gj_store *lost = gj_cluster_swap_store(w->pilot->cluster, node, copy);
    gj_store_close(&lost);
    gj_cluster_advance(w->pilot->cluster, 2000); /* the machine was away for a while */
    gj_cluster_restart(w->pilot->cluster, node, GJ_WITNESS_EQUAL_OR_BEHIND);
}

static void settle_100(struct world *w, enum gj_answer_kind *ret) {
    struct gj_req_bill bill;
    const void *answer = NULL;
    gj_pilot_bill(w->pilot, &bill, GJ_PILOT_HOME, PATIENT, Y(100), 0);
    *ret = gj_cluster_request(w->pilot->cluster, GJ_PILOT_CARE, GJ_REQUEST_SETTLE, &bill, &answer);
}

static void expect_resync(struct world *w, size_t node) {
    struct gj_cluster *cluster = w->pilot->cluster;
    const struct gj_req_get get = {.what = "node"};
    const void *answer = NULL;
    assert_int_equal(gj_cluster_events(cluster, node, GJ_EVENT_RESYNC_NEEDED), 1);
    assert_int_equal(gj_cluster_request(cluster, node, GJ_REQUEST_GET, &get, &answer), GJ_ANSWER_NODE);
    assert_string_equal(((const struct gj_ans_node *)answer)->state, "resync");
}

/* Its own clients are told so; asked by others it does not vote, and nobody waits for it for ever. */
static void expect_no_work(struct world *w, size_t node) {
    struct gj_cluster *cluster = w->pilot->cluster;
    struct gj_req_verify verify = {.purpose = "check",
                                   .consent_ref = "c",
                                   .insuplc_admdvs = "360800",
                                   .psn_cert_type = "99",
                                   .certno = "X1",
                                   .psn_name = "x",
                                   .msgid = "v1"};
    const void *answer = NULL;
    gj_text_set(verify.sender, sizeof verify.sender, gj_cluster_directory(cluster, node)->self);
    memcpy(verify.sender + strlen(verify.sender), "/test", 6);
    assert_int_equal(gj_cluster_request(cluster, node, GJ_REQUEST_VERIFY, &verify, &answer),
                     GJ_ANSWER_PROBLEM);
    assert_string_equal(((const struct gj_ans_problem *)answer)->code, "RESYNC");
    uint64_t votes = gj_cluster_events(cluster, node, GJ_EVENT_VOTED_YES) +
                     gj_cluster_events(cluster, node, GJ_EVENT_VOTED_NO);
    if (node != GJ_PILOT_CARE) {
        enum gj_answer_kind kind;
        settle_100(w, &kind);
        assert_int_equal(kind, GJ_ANSWER_PROBLEM);
    }
    (void)gj_cluster_run(cluster, NULL, NULL, 120000);
    assert_int_equal(gj_cluster_events(cluster, node, GJ_EVENT_VOTED_YES) +
                         gj_cluster_events(cluster, node, GJ_EVENT_VOTED_NO),
                     votes);
}

/* --- by what a peer saw ------------------------------------------------------------------------------------- */

struct healing {
    struct gj_cluster *cluster;
    size_t node;
};

static bool is_healed(void *ctx) {
    const struct healing *h = ctx;
    return gj_cluster_events(h->cluster, h->node, GJ_EVENT_RESYNC_DONE) > 0;
}

static void expect_found(struct world *w, size_t node) {
    struct healing h = {w->pilot->cluster, node};
    assert_true(gj_cluster_run(h.cluster, is_healed, &h, 60000));
    assert_int_equal(gj_cluster_events(h.cluster, node, GJ_EVENT_RESYNC_NEEDED), 1);
    assert_int_equal(gj_cluster_events(h.cluster, node, GJ_EVENT_CASE_OPENED), 0);
}

/* It has found the loss and got over it. */
static void expect_healed(struct world *w, size_t node) {
    expect_found(w, node);
    assert_true(gj_pilot_settle_down(w->pilot, 120000));
    assert_int_equal(gj_pilot_differences(w->pilot), 0);
}

/* Whoever lost a settlement, place of care, home or payer, has it again, and works on. */
static void a_restored_node_heals(void **state) {
    (void)state;
    for (size_t node = 0; node < 3; node++) {
        struct world w;
        enum gj_answer_kind kind;
        open_world(&w);
        struct gj_cluster *cluster = w.pilot->cluster;
        struct gj_store *copy = backup_of(&w, node);
        settle_100(&w, &kind);
        assert_int_equal(kind, GJ_ANSWER_SETTLEMENT);
        assert_true(gj_pilot_settle_down(w.pilot, 60000));
        gj_cluster_crash(cluster, node);
        restore(&w, node, copy);
        expect_healed(&w, node);
        assert_int_equal(gj_pilot_balance(w.pilot, GJ_PILOT_HOME, "P/p10/prior"), 0);
        assert_int_equal(gj_pilot_balance(w.pilot, GJ_PILOT_EAST, "P/p11/prior"), Y(430));
        settle_100(&w, &kind);
        assert_int_equal(kind, GJ_ANSWER_SETTLEMENT);
        assert_true(gj_pilot_settle_down(w.pilot, 60000));
        assert_int_equal(gj_pilot_balance(w.pilot, GJ_PILOT_EAST, "P/p11/prior"), Y(330));
        assert_int_equal(gj_pilot_differences(w.pilot), 0);
        /* The loss is found once: a later start knows of none. */
        gj_cluster_crash(cluster, node);
        gj_cluster_restart(cluster, node, GJ_WITNESS_EQUAL_OR_BEHIND);
        (void)gj_cluster_run(cluster, NULL, NULL, 10000);
        assert_int_equal(gj_cluster_events(cluster, node, GJ_EVENT_RESYNC_NEEDED), 1);
        for (size_t other = 0; other < GJ_PILOT_NODES; other++)
            if (other != node) assert_int_equal(gj_cluster_events(cluster, other, GJ_EVENT_RESYNC_NEEDED), 0);
        gj_pilot_free(&w.pilot);
    }
}

/* --- what is healed ----------------------------------------------------------------------------------------------- */

/* A day of work behind the copy: settlements, a partial refund, a reversal, a new binding that pays at once, one that
 * ended again. Returns the last settlement's message, to be asked for again. */
static void a_day(struct world *w, struct gj_req_bill *ret_bill, char ret_setl[GJ_REF_MAX + 1],
                  char ret_ended[GJ_REF_MAX + 1]) {
    struct gj_pilot *pilot = w->pilot;
    struct gj_req_bill bill;
    struct gj_req_refund refund;
    struct gj_req_reverse reverse;
    struct gj_req_unbind unbind = {.by = "payer", .sender = "330000/test", .msgid = "unbind-1"};
    char id[GJ_REF_MAX + 1];
    const void *answer = NULL;
    /* Records are told in the order of their names: number 10, a refund, stands before number 9, its original. */
    for (int number = 2; number < 9; number++) {
        gj_pilot_bill(pilot, &bill, GJ_PILOT_HOME, PATIENT, Y(1), Y(1));
        gj_pilot_settle(pilot, &bill, id);
    }
    gj_pilot_bill(pilot, &bill, GJ_PILOT_HOME, PATIENT, Y(100), Y(100));
    gj_pilot_settle(pilot, &bill, id);
    gj_pilot_refund_body(pilot, &refund, id, Y(45));
    assert_int_equal(gj_cluster_request(pilot->cluster, GJ_PILOT_CARE, GJ_REQUEST_REFUND, &refund, &answer),
                     GJ_ANSWER_REFUND);
    gj_pilot_bill(pilot, &bill, GJ_PILOT_HOME, PATIENT, Y(60), Y(60));
    gj_pilot_settle(pilot, &bill, id);
    gj_pilot_reverse_body(&reverse, bill.msgid);
    assert_int_equal(gj_cluster_request(pilot->cluster, GJ_PILOT_CARE, GJ_REQUEST_REVERSE, &reverse, &answer),
                     GJ_ANSWER_REVERSAL);
    gj_pilot_bind(pilot, GJ_PILOT_EAST, PAYER + 1, GJ_PILOT_HOME, PATIENT + 10, ret_ended);
    gj_text_set(unbind.binding_id, sizeof unbind.binding_id, ret_ended);
    assert_int_equal(gj_cluster_request(pilot->cluster, GJ_PILOT_EAST, GJ_REQUEST_UNBIND, &unbind, &answer),
                     GJ_ANSWER_BINDING);
    gj_pilot_bind(pilot, GJ_PILOT_EAST, PAYER, GJ_PILOT_HOME, PATIENT + 10, id);
    gj_pilot_bill(pilot, ret_bill, GJ_PILOT_HOME, PATIENT + 10, Y(80), Y(80));
    gj_pilot_settle(pilot, ret_bill, ret_setl);
    assert_true(gj_pilot_settle_down(pilot, 60000));
}

static void open_busy_world(struct world *w) {
    open_world(w);
    gj_pilot_person(w->pilot, GJ_PILOT_EAST, PAYER + 1, Y(50));
    gj_pilot_person(w->pilot, GJ_PILOT_HOME, PATIENT + 10, Y(10));
}

struct numbers {
    int64_t patient, other_patient, payer, hospital;
};

static struct numbers numbers_of(struct world *w) {
    return (struct numbers){gj_pilot_balance(w->pilot, GJ_PILOT_HOME, "P/p10/prior"),
                            gj_pilot_balance(w->pilot, GJ_PILOT_HOME, "P/p20/prior"),
                            gj_pilot_balance(w->pilot, GJ_PILOT_EAST, "P/p11/prior"),
                            gj_pilot_balance(w->pilot, GJ_PILOT_CARE, "I/" GJ_PILOT_HOSPITAL)};
}

static const char *binding_state(struct world *w, size_t node, const char *id) {
    static char state[GJ_WORD_MAX + 1];
    struct gj_req_get get = {.what = "binding"};
    const void *answer = NULL;
    gj_text_set(get.id, sizeof get.id, id);
    gj_text_set(get.sender, sizeof get.sender, "450000/test");
    memcpy(get.sender, gj_cluster_directory(w->pilot->cluster, node)->self, 6);
    if (gj_cluster_request(w->pilot->cluster, node, GJ_REQUEST_GET, &get, &answer) != GJ_ANSWER_BINDING)
        return "none";
    gj_text_set(state, sizeof state, ((const struct gj_ans_binding *)answer)->state);
    return state;
}

/* The client never heard and asks again: the same answer, and nothing is paid twice. */
static void ask_again(struct world *w, const struct gj_req_bill *bill, const char *setl_id) {
    const void *answer = NULL;
    assert_int_equal(gj_cluster_request(w->pilot->cluster, GJ_PILOT_CARE, GJ_REQUEST_SETTLE, bill, &answer),
                     GJ_ANSWER_SETTLEMENT);
    const struct gj_ans_settlement *settled = answer;
    assert_string_equal(settled->setl_id, setl_id);
    assert_int_equal(settled->acct_pay, Y(80));
    assert_int_equal(settled->acct_mulaid_pay, Y(70));
    assert_int_equal(settled->n_payers, 2);
}

static void expect_the_day(struct world *w, const struct numbers *before, const struct gj_req_bill *bill,
                           const char *setl_id) {
    struct numbers after = numbers_of(w);
    assert_int_equal(after.patient, before->patient);
    assert_int_equal(after.other_patient, before->other_patient);
    assert_int_equal(after.payer, before->payer);
    assert_int_equal(after.hospital, before->hospital);
    ask_again(w, bill, setl_id);
    assert_int_equal(gj_pilot_differences(w->pilot), 0);
}

/* The nodes of |lost|, a bit each, are put back to before the day, and find it out. */
static void lose_a_day(struct world *w, unsigned lost, struct gj_req_bill *ret_bill,
                       char ret_setl[GJ_REF_MAX + 1], char ret_ended[GJ_REF_MAX + 1],
                       struct numbers *ret_before) {
    struct gj_store *copies[3] = {NULL};
    open_busy_world(w);
    for (size_t node = 0; node < 3; node++)
        if ((lost >> node & 1) != 0) copies[node] = backup_of(w, node);
    a_day(w, ret_bill, ret_setl, ret_ended);
    *ret_before = numbers_of(w);
    for (size_t node = 0; node < 3; node++)
        if (copies[node] != NULL) gj_cluster_crash(w->pilot->cluster, node);
    for (size_t node = 0; node < 3; node++)
        if (copies[node] != NULL) restore(w, node, copies[node]);
}

/* Every kind of transaction, at every place that it touches, and at two of them at once. */
static void a_lost_day_comes_back(void **state) {
    (void)state;
    static const unsigned losses[] = {1, 2, 4, 6};
    for (size_t i = 0; i < sizeof losses / sizeof losses[0]; i++) {
        struct world w;
        struct gj_req_bill bill;
        struct numbers before;
        char setl_id[GJ_REF_MAX + 1], ended[GJ_REF_MAX + 1];
        lose_a_day(&w, losses[i], &bill, setl_id, ended, &before);
        for (size_t node = 0; node < 3; node++)
            if ((losses[i] >> node & 1) != 0) expect_found(&w, node);
        assert_true(gj_pilot_settle_down(w.pilot, 120000));
        expect_the_day(&w, &before, &bill, setl_id);
        /* That a binding ended only its two homes knew. */
        const char *is_ended = losses[i] == 6 ? "active" : "ended";
        assert_string_equal(binding_state(&w, GJ_PILOT_EAST, ended), is_ended);
        assert_string_equal(binding_state(&w, GJ_PILOT_HOME, ended), is_ended);
        gj_pilot_free(&w.pilot);
    }
}

/* What is lost on the line is asked for again, what comes twice changes nothing. */
static void a_bad_line_only_delays(void **state) {
    (void)state;
    for (unsigned every = 3; every < 7; every++) {
        struct world w;
        struct gj_req_bill bill;
        struct numbers before;
        char setl_id[GJ_REF_MAX + 1], ended[GJ_REF_MAX + 1];
        lose_a_day(&w, 1 << every % 3, &bill, setl_id, ended, &before);
        w.every = every;
        struct healing h = {w.pilot->cluster, every % 3};
        assert_true(gj_cluster_run(h.cluster, is_healed, &h, 120000));
        w.every = 0;
        assert_true(gj_pilot_settle_down(w.pilot, 120000));
        expect_the_day(&w, &before, &bill, setl_id);
        gj_pilot_free(&w.pilot);
    }
}

/* Wherever the healing node dies, the next start goes on with it, and everything is there once. */
static void a_crash_in_the_middle_is_harmless(void **state) {
    (void)state;
    for (unsigned lost = 1; lost <= 4; lost *= 2) {
        unsigned steps = 0;
        size_t node = lost == 4 ? 2 : lost - 1;
        for (bool is_over = false; !is_over; steps++) {
            struct world w;
            struct gj_req_bill bill;
            struct numbers before;
            char setl_id[GJ_REF_MAX + 1], ended[GJ_REF_MAX + 1];
            lose_a_day(&w, lost, &bill, setl_id, ended, &before);
            struct gj_cluster *cluster = w.pilot->cluster;
            for (int times = 0; times < 2; times++) {
                for (unsigned i = 0; i < steps; i++)
                    (void)gj_cluster_step(cluster);
                is_over = gj_cluster_events(cluster, node, GJ_EVENT_RESYNC_DONE) > 0;
                gj_cluster_crash(cluster, node);
                gj_cluster_advance(cluster, 1000);
                gj_cluster_restart(cluster, node, GJ_WITNESS_EQUAL_OR_BEHIND);
            }
            struct healing h = {cluster, node};
            assert_true(gj_cluster_run(cluster, is_healed, &h, 60000));
            assert_true(gj_pilot_settle_down(w.pilot, 120000));
            expect_the_day(&w, &before, &bill, setl_id);
            gj_pilot_free(&w.pilot);
        }
        assert_true(steps >= 3); /* greeted, asked, told */
    }
}

/* Its client hears that it is in progress, whatever he asks, and nothing is done a second time. */
static void expect_in_progress(struct world *w, const struct gj_req_bill *bill) {
    struct gj_cluster *cluster = w->pilot->cluster;
    struct gj_req_reverse reverse;
    struct gj_req_get get = {.what = "request"};
    gj_pilot_reverse_body(&reverse, bill->msgid);
    gj_text_set(get.sender, sizeof get.sender, bill->sender);
    gj_text_set(get.id, sizeof get.id, bill->msgid);
    const struct {
        enum gj_request_kind kind;
        const void *body;
    } asked[] = {{GJ_REQUEST_SETTLE, bill},
                 {GJ_REQUEST_REVERSE, &reverse},
                 {GJ_REQUEST_GET, &get},
                 {GJ_REQUEST_SETTLE, bill}};
    for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++) {
        const void *answer = NULL;
        assert_int_equal(gj_cluster_request(cluster, GJ_PILOT_CARE, asked[i].kind, asked[i].body, &answer),
                         GJ_ANSWER_PROBLEM);
        const struct gj_ans_problem *problem = answer;
        assert_string_equal(problem->outcome, "in_progress");
        assert_false(gj_txid_is_none(&problem->txid));
    }
}

/* The place of care holds every detail, and so does the home: what both have forgotten is nowhere. Each such
 * transaction is named in a case, the loss is not found again and again, and the nodes work on. */
static void what_nobody_holds_becomes_a_case(void **state) {
    (void)state;
    struct world w;
    struct gj_req_bill bill;
    struct numbers before;
    char setl_id[GJ_REF_MAX + 1], ended[GJ_REF_MAX + 1];
    lose_a_day(&w, 1 << GJ_PILOT_CARE | 1 << GJ_PILOT_HOME, &bill, setl_id, ended, &before);
    struct gj_cluster *cluster = w.pilot->cluster;
    (void)gj_cluster_run(cluster, NULL, NULL, 300000);
    for (size_t node = 0; node < 2; node++) {
        assert_int_equal(gj_cluster_events(cluster, node, GJ_EVENT_RESYNC_NEEDED), 1);
        assert_int_equal(gj_cluster_events(cluster, node, GJ_EVENT_RESYNC_DONE), 1);
        assert_true(gj_cluster_events(cluster, node, GJ_EVENT_CASE_OPENED) >= 4);
    }
    assert_int_equal(gj_pilot_balance(w.pilot, GJ_PILOT_EAST, "P/p11/prior"), before.payer);
    assert_int_equal(gj_pilot_balance(w.pilot, GJ_PILOT_HOME, "P/p10/prior"), Y(30)); /* not guessed */
    expect_in_progress(&w, &bill);
    gj_cluster_crash(cluster, GJ_PILOT_CARE);
    gj_cluster_restart(cluster, GJ_PILOT_CARE, GJ_WITNESS_EQUAL_OR_BEHIND);
    (void)gj_cluster_run(cluster, NULL, NULL, 2 * GJ_PLAN_LIFE_MS); /* nor closed */
    expect_in_progress(&w, &bill);
    assert_int_equal(gj_pilot_balance(w.pilot, GJ_PILOT_EAST, "P/p11/prior"), before.payer);
    enum gj_answer_kind kind;
    settle_100(&w, &kind);
    assert_int_equal(kind, GJ_ANSWER_SETTLEMENT);
    gj_pilot_free(&w.pilot);
}

static bool is_in_doubt(void *ctx) {
    struct world *w = ctx;
    return gj_cluster_events(w->pilot->cluster, GJ_PILOT_EAST, GJ_EVENT_VOTED_YES) ==
           2; /* the binding's, this one's */
}

/* --- a peer that cannot be heard ----------------------------------------------------------------------------------- */

static enum gj_answer_kind ask_to_open(struct world *w, size_t node, const char *operator,
                                       const char * without) {
    struct gj_open_node name = {.node = ""};
    struct gj_req_open open = {.without = &name, .n_without = 1};
    const void *answer = NULL;
    gj_text_set(name.node, sizeof name.node, without);
    gj_text_set(open.operator, sizeof open.operator, operator);
    return gj_cluster_request(w->pilot->cluster, node, GJ_REQUEST_OPEN, &open, &answer);
}

static const char *resync_state(struct world *w, size_t node, const char *peer) {
    static char state[GJ_WORD_MAX + 1];
    const struct gj_req_get get = {.what = "resync"};
    const void *answer = NULL;
    assert_int_equal(gj_cluster_request(w->pilot->cluster, node, GJ_REQUEST_GET, &get, &answer),
                     GJ_ANSWER_RESYNC);
    const struct gj_ans_resync *resync = answer;
    for (uint32_t i = 0; i < resync->n_peers; i++)
        if (gj_text_equal(resync->peers[i].node, peer))
            gj_text_set(state, sizeof state, resync->peers[i].state);
    return state;
}

/* The payer's node lost a day and cannot reach the place of care. It waits; two operators who want the same open it;
 * what the home could tell is there, and the rest comes when the place of care is heard again. */
static void two_people_open_it_without_a_peer(void **state) {
    (void)state;
    struct world w;
    struct gj_req_bill bill;
    struct numbers before;
    struct healing h;
    char setl_id[GJ_REF_MAX + 1], ended[GJ_REF_MAX + 1];
    lose_a_day(&w, 1 << GJ_PILOT_EAST, &bill, setl_id, ended, &before);
    h = (struct healing){w.pilot->cluster, GJ_PILOT_EAST};
    gj_cluster_cut(h.cluster, GJ_PILOT_CARE, GJ_PILOT_EAST, true);
    assert_false(gj_cluster_run(h.cluster, is_healed, &h, 60000));
    assert_string_equal(resync_state(&w, GJ_PILOT_EAST, "450000"), "silent");
    assert_string_equal(resync_state(&w, GJ_PILOT_EAST, "360000"), "done");
    assert_int_equal(ask_to_open(&w, GJ_PILOT_EAST, "li", "360000"), GJ_ANSWER_PROBLEM); /* it has told all */
    assert_int_equal(ask_to_open(&w, GJ_PILOT_EAST, "", "450000"), GJ_ANSWER_PROBLEM);
    assert_int_equal(ask_to_open(&w, GJ_PILOT_EAST, "li", "450000"), GJ_ANSWER_RESYNC);
    assert_int_equal(ask_to_open(&w, GJ_PILOT_EAST, "li", "450000"), GJ_ANSWER_RESYNC); /* twice is not two */
    assert_false(gj_cluster_run(h.cluster, is_healed, &h, 10000));
    gj_cluster_crash(h.cluster, GJ_PILOT_EAST); /* his wish is a record */
    gj_cluster_advance(h.cluster, 1000);
    gj_cluster_restart(h.cluster, GJ_PILOT_EAST, GJ_WITNESS_EQUAL_OR_BEHIND);
    assert_int_equal(ask_to_open(&w, GJ_PILOT_EAST, "wang", "450000"), GJ_ANSWER_RESYNC);
    assert_true(gj_cluster_run(h.cluster, is_healed, &h, 60000));
    assert_string_equal(resync_state(&w, GJ_PILOT_EAST, "450000"), "missed");
    assert_int_equal(ask_to_open(&w, GJ_PILOT_EAST, "wang", "450000"), GJ_ANSWER_PROBLEM); /* open it is */
    assert_int_equal(gj_pilot_balance(w.pilot, GJ_PILOT_EAST, "P/p11/prior"),
                     before.payer);                                       /* the home told it */
    assert_string_equal(binding_state(&w, GJ_PILOT_EAST, ended), "none"); /* the home has only its own side */
    gj_cluster_crash(h.cluster, GJ_PILOT_EAST); /* what is owed outlives a restart */
    gj_cluster_advance(h.cluster, 1000);
    gj_cluster_restart(h.cluster, GJ_PILOT_EAST, GJ_WITNESS_EQUAL_OR_BEHIND);
    gj_cluster_cut(h.cluster, GJ_PILOT_CARE, GJ_PILOT_EAST, false);
    (void)gj_cluster_run(h.cluster, NULL, NULL, 60000);
    assert_string_equal(resync_state(&w, GJ_PILOT_EAST, "450000"), "done");
    assert_int_equal(gj_cluster_events(h.cluster, GJ_PILOT_EAST, GJ_EVENT_RESYNC_NEEDED), 1);
    assert_true(gj_pilot_settle_down(w.pilot, 120000));
    expect_the_day(&w, &before, &bill, setl_id);
    assert_string_equal(binding_state(&w, GJ_PILOT_EAST, ended), "ended");
    gj_pilot_free(&w.pilot);
}

/* What `gongji restored` does. */
static void mark_restored(struct gj_store *store) {
    static _Alignas(max_align_t) uint8_t memory[4096];
    struct gj_node_row node = {.one = 1};
    struct gj_arena arena;
    gj_arena_init(&arena, memory, sizeof memory);
    store->ops->begin(store);
    assert_true(gj_store_get(store, &gj_table_node, &node, &arena));
    node.resync = true;
    gj_store_put(store, &gj_table_node, &node);
    assert_int_equal(store->ops->commit(store), GJ_OK);
}

static bool has_begun(void *ctx) {
    struct world *w = ctx;
    return gj_cluster_events(w->pilot->cluster, GJ_PILOT_CARE, GJ_EVENT_TX_BEGUN) ==
           2; /* the binding, this one */
}

/* A commit that the missed peer may hold is not presumed aborted: neither what the copy knows as begun nor what it does
 * not know at all. */
static void not_presumed(bool is_begun) {
    struct world w;
    struct gj_req_bill bill;
    open_world(&w);
    struct gj_cluster *cluster = w.pilot->cluster;
    struct gj_store *copy = is_begun ? NULL : backup_of(&w, GJ_PILOT_CARE);
    struct healing h = {cluster, GJ_PILOT_CARE};
    /* The place of care commits, and only the payer hears of it; then its store is put back. */
    gj_cluster_cut(cluster, GJ_PILOT_CARE, GJ_PILOT_NORTH, true);
    gj_pilot_bill(w.pilot, &bill, GJ_PILOT_HOME, PATIENT, Y(100), Y(100));
    w.losing = GJ_KIND_COMMIT;
    uint64_t ticket = gj_cluster_submit(cluster, GJ_PILOT_CARE, GJ_REQUEST_SETTLE, &bill);
    assert_true(gj_cluster_run(cluster, has_begun, &w, 10000));
    if (is_begun) {
        copy = backup_of(&w, GJ_PILOT_CARE);
        mark_restored(copy); /* who can be heard has seen no more than the copy holds */
    }
    assert_true(gj_cluster_run(cluster, is_in_doubt, &w, 10000));
    (void)gj_cluster_run(cluster, NULL, NULL, 200);
    assert_true(gj_cluster_is_answered(cluster, ticket));
    w.losing = GJ_KIND_NONE;
    gj_cluster_cut(cluster, GJ_PILOT_CARE, GJ_PILOT_HOME, true);
    (void)gj_cluster_run(cluster, NULL, NULL, 3000); /* to the payer it comes now */
    gj_cluster_cut(cluster, GJ_PILOT_CARE, GJ_PILOT_EAST, true);
    gj_cluster_cut(cluster, GJ_PILOT_HOME, GJ_PILOT_EAST, true);
    gj_cluster_crash(cluster, GJ_PILOT_CARE);
    restore(&w, GJ_PILOT_CARE, copy);
    gj_cluster_cut(cluster, GJ_PILOT_CARE, GJ_PILOT_HOME, false);
    gj_cluster_cut(cluster, GJ_PILOT_CARE, GJ_PILOT_NORTH, false);
    (void)gj_cluster_run(cluster, NULL, NULL, 20000);
    assert_int_equal(ask_to_open(&w, GJ_PILOT_CARE, "li", "330000"), GJ_ANSWER_RESYNC);
    assert_int_equal(ask_to_open(&w, GJ_PILOT_CARE, "wang", "330000"), GJ_ANSWER_RESYNC);
    assert_true(gj_cluster_run(cluster, is_healed, &h, 10000));
    /* The home asks and asks; no record is no abort while the payer may hold the commit. */
    (void)gj_cluster_run(cluster, NULL, NULL, 200000);
    assert_int_equal(gj_cluster_events(cluster, GJ_PILOT_HOME, GJ_EVENT_TX_ABORTED), 0);
    gj_cluster_cut(cluster, GJ_PILOT_CARE, GJ_PILOT_EAST, false);
    gj_cluster_cut(cluster, GJ_PILOT_HOME, GJ_PILOT_EAST, false);
    assert_true(gj_pilot_settle_down(w.pilot, 300000));
    assert_int_equal(gj_pilot_balance(w.pilot, GJ_PILOT_EAST, "P/p11/prior"), Y(430));
    assert_int_equal(gj_pilot_differences(w.pilot), 0);
    gj_pilot_free(&w.pilot);
}

static void what_the_missed_one_may_know_is_not_presumed(void **state) {
    (void)state;
    not_presumed(false);
    not_presumed(true);
}

/* Put back within the second in which its last life began, it takes that life's epoch again, and all refuse it: they
 * show it its own signature, and it takes another epoch by itself. */
static void put_back_within_its_epochs_second(void **state) {
    (void)state;
    for (size_t node = 0; node < 3; node++) {
        struct world w;
        enum gj_answer_kind kind;
        open_world(&w);
        struct gj_cluster *cluster = w.pilot->cluster;
        struct gj_store *copy = backup_of(&w, node);
        gj_cluster_crash(cluster, node);
        gj_cluster_advance(cluster, 3000 - gj_cluster_now(cluster, node).wall.ms % 1000);
        gj_cluster_restart(cluster, node, GJ_WITNESS_EQUAL_OR_BEHIND);
        (void)gj_cluster_run(cluster, NULL, NULL, 100);
        uint32_t epoch = (uint32_t)(gj_cluster_now(cluster, node).wall.ms / 1000);
        settle_100(&w, &kind);
        assert_int_equal(kind, GJ_ANSWER_SETTLEMENT);
        gj_cluster_crash(cluster, node);
        struct gj_store *lost = gj_cluster_swap_store(cluster, node, copy);
        gj_store_close(&lost);
        assert_int_equal(gj_cluster_now(cluster, node).wall.ms / 1000, epoch);
        gj_cluster_restart(cluster, node, GJ_WITNESS_EQUAL_OR_BEHIND);
        expect_healed(&w, node);
        assert_int_equal(gj_pilot_balance(w.pilot, GJ_PILOT_EAST, "P/p11/prior"), Y(430));
        gj_pilot_free(&w.pilot);
    }
}

/* A copy that lost nothing is no older store: a plain restart is not mistaken for it. */
static void a_whole_copy_is_no_loss(void **state) {
    (void)state;
    for (size_t node = 0; node < 3; node++) {
        struct world w;
        enum gj_answer_kind kind;
        open_world(&w);
        settle_100(&w, &kind);
        assert_true(gj_pilot_settle_down(w.pilot, 60000));
        gj_cluster_crash(w.pilot->cluster, node);
        restore(&w, node, backup_of(&w, node));
        (void)gj_cluster_run(w.pilot->cluster, NULL, NULL, 5000);
        assert_int_equal(gj_cluster_events(w.pilot->cluster, node, GJ_EVENT_RESYNC_NEEDED), 0);
        assert_int_equal(gj_pilot_differences(w.pilot), 0);
        gj_pilot_free(&w.pilot);
    }
}

/* --- by a certificate -------------------------------------------------------------------------------------------- */

/* It voted YES, was put back to before that, and no peer's WELCOME gets through: the commit itself shows it. */
static void a_certificate_shows_it(void **state) {
    (void)state;
    struct world w;
    struct gj_req_bill bill;
    open_world(&w);
    struct gj_cluster *cluster = w.pilot->cluster;
    struct gj_store *copy = backup_of(&w, GJ_PILOT_EAST);
    gj_pilot_bill(w.pilot, &bill, GJ_PILOT_HOME, PATIENT, Y(100), 0);
    w.losing = GJ_KIND_COMMIT;
    uint64_t ticket = gj_cluster_submit(cluster, GJ_PILOT_CARE, GJ_REQUEST_SETTLE, &bill);
    assert_true(gj_cluster_run(cluster, is_in_doubt, &w, 10000));
    (void)gj_cluster_run(cluster, NULL, NULL, 1000);
    assert_true(gj_cluster_is_answered(cluster, ticket));
    gj_cluster_crash(cluster, GJ_PILOT_EAST);
    w.deaf = GJ_PILOT_EAST;
    restore(&w, GJ_PILOT_EAST, copy);
    (void)gj_cluster_run(cluster, NULL, NULL, 10000);
    assert_int_equal(gj_cluster_events(cluster, GJ_PILOT_EAST, GJ_EVENT_RESYNC_NEEDED),
                     0); /* it cannot know yet */
    w.losing = GJ_KIND_NONE;
    (void)gj_cluster_run(cluster, NULL, NULL, 120000);
    expect_resync(&w, GJ_PILOT_EAST);
    expect_no_work(&w, GJ_PILOT_EAST);
    assert_int_equal(gj_pilot_balance(w.pilot, GJ_PILOT_EAST, "P/p11/prior"),
                     Y(500)); /* nothing was guessed */
    gj_pilot_free(&w.pilot);
}

/* --- a doubtful start that lost nothing ------------------------------------------------------------------------------- */

/* No witness: until all peers were heard nothing is taken on; then it goes on as if nothing had been. */
static void a_doubtful_start_opens_when_all_are_heard(void **state) {
    (void)state;
    struct world w;
    enum gj_answer_kind kind;
    open_world(&w);
    struct gj_cluster *cluster = w.pilot->cluster;
    gj_cluster_cut(cluster, GJ_PILOT_CARE, GJ_PILOT_NORTH, true);
    gj_cluster_crash(cluster, GJ_PILOT_CARE);
    gj_cluster_restart(cluster, GJ_PILOT_CARE, GJ_WITNESS_DOUBTFUL);
    (void)gj_cluster_run(cluster, NULL, NULL, 60000);
    settle_100(&w, &kind);
    assert_int_equal(kind, GJ_ANSWER_PROBLEM);
    assert_int_equal(gj_cluster_events(cluster, GJ_PILOT_CARE, GJ_EVENT_GATE_OPEN), 0);
    gj_cluster_cut(cluster, GJ_PILOT_CARE, GJ_PILOT_NORTH, false);
    (void)gj_cluster_run(cluster, NULL, NULL, 5000);
    assert_int_equal(gj_cluster_events(cluster, GJ_PILOT_CARE, GJ_EVENT_GATE_OPEN), 1);
    settle_100(&w, &kind);
    assert_int_equal(kind, GJ_ANSWER_SETTLEMENT);
    assert_true(gj_pilot_settle_down(w.pilot, 60000));
    assert_int_equal(gj_pilot_differences(w.pilot), 0);
    gj_pilot_free(&w.pilot);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_restored_node_heals),
        cmocka_unit_test(a_lost_day_comes_back),
        cmocka_unit_test(a_bad_line_only_delays),
        cmocka_unit_test(a_crash_in_the_middle_is_harmless),
        cmocka_unit_test(two_people_open_it_without_a_peer),
        cmocka_unit_test(what_the_missed_one_may_know_is_not_presumed),
        cmocka_unit_test(put_back_within_its_epochs_second),
        cmocka_unit_test(what_nobody_holds_becomes_a_case),
        cmocka_unit_test(a_whole_copy_is_no_loss),
        cmocka_unit_test(a_certificate_shows_it),
        cmocka_unit_test(a_doubtful_start_opens_when_all_are_heard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

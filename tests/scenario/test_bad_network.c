/* SPDX-License-Identifier: Apache-2.0
 *
 * A swarm of seeds: four provinces on a network that loses, doubles, delays and cuts, nodes that crash and clocks
 * that are wrong, clients that settle, refund, bind, reverse and ask again on few accounts. When the faults stop,
 * everything must be decided, every client must hear one answer, and all money must be where the records say.
 *
 * A seed that fails prints itself; GJ_SWARM_FIRST and GJ_SWARM_SEEDS in the environment choose others.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/request.h"
#include "support/pilot.h"

#define SEEDS_DEFAULT 100u
#define SM2_SEEDS     2u /* of them on SM2: the same protocol, dearer curves */
#define ROUNDS        60 /* virtual half seconds with faults */
#define REQUESTS_MAX  400u
#define PATIENTS      3u
#define PAYERS        5u
#define KEPT_MAX      64u /* old parcels that may come again, long after */
#define Y(yuan)       ((int64_t)(yuan)*100)

struct request {
    enum gj_request_kind kind;
    union {
        struct gj_req_bill bill;
        struct gj_req_refund refund;
        struct gj_req_bind bind;
        struct gj_req_reverse reverse;
    } body;
    uint64_t tickets[3];
    unsigned n_tickets;
    bool is_final; /* an answer that may never change was heard */
    enum gj_answer_kind answer;
    char code[GJ_CODE_MAX + 1], ref[GJ_REF_MAX + 1];
};

/* What this seed does to the network; drawn once per seed, so that the seeds differ in kind. */
struct weather {
    unsigned loss, doubles, delays; /* per mille */
    int64_t delay_ms;               /* of those that are delayed, the longest */
    unsigned crashes, cuts, skews;  /* per mille and round */
    unsigned replays;               /* old parcels per round */
    unsigned doubts;                /* per mille of restarts: the witness does not know this store */
    unsigned requests;              /* per round */
};

struct swarm {
    uint64_t seed, random;
    struct weather weather;
    bool is_healed;
    struct gj_pilot *pilot;
    struct request requests[REQUESTS_MAX];
    unsigned n_requests;
    bool is_down[GJ_PILOT_NODES];
    unsigned crashes, cuts, skews, lost, doubled;
    bool had_skew;
    struct {
        size_t to, len;
        const char *line;
        uint8_t *bytes;
    } kept[KEPT_MAX];
    unsigned n_kept, replayed;
    unsigned alarms[GJ_EVENT_COUNT];
};

/* --- chance --------------------------------------------------------------------------------------------------- */

static uint64_t draw(struct swarm *s, uint64_t below) {
    uint64_t z = s->random += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (z ^ (z >> 31)) % below;
}

static bool happens(struct swarm *s, unsigned per_mille) {
    return draw(s, 1000) < per_mille;
}

/* Each kind of fault is off in some seeds, so that the others are seen alone. */
static unsigned up_to(struct swarm *s, unsigned most) {
    return draw(s, 3) == 0 ? 0 : (unsigned)draw(s, most + 1);
}

static void draw_weather(struct swarm *s) {
    s->weather = (struct weather){.loss = up_to(s, 300),
                                  .doubles = up_to(s, 500),
                                  .delays = up_to(s, 600),
                                  .delay_ms = (int64_t)draw(s, 4) == 0 ? 8000 : 1 + (int64_t)draw(s, 800),
                                  .crashes = up_to(s, 80),
                                  .cuts = up_to(s, 60),
                                  .skews = draw(s, 4) == 0 ? 20 : 0,
                                  .replays = draw(s, 2) == 0 ? 3 : 0,
                                  .doubts = up_to(s, 500),
                                  .requests = 1 + (unsigned)draw(s, 5)};
}

/* Any parcel may be heard again, in whatever epoch both ends are by then. */
static void keep(struct swarm *s, const struct gj_cluster_flight *flight) {
    static const char *const lines[GJ_PILOT_NODES] = {"450000", "360000", "330000", "130000"};
    if (draw(s, 20) > 0) return;
    size_t at = s->n_kept < KEPT_MAX ? s->n_kept++ : draw(s, KEPT_MAX);
    free(s->kept[at].bytes);
    s->kept[at].bytes = malloc(flight->parcel.len);
    assert_non_null(s->kept[at].bytes);
    memcpy(s->kept[at].bytes, flight->parcel.ptr, flight->parcel.len);
    s->kept[at].len = flight->parcel.len;
    s->kept[at].to = flight->to;
    s->kept[at].line = lines[flight->from];
}

static void on_network(void *ctx, const struct gj_cluster_flight *flight, struct gj_cluster_fate *fate) {
    struct swarm *s = ctx;
    fate->delay_ms = 1 + (int64_t)draw(s, 5);
    if (s->is_healed) return;
    if (s->weather.replays > 0) keep(s, flight);
    if (happens(s, s->weather.loss)) {
        fate->copies = 0;
        s->lost++;
        return;
    }
    if (happens(s, s->weather.doubles)) {
        fate->copies = 2;
        s->doubled++;
    }
    if (happens(s, s->weather.delays)) fate->delay_ms = 1 + (int64_t)draw(s, (uint64_t)s->weather.delay_ms);
}

static void on_event(void *ctx, size_t node, const struct gj_event *event) {
    struct swarm *s = ctx;
    (void)node;
    if (gj_event_level_of(event->code) == GJ_LEVEL_ALARM) s->alarms[event->code]++;
}

/* --- clients --------------------------------------------------------------------------------------------------- */

static void submit(struct swarm *s, struct request *request) {
    if (!gj_cluster_is_up(s->pilot->cluster, GJ_PILOT_CARE)) return;
    if (request->n_tickets == 3) {
        memmove(request->tickets, request->tickets + 1, 2 * sizeof request->tickets[0]);
        request->n_tickets = 2;
    }
    request->tickets[request->n_tickets++] =
        gj_cluster_submit(s->pilot->cluster, GJ_PILOT_CARE, request->kind, &request->body);
}

static struct request *random_request(struct swarm *s, enum gj_request_kind kind) {
    for (unsigned tries = 0; tries < 8 && s->n_requests > 0; tries++) {
        struct request *request = &s->requests[draw(s, s->n_requests)];
        if (request->kind == kind) return request;
    }
    return NULL;
}

static size_t payer_node(unsigned payer) {
    if (payer == PAYERS - 1) return GJ_PILOT_CARE; /* so that the coordinator has holds of its own */
    return payer % 2 == 0 ? GJ_PILOT_EAST : GJ_PILOT_NORTH;
}

static void new_settlement(struct swarm *s, struct request *request) {
    int64_t payable = Y(1) + (int64_t)draw(s, (uint64_t)Y(60));
    int64_t cash = draw(s, 2) == 0 ? payable : (int64_t)draw(s, (uint64_t)payable + 1);
    request->kind = GJ_REQUEST_SETTLE;
    gj_pilot_bill(s->pilot, &request->body.bill, GJ_PILOT_HOME, 10 + (unsigned)draw(s, PATIENTS), payable,
                  cash);
    request->body.bill.accept_changed = draw(s, 2) == 0;
}

static void new_bind(struct swarm *s, struct request *request) {
    unsigned payer = (unsigned)draw(s, PAYERS);
    request->kind = GJ_REQUEST_BIND;
    gj_pilot_bind_body(s->pilot, &request->body.bind, payer_node(payer), 20 + payer, GJ_PILOT_HOME,
                       10 + (unsigned)draw(s, PATIENTS));
}

/* Of a settlement that was heard of, or, sometimes, a reversal of one that was not. */
static bool new_undoing(struct swarm *s, struct request *request) {
    const struct request *settled = random_request(s, draw(s, 4) == 0 ? GJ_REQUEST_BIND : GJ_REQUEST_SETTLE);
    if (settled == NULL) return false;
    bool known = settled->answer == GJ_ANSWER_SETTLEMENT;
    if (known && draw(s, 3) > 0) {
        request->kind = GJ_REQUEST_REFUND;
        gj_pilot_refund_body(s->pilot, &request->body.refund, settled->ref,
                             Y(1) + (int64_t)draw(s, (uint64_t)Y(20)));
        return true;
    }
    if (draw(s, 3) > 0) return false;
    request->kind = GJ_REQUEST_REVERSE;
    gj_pilot_reverse_body(&request->body.reverse, settled->kind == GJ_REQUEST_BIND
                                                      ? settled->body.bind.msgid
                                                      : settled->body.bill.msgid);
    return true;
}

static void new_request(struct swarm *s) {
    if (s->n_requests == REQUESTS_MAX) return;
    struct request *request = &s->requests[s->n_requests];
    memset(request, 0, sizeof *request);
    uint64_t what = draw(s, 10);
    if (what < 6)
        new_settlement(s, request);
    else if (what < 7)
        new_bind(s, request);
    else if (!new_undoing(s, request))
        return;
    s->n_requests++;
    submit(s, request);
}

/* BUSY is both: a node with no time now, and the end of a request whose attempts all met it. */
struct stored {
    struct gj_request_row row;
    bool found;
};

static void find_stored(void *ctx, struct gj_turn *turn) {
    struct stored *stored = ctx;
    struct gj_request_row row;
    stored->found = gj_request_find(turn, stored->row.sender, stored->row.msgid, &row);
    stored->row = row;
}

static const char *msgid_of(const struct request *request) {
    if (request->kind == GJ_REQUEST_SETTLE) return request->body.bill.msgid;
    if (request->kind == GJ_REQUEST_REFUND) return request->body.refund.msgid;
    return request->kind == GJ_REQUEST_BIND ? request->body.bind.msgid : "";
}

static bool is_stored_refusal(struct swarm *s, const struct request *request, const char *code) {
    struct stored stored = {.row = {.sender = GJ_PILOT_HOSPITAL}};
    if (request->kind == GJ_REQUEST_REVERSE) return true;
    gj_text_set(stored.row.msgid, sizeof stored.row.msgid, msgid_of(request));
    gj_cluster_edit(s->pilot->cluster, GJ_PILOT_CARE, find_stored, &stored);
    return stored.found && strcmp(stored.row.state, "REFUSED") == 0 && strcmp(stored.row.code, code) == 0;
}

/* An answer that is final and stored must be the same whenever it is heard. */
static void hear(struct swarm *s, struct request *request) {
    for (unsigned i = 0; i < request->n_tickets; i++) {
        const void *body = NULL;
        char code[GJ_CODE_MAX + 1] = "", ref[GJ_REF_MAX + 1] = "";
        uint64_t ticket = request->tickets[i];
        assert_true(gj_cluster_answers(s->pilot->cluster, ticket) <= 1);
        enum gj_answer_kind kind = gj_cluster_answer(s->pilot->cluster, ticket, &body);
        if (kind == GJ_ANSWER_NONE) continue;
        if (kind == GJ_ANSWER_PROBLEM) {
            const struct gj_ans_problem *problem = body;
            if (strcmp(problem->outcome, "refused") != 0) continue;
            if (!is_stored_refusal(s, request, problem->code)) continue; /* the same message may come again */
            gj_text_set(code, sizeof code, problem->code);
        }
        if (kind == GJ_ANSWER_SETTLEMENT)
            gj_text_set(ref, sizeof ref, ((const struct gj_ans_settlement *)body)->setl_id);
        if (kind == GJ_ANSWER_REFUND)
            gj_text_set(ref, sizeof ref, ((const struct gj_ans_refund *)body)->refund_id);
        if (kind == GJ_ANSWER_BINDING)
            gj_text_set(ref, sizeof ref, ((const struct gj_ans_binding *)body)->binding_id);
        bool is_stored = request->kind != GJ_REQUEST_REVERSE;
        if (request->is_final && is_stored) {
            assert_int_equal(kind, request->answer);
            assert_string_equal(code, request->code);
            assert_string_equal(ref, request->ref);
        }
        if (kind == GJ_ANSWER_REVERSAL &&
            strcmp(((const struct gj_ans_reversal *)body)->state, "reversed") != 0)
            continue;
        request->is_final = true;
        request->answer = kind;
        gj_text_set(request->code, sizeof request->code, code);
        gj_text_set(request->ref, sizeof request->ref, ref);
    }
}

static void hear_all(struct swarm *s) {
    for (unsigned i = 0; i < s->n_requests; i++)
        hear(s, &s->requests[i]);
}

/* --- faults ------------------------------------------------------------------------------------------------------ */

static void strike(struct swarm *s) {
    struct gj_cluster *cluster = s->pilot->cluster;
    for (size_t node = 0; node < GJ_PILOT_NODES; node++) {
        if (gj_cluster_is_up(cluster, node) && happens(s, s->weather.crashes)) {
            gj_cluster_crash(cluster, node);
            s->crashes++;
        } else if (!gj_cluster_is_up(cluster, node) && draw(s, 3) == 0) {
            assert_int_equal(gj_cluster_failure(cluster, node), GJ_OK);
            gj_cluster_restart(cluster, node,
                               happens(s, s->weather.doubts) ? GJ_WITNESS_DOUBTFUL
                                                             : GJ_WITNESS_EQUAL_OR_BEHIND);
            assert_true(gj_cluster_is_up(cluster, node));
        }
    }
    for (unsigned i = 0; i < s->weather.replays && s->n_kept > 0; i++, s->replayed++) {
        size_t at = draw(s, s->n_kept);
        gj_cluster_inject(cluster, s->kept[at].to, s->kept[at].line,
                          gj_slice_of(s->kept[at].bytes, s->kept[at].len));
    }
    if (happens(s, s->weather.cuts * 4)) {
        size_t a = draw(s, GJ_PILOT_NODES), b = draw(s, GJ_PILOT_NODES);
        if (a != b) gj_cluster_cut(cluster, a, b, draw(s, 2) == 0);
        s->cuts++;
    }
    if (happens(s, s->weather.skews)) {
        static const int64_t skews[] = {0, 4000, -4000, 40000, -40000, 86400000};
        gj_cluster_set_skew(cluster, draw(s, GJ_PILOT_NODES), skews[draw(s, 6)]);
        s->skews++;
        s->had_skew = true;
    }
}

static void heal(struct swarm *s) {
    struct gj_cluster *cluster = s->pilot->cluster;
    s->is_healed = true;
    for (size_t a = 0; a < GJ_PILOT_NODES; a++) {
        gj_cluster_set_skew(cluster, a, 0);
        for (size_t b = a + 1; b < GJ_PILOT_NODES; b++)
            gj_cluster_cut(cluster, a, b, false);
        if (!gj_cluster_is_up(cluster, a)) gj_cluster_restart(cluster, a, GJ_WITNESS_EQUAL_OR_BEHIND);
        assert_true(gj_cluster_is_up(cluster, a));
    }
}

/* --- the end ------------------------------------------------------------------------------------------------------- */

static bool all_are_answered(void *ctx) {
    const struct swarm *s = ctx;
    for (unsigned i = 0; i < s->n_requests; i++) {
        const struct request *request = &s->requests[i];
        if (request->n_tickets == 0) continue;
        if (!gj_cluster_is_answered(s->pilot->cluster, request->tickets[request->n_tickets - 1]))
            return false;
    }
    return true;
}

static void print_last_answer(struct swarm *s, unsigned i) {
    const struct request *request = &s->requests[i];
    const void *body = NULL;
    const char *code = "";
    enum gj_answer_kind kind = GJ_ANSWER_NONE;
    if (request->n_tickets > 0)
        kind = gj_cluster_answer(s->pilot->cluster, request->tickets[request->n_tickets - 1], &body);
    if (kind == GJ_ANSWER_PROBLEM) code = ((const struct gj_ans_problem *)body)->code;
    print_message("request %u, %s: not final: %s %s\n", i, gj_request_word(request->kind),
                  gj_answer_word(kind), code);
}

/* Every client asks again until it has heard the end; and once more, which must be the same. */
static void ask_all_until_final(struct swarm *s) {
    unsigned open = 1;
    for (int round = 0; round < 30 && open > 0; round++) {
        open = 0;
        for (unsigned i = 0; i < s->n_requests; i++) {
            struct request *request = &s->requests[i];
            if (request->is_final && round > 0) continue;
            if (!request->is_final) open++;
            submit(s, request);
        }
        (void)gj_cluster_run(s->pilot->cluster, all_are_answered, s, 60000);
        hear_all(s);
        (void)gj_cluster_run(s->pilot->cluster, NULL, NULL, 5000);
    }
    for (unsigned i = 0; i < s->n_requests; i++) {
        if (!s->requests[i].is_final) print_last_answer(s, i);
        assert_true(s->requests[i].is_final);
    }
}

/* An alarm needs a cause among the faults that this seed has made. */
static void expect_no_causeless_alarm(struct swarm *s) {
    for (int code = GJ_EVENT_NONE; code < GJ_EVENT_COUNT; code++) {
        bool has_cause = false;
        if (code == GJ_EVENT_CLOCK_SKEW) has_cause = s->had_skew || s->replayed > 0;
        if (code == GJ_EVENT_IN_DOUBT) has_cause = s->crashes + s->cuts + s->lost > 0;
        if (s->alarms[code] > 0 && !has_cause)
            print_message("%s: %u\n", gj_event_word((enum gj_event_code)code), s->alarms[code]);
        assert_true(s->alarms[code] == 0 || has_cause);
    }
}

/* --- one seed --------------------------------------------------------------------------------------------------------- */

static void populate(struct swarm *s) {
    char id[GJ_REF_MAX + 1];
    s->is_healed = true;
    for (unsigned i = 0; i < PATIENTS; i++)
        gj_pilot_person(s->pilot, GJ_PILOT_HOME, 10 + i, Y(40));
    for (unsigned i = 0; i < PAYERS; i++)
        gj_pilot_person(s->pilot, payer_node(i), 20 + i, Y(150));
    for (unsigned i = 0; i < PATIENTS; i++)
        gj_pilot_bind(s->pilot, payer_node(i), 20 + i, GJ_PILOT_HOME, 10 + i, id);
    gj_pilot_bind(s->pilot, payer_node(1), 21, GJ_PILOT_HOME, 10, id);
    gj_pilot_bind(s->pilot, payer_node(PAYERS - 1), 20 + PAYERS - 1, GJ_PILOT_HOME, 11, id);
    s->is_healed = false;
}

struct totals {
    unsigned seeds, requests, done, refused, crashes, lost, replayed;
};

static void one_seed(uint64_t seed, enum gj_sign_alg alg, struct totals *totals) {
    static struct swarm swarm;
    struct swarm *s = &swarm;
    memset(s, 0, sizeof *s);
    s->seed = s->random = seed;
    draw_weather(s);
    const struct gj_pilot_config config = {
        .alg = alg, .seed = seed, .ctx = s, .network = on_network, .event = on_event};
    s->pilot = gj_pilot_new(&config);
    populate(s);
    for (int round = 0; round < ROUNDS; round++) {
        strike(s);
        for (unsigned i = 0; i < s->weather.requests; i++)
            new_request(s);
        struct request *again = s->n_requests > 0 ? &s->requests[draw(s, s->n_requests)] : NULL;
        if (again != NULL) submit(s, again);
        (void)gj_cluster_run(s->pilot->cluster, NULL, NULL, 500);
        hear_all(s);
    }
    heal(s);
    ask_all_until_final(s);
    assert_true(gj_pilot_settle_down(s->pilot, 600000));
    ask_all_until_final(s);
    assert_true(gj_pilot_settle_down(s->pilot, 600000));
    assert_int_equal(gj_pilot_differences(s->pilot), 0);
    expect_no_causeless_alarm(s);
    for (unsigned i = 0; i < s->n_requests; i++) {
        if (s->requests[i].answer == GJ_ANSWER_PROBLEM)
            totals->refused++;
        else
            totals->done++;
    }
    for (unsigned i = 0; i < s->n_kept; i++)
        free(s->kept[i].bytes);
    totals->seeds++;
    totals->replayed += s->replayed;
    totals->requests += s->n_requests;
    totals->crashes += s->crashes;
    totals->lost += s->lost;
    gj_pilot_free(&s->pilot);
}

static uint64_t number_of(const char *name, uint64_t otherwise) {
    const char *text = getenv(name);
    return text == NULL ? otherwise : strtoull(text, NULL, 10);
}

static void swarm_of_seeds(void **state) {
    (void)state;
    struct totals totals = {0};
    uint64_t first = number_of("GJ_SWARM_FIRST", 1), n = number_of("GJ_SWARM_SEEDS", SEEDS_DEFAULT);
    for (uint64_t seed = first; seed < first + n; seed++) {
        enum gj_sign_alg alg = seed - first < SM2_SEEDS ? GJ_SIGN_SM2 : GJ_SIGN_ED25519;
        print_message("seed %llu\n", (unsigned long long)seed);
        one_seed(seed, alg, &totals);
    }
    print_message(
        "%u seeds, %u requests: %u done, %u refused; %u crashes, %u parcels lost, %u old ones again\n",
        totals.seeds, totals.requests, totals.done, totals.refused, totals.crashes, totals.lost,
        totals.replayed);
    assert_true(totals.done > 0 && totals.refused > 0 && totals.crashes > 0 && totals.lost > 0 &&
                totals.replayed > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(swarm_of_seeds)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

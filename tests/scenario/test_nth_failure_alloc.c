/* SPDX-License-Identifier: Apache-2.0
 *
 * Every allocation of a node fails in turn while it starts, serves a settlement and a refund, and stops: of the node
 * at the place of care, and of a payer's. The engine stands alone here, with a network and clients that need no
 * memory of their own while it runs; the other nodes are whole.
 */
#include "nth_alloc.h"
#include "nth_world.h"

#define INPUTS_MAX 64
#define ANSWER_CAP 65536
#define ROUND_MS   50
#define ROUNDS_MAX 1200 /* a minute: past every time-out of a request */

struct frame {
    uint8_t bytes[GJ_MESSAGE_MAX * 2];
    struct gj_input input;
    size_t to;
};

static struct {
    struct nth nth;
    struct gj_engine *engine;
    bool is_alone; /* the engine is ours, not the cluster's */
    struct frame in[INPUTS_MAX], out[INPUTS_MAX];
    size_t n_in, n_out;
    uint64_t waiter, answered; /* asked, and of which question the answer is */
    uint8_t answer[ANSWER_CAP];
    size_t answer_len;
    unsigned deaths;
    uint64_t seed;
} alone;

/* --- its surroundings, without memory ---------------------------------------------------------------------- */
static void keep(struct frame *list, size_t *n, size_t to, const struct gj_input *input) {
    if (*n == INPUTS_MAX || input->bytes.len > sizeof list->bytes) return; /* lost, as on any network */
    struct frame *frame = &list[(*n)++];
    frame->input = *input;
    frame->to = to;
    memcpy(frame->bytes, input->bytes.ptr, input->bytes.len);
    frame->input.bytes.ptr = frame->bytes;
}

static void on_parcel(void *ctx, const char *node, struct gj_slice parcel) {
    const struct gj_input input = {.kind = GJ_INPUT_PARCEL, .bytes = parcel};
    (void)ctx;
    keep(alone.out, &alone.n_out, gj_cluster_index(alone.nth.desk.cluster, node), &input);
}

static void on_reply(void *ctx, uint64_t waiter, struct gj_slice answer) {
    (void)ctx;
    if (waiter != alone.waiter || answer.len > sizeof alone.answer) return;
    assert_int_not_equal(alone.answered, waiter); /* one question, one answer */
    alone.answered = waiter;
    alone.answer_len = answer.len;
    memcpy(alone.answer, answer.ptr, answer.len);
}

static void on_event(void *ctx, const struct gj_event *event) {
    (void)ctx;
    assert_true(event->code != GJ_EVENT_EQUIVOCATION && event->code != GJ_EVENT_VIOLATION &&
                event->code != GJ_EVENT_RESYNC_NEEDED && event->code != GJ_EVENT_BAD_CERTIFICATE);
}

static void on_random(void *ctx, void *ret, size_t len) {
    (void)ctx;
    for (size_t i = 0; i < len; i++) {
        alone.seed = alone.seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        ((uint8_t *)ret)[i] = (uint8_t)(alone.seed >> 56);
    }
}

/* What the cluster sends to it. */
static void on_network(void *ctx, const struct gj_cluster_flight *flight, struct gj_cluster_fate *fate) {
    struct gj_input input = {.kind = GJ_INPUT_PARCEL, .bytes = flight->parcel};
    (void)ctx;
    if (!alone.is_alone || flight->to != alone.nth.node) return;
    fate->copies = 0;
    gj_text_set(input.line, sizeof input.line, desk_nodes[flight->from].name);
    keep(alone.in, &alone.n_in, flight->to, &input);
}

/* --- its life: armed only while its own code runs ------------------------------------------------------------- */
static struct gj_prover prover;

static void die(void) {
    gj_engine_free(&alone.engine);
    alone.n_in = 0;
    alone.n_out = 0;
    alone.deaths++;
}

static bool try_start(void) {
    struct gj_cluster *cluster = alone.nth.desk.cluster;
    size_t node = alone.nth.node;
    prover = (struct gj_prover){.ctx = gj_cluster_keyring(cluster, node),
                                .verify = gj_keyring_verify,
                                .key_valid = gj_keyring_key_valid};
    const struct gj_engine_config config = {
        .store = gj_cluster_store(cluster, node),
        .directory = gj_cluster_directory(cluster, node),
        .packs = &alone.nth.desk.packs,
        .hasher = gj_cluster_hasher(cluster, node),
        .prover = &prover,
        .sign_key = gj_cluster_sign_key(cluster, node),
        .data_key = gj_cluster_data_key(cluster, node),
        .sink = {.parcel = on_parcel, .reply = on_reply, .event = on_event, .random = on_random},
        .record_inputs = true};
    const struct gj_now now = gj_cluster_now(cluster, node);
    atomic_store(&nth_alloc.is_armed, true);
    enum gj_err err = gj_engine_new(&config, &alone.engine);
    if (err == GJ_OK) err = gj_engine_start(alone.engine, now, GJ_WITNESS_EQUAL_OR_BEHIND);
    atomic_store(&nth_alloc.is_armed, false);
    if (err == GJ_OK) return true;
    assert_true(err == GJ_ERR_NO_MEMORY);
    die();
    return false;
}

static bool step(void) {
    struct gj_cluster *cluster = alone.nth.desk.cluster;
    struct gj_input inputs[INPUTS_MAX];
    const struct gj_now now = gj_cluster_now(cluster, alone.nth.node);
    size_t n = alone.n_in;
    if (alone.engine == NULL || (n == 0 && gj_engine_next_due(alone.engine).ms > now.mono.ms)) return false;
    for (size_t i = 0; i < n; i++)
        inputs[i] = alone.in[i].input;
    alone.n_in = 0;
    atomic_store(&nth_alloc.is_armed, true);
    enum gj_err err = gj_engine_step(alone.engine, inputs, n, now);
    atomic_store(&nth_alloc.is_armed, false);
    for (size_t i = 0; i < alone.n_out; i++)
        gj_cluster_inject(cluster, alone.out[i].to, desk_nodes[alone.nth.node].name,
                          alone.out[i].input.bytes);
    alone.n_out = 0;
    if (err == GJ_OK) return true;
    assert_true(err == GJ_ERR_NO_MEMORY);
    die();
    return true;
}

static void drive(unsigned rounds, uint64_t until) {
    struct gj_cluster *cluster = alone.nth.desk.cluster;
    for (unsigned i = 0; i < rounds; i++) {
        while (alone.engine == NULL && !try_start())
            gj_cluster_advance(cluster, 1000);
        for (bool moved = true; moved;) {
            moved = gj_cluster_step(cluster);
            moved |= step();
        }
        if (until != 0 && (alone.answered == until || alone.engine == NULL)) return;
        gj_cluster_advance(cluster, ROUND_MS);
    }
}

/* --- its client ------------------------------------------------------------------------------------------------ */
/* At the node itself if it is the place of care, else at the cluster's. */
static enum gj_answer_kind ask_once(enum gj_request_kind kind, const void *body, const void **ret) {
    static uint8_t bytes[GJ_REQUEST_MAX], memory[ANSWER_CAP * 4];
    struct gj_cluster *cluster = alone.nth.desk.cluster;
    enum gj_answer_kind answer = GJ_ANSWER_NONE;
    struct gj_buf buf;
    void *found = NULL;
    if (alone.nth.node != CARE) {
        uint64_t ticket = gj_cluster_submit(cluster, CARE, kind, body);
        for (unsigned i = 0; i < ROUNDS_MAX && !gj_cluster_is_answered(cluster, ticket); i++)
            drive(1, 0);
        return gj_cluster_answer(cluster, ticket, ret);
    }
    gj_buf_init(&buf, bytes, sizeof bytes);
    assert_int_equal(gj_request_encode(kind, body, &buf), GJ_OK);
    drive(1, 0);
    const struct gj_input input = {
        .kind = GJ_INPUT_REQUEST, .bytes = gj_buf_slice(&buf), .waiter = ++alone.waiter};
    keep(alone.in, &alone.n_in, CARE, &input);
    drive(ROUNDS_MAX, alone.waiter);
    if (alone.answered != alone.waiter) return GJ_ANSWER_NONE;
    struct gj_arena arena;
    gj_arena_init(&arena, memory, sizeof memory);
    enum gj_err err = gj_answer_decode(gj_slice_of(alone.answer, alone.answer_len), &arena, &answer, &found);
    assert_int_equal(err, GJ_OK);
    *ret = found;
    return answer;
}

static enum gj_answer_kind ask(enum gj_request_kind kind, const void *body, char msgid[GJ_MSGID_MAX + 1],
                               const void **ret) {
    for (unsigned asks = 0; asks < NTH_ASKS; asks++) {
        enum gj_answer_kind answer = ask_once(kind, body, ret);
        if (answer != GJ_ANSWER_NONE && answer != GJ_ANSWER_PROBLEM) return answer;
        drive(60, 0);
        const struct gj_ans_problem *problem = *ret;
        if (answer == GJ_ANSWER_NONE || strcmp(problem->outcome, "in_progress") == 0) continue;
        if (!gj_err_is_retryable(gj_err_from_name(problem->code))) return answer;
        desk_msgid(&alone.nth.desk, msgid);
    }
    return GJ_ANSWER_NONE;
}

static void play(void) {
    struct nth *nth = &alone.nth;
    struct gj_req_bill bill;
    struct gj_req_refund refund = {.sender = HOSPITAL, .amount = NTH_REFUND};
    const void *answer = NULL;
    gj_cluster_crash(nth->desk.cluster, nth->node);
    gj_cluster_advance(nth->desk.cluster, 1000);
    alone.is_alone = true;
    drive(40, 0);
    desk_bill(&nth->desk, &bill, NTH_PATIENT, "360800", NTH_FEE, NTH_PAYABLE);
    desk_expect_cash(&bill, 0);
    enum gj_answer_kind kind = ask(GJ_REQUEST_SETTLE, &bill, bill.msgid, &answer);
    assert_true(kind == GJ_ANSWER_SETTLEMENT || kind == GJ_ANSWER_PROBLEM);
    nth->settled = kind == GJ_ANSWER_SETTLEMENT;
    if (nth->settled) {
        const struct gj_ans_settlement *settlement = answer;
        nth->acct_pay = settlement->acct_pay;
        gj_text_set(refund.setl_id, sizeof refund.setl_id, settlement->setl_id);
        desk_msgid(&nth->desk, refund.msgid);
        kind = ask(GJ_REQUEST_REFUND, &refund, refund.msgid, &answer);
        assert_true(kind == GJ_ANSWER_REFUND || kind == GJ_ANSWER_PROBLEM);
        nth->refunded = kind == GJ_ANSWER_REFUND;
    }
    drive(1, 0);
    if (alone.engine != NULL) gj_engine_drain(alone.engine);
    drive(40, 0);
    gj_engine_free(&alone.engine);
    alone.is_alone = false;
    alone.n_in = alone.n_out = 0;
}

static unsigned long long loop(size_t node) {
    unsigned long long n = 0, served = 0;
    for (bool is_untouched = false; !is_untouched;) {
        n++;
        alone.deaths = 0;
        alone.seed = 1;
        alone.waiter = alone.answered = 0;
        nth_open(&alone.nth, node, on_network);
        nth_alloc_arm(n);
        atomic_store(&nth_alloc.is_armed, false);
        play();
        is_untouched = nth_alloc_disarm();
        nth_check(&alone.nth);
        served += alone.nth.settled && alone.nth.refunded;
        if (is_untouched) assert_true(alone.nth.settled && alone.nth.refunded && alone.deaths == 0);
        nth_close(&alone.nth);
    }
    assert_true(served > n / 2);
    print_message("%s: %llu allocations, %llu runs with settlement and refund\n", desk_nodes[node].name,
                  n - 1, served);
    return n - 1;
}

static void every_allocation_at_the_place_of_care(void **state) {
    (void)state;
    assert_true(loop(CARE) > 50);
}

static void every_allocation_at_the_payers_node(void **state) {
    (void)state;
    assert_true(loop(EAST) > 50);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_allocation_at_the_place_of_care),
        cmocka_unit_test(every_allocation_at_the_payers_node),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

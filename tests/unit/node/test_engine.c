/* SPDX-License-Identifier: Apache-2.0
 *
 * The engine with the real core, in a small cluster: what leaves and when, how batches become flushes and
 * signatures, and what happens when the store fails or is full.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/tables.h"
#include "support/cluster.h"
#include "support/faulty_store.h"

static const struct gj_cluster_node three[] = {
    {"330000", "330100 330200", NULL}, {"360000", "360100 360800", NULL}, {"130000", "130100 130200", NULL}};
static const struct gj_packs no_packs;

/* What left the nodes, and whether one of their stores had a transaction open at that moment. */
struct witness {
    struct gj_store *store; /* of node 0 */
    uint64_t parcels, too_early;
    uint64_t parcels_of_0;
    struct gj_event last[GJ_EVENT_COUNT];
};

static void on_network(void *ctx, const struct gj_cluster_flight *flight, struct gj_cluster_fate *fate) {
    struct witness *witness = ctx;
    (void)fate;
    witness->parcels++;
    if (flight->from == 0) witness->parcels_of_0++;
    if (flight->from == 0 && witness->store != NULL && witness->store->in_transaction) witness->too_early++;
}

static void on_event(void *ctx, size_t node, const struct gj_event *event) {
    struct witness *witness = ctx;
    if (node == 0) witness->last[event->code] = *event;
}

static struct gj_cluster_config config_of(struct witness *witness) {
    memset(witness, 0, sizeof *witness);
    return (struct gj_cluster_config){.nodes = three,
                                      .n_nodes = 3,
                                      .packs = &no_packs,
                                      .seed = 7,
                                      .ctx = witness,
                                      .network = on_network,
                                      .event = on_event};
}

/* Node 0 on a wrapper of its store; the cluster is started. */
static struct gj_cluster *start_on_wrapper(struct witness *witness, struct gj_faulty *faulty,
                                           struct gj_store **inner) {
    struct gj_cluster_config config = config_of(witness);
    struct gj_cluster *cluster = gj_cluster_new(&config);
    memset(faulty, 0, sizeof *faulty);
    *inner = gj_cluster_swap_store(cluster, 0, NULL);
    witness->store = gj_faulty_store_new(*inner, faulty);
    assert_null(gj_cluster_swap_store(cluster, 0, witness->store));
    gj_cluster_start(cluster);
    return cluster;
}

static void end(struct gj_cluster *cluster, struct gj_store *inner) {
    gj_cluster_free(&cluster);
    gj_store_close(&inner);
}

/* A verification of somebody insured at node 1: every such request has a message to send. */
static struct gj_req_verify a_verification(unsigned number) {
    struct gj_req_verify ask = {.sender = "330000/test",
                                .purpose = "check",
                                .consent_ref = "consent",
                                .insuplc_admdvs = "360100",
                                .psn_cert_type = "99",
                                .certno = "X1",
                                .psn_name = "Nobody"};
    (void)snprintf(ask.msgid, sizeof ask.msgid, "m%u", number);
    return ask;
}

static uint64_t submit_verification(struct gj_cluster *cluster, unsigned number) {
    struct gj_req_verify ask = a_verification(number);
    return gj_cluster_submit(cluster, 0, GJ_REQUEST_VERIFY, &ask);
}

static uint64_t submit_get_node(struct gj_cluster *cluster) {
    const struct gj_req_get ask = {.what = "node"};
    return gj_cluster_submit(cluster, 0, GJ_REQUEST_GET, &ask);
}

static void assert_problem(struct gj_cluster *cluster, uint64_t ticket, const char *outcome,
                           const char *code) {
    const void *body;
    assert_int_equal(gj_cluster_answers(cluster, ticket), 1);
    assert_int_equal(gj_cluster_answer(cluster, ticket, &body), GJ_ANSWER_PROBLEM);
    const struct gj_ans_problem *problem = body;
    assert_string_equal(problem->outcome, outcome);
    assert_string_equal(problem->code, code);
}

/* Node 1 was asked and has answered that it knows no such person. */
static void assert_is_served(struct gj_cluster *cluster, unsigned number) {
    uint64_t ticket = submit_verification(cluster, number);
    (void)gj_cluster_run(cluster, NULL, NULL, 10000);
    assert_problem(cluster, ticket, "refused", "PERSON_UNKNOWN");
}

static struct gj_engine_counts counts_of(struct gj_cluster *cluster, size_t node) {
    return *gj_engine_counts_of(gj_cluster_engine(cluster, node));
}

static uint32_t epoch_of(struct gj_cluster *cluster, size_t node) {
    uint8_t store_id[16];
    uint32_t epoch;
    uint64_t flush;
    gj_engine_flush_mark(gj_cluster_engine(cluster, node), store_id, &epoch, &flush);
    return epoch;
}

static void test_nodes_hear_each_other(void **state) {
    (void)state;
    struct witness witness;
    struct gj_cluster_config config = config_of(&witness);
    for (int alg = GJ_SIGN_SM2; alg <= GJ_SIGN_ED25519; alg++) {
        config.alg = (enum gj_sign_alg)alg;
        struct gj_cluster *cluster = gj_cluster_new(&config);
        gj_cluster_start(cluster);
        assert_int_equal(gj_cluster_alarms(cluster), 0);
        for (size_t i = 0; i < 3; i++) {
            assert_int_equal(gj_cluster_events(cluster, i, GJ_EVENT_PARCEL_REFUSED), 0);
            assert_true(gj_engine_is_idle(gj_cluster_engine(cluster, i)));
        }
        gj_cluster_free(&cluster);
        assert_null(cluster);
    }
}

static void test_one_step_makes_one_signature_and_one_flush(void **state) {
    (void)state;
    struct witness witness;
    struct gj_faulty faulty;
    struct gj_store *inner;
    struct gj_cluster *cluster = start_on_wrapper(&witness, &faulty, &inner);
    struct gj_engine_counts before = counts_of(cluster, 0);
    uint64_t parcels = witness.parcels_of_0;
    for (unsigned i = 0; i < 100; i++)
        (void)submit_verification(cluster, i);
    assert_true(gj_cluster_step(cluster));
    struct gj_engine_counts after = counts_of(cluster, 0);
    assert_int_equal(after.steps - before.steps, 1);
    assert_int_equal(after.requests - before.requests, 100);
    assert_int_equal(after.messages_out - before.messages_out, 100);
    assert_int_equal(after.signatures - before.signatures, 1);
    assert_true(after.flushes - before.flushes <= 1);
    assert_int_equal(after.parcels_out - before.parcels_out, 1);
    assert_int_equal(witness.parcels_of_0 - parcels, 1);

    /* Reading leaves no trace: no flush, nothing to sign, the same flush number. */
    (void)gj_cluster_run(cluster, NULL, NULL, 10000);
    uint8_t store_id[16];
    uint32_t epoch;
    uint64_t flush, flush_after;
    gj_engine_flush_mark(gj_cluster_engine(cluster, 0), store_id, &epoch, &flush);
    before = counts_of(cluster, 0);
    uint64_t ticket = submit_get_node(cluster);
    assert_true(gj_cluster_step(cluster));
    after = counts_of(cluster, 0);
    assert_true(gj_cluster_is_answered(cluster, ticket));
    assert_int_equal(after.flushes, before.flushes);
    assert_int_equal(after.signatures, before.signatures);
    gj_engine_flush_mark(gj_cluster_engine(cluster, 0), store_id, &epoch, &flush_after);
    assert_int_equal(flush_after, flush);
    end(cluster, inner);
}

static void test_nothing_leaves_before_the_flush(void **state) {
    (void)state;
    struct witness witness;
    struct gj_faulty faulty;
    struct gj_store *inner;
    struct gj_cluster *cluster = start_on_wrapper(&witness, &faulty, &inner);
    (void)submit_verification(cluster, 1);
    (void)gj_cluster_run(cluster, NULL, NULL, 5000);
    assert_true(witness.parcels_of_0 > 0);
    assert_true(faulty.commits > 0);
    assert_int_equal(witness.too_early, 0);

    /* A restart must flush its new epoch before a HELLO leaves. When that flush fails, nothing does. */
    gj_cluster_crash(cluster, 0);
    uint64_t parcels = witness.parcels_of_0;
    faulty.commits_until_fault = 1;
    faulty.fault = GJ_ERR_STORE;
    gj_cluster_restart(cluster, 0, GJ_WITNESS_EQUAL_OR_BEHIND);
    assert_false(gj_cluster_is_up(cluster, 0));
    assert_int_equal(gj_cluster_failure(cluster, 0), GJ_ERR_STORE);
    assert_int_equal(witness.parcels_of_0, parcels);

    /* A batch whose flush fails: the engine gives up, no answer and no parcel of it was handed out. */
    gj_cluster_start(cluster);
    (void)gj_cluster_run(cluster, NULL, NULL, 5000);
    parcels = witness.parcels_of_0;
    faulty.commits_until_fault = 1;
    gj_cluster_crash(cluster, 1);
    gj_cluster_restart(cluster, 1, GJ_WITNESS_EQUAL_OR_BEHIND); /* its HELLO makes node 0 write */
    (void)gj_cluster_run(cluster, NULL, NULL, 5000);
    assert_false(gj_cluster_is_up(cluster, 0));
    assert_int_equal(gj_cluster_failure(cluster, 0), GJ_ERR_STORE);
    assert_int_equal(witness.parcels_of_0, parcels);
    end(cluster, inner);
}

/* A request that waits for a peer is pending; then a batch finds the store full. */
static void test_full_store_drops_the_batch_and_tells_everybody(void **state) {
    (void)state;
    struct witness witness;
    struct gj_faulty faulty;
    struct gj_store *inner;
    struct gj_cluster *cluster = start_on_wrapper(&witness, &faulty, &inner);
    uint32_t epoch = epoch_of(cluster, 0);
    gj_cluster_cut(cluster, 0, 1, true);
    uint64_t pending = submit_verification(cluster, 1);
    assert_true(gj_cluster_step(cluster));
    assert_false(gj_cluster_is_answered(cluster, pending));

    gj_cluster_crash(cluster, 2);
    gj_cluster_restart(cluster, 2, GJ_WITNESS_EQUAL_OR_BEHIND); /* its HELLO makes node 0 write */
    uint64_t late = submit_verification(cluster, 2);
    faulty.commits_until_fault = 1;
    faulty.fault = GJ_ERR_STORE_FULL;
    assert_true(gj_cluster_step(cluster));
    assert_true(gj_cluster_is_up(cluster, 0));
    assert_problem(cluster, pending, "in_progress", "IN_PROGRESS");
    assert_problem(cluster, late, "refused", "STORE_FULL");
    assert_int_equal(witness.last[GJ_EVENT_LIMIT_REACHED].err, GJ_ERR_STORE_FULL);
    /* The core was made anew, so it must be of a new epoch, or ids would be used twice. */
    assert_true(epoch_of(cluster, 0) > epoch);

    /* And it works: the peers hear it again, and new requests are answered. */
    gj_cluster_cut(cluster, 0, 1, false);
    (void)gj_cluster_run(cluster, NULL, NULL, 10000);
    assert_is_served(cluster, 3);
    assert_int_equal(witness.too_early, 0);
    end(cluster, inner);
}

static void test_store_too_full_for_recovery_ends_the_engine(void **state) {
    (void)state;
    struct witness witness;
    struct gj_faulty faulty;
    struct gj_store *inner;
    struct gj_cluster *cluster = start_on_wrapper(&witness, &faulty, &inner);
    gj_cluster_crash(cluster, 2);
    gj_cluster_restart(cluster, 2, GJ_WITNESS_EQUAL_OR_BEHIND);
    faulty.commits_until_fault = 1;
    faulty.faults = 2;
    faulty.fault = GJ_ERR_STORE_FULL;
    (void)gj_cluster_run(cluster, NULL, NULL, 5000);
    assert_false(gj_cluster_is_up(cluster, 0));
    assert_int_equal(gj_cluster_failure(cluster, 0), GJ_ERR_STORE);
    end(cluster, inner);
}

static void test_below_the_reserve_and_draining_refuse_new_work_only(void **state) {
    (void)state;
    struct witness witness;
    struct gj_faulty faulty;
    struct gj_store *inner;
    struct gj_cluster *cluster = start_on_wrapper(&witness, &faulty, &inner);
    const void *body;
    faulty.is_below_reserve = true;
    uint64_t ticket = submit_verification(cluster, 1);
    assert_true(gj_cluster_step(cluster));
    assert_problem(cluster, ticket, "refused", "STORE_FULL");
    faulty.is_below_reserve = false;
    assert_is_served(cluster, 2);

    gj_engine_drain(gj_cluster_engine(cluster, 0));
    assert_false(gj_engine_is_idle(gj_cluster_engine(cluster, 0))); /* not before a step has looked */
    ticket = submit_verification(cluster, 3);
    assert_true(gj_cluster_step(cluster));
    assert_problem(cluster, ticket, "refused", "DRAINING");
    assert_true(gj_engine_is_idle(gj_cluster_engine(cluster, 0)));
    ticket = submit_get_node(cluster); /* reading goes on */
    assert_true(gj_cluster_step(cluster));
    assert_int_equal(gj_cluster_answer(cluster, ticket, &body), GJ_ANSWER_NODE);
    end(cluster, inner);
}

static void test_hangup_is_not_answered(void **state) {
    (void)state;
    struct witness witness;
    struct gj_cluster_config config = config_of(&witness);
    struct gj_cluster *cluster = gj_cluster_new(&config);
    gj_cluster_start(cluster);
    gj_cluster_cut(cluster, 0, 1, true); /* so that nobody is answered before the hangup */
    uint64_t gone = submit_verification(cluster, 1), stays = submit_verification(cluster, 2);
    assert_true(gj_cluster_step(cluster));
    gj_cluster_hangup(cluster, gone);
    (void)gj_cluster_run(cluster, NULL, NULL, 10000);
    assert_int_equal(gj_cluster_answers(cluster, gone), 0);
    assert_int_equal(gj_cluster_answers(cluster, stays), 1);
    gj_cluster_free(&cluster);
}

/* More than one step takes, and more than the list of waiters holds: everybody is answered, once. */
static void test_flood_of_requests_is_answered(void **state) {
    (void)state;
    enum { FLOOD = 4000 };
    static uint64_t tickets[FLOOD];
    struct witness witness;
    struct gj_cluster_config config = config_of(&witness);
    config.alg = GJ_SIGN_ED25519;
    struct gj_cluster *cluster = gj_cluster_new(&config);
    gj_cluster_start(cluster);
    gj_cluster_cut(cluster, 0, 1, true);
    for (unsigned i = 0; i < FLOOD; i++)
        tickets[i] = submit_verification(cluster, i);
    (void)gj_cluster_run(cluster, NULL, NULL, 60000);
    size_t busy = 0;
    for (size_t i = 0; i < FLOOD; i++) {
        const void *body;
        assert_int_equal(gj_cluster_answers(cluster, tickets[i]), 1);
        if (gj_cluster_answer(cluster, tickets[i], &body) != GJ_ANSWER_PROBLEM) continue;
        if (strcmp(((const struct gj_ans_problem *)body)->code, "BUSY") == 0) busy++;
    }
    assert_true(busy > 0 && busy < FLOOD);
    gj_cluster_free(&cluster);
}

/* --- recorded inputs ------------------------------------------------------------------------------------- */
struct recorded {
    const struct gj_data_key *key;
    size_t rows, starts, inputs;
    uint64_t last_flush;
};

static void count_entries(struct recorded *recorded, struct gj_slice plain) {
    struct gj_reader reader;
    gj_reader_init(&reader, plain);
    while (reader.left > 0) {
        uint8_t kind = gj_read_u8(&reader);
        if (kind == 'B') {
            recorded->starts++;
            (void)gj_read_slice(&reader, 1 + 16 + 32);
        } else if (kind == 'S') {
            (void)gj_read_slice(&reader, 16 + 1 + 2);
        } else if (kind == 'I') {
            recorded->inputs++;
            (void)gj_read_slice(&reader, 1 + 8);
            (void)gj_read_slice(&reader, gj_read_u8(&reader));
            (void)gj_read_slice(&reader, 32);
            (void)gj_read_slice(&reader, gj_read_u32(&reader));
        } else {
            assert_true(kind == 'P' || kind == 'D');
            (void)gj_read_slice(&reader, 32);
        }
        assert_false(reader.failed);
    }
}

static void read_batches(void *ctx, struct gj_turn *turn) {
    struct recorded *recorded = ctx;
    struct gj_batch_row none = {0};
    struct gj_rows rows;
    gj_store_find(turn->store, &gj_table_batch, NULL, &none, 0, NULL, 1000, turn->scratch, &rows);
    assert_false(rows.more);
    const struct gj_batch_row *items = rows.items;
    for (size_t i = 0; i < rows.n; i++) {
        static uint8_t memory[GJ_STORE_INPUTS_MAX];
        struct gj_buf plain;
        gj_buf_init(&plain, memory, sizeof memory);
        assert_int_equal(gj_unseal(recorded->key, items[i].inputs, &plain), GJ_OK);
        count_entries(recorded, gj_buf_slice(&plain));
        assert_int_equal(items[i].flush, recorded->last_flush + 1);
        recorded->last_flush = items[i].flush;
        recorded->rows++;
    }
}

static void test_every_flush_keeps_its_inputs_sealed(void **state) {
    (void)state;
    struct witness witness;
    struct gj_cluster_config config = config_of(&witness);
    config.record_inputs = true;
    struct gj_cluster *cluster = gj_cluster_new(&config);
    gj_cluster_start(cluster);
    for (unsigned i = 0; i < 10; i++)
        (void)submit_verification(cluster, i);
    (void)gj_cluster_run(cluster, NULL, NULL, 5000);
    /* Inputs of steps without a flush are carried to the next flush: a HELLO of a restarted peer forces one. */
    gj_cluster_crash(cluster, 2);
    gj_cluster_restart(cluster, 2, GJ_WITNESS_EQUAL_OR_BEHIND);
    (void)gj_cluster_run(cluster, NULL, NULL, 5000);

    struct gj_engine_counts counts = counts_of(cluster, 0);
    struct recorded recorded = {.key = gj_cluster_data_key(cluster, 0)};
    gj_cluster_edit(cluster, 0, read_batches, &recorded);
    assert_int_equal(recorded.rows, counts.flushes);
    assert_int_equal(recorded.starts, 1);
    assert_true(recorded.inputs >= 10);
    assert_true(recorded.inputs <= counts.parcels_in + counts.requests);
    gj_cluster_free(&cluster);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nodes_hear_each_other),
        cmocka_unit_test(test_one_step_makes_one_signature_and_one_flush),
        cmocka_unit_test(test_nothing_leaves_before_the_flush),
        cmocka_unit_test(test_full_store_drops_the_batch_and_tells_everybody),
        cmocka_unit_test(test_store_too_full_for_recovery_ends_the_engine),
        cmocka_unit_test(test_below_the_reserve_and_draining_refuse_new_work_only),
        cmocka_unit_test(test_hangup_is_not_answered),
        cmocka_unit_test(test_flood_of_requests_is_answered),
        cmocka_unit_test(test_every_flush_keeps_its_inputs_sealed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Full tables and queues: what does not fit is refused as BUSY or said again later, with an event, and is never
 * lost.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "support/cluster.h"
#include "support/solo.h"

#define C  "330000"
#define P2 "130000"

/* --- the table of active transactions ------------------------------------------------------------------------- */

/* |n| records in doubt like that of |tx|. */
static void fill_with_doubt(struct gj_solo *s, const struct gj_solo_tx *tx, uint32_t n) {
    struct gj_part_row row = gj_solo_part_row(s, &tx->txid);
    assert_string_equal(row.state, "PREPARED");
    s->store->ops->begin(s->store);
    for (uint32_t i = 1; i < n; i++) {
        row.txid.seq = 1000000 + i;
        (void)snprintf(row.msgid, sizeof row.msgid, "many-%u", (unsigned)i);
        (void)snprintf(row.biz_live, sizeof row.biz_live, "%s|%s", row.sender, row.msgid);
        gj_store_put(s->store, &gj_table_part, &row);
    }
    assert_int_equal(s->store->ops->commit(s->store), GJ_OK);
}

/* At the limit: no vote and no record for a PREPARE, BUSY for our own work; one place free, and both go. */
static void a_full_table_is_busy(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(NULL);
    struct gj_solo_tx held, fresh;
    struct gj_txid txid;
    gj_solo_tx_init(s, &held, C, GJ_SOLO_SELF);
    gj_solo_prepare(s, &held);
    fill_with_doubt(s, &held, GJ_ACTIVE_TX_MAX);
    gj_solo_restart(s, GJ_WITNESS_EQUAL_OR_BEHIND);
    gj_solo_greet(s);
    assert_int_equal(s->protocol->n_active, GJ_ACTIVE_TX_MAX);
    assert_false(s->protocol->rescan); /* all fitted */

    gj_solo_tx_init(s, &fresh, P2, GJ_SOLO_SELF);
    gj_solo_prepare(s, &fresh);
    assert_int_equal(gj_solo_events(s, GJ_EVENT_LIMIT_REACHED, GJ_ERR_BUSY), 1);
    assert_true(gj_solo_is_silent(s));
    assert_string_equal(gj_solo_part_state(s, &fresh.txid), "");
    assert_int_equal(gj_solo_coordinate(s, "m1", C, &txid), GJ_ERR_BUSY);
    assert_int_equal(s->app.holds, 1);

    gj_solo_commit(s, &held); /* decisions always go */
    assert_string_equal(gj_solo_part_state(s, &held.txid), "COMMITTED");
    gj_solo_prepare(s, &fresh);
    assert_true(gj_solo_vote_to(s, P2)->yes);
    gj_solo_abort(s, &fresh);
    assert_int_equal(gj_solo_coordinate(s, "m1", C, &txid), GJ_OK);
    gj_solo_answer(s, C, &txid, true); /* and a commit finds the place of its own vote collection */
    assert_string_equal(gj_solo_coord_state(s, &txid), "COMMITTED");
    assert_int_equal(s->protocol->n_active, GJ_ACTIVE_TX_MAX);
    gj_solo_free(&s);
}

/* One coordinator that never decides takes its own share of the table, and no more. */
static void one_coordinator_has_its_share(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(NULL);
    struct gj_solo_tx held, fresh, of_another;
    struct gj_txid txid;
    gj_solo_tx_init(s, &held, C, GJ_SOLO_SELF);
    gj_solo_prepare(s, &held);
    fill_with_doubt(s, &held, GJ_IN_DOUBT_PER_NODE_MAX);
    gj_solo_restart(s, GJ_WITNESS_EQUAL_OR_BEHIND);
    gj_solo_greet(s);
    gj_solo_tx_init(s, &fresh, C, GJ_SOLO_SELF);
    gj_solo_prepare(s, &fresh);
    assert_int_equal(gj_solo_events(s, GJ_EVENT_LIMIT_REACHED, GJ_ERR_BUSY), 1);
    assert_true(gj_solo_is_silent(s));
    gj_solo_tx_init(s, &of_another, P2, GJ_SOLO_SELF);
    gj_solo_prepare(s, &of_another);
    assert_true(gj_solo_vote_to(s, P2)->yes);
    assert_int_equal(gj_solo_coordinate(s, "m1", C, &txid), GJ_OK);
    gj_solo_abort(s, &held);
    gj_solo_prepare(s, &fresh);
    assert_true(gj_solo_vote_to(s, C)->yes);
    gj_solo_free(&s);
}

/* More records than places after a restart: the rest is looked at again when there is room, although nothing
 * else is due by then. */
static void what_did_not_fit_is_found_again(void **state) {
    (void)state;
    enum { MORE = 200 };
    struct gj_solo *s = gj_solo_new(NULL);
    struct gj_solo_tx held;
    gj_solo_tx_init(s, &held, C, GJ_SOLO_SELF);
    gj_solo_prepare(s, &held);
    fill_with_doubt(s, &held, GJ_ACTIVE_TX_MAX + MORE);
    gj_solo_restart(s, GJ_WITNESS_EQUAL_OR_BEHIND);
    gj_solo_greet(s);
    assert_int_equal(s->protocol->n_active, GJ_ACTIVE_TX_MAX);
    assert_true(s->protocol->rescan);

    uint32_t n = s->protocol->n_active, rounds = 0;
    while (n > 0 && rounds++ < 4) { /* the coordinator aborts all that are being asked for */
        while (s->protocol->n_active > 0) {
            const struct gj_abort abort = {.digest = held.digest, .reason = "TIMED_OUT"};
            struct gj_slice messages[500];
            struct gj_forge *c = gj_solo_peer(s, C);
            uint32_t some = s->protocol->n_active < 500 ? s->protocol->n_active : 500;
            gj_forge_reset(c);
            for (uint32_t i = 0; i < some; i++)
                messages[i] =
                    gj_forge_say(c, GJ_KIND_ABORT, GJ_ALL_NODES, &s->protocol->active[i].txid, &abort);
            gj_solo_frame(s, C, gj_forge_parcel(c, messages, some, NULL, 0));
        }
        assert_true(gj_protocol_next_due(s->protocol).ms <= s->now.mono.ms || !s->protocol->rescan);
        gj_solo_tick(s);
        n = s->protocol->n_active;
        if (rounds == 1) assert_int_equal(n, MORE);
    }
    assert_int_equal(n, 0);
    assert_int_equal(s->app.releases, GJ_ACTIVE_TX_MAX + MORE);
    gj_solo_free(&s);
}

/* --- the outbox ---------------------------------------------------------------------------------------------------- */

/* A restart with more votes to say than the outbox holds: those left out follow with the inquiries, each once. */
static void votes_that_did_not_fit_follow(void **state) {
    (void)state;
    enum { MANY = 6000 };
    struct gj_solo *s = gj_solo_new(NULL);
    struct gj_solo_tx held;
    gj_solo_tx_init(s, &held, C, GJ_SOLO_SELF);
    gj_solo_prepare(s, &held);
    fill_with_doubt(s, &held, MANY);
    gj_solo_restart(s, GJ_WITNESS_EQUAL_OR_BEHIND);
    assert_int_equal(s->outbox.n, GJ_BATCH_OUT_MAX);
    assert_true(gj_solo_count(s, GJ_KIND_VOTE, C) > GJ_BATCH_OUT_MAX - GJ_SOLO_NODES);
    assert_true(s->outbox.overflow);
    assert_true(gj_solo_events(s, GJ_EVENT_LIMIT_REACHED, GJ_ERR_NO_SPACE) > 0);
    uint32_t asked = 0;
    s->n_log = 0;
    gj_solo_run(s, 2000);
    for (uint32_t i = 0; i < s->n_log; i++)
        if (s->log[i].kind == GJ_KIND_INQUIRE) asked += s->log[i].n_items;
    assert_int_equal(asked, MANY);
    gj_solo_free(&s);
}

/* A commit that found the outbox full is sent again by its timer: the record is what counts. */
static void a_commit_that_did_not_fit_is_sent_again(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(NULL);
    struct gj_txid txid;
    assert_int_equal(gj_solo_coordinate(s, "m1", C, &txid), GJ_OK);
    uint32_t cap = s->outbox.cap;
    s->outbox.cap = 0;
    gj_solo_answer(s, C, &txid, true);
    assert_true(s->outbox.overflow);
    assert_int_equal(s->outbox.n, 0);
    assert_int_equal(gj_solo_events(s, GJ_EVENT_LIMIT_REACHED, GJ_ERR_NO_SPACE), 1);
    assert_string_equal(gj_solo_coord_state(s, &txid), "COMMITTED");
    s->outbox.cap = cap;
    s->n_log = 0;
    gj_solo_run(s, 1200);
    assert_int_equal(s->n_log, 1);
    assert_int_equal(s->log[0].kind, GJ_KIND_COMMIT);
    gj_solo_free(&s);
}

/* --- acknowledgements ----------------------------------------------------------------------------------------------- */

/* More commits in one parcel than one ACK may name: two messages, and none left out. */
static void acks_beyond_one_message(void **state) {
    (void)state;
    enum { MANY = GJ_INQUIRE_ITEMS_MAX + 20 };
    struct gj_solo *s = gj_solo_new(NULL);
    static struct gj_solo_tx tx[MANY];
    struct gj_slice messages[MANY];
    struct gj_forge *c = gj_solo_peer(s, C);
    for (int i = 0; i < MANY; i++) {
        gj_solo_tx_init(s, &tx[i], C, GJ_SOLO_SELF);
        gj_solo_prepare(s, &tx[i]);
        struct gj_commit commit = gj_solo_certificate(s, &tx[i]);
        messages[i] = gj_forge_say(c, GJ_KIND_COMMIT, GJ_ALL_NODES, &tx[i].txid, &commit);
    }
    gj_solo_frame(s, C, gj_forge_parcel(c, messages, MANY, NULL, 0));
    assert_int_equal(s->app.posts, MANY);
    assert_int_equal(gj_solo_count(s, GJ_KIND_ACK, C), 2);
    bool acked[MANY] = {false};
    for (uint32_t k = 0; k < 2; k++) {
        const struct gj_ack *ack = gj_solo_message(s, GJ_KIND_ACK, C, k);
        for (uint32_t i = 0; i < ack->n_txids; i++)
            for (int t = 0; t < MANY; t++)
                if (gj_txid_equal(&ack->txids[i].txid, &tx[t].txid)) acked[t] = true;
    }
    for (int t = 0; t < MANY; t++)
        assert_true(acked[t]);
    gj_solo_free(&s);
}

/* --- a batch of the engine -------------------------------------------------------------------------------------------- */

/* More requests at once than a batch, and than there are sessions: each is answered once, in its turn or as BUSY,
 * and the messages of more than one full outbox all leave. */
static void more_than_a_batch_is_answered(void **state) {
    (void)state;
    enum { MANY = 4 * GJ_BATCH_INPUTS_MAX };
    static const struct gj_cluster_node two[] = {{"330000", "330100", NULL}, {"360000", "360100", NULL}};
    static const struct gj_packs no_packs;
    static uint64_t tickets[MANY];
    const struct gj_cluster_config config = {
        .nodes = two, .n_nodes = 2, .packs = &no_packs, .alg = GJ_SIGN_ED25519, .seed = 5};
    struct gj_cluster *cluster = gj_cluster_new(&config);
    gj_cluster_start(cluster);
    for (unsigned i = 0; i < MANY; i++) {
        struct gj_req_verify ask = {.sender = "330000/test",
                                    .purpose = "check",
                                    .consent_ref = "c",
                                    .insuplc_admdvs = "360100",
                                    .psn_cert_type = "99",
                                    .certno = "X1",
                                    .psn_name = "Nobody"};
        (void)snprintf(ask.msgid, sizeof ask.msgid, "m%u", i);
        tickets[i] = gj_cluster_submit(cluster, 0, GJ_REQUEST_VERIFY, &ask);
    }
    (void)gj_cluster_run(cluster, NULL, NULL, 30000);
    unsigned served = 0, busy = 0;
    for (unsigned i = 0; i < MANY; i++) {
        const void *body;
        assert_int_equal(gj_cluster_answers(cluster, tickets[i]), 1);
        assert_int_equal(gj_cluster_answer(cluster, tickets[i], &body), GJ_ANSWER_PROBLEM);
        const char *code = ((const struct gj_ans_problem *)body)->code;
        if (strcmp(code, "PERSON_UNKNOWN") == 0) served++;
        if (strcmp(code, "BUSY") == 0) busy++;
    }
    assert_int_equal(served + busy, MANY);
    assert_true(served >= GJ_SESSIONS_MAX);
    gj_cluster_free(&cluster);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_table_is_busy),
        cmocka_unit_test(one_coordinator_has_its_share),
        cmocka_unit_test(what_did_not_fit_is_found_again),
        cmocka_unit_test(votes_that_did_not_fit_follow),
        cmocka_unit_test(a_commit_that_did_not_fit_is_sent_again),
        cmocka_unit_test(acks_beyond_one_message),
        cmocka_unit_test(more_than_a_batch_is_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

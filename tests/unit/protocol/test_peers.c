/* SPDX-License-Identifier: Apache-2.0
 *
 * What a node knows of its peers: HELLO and its nonce, epochs, flushes seen, the start-up gate, and how a store
 * that went back in time is found out. The replay window's rows are in tests/table/test_admission.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "support/solo.h"

#define C  "330000"
#define P2 "130000"
#define D  "450000"

static const struct gj_solo_config ungreeted = {.no_greeting = true};
static const struct gj_solo_config doubtful = {.no_greeting = true, .witness = GJ_WITNESS_DOUBTFUL};

static struct gj_hello hello_of(struct gj_solo *s, const char *peer) {
    const struct gj_forge *forge = gj_solo_peer(s, peer);
    struct gj_hello hello = {.version_min = GJ_PROTOCOL_VERSION,
                             .version_max = GJ_PROTOCOL_VERSION,
                             .registry_serial = 1,
                             .boot_epoch = forge->epoch};
    memcpy(hello.network_id, forge->network_id, sizeof hello.network_id);
    memset(hello.nonce, 9, sizeof hello.nonce);
    return hello;
}

static const struct gj_welcome *welcome_to(struct gj_solo *s, const char *peer) {
    assert_int_equal(gj_solo_count(s, GJ_KIND_WELCOME, peer), 1);
    return gj_solo_message(s, GJ_KIND_WELCOME, peer, 0);
}

/* --- HELLO -------------------------------------------------------------------------------------------------- */

static void a_hello_is_answered_with_its_nonce(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(&ungreeted);
    struct gj_hello hello = hello_of(s, C);
    gj_solo_peer(s, C)->flush = 7;
    gj_solo_say(s, C, GJ_KIND_HELLO, NULL, &hello);
    assert_memory_equal(welcome_to(s, C)->nonce, hello.nonce, sizeof hello.nonce);
    assert_int_equal(welcome_to(s, C)->n_seen, 1);
    assert_int_equal(welcome_to(s, C)->seen[0].epoch, hello.boot_epoch);
    assert_int_equal(welcome_to(s, C)->seen[0].flush, 7);
    assert_false(welcome_to(s, C)->resync);
    assert_int_equal(gj_solo_events(s, GJ_EVENT_PEER_RESTARTED, GJ_OK), 1);
    struct gj_peer_row row = {.node = C, .epoch = hello.boot_epoch};
    assert_true(gj_solo_get(s, &gj_table_peer, &row)); /* written before the answer leaves */
    assert_memory_equal(row.nonce, hello.nonce, sizeof hello.nonce);

    gj_solo_say(s, C, GJ_KIND_HELLO, NULL, &hello); /* again: the same answer, no news */
    assert_memory_equal(welcome_to(s, C)->nonce, hello.nonce, sizeof hello.nonce);
    assert_int_equal(gj_solo_events(s, GJ_EVENT_PEER_RESTARTED, GJ_OK), 0);
    gj_solo_free(&s);
}

static void expect_refused(struct gj_solo *s, enum gj_event_code code, enum gj_err err) {
    assert_int_equal(gj_solo_events(s, code, err), 1);
    assert_int_equal(gj_solo_count(s, GJ_KIND_WELCOME, NULL), 0);
}

static void a_hello_that_does_not_fit_is_refused(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(&ungreeted);
    struct gj_hello hello = hello_of(s, C);
    hello.network_id[3] ^= 1;
    gj_solo_say(s, C, GJ_KIND_HELLO, NULL, &hello);
    expect_refused(s, GJ_EVENT_PARCEL_REFUSED, GJ_ERR_WRONG_NETWORK);
    hello = hello_of(s, C);
    hello.version_min = hello.version_max = GJ_PROTOCOL_VERSION + 1;
    gj_solo_say(s, C, GJ_KIND_HELLO, NULL, &hello);
    expect_refused(s, GJ_EVENT_PARCEL_REFUSED, GJ_ERR_BAD_VERSION);
    hello = hello_of(s, C);
    hello.boot_epoch++; /* not the parcel's */
    gj_solo_say(s, C, GJ_KIND_HELLO, NULL, &hello);
    expect_refused(s, GJ_EVENT_PARCEL_REFUSED, GJ_ERR_OLD_EPOCH);
    hello = hello_of(s, C);
    hello.version_max = GJ_PROTOCOL_VERSION + 5; /* a newer one that still speaks ours */
    gj_solo_say(s, C, GJ_KIND_HELLO, NULL, &hello);
    assert_int_equal(welcome_to(s, C)->version, GJ_PROTOCOL_VERSION);
    gj_solo_free(&s);
}

/* Two processes that took the same epoch: one of them is a copy. Also after our own restart. */
static void a_known_epoch_has_one_nonce(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(&ungreeted);
    struct gj_hello hello = hello_of(s, C);
    gj_solo_say(s, C, GJ_KIND_HELLO, NULL, &hello);
    for (int i = 0; i < 2; i++) {
        struct gj_hello twin = hello;
        twin.nonce[0] ^= 1;
        gj_solo_say(s, C, GJ_KIND_HELLO, NULL, &twin);
        expect_refused(s, GJ_EVENT_VIOLATION, GJ_ERR_BAD_NONCE);
        gj_solo_say(s, C, GJ_KIND_HELLO, NULL, &hello);
        assert_non_null(welcome_to(s, C));
        gj_solo_restart(s, GJ_WITNESS_EQUAL_OR_BEHIND);
    }
    gj_solo_free(&s);
}

/* After a restart the first votes and questions travel behind the HELLO that admits them. */
static void a_hello_admits_what_is_behind_it(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(&ungreeted);
    struct gj_forge *c = gj_solo_peer(s, C);
    const struct gj_hello hello = hello_of(s, C);
    struct gj_tx_ref unknown = {.txid = {.coordinator = GJ_SOLO_SELF, .epoch = 1, .seq = 1, .attempt = 1}};
    const struct gj_ack ack = {.txids = &unknown, .n_txids = 1};
    for (int is_first = 1; is_first >= 0; is_first--) {
        struct gj_slice greeting = gj_forge_say(c, GJ_KIND_HELLO, GJ_SOLO_SELF, NULL, &hello);
        struct gj_slice other = gj_forge_say(c, GJ_KIND_ACK, GJ_SOLO_SELF, NULL, &ack);
        const struct gj_slice messages[] = {is_first ? greeting : other, is_first ? other : greeting};
        gj_solo_frame(s, C, gj_forge_parcel(c, messages, 2, NULL, 0));
        assert_int_equal(gj_solo_events(s, GJ_EVENT_PARCEL_REFUSED, GJ_ERR_NO_HELLO), is_first ? 0 : 1);
        gj_solo_free(&s);
        s = gj_solo_new(&ungreeted);
        c = gj_solo_peer(s, C);
    }
    gj_solo_free(&s);
}

/* Whoever answered the HELLO of an epoch drops what comes from earlier ones. */
static void earlier_epochs_are_over(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(NULL);
    struct gj_solo_tx tx;
    struct gj_forge *c = gj_solo_peer(s, C);
    gj_solo_tx_init(s, &tx, C, GJ_SOLO_SELF);
    struct gj_forge past = *c;
    gj_solo_peer_restart(s, C);
    const struct gj_abort abort = {.digest = tx.digest, .reason = "TIMED_OUT"};

    gj_solo_say(s, C, GJ_KIND_ABORT, &tx.txid, &abort); /* of an epoch whose HELLO was not heard */
    assert_int_equal(gj_solo_events(s, GJ_EVENT_PARCEL_REFUSED, GJ_ERR_NO_HELLO), 1);
    const struct gj_error *error = gj_solo_message(s, GJ_KIND_ERROR, C, 0);
    assert_non_null(error);
    assert_string_equal(error->code, "NO_HELLO");
    gj_solo_hello(s, C);
    gj_solo_frame(s, C, gj_forge_one(&past, GJ_KIND_ABORT, GJ_ALL_NODES, &tx.txid, &abort));
    assert_int_equal(gj_solo_events(s, GJ_EVENT_PARCEL_REFUSED, GJ_ERR_OLD_EPOCH), 1);
    struct gj_hello old = hello_of(s, C);
    old.boot_epoch = past.epoch;
    gj_solo_frame(s, C, gj_forge_one(&past, GJ_KIND_HELLO, GJ_SOLO_SELF, NULL, &old));
    assert_int_equal(gj_solo_events(s, GJ_EVENT_PARCEL_REFUSED, GJ_ERR_OLD_EPOCH), 1);
    assert_string_equal(gj_solo_part_state(s, &tx.txid), "");
    gj_solo_say(s, C, GJ_KIND_ABORT, &tx.txid, &abort);
    assert_string_equal(gj_solo_part_state(s, &tx.txid), "REFUSED");

    gj_solo_restart(s, GJ_WITNESS_EQUAL_OR_BEHIND); /* what was heard is durable */
    gj_solo_frame(s, C, gj_forge_one(&past, GJ_KIND_ABORT, GJ_ALL_NODES, &tx.txid, &abort));
    assert_int_equal(gj_solo_events(s, GJ_EVENT_PARCEL_REFUSED, GJ_ERR_OLD_EPOCH), 1);
    gj_solo_free(&s);
}

/* Ours: said to all, said again each second until each has answered, with the flushes of our past. */
static void our_hello_is_said_until_it_is_answered(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(NULL);
    uint32_t first_epoch = gj_protocol_epoch(s->protocol);
    struct gj_node_row node = {.one = 1};
    assert_true(gj_solo_get(s, &gj_table_node, &node));
    uint64_t first_flush = node.flush;
    s->n_log = 0;
    gj_solo_restart(s, GJ_WITNESS_EQUAL_OR_BEHIND);
    if (gj_solo_is_silent(s)) gj_solo_tick(s);
    assert_int_equal(s->log[0].kind, GJ_KIND_HELLO); /* the first word of a start */
    const struct gj_hello *hello = gj_solo_message(s, GJ_KIND_HELLO, C, 0);
    assert_non_null(hello);
    assert_int_equal(hello->boot_epoch, gj_protocol_epoch(s->protocol));
    assert_memory_equal(hello->nonce, s->protocol->nonce, sizeof hello->nonce);
    assert_int_equal(hello->n_epochs, 1);
    assert_int_equal(hello->epochs[0].epoch, first_epoch);
    assert_int_equal(hello->epochs[0].flush, first_flush);
    assert_int_equal(gj_solo_count(s, GJ_KIND_HELLO, NULL), 3);

    gj_solo_welcome(s, C, NULL, 0);
    assert_int_equal(gj_solo_events(s, GJ_EVENT_PEER_HEARD, GJ_OK), 1);
    s->n_log = 0;
    gj_solo_run(s, 10000);
    unsigned to_c = 0, to_d = 0;
    for (uint32_t i = 0; i < s->n_log; i++) {
        if (gj_text_equal(s->log[i].node, C)) to_c++;
        if (gj_text_equal(s->log[i].node, D)) to_d++;
    }
    assert_int_equal(to_c, 0);
    assert_in_range(to_d, 8, 13);

    const struct gj_error error = {.code = "NO_HELLO"}; /* C has forgotten us: once more */
    gj_solo_hello(s, C);
    gj_solo_say(s, C, GJ_KIND_ERROR, NULL, &error);
    gj_solo_tick(s);
    assert_int_equal(gj_solo_count(s, GJ_KIND_HELLO, C), 1);
    gj_solo_free(&s);
}

static void a_welcome_of_another_nonce_says_nothing(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(&ungreeted);
    const struct gj_epoch_flush future = {.epoch = UINT32_MAX, .flush = 1};
    struct gj_welcome welcome = {
        .version = 1, .registry_serial = 1, .seen = (struct gj_epoch_flush *)(uintptr_t)&future, .n_seen = 1};
    gj_solo_hello(s, C);
    memcpy(welcome.nonce, s->protocol->nonce, sizeof welcome.nonce);
    welcome.nonce[15] ^= 1;
    gj_solo_say(s, C, GJ_KIND_WELCOME, NULL, &welcome);
    assert_int_equal(gj_solo_events(s, GJ_EVENT_PARCEL_REFUSED, GJ_ERR_BAD_NONCE), 1);
    assert_false(s->protocol->peers[gj_directory_index(&s->directory, C)].heard);
    assert_false(s->protocol->resync);
    gj_solo_free(&s);
}

/* The highest flush of each epoch is kept, and told to him who asks with a HELLO. */
static void flushes_seen_are_durable(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(NULL);
    struct gj_solo_tx tx;
    struct gj_forge *c = gj_solo_peer(s, C);
    uint32_t first = c->epoch;
    c->flush = 40;
    gj_solo_tx_init(s, &tx, C, GJ_SOLO_SELF);
    gj_solo_prepare(s, &tx);
    c->flush = 39; /* overtaken: the highest counts */
    gj_solo_prepare(s, &tx);
    gj_solo_restart(s, GJ_WITNESS_EQUAL_OR_BEHIND);
    gj_solo_peer_restart(s, C);
    c->flush = 3;
    gj_solo_hello(s, C);
    const struct gj_welcome *welcome = welcome_to(s, C);
    assert_int_equal(welcome->n_seen, 2);
    assert_int_equal(welcome->seen[0].epoch, first);
    assert_int_equal(welcome->seen[0].flush, 40);
    assert_int_equal(welcome->seen[1].epoch, c->epoch);
    assert_int_equal(welcome->seen[1].flush, 3);
    gj_solo_free(&s);
}

/* --- a store that went back in time --------------------------------------------------------------------------- */

struct mark {
    uint32_t past, now;
    uint64_t past_flush, flush;
};

static struct mark mark_of(struct gj_solo *s) {
    struct gj_node_row node = {.one = 1};
    struct mark mark;
    assert_true(gj_solo_get(s, &gj_table_node, &node));
    mark.past = (uint32_t)node.boot_epoch;
    mark.past_flush = node.flush;
    gj_solo_restart(s, GJ_WITNESS_EQUAL_OR_BEHIND);
    node = (struct gj_node_row){.one = 1};
    assert_true(gj_solo_get(s, &gj_table_node, &node));
    mark.now = (uint32_t)node.boot_epoch;
    mark.flush = node.flush;
    return mark;
}

static void a_peer_that_saw_more_sends_us_into_resync(void **state) {
    (void)state;
    for (int row = 0; row < 8; row++) {
        struct gj_solo *s = gj_solo_new(NULL);
        struct mark mark = mark_of(s);
        gj_solo_hello(s, C);
        struct gj_node_row node = {.one = 1};
        assert_true(gj_solo_get(s, &gj_table_node, &node));
        struct gj_epoch_flush seen[2] = {{.epoch = mark.past, .flush = mark.past_flush},
                                         {.epoch = mark.now, .flush = node.flush}};
        bool lost = row >= 3;
        if (row == 1) seen[0].flush--;
        if (row == 2) seen[1].flush--;
        if (row == 3) seen[0].flush++;               /* a flush of a past epoch that we do not hold */
        if (row == 4) seen[1].flush++;               /* of this epoch */
        if (row == 5) seen[0].epoch = mark.past - 1; /* an epoch that we never had */
        if (row == 6) seen[1].epoch = mark.now + 1;  /* one that is still to come */
        if (row == 7) seen[0].epoch = 1;
        print_message("seen %d\n", row);
        gj_solo_welcome(s, C, seen, 2);
        assert_int_equal(s->protocol->resync, lost);
        assert_int_equal(gj_solo_events(s, GJ_EVENT_RESYNC_NEEDED, GJ_ERR_RESYNC), lost);
        gj_solo_free(&s);
    }
}

/* In RESYNC: no vote, no answer, no new work, whoever asks; but HELLO is answered, and it outlasts a restart. */
static void in_resync_nothing_is_said(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(NULL);
    struct gj_solo_tx prepared, fresh;
    struct gj_txid own, txid;
    gj_solo_tx_init(s, &prepared, C, GJ_SOLO_SELF " " P2);
    gj_solo_prepare(s, &prepared);
    assert_int_equal(gj_solo_coordinate(s, "m1", C, &own), GJ_OK);
    struct gj_digest digest = gj_solo_coord_row(s, &own).digest;
    const struct gj_epoch_flush seen = {.epoch = gj_protocol_epoch(s->protocol), .flush = 1000000};
    gj_solo_welcome(s, C, &seen, 1);
    assert_true(s->protocol->resync);
    struct gj_solo_app before = s->app;
    for (int i = 0; i < 2; i++) {
        gj_solo_tx_init(s, &fresh, C, GJ_SOLO_SELF);
        gj_solo_prepare(s, &fresh);
        assert_int_equal(gj_solo_count(s, GJ_KIND_ERROR, C), 1); /* its legs; a core might be a replay's */
        assert_string_equal(((const struct gj_error *)gj_solo_message(s, GJ_KIND_ERROR, C, 0))->code,
                            "RESYNC");
        assert_int_equal(s->outbox.n, 1);
        gj_solo_prepare(s, &prepared);
        assert_int_equal(gj_solo_count(s, GJ_KIND_VOTE, NULL), 0);
        gj_solo_inquire(s, P2, &prepared.txid, &prepared.digest, true, gj_solo_core_evidence(s, &prepared));
        assert_true(gj_solo_is_silent(s));
        gj_solo_inquire(s, P2, &fresh.txid, &fresh.digest, true, gj_solo_core_evidence(s, &fresh));
        assert_true(gj_solo_is_silent(s));
        gj_solo_inquire(s, C, &own, &digest, true, GJ_SLICE_NONE);
        assert_true(gj_solo_is_silent(s));
        gj_solo_abort(s, &prepared);
        assert_true(gj_solo_is_silent(s));
        assert_int_equal(gj_solo_coordinate(s, "m2", C, &txid), GJ_ERR_RESYNC);
        gj_solo_say(s, D, GJ_KIND_VERIFY, NULL,
                    &(struct gj_verify){.purpose = "check",
                                        .consent_ref = "c",
                                        .insuplc_admdvs = "360100",
                                        .person = {"01", "1", "x"},
                                        .business_date = 20261118});
        assert_int_equal(gj_solo_count(s, GJ_KIND_ERROR, D), 1);
        assert_string_equal(gj_solo_part_state(s, &fresh.txid), "");
        assert_string_equal(gj_solo_part_state(s, &prepared.txid), "PREPARED");
        assert_string_equal(gj_solo_coord_state(s, &own), "BEGUN");
        assert_memory_equal(&s->app, &before, sizeof before);
        s->n_log = 0;
        gj_solo_run(s, 600000); /* and no timer says anything but HELLO, and asks for the replay */
        for (uint32_t k = 0; k < s->n_log; k++)
            assert_true(s->log[k].kind == GJ_KIND_HELLO || s->log[k].kind == GJ_KIND_REPLAY_ASK);
        gj_solo_hello(s, D);
        assert_true(welcome_to(s, D)->resync);
        gj_solo_restart(s, i == 0 ? GJ_WITNESS_DOUBTFUL : GJ_WITNESS_EQUAL_OR_BEHIND);
        assert_true(s->protocol->resync);
        assert_int_equal(s->outbox.n, gj_solo_count(s, GJ_KIND_HELLO, NULL));
    }
    gj_solo_free(&s);
}

/* --- the start-up gate -------------------------------------------------------------------------------------------- */

/* After a doubtful start nothing is promised until all peers have said what they saw. */
static void a_doubtful_start_waits_for_all(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(&doubtful);
    struct gj_txid txid;
    struct gj_solo_tx tx;
    assert_int_equal(gj_solo_coordinate(s, "m1", C, &txid), GJ_ERR_GATE);
    gj_solo_hello(s, C);
    gj_solo_hello(s, P2);
    gj_solo_hello(s, D);
    gj_solo_tx_init(s, &tx, C, GJ_SOLO_SELF);
    gj_solo_prepare(s, &tx); /* BUSY is no vote */
    assert_true(gj_solo_is_silent(s));
    assert_string_equal(gj_solo_part_state(s, &tx.txid), "");
    gj_solo_welcome(s, C, NULL, 0);
    gj_solo_welcome(s, P2, NULL, 0);
    gj_solo_run(s, 5000);
    assert_int_equal(gj_solo_coordinate(s, "m1", C, &txid), GJ_ERR_GATE);

    gj_solo_welcome(s, D, NULL, 0);
    gj_solo_run(s, 0); /* nothing else is due, and it opens all the same */
    assert_int_equal(gj_solo_events(s, GJ_EVENT_GATE_OPEN, GJ_OK), 1);
    assert_int_equal(gj_solo_coordinate(s, "m1", C, &txid), GJ_OK);
    gj_solo_prepare(s, &tx);
    assert_true(gj_solo_vote_to(s, C)->yes);
    gj_solo_free(&s);
}

/* What was prepared, begun or committed before is taken up when the gate opens, and not before. */
static void the_past_waits_behind_the_gate(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(NULL);
    struct gj_solo_tx prepared, of_two, committed, refused;
    struct gj_txid begun, done;
    gj_solo_tx_init(s, &prepared, C, GJ_SOLO_SELF);
    gj_solo_prepare(s, &prepared);
    gj_solo_tx_init(s, &of_two, C, GJ_SOLO_SELF " " P2);
    gj_solo_prepare(s, &of_two);
    gj_solo_tx_init(s, &committed, C, GJ_SOLO_SELF);
    gj_solo_prepare(s, &committed);
    gj_solo_tx_init(s, &refused, C, GJ_SOLO_SELF " " P2);
    gj_solo_abort(s, &refused);
    assert_int_equal(gj_solo_coordinate(s, "m1", C " " P2, &begun), GJ_OK);
    assert_int_equal(gj_solo_coordinate(s, "m2", C, &done), GJ_OK);
    gj_solo_answer(s, C, &done, true);

    gj_solo_restart(s, GJ_WITNESS_DOUBTFUL);
    assert_int_equal(s->outbox.n, gj_solo_count(s, GJ_KIND_HELLO, NULL));
    s->n_log = 0;
    gj_solo_run(s, 60000);
    for (uint32_t i = 0; i < s->n_log; i++)
        assert_int_equal(s->log[i].kind, GJ_KIND_HELLO);
    assert_string_equal(gj_solo_coord_state(s, &begun), "BEGUN");
    gj_solo_inquire(s, P2, &refused.txid, &refused.digest, true, gj_solo_core_evidence(s, &refused));
    assert_true(gj_solo_is_silent(s));
    gj_solo_commit(s, &committed); /* a decision may come at any time */
    assert_string_equal(gj_solo_part_state(s, &committed.txid), "COMMITTED");

    gj_solo_welcome(s, C, NULL, 0); /* of what lists only heard nodes it may be spoken */
    gj_solo_prepare(s, &of_two);
    assert_true(gj_solo_is_silent(s));
    gj_solo_prepare(s, &prepared);
    assert_true(gj_solo_vote_to(s, C)->yes);
    gj_solo_welcome(s, P2, NULL, 0);
    gj_solo_inquire(s, P2, &refused.txid, &refused.digest, true, gj_solo_core_evidence(s, &refused));
    assert_string_equal(gj_solo_status_to(s, P2)->state, "REFUSED");
    assert_string_equal(gj_solo_coord_state(s, &begun), "BEGUN");

    gj_solo_welcome(s, D, NULL, 0);
    s->n_log = 0;
    gj_solo_run(s, 0);
    assert_string_equal(gj_solo_coord_state(s, &begun), "ABORTED");
    unsigned aborts = 0, commits = 0, votes = 0, inquiries = 0;
    for (uint32_t i = 0; i < s->n_log; i++) {
        if (s->log[i].kind == GJ_KIND_ABORT) aborts++;
        if (s->log[i].kind == GJ_KIND_COMMIT) commits++;
        if (s->log[i].kind == GJ_KIND_VOTE) votes++;
        if (s->log[i].kind == GJ_KIND_INQUIRE) inquiries++;
    }
    assert_int_equal(aborts, 2);
    assert_int_equal(commits, 1);
    assert_int_equal(votes, 2);
    assert_int_equal(inquiries, 1);
    gj_solo_free(&s);
}

/* A doubtful start whose peers saw more: RESYNC, and nothing of the past is decided by presumption. */
static void a_doubtful_start_with_loss_decides_nothing(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(NULL);
    struct gj_txid begun;
    assert_int_equal(gj_solo_coordinate(s, "m1", C, &begun), GJ_OK);
    const struct gj_epoch_flush seen = {.epoch = gj_protocol_epoch(s->protocol), .flush = 1000000};
    gj_solo_restart(s, GJ_WITNESS_DOUBTFUL);
    gj_solo_welcome(s, C, NULL, 0);
    gj_solo_welcome(s, P2, &seen, 1);
    gj_solo_welcome(s, D, NULL, 0);
    gj_solo_run(s, 60000);
    assert_true(s->protocol->resync);
    assert_string_equal(gj_solo_coord_state(s, &begun), "BEGUN");
    assert_int_equal(s->app.releases, 0);
    gj_solo_free(&s);
}

/* --- epochs ---------------------------------------------------------------------------------------------------------- */

/* They only grow: with the clock, and past it if it runs backwards. */
static void epochs_only_grow(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(NULL);
    uint32_t last = gj_protocol_epoch(s->protocol);
    assert_int_equal(last, GJ_SOLO_WALL_MS / 1000);
    gj_solo_restart(s, GJ_WITNESS_EQUAL_OR_BEHIND);
    assert_int_equal(gj_protocol_epoch(s->protocol), last + 1);
    s->now.wall.ms -= INT64_C(86400000) * 365;
    for (int i = 0; i < 3; i++) {
        last = gj_protocol_epoch(s->protocol);
        gj_solo_restart(s, GJ_WITNESS_EQUAL_OR_BEHIND);
        assert_int_equal(gj_protocol_epoch(s->protocol), last + 1);
    }
    s->now.wall.ms += INT64_C(86400000) * 366;
    gj_solo_restart(s, GJ_WITNESS_EQUAL_OR_BEHIND);
    assert_int_equal(gj_protocol_epoch(s->protocol), s->now.wall.ms / 1000);
    struct gj_epoch_row past = {.epoch = last + 1};
    assert_true(gj_solo_get(s, &gj_table_epoch, &past));
    gj_solo_free(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hello_is_answered_with_its_nonce),
        cmocka_unit_test(a_hello_that_does_not_fit_is_refused),
        cmocka_unit_test(a_known_epoch_has_one_nonce),
        cmocka_unit_test(a_hello_admits_what_is_behind_it),
        cmocka_unit_test(earlier_epochs_are_over),
        cmocka_unit_test(our_hello_is_said_until_it_is_answered),
        cmocka_unit_test(a_welcome_of_another_nonce_says_nothing),
        cmocka_unit_test(flushes_seen_are_durable),
        cmocka_unit_test(a_peer_that_saw_more_sends_us_into_resync),
        cmocka_unit_test(in_resync_nothing_is_said),
        cmocka_unit_test(a_doubtful_start_waits_for_all),
        cmocka_unit_test(the_past_waits_behind_the_gate),
        cmocka_unit_test(a_doubtful_start_with_loss_decides_nothing),
        cmocka_unit_test(epochs_only_grow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Ending a doubt: what a STATUS must carry to be believed, whom an uncertain participant asks and when, and
 * that no timer ever decides for it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "support/solo.h"

#define C    "330000"
#define P2   "130000"
#define D    "450000" /* takes no part */
#define DAY  (INT64_C(24) * 3600 * 1000)
#define DAYS 10

struct bench {
    struct gj_solo *s;
    struct gj_solo_tx tx, other;
};

static void bench_open(struct bench *b) {
    b->s = gj_solo_new(NULL);
    gj_solo_tx_init(b->s, &b->tx, C, GJ_SOLO_SELF " " P2);
    gj_solo_tx_init(b->s, &b->other, C, GJ_SOLO_SELF " " P2 " " D);
    gj_solo_prepare(b->s, &b->tx);
    assert_string_equal(gj_solo_part_state(b->s, &b->tx.txid), "PREPARED");
}

/* C was asked in vain, and then P2. */
static void bench_open_asked(struct bench *b) {
    bench_open(b);
    gj_solo_run(b->s, 60000);
    assert_string_equal(gj_solo_part_state(b->s, &b->tx.txid), "PREPARED");
}

static void say_status(struct bench *b, const char *from, const char *word, struct gj_slice proof) {
    struct gj_tx_status item = {.txid = b->tx.txid, .digest = b->tx.digest, .proof = proof};
    const struct gj_status status = {.items = &item, .n_items = 1};
    gj_text_set(item.state, sizeof item.state, word);
    gj_solo_say(b->s, from, GJ_KIND_STATUS, NULL, &status);
}

static void expect(struct bench *b, const char *word) {
    assert_string_equal(gj_solo_part_state(b->s, &b->tx.txid), word);
    assert_int_equal(b->s->app.releases, strcmp(word, "ABORTED") == 0);
    assert_int_equal(b->s->app.posts, strcmp(word, "COMMITTED") == 0);
}

/* --- what a STATUS must carry ---------------------------------------------------------------------------- */

static void bare_answers_change_nothing(void **state) {
    (void)state;
    static const char *const words[] = {"COMMITTED", "ABORTED",   "PENDING",
                                        "PREPARED",  "COLLECTED", "nonsense"};
    static const char *const from[] = {C, P2, D};
    struct bench b;
    bench_open(&b);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        for (size_t k = 0; k < 3; k++) {
            say_status(&b, from[k], words[i], GJ_SLICE_NONE);
            expect(&b, "PREPARED");
            assert_true(gj_solo_is_silent(b.s));
        }
    }
    say_status(&b, C, "REFUSED", GJ_SLICE_NONE); /* the coordinator is no voter */
    say_status(&b, D, "REFUSED", GJ_SLICE_NONE); /* nor is a node that is not listed */
    expect(&b, "PREPARED");
    assert_int_equal(b.s->protocol->n_active, 1);
    gj_solo_free(&b.s);
}

static void a_listed_nodes_refusal_ends_it(void **state) {
    (void)state;
    struct bench b;
    bench_open_asked(&b);
    say_status(&b, P2, "REFUSED", GJ_SLICE_NONE); /* its own signature is the proof */
    expect(&b, "ABORTED");
    assert_int_equal(b.s->protocol->n_active, 0);
    gj_solo_inquire(b.s, P2, &b.tx.txid, &b.tx.digest, false, gj_solo_core_evidence(b.s, &b.tx));
    assert_true(gj_solo_status_to(b.s, P2)->proof.len > 0); /* and is kept for others who ask */
    gj_solo_free(&b.s);
}

/* Who has two words does not choose the moment: before the coordinator fell silent nobody else ends it. */
static void a_refusal_that_nobody_asked_for(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(NULL);
    struct gj_solo_tx tx;
    gj_solo_tx_init(s, &tx, C, GJ_SOLO_SELF " " P2);
    gj_solo_prepare(s, &tx);
    struct bench b = {.s = s, .tx = tx};
    for (int i = 0; i < 3; i++) {
        say_status(&b, P2, "REFUSED", GJ_SLICE_NONE);
        say_status(&b, P2, "ABORTED", gj_solo_vote(s, &tx, P2, false));
        expect(&b, "PREPARED");
        gj_solo_run(s, 4000);
    }
    gj_solo_commit(s, &tx);
    expect(&b, "COMMITTED");
    gj_solo_free(&s);
}

/* Made by |node|, shown by D, who has no part in it: who delivers a proof says nothing. */
static struct gj_slice refusal_of(struct bench *b, const char *node, const struct gj_solo_tx *tx,
                                  const char *word) {
    struct gj_tx_status item = {.txid = tx->txid, .digest = tx->digest};
    const struct gj_status status = {.items = &item, .n_items = 1};
    gj_text_set(item.state, sizeof item.state, word);
    return gj_forge_one(gj_solo_peer(b->s, node), GJ_KIND_STATUS, P2, NULL, &status);
}

static struct gj_slice abort_of(struct bench *b, const char *node, const struct gj_solo_tx *tx,
                                const struct gj_digest *digest) {
    const struct gj_abort abort = {.digest = *digest, .reason = "TIMED_OUT"};
    return gj_forge_one(gj_solo_peer(b->s, node), GJ_KIND_ABORT, GJ_ALL_NODES, &tx->txid, &abort);
}

static struct gj_slice core_that_supersedes(struct bench *b, const char *node,
                                            const struct gj_digest *digest) {
    struct gj_superseded item = {.txid = b->tx.txid, .digest = *digest};
    const struct gj_prepare_core core = {.core = b->other.core_bytes, .supersedes = &item, .n_supersedes = 1};
    return gj_forge_one(gj_solo_peer(b->s, node), GJ_KIND_CORE, GJ_ALL_NODES, &b->other.txid, &core);
}

static struct gj_slice commit_of(struct bench *b, const char *node) {
    struct gj_commit commit = gj_solo_certificate(b->s, &b->tx);
    return gj_forge_one(gj_solo_peer(b->s, node), GJ_KIND_COMMIT, GJ_ALL_NODES, &b->tx.txid, &commit);
}

enum proof {
    COMMIT,
    ABORT,
    SUPERSEDED,
    NO_VOTE,
    REFUSED,
    GOOD_PROOFS,
    ABORT_OF_P2 = GOOD_PROOFS,
    ABORT_OF_ANOTHER,
    ABORT_OTHER_DIGEST,
    ABORT_CHANGED,
    SUPERSEDED_BY_P2,
    SUPERSEDED_OTHER_DIGEST,
    CORE_WITHOUT_IT,
    NO_OF_A_STRANGER,
    NO_OF_THE_COORDINATOR,
    NO_TO_ANOTHER,
    YES_VOTE,
    REFUSED_OF_A_STRANGER,
    REFUSED_OF_ANOTHER,
    PREPARED_OF_P2,
    COMMIT_OF_P2,
    RUBBISH,
    PROOFS
};
static const char *const proof_words[PROOFS] = {"commit",
                                                "abort",
                                                "superseded",
                                                "NO vote",
                                                "status REFUSED",
                                                "abort of P2",
                                                "abort of another tx",
                                                "abort, other digest",
                                                "abort, changed",
                                                "superseded by P2",
                                                "superseded, other digest",
                                                "core without it",
                                                "NO of a stranger",
                                                "NO of the coordinator",
                                                "NO to another tx",
                                                "YES vote",
                                                "REFUSED of a stranger",
                                                "REFUSED of another tx",
                                                "PREPARED of P2",
                                                "commit of P2",
                                                "rubbish"};

static struct gj_slice make_proof(struct bench *b, enum proof proof) {
    struct gj_digest wrong = b->tx.digest;
    wrong.bytes[5] ^= 1;
    switch (proof) {
    case COMMIT:
        return commit_of(b, C);
    case ABORT:
        return abort_of(b, C, &b->tx, &b->tx.digest);
    case SUPERSEDED:
        return core_that_supersedes(b, C, &b->tx.digest);
    case NO_VOTE:
        return gj_solo_vote(b->s, &b->tx, P2, false);
    case REFUSED:
        return refusal_of(b, P2, &b->tx, "REFUSED");
    case ABORT_OF_P2:
        return abort_of(b, P2, &b->tx, &b->tx.digest);
    case ABORT_OF_ANOTHER:
        return abort_of(b, C, &b->other, &b->tx.digest);
    case ABORT_OTHER_DIGEST:
        return abort_of(b, C, &b->tx, &wrong);
    case ABORT_CHANGED:
        return gj_forge_flip(gj_solo_peer(b->s, C), make_proof(b, ABORT), 30);
    case SUPERSEDED_BY_P2:
        return core_that_supersedes(b, P2, &b->tx.digest);
    case SUPERSEDED_OTHER_DIGEST:
        return core_that_supersedes(b, C, &wrong);
    case CORE_WITHOUT_IT:
        return gj_solo_core_evidence(b->s, &b->tx);
    case NO_OF_A_STRANGER:
        return gj_solo_vote(b->s, &b->tx, D, false);
    case NO_OF_THE_COORDINATOR:
        return gj_solo_vote(b->s, &b->tx, C, false);
    case NO_TO_ANOTHER:
        return gj_solo_vote(b->s, &b->other, P2, false);
    case YES_VOTE:
        return gj_solo_vote(b->s, &b->tx, P2, true);
    case REFUSED_OF_A_STRANGER:
        return refusal_of(b, D, &b->tx, "REFUSED");
    case REFUSED_OF_ANOTHER:
        return refusal_of(b, P2, &b->other, "REFUSED");
    case PREPARED_OF_P2:
        return refusal_of(b, P2, &b->tx, "PREPARED");
    case COMMIT_OF_P2:
        return commit_of(b, P2);
    case RUBBISH:
        return GJ_SLICE_LIT("rubbish");
    case PROOFS:
        break;
    }
    fail();
    return GJ_SLICE_NONE;
}

static void only_proofs_end_it(void **state) {
    (void)state;
    static const char *const from[] = {C, P2, D};
    for (int proof = 0; proof < PROOFS; proof++) {
        for (size_t k = 0; k < 3; k++) {
            struct bench b;
            bench_open_asked(&b);
            struct gj_slice bytes = make_proof(&b, (enum proof)proof);
            if (k == 0) print_message("%s\n", proof_words[proof]);
            const char *word = proof == COMMIT || proof == COMMIT_OF_P2 ? "COMMITTED" : "ABORTED";
            say_status(&b, from[k], word, bytes);
            expect(&b, proof >= GOOD_PROOFS ? "PREPARED" : word);
            assert_int_equal(b.s->protocol->n_active, proof >= GOOD_PROOFS);
            assert_int_equal(gj_solo_count(b.s, GJ_KIND_ACK, C), proof == COMMIT);
            assert_int_equal(gj_solo_alarms(b.s), proof == COMMIT_OF_P2); /* a false certificate is told */
            gj_solo_free(&b.s);
        }
    }
}

/* A status about what is not in doubt is not even looked at. */
static void what_is_decided_stays(void **state) {
    (void)state;
    struct bench b;
    bench_open(&b);
    gj_solo_commit(b.s, &b.tx);
    for (int proof = 0; proof < PROOFS; proof++) {
        say_status(&b, P2, "ABORTED", make_proof(&b, (enum proof)proof));
        expect(&b, "COMMITTED");
        assert_true(gj_solo_is_silent(b.s));
        assert_int_equal(gj_solo_alarms(b.s), 0);
    }
    gj_solo_free(&b.s);
}

/* --- who is asked, and when ------------------------------------------------------------------------------------ */

static uint32_t sends(const struct gj_solo *s, const char *node, int64_t *ret_at_ms, uint32_t max) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->n_log; i++)
        if (s->log[i].kind == GJ_KIND_INQUIRE && gj_text_equal(s->log[i].node, node) && n < max)
            ret_at_ms[n++] = s->log[i].at_ms;
    return n;
}

/* Ten days without a word from the coordinator: it is asked, and so are the others from the third try on, less
 * and less often but for ever; the hold stands, and a person is told once. */
static void ten_days_in_doubt(void **state) {
    (void)state;
    static int64_t at[65536], at_peer[65536];
    struct bench b;
    bench_open(&b);
    int64_t since = b.s->now.mono.ms, alarm_ms = 0;
    unsigned alarms = 0;
    b.s->n_log = 0;
    while (b.s->now.mono.ms < since + DAYS * DAY) {
        int64_t due = gj_protocol_next_due(b.s->protocol).ms;
        assert_true(due > b.s->now.mono.ms && due <= b.s->now.mono.ms + 72000 + 1);
        b.s->now.wall.ms += due - b.s->now.mono.ms;
        b.s->now.mono.ms = due;
        gj_solo_tick(b.s);
        if (gj_solo_alarms(b.s) == 0) continue;
        assert_int_equal(gj_solo_events(b.s, GJ_EVENT_IN_DOUBT, GJ_OK), 1);
        alarms++;
        alarm_ms = due - since;
    }
    expect(&b, "PREPARED");
    assert_int_equal(b.s->app.holds, 1);
    assert_int_equal(alarms, 1);
    assert_in_range(alarm_ms, GJ_IN_DOUBT_ALARM_MS, GJ_IN_DOUBT_ALARM_MS + 72000);

    uint32_t n = sends(b.s, C, at, 65536);
    assert_in_range(n, DAYS * DAY / 72000, DAYS * DAY / 48000 + 10);
    int64_t step = 5000, last = since;
    for (uint32_t i = 0; i < n; i++) {
        assert_in_range(at[i] - last, step * 8 / 10, step * 12 / 10);
        step = 2 * step > 60000 ? 60000 : 2 * step;
        last = at[i];
    }
    uint32_t n_peer = sends(b.s, P2, at_peer, 65536);
    assert_int_equal(n_peer, n - 2);
    assert_int_equal(at_peer[0], at[2]);
    assert_int_equal(sends(b.s, D, at, 65536), 0);

    gj_solo_commit(b.s, &b.tx); /* and then the word comes */
    expect(&b, "COMMITTED");
    /* Only the job that collects old records will ever come. */
    assert_int_equal(gj_protocol_next_due(b.s->protocol).ms, b.s->protocol->collect_due.ms);
    gj_solo_free(&b.s);
}

/* What is asked: C gets our YES, which counts as the vote; a peer the coordinator's core, the right to ask. */
static void the_question_carries_its_right(void **state) {
    (void)state;
    struct bench b;
    bench_open(&b);
    unsigned tries = 0;
    while (tries < 3) {
        int64_t due = gj_protocol_next_due(b.s->protocol).ms;
        b.s->now.wall.ms += due - b.s->now.mono.ms;
        b.s->now.mono.ms = due;
        gj_solo_tick(b.s);
        const struct gj_inquire *to_c = gj_solo_message(b.s, GJ_KIND_INQUIRE, C, 0);
        assert_non_null(to_c);
        assert_int_equal(to_c->n_items, 1);
        assert_true(to_c->items[0].yes);
        assert_true(gj_digest_equal(&to_c->items[0].digest, &b.tx.digest));
        assert_int_equal(to_c->items[0].core.len, 0);
        const struct gj_inquire *to_peer = gj_solo_message(b.s, GJ_KIND_INQUIRE, P2, 0);
        assert_int_equal(to_peer != NULL, ++tries == 3);
        if (to_peer == NULL) continue;
        struct gj_slice core = gj_arena_copy(&b.s->peers[0].arena, to_peer->items[0].core);
        struct gj_message message;
        struct gj_turn *turn = gj_solo_begin(b.s);
        assert_int_equal(gj_protocol_verify_evidence(b.s->protocol, turn, core, C, &message), GJ_OK);
        assert_int_equal(message.kind, GJ_KIND_CORE);
        gj_solo_end(b.s);
    }
    gj_solo_free(&b.s);
}

/* A coordinator that was down and is back is asked at once, not a minute later. */
static void who_comes_back_is_asked_at_once(void **state) {
    (void)state;
    struct bench b;
    bench_open(&b);
    gj_solo_run(b.s, 3600000);
    gj_solo_peer_restart(b.s, C);
    gj_solo_hello(b.s, C);
    b.s->n_log = 0;
    gj_solo_run(b.s, 0);
    int64_t at[4];
    assert_int_equal(sends(b.s, C, at, 4), 1);
    gj_solo_free(&b.s);
}

/* --- in masses ----------------------------------------------------------------------------------------------------- */

/* |n| records like that of b->tx, under numbers of their own. */
static void multiply(struct bench *b, uint32_t n) {
    struct gj_part_row row = gj_solo_part_row(b->s, &b->tx.txid);
    b->s->store->ops->begin(b->s->store);
    for (uint32_t i = 1; i < n; i++) {
        row.txid.seq = 1000000 + i;
        (void)snprintf(row.msgid, sizeof row.msgid, "many-%u", (unsigned)i);
        (void)snprintf(row.biz_live, sizeof row.biz_live, "%s|%s", row.sender, row.msgid);
        gj_store_put(b->s->store, &gj_table_part, &row);
    }
    assert_int_equal(b->s->store->ops->commit(b->s->store), GJ_OK);
}

/* At most 50 messages a second to one peer, full ones; and all are asked within the seconds that this takes. */
static void inquiries_are_limited(void **state) {
    (void)state;
    enum { MANY = 8000 };
    struct bench b;
    bench_open(&b);
    multiply(&b, MANY);
    b.s->accepts_new_work = true;
    gj_solo_restart(b.s, GJ_WITNESS_EQUAL_OR_BEHIND);
    assert_int_equal(b.s->protocol->n_active, MANY);
    b.s->n_log = 0;
    gj_solo_run(b.s, 3000);
    uint32_t per_second[8] = {0}, items = 0;
    int64_t first = b.s->log[0].at_ms;
    for (uint32_t i = 0; i < b.s->n_log; i++) {
        if (b.s->log[i].kind != GJ_KIND_INQUIRE) continue;
        assert_string_equal(b.s->log[i].node, C);
        uint32_t second = (uint32_t)(b.s->log[i].at_ms / 1000 - first / 1000);
        assert_true(second < 8);
        assert_true(++per_second[second] <= GJ_INQUIRE_PER_PEER_PER_S);
        assert_true(b.s->log[i].n_items <= GJ_INQUIRE_ITEMS_MAX);
        items += b.s->log[i].n_items;
    }
    assert_int_equal(per_second[0], GJ_INQUIRE_PER_PEER_PER_S); /* the limit was reached */
    assert_int_equal(items, MANY);

    b.s->n_log = 0; /* later the other participants, one message each: within the same limit */
    gj_solo_run(b.s, 120000);
    uint32_t to_peer = 0, in_second = 0;
    int64_t second = -1;
    for (uint32_t i = 0; i < b.s->n_log; i++) {
        if (b.s->log[i].kind != GJ_KIND_INQUIRE || !gj_text_equal(b.s->log[i].node, P2)) continue;
        if (b.s->log[i].at_ms / 1000 != second) in_second = 0;
        second = b.s->log[i].at_ms / 1000;
        assert_true(++in_second <= GJ_INQUIRE_PER_PEER_PER_S);
        to_peer++;
    }
    assert_true(to_peer > 0);
    gj_solo_free(&b.s);
}

/* Many of one coordinator are asked for with one message. */
static void many_in_one_message(void **state) {
    (void)state;
    struct bench b;
    bench_open(&b);
    multiply(&b, 100);
    gj_solo_restart(b.s, GJ_WITNESS_EQUAL_OR_BEHIND);
    gj_solo_tick(b.s);
    assert_int_equal(gj_solo_count(b.s, GJ_KIND_INQUIRE, NULL), 1);
    const struct gj_inquire *inquire = gj_solo_message(b.s, GJ_KIND_INQUIRE, C, 0);
    assert_int_equal(inquire->n_items, 100);
    gj_solo_free(&b.s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bare_answers_change_nothing),     cmocka_unit_test(a_listed_nodes_refusal_ends_it),
        cmocka_unit_test(a_refusal_that_nobody_asked_for), cmocka_unit_test(only_proofs_end_it),
        cmocka_unit_test(what_is_decided_stays),           cmocka_unit_test(ten_days_in_doubt),
        cmocka_unit_test(the_question_carries_its_right),  cmocka_unit_test(who_comes_back_is_asked_at_once),
        cmocka_unit_test(inquiries_are_limited),           cmocka_unit_test(many_in_one_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

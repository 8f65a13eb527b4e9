/* SPDX-License-Identifier: Apache-2.0
 *
 * What proves a commit, and what does not: a participant in doubt is shown certificates that are wrong in one
 * way each. A bad one is dropped with an alarm; the hold stands.
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
#define D  "450000" /* takes no part */

struct bench {
    struct gj_solo *s;
    struct gj_solo_tx tx, other;
    struct gj_commit commit;
};

static void bench_open(struct bench *b) {
    b->s = gj_solo_new(NULL);
    gj_solo_tx_init(b->s, &b->tx, C, GJ_SOLO_SELF " " P2);
    gj_solo_tx_init(b->s, &b->other, C, GJ_SOLO_SELF " " P2);
    gj_solo_prepare(b->s, &b->tx);
    b->commit = gj_solo_certificate(b->s, &b->tx);
}

static void say_commit(struct bench *b) {
    gj_solo_say(b->s, C, GJ_KIND_COMMIT, &b->tx.txid, &b->commit);
}

static void expect_bad(struct bench *b, enum gj_err err) {
    assert_int_equal(gj_solo_events(b->s, GJ_EVENT_BAD_CERTIFICATE, err), 1);
    assert_true(gj_solo_is_silent(b->s));
    assert_string_equal(gj_solo_part_state(b->s, &b->tx.txid), "PREPARED");
    assert_int_equal(b->s->app.posts, 0);
    assert_int_equal(b->s->app.releases, 0);
    assert_false(b->s->protocol->resync);
}

static void expect_good(struct bench *b) {
    assert_int_equal(gj_solo_alarms(b->s), 0);
    assert_string_equal(gj_solo_part_state(b->s, &b->tx.txid), "COMMITTED");
    assert_int_equal(b->s->app.posts, 1);
}

/* A vote of |node| as somebody with |key_of|'s key would write it. */
static struct gj_slice vote_as(struct bench *b, const char *node, const char *key_of,
                               const struct gj_txid *txid, const struct gj_digest *digest, bool yes) {
    struct gj_vote vote = {.digest = *digest, .yes = yes, .class = "RULE"};
    struct gj_forge liar = *gj_solo_peer(b->s, node);
    liar.key = gj_solo_peer(b->s, key_of)->key;
    return gj_forge_one(&liar, GJ_KIND_VOTE, C, txid, &vote);
}

static struct gj_slice inquiry_as(struct bench *b, const char *node, const struct gj_digest *digest,
                                  bool yes) {
    struct gj_inquiry item = {.txid = b->tx.txid, .digest = *digest, .yes = yes};
    const struct gj_inquire body = {.items = &item, .n_items = 1};
    return gj_forge_one(gj_solo_peer(b->s, node), GJ_KIND_INQUIRE, C, NULL, &body);
}

static void a_whole_one_commits(void **state) {
    (void)state;
    struct bench b;
    bench_open(&b);
    say_commit(&b);
    expect_good(&b);
    gj_solo_free(&b.s);

    bench_open(&b); /* an inquiry that says YES is a vote */
    b.commit.votes[1].bytes = inquiry_as(&b, P2, &b.tx.digest, true);
    say_commit(&b);
    expect_good(&b);
    gj_solo_free(&b.s);

    bench_open(&b); /* the order of the votes says nothing */
    struct gj_proof first = b.commit.votes[0];
    b.commit.votes[0] = b.commit.votes[1];
    b.commit.votes[1] = first;
    say_commit(&b);
    expect_good(&b);
    gj_solo_free(&b.s);
}

enum fault {
    NO_VOTES,
    ONE_MISSING,
    ONE_TOO_MANY,
    SAME_VOTER_TWICE,
    A_NO,
    OF_ANOTHER_TX,
    OF_ANOTHER_DIGEST,
    OF_A_STRANGER,
    UNDER_A_STRANGERS_KEY,
    BAD_SIGNATURE,
    BAD_LEAF,
    OF_ANOTHER_NETWORK,
    TWO_MESSAGES,
    NOT_A_VOTE,
    INQUIRY_WITHOUT_YES,
    INQUIRY_OF_ANOTHER_DIGEST,
    EMPTY_VOTE,
    OTHER_CORE,
    CORE_CHANGED,
    UNSOUND_CORE,
    FAULTS
};
static const char *const fault_words[FAULTS] = {
    "no votes",          "one missing",     "one too many",  "same voter twice", "a NO",
    "of another tx",     "another digest",  "of a stranger", "a stranger's key", "bad signature",
    "bad leaf",          "another network", "two messages",  "not a vote",       "inquiry without YES",
    "inquiry elsewhere", "empty vote",      "another core",  "core changed",     "unsound core"};

static void spoil(struct bench *b, enum fault fault) {
    struct gj_forge *p2 = gj_solo_peer(b->s, P2);
    struct gj_forge abroad = *p2;
    struct gj_slice *vote = &b->commit.votes[1].bytes;
    struct gj_digest wrong = b->tx.digest;
    struct gj_vote yes = {.digest = b->tx.digest, .yes = true};
    struct gj_slice messages[2];
    wrong.bytes[7] ^= 1;
    switch (fault) {
    case NO_VOTES:
        b->commit.n_votes = 0;
        return;
    case ONE_MISSING:
        b->commit.n_votes = 1;
        return;
    case ONE_TOO_MANY:
        b->commit.votes[b->commit.n_votes++].bytes = vote_as(b, D, D, &b->tx.txid, &b->tx.digest, true);
        return;
    case SAME_VOTER_TWICE:
        *vote = vote_as(b, GJ_SOLO_SELF, GJ_SOLO_SELF, &b->tx.txid, &b->tx.digest, true);
        return;
    case A_NO:
        *vote = vote_as(b, P2, P2, &b->tx.txid, &b->tx.digest, false);
        return;
    case OF_ANOTHER_TX:
        *vote = vote_as(b, P2, P2, &b->other.txid, &b->tx.digest, true);
        return;
    case OF_ANOTHER_DIGEST:
        *vote = vote_as(b, P2, P2, &b->tx.txid, &wrong, true);
        return;
    case OF_A_STRANGER:
        *vote = vote_as(b, D, D, &b->tx.txid, &b->tx.digest, true);
        return;
    case UNDER_A_STRANGERS_KEY:
        *vote = vote_as(b, P2, D, &b->tx.txid, &b->tx.digest, true);
        return;
    case BAD_SIGNATURE: /* magic, length and signed bytes stand before it */
        *vote = gj_forge_flip(p2, *vote, 4 + 4 + (size_t)(vote->ptr[6] << 8 | vote->ptr[7]) + 2 + 5);
        return;
    case BAD_LEAF:
        *vote = gj_forge_flip(p2, *vote, vote->len - 1);
        return;
    case OF_ANOTHER_NETWORK:
        abroad.network_id[0] ^= 1;
        *vote = gj_forge_one(&abroad, GJ_KIND_VOTE, C, &b->tx.txid, &yes);
        return;
    case TWO_MESSAGES:
        messages[0] = gj_forge_say(p2, GJ_KIND_VOTE, C, &b->tx.txid, &yes);
        messages[1] = gj_forge_say(p2, GJ_KIND_VOTE, C, &b->tx.txid, &yes);
        *vote = gj_forge_parcel(p2, messages, 2, NULL, 0);
        return;
    case NOT_A_VOTE:
        *vote = gj_solo_core_evidence(b->s, &b->tx);
        return;
    case INQUIRY_WITHOUT_YES:
        *vote = inquiry_as(b, P2, &b->tx.digest, false);
        return;
    case INQUIRY_OF_ANOTHER_DIGEST:
        *vote = inquiry_as(b, P2, &wrong, true);
        return;
    case EMPTY_VOTE:
        *vote = GJ_SLICE_LIT("x");
        return;
    case OTHER_CORE:
        b->commit.core = b->other.core_bytes;
        b->commit.digest = b->other.digest;
        return;
    case CORE_CHANGED:
        b->commit.core = gj_forge_flip(p2, b->commit.core, b->commit.core.len - 1);
        return;
    case UNSOUND_CORE: /* signed by all, but it names its coordinator as a participant */
        gj_text_set(b->tx.core.participants[1].node, GJ_NODE_MAX + 1, C);
        gj_solo_tx_seal(b->s, &b->tx);
        b->commit = gj_solo_certificate(b->s, &b->tx);
        return;
    case FAULTS:
        break;
    }
    fail();
}

static void one_fault_and_it_proves_nothing(void **state) {
    (void)state;
    for (int fault = 0; fault < FAULTS; fault++) {
        struct bench b;
        bench_open(&b);
        print_message("%s\n", fault_words[fault]);
        spoil(&b, (enum fault)fault);
        say_commit(&b);
        expect_bad(&b, GJ_OK);
        gj_solo_free(&b.s);
    }
}

/* Nobody but the coordinator decides: a participant that holds all votes cannot commit in its name. */
static void only_the_coordinator_decides(void **state) {
    (void)state;
    struct bench b;
    bench_open(&b);
    gj_solo_say(b.s, P2, GJ_KIND_COMMIT, &b.tx.txid, &b.commit);
    expect_bad(&b, GJ_ERR_BAD_EVIDENCE);
    const struct gj_abort abort = {.digest = b.tx.digest, .reason = "TIMED_OUT"};
    gj_solo_say(b.s, P2, GJ_KIND_ABORT, &b.tx.txid, &abort);
    assert_int_equal(gj_solo_events(b.s, GJ_EVENT_VIOLATION, GJ_ERR_WRONG_SENDER), 1);
    assert_string_equal(gj_solo_part_state(b.s, &b.tx.txid), "PREPARED");
    gj_solo_free(&b.s);
}

/* A bad certificate about a transaction that we do not know is dropped: it must not send us into RESYNC. */
static void a_bad_one_shows_no_lost_data(void **state) {
    (void)state;
    struct bench b;
    bench_open(&b);
    b.commit = gj_solo_certificate(b.s, &b.other);
    b.commit.votes[0].bytes = vote_as(&b, GJ_SOLO_SELF, P2, &b.other.txid, &b.other.digest, true);
    gj_solo_say(b.s, C, GJ_KIND_COMMIT, &b.other.txid, &b.commit);
    assert_int_equal(gj_solo_events(b.s, GJ_EVENT_BAD_CERTIFICATE, GJ_OK), 1);
    assert_false(b.s->protocol->resync);
    struct gj_solo_tx theirs; /* a good one that does not list us is none of our business */
    gj_solo_tx_init(b.s, &theirs, C, P2 " " D);
    gj_solo_commit(b.s, &theirs);
    assert_true(gj_solo_is_silent(b.s));
    assert_int_equal(gj_solo_alarms(b.s), 0);
    assert_false(b.s->protocol->resync);
    gj_solo_free(&b.s);
}

/* Every single changed byte of a vote is one too many. */
static void no_changed_byte_verifies(void **state) {
    (void)state;
    struct bench b;
    bench_open(&b);
    struct gj_slice whole = b.commit.votes[1].bytes;
    struct gj_certificate certificate;
    for (size_t at = 0; at < whole.len; at++) {
        b.commit.votes[1].bytes = gj_forge_flip(gj_solo_peer(b.s, P2), whole, at);
        struct gj_turn *turn = gj_solo_begin(b.s);
        enum gj_err err = gj_certificate_check(b.s->protocol, turn, C, &b.tx.txid, &b.commit, &certificate);
        gj_solo_end(b.s);
        if (err == GJ_OK) print_message("byte %zu of %zu\n", at, whole.len);
        assert_int_not_equal(err, GJ_OK);
    }
    b.commit.votes[1].bytes = whole;
    struct gj_turn *turn = gj_solo_begin(b.s);
    assert_int_equal(gj_certificate_check(b.s->protocol, turn, C, &b.tx.txid, &b.commit, &certificate),
                     GJ_OK);
    gj_solo_end(b.s);
    gj_solo_free(&b.s);
}

/* Another participant shows us what it was sent. */
static void relay(struct bench *b, const char *word, struct gj_slice proof) {
    struct gj_tx_status item = {.txid = b->tx.txid, .digest = b->tx.digest, .proof = proof};
    const struct gj_status status = {.items = &item, .n_items = 1};
    gj_text_set(item.state, sizeof item.state, word);
    gj_solo_say(b->s, P2, GJ_KIND_STATUS, NULL, &status);
}

/* --- keys in time ------------------------------------------------------------------------------------------ */

/* A decision must stand under a key that is valid now; a vote under one that was valid when it was given. */
static void keys_hold_in_their_time(void **state) {
    (void)state;
    struct bench b;
    const int64_t hour = 3600000;

    bench_open(&b); /* the coordinator's key ends while its commit is under way */
    struct gj_slice frame =
        gj_forge_one(gj_solo_peer(b.s, C), GJ_KIND_COMMIT, GJ_ALL_NODES, &b.tx.txid, &b.commit);
    gj_solo_key_times(b.s, C, 0, b.s->now.wall.ms + hour, 0);
    gj_solo_run(b.s, 2 * hour);
    gj_solo_frame(b.s, C, frame);
    assert_int_equal(gj_solo_events(b.s, GJ_EVENT_PARCEL_REFUSED, GJ_ERR_UNKNOWN_KEY), 1);
    relay(&b, "COMMITTED", frame); /* nor is it believed from another's hand */
    expect_bad(&b, GJ_ERR_UNKNOWN_KEY);
    gj_solo_key_times(b.s, C, 0, b.s->now.wall.ms + 1, 0); /* the last millisecond */
    gj_solo_say(b.s, C, GJ_KIND_COMMIT, &b.tx.txid, &b.commit);
    expect_good(&b);
    gj_solo_free(&b.s);

    bench_open(
        &b); /* the same for an abort, and for a core that names it as superseded: both are decisions */
    const struct gj_abort abort = {.digest = b.tx.digest, .reason = "TIMED_OUT"};
    struct gj_superseded item = {.txid = b.tx.txid, .digest = b.tx.digest};
    const struct gj_prepare_core core = {.core = b.other.core_bytes, .supersedes = &item, .n_supersedes = 1};
    struct gj_forge *c = gj_solo_peer(b.s, C);
    struct gj_slice aborted = gj_forge_one(c, GJ_KIND_ABORT, GJ_ALL_NODES, &b.tx.txid, &abort);
    struct gj_slice superseded = gj_forge_one(c, GJ_KIND_CORE, GJ_ALL_NODES, &b.other.txid, &core);
    gj_solo_key_times(b.s, C, 0, b.s->now.wall.ms + hour, 0);
    gj_solo_run(b.s, 2 * hour);
    relay(&b, "ABORTED", aborted);
    assert_string_equal(gj_solo_part_state(b.s, &b.tx.txid), "PREPARED");
    relay(&b, "ABORTED", superseded);
    assert_string_equal(gj_solo_part_state(b.s, &b.tx.txid), "PREPARED");
    gj_solo_key_times(b.s, C, 0, b.s->now.wall.ms + 1, 0);
    relay(&b, "ABORTED", aborted);
    assert_string_equal(gj_solo_part_state(b.s, &b.tx.txid), "ABORTED");
    gj_solo_free(&b.s);

    bench_open(&b); /* a voter's key ended after the vote */
    gj_solo_key_times(b.s, P2, 0, b.s->now.wall.ms + hour, 0);
    gj_solo_run(b.s, 2 * hour);
    say_commit(&b);
    expect_good(&b);
    gj_solo_free(&b.s);

    bench_open(&b); /* a voter's key ended before the vote */
    gj_solo_key_times(b.s, P2, 0, b.s->now.wall.ms, 0);
    say_commit(&b);
    expect_bad(&b, GJ_ERR_BAD_EVIDENCE);
    gj_solo_free(&b.s);

    bench_open(&b); /* or was not yet */
    gj_solo_key_times(b.s, P2, b.s->now.wall.ms + 1, 0, 0);
    say_commit(&b);
    expect_bad(&b, GJ_ERR_BAD_EVIDENCE);
    gj_solo_free(&b.s);

    bench_open(&b); /* revoked between vote and commit: the vote was good when it was given */
    gj_solo_key_times(b.s, P2, 0, 0, b.s->now.wall.ms + hour);
    gj_solo_run(b.s, 2 * hour);
    say_commit(&b);
    expect_good(&b);
    gj_solo_free(&b.s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_one_commits),          cmocka_unit_test(one_fault_and_it_proves_nothing),
        cmocka_unit_test(only_the_coordinator_decides), cmocka_unit_test(a_bad_one_shows_no_lost_data),
        cmocka_unit_test(no_changed_byte_verifies),     cmocka_unit_test(keys_hold_in_their_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

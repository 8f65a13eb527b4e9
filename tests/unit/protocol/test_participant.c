/* SPDX-License-Identifier: Apache-2.0
 *
 * Every cell of the participant's table, driven by real messages: what it says, what it writes, what it does
 * with the money, and whom it alarms. States that no input leads to are written as rows.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "support/solo.h"

#define C  "330000" /* the coordinator */
#define P2 "130000" /* the other participant */

enum input { PREPARE, COMMIT, ABORT, INQUIRE, INPUTS };
static const char *const input_words[INPUTS] = {"PREPARE", "COMMIT", "ABORT", "INQUIRE"};

/* What is said: nothing, a vote, an ack to C; a STATUS of that state to C or, if it was asked, to P2. */
enum said { SILENT, YES, NO, ACK, STATUS };

struct cell {
    const char *state;
    enum input input;
    const char *then; /* the state afterwards */
    enum said said;
    const char *status;
    bool has_proof;
    int holds, posts, releases;
    enum gj_event_code alarm; /* the only one; NONE: no alarm */
};

static const struct cell table[] = {
    {"", PREPARE, "PREPARED", YES, NULL, false, 1, 0, 0, GJ_EVENT_NONE},
    {"", COMMIT, "", SILENT, NULL, false, 0, 0, 0, GJ_EVENT_RESYNC_NEEDED},
    {"", ABORT, "REFUSED", SILENT, NULL, false, 0, 0, 0, GJ_EVENT_NONE},
    {"", INQUIRE, "REFUSED", STATUS, "REFUSED", false, 0, 0, 0, GJ_EVENT_NONE},

    {"PREPARING", PREPARE, "PREPARING", SILENT, NULL, false, 0, 0, 0, GJ_EVENT_NONE},
    {"PREPARING", COMMIT, "PREPARING", SILENT, NULL, false, 0, 0, 0, GJ_EVENT_VIOLATION},
    {"PREPARING", ABORT, "REFUSED", SILENT, NULL, false, 0, 0, 0, GJ_EVENT_NONE},
    {"PREPARING", INQUIRE, "REFUSED", STATUS, "REFUSED", false, 0, 0, 0, GJ_EVENT_NONE},

    {"PREPARED", PREPARE, "PREPARED", YES, NULL, false, 0, 0, 0, GJ_EVENT_NONE},
    {"PREPARED", COMMIT, "COMMITTED", ACK, NULL, false, 0, 1, 0, GJ_EVENT_NONE},
    {"PREPARED", ABORT, "ABORTED", SILENT, NULL, false, 0, 0, 1, GJ_EVENT_NONE},
    {"PREPARED", INQUIRE, "PREPARED", STATUS, "PREPARED", false, 0, 0, 0, GJ_EVENT_NONE},

    {"REFUSED", PREPARE, "REFUSED", NO, NULL, false, 0, 0, 0, GJ_EVENT_NONE},
    {"REFUSED", COMMIT, "REFUSED", SILENT, NULL, false, 0, 0, 0, GJ_EVENT_RESYNC_NEEDED},
    {"REFUSED", ABORT, "REFUSED", SILENT, NULL, false, 0, 0, 0, GJ_EVENT_NONE},
    {"REFUSED", INQUIRE, "REFUSED", STATUS, "REFUSED", false, 0, 0, 0, GJ_EVENT_NONE},

    {"ABORTED", PREPARE, "ABORTED", STATUS, "ABORTED", true, 0, 0, 0, GJ_EVENT_NONE},
    {"ABORTED", COMMIT, "ABORTED", SILENT, NULL, false, 0, 0, 0, GJ_EVENT_EQUIVOCATION},
    {"ABORTED", ABORT, "ABORTED", SILENT, NULL, false, 0, 0, 0, GJ_EVENT_NONE},
    {"ABORTED", INQUIRE, "ABORTED", STATUS, "ABORTED", true, 0, 0, 0, GJ_EVENT_NONE},

    {"COMMITTED", PREPARE, "COMMITTED", ACK, NULL, false, 0, 0, 0, GJ_EVENT_NONE},
    {"COMMITTED", COMMIT, "COMMITTED", ACK, NULL, false, 0, 0, 0, GJ_EVENT_NONE},
    {"COMMITTED", ABORT, "COMMITTED", SILENT, NULL, false, 0, 0, 0, GJ_EVENT_VIOLATION},
    {"COMMITTED", INQUIRE, "COMMITTED", STATUS, "COMMITTED", true, 0, 0, 0, GJ_EVENT_NONE},

    {"RESOLVED", PREPARE, "RESOLVED", YES, NULL, false, 0, 0, 0, GJ_EVENT_NONE},
    {"RESOLVED", COMMIT, "RESOLVED", SILENT, NULL, false, 0, 0, 0, GJ_EVENT_CASE_OPENED},
    {"RESOLVED", ABORT, "RESOLVED", SILENT, NULL, false, 0, 0, 0, GJ_EVENT_CASE_OPENED},
    {"RESOLVED", INQUIRE, "RESOLVED", STATUS, "PREPARED", false, 0, 0, 0, GJ_EVENT_NONE},

    {"COLLECTED", PREPARE, "COLLECTED", SILENT, NULL, false, 0, 0, 0, GJ_EVENT_NONE},
    {"COLLECTED", COMMIT, "COLLECTED", ACK, NULL, false, 0, 0, 0, GJ_EVENT_NONE},
    {"COLLECTED", ABORT, "COLLECTED", SILENT, NULL, false, 0, 0, 0, GJ_EVENT_NONE},
    {"COLLECTED", INQUIRE, "COLLECTED", STATUS, "COLLECTED", false, 0, 0, 0, GJ_EVENT_NONE},
};
#define CELLS (sizeof table / sizeof table[0])

/* --- into a state, and then the input ----------------------------------------------------------------------- */

static void rewrite_state(struct gj_solo *s, const struct gj_solo_tx *tx, const char *state) {
    struct gj_part_row row = gj_solo_part_row(s, &tx->txid);
    gj_text_set(row.state, sizeof row.state, state);
    gj_solo_put(s, &gj_table_part, &row);
}

static void reach(struct gj_solo *s, struct gj_solo_tx *tx, const char *state) {
    gj_solo_tx_init(s, tx, C, GJ_SOLO_SELF " " P2);
    if (state[0] == '\0') return;
    if (strcmp(state, "REFUSED") == 0) {
        s->app.refuse = true;
        s->app.no = (struct gj_refusal){.class = GJ_VOTE_COVER, .code = GJ_ERR_NO_COVER, .rule = "R50"};
    }
    gj_solo_prepare(s, tx);
    s->app.refuse = false;
    if (strcmp(state, "ABORTED") == 0) gj_solo_abort(s, tx);
    if (strcmp(state, "COMMITTED") == 0) gj_solo_commit(s, tx);
    bool by_hand =
        strcmp(state, "PREPARING") == 0 || strcmp(state, "RESOLVED") == 0 || strcmp(state, "COLLECTED") == 0;
    if (by_hand) rewrite_state(s, tx, state);
    assert_string_equal(gj_solo_part_state(s, &tx->txid), state);
}

static void feed(struct gj_solo *s, const struct gj_solo_tx *tx, enum input input) {
    switch (input) {
    case PREPARE:
        gj_solo_prepare(s, tx);
        return;
    case COMMIT:
        gj_solo_commit(s, tx);
        return;
    case ABORT:
        gj_solo_abort(s, tx);
        return;
    case INQUIRE:
        gj_solo_inquire(s, P2, &tx->txid, &tx->digest, true, gj_solo_core_evidence(s, tx));
        return;
    case INPUTS:
        break;
    }
    fail();
}

static void expect_said(struct gj_solo *s, const struct gj_solo_tx *tx, const struct cell *cell) {
    bool asked_by_peer = cell->input == INQUIRE;
    assert_int_equal(s->outbox.n, cell->said == SILENT ? 0 : 1);
    if (cell->said == YES || cell->said == NO) {
        const struct gj_vote *vote = gj_solo_vote_to(s, C);
        assert_int_equal(vote->yes, cell->said == YES);
        assert_true(gj_digest_equal(&vote->digest, &tx->digest));
        assert_string_equal(vote->class, cell->said == YES ? "" : "COVER");
        assert_string_equal(vote->rule, cell->said == YES ? "" : "R50");
        assert_string_equal(vote->code, cell->said == YES ? "" : "NO_COVER");
    }
    if (cell->said == ACK) {
        const struct gj_ack *ack = gj_solo_message(s, GJ_KIND_ACK, C, 0);
        assert_non_null(ack);
        assert_int_equal(ack->n_txids, 1);
        assert_true(gj_txid_equal(&ack->txids[0].txid, &tx->txid));
    }
    if (cell->said == STATUS) {
        const struct gj_tx_status *status = gj_solo_status_to(s, asked_by_peer ? P2 : C);
        assert_string_equal(status->state, cell->status);
        assert_true(gj_txid_equal(&status->txid, &tx->txid));
        assert_int_equal(status->proof.len > 0, cell->has_proof);
    }
}

static void one_cell(const struct cell *cell) {
    struct gj_solo *s = gj_solo_new(NULL);
    struct gj_solo_tx tx;
    print_message("%s x %s\n", cell->state[0] == '\0' ? "NONE" : cell->state, input_words[cell->input]);
    reach(s, &tx, cell->state);
    struct gj_solo_app before = s->app;
    feed(s, &tx, cell->input);

    assert_string_equal(gj_solo_part_state(s, &tx.txid), cell->then);
    expect_said(s, &tx, cell);
    assert_int_equal(s->app.holds - before.holds, cell->holds);
    assert_int_equal(s->app.posts - before.posts, cell->posts);
    assert_int_equal(s->app.releases - before.releases, cell->releases);
    assert_int_equal(gj_solo_alarms(s), cell->alarm == GJ_EVENT_NONE ? 0 : 1);
    if (cell->alarm != GJ_EVENT_NONE) assert_int_equal(gj_solo_events(s, cell->alarm, GJ_OK), 1);
    assert_int_equal(s->protocol->resync, cell->alarm == GJ_EVENT_RESYNC_NEEDED);
    gj_solo_free(&s);
}

static void every_cell(void **state) {
    (void)state;
    bool seen[GJ_PART_STATES][INPUTS] = {{false}};
    for (size_t i = 0; i < CELLS; i++) {
        one_cell(&table[i]);
        seen[gj_part_state_of(table[i].state)][table[i].input] = true;
    }
    for (size_t i = 0; i < GJ_PART_STATES; i++)
        for (size_t k = 0; k < INPUTS; k++)
            assert_true(seen[i][k]);
}

/* The proof that is shown is the very one: it ends the doubt of another participant. */
static void proofs_are_the_coordinators(void **state) {
    (void)state;
    static const char *const states[] = {"ABORTED", "COMMITTED"};
    static const enum gj_kind kinds[] = {GJ_KIND_ABORT, GJ_KIND_COMMIT};
    for (size_t i = 0; i < 2; i++) {
        struct gj_solo *s = gj_solo_new(NULL);
        struct gj_solo_tx tx;
        struct gj_message message;
        reach(s, &tx, states[i]);
        feed(s, &tx, INQUIRE);
        struct gj_slice proof = gj_solo_status_to(s, P2)->proof;
        struct gj_turn *turn = gj_solo_begin(s);
        struct gj_slice kept = gj_forge_flip(gj_solo_peer(s, C), proof, 0);
        kept = gj_forge_flip(gj_solo_peer(s, C), kept, 0); /* the look arena is gone by now */
        assert_int_equal(gj_protocol_verify_evidence(s->protocol, turn, kept, C, &message), GJ_OK);
        assert_int_equal(message.kind, kinds[i]);
        gj_solo_end(s);
        gj_solo_free(&s);
    }
}

/* Another digest under a known txid changes nothing, in any state, by any input, and alarms. */
static void another_digest_is_a_violation(void **state) {
    (void)state;
    static const char *const states[] = {"PREPARING", "PREPARED", "REFUSED",  "ABORTED",
                                         "COMMITTED", "RESOLVED", "COLLECTED"};
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        for (int input = 0; input < INPUTS; input++) {
            struct gj_solo *s = gj_solo_new(NULL);
            struct gj_solo_tx tx;
            reach(s, &tx, states[i]);
            struct gj_part_row before = gj_solo_part_row(s, &tx.txid);
            struct gj_solo_app app = s->app;
            tx.core.business_date = gj_date_add_days(tx.core.business_date, 1);
            gj_solo_tx_seal(s, &tx);
            feed(s, &tx, (enum input)input);
            assert_int_equal(gj_solo_events(s, GJ_EVENT_VIOLATION, GJ_ERR_VIOLATION), 1);
            assert_true(gj_solo_is_silent(s));
            struct gj_part_row after = gj_solo_part_row(s, &tx.txid);
            assert_string_equal(after.state, before.state);
            assert_true(gj_digest_equal(&after.digest, &before.digest));
            assert_memory_equal(&s->app, &app, sizeof app);
            gj_solo_free(&s);
        }
    }
}

/* --- order does not matter ------------------------------------------------------------------------------------- */

/* An abort that comes first is remembered, so that the PREPARE behind it cannot hang (空回滚, 防悬挂). */
static void an_abort_first_kills_the_prepare(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(NULL);
    struct gj_solo_tx tx;
    gj_solo_tx_init(s, &tx, C, GJ_SOLO_SELF);
    gj_solo_abort(s, &tx);
    gj_solo_prepare(s, &tx);
    assert_false(gj_solo_vote_to(s, C)->yes);
    assert_string_equal(gj_solo_vote_to(s, C)->code, "REFUSED_BEFORE");
    assert_string_equal(gj_solo_vote_to(s, C)->class, "BUSY");
    assert_int_equal(s->app.holds, 0);
    gj_solo_free(&s);
}

/* So is an inquiry of a peer that has voted: it heard REFUSED, so there can be no YES afterwards. */
static void an_inquiry_first_kills_the_prepare(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(NULL);
    struct gj_solo_tx tx;
    gj_solo_tx_init(s, &tx, C, GJ_SOLO_SELF " " P2);
    feed(s, &tx, INQUIRE);
    gj_solo_restart(s, GJ_WITNESS_EQUAL_OR_BEHIND);
    gj_solo_prepare(s, &tx);
    assert_false(gj_solo_vote_to(s, C)->yes);
    assert_int_equal(s->app.holds, 0);
    gj_solo_free(&s);
}

/* Only who shows the coordinator's signed core, with both of us in it, makes a tombstone. */
static void an_inquiry_without_the_core_makes_none(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(NULL);
    struct gj_solo_tx tx, other, ours_only, without_us;
    struct gj_abort abort = {.reason = "ABORTED"};
    gj_solo_tx_init(s, &tx, C, GJ_SOLO_SELF " " P2);
    gj_solo_tx_init(s, &other, C, GJ_SOLO_SELF " " P2);
    gj_solo_tx_init(s, &ours_only, C, GJ_SOLO_SELF);
    gj_solo_tx_init(s, &without_us, C, P2 " 450000");
    abort.digest = tx.digest;
    struct gj_slice core = gj_solo_core_evidence(s, &tx);
    struct gj_forge liar = *gj_solo_peer(s, P2);
    gj_text_set(liar.sender, sizeof liar.sender, C); /* P2's key under C's name */
    const struct gj_prepare_core body = {.core = tx.core_bytes};
    const struct {
        const struct gj_solo_tx *tx;
        struct gj_slice evidence;
    } bad[] = {
        {&tx, GJ_SLICE_NONE},
        {&tx, gj_solo_core_evidence(s, &other)},
        {&tx, gj_forge_flip(gj_solo_peer(s, C), core, core.len - 1)},
        {&tx, gj_forge_one(gj_solo_peer(s, P2), GJ_KIND_CORE, GJ_ALL_NODES, &tx.txid, &body)},
        {&tx, gj_forge_one(&liar, GJ_KIND_CORE, GJ_ALL_NODES, &tx.txid, &body)},
        {&tx, gj_forge_one(gj_solo_peer(s, C), GJ_KIND_ABORT, GJ_ALL_NODES, &tx.txid, &abort)},
        {&ours_only, gj_solo_core_evidence(s, &ours_only)}, /* P2 is not in it */
        {&without_us, gj_solo_core_evidence(s, &without_us)},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        print_message("core %zu\n", i);
        gj_solo_inquire(s, P2, &bad[i].tx->txid, &bad[i].tx->digest, true, bad[i].evidence);
        assert_true(gj_solo_is_silent(s));
        assert_string_equal(gj_solo_part_state(s, &bad[i].tx->txid), "");
    }
    gj_solo_inquire(s, P2, &tx.txid, &other.digest, true, core); /* the right core, another digest */
    assert_true(gj_solo_is_silent(s));
    gj_solo_inquire(s, P2, &tx.txid, &tx.digest, true, core);
    assert_string_equal(gj_solo_status_to(s, P2)->state, "REFUSED");
    gj_solo_free(&s);
}

/* --- what the protocol itself refuses --------------------------------------------------------------------------- */

static void expect_no(struct gj_solo *s, struct gj_solo_tx *tx, const char *class, const char *code) {
    gj_solo_prepare(s, tx);
    const struct gj_vote *vote = gj_solo_vote_to(s, tx->txid.coordinator);
    assert_false(vote->yes);
    assert_string_equal(vote->class, class);
    assert_string_equal(vote->code, code);
    assert_string_equal(gj_solo_part_state(s, &tx->txid), "REFUSED");
}

static void old_wrong_or_misplaced_is_refused(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(NULL);
    struct gj_solo_tx tx;

    gj_solo_tx_init(s, &tx, C, GJ_SOLO_SELF);
    tx.core.expires_at = s->now.wall.ms - 1;
    gj_solo_tx_seal(s, &tx);
    expect_no(s, &tx, "BUSY", "EXPIRED");
    gj_solo_tx_init(s, &tx, C, GJ_SOLO_SELF);
    tx.core.expires_at = s->now.wall.ms;
    gj_solo_tx_seal(s, &tx);
    gj_solo_prepare(s, &tx);
    assert_true(gj_solo_vote_to(s, C)->yes);

    for (int days = -2; days <= 2; days++) {
        gj_solo_tx_init(s, &tx, C, GJ_SOLO_SELF);
        tx.core.business_date = gj_date_add_days(tx.core.business_date, days);
        gj_solo_tx_seal(s, &tx);
        if (days < -1 || days > 1) {
            expect_no(s, &tx, "DATE", "BAD_DATE");
        } else {
            gj_solo_prepare(s, &tx);
            assert_true(gj_solo_vote_to(s, C)->yes);
        }
    }

    /* C owns neither the sender nor where the money goes; with either it may. */
    gj_solo_tx_init(s, &tx, C, GJ_SOLO_SELF);
    gj_text_set(tx.core.sender, sizeof tx.core.sender, "450000/test");
    gj_text_set(tx.core.legs[0].to_region, sizeof tx.core.legs[0].to_region, "450100");
    gj_solo_tx_seal(s, &tx);
    expect_no(s, &tx, "RULE", "WRONG_NODE");
    gj_solo_tx_init(s, &tx, C, GJ_SOLO_SELF);
    gj_text_set(tx.core.sender, sizeof tx.core.sender, "450000/test");
    gj_solo_tx_seal(s, &tx);
    gj_solo_prepare(s, &tx);
    assert_true(gj_solo_vote_to(s, C)->yes);
    gj_solo_free(&s);
}

/* A PREPARE that is not what it says is a violation and leaves no record. */
static void a_malformed_prepare_is_a_violation(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(NULL);
    for (int i = 0; i < 8; i++) {
        struct gj_solo_tx tx;
        gj_solo_tx_init(s, &tx, C, GJ_SOLO_SELF " " P2);
        if (i == 0) tx.all.digest.bytes[5] ^= 1;                      /* not the core's */
        if (i == 1) gj_text_set(tx.core.participants[1].node, 17, C); /* the coordinator as participant */
        if (i == 2) gj_text_set(tx.core.participants[1].node, 17, GJ_SOLO_SELF); /* one twice */
        if (i == 3) gj_text_set(tx.core.participants[1].node, 17, "999999");     /* unknown */
        if (i == 4) gj_text_set(tx.core.participants[0].node, 17, "450000");     /* without us */
        if (i == 5) gj_text_set(tx.core.legs[1].node, 17, "450000");             /* a leg of nobody */
        if (i == 6) tx.core.n_legs = 0;
        if (i == 7) tx.all.legs[0].salt[0] ^= 1; /* the detail is not the core's */
        if (i >= 1 && i <= 6) gj_solo_tx_seal(s, &tx);
        print_message("malformed %d\n", i);
        gj_solo_prepare(s, &tx);
        assert_int_equal(gj_solo_events(s, GJ_EVENT_VIOLATION, GJ_OK), 1);
        assert_true(gj_solo_is_silent(s));
        assert_string_equal(gj_solo_part_state(s, &tx.txid), "");
    }
    assert_int_equal(s->app.holds, 0);

    /* Somebody else's core in the name of its coordinator. */
    struct gj_solo_tx tx;
    gj_solo_tx_init(s, &tx, C, GJ_SOLO_SELF);
    struct gj_forge *p2 = gj_solo_peer(s, P2);
    const struct gj_prepare_core core = {.core = tx.core_bytes};
    const struct gj_slice messages[] = {gj_forge_say(p2, GJ_KIND_CORE, GJ_ALL_NODES, &tx.txid, &core),
                                        gj_forge_say(p2, GJ_KIND_LEGS, GJ_SOLO_SELF, &tx.txid, &tx.all)};
    gj_solo_frame(s, P2, gj_forge_parcel(p2, messages, 2, NULL, 0));
    assert_int_equal(gj_solo_events(s, GJ_EVENT_VIOLATION, GJ_OK), 1);
    assert_string_equal(gj_solo_part_state(s, &tx.txid), "");
    gj_solo_free(&s);
}

/* Legs without the core in front of them, or behind another's, are not understood and change nothing. */
static void legs_need_their_core(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(NULL);
    struct gj_solo_tx tx, other;
    gj_solo_tx_init(s, &tx, C, GJ_SOLO_SELF);
    gj_solo_tx_init(s, &other, C, GJ_SOLO_SELF);
    struct gj_forge *c = gj_solo_peer(s, C);
    gj_solo_say(s, C, GJ_KIND_LEGS, &tx.txid, &tx.all);
    assert_true(gj_solo_is_silent(s));
    const struct gj_prepare_core core = {.core = other.core_bytes};
    const struct gj_slice messages[] = {gj_forge_say(c, GJ_KIND_CORE, GJ_ALL_NODES, &other.txid, &core),
                                        gj_forge_say(c, GJ_KIND_LEGS, GJ_SOLO_SELF, &tx.txid, &tx.all)};
    gj_solo_frame(s, C, gj_forge_parcel(c, messages, 2, NULL, 0));
    assert_true(gj_solo_is_silent(s));
    assert_string_equal(gj_solo_part_state(s, &tx.txid), "");
    /* A core is of its parcel only. */
    gj_solo_frame(s, C, gj_forge_parcel(c, messages, 1, NULL, 0));
    gj_solo_say(s, C, GJ_KIND_LEGS, &other.txid, &other.all);
    assert_true(gj_solo_is_silent(s));
    assert_string_equal(gj_solo_part_state(s, &other.txid), "");
    gj_solo_free(&s);
}

/* --- one live attempt of a biz key ----------------------------------------------------------------------------------- */

static void same_key(struct gj_solo *s, struct gj_solo_tx *tx, const struct gj_solo_tx *as) {
    gj_solo_tx_init(s, tx, C, GJ_SOLO_SELF " " P2);
    gj_text_set(tx->core.sender, sizeof tx->core.sender, as->core.sender);
    gj_text_set(tx->core.msgid, sizeof tx->core.msgid, as->core.msgid);
    tx->txid.attempt = (uint16_t)(as->txid.attempt + 1);
    gj_solo_tx_seal(s, tx);
}

static void name_superseded(struct gj_solo_tx *tx, const struct gj_solo_tx *old) {
    tx->supersedes[tx->n_supersedes++] = (struct gj_superseded){.txid = old->txid, .digest = old->digest};
}

static void one_live_attempt_of_a_key(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(NULL);
    struct gj_solo_tx first, second, third, fourth;
    reach(s, &first, "PREPARED");
    same_key(s, &second, &first);
    expect_no(s, &second, "BUSY", "CONFLICT");
    assert_string_equal(gj_solo_part_state(s, &first.txid), "PREPARED");

    same_key(s, &third, &second); /* the coordinator says that both are aborted: that is done first */
    name_superseded(&third, &first);
    name_superseded(&third, &second);
    unsigned releases = s->app.releases;
    gj_solo_prepare(s, &third);
    assert_true(gj_solo_vote_to(s, C)->yes);
    assert_string_equal(gj_solo_part_state(s, &first.txid), "ABORTED");
    assert_int_equal(s->app.releases, releases + 1);
    gj_solo_inquire(s, P2, &first.txid, &first.digest, true, gj_solo_core_evidence(s, &first));
    assert_string_equal(gj_solo_status_to(s, P2)->state, "ABORTED"); /* and the new core proves it */
    assert_true(gj_solo_status_to(s, P2)->proof.len > 0);

    gj_solo_commit(s, &third);
    same_key(s, &fourth, &third);
    expect_no(s, &fourth, "BUSY", "CONFLICT"); /* COMMITTED is live too */
    gj_solo_free(&s);
}

/* Superseded before its PREPARE came: a tombstone. Committed: a violation, and nothing of it is undone. */
static void superseded_in_other_states(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(NULL);
    struct gj_solo_tx late, done, next, of_another;
    gj_solo_tx_init(s, &late, C, GJ_SOLO_SELF);
    gj_solo_tx_init(s, &of_another, P2, GJ_SOLO_SELF);
    gj_solo_prepare(s, &of_another);
    reach(s, &done, "COMMITTED");
    gj_solo_tx_init(s, &next, C, GJ_SOLO_SELF);
    name_superseded(&next, &late);
    name_superseded(&next, &done);
    name_superseded(&next, &of_another); /* not C's to declare */
    gj_solo_prepare(s, &next);
    assert_true(gj_solo_vote_to(s, C)->yes);
    assert_int_equal(gj_solo_events(s, GJ_EVENT_VIOLATION, GJ_ERR_VIOLATION), 1);
    assert_string_equal(gj_solo_part_state(s, &late.txid), "REFUSED");
    assert_string_equal(gj_solo_part_state(s, &done.txid), "COMMITTED");
    assert_string_equal(gj_solo_part_state(s, &of_another.txid), "PREPARED");
    gj_solo_prepare(s, &late);
    assert_false(gj_solo_vote_to(s, C)->yes);
    gj_solo_free(&s);
}

/* The same through a cover question, which names them before the next PREPARE does. */
static void superseded_by_a_cover_question(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(NULL);
    struct gj_solo_tx tx;
    reach(s, &tx, "PREPARED");
    struct gj_superseded item = {.txid = tx.txid, .digest = tx.digest};
    struct gj_turn *turn = gj_solo_begin(s);
    gj_protocol_apply_supersedes(s->protocol, turn, P2, &item, 1); /* not its coordinator */
    gj_solo_end(s);
    assert_string_equal(gj_solo_part_state(s, &tx.txid), "PREPARED");
    turn = gj_solo_begin(s);
    gj_protocol_apply_supersedes(s->protocol, turn, C, &item, 1);
    gj_solo_end(s);
    assert_string_equal(gj_solo_part_state(s, &tx.txid), "ABORTED");
    assert_int_equal(s->app.releases, 1);
    gj_solo_free(&s);
}

/* --- a refund brings its original ----------------------------------------------------------------------------------------- */

static struct gj_slice commit_body(struct gj_solo *s, const struct gj_solo_tx *tx) {
    struct gj_commit commit = gj_solo_certificate(s, tx);
    struct gj_buf buf;
    gj_buf_init(&buf, s->peers[0].work, GJ_MESSAGE_MAX);
    assert_int_equal(gj_shape_encode(&gj_shape_commit, &commit, &buf, NULL), GJ_OK);
    return gj_arena_copy(&s->peers[0].arena, gj_buf_slice(&buf));
}

static void a_refund_applies_its_original_first(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(NULL);
    struct gj_solo_tx tx, refund;
    reach(s, &tx, "PREPARED");
    gj_solo_tx_init(s, &refund, C, GJ_SOLO_SELF " " P2);
    refund.original = commit_body(s, &tx);
    gj_solo_prepare(s, &refund);
    assert_string_equal(gj_solo_part_state(s, &tx.txid), "COMMITTED");
    assert_int_equal(s->app.posts, 1);
    assert_true(s->app.had_original);
    assert_int_equal(gj_solo_count(s, GJ_KIND_ACK, C), 1);
    assert_true(gj_solo_vote_to(s, C)->yes);
    /* The signed commit itself comes later and is kept for those who ask. */
    gj_solo_inquire(s, P2, &tx.txid, &tx.digest, true, gj_solo_core_evidence(s, &tx));
    assert_int_equal(gj_solo_status_to(s, P2)->proof.len, 0);
    gj_solo_commit(s, &tx);
    assert_int_equal(s->app.posts, 1);
    gj_solo_inquire(s, P2, &tx.txid, &tx.digest, true, gj_solo_core_evidence(s, &tx));
    assert_true(gj_solo_status_to(s, P2)->proof.len > 0);
    gj_solo_free(&s);
}

/* A certificate inside a refund proves as much as one that comes alone: a YES of ours that we do not have. */
static void an_original_that_we_do_not_have_is_lost_data(void **state) {
    (void)state;
    static const char *const states[] = {"", "REFUSED", "ABORTED"};
    for (size_t i = 0; i < 3; i++) {
        struct gj_solo *s = gj_solo_new(NULL);
        struct gj_solo_tx tx, refund;
        reach(s, &tx, states[i]);
        gj_solo_tx_init(s, &refund, C, GJ_SOLO_SELF " " P2);
        refund.original = commit_body(s, &tx);
        unsigned holds = s->app.holds;
        gj_solo_prepare(s, &refund);
        assert_true(s->protocol->resync);
        assert_int_equal(gj_solo_events(s, GJ_EVENT_RESYNC_NEEDED, GJ_ERR_RESYNC), 1);
        assert_true(gj_solo_is_silent(s));
        assert_string_equal(gj_solo_part_state(s, &refund.txid), "");
        assert_int_equal(s->app.holds, holds);
        gj_solo_free(&s);
    }
}

static void a_refund_of_somebody_elses_original_is_none(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(NULL);
    struct gj_solo_tx tx, refund;
    gj_solo_tx_init(s, &tx, "450000", GJ_SOLO_SELF " " P2);
    gj_solo_prepare(s, &tx);
    gj_solo_tx_init(s, &refund, C, GJ_SOLO_SELF " " P2);
    refund.original = commit_body(s, &tx);
    gj_solo_prepare(s, &refund);
    assert_int_equal(gj_solo_events(s, GJ_EVENT_VIOLATION, GJ_OK), 1);
    assert_string_equal(gj_solo_part_state(s, &refund.txid), "");
    assert_string_equal(gj_solo_part_state(s, &tx.txid), "PREPARED");
    gj_solo_free(&s);
}

/* --- restarts -------------------------------------------------------------------------------------------------------------- */

/* The hold is in the store; the YES goes out again with what was fixed, and the inquiry at once. */
static void a_yes_survives_the_restart(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(NULL);
    struct gj_solo_tx tx;
    s->app.facts[0] = (struct gj_leg_fact){.leg = 0, .account = "P/1/suspense"};
    s->app.n_facts = 1;
    reach(s, &tx, "PREPARED");
    const struct gj_vote_facts *facts = gj_solo_message(s, GJ_KIND_VOTE_FACTS, C, 0);
    assert_non_null(facts);
    assert_string_equal(facts->facts[0].account, "P/1/suspense");
    gj_solo_restart(s, GJ_WITNESS_EQUAL_OR_BEHIND);
    assert_true(gj_solo_vote_to(s, C)->yes);
    facts = gj_solo_message(s, GJ_KIND_VOTE_FACTS, C, 0);
    assert_non_null(facts);
    assert_string_equal(facts->facts[0].account, "P/1/suspense");
    gj_solo_tick(s);
    assert_int_equal(gj_solo_count(s, GJ_KIND_INQUIRE, C), 1);
    assert_int_equal(s->app.holds, 1);
    gj_solo_commit(s, &tx);
    assert_string_equal(gj_solo_part_state(s, &tx.txid), "COMMITTED");
    assert_int_equal(s->app.posts, 1);
    gj_solo_free(&s);
}

/* An INQUIRE counts as the vote, so what was fixed with the vote must come with it as well. */
static void an_inquiry_brings_the_facts_too(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(NULL);
    struct gj_solo_tx tx;
    s->app.facts[0] = (struct gj_leg_fact){.leg = 0, .account = "P/1/suspense"};
    s->app.n_facts = 1;
    reach(s, &tx, "PREPARED");
    s->now.mono.ms += 6001;
    gj_solo_tick(s);
    assert_int_equal(gj_solo_count(s, GJ_KIND_INQUIRE, C), 1);
    const struct gj_vote_facts *facts = gj_solo_message(s, GJ_KIND_VOTE_FACTS, C, 0);
    assert_non_null(facts);
    assert_string_equal(facts->facts[0].account, "P/1/suspense");
    assert_int_equal(s->outbox.items[0].kind, GJ_KIND_VOTE_FACTS); /* before the vote that it belongs to */
    gj_solo_free(&s);
}

/* A parcel of many commits is acknowledged with one message per coordinator. */
static void acks_are_batched(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(NULL);
    struct gj_solo_tx tx[3];
    struct gj_slice messages[3];
    struct gj_forge *c = gj_solo_peer(s, C);
    for (size_t i = 0; i < 3; i++) {
        reach(s, &tx[i], "PREPARED");
        struct gj_commit commit = gj_solo_certificate(s, &tx[i]);
        messages[i] = gj_forge_say(c, GJ_KIND_COMMIT, GJ_ALL_NODES, &tx[i].txid, &commit);
    }
    gj_solo_frame(s, C, gj_forge_parcel(c, messages, 3, NULL, 0));
    assert_int_equal(s->app.posts, 3);
    assert_int_equal(s->outbox.n, 1);
    const struct gj_ack *ack = gj_solo_message(s, GJ_KIND_ACK, C, 0);
    assert_int_equal(ack->n_txids, 3);
    gj_solo_free(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_cell),
        cmocka_unit_test(proofs_are_the_coordinators),
        cmocka_unit_test(another_digest_is_a_violation),
        cmocka_unit_test(an_abort_first_kills_the_prepare),
        cmocka_unit_test(an_inquiry_first_kills_the_prepare),
        cmocka_unit_test(an_inquiry_without_the_core_makes_none),
        cmocka_unit_test(old_wrong_or_misplaced_is_refused),
        cmocka_unit_test(a_malformed_prepare_is_a_violation),
        cmocka_unit_test(legs_need_their_core),
        cmocka_unit_test(one_live_attempt_of_a_key),
        cmocka_unit_test(superseded_in_other_states),
        cmocka_unit_test(superseded_by_a_cover_question),
        cmocka_unit_test(a_refund_applies_its_original_first),
        cmocka_unit_test(an_original_that_we_do_not_have_is_lost_data),
        cmocka_unit_test(a_refund_of_somebody_elses_original_is_none),
        cmocka_unit_test(a_yes_survives_the_restart),
        cmocka_unit_test(an_inquiry_brings_the_facts_too),
        cmocka_unit_test(acks_are_batched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

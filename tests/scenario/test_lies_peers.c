/* SPDX-License-Identifier: Apache-2.0
 *
 * A registered peer against the node itself: its memory, its disk, its time, its knowledge of others. It may cost
 * the node work; it must not lock anybody out, fill a table that others need, or be told what is no business of its.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "support/liar.h"

static struct gj_liar *l;

static int begin(void **state) {
    (void)state;
    l = gj_liar_new();
    return 0;
}

static int end(void **state) {
    (void)state;
    gj_liar_free(&l);
    return 0;
}

/* An honest client still pays, from p1 for p2. */
static void life_goes_on(void) {
    struct gj_req_bill bill;
    const void *answer = NULL;
    gj_liar_bill(l, &bill, 15000);
    gj_text_set(bill.expected_psn_cash_pay, sizeof bill.expected_psn_cash_pay, "150.00");
    enum gj_answer_kind kind =
        gj_cluster_request(l->cluster, GJ_LIAR_CARE, GJ_REQUEST_SETTLE, &bill, &answer);
    assert_int_equal(kind, GJ_ANSWER_SETTLEMENT);
    assert_true(((const struct gj_ans_settlement *)answer)->acct_mulaid_pay > 0);
}

static uint32_t seconds(void) {
    return (uint32_t)(gj_cluster_now(l->cluster, l->self).wall.ms / 1000);
}

/* --- epochs ---------------------------------------------------------------------------------------------------- */

/* A thief of a node's keys takes an epoch from the far future. The node itself must still be heard: by what the others
 * have seen of it, it learns that somebody spoke in its name. */
static void an_epoch_of_the_far_future(void **state) {
    (void)state;
    gj_liar_take_over(l, GJ_LIAR_CARE);
    gj_liar_hello(l, UINT32_MAX);
    gj_liar_hello(l, seconds() + GJ_EPOCH_AHEAD_MAX_S + 100);
    assert_int_equal(gj_liar_count(l, GJ_LIAR_EAST, GJ_KIND_WELCOME), 0);
    assert_true(gj_liar_events(l, GJ_LIAR_EAST, GJ_EVENT_CLOCK_SKEW) >= 2);
    struct gj_welcome welcome = {.version = 1, .registry_serial = 1};
    l->forge.epoch = UINT32_MAX; /* nor through another greeting */
    gj_liar_say(l, GJ_LIAR_EAST, GJ_KIND_WELCOME, NULL, &welcome);
    gj_liar_run(l, 30000);
    l->self = GJ_LIAR_NODES; /* the real one is back */
    gj_forge_done(&l->forge);
    gj_cluster_restart(l->cluster, GJ_LIAR_CARE, GJ_WITNESS_EQUAL_OR_BEHIND);
    gj_liar_run(l, 5000);
    assert_int_equal(gj_liar_events(l, GJ_LIAR_CARE, GJ_EVENT_RESYNC_NEEDED), 1);
    assert_string_equal(gj_liar_state(l, GJ_LIAR_CARE), "open"); /* nothing was missing, and all have said so */
}

/* The owner of an old backup of its own node: an epoch again, with another nonce, an earlier one, an old txid. */
static void a_node_put_back_from_a_copy(void **state) {
    (void)state;
    struct gj_liar_tx tx, again;
    gj_liar_take_over(l, GJ_LIAR_CARE);
    gj_liar_settlement(l, &tx, 20000);
    gj_liar_prepare(l, &tx, GJ_LIAR_EAST, false);
    gj_liar_expect_yes(l, GJ_LIAR_EAST, &tx);
    gj_liar_settlement(l, &again, 30000);
    again.txid = tx.txid;
    gj_liar_tx_seal(l, &again);
    gj_liar_prepare(l, &again, GJ_LIAR_EAST, false); /* the same name, another payment */
    assert_int_equal(gj_liar_held(l, GJ_LIAR_EAST, GJ_LIAR_PAYER), 20000);
    assert_true(gj_liar_events(l, GJ_LIAR_EAST, GJ_EVENT_VIOLATION) > 0);

    const uint32_t present = l->forge.epoch;
    const uint64_t violations = gj_liar_events(l, GJ_LIAR_EAST, GJ_EVENT_VIOLATION);
    struct gj_hello hello = {.version_min = 1, .version_max = 1, .registry_serial = 1, .boot_epoch = present};
    memcpy(hello.network_id, l->forge.network_id, sizeof hello.network_id);
    gj_liar_forget(l);
    gj_liar_say(l, GJ_LIAR_EAST, GJ_KIND_HELLO, NULL, &hello); /* its nonce is zero: another */
    assert_int_equal(gj_liar_count(l, GJ_LIAR_EAST, GJ_KIND_WELCOME), 0);
    assert_int_equal(gj_liar_events(l, GJ_LIAR_EAST, GJ_EVENT_VIOLATION), violations + 1);
    gj_liar_hello(l, present - 1);
    gj_liar_abort(l, &tx, GJ_LIAR_EAST);
    assert_string_equal(gj_liar_part_state(l, GJ_LIAR_EAST, &tx.txid), "PREPARED");
    assert_int_equal(gj_liar_count(l, GJ_LIAR_EAST, GJ_KIND_WELCOME), 0);
    gj_liar_hello(l, present + 1);
    gj_liar_abort(l, &tx, GJ_LIAR_EAST);
    assert_string_equal(gj_liar_part_state(l, GJ_LIAR_EAST, &tx.txid), "ABORTED");
}

/* --- what it has seen of us ------------------------------------------------------------------------------------- */

/* RESYNC stops a node until people come. Whoever says that its store went back in time must show its signature. */
static void a_welcome_that_says_we_lost_data(void **state) {
    (void)state;
    gj_liar_take_over(l, GJ_LIAR_NORTH);
    gj_cluster_crash(l->cluster, GJ_LIAR_EAST);
    gj_cluster_restart(l->cluster, GJ_LIAR_EAST, GJ_WITNESS_EQUAL_OR_BEHIND);
    gj_liar_await(l, GJ_LIAR_EAST, GJ_KIND_HELLO);
    const struct gj_hello *hello = gj_liar_latest(l, GJ_LIAR_EAST, GJ_KIND_HELLO, NULL);
    struct gj_welcome welcome = {.version = 1, .registry_serial = 1, .n_seen = 1};
    memcpy(welcome.nonce, hello->nonce, sizeof welcome.nonce);
    const uint32_t present = (uint32_t)hello->boot_epoch, past = (uint32_t)hello->epochs[0].epoch;
    const uint64_t flush = hello->epochs[0].flush;
    struct gj_parcel parcel;
    struct gj_slice real = gj_liar_latest_caught(l, GJ_LIAR_EAST, GJ_KIND_HELLO)->evidence;
    gj_arena_reset(&l->look);
    assert_int_equal(gj_parcel_read(real, &l->look, &parcel), GJ_OK);
    uint8_t shown[GJ_FLUSH_PROOF_MAX];
    size_t n = parcel.signed_bytes.len + parcel.signature.len;
    memcpy(shown, parcel.signed_bytes.ptr, parcel.signed_bytes.len);
    memcpy(shown + parcel.signed_bytes.len, parcel.signature.ptr, parcel.signature.len);

    struct gj_epoch_flush seen;
    enum { PAST, PRESENT, FUTURE, NEVER, ANOTHERS, TOO_LITTLE, CHANGED, SHORT, LIES };
    for (int lie = PAST; lie < LIES; lie++) {
        seen = (struct gj_epoch_flush){.epoch = present, .flush = 1000000};
        if (lie == PAST) seen = (struct gj_epoch_flush){.epoch = past, .flush = flush + 1};
        if (lie == FUTURE) seen.epoch = present + 1;
        if (lie == NEVER) seen.epoch = 1;
        if (lie == ANOTHERS) seen.proof = gj_forge_flush_proof(&l->forge, present, 1000000);
        if (lie == TOO_LITTLE) seen.proof = gj_slice_of(shown, n); /* ours, of a flush that we hold */
        if (lie == CHANGED) seen.proof = gj_forge_flip(&l->forge, gj_slice_of(shown, n), n / 2);
        if (lie == SHORT) seen.proof = gj_slice_of(shown, 10);
        welcome.seen = &seen;
        gj_liar_say(l, GJ_LIAR_EAST, GJ_KIND_WELCOME, NULL, &welcome);
        assert_int_equal(gj_liar_events(l, GJ_LIAR_EAST, GJ_EVENT_VIOLATION), lie + 1);
    }
    assert_string_equal(gj_liar_state(l, GJ_LIAR_EAST), "open");
    life_goes_on();
}

static void copy_store(const char *from_end, const char *to_end) {
    static const char *const ends[] = {".db", ".db-wal"};
    for (size_t i = 0; i < 2; i++) {
        char from[200], to[200];
        uint8_t block[4096];
        (void)snprintf(from, sizeof from, "%s/330000%s%s", l->folder, ends[i], from_end);
        (void)snprintf(to, sizeof to, "%s/330000%s%s", l->folder, ends[i], to_end);
        FILE *in = fopen(from, "rb"), *out = in == NULL ? NULL : fopen(to, "wb");
        for (size_t got; out != NULL && (got = fread(block, 1, sizeof block, in)) > 0;)
            assert_int_equal(fwrite(block, 1, got, out), got);
        if (in != NULL) (void)fclose(in);
        if (out != NULL) (void)fclose(out);
        if (in == NULL) (void)remove(to);
        if (to_end[0] == '\0') (void)remove(from);
    }
}

/* The same question truly answered: one honest peer is enough, for it has our signature. */
static void a_store_that_did_lose_data(void **state) {
    (void)state;
    gj_cluster_crash(l->cluster, GJ_LIAR_EAST);
    copy_store("", ".old");
    gj_cluster_restart(l->cluster, GJ_LIAR_EAST, GJ_WITNESS_EQUAL_OR_BEHIND);
    gj_liar_run(l, 5000);
    life_goes_on();
    gj_cluster_crash(l->cluster, GJ_LIAR_CARE); /* what the peer has seen of us is in its store */
    gj_cluster_restart(l->cluster, GJ_LIAR_CARE, GJ_WITNESS_EQUAL_OR_BEHIND);
    gj_liar_take_over(l, GJ_LIAR_NORTH);
    gj_cluster_cut(l->cluster, GJ_LIAR_EAST, GJ_LIAR_HOME, true);
    gj_cluster_crash(l->cluster, GJ_LIAR_EAST);
    copy_store(".old", "");
    gj_cluster_restart(l->cluster, GJ_LIAR_EAST, GJ_WITNESS_EQUAL_OR_BEHIND);
    gj_liar_run(l, 5000);
    assert_string_equal(gj_liar_state(l, GJ_LIAR_EAST), "resync");
    assert_int_equal(gj_liar_events(l, GJ_LIAR_EAST, GJ_EVENT_VIOLATION), 0);
}

static void more_epochs_than_a_node_can_have(void **state) {
    (void)state;
    gj_liar_take_over(l, GJ_LIAR_NORTH);
    l->deaf = true;
    for (uint32_t i = 0; i < GJ_EPOCHS_MAX + 50; i++) {
        gj_forge_reset(&l->forge);
        gj_liar_hello(l, l->forge.epoch + 1);
    }
    assert_true(gj_liar_rows(l, GJ_LIAR_EAST, &gj_table_peer) < GJ_EPOCHS_MAX + 10);
    life_goes_on();
}

/* Each greeting of a new epoch made all that waits due at once, towards everybody. */
static void greetings_that_stir_everything(void **state) {
    (void)state;
    struct gj_req_bill bill;
    gj_liar_take_over(l, GJ_LIAR_NORTH);
    l->deaf = true;
    gj_liar_bill(l, &bill, 15000);
    (void)gj_cluster_submit(l->cluster, GJ_LIAR_CARE, GJ_REQUEST_SETTLE, &bill);
    for (int i = 0; i < 1000 && gj_liar_held(l, GJ_LIAR_EAST, GJ_LIAR_PAYER) == 0; i++)
        (void)gj_cluster_step(l->cluster);
    assert_true(gj_liar_held(l, GJ_LIAR_EAST, GJ_LIAR_PAYER) > 0);
    gj_cluster_crash(l->cluster, GJ_LIAR_CARE); /* in doubt at EAST */
    const uint64_t before = gj_engine_counts_of(gj_cluster_engine(l->cluster, GJ_LIAR_EAST))->messages_out;
    for (int i = 0; i < 200; i++) {
        gj_forge_reset(&l->forge);
        l->forge.epoch++;
        l->forge.counter = 1;
        struct gj_hello hello = {.version_min = 1, .version_max = 1, .registry_serial = 1, .nonce = {1}};
        hello.boot_epoch = l->forge.epoch;
        memcpy(hello.network_id, l->forge.network_id, sizeof hello.network_id);
        gj_cluster_inject(l->cluster, GJ_LIAR_EAST, "130000",
                          gj_forge_one(&l->forge, GJ_KIND_HELLO, "330000", NULL, &hello));
        (void)gj_cluster_step(l->cluster);
    }
    const uint64_t said =
        gj_engine_counts_of(gj_cluster_engine(l->cluster, GJ_LIAR_EAST))->messages_out - before;
    assert_true(said < 200 + 20); /* a WELCOME each, and few inquiries */
    gj_cluster_restart(l->cluster, GJ_LIAR_CARE, GJ_WITNESS_EQUAL_OR_BEHIND);
    gj_liar_run(l, 30000);
    assert_int_equal(gj_liar_held(l, GJ_LIAR_EAST, GJ_LIAR_PAYER), 0);
}

static void counters_at_their_end(void **state) {
    (void)state;
    gj_liar_take_over(l, GJ_LIAR_NORTH);
    static const uint64_t counters[] = {UINT64_MAX, 1, UINT64_MAX - 1, UINT64_MAX, 0};
    const struct gj_error error = {.code = "NO_HELLO"};
    for (size_t i = 0; i < sizeof counters / sizeof counters[0]; i++) {
        l->forge.counter = counters[i];
        gj_liar_say(l, GJ_LIAR_EAST, GJ_KIND_ERROR, NULL, &error);
    }
    life_goes_on();
}

/* --- questions ------------------------------------------------------------------------------------------------------- */

struct found {
    const char *state;
    struct gj_part_row row;
};

static void find_part(void *ctx, struct gj_turn *turn) {
    struct found *found = ctx;
    struct gj_rows rows;
    struct gj_part_row key = {.since_ms = 0};
    gj_text_set(key.state, sizeof key.state, found->state);
    gj_store_find(turn->store, &gj_table_part, "part_by_state", &key, 1, NULL, 64, turn->scratch, &rows);
    assert_true(rows.n > 0);
    found->row = ((const struct gj_part_row *)rows.items)[rows.n - 1];
}

/* One question may name one payment as often as it has items; the certificate is sent once. */
static void one_question_many_times(void **state) {
    (void)state;
    struct gj_req_bill bill;
    const void *answer = NULL;
    static struct gj_inquiry items[GJ_INQUIRE_ITEMS_MAX];
    const struct gj_inquire inquire = {.items = items, .n_items = GJ_INQUIRE_ITEMS_MAX};
    struct found found = {.state = "COMMITTED"};
    gj_liar_bill(l, &bill, 15000);
    assert_int_equal(gj_cluster_request(l->cluster, GJ_LIAR_CARE, GJ_REQUEST_SETTLE, &bill, &answer),
                     GJ_ANSWER_SETTLEMENT);
    gj_liar_run(l, 1000);
    gj_cluster_edit(l->cluster, GJ_LIAR_EAST, find_part, &found);
    gj_liar_take_over(l, GJ_LIAR_EAST);
    for (uint32_t i = 0; i < GJ_INQUIRE_ITEMS_MAX; i++)
        items[i] = (struct gj_inquiry){.txid = found.row.txid, .digest = found.row.digest, .yes = i % 2 == 0};
    gj_liar_say(l, GJ_LIAR_CARE, GJ_KIND_INQUIRE, NULL, &inquire);
    assert_int_equal(gj_liar_count(l, GJ_LIAR_CARE, GJ_KIND_COMMIT), 1);
    for (uint32_t i = 0; i < GJ_INQUIRE_ITEMS_MAX; i++)
        items[i].txid.seq = 1000000; /* never issued */
    gj_liar_say(l, GJ_LIAR_CARE, GJ_KIND_INQUIRE, NULL, &inquire);
    assert_int_equal(gj_liar_events(l, GJ_LIAR_CARE, GJ_EVENT_VIOLATION), 1);
}

/* What a bill would draw is told to the place of care, not to whoever has seen a binding's name. */
static void questions_of_who_has_no_patient(void **state) {
    (void)state;
    gj_liar_take_over(l, GJ_LIAR_NORTH);
    struct gj_cover_ask cover = {
        .recipient_region = "360100", .mdtrtarea_admvs = "450100", .use = "outpatient", .amount = 100};
    gj_text_set(cover.binding_ref, sizeof cover.binding_ref, l->binding);
    cover.business_date = gj_date_of(gj_cluster_now(l->cluster, l->self).wall);
    gj_liar_say(l, GJ_LIAR_EAST, GJ_KIND_COVER, NULL, &cover);
    assert_int_equal(gj_liar_count(l, GJ_LIAR_EAST, GJ_KIND_COVER_ANSWER), 0);
    const struct gj_error *error = gj_liar_latest(l, GJ_LIAR_EAST, GJ_KIND_ERROR, NULL);
    assert_string_equal(error->code, "WRONG_NODE");
    struct gj_req_person who;
    gj_liar_person(2, "360100", &who);
    struct gj_plan_ask plan = {.sender = "130000/lies",
                               .insuplc_admdvs = "360100",
                               .mdtrtarea_admvs = "450100",
                               .fixmedins_code = GJ_LIAR_HOSPITAL,
                               .mdtrt_cert_type = "02",
                               .use = "outpatient",
                               .med_type = "11",
                               .acct_payable_amt = 100};
    gj_text_set(plan.person.psn_cert_type, sizeof plan.person.psn_cert_type, "01");
    gj_text_set(plan.person.certno, sizeof plan.person.certno, who.certno);
    gj_text_set(plan.person.psn_name, sizeof plan.person.psn_name, who.psn_name);
    gj_text_set(plan.mdtrt_cert_no, sizeof plan.mdtrt_cert_no, who.certno);
    plan.business_date = cover.business_date;
    gj_liar_say(l, GJ_LIAR_HOME, GJ_KIND_PLAN, NULL, &plan);
    assert_int_equal(gj_liar_count(l, GJ_LIAR_HOME, GJ_KIND_PLAN_ANSWER), 0);
}

/* --- records that only grow -------------------------------------------------------------------------------------------- */

struct stones {
    struct gj_txid first;
    uint64_t bytes, rows;
};

static void weigh(void *ctx, struct gj_turn *turn) {
    struct stones *stones = ctx;
    struct gj_part_row row = {.txid = stones->first};
    struct gj_txid txid = stones->first;
    for (; txid.seq < stones->first.seq + 2000; txid.seq++) {
        size_t mark = turn->scratch->used;
        row = (struct gj_part_row){.txid = txid};
        if (!gj_store_get(turn->store, &gj_table_part, &row, turn->scratch)) continue;
        assert_string_equal(row.state, "REFUSED");
        stones->rows++;
        stones->bytes += row.proof.len + row.core_evidence.len + row.legs.len;
        gj_arena_rewind(turn->scratch, mark);
    }
}

/* An abort that nothing is known of leaves a name, not the message that it came in; and each names its own only. */
static void tombstones_weigh_little(void **state) {
    (void)state;
    struct gj_liar_tx tx;
    gj_liar_take_over(l, GJ_LIAR_CARE);
    gj_liar_settlement(l, &tx, 20000);
    tx.core_padding = 20000;
    struct stones stones = {.first = tx.txid};
    stones.first.seq = 5000;
    for (uint32_t i = 0; i < GJ_SUPERSEDES_MAX; i++) {
        struct gj_superseded *item = &tx.supersedes[tx.n_supersedes++];
        *item = (struct gj_superseded){.txid = stones.first, .digest = {{GJ_HASH_SM3, (uint8_t)i}}};
        item->txid.seq += i;
    }
    gj_liar_prepare(l, &tx, GJ_LIAR_EAST, false);
    for (uint32_t i = 0; i < 100; i++) {
        struct gj_txid txid = stones.first;
        txid.seq += 100 + i;
        const struct gj_abort abort = {.digest = {{GJ_HASH_SM3, 7}}, .reason = "TIMED_OUT"};
        struct gj_slice message = gj_liar_padded(l, GJ_KIND_ABORT, "330000", &txid, &abort, 20000);
        gj_liar_frame(l, GJ_LIAR_EAST, gj_liar_parcel(l, &message, 1));
        gj_forge_reset(&l->forge);
    }
    gj_cluster_edit(l->cluster, GJ_LIAR_EAST, weigh, &stones);
    assert_int_equal(stones.rows, 116);
    assert_int_equal(stones.bytes, 0);
}

static void others_transactions_are_not_superseded(void **state) {
    (void)state;
    struct gj_req_bill bill;
    struct found found = {.state = "PREPARED"};
    const void *answer = NULL;
    gj_liar_take_over(l, GJ_LIAR_NORTH);
    gj_liar_bill(l, &bill, 15000);
    uint64_t ticket = gj_cluster_submit(l->cluster, GJ_LIAR_CARE, GJ_REQUEST_SETTLE, &bill);
    for (int i = 0; i < 1000 && gj_liar_held(l, GJ_LIAR_EAST, GJ_LIAR_PAYER) == 0; i++)
        (void)gj_cluster_step(l->cluster);
    gj_cluster_edit(l->cluster, GJ_LIAR_EAST, find_part, &found); /* as good as any guess can be */
    struct gj_superseded guess = {.txid = found.row.txid, .digest = found.row.digest};
    struct gj_cover_ask cover = {.binding_ref = "x",
                                 .recipient_region = "360100",
                                 .mdtrtarea_admvs = "130100",
                                 .use = "outpatient",
                                 .amount = 1,
                                 .supersedes = &guess,
                                 .n_supersedes = 1};
    cover.business_date = gj_date_of(gj_cluster_now(l->cluster, l->self).wall);
    const struct gj_abort abort = {.digest = found.row.digest, .reason = "TIMED_OUT"};
    l->forge.wall = gj_cluster_now(l->cluster, l->self).wall;
    const struct gj_slice messages[] = {
        gj_forge_say(&l->forge, GJ_KIND_COVER, "330000", NULL, &cover),
        gj_forge_say(&l->forge, GJ_KIND_ABORT, "330000", &found.row.txid, &abort)};
    gj_cluster_inject(l->cluster, GJ_LIAR_EAST, "130000", gj_liar_parcel(l, messages, 2));
    (void)gj_cluster_step(l->cluster);
    assert_true(gj_liar_events(l, GJ_LIAR_EAST, GJ_EVENT_VIOLATION) > 0); /* the abort's */
    gj_liar_run(l, 10000);
    assert_int_equal(gj_cluster_answer(l->cluster, ticket, &answer), GJ_ANSWER_SETTLEMENT);
    assert_int_equal(gj_liar_balance(l, GJ_LIAR_EAST, GJ_LIAR_PAYER), 90000);
}

/* --- tables that others need --------------------------------------------------------------------------------------------- */

/* p7 of EAST pays for p8 of NORTH, whose home lies: fens that it never decides about. */
static void fen(struct gj_liar_tx *tx, const char *binding) {
    gj_liar_tx_init(l, tx, "settle");
    gj_liar_tx_lists(tx, GJ_LIAR_EAST);
    struct gj_leg_detail *draw = gj_liar_tx_leg(tx, "draw", GJ_LIAR_EAST, "330200", "130100", 1);
    gj_text_set(draw->account, sizeof draw->account, "P/p7/prior");
    gj_text_set(draw->binding_ref, sizeof draw->binding_ref, binding);
    (void)gj_liar_tx_leg(tx, "consume", GJ_LIAR_NORTH, "130100", "130100", 0);
    gj_liar_tx_seal(l, tx);
}

static void a_coordinator_that_never_decides(void **state) {
    (void)state;
    struct gj_liar_tx tx;
    char binding[GJ_REF_MAX + 1];
    gj_liar_bind(l, 7, "330200", 8, "130100", binding);
    gj_liar_take_over(l, GJ_LIAR_NORTH);
    l->deaf = true;
    for (uint32_t i = 0; i < GJ_IN_DOUBT_PER_NODE_MAX; i++) {
        gj_forge_reset(&l->forge);
        fen(&tx, binding);
        gj_liar_prepare(l, &tx, GJ_LIAR_EAST, false);
    }
    assert_string_equal(gj_liar_part_state(l, GJ_LIAR_EAST, &tx.txid), "PREPARED");
    assert_int_equal(gj_liar_held(l, GJ_LIAR_EAST, "P/p7/prior"), GJ_IN_DOUBT_PER_NODE_MAX);
    struct gj_liar_tx over;
    l->deaf = false;
    fen(&over, binding);
    gj_liar_prepare(l, &over, GJ_LIAR_EAST, false);
    assert_null(gj_liar_vote(l, GJ_LIAR_EAST, &over)); /* BUSY is no vote */
    assert_string_equal(gj_liar_part_state(l, GJ_LIAR_EAST, &over.txid), "");
    life_goes_on();
    gj_liar_abort(l, &tx, GJ_LIAR_EAST); /* one decided, one more may come */
    fen(&over, binding);
    gj_liar_prepare(l, &over, GJ_LIAR_EAST, false);
    gj_liar_expect_yes(l, GJ_LIAR_EAST, &over);
    /* After a restart as before. */
    gj_cluster_crash(l->cluster, GJ_LIAR_EAST);
    l->deaf = true;
    gj_cluster_restart(l->cluster, GJ_LIAR_EAST, GJ_WITNESS_EQUAL_OR_BEHIND);
    gj_liar_run(l, 3000);
    gj_liar_hello(l, l->forge.epoch + 1);
    l->deaf = false;
    fen(&over, binding);
    gj_liar_prepare(l, &over, GJ_LIAR_EAST, false);
    assert_null(gj_liar_vote(l, GJ_LIAR_EAST, &over));
    life_goes_on();
}

/* Records as heavy as they may be, many at a time: asking about them, and hearing about them, must fit. */
static void heavy_records(void **state) {
    (void)state;
    enum { HEAVY = GJ_INQUIRE_ITEMS_MAX };
    static struct gj_tx_status items[HEAVY];
    struct gj_liar_tx tx, nothing;
    char binding[GJ_REF_MAX + 1];
    gj_liar_bind(l, 7, "330200", 8, "130100", binding);
    gj_liar_take_over(l, GJ_LIAR_NORTH);
    l->deaf = true;
    for (uint32_t i = 0; i < HEAVY; i++) {
        gj_forge_reset(&l->forge);
        gj_liar_tx_init(l, &nothing, "settle"); /* a certificate of nothing, at length */
        (void)gj_liar_tx_leg(&nothing, "consume", GJ_LIAR_NORTH, "130100", "130100", 0);
        gj_liar_tx_seal(l, &nothing);
        fen(&tx, binding);
        uint8_t *blob = gj_arena_alloc(&l->forge.arena, 31000);
        struct gj_buf padded;
        gj_buf_init(&padded, blob, 31000);
        struct gj_commit commit = {.digest = nothing.digest, .core = nothing.core_bytes};
        assert_int_equal(gj_shape_encode(&gj_shape_commit, &commit, &padded, NULL), GJ_OK);
        blob[0]++; /* one field more */
        gj_buf_put(&padded, "\xa2zz\xc5", 4);
        gj_buf_put_u16(&padded, (uint16_t)(31000 - padded.len - 2));
        tx.original = gj_slice_of(blob, 31000);
        tx.plan = gj_slice_of(gj_arena_alloc(&l->forge.arena, 31000), 31000);
        tx.core_padding = 31000;
        gj_liar_prepare(l, &tx, GJ_LIAR_EAST, false);
        items[i] = (struct gj_tx_status){.txid = tx.txid, .digest = tx.digest, .state = "ABORTED"};
    }
    assert_int_equal(gj_liar_held(l, GJ_LIAR_EAST, "P/p7/prior"), HEAVY);
    gj_liar_run(l, 120000); /* inquiries to the coordinator, then to the others */
    assert_true(gj_cluster_is_up(l->cluster, GJ_LIAR_EAST));
    gj_forge_reset(&l->forge);
    const struct gj_status status = {.items = items, .n_items = HEAVY};
    for (uint32_t i = 0; i < HEAVY; i++) {
        const struct gj_abort abort = {.digest = items[i].digest, .reason = "X"};
        l->forge.wall = gj_cluster_now(l->cluster, l->self).wall;
        items[i].proof = gj_forge_one(&l->forge, GJ_KIND_ABORT, "330000", &items[i].txid, &abort);
    }
    gj_liar_say(l, GJ_LIAR_EAST, GJ_KIND_STATUS, NULL, &status);
    assert_int_equal(gj_liar_held(l, GJ_LIAR_EAST, "P/p7/prior"), 0);
    life_goes_on();
}

/* Small on the wire, large when decoded: as many in one parcel as fit. */
static void parcels_that_swell(void **state) {
    (void)state;
    static struct gj_slice messages[GJ_FORGE_MESSAGES_MAX];
    struct gj_source sources[GJ_SOURCES_MAX];
    memset(sources, 0, sizeof sources);
    for (uint32_t i = 0; i < GJ_SOURCES_MAX; i++)
        sources[i] = (struct gj_source){.binding_ref = "b", .region = "r", .relation = "c"};
    gj_liar_take_over(l, GJ_LIAR_NORTH);
    const struct gj_plan_answer answer = {.sources = sources, .n_sources = GJ_SOURCES_MAX};
    for (uint32_t i = 0; i < GJ_FORGE_MESSAGES_MAX; i++)
        messages[i] = gj_forge_say(&l->forge, GJ_KIND_PLAN_ANSWER, "330000", NULL, &answer);
    gj_liar_frame(l, GJ_LIAR_EAST, gj_liar_parcel(l, messages, GJ_FORGE_MESSAGES_MAX));
    assert_int_equal(gj_liar_events(l, GJ_LIAR_EAST, GJ_EVENT_LIMIT_REACHED), 0);
    life_goes_on();
}

#define LIE(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(int argc, char **argv) {
    if (argc > 1) cmocka_set_test_filter(argv[1]);
    const struct CMUnitTest tests[] = {
        LIE(an_epoch_of_the_far_future),
        LIE(a_node_put_back_from_a_copy),
        LIE(a_welcome_that_says_we_lost_data),
        LIE(a_store_that_did_lose_data),
        LIE(more_epochs_than_a_node_can_have),
        LIE(greetings_that_stir_everything),
        LIE(counters_at_their_end),
        LIE(one_question_many_times),
        LIE(questions_of_who_has_no_patient),
        LIE(tombstones_weigh_little),
        LIE(others_transactions_are_not_superseded),
        LIE(a_coordinator_that_never_decides),
        LIE(heavy_records),
        LIE(parcels_that_swell),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

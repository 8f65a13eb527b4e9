/* SPDX-License-Identifier: Apache-2.0
 *
 * The windows of admission: the clock's, edge by edge and kind by kind; who may speak to all; and the replay window,
 * one row for each of its edges.
 */
#include "admission_rig.h"

/* --- the clock window -------------------------------------------------------------------------------------------- */

/* New work lives inside the window; votes, decisions and questions about them are taken at any time. */
static void the_window_is_for_new_work_only(void **state) {
    (void)state;
    static const bool is_new[GJ_KIND_COUNT] = {
        [GJ_KIND_HELLO] = true, [GJ_KIND_VERIFY] = true, [GJ_KIND_PLAN] = true,
        [GJ_KIND_COVER] = true, [GJ_KIND_CORE] = true,   [GJ_KIND_LEGS] = true};
    static const int64_t edges[] = {
        -INT64_C(86400000) * 400, -GJ_CLOCK_WINDOW_MS - 1, -GJ_CLOCK_WINDOW_MS,    0,
        GJ_CLOCK_WINDOW_MS,       GJ_CLOCK_WINDOW_MS + 1,  INT64_C(86400000) * 400};
    for (int kind = GJ_KIND_NONE + 1; kind < GJ_KIND_COUNT; kind++) {
        struct rig *r = rig_open();
        for (size_t i = 0; i < sizeof edges / sizeof edges[0]; i++) {
            struct gj_header header;
            bool inside = edges[i] >= -GJ_CLOCK_WINDOW_MS && edges[i] <= GJ_CLOCK_WINDOW_MS;
            gj_forge_header(&r->forge, (enum gj_kind)kind, SELF, &tx, &header);
            header.sent_at += edges[i];
            header.expires_at = header.sent_at + GJ_CLOCK_WINDOW_MS;
            inject(r, PEER,
                   of_shape(r, &header, gj_kind_shape((enum gj_kind)kind), body_of(r, (enum gj_kind)kind)));
            unsigned skews = 0;
            for (unsigned k = 0; k < r->n_events; k++) {
                if (r->events[k].code == GJ_EVENT_CLOCK_SKEW) skews++;
                if (r->events[k].code != GJ_EVENT_CLOCK_SKEW) continue;
                assert_int_equal(r->events[k].value, edges[i]); /* and by how much is said */
                assert_string_equal(r->events[k].node, PEER);
            }
            if (skews != (is_new[kind] && !inside)) print_message("%s\n", gj_kind_word((enum gj_kind)kind));
            assert_int_equal(skews, is_new[kind] && !inside);
            assert_int_equal(gj_kind_is_new_work((enum gj_kind)kind), is_new[kind]);
        }
        rig_close(&r);
    }
}

/* --- to all ---------------------------------------------------------------------------------------------------------- */

static void only_some_kinds_may_be_for_all(void **state) {
    (void)state;
    static const bool may[GJ_KIND_COUNT] = {
        [GJ_KIND_CORE] = true, [GJ_KIND_COMMIT] = true, [GJ_KIND_ABORT] = true};
    struct rig *r = rig_open();
    for (int kind = GJ_KIND_NONE + 1; kind < GJ_KIND_COUNT; kind++) {
        inject(
            r, PEER,
            gj_forge_one(&r->forge, (enum gj_kind)kind, GJ_ALL_NODES, &tx, body_of(r, (enum gj_kind)kind)));
        unsigned refused = 0;
        for (unsigned k = 0; k < r->n_events; k++)
            if (r->events[k].err == GJ_ERR_WRONG_RECIPIENT) refused++;
        assert_int_equal(refused, !may[kind]);
    }
    rig_close(&r);
}

/* --- what is not refused ---------------------------------------------------------------------------------------------- */

/* In a parcel of many each message stands for itself; the good ones are taken. */
static void a_bad_message_spoils_no_other(void **state) {
    (void)state;
    struct rig *r = rig_open();
    struct gj_header header[3];
    struct gj_slice messages[3];
    for (int i = 0; i < 3; i++) {
        verify_header(r, &header[i]);
        if (i == 1) gj_text_set(header[i].to, sizeof header[i].to, OTHER);
        messages[i] = gj_forge_message(&r->forge, &header[i], gj_kind_shape(GJ_KIND_VERIFY), &verify);
    }
    inject(r, PEER, gj_forge_parcel(&r->forge, messages, 3, NULL, 0));
    assert_int_equal(r->verified, 2);
    assert_int_equal(r->n_events, 1);
    assert_int_equal(r->events[0].err, GJ_ERR_WRONG_RECIPIENT);
    rig_close(&r);
}

/* But a vote rests on the facts before it: with something of its parcel missing it does not count, and comes again. */
static void a_vote_in_a_parcel_that_is_not_whole(void **state) {
    (void)state;
    struct rig *r = rig_open();
    const struct gj_txid txid = {.coordinator = "330000", .epoch = 1, .seq = 7, .attempt = 1};
    const struct gj_vote vote = {.digest = {{GJ_HASH_SM3, 1}}, .yes = true};
    for (int is_broken = 0; is_broken < 2; is_broken++) {
        struct gj_header header;
        verify_header(r, &header);
        if (is_broken == 1) gj_text_set(header.to, sizeof header.to, OTHER);
        struct gj_slice messages[2];
        messages[0] = gj_forge_message(&r->forge, &header, gj_kind_shape(GJ_KIND_VERIFY), &verify);
        verify_header(r, &header);
        messages[1] = gj_forge_say(&r->forge, GJ_KIND_VOTE, header.to, &txid, &vote);
        r->n_events = 0;
        inject(r, PEER, gj_forge_parcel(&r->forge, messages, 2, NULL, 0));
        unsigned refused = 0;
        for (unsigned k = 0; k < r->n_events; k++)
            if (r->events[k].err == GJ_ERR_BAD_PARCEL) refused++;
        assert_int_equal(refused, is_broken);
    }
    rig_close(&r);
}

/* A parcel that was refused leaves no trace of its flush: else a forger could send a peer into RESYNC. */
static void a_refused_parcel_saw_no_flush(void **state) {
    (void)state;
    struct rig *r = rig_open();
    struct gj_abort abort = {.digest = digest, .reason = "ABORTED"};
    struct gj_forge liar = r->forge;
    liar.flush = 1000000;
    struct gj_slice frame = gj_forge_one(&liar, GJ_KIND_ABORT, SELF, &tx, &abort);
    inject(r, PEER, gj_forge_flip(&liar, frame, signature_at(frame)));
    assert_int_equal(r->events[0].err, GJ_ERR_BAD_SIGNATURE);
    inject(r, PEER, gj_forge_one(&r->forge, GJ_KIND_ABORT, SELF, &tx, &abort)); /* a batch that writes */
    gj_cluster_advance(r->cluster, 2000);
    gj_cluster_crash(r->cluster, 1);
    gj_cluster_restart(r->cluster, 1, GJ_WITNESS_EQUAL_OR_BEHIND);
    (void)gj_cluster_run(r->cluster, NULL, NULL, 5000);
    assert_int_equal(gj_cluster_events(r->cluster, 1, GJ_EVENT_RESYNC_NEEDED), 0);
    rig_close(&r);
}

/* --- the replay window --------------------------------------------------------------------------------------------------- */

struct step {
    uint32_t epoch;
    uint64_t counter;
    enum gj_err err; /* what a check says; then it is remembered if it was taken */
};
struct window_row {
    const char *name;
    struct step steps[7]; /* up to a zero epoch */
};
#define W GJ_REPLAY_WINDOW

static const struct window_row window_rows[] = {
    {"the first", {{5, 1, GJ_OK}}},
    {"counter zero", {{5, 0, GJ_OK}, {5, 0, GJ_ERR_REPLAY}}},
    {"the same twice", {{5, 1, GJ_OK}, {5, 1, GJ_ERR_REPLAY}}},
    {"in order", {{5, 1, GJ_OK}, {5, 2, GJ_OK}, {5, 3, GJ_OK}, {5, 2, GJ_ERR_REPLAY}}},
    {"out of order",
     {{5, 9, GJ_OK}, {5, 3, GJ_OK}, {5, 3, GJ_ERR_REPLAY}, {5, 9, GJ_ERR_REPLAY}, {5, 4, GJ_OK}}},
    {"last inside", {{5, W, GJ_OK}, {5, 1, GJ_OK}, {5, 1, GJ_ERR_REPLAY}}},
    {"first outside", {{5, W + 1, GJ_OK}, {5, 1, GJ_ERR_OLD_ID}, {5, 2, GJ_OK}}},
    {"zero falls out", {{5, W, GJ_OK}, {5, 0, GJ_ERR_OLD_ID}}},
    {"moves on by one", {{5, W, GJ_OK}, {5, W + 1, GJ_OK}, {5, 1, GJ_ERR_OLD_ID}, {5, W, GJ_ERR_REPLAY}}},
    {"a bit is cleared as it moves", {{5, 1, GJ_OK}, {5, W + 1, GJ_OK}, {5, W + 2, GJ_OK}, {5, 3, GJ_OK}}},
    {"a place is used again",
     {{5, 7, GJ_OK}, {5, W + 6, GJ_OK}, {5, W + 7, GJ_OK}, {5, W + 7, GJ_ERR_REPLAY}}},
    {"all skipped are free", {{5, 1, GJ_OK}, {5, 2 * W, GJ_OK}, {5, W + 1, GJ_OK}, {5, W, GJ_ERR_OLD_ID}}},
    {"a leap of many windows",
     {{5, 3, GJ_OK}, {5, 100 * W + 3, GJ_OK}, {5, 99 * W + 4, GJ_OK}, {5, 3, GJ_ERR_OLD_ID}}},
    {"the largest number",
     {{5, UINT64_MAX, GJ_OK}, {5, UINT64_MAX, GJ_ERR_REPLAY}, {5, UINT64_MAX - 1, GJ_OK}}},
    {"a new epoch begins anew", {{5, 1, GJ_OK}, {6, 1, GJ_OK}, {6, 1, GJ_ERR_REPLAY}, {6, 2, GJ_OK}}},
    {"an old epoch is old", {{5, 1, GJ_OK}, {6, 1, GJ_OK}, {5, 2, GJ_ERR_OLD_ID}, {5, 900, GJ_ERR_OLD_ID}}},
    {"an epoch leaves no bits", {{5, 40, GJ_OK}, {5, 41, GJ_OK}, {6, 41, GJ_OK}, {6, 40, GJ_OK}}},
};

static void window_edges(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof window_rows / sizeof window_rows[0]; i++) {
        static struct gj_replay_window window;
        memset(&window, 0, sizeof window);
        for (const struct step *step = window_rows[i].steps; step->epoch != 0; step++) {
            const struct gj_msgid id = {step->epoch, step->counter};
            enum gj_err err = gj_replay_check(&window, &id);
            if (err != step->err)
                print_message("%s: %u/%llu\n", window_rows[i].name, (unsigned)id.epoch,
                              (unsigned long long)id.counter);
            assert_int_equal(err, step->err);
            if (err == GJ_OK) gj_replay_remember(&window, &id);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_window_is_for_new_work_only),
        cmocka_unit_test(only_some_kinds_may_be_for_all),
        cmocka_unit_test(a_bad_message_spoils_no_other),
        cmocka_unit_test(a_vote_in_a_parcel_that_is_not_whole),
        cmocka_unit_test(a_refused_parcel_saw_no_flush),
        cmocka_unit_test(window_edges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

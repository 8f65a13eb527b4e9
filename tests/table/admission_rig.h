/* SPDX-License-Identifier: Apache-2.0
 *
 * Three real engines; frames made in the name of the second are injected into the first, and what it says and
 * reports is noted. For the tests of admission.
 */
#ifndef GJ_TESTS_ADMISSION_RIG_H
#define GJ_TESTS_ADMISSION_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/state.h"
#include "support/cluster.h"
#include "support/forge.h"

static const struct gj_cluster_node three[] = {
    {"330000", "330100", NULL}, {"360000", "360100", NULL}, {"130000", "130100", NULL}};
static const struct gj_packs no_packs;
#define SELF       "330000" /* node 0, which is asked */
#define PEER       "360000" /* node 1, in whose name is spoken */
#define OTHER      "130000"
#define EVENTS_MAX 64

struct rig {
    struct gj_cluster *cluster;
    struct gj_forge forge; /* speaks for node 1 */
    struct gj_event events[EVENTS_MAX];
    unsigned n_events;
    /* What node 0 sent to node 1 since the last injection. */
    unsigned errors, hellos_back, verified, welcomes, others;
    char error_code[GJ_CODE_MAX + 1];
    _Alignas(max_align_t) uint8_t memory[1 << 18];
    bool is_watching;
};

static inline void on_event(void *ctx, size_t node, const struct gj_event *event) {
    struct rig *r = ctx;
    if (node != 0 || !r->is_watching) return;
    assert_true(r->n_events < EVENTS_MAX);
    r->events[r->n_events++] = *event;
}

static inline void on_network(void *ctx, const struct gj_cluster_flight *flight,
                              struct gj_cluster_fate *fate) {
    struct rig *r = ctx;
    struct gj_arena arena;
    struct gj_parcel parcel;
    (void)fate;
    if (!r->is_watching) return;
    gj_arena_init(&arena, r->memory, sizeof r->memory);
    assert_int_equal(gj_parcel_read(flight->parcel, &arena, &parcel), GJ_OK);
    for (uint32_t i = 0; i < parcel.n_items; i++) {
        struct gj_message message;
        struct gj_fault fault;
        assert_int_equal(gj_message_decode(parcel.items[i].message, &arena, &message, &fault), GJ_OK);
        if (flight->from == 1 && flight->to == 0 && message.kind == GJ_KIND_HELLO) r->hellos_back++;
        if (flight->from != 0 || flight->to != 1) continue;
        if (message.kind == GJ_KIND_ERROR) {
            r->errors++;
            gj_text_set(r->error_code, sizeof r->error_code, ((const struct gj_error *)message.body)->code);
        } else if (message.kind == GJ_KIND_VERIFIED) {
            r->verified++;
        } else if (message.kind == GJ_KIND_WELCOME) {
            r->welcomes++;
        } else {
            r->others++;
        }
    }
}

static inline uint32_t epoch_of(struct rig *r, size_t node) {
    uint8_t store_id[16];
    uint32_t epoch;
    uint64_t flush;
    gj_engine_flush_mark(gj_cluster_engine(r->cluster, node), store_id, &epoch, &flush);
    return epoch;
}

static inline struct rig *rig_open(void) {
    struct rig *r = calloc(1, sizeof *r);
    assert_non_null(r);
    const struct gj_cluster_config config = {.nodes = three,
                                             .n_nodes = 3,
                                             .packs = &no_packs,
                                             .alg = GJ_SIGN_ED25519,
                                             .seed = 11,
                                             .ctx = r,
                                             .network = on_network,
                                             .event = on_event};
    r->cluster = gj_cluster_new(&config);
    gj_cluster_start(r->cluster);
    gj_forge_init(&r->forge, gj_cluster_hasher(r->cluster, 1), gj_cluster_sign_key(r->cluster, 1),
                  gj_cluster_directory(r->cluster, 1), PEER);
    r->forge.epoch = epoch_of(r, 1);
    r->forge.counter = 4000; /* beyond what the real node 1 has used, within the window */
    r->forge.wall = gj_cluster_now(r->cluster, 0).wall;
    r->is_watching = true;
    return r;
}

static inline void rig_close(struct rig **r_p) {
    gj_forge_done(&(*r_p)->forge);
    gj_cluster_free(&(*r_p)->cluster);
    free(*r_p);
    *r_p = NULL;
}

static inline void inject(struct rig *r, const char *line, struct gj_slice frame) {
    r->n_events = 0;
    r->errors = r->hellos_back = r->verified = r->welcomes = r->others = 0;
    r->error_code[0] = '\0';
    gj_cluster_inject(r->cluster, 0, line, frame);
    while (gj_cluster_step(r->cluster)) {
    }
}

/* --- bodies -------------------------------------------------------------------------------------------------- */

/* New work whose answer is seen at once: nobody of that number is insured here. */
static const struct gj_verify verify = {.purpose = "check",
                                        .consent_ref = "c",
                                        .insuplc_admdvs = "330100",
                                        .person = {"99", "X1", "Nobody"},
                                        .business_date = 20261118};

static const struct gj_digest digest = {{GJ_HASH_SM3, 1, 2, 3}};
static const struct gj_txid tx = {.coordinator = PEER, .epoch = 9, .seq = 1, .attempt = 1};

/* A well-formed body of each kind; what it would do does not matter here. */
static inline const void *body_of(struct rig *r, enum gj_kind kind) {
    static struct gj_hello hello;
    static struct gj_welcome welcome = {.version = 1, .registry_serial = 1};
    static struct gj_verified verified;
    static struct gj_plan_ask plan = {.sender = "360000/x",
                                      .insuplc_admdvs = "330100",
                                      .mdtrtarea_admvs = "360100",
                                      .fixmedins_code = "H36010000001",
                                      .person = {"99", "X1", "Nobody"},
                                      .mdtrt_cert_type = "02",
                                      .mdtrt_cert_no = "X1",
                                      .use = "outpatient",
                                      .med_type = "11",
                                      .business_date = 20261118};
    static struct gj_plan_answer plan_answer;
    static struct gj_cover_ask cover = {.binding_ref = "b",
                                        .recipient_region = "330100",
                                        .mdtrtarea_admvs = "360100",
                                        .use = "outpatient",
                                        .business_date = 20261118};
    static struct gj_cover_answer cover_answer = {.binding_ref = "b"};
    static struct gj_prepare_core core = {.core = {(const uint8_t *)"x", 1}};
    static struct gj_prepare_legs legs;
    static struct gj_vote vote;
    static struct gj_leg_fact fact = {.account = "a"};
    static struct gj_vote_facts facts = {.facts = &fact, .n_facts = 1};
    static struct gj_commit commit = {.core = {(const uint8_t *)"x", 1}};
    static struct gj_abort abort = {.reason = "ABORTED"};
    static struct gj_tx_ref ref;
    static struct gj_ack ack = {.txids = &ref, .n_txids = 1};
    static struct gj_inquiry inquiry;
    static struct gj_inquire inquire = {.items = &inquiry, .n_items = 1};
    static struct gj_tx_status item = {.state = "PENDING"};
    static struct gj_status status = {.items = &item, .n_items = 1};
    static struct gj_revoke revoke = {
        .binding_ref = "b", .by = "payer", .reason = "unbind", .business_date = 20261118};
    static struct gj_revoked revoked = {.binding_ref = "b"};
    static struct gj_replay_ask replay_ask;
    static struct gj_replay replay = {.done = true};
    static struct gj_error error = {.code = "BUSY"};
    hello = (struct gj_hello){
        .version_min = 1, .version_max = 1, .registry_serial = 1, .boot_epoch = r->forge.epoch};
    memcpy(hello.network_id, r->forge.network_id, sizeof hello.network_id);
    legs.digest = vote.digest = facts.digest = commit.digest = abort.digest = digest;
    ref.txid = inquiry.txid = item.txid = tx;
    inquiry.digest = item.digest = digest;
    static const void *const bodies[GJ_KIND_COUNT] = {
        [GJ_KIND_HELLO] = &hello,     [GJ_KIND_WELCOME] = &welcome,
        [GJ_KIND_VERIFY] = &verify,   [GJ_KIND_VERIFIED] = &verified,
        [GJ_KIND_PLAN] = &plan,       [GJ_KIND_PLAN_ANSWER] = &plan_answer,
        [GJ_KIND_COVER] = &cover,     [GJ_KIND_COVER_ANSWER] = &cover_answer,
        [GJ_KIND_CORE] = &core,       [GJ_KIND_LEGS] = &legs,
        [GJ_KIND_VOTE] = &vote,       [GJ_KIND_VOTE_FACTS] = &facts,
        [GJ_KIND_COMMIT] = &commit,   [GJ_KIND_ABORT] = &abort,
        [GJ_KIND_ACK] = &ack,         [GJ_KIND_INQUIRE] = &inquire,
        [GJ_KIND_STATUS] = &status,   [GJ_KIND_REVOKE] = &revoke,
        [GJ_KIND_REVOKED] = &revoked, [GJ_KIND_ERROR] = &error,
        [GJ_KIND_REPLAY] = &replay,   [GJ_KIND_REPLAY_ASK] = &replay_ask};
    assert_non_null(bodies[kind]);
    return bodies[kind];
}

static inline struct gj_slice sign_one(struct gj_forge *forge, struct gj_slice message) {
    return gj_forge_parcel(forge, &message, 1, NULL, 0);
}

static inline void verify_header(struct rig *r, struct gj_header *ret) {
    gj_forge_header(&r->forge, GJ_KIND_VERIFY, SELF, NULL, ret);
}

static inline struct gj_slice verify_with(struct gj_forge *forge, const struct gj_header *header) {
    return sign_one(forge, gj_forge_message(forge, header, gj_kind_shape(GJ_KIND_VERIFY), &verify));
}

/* Magic, length and signed bytes stand before the signature. */
static inline size_t signature_at(struct gj_slice frame) {
    return 4 + 4 + (size_t)(frame.ptr[6] << 8 | frame.ptr[7]) + 2;
}

/* Whatever the kind and the body. */
static inline struct gj_slice of_shape(struct rig *r, const struct gj_header *header,
                                       const struct gj_shape *shape, const void *body) {
    return sign_one(&r->forge, gj_forge_message(&r->forge, header, shape, body));
}

#endif

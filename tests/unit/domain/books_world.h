/* SPDX-License-Identifier: Apache-2.0
 *
 * A small world for tests of the books: node 360000 with its memory store, four provinces in the registry,
 * one pack for everybody, people by short names, and hand-made transactions. Never used by the product.
 */
#ifndef GJ_TESTS_BOOKS_WORLD_H
#define GJ_TESTS_BOOKS_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/check.h"
#include "crypto/crypto.h"
#include "domain/books.h"
#include "domain/books/judge.h"
#include "store/store.h"

#define SELF  "360000" /* the node under test */
#define TODAY 20260315
#define YUAN  INT64_C(100)

struct world {
    struct gj_store *store;
    struct gj_turn turn;
    struct gj_arena scratch, batch;
    struct gj_events events;
    struct gj_event event_items[16];
    struct gj_data_key key;
    struct gj_hasher hasher;
    struct gj_pack pack[3]; /* [0]: everybody's; [1], [2]: for a test to fill */
    struct gj_packs packs;
    struct gj_directory directory;
    struct gj_books books;
    uint64_t seq;
    uint8_t memory[2][1 << 20];
};

static const struct gj_directory_node world_nodes[] = {
    {"360000", "http://a"}, {"330000", "http://b"}, {"130000", "http://c"}, {"450000", "http://d"}};
static const struct gj_directory_region world_regions[] = {
    {"360100", "360000"}, {"360800", "360000"}, {"330100", "330000"}, {"330200", "330000"},
    {"130100", "130000"}, {"130200", "130000"}, {"450100", "450000"}, {"450200", "450000"}};

static inline void world_default_pack(struct gj_pack *pack) {
    *pack = (struct gj_pack){.version = 1,
                             .valid_from = 20200101,
                             .relations = 1u << GJ_RELATION_SPOUSE | 1u << GJ_RELATION_PARENT |
                                          1u << GJ_RELATION_CHILD,
                             .own_order = {GJ_SUB_PRIOR},
                             .n_own_order = 1,
                             .reach = GJ_REACH_NATIONAL,
                             .uses = 1u << GJ_USE_OUTPATIENT | 1u << GJ_USE_INPATIENT | 1u << GJ_USE_CHRONIC |
                                     1u << GJ_USE_PHARMACY | 1u << GJ_USE_RESIDENT_PREMIUM};
    gj_text_set(pack->id, sizeof(pack->id), "default");
    gj_text_set(pack->region, sizeof(pack->region), "000000");
    pack->digest.bytes[0] = GJ_HASH_SM3;
    pack->digest.bytes[1] = 1;
}

static inline struct world *world_new(void) {
    struct world *w = calloc(1, sizeof(*w));
    assert_non_null(w);
    memset(&w->key, 7, sizeof(w->key));
    w->hasher = gj_crypto_hasher(&w->key);
    assert_int_equal(gj_store_open_memory(gj_store_catalogue(), &w->store), GJ_OK);
    w->store->ops->begin(w->store);
    world_default_pack(&w->pack[0]);
    w->packs = (struct gj_packs){w->pack, 1};
    w->directory = (struct gj_directory){.nodes = world_nodes,
                                         .n_nodes = sizeof(world_nodes) / sizeof(world_nodes[0]),
                                         .regions = world_regions,
                                         .n_regions = sizeof(world_regions) / sizeof(world_regions[0])};
    gj_text_set(w->directory.self, sizeof(w->directory.self), SELF);
    w->books = (struct gj_books){&w->directory, &w->packs};
    gj_arena_init(&w->scratch, w->memory[0], sizeof(w->memory[0]));
    gj_arena_init(&w->batch, w->memory[1], sizeof(w->memory[1]));
    w->events = (struct gj_events){.items = w->event_items, .cap = 16};
    w->turn = (struct gj_turn){.store = w->store,
                               .scratch = &w->scratch,
                               .batch = &w->batch,
                               .events = &w->events,
                               .hasher = &w->hasher,
                               .accepts_new_work = true};
    w->turn.now.wall.ms = INT64_C(1773540000000); /* 2026-03-15 10:00 in business time */
    assert_int_equal(gj_date_of(w->turn.now.wall), TODAY);
    return w;
}

static inline void world_free(struct world *w) {
    assert_int_equal(gj_store_err(w->store), GJ_OK);
    w->store->ops->rollback(w->store);
    gj_store_close(&w->store);
    free(w);
}

/* --- people: the number of "P1" is "NP1", his name "Name P1", his card "CP1" -------------------------------- */
static inline void world_wire_person(const char *ref, struct gj_person *ret) {
    *ret = (struct gj_person){.psn_cert_type = "99"};
    ret->certno[0] = 'N';
    gj_text_set(ret->certno + 1, sizeof(ret->certno) - 1, ref);
    memcpy(ret->psn_name, "Name ", 5);
    gj_text_set(ret->psn_name + 5, sizeof(ret->psn_name) - 5, ref);
}

static inline enum gj_err world_add(struct world *w, const char *ref, const char *number_of,
                                    const char *region, const char *insutype, int64_t prior_fen) {
    struct gj_person who;
    world_wire_person(number_of, &who);
    struct gj_person_in in = {.psn_type = "1101",
                              .psn_insu_stas = "1",
                              .account_status = "normal",
                              .has_account = strcmp(insutype, "310") == 0,
                              .prior_fen = prior_fen,
                              .sealed = gj_slice_str("sealed")};
    gj_text_set(in.person_ref, sizeof(in.person_ref), ref);
    gj_text_set(in.region, sizeof(in.region), region);
    gj_text_set(in.insutype, sizeof(in.insutype), insutype);
    in.card_no[0] = 'C';
    gj_text_set(in.card_no + 1, sizeof(in.card_no) - 1, ref);
    gj_person_token(&w->hasher, who.psn_cert_type, who.certno, in.token);
    gj_name_token(&w->hasher, who.psn_name, in.name_token);
    gj_certno_mask(who.certno, in.masked);
    gj_name_mask(who.psn_name, in.name_masked);
    return gj_books_add_person(&w->turn, &in);
}

static inline void world_person(struct world *w, const char *ref, const char *region, const char *insutype,
                                int64_t prior_yuan) {
    assert_int_equal(world_add(w, ref, ref, region, insutype, prior_yuan * YUAN), GJ_OK);
}

static inline void world_set_status(struct world *w, const char *ref, const char *stas,
                                    const char *account_status) {
    struct gj_person_row row;
    assert_true(gj_person_get(&w->turn, ref, &row));
    gj_text_set(row.psn_insu_stas, sizeof(row.psn_insu_stas), stas);
    gj_text_set(row.account_status, sizeof(row.account_status), account_status);
    gj_store_put(w->store, &gj_table_person, &row);
}

static inline int64_t world_account(struct world *w, const char *account, bool held) {
    struct gj_account_row row = {.balance_fen = 0};
    gj_text_set(row.account, sizeof(row.account), account);
    if (!gj_store_get(w->store, &gj_table_account, &row, &w->scratch)) return 0;
    return held ? row.held_fen : row.balance_fen;
}
static inline int64_t world_balance(struct world *w, const char *account) {
    return world_account(w, account, false);
}
static inline int64_t world_held(struct world *w, const char *account) {
    return world_account(w, account, true);
}

/* --- transactions ------------------------------------------------------------------------------------------------ */
#define WORLD_LEGS 8
struct tx {
    struct gj_core core;
    struct gj_core_leg legs[WORLD_LEGS];
    struct gj_leg_part parts[WORLD_LEGS];
    struct gj_leg_detail details[WORLD_LEGS];
    struct gj_node_ref participants[2];
    const char *home; /* the patient's region, elsewhere: its record is the last leg; NULL: no such leg */
    struct gj_digest digest;
    struct gj_tx_view view;
    struct gj_refusal no;
    struct gj_leg_fact facts[GJ_LEGS_MAX];
    uint32_t n_facts;
};

/* Coordinated by the node of Nanning (450000) unless a test says otherwise; this node takes part. */
static inline void tx_init(struct world *w, struct tx *tx, const char *kind, const char *coordinator) {
    memset(tx, 0, sizeof(*tx));
    gj_text_set(tx->core.kind, sizeof(tx->core.kind), kind);
    gj_text_set(tx->core.txid.coordinator, sizeof(tx->core.txid.coordinator), coordinator);
    tx->core.txid.epoch = 1;
    tx->core.txid.seq = ++w->seq;
    tx->core.txid.attempt = 1;
    memcpy(tx->core.sender, coordinator, strlen(coordinator));
    memcpy(tx->core.sender + strlen(coordinator), "/test", 6);
    memcpy(tx->core.msgid, "M1", 3);
    tx->core.business_date = TODAY;
    tx->core.legs = tx->legs;
    tx->core.participants = tx->participants;
    tx->core.n_participants = 1;
    memcpy(tx->participants[0].node, SELF, sizeof(SELF));
    tx->view = (struct gj_tx_view){.core = &tx->core,
                                   .digest = &tx->digest,
                                   .is_coordinator = strcmp(coordinator, SELF) == 0,
                                   .parts = tx->parts,
                                   .details = tx->details};
}

static inline struct gj_leg_detail *tx_leg(struct tx *tx, const char *type, const char *node,
                                           const char *from, const char *to, int64_t amount_fen) {
    uint32_t i = tx->core.n_legs++;
    assert_true(i < WORLD_LEGS);
    struct gj_core_leg *leg = &tx->legs[i];
    gj_text_set(leg->node, sizeof(leg->node), node);
    gj_text_set(leg->from_region, sizeof(leg->from_region), from);
    gj_text_set(leg->to_region, sizeof(leg->to_region), to);
    leg->amount = amount_fen;
    tx->parts[tx->view.n_parts].leg = i;
    struct gj_leg_detail *detail = &tx->details[tx->view.n_parts++];
    gj_text_set(detail->type, sizeof(detail->type), type);
    gj_text_set(detail->use, sizeof(detail->use), "outpatient");
    return detail;
}

/* A leg of another node, whose detail this one was not given. */
static inline void tx_leg_elsewhere(struct tx *tx, const char *node, const char *from, const char *to) {
    assert_true(tx->core.n_legs < WORLD_LEGS);
    struct gj_core_leg *leg = &tx->legs[tx->core.n_legs++];
    gj_text_set(leg->node, sizeof(leg->node), node);
    gj_text_set(leg->from_region, sizeof(leg->from_region), from);
    gj_text_set(leg->to_region, sizeof(leg->to_region), to);
}

static inline bool tx_hold(struct world *w, struct tx *tx) {
    if (tx->home != NULL)
        tx_leg_elsewhere(tx, gj_directory_node_of_region(&w->directory, tx->home), tx->home, tx->legs[0].to_region);
    tx->home = NULL;
    return gj_books_hold(&w->books, &w->turn, &tx->view, &tx->no, tx->facts, &tx->n_facts);
}
static inline void tx_post(struct world *w, struct tx *tx) {
    gj_books_post(&w->books, &w->turn, &tx->view);
}
static inline void tx_release(struct world *w, struct tx *tx) {
    gj_books_release(&w->books, &w->turn, &tx->view);
}
static inline void assert_no(const struct tx *tx, enum gj_vote_class class, enum gj_err code,
                             const char *rule) {
    assert_string_equal(gj_err_name(tx->no.code), gj_err_name(code));
    assert_string_equal(tx->no.rule, rule);
    assert_int_equal(tx->no.class, class);
}

/* One side of a binding, as a leg of |tx|. */
static inline struct gj_leg_detail *tx_side(struct tx *tx, const char *side, const char *id,
                                            const char *payer, const char *payer_region,
                                            const char *recipient, const char *recipient_region,
                                            const char *relation) {
    bool is_payer = strcmp(side, "payer") == 0;
    struct gj_leg_detail *detail = tx_leg(tx, side, SELF, payer_region, recipient_region, 0);
    gj_text_set(detail->person_ref, sizeof(detail->person_ref), is_payer ? payer : recipient);
    gj_text_set(detail->other_person_ref, sizeof(detail->other_person_ref), is_payer ? recipient : payer);
    gj_text_set(detail->person_masked, sizeof(detail->person_masked), "N**");
    gj_text_set(detail->binding_ref, sizeof(detail->binding_ref), id);
    gj_text_set(detail->relation, sizeof(detail->relation), relation);
    gj_text_set(detail->payer_region, sizeof(detail->payer_region), payer_region);
    gj_text_set(detail->recipient_region, sizeof(detail->recipient_region), recipient_region);
    gj_text_set(detail->consent_ref, sizeof(detail->consent_ref), "consent");
    return detail;
}

/* The coordinator of a bind is the other side's node, or this one if both live here. */
static inline const char *world_node_of(struct world *w, const char *region) {
    return gj_directory_node_of_region(&w->directory, region);
}

static inline bool world_is_ours(struct world *w, const char *region) {
    return strcmp(world_node_of(w, region), SELF) == 0;
}

static inline void world_bind_tx(struct world *w, struct tx *tx, const char *id, const char *payer,
                                 const char *payer_region, const char *recipient,
                                 const char *recipient_region, const char *relation) {
    const char *coordinator = world_is_ours(w, payer_region) ? recipient_region : payer_region;
    tx_init(w, tx, "bind", world_node_of(w, coordinator));
    if (world_is_ours(w, payer_region))
        tx_side(tx, "payer", id, payer, payer_region, recipient, recipient_region, relation);
    if (world_is_ours(w, recipient_region))
        tx_side(tx, "recipient", id, payer, payer_region, recipient, recipient_region, relation);
    if (tx->core.n_legs == 1)
        tx_leg_elsewhere(tx, world_node_of(w, coordinator), payer_region, recipient_region);
}

static inline void world_bind(struct world *w, const char *id, const char *payer, const char *payer_region,
                              const char *recipient, const char *recipient_region, const char *relation) {
    struct tx tx;
    world_bind_tx(w, &tx, id, payer, payer_region, recipient, recipient_region, relation);
    bool held = tx_hold(w, &tx);
    if (!held) print_error("bind refused: %s %s\n", gj_err_name(tx.no.code), tx.no.rule);
    assert_true(held);
    tx_post(w, &tx);
}

/* A relative's draw on this node's payer, paid in Nanning for a recipient of Hangzhou. */
static inline struct gj_leg_detail *tx_draw(struct tx *tx, const char *binding, const char *account,
                                            const char *from, const char *to, int64_t amount_fen) {
    struct gj_leg_detail *detail = tx_leg(tx, "draw", SELF, from, to, amount_fen);
    gj_text_set(detail->binding_ref, sizeof(detail->binding_ref), binding);
    gj_text_set(detail->account, sizeof(detail->account), account);
    gj_text_set(detail->mdtrtarea_admvs, sizeof(detail->mdtrtarea_admvs), to);
    return detail;
}

static inline void world_report(void *ctx, const char *account, const char *what) {
    (void)ctx;
    print_error("%s: %s\n", account, what);
}

static inline void assert_books_agree(struct world *w) {
    struct gj_books_totals totals;
    assert_int_equal(gj_books_check(&w->turn, &totals, world_report, NULL), 0);
}

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * A small world for tests of the desk: four provinces in one process, real engines and keys, people by short
 * numbers. 450000 is the place of care, 360000 the patients' home, 330000 and 130000 the payers'.
 */
#ifndef GJ_TESTS_DESK_WORLD_H
#define GJ_TESTS_DESK_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/money.h"
#include "domain/desk/desk.h"
#include "support/cluster.h"

#define Y(yuan)  ((int64_t)(yuan)*100)
#define HOSPITAL "H45010000001"

enum { CARE, HOME, EAST, NORTH, NODES };

static const struct gj_cluster_node desk_nodes[NODES] = {
    [CARE] = {.name = "450000", .regions = "450100 450200"},
    [HOME] = {.name = "360000", .regions = "360100 360800"},
    [EAST] = {.name = "330000", .regions = "330100 330200"},
    [NORTH] = {.name = "130000", .regions = "130100 130200"},
};

struct desk {
    struct gj_cluster *cluster;
    struct gj_pack pack;
    struct gj_packs packs;
    unsigned messages; /* msgids given out */
    uint64_t ticket;   /* of a request under way */
    /* the network hook's: parcels of this node to that one are lost while set, once |pass| more are through */
    bool mute[NODES][NODES];
    unsigned pass[NODES][NODES];
};

struct desk_person {
    unsigned number;
    const char *region, *insutype;
    int64_t prior_fen;
};

/* A made-up number with a right check character (GB 11643). */
static inline void desk_certno(unsigned number, char ret[GJ_CERTNO_MAX + 1]) {
    static const int weights[] = {7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2};
    int sum = 0;
    (void)snprintf(ret, GJ_CERTNO_MAX + 1, "11010119900101%03u", number);
    for (int i = 0; i < 17; i++)
        sum += (ret[i] - '0') * weights[i];
    ret[17] = "10X98765432"[sum % 11];
    ret[18] = '\0';
}

static inline void desk_add_one(void *ctx, struct gj_turn *turn) {
    const struct desk_person *from = ctx;
    struct gj_person_in in;
    char certno[GJ_CERTNO_MAX + 1], name[16];
    memset(&in, 0, sizeof(in));
    desk_certno(from->number, certno);
    (void)snprintf(name, sizeof(name), "Person%u", from->number);
    (void)snprintf(in.person_ref, sizeof(in.person_ref), "p%u", from->number);
    gj_person_token(turn->hasher, "01", certno, in.token);
    gj_name_token(turn->hasher, name, in.name_token);
    in.sealed = GJ_SLICE_LIT("sealed");
    gj_certno_mask(certno, in.masked);
    gj_name_mask(name, in.name_masked);
    gj_text_set(in.card_no, sizeof(in.card_no), certno);
    gj_text_set(in.region, sizeof(in.region), from->region);
    gj_text_set(in.insutype, sizeof(in.insutype), from->insutype);
    gj_text_set(in.psn_type, sizeof(in.psn_type), "1101");
    gj_text_set(in.psn_insu_stas, sizeof(in.psn_insu_stas), "1");
    gj_text_set(in.account_status, sizeof(in.account_status), "normal");
    in.has_account = strcmp(from->insutype, "310") == 0;
    in.prior_fen = from->prior_fen;
    assert_int_equal(gj_books_add_person(turn, &in), GJ_OK);
}

static inline size_t desk_node_of(const char *region) {
    size_t i = 0;
    while (i < NODES && strncmp(desk_nodes[i].name, region, 2) != 0)
        i++;
    assert_true(i < NODES);
    return i;
}

static inline void desk_person(struct desk *desk, unsigned number, const char *region, const char *insutype,
                               int64_t prior_fen) {
    struct desk_person person = {number, region, insutype, prior_fen};
    gj_cluster_edit(desk->cluster, desk_node_of(region), desk_add_one, &person);
}

static inline void desk_add_hospital(void *ctx, struct gj_turn *turn) {
    (void)ctx;
    assert_int_equal(gj_books_add_institution(turn, HOSPITAL, "First Hospital", 20200101, 0), GJ_OK);
}

static inline void desk_network(void *ctx, const struct gj_cluster_flight *flight,
                                struct gj_cluster_fate *fate) {
    struct desk *desk = ctx;
    if (!desk->mute[flight->from][flight->to]) return;
    if (desk->pass[flight->from][flight->to] > 0)
        desk->pass[flight->from][flight->to]--;
    else
        fate->copies = 0;
}

static inline struct desk *desk_new(void) {
    struct desk *desk = calloc(1, sizeof(*desk));
    assert_non_null(desk);
    desk->pack = (struct gj_pack){.version = 1,
                                  .valid_from = 20200101,
                                  .relations = 1u << GJ_RELATION_SPOUSE | 1u << GJ_RELATION_PARENT |
                                               1u << GJ_RELATION_CHILD,
                                  .own_order = {GJ_SUB_PRIOR},
                                  .n_own_order = 1,
                                  .reach = GJ_REACH_NATIONAL,
                                  .uses = 1u << GJ_USE_OUTPATIENT | 1u << GJ_USE_PHARMACY};
    gj_text_set(desk->pack.id, sizeof(desk->pack.id), "default");
    gj_text_set(desk->pack.region, sizeof(desk->pack.region), "000000");
    desk->pack.digest.bytes[0] = GJ_HASH_SM3;
    desk->pack.digest.bytes[1] = 1;
    desk->packs = (struct gj_packs){&desk->pack, 1};
    const struct gj_cluster_config config = {.nodes = desk_nodes,
                                             .n_nodes = NODES,
                                             .packs = &desk->packs,
                                             .alg = GJ_SIGN_ED25519,
                                             .seed = 42,
                                             .ctx = desk,
                                             .network = desk_network};
    desk->cluster = gj_cluster_new(&config);
    gj_cluster_edit(desk->cluster, CARE, desk_add_hospital, NULL);
    gj_cluster_start(desk->cluster);
    return desk;
}

static inline void desk_free(struct desk *desk) {
    gj_cluster_free(&desk->cluster);
    free(desk);
}

/* Everybody's 01 number, name and region. */
static inline void desk_name(struct gj_req_person *ret, unsigned number, const char *region) {
    memset(ret, 0, sizeof(*ret));
    gj_text_set(ret->insuplc_admdvs, sizeof(ret->insuplc_admdvs), region);
    gj_text_set(ret->psn_cert_type, sizeof(ret->psn_cert_type), "01");
    desk_certno(number, ret->certno);
    (void)snprintf(ret->psn_name, sizeof(ret->psn_name), "Person%u", number);
}

static inline void desk_msgid(struct desk *desk, char ret[GJ_MSGID_MAX + 1]) {
    (void)snprintf(ret, GJ_MSGID_MAX + 1, "%s-%04u", HOSPITAL, ++desk->messages);
}

static inline void desk_bind_body(struct desk *desk, struct gj_req_bind *ret, unsigned payer,
                                  const char *payer_region, unsigned recipient, const char *recipient_region,
                                  const char *relation) {
    memset(ret, 0, sizeof(*ret));
    gj_text_set(ret->sender, sizeof(ret->sender), HOSPITAL);
    desk_msgid(desk, ret->msgid);
    gj_text_set(ret->consent_ref, sizeof(ret->consent_ref), "consent-1");
    gj_text_set(ret->relation, sizeof(ret->relation), relation);
    desk_name(&ret->payer, payer, payer_region);
    desk_name(&ret->recipient, recipient, recipient_region);
}

/* Binds at the place of care; returns the binding's id. */
static inline void desk_bind(struct desk *desk, unsigned payer, const char *payer_region, unsigned recipient,
                             const char *recipient_region, char ret_id[GJ_REF_MAX + 1]) {
    struct gj_req_bind body;
    const void *answer = NULL;
    desk_bind_body(desk, &body, payer, payer_region, recipient, recipient_region, "child");
    assert_int_equal(gj_cluster_request(desk->cluster, CARE, GJ_REQUEST_BIND, &body, &answer),
                     GJ_ANSWER_BINDING);
    gj_text_set(ret_id, GJ_REF_MAX + 1, ((const struct gj_ans_binding *)answer)->binding_id);
}

static inline void desk_bill(struct desk *desk, struct gj_req_bill *ret, unsigned patient, const char *region,
                             int64_t fee_fen, int64_t payable_fen) {
    struct gj_req_person who;
    desk_name(&who, patient, region);
    memset(ret, 0, sizeof(*ret));
    gj_text_set(ret->sender, sizeof(ret->sender), HOSPITAL);
    desk_msgid(desk, ret->msgid);
    gj_text_set(ret->fixmedins_code, sizeof(ret->fixmedins_code), HOSPITAL);
    gj_text_set(ret->mdtrtarea_admvs, sizeof(ret->mdtrtarea_admvs), "450100");
    gj_text_set(ret->insuplc_admdvs, sizeof(ret->insuplc_admdvs), region);
    gj_text_set(ret->psn_cert_type, sizeof(ret->psn_cert_type), "01");
    gj_text_set(ret->certno, sizeof(ret->certno), who.certno);
    gj_text_set(ret->psn_name, sizeof(ret->psn_name), who.psn_name);
    gj_text_set(ret->mdtrt_cert_type, sizeof(ret->mdtrt_cert_type), "02");
    gj_text_set(ret->mdtrt_cert_no, sizeof(ret->mdtrt_cert_no), who.certno);
    gj_text_set(ret->med_type, sizeof(ret->med_type), "11");
    ret->medfee_sumamt = fee_fen;
    ret->fund_pay_sumamt = fee_fen - payable_fen;
    ret->psn_part_amt = payable_fen;
    ret->acct_payable_amt = payable_fen;
}

static inline void desk_expect_cash(struct gj_req_bill *bill, int64_t cash_fen) {
    char text[GJ_YUAN_TEXT_CAP];
    gj_text_set(bill->expected_psn_cash_pay, sizeof(bill->expected_psn_cash_pay),
                gj_yuan_format(text, cash_fen));
}

static inline enum gj_answer_kind desk_ask(struct desk *desk, size_t node, enum gj_request_kind kind,
                                           const void *body, const void **ret) {
    return gj_cluster_request(desk->cluster, node, kind, body, ret);
}

/* Asks and expects a refusal or the like: outcome, code and rule. */
static inline void desk_refused(struct desk *desk, size_t node, enum gj_request_kind kind, const void *body,
                                const char *outcome, enum gj_err code, const char *rule) {
    const void *answer = NULL;
    assert_int_equal(desk_ask(desk, node, kind, body, &answer), GJ_ANSWER_PROBLEM);
    const struct gj_ans_problem *problem = answer;
    assert_string_equal(problem->code, gj_err_name(code));
    assert_string_equal(problem->outcome, outcome);
    assert_string_equal(problem->rule, rule);
}

/* Settles with the cash that the case says and returns the settlement. */
static inline struct gj_ans_settlement desk_settle(struct desk *desk, struct gj_req_bill *bill,
                                                   int64_t cash_fen) {
    const void *answer = NULL;
    desk_expect_cash(bill, cash_fen);
    assert_int_equal(desk_ask(desk, CARE, GJ_REQUEST_SETTLE, bill, &answer), GJ_ANSWER_SETTLEMENT);
    const struct gj_ans_settlement *settlement = answer;
    assert_int_equal(settlement->psn_cash_pay, cash_fen);
    struct gj_ans_settlement copy = *settlement;
    copy.payers = NULL; /* borrowed: gone with the next question */
    copy.explain = NULL;
    return copy;
}

/* --- looking at the books --------------------------------------------------------------------------------- */
struct desk_look {
    char account[GJ_REF_MAX + 1];
    struct gj_account_row row;
    bool found;
};

static inline void desk_look(void *ctx, struct gj_turn *turn) {
    struct desk_look *look = ctx;
    memset(&look->row, 0, sizeof(look->row));
    gj_text_set(look->row.account, sizeof(look->row.account), look->account);
    look->found = gj_store_get(turn->store, &gj_table_account, &look->row, turn->scratch);
}

static inline int64_t desk_balance(struct desk *desk, size_t node, const char *account) {
    struct desk_look look;
    gj_text_set(look.account, sizeof(look.account), account);
    gj_cluster_edit(desk->cluster, node, desk_look, &look);
    return look.found ? look.row.balance_fen : 0;
}

static inline void desk_report(void *ctx, const char *account, const char *what) {
    (void)ctx;
    print_message("difference: %s %s\n", account, what);
}

static inline void desk_check(void *ctx, struct gj_turn *turn) {
    struct gj_books_totals totals;
    uint64_t *held = ctx;
    assert_int_equal(gj_books_check(turn, &totals, desk_report, NULL), 0);
    *held += (uint64_t)totals.held_fen;
}

static inline bool desk_never(void *ctx) {
    (void)ctx;
    return false;
}

/* When all is quiet: every node's books balance, nothing is held, both ends of each pair agree. */
static inline void desk_books_agree(struct desk *desk) {
    static const char *const regions[] = {"360100", "360800", "330200", "130100"};
    uint64_t held = 0;
    (void)gj_cluster_run(desk->cluster, desk_never, NULL, 10000);
    for (size_t i = 0; i < NODES; i++)
        gj_cluster_edit(desk->cluster, i, desk_check, &held);
    assert_int_equal(held, 0);
    for (size_t i = 0; i < sizeof(regions) / sizeof(regions[0]); i++) {
        char account[GJ_REF_MAX + 1];
        (void)snprintf(account, sizeof(account), "R/%s/450100", regions[i]);
        int64_t there = desk_balance(desk, desk_node_of(regions[i]), account);
        assert_int_equal(there + desk_balance(desk, CARE, account), 0);
    }
}

#endif

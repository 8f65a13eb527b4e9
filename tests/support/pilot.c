/* SPDX-License-Identifier: Apache-2.0
 *
 * The pilot's nodes, people and requests. What must hold in the end is in pilot_check.c.
 */
#include "support/pilot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/money.h"

static const struct gj_cluster_node nodes[GJ_PILOT_NODES] = {
    [GJ_PILOT_CARE] = {.name = "450000", .regions = "450100"},
    [GJ_PILOT_HOME] = {.name = "360000", .regions = "360800"},
    [GJ_PILOT_EAST] = {.name = "330000", .regions = "330200"},
    [GJ_PILOT_NORTH] = {.name = "130000", .regions = "130100"},
};

const char *gj_pilot_region(size_t node) {
    GJ_ASSERT(node < GJ_PILOT_NODES);
    return nodes[node].regions;
}

static void make_pack(struct gj_pilot *pilot) {
    pilot->pack = (struct gj_pack){.version = 1,
                                   .valid_from = 20200101,
                                   .relations = 1u << GJ_RELATION_CHILD,
                                   .own_order = {GJ_SUB_PRIOR},
                                   .n_own_order = 1,
                                   .reach = GJ_REACH_NATIONAL,
                                   .uses = 1u << GJ_USE_OUTPATIENT};
    gj_text_set(pilot->pack.id, sizeof pilot->pack.id, "pilot");
    gj_text_set(pilot->pack.region, sizeof pilot->pack.region, "000000");
    pilot->pack.digest.bytes[0] = GJ_HASH_SM3;
    pilot->packs = (struct gj_packs){&pilot->pack, 1};
}

static void add_hospital(void *ctx, struct gj_turn *turn) {
    (void)ctx;
    enum gj_err err = gj_books_add_institution(turn, GJ_PILOT_HOSPITAL, "First Hospital", 20200101, 0);
    GJ_ASSERT(err == GJ_OK);
}

struct gj_pilot *gj_pilot_new(const struct gj_pilot_config *config) {
    struct gj_pilot *pilot = calloc(1, sizeof *pilot);
    GJ_ASSERT(pilot != NULL);
    make_pack(pilot);
    pilot->n = config->n_nodes == 0 ? GJ_PILOT_NODES : config->n_nodes;
    const struct gj_cluster_config cluster = {.nodes = nodes,
                                              .n_nodes = pilot->n,
                                              .packs = &pilot->packs,
                                              .alg = config->alg == 0 ? GJ_SIGN_ED25519 : config->alg,
                                              .folder = config->folder,
                                              .seed = config->seed,
                                              .ctx = config->ctx,
                                              .network = config->network,
                                              .event = config->event};
    pilot->cluster = gj_cluster_new(&cluster);
    gj_cluster_edit(pilot->cluster, GJ_PILOT_CARE, add_hospital, NULL);
    gj_cluster_start(pilot->cluster);
    return pilot;
}

void gj_pilot_free(struct gj_pilot **pilot_p) {
    if (*pilot_p == NULL) return;
    gj_cluster_free(&(*pilot_p)->cluster);
    free(*pilot_p);
    *pilot_p = NULL;
}

/* --- people ------------------------------------------------------------------------------------------------- */

/* A made-up number with a right check character (GB 11643). */
static void make_certno(unsigned number, char ret[GJ_CERTNO_MAX + 1]) {
    static const int weights[] = {7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2};
    int sum = 0;
    (void)snprintf(ret, GJ_CERTNO_MAX + 1, "11010119900101%03u", number % 1000);
    for (int i = 0; i < 17; i++)
        sum += (ret[i] - '0') * weights[i];
    ret[17] = "10X98765432"[sum % 11];
    ret[18] = '\0';
}

struct newcomer {
    size_t node;
    unsigned number;
    int64_t prior_fen;
};

static void add_person(void *ctx, struct gj_turn *turn) {
    const struct newcomer *who = ctx;
    struct gj_person_in in;
    char certno[GJ_CERTNO_MAX + 1], name[24];
    memset(&in, 0, sizeof in);
    make_certno(who->number, certno);
    (void)snprintf(name, sizeof name, "Person%u", who->number);
    (void)snprintf(in.person_ref, sizeof in.person_ref, "p%u", who->number);
    gj_person_token(turn->hasher, "01", certno, in.token);
    gj_name_token(turn->hasher, name, in.name_token);
    in.sealed = GJ_SLICE_LIT("sealed");
    gj_certno_mask(certno, in.masked);
    gj_name_mask(name, in.name_masked);
    gj_text_set(in.card_no, sizeof in.card_no, certno);
    gj_text_set(in.region, sizeof in.region, gj_pilot_region(who->node));
    gj_text_set(in.insutype, sizeof in.insutype, "310");
    gj_text_set(in.psn_type, sizeof in.psn_type, "1101");
    gj_text_set(in.psn_insu_stas, sizeof in.psn_insu_stas, "1");
    gj_text_set(in.account_status, sizeof in.account_status, "normal");
    in.has_account = true;
    in.prior_fen = who->prior_fen;
    enum gj_err err = gj_books_add_person(turn, &in);
    GJ_ASSERT(err == GJ_OK);
}

void gj_pilot_person(struct gj_pilot *pilot, size_t node, unsigned number, int64_t prior_fen) {
    struct newcomer who = {node, number, prior_fen};
    gj_cluster_edit(pilot->cluster, node, add_person, &who);
}

static void name_person(struct gj_req_person *ret, size_t node, unsigned number) {
    memset(ret, 0, sizeof *ret);
    gj_text_set(ret->insuplc_admdvs, sizeof ret->insuplc_admdvs, gj_pilot_region(node));
    gj_text_set(ret->psn_cert_type, sizeof ret->psn_cert_type, "01");
    make_certno(number, ret->certno);
    (void)snprintf(ret->psn_name, sizeof ret->psn_name, "Person%u", number);
}

/* --- requests -------------------------------------------------------------------------------------------------- */

void gj_pilot_msgid(struct gj_pilot *pilot, char ret[GJ_MSGID_MAX + 1]) {
    (void)snprintf(ret, GJ_MSGID_MAX + 1, "%s-%06u", GJ_PILOT_HOSPITAL, ++pilot->messages);
}

void gj_pilot_bind_body(struct gj_pilot *pilot, struct gj_req_bind *ret, size_t payer_node, unsigned payer,
                        size_t recipient_node, unsigned recipient) {
    memset(ret, 0, sizeof *ret);
    gj_text_set(ret->sender, sizeof ret->sender, GJ_PILOT_HOSPITAL);
    gj_pilot_msgid(pilot, ret->msgid);
    gj_text_set(ret->consent_ref, sizeof ret->consent_ref, "consent");
    gj_text_set(ret->relation, sizeof ret->relation, "child");
    name_person(&ret->payer, payer_node, payer);
    name_person(&ret->recipient, recipient_node, recipient);
}

void gj_pilot_bill(struct gj_pilot *pilot, struct gj_req_bill *ret, size_t node, unsigned patient,
                   int64_t payable_fen, int64_t cash_fen) {
    struct gj_req_person who;
    char yuan[GJ_YUAN_TEXT_CAP];
    name_person(&who, node, patient);
    memset(ret, 0, sizeof *ret);
    gj_text_set(ret->sender, sizeof ret->sender, GJ_PILOT_HOSPITAL);
    gj_pilot_msgid(pilot, ret->msgid);
    gj_text_set(ret->fixmedins_code, sizeof ret->fixmedins_code, GJ_PILOT_HOSPITAL);
    gj_text_set(ret->mdtrtarea_admvs, sizeof ret->mdtrtarea_admvs, gj_pilot_region(GJ_PILOT_CARE));
    gj_text_set(ret->insuplc_admdvs, sizeof ret->insuplc_admdvs, who.insuplc_admdvs);
    gj_text_set(ret->psn_cert_type, sizeof ret->psn_cert_type, "01");
    gj_text_set(ret->certno, sizeof ret->certno, who.certno);
    gj_text_set(ret->psn_name, sizeof ret->psn_name, who.psn_name);
    gj_text_set(ret->mdtrt_cert_type, sizeof ret->mdtrt_cert_type, "02");
    gj_text_set(ret->mdtrt_cert_no, sizeof ret->mdtrt_cert_no, who.certno);
    gj_text_set(ret->med_type, sizeof ret->med_type, "11");
    ret->medfee_sumamt = ret->psn_part_amt = ret->acct_payable_amt = payable_fen;
    gj_text_set(ret->expected_psn_cash_pay, sizeof ret->expected_psn_cash_pay,
                gj_yuan_format(yuan, cash_fen));
}

void gj_pilot_refund_body(struct gj_pilot *pilot, struct gj_req_refund *ret, const char *setl_id,
                          int64_t amount_fen) {
    memset(ret, 0, sizeof *ret);
    gj_text_set(ret->sender, sizeof ret->sender, GJ_PILOT_HOSPITAL);
    gj_pilot_msgid(pilot, ret->msgid);
    gj_text_set(ret->setl_id, sizeof ret->setl_id, setl_id);
    ret->amount = amount_fen;
}

void gj_pilot_reverse_body(struct gj_req_reverse *ret, const char *omsgid) {
    memset(ret, 0, sizeof *ret);
    gj_text_set(ret->sender, sizeof ret->sender, GJ_PILOT_HOSPITAL);
    gj_text_set(ret->omsgid, sizeof ret->omsgid, omsgid);
}

void gj_pilot_bind(struct gj_pilot *pilot, size_t payer_node, unsigned payer, size_t recipient_node,
                   unsigned recipient, char ret_id[GJ_REF_MAX + 1]) {
    struct gj_req_bind body;
    const void *answer = NULL;
    gj_pilot_bind_body(pilot, &body, payer_node, payer, recipient_node, recipient);
    enum gj_answer_kind kind =
        gj_cluster_request(pilot->cluster, GJ_PILOT_CARE, GJ_REQUEST_BIND, &body, &answer);
    GJ_ASSERT(kind == GJ_ANSWER_BINDING);
    gj_text_set(ret_id, GJ_REF_MAX + 1, ((const struct gj_ans_binding *)answer)->binding_id);
}

void gj_pilot_settle(struct gj_pilot *pilot, const struct gj_req_bill *bill, char ret_id[GJ_REF_MAX + 1]) {
    const void *answer = NULL;
    enum gj_answer_kind kind =
        gj_cluster_request(pilot->cluster, GJ_PILOT_CARE, GJ_REQUEST_SETTLE, bill, &answer);
    GJ_ASSERT(kind == GJ_ANSWER_SETTLEMENT);
    gj_text_set(ret_id, GJ_REF_MAX + 1, ((const struct gj_ans_settlement *)answer)->setl_id);
}

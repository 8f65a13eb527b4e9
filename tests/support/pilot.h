/* SPDX-License-Identifier: Apache-2.0
 *
 * A pilot between provinces inside one process: a cluster with one rule pack for all, people by short numbers,
 * bindings, bills; and the proof that after whatever happened everything ended well.
 *
 *     450000 is the place of care, 360000 the patients' home, 330000 and 130000 the payers'.
 *
 * Person 10 is "Person10" with reference "p10" and card and number made of 10. All people are invented.
 */
#ifndef GJ_TESTS_SUPPORT_PILOT_H
#define GJ_TESTS_SUPPORT_PILOT_H

#include "domain/books.h"
#include "support/cluster.h"

#define GJ_PILOT_HOSPITAL "H45010000001"

enum { GJ_PILOT_CARE, GJ_PILOT_HOME, GJ_PILOT_EAST, GJ_PILOT_NORTH, GJ_PILOT_NODES };

struct gj_pilot_config {
    size_t n_nodes;       /* 3: without NORTH; 0: all four */
    enum gj_sign_alg alg; /* 0: Ed25519 */
    uint64_t seed;
    const char *folder; /* as in the cluster's config, as the rest */
    void *ctx;
    void (*network)(void *ctx, const struct gj_cluster_flight *flight, struct gj_cluster_fate *fate);
    void (*event)(void *ctx, size_t node, const struct gj_event *event);
};

struct gj_pilot {
    struct gj_cluster *cluster;
    struct gj_pack pack;
    struct gj_packs packs;
    size_t n;
    unsigned messages; /* msgids given out */
};

/* Started; the hospital is open, nobody is insured yet. */
struct gj_pilot *gj_pilot_new(const struct gj_pilot_config *config);
void gj_pilot_free(struct gj_pilot **pilot_p);

/* --- people, bodies of requests --------------------------------------------------------------------------- */
/* An employee of the node's first region with this balance of earlier years. */
void gj_pilot_person(struct gj_pilot *pilot, size_t node, unsigned number, int64_t prior_fen);
const char *gj_pilot_region(size_t node);
/* A fresh message id. */
void gj_pilot_msgid(struct gj_pilot *pilot, char ret[GJ_MSGID_MAX + 1]);
void gj_pilot_bind_body(struct gj_pilot *pilot, struct gj_req_bind *ret, size_t payer_node, unsigned payer,
                        size_t recipient_node, unsigned recipient);
/* A settlement that agrees to pay at most |cash_fen| in cash. */
void gj_pilot_bill(struct gj_pilot *pilot, struct gj_req_bill *ret, size_t node, unsigned patient,
                   int64_t payable_fen, int64_t cash_fen);
void gj_pilot_refund_body(struct gj_pilot *pilot, struct gj_req_refund *ret, const char *setl_id,
                          int64_t amount_fen);
void gj_pilot_reverse_body(struct gj_req_reverse *ret, const char *omsgid);

/* Asks at the place of care; the binding's, the settlement's id. Asserts that it is done. */
void gj_pilot_bind(struct gj_pilot *pilot, size_t payer_node, unsigned payer, size_t recipient_node,
                   unsigned recipient, char ret_id[GJ_REF_MAX + 1]);
void gj_pilot_settle(struct gj_pilot *pilot, const struct gj_req_bill *bill, char ret_id[GJ_REF_MAX + 1]);

/* --- looking --------------------------------------------------------------------------------------------------- */
int64_t gj_pilot_balance(struct gj_pilot *pilot, size_t node, const char *account);
/* Is nothing undecided, held, unacknowledged or reversing at any node? All must be up. */
bool gj_pilot_is_quiet(struct gj_pilot *pilot);
/* Runs until it is, for at most |max_ms|. */
bool gj_pilot_settle_down(struct gj_pilot *pilot, int64_t max_ms);
/* Everything that is not as it must be in the end, one printed line each; returns their number.
 *  - nothing PREPARED, BEGUN or held; every committed transaction is ended
 *  - each transaction has one outcome everywhere, under one digest
 *  - at most one attempt of a biz key is committed, and exactly if its request is done
 *  - each node's books are whole and sum to zero; both ends of each leg agree
 *  - the hospital is owed what the settlements say, less their refunds */
unsigned gj_pilot_differences(struct gj_pilot *pilot);

#endif

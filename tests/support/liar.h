/* SPDX-License-Identifier: Apache-2.0
 *
 * A world with a liar in it: four provinces as real engines on real SQLite files, until one of them is taken away
 * and the test speaks in its name, with its signing key and on its line, in any order and at any time. What the
 * honest nodes say to it is caught and can be looked at.
 *
 *     struct gj_liar *l = gj_liar_new();
 *     gj_liar_take_over(l, GJ_LIAR_CARE);
 *     gj_liar_say(l, GJ_LIAR_EAST, GJ_KIND_ABORT, &txid, &abort);
 *     gj_liar_free(&l);                                    asserts that the honest ones live and their books agree
 *
 * 450000 is the place of care, 360000 the home of the patient p2, 330000 that of the payer p1. All people are
 * invented: p1 to p9, p3 and p5 at CARE, p4 and p7 at EAST beside p1, p6 at HOME beside p2.
 */
#ifndef GJ_TESTS_SUPPORT_LIAR_H
#define GJ_TESTS_SUPPORT_LIAR_H

#include "domain/books.h"
#include "protocol/tables.h"
#include "support/cluster.h"
#include "support/forge.h"

enum { GJ_LIAR_CARE, GJ_LIAR_HOME, GJ_LIAR_EAST, GJ_LIAR_NORTH, GJ_LIAR_NODES };
#define GJ_LIAR_HOSPITAL   "H45010000001"
#define GJ_LIAR_CAUGHT_MAX 8192u
#define GJ_LIAR_PAYER      "P/p1/prior" /* at EAST, 1,000 yuan */
#define GJ_LIAR_PATIENT    "P/p2/prior" /* at HOME, 50 yuan */

struct gj_liar_caught {
    enum gj_kind kind;
    size_t from;
    struct gj_slice message;
    struct gj_slice evidence; /* as a parcel of one message */
};

struct gj_liar {
    struct gj_cluster *cluster;
    struct gj_pack pack;
    struct gj_packs packs;
    char folder[64];
    size_t self; /* GJ_LIAR_NODES: nobody lies yet */
    struct gj_forge forge;
    struct gj_liar_caught caught[GJ_LIAR_CAUGHT_MAX];
    uint32_t n_caught, lost;
    uint8_t *memory;
    struct gj_arena arena; /* of what was caught */
    uint8_t *look_memory;
    struct gj_arena look; /* of what is looked at */
    uint64_t seq;
    unsigned msgids;
    char binding[GJ_REF_MAX + 1]; /* p1 pays for p2 */
    bool deaf;                    /* nothing more is caught, to save room */
};

struct gj_liar *gj_liar_new(void);
/* Asserts that every honest node is up and that its books agree with themselves. */
void gj_liar_free(struct gj_liar **liar_p);
/* By the honest place of care, before the take-over: |payer| pays for |recipient|. */
void gj_liar_bind(struct gj_liar *liar, unsigned payer, const char *payer_region, unsigned recipient,
                  const char *recipient_region, char ret_id[GJ_REF_MAX + 1]);
/* From now on the test is this node; its HELLO of a new epoch was heard by all. */
void gj_liar_take_over(struct gj_liar *liar, size_t node);
/* The liar is another process now: HELLO of |epoch|. */
void gj_liar_hello(struct gj_liar *liar, uint32_t epoch);
const char *gj_liar_name(size_t node);

/* --- saying ---------------------------------------------------------------------------------------------- */
/* One frame on the liar's line; then all honest nodes run for a moment of virtual time. */
void gj_liar_frame(struct gj_liar *liar, size_t to, struct gj_slice frame);
void gj_liar_say(struct gj_liar *liar, size_t to, enum gj_kind kind, const struct gj_txid *tx,
                 const void *body);
/* The same, as the answer to the latest caught message of |asked| kind from |to|. */
void gj_liar_answer(struct gj_liar *liar, size_t to, enum gj_kind asked, enum gj_kind kind, const void *body);
/* A message with a field that no schema knows, of |padding| bytes: what may be ignored, but is signed with it. */
struct gj_slice gj_liar_padded(struct gj_liar *liar, enum gj_kind kind, const char *to,
                               const struct gj_txid *tx, const void *body, size_t padding);
struct gj_slice gj_liar_parcel(struct gj_liar *liar, const struct gj_slice *messages, uint32_t n);
void gj_liar_run(struct gj_liar *liar, int64_t ms);
/* Runs until a message of that kind of that node was caught; asserted. */
void gj_liar_await(struct gj_liar *liar, size_t from, enum gj_kind kind);

/* --- hearing ------------------------------------------------------------------------------------------------ */
uint32_t gj_liar_count(const struct gj_liar *liar, size_t from, enum gj_kind kind);
/* The latest, decoded; NULL if there is none. |ret| may be NULL. */
const void *gj_liar_latest(struct gj_liar *liar, size_t from, enum gj_kind kind, struct gj_message *ret);
const struct gj_liar_caught *gj_liar_latest_caught(const struct gj_liar *liar, size_t from,
                                                   enum gj_kind kind);
void gj_liar_forget(struct gj_liar *liar);

/* --- transactions of the liar's making --------------------------------------------------------------------------- */
struct gj_liar_tx {
    struct gj_txid txid;
    struct gj_core core;
    struct gj_core_leg legs[GJ_LEGS_MAX];
    struct gj_node_ref participants[GJ_PARTICIPANTS_MAX];
    struct gj_leg_detail details[GJ_LEGS_MAX];
    struct gj_leg_part parts[GJ_LEGS_MAX];
    struct gj_superseded supersedes[GJ_SUPERSEDES_MAX];
    uint32_t n_supersedes;
    struct gj_slice plan, original, core_bytes;
    struct gj_digest digest;
    size_t core_padding;
};
/* Coordinated by the liar under a biz key of its own; no participants and no legs yet. */
void gj_liar_tx_init(struct gj_liar *liar, struct gj_liar_tx *tx, const char *kind);
void gj_liar_tx_lists(struct gj_liar_tx *tx, size_t node);
struct gj_leg_detail *gj_liar_tx_leg(struct gj_liar_tx *tx, const char *type, size_t node, const char *from,
                                     const char *to, int64_t amount_fen);
/* p1's money for p2, paid at the liar's hospital; p2's own; the home's record of both. */
struct gj_leg_detail *gj_liar_tx_draw(struct gj_liar *liar, struct gj_liar_tx *tx, int64_t amount_fen);
struct gj_leg_detail *gj_liar_tx_own(struct gj_liar_tx *tx, int64_t amount_fen);
struct gj_leg_detail *gj_liar_tx_consume(struct gj_liar_tx *tx, int64_t own_fen, int64_t relatives_fen);
/* Core bytes, digests. After the last change. */
void gj_liar_tx_seal(struct gj_liar *liar, struct gj_liar_tx *tx);
/* CORE and LEGS in one parcel; the details of |to|'s legs, or of all. */
void gj_liar_prepare(struct gj_liar *liar, const struct gj_liar_tx *tx, size_t to, bool all_details);
/* A settlement of p2 by the home's own plan: 50 yuan of his own and |relatives_fen| of p1. Planned, sealed. */
void gj_liar_plan(struct gj_liar *liar, int64_t payable_fen, struct gj_slice *ret_evidence);
void gj_liar_settlement(struct gj_liar *liar, struct gj_liar_tx *tx, int64_t relatives_fen);
/* The latest vote about it; NULL: none. */
const struct gj_vote *gj_liar_vote(struct gj_liar *liar, size_t from, const struct gj_liar_tx *tx);
/* Asserts on it. */
void gj_liar_expect_yes(struct gj_liar *liar, size_t from, const struct gj_liar_tx *tx);
void gj_liar_expect_no(struct gj_liar *liar, size_t from, const struct gj_liar_tx *tx, const char *code);
/* The certificate out of the votes that were caught; sends it to every participant. */
void gj_liar_certificate(struct gj_liar *liar, const struct gj_liar_tx *tx, struct gj_commit *ret);
void gj_liar_commit(struct gj_liar *liar, const struct gj_liar_tx *tx);
void gj_liar_abort(struct gj_liar *liar, const struct gj_liar_tx *tx, size_t to);

/* --- looking -------------------------------------------------------------------------------------------------------- */
/* "" if there is no row. */
const char *gj_liar_part_state(struct gj_liar *liar, size_t node, const struct gj_txid *txid);
int64_t gj_liar_balance(struct gj_liar *liar, size_t node, const char *account);
int64_t gj_liar_held(struct gj_liar *liar, size_t node, const char *account);
uint64_t gj_liar_events(const struct gj_liar *liar, size_t node, enum gj_event_code code);
/* "open", "resync", ... */
const char *gj_liar_state(struct gj_liar *liar, size_t node);
uint64_t gj_liar_rows(struct gj_liar *liar, size_t node, const struct gj_table *table);
/* A bill of p2 at the hospital, for a client of CARE. */
void gj_liar_bill(struct gj_liar *liar, struct gj_req_bill *ret, int64_t payable_fen);
void gj_liar_person(unsigned number, const char *region, struct gj_req_person *ret);

#endif

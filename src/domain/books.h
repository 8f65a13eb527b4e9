/* SPDX-License-Identifier: Apache-2.0
 *
 * Where the two halves of the domain meet. The books answer for people insured at this node; the desk
 * asks them here directly when the person is ours, and by message when not. The same functions answer
 * both, so that a local and a remote payer cannot be treated differently.
 */
#ifndef GJ_DOMAIN_BOOKS_H
#define GJ_DOMAIN_BOOKS_H

#include "domain/domain.h"
#include "domain/tables.h"
#include "wire/certno.h"

/* What the books need of the domain. */
struct gj_books {
    const struct gj_directory *directory;
    const struct gj_packs *packs;
};

/* Where a posting can go: every account of the ledger is a text.
 *   "P/<person_ref>/prior"      a personal account's sub-account (prior, current, mutual, suspense)
 *   "I/<fixmedins_code>"        what this node's region owes an institution
 *   "R/<from_region>/<to_region>" between regions: at the payer's node what is owed, at the place of
 *                               care what is receivable; zero-sum over both ends
 *   "D/<region>"                what the region gave (or holds) where an account could not: see adopt.c
 *   "X/opening"                 where balances came from when they were loaded
 * Positive is what the account's owner has; every journal entry sums to zero. */

/* --- answers about people insured here: each fills ret wholly and never fails --------------------------- */
/* A verification; with a role, also the rules of a binding that this side can judge (R1-R16, R20-R22). */
void gj_books_verify(const struct gj_books *books, struct gj_turn *turn, const struct gj_verify *ask,
                     struct gj_verified *ret);
/* The home's part of a plan: own accounts, draw mode, the ordered sources; those hosted here evaluated.
 * Lists live in turn->scratch. R41, R2, R3, R83 are judged here; R74 and the uses by the patient's pack. */
void gj_books_plan(const struct gj_books *books, struct gj_turn *turn, const struct gj_plan_ask *ask,
                   struct gj_plan_answer *ret);
/* "Up to ask->amount for this use, under this binding?" R1, R9, R3, R23, R24, R49, R50, R51. */
void gj_books_cover(const struct gj_books *books, struct gj_turn *turn, const struct gj_cover_ask *ask,
                    struct gj_cover_answer *ret);

/* --- legs of transactions: the account side of gj_app_ops, for legs of this node -------------------------- */
bool gj_books_hold(const struct gj_books *books, struct gj_turn *turn, const struct gj_tx_view *tx,
                   struct gj_refusal *ret_no, struct gj_leg_fact *ret_facts, uint32_t *ret_n_facts);
void gj_books_post(const struct gj_books *books, struct gj_turn *turn, const struct gj_tx_view *tx);
void gj_books_release(const struct gj_books *books, struct gj_turn *turn, const struct gj_tx_view *tx);
/* A commit for which nothing is held, and a commit that never was: gj_app_ops, adopt and undo. */
int64_t gj_books_adopt(const struct gj_books *books, struct gj_turn *turn, const struct gj_tx_view *tx,
                       const struct gj_vote_facts *facts);
int64_t gj_books_undo(const struct gj_books *books, struct gj_turn *turn, const struct gj_tx_view *tx,
                      const struct gj_vote_facts *facts);
/* The holds of our own YES, which this store had forgotten: gj_app_ops, rehold. */
bool gj_books_rehold(const struct gj_books *books, struct gj_turn *turn, const struct gj_tx_view *tx,
                     const struct gj_vote_facts *facts, int64_t *ret_fen);
/* Would it be adopted without a difference: gj_app_ops, covers. */
bool gj_books_covers(const struct gj_books *books, struct gj_turn *turn, const struct gj_tx_view *tx);
/* Of the bindings that ended, the next one after |ret->binding_ref| that is |node|'s business too. */
bool gj_books_ended_binding(const struct gj_books *books, struct gj_turn *turn, const char *node,
                            struct gj_revoke *ret, struct gj_txid *ret_txid);

/* --- what only the coordinator books: its institution is owed what the legs bring -------------------------- */
/* Credits "I/<institution>" with the legs of a committed settle (or takes back those of a refund), each against
 * "R/<payer's region>/<place of care>", legs within one region too: one rule serves all. */
void gj_books_post_destination(const struct gj_books *books, struct gj_turn *turn, const struct gj_core *core,
                               const char *institution, const char *setl_id);

/* --- bindings ---------------------------------------------------------------------------------------------- */
/* This node's copy (payer's side, recipient's side, or both); false if there is none. */
bool gj_books_binding(struct gj_turn *turn, const char *binding_id, struct gj_ans_binding *ret);
/* Ends it here, at once; true if it was active. |by| payer or recipient. Nothing that is prepared is touched. */
bool gj_books_end_binding(struct gj_turn *turn, const char *binding_id, const char *by, gj_date date);
/* The other home of a binding that has one side here ("" if both sides are here or none). */
void gj_books_other_node(const struct gj_books *books, struct gj_turn *turn, const char *binding_id,
                         char ret_node[GJ_NODE_MAX + 1]);
/* Sets the recipient's order: exactly his active bindings, each once. GJ_ERR_PERSON_UNKNOWN, GJ_ERR_BAD_FIELD. */
GJ_MUST_USE enum gj_err gj_books_set_order(const struct gj_books *books, struct gj_turn *turn,
                                           const struct gj_person *recipient, const char *region,
                                           const struct gj_binding_item *order, uint32_t n);

/* --- loading and checking ------------------------------------------------------------------------------------ */
/* One line of a people file, identity numbers already turned into tokens and sealed by the caller. */
struct gj_person_in {
    char person_ref[GJ_REF_MAX + 1]; /* psn_no */
    uint8_t token[GJ_HASH_BYTES];    /* gj_person_token() of type and number */
    uint8_t name_token[GJ_HASH_BYTES];
    struct gj_slice sealed;            /* number and name, sealed; kept as it is */
    char masked[GJ_CERTNO_MAX + 1];    /* first 3, last 4 */
    char name_masked[GJ_NAME_MAX + 1]; /* first character and ** */
    char card_no[GJ_CERTNO_MAX + 1];   /* social security card, may be "" */
    char region[GJ_REGION_MAX + 1];
    char insutype[4];
    char psn_type[5];
    char psn_insu_stas[2];
    char account_status[GJ_WORD_MAX + 1]; /* normal, frozen, pending_liquidation, liquidated */
    bool has_account;
    int64_t prior_fen, current_fen;
};
/* Inserts a person with an opening entry per balance. GJ_ERR_CONFLICT if the ref or (token, region) exists. */
GJ_MUST_USE enum gj_err gj_books_add_person(struct gj_turn *turn, const struct gj_person_in *in);
/* Institutions of this node's regions. */
GJ_MUST_USE enum gj_err gj_books_add_institution(struct gj_turn *turn, const char *code, const char *name,
                                                 gj_date open_from, gj_date open_to);
/* GJ_OK if |code| is designated and open on |date|, else GJ_ERR_INSTITUTION. */
enum gj_err gj_books_check_institution(struct gj_turn *turn, const char *code, gj_date date);

/* Keyed tokens: what the store knows an identity number and a name by. Trimmed, x to X. */
void gj_person_token(const struct gj_hasher *hasher, const char *psn_cert_type, const char *certno,
                     uint8_t ret[GJ_HASH_BYTES]);
void gj_name_token(const struct gj_hasher *hasher, const char *psn_name, uint8_t ret[GJ_HASH_BYTES]);
/* A card proves presence (R41), so its number is a credential: hexadecimal of a token, "" for no card. */
void gj_card_token(const struct gj_hasher *hasher, const char *card_no, char ret[GJ_CARD_TOKEN_MAX + 1]);
void gj_certno_mask(const char *certno, char dst[GJ_CERTNO_MAX + 1]);
void gj_name_mask(const char *psn_name, char dst[GJ_NAME_MAX + 1]);

/* The books' own proof: balances equal the journal, holds equal the held sums, the ledger sums to zero,
 * nothing available is negative. Calls |report| once per difference; returns their number. */
struct gj_books_totals {
    uint64_t accounts, entries, holds;
    int64_t personal_fen, institutions_fen, regions_fen, external_fen, held_fen;
};
uint64_t gj_books_check(struct gj_turn *turn, struct gj_books_totals *ret,
                        void (*report)(void *ctx, const char *account, const char *what), void *report_ctx);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * Private to the books: which packs are in force, how persons, sources and bindings are judged, and the
 * ledger's verbs. Nothing outside src/domain includes it.
 */
#ifndef GJ_DOMAIN_JUDGE_H
#define GJ_DOMAIN_JUDGE_H

#include "domain/books.h"

#define GJ_ACCOUNT_MAX    GJ_REF_MAX
#define GJ_PERSON_REF_MAX 30 /* psn_no; "P/<ref>/suspense" must fit GJ_ACCOUNT_MAX */
#define GJ_SIDE_PAYER     "payer"
#define GJ_SIDE_RECIPIENT "recipient"

/* --- packs in force (pack.c) ----------------------------------------------------------------------- */
/* What |region| allows towards another region. Across provinces the pack of that scope comes first and the
 * local pack can only narrow it, so a rule must hold in every pack of the list. */
struct gj_rules {
    char region[GJ_REGION_MAX + 1];
    const struct gj_pack *packs[2];
    uint32_t n;
};
void gj_rules_find(const struct gj_packs *packs, const char *region, const char *other_region, gj_date date,
                   struct gj_rules *ret);
/* The first pack that does not allow it, or NULL. */
const struct gj_pack *gj_rules_refuse_use(const struct gj_rules *rules, enum gj_use use);
const struct gj_pack *gj_rules_refuse_reach(const struct gj_rules *rules, const char *other_region,
                                            const char **ret_rule);
/* The rule to name when no pack is in force at all. */
const char *gj_rules_none(const struct gj_rules *rules, const char *other_region);
/* All zero for a NULL pack. */
void gj_pack_ref_of(const struct gj_pack *pack, const char *region, struct gj_pack_ref *ret);

/* --- people (people.c) ------------------------------------------------------------------------------- */
bool gj_person_get(struct gj_turn *turn, const char *person_ref, struct gj_person_row *ret);
/* By number, region and name; a wrong name finds nobody. */
bool gj_person_find(struct gj_turn *turn, const struct gj_person *who, const char *region,
                    struct gj_person_row *ret);
bool gj_person_is_enrolled(const struct gj_person_row *person);    /* R2: basic insurance, normal or lapsed */
bool gj_person_is_normal(const struct gj_person_row *person);      /* R3 */
bool gj_person_may_contribute(const struct gj_person_row *person); /* R1 */
/* R4: a normal enrolment in more than one of this node's regions. */
bool gj_person_is_twice_enrolled(struct gj_turn *turn, const struct gj_person_row *person);
/* Trimmed, x to X: the form in which numbers are compared. */
void gj_certno_normal(const char *certno, char dst[GJ_CERTNO_MAX + 1]);
bool gj_region_is_ours(const struct gj_books *books, const char *region);

/* --- a payer as a source (cover.c) --------------------------------------------------------------------- */
struct gj_source_case {
    const struct gj_binding_row *binding; /* the payer's side */
    const char *mdtrtarea;
    enum gj_use use;
    int64_t amount_fen;
    gj_date date;
};
struct gj_source_verdict {
    int64_t cover_fen;
    enum gj_err code;               /* GJ_OK, or why the source gives nothing at all */
    char rule[GJ_RULE_MAX + 1];     /* what refused or shortened it */
    bool is_short;                  /* money is the reason (R49, R50, R51), not a status or a use */
    const struct gj_pack *pack;     /* whose rule it is */
    char region[GJ_REGION_MAX + 1]; /* the payer's */
    char account[GJ_ACCOUNT_MAX + 1];
};
void gj_source_judge(const struct gj_books *books, struct gj_turn *turn, const struct gj_source_case *source,
                     struct gj_source_verdict *ret);

/* --- bindings (verify.c judges, bindings.c keeps) -------------------------------------------------------- */
struct gj_bind_case {
    const char *side;
    const struct gj_person_row *person; /* of that side */
    const char *other_person_ref;       /* "": not known yet */
    const char *relation;
    const char *other_region;
    gj_date date;
};
/* False with |ret_no| for the first rule that does not hold on this side. */
bool gj_bind_judge(const struct gj_books *books, struct gj_turn *turn, const struct gj_bind_case *bind,
                   struct gj_refusal *ret_no);
bool gj_binding_get(struct gj_turn *turn, const char *binding_id, const char *side,
                    struct gj_binding_row *ret);
/* Rows of a person's side in a state; with a relation other than "" only those. Counts to |limit|. */
uint32_t gj_binding_count(struct gj_turn *turn, const char *side, const char *person_ref, const char *state,
                          const char *relation, uint32_t limit);
bool gj_binding_of_pair(struct gj_turn *turn, const char *side, const char *person_ref,
                        const char *other_person_ref, const char *state);
/* A recipient's active bindings in his order, at most GJ_SOURCES_MAX. */
uint32_t gj_binding_order(struct gj_turn *turn, const char *person_ref, struct gj_binding_row **ret);

/* One leg of this node, with what is known of it. */
struct gj_own_leg {
    const struct gj_tx_view *tx;
    uint32_t index;
    const struct gj_core_leg *core;
    const struct gj_leg_detail *detail;
};
bool gj_binding_leg_check(const struct gj_books *books, struct gj_turn *turn, const struct gj_own_leg *leg,
                          const char *side, struct gj_refusal *ret_no);
void gj_binding_leg_hold(struct gj_turn *turn, const struct gj_own_leg *leg, const char *side);
void gj_binding_leg_post(struct gj_turn *turn, const struct gj_own_leg *leg, const char *side);
void gj_binding_leg_release(struct gj_turn *turn, const struct gj_own_leg *leg, const char *side);

/* --- what the legs share (legs.c), and posting without a hold (adopt.c) ------------------------------------- */
bool gj_paid_get(struct gj_turn *turn, const struct gj_leg_detail *detail, struct gj_paid_row *ret);
bool gj_consumption_get(struct gj_turn *turn, const struct gj_leg_detail *detail,
                        struct gj_consumption_row *ret);
bool gj_account_is_gone(struct gj_turn *turn, const char *person_ref);
int64_t gj_legs_sum(const struct gj_core *core);
/* This node's legs among those whose details it was given; their number. */
uint32_t gj_legs_of_ours(const struct gj_books *books, const struct gj_tx_view *tx,
                         struct gj_own_leg ret[GJ_LEGS_MAX]);
void gj_leg_set_hold(struct gj_hold_row *ret, const struct gj_own_leg *leg, const char *account,
                     const char *person_ref, const char *binding_ref, uint64_t year);
/* Where a refund goes: to the account that paid, or to its owner's suspense if our YES had fixed that. |fixed| may be
 * another's word for it. */
const char *gj_refund_account(const struct gj_paid_row *paid, const char *fixed,
                              char suspense[GJ_ACCOUNT_MAX + 1]);
/* "x" of "P/x/prior"; empty for what is no personal account. */
void gj_account_owner(const char *account, char ret[GJ_REF_MAX + 1]);
void gj_leg_post_consume(struct gj_turn *turn, const struct gj_own_leg *leg);
/* Each returns what the region's difference account gave or took. |fixed|: the account that the YES had fixed for
 * a refund's leg, else "". */
typedef int64_t gj_late_fn(struct gj_turn *turn, const struct gj_own_leg *leg, const char *fixed);
gj_late_fn gj_adopt_draw, gj_adopt_consume, gj_adopt_refund, gj_adopt_unconsume, gj_adopt_binding;
gj_late_fn gj_undo_draw, gj_undo_consume, gj_undo_refund, gj_undo_unconsume, gj_undo_binding;

/* --- the home (home_plan.c) -------------------------------------------------------------------------------- */
/* May this person's own account pay now? R82: not unless its status is normal. */
bool gj_home_own_account_is_open(const struct gj_person_row *person);
/* The home's judgement of a whole settlement at PREPARE: order, mode and sources against the plan that it
 * signed, enrolment and sums as they are now. */
bool gj_home_check_settlement(const struct gj_books *books, struct gj_turn *turn,
                              const struct gj_own_leg *consume, struct gj_refusal *ret_no);

/* --- ledger (ledger.c) --------------------------------------------------------------------------------------- */
void gj_account_of_person(char dst[GJ_ACCOUNT_MAX + 1], const char *person_ref, enum gj_sub sub);
void gj_account_between(char dst[GJ_ACCOUNT_MAX + 1], const char *from_region, const char *to_region);
void gj_account_of_differences(char dst[GJ_ACCOUNT_MAX + 1], const char *region);
int64_t gj_ledger_available(struct gj_turn *turn, const char *account);
/* Adds to what is held of an account; negative gives back. */
void gj_ledger_hold(struct gj_turn *turn, const char *account, int64_t amount_fen);
/* One entry: |from| gives |amount_fen| to |to|. Of it, |instead_fen| is given by |instead_of_from|, or goes to
 * |instead_of_to|: one of the two at most, in a third line. */
struct gj_entry {
    char id[GJ_ENTRY_MAX + 1];
    const char *kind;
    gj_date date;
    struct gj_txid txid;
    uint64_t leg;
    const char *from, *to;
    int64_t amount_fen;
    const char *instead_of_from, *instead_of_to; /* NULL: nobody */
    int64_t instead_fen;
};
void gj_ledger_post(struct gj_turn *turn, const struct gj_entry *entry);
/* "<txid>#<leg><suffix>" */
void gj_entry_id(char dst[GJ_ENTRY_MAX + 1], const struct gj_txid *txid, uint64_t leg, const char *suffix);
int64_t gj_usage_get(struct gj_turn *turn, const char *person_ref, uint64_t year);
void gj_usage_add(struct gj_turn *turn, const char *person_ref, uint64_t year, int64_t amount_fen);
uint64_t gj_year_of(gj_date date);

/* --- refusals -------------------------------------------------------------------------------------------------- */
/* Fills |ret_no| and returns false, so that a check can end with it. */
bool gj_refuse(struct gj_refusal *ret_no, enum gj_vote_class class, enum gj_err code, const char *rule);
/* Asserts |found| unless the store has failed: a failing store finds nothing and its batch is rolled back. */
void gj_must_find(const struct gj_turn *turn, bool found);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * A hold that this store had forgotten: we said YES under our signature, so the money is promised and nothing is
 * judged again. What the account no longer has, the region's difference account gives, and that sum is returned, for
 * people to settle. It must never leave a hold that posting could not find again: all legs or none.
 */
#include "domain/books/judge.h"

#include "base/money.h"

#include <string.h>

/* The record that a leg rests on. */
static bool is_grounded(struct gj_turn *turn, const struct gj_own_leg *leg) {
    struct gj_paid_row paid;
    struct gj_consumption_row consumption;
    if (gj_text_equal(leg->detail->type, "refund")) return gj_paid_get(turn, leg->detail, &paid);
    if (gj_text_equal(leg->detail->type, "unconsume"))
        return gj_consumption_get(turn, leg->detail, &consumption);
    return true;
}

static bool is_covered(struct gj_turn *turn, const struct gj_own_leg *leg) {
    const int64_t amount_fen = leg->core->amount;
    struct gj_paid_row paid;
    if (gj_text_equal(leg->detail->type, "draw"))
        return gj_ledger_available(turn, leg->detail->account) >= amount_fen;
    if (!gj_text_equal(leg->detail->type, "refund")) return true;
    return gj_paid_get(turn, leg->detail, &paid) &&
           paid.amount_fen - paid.refunded_fen - paid.refund_prepared_fen >= amount_fen;
}

bool gj_books_covers(const struct gj_books *books, struct gj_turn *turn, const struct gj_tx_view *tx) {
    struct gj_own_leg legs[GJ_LEGS_MAX];
    uint32_t n = gj_legs_of_ours(books, tx, legs);
    for (uint32_t i = 0; i < n; i++) {
        if (!is_covered(turn, &legs[i])) return false;
    }
    return true;
}

/* So that the account can hold it: the region lends what is not there. */
static int64_t lend(struct gj_turn *turn, const struct gj_own_leg *leg) {
    const struct gj_core *core = leg->tx->core;
    char difference[GJ_ACCOUNT_MAX + 1];
    int64_t missing = leg->core->amount - gj_fen_max(0, gj_ledger_available(turn, leg->detail->account));
    if (missing <= 0) return 0;
    gj_account_of_differences(difference, leg->core->from_region);
    struct gj_entry entry = {.kind = core->kind,
                             .date = core->business_date,
                             .txid = core->txid,
                             .leg = leg->index,
                             .from = difference,
                             .to = leg->detail->account,
                             .amount_fen = missing};
    gj_entry_id(entry.id, &core->txid, leg->index, "l");
    gj_ledger_post(turn, &entry);
    return missing;
}

static int64_t rehold_draw(struct gj_turn *turn, const struct gj_own_leg *leg) {
    const struct gj_leg_detail *detail = leg->detail;
    const uint64_t year = gj_year_of(leg->tx->core->business_date);
    char owner[GJ_REF_MAX + 1];
    struct gj_hold_row hold;
    int64_t lent = lend(turn, leg);
    gj_account_owner(detail->account, owner);
    gj_leg_set_hold(&hold, leg, detail->account, owner, detail->binding_ref, year);
    gj_store_put(turn->store, &gj_table_hold, &hold);
    gj_ledger_hold(turn, hold.account, hold.amount_fen);
    if (hold.binding_ref[0] != '\0') gj_usage_add(turn, owner, year, hold.amount_fen);
    return lent;
}

static void rehold_refund(struct gj_turn *turn, const struct gj_own_leg *leg, const char *fixed) {
    char suspense[GJ_ACCOUNT_MAX + 1];
    struct gj_paid_row paid;
    struct gj_hold_row hold;
    if (!gj_paid_get(turn, leg->detail, &paid)) return;
    gj_leg_set_hold(&hold, leg, gj_refund_account(&paid, fixed, suspense), paid.person_ref, paid.binding_ref,
                    gj_year_of(paid.date));
    paid.refund_prepared_fen += hold.amount_fen;
    gj_store_put(turn->store, &gj_table_paid, &paid);
    gj_store_put(turn->store, &gj_table_hold, &hold);
}

static void rehold_unconsume(struct gj_turn *turn, const struct gj_own_leg *leg) {
    struct gj_consumption_row row;
    if (!gj_consumption_get(turn, leg->detail, &row)) return;
    row.refund_prepared_fen += gj_legs_sum(leg->tx->core);
    gj_store_put(turn->store, &gj_table_consumption, &row);
}

static void rehold_side(struct gj_turn *turn, const struct gj_own_leg *leg) {
    const char *side = leg->detail->type;
    struct gj_binding_row row;
    bool is_side = gj_text_equal(side, GJ_SIDE_PAYER) || gj_text_equal(side, GJ_SIDE_RECIPIENT);
    if (is_side && !gj_binding_get(turn, leg->detail->binding_ref, side, &row))
        gj_binding_leg_hold(turn, leg, side);
}

static const char *fact_of(const struct gj_vote_facts *facts, uint32_t leg) {
    for (uint32_t i = 0; i < facts->n_facts; i++) {
        if (facts->facts[i].leg == leg) return facts->facts[i].account;
    }
    return "";
}

bool gj_books_rehold(const struct gj_books *books, struct gj_turn *turn, const struct gj_tx_view *tx,
                     const struct gj_vote_facts *facts, int64_t *ret_fen) {
    struct gj_own_leg legs[GJ_LEGS_MAX];
    uint32_t n = gj_legs_of_ours(books, tx, legs);
    *ret_fen = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (!is_grounded(turn, &legs[i])) return false;
    }
    for (uint32_t i = 0; i < n; i++) {
        const char *type = legs[i].detail->type;
        if (gj_text_equal(type, "draw")) *ret_fen += rehold_draw(turn, &legs[i]);
        if (gj_text_equal(type, "refund")) rehold_refund(turn, &legs[i], fact_of(facts, legs[i].index));
        if (gj_text_equal(type, "unconsume")) rehold_unconsume(turn, &legs[i]);
        rehold_side(turn, &legs[i]);
    }
    return true;
}

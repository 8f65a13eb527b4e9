/* SPDX-License-Identifier: Apache-2.0
 *
 * Posting without a hold, and undoing what was posted: what is left to do when the truth about a transaction
 * comes after people had decided by hand, or after a store had forgotten it. Nothing here may fail or judge: the
 * other end of each leg is booked already. What an account no longer has, the region's difference account gives,
 * and the sum of that is returned, for people to settle. The journal is only added to.
 */
#include "domain/books/judge.h"

#include "base/money.h"

#include <string.h>

void gj_account_owner(const char *account, char ret[GJ_REF_MAX + 1]) {
    const char *end = strrchr(account, '/');
    ret[0] = '\0';
    if (strncmp(account, "P/", 2) != 0 || end < account + 2) return;
    size_t len = (size_t)(end - account) - 2;
    memcpy(ret, account + 2, len);
    ret[len] = '\0';
}

static int64_t covered(struct gj_turn *turn, const char *account, int64_t wanted_fen) {
    return gj_fen_max(0, gj_fen_min(wanted_fen, gj_ledger_available(turn, account)));
}

/* What the entries below have in common. |mirror|: of our own day, told apart from what it undoes. */
static struct gj_entry entry_of(const struct gj_turn *turn, const struct gj_own_leg *leg, bool mirror) {
    const struct gj_core *core = leg->tx->core;
    struct gj_entry entry = {.kind = mirror ? "mirror" : core->kind,
                             .date = mirror ? gj_date_of(turn->now.wall) : core->business_date,
                             .txid = core->txid,
                             .leg = leg->index,
                             .amount_fen = leg->core->amount};
    gj_entry_id(entry.id, &core->txid, leg->index, mirror ? "m" : "");
    return entry;
}

/* --- draws ---------------------------------------------------------------------------------------------- */

int64_t gj_adopt_draw(struct gj_turn *turn, const struct gj_own_leg *leg, const char *fixed) {
    const struct gj_leg_detail *detail = leg->detail;
    const struct gj_core *core = leg->tx->core;
    char between[GJ_ACCOUNT_MAX + 1], difference[GJ_ACCOUNT_MAX + 1];
    struct gj_entry entry = entry_of(turn, leg, false);
    struct gj_paid_row paid = {
        .txid = core->txid, .leg = leg->index, .amount_fen = leg->core->amount, .date = core->business_date};
    (void)fixed;
    gj_account_between(between, leg->core->from_region, leg->core->to_region);
    gj_account_of_differences(difference, leg->core->from_region);
    entry.from = detail->account;
    entry.to = between;
    entry.instead_of_from = difference;
    entry.instead_fen = entry.amount_fen - covered(turn, detail->account, entry.amount_fen);
    gj_ledger_post(turn, &entry);
    gj_text_set(paid.account, sizeof(paid.account), detail->account);
    gj_account_owner(detail->account, paid.person_ref);
    gj_text_set(paid.binding_ref, sizeof(paid.binding_ref), detail->binding_ref);
    gj_text_set(paid.from_region, sizeof(paid.from_region), leg->core->from_region);
    gj_text_set(paid.to_region, sizeof(paid.to_region), leg->core->to_region);
    gj_store_put(turn->store, &gj_table_paid, &paid);
    if (paid.binding_ref[0] != '\0')
        gj_usage_add(turn, paid.person_ref, gj_year_of(paid.date), paid.amount_fen);
    return entry.instead_fen;
}

/* Whoever has left since finds it in his suspense account, as with a refund. */
static void put_back(struct gj_turn *turn, const struct gj_paid_row *paid, char ret[GJ_ACCOUNT_MAX + 1]) {
    gj_text_set(ret, GJ_ACCOUNT_MAX + 1, paid->account);
    if (gj_account_is_gone(turn, paid->person_ref))
        gj_account_of_person(ret, paid->person_ref, GJ_SUB_SUSPENSE);
}

int64_t gj_undo_draw(struct gj_turn *turn, const struct gj_own_leg *leg, const char *fixed) {
    struct gj_paid_row paid = {.txid = leg->tx->core->txid, .leg = leg->index};
    char between[GJ_ACCOUNT_MAX + 1], account[GJ_ACCOUNT_MAX + 1];
    struct gj_entry entry = entry_of(turn, leg, true);
    (void)fixed;
    bool found = gj_store_get(turn->store, &gj_table_paid, &paid, turn->scratch);
    gj_must_find(turn, found);
    if (!found) return 0;
    gj_account_between(between, paid.from_region, paid.to_region);
    put_back(turn, &paid, account);
    entry.from = between;
    entry.to = account;
    gj_ledger_post(turn, &entry);
    if (paid.binding_ref[0] != '\0')
        gj_usage_add(turn, paid.person_ref, gj_year_of(paid.date), paid.refunded_fen - paid.amount_fen);
    paid.refunded_fen = paid.amount_fen; /* nothing of it can be refunded any more */
    gj_store_put(turn->store, &gj_table_paid, &paid);
    return 0;
}

/* --- refunds -------------------------------------------------------------------------------------------- */

const char *gj_refund_account(const struct gj_paid_row *paid, const char *fixed,
                              char suspense[GJ_ACCOUNT_MAX + 1]) {
    gj_account_of_person(suspense, paid->person_ref, GJ_SUB_SUSPENSE);
    return gj_text_equal(fixed, suspense) ? suspense : paid->account;
}

/* Above what is left of the original the money has come back and is nobody's: people find out whose. */
int64_t gj_adopt_refund(struct gj_turn *turn, const struct gj_own_leg *leg, const char *fixed) {
    struct gj_paid_row paid;
    char suspense[GJ_ACCOUNT_MAX + 1];
    char between[GJ_ACCOUNT_MAX + 1], difference[GJ_ACCOUNT_MAX + 1];
    struct gj_entry entry = entry_of(turn, leg, false);
    bool found = gj_paid_get(turn, leg->detail, &paid);
    int64_t room = found ? paid.amount_fen - paid.refunded_fen - paid.refund_prepared_fen : 0;
    int64_t taken = gj_fen_max(0, gj_fen_min(entry.amount_fen, room));
    gj_account_between(between, leg->core->to_region, leg->core->from_region);
    gj_account_of_differences(difference, leg->core->to_region);
    entry.from = between;
    entry.to = found ? gj_refund_account(&paid, fixed, suspense) : leg->detail->account;
    entry.instead_of_to = difference;
    entry.instead_fen = entry.amount_fen - taken;
    gj_ledger_post(turn, &entry);
    if (taken > 0) {
        paid.refunded_fen += taken;
        gj_store_put(turn->store, &gj_table_paid, &paid);
        if (paid.binding_ref[0] != '\0') gj_usage_add(turn, paid.person_ref, gj_year_of(paid.date), -taken);
    }
    return entry.instead_fen;
}

/* What the account has spent of it since, the region gives. */
int64_t gj_undo_refund(struct gj_turn *turn, const struct gj_own_leg *leg, const char *fixed) {
    struct gj_paid_row paid;
    char between[GJ_ACCOUNT_MAX + 1], difference[GJ_ACCOUNT_MAX + 1];
    struct gj_entry entry = entry_of(turn, leg, true);
    bool found = gj_paid_get(turn, leg->detail, &paid);
    gj_must_find(turn, found);
    if (!found) return 0;
    gj_account_between(between, paid.from_region, paid.to_region);
    gj_account_of_differences(difference, paid.from_region);
    entry.from = fixed[0] != '\0' ? fixed : paid.account;
    entry.to = between;
    entry.instead_of_from = difference;
    entry.instead_fen = entry.amount_fen - covered(turn, entry.from, entry.amount_fen);
    gj_ledger_post(turn, &entry);
    paid.refunded_fen -= entry.amount_fen;
    gj_store_put(turn->store, &gj_table_paid, &paid);
    if (paid.binding_ref[0] != '\0')
        gj_usage_add(turn, paid.person_ref, gj_year_of(paid.date), entry.amount_fen);
    return entry.instead_fen;
}

/* --- the home's record ------------------------------------------------------------------------------------ */

int64_t gj_adopt_consume(struct gj_turn *turn, const struct gj_own_leg *leg, const char *fixed) {
    (void)fixed;
    gj_leg_post_consume(turn, leg);
    return 0;
}

int64_t gj_undo_consume(struct gj_turn *turn, const struct gj_own_leg *leg, const char *fixed) {
    struct gj_consumption_row row = {.txid = leg->tx->core->txid};
    (void)fixed;
    bool found = gj_store_get(turn->store, &gj_table_consumption, &row, turn->scratch);
    gj_must_find(turn, found);
    if (!found) return 0;
    row.refunded_fen = row.acct_pay;
    gj_store_put(turn->store, &gj_table_consumption, &row);
    return 0;
}

static void change_refunded(struct gj_turn *turn, const struct gj_own_leg *leg, int sign) {
    struct gj_consumption_row row;
    if (!gj_consumption_get(turn, leg->detail, &row)) return; /* of a store that lost the original too */
    int64_t room = row.acct_pay - row.refund_prepared_fen;
    int64_t refunded = row.refunded_fen + sign * gj_legs_sum(leg->tx->core);
    row.refunded_fen = gj_fen_max(0, gj_fen_min(refunded, room));
    gj_store_put(turn->store, &gj_table_consumption, &row);
}

int64_t gj_adopt_unconsume(struct gj_turn *turn, const struct gj_own_leg *leg, const char *fixed) {
    (void)fixed;
    change_refunded(turn, leg, 1);
    return 0;
}

int64_t gj_undo_unconsume(struct gj_turn *turn, const struct gj_own_leg *leg, const char *fixed) {
    (void)fixed;
    change_refunded(turn, leg, -1);
    return 0;
}

/* --- bindings --------------------------------------------------------------------------------------------- */

/* One that is there already, active or ended, is newer knowledge: a person may have ended it meanwhile. */
int64_t gj_adopt_binding(struct gj_turn *turn, const struct gj_own_leg *leg, const char *fixed) {
    struct gj_binding_row row;
    (void)fixed;
    if (gj_binding_get(turn, leg->detail->binding_ref, leg->detail->type, &row)) return 0;
    gj_binding_leg_hold(turn, leg, leg->detail->type);
    gj_binding_leg_post(turn, leg, leg->detail->type);
    return 0;
}

int64_t gj_undo_binding(struct gj_turn *turn, const struct gj_own_leg *leg, const char *fixed) {
    (void)fixed;
    (void)gj_books_end_binding(turn, leg->detail->binding_ref, leg->detail->type, gj_date_of(turn->now.wall));
    return 0;
}

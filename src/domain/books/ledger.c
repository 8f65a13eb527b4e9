/* SPDX-License-Identifier: Apache-2.0
 *
 * The ledger: accounts, what is held of them, the journal. An entry has two lines, or a third where somebody stands
 * in for one side; they sum to zero and are never changed. Nothing here judges a rule, and nothing here may refuse:
 * whoever posts has a hold, or the truth on his side.
 */
#include "domain/books/judge.h"

#include "base/check.h"
#include "base/money.h"

#include <string.h>

bool gj_refuse(struct gj_refusal *ret_no, enum gj_vote_class class, enum gj_err code, const char *rule) {
    *ret_no = (struct gj_refusal){.class = class, .code = code};
    gj_text_set(ret_no->rule, sizeof(ret_no->rule), rule);
    return false;
}

void gj_must_find(const struct gj_turn *turn, bool found) {
    GJ_ASSERT(found || gj_store_err(turn->store) != GJ_OK);
}

uint64_t gj_year_of(gj_date date) {
    return (uint64_t)(date / 10000);
}

/* --- names -------------------------------------------------------------------------------------------- */
static void join(char *dst, size_t cap, const char *const *parts, size_t n) {
    size_t used = 0;
    for (size_t i = 0; i < n; i++) {
        size_t len = strlen(parts[i]);
        GJ_ASSERT(len < cap - used);
        memcpy(dst + used, parts[i], len);
        used += len;
    }
    dst[used] = '\0';
}

void gj_account_of_person(char dst[GJ_ACCOUNT_MAX + 1], const char *person_ref, enum gj_sub sub) {
    const char *parts[] = {"P/", person_ref, "/", gj_sub_word(sub)};
    join(dst, GJ_ACCOUNT_MAX + 1, parts, 4);
}

void gj_account_between(char dst[GJ_ACCOUNT_MAX + 1], const char *from_region, const char *to_region) {
    const char *parts[] = {"R/", from_region, "/", to_region};
    join(dst, GJ_ACCOUNT_MAX + 1, parts, 4);
}

void gj_account_of_differences(char dst[GJ_ACCOUNT_MAX + 1], const char *region) {
    const char *parts[] = {"D/", region};
    join(dst, GJ_ACCOUNT_MAX + 1, parts, 2);
}

void gj_entry_id(char dst[GJ_ENTRY_MAX + 1], const struct gj_txid *txid, uint64_t leg, const char *suffix) {
    GJ_ASSERT(leg <= GJ_LEGS_MAX);
    char text[GJ_TXID_TEXT_CAP];
    char number[3] = {(char)('0' + leg / 10), (char)('0' + leg % 10), '\0'};
    const char *parts[] = {gj_txid_format(text, txid), "#", number, suffix};
    join(dst, GJ_ENTRY_MAX + 1, parts, 4);
}

/* --- accounts ------------------------------------------------------------------------------------------ */
/* A missing account is an empty one: it is written with its first posting. */
static void load(struct gj_turn *turn, const char *account, struct gj_account_row *ret) {
    *ret = (struct gj_account_row){.balance_fen = 0};
    gj_text_set(ret->account, sizeof(ret->account), account);
    if (gj_store_get(turn->store, &gj_table_account, ret, turn->scratch)) return;
    *ret = (struct gj_account_row){.balance_fen = 0};
    gj_text_set(ret->account, sizeof(ret->account), account);
}

static int64_t sum(int64_t a, int64_t b) {
    int64_t ret = 0;
    enum gj_err err = gj_fen_add(a, b, &ret);
    GJ_ASSERT(err == GJ_OK);
    return ret;
}

int64_t gj_ledger_available(struct gj_turn *turn, const char *account) {
    struct gj_account_row row;
    load(turn, account, &row);
    return row.balance_fen - row.held_fen;
}

void gj_ledger_hold(struct gj_turn *turn, const char *account, int64_t amount_fen) {
    struct gj_account_row row;
    load(turn, account, &row);
    row.held_fen = sum(row.held_fen, amount_fen);
    gj_must_find(turn, row.held_fen >= 0);
    gj_store_put(turn->store, &gj_table_account, &row);
}

static void add(struct gj_turn *turn, const char *account, int64_t amount_fen) {
    struct gj_account_row row;
    load(turn, account, &row);
    row.balance_fen = sum(row.balance_fen, amount_fen);
    gj_store_put(turn->store, &gj_table_account, &row);
}

/* --- journal --------------------------------------------------------------------------------------------- */
static void append(struct gj_turn *turn, const struct gj_entry *entry, uint64_t line, const char *account,
                   int64_t amount_fen) {
    struct gj_posting_row row = {
        .line = line, .amount_fen = amount_fen, .date = entry->date, .txid = entry->txid, .leg = entry->leg};
    gj_text_set(row.entry, sizeof(row.entry), entry->id);
    gj_text_set(row.account, sizeof(row.account), account);
    gj_text_set(row.kind, sizeof(row.kind), entry->kind);
    gj_store_put(turn->store, &gj_table_posting, &row);
    add(turn, account, amount_fen);
}

void gj_ledger_post(struct gj_turn *turn, const struct gj_entry *entry) {
    int64_t given = entry->instead_of_from != NULL ? entry->instead_fen : 0;
    int64_t taken = entry->instead_of_to != NULL ? entry->instead_fen : 0;
    append(turn, entry, 0, entry->from, given - entry->amount_fen);
    append(turn, entry, 1, entry->to, entry->amount_fen - taken);
    if (given != 0) append(turn, entry, 2, entry->instead_of_from, -given);
    if (taken != 0) append(turn, entry, 2, entry->instead_of_to, taken);
}

/* --- what relatives drew in a year (R51) -------------------------------------------------------------------- */
static void load_usage(struct gj_turn *turn, const char *person_ref, uint64_t year,
                       struct gj_usage_row *ret) {
    *ret = (struct gj_usage_row){.year = year};
    gj_text_set(ret->person_ref, sizeof(ret->person_ref), person_ref);
    if (!gj_store_get(turn->store, &gj_table_usage, ret, turn->scratch)) ret->used_fen = 0;
}

int64_t gj_usage_get(struct gj_turn *turn, const char *person_ref, uint64_t year) {
    struct gj_usage_row row;
    load_usage(turn, person_ref, year, &row);
    return row.used_fen;
}

void gj_usage_add(struct gj_turn *turn, const char *person_ref, uint64_t year, int64_t amount_fen) {
    struct gj_usage_row row;
    load_usage(turn, person_ref, year, &row);
    row.used_fen = sum(row.used_fen, amount_fen);
    gj_must_find(turn, row.used_fen >= 0);
    gj_store_put(turn->store, &gj_table_usage, &row);
}

/* --- the place of care ------------------------------------------------------------------------------------------ */
void gj_books_post_destination(const struct gj_books *books, struct gj_turn *turn, const struct gj_core *core,
                               const char *institution, const char *setl_id) {
    (void)books;
    (void)setl_id;
    const char *parts[] = {"I/", institution};
    char owed[GJ_ACCOUNT_MAX + 1];
    join(owed, sizeof(owed), parts, 2);
    bool is_refund = gj_text_equal(core->kind, "refund");
    for (uint32_t i = 0; i < core->n_legs; i++) {
        const struct gj_core_leg *leg = &core->legs[i];
        if (leg->amount == 0) continue;
        char between[GJ_ACCOUNT_MAX + 1];
        /* A refund's leg runs from the place of care to the payer: both ends keep the pair's one account. */
        if (is_refund) gj_account_between(between, leg->to_region, leg->from_region);
        if (!is_refund) gj_account_between(between, leg->from_region, leg->to_region);
        struct gj_entry entry = {.kind = core->kind,
                                 .date = core->business_date,
                                 .txid = core->txid,
                                 .leg = i,
                                 .from = is_refund ? owed : between,
                                 .to = is_refund ? between : owed,
                                 .amount_fen = leg->amount};
        gj_entry_id(entry.id, &core->txid, i, "d");
        gj_ledger_post(turn, &entry);
    }
}

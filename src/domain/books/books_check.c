/* SPDX-License-Identifier: Apache-2.0
 *
 * The books' own proof, recomputed from the journal and the holds and compared with what is stored. It reads
 * page by page and never repairs: a difference is for people.
 */
#include "domain/books/judge.h"

#include "base/money.h"

#include <string.h>

#define PAGE 64u

struct check {
    struct gj_turn *turn;
    struct gj_books_totals *totals;
    void (*report)(void *ctx, const char *account, const char *what);
    void *report_ctx;
    uint64_t differences;
};

static void differ(struct check *check, const char *name, const char *what) {
    check->differences++;
    if (check->report != NULL) check->report(check->report_ctx, name, what);
}

/* A sum that cannot be formed is a difference, never a wrap-around. */
static void add(struct check *check, int64_t *sum, int64_t amount_fen, const char *name) {
    if (gj_fen_add(*sum, amount_fen, sum) != GJ_OK) differ(check, name, "a sum overflows");
}

/* Calls |each| for every record that matches, in index order, with bounded memory. */
struct walk {
    const struct gj_table *table;
    const char *index;
    const void *match;
    uint32_t n_match;
    void (*each)(struct check *check, const void *record, void *ctx);
    void *ctx;
};

static void walk(struct check *check, const struct walk *walk, void *last) {
    struct gj_arena *arena = check->turn->scratch;
    const size_t size = walk->table->shape->size;
    const void *after = NULL;
    bool more = true;
    while (more) {
        size_t mark = arena->used;
        struct gj_rows rows;
        gj_store_find(check->turn->store, walk->table, walk->index, walk->match, walk->n_match, after, PAGE,
                      arena, &rows);
        for (size_t i = 0; i < rows.n; i++) {
            walk->each(check, (const uint8_t *)rows.items + i * size, walk->ctx);
        }
        more = rows.more && rows.n > 0;
        if (more) memcpy(last, (const uint8_t *)rows.items + (rows.n - 1) * size, size);
        after = last;
        arena->used = mark;
    }
}

/* --- accounts against journal and holds ------------------------------------------------------------------ */
static void sum_posting(struct check *check, const void *record, void *ctx) {
    const struct gj_posting_row *row = record;
    add(check, ctx, row->amount_fen, row->account);
}

static void sum_hold(struct check *check, const void *record, void *ctx) {
    const struct gj_hold_row *row = record;
    if (gj_text_equal(row->type, "draw")) add(check, ctx, row->amount_fen, row->account);
}

static void count_total(struct check *check, const struct gj_account_row *row) {
    struct gj_books_totals *totals = check->totals;
    int64_t *total = &totals->external_fen;
    if (row->account[0] == 'P') total = &totals->personal_fen;
    if (row->account[0] == 'I') total = &totals->institutions_fen;
    if (row->account[0] == 'R') total = &totals->regions_fen;
    add(check, total, row->balance_fen, row->account);
    add(check, &totals->held_fen, row->held_fen, row->account);
    totals->accounts++;
}

static void check_account(struct check *check, const void *record, void *ctx) {
    (void)ctx;
    const struct gj_account_row *row = record;
    int64_t posted = 0, held = 0;
    struct gj_posting_row posting = {.line = 0}, last_posting;
    struct gj_hold_row hold = {.leg = 0}, last_hold;
    gj_text_set(posting.account, sizeof(posting.account), row->account);
    gj_text_set(hold.account, sizeof(hold.account), row->account);
    struct walk postings = {&gj_table_posting, "posting_by_account", &posting, 1, sum_posting, &posted};
    struct walk holds = {&gj_table_hold, "hold_by_account", &hold, 1, sum_hold, &held};
    walk(check, &postings, &last_posting);
    walk(check, &holds, &last_hold);
    if (posted != row->balance_fen) differ(check, row->account, "the balance is not the sum of its postings");
    if (held != row->held_fen) differ(check, row->account, "what is held is not the sum of its holds");
    bool is_person = row->account[0] == 'P';
    if (is_person && row->balance_fen < row->held_fen)
        differ(check, row->account, "less than nothing is available");
    count_total(check, row);
}

static bool has_account(struct check *check, const char *account) {
    struct gj_account_row row = {.balance_fen = 0};
    gj_text_set(row.account, sizeof(row.account), account);
    return gj_store_get(check->turn->store, &gj_table_account, &row, check->turn->scratch);
}

/* --- journal ------------------------------------------------------------------------------------------------ */
struct entry_sum {
    char id[GJ_ENTRY_MAX + 1];
    int64_t sum_fen;
};

static void close_entry(struct check *check, struct entry_sum *entry) {
    if (entry->id[0] == '\0') return;
    check->totals->entries++;
    if (entry->sum_fen != 0) differ(check, entry->id, "the entry does not sum to zero");
}

static void check_posting(struct check *check, const void *record, void *ctx) {
    const struct gj_posting_row *row = record;
    struct entry_sum *entry = ctx;
    if (!gj_text_equal(entry->id, row->entry)) {
        close_entry(check, entry);
        *entry = (struct entry_sum){.sum_fen = 0};
        gj_text_set(entry->id, sizeof(entry->id), row->entry);
    }
    add(check, &entry->sum_fen, row->amount_fen, row->entry);
    if (!has_account(check, row->account))
        differ(check, row->account, "the journal names an account that is not there");
}

/* --- holds, refunds, caps -------------------------------------------------------------------------------------- */
static void check_hold(struct check *check, const void *record, void *ctx) {
    (void)ctx;
    const struct gj_hold_row *row = record;
    check->totals->holds++;
    bool draws = gj_text_equal(row->type, "draw");
    if (draws && !has_account(check, row->account))
        differ(check, row->account, "a hold names an account that is not there");
}

static void check_paid(struct check *check, const void *record, void *ctx) {
    (void)ctx;
    const struct gj_paid_row *row = record;
    bool fits = row->refunded_fen >= 0 && row->refund_prepared_fen >= 0 &&
                row->refund_prepared_fen <= row->amount_fen - row->refunded_fen;
    if (!fits) differ(check, row->account, "refunds are more than the payment");
    if (row->binding_ref[0] == '\0') return;
    int64_t used = gj_usage_get(check->turn, row->person_ref, gj_year_of(row->date));
    if (used < row->amount_fen - row->refunded_fen)
        differ(check, row->person_ref, "a draw is in no year's use");
}

static void sum_usage_of_hold(struct check *check, const void *record, void *ctx) {
    const struct gj_hold_row *row = record;
    bool counts = gj_text_equal(row->type, "draw") && row->binding_ref[0] != '\0';
    if (counts) add(check, ctx, row->amount_fen, row->person_ref);
}

struct year_sum {
    uint64_t year;
    int64_t sum_fen;
};

static void sum_usage_of_paid(struct check *check, const void *record, void *ctx) {
    const struct gj_paid_row *row = record;
    struct year_sum *year = ctx;
    bool counts = row->binding_ref[0] != '\0' && gj_year_of(row->date) == year->year;
    if (counts) add(check, &year->sum_fen, row->amount_fen - row->refunded_fen, row->person_ref);
}

static void check_usage(struct check *check, const void *record, void *ctx) {
    (void)ctx;
    const struct gj_usage_row *row = record;
    struct year_sum paid_sum = {.year = row->year};
    int64_t held = 0;
    struct gj_hold_row hold = {.year = row->year}, last_hold;
    struct gj_paid_row paid = {.leg = 0}, last_paid;
    gj_text_set(hold.person_ref, sizeof(hold.person_ref), row->person_ref);
    gj_text_set(paid.person_ref, sizeof(paid.person_ref), row->person_ref);
    struct walk holds = {&gj_table_hold, "hold_by_person", &hold, 2, sum_usage_of_hold, &held};
    struct walk paids = {&gj_table_paid, "paid_by_person", &paid, 1, sum_usage_of_paid, &paid_sum};
    walk(check, &holds, &last_hold);
    walk(check, &paids, &last_paid);
    add(check, &paid_sum.sum_fen, held, row->person_ref);
    if (paid_sum.sum_fen != row->used_fen)
        differ(check, row->person_ref, "the year's use is not the sum of its draws");
}

/* --- all ----------------------------------------------------------------------------------------------------------- */
static void check_zero(struct check *check) {
    const struct gj_books_totals *totals = check->totals;
    int64_t sum = 0;
    add(check, &sum, totals->personal_fen, "ledger");
    add(check, &sum, totals->institutions_fen, "ledger");
    add(check, &sum, totals->regions_fen, "ledger");
    add(check, &sum, totals->external_fen, "ledger");
    if (sum != 0) differ(check, "ledger", "the accounts do not sum to zero");
}

uint64_t gj_books_check(struct gj_turn *turn, struct gj_books_totals *ret,
                        void (*report)(void *ctx, const char *account, const char *what), void *report_ctx) {
    *ret = (struct gj_books_totals){.accounts = 0};
    struct check check = {.turn = turn, .totals = ret, .report = report, .report_ctx = report_ctx};
    struct entry_sum entry = {.sum_fen = 0};
    struct gj_account_row last_account;
    struct gj_posting_row last_posting;
    struct gj_hold_row last_hold;
    struct gj_paid_row last_paid;
    struct gj_usage_row last_usage;
    walk(&check, &(struct walk){&gj_table_account, NULL, NULL, 0, check_account, NULL}, &last_account);
    walk(&check, &(struct walk){&gj_table_posting, NULL, NULL, 0, check_posting, &entry}, &last_posting);
    close_entry(&check, &entry);
    walk(&check, &(struct walk){&gj_table_hold, NULL, NULL, 0, check_hold, NULL}, &last_hold);
    walk(&check, &(struct walk){&gj_table_paid, NULL, NULL, 0, check_paid, NULL}, &last_paid);
    walk(&check, &(struct walk){&gj_table_usage, NULL, NULL, 0, check_usage, NULL}, &last_usage);
    check_zero(&check);
    if (gj_store_err(turn->store) != GJ_OK) differ(&check, "store", "the store failed while it was read");
    return check.differences;
}

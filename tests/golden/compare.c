/* SPDX-License-Identifier: Apache-2.0
 *
 * What a step came to against what the case says, to the fen, and what must hold after every case. It knows only
 * expectations and outcomes; nothing here asks a node for anything but the books and the transactions.
 */
#include "golden.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/money.h"
#include "domain/books.h"

#define PAIRS_MAX    64
#define ACCOUNTS_MAX 1000

void gj_golden_differs(struct gj_golden_report *report, const char *format, ...) {
    va_list args;
    size_t len = strlen(report->text);
    if (len > 0 && len + 3 < sizeof report->text) {
        memcpy(report->text + len, "; ", 3);
        len += 2;
    }
    va_start(args, format);
    (void)vsnprintf(report->text + len, sizeof report->text - len, format, args);
    va_end(args);
}

bool gj_golden_passed(const struct gj_golden_report *report) {
    return report->text[0] == '\0';
}

/* --- one step ------------------------------------------------------------------------------------------------- */
struct place {
    const struct gj_golden_case *c;
    const struct gj_golden_step *step;
    const char *what;
    struct gj_golden_report *report;
};

static void say_amount(const struct place *at, const char *who, const char *dot, const char *pot,
                       int64_t expected_fen, int64_t got_fen) {
    char expected[GJ_YUAN_TEXT_CAP], got[GJ_YUAN_TEXT_CAP];
    gj_golden_differs(at->report, "line %u: %s: %s%s%s is %s, expected %s", at->step->line, at->what, who,
                      dot, pot, gj_yuan_format(got, got_fen), gj_yuan_format(expected, expected_fen));
}

/* Several lines of one source count together. */
static int64_t sum_of(const struct gj_golden_amount *amounts, size_t n, size_t who, enum gj_golden_pot pot) {
    int64_t sum = 0;
    for (size_t i = 0; i < n; i++)
        if (amounts[i].who == who && amounts[i].pot == pot) sum += amounts[i].fen;
    return sum;
}

static void compare_amounts(const struct place *at, const struct gj_golden_outcome *outcome) {
    const struct gj_golden_expect *expect = &at->step->expect;
    for (size_t who = 0; who < at->c->n_people; who++) {
        for (enum gj_golden_pot pot = GJ_POT_PRIOR; pot < GJ_POT_COUNT; pot++) {
            int64_t expected = sum_of(expect->amounts, expect->n_amounts, who, pot);
            int64_t got = sum_of(outcome->amounts, outcome->n_amounts, who, pot);
            if (expected != got)
                say_amount(at, at->c->people[who].name, ".", gj_golden_pot_word(pot), expected, got);
        }
    }
}

static void compare_explain(const struct place *at, const struct gj_golden_outcome *outcome) {
    const struct gj_golden_expect *expect = &at->step->expect;
    for (size_t i = 0; i < expect->n_explain; i++) {
        const struct gj_golden_reason *reason = &expect->explain[i];
        const char *name = at->c->people[reason->who].name;
        const char *said = "nothing";
        bool found = false;
        for (size_t k = 0; k < outcome->n_explain; k++) {
            if (outcome->explain[k].who != reason->who) continue;
            said = outcome->explain[k].rule;
            if (strcmp(said, reason->rule) == 0) found = true;
        }
        if (!found)
            gj_golden_differs(at->report, "line %u: %s: %s is explained by %s, expected %s", at->step->line,
                              at->what, name, said, reason->rule);
    }
}

void gj_golden_compare(const struct gj_golden_case *c, const struct gj_golden_step *step, const char *what,
                       const struct gj_golden_outcome *outcome, struct gj_golden_report *report) {
    const struct place at = {c, step, what, report};
    const struct gj_golden_expect *expect = &step->expect;
    if (strcmp(expect->refused, outcome->refused) != 0) {
        gj_golden_differs(report, "line %u: %s: %s%s, expected %s%s", step->line, what,
                          outcome->refused[0] != '\0' ? "refused " : "done", outcome->refused,
                          expect->refused[0] != '\0' ? "refused " : "done", expect->refused);
        return;
    }
    if (expect->refused[0] != '\0') return;
    compare_amounts(&at, outcome);
    if (expect->has_cash != outcome->has_cash || expect->cash_fen != outcome->cash_fen)
        say_amount(&at, "cash", "", "", expect->cash_fen, outcome->cash_fen);
    compare_explain(&at, outcome);
}

void gj_golden_compare_balances(struct gj_golden_world *world, const struct gj_golden_step *step,
                                struct gj_golden_report *report) {
    const struct place at = {world->c, step, "balances", report};
    for (size_t i = 0; i < step->expect.n_amounts; i++) {
        const struct gj_golden_amount *amount = &step->expect.amounts[i];
        int64_t got = gj_golden_balance(world, amount->who, amount->pot);
        if (got != amount->fen)
            say_amount(&at, world->c->people[amount->who].name, ".", gj_golden_pot_word(amount->pot),
                       amount->fen, got);
    }
}

/* --- after the last step ------------------------------------------------------------------------------------------ */
/* What one region owes another, told by all nodes that have a share in it: it must come to nothing. */
struct pair {
    char account[GJ_REF_MAX + 1];
    int64_t fen;
};

struct books {
    const char *node;
    struct gj_golden_report *report;
    struct gj_books_totals totals;
    struct pair *pairs;
    size_t *n_pairs;
};

static void on_difference(void *ctx, const char *account, const char *what) {
    const struct books *books = ctx;
    gj_golden_differs(books->report, "books of %s: %s: %s", books->node, account, what);
}

static void add_pair(struct books *books, const struct gj_account_row *row) {
    size_t i = 0;
    while (i < *books->n_pairs && strcmp(books->pairs[i].account, row->account) != 0)
        i++;
    if (i == PAIRS_MAX) {
        gj_golden_differs(books->report, "more than %d pairs of regions", PAIRS_MAX);
        return;
    }
    if (i == *books->n_pairs) books->pairs[(*books->n_pairs)++] = (struct pair){.fen = 0};
    gj_text_set(books->pairs[i].account, sizeof books->pairs[i].account, row->account);
    books->pairs[i].fen += row->balance_fen;
}

static void check_books(void *ctx, struct gj_turn *turn) {
    struct books *books = ctx;
    struct gj_account_row key = {.balance_fen = 0};
    struct gj_rows rows;
    (void)gj_books_check(turn, &books->totals, on_difference, books);
    gj_store_find(turn->store, &gj_table_account, NULL, &key, 0, NULL, ACCOUNTS_MAX, turn->scratch, &rows);
    if (rows.more) gj_golden_differs(books->report, "%s has too many accounts to compare", books->node);
    for (size_t i = 0; i < rows.n; i++) {
        const struct gj_account_row *row = (const struct gj_account_row *)rows.items + i;
        if (strncmp(row->account, "R/", 2) == 0) add_pair(books, row);
    }
}

static void check_decided(struct gj_golden_world *world, size_t node, const char *state,
                          struct gj_golden_report *report) {
    struct gj_req_get get = {.what = "transactions"};
    const void *body = NULL;
    gj_text_set(get.state, sizeof get.state, state);
    if (gj_cluster_request(world->cluster, node, GJ_REQUEST_GET, &get, &body) != GJ_ANSWER_TRANSACTIONS) {
        gj_golden_differs(report, "%s does not list its transactions", world->nodes[node].name);
        return;
    }
    const struct gj_ans_transactions *answer = body;
    for (uint32_t i = 0; i < answer->n_transactions; i++) {
        const struct gj_tx_line *line = &answer->transactions[i];
        char txid[GJ_TXID_TEXT_CAP];
        /* A participant's COMMITTED is its end; a coordinator's still waits for somebody's ACK. */
        if (strcmp(line->state, "COMMITTED") == 0 && strcmp(line->role, "coordinator") != 0) continue;
        gj_golden_differs(report, "%s is %s at %s", gj_txid_format(txid, &line->txid), line->state,
                          world->nodes[node].name);
    }
}

void gj_golden_check_end(struct gj_golden_world *world, struct gj_golden_report *report) {
    static const char *const undecided[] = {"BEGUN", "PREPARING", "PREPARED", "COMMITTED"};
    struct pair pairs[PAIRS_MAX];
    size_t n_pairs = 0;
    for (size_t node = 0; node < world->n_nodes; node++) {
        struct books books = {
            .node = world->nodes[node].name, .report = report, .pairs = pairs, .n_pairs = &n_pairs};
        gj_cluster_edit(world->cluster, node, check_books, &books);
        if (books.totals.held_fen != 0)
            gj_golden_differs(report, "%s still holds %" PRId64 " fen", books.node, books.totals.held_fen);
        for (size_t i = 0; i < sizeof undecided / sizeof undecided[0]; i++)
            check_decided(world, node, undecided[i], report);
    }
    for (size_t i = 0; i < n_pairs; i++)
        if (pairs[i].fen != 0)
            gj_golden_differs(report, "both ends of %s differ by %" PRId64 " fen", pairs[i].account,
                              pairs[i].fen);
    if (gj_cluster_alarms(world->cluster) != 0)
        gj_golden_differs(report, "%" PRIu64 " alarms", gj_cluster_alarms(world->cluster));
}

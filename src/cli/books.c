/* SPDX-License-Identifier: Apache-2.0
 *
 * What a node's books say, read beside the running node: the proof that they balance, and the legs between
 * regions, to be compared with another node's. It must never write.
 */
#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "base/money.h"
#include "cli/offline.h"

#define DIFFERENCES_SHOWN 1000u
#define POSTINGS_PER_PAGE 256u

struct differences {
    json_t *list; /* NULL without --json */
    FILE *out;
    uint64_t n;
};

static void take_difference(void *ctx, const char *account, const char *what) {
    struct differences *differences = ctx;
    if (differences->n++ >= DIFFERENCES_SHOWN) return;
    if (differences->list == NULL) {
        fprintf(differences->out, "difference: %s: %s\n", account, what);
    } else {
        (void)json_array_append_new(differences->list,
                                    json_pack("{s:s, s:s}", "account", account, "what", what));
    }
}

struct total {
    const char *name;
    int64_t fen;
};

static void print_totals(FILE *out, const struct gj_books_totals *totals, const struct total *sums,
                         size_t n) {
    fprintf(out, "accounts %" PRIu64 "\nentries %" PRIu64 "\nholds %" PRIu64 "\n", totals->accounts,
            totals->entries, totals->holds);
    for (size_t i = 0; i < n; i++) {
        char yuan[GJ_YUAN_TEXT_CAP];
        fprintf(out, "%s %s\n", sums[i].name, gj_yuan_format(yuan, sums[i].fen));
    }
}

static bool print_json(FILE *out, json_t *object) {
    bool good = object != NULL && json_dumpf(object, out, JSON_COMPACT) == 0 && fputc('\n', out) != EOF;
    json_decref(object);
    return good;
}

static bool print_totals_json(FILE *out, const char *node, const struct gj_books_totals *totals,
                              const struct total *sums, size_t n, struct differences *differences) {
    json_t *object =
        json_pack("{s:s, s:I, s:I, s:I, s:I, s:o}", "node", node, "accounts", (json_int_t)totals->accounts,
                  "entries", (json_int_t)totals->entries, "holds", (json_int_t)totals->holds, "differences",
                  (json_int_t)differences->n, "details", differences->list);
    for (size_t i = 0; i < n; i++) {
        char yuan[GJ_YUAN_TEXT_CAP];
        (void)json_object_set_new(object, sums[i].name, json_string(gj_yuan_format(yuan, sums[i].fen)));
    }
    return print_json(out, object);
}

static int check_books(struct gj_offline *offline, bool json) {
    const struct gj_args *args = offline->args;
    struct differences differences = {.list = json ? json_array() : NULL, .out = args->out};
    struct gj_books_totals totals;
    uint64_t n = gj_books_check(&offline->turn, &totals, take_difference, &differences);
    enum gj_err err = gj_store_err(offline->store);
    if (err != GJ_OK) {
        json_decref(differences.list);
        return gj_cli_fail(args, err, offline->store->detail);
    }
    const struct total sums[] = {{"personal", totals.personal_fen},
                                 {"institutions", totals.institutions_fen},
                                 {"regions", totals.regions_fen},
                                 {"external", totals.external_fen},
                                 {"held", totals.held_fen}};
    const size_t n_sums = sizeof sums / sizeof sums[0];
    bool good = true;
    if (json) {
        good = print_totals_json(args->out, offline->conf->node, &totals, sums, n_sums, &differences);
    } else {
        print_totals(args->out, &totals, sums, n_sums);
        fprintf(args->out, "differences %" PRIu64 "\n", n);
    }
    if (!good) return gj_cli_fail(args, GJ_ERR_IO, "standard output cannot be written");
    return n == 0 ? GJ_EXIT_OK : GJ_EXIT_FOUND;
}

int gj_cmd_books(const struct gj_args *args) {
    struct gj_offline offline;
    int code = gj_offline_open_store(args, GJ_STORE_READ, &offline);
    if (code != GJ_EXIT_OK) return code;
    offline.store->ops->begin(offline.store); /* one snapshot, however much the node writes meanwhile */
    code = check_books(&offline, args->given[GJ_OPTION_JSON]);
    offline.store->ops->rollback(offline.store);
    gj_offline_close(&offline);
    return code;
}

/* "R/<from>/<to>": what one region owes another for a draw. */
static bool is_between_regions(const char *account, char from[GJ_REGION_MAX + 1],
                               char to[GJ_REGION_MAX + 1]) {
    if (strlen(account) != 2 + 2 * GJ_REGION_MAX + 1 || strncmp(account, "R/", 2) != 0) return false;
    memcpy(from, account + 2, GJ_REGION_MAX);
    from[GJ_REGION_MAX] = '\0';
    memcpy(to, account + 2 + GJ_REGION_MAX + 1, GJ_REGION_MAX);
    to[GJ_REGION_MAX] = '\0';
    return true;
}

/* A draw adds to the account at the payer's end and takes from it at the place of care; a refund the other
 * way. */
static bool print_leg(const struct gj_posting_row *row, bool json, FILE *out) {
    char from[GJ_REGION_MAX + 1], to[GJ_REGION_MAX + 1], txid[GJ_TXID_TEXT_CAP], yuan[GJ_YUAN_TEXT_CAP],
        date[11];
    if (!is_between_regions(row->account, from, to)) return true;
    bool refund = strcmp(row->kind, "refund") == 0;
    bool mirror = strcmp(row->kind, "mirror") == 0; /* only who takes part undoes by hand */
    const char *end = mirror || (row->amount_fen > 0) != refund ? "payer" : "care";
    gj_txid_format(txid, &row->txid);
    gj_yuan_format(yuan, row->amount_fen < 0 ? -row->amount_fen : row->amount_fen);
    gj_date_format(date, row->date);
    if (json) {
        return print_json(out, json_pack("{s:s, s:I, s:s, s:s, s:s, s:s, s:s, s:s}", "txid", txid, "leg",
                                         (json_int_t)row->leg, "kind", row->kind, "from_region", from,
                                         "to_region", to, "amount", yuan, "date", date, "end", end));
    }
    return fprintf(out, "%s#%" PRIu64 " %s %s->%s %s %s %s\n", txid, row->leg, row->kind, from, to, yuan,
                   date, end) > 0;
}

/* In the order of the journal's key; a page at a time, so that a big store needs no more memory. */
static int print_legs(struct gj_offline *offline, bool json) {
    const struct gj_args *args = offline->args;
    struct gj_posting_row last, key = {.line = 0};
    const void *after = NULL;
    for (;;) { /* ends with the table */
        struct gj_rows rows;
        gj_arena_reset(&offline->scratch);
        gj_store_find(offline->store, &gj_table_posting, NULL, &key, 0, after, POSTINGS_PER_PAGE,
                      &offline->scratch, &rows);
        enum gj_err err = gj_store_err(offline->store);
        if (err != GJ_OK) return gj_cli_fail(args, err, offline->store->detail);
        const struct gj_posting_row *postings = rows.items;
        for (size_t i = 0; i < rows.n; i++) {
            if (!print_leg(&postings[i], json, args->out)) {
                return gj_cli_fail(args, GJ_ERR_IO, "standard output cannot be written");
            }
        }
        if (rows.n == 0 || !rows.more) return GJ_EXIT_OK;
        last = postings[rows.n - 1];
        after = &last;
    }
}

int gj_cmd_legs(const struct gj_args *args) {
    struct gj_offline offline;
    int code = gj_offline_open_store(args, GJ_STORE_READ, &offline);
    if (code != GJ_EXIT_OK) return code;
    offline.store->ops->begin(offline.store);
    code = print_legs(&offline, args->given[GJ_OPTION_JSON]);
    offline.store->ops->rollback(offline.store);
    gj_offline_close(&offline);
    return code;
}

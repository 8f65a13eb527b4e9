/* SPDX-License-Identifier: Apache-2.0
 *
 * What must hold when a pilot's faults have stopped: read from the stores of all nodes, record by record.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "domain/tables.h"
#include "protocol/tables.h"
#include "support/pilot.h"

#define PAGE 64

/* --- all rows of a table ---------------------------------------------------------------------------------- */

typedef void row_fn(void *ctx, size_t node, const void *row);

struct walk {
    const struct gj_table *table;
    row_fn *fn;
    void *ctx;
    size_t node;
};

static void walk_node(void *ctx, struct gj_turn *turn) {
    const struct walk *walk = ctx;
    size_t size = walk->table->shape->size;
    uint8_t *key = calloc(2, size), *last = NULL;
    struct gj_rows rows;
    GJ_ASSERT(key != NULL);
    do {
        gj_arena_reset(turn->scratch);
        gj_store_find(turn->store, walk->table, NULL, key, 0, last, PAGE, turn->scratch, &rows);
        for (size_t i = 0; i < rows.n; i++)
            walk->fn(walk->ctx, walk->node, (const uint8_t *)rows.items + i * size);
        if (rows.n == 0) break;
        last = key + size;
        memcpy(last, (const uint8_t *)rows.items + (rows.n - 1) * size, size);
    } while (rows.more);
    free(key);
}

static void each_row(struct gj_pilot *pilot, const struct gj_table *table, row_fn *fn, void *ctx) {
    for (size_t i = 0; i < pilot->n; i++) {
        struct walk walk = {table, fn, ctx, i};
        gj_cluster_edit(pilot->cluster, i, walk_node, &walk);
    }
}

/* --- what is kept of the rows -------------------------------------------------------------------------------- */

struct seen_tx {
    struct gj_txid txid;
    struct gj_digest digest;
    char state[GJ_WORD_MAX + 1], sender[GJ_SENDER_MAX + 1], msgid[GJ_MSGID_MAX + 1];
    size_t node;
    bool is_coordinator;
    unsigned listed, prepared_or_more; /* coordinator: participants, and those whose record says COMMITTED */
};

struct sum { /* by a text */
    char key[GJ_ENTRY_MAX + GJ_REF_MAX + 2];
    int64_t fen;
};

struct audit {
    struct gj_pilot *pilot;
    unsigned differences;
    struct seen_tx *txs;
    size_t n_txs, cap_txs;
    struct sum *sums; /* of the journal: per account between regions and leg */
    size_t n_sums, cap_sums;
    int64_t node_fen[GJ_PILOT_NODES], owed_fen, settled_fen;
};

static void complain(struct audit *audit, size_t node, const char *what, const char *which) {
    audit->differences++;
    (void)fprintf(stderr, "difference: node %zu: %s: %s\n", node, what, which);
}

static void complain_tx(struct audit *audit, const struct seen_tx *tx, const char *what) {
    char text[GJ_TXID_TEXT_CAP], line[200];
    (void)snprintf(line, sizeof line, "%s is %s", gj_txid_format(text, &tx->txid), tx->state);
    complain(audit, tx->node, what, line);
}

static void *grow(void *items, size_t n, size_t *cap, size_t size) {
    if (n < *cap) return items;
    *cap = *cap == 0 ? 256 : 2 * *cap;
    items = realloc(items, *cap * size);
    GJ_ASSERT(items != NULL);
    return items;
}

static struct seen_tx *add_tx(struct audit *audit, size_t node, const struct gj_txid *txid,
                              const struct gj_digest *digest, const char *state) {
    audit->txs = grow(audit->txs, audit->n_txs, &audit->cap_txs, sizeof *audit->txs);
    struct seen_tx *tx = &audit->txs[audit->n_txs++];
    *tx = (struct seen_tx){.txid = *txid, .digest = *digest, .node = node};
    gj_text_set(tx->state, sizeof tx->state, state);
    return tx;
}

static void take_coord(void *ctx, size_t node, const void *row) {
    const struct gj_coord_row *coord = row;
    struct seen_tx *tx = add_tx(ctx, node, &coord->txid, &coord->digest, coord->state);
    tx->is_coordinator = true;
    gj_text_set(tx->sender, sizeof tx->sender, coord->sender);
    gj_text_set(tx->msgid, sizeof tx->msgid, coord->msgid);
}

static void take_part(void *ctx, size_t node, const void *row) {
    const struct gj_part_row *part = row;
    struct seen_tx *tx = add_tx(ctx, node, &part->txid, &part->digest, part->state);
    gj_text_set(tx->sender, sizeof tx->sender, part->sender);
    gj_text_set(tx->msgid, sizeof tx->msgid, part->msgid);
}

static int compare_tx(const void *a, const void *b) {
    const struct seen_tx *left = a, *right = b;
    char text[2][GJ_TXID_TEXT_CAP];
    int order = strcmp(gj_txid_format(text[0], &left->txid), gj_txid_format(text[1], &right->txid));
    return order != 0 ? order : (int)right->is_coordinator - (int)left->is_coordinator;
}

/* The record of the coordinator; the records of one transaction stand together, its first. */
static struct seen_tx *coordinator_of(struct audit *audit, const struct gj_txid *txid) {
    struct seen_tx key = {.txid = *txid, .is_coordinator = true};
    return bsearch(&key, audit->txs, audit->n_txs, sizeof key, compare_tx);
}

static void take_vote(void *ctx, size_t node, const void *row) {
    const struct gj_vote_row *vote = row;
    struct seen_tx *tx = coordinator_of(ctx, &vote->txid);
    (void)node;
    GJ_ASSERT(tx != NULL);
    tx->listed++;
}

/* --- transactions ----------------------------------------------------------------------------------------------- */

static bool is(const struct seen_tx *tx, const char *state) {
    return strcmp(tx->state, state) == 0;
}

static void check_part(struct audit *audit, const struct seen_tx *part) {
    struct seen_tx *coord = coordinator_of(audit, &part->txid);
    if (!is(part, "COMMITTED") && !is(part, "ABORTED") && !is(part, "REFUSED"))
        complain_tx(audit, part, "a participant is undecided");
    if (coord == NULL) {
        if (is(part, "COMMITTED")) complain_tx(audit, part, "committed, and its coordinator knows nothing");
        return;
    }
    if (!gj_digest_equal(&coord->digest, &part->digest)) complain_tx(audit, part, "another digest");
    bool committed = is(coord, "ENDED") || is(coord, "COMMITTED");
    if (committed != is(part, "COMMITTED")) complain_tx(audit, part, "two outcomes of one transaction");
    if (is(part, "COMMITTED")) coord->prepared_or_more++;
}

static void check_coord(struct audit *audit, const struct seen_tx *coord) {
    if (!is(coord, "ENDED") && !is(coord, "ABORTED"))
        complain_tx(audit, coord, "a coordinator is not at its end");
    if (is(coord, "ENDED") && coord->prepared_or_more != coord->listed)
        complain_tx(audit, coord, "not every participant committed");
}

static int compare_biz(const void *a, const void *b) {
    const struct seen_tx *left = a, *right = b;
    int order = strcmp(left->sender, right->sender);
    if (order == 0) order = strcmp(left->msgid, right->msgid);
    return order;
}

/* Of all committed attempts of the whole system, at most one of a biz key. */
static void check_biz_keys(struct audit *audit) {
    if (audit->n_txs > 0) qsort(audit->txs, audit->n_txs, sizeof *audit->txs, compare_biz);
    const struct seen_tx *committed = NULL;
    for (size_t i = 0; i < audit->n_txs; i++) {
        const struct seen_tx *tx = &audit->txs[i];
        if (!is(tx, "COMMITTED") && !is(tx, "ENDED")) continue;
        bool same_key = committed != NULL && compare_biz(committed, tx) == 0;
        if (same_key && !gj_txid_equal(&committed->txid, &tx->txid))
            complain_tx(audit, tx, "a second committed attempt of one request");
        if (!same_key) committed = tx;
    }
}

static void check_request(void *ctx, size_t node, const void *row) {
    struct audit *audit = ctx;
    const struct gj_request_row *request = row;
    bool found = false;
    for (size_t i = 0; i < audit->n_txs && !found; i++) {
        const struct seen_tx *tx = &audit->txs[i];
        found = tx->is_coordinator && is(tx, "ENDED") && strcmp(tx->msgid, request->msgid) == 0 &&
                strcmp(tx->sender, request->sender) == 0;
    }
    if (strcmp(request->state, "OPEN") == 0) complain(audit, node, "a request is open", request->msgid);
    /* A settlement that asks nothing of anybody's account has no transaction. */
    if (strcmp(request->state, "REFUSED") == 0 && found)
        complain(audit, node, "refused, and yet committed", request->msgid);
    if (strcmp(request->reversal, "reversing") == 0) complain(audit, node, "still reversing", request->msgid);
}

static void check_transactions(struct audit *audit) {
    each_row(audit->pilot, &gj_table_coord, take_coord, audit);
    each_row(audit->pilot, &gj_table_part, take_part, audit);
    if (audit->n_txs > 0) qsort(audit->txs, audit->n_txs, sizeof *audit->txs, compare_tx);
    each_row(audit->pilot, &gj_table_vote, take_vote, audit);
    for (size_t i = 0; i < audit->n_txs; i++)
        if (!audit->txs[i].is_coordinator) check_part(audit, &audit->txs[i]);
    for (size_t i = 0; i < audit->n_txs; i++)
        if (audit->txs[i].is_coordinator) check_coord(audit, &audit->txs[i]);
    check_biz_keys(audit);
    each_row(audit->pilot, &gj_table_request, check_request, audit);
}

/* --- money ---------------------------------------------------------------------------------------------------------- */

static void take_account(void *ctx, size_t node, const void *row) {
    struct audit *audit = ctx;
    const struct gj_account_row *account = row;
    audit->node_fen[node] += account->balance_fen;
    if (account->held_fen != 0) complain(audit, node, "still held", account->account);
    if (strncmp(account->account, "P/", 2) == 0 && account->balance_fen < 0)
        complain(audit, node, "overdrawn", account->account);
    if (strncmp(account->account, "I/", 2) == 0) audit->owed_fen += account->balance_fen;
}

static void take_posting(void *ctx, size_t node, const void *row) {
    struct audit *audit = ctx;
    const struct gj_posting_row *posting = row;
    char text[GJ_TXID_TEXT_CAP];
    (void)node;
    if (strncmp(posting->account, "R/", 2) != 0) return;
    audit->sums = grow(audit->sums, audit->n_sums, &audit->cap_sums, sizeof *audit->sums);
    struct sum *sum = &audit->sums[audit->n_sums++];
    sum->fen = posting->amount_fen;
    (void)snprintf(sum->key, sizeof sum->key, "%s#%" PRIu64 " %s", gj_txid_format(text, &posting->txid),
                   posting->leg, posting->account);
}

static int compare_sum(const void *a, const void *b) {
    return strcmp(((const struct sum *)a)->key, ((const struct sum *)b)->key);
}

/* What one end of a leg owes, the other end is owed. */
static void check_legs(struct audit *audit) {
    if (audit->n_sums > 0) qsort(audit->sums, audit->n_sums, sizeof *audit->sums, compare_sum);
    for (size_t i = 0; i < audit->n_sums;) {
        int64_t fen = 0;
        size_t first = i;
        for (; i < audit->n_sums && compare_sum(&audit->sums[first], &audit->sums[i]) == 0; i++)
            fen += audit->sums[i].fen;
        if (fen != 0) complain(audit, GJ_PILOT_CARE, "the ends of a leg differ", audit->sums[first].key);
    }
}

static void take_settlement(void *ctx, size_t node, const void *row) {
    struct audit *audit = ctx;
    const struct gj_settlement_row *settlement = row;
    audit->settled_fen += settlement->acct_pay - settlement->refunded_fen;
    if (settlement->refunded_fen > settlement->acct_pay)
        complain(audit, node, "more refunded than paid", settlement->setl_id);
    if (strcmp(settlement->state, "reversing") == 0)
        complain(audit, node, "a settlement is reversing", settlement->setl_id);
}

struct books_ctx {
    struct audit *audit;
    size_t node;
};

static void report_books(void *ctx, const char *account, const char *what) {
    const struct books_ctx *books = ctx;
    complain(books->audit, books->node, what, account);
}

static void check_books(void *ctx, struct gj_turn *turn) {
    struct books_ctx *books = ctx;
    struct gj_books_totals totals;
    (void)gj_books_check(turn, &totals, report_books, books);
}

static void check_money(struct audit *audit) {
    each_row(audit->pilot, &gj_table_account, take_account, audit);
    each_row(audit->pilot, &gj_table_posting, take_posting, audit);
    each_row(audit->pilot, &gj_table_settlement, take_settlement, audit);
    check_legs(audit);
    for (size_t i = 0; i < audit->pilot->n; i++) {
        struct books_ctx books = {audit, i};
        gj_cluster_edit(audit->pilot->cluster, i, check_books, &books);
        if (audit->node_fen[i] != 0) complain(audit, i, "the accounts do not sum to zero", "all");
    }
    if (audit->owed_fen != audit->settled_fen)
        complain(audit, GJ_PILOT_CARE, "owed is not what was settled", GJ_PILOT_HOSPITAL);
}

unsigned gj_pilot_differences(struct gj_pilot *pilot) {
    struct audit audit = {.pilot = pilot};
    check_transactions(&audit);
    check_money(&audit);
    free(audit.txs);
    free(audit.sums);
    return audit.differences;
}

/* --- quiet ------------------------------------------------------------------------------------------------------------ */

static const struct open_record {
    const struct gj_table *table;
    const char *index, *state;
} open_records[] = {
    {&gj_table_coord, "coord_by_state", "BEGUN"},
    {&gj_table_coord, "coord_by_state", "COMMITTED"},
    {&gj_table_part, "part_by_state", "PREPARED"},
    {&gj_table_settlement, "settlement_by_state", "reversing"},
    {&gj_table_notice, NULL, NULL},
};

static void count_open(void *ctx, struct gj_turn *turn) {
    uint64_t *open = ctx;
    for (size_t i = 0; i < sizeof open_records / sizeof open_records[0]; i++) {
        const struct open_record *record = &open_records[i];
        union {
            struct gj_coord_row coord;
            struct gj_part_row part;
            struct gj_settlement_row settlement;
            struct gj_notice_row notice;
        } key;
        struct gj_rows rows;
        memset(&key, 0, sizeof key);
        if (record->table == &gj_table_coord)
            gj_text_set(key.coord.state, sizeof key.coord.state, record->state);
        if (record->table == &gj_table_part)
            gj_text_set(key.part.state, sizeof key.part.state, record->state);
        if (record->table == &gj_table_settlement)
            gj_text_set(key.settlement.state, sizeof key.settlement.state, record->state);
        gj_store_find(turn->store, record->table, record->index, &key, record->index == NULL ? 0 : 1, NULL, 1,
                      turn->scratch, &rows);
        *open += rows.n;
    }
}

bool gj_pilot_is_quiet(struct gj_pilot *pilot) {
    uint64_t open = 0;
    for (size_t i = 0; i < pilot->n; i++) {
        struct gj_engine *engine = gj_cluster_engine(pilot->cluster, i);
        if (engine == NULL || !gj_engine_is_idle(engine)) return false;
        gj_cluster_edit(pilot->cluster, i, count_open, &open);
    }
    return open == 0;
}

bool gj_pilot_settle_down(struct gj_pilot *pilot, int64_t max_ms) {
    for (int64_t waited = 0; waited < max_ms; waited += 1000) {
        if (gj_pilot_is_quiet(pilot)) return true;
        (void)gj_cluster_run(pilot->cluster, NULL, NULL, 1000);
    }
    return gj_pilot_is_quiet(pilot);
}

/* --- one account -------------------------------------------------------------------------------------------------------- */

static void look(void *ctx, struct gj_turn *turn) {
    struct gj_account_row *row = ctx;
    (void)gj_store_get(turn->store, &gj_table_account, row, turn->scratch);
}

int64_t gj_pilot_balance(struct gj_pilot *pilot, size_t node, const char *account) {
    struct gj_account_row row;
    memset(&row, 0, sizeof row);
    gj_text_set(row.account, sizeof row.account, account);
    gj_cluster_edit(pilot->cluster, node, look, &row);
    return row.balance_fen;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * The checker's own books: what each account must hold is summed here from the journal and the holds as they
 * become durable, and compared with what the node says (I7, I8, I10, I21). It never asks the node to check itself.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "private.h"

struct ck_sum *ck_sum_of(struct ck_sum **map, const char *key) {
    struct ck_sum *sum;
    HASH_FIND_STR(*map, key, sum);
    if (sum != NULL) return sum;
    sum = calloc(1, sizeof *sum);
    GJ_ASSERT(sum != NULL);
    (void)snprintf(sum->key, sizeof sum->key, "%s", key);
    HASH_ADD_STR(*map, key, sum);
    return sum;
}

void ck_sums_free(struct ck_sum **map) {
    struct ck_sum *sum, *next;
    HASH_ITER(hh, *map, sum, next) {
        HASH_DEL(*map, sum);
        free(sum);
    }
}

static struct ck_sum *account_of(struct ck *ck, size_t node, const struct ck_row *row) {
    return ck_sum_of(&ck->nodes[node].accounts, ck_row_text(row, "account"));
}

static struct ck_sum *usage_of(struct ck *ck, size_t node, const char *person, int64_t year) {
    char key[CK_KEY_MAX];
    (void)snprintf(key, sizeof key, "%s %" PRId64, person, year);
    return ck_sum_of(&ck->nodes[node].usage, key);
}

/* --- the journal ---------------------------------------------------------------------------------------- */
static bool is_committed_here(const struct ck *ck, size_t node, const char *txid) {
    const char *part = ck_part_state(ck, node, txid), *coord = ck_coord_state(ck, node, txid);
    return strcmp(part, "COMMITTED") == 0 || strcmp(coord, "COMMITTED") == 0 || strcmp(coord, "ENDED") == 0;
}

/* Posted because two people said so; what they were wrong about is undone by a mirror. */
static bool is_committed_by_hand(const struct ck *ck, size_t node, const char *txid,
                                 const struct ck_row *posting) {
    char key[CK_KEY_MAX];
    const struct ck_row *resolution = ck_row_find(ck, node, "resolution", txid);
    const char *part = ck_part_state(ck, node, txid);
    bool is_mirror = strcmp(ck_row_text(posting, "kind"), "mirror") == 0;
    (void)snprintf(key, sizeof key, "%sm 0", ck_row_text(posting, "entry"));
    bool is_undone = is_mirror || ck_row_find(ck, node, "posting", key) != NULL;
    if (strcmp(ck_row_text(resolution, "outcome"), "commit") != 0) return false;
    return is_undone ? strcmp(part, "ABORTED") == 0 : strcmp(part, "RESOLVED") == 0;
}

static void posting_touched(struct ck *ck, size_t node, const struct ck_touch *touch) {
    char txid[72];
    if (touch->old != NULL) {
        ck_fail(ck, "I7", node, NULL, "the journal's line %s was changed", touch->old->key);
        return;
    }
    int64_t fen = ck_row_int(touch->now, "amount_fen");
    struct ck_sum *entry = ck_sum_of(&ck->nodes[node].entries, ck_row_text(touch->now, "entry"));
    entry->fen += fen;
    entry->n++;
    account_of(ck, node, touch->now)->fen += fen;
    (void)ck_row_txid(touch->now, "txid", txid);
    bool may = is_committed_here(ck, node, txid) || is_committed_by_hand(ck, node, txid, touch->now);
    if (txid[0] != '\0' && !may) ck_fail(ck, "I7", node, txid, "posted, and not committed here");
}

const struct ck_row *ck_books_line(const struct ck *ck, size_t node, const char *entry, const char *prefix) {
    char key[CK_KEY_MAX];
    for (unsigned line = 0; line < 4; line++) {
        (void)snprintf(key, sizeof key, "%s %u", entry, line);
        const struct ck_row *row = ck_row_find(ck, node, "posting", key);
        if (row != NULL && strncmp(ck_row_text(row, "account"), prefix, strlen(prefix)) == 0) return row;
    }
    return NULL;
}

/* --- holds and use -------------------------------------------------------------------------------------- */
static void count_hold(struct ck *ck, size_t node, const struct ck_row *row, int sign) {
    if (strcmp(ck_row_text(row, "type"), "draw") != 0) return;
    int64_t fen = sign * ck_row_int(row, "amount_fen");
    account_of(ck, node, row)->held_fen += fen;
    if (ck_row_text(row, "binding_ref")[0] == '\0') return;
    usage_of(ck, node, ck_row_text(row, "person_ref"), ck_row_int(row, "year"))->fen += fen;
}

/* The binding, as it was before this store transaction or as it is. */
static bool binding_is_active(const struct ck *ck, size_t node, const char *key) {
    const struct ck_node *of = &ck->nodes[node];
    const struct ck_row *now = ck_row_find(ck, node, "binding", key);
    if (strcmp(ck_row_text(now, "state"), "active") == 0) return true;
    for (size_t i = 0; i < of->n_touched; i++)
        if (of->touched[i].now == now && strcmp(ck_row_text(of->touched[i].old, "state"), "active") == 0)
            return true;
    return false;
}

/* I21: the rules of a relative's draw, on the facts of this very moment: records are looked at in the order in which
 * a batch wrote them, so that what the same batch did later does not count. */
static void check_rules(struct ck *ck, size_t node, const struct ck_row *hold, const char *txid) {
    char key[CK_KEY_MAX];
    const struct ck_rules *rules = &ck->rules;
    int64_t fen = ck_row_int(hold, "amount_fen");
    const char *binding_ref = ck_row_text(hold, "binding_ref");
    if (binding_ref[0] == '\0' || strcmp(ck_row_text(hold, "type"), "draw") != 0) return;
    (void)snprintf(key, sizeof key, "%s payer", binding_ref);
    if (!binding_is_active(ck, node, key))
        ck_fail(ck, "I21", node, txid, "R32: held under binding %s, which is not active", binding_ref);
    if (rules->per_settlement_cap_fen > 0 && fen > rules->per_settlement_cap_fen)
        ck_fail(ck, "I21", node, txid, "R51: %" PRId64 " above the cap of a settlement", fen);
    int64_t used = usage_of(ck, node, ck_row_text(hold, "person_ref"), ck_row_int(hold, "year"))->fen;
    if (rules->annual_cap_fen > 0 && used > rules->annual_cap_fen)
        ck_fail(ck, "I21", node, txid, "R51: %" PRId64 " in the year, above the cap", used);
    const struct ck_sum *account = account_of(ck, node, hold);
    if (account->fen - account->held_fen < rules->min_retention_fen)
        ck_fail(ck, "I21", node, txid, "R49: only %" PRId64 " left", account->fen - account->held_fen);
}

static void hold_touched(struct ck *ck, size_t node, const struct ck_touch *touch) {
    char txid[72];
    const struct ck_row *row = touch->now != NULL ? touch->now : touch->old;
    (void)ck_row_txid(row, "txid", txid);
    const char *part = ck_part_state(ck, node, txid), *coord = ck_coord_state(ck, node, txid);
    bool is_open = strcmp(part, "PREPARED") == 0 || strcmp(coord, "BEGUN") == 0;
    if (touch->old != NULL && touch->now != NULL) ck_fail(ck, "I8", node, txid, "a hold was changed");
    if (touch->old == NULL && !is_open)
        ck_fail(ck, "I8", node, txid, "a hold, and the transaction is neither PREPARED nor BEGUN here");
    if (touch->now == NULL && is_open)
        ck_fail(ck, "I9", node, txid, "a hold was released before the decision");
    if (touch->old != NULL) count_hold(ck, node, touch->old, -1);
    if (touch->now != NULL) count_hold(ck, node, touch->now, 1);
    const struct ck_tx *tx = ck_tx_find(ck, txid);
    if (touch->old == NULL && tx != NULL && ck_is_lost_at(ck, tx, node)) return; /* judged when it was new */
    if (touch->old != NULL) return;
    check_rules(ck, node, touch->now, txid);
    ck_step_refund_held(ck, node, touch->now, txid);
}

static void count_paid(struct ck *ck, size_t node, const struct ck_row *row, int sign) {
    if (row == NULL || ck_row_text(row, "binding_ref")[0] == '\0') return;
    int64_t fen = ck_row_int(row, "amount_fen") - ck_row_int(row, "refunded_fen");
    usage_of(ck, node, ck_row_text(row, "person_ref"), ck_row_int(row, "date") / 10000)->fen += sign * fen;
}

static void paid_touched(struct ck *ck, size_t node, const struct ck_touch *touch) {
    char txid[72];
    count_paid(ck, node, touch->old, -1);
    count_paid(ck, node, touch->now, 1);
    if (touch->now == NULL) {
        ck_fail(ck, "I14", node, ck_row_txid(touch->old, "txid", txid), "the record of a payment is gone");
        return;
    }
    int64_t prepared = ck_row_int(touch->now, "refund_prepared_fen"),
            done = ck_row_int(touch->now, "refunded_fen");
    if (prepared < 0 || done < 0 || prepared + done > ck_row_int(touch->now, "amount_fen"))
        ck_fail(ck, "I10", node, ck_row_txid(touch->now, "txid", txid),
                "refunded %" PRId64 ", prepared %" PRId64 ", of %" PRId64, done, prepared,
                ck_row_int(touch->now, "amount_fen"));
}

void ck_books_touched(struct ck *ck, size_t node, const struct ck_touch *touch) {
    const struct ck_row *row = touch->now != NULL ? touch->now : touch->old;
    if (row == NULL) return;
    if (ck_row_is(row, "posting")) posting_touched(ck, node, touch);
    if (ck_row_is(row, "hold")) hold_touched(ck, node, touch);
    if (ck_row_is(row, "paid")) paid_touched(ck, node, touch);
}

/* --- after a store transaction: stored = recomputed ----------------------------------------------------- */
static void check_account(struct ck *ck, size_t node, const char *name) {
    const struct ck_row *row = ck_row_find(ck, node, "account", name);
    const struct ck_sum *sum = ck_sum_of(&ck->nodes[node].accounts, name);
    int64_t balance = ck_row_int(row, "balance_fen"), held = ck_row_int(row, "held_fen");
    if (balance != sum->fen)
        ck_fail(ck, "I7", node, NULL, "%s holds %" PRId64 ", its journal %" PRId64, name, balance, sum->fen);
    if (held != sum->held_fen)
        ck_fail(ck, "I8", node, NULL, "%s: %" PRId64 " held, its holds are %" PRId64, name, held,
                sum->held_fen);
    if (name[0] == 'P' && balance - held < 0)
        ck_fail(ck, "I8", node, NULL, "%s: %" PRId64 " available", name, balance - held);
}

void ck_books_settled(struct ck *ck, size_t node) {
    struct ck_node *of = &ck->nodes[node];
    for (size_t i = 0; i < of->n_touched && !ck->has_failed; i++) {
        const struct ck_row *row = of->touched[i].now != NULL ? of->touched[i].now : of->touched[i].old;
        if (row == NULL) continue;
        if (ck_row_is(row, "account") || ck_row_is(row, "posting") || ck_row_is(row, "hold"))
            check_account(ck, node, ck_row_text(row, "account"));
        if (ck_row_is(row, "posting") && ck_sum_of(&of->entries, ck_row_text(row, "entry"))->fen != 0)
            ck_fail(ck, "I7", node, NULL, "the lines of %s do not sum to zero", ck_row_text(row, "entry"));
        if (!ck_row_is(row, "usage")) continue;
        int64_t sum = usage_of(ck, node, ck_row_text(row, "person_ref"), ck_row_int(row, "year"))->fen;
        if (ck_row_int(row, "used_fen") != sum)
            ck_fail(ck, "I8", node, NULL, "%s says %" PRId64 ", its draws are %" PRId64, row->key,
                    ck_row_int(row, "used_fen"), sum);
    }
}

/* --- dumps ---------------------------------------------------------------------------------------------- */
static void check_hold_is_open(struct ck *ck, size_t node, const struct ck_row *row) {
    char txid[72];
    (void)ck_row_txid(row, "txid", txid);
    const char *part = ck_part_state(ck, node, txid), *coord = ck_coord_state(ck, node, txid);
    if (strcmp(part, "PREPARED") != 0 && strcmp(coord, "BEGUN") != 0)
        ck_fail(ck, "I8", node, txid, "held for nothing: \"%s\", \"%s\" here", part, coord);
}

void ck_books_add(struct ck *ck, size_t node, struct ck_row *row) {
    struct ck_touch touch = {.now = row};
    if (ck_row_is(row, "posting")) {
        ck->totals.postings++;
        posting_touched(ck, node, &touch);
    }
    if (ck_row_is(row, "paid")) paid_touched(ck, node, &touch);
    if (!ck_row_is(row, "hold")) return;
    count_hold(ck, node, row, 1);
    check_hold_is_open(ck, node, row);
}

static void check_usage(struct ck *ck, size_t node, const struct ck_sum *sum) {
    int64_t used = ck_row_int(ck_row_find(ck, node, "usage", sum->key), "used_fen");
    if (used != sum->fen)
        ck_fail(ck, "I8", node, NULL, "usage %s says %" PRId64 ", its draws are %" PRId64, sum->key, used,
                sum->fen);
}

void ck_books_compare(struct ck *ck, size_t node) {
    struct ck_node *of = &ck->nodes[node];
    const struct ck_row *row, *next;
    const struct ck_sum *sum, *next_sum;
    HASH_ITER(hh, of->rows, row, next) { /* so that each has a sum */
        if (ck_row_is(row, "account")) (void)account_of(ck, node, row);
        if (ck_row_is(row, "usage"))
            (void)usage_of(ck, node, ck_row_text(row, "person_ref"), ck_row_int(row, "year"));
    }
    HASH_ITER(hh, of->accounts, sum, next_sum) {
        check_account(ck, node, sum->key);
    }
    HASH_ITER(hh, of->usage, sum, next_sum) {
        check_usage(ck, node, sum);
    }
    HASH_ITER(hh, of->entries, sum, next_sum) {
        if (sum->fen != 0) ck_fail(ck, "I7", node, NULL, "the lines of %s do not sum to zero", sum->key);
    }
}

/* --- a transaction's legs ------------------------------------------------------------------------------- */
static bool moves_money(const struct ck_tx *tx) {
    return strcmp(tx->kind, "settle") == 0 || strcmp(tx->kind, "refund") == 0;
}

void ck_books_held(struct ck *ck, size_t node, struct ck_tx *tx, bool undecided) {
    char key[CK_KEY_MAX];
    for (uint32_t i = 0; i < tx->n_legs && moves_money(tx); i++) {
        (void)snprintf(key, sizeof key, "%s %u", tx->txid, i);
        const struct ck_row *hold = ck_row_find(ck, node, "hold", key);
        bool is_ours = strcmp(tx->legs[i].node, ck->nodes[node].name) == 0;
        bool wants = undecided && is_ours && tx->legs[i].fen > 0;
        if (wants != (hold != NULL))
            ck_fail(ck, "I8", node, tx->txid, "leg %u: %s", i,
                    wants ? "nothing is held" : "something is still held");
        if (wants && ck_row_int(hold, "amount_fen") != tx->legs[i].fen)
            ck_fail(ck, "I8", node, tx->txid, "leg %u: %" PRId64 " held of %" PRId64, i,
                    ck_row_int(hold, "amount_fen"), tx->legs[i].fen);
    }
}

/* I10: back to the account that paid, or to its owner's suspense. */
static void check_way_back(struct ck *ck, size_t node, const struct ck_tx *tx, uint32_t leg,
                           const char *entry) {
    char original[CK_KEY_MAX], prefix[CK_KEY_MAX];
    const struct ck_leg *of = &tx->legs[leg];
    const struct ck_row *to = ck_books_line(ck, node, entry, "P/");
    (void)snprintf(original, sizeof original, "%s#%02u", of->original, of->original_leg);
    const struct ck_row *from = ck_books_line(ck, node, original, "P/");
    if (to == NULL || from == NULL) {
        ck_fail(ck, "I10", node, tx->txid, "leg %u goes to nobody's account, or %s came from none", leg,
                original);
        return;
    }
    (void)snprintf(prefix, sizeof prefix, "%s", ck_row_text(from, "account"));
    bool is_same = strcmp(prefix, ck_row_text(to, "account")) == 0;
    char *slash = strrchr(prefix, '/');
    if (slash != NULL) (void)snprintf(slash, sizeof prefix - (size_t)(slash - prefix), "/suspense");
    if (!is_same && strcmp(prefix, ck_row_text(to, "account")) != 0)
        ck_fail(ck, "I10", node, tx->txid, "leg %u went to %s", leg, ck_row_text(to, "account"));
}

static void check_entry(struct ck *ck, size_t node, const struct ck_tx *tx, uint32_t leg,
                        const char *suffix) {
    char entry[CK_KEY_MAX], between[CK_KEY_MAX];
    const struct ck_leg *of = &tx->legs[leg];
    bool is_refund = strcmp(tx->kind, "refund") == 0, is_far_end = suffix[0] != '\0';
    (void)snprintf(entry, sizeof entry, "%s#%02u%s", tx->txid, leg, suffix);
    (void)snprintf(between, sizeof between, "R/%s/%s", is_refund ? of->to : of->from,
                   is_refund ? of->from : of->to);
    const struct ck_row *line = ck_books_line(ck, node, entry, between);
    int64_t wanted = is_refund == is_far_end ? of->fen : -of->fen;
    if (ck_row_int(line, "amount_fen") != wanted)
        ck_fail(ck, "I7", node, tx->txid, "%s: %" PRId64 " on %s, not %" PRId64, entry,
                ck_row_int(line, "amount_fen"), between, wanted);
    /* Of dumps of different moments its coordinator's may not have it yet. */
    if (is_refund && !is_far_end && of->original[0] != '\0') check_way_back(ck, node, tx, leg, entry);
}

static void count_refund(struct ck *ck, size_t node, const struct ck_tx *tx, const struct ck_leg *leg) {
    struct ck_tx *original = ck_tx_find(ck, leg->original);
    if (original == NULL || !original->is_committed || leg->original_leg >= original->n_legs) {
        ck_fail(ck, "I10", node, tx->txid, "refunds %s, which was never committed", leg->original);
        return;
    }
    struct ck_leg *of = &original->legs[leg->original_leg];
    of->refunded_fen += leg->fen;
    if (of->refunded_fen > of->fen)
        ck_fail(ck, "I10", node, tx->txid, "%" PRId64 " refunded of %" PRId64 " of %s#%u", of->refunded_fen,
                of->fen, leg->original, leg->original_leg);
}

/* Its coordinator has forgotten it; if it comes back, it is counted again. */
void ck_uncount_refunds(struct ck *ck, const struct ck_tx *tx) {
    for (uint32_t i = 0; i < tx->n_legs; i++) {
        const struct ck_leg *leg = &tx->legs[i];
        struct ck_tx *original = leg->is_refund && leg->fen > 0 ? ck_tx_find(ck, leg->original) : NULL;
        if (original != NULL && leg->original_leg < original->n_legs)
            original->legs[leg->original_leg].refunded_fen -= leg->fen;
    }
}

void ck_books_decided(struct ck *ck, size_t node, struct ck_tx *tx) {
    bool is_coordinator = tx->coordinator == node;
    if (ck_is_case(ck, tx, node)) return;
    for (uint32_t i = 0; i < tx->n_legs && moves_money(tx) && !ck->has_failed; i++) {
        struct ck_leg *leg = &tx->legs[i];
        if (leg->fen == 0) continue;
        if (is_coordinator && leg->is_refund) count_refund(ck, node, tx, leg);
        if (strcmp(leg->node, ck->nodes[node].name) == 0) check_entry(ck, node, tx, i, "");
        if (is_coordinator) check_entry(ck, node, tx, i, "d");
    }
}

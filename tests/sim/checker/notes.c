/* SPDX-License-Identifier: Apache-2.0
 *
 * What a committed transaction must have left in the records of the domain, found in stores alone: a payment at
 * each payer's node, the consumption at the home, the settlement with its legs or the refund at the place of care,
 * both sides of a binding. Amounts are compared with the core that everybody voted on.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "private.h"

struct sums {
    int64_t fen, refunded_fen;
    uint32_t n;
};

static bool is(const char *a, const char *b) {
    return strcmp(a, b) == 0;
}

/* The legs that move money. */
static struct sums sums_of(const struct ck_tx *tx) {
    struct sums sums = {0};
    for (uint32_t i = 0; i < tx->n_legs; i++) {
        sums.fen += tx->legs[i].fen;
        sums.refunded_fen += tx->legs[i].refunded_fen;
        sums.n += tx->legs[i].fen > 0;
    }
    return sums;
}

static void same_fen(struct ck *ck, size_t node, const struct ck_tx *tx, const struct ck_row *row,
                     const char *field, int64_t wanted) {
    int64_t fen = ck_row_int(row, field);
    if (fen != wanted)
        ck_fail(ck, "I7", node, tx->txid, "%s: %s is %" PRId64 ", by its legs %" PRId64, row->key, field, fen,
                wanted);
}

static const struct ck_row *must_have(struct ck *ck, size_t node, const struct ck_tx *tx, const char *table,
                                      const char *key) {
    const struct ck_row *row = ck_row_find(ck, node, table, key);
    if (row == NULL) ck_fail(ck, "I7", node, tx->txid, "committed, and no %s %s here", table, key);
    return row;
}

/* --- caps ------------------------------------------------------------------------------------------------- */
void ck_set_packs(struct ck *ck, const struct ck_pack *packs, size_t n) {
    ck->packs = packs;
    ck->n_packs = n;
}

/* How many leading digits a pack's region has in common with all that it stands for; -1: not with |region|. */
static int stands_for(const char *pack, const char *region) {
    int digits = is(pack, "000000") ? 0 : is(pack + 2, "0000") ? 2 : is(pack + 4, "00") ? 4 : 6;
    if (is(pack, region)) digits = 6;
    return strncmp(pack, region, (size_t)digits) == 0 ? digits : -1;
}

/* The nearest one that was in force on that date, the latest of equals; NULL if none. */
static const struct ck_pack *pack_of(const struct ck *ck, const char *region, int64_t date) {
    const struct ck_pack *best = NULL;
    int digits = -1;
    for (size_t i = 0; i < ck->n_packs; i++) {
        const struct ck_pack *pack = &ck->packs[i];
        int own = stands_for(pack->region, region);
        bool is_in_force = pack->valid_from <= date && (pack->valid_to == 0 || date <= pack->valid_to);
        bool is_later = best != NULL && own == digits && pack->valid_from > best->valid_from;
        if (!is_in_force || (own <= digits && !is_later)) continue;
        best = pack;
        digits = own;
    }
    return best;
}

/* R51: what one person pays for relatives in one settlement; and in the year, net of refunds. */
static void check_caps(struct ck *ck, size_t node, const struct ck_tx *tx, const struct ck_row *paid) {
    char key[CK_KEY_MAX];
    const char *person = ck_row_text(paid, "person_ref");
    int64_t date = ck_row_int(paid, "date"), fen = 0;
    const struct ck_pack *pack = pack_of(ck, ck_row_text(paid, "from_region"), date);
    if (pack == NULL) return;
    for (uint32_t i = 0; i < tx->n_legs; i++) {
        (void)snprintf(key, sizeof key, "%s %u", tx->txid, i);
        const struct ck_row *other = ck_row_find(ck, node, "paid", key);
        bool is_his = is(ck_row_text(other, "person_ref"), person);
        if (is_his && ck_row_text(other, "binding_ref")[0] != '\0') fen += ck_row_int(other, "amount_fen");
    }
    if (pack->per_settlement_cap_fen > 0 && fen > pack->per_settlement_cap_fen)
        ck_fail(ck, "I21", node, tx->txid, "R51: %" PRId64 " above the cap of a settlement", fen);
    (void)snprintf(key, sizeof key, "%s %" PRId64, person, date / 10000);
    int64_t used = ck_sum_of(&ck->nodes[node].usage, key)->fen;
    if (pack->annual_cap_fen > 0 && used > pack->annual_cap_fen)
        ck_fail(ck, "I21", node, tx->txid, "R51: %" PRId64 " in the year, above the cap", used);
    ck->totals.capped += pack->per_settlement_cap_fen > 0 || pack->annual_cap_fen > 0;
}

/* --- rules that a payment shows by itself ---------------------------------------------------------------- */
static void check_relative(struct ck *ck, size_t node, const struct ck_tx *tx, const struct ck_row *paid) {
    char key[CK_KEY_MAX];
    const char *binding_ref = ck_row_text(paid, "binding_ref");
    int64_t date = ck_row_int(paid, "date");
    if (binding_ref[0] == '\0') return;
    check_caps(ck, node, tx, paid);
    const struct ck_row *payer = ck_row_find(ck, node, "person", ck_row_text(paid, "person_ref"));
    if (!is(ck_row_text(payer, "insutype"), "310"))
        ck_fail(ck, "I21", node, tx->txid, "R1: %s was paid by somebody who is no employee", paid->key);
    (void)snprintf(key, sizeof key, "%s payer", binding_ref);
    const struct ck_row *binding = ck_row_find(ck, node, "binding", key);
    int64_t end = ck_row_int(binding, "end_date");
    bool was_bound =
        binding != NULL && ck_row_int(binding, "begin_date") <= date && (end == 0 || end >= date);
    if (!was_bound || !is(ck_row_text(binding, "person_ref"), ck_row_text(paid, "person_ref")))
        ck_fail(ck, "I21", node, tx->txid, "R32: %s was paid under %s, which did not hold", paid->key,
                binding_ref);
}

/* --- settlements ----------------------------------------------------------------------------------------- */
static void check_paid(struct ck *ck, const struct ck_tx *tx, uint32_t leg) {
    char key[CK_KEY_MAX], entry[CK_KEY_MAX];
    const struct ck_leg *of = &tx->legs[leg];
    size_t node = ck_node_of(ck, of->node);
    (void)snprintf(key, sizeof key, "%s %u", tx->txid, leg);
    const struct ck_row *paid = must_have(ck, node, tx, "paid", key);
    if (paid == NULL) return;
    same_fen(ck, node, tx, paid, "amount_fen", of->fen);
    same_fen(ck, node, tx, paid, "refunded_fen", of->refunded_fen);
    same_fen(ck, node, tx, paid, "refund_prepared_fen", 0);
    (void)snprintf(entry, sizeof entry, "%s#%02u", tx->txid, leg);
    const struct ck_row *line = ck_books_line(ck, node, entry, "P/");
    if (!is(ck_row_text(line, "account"), ck_row_text(paid, "account")))
        ck_fail(ck, "I7", node, tx->txid, "%s names %s, the journal %s", paid->key,
                ck_row_text(paid, "account"), ck_row_text(line, "account"));
    check_relative(ck, node, tx, paid);
}

static void check_settlement_leg(struct ck *ck, const struct ck_tx *tx, const char *setl_id, uint32_t leg) {
    char key[CK_KEY_MAX];
    (void)snprintf(key, sizeof key, "%s %u", setl_id, leg);
    const struct ck_row *row = must_have(ck, tx->coordinator, tx, "settlement_leg", key);
    if (row == NULL) return;
    same_fen(ck, tx->coordinator, tx, row, "amount_fen", tx->legs[leg].fen);
    same_fen(ck, tx->coordinator, tx, row, "refunded_fen", tx->legs[leg].refunded_fen);
}

static void check_consumption(struct ck *ck, const struct ck_tx *tx, const struct ck_row *settlement) {
    struct sums sums = sums_of(tx);
    size_t home = ck_node_of(ck, ck_row_text(settlement, "home"));
    const struct ck_row *row = must_have(ck, home, tx, "consumption", tx->txid);
    if (row == NULL) return;
    same_fen(ck, home, tx, row, "acct_pay", sums.fen);
    same_fen(ck, home, tx, row, "refunded_fen", sums.refunded_fen);
    same_fen(ck, home, tx, row, "refund_prepared_fen", 0);
    same_fen(ck, home, tx, row, "medfee_sumamt", ck_row_int(settlement, "medfee_sumamt"));
}

static void check_settlement(struct ck *ck, const struct ck_tx *tx, const char *setl_id) {
    struct sums sums = sums_of(tx);
    const struct ck_row *row = must_have(ck, tx->coordinator, tx, "settlement", setl_id);
    for (uint32_t i = 0; i < tx->n_legs; i++) {
        if (tx->legs[i].fen == 0) continue;
        check_paid(ck, tx, i);
        if (row != NULL) check_settlement_leg(ck, tx, setl_id, i);
    }
    if (row == NULL) return;
    same_fen(ck, tx->coordinator, tx, row, "acct_pay", sums.fen);
    same_fen(ck, tx->coordinator, tx, row, "refunded_fen", sums.refunded_fen);
    check_consumption(ck, tx, row);
    if (!is(ck_row_text(row, "state"), "settled") && sums.refunded_fen != sums.fen)
        ck_fail(ck, "I7", tx->coordinator, tx->txid, "%s is %s, and not all was refunded", row->key,
                ck_row_text(row, "state"));
}

/* --- bindings -------------------------------------------------------------------------------------------- */
static void check_bound(struct ck *ck, const struct ck_tx *tx, const char *binding_id) {
    static const char *const sides[] = {"payer", "recipient"};
    char key[CK_KEY_MAX], txid[72];
    (void)must_have(ck, tx->coordinator, tx, "bound", binding_id);
    for (uint32_t i = 0; i < 2 && i < tx->n_legs; i++) {
        size_t node = ck_node_of(ck, tx->legs[i].node);
        (void)snprintf(key, sizeof key, "%s %s", binding_id, sides[i]);
        const struct ck_row *row = must_have(ck, node, tx, "binding", key);
        if (row != NULL && !is(ck_row_txid(row, "txid", txid), tx->txid))
            ck_fail(ck, "I6", node, tx->txid, "%s was made by %s", row->key, txid);
    }
}

void ck_notes(struct ck *ck, struct ck_tx *tx) {
    char key[CK_KEY_MAX];
    (void)snprintf(key, sizeof key, "%s %s", tx->sender, tx->msgid);
    const struct ck_row *request = ck_row_find(ck, tx->coordinator, "request", key);
    const char *id = ck_row_text(request, "result_ref");
    if (request == NULL) return; /* told already, or a reversal's own refund */
    if (is(tx->kind, "settle")) check_settlement(ck, tx, id);
    if (is(tx->kind, "bind")) check_bound(ck, tx, id);
    if (!is(tx->kind, "refund")) return;
    const struct ck_row *refund = must_have(ck, tx->coordinator, tx, "refund", id);
    if (refund != NULL) same_fen(ck, tx->coordinator, tx, refund, "amount", sums_of(tx).fen);
}

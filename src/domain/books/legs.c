/* SPDX-License-Identifier: Apache-2.0
 *
 * The account side of a transaction: judge this node's legs and hold, post, release. A hold is all or
 * nothing: every leg is checked before the first row is written. Posting cannot fail: whatever could go
 * wrong went wrong at the hold; a missing row there is our own mistake.
 */
#include "domain/books/judge.h"

#include "base/check.h"
#include "base/money.h"

#include <string.h>

struct ctx {
    const struct gj_books *books;
    struct gj_turn *turn;
    struct gj_refusal *no;
};

static bool refuse(struct ctx *ctx, enum gj_vote_class class, enum gj_err code, const char *rule) {
    return gj_refuse(ctx->no, class, code, rule);
}

/* This node's legs among those whose details it was given. */
uint32_t gj_legs_of_ours(const struct gj_books *books, const struct gj_tx_view *tx,
                         struct gj_own_leg ret[GJ_LEGS_MAX]) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < tx->n_parts && n < GJ_LEGS_MAX; i++) {
        uint32_t index = (uint32_t)tx->parts[i].leg;
        if (index >= tx->core->n_legs) continue;
        const struct gj_core_leg *core = &tx->core->legs[index];
        if (!gj_directory_is_self(books->directory, core->node)) continue;
        ret[n++] = (struct gj_own_leg){.tx = tx, .index = index, .core = core, .detail = &tx->details[i]};
    }
    return n;
}

static bool is_kind(const struct gj_own_leg *leg, const char *kind) {
    return gj_text_equal(leg->tx->core->kind, kind);
}

void gj_leg_set_hold(struct gj_hold_row *ret, const struct gj_own_leg *leg, const char *account,
                     const char *person_ref, const char *binding_ref, uint64_t year) {
    *ret = (struct gj_hold_row){
        .txid = leg->tx->core->txid, .leg = leg->index, .amount_fen = leg->core->amount, .year = year};
    gj_text_set(ret->type, sizeof(ret->type), leg->detail->type);
    gj_text_set(ret->account, sizeof(ret->account), account);
    gj_text_set(ret->person_ref, sizeof(ret->person_ref), person_ref);
    gj_text_set(ret->binding_ref, sizeof(ret->binding_ref), binding_ref);
}

static bool get_hold(struct gj_turn *turn, const struct gj_own_leg *leg, struct gj_hold_row *ret) {
    *ret = (struct gj_hold_row){.txid = leg->tx->core->txid, .leg = leg->index};
    bool found = gj_store_get(turn->store, &gj_table_hold, ret, turn->scratch);
    gj_must_find(turn, found);
    return found;
}

/* --- draw ---------------------------------------------------------------------------------------------- */
/* The patient's home must be bound by the transaction: only it knows that he was there and asked. To be listed is
 * not enough, it may be asked about something else. Of all legs of a settlement only its record of the consumption
 * moves no money, and it agrees to that one only with every other leg of the transaction before its eyes. */
static bool home_takes_part(const struct ctx *ctx, const struct gj_core *core, const char *recipient_region) {
    const char *home = gj_directory_node_of_region(ctx->books->directory, recipient_region);
    for (uint32_t i = 0; i < core->n_legs && home != NULL; i++) {
        const struct gj_core_leg *leg = &core->legs[i];
        if (leg->amount == 0 && gj_text_equal(leg->node, home) &&
            gj_text_equal(leg->from_region, recipient_region))
            return true;
    }
    return false;
}

static bool check_relative_draw(struct ctx *ctx, const struct gj_own_leg *leg, struct gj_hold_row *ret) {
    const struct gj_leg_detail *detail = leg->detail;
    const struct gj_core *core = leg->tx->core;
    struct gj_binding_row binding;
    if (!gj_binding_get(ctx->turn, detail->binding_ref, GJ_SIDE_PAYER, &binding) ||
        !gj_text_equal(binding.state, "active")) {
        return refuse(ctx, GJ_VOTE_PLAN_STALE, GJ_ERR_PLAN_STALE, "R32");
    }
    if (!gj_text_equal(binding.payer_region, leg->core->from_region)) {
        return refuse(ctx, GJ_VOTE_RULE, GJ_ERR_BAD_FIELD, "");
    }
    if (!home_takes_part(ctx, core, binding.recipient_region)) {
        return refuse(ctx, GJ_VOTE_RULE, GJ_ERR_WRONG_NODE, "");
    }
    struct gj_source_case source = {.binding = &binding,
                                    .mdtrtarea = leg->core->to_region,
                                    .use = gj_use_of(detail->use),
                                    .amount_fen = leg->core->amount,
                                    .date = core->business_date};
    if (source.use == GJ_USE_COUNT) return refuse(ctx, GJ_VOTE_RULE, GJ_ERR_BAD_FIELD, "");
    struct gj_source_verdict verdict;
    gj_source_judge(ctx->books, ctx->turn, &source, &verdict);
    if (verdict.is_short) return refuse(ctx, GJ_VOTE_COVER, GJ_ERR_NO_COVER, verdict.rule);
    /* A new plan leaves this source out; the settlement itself is not against a rule. */
    if (verdict.code != GJ_OK) return refuse(ctx, GJ_VOTE_PLAN_STALE, GJ_ERR_PLAN_STALE, verdict.rule);
    if (!gj_text_equal(detail->account, verdict.account)) {
        return refuse(ctx, GJ_VOTE_RULE, GJ_ERR_BAD_FIELD, "");
    }
    gj_leg_set_hold(ret, leg, verdict.account, binding.person_ref, binding.binding_id,
                    gj_year_of(core->business_date));
    return true;
}

/* Whose own draw it is: only the person that this node's record of the same settlement names. */
static const char *patient_of(const struct ctx *ctx, const struct gj_tx_view *tx) {
    struct gj_own_leg legs[GJ_LEGS_MAX];
    uint32_t n = gj_legs_of_ours(ctx->books, tx, legs);
    for (uint32_t i = 0; i < n; i++) {
        if (gj_text_equal(legs[i].detail->type, "consume")) return legs[i].detail->person_ref;
    }
    return NULL;
}

static bool is_own_account(const struct gj_pack *pack, const char *person_ref, const char *account) {
    char own[GJ_ACCOUNT_MAX + 1];
    gj_account_of_person(own, person_ref, GJ_SUB_PRIOR);
    if (pack->n_own_order == 0) return gj_text_equal(own, account);
    for (uint32_t i = 0; i < pack->n_own_order; i++) {
        gj_account_of_person(own, person_ref, pack->own_order[i]);
        if (gj_text_equal(own, account)) return true;
    }
    return false;
}

static bool check_own_draw(struct ctx *ctx, const struct gj_own_leg *leg, struct gj_hold_row *ret) {
    const struct gj_leg_detail *detail = leg->detail;
    gj_date date = leg->tx->core->business_date;
    const char *patient = patient_of(ctx, leg->tx);
    struct gj_person_row person;
    if (patient == NULL || !gj_person_get(ctx->turn, patient, &person)) {
        return refuse(ctx, GJ_VOTE_RULE, GJ_ERR_PERSON_UNKNOWN, "");
    }
    const struct gj_pack *pack = gj_pack_find(ctx->books->packs, person.region, false, date);
    if (pack == NULL) return refuse(ctx, GJ_VOTE_RULE, GJ_ERR_RULE, "R25");
    bool fits = gj_text_equal(person.region, leg->core->from_region) && person.has_account &&
                is_own_account(pack, person.person_ref, detail->account);
    if (!fits) return refuse(ctx, GJ_VOTE_RULE, GJ_ERR_BAD_FIELD, "");
    if (!gj_home_own_account_is_open(&person)) {
        return refuse(ctx, GJ_VOTE_PLAN_STALE, GJ_ERR_PLAN_STALE, "R82");
    }
    if (gj_ledger_available(ctx->turn, detail->account) < leg->core->amount) {
        return refuse(ctx, GJ_VOTE_COVER, GJ_ERR_NO_COVER, "R50");
    }
    gj_leg_set_hold(ret, leg, detail->account, person.person_ref, "", gj_year_of(date));
    return true;
}

static bool check_draw(struct ctx *ctx, const struct gj_own_leg *leg, struct gj_hold_row *ret) {
    const char *care = gj_directory_node_of_region(ctx->books->directory, leg->core->to_region);
    if (leg->core->amount <= 0) return refuse(ctx, GJ_VOTE_RULE, GJ_ERR_BAD_AMOUNT, "");
    /* Only the coordinator books what the legs bring: for a third node the money would arrive nowhere. */
    if (care == NULL || !gj_text_equal(care, leg->tx->core->txid.coordinator)) {
        return refuse(ctx, GJ_VOTE_RULE, GJ_ERR_WRONG_NODE, "");
    }
    bool is_own = leg->detail->binding_ref[0] == '\0';
    return is_own ? check_own_draw(ctx, leg, ret) : check_relative_draw(ctx, leg, ret);
}

static bool is_relatives(const struct gj_hold_row *hold) {
    return hold->binding_ref[0] != '\0';
}

static void hold_draw(struct gj_turn *turn, const struct gj_own_leg *leg, const struct gj_hold_row *hold) {
    (void)leg;
    gj_store_put(turn->store, &gj_table_hold, hold);
    gj_ledger_hold(turn, hold->account, hold->amount_fen);
    if (is_relatives(hold)) gj_usage_add(turn, hold->person_ref, hold->year, hold->amount_fen);
}

static void release_draw(struct gj_turn *turn, const struct gj_own_leg *leg) {
    struct gj_hold_row hold;
    if (!get_hold(turn, leg, &hold)) return;
    gj_store_del(turn->store, &gj_table_hold, &hold);
    gj_ledger_hold(turn, hold.account, -hold.amount_fen);
    if (is_relatives(&hold)) gj_usage_add(turn, hold.person_ref, hold.year, -hold.amount_fen);
}

static void post_entry(struct gj_turn *turn, const struct gj_own_leg *leg, const char *from, const char *to) {
    const struct gj_core *core = leg->tx->core;
    struct gj_entry entry = {.kind = core->kind,
                             .date = core->business_date,
                             .txid = core->txid,
                             .leg = leg->index,
                             .from = from,
                             .to = to,
                             .amount_fen = leg->core->amount};
    gj_entry_id(entry.id, &core->txid, leg->index, "");
    gj_ledger_post(turn, &entry);
}

static void post_draw(struct gj_turn *turn, const struct gj_own_leg *leg) {
    struct gj_hold_row hold;
    if (!get_hold(turn, leg, &hold)) return;
    gj_store_del(turn->store, &gj_table_hold, &hold);
    gj_ledger_hold(turn, hold.account, -hold.amount_fen);
    char between[GJ_ACCOUNT_MAX + 1];
    gj_account_between(between, leg->core->from_region, leg->core->to_region);
    post_entry(turn, leg, hold.account, between);
    struct gj_paid_row paid = {.txid = hold.txid,
                               .leg = hold.leg,
                               .amount_fen = hold.amount_fen,
                               .date = leg->tx->core->business_date};
    gj_text_set(paid.account, sizeof(paid.account), hold.account);
    gj_text_set(paid.person_ref, sizeof(paid.person_ref), hold.person_ref);
    gj_text_set(paid.binding_ref, sizeof(paid.binding_ref), hold.binding_ref);
    gj_text_set(paid.from_region, sizeof(paid.from_region), leg->core->from_region);
    gj_text_set(paid.to_region, sizeof(paid.to_region), leg->core->to_region);
    gj_store_put(turn->store, &gj_table_paid, &paid);
}

/* --- consume: the home's record ---------------------------------------------------------------------------- */
static bool check_consume(struct ctx *ctx, const struct gj_own_leg *leg, struct gj_hold_row *ret) {
    (void)ret;
    if (leg->core->amount != 0) return refuse(ctx, GJ_VOTE_RULE, GJ_ERR_BAD_AMOUNT, "");
    return gj_home_check_settlement(ctx->books, ctx->turn, leg, ctx->no);
}

void gj_leg_post_consume(struct gj_turn *turn, const struct gj_own_leg *leg) {
    const struct gj_leg_detail *detail = leg->detail;
    struct gj_consumption_row row = {.txid = leg->tx->core->txid,
                                     .date = leg->tx->core->business_date,
                                     .medfee_sumamt = detail->medfee_sumamt,
                                     .fund_pay_sumamt = detail->fund_pay_sumamt,
                                     .psn_part_amt = detail->psn_part_amt,
                                     .acct_pay = detail->acct_pay,
                                     .acct_mulaid_pay = detail->acct_mulaid_pay};
    gj_text_set(row.person_ref, sizeof(row.person_ref), detail->person_ref);
    gj_text_set(row.setl_id, sizeof(row.setl_id), detail->setl_id);
    gj_text_set(row.fixmedins_code, sizeof(row.fixmedins_code), detail->fixmedins_code);
    gj_text_set(row.mdtrtarea_admvs, sizeof(row.mdtrtarea_admvs), detail->mdtrtarea_admvs);
    gj_text_set(row.use, sizeof(row.use), detail->use);
    gj_store_put(turn->store, &gj_table_consumption, &row);
}

/* --- refund: back to where it came from ------------------------------------------------------------------------ */
bool gj_paid_get(struct gj_turn *turn, const struct gj_leg_detail *detail, struct gj_paid_row *ret) {
    *ret = (struct gj_paid_row){.txid = detail->original, .leg = detail->original_leg};
    return gj_store_get(turn->store, &gj_table_paid, ret, turn->scratch);
}

/* Only the original's coordinator may undo it, one at a time. */
static bool is_of_its_coordinator(const struct gj_own_leg *leg) {
    return gj_text_equal(leg->tx->core->txid.coordinator, leg->detail->original.coordinator);
}

/* The original whose certificate came along chooses the rule book of the day: it must be the one that is undone. */
static bool is_of_this_original(const struct gj_own_leg *leg) {
    const struct gj_core *original = leg->tx->original;
    return original == NULL || gj_txid_equal(&original->txid, &leg->detail->original);
}

/* What is refunded may not exceed |whole_fen|: never through what is done, not yet through what is prepared. */
static bool check_room(struct ctx *ctx, int64_t whole_fen, int64_t refunded_fen, int64_t prepared_fen,
                       int64_t amount_fen) {
    if (amount_fen > whole_fen - refunded_fen) {
        return refuse(ctx, GJ_VOTE_RULE, GJ_ERR_EXCEEDS_ORIGINAL, "R80");
    }
    if (amount_fen > whole_fen - refunded_fen - prepared_fen) {
        return refuse(ctx, GJ_VOTE_BUSY, GJ_ERR_BUSY, "R80");
    }
    return true;
}

bool gj_account_is_gone(struct gj_turn *turn, const char *person_ref) {
    struct gj_person_row person;
    if (!gj_person_get(turn, person_ref, &person)) return true;
    return !person.has_account || gj_text_equal(person.account_status, "liquidated");
}

/* R81: after the payer has left, the pack in force at the original decides. */
static bool exit_means_suspense(struct ctx *ctx, const struct gj_paid_row *paid) {
    struct gj_binding_row binding;
    if (paid->binding_ref[0] == '\0') return false;
    bool found = gj_binding_get(ctx->turn, paid->binding_ref, GJ_SIDE_PAYER, &binding);
    if (found && gj_text_equal(binding.state, "active")) return false;
    struct gj_rules rules;
    const char *other = found ? binding.recipient_region : paid->to_region;
    gj_rules_find(ctx->books->packs, paid->from_region, other, paid->date, &rules);
    return rules.n == 0 || rules.packs[0]->refund_after_exit == GJ_REFUND_TO_SUSPENSE;
}

static bool check_refund(struct ctx *ctx, const struct gj_own_leg *leg, struct gj_hold_row *ret) {
    struct gj_paid_row paid;
    int64_t amount = leg->core->amount;
    if (amount <= 0) return refuse(ctx, GJ_VOTE_RULE, GJ_ERR_BAD_AMOUNT, "");
    if (!is_of_its_coordinator(leg)) return refuse(ctx, GJ_VOTE_RULE, GJ_ERR_WRONG_NODE, "");
    if (!is_of_this_original(leg)) return refuse(ctx, GJ_VOTE_RULE, GJ_ERR_BAD_EVIDENCE, "R80");
    if (!gj_paid_get(ctx->turn, leg->detail, &paid))
        return refuse(ctx, GJ_VOTE_RULE, GJ_ERR_NOT_FOUND, "R80");
    bool is_way_back = gj_text_equal(leg->core->from_region, paid.to_region) &&
                       gj_text_equal(leg->core->to_region, paid.from_region);
    if (!is_way_back) return refuse(ctx, GJ_VOTE_RULE, GJ_ERR_BAD_FIELD, "R80");
    if (!check_room(ctx, paid.amount_fen, paid.refunded_fen, paid.refund_prepared_fen, amount)) return false;
    bool to_suspense = gj_account_is_gone(ctx->turn, paid.person_ref) || exit_means_suspense(ctx, &paid);
    char account[GJ_ACCOUNT_MAX + 1];
    gj_account_of_person(account, paid.person_ref, GJ_SUB_SUSPENSE);
    gj_leg_set_hold(ret, leg, to_suspense ? account : paid.account, paid.person_ref, paid.binding_ref,
                    gj_year_of(paid.date));
    return true;
}

static void hold_refund(struct gj_turn *turn, const struct gj_own_leg *leg, const struct gj_hold_row *hold) {
    struct gj_paid_row paid;
    bool found = gj_paid_get(turn, leg->detail, &paid);
    gj_must_find(turn, found);
    if (!found) return;
    paid.refund_prepared_fen += hold->amount_fen;
    gj_store_put(turn->store, &gj_table_paid, &paid);
    gj_store_put(turn->store, &gj_table_hold, hold);
}

/* Takes the hold away; what is |done| counts as refunded. False only if the store has failed. */
static bool settle_refund(struct gj_turn *turn, const struct gj_own_leg *leg, bool done,
                          struct gj_hold_row *hold, struct gj_paid_row *paid) {
    bool found = get_hold(turn, leg, hold) && gj_paid_get(turn, leg->detail, paid);
    gj_must_find(turn, found);
    if (!found) return false;
    gj_store_del(turn->store, &gj_table_hold, hold);
    paid->refund_prepared_fen -= hold->amount_fen;
    if (done) paid->refunded_fen += hold->amount_fen;
    gj_store_put(turn->store, &gj_table_paid, paid);
    return true;
}

static void release_refund(struct gj_turn *turn, const struct gj_own_leg *leg) {
    struct gj_hold_row hold;
    struct gj_paid_row paid;
    (void)settle_refund(turn, leg, false, &hold, &paid);
}

static void post_refund(struct gj_turn *turn, const struct gj_own_leg *leg) {
    struct gj_hold_row hold;
    struct gj_paid_row paid;
    if (!settle_refund(turn, leg, true, &hold, &paid)) return;
    char between[GJ_ACCOUNT_MAX + 1];
    gj_account_between(between, paid.from_region, paid.to_region);
    post_entry(turn, leg, between, hold.account);
    /* A refund counts in the year of its original (R51). */
    if (is_relatives(&hold)) gj_usage_add(turn, hold.person_ref, hold.year, -hold.amount_fen);
    if (gj_account_is_gone(turn, hold.person_ref)) {
        const struct gj_case_in in = {.what = GJ_CASE_REFUND_TO_NOBODY, .txid = &hold.txid, .node = ""};
        gj_case_open(turn, &in);
        gj_turn_event(turn, GJ_EVENT_CASE_OPENED, GJ_OK, &hold.txid, "", hold.amount_fen);
    }
}

/* --- unconsume: the home's record of a refund --------------------------------------------------------------------- */
int64_t gj_legs_sum(const struct gj_core *core) {
    int64_t sum = 0;
    for (uint32_t i = 0; i < core->n_legs; i++) {
        sum += core->legs[i].amount; /* at most GJ_LEGS_MAX of GJ_FEN_INPUT_MAX */
    }
    return sum;
}

bool gj_consumption_get(struct gj_turn *turn, const struct gj_leg_detail *detail,
                        struct gj_consumption_row *ret) {
    *ret = (struct gj_consumption_row){.txid = detail->original};
    return gj_store_get(turn->store, &gj_table_consumption, ret, turn->scratch);
}

static bool check_unconsume(struct ctx *ctx, const struct gj_own_leg *leg, struct gj_hold_row *ret) {
    (void)ret;
    struct gj_consumption_row row;
    if (leg->core->amount != 0) return refuse(ctx, GJ_VOTE_RULE, GJ_ERR_BAD_AMOUNT, "");
    if (!is_of_its_coordinator(leg)) return refuse(ctx, GJ_VOTE_RULE, GJ_ERR_WRONG_NODE, "");
    if (!is_of_this_original(leg)) return refuse(ctx, GJ_VOTE_RULE, GJ_ERR_BAD_EVIDENCE, "R80");
    if (!gj_consumption_get(ctx->turn, leg->detail, &row)) {
        return refuse(ctx, GJ_VOTE_RULE, GJ_ERR_NOT_FOUND, "R80");
    }
    return check_room(ctx, row.acct_pay, row.refunded_fen, row.refund_prepared_fen,
                      gj_legs_sum(leg->tx->core));
}

static void change_consumption(struct gj_turn *turn, const struct gj_own_leg *leg, int prepared,
                               int refunded) {
    struct gj_consumption_row row;
    bool found = gj_consumption_get(turn, leg->detail, &row);
    gj_must_find(turn, found);
    if (!found) return;
    int64_t amount = gj_legs_sum(leg->tx->core);
    row.refund_prepared_fen += prepared * amount;
    row.refunded_fen += refunded * amount;
    gj_store_put(turn->store, &gj_table_consumption, &row);
}

static void hold_unconsume(struct gj_turn *turn, const struct gj_own_leg *leg,
                           const struct gj_hold_row *hold) {
    (void)hold;
    change_consumption(turn, leg, 1, 0);
}

static void post_unconsume(struct gj_turn *turn, const struct gj_own_leg *leg) {
    change_consumption(turn, leg, -1, 1);
}

static void release_unconsume(struct gj_turn *turn, const struct gj_own_leg *leg) {
    change_consumption(turn, leg, -1, 0);
}

/* --- the two sides of a binding -------------------------------------------------------------------------------------- */
static bool check_binding(struct ctx *ctx, const struct gj_own_leg *leg, struct gj_hold_row *ret) {
    (void)ret;
    return gj_binding_leg_check(ctx->books, ctx->turn, leg, leg->detail->type, ctx->no);
}

static void hold_binding(struct gj_turn *turn, const struct gj_own_leg *leg, const struct gj_hold_row *hold) {
    (void)hold;
    gj_binding_leg_hold(turn, leg, leg->detail->type);
}

static void post_binding(struct gj_turn *turn, const struct gj_own_leg *leg) {
    gj_binding_leg_post(turn, leg, leg->detail->type);
}

static void release_binding(struct gj_turn *turn, const struct gj_own_leg *leg) {
    gj_binding_leg_release(turn, leg, leg->detail->type);
}

/* --- dispatch ------------------------------------------------------------------------------------------------------------ */
/* A leg that fixes something of its own before the decision has all four; a mere record only what it needs. */
static const struct leg_type {
    const char *word, *kind;
    bool names_account; /* check fills a hold row */
    bool (*check)(struct ctx *ctx, const struct gj_own_leg *leg, struct gj_hold_row *ret);
    void (*hold)(struct gj_turn *turn, const struct gj_own_leg *leg, const struct gj_hold_row *hold);
    void (*post)(struct gj_turn *turn, const struct gj_own_leg *leg);
    void (*release)(struct gj_turn *turn, const struct gj_own_leg *leg);
    gj_late_fn *adopt, *undo;
} leg_types[] = {
    {"draw", "settle", true, check_draw, hold_draw, post_draw, release_draw, gj_adopt_draw, gj_undo_draw},
    {"consume", "settle", false, check_consume, NULL, gj_leg_post_consume, NULL, gj_adopt_consume,
     gj_undo_consume},
    {"refund", "refund", true, check_refund, hold_refund, post_refund, release_refund, gj_adopt_refund,
     gj_undo_refund},
    {"unconsume", "refund", false, check_unconsume, hold_unconsume, post_unconsume, release_unconsume,
     gj_adopt_unconsume, gj_undo_unconsume},
    {GJ_SIDE_PAYER, "bind", false, check_binding, hold_binding, post_binding, release_binding,
     gj_adopt_binding, gj_undo_binding},
    {GJ_SIDE_RECIPIENT, "bind", false, check_binding, hold_binding, post_binding, release_binding,
     gj_adopt_binding, gj_undo_binding},
};

static const struct leg_type *type_of(const struct gj_own_leg *leg) {
    for (size_t i = 0; i < sizeof(leg_types) / sizeof(leg_types[0]); i++) {
        bool is_it = gj_text_equal(leg_types[i].word, leg->detail->type) && is_kind(leg, leg_types[i].kind);
        if (is_it) return &leg_types[i];
    }
    return NULL;
}

static uint32_t count_own_in_core(const struct gj_books *books, const struct gj_core *core) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < core->n_legs; i++) {
        if (gj_directory_is_self(books->directory, core->legs[i].node)) n++;
    }
    return n;
}

/* What this node quoted must be what it has: another digest is another rule book. A refund stands under the
 * packs of its original, so its date is the original's. */
static bool check_packs(struct ctx *ctx, const struct gj_tx_view *tx) {
    gj_date date = tx->original != NULL ? tx->original->business_date : tx->core->business_date;
    for (uint32_t i = 0; i < tx->core->n_packs; i++) {
        const struct gj_pack_ref *ref = &tx->core->packs[i];
        if (!gj_region_is_ours(ctx->books, ref->region)) continue;
        const struct gj_pack *local = gj_pack_find(ctx->books->packs, ref->region, false, date);
        const struct gj_pack *cross = gj_pack_find(ctx->books->packs, ref->region, true, date);
        bool is_known = (local != NULL && gj_digest_equal(&local->digest, &ref->digest)) ||
                        (cross != NULL && gj_digest_equal(&cross->digest, &ref->digest));
        if (!is_known) return refuse(ctx, GJ_VOTE_PLAN_STALE, GJ_ERR_PLAN_STALE, "R25");
    }
    return true;
}

/* Its day and its place: within a day of ours, and coordinated by the node of the sender or the destination. */
static bool check_core(struct ctx *ctx, const struct gj_tx_view *tx) {
    const struct gj_core *core = tx->core;
    if (!gj_date_is_valid(core->business_date)) return refuse(ctx, GJ_VOTE_DATE, GJ_ERR_BAD_DATE, "");
    int32_t days = gj_date_days_between(gj_date_of(ctx->turn->now.wall), core->business_date);
    if (days < -1 || days > 1) return refuse(ctx, GJ_VOTE_DATE, GJ_ERR_BAD_DATE, "");
    const char *sender = gj_directory_node_of_sender(ctx->books->directory, core->sender);
    bool owns = sender != NULL && gj_text_equal(sender, core->txid.coordinator);
    for (uint32_t i = 0; i < core->n_legs && !owns; i++) {
        const char *region = core->legs[i].to_region;
        const char *node = gj_directory_node_of_region(ctx->books->directory, region);
        owns = node != NULL && gj_text_equal(node, core->txid.coordinator);
    }
    if (!owns) return refuse(ctx, GJ_VOTE_RULE, GJ_ERR_WRONG_NODE, "");
    return check_packs(ctx, tx);
}

/* Two legs on one account or one original would each be judged without the other. */
static bool is_named_twice(const struct gj_own_leg *legs, const struct gj_hold_row *holds, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        const struct gj_leg_detail *a = legs[i].detail, *b = legs[n].detail;
        bool is_refund = gj_text_equal(b->type, "refund");
        bool same_original = is_refund && gj_text_equal(a->type, "refund") &&
                             a->original_leg == b->original_leg && gj_txid_equal(&a->original, &b->original);
        bool same_account =
            !is_refund && holds[n].account[0] != '\0' && gj_text_equal(holds[i].account, holds[n].account);
        bool same_record = holds[n].account[0] == '\0' && gj_text_equal(a->type, b->type);
        if (same_original || same_account || same_record) return true;
    }
    return false;
}

bool gj_books_hold(const struct gj_books *books, struct gj_turn *turn, const struct gj_tx_view *tx,
                   struct gj_refusal *ret_no, struct gj_leg_fact *ret_facts, uint32_t *ret_n_facts) {
    struct ctx ctx = {.books = books, .turn = turn, .no = ret_no};
    struct gj_own_leg legs[GJ_LEGS_MAX];
    *ret_n_facts = 0;
    uint32_t n = gj_legs_of_ours(books, tx, legs);
    if (!check_core(&ctx, tx)) return false;
    if (n != count_own_in_core(books, tx->core)) return refuse(&ctx, GJ_VOTE_RULE, GJ_ERR_MISSING_FIELD, "");
    struct gj_hold_row *holds = gj_arena_array(turn->scratch, n, sizeof(*holds));
    if (holds == NULL) return refuse(&ctx, GJ_VOTE_BUSY, GJ_ERR_NO_SPACE, "");
    for (uint32_t i = 0; i < n; i++) {
        const struct leg_type *type = type_of(&legs[i]);
        if (type == NULL) return refuse(&ctx, GJ_VOTE_RULE, GJ_ERR_BAD_FIELD, "");
        if (!type->check(&ctx, &legs[i], &holds[i])) return false;
        if (is_named_twice(legs, holds, i)) return refuse(&ctx, GJ_VOTE_RULE, GJ_ERR_BAD_FIELD, "");
    }
    for (uint32_t i = 0; i < n; i++) {
        const struct leg_type *type = type_of(&legs[i]);
        if (type->hold != NULL) type->hold(turn, &legs[i], &holds[i]);
        if (!is_kind(&legs[i], "refund") || !type->names_account) continue;
        struct gj_leg_fact *fact = &ret_facts[(*ret_n_facts)++];
        fact->leg = legs[i].index;
        gj_text_set(fact->account, sizeof(fact->account), holds[i].account);
    }
    return true;
}

void gj_books_post(const struct gj_books *books, struct gj_turn *turn, const struct gj_tx_view *tx) {
    struct gj_own_leg legs[GJ_LEGS_MAX];
    uint32_t n = gj_legs_of_ours(books, tx, legs);
    for (uint32_t i = 0; i < n; i++) {
        const struct leg_type *type = type_of(&legs[i]);
        GJ_ASSERT(type != NULL);
        type->post(turn, &legs[i]);
    }
}

void gj_books_release(const struct gj_books *books, struct gj_turn *turn, const struct gj_tx_view *tx) {
    struct gj_own_leg legs[GJ_LEGS_MAX];
    uint32_t n = gj_legs_of_ours(books, tx, legs);
    for (uint32_t i = 0; i < n; i++) {
        const struct leg_type *type = type_of(&legs[i]);
        GJ_ASSERT(type != NULL);
        if (type->release != NULL) type->release(turn, &legs[i]);
    }
}

static int64_t late(const struct gj_books *books, struct gj_turn *turn, const struct gj_tx_view *tx,
                    const struct gj_vote_facts *facts, bool undo) {
    struct gj_own_leg legs[GJ_LEGS_MAX];
    int64_t difference_fen = 0;
    uint32_t n = gj_legs_of_ours(books, tx, legs);
    for (uint32_t i = 0; i < n; i++) {
        const struct leg_type *type = type_of(&legs[i]);
        const char *fixed = "";
        GJ_ASSERT(type != NULL);
        for (uint32_t k = 0; k < facts->n_facts; k++) {
            if (facts->facts[k].leg == legs[i].index) fixed = facts->facts[k].account;
        }
        difference_fen += (undo ? type->undo : type->adopt)(turn, &legs[i], fixed);
    }
    return difference_fen;
}

int64_t gj_books_adopt(const struct gj_books *books, struct gj_turn *turn, const struct gj_tx_view *tx,
                       const struct gj_vote_facts *facts) {
    return late(books, turn, tx, facts, false);
}

int64_t gj_books_undo(const struct gj_books *books, struct gj_turn *turn, const struct gj_tx_view *tx,
                      const struct gj_vote_facts *facts) {
    return late(books, turn, tx, facts, true);
}

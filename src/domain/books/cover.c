/* SPDX-License-Identifier: Apache-2.0
 *
 * What a payer of this node can give: the one judgement behind a cover question of another node, the home's
 * own plan, and the hold at PREPARE. It reads only; it never tells a balance.
 */
#include "domain/books/judge.h"

#include "base/money.h"

#include <string.h>

static void refuse(struct gj_source_verdict *ret, const char *rule, const struct gj_pack *pack) {
    ret->code = GJ_ERR_RULE;
    ret->cover_fen = 0;
    ret->pack = pack;
    gj_text_set(ret->rule, sizeof(ret->rule), rule);
}

/* A lapsed payer is R3 unless every pack lets him go on (R83). */
static bool may_pay_while_lapsed(const struct gj_rules *rules, const struct gj_person_row *payer) {
    if (!gj_text_equal(payer->psn_insu_stas, "2")) return false;
    for (uint32_t i = 0; i < rules->n; i++) {
        if (!rules->packs[i]->lapsed_payer_may_pay) return false;
    }
    return true;
}

/* R1, R3, R9: the payer himself. */
static const char *refuse_payer(const struct gj_rules *rules, const struct gj_person_row *payer) {
    if (!gj_person_may_contribute(payer)) return "R1";
    if (!gj_person_is_normal(payer) && !may_pay_while_lapsed(rules, payer)) return "R3";
    if (!gj_text_equal(payer->account_status, "normal")) return "R9";
    return NULL;
}

/* R20-R22, R70-R74, R23, R24: where the money goes and what for. */
static const struct gj_pack *refuse_purpose(const struct gj_rules *rules, const struct gj_source_case *source,
                                            const char **ret_rule) {
    const char *recipient_region = source->binding->recipient_region;
    const struct gj_pack *pack = gj_rules_refuse_reach(rules, recipient_region, ret_rule);
    if (pack != NULL) return pack;
    *ret_rule = gj_use_rule(source->use);
    pack = gj_rules_refuse_use(rules, source->use);
    if (pack != NULL) return pack;
    for (uint32_t i = 0; i < rules->n; i++) {
        pack = rules->packs[i];
        *ret_rule = "R23";
        bool is_premium = source->use == GJ_USE_RESIDENT_PREMIUM;
        bool is_outside = !gj_same_province(rules->region, recipient_region);
        if (pack->premium_only_inside_province && is_premium && is_outside) return pack;
        *ret_rule = "R24";
        if (pack->uses_only_inside_province && !gj_same_province(rules->region, source->mdtrtarea))
            return pack;
    }
    return NULL;
}

static void shorten(struct gj_source_verdict *ret, int64_t limit_fen, const char *rule,
                    const struct gj_pack *pack) {
    int64_t limit = gj_fen_max(limit_fen, 0);
    if (limit >= ret->cover_fen) return;
    ret->cover_fen = limit;
    ret->is_short = true;
    ret->pack = pack;
    gj_text_set(ret->rule, sizeof(ret->rule), rule);
}

/* The smallest limit counts and is named; of equal ones the first of R49, R51, R50. */
static void limit_amount(struct gj_turn *turn, const struct gj_rules *rules, const char *person_ref,
                         gj_date date, struct gj_source_verdict *ret) {
    int64_t available = gj_ledger_available(turn, ret->account);
    int64_t used = gj_usage_get(turn, person_ref, gj_year_of(date));
    for (uint32_t i = 0; i < rules->n; i++) {
        const struct gj_pack *pack = rules->packs[i];
        if (pack->min_retention_fen > 0) shorten(ret, available - pack->min_retention_fen, "R49", pack);
    }
    for (uint32_t i = 0; i < rules->n; i++) {
        const struct gj_pack *pack = rules->packs[i];
        if (pack->per_settlement_cap_fen > 0) shorten(ret, pack->per_settlement_cap_fen, "R51", pack);
        if (pack->annual_cap_fen > 0) shorten(ret, pack->annual_cap_fen - used, "R51", pack);
    }
    shorten(ret, available, "R50", rules->packs[0]);
}

void gj_source_judge(const struct gj_books *books, struct gj_turn *turn, const struct gj_source_case *source,
                     struct gj_source_verdict *ret) {
    *ret = (struct gj_source_verdict){.code = GJ_OK};
    const struct gj_binding_row *binding = source->binding;
    gj_text_set(ret->region, sizeof(ret->region), binding->payer_region);
    struct gj_person_row payer;
    if (!gj_person_get(turn, binding->person_ref, &payer)) {
        ret->code = GJ_ERR_PERSON_UNKNOWN;
        return;
    }
    gj_account_of_person(ret->account, payer.person_ref, GJ_SUB_PRIOR);
    struct gj_rules rules;
    gj_rules_find(books->packs, binding->payer_region, binding->recipient_region, source->date, &rules);
    if (rules.n == 0) {
        refuse(ret, gj_rules_none(&rules, binding->recipient_region), NULL);
        return;
    }
    ret->pack = rules.packs[0];
    const char *rule = refuse_payer(&rules, &payer);
    if (rule != NULL) {
        refuse(ret, rule, rules.packs[0]);
        return;
    }
    const struct gj_pack *pack = refuse_purpose(&rules, source, &rule);
    if (pack != NULL) {
        refuse(ret, rule, pack);
        return;
    }
    ret->cover_fen = source->amount_fen;
    limit_amount(turn, &rules, payer.person_ref, source->date, ret);
    if (ret->cover_fen == 0 && ret->is_short) ret->code = GJ_ERR_RULE;
}

static void say_no(struct gj_cover_answer *ret, enum gj_err code, const char *rule) {
    gj_text_set(ret->code, sizeof(ret->code), gj_err_name(code));
    gj_text_set(ret->rule, sizeof(ret->rule), rule);
}

void gj_books_cover(const struct gj_books *books, struct gj_turn *turn, const struct gj_cover_ask *ask,
                    struct gj_cover_answer *ret) {
    *ret = (struct gj_cover_answer){.cover = 0};
    gj_text_set(ret->binding_ref, sizeof(ret->binding_ref), ask->binding_ref);
    struct gj_binding_row binding;
    if (!gj_binding_get(turn, ask->binding_ref, GJ_SIDE_PAYER, &binding)) {
        say_no(ret, GJ_ERR_NOT_FOUND, "");
        return;
    }
    if (gj_text_equal(binding.state, "ended")) {
        say_no(ret, GJ_ERR_RULE, "R32");
        return;
    }
    bool is_active = gj_text_equal(binding.state, "active");
    if (!is_active || !gj_text_equal(binding.recipient_region, ask->recipient_region)) {
        say_no(ret, is_active ? GJ_ERR_BAD_FIELD : GJ_ERR_NOT_FOUND, "");
        return;
    }
    struct gj_source_case source = {.binding = &binding,
                                    .mdtrtarea = ask->mdtrtarea_admvs,
                                    .use = gj_use_of(ask->use),
                                    .amount_fen = ask->amount,
                                    .date = ask->business_date};
    if (source.use == GJ_USE_COUNT) {
        say_no(ret, GJ_ERR_BAD_FIELD, "");
        return;
    }
    struct gj_source_verdict verdict;
    gj_source_judge(books, turn, &source, &verdict);
    ret->cover = verdict.cover_fen;
    gj_pack_ref_of(verdict.pack, verdict.region, &ret->pack);
    if (verdict.code != GJ_OK) say_no(ret, verdict.code, verdict.rule);
    if (verdict.code == GJ_OK) gj_text_set(ret->rule, sizeof(ret->rule), verdict.rule);
    if (verdict.cover_fen > 0) gj_text_set(ret->account, sizeof(ret->account), verdict.account);
}

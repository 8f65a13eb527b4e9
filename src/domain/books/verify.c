/* SPDX-License-Identifier: Apache-2.0
 *
 * Who may take part: the verification of a person, and one side's judgement of a binding (sections A to C of
 * the rule table). Each home judges its own person by its own packs; it never hears the other's record.
 * Several rules may fail at once: the first in the order R1, R7, R2, R4, R3, R8, R20-R22, R12, R10/R11, R14,
 * R15, R16 is named.
 */
#include "domain/books/judge.h"

#include <string.h>

#define RELATION_BIT(relation) (UINT32_C(1) << GJ_RELATION_##relation)
#define BASE_RELATIONS         (RELATION_BIT(SPOUSE) | RELATION_BIT(PARENT) | RELATION_BIT(CHILD))

static bool refuse_rule(struct gj_refusal *ret_no, const char *rule) {
    return gj_refuse(ret_no, GJ_VOTE_RULE, GJ_ERR_RULE, rule);
}

/* R7: kinds of insurance that a region leaves out. */
static bool is_excluded(const struct gj_rules *rules, const struct gj_person_row *person) {
    for (uint32_t i = 0; i < rules->n; i++) {
        const struct gj_pack *pack = rules->packs[i];
        for (uint32_t k = 0; k < pack->n_excluded_insutypes; k++) {
            if (gj_text_equal(pack->excluded_insutypes[k], person->insutype)) return true;
        }
    }
    return false;
}

static bool is_being_closed(const struct gj_person_row *person) {
    return gj_text_equal(person->account_status, "liquidated") ||
           gj_text_equal(person->account_status, "pending_liquidation");
}

/* R1, R7, R2, R4, R3, R8: the person alone. */
static bool judge_person(struct gj_turn *turn, const struct gj_rules *rules, const struct gj_bind_case *bind,
                         struct gj_refusal *ret_no) {
    const struct gj_person_row *person = bind->person;
    bool is_payer = gj_text_equal(bind->side, GJ_SIDE_PAYER);
    if (is_payer && !gj_person_may_contribute(person)) return refuse_rule(ret_no, "R1");
    if (is_excluded(rules, person)) return refuse_rule(ret_no, "R7");
    if (!gj_person_is_enrolled(person)) return refuse_rule(ret_no, "R2");
    if (gj_person_is_twice_enrolled(turn, person)) return refuse_rule(ret_no, "R4");
    if (!gj_person_is_normal(person)) return refuse_rule(ret_no, "R3");
    if (is_being_closed(person)) return refuse_rule(ret_no, "R8");
    return true;
}

/* R12, R10, R11: which rule a relation outside a pack's set breaks; NULL if it is inside. */
static const char *refuse_relation(const struct gj_pack *pack, enum gj_relation relation) {
    bool is_kin = relation != GJ_RELATION_COUNT && relation != GJ_RELATION_SELF;
    if (is_kin && (pack->relations & (UINT32_C(1) << relation)) != 0) return NULL;
    if (relation == GJ_RELATION_SPOUSE_PARENT) return "R12";
    bool is_base_set = (pack->relations & ~BASE_RELATIONS) == 0;
    return is_base_set || !is_kin ? "R10" : "R11";
}

static bool judge_relation(const struct gj_rules *rules, const struct gj_bind_case *bind,
                           struct gj_refusal *ret_no) {
    const char *rule = NULL;
    if (rules->n == 0) return refuse_rule(ret_no, gj_rules_none(rules, bind->other_region));
    if (gj_rules_refuse_reach(rules, bind->other_region, &rule) != NULL) return refuse_rule(ret_no, rule);
    for (uint32_t i = 0; i < rules->n; i++) {
        rule = refuse_relation(rules->packs[i], gj_relation_of(bind->relation));
        if (rule != NULL) return refuse_rule(ret_no, rule);
    }
    return true;
}

/* Is there room for one more under |limit|? What is only prepared may still fail: then it is BUSY. */
static bool judge_count(struct gj_turn *turn, const struct gj_bind_case *bind, const char *relation,
                        uint32_t limit, const char *rule, struct gj_refusal *ret_no) {
    const char *who = bind->person->person_ref;
    uint32_t active = gj_binding_count(turn, bind->side, who, "active", relation, limit);
    if (active >= limit) return refuse_rule(ret_no, rule);
    uint32_t pending = gj_binding_count(turn, bind->side, who, "pending", relation, limit - active);
    if (active + pending >= limit) return gj_refuse(ret_no, GJ_VOTE_BUSY, GJ_ERR_BUSY, rule);
    return true;
}

/* R14, R15: how many, from the payer. */
static bool judge_payer_counts(struct gj_turn *turn, const struct gj_rules *rules,
                               const struct gj_bind_case *bind, struct gj_refusal *ret_no) {
    enum gj_relation relation = gj_relation_of(bind->relation);
    for (uint32_t i = 0; i < rules->n; i++) {
        uint32_t limit = rules->packs[i]->relation_limits[relation];
        if (limit > 0 && !judge_count(turn, bind, bind->relation, limit, "R14", ret_no)) return false;
    }
    for (uint32_t i = 0; i < rules->n; i++) {
        uint32_t members = rules->packs[i]->max_members; /* the payer is one of them */
        if (members == 1) return refuse_rule(ret_no, "R15");
        if (members > 0 && !judge_count(turn, bind, "", members - 1, "R15", ret_no)) return false;
    }
    return true;
}

/* R16, and the number of sources that a plan looks at. */
static bool judge_recipient_counts(struct gj_turn *turn, const struct gj_rules *rules,
                                   const struct gj_bind_case *bind, struct gj_refusal *ret_no) {
    for (uint32_t i = 0; i < rules->n; i++) {
        uint32_t limit = rules->packs[i]->max_networks;
        if (limit > 0 && !judge_count(turn, bind, "", limit, "R16", ret_no)) return false;
    }
    if (judge_count(turn, bind, "", GJ_SOURCES_MAX, "", ret_no)) return true;
    if (ret_no->class == GJ_VOTE_RULE) ret_no->code = GJ_ERR_TOO_MANY;
    return false;
}

/* R16: two people have one relation, not two. */
static bool judge_pair(struct gj_turn *turn, const struct gj_bind_case *bind, struct gj_refusal *ret_no) {
    if (bind->other_person_ref[0] == '\0') return true;
    const char *who = bind->person->person_ref, *other = bind->other_person_ref;
    if (gj_text_equal(who, other)) return refuse_rule(ret_no, "R10");
    if (gj_binding_of_pair(turn, bind->side, who, other, "active")) return refuse_rule(ret_no, "R16");
    if (gj_binding_of_pair(turn, bind->side, who, other, "pending")) {
        return gj_refuse(ret_no, GJ_VOTE_BUSY, GJ_ERR_BUSY, "R16");
    }
    return true;
}

bool gj_bind_judge(const struct gj_books *books, struct gj_turn *turn, const struct gj_bind_case *bind,
                   struct gj_refusal *ret_no) {
    struct gj_rules rules;
    gj_rules_find(books->packs, bind->person->region, bind->other_region, bind->date, &rules);
    if (!judge_person(turn, &rules, bind, ret_no)) return false;
    if (!judge_relation(&rules, bind, ret_no)) return false;
    bool is_payer = gj_text_equal(bind->side, GJ_SIDE_PAYER);
    bool has_room = is_payer ? judge_payer_counts(turn, &rules, bind, ret_no)
                             : judge_recipient_counts(turn, &rules, bind, ret_no);
    return has_room && judge_pair(turn, bind, ret_no);
}

/* --- verification -------------------------------------------------------------------------------------- */
static void say_no(struct gj_verified *ret, enum gj_err code, const char *rule) {
    gj_text_set(ret->code, sizeof(ret->code), gj_err_name(code));
    gj_text_set(ret->rule, sizeof(ret->rule), rule);
}

static void verify_role(const struct gj_books *books, struct gj_turn *turn, const struct gj_verify *ask,
                        const struct gj_person_row *person, struct gj_verified *ret) {
    bool is_payer = gj_text_equal(ask->role, GJ_SIDE_PAYER);
    if ((!is_payer && !gj_text_equal(ask->role, GJ_SIDE_RECIPIENT)) || ask->other_region[0] == '\0') {
        say_no(ret, GJ_ERR_BAD_FIELD, "");
        return;
    }
    struct gj_bind_case bind = {.side = is_payer ? GJ_SIDE_PAYER : GJ_SIDE_RECIPIENT,
                                .person = person,
                                .other_person_ref = "",
                                .relation = ask->relation,
                                .other_region = ask->other_region,
                                .date = ask->business_date};
    struct gj_refusal no;
    if (!gj_bind_judge(books, turn, &bind, &no)) {
        say_no(ret, no.code, no.rule);
        return;
    }
    gj_text_set(ret->person_ref, sizeof(ret->person_ref), person->person_ref);
    if (gj_text_copy(ret->person_masked, sizeof(ret->person_masked), person->name_masked) != GJ_OK) {
        ret->person_masked[0] = '\0';
    }
}

void gj_books_verify(const struct gj_books *books, struct gj_turn *turn, const struct gj_verify *ask,
                     struct gj_verified *ret) {
    *ret = (struct gj_verified){.enrolled = false};
    if (!gj_region_is_ours(books, ask->insuplc_admdvs)) {
        say_no(ret, GJ_ERR_WRONG_NODE, "");
        return;
    }
    struct gj_person_row person;
    if (!gj_person_find(turn, &ask->person, ask->insuplc_admdvs, &person)) {
        say_no(ret, GJ_ERR_PERSON_UNKNOWN, "");
        return;
    }
    ret->enrolled = gj_person_is_enrolled(&person);
    gj_text_set(ret->psn_insu_stas, sizeof(ret->psn_insu_stas), person.psn_insu_stas);
    gj_text_set(ret->insutype, sizeof(ret->insutype), person.insutype);
    const char *other = ask->other_region[0] != '\0' ? ask->other_region : person.region;
    struct gj_rules rules;
    gj_rules_find(books->packs, person.region, other, ask->business_date, &rules);
    gj_pack_ref_of(rules.n > 0 ? rules.packs[0] : NULL, person.region, &ret->pack);
    if (ask->role[0] != '\0') verify_role(books, turn, ask, &person, ret);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * The patient's home: its part of a plan (own accounts, draw mode, ordered sources), and at PREPARE the check
 * that a settlement is the one that it planned. Facts are judged at PREPARE; order, mode and covers are those
 * of the plan, so that a refund arriving in between is no violation.
 */
#include "domain/books/judge.h"

#include "base/money.h"

#include <string.h>

/* --- plan ------------------------------------------------------------------------------------------------ */
static void say_no(struct gj_plan_answer *ret, enum gj_err code, const char *rule) {
    gj_text_set(ret->code, sizeof(ret->code), gj_err_name(code));
    gj_text_set(ret->rule, sizeof(ret->rule), rule);
}

/* R41: the patient's own card or number. An e-credential is for the national platform to check. */
static enum gj_err check_presence(const struct gj_turn *turn, const struct gj_plan_ask *ask,
                                  const struct gj_person_row *person) {
    char shown[GJ_CARD_TOKEN_MAX + 1], own[GJ_CARD_TOKEN_MAX + 1];
    if (gj_text_equal(ask->mdtrt_cert_type, "01")) return GJ_ERR_NOT_SUPPORTED;
    if (gj_text_equal(ask->mdtrt_cert_type, "02")) {
        gj_certno_normal(ask->mdtrt_cert_no, shown);
        gj_certno_normal(ask->person.certno, own);
    } else if (gj_text_equal(ask->mdtrt_cert_type, "03")) {
        gj_card_token(turn->hasher, ask->mdtrt_cert_no, shown);
        gj_text_set(own, sizeof(own), person->card_token);
    } else {
        return GJ_ERR_RULE;
    }
    return own[0] != '\0' && gj_text_equal(shown, own) ? GJ_OK : GJ_ERR_RULE;
}

bool gj_home_own_account_is_open(const struct gj_person_row *person) {
    return gj_text_equal(person->account_status, "normal");
}

/* Retention and caps never limit a person's own use of his own account, nor does a lapse (R83). */
static int64_t plan_own(struct gj_turn *turn, const struct gj_pack *pack, const struct gj_person_row *person,
                        int64_t payable_fen, struct gj_plan_answer *ret) {
    if (!person->has_account) return 0;
    uint32_t n = pack->n_own_order > 0 ? pack->n_own_order : 1;
    ret->own = gj_arena_array(turn->scratch, n, sizeof(*ret->own));
    if (ret->own == NULL) return 0;
    int64_t covered = 0;
    for (uint32_t i = 0; i < n; i++) {
        enum gj_sub sub = pack->n_own_order > 0 ? pack->own_order[i] : GJ_SUB_PRIOR;
        struct gj_own_cover *own = &ret->own[ret->n_own++];
        gj_account_of_person(own->account, person->person_ref, sub);
        int64_t available = gj_fen_max(gj_ledger_available(turn, own->account), 0);
        if (!gj_home_own_account_is_open(person)) available = 0;
        own->cover = gj_fen_min(available, payable_fen - covered);
        covered += own->cover;
    }
    return covered;
}

static void set_source_no(struct gj_source *ret, const char *rule, const struct gj_pack *pack,
                          const char *region) {
    ret->evaluated = true;
    gj_text_set(ret->rule, sizeof(ret->rule), rule);
    gj_pack_ref_of(pack, region, &ret->pack);
}

/* A payer of this node: the same answer that his node would give by message. */
static void evaluate(const struct gj_books *books, struct gj_turn *turn, const struct gj_plan_ask *ask,
                     int64_t amount_fen, struct gj_source *ret) {
    struct gj_cover_ask question = {.amount = amount_fen, .business_date = ask->business_date};
    gj_text_set(question.binding_ref, sizeof(question.binding_ref), ret->binding_ref);
    gj_text_set(question.recipient_region, sizeof(question.recipient_region), ask->insuplc_admdvs);
    gj_text_set(question.mdtrtarea_admvs, sizeof(question.mdtrtarea_admvs), ask->mdtrtarea_admvs);
    gj_text_set(question.use, sizeof(question.use), ask->use);
    struct gj_cover_answer answer;
    gj_books_cover(books, turn, &question, &answer);
    ret->evaluated = true;
    ret->cover = answer.cover;
    ret->pack = answer.pack;
    gj_text_set(ret->account, sizeof(ret->account), answer.account);
    gj_text_set(ret->rule, sizeof(ret->rule), answer.rule);
}

/* R4, R3: who may not draw on relatives; NULL if the patient may. His own account stays his (R83). */
static const char *refuse_recipient(struct gj_turn *turn, const struct gj_person_row *patient) {
    if (gj_person_is_twice_enrolled(turn, patient)) return "R4";
    return gj_person_is_normal(patient) ? NULL : "R3";
}

/* The patient's status and the reach as his side sees them: each source is skipped, the bill is not refused. */
static const char *refuse_source(const struct gj_rules *rules, const char *rule,
                                 const struct gj_binding_row *binding, const struct gj_pack **ret_pack) {
    *ret_pack = rules->n > 0 ? rules->packs[0] : NULL;
    if (rule != NULL) return rule;
    if (rules->n == 0) return gj_rules_none(rules, binding->payer_region);
    const struct gj_pack *pack = gj_rules_refuse_reach(rules, binding->payer_region, &rule);
    if (pack == NULL) return NULL;
    *ret_pack = pack;
    return rule;
}

static void plan_sources(const struct gj_books *books, struct gj_turn *turn, const struct gj_plan_ask *ask,
                         const struct gj_person_row *patient, int64_t amount_fen,
                         struct gj_plan_answer *ret) {
    struct gj_binding_row *order;
    uint32_t n = gj_binding_order(turn, patient->person_ref, &order);
    const char *status = refuse_recipient(turn, patient);
    ret->sources = gj_arena_array(turn->scratch, n, sizeof(*ret->sources));
    if (ret->sources == NULL) return;
    for (uint32_t i = 0; i < n; i++) {
        struct gj_source *source = &ret->sources[ret->n_sources++];
        gj_text_set(source->binding_ref, sizeof(source->binding_ref), order[i].binding_id);
        gj_text_set(source->region, sizeof(source->region), order[i].payer_region);
        gj_text_set(source->relation, sizeof(source->relation), order[i].relation);
        gj_text_set(source->payer_masked, sizeof(source->payer_masked), order[i].payer_masked);
        struct gj_rules rules;
        const struct gj_pack *pack;
        gj_rules_find(books->packs, patient->region, order[i].payer_region, ask->business_date, &rules);
        const char *rule = refuse_source(&rules, status, &order[i], &pack);
        if (rule != NULL) {
            set_source_no(source, rule, pack, patient->region);
        } else if (gj_region_is_ours(books, order[i].payer_region)) {
            evaluate(books, turn, ask, amount_fen, source);
        }
    }
}

/* What refuses the whole bill, in this order: who, presence, enrolment, the patient's own pack. */
static bool admit(const struct gj_books *books, struct gj_turn *turn, const struct gj_plan_ask *ask,
                  struct gj_person_row *ret_patient, const struct gj_pack **ret_pack,
                  struct gj_plan_answer *ret) {
    enum gj_use use = gj_use_of(ask->use);
    enum gj_err code = GJ_OK;
    const char *rule = "";
    if (!gj_region_is_ours(books, ask->insuplc_admdvs)) {
        code = GJ_ERR_WRONG_NODE;
    } else if (use == GJ_USE_COUNT) {
        code = GJ_ERR_BAD_FIELD;
    } else if (!gj_person_find(turn, &ask->person, ask->insuplc_admdvs, ret_patient)) {
        code = GJ_ERR_PERSON_UNKNOWN;
    } else if ((code = check_presence(turn, ask, ret_patient)) != GJ_OK) {
        rule = "R41";
    } else if (!gj_person_is_enrolled(ret_patient)) {
        code = GJ_ERR_RULE;
        rule = "R2";
    } else if ((*ret_pack = gj_pack_find(books->packs, ret_patient->region, false, ask->business_date)) ==
               NULL) {
        code = GJ_ERR_RULE;
        rule = "R25";
    } else if (((*ret_pack)->uses & (UINT32_C(1) << use)) == 0) {
        code = GJ_ERR_RULE;
        rule = gj_use_rule(use);
    }
    if (code != GJ_OK) say_no(ret, code, rule);
    return code == GJ_OK;
}

void gj_books_plan(const struct gj_books *books, struct gj_turn *turn, const struct gj_plan_ask *ask,
                   struct gj_plan_answer *ret) {
    *ret = (struct gj_plan_answer){.acct_payable_amt = ask->acct_payable_amt,
                                   .business_date = ask->business_date};
    gj_text_set(ret->sender, sizeof(ret->sender), ask->sender);
    gj_text_set(ret->use, sizeof(ret->use), ask->use);
    gj_text_set(ret->mdtrtarea_admvs, sizeof(ret->mdtrtarea_admvs), ask->mdtrtarea_admvs);
    gj_text_set(ret->fixmedins_code, sizeof(ret->fixmedins_code), ask->fixmedins_code);
    ret->valid_until = turn->now.wall.ms + GJ_PLAN_LIFE_MS;
    struct gj_person_row patient;
    const struct gj_pack *pack = NULL;
    if (!admit(books, turn, ask, &patient, &pack, ret)) return;
    gj_text_set(ret->person_ref, sizeof(ret->person_ref), patient.person_ref);
    gj_text_set(ret->insutype, sizeof(ret->insutype), patient.insutype);
    gj_text_set(ret->draw, sizeof(ret->draw), pack->draw == GJ_DRAW_ONE ? "ONE" : "CASCADE");
    bool refuses = pack->on_unreachable == GJ_UNREACHABLE_REFUSE;
    gj_text_set(ret->on_unreachable, sizeof(ret->on_unreachable), refuses ? "REFUSE" : "SKIP");
    gj_pack_ref_of(pack, patient.region, &ret->pack);
    int64_t covered = plan_own(turn, pack, &patient, ask->acct_payable_amt, ret);
    plan_sources(books, turn, ask, &patient, ask->acct_payable_amt - covered, ret);
}

/* --- PREPARE ------------------------------------------------------------------------------------------------ */
static bool stale(struct gj_refusal *ret_no, const char *rule) {
    return gj_refuse(ret_no, GJ_VOTE_PLAN_STALE, GJ_ERR_PLAN_STALE, rule);
}

/* Every payer's node judges its leg by what that leg says; so all must say what the record says, and each at the
 * node of the money's owner. */
static bool agrees(const struct gj_books *books, const struct gj_core_leg *leg,
                   const struct gj_leg_detail *detail, const struct gj_leg_detail *record) {
    const char *owner = gj_directory_node_of_region(books->directory, leg->from_region);
    return owner != NULL && gj_text_equal(owner, leg->node) && gj_text_equal(detail->use, record->use) &&
           gj_text_equal(leg->to_region, record->mdtrtarea_admvs);
}

/* The home is given every leg: each must be here, and each but the record itself must draw. */
static bool check_sums(const struct gj_books *books, const struct gj_own_leg *consume,
                       struct gj_refusal *ret_no) {
    const struct gj_tx_view *tx = consume->tx;
    const struct gj_leg_detail *record = consume->detail;
    int64_t all = 0, relatives = 0;
    if (tx->n_parts != tx->core->n_legs) return gj_refuse(ret_no, GJ_VOTE_RULE, GJ_ERR_MISSING_FIELD, "");
    for (uint32_t i = 0; i < tx->n_parts; i++) {
        bool is_record = i == consume->index;
        int64_t amount = tx->core->legs[i].amount;
        bool fits = tx->parts[i].leg == i &&
                    gj_text_equal(tx->details[i].type, is_record ? "consume" : "draw") &&
                    agrees(books, &tx->core->legs[i], &tx->details[i], record);
        if (!fits) return gj_refuse(ret_no, GJ_VOTE_RULE, GJ_ERR_BAD_FIELD, "");
        if (is_record) continue;
        all += amount;
        if (tx->details[i].binding_ref[0] != '\0') relatives += amount;
    }
    bool agree =
        record->acct_pay == all && record->acct_mulaid_pay == relatives && all <= record->psn_part_amt;
    if (!agree) return gj_refuse(ret_no, GJ_VOTE_RULE, GJ_ERR_BAD_AMOUNT, "");
    return true;
}

/* Is the plan ours, for this bill, this patient and this day, and still alive? */
static bool check_plan_is_for(struct gj_turn *turn, const struct gj_own_leg *consume,
                              struct gj_refusal *ret_no) {
    const struct gj_plan_answer *plan = consume->tx->plan;
    const struct gj_leg_detail *record = consume->detail;
    const struct gj_core *core = consume->tx->core;
    bool same = plan->code[0] == '\0' && gj_text_equal(plan->person_ref, record->person_ref) &&
                gj_text_equal(plan->sender, core->sender) && gj_text_equal(plan->use, record->use) &&
                gj_text_equal(plan->mdtrtarea_admvs, record->mdtrtarea_admvs) &&
                gj_text_equal(plan->fixmedins_code, record->fixmedins_code) &&
                plan->business_date == core->business_date && plan->acct_payable_amt <= record->psn_part_amt;
    if (!same || turn->now.wall.ms > plan->valid_until) return stale(ret_no, "");
    return true;
}

/* Walks the drawing legs in the core's order beside the plan. */
struct walk {
    const struct gj_tx_view *tx;
    uint32_t at;      /* next part */
    uint32_t skip;    /* the record's leg */
    int64_t left_fen; /* still payable */
};

static const struct gj_leg_detail *peek(struct walk *walk, int64_t *ret_amount_fen) {
    if (walk->at < walk->tx->n_parts && walk->tx->parts[walk->at].leg == walk->skip) walk->at++;
    if (walk->at >= walk->tx->n_parts) return NULL;
    *ret_amount_fen = walk->tx->core->legs[walk->tx->parts[walk->at].leg].amount;
    return &walk->tx->details[walk->at];
}

static void take(struct walk *walk, int64_t amount_fen) {
    walk->left_fen -= amount_fen;
    walk->at++;
}

/* R43: own accounts first, in order, each as far as the plan covers it. */
static bool check_own(struct walk *walk, const struct gj_plan_answer *plan, struct gj_refusal *ret_no) {
    for (uint32_t i = 0; i < plan->n_own; i++) {
        int64_t expected = gj_fen_min(plan->own[i].cover, walk->left_fen), amount = 0;
        if (expected == 0) continue;
        const struct gj_leg_detail *detail = peek(walk, &amount);
        bool fits = detail != NULL && detail->binding_ref[0] == '\0' && amount == expected &&
                    gj_text_equal(detail->account, plan->own[i].account);
        if (!fits) return stale(ret_no, "R43");
        take(walk, amount);
    }
    return true;
}

/* R46, R47: the plan's sources in its order, none passed over that the home itself had found able, and with
 * ONE no more than one. Covers of other nodes' payers are for those nodes to defend. */
static bool check_sources(struct walk *walk, const struct gj_plan_answer *plan, struct gj_refusal *ret_no) {
    bool is_one = gj_text_equal(plan->draw, "ONE"), is_used = false;
    for (uint32_t i = 0; i < plan->n_sources; i++) {
        const struct gj_source *source = &plan->sources[i];
        int64_t expected = source->evaluated ? gj_fen_min(source->cover, walk->left_fen) : walk->left_fen;
        int64_t amount = 0;
        const struct gj_leg_detail *detail = peek(walk, &amount);
        bool is_this = detail != NULL && gj_text_equal(detail->binding_ref, source->binding_ref);
        bool may_pay = expected > 0 && !(is_one && is_used);
        if (!is_this && (!may_pay || !source->evaluated)) continue;
        if (!is_this || !may_pay) return stale(ret_no, is_one ? "R46" : "R47");
        const struct gj_core_leg *leg = &walk->tx->core->legs[walk->tx->parts[walk->at].leg];
        bool fits = amount <= expected && gj_text_equal(leg->from_region, source->region) &&
                    (!source->evaluated || amount == expected);
        if (!fits) return stale(ret_no, is_one ? "R46" : "R47");
        take(walk, amount);
        is_used = true;
    }
    int64_t amount = 0;
    return peek(walk, &amount) == NULL ? true : stale(ret_no, "R47");
}

static bool check_against_plan(struct gj_turn *turn, const struct gj_own_leg *consume,
                               struct gj_refusal *ret_no) {
    const struct gj_plan_answer *plan = consume->tx->plan;
    if (!check_plan_is_for(turn, consume, ret_no)) return false;
    struct walk walk = {.tx = consume->tx, .skip = consume->index, .left_fen = plan->acct_payable_amt};
    return check_own(&walk, plan, ret_no) && check_sources(&walk, plan, ret_no);
}

bool gj_home_check_settlement(const struct gj_books *books, struct gj_turn *turn,
                              const struct gj_own_leg *consume, struct gj_refusal *ret_no) {
    const struct gj_leg_detail *record = consume->detail;
    struct gj_person_row patient;
    if (!gj_person_get(turn, record->person_ref, &patient)) {
        return gj_refuse(ret_no, GJ_VOTE_RULE, GJ_ERR_PERSON_UNKNOWN, "");
    }
    enum gj_use use = gj_use_of(record->use);
    const struct gj_pack *pack =
        gj_pack_find(books->packs, patient.region, false, consume->tx->core->business_date);
    if (use == GJ_USE_COUNT) return gj_refuse(ret_no, GJ_VOTE_RULE, GJ_ERR_BAD_FIELD, "");
    if (!gj_person_is_enrolled(&patient)) return gj_refuse(ret_no, GJ_VOTE_RULE, GJ_ERR_RULE, "R2");
    if (pack == NULL) return gj_refuse(ret_no, GJ_VOTE_RULE, GJ_ERR_RULE, "R25");
    if ((pack->uses & (UINT32_C(1) << use)) == 0) {
        return gj_refuse(ret_no, GJ_VOTE_RULE, GJ_ERR_RULE, gj_use_rule(use));
    }
    if (!gj_text_equal(consume->core->from_region, patient.region)) {
        return gj_refuse(ret_no, GJ_VOTE_RULE, GJ_ERR_BAD_FIELD, "");
    }
    if (!check_sums(books, consume, ret_no)) return false;
    const char *rule = refuse_recipient(turn, &patient);
    if (record->acct_mulaid_pay > 0 && rule != NULL) return stale(ret_no, rule);
    /* A coordinator that is also the home composed the legs from its own answer in this very node. */
    if (consume->tx->plan != NULL) return check_against_plan(turn, consume, ret_no);
    return consume->tx->is_coordinator ? true : stale(ret_no, "");
}

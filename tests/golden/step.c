/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads the steps of a case and what each must come to. A step that expects nothing although it could, or that
 * contradicts itself, is the case's failure: a step that cannot fail is none.
 */
#include "golden.h"

#include <stddef.h>
#include <string.h>

#include "base/money.h"
#include "conf/keys.h"

#define N(array) (sizeof(array) / sizeof(array)[0])

struct reading {
    const struct gj_yaml *yaml;
    struct gj_golden_case *c;
    struct gj_conf_error *error;
};

static enum gj_err refuse(const struct reading *r, unsigned line, const char *key, const char *what) {
    return gj_conf_fail(r->error, GJ_ERR_BAD_CONFIG, gj_yaml_name(r->yaml), line, key, "%s", what);
}

/* --- words ----------------------------------------------------------------------------------------------------- */
static const char *const pot_words[] = {
#define X(name, word) word,
    GJ_GOLDEN_POTS(X)
#undef X
};

const char *gj_golden_pot_word(enum gj_golden_pot pot) {
    return pot_words[pot];
}

enum gj_golden_pot gj_golden_pot_of(const char *word) {
    for (size_t i = 0; i < GJ_POT_COUNT; i++)
        if (strcmp(pot_words[i], word) == 0) return (enum gj_golden_pot)i;
    return GJ_POT_COUNT;
}

static const struct {
    const char *word, *skip;
} verbs[] = {
#define X(name, word, why) {word, why},
    GJ_GOLDEN_VERBS(X)
#undef X
};

const char *gj_golden_verb_word(enum gj_golden_verb verb) {
    return verbs[verb].word;
}

/* --- what a step says ------------------------------------------------------------------------------------------ */
struct draft {
    struct gj_golden_step step;
    char who[GJ_GOLDEN_WORD_MAX + 1], other[GJ_GOLDEN_WORD_MAX + 1];
    char word[GJ_GOLDEN_WORD_MAX + 1], word2[GJ_GOLDEN_WORD_MAX + 1]; /* of steps that are only read */
    const struct gj_yaml_node *payers;
};

#define STEP(field)  offsetof(struct draft, step.field)
#define DRAFT(field) offsetof(struct draft, field)
#define NAME(key, field, fallback)                                                                           \
    { key, GJ_KEY_TEXT, DRAFT(field), 0, GJ_GOLDEN_WORD_MAX, NULL, fallback, "" }
#define AMOUNT(key, field)                                                                                   \
    { key, GJ_KEY_FEN, STEP(field), 0, 0, NULL, NULL, "" }
#define TEXT(key, field, max, fallback)                                                                      \
    { key, GJ_KEY_TEXT, STEP(field), 0, max, NULL, fallback, "" }

static const struct gj_key settle_keys[] = {
    NAME("patient", who, NULL),
    AMOUNT("bill", bill_fen),
    AMOUNT("payable", payable_fen),
    TEXT("use", use, GJ_WORD_MAX, ""),
    TEXT("med_type", med_type, 6, "11"),
    TEXT("msgid", msgid, GJ_MSGID_MAX, ""),
    TEXT("as", label, GJ_GOLDEN_WORD_MAX, ""),
};
static const struct gj_key refund_keys[] = {TEXT("of", label, GJ_GOLDEN_WORD_MAX, NULL),
                                            AMOUNT("amount", amount_fen)};
static const struct gj_key reverse_keys[] = {TEXT("msgid", msgid, GJ_MSGID_MAX, NULL)};
static const struct gj_key bind_keys[] = {NAME("payer", who, NULL), NAME("recipient", other, NULL),
                                          TEXT("relation", relation, GJ_WORD_MAX, NULL)};
static const struct gj_key unbind_keys[] = {NAME("payer", who, NULL), NAME("recipient", other, NULL)};
static const struct gj_key order_keys[] = {NAME("recipient", who, ""),
                                           NAME("by", other, ""),
                                           {"payers", GJ_KEY_NODE, DRAFT(payers), 0, 0, NULL, NULL, ""}};
static const struct gj_key found_keys[] = {NAME("initiator", who, NULL)};
static const struct gj_key join_keys[] = {NAME("initiator", other, ""), NAME("who", who, NULL),
                                          TEXT("relation", relation, GJ_WORD_MAX, NULL)};
static const struct gj_key remove_keys[] = {NAME("by", other, NULL), NAME("who", who, NULL)};
static const struct gj_key exit_keys[] = {NAME("who", who, NULL)};
static const struct gj_key dissolve_keys[] = {NAME("by", who, NULL)};
static const struct gj_key quota_keys[] = {NAME("payer", who, NULL), NAME("recipient", other, NULL),
                                           AMOUNT("amount", amount_fen)};
static const struct gj_key transfer_keys[] = {NAME("by", other, NULL), NAME("who", who, NULL),
                                              NAME("from", word, NULL), NAME("to", word2, NULL),
                                              AMOUNT("amount", amount_fen)};

static const struct {
    const struct gj_key *keys; /* NULL: the verb's value is not a map of keys */
    size_t n;
    const char *yes;      /* the word under expect for "it is done"; NULL: amounts say it */
    bool expects_amounts; /* who.pot: amount */
    bool must_expect;
} rules[] = {
    [GJ_VERB_SETTLE] = {settle_keys, N(settle_keys), NULL, true, true},
    [GJ_VERB_REFUND] = {refund_keys, N(refund_keys), NULL, true, true},
    [GJ_VERB_REVERSE] = {reverse_keys, N(reverse_keys), "reversed", false, true},
    [GJ_VERB_BIND] = {bind_keys, N(bind_keys), "bound", false, true},
    [GJ_VERB_UNBIND] = {unbind_keys, N(unbind_keys), "done", false, false},
    [GJ_VERB_ORDER] = {order_keys, N(order_keys), "done", false, false},
    [GJ_VERB_BALANCES] = {NULL, 0, NULL, true, false},
    [GJ_VERB_FOUND] = {found_keys, N(found_keys), "done", false, false},
    [GJ_VERB_JOIN] = {join_keys, N(join_keys), "bound", false, true},
    [GJ_VERB_REMOVE] = {remove_keys, N(remove_keys), "done", false, false},
    [GJ_VERB_EXIT] = {exit_keys, N(exit_keys), "done", false, false},
    [GJ_VERB_DISSOLVE] = {dissolve_keys, N(dissolve_keys), "done", false, false},
    [GJ_VERB_QUOTA] = {quota_keys, N(quota_keys), "done", false, false},
    [GJ_VERB_TRANSFER] = {transfer_keys, N(transfer_keys), "done", false, true},
    [GJ_VERB_JOB] = {NULL, 0, NULL, false, false},
};
_Static_assert(N(rules) == GJ_VERB_COUNT, "a rule per verb");

/* --- what it must come to ----------------------------------------------------------------------------------- */
/* Yuan, whole or with two places. */
static enum gj_err read_fen(const struct reading *r, const struct gj_yaml_node *node, int64_t *ret) {
    const struct gj_key key = {node->key, GJ_KEY_FEN, 0, 0, 0, NULL, NULL, ""};
    struct gj_yaml_node alone = *node;
    alone.next = NULL;
    const struct gj_yaml_node map = {.kind = GJ_YAML_MAP, .line = node->line, .n = 1, .first = &alone};
    return gj_keys_read(r->yaml, &map, "", &key, 1, GJ_KEYS_WHOLE, ret, r->error);
}

/* "P1.prior: 40" */
static enum gj_err read_amount(const struct reading *r, const struct gj_yaml_node *node,
                               struct gj_golden_expect *ret) {
    const char *dot = strchr(node->key, '.');
    char name[GJ_GOLDEN_WORD_MAX + 1] = "";
    enum gj_golden_pot pot = dot != NULL ? gj_golden_pot_of(dot + 1) : GJ_POT_COUNT;
    if (pot == GJ_POT_COUNT || dot - node->key > GJ_GOLDEN_WORD_MAX)
        return refuse(r, node->line, node->key, "is not known here");
    memcpy(name, node->key, (size_t)(dot - node->key));
    if (ret->n_amounts == GJ_GOLDEN_AMOUNTS_MAX) return refuse(r, node->line, node->key, "too many amounts");
    struct gj_golden_amount *amount = &ret->amounts[ret->n_amounts++];
    amount->pot = pot;
    GJ_TRY(gj_golden_who(r->yaml, r->c, name, node->line, node->key, &amount->who, r->error));
    return read_fen(r, node, &amount->fen);
}

static enum gj_err read_explain(const struct reading *r, const struct gj_yaml_node *map,
                                struct gj_golden_expect *ret) {
    if (map->kind != GJ_YAML_MAP || map->n > GJ_GOLDEN_PEOPLE_MAX)
        return refuse(r, map->line, "explain", "must be a map, name to rule");
    for (const struct gj_yaml_node *node = map->first; node != NULL; node = node->next) {
        struct gj_golden_reason *reason = &ret->explain[ret->n_explain++];
        GJ_TRY(gj_golden_who(r->yaml, r->c, node->key, node->line, node->key, &reason->who, r->error));
        if (node->text[0] != 'R' || strlen(node->text) > GJ_RULE_MAX)
            return refuse(r, node->line, node->key, "must be a rule");
        gj_text_set(reason->rule, sizeof reason->rule, node->text);
    }
    return GJ_OK;
}

static enum gj_err read_refused(const struct reading *r, const struct gj_yaml_node *map,
                                struct gj_golden_expect *ret) {
    const struct gj_yaml_node *node = map->first;
    bool is_known = (node->text[0] == 'R' && strlen(node->text) <= GJ_RULE_MAX) ||
                    strcmp(node->text, "reversed") == 0 || strcmp(node->text, "exceeds_original") == 0;
    if (map->n != 1) return refuse(r, node->line, "expect", "nothing else goes with refused");
    if (!is_known) return refuse(r, node->line, "refused", "must be a rule, reversed or exceeds_original");
    gj_text_set(ret->refused, sizeof ret->refused, node->text);
    return GJ_OK;
}

static enum gj_err read_expect(const struct reading *r, const struct gj_yaml_node *map,
                               const struct gj_golden_step *step, struct gj_golden_expect *ret) {
    const char *yes = rules[step->verb].yes;
    if (map->kind != GJ_YAML_MAP || map->n == 0) return refuse(r, map->line, "expect", "must be a map");
    if (strcmp(map->first->key, "refused") == 0 && step->verb != GJ_VERB_BALANCES)
        return read_refused(r, map, ret);
    for (const struct gj_yaml_node *node = map->first; node != NULL; node = node->next) {
        bool settles = step->verb == GJ_VERB_SETTLE;
        if (yes != NULL && strcmp(node->key, yes) == 0) {
            if (strcmp(node->text, "true") != 0) return refuse(r, node->line, yes, "can only be true");
        } else if (settles && strcmp(node->key, "cash") == 0) {
            ret->has_cash = true;
            GJ_TRY(read_fen(r, node, &ret->cash_fen));
        } else if (settles && strcmp(node->key, "explain") == 0) {
            GJ_TRY(read_explain(r, node, ret));
        } else if (rules[step->verb].expects_amounts) {
            GJ_TRY(read_amount(r, node, ret));
        } else {
            return refuse(r, node->line, node->key, "is not known here");
        }
    }
    return GJ_OK;
}

/* The figures of a settlement or a refund must add up by themselves. */
static enum gj_err check_sum(const struct reading *r, struct gj_golden_step *step) {
    struct gj_golden_expect *expect = &step->expect;
    int64_t paid = 0;
    if (step->verb == GJ_VERB_SETTLE && step->payable_fen > step->bill_fen)
        return refuse(r, step->line, "payable", "is above the bill");
    if (expect->refused[0] != '\0') return GJ_OK;
    for (size_t i = 0; i < expect->n_amounts; i++)
        GJ_TRY(gj_fen_add(paid, expect->amounts[i].fen, &paid));
    if (step->verb == GJ_VERB_REFUND && paid != step->amount_fen)
        return refuse(r, step->line, "expect", "does not give back the amount");
    if (step->verb != GJ_VERB_SETTLE) return GJ_OK;
    int64_t cash = step->payable_fen - paid;
    if (expect->has_cash && expect->cash_fen != cash)
        return refuse(r, step->line, "cash", "is not payable less what the accounts pay");
    expect->has_cash = true;
    expect->cash_fen = cash;
    return GJ_OK;
}

/* --- steps ------------------------------------------------------------------------------------------------------ */
static enum gj_err read_payers(const struct reading *r, const struct gj_yaml_node *list,
                               struct gj_golden_step *step) {
    if (list->kind != GJ_YAML_LIST || list->n > GJ_SOURCES_MAX)
        return refuse(r, list->line, "payers", "must be a list of names");
    for (const struct gj_yaml_node *node = list->first; node != NULL; node = node->next)
        GJ_TRY(gj_golden_who(r->yaml, r->c, node->text, node->line, "payers", &step->payers[step->n_payers++],
                             r->error));
    return GJ_OK;
}

static enum gj_err read_body(const struct reading *r, const struct gj_yaml_node *body,
                             struct gj_golden_step *step) {
    struct draft draft;
    char prefix[GJ_GOLDEN_WORD_MAX + 2];
    memset(&draft, 0, sizeof draft);
    draft.step = *step;
    (void)snprintf(prefix, sizeof prefix, "%s.", verbs[step->verb].word);
    GJ_TRY(gj_keys_read(r->yaml, body, prefix, rules[step->verb].keys, rules[step->verb].n, GJ_KEYS_WHOLE,
                        &draft, r->error));
    *step = draft.step;
    if (draft.who[0] != '\0')
        GJ_TRY(gj_golden_who(r->yaml, r->c, draft.who, body->line, body->key, &step->who, r->error));
    if (draft.other[0] != '\0')
        GJ_TRY(gj_golden_who(r->yaml, r->c, draft.other, body->line, body->key, &step->other, r->error));
    if (step->verb != GJ_VERB_ORDER) return GJ_OK;
    if ((draft.who[0] == '\0') == (draft.other[0] == '\0'))
        return refuse(r, body->line, "order", "must say recipient or by");
    if (draft.other[0] != '\0') gj_golden_skip(r->c, "networks");
    return read_payers(r, draft.payers, step);
}

/* The step's one verb, and the keys that may stand beside it. */
static enum gj_err find_verb(const struct reading *r, const struct gj_yaml_node *map,
                             struct gj_golden_step *step, const struct gj_yaml_node **ret_body,
                             const struct gj_yaml_node **ret_expect) {
    step->verb = GJ_VERB_COUNT;
    *ret_expect = NULL;
    if (map->kind != GJ_YAML_MAP) return refuse(r, map->line, "do", "must be a list of steps");
    for (const struct gj_yaml_node *node = map->first; node != NULL; node = node->next) {
        size_t verb = 0;
        while (verb < GJ_VERB_COUNT && strcmp(verbs[verb].word, node->key) != 0)
            verb++;
        if (verb < GJ_VERB_COUNT) {
            if (step->verb != GJ_VERB_COUNT) return refuse(r, node->line, node->key, "is a second step");
            step->verb = (enum gj_golden_verb)verb;
            *ret_body = node;
        } else if (strcmp(node->key, "expect") == 0) {
            *ret_expect = node;
        } else if (strcmp(node->key, "date") != 0 || gj_yaml_get(map, "job") == NULL) {
            return refuse(r, node->line, node->key, "is no step that is known");
        }
    }
    if (step->verb == GJ_VERB_COUNT) return refuse(r, map->line, "do", "a step has no verb");
    return GJ_OK;
}

static enum gj_err read_step(const struct reading *r, const struct gj_yaml_node *map) {
    const struct gj_yaml_node *body = NULL, *expect = NULL;
    if (r->c->n_steps == GJ_GOLDEN_STEPS_MAX) return refuse(r, map->line, "do", "has too many steps");
    struct gj_golden_step *step = &r->c->steps[r->c->n_steps++];
    step->line = map->line;
    GJ_TRY(find_verb(r, map, step, &body, &expect));
    if (verbs[step->verb].skip != NULL) gj_golden_skip(r->c, verbs[step->verb].skip);
    if (rules[step->verb].keys != NULL) GJ_TRY(read_body(r, body, step));
    if (step->verb == GJ_VERB_BALANCES) return read_expect(r, body, step, &step->expect);
    if (expect == NULL && rules[step->verb].must_expect)
        return refuse(r, map->line, "expect", "is missing: the step could not fail");
    if (expect != NULL) GJ_TRY(read_expect(r, expect, step, &step->expect));
    return check_sum(r, step);
}

enum gj_err gj_golden_read_steps(const struct gj_yaml *yaml, const struct gj_yaml_node *list,
                                 struct gj_golden_case *ret, struct gj_conf_error *ret_error) {
    const struct reading r = {yaml, ret, ret_error};
    if (list->kind != GJ_YAML_LIST || list->n == 0)
        return refuse(&r, list->line, "do", "must be a list of steps");
    for (const struct gj_yaml_node *node = list->first; node != NULL; node = node->next)
        GJ_TRY(read_step(&r, node));
    return GJ_OK;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Rule packs from YAML, one pack a file. Strict: a pack that says something unknown, contradictory or not yet
 * supported is refused as a whole. It must never know a region by name: what a region allows is in its file.
 */
#include "conf/packs.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "conf/keys.h"

struct draft {
    struct gj_pack pack;
    uint32_t scope; /* 0 local, 1 cross_province */
    char source[513];
    const struct gj_yaml_node *relations, *relation_limits, *own_order, *uses, *excluded_insutypes;
};

static const char *const scopes[] = {"local", "cross_province", NULL};
static const char *const draws[] = {"CASCADE", "ONE", NULL};
static const char *const reaches[] = {"national", "province", "region", NULL};
static const char *const unreachables[] = {"SKIP", "REFUSE", NULL};
static const char *const after_exits[] = {"suspense", "origin", NULL};

/* The words above stand in the order of their enums. */
_Static_assert(GJ_DRAW_CASCADE == 0 && GJ_DRAW_ONE == 1, "draws");
_Static_assert(GJ_REACH_NATIONAL == 0 && GJ_REACH_PROVINCE == 1 && GJ_REACH_REGION == 2, "reaches");
_Static_assert(GJ_UNREACHABLE_SKIP == 0 && GJ_UNREACHABLE_REFUSE == 1, "unreachables");
_Static_assert(GJ_REFUND_TO_SUSPENSE == 0 && GJ_REFUND_TO_ORIGIN == 1, "after_exits");

#define AT(field)   offsetof(struct draft, pack.field)
#define NODE(field) offsetof(struct draft, field)
#define COUNT_MAX   1000

static const struct gj_key pack_keys[] = {
    {"id", GJ_KEY_TEXT, AT(id), 1, GJ_REF_MAX, NULL, NULL, "names the pack in every decision"},
    {"region", GJ_KEY_TEXT, AT(region), GJ_REGION_MAX, GJ_REGION_MAX, NULL, NULL,
     "a region, a city XXXX00, a province XX0000, or 000000"},
    {"scope", GJ_KEY_WORD, NODE(scope), 0, 0, scopes, "local",
     "cross_province: payer and patient in different provinces"},
    {"version", GJ_KEY_U64, AT(version), 1, INT64_C(999999999999), NULL, NULL, "grows with every edition"},
    {"source", GJ_KEY_TEXT, NODE(source), 1, 512, NULL, NULL, "the document that the pack follows"},
    {"valid_from", GJ_KEY_DATE, AT(valid_from), 0, 0, NULL, NULL, "first day"},
    {"valid_to", GJ_KEY_DATE, AT(valid_to), 0, 0, NULL, "", "last day; absent: open"},
    {"relations", GJ_KEY_NODE, NODE(relations), 0, 0, NULL, NULL,
     "what the recipient may be to the payer (R10-R13)"},
    {"relation_limits", GJ_KEY_NODE, NODE(relation_limits), 0, 0, NULL, "",
     "most relatives of one relation (R14)"},
    {"max_members", GJ_KEY_U32, AT(max_members), 0, COUNT_MAX, NULL, "0",
     "people in one network, payer included; 0: no limit (R15)"},
    {"max_networks", GJ_KEY_U32, AT(max_networks), 0, COUNT_MAX, NULL, "0",
     "payers of one recipient; 0: no limit (R16)"},
    {"reach", GJ_KEY_WORD, AT(reach), 0, 0, reaches, NULL, "national, province, region (R20-R22)"},
    {"draw", GJ_KEY_WORD, AT(draw), 0, 0, draws, NULL, "CASCADE through the payers, or ONE (R46, R47)"},
    {"own_order", GJ_KEY_NODE, NODE(own_order), 0, 0, NULL, NULL,
     "the patient's own sub-accounts, in order (R43)"},
    {"min_retention", GJ_KEY_FEN, AT(min_retention_fen), 0, 0, NULL, "0",
     "yuan that stay with the payer (R49)"},
    {"per_settlement_cap", GJ_KEY_FEN, AT(per_settlement_cap_fen), 0, 0, NULL, "0",
     "yuan from one payer in one settlement; 0: none (R51)"},
    {"annual_cap", GJ_KEY_FEN, AT(annual_cap_fen), 0, 0, NULL, "0",
     "yuan from one payer in a calendar year; 0: none (R51)"},
    {"uses", GJ_KEY_NODE, NODE(uses), 0, 0, NULL, NULL, "what the money may be for (R70-R73)"},
    {"premium_only_inside_province", GJ_KEY_BOOL, AT(premium_only_inside_province), 0, 0, NULL, "false",
     "R23"},
    {"uses_only_inside_province", GJ_KEY_BOOL, AT(uses_only_inside_province), 0, 0, NULL, "false", "R24"},
    {"lapsed_payer_may_pay", GJ_KEY_BOOL, AT(lapsed_payer_may_pay), 0, 0, NULL, "false", "R83 before R3"},
    {"excluded_insutypes", GJ_KEY_NODE, NODE(excluded_insutypes), 0, 0, NULL, "",
     "insurance types that take no part (R7)"},
    {"on_unreachable", GJ_KEY_WORD, AT(on_unreachable), 0, 0, unreachables, "SKIP",
     "a payer's node that does not answer: SKIP or REFUSE"},
    {"refund_after_exit", GJ_KEY_WORD, AT(refund_after_exit), 0, 0, after_exits, "suspense",
     "suspense or origin (R80, R81)"},
    {"bind", GJ_KEY_ONLY, 0, 0, 0, NULL, "INSTANT", "a relation is in force at once (R27)"},
    {"pooled", GJ_KEY_ONLY, 0, 0, 0, NULL, "false", "pooled sub-accounts (R60)"},
    {"quota", GJ_KEY_ONLY, 0, 0, 0, NULL, "false",
     "a limit per relation, frozen in the payer's account (R29)"},
};
#define N_PACK_KEYS (sizeof pack_keys / sizeof pack_keys[0])

#define BIT(n)  (UINT32_C(1) << (n))
#define NEAREST (BIT(GJ_RELATION_SPOUSE) | BIT(GJ_RELATION_PARENT) | BIT(GJ_RELATION_CHILD))
#define NEXT    (BIT(GJ_RELATION_SIBLING) | BIT(GJ_RELATION_GRANDPARENT) | BIT(GJ_RELATION_GRANDCHILD))
#define NEAR    (NEAREST | NEXT)

struct relation_set {
    const char *word;
    uint32_t bits;
};

/* The three sets that regulations name as a whole (R10, R11, R13). */
static const struct relation_set relation_sets[] = {
    {"nearest_relatives", NEAREST},
    {"near_relatives", NEAR},
    {"near_relatives_and_spouse_parents", NEAR | BIT(GJ_RELATION_SPOUSE_PARENT)},
};

struct loading {
    const struct gj_yaml *yaml;
    const struct gj_yaml_node *map;
    struct gj_conf_error *error;
};

static enum gj_err refuse(const struct loading *l, unsigned line, const char *key, const char *what) {
    return gj_conf_fail(l->error, GJ_ERR_BAD_CONFIG, gj_yaml_name(l->yaml), line, key, "%s", what);
}

static enum gj_err refuse_key(const struct loading *l, const char *key, const char *what) {
    const struct gj_yaml_node *node = gj_yaml_get(l->map, key);
    return refuse(l, node != NULL ? node->line : l->map->line, key, what);
}

static enum gj_err check_words(const struct loading *l, const struct gj_yaml_node *list, const char *key) {
    if (list->kind != GJ_YAML_LIST) return refuse(l, list->line, key, "must be a list of words");
    for (const struct gj_yaml_node *word = list->first; word != NULL; word = word->next) {
        if (word->kind != GJ_YAML_SCALAR) return refuse(l, word->line, key, "must be a list of words");
        for (const struct gj_yaml_node *other = list->first; other != word; other = other->next) {
            if (strcmp(other->text, word->text) == 0)
                return refuse(l, word->line, key, "names one word twice");
        }
    }
    return GJ_OK;
}

static enum gj_err read_relation(const struct loading *l, const char *word, unsigned line, const char *key,
                                 enum gj_relation *ret) {
    *ret = gj_relation_of(word);
    if (*ret != GJ_RELATION_COUNT && *ret != GJ_RELATION_SELF && *ret != GJ_RELATION_OTHER) return GJ_OK;
    return refuse(l, line, key,
                  "knows spouse, parent, child, sibling, grandparent, grandchild and spouse_parent");
}

static enum gj_err read_relations(const struct loading *l, const struct gj_yaml_node *node,
                                  struct gj_pack *pack) {
    pack->relations = 0;
    if (node->kind == GJ_YAML_SCALAR) {
        for (size_t i = 0; i < sizeof relation_sets / sizeof relation_sets[0]; i++) {
            if (strcmp(node->text, relation_sets[i].word) == 0) pack->relations = relation_sets[i].bits;
        }
        if (pack->relations != 0) return GJ_OK;
        return refuse(
            l, node->line, "relations",
            "must be a list, or nearest_relatives, near_relatives, near_relatives_and_spouse_parents");
    }
    GJ_TRY(check_words(l, node, "relations"));
    for (const struct gj_yaml_node *word = node->first; word != NULL; word = word->next) {
        enum gj_relation relation = GJ_RELATION_COUNT;
        GJ_TRY(read_relation(l, word->text, word->line, "relations", &relation));
        pack->relations |= BIT(relation);
    }
    return pack->relations != 0 ? GJ_OK : refuse(l, node->line, "relations", "must not be empty");
}

static enum gj_err read_limits(const struct loading *l, const struct gj_yaml_node *map,
                               struct gj_pack *pack) {
    memset(pack->relation_limits, 0, sizeof pack->relation_limits);
    if (map->kind != GJ_YAML_MAP)
        return refuse(l, map->line, "relation_limits", "must be a map, relation to number");
    for (const struct gj_yaml_node *node = map->first; node != NULL; node = node->next) {
        enum gj_relation relation = GJ_RELATION_COUNT;
        GJ_TRY(read_relation(l, node->key, node->line, "relation_limits", &relation));
        size_t digits = strspn(node->text, "0123456789");
        long limit = strtol(node->text, NULL, 10);
        if (digits == 0 || digits > 4 || node->text[digits] != '\0' || limit < 1 || limit > COUNT_MAX) {
            return refuse(l, node->line, "relation_limits", "must be whole numbers from 1 to 1000");
        }
        if ((pack->relations & BIT(relation)) == 0) {
            return refuse(l, node->line, "relation_limits",
                          "limits a relation that relations does not allow");
        }
        pack->relation_limits[relation] = (uint32_t)limit;
    }
    return GJ_OK;
}

static enum gj_err read_own_order(const struct loading *l, const struct gj_yaml_node *list,
                                  struct gj_pack *pack) {
    GJ_TRY(check_words(l, list, "own_order"));
    if (list->n == 0 || list->n > 2)
        return refuse(l, list->line, "own_order", "must name prior, current or both");
    pack->n_own_order = 0;
    for (const struct gj_yaml_node *word = list->first; word != NULL; word = word->next) {
        enum gj_sub sub = gj_sub_of(word->text);
        if (sub != GJ_SUB_PRIOR && sub != GJ_SUB_CURRENT) {
            return refuse(l, word->line, "own_order", "must name prior, current or both");
        }
        pack->own_order[pack->n_own_order++] = sub;
    }
    return GJ_OK;
}

static enum gj_err read_uses(const struct loading *l, const struct gj_yaml_node *list, struct gj_pack *pack) {
    GJ_TRY(check_words(l, list, "uses"));
    pack->uses = 0;
    for (const struct gj_yaml_node *word = list->first; word != NULL; word = word->next) {
        enum gj_use use = gj_use_of(word->text);
        char what[160];
        if (use == GJ_USE_COUNT) {
            (void)snprintf(what, sizeof what, "%.40s is no use that is known here", word->text);
            return refuse(l, word->line, "uses", what);
        }
        if (strcmp(gj_use_rule(use), "R74") == 0) {
            (void)snprintf(what, sizeof what, "%.40s is forbidden everywhere (R74)", word->text);
            return refuse(l, word->line, "uses", what);
        }
        pack->uses |= BIT(use);
    }
    return pack->uses != 0 ? GJ_OK : refuse(l, list->line, "uses", "must not be empty");
}

static enum gj_err read_excluded(const struct loading *l, const struct gj_yaml_node *list,
                                 struct gj_pack *pack) {
    GJ_TRY(check_words(l, list, "excluded_insutypes"));
    if (list->n > GJ_PACK_EXCLUDED_MAX)
        return refuse(l, list->line, "excluded_insutypes", "has too many entries");
    memset(pack->excluded_insutypes, 0, sizeof pack->excluded_insutypes);
    pack->n_excluded_insutypes = 0;
    for (const struct gj_yaml_node *word = list->first; word != NULL; word = word->next) {
        if (strlen(word->text) != 3 || strspn(word->text, "0123456789") != 3) {
            return refuse(l, word->line, "excluded_insutypes", "must be codes of three digits");
        }
        if (strcmp(word->text, "310") == 0) {
            return refuse(l, word->line, "excluded_insutypes",
                          "310 cannot be excluded: nobody could pay (R1)");
        }
        gj_text_set(pack->excluded_insutypes[pack->n_excluded_insutypes++], 4, word->text);
    }
    return GJ_OK;
}

static enum gj_err read_nodes(const struct loading *l, struct draft *draft) {
    struct gj_pack *pack = &draft->pack;
    if (draft->relations != NULL) GJ_TRY(read_relations(l, draft->relations, pack));
    if (draft->relation_limits != NULL) GJ_TRY(read_limits(l, draft->relation_limits, pack));
    if (draft->own_order != NULL) GJ_TRY(read_own_order(l, draft->own_order, pack));
    if (draft->uses != NULL) GJ_TRY(read_uses(l, draft->uses, pack));
    if (draft->excluded_insutypes != NULL) GJ_TRY(read_excluded(l, draft->excluded_insutypes, pack));
    return GJ_OK;
}

/* What each key allows alone, but not together. */
static enum gj_err check_contradictions(const struct loading *l, const struct gj_pack *pack) {
    const uint32_t premiums =
        BIT(GJ_USE_RESIDENT_PREMIUM) | BIT(GJ_USE_CARE_PREMIUM) | BIT(GJ_USE_SUPPLEMENT_PREMIUM);
    if (!gj_region_is_valid(pack->region)) return refuse_key(l, "region", "must be six digits");
    if (pack->valid_to != 0 && pack->valid_to < pack->valid_from) {
        return refuse_key(l, "valid_to", "lies before valid_from");
    }
    if (pack->cross_province && pack->reach != GJ_REACH_NATIONAL) {
        return refuse_key(l, "reach", "a pack of scope cross_province must have reach national");
    }
    if (pack->cross_province && pack->uses_only_inside_province) {
        return refuse_key(l, "uses_only_inside_province", "contradicts scope cross_province");
    }
    if (pack->annual_cap_fen != 0 && pack->per_settlement_cap_fen > pack->annual_cap_fen) {
        return refuse_key(l, "per_settlement_cap", "is above annual_cap");
    }
    if (pack->max_members == 1)
        return refuse_key(l, "max_members", "must be 0, or 2 and more: a payer and a relative");
    if (pack->premium_only_inside_province && (pack->uses & premiums) == 0) {
        return refuse_key(l, "premium_only_inside_province", "uses allows no premium");
    }
    return GJ_OK;
}

static enum gj_err read_pack(const struct loading *l, enum gj_keys_mode mode, struct draft *draft,
                             struct gj_pack *ret) {
    GJ_TRY(gj_keys_read(l->yaml, l->map, "", pack_keys, N_PACK_KEYS, mode, draft, l->error));
    draft->pack.cross_province = draft->scope == 1;
    GJ_TRY(read_nodes(l, draft));
    GJ_TRY(check_contradictions(l, &draft->pack));
    *ret = draft->pack;
    return GJ_OK;
}

enum gj_err gj_pack_read(const struct gj_yaml *yaml, const struct gj_yaml_node *map, struct gj_pack *ret,
                         struct gj_conf_error *ret_error) {
    struct draft draft = {.relations = NULL};
    return read_pack(&(struct loading){yaml, map, ret_error}, GJ_KEYS_WHOLE, &draft, ret);
}

enum gj_err gj_pack_change(const struct gj_yaml *yaml, const struct gj_yaml_node *map, struct gj_pack *pack,
                           struct gj_conf_error *ret_error) {
    struct draft draft = {.pack = *pack, .scope = pack->cross_province ? 1 : 0};
    return read_pack(&(struct loading){yaml, map, ret_error}, GJ_KEYS_CHANGES, &draft, pack);
}

enum gj_err gj_pack_load_lines(const char *path, struct gj_pack *ret, struct gj_pack_lines *ret_lines,
                               struct gj_conf_error *ret_error) {
    struct gj_yaml *yaml = NULL;
    GJ_TRY(gj_yaml_load(path, &yaml, ret_error));
    const struct gj_yaml_node *root = gj_yaml_root(yaml);
    struct gj_pack pack;
    enum gj_err err = gj_pack_read(yaml, root, &pack, ret_error);
    if (err == GJ_OK) {
        struct gj_hasher hasher = gj_crypto_hasher(NULL);
        struct gj_slice bytes = gj_yaml_bytes(yaml);
        gj_digest_of(&hasher, GJ_HASH_SM3, &bytes, 1, &pack.digest);
        *ret_lines =
            (struct gj_pack_lines){gj_yaml_get(root, "id")->line, gj_yaml_get(root, "valid_from")->line};
        *ret = pack;
    }
    gj_yaml_free(&yaml);
    return err;
}

enum gj_err gj_pack_load(const char *path, struct gj_pack *ret, struct gj_conf_error *ret_error) {
    struct gj_pack_lines lines;
    return gj_pack_load_lines(path, ret, &lines, ret_error);
}

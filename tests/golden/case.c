/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads a case: its pack, people, network and bindings. The steps are read in step.c. Nothing may be passed over:
 * a key that no table here has is the case's failure, also in a case that this version cannot run.
 */
#include "golden.h"

#include <stddef.h>
#include <string.h>

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

static enum gj_err read_keys(const struct reading *r, const struct gj_yaml_node *map, const char *prefix,
                             const struct gj_key *keys, size_t n, void *ret) {
    return gj_keys_read(r->yaml, map, prefix, keys, n, GJ_KEYS_WHOLE, ret, r->error);
}

void gj_golden_skip(struct gj_golden_case *c, const char *why) {
    if (c->skip[0] == '\0') (void)snprintf(c->skip, sizeof c->skip, "%.190s", why);
}

enum gj_err gj_golden_who(const struct gj_yaml *yaml, const struct gj_golden_case *c, const char *name,
                          unsigned line, const char *key, size_t *ret, struct gj_conf_error *ret_error) {
    for (size_t i = 0; i < c->n_people; i++) {
        *ret = i;
        if (strcmp(c->people[i].name, name) == 0) return GJ_OK;
    }
    return gj_conf_fail(ret_error, GJ_ERR_BAD_CONFIG, gj_yaml_name(yaml), line, key, "%s is nobody of people",
                        name);
}

/* --- packs ---------------------------------------------------------------------------------------------------- */
/* What a case's pack may say beyond what this version's packs hold. */
struct beyond {
    bool pooled, quota, own_mutual_counts_as_one, initiator_needs_prior;
    uint32_t annual_interest_bp;
};

static const struct gj_key beyond_keys[] = {
    {"pooled", GJ_KEY_BOOL, offsetof(struct beyond, pooled), 0, 0, NULL, "false", ""},
    {"quota", GJ_KEY_BOOL, offsetof(struct beyond, quota), 0, 0, NULL, "false", ""},
    {"own_mutual_counts_as_one", GJ_KEY_BOOL, offsetof(struct beyond, own_mutual_counts_as_one), 0, 0, NULL,
     "false", ""},
    {"initiator_needs_prior", GJ_KEY_BOOL, offsetof(struct beyond, initiator_needs_prior), 0, 0, NULL,
     "false", ""},
    {"annual_interest_bp", GJ_KEY_U32, offsetof(struct beyond, annual_interest_bp), 0, 10000, NULL, "0", ""},
};

/* Relations spouse, parent, child; own account first; CASCADE from the payer's prior; no retention, no caps;
 * the ordinary uses; national; at once; refund after exit to suspense. */
static void default_pack(struct gj_pack *ret) {
    *ret = (struct gj_pack){.version = 1,
                            .valid_from = 20200101,
                            .relations =
                                1u << GJ_RELATION_SPOUSE | 1u << GJ_RELATION_PARENT | 1u << GJ_RELATION_CHILD,
                            .reach = GJ_REACH_NATIONAL,
                            .draw = GJ_DRAW_CASCADE,
                            .own_order = {GJ_SUB_PRIOR},
                            .n_own_order = 1,
                            .uses = 1u << GJ_USE_OUTPATIENT | 1u << GJ_USE_INPATIENT | 1u << GJ_USE_CHRONIC |
                                    1u << GJ_USE_PHARMACY | 1u << GJ_USE_RESIDENT_PREMIUM,
                            .on_unreachable = GJ_UNREACHABLE_SKIP,
                            .refund_after_exit = GJ_REFUND_TO_SUSPENSE};
    gj_text_set(ret->id, sizeof ret->id, "golden");
    gj_text_set(ret->region, sizeof ret->region, "000000");
    ret->digest.bytes[0] = GJ_HASH_SM3;
}

static bool is_beyond(const char *key) {
    for (size_t i = 0; i < N(beyond_keys); i++)
        if (strcmp(beyond_keys[i].name, key) == 0) return true;
    return false;
}

/* |map| without, or only with, the keys beyond this version's packs. |items| has room for all. */
static struct gj_yaml_node part_of(const struct gj_yaml_node *map, bool beyond, struct gj_yaml_node *items) {
    struct gj_yaml_node part = *map;
    part.n = 0;
    part.first = NULL;
    for (const struct gj_yaml_node *node = map->first; node != NULL; node = node->next) {
        if (is_beyond(node->key) != beyond) continue;
        items[part.n] = *node;
        items[part.n].next = NULL;
        if (part.n > 0) items[part.n - 1].next = &items[part.n];
        part.first = items;
        part.n++;
    }
    return part;
}

static enum gj_err change_pack(const struct reading *r, const struct gj_yaml_node *map,
                               struct gj_pack *pack) {
    struct gj_yaml_node items[GJ_YAML_KEYS_MAX];
    struct beyond beyond;
    if (map->kind != GJ_YAML_MAP) return refuse(r, map->line, "pack", "must be a map of keys");
    struct gj_yaml_node part = part_of(map, true, items);
    GJ_TRY(read_keys(r, &part, "pack.", beyond_keys, N(beyond_keys), &beyond));
    if (beyond.pooled || beyond.own_mutual_counts_as_one) gj_golden_skip(r->c, "pooled sub-accounts");
    if (beyond.quota) gj_golden_skip(r->c, "quotas");
    if (beyond.initiator_needs_prior) gj_golden_skip(r->c, "networks");
    if (beyond.annual_interest_bp != 0) gj_golden_skip(r->c, "jobs");
    part = part_of(map, false, items);
    enum gj_err err = gj_pack_change(r->yaml, &part, pack, r->error);
    if (err != GJ_ERR_NOT_SUPPORTED) return err;
    gj_golden_skip(r->c, r->error->text);
    return GJ_OK;
}

static enum gj_err read_packs(const struct reading *r, const struct gj_yaml_node *all,
                              const struct gj_yaml_node *regions) {
    struct gj_golden_case *c = r->c;
    default_pack(&c->packs[0]);
    c->n_packs = 1;
    if (all != NULL) GJ_TRY(change_pack(r, all, &c->packs[0]));
    if (regions == NULL) return GJ_OK;
    if (regions->kind != GJ_YAML_MAP)
        return refuse(r, regions->line, "packs", "must be a map, region to pack");
    c->is_placed = true;
    for (const struct gj_yaml_node *node = regions->first; node != NULL; node = node->next) {
        if (c->n_packs > GJ_GOLDEN_PACKS_MAX) return refuse(r, node->line, "packs", "has too many regions");
        if (!gj_golden_region_is_known(node->key))
            return refuse(r, node->line, node->key, "is no region of the runner's provinces");
        struct gj_pack *pack = &c->packs[c->n_packs];
        *pack = c->packs[0];
        gj_text_set(pack->region, sizeof pack->region, node->key);
        pack->digest.bytes[1] = (uint8_t)c->n_packs++;
        GJ_TRY(change_pack(r, node, pack));
    }
    return GJ_OK;
}

/* --- people --------------------------------------------------------------------------------------------------- */
struct draft_person {
    struct gj_golden_person person;
    char region[GJ_REGION_MAX + 1];
    const struct gj_yaml_node *enrolments, *mutual, *preset;
};

static const char *const stas_words[] = {"0", "1", "2", "4", NULL};
static const char *const status_words[] = {"normal", "frozen", "pending_liquidation", "liquidated", NULL};

#define OF_PERSON(field) offsetof(struct draft_person, person.field)
#define OF_DRAFT(field)  offsetof(struct draft_person, field)
static const struct gj_key person_keys[] = {
    {"insutype", GJ_KEY_TEXT, OF_PERSON(insutype), 3, 3, NULL, "390", ""},
    {"psn_insu_stas", GJ_KEY_CHOICE, OF_PERSON(psn_insu_stas), 1, 1, stas_words, "1", ""},
    {"status", GJ_KEY_CHOICE, OF_PERSON(status), 1, GJ_WORD_MAX, status_words, "normal", ""},
    {"prior", GJ_KEY_FEN, OF_PERSON(prior_fen), 0, 0, NULL, "0", ""},
    {"current", GJ_KEY_FEN, OF_PERSON(current_fen), 0, 0, NULL, "0", ""},
    {"mutual", GJ_KEY_NODE, OF_DRAFT(mutual), 0, 0, NULL, "", ""},
    {"preset", GJ_KEY_NODE, OF_DRAFT(preset), 0, 0, NULL, "", ""},
    {"region", GJ_KEY_TEXT, OF_DRAFT(region), 0, GJ_REGION_MAX, NULL, "", ""},
    {"enrolments", GJ_KEY_NODE, OF_DRAFT(enrolments), 0, 0, NULL, "", ""},
};

static enum gj_err add_region(const struct reading *r, struct gj_golden_person *person, const char *region,
                              unsigned line) {
    if (!gj_golden_region_is_known(region))
        return refuse(r, line, person->name, "names a region that is none of the runner's provinces");
    if (person->n_regions == GJ_GOLDEN_ENROLLED_MAX)
        return refuse(r, line, person->name, "has too many enrolments");
    gj_text_set(person->regions[person->n_regions++], GJ_REGION_MAX + 1, region);
    r->c->is_placed = true;
    return GJ_OK;
}

static enum gj_err read_places(const struct reading *r, const struct draft_person *draft,
                               struct gj_golden_person *person, unsigned line) {
    const struct gj_yaml_node *list = draft->enrolments;
    if (draft->region[0] != '\0') GJ_TRY(add_region(r, person, draft->region, line));
    if (list == NULL) return GJ_OK;
    if (draft->region[0] != '\0' || list->kind != GJ_YAML_LIST || list->n == 0)
        return refuse(r, list->line, "enrolments", "must be a list of regions, and no region beside it");
    for (const struct gj_yaml_node *node = list->first; node != NULL; node = node->next)
        GJ_TRY(add_region(r, person, node->text, node->line));
    for (size_t i = 1; i < person->n_regions; i++) {
        const char *first = gj_golden_node_of(person->regions[0]);
        if (strcmp(first, gj_golden_node_of(person->regions[i])) != 0)
            gj_golden_skip(r->c, "a look-up of enrolments at other nodes");
    }
    return GJ_OK;
}

static enum gj_err read_people(const struct reading *r, const struct gj_yaml_node *map) {
    struct gj_golden_case *c = r->c;
    if (map->kind != GJ_YAML_MAP || map->n == 0)
        return refuse(r, map->line, "people", "must be a map of people");
    for (const struct gj_yaml_node *node = map->first; node != NULL; node = node->next) {
        struct draft_person draft;
        char prefix[GJ_GOLDEN_WORD_MAX + 2];
        if (c->n_people == GJ_GOLDEN_PEOPLE_MAX) return refuse(r, node->line, node->key, "too many people");
        if (strlen(node->key) > GJ_GOLDEN_WORD_MAX || strchr(node->key, '.') != NULL)
            return refuse(r, node->line, node->key, "is no name of a person");
        memset(&draft, 0, sizeof draft);
        (void)snprintf(prefix, sizeof prefix, "%s.", node->key);
        GJ_TRY(read_keys(r, node, prefix, person_keys, N(person_keys), &draft));
        struct gj_golden_person *person = &c->people[c->n_people++];
        *person = draft.person;
        gj_text_set(person->name, sizeof person->name, node->key);
        bool has_money = person->prior_fen != 0 || person->current_fen != 0;
        if (has_money && strcmp(person->insutype, "310") != 0)
            return refuse(r, node->line, node->key, "has a balance, but no account (R5)");
        /* Pooled accounts come with the pack; without it such a key would mean nothing. */
        if ((draft.mutual != NULL || draft.preset != NULL) && c->skip[0] == '\0')
            return refuse(r, node->line, node->key, "has mutual or preset, but the pack is not pooled");
        GJ_TRY(read_places(r, &draft, person, node->line));
    }
    return GJ_OK;
}

/* --- relations that exist before the first step --------------------------------------------------------------- */
struct draft_binding {
    struct gj_golden_binding binding;
    char payer[GJ_GOLDEN_WORD_MAX + 1], recipient[GJ_GOLDEN_WORD_MAX + 1];
};

#define OF_BINDING(field) offsetof(struct draft_binding, field)
static const struct gj_key binding_keys[] = {
    {"payer", GJ_KEY_TEXT, OF_BINDING(payer), 1, GJ_GOLDEN_WORD_MAX, NULL, NULL, ""},
    {"recipient", GJ_KEY_TEXT, OF_BINDING(recipient), 1, GJ_GOLDEN_WORD_MAX, NULL, NULL, ""},
    {"relation", GJ_KEY_TEXT, OF_BINDING(binding.relation), 1, GJ_WORD_MAX, NULL, NULL, ""},
    {"order", GJ_KEY_U64, OF_BINDING(binding.order), 1, GJ_SOURCES_MAX, NULL, NULL, ""},
};

static enum gj_err read_bindings(const struct reading *r, const struct gj_yaml_node *list) {
    struct gj_golden_case *c = r->c;
    if (list == NULL) return GJ_OK;
    if (list->kind != GJ_YAML_LIST) return refuse(r, list->line, "bindings", "must be a list");
    for (const struct gj_yaml_node *node = list->first; node != NULL; node = node->next) {
        struct draft_binding draft;
        if (c->n_bindings == GJ_GOLDEN_BINDINGS_MAX)
            return refuse(r, node->line, "bindings", "has too many entries");
        memset(&draft, 0, sizeof draft);
        GJ_TRY(read_keys(r, node, "bindings.", binding_keys, N(binding_keys), &draft));
        struct gj_golden_binding *binding = &c->bindings[c->n_bindings++];
        *binding = draft.binding;
        GJ_TRY(gj_golden_who(r->yaml, c, draft.payer, node->line, "payer", &binding->payer, r->error));
        GJ_TRY(gj_golden_who(r->yaml, c, draft.recipient, node->line, "recipient", &binding->recipient,
                             r->error));
    }
    return GJ_OK;
}

struct draft_network {
    char initiator[GJ_GOLDEN_WORD_MAX + 1];
    const struct gj_yaml_node *members, *order;
};
struct draft_member {
    char who[GJ_GOLDEN_WORD_MAX + 1], relation[GJ_WORD_MAX + 1];
};
static const struct gj_key network_keys[] = {
    {"initiator", GJ_KEY_TEXT, offsetof(struct draft_network, initiator), 1, GJ_GOLDEN_WORD_MAX, NULL, NULL,
     ""},
    {"members", GJ_KEY_NODE, offsetof(struct draft_network, members), 0, 0, NULL, NULL, ""},
    {"order", GJ_KEY_NODE, offsetof(struct draft_network, order), 0, 0, NULL, "", ""},
};
static const struct gj_key member_keys[] = {
    {"who", GJ_KEY_TEXT, offsetof(struct draft_member, who), 1, GJ_GOLDEN_WORD_MAX, NULL, NULL, ""},
    {"relation", GJ_KEY_TEXT, offsetof(struct draft_member, relation), 1, GJ_WORD_MAX, NULL, NULL, ""},
};

static enum gj_err read_network(const struct reading *r, const struct gj_yaml_node *map) {
    struct draft_network draft = {.members = NULL};
    size_t who;
    if (map == NULL) return GJ_OK;
    gj_golden_skip(r->c, "networks");
    GJ_TRY(read_keys(r, map, "network.", network_keys, N(network_keys), &draft));
    GJ_TRY(gj_golden_who(r->yaml, r->c, draft.initiator, map->line, "initiator", &who, r->error));
    for (const struct gj_yaml_node *node = draft.members->first; node != NULL; node = node->next) {
        struct draft_member member;
        GJ_TRY(read_keys(r, node, "network.members.", member_keys, N(member_keys), &member));
        GJ_TRY(gj_golden_who(r->yaml, r->c, member.who, node->line, "who", &who, r->error));
    }
    const struct gj_yaml_node *name = draft.order != NULL ? draft.order->first : NULL;
    for (; name != NULL; name = name->next)
        GJ_TRY(gj_golden_who(r->yaml, r->c, name->text, name->line, "order", &who, r->error));
    return GJ_OK;
}

/* --- the case --------------------------------------------------------------------------------------------------- */
struct draft_case {
    char id[81];
    const struct gj_yaml_node *from, *pack, *packs, *people, *network, *bindings, *steps;
};

#define OF_CASE(field) offsetof(struct draft_case, field)
static const struct gj_key case_keys[] = {
    {"id", GJ_KEY_TEXT, OF_CASE(id), 1, 80, NULL, NULL, "names the case"},
    {"from", GJ_KEY_NODE, OF_CASE(from), 0, 0, NULL, NULL, "rules that it shows"},
    {"pack", GJ_KEY_NODE, OF_CASE(pack), 0, 0, NULL, "", "differences from the default pack"},
    {"packs", GJ_KEY_NODE, OF_CASE(packs), 0, 0, NULL, "", "by region"},
    {"people", GJ_KEY_NODE, OF_CASE(people), 0, 0, NULL, NULL, ""},
    {"network", GJ_KEY_NODE, OF_CASE(network), 0, 0, NULL, "", ""},
    {"bindings", GJ_KEY_NODE, OF_CASE(bindings), 0, 0, NULL, "", ""},
    {"do", GJ_KEY_NODE, OF_CASE(steps), 0, 0, NULL, NULL, "the steps"},
};

/* Rule numbers: R, digits, at most one letter. */
static enum gj_err check_from(const struct reading *r, const struct gj_yaml_node *list) {
    if (list->kind != GJ_YAML_LIST || list->n == 0)
        return refuse(r, list->line, "from", "must be a list of rules");
    for (const struct gj_yaml_node *node = list->first; node != NULL; node = node->next) {
        size_t digits = node->text[0] == 'R' ? strspn(node->text + 1, "0123456789") : 0;
        size_t letters = digits > 0 ? strspn(node->text + 1 + digits, "ab") : 0;
        if (digits == 0 || letters > 1 || node->text[1 + digits + letters] != '\0')
            return refuse(r, node->line, "from", "must be a list of rules such as R51");
    }
    return GJ_OK;
}

enum gj_err gj_golden_read(const struct gj_yaml *yaml, const struct gj_yaml_node *map,
                           struct gj_golden_case *ret, struct gj_conf_error *ret_error) {
    const struct reading r = {yaml, ret, ret_error};
    struct draft_case draft = {.from = NULL};
    const struct gj_yaml_node *id = gj_yaml_get(map, "id");
    memset(ret, 0, sizeof *ret);
    ret->line = map->line;
    (void)snprintf(ret->id, sizeof ret->id, "%.80s", id != NULL ? id->text : "?");
    GJ_TRY(read_keys(&r, map, "", case_keys, N(case_keys), &draft));
    GJ_TRY(check_from(&r, draft.from));
    GJ_TRY(read_packs(&r, draft.pack, draft.packs));
    GJ_TRY(read_people(&r, draft.people));
    GJ_TRY(read_network(&r, draft.network));
    GJ_TRY(read_bindings(&r, draft.bindings));
    return gj_golden_read_steps(yaml, draft.steps, ret, ret_error);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Rule packs: the words of their closed lists, and which packs are in force for a region on a date.
 * Knows no region by name: whatever differs between regions is a field of a pack.
 */
#include "domain/pack.h"

#include "domain/books/judge.h"

#include <string.h>

static const char *const relation_words[] = {
#define X(name, word) word,
    GJ_RELATIONS(X)
#undef X
};

static const struct {
    const char *word, *rule;
} uses[] = {
#define X(name, word, rule) {word, rule},
    GJ_USES(X)
#undef X
};

static const char *const sub_words[] = {"prior", "current", "mutual", "suspense"};

const char *gj_relation_word(enum gj_relation relation) {
    return relation < GJ_RELATION_COUNT ? relation_words[relation] : "";
}

enum gj_relation gj_relation_of(const char *word) {
    for (unsigned i = 0; i < GJ_RELATION_COUNT; i++) {
        if (strcmp(relation_words[i], word) == 0) return (enum gj_relation)i;
    }
    return GJ_RELATION_COUNT;
}

const char *gj_use_word(enum gj_use use) {
    return use < GJ_USE_COUNT ? uses[use].word : "";
}

enum gj_use gj_use_of(const char *word) {
    for (unsigned i = 0; i < GJ_USE_COUNT; i++) {
        if (strcmp(uses[i].word, word) == 0) return (enum gj_use)i;
    }
    return GJ_USE_COUNT;
}

const char *gj_use_rule(enum gj_use use) {
    return use < GJ_USE_COUNT ? uses[use].rule : "";
}

enum gj_use gj_use_of_med_type(const char *med_type) {
    static const struct {
        const char *code;
        enum gj_use use;
    } types[] = {
        {"11", GJ_USE_OUTPATIENT}, {"12", GJ_USE_OUTPATIENT}, {"13", GJ_USE_OUTPATIENT},
        {"14", GJ_USE_CHRONIC},    {"19", GJ_USE_OUTPATIENT}, {"21", GJ_USE_INPATIENT},
        {"22", GJ_USE_INPATIENT},  {"23", GJ_USE_INPATIENT},  {"24", GJ_USE_INPATIENT},
        {"41", GJ_USE_PHARMACY},   {"51", GJ_USE_OUTPATIENT}, {"52", GJ_USE_INPATIENT},
        {"53", GJ_USE_OUTPATIENT},
    };
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (strcmp(types[i].code, med_type) == 0) return types[i].use;
    }
    return GJ_USE_COUNT;
}

const char *gj_sub_word(enum gj_sub sub) {
    return sub < GJ_SUB_COUNT ? sub_words[sub] : "";
}

enum gj_sub gj_sub_of(const char *word) {
    for (unsigned i = 0; i < GJ_SUB_COUNT; i++) {
        if (strcmp(sub_words[i], word) == 0) return (enum gj_sub)i;
    }
    return GJ_SUB_COUNT;
}

bool gj_same_province(const char *region_a, const char *region_b) {
    return strncmp(region_a, region_b, 2) == 0;
}

/* --- look-up ---------------------------------------------------------------------------------------- */
static bool in_force(const struct gj_pack *pack, gj_date date) {
    return pack->valid_from <= date && (pack->valid_to == 0 || date <= pack->valid_to);
}

/* Of two packs for the same region, scope and date the later one counts. */
static bool is_later(const struct gj_pack *a, const struct gj_pack *b) {
    if (a->valid_from != b->valid_from) return a->valid_from > b->valid_from;
    return a->version > b->version;
}

static const struct gj_pack *find_exactly(const struct gj_packs *packs, const char *region,
                                          bool cross_province, gj_date date) {
    const struct gj_pack *best = NULL;
    for (size_t i = 0; i < packs->n; i++) {
        const struct gj_pack *pack = &packs->items[i];
        if (pack->cross_province != cross_province || strcmp(pack->region, region) != 0) continue;
        if (!in_force(pack, date)) continue;
        if (best == NULL || is_later(pack, best)) best = pack;
    }
    return best;
}

/* Region, city, province, nation: the first that has a pack. */
static const struct gj_pack *find_scope(const struct gj_packs *packs, const char *region, bool cross_province,
                                        gj_date date) {
    if (strlen(region) != GJ_REGION_MAX) return NULL;
    char level[GJ_REGION_MAX + 1];
    memcpy(level, region, sizeof(level));
    const struct gj_pack *pack = find_exactly(packs, level, cross_province, date);
    for (unsigned kept = 4; pack == NULL; kept -= 2) {
        memset(level + kept, '0', GJ_REGION_MAX - kept);
        pack = find_exactly(packs, level, cross_province, date);
        if (kept == 0) break;
    }
    return pack;
}

const struct gj_pack *gj_pack_find(const struct gj_packs *packs, const char *region, bool cross_province,
                                   gj_date date) {
    const struct gj_pack *pack = cross_province ? find_scope(packs, region, true, date) : NULL;
    return pack != NULL ? pack : find_scope(packs, region, false, date);
}

/* --- what is in force between two regions -------------------------------------------------------------- */
void gj_rules_find(const struct gj_packs *packs, const char *region, const char *other_region, gj_date date,
                   struct gj_rules *ret) {
    *ret = (struct gj_rules){.n = 0};
    memcpy(ret->region, region, strlen(region) + 1);
    const struct gj_pack *local = gj_pack_find(packs, region, false, date);
    if (!gj_same_province(region, other_region)) {
        const struct gj_pack *cross = gj_pack_find(packs, region, true, date);
        if (cross != NULL && cross->cross_province) ret->packs[ret->n++] = cross;
    }
    if (local != NULL) ret->packs[ret->n++] = local;
}

const struct gj_pack *gj_rules_refuse_use(const struct gj_rules *rules, enum gj_use use) {
    for (uint32_t i = 0; i < rules->n; i++) {
        if ((rules->packs[i]->uses & (UINT32_C(1) << use)) == 0) return rules->packs[i];
    }
    return NULL;
}

const struct gj_pack *gj_rules_refuse_reach(const struct gj_rules *rules, const char *other_region,
                                            const char **ret_rule) {
    bool same_region = strcmp(rules->region, other_region) == 0;
    bool same_province = gj_same_province(rules->region, other_region);
    for (uint32_t i = 0; i < rules->n; i++) {
        const struct gj_pack *pack = rules->packs[i];
        if (pack->reach == GJ_REACH_REGION && !same_region) {
            *ret_rule = "R20";
            return pack;
        }
        if (pack->reach == GJ_REACH_PROVINCE && !same_province) {
            *ret_rule = "R21";
            return pack;
        }
    }
    return NULL;
}

const char *gj_rules_none(const struct gj_rules *rules, const char *other_region) {
    return gj_same_province(rules->region, other_region) ? "R25" : "R22";
}

void gj_pack_ref_of(const struct gj_pack *pack, const char *region, struct gj_pack_ref *ret) {
    *ret = (struct gj_pack_ref){.version = 0};
    if (pack == NULL) return;
    gj_text_set(ret->region, sizeof(ret->region), region);
    gj_text_set(ret->pack, sizeof(ret->pack), pack->id);
    ret->version = pack->version;
    ret->digest = pack->digest;
}

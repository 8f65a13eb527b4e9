/* SPDX-License-Identifier: Apache-2.0
 *
 * A rule pack: what one region allows, from one date to another, as data. conf reads packs from YAML;
 * the domain only looks them up and evaluates them. Every decision names the rule (R..) behind it.
 */
#ifndef GJ_DOMAIN_PACK_H
#define GJ_DOMAIN_PACK_H

#include "base/clock.h"
#include "base/ids.h"
#include "base/limits.h"

/* What the recipient is to the payer. Own codes: no national table has the spouse's parents. */
#define GJ_RELATIONS(X)                                                                                      \
    X(SELF, "self")                                                                                          \
    X(SPOUSE, "spouse")                                                                                      \
    X(PARENT, "parent")                                                                                      \
    X(CHILD, "child")                                                                                        \
    X(SIBLING, "sibling")                                                                                    \
    X(GRANDPARENT, "grandparent")                                                                            \
    X(GRANDCHILD, "grandchild")                                                                              \
    X(SPOUSE_PARENT, "spouse_parent")                                                                        \
    X(OTHER, "other")

enum gj_relation {
#define X(name, word) GJ_RELATION_##name,
    GJ_RELATIONS(X)
#undef X
        GJ_RELATION_COUNT
};

/* What the money is for (section G of the rules): X(NAME, word, rule that allows or forbids it). */
#define GJ_USES(X)                                                                                           \
    X(OUTPATIENT, "outpatient", "R70")                                                                       \
    X(INPATIENT, "inpatient", "R70")                                                                         \
    X(CHRONIC, "chronic", "R70")                                                                             \
    X(PHARMACY, "pharmacy", "R71")                                                                           \
    X(RESIDENT_PREMIUM, "resident_premium", "R72")                                                           \
    X(CARE_PREMIUM, "care_premium", "R73")                                                                   \
    X(CHECKUP, "checkup", "R73")                                                                             \
    X(SUPPLEMENT_PREMIUM, "supplement_premium", "R73")                                                       \
    X(VACCINE, "vaccine", "R73")                                                                             \
    X(REHABILITATION, "rehabilitation", "R73")                                                               \
    X(PUBLIC_HEALTH, "public_health", "R74")                                                                 \
    X(FITNESS, "fitness", "R74")                                                                             \
    X(WELLNESS, "wellness", "R74")

enum gj_use {
#define X(name, word, rule) GJ_USE_##name,
    GJ_USES(X)
#undef X
        GJ_USE_COUNT
};

enum gj_draw { GJ_DRAW_CASCADE, GJ_DRAW_ONE };
enum gj_reach { GJ_REACH_NATIONAL, GJ_REACH_PROVINCE, GJ_REACH_REGION };
enum gj_sub { GJ_SUB_PRIOR, GJ_SUB_CURRENT, GJ_SUB_MUTUAL, GJ_SUB_SUSPENSE, GJ_SUB_COUNT };
enum gj_unreachable { GJ_UNREACHABLE_SKIP, GJ_UNREACHABLE_REFUSE };
enum gj_refund_after_exit { GJ_REFUND_TO_SUSPENSE, GJ_REFUND_TO_ORIGIN };

#define GJ_PACK_EXCLUDED_MAX 8

struct gj_pack {
    char id[GJ_REF_MAX + 1];        /* "330200-2025" */
    char region[GJ_REGION_MAX + 1]; /* a region, a city XXXX00, a province XX0000, or 000000 */
    bool cross_province;            /* scope: for payer and patient in different provinces */
    uint64_t version;
    gj_date valid_from, valid_to;                /* both days included; valid_to 0: open */
    uint32_t relations;                          /* bit per enum gj_relation */
    uint32_t relation_limits[GJ_RELATION_COUNT]; /* 0: no limit (R14) */
    uint32_t max_members;                        /* payer included; 0: no limit (R15) */
    uint32_t max_networks;                       /* bindings as a recipient; 0: no limit (R16) */
    enum gj_reach reach;                         /* R20, R21, R22 */
    enum gj_draw draw;                           /* R46, R47 */
    enum gj_sub own_order[2];                    /* the patient's own sub-accounts, in order */
    uint32_t n_own_order;
    int64_t min_retention_fen;                        /* R49 */
    int64_t per_settlement_cap_fen;                   /* 0: none (R51) */
    int64_t annual_cap_fen;                           /* 0: none (R51) */
    uint32_t uses;                                    /* bit per enum gj_use (R70-R74) */
    bool premium_only_inside_province;                /* R23 */
    bool uses_only_inside_province;                   /* R24 */
    bool lapsed_payer_may_pay;                        /* R83 against R3 */
    char excluded_insutypes[GJ_PACK_EXCLUDED_MAX][4]; /* R7 */
    uint32_t n_excluded_insutypes;
    enum gj_unreachable on_unreachable;
    enum gj_refund_after_exit refund_after_exit;
    struct gj_digest digest; /* of the pack's file, set by the loader */
};

/* All packs of a node; sorted or not, the look-up is by scope, region and date. Borrowed for life. */
struct gj_packs {
    const struct gj_pack *items;
    size_t n;
};

/* The pack for |region| on |date|: of the region, then its city XXXX00, its province XX0000, then 000000;
 * of the cross-province scope if |cross_province| and there is one, else a local one. NULL: none. */
const struct gj_pack *gj_pack_find(const struct gj_packs *packs, const char *region, bool cross_province,
                                   gj_date date);

const char *gj_relation_word(enum gj_relation relation);
enum gj_relation gj_relation_of(const char *word); /* GJ_RELATION_COUNT if unknown */
const char *gj_use_word(enum gj_use use);
enum gj_use gj_use_of(const char *word); /* GJ_USE_COUNT if unknown */
const char *gj_use_rule(enum gj_use use);
/* The use that a national med_type means: 11 12 13 19 51 53 outpatient, 14 chronic, 21-24 52 inpatient, 41 pharmacy. */
enum gj_use gj_use_of_med_type(const char *med_type);
const char *gj_sub_word(enum gj_sub sub);
enum gj_sub gj_sub_of(const char *word); /* GJ_SUB_COUNT if unknown */
bool gj_same_province(const char *region_a, const char *region_b);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * The nodes and the people of one run of a case: real engines and stores in this process, a fresh set for every
 * run. All people are invented: an identity number's first six digits are a whole city's code.
 */
#include "golden.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "domain/books.h"

static const struct gj_cluster_node provinces[] = {
    {.name = "330000", .regions = "330100 330200"},
    {.name = "360000", .regions = "360100 360800"},
    {.name = "130000", .regions = "130100 130200"},
    {.name = "450000", .regions = "450100 450200"},
};
#define N_PROVINCES (sizeof provinces / sizeof provinces[0])
_Static_assert(N_PROVINCES <= GJ_CLUSTER_NODES_MAX, "a case may need them all");

#define TOGETHER "360800"
static const char *const spread[] = {"330200", "360800", "130100"};
#define SPREAD_CARE "450100"

static const struct gj_cluster_node *province_of(const char *region) {
    if (!gj_region_is_valid(region)) return NULL;
    for (size_t i = 0; i < N_PROVINCES; i++)
        if (strstr(provinces[i].regions, region) != NULL) return &provinces[i];
    return NULL;
}

bool gj_golden_region_is_known(const char *region) {
    return province_of(region) != NULL;
}

const char *gj_golden_node_of(const char *region) {
    const struct gj_cluster_node *province = province_of(region);
    GJ_ASSERT(province != NULL);
    return province->name;
}

size_t gj_golden_node(const struct gj_golden_world *world, const char *region) {
    return gj_cluster_index(world->cluster, gj_golden_node_of(region));
}

/* --- people --------------------------------------------------------------------------------------------------- */
/* One person has one number, wherever he is enrolled. */
static void make_certno(size_t who, char ret[19]) {
    static const unsigned weights[17] = {7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2};
    unsigned sum = 0;
    (void)snprintf(ret, 19, "36080019800101%03u", (unsigned)(who + 1) % 1000u);
    for (size_t i = 0; i < 17; i++)
        sum += (unsigned)(ret[i] - '0') * weights[i];
    ret[17] = "10X98765432"[sum % 11];
    ret[18] = '\0';
}

static void make_ref(const char *region, size_t who, char ret[GJ_REF_MAX + 1]) {
    (void)snprintf(ret, GJ_REF_MAX + 1, "%s%04u", region, (unsigned)(who + 1) % 1000u);
}

void gj_golden_person(const struct gj_golden_world *world, size_t who, struct gj_req_person *ret) {
    memset(ret, 0, sizeof *ret);
    gj_text_set(ret->insuplc_admdvs, sizeof ret->insuplc_admdvs, world->home[who]);
    gj_text_set(ret->psn_cert_type, sizeof ret->psn_cert_type, "01");
    make_certno(who, ret->certno);
    (void)snprintf(ret->psn_name, sizeof ret->psn_name, "测试%s", world->c->people[who].name);
}

/* Enrolment |k| of a person; one without any of the case's own is enrolled at his home. */
static const char *enrolment(const struct gj_golden_world *world, size_t who, size_t k) {
    const struct gj_golden_person *person = &world->c->people[who];
    if (person->n_regions == 0) return k == 0 ? world->home[who] : NULL;
    return k < person->n_regions ? person->regions[k] : NULL;
}

struct loading {
    const struct gj_golden_world *world;
    size_t node;
};

/* The money is at the first enrolment. */
static void load_person(const struct gj_golden_world *world, struct gj_turn *turn, size_t who,
                        const char *region, bool is_first) {
    const struct gj_golden_person *person = &world->c->people[who];
    struct gj_req_person known;
    struct gj_person_in in = {.sealed = gj_slice_str("sealed"),
                              .has_account = strcmp(person->insutype, "310") == 0,
                              .prior_fen = is_first ? person->prior_fen : 0,
                              .current_fen = is_first ? person->current_fen : 0};
    gj_golden_person(world, who, &known);
    make_ref(region, who, in.person_ref);
    gj_text_set(in.region, sizeof in.region, region);
    gj_text_set(in.insutype, sizeof in.insutype, person->insutype);
    gj_text_set(in.psn_insu_stas, sizeof in.psn_insu_stas, "1");
    gj_text_set(in.account_status, sizeof in.account_status, "normal");
    gj_person_token(turn->hasher, known.psn_cert_type, known.certno, in.token);
    gj_name_token(turn->hasher, known.psn_name, in.name_token);
    gj_certno_mask(known.certno, in.masked);
    gj_name_mask(known.psn_name, in.name_masked);
    enum gj_err err = gj_books_add_person(turn, &in);
    GJ_ASSERT(err == GJ_OK);
}

static void load(void *ctx, struct gj_turn *turn) {
    const struct loading *loading = ctx;
    const struct gj_golden_world *world = loading->world;
    for (size_t who = 0; who < world->c->n_people; who++) {
        const char *region;
        for (size_t k = 0; (region = enrolment(world, who, k)) != NULL; k++)
            if (gj_golden_node(world, region) == loading->node) load_person(world, turn, who, region, k == 0);
    }
    if (gj_golden_node(world, world->care) != loading->node) return;
    enum gj_err err = gj_books_add_institution(turn, world->institution, "测试医院", 20200101, 0);
    GJ_ASSERT(err == GJ_OK);
}

static void change_enrolments(void *ctx, struct gj_turn *turn) {
    const struct loading *loading = ctx;
    const struct gj_golden_world *world = loading->world;
    for (size_t who = 0; who < world->c->n_people; who++) {
        const struct gj_golden_person *person = &world->c->people[who];
        const char *region;
        for (size_t k = 0; (region = enrolment(world, who, k)) != NULL; k++) {
            struct gj_person_row row = {.has_account = false};
            if (gj_golden_node(world, region) != loading->node) continue;
            make_ref(region, who, row.person_ref);
            bool found = gj_store_get(turn->store, &gj_table_person, &row, turn->scratch);
            GJ_ASSERT(found);
            gj_text_set(row.psn_insu_stas, sizeof row.psn_insu_stas, person->psn_insu_stas);
            gj_text_set(row.account_status, sizeof row.account_status, person->status);
            gj_store_put(turn->store, &gj_table_person, &row);
        }
    }
}

static void at_every_node(struct gj_golden_world *world, void (*edit)(void *ctx, struct gj_turn *turn)) {
    for (size_t node = 0; node < world->n_nodes; node++) {
        struct loading loading = {world, node};
        gj_cluster_edit(world->cluster, node, edit, &loading);
    }
}

void gj_golden_enrolment_change(struct gj_golden_world *world) {
    at_every_node(world, change_enrolments);
}

/* --- the world ------------------------------------------------------------------------------------------------- */
static void place(struct gj_golden_world *world) {
    const struct gj_golden_case *c = world->c;
    bool is_spread = world->layout == GJ_LAYOUT_SPREAD;
    for (size_t who = 0; who < c->n_people; who++) {
        const char *region = is_spread ? spread[who % 3] : TOGETHER;
        if (c->people[who].n_regions > 0) region = c->people[who].regions[0];
        gj_text_set(world->home[who], sizeof world->home[who], region);
    }
    /* As written: where the first person lives, so that what is inside his province is inside. */
    gj_text_set(world->care, sizeof world->care, is_spread ? SPREAD_CARE : world->home[0]);
    (void)snprintf(world->institution, sizeof world->institution, "H%.6s00001", world->care);
}

static void need(struct gj_golden_world *world, const char *region) {
    const struct gj_cluster_node *province = province_of(region);
    GJ_ASSERT(province != NULL);
    for (size_t i = 0; i < world->n_nodes; i++)
        if (world->nodes[i].name == province->name) return;
    world->nodes[world->n_nodes++] = *province;
}

void gj_golden_world_init(struct gj_golden_world *ret, const struct gj_golden_case *c,
                          enum gj_golden_layout layout) {
    const char *region;
    memset(ret, 0, sizeof *ret);
    ret->c = c;
    ret->layout = layout;
    ret->packs = (struct gj_packs){c->packs, c->n_packs};
    place(ret);
    need(ret, ret->care);
    for (size_t who = 0; who < c->n_people; who++)
        for (size_t k = 0; (region = enrolment(ret, who, k)) != NULL; k++)
            need(ret, region);
    const struct gj_cluster_config config = {
        .nodes = ret->nodes, .n_nodes = ret->n_nodes, .packs = &ret->packs, .seed = 1};
    ret->cluster = gj_cluster_new(&config);
    at_every_node(ret, load);
    gj_cluster_start(ret->cluster);
}

void gj_golden_world_done(struct gj_golden_world *world) {
    gj_cluster_free(&world->cluster);
}

void gj_golden_settle_down(struct gj_golden_world *world) {
    (void)gj_cluster_run(world->cluster, NULL, NULL, 1000);
}

/* --- balances --------------------------------------------------------------------------------------------------- */
struct looking {
    const char *ref;
    enum gj_golden_pot pot;
    int64_t fen;
};

static struct gj_account_row account_of(struct gj_turn *turn, const char *ref, enum gj_golden_pot sub) {
    struct gj_account_row row = {.balance_fen = 0};
    (void)snprintf(row.account, sizeof row.account, "P/%s/%s", ref, gj_golden_pot_word(sub));
    if (!gj_store_get(turn->store, &gj_table_account, &row, turn->scratch))
        row = (struct gj_account_row){.balance_fen = 0};
    return row;
}

static void look(void *ctx, struct gj_turn *turn) {
    struct looking *looking = ctx;
    struct gj_account_row row;
    switch (looking->pot) {
    case GJ_POT_PRIOR:
    case GJ_POT_CURRENT:
    case GJ_POT_MUTUAL:
    case GJ_POT_SUSPENSE:
        looking->fen = account_of(turn, looking->ref, looking->pot).balance_fen;
        return;
    case GJ_POT_HELD:
        for (enum gj_golden_pot sub = GJ_POT_PRIOR; sub <= GJ_POT_SUSPENSE; sub++)
            looking->fen += account_of(turn, looking->ref, sub).held_fen;
        return;
    case GJ_POT_AVAILABLE:
        row = account_of(turn, looking->ref, GJ_POT_PRIOR);
        looking->fen = row.balance_fen - row.held_fen;
        return;
    case GJ_POT_QUOTA: /* a source, not a balance */
    case GJ_POT_COUNT:
        return;
    }
}

int64_t gj_golden_balance(struct gj_golden_world *world, size_t who, enum gj_golden_pot pot) {
    char ref[GJ_REF_MAX + 1];
    make_ref(world->home[who], who, ref);
    struct looking looking = {.ref = ref, .pot = pot};
    gj_cluster_edit(world->cluster, gj_golden_node(world, world->home[who]), look, &looking);
    return looking.fen;
}

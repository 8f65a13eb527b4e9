/* SPDX-License-Identifier: Apache-2.0
 *
 * The nodes, people and the one rule pack of a seed. All people are invented: an identity number's first six digits
 * are a whole city's code.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/money.h"
#include "domain/books.h"
#include "sim.h"

static const struct gj_cluster_node provinces[SIM_NODES_MAX] = {
    {.name = "330000", .regions = "330100 330200"}, {.name = "360000", .regions = "360100 360800"},
    {.name = "130000", .regions = "130100 130200"}, {.name = "450000", .regions = "450100 450200"},
    {.name = "440000", .regions = "440100 440300"},
};
static const char *const regions[SIM_NODES_MAX][2] = {{"330100", "330200"},
                                                      {"360100", "360800"},
                                                      {"130100", "130200"},
                                                      {"450100", "450200"},
                                                      {"440100", "440300"}};

const char *sim_node_name(size_t node) {
    return provinces[node].name;
}

const char *const *sim_regions(size_t node) {
    return regions[node];
}

const char *sim_region(size_t node, unsigned which) {
    return regions[node][which % 2];
}

/* --- people --------------------------------------------------------------------------------------------- */
size_t sim_people(const struct sim *sim) {
    return 3 * sim->n;
}

struct sim_person sim_person(const struct sim *sim, size_t who) {
    size_t node = who % sim->n;
    unsigned nth = (unsigned)(who / sim->n);
    return (struct sim_person){(unsigned)who + 1, node, sim_region(node, nth), nth < 2};
}

void sim_person_name(const struct sim_person *person, struct gj_req_person *ret) {
    static const unsigned weights[17] = {7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2};
    unsigned sum = 0;
    memset(ret, 0, sizeof *ret);
    gj_text_set(ret->insuplc_admdvs, sizeof ret->insuplc_admdvs, person->region);
    gj_text_set(ret->psn_cert_type, sizeof ret->psn_cert_type, "01");
    (void)snprintf(ret->certno, sizeof ret->certno, "36080019800101%03u", person->number % 1000);
    for (size_t i = 0; i < 17; i++)
        sum += (unsigned)(ret->certno[i] - '0') * weights[i];
    ret->certno[17] = "10X98765432"[sum % 11];
    ret->certno[18] = '\0';
    (void)snprintf(ret->psn_name, sizeof ret->psn_name, "测试%u", person->number);
}

struct loading {
    struct sim *sim;
    size_t node;
};

static void load_one(struct sim *sim, struct gj_turn *turn, const struct sim_person *person) {
    struct gj_req_person known;
    struct gj_person_in in = {.sealed = GJ_SLICE_LIT("sealed"), .has_account = person->has_account};
    sim_person_name(person, &known);
    if (person->has_account) in.prior_fen = 10000 + (int64_t)sim_below(sim, SIM_PLAN, 300000);
    if (person->has_account && sim->options.is_plain) in.prior_fen = SIM_PLAIN_FEN;
    (void)snprintf(in.person_ref, sizeof in.person_ref, "p%u", person->number);
    gj_text_set(in.region, sizeof in.region, person->region);
    gj_text_set(in.insutype, sizeof in.insutype, person->has_account ? "310" : "390");
    gj_text_set(in.psn_insu_stas, sizeof in.psn_insu_stas, "1");
    gj_text_set(in.account_status, sizeof in.account_status, "normal");
    gj_person_token(turn->hasher, known.psn_cert_type, known.certno, in.token);
    gj_name_token(turn->hasher, known.psn_name, in.name_token);
    gj_certno_mask(known.certno, in.masked);
    gj_name_mask(known.psn_name, in.name_masked);
    GJ_ASSERT(gj_books_add_person(turn, &in) == GJ_OK);
}

static void load(void *ctx, struct gj_turn *turn) {
    const struct loading *loading = ctx;
    for (size_t who = 0; who < sim_people(loading->sim); who++) {
        struct sim_person person = sim_person(loading->sim, who);
        if (person.node == loading->node) load_one(loading->sim, turn, &person);
    }
    for (unsigned i = 0; i < 2; i++) {
        char code[13];
        (void)snprintf(code, sizeof code, "H%s00001", sim_region(loading->node, i));
        GJ_ASSERT(gj_books_add_institution(turn, code, "测试医院", 20200101, 0) == GJ_OK);
    }
}

/* --- rules ---------------------------------------------------------------------------------------------- */
static void make_plain(struct gj_pack *pack) {
    pack->draw = GJ_DRAW_CASCADE;
    pack->on_unreachable = GJ_UNREACHABLE_SKIP;
    pack->refund_after_exit = GJ_REFUND_TO_SUSPENSE;
    pack->per_settlement_cap_fen = pack->annual_cap_fen = pack->min_retention_fen = 0;
}

static void make_pack(struct sim *sim) {
    sim->pack = (struct gj_pack){
        .version = 1,
        .valid_from = 20200101,
        .relations = 1u << GJ_RELATION_SPOUSE | 1u << GJ_RELATION_PARENT | 1u << GJ_RELATION_CHILD,
        .own_order = {GJ_SUB_PRIOR},
        .n_own_order = 1,
        .reach = GJ_REACH_NATIONAL,
        .uses = 1u << GJ_USE_OUTPATIENT | 1u << GJ_USE_PHARMACY,
        .draw = sim_chance(sim, SIM_PLAN, 70) ? GJ_DRAW_CASCADE : GJ_DRAW_ONE,
        .on_unreachable = sim_chance(sim, SIM_PLAN, 70) ? GJ_UNREACHABLE_SKIP : GJ_UNREACHABLE_REFUSE,
        .refund_after_exit = sim_chance(sim, SIM_PLAN, 70) ? GJ_REFUND_TO_SUSPENSE : GJ_REFUND_TO_ORIGIN};
    if (sim_chance(sim, SIM_PLAN, 40))
        sim->pack.per_settlement_cap_fen = 5000 + (int64_t)sim_below(sim, SIM_PLAN, 15000);
    if (sim_chance(sim, SIM_PLAN, 30))
        sim->pack.annual_cap_fen = 20000 + (int64_t)sim_below(sim, SIM_PLAN, 80000);
    if (sim_chance(sim, SIM_PLAN, 40)) sim->pack.min_retention_fen = (int64_t)sim_below(sim, SIM_PLAN, 20000);
    if (sim->options.is_plain) make_plain(&sim->pack);
    gj_text_set(sim->pack.id, sizeof sim->pack.id, "simulated");
    gj_text_set(sim->pack.region, sizeof sim->pack.region, "000000");
    sim->pack.digest.bytes[0] = GJ_HASH_SHA256;
    sim->pack.digest.bytes[1] = 1;
    sim->packs = (struct gj_packs){&sim->pack, 1};
    sim->rules =
        (struct ck_rules){sim->pack.per_settlement_cap_fen, sim->pack.annual_cap_fen,
                          sim->pack.min_retention_fen, sim->pack.refund_after_exit == GJ_REFUND_TO_SUSPENSE};
}

/* --- opening -------------------------------------------------------------------------------------------- */
static int64_t begin_ms(struct sim *sim) {
    const int64_t day = INT64_C(86400000), begin = INT64_C(1795000000000);
    int64_t before = (int64_t)sim_below(sim, SIM_MIDNIGHT, 120000);
    if (!sim_has(sim, SIM_MIDNIGHT)) return begin;
    sim->coverage.faults[SIM_MIDNIGHT]++;
    return (begin / day) * day + day * 2 / 3 - before; /* 24:00 in UTC+08:00 is 16:00 */
}

static void make_folder(struct sim *sim) {
    struct stat there;
    bool has_shm = stat("/dev/shm", &there) == 0 && access("/dev/shm", W_OK) == 0;
    if (!sim_has(sim, SIM_SQLITE)) return;
    sim->coverage.faults[SIM_SQLITE]++;
    (void)snprintf(sim->folder, sizeof sim->folder, "%s/gongji-sim-XXXXXX", has_shm ? "/dev/shm" : "/tmp");
    GJ_ASSERT(mkdtemp(sim->folder) != NULL);
}

void sim_world_open(struct sim *sim) {
    const char *names[SIM_NODES_MAX];
    make_pack(sim);
    make_folder(sim);
    for (size_t i = 0; i < sim->n; i++)
        names[i] = provinces[i].name;
    sim->ck = ck_new(sim->n, names, &sim->rules);
    sim_keys_open(sim);
    const struct gj_cluster_config config = {.nodes = provinces,
                                             .n_nodes = sim->n,
                                             .packs = &sim->packs,
                                             .alg = GJ_SIGN_ED25519,
                                             .folder = sim->folder[0] == '\0' ? NULL : sim->folder,
                                             .seed = sim_random(sim, SIM_PLAN),
                                             .wall_ms = begin_ms(sim),
                                             .record_inputs = sim->is_recorded,
                                             .sign_keys = sim->keys.now,
                                             .data_keys = sim_data_keys(),
                                             .ctx = sim,
                                             .network = sim_network_sent,
                                             .event = sim_node_reports,
                                             .reply = sim_node_replies,
                                             .wrap = sim_disk_wrap};
    for (size_t i = 0; i < sim->n && sim->folder[0] != '\0'; i++) {
        char path[128];
        (void)snprintf(path, sizeof path, "%s/%s.db", sim->folder, provinces[i].name);
        sim_disk_open(sim, i, path);
    }
    sim->cluster = gj_cluster_new(&config);
    for (size_t i = 0; i < sim->n; i++) {
        struct loading loading = {sim, i};
        gj_cluster_edit(sim->cluster, i, load, &loading);
    }
}

void sim_world_close(struct sim *sim) {
    static const char *const endings[] = {"", "-wal", "-shm", ".lock"};
    char path[128];
    gj_cluster_free(&sim->cluster);
    for (size_t i = 0; i < sim->n && sim->folder[0] != '\0'; i++) {
        for (size_t k = 0; k < sizeof endings / sizeof endings[0]; k++) {
            (void)snprintf(path, sizeof path, "%s/%s.db%s", sim->folder, provinces[i].name, endings[k]);
            (void)unlink(path);
        }
    }
    for (size_t i = 0; i < sim->n; i++)
        sim_disk_close(sim, i);
    if (sim->folder[0] != '\0') (void)rmdir(sim->folder);
    ck_free(&sim->ck);
}

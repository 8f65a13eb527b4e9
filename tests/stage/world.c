/* SPDX-License-Identifier: Apache-2.0
 *
 * The stage's nodes, people and keys, and what happens to whole nodes: crash, restart, backup, a revoked key. All
 * people are invented by the story's reader.
 */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "conf/conf.h"
#include "domain/books.h"
#include "stage.h"

#define ED25519_BYTES 32
#define ARENA_BYTES   ((size_t)16 * 1024 * 1024)

/* --- people ----------------------------------------------------------------------------------------------------- */
struct loading {
    const struct stage *stage;
    const json_t *people, *institutions;
    size_t node;
};

static void load_person(struct gj_turn *turn, const json_t *person) {
    struct gj_person_in in = {.sealed = GJ_SLICE_LIT("sealed"), .has_account = true};
    const char *certno = stage_text(person, "certno"), *name = stage_text(person, "psn_name");
    gj_text_set(in.person_ref, sizeof in.person_ref, stage_text(person, "psn_no"));
    gj_text_set(in.region, sizeof in.region, stage_text(person, "insuplc_admdvs"));
    gj_text_set(in.insutype, sizeof in.insutype, "310");
    gj_text_set(in.psn_type, sizeof in.psn_type, "1101");
    gj_text_set(in.psn_insu_stas, sizeof in.psn_insu_stas, "1");
    gj_text_set(in.account_status, sizeof in.account_status, "normal");
    gj_text_set(in.card_no, sizeof in.card_no, certno);
    in.prior_fen = stage_int(person, "prior_fen", 0);
    gj_person_token(turn->hasher, stage_text(person, "psn_cert_type"), certno, in.token);
    gj_name_token(turn->hasher, name, in.name_token);
    gj_certno_mask(certno, in.masked);
    gj_name_mask(name, in.name_masked);
    GJ_ASSERT(gj_books_add_person(turn, &in) == GJ_OK);
}

static void load(void *ctx, struct gj_turn *turn) {
    const struct loading *loading = ctx;
    size_t i;
    const json_t *one;
    json_array_foreach(loading->people, i, one) {
        if (stage_int(one, "node", -1) == (int64_t)loading->node) load_person(turn, one);
    }
    json_array_foreach(loading->institutions, i, one) {
        const char *code = stage_text(one, "code");
        if (stage_int(one, "node", -1) != (int64_t)loading->node) continue;
        GJ_ASSERT(gj_books_add_institution(turn, code, "First Hospital", 20200101, 0) == GJ_OK);
    }
}

/* --- life ----------------------------------------------------------------------------------------------------------- */
static void goes_down(struct stage *stage, size_t node) {
    struct stage_node *at = &stage->nodes[node];
    at->was_up = at->is_struck = at->is_muted = at->is_frozen = false;
    at->blow = STAGE_NO_BLOW;
    at->life++;
    stage_network_lose(stage, node);
}

void stage_after_step(struct stage *stage, size_t node) {
    struct stage_node *at = &stage->nodes[node];
    bool is_up = gj_cluster_is_up(stage->cluster, node);
    if (is_up && at->is_struck) {
        stage_say(stage, "%s dies after it has said %s", stage->names[node], at->blow_kind);
        gj_cluster_crash(stage->cluster, node);
        goes_down(stage, node);
    } else if (!is_up && at->was_up) {
        stage_say(stage, "%s ends: %s", stage->names[node],
                  gj_err_name(gj_cluster_failure(stage->cluster, node)));
        goes_down(stage, node);
    }
}

static void comes_up(struct stage *stage, size_t node, enum gj_witness witness) {
    stage->nodes[node].was_up = true;
    ck_started(stage->ck, node, witness == GJ_WITNESS_DOUBTFUL);
    gj_cluster_restart(stage->cluster, node, witness);
    stage_after_step(stage, node);
}

/* --- the start ---------------------------------------------------------------------------------------------------- */
static void make_keys(struct stage *stage) {
    for (size_t i = 0; i < stage->n; i++) {
        struct stage_node *node = &stage->nodes[i];
        GJ_ASSERT(gj_sign_key_generate(GJ_SIGN_ED25519, &stage->sign_keys[i]) == GJ_OK);
        gj_sign_key_public(stage->sign_keys[i], &node->keys[0]);
        node->n_keys = 1;
        memset(&stage->data_keys[i], 0x40 + (int)i, sizeof stage->data_keys[i]);
        ck_set_key(stage->ck, i, node->keys[0].bytes);
    }
}

static json_t *read_nodes(struct stage *stage, const json_t *nodes) {
    size_t i;
    const json_t *node;
    if (json_array_size(nodes) < 1 || json_array_size(nodes) > STAGE_NODES_MAX)
        return stage_error("start: 1 to %d nodes", STAGE_NODES_MAX);
    json_array_foreach(nodes, i, node) {
        gj_text_set(stage->names[i], sizeof stage->names[i], stage_text(node, "name"));
        gj_text_set(stage->regions[i], sizeof stage->regions[i], stage_text(node, "regions"));
        stage->specs[i] =
            (struct gj_cluster_node){.name = stage->names[i], .regions = stage->regions[i], .packs = NULL};
        stage->n = i + 1;
    }
    return NULL;
}

static void open_cluster(struct stage *stage, const json_t *command) {
    const struct gj_cluster_config config = {.nodes = stage->specs,
                                             .n_nodes = stage->n,
                                             .packs = &stage->packs->packs,
                                             .alg = GJ_SIGN_ED25519,
                                             .seed = 1,
                                             .wall_ms = stage_int(command, "wall_ms", 0),
                                             .sign_keys = stage->sign_keys,
                                             .data_keys = stage->data_keys,
                                             .ctx = stage,
                                             .network = stage_network_sent,
                                             .event = stage_reports,
                                             .reply = stage_replies,
                                             .wrap = stage_disk_wrap};
    stage->cluster = gj_cluster_new(&config);
}

json_t *stage_start(struct stage *stage, const json_t *command) {
    const char *names[STAGE_NODES_MAX];
    struct gj_conf_error error;
    json_t *problem = read_nodes(stage, json_object_get(command, "nodes"));
    if (problem != NULL) return problem;
    if (gj_pack_set_load(stage_text(command, "packs"), &stage->packs, &error) != GJ_OK)
        return stage_error("start: %s", error.text);
    if (stage->packs->packs.n != 1) return stage_error("start: the checker knows one pack, for all");
    for (size_t i = 0; i < stage->n; i++)
        names[i] = stage->names[i];
    stage->arena_memory = malloc(ARENA_BYTES);
    stage->log = json_array();
    GJ_ASSERT(stage->arena_memory != NULL && stage->log != NULL);
    const struct gj_pack *pack = &stage->packs->packs.items[0];
    const struct ck_rules rules = {pack->per_settlement_cap_fen, pack->annual_cap_fen,
                                   pack->min_retention_fen, pack->refund_after_exit == GJ_REFUND_TO_SUSPENSE};
    stage->ck = ck_new(stage->n, names, &rules);
    make_keys(stage);
    open_cluster(stage, command);
    for (size_t i = 0; i < stage->n; i++) {
        struct loading loading = {stage, json_object_get(command, "people"),
                                  json_object_get(command, "institutions"), i};
        gj_cluster_edit(stage->cluster, i, load, &loading);
    }
    for (size_t i = 0; i < stage->n; i++)
        comes_up(stage, i, GJ_WITNESS_EQUAL_OR_BEHIND);
    return stage_ok();
}

void stage_close(struct stage *stage) {
    gj_cluster_free(&stage->cluster);
    stage_network_close(stage);
    for (size_t i = 0; i < stage->n; i++) {
        gj_sign_key_free(&stage->sign_keys[i]);
        if (stage->nodes[i].backup != NULL) gj_store_close(&stage->nodes[i].backup);
        ck_image_free(&stage->nodes[i].image);
    }
    for (size_t i = 0; i < stage->n_retired; i++)
        gj_sign_key_free(&stage->retired[i]);
    for (size_t i = 0; i < stage->n_calls; i++)
        free(stage->calls[i].answer);
    free(stage->calls);
    gj_pack_set_free(&stage->packs);
    ck_free(&stage->ck);
    free(stage->arena_memory);
    json_decref(stage->log);
}

/* --- crash and restart ---------------------------------------------------------------------------------------- */
static bool blow_of(const char *when, enum stage_blow *ret) {
    static const char *const words[] = {"now", "before", "after", "sent"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(when, words[i]) != 0) continue;
        *ret = (enum stage_blow)i;
        return true;
    }
    return false;
}

/* {"when": now | before | after | sent, "table", "state": the record at whose flush, "kind": the message after which} */
json_t *stage_crash(struct stage *stage, const json_t *command) {
    size_t node;
    enum stage_blow blow;
    if (!stage_node_of(stage, command, "node", &node)) return stage_error("crash: no such node");
    if (!blow_of(stage_text(command, "when"), &blow)) return stage_error("crash: no such moment");
    if (!gj_cluster_is_up(stage->cluster, node)) return stage_error("%s is down already", stage->names[node]);
    struct stage_node *at = &stage->nodes[node];
    if (blow != STAGE_NO_BLOW) {
        at->blow = blow;
        gj_text_set(at->blow_table, sizeof at->blow_table, stage_text(command, "table"));
        gj_text_set(at->blow_state, sizeof at->blow_state, stage_text(command, "state"));
        gj_text_set(at->blow_kind, sizeof at->blow_kind, stage_text(command, "kind"));
        return stage_ok();
    }
    stage_say(stage, "%s dies", stage->names[node]);
    gj_cluster_crash(stage->cluster, node);
    goes_down(stage, node);
    return stage_ok();
}

/* {"witness": equal | doubtful, "skew_ms"} */
json_t *stage_restart(struct stage *stage, const json_t *command) {
    size_t node;
    bool is_doubtful = strcmp(stage_text(command, "witness"), "doubtful") == 0;
    if (!stage_node_of(stage, command, "node", &node)) return stage_error("restart: no such node");
    if (gj_cluster_is_up(stage->cluster, node)) return stage_error("%s is up", stage->names[node]);
    stage_say(stage, "%s starts%s", stage->names[node], is_doubtful ? ", its witness is missing" : "");
    gj_cluster_set_skew(stage->cluster, node, stage_int(command, "skew_ms", 0));
    comes_up(stage, node, is_doubtful ? GJ_WITNESS_DOUBTFUL : GJ_WITNESS_EQUAL_OR_BEHIND);
    return stage_ok();
}

/* --- stores put back ---------------------------------------------------------------------------------------------------- */
json_t *stage_backup(struct stage *stage, const json_t *command) {
    size_t node;
    if (!stage_node_of(stage, command, "node", &node)) return stage_error("backup: no such node");
    struct gj_store **kept = &stage->nodes[node].backup;
    if (*kept != NULL) gj_store_close(kept);
    ck_image_free(&stage->nodes[node].image);
    stage->nodes[node].image = ck_image_take(stage->ck, node);
    struct gj_store *inner = stage_disk_inner(gj_cluster_store(stage->cluster, node));
    GJ_ASSERT(gj_store_clone_memory(inner, kept) == GJ_OK);
    return stage_ok();
}

json_t *stage_restore(struct stage *stage, const json_t *command) {
    size_t node;
    struct gj_store *copy = NULL;
    if (!stage_node_of(stage, command, "node", &node)) return stage_error("restore: no such node");
    if (stage->nodes[node].backup == NULL) return stage_error("%s has no backup", stage->names[node]);
    if (gj_cluster_is_up(stage->cluster, node)) return stage_error("%s is up", stage->names[node]);
    GJ_ASSERT(gj_store_clone_memory(stage->nodes[node].backup, &copy) == GJ_OK);
    struct gj_store *lost = gj_cluster_swap_store(stage->cluster, node, stage_disk_wrap(stage, node, copy));
    gj_store_close(&lost);
    ck_image_put_back(stage->ck, node, stage->nodes[node].image);
    return stage_ok();
}

/* --- keys ------------------------------------------------------------------------------------------------------------------ */
static struct gj_keyring *make_keyring(const struct stage *stage) {
    const struct gj_wall ever = {0};
    struct gj_keyring *ring = NULL;
    GJ_ASSERT(gj_keyring_new(&ring) == GJ_OK);
    for (size_t i = 0; i < stage->n; i++) {
        const struct stage_node *node = &stage->nodes[i];
        for (size_t k = 0; k < node->n_keys; k++) {
            const struct gj_wall revoked = {node->revoked_ms[k]};
            GJ_ASSERT(gj_keyring_add(ring, stage->names[i], &node->keys[k], ever, ever, revoked) == GJ_OK);
        }
    }
    return ring;
}

/* Everybody's registry says from now on: this node's key is revoked, another one holds. The node itself signs with
 * the new one after its next start. */
json_t *stage_revoke_key(struct stage *stage, const json_t *command) {
    size_t of;
    if (!stage_node_of(stage, command, "node", &of)) return stage_error("revoke_key: no such node");
    struct stage_node *node = &stage->nodes[of];
    if (node->n_keys == STAGE_KEYS_MAX) return stage_error("%s had enough keys", stage->names[of]);
    node->revoked_ms[node->n_keys - 1] = gj_cluster_now(stage->cluster, of).wall.ms;
    stage->retired[stage->n_retired++] = stage->sign_keys[of];
    GJ_ASSERT(gj_sign_key_generate(GJ_SIGN_ED25519, &stage->sign_keys[of]) == GJ_OK);
    gj_sign_key_public(stage->sign_keys[of], &node->keys[node->n_keys++]);
    for (size_t i = 0; i < stage->n; i++) {
        struct gj_keyring *old = gj_cluster_swap_keyring(stage->cluster, i, make_keyring(stage));
        gj_keyring_free(&old);
    }
    const struct gj_public_key *key = &node->keys[node->n_keys - 1];
    GJ_ASSERT(ck_add_key(stage->ck, of, (uint8_t)key->alg, key->bytes, ED25519_BYTES));
    stage_say(stage, "the key of %s is revoked", stage->names[of]);
    return stage_ok();
}

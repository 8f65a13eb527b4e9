/* SPDX-License-Identifier: Apache-2.0
 *
 * The nodes' keys, which are the same in every run, so that whole frames are; and the fault that one of them is
 * revoked between a vote and the decision. The node signs with the next one after its start; each other node hears of
 * it at its own time and refuses the old key, or the new one, until then. The new key is registered before it is used
 * and the old one is revoked behind all that it has signed: a revocation never takes back what was evidence.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "checker/msgpack.h"
#include "sim.h"

#define ONE_IN       30u    /* votes, in a seed that has the fault */
#define VOTE_TO_ACK  400u   /* ms within which a transaction is mostly over */
#define HEARS_MAX_MS 20000u /* a registry reaches everybody within so much */

static struct gj_sign_key *sign_keys[SIM_NODES_MAX][SIM_KEYS_MAX];
static struct gj_data_key data_keys[SIM_NODES_MAX];

/* An Ed25519 private key of known bytes, through the same file format that a node's own comes from. */
static struct gj_sign_key *known_key(uint8_t number) {
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint8_t der[48] = {0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20};
    char path[] = "/tmp/gongji-sim-key-XXXXXX", text[65];
    struct gj_sign_key *key = NULL;
    memset(der + 16, number + 1, 32);
    for (size_t i = 0; i < 16; i++) {
        uint32_t three = (uint32_t)der[3 * i] << 16 | (uint32_t)der[3 * i + 1] << 8 | der[3 * i + 2];
        for (size_t k = 0; k < 4; k++)
            text[4 * i + k] = alphabet[three >> (18 - 6 * k) & 63];
    }
    text[64] = '\0';
    int fd = mkstemp(path);
    GJ_ASSERT(fd >= 0);
    FILE *file = fdopen(fd, "w");
    GJ_ASSERT(file != NULL);
    (void)fprintf(file, "-----BEGIN PRIVATE KEY-----\n%s\n-----END PRIVATE KEY-----\n", text);
    (void)fclose(file);
    GJ_ASSERT(gj_sign_key_load(path, &key) == GJ_OK);
    (void)unlink(path);
    return key;
}

static struct gj_sign_key *key_of(size_t node, unsigned nth) {
    struct gj_sign_key **key = &sign_keys[node][nth];
    if (*key == NULL) *key = known_key((uint8_t)(node + nth * SIM_NODES_MAX));
    return *key;
}

const struct gj_data_key *sim_data_keys(void) {
    for (uint8_t i = 0; i < SIM_NODES_MAX; i++)
        memset(&data_keys[i], 0x40 + i, sizeof data_keys[i]);
    return data_keys;
}

static void show_checker(struct sim *sim, size_t node, unsigned nth) {
    struct gj_public_key key;
    gj_sign_key_public(key_of(node, nth), &key);
    GJ_ASSERT(ck_add_key(sim->ck, node, (uint8_t)key.alg, key.bytes, key.len));
}

void sim_keys_open(struct sim *sim) {
    struct sim_keys *keys = &sim->keys;
    for (size_t i = 0; i < sim->n; i++) {
        keys->now[i] = key_of(i, 0);
        keys->n[i] = 1;
        for (size_t k = 0; k < sim->n; k++)
            keys->known[i][k] = 1;
        show_checker(sim, i, 0);
    }
}

/* --- who knows which -------------------------------------------------------------------------------------- */
static struct gj_keyring *ring_of(const struct sim *sim, size_t node) {
    const struct sim_keys *keys = &sim->keys;
    const struct gj_wall ever = {0};
    struct gj_keyring *ring = NULL;
    GJ_ASSERT(gj_keyring_new(&ring) == GJ_OK);
    for (size_t of = 0; of < sim->n; of++) {
        for (unsigned i = 0; i < keys->known[node][of]; i++) {
            bool is_last = i + 1 == keys->known[node][of];
            const struct gj_wall revoked = {is_last ? 0 : keys->revoked_ms[of][i]};
            struct gj_public_key key;
            gj_sign_key_public(key_of(of, i), &key);
            GJ_ASSERT(gj_keyring_add(ring, sim_node_name(of), &key, ever, ever, revoked) == GJ_OK);
        }
    }
    return ring;
}

static void hears(struct sim *sim, size_t node, size_t of) {
    struct sim_keys *keys = &sim->keys;
    const uint32_t clocks = UINT32_C(1) << SIM_CLOCK | UINT32_C(1) << SIM_DRIFT;
    keys->hears_ms[node][of] = 0;
    keys->known[node][of] = keys->n[of];
    struct gj_keyring *old = gj_cluster_swap_keyring(sim->cluster, node, ring_of(sim, node));
    gj_keyring_free(&old);
    /* By a clock that is behind a key still holds that is over. */
    bool is_over = gj_cluster_now(sim->cluster, node).wall.ms >= keys->revoked_ms[of][keys->n[of] - 2];
    if (is_over && (sim->swarm.on & clocks) == 0) ck_keys_are_over(sim->ck, node, of);
    sim_say(sim, "%s hears of the new key of %s", sim_node_name(node), sim_node_name(of));
}

/* --- the fault ------------------------------------------------------------------------------------------- */
void sim_keys_sent(struct sim *sim, size_t node, const uint8_t *frame, size_t len) {
    static struct ck_parcel parcel;
    if (!sim_has(sim, SIM_REKEY) || !ck_parcel_read(frame, len, &parcel)) return;
    int64_t created_ms = (int64_t)parcel.created_ms;
    if (created_ms > sim->keys.signed_ms[node]) sim->keys.signed_ms[node] = created_ms;
}

void sim_keys_voted(struct sim *sim, size_t node, const char *coordinator) {
    struct sim_keys *keys = &sim->keys;
    if (!sim_has(sim, SIM_REKEY) || keys->due_ms != 0 || sim_below(sim, SIM_REKEY, ONE_IN) != 0) return;
    bool is_coordinator = sim_chance(sim, SIM_REKEY, 50);
    keys->who = node;
    for (size_t i = 0; i < sim->n && is_coordinator; i++)
        if (strcmp(sim_node_name(i), coordinator) == 0) keys->who = i;
    keys->due_ms = sim->now_ms + 1 + (int64_t)sim_below(sim, SIM_REKEY, VOTE_TO_ACK);
}

static void revoke(struct sim *sim, size_t node) {
    struct sim_keys *keys = &sim->keys;
    keys->due_ms = 0;
    if (keys->n[node] == SIM_KEYS_MAX || sim_is_liar(sim, node)) return; /* a thief's key is his to keep */
    int64_t *revoked_ms = &keys->revoked_ms[node][keys->n[node] - 1];
    sim_node_crash(sim, node, "gets a new key");
    *revoked_ms = gj_cluster_now(sim->cluster, node).wall.ms + 1;
    if (*revoked_ms <= keys->signed_ms[node]) *revoked_ms = keys->signed_ms[node] + 1;
    ck_revoke_key(sim->ck, node, *revoked_ms);
    keys->now[node] = key_of(node, keys->n[node]);
    show_checker(sim, node, keys->n[node]++);
    hears(sim, node, node);
    for (size_t i = 0; i < sim->n; i++) {
        uint64_t within_ms = HEARS_MAX_MS >> sim_below(sim, SIM_REKEY, 10);
        if (i != node)
            keys->hears_ms[i][node] = sim->now_ms + 1 + (int64_t)sim_below(sim, SIM_REKEY, within_ms);
    }
    sim->coverage.faults[SIM_REKEY]++;
    sim->totals.faults++;
}

/* A certificate holds a vote under a key that this node's registry does not name yet: it cannot be believed today. A
 * decision under the old key, passed on by a peer: the coordinator signs it again. Nobody lied in either case. */
bool sim_keys_excuse(const struct sim *sim, size_t node, const struct gj_event *event) {
    bool is_about_proof = event->code == GJ_EVENT_BAD_CERTIFICATE || event->code == GJ_EVENT_VIOLATION;
    bool is_behind = false, has_fault = (sim->swarm.on >> SIM_REKEY & 1) != 0;
    for (size_t of = 0; of < sim->n; of++)
        is_behind = is_behind || sim->keys.known[node][of] < sim->keys.n[of];
    bool is_of_old_key = event->code == GJ_EVENT_BAD_CERTIFICATE && event->err == GJ_ERR_UNKNOWN_KEY;
    return has_fault && is_about_proof && (is_behind || is_of_old_key);
}

int64_t sim_keys_next_ms(const struct sim *sim) {
    const struct sim_keys *keys = &sim->keys;
    int64_t next = keys->due_ms == 0 ? INT64_MAX : keys->due_ms;
    for (size_t i = 0; i < sim->n; i++)
        for (size_t k = 0; k < sim->n; k++)
            if (keys->hears_ms[i][k] != 0 && keys->hears_ms[i][k] < next) next = keys->hears_ms[i][k];
    return next;
}

void sim_keys_tick(struct sim *sim) {
    struct sim_keys *keys = &sim->keys;
    if (keys->due_ms != 0 && keys->due_ms <= sim->now_ms) revoke(sim, keys->who);
    for (size_t i = 0; i < sim->n; i++)
        for (size_t k = 0; k < sim->n; k++)
            if (keys->hears_ms[i][k] != 0 && keys->hears_ms[i][k] <= sim->now_ms) hears(sim, i, k);
}

void sim_keys_heal(struct sim *sim) {
    sim->keys.due_ms = 0;
    for (size_t i = 0; i < sim->n; i++)
        for (size_t k = 0; k < sim->n; k++)
            if (sim->keys.hears_ms[i][k] != 0) hears(sim, i, k);
}

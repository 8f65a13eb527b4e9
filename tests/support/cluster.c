/* SPDX-License-Identifier: Apache-2.0
 *
 * The cluster's nodes and clients. Keys are made once for the whole program, because making them is slow and
 * no test depends on which they are.
 */
#include "support/cluster_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "protocol/tables.h"

#define ARENA_BYTES  (32u * 1024u * 1024u)
#define ANSWER_BYTES (4u * 1024u * 1024u)
#define START_WALL   INT64_C(1795000000000) /* 2026-11-18 */
#define START_MONO   INT64_C(1000000)
#define START_MS     30000

struct key_set {
    struct gj_sign_key *sign[GJ_CLUSTER_NODES_MAX];
    bool has_data[GJ_CLUSTER_NODES_MAX];
    struct gj_data_key data[GJ_CLUSTER_NODES_MAX];
};

static struct key_set sm2_keys, ed25519_keys;

static struct key_set *keys_of(const struct gj_cluster *cluster) {
    return cluster->config.alg == GJ_SIGN_ED25519 ? &ed25519_keys : &sm2_keys;
}

static struct gj_sign_key *sign_key_of(const struct gj_cluster *cluster, size_t node) {
    const struct gj_cluster_config *config = &cluster->config;
    return config->sign_keys != NULL ? config->sign_keys[node] : keys_of(cluster)->sign[node];
}

static const struct gj_data_key *data_key_of(const struct gj_cluster *cluster, size_t node) {
    const struct gj_cluster_config *config = &cluster->config;
    return config->data_keys != NULL ? &config->data_keys[node] : &keys_of(cluster)->data[node];
}

static void make_keys(struct gj_cluster *cluster, size_t node) {
    struct key_set *keys = keys_of(cluster);
    if (cluster->config.sign_keys != NULL && cluster->config.data_keys != NULL) return;
    if (keys->sign[node] == NULL)
        GJ_ASSERT(gj_sign_key_generate(cluster->config.alg, &keys->sign[node]) == GJ_OK);
    if (!keys->has_data[node]) GJ_ASSERT(gj_data_key_generate(&keys->data[node]) == GJ_OK);
    keys->has_data[node] = true;
}

/* --- the sink ---------------------------------------------------------------------------------------------- */
static void on_parcel(void *ctx, const char *node, struct gj_slice parcel) {
    struct gj_cluster_member *member = ctx;
    gj_cluster_transmit(member->cluster, member->index, node, parcel);
}

static void on_reply(void *ctx, uint64_t waiter, struct gj_slice answer) {
    struct gj_cluster_member *member = ctx;
    struct gj_cluster *cluster = member->cluster;
    GJ_ASSERT(waiter >= 1 && waiter <= cluster->n_tickets);
    struct gj_cluster_ticket *ticket = &cluster->tickets[waiter - 1];
    const struct gj_cluster_config *config = &cluster->config;
    if (config->reply != NULL && !config->reply(config->ctx, member->index, waiter, answer)) return;
    if (ticket->answers++ > 0) return;
    ticket->answer = malloc(answer.len > 0 ? answer.len : 1);
    GJ_ASSERT(ticket->answer != NULL);
    memcpy(ticket->answer, answer.ptr, answer.len);
    ticket->len = answer.len;
}

static void on_event(void *ctx, const struct gj_event *event) {
    struct gj_cluster_member *member = ctx;
    const struct gj_cluster_config *config = &member->cluster->config;
    member->events[event->code]++;
    if (config->event != NULL) config->event(config->ctx, member->index, event);
}

/* splitmix64: the same seed, the same bytes. */
static void on_random(void *ctx, void *ret, size_t len) {
    struct gj_cluster_member *member = ctx;
    uint8_t *out = ret;
    for (size_t i = 0; i < len; i++) {
        uint64_t z = member->cluster->random_state += UINT64_C(0x9e3779b97f4a7c15);
        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        out[i] = (uint8_t)(z ^ (z >> 31));
    }
}

/* --- making ------------------------------------------------------------------------------------------------ */
static void make_directory(struct gj_cluster *cluster) {
    for (size_t i = 0; i < cluster->n; i++) {
        const struct gj_cluster_node *spec = &cluster->config.nodes[i];
        struct gj_directory_node *node = &cluster->nodes[i];
        gj_text_set(node->node, sizeof node->node, spec->name);
        (void)snprintf(node->url, sizeof node->url, "http://%s.example", spec->name);
        for (const char *at = spec->regions; *at != '\0'; at += at[GJ_REGION_MAX] == ' ' ? 7 : 6) {
            GJ_ASSERT(cluster->n_regions < GJ_CLUSTER_REGIONS_MAX && strlen(at) >= GJ_REGION_MAX);
            struct gj_directory_region *region = &cluster->regions[cluster->n_regions++];
            memcpy(region->region, at, GJ_REGION_MAX);
            gj_text_set(region->node, sizeof region->node, spec->name);
        }
    }
}

static void write_node_row(struct gj_cluster *cluster, struct gj_cluster_member *member) {
    struct gj_node_row row = {.one = 1};
    gj_text_set(row.node, sizeof row.node, member->name);
    on_random(member, row.store_id, sizeof row.store_id);
    (void)cluster;
    member->store->ops->begin(member->store);
    gj_store_put(member->store, &gj_table_node, &row);
    GJ_ASSERT(member->store->ops->commit(member->store) == GJ_OK);
}

static void wrap_store(struct gj_cluster *cluster, struct gj_cluster_member *member) {
    const struct gj_cluster_config *config = &cluster->config;
    if (config->wrap != NULL) member->store = config->wrap(config->ctx, member->index, member->store);
}

static void open_store(struct gj_cluster *cluster, struct gj_cluster_member *member,
                       enum gj_store_mode mode) {
    if (cluster->config.folder == NULL) {
        GJ_ASSERT(gj_store_open_memory(gj_store_catalogue(), &member->store) == GJ_OK);
        wrap_store(cluster, member);
        return;
    }
    char path[1024], detail[200];
    (void)snprintf(path, sizeof path, "%s/%s.db", cluster->config.folder, member->name);
    enum gj_err err = gj_store_open_sqlite(path, mode, gj_store_catalogue(), &member->store, detail);
    if (err != GJ_OK) (void)fprintf(stderr, "%s: %s\n", path, detail);
    GJ_ASSERT(err == GJ_OK);
    wrap_store(cluster, member);
}

static void make_keyring(struct gj_cluster *cluster, struct gj_cluster_member *member) {
    GJ_ASSERT(gj_keyring_new(&member->keyring) == GJ_OK);
    for (size_t i = 0; i < cluster->n; i++) {
        struct gj_public_key key;
        const struct gj_wall ever = {0};
        gj_sign_key_public(sign_key_of(cluster, i), &key);
        enum gj_err err = gj_keyring_add(member->keyring, cluster->nodes[i].node, &key, ever, ever, ever);
        GJ_ASSERT(err == GJ_OK);
    }
    member->prover = (struct gj_prover){
        .ctx = member->keyring, .verify = gj_keyring_verify, .key_valid = gj_keyring_key_valid};
}

static void make_member(struct gj_cluster *cluster, size_t index) {
    struct gj_cluster_member *member = &cluster->members[index];
    const struct gj_cluster_node *spec = &cluster->config.nodes[index];
    member->cluster = cluster;
    member->index = index;
    gj_text_set(member->name, sizeof member->name, spec->name);
    member->packs = spec->packs != NULL ? spec->packs : cluster->config.packs;
    member->directory = (struct gj_directory){.network_id = "test network",
                                              .serial = 1,
                                              .nodes = cluster->nodes,
                                              .n_nodes = cluster->n,
                                              .regions = cluster->regions,
                                              .n_regions = cluster->n_regions};
    gj_text_set(member->directory.self, sizeof member->directory.self, spec->name);
    member->hasher = gj_crypto_hasher(data_key_of(cluster, index));
    make_keyring(cluster, member);
    open_store(cluster, member, GJ_STORE_CREATE);
    write_node_row(cluster, member);
}

struct gj_cluster *gj_cluster_new(const struct gj_cluster_config *config) {
    GJ_ASSERT(config->n_nodes >= 1 && config->n_nodes <= GJ_CLUSTER_NODES_MAX);
    struct gj_cluster *cluster = calloc(1, sizeof *cluster);
    GJ_ASSERT(cluster != NULL);
    cluster->config = *config;
    if (cluster->config.alg != GJ_SIGN_ED25519) cluster->config.alg = GJ_SIGN_SM2;
    cluster->n = config->n_nodes;
    cluster->random_state = config->seed;
    cluster->now.wall.ms = config->wall_ms != 0 ? config->wall_ms : START_WALL;
    cluster->now.mono.ms = START_MONO;
    cluster->arena_memory = malloc(2 * (size_t)ARENA_BYTES);
    cluster->answer_memory = malloc(ANSWER_BYTES);
    GJ_ASSERT(cluster->arena_memory != NULL && cluster->answer_memory != NULL);
    gj_arena_init(&cluster->answer_arena, cluster->answer_memory, ANSWER_BYTES);
    make_directory(cluster);
    for (size_t i = 0; i < cluster->n; i++)
        make_keys(cluster, i);
    for (size_t i = 0; i < cluster->n; i++)
        make_member(cluster, i);
    return cluster;
}

void gj_cluster_free(struct gj_cluster **cluster_p) {
    struct gj_cluster *cluster = *cluster_p;
    if (cluster == NULL) return;
    *cluster_p = NULL;
    for (size_t i = 0; i < cluster->n; i++) {
        struct gj_cluster_member *member = &cluster->members[i];
        gj_engine_free(&member->engine);
        gj_store_close(&member->store);
        gj_keyring_free(&member->keyring);
        gj_cluster_lose(cluster, i);
    }
    for (size_t i = 0; i < cluster->n_tickets; i++)
        free(cluster->tickets[i].answer);
    free(cluster->tickets);
    free(cluster->answer_memory);
    free(cluster->arena_memory);
    free(cluster);
}

/* --- life of a node ---------------------------------------------------------------------------------------- */
static bool all_have_heard(void *ctx) {
    struct gj_cluster *cluster = ctx;
    for (size_t i = 0; i < cluster->n; i++)
        if (cluster->members[i].is_starting &&
            cluster->members[i].events[GJ_EVENT_PEER_HEARD] < cluster->n - 1)
            return false;
    return true;
}

void gj_cluster_start(struct gj_cluster *cluster) {
    for (size_t i = 0; i < cluster->n; i++) {
        struct gj_cluster_member *member = &cluster->members[i];
        member->is_starting = !gj_cluster_is_up(cluster, i);
        if (!member->is_starting) continue;
        member->events[GJ_EVENT_PEER_HEARD] = 0;
        gj_cluster_restart(cluster, i, GJ_WITNESS_EQUAL_OR_BEHIND);
    }
    GJ_ASSERT(gj_cluster_run(cluster, all_have_heard, cluster, START_MS));
}

void gj_cluster_crash(struct gj_cluster *cluster, size_t node) {
    struct gj_cluster_member *member = &cluster->members[node];
    GJ_ASSERT(member->engine != NULL);
    gj_engine_free(&member->engine);
    gj_cluster_lose(cluster, node);
    if (cluster->config.folder != NULL) gj_store_close(&member->store);
}

void gj_cluster_restart(struct gj_cluster *cluster, size_t node, enum gj_witness witness) {
    struct gj_cluster_member *member = &cluster->members[node];
    GJ_ASSERT(member->engine == NULL);
    member->failure = GJ_OK;
    if (member->store == NULL) open_store(cluster, member, GJ_STORE_WRITE);
    const struct gj_engine_config config = {.store = member->store,
                                            .directory = &member->directory,
                                            .packs = member->packs,
                                            .hasher = &member->hasher,
                                            .prover = &member->prover,
                                            .sign_key = sign_key_of(cluster, node),
                                            .data_key = data_key_of(cluster, node),
                                            .sink = {.ctx = member,
                                                     .parcel = on_parcel,
                                                     .reply = on_reply,
                                                     .event = on_event,
                                                     .random = on_random},
                                            .record_inputs = cluster->config.record_inputs,
                                            .record_days = cluster->config.record_days};
    GJ_ASSERT(gj_engine_new(&config, &member->engine) == GJ_OK);
    member->failure = gj_engine_start(member->engine, gj_cluster_now(cluster, node), witness);
    if (member->failure == GJ_OK) return;
    gj_engine_free(&member->engine);
    if (cluster->config.folder != NULL) gj_store_close(&member->store);
}

bool gj_cluster_is_up(const struct gj_cluster *cluster, size_t node) {
    return cluster->members[node].engine != NULL;
}

enum gj_err gj_cluster_failure(const struct gj_cluster *cluster, size_t node) {
    return cluster->members[node].failure;
}

struct gj_store *gj_cluster_swap_store(struct gj_cluster *cluster, size_t node, struct gj_store *store) {
    struct gj_cluster_member *member = &cluster->members[node];
    GJ_ASSERT(member->engine == NULL);
    struct gj_store *old = member->store;
    member->store = store;
    return old;
}

struct gj_keyring *gj_cluster_swap_keyring(struct gj_cluster *cluster, size_t node,
                                           struct gj_keyring *keyring) {
    struct gj_cluster_member *member = &cluster->members[node];
    struct gj_keyring *old = member->keyring;
    member->keyring = keyring;
    member->prover.ctx = keyring;
    return old;
}

void gj_cluster_edit(struct gj_cluster *cluster, size_t node, void (*edit)(void *ctx, struct gj_turn *turn),
                     void *ctx) {
    struct gj_cluster_member *member = &cluster->members[node];
    struct gj_arena scratch, batch;
    struct gj_outbox outbox = {0};
    struct gj_replies replies = {0};
    struct gj_events events = {0};
    GJ_ASSERT(member->store != NULL);
    gj_arena_init(&scratch, cluster->arena_memory, ARENA_BYTES);
    gj_arena_init(&batch, cluster->arena_memory + ARENA_BYTES, ARENA_BYTES);
    struct gj_turn turn = {.store = member->store,
                           .now = gj_cluster_now(cluster, node),
                           .scratch = &scratch,
                           .batch = &batch,
                           .outbox = &outbox,
                           .replies = &replies,
                           .events = &events,
                           .hasher = &member->hasher,
                           .accepts_new_work = true};
    on_random(member, turn.seed, sizeof turn.seed);
    member->store->ops->begin(member->store);
    edit(ctx, &turn);
    enum gj_err err = member->store->ops->commit(member->store);
    if (err != GJ_OK) (void)fprintf(stderr, "edit: %s: %s\n", gj_err_name(err), member->store->detail);
    GJ_ASSERT(err == GJ_OK);
}

/* --- clients ----------------------------------------------------------------------------------------------- */
static uint64_t new_ticket(struct gj_cluster *cluster) {
    if (cluster->n_tickets == cluster->cap_tickets) {
        cluster->cap_tickets = cluster->cap_tickets == 0 ? 256 : 2 * cluster->cap_tickets;
        cluster->tickets = realloc(cluster->tickets, cluster->cap_tickets * sizeof *cluster->tickets);
        GJ_ASSERT(cluster->tickets != NULL);
    }
    cluster->tickets[cluster->n_tickets++] = (struct gj_cluster_ticket){0};
    return cluster->n_tickets;
}

uint64_t gj_cluster_submit(struct gj_cluster *cluster, size_t node, enum gj_request_kind kind,
                           const void *body) {
    static uint8_t memory[GJ_REQUEST_MAX];
    struct gj_buf buf;
    GJ_ASSERT(gj_cluster_is_up(cluster, node));
    gj_buf_init(&buf, memory, sizeof memory);
    GJ_ASSERT(gj_request_encode(kind, body, &buf) == GJ_OK);
    struct gj_input input = {
        .kind = GJ_INPUT_REQUEST, .bytes = gj_buf_slice(&buf), .waiter = new_ticket(cluster)};
    gj_cluster_queue(cluster, node, &input, 0);
    cluster->tickets[input.waiter - 1].node = node;
    return input.waiter;
}

bool gj_cluster_is_answered(const struct gj_cluster *cluster, uint64_t ticket) {
    return gj_cluster_answers(cluster, ticket) > 0;
}

unsigned gj_cluster_answers(const struct gj_cluster *cluster, uint64_t ticket) {
    GJ_ASSERT(ticket >= 1 && ticket <= cluster->n_tickets);
    return cluster->tickets[ticket - 1].answers;
}

void gj_cluster_hangup(struct gj_cluster *cluster, uint64_t ticket) {
    if (gj_cluster_is_answered(cluster, ticket)) return;
    struct gj_input input = {.kind = GJ_INPUT_HANGUP, .waiter = ticket};
    gj_cluster_queue(cluster, cluster->tickets[ticket - 1].node, &input, 0);
}

enum gj_answer_kind gj_cluster_answer(struct gj_cluster *cluster, uint64_t ticket, const void **ret_body) {
    *ret_body = NULL;
    if (!gj_cluster_is_answered(cluster, ticket)) return GJ_ANSWER_NONE;
    const struct gj_cluster_ticket *found = &cluster->tickets[ticket - 1];
    enum gj_answer_kind kind = GJ_ANSWER_NONE;
    void *body = NULL;
    gj_arena_reset(&cluster->answer_arena);
    enum gj_err err =
        gj_answer_decode(gj_slice_of(found->answer, found->len), &cluster->answer_arena, &kind, &body);
    GJ_ASSERT(err == GJ_OK);
    *ret_body = body;
    return kind;
}

struct waiting {
    const struct gj_cluster *cluster;
    uint64_t ticket;
};

static bool is_answered(void *ctx) {
    const struct waiting *waiting = ctx;
    return gj_cluster_is_answered(waiting->cluster, waiting->ticket);
}

enum gj_answer_kind gj_cluster_request(struct gj_cluster *cluster, size_t node, enum gj_request_kind kind,
                                       const void *body, const void **ret_body) {
    struct waiting waiting = {cluster, gj_cluster_submit(cluster, node, kind, body)};
    (void)gj_cluster_run(cluster, is_answered, &waiting, GJ_CLUSTER_REQUEST_MS);
    return gj_cluster_answer(cluster, waiting.ticket, ret_body);
}

/* --- looking ----------------------------------------------------------------------------------------------- */
size_t gj_cluster_index(const struct gj_cluster *cluster, const char *name) {
    for (size_t i = 0; i < cluster->n; i++)
        if (gj_text_equal(cluster->members[i].name, name)) return i;
    gj_assert_failed("the node exists", __FILE__, __LINE__);
}

struct gj_engine *gj_cluster_engine(struct gj_cluster *cluster, size_t node) {
    return cluster->members[node].engine;
}

struct gj_store *gj_cluster_store(struct gj_cluster *cluster, size_t node) {
    return cluster->members[node].store;
}

const struct gj_directory *gj_cluster_directory(const struct gj_cluster *cluster, size_t node) {
    return &cluster->members[node].directory;
}

const struct gj_hasher *gj_cluster_hasher(const struct gj_cluster *cluster, size_t node) {
    return &cluster->members[node].hasher;
}

const struct gj_data_key *gj_cluster_data_key(const struct gj_cluster *cluster, size_t node) {
    return data_key_of(cluster, node);
}

const struct gj_sign_key *gj_cluster_sign_key(const struct gj_cluster *cluster, size_t node) {
    return sign_key_of(cluster, node);
}

struct gj_keyring *gj_cluster_keyring(const struct gj_cluster *cluster, size_t node) {
    return cluster->members[node].keyring;
}

uint64_t gj_cluster_events(const struct gj_cluster *cluster, size_t node, enum gj_event_code code) {
    return cluster->members[node].events[code];
}

uint64_t gj_cluster_alarms(const struct gj_cluster *cluster) {
    uint64_t alarms = 0;
    for (size_t i = 0; i < cluster->n; i++)
        for (int code = GJ_EVENT_NONE; code < GJ_EVENT_COUNT; code++)
            if (gj_event_level_of((enum gj_event_code)code) == GJ_LEVEL_ALARM)
                alarms += cluster->members[i].events[code];
    return alarms;
}

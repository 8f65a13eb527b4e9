/* SPDX-License-Identifier: Apache-2.0
 *
 * The machine alone: its life, its peers, its turns. Transactions are in solo_tx.c. Keys are made once for the
 * whole program, because making them is slow and no test depends on which they are.
 */
#include "support/solo.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

#define SCRATCH_BYTES ((size_t)8 * 1024 * 1024)
#define BATCH_BYTES   ((size_t)16 * 1024 * 1024)
#define LOOK_BYTES    ((size_t)8 * 1024 * 1024)
#define OUTBOX_MAX    GJ_BATCH_OUT_MAX
#define EVENTS_MAX    16384u

static const struct gj_directory_node nodes[GJ_SOLO_NODES] = {{"360000", "http://360000.example"},
                                                              {"330000", "http://330000.example"},
                                                              {"130000", "http://130000.example"},
                                                              {"450000", "http://450000.example"}};
static const struct gj_directory_region regions[] = {
    {"360100", "360000"}, {"330100", "330000"}, {"130100", "130000"}, {"450100", "450000"}};

static struct gj_sign_key *keys[3][GJ_SOLO_NODES];

/* --- the application ---------------------------------------------------------------------------------------- */

static bool app_hold(void *app, struct gj_turn *turn, const struct gj_tx_view *tx, struct gj_refusal *ret_no,
                     struct gj_leg_fact *ret_facts, uint32_t *ret_n_facts) {
    struct gj_solo_app *a = app;
    (void)turn;
    a->last = tx->core->txid;
    a->had_original = tx->original != NULL;
    a->had_plan = tx->plan != NULL;
    if (a->refuse) {
        *ret_no = a->no;
        return false;
    }
    a->holds++;
    if (a->n_facts > 0) memcpy(ret_facts, a->facts, a->n_facts * sizeof *ret_facts);
    *ret_n_facts = a->n_facts;
    return true;
}

static void app_post(void *app, struct gj_turn *turn, const struct gj_tx_view *tx) {
    struct gj_solo_app *a = app;
    (void)turn;
    a->last = tx->core->txid;
    a->posts++;
}

static void app_release(void *app, struct gj_turn *turn, const struct gj_tx_view *tx) {
    struct gj_solo_app *a = app;
    (void)turn;
    a->last = tx->core->txid;
    a->releases++;
}

static int64_t app_adopt(void *app, struct gj_turn *turn, const struct gj_tx_view *tx,
                         const struct gj_vote_facts *facts) {
    struct gj_solo_app *a = app;
    (void)turn;
    a->last = tx->core->txid;
    a->adopted++;
    a->n_late_facts = facts->n_facts;
    return a->difference_fen;
}

static int64_t app_undo(void *app, struct gj_turn *turn, const struct gj_tx_view *tx,
                        const struct gj_vote_facts *facts) {
    struct gj_solo_app *a = app;
    (void)turn;
    a->last = tx->core->txid;
    a->undone++;
    a->n_late_facts = facts->n_facts;
    return a->difference_fen;
}

static bool app_rehold(void *app, struct gj_turn *turn, const struct gj_tx_view *tx,
                       const struct gj_vote_facts *facts, int64_t *ret_fen) {
    struct gj_solo_app *a = app;
    (void)turn;
    a->last = tx->core->txid;
    a->n_late_facts = facts->n_facts;
    *ret_fen = a->difference_fen;
    if (!a->is_groundless) a->reholds++;
    return !a->is_groundless;
}

static bool app_covers(void *app, struct gj_turn *turn, const struct gj_tx_view *tx) {
    const struct gj_solo_app *a = app;
    (void)turn;
    (void)tx;
    return a->difference_fen == 0;
}

static bool app_remember(void *app, struct gj_turn *turn, const struct gj_tx_view *tx,
                         const struct gj_decision *decision) {
    struct gj_solo_app *a = app;
    (void)turn;
    (void)decision;
    a->remembered++;
    return tx->n_parts == tx->core->n_legs;
}

static enum gj_err app_end_binding(void *app, struct gj_turn *turn, const char *from,
                                   const struct gj_revoke *end) {
    struct gj_solo_app *a = app;
    (void)turn;
    (void)from;
    (void)end;
    a->ended++;
    return GJ_OK;
}

static bool app_ended_binding(void *app, struct gj_turn *turn, const char *node, struct gj_revoke *ret,
                              struct gj_txid *ret_txid) {
    (void)app;
    (void)turn;
    (void)node;
    (void)ret;
    (void)ret_txid;
    return false;
}

static void app_decided(void *app, struct gj_turn *turn, const struct gj_decision *decision) {
    struct gj_solo_app *a = app;
    (void)turn;
    a->decisions++;
    a->last = decision->txid;
    a->decision = *decision;
    if (decision->n_facts > 0)
        memcpy(a->decision_facts, decision->facts, decision->n_facts * sizeof *decision->facts);
    a->decision.core = NULL;
    a->decision.facts = a->decision_facts;
}

static void app_message(void *app, struct gj_turn *turn, const struct gj_message *message,
                        struct gj_slice evidence) {
    struct gj_solo_app *a = app;
    (void)turn;
    (void)message;
    (void)evidence;
    a->messages++;
}

static void app_peer_error(void *app, struct gj_turn *turn, const char *node, const struct gj_msgid *reply_to,
                           enum gj_err err) {
    struct gj_solo_app *a = app;
    (void)turn;
    (void)node;
    (void)reply_to;
    a->peer_errors++;
    a->peer_error = err;
}

static const struct gj_app_ops app_ops = {.hold = app_hold,
                                          .post = app_post,
                                          .release = app_release,
                                          .adopt = app_adopt,
                                          .undo = app_undo,
                                          .rehold = app_rehold,
                                          .covers = app_covers,
                                          .remember = app_remember,
                                          .end_binding = app_end_binding,
                                          .ended_binding = app_ended_binding,
                                          .decided = app_decided,
                                          .message = app_message,
                                          .peer_error = app_peer_error};

/* --- turns ------------------------------------------------------------------------------------------------------- */

struct gj_turn *gj_solo_begin(struct gj_solo *solo) {
    gj_arena_reset(&solo->scratch);
    gj_arena_reset(&solo->batch);
    gj_arena_reset(&solo->look);
    solo->outbox.n = 0;
    solo->outbox.overflow = false;
    solo->replies.n = 0;
    solo->events.n = solo->events.lost = 0;
    solo->turn = (struct gj_turn){.store = solo->store,
                                  .now = solo->now,
                                  .scratch = &solo->scratch,
                                  .batch = &solo->batch,
                                  .outbox = &solo->outbox,
                                  .replies = &solo->replies,
                                  .events = &solo->events,
                                  .hasher = &solo->hasher,
                                  .accepts_new_work = solo->accepts_new_work,
                                  .no_new_work = GJ_ERR_DRAINING};
    solo->seeds++;
    memcpy(solo->turn.seed, &solo->seeds, sizeof solo->seeds);
    solo->store->ops->begin(solo->store);
    return &solo->turn;
}

static void note_sent(struct gj_solo *solo, const struct gj_out *out) {
    for (uint32_t i = 0; i < out->n_nodes && solo->n_log < GJ_SOLO_LOG_MAX; i++) {
        struct gj_solo_sent *line = &solo->log[solo->n_log++];
        *line = (struct gj_solo_sent){.at_ms = solo->now.mono.ms, .kind = out->kind};
        gj_text_set(line->node, sizeof line->node, out->nodes[i]);
        if (out->kind != GJ_KIND_INQUIRE) continue;
        struct gj_message message;
        struct gj_fault fault;
        gj_arena_reset(&solo->look);
        enum gj_err err = gj_message_decode(out->message, &solo->look, &message, &fault);
        GJ_ASSERT(err == GJ_OK);
        line->n_items = ((const struct gj_inquire *)message.body)->n_items;
    }
}

/* As the engine does it: the flush is numbered in the store transaction that it makes durable. */
void gj_solo_end(struct gj_solo *solo) {
    struct gj_store *store = solo->store;
    struct gj_node_row node = {.one = 1};
    GJ_ASSERT(gj_store_err(store) == GJ_OK && !solo->scratch.overflow && solo->events.lost == 0);
    if (store->writes > 0) {
        GJ_ASSERT(gj_store_get(store, &gj_table_node, &node, &solo->scratch));
        node.flush++;
        gj_store_put(store, &gj_table_node, &node);
        GJ_ASSERT(store->ops->commit(store) == GJ_OK);
    } else {
        store->ops->rollback(store);
    }
    for (uint32_t i = 0; i < solo->outbox.n; i++)
        note_sent(solo, &solo->outbox.items[i]);
    gj_arena_reset(&solo->look);
}

void gj_solo_tick(struct gj_solo *solo) {
    gj_protocol_tick(solo->protocol, gj_solo_begin(solo));
    gj_solo_end(solo);
}

void gj_solo_run(struct gj_solo *solo, int64_t ms) {
    int64_t end = solo->now.mono.ms + ms;
    uint32_t at_once = 0;
    for (;;) {
        int64_t due = gj_protocol_next_due(solo->protocol).ms;
        int64_t next = due > solo->now.mono.ms ? due : solo->now.mono.ms;
        if (due > end) break;
        at_once = next > solo->now.mono.ms ? 0 : at_once + 1;
        GJ_ASSERT(at_once < 20000); /* a machine that is due again and again at one instant is broken */
        solo->now.wall.ms += next - solo->now.mono.ms;
        solo->now.mono.ms = next;
        gj_solo_tick(solo);
    }
    solo->now.wall.ms += end - solo->now.mono.ms;
    solo->now.mono.ms = end;
    for (size_t i = 0; i < GJ_SOLO_NODES; i++)
        solo->peers[i].wall = solo->now.wall;
}

/* --- peers --------------------------------------------------------------------------------------------------------- */

struct gj_forge *gj_solo_peer(struct gj_solo *solo, const char *node) {
    size_t index = gj_directory_index(&solo->directory, node);
    GJ_ASSERT(index < GJ_SOLO_NODES);
    return &solo->peers[index];
}

void gj_solo_peer_restart(struct gj_solo *solo, const char *node) {
    struct gj_forge *peer = gj_solo_peer(solo, node);
    peer->epoch++;
    peer->counter = 1;
    peer->flush = 1;
}

void gj_solo_frame(struct gj_solo *solo, const char *line, struct gj_slice frame) {
    gj_protocol_parcel(solo->protocol, gj_solo_begin(solo), line, frame);
    gj_solo_end(solo);
}

void gj_solo_say(struct gj_solo *solo, const char *peer, enum gj_kind kind, const struct gj_txid *tx,
                 const void *body) {
    struct gj_forge *forge = gj_solo_peer(solo, peer);
    gj_solo_frame(solo, peer, gj_forge_one(forge, kind, GJ_SOLO_SELF, tx, body));
}

void gj_solo_hello(struct gj_solo *solo, const char *peer) {
    const struct gj_forge *forge = gj_solo_peer(solo, peer);
    struct gj_hello hello = {.version_min = GJ_PROTOCOL_VERSION,
                             .version_max = GJ_PROTOCOL_VERSION,
                             .registry_serial = solo->directory.serial,
                             .boot_epoch = forge->epoch};
    memcpy(hello.network_id, forge->network_id, sizeof hello.network_id);
    memset(hello.nonce, (int)(forge->epoch % 200) + 1, sizeof hello.nonce);
    gj_solo_say(solo, peer, GJ_KIND_HELLO, NULL, &hello);
}

void gj_solo_welcome(struct gj_solo *solo, const char *peer, const struct gj_epoch_flush *seen, uint32_t n) {
    struct gj_epoch_flush proven[GJ_EPOCHS_MAX];
    struct gj_welcome welcome = {.version = GJ_PROTOCOL_VERSION,
                                 .registry_serial = solo->directory.serial,
                                 .seen = proven,
                                 .n_seen = n};
    GJ_ASSERT(n <= GJ_EPOCHS_MAX);
    for (uint32_t i = 0; i < n; i++) {
        proven[i] = seen[i];
        if (seen[i].proof.len == 0)
            proven[i].proof = gj_forge_flush_proof(&solo->peers[0], (uint32_t)seen[i].epoch, seen[i].flush);
    }
    memcpy(welcome.nonce, solo->protocol->nonce, sizeof welcome.nonce);
    gj_solo_say(solo, peer, GJ_KIND_WELCOME, NULL, &welcome);
}

void gj_solo_greet(struct gj_solo *solo) {
    for (size_t i = 1; i < GJ_SOLO_NODES; i++) {
        gj_solo_hello(solo, nodes[i].node);
        gj_solo_welcome(solo, nodes[i].node, NULL, 0);
    }
}

/* --- making ---------------------------------------------------------------------------------------------------------- */

void gj_solo_key_times(struct gj_solo *solo, const char *node, int64_t from_ms, int64_t to_ms,
                       int64_t revoked_ms) {
    const struct gj_wall ever = {0}, from = {from_ms}, to = {to_ms}, revoked = {revoked_ms};
    gj_keyring_free(&solo->keyring);
    GJ_ASSERT(gj_keyring_new(&solo->keyring) == GJ_OK);
    for (size_t i = 0; i < GJ_SOLO_NODES; i++) {
        struct gj_public_key key;
        bool is_it = gj_text_equal(nodes[i].node, node);
        gj_sign_key_public(solo->peers[i].key, &key);
        GJ_ASSERT(gj_keyring_add(solo->keyring, nodes[i].node, &key, is_it ? from : ever, is_it ? to : ever,
                                 is_it ? revoked : ever) == GJ_OK);
    }
    solo->prover.ctx = solo->keyring;
}

static void make_keys(struct gj_solo *solo, enum gj_sign_alg alg) {
    const struct gj_wall ever = {0};
    GJ_ASSERT(gj_keyring_new(&solo->keyring) == GJ_OK);
    for (size_t i = 0; i < GJ_SOLO_NODES; i++) {
        struct gj_public_key public_key;
        if (keys[alg][i] == NULL) GJ_ASSERT(gj_sign_key_generate(alg, &keys[alg][i]) == GJ_OK);
        gj_sign_key_public(keys[alg][i], &public_key);
        GJ_ASSERT(gj_keyring_add(solo->keyring, nodes[i].node, &public_key, ever, ever, ever) == GJ_OK);
        gj_forge_init(&solo->peers[i], &solo->hasher, keys[alg][i], &solo->directory, nodes[i].node);
        solo->peers[i].epoch = 1000;
        solo->peers[i].flush = 1;
        solo->peers[i].wall = solo->now.wall;
    }
    solo->prover = (struct gj_prover){
        .ctx = solo->keyring, .verify = gj_keyring_verify, .key_valid = gj_keyring_key_valid};
}

static void make_memory(struct gj_solo *solo) {
    size_t size = gj_protocol_size();
    solo->memory = malloc(SCRATCH_BYTES + BATCH_BYTES + LOOK_BYTES);
    solo->protocol = malloc(size);
    solo->outbox =
        (struct gj_outbox){.items = calloc(OUTBOX_MAX, sizeof *solo->outbox.items), .cap = OUTBOX_MAX};
    solo->events =
        (struct gj_events){.items = calloc(EVENTS_MAX, sizeof *solo->events.items), .cap = EVENTS_MAX};
    solo->replies = (struct gj_replies){.items = calloc(16, sizeof *solo->replies.items), .cap = 16};
    solo->log = calloc(GJ_SOLO_LOG_MAX, sizeof *solo->log);
    GJ_ASSERT(solo->memory != NULL && solo->protocol != NULL && solo->outbox.items != NULL);
    GJ_ASSERT(solo->events.items != NULL && solo->replies.items != NULL && solo->log != NULL);
    gj_arena_init(&solo->scratch, solo->memory, SCRATCH_BYTES);
    gj_arena_init(&solo->batch, solo->memory + SCRATCH_BYTES, BATCH_BYTES);
    gj_arena_init(&solo->look, solo->memory + SCRATCH_BYTES + BATCH_BYTES, LOOK_BYTES);
}

static void make_store(struct gj_solo *solo) {
    struct gj_node_row node = {.one = 1, .node = GJ_SOLO_SELF, .store_id = {7}};
    GJ_ASSERT(gj_store_open_memory(gj_store_catalogue(), &solo->store) == GJ_OK);
    solo->store->ops->begin(solo->store);
    gj_store_put(solo->store, &gj_table_node, &node);
    GJ_ASSERT(solo->store->ops->commit(solo->store) == GJ_OK);
}

static void start(struct gj_solo *solo, enum gj_witness witness) {
    const struct gj_protocol_config config = {.directory = &solo->directory,
                                              .prover = &solo->prover,
                                              .app_ops = &app_ops,
                                              .app = &solo->app,
                                              .digest_alg = GJ_HASH_SM3};
    (void)gj_protocol_init(solo->protocol, &config);
    gj_protocol_recover(solo->protocol, gj_solo_begin(solo), witness);
    gj_solo_end(solo);
}

struct gj_solo *gj_solo_new(const struct gj_solo_config *config) {
    static const struct gj_solo_config plain;
    struct gj_solo *solo = calloc(1, sizeof *solo);
    GJ_ASSERT(solo != NULL);
    if (config == NULL) config = &plain;
    solo->now = (struct gj_now){{INT64_C(1000000)}, {GJ_SOLO_WALL_MS}};
    solo->accepts_new_work = true;
    solo->directory = (struct gj_directory){.self = GJ_SOLO_SELF,
                                            .network_id = "solo network",
                                            .serial = 1,
                                            .nodes = nodes,
                                            .n_nodes = GJ_SOLO_NODES,
                                            .regions = regions,
                                            .n_regions = sizeof regions / sizeof regions[0]};
    memset(&solo->data_key, 3, sizeof solo->data_key);
    solo->hasher = gj_crypto_hasher(&solo->data_key);
    make_memory(solo);
    make_keys(solo, config->alg == 0 ? GJ_SIGN_ED25519 : config->alg);
    make_store(solo);
    if (config->no_start) return solo;
    start(solo, config->witness);
    if (!config->no_greeting) gj_solo_greet(solo);
    return solo;
}

void gj_solo_restart(struct gj_solo *solo, enum gj_witness witness) {
    solo->now.mono.ms += 1000;
    solo->now.wall.ms += 1000;
    for (size_t i = 0; i < GJ_SOLO_NODES; i++)
        solo->peers[i].wall = solo->now.wall;
    start(solo, witness);
}

void gj_solo_free(struct gj_solo **solo_p) {
    struct gj_solo *solo = *solo_p;
    if (solo == NULL) return;
    *solo_p = NULL;
    for (size_t i = 0; i < GJ_SOLO_NODES; i++)
        gj_forge_done(&solo->peers[i]);
    gj_store_close(&solo->store);
    gj_keyring_free(&solo->keyring);
    free(solo->log);
    free(solo->replies.items);
    free(solo->events.items);
    free(solo->outbox.items);
    free(solo->protocol);
    free(solo->memory);
    free(solo);
}

/* --- looking ----------------------------------------------------------------------------------------------------------- */

static bool is_for(const struct gj_out *out, const char *node) {
    for (uint32_t i = 0; i < out->n_nodes; i++)
        if (node == NULL || gj_text_equal(out->nodes[i], node)) return true;
    return false;
}

uint32_t gj_solo_count(const struct gj_solo *solo, enum gj_kind kind, const char *node) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < solo->outbox.n; i++)
        if (solo->outbox.items[i].kind == kind && is_for(&solo->outbox.items[i], node)) n++;
    return n;
}

const void *gj_solo_message(struct gj_solo *solo, enum gj_kind kind, const char *node, uint32_t nth) {
    for (uint32_t i = 0; i < solo->outbox.n; i++) {
        const struct gj_out *out = &solo->outbox.items[i];
        struct gj_message message;
        struct gj_fault fault;
        if (out->kind != kind || !is_for(out, node) || nth-- > 0) continue;
        enum gj_err err = gj_message_decode(out->message, &solo->look, &message, &fault);
        GJ_ASSERT(err == GJ_OK);
        return message.body;
    }
    return NULL;
}

const struct gj_vote *gj_solo_vote_to(struct gj_solo *solo, const char *node) {
    GJ_ASSERT(gj_solo_count(solo, GJ_KIND_VOTE, node) == 1);
    return gj_solo_message(solo, GJ_KIND_VOTE, node, 0);
}

const struct gj_tx_status *gj_solo_status_to(struct gj_solo *solo, const char *node) {
    GJ_ASSERT(gj_solo_count(solo, GJ_KIND_STATUS, node) == 1);
    const struct gj_status *status = gj_solo_message(solo, GJ_KIND_STATUS, node, 0);
    GJ_ASSERT(status->n_items == 1);
    return status->items;
}

bool gj_solo_is_silent(const struct gj_solo *solo) {
    return solo->outbox.n == 0;
}

uint32_t gj_solo_events(const struct gj_solo *solo, enum gj_event_code code, enum gj_err err) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < solo->events.n; i++) {
        const struct gj_event *event = &solo->events.items[i];
        if (event->code == code && (err == GJ_OK || event->err == err)) n++;
    }
    return n;
}

uint32_t gj_solo_alarms(const struct gj_solo *solo) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < solo->events.n; i++)
        if (gj_event_level_of(solo->events.items[i].code) == GJ_LEVEL_ALARM) n++;
    return n;
}

bool gj_solo_get(struct gj_solo *solo, const struct gj_table *table, void *row) {
    solo->store->ops->begin(solo->store);
    bool found = gj_store_get(solo->store, table, row, &solo->look);
    solo->store->ops->rollback(solo->store);
    return found;
}

void gj_solo_put(struct gj_solo *solo, const struct gj_table *table, const void *row) {
    solo->store->ops->begin(solo->store);
    gj_store_put(solo->store, table, row);
    GJ_ASSERT(solo->store->ops->commit(solo->store) == GJ_OK);
}

struct gj_part_row gj_solo_part_row(struct gj_solo *solo, const struct gj_txid *txid) {
    struct gj_part_row row = {.txid = *txid};
    if (!gj_solo_get(solo, &gj_table_part, &row)) row = (struct gj_part_row){.txid = *txid};
    return row;
}

struct gj_coord_row gj_solo_coord_row(struct gj_solo *solo, const struct gj_txid *txid) {
    struct gj_coord_row row = {.txid = *txid};
    if (!gj_solo_get(solo, &gj_table_coord, &row)) row = (struct gj_coord_row){.txid = *txid};
    return row;
}

const char *gj_solo_part_state(struct gj_solo *solo, const struct gj_txid *txid) {
    return gj_part_state_word(gj_part_state_of(gj_solo_part_row(solo, txid).state));
}

const char *gj_solo_coord_state(struct gj_solo *solo, const struct gj_txid *txid) {
    static char word[GJ_WORD_MAX + 1];
    gj_text_set(word, sizeof word, gj_solo_coord_row(solo, txid).state);
    return word;
}

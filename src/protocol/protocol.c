/* SPDX-License-Identifier: Apache-2.0
 *
 * The life of the protocol: init, recovery, the tick, sending, and what it tells about itself.
 * The machines are in coordinator.c, participant.c, request.c; what comes in passes admission.c first.
 */
#include "protocol/state.h"

#include <string.h>

#include "base/check.h"
#include "base/money.h"

size_t gj_protocol_size(void) {
    return sizeof(struct gj_protocol);
}

struct gj_protocol *gj_protocol_init(void *memory, const struct gj_protocol_config *config) {
    struct gj_protocol *p = memory;
    memset(p, 0, sizeof *p);
    p->config = *config;
    GJ_ASSERT(config->directory->n_nodes <= GJ_NODES_MAX);
    GJ_ASSERT(gj_directory_node(config->directory, config->directory->self) != NULL);
    return p;
}

/* A new epoch: never one that was used, and after every clock that this store has seen. */
static void take_epoch(struct gj_protocol *p, struct gj_turn *turn, struct gj_node_row *node) {
    p->started_ms = p->earliest_ms = turn->now.wall.ms;
    if (node->boot_epoch > 0) {
        struct gj_epoch_row past = {
            .epoch = node->boot_epoch, .flush = node->flush, .next_seq = node->next_seq};
        gj_store_put(turn->store, &gj_table_epoch, &past);
    }
    uint64_t by_clock = (uint64_t)(turn->now.wall.ms / 1000);
    node->boot_epoch = by_clock > node->boot_epoch ? by_clock : node->boot_epoch + 1;
    node->flush = 0;
    node->next_seq = 1;
    gj_turn_random(turn, node->nonce, sizeof node->nonce);
    p->epoch = (uint32_t)node->boot_epoch;
    p->next_counter = 1;
    memcpy(p->nonce, node->nonce, sizeof p->nonce);
}

static void settle_past(struct gj_protocol *p, struct gj_turn *turn) {
    if (p->past_is_settled || p->resync || !p->gate_open) return;
    p->past_is_settled = true;
    gj_coordinator_recover(p, turn);
    gj_participant_recover(p, turn);
}

void gj_protocol_recover(struct gj_protocol *p, struct gj_turn *turn, enum gj_witness witness) {
    struct gj_node_row node = {.one = 1};
    bool found = gj_store_get(turn->store, &gj_table_node, &node, turn->scratch);
    if (gj_store_err(turn->store) != GJ_OK) return;
    GJ_ASSERT(found);
    GJ_ASSERT(gj_text_equal(node.node, p->config.directory->self));

    take_epoch(p, turn, &node);
    gj_store_put(turn->store, &gj_table_node, &node);
    p->resync = node.resync;
    gj_peers_recover(p, turn);
    gj_resync_recover(p, turn);
    gj_aftermath_recover(p, turn);
    p->gate_open = witness == GJ_WITNESS_EQUAL_OR_BEHIND || p->config.directory->n_nodes == 1;
    /* Before anything else is said: whoever has not heard this epoch's HELLO refuses the rest. */
    gj_peers_tick(p, turn);
    settle_past(p, turn);
}

void gj_protocol_leave_epoch(struct gj_protocol *p, struct gj_turn *turn, uint32_t epoch, uint64_t flush) {
    struct gj_node_row node = {.one = 1};
    if (!gj_store_get(turn->store, &gj_table_node, &node, turn->scratch)) return;
    turn->outbox->n = 0; /* made in the epoch that is left; a timer says it again */
    p->n_acks = 0;
    take_epoch(p, turn, &node);
    if (node.boot_epoch <= epoch) node.boot_epoch = epoch + 1;
    p->epoch = (uint32_t)node.boot_epoch;
    gj_store_put(turn->store, &gj_table_node, &node);
    gj_peers_note_flush(turn, epoch, flush);
    for (size_t i = 0; i < p->config.directory->n_nodes; i++) {
        p->peers[i].heard = false;
        p->peers[i].hello_due = turn->now.mono;
    }
}

/* --- timers: what is still due, and when. A timer never decides about a vote that was given. ------------ */

struct gj_mono gj_mono_after(struct gj_mono now, int64_t ms) {
    return (struct gj_mono){now.ms + ms};
}

bool gj_mono_is_due(struct gj_mono due, struct gj_mono now) {
    return due.ms <= now.ms;
}

int64_t gj_jitter(struct gj_turn *turn, int64_t ms) {
    uint8_t draw[2];
    gj_turn_random(turn, draw, sizeof draw);
    int64_t thousandth = (draw[0] << 8 | draw[1]) % 401; /* 0..400: minus to plus a fifth */
    return ms * (800 + thousandth) / 1000;
}

struct gj_active *gj_active_find(struct gj_protocol *p, const struct gj_txid *txid,
                                 enum gj_active_role role) {
    for (uint32_t i = 0; i < p->n_active; i++) {
        if (p->active[i].role == role && gj_txid_equal(&p->active[i].txid, txid)) return &p->active[i];
    }
    return NULL;
}

bool gj_active_has_room(const struct gj_protocol *p) {
    return p->n_active < GJ_ACTIVE_TX_MAX;
}

bool gj_active_has_room_for(struct gj_protocol *p, const char *coordinator) {
    const struct gj_peer *peer = gj_peer_of(p, coordinator);
    return gj_active_has_room(p) && (peer == NULL || peer->n_in_doubt < GJ_IN_DOUBT_PER_NODE_MAX);
}

static void count_in_doubt(struct gj_protocol *p, const struct gj_active *active, bool is_added) {
    struct gj_peer *peer = gj_peer_of(p, active->txid.coordinator);
    if (active->role != GJ_ACTIVE_IN_DOUBT || peer == NULL) return;
    peer->n_in_doubt = is_added ? peer->n_in_doubt + 1 : peer->n_in_doubt - 1;
}

struct gj_active *gj_active_add(struct gj_protocol *p, struct gj_turn *turn, const struct gj_txid *txid,
                                enum gj_active_role role, int64_t first_ms) {
    if (!gj_active_has_room(p)) {
        gj_turn_event(turn, GJ_EVENT_LIMIT_REACHED, GJ_ERR_BUSY, txid, NULL, GJ_ACTIVE_TX_MAX);
        return NULL;
    }
    struct gj_active *active = &p->active[p->n_active++];
    *active = (struct gj_active){.txid = *txid,
                                 .role = role,
                                 .due = gj_mono_after(turn->now.mono, first_ms),
                                 .deadline = {INT64_MAX},
                                 .since = turn->now.mono,
                                 .interval_ms = first_ms};
    count_in_doubt(p, active, true);
    return active;
}

void gj_active_remove(struct gj_protocol *p, const struct gj_txid *txid, enum gj_active_role role) {
    struct gj_active *active = gj_active_find(p, txid, role);
    if (active == NULL) return;
    count_in_doubt(p, active, false);
    *active = p->active[--p->n_active];
}

void gj_active_hurry(struct gj_protocol *p, struct gj_mono now) {
    for (uint32_t i = 0; i < p->n_active; i++) {
        if (p->active[i].role != GJ_ACTIVE_COLLECTING) p->active[i].due = now;
    }
}

/* --- the tick ------------------------------------------------------------------------------------------- */

static bool gate_is_due(const struct gj_protocol *p) {
    if (p->gate_open) return false;
    for (size_t i = 0; i < p->config.directory->n_nodes; i++) {
        bool is_self = gj_protocol_is_self(p, p->config.directory->nodes[i].node);
        if (!is_self && !p->peers[i].heard) return false;
    }
    return true;
}

static bool rescan_is_due(const struct gj_protocol *p) {
    return p->rescan && !p->resync && p->n_active <= GJ_ACTIVE_TX_MAX / 2;
}

static void open_gate_when_all_are_heard(struct gj_protocol *p, struct gj_turn *turn) {
    if (!gate_is_due(p)) return;
    p->gate_open = true;
    if (!p->resync) gj_turn_event(turn, GJ_EVENT_GATE_OPEN, GJ_OK, NULL, NULL, p->epoch);
}

static void rescan_records(struct gj_protocol *p, struct gj_turn *turn) {
    if (!rescan_is_due(p)) return;
    p->rescan = false;
    gj_coordinator_recover(p, turn);
    gj_participant_recover(p, turn);
}

/* At most a page a turn: the others stay due, and the next turn comes at once. */
static void tick_coordinated(struct gj_protocol *p, struct gj_turn *turn) {
    uint32_t taken = 0;
    /* Backwards: an entry that is removed is replaced by the last one. */
    for (uint32_t i = p->n_active; i > 0 && taken < GJ_PAGE_ROWS; i--) {
        if (i > p->n_active) continue;
        struct gj_active *active = &p->active[i - 1];
        bool is_due =
            gj_mono_is_due(active->due, turn->now.mono) || gj_mono_is_due(active->deadline, turn->now.mono);
        if (!is_due || active->role == GJ_ACTIVE_IN_DOUBT) continue;
        size_t mark = turn->scratch->used;
        gj_coordinator_tick(p, turn, active);
        gj_arena_rewind(turn->scratch, mark);
        taken++;
    }
}

void gj_protocol_tick(struct gj_protocol *p, struct gj_turn *turn) {
    p->earliest_ms = gj_fen_min(p->earliest_ms, turn->now.wall.ms);
    gj_peers_tick(p, turn);
    gj_resync_tick(p, turn);
    open_gate_when_all_are_heard(p, turn);
    settle_past(p, turn);
    rescan_records(p, turn);
    gj_aftermath_tick(p, turn);
    if (p->resync) return;
    tick_coordinated(p, turn);
    gj_inquiry_tick(p, turn);
    gj_peers_write_flushes(p, turn);
}

struct gj_mono gj_protocol_next_due(const struct gj_protocol *p) {
    int64_t next = p->collect_due.ms;
    /* Due by what was heard, not by a time: at once. */
    if (gate_is_due(p) || rescan_is_due(p)) return (struct gj_mono){0};
    for (size_t i = 0; i < p->config.directory->n_nodes; i++) {
        bool is_self = gj_protocol_is_self(p, p->config.directory->nodes[i].node);
        if (!is_self && !p->peers[i].heard && p->peers[i].hello_due.ms < next)
            next = p->peers[i].hello_due.ms;
    }
    for (uint32_t i = 0; i < p->n_active && !p->resync; i++) {
        if (p->active[i].due.ms < next) next = p->active[i].due.ms;
        if (p->active[i].deadline.ms < next) next = p->active[i].deadline.ms;
    }
    const struct gj_mono resync = gj_resync_next_due(p);
    return resync.ms < next ? resync : (struct gj_mono){next};
}

/* --- sending -------------------------------------------------------------------------------------------- */

static void queue(struct gj_turn *turn, enum gj_kind kind, struct gj_slice message,
                  const char (*nodes)[GJ_NODE_MAX + 1], uint32_t n_nodes) {
    struct gj_outbox *outbox = turn->outbox;
    struct gj_slice kept = gj_arena_copy(turn->batch, message);
    char(*names)[GJ_NODE_MAX + 1] = gj_arena_array(turn->batch, n_nodes, sizeof *names);
    if (outbox->n == outbox->cap || kept.ptr == NULL || names == NULL) {
        outbox->overflow = true;
        gj_turn_event(turn, GJ_EVENT_LIMIT_REACHED, GJ_ERR_NO_SPACE, NULL, NULL, outbox->cap);
        return;
    }
    memcpy(names, nodes, n_nodes * sizeof *names);
    outbox->items[outbox->n++] = (struct gj_out){
        .kind = kind, .message = kept, .nodes = (const char(*)[GJ_NODE_MAX + 1]) names, .n_nodes = n_nodes};
}

void gj_protocol_emit(struct gj_protocol *p, struct gj_turn *turn, enum gj_kind kind, const char *to,
                      const char (*nodes)[GJ_NODE_MAX + 1], uint32_t n_nodes, const struct gj_txid *txid,
                      const void *body, const struct gj_msgid *reply_to, int64_t ttl_ms,
                      struct gj_msgid *ret_id) {
    const struct gj_msgid id = {p->epoch, p->next_counter++};
    uint8_t reply_bytes[GJ_MSGID_BYTES];
    struct gj_header header = {
        .v = GJ_PROTOCOL_VERSION, .sent_at = turn->now.wall.ms, .expires_at = turn->now.wall.ms + ttl_ms};
    struct gj_buf buf;

    gj_text_set(header.kind, sizeof header.kind, gj_kind_word(kind));
    gj_text_set(header.from, sizeof header.from, p->config.directory->self);
    gj_text_set(header.to, sizeof header.to, to);
    gj_msgid_write(header.id, &id);
    if (txid != NULL) header.tx = *txid;
    if (reply_to != NULL) {
        gj_msgid_write(reply_bytes, reply_to);
        header.reply_to = gj_slice_of(reply_bytes, sizeof reply_bytes);
    }
    gj_buf_init(&buf, p->encode, sizeof p->encode);
    enum gj_err err = gj_message_encode(&header, gj_kind_shape(kind), body, &buf);
    if (err != GJ_OK) {
        /* Our own limits keep every body below the message limit; if one does not fit, it is not sent. */
        gj_turn_event(turn, GJ_EVENT_LIMIT_REACHED, err, txid, NULL, (int64_t)kind);
        return;
    }
    queue(turn, kind, gj_buf_slice(&buf), nodes, n_nodes);
    if (ret_id != NULL) *ret_id = id;
}

void gj_protocol_emit_one(struct gj_protocol *p, struct gj_turn *turn, enum gj_kind kind, const char *node,
                          const struct gj_txid *txid, const void *body) {
    char name[1][GJ_NODE_MAX + 1];
    gj_text_set(name[0], sizeof name[0], node);
    gj_protocol_emit(p, turn, kind, node, (const char(*)[GJ_NODE_MAX + 1]) name, 1, txid, body, NULL,
                     GJ_CLOCK_WINDOW_MS, NULL);
}

void gj_protocol_send(struct gj_protocol *p, struct gj_turn *turn, enum gj_kind kind, const char *node,
                      const void *body, const struct gj_msgid *reply_to, int64_t ttl_ms,
                      struct gj_msgid *ret_id) {
    char name[1][GJ_NODE_MAX + 1];
    gj_text_set(name[0], sizeof name[0], node);
    gj_protocol_emit(p, turn, kind, node, (const char(*)[GJ_NODE_MAX + 1]) name, 1, NULL, body, reply_to,
                     ttl_ms, ret_id);
}

struct gj_slice gj_protocol_encode_body(struct gj_protocol *p, struct gj_turn *turn,
                                        const struct gj_shape *shape, const void *body) {
    struct gj_buf buf;
    struct gj_fault fault;
    gj_buf_init(&buf, p->encode, sizeof p->encode);
    enum gj_err err = gj_shape_encode(shape, body, &buf, &fault);
    if (turn->scratch->overflow)
        return GJ_SLICE_NONE; /* parts of the body are missing; the batch is not kept */
    GJ_ASSERT(err == GJ_OK);
    return gj_arena_copy(turn->scratch, gj_buf_slice(&buf));
}

bool gj_record_is_whole(struct gj_turn *turn, bool is_whole) {
    if (!is_whole) gj_store_fail(turn->store, GJ_ERR_STORE, "a transaction's record cannot be read back");
    return is_whole;
}

/* --- the directory: linear, a country has some thirty nodes and a few hundred regions ------------------------ */

const struct gj_directory_node *gj_directory_node(const struct gj_directory *dir, const char *node) {
    size_t index = gj_directory_index(dir, node);
    return index == dir->n_nodes ? NULL : &dir->nodes[index];
}

size_t gj_directory_index(const struct gj_directory *dir, const char *node) {
    for (size_t i = 0; i < dir->n_nodes; i++) {
        if (gj_text_equal(dir->nodes[i].node, node)) return i;
    }
    return dir->n_nodes;
}

const char *gj_directory_node_of_region(const struct gj_directory *dir, const char *region) {
    for (size_t i = 0; i < dir->n_regions; i++) {
        if (gj_text_equal(dir->regions[i].region, region)) return dir->regions[i].node;
    }
    return NULL;
}

const char *gj_directory_node_of_sender(const struct gj_directory *dir, const char *sender) {
    const char *slash = strchr(sender, '/');
    if (slash != NULL) {
        char node[GJ_NODE_MAX + 1];
        struct gj_slice name = gj_slice_of(sender, (size_t)(slash - sender));
        if (slash[1] == '\0' || gj_text_from_slice(node, sizeof node, name) != GJ_OK) return NULL;
        const struct gj_directory_node *found = gj_directory_node(dir, node);
        return found == NULL ? NULL : found->node;
    }
    if (strlen(sender) != 12) return NULL;
    char region[GJ_REGION_MAX + 1];
    memcpy(region, sender + 1, GJ_REGION_MAX);
    region[GJ_REGION_MAX] = '\0';
    return gj_directory_node_of_region(dir, region);
}

bool gj_directory_is_self(const struct gj_directory *dir, const char *node) {
    return gj_text_equal(dir->self, node);
}

/* --- about this node ------------------------------------------------------------------------------------ */

bool gj_protocol_is_self(const struct gj_protocol *p, const char *node) {
    return gj_directory_is_self(p->config.directory, node);
}

/* A peer without which people opened us may know of a vote of ours in an older transaction; in one that began since,
 * there can be none. */
static bool is_untold(const struct gj_protocol *p, const struct gj_core *core) {
    if (!gj_resync_is_healing(p)) return false;
    if (core == NULL) return true;
    bool is_fresh = core->expires_at > p->started_ms + GJ_PREPARE_EXPIRY_MS + GJ_CLOCK_WINDOW_MS;
    return !is_fresh && !gj_resync_is_complete_for(p, core);
}

bool gj_protocol_may_speak(const struct gj_protocol *p, const struct gj_core *core) {
    if (p->resync || is_untold(p, core)) return false;
    if (p->gate_open) return true;
    if (core == NULL) return false;
    for (uint32_t i = 0; i < core->n_participants; i++) {
        const char *node = core->participants[i].node;
        if (gj_protocol_is_self(p, node)) continue;
        size_t index = gj_directory_index(p->config.directory, node);
        if (index == p->config.directory->n_nodes || !p->peers[index].heard) return false;
    }
    size_t coordinator = gj_directory_index(p->config.directory, core->txid.coordinator);
    return gj_protocol_is_self(p, core->txid.coordinator) ||
           (coordinator < p->config.directory->n_nodes && p->peers[coordinator].heard);
}

bool gj_protocol_is_in_doubt(const struct gj_protocol *p) {
    return p->resync || !p->gate_open;
}

enum gj_err gj_protocol_accepts_work(const struct gj_protocol *p, const struct gj_turn *turn) {
    if (p->resync) return GJ_ERR_RESYNC;
    if (!p->gate_open) return GJ_ERR_GATE;
    if (!turn->accepts_new_work) return turn->no_new_work;
    return GJ_OK;
}

uint32_t gj_protocol_epoch(const struct gj_protocol *p) {
    return p->epoch;
}

const struct gj_directory *gj_protocol_directory(const struct gj_protocol *p) {
    return p->config.directory;
}

static const char *state_word(const struct gj_protocol *p, const struct gj_turn *turn) {
    if (p->resync) return "resync";
    if (!p->gate_open) return "gate";
    return turn->accepts_new_work ? "open" : "draining";
}

void gj_protocol_describe(struct gj_protocol *p, struct gj_turn *turn, struct gj_ans_node *ret) {
    const struct gj_directory *dir = p->config.directory;
    struct gj_node_row node = {.one = 1};
    *ret = (struct gj_ans_node){.boot_epoch = p->epoch, .active = p->n_active};
    gj_text_set(ret->node, sizeof ret->node, dir->self);
    gj_text_set(ret->state, sizeof ret->state, state_word(p, turn));
    if (gj_store_get(turn->store, &gj_table_node, &node, turn->scratch)) ret->flush = node.flush;
    ret->peers = gj_arena_array(turn->scratch, dir->n_nodes, sizeof *ret->peers);
    for (size_t i = 0; i < dir->n_nodes && ret->peers != NULL; i++) {
        if (gj_protocol_is_self(p, dir->nodes[i].node)) continue;
        struct gj_peer_line *line = &ret->peers[ret->n_peers++];
        gj_text_set(line->node, sizeof line->node, dir->nodes[i].node);
        line->heard = p->peers[i].heard;
        line->clock_skew_ms = p->peers[i].clock_skew_ms;
    }
}

static void coord_line(const struct gj_coord_row *row, struct gj_turn *turn, struct gj_tx_line *ret) {
    struct gj_core core;
    struct gj_fault fault;
    *ret = (struct gj_tx_line){.txid = row->txid};
    gj_text_set(ret->role, sizeof ret->role, "coordinator");
    gj_text_set(ret->state, sizeof ret->state, row->state);
    gj_text_set(ret->sender, sizeof ret->sender, row->sender);
    gj_text_set(ret->msgid, sizeof ret->msgid, row->msgid);
    enum gj_err err = gj_shape_decode(&gj_shape_core, row->core, turn->scratch, &core, &fault);
    gj_text_set(ret->kind, sizeof ret->kind, err == GJ_OK ? core.kind : "unknown");
}

static void part_line(const struct gj_part_row *row, struct gj_turn *turn, struct gj_tx_line *ret) {
    (void)turn;
    *ret = (struct gj_tx_line){.txid = row->txid};
    gj_text_set(ret->role, sizeof ret->role, "participant");
    gj_text_set(ret->state, sizeof ret->state, row->state);
    gj_text_set(ret->kind, sizeof ret->kind, row->kind[0] == '\0' ? "unknown" : row->kind);
    gj_text_set(ret->sender, sizeof ret->sender, row->sender);
    gj_text_set(ret->msgid, sizeof ret->msgid, row->msgid);
}

bool gj_protocol_transaction(struct gj_protocol *p, struct gj_turn *turn, const struct gj_txid *txid,
                             struct gj_tx_line *ret) {
    if (gj_protocol_is_self(p, txid->coordinator)) {
        struct gj_coord_row row = {.txid = *txid};
        if (!gj_store_get(turn->store, &gj_table_coord, &row, turn->scratch)) return false;
        coord_line(&row, turn, ret);
        return true;
    }
    struct gj_part_row row;
    enum gj_part_state state = gj_participant_state(p, turn, txid, &row);
    if (state == GJ_PART_NONE) return false;
    part_line(&row, turn, ret);
    gj_text_set(ret->state, sizeof ret->state, gj_part_state_word(state));
    return true;
}

#define LIST_MAX 200u

void gj_protocol_transactions(struct gj_protocol *p, struct gj_turn *turn, const char *state,
                              struct gj_ans_transactions *ret) {
    struct gj_coord_row coord = {0};
    struct gj_part_row part = {0};
    struct gj_rows coords, parts;
    uint32_t n_match = state[0] == '\0' ? 0 : 1;

    (void)p;
    *ret = (struct gj_ans_transactions){0};
    gj_text_set(coord.state, sizeof coord.state, state);
    gj_text_set(part.state, sizeof part.state, state);
    gj_store_find(turn->store, &gj_table_coord, n_match ? "coord_by_state" : NULL, &coord, n_match, NULL,
                  LIST_MAX / 2, turn->scratch, &coords);
    gj_store_find(turn->store, &gj_table_part, n_match ? "part_by_state" : NULL, &part, n_match, NULL,
                  LIST_MAX / 2, turn->scratch, &parts);
    ret->transactions = gj_arena_array(turn->scratch, LIST_MAX, sizeof *ret->transactions);
    if (ret->transactions == NULL) return;
    for (size_t i = 0; i < coords.n; i++) {
        coord_line((const struct gj_coord_row *)coords.items + i, turn,
                   &ret->transactions[ret->n_transactions++]);
    }
    for (size_t i = 0; i < parts.n; i++) {
        part_line((const struct gj_part_row *)parts.items + i, turn,
                  &ret->transactions[ret->n_transactions++]);
    }
    ret->more = coords.more || parts.more;
}

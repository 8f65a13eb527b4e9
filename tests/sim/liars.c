/* SPDX-License-Identifier: Apache-2.0
 *
 * A lying node. Its engine goes on, hears all and keeps true books; what leaves it is changed here, signed with its
 * own key, or said in addition. It can do what the thief of a node's signing key can do, no more: it must never
 * touch another node's words, and what it changed is not shown to the checker as its engine's.
 */
#include "liars.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

#define LOOK_BYTES   ((size_t)8 * 1024 * 1024)
#define LIE_PERCENT  12 /* of what its engine says */
#define STORM_FRAMES 4

static const char *const words[] = {
#define X(name, word, text) word,
    SIM_LIES(X)
#undef X
};

const char *sim_lie_word(enum sim_lie lie) {
    return words[lie];
}

bool sim_is_liar(const struct sim *sim, size_t node) {
    return sim->liars != NULL && sim->liars->node == node;
}

/* --- for lies ------------------------------------------------------------------------------------------- */
uint64_t sim_lie_below(struct sim_liars *liars, uint64_t n) {
    return sim_below(liars->sim, SIM_LIAR, n);
}

bool sim_lie_is_own(const struct sim_liars *liars, const struct gj_txid *tx) {
    return gj_text_equal(tx->coordinator, sim_node_name(liars->node));
}

void sim_lie_told(struct sim_liars *liars, enum sim_lie lie, size_t to, const struct gj_txid *tx) {
    char text[GJ_TXID_TEXT_CAP] = "";
    struct sim *sim = liars->sim;
    sim->coverage.lies[lie]++;
    sim->coverage.faults[SIM_LIAR]++;
    sim->totals.faults++;
    if (!sim->story.is_kept) return;
    if (tx != NULL && !gj_txid_is_none(tx)) (void)gj_txid_format(text, tx);
    sim_say(sim, "%s lies to %s: %s %s", sim_node_name(liars->node), sim_node_name(to), words[lie], text);
}

void sim_lie_header(struct sim_liars *liars, enum gj_kind kind, size_t to, const struct gj_txid *tx,
                    struct gj_header *ret) {
    uint64_t away = liars->real_id + SIM_OWN_IDS_AWAY;
    liars->lie_id = liars->lie_id < away ? away : liars->lie_id + 1;
    liars->forge.counter = liars->lie_id;
    liars->forge.wall = gj_cluster_now(liars->sim->cluster, liars->node).wall;
    gj_forge_header(&liars->forge, kind, sim_node_name(to), tx, ret);
}

struct sim_flight *sim_lie_frame(struct sim_liars *liars, size_t to, struct gj_slice frame,
                                 int64_t delay_ms) {
    struct sim *sim = liars->sim;
    sim_mix(sim, frame.ptr, frame.len);
    sim_say_frame(sim, "says more", liars->node, to, frame.ptr, frame.len);
    return sim_network_push(sim, liars->node, to, frame.ptr, frame.len, sim->now_ms + 1 + delay_ms);
}

struct sim_flight *sim_lie_say(struct sim_liars *liars, size_t to, enum gj_kind kind,
                               const struct gj_txid *tx, const void *body, int64_t delay_ms) {
    struct gj_header header;
    sim_lie_header(liars, kind, to, tx, &header);
    struct gj_slice message = gj_forge_message(&liars->forge, &header, gj_kind_shape(kind), body);
    return sim_lie_frame(liars, to, gj_forge_parcel(&liars->forge, &message, 1, NULL, 0), delay_ms);
}

void sim_lie_instead(struct sim_saying *saying, uint32_t at, const void *body) {
    const struct gj_message *message = &saying->message[at];
    saying->bytes[at] =
        gj_forge_message(&saying->liars->forge, &message->header, gj_kind_shape(message->kind), body);
    saying->is_changed = true;
}

struct gj_digest sim_lie_other_digest(const struct gj_digest *digest) {
    struct gj_digest other = *digest;
    other.bytes[5] ^= 1;
    return other;
}

const struct sim_heard *sim_lie_heard(struct sim_liars *liars, enum gj_kind kind) {
    uint32_t n = liars->n_heard < SIM_HEARD_MAX ? liars->n_heard : SIM_HEARD_MAX;
    uint64_t first = sim_lie_below(liars, n);
    for (uint32_t i = 0; i < n; i++) {
        const struct sim_heard *heard = &liars->heard[(first + i) % n];
        if (kind == GJ_KIND_NONE || heard->kind == kind) return heard;
    }
    return NULL;
}

void sim_lie_note_false_yes(struct sim_liars *liars, const struct gj_txid *tx) {
    liars->false_yes[liars->n_false_yes++ % SIM_FALSE_MAX] = *tx;
    ck_set_lame(liars->sim->ck);
}

const struct gj_message *sim_lie_open(struct sim_liars *liars, struct gj_slice evidence) {
    struct gj_parcel parcel;
    struct gj_fault fault;
    struct gj_message *message = gj_arena_alloc(&liars->look, sizeof *message);
    if (message == NULL || gj_parcel_read(evidence, &liars->look, &parcel) != GJ_OK) return NULL;
    return gj_message_decode(parcel.items->message, &liars->look, message, &fault) == GJ_OK ? message : NULL;
}

/* --- hearing -------------------------------------------------------------------------------------------- */
static const struct gj_digest *digest_in(const struct gj_message *message) {
    switch ((int)message->kind) {
    case GJ_KIND_LEGS:
        return &((const struct gj_prepare_legs *)message->body)->digest;
    case GJ_KIND_VOTE:
        return &((const struct gj_vote *)message->body)->digest;
    case GJ_KIND_COMMIT:
        return &((const struct gj_commit *)message->body)->digest;
    case GJ_KIND_ABORT:
        return &((const struct gj_abort *)message->body)->digest;
    default:
        return NULL;
    }
}

static void remember(struct sim_liars *liars, size_t from, const struct gj_parcel *parcel,
                     const struct gj_parcel_item *item, const struct gj_message *message) {
    const struct gj_digest *digest = digest_in(message);
    struct sim_heard *heard = &liars->heard[liars->n_heard % SIM_HEARD_MAX];
    struct gj_buf buf;
    if (digest == NULL && message->kind != GJ_KIND_CORE) return;
    size_t cap = item->message.len + item->path.len + 512;
    uint8_t *bytes = malloc(cap);
    GJ_ASSERT(bytes != NULL);
    gj_buf_init(&buf, bytes, cap);
    GJ_ASSERT(gj_parcel_extract(parcel, item, &buf) == GJ_OK);
    free(heard->evidence);
    *heard = (struct sim_heard){
        .kind = message->kind, .from = from, .tx = message->header.tx, .evidence = bytes, .len = buf.len};
    if (digest != NULL) heard->digest = *digest;
    liars->n_heard++;
}

static bool is_false_yes(const struct sim_liars *liars, const struct gj_txid *tx) {
    for (uint32_t i = 0; i < liars->n_false_yes && i < SIM_FALSE_MAX; i++)
        if (gj_txid_equal(&liars->false_yes[i], tx)) return true;
    return false;
}

/* Its engine never gave that vote and would think that it lost data. The liar acknowledges what it did not post. */
static bool is_hidden(struct sim_liars *liars, size_t from, const struct gj_message *message) {
    struct gj_tx_ref ref = {.txid = message->header.tx};
    const struct gj_ack ack = {.txids = &ref, .n_txids = 1};
    if (message->kind == GJ_KIND_HELLO && liars->is_ready && sim_has(liars->sim, SIM_LIAR))
        sim_lie_to_the_waking(liars, from);
    if (message->kind != GJ_KIND_COMMIT || !is_false_yes(liars, &message->header.tx)) return false;
    if (liars->is_ready) (void)sim_lie_say(liars, from, GJ_KIND_ACK, NULL, &ack, 1);
    return true;
}

/* False: its engine does not get to hear it. */
bool sim_liars_hear(struct sim *sim, const struct sim_flight *flight) {
    struct sim_liars *liars = sim->liars;
    struct gj_parcel parcel;
    bool is_kept_from = false;
    gj_arena_reset(&liars->look);
    gj_forge_reset(&liars->forge);
    if (flight->is_damaged ||
        gj_parcel_read(gj_slice_of(flight->bytes, flight->len), &liars->look, &parcel) != GJ_OK)
        return true;
    for (uint32_t i = 0; i < parcel.n_items; i++) {
        struct gj_message message;
        struct gj_fault fault;
        size_t mark = liars->look.used;
        if (gj_message_decode(parcel.items[i].message, &liars->look, &message, &fault) == GJ_OK) {
            if (!sim->is_healed) remember(liars, flight->from, &parcel, &parcel.items[i], &message);
            const struct sim_hearing hearing = {flight->from, &parcel, &parcel.items[i], &message};
            bool may_aim = liars->is_ready && !sim->is_healed && sim_has(sim, SIM_LIAR);
            if (may_aim) sim_lie_aim_hearing(liars, &hearing);
            is_kept_from = is_hidden(liars, flight->from, &message) || is_kept_from;
        }
        gj_arena_rewind(&liars->look, mark);
    }
    return !is_kept_from;
}

/* --- saying --------------------------------------------------------------------------------------------- */
/* Whatever it says now continues what its engine said: the same epoch, no flush that its store lacks. */
static void follow_engine(struct sim_liars *liars, const struct gj_parcel *parcel) {
    if (parcel->head.epoch != liars->forge.epoch) liars->real_id = liars->lie_id = 0;
    liars->forge.epoch = parcel->head.epoch;
    liars->forge.flush = parcel->head.flush;
    liars->is_ready = true;
}

static bool read_saying(struct sim_liars *liars, const struct gj_parcel *parcel, struct sim_saying *saying) {
    struct gj_msgid id;
    struct gj_fault fault;
    saying->n = parcel->n_items;
    if (saying->n > SIM_SAY_MAX) return false;
    for (uint32_t i = 0; i < saying->n; i++) {
        saying->bytes[i] = parcel->items[i].message;
        if (gj_message_decode(saying->bytes[i], &liars->look, &saying->message[i], &fault) != GJ_OK)
            return false;
        gj_msgid_read(saying->message[i].header.id, &id);
        if (id.counter > liars->real_id) liars->real_id = id.counter;
        if (!liars->sim->is_healed)
            remember(liars, liars->node, parcel, &parcel->items[i], &saying->message[i]);
    }
    return true;
}

static void forget_epoch(struct sim_liars *liars) {
    liars->is_ready = false;
}

void sim_liars_die(struct sim *sim) {
    forget_epoch(sim->liars);
}

/* What is sent instead of the frame; the frame itself if this one is not lied about. */
struct gj_slice sim_liars_say(struct sim *sim, const struct gj_cluster_flight *flight, bool *ret_is_refused) {
    struct sim_liars *liars = sim->liars;
    struct sim_saying *saying;
    struct gj_parcel parcel;
    *ret_is_refused = false;
    gj_arena_reset(&liars->look);
    gj_forge_reset(&liars->forge);
    saying = gj_arena_alloc(&liars->look, sizeof *saying);
    if (saying == NULL || gj_parcel_read(flight->parcel, &liars->look, &parcel) != GJ_OK)
        return flight->parcel;
    saying->liars = liars;
    saying->to = flight->to;
    follow_engine(liars, &parcel);
    if (!read_saying(liars, &parcel, saying) || !sim_has(sim, SIM_LIAR)) return flight->parcel;
    sim_lie_aim_saying(saying);
    for (uint32_t i = 0; i < saying->n; i++)
        if (sim_chance(sim, SIM_LIAR, LIE_PERCENT) && sim_lie_about(saying, i)) break;
    if (!saying->is_changed) return flight->parcel;
    *ret_is_refused = saying->is_refused;
    liars->forge.wall = gj_cluster_now(sim->cluster, liars->node).wall;
    struct gj_slice frame = gj_forge_parcel(&liars->forge, saying->bytes, saying->n, NULL, 0);
    sim_mix(sim, frame.ptr, frame.len);
    return frame;
}

/* At times: words that nobody asked for. */
void sim_liars_tick(struct sim *sim) {
    struct sim_liars *liars = sim->liars;
    uint64_t n = 1 + sim_lie_below(liars, STORM_FRAMES);
    size_t to = (liars->node + 1 + (size_t)sim_lie_below(liars, sim->n - 1)) % sim->n;
    if (!liars->is_ready || sim->nodes[liars->node].is_down) return;
    gj_arena_reset(&liars->look);
    gj_forge_reset(&liars->forge);
    for (uint64_t i = 0; i < n; i++) {
        if (sim_lie_below(liars, 3) == 0)
            sim_lie_at_the_door(liars, to);
        else
            sim_lie_unasked(liars, to);
    }
}

void sim_liars_at_last(struct sim *sim) {
    struct sim_liars *liars = sim->liars;
    size_t to = (liars->node + 1 + (size_t)sim_lie_below(liars, sim->n - 1)) % sim->n;
    if (!liars->is_ready || sim->nodes[liars->node].is_down) return;
    gj_arena_reset(&liars->look);
    gj_forge_reset(&liars->forge);
    sim_lie_unasked(liars, to);
}

/* --- its life ------------------------------------------------------------------------------------------- */
void sim_liars_open(struct sim *sim) {
    if (!sim_has(sim, SIM_LIAR)) return;
    struct sim_liars *liars = calloc(1, sizeof *liars);
    GJ_ASSERT(liars != NULL);
    liars->sim = sim;
    liars->node = (size_t)sim_below(sim, SIM_LIAR, sim->n);
    liars->memory = malloc(LOOK_BYTES);
    GJ_ASSERT(liars->memory != NULL);
    gj_arena_init(&liars->look, liars->memory, LOOK_BYTES);
    gj_forge_init(&liars->forge, gj_cluster_hasher(sim->cluster, liars->node),
                  gj_cluster_sign_key(sim->cluster, liars->node),
                  gj_cluster_directory(sim->cluster, liars->node), sim_node_name(liars->node));
    sim->liars = liars;
    ck_set_liar(sim->ck, liars->node, sim_regions(liars->node), 2);
}

void sim_liars_close(struct sim *sim) {
    struct sim_liars *liars = sim->liars;
    if (liars == NULL) return;
    for (uint32_t i = 0; i < SIM_HEARD_MAX; i++)
        free(liars->heard[i].evidence);
    gj_forge_done(&liars->forge);
    free(liars->memory);
    free(liars);
    sim->liars = NULL;
}

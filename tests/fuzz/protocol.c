/* SPDX-License-Identifier: Apache-2.0
 *
 * Bytes as a story about one protocol machine: peers with real keys prepare, decide, lie, restart, and sign whatever
 * the bytes make of a message of any kind. After every turn:
 *
 *   - what was sent rests on a record: YES on PREPARED, COMMIT on COMMITTED, never ABORT beside it;
 *   - no node ever hears a YES and a NO of one vote;
 *   - a decided record stays as it is, and PREPARED is left only for a decision;
 *   - every hold that was put stands, was posted or was released, exactly once.
 */
#include <string.h>

#include "fuzz/fuzz.h"
#include "support/solo.h"

#define TXS        6u
#define OWN        4u
#define TRACKED    128u
#define BATCH      6u
#define OPS_MAX    120u
#define RAW_MAX    512u
#define FRAMES_MAX 4u

struct track {
    struct gj_txid txid;
    char part[GJ_WORD_MAX + 1], coord[GJ_WORD_MAX + 1];
    bool said_yes, said_no, said_commit, said_abort;
};

struct story {
    struct gj_solo *solo;
    struct gj_reader reader;
    struct gj_fuzz_pool pool;
    struct gj_solo_tx txs[TXS];
    uint32_t n_txs;
    struct gj_txid own[OWN];
    uint32_t n_own;
    struct track tracks[TRACKED];
    uint32_t n_tracks;
    struct gj_slice batch[BATCH]; /* of one peer, not sent yet */
    uint32_t n_batch;
    unsigned batch_peer;
    struct gj_slice frames[FRAMES_MAX]; /* sent before, to be sent again */
    const char *lines[FRAMES_MAX];
    uint32_t n_frames;
};

static const char *const nodes[GJ_SOLO_NODES] = {"360000", "330000", "130000", "450000"};

static uint8_t byte(struct story *story) {
    return gj_read_u8(&story->reader);
}

static const char *peer(struct story *story) {
    return nodes[1 + byte(story) % (GJ_SOLO_NODES - 1)];
}

/* --- looking --------------------------------------------------------------------------------------------------- */
static struct track *track_of(struct story *story, const struct gj_txid *txid) {
    for (uint32_t i = 0; i < story->n_tracks; i++)
        if (gj_txid_equal(&story->tracks[i].txid, txid)) return &story->tracks[i];
    if (story->n_tracks == TRACKED) return NULL;
    struct track *track = &story->tracks[story->n_tracks++];
    memset(track, 0, sizeof *track);
    track->txid = *txid;
    return track;
}

static bool is(const char *state, const char *word) {
    return strcmp(state, word) == 0;
}

static void note_part(struct story *story, const struct gj_part_row *row) {
    struct track *track = track_of(story, &row->txid);
    if (track == NULL) return;
    bool may_heal = story->solo->protocol->resync;
    if (is(track->part, "COMMITTED")) GJ_ASSERT(is(row->state, "COMMITTED"));
    if (is(track->part, "PREPARED"))
        GJ_ASSERT(is(row->state, "PREPARED") || is(row->state, "COMMITTED") || is(row->state, "ABORTED"));
    if (is(track->part, "REFUSED") || is(track->part, "ABORTED"))
        GJ_ASSERT(may_heal || is(row->state, track->part));
    memcpy(track->part, row->state, sizeof track->part);
}

static void note_coord(struct story *story, const struct gj_coord_row *row) {
    struct track *track = track_of(story, &row->txid);
    if (track == NULL) return;
    if (is(track->coord, "COMMITTED")) GJ_ASSERT(is(row->state, "COMMITTED") || is(row->state, "ENDED"));
    if (is(track->coord, "ENDED")) GJ_ASSERT(is(row->state, "ENDED"));
    if (is(track->coord, "ABORTED")) GJ_ASSERT(is(row->state, "ABORTED"));
    memcpy(track->coord, row->state, sizeof track->coord);
}

/* All records; and the holds that must stand because of them. */
static void look_at_records(struct story *story) {
    struct gj_solo *solo = story->solo;
    const struct gj_solo_app *app = &solo->app;
    const struct gj_part_row any_part = {.since_ms = 0};
    const struct gj_coord_row any_coord = {.begun_ms = 0};
    struct gj_rows rows;
    uint64_t standing = 0;
    gj_arena_reset(&solo->look);
    solo->store->ops->begin(solo->store);
    gj_store_find(solo->store, &gj_table_part, NULL, &any_part, 0, NULL, 1000, &solo->look, &rows);
    const struct gj_part_row *parts = rows.items;
    for (size_t i = 0; i < rows.n; i++) {
        note_part(story, &parts[i]);
        standing += is(parts[i].state, "PREPARED");
    }
    gj_store_find(solo->store, &gj_table_coord, NULL, &any_coord, 0, NULL, 1000, &solo->look, &rows);
    const struct gj_coord_row *coords = rows.items;
    for (size_t i = 0; i < rows.n; i++) {
        note_coord(story, &coords[i]);
        standing += is(coords[i].state, "BEGUN");
    }
    solo->store->ops->rollback(solo->store);
    GJ_ASSERT((uint64_t)app->posts + app->releases + standing == app->holds);
}

static void look_at_message(struct story *story, const struct gj_message *message) {
    if (gj_txid_is_none(&message->header.tx)) return;
    struct track *track = track_of(story, &message->header.tx);
    if (track == NULL) return;
    if (message->kind == GJ_KIND_VOTE) {
        bool yes = ((const struct gj_vote *)message->body)->yes;
        if (yes)
            GJ_ASSERT(is(track->part, "PREPARED") && !track->said_no);
        else
            GJ_ASSERT(!track->said_yes);
        track->said_yes |= yes;
        track->said_no |= !yes;
    }
    if (!gj_text_equal(message->header.tx.coordinator, GJ_SOLO_SELF)) return;
    if (message->kind == GJ_KIND_COMMIT) {
        GJ_ASSERT((is(track->coord, "COMMITTED") || is(track->coord, "ENDED")) && !track->said_abort);
        track->said_commit = true;
    }
    if (message->kind == GJ_KIND_ABORT) {
        GJ_ASSERT(!is(track->coord, "COMMITTED") && !is(track->coord, "ENDED") && !track->said_commit);
        track->said_abort = true;
    }
}

/* After every turn. */
static void look(struct story *story) {
    struct gj_solo *solo = story->solo;
    look_at_records(story);
    for (uint32_t i = 0; i < solo->outbox.n; i++) {
        struct gj_message message;
        struct gj_fault fault;
        gj_arena_reset(&solo->look);
        enum gj_err err = gj_message_decode(solo->outbox.items[i].message, &solo->look, &message, &fault);
        GJ_ASSERT(err == GJ_OK && gj_text_equal(message.header.from, GJ_SOLO_SELF));
        look_at_message(story, &message);
        gj_fuzz_pool_learn(&story->pool, gj_kind_shape(message.kind), message.body);
    }
}

/* --- sending ------------------------------------------------------------------------------------------------------ */
static void frame(struct story *story, const char *line, struct gj_slice bytes) {
    story->frames[story->n_frames % FRAMES_MAX] = bytes;
    story->lines[story->n_frames++ % FRAMES_MAX] = line;
    gj_solo_frame(story->solo, line, bytes);
    look(story);
}

static void send_batch(struct story *story) {
    if (story->n_batch == 0) return;
    struct gj_forge *forge = &story->solo->peers[story->batch_peer];
    struct gj_slice parcel = gj_forge_parcel(forge, story->batch, story->n_batch, NULL, 0);
    story->n_batch = 0;
    gj_fuzz_pool_bin(&story->pool, parcel);
    frame(story, nodes[story->batch_peer], parcel);
}

static void add_message(struct story *story, unsigned by, struct gj_slice message, bool send_now) {
    if (story->n_batch == BATCH || (story->n_batch > 0 && story->batch_peer != by)) send_batch(story);
    story->batch_peer = by;
    story->batch[story->n_batch++] = message;
    if (send_now) send_batch(story);
}

/* --- what can happen ------------------------------------------------------------------------------------------------- */
/* Whoever shall sign must have a key here. */
static void keep_known(struct story *story, struct gj_solo_tx *tx) {
    const struct gj_directory *directory = &story->solo->directory;
    if (gj_directory_node(directory, tx->core.txid.coordinator) == NULL) tx->core.txid = tx->txid;
    for (uint32_t i = 0; i < tx->core.n_participants; i++) {
        struct gj_node_ref *ref = &tx->core.participants[i];
        if (gj_directory_node(directory, ref->node) == NULL)
            gj_text_set(ref->node, sizeof ref->node, "130000");
    }
}

static void op_new_tx(struct story *story) {
    char list[64] = "";
    struct gj_solo_tx *tx = &story->txs[story->n_txs++ % TXS];
    const char *coordinator = peer(story);
    uint8_t mask = byte(story);
    for (unsigned i = 0; i < 8; i++) { /* the upper half: named twice, or the coordinator itself */
        if ((mask >> i & 1) == 0) continue;
        if (i < 4 && gj_text_equal(nodes[i], coordinator)) continue;
        if (list[0] != '\0') memcpy(list + strlen(list), " ", 2);
        if (strlen(list) + 7 < sizeof list) memcpy(list + strlen(list), nodes[i % 4], 7);
    }
    gj_solo_tx_init(story->solo, tx, coordinator, list[0] == '\0' ? GJ_SOLO_SELF : list);
    uint8_t change = byte(story);
    if (change >= 200)
        gj_fuzz_change(&gj_shape_core, &tx->core, &story->reader, &story->pool, &story->solo->peers[0].arena);
    keep_known(story, tx);
    if (change % 4 == 1) tx->core.expires_at = story->solo->now.wall.ms - 1;
    if (change % 4 == 2) gj_text_set(tx->core.msgid, sizeof tx->core.msgid, "same");
    if (gj_txid_equal(&tx->core.txid, &tx->txid) || change >= 128) tx->txid = tx->core.txid;
    gj_solo_tx_seal(story->solo, tx);
    gj_fuzz_pool_txid(&story->pool, &tx->txid);
    gj_fuzz_pool_digest(&story->pool, &tx->digest);
    gj_fuzz_pool_bin(&story->pool, tx->core_bytes);
    gj_fuzz_pool_bin(&story->pool, gj_solo_core_evidence(story->solo, tx));
}

static struct gj_solo_tx *some_tx(struct story *story) {
    if (story->n_txs == 0) op_new_tx(story);
    return &story->txs[byte(story) % (story->n_txs < TXS ? story->n_txs : TXS)];
}

static void op_prepare(struct story *story) {
    struct gj_solo_tx *tx = some_tx(story);
    uint8_t how = byte(story);
    tx->n_supersedes = 0;
    for (uint32_t i = 0; i < how / 64u && i < story->n_txs; i++) {
        const struct gj_solo_tx *other = &story->txs[i % TXS];
        tx->supersedes[tx->n_supersedes++] = (struct gj_superseded){other->txid, other->digest};
    }
    tx->original = how % 4 == 3 ? story->pool.bins[how % GJ_FUZZ_POOL] : GJ_SLICE_NONE;
    tx->plan = how % 8 == 4 ? story->pool.bins[(how >> 3) % GJ_FUZZ_POOL] : GJ_SLICE_NONE;
    gj_solo_prepare(story->solo, tx);
    look(story);
}

static void op_commit(struct story *story) {
    struct gj_solo *solo = story->solo;
    struct gj_solo_tx *tx = some_tx(story);
    struct gj_commit commit = gj_solo_certificate(solo, tx);
    uint8_t how = byte(story);
    if (how >= 128)
        gj_fuzz_change(&gj_shape_commit, &commit, &story->reader, &story->pool, &solo->peers[0].arena);
    /* Whoever brings it, its signature is the coordinator's: carried by a STATUS, or said directly. */
    struct gj_forge *forge = gj_solo_peer(solo, tx->txid.coordinator);
    struct gj_slice proof = gj_forge_one(forge, GJ_KIND_COMMIT, "*", &tx->txid, &commit);
    gj_fuzz_pool_bin(&story->pool, proof);
    if (how % 2 == 0) {
        frame(story, tx->txid.coordinator, proof);
        return;
    }
    struct gj_tx_status item = {.txid = tx->txid, .digest = tx->digest, .state = "COMMITTED", .proof = proof};
    const struct gj_status status = {.items = &item, .n_items = 1};
    gj_solo_say(solo, peer(story), GJ_KIND_STATUS, NULL, &status);
    look(story);
}

static void op_abort(struct story *story) {
    struct gj_solo *solo = story->solo;
    struct gj_solo_tx *tx = some_tx(story);
    uint8_t how = byte(story);
    const struct gj_abort abort = {.digest = tx->digest, .reason = "TIMED_OUT"};
    struct gj_forge *forge = gj_solo_peer(solo, tx->txid.coordinator);
    struct gj_slice proof = how % 4 == 3 ? gj_solo_vote(solo, tx, nodes[how >> 2 & 3], false)
                                         : gj_forge_one(forge, GJ_KIND_ABORT, "*", &tx->txid, &abort);
    gj_fuzz_pool_bin(&story->pool, proof);
    if (how % 2 == 0) {
        frame(story, tx->txid.coordinator, proof);
        return;
    }
    struct gj_tx_status item = {.txid = tx->txid, .digest = tx->digest, .proof = proof};
    gj_text_set(item.state, sizeof item.state, how % 4 == 3 ? "REFUSED" : "ABORTED");
    const struct gj_status status = {.items = &item, .n_items = 1};
    gj_solo_say(solo, peer(story), GJ_KIND_STATUS, NULL, &status);
    look(story);
}

static void op_inquire(struct story *story) {
    const struct gj_solo_tx *tx = some_tx(story);
    uint8_t how = byte(story);
    struct gj_slice core = how % 2 == 0 ? GJ_SLICE_NONE : gj_solo_core_evidence(story->solo, tx);
    const struct gj_txid *txid =
        how % 4 >= 2 && story->n_own > 0 ? &story->own[how % story->n_own] : &tx->txid;
    struct gj_digest digest = tx->digest;
    if (txid != &tx->txid) digest = gj_solo_coord_row(story->solo, txid).digest;
    if (digest.bytes[0] == 0) digest = tx->digest;
    gj_solo_inquire(story->solo, peer(story), txid, &digest, how >= 128, core);
    look(story);
}

static void op_coordinate(struct story *story) {
    char list[64] = "", msgid[] = "own-0";
    uint8_t how = byte(story);
    for (unsigned i = 0; i < 4; i++) {
        if ((how >> i & 1) == 0) continue;
        if (list[0] != '\0') memcpy(list + strlen(list), " ", 2);
        memcpy(list + strlen(list), nodes[i], 7);
    }
    msgid[4] = (char)('0' + (how >> 4) % 3);
    struct gj_txid txid;
    enum gj_err err = gj_solo_coordinate(story->solo, msgid, list[0] == '\0' ? "330000" : list, &txid);
    look(story);
    if (err != GJ_OK) return;
    story->own[story->n_own % OWN] = txid;
    if (story->n_own < OWN) story->n_own++;
    gj_fuzz_pool_txid(&story->pool, &txid);
}

static void op_answer(struct story *story) {
    if (story->n_own == 0) return;
    const struct gj_txid *txid = &story->own[byte(story) % story->n_own];
    uint8_t how = byte(story);
    const char *voter = peer(story);
    if (gj_solo_coord_row(story->solo, txid).digest.bytes[0] == 0) return;
    if (how % 4 == 3)
        gj_solo_ack(story->solo, voter, txid);
    else
        gj_solo_answer(story->solo, voter, txid, how % 4 != 2);
    look(story);
}

static void op_cancel(struct story *story) {
    if (story->n_own == 0) return;
    const struct gj_txid txid = story->own[byte(story) % story->n_own];
    (void)gj_protocol_cancel(story->solo->protocol, gj_solo_begin(story->solo), &txid);
    gj_solo_end(story->solo);
    look(story);
}

/* As gj_solo_run(), looking after each tick. */
static void op_run(struct story *story) {
    static const int64_t spans[] = {1, 100, 500, 1500, 4000, 11000, 70000, 400000};
    struct gj_solo *solo = story->solo;
    int64_t end = solo->now.mono.ms + spans[byte(story) % 8];
    for (unsigned ticks = 0; ticks < 200; ticks++) {
        int64_t due = gj_protocol_next_due(solo->protocol).ms;
        if (due > end) break;
        if (due > solo->now.mono.ms) {
            solo->now.wall.ms += due - solo->now.mono.ms;
            solo->now.mono.ms = due;
        }
        gj_solo_tick(solo);
        look(story);
    }
    if (end > solo->now.mono.ms) solo->now.wall.ms += end - solo->now.mono.ms;
    if (end > solo->now.mono.ms) solo->now.mono.ms = end;
    for (size_t i = 0; i < GJ_SOLO_NODES; i++)
        solo->peers[i].wall = solo->now.wall;
}

static void op_restart(struct story *story) {
    gj_solo_restart(story->solo, byte(story) % 4 == 3 ? GJ_WITNESS_DOUBTFUL : GJ_WITNESS_EQUAL_OR_BEHIND);
    look(story);
}

static void op_hello(struct story *story) {
    struct gj_solo *solo = story->solo;
    const char *who = peer(story);
    uint8_t how = byte(story);
    struct gj_epoch_flush seen = {.epoch = 1 + how, .flush = how};
    if (how % 8 == 7) gj_solo_peer_restart(solo, who);
    if (how % 2 == 0)
        gj_solo_hello(solo, who);
    else if (how % 4 == 1)
        gj_solo_welcome(solo, who, NULL, 0);
    else
        gj_solo_welcome(solo, who, &seen, 1);
    look(story);
}

/* Any kind, any body that the codec lets through, a header that is nearly right. */
static void op_message(struct story *story) {
    struct gj_solo *solo = story->solo;
    unsigned by = 1 + byte(story) % (GJ_SOLO_NODES - 1);
    enum gj_kind kind = (enum gj_kind)(1 + byte(story) % (GJ_KIND_COUNT - 1));
    uint8_t how = byte(story);
    struct gj_forge *forge = &solo->peers[by];
    const struct gj_shape *shape = gj_kind_shape(kind);
    struct gj_header header;
    void *body = gj_arena_alloc(&forge->arena, shape->size);
    GJ_ASSERT(body != NULL);
    gj_fuzz_fill(shape, body, &story->reader, &story->pool, &forge->arena);
    const struct gj_txid *tx = how % 2 == 0 ? &story->pool.txids[byte(story) % GJ_FUZZ_POOL] : NULL;
    gj_forge_header(forge, kind, how % 8 == 7 ? "*" : GJ_SOLO_SELF, tx, &header);
    if (how >= 240) gj_fuzz_change(&gj_shape_header, &header, &story->reader, &story->pool, &forge->arena);
    add_message(story, by, gj_forge_message(forge, &header, shape, body), how < 128);
}

/* Bytes of the input as they are: under a signature, or as the frame itself. */
static void op_raw(struct story *story) {
    unsigned by = 1 + byte(story) % (GJ_SOLO_NODES - 1);
    uint8_t how = byte(story);
    size_t len = (size_t)byte(story) * 2;
    if (len > story->reader.left) len = story->reader.left;
    struct gj_slice bytes = gj_arena_copy(&story->solo->peers[by].arena, gj_read_slice(&story->reader, len));
    if (how % 2 == 0)
        add_message(story, by, bytes, how < 128);
    else
        frame(story, nodes[by], bytes);
}

static void op_again(struct story *story) {
    if (story->n_frames == 0) return;
    uint32_t i = byte(story) % (story->n_frames < FRAMES_MAX ? story->n_frames : FRAMES_MAX);
    uint8_t how = byte(story);
    struct gj_slice bytes = story->frames[i];
    if (how >= 128 && bytes.len > 0)
        bytes = gj_forge_flip(&story->solo->peers[0], bytes, (size_t)how * 37 % bytes.len);
    gj_solo_frame(story->solo, how % 4 == 3 ? peer(story) : story->lines[i], bytes);
    look(story);
}

static void op_app(struct story *story) {
    struct gj_solo_app *app = &story->solo->app;
    uint8_t how = byte(story);
    app->refuse = how % 2 == 1;
    app->no = (struct gj_refusal){
        .class = (enum gj_vote_class)(1 + how / 2 % 5), .code = GJ_ERR_RULE, .rule = "R51"};
    app->n_facts = how >= 128 ? 1 : 0;
    app->facts[0] = (struct gj_leg_fact){.leg = how % 3, .account = "P/p1/suspense"};
}

static void op_supersede(struct story *story) {
    const struct gj_solo_tx *tx = some_tx(story);
    const struct gj_superseded item = {tx->txid, tx->digest};
    gj_protocol_apply_supersedes(story->solo->protocol, gj_solo_begin(story->solo), peer(story), &item, 1,
                                 GJ_SLICE_NONE);
    gj_solo_end(story->solo);
    look(story);
}

void gj_fuzz_protocol(struct gj_slice in) {
    static void (*const ops[])(struct story *) = {
        op_new_tx, op_prepare, op_commit, op_abort,   op_inquire, op_coordinate, op_answer, op_cancel,
        op_run,    op_restart, op_hello,  op_message, op_raw,     op_again,      op_app,    op_supersede};
    static struct story story;
    memset(&story, 0, sizeof story);
    story.solo = gj_solo_new(NULL);
    for (size_t i = 0; i < GJ_SOLO_NODES; i++)
        gj_fuzz_pool_text(&story.pool, nodes[i]);
    gj_reader_init(&story.reader, in);
    for (unsigned i = 0; i < OPS_MAX && story.reader.left > 0; i++)
        ops[byte(&story) % (sizeof ops / sizeof ops[0])](&story);
    send_batch(&story);
    gj_solo_free(&story.solo);
}

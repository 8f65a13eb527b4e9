/* SPDX-License-Identifier: Apache-2.0
 *
 * A participant's side: PREPARE, COMMIT and ABORT against its own record. After a YES only a proof ends
 * the doubt; no timer ever releases a hold. Every state x input cell is decided in the tables below, and
 * what is true in each state is in README.md.
 */
#include "protocol/state.h"

#include <string.h>

#include "base/check.h"

static const char *const state_words[GJ_PART_STATES] = {[GJ_PART_NONE] = "",
                                                        [GJ_PART_PREPARING] = "PREPARING",
                                                        [GJ_PART_PREPARED] = "PREPARED",
                                                        [GJ_PART_REFUSED] = "REFUSED",
                                                        [GJ_PART_ABORTED] = "ABORTED",
                                                        [GJ_PART_COMMITTED] = "COMMITTED",
                                                        [GJ_PART_RESOLVED] = "RESOLVED",
                                                        [GJ_PART_COLLECTED] = "COLLECTED"};

const char *gj_part_state_word(enum gj_part_state state) {
    return state_words[state];
}

enum gj_part_state gj_part_state_of(const char *word) {
    for (int i = 0; i < GJ_PART_STATES; i++) {
        if (gj_text_equal(state_words[i], word)) return (enum gj_part_state)i;
    }
    return GJ_PART_NONE;
}

enum gj_part_state gj_participant_state(struct gj_protocol *p, struct gj_turn *turn,
                                        const struct gj_txid *txid, struct gj_part_row *ret) {
    *ret = (struct gj_part_row){.txid = *txid};
    if (gj_store_get(turn->store, &gj_table_part, ret, turn->scratch)) return gj_part_state_of(ret->state);
    *ret = (struct gj_part_row){.txid = *txid};
    return gj_aftermath_is_collected(p, turn, txid) ? GJ_PART_COLLECTED : GJ_PART_NONE;
}

bool gj_part_is_in_doubt(enum gj_part_state state) {
    return state == GJ_PART_PREPARED || state == GJ_PART_RESOLVED;
}

/* --- one input at the participant ----------------------------------------------------------------------- */

struct seat {
    struct gj_part_row row;
    enum gj_part_state state;
    const char *from;
    /* PREPARE */
    struct gj_core *core;
    const struct gj_prepare_core *prepare;
    const struct gj_prepare_legs *legs;
    struct gj_slice core_evidence;
    /* COMMIT, ABORT */
    struct gj_certificate certificate;
    struct gj_slice evidence;
};

typedef void cell_fn(struct gj_protocol *p, struct gj_turn *turn, struct seat *seat);

static void ignore(struct gj_protocol *p, struct gj_turn *turn, struct seat *seat) {
    (void)p;
    (void)turn;
    (void)seat;
}

/* One who speaks against himself under his own signature is a case for people. */
static void open_case(struct gj_turn *turn, const struct seat *seat) {
    const struct gj_case_in in = {.what = GJ_CASE_TWO_DECISIONS,
                                  .txid = &seat->row.txid,
                                  .node = seat->row.txid.coordinator,
                                  .first = seat->row.proof,
                                  .second = seat->evidence};
    gj_case_open(turn, &in);
}

static void violation(struct gj_protocol *p, struct gj_turn *turn, struct seat *seat) {
    (void)p;
    if (seat->state == GJ_PART_COMMITTED && seat->evidence.len > 0) open_case(turn, seat);
    gj_turn_event(turn, GJ_EVENT_VIOLATION, GJ_ERR_VIOLATION, &seat->row.txid, seat->from,
                  (int64_t)seat->state);
}

void gj_participant_put(struct gj_turn *turn, struct gj_part_row *row, enum gj_part_state state) {
    bool is_live = gj_part_is_in_doubt(state) || state == GJ_PART_COMMITTED;
    gj_text_set(row->state, sizeof row->state, state_words[state]);
    row->biz_live[0] = '\0';
    if (is_live) {
        size_t len = strlen(row->sender);
        gj_text_set(row->biz_live, sizeof row->biz_live, row->sender);
        row->biz_live[len] = '|';
        gj_text_set(row->biz_live + len + 1, sizeof row->biz_live - len - 1, row->msgid);
    }
    row->since_ms = turn->now.wall.ms;
    gj_store_put(turn->store, &gj_table_part, row);
}

static void put_row(struct gj_turn *turn, struct seat *seat, enum gj_part_state state) {
    seat->state = state;
    gj_participant_put(turn, &seat->row, state);
}

/* --- votes, always made from the record ----------------------------------------------------------------- */

void gj_participant_send_facts(struct gj_protocol *p, struct gj_turn *turn, const struct gj_part_row *row) {
    struct gj_vote_facts facts;
    struct gj_fault fault;
    if (row->facts.len == 0) return;
    enum gj_err err = gj_shape_decode(&gj_shape_vote_facts, row->facts, turn->scratch, &facts, &fault);
    if (!gj_record_is_whole(turn, err == GJ_OK)) return;
    gj_protocol_emit_one(p, turn, GJ_KIND_VOTE_FACTS, row->txid.coordinator, &row->txid, &facts);
}

/* Only REFUSED never said YES: RESOLVED said it once, and a vote is never taken back. */
static void send_vote(struct gj_protocol *p, struct gj_turn *turn, struct seat *seat) {
    const struct gj_part_row *row = &seat->row;
    struct gj_vote vote = {.digest = row->digest, .yes = seat->state != GJ_PART_REFUSED};
    if (!gj_protocol_may_speak(p, seat->core)) return;
    if (!vote.yes) {
        gj_text_set(vote.class, sizeof vote.class, row->class);
        gj_text_set(vote.rule, sizeof vote.rule, row->rule);
        gj_text_set(vote.code, sizeof vote.code, row->code);
    }
    if (vote.yes) gj_participant_send_facts(p, turn, row);
    gj_protocol_emit_one(p, turn, GJ_KIND_VOTE, row->txid.coordinator, &row->txid, &vote);
}

/* --- PREPARE to nobody's record: judge it --------------------------------------------------------------- */

static void vote_no(struct gj_protocol *p, struct gj_turn *turn, struct seat *seat,
                    const struct gj_refusal *no) {
    struct gj_part_row *row = &seat->row;
    gj_text_set(row->class, sizeof row->class, gj_vote_class_word(no->class));
    gj_text_set(row->rule, sizeof row->rule, no->rule);
    gj_text_set(row->code, sizeof row->code, gj_err_name(no->code));
    row->legs = GJ_SLICE_NONE;
    put_row(turn, seat, GJ_PART_REFUSED);
    gj_turn_event(turn, GJ_EVENT_VOTED_NO, no->code, &row->txid, seat->from, 0);
    send_vote(p, turn, seat);
}

static void vote_yes(struct gj_protocol *p, struct gj_turn *turn, struct seat *seat,
                     const struct gj_leg_fact *facts, uint32_t n_facts) {
    struct gj_part_row *row = &seat->row;
    const struct gj_vote_facts body = {
        .digest = row->digest, .facts = (struct gj_leg_fact *)(uintptr_t)facts, .n_facts = n_facts};
    if (n_facts > 0) row->facts = gj_protocol_encode_body(p, turn, &gj_shape_vote_facts, &body);
    put_row(turn, seat, GJ_PART_PREPARED);
    struct gj_active *active =
        gj_active_add(p, turn, &row->txid, GJ_ACTIVE_IN_DOUBT, gj_jitter(turn, GJ_INQUIRE_FIRST_MS));
    GJ_ASSERT(active != NULL); /* room was looked for before */
    active->interval_ms = GJ_INQUIRE_FIRST_MS;
    gj_turn_event(turn, GJ_EVENT_VOTED_YES, GJ_OK, &row->txid, seat->from, 0);
    send_vote(p, turn, seat);
}

/* May this coordinator move anything here? It must own the sender or the place where the legs go. */
static bool owns_a_side(const struct gj_protocol *p, const struct gj_core *core) {
    const char *owner = gj_directory_node_of_sender(p->config.directory, core->sender);
    if (owner != NULL && gj_text_equal(owner, core->txid.coordinator)) return true;
    for (uint32_t i = 0; i < core->n_legs; i++) {
        owner = gj_directory_node_of_region(p->config.directory, core->legs[i].to_region);
        if (owner == NULL || !gj_text_equal(owner, core->txid.coordinator)) return false;
    }
    return true;
}

/* Another attempt of the same biz key that is prepared or committed here. What a node that does not own the sender
 * prepared under the key binds only that node: it must not be able to block whom the key belongs to. */
static bool biz_key_is_live(const struct gj_protocol *p, struct gj_turn *turn, const struct gj_core *core) {
    struct gj_part_row key = {0};
    struct gj_rows rows;
    size_t len = strlen(core->sender);
    gj_text_set(key.biz_live, sizeof key.biz_live, core->sender);
    key.biz_live[len] = '|';
    gj_text_set(key.biz_live + len + 1, sizeof key.biz_live - len - 1, core->msgid);
    /* One of each coordinator at most, so this is all of them. */
    gj_store_find(turn->store, &gj_table_part, "part_by_biz", &key, 1, NULL, GJ_NODES_MAX, turn->scratch,
                  &rows);
    const char *owner = gj_directory_node_of_sender(p->config.directory, core->sender);
    const struct gj_part_row *items = rows.items;
    for (size_t i = 0; i < rows.n; i++) {
        const char *coordinator = items[i].txid.coordinator;
        bool is_owners = owner != NULL && gj_text_equal(coordinator, owner);
        if (is_owners || gj_text_equal(coordinator, core->txid.coordinator)) return true;
    }
    return false;
}

static bool refuse_with(struct gj_refusal *ret, enum gj_vote_class class, enum gj_err code) {
    *ret = (struct gj_refusal){.class = class, .code = code};
    return true;
}

/* What the protocol itself refuses with a signed NO, before the application is asked. */
static bool protocol_refuses(struct gj_protocol *p, struct gj_turn *turn, const struct seat *seat,
                             struct gj_refusal *ret) {
    const struct gj_core *core = seat->core;
    int32_t days = gj_date_days_between(gj_date_of(turn->now.wall), core->business_date);
    if (turn->now.wall.ms > core->expires_at) return refuse_with(ret, GJ_VOTE_BUSY, GJ_ERR_EXPIRED);
    if (days < -1 || days > 1) return refuse_with(ret, GJ_VOTE_DATE, GJ_ERR_BAD_DATE);
    if (!owns_a_side(p, core)) return refuse_with(ret, GJ_VOTE_RULE, GJ_ERR_WRONG_NODE);
    if (biz_key_is_live(p, turn, core)) return refuse_with(ret, GJ_VOTE_BUSY, GJ_ERR_CONFLICT);
    return false;
}

static const struct gj_plan_answer *own_plan(struct gj_protocol *p, struct gj_turn *turn,
                                             struct gj_slice evidence) {
    struct gj_message message;
    if (evidence.len == 0) return NULL;
    if (gj_protocol_verify_evidence(p, turn, evidence, p->config.directory->self, &message) != GJ_OK)
        return NULL;
    return message.kind == GJ_KIND_PLAN_ANSWER ? message.body : NULL;
}

/* We voted YES and were shown a signed abort; now a valid certificate. Our record is whole: one of its signers gave
 * two words. That is a case against him and must not stop this node; nothing is posted for which nothing is held. */
static void convict(struct gj_protocol *p, struct gj_turn *turn, struct seat *seat) {
    (void)p;
    open_case(turn, seat);
    gj_turn_event(turn, GJ_EVENT_EQUIVOCATION, GJ_ERR_VIOLATION, &seat->row.txid, seat->from, 0);
}

/* A refund brings the certificate of its original: it is applied first if it had not come. */
static enum gj_err take_original(struct gj_protocol *p, struct gj_turn *turn, struct seat *seat,
                                 struct gj_core **ret) {
    struct gj_certificate certificate;
    struct gj_commit *commit = gj_arena_alloc(turn->scratch, sizeof *commit);
    struct gj_core *core = gj_arena_alloc(turn->scratch, sizeof *core);
    struct gj_fault fault;
    struct seat original = {.from = seat->from};
    *ret = NULL;
    if (seat->legs->original.len == 0) return GJ_OK;
    if (commit == NULL || core == NULL) return GJ_ERR_NO_SPACE;
    GJ_TRY(gj_shape_decode(&gj_shape_commit, seat->legs->original, turn->scratch, commit, &fault));
    GJ_TRY(gj_core_read(p, turn, commit->core, &commit->digest, core));
    GJ_TRY(gj_certificate_check(p, turn, seat->from, &core->txid, commit, &certificate));
    original.state = gj_participant_state(p, turn, &core->txid, &original.row);
    if (certificate.holds_our_yes && original.state == GJ_PART_ABORTED) {
        convict(p, turn, &original);
        return GJ_ERR_BAD_EVIDENCE;
    }
    bool is_denied = original.state == GJ_PART_NONE || original.state == GJ_PART_REFUSED;
    if (certificate.holds_our_yes && is_denied) {
        gj_resync_note_loss(p, turn, seat->from, &core->txid);
        return GJ_ERR_RESYNC;
    }
    if (gj_part_is_in_doubt(original.state) && gj_digest_equal(&original.row.digest, &commit->digest)) {
        /* The body alone is proof here: this very message is the coordinator's signature under it. */
        gj_participant_apply_commit(p, turn, &core->txid, GJ_SLICE_NONE);
    }
    *ret = core;
    return GJ_OK;
}

static void apply_one_superseded(struct gj_protocol *p, struct gj_turn *turn, const char *from,
                                 const struct gj_superseded *item, struct gj_slice evidence) {
    if (!gj_text_equal(item->txid.coordinator, from)) return;
    gj_participant_on_abort(p, turn, &item->txid, &item->digest, evidence);
}

static void judge(struct gj_protocol *p, struct gj_turn *turn, struct seat *seat) {
    struct gj_refusal no = {0};
    struct gj_tx_view view = {0};
    struct gj_leg_fact facts[GJ_LEGS_MAX];
    struct gj_core *original = NULL;
    uint32_t n_facts = 0;

    /* BUSY at admission is no vote: nothing is recorded, the coordinator tries again or gives up. */
    if (!gj_protocol_may_speak(p, seat->core) || gj_protocol_accepts_work(p, turn) != GJ_OK ||
        !gj_active_has_room_for(p, seat->from)) {
        gj_turn_event(turn, GJ_EVENT_LIMIT_REACHED, GJ_ERR_BUSY, &seat->row.txid, seat->from, p->n_active);
        return;
    }
    for (uint32_t i = 0; i < seat->prepare->n_supersedes; i++) {
        apply_one_superseded(p, turn, seat->from, &seat->prepare->supersedes[i], seat->core_evidence);
    }
    enum gj_err err = gj_legs_read(p, turn, seat->core, seat->legs, p->config.directory->self, &view);
    if (err == GJ_OK) err = take_original(p, turn, seat, &original);
    if (err != GJ_OK) {
        if (err != GJ_ERR_RESYNC) violation(p, turn, seat); /* in RESYNC nothing is judged */
        return;
    }
    view.plan = own_plan(p, turn, seat->legs->plan);
    view.original = original;
    seat->row.legs = gj_protocol_encode_body(p, turn, &gj_shape_prepare_legs, seat->legs);
    if (protocol_refuses(p, turn, seat, &no) ||
        !p->config.app_ops->hold(p->config.app, turn, &view, &no, facts, &n_facts)) {
        vote_no(p, turn, seat, &no);
        return;
    }
    vote_yes(p, turn, seat, facts, n_facts);
}

/* --- COMMIT, ABORT -------------------------------------------------------------------------------------- */

bool gj_participant_view(struct gj_protocol *p, struct gj_turn *turn, const struct gj_part_row *row,
                         struct gj_tx_view *ret) {
    struct gj_message *message = gj_arena_alloc(turn->scratch, sizeof *message);
    struct gj_core *core = gj_arena_alloc(turn->scratch, sizeof *core);
    struct gj_prepare_legs *legs = gj_arena_alloc(turn->scratch, sizeof *legs);
    struct gj_parcel parcel;
    struct gj_fault fault;
    if (message == NULL || core == NULL || legs == NULL) {
        gj_store_fail(turn->store, GJ_ERR_NO_SPACE, "scratch arena too small for a transaction");
        return false;
    }
    /* Checked when it was prepared; it is our own record now. */
    if (gj_parcel_read(row->core_evidence, turn->scratch, &parcel) != GJ_OK ||
        gj_message_decode(parcel.items->message, turn->scratch, message, &fault) != GJ_OK ||
        message->kind != GJ_KIND_CORE)
        return gj_record_is_whole(turn, false);
    const struct gj_prepare_core *prepare = message->body;
    bool is_whole =
        gj_core_read(p, turn, prepare->core, &row->digest, core) == GJ_OK &&
        gj_shape_decode(&gj_shape_prepare_legs, row->legs, turn->scratch, legs, &fault) == GJ_OK &&
        gj_legs_read(p, turn, core, legs, p->config.directory->self, ret) == GJ_OK;
    return gj_record_is_whole(turn, is_whole);
}

static void post_and_ack(struct gj_protocol *p, struct gj_turn *turn, struct seat *seat) {
    struct gj_tx_view view = {0};
    if (!gj_participant_view(p, turn, &seat->row, &view)) return;
    p->config.app_ops->post(p->config.app, turn, &view);
    seat->row.proof = seat->evidence;
    put_row(turn, seat, GJ_PART_COMMITTED);
    gj_active_remove(p, &seat->row.txid, GJ_ACTIVE_IN_DOUBT);
    gj_turn_event(turn, GJ_EVENT_TX_COMMITTED, GJ_OK, &seat->row.txid, seat->from, 0);
    /* Out of a refund came the certificate, but not the signed commit: it is sent again until we have it, for a
     * coordinator that loses its store must get it back from somebody. */
    if (seat->evidence.len > 0) gj_admission_ack(p, turn, &seat->row.txid);
}

/* RESOLVED answers as PREPARED until a proof comes; then the money follows the truth, whatever people had decided. */
static void late_commit(struct gj_protocol *p, struct gj_turn *turn, struct seat *seat) {
    gj_aftermath_decided(p, turn, &seat->row, seat->from, seat->evidence, true);
}

static void late_abort(struct gj_protocol *p, struct gj_turn *turn, struct seat *seat) {
    gj_aftermath_decided(p, turn, &seat->row, seat->from, seat->evidence, false);
}

void gj_participant_apply_commit(struct gj_protocol *p, struct gj_turn *turn, const struct gj_txid *txid,
                                 struct gj_slice evidence) {
    struct seat seat = {.from = txid->coordinator, .evidence = evidence};
    seat.state = gj_participant_state(p, turn, txid, &seat.row);
    if (seat.state == GJ_PART_PREPARED) post_and_ack(p, turn, &seat);
    if (seat.state == GJ_PART_RESOLVED) late_commit(p, turn, &seat);
}

static void ack_again(struct gj_protocol *p, struct gj_turn *turn, struct seat *seat) {
    /* The certificate may have been applied out of a refund, without the signed commit itself. */
    if (seat->row.proof.len == 0) {
        seat->row.proof = seat->evidence;
        put_row(turn, seat, GJ_PART_COMMITTED);
    }
    gj_admission_ack(p, turn, &seat->row.txid);
}

/* Its record is gone; its coordinator is owed the word that ends the resending. */
static void ack(struct gj_protocol *p, struct gj_turn *turn, struct seat *seat) {
    gj_admission_ack(p, turn, &seat->row.txid);
}

/* A valid certificate holds a YES of ours that we do not have: this store has lost data. */
static void lost_data(struct gj_protocol *p, struct gj_turn *turn, struct seat *seat) {
    gj_resync_note_loss(p, turn, seat->from, &seat->row.txid);
    gj_adopt_commit(p, turn, &seat->row.txid, seat->certificate.commit, seat->evidence);
}

static void release_hold(struct gj_protocol *p, struct gj_turn *turn, struct seat *seat) {
    struct gj_tx_view view = {0};
    if (!gj_participant_view(p, turn, &seat->row, &view)) return;
    p->config.app_ops->release(p->config.app, turn, &view);
    seat->row.proof = seat->evidence;
    put_row(turn, seat, GJ_PART_ABORTED);
    gj_active_remove(p, &seat->row.txid, GJ_ACTIVE_IN_DOUBT);
    gj_turn_event(turn, GJ_EVENT_TX_ABORTED, GJ_OK, &seat->row.txid, seat->from, 0);
}

/* Below the store's reserve what is left is for decisions about money that is held. */
static bool has_room_for_tombstones(const struct gj_turn *turn) {
    return turn->no_new_work != GJ_ERR_STORE_FULL;
}

/* An abort that overtakes its PREPARE: remember it, so that the PREPARE cannot hang (空回滚, 防悬挂). The memory is all:
 * whoever asks hears REFUSED under our own signature, so the abort itself, which a peer may make long and name many
 * in, is not kept. Without room it is not even needed: a late PREPARE is refused then, or ended by an inquiry. */
static void tombstone(struct gj_protocol *p, struct gj_turn *turn, struct seat *seat) {
    (void)p;
    if (seat->state == GJ_PART_NONE && !has_room_for_tombstones(turn)) return;
    gj_text_set(seat->row.class, sizeof seat->row.class, gj_vote_class_word(GJ_VOTE_BUSY));
    gj_text_set(seat->row.code, sizeof seat->row.code, gj_err_name(GJ_ERR_REFUSED_BEFORE));
    put_row(turn, seat, GJ_PART_REFUSED);
}

/* The core platform was asked for a hold and has not answered. Refuse for good; the adapter cancels. */
static void refuse_preparing(struct gj_protocol *p, struct gj_turn *turn, struct seat *seat) {
    tombstone(p, turn, seat);
}

/* --- the tables ----------------------------------------------------------------------------------------- */

static void status_aborted(struct gj_protocol *p, struct gj_turn *turn, struct seat *seat) {
    struct gj_tx_status item = {.txid = seat->row.txid, .digest = seat->row.digest, .proof = seat->row.proof};
    struct gj_status status = {.items = &item, .n_items = 1};
    gj_text_set(item.state, sizeof item.state, state_words[GJ_PART_ABORTED]);
    gj_protocol_emit_one(p, turn, GJ_KIND_STATUS, seat->from, NULL, &status);
}

/* Its record was collected: no vote, ever. */
static void count_old(struct gj_protocol *p, struct gj_turn *turn, struct seat *seat) {
    (void)p;
    gj_turn_event(turn, GJ_EVENT_OLD_PREPARE, GJ_ERR_TOO_OLD, &seat->row.txid, seat->from, 0);
}

/* Its coordinator's own ABORT may go to who asks; a cover question that told us the same may not. */
static void keep_proof(struct gj_protocol *p, struct gj_turn *turn, struct seat *seat) {
    if (seat->evidence.len == 0 || gj_proof_may_travel(turn, seat->row.proof)) return;
    (void)p;
    seat->row.proof = seat->evidence;
    put_row(turn, seat, GJ_PART_ABORTED);
}

struct cell {
    cell_fn *fn;
    const char *name;
};
#define CELL(fn)                                                                                             \
    { fn, #fn }

/* clang-format off */
static const struct cell cells[GJ_PART_STATES][GJ_PART_INPUTS] = {
    /*                        PREPARE              COMMIT              ABORT */
    [GJ_PART_NONE] =      {CELL(judge),          CELL(lost_data),    CELL(tombstone)},
    [GJ_PART_PREPARING] = {CELL(ignore),         CELL(violation),    CELL(refuse_preparing)},
    [GJ_PART_PREPARED] =  {CELL(send_vote),      CELL(post_and_ack), CELL(release_hold)},
    [GJ_PART_REFUSED] =   {CELL(send_vote),      CELL(lost_data),    CELL(ignore)},
    [GJ_PART_ABORTED] =   {CELL(status_aborted), CELL(convict),      CELL(keep_proof)},
    [GJ_PART_COMMITTED] = {CELL(ack_again),      CELL(ack_again),    CELL(violation)},
    [GJ_PART_RESOLVED] =  {CELL(send_vote),      CELL(late_commit),  CELL(late_abort)},
    [GJ_PART_COLLECTED] = {CELL(count_old),      CELL(ack),          CELL(ignore)},
};
/* clang-format on */

const char *gj_participant_cell(enum gj_part_state state, enum gj_part_input input) {
    return cells[state][input].name;
}

/* Another digest under a known txid is a violation whatever the state. A tombstone of an abort that was
 * guessed has the digest that its coordinator signed, so it is compared like any other. */
static bool digest_fits(struct gj_protocol *p, struct gj_turn *turn, struct seat *seat,
                        const struct gj_digest *digest) {
    if (seat->state == GJ_PART_NONE || seat->state == GJ_PART_COLLECTED) {
        seat->row.digest = *digest;
        return true;
    }
    if (gj_digest_equal(&seat->row.digest, digest)) return true;
    violation(p, turn, seat);
    return false;
}

void gj_participant_on_prepare(struct gj_protocol *p, struct gj_turn *turn,
                               const struct gj_message *message) {
    const struct gj_prepare_legs *legs = message->body;
    const struct gj_message *core_message = &p->last_core_message;
    struct seat seat = {.from = message->header.from, .legs = legs, .core_evidence = p->last_core};
    struct gj_core *core = gj_arena_alloc(turn->scratch, sizeof *core);

    if (p->last_core.len == 0 || core == NULL) return;
    if (!gj_txid_equal(&core_message->header.tx, &message->header.tx)) return;
    seat.prepare = core_message->body;
    seat.core = core;
    seat.row.txid = message->header.tx;
    if (!gj_text_equal(message->header.tx.coordinator, message->header.from) ||
        gj_core_read(p, turn, seat.prepare->core, &legs->digest, core) != GJ_OK ||
        !gj_txid_equal(&core->txid, &message->header.tx) || !gj_core_is_sound(p, core) ||
        !gj_core_lists(core, p->config.directory->self)) {
        violation(p, turn, &seat);
        return;
    }
    seat.state = gj_participant_state(p, turn, &core->txid, &seat.row);
    if (!digest_fits(p, turn, &seat, &legs->digest)) return;
    if (seat.state == GJ_PART_NONE) {
        seat.row.core_evidence = seat.core_evidence;
        gj_text_set(seat.row.kind, sizeof seat.row.kind, core->kind);
        gj_text_set(seat.row.sender, sizeof seat.row.sender, core->sender);
        gj_text_set(seat.row.msgid, sizeof seat.row.msgid, core->msgid);
    }
    cells[seat.state][GJ_PART_ON_PREPARE].fn(p, turn, &seat);
}

void gj_participant_on_commit(struct gj_protocol *p, struct gj_turn *turn, const struct gj_message *message,
                              struct gj_slice evidence) {
    const struct gj_commit *commit = message->body;
    struct seat seat = {.from = message->header.from, .evidence = evidence};
    enum gj_err err = gj_decision_check_key(p, turn, evidence);
    if (err == GJ_OK)
        err = gj_certificate_check(p, turn, message->header.from, &message->header.tx, commit,
                                   &seat.certificate);
    if (err != GJ_OK) {
        gj_turn_event(turn, GJ_EVENT_BAD_CERTIFICATE, err, &message->header.tx, message->header.from, 0);
        return;
    }
    if (!seat.certificate.holds_our_yes) return; /* none of our business, and nothing of ours is in it */
    seat.state = gj_participant_state(p, turn, &message->header.tx, &seat.row);
    if (!digest_fits(p, turn, &seat, &commit->digest)) return;
    seat.core = seat.certificate.core;
    cells[seat.state][GJ_PART_ON_COMMIT].fn(p, turn, &seat);
}

void gj_participant_on_abort(struct gj_protocol *p, struct gj_turn *turn, const struct gj_txid *txid,
                             const struct gj_digest *digest, struct gj_slice evidence) {
    struct seat seat = {.from = txid->coordinator, .evidence = evidence};
    if (gj_protocol_is_self(p, txid->coordinator)) return;
    seat.state = gj_participant_state(p, turn, txid, &seat.row);
    if (!digest_fits(p, turn, &seat, digest)) return;
    cells[seat.state][GJ_PART_ON_ABORT].fn(p, turn, &seat);
}

void gj_participant_on_refusal(struct gj_protocol *p, struct gj_turn *turn, const struct gj_txid *txid,
                               struct gj_slice evidence) {
    struct seat seat = {.from = txid->coordinator, .evidence = evidence};
    seat.state = gj_participant_state(p, turn, txid, &seat.row);
    if (seat.state == GJ_PART_PREPARED) release_hold(p, turn, &seat);
    if (seat.state == GJ_PART_RESOLVED) late_abort(p, turn, &seat);
}

void gj_protocol_apply_supersedes(struct gj_protocol *p, struct gj_turn *turn, const char *from,
                                  const struct gj_superseded *list, uint32_t n, struct gj_slice evidence) {
    for (uint32_t i = 0; i < n; i++) {
        apply_one_superseded(p, turn, from, &list[i], evidence);
    }
}

/* --- inquiries of others -------------------------------------------------------------------------------- */

/* Only who shows the coordinator's own core, with both of us in it, may make us refuse a transaction that
 * we have not heard of: else anybody could kill guessable txids. */
static bool inquirer_proves_it(struct gj_protocol *p, struct gj_turn *turn, const char *from,
                               const struct gj_inquiry *item, struct gj_core *ret) {
    struct gj_message message;
    if (gj_protocol_verify_evidence(p, turn, item->core, item->txid.coordinator, &message) != GJ_OK)
        return false;
    if (message.kind != GJ_KIND_CORE) return false;
    const struct gj_prepare_core *prepare = message.body;
    return gj_core_read(p, turn, prepare->core, &item->digest, ret) == GJ_OK &&
           gj_txid_equal(&ret->txid, &item->txid) && gj_core_is_sound(p, ret) &&
           gj_core_lists(ret, p->config.directory->self) && gj_core_lists(ret, from);
}

bool gj_participant_on_inquiry(struct gj_protocol *p, struct gj_turn *turn, const char *from,
                               const struct gj_inquiry *item, struct gj_tx_status *ret) {
    struct gj_core *core = gj_arena_alloc(turn->scratch, sizeof *core);
    struct seat seat = {.from = from, .core_evidence = item->core};
    if (core == NULL) return false;
    seat.state = gj_participant_state(p, turn, &item->txid, &seat.row);
    if (!inquirer_proves_it(p, turn, from, item, core)) return false;
    if (!gj_protocol_may_speak(p, core) || !digest_fits(p, turn, &seat, &item->digest)) return false;
    if (seat.state == GJ_PART_NONE && !has_room_for_tombstones(turn)) return false;
    if (seat.state == GJ_PART_NONE || seat.state == GJ_PART_PREPARING) tombstone(p, turn, &seat);
    /* What a person decided is never told to others as a decision. */
    enum gj_part_state told = seat.state == GJ_PART_RESOLVED ? GJ_PART_PREPARED : seat.state;
    *ret = (struct gj_tx_status){.txid = item->txid, .digest = item->digest};
    gj_text_set(ret->state, sizeof ret->state, state_words[told]);
    bool has_proof = told == GJ_PART_COMMITTED || told == GJ_PART_ABORTED;
    if (has_proof && gj_proof_may_travel(turn, seat.row.proof)) ret->proof = seat.row.proof;
    return true;
}

/* --- recovery ------------------------------------------------------------------------------------------- */

static void recover_state(struct gj_protocol *p, struct gj_turn *turn, enum gj_part_state state) {
    struct gj_part_row key = {0}, after;
    const struct gj_part_row *last = NULL;
    struct gj_rows rows;
    gj_text_set(key.state, sizeof key.state, state_words[state]);
    const size_t mark = turn->scratch->used;
    do {
        gj_store_find(turn->store, &gj_table_part, "part_by_state", &key, 1, last, 8, turn->scratch, &rows);
        const struct gj_part_row *items = rows.items;
        for (size_t i = 0; i < rows.n; i++) {
            after = items[i];
            if (gj_active_find(p, &items[i].txid, GJ_ACTIVE_IN_DOUBT) != NULL) continue;
            /* The YES goes out again, with its facts, and the inquiry is due at once. */
            struct seat seat = {.row = items[i], .state = state};
            send_vote(p, turn, &seat);
            if (gj_active_add(p, turn, &items[i].txid, GJ_ACTIVE_IN_DOUBT, 0) == NULL) p->rescan = true;
        }
        last = &after;
        gj_arena_rewind(turn->scratch, mark);
    } while (rows.more && rows.n > 0 && !p->rescan && gj_store_err(turn->store) == GJ_OK);
}

void gj_participant_recover(struct gj_protocol *p, struct gj_turn *turn) {
    recover_state(p, turn, GJ_PART_PREPARED);
    recover_state(p, turn, GJ_PART_RESOLVED);
}

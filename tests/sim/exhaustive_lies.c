/* SPDX-License-Identifier: Apache-2.0
 *
 * Cells that honest nodes do not reach within one transaction: here the search, which holds every node's key, says
 * what a thief of that key could say; two operators resolve a doubt by hand; and states that need an outside platform
 * or years are written into the store. Each is the end of its path: it is looked at, and nothing follows.
 */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "exhaustive.h"
#include "protocol/state.h"
#include "support/forge.h"

#define ENOUGH     3u                  /* times that a cell is met before nobody lies for it any more */
#define FAR_AHEAD  (UINT64_C(1) << 30) /* of the ids that the engine itself uses */
#define NODE_BITS  3u
#define COORD_LIES (SIM_PART_STATES * SIM_PART_INPUTS)
#define LIES       (COORD_LIES + SIM_COORD_STATES * SIM_COORD_INPUTS)

struct lie {
    struct ex *ex;
    bool is_to_coordinator;
    unsigned state, input;
    size_t node; /* whom it is told; or, of one told to the coordinator, who tells it */
    struct gj_coord_row row;
    uint8_t core[8192], legs[65536];
};

/* Who leads there; honest nodes, with nothing but faults between them, never do. */
#define LIAR     "a liar: two words under one key"
#define THIEF    "a liar: with the keys of all participants, or one who forgets"
#define OPERATOR "two operators: a doubt resolved by hand"
#define PLATFORM "written into the store: only an outside platform keeps anybody waiting so"
#define YEARS    "written into the store: collected after the years of retention"

static const char *const part_by[SIM_PART_STATES][SIM_PART_INPUTS] = {
    [GJ_PART_NONE] = {[GJ_PART_ON_COMMIT] = THIEF},    [GJ_PART_PREPARING] = {PLATFORM, PLATFORM, PLATFORM},
    [GJ_PART_REFUSED] = {[GJ_PART_ON_COMMIT] = THIEF}, [GJ_PART_ABORTED] = {[GJ_PART_ON_COMMIT] = LIAR},
    [GJ_PART_COMMITTED] = {[GJ_PART_ON_ABORT] = LIAR}, [GJ_PART_RESOLVED] = {OPERATOR, OPERATOR, OPERATOR},
    [GJ_PART_COLLECTED] = {YEARS, YEARS, YEARS}};
static const char *const coord_by[SIM_COORD_STATES][SIM_COORD_INPUTS] = {
    [GJ_COORD_NONE] = {LIAR, LIAR, LIAR, LIAR},
    [GJ_COORD_COLLECTING] = {[GJ_COORD_ON_ACK] = LIAR, [GJ_COORD_ON_INQUIRE] = LIAR},
    [GJ_COORD_PAST] = {LIAR, LIAR, LIAR, LIAR},
    [GJ_COORD_COMMITTED] = {[GJ_COORD_ON_NO] = LIAR, [GJ_COORD_ON_INQUIRE] = LIAR},
    [GJ_COORD_ABORTED] = {[GJ_COORD_ON_ACK] = LIAR, [GJ_COORD_ON_INQUIRE] = LIAR},
    [GJ_COORD_ENDED] = {[GJ_COORD_ON_NO] = LIAR, [GJ_COORD_ON_INQUIRE] = LIAR}};

const char *ex_led_to_part(unsigned state, unsigned input) {
    return part_by[state][input];
}

const char *ex_led_to_coord(unsigned state, unsigned input) {
    return coord_by[state][input];
}

/* --- the transaction ------------------------------------------------------------------------------------ */
static void look_at(void *ctx, const struct gj_table *table, const void *rec) {
    struct lie *lie = ctx;
    const struct gj_coord_row *row = rec;
    if (table != &gj_table_coord || strcmp(row->msgid, lie->ex->msgid) != 0) return;
    bool is_newer = row->txid.epoch > lie->row.txid.epoch ||
                    (row->txid.epoch == lie->row.txid.epoch && row->txid.seq > lie->row.txid.seq);
    if (!is_newer) return;
    lie->row = *row;
    memcpy(lie->core, row->core.ptr, row->core.len);
    memcpy(lie->legs, row->legs.ptr, row->legs.len);
    lie->row.core.ptr = lie->core;
    lie->row.legs.ptr = lie->legs;
}

static bool find_transaction(struct ex *ex, struct lie *lie) {
    *lie = (struct lie){.ex = ex};
    ck_each_row(ex->sim->ck, ex->client_node, look_at, lie);
    return lie->row.state[0] != '\0';
}

static const char *part_state(const struct lie *lie, size_t node) {
    char txid[GJ_TXID_TEXT_CAP];
    gj_txid_format(txid, &lie->row.txid);
    return ck_part_state(lie->ex->sim->ck, node, txid);
}

/* --- may it be told here? ------------------------------------------------------------------------------- */
static bool has_past(const struct lie *lie) {
    return ck_epoch(lie->ex->sim->ck, lie->ex->client_node) != lie->row.txid.epoch;
}

static bool fits_coordinator(const struct lie *lie) {
    const struct ex *ex = lie->ex;
    const char *state = lie->row.state;
    const bool is_up = ex_is_up(ex, ex->client_node);
    switch ((enum gj_coord_state)lie->state) {
    case GJ_COORD_NONE:
        return is_up && has_past(lie);
    case GJ_COORD_COLLECTING:
        return is_up && strcmp(state, "BEGUN") == 0 && !has_past(lie);
    case GJ_COORD_PAST:
        return !is_up && strcmp(state, "BEGUN") == 0;
    case GJ_COORD_COMMITTED:
    case GJ_COORD_ABORTED:
    case GJ_COORD_ENDED:
        return is_up && strcmp(state, sim_coord_state_word(lie->state)) == 0;
    case GJ_COORD_STATES:
        break;
    }
    return false;
}

/* What is planted is planted where nothing is; a doubt is resolved where one is. */
static bool fits_participant(const struct lie *lie) {
    static const enum gj_part_state from[GJ_PART_STATES] = {
        [GJ_PART_NONE] = GJ_PART_NONE,         [GJ_PART_PREPARING] = GJ_PART_NONE,
        [GJ_PART_PREPARED] = GJ_PART_PREPARED, [GJ_PART_REFUSED] = GJ_PART_REFUSED,
        [GJ_PART_ABORTED] = GJ_PART_ABORTED,   [GJ_PART_COMMITTED] = GJ_PART_COMMITTED,
        [GJ_PART_RESOLVED] = GJ_PART_PREPARED, [GJ_PART_COLLECTED] = GJ_PART_NONE};
    const bool is_committed =
        strcmp(lie->row.state, "COMMITTED") == 0 || strcmp(lie->row.state, "ENDED") == 0;
    /* What people decided by hand is met by the truth. */
    if (lie->state == GJ_PART_RESOLVED && lie->input == GJ_PART_ON_COMMIT && !is_committed) return false;
    if (lie->state == GJ_PART_RESOLVED && lie->input == GJ_PART_ON_ABORT &&
        strcmp(lie->row.state, "ABORTED") != 0)
        return false;
    return ex_is_up(lie->ex, lie->node) &&
           strcmp(part_state(lie, lie->node), gj_part_state_word(from[lie->state])) == 0;
}

static bool read_choice(struct lie *lie, const struct ex_choice *choice) {
    unsigned which = choice->flight >> NODE_BITS;
    lie->node = choice->flight & ((1u << NODE_BITS) - 1);
    lie->is_to_coordinator = which >= COORD_LIES;
    if (lie->is_to_coordinator) which -= COORD_LIES;
    lie->state = which / (lie->is_to_coordinator ? SIM_COORD_INPUTS : SIM_PART_INPUTS);
    lie->input = which % (lie->is_to_coordinator ? SIM_COORD_INPUTS : SIM_PART_INPUTS);
    const char *by =
        lie->is_to_coordinator ? coord_by[lie->state][lie->input] : part_by[lie->state][lie->input];
    if (by == NULL) return false;
    return lie->is_to_coordinator ? fits_coordinator(lie) : fits_participant(lie);
}

static bool is_wanted(const struct lie *lie) {
    const struct ex_met *met = lie->ex->met;
    return (lie->is_to_coordinator ? met->coord[lie->state][lie->input] : met->part[lie->state][lie->input]) <
           ENOUGH;
}

unsigned ex_lies(struct ex *ex, struct ex_choice *ret, unsigned max) {
    static struct lie lie;
    unsigned n = 0;
    if (ex->met == NULL || !find_transaction(ex, &lie)) return 0;
    for (uint32_t which = 0; which < LIES && n < max; which++) {
        const size_t node = 1 + which % (ex->sim->n - 1);
        const struct ex_choice choice = {.kind = EX_LIE, .flight = which << NODE_BITS | (uint32_t)node};
        if (read_choice(&lie, &choice) && is_wanted(&lie)) ret[n++] = choice;
    }
    return n;
}

/* --- saying --------------------------------------------------------------------------------------------- */
static void forge_as(struct lie *lie, size_t node, struct gj_forge *ret) {
    struct gj_cluster *cluster = lie->ex->sim->cluster;
    gj_forge_init(ret, gj_cluster_hasher(cluster, node), gj_cluster_sign_key(cluster, node),
                  gj_cluster_directory(cluster, node), sim_node_name(node));
    ret->epoch = ck_epoch(lie->ex->sim->ck, node);
    ret->counter = FAR_AHEAD;
    ret->wall.ms = lie->ex->wall_ms;
}

static void say(struct lie *lie, size_t from, size_t to, struct gj_slice frame) {
    struct ex *ex = lie->ex;
    struct sim_flight *flight = sim_network_push(ex->sim, from, to, frame.ptr, frame.len, 0);
    for (size_t i = 0; i < ex->sim->n_heap; i++)
        if (ex->sim->heap[i] == flight) (void)ex_take(ex, i);
    sim_say(ex->sim, "in the name of %s:", sim_node_name(from));
    ex_deliver(ex, flight);
    free(flight);
}

static void tell_coordinator(struct lie *lie) {
    struct gj_forge forge;
    const size_t to = lie->ex->client_node;
    struct gj_txid txid = lie->row.txid;
    if (lie->state == GJ_COORD_PAST) ex_start(lie->ex, to, true);
    if (lie->state == GJ_COORD_NONE) txid.seq = INT32_MAX;
    struct gj_vote vote = {.digest = lie->row.digest, .yes = lie->input == GJ_COORD_ON_YES};
    struct gj_tx_ref ref = {.txid = txid};
    struct gj_inquiry item = {.txid = txid, .digest = lie->row.digest};
    const struct gj_ack ack = {.txids = &ref, .n_txids = 1};
    const struct gj_inquire inquire = {.items = &item, .n_items = 1};
    if (!vote.yes) gj_text_set(vote.class, sizeof vote.class, "RULE");
    forge_as(lie, lie->node, &forge);
    const char *name = sim_node_name(to);
    struct gj_slice frame = gj_forge_one(&forge, GJ_KIND_VOTE, name, &txid, &vote);
    if (lie->input == GJ_COORD_ON_ACK) frame = gj_forge_one(&forge, GJ_KIND_ACK, name, NULL, &ack);
    if (lie->input == GJ_COORD_ON_INQUIRE)
        frame = gj_forge_one(&forge, GJ_KIND_INQUIRE, name, NULL, &inquire);
    say(lie, lie->node, to, frame);
    gj_forge_done(&forge);
}

/* Every participant's YES, whoever gave it. */
static struct gj_slice forge_certificate(struct lie *lie, struct gj_forge *forge) {
    struct gj_proof votes[SIM_NODES_MAX];
    struct gj_commit commit = {.digest = lie->row.digest, .core = lie->row.core, .votes = votes};
    const struct gj_vote vote = {.digest = lie->row.digest, .yes = true};
    for (size_t i = 1; i < lie->ex->sim->n; i++) {
        struct gj_forge voter;
        forge_as(lie, i, &voter);
        struct gj_slice one =
            gj_forge_one(&voter, GJ_KIND_VOTE, sim_node_name(lie->ex->client_node), &lie->row.txid, &vote);
        votes[commit.n_votes++].bytes = gj_arena_copy(&forge->arena, one);
        gj_forge_done(&voter);
    }
    return gj_forge_one(forge, GJ_KIND_COMMIT, "*", &lie->row.txid, &commit);
}

static struct gj_slice forge_prepare(struct lie *lie, struct gj_forge *forge) {
    const struct gj_prepare_core core = {.core = lie->row.core};
    struct gj_prepare_legs legs;
    struct gj_fault fault;
    enum gj_err err = gj_shape_decode(&gj_shape_prepare_legs, lie->row.legs, &forge->arena, &legs, &fault);
    GJ_ASSERT(err == GJ_OK);
    const struct gj_slice messages[] = {
        gj_forge_say(forge, GJ_KIND_CORE, "*", &lie->row.txid, &core),
        gj_forge_say(forge, GJ_KIND_LEGS, sim_node_name(lie->node), &lie->row.txid, &legs)};
    return gj_forge_parcel(forge, messages, 2, NULL, 0);
}

/* --- states that are made ------------------------------------------------------------------------------- */
static void write_preparing(void *ctx, struct gj_turn *turn) {
    const struct lie *lie = ctx;
    struct gj_part_row row = {.txid = lie->row.txid, .digest = lie->row.digest, .since_ms = lie->ex->wall_ms};
    gj_text_set(row.state, sizeof row.state, gj_part_state_word(GJ_PART_PREPARING));
    gj_text_set(row.kind, sizeof row.kind, "settle");
    gj_store_put(turn->store, &gj_table_part, &row);
}

static void write_collected(void *ctx, struct gj_turn *turn) {
    const struct lie *lie = ctx;
    struct gj_collected_row row = {.epoch = lie->row.txid.epoch, .seq = INT32_MAX};
    gj_text_set(row.coordinator, sizeof row.coordinator, lie->row.txid.coordinator);
    gj_store_put(turn->store, &gj_table_collected, &row);
}

static void ask_operator(struct lie *lie, enum gj_request_kind kind, const char *operator) {
    struct gj_req_resolve resolve = {.outcome = "abort", .reason = "a death", .evidence = "a letter"};
    gj_txid_format(resolve.id, &lie->row.txid);
    gj_text_set(resolve.operator, sizeof resolve.operator, operator);
    ex_submit(lie->ex, lie->node, kind, &resolve, "");
    ex_step(lie->ex, lie->node);
}

static void make_state(struct lie *lie) {
    struct gj_cluster *cluster = lie->ex->sim->cluster;
    if (lie->state == GJ_PART_PREPARING) gj_cluster_edit(cluster, lie->node, write_preparing, lie);
    if (lie->state == GJ_PART_RESOLVED) {
        ask_operator(lie, GJ_REQUEST_PROPOSE, "one");
        ask_operator(lie, GJ_REQUEST_CONFIRM, "two");
    }
    if (lie->state != GJ_PART_COLLECTED) return;
    gj_cluster_edit(cluster, lie->node, write_collected, lie);
    ex_goes_down(lie->ex, lie->node);
    ex_start(lie->ex, lie->node, false);
}

static void tell_participant(struct lie *lie) {
    struct gj_forge forge;
    const struct gj_abort abort = {.digest = lie->row.digest, .reason = "ABORTED"};
    make_state(lie);
    forge_as(lie, lie->ex->client_node, &forge);
    struct gj_slice frame = lie->input == GJ_PART_ON_COMMIT    ? forge_certificate(lie, &forge)
                            : lie->input == GJ_PART_ON_PREPARE ? forge_prepare(lie, &forge)
                                                               : GJ_SLICE_NONE;
    if (lie->input == GJ_PART_ON_ABORT)
        frame = gj_forge_one(&forge, GJ_KIND_ABORT, "*", &lie->row.txid, &abort);
    /* A record that was collected is none: only here it is known which of the two it is. */
    struct sim_coverage *coverage = &lie->ex->sim->coverage;
    const uint64_t none = coverage->part[GJ_PART_NONE][lie->input];
    say(lie, lie->ex->client_node, lie->node, frame);
    if (lie->state == GJ_PART_COLLECTED) {
        coverage->part[GJ_PART_COLLECTED][lie->input] += coverage->part[GJ_PART_NONE][lie->input] - none;
        coverage->part[GJ_PART_NONE][lie->input] = none;
    }
    gj_forge_done(&forge);
}

bool ex_lie(struct ex *ex, const struct ex_choice *choice) {
    static struct lie lie;
    if (!find_transaction(ex, &lie) || !read_choice(&lie, choice)) return false;
    ex->is_lied = true;
    ex->is_planted =
        !lie.is_to_coordinator && (lie.state == GJ_PART_PREPARING || lie.state == GJ_PART_COLLECTED);
    if (lie.is_to_coordinator)
        tell_coordinator(&lie);
    else
        tell_participant(&lie);
    return true;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * What may happen in one state of the exhaustive search, and doing it: on real engines, whose clocks stand still but
 * for a timer that fires. Every parcel waits until it is chosen; whatever a node does, it may die of.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "checker/msgpack.h"
#include "exhaustive.h"
#include "protocol/state.h"

#define ARENA_BYTES ((size_t)16 * 1024 * 1024)
#define EPOCH_MS    2000 /* a store is not put back within the second that names its epoch */
#define EAGER_MAX   20   /* steps at one instant */

/* --- small things --------------------------------------------------------------------------------------- */
bool ex_is_up(const struct ex *ex, size_t node) {
    return !ex->sim->nodes[node].is_down;
}

static size_t place_of(const struct ex *ex, uint64_t number) {
    for (size_t i = 0; i < ex->sim->n_heap; i++)
        if (ex->sim->heap[i]->number == number) return i;
    return ex->sim->n_heap;
}

/* Out of the network; the order of those that stay is of no importance. */
struct sim_flight *ex_take(struct ex *ex, size_t place) {
    struct sim_flight *flight = ex->sim->heap[place];
    ex->sim->heap[place] = ex->sim->heap[--ex->sim->n_heap];
    return flight;
}

/* HELLO, WELCOME, and the word that a HELLO is missing. */
static bool is_greeting(const struct sim_flight *flight) {
    static struct ck_parcel parcel;
    if (!ck_parcel_read(flight->bytes, flight->len, &parcel)) return false;
    for (uint32_t i = 0; i < parcel.n; i++) {
        const char *kind = parcel.items[i].kind;
        if (strcmp(kind, "hello") != 0 && strcmp(kind, "welcome") != 0 && strcmp(kind, "error") != 0)
            return false;
    }
    return true;
}

static bool has_kind(const struct sim_flight *flight, const char *kind) {
    static struct ck_parcel parcel;
    if (flight == NULL || !ck_parcel_read(flight->bytes, flight->len, &parcel)) return false;
    for (uint32_t i = 0; i < parcel.n; i++)
        if (strcmp(parcel.items[i].kind, kind) == 0) return true;
    return false;
}

/* --- the transaction, as the stores have it ------------------------------------------------------------- */
struct looked {
    const struct ex *ex;
    struct gj_txid txid; /* of the newest attempt here */
    char state[GJ_WORD_MAX + 1];
    unsigned open_votes; /* of the coordinator's: not heard yet */
};

static bool is_newer(const struct gj_txid *a, const struct gj_txid *b) {
    return a->epoch != b->epoch ? a->epoch > b->epoch : a->seq >= b->seq;
}

static void look_at(void *ctx, const struct gj_table *table, const void *rec) {
    struct looked *looked = ctx;
    const struct gj_txid *txid = NULL;
    const char *msgid = "", *state = "";
    if (table == &gj_table_coord) {
        const struct gj_coord_row *row = rec;
        txid = &row->txid, msgid = row->msgid, state = row->state;
    } else if (table == &gj_table_part) {
        const struct gj_part_row *row = rec;
        txid = &row->txid, msgid = row->msgid, state = row->state;
    }
    if (txid == NULL || strcmp(msgid, looked->ex->msgid) != 0 || !is_newer(txid, &looked->txid)) return;
    looked->txid = *txid;
    gj_text_set(looked->state, sizeof looked->state, state);
}

static void count_open(void *ctx, const struct gj_table *table, const void *rec) {
    struct looked *looked = ctx;
    const struct gj_vote_row *row = rec;
    if (table != &gj_table_vote || !gj_txid_equal(&row->txid, &looked->txid)) return;
    looked->open_votes += strcmp(row->vote, "-") == 0;
}

static struct looked look(const struct ex *ex, size_t node) {
    struct looked looked = {.ex = ex};
    ck_each_row(ex->sim->ck, node, look_at, &looked);
    ck_each_row(ex->sim->ck, node, count_open, &looked);
    return looked;
}

/* --- steps ---------------------------------------------------------------------------------------------- */
/* The same step makes the same bytes, whatever was done before it elsewhere. */
static uint64_t random_of(const struct ex *ex, size_t node) {
    return ((uint64_t)ck_epoch(ex->sim->ck, node) << 8 | node) * UINT64_C(0x9e3779b97f4a7c15);
}

void ex_set_clock(struct ex *ex, size_t node) {
    const struct gj_now now = {.mono = {ex->mono_ms[node]}, .wall = {ex->wall_ms}};
    gj_cluster_set_clock(ex->sim->cluster, now);
    ex->sim->now_ms = ex->mono_ms[node];
    if (!ex->is_free) gj_cluster_set_random(ex->sim->cluster, random_of(ex, node));
}

/* Alarms that nobody may hear while all are honest. */
static void check_alarms(struct ex *ex) {
    static const enum gj_event_code never[] = {GJ_EVENT_EQUIVOCATION,    GJ_EVENT_VIOLATION,
                                               GJ_EVENT_BAD_CERTIFICATE, GJ_EVENT_RESYNC_NEEDED,
                                               GJ_EVENT_CASE_OPENED,     GJ_EVENT_CLOCK_SKEW};
    for (size_t i = 0; i < sizeof never / sizeof never[0] && !ex->is_lied; i++)
        if (ex->sim->events[never[i]] > 0)
            ck_fail(ex->sim->ck, "alarm", 0, NULL, "%s, and nobody lied", gj_event_word(never[i]));
}

static void hear_answer(struct ex *ex) {
    if (!ex->waits || !gj_cluster_is_answered(ex->sim->cluster, ex->ticket)) return;
    const char *state = ck_request_state(ex->sim->ck, ex->client_node, ex->sender, ex->msgid);
    ex->waits = false;
    ex->has_answer = strcmp(state, "DONE") == 0 || strcmp(state, "REFUSED") == 0;
    sim_say(ex->sim, "the client hears: %s", ex->has_answer ? state : "not now");
}

void ex_goes_down(struct ex *ex, size_t node) {
    if (gj_cluster_is_up(ex->sim->cluster, node)) gj_cluster_crash(ex->sim->cluster, node);
    ex->sim->nodes[node].is_down = true;
    ex->sim->nodes[node].next_commit = SIM_DISK_WELL;
    if (node == ex->client_node) ex->waits = false;
}

static void after_step(struct ex *ex, size_t node) {
    hear_answer(ex);
    check_alarms(ex);
    if (gj_cluster_is_up(ex->sim->cluster, node)) return;
    sim_say(ex->sim, "%s ends by itself: %s", sim_node_name(node),
            gj_err_name(gj_cluster_failure(ex->sim->cluster, node)));
    ex_goes_down(ex, node);
}

void ex_step(struct ex *ex, size_t node) {
    ex_set_clock(ex, node);
    (void)gj_cluster_step_node(ex->sim->cluster, node);
    ex->sim->steps++;
    after_step(ex, node);
}

void ex_deliver(struct ex *ex, const struct sim_flight *flight) {
    sim_say_frame(ex->sim, "hears", flight->from, flight->to, flight->bytes, flight->len);
    sim_cells_delivered(ex->sim, flight);
    ex_set_clock(ex, flight->to);
    gj_cluster_inject(ex->sim->cluster, flight->to, sim_node_name(flight->from),
                      gj_slice_of(flight->bytes, flight->len));
    ex_step(ex, flight->to);
}

/* I3: what comes back from the disk is what was made durable. */
void ex_compare(struct ex *ex, size_t node) {
    struct gj_arena arena;
    gj_arena_init(&arena, ex->sim->arena_memory, ARENA_BYTES);
    ck_compare(ex->sim->ck, node, gj_cluster_store(ex->sim->cluster, node), &arena);
}

void ex_start(struct ex *ex, size_t node, bool in_doubt) {
    ex->sim->nodes[node].is_down = false;
    ex->sim->nodes[node].life++;
    sim_say(ex->sim, "%s starts%s", sim_node_name(node), in_doubt ? ", its witness is missing" : "");
    ex_set_clock(ex, node);
    gj_cluster_restart(ex->sim->cluster, node, in_doubt ? GJ_WITNESS_DOUBTFUL : GJ_WITNESS_EQUAL_OR_BEHIND);
    ck_started(ex->sim->ck, node, in_doubt);
    after_step(ex, node);
    if (ex_is_up(ex, node)) ex_compare(ex, node);
}

/* On the store that it had at the start; its witness is newer than that. */
static void restore(struct ex *ex, size_t node) {
    ex->is_lied = true; /* what it sounds from now on has a cause */
    ex->sim->swarm.on |= UINT32_C(1) << SIM_BACKUP;
    ex->wall_ms += EPOCH_MS;
    sim_disk_put_back(ex->sim, node);
    ex_start(ex, node, true);
}

/* What is due at this instant is done in it: no choice lies between. */
void ex_catch_up(struct ex *ex, size_t node) {
    for (unsigned i = 0; i < EAGER_MAX && ex_is_up(ex, node) && ex_due_ms(ex, node) <= ex->mono_ms[node]; i++)
        ex_step(ex, node);
}

static void undo(struct ex *ex) {
    struct gj_req_reverse reverse = {0};
    gj_text_set(reverse.sender, sizeof reverse.sender, ex->sender);
    gj_text_set(reverse.omsgid, sizeof reverse.omsgid, ex->msgid);
    (void)ex_submit(ex, ex->client_node, GJ_REQUEST_REVERSE, &reverse, ex->msgid);
    ex_step(ex, ex->client_node);
}

/* --- choices -------------------------------------------------------------------------------------------- */
/* The others need a fault before them. */
static bool counts_as_any(enum ex_bound bound) {
    return bound != EX_TIMER && bound != EX_ASK && bound != EX_DOUBT && bound != EX_BOOT &&
           bound != EX_BACKUP;
}

static bool may(const struct ex *ex, enum ex_bound bound) {
    return ex->left[bound] > 0 && (!counts_as_any(bound) || ex->left[EX_ANY] > 0);
}

struct list {
    struct ex *ex;
    struct ex_choice *items;
    unsigned n;
};

static void add(struct list *list, struct ex_choice choice) {
    GJ_ASSERT(list->n < EX_CHOICES_MAX);
    list->items[list->n++] = choice;
}

/* All the ways in which a node may come out of a step. */
static void add_ends(struct list *list, struct ex_choice choice) {
    const struct ex *ex = list->ex;
    const unsigned all = (1u << ex->sim->n) - 1;
    if (may(ex, choice.kind == EX_START ? EX_BOOT : EX_CRASH)) {
        choice.end = EX_BEFORE;
        add(list, choice);
        choice.end = EX_AFTER;
        add(list, choice);
        choice.end = EX_PART;
        for (unsigned mask = 1; mask < all; mask++) {
            bool names_itself = (mask >> choice.node & 1) != 0;
            bool is_everybody = (mask | 1u << choice.node) == all;
            choice.mask = (uint8_t)mask;
            if (!names_itself && !is_everybody) add(list, choice);
        }
        choice.mask = 0;
    }
    choice.end = EX_NO_ROOM;
    if (may(ex, EX_FULL) && choice.kind != EX_START) add(list, choice);
}

/* Of parcels that are alike one stands for all. */
static bool is_first_of_its_like(const struct ex *ex, const uint64_t *hashes, size_t at) {
    for (size_t i = 0; i < at; i++)
        if (hashes[i] == hashes[at] && ex->sim->heap[i]->to == ex->sim->heap[at]->to) return false;
    return true;
}

static void add_flights(struct list *list) {
    struct ex *ex = list->ex;
    uint64_t hashes[EX_FLIGHTS_MAX];
    GJ_ASSERT(ex->sim->n_heap <= EX_FLIGHTS_MAX);
    for (size_t i = 0; i < ex->sim->n_heap; i++) {
        const struct sim_flight *flight = ex->sim->heap[i];
        struct ex_choice choice = {
            .kind = EX_DELIVER, .node = (uint8_t)flight->to, .flight = (uint32_t)flight->number};
        hashes[i] = ex_hash_flight(ex, flight);
        if (!is_first_of_its_like(ex, hashes, i)) continue;
        if (ex_is_up(ex, flight->to)) {
            add(list, choice);
            add_ends(list, choice);
            choice.kind = EX_COPY;
            if (may(ex, EX_DUP)) add(list, choice);
        }
        choice.kind = EX_LOSE;
        if (may(ex, EX_DROP)) add(list, choice);
    }
}

static bool may_fire(const struct ex *ex, size_t node) {
    return ex_is_up(ex, node) && may(ex, EX_TIMER) && ex_due_ms(ex, node) != INT64_MAX;
}

static void add_node(struct list *list, size_t node) {
    const struct ex *ex = list->ex;
    struct ex_choice choice = {.kind = EX_START, .node = (uint8_t)node};
    if (!ex_is_up(ex, node)) {
        add(list, choice);
        add_ends(list, choice);
        choice.kind = EX_START_DOUBT;
        if (may(ex, EX_DOUBT)) add(list, choice);
        choice.kind = EX_RESTORE;
        if (may(ex, EX_BACKUP)) add(list, choice);
        return;
    }
    choice.kind = EX_FIRE;
    if (may_fire(ex, node)) {
        add(list, choice);
        add_ends(list, choice);
    }
    choice.kind = EX_DIE;
    if (may(ex, EX_CRASH) || may(ex, EX_IDLE)) add(list, choice);
}

static bool may_undo(const struct ex *ex) {
    const char *state = ck_request_state(ex->sim->ck, ex->client_node, ex->sender, ex->msgid);
    return may(ex, EX_REVERSE) && ex_is_up(ex, ex->client_node) && strcmp(state, "OPEN") == 0;
}

unsigned ex_choices(struct ex *ex, struct ex_choice ret[EX_CHOICES_MAX]) {
    struct list list = {.ex = ex, .items = ret};
    add_flights(&list);
    for (size_t i = 0; i < ex->sim->n; i++)
        add_node(&list, i);
    if (may(ex, EX_LATE)) add(&list, (struct ex_choice){.kind = EX_PASS});
    bool may_ask = may(ex, EX_ASK) && ex_is_up(ex, ex->client_node) && !ex->waits && !ex->has_answer;
    if (may_ask) add(&list, (struct ex_choice){.kind = EX_ASK_AGAIN, .node = (uint8_t)ex->client_node});
    list.n += ex_lies(ex, ret + list.n, EX_CHOICES_MAX - list.n);
    if (may_undo(ex)) add(&list, (struct ex_choice){.kind = EX_UNDO, .node = (uint8_t)ex->client_node});
    return list.n;
}

bool ex_is_leaf(const struct ex *ex) {
    for (size_t i = 0; i < ex->sim->n; i++)
        if (!ex_is_up(ex, i) || may_fire(ex, i)) return false;
    return ex->sim->n_heap == 0;
}

/* --- doing one ------------------------------------------------------------------------------------------ */
static void note(struct ex *ex, enum ex_row row) {
    ex->rows[row]++;
}

static void note_coordinator(struct ex *ex, const struct ex_choice *choice, const struct looked *was,
                             const char *is, bool is_last_yes) {
    bool had_begun = strcmp(was->state, "BEGUN") == 0;
    bool has_committed = had_begun && strcmp(is, "COMMITTED") == 0;
    if (had_begun && choice->kind == EX_DIE) note(ex, EX_ROW_C_BEFORE);
    if (was->state[0] == '\0' && choice->end == EX_BEFORE) note(ex, EX_ROW_C_BEFORE);
    if (had_begun && choice->end == EX_BEFORE && is_last_yes) note(ex, EX_ROW_C_WHILE_TORN);
    if (has_committed && choice->end == EX_AFTER) note(ex, EX_ROW_C_WHILE_WHOLE);
    if (choice->kind == EX_DIE && strcmp(was->state, "COMMITTED") == 0) note(ex, EX_ROW_C_AFTER);
    if (has_committed && choice->end == EX_PART) note(ex, EX_ROW_C_AFTER);
}

static void note_participant(struct ex *ex, const struct ex_choice *choice, const struct looked *was,
                             const char *is, const struct sim_flight *flight) {
    bool was_none = was->state[0] == '\0', was_prepared = strcmp(was->state, "PREPARED") == 0;
    if (was_none && choice->end == EX_BEFORE && has_kind(flight, "legs")) note(ex, EX_ROW_P_BEFORE);
    if (was_none && choice->end == EX_AFTER && strcmp(is, "PREPARED") == 0) note(ex, EX_ROW_P_AROUND);
    if (was_prepared && choice->kind == EX_DIE) note(ex, EX_ROW_P_AFTER);
    if (!was_prepared) return;
    if (choice->end == EX_BEFORE && has_kind(flight, "commit")) note(ex, EX_ROW_P_COMMITTED_TORN);
    if (choice->end == EX_AFTER && strcmp(is, "COMMITTED") == 0) note(ex, EX_ROW_P_COMMITTED_WHOLE);
}

/* Which row of "After a crash" this was. */
static void note_rows(struct ex *ex, const struct ex_choice *choice, const struct looked *was,
                      const struct sim_flight *flight) {
    const struct looked is = look(ex, choice->node);
    bool is_last_yes = was->open_votes == 1 && (has_kind(flight, "vote") || has_kind(flight, "inquire"));
    if (choice->end == EX_BEFORE || choice->end == EX_AFTER) note(ex, EX_ROW_IO_ERROR);
    if (choice->end == EX_NO_ROOM) note(ex, EX_ROW_FULL);
    if (choice->kind == EX_START_DOUBT) note(ex, EX_ROW_GATE);
    if (choice->kind == EX_START && choice->end != EX_WELL) note(ex, EX_ROW_RECOVERY);
    if (choice->node == ex->client_node)
        note_coordinator(ex, choice, was, is.state, is_last_yes);
    else
        note_participant(ex, choice, was, is.state, flight);
}

static void spend(uint8_t left[EX_BOUND_COUNT], enum ex_bound bound) {
    GJ_ASSERT(left[bound] > 0);
    left[bound]--;
    if (!counts_as_any(bound)) return;
    GJ_ASSERT(left[EX_ANY] > 0);
    left[EX_ANY]--;
}

/* Of what the node has sent since |first|, all that went to the nodes of |mask| is lost with it. False if there was
 * nothing for one of them: then another choice is the same. */
static bool lose_part(struct ex *ex, uint64_t first, unsigned mask) {
    unsigned lost = 0;
    for (size_t i = ex->sim->n_heap; i > 0; i--) {
        const struct sim_flight *flight = ex->sim->heap[i - 1];
        if (flight->number <= first || (mask >> flight->to & 1) == 0) continue;
        lost |= 1u << flight->to;
        sim_say_frame(ex->sim, "lost with it", flight->from, flight->to, flight->bytes, flight->len);
        free(ex_take(ex, i - 1));
    }
    return lost == mask;
}

static void prepare_end(struct ex *ex, const struct ex_choice *choice) {
    static const enum sim_disk_fault faults[] = {[EX_WELL] = SIM_DISK_WELL,
                                                 [EX_BEFORE] = SIM_DISK_LOSES,
                                                 [EX_AFTER] = SIM_DISK_KEEPS,
                                                 [EX_PART] = SIM_DISK_WELL,
                                                 [EX_NO_ROOM] = SIM_DISK_FULL};
    ex->sim->nodes[choice->node].next_commit = faults[choice->end];
}

/* A step that made no flush cannot fail at it. */
static void finish_end(struct ex *ex, const struct ex_choice *choice, uint64_t first) {
    struct sim_node *node = &ex->sim->nodes[choice->node];
    if (choice->kind == EX_LIE || choice->kind == EX_RESTORE) return;
    if (choice->end == EX_WELL) {
        ex_catch_up(ex, choice->node);
        return;
    }
    if (choice->end == EX_PART) {
        ex->is_moot = !ex_is_up(ex, choice->node) || !lose_part(ex, first, choice->mask);
        sim_say(ex->sim, "%s dies", sim_node_name(choice->node));
        ex_goes_down(ex, choice->node);
        return;
    }
    ex->is_moot =
        node->next_commit != SIM_DISK_WELL || (choice->end != EX_NO_ROOM && ex_is_up(ex, choice->node));
    node->next_commit = SIM_DISK_WELL;
    if (choice->end == EX_NO_ROOM) ex_catch_up(ex, choice->node);
}

static void do_step(struct ex *ex, const struct ex_choice *choice, const struct sim_flight *flight) {
    switch ((enum ex_kind)choice->kind) {
    case EX_DELIVER:
    case EX_COPY:
        ex_deliver(ex, flight);
        return;
    case EX_FIRE:
        if (ex_due_ms(ex, choice->node) > ex->mono_ms[choice->node])
            ex->mono_ms[choice->node] = ex_due_ms(ex, choice->node);
        sim_say(ex->sim, "%s: a timer", sim_node_name(choice->node));
        ex_step(ex, choice->node);
        return;
    case EX_START:
    case EX_START_DOUBT:
        ex_start(ex, choice->node, choice->kind == EX_START_DOUBT);
        return;
    case EX_ASK_AGAIN:
        ex_ask(ex);
        ex_step(ex, choice->node);
        return;
    case EX_UNDO:
        undo(ex);
        return;
    case EX_DIE:
        sim_say(ex->sim, "%s dies", sim_node_name(choice->node));
        ex_goes_down(ex, choice->node);
        return;
    case EX_LOSE:
        sim_say_frame(ex->sim, "lost", flight->from, flight->to, flight->bytes, flight->len);
        return;
    case EX_RESTORE:
        restore(ex, choice->node);
        return;
    case EX_LIE:
        ex->is_moot = !ex_lie(ex, choice);
        return;
    case EX_PASS:
        sim_say(ex->sim, "the clocks pass the expiry of a PREPARE");
        ex->wall_ms += GJ_PREPARE_EXPIRY_MS + 1000;
        return;
    }
}

void ex_spend(uint8_t left[EX_BOUND_COUNT], const struct ex_choice *choice) {
    static const enum ex_bound bounds[] = {
        [EX_COPY] = EX_DUP,      [EX_LOSE] = EX_DROP,      [EX_FIRE] = EX_TIMER,
        [EX_DIE] = EX_CRASH,     [EX_PASS] = EX_LATE,      [EX_START_DOUBT] = EX_DOUBT,
        [EX_ASK_AGAIN] = EX_ASK, [EX_RESTORE] = EX_BACKUP, [EX_UNDO] = EX_REVERSE};
    if (choice->kind != EX_DELIVER && choice->kind != EX_START && choice->kind != EX_LIE)
        spend(left, choice->kind == EX_DIE && left[EX_CRASH] == 0 ? EX_IDLE : bounds[choice->kind]);
    if (choice->end == EX_NO_ROOM) spend(left, EX_FULL);
    bool dies = choice->end != EX_WELL && choice->end != EX_NO_ROOM;
    if (dies) spend(left, choice->kind == EX_START ? EX_BOOT : EX_CRASH);
}

/* What will be refused for ever for its epoch is as good as lost; but for a HELLO, which is told so. */
static void sweep(struct ex *ex) {
    for (size_t i = ex->sim->n_heap; i > 0; i--) {
        const struct sim_flight *flight = ex->sim->heap[i - 1];
        if (ex_standing(ex, flight) == EX_STALE && !has_kind(flight, "hello")) free(ex_take(ex, i - 1));
    }
}

static size_t prompt_flight(const struct ex *ex) {
    for (size_t i = 0; i < ex->sim->n_heap; i++)
        if (ex_is_up(ex, ex->sim->heap[i]->to) && is_greeting(ex->sim->heap[i])) return i;
    return ex->sim->n_heap;
}

/* Greetings go to and fro at the instant in which somebody begins with them. */
static void greet(struct ex *ex) {
    for (size_t at = prompt_flight(ex); at < ex->sim->n_heap && ck_failed(ex->sim->ck) == NULL;
         at = prompt_flight(ex)) {
        struct sim_flight *flight = ex_take(ex, at);
        const size_t to = flight->to;
        ex_deliver(ex, flight);
        ex_catch_up(ex, to);
        free(flight);
        sweep(ex);
        ex->changed = ex->sim->n;
        ex->step.is_deaf = true;
    }
}

void ex_do(struct ex *ex, const struct ex_choice *wanted) {
    struct ex_choice own = *wanted;
    const struct ex_choice *choice = &own;
    struct sim_flight *flight = NULL;
    const uint64_t first = ex->sim->n_flights;
    ex->is_moot = false;
    ex_spend(ex->left, choice);
    if (choice->kind <= EX_LOSE) {
        size_t place = place_of(ex, choice->flight);
        GJ_ASSERT(place < ex->sim->n_heap);
        flight = ex_take(ex, place);
        own.node = (uint8_t)flight->to;
    }
    ex->changed = choice->node;
    ex_learn_before(ex, choice, flight);
    ex->step.is_deaf = has_kind(flight, "hello") || has_kind(flight, "welcome");
    const struct looked was = look(ex, choice->node);
    prepare_end(ex, choice);
    do_step(ex, choice, flight);
    finish_end(ex, choice, first);
    if (!ex->is_moot) note_rows(ex, choice, &was, flight);
    if (ex->is_prompt) greet(ex);
    ex_learn_after(ex, choice, flight);
    if (choice->kind == EX_COPY) {
        struct sim_flight *copy =
            sim_network_push(ex->sim, flight->from, flight->to, flight->bytes, flight->len, flight->due_ms);
        copy->is_again = true;
    }
    free(flight);
    sweep(ex);
}

/* --- choices as text ------------------------------------------------------------------------------------ */
static const char kind_letters[] = "dDxtcsSparbl", end_letters[] = " bakf";

void ex_choice_write(const struct ex_choice *choice, char *dst, size_t cap) {
    bool is_flight = choice->kind <= EX_LOSE || choice->kind == EX_LIE;
    int n = snprintf(dst, cap, "%c%u", kind_letters[choice->kind], is_flight ? choice->flight : choice->node);
    if (choice->end == EX_WELL) return;
    (void)snprintf(dst + n, cap - (size_t)n, "%c", end_letters[choice->end]);
    if (choice->end == EX_PART) (void)snprintf(dst + n, cap - (size_t)n, "k%u", choice->mask);
}

bool ex_choice_read(const char *text, struct ex_choice *ret) {
    const char *kind = text[0] == '\0' ? NULL : strchr(kind_letters, text[0]);
    char *rest = NULL;
    *ret = (struct ex_choice){0};
    if (kind == NULL) return false;
    ret->kind = (uint8_t)(kind - kind_letters);
    unsigned long number = strtoul(text + 1, &rest, 10);
    if (ret->kind <= EX_LOSE || ret->kind == EX_LIE)
        ret->flight = (uint32_t)number;
    else
        ret->node = (uint8_t)number;
    if (*rest == '\0') return true;
    const char *end = strchr(end_letters, *rest);
    if (end == NULL) return false;
    ret->end = (uint8_t)(end - end_letters);
    ret->mask = (uint8_t)strtoul(rest + 1, NULL, 10);
    return true;
}

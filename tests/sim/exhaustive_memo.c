/* SPDX-License-Identifier: Apache-2.0
 *
 * What a node does depends on nothing but that node and what it is given. So a step that was made once, by a node in
 * that state, need not be made again to know where it leads: if the whole state that it leads to was visited with as
 * much left, nobody goes there. It must never stand for a step into a state that is new: that one is made, and must
 * come out as it was foreseen. If not, the hash of a state leaves out something that matters, and the search fails.
 */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

#include "base/check.h"
#include "exhaustive.h"

#define STEPS   (UINT64_C(1) << 19) /* a power of two */
#define OUT_MAX 8u
#define PROBES  64u

struct ex_known_step {
    _Atomic uint64_t key; /* 0: free */
    _Atomic bool is_ready;
    bool is_moot, is_deaf; /* |is_deaf|: it touched more than one node; never foreseen */
    uint8_t standing;      /* of a second copy of what was delivered */
    uint8_t n_out;
    uint64_t node, out[OUT_MAX];
};

static struct ex_known_step *steps;

void ex_memo_open(void) {
    steps = mmap(NULL, STEPS * sizeof *steps, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    GJ_ASSERT(steps != MAP_FAILED);
}

static struct ex_known_step *place_of(uint64_t key, bool makes_it) {
    for (uint64_t i = 0; i < PROBES; i++) {
        struct ex_known_step *step = &steps[(key + i) & (STEPS - 1)];
        uint64_t was = step->key;
        if (was == key) return step;
        if (was != 0) continue;
        if (!makes_it) return NULL;
        if (atomic_compare_exchange_strong(&step->key, &was, key) || was == key) return step;
    }
    return NULL;
}

/* Dying changes what its receiver thinks of every parcel: it has forgotten them. */
static bool ends_down(const struct ex_choice *choice) {
    return choice->kind == EX_DIE || (choice->end != EX_WELL && choice->end != EX_NO_ROOM);
}

static bool is_of_one_node(const struct ex_choice *choice) {
    return choice->kind == EX_DELIVER || choice->kind == EX_COPY || choice->kind == EX_FIRE ||
           choice->kind == EX_DIE;
}

/* Another parcel that says the same may be a copy of this one: whether it is then refused is not looked into. */
static bool has_twin(struct ex *ex, const struct sim_flight *flight) {
    uint64_t content = ex_hash_content(ex, flight);
    for (size_t i = 0; i < ex->sim->n_heap; i++) {
        const struct sim_flight *other = ex->sim->heap[i];
        if (other != flight && other->to == flight->to && ex_hash_content(ex, other) == content) return true;
    }
    return false;
}

/* 0: such a step is not remembered. */
static uint64_t key_of(struct ex *ex, const struct ex_choice *choice, const struct sim_flight *flight) {
    if (steps == NULL || !is_of_one_node(choice) || (flight != NULL && has_twin(ex, flight))) return 0;
    const uint8_t kind = choice->kind == EX_COPY ? EX_DELIVER : choice->kind;
    uint64_t key = ex_mix(ex->node_hash[choice->node], (uint64_t)ex->wall_ms);
    key = ex_mix(key, (uint64_t)kind << 16 | (uint64_t)choice->end << 8 | choice->mask);
    if (flight != NULL) key = ex_mix(key, ex_hash_flight(ex, flight));
    return key == 0 ? 1 : key;
}

void ex_learn_before(struct ex *ex, const struct ex_choice *choice, const struct sim_flight *flight) {
    ex->step.key = key_of(ex, choice, flight);
    ex->step.first = ex->sim->n_flights;
    ex->step.is_deaf = false;
}

void ex_learn_after(struct ex *ex, const struct ex_choice *choice, const struct sim_flight *flight) {
    struct ex_known_step step = {.is_moot = ex->is_moot, .is_deaf = ex->step.is_deaf};
    if (ex->step.key == 0) return;
    struct ex_known_step *place = place_of(ex->step.key, true);
    if (place == NULL || place->is_ready) return;
    if (flight != NULL) step.standing = (uint8_t)ex_standing(ex, flight);
    for (size_t i = 0; i < ex->sim->n_heap; i++) {
        if (ex->sim->heap[i]->number <= ex->step.first) continue;
        if (step.n_out == OUT_MAX) {
            step.is_deaf = true;
            break;
        }
        step.out[step.n_out++] = ex_hash_content(ex, ex->sim->heap[i]);
    }
    step.node = ex_hash_node(ex, choice->node);
    place->is_moot = step.is_moot;
    place->is_deaf = step.is_deaf;
    place->standing = step.standing;
    place->n_out = step.n_out;
    place->node = step.node;
    memcpy(place->out, step.out, sizeof place->out);
    place->is_ready = true;
}

static const struct sim_flight *flight_of(const struct ex *ex, const struct ex_choice *choice) {
    for (size_t i = 0; choice->kind <= EX_LOSE && i < ex->sim->n_heap; i++)
        if (ex->sim->heap[i]->number == choice->flight) return ex->sim->heap[i];
    return NULL;
}

/* The parcels under way after the step. */
static uint64_t flights_after(struct ex *ex, const struct ex_choice *choice, const struct ex_known_step *step,
                              size_t *ret_n) {
    uint64_t sum = 0;
    *ret_n = 0;
    for (size_t i = 0; i < ex->sim->n_heap; i++) {
        const struct sim_flight *flight = ex->sim->heap[i];
        bool is_it = choice->kind <= EX_LOSE && flight->number == choice->flight;
        enum ex_standing standing = ex_standing(ex, flight);
        if (is_it && choice->kind != EX_COPY) continue;
        if (is_it) standing = (enum ex_standing)step->standing;
        if (flight->to == choice->node && ends_down(choice)) standing = EX_FRESH;
        sum += ex_mix(ex_hash_content(ex, flight), (uint64_t)standing);
        ++*ret_n;
    }
    for (unsigned i = 0; step != NULL && i < step->n_out; i++, ++*ret_n)
        sum += ex_mix(step->out[i], EX_FRESH);
    return sum;
}

enum ex_foresight ex_foresee(struct ex *ex, const struct ex_choice *choice, uint64_t *ret_hash) {
    const struct ex_known_step *step = NULL;
    uint64_t nodes[SIM_NODES_MAX];
    size_t n = 0;
    memcpy(nodes, ex->node_hash, sizeof nodes);
    if (choice->kind != EX_LOSE) {
        uint64_t key = key_of(ex, choice, flight_of(ex, choice));
        step = key == 0 ? NULL : place_of(key, false);
        if (step == NULL || !step->is_ready || step->is_deaf) return EX_UNKNOWN;
        if (step->is_moot) return EX_MOOT;
        nodes[choice->node] = step->node;
    }
    uint64_t flights = flights_after(ex, choice, step, &n);
    *ret_hash = ex_hash_of(ex, nodes, flights, n);
    return EX_FORESEEN;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Which faults a seed has, how often, and the ones that happen at times: crashes, cuts, pauses, clocks, disks.
 */
#include <stdint.h>
#include <string.h>

#include "sim.h"

/* splitmix64 */
uint64_t sim_random(struct sim *sim, unsigned stream) {
    uint64_t z = sim->streams[stream] += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint64_t sim_below(struct sim *sim, unsigned stream, uint64_t n) {
    return n == 0 ? 0 : sim_random(sim, stream) % n;
}

bool sim_chance(struct sim *sim, unsigned stream, unsigned percent) {
    return sim_below(sim, stream, 100) < percent;
}

static const char *const words[] = {
#define X(name, word, text) word,
    SIM_FAULTS(X)
#undef X
};

const char *sim_fault_word(enum sim_fault fault) {
    return words[fault];
}

bool sim_has_backups(const struct sim *sim) {
    return (sim->swarm.on >> SIM_BACKUP & 1) != 0;
}

bool sim_has(const struct sim *sim, enum sim_fault fault) {
    return !sim->is_healed && (sim->swarm.on >> fault & 1) != 0;
}

/* How likely a fault is in a seed, and the range of its mean time between two, in ms; 0: none of those that
 * happen at times. */
static const struct {
    unsigned percent;
    int64_t from_ms, to_ms;
} odds[SIM_FAULT_COUNT] = {
    [SIM_LOSS] = {50, 0, 0},
    [SIM_DUPLICATE] = {50, 0, 0},
    [SIM_DELAY] = {60, 0, 0},
    [SIM_TAIL] = {30, 0, 0},
    [SIM_CUT] = {40, 5000, 60000},
    [SIM_HALFCUT] = {35, 5000, 60000},
    [SIM_BLACKHOLE] = {30, 5000, 60000},
    [SIM_FLIP] = {25, 0, 0},
    [SIM_REPLAY] = {40, 200, 5000},
    [SIM_CRASH] = {60, 2000, 30000},
    [SIM_SENDCRASH] = {45, 2000, 30000},
    [SIM_FLUSHCRASH] = {45, 2000, 30000},
    [SIM_BOOTCRASH] = {35, 0, 0},
    [SIM_PAUSE] = {35, 5000, 60000},
    [SIM_SLOWDISK] = {40, 0, 0},
    [SIM_CLOCK] = {30, 10000, 90000},
    [SIM_DRIFT] = {25, 5000, 90000},
    [SIM_MIDNIGHT] = {15, 0, 0},
    [SIM_FULL] = {20, 10000, 60000},
    [SIM_RESERVE] = {15, 10000, 60000},
    [SIM_DOUBT] = {25, 0, 0},
    [SIM_BACKUP] = {0, 10000, 60000},
    [SIM_SQLITE] = {10, 0, 0},
    [SIM_LIAR] = {30, 300, 6000},
    [SIM_AWAY] = {10, 0, 0},
    [SIM_HAND] = {20, 0, 0},
    [SIM_YEARS] = {12, 0, 0},
    [SIM_REKEY] = {12, 0, 0},
    [SIM_NARROW] = {15, 5000, 60000},
};

/* A stream has its name's numbers: a fault more in the list changes nothing for the others. */
static void open_streams(struct sim *sim) {
    static const char *const others[] = {"work", "net", "plan", "record", "aim"};
    for (unsigned i = 0; i < SIM_STREAMS; i++) {
        const char *name = i < SIM_FAULT_COUNT ? words[i] : others[i - SIM_FAULT_COUNT];
        uint64_t number = UINT64_C(0xcbf29ce484222325);
        for (; *name != '\0'; name++)
            number = (number ^ (uint8_t)*name) * UINT64_C(0x100000001b3);
        sim->streams[i] = sim->options.seed * UINT64_C(0xd1342543de82ef95) + number;
        (void)sim_random(sim, i);
    }
}

void sim_swarm_draw(struct sim *sim) {
    struct sim_swarm *swarm = &sim->swarm;
    open_streams(sim);
    bool is_calm =
        sim_chance(sim, SIM_PLAN, 3); /* some seeds have none: what fails there is no fault's doing */
    for (unsigned i = 0; i < SIM_FAULT_COUNT; i++) {
        bool drawn = sim_chance(sim, i, odds[i].percent) && !is_calm;
        if (drawn) swarm->on |= UINT32_C(1) << i;
        uint64_t range = (uint64_t)(odds[i].to_ms - odds[i].from_ms) + 1;
        swarm->every_ms[i] = odds[i].from_ms + (int64_t)sim_below(sim, i, range);
        sim->next_ms[i] = INT64_MAX;
    }
    swarm->loss_percent = 1 + (unsigned)sim_below(sim, SIM_PLAN, 30);
    swarm->duplicate_percent = 1 + (unsigned)sim_below(sim, SIM_PLAN, 50);
    swarm->flip_percent = 1 + (unsigned)sim_below(sim, SIM_PLAN, 10);
    swarm->delay_ms = 10 + (int64_t)sim_below(sim, SIM_PLAN, 800);
    swarm->tail_ms = 1000 << sim_below(sim, SIM_PLAN, 8);
    swarm->slow_ms = 5 + (int64_t)sim_below(sim, SIM_PLAN, 400);
    if (sim->options.has_backups) swarm->on |= UINT32_C(1) << SIM_BACKUP;
    /* What a liar says about what a node has lost nobody could judge. */
    const uint32_t unjudged = UINT32_C(1) << SIM_LIAR | UINT32_C(1) << SIM_HAND | UINT32_C(1) << SIM_YEARS;
    if ((swarm->on >> SIM_BACKUP & 1) != 0) swarm->on &= ~unjudged;
    if (sim->options.on_sqlite) swarm->on |= UINT32_C(1) << SIM_SQLITE;
    swarm->on &= ~sim->options.without;
    /* What two nodes lose at once often nobody can give back: mostly it is one, again and again. */
    sim->only_one_is_put_back = sim_chance(sim, SIM_BACKUP, 75);
    sim->n = 2 + (size_t)sim_below(sim, SIM_PLAN, SIM_NODES_MAX - 1);
    if (sim->options.nodes != 0) sim->n = sim->options.nodes;
}

/* --- what happens at times ------------------------------------------------------------------------------ */
static int64_t until_next(struct sim *sim, unsigned fault) {
    return 1 + (int64_t)sim_below(sim, fault, 2 * (uint64_t)sim->swarm.every_ms[fault]);
}

/* 1 ms to |max_ms|, short ones as likely as long ones. */
static int64_t spell_ms(struct sim *sim, unsigned fault, int64_t max_ms) {
    int64_t ms = max_ms >> sim_below(sim, fault, 12);
    return 1 + (int64_t)sim_below(sim, fault, (uint64_t)ms + 1);
}

static void cut(struct sim *sim, unsigned fault, size_t node, bool both) {
    size_t other = (node + 1 + (size_t)sim_below(sim, fault, sim->n - 1)) % sim->n;
    int64_t until = sim->now_ms + spell_ms(sim, fault, 120000);
    sim->nodes[node].cut_until_ms[other] = until;
    if (both) sim->nodes[other].cut_until_ms[node] = until;
    sim_say(sim, "%s %s %s until %lld", sim_node_name(node), both ? "and" : "is not heard by",
            sim_node_name(other), (long long)until);
}

static void swallow(struct sim *sim) {
    static const char *const kinds[] = {"hello",        "welcome",  "plan",      "plan_answer", "cover",
                                        "cover_answer", "core",     "vote",      "commit",      "abort",
                                        "ack",          "inquire",  "status",    "revoke",      "revoked",
                                        "verify",       "verified", "vote_facts"};
    const char *kind = kinds[sim_below(sim, SIM_BLACKHOLE, sizeof kinds / sizeof kinds[0])];
    gj_text_set(sim->hole_kind, sizeof sim->hole_kind, kind);
    sim->hole_until_ms = sim->now_ms + spell_ms(sim, SIM_BLACKHOLE, 60000);
    sim_say(sim, "every %s is swallowed until %lld", kind, (long long)sim->hole_until_ms);
}

static void turn_clock(struct sim *sim, size_t node) {
    int64_t size = INT64_C(200) << sim_below(sim, SIM_CLOCK, 14); /* up to an hour */
    int64_t skew = (int64_t)sim_below(sim, SIM_CLOCK, 2 * (uint64_t)size) - size;
    if (sim_chance(sim, SIM_CLOCK, 40)) skew = 0;
    sim->nodes[node].skew_ms = skew;
    gj_cluster_set_skew(sim->cluster, node, skew);
    sim_say(sim, "%s: its clock is wrong by %lld ms", sim_node_name(node), (long long)skew);
}

static void drift(struct sim *sim, size_t node) {
    static const int64_t percent[] = {-90, -50, -10, -1, 0, 1, 10, 50, 200};
    int64_t one = percent[sim_below(sim, SIM_DRIFT, sizeof percent / sizeof percent[0])];
    gj_cluster_set_drift(sim->cluster, node, one);
    sim_say(sim, "%s: its clocks run by %lld %% fast", sim_node_name(node), (long long)one);
}

/* Copies are taken more often than they are needed. */
static void backup(struct sim *sim, size_t node) {
    if (sim->only_one_is_put_back) node = (size_t)(sim->options.seed % sim->n);
    struct sim_node *at = &sim->nodes[node];
    if (at->image == NULL || sim_chance(sim, SIM_BACKUP, 60)) {
        sim_disk_back_up(sim, node);
        return;
    }
    sim_node_crash(sim, node, "dies, and its store is lost");
    at->is_put_back = true;
}

static void again(struct sim *sim) {
    const struct sim_kept *kept = &sim->kept[sim_below(sim, SIM_REPLAY, SIM_KEPT_FRAMES)];
    if (kept->bytes == NULL) return;
    struct sim_flight *flight =
        sim_network_push(sim, kept->from, kept->to, kept->bytes, kept->len, sim->now_ms);
    flight->is_again = true;
    sim_say_frame(sim, "again", kept->from, kept->to, kept->bytes, kept->len);
}

static void happen(struct sim *sim, unsigned fault) {
    size_t node = (size_t)sim_below(sim, fault, sim->n);
    struct sim_node *at = &sim->nodes[node];
    bool is_counted_there = fault == SIM_LIAR;
    sim->coverage.faults[fault] += !is_counted_there;
    sim->totals.faults += !is_counted_there;
    switch (fault) {
    case SIM_CUT:
    case SIM_HALFCUT:
        cut(sim, fault, node, fault == SIM_CUT);
        break;
    case SIM_BLACKHOLE:
        swallow(sim);
        break;
    case SIM_REPLAY:
        again(sim);
        break;
    case SIM_CRASH:
        sim_node_crash(sim, node, "dies");
        break;
    case SIM_SENDCRASH:
        at->sink_left = (int)sim_below(sim, fault, 4);
        break;
    case SIM_FLUSHCRASH:
        at->next_commit = sim_chance(sim, fault, 50) ? SIM_DISK_LOSES : SIM_DISK_KEEPS;
        break;
    case SIM_PAUSE:
        at->ready_ms = sim->now_ms + spell_ms(sim, fault, 90000);
        sim_say(sim, "%s stands still until %lld", sim_node_name(node), (long long)at->ready_ms);
        break;
    case SIM_CLOCK:
        turn_clock(sim, node);
        break;
    case SIM_DRIFT:
        drift(sim, node);
        break;
    case SIM_BACKUP:
        backup(sim, node);
        break;
    case SIM_FULL:
        at->full_until_ms = sim->now_ms + spell_ms(sim, fault, 10000);
        break;
    case SIM_RESERVE:
        at->reserve_until_ms = sim->now_ms + spell_ms(sim, fault, 30000);
        break;
    case SIM_NARROW:
        at->room = 1 + (size_t)sim_below(sim, fault, 4);
        at->narrow_until_ms = sim->now_ms + spell_ms(sim, fault, 30000);
        sim_say(sim, "%s has room for %zu until %lld", sim_node_name(node), at->room,
                (long long)at->narrow_until_ms);
        break;
    case SIM_LIAR:
        sim_liars_tick(sim);
        break;
    default: /* those that have no time of their own */
        break;
    }
}

int64_t sim_swarm_next_ms(const struct sim *sim) {
    int64_t next = sim_keys_next_ms(sim);
    for (unsigned i = 0; i < SIM_FAULT_COUNT && !sim->is_healed; i++)
        if (sim->next_ms[i] < next) next = sim->next_ms[i];
    return next;
}

void sim_swarm_tick(struct sim *sim) {
    if (sim->wants_hands) sim_hands(sim);
    sim->wants_hands = false;
    sim_keys_tick(sim);
    for (unsigned i = 0; i < SIM_FAULT_COUNT; i++) {
        if (!sim_has(sim, (enum sim_fault)i) || odds[i].to_ms == 0) continue;
        if (sim->next_ms[i] == INT64_MAX) sim->next_ms[i] = sim->now_ms + until_next(sim, i);
        if (sim->next_ms[i] > sim->now_ms) continue;
        sim->next_ms[i] = sim->now_ms + until_next(sim, i);
        happen(sim, i);
    }
}

void sim_heal(struct sim *sim) {
    sim_say(sim, "--- the faults stop");
    sim->is_healed = true;
    sim->hole_until_ms = 0;
    sim_keys_heal(sim);
    for (size_t i = 0; i < sim->n; i++) {
        struct sim_node *node = &sim->nodes[i];
        memset(node->cut_until_ms, 0, sizeof node->cut_until_ms);
        node->ready_ms = node->full_until_ms = node->reserve_until_ms = node->narrow_until_ms = 0;
        node->sink_left = -1;
        node->next_commit = SIM_DISK_WELL;
        node->skew_ms = 0;
        gj_cluster_set_skew(sim->cluster, i, 0);
        gj_cluster_set_drift(sim->cluster, i, 0);
        if (node->is_down) node->up_ms = sim->now_ms;
    }
    /* What it began in its engine's name is of a past epoch then, and its engine says what became of it. */
    for (size_t i = 0; i < sim->n; i++)
        if (sim_is_liar(sim, i)) sim_node_crash(sim, i, "is found out, and starts again without its liar");
}

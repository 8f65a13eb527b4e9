/* SPDX-License-Identifier: Apache-2.0
 *
 * The network and the time: every parcel takes two milliseconds, unless a trap for one of its messages, or a cut
 * line, has other plans. What travels in one parcel shares its fate.
 */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "sim/checker/msgpack.h"
#include "stage.h"

#define TRAVEL_MS 2

static int64_t now_ms(const struct stage *stage) {
    return gj_cluster_now(stage->cluster, 0).mono.ms;
}

/* --- flights ---------------------------------------------------------------------------------------------------- */
static struct stage_flight *flight_of(size_t from, size_t to, struct gj_slice parcel, int64_t due_ms) {
    struct stage_flight *flight = calloc(1, sizeof *flight + parcel.len);
    GJ_ASSERT(flight != NULL);
    flight->from = from;
    flight->to = to;
    flight->due_ms = due_ms;
    flight->len = parcel.len;
    memcpy(flight->bytes, parcel.ptr, parcel.len);
    return flight;
}

static void launch(struct stage *stage, struct stage_flight *flight) {
    struct stage_flight **at = &stage->flights;
    while (*at != NULL && (*at)->due_ms <= flight->due_ms)
        at = &(*at)->next;
    flight->next = *at;
    *at = flight;
}

static void keep(struct stage *stage, struct stage_flight *flight, const char *label) {
    struct stage_flight **at = &stage->held;
    while (*at != NULL)
        at = &(*at)->next;
    gj_text_set(flight->label, sizeof flight->label, label);
    flight->next = NULL;
    *at = flight;
}

static void free_all(struct stage_flight **list) {
    while (*list != NULL) {
        struct stage_flight *flight = *list;
        *list = flight->next;
        free(flight);
    }
}

void stage_network_close(struct stage *stage) {
    free_all(&stage->flights);
    free_all(&stage->held);
}

void stage_network_lose(struct stage *stage, size_t node) {
    for (struct stage_flight **at = &stage->flights; *at != NULL;) {
        struct stage_flight *flight = *at;
        if (flight->to != node) {
            at = &flight->next;
            continue;
        }
        *at = flight->next;
        free(flight);
    }
}

/* --- sending ------------------------------------------------------------------------------------------------------ */
static bool carries(const struct ck_parcel *parcel, const char *kind) {
    for (uint32_t i = 0; i < parcel->n; i++)
        if (kind[0] == '\0' || strcmp(parcel->items[i].kind, kind) == 0) return true;
    return false;
}

static void say_flight(struct stage *stage, const char *verb, size_t from, size_t to,
                       const struct ck_parcel *parcel) {
    char kinds[200] = "";
    for (uint32_t i = 0; i < parcel->n; i++) {
        size_t len = strlen(kinds);
        if (len + 40 > sizeof kinds) break;
        (void)snprintf(kinds + len, sizeof kinds - len, "%s%s", len > 0 ? " " : "", parcel->items[i].kind);
    }
    stage_say(stage, "%s -> %s %s: %s", stage->names[from], stage->names[to], verb, kinds);
}

static struct stage_trap *trap_of(struct stage *stage, const struct gj_cluster_flight *flight,
                                  const struct ck_parcel *parcel) {
    for (size_t i = 0; i < STAGE_TRAPS_MAX; i++) {
        struct stage_trap *trap = &stage->traps[i];
        bool is_here = trap->is_set && trap->from == flight->from && trap->to == flight->to;
        if (is_here && trap->left != 0 && carries(parcel, trap->kind)) return trap;
    }
    return NULL;
}

/* Another line of the same words: it is the trap's kind that is said, not what else was in the parcel. */
static void spring(struct stage *stage, struct stage_trap *trap, struct stage_flight *flight,
                   const struct ck_parcel *parcel) {
    static const char *const verbs[] = {"lost", "held", "twice", "late", "recorded"};
    say_flight(stage, verbs[trap->act], flight->from, flight->to, parcel);
    trap->hits++;
    if (trap->left > 0) trap->left--;
    if (trap->act == STAGE_HOLD) {
        keep(stage, flight, trap->label);
        return;
    }
    if (trap->act == STAGE_LOSE) {
        free(flight);
        return;
    }
    struct gj_slice bytes = gj_slice_of(flight->bytes, flight->len);
    if (trap->act == STAGE_DUPLICATE)
        launch(stage, flight_of(flight->from, flight->to, bytes, flight->due_ms));
    if (trap->act == STAGE_RECORD)
        keep(stage, flight_of(flight->from, flight->to, bytes, flight->due_ms), trap->label);
    if (trap->act == STAGE_DELAY) flight->due_ms += trap->delay_ms;
    launch(stage, flight);
}

void stage_network_sent(void *ctx, const struct gj_cluster_flight *flight, struct gj_cluster_fate *fate) {
    static struct ck_parcel parcel;
    struct stage *stage = ctx;
    struct stage_node *from = &stage->nodes[flight->from];
    fate->copies = 0; /* all goes through our own list */
    if (from->is_muted) return;
    ck_sent(stage->ck, flight->from, flight->to, flight->parcel.ptr, flight->parcel.len);
    GJ_ASSERT(ck_parcel_read(flight->parcel.ptr, flight->parcel.len, &parcel));
    if (from->blow == STAGE_AFTER_SEND && carries(&parcel, from->blow_kind)) {
        from->blow = STAGE_NO_BLOW;
        from->is_struck = from->is_muted = true;
    }
    if (stage->nodes[flight->to].is_deaf_to[flight->from]) {
        say_flight(stage, "cut off", flight->from, flight->to, &parcel);
        return;
    }
    struct stage_flight *copy =
        flight_of(flight->from, flight->to, flight->parcel, now_ms(stage) + TRAVEL_MS);
    struct stage_trap *trap = trap_of(stage, flight, &parcel);
    if (trap != NULL) {
        spring(stage, trap, copy, &parcel);
        return;
    }
    say_flight(stage, "says", flight->from, flight->to, &parcel);
    launch(stage, copy);
}

/* --- traps and lines ------------------------------------------------------------------------------------------------ */
static bool act_of(const char *word, enum stage_act *ret) {
    static const char *const words[] = {"lose", "hold", "duplicate", "delay", "record"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(word, words[i]) != 0) continue;
        *ret = (enum stage_act)i;
        return true;
    }
    return false;
}

json_t *stage_trap(struct stage *stage, const json_t *command) {
    struct stage_trap trap = {.is_set = true, .left = stage_int(command, "times", 1)};
    if (!stage_node_of(stage, command, "from", &trap.from) || !stage_node_of(stage, command, "to", &trap.to))
        return stage_error("trap: from and to are nodes");
    if (!act_of(stage_text(command, "act"), &trap.act)) return stage_error("trap: no such act");
    gj_text_set(trap.kind, sizeof trap.kind, stage_text(command, "kind"));
    gj_text_set(trap.label, sizeof trap.label, stage_text(command, "label"));
    trap.delay_ms = stage_int(command, "ms", 0);
    for (size_t i = 0; i < STAGE_TRAPS_MAX; i++) {
        if (stage->traps[i].is_set) continue;
        stage->traps[i] = trap;
        return stage_ok();
    }
    return stage_error("trap: %d are too many", STAGE_TRAPS_MAX);
}

/* The traps for that kind on that way. Tells how many parcels met them. */
json_t *stage_untrap(struct stage *stage, const json_t *command) {
    size_t from, to;
    uint64_t hits = 0;
    if (!stage_node_of(stage, command, "from", &from) || !stage_node_of(stage, command, "to", &to))
        return stage_error("untrap: from and to are nodes");
    const char *kind = stage_text(command, "kind");
    for (size_t i = 0; i < STAGE_TRAPS_MAX; i++) {
        struct stage_trap *trap = &stage->traps[i];
        bool is_it = trap->from == from && trap->to == to && strcmp(kind, trap->kind) == 0;
        if (!trap->is_set || !is_it) continue;
        hits += trap->hits;
        trap->is_set = false;
    }
    return json_pack("{s:I}", "hits", (json_int_t)hits);
}

/* What a trap of that label holds goes on its way now; a recorded parcel stays and can be played again. */
json_t *stage_release(struct stage *stage, const json_t *command) {
    const char *label = stage_text(command, "label");
    bool is_copy = json_is_true(json_object_get(command, "copy"));
    json_int_t n = 0;
    for (struct stage_flight **at = &stage->held; *at != NULL;) {
        struct stage_flight *flight = *at;
        if (strcmp(flight->label, label) != 0) {
            at = &flight->next;
            continue;
        }
        n++;
        if (is_copy) {
            struct gj_slice bytes = gj_slice_of(flight->bytes, flight->len);
            launch(stage, flight_of(flight->from, flight->to, bytes, now_ms(stage) + TRAVEL_MS));
            at = &flight->next;
            continue;
        }
        *at = flight->next;
        flight->due_ms = now_ms(stage) + TRAVEL_MS;
        launch(stage, flight);
    }
    return json_pack("{s:I}", "n", n);
}

json_t *stage_cut(struct stage *stage, const json_t *command) {
    size_t from, to;
    if (!stage_node_of(stage, command, "from", &from) || !stage_node_of(stage, command, "to", &to))
        return stage_error("cut: from and to are nodes");
    stage->nodes[to].is_deaf_to[from] = json_is_true(json_object_get(command, "is_cut"));
    return stage_ok();
}

/* --- time ----------------------------------------------------------------------------------------------------------- */
static void arrive(struct stage *stage) {
    for (struct stage_flight **at = &stage->flights; *at != NULL && (*at)->due_ms <= now_ms(stage);) {
        struct stage_flight *flight = *at;
        if (stage->nodes[flight->to].is_frozen) {
            at = &flight->next;
            continue;
        }
        *at = flight->next;
        if (gj_cluster_is_up(stage->cluster, flight->to))
            gj_cluster_inject(stage->cluster, flight->to, stage->names[flight->from],
                              gj_slice_of(flight->bytes, flight->len));
        free(flight);
    }
}

static bool step(struct stage *stage) {
    bool happened = false;
    arrive(stage);
    for (size_t i = 0; i < stage->n; i++) {
        if (stage->nodes[i].is_frozen || !gj_cluster_step_node(stage->cluster, i)) continue;
        happened = true;
        stage_after_step(stage, i);
    }
    return happened;
}

static int64_t next_ms(const struct stage *stage, int64_t until_ms) {
    int64_t next = until_ms;
    for (const struct stage_flight *flight = stage->flights; flight != NULL; flight = flight->next)
        if (!stage->nodes[flight->to].is_frozen && flight->due_ms < next) next = flight->due_ms;
    for (size_t i = 0; i < stage->n; i++) {
        if (stage->nodes[i].is_frozen || !gj_cluster_is_up(stage->cluster, i)) continue;
        int64_t due = gj_engine_next_due(gj_cluster_engine(stage->cluster, i)).ms;
        if (due < next) next = due;
    }
    return next;
}

/* {"ms": how long}: everything that is due within it happens, in its order. */
json_t *stage_run(struct stage *stage, const json_t *command) {
    int64_t until_ms = now_ms(stage) + stage_int(command, "ms", 0);
    for (unsigned rounds = 0; rounds < STAGE_ROUNDS_MAX;) {
        if (step(stage)) {
            rounds++;
            continue;
        }
        if (now_ms(stage) >= until_ms) return json_pack("{s:I}", "now", (json_int_t)now_ms(stage));
        int64_t next = next_ms(stage, until_ms);
        if (next > now_ms(stage)) {
            gj_cluster_advance(stage->cluster, next - now_ms(stage));
            rounds = 0;
        }
        rounds++;
    }
    return stage_error("run: something is due again and again at one instant");
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Coverage: which cells of the two state tables, which events and which reasons for a refusal were met. A cell is
 * counted when a message that is not refused before (a copy, another epoch, damage) meets a record in that state.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "checker/msgpack.h"
#include "protocol/state.h"
#include "sim.h"

static const char *const part_states[SIM_PART_STATES] = {"",        "PREPARING", "PREPARED", "REFUSED",
                                                         "ABORTED", "COMMITTED", "RESOLVED", "COLLECTED"};
static const char *const part_inputs[SIM_PART_INPUTS] = {"PREPARE", "COMMIT", "ABORT"};
static const char *const coord_states[SIM_COORD_STATES] = {"NONE",      "COLLECTING", "PAST",
                                                           "COMMITTED", "ABORTED",    "ENDED"};
static const char *const coord_inputs[SIM_COORD_INPUTS] = {"YES", "NO", "ACK", "INQUIRE", "CANCEL"};

_Static_assert(SIM_PART_STATES == (int)GJ_PART_STATES && SIM_PART_INPUTS == (int)GJ_PART_INPUTS,
               "the same table");
_Static_assert(SIM_COORD_STATES == (int)GJ_COORD_STATES && SIM_COORD_INPUTS == (int)GJ_COORD_INPUTS,
               "the same table");

const char *sim_part_state_word(unsigned state) {
    return state == 0 ? "NONE" : part_states[state];
}

const char *sim_part_input_word(unsigned input) {
    return part_inputs[input];
}

const char *sim_coord_state_word(unsigned state) {
    return coord_states[state];
}

const char *sim_coord_input_word(unsigned input) {
    return coord_inputs[input];
}

/* --- counting ------------------------------------------------------------------------------------------- */
void sim_coverage_reason(struct sim_coverage *coverage, const char *what, uint64_t n) {
    for (unsigned i = 0; i < coverage->n_reasons; i++) {
        if (strcmp(coverage->reasons[i].what, what) != 0) continue;
        coverage->reasons[i].n += n;
        return;
    }
    if (coverage->n_reasons == SIM_REASONS_MAX) return;
    (void)snprintf(coverage->reasons[coverage->n_reasons].what, sizeof coverage->reasons[0].what, "%s", what);
    coverage->reasons[coverage->n_reasons++].n = n;
}

/* The digest in a map; NULL if there is none. */
static const uint8_t *digest_in(struct mp map) {
    size_t len = 0;
    const uint8_t *digest = mp_bytes(mp_get(map, "digest"), &len);
    return len == 33 ? digest : NULL;
}

/* Does the commit's core list this node? A certificate of others is none of its business. */
static bool lists(const struct sim *sim, struct mp commit, size_t node) {
    char name[32];
    size_t len = 0;
    const uint8_t *core = mp_bytes(mp_get(commit, "core"), &len);
    struct mp list = mp_get(mp_whole(core, len), "participants");
    for (uint32_t i = 0; core != NULL && i < mp_count(list); i++)
        if (strcmp(mp_text(mp_get(mp_at(list, i), "node"), name, sizeof name), sim_node_name(node)) == 0)
            return sim != NULL;
    return false;
}

static void meet_part(struct sim *sim, size_t node, const char *txid, struct mp body, unsigned input) {
    if (!ck_part_hears(sim->ck, node, txid, digest_in(body))) return;
    if (input == GJ_PART_ON_COMMIT && !lists(sim, body, node)) return;
    const char *state = ck_part_state(sim->ck, node, txid);
    for (unsigned i = 0; i < SIM_PART_STATES; i++)
        if (strcmp(part_states[i], state) == 0) sim->coverage.part[i][input]++;
}

static unsigned coord_state(const struct sim *sim, size_t node, const char *txid) {
    const char *state = ck_coord_state(sim->ck, node, txid);
    unsigned epoch = 0;
    (void)sscanf(txid, "%*[^/]/%u", &epoch);
    if (strcmp(state, "BEGUN") == 0)
        return epoch == ck_epoch(sim->ck, node) ? GJ_COORD_COLLECTING : GJ_COORD_PAST;
    for (unsigned i = GJ_COORD_COMMITTED; i < SIM_COORD_STATES; i++)
        if (strcmp(coord_states[i], state) == 0) return i;
    return GJ_COORD_NONE;
}

static void meet_coord(struct sim *sim, size_t node, size_t from, const char *txid, struct mp body,
                       unsigned input) {
    if (ck_coord_hears(sim->ck, node, from, txid, digest_in(body)))
        sim->coverage.coord[coord_state(sim, node, txid)][input]++;
}

static void meet_list(struct sim *sim, size_t node, size_t from, struct mp list, bool is_inquiry) {
    char txid[72];
    for (uint32_t i = 0; i < mp_count(list); i++) {
        struct mp item = mp_at(list, i);
        (void)mp_text(mp_get(item, "txid"), txid, sizeof txid);
        if (strncmp(txid, sim_node_name(node), strlen(sim_node_name(node))) != 0) continue;
        unsigned input = !is_inquiry                    ? GJ_COORD_ON_ACK
                         : mp_true(mp_get(item, "yes")) ? GJ_COORD_ON_YES
                                                        : GJ_COORD_ON_INQUIRE;
        if (is_inquiry) meet_coord(sim, node, from, txid, item, input);
        if (!is_inquiry) sim->coverage.coord[coord_state(sim, node, txid)][input]++; /* has no digest */
    }
}

static void meet(struct sim *sim, size_t node, size_t from, const struct ck_item *item) {
    char txid[72], what[48], code[32], class[32], rule[16];
    (void)mp_text(mp_get(item->header, "tx"), txid, sizeof txid);
    bool of_coordinator = strncmp(txid, sim_node_name(from), strlen(sim_node_name(from))) == 0;
    if (strcmp(item->kind, "legs") == 0 && of_coordinator)
        meet_part(sim, node, txid, item->body, GJ_PART_ON_PREPARE);
    if (strcmp(item->kind, "commit") == 0 && of_coordinator)
        meet_part(sim, node, txid, item->body, GJ_PART_ON_COMMIT);
    if (strcmp(item->kind, "abort") == 0 && of_coordinator)
        meet_part(sim, node, txid, item->body, GJ_PART_ON_ABORT);
    if (strcmp(item->kind, "ack") == 0) meet_list(sim, node, from, mp_get(item->body, "txids"), false);
    if (strcmp(item->kind, "inquire") == 0) meet_list(sim, node, from, mp_get(item->body, "items"), true);
    if (strcmp(item->kind, "vote") != 0) return;
    bool yes = mp_true(mp_get(item->body, "yes"));
    meet_coord(sim, node, from, txid, item->body, yes ? GJ_COORD_ON_YES : GJ_COORD_ON_NO);
    if (yes || sim_is_liar(sim, from)) return;
    (void)snprintf(what, sizeof what, "vote %s %s %s",
                   mp_text(mp_get(item->body, "class"), class, sizeof class),
                   mp_text(mp_get(item->body, "code"), code, sizeof code),
                   mp_text(mp_get(item->body, "rule"), rule, sizeof rule));
    sim_coverage_reason(&sim->coverage, what, 1);
}

void sim_cells_delivered(struct sim *sim, const struct sim_flight *flight) {
    static struct ck_parcel parcel;
    bool is_read = !flight->is_damaged && !flight->is_again && !ck_in_resync(sim->ck, flight->to) &&
                   ck_parcel_read(flight->bytes, flight->len, &parcel) &&
                   parcel.epoch == ck_heard_epoch(sim->ck, flight->to, flight->from);
    for (uint32_t i = 0; is_read && i < parcel.n; i++)
        meet(sim, flight->to, flight->from, &parcel.items[i]);
}

void sim_coverage_add(struct sim_coverage *to, const struct sim_coverage *from) {
    for (unsigned i = 0; i < SIM_PART_STATES * SIM_PART_INPUTS; i++)
        to->part[i / SIM_PART_INPUTS][i % SIM_PART_INPUTS] +=
            from->part[i / SIM_PART_INPUTS][i % SIM_PART_INPUTS];
    for (unsigned i = 0; i < SIM_COORD_STATES * SIM_COORD_INPUTS; i++)
        to->coord[i / SIM_COORD_INPUTS][i % SIM_COORD_INPUTS] +=
            from->coord[i / SIM_COORD_INPUTS][i % SIM_COORD_INPUTS];
    for (unsigned i = 0; i < GJ_EVENT_COUNT; i++)
        to->events[i] += from->events[i];
    for (unsigned i = 0; i < SIM_FAULT_COUNT; i++)
        to->faults[i] += from->faults[i];
    for (unsigned i = 0; i < SIM_LIE_COUNT; i++)
        to->lies[i] += from->lies[i];
    for (unsigned i = 0; i < SIM_ROW_COUNT; i++)
        to->rows[i] += from->rows[i];
    for (unsigned i = 0; i < from->n_reasons; i++)
        sim_coverage_reason(to, from->reasons[i].what, from->reasons[i].n);
}

/* --- telling -------------------------------------------------------------------------------------------- */
static void print_cells(const struct sim_coverage *coverage, FILE *out) {
    (void)fprintf(out, "participant     ");
    for (unsigned i = 0; i < SIM_PART_INPUTS; i++)
        (void)fprintf(out, " %26s", part_inputs[i]);
    for (unsigned s = 0; s < SIM_PART_STATES; s++) {
        (void)fprintf(out, "\n  %-14s", s == 0 ? "NONE" : part_states[s]);
        for (unsigned i = 0; i < SIM_PART_INPUTS; i++) {
            (void)fprintf(out, " %16s %9" PRIu64,
                          gj_participant_cell((enum gj_part_state)s, (enum gj_part_input)i),
                          coverage->part[s][i]);
        }
    }
    (void)fprintf(out, "\ncoordinator     ");
    for (unsigned i = 0; i < SIM_COORD_INPUTS - 1; i++)
        (void)fprintf(out, " %28s", coord_inputs[i]);
    for (unsigned s = 0; s < SIM_COORD_STATES; s++) {
        (void)fprintf(out, "\n  %-14s", coord_states[s]);
        for (unsigned i = 0; i < SIM_COORD_INPUTS - 1; i++) {
            (void)fprintf(out, " %18s %9" PRIu64,
                          gj_coordinator_cell((enum gj_coord_state)s, (enum gj_coord_input)i),
                          coverage->coord[s][i]);
        }
    }
    (void)fputc('\n', out);
}

void sim_coverage_print(const struct sim_coverage *coverage, FILE *out) {
    print_cells(coverage, out);
    (void)fprintf(out, "rows of the crash table\n");
    for (unsigned i = 0; i < SIM_ROW_COUNT; i++)
        (void)fprintf(out, "  %-60s %10" PRIu64 "\n", sim_row_text((enum sim_row)i), coverage->rows[i]);
    (void)fprintf(out, "events\n");
    for (unsigned i = 1; i < GJ_EVENT_COUNT; i++)
        (void)fprintf(out, "  %-20s %10" PRIu64 "\n", gj_event_word((enum gj_event_code)i),
                      coverage->events[i]);
    (void)fprintf(out, "faults\n");
    for (unsigned i = 0; i < SIM_FAULT_COUNT; i++)
        (void)fprintf(out, "  %-20s %10" PRIu64 "\n", sim_fault_word((enum sim_fault)i), coverage->faults[i]);
    (void)fprintf(out, "lies\n");
    for (unsigned i = 0; i < SIM_LIE_COUNT; i++)
        (void)fprintf(out, "  %-20s %10" PRIu64 "\n", sim_lie_word((enum sim_lie)i), coverage->lies[i]);
    (void)fprintf(out, "reasons\n");
    for (unsigned i = 0; i < coverage->n_reasons; i++)
        (void)fprintf(out, "  %-46s %10" PRIu64 "\n", coverage->reasons[i].what, coverage->reasons[i].n);
}

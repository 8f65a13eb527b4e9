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

static void meet_part(struct sim *sim, size_t node, const char *txid, unsigned input) {
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

static void meet_list(struct sim *sim, size_t node, struct mp list, bool is_inquiry) {
    char txid[72];
    for (uint32_t i = 0; i < mp_count(list); i++) {
        struct mp item = mp_at(list, i);
        (void)mp_text(mp_get(item, "txid"), txid, sizeof txid);
        if (strncmp(txid, sim_node_name(node), strlen(sim_node_name(node))) != 0) continue;
        unsigned input = !is_inquiry                    ? GJ_COORD_ON_ACK
                         : mp_true(mp_get(item, "yes")) ? GJ_COORD_ON_YES
                                                        : GJ_COORD_ON_INQUIRE;
        sim->coverage.coord[coord_state(sim, node, txid)][input]++;
    }
}

static void meet(struct sim *sim, size_t node, const struct ck_item *item) {
    char txid[72], what[48], code[32], class[32], rule[16];
    (void)mp_text(mp_get(item->header, "tx"), txid, sizeof txid);
    if (strcmp(item->kind, "legs") == 0) meet_part(sim, node, txid, GJ_PART_ON_PREPARE);
    if (strcmp(item->kind, "commit") == 0) meet_part(sim, node, txid, GJ_PART_ON_COMMIT);
    if (strcmp(item->kind, "abort") == 0) meet_part(sim, node, txid, GJ_PART_ON_ABORT);
    if (strcmp(item->kind, "ack") == 0) meet_list(sim, node, mp_get(item->body, "txids"), false);
    if (strcmp(item->kind, "inquire") == 0) meet_list(sim, node, mp_get(item->body, "items"), true);
    if (strcmp(item->kind, "vote") != 0) return;
    bool yes = mp_true(mp_get(item->body, "yes"));
    sim->coverage.coord[coord_state(sim, node, txid)][yes ? GJ_COORD_ON_YES : GJ_COORD_ON_NO]++;
    if (yes) return;
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
        meet(sim, flight->to, &parcel.items[i]);
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
    for (unsigned i = 0; i < from->n_reasons; i++)
        sim_coverage_reason(to, from->reasons[i].what, from->reasons[i].n);
}

/* --- telling -------------------------------------------------------------------------------------------- */
/* No input leads to these states yet. */
static bool has_no_writer(unsigned state) {
    return state == GJ_PART_PREPARING || state == GJ_PART_RESOLVED || state == GJ_PART_COLLECTED;
}

static unsigned print_cells(const struct sim_coverage *coverage, FILE *out) {
    unsigned never = 0;
    (void)fprintf(out, "participant     ");
    for (unsigned i = 0; i < SIM_PART_INPUTS; i++)
        (void)fprintf(out, " %26s", part_inputs[i]);
    for (unsigned s = 0; s < SIM_PART_STATES; s++) {
        (void)fprintf(out, "\n  %-14s", s == 0 ? "NONE" : part_states[s]);
        for (unsigned i = 0; i < SIM_PART_INPUTS; i++) {
            (void)fprintf(out, " %16s %9" PRIu64,
                          gj_participant_cell((enum gj_part_state)s, (enum gj_part_input)i),
                          coverage->part[s][i]);
            never += coverage->part[s][i] == 0 && !has_no_writer(s);
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
            never += coverage->coord[s][i] == 0;
        }
    }
    (void)fputc('\n', out);
    return never;
}

unsigned sim_coverage_print(const struct sim_coverage *coverage, FILE *out) {
    unsigned never = print_cells(coverage, out);
    (void)fprintf(out, "events\n");
    for (unsigned i = 1; i < GJ_EVENT_COUNT; i++)
        (void)fprintf(out, "  %-20s %10" PRIu64 "\n", gj_event_word((enum gj_event_code)i),
                      coverage->events[i]);
    (void)fprintf(out, "faults\n");
    for (unsigned i = 0; i < SIM_FAULT_COUNT; i++)
        (void)fprintf(out, "  %-20s %10" PRIu64 "\n", sim_fault_word((enum sim_fault)i), coverage->faults[i]);
    (void)fprintf(out, "reasons\n");
    for (unsigned i = 0; i < coverage->n_reasons; i++)
        (void)fprintf(out, "  %-46s %10" PRIu64 "\n", coverage->reasons[i].what, coverage->reasons[i].n);
    return never;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Which cells of both state tables, and which rows of the table of crashes, an exhaustive search has met; and why it
 * cannot meet the others. A reason that is wrong fails the search as much as a cell that has none.
 */
#include <inttypes.h>
#include <stdio.h>

#include "exhaustive.h"
#include "protocol/state.h"

static const char *const row_texts[] = {
#define X(name, text) text,
    EX_ROWS(X)
#undef X
};

#define ANY_INPUT UINT32_MAX

/* Cells that no search of one transaction meets. */
static const struct exempt {
    unsigned state, input;
    const char *why;
} part_exempt[] = {{UINT32_MAX, 0, ""}};

static const struct exempt coord_exempt[] = {
    {GJ_COORD_NONE, GJ_COORD_ON_CANCEL,
     "only what is COLLECTING is cancelled: nobody looks into the table else"},
    {GJ_COORD_PAST, GJ_COORD_ON_CANCEL, "as NONE"},
    {GJ_COORD_COMMITTED, GJ_COORD_ON_CANCEL, "as NONE"},
    {GJ_COORD_ABORTED, GJ_COORD_ON_CANCEL, "as NONE"},
    {GJ_COORD_ENDED, GJ_COORD_ON_CANCEL, "as NONE"},
};

static const char *why(const struct exempt *list, size_t n, unsigned state, unsigned input) {
    for (size_t i = 0; i < n; i++)
        if (list[i].state == state && (list[i].input == input || list[i].input == ANY_INPUT))
            return list[i].why;
    return NULL;
}

static unsigned judge(const char *table, const char *state, const char *input, uint64_t n,
                      const char *reason) {
    if (n > 0 && reason == NULL) return 0;
    if (n > 0) {
        (void)printf("%s %s x %s was met, and it should not: %s\n", table, state, input, reason);
        return 1;
    }
    (void)printf("never met: %s %s x %s%s%s\n", table, state, input, reason == NULL ? "" : ": ",
                 reason == NULL ? "" : reason);
    return reason == NULL;
}

static void print_cells(const struct ex_met *met) {
    (void)printf("participant ");
    for (unsigned i = 0; i < SIM_PART_INPUTS; i++)
        (void)printf(" %28s", sim_part_input_word(i));
    for (unsigned s = 0; s < SIM_PART_STATES; s++) {
        (void)printf("\n  %-10s", sim_part_state_word(s));
        for (unsigned i = 0; i < SIM_PART_INPUTS; i++)
            (void)printf(" %18s %9" PRIu64, gj_participant_cell((enum gj_part_state)s, (enum gj_part_input)i),
                         met->part[s][i]);
    }
    (void)printf("\ncoordinator ");
    for (unsigned i = 0; i < SIM_COORD_INPUTS; i++)
        (void)printf(" %28s", sim_coord_input_word(i));
    for (unsigned s = 0; s < SIM_COORD_STATES; s++) {
        (void)printf("\n  %-10s", sim_coord_state_word(s));
        for (unsigned i = 0; i < SIM_COORD_INPUTS; i++)
            (void)printf(" %18s %9" PRIu64,
                         gj_coordinator_cell((enum gj_coord_state)s, (enum gj_coord_input)i),
                         met->coord[s][i]);
    }
    (void)putchar('\n');
    for (unsigned i = 0; i < EX_ROW_COUNT; i++)
        (void)printf("  %-62s %9" PRIu64 "\n", row_texts[i], met->rows[i]);
}

unsigned ex_report(const struct ex_met *met) {
    unsigned wrong = 0;
    print_cells(met);
    for (unsigned s = 0; s < SIM_PART_STATES; s++)
        for (unsigned i = 0; i < SIM_PART_INPUTS; i++)
            wrong += judge("participant", sim_part_state_word(s), sim_part_input_word(i), met->part[s][i],
                           why(part_exempt, sizeof part_exempt / sizeof part_exempt[0], s, i));
    for (unsigned s = 0; s < SIM_COORD_STATES; s++)
        for (unsigned i = 0; i < SIM_COORD_INPUTS; i++)
            wrong += judge("coordinator", sim_coord_state_word(s), sim_coord_input_word(i), met->coord[s][i],
                           why(coord_exempt, sizeof coord_exempt / sizeof coord_exempt[0], s, i));
    for (unsigned i = 0; i < EX_ROW_COUNT; i++)
        wrong += judge("row", row_texts[i], "", met->rows[i], NULL);
    return wrong;
}

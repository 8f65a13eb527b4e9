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

#define NOBODY "only what is COLLECTING is cancelled: nobody looks into the table for the others"

/* |by|: who leads there if honest nodes do not; |never|: why nobody does. */
static unsigned judge(const char *what, const char *input, uint64_t n, const char *by, const char *never) {
    if (n > 0 && never != NULL) (void)printf("%s x %s was met, and it should not: %s\n", what, input, never);
    if (n > 0 && never == NULL && by != NULL) (void)printf("%s x %s by %s\n", what, input, by);
    if (n == 0)
        (void)printf("never met: %s x %s%s%s\n", what, input, never == NULL ? "" : ": ",
                     never == NULL ? "" : never);
    return (n > 0) == (never != NULL);
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
            wrong += judge(sim_part_state_word(s), sim_part_input_word(i), met->part[s][i],
                           ex_led_to_part(s, i), NULL);
    for (unsigned s = 0; s < SIM_COORD_STATES; s++)
        for (unsigned i = 0; i < SIM_COORD_INPUTS; i++)
            wrong += judge(sim_coord_state_word(s), sim_coord_input_word(i), met->coord[s][i],
                           ex_led_to_coord(s, i),
                           i == GJ_COORD_ON_CANCEL && s != GJ_COORD_COLLECTING ? NOBODY : NULL);
    for (unsigned i = 0; i < EX_ROW_COUNT; i++)
        wrong += judge(row_texts[i], "a crash", met->rows[i], NULL, NULL);
    return wrong;
}

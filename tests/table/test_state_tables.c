/* SPDX-License-Identifier: Apache-2.0
 *
 * The state tables in src/protocol/README.md say what the C tables do, cell by cell.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/state.h"

#define LINE_MAX_BYTES 400
#define CELLS_MAX      8

/* Splits "| a | b |" into trimmed cells; returns their number. */
static size_t split_row(char *line, char *cells[CELLS_MAX]) {
    size_t n = 0;
    for (char *part = strtok(line, "|\n"); part != NULL && n < CELLS_MAX; part = strtok(NULL, "|\n")) {
        while (*part == ' ') {
            part++;
        }
        size_t len = strlen(part);
        while (len > 0 && part[len - 1] == ' ') {
            part[--len] = '\0';
        }
        cells[n++] = part;
    }
    return n;
}

typedef const char *cell_name_fn(const char *state, size_t input);

/* Compares the table whose head row begins with |title|; returns the number of rows. */
static size_t compare_table(const char *title, size_t n_inputs, cell_name_fn *name_of) {
    char line[LINE_MAX_BYTES];
    char *cells[CELLS_MAX];
    size_t rows = 0;
    bool inside = false;
    FILE *file = fopen(GJ_SOURCE_DIR "/src/protocol/README.md", "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        size_t n = line[0] == '|' ? split_row(line, cells) : 0;
        if (n > 0 && strcmp(cells[0], title) == 0) {
            assert_int_equal(n, n_inputs + 1);
            inside = true;
            continue;
        }
        if (n == 0) inside = false;
        if (!inside || cells[0][0] == '-') continue;
        assert_int_equal(n, n_inputs + 1);
        for (size_t i = 0; i < n_inputs; i++) {
            assert_string_equal(cells[i + 1], name_of(cells[0], i));
        }
        rows++;
    }
    (void)fclose(file);
    return rows;
}

static const char *participant_cell(const char *state, size_t input) {
    enum gj_part_state found = strcmp(state, "NONE") == 0 ? GJ_PART_NONE : gj_part_state_of(state);
    return gj_participant_cell(found, (enum gj_part_input)input);
}

static const char *coordinator_cell(const char *state, size_t input) {
    static const char *const words[GJ_COORD_STATES] = {"NONE",      "COLLECTING", "PAST",
                                                       "COMMITTED", "ABORTED",    "ENDED"};
    for (size_t i = 0; i < GJ_COORD_STATES; i++) {
        if (strcmp(words[i], state) == 0)
            return gj_coordinator_cell((enum gj_coord_state)i, (enum gj_coord_input)input);
    }
    return "no such state";
}

static void the_participant_table_is_true(void **state) {
    (void)state;
    assert_int_equal(compare_table("participant", GJ_PART_INPUTS, participant_cell), GJ_PART_STATES);
}

static void the_coordinator_table_is_true(void **state) {
    (void)state;
    assert_int_equal(compare_table("coordinator", GJ_COORD_INPUTS, coordinator_cell), GJ_COORD_STATES);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_participant_table_is_true),
        cmocka_unit_test(the_coordinator_table_is_true),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

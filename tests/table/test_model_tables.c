/* SPDX-License-Identifier: Apache-2.0
 *
 * The lines T(machine, state, input, cell) of tests/model/, out of which spin makes its transitions,
 * say what the C tables say: every cell once, with the same name.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/state.h"

#define FOLDER         GJ_SOURCE_DIR "/tests/model/"
#define LINE_MAX_BYTES 400
#define WORD_MAX_BYTES 40
#define CELLS_MAX      64

struct row {
    char machine[WORD_MAX_BYTES], state[WORD_MAX_BYTES], input[WORD_MAX_BYTES], cell[WORD_MAX_BYTES];
};

static const char *const coord_states[GJ_COORD_STATES] = {
    [GJ_COORD_NONE] = "NONE",           [GJ_COORD_COLLECTING] = "COLLECTING", [GJ_COORD_PAST] = "PAST",
    [GJ_COORD_COMMITTED] = "COMMITTED", [GJ_COORD_ABORTED] = "ABORTED",       [GJ_COORD_ENDED] = "ENDED"};
static const char *const coord_inputs[GJ_COORD_INPUTS] = {[GJ_COORD_ON_YES] = "YES",
                                                          [GJ_COORD_ON_NO] = "NO",
                                                          [GJ_COORD_ON_ACK] = "ACK",
                                                          [GJ_COORD_ON_INQUIRE] = "INQUIRE",
                                                          [GJ_COORD_ON_CANCEL] = "CANCEL"};
static const char *const part_inputs[GJ_PART_INPUTS] = {
    [GJ_PART_ON_PREPARE] = "PREPARE", [GJ_PART_ON_COMMIT] = "COMMIT", [GJ_PART_ON_ABORT] = "ABORT"};

/* The index of |word|; fails the test if there is none. */
static size_t index_of(const char *const *words, size_t n, const char *word) {
    for (size_t i = 0; i < n; i++) {
        if (strcmp(words[i], word) == 0) return i;
    }
    fail_msg("no %s in the C tables", word);
    return n;
}

/* Is the line a row of a table? The definition of T itself begins with "#define". */
static bool read_row(const char *line, struct row *ret) {
    char end = '\0';
    int n = sscanf(line, " T(%39[a-z], %39[A-Z], %39[A-Z], %39[a-z_]%c", ret->machine, ret->state, ret->input,
                   ret->cell, &end);
    return n == 5 && end == ')';
}

typedef size_t check_fn(const struct row *row);

/* Compares one row with the C table; returns the number of its cell there. */
static size_t check_coordinator(const struct row *row) {
    size_t state = index_of(coord_states, GJ_COORD_STATES, row->state);
    size_t input = index_of(coord_inputs, GJ_COORD_INPUTS, row->input);
    assert_string_equal(row->machine, "coordinator");
    assert_string_equal(row->cell,
                        gj_coordinator_cell((enum gj_coord_state)state, (enum gj_coord_input)input));
    return state * GJ_COORD_INPUTS + input;
}

static size_t check_participant(const struct row *row) {
    const char *states[GJ_PART_STATES];
    for (int i = 0; i < GJ_PART_STATES; i++) {
        states[i] = gj_part_state_word((enum gj_part_state)i);
    }
    states[GJ_PART_NONE] = "NONE"; /* no record, so no word of its own */
    size_t state = index_of(states, GJ_PART_STATES, row->state);
    size_t input = index_of(part_inputs, GJ_PART_INPUTS, row->input);
    assert_string_equal(row->machine, "participant");
    assert_string_equal(row->cell, gj_participant_cell((enum gj_part_state)state, (enum gj_part_input)input));
    return state * GJ_PART_INPUTS + input;
}

/* Each of the |n_cells| has one row in the file, and there is no other. */
static void compare(const char *path, check_fn *check, size_t n_cells) {
    int seen[CELLS_MAX] = {0};
    char line[LINE_MAX_BYTES];
    struct row row;
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_true(n_cells <= CELLS_MAX);
    while (fgets(line, sizeof line, file) != NULL) {
        if (read_row(line, &row)) seen[check(&row)]++;
    }
    (void)fclose(file);
    for (size_t i = 0; i < n_cells; i++) {
        assert_int_equal(seen[i], 1);
    }
}

static void the_model_has_the_coordinators_table(void **state) {
    (void)state;
    compare(FOLDER "coordinator.pml", check_coordinator, (size_t)GJ_COORD_STATES * GJ_COORD_INPUTS);
}

static void the_model_has_the_participants_table(void **state) {
    (void)state;
    compare(FOLDER "participant.pml", check_participant, (size_t)GJ_PART_STATES * GJ_PART_INPUTS);
}

/* What is not a row must not be taken for one, and a row must not be overlooked. */
static void rows_are_told_from_other_lines(void **state) {
    struct row row;
    (void)state;
    assert_true(read_row("    T(participant, PREPARED, COMMIT, post_and_ack)\n", &row));
    assert_string_equal(row.machine, "participant");
    assert_string_equal(row.state, "PREPARED");
    assert_string_equal(row.input, "COMMIT");
    assert_string_equal(row.cell, "post_and_ack");
    assert_false(read_row("#define T(machine, state, what, cell) \\\n", &row));
    assert_false(read_row("    /* T(participant, PREPARED, COMMIT, post_and_ack) */\n", &row));
    assert_false(read_row("    T(participant, PREPARED, COMMIT)\n", &row));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_model_has_the_coordinators_table),
        cmocka_unit_test(the_model_has_the_participants_table),
        cmocka_unit_test(rows_are_told_from_other_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

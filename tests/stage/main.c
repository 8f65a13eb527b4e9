/* SPDX-License-Identifier: Apache-2.0
 *
 * The loop: a line in, a line out. A command that cannot be done gives {"error": "..."} and changes nothing.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stage.h"

static const struct command {
    const char *word;
    json_t *(*run)(struct stage *stage, const json_t *command);
    bool needs_world;
} commands[] = {
    {"start", stage_start, false},
    {"call", stage_call, true},
    {"answer", stage_answer, true},
    {"run", stage_run, true},
    {"crash", stage_crash, true},
    {"restart", stage_restart, true},
    {"trap", stage_trap, true},
    {"untrap", stage_untrap, true},
    {"release", stage_release, true},
    {"cut", stage_cut, true},
    {"backup", stage_backup, true},
    {"restore", stage_restore, true},
    {"state", stage_state, true},
    {"rows", stage_rows, true},
    {"events", stage_events, true},
    {"check", stage_check, true},
    {"log", stage_take_log, true},
    {"lie", stage_lie, true},
    {"revoke_key", stage_revoke_key, true},
};

/* --- reading a command ---------------------------------------------------------------------------------------- */
json_t *stage_error(const char *format, ...) {
    char text[600];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return json_pack("{s:s}", "error", text);
}

json_t *stage_ok(void) {
    return json_object();
}

const char *stage_text(const json_t *command, const char *key) {
    const char *text = json_string_value(json_object_get(command, key));
    return text == NULL ? "" : text;
}

int64_t stage_int(const json_t *command, const char *key, int64_t absent) {
    const json_t *value = json_object_get(command, key);
    return json_is_integer(value) ? json_integer_value(value) : absent;
}

bool stage_node_of(const struct stage *stage, const json_t *command, const char *key, size_t *ret) {
    int64_t node = stage_int(command, key, -1);
    if (node < 0 || (uint64_t)node >= stage->n) return false;
    *ret = (size_t)node;
    return true;
}

/* --- the loop --------------------------------------------------------------------------------------------------- */
static json_t *run(struct stage *stage, const json_t *command) {
    const char *word = stage_text(command, "do");
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (strcmp(word, commands[i].word) != 0) continue;
        if (commands[i].needs_world != (stage->cluster != NULL))
            return stage_error("\"%s\": %s", word, stage->cluster == NULL ? "start first" : "once only");
        return commands[i].run(stage, command);
    }
    return stage_error("no such command: \"%s\"", word);
}

static void print(json_t *answer) {
    char *text = json_dumps(answer, JSON_COMPACT | JSON_SORT_KEYS);
    (void)puts(text == NULL ? "{\"error\":\"an answer that is not UTF-8\"}" : text);
    (void)fflush(stdout);
    free(text);
    json_decref(answer);
}

int main(void) {
    static struct stage stage;
    char *line = NULL;
    size_t cap = 0;
    while (getline(&line, &cap, stdin) > 0) {
        json_error_t error;
        json_t *command = json_loads(line, JSON_REJECT_DUPLICATES, &error);
        print(command == NULL ? stage_error("not JSON: %s", error.text) : run(&stage, command));
        json_decref(command);
    }
    free(line);
    stage_close(&stage);
    return 0;
}

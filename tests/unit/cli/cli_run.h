/* SPDX-License-Identifier: Apache-2.0
 *
 * Calls `gongji` in the test's own process and keeps what it printed.
 */
#ifndef GJ_TESTS_UNIT_CLI_CLI_RUN_H
#define GJ_TESTS_UNIT_CLI_CLI_RUN_H

#include "cli/cli.h"
#include "unit/conf/scratch.h"

static char *cli_out, *cli_err; /* of the last call */

static inline void cli_forget(void) {
    free(cli_out);
    free(cli_err);
    cli_out = cli_err = NULL;
}

/* |line|: words parted by single spaces; "@" at the start of a word stands for the scratch folder. */
static inline int cli(const char *line) {
    static char words[32][SCRATCH_PATH_CAP];
    char *argv[33] = {NULL};
    int argc = 0;
    for (const char *at = line; *at != '\0';) {
        size_t len = strcspn(at, " ");
        if (at[0] == '@') {
            (void)snprintf(words[argc], SCRATCH_PATH_CAP, "%s/%.*s", scratch_folder, (int)len - 1, at + 1);
        } else {
            (void)snprintf(words[argc], SCRATCH_PATH_CAP, "%.*s", (int)len, at);
        }
        argv[argc] = words[argc];
        argc++;
        at += len + (at[len] == ' ' ? 1 : 0);
    }
    size_t out_len = 0, err_len = 0;
    cli_forget();
    FILE *out = open_memstream(&cli_out, &out_len), *err = open_memstream(&cli_err, &err_len);
    assert_non_null(out);
    assert_non_null(err);
    int code = gj_cli_run(argc, argv, out, err);
    assert_int_equal(fclose(out), 0);
    assert_int_equal(fclose(err), 0);
    return code;
}

static inline void assert_cli(const char *line, int code) {
    int got = cli(line);
    if (got != code) fail_msg("%s: exit %d, not %d\n%s%s", line, got, code, cli_out, cli_err);
}

#endif

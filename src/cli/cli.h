/* SPDX-License-Identifier: Apache-2.0
 *
 * `gongji`, the command line for people. One table of commands, one of options; a command is a function that
 * gets what was given and returns an exit code. Tests call gj_cli_run() with streams of their own.
 */
#ifndef GJ_CLI_CLI_H
#define GJ_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/err.h"

/* Exit codes, in `gongji --help` too. */
enum gj_exit {
    GJ_EXIT_OK = 0,
    GJ_EXIT_FOUND = 1,  /* bad lines that kept a file from being loaded, or books that do not agree */
    GJ_EXIT_USAGE = 2,  /* the call itself is wrong */
    GJ_EXIT_FILE = 3,   /* a file is missing, wrong or not to be trusted */
    GJ_EXIT_SYSTEM = 4, /* the store, the disk or memory failed; the same call may succeed later */
};

#define GJ_OPERANDS_MAX 4

enum gj_option {
    GJ_OPTION_CONFIG,
    GJ_OPTION_JSON,
    GJ_OPTION_SKIP_BAD,
    GJ_OPTION_OUT,
    GJ_OPTION_ALG,
    GJ_OPTION_KEY,
    GJ_OPTION_AUTHORITY,
    GJ_OPTION_KEYS,
    GJ_OPTION_DUMP,
    GJ_OPTION_REGIONS,
    GJ_OPTION_COUNT_OF,
    GJ_OPTION_SEED,
    GJ_OPTION_PEOPLE,
    GJ_OPTION_INSTITUTIONS,
    GJ_OPTION_TOKEN,
    GJ_OPTION_REASON,
    GJ_OPTION_EVIDENCE,
    GJ_OPTION_HELP,
    GJ_OPTION_N
};

struct gj_args {
    bool given[GJ_OPTION_N];
    const char *value[GJ_OPTION_N]; /* NULL for an option that takes none */
    const char *operands[GJ_OPERANDS_MAX];
    size_t n_operands;
    FILE *out, *err;
};

/* The whole program. */
int gj_cli_run(int argc, char **argv, FILE *out, FILE *err);

/* Prints "gongji: <text>" and, for a code that has one, the Chinese line; returns the exit code of |err|. */
int gj_cli_fail(const struct gj_args *args, enum gj_err err, const char *text);
/* The call is wrong: says how. */
int gj_cli_usage(const struct gj_args *args, const char *text);
/* A whole number out of an option's value: digits only, |min| to |max|. */
bool gj_cli_number(const char *text, unsigned long long min, unsigned long long max, unsigned long long *ret);

/* --- the commands, by file --------------------------------- */
int gj_cmd_keys(const struct gj_args *args);
int gj_cmd_registry_sign(const struct gj_args *args);
int gj_cmd_registry_check(const struct gj_args *args);
int gj_cmd_check_config(const struct gj_args *args);
int gj_cmd_pack_check(const struct gj_args *args);
int gj_cmd_restored(const struct gj_args *args);
int gj_cmd_resync_status(const struct gj_args *args);
int gj_cmd_resync_open(const struct gj_args *args);
int gj_cmd_init(const struct gj_args *args);
int gj_cmd_load(const struct gj_args *args);
int gj_cmd_load_institutions(const struct gj_args *args);
int gj_cmd_people_generate(const struct gj_args *args);
int gj_cmd_books(const struct gj_args *args);
int gj_cmd_legs(const struct gj_args *args);
int gj_cmd_tx_propose(const struct gj_args *args);
int gj_cmd_tx_confirm(const struct gj_args *args);
int gj_cmd_cases(const struct gj_args *args);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * The program `gongji`. All it does is in cli.c, so that tests can call it without a process.
 */
#include "cli/cli.h"

int main(int argc, char **argv) {
    int code = gj_cli_run(argc, argv, stdout, stderr);
    /* A full disk behind a redirected standard output must not look like success. */
    if (fflush(stdout) != 0 && code == GJ_EXIT_OK) code = GJ_EXIT_SYSTEM;
    return code;
}

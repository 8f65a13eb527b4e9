/* SPDX-License-Identifier: Apache-2.0
 *
 * gongjid: options, and what must be so before anything else (no core dumps, which would hold keys).
 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "node/daemon.h"
#include "node/inbox.h"

static const char usage[] =
    "usage: gongjid --config FILE [--check-config | --dump-config]\n"
    "\n"
    "  -c, --config FILE   the node's configuration\n"
    "      --check-config  read and check everything, start nothing\n"
    "      --dump-config   print the configuration in force; without --config every key with its default\n"
    "  -h, --help          this text\n"
    "\n"
    "exit: 0 stopped or checked, 1 could not start, 2 configuration, 3 the store failed\n";

enum { OPTION_CHECK = 256, OPTION_DUMP };

static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                        {"check-config", no_argument, NULL, OPTION_CHECK},
                                        {"dump-config", no_argument, NULL, OPTION_DUMP},
                                        {"help", no_argument, NULL, 'h'},
                                        {NULL, 0, NULL, 0}};

struct arguments {
    const char *config;
    bool check, dump, help, bad;
};

static struct arguments read_arguments(int argc, char **argv) {
    struct arguments arguments = {0};
    for (int c = getopt_long(argc, argv, "c:h", options, NULL); c != -1;
         c = getopt_long(argc, argv, "c:h", options, NULL)) {
        if (c == 'c')
            arguments.config = optarg;
        else if (c == OPTION_CHECK)
            arguments.check = true;
        else if (c == OPTION_DUMP)
            arguments.dump = true;
        else if (c == 'h')
            arguments.help = true;
        else
            arguments.bad = true;
    }
    if (optind < argc) arguments.bad = true;
    return arguments;
}

static enum gj_exit dump(const char *config) {
    struct gj_conf *conf = NULL;
    struct gj_conf_error error;
    if (config != NULL && gj_conf_load(config, &conf, &error) != GJ_OK) {
        (void)fprintf(stderr, "%s\n", error.text);
        return GJ_EXIT_CONFIG;
    }
    gj_conf_dump(conf, stdout);
    gj_conf_free(&conf);
    return GJ_EXIT_OK;
}

static enum gj_exit run(const char *config, bool check) {
    struct gj_loaded loaded;
    struct gj_conf_error error;
    if (gj_load(config, gj_clock_read().wall, &loaded, &error) != GJ_OK) {
        (void)fprintf(stderr, "%s\n", error.text);
        return GJ_EXIT_CONFIG;
    }
    enum gj_exit code = GJ_EXIT_OK;
    if (check)
        (void)printf("%s: good\n", config);
    else
        code = gj_daemon_run(&loaded);
    gj_load_done(&loaded);
    return code;
}

int main(int argc, char **argv) {
    const struct rlimit no_core = {0, 0};
    (void)setrlimit(RLIMIT_CORE, &no_core);
    (void)umask(S_IRWXG | S_IRWXO);
    struct arguments arguments = read_arguments(argc, argv);
    if (arguments.help) {
        (void)fputs(usage, stdout);
        return GJ_EXIT_OK;
    }
    if (arguments.bad || (arguments.config == NULL && !arguments.dump)) {
        (void)fputs(usage, stderr);
        return GJ_EXIT_CONFIG;
    }
    enum gj_exit code = arguments.dump ? dump(arguments.config) : run(arguments.config, arguments.check);
    return (int)code;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * gongji-check --registry FILE DUMP...: the stores of all nodes of a registry through the independent checker.
 * Exit status 0 only if all nodes were there, something was looked at, and nothing differed.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "check.h"

#define TOLD_MAX 100 /* differences that are printed; all are counted */

struct check {
    struct check_registry registry;
    struct check_dump *dumps[CHECK_NODES_MAX]; /* in the registry's order */
    struct ck_pack packs[CHECK_PACKS_MAX];
    size_t n_packs;
    struct ck *ck;
    size_t differences;
    bool is_running;
};

static int usage(FILE *to) {
    (void)fprintf(to,
                  "usage: gongji-check [--running] [--packs FOLDER] --registry FILE DUMP...\n"
                  "  DUMP       the SQLite store of a node, or a copy of it with its -wal beside it; all of "
                  "the registry's nodes\n"
                  "  --running  the nodes were at work: nothing need be finished, stores may be of different "
                  "moments\n"
                  "  --packs    the rule packs, for what a payer may pay relatives (R51)\n"
                  "0: nothing differed; 1: something did; 2: not looked at\n");
    return 2;
}

static void told(void *ctx, const struct ck_failure *failure) {
    struct check *check = ctx;
    const char *name = failure->node < check->registry.n ? check->registry.names[failure->node] : "?";
    if (++check->differences > TOLD_MAX) return;
    (void)printf("difference: %s at %s: %s%s%s\n", failure->invariant, name, failure->txid,
                 failure->txid[0] == '\0' ? "" : ": ", failure->text);
}

static bool take_dump(struct check *check, const char *path) {
    struct check_dump *dump = check_dump_open(path);
    if (dump == NULL) return false;
    for (size_t i = 0; i < check->registry.n; i++) {
        if (strcmp(check->registry.names[i], check_dump_node(dump)) != 0 || check->dumps[i] != NULL) continue;
        check->dumps[i] = dump;
        return true;
    }
    (void)fprintf(stderr,
                  "gongji-check: %s: of node \"%s\", which the registry does not have or which was there\n",
                  path, check_dump_node(dump));
    check_dump_close(&dump);
    return false;
}

static bool take_all(struct check *check, char *const *paths, int n) {
    const char *names[CHECK_NODES_MAX];
    for (int i = 0; i < n; i++)
        if (!take_dump(check, paths[i])) return false;
    for (size_t i = 0; i < check->registry.n; i++) {
        names[i] = check->registry.names[i];
        if (check->dumps[i] != NULL) continue;
        (void)fprintf(stderr, "gongji-check: no store of node %s was given\n", names[i]);
        return false;
    }
    check->ck = ck_new(check->registry.n, names, &(struct ck_rules){0});
    ck_tell(check->ck, told, check);
    ck_set_packs(check->ck, check->packs, check->n_packs);
    if (!check_registry_keys(&check->registry, check->ck)) return false;
    for (size_t i = 0; i < check->registry.n; i++)
        if (!check_dump_read(check->dumps[i], check->ck, i)) return false;
    return true;
}

static int judge(struct check *check) {
    const struct ck_totals *totals = ck_totals_of(check->ck);
    ck_dump_judge(check->ck, !check->is_running);
    (void)printf("gongji-check: %zu nodes, %" PRIu64 " records; %" PRIu64 " transactions, %" PRIu64
                 " committed (%" PRIu64 " refunds, %" PRIu64 " bindings), %" PRIu64 " aborted; ",
                 check->registry.n, totals->row_changes, totals->transactions, totals->committed,
                 totals->refunds, totals->bindings, totals->aborted);
    (void)printf("%" PRIu64 " legs, %" PRIu64 " lines of the journal, %" PRIu64
                 " payments under a cap; %" PRIu64 " certificates and %" PRIu64
                 " votes verified; %zu differences\n",
                 totals->legs, totals->postings, totals->capped, totals->certificates, totals->votes,
                 check->differences);
    if (totals->committed == 0 || totals->postings == 0) {
        (void)fprintf(stderr, "gongji-check: nothing was committed, so nothing was looked at\n");
        return 2;
    }
    return check->differences == 0 ? 0 : 1;
}

int main(int argc, char **argv) {
    static const struct option options[] = {{"registry", required_argument, NULL, 'r'},
                                            {"packs", required_argument, NULL, 'p'},
                                            {"running", no_argument, NULL, 'u'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    static struct check check;
    const char *registry = NULL;
    int option, code = 2;
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (option == 'r') registry = optarg;
        if (option == 'p' && !check_packs_read(optarg, check.packs, &check.n_packs)) return 2;
        if (option == 'u') check.is_running = true;
        if (option == 'h') return usage(stdout) & 0;
        if (option == '?') return usage(stderr);
    }
    if (registry == NULL || optind == argc) return usage(stderr);
    if (check_registry_open(registry, &check.registry) && take_all(&check, argv + optind, argc - optind))
        code = judge(&check);
    ck_free(&check.ck);
    for (size_t i = 0; i < CHECK_NODES_MAX; i++)
        check_dump_close(&check.dumps[i]);
    check_registry_close(&check.registry);
    return code;
}

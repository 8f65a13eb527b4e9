/* SPDX-License-Identifier: Apache-2.0
 *
 * gongji-sim --exhaustive: options, one search or several, and what came of them, told so that a person can follow.
 */
#include <getopt.h>
#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/wait.h>

#include "base/check.h"
#include "exhaustive_search.h"

#define SHORTEN_S   30 /* how long a shorter path is looked for */
#define JOBS_MAX    64u
#define ROUNDS_MAX  8u
#define ANY_MAX     99
#define LARGE_BYTES (64 * 1024)

/* --- telling -------------------------------------------------------------------------------------------- */
static void print_path(const struct ex_path *path) {
    char text[32];
    for (unsigned i = 0; i < path->n; i++) {
        ex_choice_write(&path->items[i], text, sizeof text);
        (void)printf("%s%s", i > 0 ? "." : "", text);
    }
}

static const char *start_word(void) {
    return gj_request_word(ex_search.start);
}

/* The path, aloud, in a child: the state here stays what it is. 1: it ends in a failure. */
static int tell(const struct ex_path *path) {
    int status = 0;
    (void)fflush(stdout);
    pid_t pid = fork();
    GJ_ASSERT(pid >= 0);
    if (pid == 0) {
        struct ex *ex = ex_search.ex;
        const struct ck_failure *failure = NULL;
        (void)signal(SIGABRT, SIG_DFL);
        ex->sim->story.is_kept = ex->sim->story.is_verbose = true;
        for (unsigned i = 0; i < path->n && failure == NULL; i++) {
            ex_do(ex, &path->items[i]);
            failure = ck_failed(ex->sim->ck);
        }
        if (failure == NULL) {
            (void)puts("  from here on without faults");
            ex_end(ex);
            failure = ck_failed(ex->sim->ck);
        }
        if (failure != NULL)
            (void)printf("%s at %s: %s %s\n", failure->invariant, sim_node_name(failure->node), failure->text,
                         failure->txid);
        (void)fflush(stdout);
        _exit(failure != NULL ? 1 : 0);
    }
    (void)waitpid(pid, &status, 0);
    if (WIFSIGNALED(status)) (void)puts(EX_CRASHED);
    return status != 0 ? 1 : 0;
}

static int tell_failure(void) {
    struct ex_shared *shared = ex_search.shared;
    (void)printf("a failure after %u choices; looking for a shorter way to one\n", shared->failing.n);
    (void)fflush(stdout);
    if (shared->failing.n > 1) ex_search_shorten(SHORTEN_S);
    (void)printf("FAILED after %u choices: %s\n", shared->failing.n, shared->failure.invariant);
    (void)tell(&shared->failing);
    (void)printf("again: gongji-sim --exhaustive --start %s --nodes %zu%s --path ", start_word(),
                 ex_search.nodes, ex_search.bounds[EX_GREET] > 0 ? " --bounds greet=1" : "");
    print_path(&shared->failing);
    (void)putchar('\n');
    return 1;
}

static void print_bounds(void) {
    static const char *const words[] = {
#define X(name, word, text) word,
        EX_BOUNDS(X)
#undef X
    };
    for (size_t i = 0; i < EX_BOUND_COUNT; i++)
        if (ex_search.bounds[i] > 0 && ex_search.bounds[i] < ANY_MAX)
            (void)printf(" %s %u", words[i], ex_search.bounds[i]);
}

/* All rounds together. */
struct sums {
    uint64_t states, transitions, leaves;
    double seconds;
};

static bool report(struct sums *sums, double seconds) {
    struct ex_shared *shared = ex_search.shared;
    sums->states += shared->states;
    sums->transitions += shared->transitions;
    sums->leaves += shared->leaves;
    sums->seconds += seconds;
    (void)printf("%s, %zu nodes, at most", start_word(), ex_search.nodes);
    print_bounds();
    (void)printf(": %" PRIu64 " states (%" PRIu64 " with what was left), %" PRIu64 " transitions, %" PRIu64
                 " leaves run to the end, %u deep, %" PRIu64 " processes, %.1f s%s%s\n",
                 shared->states, shared->visits, shared->transitions, shared->leaves, shared->deepest,
                 shared->forks, seconds, shared->is_full ? ", NOT ALL: too many states" : "",
                 shared->is_out_of_time ? ", NOT ALL: out of time" : "");
    (void)fflush(stdout);
    return !shared->is_full && !shared->is_out_of_time;
}

/* --- options -------------------------------------------------------------------------------------------- */
static int usage(FILE *out) {
    (void)fprintf(out, "usage: gongji-sim --exhaustive [--nodes 2|3|4] [--start settle|refund|bind]\n"
                       "         [--bounds WORD=N,...] [--jobs N] [--seconds N] [--path PATH]\n"
                       "bounds, on one path:");
#define X(name, word, text) (void)fprintf(out, "\n  %-8s %s", word, text);
    EX_BOUNDS(X)
#undef X
    (void)fputc('\n', out);
    return out == stdout ? 0 : 2;
}

static bool read_bounds(const char *bounds) {
    char copy[200], *text = copy;
    memset(ex_search.bounds, 0, sizeof ex_search.bounds);
    ex_search.bounds[EX_ANY] = ANY_MAX;
    static char *const words[] = {
#define X(name, word, text) word,
        EX_BOUNDS(X)
#undef X
            NULL};
    (void)snprintf(copy, sizeof copy, "%s", bounds);
    while (*text != '\0') {
        char *value = NULL;
        int which = getsubopt(&text, words, &value);
        if (which < 0 || value == NULL) return false;
        ex_search.bounds[which] = (uint8_t)strtoul(value, NULL, 10);
    }
    return true;
}

static bool read_start(const char *word) {
    static const enum gj_request_kind kinds[] = {GJ_REQUEST_SETTLE, GJ_REQUEST_REFUND, GJ_REQUEST_BIND};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(word, gj_request_word(kinds[i])) != 0) continue;
        ex_search.start = kinds[i];
        return true;
    }
    return false;
}

static bool read_path(char *text) {
    char *rest = text;
    for (char *one = strtok_r(text, ".", &rest); one != NULL; one = strtok_r(NULL, ".", &rest)) {
        if (ex_search.path.n == EX_DEPTH_MAX) return false;
        if (!ex_choice_read(one, &ex_search.path.items[ex_search.path.n++])) return false;
    }
    return ex_search.path.n > 0;
}

static int replay_path(void) {
    const struct ex_path path = ex_search.path;
    ex_search.ex->is_prompt = ex_search.bounds[EX_GREET] == 0;
    memset(ex_search.ex->left, ANY_MAX, sizeof ex_search.ex->left);
    return tell(&path);
}

/* Each of the bounds that were given is a search of its own; the cells are of all together. */
static int search_all(const char *const *bounds, unsigned n, double seconds) {
    struct sums sums = {0};
    bool is_whole = true;
    if (ex_search.has_cells) ex_search.ex->met = &ex_search.shared->met;
    for (unsigned i = 0; i < n; i++) {
        double begin_s = ex_now_s();
        if (!read_bounds(bounds[i])) return usage(stderr);
        ex_search_run(seconds);
        is_whole = report(&sums, ex_now_s() - begin_s) && is_whole;
        if (ex_search.shared->has_failed) return tell_failure();
    }
    if (ex_search.has_cells && ex_report(&ex_search.shared->met) > 0) is_whole = false;
    (void)printf("%s, %zu nodes, in all: %" PRIu64 " states, %" PRIu64 " transitions, %" PRIu64
                 " leaves run to the end, %.1f s\n",
                 start_word(), ex_search.nodes, sums.states, sums.transitions, sums.leaves, sums.seconds);
    return is_whole ? 0 : 1;
}

/* What is searched if nothing is said: as much as a few minutes allow. */
#define FEW "drop=1,dup=1,crash=1,late=1,ask=1,full=1,reverse=1,doubt=1,boot=1,backup=1,any=1"
static const char *const of_two[] = {FEW, "drop=1,dup=1,crash=1,late=1,ask=1,full=1,reverse=1,timer=1,any=1",
                                     "drop=1,dup=1,timer=2,any=2", "crash=1,any=1,greet=1"};
static const char *const of_more[] = {"drop=1,dup=1,late=1,full=1,reverse=1,any=1",
                                      "drop=1,dup=1,reverse=1,timer=1,any=1"};

int ex_main(int argc, char **argv) {
    static const struct option options[] = {
        {"exhaustive", no_argument, NULL, 'e'},  {"nodes", required_argument, NULL, 'n'},
        {"start", required_argument, NULL, 't'}, {"bounds", required_argument, NULL, 'b'},
        {"jobs", required_argument, NULL, 'j'},  {"seconds", required_argument, NULL, 's'},
        {"path", required_argument, NULL, 'p'},  {"cells", no_argument, NULL, 'c'},
        {"help", no_argument, NULL, 'h'},        {NULL, 0, NULL, 0}};
    const char *bounds[ROUNDS_MAX];
    unsigned n_bounds = 0;
    double seconds = 1e9;
    int c;
    ex_search = (struct ex_search){.nodes = 2, .start = GJ_REQUEST_SETTLE, .jobs = 1};
    while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        bool is_read = c != '?';
        if (c == 'n') ex_search.nodes = strtoul(optarg, NULL, 10);
        if (c == 't') is_read = read_start(optarg);
        if (c == 'b' && n_bounds < ROUNDS_MAX) bounds[n_bounds++] = optarg;
        if (c == 'b') is_read = read_bounds(optarg);
        if (c == 'j') ex_search.jobs = (unsigned)strtoul(optarg, NULL, 10);
        if (c == 's') seconds = strtod(optarg, NULL);
        if (c == 'p') is_read = read_path(optarg);
        if (c == 'c') ex_search.has_cells = true;
        if (c == 'h') return usage(stdout);
        if (!is_read) return usage(stderr);
    }
    bool fits =
        ex_search.nodes >= 2 && ex_search.nodes <= 4 && ex_search.jobs >= 1 && ex_search.jobs <= JOBS_MAX;
    if (!fits || optind != argc) return usage(stderr);
    /* An engine's tables come as fresh pages and go for good: a process without them is quickly made. */
    (void)mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
    (void)mallopt(M_TRIM_THRESHOLD, LARGE_BYTES);
    if (n_bounds == 0) {
        const bool are_two = ex_search.nodes == 2;
        n_bounds = are_two ? sizeof of_two / sizeof of_two[0] : sizeof of_more / sizeof of_more[0];
        memcpy(bounds, are_two ? of_two : of_more, n_bounds * sizeof bounds[0]);
        ex_search.has_cells = are_two;
    }
    ex_search_open();
    ex_search.ex = ex_open(ex_search.nodes, ex_search.start);
    int result = ex_search.path.n > 0 ? replay_path() : search_all(bounds, n_bounds, seconds);
    ex_close(&ex_search.ex);
    return result;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * The exhaustive search itself. A state is a process: engines and stores are large and hold pointers into themselves,
 * so a choice is tried in a child, and the parent is still where it was. What all processes share, the states that
 * were visited, the counters, the failure, is one mapped piece of memory.
 */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#include <getopt.h>
#include <inttypes.h>
#include <malloc.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/check.h"
#include "exhaustive.h"

#define PLACES        (UINT64_C(1) << 22) /* states that can be told apart, a power of two */
#define PLACE_BOUNDS  5 /* what was left at earlier visits of a state, as many as are kept */
#define LOCKS         1024u
#define SHORTEN_S     30 /* how long a shorter path is looked for */
#define SECOND_SEARCH UINT64_C(0x5bd1e995c6a4a793)
#define ANY_MAX       99
#define LARGE_BYTES   (64 * 1024)
#define JOBS_MAX      64u
#define CRASHED       "the product's own assertion failed, or it crashed"

/* --- what all processes share --------------------------------------------------------------------------- */
/* Bounds that were left, and choices. */
struct left {
    uint8_t v[EX_BOUND_COUNT], depth;
};

struct place {
    uint64_t hash; /* 0: free */
    uint8_t n;
    struct left left[PLACE_BOUNDS];
};

struct path {
    unsigned n;
    struct ex_choice items[EX_DEPTH_MAX];
};

struct shared {
    sem_t tokens;
    atomic_flag locks[LOCKS];
    atomic_flag failure_lock;
    _Atomic uint64_t states, visits, transitions, leaves, forks;
    _Atomic unsigned deepest, depth_limit;
    _Atomic bool must_stop, is_full, is_out_of_time;
    struct ex_met met;
    bool has_failed;
    struct ck_failure failure;
    struct path failing;
    struct place places[];
};

struct search {
    struct shared *shared;
    struct ex *ex;
    struct path path;
    size_t nodes;
    enum gj_request_kind start;
    uint8_t bounds[EX_BOUND_COUNT];
    unsigned jobs;
    bool shortens, is_prompt, has_cells;
    double deadline_s;
};

static struct search search; /* one a process, and its signal handler must reach it */

static double now_s(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void lock(atomic_flag *flag) {
    while (atomic_flag_test_and_set_explicit(flag, memory_order_acquire)) {
    }
}

static void unlock(atomic_flag *flag) {
    atomic_flag_clear_explicit(flag, memory_order_release);
}

static struct shared *share(void) {
    size_t size = sizeof(struct shared) + PLACES * sizeof(struct place);
    struct shared *shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    GJ_ASSERT(shared != MAP_FAILED);
    return shared;
}

/* --- states that were visited --------------------------------------------------------------------------- */
static bool allows_all_of(const struct left *had, const struct left *now) {
    for (size_t i = 0; i < EX_BOUND_COUNT; i++)
        if (had->v[i] < now->v[i]) return false;
    return had->depth >= now->depth;
}

/* True if nobody was here with at least as much left. */
static bool is_new(struct place *place, const struct left *now) {
    unsigned kept = 0;
    for (unsigned i = 0; i < place->n; i++)
        if (allows_all_of(&place->left[i], now)) return false;
    for (unsigned i = 0; i < place->n; i++)
        if (!allows_all_of(now, &place->left[i])) place->left[kept++] = place->left[i];
    if (kept < PLACE_BOUNDS) place->left[kept++] = *now;
    place->n = (uint8_t)kept;
    return true;
}

/* The place of a state under its guard; NULL: there is none and none is made. */
static struct place *place_of(uint64_t hash, bool makes_it, bool *ret_is_new) {
    *ret_is_new = false;
    for (uint64_t i = 0; i < PLACES; i++) {
        struct place *place = &search.shared->places[(hash / LOCKS + i) & (PLACES - 1)];
        uint64_t was = __atomic_load_n(&place->hash, __ATOMIC_ACQUIRE);
        if (was == 0 && !makes_it) return NULL;
        *ret_is_new = was == 0 && __atomic_compare_exchange_n(&place->hash, &was, hash, false,
                                                              __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
        if (*ret_is_new || was == hash) return place;
    }
    return NULL;
}

static uint64_t name_of(uint64_t hash) {
    if (search.shortens) hash ^= SECOND_SEARCH; /* the places of the first one count no more */
    return hash == 0 ? 1 : hash;
}

static struct left left_at(const uint8_t bounds[EX_BOUND_COUNT], unsigned n_choices) {
    struct left left = {.depth = search.shortens ? (uint8_t)(search.shared->depth_limit - n_choices) : 0};
    memcpy(left.v, bounds, sizeof left.v);
    return left;
}

static bool visit(uint64_t hash) {
    struct shared *shared = search.shared;
    const struct left now = left_at(search.ex->left, search.path.n);
    const uint64_t name = name_of(hash);
    bool is_first = false;
    /* A place is taken by one hash for good, and all that comes with one hash comes under one guard. */
    lock(&shared->locks[name % LOCKS]);
    struct place *place = place_of(name, true, &is_first);
    bool result = place == NULL || is_new(place, &now);
    unlock(&shared->locks[name % LOCKS]);
    shared->visits += result;
    shared->states += is_first;
    if (is_first && shared->states > PLACES * 3 / 4) shared->is_full = shared->must_stop = true;
    return result;
}

/* Was somebody there, with at least as much left as this choice leaves? */
static bool was_visited(uint64_t hash, const struct ex_choice *choice) {
    uint8_t bounds[EX_BOUND_COUNT];
    const uint64_t name = name_of(hash);
    bool is_first = false, result = false;
    memcpy(bounds, search.ex->left, sizeof bounds);
    ex_spend(bounds, choice);
    const struct left then = left_at(bounds, search.path.n + 1);
    lock(&search.shared->locks[name % LOCKS]);
    const struct place *place = place_of(name, false, &is_first);
    for (unsigned i = 0; place != NULL && i < place->n && !result; i++)
        result = allows_all_of(&place->left[i], &then);
    unlock(&search.shared->locks[name % LOCKS]);
    return result;
}

/* --- failures ------------------------------------------------------------------------------------------- */
static void fail(const struct ck_failure *failure) {
    struct shared *shared = search.shared;
    lock(&shared->failure_lock);
    if (!shared->has_failed || search.path.n < shared->failing.n) {
        shared->failure = *failure;
        shared->failing = search.path;
        shared->has_failed = true;
        if (search.shortens) shared->depth_limit = search.path.n - 1;
    }
    unlock(&shared->failure_lock);
    if (!search.shortens) shared->must_stop = true;
}

static void on_abort(int signal_number) {
    struct ck_failure failure = {.invariant = "assert", .text = CRASHED};
    (void)signal_number;
    fail(&failure);
    _exit(0);
}

static bool has_failed_here(void) {
    const struct ck_failure *failure = ck_failed(search.ex->sim->ck);
    if (failure != NULL) fail(failure);
    return failure != NULL;
}

/* --- counting ------------------------------------------------------------------------------------------- */
static void move(uint64_t *to, uint64_t *from, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (from[i] != 0) (void)__atomic_fetch_add(&to[i], from[i], __ATOMIC_RELAXED);
        from[i] = 0;
    }
}

static void count(void) {
    struct sim_coverage *coverage = &search.ex->sim->coverage;
    struct shared *shared = search.shared;
    struct ex_met *met = &shared->met;
    move(&met->part[0][0], &coverage->part[0][0], SIM_PART_STATES * SIM_PART_INPUTS);
    move(&met->coord[0][0], &coverage->coord[0][0], SIM_COORD_STATES * SIM_COORD_INPUTS);
    move(met->events, coverage->events, GJ_EVENT_COUNT);
    move(met->rows, search.ex->rows, EX_ROW_COUNT);
    unsigned deepest = shared->deepest;
    while (search.path.n > deepest &&
           !atomic_compare_exchange_weak(&shared->deepest, &deepest, search.path.n)) {
    }
}

/* --- depth first ---------------------------------------------------------------------------------------- */
static void explore(void);

/* Makes the choice here; false: what follows need not be looked at. |foreseen|: 0, or the state that it leads to. */
static bool take(const struct ex_choice *choice, uint64_t foreseen) {
    search.path.items[search.path.n++] = *choice;
    ex_do(search.ex, choice);
    if (choice->kind == EX_LIE) {
        count(); /* what was planted breaks the books by itself: only the cell counts, and that the node lives */
        return false;
    }
    if (has_failed_here()) return false;
    if (search.ex->is_moot) return false;
    search.shared->transitions++;
    if (foreseen != 0 && foreseen != ex_hash(search.ex))
        ck_fail(search.ex->sim->ck, "hash", choice->node, NULL, "a step depends on what the hash leaves out");
    if (has_failed_here()) return false;
    count();
    return true;
}

static bool is_over(void) {
    struct shared *shared = search.shared;
    if (!shared->must_stop && now_s() > search.deadline_s) shared->is_out_of_time = shared->must_stop = true;
    return shared->must_stop;
}

static bool is_too_deep(void) {
    return search.path.n >= search.shared->depth_limit;
}

/* The child of one choice. With a token to spare it runs beside us, and gives it back; else we wait for it. */
static void branch(const struct ex_choice *choice, uint64_t foreseen, unsigned *n_beside) {
    bool is_beside = sem_trywait(&search.shared->tokens) == 0;
    search.shared->forks++;
    pid_t pid = fork();
    GJ_ASSERT(pid >= 0);
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (take(choice, foreseen)) explore();
        if (is_beside) (void)sem_post(&search.shared->tokens);
        _exit(0);
    }
    if (is_beside)
        ++*n_beside;
    else
        (void)waitpid(pid, NULL, 0);
}

/* Who only waits for children lends out his token. */
static void wait_beside(unsigned n_beside) {
    if (n_beside == 0) return;
    (void)sem_post(&search.shared->tokens);
    while (n_beside > 0)
        if (waitpid(-1, NULL, 0) > 0) n_beside--;
    (void)sem_wait(&search.shared->tokens);
}

/* What leads on comes before what breaks; so the first leaf is an orderly end. */
static void explore_all(const struct ex_choice *choices, unsigned n) {
    unsigned n_beside = 0;
    for (unsigned i = 0; i < n && !is_over(); i++) {
        uint64_t foreseen = 0;
        enum ex_foresight foresight = ex_foresee(search.ex, &choices[i], &foreseen);
        if (foresight == EX_MOOT) continue;
        if (foresight == EX_FORESEEN && was_visited(foreseen, &choices[i])) {
            search.shared->transitions++;
            continue;
        }
        branch(&choices[i], foreseen, &n_beside);
    }
    wait_beside(n_beside);
}

static void explore(void) {
    struct ex_choice choices[EX_CHOICES_MAX];
    if (is_over() || !visit(ex_hash(search.ex))) return;
    if (is_too_deep()) return;
    unsigned n = ex_choices(search.ex, choices);
    bool is_leaf = ex_is_leaf(search.ex);
    explore_all(choices, n);
    if (!is_leaf || is_over()) return;
    /* All children are done: this very process may go on to the end. */
    search.shared->leaves++;
    ex_end(search.ex);
    (void)has_failed_here();
    count();
}

static void run_search(void) {
    pid_t pid = fork();
    GJ_ASSERT(pid >= 0);
    if (pid > 0) {
        (void)waitpid(pid, NULL, 0);
        return;
    }
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    explore();
    _exit(0);
}

/* --- telling -------------------------------------------------------------------------------------------- */
static void print_path(const struct path *path) {
    char text[32];
    for (unsigned i = 0; i < path->n; i++) {
        ex_choice_write(&path->items[i], text, sizeof text);
        (void)printf("%s%s", i > 0 ? "." : "", text);
    }
}

static const char *start_word(void) {
    return gj_request_word(search.start);
}

/* The path, aloud, in a child: the state here stays what it is. 1: it ends in a failure. */
static int tell(const struct path *path) {
    int status = 0;
    (void)fflush(stdout);
    pid_t pid = fork();
    GJ_ASSERT(pid >= 0);
    if (pid == 0) {
        struct ex *ex = search.ex;
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
    if (WIFSIGNALED(status)) (void)puts(CRASHED);
    return status != 0 ? 1 : 0;
}

static void shorten(void) {
    struct shared *shared = search.shared;
    (void)printf("a failure after %u choices; looking for a shorter way to one\n", shared->failing.n);
    (void)fflush(stdout);
    shared->must_stop = shared->is_out_of_time = false;
    shared->depth_limit = shared->failing.n - 1;
    search.shortens = true;
    search.deadline_s = now_s() + SHORTEN_S;
    run_search();
}

static int tell_failure(void) {
    struct shared *shared = search.shared;
    shorten();
    (void)printf("FAILED after %u choices: %s\n", shared->failing.n, shared->failure.invariant);
    (void)tell(&shared->failing);
    (void)printf("again: gongji-sim --exhaustive --start %s --nodes %zu%s --path ", start_word(),
                 search.nodes, search.is_prompt ? " --prompt" : "");
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
        if (search.bounds[i] > 0 && search.bounds[i] < ANY_MAX)
            (void)printf(" %s %u", words[i], search.bounds[i]);
}

static int report(double seconds) {
    struct shared *shared = search.shared;
    (void)printf("%s, %zu nodes, at most", start_word(), search.nodes);
    print_bounds();
    (void)printf(": %" PRIu64 " states (%" PRIu64 " with what was left), %" PRIu64 " transitions, %" PRIu64
                 " leaves run to the end, %u deep, %" PRIu64 " processes, %.1f s%s%s\n",
                 shared->states, shared->visits, shared->transitions, shared->leaves, shared->deepest,
                 shared->forks, seconds, shared->is_full ? ", NOT ALL: too many states" : "",
                 shared->is_out_of_time ? ", NOT ALL: out of time" : "");
    unsigned missing = search.has_cells ? ex_report(&shared->met) : 0;
    return missing > 0 || shared->is_full || shared->is_out_of_time ? 1 : 0;
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

static bool read_bounds(char *text) {
    static char *const words[] = {
#define X(name, word, text) word,
        EX_BOUNDS(X)
#undef X
            NULL};
    while (*text != '\0') {
        char *value = NULL;
        int which = getsubopt(&text, words, &value);
        if (which < 0 || value == NULL) return false;
        search.bounds[which] = (uint8_t)strtoul(value, NULL, 10);
    }
    return true;
}

static bool read_start(const char *word) {
    static const enum gj_request_kind kinds[] = {GJ_REQUEST_SETTLE, GJ_REQUEST_REFUND, GJ_REQUEST_BIND};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(word, gj_request_word(kinds[i])) != 0) continue;
        search.start = kinds[i];
        return true;
    }
    return false;
}

static bool read_path(char *text) {
    char *rest = text;
    for (char *one = strtok_r(text, ".", &rest); one != NULL; one = strtok_r(NULL, ".", &rest)) {
        if (search.path.n == EX_DEPTH_MAX) return false;
        if (!ex_choice_read(one, &search.path.items[search.path.n++])) return false;
    }
    return search.path.n > 0;
}

static int replay_path(void) {
    const struct path path = search.path;
    memset(search.ex->left, ANY_MAX, sizeof search.ex->left);
    return tell(&path);
}

static int search_all(double seconds) {
    double begin_s = now_s();
    search.deadline_s = begin_s + seconds;
    search.shared->depth_limit = EX_DEPTH_MAX - 1;
    memcpy(search.ex->left, search.bounds, sizeof search.ex->left);
    GJ_ASSERT(sem_init(&search.shared->tokens, 1, search.jobs - 1) == 0);
    if (search.has_cells) search.ex->met = &search.shared->met;
    (void)signal(SIGABRT, on_abort);
    (void)signal(SIGSEGV, on_abort);
    run_search();
    int result = report(now_s() - begin_s);
    return search.shared->has_failed ? tell_failure() : result;
}

int ex_main(int argc, char **argv) {
    static const struct option options[] = {{"exhaustive", no_argument, NULL, 'e'},
                                            {"nodes", required_argument, NULL, 'n'},
                                            {"start", required_argument, NULL, 't'},
                                            {"bounds", required_argument, NULL, 'b'},
                                            {"jobs", required_argument, NULL, 'j'},
                                            {"seconds", required_argument, NULL, 's'},
                                            {"path", required_argument, NULL, 'p'},
                                            {"prompt", no_argument, NULL, 'q'},
                                            {"cells", no_argument, NULL, 'c'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    double seconds = 1e9;
    int c;
    search = (struct search){.nodes = 2, .start = GJ_REQUEST_SETTLE, .jobs = 1};
    search.bounds[EX_DROP] = search.bounds[EX_DUP] = search.bounds[EX_CRASH] = 1;
    search.bounds[EX_TIMER] = 2;
    search.bounds[EX_ANY] = ANY_MAX;
    while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        bool is_read = c != '?';
        if (c == 'n') search.nodes = strtoul(optarg, NULL, 10);
        if (c == 't') is_read = read_start(optarg);
        if (c == 'b') is_read = read_bounds(optarg);
        if (c == 'j') search.jobs = (unsigned)strtoul(optarg, NULL, 10);
        if (c == 's') seconds = strtod(optarg, NULL);
        if (c == 'p') is_read = read_path(optarg);
        if (c == 'q') search.is_prompt = true;
        if (c == 'c') search.has_cells = true;
        if (c == 'h') return usage(stdout);
        if (!is_read) return usage(stderr);
    }
    bool fits = search.nodes >= 2 && search.nodes <= 4 && search.jobs >= 1 && search.jobs <= JOBS_MAX;
    if (!fits || optind != argc) return usage(stderr);
    /* An engine's tables come as fresh pages and go for good: a process without them is quickly made. */
    (void)mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
    (void)mallopt(M_TRIM_THRESHOLD, LARGE_BYTES);
    search.shared = share();
    ex_memo_open();
    search.ex = ex_open(search.nodes, search.start);
    search.ex->is_prompt = search.is_prompt;
    int result = search.path.n > 0 ? replay_path() : search_all(seconds);
    ex_close(&search.ex);
    return result;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * The exhaustive search itself. A state is a process: engines and stores are large and hold pointers into themselves,
 * so a choice is tried in a child, and the parent is still where it was. What all processes share, the states that
 * were visited, the counters, the failure, is one mapped piece of memory.
 */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/check.h"
#include "exhaustive_search.h"

#define PLACES (UINT64_C(1) << 22) /* states that can be told apart, a power of two */
#define ROUND  UINT64_C(0x9e3779b97f4a7c15)

struct ex_search ex_search;

double ex_now_s(void) {
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

static struct ex_shared *share(void) {
    size_t size = sizeof(struct ex_shared) + PLACES * sizeof(struct ex_place);
    struct ex_shared *shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    GJ_ASSERT(shared != MAP_FAILED);
    return shared;
}

/* --- states that were visited --------------------------------------------------------------------------- */
static bool allows_all_of(const struct ex_left *had, const struct ex_left *now) {
    for (size_t i = 0; i < EX_BOUND_COUNT; i++)
        if (had->v[i] < now->v[i]) return false;
    return had->depth >= now->depth;
}

/* True if nobody was here with at least as much left. */
static bool is_new(struct ex_place *place, const struct ex_left *now) {
    unsigned kept = 0;
    for (unsigned i = 0; i < place->n; i++)
        if (allows_all_of(&place->left[i], now)) return false;
    for (unsigned i = 0; i < place->n; i++)
        if (!allows_all_of(now, &place->left[i])) place->left[kept++] = place->left[i];
    if (kept < EX_PLACE_BOUNDS) place->left[kept++] = *now;
    place->n = (uint8_t)kept;
    return true;
}

/* The place of a state under its guard; NULL: there is none and none is made. */
static struct ex_place *place_of(uint64_t hash, bool makes_it, bool *ret_is_new) {
    *ret_is_new = false;
    for (uint64_t i = 0; i < PLACES; i++) {
        struct ex_place *place = &ex_search.shared->places[(hash / EX_LOCKS + i) & (PLACES - 1)];
        uint64_t was = __atomic_load_n(&place->hash, __ATOMIC_ACQUIRE);
        if (was == 0 && !makes_it) return NULL;
        *ret_is_new = was == 0 && __atomic_compare_exchange_n(&place->hash, &was, hash, false,
                                                              __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
        if (*ret_is_new || was == hash) return place;
    }
    return NULL;
}

static uint64_t name_of(uint64_t hash) {
    hash += ex_search.round * ROUND; /* the places of the rounds before count no more */
    return hash == 0 ? 1 : hash;
}

static struct ex_left left_at(const uint8_t bounds[EX_BOUND_COUNT], unsigned n_choices) {
    struct ex_left left = {.depth =
                               ex_search.shortens ? (uint8_t)(ex_search.shared->depth_limit - n_choices) : 0};
    memcpy(left.v, bounds, sizeof left.v);
    return left;
}

static bool visit(uint64_t hash) {
    struct ex_shared *shared = ex_search.shared;
    const struct ex_left now = left_at(ex_search.ex->left, ex_search.path.n);
    const uint64_t name = name_of(hash);
    bool is_first = false;
    /* A place is taken by one hash for good, and all that comes with one hash comes under one guard. */
    lock(&shared->locks[name % EX_LOCKS]);
    struct ex_place *place = place_of(name, true, &is_first);
    bool result = place == NULL || is_new(place, &now);
    unlock(&shared->locks[name % EX_LOCKS]);
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
    memcpy(bounds, ex_search.ex->left, sizeof bounds);
    ex_spend(bounds, choice);
    const struct ex_left then = left_at(bounds, ex_search.path.n + 1);
    lock(&ex_search.shared->locks[name % EX_LOCKS]);
    const struct ex_place *place = place_of(name, false, &is_first);
    for (unsigned i = 0; place != NULL && i < place->n && !result; i++)
        result = allows_all_of(&place->left[i], &then);
    unlock(&ex_search.shared->locks[name % EX_LOCKS]);
    return result;
}

/* --- failures ------------------------------------------------------------------------------------------- */
static void fail(const struct ck_failure *failure) {
    struct ex_shared *shared = ex_search.shared;
    lock(&shared->failure_lock);
    if (!shared->has_failed || ex_search.path.n < shared->failing.n) {
        shared->failure = *failure;
        shared->failing = ex_search.path;
        shared->has_failed = true;
        if (ex_search.shortens) shared->depth_limit = ex_search.path.n - 1;
    }
    unlock(&shared->failure_lock);
    if (!ex_search.shortens) shared->must_stop = true;
}

static void on_abort(int signal_number) {
    struct ck_failure failure = {.invariant = "assert", .text = EX_CRASHED};
    (void)signal_number;
    fail(&failure);
    _exit(0);
}

static bool has_failed_here(void) {
    const struct ck_failure *failure = ck_failed(ex_search.ex->sim->ck);
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
    struct sim_coverage *coverage = &ex_search.ex->sim->coverage;
    struct ex_shared *shared = ex_search.shared;
    struct ex_met *met = &shared->met;
    move(&met->part[0][0], &coverage->part[0][0], SIM_PART_STATES * SIM_PART_INPUTS);
    move(&met->coord[0][0], &coverage->coord[0][0], SIM_COORD_STATES * SIM_COORD_INPUTS);
    move(met->events, coverage->events, GJ_EVENT_COUNT);
    ex_search.ex->rows[EX_ROW_OLD_STORE] = coverage->rows[SIM_ROW_OLD_STORE];
    coverage->rows[SIM_ROW_OLD_STORE] = 0;
    move(met->rows, ex_search.ex->rows, EX_ROW_COUNT);
    unsigned deepest = shared->deepest;
    while (ex_search.path.n > deepest &&
           !atomic_compare_exchange_weak(&shared->deepest, &deepest, ex_search.path.n)) {
    }
}

static void run_to_the_end(void) {
    ex_search.shared->leaves++;
    ex_end(ex_search.ex);
    (void)has_failed_here();
    count();
}

/* --- depth first ---------------------------------------------------------------------------------------- */
static void explore(void);

/* Makes the choice here; false: what follows need not be looked at. |foreseen|: 0, or the state that it leads to. */
static bool take(const struct ex_choice *choice, uint64_t foreseen) {
    ex_search.path.items[ex_search.path.n++] = *choice;
    ex_do(ex_search.ex, choice);
    if (choice->kind == EX_LIE) {
        count();
        if (!ex_search.ex->is_planted) (void)has_failed_here();
        return false;
    }
    if (has_failed_here()) return false;
    if (choice->kind == EX_RESTORE) {
        run_to_the_end();
        return false;
    }
    if (ex_search.ex->is_moot) return false;
    ex_search.shared->transitions++;
    if (foreseen != 0 && foreseen != ex_hash(ex_search.ex))
        ck_fail(ex_search.ex->sim->ck, "hash", choice->node, NULL,
                "a step depends on what the hash leaves out");
    if (has_failed_here()) return false;
    count();
    return true;
}

static bool is_over(void) {
    struct ex_shared *shared = ex_search.shared;
    if (!shared->must_stop && ex_now_s() > ex_search.deadline_s)
        shared->is_out_of_time = shared->must_stop = true;
    return shared->must_stop;
}

static bool is_too_deep(void) {
    return ex_search.path.n >= ex_search.shared->depth_limit;
}

/* The child of one choice. With a token to spare it runs beside us, and gives it back; else we wait for it. */
static void branch(const struct ex_choice *choice, uint64_t foreseen, unsigned *n_beside) {
    bool is_beside = sem_trywait(&ex_search.shared->tokens) == 0;
    ex_search.shared->forks++;
    pid_t pid = fork();
    GJ_ASSERT(pid >= 0);
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (take(choice, foreseen)) explore();
        if (is_beside) (void)sem_post(&ex_search.shared->tokens);
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
    (void)sem_post(&ex_search.shared->tokens);
    while (n_beside > 0)
        if (waitpid(-1, NULL, 0) > 0) n_beside--;
    (void)sem_wait(&ex_search.shared->tokens);
}

/* What leads on comes before what breaks; so the first leaf is an orderly end. */
static void explore_all(const struct ex_choice *choices, unsigned n) {
    unsigned n_beside = 0;
    for (unsigned i = 0; i < n && !is_over(); i++) {
        uint64_t foreseen = 0;
        enum ex_foresight foresight = ex_foresee(ex_search.ex, &choices[i], &foreseen);
        if (foresight == EX_MOOT) continue;
        if (foresight == EX_FORESEEN && was_visited(foreseen, &choices[i])) {
            ex_search.shared->transitions++;
            continue;
        }
        branch(&choices[i], foreseen, &n_beside);
    }
    wait_beside(n_beside);
}

static void explore(void) {
    struct ex_choice choices[EX_CHOICES_MAX];
    if (is_over() || !visit(ex_hash(ex_search.ex))) return;
    if (is_too_deep()) return;
    unsigned n = ex_choices(ex_search.ex, choices);
    bool is_leaf = ex_is_leaf(ex_search.ex);
    explore_all(choices, n);
    if (!is_leaf || is_over()) return;
    run_to_the_end(); /* all children are done: this very process may go on */
}

static void run(double seconds) {
    ex_search.round++;
    ex_search.deadline_s = ex_now_s() + seconds;
    ex_search.shared->must_stop = ex_search.shared->is_out_of_time = false;
    pid_t pid = fork();
    GJ_ASSERT(pid >= 0);
    if (pid > 0) {
        (void)waitpid(pid, NULL, 0);
        return;
    }
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)signal(SIGABRT, on_abort);
    (void)signal(SIGSEGV, on_abort);
    explore();
    _exit(0);
}

void ex_search_open(void) {
    ex_search.shared = share();
    ex_search.shared->depth_limit = EX_DEPTH_MAX - 1;
    GJ_ASSERT(sem_init(&ex_search.shared->tokens, 1, ex_search.jobs - 1) == 0);
    ex_memo_open();
}

void ex_search_run(double seconds) {
    struct ex_shared *shared = ex_search.shared;
    memcpy(ex_search.ex->left, ex_search.bounds, sizeof ex_search.ex->left);
    ex_search.ex->is_prompt = ex_search.bounds[EX_GREET] == 0;
    shared->states = shared->visits = shared->transitions = shared->leaves = shared->forks = 0;
    shared->deepest = 0;
    run(seconds);
}

void ex_search_shorten(double seconds) {
    ex_search.shared->depth_limit = ex_search.shared->failing.n - 1;
    ex_search.shortens = true;
    run(seconds);
}

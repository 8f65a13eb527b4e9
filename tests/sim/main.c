/* SPDX-License-Identifier: Apache-2.0
 *
 * gongji-sim: runs seeds, tells what broke, and tells it again step by step.
 */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#include <getopt.h>
#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "exhaustive.h"
#include "sim.h"

#define LARGE_BYTES (4 * 1024 * 1024)
#define SEED_CPU_S  300 /* of processor time for one seed; more is a machine that never comes to an end */

struct job {
    uint64_t from, to;
    unsigned jobs;
    struct sim_options options;
    bool twice, quiet, stops, must_hit;
};

struct tally {
    struct sim_coverage coverage;
    struct sim_totals totals;
};

static bool is_raw;      /* a failure is told as it is, not with fewer faults */
static uint64_t running; /* for a failed assertion of the product */
/* The lowest seed that failed, in all processes. */
static _Atomic uint64_t *first_failed;

static void note_failed(uint64_t seed) {
    uint64_t known = atomic_load(first_failed);
    while (seed < known && !atomic_compare_exchange_weak(first_failed, &known, seed))
        ;
}

static void on_signal(int signal_number) {
    const char *what = signal_number == SIGABRT     ? "an assertion failed"
                       : signal_number == SIGVTALRM ? "it never ends"
                                                    : "a wild pointer";
    char text[128];
    int n = snprintf(text, sizeof text, "gongji-sim: %s in seed %" PRIu64 "\n", what, running);
    note_failed(running);
    if (n > 0 && write(STDERR_FILENO, text, (size_t)n) < 0) _exit(3);
    _exit(3);
}

/* A seed that ends the process, or that nothing but a signal can end, is a seed that failed. */
static void watch(void) {
    void *page = mmap(NULL, sizeof *first_failed, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) exit(2);
    first_failed = page;
    atomic_store(first_failed, UINT64_MAX);
    (void)signal(SIGABRT, on_signal);
    (void)signal(SIGSEGV, on_signal);
    (void)signal(SIGVTALRM, on_signal);
}

static void start_clock(void) {
    const struct itimerval limit = {.it_value = {.tv_sec = SEED_CPU_S}};
    (void)setitimer(ITIMER_VIRTUAL, &limit, NULL);
}

static void print_faults(uint32_t faults) {
    for (unsigned i = 0; i < SIM_FAULT_COUNT; i++)
        if ((faults >> i & 1) != 0) (void)printf(" %s", sim_fault_word((enum sim_fault)i));
    (void)putchar('\n');
}

/* As --only takes them. */
static void print_words(uint32_t faults) {
    const char *comma = "";
    for (unsigned i = 0; i < SIM_FAULT_COUNT; i++) {
        if ((faults >> i & 1) == 0) continue;
        (void)printf("%s%s", comma, sim_fault_word((enum sim_fault)i));
        comma = ",";
    }
    (void)puts(faults == 0 ? "none" : "");
}

static bool read_words(const char *text, uint32_t *ret_without) {
    uint32_t only = 0;
    for (size_t len; *text != '\0'; text += len + (text[len] == ',')) {
        unsigned i = 0;
        len = strcspn(text, ",");
        while (i < SIM_FAULT_COUNT && (strlen(sim_fault_word((enum sim_fault)i)) != len ||
                                       strncmp(sim_fault_word((enum sim_fault)i), text, len) != 0))
            i++;
        if (i == SIM_FAULT_COUNT && strcmp(text, "none") != 0) return false;
        if (i < SIM_FAULT_COUNT) only |= UINT32_C(1) << i;
    }
    *ret_without = ~only;
    return true;
}

/* --- a failure ------------------------------------------------------------------------------------------ */
/* Leaves out every fault that the failure does not need, one after the other. */
static uint32_t minimise(const struct sim_options *options, const struct sim_result *failed) {
    uint32_t without = options->without;
    for (unsigned i = 0; i < SIM_FAULT_COUNT; i++) {
        struct sim_options fewer = *options;
        struct sim_result result;
        if ((failed->faults >> i & 1) == 0) continue;
        fewer.without = without | UINT32_C(1) << i;
        sim_run(&fewer, &result, NULL, NULL);
        if (result.failed && strcmp(result.failure.invariant, failed->failure.invariant) == 0)
            without = fewer.without;
    }
    return without;
}

static void tell(const struct sim_options *options, const struct sim_result *failed) {
    struct sim_options again = *options;
    struct sim_result result;
    if (!is_raw) again.without = minimise(options, failed);
    again.keeps_story = true;
    sim_run(&again, &result, NULL, NULL);
    (void)printf("seed %" PRIu64 " FAILED: %s at %s: %s\n", options->seed, failed->failure.invariant,
                 sim_node_name(failed->failure.node), failed->failure.text);
    (void)printf("  with only");
    print_faults(result.faults);
    (void)printf("  it is %s at %s after %" PRIu64 " steps: %s\n", result.failure.invariant,
                 sim_node_name(result.failure.node), result.steps, result.failure.text);
    sim_story_print(&result.story, &result.failure, stdout);
    (void)printf("  again: gongji-sim --replay %" PRIu64 " --nodes %zu --steps %" PRIu64 " --only ",
                 options->seed, result.nodes, options->steps);
    print_words(result.faults);
    (void)fflush(stdout);
    sim_story_free(&result.story);
}

static bool run_one(const struct sim_options *options, bool twice, bool quiet, struct tally *tally) {
    struct sim_result result, second;
    running = options->seed;
    start_clock();
    sim_run(options, &result, &tally->coverage, &tally->totals);
    if (result.failed) {
        note_failed(options->seed);
        tell(options, &result);
        return false;
    }
    if (!quiet) (void)printf("seed %" PRIu64 " ok, trace %016" PRIx64 "\n", options->seed, result.hash);
    if (!twice) return true;
    sim_run(options, &second, NULL, NULL);
    if (second.hash == result.hash) return true;
    (void)printf("seed %" PRIu64 " FAILED: I19: trace %016" PRIx64 ", then %016" PRIx64 "\n", options->seed,
                 result.hash, second.hash);
    return false;
}

/* --- many seeds ----------------------------------------------------------------------------------------- */
static void work(const struct job *job, unsigned which, int out) {
    struct tally *tally = calloc(1, sizeof *tally);
    if (tally == NULL || prctl(PR_SET_PDEATHSIG, SIGTERM) != 0)
        _exit(2); /* nobody is left to read the tally */
    for (uint64_t seed = job->from + which; seed <= job->to; seed += job->jobs) {
        if (job->stops && atomic_load(first_failed) < seed) break;
        struct sim_options options = job->options;
        options.seed = seed;
        if (!run_one(&options, job->twice, job->quiet, tally))
            tally->totals.failed += tally->totals.failed == 0;
    }
    (void)fflush(stdout);
    const char *at = (const char *)tally;
    for (size_t done = 0; done < sizeof *tally;) {
        ssize_t n = write(out, at + done, sizeof *tally - done);
        if (n <= 0) _exit(2);
        done += (size_t)n;
    }
    free(tally);
    exit(0); /* not _exit(): what was covered is written at an orderly end */
}

static bool gather(int in, struct tally *to) {
    struct tally *one = calloc(1, sizeof *one);
    size_t done = 0;
    ssize_t n = 1;
    while (one != NULL && done < sizeof *one && (n = read(in, (char *)one + done, sizeof *one - done)) > 0)
        done += (size_t)n;
    bool is_whole = one != NULL && done == sizeof *one;
    if (is_whole) {
        sim_coverage_add(&to->coverage, &one->coverage);
        uint64_t *sum = (uint64_t *)&to->totals;
        for (size_t i = 0; i < sizeof to->totals / sizeof *sum; i++)
            sum[i] += ((const uint64_t *)&one->totals)[i];
    }
    free(one);
    return is_whole;
}

static void print_totals(const struct sim_totals *t, double seconds) {
    (void)printf(
        "%" PRIu64 " seeds, %" PRIu64 " failed; %" PRIu64 " transactions, %" PRIu64 " committed (%" PRIu64
        " refunds, %" PRIu64 " bindings); %" PRIu64 " requests; %" PRIu64 " faults injected\n",
        t->seeds, t->failed, t->transactions, t->committed, t->refunds, t->bindings, t->requests, t->faults);
    (void)printf("%" PRIu64 " messages in %" PRIu64 " parcels, %" PRIu64 " lost; %" PRIu64
                 " flushes; %" PRIu64 " certificates verified; %" PRIu64
                 " steps; %.1f virtual hours; %.1f s\n",
                 t->messages, t->flights, t->lost, t->store_commits, t->certificates, t->steps,
                 (double)t->virtual_ms / 3600000.0, seconds);
}

static double now_s(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int run_many(const struct job *job) {
    struct tally *all = calloc(1, sizeof *all);
    int pipes[64][2];
    pid_t pids[64];
    bool is_well = all != NULL;
    double begin = now_s();
    for (unsigned i = 0; i < job->jobs && is_well; i++) {
        is_well = pipe(pipes[i]) == 0;
        (void)fflush(stdout);
        pids[i] = is_well ? fork() : -1;
        if (pids[i] == 0) work(job, i, pipes[i][1]);
        (void)close(pipes[i][1]);
    }
    for (unsigned i = 0; i < job->jobs && is_well; i++) {
        int status = 0;
        bool is_whole = gather(pipes[i][0], all);
        (void)waitpid(pids[i], &status, 0);
        if (!is_whole || status != 0) all->totals.failed++;
    }
    if (!is_well) return 2;
    if (job->to > job->from) sim_coverage_print(&all->coverage, stdout);
    print_totals(&all->totals, now_s() - begin);
    unsigned never = job->to > job->from ? sim_must_hit(&all->coverage, job->options.has_backups, stdout) : 0;
    bool failed = all->totals.failed > 0 || (job->must_hit && never > 0);
    (void)printf("%" PRIu64 " seeds, %" PRIu64 " simulated transactions, %" PRIu64
                 " faults injected, %.1f s, %" PRIu64 " failed\n",
                 all->totals.seeds, all->totals.transactions, all->totals.faults, now_s() - begin,
                 all->totals.failed);
    free(all);
    return failed ? 1 : 0;
}

/* --- one seed, aloud ------------------------------------------------------------------------------------ */
/* What a replay printed is a trace: its first line says how to run it again, its last one what came of it. */
#define TRACE_HEAD "gongji-sim seed %" PRIu64 " nodes %u steps %" PRIu64 " without 0x%x"
#define TRACE_READ "gongji-sim seed %" SCNu64 " nodes %u steps %" SCNu64 " without 0x%x"

static bool read_trace(const char *path, struct sim_options *ret, uint64_t *ret_hash) {
    char line[1024];
    FILE *file = fopen(path, "r");
    bool has_head = file != NULL && fgets(line, sizeof line, file) != NULL &&
                    sscanf(line, TRACE_READ, &ret->seed, &ret->nodes, &ret->steps, &ret->without) == 4;
    while (has_head && fgets(line, sizeof line, file) != NULL) {
        const char *at = strncmp(line, "seed ", 5) == 0 ? strstr(line, "trace ") : NULL;
        if (at != NULL) *ret_hash = strtoull(at + strlen("trace "), NULL, 16);
    }
    if (file != NULL) (void)fclose(file);
    return has_head;
}

static int replay(const struct sim_options *options, uint64_t wanted_hash) {
    struct sim_options aloud = *options;
    struct sim_result result;
    aloud.keeps_story = aloud.is_verbose = true;
    running = aloud.seed;
    (void)printf(TRACE_HEAD "\n", aloud.seed, aloud.nodes, aloud.steps, aloud.without);
    sim_run(&aloud, &result, NULL, NULL);
    (void)printf("seed %" PRIu64 ", %zu nodes, %" PRIu64 " steps, trace %016" PRIx64 ", faults:", aloud.seed,
                 result.nodes, result.steps, result.hash);
    print_faults(result.faults);
    if (result.failed)
        (void)printf("FAILED: %s at %s: %s\n", result.failure.invariant, sim_node_name(result.failure.node),
                     result.failure.text);
    bool differs = wanted_hash != 0 && wanted_hash != result.hash;
    if (differs)
        (void)printf("another trace than the file's, %016" PRIx64 ": the program has changed\n", wanted_hash);
    sim_story_free(&result.story);
    return result.failed || differs ? 1 : 0;
}

/* --- options -------------------------------------------------------------------------------------------- */
static int usage(FILE *out) {
    (void)fprintf(out,
                  "usage: gongji-sim --seed S | --seeds A..B | --replay S | --replay TRACE [options]\n"
                  "  --nodes N       2 to %u; else as the seed says\n"
                  "  --steps N       of engines in the phase with faults (%u)\n"
                  "  --without MASK  leaves faults out: bits of the list below\n"
                  "  --only LIST     those faults of the seed's, by their words: loss,crash\n"
                  "  --jobs N        processes (1)\n"
                  "  --twice         every seed twice: the trace must be the same\n"
                  "  --sqlite        all stores are SQLite files\n"
                  "  --backups       stores are put back from copies, whatever the seed says\n"
                  "  --bad-disk HOW  unsynced | normal: SQLite on a disk that does not sync, or told not to\n"
                  "  --quiet         only what fails, and the sums\n"
                  "  --no-minimise   a failure with all its faults, at once\n"
                  "  --must-hit      fails if the seeds together do not meet all that they must\n"
                  "  --stop-at-first no seed behind the first that fails\n"
                  "faults:",
                  SIM_NODES_MAX, SIM_STEPS);
    for (unsigned i = 0; i < SIM_FAULT_COUNT; i++)
        (void)fprintf(out, " 0x%x %s", 1u << i, sim_fault_word((enum sim_fault)i));
    (void)fputc('\n', out);
    return out == stdout ? 0 : 2;
}

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "--exhaustive") == 0) return ex_main(argc, argv);
    static const struct option options[] = {{"seed", required_argument, NULL, 's'},
                                            {"seeds", required_argument, NULL, 'r'},
                                            {"replay", required_argument, NULL, 'p'},
                                            {"nodes", required_argument, NULL, 'n'},
                                            {"steps", required_argument, NULL, 't'},
                                            {"without", required_argument, NULL, 'w'},
                                            {"only", required_argument, NULL, 'o'},
                                            {"jobs", required_argument, NULL, 'j'},
                                            {"twice", no_argument, NULL, '2'},
                                            {"liar", no_argument, NULL, 'l'},
                                            {"no-minimise", no_argument, NULL, 'm'},
                                            {"sqlite", no_argument, NULL, 'S'},
                                            {"backups", no_argument, NULL, 'B'},
                                            {"bad-disk", required_argument, NULL, 'b'},
                                            {"must-hit", no_argument, NULL, 'u'},
                                            {"stop-at-first", no_argument, NULL, 'f'},
                                            {"quiet", no_argument, NULL, 'q'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    struct job job = {.jobs = 1, .options = {.steps = SIM_STEPS}};
    bool aloud = false, has_seeds = false;
    uint64_t wanted_hash = 0;
    int c;
    while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        char *end = optarg;
        uint64_t value = optarg != NULL ? strtoull(optarg, &end, 0) : 0;
        bool is_number = optarg == NULL || end != optarg;
        if (c == 's' || c == 'r' || c == 'p') {
            job.from = job.to = value;
            has_seeds = true;
            aloud = c == 'p';
        }
        if (c == 'p' && !is_number) {
            if (!read_trace(optarg, &job.options, &wanted_hash)) return usage(stderr);
            job.from = job.to = job.options.seed;
            continue;
        }
        if (c == 'o') {
            if (!read_words(optarg, &job.options.without)) return usage(stderr);
            continue;
        }
        if (c == 'b') {
            bool is_normal = strcmp(optarg, "normal") == 0;
            if (!is_normal && strcmp(optarg, "unsynced") != 0) return usage(stderr);
            job.options.bad_disk = is_normal ? SIM_DISK_NORMAL : SIM_DISK_UNSYNCED;
            job.options.on_sqlite = is_raw = true;
            continue;
        }
        if (c == 'r' && strncmp(end, "..", 2) == 0) job.to = strtoull(end + 2, &end, 0);
        if (!is_number || (optarg != NULL && *end != '\0')) return usage(stderr);
        if (c == 'n') job.options.nodes = (unsigned)value;
        if (c == 't') job.options.steps = value;
        if (c == 'w') job.options.without = (uint32_t)value;
        if (c == 'j') job.jobs = (unsigned)value;
        if (c == '2') job.twice = true;
        if (c == 'l') job.options.has_liar = is_raw = true;
        if (c == 'm') is_raw = true;
        if (c == 'S') job.options.on_sqlite = true;
        if (c == 'B') job.options.has_backups = true;
        if (c == 'f') job.stops = true;
        if (c == 'u') job.must_hit = true;
        if (c == 'q') job.quiet = true;
        if (c == 'h') return usage(stdout);
        if (c == '?') return usage(stderr);
    }
    bool nodes_fit = job.options.nodes == 0 || (job.options.nodes >= 2 && job.options.nodes <= SIM_NODES_MAX);
    if (!has_seeds || !nodes_fit || job.to < job.from || job.jobs == 0 || job.jobs > 64) return usage(stderr);
    watch();
    /* An engine's tables come as fresh pages at each of its many starts, so that only those which it uses cost; the
     * smaller ones stay with us. */
    (void)mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
    (void)mallopt(M_TRIM_THRESHOLD, 16 * LARGE_BYTES);
    job.options.seed = job.from;
    return aloud ? replay(&job.options, wanted_hash) : run_many(&job);
}

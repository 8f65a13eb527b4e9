/* SPDX-License-Identifier: Apache-2.0
 *
 * gongji-bench: settlements between two nodes with 1, 16 and 128 in flight. Prints how fast, and what one
 * settlement costs each node in signatures, flushes, messages and bytes. Only the counts are judged: they do not
 * depend on the machine.
 */
#include "bench.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT_DEFAULT 1000u
#define COUNT_MIN     256u /* two rounds of the largest level */
#define COUNT_MAX     100000u
#define COST_MAX      0.5 /* signatures and flushes per settlement and node at the last level */
#define WARM_UP       32

static const unsigned levels[] = {1, 16, 128};
#define N_LEVELS (sizeof levels / sizeof levels[0])

/* What is counted at each node: the name of the figure in its /metrics. */
enum { SIGNATURES, FLUSHES, MESSAGES, BYTES, N_FIGURES };
static const struct {
    const char *metric, *word;
} figures[N_FIGURES] = {{"gongji_signatures_total", "signatures"},
                        {"gongji_flushes_total", "flushes"},
                        {"gongji_messages_out_total", "messages"},
                        {"gongji_parcel_bytes_out_total", "bytes"}};

struct counts {
    uint64_t of[BENCH_NODES][N_FIGURES];
};

struct result {
    double per_s, p50_ms, p99_ms;
    double cost[BENCH_NODES][N_FIGURES]; /* per settlement */
};

/* --- counting -------------------------------------------------------------------------------------------------- */
static uint64_t figure_of(const char *page, const char *metric) {
    char start[80];
    (void)snprintf(start, sizeof start, "\n%s{", metric);
    const char *at = strstr(page, start);
    at = at != NULL ? strchr(at, '}') : NULL;
    if (at == NULL) bench_fail("/metrics has no %s", metric);
    return strtoull(at + 1, NULL, 10);
}

static void read_counts(struct counts *ret) {
    for (size_t node = 0; node < BENCH_NODES; node++) {
        const char *page;
        if (bench_get(&bench_nodes[node], "/metrics", &page) != 200) bench_fail("no /metrics");
        for (size_t i = 0; i < N_FIGURES; i++)
            ret->of[node][i] = figure_of(page, figures[i].metric);
    }
}

/* Acknowledgements come after the client's answer: reads until nothing moves any more. */
static void read_quiet_counts(struct counts *ret) {
    struct counts before;
    read_counts(ret);
    do {
        before = *ret;
        bench_pause_ms(300);
        read_counts(ret);
    } while (memcmp(&before, ret, sizeof before) != 0);
}

/* --- calls --------------------------------------------------------------------------------------------------------- */
static void bind_body(void *ctx, unsigned i, char *dst, size_t cap) {
    char payer[19], payer_name[64], patient[19], patient_name[64];
    (void)ctx;
    bench_person(true, i, payer, payer_name);
    bench_person(false, i, patient, patient_name);
    (void)snprintf(dst, cap,
                   "{\"sender\":\"330000/bench\",\"msgid\":\"B%u\",\"consent_ref\":\"bench\","
                   "\"relation\":\"child\","
                   "\"payer\":{\"insuplc_admdvs\":\"" BENCH_HOME "\",\"psn_cert_type\":\"01\","
                   "\"certno\":\"%s\",\"psn_name\":\"%s\"},"
                   "\"recipient\":{\"insuplc_admdvs\":\"" BENCH_HOME "\",\"psn_cert_type\":\"01\","
                   "\"certno\":\"%s\",\"psn_name\":\"%s\"}}",
                   i, payer, payer_name, patient, patient_name);
}

/* One yuan, all of it from the payer: the patient has no account of his own. */
static void settle_body(void *ctx, unsigned i, char *dst, size_t cap) {
    const char *series = ctx;
    char patient[19], name[64];
    bench_person(false, i % BENCH_PAIRS, patient, name);
    (void)snprintf(dst, cap,
                   "{\"fixmedins_code\":\"" BENCH_INSTITUTION "\",\"msgid\":\"S%s-%u\","
                   "\"mdtrtarea_admvs\":\"" BENCH_CARE "\",\"insuplc_admdvs\":\"" BENCH_HOME "\","
                   "\"psn_cert_type\":\"01\",\"certno\":\"%s\",\"psn_name\":\"%s\","
                   "\"mdtrt_cert_type\":\"02\",\"mdtrt_cert_no\":\"%s\",\"med_type\":\"11\","
                   "\"medfee_sumamt\":\"1.00\",\"fund_pay_sumamt\":\"0.00\",\"psn_part_amt\":\"1.00\","
                   "\"acct_payable_amt\":\"1.00\",\"expected_psn_cash_pay\":\"0.00\"}",
                   series, i, patient, name, patient);
}

static void must_be_done(void *ctx, unsigned i, int status, const char *body) {
    (void)ctx;
    if (status != 200) bench_fail("call %u: %d %.500s", i, status, body);
}

static int64_t post(size_t node, const char *path, unsigned count, unsigned in_flight,
                    void (*body)(void *, unsigned, char *, size_t), char *series, int64_t *ns) {
    const struct bench_load load = {&bench_nodes[node], "POST", path, count, in_flight, body,
                                    must_be_done,       series, ns};
    int64_t took_ns = bench_call_all(&load);
    if (took_ns < 0) bench_fail("%s does not listen", bench_nodes[node].name);
    return took_ns;
}

/* --- a level ------------------------------------------------------------------------------------------------------- */
static int compare_ns(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

/* The smallest value that at least |percent| of all do not exceed. */
static double percentile_ms(const int64_t *sorted, unsigned n, unsigned percent) {
    size_t rank = ((size_t)n * percent + 99) / 100;
    return (double)sorted[rank - 1] / 1e6;
}

static void run_level(unsigned in_flight, unsigned count, int64_t *ns, struct result *ret) {
    struct counts before, after;
    char series[16];
    (void)snprintf(series, sizeof series, "%u", in_flight);
    read_quiet_counts(&before);
    int64_t took_ns = post(BENCH_NODE_CARE, "/v1/settlements", count, in_flight, settle_body, series, ns);
    read_quiet_counts(&after);
    qsort(ns, count, sizeof ns[0], compare_ns);
    ret->per_s = (double)count * 1e9 / (double)took_ns;
    ret->p50_ms = percentile_ms(ns, count, 50);
    ret->p99_ms = percentile_ms(ns, count, 99);
    for (size_t node = 0; node < BENCH_NODES; node++)
        for (size_t i = 0; i < N_FIGURES; i++)
            ret->cost[node][i] = (double)(after.of[node][i] - before.of[node][i]) / count;
}

/* --- telling ------------------------------------------------------------------------------------------------------- */
static void print_level(unsigned in_flight, const struct result *result) {
    for (size_t node = 0; node < BENCH_NODES; node++) {
        char rate[64] = "";
        if (node == 0)
            (void)snprintf(rate, sizeof rate, "%9u %10.1f %9.2f %9.2f", in_flight, result->per_s,
                           result->p50_ms, result->p99_ms);
        printf("%-40s  %-22s", rate, bench_nodes[node].role);
        for (size_t i = 0; i < N_FIGURES; i++)
            printf(" %10.*f", i == BYTES ? 0 : 3, result->cost[node][i]);
        printf("\n");
    }
    (void)fflush(stdout);
}

static void print_json(const struct result *results, unsigned count, bool holds) {
    printf("{\"settlements_per_level\":%u,\"levels\":[", count);
    for (size_t k = 0; k < N_LEVELS; k++) {
        const struct result *result = &results[k];
        printf("%s{\"in_flight\":%u,\"per_s\":%.1f,\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"nodes\":[",
               k > 0 ? "," : "", levels[k], result->per_s, result->p50_ms, result->p99_ms);
        for (size_t node = 0; node < BENCH_NODES; node++) {
            printf("%s{\"node\":\"%s\",\"role\":\"%s\"", node > 0 ? "," : "", bench_nodes[node].name,
                   bench_nodes[node].role);
            for (size_t i = 0; i < N_FIGURES; i++)
                printf(",\"%s\":%.4f", figures[i].word, result->cost[node][i]);
            printf("}");
        }
        printf("]}");
    }
    printf("],\"limit\":%.1f,\"batching_holds\":%s}\n", COST_MAX, holds ? "true" : "false");
}

static bool judge(const struct result *result) {
    bool holds = true;
    for (size_t node = 0; node < BENCH_NODES; node++)
        if (result->cost[node][SIGNATURES] >= COST_MAX || result->cost[node][FLUSHES] >= COST_MAX)
            holds = false;
    return holds;
}

/* --- the program ----------------------------------------------------------------------------------------------------- */
struct options {
    unsigned count;
    bool json, keep;
    const char *folder;
};

static bool read_options(int argc, char **argv, struct options *ret) {
    static const struct option known[] = {{"count", required_argument, NULL, 'c'},
                                          {"folder", required_argument, NULL, 'f'},
                                          {"json", no_argument, NULL, 'j'},
                                          {"keep", no_argument, NULL, 'k'},
                                          {NULL, 0, NULL, 0}};
    char *end = NULL;
    *ret = (struct options){.count = COUNT_DEFAULT, .folder = "/var/tmp"};
    for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        if (option == 'j') ret->json = true;
        if (option == 'k') ret->keep = true;
        if (option == 'f') ret->folder = optarg;
        if (option == 'c') {
            unsigned long count = strtoul(optarg, &end, 10);
            if (*end != '\0' || count < COUNT_MIN || count > COUNT_MAX) return false;
            ret->count = (unsigned)count;
        }
        if (option == '?') return false;
    }
    return optind == argc;
}

int main(int argc, char **argv) {
    struct options options;
    struct result results[N_LEVELS];
    char warm[] = "warm";
    if (!read_options(argc, argv, &options)) {
        (void)fprintf(stderr,
                      "usage: gongji-bench [--count %u..%u per level] [--json] [--folder PARENT] [--keep]\n",
                      COUNT_MIN, COUNT_MAX);
        return 2;
    }
    int64_t *ns = calloc(options.count + BENCH_PAIRS, sizeof *ns);
    if (ns == NULL) bench_fail("out of memory");
    bench_setup(options.folder);
    (void)post(BENCH_NODE_HOME, "/v1/bindings", BENCH_PAIRS, 16, bind_body, NULL, ns);
    (void)post(BENCH_NODE_CARE, "/v1/settlements", WARM_UP, 1, settle_body, warm, ns);
    if (!options.json) {
        printf(
            "%u settlements per level, two nodes, SM2; signatures, flushes, messages and bytes per "
            "settlement\n\n"
            "in flight      per s    p50 ms    p99 ms  %-22s signatures    flushes   messages      bytes\n",
            options.count, "node");
    }
    for (size_t k = 0; k < N_LEVELS; k++) {
        run_level(levels[k], options.count, ns, &results[k]);
        if (!options.json) print_level(levels[k], &results[k]);
    }
    free(ns);
    bench_finish(WARM_UP + N_LEVELS * options.count, options.keep);
    bool holds = judge(&results[N_LEVELS - 1]);
    if (options.json)
        print_json(results, options.count, holds);
    else
        printf("\nbatching: with %u in flight fewer than %.1f signatures and %.1f flushes per settlement and "
               "node: %s\n",
               levels[N_LEVELS - 1], COST_MAX, COST_MAX, holds ? "holds" : "DOES NOT HOLD");
    return holds ? 0 : 1;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * The bench: two nodes as real processes on loopback, driven over HTTP as a hospital's system would. setup.c
 * makes and stops the nodes, client.c speaks HTTP, main.c measures. Whatever goes wrong ends the program.
 */
#ifndef GJ_TESTS_BENCH_H
#define GJ_TESTS_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define BENCH_PATH_CAP    512
#define BENCH_BODY_CAP    2048           /* of a call */
#define BENCH_ANSWER_CAP  (512u * 1024u) /* of an answer, headers included */
#define BENCH_FLIGHTS_MAX 128
#define BENCH_PAIRS       256 /* patients, each with one payer of his own */
#define BENCH_CARE        "360100"
#define BENCH_HOME        "330200"
#define BENCH_INSTITUTION "H36010000001"

struct bench_node {
    const char *name, *role, *region;
    char folder[BENCH_PATH_CAP];
    char token[33];
    uint16_t http_port;
    pid_t pid;
};

/* The place of care, and the home of all patients and payers. */
enum { BENCH_NODE_CARE, BENCH_NODE_HOME, BENCH_NODES };
extern struct bench_node bench_nodes[BENCH_NODES];

/* --- setup.c --- */
_Noreturn void bench_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
void bench_pause_ms(long ms);
/* Keys, registry, configurations, people, stores below a new folder in |parent|; both nodes started and open. */
void bench_setup(const char *parent);
/* Stops both nodes and proves their books; the place of care must owe its institution |yuan|. */
void bench_finish(unsigned long yuan, bool keep);
/* Person |i| of the patients or of the payers: his number, his name. */
void bench_person(bool is_payer, unsigned i, char certno[19], char name[64]);

/* --- client.c --- */
struct bench_load {
    const struct bench_node *node;
    const char *method, *path;
    unsigned count, in_flight;
    void (*body)(void *ctx, unsigned i, char *dst, size_t cap); /* NULL: none */
    void (*answer)(void *ctx, unsigned i, int status, const char *body);
    void *ctx;
    int64_t *ns; /* how long each of the |count| calls took */
};

/* Calls all of them over keep-alive connections, one call at a time on each. Returns the nanoseconds it took;
 * -1 if nobody listens. */
int64_t bench_call_all(const struct bench_load *load);
/* One GET; the body is valid until the next. 0 if nobody listens. */
int bench_get(const struct bench_node *node, const char *path, const char **ret_body);

#endif

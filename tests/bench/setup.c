/* SPDX-License-Identifier: Apache-2.0
 *
 * Two nodes for the bench: people (all invented), the files that nodes.sh makes, the processes, and the proof of
 * their books at the end. Everything lives in one new folder on disk.
 */
#include "bench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define OUTPUT_CAP 4096

struct bench_node bench_nodes[BENCH_NODES] = {
    [BENCH_NODE_CARE] = {.name = "360000", .role = "place of care", .region = BENCH_CARE},
    [BENCH_NODE_HOME] = {.name = "330000", .role = "home, payer", .region = BENCH_HOME},
};
static char folder[BENCH_PATH_CAP - 64], programs[BENCH_PATH_CAP - 64];

void bench_fail(const char *format, ...) {
    va_list args;
    va_start(args, format);
    (void)fprintf(stderr, "gongji-bench: ");
    (void)vfprintf(stderr, format, args);
    va_end(args);
    if (folder[0] != '\0') (void)fprintf(stderr, "\ngongji-bench: logs and stores are in %s", folder);
    (void)fputc('\n', stderr);
    exit(1);
}

void bench_pause_ms(long ms) {
    const struct timespec pause = {ms / 1000, ms % 1000 * 1000000};
    (void)nanosleep(&pause, NULL);
}

/* --- files ------------------------------------------------------------------------------------------------------ */
static FILE *open_in(const struct bench_node *node, const char *name, const char *mode) {
    char path[BENCH_PATH_CAP + 32];
    (void)snprintf(path, sizeof path, "%s/%s", node->folder, name);
    FILE *file = fopen(path, mode);
    if (file == NULL) bench_fail("%s: %s", path, strerror(errno));
    return file;
}

/* --- processes ------------------------------------------------------------------------------------------------- */
/* Runs a command of the shell to its end; all that it prints goes into |output| of OUTPUT_CAP bytes. */
static bool run(const char *command, char *output) {
    FILE *pipe = popen(command, "r");
    if (pipe == NULL) bench_fail("popen: %s", strerror(errno));
    output[fread(output, 1, OUTPUT_CAP - 1, pipe)] = '\0';
    return pclose(pipe) == 0;
}

static void stop_nodes(void) {
    for (size_t i = 0; i < BENCH_NODES; i++)
        if (bench_nodes[i].pid > 0) (void)kill(bench_nodes[i].pid, SIGTERM);
    for (size_t i = 0; i < BENCH_NODES; i++) {
        if (bench_nodes[i].pid > 0) (void)waitpid(bench_nodes[i].pid, NULL, 0);
        bench_nodes[i].pid = 0;
    }
}

static void start_node(struct bench_node *node) {
    char path[BENCH_PATH_CAP], config[BENCH_PATH_CAP + 16];
    (void)snprintf(path, sizeof path, "%s/gongjid", programs);
    (void)snprintf(config, sizeof config, "%s/node.yaml", node->folder);
    FILE *log = open_in(node, "node.log", "ae");
    node->pid = fork();
    if (node->pid < 0) bench_fail("fork: %s", strerror(errno));
    if (node->pid == 0) {
        (void)dup2(fileno(log), STDOUT_FILENO);
        (void)dup2(fileno(log), STDERR_FILENO);
        (void)execl(path, path, "--config", config, (char *)NULL);
        _exit(127);
    }
    (void)fclose(log);
}

static void wait_open(struct bench_node *node) {
    for (unsigned tries = 0; tries < 600; tries++) {
        const char *body = "";
        if (waitpid(node->pid, NULL, WNOHANG) != 0) {
            node->pid = 0;
            bench_fail("%s ended: see its node.log", node->name);
        }
        bool answers = bench_get(node, "/v1/node", &body) == 200;
        if (answers && strstr(body, "\"state\":\"open\"") != NULL && strstr(body, "\"heard\":false") == NULL)
            return;
        bench_pause_ms(50);
    }
    bench_fail("%s does not open: see its node.log", node->name);
}

/* A port that nobody has now. */
static uint16_t free_port(void) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof address) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) != 0)
        bench_fail("no free port: %s", strerror(errno));
    (void)close(fd);
    return ntohs(address.sin_port);
}

/* --- people ------------------------------------------------------------------------------------------------------ */
void bench_person(bool is_payer, unsigned i, char certno[19], char name[64]) {
    static const unsigned weights[17] = {7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2};
    unsigned sum = 0;
    /* The first six digits are a whole city's code, which no person has. */
    (void)snprintf(certno, 19, "330200%s0101%03u", is_payer ? "1970" : "2015", (i + 1) % 1000);
    for (size_t k = 0; k < 17; k++)
        sum += (unsigned)(certno[k] - '0') * weights[k];
    certno[17] = "10X98765432"[sum % 11];
    certno[18] = '\0';
    (void)snprintf(name, 64, "测试%s%u", is_payer ? "甲" : "乙", i + 1);
}

static void make_people(const struct bench_node *node) {
    char certno[19], name[64];
    FILE *file = open_in(node, "people.csv", "wxe");
    (void)fputs("psn_no,psn_cert_type,certno,psn_name,insuplc_admdvs,insutype,psn_type,psn_insu_stas,"
                "account_status,card_no,prior,current\n",
                file);
    for (unsigned i = 0; node == &bench_nodes[BENCH_NODE_HOME] && i < BENCH_PAIRS; i++) {
        bench_person(true, i, certno, name);
        (void)fprintf(file, "A%u,01,%s,%s," BENCH_HOME ",310,1101,1,normal,,1000000.00,0.00\n", i, certno,
                      name);
        bench_person(false, i, certno, name);
        (void)fprintf(file, "B%u,01,%s,%s," BENCH_HOME ",390,1403,1,,,0.00,0.00\n", i, certno, name);
    }
    (void)fclose(file); /* a file that is not whole does not load */
    file = open_in(node, "institutions.csv", "wxe");
    (void)fputs("fixmedins_code,fixmedins_name,open_from,open_to\n", file);
    if (node == &bench_nodes[BENCH_NODE_CARE]) (void)fputs(BENCH_INSTITUTION ",测试医院,2020-01-01,\n", file);
    (void)fclose(file);
}

/* --- all of it ---------------------------------------------------------------------------------------------------- */
/* gongji and gongjid lie beside this program. */
static void find_programs(void) {
    ssize_t len = readlink("/proc/self/exe", programs, sizeof programs - 1);
    if (len <= 0) bench_fail("/proc/self/exe: %s", strerror(errno));
    programs[len] = '\0';
    *strrchr(programs, '/') = '\0';
}

/* Keys, registry, configurations, stores: a shell script says it best. */
static void run_script(void) {
    char command[4 * BENCH_PATH_CAP], output[OUTPUT_CAP];
    int len = snprintf(command, sizeof command, "sh '%s/tests/bench/nodes.sh' '%s' '%s'", GJ_SOURCE_DIR,
                       programs, folder);
    for (size_t i = 0; i < BENCH_NODES; i++) {
        struct bench_node *node = &bench_nodes[i];
        node->http_port = free_port();
        len += snprintf(command + len, sizeof command - (size_t)len, " %s %s %u %u", node->name, node->region,
                        free_port(), node->http_port);
    }
    (void)snprintf(command + len, sizeof command - (size_t)len, " 2>&1");
    if (!run(command, output)) bench_fail("nodes.sh failed: %s", output);
}

static void read_token(struct bench_node *node) {
    FILE *file = open_in(node, "token", "re");
    if (fscanf(file, "%32s", node->token) != 1) bench_fail("%s has no token", node->name);
    (void)fclose(file);
}

void bench_setup(const char *parent) {
    find_programs();
    (void)snprintf(folder, sizeof folder, "%.400s/gongji-bench-XXXXXX", parent);
    if (strchr(folder, '\'') != NULL || mkdtemp(folder) == NULL)
        bench_fail("%s: %s", folder, strerror(errno));
    (void)atexit(stop_nodes);
    for (size_t i = 0; i < BENCH_NODES; i++) {
        struct bench_node *node = &bench_nodes[i];
        (void)snprintf(node->folder, sizeof node->folder, "%s/%s", folder, node->name);
        if (mkdir(node->folder, 0755) != 0) bench_fail("%s: %s", node->folder, strerror(errno));
        make_people(node);
    }
    run_script();
    for (size_t i = 0; i < BENCH_NODES; i++) {
        read_token(&bench_nodes[i]);
        start_node(&bench_nodes[i]);
    }
    for (size_t i = 0; i < BENCH_NODES; i++)
        wait_open(&bench_nodes[i]);
}

void bench_finish(unsigned long yuan, bool keep) {
    char output[OUTPUT_CAP], command[3 * BENCH_PATH_CAP], owed[64];
    stop_nodes();
    (void)snprintf(owed, sizeof owed, "institutions %lu.00\n", yuan);
    for (size_t i = 0; i < BENCH_NODES; i++) {
        const struct bench_node *node = &bench_nodes[i];
        (void)snprintf(command, sizeof command, "'%s/gongji' books --config '%s/node.yaml' 2>&1", programs,
                       node->folder);
        bool agrees = run(command, output) && (i != BENCH_NODE_CARE || strstr(output, owed) != NULL);
        if (!agrees) bench_fail("books of %s, %lu yuan were settled:\n%s", node->name, yuan, output);
    }
    (void)snprintf(command, sizeof command, "%s '%s' 2>&1", keep ? "echo" : "rm -rf", folder);
    if (!run(command, output)) bench_fail("%s", output);
    if (keep) (void)fprintf(stderr, "gongji-bench: kept %s", output);
}

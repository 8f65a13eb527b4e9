/* SPDX-License-Identifier: Apache-2.0
 *
 * As much of an HTTP client as the bench needs: keep-alive connections under one poll(), answers with a
 * Content-Length. It must never retry: a call that is sent twice would be counted once.
 */
#include "bench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define STALLED_MS 30000

struct connection {
    int fd;
    bool busy;
    unsigned call; /* its number */
    int64_t since_ns;
    char out[BENCH_BODY_CAP + 512];
    size_t out_len, out_done;
    char *in;
    size_t in_len;
};

struct calling {
    const struct bench_load *load;
    struct connection connections[BENCH_FLIGHTS_MAX];
    unsigned n, begun, done;
};

static int64_t now_ns(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static bool open_connection(const struct bench_node *node, struct connection *ret) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(node->http_port)};
    int yes = 1;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ret->in = malloc(BENCH_ANSWER_CAP + 1);
    ret->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (ret->fd < 0 || ret->in == NULL) bench_fail("no connection: %s", strerror(errno));
    if (connect(ret->fd, (const struct sockaddr *)&address, sizeof address) != 0) return false;
    (void)setsockopt(ret->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    (void)fcntl(ret->fd, F_SETFL, O_NONBLOCK);
    return true;
}

/* Writes what can be written now. */
static void push(struct connection *connection) {
    while (connection->out_done < connection->out_len) {
        ssize_t n = send(connection->fd, connection->out + connection->out_done,
                         connection->out_len - connection->out_done, MSG_NOSIGNAL);
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
        if (n < 0) bench_fail("send: %s", strerror(errno));
        connection->out_done += (size_t)n;
    }
}

/* Gives the connection its next call and starts it; it stays idle when there are no more. */
static void begin(struct calling *calling, struct connection *connection) {
    const struct bench_load *load = calling->load;
    char body[BENCH_BODY_CAP] = "";
    connection->busy = calling->begun < load->count;
    if (!connection->busy) return;
    connection->call = calling->begun++;
    if (load->body != NULL) load->body(load->ctx, connection->call, body, sizeof body);
    int len = snprintf(connection->out, sizeof connection->out,
                       "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %s\r\n"
                       "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                       load->method, load->path, load->node->token, strlen(body), body);
    if (len < 0 || (size_t)len >= sizeof connection->out) bench_fail("a call is too long");
    connection->out_len = (size_t)len;
    connection->out_done = connection->in_len = 0;
    connection->since_ns = now_ns();
    push(connection);
}

/* Reads what can be read now; the body when the answer is whole, else NULL. */
static const char *pull(struct connection *connection, int *ret_status) {
    ssize_t n =
        recv(connection->fd, connection->in + connection->in_len, BENCH_ANSWER_CAP - connection->in_len, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return NULL;
    if (n <= 0) bench_fail("a node closed a connection");
    connection->in_len += (size_t)n;
    connection->in[connection->in_len] = '\0';
    const char *end = strstr(connection->in, "\r\n\r\n");
    size_t length = 0;
    if (end == NULL) return NULL;
    for (const char *line = strstr(connection->in, "\r\n"); line < end; line = strstr(line + 2, "\r\n"))
        if (strncasecmp(line + 2, "Content-Length:", 15) == 0) length = strtoul(line + 17, NULL, 10);
    if (connection->in_len < (size_t)(end + 4 - connection->in) + length) return NULL;
    *ret_status = strncmp(connection->in, "HTTP/1.1 ", 9) == 0 ? atoi(connection->in + 9) : -1;
    return end + 4;
}

static void serve(struct calling *calling, struct connection *connection) {
    const struct bench_load *load = calling->load;
    int status = 0;
    push(connection);
    const char *body = pull(connection, &status);
    if (body == NULL) return;
    load->ns[connection->call] = now_ns() - connection->since_ns;
    load->answer(load->ctx, connection->call, status, body);
    calling->done++;
    begin(calling, connection);
}

static void serve_ready(struct calling *calling) {
    struct pollfd fds[BENCH_FLIGHTS_MAX];
    for (unsigned i = 0; i < calling->n; i++) {
        const struct connection *connection = &calling->connections[i];
        bool writes = connection->out_done < connection->out_len;
        fds[i] = (struct pollfd){.fd = connection->busy ? connection->fd : -1,
                                 .events = writes ? POLLOUT : POLLIN};
    }
    int ready = poll(fds, calling->n, STALLED_MS);
    if (ready == 0) bench_fail("no answer for %d s", STALLED_MS / 1000);
    for (unsigned i = 0; ready > 0 && i < calling->n; i++)
        if (fds[i].revents != 0) serve(calling, &calling->connections[i]);
}

int64_t bench_call_all(const struct bench_load *load) {
    static struct calling calling;
    bool listens = true;
    calling = (struct calling){.load = load};
    while (listens && calling.n < load->in_flight && calling.n < load->count)
        listens = open_connection(load->node, &calling.connections[calling.n++]);
    int64_t since_ns = now_ns();
    for (unsigned i = 0; listens && i < calling.n; i++)
        begin(&calling, &calling.connections[i]);
    while (listens && calling.done < load->count)
        serve_ready(&calling);
    int64_t took_ns = now_ns() - since_ns;
    for (unsigned i = 0; i < calling.n; i++) {
        (void)close(calling.connections[i].fd);
        free(calling.connections[i].in);
    }
    return listens ? took_ns : -1;
}

static char page[BENCH_ANSWER_CAP];
static int page_status;

static void take_page(void *ctx, unsigned i, int status, const char *body) {
    (void)ctx;
    (void)i;
    page_status = status;
    (void)snprintf(page, sizeof page, "%s", body);
}

int bench_get(const struct bench_node *node, const char *path, const char **ret_body) {
    int64_t ns;
    const struct bench_load load = {node, "GET", path, 1, 1, NULL, take_page, NULL, &ns};
    *ret_body = page;
    return bench_call_all(&load) < 0 ? 0 : page_status;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * A client of HTTP/1.1 for one call: one connection, one request, the answer until the node closes. It speaks to the
 * address of the node's own configuration only, and never prints a token.
 */
#include "cli/api.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "conf/conf.h"
#include "conf/file.h"

#define TOKEN_MAX    256u
#define ANSWER_MAX   ((size_t)256 * 1024)
#define WAIT_SECONDS 30 /* longer than the node lets a caller wait */

/* --- the token -------------------------------------------------------------------------------------------- */

static enum gj_err read_token(const char *path, char **ret, struct gj_conf_error *error) {
    struct stat status;
    size_t len = 0;
    GJ_TRY(gj_file_read(path, TOKEN_MAX, ret, &len, error));
    gj_text_trim_end(*ret);
    bool is_private = stat(path, &status) == 0 && (status.st_mode & (S_IRWXG | S_IRWXO)) == 0;
    bool is_word = (*ret)[0] != '\0' && strpbrk(*ret, " \t\r\n") == NULL;
    if (is_private && is_word) return GJ_OK;
    free(*ret);
    *ret = NULL;
    return gj_conf_fail(error, GJ_ERR_BAD_CONFIG, path, 0, NULL,
                        is_private ? "must hold one token" : "others can read it");
}

/* --- the line --------------------------------------------------------------------------------------------- */

static int open_line(const char *address, uint16_t port) {
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    const struct timeval wait = {.tv_sec = WAIT_SECONDS};
    bool is_v4 = inet_pton(AF_INET, address, &v4.sin_addr) == 1;
    if (!is_v4 && inet_pton(AF_INET6, address, &v6.sin6_addr) != 1) return -1;
    int fd = socket(is_v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
    int err = is_v4 ? connect(fd, (const struct sockaddr *)&v4, sizeof v4)
                    : connect(fd, (const struct sockaddr *)&v6, sizeof v6);
    if (err == 0) return fd;
    (void)close(fd);
    return -1;
}

static bool send_all(int fd, const char *bytes, size_t len) {
    while (len > 0) {
        ssize_t sent = send(fd, bytes, len, MSG_NOSIGNAL);
        if (sent <= 0) return false;
        bytes += sent;
        len -= (size_t)sent;
    }
    return true;
}

/* The answer with a NUL behind it; NULL if it did not come whole. */
static char *read_answer(int fd) {
    char *answer = malloc(ANSWER_MAX + 1);
    size_t len = 0;
    while (answer != NULL && len < ANSWER_MAX) {
        ssize_t got = recv(fd, answer + len, ANSWER_MAX - len, 0);
        if (got == 0) {
            answer[len] = '\0';
            return answer;
        }
        if (got < 0) break;
        len += (size_t)got;
    }
    free(answer);
    return NULL;
}

/* --- one call --------------------------------------------------------------------------------------------- */

static bool exchange(int fd, const char *path, const char *token, const char *body, char **ret) {
    char *head = NULL;
    size_t head_len = 0;
    FILE *out = open_memstream(&head, &head_len);
    if (out == NULL) return false;
    fprintf(out,
            "POST %s HTTP/1.1\r\nHost: node\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\n"
            "Content-Length: %zu\r\nConnection: close\r\n\r\n",
            path, token, strlen(body));
    bool is_sent = fclose(out) == 0 && send_all(fd, head, head_len) && send_all(fd, body, strlen(body));
    gj_wipe(head, head_len);
    free(head);
    *ret = is_sent ? read_answer(fd) : NULL;
    return *ret != NULL;
}

/* "HTTP/1.1 200 OK", headers, an empty line, the body. */
static bool read_status(const char *answer, struct gj_api_answer *ret) {
    const char *body = strstr(answer, "\r\n\r\n");
    char *end = NULL;
    if (strncmp(answer, "HTTP/1.1 ", 9) != 0 || body == NULL) return false;
    long status = strtol(answer + 9, &end, 10);
    if (status < 100 || status > 599 || *end != ' ') return false;
    ret->status = (int)status;
    ret->body = json_loads(body + 4, JSON_REJECT_DUPLICATES, NULL);
    return true;
}

static int call(const struct gj_args *args, const struct gj_conf *conf, const char *token, const char *path,
                const json_t *body, struct gj_api_answer *ret) {
    char text[128], *bytes = json_dumps(body, JSON_COMPACT), *answer = NULL;
    if (bytes == NULL) return gj_cli_fail(args, GJ_ERR_NO_MEMORY, "out of memory");
    int fd = open_line(conf->http_address, conf->http_port);
    (void)snprintf(text, sizeof text, "http://%.64s:%u: the node does not answer", conf->http_address,
                   (unsigned)conf->http_port);
    bool is_done = fd >= 0 && exchange(fd, path, token, bytes, &answer) && read_status(answer, ret);
    if (fd >= 0) (void)close(fd);
    free(answer);
    free(bytes);
    return is_done ? GJ_EXIT_OK : gj_cli_fail(args, GJ_ERR_IO, text);
}

int gj_api_post(const struct gj_args *args, const char *path, const json_t *body, struct gj_api_answer *ret) {
    struct gj_conf_error error = {""};
    struct gj_conf *conf = NULL;
    char *token = NULL;
    *ret = (struct gj_api_answer){.body = NULL};
    enum gj_err err = gj_conf_load(args->value[GJ_OPTION_CONFIG], &conf, &error);
    if (err == GJ_OK) err = read_token(args->value[GJ_OPTION_TOKEN], &token, &error);
    int code = err == GJ_OK ? call(args, conf, token, path, body, ret) : gj_cli_fail(args, err, error.text);
    if (token != NULL) gj_wipe(token, strlen(token));
    free(token);
    gj_conf_free(&conf);
    return code;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Callers and their tokens. A token is compared whole, against every client, so that the time taken tells
 * nothing about it. Never logs one.
 */
#include "http/edge.h"

#include <string.h>
#include <strings.h>

/* The token of "Bearer <token>" in a field of fixed size, zero-filled; false if it is none. */
static bool bearer_token(const char *authorization, char ret[sizeof((struct gj_http_client *)0)->token]) {
    static const char scheme[] = "Bearer ";
    const size_t cap = sizeof((struct gj_http_client *)0)->token;
    memset(ret, 0, cap);
    if (authorization == NULL || strncasecmp(authorization, scheme, sizeof scheme - 1) != 0) return false;
    const char *token = authorization + sizeof scheme - 1;
    token += strspn(token, " ");
    size_t len = strlen(token);
    if (len == 0 || len >= cap) return false;
    memcpy(ret, token, len + 1);
    return true;
}

const struct gj_http_client *gj_http_client_of(const struct gj_http_client *clients, size_t n,
                                               const char *authorization) {
    char presented[sizeof clients->token];
    if (!bearer_token(authorization, presented)) return NULL;
    const struct gj_http_client *found = NULL;
    for (size_t i = 0; i < n; i++) {
        char expected[sizeof clients->token] = {0};
        memcpy(expected, clients[i].token, strnlen(clients[i].token, sizeof expected - 1));
        volatile unsigned char difference = 0;
        for (size_t k = 0; k < sizeof expected; k++) {
            difference = (unsigned char)(difference | (presented[k] ^ expected[k]));
        }
        if (difference == 0) found = &clients[i];
    }
    return found;
}

static bool is_prefix(const char *senders) {
    size_t len = strlen(senders);
    return len > 0 && senders[len - 1] == '*';
}

/* The bureau's channels, not a caller for many hospitals. */
bool gj_http_client_sees_all(const struct gj_http_client *client) {
    return is_prefix(client->senders) && (client->senders[0] == '*' || strchr(client->senders, '/') != NULL);
}

bool gj_http_client_may(const struct gj_http_client *client, const char *sender) {
    if (!is_prefix(client->senders)) return strcmp(client->senders, sender) == 0;
    return strncmp(client->senders, sender, strlen(client->senders) - 1) == 0;
}

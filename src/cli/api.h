/* SPDX-License-Identifier: Apache-2.0
 *
 * One call of a running node's own API, as any client makes it: a token, a body, an answer. Nothing of the
 * node's store is touched.
 */
#ifndef GJ_CLI_API_H
#define GJ_CLI_API_H

#include <jansson.h>

#include "cli/cli.h"

struct gj_api_answer {
    int status;   /* of HTTP */
    json_t *body; /* the caller's; NULL if it was no JSON */
};

/* POSTs |body| to |path| at the node of --config, with the token of --token. Returns an exit code; on any but GJ_EXIT_OK
 * the reason has been printed and |ret| is empty. An answer of any status is GJ_EXIT_OK. */
int gj_api_post(const struct gj_args *args, const char *path, const json_t *body, struct gj_api_answer *ret);

#endif

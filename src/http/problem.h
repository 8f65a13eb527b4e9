/* SPDX-License-Identifier: Apache-2.0
 *
 * What the edge says when it refuses, the one table of HTTP statuses, and the rules in words.
 */
#ifndef GJ_HTTP_PROBLEM_H
#define GJ_HTTP_PROBLEM_H

#include "base/err.h"

#define GJ_FAULT_FIELD_CAP  80
#define GJ_FAULT_DETAIL_CAP 200
#define GJ_ALLOW_CAP        24

/* A refusal of the edge itself. Never carries a value that the caller sent, only names and reasons. */
struct gj_http_fault {
    enum gj_err err;
    unsigned status;                  /* 0: what the table says for |err| */
    char field[GJ_FAULT_FIELD_CAP];   /* a path such as "payer.certno", or "" */
    char detail[GJ_FAULT_DETAIL_CAP]; /* English, for people */
    char allow[GJ_ALLOW_CAP];         /* 405 only: the methods */
};

/* Fills |fault| and returns |err|. |field| may be NULL. */
enum gj_err gj_fault_set(struct gj_http_fault *fault, enum gj_err err, const char *field, const char *detail);
/* A caller's own word as a field name: letters, digits and _.-[] stay, anything else becomes '?'. */
void gj_fault_clean(char dst[GJ_FAULT_FIELD_CAP], const char *prefix, const char *word);

/* The status of an error code that reaches a client; every code has a row. */
unsigned gj_http_status(enum gj_err err);
/* Seconds for Retry-After, 0: no such header. */
unsigned gj_http_retry_after(enum gj_err err);
struct gj_rule_text {
    const char *rule; /* "R51" */
    const char *en;
    const char *zh;
};
/* NULL if the rule is not known here. */
const struct gj_rule_text *gj_rule_text_of(const char *rule);

#endif

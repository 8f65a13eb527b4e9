/* SPDX-License-Identifier: Apache-2.0
 *
 * The edge's tables: error code to HTTP status, rule to words; and how a refusal is written down. Decides
 * nothing; never looks at a body.
 */
#include "http/problem.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"

struct status_row {
    enum gj_err err;
    unsigned status;
    unsigned retry_after_s;
};

static const struct status_row status_rows[] = {
#define X(name, status, retry_after_s) {GJ_ERR_##name, status, retry_after_s},
#include "http/status.def"
#undef X
};

static const struct gj_rule_text rule_rows[] = {
#define X(rule, en, zh) {#rule, en, zh},
#include "http/rule_texts.def"
#undef X
};

static const struct status_row *row_of(enum gj_err err) {
    for (size_t i = 0; i < sizeof status_rows / sizeof status_rows[0]; i++) {
        if (status_rows[i].err == err) return &status_rows[i];
    }
    return NULL;
}

unsigned gj_http_status(enum gj_err err) {
    const struct status_row *row = row_of(err);
    return row == NULL ? 500 : row->status;
}

unsigned gj_http_retry_after(enum gj_err err) {
    const struct status_row *row = row_of(err);
    return row == NULL ? 0 : row->retry_after_s;
}

/* "R46a" is a clause of R46 and has its words. */
static bool is_rule_or_clause(const char *row, const char *rule) {
    size_t len = strlen(row);
    if (strncmp(row, rule, len) != 0) return false;
    return rule[len] == '\0' || (rule[len] >= 'a' && rule[len] <= 'z' && rule[len + 1] == '\0');
}

const struct gj_rule_text *gj_rule_text_of(const char *rule) {
    for (size_t i = 0; i < sizeof rule_rows / sizeof rule_rows[0]; i++) {
        if (is_rule_or_clause(rule_rows[i].rule, rule)) return &rule_rows[i];
    }
    return NULL;
}

enum gj_err gj_fault_set(struct gj_http_fault *fault, enum gj_err err, const char *field,
                         const char *detail) {
    memset(fault, 0, sizeof *fault);
    fault->err = err;
    snprintf(fault->field, sizeof fault->field, "%s", field == NULL ? "" : field);
    snprintf(fault->detail, sizeof fault->detail, "%s", detail);
    return err;
}

void gj_fault_clean(char dst[GJ_FAULT_FIELD_CAP], const char *prefix, const char *word) {
    static const char kept[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-[]";
    GJ_ASSERT(strlen(prefix) < GJ_FAULT_FIELD_CAP);
    snprintf(dst, GJ_FAULT_FIELD_CAP, "%s%s", prefix, word);
    for (char *c = dst + strlen(prefix); *c != '\0'; c++) {
        if (strchr(kept, *c) == NULL) *c = '?';
    }
}

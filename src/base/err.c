/* SPDX-License-Identifier: Apache-2.0
 *
 * Look-ups in the table of errors (err.def).
 */
#include "base/err.h"

#include <stddef.h>
#include <string.h>

#define GJ_RETRY_NO  false
#define GJ_RETRY_YES true

struct err_row {
    enum gj_err err;
    enum gj_err_class class;
    bool retry;
    const char *name;
    const char *en;
    const char *zh;
};

static const struct err_row rows[] = {
    {GJ_OK, GJ_CLASS_NONE, false, "OK", "done", "成功"},
#define X(name, number, class, retry, en, zh)                                                                \
    {GJ_ERR_##name, GJ_CLASS_##class, GJ_RETRY_##retry, #name, en, zh},
#include "base/err.def"
#undef X
};

static const struct err_row *find_row(enum gj_err err) {
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].err == err) return &rows[i];
    }
    return find_row(GJ_ERR_INTERNAL);
}

const char *gj_err_name(enum gj_err err) {
    return find_row(err)->name;
}

enum gj_err gj_err_from_name(const char *name) {
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (strcmp(rows[i].name, name) == 0) return rows[i].err;
    }
    return GJ_ERR_INTERNAL;
}

enum gj_err_class gj_err_class_of(enum gj_err err) {
    return find_row(err)->class;
}

bool gj_err_is_retryable(enum gj_err err) {
    return find_row(err)->retry;
}

const char *gj_err_text_en(enum gj_err err) {
    return find_row(err)->en;
}

const char *gj_err_text_zh(enum gj_err err) {
    return find_row(err)->zh;
}

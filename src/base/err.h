/* SPDX-License-Identifier: Apache-2.0
 *
 * The one error type. Codes come from err.def; they are part of the API.
 * A fallible function returns gj_err and must not be ignored; GJ_TRY returns early.
 */
#ifndef GJ_BASE_ERR_H
#define GJ_BASE_ERR_H

#include <stdbool.h>

enum gj_err_class {
    GJ_CLASS_NONE,
    GJ_CLASS_USAGE,
    GJ_CLASS_AUTH,
    GJ_CLASS_LIMIT,
    GJ_CLASS_PROTO,
    GJ_CLASS_POLICY,
    GJ_CLASS_CONFLICT,
    GJ_CLASS_IO,
    GJ_CLASS_STORE,
    GJ_CLASS_CRYPTO,
    GJ_CLASS_INTERNAL,
};

enum gj_err {
    GJ_OK = 0,
#define X(name, number, class, retry, en, zh) GJ_ERR_##name = (number),
#include "base/err.def"
#undef X
};

#define GJ_MUST_USE __attribute__((warn_unused_result))

/* Returns the error of |expr| to the caller unless it is GJ_OK. */
#define GJ_TRY(expr)                                                                                         \
    do {                                                                                                     \
        enum gj_err gj_try_err_ = (expr);                                                                    \
        if (gj_try_err_ != GJ_OK) return gj_try_err_;                                                        \
    } while (0)

/* Stable name of a code, "HOME_UNREACHABLE"; "OK" for GJ_OK. Never NULL. */
const char *gj_err_name(enum gj_err err);
/* The code of a stable name; GJ_ERR_INTERNAL if there is none. */
enum gj_err gj_err_from_name(const char *name);
enum gj_err_class gj_err_class_of(enum gj_err err);
/* May the same request succeed later? See err.def for under which msgid. */
bool gj_err_is_retryable(enum gj_err err);
const char *gj_err_text_en(enum gj_err err);
const char *gj_err_text_zh(enum gj_err err);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON to a struct and back, by the struct's shape: the same description that makes its msgpack. Amounts are
 * yuan texts with two places, dates "yyyy-MM-dd", transactions their text, digests and bytes hexadecimal.
 */
#ifndef GJ_HTTP_JSON_EDGE_H
#define GJ_HTTP_JSON_EDGE_H

#include <jansson.h>

#include "base/bytes.h"
#include "base/shape.h"
#include "http/problem.h"

#define GJ_JSON_DEPTH_MAX 8

/* Exactly one object: no duplicate keys, no NUL, no text after it, at most GJ_JSON_DEPTH_MAX deep.
 * GJ_ERR_BAD_JSON, TOO_DEEP. The caller owns |ret|. */
GJ_MUST_USE enum gj_err gj_json_parse(struct gj_slice text, json_t **ret, struct gj_http_fault *fault);

/* Fills |ret_value|, zeroed first, a struct of |shape|. Lists and bytes live in |arena|. Every field is
 * checked against its limits, then for what its name means (regions, identity numbers, ...).
 * GJ_ERR_UNKNOWN_FIELD, MISSING_FIELD, BAD_FIELD, BAD_AMOUNT, BAD_CERTNO, TOO_MANY, NO_SPACE; |fault|
 * names the field. */
GJ_MUST_USE enum gj_err gj_json_read(const struct gj_shape *shape, const json_t *object,
                                     struct gj_arena *arena, void *ret_value, struct gj_http_fault *fault);

/* The other way: fields in their order, absent optional ones left out. NULL when out of memory or when a
 * text is not UTF-8. The caller owns the result. */
json_t *gj_json_write(const struct gj_shape *shape, const void *value);

/* What field names mean beyond their type; part of gj_json_read(). */
GJ_MUST_USE enum gj_err gj_json_check(const struct gj_shape *shape, void *value, const char *path,
                                      struct gj_http_fault *fault);

#endif

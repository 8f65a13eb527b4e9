/* SPDX-License-Identifier: Apache-2.0
 *
 * A struct of a shape as JSON in the form of schemas/messages/: bin as lower-case hex, amounts in fen, dates
 * as numbers, absent optional fields left out. For tests that compare what was decoded with a file.
 */
#ifndef GJ_TESTS_SUPPORT_SHAPE_JSON_H
#define GJ_TESTS_SUPPORT_SHAPE_JSON_H

#include <jansson.h>

#include "base/shape.h"

/* A new reference. */
json_t *gj_test_shape_json(const struct gj_shape *shape, const void *value);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * Where a failed assert ends: one line on standard error, then abort.
 */
#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void gj_assert_failed(const char *cond, const char *file, int line) {
    fprintf(stderr, "gongji: assert failed: %s at %s:%d\n", cond, file, line);
    abort();
}

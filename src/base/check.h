/* SPDX-License-Identifier: Apache-2.0
 *
 * Asserts that stay on. For our own mistakes only, never for what a peer, a disk or a file says.
 * A crash is safe: the restart recovers from the store.
 */
#ifndef GJ_BASE_CHECK_H
#define GJ_BASE_CHECK_H

#define GJ_ASSERT(cond)                                                                                      \
    do {                                                                                                     \
        if (!(cond)) gj_assert_failed(#cond, __FILE__, __LINE__);                                            \
    } while (0)

/* Prints the place to standard error and aborts. */
_Noreturn void gj_assert_failed(const char *cond, const char *file, int line);

#endif

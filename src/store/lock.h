/* SPDX-License-Identifier: Apache-2.0
 *
 * One writing process per store: an exclusive lock on a file beside it, freed by the kernel however the
 * process ends.
 */
#ifndef GJ_STORE_LOCK_H
#define GJ_STORE_LOCK_H

#include <sys/types.h>

#include "base/err.h"

/* Locks "<path>.lock", made with mode 0600 if missing and never removed (removing it would let two processes
 * lock two files of the same name). GJ_ERR_STORE_LOCKED with |ret_holder|, 0 if it is not known; GJ_ERR_IO. */
GJ_MUST_USE enum gj_err gj_lock_take(const char *path, int *ret_fd, pid_t *ret_holder);

#endif

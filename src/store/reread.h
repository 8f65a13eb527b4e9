/* SPDX-License-Identifier: Apache-2.0
 *
 * What a store holds is what its disk holds.
 */
#ifndef GJ_STORE_REREAD_H
#define GJ_STORE_REREAD_H

#include "base/err.h"

/* Before a store is opened for writing, and never while this process has it open (closing a file would drop the locks
 * of SQLite). A sync that failed leaves pages in the system's memory that count as clean and never reached the disk: a
 * process that starts again would read them there, build on them, and lose them with the power. So what waits is
 * written, and the rest is read from the disk again. GJ_ERR_IO: errno tells. */
GJ_MUST_USE enum gj_err gj_store_reread(const char *path);

#endif

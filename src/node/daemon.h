/* SPDX-License-Identifier: Apache-2.0
 *
 * The daemon: opens store, net and HTTP, runs the engine on the calling thread until it is told to stop, and
 * closes all again. Everything with a thread, a socket or a clock hangs on it.
 */
#ifndef GJ_NODE_DAEMON_H
#define GJ_NODE_DAEMON_H

#include "node/load.h"

/* What the process ends with. */
enum gj_exit { GJ_EXIT_OK = 0, GJ_EXIT_FAILED = 1, GJ_EXIT_CONFIG = 2, GJ_EXIT_STORE = 3 };

/* Runs until SIGTERM or SIGINT has been served. |loaded| stays the caller's. A failure of the store does not
 * return: the process ends at once and recovers at the next start. */
enum gj_exit gj_daemon_run(const struct gj_loaded *loaded);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * A store made again from the inputs that were recorded with its flushes (record_inputs): same inputs, times and
 * seeds, same records, byte for byte.
 */
#ifndef GJ_TESTS_SUPPORT_REPLAY_H
#define GJ_TESTS_SUPPORT_REPLAY_H

#include "support/cluster.h"

/* Plays all that |recorded| holds into |store|, which is as that node's was before its first start. How many entries
 * that were; what cannot be read is an assert. |flip_a_seed|: deliberate fault, one bit of each turn's random seed. */
size_t gj_replay(struct gj_cluster *cluster, size_t node, const struct gj_packs *packs,
                 struct gj_store *recorded, struct gj_store *store, bool flip_a_seed);
/* How many fields and records differ, the recorded inputs apart; 0: the same. |ret_rows|: that were compared. */
size_t gj_replay_differences(struct gj_store *a, struct gj_store *b, size_t *ret_rows);

#endif

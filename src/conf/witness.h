/* SPDX-License-Identifier: Apache-2.0
 *
 * The witness: a small file outside the store that says how far the store was. A store that is behind its
 * witness was put back from a copy, and the node must not vote before its peers have told it what it forgot.
 *
 *     store_id <32 hex digits>
 *     machine <id>
 *     epoch <n>
 *     flush <n>
 */
#ifndef GJ_CONF_WITNESS_H
#define GJ_CONF_WITNESS_H

#include "conf/conf.h"
#include "protocol/protocol.h"

#define GJ_MACHINE_MAX 64

struct gj_witness_mark {
    uint8_t store_id[16];
    char machine[GJ_MACHINE_MAX + 1];
    uint32_t epoch;
    uint64_t flush;
};

/* /etc/machine-id; where there is none, "host-" and the host's name. */
void gj_machine_id(char dst[GJ_MACHINE_MAX + 1]);
/* Whole or not at all, by rename; not synced on purpose: it may be behind the store, never ahead of it.
 * GJ_ERR_IO. */
GJ_MUST_USE enum gj_err gj_witness_write(const char *path, const struct gj_witness_mark *mark,
                                         struct gj_conf_error *ret_error);
/* GJ_ERR_NOT_FOUND, GJ_ERR_IO, GJ_ERR_BAD_CONFIG for a file that is not a witness. */
GJ_MUST_USE enum gj_err gj_witness_read(const char *path, struct gj_witness_mark *ret,
                                        struct gj_conf_error *ret_error);
/* Equal to |store| or behind it, of the same store and machine? */
enum gj_witness gj_witness_compare(const struct gj_witness_mark *witness,
                                   const struct gj_witness_mark *store);
/* Reads |path| and compares: a missing or unreadable witness is doubtful. |ret_error| says why, or is "". */
enum gj_witness gj_witness_judge(const char *path, const struct gj_witness_mark *store,
                                 struct gj_conf_error *ret_error);

#endif

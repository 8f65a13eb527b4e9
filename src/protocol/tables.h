/* SPDX-License-Identifier: Apache-2.0
 *
 * The structs and table descriptions of tables.def.
 */
#ifndef GJ_PROTOCOL_TABLES_H
#define GJ_PROTOCOL_TABLES_H

#include "base/bytes.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/limits.h"
#include "base/store.h"

#include "base/shape_struct.h"
#include "protocol/tables.def"
#include "base/shape_undef.h"

extern const struct gj_table gj_table_node;
extern const struct gj_table gj_table_epoch;
extern const struct gj_table gj_table_peer;
extern const struct gj_table gj_table_request;
extern const struct gj_table gj_table_coord;
extern const struct gj_table gj_table_vote;
extern const struct gj_table gj_table_part;
extern const struct gj_table gj_table_resync;
extern const struct gj_table gj_table_replayed;
extern const struct gj_table gj_table_opening;
extern const struct gj_table gj_table_resolution;
extern const struct gj_table gj_table_case;
extern const struct gj_table gj_table_collected;

/* All of them, for the store's catalogue. */
extern const struct gj_table *const gj_protocol_tables[];
extern const size_t gj_protocol_n_tables;

#endif

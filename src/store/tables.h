/* SPDX-License-Identifier: Apache-2.0
 *
 * The struct and the table description of tables.def. Who wants a batch recorded fills the record; the
 * store only keeps it and never looks into the sealed inputs.
 */
#ifndef GJ_STORE_TABLES_H
#define GJ_STORE_TABLES_H

#include "base/store.h"

#define GJ_STORE_INPUTS_MAX (4 * 1024 * 1024) /* sealed inputs of one batch, bytes */

#include "base/shape_struct.h"
#include "store/tables.def"
#include "base/shape_undef.h"

extern const struct gj_table gj_table_batch;

extern const struct gj_table *const gj_store_tables[];
extern const size_t gj_store_n_tables;

#endif

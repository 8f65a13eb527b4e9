/* SPDX-License-Identifier: Apache-2.0
 *
 * The structs and table descriptions of tables.def.
 */
#ifndef GJ_DOMAIN_TABLES_H
#define GJ_DOMAIN_TABLES_H

#include "base/bytes.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/limits.h"
#include "base/store.h"
#include "wire/messages.h"

#define GJ_ENTRY_MAX (GJ_TXID_TEXT_CAP + 8) /* a journal entry: a txid's text and which leg */

#include "base/shape_struct.h"
#include "domain/tables.def"
#include "base/shape_undef.h"

/* --- books --- */
extern const struct gj_table gj_table_person;
extern const struct gj_table gj_table_account;
extern const struct gj_table gj_table_hold;
extern const struct gj_table gj_table_posting;
extern const struct gj_table gj_table_binding;
extern const struct gj_table gj_table_usage;
extern const struct gj_table gj_table_paid;
extern const struct gj_table gj_table_consumption;
extern const struct gj_table gj_table_institution;
extern const struct gj_table gj_table_notice;
/* --- desk --- */
extern const struct gj_table gj_table_settlement;
extern const struct gj_table gj_table_settlement_leg;
extern const struct gj_table gj_table_refund;
extern const struct gj_table gj_table_plan;
extern const struct gj_table gj_table_bound;
/* Kept as bytes inside rows. */
extern const struct gj_shape gj_shape_plan_covers;
extern const struct gj_shape gj_shape_explain_list;
extern const struct gj_shape gj_shape_payee_list;

/* All of them, for the store's catalogue. */
extern const struct gj_table *const gj_domain_tables[];
extern const size_t gj_domain_n_tables;

#endif

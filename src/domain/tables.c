/* SPDX-License-Identifier: Apache-2.0
 *
 * Descriptions of the domain's tables: keys and indexes.
 */
#include "domain/tables.h"

#include "base/money.h"

#include "base/shape_desc.h"
#include "domain/tables.def"
#include "base/shape_undef.h"

/* --- books --- */
const struct gj_table gj_table_person = {
    .name = "person",
    .shape = &gj_shape_person_row,
    .key_fields = 1,
    .indexes = {{.name = "person_by_token", .unique = true, .columns = {"token", "region"}}},
    .n_indexes = 1};
const struct gj_table gj_table_account = {.name = "account", .shape = &gj_shape_account_row, .key_fields = 1};
const struct gj_table gj_table_hold = {
    .name = "hold",
    .shape = &gj_shape_hold_row,
    .key_fields = 2,
    .indexes = {{.name = "hold_by_account", .columns = {"account"}},
                {.name = "hold_by_person", .columns = {"person_ref", "year"}}},
    .n_indexes = 2};
const struct gj_table gj_table_posting = {.name = "posting",
                                          .shape = &gj_shape_posting_row,
                                          .key_fields = 2,
                                          .indexes = {{.name = "posting_by_account", .columns = {"account"}},
                                                      {.name = "posting_by_txid", .columns = {"txid"}}},
                                          .n_indexes = 2};
const struct gj_table gj_table_binding = {
    .name = "binding",
    .shape = &gj_shape_binding_row,
    .key_fields = 2,
    .indexes = {{.name = "binding_by_order", .columns = {"side", "person_ref", "state", "position"}},
                {.name = "binding_by_pair", .columns = {"side", "person_ref", "other_person_ref", "state"}}},
    .n_indexes = 2};
const struct gj_table gj_table_usage = {.name = "usage", .shape = &gj_shape_usage_row, .key_fields = 2};
const struct gj_table gj_table_paid = {
    .name = "paid",
    .shape = &gj_shape_paid_row,
    .key_fields = 2,
    .indexes = {{.name = "paid_by_person", .columns = {"person_ref", "date"}}},
    .n_indexes = 1};
const struct gj_table gj_table_consumption = {
    .name = "consumption",
    .shape = &gj_shape_consumption_row,
    .key_fields = 1,
    .indexes = {{.name = "consumption_by_person", .columns = {"person_ref", "date"}}},
    .n_indexes = 1};
const struct gj_table gj_table_institution = {
    .name = "institution", .shape = &gj_shape_institution_row, .key_fields = 1};
const struct gj_table gj_table_notice = {.name = "notice", .shape = &gj_shape_notice_row, .key_fields = 2};

/* --- desk --- */
const struct gj_table gj_table_settlement = {
    .name = "settlement",
    .shape = &gj_shape_settlement_row,
    .key_fields = 1,
    .indexes = {{.name = "settlement_by_state", .columns = {"state"}}},
    .n_indexes = 1};
const struct gj_table gj_table_settlement_leg = {
    .name = "settlement_leg", .shape = &gj_shape_settlement_leg_row, .key_fields = 2};
const struct gj_table gj_table_refund = {
    .name = "refund",
    .shape = &gj_shape_refund_row,
    .key_fields = 1,
    .indexes = {{.name = "refund_by_settlement", .columns = {"setl_id"}}},
    .n_indexes = 1};
const struct gj_table gj_table_plan = {.name = "plan",
                                       .shape = &gj_shape_plan_row,
                                       .key_fields = 1,
                                       .indexes = {{.name = "plan_by_expiry", .columns = {"expires_ms"}}},
                                       .n_indexes = 1};
const struct gj_table gj_table_bound = {.name = "bound", .shape = &gj_shape_bound_row, .key_fields = 1};

const struct gj_table *const gj_domain_tables[] = {
    /* books */
    &gj_table_person,
    &gj_table_account,
    &gj_table_hold,
    &gj_table_posting,
    &gj_table_binding,
    &gj_table_usage,
    &gj_table_paid,
    &gj_table_consumption,
    &gj_table_institution,
    &gj_table_notice,
    /* desk */
    &gj_table_settlement,
    &gj_table_settlement_leg,
    &gj_table_refund,
    &gj_table_plan,
    &gj_table_bound,
};
const size_t gj_domain_n_tables = sizeof(gj_domain_tables) / sizeof(gj_domain_tables[0]);

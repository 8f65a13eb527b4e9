/* SPDX-License-Identifier: Apache-2.0
 *
 * Descriptions of the protocol's tables: keys and indexes.
 */
#include "protocol/tables.h"

#include "base/money.h"

#include "base/shape_desc.h"
#include "protocol/tables.def"
#include "base/shape_undef.h"

const struct gj_table gj_table_node = {.name = "node", .shape = &gj_shape_node_row, .key_fields = 1};
const struct gj_table gj_table_epoch = {.name = "epoch", .shape = &gj_shape_epoch_row, .key_fields = 1};
const struct gj_table gj_table_peer = {.name = "peer", .shape = &gj_shape_peer_row, .key_fields = 2};
const struct gj_table gj_table_request = {
    .name = "request",
    .shape = &gj_shape_request_row,
    .key_fields = 2,
    .indexes = {{.name = "request_by_state", .columns = {"state", "opened_ms"}}},
    .n_indexes = 1};
const struct gj_table gj_table_coord = {.name = "coord",
                                        .shape = &gj_shape_coord_row,
                                        .key_fields = 1,
                                        .indexes = {{.name = "coord_by_state", .columns = {"state"}},
                                                    {.name = "coord_by_biz", .columns = {"sender", "msgid"}}},
                                        .n_indexes = 2};
const struct gj_table gj_table_vote = {.name = "vote", .shape = &gj_shape_vote_row, .key_fields = 2};
const struct gj_table gj_table_part = {.name = "part",
                                       .shape = &gj_shape_part_row,
                                       .key_fields = 1,
                                       .indexes = {{.name = "part_by_state", .columns = {"state"}},
                                                   {.name = "part_by_biz", .columns = {"biz_live"}}},
                                       .n_indexes = 2};

const struct gj_table *const gj_protocol_tables[] = {&gj_table_node,    &gj_table_epoch, &gj_table_peer,
                                                     &gj_table_request, &gj_table_coord, &gj_table_vote,
                                                     &gj_table_part};
const size_t gj_protocol_n_tables = sizeof(gj_protocol_tables) / sizeof(gj_protocol_tables[0]);

/* SPDX-License-Identifier: Apache-2.0
 *
 * The store's own table, and the catalogue: all tables that a node keeps, in the order of creation.
 */
#include "store/tables.h"

#include <threads.h>

#include "base/check.h"
#include "domain/tables.h"
#include "protocol/tables.h"
#include "store/store.h"

#include "base/shape_desc.h"
#include "store/tables.def"
#include "base/shape_undef.h"

#define CATALOGUE_MAX 64

const struct gj_table gj_table_batch = {.name = "batch", .shape = &gj_shape_batch_row, .key_fields = 2};

const struct gj_table *const gj_store_tables[] = {&gj_table_batch};
const size_t gj_store_n_tables = sizeof(gj_store_tables) / sizeof(gj_store_tables[0]);

static const struct gj_table *all_tables[CATALOGUE_MAX];
static struct gj_catalogue catalogue = {.tables = all_tables};
static once_flag catalogue_once = ONCE_FLAG_INIT;

static void add_tables(const struct gj_table *const *tables, size_t n) {
    for (size_t i = 0; i < n; i++) {
        GJ_ASSERT(catalogue.n < CATALOGUE_MAX);
        all_tables[catalogue.n++] = tables[i];
    }
}

static void make_catalogue(void) {
    add_tables(gj_protocol_tables, gj_protocol_n_tables);
    add_tables(gj_domain_tables, gj_domain_n_tables);
    add_tables(gj_store_tables, gj_store_n_tables);
}

const struct gj_catalogue *gj_store_catalogue(void) {
    call_once(&catalogue_once, make_catalogue);
    return &catalogue;
}

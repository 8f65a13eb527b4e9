/* SPDX-License-Identifier: Apache-2.0
 *
 * The front of the store port: the latch, the index by name, and what every driver may rely on about a
 * record. It must never know a driver: what is checked here holds for all of them alike.
 */
#include "base/store.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/ids.h"

enum gj_err gj_store_err(const struct gj_store *store) {
    return store->err;
}

void gj_store_fail(struct gj_store *store, enum gj_err err, const char *detail) {
    GJ_ASSERT(err != GJ_OK);
    if (store->err != GJ_OK) return;
    store->err = err;
    (void)snprintf(store->detail, sizeof(store->detail), "%s", detail);
}

/* What is wrong with a value that its column may not hold; GJ_OK if nothing is. A text without an end
 * or a nested field is our own mistake. Whether a REQ field is filled is for who writes the record. */
static enum gj_err check_field(const struct gj_field *field, const uint8_t *at) {
    switch (field->type) {
    case GJ_FIELD_U64: /* what is above INT64_MAX comes out negative, below any U64's min */
    case GJ_FIELD_I64: {
        int64_t value = *(const int64_t *)(const void *)at;
        return value < field->min || value > field->max ? GJ_ERR_OVERFLOW : GJ_OK;
    }
    case GJ_FIELD_FEN:
        /* Sums may grow above what one input may state; only the sign is the column's business. */
        return field->min == 0 && *(const int64_t *)(const void *)at < 0 ? GJ_ERR_OVERFLOW : GJ_OK;
    case GJ_FIELD_DATE: {
        gj_date value = *(const gj_date *)(const void *)at;
        return value != 0 && (value < field->min || value > field->max) ? GJ_ERR_OVERFLOW : GJ_OK;
    }
    case GJ_FIELD_BIN: {
        const struct gj_slice *value = (const void *)at;
        return value->len > (uint64_t)field->max ? GJ_ERR_TOO_LARGE : GJ_OK;
    }
    case GJ_FIELD_TEXT:
        GJ_ASSERT(memchr(at, '\0', (size_t)field->max + 1) != NULL);
        return GJ_OK;
    case GJ_FIELD_TXID: {
        /* What gj_txid_parse() would not read again must not be written. */
        const struct gj_txid *value = (const void *)at;
        GJ_ASSERT(memchr(value->coordinator, '\0', sizeof(value->coordinator)) != NULL);
        if (gj_txid_is_none(value)) return GJ_OK;
        return gj_node_is_valid(value->coordinator) && value->seq <= INT64_MAX ? GJ_OK : GJ_ERR_OVERFLOW;
    }
    case GJ_FIELD_BOOL:
    case GJ_FIELD_FIX:
    case GJ_FIELD_DIGEST:
        return GJ_OK;
    case GJ_FIELD_MAP:
    case GJ_FIELD_LIST:
        break;
    }
    gj_assert_failed("a table's field has a type that tables allow", __FILE__, __LINE__);
}

static bool check_record(struct gj_store *store, const struct gj_table *table, const void *rec) {
    for (uint32_t i = 0; i < table->shape->n_fields; i++) {
        const struct gj_field *field = &table->shape->fields[i];
        enum gj_err err = check_field(field, (const uint8_t *)rec + field->offset);
        if (err == GJ_OK) continue;
        char detail[sizeof(store->detail)];
        (void)snprintf(detail, sizeof(detail), "%s.%s: the value is not within %" PRId64 "..%" PRId64,
                       table->name, field->name, field->min, field->max);
        gj_store_fail(store, err, detail);
        return false;
    }
    return true;
}

bool gj_store_get(struct gj_store *store, const struct gj_table *table, void *rec, struct gj_arena *arena) {
    if (store->err != GJ_OK) return false;
    return store->ops->get(store, table, rec, arena);
}

void gj_store_put(struct gj_store *store, const struct gj_table *table, const void *rec) {
    GJ_ASSERT(store->in_transaction);
    if (store->err != GJ_OK || !check_record(store, table, rec)) return;
    store->writes++;
    store->ops->put(store, table, rec);
}

bool gj_store_del(struct gj_store *store, const struct gj_table *table, const void *rec) {
    GJ_ASSERT(store->in_transaction);
    if (store->err != GJ_OK) return false;
    store->writes++;
    return store->ops->del(store, table, rec);
}

static const struct gj_index *index_of(const struct gj_table *table, const char *name) {
    for (uint32_t i = 0; i < table->n_indexes; i++) {
        if (strcmp(table->indexes[i].name, name) == 0) return &table->indexes[i];
    }
    gj_assert_failed("the index exists", __FILE__, __LINE__);
}

static uint32_t columns_of(const struct gj_table *table, const struct gj_index *index) {
    if (index == NULL) return table->key_fields;
    uint32_t n = 0;
    while (n < GJ_INDEX_COLUMNS_MAX && index->columns[n] != NULL)
        n++;
    return n;
}

void gj_store_find(struct gj_store *store, const struct gj_table *table, const char *index_name,
                   const void *rec, uint32_t n_match, const void *after, size_t limit, struct gj_arena *arena,
                   struct gj_rows *ret) {
    *ret = (struct gj_rows){0};
    const struct gj_index *index = index_name == NULL ? NULL : index_of(table, index_name);
    GJ_ASSERT(n_match <= columns_of(table, index));
    if (store->err != GJ_OK) return;
    store->ops->find(store, table, index, rec, n_match, after, limit, arena, ret);
    if (store->err != GJ_OK) *ret = (struct gj_rows){0};
}

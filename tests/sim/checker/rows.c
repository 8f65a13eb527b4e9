/* SPDX-License-Identifier: Apache-2.0
 *
 * The checker's copy of every store: what was made durable, record by record, and the comparison of it with what
 * the store really gives back.
 */
#include "private.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "store/store.h"

#define PAGE 64

struct ck *ck_new(size_t n_nodes, const char *const *names, const struct ck_rules *rules) {
    struct ck *ck = calloc(1, sizeof *ck);
    GJ_ASSERT(ck != NULL && n_nodes <= CK_NODES_MAX);
    ck->n = n_nodes;
    ck->rules = *rules;
    for (size_t i = 0; i < n_nodes; i++)
        (void)snprintf(ck->nodes[i].name, sizeof ck->nodes[i].name, "%s", names[i]);
    return ck;
}

const struct ck_failure *ck_failed(const struct ck *ck) {
    return ck->has_failed ? &ck->failure : NULL;
}

const struct ck_totals *ck_totals_of(const struct ck *ck) {
    return &ck->totals;
}

bool ck_add_key(struct ck *ck, size_t node, uint8_t alg, const uint8_t *bytes, size_t len) {
    struct ck_node *of = &ck->nodes[node];
    if (len != (alg == 1 ? CK_KEY_BYTES : 32) || of->n_keys == CK_KEYS_MAX) return false;
    struct ck_key *key = &of->keys[of->n_keys++];
    key->alg = alg;
    key->len = len;
    memcpy(key->bytes, bytes, len);
    return true;
}

void ck_revoke_key(struct ck *ck, size_t node, int64_t revoked_ms) {
    struct ck_node *of = &ck->nodes[node];
    of->keys[of->n_keys - 1].revoked_ms = revoked_ms;
}

void ck_keys_are_over(struct ck *ck, size_t at, size_t node) {
    struct ck_node *of = &ck->nodes[node];
    for (size_t i = 0; i + 1 < of->n_keys; i++)
        of->keys[i].is_over_for[at] = true;
}

void ck_set_key(struct ck *ck, size_t node, const uint8_t key[32]) {
    ck->nodes[node].n_keys = 0;
    GJ_ASSERT(ck_add_key(ck, node, 2, key, 32));
}

void ck_tell(struct ck *ck, void (*told)(void *ctx, const struct ck_failure *failure), void *ctx) {
    ck->told = told;
    ck->told_ctx = ctx;
}

void ck_fail(struct ck *ck, const char *invariant, size_t node, const char *txid, const char *format, ...) {
    va_list args;
    if (ck->has_failed) return;
    ck->has_failed = true;
    ck->failure.node = node;
    (void)snprintf(ck->failure.invariant, sizeof ck->failure.invariant, "%s", invariant);
    (void)snprintf(ck->failure.txid, sizeof ck->failure.txid, "%s", txid == NULL ? "" : txid);
    va_start(args, format);
    (void)vsnprintf(ck->failure.text, sizeof ck->failure.text, format, args);
    va_end(args);
    if (ck->told == NULL) return;
    ck->told(ck->told_ctx, &ck->failure);
    ck->has_failed = false;
}

/* --- fields of a record --------------------------------------------------------------------------------- */
static const struct gj_field *field_of(const struct gj_table *table, const char *name) {
    for (uint32_t i = 0; i < table->shape->n_fields; i++)
        if (strcmp(table->shape->fields[i].name, name) == 0) return &table->shape->fields[i];
    gj_assert_failed("the table has that field", __FILE__, __LINE__);
}

static const void *at(const void *rec, const struct gj_field *field) {
    return (const uint8_t *)rec + field->offset;
}

static int64_t int_of(const void *rec, const struct gj_field *field) {
    switch (field->type) {
    case GJ_FIELD_U64:
        return (int64_t) * (const uint64_t *)at(rec, field);
    case GJ_FIELD_I64:
    case GJ_FIELD_FEN:
        return *(const int64_t *)at(rec, field);
    case GJ_FIELD_DATE:
        return *(const int32_t *)at(rec, field);
    case GJ_FIELD_BOOL:
        return *(const bool *)at(rec, field);
    case GJ_FIELD_TEXT:
    case GJ_FIELD_BIN:
    case GJ_FIELD_FIX:
    case GJ_FIELD_TXID:
    case GJ_FIELD_DIGEST:
    case GJ_FIELD_MAP:
    case GJ_FIELD_LIST:
        break;
    }
    gj_assert_failed("the field is a number", __FILE__, __LINE__);
}

/* By hand: a run writes millions of keys. */
static char *put_number(char *at, uint64_t value) {
    char digits[20];
    size_t n = 0;
    do
        digits[n++] = (char)('0' + value % 10);
    while ((value /= 10) > 0);
    while (n > 0)
        *at++ = digits[--n];
    *at = '\0';
    return at;
}

static char *txid_text(const struct gj_txid *txid, char dst[72]) {
    size_t len = strlen(txid->coordinator);
    dst[0] = '\0';
    if (len == 0) return dst;
    memcpy(dst, txid->coordinator, len);
    dst[len++] = '/';
    char *at = put_number(dst + len, txid->epoch);
    *at++ = '/';
    at = put_number(at, txid->seq);
    *at++ = '/';
    (void)put_number(at, txid->attempt);
    return dst;
}

static char *number_text(int64_t value, char dst[72]) {
    bool is_negative = value < 0;
    dst[0] = '-';
    (void)put_number(dst + is_negative, is_negative ? -(uint64_t)value : (uint64_t)value);
    return dst;
}

/* The value as bytes that two equal values share, whatever the padding. */
static struct gj_slice bytes_of(const void *rec, const struct gj_field *field, char scratch[72]) {
    const char *text = at(rec, field);
    switch (field->type) {
    case GJ_FIELD_TEXT:
        return gj_slice_of(text, strlen(text));
    case GJ_FIELD_BIN:
        return *(const struct gj_slice *)at(rec, field);
    case GJ_FIELD_FIX:
        return gj_slice_of(text, (size_t)field->max);
    case GJ_FIELD_TXID:
        (void)txid_text(at(rec, field), scratch);
        return gj_slice_of(scratch, strlen(scratch));
    case GJ_FIELD_DIGEST:
        return gj_slice_of(text, CK_DIGEST);
    case GJ_FIELD_U64:
    case GJ_FIELD_I64:
    case GJ_FIELD_FEN:
    case GJ_FIELD_DATE:
    case GJ_FIELD_BOOL:
        (void)number_text(int_of(rec, field), scratch);
        return gj_slice_of(scratch, strlen(scratch));
    case GJ_FIELD_MAP:
    case GJ_FIELD_LIST:
        break;
    }
    gj_assert_failed("a record has no such field", __FILE__, __LINE__);
}

static void key_of(const struct gj_table *table, const void *rec, char dst[CK_KEY_MAX]) {
    char scratch[72];
    size_t len = strlen(table->name);
    memcpy(dst, table->name, len + 1);
    for (uint32_t i = 0; i < table->key_fields; i++) {
        const struct gj_field *field = &table->shape->fields[i];
        struct gj_slice value = bytes_of(rec, field, scratch);
        GJ_ASSERT(len + 2 + 2 * value.len < CK_KEY_MAX);
        dst[len++] = ' ';
        if (field->type == GJ_FIELD_FIX) {
            gj_hex_encode(dst + len, value.ptr, value.len);
            len += 2 * value.len;
        } else {
            if (value.len > 0) memcpy(dst + len, value.ptr, value.len);
            len += value.len;
        }
        dst[len] = '\0';
    }
}

const char *ck_row_text(const struct ck_row *row, const char *field) {
    return row == NULL ? "" : at(row->rec, field_of(row->table, field));
}

int64_t ck_row_int(const struct ck_row *row, const char *field) {
    return row == NULL ? 0 : int_of(row->rec, field_of(row->table, field));
}

struct gj_slice ck_row_bin(const struct ck_row *row, const char *field) {
    char scratch[72];
    return row == NULL ? GJ_SLICE_NONE : bytes_of(row->rec, field_of(row->table, field), scratch);
}

const uint8_t *ck_row_digest(const struct ck_row *row, const char *field) {
    return row == NULL ? NULL : at(row->rec, field_of(row->table, field));
}

char *ck_row_txid(const struct ck_row *row, const char *field, char dst[72]) {
    const struct gj_field *of = field_of(row->table, field);
    if (of->type != GJ_FIELD_TEXT) return txid_text(at(row->rec, of), dst);
    (void)snprintf(dst, 72, "%.71s", (const char *)at(row->rec, of)); /* of a dump */
    return dst;
}

bool ck_row_is(const struct ck_row *row, const char *table) {
    return strcmp(row->table->name, table) == 0;
}

struct ck_row *ck_row_find(const struct ck *ck, size_t node, const char *table, const char *key) {
    char whole[CK_KEY_MAX];
    struct ck_row *row;
    (void)snprintf(whole, sizeof whole, "%s %s", table, key);
    HASH_FIND_STR(ck->nodes[node].rows, whole, row);
    return row;
}

/* --- making and dropping records ------------------------------------------------------------------------ */
struct ck_row *ck_row_new(const struct gj_table *table, const void *rec) {
    struct ck_row *row = calloc(1, sizeof *row);
    GJ_ASSERT(row != NULL);
    row->table = table;
    key_of(table, rec, row->key);
    row->rec = malloc(table->shape->size);
    GJ_ASSERT(row->rec != NULL);
    memcpy(row->rec, rec, table->shape->size);
    for (uint32_t i = 0; i < table->shape->n_fields; i++) {
        const struct gj_field *field = &table->shape->fields[i];
        if (field->type != GJ_FIELD_BIN) continue;
        struct gj_slice *bin = (struct gj_slice *)(void *)((uint8_t *)row->rec + field->offset);
        if (bin->len == 0) continue;
        uint8_t *copy = malloc(bin->len);
        GJ_ASSERT(copy != NULL);
        memcpy(copy, bin->ptr, bin->len);
        bin->ptr = copy;
    }
    return row;
}

void ck_row_free(struct ck_row *row) {
    if (row == NULL) return;
    for (uint32_t i = 0; i < row->table->shape->n_fields; i++) {
        const struct gj_field *field = &row->table->shape->fields[i];
        if (field->type != GJ_FIELD_BIN) continue;
        struct gj_slice *bin = (struct gj_slice *)(void *)((uint8_t *)row->rec + field->offset);
        if (bin->len > 0) free((void *)(uintptr_t)bin->ptr);
    }
    free(row->rec);
    free(row);
}

static bool same_value(const struct gj_field *field, const void *a, const void *b) {
    char scratch_a[72], scratch_b[72];
    switch (field->type) {
    case GJ_FIELD_U64:
    case GJ_FIELD_I64:
    case GJ_FIELD_FEN:
    case GJ_FIELD_DATE:
    case GJ_FIELD_BOOL:
        return int_of(a, field) == int_of(b, field);
    case GJ_FIELD_TEXT:
    case GJ_FIELD_BIN:
    case GJ_FIELD_FIX:
    case GJ_FIELD_TXID:
    case GJ_FIELD_DIGEST:
    case GJ_FIELD_MAP:
    case GJ_FIELD_LIST:
        break;
    }
    return gj_slice_equal(bytes_of(a, field, scratch_a), bytes_of(b, field, scratch_b));
}

static bool same(const struct gj_table *table, const void *a, const void *b, const char **ret_field) {
    for (uint32_t i = 0; i < table->shape->n_fields; i++) {
        *ret_field = table->shape->fields[i].name;
        if (!same_value(&table->shape->fields[i], a, b)) return false;
    }
    return true;
}

bool ck_row_same(const struct ck_row *a, const struct ck_row *b) {
    const char *field = "";
    return a->table == b->table && same(a->table, a->rec, b->rec, &field);
}

/* --- store transactions --------------------------------------------------------------------------------- */
void ck_begin(struct ck *ck, size_t node) {
    ck->nodes[node].in_transaction = true;
}

static void stage(struct ck *ck, size_t node, const struct gj_table *table, const void *rec, bool is_delete) {
    struct ck_node *of = &ck->nodes[node];
    if (of->n_changes == of->cap_changes) {
        of->cap_changes = of->cap_changes == 0 ? 64 : 2 * of->cap_changes;
        of->changes = realloc(of->changes, of->cap_changes * sizeof *of->changes);
        GJ_ASSERT(of->changes != NULL);
    }
    of->changes[of->n_changes++] = (struct ck_change){ck_row_new(table, rec), is_delete};
}

/* The recorded inputs are no part of the books; a replay test of their own reads them. */
static bool is_watched(const struct gj_table *table) {
    return strcmp(table->name, "batch") != 0;
}

void ck_put(struct ck *ck, size_t node, const struct gj_table *table, const void *rec) {
    if (is_watched(table)) stage(ck, node, table, rec, false);
}

void ck_del(struct ck *ck, size_t node, const struct gj_table *table, const void *rec) {
    if (is_watched(table)) stage(ck, node, table, rec, true);
}

void ck_rollback(struct ck *ck, size_t node) {
    struct ck_node *of = &ck->nodes[node];
    of->in_transaction = false;
    for (size_t i = 0; i < of->n_changes; i++)
        ck_row_free(of->changes[i].row);
    of->n_changes = 0;
}

static struct ck_touch *touch_of(struct ck_node *of, const char *key, struct ck_row *old) {
    for (size_t i = 0; i < of->n_touched; i++) {
        const struct ck_row *known = of->touched[i].old != NULL ? of->touched[i].old : of->touched[i].now;
        if (known != NULL && strcmp(known->key, key) == 0) return &of->touched[i];
    }
    if (of->n_touched == of->cap_touched) {
        of->cap_touched = of->cap_touched == 0 ? 64 : 2 * of->cap_touched;
        of->touched = realloc(of->touched, of->cap_touched * sizeof *of->touched);
        GJ_ASSERT(of->touched != NULL);
    }
    of->touched[of->n_touched] = (struct ck_touch){.old = old};
    return &of->touched[of->n_touched++];
}

static void apply(struct ck_node *of, struct ck_change *change) {
    struct ck_row *row = change->row, *there;
    HASH_FIND_STR(of->rows, row->key, there);
    struct ck_touch *touch = touch_of(of, row->key, there);
    if (there != NULL) {
        HASH_DEL(of->rows, there);
        if (there != touch->old) ck_row_free(there);
    }
    touch->now = NULL;
    if (change->is_delete) {
        ck_row_free(row);
        return;
    }
    HASH_ADD_STR(of->rows, key, row);
    touch->now = row;
}

void ck_commit(struct ck *ck, size_t node) {
    struct ck_node *of = &ck->nodes[node];
    of->in_transaction = false;
    for (size_t i = 0; i < of->n_changes; i++)
        apply(of, &of->changes[i]);
    of->n_row_changes += of->n_changes;
    ck->totals.commits_of_stores++;
    ck->totals.row_changes += of->n_changes;
    of->n_changes = 0;
    for (size_t i = 0; i < of->n_touched; i++) {
        ck_books_touched(ck, node, &of->touched[i]);
        ck_tx_touched(ck, node, &of->touched[i]);
    }
    for (size_t i = 0; i < of->n_touched; i++)
        ck_tx_settled(ck, node, &of->touched[i]);
    ck_books_settled(ck, node);
    for (size_t i = 0; i < of->n_touched; i++)
        ck_row_free(of->touched[i].old);
    of->n_touched = 0;
}

void ck_dump_put(struct ck *ck, size_t node, const struct gj_table *table, const void *rec) {
    struct ck_row *row = ck_row_new(table, rec), *there;
    HASH_FIND_STR(ck->nodes[node].rows, row->key, there);
    if (there != NULL) {
        ck_fail(ck, "dump", node, NULL, "%s is there twice", row->key);
        ck_row_free(row);
        return;
    }
    HASH_ADD_STR(ck->nodes[node].rows, key, row);
    ck->totals.row_changes++;
}

uint64_t ck_changes(const struct ck *ck, size_t node) {
    return ck->nodes[node].n_row_changes;
}

/* --- a transaction of which nobody heard the end -------------------------------------------------------- */
void ck_doubt(struct ck *ck, size_t node) {
    ck->nodes[node].in_transaction = false;
    ck->nodes[node].in_doubt = true;
}

bool ck_is_in_doubt(const struct ck *ck, size_t node) {
    return ck->nodes[node].in_doubt;
}

/* Every transaction of a node raises the flush in its own record: whichever that is there tells. All else that it
 * changed must be there with it, or nothing of it: that is for the comparison to say. */
bool ck_settle_doubt(struct ck *ck, size_t node, struct gj_store *store, struct gj_arena *arena) {
    struct ck_node *of = &ck->nodes[node];
    const char *field = "";
    bool is_done = false;
    of->in_doubt = false;
    for (size_t i = 0; i < of->n_changes; i++) {
        const struct ck_row *row = of->changes[i].row;
        if (!ck_row_is(row, "node")) continue;
        void *there = calloc(1, row->table->shape->size);
        GJ_ASSERT(there != NULL);
        memcpy(there, row->rec, row->table->shape->size);
        gj_arena_reset(arena);
        is_done = gj_store_get(store, row->table, there, arena) && same(row->table, row->rec, there, &field);
        free(there);
    }
    if (is_done) ck_commit(ck, node);
    if (!is_done) ck_rollback(ck, node);
    return is_done;
}

/* --- the store itself ----------------------------------------------------------------------------------- */
static void compare_one(struct ck *ck, size_t node, const struct gj_table *table, const void *rec) {
    char key[CK_KEY_MAX];
    const char *field = "";
    struct ck_row *row;
    key_of(table, rec, key);
    HASH_FIND_STR(ck->nodes[node].rows, key, row);
    if (row == NULL) {
        ck_fail(ck, "I3", node, NULL, "the store holds a record that was never made durable: %s", key);
    } else if (!same(table, row->rec, rec, &field)) {
        ck_fail(ck, "I3", node, NULL, "the store's record %s is not what was made durable: %s differs", key,
                field);
    }
}

static size_t compare_table(struct ck *ck, size_t node, struct gj_store *store, const struct gj_table *table,
                            struct gj_arena *arena) {
    struct gj_rows rows;
    size_t n = 0;
    void *last = calloc(1, table->shape->size), *from = calloc(1, table->shape->size);
    GJ_ASSERT(last != NULL && from != NULL);
    do {
        gj_arena_reset(arena);
        gj_store_find(store, table, NULL, from, 0, n == 0 ? NULL : last, PAGE, arena, &rows);
        for (size_t i = 0; i < rows.n; i++)
            compare_one(ck, node, table, (const uint8_t *)rows.items + i * table->shape->size);
        if (rows.n > 0)
            memcpy(last, (const uint8_t *)rows.items + (rows.n - 1) * table->shape->size, table->shape->size);
        n += rows.n;
    } while (rows.more && rows.n > 0);
    free(last);
    free(from);
    return n;
}

void ck_compare(struct ck *ck, size_t node, struct gj_store *store, struct gj_arena *arena) {
    const struct gj_catalogue *catalogue = gj_store_catalogue();
    size_t n = 0;
    for (size_t i = 0; i < catalogue->n; i++)
        if (is_watched(catalogue->tables[i]))
            n += compare_table(ck, node, store, catalogue->tables[i], arena);
    size_t wanted = HASH_COUNT(ck->nodes[node].rows);
    if (gj_store_err(store) != GJ_OK) ck_fail(ck, "I3", node, NULL, "the store cannot be read");
    if (n != wanted)
        ck_fail(ck, "I3", node, NULL, "the store holds %zu records, %zu were made durable", n, wanted);
}

static int by_key(const struct ck_row *a, const struct ck_row *b) {
    return strcmp(a->key, b->key);
}

static uint64_t mix(uint64_t hash, const void *ptr, size_t len) {
    const uint8_t *bytes = ptr;
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
    return hash;
}

uint64_t ck_digest(const struct ck *ck, size_t node) {
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    struct ck_row *rows = ck->nodes[node].rows;
    char scratch[72];
    HASH_SORT(rows, by_key);
    for (const struct ck_row *row = rows; row != NULL; row = row->hh.next) {
        hash = mix(hash, row->key, strlen(row->key) + 1);
        for (uint32_t i = 0; i < row->table->shape->n_fields; i++) {
            struct gj_slice value = bytes_of(row->rec, &row->table->shape->fields[i], scratch);
            hash = mix(hash, value.ptr, value.len);
            hash = mix(hash, "", 1);
        }
    }
    ((struct ck *)(uintptr_t)ck)->nodes[node].rows = rows;
    return hash;
}

void ck_each_row(const struct ck *ck, size_t node,
                 void (*look)(void *ctx, const struct gj_table *table, const void *rec), void *ctx) {
    for (const struct ck_row *row = ck->nodes[node].rows; row != NULL; row = row->hh.next)
        look(ctx, row->table, row->rec);
}

/* --- the end of it -------------------------------------------------------------------------------------- */
void ck_free(struct ck **ck_p) {
    struct ck *ck = *ck_p;
    if (ck == NULL) return;
    *ck_p = NULL;
    for (size_t i = 0; i < ck->n; i++) {
        struct ck_node *of = &ck->nodes[i];
        struct ck_row *row, *next;
        ck_rollback(ck, i);
        HASH_ITER(hh, of->rows, row, next) {
            HASH_DEL(of->rows, row);
            ck_row_free(row);
        }
        free(of->changes);
        free(of->touched);
        ck_sums_free(&of->accounts);
        ck_sums_free(&of->entries);
        ck_sums_free(&of->usage);
    }
    struct ck_tx *tx, *next_tx;
    HASH_ITER(hh, ck->txs, tx, next_tx) {
        HASH_DEL(ck->txs, tx);
        free(tx);
    }
    struct ck_biz *biz, *next_biz;
    HASH_ITER(hh, ck->biz, biz, next_biz) {
        HASH_DEL(ck->biz, biz);
        free(biz);
    }
    free(ck);
}

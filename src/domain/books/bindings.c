/* SPDX-License-Identifier: Apache-2.0
 *
 * Bindings: one row per side that lives here. A row is pending while its transaction is undecided, then
 * active, then ended; ending is decided alone and at once, and nothing that is prepared is touched by it.
 */
#include "domain/books/judge.h"

#include <string.h>

#define COUNT_PAGE 32u

static void key_of(struct gj_binding_row *row, const char *side, const char *person_ref, const char *state) {
    *row = (struct gj_binding_row){.position = 0};
    gj_text_set(row->side, sizeof(row->side), side);
    gj_text_set(row->person_ref, sizeof(row->person_ref), person_ref);
    gj_text_set(row->state, sizeof(row->state), state);
}

bool gj_binding_get(struct gj_turn *turn, const char *binding_id, const char *side,
                    struct gj_binding_row *ret) {
    *ret = (struct gj_binding_row){.position = 0};
    if (gj_text_copy(ret->binding_id, sizeof(ret->binding_id), binding_id) != GJ_OK) return false;
    gj_text_set(ret->side, sizeof(ret->side), side);
    return gj_store_get(turn->store, &gj_table_binding, ret, turn->scratch);
}

uint32_t gj_binding_count(struct gj_turn *turn, const char *side, const char *person_ref, const char *state,
                          const char *relation, uint32_t limit) {
    struct gj_binding_row key, last;
    key_of(&key, side, person_ref, state);
    const struct gj_binding_row *after = NULL;
    uint32_t count = 0;
    bool more = true;
    while (more && count < limit) {
        size_t mark = turn->scratch->used;
        struct gj_rows rows;
        gj_store_find(turn->store, &gj_table_binding, "binding_by_order", &key, 3, after, COUNT_PAGE,
                      turn->scratch, &rows);
        const struct gj_binding_row *items = rows.items;
        for (size_t i = 0; i < rows.n && count < limit; i++) {
            if (relation[0] == '\0' || gj_text_equal(items[i].relation, relation)) count++;
        }
        more = rows.more && rows.n > 0;
        if (more) last = items[rows.n - 1];
        after = &last;
        turn->scratch->used = mark;
    }
    return count;
}

bool gj_binding_of_pair(struct gj_turn *turn, const char *side, const char *person_ref,
                        const char *other_person_ref, const char *state) {
    struct gj_binding_row key;
    key_of(&key, side, person_ref, state);
    gj_text_set(key.other_person_ref, sizeof(key.other_person_ref), other_person_ref);
    struct gj_rows rows;
    gj_store_find(turn->store, &gj_table_binding, "binding_by_pair", &key, 4, NULL, 1, turn->scratch, &rows);
    return rows.n > 0;
}

uint32_t gj_binding_order(struct gj_turn *turn, const char *person_ref, struct gj_binding_row **ret) {
    struct gj_binding_row key;
    key_of(&key, GJ_SIDE_RECIPIENT, person_ref, "active");
    struct gj_rows rows;
    gj_store_find(turn->store, &gj_table_binding, "binding_by_order", &key, 3, NULL, GJ_SOURCES_MAX,
                  turn->scratch, &rows);
    *ret = rows.items;
    return (uint32_t)rows.n;
}

/* --- legs of a bind transaction ------------------------------------------------------------------------- */
static const char *other_region(const struct gj_leg_detail *detail, bool is_payer) {
    return is_payer ? detail->recipient_region : detail->payer_region;
}

/* The other home must be bound to the other side of this very relation by the same transaction, or its citizen
 * never agreed: to be listed for something else is not enough. */
static bool takes_part(const struct gj_books *books, const struct gj_own_leg *leg, const char *region) {
    const struct gj_core *core = leg->tx->core;
    const char *node = gj_directory_node_of_region(books->directory, region);
    for (uint32_t i = 0; i < core->n_legs && node != NULL; i++) {
        const struct gj_core_leg *other = &core->legs[i];
        if (i != leg->index && gj_text_equal(other->node, node) &&
            gj_text_equal(other->from_region, leg->core->from_region) &&
            gj_text_equal(other->to_region, leg->core->to_region))
            return true;
    }
    return false;
}

/* One name, one relation, whichever side of it lives here: who made the second could end the first. */
static bool is_taken(struct gj_turn *turn, const char *binding_id) {
    struct gj_binding_row row;
    return gj_binding_get(turn, binding_id, GJ_SIDE_PAYER, &row) ||
           gj_binding_get(turn, binding_id, GJ_SIDE_RECIPIENT, &row);
}

bool gj_binding_leg_check(const struct gj_books *books, struct gj_turn *turn, const struct gj_own_leg *leg,
                          const char *side, struct gj_refusal *ret_no) {
    const struct gj_leg_detail *detail = leg->detail;
    bool is_payer = gj_text_equal(side, GJ_SIDE_PAYER);
    const char *own_region = is_payer ? detail->payer_region : detail->recipient_region;
    const char *other = other_region(detail, is_payer);
    struct gj_person_row person;
    if (!gj_person_get(turn, detail->person_ref, &person)) {
        return gj_refuse(ret_no, GJ_VOTE_RULE, GJ_ERR_PERSON_UNKNOWN, "");
    }
    bool is_whole = detail->binding_ref[0] != '\0' && detail->other_person_ref[0] != '\0' &&
                    gj_text_equal(leg->core->from_region, detail->payer_region) &&
                    gj_text_equal(leg->core->to_region, detail->recipient_region);
    if (!is_whole || !gj_text_equal(person.region, own_region) || leg->core->amount != 0) {
        return gj_refuse(ret_no, GJ_VOTE_RULE, GJ_ERR_BAD_FIELD, "");
    }
    if (!takes_part(books, leg, other)) {
        return gj_refuse(ret_no, GJ_VOTE_RULE, GJ_ERR_WRONG_NODE, "");
    }
    if (is_taken(turn, detail->binding_ref)) {
        return gj_refuse(ret_no, GJ_VOTE_RULE, GJ_ERR_CONFLICT, "");
    }
    struct gj_bind_case bind = {.side = side,
                                .person = &person,
                                .other_person_ref = detail->other_person_ref,
                                .relation = detail->relation,
                                .other_region = other,
                                .date = leg->tx->core->business_date};
    return gj_bind_judge(books, turn, &bind, ret_no);
}

void gj_binding_leg_hold(struct gj_turn *turn, const struct gj_own_leg *leg, const char *side) {
    const struct gj_leg_detail *detail = leg->detail;
    struct gj_binding_row row;
    key_of(&row, side, detail->person_ref, "pending");
    gj_text_set(row.binding_id, sizeof(row.binding_id), detail->binding_ref);
    gj_text_set(row.other_person_ref, sizeof(row.other_person_ref), detail->other_person_ref);
    row.position = detail->position; /* what was asked for, until the commit gives a place */
    gj_text_set(row.relation, sizeof(row.relation), detail->relation);
    gj_text_set(row.payer_region, sizeof(row.payer_region), detail->payer_region);
    gj_text_set(row.recipient_region, sizeof(row.recipient_region), detail->recipient_region);
    gj_text_set(row.payer_masked, sizeof(row.payer_masked), detail->person_masked);
    row.txid = leg->tx->core->txid;
    row.begin_date = leg->tx->core->business_date;
    gj_text_set(row.consent_ref, sizeof(row.consent_ref), detail->consent_ref);
    gj_text_set(row.evidence_ref, sizeof(row.evidence_ref), detail->evidence_ref);
    gj_store_put(turn->store, &gj_table_binding, &row);
}

/* Gives the new row its place and moves those behind it; positions run from 1 without gaps. */
static void put_in_order(struct gj_turn *turn, struct gj_binding_row *row) {
    struct gj_binding_row *order;
    uint32_t n = gj_binding_order(turn, row->person_ref, &order);
    bool is_last = row->position == 0 || row->position > n;
    uint64_t place = is_last ? n + 1 : row->position;
    for (uint32_t i = 0; i < n; i++) {
        order[i].position = i + 1 + (i + 1 >= place ? 1 : 0);
        gj_store_put(turn->store, &gj_table_binding, &order[i]);
    }
    row->position = place;
}

void gj_binding_leg_post(struct gj_turn *turn, const struct gj_own_leg *leg, const char *side) {
    struct gj_binding_row row;
    bool found = gj_binding_get(turn, leg->detail->binding_ref, side, &row);
    gj_must_find(turn, found && gj_text_equal(row.state, "pending"));
    if (!found) return;
    if (gj_text_equal(side, GJ_SIDE_RECIPIENT)) put_in_order(turn, &row);
    gj_text_set(row.state, sizeof(row.state), "active");
    gj_store_put(turn->store, &gj_table_binding, &row);
}

void gj_binding_leg_release(struct gj_turn *turn, const struct gj_own_leg *leg, const char *side) {
    struct gj_binding_row row;
    bool found = gj_binding_get(turn, leg->detail->binding_ref, side, &row);
    gj_must_find(turn, found && gj_text_equal(row.state, "pending"));
    if (found) gj_store_del(turn->store, &gj_table_binding, &row);
}

/* --- for the desk -------------------------------------------------------------------------------------------- */
/* Either side; the payer's first. Pending rows are nobody's business yet. */
static bool either_side(struct gj_turn *turn, const char *binding_id, struct gj_binding_row *ret) {
    bool found = gj_binding_get(turn, binding_id, GJ_SIDE_PAYER, ret) ||
                 gj_binding_get(turn, binding_id, GJ_SIDE_RECIPIENT, ret);
    return found && !gj_text_equal(ret->state, "pending");
}

bool gj_books_binding(struct gj_turn *turn, const char *binding_id, struct gj_ans_binding *ret) {
    struct gj_binding_row row;
    if (!either_side(turn, binding_id, &row)) return false;
    *ret = (struct gj_ans_binding){.txid = row.txid, .begin_date = row.begin_date, .end_date = row.end_date};
    gj_text_set(ret->binding_id, sizeof(ret->binding_id), row.binding_id);
    gj_text_set(ret->state, sizeof(ret->state), row.state);
    gj_text_set(ret->relation, sizeof(ret->relation), row.relation);
    gj_text_set(ret->payer_region, sizeof(ret->payer_region), row.payer_region);
    gj_text_set(ret->recipient_region, sizeof(ret->recipient_region), row.recipient_region);
    return true;
}

static bool end_side(struct gj_turn *turn, const char *binding_id, const char *side, const char *by,
                     gj_date date) {
    struct gj_binding_row row;
    if (!gj_binding_get(turn, binding_id, side, &row) || !gj_text_equal(row.state, "active")) return false;
    gj_text_set(row.state, sizeof(row.state), "ended");
    gj_text_set(row.ended_by, sizeof(row.ended_by), by);
    row.end_date = date;
    gj_store_put(turn->store, &gj_table_binding, &row);
    return true;
}

bool gj_books_end_binding(struct gj_turn *turn, const char *binding_id, const char *by, gj_date date) {
    bool payer = end_side(turn, binding_id, GJ_SIDE_PAYER, by, date);
    bool recipient = end_side(turn, binding_id, GJ_SIDE_RECIPIENT, by, date);
    return payer || recipient;
}

void gj_books_other_node(const struct gj_books *books, struct gj_turn *turn, const char *binding_id,
                         char ret_node[GJ_NODE_MAX + 1]) {
    ret_node[0] = '\0';
    struct gj_binding_row row;
    if (!either_side(turn, binding_id, &row)) return;
    const char *payer = gj_directory_node_of_region(books->directory, row.payer_region);
    const char *recipient = gj_directory_node_of_region(books->directory, row.recipient_region);
    const char *other = gj_text_equal(row.side, GJ_SIDE_PAYER) ? recipient : payer;
    if (other == NULL || gj_directory_is_self(books->directory, other)) return;
    gj_text_set(ret_node, GJ_NODE_MAX + 1, other);
}

/* The node that was told of the end, or told us: the other home, or who made the binding. */
static bool concerns(const struct gj_books *books, struct gj_turn *turn, const struct gj_binding_row *row,
                     const char *node) {
    char other[GJ_NODE_MAX + 1];
    gj_books_other_node(books, turn, row->binding_id, other);
    return gj_text_equal(other, node) || gj_text_equal(row->txid.coordinator, node);
}

bool gj_books_ended_binding(const struct gj_books *books, struct gj_turn *turn, const char *node,
                            struct gj_revoke *ret, struct gj_txid *ret_txid) {
    struct gj_binding_row after = {.side = GJ_SIDE_RECIPIENT}; /* the later one of the two sides */
    struct gj_rows rows = {.more = true};
    bool is_first = ret->binding_ref[0] == '\0';
    gj_text_set(after.binding_id, sizeof(after.binding_id), ret->binding_ref);
    while (rows.more) {
        size_t mark = turn->scratch->used;
        gj_store_find(turn->store, &gj_table_binding, NULL, &after, 0, is_first ? NULL : &after, COUNT_PAGE,
                      turn->scratch, &rows);
        const struct gj_binding_row *items = rows.items;
        for (size_t i = 0; i < rows.n; i++) {
            if (!gj_text_equal(items[i].state, "ended") || !concerns(books, turn, &items[i], node)) continue;
            gj_text_set(ret->binding_ref, sizeof(ret->binding_ref), items[i].binding_id);
            gj_text_set(ret->by, sizeof(ret->by), items[i].ended_by);
            ret->business_date = items[i].end_date;
            *ret_txid = items[i].txid;
            return true;
        }
        if (rows.n == 0) return false;
        after = items[rows.n - 1];
        is_first = false;
        gj_arena_rewind(turn->scratch, mark);
    }
    return false;
}

static uint32_t index_of(const struct gj_binding_row *rows, uint32_t n, const char *binding_id) {
    uint32_t i = 0;
    while (i < n && !gj_text_equal(rows[i].binding_id, binding_id))
        i++;
    return i;
}

enum gj_err gj_books_set_order(const struct gj_books *books, struct gj_turn *turn,
                               const struct gj_person *recipient, const char *region,
                               const struct gj_binding_item *order, uint32_t n) {
    struct gj_person_row person;
    if (!gj_region_is_ours(books, region)) return GJ_ERR_PERSON_UNKNOWN;
    if (!gj_person_find(turn, recipient, region, &person)) return GJ_ERR_PERSON_UNKNOWN;
    struct gj_binding_row *rows;
    uint32_t n_rows = gj_binding_order(turn, person.person_ref, &rows);
    if (n != n_rows) return GJ_ERR_BAD_FIELD;
    uint32_t places[GJ_SOURCES_MAX] = {0};
    for (uint32_t i = 0; i < n; i++) {
        uint32_t index = index_of(rows, n, order[i].binding_id);
        if (index == n || places[index] != 0) return GJ_ERR_BAD_FIELD;
        places[index] = i + 1;
    }
    for (uint32_t i = 0; i < n; i++) {
        rows[i].position = places[i];
        gj_store_put(turn->store, &gj_table_binding, &rows[i]);
    }
    return GJ_OK;
}

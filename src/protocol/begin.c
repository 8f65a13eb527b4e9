/* SPDX-License-Identifier: Apache-2.0
 *
 * Putting a transaction together: core, digest, leg details with their salts, the earlier attempts that it
 * supersedes; then the holds on our own legs and the record BEGUN. Nothing is written before all of it stands.
 */
#include "protocol/request.h"
#include "protocol/state.h"

#include <string.h>

#include "base/check.h"

#define PAGE_ROWS 8u /* each has its legs with it */

static bool is_newer(const struct gj_txid *a, const struct gj_txid *b) {
    return a->epoch != b->epoch ? a->epoch > b->epoch : a->seq > b->seq;
}

/* Keeps the newest, newest first; the oldest falls out at the end. */
static void keep_newest(struct gj_superseded *list, uint32_t *n, const struct gj_coord_row *row) {
    uint32_t at = *n;
    while (at > 0 && is_newer(&row->txid, &list[at - 1].txid))
        at--;
    if (at == GJ_SUPERSEDES_MAX) return;
    uint32_t behind = *n < GJ_SUPERSEDES_MAX ? *n - at : GJ_SUPERSEDES_MAX - 1 - at;
    memmove(&list[at + 1], &list[at], behind * sizeof *list);
    list[at] = (struct gj_superseded){.txid = row->txid, .digest = row->digest};
    if (*n < GJ_SUPERSEDES_MAX) (*n)++;
}

/* The key of the records is a text, so their order says nothing of their age: all are looked at, page by page. */
void gj_protocol_supersedes(struct gj_protocol *p, struct gj_turn *turn, const char *sender,
                            const char *msgid, struct gj_superseded **ret, uint32_t *ret_n) {
    struct gj_coord_row key = {0}, after;
    const struct gj_coord_row *last = NULL;
    struct gj_rows rows;
    (void)p;
    *ret_n = 0;
    *ret = gj_arena_array(turn->scratch, GJ_SUPERSEDES_MAX, sizeof **ret);
    if (*ret == NULL) return;
    gj_text_set(key.sender, sizeof key.sender, sender);
    gj_text_set(key.msgid, sizeof key.msgid, msgid);
    do {
        size_t mark = turn->scratch->used;
        gj_store_find(turn->store, &gj_table_coord, "coord_by_biz", &key, 2, last, PAGE_ROWS, turn->scratch,
                      &rows);
        const struct gj_coord_row *items = rows.items;
        for (size_t i = 0; i < rows.n; i++) {
            after = items[i];
            if (gj_text_equal(items[i].state, "ABORTED")) keep_newest(*ret, ret_n, &items[i]);
        }
        last = &after;
        gj_arena_rewind(turn->scratch, mark);
    } while (rows.more && rows.n > 0 && gj_store_err(turn->store) == GJ_OK);
}

/* What a begin puts together before anything is written. */
struct draft {
    struct gj_core core;
    struct gj_prepare_legs legs;
    struct gj_coord_row row;
};

static enum gj_err add_participant(const struct gj_protocol *p, struct gj_core *core, const char *node) {
    if (gj_protocol_is_self(p, node) || gj_core_lists(core, node)) return GJ_OK;
    if (gj_directory_node(p->config.directory, node) == NULL) return GJ_ERR_BAD_FIELD;
    if (core->n_participants == GJ_PARTICIPANTS_MAX) return GJ_ERR_TOO_MANY;
    gj_text_set(core->participants[core->n_participants++].node, sizeof core->participants->node, node);
    return GJ_OK;
}

static enum gj_err draft_leg(struct gj_protocol *p, struct gj_turn *turn, const struct gj_tx_leg *leg,
                             struct draft *draft) {
    uint32_t at = draft->core.n_legs++;
    struct gj_leg_part *part = &draft->legs.legs[draft->legs.n_legs++];
    struct gj_core_leg *core_leg = &draft->core.legs[at];
    part->leg = at;
    gj_turn_random(turn, part->salt, sizeof part->salt);
    part->detail = gj_protocol_encode_body(p, turn, &gj_shape_leg_detail, &leg->detail);
    const struct gj_slice pieces[] = {gj_slice_of(part->salt, sizeof part->salt), part->detail};
    gj_digest_of(turn->hasher, p->config.digest_alg, pieces, 2, &core_leg->detail_digest);
    gj_text_set(core_leg->node, sizeof core_leg->node, leg->node);
    gj_text_set(core_leg->from_region, sizeof core_leg->from_region, leg->from_region);
    gj_text_set(core_leg->to_region, sizeof core_leg->to_region, leg->to_region);
    core_leg->amount = leg->amount_fen;
    return add_participant(p, &draft->core, leg->node);
}

static enum gj_err draft_original(struct gj_protocol *p, struct gj_turn *turn,
                                  const struct gj_tx_order *order, struct draft *draft) {
    struct gj_commit original;
    if (gj_txid_is_none(&order->original)) return GJ_OK;
    if (!gj_coordinator_commit_body(p, turn, &order->original, &original)) return GJ_ERR_NOT_FOUND;
    draft->legs.original = gj_protocol_encode_body(p, turn, &gj_shape_commit, &original);
    return GJ_OK;
}

static enum gj_err make_draft(struct gj_protocol *p, struct gj_turn *turn, const struct gj_tx_order *order,
                              const struct gj_node_row *node, struct draft *draft) {
    struct gj_core *core = &draft->core;
    struct gj_superseded_list list = {0};
    gj_protocol_supersedes(p, turn, order->sender, order->msgid, &list.items, &list.n_items);
    uint16_t before = list.n_items == 0 ? 0 : list.items[0].txid.attempt;

    core->txid = (struct gj_txid){.epoch = p->epoch,
                                  .seq = node->next_seq,
                                  .attempt = (uint16_t)(before < UINT16_MAX ? before + 1 : before)};
    gj_text_set(core->txid.coordinator, sizeof core->txid.coordinator, p->config.directory->self);
    gj_text_set(core->sender, sizeof core->sender, order->sender);
    gj_text_set(core->msgid, sizeof core->msgid, order->msgid);
    gj_text_set(core->kind, sizeof core->kind, order->kind);
    core->business_date = order->business_date;
    core->expires_at = turn->now.wall.ms + GJ_PREPARE_EXPIRY_MS;
    core->packs = gj_arena_array(turn->scratch, order->n_packs, sizeof *core->packs);
    core->participants = gj_arena_array(turn->scratch, GJ_PARTICIPANTS_MAX, sizeof *core->participants);
    core->legs = gj_arena_array(turn->scratch, order->n_legs, sizeof *core->legs);
    draft->legs.legs = gj_arena_array(turn->scratch, order->n_legs, sizeof *draft->legs.legs);
    if (core->packs == NULL || core->participants == NULL || core->legs == NULL || draft->legs.legs == NULL)
        return GJ_ERR_NO_SPACE;
    if (order->n_packs > 0) memcpy(core->packs, order->packs, order->n_packs * sizeof *core->packs);
    core->n_packs = order->n_packs;
    for (uint32_t i = 0; i < order->n_legs; i++) {
        GJ_TRY(draft_leg(p, turn, &order->legs[i], draft));
    }
    GJ_TRY(draft_original(p, turn, order, draft));
    draft->row.txid = core->txid;
    draft->row.core = gj_protocol_encode_body(p, turn, &gj_shape_core, core);
    gj_digest_of(turn->hasher, p->config.digest_alg, &draft->row.core, 1, &draft->row.digest);
    draft->legs.digest = draft->row.digest;
    draft->legs.plan = order->plan;
    draft->row.legs = gj_protocol_encode_body(p, turn, &gj_shape_prepare_legs, &draft->legs);
    if (list.n_items > 0)
        draft->row.supersedes = gj_protocol_encode_body(p, turn, &gj_shape_superseded_list, &list);
    return GJ_OK;
}

static void write_begin(struct gj_protocol *p, struct gj_turn *turn, const struct gj_tx_order *order,
                        struct gj_node_row *node, struct draft *draft) {
    struct gj_coord_row *row = &draft->row;
    node->next_seq++;
    gj_store_put(turn->store, &gj_table_node, node);
    row->epoch = p->epoch;
    row->begun_ms = turn->now.wall.ms;
    gj_text_set(row->state, sizeof row->state, "BEGUN");
    gj_text_set(row->sender, sizeof row->sender, order->sender);
    gj_text_set(row->msgid, sizeof row->msgid, order->msgid);
    gj_text_set(row->all_details_to, sizeof row->all_details_to, order->all_details_to);
    gj_store_put(turn->store, &gj_table_coord, row);
    for (uint32_t i = 0; i < draft->core.n_participants; i++) {
        struct gj_vote_row vote = {.txid = row->txid};
        gj_text_set(vote.node, sizeof vote.node, draft->core.participants[i].node);
        gj_text_set(vote.vote, sizeof vote.vote, "-");
        gj_store_put(turn->store, &gj_table_vote, &vote);
    }
    gj_turn_event(turn, GJ_EVENT_TX_BEGUN, GJ_OK, &row->txid, NULL, draft->core.n_participants);
}

/* A RESYNC brought back the commit of this biz key: no second one. */
static bool is_committed_before(struct gj_turn *turn, const struct gj_tx_order *order) {
    struct gj_request_row row;
    return gj_request_find(turn, order->sender, order->msgid, &row) &&
           gj_request_may_be_committed(turn, &row);
}

enum gj_err gj_protocol_begin(struct gj_protocol *p, struct gj_turn *turn, const struct gj_tx_order *order,
                              struct gj_txid *ret_txid, struct gj_refusal *ret_no) {
    struct gj_node_row node = {.one = 1};
    struct gj_tx_view view;
    struct gj_leg_fact facts[GJ_LEGS_MAX];
    uint32_t n_facts = 0;

    GJ_TRY(gj_protocol_accepts_work(p, turn));
    if (is_committed_before(turn, order)) return GJ_ERR_BUSY;
    if (!gj_active_has_room(p)) return GJ_ERR_BUSY;
    if (order->n_legs == 0 || order->n_legs > GJ_LEGS_MAX) return GJ_ERR_TOO_MANY;
    struct draft *draft = gj_arena_alloc(turn->scratch, sizeof *draft);
    if (draft == NULL || !gj_store_get(turn->store, &gj_table_node, &node, turn->scratch)) return GJ_ERR_BUSY;
    GJ_TRY(make_draft(p, turn, order, &node, draft));
    gj_coordinator_view(p, turn, &draft->row, &view);
    if (view.core == NULL) return GJ_ERR_BUSY;
    if (!p->config.app_ops->hold(p->config.app, turn, &view, ret_no, facts, &n_facts)) return GJ_ERR_RULE;
    const struct gj_vote_facts own_facts = {.digest = draft->row.digest, .facts = facts, .n_facts = n_facts};
    if (n_facts > 0) draft->row.facts = gj_protocol_encode_body(p, turn, &gj_shape_vote_facts, &own_facts);
    write_begin(p, turn, order, &node, draft);
    *ret_txid = draft->row.txid;
    gj_coordinator_start(p, turn, &draft->row, draft->core.n_participants);
    return GJ_OK;
}

/* --- words ---------------------------------------------------------------------------------------------- */

static const char *const class_words[] = {
    [GJ_VOTE_YES] = "YES",   [GJ_VOTE_COVER] = "COVER", [GJ_VOTE_PLAN_STALE] = "PLAN_STALE",
    [GJ_VOTE_BUSY] = "BUSY", [GJ_VOTE_DATE] = "DATE",   [GJ_VOTE_RULE] = "RULE"};

const char *gj_vote_class_word(enum gj_vote_class class) {
    return class_words[class];
}

enum gj_vote_class gj_vote_class_of(const char *word) {
    for (int i = GJ_VOTE_COVER; i <= GJ_VOTE_RULE; i++) {
        if (gj_text_equal(class_words[i], word)) return (enum gj_vote_class)i;
    }
    return GJ_VOTE_RULE;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * A RESYNC before people's eyes: how far it is, what it could not bring back, and the decision of two of them not to
 * wait for a node that cannot be heard. One alone decides nothing. What the missed node knows is still owed.
 */
#include "protocol/state.h"

#include <string.h>

#define OPENINGS_MAX 16u
#define EPOCHS_MAX   64u
#define WAITING_MAX  64u

/* --- two people ------------------------------------------------------------------------------------------------ */

static bool is_named(const struct gj_req_open *req, const char *node) {
    for (uint32_t i = 0; i < req->n_without; i++) {
        if (gj_text_equal(req->without[i].node, node)) return true;
    }
    return false;
}

/* In the registry's order, so that the same nodes are the same text. False if one of them owes us nothing. */
static bool write_names(const struct gj_protocol *p, const struct gj_req_open *req,
                        char ret[GJ_OPENING_MAX + 1]) {
    const struct gj_directory *dir = p->config.directory;
    uint32_t n = 0;
    size_t used = 0;
    ret[0] = '\0';
    for (size_t i = 0; i < dir->n_nodes; i++) {
        const size_t len = strlen(dir->nodes[i].node);
        if (!is_named(req, dir->nodes[i].node)) continue;
        if (!p->peers[i].is_owed) return false;
        memcpy(ret + used, dir->nodes[i].node, len);
        ret[used + len] = ' ';
        used += len + 1;
        n++;
    }
    ret[used] = '\0';
    return n == req->n_without && n > 0;
}

static uint32_t read_openings(struct gj_turn *turn, struct gj_opening_row **ret) {
    struct gj_opening_row key = {.at_ms = 0};
    struct gj_rows rows;
    gj_store_find(turn->store, &gj_table_opening, NULL, &key, 0, NULL, OPENINGS_MAX, turn->scratch, &rows);
    *ret = rows.items;
    return (uint32_t)rows.n;
}

static bool wants_the_same(struct gj_turn *turn, const struct gj_opening_row *mine) {
    struct gj_opening_row *items;
    uint32_t n = read_openings(turn, &items);
    for (uint32_t i = 0; i < n; i++) {
        if (!gj_text_equal(items[i].operator, mine->operator) &&
            gj_text_equal(items[i].without, mine->without))
            return true;
    }
    return false;
}

static void miss(struct gj_protocol *p, struct gj_turn *turn, const struct gj_req_open *req) {
    const struct gj_directory *dir = p->config.directory;
    for (size_t i = 0; i < dir->n_nodes; i++) {
        const char *node = dir->nodes[i].node;
        struct gj_resync_row row = {.missed = true};
        if (!is_named(req, node)) continue;
        gj_text_set(row.node, sizeof row.node, node);
        gj_store_put(turn->store, &gj_table_resync, &row);
        p->peers[i].is_missed = true;
        gj_turn_event(turn, GJ_EVENT_OPENED_WITHOUT, GJ_ERR_RESYNC, NULL, node, 0);
    }
}

enum gj_err gj_protocol_open_without(struct gj_protocol *p, struct gj_turn *turn,
                                     const struct gj_req_open *req) {
    struct gj_opening_row row = {.at_ms = turn->now.wall.ms};
    if (req->operator[0] == '\0') return GJ_ERR_UNAUTHORIZED;
    if (!p->resync) return GJ_ERR_NOT_FOUND;
    if (!write_names(p, req, row.without)) return GJ_ERR_BAD_FIELD;
    gj_text_set(row.operator, sizeof row.operator, req->operator);
    gj_store_put(turn->store, &gj_table_opening, &row);
    if (wants_the_same(turn, &row)) miss(p, turn, req);
    return GJ_OK;
}

void gj_resync_forget_openings(struct gj_turn *turn) {
    struct gj_opening_row *items;
    uint32_t n = read_openings(turn, &items);
    for (uint32_t i = 0; i < n; i++)
        (void)gj_store_del(turn->store, &gj_table_opening, &items[i]);
}

/* --- what is seen of it -------------------------------------------------------------------------------------------- */

static const char *word_of(const struct gj_peer *peer) {
    if (!peer->is_owed) return "done";
    if (peer->is_missed) return "missed";
    return peer->heard ? "asked" : "silent";
}

static void list_peers(struct gj_protocol *p, struct gj_turn *turn, struct gj_ans_resync *ret) {
    const struct gj_directory *dir = p->config.directory;
    ret->peers = gj_arena_array(turn->scratch, dir->n_nodes, sizeof *ret->peers);
    for (size_t i = 0; i < dir->n_nodes && ret->peers != NULL; i++) {
        if (gj_protocol_is_self(p, dir->nodes[i].node)) continue;
        struct gj_resync_peer *line = &ret->peers[ret->n_peers++];
        gj_text_set(line->node, sizeof line->node, dir->nodes[i].node);
        gj_text_set(line->state, sizeof line->state, word_of(&p->peers[i]));
    }
}

static void list_openings(struct gj_turn *turn, struct gj_ans_resync *ret) {
    struct gj_opening_row *items;
    uint32_t n = read_openings(turn, &items);
    ret->openings = gj_arena_array(turn->scratch, n, sizeof *ret->openings);
    for (uint32_t i = 0; i < n && ret->openings != NULL; i++) {
        struct gj_resync_opening *line = &ret->openings[ret->n_openings++];
        gj_text_set(line->operator, sizeof line->operator, items[i].operator);
        gj_text_set(line->without, sizeof line->without, items[i].without);
    }
}

static void list_epochs(struct gj_turn *turn, struct gj_ans_resync *ret) {
    struct gj_epoch_row after = {.epoch = 0};
    struct gj_rows rows = {.more = true};
    ret->epochs = gj_arena_array(turn->scratch, EPOCHS_MAX, sizeof *ret->epochs);
    while (rows.more && ret->epochs != NULL) {
        gj_store_find(turn->store, &gj_table_epoch, NULL, &after, 0, after.epoch == 0 ? NULL : &after,
                      GJ_PAGE_ROWS, turn->scratch, &rows);
        const struct gj_epoch_row *items = rows.items;
        for (size_t i = 0; i < rows.n; i++) {
            after = items[i];
            if (!items[i].lost) continue;
            if (ret->n_epochs == EPOCHS_MAX) {
                ret->more = true;
                return;
            }
            ret->epochs[ret->n_epochs++] = (struct gj_resync_epoch){.epoch = items[i].epoch,
                                                                    .from_seq = items[i].next_seq,
                                                                    .to_seq = items[i].highest_seq,
                                                                    .adopted = items[i].adopted};
        }
        if (rows.n == 0) return;
    }
}

static void list_waiting(struct gj_protocol *p, struct gj_turn *turn, struct gj_ans_resync *ret) {
    struct gj_replayed_row key = {.reported = false};
    struct gj_rows rows;
    gj_store_find(turn->store, &gj_table_replayed, NULL, &key, 0, NULL, WAITING_MAX, turn->scratch, &rows);
    const struct gj_replayed_row *items = rows.items;
    ret->waiting = gj_arena_array(turn->scratch, rows.n, sizeof *ret->waiting);
    for (size_t i = 0; i < rows.n && ret->waiting != NULL; i++) {
        struct gj_tx_line *line = &ret->waiting[ret->n_waiting++];
        struct gj_core *core;
        const bool is_ours = gj_protocol_is_self(p, items[i].txid.coordinator);
        *line = (struct gj_tx_line){.txid = items[i].txid};
        gj_text_set(line->role, sizeof line->role, is_ours ? "coordinator" : "participant");
        gj_text_set(line->state, sizeof line->state, items[i].state);
        gj_text_set(line->kind, sizeof line->kind, "unknown");
        if (gj_replayed_core(p, turn, &items[i], &core) != GJ_OK) continue;
        gj_text_set(line->kind, sizeof line->kind, core->kind);
        gj_text_set(line->sender, sizeof line->sender, core->sender);
        gj_text_set(line->msgid, sizeof line->msgid, core->msgid);
    }
    ret->more |= rows.more;
}

void gj_protocol_describe_resync(struct gj_protocol *p, struct gj_turn *turn, struct gj_ans_resync *ret) {
    *ret = (struct gj_ans_resync){.resync = p->resync};
    list_peers(p, turn, ret);
    list_openings(turn, ret);
    list_epochs(turn, ret);
    list_waiting(p, turn, ret);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Unbinding: decided alone at the home of the person who wants it, effective at once, and told to the other
 * home by a notice that is sent again until it is acknowledged. A dead province must not keep a citizen from
 * saying no. What is prepared goes on; nothing here touches a hold.
 */
#include <string.h>

#include "base/check.h"
#include "base/money.h"
#include "domain/desk/desk.h"

static bool is_side(const char *by) {
    return gj_text_equal(by, "payer") || gj_text_equal(by, "recipient");
}

static void send_notice(struct gj_domain *domain, struct gj_turn *turn, const struct gj_notice_row *notice) {
    struct gj_revoke body;
    /* A node that may have lost data says nothing that rests on its records; it is told when the node has opened. */
    if (gj_protocol_is_in_doubt(domain->protocol)) return;
    memset(&body, 0, sizeof(body));
    gj_text_set(body.binding_ref, sizeof(body.binding_ref), notice->binding_id);
    gj_text_set(body.by, sizeof(body.by), notice->by);
    gj_text_set(body.reason, sizeof(body.reason), notice->reason);
    body.business_date = notice->business_date;
    gj_protocol_send(domain->protocol, turn, GJ_KIND_REVOKE, notice->node, &body, NULL, GJ_CLOCK_WINDOW_MS,
                     NULL);
}

static void put_notice(struct gj_domain *domain, struct gj_turn *turn, const char *binding_id,
                       const char *node, const char *by, const char *reason) {
    struct gj_notice_row notice;
    memset(&notice, 0, sizeof(notice));
    gj_text_set(notice.binding_id, sizeof(notice.binding_id), binding_id);
    gj_text_set(notice.node, sizeof(notice.node), node);
    gj_text_set(notice.by, sizeof(notice.by), by);
    gj_text_set(notice.reason, sizeof(notice.reason), reason);
    notice.business_date = gj_date_of(turn->now.wall);
    notice.since_ms = turn->now.wall.ms;
    gj_store_put(turn->store, &gj_table_notice, &notice);
    send_notice(domain, turn, &notice);
    domain->notices_delay_ms = (int64_t)2 * GJ_REVOKE_RESEND_MS;
    if (domain->notices_due.ms > turn->now.mono.ms + GJ_REVOKE_RESEND_MS)
        domain->notices_due.ms = turn->now.mono.ms + GJ_REVOKE_RESEND_MS;
}

/* --- a client's unbind -------------------------------------------------------------------------------------- */

/* The node at which |by| may decide alone; NULL if the registry does not know the region. */
static const char *home_of(const struct gj_domain *domain, const struct gj_ans_binding *binding,
                           const char *by) {
    bool is_payer = gj_text_equal(by, "payer");
    return gj_desk_node_of(domain, is_payer ? binding->payer_region : binding->recipient_region);
}

void gj_unbind_request(struct gj_domain *domain, struct gj_turn *turn, uint64_t waiter,
                       const struct gj_req_unbind *req, struct gj_slice request) {
    struct gj_ans_binding binding;
    char other[GJ_NODE_MAX + 1];
    if (!gj_desk_owns_sender(domain, turn, waiter, req->sender)) return;
    if (!is_side(req->by)) {
        gj_desk_problem(turn, waiter, "refused", GJ_ERR_BAD_FIELD, "", "by", NULL);
        return;
    }
    struct gj_bound_row bound;
    memset(&bound, 0, sizeof(bound));
    gj_text_set(bound.binding_id, sizeof(bound.binding_id), req->binding_id);
    bool is_here = gj_books_binding(turn, req->binding_id, &binding);
    if (!is_here && gj_store_get(turn->store, &gj_table_bound, &bound, turn->scratch)) {
        gj_bind_answer(&bound, &binding); /* made here, lives elsewhere: its home is told below */
        is_here = true;
    }
    if (!is_here) {
        gj_desk_problem(turn, waiter, "refused", GJ_ERR_NOT_FOUND, "", "binding_id", NULL);
        return;
    }
    if (!gj_bind_is_senders(turn, req->binding_id, req->sender)) {
        gj_desk_problem(turn, waiter, "refused", GJ_ERR_UNAUTHORIZED, "", "sender", NULL);
        return;
    }
    const char *home = home_of(domain, &binding, req->by);
    if (home == NULL || !gj_desk_is_self(domain, home)) {
        gj_desk_wrong_node(domain, turn, waiter, home == NULL ? "" : home);
        return;
    }
    if (!gj_desk_admit(domain, turn, waiter, GJ_REQUEST_UNBIND, req->sender, req->msgid, request)) return;
    if (gj_books_end_binding(turn, req->binding_id, req->by, gj_date_of(turn->now.wall))) {
        gj_books_other_node(&domain->books, turn, req->binding_id, other);
        if (other[0] != '\0') put_notice(domain, turn, req->binding_id, other, req->by, "unbind");
    }
    bool is_there = gj_books_binding(turn, req->binding_id, &binding);
    GJ_ASSERT(is_there || gj_store_err(turn->store) != GJ_OK);
    gj_desk_finish_now(turn, waiter, req->sender, req->msgid, GJ_OK, req->binding_id, GJ_ANSWER_BINDING,
                       &binding);
}

bool gj_revoke_bound(struct gj_domain *domain, struct gj_turn *turn, const struct gj_bound_row *bound) {
    const char *nodes[2] = {gj_desk_node_of(domain, bound->payer_region),
                            gj_desk_node_of(domain, bound->recipient_region)};
    bool is_told = true;
    for (int i = 0; i < 2; i++) {
        if (nodes[i] == NULL) continue; /* a region that left the registry has nobody to tell */
        if (gj_desk_is_self(domain, nodes[i])) {
            (void)gj_books_end_binding(turn, bound->binding_id, "payer", gj_date_of(turn->now.wall));
            continue;
        }
        is_told = false;
        if (i == 1 && nodes[0] != NULL && gj_text_equal(nodes[0], nodes[1])) continue; /* told above */
        put_notice(domain, turn, bound->binding_id, nodes[i], "payer", "reversed");
    }
    return is_told;
}

/* --- between nodes -------------------------------------------------------------------------------------------- */

/* Not known means that its commit is still on the way here: GJ_ERR_NOT_FOUND. */
enum gj_err gj_revoke_apply(struct gj_domain *domain, struct gj_turn *turn, const char *from,
                            const struct gj_revoke *revoke) {
    struct gj_ans_binding binding;
    char other[GJ_NODE_MAX + 1];
    if (!gj_books_binding(turn, revoke->binding_ref, &binding)) return GJ_ERR_NOT_FOUND;
    gj_books_other_node(&domain->books, turn, revoke->binding_ref, other);
    enum gj_err err = GJ_OK;
    if (!gj_text_equal(from, other) && !gj_text_equal(from, binding.txid.coordinator))
        err = GJ_ERR_WRONG_SENDER;
    if (err == GJ_OK && !is_side(revoke->by)) err = GJ_ERR_BAD_FIELD;
    if (err != GJ_OK) {
        gj_turn_event(turn, GJ_EVENT_VIOLATION, err, &binding.txid, from, 0);
        return err;
    }
    (void)gj_books_end_binding(turn, revoke->binding_ref, revoke->by, revoke->business_date);
    return GJ_OK;
}

void gj_revoke_received(struct gj_domain *domain, struct gj_turn *turn, const struct gj_message *message) {
    const struct gj_revoke *revoke = message->body;
    struct gj_revoked body;
    struct gj_msgid id;
    if (gj_protocol_is_in_doubt(domain->protocol)) return;
    /* Silence, if it is not known yet, so that it is sent again. */
    if (gj_revoke_apply(domain, turn, message->header.from, revoke) != GJ_OK) return;
    memset(&body, 0, sizeof(body));
    gj_text_set(body.binding_ref, sizeof(body.binding_ref), revoke->binding_ref);
    gj_msgid_read(message->header.id, &id);
    gj_protocol_send(domain->protocol, turn, GJ_KIND_REVOKED, message->header.from, &body, &id,
                     GJ_CLOCK_WINDOW_MS, NULL);
}

void gj_revoked_received(struct gj_domain *domain, struct gj_turn *turn, const struct gj_message *message) {
    const struct gj_revoked *revoked = message->body;
    struct gj_notice_row notice;
    struct gj_bound_row bound;
    struct gj_rows rows;
    (void)domain;
    memset(&notice, 0, sizeof(notice));
    gj_text_set(notice.binding_id, sizeof(notice.binding_id), revoked->binding_ref);
    gj_text_set(notice.node, sizeof(notice.node), message->header.from);
    if (!gj_store_del(turn->store, &gj_table_notice, &notice)) return;
    gj_store_find(turn->store, &gj_table_notice, NULL, &notice, 1, NULL, 1, turn->scratch, &rows);
    if (rows.n > 0) return;
    memset(&bound, 0, sizeof(bound));
    gj_text_set(bound.binding_id, sizeof(bound.binding_id), revoked->binding_ref);
    if (gj_store_get(turn->store, &gj_table_bound, &bound, turn->scratch)) gj_reverse_unbound(turn, &bound);
}

void gj_revoke_tick(struct gj_domain *domain, struct gj_turn *turn) {
    struct gj_notice_row from;
    struct gj_rows rows;
    memset(&from, 0, sizeof(from));
    const struct gj_notice_row *after =
        domain->notice_cursor.binding_id[0] != '\0' ? &domain->notice_cursor : NULL;
    gj_store_find(turn->store, &gj_table_notice, NULL, &from, 0, after, GJ_DESK_PER_TICK, turn->scratch,
                  &rows);
    const struct gj_notice_row *items = rows.items;
    for (size_t i = 0; i < rows.n; i++)
        send_notice(domain, turn, &items[i]);
    if (rows.more && rows.n > 0) {
        domain->notice_cursor = items[rows.n - 1];
        domain->notices_due = turn->now.mono;
        return;
    }
    bool is_empty = rows.n == 0 && after == NULL;
    domain->notice_cursor.binding_id[0] = '\0';
    domain->notices_due.ms = is_empty ? GJ_DESK_MONO_NEVER : turn->now.mono.ms + domain->notices_delay_ms;
    domain->notices_delay_ms = gj_fen_min(domain->notices_delay_ms * 2, GJ_COMMIT_RESEND_MAX_MS);
}

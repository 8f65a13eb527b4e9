/* SPDX-License-Identifier: Apache-2.0
 *
 * A decision by hand about a transaction in doubt, asked for at this node's own edge. Who may do it is the edge's to
 * know, what it means the protocol's; this only translates. It begins nothing and tells no other node.
 */
#include <string.h>

#include "domain/desk/desk.h"

void gj_resolve_request(struct gj_domain *domain, struct gj_turn *turn, uint64_t waiter,
                        enum gj_request_kind kind, const struct gj_req_resolve *req) {
    struct gj_ans_resolution answer;
    memset(&answer, 0, sizeof(answer));
    enum gj_err err = kind == GJ_REQUEST_PROPOSE ? gj_protocol_propose(domain->protocol, turn, req, &answer)
                                                 : gj_protocol_confirm(domain->protocol, turn, req, &answer);
    if (err == GJ_OK) {
        gj_turn_reply(turn, waiter, GJ_ANSWER_RESOLUTION, &answer);
        return;
    }
    const char *detail = err == GJ_ERR_MISSING_FIELD ? "reason, evidence" : "";
    gj_desk_problem(turn, waiter, "refused", err, "", detail, NULL);
}

/* Leaving a RESYNC without a node that cannot be heard: two operators who want the same. */
void gj_open_request(struct gj_domain *domain, struct gj_turn *turn, uint64_t waiter,
                     const struct gj_req_open *req) {
    struct gj_ans_resync answer;
    enum gj_err err = gj_protocol_open_without(domain->protocol, turn, req);
    if (err != GJ_OK) {
        gj_desk_problem(turn, waiter, "refused", err, "", "without", NULL);
        return;
    }
    gj_protocol_describe_resync(domain->protocol, turn, &answer);
    gj_turn_reply(turn, waiter, GJ_ANSWER_RESYNC, &answer);
}

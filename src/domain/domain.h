/* SPDX-License-Identifier: Apache-2.0
 *
 * The domain room: insurance on top of the protocol. Two halves that meet in books.h: the *desk* serves
 * this node's own clients (requests, plans, settlements, refunds, reversals); the *books* answer for the
 * people insured here (enrolment, cover, accounts, bindings, ledger). Pure, like the protocol.
 */
#ifndef GJ_DOMAIN_DOMAIN_H
#define GJ_DOMAIN_DOMAIN_H

#include "domain/pack.h"
#include "protocol/protocol.h"

struct gj_domain;

struct gj_domain_config {
    struct gj_protocol *protocol;         /* set before the first turn; may be NULL at init */
    const struct gj_directory *directory; /* borrowed for life, as all here */
    const struct gj_packs *packs;
};

size_t gj_domain_size(void);
struct gj_domain *gj_domain_init(void *memory, const struct gj_domain_config *config);
/* The protocol needs the domain's ops and the domain needs the protocol: this closes the circle. */
void gj_domain_attach(struct gj_domain *domain, struct gj_protocol *protocol);
extern const struct gj_app_ops gj_domain_app_ops; /* app = struct gj_domain * */

/* One request of a client: gj_request_encode() bytes. |waiter| names who waits; every request is answered
 * with gj_turn_reply() sooner or later, in this turn or another. */
void gj_domain_request(struct gj_domain *domain, struct gj_turn *turn, uint64_t waiter,
                       struct gj_slice request);
/* The client of |waiter| hung up: answers for it are dropped, the work goes on. */
void gj_domain_forget_waiter(struct gj_domain *domain, uint64_t waiter);
/* After gj_protocol_recover(), same turn: takes up what the records ask for (notices, reversals). */
void gj_domain_recover(struct gj_domain *domain, struct gj_turn *turn);
void gj_domain_tick(struct gj_domain *domain, struct gj_turn *turn);
struct gj_mono gj_domain_next_due(const struct gj_domain *domain);
/* Requests under way: 0 lets a draining node stop. */
uint32_t gj_domain_open_requests(const struct gj_domain *domain);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * A client's request as a state machine of its own, keyed by (sender, msgid):
 *
 *     none ─ admit ─► OPEN ─ finish ─► DONE | REFUSED          final, flushed before anybody hears it
 *       └── reverse ──────────────────► REFUSED (reversed)
 *     OPEN of an earlier epoch is INTERRUPTED: the same body resumes it, a reader hears "in progress",
 *     and after the plan's life it is closed as REFUSED. One whose commit a RESYNC brought back without its
 *     answer is OPEN and not interrupted: "in progress", until the rest comes or people see to it.
 *     DONE has a second field, the reversal: none ─► reversing ─► reversed. It never changes the outcome.
 */
#ifndef GJ_PROTOCOL_REQUEST_H
#define GJ_PROTOCOL_REQUEST_H

#include "protocol/protocol.h"
#include "protocol/tables.h"

enum gj_request_verdict {
    GJ_REQUEST_IS_NEW,      /* a row OPEN was written; go on */
    GJ_REQUEST_IS_RESUMED,  /* was INTERRUPTED, the same body: run the next attempt */
    GJ_REQUEST_IS_OPEN,     /* the same body is under way: in progress */
    GJ_REQUEST_IS_FINAL,    /* row->answer is the stored answer */
    GJ_REQUEST_IS_CONFLICT, /* another body under this key */
};

/* Looks the key up and opens the request if it is new or interrupted. |body| is compared by its keyed
 * digest and not stored. |ret_row| is filled in every case. */
enum gj_request_verdict gj_request_admit(struct gj_protocol *protocol, struct gj_turn *turn,
                                         const char *sender, const char *msgid, const char *kind,
                                         struct gj_slice body, struct gj_request_row *ret_row);
/* After a RESYNC: a request of which nothing is left but its transaction, OPEN to be finished. Its body is unknown, and
 * so any body of that kind is the same one. */
void gj_request_reopen(struct gj_turn *turn, const struct gj_core *core, const char *kind,
                       struct gj_request_row *ret_row);
/* False if there is none. */
bool gj_request_find(struct gj_turn *turn, const char *sender, const char *msgid,
                     struct gj_request_row *ret_row);
/* OPEN of an earlier epoch, and its last transaction is surely not committed. */
bool gj_request_is_interrupted(const struct gj_protocol *protocol, struct gj_turn *turn,
                               const struct gj_request_row *row);
/* While its transaction is committed, or may be, an OPEN request is in progress: never run again, refused or closed. */
bool gj_request_may_be_committed(struct gj_turn *turn, const struct gj_request_row *row);
/* A RESYNC has proof of a commit of ours: from now on its request is known, whenever the rest of it comes, if ever. What runs
 * here, or is final, stays as it is. */
void gj_request_note_commit(const struct gj_protocol *protocol, struct gj_turn *turn,
                            const struct gj_core *core);
/* Notes the running transaction, or the settlement made. Asserts that the request is OPEN. */
void gj_request_note_tx(struct gj_turn *turn, struct gj_request_row *row, const struct gj_txid *txid);
/* OPEN to DONE or REFUSED with its answer; asserts that it is OPEN. |result_ref|: setl_id and the like. */
void gj_request_finish(struct gj_turn *turn, struct gj_request_row *row, bool done, enum gj_err code,
                       const char *rule, const char *result_ref, struct gj_slice answer);
/* A reversal that came before its original, or while it is open and was cancelled: REFUSED (reversed). */
void gj_request_refuse_reversed(struct gj_protocol *protocol, struct gj_turn *turn, const char *sender,
                                const char *msgid, struct gj_slice answer);
/* DONE only: "reversing", then "reversed". Asserts the order. */
void gj_request_set_reversal(struct gj_turn *turn, struct gj_request_row *row, const char *reversal);
/* Closes interrupted requests whose plan life is over, at most |limit| a turn. */
void gj_request_close_interrupted(struct gj_protocol *protocol, struct gj_turn *turn, size_t limit);

#endif

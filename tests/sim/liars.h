/* SPDX-License-Identifier: Apache-2.0
 *
 * The liar's insides, shared by liars.c and the lies_*.c. A node of the registry whose keys are in the
 * seed's hand: its engine goes on and is honest, and what it says is changed on the way, or more is said in its name.
 */
#ifndef GJ_TESTS_SIM_LIARS_H
#define GJ_TESTS_SIM_LIARS_H

#include "sim.h"
#include "support/forge.h"

#define SIM_HEARD_MAX    128u  /* proofs and words of others that a lie may use */
#define SIM_FALSE_MAX    256u  /* votes that its engine never gave */
#define SIM_SAY_MAX      32u   /* messages in a parcel that is looked at */
#define SIM_OWN_IDS_AWAY 4000u /* of the engine's own message ids; within the replay window */

/* What was heard or said before: enough to speak about it again. */
struct sim_heard {
    enum gj_kind kind;
    size_t from;
    struct gj_txid tx;
    struct gj_digest digest;
    uint8_t *evidence; /* a parcel of one message */
    size_t len;
};

struct sim_liars {
    struct sim *sim;
    size_t node;
    struct gj_forge forge;
    uint8_t *memory;
    struct gj_arena look;
    bool is_ready; /* its engine has said something in this epoch */
    uint64_t real_id, lie_id;
    struct sim_heard heard[SIM_HEARD_MAX];
    uint32_t n_heard;
    struct gj_txid false_yes[SIM_FALSE_MAX];
    uint32_t n_false_yes;
};

/* A parcel of its engine on its way out. */
struct sim_saying {
    struct sim_liars *liars;
    size_t to;
    uint32_t n;
    struct gj_message message[SIM_SAY_MAX];
    struct gj_slice bytes[SIM_SAY_MAX];
    bool is_changed, is_refused; /* |is_refused|: no record of the receiver ever meets it */
};

/* A message on its way in, before its engine hears it. */
struct sim_hearing {
    size_t from;
    const struct gj_parcel *parcel;
    const struct gj_parcel_item *item;
    const struct gj_message *message;
};

/* --- for lies ------------------------------------------------------------------------------------------- */
uint64_t sim_lie_below(struct sim_liars *liars, uint64_t n);
void sim_lie_told(struct sim_liars *liars, enum sim_lie lie, size_t to, const struct gj_txid *tx);
/* One more message in its name, on its way after |delay_ms|. */
struct sim_flight *sim_lie_say(struct sim_liars *liars, size_t to, enum gj_kind kind,
                               const struct gj_txid *tx, const void *body, int64_t delay_ms);
/* A header with an id that its engine does not use. */
void sim_lie_header(struct sim_liars *liars, enum gj_kind kind, size_t to, const struct gj_txid *tx,
                    struct gj_header *ret);
struct sim_flight *sim_lie_frame(struct sim_liars *liars, size_t to, struct gj_slice frame, int64_t delay_ms);
/* Another body under the header of message |at|. */
void sim_lie_instead(struct sim_saying *saying, uint32_t at, const void *body);
struct gj_digest sim_lie_other_digest(const struct gj_digest *digest);
/* One that was heard, of a kind (GJ_KIND_NONE: any); NULL: none. */
const struct sim_heard *sim_lie_heard(struct sim_liars *liars, enum gj_kind kind);
/* What can be read of it, with room for one more participant; NULL: nobody takes part in it. */
struct gj_core *sim_lie_copy_core(struct sim_liars *liars, struct gj_slice bytes);
bool sim_lie_is_own(const struct sim_liars *liars, const struct gj_txid *tx);
void sim_lie_note_false_yes(struct sim_liars *liars, const struct gj_txid *tx);
/* The message in a piece of evidence, in the liar's arena; NULL if it cannot be read. */
const struct gj_message *sim_lie_open(struct sim_liars *liars, struct gj_slice evidence);

/* --- the lies ------------------------------------------------------------------------------------------- */
/* lies_tx.c: about message |at| of a parcel; false: none fits. */
bool sim_lie_about(struct sim_saying *saying, uint32_t at);
/* lies_more.c: about what was heard before, unasked. */
void sim_lie_unasked(struct sim_liars *liars, size_t to);
/* ... to a node that has just started, whose past transactions are not settled yet. */
void sim_lie_to_the_waking(struct sim_liars *liars, size_t to);
/* lies_aimed.c: beside what its engine asks for, and to who is in doubt; out of a stream of its own. */
void sim_lie_aim_saying(struct sim_saying *saying);
void sim_lie_aim_hearing(struct sim_liars *liars, const struct sim_hearing *hearing);
/* lies_wire.c: what admission must refuse. */
void sim_lie_at_the_door(struct sim_liars *liars, size_t to);

#endif

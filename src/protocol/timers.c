/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of transactions for which something is still due. Volatile: the records say what they are,
 * this says only when to look again. A timer never decides anything about a vote that was given.
 */
#include "protocol/state.h"

struct gj_mono gj_mono_after(struct gj_mono now, int64_t ms) {
    return (struct gj_mono){now.ms + ms};
}

bool gj_mono_is_due(struct gj_mono due, struct gj_mono now) {
    return due.ms <= now.ms;
}

int64_t gj_jitter(struct gj_turn *turn, int64_t ms) {
    uint8_t draw[2];
    gj_turn_random(turn, draw, sizeof draw);
    int64_t thousandth = (draw[0] << 8 | draw[1]) % 401; /* 0..400: minus to plus a fifth */
    return ms * (800 + thousandth) / 1000;
}

struct gj_active *gj_active_find(struct gj_protocol *p, const struct gj_txid *txid,
                                 enum gj_active_role role) {
    for (uint32_t i = 0; i < p->n_active; i++) {
        if (p->active[i].role == role && gj_txid_equal(&p->active[i].txid, txid)) return &p->active[i];
    }
    return NULL;
}

bool gj_active_has_room(const struct gj_protocol *p) {
    return p->n_active < GJ_ACTIVE_TX_MAX;
}

struct gj_active *gj_active_add(struct gj_protocol *p, struct gj_turn *turn, const struct gj_txid *txid,
                                enum gj_active_role role, int64_t first_ms) {
    if (!gj_active_has_room(p)) {
        gj_turn_event(turn, GJ_EVENT_LIMIT_REACHED, GJ_ERR_BUSY, txid, NULL, GJ_ACTIVE_TX_MAX);
        return NULL;
    }
    struct gj_active *active = &p->active[p->n_active++];
    *active = (struct gj_active){.txid = *txid,
                                 .role = role,
                                 .due = gj_mono_after(turn->now.mono, first_ms),
                                 .deadline = {INT64_MAX},
                                 .since = turn->now.mono,
                                 .interval_ms = first_ms};
    return active;
}

void gj_active_remove(struct gj_protocol *p, const struct gj_txid *txid, enum gj_active_role role) {
    struct gj_active *active = gj_active_find(p, txid, role);
    if (active == NULL) return;
    *active = p->active[--p->n_active];
}

void gj_active_hurry(struct gj_protocol *p, struct gj_mono now) {
    for (uint32_t i = 0; i < p->n_active; i++) {
        if (p->active[i].role != GJ_ACTIVE_COLLECTING) p->active[i].due = now;
    }
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * What takes minutes or years: a coordinator that stays away until its participants raise an alarm, two people who
 * decide by hand meanwhile, and the day when all records are older than the retention.
 */
#include <stdio.h>
#include <string.h>

#include "sim.h"

#define AWAY_WAIT_MS  30000                          /* for somebody to be in doubt */
#define AWAY_MS       (GJ_IN_DOUBT_ALARM_MS + 90000) /* longer than a doubt may last in silence */
#define HANDS_AT_MS   200000                         /* people lose patience */
#define YEARS_MS      ((GJ_RETENTION_YEARS + 1) * INT64_C(366) * 86400000)
#define COLLECTING_MS (3 * INT64_C(3600000))
#define LATE_LIES     80u
#define LIE_MS        60

/* --- by hand -------------------------------------------------------------------------------------------- */
static void ask(struct sim *sim, size_t node, enum gj_request_kind kind, const char *txid,
                const char *outcome, const char *operator) {
    struct gj_req_resolve req = {.reason = "the coordinator is gone", .evidence = "letter 1"};
    gj_text_set(req.id, sizeof req.id, txid);
    gj_text_set(req.outcome, sizeof req.outcome, outcome);
    gj_text_set(req.operator, sizeof req.operator, operator);
    sim_ticket(sim, gj_cluster_submit(sim->cluster, node, kind, &req), node, gj_request_word(kind), "", "");
    sim->nodes[node].has_request = true;
    sim->coverage.faults[SIM_HAND]++;
    sim->totals.faults++;
    sim_say(sim, "%s at %s: %s %s %s", operator, sim_node_name(node), gj_request_word(kind), outcome, txid);
}

/* Two people, who mostly agree; sometimes one of them would do it alone, or they do not mean the same. */
static void decide(struct sim *sim, size_t node, const char *txid) {
    static const char *const outcomes[] = {"commit", "abort"};
    uint64_t which = sim_below(sim, SIM_HAND, 2), mistake = sim_below(sim, SIM_HAND, 8);
    const char *outcome = outcomes[which], *second = mistake == 0 ? "first" : "second";
    ask(sim, node, GJ_REQUEST_PROPOSE, txid, outcome, "first");
    ask(sim, node, GJ_REQUEST_CONFIRM, txid, mistake == 1 ? outcomes[1 - which] : outcome, second);
    if (mistake == 2) ask(sim, node, GJ_REQUEST_PROPOSE, txid, outcomes[1 - which], "second");
}

void sim_hands(struct sim *sim) {
    char txid[72];
    for (size_t i = 0; i < sim->n; i++)
        for (unsigned k = 0; !sim->nodes[i].is_down && ck_nth(sim->ck, i, "part", "PREPARED", k, txid); k++)
            if (sim_chance(sim, SIM_HAND, 60)) decide(sim, i, txid);
}

/* --- away ----------------------------------------------------------------------------------------------- */
static bool somebody_waits_for(const struct sim *sim, size_t *ret_coordinator) {
    char txid[72];
    for (size_t i = 0; i < sim->n; i++)
        for (unsigned k = 0; ck_nth(sim->ck, i, "part", "PREPARED", k, txid); k++)
            for (size_t c = 0; c < sim->n; c++)
                if (c != i && strncmp(txid, sim_node_name(c), strlen(sim_node_name(c))) == 0 &&
                    !sim->nodes[c].is_down) {
                    *ret_coordinator = c;
                    return true;
                }
    return false;
}

void sim_away(struct sim *sim) {
    size_t who = 0;
    int64_t until_ms = sim->now_ms + AWAY_WAIT_MS;
    if (!sim_has(sim, SIM_AWAY)) return;
    while (!somebody_waits_for(sim, &who) && sim->now_ms < until_ms && ck_failed(sim->ck) == NULL)
        sim_turn(sim, until_ms);
    if (ck_failed(sim->ck) != NULL || sim->now_ms >= until_ms) return;
    sim->is_quiet = true;
    sim_node_crash(sim, who, "goes away for long");
    sim->nodes[who].up_ms = sim->now_ms + AWAY_MS;
    sim->coverage.faults[SIM_AWAY]++;
    int64_t hands_ms = sim->now_ms + HANDS_AT_MS, end_ms = sim->now_ms + AWAY_MS;
    while (sim->now_ms < end_ms && ck_failed(sim->ck) == NULL) {
        bool is_before = sim->now_ms < hands_ms;
        sim_turn(sim, is_before ? hands_ms : end_ms);
        if (is_before && sim->now_ms >= hands_ms && sim_has(sim, SIM_HAND)) sim_hands(sim);
    }
}

/* --- years ---------------------------------------------------------------------------------------------- */
static void pass(struct sim *sim, int64_t ms) {
    int64_t end_ms = sim->now_ms + ms;
    while (sim->now_ms < end_ms && ck_failed(sim->ck) == NULL)
        sim_turn(sim, end_ms);
}

/* All is done, and older than anybody must keep. Participants collect, and whoever speaks of it then is a liar. */
void sim_years(struct sim *sim) {
    if ((sim->swarm.on >> SIM_YEARS & 1) == 0 || ck_failed(sim->ck) != NULL) return;
    sim_say(sim, "--- years pass");
    sim->coverage.faults[SIM_YEARS]++;
    gj_cluster_advance(sim->cluster, YEARS_MS);
    sim->now_ms += YEARS_MS;
    pass(sim, COLLECTING_MS);
    for (unsigned i = 0; i < LATE_LIES && sim->liars != NULL && ck_failed(sim->ck) == NULL; i++) {
        sim_liars_at_last(sim);
        pass(sim, LIE_MS);
    }
    pass(sim, GJ_COMMIT_RESEND_MAX_MS * 2);
}

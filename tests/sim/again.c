/* SPDX-License-Identifier: Apache-2.0
 *
 * I12: in some seeds every input is recorded, and at the end each node's recording is played into a store as it was
 * before the node's first start. It must be the same, record for record. Not with SQLite, whose stores cannot be copied
 * here (what a store does is asked elsewhere), and not where keys change or a store is put back: what was evidence at
 * the time is judged by the registry of the end.
 */
#include "base/check.h"
#include "sim.h"
#include "support/replay.h"

#define PERCENT 6u

void sim_again_draw(struct sim *sim) {
    const uint32_t never = UINT32_C(1) << SIM_SQLITE | UINT32_C(1) << SIM_BACKUP | UINT32_C(1) << SIM_REKEY;
    sim->is_recorded =
        sim_chance(sim, SIM_RECORD, PERCENT) && (sim->swarm.on & never) == 0 && !sim->options.has_liar;
}

void sim_again_open(struct sim *sim) {
    for (size_t i = 0; i < sim->n && sim->is_recorded; i++)
        sim->before[i] = sim_disk_clone(sim, i);
}

void sim_again_compare(struct sim *sim) {
    for (size_t i = 0; i < sim->n && sim->is_recorded && ck_failed(sim->ck) == NULL; i++) {
        size_t rows = 0;
        struct gj_store *now = sim_disk_clone(sim, i);
        size_t entries = gj_replay(sim->cluster, i, &sim->packs, now, sim->before[i], false);
        size_t differences = gj_replay_differences(now, sim->before[i], &rows);
        gj_store_close(&now);
        sim->coverage.rows[SIM_ROW_REPLAYED]++;
        if (differences > 0 || entries == 0)
            ck_fail(sim->ck, "I12", i, NULL, "%zu differences after %zu recorded inputs played again",
                    differences, entries);
    }
}

void sim_again_close(struct sim *sim) {
    for (size_t i = 0; i < sim->n; i++)
        gj_store_close(&sim->before[i]);
}

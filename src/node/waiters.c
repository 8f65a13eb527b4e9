/* SPDX-License-Identifier: Apache-2.0
 *
 * Who is owed an answer. The domain knows its sessions; the engine must know the waiters themselves, because
 * a rolled-back batch takes the domain's sessions with it and nobody may be left without a word.
 */
#include "node/private.h"

#include "base/check.h"

#define PROBLEM_BYTES 2048

bool gj_engine_waiters_add(struct gj_engine *engine, uint64_t waiter) {
    GJ_ASSERT(engine->n_waiters <
              GJ_ENGINE_REPLIES_MAX); /* a batch adds at most its inputs above the limit */
    engine->waiters[engine->n_waiters++] = (struct gj_waiter){.id = waiter, .is_new = true};
    return engine->n_waiters <= GJ_ENGINE_WAITERS_MAX;
}

void gj_engine_waiters_remove(struct gj_engine *engine, uint64_t waiter) {
    for (size_t i = 0; i < engine->n_waiters; i++) {
        if (engine->waiters[i].id != waiter) continue;
        engine->waiters[i] = engine->waiters[--engine->n_waiters];
        return;
    }
}

void gj_engine_waiters_keep(struct gj_engine *engine) {
    for (size_t i = 0; i < engine->n_waiters; i++)
        engine->waiters[i].is_new = false;
}

static void tell(struct gj_engine *engine, uint64_t waiter, const char *outcome, enum gj_err code) {
    uint8_t memory[PROBLEM_BYTES];
    struct gj_buf buf;
    struct gj_ans_problem problem = {.outcome = ""};
    gj_text_set(problem.outcome, sizeof problem.outcome, outcome);
    gj_text_set(problem.code, sizeof problem.code, gj_err_name(code));
    gj_buf_init(&buf, memory, sizeof memory);
    enum gj_err err = gj_answer_encode(GJ_ANSWER_PROBLEM, &problem, &buf);
    GJ_ASSERT(err == GJ_OK);
    engine->config.sink.reply(engine->config.sink.ctx, waiter, gj_buf_slice(&buf));
}

void gj_engine_waiters_tell_rollback(struct gj_engine *engine, enum gj_err why) {
    for (size_t i = 0; i < engine->n_waiters; i++) {
        const struct gj_waiter *waiter = &engine->waiters[i];
        if (waiter->is_new)
            tell(engine, waiter->id, "refused", why);
        else
            tell(engine, waiter->id, "in_progress", GJ_ERR_IN_PROGRESS);
    }
    engine->n_waiters = 0;
}

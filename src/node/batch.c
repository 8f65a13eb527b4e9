/* SPDX-License-Identifier: Apache-2.0
 *
 * One batch: inputs and ticks through the core inside one store transaction, the flush, then the release of
 * all it said. Before the flush nothing is handed to the sink, and a batch that was rolled back says nothing.
 */
#include "node/private.h"

#include <string.h>

#include "base/check.h"
#include "protocol/tables.h"
#include "store/tables.h"

#define DAY_MS         INT64_C(86400000)
#define TRIM_EVERY_MS  60000
#define TRIM_PER_FLUSH 4u

static struct gj_turn make_turn(struct gj_engine *engine, struct gj_now now) {
    struct gj_turn turn = {.store = engine->config.store,
                           .now = now,
                           .scratch = &engine->scratch,
                           .batch = &engine->batch,
                           .outbox = &engine->outbox,
                           .replies = &engine->replies,
                           .events = &engine->events,
                           .hasher = engine->config.hasher,
                           .accepts_new_work = true,
                           .no_new_work = GJ_OK};
    if (gj_store_below_reserve(engine->config.store)) turn.no_new_work = GJ_ERR_STORE_FULL;
    if (engine->draining) turn.no_new_work = GJ_ERR_DRAINING;
    turn.accepts_new_work = turn.no_new_work == GJ_OK;
    return turn;
}

/* The turn of the next input: an empty scratch and a fresh seed. */
static void renew_turn(struct gj_engine *engine, struct gj_turn *turn) {
    gj_arena_reset(&engine->scratch);
    engine->config.sink.random(engine->config.sink.ctx, turn->seed, sizeof turn->seed);
    turn->draws = 0;
}

/* A full scratch leaves undone what one input wanted to do, perhaps in the middle of its records: nothing of the batch
 * may become durable. */
static void note_overflow(struct gj_engine *engine) {
    if (engine->scratch.overflow) engine->is_short = true;
}

static void clear_batch(struct gj_engine *engine) {
    gj_arena_reset(&engine->batch);
    engine->outbox.n = 0;
    engine->outbox.overflow = false;
    engine->replies.n = 0;
    engine->events.n = 0;
    engine->events.lost = 0;
}

/* --- through the core ------------------------------------------------------------------------------------- */
static void take_request(struct gj_engine *engine, struct gj_turn *turn, const struct gj_input *input) {
    engine->counts.requests++;
    if (!gj_engine_waiters_add(engine, input->waiter)) {
        struct gj_ans_problem problem = {.outcome = "refused"};
        gj_text_set(problem.code, sizeof problem.code, gj_err_name(GJ_ERR_BUSY));
        gj_turn_reply(turn, input->waiter, GJ_ANSWER_PROBLEM, &problem);
        return;
    }
    gj_domain_request(engine->domain, turn, input->waiter, input->bytes);
}

static void take_input(struct gj_engine *engine, struct gj_turn *turn, const struct gj_input *input) {
    renew_turn(engine, turn);
    if (engine->recorder != NULL) gj_recorder_input(engine->recorder, input, turn->seed);
    switch (input->kind) {
    case GJ_INPUT_PARCEL:
        engine->counts.parcels_in++;
        gj_protocol_parcel(engine->protocol, turn, input->line, input->bytes);
        break;
    case GJ_INPUT_REQUEST:
        take_request(engine, turn, input);
        break;
    case GJ_INPUT_HANGUP:
        gj_engine_waiters_remove(engine, input->waiter);
        gj_domain_forget_waiter(engine->domain, input->waiter);
        break;
    }
    note_overflow(engine);
}

static void tick(struct gj_engine *engine, struct gj_turn *turn) {
    if (gj_protocol_next_due(engine->protocol).ms <= turn->now.mono.ms) {
        renew_turn(engine, turn);
        if (engine->recorder != NULL) gj_recorder_tick(engine->recorder, 'P', turn->seed);
        gj_protocol_tick(engine->protocol, turn);
        note_overflow(engine);
    }
    if (gj_domain_next_due(engine->domain).ms <= turn->now.mono.ms) {
        renew_turn(engine, turn);
        if (engine->recorder != NULL) gj_recorder_tick(engine->recorder, 'D', turn->seed);
        gj_domain_tick(engine->domain, turn);
        note_overflow(engine);
    }
}

/* Half of a limit is left for what one more input may say. */
static bool has_room(const struct gj_engine *engine) {
    return engine->batch.used <= engine->batch.cap / 2 && engine->outbox.n <= engine->outbox.cap / 2 &&
           engine->replies.n <= engine->replies.cap / 2;
}

/* --- the flush -------------------------------------------------------------------------------------------- */
static enum gj_err put_batch_row(struct gj_engine *engine, struct gj_now now,
                                 const struct gj_node_row *node) {
    struct gj_batch_row row = {
        .epoch = node->boot_epoch, .flush = node->flush, .wall_ms = now.wall.ms, .mono_ms = now.mono.ms};
    GJ_TRY(gj_recorder_seal(engine->recorder, &row.inputs));
    gj_store_put(engine->config.store, &gj_table_batch, &row);
    return GJ_OK;
}

/* Recorded inputs older than they are kept: the oldest, one at a time because a row is large, and only a few in one
 * flush, so that nobody waits for it. */
static void trim_inputs(struct gj_engine *engine, struct gj_now now) {
    struct gj_store *store = engine->config.store;
    const int64_t before_ms = now.wall.ms - (int64_t)engine->config.record_days * DAY_MS;
    if (engine->config.record_days == 0 || now.mono.ms < engine->trim_due.ms) return;
    engine->trim_due.ms = now.mono.ms + TRIM_EVERY_MS;
    for (unsigned i = 0; i < TRIM_PER_FLUSH; i++) {
        struct gj_batch_row oldest = {.epoch = 0};
        struct gj_rows rows;
        gj_arena_reset(&engine->scratch);
        gj_store_find(store, &gj_table_batch, NULL, &oldest, 0, NULL, 1, &engine->scratch, &rows);
        const struct gj_batch_row *row = rows.items;
        if (rows.n == 0 || row->wall_ms >= before_ms) return;
        gj_store_del(store, &gj_table_batch, row);
    }
    engine->trim_due = now.mono; /* there may be more */
}

/* Numbers the flush in the same store transaction that it makes durable. */
static enum gj_err flush(struct gj_engine *engine, struct gj_now now) {
    struct gj_store *store = engine->config.store;
    struct gj_node_row node = {.one = 1};
    gj_arena_reset(&engine->scratch);
    bool found = gj_store_get(store, &gj_table_node, &node, &engine->scratch);
    if (gj_store_err(store) != GJ_OK) return store->ops->commit(store);
    GJ_ASSERT(found);
    node.flush++;
    gj_store_put(store, &gj_table_node, &node);
    trim_inputs(engine, now);
    if (engine->recorder != NULL) GJ_TRY(put_batch_row(engine, now, &node));
    GJ_TRY(store->ops->commit(store));
    engine->flush = node.flush;
    engine->counts.flushes++;
    memcpy(engine->store_id, node.store_id, sizeof engine->store_id);
    if (engine->recorder != NULL) gj_recorder_clear(engine->recorder);
    return GJ_OK;
}

/* Is a transaction of ours still undecided? Asked only while draining. */
static void look_for_undecided(struct gj_engine *engine) {
    struct gj_coord_row row = {.state = "BEGUN"};
    struct gj_rows rows;
    if (!engine->draining) return;
    gj_arena_reset(&engine->scratch);
    gj_store_find(engine->config.store, &gj_table_coord, "coord_by_state", &row, 1, NULL, 1, &engine->scratch,
                  &rows);
    engine->coordinates = rows.n > 0;
}

/* Ends the store transaction. A batch that wrote nothing rests on the last flush and needs none of its own,
 * unless the recorder has no room to carry its inputs over. */
static enum gj_err finish(struct gj_engine *engine, struct gj_now now, bool must_flush) {
    struct gj_store *store = engine->config.store;
    look_for_undecided(engine);
    if (store->writes > 0 || must_flush) return flush(engine, now);
    if (gj_store_err(store) != GJ_OK) return store->ops->commit(store); /* rolls back and tells the error */
    store->ops->rollback(store);
    return GJ_OK;
}

/* --- the release ------------------------------------------------------------------------------------------ */
static enum gj_err release(struct gj_engine *engine, struct gj_now now) {
    const struct gj_engine_sink *sink = &engine->config.sink;
    gj_engine_waiters_keep(engine);
    for (uint32_t i = 0; i < engine->replies.n; i++) {
        const struct gj_reply *reply = &engine->replies.items[i];
        gj_engine_waiters_remove(engine, reply->waiter);
        sink->reply(sink->ctx, reply->waiter, reply->answer);
    }
    enum gj_err err = gj_signer_release(engine, now);
    if (engine->events.lost > 0) {
        struct gj_event lost = {
            .code = GJ_EVENT_LIMIT_REACHED, .err = GJ_ERR_TOO_MANY, .value = engine->events.lost};
        sink->event(sink->ctx, &lost);
    }
    for (uint32_t i = 0; i < engine->events.n; i++)
        sink->event(sink->ctx, &engine->events.items[i]);
    clear_batch(engine);
    return err;
}

/* There was no room for the batch and it was rolled back; the core's volatile state still believes in it.
 * So the core is made anew from the store, as after a restart: a new epoch, what was undecided of ours is
 * aborted, all is sent again from state. Whoever waits hears now, because the sessions are gone. If there
 * is no room even for that, the store cannot serve decisions either, and the process must end. */
static enum gj_err recover_from_rollback(struct gj_engine *engine, struct gj_now now, enum gj_err why) {
    const struct gj_event limit = {.code = GJ_EVENT_LIMIT_REACHED, .err = why};
    clear_batch(engine);
    gj_engine_waiters_tell_rollback(engine, why == GJ_ERR_STORE_FULL ? why : GJ_ERR_BUSY);
    engine->config.sink.event(engine->config.sink.ctx, &limit);
    const bool in_doubt = gj_protocol_is_in_doubt(engine->protocol);
    enum gj_err err =
        gj_batch_recover(engine, now, in_doubt ? GJ_WITNESS_DOUBTFUL : GJ_WITNESS_EQUAL_OR_BEHIND);
    if (err == GJ_ERR_STORE_FULL) return GJ_ERR_STORE;
    return err == GJ_OK ? why : err;
}

/* Steps without a flush pile up in the recorder; before it is full they get one. */
static enum gj_err make_room(struct gj_engine *engine, struct gj_now now) {
    if (engine->recorder == NULL || gj_recorder_has_room(engine->recorder, 0)) return GJ_OK;
    engine->config.store->ops->begin(engine->config.store);
    return flush(engine, now);
}

static bool recorder_takes(const struct gj_engine *engine, const struct gj_input *input) {
    return engine->recorder == NULL || gj_recorder_has_room(engine->recorder, input->bytes.len);
}

enum gj_err gj_batch_run(struct gj_engine *engine, const struct gj_input *inputs, size_t n, struct gj_now now,
                         size_t *ret_taken) {
    struct gj_store *store = engine->config.store;
    struct gj_turn turn = make_turn(engine, now);
    size_t taken = 0;

    *ret_taken = 0;
    enum gj_err err = make_room(engine, now);
    if (err == GJ_OK) {
        store->ops->begin(store);
        if (engine->recorder != NULL) gj_recorder_step(engine->recorder, &turn);
        while (taken < n && has_room(engine) && recorder_takes(engine, &inputs[taken]) &&
               !gj_store_err(store) && !engine->is_short)
            take_input(engine, &turn, &inputs[taken++]);
        tick(engine, &turn);
        *ret_taken = taken;
        if (engine->is_short) {
            store->ops->rollback(store);
            return recover_from_rollback(engine, now, GJ_ERR_NO_SPACE);
        }
        err = finish(engine, now, taken < n && !recorder_takes(engine, &inputs[taken]));
    }
    if (err == GJ_ERR_STORE_FULL) return recover_from_rollback(engine, now, err);
    if (err != GJ_OK) return err;
    return release(engine, now);
}

void gj_batch_reset_core(struct gj_engine *engine) {
    const struct gj_domain_config domain = {
        .protocol = NULL, .directory = engine->config.directory, .packs = engine->config.packs};
    engine->domain = gj_domain_init(engine->domain_memory, &domain);
    const struct gj_protocol_config protocol = {.directory = engine->config.directory,
                                                .prover = engine->config.prover,
                                                .app_ops = &gj_domain_app_ops,
                                                .app = engine->domain,
                                                .digest_alg = gj_hash_alg_of(engine->public_key.alg),
                                                .retention_years = engine->config.retention_years};
    engine->protocol = gj_protocol_init(engine->protocol_memory, &protocol);
    gj_domain_attach(engine->domain, engine->protocol);
}

enum gj_err gj_batch_recover(struct gj_engine *engine, struct gj_now now, enum gj_witness witness) {
    struct gj_store *store = engine->config.store;
    struct gj_turn turn = make_turn(engine, now);
    gj_batch_reset_core(engine);
    clear_batch(engine);
    engine->is_short = false;
    renew_turn(engine, &turn);
    if (engine->recorder != NULL) {
        gj_recorder_clear(engine->recorder);
        gj_recorder_start(engine->recorder, now, witness, turn.seed);
    }
    store->ops->begin(store);
    gj_protocol_recover(engine->protocol, &turn, witness);
    gj_domain_recover(engine->domain, &turn);
    note_overflow(engine);
    if (engine->is_short) {
        store->ops->rollback(store);
        return GJ_ERR_STORE; /* deterministic: another try would end here too */
    }
    GJ_TRY(finish(engine, now, false));
    return release(engine, now);
}

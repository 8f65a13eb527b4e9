/* SPDX-License-Identifier: Apache-2.0
 *
 * What can be seen of the stage: the records of a node, its events, whether it is up, what the checker says, and a
 * log of what passed.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "stage.h"
#include "support/shape_json.h"

#define ARENA_BYTES ((size_t)16 * 1024 * 1024)
#define PAGE        64

/* --- records ------------------------------------------------------------------------------------------------------ */
struct look {
    const struct gj_table *table;
    json_t *rows;
};

/* Without blobs: nobody outside reads them. */
static json_t *row_of(const struct gj_table *table, const void *row) {
    json_t *json = gj_test_shape_json(table->shape, row);
    for (uint32_t i = 0; i < table->shape->n_fields; i++)
        if (table->shape->fields[i].type == GJ_FIELD_BIN) json_object_del(json, table->shape->fields[i].name);
    return json;
}

static void read_rows(void *ctx, struct gj_turn *turn) {
    const struct look *look = ctx;
    size_t size = look->table->shape->size;
    uint8_t *key = calloc(2, size), *last = NULL;
    struct gj_rows rows;
    GJ_ASSERT(key != NULL);
    do {
        gj_arena_reset(turn->scratch);
        gj_store_find(turn->store, look->table, NULL, key, 0, last, PAGE, turn->scratch, &rows);
        for (size_t i = 0; i < rows.n; i++)
            json_array_append_new(look->rows, row_of(look->table, (const uint8_t *)rows.items + i * size));
        if (rows.n == 0) break;
        last = key + size;
        memcpy(last, (const uint8_t *)rows.items + (rows.n - 1) * size, size);
    } while (rows.more);
    free(key);
}

/* {"node", "table"}: {"rows": [...]} */
json_t *stage_rows(struct stage *stage, const json_t *command) {
    const struct gj_catalogue *all = gj_store_catalogue();
    const char *name = stage_text(command, "table");
    size_t node;
    if (!stage_node_of(stage, command, "node", &node)) return stage_error("rows: no such node");
    for (size_t i = 0; i < all->n; i++) {
        if (strcmp(all->tables[i]->name, name) != 0) continue;
        struct look look = {all->tables[i], json_array()};
        gj_cluster_edit(stage->cluster, node, read_rows, &look);
        return json_pack("{s:o}", "rows", look.rows);
    }
    return stage_error("rows: no table \"%s\"", name);
}

/* --- events --------------------------------------------------------------------------------------------------------- */
/* {"node"}: {"events": {word: how often}, "alarms": {word: how often}} */
json_t *stage_events(struct stage *stage, const json_t *command) {
    size_t node;
    if (!stage_node_of(stage, command, "node", &node)) return stage_error("events: no such node");
    json_t *events = json_object(), *alarms = json_object();
    for (int i = GJ_EVENT_NONE + 1; i < GJ_EVENT_COUNT; i++) {
        enum gj_event_code code = (enum gj_event_code)i;
        json_int_t n = (json_int_t)gj_cluster_events(stage->cluster, node, code);
        if (n == 0) continue;
        json_object_set_new(events, gj_event_word(code), json_integer(n));
        if (gj_event_level_of(code) == GJ_LEVEL_ALARM)
            json_object_set_new(alarms, gj_event_word(code), json_integer(n));
    }
    return json_pack("{s:o, s:o}", "events", events, "alarms", alarms);
}

void stage_reports(void *ctx, size_t node, const struct gj_event *event) {
    struct stage *stage = ctx;
    char txid[GJ_TXID_TEXT_CAP] = "";
    if (!gj_txid_is_none(&event->txid)) (void)gj_txid_format(txid, &event->txid);
    stage_say(stage, "%s: %s%s%s %s %s", stage->names[node], gj_event_word(event->code),
              event->err == GJ_OK ? "" : " ", event->err == GJ_OK ? "" : gj_err_name(event->err), event->node,
              txid);
}

/* --- state ------------------------------------------------------------------------------------------------------------ */
/* {"node"}: {"is_up", "is_frozen"}; with "freeze", "full", "low" or "skew_ms" sets it first. */
json_t *stage_state(struct stage *stage, const json_t *command) {
    size_t node;
    if (!stage_node_of(stage, command, "node", &node)) return stage_error("state: no such node");
    struct stage_node *at = &stage->nodes[node];
    const json_t *freeze = json_object_get(command, "freeze"), *full = json_object_get(command, "full");
    const json_t *low = json_object_get(command, "low");
    if (freeze != NULL) at->is_frozen = json_is_true(freeze);
    if (full != NULL) at->is_full = json_is_true(full);
    if (low != NULL) at->is_low = json_is_true(low);
    if (json_object_get(command, "skew_ms") != NULL)
        gj_cluster_set_skew(stage->cluster, node, stage_int(command, "skew_ms", 0));
    return json_pack("{s:b, s:b}", "is_up", gj_cluster_is_up(stage->cluster, node), "is_frozen",
                     at->is_frozen);
}

/* --- the checker -------------------------------------------------------------------------------------------------------- */
static void compare_all(struct stage *stage) {
    struct gj_arena arena;
    gj_arena_init(&arena, stage->arena_memory, ARENA_BYTES);
    for (size_t i = 0; i < stage->n && ck_failed(stage->ck) == NULL; i++)
        ck_compare(stage->ck, i, gj_cluster_store(stage->cluster, i), &arena);
}

/* Faults that were asked for and have met nothing. */
static json_t *idle_faults(const struct stage *stage) {
    json_t *idle = json_array();
    for (size_t i = 0; i < STAGE_TRAPS_MAX; i++) {
        const struct stage_trap *trap = &stage->traps[i];
        if (!trap->is_set || trap->hits > 0) continue;
        json_array_append_new(idle, json_sprintf("a trap for %s from %s to %s", trap->kind,
                                                 stage->names[trap->from], stage->names[trap->to]));
    }
    for (size_t i = 0; i < stage->n; i++)
        if (stage->nodes[i].blow != STAGE_NO_BLOW)
            json_array_append_new(idle, json_sprintf("a crash of %s", stage->names[i]));
    return idle;
}

/* {"end": true: all is said to be over}: {"unfinished", "failure"}, each "" if there is none; "idle". */
json_t *stage_check(struct stage *stage, const json_t *command) {
    bool is_end = json_is_true(json_object_get(command, "end"));
    if (is_end) {
        compare_all(stage);
        if (ck_failed(stage->ck) == NULL) ck_end(stage->ck);
    }
    const struct ck_failure *failure = ck_failed(stage->ck);
    char text[700] = "";
    if (failure != NULL)
        (void)snprintf(text, sizeof text, "%s at %s: %s %s", failure->invariant,
                       failure->node < stage->n ? stage->names[failure->node] : "?", failure->text,
                       failure->txid);
    return json_pack("{s:s, s:s, s:o}", "unfinished", ck_unfinished(stage->ck), "failure", text, "idle",
                     idle_faults(stage));
}

/* --- the log -------------------------------------------------------------------------------------------------------------- */
void stage_say(struct stage *stage, const char *format, ...) {
    char text[400];
    va_list args;
    if (stage->cluster == NULL || json_array_size(stage->log) >= STAGE_LOG_MAX) return;
    int at = snprintf(text, sizeof text, "%9.3f  ",
                      (double)(gj_cluster_now(stage->cluster, 0).mono.ms - 1000000) / 1000.0);
    va_start(args, format);
    (void)vsnprintf(text + at, sizeof text - (size_t)at, format, args);
    va_end(args);
    json_array_append_new(stage->log, json_string(text));
}

/* {"log": [...]} since the last time. */
json_t *stage_take_log(struct stage *stage, const json_t *command) {
    (void)command;
    json_t *log = stage->log;
    stage->log = json_array();
    return json_pack("{s:o}", "log", log);
}

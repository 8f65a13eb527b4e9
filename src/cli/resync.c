/* SPDX-License-Identifier: Apache-2.0
 *
 * A store that was put back: saying so before the node starts, seeing how far it has healed, and opening it without a
 * peer that cannot be heard. The first writes one mark into a store that nobody has open; the others write nothing.
 */
#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "cli/api.h"
#include "cli/offline.h"
#include "protocol/tables.h"

#define PAGE 64u

/* Calls |each| for every record of a table; false if it or the store failed. */
static bool each_record(struct gj_offline *offline, const struct gj_table *table,
                        bool (*each)(struct gj_offline *offline, const void *record)) {
    union {
        struct gj_resync_row resync;
        struct gj_epoch_row epoch;
        struct gj_replayed_row replayed;
    } last;
    struct gj_rows rows = {.more = true};
    const void *after = NULL;
    memset(&last, 0, sizeof last);
    while (rows.more) {
        gj_arena_reset(&offline->scratch);
        gj_store_find(offline->store, table, NULL, &last, 0, after, PAGE, &offline->scratch, &rows);
        for (size_t i = 0; i < rows.n; i++) {
            const uint8_t *record = (const uint8_t *)rows.items + i * table->shape->size;
            memcpy(&last, record, table->shape->size);
            if (!each(offline, record)) return false;
        }
        after = &last;
        if (rows.n == 0) break;
    }
    return gj_store_err(offline->store) == GJ_OK;
}

/* --- restored ---------------------------------------------------------------------------------------------- */

static bool forget_peer(struct gj_offline *offline, const void *record) {
    (void)gj_store_del(offline->store, &gj_table_resync, record);
    return true;
}

/* Whatever it had heard in a RESYNC before belongs to the copy: all peers are asked from the start. */
static enum gj_err mark_restored(struct gj_offline *offline) {
    struct gj_store *store = offline->store;
    struct gj_node_row node = {.one = 1};
    store->ops->begin(store);
    bool found = gj_store_get(store, &gj_table_node, &node, &offline->scratch);
    node.resync = true;
    if (found) gj_store_put(store, &gj_table_node, &node);
    bool is_done = found && each_record(offline, &gj_table_resync, forget_peer);
    enum gj_err err = store->ops->commit(store);
    return err == GJ_OK && !is_done ? GJ_ERR_NOT_FOUND : err;
}

int gj_cmd_restored(const struct gj_args *args) {
    struct gj_offline offline;
    int code = gj_offline_open_store(args, GJ_STORE_WRITE, &offline);
    if (code != GJ_EXIT_OK) return code;
    enum gj_err err = mark_restored(&offline);
    if (err != GJ_OK) {
        code = gj_cli_fail(args, err, gj_err_text_en(err));
    } else {
        fputs("marked: at its next start the node asks every peer what it has forgotten\n"
              "已标记：节点下次启动时将向全部对端补取其缺失的数据\n",
              args->out);
    }
    gj_offline_close(&offline);
    return code;
}

/* --- status ---------------------------------------------------------------------------------------------------- */

static bool say_peer(struct gj_offline *offline, const void *record) {
    const struct gj_resync_row *row = record;
    const char *state = row->done ? "done" : row->missed ? "missed" : "owed";
    return fprintf(offline->args->out, "peer %s %s\n", row->node, state) > 0;
}

static bool say_epoch(struct gj_offline *offline, const void *record) {
    const struct gj_epoch_row *row = record;
    if (!row->lost) return true;
    return fprintf(offline->args->out,
                   "epoch %" PRIu64 ": transactions from %" PRIu64 " on were lost, %" PRIu64
                   " came back, up to %" PRIu64 "\n",
                   row->epoch, row->next_seq, row->adopted, row->highest_seq) > 0;
}

static bool say_waiting(struct gj_offline *offline, const void *record) {
    const struct gj_replayed_row *row = record;
    char txid[GJ_TXID_TEXT_CAP];
    return fprintf(offline->args->out, "transaction %s %s: proven, not whole%s\n",
                   gj_txid_format(txid, &row->txid), row->state,
                   row->reported ? ", nobody has more" : "") > 0;
}

int gj_cmd_resync_status(const struct gj_args *args) {
    struct gj_offline offline;
    struct gj_node_row node = {.one = 1};
    int code = gj_offline_open_store(args, GJ_STORE_READ, &offline);
    if (code != GJ_EXIT_OK) return code;
    offline.store->ops->begin(offline.store);
    bool good = gj_store_get(offline.store, &gj_table_node, &node, &offline.scratch) &&
                fprintf(args->out, "%s\n", node.resync ? "resync" : "open") > 0 &&
                each_record(&offline, &gj_table_resync, say_peer) &&
                each_record(&offline, &gj_table_epoch, say_epoch) &&
                each_record(&offline, &gj_table_replayed, say_waiting);
    if (!good) code = gj_cli_fail(args, GJ_ERR_IO, "the store or standard output failed");
    offline.store->ops->rollback(offline.store);
    gj_offline_close(&offline);
    return code;
}

/* --- open -------------------------------------------------------------------------------------------------------- */

static json_t *names(const struct gj_args *args) {
    json_t *list = json_array();
    for (size_t i = 0; i < args->n_operands; i++) {
        json_t *item = json_pack("{s:s}", "node", args->operands[i]);
        if (item == NULL || json_array_append_new(list, item) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return json_pack("{s:o}", "without", list);
}

static int say_opening(const struct gj_args *args, const struct gj_api_answer *answer) {
    if (answer->status != 200) {
        const char *code = json_string_value(json_object_get(answer->body, "code"));
        enum gj_err err = gj_err_from_name(code == NULL ? "" : code);
        return gj_cli_fail(args, err, gj_err_text_en(err));
    }
    const json_t *peer;
    size_t i;
    json_array_foreach(json_object_get(answer->body, "peers"), i, peer) {
        fprintf(args->out, "peer %s %s\n", json_string_value(json_object_get(peer, "node")),
                json_string_value(json_object_get(peer, "state")));
    }
    fputs("noted; it counts when another operator wants the same\n"
          "已登记；须由另一操作员提出相同意见方可生效\n",
          args->out);
    return GJ_EXIT_OK;
}

int gj_cmd_resync_open(const struct gj_args *args) {
    struct gj_api_answer answer;
    json_t *body = names(args);
    if (body == NULL) return gj_cli_usage(args, "a node's name must be UTF-8");
    int code = gj_api_post(args, "/v1/resync:open", body, &answer);
    json_decref(body);
    if (code == GJ_EXIT_OK) code = say_opening(args, &answer);
    json_decref(answer.body);
    return code;
}

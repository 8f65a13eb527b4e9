/* SPDX-License-Identifier: Apache-2.0
 *
 * Before a node runs: checking its files, making its store. It must never write over a store or a witness.
 */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/offline.h"
#include "conf/witness.h"
#include "protocol/tables.h"

static void say_packs(const struct gj_args *args, const char *folder, const struct gj_packs *packs) {
    fprintf(args->out, "%s: %zu packs\n", folder, packs->n);
    for (size_t i = 0; i < packs->n; i++) {
        const struct gj_pack *pack = &packs->items[i];
        char from[11], to[11] = "open", digest[2 * sizeof pack->digest.bytes + 1];
        if (pack->valid_to != 0) gj_date_format(to, pack->valid_to);
        gj_hex_encode(digest, pack->digest.bytes + 1, 8);
        fprintf(args->out, "  %-24s region %s, %s, version %llu, %s to %s, sm3 %s\n", pack->id, pack->region,
                pack->cross_province ? "cross_province" : "local", (unsigned long long)pack->version,
                gj_date_format(from, pack->valid_from), to, digest);
    }
}

int gj_cmd_check_config(const struct gj_args *args) {
    struct gj_offline offline;
    if (args->given[GJ_OPTION_KEYS]) {
        gj_conf_dump(NULL, args->out);
        return GJ_EXIT_OK;
    }
    if (!args->given[GJ_OPTION_CONFIG]) return gj_cli_usage(args, "check-config: --config is missing");
    int code = gj_offline_open_files(args, &offline);
    if (code != GJ_EXIT_OK) return code;
    if (args->given[GJ_OPTION_DUMP]) {
        gj_conf_dump(offline.conf, args->out);
    } else {
        fprintf(args->out, "%s: node %s\n%s: serial %llu, %zu nodes, %zu regions\n",
                args->value[GJ_OPTION_CONFIG], offline.conf->node, offline.conf->registry,
                (unsigned long long)offline.registry->directory.serial, offline.registry->n_nodes,
                offline.registry->directory.n_regions);
        say_packs(args, offline.conf->packs, &offline.packs->packs);
    }
    gj_offline_close(&offline);
    return GJ_EXIT_OK;
}

int gj_cmd_pack_check(const struct gj_args *args) {
    const char *path = args->operands[0];
    struct gj_conf_error error = {""};
    struct gj_pack_set *set = NULL;
    struct gj_pack pack;
    struct stat st;
    bool is_folder = stat(path, &st) == 0 && S_ISDIR(st.st_mode);
    enum gj_err err = is_folder ? gj_pack_set_load(path, &set, &error) : gj_pack_load(path, &pack, &error);
    if (err != GJ_OK) return gj_cli_fail(args, err, error.text);
    struct gj_packs packs = is_folder ? set->packs : (struct gj_packs){&pack, 1};
    say_packs(args, path, &packs);
    gj_pack_set_free(&set);
    return GJ_EXIT_OK;
}

/* A row of a node that has never started: its first epoch comes with the first start. */
static enum gj_err write_node_row(struct gj_offline *offline, struct gj_node_row *row) {
    *row = (struct gj_node_row){.one = 1, .next_seq = 1};
    gj_random_bytes(row->store_id, sizeof row->store_id);
    gj_text_set(row->node, sizeof row->node, offline->conf->node);
    struct gj_store *store = offline->store;
    store->ops->begin(store);
    gj_store_put(store, &gj_table_node, row);
    return store->ops->commit(store);
}

static enum gj_err write_witness(const char *path, const struct gj_node_row *row,
                                 struct gj_conf_error *error) {
    struct gj_witness_mark mark = {.epoch = (uint32_t)row->boot_epoch, .flush = row->flush};
    memcpy(mark.store_id, row->store_id, sizeof mark.store_id);
    gj_machine_id(mark.machine);
    return gj_witness_write(path, &mark, error);
}

/* Refuses an existing store or witness before anything is opened. */
static int refuse_existing(const struct gj_args *args) {
    struct gj_conf *conf = NULL;
    struct gj_conf_error error = {""};
    enum gj_err err = gj_conf_load(args->value[GJ_OPTION_CONFIG], &conf, &error);
    if (err != GJ_OK) return gj_cli_fail(args, err, error.text);
    bool exists = access(conf->witness, F_OK) == 0 || access(conf->store, F_OK) == 0;
    (void)snprintf(error.text, sizeof error.text, "%.200s or %.200s exists; nothing was changed", conf->store,
                   conf->witness);
    gj_conf_free(&conf);
    return exists ? gj_cli_fail(args, GJ_ERR_BAD_CONFIG, error.text) : GJ_EXIT_OK;
}

static int fill_store(struct gj_offline *offline) {
    const struct gj_args *args = offline->args;
    struct gj_conf_error error = {""};
    struct gj_node_row row;
    enum gj_err err = write_node_row(offline, &row);
    if (err != GJ_OK) return gj_cli_fail(args, err, gj_err_text_en(err));
    err = write_witness(offline->conf->witness, &row, &error);
    if (err != GJ_OK) return gj_cli_fail(args, err, error.text);
    char store_id[2 * sizeof row.store_id + 1];
    gj_hex_encode(store_id, row.store_id, sizeof row.store_id);
    fprintf(args->out, "%s: store %s of node %s\n", offline->conf->store, store_id, offline->conf->node);
    return GJ_EXIT_OK;
}

int gj_cmd_init(const struct gj_args *args) {
    struct gj_offline offline;
    int code = refuse_existing(args);
    if (code != GJ_EXIT_OK) return code;
    code = gj_offline_open_store(args, GJ_STORE_CREATE, &offline);
    if (code != GJ_EXIT_OK) return code;
    code = fill_store(&offline);
    if (code != GJ_EXIT_OK) (void)unlink(offline.conf->store); /* half made, by this very call */
    gj_offline_close(&offline);
    return code;
}

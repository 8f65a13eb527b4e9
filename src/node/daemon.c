/* SPDX-License-Identifier: Apache-2.0
 *
 * The node's shell. The engine runs on the main thread; net and HTTP have theirs and reach it only through the
 * inbox. After a failure of the store nothing is touched any more: its outcome is unknown, and the next start
 * recovers from what is on the disk.
 */
#include "node/daemon.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "conf/witness.h"
#include "node/inbox.h"
#include "node/report.h"
#include "protocol/tables.h"

#define CHECKPOINT_IDLE_MS 1000  /* nothing to do for so long: pages go back into the main file */
#define CHECKPOINT_FLUSHES 2000u /* and after so many flushes even under load, or the log would only grow */
#define DRAIN_POLL_MS      50

struct daemon {
    const struct gj_loaded *loaded;
    struct gj_log log;
    struct gj_metrics *metrics;
    struct gj_store *store;
    struct gj_engine *engine;
    struct gj_inbox *inbox;
    struct gj_net *net;
    struct gj_http *http;
    struct gj_hasher hasher;
    struct gj_prover prover;
    struct gj_now now; /* of the step under way */
    char machine[GJ_MACHINE_MAX + 1];
    uint32_t epoch_seen; /* in the witness file, with its flush */
    uint64_t flush_seen;
    uint64_t flush_checkpoint; /* at the last checkpoint */
    atomic_int signals;
    atomic_bool edges_are_open; /* net and http may be asked for their counts */
};

static void say(const struct daemon *d, enum gj_log_level level, const char *event, const char *text,
                const struct gj_log_field *fields, size_t n) {
    gj_log_write(&d->log, level, gj_clock_read().wall, event, text, fields, n);
}

static void say_error(const struct daemon *d, const char *event, enum gj_err err, const char *detail) {
    const struct gj_log_field fields[] = {GJ_LOG_STR("code", gj_err_name(err)), GJ_LOG_STR("detail", detail)};
    say(d, GJ_LOG_ERROR, event, gj_err_text_en(err), fields, 2);
}

/* --- what the threads call --------------------------------------------------------------------------------- */
static bool put(struct daemon *d, const struct gj_input *input) {
    bool taken = gj_inbox_put(d->inbox, input);
    if (!taken) gj_metrics_add(d->metrics, GJ_METRIC_INBOX_FULL, 1);
    return taken;
}

static bool on_frame(void *ctx, const char *line, struct gj_slice frame) {
    struct gj_input input = {.kind = GJ_INPUT_PARCEL, .bytes = frame};
    gj_text_set(input.line, sizeof input.line, line);
    return put(ctx, &input);
}

static bool on_request(void *ctx, uint64_t waiter, struct gj_slice request) {
    const struct gj_input input = {.kind = GJ_INPUT_REQUEST, .bytes = request, .waiter = waiter};
    return put(ctx, &input);
}

static void on_hangup(void *ctx, uint64_t waiter) {
    /* When it does not fit, the answer is made for nobody, and the edge drops it. */
    const struct gj_input input = {.kind = GJ_INPUT_HANGUP, .waiter = waiter};
    (void)put(ctx, &input);
}

static void on_metrics(void *ctx, struct gj_buf *out) {
    struct daemon *d = ctx;
    if (atomic_load(&d->edges_are_open))
        gj_report_edges(d->metrics, d->net, d->http, d->loaded->registry->keyring);
    gj_metrics_set(d->metrics, GJ_METRIC_INBOX, gj_inbox_waiting(d->inbox));
    gj_metrics_write(d->metrics, out);
}

/* --- the sink ---------------------------------------------------------------------------------------------- */
static void on_parcel(void *ctx, const char *node, struct gj_slice parcel) {
    struct daemon *d = ctx;
    gj_net_send(d->net, node, parcel);
}

static void on_reply(void *ctx, uint64_t waiter, struct gj_slice answer) {
    struct daemon *d = ctx;
    if (d->http != NULL) gj_http_reply(d->http, waiter, answer);
}

static void on_event(void *ctx, const struct gj_event *event) {
    struct daemon *d = ctx;
    gj_report_event(&d->log, d->metrics, d->now.wall, event);
}

static void on_random(void *ctx, void *ret, size_t len) {
    (void)ctx;
    gj_random_bytes(ret, len);
}

/* --- signals ----------------------------------------------------------------------------------------------- */
static void signal_set(sigset_t *set) {
    (void)sigemptyset(set);
    (void)sigaddset(set, SIGTERM);
    (void)sigaddset(set, SIGINT);
}

/* The first signal asks for a drain, the second ends the process: whatever is durable is recovered. */
static void *watch_signals(void *arg) {
    struct daemon *d = arg;
    sigset_t set;
    signal_set(&set);
    for (;;) {
        int signal = 0;
        if (sigwait(&set, &signal) != 0) continue;
        if (atomic_fetch_add(&d->signals, 1) > 0) _exit(GJ_EXIT_FAILED);
        gj_inbox_wake(d->inbox);
    }
    return NULL;
}

/* Before any other thread exists, so that all inherit the mask and only the watcher gets a signal. */
static enum gj_err start_watching(struct daemon *d) {
    sigset_t set;
    pthread_t watcher;
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    signal_set(&set);
    if (sigaction(SIGPIPE, &ignore, NULL) != 0) return GJ_ERR_IO;
    if (pthread_sigmask(SIG_BLOCK, &set, NULL) != 0) return GJ_ERR_IO;
    if (pthread_create(&watcher, NULL, watch_signals, d) != 0) return GJ_ERR_IO;
    (void)pthread_detach(watcher);
    return GJ_OK;
}

/* --- the store and its witness ------------------------------------------------------------------------------ */
static bool read_node_row(struct daemon *d, struct gj_node_row *row) {
    struct gj_arena none;
    gj_arena_init(&none, NULL, 0);
    *row = (struct gj_node_row){.one = 1};
    d->store->ops->begin(d->store);
    bool found = gj_store_get(d->store, &gj_table_node, row, &none);
    d->store->ops->rollback(d->store);
    return found;
}

static enum gj_err open_store(struct daemon *d, enum gj_witness *ret_witness) {
    const struct gj_conf *conf = d->loaded->conf;
    struct gj_node_row row;
    struct gj_conf_error why;
    char detail[200] = "";
    enum gj_err err =
        gj_store_open_sqlite(conf->store, GJ_STORE_WRITE, gj_store_catalogue(), &d->store, detail);
    if (err == GJ_OK && (!read_node_row(d, &row) || !gj_text_equal(row.node, conf->node))) {
        (void)snprintf(detail, sizeof detail, "%.150s is not a store of node %s", conf->store, conf->node);
        err = GJ_ERR_BAD_CONFIG;
    }
    if (err != GJ_OK) {
        say_error(d, "store_refused", err, detail);
        return err;
    }
    struct gj_witness_mark mark = {.epoch = (uint32_t)row.boot_epoch, .flush = row.flush};
    memcpy(mark.store_id, row.store_id, sizeof mark.store_id);
    gj_text_set(mark.machine, sizeof mark.machine, d->machine);
    *ret_witness = gj_witness_judge(conf->witness, &mark, &why);
    const struct gj_log_field field = GJ_LOG_STR("detail", why.text);
    if (*ret_witness == GJ_WITNESS_DOUBTFUL)
        say(d, GJ_LOG_WARN, "witness_doubtful", "no new work before all peers were heard", &field, 1);
    return GJ_OK;
}

/* Behind the store at worst, never ahead of it: written after the flush. */
static void write_witness(struct daemon *d) {
    struct gj_witness_mark mark = {0};
    struct gj_conf_error why;
    if (gj_engine_is_in_doubt(d->engine)) return;
    gj_engine_flush_mark(d->engine, mark.store_id, &mark.epoch, &mark.flush);
    if (mark.flush == d->flush_seen && mark.epoch == d->epoch_seen) return;
    gj_text_set(mark.machine, sizeof mark.machine, d->machine);
    d->epoch_seen = mark.epoch;
    d->flush_seen = mark.flush;
    enum gj_err err = gj_witness_write(d->loaded->conf->witness, &mark, &why);
    if (err != GJ_OK) say_error(d, "witness_not_written", err, why.text);
}

/* --- opening ------------------------------------------------------------------------------------------------ */
static enum gj_err make_engine(struct daemon *d) {
    const struct gj_loaded *loaded = d->loaded;
    d->hasher = gj_crypto_hasher(&loaded->data_key);
    d->prover = (struct gj_prover){
        .ctx = loaded->registry->keyring, .verify = gj_keyring_verify, .key_valid = gj_keyring_key_valid};
    const struct gj_engine_config config = {
        .store = d->store,
        .directory = &loaded->registry->directory,
        .packs = &loaded->packs->packs,
        .hasher = &d->hasher,
        .prover = &d->prover,
        .sign_key = loaded->sign_key,
        .data_key = &loaded->data_key,
        .sink = {.ctx = d, .parcel = on_parcel, .reply = on_reply, .event = on_event, .random = on_random},
        .record_inputs = loaded->conf->record_inputs,
        .record_days = loaded->conf->record_days,
        .retention_years = loaded->conf->retention_years};
    return gj_engine_new(&config, &d->engine);
}

static enum gj_err open_net(struct daemon *d) {
    const struct gj_loaded *loaded = d->loaded;
    char detail[200];
    const struct gj_net_config config = {.listen = loaded->conf->listen,
                                         .curve_public = loaded->curve_public,
                                         .curve_secret = loaded->curve_secret,
                                         .self = loaded->conf->node,
                                         .peers = loaded->peers,
                                         .n_peers = loaded->n_peers,
                                         .ctx = d,
                                         .receive = on_frame};
    enum gj_err err = gj_net_open(&config, &d->net, detail);
    if (err != GJ_OK) say_error(d, "net_refused", err, detail);
    return err;
}

static enum gj_err open_http(struct daemon *d) {
    char detail[GJ_HTTP_DETAIL_CAP];
    const struct gj_http_config config = {.address = d->loaded->conf->http_address,
                                          .port = d->loaded->conf->http_port,
                                          .clients = d->loaded->clients,
                                          .n_clients = d->loaded->n_clients,
                                          .ctx = d,
                                          .submit = on_request,
                                          .hangup = on_hangup,
                                          .metrics = on_metrics};
    enum gj_err err = gj_http_open(&config, &d->http, detail);
    if (err != GJ_OK) say_error(d, "http_refused", err, detail);
    return err;
}

/* The outcome of the last store transaction is unknown: end now, recover at the next start. */
static _Noreturn void end_at_once(const struct daemon *d, enum gj_err err) {
    say_error(d, "store_failed", err, d->store->detail);
    _exit(GJ_EXIT_STORE);
}

static enum gj_err start(struct daemon *d) {
    enum gj_witness witness;
    GJ_TRY(open_store(d, &witness));
    GJ_TRY(make_engine(d));
    GJ_TRY(open_net(d));
    d->now = gj_clock_read();
    enum gj_err err = gj_engine_start(d->engine, d->now, witness);
    if (err != GJ_OK) end_at_once(d, err);
    write_witness(d);
    GJ_TRY(open_http(d));
    atomic_store(&d->edges_are_open, true);

    uint32_t epoch;
    uint64_t flush;
    uint8_t store_id[16];
    gj_engine_flush_mark(d->engine, store_id, &epoch, &flush);
    const struct gj_conf *conf = d->loaded->conf;
    const struct gj_log_field fields[] = {GJ_LOG_STR("node", conf->node),
                                          GJ_LOG_INT("epoch", epoch),
                                          GJ_LOG_STR("listen", conf->listen),
                                          GJ_LOG_STR("http_address", conf->http_address),
                                          GJ_LOG_INT("http_port", gj_http_port(d->http)),
                                          GJ_LOG_INT("peers", d->loaded->n_peers),
                                          GJ_LOG_INT("registry", d->loaded->registry->directory.serial)};
    say(d, GJ_LOG_INFO, "started", NULL, fields, sizeof fields / sizeof fields[0]);
    gj_metrics_set(d->metrics, GJ_METRIC_UP, 1);
    return GJ_OK;
}

/* --- running ------------------------------------------------------------------------------------------------ */
static void checkpoint(struct daemon *d, bool is_idle) {
    uint64_t flushes = gj_engine_counts_of(d->engine)->flushes - d->flush_checkpoint;
    if (flushes == 0 || (!is_idle && flushes < CHECKPOINT_FLUSHES)) return;
    gj_store_checkpoint(d->store);
    d->flush_checkpoint += flushes;
}

static struct gj_mono earlier(struct gj_mono a, int64_t b_ms) {
    return a.ms < b_ms ? a : (struct gj_mono){b_ms};
}

/* Takes what waits, or nothing when something is due, and makes it one step. */
static void step(struct daemon *d, struct gj_mono until) {
    static struct gj_input inputs[GJ_BATCH_INPUTS_MAX];
    size_t n = gj_inbox_take(d->inbox, until, inputs, GJ_BATCH_INPUTS_MAX);
    d->now = gj_clock_read();
    bool is_idle = n == 0 && gj_engine_next_due(d->engine).ms > d->now.mono.ms;
    enum gj_err err = gj_engine_step(d->engine, inputs, n, d->now);
    if (!gj_engine_goes_on(err)) end_at_once(d, err);
    write_witness(d);
    checkpoint(d, is_idle);
    gj_report_engine(d->metrics, d->engine);
    bool is_open = atomic_load(&d->signals) == 0 && !gj_store_below_reserve(d->store);
    gj_metrics_set(d->metrics, GJ_METRIC_ACCEPTS_WORK, is_open);
}

static void serve(struct daemon *d) {
    while (atomic_load(&d->signals) == 0) {
        struct gj_mono until = gj_engine_next_due(d->engine);
        bool is_clean = gj_engine_counts_of(d->engine)->flushes == d->flush_checkpoint;
        if (!is_clean) until = earlier(until, gj_clock_read().mono.ms + CHECKPOINT_IDLE_MS);
        step(d, until);
    }
}

/* No new work; what is under way is decided, or the time is over. */
static void drain(struct daemon *d) {
    say(d, GJ_LOG_INFO, "draining", "no new work is taken; decisions go on", NULL, 0);
    gj_engine_drain(d->engine);
    int64_t end_ms = gj_clock_read().mono.ms + (int64_t)d->loaded->conf->drain_ms;
    do
        step(d, earlier(gj_engine_next_due(d->engine), gj_clock_read().mono.ms + DRAIN_POLL_MS));
    while (!gj_engine_is_idle(d->engine) && gj_clock_read().mono.ms < end_ms);
    const struct gj_log_field field =
        GJ_LOG_STR("all_decided", gj_engine_is_idle(d->engine) ? "true" : "false");
    say(d, GJ_LOG_INFO, "stopping", NULL, &field, 1);
}

static void close_all(struct daemon *d) {
    atomic_store(&d->edges_are_open, false);
    if (d->inbox != NULL) gj_inbox_close(d->inbox);
    gj_http_close(&d->http);
    gj_net_close(&d->net);
    gj_engine_free(&d->engine);
    if (d->store != NULL) gj_store_checkpoint(d->store);
    gj_store_close(&d->store);
}

enum gj_exit gj_daemon_run(const struct gj_loaded *loaded) {
    /* The watcher of signals lives as long as the process, and so do the things that it touches. */
    static struct daemon daemon;
    struct daemon *d = &daemon;
    enum gj_log_level level = GJ_LOG_INFO;
    enum gj_log_format format = GJ_LOG_TEXT;
    enum gj_err level_err = gj_log_level_parse(loaded->conf->log_level, &level);
    enum gj_err format_err = gj_log_format_parse(loaded->conf->log_format, &format);
    GJ_ASSERT(level_err == GJ_OK && format_err == GJ_OK); /* the configuration's table allows no others */

    d->loaded = loaded;
    gj_log_init(&d->log, level, format);
    gj_machine_id(d->machine);
    d->metrics = gj_metrics_new(loaded->conf->node);
    d->inbox = gj_inbox_new();
    if (d->metrics == NULL || d->inbox == NULL || start_watching(d) != GJ_OK) return GJ_EXIT_FAILED;
    enum gj_err err = start(d);
    if (err == GJ_OK) {
        serve(d);
        drain(d);
    }
    close_all(d);
    if (err == GJ_OK) say(d, GJ_LOG_INFO, "stopped", NULL, NULL, 0);
    return err == GJ_OK ? GJ_EXIT_OK : GJ_EXIT_FAILED;
}

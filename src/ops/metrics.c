/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of figures and its page. Nothing here is computed: who owns a figure sets it.
 */
#include "ops/metrics.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

static const enum gj_err codes[] = {
    GJ_OK,
#define X(name, number, class, retry, en, zh) GJ_ERR_##name,
#include "base/err.def"
#undef X
};
#define CODES (sizeof codes / sizeof codes[0])

enum type { COUNTER, GAUGE };

struct row {
    enum type type;
    const char *name, *help;
};

static const struct row rows[GJ_METRIC_COUNT] = {
#define X(name, type, word, help) [GJ_METRIC_##name] = {type, word, help},
#include "ops/metrics.def"
#undef X
};

struct gj_metrics {
    char node[GJ_NODE_MAX + 1];
    _Atomic uint64_t values[GJ_METRIC_COUNT];
    _Atomic uint64_t events[GJ_EVENT_COUNT];
    _Atomic uint64_t refusals[GJ_EVENT_COUNT][CODES];
};

struct gj_metrics *gj_metrics_new(const char *node) {
    GJ_ASSERT(gj_node_is_valid(node)); /* so that it needs no escaping */
    struct gj_metrics *metrics = calloc(1, sizeof *metrics);
    if (metrics != NULL) gj_text_set(metrics->node, sizeof metrics->node, node);
    return metrics;
}

void gj_metrics_free(struct gj_metrics **metrics_p) {
    free(*metrics_p);
    *metrics_p = NULL;
}

void gj_metrics_set(struct gj_metrics *metrics, enum gj_metric metric, uint64_t value) {
    atomic_store_explicit(&metrics->values[metric], value, memory_order_relaxed);
}

void gj_metrics_add(struct gj_metrics *metrics, enum gj_metric metric, uint64_t n) {
    atomic_fetch_add_explicit(&metrics->values[metric], n, memory_order_relaxed);
}

void gj_metrics_event(struct gj_metrics *metrics, const struct gj_event *event) {
    atomic_fetch_add_explicit(&metrics->events[event->code], 1, memory_order_relaxed);
    if (event->err == GJ_OK) return;
    for (size_t i = 0; i < CODES; i++)
        if (codes[i] == event->err)
            atomic_fetch_add_explicit(&metrics->refusals[event->code][i], 1, memory_order_relaxed);
}

__attribute__((format(printf, 2, 3))) static void put(struct gj_buf *out, const char *format, ...) {
    char line[512];
    va_list args;
    va_start(args, format);
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized) */
    int len = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    GJ_ASSERT(len >= 0 && (size_t)len < sizeof line); /* all parts are our own literals and checked names */
    gj_buf_put(out, line, (size_t)len);
}

static void put_help(struct gj_buf *out, const char *name, const char *help, enum type type) {
    put(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type == COUNTER ? "counter" : "gauge");
}

static uint64_t value_of(const _Atomic uint64_t *figure) {
    return atomic_load_explicit(figure, memory_order_relaxed);
}

void gj_metrics_write(const struct gj_metrics *metrics, struct gj_buf *out) {
    for (size_t i = 0; i < GJ_METRIC_COUNT; i++) {
        put_help(out, rows[i].name, rows[i].help, rows[i].type);
        put(out, "%s{node=\"%s\"} %" PRIu64 "\n", rows[i].name, metrics->node, value_of(&metrics->values[i]));
    }
    put_help(out, "gongji_events_total", "events of the protocol and the domain", COUNTER);
    for (int code = GJ_EVENT_NONE + 1; code < GJ_EVENT_COUNT; code++)
        put(out, "gongji_events_total{node=\"%s\",event=\"%s\"} %" PRIu64 "\n", metrics->node,
            gj_event_word((enum gj_event_code)code), value_of(&metrics->events[code]));
    put_help(out, "gongji_refusals_total", "events that carry an error, by its code", COUNTER);
    for (int code = GJ_EVENT_NONE + 1; code < GJ_EVENT_COUNT; code++) {
        for (size_t i = 1; i < CODES; i++) {
            uint64_t n = value_of(&metrics->refusals[code][i]);
            if (n == 0) continue;
            put(out, "gongji_refusals_total{node=\"%s\",event=\"%s\",code=\"%s\"} %" PRIu64 "\n",
                metrics->node, gj_event_word((enum gj_event_code)code), gj_err_name(codes[i]), n);
        }
    }
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Figures for Prometheus: a fixed table of counters and gauges, one counter per event of the pure rooms, and
 * one per event and error code, so that every kind of refusal is seen apart. Written by one thread, read by
 * another: each figure is atomic, the page as a whole is not a snapshot.
 */
#ifndef GJ_OPS_METRICS_H
#define GJ_OPS_METRICS_H

#include "base/bytes.h"
#include "protocol/turn.h"

enum gj_metric {
#define X(name, type, word, help) GJ_METRIC_##name,
#include "ops/metrics.def"
#undef X
    GJ_METRIC_COUNT
};

struct gj_metrics;

/* NULL without memory. |node| is the label of every figure. */
struct gj_metrics *gj_metrics_new(const char *node);
void gj_metrics_free(struct gj_metrics **metrics_p);
/* The figure as its owner counts it. */
void gj_metrics_set(struct gj_metrics *metrics, enum gj_metric metric, uint64_t value);
void gj_metrics_add(struct gj_metrics *metrics, enum gj_metric metric, uint64_t n);
/* Counts an event, and its error if it has one. */
void gj_metrics_event(struct gj_metrics *metrics, const struct gj_event *event);
/* The page in the text format 0.0.4. What does not fit latches |out|'s overflow. */
void gj_metrics_write(const struct gj_metrics *metrics, struct gj_buf *out);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * From the node's parts to the people who run it: events into the log, counts into the figures.
 */
#ifndef GJ_NODE_REPORT_H
#define GJ_NODE_REPORT_H

#include "http/http.h"
#include "net/net.h"
#include "node/engine.h"
#include "ops/log.h"
#include "ops/metrics.h"

/* One line and one count per event of the pure rooms. */
void gj_report_event(const struct gj_log *log, struct gj_metrics *metrics, struct gj_wall wall,
                     const struct gj_event *event);
void gj_report_engine(struct gj_metrics *metrics, const struct gj_engine *engine);
/* Any thread; each may be NULL. */
void gj_report_edges(struct gj_metrics *metrics, struct gj_net *net, const struct gj_http *http,
                     const struct gj_keyring *keyring);

#endif

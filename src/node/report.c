/* SPDX-License-Identifier: Apache-2.0
 *
 * Maps the pure rooms' levels to the log's and copies counts. It decides nothing.
 */
#include "node/report.h"

static enum gj_log_level level_of(enum gj_event_level level) {
    switch (level) {
    case GJ_LEVEL_DEBUG:
        return GJ_LOG_DEBUG;
    case GJ_LEVEL_INFO:
        return GJ_LOG_INFO;
    case GJ_LEVEL_WARN:
        return GJ_LOG_WARN;
    case GJ_LEVEL_ALARM:
        return GJ_LOG_ERROR; /* a person must act */
    }
    return GJ_LOG_ERROR;
}

void gj_report_event(const struct gj_log *log, struct gj_metrics *metrics, struct gj_wall wall,
                     const struct gj_event *event) {
    struct gj_log_field fields[4];
    char txid[GJ_TXID_TEXT_CAP];
    size_t n = 0;
    gj_metrics_event(metrics, event);
    if (event->err != GJ_OK) fields[n++] = GJ_LOG_STR("code", gj_err_name(event->err));
    if (event->node[0] != '\0') fields[n++] = GJ_LOG_STR("peer", event->node);
    if (!gj_txid_is_none(&event->txid)) fields[n++] = GJ_LOG_STR("tx", gj_txid_format(txid, &event->txid));
    if (event->value != 0) fields[n++] = GJ_LOG_INT("value", event->value);
    gj_log_write(log, level_of(gj_event_level_of(event->code)), wall, gj_event_word(event->code),
                 gj_event_text(event->code), fields, n);
}

void gj_report_engine(struct gj_metrics *metrics, const struct gj_engine *engine) {
    const struct gj_engine_counts *counts = gj_engine_counts_of(engine);
    uint8_t store_id[16];
    uint32_t epoch;
    uint64_t flush;
    gj_engine_flush_mark(engine, store_id, &epoch, &flush);
    gj_metrics_set(metrics, GJ_METRIC_BOOT_EPOCH, epoch);
    gj_metrics_set(metrics, GJ_METRIC_FLUSH, flush);
    gj_metrics_set(metrics, GJ_METRIC_STEPS, counts->steps);
    gj_metrics_set(metrics, GJ_METRIC_FLUSHES, counts->flushes);
    gj_metrics_set(metrics, GJ_METRIC_SIGNATURES, counts->signatures);
    gj_metrics_set(metrics, GJ_METRIC_MESSAGES_OUT, counts->messages_out);
    gj_metrics_set(metrics, GJ_METRIC_PARCELS_OUT, counts->parcels_out);
    gj_metrics_set(metrics, GJ_METRIC_PARCEL_BYTES_OUT, counts->bytes_out);
    gj_metrics_set(metrics, GJ_METRIC_PARCELS_IN, counts->parcels_in);
    gj_metrics_set(metrics, GJ_METRIC_REQUESTS, counts->requests);
}

static void report_net(struct gj_metrics *metrics, struct gj_net *net) {
    struct gj_net_counts counts;
    gj_net_counts_of(net, &counts);
    gj_metrics_set(metrics, GJ_METRIC_NET_FRAMES_IN, counts.frames_in);
    gj_metrics_set(metrics, GJ_METRIC_NET_FRAMES_OUT, counts.frames_out);
    gj_metrics_set(metrics, GJ_METRIC_NET_BYTES_IN, counts.bytes_in);
    gj_metrics_set(metrics, GJ_METRIC_NET_BYTES_OUT, counts.bytes_out);
    gj_metrics_set(metrics, GJ_METRIC_NET_INBOX_FULL, counts.dropped_inbox_full);
    gj_metrics_set(metrics, GJ_METRIC_NET_OUTBOX_FULL, counts.dropped_outbox_full);
    gj_metrics_set(metrics, GJ_METRIC_NET_EXTRA_FRAMES, counts.refused_extra_frames);
    gj_metrics_set(metrics, GJ_METRIC_NET_TOO_LARGE, counts.refused_too_large);
    gj_metrics_set(metrics, GJ_METRIC_NET_ZAP, counts.refused_zap);
}

static void report_http(struct gj_metrics *metrics, const struct gj_http *http) {
    struct gj_http_counts counts;
    gj_http_counts_of(http, &counts);
    gj_metrics_set(metrics, GJ_METRIC_HTTP_REQUESTS, counts.requests);
    gj_metrics_set(metrics, GJ_METRIC_HTTP_REFUSED, counts.refused);
    gj_metrics_set(metrics, GJ_METRIC_HTTP_TOO_LARGE, counts.too_large);
    gj_metrics_set(metrics, GJ_METRIC_HTTP_BUSY, counts.busy);
    gj_metrics_set(metrics, GJ_METRIC_HTTP_SUBMITTED, counts.submitted);
    gj_metrics_set(metrics, GJ_METRIC_HTTP_ANSWERED, counts.answered);
    gj_metrics_set(metrics, GJ_METRIC_HTTP_LATE, counts.late);
    gj_metrics_set(metrics, GJ_METRIC_HTTP_HANGUPS, counts.hangups);
}

void gj_report_edges(struct gj_metrics *metrics, struct gj_net *net, const struct gj_http *http,
                     const struct gj_keyring *keyring) {
    uint64_t verified = 0, cached = 0;
    if (net != NULL) report_net(metrics, net);
    if (http != NULL) report_http(metrics, http);
    if (keyring == NULL) return;
    gj_keyring_counts(keyring, &verified, &cached);
    gj_metrics_set(metrics, GJ_METRIC_VERIFIED, verified);
    gj_metrics_set(metrics, GJ_METRIC_VERIFY_CACHED, cached);
}

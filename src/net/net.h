/* SPDX-License-Identifier: Apache-2.0
 *
 * Parcels over ZeroMQ: one ROUTER bound, one DEALER per peer, CURVE on both, ZAP against the registry.
 * The only room that includes zmq.h. It knows frames and lines, never what is inside.
 */
#ifndef GJ_NET_NET_H
#define GJ_NET_NET_H

#include "base/bytes.h"
#include "base/limits.h"

#define GJ_CURVE_TEXT 40

struct gj_net_peer {
    char node[GJ_NODE_MAX + 1];
    char endpoint[200];
    char curve_public[GJ_CURVE_TEXT + 1];
};

struct gj_net_config {
    const char *listen;                      /* tcp://... */
    const char *curve_public, *curve_secret; /* Z85 */
    const char *self;
    const struct gj_net_peer *peers; /* all other nodes of the registry; copied */
    size_t n_peers;
    void *ctx;
    /* Called on the net thread for each inbound frame; false: the inbox is full, the frame is dropped and
     * counted. |line| is the node whose CURVE key the line was authenticated with. */
    bool (*receive)(void *ctx, const char *line, struct gj_slice frame);
};

struct gj_net_counts {
    uint64_t frames_in, frames_out, bytes_in, bytes_out;
    uint64_t dropped_inbox_full, dropped_outbox_full, refused_extra_frames, refused_too_large, refused_zap;
};

struct gj_net;
/* Starts the net thread. GJ_ERR_IO with errno's text in |ret_detail| (200 bytes) if an address cannot be used. */
GJ_MUST_USE enum gj_err gj_net_open(const struct gj_net_config *config, struct gj_net **ret,
                                    char *ret_detail);
/* Any thread. Copies. A full queue drops the parcel and counts it: retransmission is the protocol's. */
void gj_net_send(struct gj_net *net, const char *node, struct gj_slice parcel);
void gj_net_counts_of(struct gj_net *net, struct gj_net_counts *ret);
void gj_net_close(struct gj_net **net_p);

/* A new CURVE key pair as Z85 texts. */
GJ_MUST_USE enum gj_err gj_curve_generate(char ret_public[GJ_CURVE_TEXT + 1],
                                          char ret_secret[GJ_CURVE_TEXT + 1]);
/* File "public <z85>\nsecret <z85>\n", mode 0600. An existing file is not overwritten (GJ_ERR_IO); one that
 * others can read, or whose keys are no pair, is refused with GJ_ERR_BAD_CONFIG. */
GJ_MUST_USE enum gj_err gj_curve_save(const char *path, const char *public_key, const char *secret_key);
GJ_MUST_USE enum gj_err gj_curve_load(const char *path, char ret_public[GJ_CURVE_TEXT + 1],
                                      char ret_secret[GJ_CURVE_TEXT + 1]);

#endif

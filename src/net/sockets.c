/* SPDX-License-Identifier: Apache-2.0
 *
 * Makes the three kinds of socket with all their limits. Nothing here reads or writes a frame.
 */
#include "net/private.h"

#include <errno.h>
#include <string.h>
#include <zmq.h>

static bool set_int(void *socket, int option, int value) {
    return zmq_setsockopt(socket, option, &value, sizeof value) == 0;
}

static bool set_text(void *socket, int option, const char *text) {
    return zmq_setsockopt(socket, option, text, strlen(text)) == 0;
}

/* What both ends have in common. */
static bool set_common(void *socket, const struct gj_net *net) {
    /* libzmq measures the encrypted frame, so the exact limit is checked again after decryption. */
    int64_t frame_max = (int64_t)GJ_PARCEL_MAX + GJ_NET_FRAME_SLACK;
    return zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &frame_max, sizeof frame_max) == 0 &&
           set_int(socket, ZMQ_LINGER, 0) && set_int(socket, ZMQ_IPV6, 0) &&
           set_int(socket, ZMQ_HANDSHAKE_IVL, GJ_NET_HANDSHAKE_MS) &&
           set_int(socket, ZMQ_HEARTBEAT_IVL, GJ_NET_HEARTBEAT_MS) &&
           set_int(socket, ZMQ_HEARTBEAT_TIMEOUT, GJ_NET_HEARTBEAT_LOST_MS) &&
           set_int(socket, ZMQ_HEARTBEAT_TTL, GJ_NET_HEARTBEAT_LOST_MS) &&
           set_int(socket, ZMQ_SNDHWM, GJ_NET_HWM) &&
           set_text(socket, ZMQ_CURVE_SECRETKEY, net->curve_secret);
}

/* Closes a half-made socket and keeps the errno that tells why. */
static void *give_up(void *socket) {
    int why = errno;
    if (socket != NULL) (void)zmq_close(socket);
    errno = why;
    return NULL;
}

void *gj_net_open_router(struct gj_net *net, const char *listen) {
    void *router = zmq_socket(net->zmq, ZMQ_ROUTER);
    if (router == NULL) return NULL;
    /* HANDOVER: a peer with a fixed identity whose old connection is half dead must get in again. */
    bool ok = set_common(router, net) && set_int(router, ZMQ_RCVHWM, GJ_NET_HWM) &&
              set_int(router, ZMQ_ROUTER_HANDOVER, 1) && set_int(router, ZMQ_CURVE_SERVER, 1) &&
              set_text(router, ZMQ_ZAP_DOMAIN, GJ_NET_ZAP_DOMAIN) && zmq_bind(router, listen) == 0;
    return ok ? router : give_up(router);
}

void *gj_net_open_dealer(struct gj_net *net, const struct gj_net_line *line) {
    void *dealer = zmq_socket(net->zmq, ZMQ_DEALER);
    if (dealer == NULL) return NULL;
    /* IMMEDIATE: no frame waits inside libzmq for a peer that is not there. We never read from a DEALER,
     * so one frame is all that a misbehaving peer can put into it. */
    bool ok = set_common(dealer, net) && set_int(dealer, ZMQ_RCVHWM, 1) &&
              set_int(dealer, ZMQ_IMMEDIATE, 1) && set_int(dealer, ZMQ_RECONNECT_IVL, GJ_NET_RECONNECT_MS) &&
              set_int(dealer, ZMQ_RECONNECT_IVL_MAX, GJ_NET_RECONNECT_MAX_MS) &&
              set_text(dealer, ZMQ_CURVE_PUBLICKEY, net->curve_public) &&
              set_text(dealer, ZMQ_CURVE_SERVERKEY, line->peer.curve_public) &&
              zmq_connect(dealer, line->peer.endpoint) == 0;
    return ok ? dealer : give_up(dealer);
}

void *gj_net_open_zap(struct gj_net *net) {
    void *zap = zmq_socket(net->zmq, ZMQ_REP);
    if (zap == NULL) return NULL;
    bool ok = set_int(zap, ZMQ_LINGER, 0) && zmq_bind(zap, "inproc://zeromq.zap.01") == 0;
    return ok ? zap : give_up(zap);
}

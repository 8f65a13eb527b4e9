/* SPDX-License-Identifier: Apache-2.0
 *
 * Who may have a session: the holder of a CURVE key that the registry names, and nobody else. libzmq asks
 * before it opens the session (ZAP 1.0); the answer names the node, and every frame of that session then
 * carries the name. Never trusts an address or a routing id.
 */
#include "net/private.h"

#include <stdio.h>
#include <string.h>
#include <zmq.h>

/* Of a question: version, request id, domain, address, routing id, mechanism, credentials. */
enum { VERSION, REQUEST_ID, DOMAIN, ADDRESS, ROUTING_ID, MECHANISM, CREDENTIALS, FRAMES };
#define FRAME_MAX 255

struct question {
    uint8_t frames[FRAMES][FRAME_MAX];
    size_t lens[FRAMES];
    bool well_formed;
};

/* Takes a whole question; false if none waits. */
static bool take(void *zap, struct question *ret) {
    memset(ret, 0, sizeof *ret);
    ret->well_formed = true;
    size_t n = 0;
    for (int more = 1; more != 0; n++) {
        uint8_t frame[FRAME_MAX];
        int len = zmq_recv(zap, frame, sizeof frame, n == 0 ? ZMQ_DONTWAIT : 0);
        if (len < 0) return false;
        if (n < FRAMES && (size_t)len <= sizeof frame) {
            memcpy(ret->frames[n], frame, (size_t)len);
            ret->lens[n] = (size_t)len;
        } else {
            ret->well_formed = false;
        }
        size_t size = sizeof more;
        if (zmq_getsockopt(zap, ZMQ_RCVMORE, &more, &size) != 0) return false;
    }
    if (n != FRAMES) ret->well_formed = false;
    return true;
}

static bool frame_is(const struct question *question, int frame, const char *text) {
    return question->lens[frame] == strlen(text) &&
           memcmp(question->frames[frame], text, question->lens[frame]) == 0;
}

static const struct gj_net_line *judge(const struct gj_net *net, const struct question *question) {
    if (!question->well_formed || !frame_is(question, VERSION, "1.0") ||
        !frame_is(question, DOMAIN, GJ_NET_ZAP_DOMAIN) || !frame_is(question, MECHANISM, "CURVE") ||
        question->lens[CREDENTIALS] != GJ_CURVE_KEY_BYTES)
        return NULL;
    for (size_t i = 0; i < net->n_lines; i++)
        if (memcmp(net->lines[i].curve_public, question->frames[CREDENTIALS], GJ_CURVE_KEY_BYTES) == 0)
            return &net->lines[i];
    return NULL;
}

bool gj_net_zap_answer(struct gj_net *net) {
    struct question question;
    if (!take(net->zap, &question)) return false;
    const struct gj_net_line *line = judge(net, &question);
    if (line == NULL) gj_net_count(net, GJ_NET_REFUSED_ZAP, 1);

    const char *status = line != NULL ? "200" : "400";
    const char *reason = line != NULL ? "OK" : "key not in the registry";
    const char *user = line != NULL ? line->peer.node : "";
    /* The requester is inside our own process; if it has gone meanwhile, libzmq drops the reply. */
    (void)zmq_send(net->zap, "1.0", 3, ZMQ_SNDMORE);
    (void)zmq_send(net->zap, question.frames[REQUEST_ID], question.lens[REQUEST_ID], ZMQ_SNDMORE);
    (void)zmq_send(net->zap, status, 3, ZMQ_SNDMORE);
    (void)zmq_send(net->zap, reason, strlen(reason), ZMQ_SNDMORE);
    (void)zmq_send(net->zap, user, strlen(user), ZMQ_SNDMORE);
    (void)zmq_send(net->zap, "", 0, 0);
    return true;
}

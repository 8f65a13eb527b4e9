/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside the net room: one thread owns every socket; everybody else only touches the outbox, which has
 * a mutex, and the counters, which are atomic. Never included outside this folder.
 */
#ifndef GJ_NET_PRIVATE_H
#define GJ_NET_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "net/net.h"

/* --- limits of the room -------------------------------------------------------------------------------- */
#define GJ_NET_HWM              64    /* frames that libzmq may keep per line and direction */
#define GJ_NET_FRAME_SLACK      64    /* what CURVE adds to a frame: 33 bytes in libzmq 4.3 */
#define GJ_NET_LINE_PARCELS_MAX 2048u /* waiting for one peer */
#define GJ_NET_LINE_BYTES_MAX   ((size_t)16 * 1024 * 1024) /* waiting for one peer */
#define GJ_NET_BYTES_MAX        ((size_t)64 * 1024 * 1024) /* waiting for all peers */
#define GJ_NET_BURST_MAX        256 /* frames in one direction before the other has its turn */

/* --- times --------------------------------------------------------------------------------------------- */
#define GJ_NET_STALE_MS          2000 /* a parcel that waited longer is dropped: state sends it again */
#define GJ_NET_RENEW_MS          6000 /* a line that took nothing for so long is connected anew */
#define GJ_NET_RECONNECT_MS      100  /* first pause between attempts, doubling up to the maximum */
#define GJ_NET_RECONNECT_MAX_MS  2000
#define GJ_NET_HANDSHAKE_MS      5000
#define GJ_NET_HEARTBEAT_MS      5000
#define GJ_NET_HEARTBEAT_LOST_MS 15000
#define GJ_NET_FAREWELL_MS       500 /* for what was pushed down when the node stops */
#define GJ_NET_POLL_MS           500 /* the longest sleep while something waits in the outbox */

#define GJ_NET_ZAP_DOMAIN  "gongji"
#define GJ_CURVE_KEY_BYTES 32

/* One parcel in the outbox; handed to libzmq without another copy. */
struct gj_net_parcel {
    struct gj_net_parcel *next;
    size_t len;
    int64_t queued_ms;
    uint8_t bytes[];
};

struct gj_net_line {
    struct gj_net_peer peer;
    uint8_t curve_public[GJ_CURVE_KEY_BYTES];
    void *dealer;           /* net thread only, as the next one */
    int64_t stuck_since_ms; /* it refuses frames since then; 0: it does not */
    /* under the mutex: */
    struct gj_net_parcel *head, *tail;
    size_t n, bytes;
};

enum gj_net_counter {
    GJ_NET_FRAMES_IN,
    GJ_NET_FRAMES_OUT,
    GJ_NET_BYTES_IN,
    GJ_NET_BYTES_OUT,
    GJ_NET_DROPPED_INBOX_FULL,
    GJ_NET_DROPPED_OUTBOX_FULL,
    GJ_NET_REFUSED_EXTRA_FRAMES,
    GJ_NET_REFUSED_TOO_LARGE,
    GJ_NET_REFUSED_ZAP,
    GJ_NET_COUNTERS
};

struct gj_net {
    void *zmq;
    void *router;
    void *zap;
    char self[GJ_NODE_MAX + 1];
    char curve_public[GJ_CURVE_TEXT + 1];
    char curve_secret[GJ_CURVE_TEXT + 1];
    struct gj_net_line lines[GJ_NODES_MAX];
    size_t n_lines;
    void *ctx;
    bool (*receive)(void *ctx, const char *line, struct gj_slice frame);

    pthread_t thread;
    bool has_thread;
    int wake; /* eventfd: something was queued, or stop */
    atomic_bool stop;
    pthread_mutex_t mutex;
    size_t waiting_bytes; /* under the mutex */
    _Atomic uint64_t counts[GJ_NET_COUNTERS];
};

void gj_net_count(struct gj_net *net, enum gj_net_counter counter, uint64_t n);

/* sockets.c: making them, with every limit set. NULL and errno if libzmq refuses. */
void *gj_net_open_router(struct gj_net *net, const char *listen);
void *gj_net_open_dealer(struct gj_net *net, const struct gj_net_line *line);
void *gj_net_open_zap(struct gj_net *net);

/* zap.c: answers one question of libzmq, if there is one; false if none waits. */
bool gj_net_zap_answer(struct gj_net *net);

/* outbox.c: takes the oldest parcel of a line, NULL if there is none. Stale ones are dropped and counted. */
struct gj_net_parcel *gj_net_outbox_take(struct gj_net *net, struct gj_net_line *line, int64_t now_ms);
/* Back to the front: the line does not take it now. */
void gj_net_outbox_return(struct gj_net *net, struct gj_net_line *line, struct gj_net_parcel *parcel);
void gj_net_outbox_clear(struct gj_net *net);
int64_t gj_net_clock_ms(void);

/* loop.c: the thread. */
void *gj_net_run(void *net);

#endif

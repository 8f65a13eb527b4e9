/* SPDX-License-Identifier: Apache-2.0
 *
 * What admission must refuse, each in its own way: frames, signatures, paths, senders, epochs, clocks, versions,
 * kinds, bodies. Each is a true message of the liar but for one thing.
 */
#include <string.h>

#include "base/check.h"
#include "liars.h"

#define LEAVES 5u

/* Five verdicts to choose from: a message that is always in form, and that nobody asked for. */
static struct gj_slice verdict(struct sim_liars *liars, size_t to, const struct gj_header *given) {
    static const struct gj_verified body = {.enrolled = true, .psn_insu_stas = "1", .insutype = "310"};
    struct gj_header header;
    sim_lie_header(liars, GJ_KIND_VERIFIED, to, NULL, &header);
    if (given != NULL) {
        memcpy(header.kind, given->kind, sizeof header.kind);
        memcpy(header.from, given->from, sizeof header.from);
        memcpy(header.to, given->to, sizeof header.to);
        header.v = given->v;
        header.sent_at = given->sent_at;
    }
    return gj_forge_message(&liars->forge, &header, gj_kind_shape(GJ_KIND_VERIFIED), &body);
}

static struct gj_slice parcel(struct sim_liars *liars, size_t to, uint32_t n) {
    struct gj_slice messages[LEAVES];
    for (uint32_t i = 0; i < n; i++)
        messages[i] = verdict(liars, to, NULL);
    return gj_forge_parcel(&liars->forge, messages, n, NULL, 0);
}

static void send(struct sim_liars *liars, size_t to, struct gj_slice frame, enum sim_lie lie) {
    sim_lie_frame(liars, to, frame, 0)->is_damaged = true;
    sim_lie_told(liars, lie, to, NULL);
}

/* --- one byte of a true frame --------------------------------------------------------------------------- */
/* Where something lies in the frame, after reading it. */
static uint8_t *place_of(struct sim_liars *liars, struct gj_slice frame, uint32_t item, unsigned what) {
    struct gj_parcel read;
    GJ_ASSERT(gj_parcel_read(frame, &liars->look, &read) == GJ_OK);
    const uint8_t *at = what == 0   ? read.items[item].path.ptr
                        : what == 1 ? read.items[item].salt.ptr - 1 /* the last byte of its index */
                        : what == 2 ? read.signature.ptr
                                    : read.items[item].message.ptr;
    return (uint8_t *)(uintptr_t)at;
}

static void in_the_tree(struct sim_liars *liars, size_t to) {
    struct gj_slice frame = parcel(liars, to, LEAVES);
    switch (sim_lie_below(liars, 5)) {
    case 0: /* another leaf's way up */
        *place_of(liars, frame, 2, 0) ^= 1;
        send(liars, to, frame, SIM_LIE_WRONG_PATH);
        return;
    case 1: /* the path of five leaves is shorter for the last */
        *place_of(liars, frame, 0, 1) = LEAVES - 1;
        send(liars, to, frame, SIM_LIE_SHORT_PATH);
        return;
    case 2:
        *place_of(liars, frame, 0, 1) = LEAVES + 2;
        send(liars, to, frame, SIM_LIE_NO_LEAF);
        return;
    case 3:
        *place_of(liars, frame, 0, 2) ^= 1;
        send(liars, to, frame, SIM_LIE_BAD_SIGNATURE);
        return;
    default: /* 0xc1 is no msgpack at all; the tree was made before */
        *place_of(liars, frame, 1, 3) = 0xc1;
        send(liars, to, frame, SIM_LIE_NO_MSGPACK);
        return;
    }
}

/* --- the head of the parcel ----------------------------------------------------------------------------- */
static void in_the_head(struct sim_liars *liars, size_t to) {
    const struct gj_forge kept = liars->forge;
    struct gj_forge *forge = &liars->forge;
    const struct sim *sim = liars->sim;
    enum sim_lie lie;
    switch (sim_lie_below(liars, 7)) {
    case 0:
        forge->network_id[3] ^= 1;
        lie = SIM_LIE_NETWORK;
        break;
    case 1:
        gj_text_set(forge->sender, sizeof forge->sender, "999999");
        lie = SIM_LIE_STRANGER;
        break;
    case 2:
        gj_text_set(forge->sender, sizeof forge->sender, sim_node_name((liars->node + 1) % sim->n));
        lie = SIM_LIE_OTHERS_NAME;
        break;
    case 3:
        forge->key = gj_cluster_sign_key(sim->cluster, to);
        lie = SIM_LIE_OTHERS_KEY;
        break;
    case 4:
        forge->epoch--;
        lie = SIM_LIE_OLD_EPOCH;
        break;
    case 5:
        forge->epoch += 40; /* and no greeting */
        lie = SIM_LIE_NO_HELLO;
        break;
    default:
        forge->epoch += GJ_EPOCH_AHEAD_MAX_S * 2;
        lie = SIM_LIE_FAR_EPOCH;
        break;
    }
    struct gj_slice frame = parcel(liars, to, 1);
    forge->key = kept.key;
    forge->epoch = kept.epoch;
    memcpy(forge->network_id, kept.network_id, sizeof forge->network_id);
    memcpy(forge->sender, kept.sender, sizeof forge->sender);
    send(liars, to, frame, lie);
}

/* A kind that nobody knows takes any body; then it gets a known name of the same length. */
#define NO_KIND "gossip"
static void rename_kind(struct gj_slice message, const char *kind) {
    for (size_t at = 0; at + strlen(NO_KIND) <= message.len; at++)
        if (memcmp(message.ptr + at, NO_KIND, strlen(NO_KIND)) == 0)
            memcpy((uint8_t *)(uintptr_t)message.ptr + at, kind, strlen(kind));
}

/* --- the message ---------------------------------------------------------------------------------------- */
static void in_the_header(struct sim_liars *liars, size_t to) {
    struct gj_header header;
    enum sim_lie lie;
    sim_lie_header(liars, GJ_KIND_VERIFIED, to, NULL, &header);
    switch (sim_lie_below(liars, 5)) {
    case 0:
        gj_text_set(header.kind, sizeof header.kind, NO_KIND);
        lie = SIM_LIE_UNKNOWN_KIND;
        break;
    case 1:
        gj_text_set(header.from, sizeof header.from, sim_node_name(to));
        lie = SIM_LIE_OTHERS_NAME;
        break;
    case 2:
        gj_text_set(header.to, sizeof header.to, sim_node_name(liars->node));
        lie = SIM_LIE_RECIPIENT;
        break;
    case 3:
        header.v = GJ_PROTOCOL_VERSION + 1;
        lie = SIM_LIE_VERSION;
        break;
    default:
        gj_text_set(header.kind, sizeof header.kind, NO_KIND);
        lie = SIM_LIE_BODY;
        break;
    }
    struct gj_slice message = verdict(liars, to, &header);
    if (lie == SIM_LIE_BODY) rename_kind(message, gj_kind_word(GJ_KIND_COMMIT));
    send(liars, to, gj_forge_parcel(&liars->forge, &message, 1, NULL, 0), lie);
}

/* New work that was sent, as it says, an hour ago. */
static void in_time(struct sim_liars *liars, size_t to) {
    static const struct gj_cover_ask ask = {.binding_ref = "none",
                                            .recipient_region = "330100",
                                            .mdtrtarea_admvs = "330100",
                                            .use = "outpatient",
                                            .amount = 1,
                                            .business_date = 20261118};
    struct gj_header header;
    sim_lie_header(liars, GJ_KIND_COVER, to, NULL, &header);
    header.sent_at += sim_lie_below(liars, 2) == 0 ? 3600000 : -3600000;
    struct gj_slice message = gj_forge_message(&liars->forge, &header, gj_kind_shape(GJ_KIND_COVER), &ask);
    send(liars, to, gj_forge_parcel(&liars->forge, &message, 1, NULL, 0), SIM_LIE_CLOCK);
}

/* The same frame twice, and words of nobody's making. */
static void in_the_frame(struct sim_liars *liars, size_t to) {
    struct gj_slice frame = parcel(liars, to, 1);
    size_t large = GJ_PARCEL_MAX + 1;
    switch (sim_lie_below(liars, 8)) {
    case 0: {
        uint8_t *bytes = gj_arena_alloc(&liars->look, large);
        if (bytes == NULL) return;
        memcpy(bytes, frame.ptr, frame.len);
        send(liars, to, gj_slice_of(bytes, large), SIM_LIE_TOO_LARGE);
        return;
    }
    case 1:
    case 2:
        send(liars, to, gj_slice_of(frame.ptr, (size_t)sim_lie_below(liars, frame.len)), SIM_LIE_CUT_OFF);
        return;
    default:
        (void)sim_lie_frame(liars, to, frame, 0);
        send(liars, to, frame, SIM_LIE_TWICE);
        return;
    }
}

static void (*const doors[])(struct sim_liars *liars, size_t to) = {in_the_tree, in_the_head, in_the_header,
                                                                    in_time, in_the_frame};

void sim_lie_at_the_door(struct sim_liars *liars, size_t to) {
    doors[sim_lie_below(liars, sizeof doors / sizeof doors[0])](liars, to);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Evidence and certificates, given to a real machine with real keys.
 *
 *     evidence:     u8 how (bit 0: sign the rest; bits 1-2: by whom; bits 3-4: who is said to have signed) | bytes
 *     certificate:  changes, four bytes each: u8 which part | u16 where | u8 xor
 */
#include <string.h>

#include "fuzz/fuzz.h"
#include "support/solo.h"

static const char *const names[GJ_SOLO_NODES] = {"360000", "330000", "130000", "450000"};

/* One machine serves all inputs: looking at evidence changes nothing but the cache of verified roots. */
static struct gj_solo *machine(void) {
    static struct gj_solo *solo;
    if (solo == NULL) solo = gj_solo_new(NULL);
    return solo;
}

void gj_fuzz_evidence(struct gj_slice in) {
    struct gj_solo *solo = machine();
    struct gj_message message;
    if (in.len < 1) return;
    const uint8_t how = in.ptr[0];
    const unsigned by = how >> 1 & 3, claimed = how >> 3 & 3;
    struct gj_slice bytes = gj_slice_of(in.ptr + 1, in.len - 1);
    gj_forge_reset(&solo->peers[by]);
    if ((how & 1) != 0) {
        const struct gj_slice said = bytes;
        bytes = gj_forge_parcel(&solo->peers[by], &said, 1, NULL, 0);
    }
    struct gj_turn *turn = gj_solo_begin(solo);
    enum gj_err err = gj_protocol_verify_evidence(solo->protocol, turn, bytes, names[claimed], &message);
    solo->store->ops->rollback(solo->store);
    if (err != GJ_OK) return;
    /* A signature cannot be made by chance: it was signed here, by whom it names, and its message can be read. */
    GJ_ASSERT((how & 1) != 0 && by == claimed && message.body != NULL);
    GJ_ASSERT(gj_text_equal(message.header.from, names[by]));
    gj_fuzz_identity(gj_kind_shape(message.kind), message.body);
}

void gj_fuzz_certificate(struct gj_slice in) {
    static struct gj_solo_tx tx;
    static struct gj_commit good;
    struct gj_solo *solo = machine();
    struct gj_certificate certificate;
    if (tx.core_bytes.len == 0) {
        gj_solo_tx_init(solo, &tx, "330000", "360000 130000");
        good = gj_solo_certificate(solo, &tx);
    }
    /* All parts in one place, each with its copy. */
    static uint8_t core[8192], votes[2][GJ_EVIDENCE_MAX];
    struct gj_proof proofs[2];
    struct gj_commit commit = good;
    struct gj_reader reader;
    GJ_ASSERT(good.n_votes == 2 && good.core.len <= sizeof core);
    memcpy(core, good.core.ptr, good.core.len);
    commit.core.ptr = core;
    for (size_t i = 0; i < 2; i++) {
        memcpy(votes[i], good.votes[i].bytes.ptr, good.votes[i].bytes.len);
        proofs[i].bytes = gj_slice_of(votes[i], good.votes[i].bytes.len);
    }
    commit.votes = proofs;
    struct gj_txid txid = tx.txid;
    for (gj_reader_init(&reader, in); reader.left >= 4;) {
        const unsigned part = gj_read_u8(&reader) % 5;
        const size_t at = gj_read_u16(&reader);
        const uint8_t flip = gj_read_u8(&reader);
        if (part == 0) core[at % good.core.len] ^= flip;
        if (part == 1) commit.digest.bytes[at % sizeof commit.digest.bytes] ^= flip;
        if (part == 2) votes[0][at % proofs[0].bytes.len] ^= flip;
        if (part == 3) votes[1][at % proofs[1].bytes.len] ^= flip;
        if (part == 4) txid.seq ^= flip;
    }
    const bool is_same =
        memcmp(core, good.core.ptr, good.core.len) == 0 && gj_digest_equal(&commit.digest, &good.digest) &&
        gj_slice_equal(proofs[0].bytes, good.votes[0].bytes) &&
        gj_slice_equal(proofs[1].bytes, good.votes[1].bytes) && gj_txid_equal(&txid, &tx.txid);
    /* As it would come: through the codec, which knows no third hash. */
    static uint8_t bytes[GJ_MESSAGE_MAX];
    struct gj_commit received;
    struct gj_fault fault;
    struct gj_buf out;
    gj_buf_init(&out, bytes, sizeof bytes);
    if (gj_shape_encode(&gj_shape_commit, &commit, &out, &fault) != GJ_OK) return;
    enum gj_err err =
        gj_shape_decode(&gj_shape_commit, gj_buf_slice(&out), gj_fuzz_arena(0), &received, &fault);
    GJ_ASSERT(err == GJ_OK);
    struct gj_turn *turn = gj_solo_begin(solo);
    err = gj_certificate_check(solo->protocol, turn, "330000", &txid, &received, &certificate);
    solo->store->ops->rollback(solo->store);
    GJ_ASSERT((err == GJ_OK) == is_same);
}

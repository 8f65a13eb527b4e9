/* SPDX-License-Identifier: Apache-2.0
 *
 * I16: an independent verifier of parcels and certificates, written from the format alone, for Ed25519 with
 * SHA-256. Every commit that leaves a node goes through it, and so does a copy of each with one byte changed.
 */
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/check.h"
#include "private.h"

void ck_sha256(const void *ptr, size_t len, uint8_t ret[32]) {
    unsigned n = 0;
    GJ_ASSERT(EVP_Digest(ptr, len, ret, &n, EVP_sha256(), NULL) == 1 && n == 32);
}

static bool verify(const uint8_t key[32], const uint8_t *bytes, size_t len, const uint8_t *signature,
                   size_t n) {
    EVP_PKEY *pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key, 32);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    GJ_ASSERT(pkey != NULL && ctx != NULL);
    bool ok = EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, pkey) == 1 &&
              EVP_DigestVerify(ctx, signature, n, bytes, len) == 1;
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(pkey);
    return ok;
}

bool ck_parcel_is_signed(const struct ck *ck, const struct ck_parcel *parcel) {
    size_t sender = ck_node_of(ck, parcel->sender);
    if (sender == ck->n || !ck->nodes[sender].has_key || parcel->alg != 2) return false;
    return verify(ck->nodes[sender].key, parcel->signed_bytes, parcel->signed_len, parcel->signature,
                  parcel->signature_len);
}

/* --- the tree ------------------------------------------------------------------------------------------- */
static uint8_t *put(uint8_t *at, const void *ptr, size_t len) {
    memcpy(at, ptr, len);
    return at + len;
}

static uint8_t *put_u32(uint8_t *at, uint32_t value) {
    for (int shift = 24; shift >= 0; shift -= 8)
        *at++ = (uint8_t)(value >> shift);
    return at;
}

static void leaf_hash(const struct ck_parcel *parcel, const struct ck_item *item, uint8_t ret[32]) {
    static const char tag[] = "gongji-batch/1";
    uint8_t bytes[128], *at = bytes;
    uint8_t message[32];
    ck_sha256(item->message, item->len, message);
    *at++ = 0;
    at = put(at, tag, sizeof tag - 1);
    at = put(at, parcel->batch_id, 16);
    at = put_u32(at, item->index);
    at = put_u32(at, parcel->n_leaves);
    at = put(at, item->salt, 16);
    at = put(at, message, 32);
    ck_sha256(bytes, (size_t)(at - bytes), ret);
}

struct climb {
    const struct ck_parcel *parcel;
    const struct ck_item *item;
    size_t used;
    uint8_t hash[32];
};

/* The hash of the subtree of leaves [first, first + n) that the item is in: the path runs from the leaf upwards. */
static bool climb(struct climb *of, uint32_t first, uint32_t n) {
    uint8_t bytes[128], *at = bytes;
    uint32_t split = 1;
    if (n == 1) {
        leaf_hash(of->parcel, of->item, of->hash);
        return true;
    }
    while (split * 2 < n)
        split *= 2;
    bool is_left = of->item->index < first + split;
    if (!climb(of, is_left ? first : first + split, is_left ? split : n - split)) return false;
    if (of->used == of->item->path_hashes) return false;
    const uint8_t *sibling = of->item->path + 32 * of->used++;
    *at++ = 1;
    at = put(at, of->parcel->batch_id, 16);
    at = put_u32(at, first);
    at = put_u32(at, n);
    at = put(at, is_left ? of->hash : sibling, 32);
    at = put(at, is_left ? sibling : of->hash, 32);
    ck_sha256(bytes, (size_t)(at - bytes), of->hash);
    return true;
}

bool ck_item_is_inside(const struct ck_parcel *parcel, const struct ck_item *item) {
    struct climb of = {.parcel = parcel, .item = item};
    if (item->index >= parcel->n_leaves || parcel->n_leaves > 4096) return false;
    return climb(&of, 0, parcel->n_leaves) && of.used == item->path_hashes &&
           memcmp(of.hash, parcel->root, 32) == 0;
}

/* --- certificates --------------------------------------------------------------------------------------- */
/* Which participant's YES on (txid, digest) these bytes are; ck->n: none. */
static size_t voter_of(struct ck *ck, const struct ck_tx *tx, const uint8_t *bytes, size_t len) {
    struct ck_parcel *parcel = &ck->evidence;
    char txid[72];
    size_t n;
    if (!ck_parcel_read(bytes, len, parcel) || parcel->n != 1) return ck->n;
    const struct ck_item *item = &parcel->items[0];
    if (!ck_parcel_is_signed(ck, parcel) || !ck_item_is_inside(parcel, item)) return ck->n;
    struct mp vote = item->body;
    bool is_yes = false;
    if (strcmp(item->kind, "vote") == 0) {
        is_yes = mp_true(mp_get(vote, "yes")) &&
                 strcmp(mp_text(mp_get(item->header, "tx"), txid, sizeof txid), tx->txid) == 0;
    } else if (strcmp(item->kind, "inquire") == 0) {
        struct mp list = mp_get(item->body, "items");
        for (uint32_t i = 0; i < mp_count(list) && !is_yes; i++) {
            vote = mp_at(list, i);
            is_yes = mp_true(mp_get(vote, "yes")) &&
                     strcmp(mp_text(mp_get(vote, "txid"), txid, sizeof txid), tx->txid) == 0;
        }
    }
    if (!is_yes) return ck->n;
    const uint8_t *digest = mp_bytes(mp_get(vote, "digest"), &n);
    bool is_ours = digest != NULL && n == CK_DIGEST && memcmp(digest, tx->digest, CK_DIGEST) == 0;
    return is_ours ? ck_node_of(ck, parcel->sender) : ck->n;
}

static bool mutant_verifies(struct ck *ck, const struct ck_tx *tx, const uint8_t *bytes, size_t len) {
    uint8_t *copy = malloc(len);
    GJ_ASSERT(copy != NULL);
    memcpy(copy, bytes, len);
    copy[(ck->totals.certificates * 2654435761u) % len] ^= 0x10;
    bool verifies = voter_of(ck, tx, copy, len) < ck->n;
    free(copy);
    return verifies;
}

void ck_certificate(struct ck *ck, size_t node, struct ck_tx *tx, struct mp commit) {
    struct mp votes = mp_get(commit, "votes");
    bool seen[CK_NODES_MAX] = {false};
    ck->totals.certificates++;
    if (mp_count(votes) != tx->n_participants)
        ck_fail(ck, "I16", node, tx->txid, "%u votes of %u participants", mp_count(votes),
                tx->n_participants);
    for (uint32_t i = 0; i < mp_count(votes) && !ck->has_failed; i++) {
        size_t len;
        const uint8_t *bytes = mp_bytes(mp_get(mp_at(votes, i), "bytes"), &len);
        size_t who = voter_of(ck, tx, bytes, len);
        if (who == ck->n || !ck_tx_lists(tx, who) || seen[who]) {
            ck_fail(ck, "I16", node, tx->txid, "vote %u of its certificate does not verify", i);
            return;
        }
        seen[who] = true;
        if (mutant_verifies(ck, tx, bytes, len))
            ck_fail(ck, "I16", node, tx->txid, "a vote verifies with a byte changed");
    }
}

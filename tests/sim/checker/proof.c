/* SPDX-License-Identifier: Apache-2.0
 *
 * I16: an independent verifier of parcels and certificates, written from the format alone, for SM2 with SM3 and
 * Ed25519 with SHA-256. Every commit that leaves a node goes through it, and so does a copy of each vote with one byte changed.
 */
#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "base/check.h"
#include "private.h"

#define ALG_SM2 1 /* with SM3; else Ed25519 with SHA-256 */
#define DER_MAX 80

void ck_hash(uint8_t alg, const void *ptr, size_t len, uint8_t ret[32]) {
    static EVP_MD *md[2]; /* looked up once: that costs more than a short hash */
    unsigned n = 0;
    EVP_MD **of = &md[alg == ALG_SM2];
    if (*of == NULL) *of = EVP_MD_fetch(NULL, alg == ALG_SM2 ? "SM3" : "SHA256", NULL);
    GJ_ASSERT(*of != NULL && EVP_Digest(ptr, len, ret, &n, *of, NULL) == 1 && n == 32);
}

static EVP_PKEY *public_key(const struct ck_key *key) {
    if (key->alg != ALG_SM2) return EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key->bytes, key->len);
    char group[] = "SM2";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)(uintptr_t)key->bytes, key->len),
        OSSL_PARAM_construct_end(),
    };
    EVP_PKEY *pkey = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "SM2", NULL);
    GJ_ASSERT(ctx != NULL && EVP_PKEY_fromdata_init(ctx) == 1);
    (void)EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params);
    EVP_PKEY_CTX_free(ctx);
    return pkey;
}

/* On the wire an SM2 signature is r and s, 32 bytes each; OpenSSL wants them as DER. */
static size_t der_of(const uint8_t *signature, uint8_t der[DER_MAX]) {
    ECDSA_SIG *sig = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(signature, 32, NULL), *s = BN_bin2bn(signature + 32, 32, NULL);
    uint8_t *at = der;
    GJ_ASSERT(sig != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(sig, r, s) == 1);
    int len = i2d_ECDSA_SIG(sig, &at);
    ECDSA_SIG_free(sig);
    return len > 0 ? (size_t)len : 0;
}

static bool verify(const struct ck_key *key, const uint8_t *bytes, size_t len, const uint8_t signature[64]) {
    static const char user_id[] = "1234567812345678";
    uint8_t der[DER_MAX];
    size_t n = 64;
    bool is_sm2 = key->alg == ALG_SM2;
    EVP_PKEY *pkey = public_key(key);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *pkey_ctx = pkey == NULL ? NULL : EVP_PKEY_CTX_new(pkey, NULL);
    GJ_ASSERT(ctx != NULL);
    bool ok = pkey_ctx != NULL;
    if (ok && is_sm2) {
        ok = EVP_PKEY_CTX_set1_id(pkey_ctx, user_id, sizeof user_id - 1) == 1;
        EVP_MD_CTX_set_pkey_ctx(ctx, pkey_ctx);
        n = der_of(signature, der);
        signature = der;
    }
    ok = ok && EVP_DigestVerifyInit(ctx, NULL, is_sm2 ? EVP_sm3() : NULL, NULL, pkey) == 1 &&
         EVP_DigestVerify(ctx, signature, n, bytes, len) == 1;
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_CTX_free(pkey_ctx);
    EVP_PKEY_free(pkey);
    return ok;
}

static bool made(const struct ck_key *key, const struct ck_parcel *parcel) {
    return key->alg == parcel->alg && parcel->signature_len == 64 &&
           verify(key, parcel->signed_bytes, parcel->signed_len, parcel->signature);
}

/* Under one of its keys, which held at the time that was signed. */
static bool verify_as(const struct ck_node *of, const struct ck_parcel *parcel) {
    for (size_t i = 0; i < of->n_keys; i++) {
        bool held = of->keys[i].revoked_ms == 0 || (int64_t)parcel->created_ms < of->keys[i].revoked_ms;
        if (held && made(&of->keys[i], parcel)) return true;
    }
    return false;
}

bool ck_key_is_over(const struct ck *ck, size_t at, const struct ck_parcel *parcel) {
    size_t sender = ck_node_of(ck, parcel->sender);
    const struct ck_node *of = &ck->nodes[sender];
    for (size_t i = 0; sender < ck->n && i < of->n_keys; i++)
        if (of->keys[i].is_over_for[at] && made(&of->keys[i], parcel)) return true;
    return false;
}

/* The same vote is in every certificate of its transaction, and in each of them again when it is sent again. */
bool ck_parcel_is_signed(struct ck *ck, const struct ck_parcel *parcel) {
    size_t sender = ck_node_of(ck, parcel->sender);
    uint8_t name[32], bytes[96];
    if (sender == ck->n || parcel->signature_len != 64) return false;
    memcpy(bytes, parcel->signature, 64);
    ck_hash(parcel->alg, parcel->signed_bytes, parcel->signed_len, bytes + 64);
    ck_hash(parcel->alg, bytes, sizeof bytes, name);
    uint8_t *place = ck->verified[(name[0] | name[1] << 8) % CK_VERIFIED][sender];
    if (memcmp(place, name, sizeof name) == 0) return true;
    if (!verify_as(&ck->nodes[sender], parcel)) return false;
    memcpy(place, name, sizeof name);
    ck->n_verified++;
    return true;
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
    ck_hash(parcel->alg, item->message, item->len, message);
    *at++ = 0;
    at = put(at, tag, sizeof tag - 1);
    at = put(at, parcel->batch_id, 16);
    at = put_u32(at, item->index);
    at = put_u32(at, parcel->n_leaves);
    at = put(at, item->salt, 16);
    at = put(at, message, 32);
    ck_hash(parcel->alg, bytes, (size_t)(at - bytes), ret);
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
    ck_hash(of->parcel->alg, bytes, (size_t)(at - bytes), of->hash);
    return true;
}

bool ck_item_is_inside(const struct ck_parcel *parcel, const struct ck_item *item) {
    struct climb of = {.parcel = parcel, .item = item};
    if (item->index >= parcel->n_leaves || parcel->n_leaves > 4096) return false;
    return climb(&of, 0, parcel->n_leaves) && of.used == item->path_hashes &&
           memcmp(of.hash, parcel->root, 32) == 0;
}

/* --- certificates --------------------------------------------------------------------------------------- */
size_t ck_voter_of(struct ck *ck, const struct ck_tx *tx, const uint8_t *bytes, size_t len) {
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
    bool verifies = ck_voter_of(ck, tx, copy, len) < ck->n;
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
        uint64_t verified = ck->n_verified;
        size_t who = ck_voter_of(ck, tx, bytes, len);
        if (who == ck->n || !ck_tx_lists(tx, who) || seen[who]) {
            ck_fail(ck, "I16", node, tx->txid, "vote %u of its certificate does not verify", i);
            return;
        }
        seen[who] = true;
        if (ck->n_verified != verified && mutant_verifies(ck, tx, bytes, len))
            ck_fail(ck, "I16", node, tx->txid, "a vote verifies with a byte changed");
    }
}

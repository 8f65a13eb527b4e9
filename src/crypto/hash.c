/* SPDX-License-Identifier: Apache-2.0
 *
 * Hashes, HMAC-SM3, random bytes, wiping. It must never return a wrong or partial hash: what cannot be
 * computed ends the process, because the pure rooms have no way to doubt a hash.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include "base/check.h"
#include "crypto/internal.h"

static struct gj_crypto_algorithms algorithms;
static pthread_once_t algorithms_once = PTHREAD_ONCE_INIT;

_Noreturn static void fatal(const char *what) {
    fprintf(stderr, "crypto: %s failed; the node cannot go on\n", what);
    abort();
}

/* A context with SM3 and some key: a copy takes its real key without looking SM3 up again. */
static EVP_MAC_CTX *hmac_pattern(void) {
    static const uint8_t any_key[GJ_HASH_BYTES] = {0};
    char digest[] = "SM3";
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *ctx = mac == NULL ? NULL : EVP_MAC_CTX_new(mac);
    EVP_MAC_free(mac); /* the context holds its own reference */
    if (ctx == NULL || EVP_MAC_init(ctx, any_key, sizeof any_key, params) != 1) fatal("HMAC-SM3");
    return ctx;
}

static void fetch_algorithms(void) {
    algorithms.sm3 = EVP_MD_fetch(NULL, "SM3", NULL);
    algorithms.sha256 = EVP_MD_fetch(NULL, "SHA2-256", NULL);
    algorithms.sm4_ctr = EVP_CIPHER_fetch(NULL, "SM4-CTR", NULL);
    if (algorithms.sm3 == NULL) fatal("SM3");
    if (algorithms.sha256 == NULL) fatal("SHA-256");
    if (algorithms.sm4_ctr == NULL) fatal("SM4-CTR");
    algorithms.hmac_sm3 = hmac_pattern();
}

const struct gj_crypto_algorithms *gj_crypto_algorithms_get(void) {
    if (pthread_once(&algorithms_once, fetch_algorithms) != 0) fatal("pthread_once");
    return &algorithms;
}

static const EVP_MD *md_of(enum gj_hash_alg alg) {
    switch (alg) {
    case GJ_HASH_SM3:
        return gj_crypto_algorithms_get()->sm3;
    case GJ_HASH_SHA256:
        return gj_crypto_algorithms_get()->sha256;
    }
    fatal("an unknown hash algorithm");
}

static void hash_parts(void *ctx, enum gj_hash_alg alg, const struct gj_slice *parts, size_t n,
                       uint8_t ret[GJ_HASH_BYTES]) {
    (void)ctx;
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    if (md == NULL || EVP_DigestInit_ex2(md, md_of(alg), NULL) != 1) fatal("hash");
    for (size_t i = 0; i < n; i++)
        if (EVP_DigestUpdate(md, parts[i].ptr, parts[i].len) != 1) fatal("hash");
    unsigned len = 0;
    if (EVP_DigestFinal_ex(md, ret, &len) != 1 || len != GJ_HASH_BYTES) fatal("hash");
    EVP_MD_CTX_free(md);
}

void gj_crypto_hmac(const uint8_t *key, size_t key_len, const struct gj_slice *parts, size_t n,
                    uint8_t ret[GJ_HASH_BYTES]) {
    EVP_MAC_CTX *mac = EVP_MAC_CTX_dup(gj_crypto_algorithms_get()->hmac_sm3);
    if (mac == NULL || EVP_MAC_init(mac, key, key_len, NULL) != 1) fatal("HMAC-SM3");
    for (size_t i = 0; i < n; i++)
        if (EVP_MAC_update(mac, parts[i].ptr, parts[i].len) != 1) fatal("HMAC-SM3");
    size_t len = 0;
    if (EVP_MAC_final(mac, ret, &len, GJ_HASH_BYTES) != 1 || len != GJ_HASH_BYTES) fatal("HMAC-SM3");
    EVP_MAC_CTX_free(mac);
}

static void mac_parts(void *ctx, const struct gj_slice *parts, size_t n, uint8_t ret[GJ_HASH_BYTES]) {
    const struct gj_data_key *key = ctx;
    GJ_ASSERT(key != NULL);
    gj_crypto_hmac(key->mac, sizeof key->mac, parts, n, ret);
}

struct gj_hasher gj_crypto_hasher(const struct gj_data_key *key) {
    /* The port's context is not const because others' may change; this one is only read. */
    return (struct gj_hasher){.ctx = (void *)(uintptr_t)key, .hash = hash_parts, .mac = mac_parts};
}

void gj_random_bytes(void *ret, size_t len) {
    GJ_ASSERT(len <= INT32_MAX);
    if (RAND_bytes(ret, (int)len) != 1) fatal("the system's randomness");
}

void gj_wipe(void *ptr, size_t len) {
    OPENSSL_cleanse(ptr, len);
}

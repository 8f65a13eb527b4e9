/* SPDX-License-Identifier: Apache-2.0
 *
 * Sealing: nonce 16 | SM4-CTR ciphertext | HMAC-SM3 over both, under a key of its own. It must never
 * decrypt what its tag does not vouch for, and never say where a seal was broken.
 */
#include <openssl/crypto.h>
#include <openssl/err.h>

#include "crypto/internal.h"

#define NONCE 16
#define TAG   GJ_HASH_BYTES
_Static_assert(NONCE + TAG == GJ_SEAL_OVERHEAD, "the header promises it");

/* The same both ways: CTR adds a key stream. |in| and |ret| have |len| bytes. */
static bool apply_sm4_ctr(const struct gj_data_key *key, const uint8_t nonce[NONCE], const uint8_t *in,
                          size_t len, uint8_t *ret) {
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    const EVP_CIPHER *cipher = gj_crypto_algorithms_get()->sm4_ctr;
    int done = 0;
    bool ok = ctx != NULL && EVP_EncryptInit_ex2(ctx, cipher, key->seal, nonce, NULL) == 1 &&
              (len == 0 || EVP_EncryptUpdate(ctx, ret, &done, in, (int)len) == 1) && (size_t)done == len;
    EVP_CIPHER_CTX_free(ctx);
    ERR_clear_error();
    return ok;
}

/* Room for |len| bytes at the end of |out|; NULL and latched if there is none. */
static uint8_t *room_for(struct gj_buf *out, size_t len) {
    if (!out->overflow && len <= out->cap - out->len) return out->ptr + out->len;
    out->overflow = true;
    return NULL;
}

enum gj_err gj_seal(const struct gj_data_key *key, struct gj_slice plain, struct gj_buf *out) {
    if (plain.len > INT32_MAX) return GJ_ERR_TOO_LARGE;
    uint8_t *nonce = room_for(out, plain.len + GJ_SEAL_OVERHEAD);
    if (nonce == NULL) return GJ_ERR_NO_SPACE;
    gj_random_bytes(nonce, NONCE);
    if (!apply_sm4_ctr(key, nonce, plain.ptr, plain.len, nonce + NONCE)) return GJ_ERR_CRYPTO;
    const struct gj_slice covered = gj_slice_of(nonce, NONCE + plain.len);
    gj_crypto_hmac(key->tag, sizeof key->tag, &covered, 1, nonce + covered.len);
    out->len += plain.len + GJ_SEAL_OVERHEAD;
    return GJ_OK;
}

enum gj_err gj_unseal(const struct gj_data_key *key, struct gj_slice sealed, struct gj_buf *out) {
    if (sealed.len < GJ_SEAL_OVERHEAD) return GJ_ERR_CRYPTO;
    if (sealed.len > INT32_MAX) return GJ_ERR_TOO_LARGE;
    const struct gj_slice covered = gj_slice_of(sealed.ptr, sealed.len - TAG);
    uint8_t tag[TAG];
    gj_crypto_hmac(key->tag, sizeof key->tag, &covered, 1, tag);
    if (CRYPTO_memcmp(tag, sealed.ptr + covered.len, TAG) != 0) return GJ_ERR_CRYPTO;

    size_t len = covered.len - NONCE;
    uint8_t *plain = room_for(out, len);
    if (plain == NULL) return GJ_ERR_NO_SPACE;
    if (!apply_sm4_ctr(key, sealed.ptr, sealed.ptr + NONCE, len, plain)) return GJ_ERR_CRYPTO;
    out->len += len;
    return GJ_OK;
}

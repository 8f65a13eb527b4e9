/* SPDX-License-Identifier: Apache-2.0
 *
 * Verifying is a pure function of key, bytes and signature, and costs more than all else in a run: what one node of
 * this process signed and each of the others verifies need not be computed again. Linked round the crypto room
 * (--wrap), below the keyring: who may sign, and when a key holds, is judged on every call as in the product.
 * It must never call a signature good that was not made here over just these bytes by just this key: everything
 * else, a turned bit, another's key, a liar's, is computed in full. The checker verifies for itself.
 */
#include <string.h>

#include <openssl/evp.h>

#include "base/check.h"
#include "crypto/internal.h"

#define PLACES 32768u /* a power of two; a new one takes the place of an old one */

struct made {
    uint8_t name[GJ_HASH_BYTES]; /* SHA-256 of key, signature and bytes */
};
static struct made made[PLACES];

enum gj_err __real_gj_sign(const struct gj_sign_key *key, struct gj_slice bytes,
                           uint8_t ret[GJ_SIGNATURE_MAX], size_t *ret_len);
enum gj_err __wrap_gj_sign(const struct gj_sign_key *key, struct gj_slice bytes,
                           uint8_t ret[GJ_SIGNATURE_MAX], size_t *ret_len);
enum gj_err __real_gj_crypto_verify_with(EVP_PKEY *pkey, enum gj_sign_alg alg, struct gj_slice bytes,
                                         struct gj_slice signature);
enum gj_err __wrap_gj_crypto_verify_with(EVP_PKEY *pkey, enum gj_sign_alg alg, struct gj_slice bytes,
                                         struct gj_slice signature);

/* Key and signature have one length each, so that the bytes begin where the signature ends. */
static bool name_it(EVP_PKEY *pkey, struct gj_slice bytes, struct gj_slice signature, struct made *ret) {
    const struct gj_hasher hasher = gj_crypto_hasher(NULL);
    uint8_t key[32];
    size_t len = sizeof key;
    if (signature.len != GJ_SIGNATURE_MAX || EVP_PKEY_get_raw_public_key(pkey, key, &len) != 1) return false;
    const struct gj_slice parts[] = {gj_slice_of(key, sizeof key), signature, bytes};
    hasher.hash(hasher.ctx, GJ_HASH_SHA256, parts, 3, ret->name);
    return true;
}

static struct made *place_of(const struct made *wanted) {
    uint32_t start;
    memcpy(&start, wanted->name, sizeof start);
    return &made[start & (PLACES - 1)];
}

enum gj_err __wrap_gj_sign(const struct gj_sign_key *key, struct gj_slice bytes,
                           uint8_t ret[GJ_SIGNATURE_MAX], size_t *ret_len) {
    struct made one;
    enum gj_err err = __real_gj_sign(key, bytes, ret, ret_len);
    if (err == GJ_OK && name_it(gj_crypto_private_of(key), bytes, gj_slice_of(ret, *ret_len), &one))
        *place_of(&one) = one;
    return err;
}

enum gj_err __wrap_gj_crypto_verify_with(EVP_PKEY *pkey, enum gj_sign_alg alg, struct gj_slice bytes,
                                         struct gj_slice signature) {
    struct made one;
    if (alg == GJ_SIGN_ED25519 && name_it(pkey, bytes, signature, &one) &&
        memcmp(place_of(&one), &one, sizeof one) == 0)
        return GJ_OK;
    return __real_gj_crypto_verify_with(pkey, alg, bytes, signature);
}

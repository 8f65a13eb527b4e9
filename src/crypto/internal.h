/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the crypto room share. Nobody outside includes it: it names OpenSSL's types.
 */
#ifndef GJ_CRYPTO_INTERNAL_H
#define GJ_CRYPTO_INTERNAL_H

#include <openssl/evp.h>

#include "crypto/crypto.h"

/* Algorithms fetched once for the life of the process; a fetch at each call costs more than a short hash. */
struct gj_crypto_algorithms {
    EVP_MD *sm3;
    EVP_MD *sha256;
    EVP_CIPHER *sm4_ctr;
    EVP_MAC_CTX *hmac_sm3; /* a pattern to copy, never used itself */
};
/* Any thread. Aborts if the system's OpenSSL lacks one of them: such a node cannot do anything right. */
const struct gj_crypto_algorithms *gj_crypto_algorithms_get(void);

/* HMAC-SM3 of the concatenation of |n| parts. Aborts where a hash would. */
void gj_crypto_hmac(const uint8_t *key, size_t key_len, const struct gj_slice *parts, size_t n,
                    uint8_t ret[GJ_HASH_BYTES]);

/* GJ_ERR_CRYPTO for bytes that are no point on the curve, or one that generates no group worth signing in.
 * Owned by the caller: EVP_PKEY_free(). */
GJ_MUST_USE enum gj_err gj_crypto_import_public(const struct gj_public_key *key, EVP_PKEY **ret);
/* Any thread, also with the same |pkey|. GJ_ERR_BAD_SIGNATURE. */
GJ_MUST_USE enum gj_err gj_crypto_verify_with(EVP_PKEY *pkey, enum gj_sign_alg alg, struct gj_slice bytes,
                                              struct gj_slice signature);
/* Takes a private key over on success; reads its public part and proves that both belong together. */
GJ_MUST_USE enum gj_err gj_crypto_adopt_private(EVP_PKEY **pkey_p, struct gj_sign_key **ret);
EVP_PKEY *gj_crypto_private_of(const struct gj_sign_key *key);

#define GJ_SECRET_FILE_MAX 4096u
/* Appends the whole of a regular file of mode 0600 or tighter. GJ_ERR_IO (errno tells), GJ_ERR_BAD_CONFIG for
 * a looser mode, GJ_ERR_TOO_LARGE above GJ_SECRET_FILE_MAX. The caller wipes |out|. */
GJ_MUST_USE enum gj_err gj_crypto_secret_read(const char *path, struct gj_buf *out);
/* A new file of mode 0600, whole or not at all, durable. GJ_ERR_IO with errno EEXIST if |path| exists: a key
 * is never overwritten. */
GJ_MUST_USE enum gj_err gj_crypto_secret_write(const char *path, struct gj_slice content);

#endif

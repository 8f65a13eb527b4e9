/* SPDX-License-Identifier: Apache-2.0
 *
 * Signing keys, verification, hashing, sealing, random bytes. The only room that includes OpenSSL.
 * SM2 with SM3 and the user id 1234567812345678 (16 bytes, GB/T 32918), signatures as raw r | s;
 * Ed25519 beside it. Sealing is SM4-CTR, then HMAC-SM3 over nonce and ciphertext.
 */
#ifndef GJ_CRYPTO_CRYPTO_H
#define GJ_CRYPTO_CRYPTO_H

#include "base/bytes.h"
#include "base/clock.h"
#include "base/hasher.h"
#include "wire/parcel.h"

#define GJ_PUBLIC_KEY_MAX   65    /* SM2: 0x04 | x | y; Ed25519: 32 bytes */
#define GJ_SEAL_OVERHEAD    48    /* nonce 16, tag 32 */
#define GJ_KEYRING_KEYS_MAX 1024u /* of all nodes; the registry keeps old keys as long as the evidence */
#define GJ_KEYRING_ROOTS    8192u /* verified roots remembered, a power of two */

struct gj_public_key {
    enum gj_sign_alg alg;
    uint8_t bytes[GJ_PUBLIC_KEY_MAX];
    size_t len;
};

struct gj_sign_key; /* a private key with its public part */

GJ_MUST_USE enum gj_err gj_sign_key_generate(enum gj_sign_alg alg, struct gj_sign_key **ret);
/* PEM (PKCS 8), mode 0600: a file that others can read is refused with GJ_ERR_BAD_CONFIG. GJ_ERR_IO: errno
 * tells why. Saving makes a new file, whole or not at all; an existing one is never overwritten (EEXIST). */
GJ_MUST_USE enum gj_err gj_sign_key_load(const char *path, struct gj_sign_key **ret);
GJ_MUST_USE enum gj_err gj_sign_key_save(const struct gj_sign_key *key, const char *path);
void gj_sign_key_free(struct gj_sign_key **key_p);
void gj_sign_key_public(const struct gj_sign_key *key, struct gj_public_key *ret);
/* |ret| of GJ_SIGNATURE_MAX bytes; |ret_len| is always GJ_SIGNATURE_MAX. */
GJ_MUST_USE enum gj_err gj_sign(const struct gj_sign_key *key, struct gj_slice bytes,
                                uint8_t ret[GJ_SIGNATURE_MAX], size_t *ret_len);
/* GJ_ERR_BAD_SIGNATURE, or GJ_ERR_CRYPTO for a key that is no point. */
GJ_MUST_USE enum gj_err gj_verify_signature(const struct gj_public_key *key, struct gj_slice bytes,
                                            struct gj_slice signature);
/* The first 8 bytes of SM3 (SHA-256 for Ed25519) over alg | public key bytes. */
void gj_public_key_id(const struct gj_public_key *key, uint8_t ret[GJ_KEY_ID_BYTES]);
/* "sm2:<hex>", "ed25519:<hex>" both ways. */
void gj_public_key_format(const struct gj_public_key *key, char dst[160]);
GJ_MUST_USE enum gj_err gj_public_key_parse(const char *text, struct gj_public_key *ret);

/* --- the node's data key: tokens, sealing ------------------------------------------------------------- */
struct gj_data_key {
    uint8_t seal[16]; /* SM4 */
    uint8_t tag[32];  /* HMAC-SM3 of the seal */
    uint8_t mac[32];  /* tokens */
};
/* 80 bytes as hex in a 0600 file. */
GJ_MUST_USE enum gj_err gj_data_key_generate(struct gj_data_key *ret);
GJ_MUST_USE enum gj_err gj_data_key_load(const char *path, struct gj_data_key *ret);
GJ_MUST_USE enum gj_err gj_data_key_save(const struct gj_data_key *key, const char *path);
GJ_MUST_USE enum gj_err gj_seal(const struct gj_data_key *key, struct gj_slice plain, struct gj_buf *out);
/* GJ_ERR_CRYPTO if it was changed or sealed under another key. */
GJ_MUST_USE enum gj_err gj_unseal(const struct gj_data_key *key, struct gj_slice sealed, struct gj_buf *out);

/* |key| borrowed for the hasher's life; may be NULL where no mac is needed (then mac aborts). */
struct gj_hasher gj_crypto_hasher(const struct gj_data_key *key);
/* Aborts if the system has no randomness. */
void gj_random_bytes(void *ret, size_t len);
void gj_wipe(void *ptr, size_t len);

/* --- keyring: the registry's keys and verified roots ---------------------------------------------------- */
struct gj_keyring;
GJ_MUST_USE enum gj_err gj_keyring_new(struct gj_keyring **ret);
void gj_keyring_free(struct gj_keyring **ring_p);
/* Valid from valid_from on and before valid_to. valid_to 0: open. revoked_at 0: not revoked; else not valid
 * from then on. GJ_ERR_CRYPTO for a key that is no point, GJ_ERR_BAD_CONFIG for a key that the ring holds
 * already, of whichever node, GJ_ERR_TOO_MANY above GJ_KEYRING_KEYS_MAX. */
GJ_MUST_USE enum gj_err gj_keyring_add(struct gj_keyring *ring, const char *node,
                                       const struct gj_public_key *key, struct gj_wall valid_from,
                                       struct gj_wall valid_to, struct gj_wall revoked_at);
/* The bodies of protocol's struct gj_prover (see protocol/protocol.h); ctx is the ring. */
enum gj_err gj_keyring_verify(void *ring, const struct gj_batch_head *head, struct gj_slice signed_bytes,
                              struct gj_slice signature);
bool gj_keyring_key_valid(void *ring, const struct gj_batch_head *head, struct gj_wall when);
/* Signatures verified and answers out of the cache, for metrics and benchmarks. */
void gj_keyring_counts(const struct gj_keyring *ring, uint64_t *ret_verified, uint64_t *ret_cached);

#endif

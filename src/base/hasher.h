/* SPDX-License-Identifier: Apache-2.0
 *
 * The port for pure hashing, filled by the crypto room. Same input, same output, no state.
 */
#ifndef GJ_BASE_HASHER_H
#define GJ_BASE_HASHER_H

#include "base/bytes.h"
#include "base/ids.h"

struct gj_hasher {
    void *ctx;
    /* Hash of the concatenation of |n| parts. Cannot fail: an implementation that cannot hash aborts. */
    void (*hash)(void *ctx, enum gj_hash_alg alg, const struct gj_slice *parts, size_t n,
                 uint8_t ret[GJ_HASH_BYTES]);
    /* HMAC-SM3 of the concatenation under the node's data key: tokens of identity numbers, digests
     * of low-entropy bodies. Never leaves the node. */
    void (*mac)(void *ctx, const struct gj_slice *parts, size_t n, uint8_t ret[GJ_HASH_BYTES]);
};

/* alg | H(parts). */
void gj_digest_of(const struct gj_hasher *hasher, enum gj_hash_alg alg, const struct gj_slice *parts,
                  size_t n, struct gj_digest *ret);

#endif

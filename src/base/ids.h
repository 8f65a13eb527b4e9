/* SPDX-License-Identifier: Apache-2.0
 *
 * Identifiers that several rooms share: transactions, message ids, digests.
 */
#ifndef GJ_BASE_IDS_H
#define GJ_BASE_IDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/limits.h"

/* One attempt of one distributed transaction; never reused. */
struct gj_txid {
    char coordinator[GJ_NODE_MAX + 1];
    uint32_t epoch; /* the coordinator's boot epoch */
    uint64_t seq;
    uint16_t attempt;
};

#define GJ_TXID_TEXT_CAP 64 /* "330000/1795000000/42/1" */

bool gj_txid_equal(const struct gj_txid *a, const struct gj_txid *b);
bool gj_txid_is_none(const struct gj_txid *txid);
char *gj_txid_format(char dst[GJ_TXID_TEXT_CAP], const struct gj_txid *txid);
/* GJ_ERR_BAD_FIELD unless it is exactly what gj_txid_format() writes. */
GJ_MUST_USE enum gj_err gj_txid_parse(const char *text, size_t len, struct gj_txid *ret);

/* A node's name: 1 to GJ_NODE_MAX of [0-9a-z-]. */
bool gj_node_is_valid(const char *node);
/* Six digits. Whether it exists is the registry's to say. */
bool gj_region_is_valid(const char *region);

/* A message id: the sender's epoch and a counter that only grows within it. */
struct gj_msgid {
    uint32_t epoch;
    uint64_t counter;
};
#define GJ_MSGID_BYTES 12

/* A digest names its algorithm in the first byte. */
enum gj_hash_alg { GJ_HASH_SM3 = 1, GJ_HASH_SHA256 = 2 };
#define GJ_HASH_BYTES 32
struct gj_digest {
    uint8_t bytes[1 + GJ_HASH_BYTES];
};
bool gj_digest_equal(const struct gj_digest *a, const struct gj_digest *b);

#endif

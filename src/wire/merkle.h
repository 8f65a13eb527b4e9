/* SPDX-License-Identifier: Apache-2.0
 *
 * The shape of a batch's Merkle tree, inside the wire room. What it computes is in wire/parcel.h.
 */
#ifndef GJ_WIRE_MERKLE_H
#define GJ_WIRE_MERKLE_H

#include "wire/parcel.h"

/* How many hashes the path of leaf |index| has in a tree of |n| leaves. index < n. */
uint32_t gj_merkle_depth(uint32_t index, uint32_t n);
/* Appends the path of leaf |index|, from the leaf upwards, out of |leaves| filled by gj_batch_root(). */
void gj_merkle_put_path(const struct gj_leaf *leaves, uint32_t n, uint32_t index, struct gj_buf *out);

#endif

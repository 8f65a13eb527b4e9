/* SPDX-License-Identifier: Apache-2.0
 *
 * Parcels as bytes: writing, strict reading, and the extraction of one message as evidence. It must never
 * build signed bytes anew from what was read, and never accept two byte strings for one parcel.
 */
#include "wire/parcel.h"

#include "base/check.h"
#include "wire/merkle.h"

#define PARCEL_MAGIC "GJP1"
#define ROOT_TAG     "gongji-batch-root/1" /* with its NUL */
#define ITEM_MIN     (4u + GJ_SALT_BYTES + 1u + 4u)

enum gj_hash_alg gj_hash_alg_of(enum gj_sign_alg alg) {
    return alg == GJ_SIGN_ED25519 ? GJ_HASH_SHA256 : GJ_HASH_SM3;
}

/* --- the head ---------------------------------------------------------------------------------------- */
void gj_batch_signed_bytes(const struct gj_batch_head *head, struct gj_buf *out) {
    GJ_ASSERT(gj_node_is_valid(head->sender));
    struct gj_slice sender = gj_slice_str(head->sender);
    gj_buf_put(out, ROOT_TAG, sizeof ROOT_TAG);
    gj_buf_put(out, head->network_id, sizeof head->network_id);
    gj_buf_put_u8(out, (uint8_t)head->alg);
    gj_buf_put(out, head->key_id, sizeof head->key_id);
    gj_buf_put_u8(out, (uint8_t)sender.len);
    gj_buf_put_slice(out, sender);
    gj_buf_put_u32(out, head->epoch);
    gj_buf_put_u64(out, head->flush);
    gj_buf_put(out, head->batch_id, sizeof head->batch_id);
    gj_buf_put_u32(out, head->n_leaves);
    gj_buf_put(out, head->root, sizeof head->root);
    gj_buf_put_u64(out, (uint64_t)head->created_ms);
}

/* One head, one byte string. */
enum gj_err gj_batch_head_read(struct gj_slice in, struct gj_batch_head *ret) {
    struct gj_reader reader;
    gj_reader_init(&reader, in);
    struct gj_slice tag = gj_read_slice(&reader, sizeof ROOT_TAG);
    gj_read_copy(&reader, ret->network_id, sizeof ret->network_id);
    uint8_t alg = gj_read_u8(&reader);
    gj_read_copy(&reader, ret->key_id, sizeof ret->key_id);
    struct gj_slice sender = gj_read_slice(&reader, gj_read_u8(&reader));
    ret->epoch = gj_read_u32(&reader);
    ret->flush = gj_read_u64(&reader);
    gj_read_copy(&reader, ret->batch_id, sizeof ret->batch_id);
    ret->n_leaves = gj_read_u32(&reader);
    gj_read_copy(&reader, ret->root, sizeof ret->root);
    uint64_t created_ms = gj_read_u64(&reader);

    if (reader.failed || reader.left != 0) return GJ_ERR_BAD_PARCEL;
    if (!gj_slice_equal(tag, gj_slice_of(ROOT_TAG, sizeof ROOT_TAG))) return GJ_ERR_BAD_PARCEL;
    if (alg != GJ_SIGN_SM2 && alg != GJ_SIGN_ED25519) return GJ_ERR_BAD_PARCEL;
    if (gj_text_from_slice(ret->sender, sizeof ret->sender, sender) != GJ_OK) return GJ_ERR_BAD_PARCEL;
    if (!gj_node_is_valid(ret->sender)) return GJ_ERR_BAD_PARCEL;
    /* No record holds more: who keeps what it saw must not choke on it. */
    if (created_ms > INT64_MAX || ret->flush > INT64_MAX) return GJ_ERR_BAD_PARCEL;
    if (ret->n_leaves < 1) return GJ_ERR_BAD_PARCEL;
    if (ret->n_leaves > GJ_BATCH_LEAVES_MAX) return GJ_ERR_TOO_MANY;
    ret->alg = (enum gj_sign_alg)alg;
    ret->created_ms = (int64_t)created_ms;
    return GJ_OK;
}

/* --- making ------------------------------------------------------------------------------------------ */
static void put_front(struct gj_buf *out, struct gj_slice signed_bytes, struct gj_slice signature,
                      uint32_t count) {
    gj_buf_put_slice(out, GJ_SLICE_LIT(PARCEL_MAGIC));
    gj_buf_put_u32(out, (uint32_t)signed_bytes.len);
    gj_buf_put_slice(out, signed_bytes);
    gj_buf_put_u16(out, (uint16_t)signature.len);
    gj_buf_put_slice(out, signature);
    gj_buf_put_u32(out, count);
}

/* A batch whose leaves do not lead to its root would be refused by every peer: our own mistake, so it stops
 * here, before it is sent. One item is enough to notice leaves of another batch. */
static void assert_leads_to_root(const struct gj_hasher *hasher, const struct gj_batch_head *head,
                                 const struct gj_leaf *leaves, uint32_t index) {
    uint8_t memory[GJ_PATH_MAX * GJ_HASH_BYTES];
    struct gj_buf path;
    gj_buf_init(&path, memory, sizeof memory);
    gj_merkle_put_path(leaves, head->n_leaves, index, &path);
    const struct gj_parcel_item item = {
        .index = index,
        .salt = gj_slice_of(leaves[index].salt, GJ_SALT_BYTES),
        .path = gj_buf_slice(&path),
        .message = leaves[index].message,
    };
    GJ_ASSERT(gj_parcel_check_item(hasher, head, &item) == GJ_OK);
}

enum gj_err gj_parcel_write(const struct gj_hasher *hasher, const struct gj_batch_head *head,
                            struct gj_slice signature, const struct gj_leaf *leaves, uint32_t n,
                            const uint32_t *indexes, uint32_t n_indexes, struct gj_buf *out) {
    GJ_ASSERT(n == head->n_leaves && n_indexes >= 1 && signature.len == GJ_SIGNATURE_MAX);
    if (n_indexes > GJ_PARCEL_MESSAGES_MAX) return GJ_ERR_TOO_MANY;
    assert_leads_to_root(hasher, head, leaves, indexes[0]);

    size_t start = out->len;
    uint8_t memory[GJ_SIGNED_BYTES_MAX];
    struct gj_buf signed_bytes;
    gj_buf_init(&signed_bytes, memory, sizeof memory);
    gj_batch_signed_bytes(head, &signed_bytes);
    GJ_TRY(gj_buf_check(&signed_bytes));
    put_front(out, gj_buf_slice(&signed_bytes), signature, n_indexes);
    for (uint32_t k = 0; k < n_indexes; k++) {
        uint32_t index = indexes[k];
        GJ_ASSERT(index < n && (k == 0 || indexes[k - 1] < index));
        if (leaves[index].message.len > GJ_MESSAGE_MAX) return GJ_ERR_TOO_LARGE;
        gj_buf_put_u32(out, index);
        gj_buf_put(out, leaves[index].salt, GJ_SALT_BYTES);
        gj_buf_put_u8(out, (uint8_t)gj_merkle_depth(index, n));
        gj_merkle_put_path(leaves, n, index, out);
        gj_buf_put_u32(out, (uint32_t)leaves[index].message.len);
        gj_buf_put_slice(out, leaves[index].message);
    }
    GJ_TRY(gj_buf_check(out));
    return out->len - start <= GJ_PARCEL_MAX ? GJ_OK : GJ_ERR_TOO_LARGE;
}

enum gj_err gj_parcel_extract(const struct gj_parcel *parcel, const struct gj_parcel_item *item,
                              struct gj_buf *out) {
    put_front(out, parcel->signed_bytes, parcel->signature, 1);
    gj_buf_put_u32(out, item->index);
    gj_buf_put_slice(out, item->salt);
    gj_buf_put_u8(out, (uint8_t)(item->path.len / GJ_HASH_BYTES));
    gj_buf_put_slice(out, item->path);
    gj_buf_put_u32(out, (uint32_t)item->message.len);
    gj_buf_put_slice(out, item->message);
    return gj_buf_check(out);
}

/* --- reading ----------------------------------------------------------------------------------------- */
static enum gj_err read_item(struct gj_reader *reader, uint32_t n_leaves, struct gj_parcel_item *ret) {
    ret->index = gj_read_u32(reader);
    ret->salt = gj_read_slice(reader, GJ_SALT_BYTES);
    uint8_t hashes = gj_read_u8(reader);
    ret->path = gj_read_slice(reader, (size_t)hashes * GJ_HASH_BYTES);
    uint32_t message_len = gj_read_u32(reader);
    if (!reader->failed && message_len > GJ_MESSAGE_MAX) return GJ_ERR_TOO_LARGE;
    ret->message = gj_read_slice(reader, message_len);
    if (reader->failed) return GJ_ERR_BAD_PARCEL;
    if (ret->index >= n_leaves) return GJ_ERR_BAD_INDEX;
    if (hashes != gj_merkle_depth(ret->index, n_leaves)) return GJ_ERR_BAD_PATH;
    return GJ_OK;
}

/* Indexes grow strictly, so that no message can be in a parcel twice. */
static enum gj_err read_items(struct gj_reader *reader, struct gj_arena *arena, struct gj_parcel *ret) {
    ret->n_items = gj_read_u32(reader);
    if (reader->failed || ret->n_items < 1) return GJ_ERR_BAD_PARCEL;
    if (ret->n_items > GJ_PARCEL_MESSAGES_MAX) return GJ_ERR_TOO_MANY;
    /* Before any memory is taken for them. */
    if (ret->n_items > reader->left / ITEM_MIN) return GJ_ERR_BAD_PARCEL;
    ret->items = gj_arena_array(arena, ret->n_items, sizeof ret->items[0]);
    if (ret->items == NULL) return GJ_ERR_NO_SPACE;
    for (uint32_t i = 0; i < ret->n_items; i++) {
        GJ_TRY(read_item(reader, ret->head.n_leaves, &ret->items[i]));
        if (i > 0 && ret->items[i - 1].index >= ret->items[i].index) return GJ_ERR_BAD_PARCEL;
    }
    return reader->left == 0 ? GJ_OK : GJ_ERR_BAD_PARCEL;
}

enum gj_err gj_parcel_read(struct gj_slice in, struct gj_arena *arena, struct gj_parcel *ret) {
    if (in.len > GJ_PARCEL_MAX) return GJ_ERR_TOO_LARGE;
    *ret = (struct gj_parcel){.n_items = 0};
    struct gj_reader reader;
    gj_reader_init(&reader, in);
    struct gj_slice magic = gj_read_slice(&reader, sizeof PARCEL_MAGIC - 1);
    ret->signed_bytes = gj_read_slice(&reader, gj_read_u32(&reader));
    ret->signature = gj_read_slice(&reader, gj_read_u16(&reader));
    if (reader.failed || !gj_slice_equal(magic, GJ_SLICE_LIT(PARCEL_MAGIC))) return GJ_ERR_BAD_PARCEL;
    if (ret->signature.len != GJ_SIGNATURE_MAX) return GJ_ERR_BAD_PARCEL;
    GJ_TRY(gj_batch_head_read(ret->signed_bytes, &ret->head));
    return read_items(&reader, arena, ret);
}

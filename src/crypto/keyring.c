/* SPDX-License-Identifier: Apache-2.0
 *
 * The registry's keys with the times in which they hold, and the roots that were verified under them. It
 * must never answer from its cache what it would refuse without it: who signs, and when a key holds, is
 * judged on every call; only the curve arithmetic is remembered.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "crypto/internal.h"

#define WAYS 4u /* places that one root may take; the oldest of them gives way */
#define SETS (GJ_KEYRING_ROOTS / WAYS)
_Static_assert((SETS & (SETS - 1)) == 0, "a set is chosen by mask");

struct entry {
    char node[GJ_NODE_MAX + 1];
    uint8_t id[GJ_KEY_ID_BYTES];
    enum gj_sign_alg alg;
    EVP_PKEY *pkey; /* parsed once: that costs as much as a verification */
    struct gj_wall valid_from, valid_to, revoked_at;
};

struct set {
    uint8_t roots[WAYS][GJ_HASH_BYTES];
    uint8_t used; /* places filled */
    uint8_t next; /* place to fill next */
};

struct gj_keyring {
    pthread_mutex_t mutex;                      /* over all below; never held while a signature is verified */
    struct entry *entries[GJ_KEYRING_KEYS_MAX]; /* an entry never moves nor goes while the ring lives */
    size_t n_entries;
    struct set sets[SETS];
    uint64_t verified, cached;
};

static void lock(struct gj_keyring *ring) {
    GJ_ASSERT(pthread_mutex_lock(&ring->mutex) == 0);
}

static void unlock(struct gj_keyring *ring) {
    GJ_ASSERT(pthread_mutex_unlock(&ring->mutex) == 0);
}

enum gj_err gj_keyring_new(struct gj_keyring **ret) {
    struct gj_keyring *ring = calloc(1, sizeof *ring);
    if (ring == NULL) return GJ_ERR_NO_MEMORY;
    if (pthread_mutex_init(&ring->mutex, NULL) != 0) {
        free(ring);
        return GJ_ERR_NO_MEMORY;
    }
    *ret = ring;
    return GJ_OK;
}

void gj_keyring_free(struct gj_keyring **ring_p) {
    struct gj_keyring *ring = *ring_p;
    if (ring == NULL) return;
    for (size_t i = 0; i < ring->n_entries; i++) {
        EVP_PKEY_free(ring->entries[i]->pkey);
        free(ring->entries[i]);
    }
    (void)pthread_mutex_destroy(&ring->mutex);
    free(ring);
    *ring_p = NULL;
}

/* --- keys -------------------------------------------------------------------------------------------- */
static const struct entry *find_id(const struct gj_keyring *ring, const uint8_t id[GJ_KEY_ID_BYTES]) {
    for (size_t i = 0; i < ring->n_entries; i++)
        if (memcmp(ring->entries[i]->id, id, GJ_KEY_ID_BYTES) == 0) return ring->entries[i];
    return NULL;
}

static enum gj_err append(struct gj_keyring *ring, struct entry *entry) {
    if (ring->n_entries == GJ_KEYRING_KEYS_MAX) return GJ_ERR_TOO_MANY;
    /* One key in two hands would let either speak for the other. */
    if (find_id(ring, entry->id) != NULL) return GJ_ERR_BAD_CONFIG;
    ring->entries[ring->n_entries++] = entry;
    return GJ_OK;
}

enum gj_err gj_keyring_add(struct gj_keyring *ring, const char *node, const struct gj_public_key *key,
                           struct gj_wall valid_from, struct gj_wall valid_to, struct gj_wall revoked_at) {
    if (!gj_node_is_valid(node)) return GJ_ERR_BAD_FIELD;
    struct entry *entry = calloc(1, sizeof *entry);
    if (entry == NULL) return GJ_ERR_NO_MEMORY;
    gj_text_set(entry->node, sizeof entry->node, node);
    gj_public_key_id(key, entry->id);
    entry->alg = key->alg;
    entry->valid_from = valid_from;
    entry->valid_to = valid_to;
    entry->revoked_at = revoked_at;
    enum gj_err err = gj_crypto_import_public(key, &entry->pkey);
    if (err == GJ_OK) {
        lock(ring);
        err = append(ring, entry);
        unlock(ring);
    }
    if (err != GJ_OK) {
        EVP_PKEY_free(entry->pkey);
        free(entry);
    }
    return err;
}

/* From valid_from on, until before valid_to and before the revocation. */
static bool holds_at(const struct entry *entry, struct gj_wall when) {
    if (when.ms < entry->valid_from.ms) return false;
    if (entry->valid_to.ms != 0 && when.ms >= entry->valid_to.ms) return false;
    return entry->revoked_at.ms == 0 || when.ms < entry->revoked_at.ms;
}

/* The key that |head| names, if it is its sender's, of its algorithm, and holds at |when|. */
static const struct entry *find_valid(struct gj_keyring *ring, const struct gj_batch_head *head,
                                      struct gj_wall when) {
    lock(ring);
    const struct entry *entry = find_id(ring, head->key_id);
    unlock(ring);
    if (entry == NULL || entry->alg != head->alg) return NULL;
    if (!gj_text_equal(entry->node, head->sender)) return NULL;
    return holds_at(entry, when) ? entry : NULL;
}

bool gj_keyring_key_valid(void *ring, const struct gj_batch_head *head, struct gj_wall when) {
    return find_valid(ring, head, when) != NULL;
}

/* --- roots ------------------------------------------------------------------------------------------- */
/* Both have one length each for a given head, so that their concatenation says where one ends. */
static void name_root(struct gj_slice signed_bytes, struct gj_slice signature, uint8_t ret[GJ_HASH_BYTES]) {
    const struct gj_hasher hasher = gj_crypto_hasher(NULL);
    const struct gj_slice parts[] = {signature, signed_bytes};
    hasher.hash(hasher.ctx, GJ_HASH_SM3, parts, 2, ret);
}

static struct set *set_of(struct gj_keyring *ring, const uint8_t root[GJ_HASH_BYTES]) {
    uint32_t start;
    memcpy(&start, root, sizeof start);
    return &ring->sets[start & (SETS - 1)];
}

static bool remembers(struct gj_keyring *ring, const uint8_t root[GJ_HASH_BYTES]) {
    lock(ring);
    const struct set *set = set_of(ring, root);
    bool found = false;
    for (uint8_t i = 0; i < set->used && !found; i++)
        found = memcmp(set->roots[i], root, GJ_HASH_BYTES) == 0;
    ring->cached += found ? 1 : 0;
    unlock(ring);
    return found;
}

static void remember(struct gj_keyring *ring, const uint8_t root[GJ_HASH_BYTES]) {
    lock(ring);
    struct set *set = set_of(ring, root);
    memcpy(set->roots[set->next], root, GJ_HASH_BYTES);
    set->next = (uint8_t)((set->next + 1u) % WAYS);
    if (set->used < WAYS) set->used++;
    unlock(ring);
}

/* A head that does not come out of these very bytes would be judged by the wrong key or the wrong time. */
static bool head_is_of(const struct gj_batch_head *head, struct gj_slice signed_bytes) {
    uint8_t memory[GJ_SIGNED_BYTES_MAX];
    struct gj_buf buf;
    gj_buf_init(&buf, memory, sizeof memory);
    gj_batch_signed_bytes(head, &buf);
    return gj_buf_check(&buf) == GJ_OK && gj_slice_equal(gj_buf_slice(&buf), signed_bytes);
}

enum gj_err gj_keyring_verify(void *ctx, const struct gj_batch_head *head, struct gj_slice signed_bytes,
                              struct gj_slice signature) {
    struct gj_keyring *ring = ctx;
    const struct entry *entry = find_valid(ring, head, (struct gj_wall){head->created_ms});
    if (entry == NULL) return GJ_ERR_UNKNOWN_KEY;
    if (!head_is_of(head, signed_bytes) || signature.len != GJ_SIGNATURE_MAX) return GJ_ERR_BAD_SIGNATURE;

    uint8_t root[GJ_HASH_BYTES];
    name_root(signed_bytes, signature, root);
    if (remembers(ring, root)) return GJ_OK;
    enum gj_err err = gj_crypto_verify_with(entry->pkey, entry->alg, signed_bytes, signature);
    lock(ring);
    ring->verified++;
    unlock(ring);
    if (err == GJ_OK) remember(ring, root);
    return err;
}

void gj_keyring_counts(const struct gj_keyring *ring, uint64_t *ret_verified, uint64_t *ret_cached) {
    struct gj_keyring *shared = (struct gj_keyring *)(uintptr_t)ring; /* only its mutex is touched */
    lock(shared);
    *ret_verified = shared->verified;
    *ret_cached = shared->cached;
    unlock(shared);
}

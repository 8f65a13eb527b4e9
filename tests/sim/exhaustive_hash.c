/* SPDX-License-Identifier: Apache-2.0
 *
 * What makes two states of the exhaustive search the same: every durable record, what each core holds in memory,
 * and the parcels under way, without what no step depends on (README.md gives the reasons, one by one).
 * It must never leave out what a later step could read.
 */
#include <string.h>

#include "base/check.h"
#include "checker/msgpack.h"
#include "domain/desk/desk.h"
#include "exhaustive.h"
#include "node/private.h"
#include "protocol/state.h"

#define NESTING_MAX 6 /* a parcel in a parcel: a certificate in legs, a vote in it */

/* --- mixing --------------------------------------------------------------------------------------------- */
uint64_t ex_mix(uint64_t hash, uint64_t word) {
    hash = (hash ^ word) * UINT64_C(0x9ddfea08eb382d69);
    hash ^= hash >> 32;
    return hash * UINT64_C(0xff51afd7ed558ccd) + 1;
}

static uint64_t mix_bytes(uint64_t hash, const void *ptr, size_t len) {
    const uint8_t *at = ptr;
    hash = ex_mix(hash, len);
    for (; len >= 8; len -= 8, at += 8) {
        uint64_t word;
        memcpy(&word, at, 8);
        hash = ex_mix(hash, word);
    }
    uint64_t rest = 0;
    for (size_t i = 0; i < len; i++)
        rest = rest << 8 | at[i];
    return ex_mix(hash, rest);
}

static uint64_t mix_text(uint64_t hash, const char *text) {
    return mix_bytes(hash, text, strlen(text));
}

static uint64_t mix_txid(uint64_t hash, const struct gj_txid *txid) {
    return ex_mix(ex_mix(ex_mix(mix_text(hash, txid->coordinator), txid->epoch), txid->seq), txid->attempt);
}

/* --- messages ------------------------------------------------------------------------------------------- */
static uint64_t mix_blob(uint64_t hash, const uint8_t *ptr, size_t len, unsigned nesting);

static uint64_t big_endian(const uint8_t *at, unsigned n) {
    uint64_t value = 0;
    for (unsigned i = 0; i < n; i++)
        value = value << 8 | at[i];
    return value;
}

/* A str, bin, array or map: how many bytes its head has, how many bytes or values follow. */
struct head {
    char kind; /* 's' 'b' 'a' 'm', or 0: a value without parts */
    size_t len;
    uint64_t n;
};

static struct head sized(char kind, const uint8_t *at, unsigned width) {
    return (struct head){kind, 1 + (size_t)width, big_endian(at + 1, width)};
}

static struct head head_of(const uint8_t *at) {
    const uint8_t c = at[0];
    if (c >= 0x80 && c <= 0x8f) return (struct head){'m', 1, c & 0x0fu};
    if (c >= 0x90 && c <= 0x9f) return (struct head){'a', 1, c & 0x0fu};
    if (c >= 0xa0 && c <= 0xbf) return (struct head){'s', 1, c & 0x1fu};
    if (c >= 0xc4 && c <= 0xc6) return sized('b', at, 1u << (c - 0xc4));
    if (c >= 0xd9 && c <= 0xdb) return sized('s', at, 1u << (c - 0xd9));
    if (c == 0xdc || c == 0xdd) return sized('a', at, c == 0xdc ? 2 : 4);
    if (c == 0xde || c == 0xdf) return sized('m', at, c == 0xde ? 2 : 4);
    const bool is_wide = c >= 0xcc && c <= 0xd3;
    return (struct head){0, 1 + (is_wide ? (size_t)1 << (c & 3) : 0), 0};
}

/* Flush numbers, and the proofs of them, are compared only to find out that a store went back in time. */
static bool is_of_flushes(const uint8_t *key, size_t len) {
    return (len == 5 && memcmp(key, "flush", 5) == 0) || (len == 5 && memcmp(key, "proof", 5) == 0);
}

/* One value of a well-formed message; |*at| is moved behind it. */
static uint64_t mix_value(uint64_t hash, const uint8_t **at, bool is_greeting, unsigned nesting) {
    const struct head head = head_of(*at);
    const uint8_t *body = *at + head.len;
    if (head.kind == 0) {
        hash = mix_bytes(hash, *at, head.len);
        *at = body;
        return hash;
    }
    hash = ex_mix(hash, (uint64_t)head.kind);
    if (head.kind == 's' || head.kind == 'b') {
        *at = body + head.n;
        return head.kind == 'b' ? mix_blob(hash, body, head.n, nesting) : mix_bytes(hash, body, head.n);
    }
    hash = ex_mix(hash, head.n);
    for (uint64_t i = 0; i < head.n; i++) {
        bool is_left_out = false;
        if (head.kind == 'm') {
            const struct head key = head_of(body);
            is_left_out = is_greeting && is_of_flushes(body + key.len, key.n);
            uint64_t with_key = mix_value(hash, &body, is_greeting, nesting);
            if (!is_left_out) hash = with_key;
        }
        uint64_t with_value = mix_value(hash, &body, is_greeting, nesting);
        if (!is_left_out) hash = with_value;
    }
    *at = body;
    return hash;
}

/* Its answer names it, and who asked looks for that name. */
static bool is_question(const char *kind) {
    return strcmp(kind, "plan") == 0 || strcmp(kind, "cover") == 0 || strcmp(kind, "verify") == 0;
}

/* Without times, flush, salts, path, signature, and without the id where no answer names it: they follow from when it
 * was sent. */
static uint64_t mix_item(uint64_t hash, const struct ck_item *item, unsigned nesting) {
    char tx[72];
    size_t len;
    bool is_greeting = strcmp(item->kind, "hello") == 0 || strcmp(item->kind, "welcome") == 0;
    bool is_error = strcmp(item->kind, "error") == 0;
    hash = mix_text(hash, item->kind);
    hash = mix_text(hash, mp_text(mp_get(item->header, "tx"), tx, sizeof tx));
    const uint8_t *reply_to = mp_bytes(mp_get(item->header, "reply_to"), &len);
    if (reply_to != NULL && !is_greeting && !is_error) hash = mix_bytes(hash, reply_to, len);
    const uint8_t *id = mp_bytes(mp_get(item->header, "id"), &len);
    if (id != NULL && is_question(item->kind)) hash = mix_bytes(hash, id, len);
    const uint8_t *at = item->body.at;
    return mix_value(hash, &at, is_greeting, nesting);
}

static struct ck_parcel parcels[NESTING_MAX]; /* by nesting: too large for the stack */

static uint64_t mix_parcel(uint64_t hash, const uint8_t *ptr, size_t len, unsigned nesting) {
    struct ck_parcel *parcel = &parcels[nesting];
    if (!ck_parcel_read(ptr, len, parcel)) return mix_bytes(hash, ptr, len);
    hash = ex_mix(ex_mix(mix_text(hash, parcel->sender), parcel->epoch), parcel->n);
    for (uint32_t i = 0; i < parcel->n; i++)
        hash = mix_item(hash, &parcel->items[i], nesting + 1);
    return hash;
}

/* Bytes inside a message or a record: a parcel, a message's body, or just bytes. */
static uint64_t mix_blob(uint64_t hash, const uint8_t *ptr, size_t len, unsigned nesting) {
    if (nesting == NESTING_MAX || len == 0) return mix_bytes(hash, ptr, len);
    if (len > 4 && memcmp(ptr, "GJP1", 4) == 0) return mix_parcel(hash, ptr, len, nesting);
    const char kind = head_of(ptr).kind;
    bool is_body = (kind == 'm' || kind == 'a') && mp_is(mp_whole(ptr, len));
    if (!is_body) return mix_bytes(hash, ptr, len);
    const uint8_t *at = ptr;
    return mix_value(hash, &at, false, nesting);
}

/* --- records -------------------------------------------------------------------------------------------- */
static uint64_t mix_field(uint64_t hash, const struct gj_field *field, const void *rec) {
    const uint8_t *at = (const uint8_t *)rec + field->offset;
    switch (field->type) {
    case GJ_FIELD_U64:
    case GJ_FIELD_I64:
    case GJ_FIELD_FEN:
        return mix_bytes(hash, at, 8);
    case GJ_FIELD_DATE:
        return mix_bytes(hash, at, sizeof(gj_date));
    case GJ_FIELD_BOOL:
        return ex_mix(hash, *(const bool *)at);
    case GJ_FIELD_TEXT:
        return mix_text(hash, (const char *)at);
    case GJ_FIELD_FIX:
    case GJ_FIELD_DIGEST:
        return mix_bytes(hash, at, (size_t)field->max);
    case GJ_FIELD_TXID:
        return mix_txid(hash, (const struct gj_txid *)(const void *)at);
    case GJ_FIELD_BIN: {
        const struct gj_slice *bin = (const struct gj_slice *)(const void *)at;
        return mix_blob(hash, bin->ptr, bin->len, 0);
    }
    case GJ_FIELD_MAP:
    case GJ_FIELD_LIST:
        break;
    }
    gj_assert_failed("a record has no such field", __FILE__, __LINE__);
}

/* Columns about flushes, and the nonce of an epoch, which is made of node and epoch here. */
static bool is_left_out(const char *table, const char *field) {
    bool is_flush = strcmp(field, "flush") == 0 || strcmp(field, "nonce") == 0;
    if (strcmp(table, "node") == 0) return is_flush || strcmp(field, "store_id") == 0;
    if (strcmp(table, "peer") == 0) return strcmp(field, "flush") == 0 || strcmp(field, "proof") == 0;
    return strcmp(table, "epoch") == 0 && is_flush;
}

/* A sum: records have no order but that of their keys. */
static void add_row(void *ctx, const struct gj_table *table, const void *rec) {
    uint64_t *sum = ctx, hash = mix_text(1, table->name);
    for (uint32_t i = 0; i < table->shape->n_fields; i++) {
        const struct gj_field *field = &table->shape->fields[i];
        if (!is_left_out(table->name, field->name)) hash = mix_field(hash, field, rec);
    }
    *sum += hash;
}

/* --- what a core holds in memory ------------------------------------------------------------------------ */
/* From now on: 0 is "due", and never is never. */
static uint64_t from_now(const struct ex *ex, size_t node, int64_t due_ms) {
    if (due_ms == INT64_MAX) return UINT64_MAX;
    return due_ms <= ex->mono_ms[node] ? 0 : (uint64_t)(due_ms - ex->mono_ms[node]);
}

static uint64_t mix_peers(uint64_t hash, const struct ex *ex, size_t node, const struct gj_protocol *p) {
    for (size_t i = 0; i < ex->sim->n; i++) {
        const struct gj_peer *peer = &p->peers[i];
        if (i == node) continue;
        hash = ex_mix(ex_mix(hash, peer->heard), peer->epoch);
        hash = ex_mix(hash, peer->replay.epoch);
        if (!peer->heard) hash = ex_mix(hash, from_now(ex, node, peer->hello_due.ms));
        hash = ex_mix(hash, from_now(ex, node, peer->tell_due.ms));
        int64_t end_ms = peer->hurry_since.ms + GJ_HURRY_WINDOW_MS;
        if (peer->hurries > 0) hash = ex_mix(ex_mix(hash, peer->hurries), from_now(ex, node, end_ms));
    }
    return hash;
}

static uint64_t mix_active(uint64_t hash, const struct ex *ex, size_t node, const struct gj_protocol *p) {
    uint64_t sum = 0;
    for (uint32_t i = 0; i < p->n_active; i++) {
        const struct gj_active *active = &p->active[i];
        uint64_t one = mix_txid((uint64_t)active->role + 1, &active->txid);
        one = ex_mix(one, from_now(ex, node, active->due.ms));
        one = ex_mix(one, from_now(ex, node, active->deadline.ms));
        sum += ex_mix(ex_mix(one, (uint64_t)active->interval_ms), active->tries);
    }
    return ex_mix(ex_mix(hash, sum), p->n_active);
}

static uint64_t mix_bill(uint64_t hash, const struct gj_session_bill *bill) {
    hash = mix_text(mix_text(hash, bill->plan_id), bill->setl_id);
    hash = ex_mix(ex_mix(hash, bill->has_agreed), (uint64_t)bill->agreed_cash_fen);
    for (uint32_t i = 0; i < bill->n_covers; i++)
        hash = ex_mix(ex_mix(hash, bill->covers[i].state), (uint64_t)bill->covers[i].cover);
    return mix_blob(ex_mix(hash, bill->home_local), bill->answer, bill->answer_len, 0);
}

static uint64_t mix_questions(uint64_t hash, const struct gj_session *session) {
    for (uint32_t i = 0; i < GJ_SOURCES_MAX && session->n_open > 0; i++) {
        const struct gj_question *question = &session->questions[i];
        if (!question->open) continue;
        hash = mix_text(ex_mix(hash, i), question->node);
        hash = ex_mix(ex_mix(hash, question->id.epoch), question->id.counter);
    }
    return ex_mix(hash, session->n_open);
}

static uint64_t mix_session(const struct ex *ex, size_t node, const struct gj_session *session) {
    uint64_t hash = ex_mix(ex_mix((uint64_t)session->phase, (uint64_t)session->kind), session->attempt);
    unsigned waiters = 0;
    for (uint32_t i = 0; i < GJ_DESK_WAITERS_MAX; i++)
        waiters += session->waiters[i] != 0;
    hash = mix_txid(mix_text(mix_text(hash, session->sender), session->msgid), &session->txid);
    hash = ex_mix(ex_mix(hash, waiters), from_now(ex, node, session->deadline.ms));
    for (uint32_t i = 0; i < session->n_dead; i++)
        hash = mix_text(hash, session->dead[i]);
    hash = mix_questions(hash, session);
    if (session->kind == GJ_SESSION_SETTLE) return mix_bill(hash, &session->u.bill);
    if (session->kind == GJ_SESSION_BIND) return mix_text(hash, session->u.bind.binding_id);
    return mix_text(hash, session->u.refund.refund_id);
}

static uint64_t mix_core(uint64_t hash, const struct ex *ex, size_t node, const struct gj_engine *engine) {
    const struct gj_protocol *p = engine->protocol;
    const struct gj_domain *domain = engine->domain;
    uint64_t sum = 0;
    hash = ex_mix(ex_mix(hash, p->epoch), p->resync);
    hash = ex_mix(ex_mix(ex_mix(hash, p->gate_open), p->past_is_settled), p->rescan);
    hash = mix_active(mix_peers(hash, ex, node, p), ex, node, p);
    for (uint32_t i = 0; i < domain->high; i++)
        if (domain->sessions[i].phase != GJ_PHASE_FREE) sum += mix_session(ex, node, &domain->sessions[i]);
    hash = ex_mix(hash, from_now(ex, node, domain->notices_due.ms));
    hash = ex_mix(hash, from_now(ex, node, domain->reversals_due.ms));
    /* Who has a client waiting may ask again, under the next id, and will look for it in the answer. */
    if (domain->n_sessions > 0) hash = ex_mix(hash, p->next_counter);
    return ex_mix(ex_mix(hash, sum), domain->n_sessions);
}

/* The purge of old plans and requests and the collection of old records are left out: by the wall clock nothing grows
 * old in a search. */
int64_t ex_due_ms(const struct ex *ex, size_t node) {
    const struct gj_engine *engine = gj_cluster_engine(ex->sim->cluster, node);
    const struct gj_domain *domain = engine->domain;
    int64_t due = gj_protocol_next_due(engine->protocol).ms;
    if (due == engine->protocol->collect_due.ms) due = INT64_MAX;
    if (domain->notices_due.ms < due) due = domain->notices_due.ms;
    if (domain->reversals_due.ms < due) due = domain->reversals_due.ms;
    for (uint32_t i = 0; i < domain->high; i++) {
        const struct gj_session *session = &domain->sessions[i];
        if (session->phase != GJ_PHASE_FREE && session->deadline.ms < due) due = session->deadline.ms;
    }
    return due;
}

uint64_t ex_hash_node(const struct ex *ex, size_t node) {
    uint64_t sum = 0;
    const struct gj_engine *engine = gj_cluster_engine(ex->sim->cluster, node);
    ck_each_row(ex->sim->ck, node, add_row, &sum);
    uint64_t hash = ex_mix(ex_mix(sum, node), engine != NULL);
    if (node == ex->client_node) hash = ex_mix(ex_mix(hash, ex->has_answer), ex->waits);
    return engine == NULL ? hash : mix_core(hash, ex, node, engine);
}

/* --- parcels under way ---------------------------------------------------------------------------------- */
/* A parcel's messages are admitted together or refused together, so the first stands for all. */
enum ex_standing ex_standing(const struct ex *ex, const struct sim_flight *flight) {
    struct ck_parcel *parcel = &parcels[0];
    struct gj_msgid id;
    size_t len = 0;
    if (!ck_parcel_read(flight->bytes, flight->len, parcel) || parcel->n == 0) return EX_STALE;
    if (parcel->epoch < ck_heard_epoch(ex->sim->ck, flight->to, flight->from)) return EX_STALE;
    const struct gj_engine *engine = gj_cluster_engine(ex->sim->cluster, flight->to);
    if (engine == NULL) return EX_FRESH;
    const uint8_t *bytes = mp_bytes(mp_get(parcel->items[0].header, "id"), &len);
    GJ_ASSERT(bytes != NULL && len == GJ_MSGID_BYTES);
    gj_msgid_read(bytes, &id);
    return gj_replay_check(&engine->protocol->peers[flight->from].replay, &id) == GJ_OK ? EX_FRESH : EX_SEEN;
}

uint64_t ex_hash_content(struct ex *ex, const struct sim_flight *flight) {
    struct ex_known *known = &ex->known[flight->number % EX_KNOWN];
    if (known->number == flight->number) return known->hash;
    known->number = flight->number;
    known->hash = mix_parcel(ex_mix(ex_mix(7, flight->from), flight->to), flight->bytes, flight->len, 0);
    return known->hash;
}

uint64_t ex_hash_flight(struct ex *ex, const struct sim_flight *flight) {
    return ex_mix(ex_hash_content(ex, flight), (uint64_t)ex_standing(ex, flight));
}

uint64_t ex_hash_of(const struct ex *ex, const uint64_t *nodes, uint64_t flights, size_t n_flights) {
    uint64_t hash = ex_mix(11, (uint64_t)ex->wall_ms);
    for (size_t i = 0; i < ex->sim->n; i++)
        hash = ex_mix(hash, nodes[i]);
    return ex_mix(ex_mix(hash, flights), n_flights);
}

uint64_t ex_hash(struct ex *ex) {
    uint64_t flights = 0;
    for (size_t i = 0; i < ex->sim->n; i++)
        if (ex->changed == i || ex->changed == ex->sim->n) ex->node_hash[i] = ex_hash_node(ex, i);
    for (size_t i = 0; i < ex->sim->n_heap; i++)
        flights += ex_hash_flight(ex, ex->sim->heap[i]);
    return ex_hash_of(ex, ex->node_hash, flights, ex->sim->n_heap);
}

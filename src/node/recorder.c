/* SPDX-License-Identifier: Apache-2.0
 *
 * The recorder's two buffers: plain entries, and their sealed form. Identity numbers pass through requests,
 * so nothing of it is ever kept or written in clear.
 */
#include "node/recorder.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "store/tables.h"

#define PLAIN_MAX   (GJ_STORE_INPUTS_MAX - GJ_SEAL_OVERHEAD)
#define STEP_BYTES  20
#define INPUT_BYTES (1 + 1 + 8 + 1 + GJ_NODE_MAX + 32 + 4)
#define TICK_BYTES  ((size_t)33)

struct gj_recorder {
    const struct gj_data_key *key;
    struct gj_buf plain, sealed;
    uint8_t plain_memory[PLAIN_MAX];
    uint8_t sealed_memory[GJ_STORE_INPUTS_MAX];
};

/* One input of the largest size must fit an empty recorder, or it could never be taken. */
_Static_assert(PLAIN_MAX > STEP_BYTES + INPUT_BYTES + GJ_PARCEL_MAX + 2 * TICK_BYTES, "room for one input");

struct gj_recorder *gj_recorder_new(const struct gj_data_key *key) {
    struct gj_recorder *recorder = malloc(sizeof *recorder);
    if (recorder == NULL) return NULL;
    recorder->key = key;
    gj_recorder_clear(recorder);
    return recorder;
}

void gj_recorder_free(struct gj_recorder **recorder_p) {
    struct gj_recorder *recorder = *recorder_p;
    if (recorder == NULL) return;
    gj_wipe(recorder->plain_memory, sizeof recorder->plain_memory);
    free(recorder);
    *recorder_p = NULL;
}

bool gj_recorder_has_room(const struct gj_recorder *recorder, size_t len) {
    size_t need = STEP_BYTES + INPUT_BYTES + len + 2 * TICK_BYTES;
    return recorder->plain.cap - recorder->plain.len >= need;
}

static void put_now(struct gj_buf *buf, struct gj_now now) {
    gj_buf_put_u64(buf, (uint64_t)now.mono.ms);
    gj_buf_put_u64(buf, (uint64_t)now.wall.ms);
}

void gj_recorder_start(struct gj_recorder *recorder, struct gj_now now, enum gj_witness witness,
                       const uint8_t seed[32]) {
    gj_buf_put_u8(&recorder->plain, 'B');
    gj_buf_put_u8(&recorder->plain, (uint8_t)witness);
    put_now(&recorder->plain, now);
    gj_buf_put(&recorder->plain, seed, 32);
}

void gj_recorder_step(struct gj_recorder *recorder, const struct gj_turn *turn) {
    gj_buf_put_u8(&recorder->plain, 'S');
    put_now(&recorder->plain, turn->now);
    gj_buf_put_u8(&recorder->plain, turn->accepts_new_work);
    gj_buf_put_u16(&recorder->plain, (uint16_t)turn->no_new_work);
}

void gj_recorder_input(struct gj_recorder *recorder, const struct gj_input *input, const uint8_t seed[32]) {
    struct gj_slice line = gj_slice_str(input->line);
    gj_buf_put_u8(&recorder->plain, 'I');
    gj_buf_put_u8(&recorder->plain, (uint8_t)input->kind);
    gj_buf_put_u64(&recorder->plain, input->waiter);
    gj_buf_put_u8(&recorder->plain, (uint8_t)line.len);
    gj_buf_put_slice(&recorder->plain, line);
    gj_buf_put(&recorder->plain, seed, 32);
    gj_buf_put_u32(&recorder->plain, (uint32_t)input->bytes.len);
    gj_buf_put_slice(&recorder->plain, input->bytes);
}

void gj_recorder_tick(struct gj_recorder *recorder, char which, const uint8_t seed[32]) {
    gj_buf_put_u8(&recorder->plain, (uint8_t)which);
    gj_buf_put(&recorder->plain, seed, 32);
}

enum gj_err gj_recorder_seal(struct gj_recorder *recorder, struct gj_slice *ret) {
    GJ_ASSERT(!recorder->plain.overflow); /* gj_recorder_has_room() was asked */
    gj_buf_init(&recorder->sealed, recorder->sealed_memory, sizeof recorder->sealed_memory);
    GJ_TRY(gj_seal(recorder->key, gj_buf_slice(&recorder->plain), &recorder->sealed));
    *ret = gj_buf_slice(&recorder->sealed);
    return GJ_OK;
}

void gj_recorder_clear(struct gj_recorder *recorder) {
    gj_buf_init(&recorder->plain, recorder->plain_memory, sizeof recorder->plain_memory);
}

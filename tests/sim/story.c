/* SPDX-License-Identifier: Apache-2.0
 *
 * The story of a run, one line per event, and the hash over all that was said: kept only when somebody will read
 * it, because a run that goes well needs the hash alone.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "checker/msgpack.h"
#include "sim.h"

#define LINE_MAX_BYTES 600
#define LAST_LINES     40u
#define ABOUT_LINES    80u

/* Eight bytes at a time; the order of all that is mixed counts. */
void sim_mix(struct sim *sim, const void *ptr, size_t len) {
    const uint8_t *bytes = ptr;
    uint64_t hash = sim->hash ^ len;
    while (len > 0) {
        uint64_t word = 0;
        size_t n = len < 8 ? len : 8;
        for (size_t i = 0; i < n; i++)
            word |= (uint64_t)bytes[i] << (8 * i);
        hash = (hash ^ word) * UINT64_C(0x9ddfea08eb382d69);
        hash ^= hash >> 29;
        bytes += n;
        len -= n;
    }
    sim->hash = hash;
}

static void keep(struct sim *sim, const char *text) {
    struct sim_story *story = &sim->story;
    char line[LINE_MAX_BYTES + 64];
    (void)snprintf(line, sizeof line, "%9" PRId64 " %6" PRIu64 "  %s", sim->now_ms, sim->steps, text);
    if (story->is_verbose) (void)puts(line);
    if (story->n == SIM_STORY_LINES) return;
    if (story->lines == NULL) story->lines = calloc(SIM_STORY_LINES, sizeof *story->lines);
    GJ_ASSERT(story->lines != NULL);
    story->lines[story->n] = strdup(line);
    GJ_ASSERT(story->lines[story->n++] != NULL);
}

void sim_say(struct sim *sim, const char *format, ...) {
    char text[LINE_MAX_BYTES];
    va_list args;
    if (!sim->story.is_kept) return;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    keep(sim, text);
}

/* "vote YES 330000/1795000000/4/1" */
static void describe(const struct ck_item *item, char *dst, size_t cap) {
    char tx[72], txids[200] = "", word[32] = "";
    static const char *const lists[] = {"items", "txids"};
    (void)mp_text(mp_get(item->header, "tx"), tx, sizeof tx);
    for (size_t k = 0; k < 2; k++) {
        struct mp list = mp_get(item->body, lists[k]);
        for (uint32_t i = 0; i < mp_count(list) && strlen(txids) < sizeof txids - 80; i++) {
            char one[72], state[24];
            (void)mp_text(mp_get(mp_at(list, i), "txid"), one, sizeof one);
            (void)mp_text(mp_get(mp_at(list, i), "state"), state, sizeof state);
            size_t len = strlen(txids);
            (void)snprintf(txids + len, sizeof txids - len, " %s %s", state, one);
        }
    }
    if (strcmp(item->kind, "vote") == 0) {
        bool yes = mp_true(mp_get(item->body, "yes"));
        (void)mp_text(mp_get(item->body, "code"), word, sizeof word);
        if (yes) (void)snprintf(word, sizeof word, "YES");
    }
    if (strcmp(item->kind, "abort") == 0) (void)mp_text(mp_get(item->body, "reason"), word, sizeof word);
    if (strcmp(item->kind, "error") == 0) (void)mp_text(mp_get(item->body, "code"), word, sizeof word);
    (void)snprintf(dst, cap, "%s%s%s%s%s%s", item->kind, word[0] != '\0' ? " " : "", word,
                   tx[0] != '\0' ? " " : "", tx, txids);
}

void sim_say_frame(struct sim *sim, const char *verb, size_t from, size_t to, const uint8_t *bytes,
                   size_t len) {
    static struct ck_parcel parcel;
    char text[LINE_MAX_BYTES], one[300];
    if (!sim->story.is_kept) return;
    int used = snprintf(text, sizeof text, "%s -> %s %s:", sim_node_name(from), sim_node_name(to), verb);
    if (!ck_parcel_read(bytes, len, &parcel)) {
        sim_say(sim, "%s %zu bytes that are no parcel", text, len);
        return;
    }
    size_t at = (size_t)used;
    for (uint32_t i = 0; i < parcel.n && at < sizeof text - 1; i++) {
        describe(&parcel.items[i], one, sizeof one);
        used = snprintf(text + at, sizeof text - at, "%s %s", i > 0 ? "," : "", one);
        at += (size_t)used;
    }
    sim_say(sim, "%s", text);
}

void sim_story_free(struct sim_story *story) {
    for (size_t i = 0; i < story->n; i++)
        free(story->lines[i]);
    free(story->lines);
    *story = (struct sim_story){.is_kept = false};
}

void sim_story_print(const struct sim_story *story, const struct ck_failure *failure, FILE *out) {
    size_t last = story->n > LAST_LINES ? story->n - LAST_LINES : 0, about = 0, skipped = 0;
    for (size_t i = 0; i < last && failure->txid[0] != '\0'; i++)
        about += strstr(story->lines[i], failure->txid) != NULL;
    if (about > 0) (void)fprintf(out, "  about %s:\n", failure->txid);
    for (size_t i = 0; i < last && about > 0; i++) {
        if (strstr(story->lines[i], failure->txid) == NULL) continue;
        if (skipped++ + ABOUT_LINES >= about) (void)fprintf(out, "  %s\n", story->lines[i]);
    }
    (void)fprintf(out, "  the last lines:\n");
    for (size_t i = last; i < story->n; i++)
        (void)fprintf(out, "  %s\n", story->lines[i]);
}

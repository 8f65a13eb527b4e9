/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads, writes and compares the witness file (witness.h). It must never give a doubtful witness the benefit
 * of the doubt.
 */
#include "conf/witness.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/file.h"

#define WITNESS_FILE_MAX 512
#define MACHINE_CHARS    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-"

void gj_machine_id(char dst[GJ_MACHINE_MAX + 1]) {
    char *text = NULL, host[GJ_MACHINE_MAX - 4] = "";
    size_t len = 0;
    dst[0] = '\0';
    if (gj_file_read("/etc/machine-id", WITNESS_FILE_MAX, &text, &len, NULL) == GJ_OK) {
        gj_text_trim_end(text);
        if (strlen(text) <= GJ_MACHINE_MAX && text[strspn(text, MACHINE_CHARS)] == '\0') {
            gj_text_set(dst, GJ_MACHINE_MAX + 1, text);
        }
        free(text);
    }
    if (dst[0] != '\0') return;
    (void)gethostname(host, sizeof host - 1);
    host[strspn(host, MACHINE_CHARS)] = '\0';
    (void)snprintf(dst, GJ_MACHINE_MAX + 1, "host-%s", host);
}

enum gj_err gj_witness_write(const char *path, const struct gj_witness_mark *mark,
                             struct gj_conf_error *ret_error) {
    char text[WITNESS_FILE_MAX], store_id[33];
    gj_hex_encode(store_id, mark->store_id, sizeof mark->store_id);
    (void)snprintf(text, sizeof text, "store_id %s\nmachine %s\nepoch %" PRIu32 "\nflush %" PRIu64 "\n",
                   store_id, mark->machine, mark->epoch, mark->flush);
    return gj_file_write(path, 0644, gj_slice_str(text), false, ret_error);
}

/* The value of the line that |*text| points to, which must be "<word> <value>\n"; NULL if it is not. */
static char *take_line(char **text, const char *word) {
    size_t len = strlen(word);
    char *line = *text, *end = strchr(line, '\n');
    if (end == NULL || strncmp(line, word, len) != 0 || line[len] != ' ') return NULL;
    *end = '\0';
    *text = end + 1;
    return line + len + 1;
}

static bool parse_number(const char *text, uint64_t max, uint64_t *ret) {
    size_t len = text == NULL ? 0 : strlen(text);
    if (len == 0 || len > 19 || strspn(text, "0123456789") != len) return false;
    *ret = strtoull(text, NULL, 10);
    return *ret <= max;
}

static bool parse_witness(char *text, struct gj_witness_mark *ret) {
    const char *store_id = take_line(&text, "store_id");
    const char *machine = store_id == NULL ? NULL : take_line(&text, "machine");
    const char *epoch = machine == NULL ? NULL : take_line(&text, "epoch");
    const char *flush = epoch == NULL ? NULL : take_line(&text, "flush");
    uint64_t number = 0;
    if (flush == NULL || *text != '\0') return false;
    if (gj_hex_decode(ret->store_id, sizeof ret->store_id, store_id) != GJ_OK) return false;
    if (gj_text_copy(ret->machine, sizeof ret->machine, machine) != GJ_OK) return false;
    if (!parse_number(flush, INT64_MAX, &ret->flush) || !parse_number(epoch, UINT32_MAX, &number))
        return false;
    ret->epoch = (uint32_t)number;
    return true;
}

enum gj_err gj_witness_read(const char *path, struct gj_witness_mark *ret, struct gj_conf_error *ret_error) {
    char *text = NULL;
    size_t len = 0;
    struct gj_witness_mark mark;
    GJ_TRY(gj_file_read(path, WITNESS_FILE_MAX, &text, &len, ret_error));
    bool good = parse_witness(text, &mark);
    free(text);
    if (!good) return gj_conf_fail(ret_error, GJ_ERR_BAD_CONFIG, path, 1, NULL, "is not a witness file");
    *ret = mark;
    return GJ_OK;
}

enum gj_witness gj_witness_compare(const struct gj_witness_mark *witness,
                                   const struct gj_witness_mark *store) {
    if (memcmp(witness->store_id, store->store_id, sizeof store->store_id) != 0) return GJ_WITNESS_DOUBTFUL;
    if (strcmp(witness->machine, store->machine) != 0) return GJ_WITNESS_DOUBTFUL;
    bool behind =
        witness->epoch < store->epoch || (witness->epoch == store->epoch && witness->flush <= store->flush);
    return behind ? GJ_WITNESS_EQUAL_OR_BEHIND : GJ_WITNESS_DOUBTFUL;
}

enum gj_witness gj_witness_judge(const char *path, const struct gj_witness_mark *store,
                                 struct gj_conf_error *ret_error) {
    struct gj_witness_mark witness = {.epoch = 0};
    ret_error->text[0] = '\0';
    if (gj_witness_read(path, &witness, ret_error) != GJ_OK) return GJ_WITNESS_DOUBTFUL;
    enum gj_witness judgement = gj_witness_compare(&witness, store);
    if (judgement == GJ_WITNESS_DOUBTFUL) {
        (void)gj_conf_fail(ret_error, GJ_ERR_RESYNC, path, 0, NULL,
                           "is ahead of the store, of another store or of another machine");
    }
    return judgement;
}

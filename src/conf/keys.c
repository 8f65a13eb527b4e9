/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads maps by tables of keys (keys.h). It must never pass over a key that it does not know, nor take a
 * value that the table does not allow.
 */
#include "conf/keys.h"

#include <inttypes.h>
#include <string.h>

#include "base/check.h"
#include "base/money.h"

struct reading {
    const struct gj_yaml *yaml;
    const struct gj_key *keys;
    size_t n;
    uint64_t seen; /* a bit per row */
    void *ret;
    const char *outer; /* the caller's prefix */
    struct gj_conf_error *error;
};

static enum gj_err refuse(const struct reading *r, enum gj_err err, unsigned line, const char *name,
                          const char *what) {
    char key[GJ_KEY_PATH_CAP * 2];
    (void)snprintf(key, sizeof key, "%s%s", r->outer, name);
    return gj_conf_fail(r->error, err, gj_yaml_name(r->yaml), line, key, "%s", what);
}

static enum gj_err refuse_range(const struct reading *r, unsigned line, const struct gj_key *key) {
    char what[96];
    (void)snprintf(what, sizeof what, "must be a whole number from %" PRId64 " to %" PRId64, key->min,
                   key->max);
    return refuse(r, GJ_ERR_BAD_CONFIG, line, key->name, what);
}

/* Decimal digits only, no sign, no more than 18 of them. */
static bool parse_digits(const char *text, int64_t *ret) {
    size_t len = strlen(text);
    if (len == 0 || len > 18 || strspn(text, "0123456789") != len) return false;
    int64_t value = 0;
    for (size_t i = 0; i < len; i++)
        value = value * 10 + (text[i] - '0');
    *ret = value;
    return true;
}

static enum gj_err set_number(const struct reading *r, const struct gj_key *key, const char *text,
                              unsigned line) {
    int64_t value = 0;
    if (!parse_digits(text, &value) || value < key->min || value > key->max)
        return refuse_range(r, line, key);
    uint8_t *at = (uint8_t *)r->ret + key->offset;
    uint64_t wide = (uint64_t)value;
    uint32_t middle = (uint32_t)value;
    uint16_t narrow = (uint16_t)value;
    if (key->type == GJ_KEY_U64) memcpy(at, &wide, sizeof wide);
    if (key->type == GJ_KEY_U32) memcpy(at, &middle, sizeof middle);
    if (key->type == GJ_KEY_U16) memcpy(at, &narrow, sizeof narrow);
    return GJ_OK;
}

static enum gj_err set_text(const struct reading *r, const struct gj_key *key, const char *text,
                            unsigned line) {
    char what[96];
    (void)snprintf(what, sizeof what, "must be a text of %" PRId64 " to %" PRId64 " bytes", key->min,
                   key->max);
    if (strlen(text) < (size_t)key->min || strlen(text) > (size_t)key->max) {
        return refuse(r, GJ_ERR_BAD_CONFIG, line, key->name, what);
    }
    gj_text_set((char *)r->ret + key->offset, (size_t)key->max + 1, text);
    return GJ_OK;
}

static enum gj_err set_word(const struct reading *r, const struct gj_key *key, const char *text,
                            unsigned line) {
    char what[200] = "must be one of";
    for (int i = 0; key->words[i] != NULL; i++) {
        if (strcmp(key->words[i], text) == 0) {
            if (key->type == GJ_KEY_CHOICE) return set_text(r, key, text, line);
            memcpy((uint8_t *)r->ret + key->offset, &i, sizeof i);
            return GJ_OK;
        }
        size_t len = strlen(what);
        (void)snprintf(what + len, sizeof what - len, "%s %s", i == 0 ? "" : ",", key->words[i]);
    }
    return refuse(r, GJ_ERR_BAD_CONFIG, line, key->name, what);
}

/* "2000" is 2000.00 yuan; anything else is the strict form of gj_yuan_parse(). */
static enum gj_err set_fen(const struct reading *r, const struct gj_key *key, const char *text,
                           unsigned line) {
    int64_t fen = 0, yuan = 0;
    bool good = parse_digits(text, &yuan) && yuan <= GJ_FEN_INPUT_MAX / 100;
    fen = yuan * (good ? 100 : 0);
    if (!good && strchr(text, '.') != NULL)
        good = gj_yuan_parse(text, strlen(text), &fen) == GJ_OK && fen >= 0;
    if (!good) {
        return refuse(r, GJ_ERR_BAD_CONFIG, line, key->name,
                      "must be an amount in yuan, not negative, whole or with two places");
    }
    memcpy((uint8_t *)r->ret + key->offset, &fen, sizeof fen);
    return GJ_OK;
}

static bool parse_clock(const char *text, int64_t *ret_ms) {
    if (strlen(text) != 8 || text[2] != ':' || text[5] != ':') return false;
    int64_t part[3];
    for (size_t i = 0; i < 3; i++) {
        char two[3] = {text[i * 3], text[i * 3 + 1], '\0'};
        if (!parse_digits(two, &part[i])) return false;
    }
    *ret_ms = ((part[0] * 60 + part[1]) * 60 + part[2]) * 1000;
    return part[0] < 24 && part[1] < 60 && part[2] < 60;
}

static bool parse_time(const char *text, struct gj_wall *ret) {
    char day[11] = "";
    int64_t clock_ms = 0;
    gj_date date = 0;
    if (strlen(text) < 10) return false;
    memcpy(day, text, 10);
    if (gj_date_parse(day, &date) != GJ_OK || date < 19700102) return false;
    if (text[10] != '\0' && (text[10] != ' ' || !parse_clock(text + 11, &clock_ms))) return false;
    ret->ms = gj_date_days_between(19700101, date) * INT64_C(86400000) + clock_ms - INT64_C(8) * 3600000;
    return true;
}

static enum gj_err set_date(const struct reading *r, const struct gj_key *key, const char *text,
                            unsigned line) {
    gj_date date = 0;
    struct gj_wall wall = {0};
    bool none = text[0] == '\0' && key->fallback != NULL && key->fallback[0] == '\0';
    if (key->type == GJ_KEY_DATE) {
        if (!none && gj_date_parse(text, &date) != GJ_OK) {
            return refuse(r, GJ_ERR_BAD_CONFIG, line, key->name, "must be a date, yyyy-MM-dd");
        }
        memcpy((uint8_t *)r->ret + key->offset, &date, sizeof date);
        return GJ_OK;
    }
    if (!none && !parse_time(text, &wall)) {
        return refuse(r, GJ_ERR_BAD_CONFIG, line, key->name,
                      "must be a time in UTC+08:00, yyyy-MM-dd HH:mm:ss or yyyy-MM-dd");
    }
    memcpy((uint8_t *)r->ret + key->offset, &wall, sizeof wall);
    return GJ_OK;
}

static enum gj_err set_bool(const struct reading *r, const struct gj_key *key, const char *text,
                            unsigned line) {
    bool value = strcmp(text, "true") == 0;
    if (!value && strcmp(text, "false") != 0) {
        return refuse(r, GJ_ERR_BAD_CONFIG, line, key->name, "must be true or false");
    }
    memcpy((uint8_t *)r->ret + key->offset, &value, sizeof value);
    return GJ_OK;
}

static enum gj_err set_only(const struct reading *r, const struct gj_key *key, const char *text,
                            unsigned line) {
    if (strcmp(text, key->fallback) == 0) return GJ_OK;
    char what[160];
    (void)snprintf(what, sizeof what, "is not supported by this version; only %s is", key->fallback);
    return refuse(r, GJ_ERR_NOT_SUPPORTED, line, key->name, what);
}

static enum gj_err set_scalar(const struct reading *r, const struct gj_key *key, const char *text,
                              unsigned line) {
    switch (key->type) {
    case GJ_KEY_TEXT:
        return set_text(r, key, text, line);
    case GJ_KEY_U64:
    case GJ_KEY_U32:
    case GJ_KEY_U16:
        return set_number(r, key, text, line);
    case GJ_KEY_BOOL:
        return set_bool(r, key, text, line);
    case GJ_KEY_DATE:
    case GJ_KEY_TIME:
        return set_date(r, key, text, line);
    case GJ_KEY_FEN:
        return set_fen(r, key, text, line);
    case GJ_KEY_CHOICE:
    case GJ_KEY_WORD:
        return set_word(r, key, text, line);
    case GJ_KEY_ONLY:
        return set_only(r, key, text, line);
    case GJ_KEY_NODE:
        break;
    }
    return GJ_ERR_INTERNAL;
}

static enum gj_err set_value(struct reading *r, size_t row, const struct gj_yaml_node *node) {
    const struct gj_key *key = &r->keys[row];
    r->seen |= UINT64_C(1) << row;
    if (key->type == GJ_KEY_NODE) {
        memcpy((uint8_t *)r->ret + key->offset, &node, sizeof(void *));
        return GJ_OK;
    }
    if (node->kind != GJ_YAML_SCALAR) {
        return refuse(r, GJ_ERR_BAD_CONFIG, node->line, key->name, "must be a single value");
    }
    return set_scalar(r, key, node->text, node->line);
}

/* Says which keys there are at this place, as far as they fit. */
static enum gj_err refuse_unknown(const struct reading *r, const struct gj_yaml_node *node, const char *path,
                                  size_t prefix_len) {
    char what[300] = "is not known here; known are";
    const char *comma = " ";
    for (size_t i = 0; i < r->n; i++) {
        if (strncmp(r->keys[i].name, path, prefix_len) != 0) continue;
        const char *rest = r->keys[i].name + prefix_len;
        size_t len = strlen(what), word = strcspn(rest, ".");
        if (i > 0 && strncmp(r->keys[i - 1].name, r->keys[i].name, prefix_len + word + 1) == 0) continue;
        if (len + word + 8 > sizeof what) {
            (void)snprintf(what + len, sizeof what - len, " ...");
            break;
        }
        (void)snprintf(what + len, sizeof what - len, "%s%.*s", comma, (int)word, rest);
        comma = ", ";
    }
    return refuse(r, GJ_ERR_BAD_CONFIG, node->line, path, what);
}

/* The row of |path|; r->n if none. *ret_is_group: rows exist below it. */
static size_t find_row(const struct reading *r, const char *path, bool *ret_is_group) {
    size_t len = strlen(path);
    *ret_is_group = false;
    for (size_t i = 0; i < r->n; i++) {
        if (strcmp(r->keys[i].name, path) == 0) return i;
        if (strncmp(r->keys[i].name, path, len) == 0 && r->keys[i].name[len] == '.') *ret_is_group = true;
    }
    return r->n;
}

static enum gj_err read_map(struct reading *r, const struct gj_yaml_node *map, const char *prefix) {
    for (const struct gj_yaml_node *node = map->first; node != NULL; node = node->next) {
        char path[GJ_KEY_PATH_CAP];
        int len = snprintf(path, sizeof path, "%s%s", prefix, node->key);
        if (len < 0 || (size_t)len >= sizeof path - 1) {
            return refuse(r, GJ_ERR_BAD_CONFIG, node->line, prefix, "a key here is too long");
        }
        bool is_group = false;
        size_t row = find_row(r, path, &is_group);
        if (row < r->n) {
            GJ_TRY(set_value(r, row, node));
        } else if (is_group && node->kind == GJ_YAML_MAP) {
            path[len] = '.';
            path[len + 1] = '\0';
            GJ_TRY(read_map(r, node, path));
        } else if (is_group) {
            return refuse(r, GJ_ERR_BAD_CONFIG, node->line, path, "must be a map of keys");
        } else {
            return refuse_unknown(r, node, path, strlen(prefix));
        }
    }
    return GJ_OK;
}

static enum gj_err fill_absent(struct reading *r, const struct gj_yaml_node *map) {
    for (size_t i = 0; i < r->n; i++) {
        const struct gj_key *key = &r->keys[i];
        if ((r->seen >> i & 1) != 0) continue;
        if (key->fallback == NULL) return refuse(r, GJ_ERR_BAD_CONFIG, map->line, key->name, "is missing");
        if (key->type == GJ_KEY_NODE) {
            const struct gj_yaml_node *none = NULL;
            memcpy((uint8_t *)r->ret + key->offset, &none, sizeof(void *));
            continue;
        }
        GJ_TRY(set_scalar(r, key, key->fallback, map->line));
    }
    return GJ_OK;
}

/* The place is the prefix without its last dot, or the file. */
static enum gj_err refuse_map(const struct reading *r, const struct gj_yaml_node *node) {
    char place[GJ_KEY_PATH_CAP];
    (void)snprintf(place, sizeof place, "%s", r->outer);
    size_t len = strlen(place);
    if (len > 0) place[len - 1] = '\0';
    return gj_conf_fail(r->error, GJ_ERR_BAD_CONFIG, gj_yaml_name(r->yaml), node->line,
                        len > 0 ? place : NULL, "must be a map of keys");
}

enum gj_err gj_keys_read(const struct gj_yaml *yaml, const struct gj_yaml_node *map, const char *prefix,
                         const struct gj_key *keys, size_t n, enum gj_keys_mode mode, void *ret,
                         struct gj_conf_error *ret_error) {
    GJ_ASSERT(n <= GJ_KEYS_MAX);
    struct reading reading = {
        .yaml = yaml, .keys = keys, .n = n, .ret = ret, .outer = prefix, .error = ret_error};
    if (map->kind != GJ_YAML_MAP) return refuse_map(&reading, map);
    GJ_TRY(read_map(&reading, map, ""));
    return mode == GJ_KEYS_WHOLE ? fill_absent(&reading, map) : GJ_OK;
}

/* In double quotes, so that any path comes back as it was. */
static void print_text(const char *text, FILE *out) {
    fputc('"', out);
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '"' || *c == '\\') fputc('\\', out);
        fputc(*c, out);
    }
    fputc('"', out);
}

static void print_value(const struct gj_key *key, const void *from, FILE *out) {
    const uint8_t *at = (const uint8_t *)from + key->offset;
    uint64_t wide = 0;
    uint32_t middle = 0;
    uint16_t narrow = 0;
    int word = 0;
    bool flag = false;
    switch (key->type) {
    case GJ_KEY_TEXT:
    case GJ_KEY_CHOICE:
        print_text((const char *)at, out);
        break;
    case GJ_KEY_U64:
        memcpy(&wide, at, sizeof wide);
        fprintf(out, "%" PRIu64, wide);
        break;
    case GJ_KEY_U32:
        memcpy(&middle, at, sizeof middle);
        fprintf(out, "%" PRIu32, middle);
        break;
    case GJ_KEY_U16:
        memcpy(&narrow, at, sizeof narrow);
        fprintf(out, "%u", (unsigned)narrow);
        break;
    case GJ_KEY_BOOL:
        memcpy(&flag, at, sizeof flag);
        fputs(flag ? "true" : "false", out);
        break;
    case GJ_KEY_WORD:
        memcpy(&word, at, sizeof word);
        fputs(key->words[word], out);
        break;
    case GJ_KEY_DATE:
    case GJ_KEY_TIME:
    case GJ_KEY_FEN:
    case GJ_KEY_NODE:
    case GJ_KEY_ONLY:
        break;
    }
}

/* Keys of one group follow each other in a table, so that a group is opened once. */
static void print_key(const struct gj_key *key, const struct gj_key *before, const void *from, FILE *out) {
    const char *dot = strchr(key->name, '.');
    size_t group = dot == NULL ? 0 : (size_t)(dot - key->name) + 1;
    if (group > 0 && (before == NULL || strncmp(before->name, key->name, group) != 0)) {
        fprintf(out, "%.*s:\n", (int)group - 1, key->name);
    }
    fprintf(out, "%s%s: ", group > 0 ? "  " : "", key->name + group);
    print_value(key, from, out);
    fputc('\n', out);
}

void gj_keys_print(const struct gj_key *keys, size_t n, const void *from, FILE *out) {
    for (size_t i = 0; i < n; i++) {
        const struct gj_key *key = &keys[i];
        if (from != NULL && key->type != GJ_KEY_NODE) print_key(key, i > 0 ? key - 1 : NULL, from, out);
        if (from != NULL) continue;
        fprintf(out, "%-14s %-8s %-10s # %s\n", key->name, key->fallback == NULL ? "required" : "default",
                key->fallback == NULL ? "" : key->fallback, key->about);
    }
}

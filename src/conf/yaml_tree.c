/* SPDX-License-Identifier: Apache-2.0
 *
 * Builds the tree of yaml_tree.h out of libyaml's events. It must never resolve, convert or guess:
 * what a scalar means is decided by its reader, and what is unusual is refused.
 */
#include "conf/yaml_tree.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/check.h"
#include "conf/file.h"

struct block {
    struct block *next;
};

struct gj_yaml {
    struct block *blocks;
    char *name;
    char *text; /* the file */
    size_t len;
    const struct gj_yaml_node *root;
    size_t n_nodes;
};

/* An open map or list: its last child, and in a map the key that waits for its value. */
struct frame {
    struct gj_yaml_node *node;
    struct gj_yaml_node *last;
    const char *key;
    unsigned key_line;
};

struct builder {
    struct gj_yaml *yaml;
    struct gj_conf_error *error;
    struct frame frames[GJ_YAML_DEPTH_MAX];
    size_t depth;
    bool done; /* the document has ended */
};

static void *allocate(struct gj_yaml *yaml, size_t size) {
    struct block *block = calloc(1, sizeof *block + sizeof(max_align_t) + size);
    if (block == NULL) return NULL;
    block->next = yaml->blocks;
    yaml->blocks = block;
    return (uint8_t *)block + sizeof(max_align_t);
}

_Static_assert(sizeof(struct block) <= sizeof(max_align_t), "a block's head fits before its aligned memory");

static char *copy_text(struct gj_yaml *yaml, const void *text, size_t len) {
    char *copy = allocate(yaml, len + 1);
    if (copy != NULL) memcpy(copy, text, len);
    return copy;
}

static enum gj_err fail(struct builder *b, enum gj_err err, unsigned line, const char *key,
                        const char *what) {
    return gj_conf_fail(b->error, err, b->yaml->name, line, key, "%s", what);
}

static unsigned line_of(const yaml_event_t *event) {
    return (unsigned)event->start_mark.line + 1;
}

/* Hangs a new node into the open map or list, or makes it the root. */
static enum gj_err add_node(struct builder *b, enum gj_yaml_kind kind, unsigned line,
                            struct gj_yaml_node **ret) {
    if (++b->yaml->n_nodes > GJ_YAML_NODES_MAX)
        return fail(b, GJ_ERR_TOO_MANY, line, NULL, "too many entries");
    struct gj_yaml_node *node = allocate(b->yaml, sizeof *node);
    if (node == NULL) return fail(b, GJ_ERR_NO_MEMORY, line, NULL, "out of memory");
    *node = (struct gj_yaml_node){.kind = kind, .line = line, .text = ""};
    *ret = node;
    if (b->depth == 0) {
        b->yaml->root = node;
        return GJ_OK;
    }
    struct frame *frame = &b->frames[b->depth - 1];
    if (frame->node->kind == GJ_YAML_MAP) {
        node->key = frame->key;
        node->line = frame->key_line;
        frame->key = NULL;
    }
    if (frame->last == NULL) {
        frame->node->first = node;
    } else {
        frame->last->next = node;
    }
    frame->last = node;
    frame->node->n++;
    return GJ_OK;
}

static bool wants_key(const struct builder *b) {
    if (b->depth == 0) return false;
    const struct frame *frame = &b->frames[b->depth - 1];
    return frame->node->kind == GJ_YAML_MAP && frame->key == NULL;
}

static enum gj_err open_node(struct builder *b, enum gj_yaml_kind kind, const yaml_event_t *event) {
    unsigned line = line_of(event);
    if (wants_key(b)) return fail(b, GJ_ERR_BAD_CONFIG, line, NULL, "a key must be a plain text");
    if (b->depth == GJ_YAML_DEPTH_MAX) return fail(b, GJ_ERR_TOO_DEEP, line, NULL, "is nested too deep");
    struct gj_yaml_node *node = NULL;
    GJ_TRY(add_node(b, kind, line, &node));
    b->frames[b->depth++] = (struct frame){.node = node};
    return GJ_OK;
}

static enum gj_err take_key(struct builder *b, const char *text, unsigned line) {
    struct frame *frame = &b->frames[b->depth - 1];
    if (text[0] == '\0') return fail(b, GJ_ERR_BAD_CONFIG, line, NULL, "a key is empty");
    if (frame->node->n == GJ_YAML_KEYS_MAX)
        return fail(b, GJ_ERR_TOO_MANY, line, text, "too many keys in one map");
    const struct gj_yaml_node *same = gj_yaml_get(frame->node, text);
    if (same != NULL) {
        return gj_conf_fail(b->error, GJ_ERR_BAD_CONFIG, b->yaml->name, line, text,
                            "is here twice, first in line %u", same->line);
    }
    frame->key = text;
    frame->key_line = line;
    return GJ_OK;
}

static enum gj_err take_scalar(struct builder *b, const yaml_event_t *event) {
    unsigned line = line_of(event);
    size_t len = event->data.scalar.length;
    if (len > GJ_YAML_SCALAR_MAX) return fail(b, GJ_ERR_TOO_LARGE, line, NULL, "a text is too long");
    if (memchr(event->data.scalar.value, '\0', len) != NULL) {
        return fail(b, GJ_ERR_BAD_CONFIG, line, NULL, "a text holds a NUL character");
    }
    char *text = copy_text(b->yaml, event->data.scalar.value, len);
    if (text == NULL) return fail(b, GJ_ERR_NO_MEMORY, line, NULL, "out of memory");
    if (wants_key(b)) return take_key(b, text, line);
    struct gj_yaml_node *node = NULL;
    GJ_TRY(add_node(b, GJ_YAML_SCALAR, line, &node));
    node->text = text;
    node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    return GJ_OK;
}

static enum gj_err refuse_decoration(struct builder *b, const yaml_event_t *event, const yaml_char_t *anchor,
                                     const yaml_char_t *tag) {
    if (anchor != NULL) return fail(b, GJ_ERR_BAD_CONFIG, line_of(event), NULL, "anchors are not allowed");
    if (tag != NULL) return fail(b, GJ_ERR_BAD_CONFIG, line_of(event), NULL, "tags are not allowed");
    return GJ_OK;
}

static enum gj_err take_event(struct builder *b, const yaml_event_t *event) {
    switch (event->type) {
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
        return GJ_OK;
    case YAML_DOCUMENT_START_EVENT:
        return b->done ? fail(b, GJ_ERR_BAD_CONFIG, line_of(event), NULL, "a second document is not allowed")
                       : GJ_OK;
    case YAML_DOCUMENT_END_EVENT:
        b->done = true;
        return GJ_OK;
    case YAML_ALIAS_EVENT:
        return fail(b, GJ_ERR_BAD_CONFIG, line_of(event), NULL, "aliases are not allowed");
    case YAML_SCALAR_EVENT:
        GJ_TRY(refuse_decoration(b, event, event->data.scalar.anchor, event->data.scalar.tag));
        return take_scalar(b, event);
    case YAML_SEQUENCE_START_EVENT:
        GJ_TRY(
            refuse_decoration(b, event, event->data.sequence_start.anchor, event->data.sequence_start.tag));
        return open_node(b, GJ_YAML_LIST, event);
    case YAML_MAPPING_START_EVENT:
        GJ_TRY(refuse_decoration(b, event, event->data.mapping_start.anchor, event->data.mapping_start.tag));
        return open_node(b, GJ_YAML_MAP, event);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        GJ_ASSERT(b->depth > 0);
        b->depth--;
        return GJ_OK;
    }
    return GJ_ERR_INTERNAL;
}

static enum gj_err build(struct builder *b, yaml_parser_t *parser) {
    for (;;) { /* ends with the stream, which is at most GJ_YAML_BYTES_MAX long */
        yaml_event_t event;
        if (yaml_parser_parse(parser, &event) == 0) {
            const char *problem = parser->problem != NULL ? parser->problem : "is not YAML";
            return fail(b, GJ_ERR_BAD_CONFIG, (unsigned)parser->problem_mark.line + 1, NULL, problem);
        }
        enum gj_err err = take_event(b, &event);
        bool end = event.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
        if (err != GJ_OK) return err;
        if (end) break;
    }
    if (b->yaml->root == NULL) return fail(b, GJ_ERR_BAD_CONFIG, 1, NULL, "is empty");
    return GJ_OK;
}

/* Takes |text|, malloc'd, also when it fails. */
static enum gj_err parse_owned(const char *name, char *text, size_t len, struct gj_yaml **ret,
                               struct gj_conf_error *ret_error) {
    struct gj_yaml *yaml = calloc(1, sizeof *yaml);
    yaml_parser_t parser;
    if (yaml == NULL || yaml_parser_initialize(&parser) == 0) {
        free(yaml);
        free(text);
        return gj_conf_fail(ret_error, GJ_ERR_NO_MEMORY, name, 0, NULL, "out of memory");
    }
    yaml->text = text;
    yaml->len = len;
    yaml->name = copy_text(yaml, name, strlen(name));
    enum gj_err err = gj_conf_fail(ret_error, GJ_ERR_NO_MEMORY, name, 0, NULL, "out of memory");
    if (yaml->name != NULL) {
        yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
        yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
        struct builder builder = {.yaml = yaml, .error = ret_error};
        err = build(&builder, &parser);
    }
    yaml_parser_delete(&parser);
    if (err != GJ_OK) {
        gj_yaml_free(&yaml);
        return err;
    }
    *ret = yaml;
    return GJ_OK;
}

enum gj_err gj_yaml_load(const char *path, struct gj_yaml **ret, struct gj_conf_error *ret_error) {
    char *text = NULL;
    size_t len = 0;
    GJ_TRY(gj_file_read(path, GJ_YAML_BYTES_MAX, &text, &len, ret_error));
    return parse_owned(path, text, len, ret, ret_error);
}

enum gj_err gj_yaml_parse(const char *name, struct gj_slice bytes, struct gj_yaml **ret,
                          struct gj_conf_error *ret_error) {
    if (bytes.len > GJ_YAML_BYTES_MAX)
        return gj_conf_fail(ret_error, GJ_ERR_TOO_LARGE, name, 0, NULL, "is too large");
    char *text = malloc(bytes.len + 1);
    if (text == NULL) return gj_conf_fail(ret_error, GJ_ERR_NO_MEMORY, name, 0, NULL, "out of memory");
    if (bytes.len > 0) memcpy(text, bytes.ptr, bytes.len);
    text[bytes.len] = '\0';
    return parse_owned(name, text, bytes.len, ret, ret_error);
}

void gj_yaml_free(struct gj_yaml **yaml_p) {
    struct gj_yaml *yaml = *yaml_p;
    if (yaml == NULL) return;
    while (yaml->blocks != NULL) {
        struct block *next = yaml->blocks->next;
        free(yaml->blocks);
        yaml->blocks = next;
    }
    free(yaml->text);
    free(yaml);
    *yaml_p = NULL;
}

const struct gj_yaml_node *gj_yaml_root(const struct gj_yaml *yaml) {
    return yaml->root;
}

const char *gj_yaml_name(const struct gj_yaml *yaml) {
    return yaml->name;
}

struct gj_slice gj_yaml_bytes(const struct gj_yaml *yaml) {
    return gj_slice_of(yaml->text, yaml->len);
}

const struct gj_yaml_node *gj_yaml_get(const struct gj_yaml_node *map, const char *key) {
    if (map == NULL || map->kind != GJ_YAML_MAP) return NULL;
    for (const struct gj_yaml_node *child = map->first; child != NULL; child = child->next) {
        if (strcmp(child->key, key) == 0) return child;
    }
    return NULL;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * For the libFuzzer programs only (--wrap=malloc,calloc,realloc,free): large blocks are kept from one input to the
 * next. An engine's arenas are a hundred megabytes of which one story touches little; to take them from the address
 * sanitizer and give them back is most of a story's time. The replay under the sanitizer does not use this, so a use
 * after free of a large block is seen there.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

#define BIG        ((size_t)256 * 1024)
#define BLOCKS_MAX 256

static struct {
    void *ptr;
    size_t size;
    int is_used;
} blocks[BLOCKS_MAX];
static size_t n_blocks;

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *ptr, size_t size);
void __real_free(void *ptr);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *ptr, size_t size);
void __wrap_free(void *ptr);

void *__wrap_malloc(size_t size) {
    if (size < BIG) return __real_malloc(size);
    for (size_t i = 0; i < n_blocks; i++) {
        if (blocks[i].is_used || blocks[i].size != size) continue;
        blocks[i].is_used = 1;
        return blocks[i].ptr;
    }
    if (n_blocks == BLOCKS_MAX) return __real_malloc(size);
    void *ptr = __real_malloc(size);
    GJ_ASSERT(ptr != NULL);
    blocks[n_blocks].ptr = ptr;
    blocks[n_blocks].size = size;
    blocks[n_blocks++].is_used = 1;
    return ptr;
}

void *__wrap_calloc(size_t n, size_t size) {
    if (n == 0 || size == 0 || n > SIZE_MAX / size || n * size < BIG) return __real_calloc(n, size);
    return memset(__wrap_malloc(n * size), 0, n * size);
}

void __wrap_free(void *ptr) {
    for (size_t i = 0; i < n_blocks; i++) {
        if (blocks[i].ptr != ptr) continue;
        GJ_ASSERT(blocks[i].is_used);
        blocks[i].is_used = 0;
        return;
    }
    __real_free(ptr);
}

void *__wrap_realloc(void *ptr, size_t size) {
    for (size_t i = 0; ptr != NULL && i < n_blocks; i++) {
        if (blocks[i].ptr != ptr) continue;
        void *moved = __wrap_malloc(size);
        if (moved == NULL) return NULL;
        memcpy(moved, ptr, blocks[i].size < size ? blocks[i].size : size);
        __wrap_free(ptr);
        return moved;
    }
    return __real_realloc(ptr, size);
}

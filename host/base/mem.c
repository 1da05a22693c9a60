#include "host/base/mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define BLOCK 65536

struct block {
    struct block *next;
    size_t used, size;
    _Alignas(16) unsigned char bytes[];
};

struct td__arena {
    struct block *head, *spare; /* the block being filled first; emptied blocks */
};

td__arena *td__arena_new(void) { return calloc(1, sizeof(td__arena)); }

void td__arena_reset(td__arena *a)
{
    for (struct block *b; (b = a->head);) {
        a->head = b->next;
        b->next = a->spare;
        a->spare = b;
    }
}

void td__arena_free(td__arena *a)
{
    if (!a)
        return;
    td__arena_reset(a);
    for (struct block *b; (b = a->spare);) {
        a->spare = b->next;
        free(b);
    }
    free(a);
}

/* A block with room for bytes: a spare one, else a new one. */
static struct block *take_block(td__arena *a, size_t bytes)
{
    struct block **link = &a->spare;
    while (*link && (*link)->size < bytes)
        link = &(*link)->next;
    struct block *b = *link;
    if (b) {
        *link = b->next;
    } else {
        size_t size = bytes > BLOCK ? bytes : BLOCK;
        b = malloc(sizeof *b + size);
        if (!b)
            return NULL;
        b->size = size;
    }
    b->used = 0;
    b->next = a->head;
    a->head = b;
    return b;
}

void *td__arena_alloc(td__arena *a, size_t bytes)
{
    if (bytes > SIZE_MAX / 2)
        return NULL;
    bytes = (bytes + 15) & ~(size_t)15;
    struct block *b = a->head;
    if (!b || b->size - b->used < bytes) {
        b = take_block(a, bytes);
        if (!b)
            return NULL;
    }
    void *p = b->bytes + b->used;
    b->used += bytes;
    return memset(p, 0, bytes);
}

char *td__arena_dup(td__arena *a, const char *s, size_t n)
{
    char *p = td__arena_alloc(a, n + 1);
    if (p)
        memcpy(p, s, n);
    return p;
}

char *td__arena_printf(td__arena *a, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    char *p = n < 0 ? NULL : td__arena_alloc(a, (size_t)n + 1);
    if (!p)
        return NULL;
    va_start(ap, fmt);
    vsnprintf(p, (size_t)n + 1, fmt, ap);
    va_end(ap);
    return p;
}

int td__grow(void *array_ptr, size_t *capacity, size_t n, size_t element)
{
    if (n <= *capacity)
        return 0;
    size_t want = *capacity ? *capacity : 8;
    while (want < n) {
        if (want > SIZE_MAX / 2)
            return -1;
        want *= 2;
    }
    if (element && want > SIZE_MAX / element)
        return -1;
    void *old, *grown;
    memcpy(&old, array_ptr, sizeof old);
    grown = realloc(old, want * element);
    if (!grown)
        return -1;
    memcpy(array_ptr, &grown, sizeof grown);
    *capacity = want;
    return 0;
}

char *td__strdup(const char *s)
{
    size_t n = strlen(s) + 1;
    char *p = malloc(n);
    return p ? memcpy(p, s, n) : NULL;
}

char *td__printf(const char *fmt, ...)
{
    char *p = NULL;
    va_list ap;
    va_start(ap, fmt);
    int n = vasprintf(&p, fmt, ap);
    va_end(ap);
    return n < 0 ? NULL : p;
}

void *td__host_alloc(size_t bytes)
{
    const size_t huge = (size_t)2 << 20;
    int large = bytes >= huge;
    void *p = NULL;
    if (posix_memalign(&p, large ? huge : 64, bytes + !bytes))
        return NULL;
    if (large)
        madvise(p, bytes, MADV_HUGEPAGE); /* only a wish */
    return p;
}

#include "host/tensor/heap.h"

#include "host/tensor/storage.h"

static td__slab blocks = TD__SLAB(td__storage);

static unsigned bin_of(size_t bytes)
{
    return 63u - (unsigned)__builtin_clzll(bytes);
}

/* ---- free blocks ---- */

static void push(td__heap *h, td__storage *s)
{
    td__storage **head = &h->free[bin_of(s->bytes)];
    s->is_free = 1;
    s->previous = NULL;
    s->next = *head;
    if (*head)
        (*head)->previous = s;
    *head = s;
}

static void unlink_free(td__heap *h, td__storage *s)
{
    if (s->previous)
        s->previous->next = s->next;
    else
        h->free[bin_of(s->bytes)] = s->next;
    if (s->next)
        s->next->previous = s->previous;
    s->next = s->previous = NULL;
    s->is_free = 0;
}

static int better(const td__storage *a, const td__storage *b)
{
    return !b || a->bytes < b->bytes || (a->bytes == b->bytes && (uintptr_t)a->data < (uintptr_t)b->data);
}

static td__storage *best_fit(const td__heap *h, size_t bytes)
{
    td__storage *best = NULL;
    for (unsigned bin = bin_of(bytes); !best && bin < TD__HEAP_BINS; bin++)
        for (td__storage *s = h->free[bin]; s; s = s->next)
            if (s->bytes >= bytes && better(s, best))
                best = s;
    return best;
}

/* ---- segments ---- */

static td__storage *new_block(td__heap *h, void *data, size_t bytes)
{
    td__storage *s = td__slab_take(&blocks);
    if (s) {
        s->data = data;
        s->bytes = bytes;
        s->backend = h->backend;
        s->heap = h;
    }
    return s;
}

/* A segment as one block that is not on the free list. */
static td__storage *new_segment(td__heap *h, size_t bytes)
{
    void *data = h->backend->alloc(bytes);
    td__storage *s = data ? new_block(h, data, bytes) : NULL;
    if (data && !s)
        h->backend->free(data, bytes);
    if (s)
        h->reserved += bytes;
    return s;
}

static void free_segment(td__heap *h, td__storage *s)
{
    h->reserved -= s->bytes;
    h->backend->free(s->data, s->bytes);
    td__slab_give(&blocks, s);
}

void td__heap_trim(td__heap *h)
{
    for (unsigned bin = 0; bin < TD__HEAP_BINS && !h->pinned; bin++)
        for (td__storage *s = h->free[bin], *next; s; s = next) {
            next = s->next;
            if (s->low || s->high)
                continue;
            unlink_free(h, s);
            free_segment(h, s);
        }
}

/* Of the size the heap wants, or as much of it as can be had. */
static td__storage *grow(td__heap *h, size_t bytes)
{
    td__storage *s = NULL;
    for (size_t size = h->segment; !s && size > bytes; size /= 2)
        s = new_segment(h, size);
    if (!s)
        s = new_segment(h, bytes);
    if (!s) {
        td__heap_trim(h);
        s = new_segment(h, bytes);
    }
    return s;
}

/* ---- cutting and joining ---- */

/* What s has beyond `bytes` becomes a free block; where memory for that is out s stays as large as it is. */
static void cut(td__heap *h, td__storage *s, size_t bytes)
{
    td__storage *rest = s->bytes > bytes ? new_block(h, (char *)s->data + bytes, s->bytes - bytes) : NULL;
    if (!rest)
        return;
    rest->low = s;
    rest->high = s->high;
    if (s->high)
        s->high->low = rest;
    s->high = rest;
    s->bytes = bytes;
    push(h, rest);
}

/* s takes in its upper neighbour. */
static void join(td__storage *s, td__storage *high)
{
    s->bytes += high->bytes;
    s->high = high->high;
    if (s->high)
        s->high->low = s;
    td__slab_give(&blocks, high);
}

td__storage *td__heap_take(td__heap *h, size_t bytes)
{
    td__storage *s = best_fit(h, bytes);
    if (s)
        unlink_free(h, s);
    else
        s = grow(h, bytes);
    if (s) {
        cut(h, s, bytes);
        s->age = h->age;
        h->young++;
        s->refs = 1;
        s->version = 0;
    }
    return s;
}

void td__heap_give(td__heap *h, td__storage *s)
{
    td__storage *low = s->low, *high = s->high;
    h->young -= s->age == h->age;
    if (high && high->is_free) {
        unlink_free(h, high);
        join(s, high);
    }
    if (low && low->is_free) {
        unlink_free(h, low);
        join(low, s);
        s = low;
    }
    push(h, s);
}

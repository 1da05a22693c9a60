#include "host/tensor/storage.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "host/backend/backend.h"
#include "host/tensor/heap.h"

/* AddressSanitizer sees misuse of tensor memory only when nothing is cached. */
#if defined __SANITIZE_ADDRESS__
#define CACHING 0
#else
#define CACHING 1
#endif

/* ---- small structs ---- */

struct td__slab_item {
    struct td__slab_item *next;
};

void *td__slab_take(td__slab *slab)
{
    pthread_mutex_lock(&slab->lock);
    struct td__slab_item *item = slab->free;
    if (item)
        slab->free = item->next;
    pthread_mutex_unlock(&slab->lock);
    if (!item)
        return calloc(1, slab->size);
    return memset(item, 0, slab->size);
}

void td__slab_give(td__slab *slab, void *item)
{
    if (!CACHING) {
        free(item);
        return;
    }
    struct td__slab_item *head = item;
    pthread_mutex_lock(&slab->lock);
    head->next = slab->free;
    slab->free = head;
    pthread_mutex_unlock(&slab->lock);
}

/* ---- tensor memory ---- */

#define LARGE ((size_t)256 << 10)
#define MIB ((size_t)1 << 20)
/* Host memory takes no room before it is written to, and in one long segment the least is lost between blocks. */
#define HOST_SEGMENT (4096 * MIB)
#define DEVICE_SEGMENT (64 * MIB)

struct heaps {
    td__heap small, large;
    struct heaps *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* for all heaps */
static struct heaps *all_heaps;
static _Atomic size_t in_use, peak;

/* Where blocks of `bytes` come from; NULL: out of memory. */
static td__heap *heap_of(const td_backend_type *backend, size_t bytes)
{
    struct heaps *h = all_heaps;
    while (h && h->small.backend != backend)
        h = h->next;
    if (!h && (h = calloc(1, sizeof *h))) {
        h->small = (td__heap){.backend = backend, .segment = CACHING * 2 * MIB};
        h->large = (td__heap){.backend = backend,
                              .segment = CACHING * (backend->alloc == td__host_alloc ? HOST_SEGMENT : DEVICE_SEGMENT)};
        h->next = all_heaps;
        all_heaps = h;
    }
    return !h ? NULL : bytes < LARGE ? &h->small : &h->large;
}

static void count_in(size_t bytes)
{
    size_t now = atomic_fetch_add(&in_use, bytes) + bytes, most = atomic_load(&peak);
    while (now > most && !atomic_compare_exchange_weak(&peak, &most, now))
        ;
}

td__storage *td__storage_new(const td_backend_type *backend, size_t bytes)
{
    if (bytes > SIZE_MAX / 4)
        return NULL;
    bytes = bytes ? (bytes + 63) / 64 * 64 : 64;
    pthread_mutex_lock(&lock);
    td__heap *h = heap_of(backend, bytes);
    td__storage *s = h ? td__heap_take(h, bytes) : NULL;
    pthread_mutex_unlock(&lock);
    if (s)
        count_in(s->bytes);
    return s;
}

td__storage *td__storage_retain(td__storage *s)
{
    __atomic_fetch_add(&s->refs, 1, __ATOMIC_RELAXED);
    return s;
}

void td__storage_release(td__storage *s)
{
    if (!s || __atomic_sub_fetch(&s->refs, 1, __ATOMIC_ACQ_REL))
        return;
    atomic_fetch_sub(&in_use, s->bytes);
    pthread_mutex_lock(&lock);
    td__heap *h = s->heap;
    td__heap_give(h, s);
    if (!CACHING)
        td__heap_trim(h);
    pthread_mutex_unlock(&lock);
}

void td__memory_trim(void)
{
    pthread_mutex_lock(&lock);
    for (struct heaps *h = all_heaps; h; h = h->next) {
        td__heap_trim(&h->small);
        td__heap_trim(&h->large);
    }
    pthread_mutex_unlock(&lock);
}

size_t td__memory_now(void) { return atomic_load(&in_use); }

size_t td__memory_peak(void) { return atomic_load(&peak); }

size_t td__memory_reserved(void)
{
    size_t sum = 0;
    pthread_mutex_lock(&lock);
    for (const struct heaps *h = all_heaps; h; h = h->next)
        sum += h->small.reserved + h->large.reserved;
    pthread_mutex_unlock(&lock);
    return sum;
}

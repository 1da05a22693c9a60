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

struct td__pool {
    td__heap small, large;
    enum { SHARED, PRIVATE, CLOSED } kind;
    struct td__pool *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* for all pools */
static struct td__pool *all_pools;
static _Thread_local td__pool *current; /* a private one in use, or NULL */
static _Atomic size_t in_use, peak;

/* A pool of this kind becomes one of kind `as`, or is made; NULL: out of memory. */
static td__pool *pool_of(const td_backend_type *backend, int kind, int as)
{
    td__pool *p = all_pools;
    while (p && (p->small.backend != backend || (int)p->kind != kind))
        p = p->next;
    if (!p && (p = calloc(1, sizeof *p))) {
        size_t segment = backend->alloc == td__host_alloc ? HOST_SEGMENT : DEVICE_SEGMENT;
        p->small = (td__heap){.backend = backend, .segment = CACHING * 2 * MIB};
        p->large = (td__heap){.backend = backend, .segment = CACHING * segment};
        p->next = all_pools;
        all_pools = p;
    }
    if (p) {
        p->kind = as;
        p->small.pinned = p->large.pinned = as == PRIVATE;
    }
    return p;
}

/* Gives the backends what is free. */
static void trim(void)
{
    for (td__pool *p = all_pools; p; p = p->next) {
        td__heap_trim(&p->small);
        td__heap_trim(&p->large);
    }
}

static td__storage *take(const td_backend_type *backend, size_t bytes)
{
    td__pool *p = current && current->small.backend == backend ? current : pool_of(backend, SHARED, SHARED);
    td__heap *h = !p ? NULL : bytes < LARGE ? &p->small : &p->large;
    td__storage *s = h ? td__heap_take(h, bytes) : NULL;
    if (s || !h)
        return s;
    trim(); /* what other pools keep for later */
    return td__heap_take(h, bytes);
}

td__pool *td__pool_new(const td_backend_type *backend)
{
    pthread_mutex_lock(&lock);
    td__pool *p = pool_of(backend, CLOSED, PRIVATE);
    pthread_mutex_unlock(&lock);
    return p;
}

void td__pool_free(td__pool *p)
{
    if (!p)
        return;
    pthread_mutex_lock(&lock);
    p->kind = CLOSED;
    p->small.pinned = p->large.pinned = 0;
    trim();
    pthread_mutex_unlock(&lock);
}

td__pool *td__pool_use(td__pool *p)
{
    td__pool *before = current;
    current = p;
    return before;
}

size_t td__pool_young(td__pool *p)
{
    pthread_mutex_lock(&lock);
    size_t young = p->small.young + p->large.young;
    p->small.age++;
    p->large.age++;
    p->small.young = p->large.young = 0;
    pthread_mutex_unlock(&lock);
    return young;
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
    td__storage *s = take(backend, bytes);
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
        trim();
    pthread_mutex_unlock(&lock);
}

void td__memory_trim(void)
{
    pthread_mutex_lock(&lock);
    trim();
    pthread_mutex_unlock(&lock);
}

size_t td__memory_now(void) { return atomic_load(&in_use); }

size_t td__memory_peak(void) { return atomic_load(&peak); }

size_t td__memory_reserved(void)
{
    size_t sum = 0;
    pthread_mutex_lock(&lock);
    for (const td__pool *p = all_pools; p; p = p->next)
        sum += p->small.reserved + p->large.reserved;
    pthread_mutex_unlock(&lock);
    return sum;
}

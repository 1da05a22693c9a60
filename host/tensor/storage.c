#include "host/tensor/storage.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* AddressSanitizer sees misuse of tensor memory only when nothing is cached. */
#if defined __SANITIZE_ADDRESS__
#define CACHING 0
#else
#define CACHING 1
#endif

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic size_t in_use, peak, reserved;

struct td__slab_item {
    struct td__slab_item *next;
};

void *td__slab_take(td__slab *slab)
{
    pthread_mutex_lock(&lock);
    struct td__slab_item *item = slab->free;
    if (item)
        slab->free = item->next;
    pthread_mutex_unlock(&lock);
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
    pthread_mutex_lock(&lock);
    head->next = slab->free;
    slab->free = head;
    pthread_mutex_unlock(&lock);
}

/* Size classes: eight to each power of two, so at most an eighth of a block is waste.  A free list per class
 * and backend. */
#define STEPS 8
#define CLASSES (STEPS * 60)
struct bins {
    const td_backend_type *backend;
    struct bins *next;
    td__storage *free[CLASSES];
};
static struct bins *all_bins;
static td__slab storages = {sizeof(td__storage), NULL};

/* The class of a size, and the size rounded up to what the class holds. */
static unsigned size_class(size_t *bytes)
{
    size_t n = (*bytes + 63) / 64;
    if (n < STEPS) {
        n = n ? n : 1;
        *bytes = n * 64;
        return (unsigned)n;
    }
    unsigned shift = 60u - (unsigned)__builtin_clzll(n); /* keeps the four leading bits: 8 .. 15 */
    size_t lead = (n + ((size_t)1 << shift) - 1) >> shift;
    *bytes = (lead << shift) * 64;
    return shift * STEPS + (unsigned)lead;
}

static struct bins *bins_of(const td_backend_type *backend)
{
    struct bins *b = all_bins;
    while (b && b->backend != backend)
        b = b->next;
    if (!b && (b = calloc(1, sizeof *b))) {
        b->backend = backend;
        b->next = all_bins;
        all_bins = b;
    }
    return b;
}

static void free_storage(td__storage *s)
{
    s->backend->free(s->data, s->bytes);
    atomic_fetch_sub(&reserved, s->bytes);
    td__slab_give(&storages, s);
}

void td__memory_trim(void)
{
    td__storage *list = NULL;
    pthread_mutex_lock(&lock);
    for (struct bins *b = all_bins; b; b = b->next) {
        for (unsigned i = 0; i < CLASSES; i++) {
            for (td__storage *s; (s = b->free[i]);) {
                b->free[i] = s->next;
                s->next = list;
                list = s;
            }
        }
    }
    pthread_mutex_unlock(&lock);
    for (td__storage *s; (s = list);) {
        list = s->next;
        free_storage(s);
    }
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
    unsigned class = size_class(&bytes);
    pthread_mutex_lock(&lock);
    struct bins *b = bins_of(backend);
    td__storage *s = b ? b->free[class] : NULL;
    if (s)
        b->free[class] = s->next;
    pthread_mutex_unlock(&lock);
    if (!b)
        return NULL;
    if (!s) {
        s = td__slab_take(&storages);
        if (!s)
            return NULL;
        s->data = backend->alloc(bytes);
        if (!s->data) {
            td__memory_trim();
            s->data = backend->alloc(bytes);
        }
        if (!s->data) {
            td__slab_give(&storages, s);
            return NULL;
        }
        s->bytes = bytes;
        s->backend = backend;
        atomic_fetch_add(&reserved, bytes);
    }
    s->refs = 1;
    count_in(bytes);
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
    if (!CACHING) {
        free_storage(s);
        return;
    }
    size_t bytes = s->bytes;
    unsigned class = size_class(&bytes);
    pthread_mutex_lock(&lock);
    struct bins *b = bins_of(s->backend); /* exists since td__storage_new */
    s->next = b->free[class];
    b->free[class] = s;
    pthread_mutex_unlock(&lock);
}

size_t td__memory_now(void) { return atomic_load(&in_use); }
size_t td__memory_peak(void) { return atomic_load(&peak); }
size_t td__memory_reserved(void) { return atomic_load(&reserved); }

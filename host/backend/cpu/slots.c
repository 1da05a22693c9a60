#include "host/backend/cpu/slots.h"

#include "host/backend/backend.h"
#include "host/base/pool.h"

#include <stdatomic.h>
#include <string.h>

int td__slots_make(td__slots *s, td_run *r, size_t bytes)
{
    s->n = td__pool_threads();
    s->bytes = (bytes / 64 + 1) * 64;
    size_t flags = ((size_t)s->n + 63) / 64 * 64;
    char *all = td__run_scratch(r, flags + s->bytes * (size_t)s->n);
    if (!all)
        return -1;
    memset(all, 0, flags);
    s->taken = (_Atomic unsigned char *)all;
    s->base = all + flags;
    return 0;
}

void *td__slot_take(td__slots *s)
{
    for (int i = 0;; i = (i + 1) % s->n)
        if (!atomic_exchange_explicit(&s->taken[i], 1, memory_order_acquire))
            return s->base + (size_t)i * s->bytes;
}

void td__slot_give(td__slots *s, void *slot)
{
    size_t i = (size_t)((char *)slot - s->base) / s->bytes;
    atomic_store_explicit(&s->taken[i], 0, memory_order_release);
}

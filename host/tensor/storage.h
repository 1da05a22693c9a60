/* Memory of tensors, cached: what a step frees the next step takes, so a repeated step allocates nothing. */
#ifndef TD__STORAGE_H
#define TD__STORAGE_H

#include <pthread.h>

#include "host/tensor/tensor.h"

/* At least `bytes` of backend memory with one reference; NULL: out of memory.  Any thread. */
td__storage *td__storage_new(const td_backend_type *backend, size_t bytes);
td__storage *td__storage_retain(td__storage *s);
void td__storage_release(td__storage *s);

/* Memory apart from all other: what is freed in a pool serves only the pool.  A graph needs that, whose work goes on
 * using addresses that were free again when its step was captured, and so does each of two branches of work. */
typedef struct td__pool td__pool;
td__pool *td__pool_new(const td_backend_type *backend); /* NULL: out of memory */
void td__pool_free(td__pool *p); /* what is still in use is given back when it is released; NULL is fine */
/* From now on this thread takes memory of the pool's backend there (NULL: from what all share); returns what it was. */
td__pool *td__pool_use(td__pool *p);
/* How many tensors of the pool that were made since the last call are still there. */
size_t td__pool_young(td__pool *p);

/* Small structs of one size, kept on a free list when given back.  Any thread. */
typedef struct td__slab {
    size_t size;
    struct td__slab_item *free;
    pthread_mutex_t lock;
} td__slab;
#define TD__SLAB(type) {sizeof(type), NULL, PTHREAD_MUTEX_INITIALIZER}
void *td__slab_take(td__slab *slab); /* zeroed; NULL: out of memory */
void td__slab_give(td__slab *slab, void *item);

#endif

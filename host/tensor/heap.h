/* Backend memory in blocks: taken from the backend in large segments, cut to what is asked for, joined again when given
 * back.  Nothing here locks; host/tensor/storage.c does. */
#ifndef TD__HEAP_H
#define TD__HEAP_H

#include "host/tensor/tensor.h"

#define TD__HEAP_BINS 64

/* One per backend and range of sizes, so that what lives long and is small does not lie between what is large. */
typedef struct td__heap {
    const td_backend_type *backend;
    size_t segment;                   /* bytes of one; what is larger gets its own */
    size_t reserved;                  /* bytes of all */
    int pinned;                       /* nothing is given back to the backend */
    uint32_t age;                     /* counted by the owner */
    size_t young;                     /* blocks taken at this age that are in use */
    td__storage *free[TD__HEAP_BINS]; /* free blocks by the highest bit of their size */
} td__heap;

/* At least `bytes`, a multiple of 64, with one reference: the smallest free block that fits, of these the lowest, or
 * one from a new segment.  NULL: the backend has no memory left. */
td__storage *td__heap_take(td__heap *h, size_t bytes);
void td__heap_give(td__heap *h, td__storage *s);
/* Gives the backend what is free as a whole segment, unless the heap is pinned. */
void td__heap_trim(td__heap *h);

#endif

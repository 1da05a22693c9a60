/* Scratch for the pieces of a parallel loop: as many slots as threads, each used by one piece at a time. */
#ifndef TD__CPU_SLOTS_H
#define TD__CPU_SLOTS_H

#include <stddef.h>
#include <td/td.h>

typedef struct td__slots {
    char *base;
    size_t bytes; /* of a slot, a multiple of 64 and not 0 */
    int n;
    _Atomic unsigned char *taken;
} td__slots;

/* Slots of at least `bytes`, 64-byte aligned, in the scratch of r.  0, or -1: out of memory, recorded in r. */
int td__slots_make(td__slots *s, td_run *r, size_t bytes);
/* A free slot; never waits when pieces of one parallel loop use one slot each. */
void *td__slot_take(td__slots *s);
void td__slot_give(td__slots *s, void *slot);

#endif

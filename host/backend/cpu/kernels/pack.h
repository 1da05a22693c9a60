/* Packing of weights for the tiles of tile.h. */
#ifndef TD__CPU_PACK_H
#define TD__CPU_PACK_H

#include "host/backend/cpu/vec.h"

#define td__pack TD__ISA(td__pack)

/* A matrix w(o, k), k < terms, is packed as blocks of `vecs` vectors of o (the last block may have fewer), each
 * [terms][block]; missing o are 0. */
typedef struct td__packed {
    int64_t out, terms;
    int vecs;
    float *data; /* 64-byte aligned, td__packed_floats() of them */
} td__packed;

static inline int64_t td__packed_out(const td__packed *p)
{
    return (p->out + LANES - 1) / LANES * LANES;
}
static inline int64_t td__packed_floats(const td__packed *p)
{
    return td__packed_out(p) * p->terms;
}
/* The block that starts with channel o, a multiple of vecs * LANES. */
static inline float *td__packed_block(const td__packed *p, int64_t o)
{
    return p->data + o * p->terms;
}

/* Fills terms first, first + every, ... (n of them) of the LANES channels from o on with
 * from[(o' - o) * step_o + i * step_k], i < n.  step_o or step_k is 1. */
void td__pack(const td__packed *p, int64_t o, int64_t first, int64_t every, int64_t n, const float *from,
              int64_t step_o, int64_t step_k);

#endif

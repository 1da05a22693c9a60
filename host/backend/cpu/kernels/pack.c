#include "host/backend/cpu/kernels/pack.h"

#include <string.h>

#include "host/backend/cpu/kernels/common.h"
#include "host/backend/cpu/kernels/planar.h"

void td__pack(const td__packed *p, int64_t o, int64_t first, int64_t every, int64_t n, const float *from,
              int64_t step_o, int64_t step_k)
{
    int64_t wide = p->vecs * LANES, start = o / wide * wide, block = min(td__packed_out(p) - start, wide);
    int64_t channels = min(p->out - o, LANES), pitch = every * block;
    float *to = td__packed_block(p, start) + first * block + (o - start);
    if (channels < LANES)
        for (int64_t i = 0; i < n; i++)
            store(to + i * pitch, (vec){0});
    if (step_k == 1) {
        td__planar(to, pitch, from, step_o, channels, n);
        return;
    }
    if (channels == LANES)
        for (int64_t i = 0; i < n; i++)
            store(to + i * pitch, load(from + i * step_k));
    else
        for (int64_t i = 0; i < n; i++)
            memcpy(to + i * pitch, from + i * step_k, (size_t)channels * sizeof *to);
}

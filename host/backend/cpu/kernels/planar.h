/* Moving pixels into other layouts. */
#ifndef TD__CPU_PLANAR_H
#define TD__CPU_PLANAR_H

#include "host/backend/cpu/vec.h"

#define td__planar TD__ISA(td__planar)
#define td__blocks TD__ISA(td__blocks)

/* to[c * pitch + q] = from[q * step + c] for q < pixels, c < channels. */
void td__planar(float *to, int64_t pitch, const float *from, int64_t step, int64_t pixels, int64_t channels);

/* to[q * LANES + c] = from[q * step + c] for q < pixels, c < channels <= LANES; other elements are undefined. */
void td__blocks(float *to, const float *from, int64_t step, int64_t pixels, int64_t channels);

#endif

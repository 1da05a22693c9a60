/* The one inner loop of convolutions and matrix products: a few result pixels times a block of channels.
 *
 * Sources lie in blocks of LANES channels (a block's pixels one after the other), so the pixels of a tile are at
 * constant distances; weights are packed so that the channels of a block are side by side. */
#ifndef TD__CPU_TILE_H
#define TD__CPU_TILE_H

#include "host/backend/cpu/vec.h"

#define td__tile_pixels TD__ISA(td__tile_pixels)
#define td__tile TD__ISA(td__tile)
#define td__tile_vecs TD__ISA(td__tile_vecs)

#define TILE_MAX_VECS 4 /* of a channel block */

/* out[q * out_pixel + o] = bias[o] + sum_k x[offset[k] + q * LANES] * w[k * block + o], o < channels <= block.
 * The sum runs over k in order, whatever the tile.  bias may be NULL; w and bias are padded to the block. */
typedef void tile_fn(const float *x, const int32_t *offset, int64_t k, const float *w, const float *bias, float *out,
                     int64_t out_pixel, int64_t channels);

/* The most pixels a tile with `vecs` vectors of channels can have; 0: no such tile. */
int td__tile_pixels(int vecs);
tile_fn *td__tile(int vecs, int pixels);
/* How many vectors of channels suit `channels` channels, rows of `width` pixels and sums of `terms` terms. */
int td__tile_vecs(int64_t channels, int64_t width, int64_t terms);

#endif

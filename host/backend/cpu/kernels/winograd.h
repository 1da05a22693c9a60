/* 3x3 convolutions of stride 1 with fewer multiplications: Winograd's F(4x4, 3x3), as Lavin & Gray, "Fast Algorithms
 * for Convolutional Neural Networks" (2015) write it.  For a 4x4 tile Y of results, the 6x6 tile d it comes from, and
 * a filter g:
 *
 *   Y = A' [(G g G') . (B' d B)] A     and for gradients     dg = G' [(A dY A') . (B' d B)] G
 *
 * with . element by element: 36 products for 16 results, not 144, and the 36 of all tiles and channels are 36 matrix
 * products.  The transforms cost digits: the error is twice that of plain float32 sums (root mean square; 1.5 times
 * for gradients of weights), see winograd_transform.h. */
#ifndef TD__CPU_WINOGRAD_H
#define TD__CPU_WINOGRAD_H

#include "host/backend/cpu/kernels/correlate.h"
#include "host/backend/cpu/kernels/wgrad.h"

#define td__winograd_fits TD__ISA(td__winograd_fits)
#define td__winograd TD__ISA(td__winograd)
#define td__winograd_grad_fits TD__ISA(td__winograd_grad_fits)
#define td__winograd_grad TD__ISA(td__winograd_grad)
#define td__winograd_input TD__ISA(td__winograd_input)

/* Whether the correlation is one of these, and large enough that it pays. */
int td__winograd_fits(const td__correlation *c);
/* As td__correlate. */
int td__winograd(td_run *r, const td__correlation *c);

int td__winograd_grad_fits(const td__weight_grad *g);
/* As td__weight_gradient. */
int td__winograd_grad(td_run *r, const td__weight_grad *g);

/* A channels-last image; `pixel` floats from one pixel to the next. */
typedef struct td__image {
    const float *data;
    int64_t height, width, pixel;
} td__image;

/* B' d B of `tiles` neighbouring tiles of LANES channels; the first has its corner at (y, x), and what lies outside the
 * image is 0.  Element f of tile t goes to v[f * element + t * tile]. */
void td__winograd_input(const td__image *image, int64_t y, int64_t x, int64_t tiles, float *v, int64_t element,
                        int64_t tile);

#endif

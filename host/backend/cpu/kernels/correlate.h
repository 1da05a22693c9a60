/* Correlation of images with a set of taps: what a convolution's forward pass, its input gradient (one phase of
 * the stride at a time) and a transposed convolution have in common.
 *
 *   result[n, r, q, o] = bias[o] + sum over (a, b, c) of source[n, r * sy + ty[a], q * sx + tx[b], c] * w(o, a, b, c)
 *
 * where source is 0 outside its image.  Sums run over (a, c, b) in this order: one float32 chain per result, so
 * the bits depend neither on threads nor on how the work is cut. */
#ifndef TD__CPU_CORRELATE_H
#define TD__CPU_CORRELATE_H

#include "host/backend/cpu/kernels/finish.h"
#include "host/backend/cpu/vec.h"
#include <td/td.h>

#define td__correlate TD__ISA(td__correlate)

typedef struct td__correlation {
    int64_t images, groups; /* group g reads and writes channels from g * channels and g * out_channels on */
    /* Source: channels-last, `channels` of the `source_pixel` channels of a pixel are used. */
    const float *source;
    int64_t height, width, channels, source_pixel;
    /* Taps, ascending. */
    int64_t ny, nx, sy, sx;
    const int64_t *ty, *tx;
    /* w(o, a, b, c) = weight[g * weight_group + o * weight_o + wy[a] + wx[b] + c * weight_c]; weight_o or weight_c is 1
     */
    const float *weight;
    const int64_t *wy, *wx;
    int64_t weight_group, weight_o, weight_c;
    const float *bias; /* NULL: none */
    /* Result, strides in floats. */
    float *result;
    int64_t rows, columns, out_channels, result_image, result_row, result_pixel;
    const td__finish *finish; /* run once for each pixel; NULL: none.  One group, pixels side by side */
} td__correlation;

/* 0, or -1: out of memory, recorded in r. */
int td__correlate(td_run *r, const td__correlation *c);

#endif

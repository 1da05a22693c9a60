/* The weight gradient of a convolution:
 *
 *   dw[o, a, b, c] = sum over (n, r, q) of dy[n, r, q, o] * x[n, r * sy + a * dilation_y - pad_y,
 *                                                            q * sx + b * dilation_x - pad_x, c]
 *
 * Images are summed in a few groups that depend on the shapes only, and the groups in order: the bits do not
 * depend on the number of threads. */
#ifndef TD__CPU_WGRAD_H
#define TD__CPU_WGRAD_H

#include "host/backend/cpu/vec.h"
#include <td/td.h>

#define td__weight_gradient TD__ISA(td__weight_gradient)

typedef struct td__weight_grad {
    int64_t images, conv_groups; /* group g reads channels from g * channels and g * out_channels on */
    const float *x;              /* channels-last; a pixel has x_pixel channels, `channels` belong to a group */
    int64_t height, width, channels, x_pixel;
    const float *dy;
    int64_t rows, columns, out_channels, dy_pixel;
    int64_t kh, kw, sy, sx, pad_y, pad_x, dilation_y, dilation_x;
    float *dw; /* [conv_groups][out_channels][kh][kw][channels], dense */
} td__weight_grad;

/* 0, or -1: out of memory, recorded in r. */
int td__weight_gradient(td_run *r, const td__weight_grad *g);

#endif

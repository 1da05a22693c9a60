/* Convolutions in which every channel is a group of its own. */
#ifndef TD__CPU_DEPTHWISE_H
#define TD__CPU_DEPTHWISE_H

#include <td/td.h>

#include "host/backend/cpu/vec.h"

#define td__depthwise TD__ISA(td__depthwise)
#define td__depthwise_input_grad TD__ISA(td__depthwise_input_grad)
#define td__depthwise_weight_grad TD__ISA(td__depthwise_weight_grad)

typedef struct td__depthwise_conv {
    int64_t images, channels, height, width; /* of x */
    int64_t rows, columns;                   /* of y */
    int64_t kernel[2], stride[2], padding[2], dilation[2];
} td__depthwise_conv;

/* w [channels][kh][kw], bias [channels] or NULL.  0, or -1: out of memory, recorded in r. */
int td__depthwise(td_run *r, const td__depthwise_conv *d, const float *x, const float *w, const float *bias, float *y);
/* bias as in a transposed convolution. */
int td__depthwise_input_grad(td_run *r, const td__depthwise_conv *d, const float *gy, const float *w, const float *bias,
                             float *gx);
int td__depthwise_weight_grad(td_run *r, const td__depthwise_conv *d, const float *x, const float *gy, float *gw);

#endif

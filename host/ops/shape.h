/* What rules and kernels of slices share. */
#ifndef TD__OPS_SHAPE_H
#define TD__OPS_SHAPE_H

#include <td/td.h>

/* slice_grad: the slice, and the length of its dimension before it. */
typedef struct td__slice_grad_attrs {
    td_slice_attrs slice;
    int64_t length;
} td__slice_grad_attrs;

/* First index and number of elements of a slice of a dimension (negative bounds count from the end). */
void td__slice_range(const td_slice_attrs *a, int64_t length, int64_t *start, int64_t *count);

#endif

/* What rules and kernels of slices share. */
#ifndef TD__OPS_SHAPE_H
#define TD__OPS_SHAPE_H

#include <td/td.h>

/* First index and number of elements of a slice of a dimension (negative bounds count from the end). */
void td__slice_range(const td_slice_attrs *a, int64_t length, int64_t *start, int64_t *count);

#endif

/* The reference kernels are written once and instantiated for float32 and float64: elements are read and written
 * as double, through functions that a constant `t` (the element type) reduces to one load or store. */
#ifndef TD__REFERENCE_REAL_H
#define TD__REFERENCE_REAL_H

#include <math.h>

#include "host/backend/reference/reference.h"

#define TD__INLINE static inline __attribute__((always_inline, unused))

/* Element i in memory order. */
TD__INLINE double td__get(const td_view *v, uint32_t t, int64_t i)
{
    return t == TD_FLOAT64 ? ((const double *)v->data)[i] : (double)((const float *)v->data)[i];
}

TD__INLINE void td__put(td_view *v, uint32_t t, int64_t i, double x)
{
    if (t == TD_FLOAT64)
        ((double *)v->data)[i] = x;
    else
        ((float *)v->data)[i] = (float)x;
}

/* What would be read back had x been stored. */
TD__INLINE double td__rounded(uint32_t t, double x) { return t == TD_FLOAT64 ? x : (double)(float)x; }

/* Position of (n, c, h, w) in a rank 4 tensor's memory. */
TD__INLINE int64_t td__at(const td_desc *d, int64_t n, int64_t c, int64_t h, int64_t w)
{
    return ((n * d->shape[2] + h) * d->shape[3] + w) * d->shape[1] + c;
}

/* ln of the sum of e^(scale x) over n elements, `step` apart, from `first` on; scale > 0. */
TD__INLINE double td__log_sum_exp(const td_view *v, uint32_t t, int64_t first, int64_t n, int64_t step, double scale)
{
    double most = -INFINITY, sum = 0;
    for (int64_t i = 0; i < n; i++)
        most = fmax(most, td__get(v, t, first + i * step));
    for (int64_t i = 0; i < n; i++)
        sum += exp(scale * (td__get(v, t, first + i * step) - most));
    return scale * most + log(sum);
}

/* Defines the kernel `op` by its body, which has r, in, out, attrs, and the type t of the first input. */
#define TD__KERNEL(op) \
    TD__INLINE int32_t op##_of(td_run *r, const td_view *in, td_view *out, const void *attrs, uint32_t t); \
    static int32_t op(td_run *r, const td_view *in, td_view *out, const void *attrs) \
    { \
        if (in[0].d.dtype == TD_FLOAT64) \
            return op##_of(r, in, out, attrs, TD_FLOAT64); \
        if (in[0].d.dtype == TD_FLOAT32) \
            return op##_of(r, in, out, attrs, TD_FLOAT32); \
        td__run_fail(r, "the reference backend does not compute in %s", td__dtype_name(in[0].d.dtype)); \
        return TD_ERROR; \
    } \
    TD__INLINE int32_t op##_of(td_run *r __attribute__((unused)), const td_view *in __attribute__((unused)), \
                               td_view *out __attribute__((unused)), const void *attrs __attribute__((unused)), \
                               uint32_t t)

#endif

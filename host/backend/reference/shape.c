#include <string.h>

#include "host/backend/reference/reference.h"
#include "host/base/pool.h"
#include "host/ops/shape.h"

#define GRAIN 16384 /* elements that are worth a piece */

struct copy {
    void *to;
    const void *from;
    td__nest nest; /* 0: to, 1: from */
    uint32_t dtype;
};

#define COPY_ROW(T)                                                                \
    {                                                                              \
        T *y = (T *)p->to + nest.offset[0];                                        \
        const T *x = (const T *)p->from + nest.offset[1];                          \
        if (nest.step[0] == 1 && nest.step[1] == 1)                                \
            memcpy(y, x, (size_t)nest.n * sizeof *y);                              \
        else                                                                       \
            for (int64_t i = 0; i < nest.n; i++)                                   \
                y[i * nest.step[0]] = x[i * nest.step[1]];                         \
    }

static void copy_rows(void *arg, int64_t begin, int64_t end)
{
    const struct copy *p = arg;
    td__nest nest = p->nest;
    td__nest_seek(&nest, begin);
    for (; begin < end; begin++) {
        FOR_BITS(p->dtype, T, COPY_ROW(T))
        td__nest_next(&nest);
    }
}

/* Copies the elements of a shape from one strided place to another; on all threads, for this is the cpu backend's too. */
static void copy_strided(const td_desc *shape, void *dst, const int64_t *dst_strides, const void *src,
                         const int64_t *src_strides)
{
    int64_t strides[2][TD_MAX_DIMS], n = td_desc_numel(shape);
    struct copy p = {.to = dst, .from = src, .dtype = shape->dtype};
    if (!n)
        return;
    memcpy(strides[0], dst_strides, sizeof strides[0]);
    memcpy(strides[1], src_strides, sizeof strides[1]);
    td__nest_begin(&p.nest, shape, 2, (const int64_t (*)[TD_MAX_DIMS])strides);
    td__parallel_range(n / p.nest.n, GRAIN / p.nest.n + 1, 1, copy_rows, &p);
}

static void *at(const td_view *v, int64_t element)
{
    return (char *)v->data + element * (int64_t)td__dtype_size(v->d.dtype);
}

static int32_t reshape_kernel(td_run *r, const td_view *in, td_view *out, const void *attrs)
{
    (void)attrs;
    void *rows = td__run_scratch(r, (size_t)td_desc_numel(&in->d) * td__dtype_size(in->d.dtype));
    if (!rows)
        return TD_ERROR;
    td__to_row_major(&in->d, rows, in->data);
    td__from_row_major(&out->d, out->data, rows);
    return TD_OK;
}

static int32_t permute_kernel(td_run *r, const td_view *in, td_view *out, const void *attrs)
{
    const td_shape_attrs *a = attrs;
    int64_t to[TD_MAX_DIMS] = {0}, own[TD_MAX_DIMS] = {0}, from[TD_MAX_DIMS] = {0};
    (void)r;
    td__strides(&out->d, to);
    td__strides(&in->d, own);
    for (uint32_t i = 0; i < a->ndim; i++)
        from[i] = own[a->v[i]];
    copy_strided(&out->d, out->data, to, in->data, from);
    return TD_OK;
}

static int32_t expand_kernel(td_run *r, const td_view *in, td_view *out, const void *attrs)
{
    int64_t to[TD_MAX_DIMS] = {0}, from[TD_MAX_DIMS] = {0};
    (void)r;
    (void)attrs;
    td__strides(&out->d, to);
    td__broadcast_strides(&in->d, &out->d, from);
    copy_strided(&out->d, out->data, to, in->data, from);
    return TD_OK;
}

static uint32_t dim_of(int64_t dim, const td_desc *d) { return (uint32_t)(dim < 0 ? dim + d->ndim : dim); }

/* Copies `part` to or from the elements start, start + step, ... of one dimension of `whole`. */
static void copy_part(const td_view *whole, const td_view *part, uint32_t dim, int64_t start, int64_t step,
                      int into_whole)
{
    int64_t w[TD_MAX_DIMS] = {0}, p[TD_MAX_DIMS] = {0};
    td__strides(&whole->d, w);
    td__strides(&part->d, p);
    void *first = at(whole, start * w[dim]);
    w[dim] *= step;
    if (into_whole)
        copy_strided(&part->d, first, w, part->data, p);
    else
        copy_strided(&part->d, part->data, p, first, w);
}

static int32_t slice_kernel(td_run *r, const td_view *in, td_view *out, const void *attrs)
{
    const td_slice_attrs *a = attrs;
    uint32_t dim = dim_of(a->dim, &in->d);
    int64_t start, count;
    (void)r;
    td__slice_range(a, in->d.shape[dim], &start, &count);
    copy_part(in, out, dim, start, a->step, 0);
    return TD_OK;
}

static int32_t slice_grad_kernel(td_run *r, const td_view *in, td_view *out, const void *attrs)
{
    const td_slice_grad_attrs *a = attrs;
    uint32_t dim = dim_of(a->slice.dim, &in->d);
    int64_t start, count;
    (void)r;
    memset(out->data, 0, (size_t)td_desc_numel(&out->d) * td__dtype_size(out->d.dtype));
    td__slice_range(&a->slice, a->length, &start, &count);
    copy_part(out, in, dim, start, a->slice.step, 1);
    return TD_OK;
}

static int32_t cat_kernel(td_run *r, const td_view *in, td_view *out, const void *attrs)
{
    const td_dim_attrs *a = attrs;
    uint32_t dim = dim_of(a->dim, &in->d);
    (void)r;
    copy_part(out, &in[0], dim, 0, 1, 1);
    copy_part(out, &in[1], dim, in[0].d.shape[dim], 1, 1);
    return TD_OK;
}

static int32_t pad_kernel(td_run *r, const td_view *in, td_view *out, const void *attrs)
{
    const td_pad_attrs *a = attrs;
    size_t size = td__dtype_size(out->d.dtype);
    double value;
    (void)r;
    td__convert(&value, out->d.dtype, &a->value, TD_FLOAT64, 1);
    for (int64_t i = 0; i < td_desc_numel(&out->d); i++)
        memcpy(at(out, i), &value, size);
    copy_part(out, in, dim_of(a->dim, &in->d), a->before, 1, 1);
    return TD_OK;
}

const td__kernel_row td__reference_shape[] = {
    {"reshape", reshape_kernel},       {"permute", permute_kernel}, {"expand", expand_kernel}, {"slice", slice_kernel},
    {"slice_grad", slice_grad_kernel}, {"cat", cat_kernel},         {"pad", pad_kernel},       {NULL, NULL},
};

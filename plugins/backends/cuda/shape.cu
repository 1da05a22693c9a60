/* Reshape, permute, expand, slice, cat, pad: elements of any type moved between strided places. */
#include "plugins/backends/cuda/device.cuh"

/* Copies the elements of a shape from one strided place, in elements, to another. */
template <class T>
static int32_t copy_of(td_run *r, const td_desc &shape, T *dst, const T *src, const int64_t (&strides)[2][TD_MAX_DIMS])
{
    const walk<2> w = walk_over<2>(shape, strides);
    return each(r, td_desc_numel(&shape), [=] __device__(int64_t i) {
        int64_t at[2];
        w.at(i, at);
        dst[at[0]] = src[at[1]];
    });
}

static int32_t copy_strided(td_run *r, const td_desc &shape, void *dst, int64_t dst_first, const void *src,
                            int64_t src_first, const int64_t (&strides)[2][TD_MAX_DIMS])
{
    return for_bits(shape.dtype, [&](auto bits) {
        typedef decltype(bits) T;
        return copy_of<T>(r, shape, (T *)dst + dst_first, (const T *)src + src_first, strides);
    });
}

/* Where the i-th element in logical order lies. */
struct logical {
    uint32_t ndim;
    int64_t shape[TD_MAX_DIMS], stride[TD_MAX_DIMS];
    explicit logical(const td_desc &d) : ndim(d.ndim)
    {
        for (uint32_t i = 0; i < ndim; i++)
            shape[i] = d.shape[i];
        strides_of(d, stride);
    }
    __device__ int64_t at(int64_t i) const
    {
        int64_t offset = 0;
        for (uint32_t d = ndim; d-- > 0; i /= shape[d])
            offset += i % shape[d] * stride[d];
        return offset;
    }
};

template <class T> static int32_t reshape_of(td_run *r, const td_view *in, td_view *out)
{
    const logical from(in->d), to(out->d);
    const T *x = data_of<T>(*in);
    T *y = data_of<T>(*out);
    return each(r, td_desc_numel(&out->d), [=] __device__(int64_t i) { y[to.at(i)] = x[from.at(i)]; });
}

static int32_t reshape(td_run *r, const td_view *in, td_view *out, const void *)
{
    return for_bits(out->d.dtype, [&](auto bits) { return reshape_of<decltype(bits)>(r, in, out); });
}

static int32_t permute(td_run *r, const td_view *in, td_view *out, const void *attrs)
{
    const td_shape_attrs *a = (const td_shape_attrs *)attrs;
    int64_t strides[2][TD_MAX_DIMS], own[TD_MAX_DIMS];
    strides_of(out->d, strides[0]);
    strides_of(in->d, own);
    for (uint32_t i = 0; i < a->ndim; i++)
        strides[1][i] = own[a->v[i]];
    return copy_strided(r, out->d, out->data, 0, in->data, 0, strides);
}

static int32_t expand(td_run *r, const td_view *in, td_view *out, const void *)
{
    int64_t strides[2][TD_MAX_DIMS];
    strides_of(out->d, strides[0]);
    broadcast_strides(in->d, out->d, strides[1]);
    return copy_strided(r, out->d, out->data, 0, in->data, 0, strides);
}

static uint32_t dim_of(int64_t dim, const td_desc &d) { return (uint32_t)(dim < 0 ? dim + d.ndim : dim); }

/* Copies `part` to or from the elements start, start + step, ... of one dimension of `whole`. */
static int32_t copy_part(td_run *r, const td_view &whole, const td_view &part, uint32_t dim, int64_t start,
                         int64_t step, bool into_whole)
{
    int64_t strides[2][TD_MAX_DIMS], *w = strides[!into_whole], *p = strides[into_whole];
    strides_of(whole.d, w);
    strides_of(part.d, p);
    const int64_t first = start * w[dim];
    w[dim] *= step;
    return into_whole ? copy_strided(r, part.d, whole.data, first, part.data, 0, strides)
                      : copy_strided(r, part.d, part.data, 0, whole.data, first, strides);
}

/* The first index of a slice, as the op table's shape rule has it. */
static int64_t first_of(const td_slice_attrs &a, int64_t length)
{
    const int64_t from = a.start < 0 ? a.start + length : a.start;
    return from < 0 ? 0 : from > length ? length : from;
}

static int32_t slice(td_run *r, const td_view *in, td_view *out, const void *attrs)
{
    const td_slice_attrs *a = (const td_slice_attrs *)attrs;
    const uint32_t dim = dim_of(a->dim, in->d);
    return copy_part(r, *in, *out, dim, first_of(*a, in->d.shape[dim]), a->step, false);
}

static int32_t slice_grad(td_run *r, const td_view *in, td_view *out, const void *attrs)
{
    const td_slice_grad_attrs *a = (const td_slice_grad_attrs *)attrs;
    const uint32_t dim = dim_of(a->slice.dim, in->d);
    if (zero(r, *out, (size_t)dtype_size(out->d.dtype)))
        return TD_ERROR;
    return copy_part(r, *out, *in, dim, first_of(a->slice, a->length), a->slice.step, true);
}

static int32_t cat(td_run *r, const td_view *in, td_view *out, const void *attrs)
{
    const uint32_t dim = dim_of(((const td_dim_attrs *)attrs)->dim, in->d);
    if (copy_part(r, *out, in[0], dim, 0, 1, true))
        return TD_ERROR;
    return copy_part(r, *out, in[1], dim, in[0].d.shape[dim], 1, true);
}

/* The constant comes from the cast kernel: it knows every type. */
static int32_t pad(td_run *r, const td_view *in, td_view *out, const void *attrs)
{
    const td_pad_attrs *a = (const td_pad_attrs *)attrs;
    double *value = (double *)td_host->run_scratch(r, 2 * sizeof *value);
    if (!value)
        return TD_ERROR;
    const double v = a->value;
    const td_view from = {{TD_FLOAT64, 0, {0}}, value};
    td_view to = {{out->d.dtype, 0, {0}}, value + 1};
    if (each(r, 1, [=] __device__(int64_t) { *value = v; }) || cuda_cast[0].run(r, &from, &to, NULL) ||
        expand(r, &to, out, NULL))
        return TD_ERROR;
    return copy_part(r, *out, *in, dim_of(a->dim, in->d), a->before, 1, true);
}

#define ROW(name) {#name, name}
const cuda_row cuda_shape[] = {
    ROW(reshape), ROW(permute), ROW(expand), ROW(slice), ROW(slice_grad), ROW(cat), ROW(pad), {NULL, NULL},
};

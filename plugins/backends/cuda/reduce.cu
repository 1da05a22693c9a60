/* Reductions over a set of dimensions, and the position of the largest along one. */
#include "plugins/backends/cuda/fold.cuh"

/* How a reduction walks: outputs in their memory order, and for each the elements reduced. */
struct plan {
    walk<2> kept;    /* operand 0: the output, 1: the input */
    walk<1> reduced; /* of the input */
    int64_t outs, count;
};

static plan plan_of(const td_view *in, const td_view *out, uint32_t dims, bool keepdim)
{
    plan p = {};
    int64_t own[TD_MAX_DIMS], to[TD_MAX_DIMS];
    uint32_t order[TD_MAX_DIMS], at[TD_MAX_DIMS];
    strides_of(in->d, own);
    strides_of(out->d, to);
    order_of(in->d.ndim, order);
    for (uint32_t i = 0, n = 0; i < in->d.ndim; i++) {
        at[i] = n;
        n += !(dims >> i & 1) || keepdim;
    }
    p.outs = p.count = 1;
    for (uint32_t k = 0; k < in->d.ndim; k++) {
        const uint32_t i = order[k];
        const int64_t length = in->d.shape[i];
        const int64_t both[2] = {to[at[i]], own[i]}, one[1] = {own[i]};
        if (dims >> i & 1) {
            p.count *= length;
            if (length != 1)
                p.reduced.add(length, one);
        } else {
            p.outs *= length;
            if (length != 1)
                p.kept.add(length, both);
        }
    }
    return p;
}

/* Whether the input is [blocks, count, columns] in memory and the output [blocks, columns]: most sums of images are. */
static bool is_columns(const plan &p, int64_t *blocks, int64_t *columns)
{
    const walk<2> &k = p.kept;
    if (p.reduced.n != 1 || k.n < 1 || k.n > 2 || k.stride[0][k.n - 1] != 1 || k.stride[1][k.n - 1] != 1)
        return false;
    *columns = k.size[k.n - 1];
    *blocks = k.n == 2 ? k.size[0] : 1;
    return p.reduced.stride[0][0] == *columns && *blocks < 65536 &&
           (k.n == 1 || (k.stride[0][0] == *columns && k.stride[1][0] == p.count * *columns));
}

/* out = scale * (the inputs combined, from start on). */
template <class T, class C>
static int32_t reduce(td_run *r, const td_view *in, td_view *out, const td_dims_attrs *a, C combine, T start, T scale)
{
    const plan p = plan_of(in, out, a->dims ? a->dims : (1u << in->d.ndim) - 1, a->keepdim != 0);
    const T *x = data_of<T>(*in);
    T *y = data_of<T>(*out);
    int64_t blocks, columns;
    if (is_columns(p, &blocks, &columns))
        return fold_columns(r, blocks, p.count, columns, start, [=] __device__(int64_t i, int64_t) { return x[i]; },
                            combine, [=] __device__(int64_t o, T v) { y[o] = v * scale; });
    const walk<2> kept = p.kept;
    const walk<1> reduced = p.reduced;
    return fold(
        r, p.outs, p.count, start,
        [=] __device__(int64_t o, int64_t i) {
            int64_t base[2], at[1];
            kept.at(o, base);
            reduced.at(i, at);
            return x[base[1] + at[0]];
        },
        combine,
        [=] __device__(int64_t o, T v) {
            int64_t base[2];
            kept.at(o, base);
            y[base[0]] = v * scale;
        });
}

struct max_op { template <class T> __device__ T operator()(T a, T b) const { return b > a || isnan(b) ? b : a; } };

CUDA_KERNEL(sum) { return reduce<T>(r, in, out, (const td_dims_attrs *)attrs, plus_op(), 0, 1); }
CUDA_KERNEL(mean)
{
    const double share = (double)td_desc_numel(&out->d) / (double)td_desc_numel(&in->d);
    return reduce<T>(r, in, out, (const td_dims_attrs *)attrs, plus_op(), 0, (T)share);
}
CUDA_KERNEL(amax) { return reduce<T>(r, in, out, (const td_dims_attrs *)attrs, max_op(), (T)-INFINITY, 1); }

/* The largest so far and where; NaN counts as the largest, as in PyTorch; of equal ones the first. */
template <class T> struct best {
    T value;
    int64_t at; /* -1: none yet */
};

struct better {
    template <class T> __device__ static bool beats(best<T> b, best<T> a)
    {
        const bool a_nan = isnan(a.value), b_nan = isnan(b.value);
        if (a_nan || b_nan)
            return b_nan && (!a_nan || b.at < a.at);
        return b.value > a.value || (b.value == a.value && b.at < a.at);
    }
    template <class T> __device__ best<T> operator()(best<T> a, best<T> b) const
    {
        return a.at < 0 ? b : b.at < 0 ? a : beats(b, a) ? b : a;
    }
};

CUDA_KERNEL(argmax)
{
    const td_dim_attrs *a = (const td_dim_attrs *)attrs;
    const uint32_t dim = (uint32_t)(a->dim < 0 ? a->dim + in->d.ndim : a->dim);
    const plan p = plan_of(in, out, 1u << dim, false);
    const walk<2> kept = p.kept;
    const walk<1> reduced = p.reduced;
    const T *x = data_of<T>(*in);
    int64_t *y = data_of<int64_t>(*out);
    return fold(
        r, p.outs, p.count, best<T>{0, -1},
        [=] __device__(int64_t o, int64_t i) {
            int64_t base[2], at[1];
            kept.at(o, base);
            reduced.at(i, at);
            return best<T>{x[base[1] + at[0]], i};
        },
        better(),
        [=] __device__(int64_t o, best<T> b) {
            int64_t base[2];
            kept.at(o, base);
            y[base[0]] = b.at;
        });
}

const cuda_row cuda_reduce[] = {{"sum", sum}, {"mean", mean}, {"amax", amax}, {"argmax", argmax}, {NULL, NULL}};

/* Batch normalization (see host/ops/norm.c for the formulas).  A tensor is rows of channels, [M, C] in memory;
 * statistics, weights and their gradients are of the type T that is computed in, what has rows of the type S. */
#include "plugins/backends/cuda/fold.cuh"

/* Count, mean and sum of squared distances from the mean (Chan, Golub & LeVeque 1979: joined without cancellation). */
template <class T> struct moments {
    T n, mean, squares;
};

struct join_moments {
    template <class T> __device__ moments<T> operator()(moments<T> a, moments<T> b) const
    {
        const T n = a.n + b.n, d = b.mean - a.mean;
        if (n == 0)
            return a;
        return {n, a.mean + d * (b.n / n), a.squares + b.squares + d * d * (a.n * b.n / n)};
    }
};

/* Fills mean and inverse_std; in training from x, updating the running statistics, else from those. */
template <class T, class S>
static int32_t statistics(td_run *r, const td_view *in, td_view *out, const td_batch_norm_attrs *a, int64_t rows)
{
    const int64_t channels = in->d.shape[1];
    const S *x = data_of<S>(in[0]);
    const T momentum = (T)a->momentum, eps = (T)a->eps;
    T *running_mean = data_of<T>(in[3]), *running_var = data_of<T>(in[4]);
    T *mean = data_of<T>(out[1]), *inverse_std = data_of<T>(out[2]);
    if (!a->training)
        return each(r, channels, [=] __device__(int64_t c) {
            mean[c] = running_mean[c];
            inverse_std[c] = 1 / sqrt(running_var[c] + eps);
        });
    return fold_columns(
        r, 1, rows, channels, moments<T>{0, 0, 0},
        [=] __device__(int64_t i, int64_t) { return moments<T>{1, (T)x[i], 0}; }, join_moments(),
        [=] __device__(int64_t c, moments<T> m) {
            const T var = m.squares / (T)rows;
            mean[c] = m.mean;
            inverse_std[c] = 1 / sqrt(var + eps);
            if (running_mean) {
                running_mean[c] = (1 - momentum) * running_mean[c] + momentum * m.mean;
                running_var[c] = (1 - momentum) * running_var[c] + momentum * (m.squares / (T)(rows - 1));
            }
        });
}

/* Calls f(i, c) for the first element and channel of each pack of W: whole packs lie within a row. */
template <int W, class F> static int32_t each_pack(td_run *r, int64_t n, int64_t channels, F f)
{
    return each(r, n / W, [=] __device__(int64_t k) { f(k * W, k * W % channels); });
}

template <class T, class S, int W>
static int32_t normalize(td_run *r, const td_view *in, td_view *out, bool relu)
{
    const int64_t channels = in->d.shape[1];
    const T *weight = data_of<T>(in[1]), *bias = data_of<T>(in[2]);
    const T *mean = data_of<T>(out[1]), *inverse_std = data_of<T>(out[2]);
    const S *x = data_of<S>(in[0]), *residual = data_of<S>(in[5]);
    S *y = data_of<S>(out[0]);
    return each_pack<W>(r, td_desc_numel(&in->d), channels, [=] __device__(int64_t i, int64_t c) {
        const pack<S, W> from = pack<S, W>::at(x, i), beside = residual ? pack<S, W>::at(residual, i) : from;
        pack<S, W> to;
        for (int j = 0; j < W; j++, c++) {
            T v = ((T)from.v[j] - mean[c]) * inverse_std[c] * (weight ? weight[c] : (T)1) + (bias ? bias[c] : (T)0);
            v += residual ? (T)beside.v[j] : (T)0;
            to.v[j] = relu && v <= 0 ? (T)0 : v;
        }
        to.put(y, i);
    });
}

/* Normalized, scaled, shifted, the residual added, the ReLU taken: one pass. */
CUDA_KERNELS(batch_norm)
{
    const td_batch_norm_attrs *a = (const td_batch_norm_attrs *)attrs;
    const int64_t channels = in->d.shape[1], n = td_desc_numel(&in->d);
    if (!n || statistics<T, S>(r, in, out, a, n / channels))
        return n ? TD_ERROR : TD_OK;
    return channels % wide<S>::width ? normalize<T, S, 1>(r, in, out, a->relu != 0)
                                     : normalize<T, S, wide<S>::width>(r, in, out, a->relu != 0);
}

template <class T> struct two {
    T sum, dot;
};
struct add_two {
    template <class T> __device__ two<T> operator()(two<T> a, two<T> b) const { return {a.sum + b.sum, a.dot + b.dot}; }
};

/* gx, when gweight and gbias are known. */
template <class T, class S, int W> static int32_t to_input(td_run *r, const td_view *in, td_view *out, bool training, bool relu)
{
    const int64_t channels = in[1].d.shape[1], n = td_desc_numel(&in[1].d), rows = n / channels;
    const S *gy = data_of<S>(in[0]), *x = data_of<S>(in[1]), *y = relu ? data_of<S>(in[5]) : NULL;
    const T *weight = data_of<T>(in[2]), *mean = data_of<T>(in[3]), *inverse_std = data_of<T>(in[4]);
    const T *gweight = data_of<T>(out[1]), *gbias = data_of<T>(out[2]);
    S *gx = data_of<S>(out[0]);
    return each_pack<W>(r, n, channels, [=] __device__(int64_t i, int64_t c) {
        const pack<S, W> gs = pack<S, W>::at(gy, i), xs = pack<S, W>::at(x, i), ys = y ? pack<S, W>::at(y, i) : xs;
        pack<S, W> to;
        for (int j = 0; j < W; j++, c++) {
            T g = y && !((T)ys.v[j] > 0) ? (T)0 : (T)gs.v[j];
            if (training)
                g -= (gbias[c] + ((T)xs.v[j] - mean[c]) * inverse_std[c] * gweight[c]) / (T)rows;
            to.v[j] = (weight ? weight[c] : (T)1) * inverse_std[c] * g;
        }
        to.put(gx, i);
    });
}

CUDA_KERNELS(batch_norm_grad)
{
    const td_batch_norm_attrs *a = (const td_batch_norm_attrs *)attrs;
    const int64_t channels = in[1].d.shape[1], n = td_desc_numel(&in[1].d), rows = channels ? n / channels : 0;
    const S *gy = data_of<S>(in[0]), *x = data_of<S>(in[1]), *y = a->relu ? data_of<S>(in[5]) : NULL;
    const T *mean = data_of<T>(in[3]), *inverse_std = data_of<T>(in[4]);
    T *gweight = data_of<T>(out[1]), *gbias = data_of<T>(out[2]);
    const bool training = a->training != 0, relu = a->relu != 0;
    if (fold_columns(
            r, 1, rows, channels, two<T>{0, 0},
            [=] __device__(int64_t i, int64_t c) {
                const T g = y && !((T)y[i] > 0) ? (T)0 : (T)gy[i];
                return two<T>{g, g * ((T)x[i] - mean[c]) * inverse_std[c]};
            },
            add_two(),
            [=] __device__(int64_t c, two<T> s) {
                gweight[c] = s.dot;
                gbias[c] = s.sum;
            }))
        return TD_ERROR;
    if (!n)
        return TD_OK;
    return channels % wide<S>::width ? to_input<T, S, 1>(r, in, out, training, relu)
                                     : to_input<T, S, wide<S>::width>(r, in, out, training, relu);
}

#define ROWS(name) {#name, name}, {#name ".bf16", name##_half}
const cuda_row cuda_norm[] = {ROWS(batch_norm), ROWS(batch_norm_grad), {NULL, NULL}};

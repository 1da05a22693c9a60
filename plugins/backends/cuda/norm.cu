/* Batch normalization (see host/ops/norm.c for the formulas).  A tensor is rows of channels, [M, C] in memory. */
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
template <class T>
static int32_t statistics(td_run *r, const td_view *in, td_view *out, const td_batch_norm_attrs *a, int64_t rows)
{
    const int64_t channels = in->d.shape[1];
    const T *x = data_of<T>(in[0]), momentum = (T)a->momentum, eps = (T)a->eps;
    T *running_mean = data_of<T>(in[3]), *running_var = data_of<T>(in[4]);
    T *mean = data_of<T>(out[1]), *inverse_std = data_of<T>(out[2]);
    if (!a->training)
        return each(r, channels, [=] __device__(int64_t c) {
            mean[c] = running_mean[c];
            inverse_std[c] = 1 / sqrt(running_var[c] + eps);
        });
    return fold_columns(
        r, 1, rows, channels, moments<T>{0, 0, 0},
        [=] __device__(int64_t i, int64_t) { return moments<T>{1, x[i], 0}; }, join_moments(),
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

/* Normalized, scaled, shifted, the residual added, the ReLU taken: one pass. */
CUDA_KERNEL(batch_norm)
{
    const td_batch_norm_attrs *a = (const td_batch_norm_attrs *)attrs;
    const int64_t channels = in->d.shape[1], n = td_desc_numel(&in->d);
    if (!n || statistics<T>(r, in, out, a, n / channels))
        return n ? TD_ERROR : TD_OK;
    const T *x = data_of<T>(in[0]), *weight = data_of<T>(in[1]), *bias = data_of<T>(in[2]);
    const T *residual = data_of<T>(in[5]), *mean = data_of<T>(out[1]), *inverse_std = data_of<T>(out[2]);
    T *y = data_of<T>(out[0]);
    const bool relu = a->relu != 0;
    return each(r, n, [=] __device__(int64_t i) {
        const int64_t c = i % channels;
        T v = (x[i] - mean[c]) * inverse_std[c] * (weight ? weight[c] : (T)1) + (bias ? bias[c] : (T)0);
        v += residual ? residual[i] : (T)0;
        y[i] = relu && v <= 0 ? (T)0 : v;
    });
}

template <class T> struct two {
    T sum, dot;
};
struct add_two {
    template <class T> __device__ two<T> operator()(two<T> a, two<T> b) const { return {a.sum + b.sum, a.dot + b.dot}; }
};

CUDA_KERNEL(batch_norm_grad)
{
    const td_batch_norm_attrs *a = (const td_batch_norm_attrs *)attrs;
    const int64_t channels = in[1].d.shape[1], n = td_desc_numel(&in[1].d), rows = channels ? n / channels : 0;
    const T *gy = data_of<T>(in[0]), *x = data_of<T>(in[1]), *weight = data_of<T>(in[2]), *mean = data_of<T>(in[3]);
    const T *inverse_std = data_of<T>(in[4]), *y = a->relu ? data_of<T>(in[5]) : NULL;
    T *gx = data_of<T>(out[0]), *gweight = data_of<T>(out[1]), *gbias = data_of<T>(out[2]);
    const bool training = a->training != 0;
    if (fold_columns(
            r, 1, rows, channels, two<T>{0, 0},
            [=] __device__(int64_t i, int64_t c) {
                const T g = y && !(y[i] > 0) ? (T)0 : gy[i];
                return two<T>{g, g * (x[i] - mean[c]) * inverse_std[c]};
            },
            add_two(),
            [=] __device__(int64_t c, two<T> s) {
                gweight[c] = s.dot;
                gbias[c] = s.sum;
            }))
        return TD_ERROR;
    return each(r, n, [=] __device__(int64_t i) {
        const int64_t c = i % channels;
        T g = y && !(y[i] > 0) ? (T)0 : gy[i];
        if (training)
            g -= (gbias[c] + (x[i] - mean[c]) * inverse_std[c] * gweight[c]) / (T)rows;
        gx[i] = (weight ? weight[c] : (T)1) * inverse_std[c] * g;
    });
}

const cuda_row cuda_norm[] = {{"batch_norm", batch_norm}, {"batch_norm_grad", batch_norm_grad}, {NULL, NULL}};

/* Losses (see host/ops/loss.c for the formulas), each in one pass over its inputs. */
#include "plugins/backends/cuda/fold.cuh"

/* What the sum over all positions is multiplied by; `first` is the length of the first dimension. */
static double factor(const td_loss_attrs *a, int64_t count, int64_t first)
{
    return a->reduction == TD_MEAN ? 1 / (double)count : a->reduction == TD_BATCHMEAN ? 1 / (double)first : 1;
}

/* ---- losses of pairs of elements ---- */

template <class T, class F>
static int32_t pairs(td_run *r, const td_view *in, td_view *out, const void *attrs, F value)
{
    const td_loss_attrs *a = (const td_loss_attrs *)attrs;
    const int64_t count = td_desc_numel(&in->d);
    const T *x = data_of<T>(in[0]), *y = data_of<T>(in[1]), beta = (T)a->beta;
    T *z = data_of<T>(*out);
    if (a->reduction == TD_NO_REDUCTION)
        return each(r, count, [=] __device__(int64_t i) { z[i] = value(x[i], y[i], beta); });
    const T scale = (T)factor(a, count, in->d.ndim ? in->d.shape[0] : 1);
    return fold(
        r, 1, count, (T)0, [=] __device__(int64_t, int64_t i) { return value(x[i], y[i], beta); }, plus_op(),
        [=] __device__(int64_t, T sum) { z[0] = sum * scale; });
}

template <class T, class F>
static int32_t pair_grads(td_run *r, const td_view *in, td_view *out, const void *attrs, F slope)
{
    const td_loss_attrs *a = (const td_loss_attrs *)attrs;
    const int64_t count = td_desc_numel(&out->d), step = a->reduction == TD_NO_REDUCTION;
    const T *g = data_of<T>(in[0]), *x = data_of<T>(in[1]), *y = data_of<T>(in[2]), beta = (T)a->beta;
    const T scale = (T)factor(a, count, out->d.ndim ? out->d.shape[0] : 1);
    T *z = data_of<T>(*out);
    return each(r, count, [=] __device__(int64_t i) { z[i] = g[i * step] * scale * slope(x[i], y[i], beta); });
}

#define PAIR(op, how, formula)                                                                     \
    struct op##_fn {                                                                               \
        template <class T> __device__ T operator()(T x, T y, T beta) const                         \
        {                                                                                          \
            (void)beta;                                                                            \
            return formula;                                                                        \
        }                                                                                          \
    };                                                                                             \
    CUDA_KERNEL(op) { return how<T>(r, in, out, attrs, op##_fn()); }

template <class T> static __device__ T sign(T d) { return (T)((d > 0) - (d < 0)); }

PAIR(kl_div, pairs, y > 0 ? y * (log(y) - x) : y == 0 ? (T)0 : (T)NAN)
PAIR(kl_div_grad, pair_grads, -y + 0 * x)
PAIR(kl_div_target_grad, pair_grads, y > 0 ? log(y) + 1 - x : -x)
PAIR(mse_loss, pairs, (x - y) * (x - y))
PAIR(mse_loss_grad, pair_grads, 2 * (x - y))
PAIR(l1_loss, pairs, fabs(x - y))
PAIR(l1_loss_grad, pair_grads, sign(x - y))
PAIR(smooth_l1_loss, pairs, fabs(x - y) < beta ? (x - y) * (x - y) / (2 * beta) : fabs(x - y) - beta / 2)
PAIR(smooth_l1_loss_grad, pair_grads, fabs(x - y) < beta ? (x - y) / beta : sign(x - y))

/* ---- cross entropy: a warp for each row of classes, as channels-last memory has them for images too ---- */

template <class T> struct classes {
    const T *logits, *weight; /* weight NULL: ones */
    const int64_t *target;
    int64_t rows, n, ignore; /* n classes */
    T smoothing;
    cuda_fault *faults;

    __device__ T weight_of(int64_t k) const { return weight ? weight[k] : (T)1; }
    /* Whether row i counts. */
    __device__ bool counts(int64_t i) const
    {
        const int64_t k = target[i];
        if (k == ignore)
            return false;
        if (k >= 0 && k < n)
            return true;
        raise_fault(faults, CUDA_FAULT_TARGET, k, n);
        return false;
    }
    /* ln of the sum of e^x of row i, in every lane. */
    __device__ T log_sum_exp(int64_t i, int lane) const
    {
        T most = (T)-INFINITY, sum = 0;
        for (int64_t k = lane; k < n; k += 32)
            most = largest_op()(most, logits[i * n + k]);
        most = warp_all(most, largest_op());
        for (int64_t k = lane; k < n; k += 32)
            sum += exp(logits[i * n + k] - most);
        return most + log(warp_all(sum, plus_op()));
    }
};

template <class T> static classes<T> classes_of(const td_view *in, const td_loss_attrs *a)
{
    return {data_of<T>(in[0]),      data_of<T>(in[2]), data_of<int64_t>(in[1]),  td_desc_numel(&in[1].d),
            in[0].d.shape[1], a->ignore_index,   (T)a->label_smoothing, cuda_faults};
}

#define ROWS 4 /* warps in a block */

template <class F> __global__ void rows_kernel(int64_t rows, F f)
{
    for (int64_t i = (int64_t)blockIdx.x * ROWS + threadIdx.y; i < rows; i += (int64_t)gridDim.x * ROWS)
        f(i, (int)threadIdx.x);
}

/* Calls f(row, lane) with a whole warp for every row. */
template <class F> static int32_t each_row(td_run *r, int64_t rows, F f)
{
    const int64_t blocks = (rows + ROWS - 1) / ROWS;
    if (blocks)
        rows_kernel<<<(unsigned)(blocks < 65535 ? blocks : 65535), dim3(32, ROWS), 0, cuda_stream>>>(rows, f);
    return cuda_launched(r);
}

/* Losses of all rows, unweighted by the reduction. */
template <class T> static int32_t row_losses(td_run *r, const classes<T> &s, T *losses)
{
    return each_row(r, s.rows, [=] __device__(int64_t i, int lane) {
        const bool counts = s.counts(i); /* the same in all lanes */
        const T whole = s.log_sum_exp(i, lane);
        T spread = 0;
        for (int64_t k = lane; k < s.n && s.smoothing != 0; k += 32)
            spread += s.weight_of(k) * (whole - s.logits[i * s.n + k]);
        spread = warp_all(spread, plus_op());
        if (lane)
            return;
        const int64_t t = s.target[i];
        const T hard = counts ? s.weight_of(t) * (whole - s.logits[i * s.n + t]) : (T)0;
        losses[i] = counts ? (1 - s.smoothing) * hard + s.smoothing / (T)s.n * spread : (T)0;
    });
}

/* *total = sum of the weights of the rows that count. */
template <class T> static int32_t counted(td_run *r, const classes<T> &s, T *total)
{
    return fold(
        r, 1, s.rows, (T)0,
        [=] __device__(int64_t, int64_t i) { return s.counts(i) ? s.weight_of(s.target[i]) : (T)0; }, plus_op(),
        [=] __device__(int64_t, T sum) { *total = sum; });
}

CUDA_KERNEL(cross_entropy)
{
    const td_loss_attrs *a = (const td_loss_attrs *)attrs;
    const classes<T> s = classes_of<T>(in, a);
    T *y = data_of<T>(*out);
    if (a->reduction == TD_NO_REDUCTION)
        return row_losses(r, s, y);
    T *losses = (T *)td_host->run_scratch(r, (size_t)(s.rows + 1) * sizeof(T));
    if (!losses || row_losses(r, s, losses))
        return TD_ERROR;
    T *total = a->reduction == TD_MEAN ? losses + s.rows : NULL;
    if (total && counted(r, s, total))
        return TD_ERROR;
    const T scale = total ? (T)1 : (T)factor(a, s.rows, in->d.shape[0]);
    return fold(
        r, 1, s.rows, (T)0, [=] __device__(int64_t, int64_t i) { return losses[i]; }, plus_op(),
        [=] __device__(int64_t, T sum) { y[0] = total ? sum / *total : sum * scale; });
}

CUDA_KERNEL(cross_entropy_grad)
{
    const td_loss_attrs *a = (const td_loss_attrs *)attrs;
    const classes<T> s = classes_of<T>(in + 1, a);
    const T *g = data_of<T>(in[0]);
    T *gx = data_of<T>(*out), *sums = (T *)td_host->run_scratch(r, 2 * sizeof(T));
    if (!sums)
        return TD_ERROR;
    T *total = a->reduction == TD_MEAN ? sums : NULL, *weights = sums + 1;
    if (total && counted(r, s, total))
        return TD_ERROR;
    if (fold(
            r, 1, s.n, (T)0, [=] __device__(int64_t, int64_t k) { return s.weight_of(k); }, plus_op(),
            [=] __device__(int64_t, T sum) { *weights = sum; }))
        return TD_ERROR;
    const T scale = total ? (T)1 : (T)factor(a, s.rows, in[1].d.shape[0]);
    const int64_t step = a->reduction == TD_NO_REDUCTION;
    return each_row(r, s.rows, [=] __device__(int64_t i, int lane) {
        const bool counts = s.counts(i);
        const T whole = s.log_sum_exp(i, lane), up = total ? g[0] / *total : g[i * step] * scale;
        const int64_t t = s.target[i];
        for (int64_t k = lane; k < s.n; k += 32) {
            const T p = exp(s.logits[i * s.n + k] - whole);
            const T hard = counts ? s.weight_of(t) * (p - (T)(k == t)) : (T)0;
            const T spread = p * *weights - s.weight_of(k);
            const T slope = (1 - s.smoothing) * hard + s.smoothing / (T)s.n * spread;
            gx[i * s.n + k] = counts ? up * slope : (T)0;
        }
    });
}

#define ROW(name) {#name, name}
const cuda_row cuda_loss[] = {
    ROW(kl_div),         ROW(kl_div_grad),         ROW(kl_div_target_grad), ROW(mse_loss),           ROW(mse_loss_grad),
    ROW(l1_loss),        ROW(l1_loss_grad),        ROW(smooth_l1_loss),     ROW(smooth_l1_loss_grad), ROW(cross_entropy),
    ROW(cross_entropy_grad), {NULL, NULL},
};

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

/* ---- rows of n classes, as channels-last memory has them for images too: a warp each ---- */

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

/* ln of the softmax of a row at a temperature is (x - most) / T - log_sum. */
template <class T> struct softened {
    T most, log_sum, inverse; /* inverse: 1 / T */

    __device__ T ln(T x) const { return (x - most) * inverse - log_sum; }
};

/* In every lane of a warp. */
template <class T> static __device__ softened<T> soften(const T *row, int64_t n, T inverse, int lane)
{
    T most = (T)-INFINITY, sum = 0;
    for (int64_t k = lane; k < n; k += 32)
        most = largest_op()(most, row[k]);
    most = warp_all(most, largest_op());
    for (int64_t k = lane; k < n; k += 32)
        sum += exp((row[k] - most) * inverse);
    return {most, log(warp_all(sum, plus_op())), inverse};
}

/* ---- cross entropy ---- */

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
};

template <class T> static classes<T> classes_of(const td_view *in, const td_loss_attrs *a)
{
    return {data_of<T>(in[0]),      data_of<T>(in[2]), data_of<int64_t>(in[1]),  td_desc_numel(&in[1].d),
            in[0].d.shape[1], a->ignore_index,   (T)a->label_smoothing, cuda_faults};
}

/* A row's loss, and what it counts where the mean is taken. */
template <class T> struct counted {
    T loss, weight;
};
struct counted_sum {
    template <class T> __device__ counted<T> operator()(counted<T> a, counted<T> b) const
    {
        return {a.loss + b.loss, a.weight + b.weight};
    }
};

/* Calls store(row, counted) with all rows, unweighted by the reduction. */
template <class T, class S> static int32_t row_losses(td_run *r, const classes<T> &s, S store)
{
    return each_row(r, s.rows, [=] __device__(int64_t i, int lane) {
        const bool counts = s.counts(i); /* the same in all lanes */
        const softened<T> row = soften(s.logits + i * s.n, s.n, (T)1, lane);
        T spread = 0;
        for (int64_t k = lane; k < s.n && s.smoothing != 0; k += 32)
            spread -= s.weight_of(k) * row.ln(s.logits[i * s.n + k]);
        spread = warp_all(spread, plus_op());
        if (lane)
            return;
        const int64_t t = s.target[i];
        const T weight = counts ? s.weight_of(t) : (T)0;
        const T hard = counts ? -weight * row.ln(s.logits[i * s.n + t]) : (T)0;
        store(i, counted<T>{counts ? (1 - s.smoothing) * hard + s.smoothing / (T)s.n * spread : (T)0, weight});
    });
}

CUDA_KERNEL(cross_entropy)
{
    const td_loss_attrs *a = (const td_loss_attrs *)attrs;
    const classes<T> s = classes_of<T>(in, a);
    const bool mean = a->reduction == TD_MEAN;
    T *y = data_of<T>(*out);
    if (a->reduction == TD_NO_REDUCTION)
        return row_losses(r, s, [=] __device__(int64_t i, counted<T> row) { y[i] = row.loss; });
    counted<T> *rows = (counted<T> *)td_host->run_scratch(r, (size_t)s.rows * sizeof *rows);
    if (!rows || row_losses(r, s, [=] __device__(int64_t i, counted<T> row) { rows[i] = row; }))
        return TD_ERROR;
    const T scale = mean ? (T)1 : (T)factor(a, s.rows, in->d.shape[0]);
    return fold(
        r, 1, s.rows, counted<T>{0, 0}, [=] __device__(int64_t, int64_t i) { return rows[i]; }, counted_sum(),
        [=] __device__(int64_t, counted<T> all) { y[0] = mean ? all.loss / all.weight : all.loss * scale; });
}

/* *total = sum of the weights of the rows that count. */
template <class T> static int32_t sum_counted(td_run *r, const classes<T> &s, T *total)
{
    return fold(
        r, 1, s.rows, (T)0,
        [=] __device__(int64_t, int64_t i) { return s.counts(i) ? s.weight_of(s.target[i]) : (T)0; }, plus_op(),
        [=] __device__(int64_t, T sum) { *total = sum; });
}

CUDA_KERNEL(cross_entropy_grad)
{
    const td_loss_attrs *a = (const td_loss_attrs *)attrs;
    const classes<T> s = classes_of<T>(in + 1, a);
    const T *g = data_of<T>(in[0]);
    T *gx = data_of<T>(*out), *total = NULL;
    if (a->reduction == TD_MEAN) {
        total = (T *)td_host->run_scratch(r, sizeof *total);
        if (!total || sum_counted(r, s, total))
            return TD_ERROR;
    }
    const T scale = total ? (T)1 : (T)factor(a, s.rows, in[1].d.shape[0]);
    const int64_t step = a->reduction == TD_NO_REDUCTION;
    return each_row(r, s.rows, [=] __device__(int64_t i, int lane) {
        const bool counts = s.counts(i);
        const softened<T> row = soften(s.logits + i * s.n, s.n, (T)1, lane);
        const T up = total ? g[0] / *total : g[i * step] * scale;
        const int64_t t = s.target[i];
        T weights = 0;
        for (int64_t k = lane; k < s.n && s.smoothing != 0; k += 32)
            weights += s.weight_of(k);
        weights = warp_all(weights, plus_op());
        for (int64_t k = lane; k < s.n; k += 32) {
            const T p = exp(row.ln(s.logits[i * s.n + k]));
            const T hard = counts ? s.weight_of(t) * (p - (T)(k == t)) : (T)0;
            const T spread = p * weights - s.weight_of(k);
            const T slope = (1 - s.smoothing) * hard + s.smoothing / (T)s.n * spread;
            gx[i * s.n + k] = counts ? up * slope : (T)0;
        }
    });
}

/* One block, that counts are added up in a fixed order. */
#define COUNTERS 32 /* warps */

template <class T>
__global__ void count_kernel(const T *logits, const int64_t *target, int64_t rows, int64_t n, int64_t *counts)
{
    __shared__ int64_t right[COUNTERS][2];
    const int lane = threadIdx.x, warp = threadIdx.y;
    int64_t first = 0, five = 0;
    for (int64_t i = warp; i < rows; i += COUNTERS) {
        const int64_t y = target[i];
        if (y < 0 || y >= n)
            continue; /* the same in all lanes */
        const T *row = logits + i * n, own = row[y];
        int rank = 0;
        for (int64_t k = lane; k < n; k += 32)
            rank += k != y && !(row[k] < own || (row[k] == own && k > y));
        rank = warp_all(rank, plus_op());
        first += rank < 1;
        five += rank < 5;
    }
    if (lane == 0) {
        right[warp][0] = first;
        right[warp][1] = five;
    }
    __syncthreads();
    for (int w = 0; w < COUNTERS && warp == 0 && lane < 2; w++)
        counts[lane] += right[w][lane];
}

CUDA_KERNEL(count_correct)
{
    count_kernel<<<1, dim3(32, COUNTERS), 0, cuda_stream>>>(data_of<T>(in[0]), data_of<int64_t>(in[1]), in->d.shape[0],
                                                            in->d.shape[1], data_of<int64_t>(in[2]));
    return cuda_launched(r);
}

/* ---- divergence of two softmaxes ---- */

template <class T> struct soft {
    const T *s, *t, *g; /* g: of a gradient, one value an element (each) or one for all */
    int64_t rows, n, each;
    T inverse, scale; /* 1 / T; of the sum */

    /* Of element i, in a row that is softened to q and p: p (ln p - ln q), 0 where p is. */
    __device__ T term(int64_t i, softened<T> q, softened<T> p) const
    {
        const T ln = p.ln(t[i]), share = exp(ln);
        return share == 0 ? (T)0 : share * (ln - q.ln(s[i]));
    }
    __device__ T up(int64_t i) const { return g[i * each] * scale; }
};

template <class T> static soft<T> soft_of(const td_view *in, const T *g, const td_loss_attrs *a)
{
    const int64_t count = td_desc_numel(&in->d), n = in->d.shape[1];
    return {data_of<T>(in[0]), data_of<T>(in[1]), g, n ? count / n : 0, n, a->reduction == TD_NO_REDUCTION,
            (T)(1 / a->beta), (T)factor(a, count, in->d.shape[0])};
}

/* Calls f(first element, lane, q, p) with a warp for every row. */
template <class T, class F> static int32_t soft_rows(td_run *r, const soft<T> &x, F f)
{
    return each_row(r, x.rows, [=] __device__(int64_t i, int lane) {
        f(i * x.n, lane, soften(x.s + i * x.n, x.n, x.inverse, lane), soften(x.t + i * x.n, x.n, x.inverse, lane));
    });
}

CUDA_KERNEL(soft_kl)
{
    const soft<T> x = soft_of<T>(in, NULL, (const td_loss_attrs *)attrs);
    T *y = data_of<T>(*out);
    if (x.each)
        return soft_rows(r, x, [=] __device__(int64_t first, int lane, softened<T> q, softened<T> p) {
            for (int64_t i = first + lane; i < first + x.n; i += 32)
                y[i] = x.term(i, q, p);
        });
    T *losses = (T *)td_host->run_scratch(r, (size_t)x.rows * sizeof(T));
    if (!losses || soft_rows(r, x, [=] __device__(int64_t first, int lane, softened<T> q, softened<T> p) {
            T sum = 0;
            for (int64_t i = first + lane; i < first + x.n; i += 32)
                sum += x.term(i, q, p);
            sum = warp_all(sum, plus_op());
            if (lane == 0)
                losses[first / x.n] = sum;
        }))
        return TD_ERROR;
    return fold(
        r, 1, x.rows, (T)0, [=] __device__(int64_t, int64_t i) { return losses[i]; }, plus_op(),
        [=] __device__(int64_t, T sum) { y[0] = sum * x.scale; });
}

CUDA_KERNEL(soft_kl_grad)
{
    const soft<T> x = soft_of<T>(in + 1, data_of<T>(in[0]), (const td_loss_attrs *)attrs);
    T *gs = data_of<T>(*out);
    return soft_rows(r, x, [=] __device__(int64_t first, int lane, softened<T> q, softened<T> p) {
        T all = 0;
        for (int64_t i = first + lane; i < first + x.n; i += 32)
            all += x.up(i) * exp(p.ln(x.t[i]));
        all = warp_all(all, plus_op());
        for (int64_t i = first + lane; i < first + x.n; i += 32)
            gs[i] = x.inverse * (all * exp(q.ln(x.s[i])) - x.up(i) * exp(p.ln(x.t[i])));
    });
}

CUDA_KERNEL(soft_kl_target_grad)
{
    const soft<T> x = soft_of<T>(in + 1, data_of<T>(in[0]), (const td_loss_attrs *)attrs);
    T *gt = data_of<T>(*out);
    return soft_rows(r, x, [=] __device__(int64_t first, int lane, softened<T> q, softened<T> p) {
        T all = 0;
        for (int64_t i = first + lane; i < first + x.n; i += 32)
            all += x.up(i) * (x.term(i, q, p) + exp(p.ln(x.t[i])));
        all = warp_all(all, plus_op());
        for (int64_t i = first + lane; i < first + x.n; i += 32) {
            const T share = exp(p.ln(x.t[i]));
            gt[i] = x.inverse * (x.up(i) * (x.term(i, q, p) + share) - all * share);
        }
    });
}

#define ROW(name) {#name, name}
const cuda_row cuda_loss[] = {
    ROW(kl_div),        ROW(kl_div_grad),        ROW(kl_div_target_grad),  ROW(mse_loss),
    ROW(mse_loss_grad), ROW(l1_loss),            ROW(l1_loss_grad),        ROW(smooth_l1_loss),
    ROW(smooth_l1_loss_grad), ROW(cross_entropy), ROW(cross_entropy_grad), ROW(soft_kl),
    ROW(soft_kl_grad),  ROW(soft_kl_target_grad), ROW(count_correct), {NULL, NULL},
};

/* Batch normalization (see host/ops/norm.c for the formulas).  A tensor is rows of channels, [M, C] in memory, of which
 * a thread takes W adjacent elements; statistics, weights and their gradients are of the type T that is computed in,
 * what has rows of the type S. */
#include "plugins/backends/cuda/channels.cuh"

/* How many elements there are, and about the first of them their sum and that of their squares: a pivot from among them
 * costs no digits where the mean is large. */
template <class T> struct moments {
    T n, pivot, sum, squares;

    __device__ void add(T x)
    {
        pivot = n == 0 ? x : pivot;
        n += 1;
        sum += x - pivot;
        squares += (x - pivot) * (x - pivot);
    }
    __device__ T mean() const { return pivot + sum / n; }
    __device__ T about_mean() const { return squares - sum * (sum / n); }
};

/* Chan, Golub & LeVeque 1979: without cancellation, about the common mean. */
struct join_moments {
    template <class T> __device__ moments<T> operator()(moments<T> a, moments<T> b) const
    {
        if (a.n == 0 || b.n == 0)
            return a.n == 0 ? b : a;
        const T n = a.n + b.n, d = b.mean() - a.mean();
        return {n, a.mean() + d * (b.n / n), 0, a.about_mean() + b.about_mean() + d * d * (a.n * b.n / n)};
    }
};

/* Fills mean, inverse_std and scale = weight * inverse_std; in training from x, updating the running statistics, else
 * from those. */
template <class T, class S, int W>
static int32_t statistics(td_run *r, const td_view *in, td_view *out, const td_batch_norm_attrs *a, T *scale)
{
    const int64_t channels = in->d.shape[1], rows = td_desc_numel(&in->d) / channels;
    const S *x = data_of<S>(in[0]);
    const T momentum = (T)a->momentum, eps = (T)a->eps, *weight = data_of<T>(in[1]);
    T *running_mean = data_of<T>(in[3]), *running_var = data_of<T>(in[4]);
    T *mean = data_of<T>(out[1]), *inverse_std = data_of<T>(out[2]);
    const auto set = [=] __device__(int64_t c, T m, T var) {
        mean[c] = m;
        inverse_std[c] = 1 / sqrt(var + eps);
        scale[c] = (weight ? weight[c] : (T)1) * inverse_std[c];
    };
    if (!a->training)
        return each(r, channels, [=] __device__(int64_t c) { set(c, running_mean[c], running_var[c]); });
    return fold_channels<W>(
        r, rows, channels, moments<T>{0, 0, 0, 0},
        [=] __device__(moments<T>(&m)[W], int64_t i, int64_t) {
            const pack<S, W> p = pack<S, W>::at(x, i);
            for (int j = 0; j < W; j++)
                m[j].add((T)p.v[j]);
        },
        join_moments(),
        [=] __device__(int64_t c, moments<T> m) {
            const T squares = m.about_mean();
            set(c, m.mean(), squares / (T)rows);
            if (running_mean) {
                running_mean[c] = (1 - momentum) * running_mean[c] + momentum * m.mean();
                running_var[c] = (1 - momentum) * running_var[c] + momentum * (squares / (T)(rows - 1));
            }
        });
}

/* Calls f(i, c) for the first element and channel of each pack of W. */
template <int W, class F> static int32_t each_pack(td_run *r, int64_t n, int64_t channels, F f)
{
    return each(r, n / W, [=] __device__(int64_t k) { f(k * W, k * W % channels); });
}

/* Normalized, scaled, shifted, the residual added, the ReLU taken: one pass. */
template <class T, class S, int W>
static int32_t forward(td_run *r, const td_view *in, td_view *out, const td_batch_norm_attrs *a)
{
    const int64_t channels = in->d.shape[1], n = td_desc_numel(&in->d);
    T *scale = (T *)td_host->run_scratch(r, (size_t)channels * sizeof(T));
    if (!scale || statistics<T, S, W>(r, in, out, a, scale))
        return TD_ERROR;
    const S *x = data_of<S>(in[0]), *residual = data_of<S>(in[5]);
    const T *mean = data_of<T>(out[1]), *bias = data_of<T>(in[2]);
    S *y = data_of<S>(out[0]);
    const bool relu = a->relu != 0;
    return each_pack<W>(r, n, channels, [=] __device__(int64_t i, int64_t c) {
        typedef pack<T, W> numbers;
        const pack<S, W> from = pack<S, W>::at(x, i), beside = residual ? pack<S, W>::at(residual, i) : from;
        const numbers m = numbers::at(mean, c), s = numbers::at(scale, c), b = bias ? numbers::at(bias, c) : m;
        pack<S, W> to;
        for (int j = 0; j < W; j++) {
            T v = ((T)from.v[j] - m.v[j]) * s.v[j] + (bias ? b.v[j] : (T)0);
            v += residual ? (T)beside.v[j] : (T)0;
            to.v[j] = relu && v <= 0 ? (T)0 : v;
        }
        to.put(y, i);
    });
}

CUDA_KERNELS(batch_norm)
{
    const td_batch_norm_attrs *a = (const td_batch_norm_attrs *)attrs;
    const int W = wide<S>::width;
    if (!td_desc_numel(&in->d))
        return TD_OK;
    return in->d.shape[1] % W ? forward<T, S, 1>(r, in, out, a) : forward<T, S, W>(r, in, out, a);
}

template <class T> struct two {
    T sum, dot;
};
struct add_two {
    template <class T> __device__ two<T> operator()(two<T> a, two<T> b) const { return {a.sum + b.sum, a.dot + b.dot}; }
};

/* What the gradient of an input element is made of, a number each for each channel: scale (g - constant - (x - mean)
 * slope). */
template <class T> struct line {
    T *scale, *constant, *slope;
};

/* Fills gweight, gbias and l. */
template <class T, class S, int W>
static int32_t sums(td_run *r, const td_view *in, td_view *out, const td_batch_norm_attrs *a, line<T> l)
{
    const int64_t channels = in[1].d.shape[1], rows = td_desc_numel(&in[1].d) / channels;
    const S *gy = data_of<S>(in[0]), *x = data_of<S>(in[1]), *y = a->relu ? data_of<S>(in[5]) : NULL;
    const T *weight = data_of<T>(in[2]), *mean = data_of<T>(in[3]), *inverse_std = data_of<T>(in[4]);
    T *gweight = data_of<T>(out[1]), *gbias = data_of<T>(out[2]);
    const T share = a->training ? 1 / (T)rows : 0;
    return fold_channels<W>(
        r, rows, channels, two<T>{0, 0},
        [=] __device__(two<T>(&s)[W], int64_t i, int64_t c) {
            const pack<S, W> gs = pack<S, W>::at(gy, i), xs = pack<S, W>::at(x, i), ys = y ? pack<S, W>::at(y, i) : xs;
            const pack<T, W> m = pack<T, W>::at(mean, c);
            for (int j = 0; j < W; j++) {
                const T g = y && !((T)ys.v[j] > 0) ? (T)0 : (T)gs.v[j];
                s[j].sum += g;
                s[j].dot += g * ((T)xs.v[j] - m.v[j]);
            }
        },
        add_two(),
        [=] __device__(int64_t c, two<T> s) {
            gweight[c] = s.dot * inverse_std[c];
            gbias[c] = s.sum;
            l.scale[c] = (weight ? weight[c] : (T)1) * inverse_std[c];
            l.constant[c] = share * gbias[c];
            l.slope[c] = share * gweight[c] * inverse_std[c];
        });
}

/* Two passes: the sums, then the input's gradient. */
template <class T, class S, int W>
static int32_t backward(td_run *r, const td_view *in, td_view *out, const td_batch_norm_attrs *a)
{
    const int64_t channels = in[1].d.shape[1], n = td_desc_numel(&in[1].d);
    T *scratch = (T *)td_host->run_scratch(r, (size_t)channels * 3 * sizeof(T));
    const line<T> l = {scratch, scratch + channels, scratch + 2 * channels};
    if (!scratch || sums<T, S, W>(r, in, out, a, l))
        return TD_ERROR;
    const S *gy = data_of<S>(in[0]), *x = data_of<S>(in[1]), *y = a->relu ? data_of<S>(in[5]) : NULL;
    const T *mean = data_of<T>(in[3]);
    S *gx = data_of<S>(out[0]);
    return each_pack<W>(r, n, channels, [=] __device__(int64_t i, int64_t c) {
        typedef pack<T, W> numbers;
        const pack<S, W> gs = pack<S, W>::at(gy, i), xs = pack<S, W>::at(x, i), ys = y ? pack<S, W>::at(y, i) : xs;
        const numbers m = numbers::at(mean, c), scale = numbers::at(l.scale, c);
        const numbers constant = numbers::at(l.constant, c), slope = numbers::at(l.slope, c);
        pack<S, W> to;
        for (int j = 0; j < W; j++) {
            const T g = y && !((T)ys.v[j] > 0) ? (T)0 : (T)gs.v[j];
            to.v[j] = scale.v[j] * (g - constant.v[j] - ((T)xs.v[j] - m.v[j]) * slope.v[j]);
        }
        to.put(gx, i);
    });
}

CUDA_KERNELS(batch_norm_grad)
{
    const td_batch_norm_attrs *a = (const td_batch_norm_attrs *)attrs;
    const int64_t channels = in[1].d.shape[1];
    const int W = wide<S>::width;
    if (!channels)
        return TD_OK;
    return channels % W ? backward<T, S, 1>(r, in, out, a) : backward<T, S, W>(r, in, out, a);
}

/* ---- a norm with constant statistics after a convolution ---- */

template <class S>
static int32_t fold_norm_of(td_run *r, const td_view *in, double eps, td_view *weight, td_view *shift)
{
    const float *w = data_of<float>(in[1]), *bias = data_of<float>(in[2]), *gain = data_of<float>(in[3]);
    const float *offset = data_of<float>(in[4]), *mean = data_of<float>(in[5]), *var = data_of<float>(in[6]);
    S *scaled = data_of<S>(*weight), *added = data_of<S>(*shift);
    const int64_t n = td_desc_numel(&in[1].d), each_output = n / in[1].d.shape[0];
    const float least = (float)eps;
    return each(r, n, [=] __device__(int64_t i) {
        const int64_t o = i / each_output;
        const float scale = (gain ? gain[o] : 1) / sqrt(var[o] + least);
        scaled[i] = w[i] * scale;
        if (i % each_output == 0)
            added[o] = (offset ? offset[o] : 0) + ((bias ? bias[o] : 0) - mean[o]) * scale;
    });
}

int32_t cuda_fold_norm(td_run *r, const td_view *in, double eps, uint32_t dtype, td_view *weight, td_view *shift)
{
    *weight = in[1];
    *shift = in[5];
    weight->d.dtype = shift->d.dtype = dtype;
    weight->data = td_host->run_scratch(r, (size_t)(td_desc_numel(&in[1].d) * dtype_size(dtype)));
    shift->data = td_host->run_scratch(r, (size_t)(td_desc_numel(&in[5].d) * dtype_size(dtype)));
    if (!weight->data || !shift->data)
        return TD_ERROR;
    return dtype == TD_BFLOAT16 ? fold_norm_of<bf16>(r, in, eps, weight, shift)
                                : fold_norm_of<float>(r, in, eps, weight, shift);
}

template <class S>
static int32_t finish_of(td_run *r, td_view *out, const td_view *shift, const td_view *more, bool relu)
{
    const S *added = data_of<S>(*shift), *residual = data_of<S>(*more);
    const int64_t channels = out->d.shape[1];
    S *y = data_of<S>(*out);
    return each(r, td_desc_numel(&out->d), [=] __device__(int64_t i) {
        const float v = (float)y[i] + (float)added[i % channels] + (residual ? (float)residual[i] : 0.0f);
        y[i] = relu && v <= 0 ? 0.0f : v;
    });
}

int32_t cuda_finish(td_run *r, td_view *out, const td_view *shift, const td_view *residual, int32_t relu)
{
    return out->d.dtype == TD_BFLOAT16 ? finish_of<bf16>(r, out, shift, residual, relu != 0)
                                       : finish_of<float>(r, out, shift, residual, relu != 0);
}

#define ROWS(name) {#name, name}, {#name ".bf16", name##_half}
const cuda_row cuda_norm[] = {ROWS(batch_norm), ROWS(batch_norm_grad), {NULL, NULL}};

/* Matrix products and convolutions by their definitions, in double, under the names of cuBLAS and cuDNN.  What they
 * queue fills the workspace it was given, so that one which lives too short or serves two streams shows. */
#include <cublas_v2.h>
#include <cuda_bf16.h>
#include <cudnn.h>

#include <vector>

static double value(float x) { return x; }
static double value(double x) { return x; }
static double value(__nv_bfloat16 x) { return __bfloat162float(x); }
static void set(float &to, double x) { to = (float)x; }
static void set(double &to, double x) { to = x; }
static void set(__nv_bfloat16 &to, double x) { to = __float2bfloat16_rn((float)x); }

/* ---- cuBLAS ---- */

struct cublasContext {
    cudaStream_t stream;
    char *workspace;
    size_t bytes;
};

const char *cublasGetStatusName(cublasStatus_t s) { return s ? "CUBLAS_STATUS" : "CUBLAS_STATUS_SUCCESS"; }
const char *cublasGetStatusString(cublasStatus_t s) { return s ? "an error" : "success"; }

cublasStatus_t cublasCreate(cublasHandle_t *h)
{
    *h = new cublasContext{};
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasDestroy(cublasHandle_t h)
{
    delete h;
    return CUBLAS_STATUS_SUCCESS;
}

/* As in cuBLAS the workspace is then its own again. */
cublasStatus_t cublasSetStream(cublasHandle_t h, cudaStream_t s)
{
    *h = {s, nullptr, 0};
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetMathMode(cublasHandle_t, cublasMath_t) { return CUBLAS_STATUS_SUCCESS; }

cublasStatus_t cublasSetWorkspace(cublasHandle_t h, void *workspace, size_t bytes)
{
    h->workspace = (char *)workspace;
    h->bytes = bytes;
    return CUBLAS_STATUS_SUCCESS;
}

template <class T>
static cublasStatus_t gemm(cublasHandle_t h, cublasOperation_t a_op, cublasOperation_t b_op, int m, int n, int k,
                           double alpha, const T *a, int lda, long long a_step, const T *b, int ldb, long long b_step,
                           double beta, T *c, int ldc, long long c_step, int batch)
{
    if (lda < (a_op ? k : m) || ldb < (b_op ? n : k) || ldc < m || m < 0 || n < 0 || k < 0 || batch < 0 || beta != 0)
        return CUBLAS_STATUS_INVALID_VALUE;
    device::queue(h->stream, [=, workspace = h->workspace, bytes = h->bytes] {
        memset(workspace, 0xff, bytes / 1024);
        for (long long p = 0; p < batch; p++)
            for (long long j = 0; j < n; j++)
                for (long long i = 0; i < m; i++) {
                    double sum = 0;
                    for (long long q = 0; q < k; q++)
                        sum += value(a[p * a_step + (a_op ? i * lda + q : q * lda + i)]) *
                               value(b[p * b_step + (b_op ? q * ldb + j : j * ldb + q)]);
                    set(c[p * c_step + j * ldc + i], alpha * sum);
                }
    });
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSgemmStridedBatched(cublasHandle_t h, cublasOperation_t a_op, cublasOperation_t b_op, int m, int n,
                                         int k, const float *alpha, const float *a, int lda, long long a_step,
                                         const float *b, int ldb, long long b_step, const float *beta, float *c,
                                         int ldc, long long c_step, int batch)
{
    return gemm(h, a_op, b_op, m, n, k, *alpha, a, lda, a_step, b, ldb, b_step, *beta, c, ldc, c_step, batch);
}

cublasStatus_t cublasDgemmStridedBatched(cublasHandle_t h, cublasOperation_t a_op, cublasOperation_t b_op, int m, int n,
                                         int k, const double *alpha, const double *a, int lda, long long a_step,
                                         const double *b, int ldb, long long b_step, const double *beta, double *c,
                                         int ldc, long long c_step, int batch)
{
    return gemm(h, a_op, b_op, m, n, k, *alpha, a, lda, a_step, b, ldb, b_step, *beta, c, ldc, c_step, batch);
}

cublasStatus_t cublasGemmStridedBatchedEx(cublasHandle_t h, cublasOperation_t a_op, cublasOperation_t b_op, int m,
                                          int n, int k, const void *alpha, const void *a, cudaDataType a_type, int lda,
                                          long long a_step, const void *b, cudaDataType b_type, int ldb,
                                          long long b_step, const void *beta, void *c, cudaDataType c_type, int ldc,
                                          long long c_step, int batch, cublasComputeType_t compute, cublasGemmAlgo_t)
{
    if (a_type != CUDA_R_16BF || b_type != a_type || c_type != a_type || compute != CUBLAS_COMPUTE_32F)
        return CUBLAS_STATUS_INVALID_VALUE;
    return gemm(h, a_op, b_op, m, n, k, *(const float *)alpha, (const __nv_bfloat16 *)a, lda, a_step,
                (const __nv_bfloat16 *)b, ldb, b_step, *(const float *)beta, (__nv_bfloat16 *)c, ldc, c_step, batch);
}

/* ---- cuDNN ---- */

struct cudnnContext {
    cudaStream_t stream;
};
struct lengths {
    cudnnDataType_t type;
    int n, c, h, w;
    size_t count() const { return (size_t)n * c * h * w; }
};
struct cudnnTensorStruct {
    lengths is;
};
struct cudnnFilterStruct {
    lengths is;
};
struct cudnnActivationStruct {
};
struct cudnnConvolutionStruct {
    int padding[2], stride[2], dilation[2], groups;
    cudnnMathType_t math;
};

const char *cudnnGetErrorString(cudnnStatus_t s) { return s ? "CUDNN_STATUS" : "CUDNN_STATUS_SUCCESS"; }

cudnnStatus_t cudnnCreate(cudnnHandle_t *h)
{
    *h = new cudnnContext{};
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnDestroy(cudnnHandle_t h)
{
    delete h;
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnSetStream(cudnnHandle_t h, cudaStream_t s)
{
    h->stream = s;
    return CUDNN_STATUS_SUCCESS;
}

#define DESCRIPTOR(kind)                                                        \
    cudnnStatus_t cudnnCreate##kind##Descriptor(cudnn##kind##Descriptor_t *d)   \
    {                                                                           \
        *d = new cudnn##kind##Struct{};                                         \
        return CUDNN_STATUS_SUCCESS;                                            \
    }                                                                           \
    cudnnStatus_t cudnnDestroy##kind##Descriptor(cudnn##kind##Descriptor_t d)   \
    {                                                                           \
        delete d;                                                               \
        return CUDNN_STATUS_SUCCESS;                                            \
    }
DESCRIPTOR(Tensor)
DESCRIPTOR(Filter)
DESCRIPTOR(Convolution)
DESCRIPTOR(Activation)

static cudnnStatus_t positive(const lengths &l)
{
    return l.n > 0 && l.c > 0 && l.h > 0 && l.w > 0 ? CUDNN_STATUS_SUCCESS : CUDNN_STATUS_BAD_PARAM;
}

cudnnStatus_t cudnnSetTensor4dDescriptor(cudnnTensorDescriptor_t d, cudnnTensorFormat_t, cudnnDataType_t type, int n,
                                         int c, int h, int w)
{
    return positive(d->is = {type, n, c, h, w});
}

cudnnStatus_t cudnnSetFilter4dDescriptor(cudnnFilterDescriptor_t d, cudnnDataType_t type, cudnnTensorFormat_t, int k,
                                         int c, int h, int w)
{
    return positive(d->is = {type, k, c, h, w});
}

cudnnStatus_t cudnnSetConvolution2dDescriptor(cudnnConvolutionDescriptor_t d, int pad_h, int pad_w, int u, int v,
                                              int dilation_h, int dilation_w, cudnnConvolutionMode_t, cudnnDataType_t)
{
    *d = {{pad_h, pad_w}, {u, v}, {dilation_h, dilation_w}, 1, CUDNN_DEFAULT_MATH};
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnSetConvolutionGroupCount(cudnnConvolutionDescriptor_t d, int groups)
{
    d->groups = groups;
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnSetConvolutionMathType(cudnnConvolutionDescriptor_t d, cudnnMathType_t type)
{
    d->math = type;
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnSetActivationDescriptor(cudnnActivationDescriptor_t, cudnnActivationMode_t, cudnnNanPropagation_t,
                                           double)
{
    return CUDNN_STATUS_SUCCESS;
}

static bool fits(int out, int in, int kernel, const cudnnConvolutionStruct *c, int axis)
{
    return out == (in + 2 * c->padding[axis] - c->dilation[axis] * (kernel - 1) - 1) / c->stride[axis] + 1;
}

static bool matches(const lengths &x, const lengths &w, const lengths &y, const cudnnConvolutionStruct *c)
{
    return x.type == w.type && x.type == y.type && x.n == y.n && y.c == w.n && x.c == w.c * c->groups &&
           y.c % c->groups == 0 && fits(y.h, x.h, w.h, c, 0) && fits(y.w, x.w, w.w, c, 1);
}

#define WORKSPACE 256 /* bytes; what was asked for must be given */

/* The fastest first: one that does not repeat its bits, one for tensor cores, one that does; dilated groups lack it. */
static cudnnStatus_t ways(const lengths &x, const lengths &w, const lengths &y, const cudnnConvolutionStruct *c,
                          int *returned, cudnnConvolutionFwdAlgoPerf_t *results)
{
    const bool slow = c->groups > 1 && c->dilation[0] > 1;
    if (!matches(x, w, y, c))
        return CUDNN_STATUS_BAD_PARAM;
    results[0] = {0, CUDNN_STATUS_SUCCESS, 1, WORKSPACE, CUDNN_NON_DETERMINISTIC, CUDNN_FMA_MATH, {0}};
    results[1] = {7, CUDNN_STATUS_NOT_SUPPORTED, -1, 0, CUDNN_DETERMINISTIC, CUDNN_TENSOR_OP_MATH, {0}};
    results[2] = {1, CUDNN_STATUS_SUCCESS, 2, WORKSPACE, CUDNN_DETERMINISTIC, c->math, {0}};
    *returned = slow ? 2 : 3;
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnGetConvolutionForwardAlgorithm_v7(cudnnHandle_t, cudnnTensorDescriptor_t x,
                                                     cudnnFilterDescriptor_t w, cudnnConvolutionDescriptor_t conv,
                                                     cudnnTensorDescriptor_t y, int, int *returned,
                                                     cudnnConvolutionFwdAlgoPerf_t *results)
{
    return ways(x->is, w->is, y->is, conv, returned, results);
}

cudnnStatus_t cudnnGetConvolutionBackwardDataAlgorithm_v7(cudnnHandle_t, cudnnFilterDescriptor_t w,
                                                          cudnnTensorDescriptor_t y, cudnnConvolutionDescriptor_t conv,
                                                          cudnnTensorDescriptor_t x, int, int *returned,
                                                          cudnnConvolutionBwdDataAlgoPerf_t *results)
{
    return ways(x->is, w->is, y->is, conv, returned, results);
}

cudnnStatus_t cudnnGetConvolutionBackwardFilterAlgorithm_v7(cudnnHandle_t, cudnnTensorDescriptor_t x,
                                                            cudnnTensorDescriptor_t y,
                                                            cudnnConvolutionDescriptor_t conv,
                                                            cudnnFilterDescriptor_t w, int, int *returned,
                                                            cudnnConvolutionBwdFilterAlgoPerf_t *results)
{
    return ways(x->is, w->is, y->is, conv, returned, results);
}

/* Calls f(element of x, of w, of y) for all products of the convolution. */
template <class F>
static void products(const lengths &x, const lengths &w, const lengths &y, const cudnnConvolutionStruct &c, F f)
{
    const size_t ins = (size_t)w.c, outs = (size_t)y.c / c.groups;
    for (size_t p = 0; p < y.count(); p++) {
        const size_t o = p % y.c, ox = p / y.c % y.w, oy = p / y.c / y.w % y.h, n = p / y.c / y.w / y.h;
        for (int q = 0; q < w.h * w.w; q++) {
            const long iy = (long)oy * c.stride[0] - c.padding[0] + q / w.w * c.dilation[0];
            const long ix = (long)ox * c.stride[1] - c.padding[1] + q % w.w * c.dilation[1];
            if (iy < 0 || iy >= x.h || ix < 0 || ix >= x.w)
                continue;
            const size_t from = ((n * x.h + iy) * x.w + ix) * x.c + o / outs * ins, at = (o * w.h * w.w + q) * ins;
            for (size_t i = 0; i < ins; i++)
                f(from + i, at + i, p);
        }
    }
}

template <class T> static std::vector<double> read(const void *from, size_t n)
{
    std::vector<double> v(n);
    for (size_t i = 0; i < n; i++)
        v[i] = value(((const T *)from)[i]);
    return v;
}

/* to = alpha * the sums that add(sums, a, b) makes. */
template <class T, class F>
static void compute(double alpha, const void *a, size_t n_a, const void *b, size_t n_b, void *to, size_t n, F add)
{
    const std::vector<double> va = read<T>(a, n_a), vb = read<T>(b, n_b);
    std::vector<double> sums(n);
    add(sums, va, vb);
    for (size_t i = 0; i < n; i++)
        set(((T *)to)[i], alpha * sums[i]);
}

template <class F>
static cudnnStatus_t start(cudnnHandle_t h, const void *alpha, const void *beta, int algorithm, void *workspace,
                           size_t bytes, const lengths &la, const void *a, const lengths &lb, const void *b,
                           const lengths &l, void *to, bool matching, F add)
{
    const double scale = *(const float *)alpha;
    if (!matching || *(const float *)beta != 0 || algorithm != 1 || bytes < WORKSPACE || !workspace)
        return CUDNN_STATUS_BAD_PARAM;
    device::queue(h->stream, [=] {
        memset(workspace, 0xff, bytes);
        if (l.type == CUDNN_DATA_FLOAT)
            compute<float>(scale, a, la.count(), b, lb.count(), to, l.count(), add);
        else
            compute<__nv_bfloat16>(scale, a, la.count(), b, lb.count(), to, l.count(), add);
    });
    return CUDNN_STATUS_SUCCESS;
}

typedef std::vector<double> sums;

cudnnStatus_t cudnnConvolutionForward(cudnnHandle_t h, const void *alpha, cudnnTensorDescriptor_t x_desc, const void *x,
                                      cudnnFilterDescriptor_t w_desc, const void *w, cudnnConvolutionDescriptor_t conv,
                                      cudnnConvolutionFwdAlgo_t algorithm, void *workspace, size_t bytes,
                                      const void *beta, cudnnTensorDescriptor_t y_desc, void *y)
{
    const lengths lx = x_desc->is, lw = w_desc->is, ly = y_desc->is;
    return start(h, alpha, beta, algorithm, workspace, bytes, lx, x, lw, w, ly, y, matches(lx, lw, ly, conv),
                 [=, c = *conv](sums &to, const sums &vx, const sums &vw) {
                     products(lx, lw, ly, c, [&](size_t i, size_t k, size_t o) { to[o] += vx[i] * vw[k]; });
                 });
}

template <class T> static void finish(T *y, const T *z, double z_scale, const T *bias, const lengths &l)
{
    for (size_t i = 0; i < l.count(); i++) {
        const double v = value(y[i]) + value(bias[i % l.c]) + (z_scale != 0 ? z_scale * value(z[i]) : 0);
        set(y[i], v <= 0 ? 0 : v);
    }
}

/* Not for groups: what the backend does where there is none runs, too. */
cudnnStatus_t cudnnConvolutionBiasActivationForward(
    cudnnHandle_t h, const void *alpha1, cudnnTensorDescriptor_t x_desc, const void *x, cudnnFilterDescriptor_t w_desc,
    const void *w, cudnnConvolutionDescriptor_t conv, cudnnConvolutionFwdAlgo_t algorithm, void *workspace,
    size_t bytes, const void *alpha2, cudnnTensorDescriptor_t z_desc, const void *z, cudnnTensorDescriptor_t bias_desc,
    const void *bias, cudnnActivationDescriptor_t, cudnnTensorDescriptor_t y_desc, void *y)
{
    const float zero = 0, z_scale = *(const float *)alpha2;
    const lengths l = y_desc->is, lb = bias_desc->is;
    if (conv->groups > 1)
        return CUDNN_STATUS_NOT_SUPPORTED;
    if (lb.type != l.type || lb.c != l.c || lb.count() != (size_t)l.c || z_desc->is.count() != l.count())
        return CUDNN_STATUS_BAD_PARAM;
    const cudnnStatus_t s = cudnnConvolutionForward(h, alpha1, x_desc, x, w_desc, w, conv, algorithm, workspace, bytes,
                                                    &zero, y_desc, y);
    if (!s && l.type == CUDNN_DATA_FLOAT)
        device::queue(h->stream, [=] { finish((float *)y, (const float *)z, z_scale, (const float *)bias, l); });
    else if (!s)
        device::queue(h->stream, [=] {
            finish((__nv_bfloat16 *)y, (const __nv_bfloat16 *)z, z_scale, (const __nv_bfloat16 *)bias, l);
        });
    return s;
}

cudnnStatus_t cudnnConvolutionBackwardData(cudnnHandle_t h, const void *alpha, cudnnFilterDescriptor_t w_desc,
                                           const void *w, cudnnTensorDescriptor_t y_desc, const void *y,
                                           cudnnConvolutionDescriptor_t conv, cudnnConvolutionBwdDataAlgo_t algorithm,
                                           void *workspace, size_t bytes, const void *beta,
                                           cudnnTensorDescriptor_t x_desc, void *x)
{
    const lengths lx = x_desc->is, lw = w_desc->is, ly = y_desc->is;
    return start(h, alpha, beta, algorithm, workspace, bytes, lw, w, ly, y, lx, x, matches(lx, lw, ly, conv),
                 [=, c = *conv](sums &to, const sums &vw, const sums &vy) {
                     products(lx, lw, ly, c, [&](size_t i, size_t k, size_t o) { to[i] += vy[o] * vw[k]; });
                 });
}

cudnnStatus_t cudnnConvolutionBackwardFilter(cudnnHandle_t h, const void *alpha, cudnnTensorDescriptor_t x_desc,
                                             const void *x, cudnnTensorDescriptor_t y_desc, const void *y,
                                             cudnnConvolutionDescriptor_t conv,
                                             cudnnConvolutionBwdFilterAlgo_t algorithm, void *workspace, size_t bytes,
                                             const void *beta, cudnnFilterDescriptor_t w_desc, void *w)
{
    const lengths lx = x_desc->is, lw = w_desc->is, ly = y_desc->is;
    return start(h, alpha, beta, algorithm, workspace, bytes, lx, x, ly, y, lw, w, matches(lx, lw, ly, conv),
                 [=, c = *conv](sums &to, const sums &vx, const sums &vy) {
                     products(lx, lw, ly, c, [&](size_t i, size_t k, size_t o) { to[k] += vx[i] * vy[o]; });
                 });
}

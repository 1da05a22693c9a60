/* Convolutions through cuDNN's descriptors, channels-last, in float32 and bfloat16; everything of cuDNN is in this
 * file.  How a shape is computed is decided once and kept: the fastest deterministic way that cuDNN's heuristics name. */
#include "plugins/backends/cuda/cuda.h"

#include <cudnn.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <td/plugin.h>

enum direction { FORWARD, TO_INPUT, TO_WEIGHT, FINISHED }; /* FINISHED: forward, a shift and a residual added, ReLU */

/* A convolution x * w -> y, whichever of the three is computed. */
typedef struct shape {
    int32_t direction;
    int32_t half; /* bfloat16 with sums in float32, else float32 */
    int32_t x[4], w[4], y[4]; /* logical: N, C, H, W and O, C/groups, H, W */
    int32_t stride[2], padding[2], dilation[2], groups;
} shape;

typedef struct plan {
    shape key;
    struct plan *next;
    cudnnTensorDescriptor_t x, y, shift; /* shift, relu: of FINISHED */
    cudnnActivationDescriptor_t relu;
    cudnnFilterDescriptor_t w;
    cudnnConvolutionDescriptor_t conv;
    int algorithm; /* of the direction's enum, or DIRECT */
    size_t workspace;
} plan;

#define DIRECT (-1) /* cuDNN has none: by definition (direct.cu) */
#define LEFT 1      /* what running such a plan returns */
#define SLOTS 256
static cudnnHandle_t handles[2]; /* of each branch */
static plan *plans[SLOTS];
static const char *const names[] = {"convolution", "convolution's input gradient", "convolution's weight gradient",
                                    "normalized convolution"};
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* the handle and the plans */

int32_t cuda_cudnn_open(char *why, size_t why_size)
{
    cudnnStatus_t s = CUDNN_STATUS_SUCCESS;
    int32_t failed = TD_OK;
    for (int side = 0; side < 2 && !s && !failed; side++) {
        failed = side ? cuda_branch(TD_BRANCH_SIDE) : TD_OK;
        s = cudnnCreate(&handles[side]);
        if (!s)
            s = cudnnSetStream(handles[side], cuda_stream);
    }
    if (!cuda_branch(TD_BRANCH_JOIN) && !failed && !s)
        return TD_OK;
    snprintf(why, why_size, "cuDNN: %s", cudnnGetErrorString(s));
    return TD_ERROR;
}

static void free_plan(plan *p)
{
    if (p->x)
        cudnnDestroyTensorDescriptor(p->x);
    if (p->y)
        cudnnDestroyTensorDescriptor(p->y);
    if (p->shift)
        cudnnDestroyTensorDescriptor(p->shift);
    if (p->relu)
        cudnnDestroyActivationDescriptor(p->relu);
    if (p->w)
        cudnnDestroyFilterDescriptor(p->w);
    if (p->conv)
        cudnnDestroyConvolutionDescriptor(p->conv);
    free(p);
}

void cuda_cudnn_close(void)
{
    for (size_t i = 0; i < SLOTS; i++)
        for (plan *p; (p = plans[i]);) {
            plans[i] = p->next;
            free_plan(p);
        }
    for (int side = 0; side < 2; side++) {
        if (handles[side])
            cudnnDestroy(handles[side]);
        handles[side] = NULL;
    }
}

/* ---- plans ---- */

static cudnnStatus_t describe_finish(plan *p, cudnnDataType_t type)
{
    cudnnStatus_t s = cudnnCreateTensorDescriptor(&p->shift);
    if (!s)
        s = cudnnCreateActivationDescriptor(&p->relu);
    if (!s)
        s = cudnnSetTensor4dDescriptor(p->shift, CUDNN_TENSOR_NHWC, type, 1, p->key.y[1], 1, 1);
    if (!s)
        s = cudnnSetActivationDescriptor(p->relu, CUDNN_ACTIVATION_RELU, CUDNN_PROPAGATE_NAN, 0);
    return s;
}

static cudnnStatus_t describe(plan *p)
{
    const shape *k = &p->key;
    const int32_t *x = k->x, *w = k->w, *y = k->y;
    const cudnnDataType_t type = k->half ? CUDNN_DATA_BFLOAT16 : CUDNN_DATA_FLOAT;
    cudnnStatus_t s = cudnnCreateTensorDescriptor(&p->x);
    if (!s)
        s = cudnnCreateTensorDescriptor(&p->y);
    if (!s)
        s = cudnnCreateFilterDescriptor(&p->w);
    if (!s)
        s = cudnnCreateConvolutionDescriptor(&p->conv);
    if (!s)
        s = cudnnSetTensor4dDescriptor(p->x, CUDNN_TENSOR_NHWC, type, x[0], x[1], x[2], x[3]);
    if (!s)
        s = cudnnSetTensor4dDescriptor(p->y, CUDNN_TENSOR_NHWC, type, y[0], y[1], y[2], y[3]);
    if (!s)
        s = cudnnSetFilter4dDescriptor(p->w, type, CUDNN_TENSOR_NHWC, w[0], w[1], w[2], w[3]);
    if (!s)
        s = cudnnSetConvolution2dDescriptor(p->conv, k->padding[0], k->padding[1], k->stride[0], k->stride[1],
                                            k->dilation[0], k->dilation[1], CUDNN_CROSS_CORRELATION, CUDNN_DATA_FLOAT);
    if (!s)
        s = cudnnSetConvolutionGroupCount(p->conv, k->groups);
    if (!s)
        s = cudnnSetConvolutionMathType(p->conv, k->half        ? CUDNN_TENSOR_OP_MATH
                                                 : cuda_tf32() ? CUDNN_DEFAULT_MATH
                                                               : CUDNN_FMA_MATH);
    return s || k->direction != FINISHED ? s : describe_finish(p, type);
}

/* Takes the first of what the heuristics return that works, repeats its bits, and is not for tensor cores unless TF32
 * is asked for. */
#define CHOOSE(perf_type, query, ...)                                                               \
    do {                                                                                            \
        perf_type found[16];                                                                        \
        int n = 0;                                                                                  \
        cudnnStatus_t s = query(handles[cuda_side], __VA_ARGS__, 16, &n, found);                                \
        for (int i = 0; !s && i < n; i++)                                                           \
            if (!found[i].status && found[i].determinism == CUDNN_DETERMINISTIC &&                  \
                (p->key.half || cuda_tf32() || found[i].mathType == CUDNN_FMA_MATH ||                              \
                 found[i].mathType == CUDNN_DEFAULT_MATH)) {                                        \
                p->algorithm = (int)found[i].algo;                                                  \
                p->workspace = found[i].memory;                                                     \
                /* The way is there for this arithmetic; in float32 FMA, which was asked for, stays. */     \
                return !p->key.half ? CUDNN_STATUS_SUCCESS                                          \
                                    : cudnnSetConvolutionMathType(p->conv, found[i].mathType);      \
            }                                                                                       \
        return s ? s : CUDNN_STATUS_NOT_SUPPORTED;                                                  \
    } while (0)

static cudnnStatus_t choose(plan *p)
{
    if (p->key.direction == FORWARD || p->key.direction == FINISHED)
        CHOOSE(cudnnConvolutionFwdAlgoPerf_t, cudnnGetConvolutionForwardAlgorithm_v7, p->x, p->w, p->conv, p->y);
    if (p->key.direction == TO_INPUT)
        CHOOSE(cudnnConvolutionBwdDataAlgoPerf_t, cudnnGetConvolutionBackwardDataAlgorithm_v7, p->w, p->y, p->conv,
               p->x);
    CHOOSE(cudnnConvolutionBwdFilterAlgoPerf_t, cudnnGetConvolutionBackwardFilterAlgorithm_v7, p->x, p->y, p->conv,
           p->w);
}

static size_t slot_of(const shape *k)
{
    const unsigned char *bytes = (const void *)k; /* without padding: all int32 */
    uint32_t h = 2166136261u;                     /* FNV-1a */
    for (size_t i = 0; i < sizeof *k; i++)
        h = (h ^ bytes[i]) * 16777619u;
    return h % SLOTS;
}

/* The plan of a shape, made where there is none yet; NULL: *s says why. */
static plan *plan_for(const shape *k, cudnnStatus_t *s)
{
    plan **slot = &plans[slot_of(k)], *p = *slot;
    while (p && memcmp(&p->key, k, sizeof *k))
        p = p->next;
    if (p)
        return p;
    p = calloc(1, sizeof *p);
    *s = p ? CUDNN_STATUS_SUCCESS : CUDNN_STATUS_ALLOC_FAILED;
    if (!p)
        return NULL;
    p->key = *k;
    *s = describe(p);
    if (!*s)
        *s = choose(p);
    if (*s == CUDNN_STATUS_NOT_SUPPORTED && k->direction == FINISHED) {
        p->algorithm = DIRECT;
        *s = CUDNN_STATUS_SUCCESS;
    } else if (*s == CUDNN_STATUS_NOT_SUPPORTED) {
        td_message(NULL, TD_LOG_WARN,
                   "cuda: cuDNN has no deterministic %s of %dx%dx%dx%d by %dx%dx%dx%d: a slow kernel is used",
                   names[k->direction], k->x[0], k->x[1], k->x[2], k->x[3], k->w[0], k->w[1], k->w[2], k->w[3]);
        p->algorithm = DIRECT;
        *s = CUDNN_STATUS_SUCCESS;
    }
    if (*s) {
        free_plan(p);
        return NULL;
    }
    p->next = *slot;
    *slot = p;
    return p;
}

/* ---- running ---- */

/* The convolution with what is added to it: x, weight, shift, residual. */
static cudnnStatus_t execute_finished(const plan *p, const td_view *in, const td_view *y, void *workspace)
{
    const float one = 1, zero = 0;
    void *residual = in[3].data;
    return cudnnConvolutionBiasActivationForward(
        handles[cuda_side], &one, p->x, in[0].data, p->w, in[1].data, p->conv, (cudnnConvolutionFwdAlgo_t)p->algorithm,
        workspace, p->workspace, residual ? &one : &zero, p->y, residual ? residual : y->data, p->shift, in[2].data,
        p->relu, p->y, y->data);
}

static cudnnStatus_t execute(const plan *p, void *x, void *w, void *y, void *workspace)
{
    const float one = 1, zero = 0;
    const cudnnHandle_t handle = handles[cuda_side];
    switch (p->key.direction) {
    case FORWARD:
        return cudnnConvolutionForward(handle, &one, p->x, x, p->w, w, p->conv, (cudnnConvolutionFwdAlgo_t)p->algorithm,
                                       workspace, p->workspace, &zero, p->y, y);
    case TO_INPUT:
        return cudnnConvolutionBackwardData(handle, &one, p->w, w, p->y, y, p->conv,
                                            (cudnnConvolutionBwdDataAlgo_t)p->algorithm, workspace, p->workspace, &zero,
                                            p->x, x);
    default:
        return cudnnConvolutionBackwardFilter(handle, &one, p->x, x, p->y, y, p->conv,
                                              (cudnnConvolutionBwdFilterAlgo_t)p->algorithm, workspace, p->workspace,
                                              &zero, p->w, w);
    }
}

/* Runs the shape's plan under the lock: 0, or the failure is recorded in r, or LEFT and nothing is done.  At x begin
 * the inputs of execute_finished. */
static int32_t run_locked(td_run *r, const shape *k, const td_view *x, const td_view *w, const td_view *y)
{
    cudnnStatus_t s = CUDNN_STATUS_SUCCESS;
    plan *p = plan_for(k, &s);
    if (p && p->algorithm == DIRECT)
        return LEFT;
    void *workspace = p && p->workspace ? td_host->run_scratch(r, p->workspace) : NULL;
    if (p && p->workspace && !workspace)
        return TD_ERROR;
    if (p)
        s = k->direction == FINISHED ? execute_finished(p, x, y, workspace)
                                     : execute(p, x->data, w->data, y->data, workspace);
    if (!s)
        return cuda_launched(r);
    if (s == CUDNN_STATUS_NOT_SUPPORTED && k->direction == FINISHED) {
        p->algorithm = DIRECT;
        return LEFT;
    }
    td_host->run_fail(r, "cuDNN cannot do the %s of input %dx%dx%dx%d and weight %dx%dx%dx%d: %s",
                      names[k->direction], k->x[0], k->x[1], k->x[2], k->x[3], k->w[0], k->w[1], k->w[2], k->w[3],
                      cudnnGetErrorString(s));
    return TD_ERROR;
}

/* Lengths as cuDNN takes them: 0, or a failure recorded in r. */
static int32_t narrow(td_run *r, const int64_t *from, int32_t *to, int n)
{
    for (int i = 0; i < n; i++) {
        if (from[i] > INT32_MAX) {
            td_host->run_fail(r, "a length of %lld; cuDNN takes at most %d", (long long)from[i], INT32_MAX);
            return TD_ERROR;
        }
        to[i] = (int32_t)from[i];
    }
    return TD_OK;
}

/* One of x, w and y from the two others, in float32 or bfloat16. */
static int32_t run(td_run *r, int32_t direction, const td_conv2d_attrs *a, const td_view *x, const td_view *w,
                   const td_view *y)
{
    shape k = {.direction = direction, .half = x->d.dtype == TD_BFLOAT16};
    if (x->d.dtype == TD_FLOAT64)
        return LEFT;
    if (narrow(r, x->d.shape, k.x, 4) || narrow(r, w->d.shape, k.w, 4) || narrow(r, y->d.shape, k.y, 4) ||
        narrow(r, a->stride, k.stride, 2) || narrow(r, a->padding, k.padding, 2) ||
        narrow(r, a->dilation, k.dilation, 2) || narrow(r, &a->groups, &k.groups, 1))
        return TD_ERROR;
    pthread_mutex_lock(&lock);
    int32_t failed = run_locked(r, &k, x, w, y);
    pthread_mutex_unlock(&lock);
    return failed;
}

/* A weight's gradient is float32, but cuDNN gives it in the type of its factors. */
static int32_t run_to_weight(td_run *r, const td_conv2d_attrs *a, const td_view *x, const td_view *w, const td_view *y)
{
    td_view half = *w;
    if (x->d.dtype != TD_BFLOAT16)
        return run(r, TO_WEIGHT, a, x, w, y);
    half.d.dtype = TD_BFLOAT16;
    half.data = td_host->run_scratch(r, (size_t)td_desc_numel(&w->d) * sizeof(uint16_t));
    int32_t left = half.data ? run(r, TO_WEIGHT, a, x, &half, y) : TD_ERROR;
    td_view whole = *w;
    return left ? left : cuda_cast[0].run(r, &half, &whole, NULL);
}

/* Nothing to sum: the result, if there is any, is zeros. */
static int is_empty(const td_view *a, const td_view *b) { return !td_desc_numel(&a->d) || !td_desc_numel(&b->d); }

static int32_t zeros(td_run *r, const td_view *out)
{
    const size_t size = out->d.dtype == TD_FLOAT64 ? 8 : out->d.dtype == TD_FLOAT32 ? 4 : 2;
    cudaMemsetAsync(out->data, 0, (size_t)td_desc_numel(&out->d) * size, cuda_stream);
    return cuda_launched(r);
}

static int computes(td_run *r, const td_view *v)
{
    if (v->d.dtype <= TD_BFLOAT16)
        return 1;
    td_host->run_fail(r, "the cuda backend does not compute in dtype %u", v->d.dtype);
    return 0;
}

static int32_t forward(td_run *r, const td_view *in, td_view *out, const td_conv2d_attrs *a)
{
    if (!computes(r, in))
        return TD_ERROR;
    if (is_empty(&in[0], &in[1]))
        return zeros(r, out);
    int32_t left = run(r, FORWARD, a, &in[0], &in[1], out);
    return left == LEFT ? cuda_direct_conv2d(r, in, out, a) : left;
}

static int32_t to_input(td_run *r, const td_view *in, td_view *out, const td_conv2d_attrs *a)
{
    if (!computes(r, in))
        return TD_ERROR;
    if (is_empty(&in[0], &in[1]))
        return zeros(r, out);
    int32_t left = run(r, TO_INPUT, a, out, &in[1], &in[0]);
    return left == LEFT ? cuda_direct_input_grad(r, in, out, a) : left;
}

static int32_t to_weight(td_run *r, const td_view *in, td_view *out, const td_conv2d_attrs *a)
{
    if (!computes(r, in))
        return TD_ERROR;
    if (is_empty(&in[0], &in[1]))
        return zeros(r, out);
    int32_t left = run_to_weight(r, a, &in[0], out, &in[1]);
    return left == LEFT ? cuda_direct_weight_grad(r, in, out, a) : left;
}

static int32_t with_bias(td_run *r, int32_t failed, const td_view *bias, td_view *out)
{
    return failed || !bias->data ? failed : cuda_add_bias(r, out, bias);
}

/* ---- the op table's rows; the types are the views' ---- */

static int32_t conv2d(td_run *r, const td_view *in, td_view *out, const void *attrs)
{
    return with_bias(r, forward(r, in, out, attrs), &in[2], out);
}

/* With a ReLU in one call where cuDNN has one for the shape, else the convolution and a pass that finishes it. */
static int32_t conv2d_norm(td_run *r, const td_view *in, td_view *out, const void *attrs)
{
    const td_conv_norm_attrs *a = attrs;
    td_view folded[4] = {in[0], in[1], in[5], in[7]}; /* x, weight, shift, residual */
    if (cuda_fold_norm(r, in, a->eps, out->d.dtype, &folded[1], &folded[2]))
        return TD_ERROR;
    const int whole = a->relu && !is_empty(&in[0], &in[1]);
    const int32_t left = whole ? run(r, FINISHED, &a->conv, folded, &folded[1], out) : LEFT;
    if (left != LEFT)
        return left;
    return forward(r, folded, out, &a->conv) ? TD_ERROR : cuda_finish(r, out, &folded[2], &folded[3], a->relu);
}

static int32_t conv_transpose2d(td_run *r, const td_view *in, td_view *out, const void *attrs)
{
    return with_bias(r, to_input(r, in, out, attrs), &in[2], out);
}

static int32_t conv2d_input_grad(td_run *r, const td_view *in, td_view *out, const void *attrs)
{
    return to_input(r, in, out, &((const td_conv2d_grad_attrs *)attrs)->conv);
}

static int32_t conv2d_weight_grad(td_run *r, const td_view *in, td_view *out, const void *attrs)
{
    return to_weight(r, in, out, &((const td_conv2d_grad_attrs *)attrs)->conv);
}

#define ROWS(name) {#name, name}, {#name ".bf16", name}
const cuda_row cuda_conv[] = {
    ROWS(conv2d),
    ROWS(conv2d_norm),
    ROWS(conv_transpose2d),
    ROWS(conv2d_input_grad),
    ROWS(conv2d_weight_grad),
    {NULL, NULL},
};

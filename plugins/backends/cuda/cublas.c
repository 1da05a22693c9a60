/* Matrix products through cuBLAS.  cuBLAS is column-major: a row-major [m, n] is its [n, m], so the operands swap. */
#include "plugins/backends/cuda/cuda.h"

#include <cublas_v2.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <td/kinds.h>

#define WORKSPACE ((size_t)32 << 20) /* one a stream: products are then the same bits every time */

static cublasHandle_t handles[2]; /* of each branch */
static void *workspaces[2];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* a handle serves one thread at a time */

/* For the stream of the branch at work. */
static cublasStatus_t open_handle(cublasHandle_t *handle, void **workspace)
{
    cublasStatus_t s = cublasCreate(handle);
    if (!s)
        s = cublasSetStream(*handle, cuda_stream);
    if (!s)
        s = cublasSetMathMode(*handle, cuda_tf32() ? CUBLAS_TF32_TENSOR_OP_MATH : CUBLAS_DEFAULT_MATH);
    if (!s && !(*workspace = cuda_alloc(WORKSPACE)))
        s = CUBLAS_STATUS_ALLOC_FAILED;
    if (!s)
        s = cublasSetWorkspace(*handle, *workspace, WORKSPACE);
    return s;
}

int32_t cuda_cublas_open(char *why, size_t why_size)
{
    cublasStatus_t s = open_handle(&handles[0], &workspaces[0]);
    if (!s && !cuda_branch(TD_BRANCH_SIDE))
        s = open_handle(&handles[1], &workspaces[1]);
    if (cuda_branch(TD_BRANCH_JOIN) && !s)
        s = CUBLAS_STATUS_EXECUTION_FAILED;
    if (!s)
        return TD_OK;
    snprintf(why, why_size, "cuBLAS: %s: %s", cublasGetStatusName(s), cublasGetStatusString(s));
    return TD_ERROR;
}

void cuda_cublas_close(void)
{
    for (int i = 0; i < 2; i++) {
        if (handles[i])
            cublasDestroy(handles[i]);
        if (workspaces[i])
            cuda_free(workspaces[i], WORKSPACE);
        handles[i] = NULL;
        workspaces[i] = NULL;
    }
}

/* out [b, m, n] = x y, row-major, with x [b, m, k] and y [b, k, n], either stored with its last two swapped. */
struct product {
    int64_t batch, m, n, k;
    int x_swapped, y_swapped;
};

static cublasStatus_t multiply(const struct product *p, const td_view *x, const td_view *y, td_view *out)
{
    const cublasHandle_t handle = handles[cuda_side];
    const cublasOperation_t x_op = p->x_swapped ? CUBLAS_OP_T : CUBLAS_OP_N;
    const cublasOperation_t y_op = p->y_swapped ? CUBLAS_OP_T : CUBLAS_OP_N;
    const int m = (int)p->m, n = (int)p->n, k = (int)p->k, batch = (int)p->batch;
    const int x_lead = p->x_swapped ? m : k, y_lead = p->y_swapped ? k : n;
    if (out->d.dtype == TD_FLOAT64) {
        const double one = 1, zero = 0;
        return cublasDgemmStridedBatched(handle, y_op, x_op, n, m, k, &one, y->data, y_lead, p->k * p->n, x->data,
                                         x_lead, p->m * p->k, &zero, out->data, n, p->m * p->n, batch);
    }
    const float one = 1, zero = 0;
    if (out->d.dtype == TD_BFLOAT16)
        return cublasGemmStridedBatchedEx(handle, y_op, x_op, n, m, k, &one, y->data, CUDA_R_16BF, y_lead, p->k * p->n,
                                          x->data, CUDA_R_16BF, x_lead, p->m * p->k, &zero, out->data, CUDA_R_16BF, n,
                                          p->m * p->n, batch, CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT);
    return cublasSgemmStridedBatched(handle, y_op, x_op, n, m, k, &one, y->data, y_lead, p->k * p->n, x->data, x_lead,
                                     p->m * p->k, &zero, out->data, n, p->m * p->n, batch);
}

static int32_t run_product(td_run *r, const struct product *p, const td_view *x, const td_view *y, td_view *out)
{
    const int64_t bytes = td_desc_numel(&out->d) * (out->d.dtype == TD_FLOAT64   ? 8
                                                    : out->d.dtype == TD_FLOAT32 ? 4
                                                                                 : 2);
    if (out->d.dtype > TD_BFLOAT16) {
        td_host->run_fail(r, "the cuda backend does not compute in dtype %u", out->d.dtype);
        return TD_ERROR;
    }
    if (p->m > INT_MAX || p->n > INT_MAX || p->k > INT_MAX || p->batch > INT_MAX) {
        td_host->run_fail(r, "a product of more than %d rows or columns", INT_MAX);
        return TD_ERROR;
    }
    if (!bytes)
        return TD_OK;
    if (!p->k) {
        cudaMemsetAsync(out->data, 0, (size_t)bytes, cuda_stream);
        return cuda_launched(r);
    }
    pthread_mutex_lock(&lock);
    cublasStatus_t s = multiply(p, x, y, out);
    pthread_mutex_unlock(&lock);
    if (s) {
        td_host->run_fail(r, "cuBLAS: %s: %s", cublasGetStatusName(s), cublasGetStatusString(s));
        return TD_ERROR;
    }
    return cuda_launched(r);
}

/* In float32, float64, and in bfloat16 but for the bias. */
static int32_t linear(td_run *r, const td_view *in, td_view *out, const void *attrs)
{
    const td_desc *w = &in[1].d;
    const int64_t rows = td_desc_numel(&out->d) / (w->shape[0] ? w->shape[0] : 1);
    const struct product p = {1, rows, w->shape[0], w->shape[1], 0, 1};
    (void)attrs;
    if (run_product(r, &p, &in[0], &in[1], out))
        return TD_ERROR;
    return in[2].data ? cuda_add_bias(r, out, &in[2]) : TD_OK;
}

static int32_t matmul(td_run *r, const td_view *in, td_view *out, const void *attrs)
{
    const td_matmul_attrs *a = attrs;
    const uint32_t rank = out->d.ndim;
    const struct product p = {
        .batch = rank == 3 ? out->d.shape[0] : 1,
        .m = out->d.shape[rank - 2],
        .n = out->d.shape[rank - 1],
        .k = in[0].d.shape[a->trans_a ? rank - 2 : rank - 1],
        .x_swapped = a->trans_a,
        .y_swapped = a->trans_b,
    };
    return run_product(r, &p, &in[0], &in[1], out);
}

#define ROWS(name) {#name, name}, {#name ".bf16", name}
const cuda_row cuda_matmul[] = {ROWS(linear), ROWS(matmul), {NULL, NULL}};

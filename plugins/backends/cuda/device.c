/* The device and its errors. */
#include "plugins/backends/cuda/cuda.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

cuda_fault *cuda_faults;

#define LEAST_MAJOR 8 /* what the kernels are built for: sm_80 and newer */

int cuda_tf32(void)
{
    const char *v = getenv("TDHOST_CUDA_TF32");
    return v && !strcmp(v, "1");
}

/* Below the cpu backend's: chosen only where --backend names it, until its kernels have been compared with the
 * reference on a device (tools/gpu_check). */
int32_t cuda_score(char *why, size_t why_size)
{
    int n = 0, major = 0;
    cudaError_t e = cudaGetDeviceCount(&n);
    if (!e && n)
        e = cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, 0);
    if (e || !n) {
        snprintf(why, why_size, "%s", e ? cudaGetErrorString(e) : "there is no CUDA device");
        (void)cudaGetLastError(); /* forgotten: it was reported */
        return 0;
    }
    if (major < LEAST_MAJOR) {
        snprintf(why, why_size, "device 0 has compute capability %d.x, at least %d.0 is needed", major, LEAST_MAJOR);
        return 0;
    }
    return 5;
}

/* Freed memory stays with the pool, so that an allocation after the first of its size costs no call of the driver. */
static cudaError_t keep_freed_memory(void)
{
    cudaMemPool_t pool;
    uint64_t all = UINT64_MAX;
    cudaError_t e = cudaDeviceGetDefaultMemPool(&pool, 0);
    return e ? e : cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &all);
}

int32_t cuda_open(td_ctx *c)
{
    char why[256];
    cudaError_t e = cudaSetDevice(0);
    if (!e)
        e = (cudaError_t)cuda_graphs_open();
    if (!e)
        e = (cudaError_t)cuda_staging_open();
    if (!e)
        e = cudaHostAlloc((void **)&cuda_faults, sizeof *cuda_faults, cudaHostAllocMapped);
    if (!e) {
        memset(cuda_faults, 0, sizeof *cuda_faults);
        e = keep_freed_memory();
    }
    if (e)
        snprintf(why, sizeof why, "%s: %s", cudaGetErrorName(e), cudaGetErrorString(e));
    if (!e && !cuda_cublas_open(why, sizeof why) && !cuda_cudnn_open(why, sizeof why))
        return TD_OK;
    td_fail(c, "%s", why);
    cuda_close();
    return TD_ERROR;
}

void cuda_close(void)
{
    cuda_cudnn_close();
    cuda_cublas_close();
    if (cuda_faults)
        cudaFreeHost(cuda_faults);
    cuda_faults = NULL;
    cuda_staging_close();
    cuda_graphs_close();
}

int cuda_take_fault(char *text, size_t size)
{
    volatile cuda_fault *f = cuda_faults; /* the device writes it */
    const int32_t kind = f->kind;         /* first: written last */
    const long long value = (long long)f->value, limit = (long long)f->limit;
    switch (kind) {
    case 0: return 0;
    case CUDA_FAULT_INDEX: snprintf(text, size, "index %lld; there are %lld rows", value, limit); break;
    case CUDA_FAULT_TARGET: snprintf(text, size, "target %lld is not a class: the input has %lld", value, limit); break;
    case CUDA_FAULT_PIVOT:
        snprintf(text, size, "the matrix is not positive definite (row %lld of %lld)", value, limit);
        break;
    default: snprintf(text, size, "position %lld lies outside of %lld", value, limit); break;
    }
    f->kind = 0;
    return 1;
}

int32_t cuda_launched(td_run *r)
{
    char text[160];
    cudaError_t e = cudaGetLastError();
    if (e)
        td_host->run_fail(r, "%s: %s", cudaGetErrorName(e), cudaGetErrorString(e));
    else if (cuda_take_fault(text, sizeof text))
        td_host->run_fail(r, "%s (noticed here, of this or an earlier operation)", text);
    else
        return TD_OK;
    return TD_ERROR;
}

/* Conversion between any two types, as the host's td__convert: to integers it truncates and saturates, NaN to 0. */
#include <cuda_fp16.h>

#include "plugins/backends/cuda/device.cuh"

static __device__ double load_double(const void *p, uint32_t dtype, int64_t i)
{
    switch (dtype) {
    case TD_FLOAT32: return ((const float *)p)[i];
    case TD_FLOAT64: return ((const double *)p)[i];
    case TD_BFLOAT16: return __bfloat162float(((const __nv_bfloat16 *)p)[i]);
    case TD_FLOAT16: return __half2float(((const __half *)p)[i]);
    case TD_INT64: return (double)((const int64_t *)p)[i];
    case TD_INT32: return ((const int32_t *)p)[i];
    default: return ((const uint8_t *)p)[i];
    }
}

static __device__ int64_t saturate(double x, double lo, double hi)
{
    return isnan(x) ? 0 : (int64_t)(x < lo ? lo : x > hi ? hi : x);
}
/* 2^63 itself is not an int64; the largest double below it is. */
#define INT64_TOP 9223372036854774784.0

static __device__ void store_double(void *p, uint32_t dtype, int64_t i, double x)
{
    switch (dtype) {
    case TD_FLOAT32: ((float *)p)[i] = (float)x; break;
    case TD_FLOAT64: ((double *)p)[i] = x; break;
    case TD_BFLOAT16: ((__nv_bfloat16 *)p)[i] = __float2bfloat16_rn((float)x); break;
    case TD_FLOAT16: ((__half *)p)[i] = __float2half_rn((float)x); break;
    case TD_INT64: ((int64_t *)p)[i] = saturate(x, (double)INT64_MIN, INT64_TOP); break;
    case TD_INT32: ((int32_t *)p)[i] = (int32_t)saturate(x, INT32_MIN, INT32_MAX); break;
    case TD_UINT8: ((uint8_t *)p)[i] = (uint8_t)saturate(x, 0, UINT8_MAX); break;
    default: ((uint8_t *)p)[i] = x != 0; break;
    }
}

/* Integers keep all 64 bits. */
static __device__ int64_t load_int(const void *p, uint32_t dtype, int64_t i)
{
    switch (dtype) {
    case TD_INT64: return ((const int64_t *)p)[i];
    case TD_INT32: return ((const int32_t *)p)[i];
    default: return ((const uint8_t *)p)[i];
    }
}

static __device__ void store_int(void *p, uint32_t dtype, int64_t i, int64_t x)
{
    switch (dtype) {
    case TD_INT64: ((int64_t *)p)[i] = x; break;
    case TD_INT32: ((int32_t *)p)[i] = (int32_t)x; break;
    case TD_UINT8: ((uint8_t *)p)[i] = (uint8_t)x; break;
    default: ((uint8_t *)p)[i] = x != 0; break;
    }
}

static int32_t cast_kernel(td_run *r, const td_view *in, td_view *out, const void *)
{
    const void *x = in->data;
    void *y = out->data;
    const uint32_t from = in->d.dtype, to = out->d.dtype;
    const int64_t n = td_desc_numel(&out->d);
    if (from == to) {
        cudaMemcpyAsync(y, x, (size_t)n * dtype_size(to), cudaMemcpyDeviceToDevice, cuda_stream);
        return cuda_launched(r);
    }
    if (from == TD_FLOAT32 && to == TD_BFLOAT16)
        return map<float>(r, n, (bf16 *)y, (const float *)x, [] __device__(float v) { return v; });
    if (from == TD_BFLOAT16 && to == TD_FLOAT32)
        return map<float>(r, n, (float *)y, (const bf16 *)x, [] __device__(float v) { return v; });
    if (from > TD_FLOAT16 && to > TD_FLOAT16)
        return each(r, n, [=] __device__(int64_t i) { store_int(y, to, i, load_int(x, from, i)); });
    return each(r, n, [=] __device__(int64_t i) { store_double(y, to, i, load_double(x, from, i)); });
}

const cuda_row cuda_cast[] = {{"cast", cast_kernel}, {NULL, NULL}};

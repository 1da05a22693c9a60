#include <math.h>
#include <stdio.h>
#include <string.h>

#include "host/tensor/tensor.h"

static const struct {
    const char *name;
    size_t size;
} dtypes[] = {
    [TD_FLOAT32] = {"float32", 4}, [TD_FLOAT64] = {"float64", 8}, [TD_BFLOAT16] = {"bfloat16", 2},
    [TD_FLOAT16] = {"float16", 2}, [TD_INT64] = {"int64", 8},     [TD_INT32] = {"int32", 4},
    [TD_UINT8] = {"uint8", 1},     [TD_BOOL] = {"bool", 1},
};
#define N_DTYPES (sizeof dtypes / sizeof *dtypes)

size_t td__dtype_size(uint32_t dtype) { return dtype < N_DTYPES ? dtypes[dtype].size : 0; }
const char *td__dtype_name(uint32_t dtype) { return dtype < N_DTYPES ? dtypes[dtype].name : "unknown dtype"; }
int td__is_float(uint32_t dtype) { return dtype <= TD_FLOAT16; }

char *td__shape_text(const td_desc *d, char *buf, size_t size)
{
    size_t n = 0;
    if (size)
        buf[0] = 0;
    for (uint32_t i = 0; i <= d->ndim && n < size; i++) {
        int w = i == d->ndim ? snprintf(buf + n, size - n, i ? "]" : "[]")
                             : snprintf(buf + n, size - n, "%s%lld", i ? ", " : "[", (long long)d->shape[i]);
        n += w > 0 ? (size_t)w : 0;
    }
    return buf;
}

int td__same_shape(const td_desc *a, const td_desc *b)
{
    return a->ndim == b->ndim && !memcmp(a->shape, b->shape, a->ndim * sizeof *a->shape);
}

void td__physical_order(uint32_t ndim, uint32_t order[TD_MAX_DIMS])
{
    static const uint32_t channels_last[4] = {0, 2, 3, 1};
    for (uint32_t i = 0; i < ndim; i++)
        order[i] = ndim == 4 ? channels_last[i] : i;
}

void td__strides(const td_desc *d, int64_t strides[TD_MAX_DIMS])
{
    uint32_t order[TD_MAX_DIMS];
    int64_t step = 1;
    td__physical_order(d->ndim, order);
    for (uint32_t i = d->ndim; i-- > 0;) {
        strides[order[i]] = step;
        step *= d->shape[order[i]];
    }
}

int td__row_major(const td_desc *d) { return d->ndim != 4 || d->shape[1] == 1 || d->shape[2] * d->shape[3] == 1; }

int td__same_order(const td_desc *a, const td_desc *b)
{
    if (td__row_major(a) && td__row_major(b))
        return 1;
    /* rows of [N, C, H * W] either way */
    return a->ndim == 4 && b->ndim == 4 && a->shape[0] == b->shape[0] && a->shape[1] == b->shape[1];
}

/* Pixels of a channel are adjacent in row-major order, and `channels` apart in memory. */
#define LAYOUT_COPY(T)                                                                 \
    for (int64_t i = 0, run; i < n; i += run) {                                        \
        run = area - pixel < n - i ? area - pixel : n - i;                             \
        T *row = (T *)rows + i, *at = (T *)memory + image + pixel * channels + channel;\
        for (int64_t k = 0; k < run; k++)                                              \
            if (to_row_major)                                                          \
                row[k] = at[k * channels];                                             \
            else                                                                       \
                at[k * channels] = row[k];                                             \
        pixel = 0;                                                                     \
        channel++;                                                                     \
        if (channel == channels) {                                                     \
            channel = 0;                                                               \
            image += channels * area;                                                  \
        }                                                                              \
    }

/* n elements from `begin` in row-major order, between rows of theirs and the whole tensor's memory. */
static void layout_copy(const td_desc *d, void *memory, void *rows, int64_t begin, int64_t n, int to_row_major)
{
    size_t size = td__dtype_size(d->dtype);
    if (td__row_major(d)) {
        char *at = (char *)memory + (size_t)begin * size;
        memcpy(to_row_major ? rows : at, to_row_major ? at : rows, (size_t)n * size);
        return;
    }
    int64_t channels = d->shape[1], area = d->shape[2] * d->shape[3];
    int64_t pixel = begin % area, channel = begin / area % channels, image = begin - begin % (channels * area);
    if (size == 8) {
        LAYOUT_COPY(uint64_t)
    } else if (size == 4) {
        LAYOUT_COPY(uint32_t)
    } else if (size == 2) {
        LAYOUT_COPY(uint16_t)
    } else {
        LAYOUT_COPY(uint8_t)
    }
}

void td__to_row_major(const td_desc *d, void *dst, const void *src)
{
    layout_copy(d, (void *)(uintptr_t)src, dst, 0, td_desc_numel(d), 1);
}

void td__from_row_major(const td_desc *d, void *dst, const void *src)
{
    td__put_row_major(d, dst, src, 0, td_desc_numel(d));
}

void td__put_row_major(const td_desc *d, void *dst, const void *src, int64_t begin, int64_t n)
{
    layout_copy(d, dst, (void *)(uintptr_t)src, begin, n, 0);
}

/* ---- conversion ---- */

#pragma GCC optimize("O3") /* loops over elements become vectors */

static float from_bits(uint32_t u)
{
    float f;
    memcpy(&f, &u, sizeof f);
    return f;
}

static uint32_t to_bits(float f)
{
    uint32_t u;
    memcpy(&u, &f, sizeof u);
    return u;
}

static float bfloat16_load(uint16_t h) { return from_bits((uint32_t)h << 16); }

/* Round to nearest, ties to even. */
static uint16_t bfloat16_store(float f)
{
    uint32_t u = to_bits(f);
    if (isnan(f))
        return (uint16_t)(u >> 16 | 0x40);
    return (uint16_t)((u + 0x7fff + (u >> 16 & 1)) >> 16);
}

static float float16_load(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, exponent = h >> 10 & 31, mantissa = h & 0x3ff;
    if (exponent == 0) /* zero or subnormal: mantissa * 2^-24 */
        return from_bits(to_bits((float)mantissa * 0x1p-24f) | sign);
    if (exponent == 31)
        return from_bits(sign | 0x7f800000 | mantissa << 13);
    return from_bits(sign | (exponent + 112) << 23 | mantissa << 13);
}

/* Round to nearest, ties to even, with subnormals and overflow to infinity. */
static uint16_t float16_store(float f)
{
    uint32_t u = to_bits(f), sign = u >> 16 & 0x8000;
    float a = fabsf(f);
    if (isnan(f))
        return (uint16_t)(sign | 0x7e00);
    if (a >= 65520.0f)
        return (uint16_t)(sign | 0x7c00);
    if (a < 0x1p-14f)
        return (uint16_t)(sign | (uint32_t)lrintf(a * 0x1p24f));
    u = (u & 0x7fffffff) - (112u << 23);
    return (uint16_t)(sign | (u + 0xfff + (u >> 13 & 1)) >> 13);
}

static int64_t saturate(double x, double lo, double hi)
{
    return isnan(x) ? 0 : (int64_t)(x < lo ? lo : x > hi ? hi : x);
}
/* 2^63 itself is not an int64; the largest double below it is. */
#define INT64_TOP 9223372036854774784.0

#define EACH(i, n) for (size_t i = 0; i < (n); i++)

static void load_doubles(double *out, const void *src, uint32_t dtype, size_t n)
{
    switch (dtype) {
    case TD_FLOAT32: EACH(i, n) out[i] = ((const float *)src)[i]; break;
    case TD_FLOAT64: EACH(i, n) out[i] = ((const double *)src)[i]; break;
    case TD_BFLOAT16: EACH(i, n) out[i] = bfloat16_load(((const uint16_t *)src)[i]); break;
    case TD_FLOAT16: EACH(i, n) out[i] = float16_load(((const uint16_t *)src)[i]); break;
    case TD_INT64: EACH(i, n) out[i] = (double)((const int64_t *)src)[i]; break;
    case TD_INT32: EACH(i, n) out[i] = ((const int32_t *)src)[i]; break;
    default: EACH(i, n) out[i] = ((const uint8_t *)src)[i]; break;
    }
}

static void store_doubles(void *dst, const double *in, uint32_t dtype, size_t n)
{
    switch (dtype) {
    case TD_FLOAT32: EACH(i, n)((float *)dst)[i] = (float)in[i]; break;
    case TD_FLOAT64: EACH(i, n)((double *)dst)[i] = in[i]; break;
    case TD_BFLOAT16: EACH(i, n)((uint16_t *)dst)[i] = bfloat16_store((float)in[i]); break;
    case TD_FLOAT16: EACH(i, n)((uint16_t *)dst)[i] = float16_store((float)in[i]); break;
    case TD_INT64: EACH(i, n)((int64_t *)dst)[i] = saturate(in[i], (double)INT64_MIN, INT64_TOP); break;
    case TD_INT32: EACH(i, n)((int32_t *)dst)[i] = (int32_t)saturate(in[i], INT32_MIN, INT32_MAX); break;
    case TD_UINT8: EACH(i, n)((uint8_t *)dst)[i] = (uint8_t)saturate(in[i], 0, UINT8_MAX); break;
    default: EACH(i, n)((uint8_t *)dst)[i] = in[i] != 0; break;
    }
}

static void load_ints(int64_t *out, const void *src, uint32_t dtype, size_t n)
{
    switch (dtype) {
    case TD_INT64: EACH(i, n) out[i] = ((const int64_t *)src)[i]; break;
    case TD_INT32: EACH(i, n) out[i] = ((const int32_t *)src)[i]; break;
    default: EACH(i, n) out[i] = ((const uint8_t *)src)[i]; break;
    }
}

static void store_ints(void *dst, const int64_t *in, uint32_t dtype, size_t n)
{
    switch (dtype) {
    case TD_INT64: EACH(i, n)((int64_t *)dst)[i] = in[i]; break;
    case TD_INT32: EACH(i, n)((int32_t *)dst)[i] = (int32_t)in[i]; break;
    case TD_UINT8: EACH(i, n)((uint8_t *)dst)[i] = (uint8_t)in[i]; break;
    default: EACH(i, n)((uint8_t *)dst)[i] = in[i] != 0; break;
    }
}

#define CHUNK 256

void td__convert(void *dst, uint32_t to, const void *src, uint32_t from, int64_t count)
{
    size_t to_size = td__dtype_size(to), from_size = td__dtype_size(from);
    if (to == from) {
        memcpy(dst, src, (size_t)count * to_size);
        return;
    }
    int whole = !td__is_float(to) && !td__is_float(from); /* keeps all 64 bits */
    for (size_t done = 0, n; done < (size_t)count; done += n) {
        n = (size_t)count - done < CHUNK ? (size_t)count - done : CHUNK;
        const void *s = (const char *)src + done * from_size;
        void *d = (char *)dst + done * to_size;
        if (whole) {
            int64_t v[CHUNK];
            load_ints(v, s, from, n);
            store_ints(d, v, to, n);
        } else {
            double v[CHUNK];
            if (from != TD_FLOAT64)
                load_doubles(v, s, from, n);
            store_doubles(d, from == TD_FLOAT64 ? s : v, to, n);
        }
    }
}

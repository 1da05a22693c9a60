#include <math.h>

#include "host/backend/reference/reference.h"
#include "host/base/rng.h"

/* ---- one input ---- */

typedef double (*unary_fn)(double x, double a, double b);

static int32_t unary(td_run *r, const td_view *in, td_view *out, unary_fn f, double a, double b)
{
    int64_t n = td_desc_numel(&out->d);
    FOR_FLOAT(r, out->d.dtype, T, {
        const T *x = in->data;
        T *y = out->data;
        for (int64_t i = 0; i < n; i++)
            y[i] = (T)f((double)x[i], a, b);
    })
    return TD_OK;
}

#define UNARY(name, expression)                                                                                        \
    static double f_##name(double x, double a, double b)                                                               \
    {                                                                                                                  \
        (void)a;                                                                                                       \
        (void)b;                                                                                                       \
        return expression;                                                                                             \
    }                                                                                                                  \
    static int32_t name##_kernel(td_run *r, const td_view *in, td_view *out, const void *attrs)                        \
    {                                                                                                                  \
        const td_scalar_attrs *s = attrs;                                                                              \
        return unary(r, in, out, f_##name, s ? s->a : 0, s ? s->b : 0);                                                \
    }

UNARY(neg, -x)
UNARY(exp, exp(x))
UNARY(log, log(x))
UNARY(sqrt, sqrt(x))
UNARY(abs, fabs(x))
UNARY(square, x *x)
UNARY(sigmoid, 1 / (1 + exp(-x)))
UNARY(tanh, tanh(x))
UNARY(softplus, x > 0 ? x + log1p(exp(-x)) : log1p(exp(x)))
UNARY(relu, x < 0 ? 0 : x) /* keeps NaN */
UNARY(affine, a *x + b)
UNARY(pow, pow(x, a))
UNARY(clamp, x < a ? a : x > b ? b : x)
UNARY(leaky_relu, x < 0 ? a * x : x)

/* ---- two inputs ---- */

typedef double (*binary_fn)(double x, double y);

static int32_t binary(td_run *r, const td_view *in, td_view *out, binary_fn f)
{
    td__nest nest;
    td__nest_broadcast(&nest, &out->d, 2, (const td_desc *const[]){&in[0].d, &in[1].d});
    FOR_FLOAT(r, out->d.dtype, T, {
        do {
            const T *x = (const T *)in[0].data + nest.offset[1], *y = (const T *)in[1].data + nest.offset[2];
            T *z = (T *)out->data + nest.offset[0];
            for (int64_t i = 0; i < nest.n; i++)
                z[i * nest.step[0]] = (T)f((double)x[i * nest.step[1]], (double)y[i * nest.step[2]]);
        } while (td__nest_next(&nest));
    })
    return TD_OK;
}

#define BINARY(name, expression)                                                                                       \
    static double f_##name(double x, double y) { return expression; }                                                  \
    static int32_t name##_kernel(td_run *r, const td_view *in, td_view *out, const void *attrs)                        \
    {                                                                                                                  \
        (void)attrs;                                                                                                   \
        return binary(r, in, out, f_##name);                                                                           \
    }

BINARY(add, x + y)
BINARY(sub, x - y)
BINARY(mul, x *y)
BINARY(div, x / y)
BINARY(maximum, x > y || isnan(x) ? x : y)
BINARY(minimum, x < y || isnan(x) ? x : y)
BINARY(relu_grad, x > 0 ? y : 0)

/* ---- comparisons ---- */

#define COMPARE(T, operator)                                                                                           \
    do {                                                                                                               \
        const T *x = (const T *)in[0].data + nest.offset[1], *y = (const T *)in[1].data + nest.offset[2];              \
        T *z = (T *)out->data + nest.offset[0];                                                                        \
        for (int64_t i = 0; i < nest.n; i++)                                                                           \
            z[i * nest.step[0]] = x[i * nest.step[1]] operator y[i * nest.step[2]];                                    \
    } while (td__nest_next(&nest));

#define COMPARISON(name, operator)                                                                                     \
    static int32_t name##_kernel(td_run *r, const td_view *in, td_view *out, const void *attrs)                        \
    {                                                                                                                  \
        td__nest nest;                                                                                                 \
        (void)attrs;                                                                                                   \
        td__nest_broadcast(&nest, &out->d, 2, (const td_desc *const[]){&in[0].d, &in[1].d});                           \
        switch (out->d.dtype) {                                                                                        \
        case TD_INT64: COMPARE(int64_t, operator) break;                                                               \
        case TD_INT32: COMPARE(int32_t, operator) break;                                                               \
        case TD_UINT8:                                                                                                 \
        case TD_BOOL: COMPARE(uint8_t, operator) break;                                                                \
        default: FOR_FLOAT(r, out->d.dtype, T, COMPARE(T, operator))                                                   \
        }                                                                                                              \
        return TD_OK;                                                                                                  \
    }

COMPARISON(greater, >)
COMPARISON(equal, ==)

/* ---- the rest ---- */

static int nonzero(const td_view *mask, int64_t i)
{
    switch (mask->d.dtype) {
    case TD_FLOAT32: return ((const float *)mask->data)[i] != 0;
    case TD_FLOAT64: return ((const double *)mask->data)[i] != 0;
    case TD_INT64: return ((const int64_t *)mask->data)[i] != 0;
    case TD_INT32: return ((const int32_t *)mask->data)[i] != 0;
    case TD_UINT8:
    case TD_BOOL: return ((const uint8_t *)mask->data)[i] != 0;
    default: return (((const uint16_t *)mask->data)[i] & 0x7fff) != 0; /* half floats: -0 is zero, too */
    }
}

static int32_t where_kernel(td_run *r, const td_view *in, td_view *out, const void *attrs)
{
    td__nest nest;
    (void)r;
    (void)attrs;
    td__nest_broadcast(&nest, &out->d, 3, (const td_desc *const[]){&in[0].d, &in[1].d, &in[2].d});
    FOR_BITS(out->d.dtype, T, {
        do {
            const T *x = (const T *)in[1].data + nest.offset[2], *y = (const T *)in[2].data + nest.offset[3];
            T *z = (T *)out->data + nest.offset[0];
            for (int64_t i = 0; i < nest.n; i++)
                z[i * nest.step[0]] =
                    nonzero(&in[0], nest.offset[1] + i * nest.step[1]) ? x[i * nest.step[2]] : y[i * nest.step[3]];
        } while (td__nest_next(&nest));
    })
    return TD_OK;
}

static int32_t cast_kernel(td_run *r, const td_view *in, td_view *out, const void *attrs)
{
    (void)r;
    (void)attrs;
    td__convert(out->data, out->d.dtype, in->data, in->d.dtype, td_desc_numel(&out->d));
    return TD_OK;
}

static int32_t dropout_kernel(td_run *r, const td_view *in, td_view *out, const void *attrs)
{
    const td_dropout_attrs *a = attrs;
    int64_t n = td_desc_numel(&out->d);
    uint64_t below = (uint64_t)(a->p * 0x1p32); /* 32 random bits below this: dropped */
    double scale = a->p < 1 ? 1 / (1 - a->p) : 0;
    FOR_FLOAT(r, out->d.dtype, T, {
        const T *x = in->data;
        T *y = out->data;
        for (int64_t i = 0; i < n; i += 4) {
            uint32_t draw[4];
            td__words(a->seed, a->counter, (uint64_t)i / 4, TD__USE_DROPOUT, draw);
            for (int64_t j = i; j < i + 4 && j < n; j++)
                y[j] = draw[j - i] < below ? 0 : (T)((double)x[j] * scale);
        }
    })
    return TD_OK;
}

#define ROW(name) {#name, name##_kernel}
const td__kernel_row td__reference_pointwise[] = {
    ROW(add),   ROW(sub),    ROW(mul),     ROW(div),     ROW(maximum),  ROW(minimum), ROW(greater),   ROW(equal),      ROW(neg),
    ROW(exp),   ROW(log),    ROW(sqrt),    ROW(abs),     ROW(square),   ROW(sigmoid), ROW(tanh),      ROW(softplus),   ROW(relu),
    ROW(relu_grad), ROW(affine), ROW(pow), ROW(clamp),   ROW(leaky_relu), ROW(where), ROW(dropout),   ROW(cast),       {NULL, NULL},
};

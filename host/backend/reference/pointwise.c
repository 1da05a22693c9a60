#include <math.h>

#include "host/backend/reference/real.h"
#include "host/base/rng.h"

/* One input: x; a and b are the scalar attributes. */
#define UNARY(op, expression)                                         \
    TD__KERNEL(op##_kernel)                                           \
    {                                                                 \
        const td_scalar_attrs *s = attrs;                             \
        double a = s ? s->a : 0, b = s ? s->b : 0;                    \
        (void)a, (void)b;                                             \
        for (int64_t i = 0, n = td_desc_numel(&out->d); i < n; i++) { \
            double x = td__get(in, t, i);                             \
            td__put(out, t, i, expression);                           \
        }                                                             \
        return TD_OK;                                                 \
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
UNARY(clamp, x < a ? a : (x > b ? b : x))
UNARY(leaky_relu, x < 0 ? a * x : x)

/* Two inputs: x and y. */
#define BINARY(op, expression)                                                               \
    TD__KERNEL(op##_kernel)                                                                  \
    {                                                                                        \
        td__nest nest;                                                                       \
        td__nest_broadcast(&nest, &out->d, 2, (const td_desc *const[]){&in[0].d, &in[1].d}); \
        do {                                                                                 \
            for (int64_t i = 0; i < nest.n; i++) {                                           \
                double x = td__get(&in[0], t, nest.offset[1] + i * nest.step[1]);            \
                double y = td__get(&in[1], t, nest.offset[2] + i * nest.step[2]);            \
                td__put(out, t, nest.offset[0] + i * nest.step[0], expression);              \
            }                                                                                \
        } while (td__nest_next(&nest));                                                      \
        return TD_OK;                                                                        \
    }

BINARY(add, x + y)
BINARY(sub, x - y)
BINARY(mul, x *y)
BINARY(div, x / y)
BINARY(maximum, x > y || isnan(x) ? x : y)
BINARY(minimum, x < y || isnan(x) ? x : y)
BINARY(relu_grad, x > 0 ? y : 0)
BINARY(greater_real, x > y)
BINARY(equal_real, x == y)

/* Comparisons of integers. */
#define COMPARE(T, operator)                                                                              \
    do {                                                                                                  \
        const T *x = (const T *)in[0].data + nest.offset[1], *y = (const T *)in[1].data + nest.offset[2]; \
        T *z = (T *)out->data + nest.offset[0];                                                           \
        for (int64_t i = 0; i < nest.n; i++)                                                              \
            z[i * nest.step[0]] = x[i * nest.step[1]] operator y[i * nest.step[2]];                       \
    } while (td__nest_next(&nest));

#define COMPARISON(op, operator)                                                              \
    static int32_t op##_kernel(td_run *r, const td_view *in, td_view *out, const void *attrs) \
    {                                                                                         \
        td__nest nest;                                                                        \
        if (td__is_float(out->d.dtype))                                                       \
            return op##_real_kernel(r, in, out, attrs);                                       \
        td__nest_broadcast(&nest, &out->d, 2, (const td_desc *const[]){&in[0].d, &in[1].d});  \
        switch (out->d.dtype) {                                                               \
        case TD_INT64: COMPARE(int64_t, operator) break;                                      \
        case TD_INT32: COMPARE(int32_t, operator) break;                                      \
        default: COMPARE(uint8_t, operator) break;                                            \
        }                                                                                     \
        return TD_OK;                                                                         \
    }

COMPARISON(greater, >)
COMPARISON(equal, ==)

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

TD__KERNEL(dropout_kernel)
{
    const td_dropout_attrs *a = attrs;
    uint64_t below = (uint64_t)(a->p * 0x1p32); /* 32 random bits below this: dropped */
    double scale = a->p < 1 ? 1 / (1 - a->p) : 0;
    uint32_t draw[4];
    const int64_t *at = in[1].data; /* epoch and step */
    uint64_t seed = at ? td_step_seed(a->seed, at[0], at[1]) : a->seed;
    for (int64_t i = 0, n = td_desc_numel(&out->d); i < n; i++) {
        if (i % 4 == 0)
            td__words(seed, a->counter, (uint64_t)i / 4, TD_USE_DROPOUT, draw);
        td__put(out, t, i, draw[i % 4] < below ? 0 : td__get(in, t, i) * scale);
    }
    return TD_OK;
}

#define ROW(name) {#name, name##_kernel}
const td__kernel_row td__reference_pointwise[] = {
    ROW(add),     ROW(sub),        ROW(mul),      ROW(div),     ROW(maximum),   ROW(minimum), ROW(greater),
    ROW(equal),   ROW(neg),        ROW(exp),      ROW(log),     ROW(sqrt),      ROW(abs),     ROW(square),
    ROW(sigmoid), ROW(tanh),       ROW(softplus), ROW(relu),    ROW(relu_grad), ROW(affine),  ROW(pow),
    ROW(clamp),   ROW(leaky_relu), ROW(where),    ROW(dropout), ROW(cast),      {NULL, NULL},
};

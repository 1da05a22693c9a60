/* Pointwise operations.  The expressions are scalar; the compiler vectorises the loops.  Outputs may be inputs: an
 * element is read before it is written, and no other is. */
#include <math.h>

#include "host/backend/cpu/kernels/common.h"
#include "host/backend/cpu/kernels/exp.h"
#include "host/backend/cpu/kernels/kernels.h"
#include "host/base/rng.h"
#include "host/tensor/nest.h"

/* ---- one input ---- */

typedef void unary_fn(const float *x, float *y, int64_t n, float a, float b);

struct unary {
    unary_fn *fn;
    const float *x;
    float *y, a, b;
};

static void run_unary(void *arg, int64_t begin, int64_t end)
{
    const struct unary *u = arg;
    u->fn(u->x + begin, u->y + begin, end - begin, u->a, u->b);
}

static int32_t unary(const td_view *in, td_view *out, const td_scalar_attrs *s, unary_fn *fn)
{
    struct unary u = {fn, in[0].data, out[0].data, s ? (float)s->a : 0, s ? (float)s->b : 0};
    td__parallel_range(td_desc_numel(&out[0].d), GRAIN, LANES, run_unary, &u);
    return TD_OK;
}

#define UNARY(name, expression)                                                                                        \
    static void name##_loop(const float *x_, float *y_, int64_t n_, float a, float b)                                  \
    {                                                                                                                  \
        (void)a;                                                                                                       \
        (void)b;                                                                                                       \
        _Pragma("GCC ivdep") for (int64_t i = 0; i < n_; i++)                                                          \
        {                                                                                                              \
            float x = x_[i];                                                                                           \
            y_[i] = expression;                                                                                        \
        }                                                                                                              \
    }                                                                                                                  \
    static int32_t name##_f32(KERNEL_ARGUMENTS)                                                                        \
    {                                                                                                                  \
        (void)r;                                                                                                       \
        return unary(in, out, attrs, name##_loop);                                                                     \
    }                                                                                                                  \
    FLOAT32_KERNEL(name)

/* 1 / (1 + e^-|x|) and its complement: nothing overflows. */
TD__INLINE float fast_sigmoid(float x)
{
    float e = fast_exp(-fabsf(x)), s = 1 / (1 + e);
    return x < 0 ? e * s : s;
}

UNARY(neg, -x)
UNARY(exp, fast_exp(x))
UNARY(log, fast_log(x))
UNARY(sqrt, sqrtf(x))
UNARY(abs, fabsf(x))
UNARY(square, (x * x))
UNARY(sigmoid, fast_sigmoid(x))
UNARY(tanh, tanhf(x))
UNARY(softplus, x > 0 ? x + log1pf(expf(-x)) : log1pf(expf(x)))
UNARY(relu, x < 0 ? 0 : x) /* keeps NaN */
UNARY(affine, (a * x) + b)
UNARY(clamp, x < a ? a : (x > b ? b : x))
UNARY(leaky_relu, x < 0 ? a * x : x)

static void pow_loop(const float *x, float *y, int64_t n, float a, float b)
{
    (void)b;
    if (a == 2)
#pragma GCC ivdep
        for (int64_t i = 0; i < n; i++)
            y[i] = x[i] * x[i];
    else
        for (int64_t i = 0; i < n; i++)
            y[i] = powf(x[i], a);
}

static int32_t pow_f32(KERNEL_ARGUMENTS)
{
    (void)r;
    return unary(in, out, attrs, pow_loop);
}
FLOAT32_KERNEL(pow)

/* ---- two inputs ---- */

typedef void binary_fn(const float *x, int64_t x_step, const float *y, int64_t y_step, float *z, int64_t n);

struct binary {
    binary_fn *fn;
    const float *x, *y;
    float *z;
    td__nest nest;
    int64_t row_pieces, piece; /* a row of the walk is cut into pieces of so many elements */
};

/* Pieces of all rows: [begin, end). */
static void run_binary(void *arg, int64_t begin, int64_t end)
{
    const struct binary *b = arg;
    td__nest nest = b->nest;
    td__nest_seek(&nest, begin / b->row_pieces);
    for (int64_t p = begin; p < end; p++) {
        int64_t at = p % b->row_pieces * b->piece, n = min(b->piece, nest.n - at);
        b->fn(b->x + nest.offset[1] + at * nest.step[1], nest.step[1], b->y + nest.offset[2] + at * nest.step[2],
              nest.step[2], b->z + nest.offset[0] + at, n);
        if (p % b->row_pieces == b->row_pieces - 1)
            td__nest_next(&nest);
    }
}

static int32_t binary(const td_view *in, td_view *out, binary_fn *fn)
{
    struct binary b = {.fn = fn, .x = in[0].data, .y = in[1].data, .z = out[0].data};
    int64_t n = td_desc_numel(&out[0].d);
    if (!n)
        return TD_OK;
    td__nest_broadcast(&b.nest, &out[0].d, 2, (const td_desc *const[]){&in[0].d, &in[1].d});
    b.piece = min(b.nest.n, GRAIN);
    b.row_pieces = ceil_div(b.nest.n, b.piece);
    td__parallel_range(n / b.nest.n * b.row_pieces, max(GRAIN / b.piece, 1), 1, run_binary, &b);
    return TD_OK;
}

#define BINARY_LOOP(expression, x_at, y_at)                                                                            \
    _Pragma("GCC ivdep") for (int64_t i = 0; i < n_; i++)                                                              \
    {                                                                                                                  \
        float x = x_[x_at], y = y_[y_at];                                                                              \
        z_[i] = expression;                                                                                            \
    }

/* The common steps get loops of their own, for vectors. */
#define BINARY(name, expression)                                                                                       \
    static void name##_loop(const float *x_, int64_t sx_, const float *y_, int64_t sy_, float *z_, int64_t n_)         \
    {                                                                                                                  \
        if (sx_ == 1 && sy_ == 1)                                                                                      \
            BINARY_LOOP(expression, i, i)                                                                              \
        else if (sx_ == 1 && sy_ == 0)                                                                                 \
            BINARY_LOOP(expression, i, 0)                                                                              \
        else if (sx_ == 0 && sy_ == 1)                                                                                 \
            BINARY_LOOP(expression, 0, i)                                                                              \
        else                                                                                                           \
            BINARY_LOOP(expression, i *sx_, i *sy_)                                                                    \
    }                                                                                                                  \
    static int32_t name##_f32(KERNEL_ARGUMENTS)                                                                        \
    {                                                                                                                  \
        (void)r;                                                                                                       \
        (void)attrs;                                                                                                   \
        return binary(in, out, name##_loop);                                                                           \
    }                                                                                                                  \
    FLOAT32_KERNEL(name)

BINARY(add, x + y)
BINARY(sub, x - y)
BINARY(mul, (x * y))
BINARY(div, x / y)
BINARY(maximum, x > y || x != x ? x : y)
BINARY(minimum, x < y || x != x ? x : y)
BINARY(greater, x > y ? 1 : 0)
BINARY(equal, x == y ? 1 : 0)
BINARY(relu_grad, x > 0 ? y : 0)

/* ---- dropout: four elements a block of random words ---- */

#define BLOCKS 16 /* drawn at a time */

struct dropout {
    const float *x;
    float *y, scale;
    uint64_t below; /* 32 random bits below this: dropped */
    td_stream stream;
};

static void dropout_range(void *arg, int64_t begin, int64_t end)
{
    const struct dropout *d = arg;
    const float scale = d->scale;
    const uint64_t below = d->below;
    for (int64_t i = begin; i < end; i += 4 * BLOCKS) {
        uint32_t words[4][BLOCKS], draws[4 * BLOCKS];
        for (int b = 0; b < BLOCKS; b++) {
            uint32_t out[4];
            td_stream_words(d->stream, (uint64_t)(i / 4 + b), out);
            for (int w = 0; w < 4; w++)
                words[w][b] = out[w];
        }
        for (int b = 0; b < BLOCKS; b++)
            for (int w = 0; w < 4; w++)
                draws[4 * b + w] = words[w][b];
        const float *x = d->x + i;
        float *y = d->y + i;
        int64_t n = min(4 * BLOCKS, end - i);
#pragma GCC ivdep
        for (int64_t j = 0; j < n; j++)
            y[j] = draws[j] < below ? 0 : x[j] * scale;
    }
}

static int32_t dropout_f32(KERNEL_ARGUMENTS)
{
    const td_dropout_attrs *a = attrs;
    const int64_t *at = in[1].data; /* epoch and step */
    const uint64_t seed = at ? td_step_seed(a->seed, at[0], at[1]) : a->seed;
    struct dropout d = {in[0].data, out[0].data, a->p < 1 ? (float)(1 / (1 - a->p)) : 0, (uint64_t)(a->p * 0x1p32),
                        td_stream_of(seed, a->counter, TD_USE_DROPOUT)};
    (void)r;
    td__parallel_range(td_desc_numel(&out[0].d), GRAIN / 4, 4 * BLOCKS, dropout_range, &d);
    return TD_OK;
}
FLOAT32_KERNEL(dropout)

const td__kernel_row td__cpu_pointwise[] = {
    ROW(neg),   ROW(exp),       ROW(log),     ROW(sqrt),    ROW(abs),     ROW(square),     ROW(sigmoid),
    ROW(tanh),  ROW(softplus),  ROW(relu),    ROW(affine),  ROW(clamp),   ROW(leaky_relu), ROW(pow),
    ROW(add),   ROW(sub),       ROW(mul),     ROW(div),     ROW(maximum), ROW(minimum),    ROW(greater),
    ROW(equal), ROW(relu_grad), ROW(dropout), {NULL, NULL},
};

/* The cpu backend's kernels: every instruction set this processor has against the reference backend, and the same bits
 * for any number of threads.  Shapes are chosen to meet partial vectors, partial tiles and every cut of the work.
 * Memory of inputs and outputs is exactly as long as the tensor, so that AddressSanitizer sees what lies beyond. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/backend/cpu/cpu.h"
#include "host/base/pool.h"
#include "host/ops/table.h"
#include "host/tensor/tensor.h"

static const char *const isas[] = {"baseline", "avx2", "avx512"};

/* One call: the operation and its inputs' shapes (all float32, but int64 and int32 inputs where `ints` says). */
struct call {
    const char *op;
    uint32_t n_in;
    td_desc in[TD_OP_MAX_IN]; /* ndim UINT32_MAX: absent */
    const void *attrs;
    int64_t most; /* integers are below this */
    int positive; /* bit i: input i is positive */
    const char *name;
};

struct values {
    uint32_t n;
    td_view in[TD_OP_MAX_IN], out[TD_OP_MAX_OUT];
};

static td_ctx *context(void)
{
    char why[200];
    cr_assert_not_null(td__backend_use(&td__reference_backend, why, sizeof why));
    cr_assert_not_null(td__backend_use(&td__cpu_backend, why, sizeof why), "%s", why);
    td_ctx *c = td__ctx_new(&td__cpu_backend);
    cr_assert_not_null(c);
    return c;
}

static size_t bytes_of(const td_desc *d)
{
    return (size_t)td_desc_numel(d) * td__dtype_size(d->dtype);
}

static void *filled(const struct call *call, uint32_t k, int absolute)
{
    const td_desc *d = &call->in[k];
    void *data = malloc(bytes_of(d) + !bytes_of(d));
    uint32_t state = 12345 + 1000 * k;
    for (int64_t i = 0, n = td_desc_numel(d); i < n; i++) {
        state = state * 1664525 + 1013904223;
        float x = (float)(int32_t)state / 0x1p31f;
        if (d->dtype == TD_FLOAT32)
            ((float *)data)[i] =
                absolute || call->positive >> k & 1 ? fabsf(x) + (call->positive >> k & 1 ? 0.01f : 0) : x;
        else if (d->dtype == TD_INT64)
            ((int64_t *)data)[i] = (int64_t)(state >> 8) % call->most;
        else
            ((int32_t *)data)[i] = (int32_t)((int64_t)(state >> 8) % call->most);
    }
    return data;
}

static struct values run(td_ctx *c, const struct call *call, td_kernel kernel, int absolute)
{
    const td_op_type *op = td__op_find(call->op);
    cr_assert_not_null(op, "%s", call->op);
    cr_assert_not_null(kernel, "%s has no kernel", call->op);
    td_desc out[TD_OP_MAX_OUT] = {{0}};
    struct values v = {.n = op->n_out};
    op->infer(c, call->in, call->n_in, call->attrs, out);
    cr_assert_null(c->error, "%s: %s", call->op, c->error);
    for (uint32_t k = 0; k < call->n_in; k++)
        if (call->in[k].ndim != UINT32_MAX) {
            v.in[k].d = call->in[k];
            v.in[k].data = filled(call, k, absolute);
        }
    for (uint32_t k = 0; k < v.n; k++) {
        v.out[k].d = out[k];
        v.out[k].data = malloc(bytes_of(&out[k]) + !bytes_of(&out[k]));
        memset(v.out[k].data, 0xff, bytes_of(&out[k]));
    }
    td__run(c, call->op, kernel, v.in, v.out, call->attrs);
    cr_assert_null(c->error, "%s: %s", call->op, c->error);
    return v;
}

static void drop(struct values *v)
{
    for (uint32_t k = 0; k < TD_OP_MAX_IN; k++)
        free(v->in[k].data);
    for (uint32_t k = 0; k < TD_OP_MAX_OUT; k++)
        free(v->out[k].data);
}

/* |got - want| <= tolerance * scale, element by element; scale 1 + |want| where there is none. */
static void close_to(const struct call *call, const char *what, const td_view *got, const td_view *want,
                     const td_view *scale, double tolerance)
{
    if (!got->data)
        return;
    if (got->d.dtype != TD_FLOAT32) {
        cr_expect(!memcmp(got->data, want->data, bytes_of(&got->d)), "%s %s: integers differ", call->name, what);
        return;
    }
    const float *g = got->data, *w = want->data, *s = scale ? scale->data : NULL;
    double worst = 0;
    int64_t at = 0;
    for (int64_t i = 0, n = td_desc_numel(&got->d); i < n; i++) {
        double error =
            g[i] == w[i] ? 0 : fabs((double)g[i] - (double)w[i]) / (s ? (double)s[i] + 1e-30 : 1 + fabs((double)w[i]));
        if (!(error <= worst)) {
            worst = error;
            at = i;
        }
    }
    cr_expect(worst <= tolerance, "%s %s: element %lld is %g, not %g: off by %g", call->name, what, (long long)at,
              (double)g[at], (double)w[at], worst);
}

static void same_bits(const struct call *call, const char *what, const struct values *a, const struct values *b)
{
    for (uint32_t k = 0; k < call->n_in; k++)
        if (a->in[k].data)
            cr_expect(!memcmp(a->in[k].data, b->in[k].data, bytes_of(&a->in[k].d)),
                      "%s %s: input %u depends on the threads", call->name, what, k);
    for (uint32_t k = 0; k < a->n; k++)
        cr_expect(!memcmp(a->out[k].data, b->out[k].data, bytes_of(&a->out[k].d)),
                  "%s %s: output %u depends on the threads", call->name, what, k);
}

/* Sums of products are compared relative to the sum of the products' absolute values. */
static void check(td_ctx *c, const struct call *call, int products, double tolerance)
{
    char why[200];
    td_kernel reference = td__reference_backend.kernel(call->op);
    struct values want = run(c, call, reference, 0), scale = products ? run(c, call, reference, 1) : (struct values){0};
    for (size_t i = 0; i < sizeof isas / sizeof *isas; i++) {
        if (td__cpu_select(isas[i], why, sizeof why))
            continue; /* not on this processor */
        cr_assert_eq(td__pool_start(1), 0);
        struct values one = run(c, call, td__cpu_backend.kernel(call->op), 0);
        for (uint32_t k = 0; k < call->n_in; k++)
            close_to(call, isas[i], &one.in[k], &want.in[k], NULL, tolerance);
        for (uint32_t k = 0; k < want.n; k++)
            close_to(call, isas[i], &one.out[k], &want.out[k], products ? &scale.out[k] : NULL, tolerance);
        for (int threads = 2; threads <= 4; threads++) {
            cr_assert_eq(td__pool_start(threads), 0);
            struct values many = run(c, call, td__cpu_backend.kernel(call->op), 0);
            same_bits(call, isas[i], &one, &many);
            drop(&many);
        }
        drop(&one);
    }
    td__pool_stop();
    drop(&want);
    drop(&scale);
}

#define F32(...) {TD_FLOAT32, sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t), {__VA_ARGS__}}
#define ABSENT {0, UINT32_MAX, {0}}

/* ---- convolutions ---- */

struct conv {
    int64_t n, c, h, w, o, kh, kw, stride, padding, dilation, groups;
};

static const struct conv convs[] = {
    {2, 3, 32, 32, 16, 3, 3, 1, 1, 1, 1},   /* a stem */
    {3, 16, 17, 15, 16, 3, 3, 1, 1, 1, 1},  /* rows of several tiles */
    {9, 32, 8, 8, 64, 3, 3, 2, 1, 1, 1},    /* strided */
    {20, 64, 4, 4, 64, 3, 3, 1, 1, 1, 1},   /* several images a piece */
    {2, 16, 40, 40, 32, 3, 3, 1, 1, 1, 1},  /* bands of an image */
    {3, 16, 9, 9, 32, 1, 1, 2, 0, 1, 1},    /* a shortcut: most input gradients are 0 */
    {3, 20, 7, 9, 33, 1, 1, 1, 0, 1, 1},    /* pointwise */
    {2, 3, 23, 23, 64, 7, 7, 2, 3, 1, 1},   /* ImageNet's stem */
    {1, 1, 5, 5, 1, 1, 1, 1, 0, 1, 1},      /* one channel */
    {2, 5, 9, 7, 17, 3, 5, 1, 2, 1, 1},     /* odd everything */
    {2, 17, 11, 11, 100, 3, 3, 3, 1, 1, 1}, /* stride as large as the kernel */
    {2, 4, 6, 6, 3, 2, 2, 3, 0, 1, 1},      /* stride larger than the kernel */
    {2, 8, 10, 12, 16, 3, 3, 1, 2, 2, 1},   /* dilated */
    {2, 6, 13, 11, 8, 3, 3, 2, 3, 2, 2},    /* dilated, strided, groups */
    {2, 3, 4, 4, 5, 2, 2, 1, 5, 1, 1},      /* padding larger than the kernel */
    {2, 24, 6, 6, 40, 3, 3, 1, 1, 1, 8},    /* small groups */
    {3, 17, 9, 8, 17, 3, 3, 2, 1, 1, 17},   /* depthwise */
    {2, 32, 7, 7, 32, 5, 3, 1, 2, 2, 32},   /* depthwise, dilated */
    {2, 6, 5, 5, 12, 3, 3, 1, 1, 1, 6},     /* depthwise with a multiplier */
    {1, 300, 3, 3, 70, 3, 3, 1, 1, 1, 1},   /* long sums */
    {0, 16, 8, 8, 16, 3, 3, 1, 1, 1, 1},    /* no images */
    {2, 0, 5, 5, 3, 3, 3, 1, 1, 1, 1},      /* no channels */
    {2, 32, 7, 9, 20, 3, 3, 1, 0, 1, 1},    /* Winograd: odd sizes, partial vectors of results, no padding */
    {5, 48, 6, 5, 32, 3, 3, 1, 2, 1, 1},    /* Winograd: much padding, three vectors */
    {3, 80, 14, 14, 144, 3, 3, 1, 1, 1, 1}, /* Winograd: several chunks of results */
    {2, 64, 9, 14, 260, 3, 3, 1, 1, 1, 1},  /* Winograd: few tiles, results in parts */
};

static int64_t length(const struct conv *v, int64_t in, int64_t kernel)
{
    return (in + 2 * v->padding - v->dilation * (kernel - 1) - 1) / v->stride + 1;
}

static void check_conv(td_ctx *c, const struct conv *v, size_t i)
{
    char name[80];
    snprintf(name, sizeof name, "convolution %zu", i);
    td_conv2d_attrs a = {
        {v->stride, v->stride}, {v->padding, v->padding}, {v->dilation, v->dilation}, v->groups, {0, 0}};
    td_conv2d_grad_attrs of_x = {a, {v->h, v->w}}, of_w = {a, {v->kh, v->kw}};
    td_desc x = F32(v->n, v->c, v->h, v->w), w = F32(v->o, v->c / v->groups, v->kh, v->kw), bias = F32(v->o),
            none = ABSENT;
    td_desc y = F32(v->n, v->o, length(v, v->h, v->kh), length(v, v->w, v->kw)), x_bias = F32(v->c);
    check(c, &(struct call){"conv2d", 3, {x, w, bias}, &a, 0, 0, name}, 1, 2e-6);
    check(c, &(struct call){"conv2d", 3, {x, w, none}, &a, 0, 0, name}, 1, 2e-6);
    check(c, &(struct call){"conv2d_input_grad", 2, {y, w}, &of_x, 0, 0, name}, 1, 2e-6);
    check(c, &(struct call){"conv2d_weight_grad", 2, {x, y}, &of_w, 0, 0, name}, 1, 2e-6);
    if ((y.shape[2] - 1) * v->stride - 2 * v->padding + v->dilation * (v->kh - 1) >= 0)
        check(c, &(struct call){"conv_transpose2d", 3, {y, w, x_bias}, &a, 0, 0, name}, 1, 2e-6);
}

Test(cpu, convolutions)
{
    td_ctx *c = context();
    for (size_t i = 0; i < sizeof convs / sizeof *convs; i++)
        check_conv(c, &convs[i], i);
    td__ctx_free(c);
}

/* ---- matrix products ---- */

Test(cpu, products)
{
    static const int64_t sizes[][3] = {{0, 3, 4}, {3, 4, 0}, {1, 1, 1},    {5, 3, 2},       {17, 100, 33}, {128, 10, 64},
                                       {70, 70, 70}, {300, 130, 257}, {2, 1000, 40}, {257, 1, 31}};
    td_ctx *c = context();
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        int64_t m = sizes[i][0], n = sizes[i][1], k = sizes[i][2];
        td_desc x = F32(m, k), w = F32(n, k), bias = F32(n), none = ABSENT;
        char name[80];
        snprintf(name, sizeof name, "product %zu", i);
        check(c, &(struct call){"linear", 3, {x, w, bias}, NULL, 0, 0, name}, 1, 2e-6);
        check(c, &(struct call){"linear", 3, {x, w, none}, NULL, 0, 0, name}, 1, 2e-6);
        for (int way = 0; way < 4; way++) {
            td_matmul_attrs a = {way & 1, way >> 1};
            td_desc a2 = F32(a.trans_a ? k : m, a.trans_a ? m : k), b2 = F32(a.trans_b ? n : k, a.trans_b ? k : n);
            td_desc a3 = F32(3, a2.shape[0], a2.shape[1]), b3 = F32(3, b2.shape[0], b2.shape[1]);
            check(c, &(struct call){"matmul", 2, {a2, b2}, &a, 0, 0, name}, 1, 2e-6);
            check(c, &(struct call){"matmul", 2, {a3, b3}, &a, 0, 0, name}, 1, 2e-6);
        }
    }
    td__ctx_free(c);
}

/* The draws of indices do not rise, so rows come from all over the table. */
Test(cpu, products_with_rows)
{
    static const int64_t sizes[][4] = {{1, 1, 1, 1}, {3, 0, 4, 5},       {2, 7, 4, 0},     {4, 40, 3, 9},
                                       {5, 333, 100, 16}, {3, 2500, 2000, 37}, {7, 1030, 517, 128}, {2, 130, 70, 301}};
    td_ctx *c = context();
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        int64_t b = sizes[i][0], k = sizes[i][1], n = sizes[i][2], d = sizes[i][3];
        td_desc table = F32(n, d), index = {TD_INT64, 2, {b, k}};
        char name[80];
        snprintf(name, sizeof name, "rows %zu", i);
        check(c, &(struct call){"gather_matmul", 3, {F32(b, d), table, index}, NULL, n, 0, name}, 1, 2e-6);
        check(c, &(struct call){"scatter_matmul", 3, {F32(b, k), table, index}, NULL, n, 0, name}, 1, 2e-6);
    }
    td__ctx_free(c);
}

Test(cpu, reshape)
{
    static const struct {
        td_desc x;
        td_shape_attrs to;
    } cases[] = {
        {F32(5, 17, 9, 7), {2, 0, {5, 17 * 63}}},
        {F32(3, 24 * 100), {4, 0, {3, 24, 10, 10}}},
        {F32(70, 16, 8, 8), {4, 0, {35, 64, 4, 8}}},
        {F32(0, 3, 4, 4), {2, 0, {0, 48}}},
    };
    td_ctx *c = context();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char name[80];
        snprintf(name, sizeof name, "reshape %zu", i);
        check(c, &(struct call){"reshape", 1, {cases[i].x}, &cases[i].to, 0, 0, name}, 0, 0);
    }
    td__ctx_free(c);
}

/* ---- normalization ---- */

static void check_norm(td_ctx *c, td_desc x, int training, int relu, int residual, int affine)
{
    char name[80];
    td_batch_norm_attrs a = {0.1, 1e-5, training, relu};
    td_desc p = F32(x.shape[1]), none = ABSENT, scale = affine ? p : none;
    snprintf(name, sizeof name, "batch norm of %lld channels, training %d, relu %d, residual %d, affine %d",
             (long long)x.shape[1], training, relu, residual, affine);
    check(c, &(struct call){"batch_norm", 6, {x, scale, scale, p, p, residual ? x : none}, &a, 0, 1 << 4, name}, 0,
          5e-6);
    check(c, &(struct call){"batch_norm_grad", 6, {x, x, scale, p, p, relu ? x : none}, &a, 0, 1 << 4, name}, 0, 2e-5);
}

Test(cpu, batch_norm)
{
    static const td_desc inputs[] = {F32(3, 1, 5, 7),   F32(4, 3, 9, 9),    F32(50, 16, 13, 11),
                                     F32(33, 17, 8, 8), F32(40, 100, 6, 6), F32(70, 130)};
    td_ctx *c = context();
    for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++)
        for (int way = 0; way < 16; way++)
            check_norm(c, inputs[i], way & 1, way >> 1 & 1, way >> 2 & 1, way >> 3);
    td__ctx_free(c);
}

/* ---- the rest ---- */

Test(cpu, reductions)
{
    static const td_desc inputs[] = {F32(7),          F32(100003), F32(130, 70), F32(5, 40, 9, 11), F32(64, 3, 33, 31),
                                     F32(2, 4100, 3), F32(6, 1, 5)};
    td_ctx *c = context();
    for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++)
        for (uint32_t dims = 0; dims < 1u << inputs[i].ndim; dims++)
            for (uint32_t keep = 0; keep < 2; keep++) {
                td_dims_attrs a = {dims, keep};
                char name[80];
                snprintf(name, sizeof name, "input %zu, dimensions 0x%x", i, dims);
                check(c, &(struct call){"sum", 1, {inputs[i]}, &a, 0, 0, name}, 1, 1e-6);
                check(c, &(struct call){"mean", 1, {inputs[i]}, &a, 0, 0, name}, 1, 1e-6);
            }
    td__ctx_free(c);
}

Test(cpu, softmax)
{
    static const td_desc inputs[] = {F32(1), F32(33, 10), F32(130, 100), F32(3, 5000), F32(4, 17, 5, 3), F32(5, 6, 7)};
    td_ctx *c = context();
    for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++)
        for (int64_t dim = 0; dim < (int64_t)inputs[i].ndim; dim++) {
            td_dim_attrs a = {dim, 0, 0};
            td_desc x = inputs[i];
            char name[80];
            snprintf(name, sizeof name, "input %zu along %lld", i, (long long)dim);
            check(c, &(struct call){"softmax", 1, {x}, &a, 0, 0, name}, 0, 1e-6);
            check(c, &(struct call){"log_softmax", 1, {x}, &a, 0, 0, name}, 0, 1e-6);
            check(c, &(struct call){"softmax_grad", 2, {x, x}, &a, 0, 0, name}, 0, 2e-5);
            check(c, &(struct call){"log_softmax_grad", 2, {x, x}, &a, 0, 0, name}, 0, 2e-5);
        }
    td__ctx_free(c);
}

Test(cpu, pooling)
{
    static const struct {
        td_desc x;
        td_pool2d_attrs a;
    } pools[] = {
        {F32(3, 16, 9, 9), {{3, 3}, {2, 2}, {1, 1}, 0, 1}},
        {F32(2, 5, 8, 7), {{2, 3}, {2, 1}, {0, 1}, 1, 0}},
        {F32(4, 33, 6, 6), {{6, 6}, {1, 1}, {0, 0}, 0, 1}},
    };
    td_ctx *c = context();
    for (size_t i = 0; i < sizeof pools / sizeof *pools; i++) {
        const td_desc *x = &pools[i].x;
        td_pool2d_grad_attrs back = {pools[i].a, {x->shape[2], x->shape[3]}};
        td_pool2d_grad_attrs resized = {{{0}, {0}, {0}, 0, 0}, {x->shape[2], x->shape[3]}};
        td_shape_attrs size = {2, 0, {x->shape[2], x->shape[3]}}, small = {2, 0, {4, 3}};
        td_desc y[2], few = *x;
        few.shape[2] = 4;
        few.shape[3] = 3;
        td_desc at = few;
        at.dtype = TD_INT32;
        td__op_find("avg_pool2d")->infer(c, x, 1, &pools[i].a, y);
        check(c, &(struct call){"max_pool2d", 1, {*x}, &pools[i].a, 0, 0, "max pool"}, 0, 0);
        check(c, &(struct call){"avg_pool2d", 1, {*x}, &pools[i].a, 0, 0, "average pool"}, 0, 1e-6);
        check(c, &(struct call){"avg_pool2d_grad", 1, {y[0]}, &back, 0, 0, "average pool"}, 0, 1e-6);
        check(c, &(struct call){"adaptive_max_pool2d", 1, {*x}, &small, 0, 0, "adaptive max pool"}, 0, 0);
        check(c, &(struct call){"adaptive_avg_pool2d", 1, {*x}, &small, 0, 0, "adaptive average pool"}, 0, 1e-6);
        check(c, &(struct call){"adaptive_avg_pool2d_grad", 1, {few}, &size, 0, 0, "adaptive average pool"}, 0, 1e-6);
        check(c, &(struct call){"max_pool2d_grad", 2, {few, at}, &resized, x->shape[2] * x->shape[3], 0, "max pool"}, 0,
              1e-6);
    }
    td__ctx_free(c);
}

Test(cpu, losses)
{
    static const char *const pairs[] = {"kl_div", "mse_loss", "l1_loss", "smooth_l1_loss", "soft_kl"};
    static const char *const slopes[] = {"kl_div_grad", "kl_div_target_grad", "mse_loss_grad", "l1_loss_grad",
                                         "smooth_l1_loss_grad", "soft_kl_grad", "soft_kl_target_grad"};
    static const td_desc inputs[] = {F32(3, 1), F32(33, 100), F32(20, 7, 9, 11), F32(17, 1003)};
    td_ctx *c = context();
    for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++)
        for (uint32_t reduction = TD_MEAN; reduction <= TD_NO_REDUCTION; reduction++) {
            td_loss_attrs a = {reduction, 0, 2, 0.1, 0.7};
            td_desc x = inputs[i], one = {TD_FLOAT32, 0, {0}}, none = ABSENT, weight = F32(x.shape[1]), target = x;
            target.dtype = TD_INT64;
            target.ndim--;
            for (uint32_t d = 1; d < target.ndim; d++)
                target.shape[d] = x.shape[d + 1];
            td_desc row = target;
            row.dtype = TD_FLOAT32;
            for (size_t k = 0; k < sizeof pairs / sizeof *pairs; k++)
                check(c, &(struct call){pairs[k], 2, {x, x}, &a, 0, 2, pairs[k]}, 0, 2e-6);
            td_desc g = reduction == TD_NO_REDUCTION ? x : one;
            for (size_t k = 0; k < sizeof slopes / sizeof *slopes; k++)
                check(c, &(struct call){slopes[k], 3, {g, x, x}, &a, 0, 4, slopes[k]}, 0, 2e-6);
            for (int weighted = 0; weighted < 2; weighted++) {
                td_desc w = weighted ? weight : none, loss = reduction == TD_NO_REDUCTION ? row : one;
                check(c, &(struct call){"cross_entropy", 3, {x, target, w}, &a, x.shape[1], 4, "cross entropy"}, 0,
                      2e-6);
                check(c,
                      &(struct call){"cross_entropy_grad", 4, {loss, x, target, w}, &a, x.shape[1], 8, "cross entropy"},
                      0, 2e-6);
            }
        }
    td__ctx_free(c);
}

Test(cpu, pointwise)
{
    static const char *const binary[] = {"add",     "sub",     "mul",   "div",      "maximum",
                                         "minimum", "greater", "equal", "relu_grad"};
    static const char *const unary[] = {"neg",    "exp",     "log",  "sqrt",     "abs",
                                        "square", "sigmoid", "tanh", "softplus", "relu"};
    static const char *const scalar[] = {"affine", "pow", "clamp", "leaky_relu"};
    static const td_desc shapes[][2] = {{F32(100003), F32(100003)}, {F32(5, 17, 30, 31), F32(1, 17, 1, 1)},
                                        {F32(50, 1), F32(1, 900)},  {F32(4, 3, 5, 6), F32(4, 1, 5, 1)},
                                        {F32(33, 7), F32(1)},       {F32(1), F32(3, 33, 3)}};
    static const td_scalar_attrs scalars[] = {{0.5, 1.25}, {2, 3}};
    td_ctx *c = context();
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        td_desc x = shapes[i][0], y = shapes[i][1];
        for (size_t k = 0; k < sizeof binary / sizeof *binary; k++)
            check(c, &(struct call){binary[k], 2, {x, y}, NULL, 0, 2, binary[k]}, 0, 1e-6);
        for (size_t k = 0; k < sizeof unary / sizeof *unary; k++)
            check(c, &(struct call){unary[k], 1, {x}, NULL, 0, k == 2 || k == 3, unary[k]}, 0, 1e-6);
        for (size_t k = 0; k < sizeof scalar / sizeof *scalar; k++)
            for (int s = 0; s < 2; s++)
                check(c, &(struct call){scalar[k], 1, {x}, &scalars[s], 0, k == 1, scalar[k]}, 0, 1e-6);
    }
    td__ctx_free(c);
}

/* The drops are the reference's, so the scaled values tell. */
Test(cpu, dropout)
{
    static const td_dropout_attrs rates[] = {{0, 1, 2}, {0.3, 5, 7}, {1, 0, 0}};
    td_ctx *c = context();
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        check(c, &(struct call){"dropout", 1, {F32(100003)}, &rates[i], 0, 0, "dropout"}, 0, 1e-6);
        check(c, &(struct call){"dropout", 1, {F32(5)}, &rates[i], 0, 0, "dropout"}, 0, 1e-6);
    }
    td__ctx_free(c);
}

Test(cpu, optimizers)
{
    static const td_sgd_attrs sgd[] = {{0.1, 0, 0, 0.01, 0, 0},
                                       {0.1, 0.9, 0.1, 0.01, 0, 1},
                                       {0.1, 0.9, 0.1, 0, 0, 0},
                                       {0.1, 0.9, 0, 0.01, 1, 0},
                                       {0.1, 0.9, 0, 0.01, 1, 1}};
    static const td_adam_attrs adam[] = {{0.1, 0.9, 0.99, 1e-8, 0.01, 1, 0, 0}, {0.1, 0.9, 0.99, 1e-8, 0.01, 7, 1, 0}};
    td_ctx *c = context();
    td_desc x = F32(100003), none = ABSENT;
    for (size_t i = 0; i < sizeof sgd / sizeof *sgd; i++)
        check(c, &(struct call){"sgd_step", 3, {x, x, i ? x : none}, &sgd[i], 0, 0, "sgd"}, 0, 1e-6);
    for (size_t i = 0; i < sizeof adam / sizeof *adam; i++)
        check(c, &(struct call){"adam_step", 4, {x, x, x, x}, &adam[i], 0, 8, "adam"}, 0, 2e-6);
    td__ctx_free(c);
}

/* The kernel of `name` at x[0..n), n up to 32, against what double precision says. */
static void check_at(const char *name, double (*truth)(double), const float *x, int n)
{
    td_ctx *c = context();
    char why[200];
    for (size_t i = 0; i < sizeof isas / sizeof *isas; i++) {
        if (td__cpu_select(isas[i], why, sizeof why))
            continue;
        float y[32];
        td_view in = {F32(n), (void *)(uintptr_t)x}, out = {F32(n), y};
        td__run(c, name, td__cpu_backend.kernel(name), &in, &out, NULL);
        for (int k = 0; k < n; k++) {
            float want = (float)truth((double)x[k]);
            cr_expect(isnan(want) ? isnan(y[k]) : want == y[k] || fabsf(y[k] - want) <= 3e-7f * fabsf(want) + 3e-45f,
                      "%s: %s of %g is %g, not %g", isas[i], name, (double)x[k], (double)y[k], (double)want);
        }
    }
    td__ctx_free(c);
}

/* Values at and beyond the ends of the range. */
Test(cpu, exp_at_the_ends)
{
    static const float x[] = {0, -0.0f, 88.72f, 88.73f, 1e30f, INFINITY, -87, -90, -103, -104, -1e30f, -INFINITY, NAN};
    check_at("exp", exp, x, 13);
}

Test(cpu, log_at_the_ends)
{
    static const float x[] = {0, -0.0f, 1, 0x1.000002p0f, 0x1.fffffep-1f, 0.70710677f, 0.70710683f, 1.4142135f, 1.4142137f, 2, 1e-3f,
                              12345, 0x1.fffffep127f, INFINITY, 0x1p-126f, 0x1.fffffcp-127f, 0x1p-149f, 3e-42f, -1e-45f, -1, -INFINITY, NAN};
    check_at("log", log, x, 22);
}

Test(cpu, selection)
{
    char why[200];
    cr_assert_eq(td__cpu_select("baseline", why, sizeof why), 0);
    cr_expect_str_eq(td__cpu_selected(), "baseline");
    cr_expect_neq(td__cpu_select("mmx", why, sizeof why), 0);
    cr_expect(strstr(why, "mmx") && strstr(why, "baseline"), "%s", why);
    cr_assert_eq(td__cpu_select(NULL, why, sizeof why), 0);
}

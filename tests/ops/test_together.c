/* Calls that are collected and run as one kernel leave the bits of calls that run at once. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "host/autograd/tape.h"
#include "host/autograd/together.h"
#include "host/backend/backend.h"
#include "host/base/pool.h"

static td_ctx *context(const td_backend_type *b)
{
    char why[200];
    cr_assert_not_null(td__backend_use(&td__reference_backend, why, sizeof why), "%s", why);
    cr_assert_not_null(td__backend_use(b, why, sizeof why), "%s", why);
    td_ctx *c = td__ctx_new(b);
    cr_assert_not_null(c);
    return c;
}

/* Tensors of one step: parameters, gradients and two states each. */
static const int64_t sizes[] = {1, 70001, 3, 0, 16384, 5, 40000};
#define N (sizeof sizes / sizeof *sizes)
#define KINDS 4
typedef td_tensor *tensors[N][KINDS];

static void make(td_ctx *c, uint32_t dtype, tensors t)
{
    uint32_t state = 7;
    for (size_t i = 0; i < N; i++)
        for (int k = 0; k < KINDS; k++) {
            double *v = malloc((size_t)(sizes[i] + 1) * sizeof *v);
            for (int64_t e = 0; e < sizes[i]; e++) {
                state = state * 1664525 + 1013904223;
                v[e] = (double)(k < 2 ? (int32_t)state : (int32_t)(state >> 1)) * 0x1p-31;
            }
            t[i][k] = td__tensor_own(c, &(td_desc){dtype, 1, {sizes[i]}});
            td__tensor_write(c, t[i][k], TD_FLOAT64, v);
            free(v);
        }
}

static void drop(tensors t)
{
    for (size_t i = 0; i < N; i++)
        for (int k = 0; k < KINDS; k++)
            td__release(t[i][k]);
}

static void sgd(td_ctx *c, td_tensor *const *t, double lr, double momentum, int32_t nesterov, int32_t first)
{
    td_sgd_attrs a = {lr, momentum, nesterov ? 0 : 0.25, 1e-3, nesterov, first};
    td_tensor *in[3] = {t[0], t[1], momentum != 0 ? t[2] : NULL};
    td__apply(c, "sgd_step", in, 3, &a, sizeof a, NULL, 0);
}

static void adam(td_ctx *c, td_tensor *const *t, double lr, int32_t decoupled)
{
    td_adam_attrs a = {lr, 0.9, 0.99, 1e-8, 1e-2, 3, decoupled, 0};
    td__apply(c, "adam_step", t, 4, &a, sizeof a, NULL, 0);
}

/* Two groups with attributes of their own, as a stage may have. */
static void every_step(td_ctx *c, tensors t, int way)
{
    for (size_t i = 0; i < N; i++) {
        double lr = i < 3 ? 0.1 : 0.02;
        if (way == 0)
            sgd(c, t[i], lr, 0, 0, 0);
        else if (way == 1)
            sgd(c, t[i], lr, 0.9, i % 2 == 0, i == 1);
        else
            adam(c, t[i], lr, way == 3);
    }
}

static void expect_same(tensors a, tensors b, const char *what, int way)
{
    for (size_t i = 0; i < N; i++)
        for (int k = 0; k < KINDS; k++)
            cr_expect(!memcmp(a[i][k]->storage->data, b[i][k]->storage->data,
                              (size_t)sizes[i] * td__dtype_size(a[i][k]->d.dtype)),
                      "%s, way %d: tensor %zu of kind %d differs", what, way, i, k);
}

Test(together, the_bits_of_one_after_the_other)
{
    td_ctx *c = context(&td__cpu_backend);
    td__together t = {0};
    for (uint32_t dtype = TD_FLOAT32; dtype <= TD_FLOAT64; dtype++)
        for (int way = 0; way < 4; way++) {
            tensors alone;
            make(c, dtype, alone);
            every_step(c, alone, way);
            for (int threads = 1; threads <= 3; threads++) {
                tensors joined;
                cr_assert_eq(td__pool_start(threads), 0);
                make(c, dtype, joined);
                td__together_begin(c, &t);
                every_step(c, joined, way);
                cr_expect_eq(t.n, N, "all calls wait");
                td__together_end(c);
                cr_expect_eq(t.n, 0);
                cr_assert_null(c->error, "%s", c->error);
                expect_same(alone, joined, dtype == TD_FLOAT32 ? "float32" : "float64", way);
                drop(joined);
            }
            drop(alone);
        }
    td__pool_stop();
    td__together_free(&t);
    td__ctx_free(c);
    cr_expect_eq(td__memory_now(), 0);
}

/* Several operations a parameter, of which some meet what waits. */
static void tangled_step(td_ctx *c, tensors t, td__together *together, const size_t *waiting)
{
    double value;
#define WAITING(k) cr_expect(!together || together->n == waiting[k], "call %d", k)
    sgd(c, t[0], 0.1, 0.9, 0, 0);
    td_tensor *next = td_neg(c, t[1][1]); /* meets nothing */
    WAITING(0);
    td_copy(c, t[1][1], next);
    sgd(c, t[1], 0.1, 0.9, 0, 0);
    WAITING(1);
    sgd(c, t[1], 0.3, 0.9, 0, 0); /* the same parameter again */
    WAITING(2);
    td_copy(c, t[1][0], td_scale(c, t[1][0], 0.5)); /* reads what waits */
    WAITING(3);
    sgd(c, t[2], 0.1, 0.9, 0, 0);
    td_copy(c, t[2][1], t[2][3]); /* writes what is still to be read */
    WAITING(4);
    sgd(c, t[2], 0.1, 0.9, 0, 0);
    adam(c, t[5], 0.1, 0); /* another operation */
    WAITING(5);
    td__tensor_read(c, t[0][0], TD_FLOAT64, &value, 1); /* not what waits */
    WAITING(6);
    td__tensor_write(c, t[0][1], TD_FLOAT64, &value);
    td__tensor_write(c, t[5][1], TD_FLOAT64, (const double[]){1, 2, 3, 4, 5});
    WAITING(7);
    sgd(c, t[0], 0.1, 0.9, 0, 0);
    td__tensor_read(c, t[0][0], TD_FLOAT64, &value, 1);
    WAITING(8);
    td__tensor_write(c, t[0][2], TD_FLOAT64, &value);
}

Test(together, order_is_kept_where_it_matters)
{
    static const size_t waiting[] = {1, 2, 1, 0, 0, 1, 1, 0, 0}, none[9] = {0};
    const td_backend_type *const backends[] = {&td__cpu_backend, &td__reference_backend};
    for (int i = 0; i < 2; i++) {
        td_ctx *c = context(backends[i]);
        td__together t = {0};
        tensors alone, joined;
        make(c, TD_FLOAT32, alone);
        make(c, TD_FLOAT32, joined);
        tangled_step(c, alone, NULL, NULL);
        td__together_begin(c, &t);
        tangled_step(c, joined, &t, i == 0 ? waiting : none); /* the reference has no such kernels */
        td__together_end(c);
        cr_assert_null(c->error, "%s", c->error);
        expect_same(alone, joined, "tangled", i);
        drop(alone);
        drop(joined);
        td__together_free(&t);
        td__ctx_free(c);
        cr_expect_eq(td__memory_now(), 0);
    }
}

static void clip(td_ctx *c, tensors t, td_tensor *total)
{
    const td_scalar_attrs a = {0.5, 0};
    for (size_t i = 0; i < N; i++)
        td__apply(c, "add_square_sum", (td_tensor *const[]){t[i][1], total}, 2, NULL, 0, NULL, 0);
    for (size_t i = 0; i < N; i++)
        td__apply(c, "clip_by_norm", (td_tensor *const[]){t[i][1], total}, 2, &a, sizeof a, NULL, 0);
}

Test(together, clipping_all_gradients_by_their_norm)
{
    td_ctx *c = context(&td__cpu_backend);
    td__together t = {0};
    tensors alone, joined;
    double square = 0, got[2];
    make(c, TD_FLOAT32, alone);
    for (size_t i = 0; i < N; i++)
        for (int64_t e = 0; e < sizes[i]; e++)
            square += pow((double)((float *)alone[i][1]->storage->data)[e], 2);
    td_tensor *total = td_zeros(c, TD_FLOAT64, 0, NULL);
    clip(c, alone, total);
    td__tensor_read(c, total, TD_FLOAT64, &got[0], 1);
    cr_expect_float_eq(got[0], square, 1e-11 * square);
    for (int threads = 1; threads <= 3; threads++) {
        cr_assert_eq(td__pool_start(threads), 0);
        make(c, TD_FLOAT32, joined);
        total = td_zeros(c, TD_FLOAT64, 0, NULL);
        td__together_begin(c, &t);
        clip(c, joined, total);
        cr_expect_eq(t.n, N, "all calls wait");
        td__together_end(c);
        td__tensor_read(c, total, TD_FLOAT64, &got[1], 1);
        cr_expect_eq(got[0], got[1]);
        expect_same(alone, joined, "clipped", threads);
        drop(joined);
    }
    cr_expect_null(c->error, "%s", c->error);
    td__pool_stop();
    drop(alone);
    td__together_free(&t);
    td__ctx_free(c);
}

Test(together, a_call_that_does_not_fit_fails_at_once)
{
    td_ctx *c = context(&td__cpu_backend);
    td__together t = {0};
    tensors all;
    make(c, TD_FLOAT32, all);
    td__together_begin(c, &t);
    sgd(c, all[0], 0.1, 0.9, 0, 0);
    sgd(c, (td_tensor *const[]){all[1][0], all[2][1], all[1][2]}, 0.1, 0.9, 0, 0);
    cr_assert_not_null(c->error);
    cr_expect(strstr(c->error, "sgd_step: parameter [70001], gradient [3]"), "%s", c->error);
    td__together_end(c); /* what waited is let go */
    cr_expect_eq(all[0][0]->refs, 1);
    cr_expect_eq(all[0][0]->storage->waited_for, 0);
    td__ctx_clear(c);
    drop(all);
    td__together_free(&t);
    td__ctx_free(c);
}

/* Runs the cases of cases_*.c over the op table. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "host/autograd/tape.h"
#include "host/autograd/together.h"
#include "host/backend/backend.h"
#include "host/base/pool.h"
#include "host/ops/table.h"
#include "host/plugin/plugins.h"
#include "tests/ops/cases.h"

static const op_case *const families[] = {
    cases_pointwise, cases_reduce, cases_softmax, cases_loss,  cases_matmul, cases_conv,
    cases_norm,      cases_pool,   cases_shape,   cases_index, cases_optim,  cases_large,
};

#define FAMILIES (sizeof families / sizeof *families)
#define EACH_OF(t, n)                       \
    for (size_t f_ = 0; f_ < (n); f_++) \
        for (const op_case *t = families[f_]; t->op; t++)
#define EACH_CASE(t) EACH_OF(t, FAMILIES - 1) /* those that say what they expect */
#define EACH_COMPARED(t) EACH_OF(t, FAMILIES)

static const char *name_of(const op_case *t)
{
    static char name[160];
    snprintf(name, sizeof name, "%s%s%s", t->op, t->what ? ", " : "", t->what ? t->what : "");
    return name;
}

static td_ctx *context(const td_backend_type *backend)
{
    char why[200];
    cr_assert_not_null(td__backend_use(backend, why, sizeof why), "%s", why);
    return td__ctx_new(backend);
}

/* ---- one call ---- */

typedef struct run {
    td_ctx *c;
    const op_case *t;
    const td_op_type *op;
    uint32_t n_in, n_result;
    td_tensor *in[TD_OP_MAX_IN];
    td_tensor *result[TD_OP_MAX_IN]; /* outputs, or the inputs that were written */
} run;

static double *values_of(const op_input *in, uint32_t k, int64_t n)
{
    double *v = malloc((size_t)(n + 1) * sizeof *v);
    for (int64_t i = 0; i < n; i++) {
        double u = (double)(i + 1) * 0.6180339887498949 + k * 0.2360679774997897;
        double x = in->lo + (in->hi - in->lo) * (u - floor(u));
        v[i] = in->values ? in->values[i] : td__is_float(in->dtype) ? x : floor(x);
    }
    return v;
}

static td_tensor *input(td_ctx *c, const op_input *in, uint32_t k, uint32_t dtype)
{
    td_desc d = {in->dtype == TD_FLOAT32 ? dtype : in->dtype, in->ndim, {0}};
    memcpy(d.shape, in->shape, sizeof d.shape);
    double *v = values_of(in, k, td_desc_numel(&d));
    td_tensor *t = td__tensor_new(c, &d);
    td__tensor_write(c, t, TD_FLOAT64, v);
    free(v);
    return t;
}

static run prepare(td_ctx *c, const op_case *t, uint32_t dtype)
{
    run r = {.c = c, .t = t, .op = td__op_find(t->op)};
    cr_assert_not_null(r.op, "a case of '%s', which is no operation", t->op);
    for (uint32_t k = 0; k < TD_OP_MAX_IN; k++)
        if (t->in[k].given) {
            r.in[k] = input(c, &t->in[k], k, dtype);
            r.n_in = k + 1;
        }
    return r;
}

static void call(run *r)
{
    td_tensor *out[TD_OP_MAX_OUT];
    td__apply(r->c, r->op->name, r->in, r->n_in, r->t->attrs, r->op->attrs_size, out, r->op->n_out);
    r->n_result = 0;
    if (r->op->n_out == 0) {
        for (uint32_t k = 0; k < r->n_in; k++)
            if (r->in[k] && td__writes(r->op, k))
                r->result[r->n_result++] = r->in[k];
    } else {
        for (uint32_t k = 0; k < r->op->n_out; k++)
            r->result[r->n_result++] = out[k];
    }
}

static double *read_all(td_ctx *c, const td_tensor *t)
{
    double *v = calloc((size_t)td_numel(t) + 1, sizeof *v);
    td__tensor_read(c, t, TD_FLOAT64, v, td_numel(t));
    return v;
}

static void compare(const op_case *t, uint32_t k, const double *got, const double *want, int64_t n, double tolerance)
{
    for (int64_t i = 0; i < n; i++) {
        int same = (isnan(got[i]) && isnan(want[i])) || got[i] == want[i] ||
                   fabs(got[i] - want[i]) <= tolerance * fmax(1, fabs(want[i]));
        cr_expect(same, "%s: result %u, element %lld is %.17g, not %.17g", name_of(t), k, (long long)i, got[i],
                  want[i]);
        if (!same)
            return;
    }
}

/* ---- the tests ---- */

Test(ops, every_operation_has_a_case)
{
    const td_op_type *op;
    for (size_t i = 0; (op = td__op_at(i)); i++) {
        int found = 0;
        EACH_CASE(t)
        found |= !strcmp(t->op, op->name);
        cr_expect(found, "operation '%s' has no case", op->name);
        cr_expect(op->grad || op->flags & (TD_OP_NONDIFF | TD_OP_INPLACE), "operation '%s' has no gradient rule",
                  op->name);
    }
    cr_assert_gt(td__op_at(0) ? 1 : 0, 0);
}

Test(ops, values)
{
    td_ctx *c = context(&td__reference_backend);
    EACH_CASE(t)
    {
        td__frame_push(c);
        run r = prepare(c, t, TD_FLOAT64);
        op_call seen = {.attrs = t->attrs};
        double *in[TD_OP_MAX_IN] = {0}, *want[TD_OP_MAX_IN] = {0};
        for (uint32_t k = 0; k < r.n_in; k++)
            if (r.in[k]) {
                seen.in_desc[k] = r.in[k]->d;
                seen.in[k] = in[k] = read_all(c, r.in[k]);
            }
        call(&r);
        cr_expect_null(c->error, "%s: %s", name_of(t), c->error);
        cr_expect(t->expect || t->golden, "%s: nothing is expected", name_of(t));
        for (uint32_t k = 0; k < r.n_result; k++) {
            if (k < TD_OP_MAX_OUT)
                seen.out_desc[k] = r.result[k]->d;
            want[k] = malloc((size_t)(td_numel(r.result[k]) + 1) * sizeof **want);
            for (int64_t i = 0; i < td_numel(r.result[k]); i++)
                want[k][i] = NAN;
        }
        if (t->expect && !c->error)
            t->expect(&seen, want);
        for (uint32_t k = 0; k < (t->expect ? r.n_result : 1) && !c->error; k++) {
            double *got = read_all(c, r.result[k]);
            compare(t, k, got, t->expect ? want[k] : t->golden, td_numel(r.result[k]),
                    t->tolerance ? t->tolerance : 1e-10);
            free(got);
        }
        for (uint32_t k = 0; k < TD_OP_MAX_IN; k++) {
            free(in[k]);
            free(want[k]);
        }
        td__frame_pop(c, td_none());
        td__ctx_clear(c);
    }
    td__ctx_free(c);
}

/* A scalar that depends differently on every element of output 0. */
static td_tensor *weighted(td_ctx *c, void *arg)
{
    static const op_input weights = {.lo = 0.5, .hi = 1.5};
    run *r = arg;
    call(r);
    if (c->error)
        return td__empty();
    td_desc d = r->result[0]->d;
    double *v = values_of(&weights, 7, td_desc_numel(&d));
    td_tensor *w = td__tensor_new(c, &d);
    td__tensor_write(c, w, TD_FLOAT64, v);
    free(v);
    return td_sum(c, td_mul(c, r->result[0], w), 0, 0);
}

static void check_gradient(run *r, uint32_t inputs)
{
    td_tensor *leaves[TD_OP_MAX_IN];
    size_t n = 0;
    for (uint32_t k = 0; k < r->n_in; k++)
        if (inputs >> k & 1) {
            r->in[k]->requires_grad = 1;
            leaves[n++] = r->in[k];
        }
    double error = td__gradient_error(r->c, weighted, r, leaves, n, 1e-5);
    cr_expect(error < 1e-6, "%s: gradient of inputs 0x%x is off by %g%s%s", name_of(r->t), inputs, error,
              r->c->error ? ": " : "", r->c->error ? r->c->error : "");
    for (size_t i = 0; i < n; i++) {
        td__release(leaves[i]->grad);
        leaves[i]->grad = NULL;
        leaves[i]->requires_grad = 0;
    }
    td__ctx_clear(r->c);
}

Test(ops, gradients)
{
    td_ctx *c = context(&td__reference_backend);
    EACH_CASE(t)
    {
        td__frame_push(c);
        run r = prepare(c, t, TD_FLOAT64);
        uint32_t inputs = 0;
        for (uint32_t k = 0; k < r.n_in && r.op->grad; k++)
            if (r.in[k] && r.in[k]->d.dtype == TD_FLOAT64 && !(t->no_grad >> k & 1))
                inputs |= 1u << k;
        if (inputs)
            check_gradient(&r, inputs);
        for (uint32_t k = 0; k < r.n_in && (inputs & (inputs - 1)); k++) /* each alone, too */
            if (inputs >> k & 1)
                check_gradient(&r, 1u << k);
        td__frame_pop(c, td_none());
    }
    td__ctx_free(c);
}

static void has_all_kernels(const td_backend_type *backend)
{
    const td_op_type *op;
    for (size_t i = 0; (op = td__op_at(i)); i++)
        cr_expect_not_null(td__kernel(backend, op), "the %s backend has no kernel of '%s'", backend->type.key, op->name);
}

/* What is bfloat16 in a network stays so without the host's conversions. */
static void has_all_half_kernels(const td_backend_type *backend)
{
    const td_op_type *op;
    for (size_t i = 0; (op = td__op_at(i)); i++)
        if (op->half_in && !(op->flags & TD_OP_MOVES))
            cr_expect_not_null(td__half_kernel(backend, op), "the %s backend has no kernel of '%s.bf16'",
                               backend->type.key, op->name);
}

/* Every operation has a kernel on the backend, and it agrees with the reference, with one thread and with three: when
 * `exact`, with the same bits. */
static void compare_backend(const td_backend_type *backend, int exact)
{
    td_ctx *c[2] = {context(&td__reference_backend), context(backend)};
    has_all_kernels(backend);
    EACH_COMPARED(t)
    {
        double *got[3][TD_OP_MAX_IN] = {{0}};
        int64_t n[TD_OP_MAX_IN] = {0};
        for (int way = 0; way < 3; way++) { /* reference, the backend, the backend with threads */
            td_ctx *with = c[way > 0];
            cr_assert_eq(td__pool_start(way == 2 ? 3 : 1), 0);
            td__frame_push(with);
            run r = prepare(with, t, TD_FLOAT32);
            call(&r);
            for (uint32_t k = 0; k < r.n_result; k++) {
                got[way][k] = read_all(with, r.result[k]);
                n[k] = td_numel(r.result[k]);
            }
            cr_expect_null(with->error, "%s: %s", name_of(t), with->error);
            td__frame_pop(with, td_none());
            td__ctx_clear(with);
        }
        double tolerance = t->cpu_tolerance ? t->cpu_tolerance : 1e-5;
        for (uint32_t k = 0; k < TD_OP_MAX_IN; k++) {
            compare(t, k, got[1][k], got[0][k], n[k], tolerance);
            compare(t, k, got[2][k], got[exact][k], n[k], exact ? 0 : tolerance);
            for (int way = 0; way < 3; way++)
                free(got[way][k]);
        }
    }
    td__pool_stop();
    td__ctx_free(c[0]);
    td__ctx_free(c[1]);
}

Test(ops, cpu) { compare_backend(&td__cpu_backend, 1); }

/* ---- bfloat16: all floating inputs that are not written have its values ---- */

enum { EXACT, ONE_THREAD, THREE_THREADS, HALF_WAYS };

/* The case computed from values that bfloat16 has: in float32, or with --precision bf16. */
static run run_rounded(td_ctx *c, const op_case *t, int way)
{
    run r = prepare(c, t, TD_FLOAT32);
    for (uint32_t k = 0; k < r.n_in; k++) {
        int written = r.op->mutates >> k & 1 || (k == 0 && r.op->flags & TD_OP_INPLACE);
        if (!r.in[k] || r.in[k]->d.dtype != TD_FLOAT32 || written)
            continue;
        r.in[k] = td_cast(c, r.in[k], TD_BFLOAT16);
        if (way == EXACT)
            r.in[k] = td_cast(c, r.in[k], TD_FLOAT32);
    }
    c->bf16 = way != EXACT;
    call(&r);
    c->bf16 = 0;
    return r;
}

/* Whether the result is of the type the op's row says, given that all inputs were bfloat16. */
static void has_half_type(const run *r, uint32_t k)
{
    uint32_t dtype = r->result[k]->d.dtype;
    if (!r->op->half_in || r->op->flags & (TD_OP_MOVES | TD_OP_INPLACE) || (dtype != TD_FLOAT32 && dtype != TD_BFLOAT16))
        return;
    cr_expect_eq(dtype, r->op->half_out >> k & 1 ? TD_BFLOAT16 : TD_FLOAT32, "%s: result %u has dtype %u", name_of(r->t),
                 k, dtype);
}

/* Half a unit in the last of 8 places is 2^-9 of a result; twice that, and once more where a bias is added to a sum that
 * was rounded (by cuDNN, cuBLAS). */
static double half_tolerance(const op_case *t)
{
    int bias = td__op_find(t->op)->flags & TD_OP_AUTOCAST && t->in[2].given;
    return bias ? 1 / 128.0 : 1 / 256.0;
}

/* With --precision bf16 every operation gives what float32 gives, rounded, and the same bits for any number of
 * threads. */
static void compare_half(const td_backend_type *backend)
{
    td_ctx *c[2] = {context(&td__reference_backend), context(backend)};
    EACH_COMPARED(t)
    {
        double *got[HALF_WAYS][TD_OP_MAX_IN] = {{0}};
        int64_t n[TD_OP_MAX_IN] = {0};
        for (int way = EXACT; way < HALF_WAYS; way++) {
            td_ctx *with = c[way != EXACT];
            cr_assert_eq(td__pool_start(way == THREE_THREADS ? 3 : 1), 0);
            td__frame_push(with);
            run r = run_rounded(with, t, way);
            for (uint32_t k = 0; k < r.n_result && !with->error; k++) {
                if (way != EXACT)
                    has_half_type(&r, k);
                got[way][k] = read_all(with, r.result[k]);
                n[k] = td_numel(r.result[k]);
            }
            cr_expect_null(with->error, "%s: %s", name_of(t), with->error);
            td__frame_pop(with, td_none());
            td__ctx_clear(with);
        }
        for (uint32_t k = 0; k < TD_OP_MAX_IN; k++) {
            compare(t, k, got[ONE_THREAD][k], got[EXACT][k], n[k], half_tolerance(t));
            compare(t, k, got[THREE_THREADS][k], got[ONE_THREAD][k], n[k], 0);
            for (int way = EXACT; way < HALF_WAYS; way++)
                free(got[way][k]);
        }
    }
    td__pool_stop();
    td__ctx_free(c[0]);
    td__ctx_free(c[1]);
}

Test(ops, bfloat16_by_rounding)
{
    compare_half(&td__reference_backend);
    compare_half(&td__cpu_backend);
}

/* A backend that is a plugin of this tree; NULL where it was not built. */
static const td_backend_type *plugin_backend(td__plugins *plugins, const char *key)
{
    cr_assert_eq(td__register_builtins(), 0);
    for (const td_static_plugin *const *s = td__static_plugins; *s; s++)
        cr_assert_eq(td__plugin_load_static(plugins, *s), 0);
    return (const td_backend_type *)td__find_type(TD_KIND_BACKEND, key);
}

/* A ReLU must not hide that a run diverged. */
static void keeps_nan(const td_backend_type *backend)
{
    const int64_t shape[] = {1, 1, 1, 2}, one = 1;
    const float values[] = {NAN, 1}, zero = 0, unit = 1;
    float got[2];
    td_ctx *c = context(backend);
    td_tensor *x = td_tensor_from(c, TD_FLOAT32, 4, shape, values);
    td_tensor *mean = td_tensor_from(c, TD_FLOAT32, 1, &one, &zero), *var = td_tensor_from(c, TD_FLOAT32, 1, &one, &unit);
    td_batch_norm_attrs a = {0.1, 1e-5, 0, 1};
    td_tensor *results[] = {td_relu(c, x), td_batch_norm(c, x, NULL, NULL, mean, var, &a),
                            td_batch_norm_add_relu(c, x, NULL, NULL, mean, var, x, &a)};
    for (int i = 0; i < 3; i++) {
        cr_expect_eq(td__tensor_read(c, results[i], TD_FLOAT32, got, 2), 0, "%s", c->error);
        cr_expect(isnan(got[0]) && got[1] > 0.9f, "result %d: %g %g", i, (double)got[0], (double)got[1]);
    }
    td__ctx_free(c);
}

Test(ops, onednn)
{
    td__plugins plugins = {0};
    const td_backend_type *backend = plugin_backend(&plugins, "onednn");
    if (backend) {
        compare_backend(backend, 0);
        keeps_nan(backend);
    }
    td__registry_clear();
    td__plugins_free(&plugins);
    if (!backend)
        cr_skip_test("the onednn backend is not built");
}

/* The cuda backend of a file, loaded; NULL where that is not built. */
static const td_backend_type *cuda_of(td__plugins *plugins, const char *file)
{
    if (access(file, F_OK))
        return NULL;
    cr_assert_eq(td__plugins_scan(plugins, &file, 1, NULL, 0), 0);
    td__plugins_load_backends(plugins, "cuda");
    cr_assert(plugins->v[0]->loaded, "%s", plugins->v[0]->refused);
    return (const td_backend_type *)td__find_type(TD_KIND_BACKEND, "cuda");
}

/* Without a device all but the launches: the plugin loads, has every kernel and says why it does not run. */
Test(ops, cuda)
{
    td__plugins plugins = {0};
    char why[256] = "";
    const td_backend_type *backend = cuda_of(&plugins, TD_BUILDDIR "/plugins/backends/cuda/cuda.so");
    if (!backend)
        cr_skip_test("the cuda backend is not built");
    has_all_kernels(backend);
    has_all_half_kernels(backend);
    cr_expect_null(backend->kernel("no such operation"));
    int runs = backend->score(why, sizeof why) > 0;
    if (runs) {
        compare_backend(backend, 1);
        compare_half(backend);
        keeps_nan(backend);
    }
    td__registry_clear();
    td__plugins_free(&plugins);
    cr_expect(runs || *why, "it does not say why it does not run");
    if (!runs)
        cr_skip_test("all kernels are there, but none was run: %s", why);
}

/* The same sources compiled for the host. */
Test(ops, cuda_on_host)
{
    td__plugins plugins = {0};
    const td_backend_type *backend = cuda_of(&plugins, TD_BUILDDIR "/tests/cuda_on_host/cuda.so");
    if (!backend)
        cr_skip_test("there is no C++ compiler");
    compare_backend(backend, 1);
    has_all_half_kernels(backend);
    compare_half(backend);
    keeps_nan(backend);
    td__registry_clear();
    td__plugins_free(&plugins);
}

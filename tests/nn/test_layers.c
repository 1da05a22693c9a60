/* Every layer against PyTorch: golden.py wrote golden.safetensors and cases.txt. */
#include <math.h>
#include <stdio.h>

#include "host/base/pool.h"
#include "host/base/rng.h"
#include "host/tensor/fill.h"
#include "tests/nn/nn.h"

static td__tensor_file golden;

static void open_golden(void)
{
    char *path = source_path("tests/nn/golden.safetensors"), why[600] = "";
    cr_assert_eq(td__tensors_open(&golden, path, why, sizeof why), 0, "%s", why);
    free(path);
}

static const td__named *value(const char *name, const char *what, const char *member)
{
    char *full = td__printf("%s%s%s", name, what, member);
    const td__named *t = td__tensors_find(&golden, full);
    cr_assert_not_null(t, "%s", full);
    free(full);
    return t;
}

static void expect_equal(td_ctx *c, const td_tensor *t, const td__named *want, const char *name, const char *what)
{
    char a[160], b[160];
    NN_FINE(c);
    int same = t->d.ndim == want->d.ndim && !memcmp(t->d.shape, want->d.shape, sizeof want->d.shape);
    cr_assert(same, "%s %s: %s, not %s", name, what, td__shape_text(&t->d, a, sizeof a),
              td__shape_text(&want->d, b, sizeof b));
    double *v = nn_read(c, t);
    for (int64_t i = 0; i < td_numel(t); i++) {
        double w =
            want->d.dtype == TD_INT64 ? (double)((const int64_t *)want->data)[i] : ((const float *)want->data)[i];
        cr_assert(fabs(v[i] - w) <= 1e-6 * fmax(1, fabs(w)), "%s %s[%lld]: %.9g, not %.9g", name, what, (long long)i,
                  v[i], w);
    }
    free(v);
}

static td_tensor *input(td_ctx *c, const char *name)
{
    const td__named *in = value(name, ":", "in");
    td_tensor *x = td_zeros(c, c->param_dtype, in->d.ndim, in->d.shape);
    td__tensor_write(c, x, in->d.dtype, in->data);
    return x;
}

static void run_case(td_ctx *c, const char *name, const char *key, const char *kwargs)
{
    td__frame_push(c);
    td_module *m = td__module_retain(td_layer(c, NULL, name, key, "%s", kwargs));
    NN_FINE(c);
    for (size_t i = 0; i < m->n_members; i++) {
        const td__named *t = value(name, "/", m->members[i].name);
        td__tensor_write(c, m->members[i].tensor, t->d.dtype, t->data);
    }
    td_tensor *x = input(c, name);
    expect_equal(c, td_call(c, m, x), value(name, ":", "training"), name, "training");
    td_call(c, m, td_scale(c, x, 2));
    td__set_training(m, 0);
    for (size_t i = 0; i < m->n_members; i++)
        if (m->members[i].is_buffer)
            expect_equal(c, m->members[i].tensor, value(name, ":after/", m->members[i].name), name, m->members[i].name);
    expect_equal(c, td_call(c, m, x), value(name, ":", "eval"), name, "eval");
    td__module_release(m);
    td__frame_pop(c, td_none());
}

Test(layers, equal_pytorch)
{
    td_ctx *c = nn_start(&td__reference_backend, TD_FLOAT64);
    char *path = source_path("tests/nn/cases.txt"), line[512], name[64], key[64];
    FILE *cases = fopen(path, "r");
    int n = 0, at;
    cr_assert_not_null(cases, "%s", path);
    open_golden();
    for (; fgets(line, sizeof line, cases); n++) {
        cr_assert_eq(sscanf(line, "%63s %63s %n", name, key, &at), 2, "%s", line);
        run_case(c, name, key, line + at);
    }
    cr_assert_eq(n, 34);
    fclose(cases);
    free(path);
    td__tensors_close(&golden);
    td__ctx_free(c);
}

Test(layers, wrong_arguments_are_named)
{
    static const struct {
        const char *key, *kwargs, *says;
    } bad[] = {
        {"Conv3d", "{}", "no layer is called 'Conv3d' (did you mean 'Conv2d'?)"},
        {"Conv2d", "{in_channels: 3, out_channels: 4, kernel_size: 3, padding: some}",
         "padding is 'some'; it may be a length, a pair of lengths, 'same' or 'valid'"},
        {"Conv2d", "{in_channels: 3, out_channels: 4, kernel_size: 3, stride: 2, padding: same}",
         "padding 'same' needs stride 1"},
        {"Conv2d", "{in_channels: 3, out_channels: 4, kernel_size: [1, 2, 3]}",
         "kernel_size is one length or two, not 3"},
        {"Conv2d", "{in_channels: 3, out_channels: 4, kernel_size: 0}",
         "kernel_size, stride and dilation are at least 1"},
        {"Conv2d", "{in_channels: 3, out_channels: 4, kernel_size: 3, groups: 2}",
         "2 groups do not divide 3 and 4 channels"},
        {"Upsample", "{}", "Upsample needs one of size and scale_factor, a number or two"},
        {"AdaptiveAvgPool2d", "{output_size: -1}", "output_size is negative"},
    };
    td_ctx *c = nn_start(&td__reference_backend, TD_FLOAT32);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        td__module_release(td__module_retain(td_layer(c, NULL, "x", bad[i].key, "%s", bad[i].kwargs)));
        NN_FAILED(c, bad[i].says);
    }
    td__module_release(td__module_retain(td_layer(c, NULL, "x", "Linear", "{in_features: 3, out_feature: 2}")));
    cr_assert_not_null(c->error);
    cr_assert_not_null(strstr(c->error, "'out_features'"), "%s", c->error);
    td__ctx_free(c);
}

/* The weights of the layer that is built after `before` others. */
static double *weights(uint64_t seed, int before, int64_t *n)
{
    td_ctx *c = nn_start(&td__reference_backend, TD_FLOAT32);
    c->seed = seed;
    for (int i = 0; i < before; i++)
        td__module_release(td__module_retain(td_layer(c, NULL, "x", "Linear", "{in_features: 3, out_features: 2}")));
    td_module *m =
        td__module_retain(td_layer(c, NULL, "x", "Conv2d", "{in_channels: 64, out_channels: 128, kernel_size: 3}"));
    *n = td_numel(td_member(m, "weight"));
    double *v = nn_read(c, td_member(m, "weight"));
    NN_FINE(c);
    td__module_release(m);
    td__ctx_free(c);
    return v;
}

Test(layers, initial_values)
{
    int64_t n;
    double *a = weights(1, 0, &n), *b = weights(1, 0, &n), *other = weights(2, 0, &n), *later = weights(1, 1, &n),
           bound = 1 / sqrt(64 * 9), square = 0, mean = 0;
    cr_assert_arr_eq(a, b, (size_t)n * sizeof *a);
    int moved = 0, shifted = 0;
    for (int64_t i = 0; i < n; i++) {
        cr_assert(fabs(a[i]) <= bound * (1 + 1e-6)); /* kaiming_uniform with a = sqrt(5): 1 / sqrt(fan_in) */
        square += a[i] * a[i] / (double)n;
        mean += a[i] / (double)n;
        moved += a[i] != other[i];
        shifted += a[i] != later[i];
    }
    cr_assert_float_eq(square, bound * bound / 3, 0.02 * bound * bound);
    cr_assert_float_eq(mean, 0, 0.02 * bound);
    cr_assert_gt(moved, n * 9 / 10);
    cr_assert_gt(shifted, n * 9 / 10);
    free(later);
    free(a);
    free(b);
    free(other);
}

Test(layers, kaiming_normal_and_friends)
{
    td_ctx *c = nn_start(&td__reference_backend, TD_FLOAT64);
    td_module *m = td__module_retain(td_layer(c, NULL, "x", "Linear", "{in_features: 100, out_features: 400}"));
    static const struct {
        td_init init;
        double mean, deviation;
    } inits[] = {
        {{TD_INIT_KAIMING_NORMAL, 0, 0, 0}, 0, 0.141421356}, /* sqrt(2 / 100) */
        {{TD_INIT_KAIMING_NORMAL, 0, 1, 0}, 0, 0.070710678}, /* sqrt(2 / 400) */
        {{TD_INIT_NORMAL, 0, 3, 0.5}, 3, 0.5},
        {{TD_INIT_UNIFORM, 0, 2, 4}, 3, 0.577350269},
        {{TD_INIT_CONSTANT, 0, 7, 0}, 7, 0},
    };
    for (size_t k = 0; k < sizeof inits / sizeof *inits; k++) {
        td_reinit(c, m, "weight", inits[k].init);
        double *v = nn_read(c, td_member(m, "weight")), mean = 0, square = 0;
        for (int i = 0; i < 40000; i++) {
            mean += v[i] / 40000;
            square += v[i] * v[i] / 40000;
        }
        cr_assert_float_eq(mean, inits[k].mean, 0.02 * inits[k].deviation + 1e-6, "%zu: mean %g", k, mean);
        cr_assert_float_eq(sqrt(fmax(0, square - mean * mean)), inits[k].deviation, 0.02 * inits[k].deviation + 1e-5,
                           "%zu", k);
        free(v);
    }
    td_reinit(c, m, "wieght", inits[0].init);
    NN_FAILED(c, "Linear has no parameter or buffer 'wieght'");
    td_reinit(c, m, "bias", inits[0].init);
    NN_FAILED(c, "a Kaiming initialisation needs two dimensions or more");
    td__module_release(m);
    td__ctx_free(c);
}

/* Element i of the k-th member that was started is number i of the stream (seed, k), wherever it lies in memory; it is
 * the same when many are filled together, in the end or before somebody looks, by any number of threads. */
Test(layers, initial_values_do_not_depend_on_when_they_are_drawn)
{
    static const td_init normal = {TD_INIT_NORMAL, 0, 1, 2};
    const int64_t shape[4] = {5, 67, 15, 4};
    double w_drawn[5 * 67 * 60 + TD__GROUP], v_drawn[5 * 67 + TD__GROUP];
    for (uint64_t i = 0; i < 5 * 67 * 60; i += TD__GROUP)
        td__draws_of(0)->normal(td_stream_of(7, 2, TD__USE_INIT), i / TD__GROUP, w_drawn + i);
    for (uint64_t i = 0; i < 5 * 67; i += TD__GROUP)
        td__draws_of(0)->uniform(td_stream_of(7, 1, TD__USE_INIT), i / TD__GROUP, v_drawn + i);
    for (int late = 0; late < 3; late++) {
        td_ctx *c = nn_start(&td__reference_backend, TD_FLOAT32);
        cr_assert_eq(td__pool_start(late + 1), 0);
        c->seed = 7;
        if (late)
            td__fills_begin(c);
        td_module *m = td__module_retain(td_module_new(c, &(td_module_type){.name = "X"}));
        td_tensor *w = td_parameter(c, m, "w", 4, shape, (td_init){TD_INIT_UNIFORM, 0, -1, 1});
        td_tensor *v = td_parameter(c, m, "v", 2, shape, (td_init){TD_INIT_UNIFORM, 0, -1, 1});
        td_reinit(c, m, "w", normal);
        if (late == 1)
            td__fills_end(c);
        double *got = nn_read(c, w), *other = nn_read(c, v);
        for (uint64_t i = 0; i < 5 * 67 * 60; i++)
            cr_assert_eq(got[i], (float)(1 + 2 * w_drawn[i]), "%d", (int)i);
        for (uint64_t i = 0; i < 5 * 67; i++)
            cr_assert_eq(other[i], (float)(-1 + 2 * v_drawn[i]), "%d", (int)i);
        free(got);
        free(other);
        NN_FINE(c);
        td__module_release(m);
        td__ctx_free(c);
        td__pool_stop();
    }
}

Test(layers, dropout_is_a_function_of_the_step)
{
    td_ctx *c = nn_start(&td__reference_backend, TD_FLOAT64);
    td_module *m = td__module_retain(td_layer(c, NULL, "x", "Dropout", "{p: 0.25}"));
    int64_t shape[2] = {100, 100};
    td_tensor *x = td_affine(c, td_zeros(c, TD_FLOAT64, 2, shape), 1, 3);
    double *first = NULL;
    for (uint64_t step = 0; step < 4; step++) {
        c->step = step % 3;
        c->draws = 0;
        double *v = nn_read(c, td_call(c, m, x)), *again = nn_read(c, td_call(c, m, x));
        int zeros = 0, same = 0;
        for (int i = 0; i < 10000; i++) {
            cr_assert(v[i] == 0 || v[i] == 4);
            zeros += v[i] == 0;
            same += v[i] == again[i];
        }
        cr_assert_float_eq(zeros, 2500, 150);
        cr_assert_lt(same, 7000); /* another draw of the step has another mask */
        if (step == 0)
            first = v;
        else
            cr_assert_eq(memcmp(v, first, 10000 * sizeof *v) == 0, step == 3, "step %d", (int)step);
        if (step)
            free(v);
        free(again);
    }
    free(first);
    td__set_training(m, 0);
    cr_assert_eq(td_call(c, m, x), x);
    NN_FINE(c);
    td__module_release(m);
    td__ctx_free(c);
}

/* The models against PyTorch: parameter counts, and ResNet-20's forward, gradients and 20 SGD steps. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "host/autograd/tape.h"
#include "host/io/tensors.h"
#include "tests/models/models.h"
#include "tests/paths.h"

TestSuite(models, .init = load_plugins, .fini = unload_plugins);

/* Counts that PyTorch gives for torchdistill's definitions. */
Test(models, parameter_counts)
{
    static const struct { const char *key, *kwargs; int64_t count; } known[] = {
        {"resnet20", "{}", 272474},          {"resnet20", "{num_classes: 100}", 278324},  {"resnet56", "{}", 855770},
        {"resnet110", "{}", 1730714},        {"resnet20", "{shortcut: A}", 269722},       {"resnet56", "{shortcut: A}", 853018},
        {"wide_resnet16_8", "{}", 10961370}, {"wide_resnet40_4", "{num_classes: 100}", 8972340},
        {"wide_resnet", "{depth: 40, k: 1, dropout_p: 0.0}", 563930},
        {"resnet18", "{}", 11689512},        {"torchvision.models.resnet34", "{weights: null, progress: true}", 21797672},
        {"resnet50", "{}", 25557032},        {"resnet101", "{}", 44549160},              {"resnet152", "{}", 60192808},
    };
    td_ctx *c = context("reference", TD_FLOAT32);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        td_module *m = model(c, known[i].key, known[i].kwargs);
        cr_expect_eq(td__count_parameters(m, 0), known[i].count, "%s %s: %lld", known[i].key, known[i].kwargs,
                     (long long)td__count_parameters(m, 0));
        td__module_release(m);
    }
    td__ctx_free(c);
}

/* Shapes and names of what torchvision's files hold. */
Test(models, torchvision_names)
{
    static const struct { const char *key, *module, *member; int64_t shape[4]; } known[] = {
        {"resnet18", "layer4.1.conv2", "weight", {512, 512, 3, 3}},     {"resnet18", "layer2.0.downsample.0", "weight", {128, 64, 1, 1}},
        {"resnet50", "layer1.0.downsample.1", "running_var", {256}},    {"resnet50", "layer2.0.conv2", "weight", {128, 128, 3, 3}},
        {"resnet50", "layer4.2.conv3", "weight", {2048, 512, 1, 1}},    {"resnet50", "fc", "weight", {1000, 2048}},
    };
    td_ctx *c = context("reference", TD_FLOAT32);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        td_module *m = model(c, known[i].key, "{}");
        td_tensor *t = td_member(td_find(c, m, known[i].module), known[i].member);
        cr_assert_not_null(t, "%s of %s", known[i].member, known[i].module);
        for (int64_t d = 0; d < 4; d++)
            cr_expect_eq(td_dim(t, d), known[i].shape[d], "%s %s", known[i].key, known[i].module);
        td__module_release(m);
    }
    td__ctx_free(c);
}

/* golden.py's formula: scale sin(0.7 i + phase) + shift over row-major positions. */
static void wave(td_ctx *c, td_tensor *t, double phase, double scale, double shift)
{
    int64_t n = td_numel(t);
    double *v = malloc((size_t)n * sizeof *v);
    for (int64_t i = 0; i < n; i++)
        v[i] = scale * sin(0.7 * (double)i + phase) + shift;
    cr_assert_eq(td__tensor_write(c, t, TD_FLOAT64, v), 0);
    free(v);
}

struct visit {
    td_ctx *c;
    int parameters, buffers[2];
    const double *sum, *norm, *mean, *var;
    double tolerance, lr;
};

static int set_parameter(const char *name, td__member *member, td_module *owner, void *user)
{
    struct visit *v = user;
    (void)name;
    (void)owner;
    if (member->is_buffer)
        return 0;
    const td_desc *d = td_desc_of(member->tensor);
    double fan_in = 1;
    for (uint32_t i = 1; i < d->ndim; i++)
        fan_in *= (double)d->shape[i];
    int j = v->parameters++;
    if (d->ndim > 1)
        wave(v->c, member->tensor, 1.3 * j, sqrt(3 / fan_in), 0);
    else
        wave(v->c, member->tensor, 1.3 * j, 0.3, 0.5);
    return 0;
}

static double total(td_ctx *c, td_tensor *t, double *norm)
{
    int64_t n = td_numel(t);
    double *v = malloc((size_t)n * sizeof *v), sum = 0, squares = 0;
    cr_assert_eq(td__tensor_read(c, t, TD_FLOAT64, v, n), 0);
    for (int64_t i = 0; i < n; i++) {
        sum += v[i];
        squares += v[i] * v[i];
    }
    free(v);
    *norm = sqrt(squares);
    return sum;
}

static void compare_gradient(const char *name, const td__member *member, struct visit *v)
{
    int j = v->parameters++;
    cr_assert_not_null(member->tensor->grad, "%s has no gradient", name);
    double norm, sum = total(v->c, member->tensor->grad, &norm);
    cr_expect_float_eq(norm, v->norm[j], v->tolerance * (1 + v->norm[j]), "%s: norm %.12g, not %.12g", name, norm, v->norm[j]);
    if (v->sum)
        cr_expect_float_eq(sum, v->sum[j], v->tolerance * (1 + v->norm[j] * sqrt((double)td_numel(member->tensor))),
                           "%s: sum %.12g, not %.12g", name, sum, v->sum[j]);
}

static int compare_member(const char *name, td__member *member, td_module *owner, void *user)
{
    struct visit *v = user;
    (void)owner;
    if (!member->is_buffer) {
        compare_gradient(name, member, v);
    } else if (v->mean && (strstr(name, "running_mean") || strstr(name, "running_var"))) {
        int is_var = strstr(name, "running_var") != NULL;
        double norm, want = (is_var ? v->var : v->mean)[v->buffers[is_var]++], sum = total(v->c, member->tensor, &norm);
        cr_expect_float_eq(sum, want, v->tolerance * (1 + fabs(want)), "%s: sum %.12g, not %.12g", name, sum, want);
    }
    return 0;
}

static int sgd(const char *name, td__member *member, td_module *owner, void *user)
{
    static td_tensor *buffers[128];
    struct visit *v = user;
    (void)name;
    (void)owner;
    if (member->is_buffer)
        return 0;
    td_tensor *p = member->tensor, **buffer = &buffers[v->parameters++];
    td_sgd_attrs a = {v->lr, 0.9, 0, 5e-4, 0, v->buffers[0] == 0};
    if (a.first)
        *buffer = td_retain(td_zeros(v->c, td_desc_of(p)->dtype, td_desc_of(p)->ndim, td_desc_of(p)->shape));
    td_tensor *in[] = {p, p->grad, *buffer};
    td_host->apply(v->c, "sgd_step", in, 3, &a, sizeof a, NULL, 0);
    if (v->buffers[0] == 19)
        td_release(*buffer);
    return 0;
}

/* The batch of golden.py's step; step < 0 stands for the first forward. */
static td_tensor *loss_of(td_ctx *c, td_module *m, int step, td_tensor **logits)
{
    static const int64_t shape[] = {4, 3, 32, 32}, labels[] = {3, 0, 9, 5}, four = 4;
    int64_t y[4];
    td_tensor *x = td_zeros(c, c->param_dtype, 4, shape);
    int odd = step < 0 ? 0 : step % 2;
    wave(c, x, 0.1 + odd, 1.5, 0);
    for (int i = 0; i < 4; i++)
        y[i] = (labels[i] + odd) % 10;
    *logits = td_call(c, m, x);
    return td_cross_entropy(c, *logits, td_tensor_from(c, TD_INT64, 1, &four, y));
}

static const double *golden(const td__tensor_file *f, const char *name)
{
    const td__named *v = td__tensors_find(f, name);
    cr_assert_not_null(v, "%s", name);
    return v->data;
}

static void compare_with_pytorch(const char *backend, uint32_t dtype, double tolerance, int steps, double step_tolerance)
{
    char why[256], *path = source_path("tests/models/resnet20_golden.safetensors");
    td__tensor_file f;
    cr_assert_eq(td__tensors_open(&f, path, why, sizeof why), 0, "%s", why);
    td_ctx *c = context(backend, dtype);
    td_module *m = model(c, "resnet20", "{}");
    struct visit v = {.c = c, .tolerance = tolerance, .sum = golden(&f, "grad_sum"), .norm = golden(&f, "grad_norm"),
                      .mean = golden(&f, "running_mean_sum"), .var = golden(&f, "running_var_sum"), .lr = 0.01};
    td__walk_members(m, set_parameter, &v);
    td__set_training(m, 1);
    c->grad = 1;

    td_tensor *logits;
    double got[40], loss;
    td__frame_push(c);
    td_tensor *l = loss_of(c, m, -1, &logits);
    td__backward(c, l, 1);
    cr_assert_null(c->error, "%s", c->error);
    cr_assert_eq(td__tensor_read(c, logits, TD_FLOAT64, got, 40), 0);
    for (int i = 0; i < 40; i++)
        cr_expect_float_eq(got[i], golden(&f, "logits")[i], tolerance * 10, "logit %d: %.12g, not %.12g", i, got[i], golden(&f, "logits")[i]);
    v.parameters = 0;
    td__walk_members(m, compare_member, &v);
    td__frame_pop(c, td_none());

    for (int step = 0; step < steps; step++) {
        td__frame_push(c);
        td__zero_grad(m);
        l = loss_of(c, m, step, &logits);
        td__backward(c, l, 1);
        cr_assert_eq(td__tensor_read(c, l, TD_FLOAT64, &loss, 1), 0, "%s", c->error);
        cr_expect_float_eq(loss, golden(&f, "losses")[step], step_tolerance * (1 + loss), "step %d: %.12g, not %.12g", step, loss,
                           golden(&f, "losses")[step]);
        v.parameters = 0;
        v.buffers[0] = step;
        c->grad = 0;
        td__walk_members(m, sgd, &v);
        c->grad = 1;
        cr_assert_null(c->error, "%s", c->error);
        td__frame_pop(c, td_none());
    }
    td__module_release(m);
    td__ctx_free(c);
    td__tensors_close(&f);
    free(path);
}

Test(models, resnet20_reference_double) { compare_with_pytorch("reference", TD_FLOAT64, 1e-9, 20, 1e-7); }
Test(models, resnet20_cpu_single) { compare_with_pytorch("cpu", TD_FLOAT32, 1e-4, 20, 1e-3); }
Test(models, resnet20_onednn_single)
{
    if (!td__find_type(TD_KIND_BACKEND, "onednn"))
        cr_skip_test("the onednn backend is not built");
    compare_with_pytorch("onednn", TD_FLOAT32, 1e-4, 20, 1e-3);
}

/* torchvision_golden.py's step of a torchvision ResNet. */
static void compare_with_torchvision(const char *key, const char *backend, uint32_t dtype, double tolerance)
{
    static const int64_t shape[] = {2, 3, 64, 64}, labels[] = {3, 0}, two = 2;
    char why[256], name[64], *path = source_path("tests/models/torchvision_golden.safetensors");
    td__tensor_file f;
    cr_assert_eq(td__tensors_open(&f, path, why, sizeof why), 0, "%s", why);
    td_ctx *c = context(backend, dtype);
    td_module *m = model(c, key, "{num_classes: 10}");
    snprintf(name, sizeof name, "%s|grad_norm", key);
    struct visit v = {.c = c, .tolerance = tolerance, .norm = golden(&f, name)};
    td__walk_members(m, set_parameter, &v);
    td__set_training(m, 1);
    c->grad = 1;
    td__frame_push(c);
    td_tensor *x = td_zeros(c, dtype, 4, shape);
    wave(c, x, 0.1, 1.5, 0);
    td_tensor *logits = td_call(c, m, x);
    td__backward(c, td_cross_entropy(c, logits, td_tensor_from(c, TD_INT64, 1, &two, labels)), 1);
    double got[20];
    cr_assert_null(c->error, "%s", c->error);
    cr_assert_eq(td__tensor_read(c, logits, TD_FLOAT64, got, 20), 0);
    snprintf(name, sizeof name, "%s|logits", key);
    for (int i = 0; i < 20; i++)
        cr_expect_float_eq(got[i], golden(&f, name)[i], tolerance * 10, "logit %d: %.12g, not %.12g", i, got[i], golden(&f, name)[i]);
    v.parameters = 0;
    td__walk_members(m, compare_member, &v);
    td__frame_pop(c, td_none());
    td__module_release(m);
    td__ctx_free(c);
    td__tensors_close(&f);
    free(path);
}

Test(models, torchvision_resnet18_double) { compare_with_torchvision("resnet18", "reference", TD_FLOAT64, 1e-9); }
Test(models, torchvision_resnet50_double) { compare_with_torchvision("resnet50", "reference", TD_FLOAT64, 1e-9); }
Test(models, torchvision_resnet18_cpu) { compare_with_torchvision("resnet18", "cpu", TD_FLOAT32, 1e-4); }

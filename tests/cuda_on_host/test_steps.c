/* Training on the cuda backend, compiled for the host: its streams, graphs, staging and memory, which run as late and
 * in as odd an order as CUDA allows. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/backend/backend.h"
#include "host/base/log.h"
#include "host/nn/module.h"
#include "tests/train/lab.h"

static struct lab lab;
static td__plugins cuda;

static void setup(void)
{
    const char *file = TD_BUILDDIR "/tests/cuda_on_host/cuda.so";
    lab_begin(&lab);
    cr_assert_eq(td__plugins_scan(&cuda, &file, 1, NULL, 0), 0);
    td__plugins_load_backends(&cuda, "cuda");
}
static void teardown(void)
{
    lab_end(&lab);
    td__plugins_free(&cuda);
}
TestSuite(cuda_steps, .init = setup, .fini = teardown);

static void train(const char *backend, const char *out, const char *const *sets, size_t n, int bf16, char *text,
                  size_t size)
{
    td__run_options o = lab_options(&lab, lab_distil, "a.yaml", out);
    o.backend = backend;
    o.sets = sets;
    o.n_sets = n;
    o.bf16 = bf16;
    td__log_level(TD_LOG_INFO);
    cr_assert_eq(lab_errors(td__train_command, &o, text, size), TD__EXIT_OK, "%s", text);
    td__log_level(TD_LOG_ERROR);
}

#define WEIGHTS 2560 /* of fc, with up to ten classes */

/* Graphs do not change a bit, whatever runs first; and the weights are the reference's, nearly. */
static void trains(const char *const *sets, size_t n, int bf16, const char *said, double tolerance)
{
    static float want[WEIGHTS], got[WEIGHTS];
    char text[8192];
    train("reference", "reference", sets, n, bf16, text, sizeof text);
    train("cuda", "graphs", sets, n, bf16, text, sizeof text);
    cr_expect(said ? strstr(text, said) != NULL : !strstr(text, "captured"), "%s", text);
    setenv("TDHOST_GRAPHS", "0", 1);
    train("cuda", "kernels", sets, n, bf16, text, sizeof text);
    unsetenv("TDHOST_GRAPHS");
    cr_expect(lab_same_run(&lab, "graphs", "kernels"));
    const int64_t weights = lab_tensor(&lab, "reference", "student/fc.weight", want, WEIGHTS);
    cr_assert_gt(weights, 0);
    cr_assert_eq(lab_tensor(&lab, "graphs", "student/fc.weight", got, WEIGHTS), weights);
    for (int64_t i = 0; i < weights; i++)
        cr_assert_float_eq(got[i], want[i], tolerance, "%lld: %g, not %g", (long long)i, (double)got[i],
                           (double)want[i]);
}

Test(cuda_steps, sgd) { trains(NULL, 0, 0, NULL, 1e-5); }

Test(cuda_steps, adam_with_a_schedule_by_steps_and_dropout)
{
    const char *sets[] = {"train.optimizer={key: Adam, kwargs: {lr: 0.01, weight_decay: 0.01}}",
                          "train.scheduler={key: ExponentialLR, kwargs: {gamma: 0.95}, scheduling_step: 1}",
                          "models.student_model.kwargs={dropout: 0.3}"};
    trains(sets, 3, 0, NULL, 1e-3);
}

Test(cuda_steps, clipped_gradients)
{
    const char *sets[] = {"train.optimizer={key: SGD, kwargs: {lr: 0.05, momentum: 0.9}, max_grad_norm: 0.1}"};
    trains(sets, 1, 0, NULL, 1e-5);
}

Test(cuda_steps, clipped_and_accumulated_gradients)
{
    const char *sets[] = {"train.optimizer={key: SGD, kwargs: {lr: 0.05}, grad_accum_step: 2, max_grad_norm: 0.1}"};
    trains(sets, 1, 0, "captured", 1e-5);
}

Test(cuda_steps, bfloat16) { trains(NULL, 0, 1, NULL, 5e-3); }

Test(cuda_steps, images_on_the_device)
{
    const char *sets[] = {
        "datasets.train={key: DrawnShapes, kwargs: {length: 43, transform: !import_call {key: Compose, init: {kwargs: "
        "{transforms: [!import_call {key: RandomCrop, init: {kwargs: {size: 8, padding: 3}}}, !import_call {key: "
        "RandomHorizontalFlip, init: {kwargs: {p: 0.4}}}, !import_call {key: ToTensor, init: }, !import_call {key: "
        "Normalize, init: {kwargs: {mean: [0.49, 0.48, 0.45], std: [0.2, 0.25, 0.3]}}}]}}}}}",
        "datasets.val={key: DrawnShapes, kwargs: {length: 20, transform: !import_call {key: Compose, init: {kwargs: "
        "{transforms: [!import_call {key: RandomCrop, init: {kwargs: {size: 8}}}, !import_call {key: ToTensor, init: "
        "}]}}}}}",
        "models.teacher_model.kwargs={classes: 10}", "models.student_model.kwargs={classes: 10}"};
    trains(sets, 4, 0, "images lie on the cuda backend", 1e-5);
}

static td_tensor *filled(td_ctx *c, const int64_t *shape)
{
    float v[2 * 6 * 7 * 7];
    for (size_t i = 0; i < sizeof v / sizeof *v; i++)
        v[i] = (float)((i * 37 + 11) % 101) / 50 - 1;
    return td_tensor_from(c, TD_FLOAT32, 4, shape, v);
}

/* A norm with constant statistics in the convolution before it, or after it. */
static void fold(td_ctx *c, int groups, int with, int bf16)
{
    const int64_t shape[] = {2, 6, 7, 7};
    double fused[2 * 4 * 7 * 7], apart[2 * 4 * 7 * 7];
    td__frame_push(c);
    td_module *conv = td__module_retain(td_layer(
        c, NULL, "c", "Conv2d", "{in_channels: 6, out_channels: 4, kernel_size: 3, padding: 1, groups: %d, bias: %s}",
        groups, with & 1 ? "true" : "false"));
    td_module *norm = td__module_retain(td_layer(c, NULL, "n", "BatchNorm2d", "{num_features: 4}"));
    td_module *relu = td__module_retain(td_layer(c, NULL, "r", "ReLU", "{}"));
    td_tensor *x = filled(c, shape), *y = td_call(c, conv, x);
    td_call(c, norm, y); /* statistics that do something */
    td__set_training(norm, 0);
    c->bf16 = bf16;
    y = td_call(c, conv, x);
    td_tensor *residual = with & 2 ? td_affine(c, y, 0.5, 0.1) : NULL;
    td_module *act = with & 4 ? relu : NULL;
    const double tolerance = bf16 ? 0.03 : 1e-5;
    td__tensor_read(c, td_norm_act(c, norm, act, y, residual), TD_FLOAT64, apart, 392);
    td__tensor_read(c, td_conv_norm_act(c, conv, norm, act, x, residual), TD_FLOAT64, fused, 392);
    c->bf16 = 0;
    cr_assert_null(c->error, "%s", c->error);
    for (int i = 0; i < 392; i++)
        cr_assert_float_eq(fused[i], apart[i], tolerance, "groups %d, %d, bf16 %d: element %d is %g, not %g", groups,
                           with, bf16, i, fused[i], apart[i]);
    td__module_release(conv);
    td__module_release(norm);
    td__module_release(relu);
    td__frame_pop(c, td_none());
}

Test(cuda_steps, constant_norms_in_the_convolution)
{
    const td_backend_type *backend = (const td_backend_type *)td__find_type(TD_KIND_BACKEND, "cuda");
    char why[200];
    cr_assert(backend && td__backend_use(backend, why, sizeof why));
    cr_assert(backend->kernel("conv2d_norm") && backend->kernel("conv2d_norm.bf16"));
    td_ctx *c = td__ctx_new(backend);
    c->grad = 0;
    for (int groups = 1; groups <= 2; groups++)
        for (int with = 0; with < 8; with++)
            for (int bf16 = 0; bf16 < 2; bf16++)
                fold(c, groups, with, bf16);
    td__ctx_free(c);
}

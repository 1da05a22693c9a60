/* Training on the cuda backend, compiled for the host: its streams, graphs, staging and memory, which run as late and
 * in as odd an order as CUDA allows. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/base/log.h"
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

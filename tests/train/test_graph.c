/* Steps that are captured and replayed train the same bits as steps that are done kernel by kernel; and what cannot be
 * captured is not. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/log.h"
#include "host/plugin/registry.h"
#include "host/train/stage.h"
#include "tests/train/lab.h"
#include "tests/train/queued.h"

static struct lab lab;

static void setup(void)
{
    lab_begin(&lab);
    cr_assert_eq(TD__REGISTER_HOST(TD_KIND_BACKEND, &queued_backend), 0);
    queued_replays = 0;
    queued_memory = 0;
}
static void teardown(void) { lab_end(&lab); }
TestSuite(graph, .init = setup, .fini = teardown);

#define RESTLESS(how)                                                                                                  \
    "train.criterion.kwargs.sub_terms={restless: {criterion: {key: RestlessLoss, kwargs: {how: " how "}}, weight: 1}}"

static int train(const char *yaml, const char *backend, const char *const *sets, size_t n, char *text, size_t size)
{
    td__run_options o = lab_options(&lab, yaml, "a.yaml", backend);
    o.backend = backend;
    o.sets = sets;
    o.n_sets = n;
    td__log_level(TD_LOG_INFO);
    int code = lab_errors(td__train_command, &o, text, size);
    td__log_level(TD_LOG_ERROR);
    return code;
}

/* Both backends end with the same bits; returns how many steps were replayed.  What was said of graphs is in `said`. */
static int64_t replays(const char *yaml, const char *const *sets, size_t n, const char *said)
{
    char text[8192];
    cr_assert_eq(train(yaml, "reference", sets, n, text, sizeof text), TD__EXIT_OK, "%s", text);
    cr_assert_eq(train(yaml, "queued", sets, n, text, sizeof text), TD__EXIT_OK, "%s", text);
    cr_assert(lab_same_run(&lab, "reference", "queued"));
    if (said)
        cr_assert(strstr(text, said), "%s", text);
    else
        cr_assert_not(strstr(text, "captured"), "%s", text);
    return queued_replays;
}

/* 3 epochs of 5 steps: two are done, the third is captured; of each later epoch one is done. */
Test(graph, sgd_with_a_schedule_by_epochs) { cr_expect_eq(replays(lab_distil, NULL, 0, NULL), 3 + 4 + 4); }

Test(graph, a_last_batch_that_is_smaller_is_done_without)
{
    const char *sets[] = {"datasets.train.kwargs.length=43"};
    cr_expect_eq(replays(lab_distil, sets, 1, NULL), 3 + 4 + 4);
}

Test(graph, adam_with_a_schedule_by_steps)
{
    const char *sets[] = {"train.optimizer={key: Adam, kwargs: {lr: 0.01}}",
                          "train.scheduler={key: ExponentialLR, kwargs: {gamma: 0.9}, scheduling_step: 1}"};
    cr_expect_eq(replays(lab_distil, sets, 2, NULL), 3 + 4 + 4);
}

Test(graph, dropout_draws_anew_in_each_step)
{
    const char *sets[] = {"models.student_model.kwargs={batch_norm: true, dropout: 0.3}"};
    cr_expect_eq(replays(lab_distil, sets, 1, NULL), 3 + 4 + 4);
}

Test(graph, accumulated_gradients_and_a_loss_with_a_state)
{
    /* Stage 1 accumulates; stage 2, which has the loss with a state, goes on with its optimizer and so does not
     * either. */
    cr_expect_eq(replays(lab_stages, NULL, 0, "gradients are accumulated"), 0);
}

Test(graph, a_loss_with_a_state_on_the_backend)
{
    const char *sets[] = {"train.stage1.optimizer.grad_accum_step=1"};
    cr_expect_eq(replays(lab_stages, sets, 1, NULL), 3 + 3 + 4);
}

Test(graph, clipped_gradients)
{
    const char *sets[] = {"train.optimizer={key: SGD, kwargs: {lr: 0.05}, max_grad_norm: 0.5}", "train.num_epochs=4"};
    cr_expect_eq(replays(lab_distil, sets, 2, NULL), 3 + 4 + 4 + 4);
}

Test(graph, a_step_that_reads_a_tensor_is_not_captured)
{
    const char *sets[] = {RESTLESS("read")};
    cr_expect_eq(replays(lab_distil, sets, 1, "restless reads a tensor on the host"), 0);
}

Test(graph, what_changes_with_each_step_is_not_captured)
{
    const char *sets[] = {RESTLESS("step")};
    cr_expect_eq(replays(lab_distil, sets, 1, "each does something else"), 0);
}

Test(graph, what_changes_with_the_epoch_is_captured_anew)
{
    const char *sets[] = {RESTLESS("epoch")};
    cr_expect_eq(replays(lab_distil, sets, 1, NULL), 3 + 3 + 3);
}

Test(graph, a_tensor_kept_from_step_to_step_is_not_captured)
{
    const char *sets[] = {RESTLESS("keep")};
    cr_expect_eq(replays(lab_distil, sets, 1, "what one makes outlives it"), 0);
}

Test(graph, a_read_while_capturing_undoes_the_capture)
{
    const char *sets[] = {RESTLESS("third")};
    cr_expect_eq(replays(lab_distil, sets, 1, "restless reads a tensor on the host"), 0);
}

/* Images that lie on the backend are cut and mirrored there with the bits the loader's threads make. */
#define SHAPES(n, transforms)                                                                                          \
    "{key: DrawnShapes, kwargs: {length: " n                                                                           \
    ", transform: !import_call {key: Compose, init: {kwargs: {transforms: [" transforms "]}}}}}"
#define STEP(key, kwargs) "!import_call {key: " key ", init: {kwargs: {" kwargs "}}}"

Test(graph, images_on_the_backend)
{
    const char *crop = "datasets.train=" SHAPES(
        "43", STEP("RandomCrop", "size: 8, padding: 3, fill: [9, 200, 31]") ", " STEP(
                  "RandomHorizontalFlip",
                  "p: 0.4") ", " STEP("ToTensor", "") ", " STEP("Normalize",
                                                                "mean: [0.49, 0.48, 0.45], std: [0.2, 0.25, 0.3]"));
    const char *sets[] = {crop, "datasets.val=" SHAPES("20", STEP("RandomCrop", "size: 8") ", " STEP("ToTensor", "")),
                          "models.teacher_model.kwargs={classes: 10}", "models.student_model.kwargs={classes: 10}"};
    char text[8192];
    cr_assert_eq(train(lab_distil, "reference", sets, 4, text, sizeof text), TD__EXIT_OK, "%s", text);
    cr_assert_not(strstr(text, "images lie on"));
    cr_assert_eq(train(lab_distil, "queued", sets, 4, text, sizeof text), TD__EXIT_OK, "%s", text);
    cr_assert(strstr(text, "DrawnShapes: 43 images lie on the queued backend"), "%s", text);
    cr_assert(lab_same_run(&lab, "reference", "queued"));
}

Test(graph, images_of_transforms_without_such_a_form_are_decoded_as_ever)
{
    const char *sets[] = {"datasets.train=" SHAPES("40", STEP("Resize", "size: 8") ", " STEP("ToTensor", "")),
                          "datasets.val=" SHAPES("20", STEP("Resize", "size: 8") ", " STEP("ToTensor", "")),
                          "models.teacher_model.kwargs={classes: 10}", "models.student_model.kwargs={classes: 10}"};
    char text[8192];
    cr_assert_eq(train(lab_distil, "reference", sets, 4, text, sizeof text), TD__EXIT_OK, "%s", text);
    cr_assert_eq(train(lab_distil, "queued", sets, 4, text, sizeof text), TD__EXIT_OK, "%s", text);
    cr_assert_not(strstr(text, "images lie on"), "%s", text);
    cr_assert(lab_same_run(&lab, "reference", "queued"));
}

static int bf16(const char *backend, const char *out)
{
    td__run_options o = lab_options(&lab, lab_distil, "a.yaml", out);
    o.backend = backend;
    o.bf16 = 1;
    return td__train_command(&o);
}

/* Rounding is the host's where a backend has no such kernels: the same bits as graphs, near those of float32 but not
 * them. */
Test(graph, bfloat16_with_float32_weights)
{
    float exact[1024], rounded[1024];
    cr_assert_eq(lab_train(&lab, lab_distil, "a.yaml", "exact", NULL, 0), TD__EXIT_OK);
    cr_assert_eq(bf16("reference", "rounded"), TD__EXIT_OK);
    cr_assert_eq(bf16("queued", "queued"), TD__EXIT_OK);
    cr_assert(lab_same_run(&lab, "rounded", "queued"));
    cr_expect_gt(queued_replays, 0);
    cr_assert_eq(lab_tensor(&lab, "exact", "student/fc.weight", exact, 1024), 1024);
    cr_assert_eq(lab_tensor(&lab, "rounded", "student/fc.weight", rounded, 1024), 1024);
    int differ = 0;
    for (int i = 0; i < 1024; i++) {
        cr_expect_float_eq(exact[i], rounded[i], 5e-3);
        differ += exact[i] != rounded[i];
    }
    cr_expect_gt(differ, 900);
}

/* Bytes that the forward pass of one sample keeps for its gradients. */
static double kept(int half)
{
    td__experiment x;
    td__train_stage s;
    size_t bytes = 0;
    const char *resnet = "{key: resnet, kwargs: {depth: 8, widths: [8, 8, 16, 32], num_classes: 10}}";
    const char *data = SHAPES("8", STEP("ToTensor", ""));
    const char *sets[] = {td__arena_printf(lab.strings, "models={teacher_model: %s, student_model: %s}", resnet, resnet),
                          td__arena_printf(lab.strings, "datasets={train: %s, val: %s}", data, data)};
    td__run_options o = lab_options(&lab, lab_distil, "a.yaml", "kept");
    o.sets = sets;
    o.n_sets = 2;
    o.bf16 = half;
    cr_assert_eq(td__experiment_open(&x, &o), TD__EXIT_OK);
    cr_assert_eq(td__stage_design(&x, 0, 1, &s), 0);
    cr_assert_eq(td__stage_try(&x, &s, &bytes), TD__EXIT_OK);
    td__stage_close(&s);
    td__experiment_close(&x);
    return (double)bytes;
}

/* The half of a residual network's activations, and the input in both types. */
Test(graph, bfloat16_keeps_less_for_the_gradients)
{
    double ratio = kept(1) / kept(0);
    cr_expect(ratio > 0.5 && ratio < 0.6, "%g", ratio);
}

Test(graph, a_batch_that_does_not_fit_is_told_what_would)
{
    const char *sets[] = {"datasets.train.kwargs.length=4000", "train.train_data_loader.kwargs.batch_size=4000"};
    char text[8192];
    long long fits = 0;
    queued_memory = (size_t)12 << 20;
    cr_assert_eq(train(lab_distil, "queued", sets, 2, text, sizeof text), TD__EXIT_FAILED);
    const char *said = strstr(text, "of this batch of 4000 about ");
    cr_assert(strstr(text, "out of memory for a tensor float32") && strstr(text, "its memory is full") && said, "%s",
              text);
    cr_assert_eq(sscanf(said, "of this batch of 4000 about %lld would fit", &fits), 1);
    cr_expect(fits > 400 && fits < 4000, "%lld", fits);
}

Test(graph, can_be_turned_off)
{
    setenv("TDHOST_GRAPHS", "0", 1);
    cr_expect_eq(replays(lab_distil, NULL, 0, "TDHOST_GRAPHS is 0"), 0);
    unsetenv("TDHOST_GRAPHS");
}

/* What single steps and stages do to the weights. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "host/train/accuracy.h"
#include "host/train/io.h"
#include "tests/train/lab.h"

#define CONV 108 /* elements of conv.weight */
#define FC 1024  /* of fc.weight */

static struct lab lab;

static void setup(void)
{
    lab_begin(&lab);
}
static void teardown(void)
{
    lab_end(&lab);
}
TestSuite(steps, .init = setup, .fini = teardown);

static const char *const trained[] = {"student/conv.weight", "student/conv.bias", "student/fc.weight",
                                      "student/fc.bias"};

static void run(const char *yaml, const char *name, const char *const *sets, size_t n)
{
    cr_assert_eq(lab_train(&lab, yaml, "a.yaml", name, sets, n), TD__EXIT_OK);
}

static void get(const char *name, const char *tensor, float *out, int64_t n)
{
    int64_t found = lab_tensor(&lab, name, tensor, out, n);
    cr_assert_eq(found, n, "%s of %s: %lld", tensor, name, (long long)found);
}

static int same(const char *a, const char *b, const char *tensor)
{
    float x[FC], y[FC];
    int64_t n = lab_tensor(&lab, a, tensor, x, FC);
    cr_assert(n > 0 && lab_tensor(&lab, b, tensor, y, FC) == n, "%s", tensor);
    return !memcmp(x, y, (size_t)n * sizeof *x);
}

/* One update on one batch, without momentum and batch normalisation. */
#define ONE_STEP                                                                                                       \
    "train.num_epochs=1", "datasets.train.kwargs.length=8", "train.optimizer.kwargs.momentum=0",                       \
        "models.student_model.kwargs.batch_norm=false", "train.scheduler=null"
#define N_ONE_STEP 5

static double distance(const char *a, const char *b)
{
    double sum = 0;
    for (size_t i = 0; i < sizeof trained / sizeof *trained; i++) {
        float x[FC], y[FC];
        int64_t n = lab_tensor(&lab, a, trained[i], x, FC);
        cr_assert_eq(lab_tensor(&lab, b, trained[i], y, FC), n);
        for (int64_t k = 0; k < n; k++)
            sum += ((double)x[k] - y[k]) * ((double)x[k] - y[k]);
    }
    return sqrt(sum);
}

Test(steps, clipping_bounds_the_norm_of_all_gradients)
{
    const char *start[] = {ONE_STEP, "train.optimizer.kwargs.lr=0"},
               *free[] = {ONE_STEP, "train.optimizer.kwargs.lr=1"},
               *clipped[] = {ONE_STEP, "train.optimizer.kwargs.lr=1", "+train.optimizer.max_grad_norm=0.125"},
               *loose[] = {ONE_STEP, "train.optimizer.kwargs.lr=1", "+train.optimizer.max_grad_norm=1.0e+6"};
    run(lab_distil, "start", start, N_ONE_STEP + 1);
    run(lab_distil, "free", free, N_ONE_STEP + 1);
    run(lab_distil, "clipped", clipped, N_ONE_STEP + 2);
    run(lab_distil, "loose", loose, N_ONE_STEP + 2);
    double norm = distance("start", "free");
    cr_assert_gt(norm, 0.25, "the gradient's norm is %g", norm);
    cr_expect_float_eq(distance("start", "clipped"), 0.125 * norm / (norm + 1e-6), 1e-6);
    cr_expect_eq(distance("free", "loose"), 0, "a norm below the bound stays");
    float s[FC], f[FC], c[FC];
    get("start", trained[2], s, FC);
    get("free", trained[2], f, FC);
    get("clipped", trained[2], c, FC);
    for (int i = 0; i < FC; i++)
        cr_assert_float_eq((c[i] - s[i]) * norm, (f[i] - s[i]) * 0.125, 1e-5, "direction of element %d", i);
}

Test(steps, accumulated_batches_equal_a_large_one)
{
#define ORDERED                                                                                                        \
    "train.train_data_loader.sampler.class_or_func=SequentialSampler", "datasets.train.kwargs.length=32",              \
        "models.student_model.kwargs.batch_norm=false"
    const char *large[] = {ORDERED, "train.train_data_loader.kwargs.batch_size=16"};
    const char *small[] = {ORDERED, "train.train_data_loader.kwargs.batch_size=8",
                           "+train.optimizer.grad_accum_step=2"};
    const char *other[] = {ORDERED, "train.train_data_loader.kwargs.batch_size=8"};
    run(lab_distil, "large", large, 4);
    run(lab_distil, "small", small, 5);
    run(lab_distil, "other", other, 4);
    cr_expect_lt(distance("large", "small"), 1e-5);
    cr_expect_gt(distance("large", "other"), 1e-3);
}

Test(steps, frozen_modules_stay)
{
    const char *start[] = {"train.optimizer.kwargs.lr=0"}, *frozen[] = {"+train.student.frozen_modules=[conv]"},
               *class[] = {"+train.student.frozen_modules=['instance(Conv2d)', bn]"};
    run(lab_distil, "start", start, 1);
    run(lab_distil, "frozen", frozen, 1);
    run(lab_distil, "class", class, 1);
    cr_expect(same("start", "frozen", "student/conv.weight"));
    cr_expect_not(same("start", "frozen", "student/bn.weight"));
    cr_expect_not(same("start", "frozen", "student/fc.weight"));
    cr_expect(same("start", "class", "student/conv.weight") && same("start", "class", "student/bn.weight"));
    cr_expect_not(same("start", "class", "student/fc.weight"));
}

Test(steps, a_teacher_is_not_touched)
{
    const char *start[] = {"train.optimizer.kwargs.lr=0"}, *trains[] = {"+train.teacher.mode=train"};
    run(lab_distil, "start", start, 1);
    run(lab_distil, "after", NULL, 0);
    run(lab_distil, "trains", trains, 1);
    cr_expect(same("start", "after", "teacher/conv.weight") && same("start", "after", "teacher/bn.running_mean"));
    cr_expect_not(same("start", "after", "student/bn.running_mean"));
    cr_expect(same("start", "trains", "teacher/conv.weight"));
    cr_expect_not(same("start", "trains", "teacher/bn.running_mean"), "mode: train lets statistics run");
}

Test(steps, modules_have_rates_of_their_own)
{
    const char *start[] = {ONE_STEP, "train.optimizer.kwargs.lr=0"},
               *plain[] = {ONE_STEP, "train.optimizer.kwargs.lr=0.1"},
               *wise[] = {ONE_STEP, "train.optimizer.kwargs.lr=0.1",
                          "+train.optimizer.module_wise_configs=[{module: fc, kwargs: {lr: 0.2}}]"};
    run(lab_distil, "start", start, N_ONE_STEP + 1);
    run(lab_distil, "plain", plain, N_ONE_STEP + 1);
    run(lab_distil, "wise", wise, N_ONE_STEP + 2);
    cr_expect(same("start", "wise", "student/conv.weight"), "only what is listed is trained");
    float s[FC], p[FC], w[FC];
    get("start", trained[2], s, FC);
    get("plain", trained[2], p, FC);
    get("wise", trained[2], w, FC);
    for (int i = 0; i < FC; i++)
        cr_assert_float_eq(w[i] - s[i], 2 * (p[i] - s[i]), 1e-6);
}

Test(steps, stages_hand_over_weights_and_optimiser)
{
    float count[1], weight[1];
    const char *start[] = {"train.stage1.optimizer.kwargs.lr=0", "train.stage2.num_epochs=1"};
    const char *first[] = {"+train.stage2.student.requires_grad=false", "train.stage2.num_epochs=1",
                           "train.stage2.criterion.kwargs.sub_terms.count.weight=1"};
    run(lab_stages, "start", start, 2);
    run(lab_stages, "first", first, 3);
    run(lab_stages, "both", NULL, 0);
    cr_expect(same("start", "first", "student/conv.weight"), "stage 1 froze it");
    cr_expect_not(same("start", "first", "student/fc.weight"));
    cr_expect_not(same("start", "both", "student/conv.weight"), "stage 2 did not");
    get("both", "criterion/count/count", count, 1);
    cr_expect_eq(count[0], 10, "two epochs of five steps");
    get("both", "criterion/count/weight", weight, 1);
    cr_expect_lt(weight[0], 1, "a loss's own parameter is trained");
    float momentum[FC];
    get("both", "optimizer/momentum_buffer/student.conv.weight", momentum, CONV);
    cr_expect_neq(momentum[0], 0, "stage 2 goes on with the optimiser of stage 1");
}

#define PRUNED                                                                                                         \
    "+train.student.sequential=[conv, relu, '+more']",                                                                 \
        "+train.student.adaptations={more: {key: Conv2d, kwargs: {in_channels: 4, out_channels: 4, kernel_size: 1}}}", \
        "+train.teacher.sequential=[conv]",                                                                            \
        "train.criterion.kwargs.sub_terms={l2: {criterion: {key: MSELoss, kwargs: {reduction: mean}}, "                \
        "criterion_wrapper: {key: "                                                                                    \
        "SimpleLossWrapper, kwargs: {input: {is_from_teacher: false, module_path: '+more', io: output}, target: "      \
        "{is_from_teacher: "                                                                                           \
        "true, module_path: conv, io: output}}}, weight: 1}}"

/* Terms that do without the teacher and that read it; with lr 0 the gradients do not depend on the optimiser. */
#define TASK                                                                                                           \
    "ce: {criterion: {key: CrossEntropyLoss, kwargs: {}}, criterion_wrapper: {key: SimpleLossWrapper, kwargs: "        \
    "{input: {is_from_teacher: false, module_path: '.', io: output}, target: {uses_label: true}}}, weight: 0.5}"
#define DISTILLED                                                                                                      \
    "kd: {criterion: {key: KDLoss, kwargs: {student_module_path: '.', student_module_io: output, teacher_module_path: "\
    "'.', teacher_module_io: output, temperature: 2, alpha: null}}, weight: 2}"
#define TERMS(...) "train.criterion.kwargs.sub_terms={" __VA_ARGS__ "}"
#define DOT(lr, delta)                                                                                                 \
    "train.optimizer={key: DOT, kwargs: {lr: " lr ", momentum: 0.5, delta: " delta ", weight_decay: 0.1}}"
#define SGD_LIKE_IT(lr, momentum, decay)                                                                               \
    "train.optimizer={key: SGD, kwargs: {lr: " lr ", momentum: " momentum ", weight_decay: " decay "}}"
#define TWO_STEPS "train.num_epochs=1", "datasets.train.kwargs.length=16", "train.scheduler=null"

static void buffer(const char *name, const char *which, float *out)
{
    char tensor[96];
    snprintf(tensor, sizeof tensor, "optimizer/%s/student.fc.weight", which);
    get(name, tensor, out, FC);
}

Test(steps, distillation_has_its_own_momentum)
{
    static float ce[FC], kd[FC], task[FC], distilled[FC];
    const char *only_ce[] = {TWO_STEPS, TERMS(TASK), SGD_LIKE_IT("0", "0.25", "0.1")};
    const char *only_kd[] = {TWO_STEPS, TERMS(DISTILLED), SGD_LIKE_IT("0", "0.75", "0")};
    const char *both[] = {TWO_STEPS, TERMS(TASK ", " DISTILLED), DOT("0", "0.25")};
    run(lab_distil, "only_ce", only_ce, 5);
    run(lab_distil, "only_kd", only_kd, 5);
    run(lab_distil, "both", both, 5);
    buffer("only_ce", "momentum_buffer", ce);
    buffer("only_kd", "momentum_buffer", kd);
    buffer("both", "momentum_task", task);
    buffer("both", "momentum_distilled", distilled);
    for (int i = 0; i < FC; i++) {
        cr_assert_float_eq(task[i], ce[i], 1e-6);
        cr_assert_float_eq(distilled[i], kd[i], 1e-6);
    }
}

Test(steps, equal_momenta_are_sgd)
{
    const char *sgd[] = {TERMS(TASK ", " DISTILLED), SGD_LIKE_IT("0.05", "0.5", "0.1")};
    const char *dot[] = {TERMS(TASK ", " DISTILLED), DOT("0.05", "0")};
    const char *apart[] = {TERMS(TASK ", " DISTILLED), DOT("0.05", "0.3")};
    run(lab_distil, "sgd", sgd, 2);
    run(lab_distil, "dot", dot, 2);
    run(lab_distil, "apart", apart, 2);
    cr_expect_lt(distance("sgd", "dot"), 1e-5);
    cr_expect_gt(distance("sgd", "apart"), 1e-3);
    const char *no_task[] = {TERMS(DISTILLED), DOT("0.05", "0.3")};
    cr_expect_neq(lab_train(&lab, lab_distil, "a.yaml", "no_task", no_task, 2), TD__EXIT_OK);
}

Test(steps, pruned_networks_share_weights_with_their_models)
{
    const char *start[] = {PRUNED, "train.optimizer.kwargs.lr=0"}, *pruned[] = {PRUNED};
    run(lab_distil, "start", start, 5);
    run(lab_distil, "pruned", pruned, 4);
    cr_expect_not(same("start", "pruned", "student/conv.weight"));
    cr_expect(same("start", "pruned", "student/fc.weight") && same("start", "pruned", "student/bn.weight"));
    float more[16];
    get("pruned", "student_network/more.weight", more, 16);
}

/* ---- counting ---- */

Test(counts, percent)
{
    cr_expect_float_eq(td__percent(9339, 10000), 93.39, 1e-12);
    cr_expect_eq(td__percent(0, 0), 0);
}

/* What a loss wrapper shows in a value's place is gone with the term, and somebody must have looked at it. */
Test(taps, covers_last_for_a_term)
{
    td_ctx *c = td__ctx_new(NULL);
    td_io *io = td__io_new(c);
    const td_tap tap = {"fc", TD_OUTPUT, TD_STUDENT};
    const td_value items[] = {td_value_of(td__empty()), td_value_of(td__empty())};
    const td_value one = {TD_VALUE_TUPLE, 1, NULL, items, NULL}, two = {TD_VALUE_TUPLE, 2, NULL, items, NULL};
    td__io_put(io, &tap, one);
    td__io_cover(io, &tap, two);
    cr_expect_eq(td__io_value(io, &tap).n, 2);
    td__io_uncover(io);
    cr_expect_eq(td__io_value(io, &tap).n, 1);
    cr_expect_not(c->error);
    td__io_cover(io, &tap, two);
    td__io_uncover(io);
    cr_expect_str_eq(c->error, "the output of student 'fc' was changed for a loss that does not read it");
    td__io_free(io);
    td__ctx_free(c);
}

Test(taps, what_is_not_there_is_named)
{
    td_ctx *c = td__ctx_new(NULL);
    td_io *io = td__io_new(c);
    const td_tap there = {"layer2", TD_OUTPUT, TD_TEACHER}, absent = {"layer3", TD_INPUT, TD_STUDENT};
    const td_value items[] = {td_value_of(td__empty()), td_value_of(td__empty())};
    const char *const keys[] = {"a", "b"};
    td__io_put(io, &there, (td_value){TD_VALUE_DICT, 2, NULL, items, keys});
    td_value v = td__io_value(io, &there);
    cr_expect(v.kind == TD_VALUE_DICT && v.n == 2 && v.items != items && !strcmp(v.keys[1], "b"), "a copy of its own");
    cr_expect_not(c->error);
    cr_expect_eq(td__io_value(io, &absent).kind, TD_VALUE_NONE);
    cr_expect_str_eq(
        c->error,
        "the input of student module 'layer3' was not tapped in this step; tapped are: teacher 'layer2' output");
    td__ctx_clear(c);
    td__io_supp(io, "contrast_idx");
    cr_expect_str_eq(c->error,
                     "the batch has no side value 'contrast_idx': its data set needs the wrapper that makes it");
    td__ctx_clear(c);
    td__io_clear(io);
    cr_expect_eq(td__io_value(io, &there).kind, TD_VALUE_NONE);
    td__io_free(io);
    td__ctx_free(c);
}

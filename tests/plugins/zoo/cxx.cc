// A plugin in C++: a table of every shape of parameter, and descriptors that are written as in C.
#include <td/td.h>

#pragma GCC diagnostic ignored "-Wmissing-field-initializers" // C++ warns of designated ones too

struct window {
    int64_t size;
};
struct params {
    td_tap student, teacher;
    double weight;
    int64_t warm_up;
    const char *reduction;
    window one;
    td_list windows, pairs, named;
    void *transform;
};

static const td_param window_table[] = {TD_PARAM_INT(window, size, "3", "side", .min = 1, .max = 99), TD_PARAM_END};
static const td_param table[] = {
    TD_TAP_STUDENT(params, student, "student_module_path", "student_module_io", "."),
    TD_TAP_PATH(params, teacher, "teacher_module_path", ".", TD_SIDE_TEACHER | TD_TAP_INPUT, "what is followed"),
    TD_PARAM_FLOAT(params, weight, "1", "multiplies the loss", .flags = TD_NULLABLE, .min = 0, .max = 1e9),
    TD_PARAM_INT(params, warm_up, "null", "steps", .flags = TD_NULLABLE, .min = 1),
    TD_PARAM_STRING(params, reduction, "mean", "over the batch", .choices = "mean|sum"),
    TD_PARAM_STRUCT(params, one, window_table, sizeof(window), "{}", "a struct"),
    TD_PARAM_LIST(params, windows, window_table, sizeof(window), "[]", "a list", .flags = TD_NULLABLE),
    TD_PARAM_PAIRS(params, pairs, "pairs of tensors"),
    TD_PARAM_FLOAT_MAP(params, named, "{}", "a map"),
    TD_PARAM_OBJECT(params, transform, "transform", "null", "an object", .flags = TD_NULLABLE),
    TD_PARAM_UNUSED("device", "of PyTorch"),
    TD_PARAM_END};

static td_tensor *term(td_ctx *c, const void *, td_tensor *s, td_tensor *t) { return td_mse_loss(c, s, t, TD_MEAN); }

static td_tensor *forward(td_ctx *, const void *p, td_io *io)
{
    return td_sum_pairs(io, &static_cast<const params *>(p)->pairs, p, term);
}

static const td_loss_type loss = {
    .type = {.key = "CxxLoss", .summary = "of the zoo", .params = table, .params_size = sizeof(params)},
    .needs = TD_NEEDS_TARGET,
    .forward = forward};

TD_PLUGIN(cxx, "1.0", "MIT", "of the zoo", "loss:CxxLoss")
{
    td_register(reg, TD_KIND_LOSS, &loss);
}

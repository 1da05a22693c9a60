/* Curriculum temperature (Li et al., AAAI 2023, arXiv 2211.16231): the temperature is trained to make the loss larger,
 * by a reversed gradient whose strength grows from 0 to 1 over the first E epochs,
 *
 *     L = mean_b T_b^2 KL(softmax(z_t / T_b) || softmax(z_s / T_b)),   T_b = t_start + t_end sigmoid(theta_b),
 *     d theta = -lambda dL / dtheta,   lambda = (1 - cos(pi min(epoch / E, 1))) / 2.
 *
 * `mode: global`: theta is one number.  `mode: instance`: it is what a small network makes of both logits, which are
 * constants to it. */
#include <math.h>
#include <td/td.h>

struct ctkd {
    td_tap student, teacher;
    const char *mode;
    double t_start, t_end;
    int64_t ramp_epochs, num_classes, hidden_features;
};

static const td_param ctkd_params[] = {
    TD_TAP_STUDENT(struct ctkd, student, "student_module_path", "student_module_io", "."),
    TD_TAP_TEACHER(struct ctkd, teacher, "teacher_module_path", "teacher_module_io", "."),
    TD_PARAM_STRING(struct ctkd, mode, "global", "one temperature or each sample's", .choices = "global|instance"),
    TD_PARAM_FLOAT(struct ctkd, t_start, "1", "the lowest temperature", .min = 1e-6, .max = 1e9),
    TD_PARAM_FLOAT(struct ctkd, t_end, "20", "how far above it goes", .min = 0, .max = 1e9),
    TD_PARAM_INT(struct ctkd, ramp_epochs, "10", "E: until the gradient is fully reversed", .min = 1, .max = 1e9),
    TD_PARAM_INT(struct ctkd, num_classes, "null", "of the logits, in mode instance", .flags = TD_NULLABLE, .min = 1,
                 .max = 1e6),
    TD_PARAM_INT(struct ctkd, hidden_features, "64", "of the network, in mode instance", .min = 1, .max = 1e6),
    TD_PARAM_END};

/* ---- state: theta, or the network that makes it ---- */

struct state {
    td_tensor *global_T;
    td_module *net;
};

static const td_module_type state_type = {.name = "CTKDLoss", .data_size = sizeof(struct state)};

static td_module *ctkd_build(td_ctx *c, const void *params)
{
    const struct ctkd *p = params;
    const td_init one = {TD_INIT_ONES, 0, 0, 0};
    const int64_t scalar = 1;
    td_module *m = td_module_new(c, &state_type);
    struct state *s = td_failed(c) ? NULL : td_data(m);
    if (s && p->mode[0] == 'g')
        s->global_T = td_parameter(c, m, "global_T", 1, &scalar, one);
    if (!s || p->mode[0] == 'g')
        return m;
    if (p->num_classes == TD_NONE_INT)
        td_fail(c, "mode instance needs num_classes, the length of the logits");
    s->net = td_layer(c, m, "net", "Sequential", "{}");
    td_layer(c, s->net, NULL, "Linear", "{in_features: %lld, out_features: %lld}", 2 * (long long)p->num_classes,
             (long long)p->hidden_features);
    td_layer(c, s->net, NULL, "ReLU", "{}");
    td_layer(c, s->net, NULL, "Linear", "{in_features: %lld, out_features: 1}", (long long)p->hidden_features);
    return m;
}

/* ---- loss ---- */

/* x, whose gradient is -strength times what flows back. */
static td_tensor *reverse_gradient(td_ctx *c, td_tensor *x, double strength)
{
    return td_add(c, td_scale(c, x, -strength), td_detach(c, td_scale(c, x, 1 + strength)));
}

/* [1] or [B,1] */
static td_tensor *temperature(td_ctx *c, const struct ctkd *p, td_io *io, td_tensor *s, td_tensor *t)
{
    const struct state *state = td_data(td_io_of(io)->state);
    td_tensor *theta = state->net ? td_call(c, state->net, td_cat(c, td_detach(c, s), td_detach(c, t), 1))
                                  : state->global_T;
    double strength = (1 - cos(acos(-1) * td_warmth(io, p->ramp_epochs))) / 2;
    return td_affine(c, td_sigmoid(c, reverse_gradient(c, theta, strength)), p->t_end, p->t_start);
}

static td_tensor *ctkd_forward(td_ctx *c, const void *params, td_io *io)
{
    const struct ctkd *p = params;
    td_tensor *s = td_io_get(io, &p->student), *t = td_io_get(io, &p->teacher), *T = temperature(c, p, io, s, t);
    td_tensor *kl = td_kl_div(c, td_log_softmax(c, td_div(c, s, T), 1), td_softmax(c, td_div(c, t, T), 1),
                              TD_NO_REDUCTION);
    return td_mean(c, td_mul(c, td_sum(c, kl, TD_DIM(1), 1), td_square(c, T)), 0, 0);
}

static const td_loss_type ctkd = {
    .type = {.key = "CTKDLoss", .summary = "divergence from the teacher at a temperature trained against the student",
             .params = ctkd_params, .params_size = sizeof(struct ctkd)},
    .forward = ctkd_forward,
    .build = ctkd_build};

TD_PLUGIN(ctkd, "0.1.0", "MIT", "Curriculum temperature distillation (Li et al., AAAI 2023)", "loss:CTKDLoss")
{
    td_register(reg, TD_KIND_LOSS, &ctkd);
}

/* Masked generative distillation (Yang, Li, Shao, Shi, Yuan and Yuan, ECCV 2022): a part of the student's feature is
 * masked, and a small generator G has to rebuild the teacher's whole feature from the rest (equations 3 to 5):
 *
 *     L = alpha / B  sum_elements (G(A(f_s) * M) - f_t)^2,   G = conv3x3, ReLU, conv3x3,
 *
 * A a 1x1 convolution where the channels differ; M zero with probability lambda, one number a channel
 * (classification) or a pixel (detection, segmentation).  A and G are the loss's own and trained with it. */
#include <td/td.h>

struct mgd {
    td_tap student, teacher;
    int64_t student_channels, teacher_channels;
    double alpha_mgd, lambda_mgd;
    const char *mask, *reduction;
};

static const td_param mgd_params[] = {
    TD_TAP_STUDENT(struct mgd, student, "student_module_path", "student_module_io", NULL),
    TD_TAP_TEACHER(struct mgd, teacher, "teacher_module_path", "teacher_module_io", NULL),
    TD_PARAM_INT(struct mgd, student_channels, NULL, "of the student's feature map", .min = 1, .max = 1e6),
    TD_PARAM_INT(struct mgd, teacher_channels, NULL, "of the teacher's", .min = 1, .max = 1e6),
    TD_PARAM_FLOAT(struct mgd, alpha_mgd, "7e-5", "alpha: factor of the loss"),
    TD_PARAM_FLOAT(struct mgd, lambda_mgd, "0.15", "lambda: share that is masked", .min = 0, .max = 0.999999),
    TD_PARAM_STRING(struct mgd, mask, "channel", "what a mask's number is for", .choices = "channel|pixel"),
    TD_PARAM_STRING(struct mgd, reduction, "batchmean", "of the squared difference", .choices = "batchmean|mean|sum"),
    TD_PARAM_END_OPEN};

struct state {
    td_module *align, *drop, *generation; /* align NULL: the channels agree */
};

static const td_module_type state_type = {.name = "MGDLoss", .data_size = sizeof(struct state)};

static td_module *conv(td_ctx *c, td_module *parent, const char *name, int64_t in, int64_t out, int k)
{
    return td_layer(c, parent, name, "Conv2d", "{in_channels: %lld, out_channels: %lld, kernel_size: %d, padding: %d}",
                    (long long)in, (long long)out, k, k / 2);
}

static td_module *mgd_build(td_ctx *c, const void *params)
{
    const struct mgd *p = params;
    int64_t n = p->teacher_channels;
    td_module *m = td_module_new(c, &state_type);
    if (td_failed(c))
        return m;
    struct state *s = td_data(m);
    if (p->student_channels != n)
        s->align = conv(c, m, "align", p->student_channels, n, 1);
    s->drop = td_layer(c, m, "drop", "Dropout", "{p: %.17g}", p->lambda_mgd);
    s->generation = td_layer(c, m, "generation", "Sequential", "{}");
    conv(c, s->generation, NULL, n, n, 3);
    td_layer(c, s->generation, NULL, "ReLU", "{}");
    conv(c, s->generation, NULL, n, n, 3);
    return m;
}

/* [B,C,1,1] or [B,1,H,W], 0 or 1: dropout of ones, without its scale. */
static td_tensor *draw_mask(td_ctx *c, const struct mgd *p, const struct state *s, const td_tensor *f)
{
    int pixels = p->mask[0] == 'p';
    int64_t shape[] = {td_dim(f, 0), pixels ? 1 : td_dim(f, 1), pixels ? td_dim(f, 2) : 1, pixels ? td_dim(f, 3) : 1};
    td_tensor *ones = td_affine(c, td_zeros(c, td_desc_of(f)->dtype, 4, shape), 1, 1);
    return p->lambda_mgd == 0 ? ones : td_scale(c, td_call(c, s->drop, ones), 1 - p->lambda_mgd);
}

static td_tensor *mgd_forward(td_ctx *c, const void *params, td_io *io)
{
    const struct mgd *p = params;
    const struct state *s = td_data(td_io_of(io)->state);
    td_tensor *f = td_io_get(io, &p->student), *t = td_io_get(io, &p->teacher);
    if (s->align)
        f = td_call(c, s->align, f);
    td_tensor *rebuilt = td_call(c, s->generation, td_mul(c, f, draw_mask(c, p, s, f)));
    return td_scale(c, td_mse_loss(c, rebuilt, t, td_reduction(p->reduction)), p->alpha_mgd);
}

static const td_loss_type mgd = {.type = {.key = "MGDLoss",
                                          .summary = "the teacher's feature is rebuilt from a masked student's",
                                          .params = mgd_params,
                                          .params_size = sizeof(struct mgd)},
                                 .forward = mgd_forward,
                                 .build = mgd_build};

TD_PLUGIN(mgd, "0.1.0", "MIT", "Masked generative distillation (Yang et al., ECCV 2022)", "loss:MGDLoss")
{
    td_register(reg, TD_KIND_LOSS, &mgd);
}

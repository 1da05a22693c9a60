/* OFD's teacher: feature maps before their ReLU go through a margin ReLU, max(t, m).  The margin of a channel is the
 * mean of its negative values (equation 3).  Batch norm leaves the channel about normal with mean mu = beta and
 * deviation sigma = |gamma|, so that
 *
 *     m = E[t | t < 0] = mu - sigma phi(mu / sigma) / Phi(-mu / sigma)   (equation 4)
 *
 * and, as the authors' code has it, -3 sigma where less than a thousandth of the values is negative. */
#include <math.h>

#include "ofd.h"

#define MOST_MARGINS 16

struct margin_params {
    td_tap tap;
    const char *bn_path;
};
struct params {
    td_list margins;
};

static const td_param margin_table[] = {
    TD_TAP_TEACHER(struct margin_params, tap, "path", "io", NULL),
    TD_PARAM_STRING(struct margin_params, bn_path, NULL, "path of the batch norm before it"), TD_PARAM_END};
static const td_param table[] = {
    TD_PARAM_MAP(struct params, margins, margin_table, sizeof(struct margin_params), NULL, "margin ReLUs by name"),
    TD_PARAM_END_OPEN};

static double channel_margin(double gamma, double beta)
{
    const double pi = 3.14159265358979323846, sigma = fabs(gamma);
    if (sigma == 0)
        return fmin(beta, 0);
    double z = beta / sigma, negative = 0.5 * erfc(z / sqrt(2));
    return negative > 1e-3 ? beta - sigma * exp(-z * z / 2) / (sqrt(2 * pi) * negative) : -3 * sigma;
}

/* ---- margin ReLU ---- */

struct margin {
    td_module *bn;     /* the teacher's */
    td_tensor *margin; /* [1,C,1,1] */
    int32_t known;
};

/* In the first step, when the teacher's weights are there; a frozen teacher's stay. */
static void set_margin(td_ctx *c, struct margin *d)
{
    int64_t n = td_numel(d->margin), shape[] = {1, n, 1, 1};
    double *gamma = td_alloc(c, (size_t)n * sizeof *gamma), *beta = td_alloc(c, (size_t)n * sizeof *beta);
    if (!gamma || !beta || td_host->read(c, td_member(d->bn, "weight"), TD_FLOAT64, gamma, n) ||
        td_host->read(c, td_member(d->bn, "bias"), TD_FLOAT64, beta, n))
        return;
    for (int64_t i = 0; i < n; i++)
        gamma[i] = channel_margin(gamma[i], beta[i]);
    td_copy(c, d->margin, td_cast(c, td_tensor_from(c, TD_FLOAT64, 4, shape, gamma), td_desc_of(d->margin)->dtype));
    d->known = 1;
}

static td_tensor *margin_forward(td_ctx *c, td_module *m, td_tensor *x)
{
    struct margin *d = td_data(m);
    if (!d->known)
        set_margin(c, d);
    return td_maximum(c, x, d->margin);
}

static const td_module_type margin_type = {
    .name = "MarginReLU", .data_size = sizeof(struct margin), .forward = margin_forward};

static td_module *margin_new(td_ctx *c, td_module *bn, const char *path)
{
    td_module *m = td_module_new(c, &margin_type);
    const td_tensor *weight = bn ? td_member(bn, "weight") : NULL;
    if (bn && (!weight || td_ndim(weight) != 1 || !td_member(bn, "bias")))
        td_fail(c, "'%s' is no batch norm with weight and bias", path);
    if (td_failed(c))
        return m;
    struct margin *d = td_data(m);
    td_desc margin = {TD_FLOAT32, 4, {1, td_numel(weight), 1, 1}};
    d->bn = bn;
    d->margin = td_buffer(c, m, "margin", &margin, (td_init){TD_INIT_ZEROS, 0, 0, 0});
    return m;
}

/* ---- wrapper ---- */

struct wrapped {
    td_wrapped network;
    td_module *margins[MOST_MARGINS];
};

static const td_module_type type = {
    .name = "Margin4OFD", .data_size = sizeof(struct wrapped), .forward_value = td_wrapped_forward};

static td_module *build(td_ctx *c, const void *params, const char *name, td_module *model)
{
    const td_list *list = &((const struct params *)params)->margins;
    const struct margin_params *margins = list->v;
    td_module *m = td_wrap(c, &type, name, model);
    if (list->n > MOST_MARGINS)
        td_fail(c, "margins has %lld entries; it takes at most %d", (long long)list->n, MOST_MARGINS);
    if (td_failed(c))
        return m;
    struct wrapped *w = td_data(m);
    td_module *dict = td_layer(c, m, "margin_dict", "ModuleList", "{}");
    for (int64_t i = 0; i < list->n && !td_failed(c); i++) {
        td_module *bn = td_find(c, m, margins[i].bn_path);
        w->margins[i] = td_adopt(c, dict, list->keys[i], margin_new(c, bn, margins[i].bn_path));
    }
    return m;
}

static void secondary(td_ctx *c, const void *params, td_module *self, td_io *io)
{
    const td_list *list = &((const struct params *)params)->margins;
    const struct margin_params *margins = list->v;
    const struct wrapped *w = td_data(self);
    for (int64_t i = 0; i < list->n && !td_failed(c); i++) {
        td_tap tap = {margins[i].tap.path, margins[i].tap.io, w->network.side};
        td_call(c, w->margins[i], td_io_get(io, &tap));
    }
}

const td_wrapper_type ofd_margins = {.type = {.key = "Margin4OFD",
                                              .summary = "a teacher whose feature maps go through margin ReLUs",
                                              .params = table,
                                              .params_size = sizeof(struct params)},
                                     .build = build,
                                     .secondary_forward = secondary};

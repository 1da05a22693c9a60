/* Neuron selectivity transfer (Huang and Wang, 2017, arXiv 1707.01219, section 4): the distributions of a layer's
 * neurons, each neuron the unit vector f_c of its activations over the map, are compared by the squared maximum mean
 * discrepancy
 *
 *     L = mean_{c, c'} k(t_c, t_c') + mean_{c, c'} k(s_c, s_c') - 2 mean_{c, c'} k(s_c, t_c'),
 *
 * averaged over the batch, with k(x, y) = (x . y)^2 (polynomial) or x . y (linear).  The products come as
 * Gram matrices, [B, C, C'], never as B x C x C' x HW.  Of two maps the larger is pooled to the smaller's size. */
#include <td/td.h>

struct nst {
    td_list feature_pairs;
    const char *kernel;
};

static const td_param nst_params[] = {TD_PARAM_PAIRS(struct nst, feature_pairs, "pairs of feature maps"),
                                      TD_PARAM_STRING(struct nst, kernel, "poly", "k", .choices = "poly|linear"),
                                      TD_PARAM_END_OPEN};

/* [B,C,H,W] pooled to h x w -> [B,C,hw], each neuron of unit length */
static td_tensor *neurons(td_ctx *c, td_tensor *f, int64_t h, int64_t w)
{
    if (td_dim(f, 2) != h || td_dim(f, 3) != w)
        f = td_adaptive_avg_pool2d(c, f, h, w);
    return td_normalize(c, td_flatten_spatial(c, f), 2, 2, 1e-12);
}

static td_tensor *mean_kernel(td_ctx *c, const struct nst *p, td_tensor *x, td_tensor *y)
{
    td_tensor *products = td_matmul(c, x, y, 0, 1);
    return td_mean(c, p->kernel[0] == 'p' ? td_square(c, products) : products, 0, 0);
}

static td_tensor *pair_loss(td_ctx *c, const void *params, td_tensor *s, td_tensor *t)
{
    const struct nst *p = params;
    int64_t h = td_dim(s, 2) < td_dim(t, 2) ? td_dim(s, 2) : td_dim(t, 2);
    int64_t w = td_dim(s, 3) < td_dim(t, 3) ? td_dim(s, 3) : td_dim(t, 3);
    s = neurons(c, s, h, w);
    t = neurons(c, t, h, w);
    td_tensor *own = td_add(c, mean_kernel(c, p, s, s), mean_kernel(c, p, t, t));
    return td_sub(c, own, td_scale(c, mean_kernel(c, p, s, t), 2));
}

static td_tensor *nst_forward(td_ctx *c, const void *params, td_io *io)
{
    (void)c;
    return td_sum_pairs(io, &((const struct nst *)params)->feature_pairs, params, pair_loss);
}

static const td_loss_type nst = {.type = {.key = "NSTLoss",
                                          .summary = "the distribution of a layer's neurons follows the teacher's",
                                          .params = nst_params,
                                          .params_size = sizeof(struct nst)},
                                 .forward = nst_forward};

TD_PLUGIN(nst, "0.1.0", "MIT", "Neuron selectivity transfer (Huang and Wang, arXiv 2017)", "loss:NSTLoss")
{
    td_register(reg, TD_KIND_LOSS, &nst);
}

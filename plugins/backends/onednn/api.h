/* The library's interface.  This plugin is written for version 3; for version 2 (from 2.6) its missing functions are
 * defined here, with the names, arguments and meaning they have in version 3. */
#ifndef TD__ONEDNN_API_H
#define TD__ONEDNN_API_H

#include <dnnl.h>
#include <dnnl_debug.h>

#if DNNL_VERSION_MAJOR >= 3

#define TD__NORM_GRAD_TAKES_SHIFT 0

/* A descriptor in an array, as functions take it. */
static inline const_dnnl_memory_desc_t td__md_of(const dnnl_memory_desc_t *d) { return *d; }

#else

#define TD__NORM_GRAD_TAKES_SHIFT 1

typedef const dnnl_memory_desc_t *const_dnnl_memory_desc_t;

static inline const_dnnl_memory_desc_t td__md_of(const dnnl_memory_desc_t *d) { return d; }

/* In version 2 a descriptor is a struct; nothing is allocated. */
static inline dnnl_status_t dnnl_memory_desc_create_with_strides(dnnl_memory_desc_t *md, int ndims, const dnnl_dims_t dims,
                                                                 dnnl_data_type_t type, const dnnl_dims_t strides)
{
    return dnnl_memory_desc_init_by_strides(md, ndims, dims, type, strides);
}

static inline dnnl_status_t dnnl_memory_desc_create_with_tag(dnnl_memory_desc_t *md, int ndims, const dnnl_dims_t dims,
                                                             dnnl_data_type_t type, dnnl_format_tag_t tag)
{
    return dnnl_memory_desc_init_by_tag(md, ndims, dims, type, tag);
}

static inline dnnl_status_t dnnl_memory_desc_destroy(dnnl_memory_desc_t md)
{
    (void)md;
    return dnnl_success;
}

/* Defines the version 3 function from the one that describes the operation in version 2. */
#define TD__DESC(type, init, ...)                      \
    {                                                  \
        type d;                                        \
        dnnl_status_t status = init(&d, __VA_ARGS__);  \
        return status != dnnl_success ? status : dnnl_primitive_desc_create(pd, &d, attr, engine, hint); \
    }
#define TD__FORWARD dnnl_primitive_desc_t *pd, dnnl_engine_t engine
#define TD__MD const_dnnl_memory_desc_t
#define TD__ATTR const_dnnl_primitive_attr_t attr
#define TD__HINT const_dnnl_primitive_desc_t hint, TD__ATTR
#define TD__WINDOW const dnnl_dims_t strides, const dnnl_dims_t dilates, const dnnl_dims_t left, const dnnl_dims_t right
#define TD__POOL const dnnl_dims_t strides, const dnnl_dims_t kernel, const dnnl_dims_t dilates, const dnnl_dims_t left, const dnnl_dims_t right
#define TD__NO_HINT const const_dnnl_primitive_desc_t hint = NULL;

static inline dnnl_status_t dnnl_convolution_forward_primitive_desc_create(TD__FORWARD, dnnl_prop_kind_t prop, dnnl_alg_kind_t alg,
                                                                           TD__MD src, TD__MD weights, TD__MD bias, TD__MD dst,
                                                                           TD__WINDOW, TD__ATTR)
{
    TD__NO_HINT
    TD__DESC(dnnl_convolution_desc_t, dnnl_dilated_convolution_forward_desc_init, prop, alg, src, weights, bias, dst, strides, dilates, left, right)
}

static inline dnnl_status_t dnnl_convolution_backward_data_primitive_desc_create(TD__FORWARD, dnnl_alg_kind_t alg, TD__MD diff_src,
                                                                                 TD__MD weights, TD__MD diff_dst, TD__WINDOW, TD__HINT)
TD__DESC(dnnl_convolution_desc_t, dnnl_dilated_convolution_backward_data_desc_init, alg, diff_src, weights, diff_dst, strides, dilates, left, right)

static inline dnnl_status_t dnnl_convolution_backward_weights_primitive_desc_create(TD__FORWARD, dnnl_alg_kind_t alg, TD__MD src,
                                                                                    TD__MD diff_weights, TD__MD diff_bias,
                                                                                    TD__MD diff_dst, TD__WINDOW, TD__HINT)
TD__DESC(dnnl_convolution_desc_t, dnnl_dilated_convolution_backward_weights_desc_init, alg, src, diff_weights, diff_bias, diff_dst, strides, dilates, left, right)

static inline dnnl_status_t dnnl_deconvolution_forward_primitive_desc_create(TD__FORWARD, dnnl_prop_kind_t prop, dnnl_alg_kind_t alg,
                                                                             TD__MD src, TD__MD weights, TD__MD bias, TD__MD dst,
                                                                             TD__WINDOW, TD__ATTR)
{
    TD__NO_HINT
    TD__DESC(dnnl_deconvolution_desc_t, dnnl_dilated_deconvolution_forward_desc_init, prop, alg, src, weights, bias, dst, strides, dilates, left, right)
}

static inline dnnl_status_t dnnl_matmul_primitive_desc_create(TD__FORWARD, TD__MD src, TD__MD weights, TD__MD bias, TD__MD dst, TD__ATTR)
{
    TD__NO_HINT
    TD__DESC(dnnl_matmul_desc_t, dnnl_matmul_desc_init, src, weights, bias, dst)
}

static inline dnnl_status_t dnnl_eltwise_forward_primitive_desc_create(TD__FORWARD, dnnl_prop_kind_t prop, dnnl_alg_kind_t alg, TD__MD src,
                                                                       TD__MD dst, float alpha, float beta, TD__ATTR)
{
    TD__NO_HINT
    (void)dst; /* version 2 has one descriptor for both */
    TD__DESC(dnnl_eltwise_desc_t, dnnl_eltwise_forward_desc_init, prop, alg, src, alpha, beta)
}

static inline dnnl_status_t dnnl_eltwise_backward_primitive_desc_create(TD__FORWARD, dnnl_alg_kind_t alg, TD__MD diff_src, TD__MD diff_dst,
                                                                        TD__MD data, float alpha, float beta, TD__HINT)
{
    (void)diff_dst; /* likewise */
    TD__DESC(dnnl_eltwise_desc_t, dnnl_eltwise_backward_desc_init, alg, diff_src, data, alpha, beta)
}

static inline dnnl_status_t dnnl_softmax_forward_primitive_desc_create(TD__FORWARD, dnnl_prop_kind_t prop, dnnl_alg_kind_t alg, TD__MD src,
                                                                       TD__MD dst, int axis, TD__ATTR)
{
    TD__NO_HINT
    TD__DESC(dnnl_softmax_v2_desc_t, dnnl_softmax_v2_forward_desc_init, prop, alg, src, dst, axis)
}

static inline dnnl_status_t dnnl_softmax_backward_primitive_desc_create(TD__FORWARD, dnnl_alg_kind_t alg, TD__MD diff_src, TD__MD diff_dst,
                                                                        TD__MD dst, int axis, TD__HINT)
TD__DESC(dnnl_softmax_v2_desc_t, dnnl_softmax_v2_backward_desc_init, alg, diff_src, diff_dst, dst, axis)

static inline dnnl_status_t dnnl_pooling_forward_primitive_desc_create(TD__FORWARD, dnnl_prop_kind_t prop, dnnl_alg_kind_t alg, TD__MD src,
                                                                       TD__MD dst, TD__POOL, TD__ATTR)
{
    TD__NO_HINT
    TD__DESC(dnnl_pooling_v2_desc_t, dnnl_pooling_v2_forward_desc_init, prop, alg, src, dst, strides, kernel, dilates, left, right)
}

static inline dnnl_status_t dnnl_pooling_backward_primitive_desc_create(TD__FORWARD, dnnl_alg_kind_t alg, TD__MD diff_src, TD__MD diff_dst,
                                                                        TD__POOL, TD__HINT)
TD__DESC(dnnl_pooling_v2_desc_t, dnnl_pooling_v2_backward_desc_init, alg, diff_src, diff_dst, strides, kernel, dilates, left, right)

static inline dnnl_status_t dnnl_batch_normalization_forward_primitive_desc_create(TD__FORWARD, dnnl_prop_kind_t prop, TD__MD src,
                                                                                   TD__MD dst, float eps, unsigned flags, TD__ATTR)
{
    TD__NO_HINT
    (void)dst; /* likewise */
    TD__DESC(dnnl_batch_normalization_desc_t, dnnl_batch_normalization_forward_desc_init, prop, src, eps, flags)
}

static inline dnnl_status_t dnnl_batch_normalization_backward_primitive_desc_create(TD__FORWARD, dnnl_prop_kind_t prop, TD__MD diff_src,
                                                                                    TD__MD diff_dst, TD__MD src, float eps, unsigned flags,
                                                                                    TD__HINT)
{
    (void)diff_dst; /* likewise */
    TD__DESC(dnnl_batch_normalization_desc_t, dnnl_batch_normalization_backward_desc_init, prop, diff_src, src, eps, flags)
}

#endif
#endif

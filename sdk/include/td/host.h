/* tdhost SDK: the host's function table and what every plugin may ask of it.
 *
 * Ownership: a function borrows what it is given.  A tensor it makes lives until the enclosing frame (a
 * module's forward, a loss, a step) ends; what the frame's function returns survives into the caller's frame;
 * what td_retain keeps survives until td_release.  Nothing else is freed by a plugin.
 *
 * Errors are sticky: the first td_fail of a context wins; later operations on it do nothing and return an
 * empty tensor, never NULL, so plugin code is straight-line and the host checks once.
 *
 * Threads: a td_ctx belongs to one thread at a time.  Functions without a td_ctx may be called anywhere.
 */
#ifndef TD_HOST_H
#define TD_HOST_H

#include <td/param.h>

#define TD_LOG_ERROR 0
#define TD_LOG_WARN 1
#define TD_LOG_INFO 2
#define TD_LOG_DEBUG 3

/* How a parameter or buffer starts (torch.nn.init). */
#define TD_INIT_ZEROS 0u
#define TD_INIT_ONES 1u
#define TD_INIT_CONSTANT 2u        /* a */
#define TD_INIT_UNIFORM 3u         /* [a, b) */
#define TD_INIT_NORMAL 4u          /* mean a, standard deviation b */
#define TD_INIT_KAIMING_UNIFORM 5u /* leaky-ReLU slope a, fan_in */
#define TD_INIT_KAIMING_NORMAL 6u  /* ReLU gain; a = 0: fan_in, a = 1: fan_out */
#define TD_INIT_FAN_IN_UNIFORM 7u  /* [-1/sqrt(fan), 1/sqrt(fan)), fan = b (PyTorch's biases) */
typedef struct td_init {
    uint32_t how;
    uint32_t reserved;
    double a, b;
} td_init;

struct td_module_type;

/* Grows only at its end; `size` says how far this host's table reaches. */
typedef struct td_api {
    uint32_t size;
    uint16_t major, minor;
    const char *host_version;
    /* Rare and optional services by name, e.g. "td.dlpack/1"; NULL where this host has none. */
    const void *(*get_interface)(const char *id);
    /* Registers a descriptor (see kinds.h); the host copies it.  0, or an error already recorded. */
    int32_t (*register_type)(td_registrar *, uint32_t kind, const void *descriptor, uint32_t size);

    void (*fail)(td_ctx *, const char *fmt, ...) TD_PRINTF(2, 3);
    int32_t (*failed)(const td_ctx *);
    void (*message)(td_ctx *, int32_t level, const char *fmt, ...) TD_PRINTF(3, 4);
    void *(*alloc)(td_ctx *, size_t bytes); /* zeroed, until the frame ends; NULL when the context failed */

    /* Tensors. */
    td_tensor *(*tensor)(td_ctx *, const td_desc *, const void *row_major); /* copies; NULL data: zeros */
    int32_t (*read)(td_ctx *, const td_tensor *, uint32_t dtype, void *row_major,
                    int64_t count); /* waits for the device */
    td_tensor *(*retain)(td_tensor *);
    void (*release)(td_tensor *);
    td_tensor *(*detach)(td_ctx *, td_tensor *);
    int32_t (*set_grad)(td_ctx *, int32_t enabled); /* returns what it was */
    /* Applies the operation called `op`; see op.h. */
    td_tensor *(*apply)(td_ctx *, const char *op, td_tensor *const *in, uint32_t n_in, const void *attrs,
                        uint32_t attrs_size, td_tensor **out, uint32_t n_out);

    /* Module trees; see nn.h. */
    td_module *(*module)(td_ctx *, const struct td_module_type *, uint32_t type_size);
    td_module *(*layer)(td_ctx *, td_module *parent, const char *name, const char *key, const char *kwargs_fmt, ...)
        TD_PRINTF(5, 6);
    td_module *(*layer_of)(td_ctx *, td_module *parent, const char *name, const void *layer_spec);
    td_module *(*adopt)(td_ctx *, td_module *parent, const char *name, td_module *child);
    td_tensor *(*parameter)(td_ctx *, td_module *, const char *name, uint32_t ndim, const int64_t *shape, td_init);
    td_tensor *(*buffer)(td_ctx *, td_module *, const char *name, const td_desc *, td_init);
    td_value (*call)(td_ctx *, td_module *, td_value);
    void *(*module_data)(td_module *);
    td_module *(*find)(td_ctx *, td_module *root, const char *path); /* NULL and an error where there is none */
    td_tensor *(*member)(td_module *, const char *name);             /* own parameter or buffer; NULL where none */
    int32_t (*training)(const td_module *);
    int32_t (*tapped)(const td_module *); /* whether anything hooks this module: fused paths must step aside */
    int32_t (*load_module)(td_ctx *, td_module *, const char *file); /* strict; 1: loaded, 0: no such file, <0: error */
    int32_t (*save_module)(td_ctx *, td_module *, const char *file);

    /* Tapped values; see kinds.h. */
    td_value (*io_value)(td_io *, const td_tap *);
    void (*io_put)(td_io *, const td_tap *, td_value);
    td_tensor *(*io_supp)(td_io *,
                          const char *name); /* from a data-set wrapper; NULL and an error where there is none */

    /* Samples; see data.h. */
    uint8_t *(*item_image)(td_item *, int32_t width, int32_t height, int32_t channels); /* new pixels, HWC */
    float *(*item_floats)(td_item *, int32_t width, int32_t height, int32_t channels);  /* new values, HWC */
    void *(*item_supp)(td_item *, const char *name, const td_desc *);                   /* new side value, row-major */
    double (*item_random)(td_item *, uint32_t draw); /* [0, 1): keyed by seed, epoch, sample, this use and draw */
    int64_t (*dataset_length)(const td_dataset *);
    int64_t (*dataset_target)(const td_dataset *, int64_t index); /* class without decoding; -1 where unknown */
    int64_t (*dataset_classes)(const td_dataset *);
    int32_t (*dataset_get)(td_ctx *, const td_dataset *, int64_t index, td_item *); /* untransformed */
    int32_t (*dataset_transform)(td_ctx *, const td_dataset *, td_item *);

    /* Threads: calls fn(arg, i) for i in [0, n) on the host's pool; returns when all are done. */
    void (*parallel_for)(int64_t n, void (*fn)(void *arg, int64_t i), void *arg);
    /* Kernels; see op.h. */
    void *(*run_scratch)(td_run *,
                         size_t bytes); /* 64-byte aligned, until the kernel returns; NULL: out of memory, recorded */
    void (*run_fail)(td_run *, const char *fmt, ...) TD_PRINTF(2, 3);
    /* Uniform in [0, 1) from a counter-based generator (Philox 4x32-10). */
    double (*random)(uint64_t seed, uint64_t epoch, uint64_t sample, uint64_t use);
    /* Reads a whole file (gzip is undone when `gunzip`).  NULL on error, recorded; lives until the frame ends. */
    void *(*read_file)(td_ctx *, const char *path, int32_t gunzip, size_t *size);
    /* Decodes a JPEG or PNG file into the item as RGB; 0 or an error recorded. */
    int32_t (*decode_image)(td_ctx *, const void *bytes, size_t size, const char *name, td_item *);
    /* Starts a parameter or buffer of m again (a model's own choice instead of the layer's); see nn.h. */
    void (*reinit)(td_ctx *, td_module *m, const char *member, td_init);
    /* A new Sequential of the modules at n paths below root, sharing them (`sequential` of the configuration). */
    td_module *(*redesign)(td_ctx *, td_module *root, const char *const *paths, int64_t n);
    /* See td_norm_act. */
    td_tensor *(*norm_act)(td_ctx *, td_module *norm, td_module *act, td_tensor *x, td_tensor *residual);
    /* See td_io_cover. */
    void (*io_cover)(td_io *, const td_tap *, td_value);
    /* See td_conv_norm_act. */
    td_tensor *(*conv_norm_act)(td_ctx *, td_module *conv, td_module *norm, td_module *act, td_tensor *x,
                                td_tensor *residual);
    /* See td_model_of; since 0.5. */
    td_module *(*model_of)(td_ctx *, td_module *parent, const char *name, const void *spec);
    int32_t (*item_transform)(td_ctx *, const void *transform, td_item *); /* by a TD_P_OBJECT "transform"; since 0.5 */
} td_api;

/* The host's table: defined by TD_PLUGIN in a plugin, by the host in the host and its static plugins. */
extern TD_HIDDEN const td_api *td_host;

#define td_fail(c, ...) td_host->fail((c), __VA_ARGS__)
#define td_message(c, level, ...) td_host->message((c), (level), __VA_ARGS__)
static inline int32_t td_failed(const td_ctx *c) { return td_host->failed(c); }
static inline void *td_alloc(td_ctx *c, size_t bytes) { return td_host->alloc(c, bytes); }

static inline const td_desc *td_desc_of(const td_tensor *t) { return (const td_desc *)(const void *)t; }
static inline int64_t td_ndim(const td_tensor *t) { return td_desc_of(t)->ndim; }
/* Length of a dimension; negative counts from the end. */
static inline int64_t td_dim(const td_tensor *t, int64_t i)
{
    const td_desc *d = td_desc_of(t);
    if (i < 0)
        i += d->ndim;
    return i >= 0 && i < (int64_t)d->ndim ? d->shape[i] : 0;
}
static inline int64_t td_desc_numel(const td_desc *d)
{
    int64_t n = 1;
    for (uint32_t i = 0; i < d->ndim; i++)
        n *= d->shape[i];
    return n;
}
static inline int64_t td_numel(const td_tensor *t) { return td_desc_numel(td_desc_of(t)); }

static inline td_value td_none(void)
{
    td_value v = {TD_VALUE_NONE, 0, NULL, NULL, NULL};
    return v;
}
static inline td_value td_value_of(td_tensor *t)
{
    td_value v = {TD_VALUE_TENSOR, 0, t, NULL, NULL};
    return v;
}
/* A tuple of n values, copied into the frame. */
static inline td_value td_tuple(td_ctx *c, uint32_t n, const td_value *items)
{
    td_value *copy = (td_value *)td_alloc(c, n * sizeof *copy);
    td_value v = {TD_VALUE_TUPLE, n, NULL, copy, NULL};
    if (!copy)
        return td_none();
    for (uint32_t i = 0; i < n; i++)
        copy[i] = items[i];
    return v;
}
static inline td_tensor *td_retain(td_tensor *t) { return td_host->retain(t); }
static inline void td_release(td_tensor *t) { td_host->release(t); }
static inline td_tensor *td_tensor_from(td_ctx *c, uint32_t dtype, uint32_t ndim, const int64_t *shape,
                                        const void *data)
{
    td_desc d = {dtype, ndim, {0}};
    for (uint32_t i = 0; i < ndim && i < TD_MAX_DIMS; i++)
        d.shape[i] = shape[i];
    return td_host->tensor(c, &d, data);
}
static inline td_tensor *td_zeros(td_ctx *c, uint32_t dtype, uint32_t ndim, const int64_t *shape)
{
    return td_tensor_from(c, dtype, ndim, shape, NULL);
}
static inline td_tensor *td_scalar(td_ctx *c, uint32_t dtype, double value)
{
    float f = (float)value;
    return td_tensor_from(c, dtype == TD_FLOAT64 ? TD_FLOAT64 : TD_FLOAT32, 0, NULL,
                          dtype == TD_FLOAT64 ? (const void *)&value : (const void *)&f);
}

#endif

/* A small registry for the tests of objects: types that bind but do nothing. */
#ifndef TD_TESTS_CONFIG_TYPES_H
#define TD_TESTS_CONFIG_TYPES_H

#include <criterion/criterion.h>

#include "host/config/object.h"
#include "host/plugin/registry.h"

struct cifar { const char *root; int32_t train, download; };
static const td_param cifar_table[] = {
    TD_PARAM_FILE(struct cifar, root, NULL, "folder"), TD_PARAM_BOOL(struct cifar, train, "true", "which part"),
    TD_PARAM_BOOL(struct cifar, download, "false", "fetch it"), TD_PARAM_END};

struct split { void *dataset; td_ints lengths; td_list sub_splits_configs; int64_t generator_seed; const char *dataset_id; };
struct split_config { void *transform; };
static const td_param split_config_table[] = {
    TD_PARAM_OBJECT(struct split_config, transform, "transform", "null", "of this part"), TD_PARAM_END};
static const td_param split_table[] = {
    TD_PARAM_STRING(struct split, dataset_id, "null", "for messages"),
    TD_PARAM_OBJECT(struct split, dataset, "dataset", NULL, "what is split"), TD_PARAM_INTS(struct split, lengths, NULL, "of the parts"),
    TD_PARAM_INT(struct split, generator_seed, "null", "of the permutation"),
    TD_PARAM_LIST(struct split, sub_splits_configs, split_config_table, sizeof(struct split_config), "[]", "of the parts"), TD_PARAM_END};

struct crop { td_ints size; int64_t padding; };
static const td_param crop_table[] = {TD_PARAM_INTS(struct crop, size, NULL, "side"), TD_PARAM_INT(struct crop, padding, "0", "around", .min = 0),
                                      TD_PARAM_END};
struct normalize { td_floats mean, std; };
static const td_param normalize_table[] = {TD_PARAM_FLOATS(struct normalize, mean, NULL, "of each channel"),
                                           TD_PARAM_FLOATS(struct normalize, std, NULL, "of each channel"), TD_PARAM_END};
static const td_param flip_table[] = {TD_PARAM_UNUSED("p", "probability"), TD_PARAM_END};
struct pool { int64_t kernel_size; };
static const td_param pool_table[] = {TD_PARAM_INT(struct pool, kernel_size, NULL, "side"), TD_PARAM_END};
struct net { td_layer_spec pool, none; const char *weights; int64_t num_classes; };
static const td_param net_table[] = {
    TD_PARAM_LAYER(struct net, pool, "{key: MaxPool2d, kwargs: {kernel_size: 3}}", "first"), TD_PARAM_LAYER(struct net, none, "null", "second"),
    TD_PARAM_STRING(struct net, weights, "null", "pretrained"), TD_PARAM_INT(struct net, num_classes, "1000", "outputs"), TD_PARAM_END};
struct sgd { double lr; };
static const td_param sgd_table[] = {TD_PARAM_FLOAT(struct sgd, lr, NULL, "learning rate"), TD_PARAM_END};
struct steps { int64_t n; };
static const td_param steps_table[] = {TD_PARAM_INT(struct steps, n, NULL, "count"), TD_PARAM_END};

/* Never called: objects are bound, not opened. */
static int32_t no_open(td_ctx *c, const void *p, void *d) { (void)c, (void)p, (void)d; return TD_ERROR; }
static void no_close(void *d) { (void)d; }
static int64_t no_length(const void *d) { (void)d; return 0; }
static int32_t no_get(td_ctx *c, const void *d, int64_t i, td_item *item) { (void)c, (void)d, (void)i, (void)item; return TD_ERROR; }
static int32_t no_apply(td_ctx *c, const void *p, td_item *item) { (void)c, (void)p, (void)item; return TD_ERROR; }
static int32_t no_call(td_ctx *c, const void *p, td_result *r) { (void)c, (void)p, (void)r; return TD_ERROR; }
static td_module *no_build(td_ctx *c, const void *p) { (void)c, (void)p; return NULL; }
static void no_update(td_ctx *c, const void *p, double lr, int64_t step, td_tensor *param, td_tensor *grad, td_tensor *const *state)
{
    (void)c, (void)p, (void)lr, (void)step, (void)param, (void)grad, (void)state;
}
static td_tensor *no_loss(td_ctx *c, const void *p, td_io *io) { (void)c, (void)p, (void)io; return NULL; }
static int64_t no_order(td_ctx *c, const void *p, int64_t n, uint64_t seed, int64_t epoch, int64_t *order)
{
    (void)c, (void)p, (void)n, (void)seed, (void)epoch, (void)order;
    return 0;
}

static void register_types(void)
{
    static const td_dataset_type cifar = {.type = {"CIFAR10", "torchvision.datasets.CIFAR10", "", cifar_table, sizeof(struct cifar), 0},
                                          .open = no_open, .close = no_close, .length = no_length, .get = no_get};
    static const td_transform_type to_tensor = {.type = {"ToTensor", "torchvision.transforms.ToTensor", "", NULL, 0, 0}, .apply = no_apply},
        flip = {.type = {"RandomHorizontalFlip", "torchvision.transforms.RandomHorizontalFlip", "", flip_table, 0, 0}, .apply = no_apply},
        crop = {.type = {"RandomCrop", "torchvision.transforms.RandomCrop", "", crop_table, sizeof(struct crop), 0}, .apply = no_apply},
        normalize = {.type = {"Normalize", "torchvision.transforms.Normalize", "", normalize_table, sizeof(struct normalize), 0}, .apply = no_apply};
    static const td_function_type split = {.type = {"split_dataset", "torchdistill.datasets.util.split_dataset", "", split_table, sizeof(struct split), 0}, .call = no_call},
        steps = {.type = {"steps", "util.steps", "", steps_table, sizeof(struct steps), 0}, .call = no_call};
    static const td_layer_type pool = {.type = {"MaxPool2d", "torch.nn.MaxPool2d", "", pool_table, sizeof(struct pool), 0}, .build = no_build};
    static const td_model_type net = {.type = {"net", NULL, "", net_table, sizeof(struct net), 0}, .build = no_build};
    static const td_optimizer_type sgd = {.type = {"SGD", "torch.optim.SGD", "", sgd_table, sizeof(struct sgd), 0}, .update = no_update};
    static const td_loss_type loss = {.type = {"KDLoss", NULL, "", NULL, 0, 0}, .forward = no_loss};
    static const td_sampler_type sampler = {.type = {"RandomSampler", "torch.utils.data.RandomSampler", "", NULL, 0, 0}, .order = no_order};
    td__registry_clear();
    cr_assert_eq(TD__REGISTER_HOST(TD_KIND_DATASET, &cifar), 0);
    cr_assert_eq(TD__REGISTER_HOST(TD_KIND_TRANSFORM, &to_tensor), 0);
    cr_assert_eq(TD__REGISTER_HOST(TD_KIND_TRANSFORM, &flip), 0);
    cr_assert_eq(TD__REGISTER_HOST(TD_KIND_TRANSFORM, &crop), 0);
    cr_assert_eq(TD__REGISTER_HOST(TD_KIND_TRANSFORM, &normalize), 0);
    cr_assert_eq(TD__REGISTER_HOST(TD_KIND_FUNCTION, &split), 0);
    cr_assert_eq(TD__REGISTER_HOST(TD_KIND_FUNCTION, &steps), 0);
    cr_assert_eq(TD__REGISTER_HOST(TD_KIND_LAYER, &pool), 0);
    cr_assert_eq(TD__REGISTER_HOST(TD_KIND_MODEL, &net), 0);
    cr_assert_eq(TD__REGISTER_HOST(TD_KIND_OPTIMIZER, &sgd), 0);
    cr_assert_eq(TD__REGISTER_HOST(TD_KIND_LOSS, &loss), 0);
    cr_assert_eq(TD__REGISTER_HOST(TD_KIND_SAMPLER, &sampler), 0);
}

#endif

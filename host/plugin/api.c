/* The host's function table: what plugins, and the SDK's inline functions inside the host, call. */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "host/autograd/tape.h"
#include "host/backend/backend.h"
#include "host/backend/service.h"
#include "host/base/ctx.h"
#include "host/base/log.h"
#include "host/base/pool.h"
#include "host/base/rng.h"
#include "host/data/dataset.h"
#include "host/data/files.h"
#include "host/io/pickle_service.h"
#include "host/nn/module.h"
#include "host/nn/state.h"
#include "host/plugin/plugins.h"
#include "host/tensor/tensor.h"
#include "host/train/io.h"

static const void *api_get_interface(const char *id)
{
    if (!strcmp(id, TD_PICKLE_SERVICE))
        return &td__pickle_service;
    return strcmp(id, TD_KERNELS_SERVICE) ? NULL : &td__kernels_service;
}

static int32_t api_failed(const td_ctx *c) { return c->error != NULL; }

static void api_message(td_ctx *c, int32_t level, const char *fmt, ...)
{
    va_list ap;
    (void)c;
    va_start(ap, fmt);
    td__vlog(level, fmt, ap);
    va_end(ap);
}

static int32_t api_set_grad(td_ctx *c, int32_t enabled)
{
    int32_t before = c->grad;
    c->grad = enabled != 0;
    return before;
}

static int32_t api_load_module(td_ctx *c, td_module *m, const char *file)
{
    if (c->error || !m)
        return -1;
    return access(file, F_OK) && errno == ENOENT ? 0 : td__load_state_file(c, m, file, NULL) ? -1 : 1;
}

static int32_t api_training(const td_module *m) { return m->training; }

static td_module *api_redesign(td_ctx *c, td_module *root, const char *const *paths, int64_t n)
{
    return td__redesign(c, root, paths, (size_t)n, NULL, 0);
}

const td_api td__api = {
    .size = sizeof(td_api),
    .major = TD_ABI_MAJOR,
    .minor = TD_ABI_MINOR,
    .host_version = PACKAGE_VERSION,
    .get_interface = api_get_interface,
    .register_type = td__stage,
    .fail = td__fail,
    .failed = api_failed,
    .message = api_message,
    .alloc = td__frame_alloc,
    .tensor = td__tensor_from,
    .read = td__tensor_read,
    .retain = td__retain,
    .release = td__release,
    .detach = td__detach,
    .set_grad = api_set_grad,
    .apply = td__apply,
    .module = td__module_new,
    .layer = td__layer,
    .layer_of = td__layer_of,
    .adopt = td__adopt,
    .parameter = td__parameter,
    .buffer = td__buffer,
    .call = td__call,
    .module_data = td__module_data,
    .find = td__find_or_fail,
    .member = td__module_member,
    .training = api_training,
    .tapped = td__tapped,
    .load_module = api_load_module,
    .save_module = td__save_state_file,
    .io_value = td__io_value,
    .io_put = td__io_put,
    .io_cover = td__io_cover,
    .io_supp = td__io_supp,
    .item_image = td__item_image,
    .item_floats = td__item_floats,
    .item_supp = td__item_supp,
    .item_random = td__item_random,
    .dataset_length = td__dataset_length,
    .dataset_target = td__dataset_target,
    .dataset_classes = td__dataset_classes,
    .dataset_get = td__dataset_get,
    .dataset_transform = td__dataset_transform,
    .parallel_for = td__parallel_for,
    .run_scratch = td__run_scratch,
    .run_fail = td__run_fail,
    .random = td__uniform,
    .read_file = td__read_file,
    .decode_image = td__decode_image,
    .reinit = td__reinit,
    .redesign = api_redesign,
    .norm_act = td__norm_act,
    .conv_norm_act = td__conv_norm_act,
    .model_of = td__model_of,
    .item_transform = td__item_transform,
};

const td_api *td_host = &td__api;

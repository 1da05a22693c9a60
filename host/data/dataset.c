#include "host/data/dataset.h"

#include <stdlib.h>
#include <string.h>

#include "host/base/mem.h"
#include "host/base/rng.h"
#include "host/tensor/tensor.h"

/* One reference, `size` bytes for the type's data; the caller fills in the rest. */
static td_dataset *allocate(td_ctx *c, const char *name, size_t size, uint64_t seed)
{
    td_dataset *d = c->error ? NULL : calloc(1, sizeof *d);
    if (d)
        d->data = calloc(1, size ? size : 1);
    if (d && d->data) {
        d->refs = 1;
        d->name = name;
        d->seed = seed;
        return d;
    }
    free(d);
    td__fail(c, "out of memory for the data set %s", name);
    return NULL;
}

static void destroy(td_dataset *d)
{
    if (d->type && d->type->close)
        d->type->close(d->data);
    if (d->wrapper && d->wrapper->close)
        d->wrapper->close(d->data);
    if (d->shared)
        *d->shared = NULL;
    td__dataset_release(d->org);
    free(d->subset);
    free(d->data);
    free(d);
}

td_dataset *td__dataset_retain(td_dataset *d)
{
    d->refs++;
    return d;
}

void td__dataset_release(td_dataset *d)
{
    if (d && --d->refs == 0)
        destroy(d);
}

/* Runs the type's open.  The data set, or nothing with the reason in c. */
static td_dataset *open_data(td_ctx *c, td_dataset *d, const void *params)
{
    const char *where = c->where;
    c->where = where ? where : d->name;
    td__frame_push(c);
    int32_t status = d->wrapper ? d->wrapper->open(c, params, d->org, d->data) : d->type->open(c, params, d->data);
    if (!status && !c->error)
        d->length = d->wrapper ? d->wrapper->length(d->data, d->org) : d->type->length(d->data);
    td__frame_pop(c, td_none());
    if (status)
        td__fail(c, "it cannot be opened, and does not say why");
    else if (d->length < 1)
        td__fail(c, "it has no samples");
    c->where = where;
    if (!c->error)
        return d;
    td__dataset_release(d);
    return NULL;
}

td_dataset *td__dataset_new(td_ctx *c, const td__object *object, td__object *const *transforms, size_t n_transforms,
                            uint64_t seed)
{
    const td_dataset_type *type = (const td_dataset_type *)(const void *)object->type;
    td_dataset *d = allocate(c, type->type.key, type->data_size, seed);
    if (!d)
        return NULL;
    d->type = type;
    d->transforms = transforms;
    d->n_transforms = n_transforms;
    return open_data(c, d, object->params);
}

td_dataset *td__dataset_wrap(td_ctx *c, td__object *wrapper, td_dataset *org)
{
    const td_dataset_wrapper_type *type = (const td_dataset_wrapper_type *)(const void *)wrapper->type;
    td_dataset *d = allocate(c, type->type.key, type->data_size, org->seed);
    if (!d)
        return NULL;
    d->wrapper = type;
    d->org = td__dataset_retain(org);
    return open_data(c, d, wrapper->params);
}

td_dataset *td__dataset_subset(td_ctx *c, td_dataset *org, const int64_t *positions, int64_t n,
                               td__object *const *transforms, size_t n_transforms)
{
    td_dataset *d = allocate(c, org->name, 0, org->seed);
    if (!d)
        return NULL;
    d->org = td__dataset_retain(org);
    d->length = n;
    d->transforms = transforms ? transforms : org->transforms;
    d->n_transforms = transforms ? n_transforms : org->n_transforms;
    d->subset = malloc((size_t)(n ? n : 1) * sizeof *positions);
    if (!d->subset) {
        td__fail(c, "out of memory for a part of the data set %s", org->name);
        td__dataset_release(d);
        return NULL;
    }
    memcpy(d->subset, positions, (size_t)n * sizeof *positions);
    return d;
}

int64_t td__dataset_length(const td_dataset *d) { return d->length; }

int64_t td__dataset_target(const td_dataset *d, int64_t index)
{
    if (index < 0 || index >= d->length)
        return -1;
    if (d->subset)
        return td__dataset_target(d->org, d->subset[index]);
    return d->type && d->type->target ? d->type->target(d->data, index) : -1;
}

int64_t td__dataset_classes(const td_dataset *d)
{
    if (d->org)
        return td__dataset_classes(d->org);
    return d->type->classes ? d->type->classes(d->data) : -1;
}

const char *td__dataset_class_name(const td_dataset *d, int64_t class)
{
    if (d->org)
        return td__dataset_class_name(d->org, class);
    return d->type->class_name && class >= 0 && class < td__dataset_classes(d) ? d->type->class_name(d->data, class)
                                                                               : NULL;
}

/* How many wrappers lie under this one. */
static uint64_t depth(const td_dataset *d)
{
    return d->org ? depth(d->org) + (d->wrapper != NULL) : 0;
}

int32_t td__dataset_get(td_ctx *c, const td_dataset *d, int64_t index, td_item *item)
{
    if (c->error)
        return TD_ERROR;
    if (index < 0 || index >= d->length) {
        td__fail(c, "there is no sample %lld in %s, which has %lld", (long long)index, d->name, (long long)d->length);
        return TD_ERROR;
    }
    if (d->subset)
        return td__dataset_get(c, d->org, d->subset[index], item);
    uint64_t use = item->use;
    item->use = d->wrapper ? TD__USE_WRAPPER + 256 * (depth(d) - 1) : TD__USE_SAMPLE;
    int32_t status =
        d->wrapper ? d->wrapper->get(c, d->data, d->org, index, item) : d->type->get(c, d->data, index, item);
    item->use = use;
    if (status)
        td__fail(c, "%s cannot give it, and does not say why", d->name);
    return c->error ? TD_ERROR : TD_OK;
}

static int32_t transform(td_ctx *c, td__object *const *chain, size_t n, td_item *item)
{
    uint64_t use = item->use, pass = (uint64_t)item->passes++ << 24;
    for (size_t i = 0; i < n && !c->error; i++) {
        const td_transform_type *t = (const td_transform_type *)(const void *)chain[i]->type;
        item->use = TD__USE_TRANSFORM + 256 * i + pass;
        if (t->apply(c, chain[i]->params, item))
            td__fail(c, "%s failed, and does not say why", t->type.key);
    }
    item->use = use;
    return c->error ? TD_ERROR : TD_OK;
}

int32_t td__dataset_transform(td_ctx *c, const td_dataset *d, td_item *item)
{
    return transform(c, d->transforms, d->n_transforms, item);
}

int32_t td__item_transform(td_ctx *c, const void *object, td_item *item)
{
    td__object *one = (td__object *)(uintptr_t)object;
    return one->type ? transform(c, &one, 1, item) : transform(c, one->chain, one->n_chain, item);
}

/* Puts data set and sample before the error. */
static void name_sample(td_ctx *c, const td_dataset *d, int64_t index)
{
    char *what = td__strdup(c->error);
    if (!what)
        return;
    td__ctx_clear(c);
    td__fail(c, "%s%s%s, sample %lld: %s", d->name, d->wrapper ? " of " : "", d->wrapper ? d->org->name : "",
             (long long)index, what);
    free(what);
}

int32_t td__dataset_item(td_ctx *c, const td_dataset *d, int64_t index, int64_t epoch, td_item *item)
{
    if (c->error)
        return TD_ERROR;
    td__item_begin(item, c, d->seed, epoch, index);
    td__frame_push(c);
    int32_t status = td__dataset_get(c, d, index, item);
    if (!status)
        status = td__dataset_transform(c, d, item);
    td__frame_pop(c, td_none());
    if (status)
        name_sample(c, d, index);
    return status;
}

#include "host/data/stack.h"

#include <stdlib.h>
#include <string.h>

#include "host/backend/backend.h"
#include "host/base/mem.h"
#include "host/tensor/tensor.h"

void td__stack_begin(td__stack *s, int64_t room)
{
    s->n = 0;
    s->room = room;
    s->n_supp = 0;
}

void td__stack_free(td__stack *s)
{
    for (size_t i = 0; i < s->supp_capacity; i++) {
        free(s->supp[i].name);
        free(s->supp[i].data);
    }
    free(s->supp);
    free(s->values);
    free(s->targets);
    free(s->indices);
    memset(s, 0, sizeof *s);
}

static size_t side_bytes(const struct td__side *side)
{
    return (size_t)td_desc_numel(&side->d) * td__dtype_size(side->d.dtype);
}

/* Makes *p hold at least `bytes`; its content may be lost.  0, or -1. */
static int reserve(void *p, size_t *capacity, size_t bytes)
{
    void *old;
    memcpy(&old, p, sizeof old);
    if (*capacity >= bytes)
        return 0;
    free(old);
    void *fresh = malloc(bytes);
    memcpy(p, &fresh, sizeof fresh);
    *capacity = fresh ? bytes : 0;
    return fresh ? 0 : -1;
}

static int reserve_sides(td__stack *s, const td_item *item)
{
    size_t had = s->supp_capacity;
    if (td__grow(&s->supp, &s->supp_capacity, item->n_supp, sizeof *s->supp))
        return -1;
    if (s->supp_capacity > had)
        memset(s->supp + had, 0, (s->supp_capacity - had) * sizeof *s->supp);
    for (; s->n_supp < item->n_supp; s->n_supp++) {
        struct td__side *side = &s->supp[s->n_supp];
        const struct td__side *from = &item->supp[s->n_supp];
        free(side->name);
        side->name = td__strdup(from->name);
        side->d = from->d;
        if (!side->name || reserve(&side->data, &side->capacity, (size_t)s->room * side_bytes(from)))
            return -1;
    }
    return 0;
}

/* The first sample says what all look like. */
static int32_t take_form(td_ctx *c, td__stack *s, const td_item *item)
{
    const td_item_view *v = &item->head.image;
    size_t sample = (size_t)v->width * (size_t)v->height * (size_t)v->channels * sizeof(float);
    int64_t *more;
    s->width = v->width;
    s->height = v->height;
    s->channels = v->channels;
    if (s->capacity < (size_t)s->room) {
        s->capacity = 0;
        if (!(more = realloc(s->targets, (size_t)s->room * sizeof *more)))
            goto memory;
        s->targets = more;
        if (!(more = realloc(s->indices, (size_t)s->room * sizeof *more)))
            goto memory;
        s->indices = more;
        s->capacity = (size_t)s->room;
    }
    if (!reserve(&s->values, &s->values_capacity, (size_t)s->room * sample) && !reserve_sides(s, item))
        return TD_OK;
memory:
    td__fail(c, "out of memory for a batch of %lld samples of %d x %d x %d", (long long)s->room, v->channels, v->height,
             v->width);
    return TD_ERROR;
}

static int same_desc(const td_desc *a, const td_desc *b)
{
    return a->dtype == b->dtype && a->ndim == b->ndim && !memcmp(a->shape, b->shape, a->ndim * sizeof a->shape[0]);
}

/* The item must look like the batch's first sample. */
static int32_t check_form(td_ctx *c, const td__stack *s, const td_item *item)
{
    const td_item_head *h = &item->head;
    long long first = (long long)s->indices[0], this = (long long)h->index;
    if (h->image.width != s->width || h->image.height != s->height || h->image.channels != s->channels) {
        td__fail(c, "sample %lld is [%d, %d, %d] where sample %lld of the same batch is [%d, %d, %d]: add Resize, "
                    "RandomCrop or RandomResizedCrop to the transform",
                 this, h->image.channels, h->image.height, h->image.width, first, s->channels, s->height, s->width);
        return TD_ERROR;
    }
    if ((h->target < 0) != (s->targets[0] < 0)) {
        td__fail(c, "sample %lld has %s class where sample %lld of the same batch has %s", this,
                 h->target < 0 ? "no" : "a", first, h->target < 0 ? "one" : "none");
        return TD_ERROR;
    }
    int same = item->n_supp == s->n_supp;
    for (size_t i = 0; same && i < s->n_supp; i++)
        same = !strcmp(item->supp[i].name, s->supp[i].name) && same_desc(&item->supp[i].d, &s->supp[i].d);
    if (!same)
        td__fail(c, "the side values of samples %lld and %lld of one batch differ in name, type or shape", first, this);
    return same ? TD_OK : TD_ERROR;
}

int32_t td__stack_add(td_ctx *c, td__stack *s, const td_item *item)
{
    const td_item_view *v = &item->head.image;
    if (!v->values) {
        td__fail(c, v->pixels ? "sample %lld reaches the batch as 8-bit pixels: end its transform with ToTensor"
                              : "sample %lld has no image",
                 (long long)item->head.index);
        return TD_ERROR;
    }
    if (s->n ? check_form(c, s, item) : take_form(c, s, item))
        return TD_ERROR;
    size_t sample = (size_t)v->width * (size_t)v->height * (size_t)v->channels, at = (size_t)s->n++;
    memcpy(s->values + at * sample, v->values, sample * sizeof *v->values);
    s->targets[at] = item->head.target;
    s->indices[at] = item->head.index;
    for (size_t i = 0; i < s->n_supp; i++) {
        size_t bytes = side_bytes(&s->supp[i]);
        memcpy((char *)s->supp[i].data + at * bytes, item->supp[i].data, bytes);
    }
    return TD_OK;
}

static int32_t stack_sides(td_ctx *c, const td__stack *s, td__batch *out)
{
    const char **names = td__frame_alloc(c, s->n_supp * sizeof *names);
    td_tensor **tensors = td__frame_alloc(c, s->n_supp * sizeof *tensors);
    if (!names || !tensors)
        return TD_ERROR;
    for (size_t i = 0; i < s->n_supp; i++) {
        const struct td__side *side = &s->supp[i];
        td_desc d = {side->d.dtype, side->d.ndim + 1, {s->n}};
        memcpy(d.shape + 1, side->d.shape, side->d.ndim * sizeof d.shape[0]);
        size_t length = strlen(side->name) + 1;
        char *name = td__frame_alloc(c, length);
        if (!name)
            return TD_ERROR;
        names[i] = memcpy(name, side->name, length);
        tensors[i] = td__tensor_from(c, &d, side->data);
    }
    out->n_supp = s->n_supp;
    out->supp_names = names;
    out->supp = tensors;
    return TD_OK;
}

int32_t td__stack_tensors(td_ctx *c, const td__stack *s, td__batch *out)
{
    td_desc input = {TD_FLOAT32, 4, {s->n, s->channels, s->height, s->width}}, per_sample = {TD_INT64, 1, {s->n}};
    size_t bytes = (size_t)td_desc_numel(&input) * sizeof(float);
    memset(out, 0, sizeof *out);
    out->size = s->n;
    out->input = td__tensor_new(c, &input);
    if (!c->error && out->input->storage->backend->copy_in(out->input->storage->data, s->values, bytes))
        td__fail(c, "a batch of %zu bytes cannot be copied to the backend %s%s", bytes,
                 out->input->storage->backend->type.key, td__backend_error(out->input->storage->backend));
    out->target = s->targets[0] < 0 ? NULL : td__tensor_from(c, &per_sample, s->targets);
    out->index = td__tensor_from(c, &per_sample, s->indices);
    if (s->n_supp && !c->error)
        stack_sides(c, s, out);
    return c->error ? TD_ERROR : TD_OK;
}

/* State dicts out of PyTorch's unpickled files: which dict, and tensors from storages. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "host/io/readers.h"
#include "host/tensor/tensor.h"

static uint32_t storage_dtype(const td__pickle *type)
{
    static const struct {
        const char *name;
        uint32_t dtype;
    } types[] = {{"torch.FloatStorage", TD_FLOAT32}, {"torch.DoubleStorage", TD_FLOAT64},
                 {"torch.HalfStorage", TD_FLOAT16},  {"torch.BFloat16Storage", TD_BFLOAT16},
                 {"torch.LongStorage", TD_INT64},    {"torch.IntStorage", TD_INT32},
                 {"torch.ByteStorage", TD_UINT8},    {"torch.BoolStorage", TD_BOOL}};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (td__pickle_is(type, types[i].name))
            return types[i].dtype;
    return UINT32_MAX;
}

int td__torch_ref_of(const td__pickle *persid, td__torch_ref *out, char *why, size_t why_size)
{
    const td__pickle *id = persid && persid->kind == TD__PK_PERSID ? persid->args : NULL;
    const td__pickle *type = td__pickle_at(id, 1), *view = td__pickle_at(id, 5);
    int64_t count, offset = 0;
    out->key = td__pickle_at(id, 2);
    if (!td__pickle_is(td__pickle_at(id, 0), "storage") || !out->key || out->key->kind != TD__PK_STR ||
        td__pickle_int(td__pickle_at(id, 4), 0, INT64_MAX / 16, &count)) {
        snprintf(why, why_size, "a storage is not described as PyTorch does");
        return -1;
    }
    out->dtype = storage_dtype(type);
    if (out->dtype == UINT32_MAX) {
        snprintf(why, why_size, "storages of type %.64s are not read",
                 type && type->kind == TD__PK_GLOBAL ? type->text : "?");
        return -1;
    }
    if (view && view->kind == TD__PK_TUPLE && td__pickle_int(td__pickle_at(view, 1), 0, INT64_MAX / 16, &offset)) {
        snprintf(why, why_size, "a view of a storage is not described as PyTorch does");
        return -1;
    }
    out->count = (uint64_t)count;
    out->offset = (uint64_t)offset;
    return 0;
}

struct loader {
    td__tensor_file *f;
    td__arena *arena;
    uint64_t limit;
    td__torch_storage_fn storage;
    void *user;
    char *why;
    size_t why_size;
};

/* A call of torch._utils' functions that make tensors; parameters are tensors with a coat. */
static const td__pickle *tensor_call(const td__pickle *v)
{
    if (v && v->kind == TD__PK_CALL &&
        (td__pickle_is(v->callable, "torch._utils._rebuild_parameter") ||
         td__pickle_is(v->callable, "torch._utils._rebuild_parameter_with_state")))
        v = td__pickle_at(v->args, 0);
    return v && v->kind == TD__PK_CALL &&
                   (td__pickle_is(v->callable, "torch._utils._rebuild_tensor_v2") ||
                    td__pickle_is(v->callable, "torch._utils._rebuild_tensor"))
               ? v
               : NULL;
}

/* A tensor of a kind this reader does not make (quantized, sparse, ...). */
static int is_other_tensor(const td__pickle *v)
{
    static const char prefix[] = "torch._utils._rebuild_";
    return v && v->kind == TD__PK_CALL && v->callable->kind == TD__PK_GLOBAL &&
           !strncmp(v->callable->text, prefix, sizeof prefix - 1) && !tensor_call(v);
}

/* Shape and strides; *last is the largest element index, relative to the storage's start. */
static int read_geometry(struct loader *l, const td__pickle *args, td_desc *d, int64_t strides[TD_MAX_DIMS],
                         uint64_t *first, uint64_t *last)
{
    const td__pickle *shape = td__pickle_at(args, 2), *stride = td__pickle_at(args, 3);
    int64_t offset;
    uint64_t bytes;
    if (!shape || !stride || shape->n != stride->n ||
        td__pickle_int(td__pickle_at(args, 1), 0, INT64_MAX / 16, &offset)) {
        snprintf(l->why, l->why_size, "is not described as PyTorch does");
        return -1;
    }
    if (shape->n > TD_MAX_DIMS) {
        snprintf(l->why, l->why_size, "has %zu dimensions; at most %d are read", shape->n, TD_MAX_DIMS);
        return -1;
    }
    d->ndim = (uint32_t)shape->n;
    *first = *last = (uint64_t)offset;
    int bad = 0, is_empty = 0;
    for (uint32_t i = 0; i < d->ndim; i++) {
        uint64_t reach = 0;
        if (td__pickle_int(td__pickle_at(shape, i), 0, INT64_MAX / 16, &d->shape[i]) ||
            td__pickle_int(td__pickle_at(stride, i), 0, INT64_MAX / 16, &strides[i])) {
            bad = 1;
            break;
        }
        is_empty |= !d->shape[i];
        bad |= d->shape[i] && __builtin_mul_overflow((uint64_t)d->shape[i] - 1, (uint64_t)strides[i], &reach);
        bad |= __builtin_add_overflow(*last, reach, last);
    }
    if (bad || td__named_bytes(d, &bytes) || bytes > l->limit) {
        snprintf(l->why, l->why_size, "has a shape or strides that cannot be");
        return -1;
    }
    return is_empty;
}

static int is_row_major(const td_desc *d, const int64_t strides[TD_MAX_DIMS])
{
    int64_t expected = 1;
    for (uint32_t i = d->ndim; i-- > 0; expected *= d->shape[i])
        if (d->shape[i] != 1 && strides[i] != expected)
            return 0;
    return 1;
}

/* Row-major elements from a strided view; the shape has no zero. */
static void gather(const td_desc *d, const int64_t strides[TD_MAX_DIMS], const uint8_t *from, uint8_t *to)
{
    int64_t index[TD_MAX_DIMS] = {0}, at = 0;
    size_t size = td__dtype_size(d->dtype);
    for (uint32_t i = 0; i < UINT32_MAX;) {
        memcpy(to, from + (size_t)at * size, size);
        to += size;
        for (i = d->ndim; i-- > 0;) { /* i becomes UINT32_MAX when every dimension has wrapped around */
            at += strides[i];
            if (++index[i] < d->shape[i])
                break;
            at -= index[i] * strides[i];
            index[i] = 0;
        }
    }
}

static const void *tensor_data(struct loader *l, const td__pickle *args, td_desc *d)
{
    int64_t strides[TD_MAX_DIMS];
    uint64_t first, last, count, bytes;
    td__torch_ref ref;
    const uint8_t *data;
    if (td__torch_ref_of(td__pickle_at(args, 0), &ref, l->why, l->why_size))
        return NULL;
    d->dtype = ref.dtype;
    int is_empty = read_geometry(l, args, d, strides, &first, &last);
    if (is_empty < 0)
        return NULL;
    if (is_empty)
        return td__arena_alloc(l->arena, 1);
    if (l->storage(l->user, &ref, &data, &count, l->why, l->why_size))
        return NULL;
    if (last >= count || ref.offset > count - 1 - last) {
        snprintf(l->why, l->why_size, "reaches element %" PRIu64 " of a storage of %" PRIu64, last + ref.offset, count);
        return NULL;
    }
    data += (first + ref.offset) * td__dtype_size(d->dtype);
    td__named_bytes(d, &bytes);
    if (is_row_major(d, strides))
        return td__aligned(l->arena, data, bytes);
    uint8_t *ordered = td__arena_alloc(l->arena, (size_t)bytes);
    if (ordered)
        gather(d, strides, data, ordered);
    return ordered;
}

static int add_tensor(struct loader *l, const td__pickle *key, const td__pickle *value)
{
    td__named *t = &l->f->v[l->f->n];
    const td__pickle *call = tensor_call(value);
    char text[256] = "is more than memory holds";
    struct loader inner = *l;
    if (key->kind != TD__PK_STR || (!call && !is_other_tensor(value)))
        return 0; /* an epoch, an optimiser's options */
    inner.why = text;
    inner.why_size = sizeof text;
    t->name = td__arena_dup(l->arena, key->text, key->size);
    if (!call)
        snprintf(text, sizeof text, "is made by %.100s, which is not read", value->callable->text);
    t->data = call && t->name ? tensor_data(&inner, call->args, &t->d) : NULL;
    if (!t->data) {
        snprintf(l->why, l->why_size, "tensor '%s': %s", t->name ? t->name : "", text);
        return -1;
    }
    l->f->n++;
    return 0;
}

/* The state dict of a checkpoint is one of its values. */
static const td__pickle *state_dict(const td__pickle *root)
{
    static const char *const keys[] = {"state_dict", "model_state_dict", "model"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const td__pickle *inner = td__pickle_get(root, keys[i]);
        if (inner && inner->kind == TD__PK_DICT)
            return inner;
    }
    return root;
}

int td__torch_tensors(td__tensor_file *f, td__arena *a, const td__pickle *root, uint64_t limit,
                      td__torch_storage_fn storage, void *user, char *why, size_t why_size)
{
    struct loader l = {f, a, limit, storage, user, why, why_size};
    const td__pickle *dict = state_dict(root);
    if (dict->kind != TD__PK_DICT) {
        const td__pickle *class = dict->kind == TD__PK_CALL ? dict->callable : dict;
        snprintf(why, why_size, "holds no state dict but %.100s",
                 class->kind == TD__PK_GLOBAL ? class->text : "another value");
        return -1;
    }
    f->v = td__arena_alloc(a, (dict->n / 2 + 1) * sizeof *f->v);
    for (size_t i = 0; f->v && i < dict->n / 2; i++)
        if (add_tensor(&l, dict->items[2 * i], dict->items[2 * i + 1]))
            return -1;
    if (f->n)
        return 0;
    snprintf(why, why_size, "holds no tensors");
    return -1;
}

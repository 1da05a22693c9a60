#include "host/tensor/tensor.h"

#include <string.h>

#include "host/autograd/tape.h"
#include "host/autograd/together.h"
#include "host/backend/backend.h"
#include "host/backend/trace.h"
#include "host/tensor/fill.h"
#include "host/tensor/storage.h"

static td__slab tensors = TD__SLAB(td_tensor);
static td_tensor empty = {.refs = 1};

td_tensor *td__empty(void) { return &empty; }

td_view td__view(const td_tensor *t)
{
    td_view v = {t->d, t->storage ? t->storage->data : NULL};
    return v;
}

/* Bytes of a tensor; 0 or -1 with a failure recorded. */
static int bytes_of(td_ctx *c, const td_desc *d, size_t *bytes)
{
    char text[160];
    size_t n = td__dtype_size(d->dtype);
    int bad = !n || d->ndim > TD_MAX_DIMS;
    for (uint32_t i = 0; !bad && i < d->ndim; i++)
        bad = d->shape[i] < 0 || __builtin_mul_overflow(n, (size_t)d->shape[i], &n);
    if (bad || n > SIZE_MAX / 4) {
        td_desc shown = *d;
        if (shown.ndim > TD_MAX_DIMS)
            shown.ndim = TD_MAX_DIMS;
        td__fail(c, "no tensor can be %s %s (%u dimensions)", td__dtype_name(d->dtype),
                 td__shape_text(&shown, text, sizeof text), d->ndim);
        return -1;
    }
    *bytes = n;
    return 0;
}

static td_tensor *with_storage(td_ctx *c, const td_desc *d, td__storage *s)
{
    td_tensor *t = s ? td__slab_take(&tensors) : NULL;
    if (!t) {
        char text[160];
        td__storage_release(s);
        td__fail_memory(c, (size_t)td_desc_numel(d) * td__dtype_size(d->dtype), "a tensor %s %s",
                        td__dtype_name(d->dtype), td__shape_text(d, text, sizeof text));
        return &empty;
    }
    t->d = *d;
    for (uint32_t i = d->ndim; i < TD_MAX_DIMS; i++)
        t->d.shape[i] = 0;
    t->refs = 1;
    t->storage = s;
    return t;
}

static td_tensor *framed(td_ctx *c, td_tensor *t) { return t == &empty || td__frame_own(c, t) ? &empty : t; }

td_tensor *td__tensor_own(td_ctx *c, const td_desc *d)
{
    size_t bytes;
    if (c->error || bytes_of(c, d, &bytes))
        return &empty;
    if (!c->backend) {
        td__fail(c, "a tensor was made where there is no backend");
        return &empty;
    }
    return with_storage(c, d, td__storage_new(c->backend, bytes));
}

td_tensor *td__tensor_new(td_ctx *c, const td_desc *d) { return framed(c, td__tensor_own(c, d)); }

td_tensor *td__tensor_alias(td_ctx *c, td_tensor *t, const td_desc *d)
{
    if (c->error || !t->storage)
        return &empty;
    return framed(c, with_storage(c, d, td__storage_retain(t->storage)));
}

td_tensor *td__detach(td_ctx *c, td_tensor *t) { return td__tensor_alias(c, t, &t->d); }

td_tensor *td__retain(td_tensor *t)
{
    if (t && t != &empty)
        __atomic_fetch_add(&t->refs, 1, __ATOMIC_RELAXED);
    return t;
}

void td__release(td_tensor *t)
{
    if (!t || t == &empty || __atomic_sub_fetch(&t->refs, 1, __ATOMIC_ACQ_REL))
        return;
    if (t->node)
        td__tape_forget(t);
    td__release(t->grad);
    td__storage_release(t->storage);
    td__slab_give(&tensors, t);
}

td_tensor *td__tensor_from(td_ctx *c, const td_desc *d, const void *row_major)
{
    td_tensor *t = td__tensor_new(c, d);
    return td__tensor_write(c, t, d->dtype, row_major) ? &empty : t;
}

/* Host memory for a tensor's elements on their way in or out. */
static td__storage *staging(td_ctx *c, size_t bytes)
{
    td__storage *s = td__storage_new(&td__reference_backend, bytes);
    if (!s)
        td__fail(c, "out of memory: %zu bytes to copy a tensor", bytes);
    return s;
}

int32_t td__tensor_write(td_ctx *c, td_tensor *t, uint32_t dtype, const void *row_major)
{
    td__fills_catch_up(c);
    td__together_meet(c, t, 1);
    if (c->error || !t->storage)
        return TD_ERROR;
    const td_backend_type *b = t->storage->backend;
    int64_t n = td_numel(t);
    size_t bytes = (size_t)n * td__dtype_size(t->d.dtype);
    t->storage->version++;
    td__trace_write(c, &t->d, row_major, (size_t)n * td__dtype_size(dtype));
    td__storage *ordered = NULL, *converted = NULL;
    const void *from = row_major;
    if (dtype != t->d.dtype && row_major) {
        converted = staging(c, bytes);
        if (converted) {
            td__convert(converted->data, t->d.dtype, row_major, dtype, n);
            from = converted->data;
        }
    }
    if (!c->error && (!row_major || !td__row_major(&t->d))) {
        ordered = staging(c, bytes);
        if (ordered && row_major)
            td__from_row_major(&t->d, ordered->data, from);
        else if (ordered)
            memset(ordered->data, 0, bytes);
        from = ordered ? ordered->data : NULL;
    }
    if (!c->error && b->copy_in(t->storage->data, from, bytes))
        td__fail(c, "the %s backend could not take %zu bytes%s", b->type.key, bytes, td__backend_error(b));
    td__storage_release(converted);
    td__storage_release(ordered);
    return c->error ? TD_ERROR : TD_OK;
}

int32_t td__tensor_read(td_ctx *c, const td_tensor *t, uint32_t dtype, void *row_major, int64_t count)
{
    td__fills_catch_up(c);
    td__together_meet(c, t, 0);
    if (c->error || !t->storage)
        return TD_ERROR;
    const td_backend_type *b = t->storage->backend;
    int64_t n = td_numel(t);
    size_t bytes = (size_t)n * td__dtype_size(t->d.dtype);
    char text[160];
    if (n != count || !td__dtype_size(dtype)) {
        td__fail(c, "%lld elements of %s read from a tensor %s", (long long)count, td__dtype_name(dtype),
                 td__shape_text(&t->d, text, sizeof text));
        return TD_ERROR;
    }
    if (td__trace_read(c))
        return TD_ERROR;
    int direct = dtype == t->d.dtype && td__row_major(&t->d);
    td__storage *raw = direct ? NULL : staging(c, bytes), *ordered = td__row_major(&t->d) ? NULL : staging(c, bytes);
    if (!c->error && b->copy_out(raw ? raw->data : row_major, t->storage->data, bytes))
        td__fail(c, "the %s backend could not give %zu bytes%s", b->type.key, bytes, td__backend_error(b));
    if (!c->error && ordered)
        td__to_row_major(&t->d, ordered->data, raw->data);
    if (!c->error && raw)
        td__convert(row_major, dtype, ordered ? ordered->data : raw->data, t->d.dtype, n);
    td__storage_release(raw);
    td__storage_release(ordered);
    return c->error ? TD_ERROR : TD_OK;
}

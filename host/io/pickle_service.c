#include "host/io/pickle_service.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/ctx.h"
#include "host/base/file.h"
#include "host/io/pickle.h"
#include "host/tensor/tensor.h"

struct td_pickle_file {
    td__arena *arena;
    void *bytes;
    td__pickle *root;
};

static const td__pickle *inner(const td_pickle_value *v) { return (const td__pickle *)(const void *)v; }
static const td_pickle_value *outer(const td__pickle *v) { return (const td_pickle_value *)(const void *)v; }

static void service_close(td_pickle_file *f)
{
    if (!f)
        return;
    td__arena_free(f->arena);
    free(f->bytes);
    free(f);
}

static td_pickle_file *service_open(td_ctx *c, const char *path)
{
    char why[256] = "";
    size_t size = 0;
    td_pickle_file *f = c->error ? NULL : calloc(1, sizeof *f);
    if (f)
        f->arena = td__arena_new();
    if (!f || !f->arena) {
        td__fail(c, "%s: out of memory", path);
        service_close(f);
        return NULL;
    }
    f->bytes = td__file_read(path, &size);
    if (!f->bytes)
        td__fail(c, "%s: %s", path, strerror(errno));
    else if (!(f->root = td__pickle_load(f->arena, f->bytes, size, NULL, why, sizeof why)))
        td__fail(c, "%s: %s", path, why);
    if (f->root)
        return f;
    service_close(f);
    return NULL;
}

static const td_pickle_value *service_root(const td_pickle_file *f) { return outer(f->root); }
static const td_pickle_value *service_get(const td_pickle_value *v, const char *key)
{
    return outer(td__pickle_get(inner(v), key));
}

static int64_t service_length(const td_pickle_value *value)
{
    const td__pickle *v = inner(value);
    return v && (v->kind == TD__PK_LIST || v->kind == TD__PK_TUPLE) ? (int64_t)v->n : -1;
}

static const td_pickle_value *service_at(const td_pickle_value *v, int64_t i)
{
    return i < 0 ? NULL : outer(td__pickle_at(inner(v), (size_t)i));
}

static int32_t service_integer(const td_pickle_value *v, int64_t *out)
{
    return td__pickle_int(inner(v), INT64_MIN, INT64_MAX, out);
}

static int is_text(const td__pickle *v) { return v && (v->kind == TD__PK_STR || v->kind == TD__PK_BYTES); }

static int32_t service_text(const td_pickle_value *value, const char **out, int64_t *size)
{
    const td__pickle *v = inner(value);
    if (!is_text(v))
        return -1;
    *out = v->text;
    *size = (int64_t)v->size;
    return 0;
}

/* Whether v calls a function of numpy with this last name; the modules moved between versions. */
static int calls(const td__pickle *v, const char *name)
{
    if (!v || v->kind != TD__PK_CALL || !v->callable || v->callable->kind != TD__PK_GLOBAL)
        return 0;
    const char *dot = strrchr(v->callable->text, '.');
    return dot && !strncmp(v->callable->text, "numpy.", 6) && !strcmp(dot + 1, name);
}

/* numpy.dtype('u1', ...) with its byte order in the state; -1 where it is none of those the service knows. */
static int64_t dtype_of(const td__pickle *v)
{
    static const struct { const char *name; uint32_t dtype; } known[] = {
        {"u1", TD_UINT8}, {"i4", TD_INT32}, {"i8", TD_INT64}, {"f4", TD_FLOAT32}, {"f8", TD_FLOAT64}};
    if (!calls(v, "dtype") || td__pickle_is(td__pickle_at(v->state, 1), ">"))
        return -1;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (td__pickle_is(td__pickle_at(v->args, 0), known[i].name))
            return known[i].dtype;
    return -1;
}

static int32_t service_array(const td_pickle_value *value, td_desc *d, const void **data)
{
    const td__pickle *v = inner(value), *shape, *type, *bytes, *fortran = NULL;
    if (calls(v, "_reconstruct")) { /* state: version, shape, dtype, whether column-major, bytes */
        shape = td__pickle_at(v->state, 1);
        type = td__pickle_at(v->state, 2);
        fortran = td__pickle_at(v->state, 3);
        bytes = td__pickle_at(v->state, 4);
    } else if (calls(v, "_frombuffer")) { /* bytes, dtype, shape, order */
        bytes = td__pickle_at(v->args, 0);
        type = td__pickle_at(v->args, 1);
        shape = td__pickle_at(v->args, 2);
        if (!td__pickle_is(td__pickle_at(v->args, 3), "C"))
            return -1;
    } else {
        return -1;
    }
    int64_t dtype = dtype_of(type);
    if (dtype < 0 || !is_text(bytes) || !shape || shape->kind != TD__PK_TUPLE || shape->n > TD_MAX_DIMS ||
        (fortran && fortran->i))
        return -1;
    uint64_t count = bytes->size / td__dtype_size((uint32_t)dtype);
    *d = (td_desc){(uint32_t)dtype, (uint32_t)shape->n, {0}};
    for (uint32_t i = 0; i < d->ndim; i++)
        if (td__pickle_int(td__pickle_at(shape, i), 0, (int64_t)count, &d->shape[i]))
            return -1;
    uint64_t numel = 1;
    for (uint32_t i = 0; i < d->ndim; i++) {
        numel *= (uint64_t)d->shape[i]; /* no overflow: both factors are at most count, which is the size of a file */
        if (numel > count)
            return -1;
    }
    *data = bytes->text;
    return numel * td__dtype_size((uint32_t)dtype) == bytes->size ? 0 : -1;
}

const td_pickle_api td__pickle_service = {
    .size = sizeof(td_pickle_api),
    .open = service_open,
    .close = service_close,
    .root = service_root,
    .get = service_get,
    .length = service_length,
    .at = service_at,
    .integer = service_integer,
    .text = service_text,
    .array = service_array,
};

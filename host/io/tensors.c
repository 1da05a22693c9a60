#include "host/io/tensors.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/file.h"
#include "host/io/readers.h"
#include "host/tensor/tensor.h"

struct owner {
    td__arena *arena;
    uint8_t *bytes;
};

int td__named_bytes(const td_desc *d, uint64_t *bytes)
{
    uint64_t n = td__dtype_size(d->dtype);
    int over = 0;
    for (uint32_t i = 0; i < d->ndim; i++)
        over |= d->shape[i] < 0 || __builtin_mul_overflow(n, (uint64_t)d->shape[i], &n);
    *bytes = n;
    return over || n >> 62 ? -1 : 0;
}

const void *td__aligned(td__arena *a, const uint8_t *at, uint64_t bytes)
{
    if ((uintptr_t)at % sizeof(double) == 0)
        return at;
    void *copy = td__arena_alloc(a, (size_t)bytes);
    return copy ? memcpy(copy, at, (size_t)bytes) : NULL;
}

static int read_by_content(td__tensor_file *f, td__arena *a, const uint8_t *bytes, size_t size, char *why,
                           size_t why_size)
{
    if (size >= 4 && !memcmp(bytes, "PK\3\4", 4))
        return td__torch_zip_read(f, a, bytes, size, why, why_size);
    if (size >= TD__TORCH_MAGIC_SIZE && !memcmp(bytes, TD__TORCH_MAGIC, TD__TORCH_MAGIC_SIZE))
        return td__torch_legacy_read(f, a, bytes, size, why, why_size);
    if (size >= 9 && bytes[8] == '{')
        return td__safetensors_read(f, a, bytes, size, why, why_size);
    snprintf(why, why_size, "neither safetensors nor a file of torch.save");
    return -1;
}

int td__tensors_open(td__tensor_file *f, const char *path, char *why, size_t why_size)
{
    char text[512] = "out of memory";
    size_t size = 0;
    struct owner *o = calloc(1, sizeof *o);
    memset(f, 0, sizeof *f);
    f->owner = o;
    if (o && (o->arena = td__arena_new()) && (f->path = td__arena_dup(o->arena, path, strlen(path)))) {
        o->bytes = td__file_read(path, &size);
        if (!o->bytes)
            snprintf(text, sizeof text, "%s", strerror(errno));
        else if (!read_by_content(f, o->arena, o->bytes, size, text, sizeof text))
            return 0;
    }
    snprintf(why, why_size, "%s: %s", path, text);
    td__tensors_close(f);
    return -1;
}

void td__tensors_close(td__tensor_file *f)
{
    struct owner *o = f->owner;
    if (o) {
        td__arena_free(o->arena);
        free(o->bytes);
        free(o);
    }
    memset(f, 0, sizeof *f);
}

const td__named *td__tensors_find(const td__tensor_file *f, const char *name)
{
    for (size_t i = 0; i < f->n; i++)
        if (!strcmp(f->v[i].name, name))
            return &f->v[i];
    return NULL;
}

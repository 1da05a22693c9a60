/* safetensors: 8 bytes of header size, a JSON header of names, dtypes, shapes and offsets, the data.
 * https://github.com/huggingface/safetensors#format */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/file.h"
#include "host/io/readers.h"
#include "host/tensor/tensor.h"

#define LARGEST_HEADER 100000000u /* as the reference implementation */

static const char *const dtype_names[] = {
    [TD_FLOAT32] = "F32", [TD_FLOAT64] = "F64", [TD_BFLOAT16] = "BF16", [TD_FLOAT16] = "F16",
    [TD_INT64] = "I64",   [TD_INT32] = "I32",   [TD_UINT8] = "U8",      [TD_BOOL] = "BOOL"};
#define N_DTYPES ((uint32_t)(sizeof dtype_names / sizeof *dtype_names))

/* Where a tensor's data lies; `named` are in the header's order, these in the data's. */
struct extent {
    uint64_t begin, end;
    const char *name;
};

struct reader {
    td__tensor_file *f;
    td__arena *arena;
    const uint8_t *data; /* after the header */
    uint64_t data_at, data_size;
    struct extent *extents;
    char *why;
    size_t why_size;
};

static int fail(struct reader *r, const char *name, const char *what)
{
    snprintf(r->why, r->why_size, "tensor '%s' %s", name, what);
    return -1;
}

/* A whole number that is not negative. */
static int whole(const json_t *v, uint64_t *out)
{
    if (!json_is_integer(v) || json_integer_value(v) < 0)
        return -1;
    *out = (uint64_t)json_integer_value(v);
    return 0;
}

static int read_desc(struct reader *r, const char *name, const json_t *entry, td_desc *d)
{
    const char *dtype = json_string_value(json_object_get(entry, "dtype"));
    const json_t *shape = json_object_get(entry, "shape");
    uint64_t length;
    if (!dtype || !json_is_array(shape))
        return fail(r, name, "has no dtype and shape");
    for (d->dtype = 0; d->dtype < N_DTYPES && strcmp(dtype, dtype_names[d->dtype]); d->dtype++)
        ;
    if (d->dtype == N_DTYPES) {
        snprintf(r->why, r->why_size, "tensor '%s' has dtype %.16s, which is not read", name, dtype);
        return -1;
    }
    d->ndim = (uint32_t)json_array_size(shape);
    if (json_array_size(shape) > TD_MAX_DIMS)
        return fail(r, name, "has too many dimensions");
    for (uint32_t i = 0; i < d->ndim; i++) {
        if (whole(json_array_get(shape, i), &length))
            return fail(r, name, "has a length that is no whole number");
        d->shape[i] = (int64_t)length;
    }
    return 0;
}

static int read_tensor(struct reader *r, const char *key, const json_t *entry)
{
    td__named *t = &r->f->v[r->f->n];
    struct extent *e = &r->extents[r->f->n];
    const json_t *offsets = json_object_get(entry, "data_offsets");
    uint64_t bytes;
    if (read_desc(r, key, entry, &t->d))
        return -1;
    if (json_array_size(offsets) != 2 || whole(json_array_get(offsets, 0), &e->begin) ||
        whole(json_array_get(offsets, 1), &e->end))
        return fail(r, key, "has no two data_offsets");
    if (td__named_bytes(&t->d, &bytes) || e->end < e->begin || e->end - e->begin != bytes)
        return fail(r, key, "has data_offsets that do not fit its dtype and shape");
    if (e->end > r->data_size) {
        snprintf(r->why, r->why_size,
                 "cut short: tensor '%s' needs bytes %" PRIu64 "..%" PRIu64 ", the file has %" PRIu64, key,
                 r->data_at + e->begin, r->data_at + e->end, r->data_at + r->data_size);
        return -1;
    }
    t->name = e->name = td__arena_dup(r->arena, key, strlen(key));
    t->data = td__aligned(r->arena, r->data + e->begin, bytes);
    r->f->n++;
    return t->name && t->data ? 0 : fail(r, key, "is more than memory holds");
}

static int read_metadata(struct reader *r, const json_t *metadata)
{
    const char *key, **keys = td__arena_alloc(r->arena, (json_object_size(metadata) + 1) * sizeof *keys);
    const char **values = td__arena_alloc(r->arena, (json_object_size(metadata) + 1) * sizeof *values);
    json_t *value;
    int bad = !json_is_object(metadata) || !keys || !values;
    r->f->meta_keys = keys;
    r->f->meta_values = values;
    json_object_foreach((json_t *)(uintptr_t)metadata, key, value)
    {
        if (bad || !json_is_string(value)) {
            bad = 1;
            break;
        }
        keys[r->f->n_meta] = td__arena_dup(r->arena, key, strlen(key));
        values[r->f->n_meta] = td__arena_dup(r->arena, json_string_value(value), json_string_length(value));
        bad = !keys[r->f->n_meta] || !values[r->f->n_meta];
        r->f->n_meta++;
    }
    if (bad)
        snprintf(r->why, r->why_size, "__metadata__ is no object of strings");
    return bad ? -1 : 0;
}

static int by_begin(const void *a, const void *b)
{
    const struct extent *x = a, *y = b;
    return x->begin != y->begin ? (x->begin > y->begin) - (x->begin < y->begin) : (x->end > y->end) - (x->end < y->end);
}

/* The data must be covered once and without holes, so that nothing can hide in a file. */
static int check_cover(struct reader *r)
{
    uint64_t at = 0;
    qsort(r->extents, r->f->n, sizeof *r->extents, by_begin);
    for (size_t i = 0; i < r->f->n; at = r->extents[i++].end)
        if (r->extents[i].begin != at)
            return fail(r, r->extents[i].name,
                        r->extents[i].begin < at ? "overlaps another" : "has unused bytes before it");
    if (at != r->data_size) {
        snprintf(r->why, r->why_size, "%" PRIu64 " bytes at the end belong to no tensor", r->data_size - at);
        return -1;
    }
    return 0;
}

static int read_header(struct reader *r, const json_t *header)
{
    const char *key;
    json_t *entry;
    size_t n = json_object_size(header);
    r->f->v = td__arena_alloc(r->arena, (n + 1) * sizeof *r->f->v);
    r->extents = td__arena_alloc(r->arena, (n + 1) * sizeof *r->extents);
    if (!r->f->v || !r->extents) {
        snprintf(r->why, r->why_size, "out of memory");
        return -1;
    }
    json_object_foreach((json_t *)(uintptr_t)header, key, entry) if (strcmp(key, "__metadata__")
                                                                         ? read_tensor(r, key, entry)
                                                                         : read_metadata(r, entry)) return -1;
    return check_cover(r);
}

int td__safetensors_read(td__tensor_file *f, td__arena *a, const uint8_t *bytes, size_t size, char *why,
                         size_t why_size)
{
    uint64_t header_size = 0;
    json_error_t error;
    for (int i = 0; i < 8; i++)
        header_size |= (uint64_t)bytes[i] << 8 * i;
    if (header_size > LARGEST_HEADER || header_size > size - 8) {
        snprintf(why, why_size, "cut short: a header of %" PRIu64 " bytes in a file of %zu", header_size, size);
        return -1;
    }
    json_t *header = json_loadb((const char *)bytes + 8, (size_t)header_size, JSON_REJECT_DUPLICATES, &error);
    if (!json_is_object(header)) {
        snprintf(why, why_size, "broken header: %s", header ? "no object" : error.text);
        json_decref(header);
        return -1;
    }
    struct reader r = {f, a, bytes + 8 + header_size, 8 + header_size, size - 8 - header_size, NULL, why, why_size};
    int rc = read_header(&r, header);
    json_decref(header);
    return rc;
}

/* ---- writing ---- */

struct place {
    const td__named *t;
    uint64_t begin, bytes;
    size_t order;
};

/* Larger element types first, so that all data is aligned; otherwise as given. */
static int by_element_size(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    size_t n = td__dtype_size(x->t->d.dtype), m = td__dtype_size(y->t->d.dtype);
    return n != m ? (n < m) - (n > m) : (x->order > y->order) - (x->order < y->order);
}

static int by_order(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    return (x->order > y->order) - (x->order < y->order);
}

static json_t *entry_of(const struct place *p)
{
    json_t *shape = json_array();
    for (uint32_t i = 0; i < p->t->d.ndim; i++)
        json_array_append_new(shape, json_integer(p->t->d.shape[i]));
    return json_pack("{s:s, s:o, s:[I, I]}", "dtype", dtype_names[p->t->d.dtype], "shape", shape, "data_offsets",
                     (json_int_t)p->begin, (json_int_t)(p->begin + p->bytes));
}

/* The header's text, padded so that the data starts at a multiple of 8.  NULL: a name is no UTF-8, comes twice, or
 * memory is out. */
static char *header_text(const struct place *places, size_t n, const char *const *meta_keys,
                         const char *const *meta_values, size_t n_meta, size_t *size)
{
    json_t *header = json_object(), *metadata = n_meta ? json_object() : NULL;
    char *text = NULL;
    int bad = 0;
    for (size_t i = 0; i < n_meta; i++)
        bad |= json_object_set_new(metadata, meta_keys[i], json_string(meta_values[i]));
    if (metadata)
        bad |= json_object_set_new(header, "__metadata__", metadata);
    for (size_t i = 0; i < n; i++)
        bad |= json_object_get(header, places[i].t->name) ||
               json_object_set_new(header, places[i].t->name, entry_of(&places[i]));
    size_t length = bad ? 0 : json_dumpb(header, NULL, 0, JSON_COMPACT), padded = (length + 7) / 8 * 8;
    if (length && (text = malloc(padded))) {
        memset(text + length, ' ', padded - length);
        json_dumpb(header, text, length, JSON_COMPACT);
        *size = padded;
    }
    json_decref(header);
    return text;
}

static void lay_out(struct place *places, const td__named *v, size_t n)
{
    uint64_t at = 0;
    for (size_t i = 0; i < n; i++) {
        places[i] = (struct place){&v[i], 0, 0, i};
        td__named_bytes(&v[i].d, &places[i].bytes);
    }
    qsort(places, n, sizeof *places, by_element_size);
    for (size_t i = 0; i < n; at += places[i++].bytes)
        places[i].begin = at;
}

int td__safetensors_write(const char *path, const td__named *v, size_t n, const char *const *meta_keys,
                          const char *const *meta_values, size_t n_meta, char *why, size_t why_size)
{
    struct place *places = malloc((n + 1) * sizeof *places);
    td__replace file;
    size_t size = 0;
    char *header = NULL;
    if (places) {
        lay_out(places, v, n);
        qsort(places, n, sizeof *places, by_order);
        header = header_text(places, n, meta_keys, meta_values, n_meta, &size);
        qsort(places, n, sizeof *places, by_element_size);
    }
    if (!header) {
        snprintf(why, why_size, "%s: a name comes twice or is no UTF-8, or memory is out", path);
        free(places);
        return -1;
    }
    int rc = td__replace_begin(&file, path);
    if (!rc) {
        for (int i = 0; i < 8; i++)
            fputc((int)((uint64_t)size >> 8 * i & 0xff), file.out);
        fwrite(header, 1, size, file.out);
        for (size_t i = 0; i < n; i++)
            fwrite(places[i].t->data, 1, (size_t)places[i].bytes, file.out); /* commit sees the stream's error */
        rc = td__replace_commit(&file);
    }
    if (rc)
        snprintf(why, why_size, "%s: %s", path, strerror(errno));
    free(header);
    free(places);
    return rc;
}

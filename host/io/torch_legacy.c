/* torch.save before 1.6: five pickles (magic number, version, system, object, storage keys), then the storages in the
 * order of their keys, each a count of elements and the elements. */
#include <stdio.h>
#include <string.h>

#include "host/io/readers.h"
#include "host/tensor/tensor.h"

struct storage {
    td__torch_ref ref;
    const uint8_t *data;
    uint64_t count;
};

struct legacy {
    struct storage *v;
    size_t n;
};

static int same_key(const td__pickle *a, const td__pickle *b)
{
    return a->size == b->size && !memcmp(a->text, b->text, a->size);
}

static int find_storage(void *user, const td__torch_ref *ref, const uint8_t **data, uint64_t *count, char *why,
                        size_t why_size)
{
    const struct legacy *l = user;
    for (size_t i = 0; i < l->n; i++)
        if (same_key(l->v[i].ref.key, ref->key) && l->v[i].ref.dtype == ref->dtype) {
            *data = l->v[i].data;
            *count = l->v[i].count;
            return 0;
        }
    snprintf(why, why_size, "its storage '%.*s' is not in the file", (int)(ref->key->size < 64 ? ref->key->size : 64),
             ref->key->text);
    return -1;
}

/* Element type of the storage called `key`: only the references to it say that. */
static int ref_of_key(const td__pickle *persids, const td__pickle *key, size_t *hint, td__torch_ref *out, char *why,
                      size_t why_size)
{
    for (size_t k = 0; k < persids->n; k++) { /* keys come in nearly the order of their first reference */
        size_t i = (*hint + k) % persids->n;
        if (td__torch_ref_of(persids->items[i], out, why, why_size))
            return -1;
        if (same_key(out->key, key)) {
            *hint = i + 1;
            return 0;
        }
    }
    snprintf(why, why_size, "a storage is in the file that nothing refers to");
    return -1;
}

static int read_storages(struct legacy *l, const td__pickle *keys, const td__pickle *persids, const uint8_t *at,
                         size_t left, char *why, size_t why_size)
{
    size_t hint = 0;
    for (size_t i = 0; i < keys->n; i++) {
        struct storage *s = &l->v[l->n];
        const td__pickle *key = keys->items[i];
        if (key->kind != TD__PK_STR) {
            snprintf(why, why_size, "a storage has no name");
            return -1;
        }
        if (ref_of_key(persids, key, &hint, &s->ref, why, why_size))
            return -1;
        uint64_t element = td__dtype_size(s->ref.dtype);
        if (left >= 8)
            memcpy(&s->count, at, 8);
        if (left < 8 || s->count > (left - 8) / element) {
            snprintf(why, why_size, "cut short: storage %zu of %zu needs %llu elements, the file has %zu bytes left",
                     i + 1, keys->n, (unsigned long long)s->ref.count, left < 8 ? 0 : left - 8);
            return -1;
        }
        s->data = at + 8;
        at += 8 + s->count * element;
        left -= 8 + (size_t)(s->count * element);
        l->n++;
    }
    return 0;
}

int td__torch_legacy_read(td__tensor_file *f, td__arena *a, const uint8_t *bytes, size_t size, char *why,
                          size_t why_size)
{
    const td__pickle *pickles[5];
    td__pickle *persids[5];
    const uint8_t *at = bytes;
    size_t left = size;
    for (int i = 0; i < 5; i++) {
        size_t used;
        pickles[i] = td__pickle_load_persids(a, at, left, &used, &persids[i], why, why_size);
        if (!pickles[i])
            return -1;
        at += used;
        left -= used;
    }
    int64_t version;
    const td__pickle *little = td__pickle_get(pickles[2], "little_endian"), *keys = pickles[4];
    if (td__pickle_int(pickles[1], 1001, 1001, &version) || !little || !little->i || keys->kind != TD__PK_LIST) {
        snprintf(why, why_size, "not the little-endian version 1001 of torch.save");
        return -1;
    }
    struct legacy l = {td__arena_alloc(a, (keys->n + 1) * sizeof *l.v), 0};
    if (!l.v) {
        snprintf(why, why_size, "out of memory");
        return -1;
    }
    if (read_storages(&l, keys, persids[3], at, left, why, why_size))
        return -1;
    return td__torch_tensors(f, a, pickles[3], size, find_storage, &l, why, why_size);
}

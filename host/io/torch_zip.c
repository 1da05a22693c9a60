/* torch.save since 1.6: a zip archive of NAME/data.pkl, the storages NAME/data/KEY and NAME/byteorder, uncompressed. */
#include <stdio.h>
#include <string.h>
#include <zip.h>

#include "host/io/readers.h"
#include "host/tensor/tensor.h"

struct storage {
    const td__pickle *key;
    const uint8_t *data;
    size_t bytes;
    struct storage *next;
};

struct archive {
    zip_t *zip;
    td__arena *arena;
    const char *folder; /* NAME, folder_size characters */
    int folder_size;
    size_t size; /* of the file: no entry is larger */
    struct storage *read;
};

/* A whole entry; NULL with a message.  A missing one leaves *missing = 1 (where it is not NULL). */
static const uint8_t *read_entry(struct archive *z, const char *name, size_t *bytes, int *missing, char *why,
                                 size_t why_size)
{
    zip_stat_t st;
    if (zip_stat(z->zip, name, 0, &st)) {
        snprintf(why, why_size, "has no entry '%.100s'", name);
        if (missing)
            *missing = 1;
        return NULL;
    }
    /* torch.save stores; so no entry can unpack to more than the file. */
    if ((st.valid & (ZIP_STAT_SIZE | ZIP_STAT_COMP_METHOD)) != (ZIP_STAT_SIZE | ZIP_STAT_COMP_METHOD) ||
        st.comp_method != ZIP_CM_STORE || st.size > z->size) {
        snprintf(why, why_size, "entry '%.100s' is compressed or larger than the file", name);
        return NULL;
    }
    uint8_t *data = td__arena_alloc(z->arena, (size_t)st.size + 1);
    zip_file_t *file = data ? zip_fopen_index(z->zip, st.index, 0) : NULL;
    size_t n = 0;
    for (zip_int64_t got; file && n <= st.size; n += (size_t)got) { /* the read past the end checks the CRC */
        got = zip_fread(file, data + n, st.size + 1 - n);
        if (got <= 0) {
            n = got < 0 ? (size_t)st.size + 1 : n;
            break;
        }
    }
    if (!file || n != st.size) {
        const char *text = file   ? zip_error_strerror(zip_file_get_error(file))
                           : data ? zip_strerror(z->zip)
                                  : "out of memory";
        snprintf(why, why_size, "entry '%.100s': %s", name, text);
        data = NULL;
    }
    if (file)
        zip_fclose(file);
    *bytes = n;
    return data;
}

static int find_storage(void *user, const td__torch_ref *ref, const uint8_t **data, uint64_t *count, char *why,
                        size_t why_size)
{
    struct archive *z = user;
    struct storage *s = z->read;
    char name[512];
    while (s && (s->key->size != ref->key->size || memcmp(s->key->text, ref->key->text, s->key->size)))
        s = s->next;
    if (!s) {
        int n = snprintf(name, sizeof name, "%.*s/data/%.*s", z->folder_size, z->folder,
                         (int)(ref->key->size < 200 ? ref->key->size : 200), ref->key->text);
        s = n < (int)sizeof name ? td__arena_alloc(z->arena, sizeof *s) : NULL;
        if (!s) {
            snprintf(why, why_size, "its storage cannot be read");
            return -1;
        }
        s->key = ref->key;
        s->data = read_entry(z, name, &s->bytes, NULL, why, why_size);
        if (!s->data)
            return -1;
        s->next = z->read;
        z->read = s;
    }
    *data = s->data;
    *count = s->bytes / td__dtype_size(ref->dtype);
    return 0;
}

/* The folder all entries lie in, from the name of the pickle. */
static int find_folder(struct archive *z, char *why, size_t why_size)
{
    static const char pickle[] = "/data.pkl";
    size_t tail = sizeof pickle - 1;
    zip_int64_t n = zip_get_num_entries(z->zip, 0);
    for (zip_int64_t i = 0; i < n; i++) {
        const char *name = zip_get_name(z->zip, (zip_uint64_t)i, 0);
        size_t size = name ? strlen(name) : 0;
        if (size > tail && size < 256 && !strcmp(name + size - tail, pickle)) {
            z->folder = name;
            z->folder_size = (int)(size - tail);
            return 0;
        }
    }
    snprintf(why, why_size, "a zip archive that torch.save did not write (no data.pkl in it)");
    return -1;
}

static int read_archive(td__tensor_file *f, struct archive *z, char *why, size_t why_size)
{
    char name[512];
    size_t bytes;
    int missing = 0;
    if (find_folder(z, why, why_size))
        return -1;
    snprintf(name, sizeof name, "%.*s/byteorder", z->folder_size, z->folder);
    const uint8_t *order = read_entry(z, name, &bytes, &missing, why, why_size);
    if (!order && !missing) /* before 2.1 there was none, and all was little-endian */
        return -1;
    if (order && (bytes != 6 || memcmp(order, "little", 6))) {
        snprintf(why, why_size, "big-endian files are not read");
        return -1;
    }
    snprintf(name, sizeof name, "%.*s/data.pkl", z->folder_size, z->folder);
    const uint8_t *pickle = read_entry(z, name, &bytes, NULL, why, why_size);
    const td__pickle *root = pickle ? td__pickle_load(z->arena, pickle, bytes, NULL, why, why_size) : NULL;
    return root ? td__torch_tensors(f, z->arena, root, z->size, find_storage, z, why, why_size) : -1;
}

int td__torch_zip_read(td__tensor_file *f, td__arena *a, const uint8_t *bytes, size_t size, char *why, size_t why_size)
{
    zip_error_t error;
    zip_error_init(&error);
    zip_source_t *source = zip_source_buffer_create(bytes, size, 0, &error);
    struct archive z = {.arena = a, .size = size};
    z.zip = source ? zip_open_from_source(source, ZIP_RDONLY, &error) : NULL;
    int rc = -1;
    if (z.zip) {
        rc = read_archive(f, &z, why, why_size);
        zip_discard(z.zip);
    } else {
        snprintf(why, why_size, "broken zip archive: %s", zip_error_strerror(&error));
        zip_source_free(source);
    }
    zip_error_fini(&error);
    return rc;
}

/* MNIST and data sets in its format: 28x28 grey images in idx files, plain or gzip, where torchvision keeps them
 * (ROOT/MNIST/raw) or in ROOT itself. */
#include <td/td.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "plugins/datasets/published.h"

static const td_param mnist_table[] = PUBLISHED_TABLE("folder that holds NAME/raw/*-ubyte, or the files themselves");

struct mnist {
    uint8_t *pixels; /* [n][height][width] */
    uint8_t *classes;
    int64_t n;
    int32_t width, height;
    const char *const *names;
};

/* ROOT/NAME/raw/FILE or ROOT/FILE, each also with .gz: the first that is there, in the frame. */
static const char *find(td_ctx *c, const char *root, const char *name, const char *file)
{
    size_t size = strlen(root) + strlen(name) + strlen(file) + 16;
    char *path = td_alloc(c, size);
    for (int i = 0; path && i < 4; i++) {
        struct stat st;
        if (i < 2)
            snprintf(path, size, "%s/%s/raw/%s%s", root, name, file, i % 2 ? ".gz" : "");
        else
            snprintf(path, size, "%s/%s%s", root, file, i % 2 ? ".gz" : "");
        if (!stat(path, &st))
            return path;
    }
    td_fail(c, "there is no %s in '%s': neither %s/raw/%s nor %s is there, plain or as .gz.  Nothing is downloaded",
            name, root, name, file, file);
    return NULL;
}

static uint32_t big_endian(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* An idx file of bytes with `ndim` dimensions: its elements and its shape.  NULL: c fails with the file's name. */
static const uint8_t *read_idx(td_ctx *c, const char *path, uint32_t ndim, int64_t *shape)
{
    size_t size, head = 4 + 4 * (size_t)ndim;
    const uint8_t *p = path ? td_host->read_file(c, path, 1, &size) : NULL;
    if (!p)
        return NULL;
    if (size < head || p[0] || p[1] || p[2] != 8 || p[3] != ndim) {
        td_fail(c, "%s: not an idx file of bytes with %u dimensions", path, ndim);
        return NULL;
    }
    uint64_t n = 1, room = size - head;
    for (uint32_t i = 0; i < ndim; i++) {
        shape[i] = big_endian(p + 4 + 4 * i);
        n = shape[i] && n > room / (uint64_t)shape[i] ? room + 1 : n * (uint64_t)shape[i];
    }
    if (n == room)
        return p + head;
    td_fail(c, "%s: it has %zu bytes of data, which is not what its head says: the file is cut short or broken", path,
            (size_t)room);
    return NULL;
}

static int32_t open_named(td_ctx *c, const char *name, const char *const *names, const struct published_params *p,
                          struct mnist *d)
{
    int64_t shape[3], count;
    const char *images = find(c, p->root, name, p->train ? "train-images-idx3-ubyte" : "t10k-images-idx3-ubyte");
    const uint8_t *pixels = read_idx(c, images, 3, shape);
    const char *labels =
        pixels ? find(c, p->root, name, p->train ? "train-labels-idx1-ubyte" : "t10k-labels-idx1-ubyte") : NULL;
    const uint8_t *classes = read_idx(c, labels, 1, &count);
    if (!classes)
        return TD_ERROR;
    if (count != shape[0]) {
        td_fail(c, "%s: it has %lld classes for the %lld images of %s", labels, (long long)count, (long long)shape[0],
                images);
        return TD_ERROR;
    }
    for (int64_t i = 0; i < count; i++)
        if (classes[i] > 9) {
            td_fail(c, "%s: image %lld has class %d; %s has classes 0 to 9", labels, (long long)i, classes[i], name);
            return TD_ERROR;
        }
    size_t bytes = (size_t)(shape[0] * shape[1] * shape[2]);
    d->pixels = malloc(bytes ? bytes : 1);
    d->classes = malloc((size_t)count + 1);
    if (!d->pixels || !d->classes) {
        td_fail(c, "out of memory for %lld images", (long long)count);
        return TD_ERROR;
    }
    memcpy(d->pixels, pixels, bytes);
    memcpy(d->classes, classes, (size_t)count);
    d->n = count;
    d->height = (int32_t)shape[1];
    d->width = (int32_t)shape[2];
    d->names = names;
    return TD_OK;
}

static void mnist_close(void *data)
{
    struct mnist *d = data;
    free(d->pixels);
    free(d->classes);
}

static int64_t mnist_length(const void *data) { return ((const struct mnist *)data)->n; }
static int64_t mnist_target(const void *data, int64_t index) { return ((const struct mnist *)data)->classes[index]; }
static const char *mnist_class_name(const void *data, int64_t class)
{
    return ((const struct mnist *)data)->names[class];
}

static int64_t mnist_classes(const void *data)
{
    (void)data;
    return 10;
}

static int32_t mnist_get(td_ctx *c, const void *data, int64_t index, td_item *item)
{
    const struct mnist *d = data;
    (void)c;
    uint8_t *out = td_item_image(item, d->width, d->height, 1);
    if (!out)
        return TD_ERROR;
    size_t bytes = (size_t)d->width * (size_t)d->height;
    memcpy(out, d->pixels + (size_t)index * bytes, bytes);
    td_item_of(item)->target = d->classes[index];
    return TD_OK;
}

static const char *const digits[] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};
static const char *const clothes[] = {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
                                      "Sandal",      "Shirt",   "Sneaker",  "Bag",   "Ankle boot"};
static const char *const kuzushiji[] = {"o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"};

static int32_t open_mnist(td_ctx *c, const void *params, void *data)
{
    return open_named(c, "MNIST", digits, params, data);
}
static int32_t open_fashion(td_ctx *c, const void *params, void *data)
{
    return open_named(c, "FashionMNIST", clothes, params, data);
}
static int32_t open_kmnist(td_ctx *c, const void *params, void *data)
{
    return open_named(c, "KMNIST", kuzushiji, params, data);
}

#define MNIST_TYPE(name, open_, summary_) \
    {{.key = name, .aliases = "torchvision.datasets." name, .summary = summary_, .params = mnist_table, \
      .params_size = sizeof(struct published_params)}, \
     .data_size = sizeof(struct mnist), .open = open_, .close = mnist_close, .length = mnist_length, .get = mnist_get, \
     .target = mnist_target, .classes = mnist_classes, .class_name = mnist_class_name}

static const td_dataset_type mnist = MNIST_TYPE("MNIST", open_mnist, "70,000 handwritten digits of 28x28 pixels");
static const td_dataset_type fashion =
    MNIST_TYPE("FashionMNIST", open_fashion, "70,000 pieces of clothing of 28x28 pixels");
static const td_dataset_type kmnist =
    MNIST_TYPE("KMNIST", open_kmnist, "70,000 cursive Japanese characters of 28x28 pixels");

TD_PLUGIN(mnist, "1.0.0", "MIT", "MNIST (LeCun 1998), Fashion-MNIST (Xiao 2017), Kuzushiji-MNIST (Clanuwat 2018)",
          "dataset:MNIST dataset:FashionMNIST dataset:KMNIST")
{
    td_register(reg, TD_KIND_DATASET, &mnist);
    td_register(reg, TD_KIND_DATASET, &fashion);
    td_register(reg, TD_KIND_DATASET, &kmnist);
}

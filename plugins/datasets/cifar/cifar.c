/* CIFAR-10 and CIFAR-100 (Krizhevsky 2009): 32x32 RGB images of 10 or 100 classes, from the Python pickles as
 * torchvision keeps them or from the binary version.  All images are held in memory, one after the other as pixels. */
#include <td/pickle.h>
#include <td/td.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "plugins/datasets/published.h"

#define SIDE 32
#define PLANE (SIDE * SIDE)
#define IMAGE (3 * PLANE)
#define MOST_FILES 5

/* One of the two versions' files. */
struct files {
    const char *folder;
    const char *train[MOST_FILES], *test;
};

struct layout {
    const char *title, *url;
    struct files pickles, binary;
    int n_train;            /* files */
    int64_t train, test;    /* images in each published file */
    const char *labels_key; /* in pickles */
    int label_bytes;        /* before each binary image; the last one is the class */
    int64_t classes;
    const char *const *names;
};

static const char *const names10[] = {"airplane", "automobile", "bird",  "cat",  "deer",
                                      "dog",      "frog",       "horse", "ship", "truck"};

static const struct layout cifar10_layout = {
    .title = "CIFAR-10",
    .url = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
    .pickles = {"cifar-10-batches-py",
                {"data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5"},
                "test_batch"},
    .binary = {"cifar-10-batches-bin",
               {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"},
               "test_batch.bin"},
    .n_train = 5,
    .train = 10000,
    .test = 10000,
    .labels_key = "labels",
    .label_bytes = 1,
    .classes = 10,
    .names = names10};

static const char *const names100[] = {
    "apple",      "aquarium_fish", "baby",         "bear",       "beaver",      "bed",         "bee",
    "beetle",     "bicycle",       "bottle",       "bowl",       "boy",         "bridge",      "bus",
    "butterfly",  "camel",         "can",          "castle",     "caterpillar", "cattle",      "chair",
    "chimpanzee", "clock",         "cloud",        "cockroach",  "couch",       "crab",        "crocodile",
    "cup",        "dinosaur",      "dolphin",      "elephant",   "flatfish",    "forest",      "fox",
    "girl",       "hamster",       "house",        "kangaroo",   "keyboard",    "lamp",        "lawn_mower",
    "leopard",    "lion",          "lizard",       "lobster",    "man",         "maple_tree",  "motorcycle",
    "mountain",   "mouse",         "mushroom",     "oak_tree",   "orange",      "orchid",      "otter",
    "palm_tree",  "pear",          "pickup_truck", "pine_tree",  "plain",       "plate",       "poppy",
    "porcupine",  "possum",        "rabbit",       "raccoon",    "ray",         "road",        "rocket",
    "rose",       "sea",           "seal",         "shark",      "shrew",       "skunk",       "skyscraper",
    "snail",      "snake",         "spider",       "squirrel",   "streetcar",   "sunflower",   "sweet_pepper",
    "table",      "tank",          "telephone",    "television", "tiger",       "tractor",     "train",
    "trout",      "tulip",         "turtle",       "wardrobe",   "whale",       "willow_tree", "wolf",
    "woman",      "worm"};
_Static_assert(sizeof names100 / sizeof *names100 == 100, "CIFAR-100 has 100 classes");

static const struct layout cifar100_layout = {
    .title = "CIFAR-100",
    .url = "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz",
    .pickles = {"cifar-100-python", {"train"}, "test"},
    .binary = {"cifar-100-binary", {"train.bin"}, "test.bin"},
    .n_train = 1,
    .train = 50000,
    .test = 10000,
    .labels_key = "fine_labels",
    .label_bytes = 2,
    .classes = 100,
    .names = names100};

static const td_param cifar_table[] = PUBLISHED_TABLE("folder that holds the data set's folder, or that folder itself");

struct cifar {
    const struct layout *layout;
    uint8_t *pixels; /* [n][32][32][3] */
    uint8_t *classes;
    int64_t n, capacity;
};

/* Room for `more` further images.  0, or c fails. */
static int32_t reserve(td_ctx *c, struct cifar *d, int64_t more)
{
    int64_t want = d->n + more;
    if (want <= d->capacity)
        return TD_OK;
    uint8_t *pixels = realloc(d->pixels, (size_t)want * IMAGE);
    if (pixels)
        d->pixels = pixels;
    uint8_t *classes = pixels ? realloc(d->classes, (size_t)want) : NULL;
    if (!classes) {
        td_fail(c, "out of memory for %lld images", (long long)want);
        return TD_ERROR;
    }
    d->classes = classes;
    d->capacity = want;
    return TD_OK;
}

/* Takes in one image that lies as three planes.  0, or c fails naming the file. */
static int32_t add_image(td_ctx *c, struct cifar *d, const char *path, int64_t i, const uint8_t *planes, int64_t class)
{
    if (class < 0 || class >= d->layout->classes) {
        td_fail(c, "%s: image %lld has class %lld; %s has classes 0 to %lld", path, (long long)i, (long long)class,
                d->layout->title, (long long)d->layout->classes - 1);
        return TD_ERROR;
    }
    uint8_t *out = d->pixels + d->n * IMAGE;
    for (int p = 0; p < PLANE; p++)
        for (int k = 0; k < 3; k++)
            out[3 * p + k] = planes[k * PLANE + p];
    d->classes[d->n++] = (uint8_t)class;
    return TD_OK;
}

static int32_t read_values(td_ctx *c, struct cifar *d, const char *path, const td_pickle_api *pickle,
                           const td_pickle_value *root)
{
    const td_pickle_value *labels = pickle->get(root, d->layout->labels_key);
    td_desc desc;
    const void *planes;
    if (pickle->array(pickle->get(root, "data"), &desc, &planes) || desc.dtype != TD_UINT8 || desc.ndim != 2 ||
        desc.shape[1] != IMAGE) {
        td_fail(c, "%s: its 'data' is not an array of 8-bit images of 3 x 32 x 32", path);
        return TD_ERROR;
    }
    if (pickle->length(labels) != desc.shape[0]) {
        td_fail(c, "%s: its '%s' is not a list of one class for each of the %lld images", path, d->layout->labels_key,
                (long long)desc.shape[0]);
        return TD_ERROR;
    }
    if (reserve(c, d, desc.shape[0]))
        return TD_ERROR;
    for (int64_t i = 0; i < desc.shape[0]; i++) {
        int64_t class = -1;
        pickle->integer(pickle->at(labels, i), &class);
        if (add_image(c, d, path, i, (const uint8_t *)planes + i * IMAGE, class))
            return TD_ERROR;
    }
    return TD_OK;
}

static int32_t read_pickle(td_ctx *c, struct cifar *d, const char *path)
{
    const td_pickle_api *pickle = td_host->get_interface(TD_PICKLE_SERVICE);
    if (!pickle) {
        td_fail(c, "%s: this host cannot read pickles; use the binary version", path);
        return TD_ERROR;
    }
    td_pickle_file *f = pickle->open(c, path);
    int32_t status = f ? read_values(c, d, path, pickle, pickle->root(f)) : TD_ERROR;
    pickle->close(f);
    return status;
}

static int32_t read_binary(td_ctx *c, struct cifar *d, const char *path)
{
    size_t size, record = (size_t)d->layout->label_bytes + IMAGE;
    const uint8_t *bytes = td_host->read_file(c, path, 0, &size);
    if (!bytes)
        return TD_ERROR;
    if (size == 0 || size % record) {
        td_fail(c, "%s: %zu bytes are not whole images of %zu bytes each: the file is cut short or of another kind",
                path, size, record);
        return TD_ERROR;
    }
    if (reserve(c, d, (int64_t)(size / record)))
        return TD_ERROR;
    for (size_t i = 0; i < size / record; i++, bytes += record)
        if (add_image(c, d, path, (int64_t)i, bytes + d->layout->label_bytes, bytes[d->layout->label_bytes - 1]))
            return TD_ERROR;
    return TD_OK;
}

/* "root/folder/file", or "root/file" where folder is NULL, in the frame; NULL: c fails. */
static char *join(td_ctx *c, const char *root, const char *folder, const char *file)
{
    size_t size = strlen(root) + (folder ? strlen(folder) + 1 : 0) + strlen(file) + 2;
    char *path = td_alloc(c, size);
    if (path)
        snprintf(path, size, "%s/%s%s%s", root, folder ? folder : "", folder ? "/" : "", file);
    return path;
}

static int exists(const char *path)
{
    struct stat st;
    return path && !stat(path, &st);
}

/* The version that is there, and whether in its own folder under root or in root itself. */
static const struct files *find(td_ctx *c, const struct layout *l, const char *root, int train, const char **folder)
{
    const struct files *versions[] = {&l->pickles, &l->binary};
    for (int i = 0; i < 4; i++) {
        const struct files *f = versions[i / 2];
        *folder = i % 2 ? NULL : f->folder;
        if (exists(join(c, root, *folder, train ? f->train[0] : f->test)))
            return f;
    }
    td_fail(c, "there is no %s in '%s': neither %s/%s nor %s/%s is there.  Nothing is downloaded: unpack %s in that "
               "folder",
            l->title, root, l->pickles.folder, train ? l->pickles.train[0] : l->pickles.test, l->binary.folder,
        train ? l->binary.train[0] : l->binary.test, l->url);
    return NULL;
}

static int32_t open_layout(td_ctx *c, const struct layout *l, const struct published_params *p, struct cifar *d)
{
    const char *folder;
    const struct files *f = find(c, l, p->root, p->train, &folder);
    d->layout = l;
    if (!f || reserve(c, d, p->train ? l->train * l->n_train : l->test))
        return TD_ERROR;
    for (int i = 0; i < (p->train ? l->n_train : 1); i++) {
        int64_t before = d->n, published = p->train ? l->train : l->test;
        const char *path = join(c, p->root, folder, p->train ? f->train[i] : f->test);
        if (!path || (f == &l->pickles ? read_pickle(c, d, path) : read_binary(c, d, path)))
            return TD_ERROR;
        if (d->n - before != published)
            td_message(c, TD_LOG_WARN, "%s has %lld images; the published file has %lld", path,
                       (long long)(d->n - before), (long long)published);
    }
    return TD_OK;
}

static int32_t cifar10_open(td_ctx *c, const void *params, void *data)
{
    return open_layout(c, &cifar10_layout, params, data);
}
static int32_t cifar100_open(td_ctx *c, const void *params, void *data)
{
    return open_layout(c, &cifar100_layout, params, data);
}

static void cifar_close(void *data)
{
    struct cifar *d = data;
    free(d->pixels);
    free(d->classes);
}

static int64_t cifar_length(const void *data) { return ((const struct cifar *)data)->n; }
static int64_t cifar_target(const void *data, int64_t index) { return ((const struct cifar *)data)->classes[index]; }
static int64_t cifar_classes(const void *data) { return ((const struct cifar *)data)->layout->classes; }
static const char *cifar_class_name(const void *data, int64_t class)
{
    return ((const struct cifar *)data)->layout->names[class];
}

static int32_t cifar_get(td_ctx *c, const void *data, int64_t index, td_item *item)
{
    const struct cifar *d = data;
    (void)c;
    uint8_t *out = td_item_image(item, SIDE, SIDE, 3);
    if (!out)
        return TD_ERROR;
    memcpy(out, d->pixels + index * IMAGE, IMAGE);
    td_item_of(item)->target = d->classes[index];
    return TD_OK;
}

#define CIFAR_TYPE(name, open_, summary_) \
    {{.key = name, .aliases = "torchvision.datasets." name, .summary = summary_, .params = cifar_table, \
      .params_size = sizeof(struct published_params)}, \
     .data_size = sizeof(struct cifar), .open = open_, .close = cifar_close, .length = cifar_length, .get = cifar_get, \
     .target = cifar_target, .classes = cifar_classes, .class_name = cifar_class_name}

static const td_dataset_type cifar10 =
    CIFAR_TYPE("CIFAR10", cifar10_open, "60,000 photographs of 32x32 pixels in 10 classes");
static const td_dataset_type cifar100 =
    CIFAR_TYPE("CIFAR100", cifar100_open, "60,000 photographs of 32x32 pixels in 100 classes");

TD_PLUGIN(cifar, "1.0.0", "MIT", "CIFAR-10 and CIFAR-100 (Krizhevsky 2009)", "dataset:CIFAR10 dataset:CIFAR100")
{
    td_register(reg, TD_KIND_DATASET, &cifar10);
    td_register(reg, TD_KIND_DATASET, &cifar100);
}

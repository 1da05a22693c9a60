/* ImageFolder: JPEG and PNG files below one folder a class.  Classes and files come in torchvision's order: classes by
 * name, then files by folder, then by name.  Pixels are decoded by the loader's threads. */
#include <td/td.h>

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#define DEEPEST 32 /* folders may be links, which may run in circles */

struct folder_params {
    const char *root;
};

static const td_param folder_table[] = {
    TD_PARAM_FILE(struct folder_params, root, NULL, "folder with one folder of images for each class"), TD_PARAM_END};

struct image {
    char *path;
    int64_t class;
};

struct folder {
    char **classes;
    int64_t n_classes, class_room;
    struct image *images;
    int64_t n, room;
};

/* One more element at the end of an array.  0, or c fails. */
static int32_t grow(td_ctx *c, void *array, int64_t n, int64_t *room, size_t element)
{
    void *old;
    if (n < *room)
        return TD_OK;
    memcpy(&old, array, sizeof old);
    int64_t want = *room ? 2 * *room : 64;
    void *grown = realloc(old, (size_t)want * element);
    if (!grown) {
        td_fail(c, "out of memory for a list of %lld images", (long long)want);
        return TD_ERROR;
    }
    memcpy(array, &grown, sizeof grown);
    *room = want;
    return TD_OK;
}

/* "a/b", malloc'ed; NULL: c fails. */
static char *join(td_ctx *c, const char *a, const char *b)
{
    size_t size = strlen(a) + strlen(b) + 2;
    char *path = malloc(size);
    if (path)
        snprintf(path, size, "%s/%s", a, b);
    else
        td_fail(c, "out of memory for the name %s/%s", a, b);
    return path;
}

static int ends_with(const char *name, const char *const *endings)
{
    size_t n = strlen(name);
    for (; *endings; endings++)
        if (n > strlen(*endings) && !strcasecmp(name + n - strlen(*endings), *endings))
            return 1;
    return 0;
}

static int is_folder(const struct dirent *e, const char *path)
{
    struct stat st;
    if (e->d_type != DT_UNKNOWN && e->d_type != DT_LNK)
        return e->d_type == DT_DIR;
    return !stat(path, &st) && S_ISDIR(st.st_mode);
}

static DIR *open_folder(td_ctx *c, const char *path)
{
    DIR *dir = opendir(path);
    if (!dir)
        td_fail(c, "%s: %s", path, strerror(errno));
    return dir;
}

/* Adds the images of one folder and those below it; takes over path. */
static void add_images(td_ctx *c, struct folder *f, int64_t class, char *path, int depth);

static void add_entry(td_ctx *c, struct folder *f, int64_t class, const struct dirent *e, char *path, int depth)
{
    static const char *const read[] = {".jpg", ".jpeg", ".png", NULL};
    static const char *const other[] = {".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp", NULL};
    if (is_folder(e, path)) {
        add_images(c, f, class, path, depth + 1);
        return;
    }
    if (ends_with(e->d_name, other))
        td_fail(c, "%s: only JPEG and PNG images can be read", path);
    if (ends_with(e->d_name, read) && !grow(c, &f->images, f->n, &f->room, sizeof *f->images))
        f->images[f->n++] = (struct image){path, class};
    else
        free(path);
}

static void add_images(td_ctx *c, struct folder *f, int64_t class, char *path, int depth)
{
    DIR *dir = depth > DEEPEST ? NULL : open_folder(c, path);
    if (depth > DEEPEST)
        td_fail(c, "%s: folders are nested more than %d deep (do links run in a circle?)", path, DEEPEST);
    for (const struct dirent *e; dir && !td_failed(c) && (e = readdir(dir));) {
        if (e->d_name[0] == '.' && (!e->d_name[1] || (e->d_name[1] == '.' && !e->d_name[2])))
            continue;
        char *entry = join(c, path, e->d_name);
        if (entry)
            add_entry(c, f, class, e, entry, depth);
    }
    if (dir)
        closedir(dir);
    free(path);
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* By folder, then by name in it. */
static int by_folder(const void *a, const void *b)
{
    const char *p = ((const struct image *)a)->path, *q = ((const struct image *)b)->path;
    size_t n = (size_t)(strrchr(p, '/') - p), m = (size_t)(strrchr(q, '/') - q);
    int order = memcmp(p, q, n < m ? n : m);
    if (order)
        return order;
    return n != m ? (n < m ? -1 : 1) : strcmp(p + n, q + m);
}

static int32_t add_classes(td_ctx *c, struct folder *f, const char *root)
{
    DIR *dir = open_folder(c, root);
    for (const struct dirent *e; dir && !td_failed(c) && (e = readdir(dir));) {
        if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
            continue;
        char *path = join(c, root, e->d_name);
        int class = path && is_folder(e, path);
        free(path);
        if (!class || grow(c, &f->classes, f->n_classes, &f->class_room, sizeof *f->classes))
            continue;
        if (!(f->classes[f->n_classes] = strdup(e->d_name)))
            td_fail(c, "out of memory for the class %s", e->d_name);
        else
            f->n_classes++;
    }
    if (dir)
        closedir(dir);
    if (!td_failed(c) && f->n_classes == 0)
        td_fail(c, "%s: it holds no folders; there is one for each class", root);
    if (!td_failed(c))
        qsort(f->classes, (size_t)f->n_classes, sizeof *f->classes, by_name);
    return td_failed(c) ? TD_ERROR : TD_OK;
}

static int32_t folder_open(td_ctx *c, const void *params, void *data)
{
    const struct folder_params *p = params;
    struct folder *f = data;
    if (add_classes(c, f, p->root))
        return TD_ERROR;
    for (int64_t i = 0; i < f->n_classes && !td_failed(c); i++) {
        int64_t first = f->n;
        char *path = join(c, p->root, f->classes[i]);
        if (path)
            add_images(c, f, i, path, 0);
        if (!td_failed(c) && f->n == first)
            td_fail(c, "%s/%s: there is no JPEG or PNG image for this class", p->root, f->classes[i]);
        if (!td_failed(c))
            qsort(f->images + first, (size_t)(f->n - first), sizeof *f->images, by_folder);
    }
    return td_failed(c) ? TD_ERROR : TD_OK;
}

static void folder_close(void *data)
{
    struct folder *f = data;
    for (int64_t i = 0; i < f->n_classes; i++)
        free(f->classes[i]);
    for (int64_t i = 0; i < f->n; i++)
        free(f->images[i].path);
    free(f->classes);
    free(f->images);
}

static int64_t folder_length(const void *data) { return ((const struct folder *)data)->n; }
static int64_t folder_target(const void *data, int64_t index)
{
    return ((const struct folder *)data)->images[index].class;
}
static int64_t folder_classes(const void *data) { return ((const struct folder *)data)->n_classes; }
static const char *folder_class_name(const void *data, int64_t class)
{
    return ((const struct folder *)data)->classes[class];
}

static int32_t folder_get(td_ctx *c, const void *data, int64_t index, td_item *item)
{
    const struct image *image = &((const struct folder *)data)->images[index];
    size_t size;
    const void *bytes = td_host->read_file(c, image->path, 0, &size);
    if (!bytes || td_host->decode_image(c, bytes, size, image->path, item))
        return TD_ERROR;
    td_item_of(item)->target = image->class;
    return TD_OK;
}

static const td_dataset_type image_folder = {
    {.key = "ImageFolder",
     .aliases = "torchvision.datasets.ImageFolder torchvision.datasets.folder.ImageFolder",
     .summary = "JPEG and PNG files in one folder a class",
     .params = folder_table,
     .params_size = sizeof(struct folder_params)},
    .data_size = sizeof(struct folder),
    .open = folder_open,
    .close = folder_close,
    .length = folder_length,
    .get = folder_get,
    .target = folder_target,
    .classes = folder_classes,
    .class_name = folder_class_name};

TD_PLUGIN(imagefolder, "1.0.0", "MIT", "Images in one folder a class", "dataset:ImageFolder")
{
    td_register(reg, TD_KIND_DATASET, &image_folder);
}

/* The readers on the real files, and on broken ones. */
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>

#include "host/base/file.h"
#include "tests/data/data.h"

static td_item *item;

static void setup(void)
{
    static const char *const all[] = {"plugins/datasets/cifar/cifar.so", "plugins/datasets/mnist/mnist.so",
                                      "plugins/datasets/imagefolder/imagefolder.so", "plugins/datasets/drawn/drawn.so"};
    load_plugins(all, 4);
    item = td__item_new();
    cr_assert(item);
}

static void teardown(void)
{
    td__item_free(item);
    unload();
}

TestSuite(datasets, .init = setup, .fini = teardown);

/* The real data, or the test is skipped. */
static char *real(const char *name)
{
    char *path = data_path(name);
    if (!path)
        cr_skip_test("%s is not in $TDHOST_TEST_DATA or ../shared/data", name);
    return path;
}

static void expect_pixel(const td_dataset *d, int64_t i, int x, int y, int r, int g, int b, int64_t class)
{
    cr_assert_eq(td__dataset_item(ctx, d, i, 0, item), 0, "%s", ctx->error);
    const td_item_view *v = &item->head.image;
    const uint8_t *p = v->pixels + (y * v->width + x) * v->channels;
    cr_expect(p[0] == r && (v->channels == 1 || (p[1] == g && p[2] == b)), "sample %d: %d %d %d", (int)i, p[0], p[1],
              p[2]);
    cr_expect_eq(item->head.target, class);
    cr_expect_eq(td__dataset_target(d, i), class);
}

/* ---- temporary files ---- */

static char folder[] = "/tmp/tdhost-test-XXXXXX";

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st, (void)type, (void)at;
    return remove(path);
}

static void make_folder(void)
{
    strcpy(folder + strlen(folder) - 6, "XXXXXX");
    cr_assert(mkdtemp(folder));
}

static void remove_folder(void) { cr_assert_eq(nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0); }

static void write_file(const char *name, const void *bytes, size_t size)
{
    char *path = td__printf("%s/%s", folder, name), *slash = strrchr(path, '/');
    *slash = 0;
    cr_assert_eq(td__make_dirs(path), 0);
    *slash = '/';
    FILE *f = fopen(path, "wb");
    cr_assert(f && fwrite(bytes, 1, size, f) == size && !fclose(f), "%s", path);
    free(path);
}

/* ---- CIFAR ---- */

static void expect_cifar_test(const td_dataset *d)
{
    cr_assert(td__dataset_length(d) == 10000 && td__dataset_classes(d) == 10);
    cr_assert_str_eq(td__dataset_class_name(d, 3), "cat");
    cr_assert_null(td__dataset_class_name(d, 10));
    expect_pixel(d, 0, 0, 0, 158, 112, 49, 3);
    expect_pixel(d, 9999, 31, 31, 27, 26, 26, 7);
    expect_pixel(d, 9999, 17, 5, 110, 118, 120, 7);
}

Test(datasets, cifar10)
{
    char *batches = real("cifar-10-batches-py"), *root = real(".");
    td_dataset *d =
        opened("{key: torchvision.datasets.CIFAR10, kwargs: {root: %s, train: false, download: true}}", root);
    uint64_t sum = 0;
    expect_cifar_test(d);
    for (int64_t i = 0; i < 10000; i++) {
        cr_assert_eq(td__dataset_item(ctx, d, i, 0, item), 0);
        for (int k = 0; k < 3072; k++)
            sum += item->head.image.pixels[k];
    }
    cr_assert_eq(sum, 3733375634u);
    td__dataset_release(d);
    d = opened("{key: CIFAR10, kwargs: {root: %s}}", batches); /* the folder itself; training is the default */
    cr_assert_eq(td__dataset_length(d), 50000);
    expect_pixel(d, 0, 17, 5, 97, 63, 32, 6);
    expect_pixel(d, 49999, 17, 5, 223, 220, 227, 1);
    td__dataset_release(d);
    free(batches);
    free(root);
}

/* The binary version, made here from the pickles. */
Test(datasets, cifar10_binary)
{
    char *root = real("cifar-10-batches-py");
    td_dataset *d = opened("{key: CIFAR10, kwargs: {root: %s, train: false}}", root);
    uint8_t *file = malloc(10000 * 3073), *at = file;
    for (int64_t i = 0; i < 10000; i++) {
        cr_assert_eq(td__dataset_item(ctx, d, i, 0, item), 0);
        *at++ = (uint8_t)item->head.target;
        for (int k = 0; k < 3; k++)
            for (int p = 0; p < 1024; p++)
                *at++ = item->head.image.pixels[3 * p + k];
    }
    td__dataset_release(d);
    make_folder();
    write_file("cifar-10-batches-bin/test_batch.bin", file, 10000 * 3073);
    d = opened("{key: CIFAR10, kwargs: {root: %s, train: false}}", folder);
    expect_cifar_test(d);
    td__dataset_release(d);
    write_file("test_batch.bin", file, 3073 * 2);
    d = opened("{key: CIFAR10, kwargs: {root: %s/cifar-10-batches-bin, train: false}}", folder);
    expect_cifar_test(d);
    td__dataset_release(d);
    free(file);
    free(root);
    remove_folder();
}

static const char cifar10_at[] = "{key: CIFAR10, kwargs: {root: %s, train: false}}";

Test(datasets, cifar_errors)
{
    static uint8_t images[3 * 3074];
    make_folder();
    cr_assert_null(try_open(cifar10_at, folder));
    expect_error("t.yaml:1:1: CIFAR10: there is no CIFAR-10 in '/tmp/tdhost-test-");
    cr_assert_null(try_open(cifar10_at, folder));
    expect_error("neither cifar-10-batches-py/test_batch nor cifar-10-batches-bin/test_batch.bin is there.  Nothing is "
                 "downloaded: unpack "
                 "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz in that folder");
    write_file("test_batch.bin", images, 2 * 3073 - 1);
    cr_assert_null(try_open(cifar10_at, folder));
    expect_error("/test_batch.bin: 6145 bytes are not whole images of 3073 bytes each");
    images[3073] = 10;
    write_file("test_batch.bin", images, 2 * 3073);
    cr_assert_null(try_open(cifar10_at, folder));
    expect_error("/test_batch.bin: image 1 has class 10; CIFAR-10 has classes 0 to 9");
    write_file("test_batch", "\x80\x02}q\x01.", 6);
    cr_assert_null(try_open(cifar10_at, folder));
    expect_error("/test_batch: its 'data' is not an array of 8-bit images of 3 x 32 x 32");
    write_file("test_batch", "\x80\x02}q\x01", 5);
    cr_assert_null(try_open(cifar10_at, folder));
    expect_error("/test_batch: broken pickle: cut short");
    images[3073] = 0;
    images[3074 + 1] = 99; /* the fine class comes second */
    write_file("cifar-100-binary/test.bin", images, 3 * 3074);
    td_dataset *d = opened("{key: CIFAR100, kwargs: {root: %s, train: false}}", folder);
    cr_assert(td__dataset_length(d) == 3 && td__dataset_target(d, 1) == 99 && td__dataset_classes(d) == 100);
    cr_assert_str_eq(td__dataset_class_name(d, 99), "worm");
    td__dataset_release(d);
    remove_folder();
}

/* Arrays as numpy pickles them under Python 3: reduced to bytes, and as a buffer. */
Test(datasets, cifar_pickles_of_other_protocols)
{
    for (int protocol = 3; protocol <= 5; protocol++) {
        char *relative = td__printf("tests/data/golden/batch_protocol_%d", protocol), *path = source_path(relative);
        size_t size;
        void *bytes = td__file_read(path, &size);
        cr_assert(bytes, "%s", path);
        make_folder();
        write_file("test_batch", bytes, size);
        td_dataset *d = opened(cifar10_at, folder);
        cr_assert(td__dataset_length(d) == 2 && td__dataset_target(d, 1) == 9);
        expect_pixel(d, 1, 3, 0, 10, (1024 + 10) % 251, (2048 + 10) % 251, 9);
        td__dataset_release(d);
        remove_folder();
        free(bytes);
        free(path);
        free(relative);
    }
}

/* A pickle cut anywhere, or with a byte changed, gives an error or other pixels, never a crash. */
Test(datasets, cifar_damaged_pickles)
{
    char *root = real("cifar-10-batches-py"), *path = td__printf("%s/test_batch", root);
    size_t size;
    uint8_t *bytes = td__file_read(path, &size);
    cr_assert(bytes);
    make_folder();
    for (size_t i = 0; i < 12; i++) {
        uint8_t *copy = malloc(size);
        memcpy(copy, bytes, size);
        if (i < 4)
            write_file("test_batch", copy, size * i / 4);
        else {
            copy[(i - 4) * 11 + (i > 8 ? size - 140000 : 0)] ^= 0x2d;
            write_file("test_batch", copy, size);
        }
        td_dataset *d = try_open(cifar10_at, folder);
        cr_assert(i >= 4 || !d);
        cr_assert(d || ctx->error);
        td__dataset_release(d);
        td__ctx_clear(ctx);
        free(copy);
    }
    remove_folder();
    free(bytes);
    free(path);
    free(root);
}

/* ---- MNIST ---- */

static const char fashion_at[] = "{key: torchvision.datasets.FashionMNIST, kwargs: {root: %s, train: false}}";

Test(datasets, fashion_mnist)
{
    char *root = real("fashion-mnist");
    td_dataset *d = opened(fashion_at, root);
    cr_assert(td__dataset_length(d) == 10000 && td__dataset_classes(d) == 10);
    cr_assert_str_eq(td__dataset_class_name(d, 9), "Ankle boot");
    expect_pixel(d, 0, 10, 14, 0, 0, 0, 9);
    expect_pixel(d, 9999, 14, 20, 38, 0, 0, 5);
    cr_assert(item->head.image.channels == 1 && item->head.image.width == 28);
    td__dataset_release(d);
    free(root);
}

static void write_mnist(uint32_t images, uint32_t side, uint32_t classes, uint8_t class, size_t cut)
{
    uint8_t pixels[16 + 8 * 8 * 4] = {
        0, 0, 8, 3, 0, 0, 0, (uint8_t)images, 0, 0, 0, (uint8_t)side, 0, 0, 0, (uint8_t)side};
    uint8_t labels[8 + 4] = {0, 0, 8, 1, 0, 0, 0, (uint8_t)classes, 1, class, 3, 4};
    write_file("MNIST/raw/t10k-images-idx3-ubyte", pixels, 16 + images * side * side - cut);
    write_file("MNIST/raw/t10k-labels-idx1-ubyte", labels, 8 + classes);
}

Test(datasets, mnist_files)
{
    static const char mnist_at[] = "{key: MNIST, kwargs: {root: %s, train: false}}";
    make_folder();
    cr_assert_null(try_open(mnist_at, folder));
    expect_error("neither MNIST/raw/t10k-images-idx3-ubyte nor t10k-images-idx3-ubyte is there, plain or as .gz");
    write_mnist(3, 8, 3, 9, 0);
    td_dataset *d = opened(mnist_at, folder);
    cr_assert(td__dataset_length(d) == 3 && td__dataset_target(d, 1) == 9);
    td__dataset_release(d);
    write_mnist(3, 8, 3, 10, 0);
    cr_assert_null(try_open(mnist_at, folder));
    expect_error("t10k-labels-idx1-ubyte: image 1 has class 10; MNIST has classes 0 to 9");
    write_mnist(3, 8, 3, 9, 1);
    cr_assert_null(try_open(mnist_at, folder));
    expect_error("t10k-images-idx3-ubyte: it has 191 bytes of data, which is not what its head says");
    write_mnist(3, 8, 2, 9, 0);
    cr_assert_null(try_open(mnist_at, folder));
    expect_error("it has 2 classes for the 3 images of ");
    write_mnist(0, 0, 0, 0, 0);
    cr_assert_null(try_open(mnist_at, folder));
    expect_error("it has no samples");
    write_file("MNIST/raw/t10k-images-idx3-ubyte", "\x1f\x8b\x08\0\0\0\0\0\0\x03K", 11);
    cr_assert_null(try_open(mnist_at, folder));
    expect_error("t10k-images-idx3-ubyte: the compressed data is cut short");
    static const uint8_t huge[16] = {0,    0,    8,    3,    0xff, 0xff, 0xff, 0xff,
                                     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    write_file("MNIST/raw/t10k-images-idx3-ubyte", huge, 16);
    cr_assert_null(try_open(mnist_at, folder));
    expect_error("it has 0 bytes of data, which is not what its head says");
    remove_folder();
}

/* ---- ImageFolder ---- */

Test(datasets, image_folder)
{
    char *root = real("imagenette-mini/val");
    td_dataset *d = opened("{key: torchvision.datasets.ImageFolder, kwargs: {root: %s}}", root);
    cr_assert(td__dataset_length(d) == 150 && td__dataset_classes(d) == 10);
    cr_assert_str_eq(td__dataset_class_name(d, 1), "n02102040");
    expect_pixel(d, 17, 5, 9, 133, 146, 154, 1);
    expect_pixel(d, 60, 0, 0, 27, 27, 27, 4); /* grey: spread to three equal channels */
    td__dataset_release(d);
    free(root);
}

Test(datasets, image_folder_order_and_errors)
{
    static const char at[] = "{key: ImageFolder, kwargs: {root: %s}}";
    char *png = source_path("tests/data/golden/resize_17x23.png");
    size_t size;
    void *bytes = td__file_read(png, &size);
    cr_assert(bytes);
    make_folder();
    cr_assert_null(try_open(at, folder));
    expect_error("it holds no folders; there is one for each class");
    write_file("b/note.txt", "", 0);
    cr_assert_null(try_open(at, folder));
    expect_error("/b: there is no JPEG or PNG image for this class");
    static const char *const in_order[] = {"B/z.PNG", "b/z.png", "b/a/x.jpeg", "b/a-c/0.png"}; /* as os.walk, sorted */
    for (int i = 3; i >= 0; i--)
        write_file(in_order[i], bytes, size - (size_t)i);
    td_dataset *d = opened(at, folder);
    cr_assert(td__dataset_length(d) == 4 && td__dataset_target(d, 0) == 0 && td__dataset_target(d, 1) == 1);
    cr_assert_eq(td__dataset_item(ctx, d, 0, 0, item), 0);
    cr_assert(item->head.image.width == 23 && item->head.image.height == 17);
    for (int i = 1; i < 4; i++) { /* files that are cut short: the messages show the order */
        cr_assert_eq(td__dataset_item(ctx, d, i, 0, item), TD_ERROR);
        char *name = td__printf("ImageFolder, sample %d: %s/%s: ", i, folder, in_order[i]);
        expect_error(name);
        free(name);
    }
    td__dataset_release(d);
    write_file("b/x.webp", bytes, size);
    cr_assert_null(try_open(at, folder));
    expect_error("/b/x.webp: only JPEG and PNG images can be read");
    cr_assert_null(try_open("{key: ImageFolder, kwargs: {root: %s/none}}", folder));
    expect_error("/none: No such file or directory");
    char *link = td__printf("%s/B/again", folder);
    cr_assert_eq(symlink("..", link), 0);
    char *webp = td__printf("%s/b/x.webp", folder);
    cr_assert_eq(unlink(webp), 0);
    cr_assert_null(try_open(at, folder));
    expect_error("folders are nested more than 32 deep (do links run in a circle?)");
    free(webp);
    free(link);
    free(bytes);
    free(png);
    remove_folder();
}

/* ---- DrawnShapes ---- */

static uint64_t drawn_hash(const td_dataset *d, int64_t i)
{
    cr_assert_eq(td__dataset_item(ctx, d, i, 0, item), 0, "%s", ctx->error);
    cr_assert(item->head.image.width == 32 && item->head.image.height == 32 && item->head.image.channels == 3);
    return td__hash(item->head.image.pixels, 3072, 0);
}

Test(datasets, drawn_shapes)
{
    td_dataset *train = opened("{key: DrawnShapes, kwargs: {length: 2000, label_noise: 0.2}}");
    int wrong = 0, count[10] = {0};
    uint64_t first[20];
    for (int64_t i = 0; i < 2000; i++) {
        int64_t class = td__dataset_target(train, i);
        cr_assert(class >= 0 && class < 10);
        count[class]++;
        wrong += class != i % 10;
    }
    cr_assert(wrong > 330 && wrong < 470, "%d of 2000 labels are wrong", wrong); /* 400, standard deviation 18 */
    for (int i = 0; i < 10; i++)
        cr_assert(count[i] > 150 && count[i] < 250);
    for (int64_t i = 0; i < 20; i++)
        first[i] = drawn_hash(train, i);
    cr_assert_eq(first[7], drawn_hash(train, 7));
    cr_assert_neq(first[7], first[17]);
    td__dataset_release(train);
    td_dataset *test = opened("{key: DrawnShapes, kwargs: {length: 20, train: false, label_noise: 0.2}}");
    for (int64_t i = 0; i < 20; i++) {
        cr_assert_eq(td__dataset_target(test, i), i % 10, "test labels are right");
        cr_assert_neq(drawn_hash(test, i), first[i]);
    }
    cr_assert_str_eq(td__dataset_class_name(test, 6), "star");
    td__dataset_release(test);
    td_dataset *other = opened("{key: DrawnShapes, kwargs: {seed: 1}}");
    cr_assert_neq(drawn_hash(other, 7), first[7]);
    td__dataset_release(other);
}

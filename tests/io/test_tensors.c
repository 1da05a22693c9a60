#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "host/base/file.h"
#include "host/io/tensors.h"
#include "host/tensor/tensor.h"
#include "tests/paths.h"

static const char *const files[] = {"zip.pth", "legacy.pth", "bare.pth", "golden.safetensors"};

static char *file_path(const char *name)
{
    char *relative = td__printf("tests/io/tensors/%s", name), *path = source_path(relative);
    free(relative);
    return path;
}

static void open_file(td__tensor_file *f, const char *name)
{
    char *path = file_path(name), why[600] = "";
    cr_assert_eq(td__tensors_open(f, path, why, sizeof why), 0, "%s", why);
    free(path);
}

static size_t bytes_of(const td__named *t)
{
    return (size_t)td_desc_numel(&t->d) * td__dtype_size(t->d.dtype);
}

static int same(const td__named *a, const td__named *b)
{
    return a->d.dtype == b->d.dtype && a->d.ndim == b->d.ndim && !memcmp(a->d.shape, b->d.shape, sizeof a->d.shape) &&
           !memcmp(a->data, b->data, bytes_of(a));
}

/* The golden file was written by the reference implementation of safetensors, which sorts; the others keep the order.
 */
Test(tensors, pytorch_files_equal_the_golden)
{
    td__tensor_file golden, f;
    open_file(&golden, "golden.safetensors");
    cr_assert_eq(golden.n, 13);
    cr_assert(golden.n_meta == 1 && !strcmp(golden.meta_keys[0], "format") && !strcmp(golden.meta_values[0], "pt"));
    for (size_t k = 0; k < 3; k++) {
        open_file(&f, files[k]);
        cr_assert_eq(f.n, golden.n, "%s has %zu", files[k], f.n);
        cr_assert_str_eq(f.v[0].name, "conv.weight");
        cr_assert_str_eq(f.v[12].name, "channels_last");
        for (size_t i = 0; i < f.n; i++) {
            const td__named *want = td__tensors_find(&golden, f.v[i].name);
            cr_assert(want && same(&f.v[i], want), "%s: %s", files[k], f.v[i].name);
        }
        td__tensors_close(&f);
    }
    const float *steps = td__tensors_find(&golden, "steps")->data; /* and it holds what the script says */
    cr_assert_float_eq(steps[0], 1.0 / 7 - 3, 1e-6);
    cr_assert_float_eq(steps[4], 11.0 / 7 - 3, 1e-6);
    cr_assert_eq(*(const int64_t *)td__tensors_find(&golden, "scalar")->data, 41);
    cr_assert_null(td__tensors_find(&golden, "nothing"));
    td__tensors_close(&golden);
}

Test(tensors, safetensors_come_back_as_written)
{
    char dir[] = "/tmp/td_tensors_XXXXXX", why[600] = "";
    cr_assert_not_null(mkdtemp(dir));
    char *path = td__printf("%s/x.safetensors", dir);
    static const char *const keys[] = {"format", "note"}, *const values[] = {"pt", "\"quoted\" \xc3\xa9"};
    td__tensor_file f, back;
    open_file(&f, "zip.pth");
    cr_assert_eq(td__safetensors_write(path, f.v, f.n, keys, values, 2, why, sizeof why), 0, "%s", why);
    cr_assert_eq(td__tensors_open(&back, path, why, sizeof why), 0, "%s", why);
    cr_assert_eq(back.n, f.n);
    cr_assert(back.n_meta == 2 && !strcmp(back.meta_values[1], values[1]));
    for (size_t i = 0; i < f.n; i++) {
        cr_assert_str_eq(back.v[i].name, f.v[i].name);
        cr_assert(same(&back.v[i], &f.v[i]), "%s", f.v[i].name);
        cr_assert_eq((uintptr_t)back.v[i].data % td__dtype_size(back.v[i].d.dtype), 0);
    }
    td__named twice[2] = {f.v[0], f.v[0]};
    cr_assert_eq(td__safetensors_write(path, twice, 2, NULL, NULL, 0, why, sizeof why), -1);
    td__tensors_close(&back);
    cr_assert_eq(td__tensors_open(&back, path, why, sizeof why), 0, "the old file is untouched: %s", why);
    td__tensors_close(&back);
    td__tensors_close(&f);
    remove_tree(dir);
    free(path);
}

/* Writes bytes to a file in memory and opens it: 0 or -1 as td__tensors_open, the message without the path. */
static int try_bytes(const void *bytes, size_t size, char *why, size_t why_size)
{
    static int fd = -1;
    td__tensor_file f;
    char text[600] = "", path[64];
    if (fd < 0)
        fd = memfd_create("tensors", MFD_CLOEXEC);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    cr_assert(fd >= 0 && ftruncate(fd, 0) == 0 && pwrite(fd, bytes, size, 0) == (ssize_t)size);
    int rc = td__tensors_open(&f, path, text, sizeof text);
    cr_assert(rc == 0 || strncmp(text, path, strlen(path)) == 0, "'%s'", text);
    snprintf(why, why_size, "%s", rc ? text + strlen(path) + 2 : "");
    if (!rc)
        td__tensors_close(&f);
    return rc;
}

static int try_header(const char *json, size_t data, char *why, size_t why_size)
{
    unsigned char bytes[1024] = {(unsigned char)strlen(json), (unsigned char)(strlen(json) >> 8)};
    memcpy(bytes + 8, json, strlen(json));
    return try_bytes(bytes, 8 + strlen(json) + data, why, why_size);
}

Test(tensors, broken_safetensors_say_what_is_wrong)
{
#define A(dtype, shape, offsets) "\"a\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}"
    static const struct {
        const char *json;
        size_t data;
        const char *says;
    } bad[] = {
        {"{" A("F32", "[2,3]", "[0,24]") "}", 20, "cut short: tensor 'a' needs bytes 65..89, the file has 85"},
        {"{" A("F32", "[2,3]", "[0,20]") "}", 24, "tensor 'a' has data_offsets that do not fit its dtype and shape"},
        {"{" A("F32", "[2,3]", "[24,0]") "}", 24, "tensor 'a' has data_offsets that do not fit its dtype and shape"},
        {"{" A("F32", "[2,3]", "[4,28]") "}", 28, "tensor 'a' has unused bytes before it"},
        {"{" A("F32", "[1]", "[0,4]") "}", 8, "4 bytes at the end belong to no tensor"},
        {"{" A("F32", "[2]", "[0,8]") ",\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}", 8,
         "tensor 'b' overlaps another"},
        {"{" A("F32", "[4611686018427387904,4]", "[0,0]") "}", 0,
         "tensor 'a' has data_offsets that do not fit its dtype and shape"},
        {"{" A("F8_E4M3", "[1]", "[0,1]") "}", 1, "tensor 'a' has dtype F8_E4M3, which is not read"},
        {"{" A("F32", "[1,1,1,1,1,1,1]", "[0,4]") "}", 4, "tensor 'a' has too many dimensions"},
        {"{" A("F32", "[-1]", "[0,4]") "}", 4, "tensor 'a' has a length that is no whole number"},
        {"{" A("F32", "[1.5]", "[0,4]") "}", 4, "tensor 'a' has a length that is no whole number"},
        {"{" A("F32", "[1]", "[0]") "}", 4, "tensor 'a' has no two data_offsets"},
        {"{\"a\":3}", 0, "tensor 'a' has no dtype and shape"},
        {"{\"__metadata__\":{\"x\":1}}", 0, "__metadata__ is no object of strings"},
        {"{" A("F32", "[1]", "[0,4]") "," A("F32", "[1]", "[0,4]") "}", 4,
         "broken header: duplicate object key near '\"a\"'"},
        {"{\"a\"", 0, "broken header: ':' expected near end of file"},
    };
    char why[600];
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        cr_expect_eq(try_header(bad[i].json, bad[i].data, why, sizeof why), -1, "%s", bad[i].json);
        cr_expect_str_eq(why, bad[i].says);
    }
    cr_expect_eq(try_bytes("\xff\0\0\0\0\0\0\0{}", 10, why, sizeof why), -1);
    cr_expect_str_eq(why, "cut short: a header of 255 bytes in a file of 10");
    cr_expect_eq(try_bytes("hello", 5, why, sizeof why), -1);
    cr_expect_str_eq(why, "neither safetensors nor a file of torch.save");
}

Test(tensors, says_why_a_file_cannot_be_used)
{
    td__tensor_file f;
    char why[600], *path = file_path("module.pth");
    cr_assert_eq(td__tensors_open(&f, path, why, sizeof why), -1);
    cr_assert_str_eq(why + strlen(path), ": holds no state dict but torch.nn.modules.linear.Linear");
    free(path);
    path = file_path("big.pth");
    cr_assert_eq(td__tensors_open(&f, path, why, sizeof why), -1);
    cr_assert_str_eq(why + strlen(path), ": big-endian files are not read");
    free(path);
    cr_assert_eq(td__tensors_open(&f, "/nowhere/x.pth", why, sizeof why), -1);
    cr_assert_str_eq(why, "/nowhere/x.pth: No such file or directory");
}

/* A legacy file whose bytes `find` become `put`; its message, "" when it was read. */
static void try_patched(const char *name, const char *find, size_t size, const char *put, char *why, size_t why_size)
{
    size_t n;
    char *path = file_path(name);
    unsigned char *bytes = td__file_read(path, &n), *at = bytes ? memmem(bytes, n, find, size) : NULL;
    cr_assert_not_null(at, "%s", path);
    memcpy(at, put, size);
    try_bytes(bytes, n, why, why_size);
    free(bytes);
    free(path);
}

/* Element 60 does not exist: an offset of 57 ends at element 59, one of 58 reaches it. */
Test(tensors, tensors_stay_inside_their_storage)
{
    char why[600];
    try_patched("legacy.pth", "K\x04K\x03\x85", 5, "K\x39K\x03\x85", why, sizeof why);
    cr_assert_str_eq(why, "");
    try_patched("legacy.pth", "K\x04K\x03\x85", 5, "K\x3aK\x03\x85", why, sizeof why);
    cr_assert_str_eq(why, "tensor 'conv.bias': reaches element 60 of a storage of 60");
    try_patched("views.pth", "K\x02K\x08\x87", 5, "K\x03K\x08\x87", why, sizeof why);
    cr_assert_str_eq(why, "");
    try_patched("views.pth", "K\x02K\x08\x87", 5, "K\x04K\x08\x87", why, sizeof why);
    cr_assert_str_eq(why, "tensor 'view': reaches element 10 of a storage of 10");
    try_patched("views.pth", "torch\nFloatStorage", 18, "torch\nCharlStorage", why, sizeof why);
    cr_assert_str_eq(why, "storages of type torch.CharlStorage are not read");
    try_patched("views.pth", "_rebuild_tensor", 15, "_rebuild_sparse", why, sizeof why);
    cr_assert_str_eq(why, "tensor 'view': is made by torch._utils._rebuild_sparse, which is not read");
}

Test(tensors, views_of_storages_of_old)
{
    td__tensor_file f;
    open_file(&f, "views.pth");
    cr_assert(f.n == 1 && f.v[0].d.ndim == 2 && f.v[0].d.shape[0] == 2 && f.v[0].d.shape[1] == 3);
    for (int i = 0; i < 6; i++)
        cr_assert_eq(((const float *)f.v[0].data)[i], (float)(3 + i));
    td__tensors_close(&f);
}

/* Every cut is an error; whatever is flipped, the reader stops within its bounds. */
Test(tensors, broken_files_do_not_crash)
{
    for (size_t k = 0; k < sizeof files / sizeof *files; k++) {
        char *path = file_path(files[k]), why[600];
        size_t size;
        unsigned char *bytes = td__file_read(path, &size);
        cr_assert_not_null(bytes, "%s", path);
        for (size_t cut = 0; cut < size; cut += 1 + size / 400) {
            cr_assert_eq(try_bytes(bytes, cut, why, sizeof why), -1, "%s cut to %zu of %zu", files[k], cut, size);
            cr_assert(why[0]);
        }
        for (size_t i = 0; i < size; i++) {
            unsigned char old = bytes[i];
            bytes[i] = (unsigned char)(i % 3 == 0 ? old ^ 1u << i % 8 : i % 3 == 1 ? 0xff : 0);
            try_bytes(bytes, size, why, sizeof why);
            bytes[i] = old;
        }
        free(bytes);
        free(path);
    }
}

Test(tensors, resnet20_of_the_data_folder)
{
    char *path = data_path("cifar10-resnet/resnet20-12fca82f.th"), why[600] = "";
    if (!path)
        cr_skip_test("the ResNet-20 weights are not in $TDHOST_TEST_DATA or ../shared/data");
    td__tensor_file f;
    cr_assert_eq(td__tensors_open(&f, path, why, sizeof why), 0, "%s", why);
    int64_t n = 0;
    for (size_t i = 0; i < f.n; i++)
        if (!strstr(f.v[i].name, "running_"))
            n += td_desc_numel(&f.v[i].d);
    cr_assert_eq(n, 269722);
    const td__named *bias = td__tensors_find(&f, "module.linear.bias");
    cr_assert(bias && bias->d.ndim == 1 && bias->d.shape[0] == 10);
    /* torch.load(...)['state_dict']['module.linear.bias'][0] */
    cr_assert_float_eq(((const float *)bias->data)[0], 0.19355906546115875, 1e-6);
    td__tensors_close(&f);
    free(path);
}

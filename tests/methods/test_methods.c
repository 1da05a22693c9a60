/* The methods against their papers' equations, through `tdhost conform`, and the shipped configurations through `tdhost check`. */
#include <criterion/criterion.h>
#include <glob.h>
#include <jansson.h>
#include <string.h>

#include "host/base/file.h"
#include "tests/paths.h"
#include "tests/shell.h"

static void run_all(const char *pattern, const char *options)
{
    char *full = source_path(pattern);
    glob_t files;
    cr_assert_eq(glob(full, 0, NULL, &files), 0, "%s: no such files", full);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        char *arguments = td__printf("conform %s " PLUGINS "%s", files.gl_pathv[i], options);
        struct shell got = tdhost(arguments);
        cr_expect_eq(got.code, 0, "%s: %s", files.gl_pathv[i], got.text);
        cr_expect(strstr(got.text, ": loss error "), "%s: %s", files.gl_pathv[i], got.text);
        free(got.text);
        free(arguments);
    }
    cr_expect_geq(files.gl_pathc, 14);
    globfree(&files);
    free(full);
}

Test(methods, vectors_in_double) { run_all("plugins/methods/*/vectors/*.yaml", ""); }
Test(methods, vectors_in_single_on_cpu) { run_all("plugins/methods/*/vectors/*.yaml", "--float32 --backend cpu"); }

/* The vectors must be able to disagree: KD's tensors with another temperature. */
Test(methods, a_wrong_equation_is_seen)
{
    char *tensors = source_path("plugins/methods/kd/vectors/kd.safetensors"), path[] = "/tmp/td_conform_XXXXXX";
    char *absolute = realpath(tensors, NULL);
    FILE *f = fdopen(mkstemp(path), "w");
    cr_assert(f && absolute);
    fprintf(f, "loss: {key: KDLoss, kwargs: {student_module_path: fc, teacher_module_path: fc, temperature: 4.1, alpha: 0.1}}\ntensors: %s\n",
            absolute);
    fclose(f);
    char *arguments = td__printf("conform " PLUGINS "%s", path);
    struct shell got = tdhost(arguments);
    cr_expect_eq(got.code, 1, "%s", got.text);
    cr_expect(strstr(got.text, ": loss error ") && strstr(got.text, "ABOVE THE TOLERANCE"), "%s", got.text);
    unlink(path);
    free(got.text);
    free(arguments);
    free(absolute);
    free(tensors);
}

Test(methods, bad_files_say_why)
{
    static const struct { const char *text, *message; } bad[] = {
        {"tensors: x.safetensors\n", ":1:1: 'loss' is missing: {key, kwargs} of the loss to compute"},
        {"loss: {key: KDLos, kwargs: {}}\ntensors: x.safetensors\n", "did you mean 'KDLoss'"},
        {"loss: {key: MSELoss, kwargs: {}}\ntensors: x.safetensors\n",
         ":1:1: MSELoss compares an input with a target: it needs a 'loss_wrapper' (SimpleLossWrapper) that says which"},
        {"loss: {key: MSELoss}\nloss_wrapper: {key: LogitStandardization}\ntensors: x.safetensors\n",
         ":2:15: MSELoss compares an input with a target: it needs a 'loss_wrapper' (SimpleLossWrapper) that says which"},
        {"loss: {key: KDLoss, kwargs: {student_module_path: fc, teacher_module_path: fc, temperature: 4}}\n"
         "loss_wrapper: {key: SimpleLossWrapper, kwargs: {input: {}, target: {}}}\ntensors: x.safetensors\n",
         ":2:15: KDLoss reads the tapped values itself: SimpleLossWrapper is for losses that compare an input with a target"},
        {"loss: {key: ATLoss, kwargs: {at_pairs: {}}}\n", ":1:1: 'tensors' names the safetensors file with inputs and expectations"},
        {"los: {key: ATLoss}\n", "unknown key 'los' in a conformance file (did you mean 'loss'?)"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char path[] = "/tmp/td_conform_XXXXXX";
        FILE *f = fdopen(mkstemp(path), "w");
        cr_assert(f);
        fputs(bad[i].text, f);
        fclose(f);
        char *arguments = td__printf("conform " PLUGINS "%s", path);
        struct shell got = tdhost(arguments);
        cr_expect_eq(got.code, 3, "%s: %d", got.text, got.code);
        cr_expect(strstr(got.text, bad[i].message), "%s\nlacks: %s", got.text, bad[i].message);
        unlink(path);
        free(got.text);
        free(arguments);
    }
}

#define DRAWN                                                                                                          \
    "'!import_call {key: DrawnShapes, init: {kwargs: {length: 64, transform: [{key: Resize, kwargs: {size: 224}}, "     \
    "{key: ToTensor}]}}}' "

static void check_imagenet(const char *files, const char *sets)
{
    char *pattern = source_path(files);
    glob_t found;
    cr_assert_eq(glob(pattern, 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        char *arguments = td__printf("check %s " PLUGINS "%s --set models.teacher_model.src_ckpt=null", found.gl_pathv[i], sets);
        struct shell got = tdhost(arguments);
        cr_expect_eq(got.code, 0, "%s: %s", found.gl_pathv[i], got.text);
        free(got.text);
        free(arguments);
    }
    globfree(&found);
    free(pattern);
}

Test(configs, those_of_imagenet_are_in_order)
{
    check_imagenet("configs/ilsvrc2012/*.yaml", "--set datasets.ilsvrc2012/train=" DRAWN "--set datasets.ilsvrc2012/val=" DRAWN);
}

/* The data sections are the same in all of them. */
Test(configs, those_of_imagenet_read_folders)
{
    char *data = data_path("imagenette-mini");
    if (!data)
        cr_skip_test("imagenette-mini is not in $TDHOST_TEST_DATA or ../shared/data");
    char *sets = td__printf("--set _data=%s", data);
    check_imagenet("configs/ilsvrc2012/kd.yaml", sets);
    free(sets);
    free(data);
}

Test(configs, every_shipped_file_is_in_order)
{
    char *cifar = data_path("cifar-10-batches-py/data_batch_1"), *weights = data_path("cifar10-resnet/resnet56-4bfd9763.th");
    if (!cifar || !weights)
        cr_skip_test("CIFAR-10 and its networks are not in $TDHOST_TEST_DATA or ../shared/data");
    *strstr(cifar, "/cifar-10-batches-py") = 0;
    *strrchr(weights, '/') = 0;
    char *pattern = source_path("configs/*/*/*.yaml");
    glob_t files;
    cr_assert_eq(glob(pattern, 0, NULL, &files), 0);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        int teacher = !strstr(files.gl_pathv[i], "/ce/");
        char *arguments = td__printf("check %s " PLUGINS "--set _data=%s %s%s", files.gl_pathv[i], cifar, teacher ? "--set _weights=" : "",
                                     teacher ? weights : "");
        struct shell got = tdhost(arguments);
        cr_expect_eq(got.code, 0, "%s: %s", files.gl_pathv[i], got.text);
        free(got.text);
        free(arguments);
    }
    globfree(&files);
    free(pattern);
    free(cifar);
    free(weights);
}

/* doc/methods.md is written by tools/methods: a method that came later shows here. */
Test(methods, the_table_lists_every_key)
{
    size_t size, i, k, methods = 0;
    json_t *plugin, *provided;
    char *path = source_path("doc/methods.md"), *table = td__file_read(path, &size);
    struct shell got = tdhost("list-plugins --json " PLUGINS "--quiet");
    json_t *plugins = json_loads(got.text, 0, NULL);
    cr_assert(table && json_array_size(plugins) > 0, "%s: %s", path, got.text);
    json_array_foreach(plugins, i, plugin) {
        if (!strstr(json_string_value(json_object_get(plugin, "file")), "/plugins/methods/"))
            continue;
        methods++;
        json_array_foreach(json_object_get(plugin, "provides"), k, provided) {
            char *key = td__printf("`%s`", json_string_value(json_object_get(provided, "key")));
            cr_expect(strstr(table, key), "%s lacks %s: tools/methods writes it anew", path, key);
            free(key);
        }
    }
    cr_expect_gt(methods, 20);
    json_decref(plugins);
    free(got.text);
    free(table);
    free(path);
}

/* The published CIFAR-10 networks on real images: cpu and reference say the same, and what PyTorch says. */
#include <string.h>

#include "host/data/loader.h"
#include "host/nn/state.h"
#include "tests/models/models.h"
#include "tests/paths.h"

#if defined __SANITIZE_ADDRESS__
#define SCALE 10 /* the plain loops of the reference backend take ten times as long */
#else
#define SCALE 1
#endif

TestSuite(published, .init = load_plugins, .fini = unload_plugins);

/* The first n test images, normalised as the networks were trained. */
static td__loader *test_images(td_ctx *c, td__config *cfg, const char *root, int64_t n)
{
    char *text = td__printf("!import_call\nkey: CIFAR10\ninit: {kwargs: {root: '%s', train: false, transform: [!import_call {key: ToTensor}, "
                            "!import_call {key: Normalize, init: {kwargs: {mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225]}}}]}}\n", root);
    cr_assert_eq(td__config_parse(cfg, "test", text, strlen(text)), 0);
    td_dataset *all = td__dataset_open(c, cfg, cfg->root, 0);
    cr_assert_null(c->error, "%s", c->error);
    int64_t *first = malloc((size_t)n * sizeof *first);
    for (int64_t i = 0; i < n; i++)
        first[i] = i;
    td_dataset *d = td__dataset_subset(c, all, first, n, all->transforms, all->n_transforms);
    td__loader *l = td__loader_new(c, d, &(td__loader_options){.batch_size = 50});
    cr_assert(l && !td__loader_start(c, l, 0, 0), "%s", c->error);
    td__dataset_release(d);
    td__dataset_release(all);
    free(first);
    free(text);
    return l;
}

/* Class of the largest output for each of the first n test images into predicted; returns how many are right. */
static int predict(const char *backend, const char *key, const char *weights, const char *root, int64_t n, int64_t *predicted)
{
    td_ctx *c = context(backend, TD_FLOAT32);
    td__config cfg;
    td__batch batch;
    td_module *m = model(c, key, "{shortcut: A}");
    const char *from[] = {"linear"}, *to[] = {"fc"};
    const td__rename rename = {.strip_prefix = "module.", .from = from, .to = to, .n = 1, .strict = 1};
    cr_assert_eq(td__load_state_file(c, m, weights, &rename), 0, "%s", c->error);
    td__set_training(m, 0);
    td__loader *l = test_images(c, &cfg, root, n);
    int right = 0;
    for (int64_t at = 0; at < n; at += batch.size) {
        int64_t target[50];
        td__frame_push(c);
        cr_assert_eq(td__loader_next(c, l, &batch), 1, "%s", c->error);
        td_tensor *best = td_argmax(c, td_call(c, m, batch.input), 1);
        cr_assert_eq(td__tensor_read(c, best, TD_INT64, predicted + at, batch.size), 0, "%s", c->error);
        cr_assert_eq(td__tensor_read(c, batch.target, TD_INT64, target, batch.size), 0);
        for (int64_t i = 0; i < batch.size; i++)
            right += predicted[at + i] == target[i];
        td__frame_pop(c, td_none());
    }
    td__loader_free(l);
    td__module_release(m);
    td__config_free(&cfg);
    td__ctx_free(c);
    return right;
}

/* right: how many of the first n PyTorch has right (published.py). */
static void same_on_both(const char *key, const char *file, int64_t n, int right)
{
    char *weights = data_path(file), *root = data_path("cifar-10-batches-py");
    int64_t cpu[500], reference[500];
    if (!weights || !root)
        cr_skip_test("CIFAR-10 and its networks are not in $TDHOST_TEST_DATA or ../shared/data");
    int got = predict("cpu", key, weights, root, n, cpu);
    cr_expect_eq(got, right, "%s: %d of %lld right on cpu, %d in PyTorch", key, got, (long long)n, right);
    predict("reference", key, weights, root, n / SCALE, reference);
    for (int64_t i = 0; i < n / SCALE; i++)
        cr_expect_eq(cpu[i], reference[i], "%s: image %lld is %lld on cpu and %lld on reference", key, (long long)i, (long long)cpu[i],
                     (long long)reference[i]);
    free(weights);
    free(root);
}

Test(published, resnet20) { same_on_both("resnet20", "cifar10-resnet/resnet20-12fca82f.th", 500, 455); }
Test(published, resnet56) { same_on_both("resnet56", "cifar10-resnet/resnet56-4bfd9763.th", 500, 470); }

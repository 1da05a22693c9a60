#include "tests/config/config.h"
#include "tests/config/types.h"
#include "tests/paths.h"

#include "host/base/file.h"

static const char *const files[] = {"kd_split.yaml", "ft_stages.yaml", "crd_hf.yaml"};
#define N_FILES (sizeof files / sizeof *files)

static char *read_file(const char *name, size_t *size)
{
    char relative[100];
    snprintf(relative, sizeof relative, "tests/config/files/%s", name);
    char *path = source_path(relative), *text = td__file_read(path, size);
    cr_assert(text, "%s", path);
    free(path);
    return text;
}

static td__config load(const char *name)
{
    size_t size;
    char *text = read_file(name, &size);
    td__config cfg = parsed(text);
    free(text);
    return cfg;
}

TestSuite(files, .init = register_types, .fini = td__registry_clear);

Test(files, kd_split)
{
    td__config cfg = load("kd_split.yaml");
    td__object *train = td__object_of(&cfg, at(&cfg, "datasets.cifar10/train"), TD_KIND_DATASET);
    td__object *split = td__object_of(&cfg, at(&cfg, "datasets.cifar10/split"), TD_KIND_FUNCTION);
    td__object *test = td__object_of(&cfg, at(&cfg, "datasets.cifar10/test"), TD_KIND_DATASET), **chain;
    expect_said(&cfg, "");
    cr_assert(train && split && test);
    cr_expect_eq(train->node->items[0], split->node);
    cr_expect_eq(at(&cfg, "datasets.cifar10/val")->items[0], split->node);
    const struct split *p = split->params;
    cr_expect_str_eq(p->dataset_id, "cifar10/train_org");
    cr_expect_eq(p->dataset, td__object_of(&cfg, at(&cfg, "datasets.cifar10/train_org"), TD_KIND_DATASET));
    const struct cifar *c = test->params;
    cr_expect_str_eq(c->root, "./resource/dataset/cifar10");
    cr_expect(!c->train && c->download);
    size_t n;
    cr_assert_eq(td__transform_chain(&cfg, test->transform, &chain, &n), 0);
    cr_expect_eq(n, 2);
    cr_expect_eq(test->transform, at(&cfg, "datasets.cifar10/split.kwargs.sub_splits_configs.1.transform"));
    cr_expect_str_eq(at(&cfg, "models.student_model.dst_ckpt")->text,
                     "./resource/ckpt/cifar10/kd/cifar10-resnet20_from_densenet_bc_k12_depth100-hyperparameter_tuning.pt");
    cr_expect_str_eq(at(&cfg, "train.train_data_loader.dataset_id")->text, "cifar10/train");
    cr_expect_eq(at(&cfg, "test.test_data_loader.kwargs"), at(&cfg, "train.val_data_loader.kwargs"));
    cr_expect_eq(at(&cfg, "train.optimizer.kwargs.weight_decay")->f, 1e-4);
    td__config_free(&cfg);
}

Test(files, ft_stages)
{
    td__config cfg = load("ft_stages.yaml");
    struct net p;
    cr_assert_eq(td__bind(&cfg, at(&cfg, "models.teacher_model.kwargs"), "net", net_table, sizeof p, &p), 0);
    cr_expect_str_eq(p.weights, "ResNet34_Weights.IMAGENET1K_V1");
    cr_expect_eq(p.num_classes, 1000);
    td__node *stage2 = at(&cfg, "train.stage2.teacher.auxiliary_model_wrapper.kwargs");
    cr_expect_eq(td__node_get(stage2, "minimal")->kind, TD__NULL);
    cr_expect_eq(td__node_get(stage2, "uses_decoder")->i, 0);
    cr_expect_str_eq(td__node_get(stage2, "paraphraser_ckpt")->text, "./imagenet/ft/paraphraser-resnet34.pt");
    cr_expect_eq(td__node_get(stage2, "paraphraser_kwargs"),
                 at(&cfg, "train.stage1.teacher.auxiliary_model_wrapper.kwargs.paraphraser_kwargs"));
    cr_expect_eq(at(&cfg, "train.stage2.optimizer.kwargs.lr")->f, 0.1);
    cr_expect_eq(at(&cfg, "train.stage1.optimizer.kwargs.lr")->f, 0.01);
    cr_expect_str_eq(at(&cfg, "test.test_data_loader.dataset_id")->text, "ilsvrc2012/val");
    td__config_free(&cfg);
}

Test(files, crd_hf)
{
    td__config cfg = load("crd_hf.yaml");
    cr_expect_eq(at(&cfg, "datasets.raw.dataset_id_map")->n, 3);
    cr_expect_str_eq(at(&cfg, "private.0.private_data_loader.dataset_id")->text, "glue/mnli/validation_mismatched");
    cr_expect_str_eq(at(&cfg, "datasets.raw.dataset_id_map.validation_mismatched")->text, "glue/mnli/validation_mismatched");
    cr_expect_eq(at(&cfg, "datasets.raw.dataset_id_map.glue/mnli/train")->i, 5);
    cr_expect_str_eq(at(&cfg, "datasets.crops")->text, "torchvision.datasets.CIFAR10");
    cr_expect_eq(at(&cfg, "models.student_model.kwargs.octal")->i, 15);
    cr_expect_eq(at(&cfg, "models.student_model.kwargs.mode")->kind, TD__STRING);
    cr_expect_str_eq(at(&cfg, "private.0.idx2str.1")->text, "positive \\u263a");
    cr_expect_str_eq(at(&cfg, "private.0.pred_output")->text, "two\nlines\n");
    td__config_free(&cfg);
}

/* The same kinds, values, keys and sharing; each node's `object` points to its partner. */
static void expect_equal(td__node *a, td__node *b)
{
    if (!a || !b) {
        cr_assert_eq(a, b);
        return;
    }
    cr_assert_eq(a->kind, b->kind, "%s and %s at %u:%u", td__node_kind_name(a), td__node_kind_name(b), a->at.line, a->at.column);
    if (a->kind >= TD__SEQ && (a->object || b->object)) {
        cr_assert(a->object == b && b->object == a, "sharing of %u:%u is lost", a->at.line, a->at.column);
        return;
    }
    a->object = b;
    b->object = a;
    if (a->kind != TD__NULL && a->text)
        cr_assert_str_eq(a->text, b->text);
    cr_assert_eq(a->i, b->i);
    cr_assert(a->f == b->f || a->f != a->f);
    cr_assert_eq(a->n, b->n);
    for (size_t i = 0; i < a->n; i++) {
        if (a->kind == TD__MAP)
            cr_assert_str_eq(a->keys[i]->text, b->keys[i]->text);
        expect_equal(a->items[i], b->items[i]);
    }
}

static void expect_round_trip(td__config *cfg)
{
    char *text = written(cfg->root);
    td__config again = parsed(text);
    expect_equal(cfg->root, again.root);
    char *text2 = written(again.root);
    cr_expect_str_eq(text, text2);
    free(text);
    free(text2);
    td__config_free(&again);
}

Test(write, reads_back_the_same)
{
    for (size_t i = 0; i < N_FILES; i++) {
        td__config cfg = load(files[i]);
        expect_round_trip(&cfg);
        td__config_free(&cfg);
    }
    td__config cfg = parsed("strings: ['', '5', '1e-4', 'yes', '~', '<<', ' a ', \"a\\tb\\x07\\n\", 'a: b', '# c', \"it's\", '!x', '&a', '*a', '- b', \"\\u00e9\"]\n"
                            "'5': {'': 1, 'a b': 2, 'no': 3}\n"
                            "methods: [!call_method {obj: 1}, !setattr [a, b, c], &m !import_call_method {package: a}, *m]\n"
                            "parts: [!access_by_index_or_key {data: !import_get {key: x}, index_or_key: key}, !getattr [!import_call {key: y}, '5']]\n"
                            "empty: [[], {}, !import_call {key: z, init: {args: [], kwargs: {}}}]\n"
                            "floats: [.inf, -.inf, 1.5, 1e-4, 1_0.5]\n");
    expect_round_trip(&cfg);
    td__config_free(&cfg);
}

Test(write, text)
{
    td__config cfg = parsed("a: &a [1, {b: 2}]\nc: *a\nd: !import_call {key: x, init: {kwargs: {p: [1, 2], q: *a}}}\n");
    char *text = written(cfg.root);
    cr_expect_str_eq(text, "a: &shared1\n- 1\n- b: 2\nc: *shared1\nd: !import_call\n  key: x\n  init:\n    kwargs:\n      p: [1, 2]\n      q: *shared1\n");
    free(text);
    td__config_free(&cfg);
}

/* Whatever a document is, asking its nodes for objects may fail but not crash. */
static void poke(td__config *cfg, td__node *n)
{
    static const uint32_t kinds[] = {TD_KIND_DATASET, TD_KIND_TRANSFORM, TD_KIND_FUNCTION};
    if (!n || n->used > 1)
        return;
    for (size_t i = 0; i < 3; i++)
        td__object_of(cfg, n, kinds[i]);
    n->used = 2;
    for (size_t i = 0; i < n->n; i++)
        poke(cfg, n->items[i]);
}

static void try(const char *text, size_t size)
{
    char *copy = malloc(size ? size : 1); /* so that a read past the end is seen */
    td__config cfg;
    cr_assert(copy);
    memcpy(copy, text, size);
    td__config_parse(&cfg, "t.yaml", copy, size);
    poke(&cfg, cfg.root);
    char *message = said(&cfg);
    free(message);
    td__config_free(&cfg);
    free(copy);
}

Test(files, truncated_anywhere)
{
    for (size_t f = 0; f < N_FILES; f++) {
        size_t size;
        char *text = read_file(files[f], &size);
        for (size_t i = 0; i <= size; i += f == 2 ? 1 : 11)
            try(text, i);
        free(text);
    }
}

Test(files, one_byte_wrong_anywhere)
{
    static const char wrong[] = "*&!:[]{}'\"-#\n\t \xc3\x80,%@`|>?0a<";
    size_t size;
    char *text = read_file("crd_hf.yaml", &size);
    for (size_t i = 0; i < size; i++) {
        char was = text[i];
        text[i] = wrong[i % (sizeof wrong - 1)];
        try(text, size);
        text[i] = was;
    }
    free(text);
}

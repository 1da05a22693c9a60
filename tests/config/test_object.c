#include "tests/config/config.h"
#include "tests/config/types.h"

TestSuite(object, .init = register_types, .fini = td__registry_clear);
TestSuite(chain, .init = register_types, .fini = td__registry_clear);
TestSuite(computed, .init = register_types, .fini = td__registry_clear);

/* The node `path` of a document must be no object of this kind, and the reason is `message`. */
static void expect_none(const char *text, const char *path, uint32_t kind, const char *message)
{
    td__config cfg = parsed(text);
    cr_expect_null(td__object_of(&cfg, at(&cfg, path), kind));
    expect_said(&cfg, message);
    td__config_free(&cfg);
}

Test(object, spellings)
{
    td__config cfg = parsed("call: !import_call {key: torchvision.datasets.CIFAR10, init: {kwargs: {root: /a, train: False}}}\n"
                            "args: !import_call {key: CIFAR10, init: {args: [/b], kwargs: {download: True}}}\n"
                            "native: {key: CIFAR10, kwargs: {root: /c}, _note: x}\n"
                            "native_args: {key: CIFAR10, args: [/d]}\n"
                            "name: !import_get {key: torch.utils.data.RandomSampler}\n"
                            "text: RandomSampler\n");
    const struct cifar *p = td__object_of(&cfg, at(&cfg, "call"), TD_KIND_DATASET)->params;
    cr_expect(!strcmp(p->root, "/a") && !p->train);
    p = td__object_of(&cfg, at(&cfg, "args"), TD_KIND_DATASET)->params;
    cr_expect(!strcmp(p->root, "/b") && p->train && p->download);
    p = td__object_of(&cfg, at(&cfg, "native"), TD_KIND_DATASET)->params;
    cr_expect_str_eq(p->root, "/c");
    p = td__object_of(&cfg, at(&cfg, "native_args"), TD_KIND_DATASET)->params;
    cr_expect_str_eq(p->root, "/d");
    cr_expect_str_eq(td__object_of(&cfg, at(&cfg, "name"), TD_KIND_SAMPLER)->type->key, "RandomSampler");
    cr_expect_str_eq(td__object_of(&cfg, at(&cfg, "text"), TD_KIND_SAMPLER)->type->key, "RandomSampler");
    expect_said(&cfg, "");
    td__config_free(&cfg);
}

Test(object, aliases_share_one)
{
    td__config cfg = parsed("a: &a !import_call {key: CIFAR10, init: {kwargs: {root: /a}}}\nb: *a\n"
                            "c: !import_call {key: CIFAR10, init: {kwargs: {root: /a}}}\n");
    td__object *a = td__object_of(&cfg, at(&cfg, "a"), TD_KIND_DATASET);
    cr_assert(a);
    cr_expect_eq(td__object_of(&cfg, at(&cfg, "b"), TD_KIND_DATASET), a);
    cr_expect_neq(td__object_of(&cfg, at(&cfg, "c"), TD_KIND_DATASET), a);
    cr_expect_eq(a->node, at(&cfg, "a"));
    td__config_free(&cfg);
}

Test(object, sections)
{
    td__config cfg = parsed("optimizer: {key: SGD, kwargs: {lr: 0.1}, grad_accum_step: 2}\n"
                            "positional: {key: SGD, args: [0.2]}\n"
                            "missing: {kwargs: {lr: 0.1}}\n"
                            "odd: {key: [SGD]}\n");
    td__node *o = at(&cfg, "optimizer");
    td__object *sgd = td__object_from(&cfg, td__node_get(o, "key"), td__node_get(o, "kwargs"), o, TD_KIND_OPTIMIZER);
    cr_assert(sgd);
    cr_expect_eq(((const struct sgd *)sgd->params)->lr, 0.1);
    cr_expect_eq(td__object_from(&cfg, td__node_get(o, "key"), td__node_get(o, "kwargs"), o, TD_KIND_OPTIMIZER), sgd);
    o = at(&cfg, "positional");
    sgd = td__object_from(&cfg, td__node_get(o, "key"), NULL, o, TD_KIND_OPTIMIZER);
    cr_assert(sgd);
    cr_expect_eq(((const struct sgd *)sgd->params)->lr, 0.2);
    expect_said(&cfg, "");
    o = at(&cfg, "missing");
    cr_expect_null(td__object_from(&cfg, NULL, td__node_get(o, "kwargs"), o, TD_KIND_OPTIMIZER));
    o = at(&cfg, "odd");
    cr_expect_null(td__object_from(&cfg, td__node_get(o, "key"), NULL, o, TD_KIND_OPTIMIZER));
    expect_said(&cfg, "t.yaml:3:10: an optimizer needs 'key'\nt.yaml:4:12: 'key' of an optimizer is a string, not a list\n");
    td__config_free(&cfg);
}

Test(object, mistakes)
{
    expect_none("a: !import_call {key: torchvision.datasets.CIFAR01}", "a", TD_KIND_DATASET,
                "t.yaml:1:23: no plugin brings a data set 'torchvision.datasets.CIFAR01' (did you mean 'CIFAR10'?)\n");
    expect_none("a: !import_call {key: x.Unheard}", "a", TD_KIND_DATASET,
                "t.yaml:1:23: no plugin brings a data set 'x.Unheard' (`tdhost list-plugins` shows what was found)\n");
    expect_none("a: {key: KDLoss}", "a", TD_KIND_DATASET, "t.yaml:1:10: 'KDLoss' is a loss, not a data set\n");
    expect_none("a: [1]", "a", TD_KIND_DATASET, "t.yaml:1:4: a data set is expected here, not a list\n");
    expect_none("a: {key: CIFAR10, kwarg: {}}", "a", TD_KIND_DATASET,
                "t.yaml:1:4: CIFAR10 needs 'root' (folder)\n"
                "t.yaml:1:19: unknown key 'kwarg' in a data set (did you mean 'kwargs'?)\n");
    expect_none("a: !import_call {key: CIFAR10, init: {kwargs: {roto: /a}}}", "a", TD_KIND_DATASET,
                "t.yaml:1:4: CIFAR10 needs 'root' (folder)\n"
                "t.yaml:1:48: unknown key 'roto' in CIFAR10 (did you mean 'root'?)\n");
    expect_none("a: !import_call {key: ToTensor, init: {kwargs: {x: 1}}}", "a", TD_KIND_TRANSFORM,
                "t.yaml:1:49: unknown key 'x' in ToTensor (it has none)\n");
    expect_none("a: !import_call {key: KDLoss, init: {args: [1]}}", "a", TD_KIND_LOSS,
                "t.yaml:1:45: KDLoss takes at most 0 arguments, not 1\n");
    expect_none("a: !call_method {obj: x}", "a", TD_KIND_LOSS,
                "t.yaml:1:4: a loss is expected here, not the result of a method (!call_method)\n");
    expect_none("a: !access_by_index_or_key {data: !import_call {key: CIFAR10}, index_or_key: 0}", "a", TD_KIND_DATASET,
                "t.yaml:1:54: 'CIFAR10' is a data set, not a function\n");
}

Test(object, layers)
{
    struct net p;
    td__config cfg = parsed("{pool: !import_call {key: torch.nn.MaxPool2d, init: {args: [2]}}, none: {key: MaxPool2d, kwargs: {kernel_size: 5}}}");
    cr_assert_eq(td__bind(&cfg, cfg.root, "net", net_table, sizeof p, &p), 0);
    cr_expect_str_eq(p.pool.key, "MaxPool2d");
    cr_expect_eq(((const struct pool *)p.pool.args)->kernel_size, 2);
    cr_expect_eq(((const struct pool *)p.none.args)->kernel_size, 5);
    cr_assert_eq(td__bind(&cfg, NULL, "net", net_table, sizeof p, &p), 0);
    cr_expect_eq(((const struct pool *)p.pool.args)->kernel_size, 3);
    cr_expect(!p.none.key && !p.none.args);
    expect_said(&cfg, "");
    td__config_free(&cfg);
    cfg = parsed("{pool: {key: MaxPool, kwargs: {}}}");
    cr_expect_eq(td__bind(&cfg, cfg.root, "net", net_table, sizeof p, &p), -1);
    expect_said(&cfg, "t.yaml:1:14: no plugin brings a layer 'MaxPool' (did you mean 'MaxPool2d'?)\n");
    td__config_free(&cfg);
}

static const char with_chain[] =
    "set: !import_call\n"
    "  key: CIFAR10\n"
    "  init:\n"
    "    kwargs:\n"
    "      root: /a\n"
    "      transform: !import_call\n"
    "        key: torchvision.transforms.Compose\n"
    "        init:\n"
    "          kwargs:\n"
    "            transforms:\n"
    "              - !import_call {key: torchvision.transforms.RandomCrop, init: {kwargs: {size: 32, padding: 4}}}\n"
    "              - &flip !import_call {key: torchvision.transforms.RandomHorizontalFlip, init: {kwargs: {p: 0.5}}}\n"
    "              - {key: Compose, kwargs: {transforms: [*flip, ToTensor]}}\n"
    "              - !import_call {key: Normalize, init: {args: [[0.1, 0.2, 0.3], 1]}}\n"
    "      target_transform: null\n";

Test(chain, of_a_data_set)
{
    td__config cfg = parsed(with_chain);
    td__object *set = td__object_of(&cfg, at(&cfg, "set"), TD_KIND_DATASET), **v;
    size_t n;
    cr_assert(set);
    cr_expect_eq(set->transform, at(&cfg, "set.kwargs.transform"));
    cr_assert_eq(td__transform_chain(&cfg, set->transform, &v, &n), 0);
    cr_assert_eq(n, 5);
    static const char *const keys[] = {"RandomCrop", "RandomHorizontalFlip", "RandomHorizontalFlip", "ToTensor", "Normalize"};
    for (size_t i = 0; i < n; i++)
        cr_expect_str_eq(v[i]->type->key, keys[i]);
    cr_expect_eq(v[1], v[2]);
    const struct crop *crop = v[0]->params;
    cr_expect(crop->size.n == 1 && crop->size.v[0] == 32 && crop->padding == 4);
    const struct normalize *norm = v[4]->params;
    cr_expect(norm->mean.n == 3 && norm->mean.v[2] == 0.3 && norm->std.n == 1);
    cr_expect_eq(td__transform_chain(&cfg, set->target_transform, &v, &n), 0);
    cr_expect_eq(n, 0);
    cr_expect_eq(td__transform_chain(&cfg, NULL, &v, &n), 0);
    cr_expect_eq(n, 0);
    td__config_free(&cfg);
}

Test(chain, mistakes)
{
    expect_none("{key: CIFAR10, kwargs: {root: /a, transform: [ToTenor]}}", "", TD_KIND_DATASET,
                "t.yaml:1:47: no plugin brings a transform 'ToTenor' (did you mean 'ToTensor'?)\n");
    expect_none("{key: CIFAR10, kwargs: {root: /a, transform: !import_call {key: Compose}}}", "", TD_KIND_DATASET,
                "t.yaml:1:46: 'transforms' in Compose is a list, not absent\n");
    expect_none("{key: CIFAR10, kwargs: {root: /a, transform: [ToTensor], transforms: [ToTensor]}}", "", TD_KIND_DATASET,
                "t.yaml:1:58: 'transform' and 'transforms' exclude each other\n");
    expect_none("{key: CIFAR10, kwargs: {root: /a, transform: CIFAR10}}", "", TD_KIND_DATASET,
                "t.yaml:1:46: 'CIFAR10' is a data set, not a transform\n");
}

Test(object, parts_of_a_split)
{
    td__config cfg = parsed("_org: &org !import_call {key: CIFAR10, init: {kwargs: {root: /a}}}\n"
                            "_split: &split !import_call\n"
                            "  key: torchdistill.datasets.util.split_dataset\n"
                            "  init: {kwargs: {dataset: *org, lengths: [45000, 5000], sub_splits_configs: [{transform: {key: Compose, args: [[ToTensor]]}}, {}]}}\n"
                            "train: !access_by_index_or_key {data: *split, index_or_key: 0}\n"
                            "again: !import_call {key: split_dataset, init: {kwargs: {dataset: !access_by_index_or_key {data: *split, index_or_key: 1}, lengths: [1]}}}\n");
    td__object *part = td__object_of(&cfg, at(&cfg, "train"), TD_KIND_DATASET);
    cr_assert(part);
    cr_expect_null(part->type);
    cr_expect_eq(part->node, at(&cfg, "train"));
    td__object *split = td__object_of(&cfg, at(&cfg, "_split"), TD_KIND_FUNCTION);
    const struct split *p = split->params;
    cr_expect_eq(p->dataset, td__object_of(&cfg, at(&cfg, "_org"), TD_KIND_DATASET));
    cr_expect_eq(p->sub_splits_configs.n, 2);
    const td__object *chain = ((const struct split_config *)p->sub_splits_configs.v)[0].transform;
    cr_assert(chain);
    cr_expect_null(chain->type);
    cr_expect_null(((const struct split_config *)p->sub_splits_configs.v)[1].transform);
    cr_expect(td__object_of(&cfg, at(&cfg, "again"), TD_KIND_FUNCTION));
    expect_said(&cfg, "");
    td__config_free(&cfg);
}

/* Stands for the plan's hook. */
static int32_t double_it(td__config *cfg, td__object *f, td_result *r)
{
    const struct steps *p = f->params;
    if (p->n < 0) {
        td__diag_error(&cfg->diag, f->node->at, "it failed");
        return -1;
    }
    r->kind = p->n == 1 ? TD_P_FLOAT : p->n == 2 ? TD_P_STRING : p->n == 3 ? TD_P_LIST : TD_P_INT;
    r->i = 2 * p->n;
    r->f = 2.5;
    r->s = "two";
    return 0;
}

Test(computed, values_of_functions)
{
    struct net p;
    struct sgd sgd;
    struct crop crop;
    td__config cfg = parsed("net: {num_classes: !import_call {key: util.steps, init: {args: [21]}}, weights: !import_call {key: steps, init: {args: [2]}}}\n"
                            "sgd: {lr: !import_call {key: steps, init: {args: [1]}}}\n"
                            "int: {lr: !import_call {key: steps, init: {args: [7]}}}\n"
                            "crop: {size: [1, !import_call {key: steps, init: {args: [8]}}]}\n"
                            "list: {lr: !import_call {key: steps, init: {args: [3]}}}\n"
                            "text: {lr: !import_call {key: steps, init: {args: [2]}}}\n"
                            "fails: {lr: !import_call {key: steps, init: {args: [-1]}}}\n"
                            "other: {lr: !import_call {key: CIFAR10}}\n");
    td__call_function = double_it;
    cr_expect_eq(td__bind(&cfg, at(&cfg, "net"), "net", net_table, sizeof p, &p), 0);
    cr_expect_eq(p.num_classes, 42);
    cr_expect_str_eq(p.weights, "two");
    cr_expect_eq(td__bind(&cfg, at(&cfg, "sgd"), "SGD", sgd_table, sizeof sgd, &sgd), 0);
    cr_expect_eq(sgd.lr, 2.5);
    cr_expect_eq(td__bind(&cfg, at(&cfg, "int"), "SGD", sgd_table, sizeof sgd, &sgd), 0);
    cr_expect_eq(sgd.lr, 14);
    cr_expect_eq(td__bind(&cfg, at(&cfg, "crop"), "RandomCrop", crop_table, sizeof crop, &crop), 0);
    cr_expect_eq(crop.size.v[1], 16);
    expect_said(&cfg, "");
    static const char *const wrong[] = {"list", "text", "fails", "other"};
    for (size_t i = 0; i < 4; i++)
        cr_expect_eq(td__bind(&cfg, at(&cfg, wrong[i]), "SGD", sgd_table, sizeof sgd, &sgd), -1);
    td__call_function = NULL;
    cr_expect_eq(td__bind(&cfg, at(&cfg, "sgd"), "SGD", sgd_table, sizeof sgd, &sgd), -1);
    expect_said(&cfg, "t.yaml:2:11: 'lr' in SGD is computed by steps, which cannot be called here\n"
                      "t.yaml:5:12: 'lr' in SGD is one value, but steps gives data sets\n"
                      "t.yaml:6:12: 'lr' in SGD is a number, not a string (\"two\")\n"
                      "t.yaml:7:13: it failed\n"
                      "t.yaml:8:32: 'CIFAR10' is a data set, not a function\n");
    td__config_free(&cfg);
}

#include "tests/config/config.h"

#include <unistd.h>

static const char document[] = "_n: &n 10\n"
                               "datasets:\n"
                               "  cifar10/train: &train !import_call\n"
                               "    _root: &root !join [data/, *n]\n"
                               "    key: CIFAR10\n"
                               "    init: {kwargs: {root: *root, train: true}}\n"
                               "  v1.0/val: {n: *n}\n"
                               "train:\n"
                               "  num_epochs: 1\n"
                               "  milestones: [5, 10]\n"
                               "  stage1: &stage {lr: 0.1, deep: {x: 1}}\n"
                               "  stage2: *stage\n"
                               "  stage3: {<<: *stage, wd: 0}\n"
                               "  set: *train\n";

/* Loads the document with --set options; what was said must be `message`. */
static td__config load_with(const char *const *sets, size_t n, const char *message)
{
    char path[] = "/tmp/td_test_set_XXXXXX";
    int fd = mkstemp(path);
    cr_assert(fd >= 0);
    cr_assert_eq(write(fd, document, sizeof document - 1), (ssize_t)sizeof document - 1);
    close(fd);
    td__config cfg;
    cr_expect_eq(td__config_load(&cfg, path, sets, n), *message ? -1 : 0);
    unlink(path);
    expect_said(&cfg, message);
    return cfg;
}

static td__config with(const char *set) { return load_with(&set, 1, ""); }

static void expect_wrong(const char *set, const char *message)
{
    td__config cfg = load_with(&set, 1, message);
    td__config_free(&cfg);
}

Test(set, values)
{
    const char *sets[] = {"train.num_epochs=3", "train.milestones.1=20", "+train.milestones_2=[1, 2]", "train.num_epochs=4",
                          "train.stage1.lr=1e-3", "+train.note="};
    td__config cfg = load_with(sets, 6, "");
    cr_expect_eq(at(&cfg, "train.num_epochs")->i, 4);
    cr_expect_eq(at(&cfg, "train.milestones.1")->i, 20);
    cr_expect_eq(at(&cfg, "train.milestones_2.1")->i, 2);
    cr_expect_eq(at(&cfg, "train.stage1.lr")->f, 1e-3);
    cr_expect_eq(at(&cfg, "train.note")->kind, TD__NULL);
    td__config_free(&cfg);
}

Test(set, anchored_values_reach_their_aliases)
{
    td__config cfg = with("_n=100");
    cr_expect_str_eq(at(&cfg, "datasets.cifar10/train.kwargs.root")->text, "data/100");
    cr_expect_eq(at(&cfg, "datasets.v1.0/val.n")->i, 100);
    td__config_free(&cfg);
    cfg = with("datasets.cifar10/train._root=/x");
    cr_expect_str_eq(at(&cfg, "datasets.cifar10/train.kwargs.root")->text, "/x");
    cr_expect_eq(at(&cfg, "train.set"), at(&cfg, "datasets.cifar10/train"));
    td__config_free(&cfg);
}

Test(set, an_alias_is_changed_in_its_place_only)
{
    td__config cfg = with("train.stage2.deep.x=2");
    cr_expect_eq(at(&cfg, "train.stage1.deep.x")->i, 1);
    cr_expect_eq(at(&cfg, "train.stage2.deep.x")->i, 2);
    cr_expect_eq(at(&cfg, "train.stage3.deep.x")->i, 1);
    td__config_free(&cfg);
    cfg = with("train.stage3.deep.x=2");
    cr_expect_eq(at(&cfg, "train.stage1.deep.x")->i, 1);
    cr_expect_eq(at(&cfg, "train.stage3.deep.x")->i, 2);
    td__config_free(&cfg);
    cfg = with("datasets.v1.0/val.n=5");
    cr_expect_eq(at(&cfg, "datasets.v1.0/val.n")->i, 5);
    cr_expect_eq(at(&cfg, "_n")->i, 10);
    td__config_free(&cfg);
    cfg = with("train.stage1.deep.x=2");
    cr_expect_eq(at(&cfg, "train.stage2.deep.x")->i, 2);
    cr_expect_eq(at(&cfg, "train.stage3.deep.x")->i, 2);
    td__config_free(&cfg);
    cfg = with("+train.stage2.new=2");
    cr_expect_null(td__node_at(&cfg, "train.stage1.new"));
    cr_expect_eq(at(&cfg, "train.stage2.new")->i, 2);
    td__config_free(&cfg);
}

Test(set, arguments_of_calls)
{
    td__config cfg = with("datasets.cifar10/train.init.kwargs.root=/a");
    cr_expect_str_eq(at(&cfg, "datasets.cifar10/train.kwargs.root")->text, "/a");
    td__config_free(&cfg);
    cfg = with("datasets.cifar10/train.kwargs.train=false");
    cr_expect_eq(at(&cfg, "datasets.cifar10/train.kwargs.train")->i, 0);
    td__config_free(&cfg);
    cfg = with("+datasets.cifar10/train.kwargs.download=!join [a, b]");
    cr_expect_str_eq(at(&cfg, "datasets.cifar10/train.kwargs.download")->text, "ab");
    td__config_free(&cfg);
}

Test(set, mistakes)
{
    expect_wrong("train.num_epoch=1", "--set train.num_epoch=1: train has no 'num_epoch' (did you mean 'num_epochs'?)\n");
    expect_wrong("trian.num_epochs=1", "--set trian.num_epochs=1: the document has no 'trian' (did you mean 'train'?)\n");
    expect_wrong("train.milestones.2=1",
                 "--set train.milestones.2=1: train.milestones is a list of 2; '2' is no position in it (they start at 0)\n");
    expect_wrong("train.milestones.x.y=1",
                 "--set train.milestones.x.y=1: train.milestones is a list of 2; 'x' is no position in it (they start at 0)\n");
    expect_wrong("train.num_epochs.x=1", "--set train.num_epochs.x=1: train.num_epochs is an integer (1); there is nothing below it\n");
    expect_wrong("train.every=1", "--set train.every=1: train has no 'every'; --set +... makes a new key\n");
    expect_wrong("+train.a.b=1", "--set +train.a.b=1: train has no 'a'\n");
    expect_wrong("datasets.v1.0/vla.n=1", "--set datasets.v1.0/vla.n=1: datasets has no 'v1'\n");
    expect_wrong("datasets.cifar10/train.kwargs.rot=1",
                 "--set datasets.cifar10/train.kwargs.rot=1: datasets.cifar10/train.kwargs has no 'rot' (did you mean 'root'?)\n");
    expect_wrong("train.num_epochs", "--set train.num_epochs: it must look like train.num_epochs=1\n");
    expect_wrong("=1", "--set =1: it must look like train.num_epochs=1\n");
    expect_wrong("train.num_epochs=[1", "--set train.num_epochs=[1: did not find expected ',' or ']'\n");
}

Test(set, files_that_are_not_there)
{
    td__config cfg;
    cr_expect_eq(td__config_load(&cfg, "/nowhere/t.yaml", NULL, 0), -1);
    expect_said(&cfg, "/nowhere/t.yaml: No such file or directory\n");
    td__config_free(&cfg);
}

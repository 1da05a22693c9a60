#include "tests/config/config.h"

#include <unistd.h>

/* The document, tags evaluated, as YAML. */
static void expect_written(const char *text, const char *wanted)
{
    td__config cfg = parsed(text);
    char *got = written(cfg.root);
    cr_expect_str_eq(got, wanted);
    free(got);
    td__config_free(&cfg);
}

Test(tags, join_is_pythons_str)
{
    expect_written("_root: &root ~/data/\n"
                   "_n: &n 10\n"
                   "s: !join [*root, cifar, *n, -, 0x10, -, 1e-4, -, 1e-5, -, 100.0, -, 1.0e+16, -, yes, -, ~, '']\n",
                   "_root: ~/data/\n_n: 10\ns: ~/data/cifar10-16-0.0001-1e-05-100.0-1e+16-True-None\n");
    expect_written("!join [123456789012345678.0, ' ', 1e15, ' ', -0.0, ' ', 5e-324, ' ', 0.1, ' ', .inf, ' ', -1.5e+300]",
                   "1.2345678901234568e+17 1000000000000000.0 -0.0 5e-324 0.1 inf -1.5e+300\n");
    expect_written("a: !join []", "a: ''\n");
    expect_refused("a: !join x", "t.yaml:1:4: !join takes a list, not a string (\"x\")\n");
    expect_refused("a: !join [x, [y]]", "t.yaml:1:14: item 2 of !join is a list; it must be text or a number\n");
}

Test(tags, paths)
{
    setenv("HOME", "/home/me", 1);
    cr_assert_eq(chdir("/tmp"), 0);
    expect_written("[!pathjoin [~/a, b/, c], !pathjoin [a, /b, c], !expanduser ~/x, !abspath a/../b/./c//d, !abspath ~/.., !abspath /..]",
                   "[/home/me/a/b/c, /b/c, /home/me/x, /tmp/b/c/d, /home, /]\n");
    expect_refused("!expanduser [a]", "t.yaml:1:1: !expanduser takes a string, not a list\n");
}

Test(tags, calls_and_names)
{
    td__config cfg = parsed("- !import_call\n"
                            "  _name: &name cifar10\n"
                            "  _root: &root !join [~/, *name]\n"
                            "  key: torchvision.datasets.CIFAR10\n"
                            "  init:\n"
                            "    kwargs: {root: *root, train: True}\n"
                            "- !import_call {package: torch.nn, key: Linear, init: {args: [1, 2]}}\n"
                            "- !import_call {key: ToTensor, init: }\n"
                            "- !import_get {key: torch.utils.data.RandomSampler}\n"
                            "- !import_get {package: a.b, key: C}\n");
    cr_expect_eq(at(&cfg, "0")->kind, TD__CALL);
    cr_expect_str_eq(at(&cfg, "0")->text, "torchvision.datasets.CIFAR10");
    cr_expect_eq(at(&cfg, "0")->keys[0]->at.line, 4);
    cr_expect_null(at(&cfg, "0")->items[0]);
    cr_expect_str_eq(at(&cfg, "0.init.kwargs.root")->text, "~/cifar10");
    cr_expect_eq(at(&cfg, "0.kwargs.train")->kind, TD__BOOL);
    cr_expect_str_eq(at(&cfg, "1")->text, "torch.nn.Linear");
    cr_expect_eq(at(&cfg, "1.args.1")->i, 2);
    cr_expect_null(at(&cfg, "2")->items[1]);
    cr_expect_eq(at(&cfg, "3")->kind, TD__NAME);
    cr_expect_str_eq(at(&cfg, "3")->text, "torch.utils.data.RandomSampler");
    cr_expect_str_eq(at(&cfg, "4")->text, "a.b.C");
    td__config_free(&cfg);
    expect_refused("!import_call {init: {}}", "t.yaml:1:1: !import_call needs 'key'\n");
    expect_refused("!import_call [a]", "t.yaml:1:1: !import_call takes a mapping with 'key' and 'init', not a list\n");
    expect_refused("!import_call {key: 5}", "t.yaml:1:20: 'key' of !import_call is a string, not an integer (5)\n");
    expect_refused("!import_call {key: a, init: [b]}",
                   "t.yaml:1:29: 'init' is a mapping with 'args' and 'kwargs', not a list\n");
    expect_refused("!import_call {key: a, init: {kwarg: {}}}",
                   "t.yaml:1:30: unknown key 'kwarg' in 'init' (did you mean 'kwargs'?)\n");
    expect_refused("!import_call {key: a, init: {args: {}, kwargs: []}}",
                   "t.yaml:1:36: 'args' is a list, not a mapping\nt.yaml:1:48: 'kwargs' is a mapping, not a list\n");
}

Test(tags, keys_upstream_ignores)
{
    td__config cfg;
    const char *text = "!import_call {key: a, inti: {}, name: x, _key: y}";
    cr_assert_eq(td__config_parse(&cfg, "t.yaml", text, strlen(text)), 0);
    expect_said(&cfg, "t.yaml:1:23: warning: 'inti' means nothing to !import_call (did you mean 'init'?)\n");
    td__config_free(&cfg);
}

Test(tags, getattr)
{
    td__config cfg = parsed("_w: &w !import_get {key: torchvision.models.resnet.ResNet34_Weights}\n"
                            "weights: !getattr [*w, IMAGENET1K_V1]\n"
                            "map: &m {a: &a [1], b: 2}\n"
                            "entry: !getattr [*m, a]\n"
                            "fallback: !getattr [*m, c, 7]\n");
    td__node *weights = at(&cfg, "weights");
    cr_expect_eq(weights->kind, TD__ATTR);
    cr_expect_str_eq(weights->text, "IMAGENET1K_V1");
    cr_expect_eq(weights->items[0], at(&cfg, "_w"));
    cr_expect_eq(at(&cfg, "entry"), at(&cfg, "map.a"));
    cr_expect_eq(at(&cfg, "fallback")->i, 7);
    td__config_free(&cfg);
    expect_refused("[&m {alpha: 1}, !getattr [*m, alhpa]]", "t.yaml:1:31: !getattr: there is no 'alhpa' (did you mean 'alpha'?)\n");
    expect_refused("!getattr [5, a]", "t.yaml:1:11: !getattr needs an object or a mapping, not an integer (5)\n");
    expect_refused("!getattr [a]", "t.yaml:1:1: !getattr takes a list [object, name] or [object, name, default], not a list\n");
    expect_refused("!getattr [{}, 5]", "t.yaml:1:15: the name for !getattr is a string, not an integer (5)\n");
}

Test(tags, access_by_index_or_key)
{
    td__config cfg = parsed("split: &s !import_call {key: split_dataset}\n"
                            "list: &l [a, &b [b]]\n"
                            "train: !access_by_index_or_key {data: *s, index_or_key: 0}\n"
                            "last: &last !access_by_index_or_key {data: *l, index_or_key: -1}\n"
                            "again: *last\n"
                            "key: !access_by_index_or_key {data: {x: 5}, index_or_key: x}\n");
    cr_expect_eq(at(&cfg, "train")->kind, TD__INDEX);
    cr_expect_str_eq(at(&cfg, "train")->text, "0");
    cr_expect_eq(at(&cfg, "train")->items[0], at(&cfg, "split"));
    cr_expect_eq(at(&cfg, "last"), at(&cfg, "list.1"));
    cr_expect_eq(at(&cfg, "again"), at(&cfg, "list.1"));
    cr_expect_eq(at(&cfg, "key")->i, 5);
    td__config_free(&cfg);
    expect_refused("!access_by_index_or_key {data: [a], index_or_key: 1}",
                   "t.yaml:1:51: !access_by_index_or_key: there is no item 1 in a list of 1\n");
    expect_refused("!access_by_index_or_key {data: [a]}", "t.yaml:1:1: !access_by_index_or_key needs 'index_or_key'\n");
    expect_refused("!access_by_index_or_key {data: x, index_or_key: 1}",
                   "t.yaml:1:32: 'data' of !access_by_index_or_key cannot be a string (\"x\")\n");
    expect_refused("!access_by_index_or_key {data: [a], index_or_key: x}",
                   "t.yaml:1:51: 'index_or_key' of !access_by_index_or_key cannot be a string (\"x\")\n");
}

Test(tags, methods_are_kept)
{
    td__config cfg = parsed("- !call_method {obj: 1, method_name: f}\n- !setattr [a, b, c]\n- !import_call_method {package: a.b, method_name: c}\n");
    cr_expect_eq(at(&cfg, "0")->kind, TD__METHOD);
    cr_expect_str_eq(at(&cfg, "0")->text, "!call_method");
    cr_expect_str_eq(td__node_get(at(&cfg, "0")->items[0], "method_name")->text, "f");
    cr_expect_eq(at(&cfg, "1")->items[0]->n, 3);
    cr_expect_eq(at(&cfg, "2")->kind, TD__METHOD);
    td__config_free(&cfg);
    expect_refused("!call_method [a]", "t.yaml:1:1: !call_method takes a mapping, not a list\n");
    expect_refused("!setattr a", "t.yaml:1:1: !setattr takes a list [object, name, value], not a string (\"a\")\n");
}

Test(tags, unknown)
{
    expect_refused("a: !import_cal {key: x}", "t.yaml:1:4: unknown tag '!import_cal' (did you mean '!import_call'?)\n");
    expect_refused("a: !!python/object:os.system x", "t.yaml:1:4: unknown tag 'tag:yaml.org,2002:python/object:os.system'\n");
}

Test(tags, computed_keys)
{
    expect_written("_n: &n 10\n_k: &k !join [a, *n]\n*k : 1\n!join [b, *n]: 2\n", "_n: 10\n_k: a10\na10: 1\nb10: 2\n");
    expect_refused("a1: 1\n!join [a, 1]: 2", "t.yaml:2:1: 'a1' is given twice, first on line 1\n");
    expect_refused("!getattr [{a: [1]}, a]: 2", "t.yaml:1:15: a key is text, not a list\n");
    expect_refused("_: &x !join {}\n*x : 2", "t.yaml:1:4: !join takes a list, not a mapping\nt.yaml:1:4: a key is text, not null\n");
}

Test(tags, joins_of_joins_do_not_fill_the_memory)
{
    char yaml[2048] = "a0: &a0 !join [xxxxxxxxxxxxxxxx]\n";
    for (int i = 1; i < 24; i++)
        snprintf(yaml + strlen(yaml), sizeof yaml - strlen(yaml), "a%d: &a%d !join [*a%d, *a%d]\n", i, i, i - 1, i - 1);
    cr_assert_lt(strlen(yaml), sizeof yaml - 1);
    expect_refused(yaml, "t.yaml:14:6: !join gives more than 65536 bytes\n");
}

Test(tags, all_mistakes_are_said)
{
    expect_refused("a: !join x\nb: !jion [y]\nc: *z\nd: 1\nd: 1\n",
                   "t.yaml:1:4: !join takes a list, not a string (\"x\")\n"
                   "t.yaml:2:4: unknown tag '!jion' (did you mean '!join'?)\n"
                   "t.yaml:3:4: alias 'z' has no anchor before it\n"
                   "t.yaml:5:1: 'd' is given twice, first on line 4\n");
}

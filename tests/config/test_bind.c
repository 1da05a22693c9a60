#include "tests/config/config.h"

#include <math.h>

#include "host/config/bind.h"

/* Binds a document by a table; what was said must be `message`.  Free the result. */
static td__config bind(const char *text, const char *owner, const td_param *table, uint32_t size, void *out, const char *message)
{
    td__config cfg;
    cr_assert_eq(td__config_parse(&cfg, "t.yaml", text, strlen(text)), 0);
    cr_expect_eq(td__bind(&cfg, cfg.root, owner, table, size, out), strstr(message, "t.yaml") && !strstr(message, "warning") ? -1 : 0);
    expect_said(&cfg, message);
    return cfg;
}

struct kd {
    td_tap student, teacher;
    double temperature, alpha;
    const char *reduction;
};
static const td_param kd_table[] = {
    TD_TAP_STUDENT(struct kd, student, "student_module_path", "student_module_io", "."),
    TD_TAP_TEACHER(struct kd, teacher, "teacher_module_path", "teacher_module_io", NULL),
    TD_PARAM_FLOAT(struct kd, temperature, NULL, "softens both distributions", .min = 1e-6),
    TD_PARAM_FLOAT(struct kd, alpha, "null", "weight of the hard loss", .flags = TD_NULLABLE, .max = 1),
    TD_PARAM_STRING(struct kd, reduction, "batchmean", "how losses become one", .choices = "mean|sum|batchmean"),
    TD_PARAM_END};

static void kd_says(const char *text, const char *message)
{
    struct kd p;
    td__config cfg = bind(text, "KDLoss", kd_table, sizeof p, &p, message);
    td__config_free(&cfg);
}

Test(bind, kd)
{
    struct kd p;
    td__config cfg = bind("{temperature: 4, student_module_io: input, teacher_module_path: 1.0, _note: x}", "KDLoss", kd_table,
                          sizeof p, &p, "");
    cr_expect_eq(p.temperature, 4);
    cr_expect(isnan(p.alpha));
    cr_expect_str_eq(p.student.path, ".");
    cr_expect_eq(p.student.io, TD_INPUT);
    cr_expect_eq(p.student.side, TD_STUDENT);
    cr_expect_str_eq(p.teacher.path, "1.0"); /* a Sequential's first child's first child, not a number */
    cr_expect_eq(p.teacher.io, TD_OUTPUT);
    cr_expect_eq(p.teacher.side, TD_TEACHER);
    cr_expect_str_eq(p.reduction, "batchmean");
    td__config_free(&cfg);
}

Test(bind, mistakes)
{
    kd_says("temperature: 1\nteacher_module_path: .\ntempreature: 4\n",
            "t.yaml:3:1: unknown key 'tempreature' in KDLoss (did you mean 'temperature'?)\n");
    kd_says("{teacher_module_path: ., temperature: hot}",
            "t.yaml:1:39: 'temperature' in KDLoss is a number, not a string (\"hot\")\n");
    kd_says("  teacher_module_path: fc\n", "t.yaml:1:3: KDLoss needs 'temperature' (softens both distributions)\n");
    kd_says("{teacher_module_path: ., temperature: 0}", "t.yaml:1:39: 'temperature' in KDLoss is 0; it must be at least 1e-06\n");
    kd_says("{teacher_module_path: ., temperature: .nan}",
            "t.yaml:1:39: 'temperature' in KDLoss is .nan; it must be at least 1e-06\n");
    kd_says("{teacher_module_path: ., temperature: 1, alpha: 1.5}",
            "t.yaml:1:49: 'alpha' in KDLoss is 1.5; it must be from 0 to 1\n");
    kd_says("{teacher_module_path: ., temperature: null}", "t.yaml:1:39: 'temperature' in KDLoss may not be null\n");
    kd_says("{teacher_module_path: ., temperature: 1, reduction: man}",
            "t.yaml:1:53: 'reduction' in KDLoss is 'man'; it may be mean, sum or batchmean (did you mean 'mean'?)\n");
    kd_says("{teacher_module_path: [], temperature: 1, teacher_module_io: both}",
            "t.yaml:1:23: 'teacher_module_path' in KDLoss is a module path, not a list\n"
            "t.yaml:1:62: 'teacher_module_io' in KDLoss is 'both'; it may be input or output\n");
    kd_says("[1]", "t.yaml:1:1: KDLoss is a mapping, not a list\nt.yaml:1:1: KDLoss needs 'teacher_module_path' (path of the tapped module)\n"
                   "t.yaml:1:1: KDLoss needs 'temperature' (softens both distributions)\n");
}

/* Every type that needs no registry. */
struct all {
    int64_t i, none;
    double f, nothing;
    int32_t b;
    const char *s, *file, *no_file;
    td_ints ints;
    td_floats floats;
    td_strings strings;
    struct inner { int64_t x; double y; } inner, no_inner;
    td_list list, map, numbers;
};
static const td_param inner_table[] = {TD_PARAM_INT(struct inner, x, NULL, "place"), TD_PARAM_FLOAT(struct inner, y, "0.5", "size"),
                                       TD_PARAM_END};
static const td_param all_table[] = {
    TD_PARAM_INT(struct all, i, "3", "count", .min = 1, .max = 10), TD_PARAM_INT(struct all, none, "null", NULL, .flags = TD_NULLABLE),
    TD_PARAM_FLOAT(struct all, f, "1e-4", "rate"), TD_PARAM_FLOAT(struct all, nothing, "null", NULL, .flags = TD_NULLABLE),
    TD_PARAM_BOOL(struct all, b, "yes", "switch"), TD_PARAM_STRING(struct all, s, "'1'", "text"),
    TD_PARAM_FILE(struct all, file, "~/x", "path"), TD_PARAM_FILE(struct all, no_file, "null", NULL, .flags = TD_NULLABLE),
    TD_PARAM_INTS(struct all, ints, "[1, 2]", "sizes", .min = 1), TD_PARAM_FLOATS(struct all, floats, "[]", "rates"),
    TD_PARAM_STRINGS(struct all, strings, "x", "names", .choices = "x|y"),
    TD_PARAM_STRUCT(struct all, inner, inner_table, sizeof(struct inner), "{x: 7}", "one"),
    TD_PARAM_STRUCT(struct all, no_inner, inner_table, sizeof(struct inner), "null", "none", .flags = TD_NULLABLE),
    TD_PARAM_LIST(struct all, list, inner_table, sizeof(struct inner), "[]", "many"),
    TD_PARAM_MAP(struct all, map, inner_table, sizeof(struct inner), "{}", "named"),
    TD_PARAM_FLOAT_MAP(struct all, numbers, "{}", "weights"), TD_PARAM_UNUSED("device", "the host's matter"), TD_PARAM_END};

static td__config bind_all(const char *text, struct all *p, const char *message)
{
    return bind(text, "All", all_table, sizeof *p, p, message);
}

Test(types, defaults)
{
    setenv("HOME", "/home/me", 1);
    struct all p;
    td__config cfg = bind_all("{}", &p, "");
    cr_expect_eq(p.i, 3);
    cr_expect_eq(p.none, TD_NONE_INT);
    cr_expect_eq(p.f, 1e-4);
    cr_expect(isnan(p.nothing));
    cr_expect_eq(p.b, 1);
    cr_expect_str_eq(p.s, "1");
    cr_expect_str_eq(p.file, "/home/me/x");
    cr_expect_null(p.no_file);
    cr_expect(p.ints.n == 2 && p.ints.v[0] == 1 && p.ints.v[1] == 2);
    cr_expect_eq(p.floats.n, 0);
    cr_expect(p.strings.n == 1 && !strcmp(p.strings.v[0], "x"));
    cr_expect(p.inner.x == 7 && p.inner.y == 0.5);
    cr_expect(p.no_inner.x == 0 && p.no_inner.y == 0);
    cr_expect(p.list.n == 0 && p.map.n == 0 && p.numbers.n == 0);
    td__config_free(&cfg);
}

Test(types, values)
{
    struct all p;
    td__config cfg = bind_all("{i: 10, none: 5, f: 2, nothing: -1e3, b: off, s: hello, file: /a, no_file: b, ints: 4, floats: [1, .5],\n"
                              " strings: [y, x], inner: {x: 1, y: 2}, no_inner: {x: 9}, list: [{x: 1}, {x: 2, y: 3}],\n"
                              " map: {zz: {x: 1}, aa: {x: 2}}, numbers: {b: 1, a: 2.5}, device: [whatever]}", &p, "");
    cr_expect(p.i == 10 && p.none == 5 && p.f == 2 && p.nothing == -1000 && p.b == 0);
    cr_expect_str_eq(p.s, "hello");
    cr_expect_str_eq(p.file, "/a");
    cr_expect_str_eq(p.no_file, "b");
    cr_expect(p.ints.n == 1 && p.ints.v[0] == 4);
    cr_expect(p.floats.n == 2 && p.floats.v[0] == 1 && p.floats.v[1] == .5);
    cr_expect(p.strings.n == 2 && !strcmp(p.strings.v[0], "y"));
    cr_expect(p.inner.x == 1 && p.inner.y == 2 && p.no_inner.x == 9 && p.no_inner.y == .5);
    const struct inner *list = p.list.v, *map = p.map.v;
    const double *numbers = p.numbers.v;
    cr_expect(p.list.n == 2 && list[0].x == 1 && list[0].y == .5 && list[1].y == 3 && !p.list.keys);
    cr_expect(p.map.n == 2 && map[0].x == 1 && map[1].x == 2);
    cr_expect_str_eq(p.map.keys[0], "zz"); /* document order */
    cr_expect_str_eq(p.map.keys[1], "aa");
    cr_expect(p.numbers.n == 2 && numbers[0] == 1 && numbers[1] == 2.5 && !strcmp(p.numbers.keys[0], "b"));
    td__config_free(&cfg);
}

Test(types, mistakes)
{
    static const char *const cases[][2] = {
        {"i: 1.0", "t.yaml:1:4: 'i' in All is an integer, not a number (1.0)\n"},
        {"i: yes", "t.yaml:1:4: 'i' in All is an integer, not a boolean (yes)\n"},
        {"i: 11", "t.yaml:1:4: 'i' in All is 11; it must be from 1 to 10\n"},
        {"f: yes", "t.yaml:1:4: 'f' in All is a number, not a boolean (yes)\n"},
        {"f: '1'", "t.yaml:1:4: 'f' in All is a number, not a string (\"1\")\n"},
        {"b: 1", "t.yaml:1:4: 'b' in All is a boolean (true or false), not an integer (1)\n"},
        {"s: 5", "t.yaml:1:4: 's' in All is a string, not an integer (5)\n"},
        {"s: [a]", "t.yaml:1:4: 's' in All is a string, not a list\n"},
        {"s: !call_method {obj: a}", "t.yaml:1:4: 's' in All is a string, not the result of a method (!call_method)\n"},
        {"file: {}", "t.yaml:1:7: 'file' in All is a path, not a mapping\n"},
        {"ints: [1, x, 2.5]", "t.yaml:1:11: element 2 of 'ints' in All is an integer, not a string (\"x\")\n"
                              "t.yaml:1:14: element 3 of 'ints' in All is an integer, not a number (2.5)\n"},
        {"ints: [1, 0]", "t.yaml:1:11: element 2 of 'ints' in All is 0; it must be at least 1\n"},
        {"ints: {}", "t.yaml:1:7: 'ints' in All is a list of integers, not a mapping\n"},
        {"ints: x", "t.yaml:1:7: 'ints' in All is an integer, not a string (\"x\")\n"},
        {"ints: null", "t.yaml:1:7: 'ints' in All may not be null\n"},
        {"ints: [null]", "t.yaml:1:8: element 1 of 'ints' in All is an integer, not null\n"},
        {"strings: [x, z]", "t.yaml:1:14: element 2 of 'strings' in All is 'z'; it may be x or y\n"},
        {"inner: [1]", "t.yaml:1:8: inner of All is a mapping, not a list\nt.yaml:1:8: inner of All needs 'x' (place)\n"},
        {"inner: {x: 1, z: 2}", "t.yaml:1:15: unknown key 'z' in inner of All (it has 'x' and 'y')\n"},
        {"list: {x: 1}", "t.yaml:1:7: 'list' in All is a list, not a mapping\n"},
        {"list: [{x: 1}, {y: 1}]", "t.yaml:1:16: list[1] of All needs 'x' (place)\n"},
        {"map: [1]", "t.yaml:1:6: 'map' in All is a mapping, not a list\n"},
        {"map: {pair1: {x: a}}", "t.yaml:1:18: 'x' in map.pair1 of All is an integer, not a string (\"a\")\n"},
        {"numbers: {a: b}", "t.yaml:1:14: 'numbers.a' in All is a number, not a string (\"b\")\n"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct all p;
        td__config cfg = bind_all(cases[i][0], &p, cases[i][1]);
        td__config_free(&cfg);
    }
}

Test(types, names_and_attributes_are_text)
{
    struct all p;
    td__config cfg = bind_all("_w: &w !import_get {key: torchvision.models.resnet.ResNet34_Weights}\ns: !getattr [*w, IMAGENET1K_V1]\n", &p, "");
    cr_expect_str_eq(p.s, "ResNet34_Weights.IMAGENET1K_V1");
    td__config_free(&cfg);
    cfg = bind_all("s: !import_get {key: torch.nn.ReLU}", &p, "");
    cr_expect_str_eq(p.s, "torch.nn.ReLU");
    td__config_free(&cfg);
}

/* Elements that are no mappings, numbers as text. */
struct plain { td_list names; td_strings padding; };
static const td_param plain_name[] = {{.name = "", .type = TD_P_STRING, .doc = "a name", .choices = "x|y"}, TD_PARAM_END};
static const td_param plain_table[] = {
    TD_PARAM_LIST(struct plain, names, plain_name, sizeof(char *), "[]", "names"),
    TD_PARAM_STRINGS(struct plain, padding, "0", "lengths or 'same'", .flags = TD_AS_WRITTEN), TD_PARAM_END};

Test(types, plain_elements)
{
    struct plain p;
    td__config cfg = bind("{names: [y, x], padding: [1, same, 0x10]}", "Plain", plain_table, sizeof p, &p, "");
    const char *const *names = p.names.v;
    cr_expect(p.names.n == 2 && !strcmp(names[0], "y") && !strcmp(names[1], "x"));
    cr_expect(p.padding.n == 3 && !strcmp(p.padding.v[0], "1") && !strcmp(p.padding.v[1], "same") && !strcmp(p.padding.v[2], "0x10"));
    td__config_free(&cfg);
    cfg = bind("{}", "Plain", plain_table, sizeof p, &p, "");
    cr_expect(p.names.n == 0 && p.padding.n == 1 && !strcmp(p.padding.v[0], "0"));
    td__config_free(&cfg);
    cfg = bind("{names: [z], padding: [yes]}", "Plain", plain_table, sizeof p, &p,
               "t.yaml:1:10: 'names[0]' in Plain is 'z'; it may be x or y\n"
               "t.yaml:1:24: element 1 of 'padding' in Plain is a string, not a boolean (yes)\n");
    td__config_free(&cfg);
}

/* SimpleLossWrapper's two forms. */
struct side {
    td_tap tap;
    int32_t is_from_teacher, uses_label;
};
static const td_param side_table[] = {
    TD_TAP_EITHER(struct side, tap, "module_path", "io", "null"), TD_PARAM_BOOL(struct side, is_from_teacher, "false", "whose"),
    TD_PARAM_BOOL(struct side, uses_label, "false", "the label instead"), TD_PARAM_END};
struct simple { struct side input, target; td_list pairs; };
struct pair { td_tap student, teacher; double weight; };
static const td_param pair_table[] = {
    TD_PARAM_TAP(struct pair, student, td_student_tap, "the student's"), TD_PARAM_TAP(struct pair, teacher, td_teacher_tap, "the teacher's"),
    TD_PARAM_FLOAT(struct pair, weight, "1", "factor"), TD_PARAM_END};
static const td_param simple_table[] = {
    TD_PARAM_STRUCT(struct simple, input, side_table, sizeof(struct side), NULL, "trained"),
    TD_PARAM_STRUCT(struct simple, target, side_table, sizeof(struct side), NULL, "wanted"),
    TD_PARAM_MAP(struct simple, pairs, pair_table, sizeof(struct pair), "{}", "more"), TD_PARAM_END_OPEN};

static void add_tap(const td_tap *tap, void *user)
{
    char *all = user;
    sprintf(all + strlen(all), "%s:%s:%s ", tap->path, tap->io == TD_INPUT ? "in" : "out", tap->side == TD_TEACHER ? "teacher" : "student");
}

Test(taps, sides)
{
    struct side side_defaults;
    struct simple p;
    char taps[200] = "";
    td__config cfg = bind("input: {is_from_teacher: True, module_path: layer4, io: input}\n"
                          "target: {uses_label: True}\n"
                          "pairs:\n"
                          "  a: {student: {path: s1, io: input}, teacher: {path: t1}}\n"
                          "  b: {student: {path: s2}, teacher: {path: t2, io: output}, weight: 2}\n",
                          "SimpleLossWrapper", simple_table, sizeof p, &p, "");
    cr_expect_eq(p.target.uses_label, 1);
    cr_expect_null(p.target.tap.path);
    td__bind_taps(simple_table, &p, add_tap, taps);
    cr_expect_str_eq(taps, "layer4:in:teacher s1:in:student t1:out:teacher s2:out:student t2:out:teacher ");
    td__config_free(&cfg);
    cfg = bind("{module_path: fc}", "X", side_table, sizeof side_defaults, &side_defaults, "");
    cr_expect_eq(side_defaults.tap.side, TD_STUDENT);
    cr_expect_eq(side_defaults.tap.io, TD_OUTPUT);
    td__config_free(&cfg);
}

Test(taps, a_path_alone_is_the_output_unless_flagged)
{
    struct two { td_tap a, b; } p;
    static const td_param table[] = {TD_TAP_PATH(struct two, a, "a", "x", TD_SIDE_TEACHER, "output"),
                                     TD_TAP_PATH(struct two, b, "b", "y", TD_SIDE_STUDENT | TD_TAP_INPUT, "input"), TD_PARAM_END};
    td__config cfg = bind("{}", "X", table, sizeof p, &p, "");
    cr_expect(p.a.io == TD_OUTPUT && p.a.side == TD_TEACHER && p.b.io == TD_INPUT && p.b.side == TD_STUDENT);
    td__config_free(&cfg);
}

Test(open, further_names_are_noted)
{
    struct simple p;
    td__config cfg = bind("{input: {}, target: {}, extra: 1}", "SimpleLossWrapper", simple_table, sizeof p, &p,
                          "t.yaml:1:25: warning: 'extra' has no effect in SimpleLossWrapper\n");
    td__config_free(&cfg);
    cfg = bind("{input: {}, target: {}, taget: {}}", "SimpleLossWrapper", simple_table, sizeof p, &p,
               "t.yaml:1:25: unknown key 'taget' in SimpleLossWrapper (did you mean 'target'?)\n");
    td__config_free(&cfg);
}

Test(args, by_position)
{
    struct inner p;
    td__config cfg = parsed("[[5, 2.5], [1], {y: 3}, [1, 2, 3], {x: 1}]");
    td__node **v = cfg.root->items;
    cr_expect_eq(td__bind_call(&cfg, v[0], NULL, "F", cfg.root->at, inner_table, sizeof p, &p), 0);
    cr_expect(p.x == 5 && p.y == 2.5);
    cr_expect_eq(td__bind_call(&cfg, v[1], v[2], "F", cfg.root->at, inner_table, sizeof p, &p), 0);
    cr_expect(p.x == 1 && p.y == 3);
    cr_expect_eq(td__bind_call(&cfg, v[3], NULL, "F", cfg.root->at, inner_table, sizeof p, &p), -1);
    cr_expect_eq(td__bind_call(&cfg, v[1], v[4], "F", cfg.root->at, inner_table, sizeof p, &p), -1);
    expect_said(&cfg, "t.yaml:1:32: F takes at most 2 arguments, not 3\n"
                      "t.yaml:1:37: 'x' in F is given twice: as argument 1 and by name\n");
    td__config_free(&cfg);
}

Test(text, layer_arguments)
{
    struct inner p;
    char why[200] = "";
    td__config cfg = parsed("a: 1");
    cr_expect_eq(td__bind_text(&cfg, "{x: 3}", "Conv2d", inner_table, sizeof p, &p, why, sizeof why), 0);
    cr_expect(p.x == 3 && p.y == .5);
    cr_expect_eq(td__bind_text(&cfg, "{x: 3, yy: 4}", "Conv2d", inner_table, sizeof p, &p, why, sizeof why), -1);
    cr_expect_str_eq(why, "unknown key 'yy' in Conv2d (did you mean 'y'?)");
    cr_expect_eq(td__bind_text(&cfg, "", "Conv2d", inner_table, sizeof p, &p, why, sizeof why), -1);
    cr_expect_str_eq(why, "Conv2d needs 'x' (place)");
    cr_expect_eq(td__bind_text(&cfg, "{x: 3", "Conv2d", inner_table, sizeof p, &p, why, sizeof why), -1);
    cr_expect_str_eq(why, "did not find expected ',' or '}'");
    expect_said(&cfg, ""); /* the user's file is not to blame */
    td__config_free(&cfg);
}

Test(describe, table)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    td__print_params(simple_table, 2, out);
    td__print_params(all_table, 0, out);
    fclose(out);
    cr_expect_str_eq(text, "  input: mapping, required                          trained\n"
                           "      module_path: module path or null = null       path of the tapped module\n"
                           "      io: input|output = output                     which end of that module\n"
                           "      is_from_teacher: boolean = false              whose\n"
                           "      uses_label: boolean = false                   the label instead\n"
                           "  target: mapping, required                         wanted\n"
                           "      module_path: module path or null = null       path of the tapped module\n"
                           "      io: input|output = output                     which end of that module\n"
                           "      is_from_teacher: boolean = false              whose\n"
                           "      uses_label: boolean = false                   the label instead\n"
                           "  pairs: mapping of names to mappings = {}          more\n"
                           "      student: mapping, required                    the student's\n"
                           "          path: module path, required               path of the tapped module\n"
                           "          io: input|output = output                 which end of that module\n"
                           "      teacher: mapping, required                    the teacher's\n"
                           "          path: module path, required               path of the tapped module\n"
                           "          io: input|output = output                 which end of that module\n"
                           "      weight: number = 1                            factor\n"
                           "  (further names are accepted and have no effect)\n"
                           "i: integer from 1 to 10 = 3                         count\n"
                           "none: integer or null = null\n"
                           "f: number = 1e-4                                    rate\n"
                           "nothing: number or null = null\n"
                           "b: boolean = yes                                    switch\n"
                           "s: string = '1'                                     text\n"
                           "file: path = ~/x                                    path\n"
                           "no_file: path or null = null\n"
                           "ints: list of integers of at least 1 = [1, 2]       sizes\n"
                           "floats: list of numbers = []                        rates\n"
                           "strings: x|y = x                                    names\n"
                           "inner: mapping = {x: 7}                             one\n"
                           "    x: integer, required                            place\n"
                           "    y: number = 0.5                                 size\n"
                           "no_inner: mapping or null = null                    none\n"
                           "    x: integer, required                            place\n"
                           "    y: number = 0.5                                 size\n"
                           "list: list of mappings = []                         many\n"
                           "    x: integer, required                            place\n"
                           "    y: number = 0.5                                 size\n"
                           "map: mapping of names to mappings = {}              named\n"
                           "    x: integer, required                            place\n"
                           "    y: number = 0.5                                 size\n"
                           "numbers: mapping of names to numbers = {}           weights\n"
                           "device: ignored                                     the host's matter\n");
    free(text);
}

#include "tests/config/config.h"

#include <math.h>

#include "tests/paths.h"

/* scalars.txt holds what PyYAML 6.0.3's FullLoader makes of 300 plain scalars (scalars.py), except that what YAML 1.2
 * calls a number is one. */
Test(scalars, as_pyyaml)
{
    char *path = source_path("tests/config/scalars.txt"), text[80], kind[16], value[64];
    FILE *in = fopen(path, "r");
    cr_assert(in);
    int n = 0;
    for (; fscanf(in, "%77s %15s %63s", text + 1, kind, value) == 3; n++) {
        text[0] = '[';
        strcat(text, "]");
        td__config cfg = parsed(text);
        const td__node *node = cfg.root->items[0];
        const char *names[] = {[TD__NULL] = "null", [TD__BOOL] = "bool", [TD__INT] = "int", [TD__FLOAT] = "float", [TD__STRING] = "string"};
        double wanted = strtod(value, NULL);
        cr_expect_str_eq(names[node->kind], kind, "%s", text);
        if (node->kind == TD__BOOL || node->kind == TD__INT)
            cr_expect_eq(node->i, (int64_t)wanted, "%s", text);
        if (node->kind == TD__INT || node->kind == TD__FLOAT)
            cr_expect(node->f == wanted || (isnan(node->f) && isnan(wanted)), "%s is %g", text, node->f);
        td__config_free(&cfg);
    }
    cr_expect_eq(n, 307);
    fclose(in);
    free(path);
}

Test(scalars, numbers_as_people_write_them)
{
    td__config cfg = parsed("[1e-4, 5E5, 1.0e3, -.5, '1e-4', 9223372036854775807, -9223372036854775807]");
    cr_expect_eq(cfg.root->items[0]->f, 1e-4);
    cr_expect_eq(cfg.root->items[1]->f, 5e5);
    cr_expect_eq(cfg.root->items[2]->f, 1000);
    cr_expect_eq(cfg.root->items[3]->f, -.5);
    cr_expect_eq(cfg.root->items[4]->kind, TD__STRING);
    cr_expect_eq(cfg.root->items[5]->i, INT64_MAX);
    cr_expect_eq(cfg.root->items[6]->i, -INT64_MAX);
    td__config_free(&cfg);
}

Test(scalars, explicit_tags)
{
    td__config cfg = parsed("[!!str 5, !!int '5', !!float 5, !!bool yes, !!null '', !!python/tuple [1], ! 5]");
    char *text = written(cfg.root);
    cr_expect_str_eq(text, "- '5'\n- 5\n- 5\n- yes\n- null\n- [1]\n- 5\n");
    cr_expect_eq(cfg.root->items[2]->kind, TD__FLOAT);
    free(text);
    td__config_free(&cfg);
    expect_refused("a: !!int x", "t.yaml:1:4: \"x\" is not an integer\n");
}

Test(scalars, integers_that_do_not_fit)
{
    expect_refused("a: 9223372036854775808", "t.yaml:1:4: 9223372036854775808 does not fit into 64 bits\n");
}

Test(anchors, aliases_are_the_same_node)
{
    td__config cfg = parsed("datasets:\n"
                            "  &train cifar10/train: &set !import_call {key: CIFAR10}\n"
                            "again: {*train : *set, id: *train}\n"
                            "list: [*set, *set]\n");
    td__node *set = at(&cfg, "datasets.cifar10/train");
    cr_expect_eq(set->kind, TD__CALL);
    cr_expect_eq(at(&cfg, "again.cifar10/train"), set);
    cr_expect_eq(at(&cfg, "list.0"), set);
    cr_expect_eq(at(&cfg, "list.1"), set);
    cr_expect_str_eq(at(&cfg, "again.id")->text, "cifar10/train");
    cr_expect_eq(at(&cfg, "again.id"), at(&cfg, "datasets")->keys[0]);
    td__config_free(&cfg);
}

Test(anchors, mistakes)
{
    expect_refused("a: *b", "t.yaml:1:4: alias 'b' has no anchor before it\n");
    expect_refused("a: &x\n  b: [*x]\n", "t.yaml:2:7: alias 'x' is used inside its own anchor (line 1)\n");
    expect_refused("a: &x 1\nb: &x 2\n", "t.yaml:2:4: anchor 'x' is already used on line 1\n");
    expect_refused("? &k [a]\n: 1\n*k : 2\n", "t.yaml:1:3: a key is text, not a list\nt.yaml:3:1: a key is text, not a list\n");
}

Test(maps, duplicates_and_merges)
{
    expect_refused("a: 1\nb: 2\na: 3\n", "t.yaml:3:1: 'a' is given twice, first on line 1\n");
    expect_refused("<<: 5", "t.yaml:1:5: << takes a mapping or a list of mappings, not an integer (5)\n");
    td__config cfg = parsed("x: &x {a: 1, b: 2}\n"
                            "y: &y {b: 3, c: 4}\n"
                            "z: {<<: [*x, *y], c: 5, d: 6}\n"
                            "w: {d: 7, <<: *x, a: 8}\n"
                            "q: {'<<': 1}\n");
    char *z = written(at(&cfg, "z")), *w = written(at(&cfg, "w"));
    cr_expect_str_eq(z, "b: 2\nc: 5\na: 1\nd: 6\n"); /* the order Python's dict has, too */
    cr_expect_str_eq(w, "a: 8\nb: 2\nd: 7\n");
    cr_expect_eq(at(&cfg, "w.b"), at(&cfg, "x.b"));
    cr_expect_eq(at(&cfg, "q.<<")->i, 1);
    free(z);
    free(w);
    td__config_free(&cfg);
}

Test(text, mistakes)
{
    expect_refused("", "t.yaml: is empty\n");
    expect_refused("# nothing\n", "t.yaml: is empty\n");
    expect_refused("a: 1\n---\nb: 2\n", "t.yaml:2:1: a second document starts here; a configuration is one document\n");
    expect_refused("a:\n\tb: 1\n", "t.yaml:2:1: found character that cannot start any token (while scanning for the next token, line 2)\n");
    expect_refused("a: [1, 2\nb: 3\n", "t.yaml:2:2: did not find expected ',' or ']' (while parsing a flow sequence, line 1)\n");
    expect_refused("a: 'x\n", "t.yaml:2:1: found unexpected end of stream (while scanning a quoted scalar, line 1)\n");
    expect_refused("a: b\nc: d\xff\n", "t.yaml:2:5: invalid leading UTF-8 octet\n");
    expect_refused("a: \"x\\0y\"", "t.yaml:1:4: a string may not hold a NUL character\n");
}

Test(text, nesting_is_limited)
{
    char deep[1001], message[100];
    memset(deep, '[', 1000);
    deep[1000] = 0;
    snprintf(message, sizeof message, "t.yaml:1:%d: nested more than 200 levels deep\n", 201);
    expect_refused(deep, message);
    /* 300 levels by aliases, none of them deep in the text */
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    fputs("a0: &a0 [x]\n", out);
    for (int i = 1; i < 300; i++)
        fprintf(out, "a%d: &a%d [*a%d]\n", i, i, i - 1);
    fclose(out);
    td__config cfg;
    cr_assert_eq(td__config_parse(&cfg, "t.yaml", text, size), -1);
    cr_assert(strstr(cfg.diag.v[0].text, "nested more than 200 levels deep"));
    td__config_free(&cfg);
    free(text);
}

/* A thousand million strings if it were unrolled. */
Test(text, shared_nodes_stay_shared)
{
    td__config cfg = parsed("a: &a [x, x, x, x, x, x, x, x, x, x]\n"
                            "b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]\n"
                            "c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]\n"
                            "d: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c]\n"
                            "e: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d, *d]\n"
                            "f: &f [*e, *e, *e, *e, *e, *e, *e, *e, *e, *e]\n"
                            "g: &g [*f, *f, *f, *f, *f, *f, *f, *f, *f, *f]\n"
                            "h: &h [*g, *g, *g, *g, *g, *g, *g, *g, *g, *g]\n"
                            "i: &i [*h, *h, *h, *h, *h, *h, *h, *h, *h, *h]\n");
    char *text = written(cfg.root);
    cr_expect_lt(strlen(text), 2000);
    free(text);
    td__config_free(&cfg);
}

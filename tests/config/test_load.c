#include "tests/config/config.h"

#include <math.h>
#include <unistd.h>

/* The kinds and values PyYAML 6.0.3's FullLoader gives (tests/config/resolve.py), and 1e-4 and the like as numbers. */
Test(scalars, as_pyyaml)
{
    static const struct { const char *text; td__node_kind kind; double value; } cases[] = {
        {"~", TD__NULL, 0}, {"null", TD__NULL, 0}, {"Null", TD__NULL, 0}, {"nUll", TD__STRING, 0}, {"yes", TD__BOOL, 1},
        {"off", TD__BOOL, 0}, {"True", TD__BOOL, 1}, {"y", TD__STRING, 0}, {"tRue", TD__STRING, 0}, {"0", TD__INT, 0},
        {"-0", TD__INT, 0}, {"+12", TD__INT, 12}, {"1_000", TD__INT, 1000}, {"010", TD__INT, 8}, {"08", TD__STRING, 0},
        {"0o7", TD__STRING, 0}, {"0x1F", TD__INT, 31}, {"-0x1f", TD__INT, -31}, {"0b101", TD__INT, 5}, {"0b2", TD__STRING, 0},
        {"1:30", TD__INT, 90}, {"-1:30:05", TD__INT, -5405}, {"1:60", TD__STRING, 0}, {"01:30", TD__STRING, 0},
        {"1:30.5", TD__FLOAT, 90.5}, {"1.", TD__FLOAT, 1}, {"1.5", TD__FLOAT, 1.5}, {"-1_0.5", TD__FLOAT, -10.5},
        {"1.e+3", TD__FLOAT, 1000}, {"1.0e+3", TD__FLOAT, 1000}, {".5", TD__FLOAT, .5}, {".5e-1", TD__FLOAT, .05},
        {".", TD__STRING, 0}, {"._5", TD__STRING, 0}, {"-", TD__STRING, 0}, {"+", TD__STRING, 0}, {"1e", TD__STRING, 0},
        {"e4", TD__STRING, 0}, {".inf", TD__FLOAT, INFINITY}, {"-.INF", TD__FLOAT, -INFINITY}, {"inf", TD__STRING, 0},
        {"1-2", TD__STRING, 0}, {"2001-12-14", TD__STRING, 0}, {"1.2.3", TD__STRING, 0}, {"12abc", TD__STRING, 0},
        {"9223372036854775807", TD__INT, 9223372036854775807.0},
        /* not so in PyYAML: */
        {"1e-4", TD__FLOAT, 1e-4}, {"1e5", TD__FLOAT, 1e5}, {"1.0e3", TD__FLOAT, 1000}, {"-.5", TD__FLOAT, -.5},
        {"5E-05", TD__FLOAT, 5e-5}, {"'1e-4'", TD__STRING, 0}, {"\"5\"", TD__STRING, 0}, {"'null'", TD__STRING, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[64];
        snprintf(text, sizeof text, "[%s]", cases[i].text);
        td__config cfg = parsed(text);
        const td__node *n = cfg.root->items[0];
        cr_expect_eq(n->kind, cases[i].kind, "%s is %s", cases[i].text, td__node_kind_name(n));
        if (n->kind == TD__BOOL)
            cr_expect_eq(n->i, (int64_t)cases[i].value, "%s", cases[i].text);
        else
            cr_expect_eq(n->f, cases[i].value, "%s is %g", cases[i].text, n->f);
        td__config_free(&cfg);
    }
    td__config cfg = parsed("[.nan, -9223372036854775807]");
    cr_expect(isnan(cfg.root->items[0]->f));
    cr_expect_eq(cfg.root->items[1]->i, -INT64_MAX);
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

/* What the tests of host/config share. */
#ifndef TD_TESTS_CONFIG_H
#define TD_TESTS_CONFIG_H

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/config/node.h"

/* Everything a diag says, as the user sees it; malloc'ed. */
__attribute__((unused)) static char *said(const td__config *cfg)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    cr_assert(out);
    td__diag_print(&cfg->diag, out);
    cr_assert_eq(fclose(out), 0);
    return text;
}

__attribute__((unused)) static void expect_said(const td__config *cfg, const char *text)
{
    char *all = said(cfg);
    cr_assert_str_eq(all, text);
    free(all);
}

/* A document that must be fine. */
__attribute__((unused)) static td__config parsed(const char *text)
{
    td__config cfg;
    td__config_parse(&cfg, "t.yaml", text, strlen(text));
    expect_said(&cfg, "");
    cr_assert(cfg.root);
    return cfg;
}

/* A document that must be refused with this text. */
__attribute__((unused)) static void expect_refused(const char *text, const char *message)
{
    td__config cfg;
    cr_assert_eq(td__config_parse(&cfg, "t.yaml", text, strlen(text)), -1);
    expect_said(&cfg, message);
    td__config_free(&cfg);
}

/* The document as YAML; malloc'ed. */
__attribute__((unused)) static char *written(const td__node *n)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    cr_assert(out);
    cr_assert_eq(td__node_write(n, out), 0);
    cr_assert_eq(fclose(out), 0);
    return text;
}

__attribute__((unused)) static td__node *at(td__config *cfg, const char *path)
{
    td__node *n = td__node_at(cfg, path);
    cr_assert(n, "%s is not in the document", path);
    return n;
}

#endif

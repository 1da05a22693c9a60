/* What the tests of the data side share: plugins loaded from the build tree, data sets opened from YAML. */
#ifndef TESTS_DATA_H
#define TESTS_DATA_H

#include <criterion/criterion.h>
#include <string.h>

#include "host/backend/backend.h"
#include "host/data/functions.h"
#include "host/data/loader.h"
#include "host/plugin/plugins.h"
#include "tests/paths.h"

#define SEED 20

static td__plugins plugins;
static td__config config;
static td_ctx *ctx;

__attribute__((unused)) static void load_plugins(const char *const *relative, size_t n)
{
    char why[256];
    const td_backend_type *backend = td__backend_use(&td__reference_backend, why, sizeof why);
    cr_assert(backend, "%s", why);
    ctx = td__ctx_new(backend);
    cr_assert(ctx);
    cr_assert_eq(td__register_builtins(), 0);
    for (size_t i = 0; i < n; i++) {
        char *file = build_path(relative[i]);
        const char *const files[] = {file};
        cr_assert_eq(td__plugins_scan(&plugins, files, 1, NULL, 0), 0, "%s", file);
        free(file);
    }
    cr_assert_eq(td__plugins_load(&plugins), n);
}

__attribute__((unused)) static void unload(void)
{
    td__functions_use(NULL, 0);
    td__config_free(&config);
    td__ctx_free(ctx);
    td__plugins_free(&plugins);
    td__registry_clear();
}

/* Parses a document in the place of the one before; the data sets of that one must be released. */
__attribute__((unused)) static td__node *parse(const char *text)
{
    td__config_free(&config);
    memset(&config, 0, sizeof config);
    if (td__config_parse(&config, "t.yaml", text, strlen(text)))
        td__diag_print(&config.diag, stderr);
    cr_assert_eq(config.diag.errors, 0);
    return config.root;
}

/* The data set that YAML, formatted as by printf, describes; NULL and ctx fails. */
__attribute__((unused)) TD_PRINTF(1, 2) static td_dataset *try_open(const char *format, ...)
{
    char text[4096];
    va_list ap;
    va_start(ap, format);
    cr_assert_lt(vsnprintf(text, sizeof text, format, ap), (int)sizeof text);
    va_end(ap);
    return td__dataset_open(ctx, &config, parse(text), SEED);
}

/* The same where it must open. */
#define opened(...) must_open(try_open(__VA_ARGS__))
__attribute__((unused)) static td_dataset *must_open(td_dataset *d)
{
    cr_assert(d, "%s", ctx->error);
    return d;
}

/* ctx has failed for a reason that contains this; it is well again. */
#define expect_error(reason) \
    do { \
        cr_assert(ctx->error && strstr(ctx->error, reason), "'%s' is not in: %s", reason, ctx->error); \
        td__ctx_clear(ctx); \
    } while (0)

#endif

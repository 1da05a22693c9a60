/* Every plugin of this tree as a shared object and as a part of the program: the same in both forms. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

#include "host/plugin/plugins.h"

static td__plugins plugins;

static void stop(void)
{
    td__registry_clear();
    td__plugins_free(&plugins);
}

TestSuite(twins, .fini = stop);

static void load_shared(void)
{
    cr_assert(eq(int, td__register_builtins(), 0));
    cr_assert(eq(int, td__plugins_scan(&plugins, NULL, 0, (const char *[]){TD_BUILDDIR "/plugins"}, 1), 0));
    cr_assert(plugins.n > 0);
    size_t loaded = 0;
    td__plugins_load(&plugins);
    td__plugins_load_backends(&plugins, NULL);
    for (size_t i = 0; i < plugins.n; i++) {
        cr_expect(plugins.v[i]->refused == NULL, "%s: %s", plugins.v[i]->file, plugins.v[i]->refused);
        loaded += plugins.v[i]->loaded != 0;
    }
    cr_assert(eq(sz, loaded, plugins.n));
}

Test(twins, shared_objects_load) { load_shared(); }

Test(twins, static_plugins_load)
{
    cr_assert(eq(int, td__register_builtins(), 0));
    for (size_t i = 0; td__static_plugins[i]; i++)
        cr_expect(eq(int, td__plugin_load_static(&plugins, td__static_plugins[i]), 0), "%s", td__static_plugins[i]->manifest);
}

Test(twins, static_and_shared_say_the_same)
{
    load_shared();
    size_t n = 0, alone = 0;
    for (size_t i = 0; i < plugins.n; i++)
        alone += !strcmp(plugins.v[i]->id, "cuda"); /* nvcc compiles it, where there is one */
    for (; td__static_plugins[n]; n++) {
        td__plugin twin = {0};
        char why[256];
        int found = 0;
        const char *json = td__static_plugins[n]->manifest;
        cr_assert(eq(int, td__parse_manifest(json, strlen(json), &twin, why, sizeof why), 0), "%s", why);
        for (size_t i = 0; i < plugins.n; i++)
            found += !strcmp(plugins.v[i]->id, twin.id) && !strcmp(plugins.v[i]->provides, twin.provides) &&
                     !strcmp(plugins.v[i]->version, twin.version);
        cr_expect(eq(int, found, 1), "%s", twin.id);
        td__plugin_clear(&twin);
    }
    cr_assert(eq(sz, n + alone, plugins.n));
}

/* What people read in `describe` is there. */
Test(twins, everything_registered_has_a_summary)
{
    load_shared();
    const td__entry *e;
    for (size_t i = 0; (e = td__entry_at(i)); i++)
        cr_expect(e->type->summary && *e->type->summary, "%s %s", td__kind_name(e->kind), e->type->key);
}

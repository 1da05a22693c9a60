/* The SDK as compilers and linkers see it. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/plugin/plugins.h"
#include "tests/paths.h"

static int compiles(const char *compiler, const char *sdk, const char *file)
{
    char *command = td__printf("%s -Wall -Wextra -Werror -fsyntax-only -I%s %s", compiler, sdk, file);
    int rc = system(command);
    free(command);
    return rc == 0;
}

Test(sdk, every_header_compiles_alone)
{
    char *sdk = source_path("sdk/include"), *pattern = td__printf("%s/td/*.h", sdk);
    int cxx = !system("command -v c++ >/dev/null");
    glob_t headers;
    cr_assert(eq(int, glob(pattern, 0, NULL, &headers), 0));
    for (size_t i = 0; i < headers.gl_pathc; i++) {
        const char *file = headers.gl_pathv[i];
        cr_expect(compiles(TD_CC " -std=c11 -x c -Wpedantic", sdk, file), "%s as C11", file);
        cr_expect(compiles(TD_CC " -std=c17 -x c -Wpedantic", sdk, file), "%s as C17", file);
        if (cxx)
            cr_expect(compiles("c++ -std=c++17 -x c++", sdk, file), "%s as C++17", file);
    }
    globfree(&headers);
    free(pattern);
    free(sdk);
}

Test(sdk, a_plugin_shows_its_entry_and_nothing_else)
{
    char plugins[] = TD_PLUGINS, *rest = NULL;
    size_t n = 0;
    for (char *p = strtok_r(plugins, " ", &rest); p; p = strtok_r(NULL, " ", &rest), n++) {
        char *command = td__printf(TD_NM " -D --defined-only " TD_BUILDDIR "/%s | sed 's/.* //'", p), shown[256] = "";
        FILE *pipe = popen(command, "r");
        shown[fread(shown, 1, sizeof shown - 1, pipe)] = 0;
        cr_expect(eq(int, pclose(pipe), 0));
        cr_expect_str_eq(shown, "td_plugin_entry\n", "%s", p);
        free(command);
    }
    cr_assert(n > 0);
}

/* Compiles one source as a user would, loads it, and expects it to bring `key`. */
static void expect_loads(const char *compiler, const char *source, const char *key)
{
    char folder[] = "/tmp/tdhost-sdk-XXXXXX", *file = source_path(source), *sdk = source_path("sdk/include");
    char *object = td__printf("%s/plugin.so", mkdtemp(folder));
    char *command = td__printf("%s -Wall -Wextra -Werror -fPIC -fvisibility=hidden -shared -I%s -o %s %s", compiler, sdk, object, file);
    cr_assert(eq(int, system(command), 0), "%s", command);
    td__plugins plugins = {0};
    cr_assert(eq(int, td__plugins_scan(&plugins, (const char *const[]){object}, 1, NULL, 0), 0));
    cr_expect(eq(sz, td__plugins_load(&plugins), 1));
    cr_expect_not_null(td__find_type(TD_KIND_LOSS, key));
    td__registry_clear();
    td__plugins_free(&plugins);
    unlink(object);
    rmdir(folder);
    free(command);
    free(object);
    free(sdk);
    free(file);
}

Test(sdk, the_template_compiles_and_loads) { expect_loads(TD_CC, "sdk/template/template.c", "TemplateLoss"); }

Test(sdk, a_plugin_in_cxx_loads)
{
    if (system("command -v c++ >/dev/null"))
        cr_skip_test("there is no C++ compiler");
    expect_loads("c++ -std=c++17", "tests/plugins/zoo/cxx.cc", "CxxLoss");
}

/* The SDK as compilers and linkers see it. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    static const char *const headers[] = {"abi", "param", "host", "op", "nn", "kinds_base", "data", "kinds", "plugin", "td"};
    char *sdk = source_path("sdk/include");
    int cxx = !system("command -v c++ >/dev/null");
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        char *file = td__printf("%s/td/%s.h", sdk, headers[i]);
        cr_expect(compiles(TD_CC " -std=c11 -x c -Wpedantic", sdk, file), "%s as C11", file);
        cr_expect(compiles(TD_CC " -std=c17 -x c -Wpedantic", sdk, file), "%s as C17", file);
        if (cxx)
            cr_expect(compiles("c++ -std=c++17 -x c++", sdk, file), "%s as C++17", file);
        free(file);
    }
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

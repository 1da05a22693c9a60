/* The command line as users meet it: what it prints and how it exits. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/base/mem.h"
#include "host/train/train.h"
#include "tests/shell.h"

#define SDK TD__STR(TD_ABI_MAJOR) "." TD__STR(TD_ABI_MINOR)

static struct shell got;

static void run(const char *arguments)
{
    free(got.text);
    got = tdhost(arguments);
    cr_assert_not_null(got.text);
}

static void expect(const char *arguments, int code, const char *text)
{
    run(arguments);
    cr_expect(eq(int, got.code, code), "tdhost %s: %s", arguments, got.text);
    cr_expect(strstr(got.text, text) != NULL, "tdhost %s: %s\nlacks: %s", arguments, got.text, text);
}

static void release(void) { free(got.text); }

TestSuite(cli, .fini = release);

Test(cli, wrong_lines_say_what_is_wrong)
{
    static const struct { const char *arguments, *text; } lines[] = {
        {"", "usage: tdhost"},
        {"trian", "error: unknown command 'trian' (did you mean 'train'?)\n"},
        {"exp.yaml", "error: unknown command 'exp.yaml'; see tdhost --help\n"},
        {"--plugns x", "error: unknown option '--plugns' (did you mean '--plugins' or '--plugin'?)\n"},
        {"--config x --sed=3", "error: unknown option '--sed' (did you mean '--set' or '--seed'?)\n"},
        {"-z", "error: unknown option '-z'; see tdhost --help\n"},
        {"--seed", "error: --seed needs N\n"},
        {"--seed -1", "error: --seed is a whole number from 0 to 18446744073709551615, not '-1'\n"},
        {"--seed 1x", "error: --seed is a whole number from 0 to 18446744073709551615, not '1x'\n"},
        {"--seed 18446744073709551616", "error: --seed is a whole number from 0 to "},
        {"--threads 5000", "error: --threads is a whole number from 0 to 4096, not '5000'\n"},
        {"--config x --out ''", "error: --out needs DIR, not an empty text\n"},
        {"--resume=yes", "error: --resume takes no value\n"},
        {"list-plugins --resume", "error: --resume is no option of 'list-plugins'; see tdhost list-plugins --help\n"},
        {"list-plugins x", "error: 'x' is one argument too many for 'list-plugins'\n"},
        {"check a b", "error: 'b' is one argument too many for 'check'\n"},
        {"check", "error: 'check' needs --config FILE; see tdhost --help\n"},
        {"--quiet", "error: 'train' needs --config FILE; see tdhost --help\n"},
        {"list-plugins --plugins /nowhere-at-all", "error: plugin folder '/nowhere-at-all': No such file or directory\n"},
        {"list-plugins --plugin /nowhere/p.so", "error: plugin '/nowhere/p.so': No such file or directory\n"},
        {"describe NoSuchThing", "error: nothing is registered as 'NoSuchThing'; 'tdhost describe' lists what is\n"},
        {"describe Conv2", "error: nothing is registered as 'Conv2' (did you mean 'Conv2d'"},
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        expect(lines[i].arguments, TD__EXIT_USAGE, lines[i].text);
}

Test(cli, help_and_version)
{
    expect("--help", TD__EXIT_OK, "commands:\n  train ");
    expect("--help", TD__EXIT_OK, "--plugins DIR[:DIR]");
    expect("list-plugins --help", TD__EXIT_OK, "usage: tdhost list-plugins");
    cr_expect(strstr(got.text, "--resume") == NULL, "only its own options");
    expect("check -h", TD__EXIT_OK, "--set KEY=VALUE");
    expect("--version", TD__EXIT_OK, "tdhost 0.1.0 (plugin SDK " SDK ", plugins in ");
}

Test(cli, the_command_may_stand_anywhere)
{
    expect(PLUGINS "describe KDLoss", TD__EXIT_OK, "loss KDLoss\n");
    expect("describe " PLUGINS "KDLoss", TD__EXIT_OK, "loss KDLoss\n");
}

Test(cli, describe_prints_the_parameter_table)
{
    run("describe " PLUGINS "KDLoss");
    cr_expect(strstr(got.text, "/plugins/methods/kd/kd.so\n") != NULL);
    cr_expect(strstr(got.text, "        temperature: number") != NULL);
    expect("describe " PLUGINS "Conv2d", TD__EXIT_OK, "layer Conv2d\n");
    cr_expect(strstr(got.text, "from the host itself\n") != NULL);
    expect("describe " PLUGINS, TD__EXIT_OK, "\nbackend          reference ");
    expect("describe " PLUGINS "KDLos", TD__EXIT_USAGE, "(did you mean 'KDLoss'");
}

Test(cli, no_plugins_is_said)
{
    if (!access(TD_PLUGIN_DIR, F_OK))
        cr_skip_test("plugins are installed in " TD_PLUGIN_DIR);
    expect("list-plugins --plugins " TD_BUILDDIR "/sdk", TD__EXIT_OK, "no plugin is found; tdhost(1) says where they are looked for\n");
    expect("list-plugins --quiet --plugins " TD_BUILDDIR "/sdk", TD__EXIT_OK, "");
    cr_expect_str_empty(got.text);
}

Test(cli, who_forgot_plugins_sees_where_they_were_looked_for)
{
    if (!access(TD_PLUGIN_DIR, F_OK))
        cr_skip_test("plugins are installed in " TD_PLUGIN_DIR);
    expect("check $srcdir/configs/drawn/labels.yaml", TD__EXIT_CONFIG, "labels.yaml:6:10: no plugin brings a data set 'DrawnShapes'");
    cr_expect(strstr(got.text, "\nplugins were looked for in /nowhere/tdhost/plugins/0 (not there), " TD_PLUGIN_DIR
                               " (not there): --plugins DIR names more\n") != NULL, "%s", got.text);
    expect("check $srcdir/configs/drawn/labels.yaml " PLUGINS "--set models.model.key=resnt", TD__EXIT_CONFIG, "(did you mean 'resnet'");
    cr_expect(strstr(got.text, "plugins were looked for in " TD_BUILDDIR "/plugins, /nowhere/tdhost") != NULL, "%s", got.text);
}

Test(cli, list_plugins_is_one_line_a_key_or_json)
{
    expect("list-plugins " PLUGINS, TD__EXIT_OK, "loss             KDLoss ");
    run("list-plugins --json " PLUGINS);
    json_error_t error;
    json_t *root = json_loads(got.text, 0, &error);
    cr_assert(root && json_array_size(root) > 5, "%s", error.text);
    size_t i;
    json_t *plugin;
    json_array_foreach(root, i, plugin) {
        if (strncmp(json_string_value(json_object_get(plugin, "file")), TD_BUILDDIR, strlen(TD_BUILDDIR)))
            continue; /* an installed one */
        int fine = json_is_null(json_object_get(plugin, "refused"));
        cr_expect(fine);
        cr_expect(json_array_size(json_object_get(plugin, "provides")) > 0);
    }
    json_decref(root);
}

Test(cli, a_bad_plugin_is_named_and_the_rest_goes_on)
{
    expect("describe --plugins " TD_BUILDDIR "/tests/plugins/zoo ExtraSymbol", TD__EXIT_OK, "loss ExtraSymbol\n");
    cr_expect(strstr(got.text, "warning: " TD_BUILDDIR "/tests/plugins/zoo/major_newer.so: built for SDK 1.0, this host offers " SDK "\n") != NULL);
    cr_expect(strstr(got.text, "warning: " TD_BUILDDIR "/tests/plugins/zoo/no_entry.so: no symbol td_plugin_entry\n") != NULL);
}

Test(cli, a_full_disk_is_noticed)
{
    expect("--help >/dev/full", TD__EXIT_FAILED, "");
}

/* Loading bad plugins: each is refused with its reason, and the host goes on with the good ones. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/autograd/tape.h"
#include "host/backend/backend.h"
#include "host/base/file.h"
#include "host/base/log.h"
#include "host/base/mem.h"
#include "host/plugin/plugins.h"

#define ZOO TD_BUILDDIR "/tests/plugins/zoo"
#define GOOD ZOO "/good.so"

#define SDK TD__STR(TD_ABI_MAJOR) "." TD__STR(TD_ABI_MINOR)

static td__plugins plugins;

static void start(void) { td__log_level(TD_LOG_ERROR); }

static void stop(void)
{
    td__registry_clear();
    td__plugins_free(&plugins);
}

TestSuite(zoo, .init = start, .fini = stop);

static const struct { const char *name, *refused; } expected[] = {
    {"bad_json", "its tdhost note is not JSON: string or '}' expected near end of file"},
    {"no_abi", "its tdhost note does not say which SDK it was built for"},
    {"bad_kind", "its tdhost note names a kind this host does not know"},
    {"major_newer", "built for SDK 1.0, this host offers " SDK},
    {"minor_newer", "built for SDK 0.99, this host offers " SDK},
    {"duplicate", "loss 'ZooLoss' is already registered by " GOOD},
    {"duplicate_alias", "loss 'ZooLoss' is already registered by " GOOD},
    {"no_entry", "no symbol td_plugin_entry"},
    {"undefined", "undefined symbol: zoo_nobody_has_this"},
    {"entry_fails", "its entry function returned -1"},
    {"unlisted", "registers loss:Unlisted, which its manifest does not list"},
    {"unregistered", "does not register loss:Unregistered, which its manifest lists"},
    {"no_callback", "model 'NoCallback' has no build function"},
    {"too_new", "registers a loss that uses more than this host knows (a descriptor of 88 bytes, not 80)"},
    {"bad_param", "loss 'BadParam': parameter 'beyond' reaches byte 16 of a struct of 8"},
    {"host_op", "op 'conv2d' is already registered by the host"},
    {"rounding", "changed the rounding mode"},
#ifdef __SSE__
    {"flush", "changed the floating-point control flags"},
#else
    {"flush", NULL},
#endif
    {"locale", "changed the locale"},
    {"handler", "changed the handler of signal 2 (Interrupt)"},
    {"good", NULL},
    {"other_sizes", NULL},
    {"extra_symbol", NULL},
    {"operation", NULL},
    {"backend", NULL},
    {"constructor", NULL},
};
#define N_EXPECTED (sizeof expected / sizeof *expected)

static const td__plugin *plugin_of(const char *name)
{
    char *file = td__printf("%s/%s.so", ZOO, name);
    const td__plugin *found = NULL;
    for (size_t i = 0; i < plugins.n; i++)
        if (!strcmp(plugins.v[i]->file, file))
            found = plugins.v[i];
    free(file);
    return found;
}

static int registered(uint32_t kind, const char *kind_name, const char *key, void *user)
{
    (void)kind_name;
    const td__entry *e = td__find_entry(kind, key);
    return e && e->plugin == user;
}

Test(zoo, every_animal_is_refused_for_its_reason_and_the_good_ones_work)
{
    size_t good = 0;
    cr_assert(eq(int, td__plugins_scan(&plugins, (const char *[]){GOOD}, 1, (const char *[]){ZOO}, 1), 0));
    cr_assert(eq(sz, plugins.n, N_EXPECTED), "no_note is skipped in a folder, good counts once");
    size_t loaded = td__plugins_load(&plugins) + 1; /* and the backend */
    td__plugins_load_backends(&plugins, NULL);
    for (size_t i = 0; i < N_EXPECTED; i++) {
        const td__plugin *p = plugin_of(expected[i].name);
        cr_assert(p != NULL, "%s", expected[i].name);
        cr_expect_str_eq(p->refused ? p->refused : "", (expected[i].refused ? expected[i].refused : ""), "%s", expected[i].name);
        cr_expect(eq(int, td__each_provided(p, registered, (void *)(uintptr_t)p), !expected[i].refused), "%s", expected[i].name);
        good += !expected[i].refused;
    }
    cr_assert(eq(sz, loaded, good));
    char hash[65], by_path[65];
    cr_assert(eq(int, td__file_hash(plugin_of("good")->file, by_path), 0));
    cr_assert(eq(int, td__plugin_hash(plugin_of("good"), hash), 0));
    cr_assert(eq(str, hash, by_path));
}

/* Libraries of backends are large: one that nobody asked for is not even opened. */
Test(zoo, a_backend_is_loaded_when_it_is_asked_for)
{
    cr_assert(eq(int, td__register_host(TD_KIND_BACKEND, &td__cpu_backend, sizeof td__cpu_backend), 0));
    cr_assert(eq(int, td__plugins_scan(&plugins, (const char *[]){ZOO "/backend.so"}, 1, NULL, 0), 0));
    cr_expect(eq(sz, td__plugins_load(&plugins), 0));
    cr_assert(td__choose_backend(&plugins, NULL) != NULL);
    cr_expect_str_eq(td__choose_backend(&plugins, NULL)->type.key, "cpu");
    cr_expect_str_eq(td__choose_backend(&plugins, "cpu")->type.key, "cpu");
    cr_expect(plugins.v[0]->handle == NULL && !td__find_type(TD_KIND_BACKEND, "zoo"), "cpu was wanted, the plugin is loaded");
    const td_backend_type *zoo = td__choose_backend(&plugins, "zoo");
    cr_assert(zoo != NULL && plugins.v[0]->loaded);
    cr_expect(td__choose_backend(&plugins, "auto") == zoo);
    cr_expect(td__choose_backend(&plugins, "zo") == NULL);
}

Test(zoo, auto_looks_at_every_backend)
{
    cr_assert(eq(int, td__register_host(TD_KIND_BACKEND, &td__cpu_backend, sizeof td__cpu_backend), 0));
    cr_assert(eq(int, td__plugins_scan(&plugins, (const char *[]){ZOO "/backend.so"}, 1, NULL, 0), 0));
    const td_backend_type *best = td__choose_backend(&plugins, "auto");
    cr_assert(best != NULL);
    cr_expect_str_eq(best->type.key, "zoo");
}

Test(zoo, an_older_descriptor_is_zero_filled)
{
    cr_assert(eq(int, td__plugins_scan(&plugins, (const char *[]){ZOO "/other_sizes.so"}, 1, NULL, 0), 0));
    cr_assert(eq(sz, td__plugins_load(&plugins), 1));
    const td_loss_type *loss = (const void *)td__find_type(TD_KIND_LOSS, "Shorter");
    cr_assert(loss && loss->compare && !loss->build);
}

static td_tensor *doubled_sum(td_ctx *c, void *x)
{
    td_tensor *y = td_host->apply(c, "zoo_double", (td_tensor *[]){x}, 1, NULL, 0, (td_tensor *[1]){NULL}, 1);
    return td_sum(c, td_mul(c, y, y), TD_DIM(0), 0);
}

Test(zoo, a_plugin_brings_an_operation)
{
    const double v[3] = {1, -2, 0.5};
    cr_assert(eq(int, td__plugins_scan(&plugins, (const char *[]){ZOO "/operation.so"}, 1, NULL, 0), 0));
    cr_assert(eq(sz, td__plugins_load(&plugins), 1));
    td_ctx *c = td__ctx_new(&td__reference_backend);
    td_tensor *x = td_tensor_from(c, TD_FLOAT64, 1, (int64_t[]){3}, v);
    double sum = 0;
    td__tensor_read(c, doubled_sum(c, x), TD_FLOAT64, &sum, 1);
    cr_expect(epsilon_eq(dbl, sum, 4 * 5.25, 1e-12));
    x->requires_grad = 1;
    cr_expect(lt(dbl, td__gradient_error(c, doubled_sum, x, &x, 1, 1e-6), 1e-6));
    cr_expect_null(c->error, "%s", c->error);
    td_tensor *wrong = td_zeros(c, TD_INT64, 1, (int64_t[]){3});
    td_host->apply(c, "zoo_double", &wrong, 1, NULL, 0, (td_tensor *[1]){NULL}, 1);
    cr_expect_str_eq(c->error, "zoo_double: doubles float32 and float64 only");
    td__ctx_free(c);
}

Test(zoo, who_comes_first_owns_the_key)
{
    cr_assert(eq(int, td__plugins_scan(&plugins, (const char *[]){ZOO "/duplicate.so", GOOD}, 2, NULL, 0), 0));
    cr_assert(plugin_of("duplicate")->refused == NULL);
    cr_assert_str_eq(plugin_of("good")->refused, "loss 'ZooLoss' is already registered by " ZOO "/duplicate.so");
}

Test(zoo, what_the_user_chose_shadows_what_lies_about)
{
    setenv("TDHOST_PLUGIN_PATH", ZOO, 1);
    setenv("XDG_DATA_HOME", "/nowhere-at-all", 1);
    cr_assert(eq(int, td__plugins_scan(&plugins, (const char *[]){GOOD}, 1, NULL, 0), 0));
    cr_assert(eq(int, td__plugins_scan_default(&plugins), 0));
    cr_expect(plugin_of("duplicate")->refused && plugin_of("duplicate")->shadowed);
    cr_expect(plugin_of("major_newer")->refused && !plugin_of("major_newer")->shadowed);
    td__plugins_free(&plugins);
    cr_assert(eq(int, td__plugins_scan_default(&plugins), 0));
    cr_expect(plugin_of("good")->refused && !plugin_of("good")->shadowed, "nobody chose: duplicate.so and good.so are told");
}

/* A file of the test's own, in the current folder. */
static char *write_file(const char *name, const void *bytes, size_t size, mode_t mode)
{
    char folder[] = "/tmp/tdhost-zoo-XXXXXX";
    char *path = td__printf("%s/%s", mkdtemp(folder), name);
    FILE *f = fopen(path, "w");
    cr_assert(f && fwrite(bytes, 1, size, f) == size && !fclose(f));
    cr_assert(eq(int, chmod(path, mode), 0));
    return path;
}

static void remove_file(char *path)
{
    unlink(path);
    *strrchr(path, '/') = 0;
    rmdir(path);
    free(path);
}

static void expect_named(const void *bytes, size_t size, mode_t mode, const char *refused)
{
    char *path = write_file("crafted.so", bytes, size, mode);
    cr_expect(eq(int, td__plugins_scan(&plugins, (const char *[]){path}, 1, NULL, 0), 0));
    cr_expect_str_eq(plugins.v[0]->refused ? plugins.v[0]->refused : "", refused);
    cr_expect(eq(sz, td__plugins_load(&plugins), 0));
    td__plugins_free(&plugins);
    remove_file(path);
}

Test(zoo, files_that_are_no_plugins)
{
    size_t size;
    unsigned char *good = td__file_read(GOOD, &size);
    cr_assert(good && size > 4096);
    expect_named("not a library\n", 14, 0644, "not an ELF file: not a plugin");
    expect_named("", 0, 0644, "an empty file");
    expect_named(good, 40, 0644, "a truncated ELF file");
    expect_named(good, size, 0666, "anyone may write to it, so it is not trusted");
    unsigned char class = good[EI_CLASS];
    good[EI_CLASS] = class == ELFCLASS64 ? ELFCLASS32 : ELFCLASS64;
    expect_named(good, size, 0644, class == ELFCLASS64 ? "a 32-bit ELF file, this host is 64-bit" : "a 64-bit ELF file, this host is 32-bit");
    good[EI_CLASS] = class;
    ElfW(Ehdr) head, other;
    memcpy(&head, good, sizeof head);
    other = head;
    other.e_machine = EM_SPARCV9;
    memcpy(good, &other, sizeof other);
    char *message = td__printf("an ELF file for another machine (ELF number 43, this host is %u)", head.e_machine);
    expect_named(good, size, 0644, message);
    free(message);
    free(good);
    cr_assert(eq(int, td__plugins_scan(&plugins, (const char *[]){ZOO, ZOO "/no_note.so"}, 2, NULL, 0), 0));
    cr_expect_str_eq(plugins.v[0]->refused, "not a regular file");
    cr_expect_str_eq(plugins.v[1]->refused, "no tdhost note: not a plugin");
}

/* Whatever the cut, reading a note ends in an answer. */
Test(zoo, every_cut_of_a_file_is_survived)
{
    size_t size;
    unsigned char *good = td__file_read(GOOD, &size);
    char *path = write_file("cut.so", good, size, 0644);
    int whole = 0;
    for (size_t n = size; n > 0; n -= n > 4096 ? 997 : 1) {
        td__plugin p = {0};
        char why[256] = "";
        cr_assert(eq(int, truncate(path, (off_t)n), 0));
        int rc = td__read_manifest(path, &p, why, sizeof why);
        cr_expect(rc == 0 || why[0]);
        whole += rc == 0;
        td__plugin_clear(&p);
    }
    cr_expect(whole > 0);
    remove_file(path);
    free(good);
}

Test(zoo, corrupt_headers_are_survived)
{
    size_t size;
    unsigned char *good = td__file_read(GOOD, &size);
    char *path = write_file("corrupt.so", good, size, 0644);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    ElfW(Ehdr) head;
    memcpy(&head, good, sizeof head);
    size_t headers = head.e_phoff + (size_t)head.e_phnum * head.e_phentsize;
    for (size_t i = 0; i < headers; i++)
        for (int v = 0; v < 3; v++) {
            td__plugin p = {0};
            char why[256] = "";
            unsigned char byte = (unsigned char)(v == 0 ? 0xff : v == 1 ? 0 : good[i] ^ 0x80);
            cr_assert(pwrite(fd, &byte, 1, (off_t)i) == 1);
            if (td__read_manifest(path, &p, why, sizeof why))
                cr_expect(why[0] != 0);
            td__plugin_clear(&p);
            cr_assert(pwrite(fd, good + i, 1, (off_t)i) == 1);
        }
    close(fd);
    remove_file(path);
    free(good);
}

static int has(const char *text, const char *part) { return strstr(text, part) != NULL; }

static char *list(int json)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    cr_assert(eq(int, td__list_plugins(&plugins, json, out), 0));
    fclose(out);
    return text;
}

Test(zoo, listing_runs_no_plugin_code)
{
    char *marker = write_file("marker", "", 0, 0644);
    unlink(marker);
    setenv("ZOO_MARKER", marker, 1);
    cr_assert(eq(int, td__plugins_scan(&plugins, (const char *[]){GOOD}, 1, (const char *[]){ZOO}, 1), 0));
    char *text = list(0);
    cr_expect(has(text, "loss             ZooLoss                      1.2.3    0.0  MIT          " GOOD "  nothing is wrong with it\n"));
    cr_expect(has(text, "loss             Constructor "));
    cr_expect(has(text, "loss             MajorNewer                   1.0      1.0  MIT          " ZOO
                           "/major_newer.so  refused: built for SDK 1.0, this host offers " SDK "\n"));
    cr_expect(has(text, "-                -                            -        0.0  -            " ZOO "/bad_json.so  refused: its tdhost note is not JSON"));
    free(text);
    text = list(1);
    cr_expect(has(text, "\"key\": \"ZooLoss\""));
    cr_expect(has(text, "\"refused\": \"built for SDK 1.0, this host offers " SDK "\""));
    free(text);
    cr_expect(access(marker, F_OK) != 0, "listing ran the constructor");
    td__plugins_load(&plugins);
    cr_expect(access(marker, F_OK) == 0, "loading does run it");
    remove_file(marker);
}

Test(zoo, default_places_in_their_order)
{
    char home[] = "/tmp/tdhost-home-XXXXXX";
    cr_assert(mkdtemp(home) != NULL);
    char *folder = td__printf("%s/tdhost/plugins/%d", home, TD_ABI_MAJOR), *linked = td__printf("%s/mine.so", folder);
    cr_assert(eq(int, td__make_dirs(folder), 0));
    cr_assert(eq(int, symlink(ZOO "/duplicate.so", linked), 0));
    setenv("XDG_DATA_HOME", home, 1);
    setenv("TDHOST_PLUGIN_PATH", "/nowhere-at-all:" ZOO, 1);
    cr_assert(eq(int, td__plugins_scan_default(&plugins), 0));
    cr_expect(plugin_of("duplicate") != NULL, "the environment comes before the user's folder");
    td__plugins_free(&plugins);
    unsetenv("TDHOST_PLUGIN_PATH");
    cr_assert(eq(int, td__plugins_scan_default(&plugins), 0));
    cr_assert(plugins.n >= 1);
    cr_expect_str_eq(plugins.v[0]->file, linked);
    unlink(linked);
    free(linked);
    free(folder);
}

Test(zoo, a_named_folder_must_exist)
{
    td__log_level(-1);
    cr_expect(eq(int, td__plugins_scan(&plugins, NULL, 0, (const char *[]){ZOO ":/nowhere-at-all"}, 1), -1));
    cr_expect(eq(int, td__plugins_scan(&plugins, NULL, 0, (const char *[]){GOOD}, 1), -1), "a file is no folder");
}

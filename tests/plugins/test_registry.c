/* Registration: all or nothing, exact names, messages that name the fault. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

#include "host/plugin/plugins.h"

static td_tensor *compare(td_ctx *c, const void *params, td_tensor *input, td_tensor *target)
{
    (void)c, (void)params, (void)target;
    return input;
}

static td_module *build(td_ctx *c, const void *params)
{
    (void)c, (void)params;
    return NULL;
}

static const td_loss_type first = {.type = {.key = "FirstLoss", .aliases = "torch.nn.FirstLoss first"}, .compare = compare};
static const td_loss_type second = {.type = {.key = "SecondLoss"}, .compare = compare};
static const td_model_type model = {.type = {.key = "FirstLoss"}, .build = build};

static void publish(uint32_t kind, const void *descriptor, uint32_t size)
{
    cr_assert(eq(int, td__register_host(kind, descriptor, size), 0));
}

TestSuite(registry, .fini = td__registry_clear);

Test(registry, finds_by_key_and_alias_within_a_kind)
{
    publish(TD_KIND_LOSS, &first, sizeof first);
    publish(TD_KIND_MODEL, &model, sizeof model);
    const td_type *t = td__find_type(TD_KIND_LOSS, "FirstLoss");
    cr_assert(t && t != &first.type, "the host keeps a copy");
    cr_assert(eq(ptr, (void *)t, (void *)td__find_type(TD_KIND_LOSS, "torch.nn.FirstLoss")));
    cr_assert(eq(ptr, (void *)t, (void *)td__find_type(TD_KIND_LOSS, "first")));
    cr_assert(td__find_type(TD_KIND_MODEL, "FirstLoss") != NULL);
    cr_assert(td__find_type(TD_KIND_MODEL, "FirstLoss") != t);
    const char *const none[] = {"nn.FirstLoss", "firstloss", "", "FirstLoss ", "torch.nn.FirstLoss first"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        cr_expect(td__find_type(TD_KIND_LOSS, none[i]) == NULL, "'%s' is no name of it", none[i]);
    cr_assert(eq(u32, td__find_any("first")->kind, TD_KIND_LOSS));
    cr_assert(td__find_any("nothing") == NULL);
}

Test(registry, lists_in_order_and_suggests)
{
    publish(TD_KIND_LOSS, &second, sizeof second);
    publish(TD_KIND_LOSS, &first, sizeof first);
    publish(TD_KIND_MODEL, &model, sizeof model);
    cr_assert(eq(u32, td__entry_at(0)->kind, TD_KIND_MODEL));
    cr_assert_str_eq(td__entry_at(1)->type->key, "FirstLoss");
    cr_assert_str_eq(td__entry_at(2)->type->key, "SecondLoss");
    cr_assert(td__entry_at(3) == NULL);
    const char *near[2];
    cr_assert(eq(sz, td__nearest_keys(TD_KIND_LOSS, "SecndLoss", near, 2), 1));
    cr_assert_str_eq(near[0], "SecondLoss");
    cr_assert(eq(sz, td__nearest_keys(TD_KIND_LOSS, "Transformer", near, 2), 0));
}

Test(registry, kinds_have_names)
{
    for (uint32_t kind = TD_KIND_MODEL; kind <= TD_KIND_OP; kind++)
        cr_expect(eq(u32, td__kind_by_name(td__kind_name(kind)), kind));
    cr_assert_str_eq(td__kind_name(0), "?");
    cr_assert_str_eq(td__kind_name(TD_KIND_OP + 1), "?");
    cr_assert(eq(u32, td__kind_by_name("?"), 0));
}

Test(registry, publishes_all_or_nothing)
{
    td_registrar r = {0};
    cr_assert(eq(int, td__stage(&r, TD_KIND_LOSS, &first, sizeof first), 0));
    cr_assert(td__find_type(TD_KIND_LOSS, "FirstLoss") == NULL, "staged is not yet visible");
    td_loss_type none = {.type = {.key = "NoFunction"}};
    cr_assert(ne(int, td__stage(&r, TD_KIND_LOSS, &none, sizeof none), 0));
    cr_assert_str_eq(r.error, "loss 'NoFunction' needs exactly one of the functions forward and compare");
    cr_assert(ne(int, td__stage(&r, TD_KIND_LOSS, &second, sizeof second), 0), "what failed stays failed");
    cr_assert(eq(int, td__publish(&r), -1));
    td__registrar_drop(&r);
    cr_assert(td__entry_at(0) == NULL);
}

static void expect_refusal(uint32_t kind, const void *descriptor, uint32_t size, const char *message)
{
    td_registrar r = {0};
    cr_expect(ne(int, td__stage(&r, kind, descriptor, size), 0));
    cr_expect_str_eq(r.error ? r.error : "nothing", message);
    td__registrar_drop(&r);
}

Test(registry, names_are_taken_once)
{
    publish(TD_KIND_LOSS, &first, sizeof first);
    td_loss_type t = first;
    expect_refusal(TD_KIND_LOSS, &t, sizeof t, "loss 'FirstLoss' is already registered by the host");
    t.type.key = "OtherLoss";
    expect_refusal(TD_KIND_LOSS, &t, sizeof t, "loss 'torch.nn.FirstLoss' is already registered by the host");
    t.type.key = "first";
    t.type.aliases = NULL;
    expect_refusal(TD_KIND_LOSS, &t, sizeof t, "loss 'first' is already registered by the host");
    t.type.key = "Other";
    t.type.aliases = "other FirstLoss";
    expect_refusal(TD_KIND_LOSS, &t, sizeof t, "loss 'FirstLoss' is already registered by the host");
}

Test(registry, refuses_bad_descriptors)
{
    td_loss_type t = {.type = {.key = "a b"}, .compare = compare};
    expect_refusal(99, &t, sizeof t, "registers something of kind 99, which this host does not know");
    expect_refusal(TD_KIND_LOSS, &t, 8, "registers a loss with a descriptor of 8 bytes");
    expect_refusal(TD_KIND_LOSS, NULL, sizeof t, "registers a loss with a descriptor of 0 bytes");
    expect_refusal(TD_KIND_LOSS, &t, sizeof t, "registers a loss with the key 'a b'");
    t.type.key = NULL;
    expect_refusal(TD_KIND_LOSS, &t, sizeof t, "registers a loss with the key ''");
    td_dataset_type d = {.type = {.key = "Set"}};
    expect_refusal(TD_KIND_DATASET, &d, sizeof d, "dataset 'Set' has no open function");
}

struct inner { int64_t n; };
struct params { double weight; td_ints sizes; };

static void expect_table(const td_param *table, uint32_t size, const char *message)
{
    td_loss_type t = {.type = {.key = "T", .params = table, .params_size = size}, .compare = compare};
    expect_refusal(TD_KIND_LOSS, &t, sizeof t, message);
}

Test(registry, refuses_tables_that_do_not_fit)
{
    static const td_param inner[] = {TD_PARAM_INT(struct inner, n, "1", ""), TD_PARAM_END};
    static const td_param sizes[] = {TD_PARAM_INTS(struct params, sizes, "[]", ""), TD_PARAM_END};
    static const td_param unknown[] = {{.name = "x", .type = 77, .def = "0"}, TD_PARAM_END};
    static const td_param object[] = {{.name = "x", .type = TD_P_OBJECT, .choices = "thing"}, TD_PARAM_END};
    static const td_param list[] = {{.name = "x", .type = TD_P_LIST, .size = 8}, TD_PARAM_END};
    static const td_param nested[] = {{.name = "x", .type = TD_P_LIST, .size = 4, .fields = inner}, TD_PARAM_END};
    expect_table(sizes, 16, "loss 'T': parameter 'sizes' reaches byte 24 of a struct of 16");
    expect_table(unknown, 8, "loss 'T': parameter 'x' has type 77, which this host does not know");
    expect_table(object, 8, "loss 'T': parameter 'x' is an object of no known kind");
    expect_table(list, 24, "loss 'T': parameter 'x' has no table of its fields");
    expect_table(nested, 24, "loss 'T': parameter 'n' reaches byte 8 of a struct of 4");
}

Test(api, every_entry_is_filled)
{
    cr_assert(eq(u32, td__api.size, sizeof td__api));
    for (size_t at = offsetof(td_api, get_interface); at < sizeof td__api; at += sizeof(void *)) {
        void *entry;
        memcpy(&entry, (const char *)&td__api + at, sizeof entry);
        cr_expect(entry != NULL, "entry %zu", (at - offsetof(td_api, get_interface)) / sizeof(void *));
    }
    cr_expect(td__api.get_interface("td.no-such-service/1") == NULL);
}

static int count_and_check(uint32_t kind, const char *kind_name, const char *key, void *user)
{
    int *n = user;
    const char *const keys[] = {"A", "b.c", "D"};
    cr_expect_str_eq(key, keys[*n]);
    cr_expect(eq(u32, kind, td__kind_by_name(kind_name)));
    (*n)++;
    return 0;
}

Test(manifest, reads_the_note)
{
    td__plugin p = {0};
    char why[256] = "";
    const char json[] = "{\"abi\":[0,1],\"id\":\"x\",\"version\":\"2\",\"licence\":\"MIT\",\"summary\":\"s\",\"provides\":\" loss:A  model:b.c loss:D \"}";
    cr_assert(eq(int, td__parse_manifest(json, strlen(json), &p, why, sizeof why), 0), "%s", why);
    cr_assert_str_eq(p.id, "x");
    cr_assert(eq(int, p.abi_minor, 1));
    int n = 0;
    td__each_provided(&p, count_and_check, &n);
    cr_assert(eq(int, n, 3));
    td__plugin_clear(&p);
}

Test(manifest, refuses_what_is_no_version_or_plain_text)
{
    static const struct { const char *json, *why; } notes[] = {
        {"[]", "its tdhost note does not say which SDK it was built for"},
        {"{\"abi\":[4294967296,0]}", "its tdhost note does not say which SDK it was built for"},
        {"{\"abi\":[0,-1]}", "its tdhost note does not say which SDK it was built for"},
        {"{\"abi\":[0,0],\"id\":3}", "its tdhost note has a 'id' that is no plain text"},
        {"{\"abi\":[0,0],\"id\":\"x\",\"summary\":\"a\\u001b[31mb\"}", "its tdhost note has a 'summary' that is no plain text"},
        {"{\"abi\":[0,0],\"id\":\"x\"}", "its tdhost note has no id or provides nothing"},
        {"{\"abi\":[0,0],\"id\":\"x\",\"provides\":\"loss\"}", "its tdhost note has a kind without a key"},
        {"{\"abi\":[0,0],\"id\":\"x\",\"provides\":\"loss:A thing:B\"}", "its tdhost note names a kind this host does not know"},
    };
    for (size_t i = 0; i < sizeof notes / sizeof *notes; i++) {
        td__plugin p = {0};
        char why[256] = "";
        cr_expect(eq(int, td__parse_manifest(notes[i].json, strlen(notes[i].json), &p, why, sizeof why), -1));
        cr_expect_str_eq(why, notes[i].why);
        td__plugin_clear(&p);
    }
}

Test(manifest, every_cut_of_a_note_is_refused)
{
    const char json[] = "{\"abi\":[0,1],\"id\":\"x\",\"version\":\"2\",\"licence\":\"MIT\",\"summary\":\"s\",\"provides\":\"loss:A\"}";
    for (size_t n = 0; n < strlen(json); n++) {
        td__plugin p = {0};
        char why[256] = "";
        cr_expect(eq(int, td__parse_manifest(json, n, &p, why, sizeof why), -1));
        cr_expect(why[0] != 0);
        td__plugin_clear(&p);
    }
}

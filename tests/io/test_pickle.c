#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "host/base/file.h"
#include "host/io/pickle.h"
#include "tests/paths.h"

static td__arena *arena;
static void start(void)
{
    arena = td__arena_new();
}
static void stop(void)
{
    td__arena_free(arena);
}
TestSuite(pickle, .init = start, .fini = stop);

/* A file of tests/io/pickles; malloc'ed. */
static uint8_t *read_pickle(int protocol, size_t *size)
{
    char name[64], *path;
    snprintf(name, sizeof name, "tests/io/pickles/p%d.pkl", protocol);
    path = source_path(name);
    uint8_t *bytes = td__file_read(path, size);
    cr_assert_not_null(bytes, "%s", path);
    free(path);
    return bytes;
}

static int64_t int_at(const td__pickle *v, size_t i)
{
    int64_t x = -12345;
    cr_expect_eq(td__pickle_int(td__pickle_at(v, i), INT64_MIN, INT64_MAX, &x), 0, "item %zu", i);
    return x;
}

static void check_value(const td__pickle *v, int protocol)
{
    cr_assert(td__pickle_is(td__pickle_get(v, "text"), "caf\xc3\xa9"));
    cr_assert_eq(td__pickle_get(v, "long text")->size, 300);
    const td__pickle *ints = td__pickle_get(v, "ints");
    const int64_t want[] = {0, 255, 65535, -1, INT64_C(1) << 31, INT64_MIN};
    for (size_t i = 0; i < 6; i++)
        cr_assert_eq(int_at(ints, i), want[i]);
    cr_assert_eq(td__pickle_at(ints, 6)->kind, TD__PK_LONG);
    cr_assert_eq(td__pickle_at(ints, 6)->size, 9);
    cr_assert_eq(td__pickle_get(v, "float")->f, -0.1);
    cr_assert_eq(td__pickle_get(v, "tuple"), td__pickle_get(v, "same"));
    for (size_t i = 0; i < 4; i++)
        cr_assert_eq(int_at(td__pickle_get(v, "tuple"), i), (int64_t)i + 1);
    const td__pickle *empty = td__pickle_get(v, "empty");
    cr_assert(empty->n == 3 && !empty->items[0]->n && !empty->items[1]->n && !empty->items[2]->n);
    const td__pickle *flags = td__pickle_get(v, "flags");
    cr_assert(flags->items[0]->kind == TD__PK_BOOL && flags->items[0]->i == 1 && flags->items[1]->i == 0);
    cr_assert_eq(flags->items[2]->kind, TD__PK_NONE);
    const td__pickle *ordered = td__pickle_get(v, "ordered");
    cr_assert(ordered->kind == TD__PK_DICT && ordered->n == 4 && td__pickle_is(ordered->items[0], "b"));
    const td__pickle *object = td__pickle_get(v, "object");
    cr_assert(object->kind == TD__PK_CALL);
    cr_assert_eq(td__pickle_get(object->state, "lr")->f, 0.1);
    const td__pickle *loop = td__pickle_get(v, "loop");
    cr_assert_eq(td__pickle_at(loop, 1), loop);
    if (protocol >= 3) { /* before, Python 3 wrote bytes as a call of codecs.encode */
        const td__pickle *raw = td__pickle_get(v, "raw");
        cr_assert(raw && raw->kind == TD__PK_BYTES && raw->size == 2 && !memcmp(raw->text, "\0\xff", 2));
    }
}

Test(pickle, protocols_2_to_5)
{
    for (int protocol = 2; protocol <= 5; protocol++) {
        size_t size, used;
        char why[200] = "";
        uint8_t *bytes = read_pickle(protocol, &size);
        const td__pickle *v = td__pickle_load(arena, bytes, size, &used, why, sizeof why);
        cr_assert_not_null(v, "%s", why);
        cr_assert_eq(used, size);
        check_value(v, protocol);
        free(bytes);
    }
}

/* Every cut is an error, and whatever is flipped the machine stops without touching what is not its own. */
Test(pickle, broken_files)
{
    for (int protocol = 2; protocol <= 5; protocol++) {
        size_t size;
        uint8_t *bytes = read_pickle(protocol, &size);
        for (size_t cut = 0; cut < size; cut++) {
            char why[200] = "";
            uint8_t *part = malloc(cut + 1);
            memcpy(part, bytes, cut);
            td__arena *a = td__arena_new();
            cr_assert_null(td__pickle_load(a, part, cut, NULL, why, sizeof why));
            cr_assert(why[0]);
            td__arena_free(a);
            free(part);
        }
        for (size_t k = 0; k < size * 8; k++) {
            char why[200];
            td__arena *a = td__arena_new();
            bytes[k / 8] ^= (uint8_t)(1u << k % 8);
            td__pickle_load(a, bytes, size, NULL, why, sizeof why);
            bytes[k / 8] ^= (uint8_t)(1u << k % 8);
            td__arena_free(a);
        }
        free(bytes);
    }
}

Test(pickle, forged_ones_say_what_is_wrong)
{
    static const struct {
        const char *bytes, *says;
        size_t size;
    } bad[] = {
        {"\x80\x06N.", "broken pickle: a protocol newer than 5 at byte 2", 4},
        {"Nr\xff\xff\xff\x7f.", "broken pickle: a memo number out of range at byte 6", 7},
        {"h\0.", "broken pickle: a memo number that was not set at byte 2", 3},
        {"X\xff\xff\xff\xff", "broken pickle: cut short at byte 5", 5},
        {"(NR.", "broken pickle: nothing on the stack at byte 3", 4},
        {"Nt.", "broken pickle: no mark at byte 2", 3},
        {"}(Nu.", "broken pickle: items set in what is no dict at byte 4", 5},
        {"}(NNe.", "broken pickle: items added to what is no list at byte 5", 6},
        {"ios\nsystem\n.", "broken pickle: opcode 0x69, which protocols 2 to 5 do not write, at byte 1", 12},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char why[200] = "";
        cr_expect_null(td__pickle_load(arena, bad[i].bytes, bad[i].size, NULL, why, sizeof why), "%zu", i);
        cr_expect_str_eq(why, bad[i].says);
    }
}

/* A call of a dangerous function is a value like any other. */
Test(pickle, executes_nothing)
{
    static const char evil[] = "cos\nsystem\nX\x21\0\0\0touch /tmp/td_pickle_was_executed\x85R.";
    char why[200] = "";
    const td__pickle *v = td__pickle_load(arena, evil, sizeof evil - 1, NULL, why, sizeof why);
    cr_assert_not_null(v, "%s", why);
    cr_assert(v->kind == TD__PK_CALL && td__pickle_is(v->callable, "os.system"));
    cr_assert_neq(access("/tmp/td_pickle_was_executed", F_OK), 0);
}

Test(pickle, cifar10_batch)
{
    char *path = data_path("cifar-10-batches-py/test_batch"), why[200] = "";
    if (!path)
        cr_skip_test("CIFAR-10 is not in $TDHOST_TEST_DATA or ../shared/data");
    size_t size, used;
    uint8_t *bytes = td__file_read(path, &size);
    const td__pickle *v = td__pickle_load(arena, bytes, size, &used, why, sizeof why);
    cr_assert_not_null(v, "%s", why);
    cr_assert(td__pickle_is(td__pickle_get(v, "batch_label"), "testing batch 1 of 1"));
    const td__pickle *labels = td__pickle_get(v, "labels"), *data = td__pickle_get(v, "data");
    cr_assert(labels->n == 10000 && int_at(labels, 0) == 3 && int_at(labels, 9999) == 7);
    /* numpy: _reconstruct(ndarray, (0,), 'b'), then (version, shape, dtype, fortran, bytes). */
    cr_assert(td__pickle_is(data->callable, "numpy.core.multiarray._reconstruct"));
    cr_assert(int_at(td__pickle_at(data->state, 1), 0) == 10000 && int_at(td__pickle_at(data->state, 1), 1) == 3072);
    cr_assert_eq(td__pickle_at(data->state, 4)->size, 10000 * 3072);
    free(bytes);
    free(path);
}

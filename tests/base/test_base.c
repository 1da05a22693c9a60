#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/base/diag.h"
#include "host/base/file.h"
#include "host/base/mem.h"
#include "host/base/pool.h"
#include "host/base/rng.h"
#include "host/base/text.h"

/* Known answers of the Random123 distribution (kat_vectors, philox4x32 10). */
Test(rng, philox_known_answers)
{
    static const struct { uint64_t key; uint32_t in[4], out[4]; } kat[] = {
        {0, {0, 0, 0, 0}, {0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u}},
        {UINT64_MAX, {~0u, ~0u, ~0u, ~0u}, {0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu}},
        {0x299f31d0a4093822u, {0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u},
         {0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u}},
    };
    for (size_t i = 0; i < sizeof kat / sizeof *kat; i++) {
        uint32_t out[4];
        td_philox(kat[i].key, kat[i].in, out);
        cr_assert_arr_eq(out, kat[i].out, sizeof out);
    }
}

Test(rng, draws_are_functions_of_their_key)
{
    double a = td__uniform(1, 2, 3, 4);
    cr_assert_eq(a, td__uniform(1, 2, 3, 4));
    cr_assert_neq(a, td__uniform(2, 2, 3, 4));
    cr_assert_neq(a, td__uniform(1, 3, 3, 4));
    cr_assert_neq(a, td__uniform(1, 2, 4, 4));
    cr_assert_neq(a, td__uniform(1, 2, 3, 5));
    double mean = 0;
    for (uint64_t i = 0; i < 20000; i++) {
        double y = td__uniform(7, 0, i, 1);
        mean += y / 20000;
        cr_assert(y >= 0 && y < 1);
    }
    cr_assert_float_eq(mean, 0.5, 0.01);
}

Test(rng, permutation_holds_each_once)
{
    int64_t p[1000], seen[1000] = {0}, q[1000], moved = 0;
    td__permutation(1, 0, TD__USE_ORDER, 1000, p);
    td__permutation(1, 1, TD__USE_ORDER, 1000, q);
    for (int i = 0; i < 1000; i++) {
        seen[p[i]]++;
        moved += p[i] != q[i];
    }
    for (int i = 0; i < 1000; i++)
        cr_assert_eq(seen[i], 1);
    cr_assert_gt(moved, 900);
}

static void mark(void *arg, int64_t i) { ((int *)arg)[i]++; }

Test(pool, every_piece_once)
{
    for (int threads = 1; threads <= 4; threads++) {
        int hits[1000] = {0};
        cr_assert_eq(td__pool_start(threads), 0);
        cr_assert_eq(td__pool_threads(), threads);
        for (int round = 0; round < 20; round++)
            td__parallel_for(1000, mark, hits);
        for (int i = 0; i < 1000; i++)
            cr_assert_eq(hits[i], 20);
    }
    td__pool_stop();
}

static void mark_range(void *arg, int64_t begin, int64_t end)
{
    cr_assert(begin % 16 == 0 && begin < end);
    for (int64_t i = begin; i < end; i++)
        ((int *)arg)[i]++;
}

Test(pool, ranges_cover)
{
    int hits[1001] = {0};
    cr_assert_eq(td__pool_start(3), 0);
    td__parallel_range(1001, 8, 16, mark_range, hits);
    for (int i = 0; i < 1001; i++)
        cr_assert_eq(hits[i], 1);
    td__pool_stop();
}

Test(text, distance_and_nearest)
{
    cr_assert_eq(td__distance("temperature", "tempreature", 5), 1);
    cr_assert_eq(td__distance("alpha", "", 9), 5);
    cr_assert_eq(td__distance("alpha", "beta", 2), 3);
    const char *names[] = {"alpha", "beta", "temperature"}, *out[3];
    cr_assert_eq(td__nearest("tempreature", names, 3, out, 3), 1);
    cr_assert_str_eq(out[0], "temperature");
    cr_assert_eq(td__nearest("zzz", names, 3, out, 3), 0);
    cr_assert(td__word_in("mean|sum", "sum"));
    cr_assert(!td__word_in("mean|sum", "su"));
}

Test(diag, sorted_and_once)
{
    td__diag d = {0};
    td__diag_error(&d, (td__place){"a.yaml", 9, 1}, "later");
    td__diag_error(&d, (td__place){"a.yaml", 2, 5}, "first %d", 1);
    td__diag_error(&d, (td__place){"a.yaml", 2, 5}, "first %d", 1);
    td__diag_warn(&d, (td__place){"a.yaml", 3, 1}, "odd");
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);
    td__diag_print(&d, f);
    fclose(f);
    cr_assert_str_eq(text, "a.yaml:2:5: first 1\na.yaml:3:1: warning: odd\na.yaml:9:1: later\n");
    cr_assert_eq(d.errors, 3);
    td__diag_free(&d);
    free(text);
}

Test(file, replace_is_all_or_nothing)
{
    char dir[] = "/tmp/td_base_XXXXXX";
    cr_assert_not_null(mkdtemp(dir));
    char *path = td__printf("%s/sub/dir/file", dir), *folder = td__printf("%s/sub/dir", dir);
    td__replace r;
    size_t n = 0;
    cr_assert_eq(td__replace_begin(&r, path), -1);
    cr_assert_eq(td__make_dirs(folder), 0);
    cr_assert_eq(td__replace_begin(&r, path), 0);
    fputs("one", r.out);
    cr_assert_eq(td__replace_commit(&r), 0);
    cr_assert_eq(td__replace_begin(&r, path), 0);
    fputs("two", r.out);
    td__replace_drop(&r);
    char *text = td__file_read(path, &n);
    cr_assert_str_eq(text, "one");
    cr_assert_eq(n, 3);
    char hex[65];
    cr_assert_eq(td__file_hash(path, hex), 0);
    cr_assert_str_eq(hex, "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed");
    free(text);
    free(path);
    free(folder);
}

Test(mem, arena)
{
    td__arena *a = td__arena_new();
    for (int i = 1; i < 2000; i++) {
        char *p = td__arena_alloc(a, (size_t)i * 7 % 5000 + 1);
        cr_assert_not_null(p);
        cr_assert_eq(*p, 0);
        *p = 1;
    }
    cr_assert_str_eq(td__arena_printf(a, "%s-%d", "x", 3), "x-3");
    td__arena_free(a);
}

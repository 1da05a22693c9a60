/* Tensor memory: cut from segments, joined again. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "host/tensor/storage.h"

#define MIB ((size_t)1 << 20)

static int taken, given;

static void *take(size_t bytes)
{
    taken++;
    return aligned_alloc(64, bytes);
}

static void give(void *p, size_t bytes)
{
    (void)bytes;
    given++;
    free(p);
}

static const td_backend_type counting = {.type = {.key = "counting"}, .alloc = take, .free = give};

#if !defined __SANITIZE_ADDRESS__ /* under which nothing is cached */
/* Whatever the order: the middle one joins with both sides, or each with the next. */
Test(storage, free_neighbours_become_one_block)
{
    static const int orders[4][3] = {{0, 1, 2}, {2, 1, 0}, {0, 2, 1}, {1, 0, 2}};
    td__storage *guard = NULL;
    for (int k = 0; k < 4; k++) {
        td__storage *s[3];
        for (int i = 0; i < 3; i++)
            s[i] = td__storage_new(&counting, MIB);
        void *first = s[0]->data;
        if (!guard)
            guard = td__storage_new(&counting, MIB);
        for (int i = 0; i < 3; i++)
            td__storage_release(s[orders[k][i]]);
        td__storage *whole = td__storage_new(&counting, 3 * MIB);
        cr_expect_eq(whole->data, first);
        cr_expect_eq(whole->bytes, 3 * MIB);
        td__storage_release(whole);
    }
    cr_expect_eq(taken, 1);
    td__storage_release(guard);
    td__memory_trim();
    cr_expect_eq(given, 1);
}

Test(storage, the_smallest_that_fits_is_taken)
{
    td__storage *large = td__storage_new(&counting, 3 * MIB), *a = td__storage_new(&counting, MIB),
                *small = td__storage_new(&counting, 2 * MIB), *b = td__storage_new(&counting, MIB);
    void *low = large->data, *high = small->data;
    td__storage_release(large);
    td__storage_release(small);
    small = td__storage_new(&counting, 2 * MIB);
    cr_expect_eq(small->data, high);
    large = td__storage_new(&counting, 2 * MIB);
    cr_expect_eq(large->data, low);
    for (size_t i = 0; i < 2 * MIB; i++) /* nobody else's */
        ((char *)large->data)[i] = ((char *)small->data)[i] = 1;
    td__storage_release(large);
    td__storage_release(small);
    td__storage_release(a);
    td__storage_release(b);
}
#endif

Test(storage, nothing_is_kept_that_is_not_asked_to)
{
    size_t before = td__memory_reserved();
    td__storage *s[100];
    for (size_t i = 0; i < 100; i++)
        s[i] = td__storage_new(&counting, i * 10007);
    cr_expect_gt(td__memory_reserved(), before);
    for (size_t i = 0; i < 100; i++)
        td__storage_release(s[i * 37 % 100]);
    cr_expect_eq(td__memory_now(), 0);
    td__memory_trim();
    cr_expect_eq(td__memory_reserved(), before);
    cr_expect_eq(given, taken);
}

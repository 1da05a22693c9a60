/* Backends: opening, and memory that runs short. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "host/backend/backend.h"
#include "host/tensor/tensor.h"

static int32_t score_zero(char *why, size_t why_size)
{
    snprintf(why, why_size, "no such device");
    return 0;
}
static int32_t score_one(char *why, size_t why_size)
{
    (void)why, (void)why_size;
    return 1;
}
static int opened;
static int32_t open_counting(td_ctx *c)
{
    (void)c;
    opened++;
    return TD_OK;
}
static int32_t open_failing(td_ctx *c)
{
    td__fail(c, "the driver is too old");
    return TD_ERROR;
}

Test(backend, opens_once_or_says_why_not)
{
    static const td_backend_type absent = {.type = {.key = "absent"}, .score = score_zero};
    static const td_backend_type old = {.type = {.key = "old"}, .score = score_one, .open = open_failing};
    static const td_backend_type good = {.type = {.key = "good"}, .score = score_one, .open = open_counting};
    char why[100];
    cr_expect_null(td__backend_use(&absent, why, sizeof why));
    cr_expect_str_eq(why, "no such device");
    cr_expect_null(td__backend_use(&old, why, sizeof why));
    cr_expect_str_eq(why, "the driver is too old");
    cr_expect_eq(td__backend_use(&good, why, sizeof why), &good);
    cr_expect_eq(td__backend_use(&good, why, sizeof why), &good);
    cr_expect_eq(opened, 1);
}

/* A device with room for 1000 bytes. */
static size_t used;
static void *alloc_small(size_t bytes)
{
    void *p = used + bytes <= 1000 ? td__host_alloc(bytes) : NULL;
    used += p ? bytes : 0;
    return p;
}
static void free_small(void *p, size_t bytes)
{
    used -= bytes;
    td__host_free(p, bytes);
}
static td_kernel no_kernel(const char *op)
{
    (void)op;
    return NULL;
}

Test(backend, cached_memory_is_given_back_before_memory_is_out)
{
    static const td_backend_type tiny = {
        .type = {.key = "tiny"},
        .score = score_one,
        .alloc = alloc_small,
        .free = free_small,
        .copy_in = td__host_copy,
        .copy_out = td__host_copy,
        .kernel = no_kernel,
    };
    char why[100];
    const int64_t half = 128, most = 240, small = 40;
    cr_assert_not_null(td__backend_use(&tiny, why, sizeof why));
    td_ctx *c = td__ctx_new(&tiny);
    td__frame_push(c);
    td_zeros(c, TD_FLOAT32, 1, &half);
    td__frame_pop(c, td_none());
    td__frame_push(c);
    cr_expect_eq(td_numel(td_zeros(c, TD_FLOAT32, 1, &most)), most); /* fits only without the cached half */
    cr_expect_null(c->error, "%s", c->error);
    cr_expect_eq(td_zeros(c, TD_FLOAT32, 1, &small), td__empty());
    cr_assert_not_null(c->error);
    cr_expect_str_eq(c->error, "out of memory for a tensor float32 [40]: 160 bytes");
    td__frame_pop(c, td_none());
    td__ctx_clear(c);
    td_neg(c, td_scalar(c, TD_FLOAT32, 1));
    cr_expect_str_eq(c->error, "neg: the tiny backend has no kernel for this operation");
    td__ctx_free(c);
    cr_expect_eq(td__memory_now(), 0);
    td__memory_trim();
    cr_expect_eq(used, 0);
}

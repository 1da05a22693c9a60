/* A step that was taken before asks the system for no memory: every allocation of the process is counted. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "host/train/stage.h"
#include "tests/train/lab.h"

#if defined __GLIBC__ && !defined __SANITIZE_ADDRESS__ && !defined __SANITIZE_THREAD__
static _Atomic int allocations;

extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t),
    *__libc_memalign(size_t, size_t);

void *malloc(size_t n)
{
    allocations++;
    return __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
    allocations++;
    return __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
    allocations++;
    return __libc_realloc(p, n);
}

int posix_memalign(void **p, size_t alignment, size_t n)
{
    allocations++;
    *p = __libc_memalign(alignment, n);
    return *p ? 0 : ENOMEM;
}

static int epoch(td__experiment *x, td__train_stage *s, int64_t number)
{
    td__batch b;
    int more = td__loader_start(x->c, s->train, number, 0) ? -1 : 1;
    for (int64_t i = 0; more > 0; i++) {
        td__frame_push(x->c);
        more = td__loader_next(x->c, s->train, &b);
        if (more > 0)
            td__stage_step(x->c, s, &b, number, i);
        td__frame_pop(x->c, td_none());
    }
    return x->c->error ? -1 : 0;
}

static void count_steps(const char *yaml, const char *const *sets, size_t n_sets)
{
    struct lab lab;
    td__experiment x;
    td__train_stage s = {0};
    lab_begin(&lab);
    td__run_options o = lab_options(&lab, yaml, "a.yaml", "a");
    o.sets = sets;
    o.n_sets = n_sets;
    cr_assert_eq(td__experiment_open(&x, &o), TD__EXIT_OK);
    cr_assert_eq(td__stage_open(&x, 0, NULL, &s), TD__EXIT_OK);
    td__network_set_modes(&s.teacher);
    td__network_set_modes(&s.student);
    cr_assert_eq(epoch(&x, &s, 0), 0);
    int before = allocations;
    size_t reserved = td__memory_reserved();
    for (int64_t i = 1; i < 4; i++)
        cr_assert_eq(epoch(&x, &s, i), 0);
    cr_expect_eq(allocations - before, 0, "%d allocations", allocations - before);
    cr_expect_eq(td__memory_reserved(), reserved);
    td__stage_close(&s);
    td__experiment_close(&x);
    lab_end(&lab);
}

Test(memory, repeated_steps_allocate_nothing)
{
    static const char *const sets[] = {"models.teacher_model={key: resnet, kwargs: {depth: 14, num_classes: 8}}",
                                       "models.student_model={key: resnet, kwargs: {depth: 8, num_classes: 8}}"};
    count_steps(lab_distil, sets, 2);
}
#else
Test(memory, repeated_steps_allocate_nothing)
{
    cr_skip_test("allocations are counted with glibc alone, not beside a sanitizer");
}
#endif

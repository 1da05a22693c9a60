/* Criterion's words for a plain program: its sandboxes do not start under ThreadSanitizer (./configure --enable-tsan puts this
 * folder before Criterion's).  Tests run one after the other in this process; the first failure ends it. */
#ifndef TESTS_PLAIN_CRITERION_H
#define TESTS_PLAIN_CRITERION_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct plain_suite {
    void (*init)(void), (*fini)(void);
};

static struct {
    const char *name;
    void (*run)(void);
} plain_tests[64];
static int plain_n;
static struct plain_suite plain_around;
static jmp_buf plain_skipped;
static FILE *plain_tap; /* --tap=FILE, or stderr */
static const char *plain_name;

__attribute__((noreturn, unused, format(printf, 4, 5))) static void plain_fail(const char *file, int line,
                                                                               const char *what, const char *more, ...)
{
    va_list values;
    va_start(values, more);
    fprintf(stderr, "%s:%d: %s:", file, line, what);
    vfprintf(stderr, more, values);
    fputc('\n', stderr);
    va_end(values);
    fprintf(plain_tap, "not ok - %s\n", plain_name);
    exit(1);
}

__attribute__((noreturn, unused)) static void plain_skip(void)
{
    fprintf(plain_tap, "ok - %s # SKIP\n", plain_name);
    longjmp(plain_skipped, 1);
}

#define TestSuite(suite, ...) \
    __attribute__((constructor)) static void plain_suite_##suite(void) { plain_around = (struct plain_suite){__VA_ARGS__}; }
#define Test(suite, test, ...) \
    static void plain_run_##suite##test(void); \
    __attribute__((constructor)) static void plain_add_##suite##test(void) \
    { \
        plain_tests[plain_n].name = #test; \
        plain_tests[plain_n++].run = plain_run_##suite##test; \
    } \
    static void plain_run_##suite##test(void)

#define cr_assert(condition, ...) \
    do { \
        if (!(condition)) \
            plain_fail(__FILE__, __LINE__, #condition, " " __VA_ARGS__); \
    } while (0)
#define cr_assert_not(x, ...) cr_assert(!(x), __VA_ARGS__)
#define cr_assert_null(x, ...) cr_assert(!(x), __VA_ARGS__)
#define cr_assert_not_null(x, ...) cr_assert(x, __VA_ARGS__)
#define cr_assert_eq(a, b, ...) cr_assert((a) == (b), __VA_ARGS__)
#define cr_assert_neq(a, b, ...) cr_assert((a) != (b), __VA_ARGS__)
#define cr_assert_lt(a, b, ...) cr_assert((a) < (b), __VA_ARGS__)
#define cr_assert_gt(a, b, ...) cr_assert((a) > (b), __VA_ARGS__)
#define cr_assert_leq(a, b, ...) cr_assert((a) <= (b), __VA_ARGS__)
#define cr_assert_geq(a, b, ...) cr_assert((a) >= (b), __VA_ARGS__)
#define cr_assert_str_eq(a, b, ...) cr_assert(!strcmp(a, b), __VA_ARGS__)
#define cr_assert_arr_eq(a, b, size, ...) cr_assert(!memcmp(a, b, size), __VA_ARGS__)
#define cr_assert_float_eq(a, b, tolerance, ...) cr_assert(fabs((a) - (b)) <= (tolerance), __VA_ARGS__)
#define cr_expect cr_assert
#define cr_expect_eq cr_assert_eq
#define cr_expect_gt cr_assert_gt
#define cr_expect_leq cr_assert_leq
#define cr_expect_geq cr_assert_geq
#define cr_skip_test(...) plain_skip()

static void plain_run(void (*test)(void))
{
    if (setjmp(plain_skipped))
        return;
    test();
    fprintf(plain_tap, "ok - %s\n", plain_name);
}

int main(int argc, char **argv)
{
    plain_tap = argc > 1 && !strncmp(argv[1], "--tap=", 6) ? fopen(argv[1] + 6, "w") : stderr;
    if (!plain_tap)
        return 2;
    for (int i = 0; i < plain_n; i++) {
        plain_name = plain_tests[i].name;
        if (plain_around.init)
            plain_around.init();
        plain_run(plain_tests[i].run);
        if (plain_around.fini)
            plain_around.fini();
    }
    return 0;
}

#endif

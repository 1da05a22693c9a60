/* What tools/bench runs: one step of the smallest workload, and its JSON.  Nothing is said about the times. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <sys/wait.h>

#include "tests/paths.h"

static json_t *bench(const char *arguments, int *code)
{
    char command[5000];
    snprintf(command, sizeof command, TD_BUILDDIR "/tools/measure/measure %s", arguments);
    FILE *p = popen(command, "r");
    cr_assert_not_null(p);
    json_t *j = json_loadf(p, 0, NULL);
    *code = WEXITSTATUS(pclose(p));
    return j;
}

Test(bench, one_step)
{
    int code;
    json_t *all = bench("step --json --only r56-r20-c100-b64 --steps 1", &code), *steps = json_object_get(all, "step");
    cr_expect_eq(code, 0);
    cr_assert_eq(json_array_size(steps), 1);
    json_t *one = json_array_get(steps, 0);
    cr_expect_str_eq(json_string_value(json_object_get(one, "workload")), "r56-r20-c100-b64");
    cr_expect_eq(json_integer_value(json_object_get(one, "steps")), 1);
    cr_expect_gt(json_real_value(json_object_get(one, "ms")), 0);
    /* Multiply-adds of an image: 125,747,200 in the teacher; 40,812,544 in the student three times, but for its first convolution
     * (442,368), whose input wants no gradient. */
    double flop = 64 * 2 * (125747200.0 + 3 * 40812544.0 - 442368.0), got = json_real_value(json_object_get(one, "conv_gflop"));
    cr_expect_float_eq(got, 1e-9 * flop, 1e-3, "%f", got);
    json_decref(all);
}

/* Several backends, a row each. */
Test(bench, epochs_of_backends)
{
    char *data = data_path("cifar10-resnet"), arguments[4400];
    if (!data)
        cr_skip_test("no trained networks of CIFAR-10");
    *strrchr(data, '/') = 0;
    snprintf(arguments, sizeof arguments, "epoch --json --backend cpu,cpu --steps 1 --data '%s'", data);
    free(data);
    int code;
    json_t *all = bench(arguments, &code), *epochs = json_object_get(all, "epoch");
    cr_expect_eq(code, 0);
    cr_assert_eq(json_array_size(epochs), 2);
    for (size_t i = 0; i < 2; i++) {
        cr_expect_str_eq(json_string_value(json_object_get(json_array_get(epochs, i), "backend")), "cpu");
        cr_expect_gt(json_real_value(json_object_get(json_array_get(epochs, i), "bare_ms")), 0);
    }
    json_decref(all);
}

Test(bench, wrong_lines)
{
    int code;
    cr_expect_null(bench("step --only r56 2>/dev/null", &code));
    cr_expect_eq(code, 2);
    cr_expect_null(bench("step --steps 0 2>/dev/null", &code));
    cr_expect_eq(code, 2);
    cr_expect_null(bench("step --backend , 2>/dev/null", &code));
    cr_expect_eq(code, 2);
}

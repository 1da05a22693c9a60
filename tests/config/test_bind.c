#include "tests/config/config.h"

#include <math.h>

#include "host/config/bind.h"

struct kd {
    td_tap student, teacher;
    double temperature, alpha;
    const char *reduction;
};
static const td_param kd_table[] = {
    TD_TAP_STUDENT(struct kd, student, "student_module_path", "student_module_io", "."),
    TD_TAP_TEACHER(struct kd, teacher, "teacher_module_path", "teacher_module_io", "."),
    TD_PARAM_FLOAT(struct kd, temperature, NULL, "softens both distributions", .min = 1e-6),
    TD_PARAM_FLOAT(struct kd, alpha, "null", "weight of the hard loss", .flags = TD_NULLABLE),
    TD_PARAM_STRING(struct kd, reduction, "batchmean", "how losses become one", .choices = "mean|sum|batchmean"),
    TD_PARAM_END};

/* Binds a document as KDLoss's parameters; what was said must be `message`. */
static struct kd bind_kd(const char *text, const char *message)
{
    struct kd p;
    td__config cfg;
    td__config_parse(&cfg, "t.yaml", text, strlen(text));
    int rc = td__bind(&cfg, cfg.root, "KDLoss", kd_table, sizeof p, &p);
    cr_expect_eq(rc, *message ? -1 : 0);
    expect_said(&cfg, message);
    td__config_free(&cfg);
    return p;
}

Test(bind, values_and_defaults)
{
    struct kd p = bind_kd("{temperature: 4, student_module_io: input, teacher_module_path: 1.0}", "");
    cr_expect_eq(p.temperature, 4);
    cr_expect(isnan(p.alpha));
    cr_expect_eq(p.student.io, TD_INPUT);
    cr_expect_eq(p.student.side, TD_STUDENT);
    cr_expect_eq(p.teacher.io, TD_OUTPUT);
    cr_expect_eq(p.teacher.side, TD_TEACHER);
}

Test(bind, mistakes)
{
    bind_kd("temperature: 1\ntempreature: 4\n",
            "t.yaml:2:1: unknown key 'tempreature' in KDLoss (did you mean 'temperature'?)\n");
    bind_kd("  temperature: hot", "t.yaml:1:16: 'temperature' in KDLoss is a number, not a string (\"hot\")\n");
    bind_kd("alpha: 1", "t.yaml:1:1: KDLoss needs 'temperature' (softens both distributions)\n");
    bind_kd("temperature: 0", "t.yaml:1:14: 'temperature' in KDLoss is 0; it must be at least 1e-06\n");
    bind_kd("{temperature: 1, reduction: man}",
            "t.yaml:1:29: 'reduction' in KDLoss is 'man'; it may be mean, sum or batchmean (did you mean 'mean'?)\n");
}

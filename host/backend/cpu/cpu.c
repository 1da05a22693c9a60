#include "host/backend/cpu/cpu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"

/* kernels/families.c, compiled per instruction set. */
extern const td__kernel_row *const td__cpu_families_baseline[];
#ifdef TD_X86_ISA
extern const td__kernel_row *const td__cpu_families_avx2[];
extern const td__kernel_row *const td__cpu_families_avx512[];
#endif

static int always(void)
{
    return 1;
}

#ifdef TD_X86_ISA
static int has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

static int has_avx512(void)
{
    return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw");
}
#endif

/* The best first. */
static const struct isa {
    const char *name;
    int (*runs_here)(void);
    const td__kernel_row *const *families;
} isas[] = {
#ifdef TD_X86_ISA
    {"avx512", has_avx512, td__cpu_families_avx512},
    {"avx2", has_avx2, td__cpu_families_avx2},
#endif
    {"baseline", always, td__cpu_families_baseline},
};
#define N_ISAS (sizeof isas / sizeof *isas)

static const struct isa *selected;

int td__cpu_select(const char *name, char *why, size_t why_size)
{
    for (const struct isa *i = isas; i < isas + N_ISAS; i++) {
        if (name && strcmp(i->name, name))
            continue;
        if (i->runs_here()) {
            selected = i;
            return 0;
        }
        if (name) {
            snprintf(why, why_size, "this processor does not run %s kernels", name);
            return -1;
        }
    }
    snprintf(why, why_size, "there are no '%s' kernels in this build:", name);
    for (const struct isa *i = isas; i < isas + N_ISAS; i++) {
        size_t used = strlen(why);
        snprintf(why + used, why_size - used, " %s", i->name);
    }
    return -1;
}

const char *td__cpu_selected(void)
{
    return selected ? selected->name : "";
}

static int32_t score(char *why, size_t why_size)
{
    (void)why;
    (void)why_size;
    return 10;
}

static int32_t open_cpu(td_ctx *c)
{
    char why[200];
    if (!td__cpu_select(getenv("TDHOST_CPU_ISA"), why, sizeof why))
        return TD_OK;
    td__fail(c, "TDHOST_CPU_ISA: %s", why);
    return TD_ERROR;
}

/* Operations whose reference kernel is this backend's kernel: they move data, or are rare. */
static const char *const shared[] = {
    "where",
    "cast",
    "amax",
    "argmax",
    "count_correct",
    "interpolate_nearest",
    "interpolate_nearest_grad",
    "permute",
    "expand",
    "slice",
    "slice_grad",
    "cat",
    "pad",
    "index_select",
    "index_select_grad",
    "index_copy",
    "copy",
    "augment",
    "solve_spd",
    NULL,
};

static td_kernel kernel(const char *op)
{
    td_kernel fast = td__kernel_find(selected->families, op);
    for (const char *const *s = shared; !fast && *s; s++)
        if (!strcmp(*s, op))
            return td__reference_backend.kernel(op);
    return fast;
}

int32_t td__cpu_reference(const char *op, td_run *r, const td_view *in, td_view *out, const void *attrs)
{
    return td__reference_backend.kernel(op)(r, in, out, attrs);
}

const td_backend_type td__cpu_backend = {
    .type = {.key = "cpu", .summary = "Vectorised kernels for AVX-512, AVX2 or any processor; float32 is fast"},
    .score = score,
    .open = open_cpu,
    .alloc = td__host_alloc,
    .free = td__host_free,
    .copy_in = td__host_copy,
    .copy_out = td__host_copy,
    .kernel = kernel,
};

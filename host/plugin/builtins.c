/* What the host itself brings. */
#include "host/backend/backend.h"
#include "host/data/builtins.h"
#include "host/nn/module.h"
#include "host/plugin/registry.h"
#include "host/train/optim.h"

static int register_backends(void)
{
    return TD__REGISTER_HOST(TD_KIND_BACKEND, &td__reference_backend) ||
                   TD__REGISTER_HOST(TD_KIND_BACKEND, &td__cpu_backend)
               ? -1
               : 0;
}

int td__register_builtins(void)
{
    static int (*const parts[])(void) = {register_backends,      td__register_layers,     td__register_samplers,
                                         td__register_functions, td__register_optimizers, td__register_schedulers};
    int rc = 0;
    for (size_t i = 0; !rc && i < sizeof parts / sizeof *parts; i++)
        rc = parts[i]();
    return rc;
}

#include "host/backend/service.h"

#include "host/backend/backend.h"
#include "host/base/pool.h"
#include "host/plugin/registry.h"

static td_kernel find(const char *backend, const char *op)
{
    char why[256];
    const td_backend_type *b = (const td_backend_type *)td__find_type(TD_KIND_BACKEND, backend);
    return b && td__backend_use(b, why, sizeof why) ? b->kernel(op) : NULL;
}

static int32_t threads(void) { return td__pool_threads(); }

const td_kernels_api td__kernels_service = {.size = sizeof td__kernels_service, .find = find, .threads = threads};

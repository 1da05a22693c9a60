/* tdhost SDK: the service "td.kernels/1", other backends' kernels by name.
 *
 *     const td_kernels_api *kernels = td_host->get_interface(TD_KERNELS_SERVICE);
 *
 * For a backend whose tensors lie in host memory: operations it has no kernel of its own for it can hand, by name, to a
 * backend of the host ("cpu", "reference"), so that what runs where stays written down.  A backend on a device cannot
 * use another's kernels: they read host memory.
 */
#ifndef TD_KERNELS_H
#define TD_KERNELS_H

#include <td/op.h>

#define TD_KERNELS_SERVICE "td.kernels/1"

typedef struct td_kernels_api {
    uint32_t size, reserved;
    /* The kernel of the host's operation op on the registered backend of that name, which is opened; NULL where there
     * is no such backend or kernel, or it does not open.  Any thread, but not from td_backend_type.open. */
    td_kernel (*find)(const char *backend, const char *op);
    /* How many threads the host computes with, the caller among them.  Any thread. */
    int32_t (*threads)(void);
} td_kernels_api;

#endif

/* The fast CPU backend: float32 kernels compiled once per instruction set and chosen at start. */
#ifndef TD__CPU_H
#define TD__CPU_H

#include "host/backend/backend.h"

/* The kernels of an instruction set: "baseline", "avx2" or "avx512"; NULL: the best this processor has.  Kernels
 * looked up before keep theirs.  0, or -1 with a message in why. */
int td__cpu_select(const char *name, char *why, size_t why_size);
/* The instruction set in use. */
const char *td__cpu_selected(void);

/* The reference backend's kernel of op, for dtypes the fast kernels do not have. */
int32_t td__cpu_reference(const char *op, td_run *r, const td_view *in, td_view *out, const void *attrs);

#endif

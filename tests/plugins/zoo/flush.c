/* What -ffast-math does to a shared object: denormals become zero as soon as it is loaded. */
#include "zoo.h"
#ifdef __SSE__
#include <xmmintrin.h>
__attribute__((constructor)) static void constructor(void) { _MM_SET_FLUSH_ZERO_MODE(_MM_FLUSH_ZERO_ON); }
#endif
static const td_loss_type loss = ZOO_LOSS("Flush");
TD_PLUGIN(flush, "1.0", "MIT", "of the zoo", "loss:Flush")
{
    td_register(reg, TD_KIND_LOSS, &loss);
}

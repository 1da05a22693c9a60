/* What the host itself brings. */
#include "host/plugin/registry.h"

int td__register_builtins(void)
{
    return 0;
}

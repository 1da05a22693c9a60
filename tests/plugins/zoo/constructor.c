/* Runs as soon as it is loaded, and says so in a file. */
#include <stdio.h>
#include <stdlib.h>
#include "zoo.h"
__attribute__((constructor)) static void constructor(void)
{
    const char *marker = getenv("ZOO_MARKER");
    FILE *f = marker ? fopen(marker, "w") : NULL;
    if (f)
        fclose(f);
}
static const td_loss_type loss = ZOO_LOSS("Constructor");
TD_PLUGIN(constructor, "1.0", "MIT", "of the zoo", "loss:Constructor")
{
    td_register(reg, TD_KIND_LOSS, &loss);
}

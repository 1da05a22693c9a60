#include <signal.h>
#include "zoo.h"
static const td_loss_type loss = ZOO_LOSS("Handler");
TD_PLUGIN(handler, "1.0", "MIT", "of the zoo", "loss:Handler")
{
    signal(SIGINT, SIG_IGN);
    td_register(reg, TD_KIND_LOSS, &loss);
}

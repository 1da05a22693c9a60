/* Registers, then fails: nothing may stay. */
#include "zoo.h"
static const td_loss_type loss = ZOO_LOSS("EntryFails");
ZOO_NOTE(ZOO_MANIFEST("[0,0]", "entry_fails", "loss:EntryFails"));
ZOO_ENTRY(api, reg)
{
    td_host = api;
    td_register(reg, TD_KIND_LOSS, &loss);
    return TD_ERROR;
}

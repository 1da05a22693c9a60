/* An entry without a note. */
#include "zoo.h"
ZOO_ENTRY(api, reg)
{
    (void)reg;
    td_host = api;
    return TD_OK;
}

#include "zoo.h"
ZOO_NOTE(ZOO_MANIFEST("[0,0]", "no_entry", "loss:NoEntry"));

#include "zoo.h"
ZOO_NOTE("{\"id\":\"no_abi\",\"provides\":\"loss:NoAbi\"}");

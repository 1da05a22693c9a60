#include "zoo.h"
ZOO_NOTE("{\"abi\":[0,0],");

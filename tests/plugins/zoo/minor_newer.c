#include "zoo.h"
ZOO_NOTE(ZOO_MANIFEST("[0,99]", "minor_newer", "loss:MinorNewer"));

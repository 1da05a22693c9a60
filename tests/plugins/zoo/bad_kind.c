#include "zoo.h"
ZOO_NOTE(ZOO_MANIFEST("[0,0]", "bad_kind", "looser:BadKind"));

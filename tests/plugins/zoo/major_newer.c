#include "zoo.h"
ZOO_NOTE(ZOO_MANIFEST("[1,0]", "major_newer", "loss:MajorNewer"));

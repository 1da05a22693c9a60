/* tdhost SDK: the one header a plugin includes. */
#ifndef TD_TD_H
#define TD_TD_H
#include <td/pair.h>
#include <td/plugin.h>
#endif

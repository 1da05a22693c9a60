#include <locale.h>
#include "zoo.h"
static const td_loss_type loss = ZOO_LOSS("Locale");
TD_PLUGIN(locale, "1.0", "MIT", "of the zoo", "loss:Locale")
{
    setlocale(LC_ALL, "C.UTF-8");
    td_register(reg, TD_KIND_LOSS, &loss);
}

#include "tests/ops/cases.h"

const op_case cases_conv[] = {
    {.op = NULL},
};

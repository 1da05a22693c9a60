#include "tests/ops/cases.h"

const op_case cases_pool[] = {
    {.op = NULL},
};

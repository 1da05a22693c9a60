#include "tests/ops/cases.h"

const op_case cases_reduce[] = {
    {.op = NULL},
};

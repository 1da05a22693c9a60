#include "tests/ops/cases.h"

const op_case cases_matmul[] = {
    {.op = NULL},
};

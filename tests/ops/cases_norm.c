#include "tests/ops/cases.h"

const op_case cases_norm[] = {
    {.op = NULL},
};

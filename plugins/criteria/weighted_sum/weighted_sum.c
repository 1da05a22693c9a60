/* WeightedSumLoss: the sum of the terms, each times its weight. */
#include <td/td.h>

static td_tensor *combine(td_ctx *c, const void *params, const td_term *terms, int64_t n)
{
    (void)params;
    td_tensor *sum = NULL;
    for (int64_t i = 0; i < n; i++) {
        td_tensor *term = terms[i].weight == 1 ? terms[i].value : td_scale(c, terms[i].value, terms[i].weight);
        sum = sum ? td_add(c, sum, term) : term;
    }
    return sum ? sum : td_scalar(c, TD_FLOAT32, 0);
}

static const td_criterion_type weighted_sum = {
    .type = {.key = "WeightedSumLoss", .summary = "sum of the terms, each times its weight"}, .combine = combine};

TD_PLUGIN(weighted_sum, "0.1.0", "MIT", "The weighted sum of loss terms", "criterion:WeightedSumLoss")
{
    td_register(reg, TD_KIND_CRITERION, &weighted_sum);
}

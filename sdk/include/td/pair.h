/* tdhost SDK: losses that are a sum over pairs of tensors, one of each network.
 *
 *     feature_pairs: {pair1: {student: {path: layer3, io: output}, teacher: {path: layer3, io: output}, weight: 1}}
 */
#ifndef TD_PAIR_H
#define TD_PAIR_H

#include <td/kinds.h>
#include <td/op.h>

typedef struct td_pair {
    td_tap student, teacher;
    double weight;
} td_pair;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmissing-field-initializers" /* C++ warns of designated ones too */
__attribute__((unused)) static const td_param td_pair_fields[] = {
    TD_PARAM_TAP(td_pair, student, td_student_tap, "the student's tensor"),
    TD_PARAM_TAP(td_pair, teacher, td_teacher_tap, "the teacher's tensor"),
    TD_PARAM_FLOAT(td_pair, weight, "1", "factor of the pair"), TD_PARAM_END};
#pragma GCC diagnostic pop

/* A td_list of td_pair. */
#define TD_PARAM_PAIRS(s, member, ...) TD_PARAM_MAP(s, member, td_pair_fields, sizeof(td_pair), NULL, __VA_ARGS__)

/* sum over the pairs of weight * term(params, student tensor, teacher tensor); those of weight 0 are not computed. */
static inline td_tensor *td_sum_pairs(td_io *io, const td_list *pairs, const void *params,
                                      td_tensor *(*term)(td_ctx *, const void *params, td_tensor *s, td_tensor *t))
{
    td_ctx *c = td_io_of(io)->c;
    const td_pair *pair = (const td_pair *)pairs->v;
    td_tensor *sum = NULL;
    for (int64_t i = 0; i < pairs->n; i++)
        if (pair[i].weight != 0)
            sum = td_add_term(c, sum, pair[i].weight,
                              term(c, params, td_io_get(io, &pair[i].student), td_io_get(io, &pair[i].teacher)));
    return sum ? sum : td_scalar(c, TD_FLOAT32, 0);
}
/* What a sum over the batch of s is multiplied with: 1/B for the reduction "mean", else 1. */
static inline double td_batch_factor(td_tensor *s, const char *reduction)
{
    return td_reduction(reduction) == TD_MEAN && td_dim(s, 0) > 0 ? 1 / (double)td_dim(s, 0) : 1;
}

#endif

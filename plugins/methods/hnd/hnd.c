/* Head network distillation (HND: Matsubara et al., 2019; generalized, GHND: ICPR 2020) is the squared difference,
 * summed, of one or several feature maps (MSELoss, reduction: sum) of a teacher and a student that shares the
 * teacher's later layers, frozen: only the student's head learns.  HeadRCNN is what it needs beside that: a network
 * cut to the modules up to the last map that is compared.  torchdistill's also keeps an R-CNN's input transform; here
 * the data set's transforms are it. */
#include <td/td.h>

struct head {
    td_strings sequential;
};
struct params {
    struct head head_rcnn;
};

static const td_param head_table[] = {
    TD_PARAM_STRINGS(struct head, sequential, NULL, "paths of the modules that are enough, in order"), TD_PARAM_END};
static const td_param table[] = {
    TD_PARAM_STRUCT(struct params, head_rcnn, head_table, sizeof(struct head), NULL, "what is left of the network"),
    TD_PARAM_END_OPEN};

static const td_module_type type = {
    .name = "HeadRCNN", .data_size = sizeof(td_wrapped), .forward_value = td_wrapped_forward};

static td_module *build(td_ctx *c, const void *params, const char *name, td_module *model)
{
    td_module *seq = td_redesign(c, model, &((const struct params *)params)->head_rcnn.sequential);
    td_module *m = td_module_new(c, &type);
    if (td_failed(c))
        return m;
    td_wrapped *w = td_data(m);
    w->side = name[0] == 't' ? TD_TEACHER : TD_STUDENT;
    w->model = td_adopt(c, m, "seq", seq);
    return m;
}

static const td_wrapper_type head_rcnn = {.type = {.key = "HeadRCNN",
                                                   .summary = "a network cut to its first modules, called seq",
                                                   .params = table,
                                                   .params_size = sizeof(struct params)},
                                          .build = build};

TD_PLUGIN(hnd, "0.1.0", "MIT", "Head network distillation, HND and GHND (Matsubara et al., ICPR 2020)",
          "wrapper:HeadRCNN")
{
    td_register(reg, TD_KIND_WRAPPER, &head_rcnn);
}

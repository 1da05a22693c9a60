/* How a batch enters a network: torchdistill's forward_proc functions. */
#include <td/td.h>

static td_value only(td_ctx *c, td_module *model, td_tensor *batch, td_tensor *target, td_io *io)
{
    (void)target;
    (void)io;
    return td_call_value(c, model, td_value_of(batch));
}

static td_value with_target(td_ctx *c, td_module *model, td_tensor *batch, td_tensor *target, td_io *io)
{
    (void)io;
    td_value args[] = {td_value_of(batch), target ? td_value_of(target) : td_none()};
    return td_call_value(c, model, td_tuple(c, 2, args));
}

static td_value with_supp(td_ctx *c, td_module *model, td_tensor *batch, td_tensor *target, td_io *io)
{
    (void)target;
    td_value args[] = {td_value_of(batch), td_io_of(io)->supp};
    return td_call_value(c, model, td_tuple(c, 2, args));
}

static td_value with_all(td_ctx *c, td_module *model, td_tensor *batch, td_tensor *target, td_io *io)
{
    td_value args[] = {td_value_of(batch), target ? td_value_of(target) : td_none(), td_io_of(io)->supp};
    return td_call_value(c, model, td_tuple(c, 3, args));
}

static const td_forward_proc_type procs[] = {
    {.type = {.key = "forward_batch_only", .summary = "the network takes the batch"}, .forward = only},
    {.type = {.key = "forward_batch_target", .summary = "the network takes batch and labels"}, .forward = with_target},
    {.type = {.key = "forward_batch_supp_dict", .summary = "the network takes batch and side values"},
     .forward = with_supp},
    {.type = {.key = "forward_all", .summary = "the network takes batch, labels and side values"}, .forward = with_all},
};

TD_PLUGIN(batch, "0.1.0", "MIT", "How a batch enters a network",
          "forward_proc:forward_batch_only forward_proc:forward_batch_target forward_proc:forward_batch_supp_dict "
          "forward_proc:forward_all")
{
    for (unsigned i = 0; i < sizeof procs / sizeof *procs; i++)
        td_register(reg, TD_KIND_FORWARD_PROC, &procs[i]);
}

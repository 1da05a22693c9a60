"""PADL2Loss: Zhang et al., ECCV 2020, section 3.2; the branch of VarianceBranch4PAD."""
import pathlib, sys
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[4] / "tools/vectors"))
import torch
from vectors import Vectors


def pad(name, seed, reduction, eps=1e-6, wrapped=False):
    v, more = Vectors(__file__, name, seed), {}
    path = "student_model.avgpool" if wrapped else "avgpool"
    s = v.normal(f"student|{path}|output", 5, 4, 1, 1).reshape(5, 4)
    t = v.normal("teacher|avgpool|output", 5, 4, 1, 1).reshape(5, 4)
    if wrapped:
        w, b = v.normal("param|var_estimator.0.weight", 4, 4), v.normal("param|var_estimator.0.bias", 4)
        gain, bias = v.normal("param|var_estimator.1.weight", 4), v.normal("param|var_estimator.1.bias", 4)
        x = s @ w.T + b
        ln_var = (x - x.mean(0)) / (x.var(0, unbiased=False) + 1e-5).sqrt() * gain + bias
        more = dict(student_wrapper=dict(key="VarianceBranch4PAD", kwargs=dict(
            input_module=dict(path=path, io="output"), feat_dim=4, var_estimator_ckpt=None)))
    else:
        ln_var = v.normal("student|var_estimator|output", 5, 4)
    losses = ((t - s) ** 2 / (eps + torch.exp(ln_var)) + ln_var).mean(1)
    v.write(losses.mean() if reduction == "mean" else losses.sum(), "PADL2Loss",
            dict(student_embed_module_path=path, teacher_embed_module_path="avgpool", module_path="var_estimator",
                 eps=eps, reduction=reduction), no_grad=("param|var_estimator.0.bias",), **more)  # batch norm takes it away


pad("pad", 1, "mean")
pad("pad_sum", 2, "sum", eps=0.1)
pad("pad_wrapper", 3, "mean", wrapped=True)

"""CTKDLoss: Li et al. 2023: KD at T = t_start + t_end sigmoid(theta), the gradient of theta reversed with strength
(1 - cos(pi min(epoch / E, 1))) / 2; theta one number, or made of both logits for each sample."""
import pathlib, sys
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[4] / "tools/vectors"))
import torch
from vectors import Vectors

import math


class Reverse(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, strength):
        ctx.strength = strength
        return x.clone()

    @staticmethod
    def backward(ctx, g):
        return -ctx.strength * g, None


def ctkd(name, seed, mode, epoch, t_start, t_end, E):
    v = Vectors(__file__, name, seed)
    s, t = v.normal("student|fc|output", 5, 4, scale=3), v.normal("teacher|fc|output", 5, 4, scale=3)
    kwargs = dict(student_module_path="fc", teacher_module_path="fc", mode=mode, t_start=t_start, t_end=t_end, ramp_epochs=E)
    if mode == "global":
        theta = v.normal("param|global_T", 1).expand(5)
    else:
        W, b = v.normal("param|net.0.weight", 3, 8, scale=0.3), v.normal("param|net.0.bias", 3)
        U, d = v.normal("param|net.2.weight", 1, 3), v.normal("param|net.2.bias", 1)
        theta = ((torch.cat([s, t], 1).detach() @ W.T + b).clamp(min=0) @ U.T + d)[:, 0]
        kwargs.update(num_classes=4, hidden_features=3)
    strength = (1 - math.cos(math.pi * min((epoch + 1) / E, 1))) / 2
    T = t_start + t_end / (1 + torch.exp(-Reverse.apply(theta, strength)))
    loss = 0
    for i in range(5):
        p, q = (torch.exp(z[i] / T[i]) / torch.exp(z[i] / T[i]).sum() for z in (t, s))
        loss = loss + T[i] ** 2 * (p * (p / q).log()).sum() / 5
    v.write(loss, "CTKDLoss", kwargs, epoch=epoch)


ctkd("ctkd_global", 1, "global", 3, 1.0, 3.0, 10)
ctkd("ctkd_global_late", 2, "global", 12, 2.0, 5.0, 10)
ctkd("ctkd_instance", 3, "instance", 6, 1.0, 2.0, 8)

"""WSLDLoss: Zhou et al. 2021: T^2 mean (1 - exp(-CE_s / CE_t)) CE(softmax(z_t / T), softmax(z_s / T)), weights constant."""
import pathlib, sys
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[4] / "tools/vectors"))
import torch
from vectors import Vectors


def wsld(name, seed, T, **kwargs):
    v = Vectors(__file__, name, seed)
    s, t = v.normal("student|fc|output", 6, 8, scale=3), v.normal("teacher|fc|output", 6, 8, scale=3)
    y = v.put("target", torch.tensor([3, 0, 7, 5, 5, 1]))
    softmax = lambda z: torch.exp(z) / torch.exp(z).sum(1, keepdim=True)
    ce = lambda z: -softmax(z).log()[torch.arange(6), y].detach()
    weight = 1 - torch.exp(-ce(s) / (ce(t) + 1e-7))
    soft = -(softmax(t / T) * softmax(s / T).log()).sum(1)
    v.write(T * T * (weight * soft).mean(), "WSLDLoss", dict(student_module_path="fc", teacher_module_path="fc", **kwargs))


wsld("wsld", 1, 2.0)
wsld("wsld_soft", 2, 4.0, temperature=4.0)

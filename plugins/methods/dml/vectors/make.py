"""DMLLoss: Zhang et al. 2018, equations 5 and 6: KL(p_2 || p_1) for network 1 and KL(p_1 || p_2) for network 2, the other constant."""
import pathlib, sys
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[4] / "tools/vectors"))
import torch
from vectors import Vectors


def dml(name, seed, T):
    v = Vectors(__file__, name, seed)
    s, t = v.normal("student|fc|output", 5, 7, scale=3), v.normal("teacher|fc|output", 5, 7, scale=3)
    softmax = lambda z: torch.exp(z / T) / torch.exp(z / T).sum(1, keepdim=True)
    kl = lambda p, q: (p * (p / q).log()).sum() / 5
    loss = T * T * (kl(softmax(t).detach(), softmax(s)) + kl(softmax(s).detach(), softmax(t)))
    v.write(loss, "DMLLoss", dict(student_module_path="fc", teacher_module_path="fc", temperature=T))


dml("dml", 1, 1.0)
dml("dml_soft", 2, 3.0)

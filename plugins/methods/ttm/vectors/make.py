"""TTMLoss and WTTMLoss: Zheng and Yang 2024: KL(p^gamma / U || softmax(z_s)), U = sum p^gamma; weighted by U."""
import pathlib, sys
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[4] / "tools/vectors"))
import torch
from vectors import Vectors


def ttm(name, seed, gamma, weighted):
    v = Vectors(__file__, name, seed)
    s, t = v.normal("student|fc|output", 6, 8, scale=3), v.normal("teacher|fc|output", 6, 8, scale=3)
    softmax = lambda z: torch.exp(z) / torch.exp(z).sum(1, keepdim=True)
    power = softmax(t) ** gamma
    U = power.sum(1)
    q, p = power / U[:, None], softmax(s)
    kl = (q * (q.log() - p.log())).sum(1)
    v.write((U * kl if weighted else kl).mean(), "WTTMLoss" if weighted else "TTMLoss",
            dict(student_module_path="fc", teacher_module_path="fc", gamma=gamma))


ttm("ttm", 1, 0.25, False)
ttm("wttm", 2, 0.25, True)
ttm("wttm_sharp", 3, 1.4, True)

"""NKDLoss: Yang et al. 2023: -T_y ln S_y - gamma T^2 sum over the other classes of N(T) ln N(S), N making them sum to 1."""
import pathlib, sys
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[4] / "tools/vectors"))
import torch
from vectors import Vectors


def nkd(name, seed, **kwargs):
    gamma, T = kwargs.get("gamma", 1.5), kwargs.get("temperature", 1.0)
    v = Vectors(__file__, name, seed)
    s, t = v.normal("student|fc|output", 5, 8, scale=3), v.normal("teacher|fc|output", 5, 8, scale=3)
    y = v.put("target", torch.tensor([3, 0, 7, 5, 5]))
    loss = 0
    for b in range(5):
        label = torch.arange(8) == y[b]
        p, q = torch.exp(s[b]) / torch.exp(s[b]).sum(), torch.exp(t[b]) / torch.exp(t[b]).sum()
        ps, qs = torch.exp(s[b] / T), torch.exp(t[b] / T)
        N = lambda x: x[~label] / x[~label].sum()
        loss = loss - q[label].sum() * p[label].sum().log() - gamma * T**2 * (N(qs) * N(ps).log()).sum()
    v.write(loss / 5, "NKDLoss", dict(student_module_path="fc", teacher_module_path="fc", **kwargs))


nkd("nkd", 1)
nkd("nkd_soft", 2, gamma=0.8, temperature=2.5)

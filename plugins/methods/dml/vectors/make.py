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


def peers(name, seed, n, T, ce_weight):
    """Equation 7: L_k = L_Ck + 1/(K-1) sum of KL(p_l || p_k) over the others, of all K networks, each from its own gradient only."""
    v = Vectors(__file__, name, seed)
    z = [v.normal(f"student|{k}|output", 4, 6, scale=3) for k in range(n)]
    y = v.put("target", torch.randint(0, 6, (4,), generator=v.random))
    p = [torch.exp(x / T) / torch.exp(x / T).sum(1, keepdim=True) for x in z]
    loss = 0
    for k in range(n):
        ce = -torch.log(torch.exp(z[k])[range(4), y] / torch.exp(z[k]).sum(1)).mean()
        others = [(q.detach() * (q.detach() / p[k]).log()).sum(1).mean() for l, q in enumerate(p) if l != k]
        loss = loss + ce_weight * ce + T * T * sum(others) / len(others)
    v.write(loss, "DMLPeersLoss", dict(student_module_paths=list(range(n)), temperature=T, ce_weight=ce_weight))


peers("dml_peers", 3, 3, 1.0, 1.0)
peers("dml_peers_soft", 4, 4, 3.0, 0.0)

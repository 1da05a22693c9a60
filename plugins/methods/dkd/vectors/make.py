"""DKDLoss: Zhao et al. 2022, equations 1 to 7: b = (p_y, 1 - p_y); p^ the softmax over the classes that are not y."""
import pathlib, sys
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[4] / "tools/vectors"))
import torch
from vectors import Vectors


def probabilities(z, y, T):
    e = torch.exp(z / T)
    label = torch.stack([e[b, y[b]] for b in range(len(y))])
    others = torch.stack([torch.cat([e[b, :y[b]], e[b, y[b] + 1:]]) for b in range(len(y))])
    p = label / e.sum(1)
    return torch.stack([p, 1 - p], 1), others / others.sum(1, keepdim=True)


def dkd(name, seed, classes=10, warmup=20, epoch=0, **kwargs):
    v = Vectors(__file__, name, seed)
    s, t = v.normal("student|fc|output", 5, classes, scale=3), v.normal("teacher|fc|output", 5, classes, scale=3)
    y = v.put("target", torch.tensor([3, 0, 2, 1, 1]) % classes)
    alpha, beta, T = kwargs.get("alpha", 1), kwargs.get("beta", 8), kwargs.get("temperature", 4)
    kl = lambda p, q: (p * (p.log() - q.log())).sum() / 5
    (bs, ps), (bt, pt) = probabilities(s, y, T), probabilities(t, y, T)
    loss = min((epoch + 1) / warmup, 1) * T * T * (alpha * kl(bt, bs) + beta * kl(pt, ps))
    v.write(loss, "DKDLoss", dict(student_module_path="fc", teacher_module_path="fc", warmup_epochs=warmup, **kwargs), epoch=epoch)


dkd("dkd", 1, alpha=1.0, beta=2.0, temperature=4.0, epoch=30)
dkd("dkd_warming", 2, epoch=4)
dkd("dkd_two_classes", 3, classes=2, warmup=1, alpha=0.5, beta=3.0, temperature=1.5)

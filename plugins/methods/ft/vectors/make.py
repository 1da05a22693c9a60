"""FTLoss: Kim et al., NeurIPS 2018, equation 3; mean over all elements for p = 1, over the batch of norms otherwise."""
import pathlib, sys
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[4] / "tools/vectors"))
import torch
from vectors import Vectors


def ft(name, seed, p, reduction):
    v = Vectors(__file__, name, seed)
    s, t = v.normal("student|translator|output", 5, 6, 4, 4), v.normal("teacher|paraphraser|output", 5, 6, 4, 4)
    d = [x.reshape(5, -1) / (x.reshape(5, -1) ** 2).sum(1, keepdim=True).sqrt() for x in (s, t)]
    d = d[0] - d[1]
    if p == 1:
        loss = d.abs().mean() if reduction == "mean" else d.abs().sum()
    else:
        norms = (d.abs() ** p).sum(1) ** (1 / p)
        loss = norms.mean() if reduction == "mean" else norms.sum()
    v.write(loss, "FTLoss", dict(p=p, reduction=reduction, paraphraser_path="paraphraser", translator_path="translator"))


ft("ft_p1", 1, 1, "mean")
ft("ft_p2", 2, 2, "mean")
ft("ft_p2_sum", 3, 2, "sum")

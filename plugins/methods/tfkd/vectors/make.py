"""TfKDLoss: Yuan et al. 2020, section 5: KL(p^d_T || p_T), p^d a for the label and (1 - a) / (C - 1) for the others; or, as the
authors' program, KL(softmax(p^d / T) || p), averaged over all elements where reduction is mean."""
import pathlib, sys
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[4] / "tools/vectors"))
import torch
from vectors import Vectors


def tfkd(name, seed, a, T, mode, reduction="batchmean"):
    v = Vectors(__file__, name, seed)
    s = v.normal("student|fc|output", 5, 7, scale=3)
    y = v.put("target", torch.tensor([3, 0, 6, 5, 5]))
    d = torch.full((5, 7), (1 - a) / 6)
    for b in range(5):
        d[b, y[b]] = a
    if mode == "paper":
        d = d ** (1 / T)
        p = torch.exp(s / T)
    else:
        d = torch.exp(d / T)
        p = torch.exp(s)
    d, p = d / d.sum(1, keepdim=True), p / p.sum(1, keepdim=True)
    loss = (d * (d / p).log()).sum() / (35 if reduction == "mean" else 5)
    v.write(loss, "TfKDLoss", dict(student_module_path="fc", correct_prob=a, temperature=T, mode=mode, reduction=reduction))


tfkd("tfkd_code", 1, 0.99, 20.0, "code", "mean")
tfkd("tfkd_paper", 2, 0.9, 4.0, "paper")

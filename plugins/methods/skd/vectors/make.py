"""SKDInstanceLoss: KL(softmax(z_t / T) || softmax(z_s / T)); SKDDirectionLoss: mean sqrt(D_i^T (cov(D) + lambda I)^-1 D_i) of the
columns of D, the difference of the matrices of cosines between samples."""
import pathlib, sys
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[4] / "tools/vectors"))
import torch
from vectors import Vectors

TAPS = dict(student_module_path="fc", student_module_io="output", teacher_module_path="fc", teacher_module_io="output")


def logits(name, seed):
    v = Vectors(__file__, name, seed)
    return v, v.normal("student|fc|output", 6, 5, scale=2), v.normal("teacher|fc|output", 6, 5, scale=2)


def instance(name, seed, T):
    v, s, t = logits(name, seed)
    p, q = (torch.exp(z / T) / torch.exp(z / T).sum(1, keepdim=True) for z in (t, s))
    v.write((p * (p / q).log()).sum() / 6, "SKDInstanceLoss", dict(TAPS, temperature=T))


def direction(name, seed, **kwargs):
    v, s, t = logits(name, seed)
    unit = lambda z: z / z.square().sum(1, keepdim=True).sqrt()
    D = unit(s) @ unit(s).T - unit(t) @ unit(t).T
    S = torch.cov(D) + kwargs.get("tikhonov", 0.1) * torch.eye(6)
    inverse = torch.linalg.inv(S)
    v.write(sum((D[:, i] @ inverse @ D[:, i]).sqrt() for i in range(6)) / 6, "SKDDirectionLoss", dict(TAPS, **kwargs))


instance("skd_instance", 1, 4.0)
direction("skd_direction", 2)
direction("skd_direction_stiff", 3, tikhonov=2.0)

"""RKDLoss: Park et al., CVPR 2019, section 3.2: distances and angles of every pair and triplet, smooth L1."""
import pathlib, sys
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[4] / "tools/vectors"))
import torch
from vectors import Vectors


def smooth_l1(d, reduction):
    e = torch.where(d.abs() < 1, 0.5 * d ** 2, d.abs() - 0.5)
    return e.mean() if reduction == "mean" else e.sum()


def unit(x):
    n = (x ** 2).sum()
    return x / n.sqrt() if n > 0 else x


def distances(e):
    n = len(e)
    d = {(i, j): ((e[i] - e[j]) ** 2).sum().sqrt() for i in range(n) for j in range(n) if i != j}
    mu = sum(d.values()) / len(d)
    return torch.stack([d[i, j] / mu if i != j else torch.zeros(()) for i in range(n) for j in range(n)])


def angles(e):
    n = len(e)
    return torch.stack([(unit(e[j] - e[i]) * unit(e[k] - e[i])).sum() for i in range(n) for j in range(n) for k in range(n)])


def rkd(name, seed, d, a, reduction, student, teacher):
    v = Vectors(__file__, name, seed)
    s, t = v.normal("student|layer4|output", *student), v.normal("teacher|layer4|output", *teacher)
    x, y = s.reshape(len(s), -1), t.detach().reshape(len(t), -1)
    loss = d * smooth_l1(distances(x) - distances(y), reduction) + a * smooth_l1(angles(x) - angles(y), reduction)
    v.write(loss, "RKDLoss", dict(student_output_path="layer4", teacher_output_path="layer4", dist_factor=d, angle_factor=a,
                                  reduction=reduction), no_grad=("teacher|layer4|output",))


rkd("rkd", 1, 1.0, 2.0, "mean", (5, 6), (5, 9))
rkd("rkd_distance", 2, 25.0, 0.0, "mean", (4, 3, 2, 2), (4, 5, 2, 2))
rkd("rkd_angle_sum", 3, 0.0, 50.0, "sum", (5, 4), (5, 4))

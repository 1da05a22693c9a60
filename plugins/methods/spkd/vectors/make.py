"""SPKDLoss: Tung and Mori, ICCV 2019, section 3; norm 1 is torchdistill's, norm 2 the paper's."""
import pathlib, sys
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[4] / "tools/vectors"))
import torch
from vectors import Vectors


def similarities(f, norm):
    q = f.reshape(len(f), -1)
    rows = [torch.stack([(a * b).sum() for b in q]) for a in q]
    return torch.stack([r / (r.abs() ** norm).sum() ** (1 / norm) for r in rows])


def spkd(name, seed, norm, reduction):
    v = Vectors(__file__, name, seed)
    s, t = v.normal("student|layer3|output", 5, 3, 2, 2), v.normal("teacher|layer3|output", 5, 4, 3, 2)
    loss = ((similarities(s, norm) - similarities(t, norm)) ** 2).sum()
    v.write(loss / 25 if reduction == "batchmean" else loss, "SPKDLoss",
            dict(student_output_path="layer3", teacher_output_path="layer3", reduction=reduction, norm=norm))


spkd("spkd", 1, 1, "batchmean")
spkd("spkd_l2", 2, 2, "batchmean")
spkd("spkd_l2_sum", 3, 2, "sum")

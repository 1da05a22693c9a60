"""CWDLoss: Shu et al., ICCV 2021, section 3."""
import pathlib, sys
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[4] / "tools/vectors"))
import torch
from vectors import Vectors


def cwd(name, seed, T):
    v = Vectors(__file__, name, seed)
    s, t = v.normal("student|classifier|output", 3, 4, 3, 2), v.normal("teacher|classifier|output", 3, 4, 3, 2)
    p, q = [torch.exp(x / T) / torch.exp(x / T).sum((2, 3), keepdim=True) for x in (t, s)]
    loss = (p * torch.log(p / q)).sum((2, 3)).mean(1).mean(0) * T ** 2
    v.write(loss, "CWDLoss", dict(student_module_path="classifier", student_module_io="output", teacher_module_path="classifier",
                                  teacher_module_io="output", temperature=T))


cwd("cwd", 1, 4.0)
cwd("cwd_sharp", 2, 0.5)

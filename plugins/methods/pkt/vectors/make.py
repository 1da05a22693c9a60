"""PKTLoss: Passalis and Tefas, ECCV 2018, section 3, with the cosine kernel, pair by pair."""
import pathlib, sys
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[4] / "tools/vectors"))
import torch
from vectors import Vectors


def conditional(x, own):
    n = len(x)
    kernel = [[(torch.nn.functional.cosine_similarity(x[i], x[j], dim=0) + 1) / 2 for j in range(n)] for i in range(n)]
    counted = [[j for j in range(n) if own or j != i] for i in range(n)]
    return {(i, j): kernel[i][j] / sum(kernel[i][k] for k in counted[i]) for i in range(n) for j in counted[i]}


def pkt(name, seed, mode, *shape):
    v = Vectors(__file__, name, seed)
    x = {side: v.normal(f"{side}|fc|input", *shape) for side in ("student", "teacher")}
    s, t = [conditional(x[side].reshape(shape[0], -1), mode == "code") for side in ("student", "teacher")]
    terms = torch.stack([t[ij] * torch.log(t[ij] / s[ij]) for ij in t])
    loss = terms.mean() if mode == "code" else terms.sum()
    v.write(loss, "PKTLoss", dict(student_module_path="fc", student_module_io="input", teacher_module_path="fc",
                                  teacher_module_io="input", eps=1e-12, mode=mode))


pkt("pkt_code", 1, "code", 5, 7)
pkt("pkt_paper", 2, "paper", 6, 4)
pkt("pkt_maps", 3, "code", 4, 3, 2, 2)

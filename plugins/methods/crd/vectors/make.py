"""CRDLoss: Tian et al., ICLR 2020, equations 17-19 with the memory banks of the published code; first batch (Z from it)."""
import pathlib, sys
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[4] / "tools/vectors"))
import torch
from vectors import Vectors


N, D, K, B, T, EPS = 40, 16, 12, 5, 0.07, 1e-7


def unit(x):
    return x / (x ** 2).sum(-1, keepdim=True).sqrt()


def crd(name, seed, z=None):
    v = Vectors(__file__, name, seed)
    s = v.put("student|normalizer|output", unit(torch.randn(B, D, generator=v.random)))
    t = v.put("teacher|normalizer|output", unit(torch.randn(B, D, generator=v.random)))
    bound = 1 / (D / 3) ** 0.5
    m1, m2 = [v.put(f"param|memory_v{i}", (torch.rand(N, D, generator=v.random) * 2 - 1) * bound, grad=False) for i in (1, 2)]
    pos = v.put("student|empty|input|pos_idx", torch.tensor([3, 17, 8, 39, 0]))
    contrast = torch.randint(0, N, (B, K + 1), generator=v.random)
    contrast[:, 0] = pos
    contrast = v.put("student|empty|input|contrast_idx", contrast)
    for i in (1, 2):
        v.put(f"param|z_v{i}", torch.tensor(-1.0 if z is None else z[i - 1]), grad=False)
    loss, Pn = 0, 1 / N
    for i, (bank, e) in enumerate([(m1, t), (m2, s)]):
        out = torch.exp((bank[contrast] * e[:, None, :]).sum(-1) / T)
        x = out / (out.detach().mean() * N if z is None else z[i])
        loss = loss - (torch.log(x[:, 0] / (x[:, 0] + K * Pn + EPS)).sum() + torch.log(K * Pn / (x[:, 1:] + K * Pn + EPS)).sum()) / B
    v.write(loss, "CRDLoss", dict(student_norm_module_path="normalizer", student_empty_module_path="empty", teacher_norm_module_path="normalizer",
                                  input_size=D, output_size=N, num_negative_samples=K, num_samples=N, temperature=T, momentum=0.5, eps=EPS))


crd("crd_first", 1)
crd("crd_later", 2, z=(700.0, 900.0))

"""NSTLoss: Huang and Wang, 2017, section 4: squared maximum mean discrepancy of unit neurons, pair by pair."""
import pathlib, sys
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[4] / "tools/vectors"))
import torch
from vectors import Vectors


def nst(name, seed, kernel, pairs):
    v, total, spec = Vectors(__file__, name, seed), 0, {}
    for i, (student, teacher, weight) in enumerate(pairs, 1):
        s, t = v.normal(f"student|layer{i}|output", *student), v.normal(f"teacher|layer{i}|output", *teacher)
        spec[f"pair{i}"] = dict(student=dict(path=f"layer{i}", io="output"), teacher=dict(path=f"layer{i}", io="output"), weight=weight)
        if s.shape[2] > t.shape[2]:  # each side is twice the other's
            s = s.reshape(*s.shape[:2], t.shape[2], 2, t.shape[3], 2).mean((3, 5))
        s, t = [x.reshape(*x.shape[:2], -1) for x in (s, t)]
        s, t = [x / (x ** 2).sum(2, keepdim=True).sqrt() for x in (s, t)]

        def k(x, y):
            inner = (x[:, :, None, :] * y[:, None, :, :]).sum(-1)
            return (inner ** 2 if kernel == "poly" else inner).mean()
        total = total + weight * (k(s, s) + k(t, t) - 2 * k(s, t))
    v.write(total, "NSTLoss", dict(feature_pairs=spec, kernel=kernel))


nst("nst", 1, "poly", [((3, 4, 2, 2), (3, 5, 2, 2), 1.0), ((3, 2, 4, 4), (3, 3, 2, 2), 0.5)])
nst("nst_linear", 2, "linear", [((3, 4, 2, 2), (3, 5, 2, 2), 2.0)])

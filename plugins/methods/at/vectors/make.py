"""ATLoss: Zagoruyko and Komodakis, ICLR 2017: equation 2 (paper) and the form of the published code."""
import pathlib, sys
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[4] / "tools/vectors"))
import torch
from vectors import Vectors


def at(name, seed, mode):
    v = Vectors(__file__, name, seed)
    pairs, loss, B = {}, 0, 4
    for i, (cs, ct, h, w) in enumerate([(8, 16, 6, 0.5), (16, 12, 3, 2.0)], 1):
        s, t = v.normal(f"student|layer{i}|output", B, cs, h, h), v.normal(f"teacher|layer{i}|output", B, ct, h, h)
        if mode == "code":
            qs, qt = [(f ** 2).mean(1).reshape(B, -1) for f in (s, t)]
        else:
            qs, qt = [(f ** 2).sum(1).reshape(B, -1) for f in (s, t)]
        d = qs / (qs ** 2).sum(1, keepdim=True).sqrt() - qt / (qt ** 2).sum(1, keepdim=True).sqrt()
        loss = loss + w * ((d ** 2).mean() if mode == "code" else (d ** 2).sum(1).sqrt().sum() / B)
        pairs[f"pair{i}"] = {"teacher": {"io": "output", "path": f"layer{i}"}, "student": {"io": "output", "path": f"layer{i}"}, "weight": w}
    v.write(loss, "ATLoss", {"at_pairs": pairs, "mode": mode})


at("at_code", 1, "code")
at("at_paper", 2, "paper")

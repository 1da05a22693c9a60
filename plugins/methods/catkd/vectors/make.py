"""CATKDLoss: Guo et al., CVPR 2023, equation 5, alone and behind the wrappers that make the class activation maps."""
import pathlib, sys
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[4] / "tools/vectors"))
import torch
from vectors import Vectors


def phi(a, r, normalizes=True):
    h = a.shape[2] // r
    a = torch.stack([torch.stack([a[:, :, i * h:(i + 1) * h, j * h:(j + 1) * h].mean((2, 3)) for j in range(r)], -1) for i in range(r)], -2)
    return a / (a ** 2).sum((2, 3), keepdim=True).sqrt() if normalizes else a


def catkd(s, t, r, mode, normalizes=True):
    d = (phi(s, r, normalizes) - phi(t, r, normalizes)) ** 2
    return d.mean() if mode == "code" else d.sum((2, 3)).mean()


def plain(name, seed, r, mode, normalizes):
    v = Vectors(__file__, name, seed)
    s, t = v.normal("student|cam|output", 3, 5, 4, 4), v.normal("teacher|cam|output", 3, 5, 8, 8)
    v.write(catkd(s, t, r, mode, normalizes), "CATKDLoss", dict(resolution=r, mode=mode, normalizes=normalizes))


def wrapped():
    v = Vectors(__file__, "catkd_wrapped", 4)
    maps, layers = [], {}
    for side, c in (("student", 3), ("teacher", 4)):
        f = v.normal(f"{side}|{side}_model.layer3|output", 3, c, 4, 4)
        w = v.put(f"param|{side}_model.{side}_fc.weight", torch.randn(5, c, generator=v.random))
        v.put(f"param|{side}_model.{side}_fc.bias", torch.randn(5, generator=v.random), grad=False)
        maps.append(torch.einsum("kc,bchw->bkhw", w, f))
        layers[f"{side}_layers"] = {f"{side}_fc": {"key": "Linear", "kwargs": {"in_features": c, "out_features": 5}}}
        layers[f"{side}_wrapper"] = {"key": "CAM4CATKD", "kwargs": {"input_module_path": f"{side}_model.layer3", "classifier_path": f"{side}_fc"}}
    v.write(catkd(*maps, 2, "code"), "CATKDLoss", {}, **layers)


plain("catkd", 1, 2, "code", True)
plain("catkd_paper", 2, 4, "paper", True)
plain("catkd_plain", 3, 2, "code", False)
wrapped()

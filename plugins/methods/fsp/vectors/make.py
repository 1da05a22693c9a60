"""FSPLoss: Yim et al., CVPR 2017, equations 1 and 2; mode code: norms of the columns."""
import pathlib, sys
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[4] / "tools/vectors"))
import torch
from vectors import Vectors


def pool(x, h, w):
    """Of the larger map, whose sides are multiples."""
    return x.reshape(*x.shape[:2], h, x.shape[2] // h, w, x.shape[3] // w).amax((3, 5))


def fsp(name, seed, mode):
    v, total, spec = Vectors(__file__, name, seed), 0, {}
    shapes = {"layer1": (3, 2, 4, 4), "layer2": (3, 3, 2, 2), "layer3": (3, 4, 2, 2)}
    x = {(side, p): v.normal(f"{side}|{p}|output", *shape) for side in ("student", "teacher") for p, shape in shapes.items()}
    for first, second, weight in (("layer1", "layer2", 1.0), ("layer2", "layer3", 0.25)):
        g = []
        for side in ("student", "teacher"):
            a, b = pool(x[side, first], 2, 2), x[side, second]
            g.append(torch.einsum("bchw,bdhw->bcd", a, b) / 4)
        d2 = (g[0] - g[1]) ** 2
        total = total + weight * (d2.sum() if mode == "paper" else d2.sum(1).sqrt().sum()) / 3
        spec[first] = {f"{side}_{which}": dict(path=p, io="output") for side in ("student", "teacher")
                       for which, p in (("first", first), ("second", second))} | dict(weight=weight)
    v.write(total, "FSPLoss", dict(fsp_pairs=spec, mode=mode))


fsp("fsp_code", 1, "code")
fsp("fsp_paper", 2, "paper")

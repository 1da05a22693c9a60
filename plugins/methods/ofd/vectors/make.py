"""OFDLoss: Heo et al., ICCV 2019, equations 2 to 5, with the teacher's margin ReLU and the student's connector."""
import math, pathlib, sys
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[4] / "tools/vectors"))
import torch
from vectors import Vectors


def distance(s, t):
    """Equation 5: 0 where s <= t <= 0."""
    d = (t - s) ** 2
    d[(s <= t) & (t <= 0)] = 0
    return d.sum()


def margin(g, b):
    normal = torch.distributions.Normal(0.0, 1.0)
    out = []
    for gamma, mu in zip(g.abs().tolist(), b.tolist()):
        if gamma == 0:
            out.append(min(mu, 0))
            continue
        off = normal.cdf(torch.tensor(-mu / gamma)).item()
        out.append(mu - gamma * math.exp(-(mu / gamma) ** 2 / 2) / math.sqrt(2 * math.pi) / off if off > 0.001 else -3 * gamma)
    return torch.tensor(out)


def pair(name, teacher, w):
    return {"student": {"path": name, "io": "output"}, "teacher": {"path": teacher, "io": "output"}, "weight": w}


def plain(name, seed, reduction):
    v = Vectors(__file__, name, seed)
    loss = 0
    for i, w in enumerate((0.5, 1.0)):
        s = v.normal(f"student|c{i}|output", 3, 4, 4, 4)
        t = v.put(f"teacher|m{i}|output", torch.randn(3, 4, 4, 4, generator=v.random).clamp(min=-0.8), grad=False)
        loss = loss + w * distance(s, t) / (3 if reduction == "mean" else 1)
    v.write(loss, "OFDLoss", dict(reduction=reduction, feature_pairs={f"p{i}": pair(f"c{i}", f"m{i}", w) for i, w in enumerate((0.5, 1.0))}))


def wrapped():
    v = Vectors(__file__, "ofd_wrapped", 3)
    g = v.put("param|teacher_model.bn.weight", torch.tensor([1.0, -0.7, 0.2, 0.5, 0.0, 0.0]), grad=False)
    b = v.put("param|teacher_model.bn.bias", torch.tensor([0.1, -0.4, 0.9, 0.5, -0.3, 0.4]), grad=False)
    t = v.put("teacher|teacher_model.relu|input", torch.randn(4, 6, 3, 3, generator=v.random), grad=False)
    t = torch.maximum(t, margin(g, b).view(1, -1, 1, 1))
    x = v.normal("student|student_model.relu|input", 4, 3, 3, 3)
    w = v.put("param|connector_dict.c1.0.weight", torch.randn(6, 3, 1, 1, generator=v.random))
    s = torch.einsum("nchw,oc->nohw", x, w[:, :, 0, 0])
    v.write(distance(s, t) / 4, "OFDLoss", dict(feature_pairs={"p": pair("connector_dict.c1", "margin_dict.m1", 1.0)}),
            student_wrapper={"key": "Connector4DAB", "kwargs": {"connectors": {"c1": {"path": "student_model.relu", "io": "input",
                "conv2d_kwargs": {"in_channels": 3, "out_channels": 6, "kernel_size": 1, "bias": False}}}}},
            teacher_wrapper={"key": "Margin4OFD", "kwargs": {"margins": {"m1": {"path": "teacher_model.relu", "io": "input",
                                                                                "bn_path": "teacher_model.bn"}}}},
            teacher_layers={"bn": {"key": "BatchNorm2d", "kwargs": {"num_features": 6}}})


plain("ofd_mean", 1, "mean")
plain("ofd_sum", 2, "sum")
wrapped()

"""SRRLLoss: Yang et al., ICLR 2021, alone and behind the connector and the teacher's classifier."""
import pathlib, sys
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[4] / "tools/vectors"))
import torch
from vectors import Vectors


def plain(name, seed, alpha, beta):
    v = Vectors(__file__, name, seed)
    f, g = v.normal("student|connector|output", 3, 4, 2, 2), v.normal("teacher|layer3|output", 3, 4, 2, 2)
    z, y = v.normal("student|classifier|output", 3, 5), v.normal("teacher|.|output", 3, 5)
    v.write(alpha * ((f - g) ** 2).mean() + beta * ((z - y) ** 2).mean(), "SRRLLoss",
            dict(teacher_feature_module_path="layer3", alpha=alpha, beta=beta))


def wrapped(name, seed, *size):
    v = Vectors(__file__, name, seed)
    x = v.normal("student|student_model.avgpool|output", 4, 3, *size)
    w = v.put("param|connector.0.weight", torch.randn(6, 3, 1, 1, generator=v.random))
    g, b = (v.put(f"param|connector.1.{k}", torch.rand(6, generator=v.random) + 0.5) for k in ("weight", "bias"))
    W, B = v.put("param|fc.weight", torch.randn(5, 6, generator=v.random), grad=False), v.put("param|fc.bias", torch.randn(5, generator=v.random), grad=False)
    y = torch.einsum("nchw,oc->nohw", x if size else x[:, :, None, None], w[:, :, 0, 0])
    mean, var = y.mean((0, 2, 3), keepdim=True), y.var((0, 2, 3), unbiased=False, keepdim=True)
    y = ((y - mean) / (var + 1e-5).sqrt() * g.view(1, -1, 1, 1) + b.view(1, -1, 1, 1)).clamp(min=0)
    t, z = v.normal("teacher|avgpool|output", *y.shape), v.normal("teacher|.|output", 4, 5)
    v.write(((y - t) ** 2).mean() + ((y.mean((2, 3)) @ W.T + B - z) ** 2).mean(), "SRRLLoss", dict(teacher_feature_module_path="avgpool"),
            teacher_layers={"fc": {"key": "Linear", "kwargs": {"in_features": 6, "out_features": 5}}},
            student_wrapper={"key": "Student4SRRL", "kwargs": {"input_module_path": "student_model.avgpool", "in_channels": 3,
                                                               "out_channels": 6, "num_classes": 5}})


plain("srrl", 1, 1.0, 1.0)
plain("srrl_weighted", 2, 0.5, 2.0)
wrapped("srrl_map", 3, 3, 3)
wrapped("srrl_pooled", 4)

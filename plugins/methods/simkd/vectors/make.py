"""SimKDLoss: Chen et al., CVPR 2022, equation 4, alone, behind the projector, and the prediction by the teacher's classifier."""
import pathlib, sys
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[4] / "tools/vectors"))
import torch
from vectors import Vectors

KWARGS = dict(student_module_path="projector", student_module_io="output", teacher_module_path="layer3", teacher_module_io="output")


def halved(x):
    return (x[:, :, 0::2, 0::2] + x[:, :, 1::2, 0::2] + x[:, :, 0::2, 1::2] + x[:, :, 1::2, 1::2]) / 4


def plain(name, seed, larger):
    v = Vectors(__file__, name, seed)
    s = v.normal("student|projector|output", 3, 4, 2, 2)
    t = v.normal("teacher|layer3|output", 3, 4, 4 if larger else 2, 4 if larger else 2)
    v.write(((s - (halved(t) if larger else t)) ** 2).mean(), "SimKDLoss", KWARGS)


def wrapped(name, seed, predicts):
    v = Vectors(__file__, name, seed)
    x = v.normal("student|.|input", 4, 3, 6, 6)
    p, y = "param|projector.", halved(x)
    for i, (a, b, k) in enumerate(((3, 2, 1), (2, 2, 3), (2, 4, 1))):
        w = v.put(f"{p}{3 * i}.weight", torch.randn(b, a, k, k, generator=v.random))
        g, s = (v.put(f"{p}{3 * i + 1}.{n}", torch.rand(b, generator=v.random) + 0.5) for n in ("weight", "bias"))
        y = torch.nn.functional.conv2d(y, w, padding=k // 2)
        mean, var = y.mean((0, 2, 3), keepdim=True), y.var((0, 2, 3), unbiased=False, keepdim=True)
        y = ((y - mean) / (var + 1e-5).sqrt() * g.view(1, -1, 1, 1) + s.view(1, -1, 1, 1)).clamp(min=0)
    w, b = torch.randn(5, 4, generator=v.random), torch.randn(5, generator=v.random)
    v.put("param|fc.weight", w, grad=False), v.put("param|fc.bias", b, grad=False)
    if predicts:
        loss = torch.nn.functional.kl_div(torch.log_softmax(y.mean((2, 3)) @ w.T + b, 1),
                                          torch.softmax(v.normal("teacher|.|output", 4, 5), 1), reduction="batchmean")
        key, kwargs = "KDLoss", dict(student_module_path=".", student_module_io="output", teacher_module_path=".",
                                     teacher_module_io="output", temperature=1.0, alpha=None)
    else:
        loss, key, kwargs = ((y - v.normal("teacher|layer3|output", 4, 4, 3, 3)) ** 2).mean(), "SimKDLoss", KWARGS
    v.write(loss, key, kwargs, teacher_layers={"fc": {"key": "Linear", "kwargs": {"in_features": 4, "out_features": 5}}},
            student_wrapper={"key": "Student4SimKD", "kwargs": {"in_channels": 3, "out_channels": 4, "num_classes": 5, "output_size": 3}})


plain("simkd", 1, False)
plain("simkd_larger_teacher", 2, True)
wrapped("simkd_projected", 3, False)
wrapped("simkd_prediction", 4, True)

"""KTALoss, AffinityLoss, RegularizationLoss: He et al., CVPR 2019, sections 3.2 and 3.3."""
import pathlib, sys
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[4] / "tools/vectors"))
import torch
from vectors import Vectors


def conv_bn_relu(v, x):
    w, b = v.normal("param|feature_adapter.0.weight", 2, 3, 3, 3), v.normal("param|feature_adapter.0.bias", 2)
    gain, bias = v.normal("param|feature_adapter.1.weight", 2), v.normal("param|feature_adapter.1.bias", 2)
    y = torch.nn.functional.conv2d(x, w, b, padding=1)
    y = (y - y.mean((0, 2, 3), keepdim=True)) / (y.var((0, 2, 3), keepdim=True, unbiased=False) + 1e-5).sqrt()
    return (y * gain[:, None, None] + bias[:, None, None]).clamp(min=0)


def wrapper():
    conv = dict(in_channels=3, kernel_size=3, stride=1, padding=1)
    return dict(student_wrapper=dict(key="Student4KTAAD", kwargs=dict(
        input_module_path="student_model.high",
        feature_adapter_config=dict(conv_kwargs=dict(conv, out_channels=2), bn_kwargs=dict(num_features=2), relu_kwargs=dict(inplace=False)),
        affinity_adapter_config=dict(conv_kwargs=dict(conv, out_channels=4)))))


def kta(name, seed, p, q, reduction, wrapped=False):
    v, more = Vectors(__file__, name, seed), {}
    t = v.normal("teacher|paraphraser|output", 4, 2, 3, 2)
    if wrapped:
        s, more = conv_bn_relu(v, v.normal("student|student_model.high|output", 4, 3, 3, 2)), wrapper()
    else:
        s = v.normal("student|feature_adapter|output", 4, 2, 3, 2)
    s, t = [x.reshape(4, -1) for x in (s, t)]
    s, t = [x / (x.abs() ** q).sum(1, keepdim=True) ** (1 / q) for x in (s, t)]
    d = (t - s).abs()
    if p == 1:
        loss = d.mean() if reduction == "mean" else d.sum()
    else:
        norms = (d ** p).sum(1) ** (1 / p)
        loss = norms.mean() if reduction == "mean" else norms.sum()
    v.write(loss, "KTALoss", dict(p=p, q=q, reduction=reduction),
            no_grad=("param|feature_adapter.0.bias",), **more)  # batch norm takes it away


def affinity(name, seed, reduction, wrapped=False):
    v, more = Vectors(__file__, name, seed), {}
    t = v.normal("teacher|classifier|output", 3, 4, 3, 2)
    if wrapped:
        x = v.normal("student|student_model.high|output", 3, 3, 3, 2)
        w, b = v.normal("param|affinity_adapter.0.weight", 4, 3, 3, 3), v.normal("param|affinity_adapter.0.bias", 4)
        s, more = torch.nn.functional.conv2d(x, w, b, padding=1), wrapper()
    else:
        s = v.normal("student|affinity_adapter|output", 3, 4, 3, 2)
    s, t = [x.reshape(3, 4, 6) for x in (s, t)]
    s, t = [x / (x ** 2).sum(2, keepdim=True).sqrt() for x in (s, t)]
    a, b = [x[:, :, :, None] * x[:, :, None, :] / 6 for x in (s, t)]
    losses = ((a - b) ** 2).sum((2, 3)).sqrt().sum(1)
    v.write(losses.mean() if reduction == "mean" else losses.sum(), "AffinityLoss",
            dict(student_module_path="affinity_adapter", teacher_module_path="classifier", reduction=reduction), **more)


def regularization(name, seed, p):
    v = Vectors(__file__, name, seed)
    x = v.normal("teacher|paraphraser.encoder|output", 3, 2, 2, 2)
    v.write((x.abs() ** p).sum() ** (1 / p), "RegularizationLoss", dict(module_path="paraphraser.encoder", is_from_teacher=True, p=p))


kta("kta", 1, 1, 2, "mean")
kta("kta_p2_q3", 2, 2, 3, "sum")
kta("kta_wrapper", 3, 1, 2, "mean", wrapped=True)
affinity("affinity", 4, "mean")
affinity("affinity_wrapper", 5, "sum", wrapped=True)
regularization("regularization", 6, 1)
regularization("regularization_p2", 7, 2)

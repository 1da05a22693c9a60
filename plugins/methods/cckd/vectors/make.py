"""CCKDLoss: Peng et al., ICCV 2019, section 3; CorrelationLoss: the form of Tian et al., ICLR 2020."""
import math
import pathlib, sys
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[4] / "tools/vectors"))
import torch
from vectors import Vectors


def kernel(f, type, gamma=0.4, max_p=2):
    def k(x, y):
        inner = (x * y).sum()
        if type == "bilinear":
            return inner
        return math.exp(-2 * gamma) * sum((2 * gamma) ** p / math.factorial(p) * inner ** p for p in range(max_p + 1))
    return torch.stack([k(x, y) for x in f for y in f])


def linear(v, side, wrapped):
    """The embeddings: given, or the wrapper's linear layer on a feature of length 4."""
    if not wrapped:
        return v.normal(f"{side}|linear|output", 5, 6)
    x = v.normal(f"{side}|{side}_model.avgpool|output", 5, 4, 1, 1)
    w, b = v.normal("param|linear.weight", 6, 4), v.normal("param|linear.bias", 6)
    return x.reshape(5, 4) @ w.T + b


def cckd(name, seed, config, reduction="batchmean", squared=False, spelling="kernel_config", wrapped=False):
    v = Vectors(__file__, name, seed)
    s, t = linear(v, "student", wrapped), linear(v, "teacher", False)
    loss = ((kernel(s, **config) - kernel(t, **config)) ** 2).sum()
    loss = loss if squared else loss.sqrt()
    written = {"key" if k == "type" and spelling == "kernel_params" else k: x for k, x in config.items()}
    more = dict(student_wrapper=dict(key="Linear4CCKD", kwargs=dict(
        input_module=dict(path="student_model.avgpool", io="output"), linear_kwargs=dict(in_features=4, out_features=6)))) if wrapped else {}
    v.write(loss / 25 if reduction == "batchmean" else loss, "CCKDLoss",
            {"student_linear_path": "linear", "teacher_linear_path": "linear", spelling: written, "reduction": reduction,
             "squared": squared}, **more)


def correlation(name, seed):
    v = Vectors(__file__, name, seed)
    s, t = linear(v, "student", False), linear(v, "teacher", False)
    d = (s - t).abs()
    v.write(torch.stack([(d[i] * d[i + 1]).sum() for i in range(4)]).mean(), "CorrelationLoss",
            dict(student_linear_path="linear", teacher_linear_path="linear"))


cckd("cckd_gaussian", 1, dict(type="gaussian", gamma=0.4, max_p=2))
cckd("cckd_gaussian_4", 2, dict(type="gaussian", gamma=0.1, max_p=4), reduction="sum", spelling="kernel_params")
cckd("cckd_bilinear", 3, dict(type="bilinear"), squared=True)
cckd("cckd_wrapper", 4, dict(type="bilinear"), wrapped=True)
correlation("correlation", 5)

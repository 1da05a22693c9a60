"""SRDLoss: Miles and Mikolajczyk 2024: 2 ln sum |f_s - f_t|^e + KL(softmax(z_t / T) || softmax(z_s / T)), the features averaged over
their places, the student's projected, both normalized over the batch."""
import pathlib, sys
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[4] / "tools/vectors"))
import torch
from vectors import Vectors

TAPS = {f"{n}_{k}_module_{p}": {"path": "norm_layer" if k == "feature" else "fc", "io": "output"}[p]
        for k in ("feature", "linear") for n in ("student", "teacher") for p in ("path", "io")}


def soft(s, t, T):
    p, q = (torch.exp(z / T) / torch.exp(z / T).sum(1, keepdim=True) for z in (t, s))
    return (p * (p / q).log()).sum() / len(s)


def srd(name, seed, exponent, T):
    v = Vectors(__file__, name, seed)
    f, g = v.normal("student|norm_layer|output", 4, 5), v.normal("teacher|norm_layer|output", 4, 5)
    s, t = v.normal("student|fc|output", 4, 6, scale=2), v.normal("teacher|fc|output", 4, 6, scale=2)
    v.write(2 * ((f - g).abs() ** exponent).sum().log() + soft(s, t, T), "SRDLoss",
            dict(TAPS, exponent=exponent, temperature=T, reduction="batchmean"))


def wrapped(name, seed):
    v = Vectors(__file__, name, seed)
    F, G = v.normal("student|layer3|output", 6, 3, 2, 2), v.normal("teacher|layer3|output", 6, 4, 2, 2)
    s, t = v.normal("student|fc|output", 6, 5, scale=2), v.normal("teacher|fc|output", 6, 5, scale=2)
    W, b = v.normal("param|linear.weight", 4, 3), v.normal("param|linear.bias", 4)
    norm = lambda x: (x - x.mean(0)) / (x.var(0, unbiased=False) + 1e-4).sqrt()
    f, g = norm(F.mean((2, 3)) @ W.T + b), norm(G.mean((2, 3)))
    wrapper = lambda **k: dict(key="SRDModelWrapper", kwargs=dict(input_module=dict(path="layer3", io="output"),
                               norm_kwargs=dict(num_features=4, eps=1e-4, affine=False), **k))
    # The norm takes the bias out again: its gradient is 0.
    v.write(2 * ((f - g) ** 4).sum().log() + soft(s, t, 1.0), "SRDLoss", dict(TAPS, exponent=4.0, temperature=1.0),
            no_grad=("teacher|layer3|output", "param|linear.bias"), student_wrapper=wrapper(linear_kwargs=dict(in_features=3, out_features=4)),
            teacher_wrapper=wrapper())


srd("srd", 1, 1.0, 1.0)
srd("srd_powers", 2, 4.0, 3.0)
wrapped("srd_wrapped", 3)

"""AltActTransferLoss: Heo et al., AAAI 2019, equation 5, alone (weights of RepDistiller's AB) and behind a connector."""
import pathlib, sys
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[4] / "tools/vectors"))
import torch
from vectors import Vectors


def boundary(s, t, m):
    off, on = (s > -m) & (t <= 0), (s <= m) & (t > 0)
    return ((s + m) ** 2)[off].sum() + ((s - m) ** 2)[on].sum()


def plain(name, seed, margin, reduction):
    v = Vectors(__file__, name, seed)
    loss, pairs = 0, {}
    for i, w in enumerate((0.25, 0.5, 1.0)):
        s = v.normal(f"student|layer{i}|input", 3, 4, 5 - i, 5 - i, scale=2.0)
        t = torch.randn(*s.shape, generator=v.random)
        t[0, 0, 0, 0] = 0
        v.put(f"teacher|layer{i}|input", t, grad=False)
        loss = loss + w * boundary(s, t, margin) / (3 if reduction == "mean" else 1)
        pairs[f"pair{i}"] = {"student": {"path": f"layer{i}", "io": "input"}, "teacher": {"path": f"layer{i}", "io": "input"}, "weight": w}
    v.write(loss, "AltActTransferLoss", dict(margin=margin, reduction=reduction, feature_pairs=pairs))


def connected(name, seed, with_bn):
    v = Vectors(__file__, name, seed)
    x = v.normal("student|student_model.layer1|output", 4, 3, 5, 5)
    t = v.put("teacher|layer1|output", torch.randn(4, 6, 3, 3, generator=v.random), grad=False)
    w = v.put("param|connector_dict.c1.0.weight", torch.randn(6, 3, 3, 3, generator=v.random))
    y = torch.nn.functional.conv2d(x, w, stride=2, padding=1)
    connector = {"path": "student_model.layer1", "io": "output",
                 "conv2d_kwargs": {"in_channels": 3, "out_channels": 6, "kernel_size": 3, "stride": 2, "padding": 1, "bias": not with_bn}}
    if with_bn:
        g, b = (v.put(f"param|connector_dict.c1.1.{k}", torch.rand(6, generator=v.random) + 0.5) for k in ("weight", "bias"))
        mean, var = y.mean((0, 2, 3), keepdim=True), y.var((0, 2, 3), unbiased=False, keepdim=True)
        y = (y - mean) / (var + 1e-5).sqrt() * g.view(1, -1, 1, 1) + b.view(1, -1, 1, 1)
        connector["bn2d_kwargs"] = {"num_features": 6}
    else:
        y = y + v.put("param|connector_dict.c1.0.bias", torch.randn(6, generator=v.random)).view(1, -1, 1, 1)
    pair = {"student": {"path": "connector_dict.c1", "io": "output"}, "teacher": {"path": "layer1", "io": "output"}, "weight": 0.7}
    v.write(0.7 * boundary(y, t, 1.0) / 4, "AltActTransferLoss", dict(margin=1.0, reduction="mean", feature_pairs={"pair1": pair}),
            student_wrapper={"key": "Connector4DAB", "kwargs": {"connectors": {"c1": connector}}})


plain("ab_mean", 1, 1.0, "mean")
plain("ab_sum", 2, 2.0, "sum")
connected("dab_conv", 3, False)
connected("dab_conv_bn", 4, True)

"""SemCKDLoss: Chen et al., AAAI 2021, equations 5, 6 and 8; a full batch and one smaller than batch_size."""
import pathlib, sys
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[4] / "tools/vectors"))
import torch
from vectors import Vectors

STUDENT, TEACHER = ((3, 4), (2, 2)), ((2, 4), (3, 2), (2, 1))  # channels, side


def halved(x):
    return (x[:, :, 0::2, 0::2] + x[:, :, 1::2, 0::2] + x[:, :, 0::2, 1::2] + x[:, :, 1::2, 1::2]) / 4


def to_side(x, side):
    while x.shape[2] > side:
        x = halved(x)
    return x


def semckd(name, seed, batch, batch_size, factor):
    v = Vectors(__file__, name, seed)
    fs = [v.normal(f"student|layer{i}|output", batch, c, h, h) for i, (c, h) in enumerate(STUDENT)]
    ft = [v.normal(f"teacher|layer{j}|output", batch, c, h, h) for j, (c, h) in enumerate(TEACHER)]
    put = lambda name, *shape: v.put("param|" + name, torch.randn(*shape, generator=v.random) * 0.5)
    n = batch_size // factor

    def embed(x, name):
        x = x.reshape(batch, -1)
        g = torch.zeros(batch, batch_size)
        g[:, :batch] = torch.einsum("bi,ci->bc", x, x)
        h = (g @ put(name + ".0.weight", 2 * n, batch_size).T + put(name + ".0.bias", 2 * n)).clamp(min=0)
        e = h @ put(name + ".2.weight", n, 2 * n).T + put(name + ".2.bias", n)
        return e / (e ** 2).sum(1, keepdim=True).sqrt()

    def bn(x, name):
        g, b = put(name + ".weight", x.shape[1]).view(1, -1, 1, 1), put(name + ".bias", x.shape[1]).view(1, -1, 1, 1)
        return (x - x.mean((0, 2, 3), keepdim=True)) / (x.var((0, 2, 3), unbiased=False, keepdim=True) + 1e-5).sqrt() * g + b

    def regress(x, name, out):
        for k, (a, b, size) in enumerate(((x.shape[1], 2 * out, 1), (2 * out, 2 * out, 3), (2 * out, out, 1))):
            x = torch.nn.functional.conv2d(x, put(f"{name}.{3 * k}.weight", b, a, size, size), padding=size // 2)
            if k < 2:
                x = bn(x, f"{name}.{3 * k + 1}").clamp(min=0)
        return x

    Q = [embed(f, f"query.{i}") for i, f in enumerate(fs)]
    K = [embed(f, f"key.{j}") for j, f in enumerate(ft)]
    loss = 0
    for i, s in enumerate(fs):
        attention = torch.softmax(torch.stack([(Q[i] * k).sum(1) for k in K], 1), 1)
        for j, t in enumerate(ft):
            side = min(s.shape[2], t.shape[2])
            d = (regress(to_side(s, side), f"regressor.{i}.{j}", t.shape[1]) - to_side(t, side)) ** 2
            loss = loss + (attention[:, j] * d.mean((1, 2, 3))).sum() / (batch * len(fs))
    v.write(loss, "SemCKDLoss", dict(
        batch_size=batch_size, factor=factor,
        student_layers=[dict(path=f"layer{i}", io="output", channels=c) for i, (c, _) in enumerate(STUDENT)],
        teacher_layers=[dict(path=f"layer{j}", io="output", channels=c) for j, (c, _) in enumerate(TEACHER)]))


semckd("semckd", 1, 4, 4, 2)
semckd("semckd_small_batch", 2, 3, 8, 4)

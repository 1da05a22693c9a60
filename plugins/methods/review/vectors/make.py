"""HierarchicalContextLoss: Chen et al., CVPR 2021, section 3.4, alone and behind the student's fusion modules (section 3.3)."""
import pathlib, sys
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[4] / "tools/vectors"))
import torch
from vectors import Vectors


def pooled(x, k):
    """Adaptive average pooling: cell i covers rows floor(i H / k) to ceil((i + 1) H / k)."""
    H = x.shape[2]
    cells = [(i * H // k, -(-(i + 1) * H // k)) for i in range(k)]
    return torch.stack([torch.stack([x[:, :, a:b, c:d].mean((2, 3)) for c, d in cells], -1) for a, b in cells], -2)


def hcl(s, t, sizes=(4, 2, 1)):
    loss, w, total = ((s - t) ** 2).mean(), 1.0, 1.0
    for k in sizes:
        if k < s.shape[2]:
            w /= 2
            total += w
            loss = loss + w * ((pooled(s, k) - pooled(t, k)) ** 2).mean()
    return loss / total


def plain(name, seed, h, warmup=0, epoch=0):
    v = Vectors(__file__, name, seed)
    s, t = v.normal("student|abf_modules.0|output|0", 3, 5, h, h), v.normal("teacher|layer1|output", 3, 5, h, h)
    more = dict(warmup_epochs=warmup) if warmup else {}
    v.write(hcl(s, t) * (min((epoch + 1) / warmup, 1) if warmup else 1), "HierarchicalContextLoss",
            dict(student_module_path="abf_modules.0", student_module_io="output", teacher_module_path="layer1", teacher_module_io="output",
                 reduction="mean", output_sizes=[4, 2, 1], **more), **(dict(epoch=epoch) if epoch else {}))


def fused():
    """Two fusions: the deeper of a 1x1 map without attention, then one of 4x4 with it; batch norm in training mode."""
    v = Vectors(__file__, "review_fused", 7)
    deep, shallow = v.normal("student|student_model.avgpool|output", 4, 6, 1, 1), v.normal("student|student_model.layer1|output", 4, 5, 4, 4)
    t = v.normal("teacher|layer1|output", 4, 3, 4, 4)
    M = 4
    P = {}
    for i, (c, o) in enumerate([(6, 2), (5, 3)]):
        for conv, a, b, k in (("conv1", c, M, 1), ("conv2", M, o, 3)):
            P[f"abf_modules.{i}.{conv}.0.weight"] = torch.randn(b, a, k, k, generator=v.random) * 0.4
            P[f"abf_modules.{i}.{conv}.1.weight"] = torch.rand(b, generator=v.random) + 0.5
            P[f"abf_modules.{i}.{conv}.1.bias"] = torch.randn(b, generator=v.random) * 0.3
    P["abf_modules.1.attention_conv.0.weight"] = torch.randn(2, 2 * M, 1, 1, generator=v.random) * 0.4
    P["abf_modules.1.attention_conv.0.bias"] = torch.randn(2, generator=v.random) * 0.3
    P = {k: v.put("param|" + k, x) for k, x in P.items()}

    def conv_bn(x, name):
        w = P[name + ".0.weight"]
        y = torch.nn.functional.conv2d(x, w, padding=w.shape[2] // 2)
        m, var = y.mean((0, 2, 3), keepdim=True), y.var((0, 2, 3), unbiased=False, keepdim=True)
        return (y - m) / (var + 1e-5).sqrt() * P[name + ".1.weight"].view(1, -1, 1, 1) + P[name + ".1.bias"].view(1, -1, 1, 1)

    residual = conv_bn(deep, "abf_modules.0.conv1")
    x = conv_bn(shallow, "abf_modules.1.conv1")
    y = residual.expand(-1, -1, 4, 4)
    w, b = P["abf_modules.1.attention_conv.0.weight"], P["abf_modules.1.attention_conv.0.bias"]
    z = torch.sigmoid(torch.einsum("nchw,oc->nohw", torch.cat([x, y], 1), w[:, :, 0, 0]) + b.view(1, 2, 1, 1))
    x = x * z[:, :1] + y * z[:, 1:]
    v.write(hcl(conv_bn(x, "abf_modules.1.conv2"), t), "HierarchicalContextLoss",
            dict(student_module_path="abf_modules.1", student_module_io="output", teacher_module_path="layer1", teacher_module_io="output",
                 reduction="mean", output_sizes=[4, 2, 1]),
            student_wrapper={"key": "Student4KnowledgeReview", "kwargs": {"sizes": [1, 4], "abfs": [
                {"path": "student_model.layer1", "io": "output", "kwargs": {"in_channels": 5, "mid_channels": M, "out_channels": 3}},
                {"path": "student_model.avgpool", "io": "output", "kwargs": {"in_channels": 6, "mid_channels": M, "out_channels": 2}}]}})


plain("review_8", 1, 8)
plain("review_2", 2, 2)
plain("review_warming", 3, 5, warmup=20, epoch=6)
plain("review_warm", 4, 5, warmup=20, epoch=25)
fused()

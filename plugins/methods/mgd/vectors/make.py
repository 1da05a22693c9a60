"""MGDLoss: Yang et al., ECCV 2022, equations 3 to 5, with the masks that the host draws in its first step."""
import pathlib, sys
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[4] / "tools/vectors"))
import torch
from vectors import Vectors, dropout_mask


def mgd(name, seed, channels, mask, lam, alpha, reduction="batchmean"):
    v = Vectors(__file__, name, seed)
    B, C, H = 3, 4, 5
    f, t = v.normal("student|layer3|output", B, channels, H, H), v.normal("teacher|layer3|output", B, C, H, H)

    def conv(x, name, a, b, k):
        w, bias = (v.put(f"param|{name}.{n}", torch.randn(*s, generator=v.random) * 0.5) for n, s in (("weight", (b, a, k, k)), ("bias", (b,))))
        return torch.nn.functional.conv2d(x, w, bias, padding=k // 2)

    x = conv(f, "align", channels, C, 1) if channels != C else f
    m = dropout_mask((B, C, 1, 1) if mask == "channel" else (B, 1, H, H), lam)
    assert lam == 0 or 0 < m.mean() < 1
    y = conv(conv(x * m, "generation.0", C, C, 3).clamp(min=0), "generation.2", C, C, 3)
    d = (y - t) ** 2
    loss = alpha * {"batchmean": d.sum() / B, "mean": d.mean(), "sum": d.sum()}[reduction]
    v.write(loss, "MGDLoss", dict(student_module_path="layer3", student_module_io="output", teacher_module_path="layer3",
                                  teacher_module_io="output", student_channels=channels, teacher_channels=C, mask=mask,
                                  lambda_mgd=lam, alpha_mgd=alpha, reduction=reduction))


mgd("mgd_channel", 1, 4, "channel", 0.3, 7e-5)
mgd("mgd_pixel_aligned", 2, 3, "pixel", 0.65, 2e-5)
mgd("mgd_unmasked_mean", 3, 4, "channel", 0.0, 1.0, "mean")

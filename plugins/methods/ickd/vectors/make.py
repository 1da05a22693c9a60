"""ChSimLoss: Liu et al., ICCV 2021, section 3, with rows of unit length."""
import pathlib, sys
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[4] / "tools/vectors"))
import torch
from vectors import Vectors


def ickd(name, seed, normalization, wrapped=False):
    v = Vectors(__file__, name, seed)
    t, more, path = v.normal("teacher|layer4|output", 3, 4, 2, 3), {}, "layer4"
    if wrapped:
        path = "embed_dict.embed1"
        x = v.normal("student|student_model.layer4|output", 3, 2, 2, 3)
        w = v.normal(f"param|{path}.0.weight", 4, 2, 3, 3)
        gain, bias = v.normal(f"param|{path}.1.weight", 4), v.normal(f"param|{path}.1.bias", 4)
        s = torch.nn.functional.conv2d(x, w, padding=1)
        mean, var = s.mean((0, 2, 3), keepdim=True), s.var((0, 2, 3), keepdim=True, unbiased=False)
        s = (s - mean) / (var + 1e-5).sqrt() * gain[:, None, None] + bias[:, None, None]
        more = dict(student_wrapper=dict(key="Student4ICKD", kwargs=dict(embeddings=dict(
            embed1=dict(path="student_model.layer4", io="output", in_channels=2, out_channels=4)))))
    else:
        s = v.normal("student|layer4|output", 3, 4, 2, 3)
    e = []
    for f in (s, t):
        g = torch.einsum("bchw,bdhw->bcd", f, f)
        e.append(g / (g ** 2).sum(2, keepdim=True).sqrt())
    loss = ((e[0] - e[1]) ** 2).sum() / (4 * 3 * (3 if normalization == "torchdistill" else 1))
    v.write(0.5 * loss, "ChSimLoss", dict(normalization=normalization, feature_pairs=dict(pair1=dict(
        student=dict(path=path, io="output"), teacher=dict(path="layer4", io="output"), weight=0.5))), **more)


ickd("ickd", 1, "torchdistill")
ickd("ickd_authors", 2, "authors")
ickd("ickd_wrapper", 3, "torchdistill", wrapped=True)

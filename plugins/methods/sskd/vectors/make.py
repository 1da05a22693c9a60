"""AuxSSKDLoss, SSKDLoss: Xu et al., ECCV 2020, section 3; rows kept by the authors' rule, found by sorting."""
import pathlib, sys
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[4] / "tools/vectors"))
import torch
from vectors import Vectors

B = 4
NORMAL = [4 * i for i in range(B)]
TURNED = [j for j in range(4 * B) if j % 4]


def similarities(e):
    unit = e / (e ** 2).sum(1, keepdim=True).sqrt()
    return unit[TURNED] @ unit[NORMAL].T


def kept(scores, answers, ratio):
    ranks = [sorted(range(scores.shape[1]), key=lambda k: -row[k]).index(a) for row, a in zip(scores.tolist(), answers)]
    order = sorted(range(len(ranks)), key=lambda i: ranks[i])
    wrong = sum(r > 0 for r in ranks)
    return sorted(order[:len(ranks) - wrong + int(wrong * ratio)])


def kl(s, t, T, rows=None):
    s, t = (s, t) if rows is None else (s[rows], t[rows])
    p, q = torch.softmax(t / T, 1), torch.softmax(s / T, 1)
    return T ** 2 * (p * torch.log(p / q)).sum() / len(p)


def embedding(v, side, wrapped):
    if not wrapped:
        return v.normal(f"{side}|ss_module|output", 4 * B, 5)
    x = v.normal(f"{side}|model.avgpool|output", 4 * B, 5, 1, 1).reshape(4 * B, 5)
    w = [v.normal(f"param|ss_module.{k}.{n}", *shape) for k in (0, 2) for n, shape in (("weight", (5, 5)), ("bias", (5,)))]
    return (x @ w[0].T + w[1]).clamp(min=0) @ w[2].T + w[3]


def wrapper(side):
    return {f"{side}_wrapper": dict(key="SSWrapper4SSKD", kwargs=dict(
        input_module=dict(path="model.avgpool", io="output"), feat_dim=5, ss_module_ckpt=None))}


def aux(name, seed, reduction, wrapped=False):
    v = Vectors(__file__, name, seed)
    a = similarities(embedding(v, "teacher", wrapped))
    loss = torch.stack([torch.logsumexp(row, 0) - row[i // 3] for i, row in enumerate(a)])
    v.write(loss.mean() if reduction == "mean" else loss.sum(), "AuxSSKDLoss", dict(reduction=reduction),
            **(wrapper("teacher") if wrapped else {}))


def sskd(name, seed, weights, ss_ratio, tf_ratio, wrapped=False):
    v = Vectors(__file__, name, seed)
    s, t = v.normal("student|fc|output", 4 * B, 6), v.normal("teacher|fc|output", 4 * B, 6)
    e_s, e_t = embedding(v, "student", wrapped), v.normal("teacher|ss_module|output", 4 * B, 5)
    y = v.put("target", torch.tensor([0, 5, 2, 3]))
    ss, tt, a_s, a_t = s, t.detach(), similarities(e_s), similarities(e_t.detach())
    losses = [torch.stack([torch.logsumexp(ss[4 * i], 0) - ss[4 * i, y[i]] for i in range(B)]).mean(),
              kl(ss[NORMAL], tt[NORMAL], 4.0),
              kl(a_s, a_t, 0.5, kept(a_t, [i // 3 for i in range(3 * B)], ss_ratio)),
              kl(ss[TURNED], tt[TURNED], 3.0, kept(tt[TURNED], [y[i // 3].item() for i in range(3 * B)], tf_ratio))]
    v.write(sum(w * x for w, x in zip(weights, losses)), "SSKDLoss",
            dict(student_linear_module_path="fc", teacher_linear_module_path="fc", student_ss_module_path="ss_module",
                 teacher_ss_module_path="ss_module", kl_temp=4.0, ss_temp=0.5, tf_temp=3.0, ss_ratio=ss_ratio, tf_ratio=tf_ratio,
                 loss_weights=weights), no_grad=("teacher|fc|output", "teacher|ss_module|output"),
            **(wrapper("student") if wrapped else {}))


aux("aux", 1, "mean")
aux("aux_wrapper", 2, "sum", wrapped=True)
sskd("sskd", 3, [1.0, 0.9, 10.0, 2.7], 0.75, 1.0)
sskd("sskd_half", 4, [0.1, 0.9, 10.0, 2.7], 0.5, 0.3)
sskd("sskd_wrapper", 5, [0.0, 0.0, 1.0, 0.0], 0.75, 1.0, wrapped=True)

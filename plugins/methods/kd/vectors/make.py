"""KDLoss: Hinton et al. 2014, equation 4 and section 2: L = a CE + b T^2 KL(p_t || p_s)."""
import pathlib, sys
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[4] / "tools/vectors"))
import torch
from vectors import Vectors


def softened(z, T):
    e = torch.exp(z / T - (z / T).max(1, keepdim=True).values)
    return e / e.sum(1, keepdim=True)


def kd(name, seed, T, alpha, beta=None, **kwargs):
    v = Vectors(__file__, name, seed)
    s, t = v.normal("student|fc|output", 6, 10, scale=3), v.normal("teacher|fc|output", 6, 10, scale=3)
    y = v.put("target", torch.tensor([3, 0, 9, 5, 5, 1]))
    p, q = softened(t, T), softened(s, T)
    soft = (p * (p.log() - q.log())).sum() / 6
    hard = -softened(s, 1).log()[torch.arange(6), y].mean()
    if alpha is None:
        loss = soft * T * T if kwargs.get("scale_soft") else soft
    else:
        loss = alpha * hard + (1 - alpha if beta is None else beta) * T * T * soft
    v.write(loss, "KDLoss", dict(student_module_path="fc", student_module_io="output", teacher_module_path="fc",
                                 teacher_module_io="output", temperature=T, alpha=alpha, beta=beta, reduction="batchmean", **kwargs))


kd("kd", 1, 4.0, 0.1)
kd("kd_beta", 2, 2.0, 0.5, 9.0)
kd("kd_soft_only", 3, 3.0, None)
kd("kd_soft_scaled", 4, 3.0, None, scale_soft=True)


"""LogitStdKDLoss and LogitStandardization: Sun et al. 2024, algorithm 1: Z(z) = (z - mean) / (std + eps), then KD."""
TAPS = dict(student_module_path="fc", student_module_io="output", teacher_module_path="fc", teacher_module_io="output")


def logit_std(name, seed, T, alpha, beta, behind):
    v = Vectors(__file__, name, seed)
    s, t = v.normal("student|fc|output", 6, 10, scale=3), v.normal("teacher|fc|output", 6, 10, scale=8)
    y = v.put("target", torch.tensor([3, 0, 9, 5, 5, 1]))
    eps = 0.01 if behind else 1e-7
    Z = lambda z: (z - z.mean(1, keepdim=True)) / (z.std(1, unbiased=True, keepdim=True) + eps)
    p, q = softened(Z(t), T), softened(Z(s), T)
    hard = -softened(Z(s) if behind else s, 1).log()[torch.arange(6), y].mean()
    loss = alpha * hard + beta * T * T * (p * (p.log() - q.log())).sum() / 6
    kwargs = dict(TAPS, temperature=T, alpha=alpha, beta=beta)
    if behind:
        v.write(loss, "KDLoss", kwargs, loss_wrapper=dict(key="LogitStandardization", kwargs=dict(TAPS, eps=eps)))
    else:
        v.write(loss, "LogitStdKDLoss", kwargs)


logit_std("logit_std", 5, 2.0, 0.1, 9.0, behind=False)
logit_std("logit_std_before_kd", 6, 2.0, 0.3, 0.7, behind=True)

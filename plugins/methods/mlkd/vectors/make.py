"""MLKDLoss: Jin et al. 2023: at each T, KL of the predictions, squared differences of P P^T (over B) and of P^T P (over C)."""
import pathlib, sys
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[4] / "tools/vectors"))
import torch
from vectors import Vectors


def mlkd(name, seed, Ts, a=1.0, b=1.0, c=1.0, **kwargs):
    v = Vectors(__file__, name, seed)
    s, t = v.normal("student|fc|output", 5, 7, scale=3), v.normal("teacher|fc|output", 5, 7, scale=3)
    loss = 0
    for T in Ts:
        p, q = (torch.exp(z / T) / torch.exp(z / T).sum(1, keepdim=True) for z in (t, s))
        kl = (p * (p / q).log()).sum() / 5 * (T * T if kwargs.get("scale_soft") else 1)
        batch = sum((p[i] @ p[j] - q[i] @ q[j]) ** 2 for i in range(5) for j in range(5)) / 5
        classes = sum((p[:, i] @ p[:, j] - q[:, i] @ q[:, j]) ** 2 for i in range(7) for j in range(7)) / 7
        loss = loss + a * kl + b * batch + c * classes
    v.write(loss, "MLKDLoss", dict(student_module_path="fc", teacher_module_path="fc", temperatures=Ts, instance_weight=a,
                                   batch_weight=b, class_weight=c, **kwargs))


def two_views(name, seed, Ts, ce_weight):
    """The sum over two views of B images, whose rows alternate: each view's L, and cross entropy of the same labels."""
    v = Vectors(__file__, name, seed)
    B, C = 4, 6
    s, t = v.normal("student|fc|output", 2 * B, C, scale=3), v.normal("teacher|fc|output", 2 * B, C, scale=3)
    y = v.put("target", torch.tensor([1, 5, 0, 1]))
    loss = 0
    for view in range(2):
        z_s, z_t = torch.stack([s[2 * i + view] for i in range(B)]), torch.stack([t[2 * i + view] for i in range(B)])
        loss = loss - ce_weight * sum(torch.log_softmax(z_s[i], 0)[y[i]] for i in range(B)) / B
        for T in Ts:
            p, q = torch.softmax(z_t / T, 1), torch.softmax(z_s / T, 1)
            loss = loss + T * T * (p * (p / q).log()).sum() / B
            loss = loss + ((p @ p.T - q @ q.T) ** 2).sum() / B + ((p.T @ p - q.T @ q) ** 2).sum() / C
    v.write(loss, "MLKDLoss", dict(student_module_path="fc", teacher_module_path="fc", temperatures=Ts, scale_soft=True, views=2,
                                   ce_weight=ce_weight))


mlkd("mlkd", 1, [2.0, 3.0, 4.0])
mlkd("mlkd_scaled", 2, [4.0, 3.0], 0.5, 2.0, 3.0, scale_soft=True)
two_views("mlkd_views", 3, [2.0, 4.0], 0.25)

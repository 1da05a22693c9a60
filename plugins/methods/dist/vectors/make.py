"""DISTLoss and DISTPlusLoss: Huang et al. 2022: 1 - Pearson's correlation of rows and of columns of softmax(z / tau); DIST+ on
features: of the channels at each place of each sample, of the samples at each place of the maps summed over channels."""
import pathlib, sys
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[4] / "tools/vectors"))
import torch
from vectors import Vectors


def rho(a, b):
    a, b = a - a.mean(), b - b.mean()
    return (a * b).sum() / (a.square().sum().sqrt() * b.square().sum().sqrt() + 1e-8)


def mean_rho(pairs):
    r = [rho(a, b) for a, b in pairs]
    return sum(r) / len(r)


def dist(s, t, beta=1.0, gamma=1.0, tau=1.0):
    p, q = torch.softmax(s / tau, 1), torch.softmax(t / tau, 1)
    return tau**2 * (beta * (1 - mean_rho(zip(p, q))) + gamma * (1 - mean_rho(zip(p.T, q.T))))


def plain(name, seed, **kwargs):
    v = Vectors(__file__, name, seed)
    s, t = v.normal("student|fc|output", 5, 7, scale=2), v.normal("teacher|fc|output", 5, 7, scale=2)
    v.write(dist(s, t, **kwargs), "DISTLoss", dict(student_module_path="fc", student_module_io="output",
            teacher_module_path="fc", teacher_module_io="output", **kwargs))


def plus(name, seed, mode, iota, kappa, **kwargs):
    v = Vectors(__file__, name, seed)
    s, t = v.normal("student|fc|output", 4, 6, scale=2), v.normal("teacher|fc|output", 4, 6, scale=2)
    f, g = v.normal("student|layer3|output", 4, 5, 2, 3), v.normal("teacher|layer3|output", 4, 5, 2, 3)
    places = [(h, w) for h in range(2) for w in range(3)]
    channels = mean_rho((f[b, :, h, w], g[b, :, h, w]) for b in range(4) for h, w in places)
    samples = mean_rho((f.sum(1)[:, h, w], g.sum(1)[:, h, w]) for h, w in places)
    loss = dist(s, t, **kwargs) + iota * (1 - channels if mode == "paper" else channels) + kappa * (1 - samples)
    taps = {f"{n}_{k}_module_{p}": {"path": "fc" if k == "logit" else "layer3", "io": "output"}[p]
            for k in ("logit", "feature") for n in ("student", "teacher") for p in ("path", "io")}
    v.write(loss, "DISTPlusLoss", dict(taps, mode=mode, iota=iota, kappa=kappa, **kwargs))


plain("dist", 1)
plain("dist_weights", 2, beta=2.0, gamma=0.5, tau=4.0)
plus("dist_plus_code", 3, "code", 1.5, 0.5, beta=2.0, gamma=2.0)
plus("dist_plus_paper", 4, "paper", 0.7, 2.0, tau=2.0)

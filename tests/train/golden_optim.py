#!/usr/bin/env python3
"""Writes golden_optim.h: parameters after each step of PyTorch's optimizers, and its schedulers' rates.
Run: golden_optim.py > golden_optim.h"""
import warnings

import torch
from torch.optim import lr_scheduler as S

warnings.simplefilter("ignore")
torch.set_default_dtype(torch.float64)
N, STEPS, RATES = 5, 12, 25


def emit(name, values):
    print(f"static const double golden_{name}[] = {{{', '.join(repr(float(v)) for v in values)}}};")


def trajectory(name, make):
    """The gradient depends on parameters and step: 0.3 (i + 1) p_i - sin(step + i)."""
    p = torch.tensor([0.5 - 0.2 * i for i in range(N)]).requires_grad_()
    o, seen = make([p]), []
    for step in range(1, STEPS + 1):
        i = torch.arange(N)
        p.grad = 0.3 * (i + 1) * p.detach() - torch.sin((step + i).double())
        o.step()
        seen += p.tolist()
    emit(name, seen)


def rates(name, make):
    o = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.4)
    s, seen = make(o), []
    for _ in range(RATES):
        seen.append(o.param_groups[0]["lr"])
        o.step()
        s.step()
    emit(name, seen)


def warmup(step, rise=4, total=18):
    """transformers.optimization._get_linear_schedule_with_warmup_lr_lambda."""
    if step < rise:
        return float(step) / float(max(1, rise))
    return max(0.0, float(total - step) / float(max(1, total - rise)))


print("/* Written by golden_optim.py. */")
trajectory("sgd", lambda p: torch.optim.SGD(p, lr=0.1))
trajectory("sgd_momentum", lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=5e-4))
trajectory("sgd_dampened", lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.8, dampening=0.25, weight_decay=0.1, maximize=True))
trajectory("sgd_nesterov", lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True, weight_decay=1e-2))
trajectory("adam", lambda p: torch.optim.Adam(p))
trajectory("adam_decayed", lambda p: torch.optim.Adam(p, lr=0.05, betas=(0.7, 0.95), eps=1e-4, weight_decay=0.1))
trajectory("adamw", lambda p: torch.optim.AdamW(p))
trajectory("adamw_large", lambda p: torch.optim.AdamW(p, lr=0.1, betas=(0.5, 0.9), weight_decay=0.3, maximize=True))

rates("multi_step", lambda o: S.MultiStepLR(o, [3, 3, 10, 17], 0.2))
rates("step", lambda o: S.StepLR(o, 4, 0.5))
rates("exponential", lambda o: S.ExponentialLR(o, 0.93))
rates("constant", lambda o: S.ConstantLR(o))
rates("linear", lambda o: S.LinearLR(o, 0.25, 0.8, 7))
rates("linear_default", lambda o: S.LinearLR(o))
rates("cosine", lambda o: S.CosineAnnealingLR(o, 10, 0.01))
rates("poly", lambda o: S.LambdaLR(o, lambda n: (1 - n / (6 * 4)) ** 0.9))
rates("warmup", lambda o: S.LambdaLR(o, warmup))

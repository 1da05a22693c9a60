"""Writes resnet20_golden.safetensors: a ResNet-20 in PyTorch, in double, from weights that a formula gives, so that the
file stays small.  Holds the logits and the loss of one training step's forward, the sum and the norm of every gradient,
the running statistics' sums, and the losses of 20 SGD steps (momentum 0.9, weight decay 5e-4, Nesterov off).

    python3 tests/models/golden.py          (PyTorch and safetensors in a scratch environment)
"""
import math
import pathlib
import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors.torch import save_file

torch.set_default_dtype(torch.float64)


class Block(nn.Module):
    def __init__(self, i, o, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(i, o, 3, stride, 1, bias=False), nn.BatchNorm2d(o)
        self.conv2, self.bn2 = nn.Conv2d(o, o, 3, 1, 1, bias=False), nn.BatchNorm2d(o)
        self.downsample = None
        if stride != 1 or i != o:
            self.downsample = nn.Sequential(nn.Conv2d(i, o, 1, stride, bias=False), nn.BatchNorm2d(o))

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


class ResNet20(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16)
        for k, (i, o) in enumerate([(16, 16), (16, 32), (32, 64)], 1):
            setattr(self, f"layer{k}", nn.Sequential(Block(i, o, 1 if k == 1 else 2), Block(o, o, 1), Block(o, o, 1)))
        self.fc = nn.Linear(64, 10)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        return self.fc(self.layer3(self.layer2(self.layer1(x))).mean((2, 3)))


def wave(shape, phase, scale, shift=0.0):
    """scale * sin(0.7 i + phase) + shift over the row-major positions i."""
    n = math.prod(shape)
    return (scale * torch.sin(0.7 * torch.arange(n, dtype=torch.float64) + phase) + shift).reshape(shape)


def main():
    net = ResNet20().train()
    with torch.no_grad():
        for j, p in enumerate(net.parameters()):
            if p.dim() > 1:
                p.copy_(wave(p.shape, 1.3 * j, math.sqrt(3 / math.prod(p.shape[1:]))))
            else:  # weights of batch norm around 1, biases around 0: by position in the list both are "shift 0.5"
                p.copy_(wave(p.shape, 1.3 * j, 0.3, 0.5))
    x, y = wave((4, 3, 32, 32), 0.1, 1.5), torch.tensor([3, 0, 9, 5])
    out = {}
    logits = net(x)
    loss = F.cross_entropy(logits, y)
    loss.backward()
    out["logits"], out["loss"] = logits.detach(), loss.detach()
    out["grad_sum"] = torch.stack([p.grad.sum() for p in net.parameters()])
    out["grad_norm"] = torch.stack([p.grad.norm() for p in net.parameters()])
    out["running_mean_sum"] = torch.stack([m.running_mean.sum() for m in net.modules() if isinstance(m, nn.BatchNorm2d)])
    out["running_var_sum"] = torch.stack([m.running_var.sum() for m in net.modules() if isinstance(m, nn.BatchNorm2d)])
    opt = torch.optim.SGD(net.parameters(), 0.01, momentum=0.9, weight_decay=5e-4)
    losses = []
    for step in range(20):
        opt.zero_grad()
        xs = wave((4, 3, 32, 32), 0.1 + step % 2, 1.5)
        loss = F.cross_entropy(net(xs), (y + step % 2) % 10)
        loss.backward()
        opt.step()
        losses.append(loss.item())
    out["losses"] = torch.tensor(losses)
    save_file(out, pathlib.Path(__file__).parent / "resnet20_golden.safetensors")
    print(out["loss"].item(), losses)


main()

"""Writes torchvision_golden.safetensors: torchvision's own ResNet-18 and ResNet-50 in double, from weights that golden.py's
formula gives: logits of two images in training, and the norm of every parameter's gradient of their cross entropy.

    python3 tests/models/torchvision_golden.py          (PyTorch, torchvision and safetensors in a scratch environment)
"""
import math
import pathlib
import torch
import torch.nn.functional as F
import torchvision
from safetensors.torch import save_file

torch.set_default_dtype(torch.float64)


def wave(shape, phase, scale, shift=0.0):
    """scale * sin(0.7 i + phase) + shift over the row-major positions i."""
    n = math.prod(shape)
    return (scale * torch.sin(0.7 * torch.arange(n, dtype=torch.float64) + phase) + shift).reshape(shape)


out = {}
for name in ("resnet18", "resnet50"):
    net = getattr(torchvision.models, name)(num_classes=10).train()
    with torch.no_grad():
        for j, p in enumerate(net.parameters()):
            p.copy_(wave(p.shape, 1.3 * j, math.sqrt(3 / math.prod(p.shape[1:]))) if p.dim() > 1 else wave(p.shape, 1.3 * j, 0.3, 0.5))
    logits = net(wave((2, 3, 64, 64), 0.1, 1.5))
    F.cross_entropy(logits, torch.tensor([3, 0])).backward()
    out[name + "|logits"] = logits.detach()
    out[name + "|grad_norm"] = torch.stack([p.grad.norm() for p in net.parameters()])
    print(name, logits.detach().numpy().round(4), out[name + "|grad_norm"][:3])
save_file(out, pathlib.Path(__file__).parent / "torchvision_golden.safetensors")

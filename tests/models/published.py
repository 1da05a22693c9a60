"""Prints how many of the first test images of CIFAR-10 the published networks have right in PyTorch: the figures of test_published.c.

    python3 tests/models/published.py ../shared/data
"""
import pickle
import sys
import torch
import torch.nn as nn
import torch.nn.functional as F


class Block(nn.Module):
    def __init__(self, i, o, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(i, o, 3, stride, 1, bias=False), nn.BatchNorm2d(o)
        self.conv2, self.bn2 = nn.Conv2d(o, o, 3, 1, 1, bias=False), nn.BatchNorm2d(o)
        self.stride, self.pad = stride, (o - i) // 2

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + F.pad(x[:, :, ::self.stride, ::self.stride], (0, 0, 0, 0, self.pad, self.pad)))


class ResNet(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16)
        for k, (i, o) in enumerate([(16, 16), (16, 32), (32, 64)], 1):
            setattr(self, f"layer{k}", nn.Sequential(Block(i, o, 1 if k == 1 else 2), *[Block(o, o, 1) for _ in range(n - 1)]))
        self.linear = nn.Linear(64, 10)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        return self.linear(self.layer3(self.layer2(self.layer1(x))).mean((2, 3)))


data = sys.argv[1]
with open(f"{data}/cifar-10-batches-py/test_batch", "rb") as f:
    batch = pickle.load(f, encoding="bytes")
x = torch.tensor(batch[b"data"][:500]).reshape(-1, 3, 32, 32).float() / 255
x = (x - torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)) / torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
y = torch.tensor(batch[b"labels"][:500])
for n, name in ((3, "resnet20-12fca82f"), (9, "resnet56-4bfd9763")):
    net = ResNet(n).eval()
    state = torch.load(f"{data}/cifar10-resnet/{name}.th", map_location="cpu", weights_only=False)["state_dict"]
    net.load_state_dict({k.removeprefix("module."): v for k, v in state.items()})
    with torch.no_grad():
        hit = net(x).argmax(1) == y
    print(name, {n: int(hit[:n].sum()) for n in (100, 500)})

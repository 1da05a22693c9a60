#!/usr/bin/env python3
"""What a user would run instead of the loader that tools/bench load times: torchvision with Pillow, on one core.

    python3 torchvision_load.py FOLDER

Prints images a second of processor time: the best of three passes over the folder.
"""
import sys
import time

import torch
from torchvision import datasets, transforms

torch.set_num_threads(1)
images = datasets.ImageFolder(sys.argv[1], transforms.Compose([
    transforms.RandomResizedCrop(224),
    transforms.RandomHorizontalFlip(),
    transforms.ToTensor(),
    transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
]))
best = 0
for _ in range(3):
    start = time.process_time()
    for _ in torch.utils.data.DataLoader(images, batch_size=50):
        pass
    best = max(best, len(images) / (time.process_time() - start))
print(f"{best:.1f}")

"""Writes golden/*: what torchvision and Pillow make of input.png, and pickled batches.  Needs torchvision."""
import os
import pickle

import numpy as np
import torch
from PIL import Image
from torchvision.transforms import InterpolationMode as Mode
from torchvision.transforms import functional as F

os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), "golden"))
rng = np.random.default_rng(7)
y, x = np.mgrid[0:45, 0:61]
smooth = np.stack([127 + 120 * np.sin(x / 5), 4.0 * x, 5.5 * y], -1)
image = Image.fromarray(np.clip(smooth + rng.normal(0, 20, smooth.shape), 0, 255).astype(np.uint8))
image.save("input.png")

made = {
    "resize_24": F.resize(image, 24),
    "resize_17x23": F.resize(image, [17, 23]),
    "resize_90": F.resize(image, 90),
    "resize_30_max_35": F.resize(image, 30, max_size=35),
    "resize_bicubic_20": F.resize(image, 20, Mode.BICUBIC),
    "resize_bicubic_70": F.resize(image, 70, Mode.BICUBIC),
    "resize_nearest_31x80": F.resize(image, [31, 80], Mode.NEAREST),
    "center_24": F.center_crop(image, 24),
    "center_64": F.center_crop(image, 64),
    "center_50x30": F.center_crop(image, [50, 30]),
    "pad_constant": F.pad(image, [3, 1, 5, 7], fill=(9, 200, 31)),
    "pad_edge": F.pad(image, [3, 8], padding_mode="edge"),
    "pad_reflect": F.pad(image, 12, padding_mode="reflect"),
    "pad_symmetric": F.pad(image, [3, 1, 5, 45], padding_mode="symmetric"),
    "hflip": F.hflip(image),
    "vflip": F.vflip(image),
    "gray": F.to_grayscale(image, 3),
    "brightness": F.adjust_brightness(image, 1.3),
    "contrast": F.adjust_contrast(image, 0.6),
    "saturation": F.adjust_saturation(image, 1.7),
}
for name, out in made.items():
    out.save(name + ".png", optimize=True)

values = F.normalize(F.to_tensor(image), [0.49139968, 0.48215841, 0.44653091], [0.24703223, 0.24348513, 0.26158784])
print("normalize at (0, 0), (7, 3), (60, 44):", [float(v).hex() for px in ((0, 0), (3, 7), (44, 60)) for v in values[:, px[0], px[1]]])
assert values.dtype == torch.float32

# CIFAR-10 batches of two images as today's Python pickles them; pixel k of image i is (k + 7 i) mod 251.
for protocol in (3, 4, 5):
    data = ((np.arange(3072)[None] + 7 * np.arange(2)[:, None]) % 251).astype(np.uint8)
    with open(f"batch_protocol_{protocol}", "wb") as out:
        pickle.dump({"data": data, "labels": [4, 9]}, out, protocol=protocol)

"""Makes the images of test_image.c and, through Pillow, the RGB bytes they must decode to.

    python tests/io/images/make.py    (Pillow 13.0.0, numpy)
"""
import os
import struct
import zlib

import numpy as np
from PIL import Image

HERE = os.path.dirname(os.path.abspath(__file__))
W, H = 21, 13
y, x = np.mgrid[0:H, 0:W]
rng = np.random.default_rng(1)
rgb = np.stack([x * 12, y * 19, (x * y) % 256], -1).astype(np.uint8)
rgb[4:9, 5:12] = rng.integers(0, 256, (5, 7, 3))
alpha = rng.integers(0, 256, (H, W)).astype(np.uint8)


def save(image, name, **how):
    image.save(os.path.join(HERE, name), **how)
    with open(os.path.join(HERE, name + '.rgb'), 'wb') as f:
        f.write(Image.open(os.path.join(HERE, name)).convert('RGB').tobytes())

def png16(name):
    """16 bits a channel, which Pillow cannot write; the golden keeps the high bytes."""
    wide = rgb.astype('>u2') * 257 ^ 0x55
    raw = b''.join(b'\0' + wide[r].astype('>u2').tobytes() for r in range(H))

    def chunk(kind, body):
        return struct.pack('>I', len(body)) + kind + body + struct.pack('>I', zlib.crc32(kind + body))
    with open(os.path.join(HERE, name), 'wb') as f:
        f.write(b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', W, H, 16, 2, 0, 0, 0)) +
                chunk(b'IDAT', zlib.compress(raw)) + chunk(b'IEND', b''))
    with open(os.path.join(HERE, name + '.rgb'), 'wb') as f:
        f.write((wide >> 8).astype(np.uint8).tobytes())


image = Image.fromarray(rgb)
save(image, 'colour.jpg', quality=90)
save(image, 'progressive.jpg', quality=80, progressive=True)
save(image.convert('L'), 'grey.jpg', quality=90)
save(image.convert('CMYK'), 'cmyk.jpg', quality=90)
save(image, 'colour.png')
save(image.convert('L'), 'grey.png')
save(Image.fromarray(np.dstack([rgb, alpha])), 'alpha.png')
save(image.quantize(16), 'palette.png')
save(image.convert('1'), 'bits.png')
png16('deep.png')

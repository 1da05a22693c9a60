"""Helps the make.py scripts beside the plugins to write conformance vectors (see doc/conformance.md): fixed inputs in
double, the loss as its paper's equation, gradients by PyTorch's autograd of that equation."""
import pathlib
import torch
import yaml
from safetensors.torch import save_file

torch.set_default_dtype(torch.float64)


class Vectors:
    def __init__(self, script, name, seed):
        self.folder, self.name, self.tensors, self.inputs = pathlib.Path(script).parent, name, {}, {}
        self.random = torch.Generator().manual_seed(seed)

    def normal(self, name, *shape, scale=1.0, positive=False):
        """A random input under the name it has in the file, e.g. student|fc|output; its gradient is expected too."""
        x = torch.randn(*shape, generator=self.random) * scale
        return self.put(name, x.abs() if positive else x)

    def put(self, name, x, grad=True):
        self.tensors[name] = x.clone()
        if grad and x.is_floating_point():
            x = x.clone().requires_grad_()
            self.inputs[name] = x
        return x

    def write(self, loss, key, kwargs, no_grad=(), **more):
        """no_grad: inputs whose gradient is not compared (constants of the loss)."""
        names = [n for n in self.inputs if n not in no_grad]
        grads = torch.autograd.grad(loss, [self.inputs[n] for n in names], allow_unused=True)
        self.tensors["loss"] = loss.detach()
        for n, g in zip(names, grads):
            self.tensors["grad|" + n] = torch.zeros_like(self.inputs[n]) if g is None else g
        save_file({k: v.detach().contiguous() for k, v in self.tensors.items()}, self.folder / f"{self.name}.safetensors")
        document = {"loss": {"key": key, "kwargs": kwargs}, **more, "tensors": f"{self.name}.safetensors"}
        (self.folder / f"{self.name}.yaml").write_text(yaml.safe_dump(document, sort_keys=False, width=110))


def philox(key, counter):
    """Philox 4x32-10 (Salmon et al., SC 2011): four words for a 64-bit key and four counter words."""
    k, (a, b, c, d) = [key & 0xFFFFFFFF, key >> 32], counter
    for _ in range(10):
        p, q = 0xD2511F53 * a, 0xCD9E8D57 * c
        a, b, c, d = (q >> 32) ^ b ^ k[0], q & 0xFFFFFFFF, (p >> 32) ^ d ^ k[1], p & 0xFFFFFFFF
        k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return a, b, c, d


def dropout_mask(shape, p, draw=0):
    """1 where the host's dropout keeps an element, 0 where it drops it (probability p), in the draw-th dropout of step 0 of epoch 0,
    seed 0.  The elements are numbered in memory order."""
    use, mask = 3, []
    a, b, _, _ = philox(0, (0, 0, 0, use))
    a, b, low, high = philox(b << 32 | a, (draw, 0, use, 0))
    for i in range(torch.Size(shape).numel()):
        mask.append(float(philox(b << 32 | a, (i // 4, 0, low, high))[i % 4] >= int(p * 2**32)))
    return torch.tensor(mask).reshape(shape)

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

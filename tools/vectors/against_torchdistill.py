"""Compares the expected losses of conformance vectors with torchdistill's own classes, for those who doubt that a key means
here what it means there.  Where torchdistill has no such key, cannot compute it, or a wrapper stands between, it says so and
goes on.  What is tdhost's own is left out for torchdistill: the line names it, and a difference is then no fault.

    python3 tools/vectors/against_torchdistill.py plugins/methods/*/vectors/*.yaml      (torchdistill, PyTorch, safetensors, PyYAML)
"""
import inspect
import pathlib
import sys
import torch
import torchdistill.losses.mid_level as mid_level
import yaml
from safetensors.torch import load_file

OPEN = {"label_smoothing", "ignore_index", "weight"}  # what KDLoss hands on to its cross entropy


def io_dicts(tensors):
    """Tapped tensors as torchdistill's hooks leave them: io[side][path]['output'], tuples and dicts by element."""
    io = {"student": {}, "teacher": {}}
    for name, x in tensors.items():
        side, *rest = name.split("|")
        if side not in io:
            continue
        end = io[side].setdefault(rest[0], {})
        if len(rest) == 2:
            end[rest[1]] = x
        elif rest[2].isdigit():
            end[rest[1]] = (*end.get(rest[1], ()), x)  # the file's names are sorted
        else:
            end.setdefault(rest[1], {})[rest[2]] = x
    return io["student"], io["teacher"]


def theirs(cls, kwargs, tensors):
    """The loss, and what was left out for it."""
    own = sorted(set(kwargs) - set(inspect.signature(cls).parameters) - OPEN)
    loss = cls(**{name: x for name, x in kwargs.items() if name not in own})
    left_out = [f"{name}: {kwargs[name]}" for name in own]
    members = dict(loss.named_parameters()) | dict(loss.named_buffers())
    for name, x in tensors.items():
        if name.startswith("param|") and name[6:] in members:
            members[name[6:]].data = x.clone()
        elif name.startswith("param|"):
            left_out.append(name[6:])
    return loss(*io_dicts(tensors), targets=tensors.get("target")).item(), ", ".join(left_out)


def compare(document, tensors):
    """A verdict and what it rests on."""
    key, kwargs = document["loss"]["key"], document["loss"].get("kwargs") or {}
    if any(name.endswith("_wrapper") for name in document):
        return "-", "behind a wrapper"
    if not hasattr(mid_level, key):
        return "-", "not a key of torchdistill"
    cls, want = getattr(mid_level, key), tensors["loss"].item()
    try:
        got, left_out = theirs(cls, kwargs, tensors)
    except (TypeError, ValueError, RuntimeError) as e:
        return "-", f"torchdistill cannot compute it: {e}"
    same = abs(got - want) <= 1e-6 * max(abs(want), 1e-30)
    verdict = "ok" if same else "own" if left_out else "DIFFER"
    return verdict, f"{want:.10g}, torchdistill {got:.10g}" + (f" (without {left_out})" if left_out else "")


def main():
    torch.set_default_dtype(torch.float64)
    verdicts = []
    for path in map(pathlib.Path, sys.argv[1:]):
        document = yaml.safe_load(path.read_text())
        tensors = dict(sorted(load_file(path.parent / document["tensors"]).items()))
        verdict, why = compare(document, tensors)
        verdicts.append(verdict)
        print(f"{verdict:6}  {path.name}: {why}")
    return 1 if "DIFFER" in verdicts else 0


sys.exit(main())

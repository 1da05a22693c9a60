"""Makes the files of test_tensors.c: one checkpoint in PyTorch's zip and legacy formats, and its state dict as
safetensors by the reference implementation.

    python tests/io/tensors/make.py    (torch 2.15.0, safetensors)
"""
import argparse
import collections
import os

import torch
from safetensors.torch import save_file

HERE = os.path.dirname(os.path.abspath(__file__))


def path(name):
    return os.path.join(HERE, name)


base = torch.arange(60, dtype=torch.float32) / 7 - 3
state = collections.OrderedDict()
state['conv.weight'] = torch.nn.Parameter(base[:36].reshape(3, 3, 2, 2).clone())
state['conv.bias'] = base[4:7]                                  # a view into a larger storage
state['transposed'] = base[:12].reshape(3, 4).t()               # not row-major
state['steps'] = base.reshape(3, 4, 5)[:, ::2, 1:]
state['double'] = base[:5].double() / 3
state['half'] = base[:5].half()
state['bfloat16'] = base[:5].bfloat16()
state['scalar'] = torch.tensor(41)
state['int32'] = torch.arange(-2, 3, dtype=torch.int32)
state['bytes'] = torch.arange(250, 256, dtype=torch.uint8)
state['flags'] = torch.tensor([True, False, True])
state['empty'] = torch.zeros(0, 3)
state['channels_last'] = base[:48].reshape(2, 3, 2, 4).contiguous(memory_format=torch.channels_last)
state._metadata = collections.OrderedDict([('', {'version': 1})])

checkpoint = {'model': state, 'epoch': 3, 'args': argparse.Namespace(lr=0.1),
              'optimizer': {'state': {0: {'momentum_buffer': torch.ones(3, dtype=torch.float64)}}}}
torch.save(checkpoint, path('zip.pth'))
torch.save(checkpoint, path('legacy.pth'), _use_new_zipfile_serialization=False)
torch.save(state, path('bare.pth'))
save_file({k: v.detach().contiguous().clone() for k, v in state.items()}, path('golden.safetensors'), {'format': 'pt'})
torch.save(torch.nn.Linear(2, 3), path('module.pth'))

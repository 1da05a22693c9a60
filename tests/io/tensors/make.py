"""Makes the files of test_tensors.c: one checkpoint in PyTorch's zip and legacy formats, and its state dict as
safetensors by the reference implementation.

    python tests/io/tensors/make.py    (torch 2.15.0, safetensors)
"""
import argparse
import collections
import io
import os
import pickle
import struct
import zipfile

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


# The same archive from a big-endian machine, as far as it says.
small = io.BytesIO()
torch.save({'a': base[:3]}, small)
with zipfile.ZipFile(small) as source, zipfile.ZipFile(path('big.pth'), 'w') as big:
    for entry in source.infolist():
        big.writestr(zipfile.ZipInfo(entry.filename), b'big' if entry.filename.endswith('byteorder') else source.read(entry))


# PyTorch before 0.4 pickled views of storages: (view key, offset, size) at the end of the persistent id.
class Storage:
    pass


class OldPickler(pickle.Pickler):
    def persistent_id(self, value):
        if isinstance(value, Storage):
            return ('storage', torch.FloatStorage, 'root', 'cpu', 10, ('view', 2, 8))


class Rebuild:
    def __init__(self, *args):
        self.args = args

    def __reduce__(self):
        return torch._utils._rebuild_tensor, self.args


with open(path('views.pth'), 'wb') as f:
    pickle.dump(0x1950a86a20f9469cfc6c, f, 2)
    pickle.dump(1001, f, 2)
    pickle.dump({'protocol_version': 1001, 'little_endian': True}, f, 2)
    OldPickler(f, 2).dump({'view': Rebuild(Storage(), 1, (2, 3), (3, 1))})
    pickle.dump(['root'], f, 2)
    f.write(struct.pack('<q10f', 10, *range(10)))
assert torch.load(path('views.pth'))['view'].tolist() == [[3, 4, 5], [6, 7, 8]]

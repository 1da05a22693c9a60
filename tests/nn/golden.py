"""Makes golden.safetensors and cases.txt of test_layers.c: for every layer its members, input and results, computed in
float64 from float32 values and kept as float32.

    python tests/nn/golden.py    (torch 2.15.0, safetensors)
"""
import json
import os

import torch
from safetensors.torch import save_file
from torch import nn

HERE = os.path.dirname(os.path.abspath(__file__))
IMAGE, WIDE, FLAT, SEQUENCE = (2, 4, 5, 4), (2, 4, 7, 6), (3, 6), (3, 4, 5)
CASES = [  # name, class, arguments, shape of the input
    ('conv', 'Conv2d', dict(in_channels=4, out_channels=6, kernel_size=3), IMAGE),
    ('conv_all', 'Conv2d', dict(in_channels=4, out_channels=6, kernel_size=[3, 2], stride=[2, 1], padding=[2, 1],
                                dilation=[1, 2], groups=2, bias=False), WIDE),
    ('conv_same', 'Conv2d', dict(in_channels=4, out_channels=3, kernel_size=[4, 3], padding='same'), IMAGE),
    ('conv_valid', 'Conv2d', dict(in_channels=4, out_channels=3, kernel_size=2, padding='valid'), IMAGE),
    ('conv_same_dilated', 'Conv2d', dict(in_channels=4, out_channels=2, kernel_size=2, padding='same', dilation=3), IMAGE),
    ('transposed', 'ConvTranspose2d', dict(in_channels=4, out_channels=6, kernel_size=3, stride=2, padding=1,
                                           output_padding=1, groups=2), IMAGE),
    ('transposed_plain', 'ConvTranspose2d', dict(in_channels=4, out_channels=3, kernel_size=2, bias=False), IMAGE),
    ('linear', 'Linear', dict(in_features=6, out_features=4), FLAT),
    ('linear_no_bias', 'Linear', dict(in_features=5, out_features=2, bias=False), SEQUENCE),
    ('norm', 'BatchNorm2d', dict(num_features=4), IMAGE),
    ('norm_average', 'BatchNorm2d', dict(num_features=4, momentum=None, eps=0.001), IMAGE),
    ('norm_plain', 'BatchNorm2d', dict(num_features=4, affine=False, track_running_stats=False), IMAGE),
    ('norm_vectors', 'BatchNorm1d', dict(num_features=6, momentum=0.3), FLAT),
    ('norm_sequences', 'BatchNorm1d', dict(num_features=4), SEQUENCE),
    ('relu', 'ReLU', dict(inplace=True), IMAGE),
    ('leaky', 'LeakyReLU', dict(negative_slope=0.2), IMAGE),
    ('leaky_default', 'LeakyReLU', {}, FLAT),
    ('sigmoid', 'Sigmoid', {}, FLAT),
    ('tanh', 'Tanh', {}, FLAT),
    ('softmax', 'Softmax', dict(dim=-1), SEQUENCE),
    ('softmax_implicit', 'Softmax', {}, SEQUENCE),
    ('max', 'MaxPool2d', dict(kernel_size=3, stride=2, padding=1), IMAGE),
    ('max_ceil', 'MaxPool2d', dict(kernel_size=[3, 2], ceil_mode=True), IMAGE),
    ('avg', 'AvgPool2d', dict(kernel_size=2), IMAGE),
    ('avg_inside', 'AvgPool2d', dict(kernel_size=3, stride=2, padding=1, count_include_pad=False), IMAGE),
    ('adaptive_avg', 'AdaptiveAvgPool2d', dict(output_size=1), IMAGE),
    ('adaptive_avg_uneven', 'AdaptiveAvgPool2d', dict(output_size=[4, 3]), WIDE),
    ('adaptive_max', 'AdaptiveMaxPool2d', dict(output_size=[3, 2]), WIDE),
    ('flatten', 'Flatten', {}, IMAGE),
    ('flatten_middle', 'Flatten', dict(start_dim=1, end_dim=-2), IMAGE),
    ('identity', 'Identity', {}, FLAT),
    ('upsample', 'Upsample', dict(scale_factor=2), FLAT[:1] + (1, 2, 3)),
    ('upsample_size', 'Upsample', dict(size=[7, 9]), FLAT[:1] + (1, 4, 3)),
    ('dropout_off', 'Dropout', dict(p=0.0), FLAT),
]


def main():
    torch.manual_seed(0)
    tensors = {}
    with open(os.path.join(HERE, 'cases.txt'), 'w') as f:
        for name, key, kwargs, shape in CASES:
            layer = getattr(nn, key)(**kwargs).double()
            for member, value in layer.state_dict().items():
                if value.is_floating_point():
                    value.copy_((torch.rand_like(value) + 0.25).float())
                tensors['%s/%s' % (name, member)] = value.clone()
            x = torch.randn(shape).double()
            tensors[name + ':in'] = x.clone()
            tensors[name + ':training'] = layer(x.clone()).detach().clone()
            layer(2 * x)  # running statistics move once more
            layer.eval()
            for member, value in layer.named_buffers():
                tensors['%s:after/%s' % (name, member)] = value.clone()
            tensors[name + ':eval'] = layer(x.clone()).detach().clone()
            f.write('%s %s %s\n' % (name, key, json.dumps(kwargs)))
    keep = {k: (v.float() if v.is_floating_point() else v).contiguous() for k, v in tensors.items()}
    save_file(keep, os.path.join(HERE, 'golden.safetensors'))
    os.chmod(os.path.join(HERE, 'golden.safetensors'), 0o644)


main()

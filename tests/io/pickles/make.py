"""Makes p2.pkl to p5.pkl of test_pickle.c: one object in each protocol.

    python tests/io/pickles/make.py
"""
import argparse
import collections
import os
import pickle

HERE = os.path.dirname(os.path.abspath(__file__))
loop = [1]
loop.append(loop)
value = {
    'text': 'caf\u00e9', b'raw': b'\x00\xff', 'long text': 'x' * 300,
    'ints': [0, 255, 65535, -1, 2**31, -2**63, 2**70], 'float': -0.1, 'tuple': (1, 2, 3, 4), 'empty': ((), [], {}),
    'flags': (True, False, None), 'ordered': collections.OrderedDict([('b', 1), ('a', 2)]), 'set': {7},
    'object': argparse.Namespace(lr=0.1), 'loop': loop,
}
value['same'] = value['tuple']
for protocol in range(2, 6):
    with open(os.path.join(HERE, 'p%d.pkl' % protocol), 'wb') as f:
        pickle.dump(value, f, protocol)

#!/usr/bin/env python3
"""Writes golden.h: what PyTorch computes for the cases that name these arrays.  Run: golden.py > golden.h"""
import math

import torch

torch.set_default_dtype(torch.float64)


def fill(k, shape, lo=-1.0, hi=1.0, integer=False):
    """The harness's input k (see cases.h)."""
    n = math.prod(shape)
    v = []
    for i in range(n):
        u = (i + 1) * 0.6180339887498949 + k * 0.2360679774997897
        x = lo + (hi - lo) * (u - math.floor(u))
        v.append(math.floor(x) if integer else x)
    return torch.tensor(v, dtype=torch.int64 if integer else torch.float64).reshape(shape)


def emit(name, t):
    values = ", ".join(repr(float(x)) for x in t.contiguous().reshape(-1).tolist())
    print(f"static const double golden_{name}[] = {{{values}}};")


def philox(key, counter):
    """Philox 4x32-10 (Salmon et al., SC 2011)."""
    k, x = [key & 0xFFFFFFFF, key >> 32], list(counter)
    for _ in range(10):
        p0, p1 = 0xD2511F53 * x[0], 0xCD9E8D57 * x[2]
        x = [(p1 >> 32) ^ x[1] ^ k[0], p1 & 0xFFFFFFFF, (p0 >> 32) ^ x[3] ^ k[1], p0 & 0xFFFFFFFF]
        k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return x


def dropout(x, p, seed, counter):
    """32 bits per element in memory order (rank 4: channels-last), four to a block; host/base/rng.c gives the block's key."""
    flat = (x.permute(0, 2, 3, 1) if x.dim() == 4 else x).reshape(-1).clone()
    first = philox(seed, [counter & 0xFFFFFFFF, counter >> 32, 3, 0])
    for i in range(flat.numel()):
        word = philox(first[1] << 32 | first[0], [i // 4, 0, first[2], first[3]])[i % 4]
        flat[i] = 0 if word < int(p * 2**32) else flat[i] / (1 - p)
    return flat.reshape([x.shape[0], *x.shape[2:], x.shape[1]]).permute(0, 3, 1, 2) if x.dim() == 4 else flat.reshape(x.shape)


def main():
    print("/* Written by golden.py. */")
    x4 = fill(0, [2, 3, 4, 5])
    emit("add_column", x4 + fill(1, [4, 1]))
    emit("div_channels", fill(0, [3, 1, 1]) / fill(1, [2, 3, 4, 5], 0.5, 2))
    emit("where_rank5", torch.where(fill(0, [2, 1, 3, 1, 2], 0, 2, True) != 0, fill(1, [2, 3, 2, 2]), fill(2, [1])))
    emit("softplus", torch.nn.functional.softplus(fill(0, [9], -19, 19)))
    emit("dropout", dropout(fill(0, [3, 7]), 0.4, 12345678901234567, 3))
    emit("dropout_channels_last", dropout(x4, 0.25, 42, 2**40 + 1))

    rows = torch.cat([fill(0, [2, 4]), torch.zeros(1, 4)]).requires_grad_()
    for p in (1, 2, 3):
        rows.grad = None
        y = torch.nn.functional.normalize(rows, p=p, dim=1, eps=1e-6)
        (y * fill(1, [3, 4])).sum().backward()
        emit(f"normalize_{p}", torch.cat([y.detach(), rows.grad]))

    emit("sum_all", fill(0, [2, 3, 4]).sum())
    emit("sum_channels", x4.sum((0, 2, 3)))
    emit("sum_batch", x4.sum(0))
    emit("sum_keep", x4.sum((1, 3), keepdim=True))
    emit("sum_rank5", fill(0, [2, 3, 2, 4, 2]).sum(1))
    emit("mean_all", x4.mean())
    emit("mean_spatial", x4.mean((2, 3)))
    emit("mean_rows", fill(0, [3, 5]).mean(1, keepdim=True))
    emit("amax_all", x4.amax())
    emit("amax_channels", x4.amax(1))
    emit("amax_rows", fill(0, [3, 5]).amax(1, keepdim=True))
    ties = torch.tensor([[1.0, 3, 3, 0], [2, 2, 2, 2]])
    emit("amax_ties", ties.amax(1))
    emit("argmax_rows", fill(0, [4, 7]).argmax(1))
    emit("argmax_channels", x4.argmax(1))
    emit("argmax_last", x4.argmax(-1))
    emit("argmax_ties", torch.tensor([1.0, 0]))

    emit("reshape", x4)  # logical order stays, whatever the shape
    emit("reshape_flat", fill(0, [2, 60]))
    emit("permute_last", x4.permute(0, 2, 3, 1))
    emit("permute_mixed", x4.permute(3, 1, 0, 2))
    emit("permute_rank3", fill(0, [2, 3, 4]).permute(2, 0, 1))
    emit("permute_rank5", fill(0, [2, 3, 1, 2, 4]).permute(4, 1, 0, 3, 2))
    emit("expand_column", fill(0, [3, 1]).expand(2, 3, 4))
    emit("expand_channels", fill(0, [1, 3, 1, 1]).expand(2, 3, 4, 5))
    emit("expand_to_rank4", fill(0, [3, 1, 2]).expand(2, 3, 4, 2))
    emit("slice_channels", x4[:, 1:3])
    emit("slice_steps", x4[..., -4::2])
    emit("slice_rows", fill(0, [7, 3])[2:6:3])
    back = torch.zeros(2, 7, 3, 2)
    back[:, 1:6:2] = fill(0, [2, 3, 3, 2])
    emit("slice_grad", back)
    emit("cat_channels", torch.cat([fill(0, [2, 3, 2, 2]), fill(1, [2, 1, 2, 2])], 1))
    emit("cat_batch", torch.cat([fill(0, [2, 3, 2, 2]), fill(1, [1, 3, 2, 2])], 0))
    emit("cat_last", torch.cat([fill(0, [3, 2]), fill(1, [3, 4])], -1))
    pad = torch.nn.functional.pad
    emit("pad_height", pad(fill(0, [2, 3, 2, 2]), (0, 0, 1, 2), value=0.5))
    emit("pad_channels", pad(fill(0, [2, 3, 2, 2]), (0, 0, 0, 0, 0, 2)))
    emit("pad_last", pad(fill(0, [2, 3]), (1, 0), value=-2.0))

    index = fill(1, [4], 0, 5, True)
    emit("index_select", fill(0, [5, 3])[index])
    emit("index_select_matrix", fill(0, [5, 3])[fill(1, [2, 3], 0, 5, True)])
    emit("index_select_to_rank4", fill(0, [5, 3, 2])[fill(1, [2, 4], 0, 5, True)])
    emit("index_select_images", fill(0, [5, 3, 2, 2])[index])
    emit("index_select_one", fill(0, [5, 3, 2, 2])[fill(1, [], 0, 5, True)])
    emit("index_select_scalars", fill(0, [5])[fill(1, [2, 2], 0, 5, True)])
    emit("index_select_grad", torch.zeros(5, 3).index_add(0, fill(1, [9], 0, 5, True), fill(0, [9, 3])))
    grad = torch.zeros(3, 3, 2).index_add(0, fill(1, [2, 4], 0, 3, True).reshape(-1), fill(0, [2, 4, 3, 2]).reshape(8, 3, 2))
    emit("index_select_grad_rank4", grad)
    emit("gather", fill(0, [3, 5]).gather(1, fill(1, [3, 7], 0, 5, True)))
    emit("scatter_add", torch.zeros(3, 5).scatter_add(1, fill(1, [3, 7], 0, 5, True), fill(0, [3, 7])))
    table, index = fill(1, [5, 3]), fill(2, [2, 7], 0, 5, True)
    emit("gather_matmul", (fill(0, [2, 3]) @ table.T).gather(1, index))
    bags = torch.nn.functional.embedding_bag(index, table, mode="sum", per_sample_weights=fill(0, [2, 7]))
    emit("scatter_matmul", bags)
    bank, rows = fill(0, [5, 3]), fill(2, [9, 3])
    for i, to in enumerate(fill(1, [9], 0, 5, True).tolist()):
        bank[to] = rows[i]
    emit("index_copy", bank)
    emit("copy", fill(1, [2, 3, 2, 2]))


if __name__ == "__main__":
    main()

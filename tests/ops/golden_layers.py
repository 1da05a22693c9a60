#!/usr/bin/env python3
"""Writes golden_layers.h: what PyTorch computes for the cases of matmul, conv, norm, pool, softmax, loss and optim.
Run: golden_layers.py > golden_layers.h"""
import torch
import torch.nn.functional as F

from golden import emit, fill


def gradients(y, inputs, gy):
    return torch.autograd.grad(y, inputs, gy)


def leaf(k, shape, lo=-1.0, hi=1.0):
    return fill(k, shape, lo, hi).requires_grad_()


def linear_and_matmul():
    emit("linear", F.linear(fill(0, [4, 5]), fill(1, [3, 5]), fill(2, [3])))
    emit("linear_rank3", F.linear(fill(0, [2, 3, 5]), fill(1, [4, 5])))
    emit("linear_vector", F.linear(fill(0, [5]), fill(1, [3, 5]), fill(2, [3])))
    emit("matmul", fill(0, [4, 5]) @ fill(1, [5, 3]))
    emit("matmul_ta", fill(0, [5, 4]).T @ fill(1, [5, 3]))
    emit("matmul_tb", fill(0, [4, 5]) @ fill(1, [3, 5]).T)
    emit("matmul_batch", fill(0, [2, 4, 3]) @ fill(1, [2, 3, 5]))
    emit("matmul_batch_tt", fill(0, [2, 3, 4]).transpose(1, 2) @ fill(1, [2, 5, 3]).transpose(1, 2))
    a = torch.tensor([[4, 1, 0.5, 2], [0, 3, -1, 0], [1.5, 0, 5, 0.2], [1, 0, 0.4, 6]], dtype=torch.float64)
    emit("solve_spd", torch.linalg.solve((a + a.T) / 2, fill(1, [4, 3])))


def convolutions():
    x = fill(0, [2, 4, 6, 5])
    emit("conv_3x3", F.conv2d(x, fill(1, [3, 4, 3, 3]), fill(2, [3]), padding=1))
    emit("conv_stride2", F.conv2d(x, fill(1, [3, 4, 3, 3]), stride=2, padding=1))
    emit("conv_1x1", F.conv2d(x, fill(1, [3, 4, 1, 1]), fill(2, [3])))
    emit("conv_1x1_stride2", F.conv2d(x, fill(1, [3, 4, 1, 1]), stride=2))
    emit("conv_7x7_stride2", F.conv2d(fill(0, [1, 3, 9, 8]), fill(1, [2, 3, 7, 7]), stride=2, padding=3))
    emit("conv_dilated", F.conv2d(x, fill(1, [3, 4, 3, 3]), padding=2, dilation=2))
    emit("conv_groups", F.conv2d(x, fill(1, [6, 2, 3, 3]), fill(2, [6]), padding=1, groups=2))
    emit("conv_depthwise", F.conv2d(x, fill(1, [4, 1, 3, 3]), stride=2, padding=1, groups=4))
    emit("conv_oblong", F.conv2d(x, fill(1, [3, 4, 1, 3]), stride=(2, 1), padding=(0, 1)))

    t = fill(0, [2, 4, 3, 4])
    emit("transposed", F.conv_transpose2d(t, fill(1, [4, 3, 3, 3]), fill(2, [3]), padding=1))
    emit("transposed_stride2", F.conv_transpose2d(t, fill(1, [4, 3, 3, 3]), stride=2, padding=1, output_padding=1))
    emit("transposed_4x4", F.conv_transpose2d(t, fill(1, [4, 2, 4, 4]), fill(2, [2]), stride=2, padding=1))
    emit("transposed_groups", F.conv_transpose2d(t, fill(1, [4, 3, 2, 2]), fill(2, [6]), stride=2, groups=2))
    emit("transposed_dilated", F.conv_transpose2d(t, fill(1, [4, 2, 3, 2]), padding=(2, 0), dilation=2))

    gy, w, x = fill(0, [2, 3, 3, 3]), leaf(1, [3, 4, 3, 3]), leaf(2, [2, 4, 6, 5])
    emit("input_grad", gradients(F.conv2d(x, w, stride=2, padding=1), x, gy)[0])
    x, gy = leaf(0, [2, 4, 6, 5]), fill(1, [2, 3, 3, 3])
    emit("weight_grad", gradients(F.conv2d(x, w, stride=2, padding=1), w, gy)[0])
    w2 = leaf(2, [6, 2, 3, 3])
    emit("weight_grad_groups", gradients(F.conv2d(x, w2, padding=1, groups=2), w2, fill(1, [2, 6, 6, 5]))[0])


def norms():
    def bn(tag, shape, training, residual=False, relu=False, affine=True):
        x, w, b = leaf(0, shape), leaf(1, [shape[1]]) if affine else None, leaf(2, [shape[1]]) if affine else None
        mean, var = fill(3, [shape[1]]), fill(4, [shape[1]], 0.5, 2)
        used = x.detach() if training else None
        y = F.batch_norm(x, mean, var, w, b, training, 0.1, 1e-5)
        dims = [0] + list(range(2, len(shape)))
        m = used.mean(dims) if training else mean
        s = ((used.var(dims, unbiased=False) if training else var) + 1e-5).rsqrt()
        y = y + fill(5, shape) if residual else y
        y = F.relu(y) if relu else y
        emit("bn_" + tag, y)
        emit("bn_" + tag + "_mean", m)
        emit("bn_" + tag + "_inverse_std", s)
        if training:
            emit("bn_" + tag + "_running_mean", mean)
            emit("bn_" + tag + "_running_var", var)

    bn("training", [3, 2, 2, 3], True)
    bn("plain", [5, 3], True, affine=False)
    bn("fused", [3, 2, 2, 3], True, residual=True, relu=True)
    bn("eval", [3, 2, 2, 3], False, relu=True)

    def grads(tag, training, relu):
        x, w, b = leaf(1, [3, 2, 2, 3]), leaf(2, [2]), fill(4, [2]).requires_grad_()
        mean, var = fill(3, [2]), fill(4, [2], 0.5, 2)
        y = F.batch_norm(x, mean, var, w, b, training, 0.1, 1e-5)
        y = F.relu(y) if relu else y
        gx, gw, gb = gradients(y, [x, w, b], fill(0, [3, 2, 2, 3]))
        m = x.detach().mean((0, 2, 3)) if training else mean
        s = ((x.detach().var((0, 2, 3), unbiased=False) if training else var) + 1e-5).rsqrt()
        for name, v in (("gx", gx), ("gweight", gw), ("gbias", gb), ("mean", m), ("inverse_std", s), ("y", y)):
            emit(f"bn_grad_{tag}_{name}", v)

    grads("training", True, False)
    grads("relu", True, True)
    grads("eval", False, False)


def pools():
    x = fill(0, [2, 3, 7, 6])
    y, at = F.max_pool2d(x, 3, 2, 1, return_indices=True)
    emit("max_pool", y)
    emit("max_pool_positions", at)
    y, at = F.max_pool2d(x, (2, 3), (2, 2), ceil_mode=True, return_indices=True)
    emit("max_pool_ceil", y)
    emit("max_pool_ceil_positions", at)
    y, at = F.adaptive_max_pool2d(x, (3, 4), return_indices=True)
    emit("adaptive_max_pool", y)
    emit("adaptive_max_pool_positions", at)
    emit("avg_pool", F.avg_pool2d(x, 2))
    emit("avg_pool_padded", F.avg_pool2d(x, 3, 2, 1))
    emit("avg_pool_uncounted", F.avg_pool2d(x, 3, 2, 1, count_include_pad=False))
    emit("avg_pool_ceil", F.avg_pool2d(x, 3, 2, 1, ceil_mode=True))
    emit("avg_pool_ceil_uncounted", F.avg_pool2d(x, (4, 3), (3, 2), (2, 0), ceil_mode=True, count_include_pad=False))
    emit("adaptive_avg_pool", F.adaptive_avg_pool2d(x, (3, 4)))
    emit("adaptive_avg_pool_1", F.adaptive_avg_pool2d(x, 1))
    emit("adaptive_avg_pool_up", F.adaptive_avg_pool2d(fill(0, [2, 3, 2, 3]), (5, 4)))
    emit("nearest_up", F.interpolate(fill(0, [2, 3, 2, 3]), (4, 6)))
    emit("nearest_odd", F.interpolate(fill(0, [2, 3, 3, 5]), (7, 4)))

    x = leaf(1, [2, 3, 7, 6])
    y = F.max_pool2d(x, 3, 2, 1)
    emit("max_pool_grad", gradients(y, x, fill(0, [2, 3, 4, 3]))[0])
    _, at = F.max_pool2d(x, 3, 2, 1, return_indices=True)
    emit("max_pool_grad_positions", at)
    y, at = F.adaptive_max_pool2d(x, (3, 4), return_indices=True)
    emit("adaptive_max_pool_grad", gradients(y, x, fill(0, [2, 3, 3, 4]))[0])
    emit("adaptive_max_pool_grad_positions", at)
    emit("avg_pool_grad", gradients(F.avg_pool2d(x, 3, 2, 1, count_include_pad=False), x, fill(0, [2, 3, 4, 3]))[0])
    emit("adaptive_avg_pool_grad", gradients(F.adaptive_avg_pool2d(x, (3, 4)), x, fill(0, [2, 3, 3, 4]))[0])
    small = leaf(1, [2, 3, 3, 5])
    emit("nearest_grad", gradients(F.interpolate(small, (7, 4)), small, fill(0, [2, 3, 7, 4]))[0])


def softmaxes():
    x = fill(0, [3, 5], -4, 4)
    emit("softmax", F.softmax(x, 1))
    emit("softmax_first", F.softmax(x, 0))
    emit("softmax_channels", F.softmax(fill(0, [2, 3, 2, 4]), 1))
    emit("softmax_width", F.softmax(fill(0, [2, 3, 2, 4]), -1))
    emit("log_softmax", F.log_softmax(x, 1))
    emit("log_softmax_large", F.log_softmax(fill(0, [2, 4], -1000, 1000), 1))
    emit("log_softmax_channels", F.log_softmax(fill(0, [2, 3, 2, 4]), 1))
    gy, y = fill(0, [3, 5]), fill(1, [3, 5], 0.1, 0.9)
    emit("softmax_grad", y * (gy - (gy * y).sum(1, True)))
    emit("log_softmax_grad", gy - y.exp() * gy.sum(1, True))


REDUCTIONS = ("mean", "sum", "batchmean", "none")


def losses():
    x, y = fill(0, [3, 4]), fill(1, [3, 4])
    p, log_p = fill(1, [3, 4], 0.05, 1), fill(0, [3, 4], -3, 0)
    for r in REDUCTIONS:
        emit("kl_div_" + r, F.kl_div(log_p, p, reduction=r))
    for r in ("mean", "sum", "none"):
        emit("mse_loss_" + r, F.mse_loss(x, y, reduction=r))
        emit("l1_loss_" + r, F.l1_loss(x, y, reduction=r))
        emit("smooth_l1_loss_" + r, F.smooth_l1_loss(x, y, reduction=r, beta=0.7))
    emit("mse_loss_images", F.mse_loss(fill(0, [2, 3, 2, 2]), fill(1, [2, 3, 2, 2]), reduction="none"))
    zeros = torch.tensor([[0.0, 0.25, 0.75, 0.0]])
    emit("kl_div_zeros", F.kl_div(fill(0, [1, 4], -3, 0), zeros, reduction="sum"))

    logits, target, weight = fill(0, [5, 4], -2, 2), fill(1, [5], 0, 4, True), fill(2, [4], 0.5, 2)
    some = target.clone()
    some[1] = some[3] = -100
    emit("ce", F.cross_entropy(logits, target))
    emit("ce_sum_smoothed", F.cross_entropy(logits, target, reduction="sum", label_smoothing=0.1))
    emit("ce_none_weighted", F.cross_entropy(logits, target, weight, reduction="none", label_smoothing=0.2))
    emit("ce_ignored", F.cross_entropy(logits, some))
    emit("ce_everything", F.cross_entropy(logits, some, weight, label_smoothing=0.1))
    images, maps = fill(0, [2, 4, 2, 3], -2, 2), fill(1, [2, 2, 3], 0, 4, True)
    emit("ce_images", F.cross_entropy(images, maps))
    emit("ce_images_none", F.cross_entropy(images, maps, weight, ignore_index=2, reduction="none"))

    def pair_grads(name, fn, a=-1.0, b=1.0, lo=-1.0, hi=1.0):
        u, v = leaf(1, [3, 4], a, b), leaf(2, [3, 4], lo, hi)
        g = fill(0, [])
        gu, gv = gradients(fn(u, v), [u, v], g)
        emit(name + "_grad", gu)
        return gv

    pair_grads("mse_loss", lambda u, v: F.mse_loss(u, v))
    pair_grads("l1_loss", lambda u, v: F.l1_loss(u, v))
    pair_grads("smooth_l1_loss", lambda u, v: F.smooth_l1_loss(u, v, beta=0.7))
    emit("kl_div_target_grad", pair_grads("kl_div", lambda u, v: F.kl_div(u, v, reduction="batchmean"), -3, 0, 0.05, 1))

    def soft_kl(s, t, T, reduction):
        return F.kl_div(F.log_softmax(s / T, 1), F.softmax(t / T, 1), reduction=reduction)

    for r in REDUCTIONS:
        emit("soft_kl_" + r, soft_kl(fill(0, [3, 4], -5, 5), fill(1, [3, 4], -5, 5), 2.5, r))
    emit("soft_kl_images", soft_kl(fill(0, [2, 3, 2, 2]), fill(1, [2, 3, 2, 2]), 0.5, "none"))
    never = torch.tensor([[1.0, float("-inf"), 0.5, 2.0]])
    emit("soft_kl_never", soft_kl(fill(0, [1, 4], -5, 5), never, 2.5, "sum"))
    emit("soft_kl_target_grad", pair_grads("soft_kl", lambda u, v: soft_kl(u, v, 2.5, "batchmean"), -5, 5, -5, 5))
    z = fill(1, [5, 4], -2, 2).requires_grad_()
    t = fill(2, [5], 0, 4, True)
    loss = F.cross_entropy(z, t, fill(3, [4], 0.5, 2), ignore_index=1, label_smoothing=0.1, reduction="none")
    emit("ce_grad", gradients(loss, z, fill(0, [5]))[0])


def optimizers():
    def step(tag, make, at_step, names):
        """One step at `at_step` from given state: inputs as the harness fills them."""
        p = fill(0, [2, 3]).requires_grad_()
        p.grad = fill(1, [2, 3])
        o = make([p])
        state = {n: fill(2 + i, [2, 3], 0, 1) for i, n in enumerate(names)}
        if at_step > 1:
            o.state[p] = dict(state, step=torch.tensor(float(at_step - 1)))
        o.step()
        emit(tag, p)
        for n in names:
            emit(f"{tag}_{n}", o.state[p][n])

    def sgd(**k):
        return lambda p: torch.optim.SGD(p, lr=0.1, **k)

    step("sgd_plain", sgd(weight_decay=0.01), 1, [])
    step("sgd_first", sgd(momentum=0.9, dampening=0.3, weight_decay=0.01), 1, ["momentum_buffer"])
    step("sgd_later", sgd(momentum=0.9, dampening=0.3, weight_decay=0.01), 5, ["momentum_buffer"])
    step("sgd_nesterov", sgd(momentum=0.9, weight_decay=0.01, nesterov=True), 5, ["momentum_buffer"])
    both = ["exp_avg", "exp_avg_sq"]
    step("adam", lambda p: torch.optim.Adam(p, lr=0.1, betas=(0.8, 0.99), eps=1e-3, weight_decay=0.1), 7, both)
    step("adamw", lambda p: torch.optim.AdamW(p, lr=0.1, betas=(0.8, 0.99), eps=1e-3, weight_decay=0.1), 7, both)


if __name__ == "__main__":
    print("/* Written by golden_layers.py. */")
    for family in (linear_and_matmul, convolutions, norms, pools, softmaxes, losses, optimizers):
        family()

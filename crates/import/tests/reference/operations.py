"""Exports one small program for each of PyTorch's operations, and computes its losses and gradient in f64.

    python operations.py            all
    python operations.py topk sort  these; the others stay as they are

writes `operations.zip`: `NAME.pt2`, for 4 samples, and `truth.json` (see `tests/it/operations.rs`). PyTorch 2.9.
"""

import io
import json
import logging
import math
import pathlib
import re
import sys
import warnings
import zipfile

import torch
import torch.utils.checkpoint
from torch import nn
from torch.nn import functional as F

SAMPLES, EXPORTED = 7, 4
inf = math.inf

# Of `x`, [n, 12], and numbers of its size above 0, `p`; of images `i`, [n, 3, 4, 4]; of sequences `s`, [n, 6, 4].
OPERATIONS = {
    "relu": "F.relu(x)", "relu6": "F.relu6(3 * x)", "leaky_relu": "F.leaky_relu(x, 0.2)", "elu": "F.elu(x, 0.7)",
    "celu": "F.celu(x, 0.6)", "selu": "F.selu(x)", "gelu": "F.gelu(x)", "gelu_tanh": "F.gelu(x, approximate='tanh')",
    "silu": "F.silu(x)", "mish": "F.mish(x)", "softplus": "F.softplus(x, 2, 1)", "softsign": "F.softsign(x)",
    "hardtanh": "F.hardtanh(x, -0.3, 0.7)", "hardsigmoid": "F.hardsigmoid(4 * x)", "hardswish": "F.hardswish(4 * x)",
    "hardshrink": "F.hardshrink(x, 0.3)", "softshrink": "F.softshrink(x, 0.3)", "tanhshrink": "F.tanhshrink(x)",
    "threshold": "F.threshold(x, 0.1, -2)", "logsigmoid": "F.logsigmoid(x)", "glu": "F.glu(x)", "prelu": "F.prelu(x, x.new_full((1,), 0.3))",
    "rrelu": "F.rrelu(x)",
    "abs": "x.abs()", "neg": "-x", "exp": "x.exp()", "exp2": "torch.exp2(x)", "expm1": "x.expm1()", "log": "p.log()", "log2": "p.log2()",
    "log10": "p.log10()", "log1p": "p.log1p()", "sqrt": "p.sqrt()", "rsqrt": "p.rsqrt()", "square": "x.square()", "reciprocal": "p.reciprocal()",
    "sin": "x.sin()", "cos": "x.cos()", "tan": "x.tanh().tan()", "asin": "(0.3 * x.tanh()).asin()", "acos": "(0.3 * x.tanh()).acos()", "atan": "x.atan()",
    "sinh": "x.sinh()", "cosh": "x.cosh()", "asinh": "x.asinh()", "acosh": "(1 + p).acosh()", "atanh": "(0.3 * x.tanh()).atanh()",
    "erf": "x.erf()", "erfc": "x.erfc()", "sigmoid": "x.sigmoid()", "tanh": "x.tanh()", "logit": "torch.logit(p.clamp(0.1, 0.8))",
    "sign": "x.sign() * x", "floor": "(3 * x).floor() * x", "ceil": "(3 * x).ceil() * x", "round": "(3 * x).round() * x",
    "round_decimals": "x.round(decimals=1) * x", "trunc": "(3 * x).trunc() * x", "frac": "(3 * x).frac()", "isnan": "x * x.isnan()",
    "isfinite": "torch.where(torch.isfinite(x.detach() / x.detach().relu()), x, 2 * x)", "deg2rad": "x.deg2rad()", "sinc": "torch.sinc(x)",
    "add_alpha": "torch.add(x, p, alpha=0.3)", "sub_alpha": "torch.sub(x, p, alpha=0.3)", "rsub": "torch.rsub(x, 2, alpha=3)", "rdiv": "2 / p",
    "div_floor": "x * torch.div(5 * x, 2, rounding_mode='floor')", "div_trunc": "x * torch.div(5 * x, 2, rounding_mode='trunc')",
    "floor_divide": "x * torch.floor_divide((5 * x).detach(), (p + 1).detach())", "remainder": "torch.remainder(5 * x, 1.5)", "fmod": "torch.fmod(5 * x, 1.5)",
    "pow": "p ** 1.7", "pow_tensor": "p ** x", "pow_scalar": "2 ** x", "cube": "x ** 3", "maximum": "torch.maximum(x, x.flip(1))",
    "minimum": "torch.minimum(x, x.flip(1))", "fmax": "torch.fmax(x, x.flip(1))", "clamp": "x.clamp(-0.2, 0.4)", "clamp_min": "x.clamp(min=0.1)",
    "clamp_tensor": "torch.clamp(x, min=-p, max=0.5 * p)", "where": "torch.where(x > 0, x, 2 * p)", "comparisons": "x * (x >= 0.1) + p * (x < p)",
    "logic": "x * ((x > 0) & ~(p > 1) | (x < -1) ^ (p > 2))", "atan2": "torch.atan2(x, p)", "hypot": "torch.hypot(x, p)",
    "xlogy": "torch.xlogy(x, p)", "logaddexp": "torch.logaddexp(x, p)", "copysign": "torch.copysign(p, x)", "lerp": "torch.lerp(x, p, 0.3)",
    "addcmul": "torch.addcmul(x, x, p, value=0.4)", "addcdiv": "torch.addcdiv(x, x, p, value=0.4)", "nan_to_num": "torch.nan_to_num((0 * p.detach()).log().neg() * x.detach().sign(), posinf=2.0, neginf=1.0) * x",
    "masked_fill": "x.masked_fill(x > 0.3, -2.0)", "int_arithmetic": "x * ((10 * x).long() // 3 % 4).float()",
    "sum": "i.sum((1, 3))", "mean_keep": "i - i.mean((2, 3), keepdim=True)", "amax": "i.amax((2, 3))", "amin": "i.amin(1)", "max_dim": "i.max(2)[0]",
    "min_dim": "i.min(3, keepdim=True)[0]", "argmax": "x * x.argmax(1, keepdim=True)", "prod": "i.prod(3)", "var": "i.var((2, 3))",
    "std": "i.std(1, correction=0)", "var_mean": "torch.cat(torch.var_mean(x, 1, keepdim=True), 1)", "norm": "i.norm(dim=2)", "norm_p": "torch.linalg.vector_norm(i, 3, (1, 2))",
    "norm_1": "i.norm(1, 2)", "norm_inf": "i.norm(inf, 2)", "logsumexp": "i.logsumexp((1, 2))", "softmax": "i.softmax(2)", "log_softmax": "i.log_softmax(1)", "any": "x * (x > 1).any(1, keepdim=True)",
    "all": "x * (x > -1).all(1, keepdim=True)", "cumsum": "i.cumsum(2)", "cumprod": "i.cumprod(1)", "cummax": "i.cummax(1)[0]", "logcumsumexp": "x.logcumsumexp(1)",
    "median": "x.median(1)[0].unsqueeze(1)", "count_nonzero": "x * torch.count_nonzero(x > 0, dim=1).unsqueeze(1)", "nansum": "x.nansum(1, keepdim=True)",
    "topk": "x.topk(3, 1)[0]", "sort": "x.sort(1, descending=True)[0]", "argsort": "x.gather(1, p.argsort(1))", "norm_all": "F.normalize(i, dim=1)",
    "view": "i.view(i.shape[0], 6, 8).softmax(2)", "view_first": "i.view(-1, 4).softmax(1).view(-1, 48)", "permute": "i.permute(0, 3, 1, 2) * i.view(-1, 4, 3, 4)",
    "transpose": "i.transpose(0, 2).transpose(1, 3).softmax(0).transpose(1, 3).transpose(0, 2)", "movedim": "i.movedim(1, 3) * i.view(-1, 4, 4, 3)", "squeeze": "i.mean(1, keepdim=True).squeeze(1)",
    "unflatten": "x.unflatten(1, (3, -1)).sum(1)", "flatten": "i.flatten(1, 2).softmax(1)", "expand": "x.unsqueeze(1).expand(-1, 3, -1) * x.view(-1, 3, 4).repeat(1, 1, 3)",
    "expand_batch": "torch.cat([w.view(1, 12).expand(x.shape[0], 12), x], 1)", "repeat": "x.repeat(1, 2).softmax(1)", "repeat_interleave": "x.repeat_interleave(2, 1).cumsum(1)",
    "flip": "i.flip(1, 3) * i", "roll": "i.roll((1, -2), (2, 3)) * i", "rot90": "i.rot90(1, (2, 3)) * i", "slice_step": "i[:, :, 1::2, :-1]", "slice_negative": "x[:, -5:-1]",
    "select": "i[:, 1] * i[:, -1]", "narrow": "x.narrow(1, 2, 5)", "split": "sum(a * (k + 1) for k, a in enumerate(x.split(4, 1)))", "split_sizes": "x.split([2, 7, 3], 1)[1]",
    "chunk": "torch.cat(x.chunk(5, 1)[::-1], 1)", "tensor_split": "torch.tensor_split(x, 5, 1)[1]", "unbind": "torch.stack(i.unbind(1)[::-1], 2)", "stack": "torch.stack([x, p], 1)", "cat": "torch.cat([x, p, w.view(1, 12).expand(x.shape[0], 12)], 1)",
    "unfold": "x.unfold(1, 4, 3)", "diagonal": "i.diagonal(0, 2, 3)", "diagonal_offset": "i.diagonal(-1, 2, 3)", "diag_embed": "torch.diag_embed(x.view(-1, 3, 4)) @ i[:, :, :, :2]", "tril": "i.tril(-1) + i.triu(1) * 2",
    "pixel_shuffle": "F.pixel_shuffle(i.reshape(-1, 12, 2, 2), 2) * i[:, :3]", "pixel_unshuffle": "F.pixel_unshuffle(i, 2)", "channel_shuffle": "F.channel_shuffle(i.view(-1, 6, 2, 4), 3)",
    "pad_constant": "F.pad(i, (1, 2, 0, 1), value=0.5)", "pad_negative": "F.pad(i, (-1, 2))", "pad_reflect": "F.pad(i, (1, 2, 2, 1), mode='reflect')",
    "pad_replicate": "F.pad(i, (1, 2, 2, 1), mode='replicate')", "pad_circular": "F.pad(i, (1, 2, 2, 1), mode='circular')",
    "index_list": "x[:, [0, 5, 5, -1]]", "index_two": "i[:, [[0, 1], [2, 0]], [1, 3]]", "index_apart": "i[:, [0, 2], :, [1, 3]].transpose(0, 1)", "index_select": "x.index_select(1, torch.tensor([3, 0, 3]))",
    "gather": "x.gather(1, (p * 3).long().clamp(max=11))", "scatter": "x.scatter(1, (p * 3).long().clamp(max=11)[:, :1], 1.5 * x[:, :1])", "scatter_add": "x.scatter_add(1, (p * 3).long().clamp(max=11), p)",
    "scatter_product": "x.scatter_reduce(1, (p * 3).long().clamp(max=5), p, 'prod')", "scatter_most": "x.scatter_reduce(1, (p * 3).long().clamp(max=5)[:, :7], p[:, :7], 'amax')",
    "scatter_least": "x.scatter_reduce(1, (p * 3).long().clamp(max=5), p, 'amin', include_self=False)", "scatter_mean": "x.scatter_reduce(1, (p * 3).long().clamp(max=5), p, 'mean')",
    "scatter_mean_alone": "x.scatter_reduce(1, (p * 3).long().clamp(max=5), p, 'mean', include_self=False)",
    "index_product": "i.index_reduce(2, torch.tensor([1, 1, 3]), i[:, :, :3] + 2, 'prod')", "index_most": "x.index_reduce(1, torch.tensor([1, 1, 4]), p[:, :3], 'amax', include_self=False)",
    "index_add": "x.index_add(1, torch.tensor([1, 1, 4]), p[:, :3])", "index_put": "torch.index_put(x.t(), (torch.tensor([0, 3]),), p.t()[:2]).t()", "index_copy": "x.index_copy(1, torch.tensor([2, 7]), p[:, :2])",
    "index_fill": "x.index_fill(1, torch.tensor([2, 7]), 0.5)", "take_along_dim": "torch.take_along_dim(x, p.argsort(1), 1)", "one_hot": "F.one_hot((p * 2).long().clamp(max=4), 5) * x.unsqueeze(2)",
    "bucketize": "x * torch.bucketize(x.detach(), torch.tensor([-1.0, 0.0, 1.0]))", "masked_rows": "x[:, torch.tensor([True, False, True] * 4)]",
    "embedding": "F.embedding((p * 2).long().clamp(max=3), w.view(4, 3))", "mm": "x @ w.view(12, 1)", "matmul_vector": "(x @ w.view(12)).unsqueeze(1)", "bmm": "i.flatten(0, 1) @ i.flatten(0, 1).transpose(1, 2)", "baddbmm": "torch.baddbmm(s, s, s.transpose(1, 2) @ s, beta=0.3, alpha=0.5)",
    "addmm": "torch.addmm(w.view(12)[:4], x, w.view(4, 3).repeat(3, 1)[:, :1].expand(-1, 4), beta=0.5, alpha=2)", "linear_1d": "F.linear(x, w.view(12)).unsqueeze(1)", "einsum": "torch.einsum('nchw,ndhw,h->ncd', i, i, w.view(3, 4)[0])",
    "einsum_dots": "torch.einsum('...ij,jk', i, w.view(4, 3))", "einsum_sum": "torch.einsum('nij,nij->n', s, s).unsqueeze(1)", "outer": "torch.outer(x.sum(1), w.view(12))", "bilinear": "F.bilinear(x[:, :3], x[:, 3:6], w.view(12)[:9].view(1, 3, 3))",
    "tensordot": "torch.tensordot(i, w.view(3, 4), dims=([1, 3], [0, 1]))", "cdist": "torch.cdist(s, s.flip(1) + 0.3)", "inner": "torch.inner(s, w.view(3, 4))",
    "conv1d": "F.conv1d(s, torch.outer(w.view(12), w.view(12)[:6])[:, :, None].expand(-1, -1, 3)[:4], w.view(12)[:4], 2, 1)", "conv1d_same": "F.conv1d(s, w.view(6, 1, 2), padding='same', groups=6)",
    "conv2d_groups": "F.conv2d(i, w.view(3, 1, 2, 2), None, 1, (1, 0), (1, 2), 3)", "conv3d": "F.conv3d(i.unsqueeze(1), w.view(1, 1, 3, 2, 2), None, (1, 2, 1), (1, 0, 1))",
    "conv_transpose1d": "F.conv_transpose1d(s, w.view(6, 1, 2), None, 2, 1, 1, 2)", "conv_transpose2d": "F.conv_transpose2d(i, w.view(3, 1, 2, 2), None, (2, 1), 1, (1, 0), 1, (1, 2))",
    "conv_transpose2d_groups": "F.conv_transpose2d(i, w.view(3, 1, 2, 2), w.view(12)[:3], 2, 0, 0, 3)", "conv_transpose3d": "F.conv_transpose3d(i.unsqueeze(1), w.view(1, 1, 3, 2, 2), None, 2, 1)",
    "max_pool1d": "F.max_pool1d(s, 2, 1)", "max_pool2d": "F.max_pool2d(i, 3, 2, 1, ceil_mode=True)", "max_pool2d_dilated": "F.max_pool2d(i, 2, 1, 0, 2)", "max_pool3d": "F.max_pool3d(i, 2, 1)", "max_pool_places": "F.max_pool2d(i, 2, return_indices=True)[1] * F.max_pool2d(i, 2)",
    "avg_pool1d": "F.avg_pool1d(s, 3, 1, 1)", "avg_pool2d": "F.avg_pool2d(i, 3, 2, 1, count_include_pad=False)", "avg_pool2d_ceil": "F.avg_pool2d(i, 3, 2, 1, ceil_mode=True)", "avg_pool2d_divisor": "F.avg_pool2d(i, 2, 1, divisor_override=3)",
    "avg_pool3d": "F.avg_pool3d(i.unsqueeze(1), (2, 3, 2), (1, 2, 1), (1, 1, 0))", "adaptive_avg_pool1d": "F.adaptive_avg_pool1d(s, 3)", "adaptive_avg_pool2d": "F.adaptive_avg_pool2d(i, (3, 2))", "adaptive_avg_pool3d": "F.adaptive_avg_pool3d(i.unsqueeze(1), (2, None, 3))",
    "adaptive_max_pool2d": "F.adaptive_max_pool2d(i, (3, 2))", "lp_pool": "F.lp_pool2d(p.view(-1, 3, 2, 2), 2, 2)", "interpolate_nearest": "F.interpolate(i, scale_factor=2)", "interpolate_nearest_down": "F.interpolate(i, size=(3, 5))", "interpolate_exact": "F.interpolate(i, size=(3, 7), mode='nearest-exact')",
    "interpolate_bilinear": "F.interpolate(i, size=(6, 3), mode='bilinear')", "interpolate_corners": "F.interpolate(i, size=(6, 3), mode='bilinear', align_corners=True)", "interpolate_scale": "F.interpolate(i, scale_factor=1.7, mode='bilinear')",
    "interpolate_bicubic": "F.interpolate(i, size=(6, 3), mode='bicubic')", "interpolate_linear": "F.interpolate(s, size=7, mode='linear')", "interpolate_trilinear": "F.interpolate(i.unsqueeze(1), size=(2, 6, 5), mode='trilinear')", "interpolate_antialias": "F.interpolate(i, size=(2, 3), mode='bilinear', antialias=True)",
    "grid_sample": "F.grid_sample(i, torch.stack([x, p - 1], 2).view(-1, 3, 4, 2).tanh())", "grid_sample_nearest": "F.grid_sample(i, torch.stack([x, p - 1], 2).view(-1, 3, 4, 2).tanh(), mode='nearest', padding_mode='border') + i[:, :, :3]", "affine_grid": "F.grid_sample(i, F.affine_grid(0.3 * x.view(-1, 2, 6)[:, :, :3], (i.shape[0], 3, 4, 4), align_corners=False))", "unfold_patches": "F.unfold(i, (2, 3), 1, (1, 0), (2, 1))", "fold": "F.fold(F.unfold(i, 2), (4, 4), 2)",
    "layer_norm": "F.layer_norm(i, (4, 4), w.view(12)[:1].expand(16).view(4, 4))", "rms_norm": "F.rms_norm(s, (4,), w.view(12)[:4], 1e-3)", "group_norm": "F.group_norm(s, 3, w.view(12)[:6], w.view(12)[6:])", "instance_norm": "F.instance_norm(i, weight=w.view(12)[:3], bias=w.view(12)[3:6])",
    "instance_norm_fixed": "F.instance_norm(i, torch.tensor([0.1, -0.2, 0.3]), torch.tensor([0.5, 1.5, 2.0]), w.view(12)[:3], w.view(12)[3:6], use_input_stats=False)",
    "batch_norm": "F.batch_norm(i, torch.tensor([0.1, -0.2, 0.3]), torch.tensor([0.5, 1.5, 2.0]), w.view(12)[:3], w.view(12)[3:6])", "local_response_norm": "F.local_response_norm(i, 2)", "cosine_similarity": "F.cosine_similarity(s, s.flip(1), 2)", "pairwise_distance": "F.pairwise_distance(x, p).unsqueeze(1)",
    "attention": "F.scaled_dot_product_attention(i, i.flip(2), i)", "attention_causal": "F.scaled_dot_product_attention(i, i.flip(2), i, is_causal=True)", "attention_mask": "F.scaled_dot_product_attention(i, i, i, attn_mask=torch.tensor([True, True, False, True]).expand(4, 4))",
    "attention_bias": "F.scaled_dot_product_attention(i, i, i, attn_mask=w.view(3, 4)[:, None, :], scale=0.3)", "attention_grouped": "F.scaled_dot_product_attention(i.repeat(1, 2, 1, 1), i, i, enable_gqa=True)",
    "write_slice": "write_slice(x, p)", "write_column": "write_column(x, p)", "write_chain": "write_chain(i)", "write_view": "write_view(x)", "write_zeros": "write_zeros(x, p)", "write_masked": "write_masked(x)", "write_later": "write_later(x)", "write_buffer": "write_buffer(i)",
    "zeros_state": "torch.cat([x.new_zeros(x.shape[0], 3), x], 1).cumsum(1)", "ones_like": "torch.ones_like(x) * x.sum(1, keepdim=True)", "arange": "x * torch.arange(12)", "linspace": "x * torch.linspace(-1, 2, 12)", "meshgrid": "i * torch.meshgrid(torch.arange(4.0), torch.arange(4.0), indexing='ij')[0]",
    "eye": "i @ torch.eye(4)[:, :2]", "tril_indices": "i[:, :, torch.tril_indices(4, 4)[0], torch.tril_indices(4, 4)[1]]", "full_batch": "torch.full((x.shape[0], 1), 0.5) * x",
    "cross_entropy": "F.cross_entropy(x, (3 * p).long().clamp(max=11)[:, 0], reduction='none').unsqueeze(1)", "nll_weighted": "F.nll_loss(x.log_softmax(1), (3 * p).long().clamp(max=11)[:, 0], weight=torch.arange(12.0), reduction='none').unsqueeze(1)",
    "bce_logits": "F.binary_cross_entropy_with_logits(x, p.clamp(max=1).detach(), reduction='none', pos_weight=torch.tensor(1.7))", "smooth_l1": "F.smooth_l1_loss(x, p, reduction='none', beta=0.6)", "huber": "F.huber_loss(x, p, reduction='none', delta=0.6)",
    "kl_div": "F.kl_div(x.log_softmax(1), p.softmax(1), reduction='none')", "l1": "F.l1_loss(x, p, reduction='none')", "soft_margin": "F.soft_margin_loss(x, p.detach().sign(), reduction='none')",
    "diff": "i.diff(dim=2)", "diff_ends": "torch.diff(x, n=2, prepend=p[:, :1], append=x[:, :2])", "trapezoid": "torch.trapezoid(i, dx=0.3, dim=2)", "trapezoid_places": "torch.trapezoid(i, torch.tensor([0.0, 0.2, 1.0, 1.5]), dim=2)",
    "cross": "torch.linalg.cross(s.transpose(1, 2)[..., :3], s.transpose(1, 2)[..., 3:])", "cross_first": "torch.cross(i, i.flip(2), dim=1)", "isclose": "x * torch.isclose((3 * x).round(), 3 * x.detach(), atol=0.2)", "logaddexp2": "torch.logaddexp2(x, p)",
    "nanmean": "torch.nanmean(torch.where(x > 0, x, math.nan), 1, keepdim=True)", "kron": "torch.kron(i, w.view(3, 4))", "isin": "x * torch.isin((3 * p.detach()).long(), torch.tensor([1, 3]))",
    "max_unpool2d": "F.max_unpool2d(*F.max_pool2d(i, 2, return_indices=True), 2) * i", "atleast": "torch.atleast_3d(x)[:, :, 0] * torch.atleast_2d(p)", "dstack": "torch.dstack([x, p])",
    "msort": "torch.msort(x.t()).t()", "multi_dot": "torch.linalg.multi_dot([x, w.view(12, 1), w.view(1, 12)])",
    "no_grad": "without_gradient(x, p)", "no_grad_within": "without_gradient_within(x, p)", "autocast": "in_full_precision(x, p)", "checkpointed": "computed_again(x)", "embedding_bag": "F.embedding_bag((p * 2).long().clamp(max=3), w.view(4, 3), mode='sum')",
    "weight_norm": "F.linear(x, torch._weight_norm(w.view(3, 4).repeat(1, 3), w.view(12)[:3, None]))",
}


def write_slice(x, p):
    y = x * 1
    y[:, 2:8:2] = p[:, :3]
    return y * x


def write_column(x, p):
    y = x * 1
    y[:, 0] += p[:, 1]
    y[:, -1] *= 2
    return y * y


def write_chain(i):
    y = i * 1
    y[:, 1:][:, :, 1:3, 2] = 0.25
    y[:, 0, 0].mul_(3)
    return y * i


def write_view(x):
    y = x * 1
    z = y.view(-1, 3, 4).transpose(1, 2)
    z[:, 1].add_(1)
    y.mul_(x)
    return torch.cat([y, z.flatten(1)], 1)


def write_zeros(x, p):
    y = torch.zeros(x.shape[0], 24)
    y[:, :12] = x
    y[:, 12:].copy_(p)
    return y * y


def write_masked(x):
    y = x * 1
    y[y > 0.5] = 0.5
    y.masked_fill_(x < -0.5, 2.0)
    return y * x


def write_later(x):
    y = x * 1
    z = y * 2
    y.mul_(x).add_(1)
    return z * y


def write_buffer(i):
    mask = i.new_zeros(4, 4)
    count = 0
    for a in (slice(0, 2), slice(2, 4)):
        for b in (slice(0, -1), slice(-1, None)):
            mask[a, b] = count
            count += 1
    mask = mask.view(16)
    apart = mask.unsqueeze(0) - mask.unsqueeze(1)
    bias = apart.masked_fill(apart != 0, -100.0).masked_fill(apart == 0, 0.0)
    y = i.flatten(2).transpose(1, 2)
    return (y @ y.transpose(1, 2) + bias).softmax(-1) @ y


def without_gradient(x, p):
    with torch.no_grad():
        y = (x * x).sum(1, keepdim=True)
        z = p.cos()
    return x * y + z


def without_gradient_within(x, p):
    with torch.no_grad():
        y = x.sin()
        with torch.enable_grad():
            z = y * p
        y = y + z.clamp(min=0.1)
    return x * y


def in_full_precision(x, p):
    with torch.autocast("cpu", enabled=False):
        y = x @ p.t().mean(1, keepdim=True)
    return y * x


def computed_again(x):
    return torch.utils.checkpoint.checkpoint(lambda a: a.sin() * a, x, use_reentrant=False)


class Operation(nn.Module):
    def __init__(self, text, pattern):
        super().__init__()
        self.run = eval(f"lambda x, p, i, s, w: {text}")
        generator = torch.Generator().manual_seed(3)
        self.w = nn.Parameter(torch.rand(12, generator=generator) + 0.5)
        self.v = nn.Parameter(torch.rand(48, generator=generator) + 0.5)
        self.register_buffer("pattern", pattern)

    def forward(self, x):
        own = x * self.v
        small, images = own[:, :12], own.view(-1, 3, 4, 4)
        y = self.run(small * self.w, (own[:, 12:24] * self.w).abs() + 0.05, images, images.flatten(1)[:, :24].view(-1, 6, 4), self.w)
        y = y.flatten(1)
        return y if self.pattern is None else y @ self.pattern


def exported(net, x):
    program = torch.export.export(net, (x[:EXPORTED],))
    for module in program.graph_module.modules():
        for node in getattr(module, "graph", torch.fx.Graph()).nodes:
            node.meta["stack_trace"] = None
            node.meta.pop("nn_module_stack", None)
    packed = io.BytesIO()
    torch.export.save(program, packed)
    return packed.getvalue()


def main():
    warnings.filterwarnings("ignore")
    logging.getLogger("torch").setLevel(logging.ERROR)
    generator = torch.Generator().manual_seed(9)
    x = torch.round(torch.randn(SAMPLES, 48, generator=generator) * 64) / 64
    truth = {"x": x.tolist(), "cases": {}}
    path = pathlib.Path(__file__).parent / "operations.zip"
    kept = {}
    if wanted := sys.argv[1:]:
        with zipfile.ZipFile(path) as archive:
            truth["cases"] = json.loads(archive.read("truth.json"))["cases"]
            kept = {name: archive.read(name) for name in archive.namelist() if name != "truth.json" and name[:-4] not in wanted}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, data in kept.items():
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED, 9)
        for name, text in OPERATIONS.items():
            if wanted and name not in wanted:
                continue
            try:
                width = Operation(text, None)(x).shape[1]
                pattern = torch.cos(torch.arange(width, dtype=torch.float32) + 1)
                net = Operation(text, pattern).eval()
                data = exported(net, x)
                torch.set_default_dtype(torch.float64)
                net = net.double()
                losses = net(x.double())
                gradient = torch.autograd.grad(losses.mean(), list(net.parameters()), allow_unused=True)
                gradient = [torch.zeros_like(p) if g is None else g for g, p in zip(gradient, net.parameters())]
            except Exception as error:
                print(name, type(error).__name__, str(error).splitlines()[0])
                continue
            finally:
                torch.set_default_dtype(torch.float32)
            info = zipfile.ZipInfo(f"{name}.pt2")
            archive.writestr(info, data, zipfile.ZIP_DEFLATED, 9)
            truth["cases"][name] = {"loss": losses.mean().item(), "gradient": torch.cat(gradient).tolist()}
        archive.writestr(zipfile.ZipInfo("truth.json"), json.dumps(truth), zipfile.ZIP_DEFLATED, 9)


if __name__ == "__main__":
    main()

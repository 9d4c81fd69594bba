"""Layers against their formulas, written out."""

from __future__ import annotations

import itertools

import pytest
import torch
from s2sc.runtime.features.spec_augment import SpecAugment, random_bands
from s2sc.runtime.layers.batch_norm import BatchNorm
from s2sc.runtime.layers.conv1d import Conv1d
from s2sc.runtime.layers.embedding import Embedding
from s2sc.runtime.layers.max_pool import MaxPool
from s2sc.runtime.layers.mean_pool import MeanPool
from s2sc.runtime.layers.rms_norm import RmsNorm
from s2sc.runtime.layers.stack_frames import StackFrames
from s2sc.runtime.real_frames import real_frames
from torch import Tensor
from torch.nn import functional as F


def _masked(lengths: list[int], num_frames: int) -> Tensor:
    return real_frames(torch.tensor(lengths), num_frames).unsqueeze(1)


@pytest.mark.parametrize("pad", ["same", "causal", "valid"])
def test_convolution_follows_its_formula_at_every_stride_and_dilation(pad: str) -> None:
    torch.manual_seed(0)
    for kernel, stride, dilation, num_frames in itertools.product((1, 2, 5), (1, 2, 3), (1, 2), (9, 10)):
        layer = Conv1d(in_channels=2, channels=1, kernel=kernel, stride=stride, dilation=dilation, pad=pad)
        x_BCT = torch.randn(1, 2, num_frames)
        reach = (kernel - 1) * dilation
        left = {"same": reach // 2, "causal": reach, "valid": 0}[pad]
        num_out = (num_frames - reach - 1) // stride + 1 if pad == "valid" else -(-num_frames // stride)
        y_BCT = layer(x_BCT)
        assert y_BCT.shape[2] == num_out
        assert layer.bias is not None
        for t in range(num_out):
            frames = [t * stride + k * dilation - left for k in range(kernel)]
            taps = [(k, frame) for k, frame in enumerate(frames) if 0 <= frame < num_frames]
            expected = layer.bias[0] + sum((layer.weight[0, :, k] * x_BCT[0, :, frame]).sum() for k, frame in taps)
            torch.testing.assert_close(y_BCT[0, 0, t], expected, atol=1e-5, rtol=1e-5)


def test_batch_norm_in_training_is_torchs_on_the_real_frames() -> None:
    torch.manual_seed(0)
    lengths = [7, 3, 1]
    mask_B1T = _masked(lengths, 7)
    ours, theirs = BatchNorm(features=4, momentum=0.8), torch.nn.BatchNorm1d(4, eps=1e-3, momentum=0.2)
    with torch.no_grad():
        ours.weight.copy_(torch.rand(4))
        ours.bias.copy_(torch.rand(4))
    theirs.load_state_dict({**theirs.state_dict(), **ours.state_dict()})
    x_BCT = torch.randn(3, 4, 7) * 3 + 5
    chosen = mask_B1T.squeeze(1)
    left, right = x_BCT.clone().requires_grad_(), x_BCT.clone().requires_grad_()
    y_left = ours(left, mask=mask_B1T).transpose(1, 2)[chosen]
    y_right = theirs(right.transpose(1, 2)[chosen])
    torch.testing.assert_close(y_left, y_right)
    scale = torch.randn_like(y_left)
    (y_left * scale).sum().backward()
    (y_right * scale).sum().backward()
    torch.testing.assert_close(left.grad, right.grad, atol=1e-5, rtol=1e-4)
    for name in ("weight", "bias"):
        torch.testing.assert_close(getattr(ours, name).grad, getattr(theirs, name).grad, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(ours.running_mean, theirs.running_mean)
    torch.testing.assert_close(ours.running_var, theirs.running_var)


@pytest.mark.parametrize("lengths", [[5, 2], [1, 0], [0, 0]])
def test_batch_norm_has_right_gradients_for_few_frames_and_for_none(lengths: list[int]) -> None:
    layer = BatchNorm(features=2).double()
    mask_B1T = _masked(lengths, 5)
    x_BCT = torch.randn(2, 2, 5, dtype=torch.float64, requires_grad=True)
    before = layer.running_var.clone()

    def real(x_BCT: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        y_BCT = torch.func.functional_call(layer, {"weight": weight, "bias": bias}, (x_BCT,), {"mask": mask_B1T})
        return torch.where(mask_B1T, y_BCT, 0.0)

    assert torch.autograd.gradcheck(real, (x_BCT, layer.weight, layer.bias))
    if sum(lengths) < 2:
        assert torch.equal(layer.running_var, before), "fewer than two frames have no variance"


def test_batch_norm_keeps_float32_statistics_of_half_inputs() -> None:
    torch.manual_seed(0)
    x_BCT = torch.randn(4, 3, 500) + 20
    mask_B1T = _masked([500, 400, 300, 10], 500)
    exact, half = BatchNorm(features=3), BatchNorm(features=3)
    exact(x_BCT.bfloat16().float(), mask=mask_B1T)
    y_BCT = half(x_BCT.bfloat16(), mask=mask_B1T)
    assert y_BCT.dtype == torch.bfloat16
    assert half.running_mean.dtype == torch.float32
    torch.testing.assert_close(half.running_mean, exact.running_mean, atol=1e-4, rtol=1e-4)
    # centred numbers are rounded to 8 bits before they are squared
    torch.testing.assert_close(half.running_var, exact.running_var, atol=1e-2, rtol=1e-2)


def test_batch_norm_takes_vectors_without_time() -> None:
    torch.manual_seed(0)
    ours, theirs = BatchNorm(features=3), torch.nn.BatchNorm1d(3, eps=1e-3)
    x_BD = torch.randn(5, 3)
    torch.testing.assert_close(ours(x_BD), theirs(x_BD))
    assert ours(x_BD[:1]).isfinite().all(), "a batch of one has no variance"


def test_pools_read_real_frames_only() -> None:
    x_BCT = torch.tensor([[[-1.0, -2.0, -3.0, 9.0, 9.0]], [[9.0, 9.0, 9.0, 9.0, 9.0]]])
    mask_B1T, lengths_B = _masked([3, 0], 5), torch.tensor([3, 0])
    assert MaxPool()(x_BCT, mask=mask_B1T).tolist() == [[-1.0], [0.0]]
    assert MeanPool()(x_BCT, mask=mask_B1T, lengths=lengths_B).tolist() == [[-2.0], [0.0]]
    assert MaxPool(kernel=2)(x_BCT, mask=mask_B1T)[0, 0].tolist() == [-1.0, -3.0, 0.0]
    assert MeanPool(kernel=2)(x_BCT, mask=mask_B1T, lengths=lengths_B)[0, 0].tolist() == [-1.5, -3.0, 0.0]
    assert MaxPool(kernel=3, stride=1)(x_BCT, mask=mask_B1T)[0, 0].tolist() == [-1.0, -2.0, -3.0, 0.0, 0.0]


def test_stacked_frames_stand_side_by_side() -> None:
    x_BTC = torch.arange(1.0, 11.0).view(1, 5, 2)
    assert StackFrames(factor=2)(x_BTC).tolist() == [[[1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 0, 0]]]


def test_spec_augment_hides_bands_within_the_clip_and_only_in_training() -> None:
    torch.manual_seed(0)
    layer = SpecAugment(freq_masks=2, freq_width=3, time_masks=2, time_width=4, layout="BTC")
    x_BTD, lengths_B = torch.ones(50, 20, 10), torch.tensor([20, 3] * 25)
    assert layer.eval()(x_BTD, lengths=lengths_B) is x_BTD
    hidden_BTD = layer.train()(x_BTD, lengths=lengths_B) == 0
    assert hidden_BTD.any()
    whole_frames_BT = hidden_BTD.all(2)
    assert not whole_frames_BT[1::2, 3:].any(), "stretches of time lie within the clip"
    assert int(whole_frames_BT.sum(1).max()) <= 8
    assert int(hidden_BTD.all(1).sum(1).max()) <= 6
    assert len({tuple(row) for row in whole_frames_BT[::2].tolist()}) > 5, "clips get bands of their own"


def test_widths_and_places_of_bands_are_uniform() -> None:
    torch.manual_seed(0)
    bands = random_bands(torch.full((40000,), 5), 6, num_bands=1, width=2)
    widths = torch.bincount(bands.sum(1), minlength=3) / 40000
    # 40,000 draws: a share of 1/3 is off by 0.0024 (one deviation)
    torch.testing.assert_close(widths, torch.full((3,), 1 / 3), atol=0.012, rtol=0)
    assert not bands[:, 5].any()
    ones = bands[bands.sum(1) == 1].float().mean(0)
    torch.testing.assert_close(ones[:5], torch.full((5,), 0.2), atol=0.015, rtol=0)


def test_rms_norm_is_torchs() -> None:
    layer = RmsNorm(features=6, epsilon=1e-3)
    torch.nn.init.uniform_(layer.weight)
    x_BTC = torch.randn(2, 5, 6)
    torch.testing.assert_close(layer(x_BTC), F.rms_norm(x_BTC, (6,), layer.weight, 1e-3))


def test_embeddings_start_with_length_one_and_are_scaled_where_it_is_said() -> None:
    torch.manual_seed(0)
    plain, scaled = Embedding(vocab=2000, size=64), Embedding(vocab=2000, size=64, scale=True)
    scaled.load_state_dict(plain.state_dict())
    x_BT = torch.arange(2000).view(40, 50)
    # 128,000 draws: their deviation is off by 0.2 % (one deviation)
    assert plain.weight.std().item() == pytest.approx(1 / 8, rel=0.01)
    torch.testing.assert_close(plain(x_BT)[3, 7], plain.weight[157])
    torch.testing.assert_close(scaled(x_BT), 8 * plain(x_BT))

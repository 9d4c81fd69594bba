"""Log-mel features against a plain float64 computation, and on odd clips."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from s2sc.compiler.parts.features.logmel import LogMel as LogMelComponent
from s2sc.compiler.tensor_type import waveform
from s2sc.runtime.features.logmel import LogMel, hertz_to_mel, mel_to_hertz
from torch import Tensor


def _layer(**settings: object) -> LogMel:
    values: dict[str, Any] = {"rate": 8000, "bins": 12, "window": 0.02, "hop": 0.01, **settings}
    arguments: dict[str, Any] = LogMel.arguments(LogMelComponent(**values), {"x": (waveform(),)})
    return LogMel(**arguments).eval()


def _features(layer: LogMel, samples: Tensor) -> Tensor:
    """[T, F] of one clip."""
    features_BFT: Tensor = layer(samples.unsqueeze(0), lengths=torch.tensor([len(samples)]))
    return features_BFT[0].T


def _plain(samples: NDArray[np.float64], *, rate: int, bins: int, window: int, hop: int) -> NDArray[np.float64]:
    """The formula of the component, frame by frame with numpy's FFT."""
    num_fft = 1 << (window - 1).bit_length()
    emphasised = samples - 0.97 * np.concatenate([[0.0], samples[:-1]])
    left = (window - hop) // 2
    padded = np.concatenate([np.zeros(left), emphasised, np.zeros(window)])
    hertz = np.arange(num_fft // 2 + 1) * rate / num_fft
    mels = np.linspace(hertz_to_mel(0.0), hertz_to_mel(rate / 2), bins + 2)
    edges = [mel_to_hertz(mel) for mel in mels]
    rows = []
    for start in range(0, len(samples), hop):
        power = np.abs(np.fft.rfft(padded[start : start + window] * np.hanning(window), num_fft)) ** 2
        row = []
        for low, peak, high in zip(edges, edges[1:], edges[2:], strict=False):
            triangle = np.minimum((hertz - low) / (peak - low), (high - hertz) / (high - peak)).clip(0)
            row.append(math.log(float((triangle * 2 / (high - low)) @ power) + 2.0**-24))
        rows.append(row)
    return np.array(rows)


@pytest.mark.parametrize(("rate", "num_samples"), [(8000, 4000), (8000, 4001), (16000, 5999), (8000, 1)])
def test_features_follow_their_formula(rate: int, num_samples: int) -> None:
    samples = torch.rand(num_samples, generator=torch.Generator().manual_seed(0)) - 0.5
    layer = _layer(rate=rate, normalize="none")
    found = _features(layer, samples)
    expected = _plain(samples.double().numpy(), rate=rate, bins=12, window=rate // 50, hop=rate // 100)
    assert expected.shape == (math.ceil(num_samples / (rate // 100)), 12)
    assert tuple(found.shape) == expected.shape
    # float32 against float64, in units of the logarithm
    np.testing.assert_allclose(found.numpy(), expected, atol=2e-3)


def test_normalised_features_have_mean_0_and_deviation_1() -> None:
    samples = torch.rand(8000) - 0.5
    features_TF = _features(_layer(), samples)
    torch.testing.assert_close(features_TF.mean(0), torch.zeros(12), atol=1e-4, rtol=0)
    torch.testing.assert_close(features_TF.std(0, correction=0), torch.ones(12), atol=1e-3, rtol=0)
    together_TF = _features(_layer(normalize="global"), samples)
    assert abs(float(together_TF.mean())) < 1e-4
    assert abs(float(together_TF.std(correction=0)) - 1) < 1e-3
    assert float(together_TF.mean(0).abs().max()) > 0.1


@pytest.mark.parametrize("clip", [torch.zeros(2000), torch.full((2000,), 0.3), torch.zeros(1)], ids=["0", "dc", "one"])
def test_silence_stays_quiet(clip: Tensor) -> None:
    features_TF = _features(_layer(), clip)
    assert features_TF.isfinite().all()
    # the frames at the ends of a constant hold its steps
    assert not (features_TF[2:-2].abs() > 2.0).any()


def test_frames_of_an_empty_row_are_zero() -> None:
    features_BFT = _layer()(torch.rand(2, 400), lengths=torch.tensor([0, 400]))
    assert not features_BFT[0].any()
    assert features_BFT.isfinite().all()


def test_dither_is_noise_in_training_only() -> None:
    layer = _layer(dither=0.01, normalize="none")
    samples = torch.zeros(800)
    assert torch.equal(_features(layer, samples), _features(layer, samples))
    layer.train()
    assert not torch.equal(_features(layer, samples), _features(layer, samples))


def test_features_of_half_a_clip_are_the_clips_first_half() -> None:
    """Window and hop place frames by the clip's start alone."""
    samples = torch.rand(1600) - 0.5
    layer = _layer(normalize="none")
    torch.testing.assert_close(_features(layer, samples[:800])[:8], _features(layer, samples)[:8], atol=1e-4, rtol=1e-4)

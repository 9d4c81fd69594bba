"""Log-mel features of padded waveforms."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from ...compiler.component import Component
from ...compiler.parts.features.logmel import LogMel as LogMelComponent
from ..layers.layer import Inputs, Layer
from ..real_frames import real_frames

# Added to the power before the logarithm: above the rounding noise of the transform, so that torch and onnxruntime
# agree; ONNX optimisers take anything up to 1e-8 for zero and drop it.
POWER_FLOOR = 2.0**-24
# A row that varies less is silence: it is centred, not blown up.
DEVIATION_FLOOR = 1e-2


class LogMel(Layer):
    """Turn waveforms into log-mel features, in float32 whatever the model computes in.

    window, hop  in samples; frame t begins at sample t * hop - (window - hop) // 2
    low, high    ends of the mel bands in Hz

    One convolution cuts the frames and transforms them. Its basis and the mel filters are made from a few numbers; an
    exported file makes them in every call, because as constants they would fill the float32 part of an FP16 file
    (658 kB at 16 kHz). Here they are kept once made.
    """

    layout = "BCT"
    needs = ("lengths",)

    cosine_N: Tensor
    hann_W: Tensor
    hertz_K: Tensor
    edges_hertz: Tensor

    def __init__(
        self,
        *,
        rate: int,
        bins: int,
        window: int,
        hop: int,
        num_fft: int,
        low: float,
        high: float,
        preemphasis: float = 0.97,
        dither: float = 0.0,
        normalize: str = "per_feature",
    ) -> None:
        super().__init__()
        self.window, self.hop, self.num_fft = window, hop, num_fft
        self.preemphasis, self.dither, self.normalize = preemphasis, dither, normalize
        turns_N = torch.arange(num_fft, dtype=torch.float64) / num_fft
        self.register_buffer("cosine_N", torch.cos(2 * math.pi * turns_N).float(), persistent=False)
        self.register_buffer("hann_W", torch.hann_window(window, periodic=False), persistent=False)
        self.register_buffer("hertz_K", torch.linspace(0.0, rate / 2, num_fft // 2 + 1), persistent=False)
        self.register_buffer("edges_hertz", mel_edges(bins, low=low, high=high), persistent=False)
        self._made: tuple[Tensor, Tensor] | None = None

    @classmethod
    def arguments(cls, operation: Component, inputs: Inputs) -> dict[str, object]:
        assert isinstance(operation, LogMelComponent)
        return {
            "rate": operation.rate,
            "bins": operation.bins,
            "window": operation.window_samples,
            "hop": operation.hop_samples,
            "num_fft": operation.num_fft,
            "low": operation.low,
            "high": operation.high_hz,
            "preemphasis": operation.preemphasis,
            "dither": operation.dither,
            "normalize": operation.normalize,
        }

    def forward(self, waveform_BN: Tensor, *, lengths: Tensor) -> Tensor:
        """Give the features [B, F, T] of ceil(N / hop) frames, zero behind a row's end.

        waveform_BN  -1..1; what lies behind a row's length is never read
        lengths      int64 [B], samples
        """
        samples_BN = self._emphasise(waveform_BN.float(), lengths)
        basis_KW, mel_FK = self._tables()
        features_BFT = torch.log(mel_FK @ self._power(samples_BN, basis_KW) + POWER_FLOOR)
        num_frames_B = (lengths + (self.hop - 1)) // self.hop
        real_B1T = real_frames(num_frames_B, features_BFT.shape[2]).unsqueeze(1)
        return _normalise(features_BFT, real_B1T, by=self.normalize)

    def _emphasise(self, waveform_BN: Tensor, lengths_B: Tensor) -> Tensor:
        if self.training and self.dither > 0.0:
            waveform_BN = waveform_BN + self.dither * torch.randn_like(waveform_BN)
        # the first sample has no neighbour; the last one's neighbour is real, so padding is masked once, at the end
        shifted_BN = F.pad(waveform_BN, (1, 0))[:, :-1]
        real_BN = real_frames(lengths_B, waveform_BN.shape[1])
        return torch.where(real_BN, waveform_BN - self.preemphasis * shifted_BN, 0.0)

    def _power(self, samples_BN: Tensor, basis_KW: Tensor) -> Tensor:
        """Give the power spectrum of every frame, [B, K, T]."""
        left = (self.window - self.hop) // 2
        # this much on the right gives ceil(N / hop) frames for every N
        samples_BN = F.pad(samples_BN, (left, self.window - left - 1))
        # TF32 would bury what is 60 dB below the loudest bin
        cudnn = torch.backends.cudnn
        with cudnn.flags(
            enabled=cudnn.enabled, benchmark=cudnn.benchmark, deterministic=cudnn.deterministic, allow_tf32=False
        ):
            spectrum_BKT = F.conv1d(samples_BN.unsqueeze(1), basis_KW.unsqueeze(1), stride=self.hop)
        real_BKT, imaginary_BKT = spectrum_BKT.chunk(2, dim=1)
        return real_BKT.square() + imaginary_BKT.square()

    def _tables(self) -> tuple[Tensor, Tensor]:
        """Give the basis of the transform and the mel filters."""
        if torch.compiler.is_exporting():
            return self._basis(), mel_filterbank(self.hertz_K, self.edges_hertz)
        if self._made is None or self._made[0].device != self.cosine_N.device:
            with torch.no_grad(), torch.inference_mode(False):
                self._made = self._basis(), mel_filterbank(self.hertz_K, self.edges_hertz)
        return self._made

    def _basis(self) -> Tensor:
        """Give the windowed cosines and, below them, the negative sines: [2 K, window]."""
        sample_W = torch.arange(self.window, device=self.cosine_N.device)
        frequency_K1 = torch.arange(self.num_fft // 2 + 1, device=self.cosine_N.device).unsqueeze(1)
        turn_KW = frequency_K1 * sample_W
        quarter = self.num_fft // 4  # cos(a + pi / 2) = -sin(a)
        turn_KW = torch.cat([turn_KW, turn_KW + quarter]) % self.num_fft
        return self.cosine_N[turn_KW] * self.hann_W


def _normalise(features_BFT: Tensor, real_B1T: Tensor, *, by: str) -> Tensor:
    """Centre and scale over each row's real frames, by feature or all features together; padding becomes zero."""
    features_BFT = torch.where(real_B1T, features_BFT, 0.0)
    if by == "none":
        return features_BFT
    over = (2,) if by == "per_feature" else (1, 2)
    per_frame = 1 if by == "per_feature" else features_BFT.shape[1]
    count_B11 = real_B1T.sum(2, keepdim=True).clamp(min=1).float() * per_frame
    mean_BF1 = features_BFT.sum(over, keepdim=True) / count_B11
    centred_BFT = torch.where(real_B1T, features_BFT - mean_BF1, 0.0)
    variance_BF1 = centred_BFT.square().sum(over, keepdim=True) / count_B11
    return centred_BFT / variance_BF1.clamp(min=DEVIATION_FLOOR**2).sqrt()


def mel_filterbank(hertz_K: Tensor, edges_hertz: Tensor) -> Tensor:
    """Give Slaney's triangles of equal area, [bins, K] (Auditory Toolbox, 1998)."""
    bins = edges_hertz.shape[0] - 2
    low_F1, peak_F1, high_F1 = (edges_hertz[i : i + bins].unsqueeze(1) for i in range(3))
    rising_FK = (hertz_K - low_F1) / (peak_F1 - low_F1)
    falling_FK = (high_F1 - hertz_K) / (high_F1 - peak_F1)
    return torch.minimum(rising_FK, falling_FK).clamp(min=0.0) * (2.0 / (high_F1 - low_F1))


def mel_edges(bins: int, *, low: float, high: float) -> Tensor:
    """Give bins + 2 frequencies in Hz, evenly spaced in mel."""
    low_mel, high_mel = hertz_to_mel(low), hertz_to_mel(high)
    step_mel = (high_mel - low_mel) / (bins + 1)
    return torch.tensor([mel_to_hertz(low_mel + step_mel * i) for i in range(bins + 2)])


LINEAR_HERTZ = 1000.0  # linear below, logarithmic above
HERTZ_PER_MEL = 200.0 / 3.0
MELS_PER_LOG = 27.0 / math.log(6.4)


def hertz_to_mel(hertz: float) -> float:
    """Slaney's mel scale."""
    if hertz < LINEAR_HERTZ:
        return hertz / HERTZ_PER_MEL
    return LINEAR_HERTZ / HERTZ_PER_MEL + math.log(hertz / LINEAR_HERTZ) * MELS_PER_LOG


def mel_to_hertz(mel: float) -> float:
    """The inverse of `hertz_to_mel`."""
    if mel < LINEAR_HERTZ / HERTZ_PER_MEL:
        return mel * HERTZ_PER_MEL
    return LINEAR_HERTZ * math.exp((mel - LINEAR_HERTZ / HERTZ_PER_MEL) / MELS_PER_LOG)

"""Two speech models written by hand in plain torch: what somebody would write who has no compiler."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

import torch
from s2sc.runtime.features.logmel import LogMel
from s2sc.runtime.features.spec_augment import SpecAugment
from s2sc.runtime.layers.batch_norm import BatchNorm
from s2sc.runtime.layers.dropout import Dropout
from torch import Tensor, nn
from torch.nn import functional as F

VOCABULARY, LOGITS, BLANK = 28, 32, 27
RATE, CLIP = 3e-3, 1.0


class Conv(nn.Conv1d):
    """torch's convolution with "same" padding, in the precision of its input."""

    def __init__(self, channels_in: int, channels: int, kernel: int, *, stride: int = 1, dilation: int = 1) -> None:
        padding = (kernel - 1) * dilation // 2
        super().__init__(channels_in, channels, kernel, stride, padding, dilation, bias=False)

    def forward(self, x_BCT: Tensor) -> Tensor:
        weight = self.weight.to(x_BCT.dtype)
        return F.conv1d(x_BCT, weight, None, self.stride, self.padding, self.dilation)


class Unit(nn.Module):
    """Convolution and normalisation; masked, both see real frames only."""

    def __init__(
        self, channels_in: int, channels: int, kernel: int, *, stride: int = 1, dilation: int = 1, masked: bool
    ) -> None:
        super().__init__()
        self.conv = Conv(channels_in, channels, kernel, stride=stride, dilation=dilation)
        # statistics over real frames by the function that the compiled model uses: it is no part of the comparison
        self.norm = BatchNorm(features=channels) if masked else nn.BatchNorm1d(channels, eps=1e-3)
        self.masked = masked

    def forward(self, x_BCT: Tensor, real_B1T: Tensor) -> Tensor:
        if not self.masked:
            # nn.Module's call is not typed
            return self.norm(self.conv(x_BCT))  # type: ignore[no-any-return]
        return self.norm(self.conv(torch.where(real_B1T, x_BCT, 0.0)), mask=real_B1T)  # type: ignore[no-any-return]

    def first(self, x_BCT: Tensor, real_B1T: Tensor) -> Tensor:
        """The same on features, whose padding is zero already; the mask is that of the result."""
        h_BCT = self.conv(x_BCT)
        found: Tensor = self.norm(h_BCT, mask=real_B1T) if self.masked else self.norm(h_BCT)
        return found


def dropout(rate: float, *, masked: bool) -> nn.Module:
    """The compiled model's own dropout, which draws its own random numbers; torch's in what most people write."""
    return Dropout(rate=rate) if masked else nn.Dropout(rate)


class PlainModel(nn.Module):
    """Features, an encoder at half the frame rate, and logits.

    half  what convolutions compute in, by casts in the code; None: by torch.autocast around it, or float32
    """

    rate_hop = 80

    def __init__(self, *, half: torch.dtype | None) -> None:
        super().__init__()
        self.computes_in = half

    def forward(self, waveform_BN: Tensor, lengths_B: Tensor) -> tuple[Tensor, Tensor]:
        """Give logits [B, T, V] in float32 and their lengths."""
        frames_B = (lengths_B + self.rate_hop - 1) // self.rate_hop
        x_BCT = self.augment(self.features(waveform_BN, lengths=lengths_B), lengths=frames_B)
        logits_lengths_B = (frames_B + 1) // 2
        num_frames = (x_BCT.shape[2] + 1) // 2
        real_B1T = (torch.arange(num_frames, device=lengths_B.device) < logits_lengths_B.unsqueeze(1)).unsqueeze(1)
        if self.computes_in is not None:
            x_BCT = x_BCT.to(self.computes_in)
        h_BTC = self.encode(x_BCT, real_B1T).transpose(1, 2)
        logits_BTV = F.linear(h_BTC, self.linear.weight.to(h_BTC.dtype), self.linear.bias.to(h_BTC.dtype))
        exists_V = torch.arange(LOGITS, device=lengths_B.device) < VOCABULARY
        return torch.where(exists_V, logits_BTV, -1e4).float(), logits_lengths_B

    def encode(self, x_BCT: Tensor, real_B1T: Tensor) -> Tensor:
        raise NotImplementedError

    features: nn.Module
    augment: nn.Module
    dropout: nn.Module
    linear: nn.Linear


class Wav2Letter(PlainModel):
    """specs/wav2letter.s2s."""

    def __init__(self, *, half: torch.dtype | None, masked: bool) -> None:
        super().__init__(half=half)
        self.features = LogMel(
            rate=8000, bins=40, window=200, hop=80, num_fft=256, low=20.0, high=4000.0, preemphasis=0.0
        )
        self.augment = SpecAugment(freq_masks=1, freq_width=6, time_masks=0, time_width=50, layout="BCT")
        self.dropout = dropout(0.05, masked=masked)
        self.first = Unit(40, 128, 5, stride=2, masked=masked)
        rest = [(5, 1), (5, 1), (7, 2), (7, 2), (1, 1)]
        self.rest = nn.ModuleList(Unit(128, 128, kernel, dilation=dilation, masked=masked) for kernel, dilation in rest)
        self.linear = nn.Linear(128, LOGITS)

    def encode(self, x_BCT: Tensor, real_B1T: Tensor) -> Tensor:
        h_BCT = self._end(self.first.first(x_BCT, real_B1T))
        for unit in self.rest:
            h_BCT = h_BCT + self._end(unit(h_BCT, real_B1T))
        return h_BCT

    def _end(self, h_BCT: Tensor) -> Tensor:
        dropped: Tensor = self.dropout(torch.clamp(h_BCT, 0.0, 20.0))
        return dropped


class SpokenDigits(PlainModel):
    """specs/spoken_digits.s2s."""

    def __init__(self, *, half: torch.dtype | None, masked: bool) -> None:
        super().__init__(half=half)
        self.features = LogMel(
            rate=8000,
            bins=40,
            window=200,
            hop=80,
            num_fft=256,
            low=20.0,
            high=4000.0,
            dither=1e-5,
            normalize="global",
        )
        self.augment = SpecAugment(freq_masks=1, freq_width=6, time_masks=1, time_width=10, layout="BCT")
        self.dropout = dropout(0.1, masked=masked)
        self.first = Unit(40, 128, 5, stride=2, masked=masked)
        self.last = Unit(128, 256, 1, masked=masked)
        self.body = nn.ModuleList(
            Unit(128, 128, 5, dilation=dilation, masked=masked) for dilation in (1, 1, 2, 2, 2, 2)
        )
        self.linear = nn.Linear(256, LOGITS)

    def encode(self, x_BCT: Tensor, real_B1T: Tensor) -> Tensor:
        h_BCT = self._end(self.first.first(x_BCT, real_B1T))
        for unit in self.body:
            h_BCT = self._end(h_BCT + unit(h_BCT, real_B1T))
        return self._end(self.last(h_BCT, real_B1T))

    def _end(self, h_BCT: Tensor) -> Tensor:
        dropped: Tensor = self.dropout(torch.relu(h_BCT))
        return dropped


class PlainLoop:
    """A training loop for one of them: the shortest code that does the same as the trainer's step."""

    def __init__(self, model: PlainModel, *, autocast: torch.dtype | None, warmup: int, steps: int) -> None:
        self.model = model
        model.train()
        self.autocast = autocast
        self.warmup, self.steps, self.step = warmup, steps, 0
        parameters = list(model.parameters())
        self.optimizer = torch.optim.AdamW(
            [
                {"params": [weight for weight in parameters if weight.ndim > 1], "weight_decay": 0.01},
                {"params": [weight for weight in parameters if weight.ndim == 1], "weight_decay": 0.0},
            ],
            lr=RATE,
            betas=(0.9, 0.98),
            eps=1e-8,
            fused=True,
        )

    def start_from(self, weights: Sequence[Tensor]) -> None:
        """Take over weights in the order of the modules."""
        own = list(self.model.parameters())
        assert [weight.shape for weight in own] == [weight.shape for weight in weights]
        with torch.no_grad():
            for mine, given in zip(own, weights, strict=True):
                mine.copy_(given)

    def train_step(self, waveform_BN: Tensor, lengths_B: Tensor, text_BU: Tensor, text_lengths_B: Tensor) -> Tensor:
        """One step; gives the loss without waiting for it."""
        for group in self.optimizer.param_groups:
            group["lr"] = RATE * self.factor(self.step)
        loss = self.loss(waveform_BN, lengths_B, text_BU, text_lengths_B)
        self.optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), CLIP, foreach=True)
        self.optimizer.step()
        self.step += 1
        return loss.detach()

    def factor(self, step: int) -> float:
        """What the learning rate is multiplied by: up in a line, then down in a line."""
        return min((step + 1) / self.warmup, 1.0 - (step - self.warmup) / (self.steps - self.warmup))

    def loss(self, waveform_BN: Tensor, lengths_B: Tensor, text_BU: Tensor, text_lengths_B: Tensor) -> Tensor:
        """The mean loss of a batch."""
        context: Any = contextlib.nullcontext()
        if self.autocast is not None:
            context = torch.autocast(waveform_BN.device.type, self.autocast)
        with context:
            logits_BTV, logits_lengths_B = self.model(waveform_BN, lengths_B)
        return F.ctc_loss(
            F.log_softmax(logits_BTV, -1).transpose(0, 1),
            text_BU,
            logits_lengths_B,
            text_lengths_B,
            blank=BLANK,
            reduction="none",
            zero_infinity=True,
        ).mean()

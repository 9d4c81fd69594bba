"""Logarithmic mel spectrum of a waveform."""

from __future__ import annotations

from collections.abc import Mapping

from ....dsl.values import Plain, Quantity
from ...component import Mismatch, Window, component
from ...data_layer import AudioFeature
from ...dim import Dim
from ...part import param
from ...tensor_type import Axis, TensorType


@component("logmel", family="feature")
class LogMel(AudioFeature):
    """Logarithm of the power in mel bands, `bins` numbers every `hop` (Davis & Mermelstein 1980).

        x'[n] = x[n] - preemphasis * x[n - 1], after dither * N(0, 1) is added while training
        y[t]  = log(mel @ |FFT(hann(window) * x'[t * hop - left …])|^2 + 2^-24), left = (window - hop) // 2

    There are ceil(N / hop) frames. The filters are triangles of area 1 on Slaney's mel scale from `low` to `high`.
    "per_feature" brings each bin to mean 0 and deviation 1 over the real frames of a clip, "global" all bins together;
    a silent clip stays finite. Frames past the end are zero.
    """

    signature = "(x: seq[B,N]) => (y: seq[B,T,bins])"
    precision = "fp32"
    # It zeroes the samples past each length by itself, before it frames them.
    cleans = True

    rate: int = param(default=16000, doc="samples a second", unit="frequency", minimum=1000, maximum=192000)
    bins: int = param(default=64, doc="mel bands", unit_doc="features", minimum=1, maximum=512)
    window_: float = param(default=0.02, doc="length of a frame", unit="time", above=0, maximum=1)
    hop: float = param(default=0.01, doc="from one frame to the next", unit="time", above=0, maximum=1)
    dither: float = param(
        default=0.0, doc="deviation of noise added while training", minimum=0, maximum=1, training=True
    )
    preemphasis: float = param(default=0.97, doc="share of the last sample taken away, 0 for none", minimum=0, below=1)
    normalize: str = param(
        default="per_feature",
        doc="bring to mean 0 and deviation 1 each bin, the whole clip, or nothing",
        choices=("per_feature", "global", "none"),
    )
    low: float = param(default=0.0, doc="lower end of the mel bands", unit="frequency", minimum=0)
    high: float | None = param(
        default=None, doc="upper end of the mel bands, none for half the rate", unit="frequency", above=0
    )

    @property
    def window_samples(self) -> int:
        return round(self.window_ * self.rate)

    @property
    def hop_samples(self) -> int:
        return round(self.hop * self.rate)

    @property
    def num_fft(self) -> int:
        """The least power of two that holds a window."""
        return 1 << (self.window_samples - 1).bit_length()

    @property
    def high_hz(self) -> float:
        return self.rate / 2 if self.high is None else float(self.high)

    def facts(self) -> Mapping[str, Plain]:
        return {"bins": self.bins, "rate": Quantity(self.rate, "frequency", f"{self.rate}Hz")}

    def check_params(self) -> None:
        for name, seconds in (("window", self.window_), ("hop", self.hop)):
            samples = seconds * self.rate
            if abs(samples - round(samples)) > 1e-6 or round(samples) < 1:
                raise Mismatch(
                    "S2S309",
                    f"logmel's {name} of {seconds * 1000:g} ms is not a whole number of samples at {self.rate} Hz",
                    at=f"{samples:g} samples",
                    param=name,
                    helps=(f"{name} = {max(1, round(samples)) * 1000 / self.rate:g}ms is",),
                )
        if self.hop > self.window_:
            raise Mismatch(
                "S2S303",
                f"logmel's hop of {self.hop * 1000:g} ms is longer than its window of {self.window_ * 1000:g} ms",
                at="samples between the windows are never seen",
                param="hop",
            )
        if self.high_hz > self.rate / 2 or self.low >= self.high_hz:
            raise Mismatch(
                "S2S303",
                f"logmel's bands must lie within 0 and {self.rate / 2:g} Hz, got {self.low:g} to {self.high_hz:g} Hz",
                param="high" if self.high_hz > self.rate / 2 else "low",
            )

    def out_time(self, time: Dim) -> Dim:
        return time.ceildiv(self.hop_samples)

    def infer(self, inputs: Mapping[str, tuple[TensorType, ...]]) -> dict[str, TensorType]:
        x = inputs["x"][0]
        frames, bins = Axis("time", Dim.of("T")), Axis("features", Dim(self.bins))
        return {"y": TensorType("seq", (x.axes[0], frames, bins))}

    def macs(self, inputs: Mapping[str, tuple[tuple[int, ...], ...]], outputs: Mapping[str, tuple[int, ...]]) -> int:
        batch, time, bins = outputs["y"]
        frequencies = self.num_fft // 2 + 1
        # real and imaginary part by one convolution, then the mel bands
        return batch * time * frequencies * (2 * self.window_samples + bins)

    def window(self) -> Window:
        reach = self.window_samples
        before = (reach - self.hop_samples) // 2
        return Window(reach, self.hop_samples, before, reach - 1 - before)

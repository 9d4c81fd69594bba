"""The decode budget: what one recording may cost before it is refused."""

from __future__ import annotations

from dataclasses import dataclass

from .bad_audio import BadAudio

_DECODED_BYTES = 4  # a decoded sample is a float32


@dataclass(frozen=True)
class Budget:
    """Limits on one recording, held against its header first and against what is decoded after.

    file_bytes     size of the file, or of the archive's member
    decoded_bytes  frames * channels as float32, before mixing down and resampling
    """

    seconds: float = 120.0
    file_bytes: int = 128 * 2**20
    decoded_bytes: int = 64 * 2**20
    channels: int = 8
    lowest_rate: int = 4_000
    highest_rate: int = 192_000

    def hold_format(self, rate: int, channels: int) -> None:
        """Refuse absurd rates and channel counts."""
        if not self.lowest_rate <= rate <= self.highest_rate:
            limits = f"{self.lowest_rate} .. {self.highest_rate} Hz"
            raise BadAudio("over_budget", f"sample rate {rate} Hz is outside {limits}")
        if channels > self.channels:
            raise BadAudio("over_budget", f"{channels} channels; at most {self.channels} are read")

    def hold_frames(self, frames: int, rate: int, channels: int) -> None:
        """Refuse more frames than may be decoded."""
        if frames > self.seconds * rate:
            raise BadAudio("over_budget", f"longer than {self.seconds:g} s ({frames / rate:.1f} s)")
        if frames * channels * _DECODED_BYTES > self.decoded_bytes:
            raise BadAudio("over_budget", f"more than {self.decoded_bytes / 2**20:g} MiB when decoded")

    def hold_file(self, num_bytes: int) -> None:
        """Refuse a file that is too large to be read."""
        if num_bytes > self.file_bytes:
            raise BadAudio("over_budget", f"the file is larger than {self.file_bytes / 2**20:g} MiB")


BUDGET = Budget()

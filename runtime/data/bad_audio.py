"""Why a recording is refused."""

from __future__ import annotations

REASONS = {
    "missing_file": "there is no such file",
    "not_a_file": "a folder, pipe or device instead of a file",
    "unreadable": "the file cannot be opened",
    "outside_root": "the path leaves the data's root",
    "empty_file": "the file has no bytes",
    "not_audio": "neither WAV, FLAC nor OGG",
    "broken_header": "the header contradicts itself",
    "truncated": "the file ends before its audio does",
    "corrupt": "the audio cannot be decoded",
    "unsupported": "a coding that is not allowed",
    "zero_length": "the audio has no samples",
    "over_budget": "longer, wider or larger than may be decoded",
    "not_finite": "samples that are NaN or infinite",
    "out_of_range": "samples far outside -1 .. 1",
    "silent": "every sample is the same",
    "wrong_duration": "the manifest says another duration",
}


class BadAudio(Exception):
    """A recording that cannot be used; `reason` is a key of REASONS, `message` says what was found."""

    def __init__(self, reason: str, message: str) -> None:
        assert reason in REASONS, reason
        super().__init__(message)
        self.reason = reason
        self.message = message

    def __reduce__(self) -> tuple[type[BadAudio], tuple[str, str]]:
        return BadAudio, (self.reason, self.message)

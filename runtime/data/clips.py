"""The recordings of examples, from memory, an archive or files."""

from __future__ import annotations

from .archive import Archive
from .audio import Header, Samples, is_silent, read_audio, read_header
from .bad_audio import BadAudio
from .example import Example
from .root import Root

# How far a manifest's duration may be off before the record is taken for another recording's.
DURATION_SECONDS = 0.1
DURATION_SHARE = 0.02


class Clips:
    """Reads recordings as mono float32 samples at one rate, and remembers those it was told to keep."""

    def __init__(self, root: Root, archive: Archive | None, *, rate: int) -> None:
        self.root = root
        self.archive = archive
        self.rate = rate
        self._kept: dict[str, Samples] = {}

    def read(self, example: Example) -> Samples:
        """The samples of an example, not to be written to; raises BadAudio."""
        kept = self._kept.get(example.audio)
        return self._decode(example) if kept is None else kept

    def keep(self, example: Example) -> int:
        """Decode an example and remember its samples; returns how many there are; raises BadAudio."""
        samples = self._kept.get(example.audio)
        if samples is None:
            samples = self._decode(example)
            samples.flags.writeable = False
            self._kept[example.audio] = samples
        return len(samples)

    def header(self, example: Example) -> Header:
        """What the recording says of itself; raises BadAudio."""
        return read_header(self._bytes(example))

    @property
    def kept_bytes(self) -> int:
        """Memory held by remembered samples."""
        return sum(samples.nbytes for samples in self._kept.values())

    def _bytes(self, example: Example) -> bytes:
        reader = self.root if self.archive is None else self.archive
        return reader.read(example.audio)

    def _decode(self, example: Example) -> Samples:
        samples = read_audio(self._bytes(example), rate=self.rate)
        if is_silent(samples):
            raise BadAudio("silent", "nothing is heard: every sample is the same")
        seconds = len(samples) / self.rate
        if example.declared and example.seconds is not None:
            allowed = max(DURATION_SECONDS, DURATION_SHARE * example.seconds)
            if abs(seconds - example.seconds) > allowed:
                message = f"the manifest says {example.seconds:g} s, the recording lasts {seconds:.3g} s"
                raise BadAudio("wrong_duration", message)
        return samples

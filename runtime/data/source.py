"""Where a speech section's recordings and manifests come from: files below a root, or a ready-made corpus."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ...compiler.part import Files
from ...compiler.parts.data.speech import Speech
from ...dsl.values import SplitOf
from .corpus import CorpusError, OnProgress, made
from .place import place, variables
from .root import Root
from .tally import BadData


@dataclass(frozen=True)
class Source:
    """Files by split, and the archive's path below the root."""

    root: Root
    archive: str | None
    files: Mapping[str, Files]
    environment: Mapping[str, str]

    def origin(self, split: str) -> str:
        """The split whose manifests a split's examples stand in: its own, or the one that it is a share of."""
        files = self.files[split]
        return files.split if isinstance(files, SplitOf) else split

    def manifests(self, split: str) -> tuple[str, ...]:
        """A split's manifests, as paths below the root."""
        files = self.files.get(split)
        if files is None or isinstance(files, SplitOf):
            raise BadData("empty_split", f"a share of {split} is taken, but {split} names no files")
        return tuple(str(place(path, base=Path(), environment=self.environment)) for path in files)


def open_source(
    settings: Speech, *, base: Path, environment: Mapping[str, str], on_progress: OnProgress | None = None
) -> Source:
    """Find the root; a corpus is made if it is not there yet. Raises BadData."""
    if settings.corpus is not None:
        try:
            folder = made(settings.corpus, environment=environment, on_progress=on_progress)
        except CorpusError as error:
            raise BadData("no_corpus", str(error)) from None
        files: dict[str, Files] = {split: (f"{split}.jsonl",) for split in ("train", "valid", "test")}
        return Source(Root(folder), "audio.zip", files, environment)
    folder = place(settings.root, base=base, environment=environment)
    if not folder.is_dir():
        unset = [name for name in variables(settings.root) if not environment.get(name)]
        hint = f"; set {' and '.join(unset)} to the folder that holds the data" if unset else ""
        raise BadData("no_root", f"the data's root is not there: {folder}{hint}")
    archive = settings.archive
    given = {"train": settings.train, "valid": settings.valid, "test": settings.test}
    return Source(
        root=Root(folder),
        archive=None if archive is None else str(place(archive, base=Path(), environment=environment)),
        files={split: files for split, files in given.items() if files is not None},
        environment=environment,
    )

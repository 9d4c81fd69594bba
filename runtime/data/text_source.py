"""Where the texts of a parallel_text section come from: files below a root, or a ready-made corpus."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ...compiler.part import Pairs, PathValue
from ...compiler.parts.data.parallel_text import ParallelText
from ...dsl.values import PairOf, SplitOf
from .corpus import CorpusError, OnProgress, made
from .pairs import Files
from .place import place, variables
from .root import Root
from .tally import BadData


@dataclass(frozen=True)
class TextSource:
    """Files by split."""

    root: Root
    given: Mapping[str, Pairs]
    environment: Mapping[str, str]

    def origin(self, split: str) -> str:
        """The split whose files a split's examples stand in: its own, or the one that it is a share of."""
        files = self.given[split]
        return files.split if isinstance(files, SplitOf) else split

    def files(self, split: str) -> tuple[Files, ...]:
        """A split's files, as paths below the root."""
        given = self.given.get(split)
        if given is None or isinstance(given, SplitOf):
            raise BadData("empty_split", f"a share of {split} is taken, but {split} names no files")
        return tuple(
            (self._path(one.source), self._path(one.target)) if isinstance(one, PairOf) else self._path(one)
            for one in given
        )

    def _path(self, value: PathValue) -> str:
        return str(place(value, base=Path(), environment=self.environment))


def open_text_source(
    settings: ParallelText, *, base: Path, environment: Mapping[str, str], on_progress: OnProgress | None = None
) -> TextSource:
    """Find the root; a corpus is made if it is not there yet. Raises BadData."""
    if settings.corpus is not None:
        try:
            folder = made(settings.corpus, environment=environment, on_progress=on_progress)
        except CorpusError as error:
            raise BadData("no_corpus", str(error)) from None
        splits = ("train", "valid", "test")
        return TextSource(
            Root(folder), {split: (PairOf(f"{split}.source", f"{split}.target"),) for split in splits}, environment
        )
    folder = place(settings.root, base=base, environment=environment)
    if not folder.is_dir():
        unset = [name for name in variables(settings.root) if not environment.get(name)]
        hint = f"; set {' and '.join(unset)} to the folder that holds the data" if unset else ""
        raise BadData("no_root", f"the data's root is not there: {folder}{hint}")
    given = {"train": settings.train, "valid": settings.valid, "test": settings.test}
    return TextSource(Root(folder), {split: files for split, files in given.items() if files is not None}, environment)

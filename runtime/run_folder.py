"""What a run leaves on disk: the spec, the graph, metrics, checkpoints, the result."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..compiler.graph import CheckedGraph
from ..compiler.graph_file import GraphFileError, read_graph, write_graph
from ..dsl.escapes import visible
from ..dsl.loading import FileLoader
from ..dsl.project_root import PROJECT_FILE
from ..dsl.signature_files import SUFFIX
from .storage import Storage, StorageError, replace_file

LARGEST_SPEC = 4 * 2**20


class RunError(Exception):
    """A folder that is no run, or a run that lacks what was asked for."""


@dataclass(frozen=True)
class Run:
    """A run's folder.

    spec.s2s, graph.json, graph.map.json   what was trained
    sources/, library/                     the spec again beside all that it imports, where it imports something
    run.json                               where its data is looked for, with what it was started, when and on what
    status.json                            how it stands (see run_status)
    metrics.jsonl, tensorboard/            what was measured on the way
    samples.jsonl                          what was found for a few examples at each measurement
    checkpoints/                           states to go on from
    tokens/                                the tokenizers, where they were made from the training texts
    refused.txt                            the records that could not be used and why, if there were any
    result.json                            what came out
    """

    folder: Path

    @property
    def spec(self) -> Path:
        return self.folder / "spec.s2s"

    @property
    def metrics(self) -> Path:
        return self.folder / "metrics.jsonl"

    @property
    def samples(self) -> Path:
        return self.folder / "samples.jsonl"

    @property
    def checkpoints(self) -> Path:
        return self.folder / "checkpoints"

    @property
    def tokens(self) -> Path:
        return self.folder / "tokens"

    @property
    def tensorboard(self) -> Path:
        return self.folder / "tensorboard"

    @property
    def refused(self) -> Path:
        return self.folder / "refused.txt"

    @property
    def result(self) -> Path:
        return self.folder / "result.json"

    def begin(
        self,
        checked: CheckedGraph,
        *,
        spec_text: str,
        base: Path,
        started_with: Mapping[str, Any],
        texts: Mapping[str, str] | None = None,
    ) -> None:
        """Write down what is trained.

        base          the folder that relative data paths start from
        started_with  profile, overrides, device … as they were given
        texts         the spec with what it imports, by paths below the run's folder (see `texts_of`)
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            Storage().sync_folder(self.folder.parent)
            replace_file(self.spec, spec_text.encode())
            for path, text in (texts or {}).items():
                file = self.folder / path
                assert file.resolve().is_relative_to(self.folder.resolve()), f"{path} leads out of the run"
                file.parent.mkdir(parents=True, exist_ok=True)
                replace_file(file, text.encode())
            record = {"base": str(base.resolve()), **started_with}
            replace_file(self.folder / "run.json", json.dumps(record, indent=2, sort_keys=True).encode())
            # the last one: a folder with graph.json is a run
            write_graph(checked, self.folder)
        except OSError as error:
            raise StorageError(f"cannot write the run {self.folder}", error) from error

    @contextmanager
    def held(self) -> Iterator[None]:
        """Train alone: RunError while another process holds the run. It is let go however its process ends."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            file = (self.folder / ".lock").open("a")
        except OSError as error:
            raise StorageError(f"cannot write the run {self.folder}", error) from error
        with file:
            try:
                # of this kind, since workers do not inherit it
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except (BlockingIOError, PermissionError):
                raise RunError(f"{self.folder} is being trained by another process") from None
            except OSError as error:
                # a file system may have no locks at all
                if error.errno not in (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP):
                    raise StorageError(f"cannot lock the run {self.folder}", error) from error
            yield

    def write_refused(self, problems: Iterable[object]) -> None:
        """Name every bad record in refused.txt; no file where there is none."""
        lines = "".join(f"{visible(str(problem))}\n" for problem in problems)
        if lines:
            replace_file(self.refused, lines.encode("utf-8", "backslashreplace"))
        else:
            self.refused.unlink(missing_ok=True)

    def graph(self) -> CheckedGraph:
        """The trained graph, checked again."""
        try:
            return read_graph(self.folder / "graph.json")
        except GraphFileError as bad:
            raise GraphFileError(f"{bad}; put back the one that training began with, or train anew") from None

    def base(self) -> Path:
        """The folder that relative data paths start from."""
        try:
            record = json.loads((self.folder / "run.json").read_bytes()[:LARGEST_SPEC])
            return Path(record["base"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise RunError(f"{self.folder / 'run.json'} cannot be read ({error})") from None

    def write_result(self, result: Mapping[str, Any]) -> None:
        """Write result.json."""
        replace_file(self.result, json.dumps(result, indent=2, sort_keys=True, allow_nan=False).encode() + b"\n")


def texts_of(loader: FileLoader, spec: Path) -> dict[str, str]:
    """A spec and its imports, by paths below a run's folder at which they find each other; none without imports."""
    imported = list(loader.places)
    if not imported:
        return {}
    own = Path(os.path.realpath(spec.parent), spec.name).relative_to(loader.root)
    found = {str(Path("sources") / own): loader.sources[0].text}
    packages = sorted({path.partition("/")[0] for _, path, _ in imported if path.endswith(SUFFIX)})
    if len(own.parts) > 1 or packages:
        # what says where the project starts, and lets its packages be described; runs ask another one
        line = ", ".join(f'"{name}"' for name in packages)
        found[f"sources/{PROJECT_FILE}"] = f"[plugins]\nallow = [{line}]\n" if packages else ""
    for source, path, from_library in imported:
        found[str(Path("library" if from_library else "sources") / path)] = source.text
    return found


def new_run(parent: Path, name: str) -> Run:
    """Make the next numbered folder, runs/<name>/<n>, and let runs/<name>/latest point to it."""
    folder = parent / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        while True:
            number = max((int(path.name) for path in folder.iterdir() if path.name.isdigit()), default=0) + 1
            try:
                (folder / str(number)).mkdir()
                break
            except FileExistsError:
                continue
        _point(folder / "latest", str(number))
    except OSError as error:
        raise StorageError(f"cannot make a folder for the run in {folder}", error) from error
    return Run(folder / str(number))


def open_run(folder: Path) -> Run:
    """An existing run; RunError if the folder is none."""
    if not folder.is_dir():
        raise RunError(f"there is no run at {folder}")
    if not (folder / "graph.json").is_file():
        inside = folder / "latest"
        if (inside / "graph.json").is_file():
            return Run(inside.resolve())
        raise RunError(f"{folder} is not a run: it has no graph.json")
    return Run(folder)


def newest_run(parent: Path, name: str = "*") -> Run:
    """The run below `parent` that was last started (of one spec's name); RunError if there is none."""
    graphs = sorted(parent.glob(f"{name}/*/graph.json"), key=lambda path: path.stat().st_mtime)
    if not graphs:
        raise RunError(f"there is no run below {parent}/: train one with s2sc compile SPEC --train")
    return Run(graphs[-1].parent.resolve())


def safe_name(name: str) -> str:
    """A spec's name as the name of a folder."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", name).strip(".") or "spec"


def _point(link: Path, target: str) -> None:
    temporary = link.with_name(f".{link.name}.{os.getpid()}.tmp")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(target)
    os.replace(temporary, link)

"""A first spec for a task: for the data in a folder, or for data that is made on first use."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..dsl.diagnostics import Findings
from ..dsl.parser import parse
from ..dsl.source import Source
from ..dsl.syntax import Section

TASKS = ("speech", "translation")
SPLITS = ("train", "valid", "test")
_FOLDER = Path(__file__).parent.parent / "specs" / "start"
# names of splits in folders of data as they are found
_SYNONYMS = {"valid": ("valid", "val", "dev"), "test": ("test",), "train": ("train",)}
_ENDS = (".tsv", ".tsv.gz", ".jsonl", ".jsonl.gz")
# how much of a training file is read to choose an alphabet or a vocabulary
_LINES = 100_000
_LINE_CHARACTERS = 100_000


class NoData(Exception):
    """A folder does not hold what a spec needs."""


@dataclass(frozen=True)
class Starter:
    """A spec's text, and in words where its data comes from."""

    text: str
    data: str


def starter(task: str, folder: Path | None = None, *, base: Path | None = None, source: str | None = None) -> Starter:
    """A spec for a task.

    folder  holds train and valid, maybe test: manifests (`train.jsonl`) for speech; two files (`train.en`, `train.de`),
            or one of pairs (`train.tsv`, `train.jsonl`) for translation. None: data that is made on first use
    base    the folder that the spec will be in
    source  of two files, the language that is read: `en` of train.en and train.de; None: the first by name

    Raises NoData, which names what is missing.
    """
    text = (_FOLDER / f"{task}.s2s").read_text(encoding="utf-8")
    if folder is None:
        return Starter(text, "made on first use")
    root = _root(folder, base or Path())
    found = _speech(folder, root) if task == "speech" else _translation(folder, root, source)
    return Starter(_adapted(text, found), found.data)


@dataclass(frozen=True)
class _Found:
    """What a folder makes of the spec.

    sections   what replaces a top-level statement that begins with these words
    about      lines of the header
    data       in words, what the data is
    """

    sections: dict[str, str]
    about: dict[str, str]
    data: str


def _adapted(text: str, found: _Found) -> str:
    """The spec with its data section, what belongs to it and its header replaced."""
    source = Source("starter.s2s", text)
    document = parse(source, Findings())
    for statement in reversed(document.statements):
        words = statement.span.text.split()
        key = words[0] if isinstance(statement, Section) else " ".join(words[:2])
        if key in found.sections:
            text = text[: statement.span.start] + found.sections[key] + text[statement.span.end :]
    lines = text.split("\n")
    for number, line in enumerate(lines):
        word = line[2:].partition(" ")[0] if line.startswith("# ") else ""
        if word in found.about:
            lines[number] = f"# {word:<9} {found.about[word]}"
    return "\n".join(lines)


def _root(folder: Path, base: Path) -> str:
    """The folder as the spec names it."""
    absolute, start = folder.resolve(), base.resolve()
    if absolute == start:
        return "."
    if absolute.is_relative_to(start):
        return absolute.relative_to(start).as_posix()
    return absolute.as_posix()


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


# ---------------------------------------------------------------- speech


def _speech(folder: Path, root: str) -> _Found:
    splits = {split: name for split in SPLITS if (name := _one_file(folder, split, (".jsonl",)))}
    if "train" not in splits:
        raise NoData(
            f"{folder} holds no train.jsonl: one JSON object a line, "
            '{"audio": "clips/1.wav", "text": "what was said"}, with paths relative to the folder'
        )
    letters = _letters(folder / splits["train"])
    lines = [f"  root  = {_quoted(root)}"] if root != "." else []
    lines += ["  audio = logmel(rate = 16kHz, bins = 64)", "  text  = letters"]
    lines += _split_lines({split: _quoted(name) for split, name in splits.items()})
    lines.append("  keep  = 0.2s .. 15s")
    return _Found(
        {"let letters": f"let letters = alphabet({_quoted(letters)})", "data": _section("speech", lines)},
        _about(f"manifests in {root}"),
        f"from {folder / splits['train']}",
    )


def _letters(manifest: Path) -> str:
    """Every character of the training texts in the order of Unicode, the space among them."""
    seen: set[str] = set()
    for number, line in enumerate(_lines(manifest), 1):
        try:
            text = json.loads(line)["text"] if line.strip() else ""
        except (ValueError, KeyError, TypeError, RecursionError):
            raise NoData(f"{manifest}:{number}: not a JSON object with `text`") from None
        if not isinstance(text, str):
            raise NoData(f"{manifest}:{number}: `text` is no string")
        # as `alphabet` reads texts
        seen.update(text.lower())
    letters = "".join(sorted(letter for letter in seen if letter.isprintable()))
    if not letters.strip():
        raise NoData(f"{manifest} holds no text")
    return letters if len(letters) <= 1000 else letters[:1000]


# ---------------------------------------------------------------- translation


def _translation(folder: Path, root: str, source: str | None) -> _Found:
    single = {split: name for split in SPLITS if (name := _one_file(folder, split, _ENDS))}
    if "train" in single:
        splits = {split: _quoted(name) for split, name in single.items()}
        first = folder / single["train"]
        direction = f"the first text of a line of {single['train']} into the second"
    else:
        pairs = _pairs(folder, source)
        splits = {split: f"pair({_quoted(one)}, {_quoted(other)})" for split, (one, other) in pairs.items()}
        first = folder / pairs["train"][0]
        direction = " into ".join(pairs["train"])
    num_lines = sum(1 for _ in _lines(first))
    # a piece that is seen a few times only teaches nothing; a multiple of 8 suits matrix units
    size = max(200, min(8000, num_lines // 4 // 8 * 8))
    lines = [f"  root   = {_quoted(root)}"] if root != "." else []
    lines += [f'  tokens = sentencepiece(size = {size}, kind = "bpe", joint = true)', *_split_lines(splits, width=6)]
    lines.append("  keep   = 1 .. 80 tokens")
    return _Found(
        {"data": _section("parallel_text", lines)},
        _about(f"pairs of sentences in {root}"),
        f"from {folder}, {direction}",
    )


def _pairs(folder: Path, source: str | None) -> dict[str, tuple[str, str]]:
    """The two files of each split, the source first."""
    found: dict[str, tuple[str, str]] = {}
    ends: tuple[str, str] | None = None
    for split in SPLITS:
        for stem in _SYNONYMS[split]:
            names = sorted(name for name in _names(folder) if name.startswith(f"{stem}.") and name.count(".") <= 2)
            names = [name for name in names if ends is None or name.removeprefix(stem) in ends]
            # the language that is asked for first, else by name
            names.sort(key=lambda name: (name.removesuffix(".gz").rpartition(".")[2] != source, name))
            if len(names) == 2:
                found[split] = (names[0], names[1])
                ends = ends or (names[0].removeprefix(stem), names[1].removeprefix(stem))
                break
    if "train" not in found:
        raise NoData(
            f"{folder} holds neither a pair of files train.XX and train.YY (a sentence a line, for example "
            "train.en and train.de), nor train.tsv (source, tab, target), nor train.jsonl"
        )
    languages = [name.removesuffix(".gz").rpartition(".")[2] for name in found["train"]]
    if source is not None and source not in languages:
        raise NoData(f"{folder} has texts in {' and '.join(languages)}, none in {source}")
    return found


# ---------------------------------------------------------------- both


def _about(data: str) -> dict[str, str]:
    return {"data": data, "time": "depends on the data", "expected": "not measured yet"}


def _section(label: str, lines: list[str]) -> str:
    return "\n".join([f"data {label} {{", *lines, "}"])


def _split_lines(splits: dict[str, str], width: int = 5) -> list[str]:
    made = dict(splits)
    made.setdefault("valid", "split(train, 5%)")
    return [f"  {split:<{width}} = {made[split]}" for split in SPLITS if split in made]


def _names(folder: Path) -> list[str]:
    try:
        return sorted(entry.name for entry in folder.iterdir() if entry.is_file())
    except OSError as error:
        raise NoData(f"{folder} cannot be read: {error.strerror or error}") from None


def _one_file(folder: Path, split: str, ends: tuple[str, ...]) -> str | None:
    names = _names(folder)
    wanted = (f"{stem}{end}" for stem in _SYNONYMS[split] for end in ends)
    return next((name for name in wanted if name in names), None)


def _lines(path: Path) -> Iterator[str]:
    try:
        open_text = gzip.open if path.suffix == ".gz" else open
        with open_text(path, "rt", encoding="utf-8") as file:
            for _ in range(_LINES):
                line = file.readline(_LINE_CHARACTERS)
                if not line:
                    return
                yield line
    except UnicodeDecodeError:
        raise NoData(f"{path} is not UTF-8 text") from None
    except (OSError, EOFError, zlib.error) as error:
        raise NoData(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from None

"""What a benchmark hands over: a table on the terminal, JSON, or a file in benchmarks/results."""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import json
import os
import platform
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parent
RESULTS = HERE / "results"
_PACKAGES = (
    "torch",
    "numpy",
    "onnxruntime",
    "onnx",
    "lark",
    "networkx",
    "jsonschema",
    "lightning",
    "joeynmt",
    "transformers",
)


@dataclass
class Report:
    """Figures of one theme.

    theme    begins the name of the result's file
    method   how it was measured, for a reader who wants to do it again
    columns, rows   the table
    figures  the same for programs, unrounded
    notes    what a reader must know before he believes the figures
    more     further pieces of Markdown
    """

    theme: str
    title: str
    method: str
    columns: Sequence[str]
    rows: list[Sequence[str]] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    more: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        return {"theme": self.theme, "figures": self.figures, "notes": self.notes, **circumstances()}

    def to_markdown(self) -> str:
        found = circumstances()
        versions = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
        lines = [
            f"# {self.title}",
            "",
            f"- command: `{found['command']}`",
            f"- commit: {found['commit']}",
            f"- date: {found['date']}",
            f"- hardware: {found['hardware']}",
            f"- load when it began: {found['load']}",
            f"- versions: {versions}",
            "",
            self.method,
            "",
            *table(self.columns, self.rows),
        ]
        lines += [line for note in self.notes for line in ("", note)]
        lines += [line for piece in self.more for line in ("", piece)]
        return "\n".join(lines) + "\n"


def options_of(description: str) -> argparse.ArgumentParser:
    """A parser with what all benchmarks take."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--short", action="store_true", help="a quick look: fewer cases and repeats, no result file")
    parser.add_argument("--json", action="store_true", help="figures as JSON on stdout instead of a table")
    parser.add_argument("--results", type=Path, metavar="DIR", help=f"result file here; full runs: {RESULTS.name}/")
    return parser


def hand_over(report: Report, options: argparse.Namespace) -> None:
    """Print a report, and keep it where a full run or --results asks for that."""
    if options.json:
        print(json.dumps(report.to_json(), indent=2))
    else:
        print("\n".join([report.title, "", *table(report.columns, report.rows), *report.notes]))
    folder: Path | None = options.results or (None if options.short else RESULTS)
    if folder is not None:
        path = result_path(folder, report.theme)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(report.to_markdown(), encoding="utf-8")
        say(f"wrote {path}")


def result_path(folder: Path, theme: str, suffix: str = ".md") -> Path:
    """`results/peers_2_cores_amd_epyc_2026-01-31.md`."""
    return folder / f"{theme}_{_slug(hardware_name())}_{datetime.date.today().isoformat()}{suffix}"


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A Markdown table that reads well as text."""
    widths = [max(len(row[place]) for row in (columns, *rows)) for place in range(len(columns))]

    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + " |"

    return [line(columns), "|" + "|".join("-" * (width + 2) for width in widths) + "|", *map(line, rows)]


def say(message: str) -> None:
    """Progress goes to stderr: stdout is for figures."""
    print(message, file=sys.stderr, flush=True)


def circumstances() -> dict[str, Any]:
    """Where and with what something was measured."""
    return {
        "command": _command(),
        "commit": commit(),
        "date": datetime.date.today().isoformat(),
        "hardware": hardware_name(),
        "load": _LOAD,
        "versions": versions(),
    }


def _command() -> str:
    """How to type it again; folders of this machine are left out."""
    words = [f"{name}={os.environ[name]}" for name in ("OMP_NUM_THREADS",) if name in os.environ]
    words += ["S2SC_DATA=…"] if os.environ.get("S2SC_DATA") else []
    given = ["…" if word.startswith("/") else shlex.quote(word) for word in sys.argv[1:]]
    return " ".join([*words, "python", f"benchmarks/{Path(sys.argv[0]).name}", *given])


def commit() -> str:
    """The checkout's commit, and whether files differ from it."""
    try:
        found = _git("rev-parse", "--short=12", "HEAD")
        return found + (" with changes" if _git("status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def hardware_name() -> str:
    """`2 cores AMD EPYC`, with the GPU where one is used."""
    cores = len(os.sched_getaffinity(0))
    name = f"{cores} cores {_processor()}"
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        name += f", {torch.cuda.get_device_name()}"
    return name


def versions() -> Mapping[str, str]:
    """Of Python and of the packages that decide about speed."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.machine()
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return found[1].strip() if found else platform.machine()


def _load_now() -> str:
    try:
        return ", ".join(f"{value:.2f}" for value in os.getloadavg())
    except OSError:
        return "unknown"


_LOAD = _load_now()


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")

"""How training shows what it does: a live display on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol, TextIO

from ..compiler.graph import Graph
from ..dsl.values import Quantity
from .extras import extra

with extra("train", "training"):
    from rich.console import Console
    from rich.live import Live
    from rich.table import Table
    from rich.text import Text

Pairs = Sequence[tuple[str, str, str]]
SHOWN_PAIRS = 2
LONGEST_BAR = 32
SHORTEST_BAR = 8


class Progress(Protocol):
    """What training says while it runs.

    advance  after every step; train: what goes into metrics.jsonl
    """

    def start(self, *, steps: int, step: int, stop: Quantity) -> None: ...
    def advance(self, record: Mapping[str, Any]) -> None: ...
    def train(self, record: Mapping[str, Any]) -> None: ...
    def evaluation(self, record: Mapping[str, Any], pairs: Pairs) -> None: ...
    def result(self, split: str, figures: Mapping[str, Any], pairs: Pairs) -> None: ...
    def preparing(self, what: str, done: int, total: int) -> None: ...
    def say(self, message: str) -> None: ...
    def warn(self, message: str) -> None: ...
    def finish(self) -> None: ...


def words_for(graph: Graph) -> tuple[str, str]:
    """What a reference and what a model found are called: a translation is wanted, speech is said."""
    return ("wanted", "found") if graph.steps else ("said", "heard")


def progress_for(stream: TextIO | None = None, *, words: tuple[str, str] = ("said", "heard")) -> Progress:
    """The live display where the stream is a terminal, plain lines otherwise."""
    stream = stream or sys.stderr
    console = Console(file=stream, highlight=False)
    can_move = console.is_terminal and not console.is_dumb_terminal
    return LiveProgress(console, words) if can_move else PlainProgress(stream)


class PlainProgress:
    """One line for each thing worth knowing."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._prepared = ""

    def start(self, *, steps: int, step: int, stop: Quantity) -> None:
        counted = f"until {stop.text} ({steps} steps)" if stop.family == "epochs" else f"for {stop.text}"
        self._write(f"training {counted}")

    def advance(self, record: Mapping[str, Any]) -> None: ...

    def train(self, record: Mapping[str, Any]) -> None:
        self._write(train_line(record))

    def evaluation(self, record: Mapping[str, Any], pairs: Pairs) -> None:
        self._write(f"step {record['step']}  valid  {figures_line(record)}")

    def result(self, split: str, figures: Mapping[str, Any], pairs: Pairs) -> None:
        self._write(f"{split}  {figures_line(figures)}")

    def preparing(self, what: str, done: int, total: int) -> None:
        if what != self._prepared or done >= total:
            self._prepared = what
            self._write(f"{what}: {done} of {total}")

    def say(self, message: str) -> None:
        self._write(message)

    def warn(self, message: str) -> None:
        self._write(f"warning: {message}")

    def finish(self) -> None: ...

    def _write(self, line: str) -> None:
        # that nobody reads the lines any more is no reason to stop a training
        with suppress(OSError):
            self._stream.write(line + "\n")
            self._stream.flush()


class LiveProgress:
    """One line at the bottom that is kept up to date; above it, what should stay."""

    def __init__(self, console: Console, words: tuple[str, str] = ("said", "heard")) -> None:
        self._console = console
        self._words = words
        self._live: Live | None = None
        self._line = Line("", 0.0)
        self._steps = 0
        self._stop: Quantity | None = None
        self._first: Mapping[str, Any] | None = None

    def start(self, *, steps: int, step: int, stop: Quantity) -> None:
        self._steps, self._stop, self._first = steps, stop, None
        words = f"step {step}" if stop.family == "time" else f"step {step}/{steps}"
        self._show(Line(words, 0.0 if stop.family == "time" else step / max(steps, 1)))

    def advance(self, record: Mapping[str, Any]) -> None:
        if self._live is not None and self._stop is not None:
            self._first = self._first or record
            self._line = training(record, self._first, steps=self._steps, stop=self._stop)

    def train(self, record: Mapping[str, Any]) -> None: ...

    def evaluation(self, record: Mapping[str, Any], pairs: Pairs) -> None:
        self._console.print(Text(f"step {record['step']:>6}  valid  {figures_line(record)}", style="cyan"))
        for _, reference, hypothesis in pairs[:SHOWN_PAIRS]:
            for word, text in zip(self._words, (reference, hypothesis), strict=True):
                line = Text(f"             {word:<6}  {text}", style="dim", no_wrap=True, overflow="ellipsis")
                self._console.print(line)

    def result(self, split: str, figures: Mapping[str, Any], pairs: Pairs) -> None:
        self._close()
        self._console.print(Text(f"{split}  {figures_line(figures)}", style="bold"))
        if not pairs:
            return
        table = Table(show_edge=False)
        for word in self._words:
            table.add_column(word)
        for _, reference, hypothesis in pairs[:: max(1, len(pairs) // 5)][:5]:
            table.add_row(Text(reference), Text(hypothesis, style="" if reference == hypothesis else "red"))
        self._console.print(table)

    def preparing(self, what: str, done: int, total: int) -> None:
        self._show(Line(what, done / max(total, 1), (f"{done} of {total}",)))
        if done >= total:
            self._close()

    def say(self, message: str) -> None:
        self._console.print(Text(message))

    def warn(self, message: str) -> None:
        self._console.print(Text("warning: ", style="yellow") + Text(message))

    def finish(self) -> None:
        self._close()

    def _show(self, line: Line) -> None:
        self._line = line
        if self._live is None:
            # what is printed as data meanwhile is no part of the display
            self._live = Live(
                get_renderable=lambda: self._line.fitted(self._console.width),
                console=self._console,
                redirect_stdout=False,
                transient=True,
            )
            self._live.start()

    def _close(self) -> None:
        if self._live is not None:
            self._live.stop()
        self._live = None


@dataclass(frozen=True)
class Line:
    """A bar with words around it.

    share    how much of it is done, 0 .. 1
    figures  what stands behind the bar, the most important first: a narrow terminal shows fewer
    """

    words: str
    share: float
    figures: tuple[str, ...] = ()

    def fitted(self, width: int) -> Text:
        """The line as wide as the terminal, or less."""
        figures = list(self.figures)
        while figures and len(self.words) + SHORTEST_BAR + 9 + sum(len(figure) + 2 for figure in figures) > width:
            figures.pop()
        rest = "".join(f"  {figure}" for figure in figures)
        bar = max(0, min(LONGEST_BAR, width - len(self.words) - len(rest) - 9))
        done = round(bar * min(max(self.share, 0.0), 1.0))
        percent = f" {100 * min(max(self.share, 0.0), 1.0):>3.0f} %"
        return Text.assemble(
            f"{self.words} ", ("━" * done, "green"), ("━" * (bar - done), "bright_black"), percent, rest, no_wrap=True
        )


def training(record: Mapping[str, Any], first: Mapping[str, Any], *, steps: int, stop: Quantity) -> Line:
    """Where training stands: step, share, loss, time left, speed, learning rate.

    first  the record from which on speed is reckoned: the first one of this session
    """
    step, seconds = record["step"], record["seconds"]
    if stop.family == "time":
        words, share, left = f"step {step}", seconds / stop.amount, stop.amount - seconds
    else:
        words, share = f"step {step:>{len(str(steps))}}/{steps}", step / max(steps, 1)
        made, spent = step - first["step"], seconds - first["seconds"]
        left = (steps - step) * spent / made if made else None
    figures = [f"loss {record['loss']:.3f}"]
    if left is not None:
        figures.append(f"{clock(max(left, 0))} left")
    figures += [f"{record['examples_per_second']:.0f} examples/s", f"lr {record['lr']:.1e}"]
    if "loss_scale" in record:
        figures.append(f"scale {record['loss_scale']:.0f}")
    return Line(words, share, tuple(figures))


def train_line(record: Mapping[str, Any]) -> str:
    """A training record as one line."""
    speed = f"{record['examples_per_second']:.0f} examples/s"
    figures = f"loss {record['loss']:.4f}  lr {record['lr']:.3g}  {speed}"
    return f"step {record['step']}  {figures}  {clock(record['seconds'])}"


def figures_line(figures: Mapping[str, Any]) -> str:
    """Metrics as one line: rates in percent."""
    words = []
    for name, value in figures.items():
        if name in ("step", "split") or isinstance(value, str):
            continue
        if name == "examples":
            words.append(f"{value} examples")
        elif value is None:
            words.append(f"{name} –")
        else:
            words.append(f"{name} {100 * value:.2f} %" if name in _RATES else f"{name} {value:.3f}")
    return "  ".join(words)


_RATES = ("wer", "cer")


def clock(seconds: float) -> str:
    """1:02:03 or 2:03."""
    whole = int(seconds)
    hours, minutes = whole // 3600, whole // 60 % 60
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"

"""How training shows what it does: a live display on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TextIO

from ..dsl.values import Quantity
from .extras import extra

with extra("train", "training"):
    from rich.console import Console
    from rich.progress import BarColumn, TaskID, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar
    from rich.table import Table
    from rich.text import Text

Pairs = Sequence[tuple[str, str, str]]
SHOWN_PAIRS = 2


class Progress(Protocol):
    """What training says while it runs."""

    def start(self, *, steps: int, step: int, stop: Quantity) -> None: ...
    def advance(self, *, step: int, elapsed: float) -> None: ...
    def train(self, record: Mapping[str, Any]) -> None: ...
    def evaluation(self, record: Mapping[str, Any], pairs: Pairs) -> None: ...
    def result(self, split: str, figures: Mapping[str, Any], pairs: Pairs) -> None: ...
    def preparing(self, what: str, done: int, total: int) -> None: ...
    def say(self, message: str) -> None: ...
    def warn(self, message: str) -> None: ...
    def finish(self) -> None: ...


def progress_for(stream: TextIO | None = None) -> Progress:
    """The live display where the stream is a terminal, plain lines otherwise."""
    stream = stream or sys.stderr
    console = Console(file=stream, highlight=False)
    return LiveProgress(console) if console.is_terminal else PlainProgress(stream)


class PlainProgress:
    """One line for each thing worth knowing."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._steps = 0
        self._prepared = ""

    def start(self, *, steps: int, step: int, stop: Quantity) -> None:
        self._steps = steps
        self._write(
            f"training until {stop.text} ({steps} steps)" if stop.family != "time" else f"training for {stop.text}"
        )

    def advance(self, *, step: int, elapsed: float) -> None: ...

    def train(self, record: Mapping[str, Any]) -> None:
        self._write(train_line(record, self._steps))

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
        self._stream.write(line + "\n")
        self._stream.flush()


class LiveProgress:
    """A bar with step, loss, learning rate, speed and time left; lines above it for what should stay."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar: Bar | None = None
        self._task: TaskID | None = None
        self._stop: Quantity | None = None
        self._first = 0
        self._first_elapsed: float | None = None

    def start(self, *, steps: int, step: int, stop: Quantity) -> None:
        self._close()
        self._bar = Bar(
            TextColumn("step {task.completed:>6.0f}" if stop.family != "time" else "{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.percentage:>3.0f} %"),
            TextColumn("{task.fields[figures]}"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]}"),
            console=self._console,
        )
        self._stop, self._first = stop, step
        total = float(stop.amount) if stop.family == "time" else float(steps)
        self._task = self._bar.add_task("training", total=total, completed=step, figures="", left="")
        self._bar.start()

    def advance(self, *, step: int, elapsed: float) -> None:
        if self._bar is None or self._task is None or self._stop is None:
            return
        if self._first_elapsed is None:
            self._first_elapsed, self._first = elapsed, step
        by_time = self._stop.family == "time"
        done = elapsed if by_time else float(step)
        total = self._bar.tasks[0].total or 0.0
        spent, made = elapsed - self._first_elapsed, step - self._first
        left = total - elapsed if by_time else (total - step) * spent / made if made else None
        words = "" if left is None else f"{clock(max(left, 0))} left"
        self._bar.update(self._task, completed=done, left=words, description=f"step {step:>6}")

    def train(self, record: Mapping[str, Any]) -> None:
        if self._bar is not None and self._task is not None:
            speed = record["examples_per_second"]
            loss = "–" if record["loss"] is None else f"{record['loss']:.3f}"
            figures = f"loss {loss}  lr {record['lr']:.2e}  {speed:.0f} examples/s"
            if "loss_scale" in record:
                figures += f"  scale {record['loss_scale']:.0f}"
            self._bar.update(self._task, figures=figures)

    def evaluation(self, record: Mapping[str, Any], pairs: Pairs) -> None:
        self._console.print(Text(f"step {record['step']:>6}  valid  {figures_line(record)}", style="cyan"))
        for _, reference, hypothesis in pairs[:SHOWN_PAIRS]:
            self._console.print(Text(f"             said   {reference}", style="dim"))
            self._console.print(Text(f"             heard  {hypothesis}", style="dim"))

    def result(self, split: str, figures: Mapping[str, Any], pairs: Pairs) -> None:
        self._close()
        table = Table(title=f"{split}: {figures_line(figures)}", title_justify="left", show_edge=False)
        table.add_column("said")
        table.add_column("heard")
        for _, reference, hypothesis in pairs[:: max(1, len(pairs) // 5)][:5]:
            style = "" if reference == hypothesis else "red"
            table.add_row(Text(reference), Text(hypothesis, style=style))
        self._console.print(table)

    def preparing(self, what: str, done: int, total: int) -> None:
        if self._bar is None:
            self._bar = Bar(console=self._console, transient=True)
            self._task = self._bar.add_task(what, total=total)
            self._bar.start()
        assert self._task is not None
        self._bar.update(self._task, description=what, total=total, completed=done)
        if done >= total:
            self._close()

    def say(self, message: str) -> None:
        self._console.print(Text(message))

    def warn(self, message: str) -> None:
        self._console.print(Text("warning: ", style="yellow") + Text(message))

    def finish(self) -> None:
        self._close()

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.stop()
        self._bar = None
        self._task = None


def train_line(record: Mapping[str, Any], steps: int) -> str:
    """A training record as one line."""
    loss = "not finite" if record["loss"] is None else f"{record['loss']:.4f}"
    speed = f"{record['examples_per_second']:.0f} examples/s"
    return f"step {record['step']}/{steps}  loss {loss}  lr {record['lr']:.3g}  {speed}  {clock(record['seconds'])}"


def figures_line(figures: Mapping[str, Any]) -> str:
    """Metrics as one line: rates in percent."""
    words = []
    for name, value in figures.items():
        if name in ("step", "split"):
            continue
        if name == "examples":
            words.append(f"{value} examples")
        elif value is None:
            words.append(f"{name} –")
        else:
            words.append(f"{name} {value:.3f}" if name == "loss" else f"{name} {100 * value:.2f} %")
    return "  ".join(words)


def clock(seconds: float) -> str:
    """1:02:03 or 2:03."""
    whole = int(seconds)
    hours, minutes = whole // 3600, whole // 60 % 60
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"

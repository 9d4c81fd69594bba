"""How long `s2sc lint` takes: one file in a fresh process, many files and a long file in one."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from s2sc.benchmarks.report import CHECKOUT, Report, hand_over, options_of, say
from s2sc.benchmarks.spread import spread

if TYPE_CHECKING:
    from s2sc.compiler.lint.linter import Linter

SPEC = "specs/wav2letter.s2s"
TARGETS = {"cold": 0.4, "many": 6.0, "long": 1.0}
MOST_MIB = 200
FILES, LINES, LONG_LINES, BLOCKS = 200, 100, 2500, 20

METHOD = f"""Cold: `s2sc lint {SPEC}` as a process of its own, in turn with `python -c pass`, after one run of each that
does not count (byte code and file cache are warm, as for anybody who lints a second time). Wall time is from before the
start to after the end; CPU is the child's own user and system time from `wait4`. In one process: {FILES} files of
{LINES} lines each, as many that import one file of {BLOCKS} blocks, and one file of {LONG_LINES:,} lines, generated,
by the linter that the command line uses. Every file is another one: nothing is remembered between them but grammar,
catalogue and what they import. Memory is the most that a process that lints the {FILES} files had, with Python itself.
Median with the middle half."""


def main() -> None:
    """Measure and hand over."""
    parser = options_of(__doc__)
    parser.add_argument("--runs", type=int, help="cold runs; default 20, short 5")
    options = parser.parse_args()
    runs = options.runs or (5 if options.short else 20)
    report = Report("lint", "Time to lint", METHOD, ("what", "wall", "CPU time", "target"))
    cold(report, runs=runs)
    files = FILES // 10 if options.short else FILES
    many(report, files=files)
    many(report, files=files, shared=True)
    memory(report, files=files)
    long(report, repeats=1 if options.short else 5)
    imports(report)
    report.figures["targets_seconds"] = TARGETS
    hand_over(report, options)


def cold(report: Report, *, runs: int) -> None:
    """Fresh processes, in turn with one that does nothing."""
    commands = {
        f"cold: s2sc lint {SPEC}": [*_s2sc(), "lint", SPEC],
        "python -c pass": [sys.executable, "-c", "pass"],
    }
    found: dict[str, list[tuple[float, float]]] = {what: [] for what in commands}
    for number in range(runs + 1):
        for what, command in commands.items():
            timed = run(command)
            if number:
                found[what].append(timed)
        say(f"cold: {number} of {runs}")
    for what, times in found.items():
        wall, work = spread([wall for wall, _ in times]), spread([work for _, work in times])
        target = f"≤ {TARGETS['cold']:g} s" if "lint" in what else ""
        report.rows.append((what, wall.text("s", digits=3), work.text("s", digits=3), target))
        report.figures["cold" if "lint" in what else "pass"] = {"wall": asdict(wall), "cpu": asdict(work)}


def run(command: Sequence[str]) -> tuple[float, float]:
    """Wall and CPU seconds of a process."""
    begun = time.perf_counter()
    process = subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stderr is not None
    said = process.stderr.read()
    _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, f"{command} ended with {process.returncode}: {said.decode(errors='replace')}"
    return wall, used.ru_utime + used.ru_stime


def many(report: Report, *, files: int, shared: bool = False) -> None:
    """Many files of a hundred lines in this process; `shared`: all of them import one file of blocks."""
    from s2sc.compiler.lint.linter import Linter

    with tempfile.TemporaryDirectory() as folder:
        paths = _write_many(Path(folder), files, shared=shared)
        _lint(Linter(), paths[0])
        linter = Linter()
        wall, work = time.perf_counter(), time.process_time()
        each = []
        for path in paths:
            begun = time.perf_counter()
            _lint(linter, path)
            each.append(time.perf_counter() - begun)
        wall, work = time.perf_counter() - wall, time.process_time() - work
    say(f"{files} files{' with an import' if shared else ''}: {wall:.2f} s")
    what = f"{files} files of {LINES} lines, one process" + (f", all import {BLOCKS} blocks" if shared else "")
    one = spread(each)
    target = f"≤ {TARGETS['many']:g} s" if files == FILES and not shared else ""
    report.rows.append((what, f"{wall:.2f} s; {one.text('ms', scale=1e3)} a file", f"{work:.2f} s", target))
    name = "many_with_import" if shared else "many"
    report.figures[name] = {"files": files, "wall_seconds": wall, "cpu_seconds": work, "file": asdict(one)}


def memory(report: Report, *, files: int) -> None:
    """How large a process becomes that lints many files."""
    with tempfile.TemporaryDirectory() as folder:
        _write_many(Path(folder), files, shared=False)
        command = [*_s2sc(), "lint", folder]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0
    mib = used.ru_maxrss / 1024
    say(f"memory: {mib:.0f} MiB")
    report.rows.append(
        (f"s2sc lint on {files} files of {LINES} lines: memory", f"{mib:.0f} MiB", "", f"≤ {MOST_MIB} MiB")
    )
    report.figures["memory_mib"] = mib


def long(report: Report, *, repeats: int) -> None:
    """One long file in this process."""
    from s2sc.compiler.lint.linter import Linter

    times = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(repeats):
            path = _write(Path(folder, f"long_{number}.s2s"), number, LONG_LINES)
            wall, work = time.perf_counter(), time.process_time()
            _lint(Linter(), path)
            times.append((time.perf_counter() - wall, time.process_time() - work))
            say(f"{LONG_LINES} lines: {times[-1][0]:.2f} s")
    wall_times, work_times = spread([wall for wall, _ in times]), spread([work for _, work in times])
    report.rows.append(
        (
            f"one file of {LONG_LINES:,} lines, one process",
            wall_times.text("s", digits=2),
            work_times.text("s", digits=2),
            f"≤ {TARGETS['long']:g} s",
        )
    )
    report.figures["long"] = {"wall": asdict(wall_times), "cpu": asdict(work_times)}


def imports(report: Report) -> None:
    """What a cold lint imports, the costliest packages first."""
    command = [sys.executable, "-X", "importtime", "-m", "s2sc", "lint", SPEC]
    done = subprocess.run(
        command, cwd=CHECKOUT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=True
    )
    packages: dict[str, list[int]] = {}
    for own, name in re.findall(r"^import time:\s+(\d+) \|\s+\d+ \|\s+(\S+)", done.stderr, re.MULTILINE):
        packages.setdefault(name.partition(".")[0], []).append(int(own))
    costs = sorted(((sum(times), len(times), name) for name, times in packages.items()), reverse=True)
    total = sum(cost for cost, _, _ in costs)
    lines = ["Imports of a cold lint (`-X importtime`, own time, which slows imports down itself):", ""]
    lines += ["| package | modules | ms |", "|---------|---------|----|"]
    lines += [f"| {name} | {count} | {cost / 1000:.1f} |" for cost, count, name in costs[:12]]
    lines.append(f"| all {len(costs)} | {sum(count for _, count, _ in costs)} | {total / 1000:.1f} |")
    report.more.append("\n".join(lines))
    report.figures["imports_ms"] = {name: cost / 1000 for cost, _, name in costs[:12]} | {"all": total / 1000}
    heavy = sorted({"torch", "numpy", "onnx", "onnxruntime"} & packages.keys())
    report.notes.append(f"Imported by lint of torch, numpy, onnx and onnxruntime: {', '.join(heavy) or 'none'}.")


def spec_text(number: int, lines: int) -> str:
    """A sound spec of exactly so many lines: a table of convolutions, then statement after statement."""
    head = f"""edition 1

# generated, number {number}
let letters = alphabet("abcdefghijklmnopqrstuvwxyz' ")
let width = {8 * (number % 32 + 8)}

data speech {{
  root  = path("speech_{number}")
  audio = logmel(rate = 16kHz, bins = 64, window = 20ms, hop = 10ms, dither = 1e-5)
  text  = letters
  train = ["train.jsonl"]
  valid = split(train, 10%)
  keep  = 0.1s .. 16.7s
}}

block conv(x: seq[batch, time, _], channels, kernel, dilation, drop) => y {{
  y = x
    -> conv1d(channels, kernel = kernel, dilation = dilation, pad = "same", bias = false)
    -> batch_norm -> relu(max = 20) -> dropout(drop)
}}

encoder {{
  table stack of conv {{
    | channels | kernel | dilation | drop | repeat |
    | width    | 11     | 1        | 0.2  | 2      |
    | width    | 13     | 2        | 0.2  | 3      |
  }}
  h_0 = data.audio -> stack
"""
    tail = """
decoder {
  logits    = encoder.out -> linear(pad_to(8, letters.size + 1))
  log_probs = logits -> log_softmax
  infer     = log_probs -> greedy_ctc(blank = letters.size)
}

loss = ctc_loss(logits = decoder.logits, target = data.text, blank = letters.size)

hyperparameters {
  batch     = 32 examples
  precision = autocast(bf16)
  optimizer = adamw(lr = 3e-3, beta2 = 0.98, weight_decay = 0.01)
  schedule  = poly(power = 1.0, warmup = 150 steps)
  clip      = 1.0
  stop      = 20 epochs
  seed      = 1
  metrics   = [wer, cer]
  checkpoint { every = 500 steps; best = min(valid.wer) }
}
"""
    # statements of three lines with a comment above: what people write
    body: list[str] = []
    made = 0
    while len(body) < lines - head.count("\n") - tail.count("\n") - 2:
        made += 1
        body += [
            f"  # layer {made}: the same width, {'with' if made % 2 == 0 else 'without'} a bias",
            f"  h_{made} = h_{made - 1}",
            f"    -> linear(width, bias = {str(made % 2 == 0).lower()})",
            "    -> relu(max = 20)",
            "",
        ]
    # whole statements, then blank lines
    num_body = lines - head.count("\n") - tail.count("\n") - 2
    made -= len(body) > num_body
    body = (body[: 5 * made] + [""] * num_body)[:num_body]
    return head + "\n".join(body) + f"\n  out = h_{made}\n}}\n" + tail


def _write_many(folder: Path, files: int, *, shared: bool) -> list[Path]:
    """Specs of a hundred lines, each another one."""
    if shared:
        blocks = [
            f"block wide_{n}(x: seq, size = {n + 8}) => y {{ y = x -> linear(size) -> relu }}" for n in range(BLOCKS)
        ]
        (folder / "blocks.s2s").write_text("\n\n".join(["edition 1", *blocks]) + "\n", encoding="utf-8")
    paths = []
    for number in range(files):
        path = _write(folder / f"model_{number}.s2s", number, LINES)
        if shared:
            text = path.read_text(encoding="utf-8")
            text = text.replace("edition 1\n\n", 'edition 1\nimport "blocks.s2s" as blocks\n', 1)
            text = text.replace("h_0 = data.audio ->", f"h_0 = data.audio -> blocks.wide_{number % BLOCKS} ->", 1)
            path.write_text(text, encoding="utf-8")
        paths.append(path)
    return paths


def _write(path: Path, number: int, lines: int) -> Path:
    text = spec_text(number, lines)
    assert text.count("\n") == lines, f"{text.count(chr(10))} lines instead of {lines}"
    path.write_text(text, encoding="utf-8")
    return path


def _lint(linter: Linter, path: Path) -> None:
    found = linter.lint(path).findings
    assert not any(finding.severity == "error" for finding in found), [finding.message for finding in found]


def _s2sc() -> list[str]:
    """The installed command, as users start it; the module where it is not installed."""
    script = Path(sys.executable).parent / "s2sc"
    return [str(script)] if script.exists() else [sys.executable, "-m", "s2sc"]


if __name__ == "__main__":
    main()

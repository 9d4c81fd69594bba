"""How fast a spec trains."""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..compiler.graph import CheckedGraph
from .failures import FINDINGS, INTERNAL, INTERRUPTED, OK, Refused, extra
from .options import device, positive, processes, repeated, variants
from .plugins import layers_of, plugins
from .status import VARIABLE, codes
from .terminal import as_json, note, write

if TYPE_CHECKING:
    from ..runtime.benchmark import Speed
    from ..runtime.data.opened import OpenedData
    from ..runtime.distributed import World

EXAMPLES = """examples:
  s2sc bench specs/wav2letter.s2s
  s2sc bench specs/wav2letter.s2s --generated --steps 50 --json
  s2sc bench specs/translation/transformer_base.s2s --precision "fp32, tf32, autocast(bf16)"
  s2sc bench specs/wav2letter.s2s --devices 8
  s2sc bench specs/toy/reversal_tt.s2s --set hyperparameters.batch="8192 tokens\""""

_PRECISION = "hyperparameters.precision"


def add(verb: argparse.ArgumentParser) -> None:
    """Its options."""
    verb.add_argument("spec", metavar="SPEC", help="a .s2s file")
    verb.add_argument("--steps", type=positive, default=20, metavar="N", help="steps that count; default: 20")
    verb.add_argument("--warmup", type=positive, default=10, metavar="N", help="steps before them; default: 10")
    verb.add_argument(
        "--precision",
        metavar="A,B",
        help="compare precisions, each against the first, such as fp32,autocast(bf16); default: the spec's own",
    )
    verb.add_argument(
        "--generated",
        action="store_true",
        help="take data that is made up in the shape of the spec's own; without this only where that cannot be read",
    )
    verb.add_argument(
        "--devices",
        type=processes,
        default=1,
        metavar="N",
        help="N processes on this machine, each with a GPU of its own",
    )
    verb.add_argument("--json", action="store_true", help="as JSON")
    device(verb)
    variants(verb)
    plugins(verb)


def run(options: argparse.Namespace) -> int:
    """Steps of training, as fast as they go."""
    alone = "RANK" not in os.environ
    checked = _variants(options, talks=os.environ.get("RANK", "0") == "0" and (alone or VARIABLE not in os.environ))
    if checked is None:
        return FINDINGS
    if options.devices > 1 and alone:
        return _launch(options)
    with extra("measuring training"):
        from ..runtime.distributed import joined
        from ..runtime.launch import end_with_parent
    if VARIABLE in os.environ:
        end_with_parent()
    with joined(os.environ, options.device) as world:
        return _measure(options, checked, world)


def _launch(options: argparse.Namespace) -> int:
    """Measure in several processes, of which the first answers."""
    with extra("measuring training"):
        from ..runtime.launch import launch
    with tempfile.TemporaryDirectory(prefix="s2sc-status-") as folder:
        ending = launch(_words(options), processes=options.devices, status=Path(folder), max_restarts=0)
        found = codes(Path(folder))
    if len(found) == options.devices or any(found.values()):
        return next((code for code in found.values() if code != OK), OK)
    if ending.signal:
        note(f"ended by {ending.signal} before anything was measured")
        return INTERRUPTED
    note(f"measuring failed: {ending.problem or 'a process ended without a word'}")
    return INTERNAL


def _words(options: argparse.Namespace) -> list[str]:
    """The words of a command that measures as this one does."""
    words = ["bench", options.spec, "--steps", str(options.steps), "--warmup", str(options.warmup)]
    words += ["--devices", str(options.devices)]
    words += ["--precision", options.precision] if options.precision else []
    words += ["--generated"] if options.generated else []
    words += ["--json"] if options.json else []
    return words + repeated(options)


def _measure(options: argparse.Namespace, checked: Mapping[str, CheckedGraph], world: World) -> int:
    import torch

    from ..runtime.benchmark import measure_speed

    first = next(iter(checked.values()))
    layers = layers_of(first, options, Path(options.spec))
    # the first one makes what has to be made of the data, and the others find it
    found_data = _data(options, first) if world.is_first else None
    world.barrier()
    data, origin = found_data or _data(options, first, quiet=True)
    found: list[Speed] = []
    failed: dict[str, str] = {}
    for name, graph in checked.items():
        if world.is_first:
            note(f"{options.spec}, {name}: {options.warmup} steps to warm up and {options.steps} that count")
        try:
            found.append(
                measure_speed(
                    graph,
                    data,
                    precision=name,
                    device=world.device,
                    steps=options.steps,
                    warmup=options.warmup,
                    layer_of=layers,
                    world=world,
                    warn=note if world.is_first else lambda message: None,
                )
            )
        except torch.OutOfMemoryError:
            if not world.alone:
                # the others wait for this one
                raise Refused(f"{name} does not fit into the device's memory: take a smaller batch", FINDINGS) from None
            failed[name] = "out of the device's memory"
            note(f"{name}: {failed[name]}")
    if not found:
        raise Refused("no precision fits into the device's memory: take a smaller batch", FINDINGS)
    threads = torch.get_num_threads()
    on_cpu = f"CPU, {threads} thread{'s' if threads > 1 else ''}"
    name = torch.cuda.get_device_name(world.device) if world.device.type == "cuda" else on_cpu
    if not world.is_first:
        return OK
    name = name if world.alone else f"{world.size} × {name}"
    write(_as_json(options, found, failed, name, origin) if options.json else _as_text(options, found, name, origin))
    return OK


def _variants(options: argparse.Namespace, *, talks: bool) -> dict[str, CheckedGraph] | None:
    """The spec in each precision that was asked for, by its name; None where one has errors, which are shown.

    talks  whether this process shows what was found: of several, one does
    """
    from ..compiler.front import analyse_file
    from ..dsl.values import DType
    from .analysis import show_findings

    found: dict[str, CheckedGraph] = {}
    for precision in _split(options.precision) if options.precision else [None]:
        sets = options.set if precision is None else [*options.set, f"{_PRECISION}={precision}"]
        analysis = analyse_file(Path(options.spec), profile=options.profile, sets=sets)
        if talks and (not found or analysis.checked is None):
            show_findings(analysis)
        if analysis.checked is None:
            return None
        if precision is None:
            own = analysis.checked.graph.hyperparameters.values()["precision"]
            precision = own.name if isinstance(own, DType) else f"{own.name}({own.values()['dtype'].name})"
        found[precision] = analysis.checked
    return found


def _split(text: str) -> list[str]:
    """Precisions between commas, those within brackets left alone."""
    pieces, depth = [""], 0
    for letter in text:
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            pieces.append("")
        else:
            pieces[-1] += letter
    if not all(piece.strip() for piece in pieces):
        raise Refused(f"--precision {text}: name precisions with a comma between them, such as fp32,autocast(bf16)")
    return [piece.strip() for piece in pieces]


def _data(options: argparse.Namespace, checked: CheckedGraph, *, quiet: bool = False) -> tuple[OpenedData, str]:
    """The spec's own data where it can be read, otherwise what is made up; and which it is."""
    from ..runtime.data.generated import generated_data
    from ..runtime.data.opening import open_data
    from ..runtime.data.tally import BadData
    from ..runtime.progress import progress_for
    from ..runtime.training.quiet import QuietProgress

    made_up = "generated: noise, random tokens, uniform lengths"
    if options.generated:
        return generated_data(checked), made_up
    progress = QuietProgress() if quiet else progress_for()
    try:
        data = open_data(
            checked,
            base=Path(options.spec).parent,
            environment=os.environ,
            splits=["train"],
            on_progress=progress.preparing,
            warn=progress.warn,
        )
    except (BadData, OSError) as problem:
        return generated_data(checked), f"{made_up} (the spec's own cannot be read: {problem})"
    return data, f"the spec's own: {data.num_examples('train'):,} examples to train on".replace(",", " ")


# ---------------------------------------------------------------- the answer


def _as_json(
    options: argparse.Namespace, found: Sequence[Speed], failed: dict[str, str], device_name: str, origin: str
) -> str:
    return as_json(
        {
            "format": "s2sc.bench",
            "version": 1,
            "spec": options.spec,
            "device": device_name,
            "devices": options.devices,
            "data": origin,
            "warmup": options.warmup,
            "precisions": [one.to_json() | {"speed_up": one.speed_up(found[0])} for one in found],
            "failed": failed,
        }
    )


def _as_text(options: argparse.Namespace, found: Sequence[Speed], device_name: str, origin: str) -> str:
    columns = [_figures(one, found[0] if len(found) > 1 else None) for one in found]
    titles = list(dict.fromkeys(title for column in columns for title in column))
    table = [titles, *([column.get(title, "") for title in titles] for column in columns)]
    widths = [max(map(len, cells)) for cells in table]
    lines = [f"{Path(options.spec).stem} on {device_name}", f" data: {origin}", ""]
    for line in zip(*table, strict=True):
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        lines.append((" " + "   ".join(cells)).rstrip())
    lines += ["", " " + _explained(found)]
    lines += [
        f" {one.precision}: {one.skipped} of {len(one.step_seconds)} steps skipped, not finite"
        for one in found
        if one.skipped
    ]
    return "\n".join(lines)


_RATES = {
    "examples/s": "examples",
    "seconds of audio/s": "seconds",
    "frames/s": "frames",
    "source tokens/s": "source_tokens",
    "target tokens/s": "target_tokens",
}


def _figures(one: Speed, first: Speed | None) -> dict[str, str]:
    """What is said of a precision, by title; rates of what the data does not have are left out.

    first  what it is compared with
    """
    from ..compiler.plan import counted, sized
    from ..runtime.benchmark import quartiles

    step = quartiles(one.step_seconds)
    low, median, high = (f"{1e3 * step[name]:.1f}" for name in ("low", "median", "high"))
    figures = {"": one.precision, "step": f"{median} ms ({low}–{high})"}
    if first is not None:
        figures["speed-up"] = f"{one.speed_up(first):.2f} ×"
    for title, what in _RATES.items():
        if one.per_second(what):
            figures[title] = counted(round(one.per_second(what)))
    figures |= {
        "TFLOP/s": f"{one.flops_per_second / 1e12:.3g}",
        "share of peak": f"{one.flops_per_second / one.peak_flops:.0%}",
        "real / padded": f"{one.padding_efficiency:.1%}",
        "waiting for data": f"{one.waited_seconds / one.total_seconds:.1%}",
    }
    if one.memory_bytes is not None:
        figures["peak memory"] = sized(one.memory_bytes)
    return figures


def _explained(found: Sequence[Speed]) -> str:
    """What the shares are of."""
    peaks = ", ".join(f"{one.peak_flops / 1e12:.3g} in {one.precision}" for one in found)
    published = found[0].published_flops
    told = f"; its maker says {published / 1e12:.0f} for bf16" if published else ""
    return f"peak: TFLOP/s of a large matrix product here, {peaks}{told}"

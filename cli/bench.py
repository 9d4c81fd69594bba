"""How fast a spec trains."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..compiler.graph import CheckedGraph
from .failures import FINDINGS, OK, Refused, extra
from .options import device, positive, variants
from .plugins import layers_of, plugins
from .terminal import as_json, note, write

if TYPE_CHECKING:
    from ..runtime.benchmark import Speed
    from ..runtime.data.opened import OpenedData

EXAMPLES = """examples:
  s2sc bench specs/wav2letter.s2s
  s2sc bench specs/wav2letter.s2s --generated --steps 50 --json
  s2sc bench specs/translation/transformer_base.s2s --precision "fp32, tf32, autocast(bf16)"
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
    verb.add_argument("--json", action="store_true", help="as JSON")
    device(verb)
    variants(verb)
    plugins(verb)


def run(options: argparse.Namespace) -> int:
    """Steps of training, as fast as they go."""
    checked = _variants(options)
    if checked is None:
        return FINDINGS
    with extra("measuring training"):
        import torch

        from ..runtime.benchmark import measure_speed
        from ..runtime.device import torch_device
    chosen = torch_device(options.device)
    first = next(iter(checked.values()))
    layers = layers_of(first, options, Path(options.spec))
    data, origin = _data(options, first)
    found: list[Speed] = []
    failed: dict[str, str] = {}
    for name, graph in checked.items():
        note(f"{options.spec}, {name}: {options.warmup} steps to warm up and {options.steps} that count")
        try:
            found.append(
                measure_speed(
                    graph,
                    data,
                    precision=name,
                    device=chosen,
                    steps=options.steps,
                    warmup=options.warmup,
                    layer_of=layers,
                )
            )
        except torch.OutOfMemoryError:
            failed[name] = "out of the device's memory"
            note(f"{name}: {failed[name]}")
    if not found:
        raise Refused("no precision fits into the device's memory: take a smaller batch", FINDINGS)
    threads = torch.get_num_threads()
    on_cpu = f"CPU, {threads} thread{'s' if threads > 1 else ''}"
    name = torch.cuda.get_device_name(chosen) if chosen.type == "cuda" else on_cpu
    write(_as_json(options, found, failed, name, origin) if options.json else _as_text(options, found, name, origin))
    return OK


def _variants(options: argparse.Namespace) -> dict[str, CheckedGraph] | None:
    """The spec in each precision that was asked for, by its name; None where one has errors, which are shown."""
    from ..compiler.front import analyse_file
    from ..dsl.values import DType
    from .analysis import show_findings

    found: dict[str, CheckedGraph] = {}
    for precision in _split(options.precision) if options.precision else [None]:
        sets = options.set if precision is None else [*options.set, f"{_PRECISION}={precision}"]
        analysis = analyse_file(Path(options.spec), profile=options.profile, sets=sets)
        if not found or analysis.checked is None:
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


def _data(options: argparse.Namespace, checked: CheckedGraph) -> tuple[OpenedData, str]:
    """The spec's own data where it can be read, otherwise what is made up; and which it is."""
    from ..runtime.data.generated import generated_data
    from ..runtime.data.opening import open_data
    from ..runtime.data.tally import BadData
    from ..runtime.progress import progress_for

    made_up = "generated: noise, random tokens, uniform lengths"
    if options.generated:
        return generated_data(checked), made_up
    progress = progress_for()
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

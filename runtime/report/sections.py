"""The sections of a report, each from what was read of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from difflib import unified_diff

from ...compiler.difference import Side, difference
from ...compiler.plan import counted, plan, sized
from ...compiler.training_cost import training_macs
from ..run_record import Json, number
from ..runs_below import duration, figure, when
from .chart import Line, line_chart
from .compared import compared
from .html import Child, Html, facts, join, table, tag
from .material import Material, as_text, peak_of

_MOST_DIFF_LINES = 400
_MOST_SPEC_LINES = 3_000
_MOST_CHART_LINES = 6
_MOST_REASONS = 50
_RATES = ("wer", "cer")
_DRAWN_ALONE = {
    "lr": "learning rate",
    "gradient_norm": "norm of the gradient",
    "examples_per_second": "examples a second",
}
_NO_CHARTS = ("epoch", "loss", "loss_scale", "perplexity")

Section = tuple[str, Html]


def sections(made: Material, other: Material | None) -> Iterator[Section]:
    """Titles and contents, those without anything to say left out.

    other  the run or spec that it is compared with
    """
    for title, content in (
        ("Result", result(made)),
        ("Curves", curves(made, other)),
        ("Samples", samples(made)),
        ("Plan and measurement", costs(made)),
        ("Data", data(made)),
        ("What changed", changes(made, other)),
        ("Spec", spec(made)),
        ("Environment", environment(made)),
    ):
        if content:
            yield title, content


def result(made: Material) -> Html:
    """How the run stands, and what the splits gave."""
    record = made.record
    best = None
    if record.best is not None and record.metric is not None:
        best = f"{figure(record.metric, record.best)} after step {record.best_step or 0:,}"
    about = facts(
        (
            ("state", join(tag("span", record.state, class_=f"state {record.state}"), f" {record.why}")),
            ("best", best),
            ("steps", None if record.step is None else f"{record.step:,}"),
            ("epochs", None if record.epochs is None else f"{record.epochs:.2f}"),
            ("started", when(record.started)),
            ("in training", None if record.seconds is None else duration(record.seconds)),
            ("checkpoints", ", ".join(f"{step:,}" for step in record.checkpoints[-10:]) or None),
        )
    )
    splits = {name: found for name, found in made.result.items() if isinstance(found, dict) and name != "data"}
    if not splits:
        return about
    names = list(dict.fromkeys(name for found in splits.values() for name in found if number(found[name]) is not None))
    rows = [[split, *(_metric(name, found.get(name)) for name in names)] for split, found in splits.items()]
    signatures = sorted(
        {
            f"{name.removesuffix('_signature')}: {as_text(value)}"
            for found in splits.values()
            for name, value in found.items()
            if name.endswith("_signature")
        }
    )
    step = number(made.result.get("best_step"))
    told = None if step is None else tag("p", f"Measured with the weights after step {int(step):,}.")
    return join(
        about, table(["split", *names], rows, class_="figures"), told, [tag("p", one) for one in signatures[:9]]
    )


def _metric(name: str, value: object) -> str:
    found = number(value)
    if found is None:
        return "–"
    return f"{100 * found:.2f} %" if name in _RATES else f"{found:,.10g}" if found == int(found) else f"{found:.4g}"


def curves(made: Material, other: Material | None) -> Html:
    """What was measured on the way; another run's lines are dashed."""
    charts = [line_chart("loss", _lines(made, other, [("train", "loss"), ("valid", "loss")]))]
    metrics = dict.fromkeys(
        name for split, name in made.curves if split != "train" and name not in _NO_CHARTS and name not in _DRAWN_ALONE
    )
    rates = [("valid", name) for name in metrics if name in _RATES]
    if rates:
        percent: Callable[[float], str] = lambda value: f"{100 * value:.4g} %"  # noqa: E731 -- typed, and used twice
        charts.append(line_chart("error rates of the valid split", _lines(made, other, rates), shown=percent))
    others = [name for name in metrics if name not in _RATES]
    charts += [line_chart(name, _lines(made, other, [("valid", name)])) for name in others[:_MOST_CHART_LINES]]
    if ("valid", "perplexity") in made.curves:
        lines = _lines(made, other, [("valid", "perplexity")])
        charts.append(line_chart("perplexity of the valid split", lines, logarithmic=True))
    charts += [
        line_chart(title, _lines(made, other, [("train", name)]), logarithmic=name == "gradient_norm")
        for name, title in _DRAWN_ALONE.items()
    ]
    scale = _lines(made, None, [("train", "loss_scale")])
    marks = made.skipped.points
    title, name = "loss scale", "steps left out since they overflowed"
    if not scale[0].points and marks:
        scale, title, name = _lines(made, None, [("train", "loss")]), "steps that were left out", "left out"
    charts.append(line_chart(title, scale, marks=marks, mark_name=name, logarithmic=title == "loss scale", base=2))
    known = {"loss", "epoch", "loss_scale", "perplexity", *_DRAWN_ALONE, *metrics}
    more = [name for split, name in made.curves if split == "train" and name not in known]
    charts += [line_chart(name, _lines(made, other, [("train", name)])) for name in more[:_MOST_CHART_LINES]]
    drawn = [chart for chart in charts if chart]
    if not drawn:
        return tag("p", "Nothing was measured yet.")
    told = None
    if other is not None and other.curves:
        told = tag("p", f"Dashed: {other.name}.")
    return join(tag("div", drawn, class_="charts"), told)


def _lines(made: Material, other: Material | None, wanted: Sequence[tuple[str, str]]) -> list[Line]:
    several = len(wanted) > 1
    found = []
    for compared_with, material in ((False, made), (True, other)):
        for colour, (split, name) in enumerate(wanted):
            series = material.curves.get((split, name)) if material is not None else None
            label = (split if name == "loss" else name) if several else split
            points = series.points if series is not None else []
            if not compared_with or points:
                found.append(Line(label, points, colour, compared_with))
    return found


def samples(made: Material) -> Html:
    """What the model found beside what was wanted."""
    parts: list[Child] = []
    for split, step, found in made.samples:
        rows = [[name, *compared(wanted, said)] for name, wanted, said in found]
        parts.append(tag("h3", f"{split}, step {step:,}"))
        parts.append(table(["example", "wanted", "found"], rows, class_="samples"))
    if not parts:
        return join()
    key = tag("p", tag("del", "missing"), " is in what was wanted alone, ", tag("ins", "wrong"), " in what was found.")
    return join(parts, key)


def costs(made: Material) -> Html:
    """What the plan said a step takes, and what it took."""
    if made.checked is None:
        return join()
    planned = plan(made.checked)
    rows: list[list[Child]] = []
    trained = number(made.result.get("parameters"))
    rows.append(["parameters", f"{planned.parameters:,}", "–" if trained is None else f"{int(trained):,}", ""])
    memory, measured = planned.memory.total, peak_of(made)
    took, share = "–", ""
    if measured is not None:
        took = sized(int(measured[0]))
        share = f"{measured[0] / memory:.2f} of the plan" if memory else ""
        if measured[1] == "cpu":
            share = "of the whole process, with Python and PyTorch"
    rows.append(["memory of a step at its most", sized(memory), took, share])
    speed = _speed(made)
    rows.append(
        ["examples a second", "–", "–" if speed is None else f"{speed:,.4g}", "" if speed is None else "median"]
    )
    arithmetic = training_macs(made.checked.graph, {})
    reached = "–" if speed is None else f"{2 * arithmetic * speed / 1e9:,.4g} GFLOP/s"
    told = "at the most: as if all examples were as long as the longest" if speed is not None else ""
    rows.append(["arithmetic of the longest example, there and back", f"{counted(arithmetic)} MACs", reached, told])
    rows.append(["precision", planned.precision, "", ""])
    return table(["", "planned", "measured", ""], rows)


def _speed(made: Material) -> float | None:
    series = made.curves.get(("train", "examples_per_second"))
    values = sorted(y for _, y in series.points) if series is not None else []
    return values[len(values) // 2] if values else None


def data(made: Material) -> Html:
    """What was read, refused and left out."""
    found = made.result.get("data")
    account: Json = found if isinstance(found, dict) else {}
    parts: list[Child] = []
    records = number(account.get("records"))
    rows: list[list[Child]] = []
    refused, left_out = account.get("refused"), account.get("left_out")
    if isinstance(refused, dict):
        rows += [["refused", "", str(reason), as_text(count)] for reason, count in refused.items()]
    if isinstance(left_out, dict):
        for split, reasons in left_out.items():
            if isinstance(reasons, dict):
                rows += [["left out", str(split), str(reason), as_text(count)] for reason, count in reasons.items()]
    if records is not None:
        none = "" if rows or made.refused else "; none was refused or left out"
        parts.append(tag("p", f"{int(records):,} records{none}."))
    if rows:
        parts.append(table(["", "split", "why", "records"], rows[:_MOST_REASONS]))
    if made.refused:
        shown = f"the first {len(made.refused)} of " if made.num_refused > len(made.refused) else ""
        parts.append(tag("p", f"Refused, {shown}{made.num_refused:,}:"))
        parts.append(tag("pre", "\n".join(line[:500] for line in made.refused)))
    return join(parts)


def changes(made: Material, other: Material | None) -> Html:
    """What differs from the run or spec that it is compared with: in meaning, then in its text."""
    if other is None:
        return join()
    parts: list[Child] = [tag("p", f"Against {other.name}.")]
    if made.checked is not None and other.checked is not None:
        found = difference(Side(other.name, other.checked), Side(made.name, made.checked))
        parts.append(tag("pre", found.to_text().rstrip("\n")))
    old, new = (one.spec.splitlines() for one in (other, made))
    if old == new:
        parts.append(tag("p", "The text of the spec is the same."))
    elif max(len(old), len(new)) > _MOST_SPEC_LINES:
        parts.append(tag("p", f"The texts differ; they have more than {_MOST_SPEC_LINES:,} lines."))
    elif other.spec and made.spec:
        lines = list(unified_diff(old, new, other.name, made.name, lineterm="", n=3))
        shown = [tag("span", f"{line[:500]}\n", class_=_KINDS.get(line[:1])) for line in lines[:_MOST_DIFF_LINES]]
        rest = [f"and {len(lines) - len(shown)} lines more"] if len(lines) > len(shown) else []
        parts.append(tag("pre", shown, rest))
    before, now = (_chosen(one) for one in (other, made))
    if before != now:
        parts.append(
            table(
                ["started with", other.name, made.name], [["profile", before[0], now[0]], ["--set", before[1], now[1]]]
            )
        )
    return join(parts)


_KINDS = {"+": "added", "-": "removed", "@": "place"}


def _chosen(made: Material) -> tuple[str, str]:
    profile, sets = made.started_with.get("profile"), made.started_with.get("set")
    return as_text(profile) if profile else "–", ", ".join(map(as_text, sets)) if isinstance(
        sets, list
    ) and sets else "–"


def spec(made: Material) -> Html:
    """The spec as it was trained."""
    if not made.spec:
        return join()
    lines = made.spec.splitlines()
    shown = "\n".join(line[:500] for line in lines[:_MOST_SPEC_LINES])
    more = f"\nand {len(lines) - _MOST_SPEC_LINES} lines more" if len(lines) > _MOST_SPEC_LINES else ""
    return tag("details", tag("summary", f"{len(lines):,} lines"), tag("pre", shown + more))


def environment(made: Material) -> Html:
    """What it ran on and with."""
    record = made.started_with
    found = record.get("environment")
    around: Json = found if isinstance(found, dict) else {}
    packages, gpu, git = (
        one if isinstance(one := around.get(name), dict) else {} for name in ("packages", "gpu", "git")
    )
    versions = ", ".join(f"{name} {as_text(version)}" for name, version in packages.items())
    commit = None
    if git:
        same = "" if git.get("spec_is_committed") is True else ", with another text of the spec"
        commit = f"{as_text(git.get('commit'))}{same}"
    memory = number(gpu.get("memory_bytes"))
    graph = made.checked.graph if made.checked is not None else None
    again = record.get("resumed")
    lock = record.get("lock")
    rows: list[tuple[str, Child]] = [
        ("command", _said(around, "command", code=True)),
        ("s2sc", _said(record, "version")),
        ("python", _said(around, "python")),
        ("packages", versions or None),
        ("system", _said(around, "system")),
        ("processor", _said(around, "processor")),
        ("cores", _said(around, "cores")),
        ("threads", _said(around, "threads")),
        ("device", _said(record, "device")),
        ("GPU", as_text(gpu["name"]) + (f", {sized(int(memory))}" if memory else "") if "name" in gpu else None),
        ("CUDA, cuDNN", f"{as_text(gpu.get('cuda'))}, {as_text(gpu.get('cudnn'))}" if gpu else None),
        ("seed", None if graph is None else str(graph.hyperparameters.values()["seed"])),
        ("profile", _said(record, "profile")),
        ("--set", tag("code", _chosen(made)[1]) if record.get("set") else None),
        ("commit", commit),
        ("architecture", None if made.checked is None else tag("code", made.checked.architecture_hash)),
        ("spec", tag("code", graph.origins.spec_hash) if graph is not None and graph.origins.spec_hash else None),
        ("lock", tag("code", as_text(lock)) if lock else None),
        ("started", _said(record, "started")),
        ("gone on with", ", ".join(map(as_text, again)) if isinstance(again, list) and again else None),
    ]
    return facts(rows)


def _said(record: Json, name: str, *, code: bool = False) -> Html | str | None:
    value = record.get(name)
    if value is None:
        return None
    return tag("code", as_text(value, 4000)) if code else as_text(value)

"""S2S710: an export promises lengths that training never saw.

What it does: compares the longest `dynamic { time = … }` with the longest that `keep` lets into training, where the
exported model reads whole sequences (attention, recurrent layers). A model in which each output sees a window only,
such as a stack of convolutions, works on any length alike.

Why it is bad: attention and recurrent layers that never saw a sequence of that length lose the thread there, and no
error tells it: the text just ends early or repeats itself.

Bad:

    encoder {
      out = data.audio -> conv1d(16, kernel = 5, stride = 2) -> lstm(16)
    }
    export onnx {
      precision = fp16
      outputs = [decoder.log_probs, decoder.log_probs.lengths]
      dynamic { batch = 1 .. 64; time = 0.5s .. 30s }     # warning[S2S710]
      check { examples = 16; max_abs_diff = 2e-2 }
    }

Good:

    encoder {
      out = data.audio -> conv1d(16, kernel = 5, stride = 2) -> lstm(16)
    }
    export onnx {
      precision = fp16
      outputs = [decoder.log_probs, decoder.log_probs.lengths]
      dynamic { batch = 1 .. 64; time = 0.5s .. 10s }
      check { examples = 16; max_abs_diff = 2e-2 }
    }
"""

from __future__ import annotations

from collections.abc import Iterator

from ...dsl.diagnostics import Diagnostic, Label
from ...dsl.values import Quantity, Range
from ..graph import Graph
from ..part import plain_ends
from ..settings import setting, span_at

CODE = "S2S710"


def check(graph: Graph) -> Iterator[Diagnostic]:
    """Find exports of models that read whole sequences, for longer ones than they were trained on."""
    kept = setting(graph, "data.keep")
    for label in graph.exports:
        path = f"export.{label}.dynamic.time"
        time = setting(graph, path)
        if not isinstance(kept, Range) or not isinstance(time, Range) or not isinstance(time.high, Quantity):
            continue
        longest = plain_ends(kept)[1]
        held = graph.needed_for(setting(graph, f"export.{label}.outputs"))
        reader = next((node for node in held.values() if node.operation.reads_all), None)
        # a range in another unit is S2S713's
        lasts = any(symbol.seconds for symbol in graph.symbols)
        if reader is None or plain_ends(time)[1] <= longest or (time.high.family == "time") != lasts:
            continue
        unit = "s" if lasts else " tokens"
        limit, where = span_at(graph, "data.keep"), graph.origins.of(reader.path).span
        labels = () if limit is None else (Label(limit, f"nothing longer than {longest:g}{unit} is kept"),)
        if where is not None:
            labels = (*labels, Label(where, f"{reader.operation.name} reads the whole sequence"))
        yield Diagnostic(
            CODE,
            "warning",
            f"export {label} promises {time.high.text}, training sees {longest:g}{unit} at most",
            span_at(graph, path),
            place=path,
            labels=labels,
            helps=(f"end the range at {longest:g}{unit}, or keep longer examples",),
        )

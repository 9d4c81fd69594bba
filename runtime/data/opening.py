"""The data of a checked graph, opened and held against the model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ...compiler.graph import CheckedGraph, Graph
from ...compiler.parts.data.parallel_text import ParallelText
from ...compiler.parts.data.speech import Speech
from ..extras import extra
from .corpus import OnProgress
from .opened import OpenedData
from .parallel_text import open_parallel_text
from .speech import open_speech

with extra("train", "training"):
    import numpy as np


def open_data(
    checked: CheckedGraph,
    *,
    base: Path,
    environment: Mapping[str, str],
    splits: Sequence[str] | None = None,
    tokens: Path | None = None,
    on_progress: OnProgress | None = None,
    warn: Callable[[str], None] = lambda message: None,
) -> OpenedData:
    """Open the data section of a checked graph; see `open_speech` and `open_parallel_text`.

    tokens  a folder with the tokenizers that a run was trained with, where it has any (Run.tokens)

    Training examples of speech with more labels than the model leaves frames are taken out and counted; CTC learns
    nothing from them. Raises BadData, MissingExtra.
    """
    settings = checked.graph.data
    if isinstance(settings, ParallelText):
        return open_parallel_text(
            settings,
            base=base,
            environment=environment,
            splits=splits,
            tokens=tokens,
            on_progress=on_progress,
            warn=warn,
        )
    assert isinstance(settings, Speech), settings.name
    data = open_speech(settings, base=base, environment=environment, splits=splits, on_progress=on_progress, warn=warn)
    frames = frames_of_loss(checked.graph)
    if frames is not None and "train" in data.splits:
        data.leave_out_infeasible(frames)
    return data


def frames_of_loss(graph: Graph) -> Callable[[Any], Any] | None:
    """How many frames the CTC loss sees, for an array of numbers of samples; None for a model without that loss."""
    node = None if graph.loss is None else graph.nodes[graph.loss.path]
    if node is None or node.operation.name != "ctc_loss":
        return None
    logits = graph.type_of(node.inputs["logits"][0])
    assert logits is not None
    definitions = {symbol.name: symbol.definition for symbol in graph.symbols if symbol.definition is not None}
    time = logits.time.substitute(definitions)

    def frames(num_samples: Any) -> Any:
        # lengths repeat, and a form over symbols is evaluated one number at a time
        distinct, places = np.unique(num_samples, return_inverse=True)
        return np.array([time.value({"N": int(count)}) for count in distinct], np.int64)[places]

    return frames

"""The one door to a graph's data, whatever its data layer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ...compiler.graph import CheckedGraph
from ...compiler.parts.data.speech import Speech
from .corpus import OnProgress
from .speech import SpeechData, open_speech


def open_data(
    checked: CheckedGraph,
    *,
    base: Path,
    environment: Mapping[str, str],
    splits: Sequence[str] | None = None,
    on_progress: OnProgress | None = None,
    warn: Callable[[str], None] = lambda message: None,
) -> SpeechData:
    """Open the data section of a checked graph; see open_speech."""
    settings = checked.graph.data
    assert isinstance(settings, Speech), f"no data layer {settings.name}"
    return open_speech(settings, base=base, environment=environment, splits=splits, on_progress=on_progress, warn=warn)

"""Sizes that may change from one call of an exported file to the next."""

from __future__ import annotations

from ....dsl.values import Range
from ...part import Part, param, part


@part("dynamic", family="section")
class Dynamic(Part):
    """Ranges of the axes that an exported file leaves open."""

    batch: Range = param(
        default=Range(1, 64), doc="clips or sentences in a batch", minimum=1, maximum=65536, training=True
    )
    time: Range | None = param(
        default=None,
        doc="length of a clip or a source sentence, none for the data's limits",
        unit=("time", "tokens"),
        above=0,
        training=True,
    )

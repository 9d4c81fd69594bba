"""Training that goes back when its loss jumps."""

from __future__ import annotations

from ...part import Part, param, part


@part("rewind", family="guard")
class Rewind(Part):
    """Go back to the newest checkpoint when a loss is more than `factor` times the median of the last `window` losses.

    The batches from there to the jump are left out (as for PaLM, Chowdhery et al. 2022, section 5.1). Nothing is looked
    at before `window` steps were taken; after `most` times back, the next jump ends the run.
    """

    factor: float = param(default=4.0, doc="how many times the median is a jump", above=1, training=True)
    window: int = param(
        default=100, doc="losses that the median is of", unit="steps", minimum=2, maximum=1000, training=True
    )
    most: int = param(default=3, doc="times that a run goes back", minimum=1, maximum=1000, training=True)

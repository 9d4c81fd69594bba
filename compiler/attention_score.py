"""The score of one place of a memory for one query: what its kinds weigh, cost and accept."""

from __future__ import annotations

from dataclasses import dataclass

from .component import Component, Mismatch

KINDS = ("bahdanau", "dot", "general", "concat")

# More sums behind the tanh of an additive score than this are computed again in the backward pass.
_KEPT_NUMBERS = 1 << 26


def are_kept(num_sums: int) -> bool:
    """Whether the sums of a query and a key that an additive score squashes are kept for the backward pass."""
    return num_sums <= _KEPT_NUMBERS


@dataclass(frozen=True)
class Score:
    """A kind of score at given sizes.

    query, memory  features of both
    width          features in which an additive score compares them
    """

    kind: str
    query: int
    memory: int
    width: int
    normalize: bool
    scale: bool

    @property
    def is_additive(self) -> bool:
        """True for scores that are a sum behind a tanh; the others are dot products."""
        return self.kind in ("bahdanau", "concat")

    @property
    def compared(self) -> int:
        """Features of a projected key."""
        return self.width if self.is_additive else self.query

    def weights(self) -> dict[str, tuple[int, ...]]:
        """Trained tensors and their shapes."""
        shapes: dict[str, tuple[int, ...]] = {}
        if self.is_additive:
            shapes["query_weight"] = (self.width, self.query)
            shapes["memory_weight"] = (self.width, self.memory)
            shapes["score_weight"] = (self.width,)
        if self.kind == "general":
            shapes["memory_weight"] = (self.query, self.memory)
        if self.normalize:
            shapes["score_bias"] = (self.width,)
        if self.normalize or self.scale:
            shapes["score_gain"] = ()
        return shapes

    def macs(self, *, batch: int, queries: int, places: int, features: int) -> int:
        """What it takes to attend to `places` with `features` for so many queries."""
        memory = 0 if self.kind == "dot" else places * self.memory * self.compared
        query = queries * self.query * self.width if self.is_additive else 0
        return batch * (memory + query + queries * places * (self.compared + features))

    def kept(self, *, batch: int, queries: int, places: int) -> int:
        """Numbers kept for the backward pass in the precision of the inputs: keys, queries, sums of both."""
        if not self.is_additive:
            return batch * places * self.compared
        sums = batch * queries * places * self.width
        return batch * (places + queries) * self.width + sums * are_kept(sums)


def check_score(operation: Component, *, width: str) -> None:
    """Raise Mismatch where the parameters of a score do not fit its kind; `width` is the name of its width."""
    values = operation.values()
    kind = values["kind"]
    additive = kind in ("bahdanau", "concat")
    wrong = ""
    if values["normalize"] and kind != "bahdanau":
        wrong = "normalize"
    elif values["scale"] and additive:
        wrong = "scale"
    elif width and values[width] is not None and not additive:
        wrong = width
    if wrong:
        fitting = {
            "normalize": 'it belongs to kind = "bahdanau"',
            "scale": 'it belongs to kind = "dot" and "general"',
        }.get(wrong, 'it belongs to kind = "bahdanau" and "concat"')
        raise Mismatch(
            "S2S202",
            f'{operation.name}(kind = "{kind}") has no use of {wrong}',
            at=fitting,
            param=wrong,
            helps=(f"leave out `{wrong}`",),
        )


def check_sizes(operation: Component, score: Score, *, query: str) -> None:
    """Raise Mismatch where a dot product would be of different sizes."""
    if score.kind == "dot" and score.query != score.memory:
        raise Mismatch(
            "S2S401",
            f'{operation.name}(kind = "dot") multiplies {query} of {score.query} features with a memory '
            f"of {score.memory}",
            at=f"{score.query} is not {score.memory}",
            helps=(
                'kind = "general" has a trained matrix in between',
                f"or put linear({score.query}) behind the memory",
            ),
        )

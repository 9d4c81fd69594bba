"""What a pass is: a pure function from graph to graph with declared needs and gifts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..dsl.diagnostics import Findings
from .graph import Graph


@dataclass(frozen=True)
class Pass:
    """One pass of the pipeline; calling it twice gives what calling it once gives.

    needs           facts about the graph that earlier passes must have given
    gives           facts that hold afterwards, if it found no error
    despite_errors  may run after errors, on a graph in which some types are unknown
    """

    run: Callable[[Graph, Findings], Graph]
    needs: tuple[str, ...]
    gives: tuple[str, ...]
    despite_errors: bool

    def __call__(self, graph: Graph, findings: Findings) -> Graph:
        return self.run(graph, findings)

    @property
    def name(self) -> str:
        return self.run.__name__


def graph_pass(
    *, needs: tuple[str, ...] = (), gives: tuple[str, ...] = (), despite_errors: bool = False
) -> Callable[[Callable[[Graph, Findings], Graph]], Pass]:
    """Declare a function as a pass."""

    def declare(run: Callable[[Graph, Findings], Graph]) -> Pass:
        return Pass(run, needs, gives, despite_errors)

    return declare

"""A component: what a tensor operation takes, gives, costs and tolerates, said once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, TypeVar

from .dim import Dim
from .part import Mismatch, Part, declare
from .step_form import PLAIN, StepForm
from .tensor_type import LETTERS, TensorType

__all__ = ["POINTWISE", "Component", "Mismatch", "Precision", "Window", "component"]

Precision = Literal["half", "fp32", "follow"]


@dataclass(frozen=True)
class Window:
    """How far an operation reaches along time: `reach` input frames for one output, moving by `stride`.

    `before` and `after` are the input frames seen on each side of the output's own frame.
    """

    reach: int
    stride: int
    before: int
    after: int


POINTWISE = Window(1, 1, 0, 0)


class Component(Part):
    """Base of all operations on tensors (layers, features, losses, search).

    signature   "(x: seq[B,T,D]) => (y: seq[B,T,size])": letters are sizes, lower-case names are parameters, `..` is any
                leading axes, `*x` takes one or more inputs, `= none` makes an input optional
    letters     what the letters of the signature are: "B" -> "batch"
    precision   "half": computes in the spec's half precision; "fp32": always float32; "follow": whatever it is given
    mixes_time  frames read their neighbours, so padding must be zero before it; or the names of the inputs of which
                this is so
    keeps_zero  zeros in the padding of the input stay zeros in the output
    cleans      the padding of its outputs is zero whatever is in the padding of its inputs
    tokens      inputs that hold token numbers (element "index"); all others hold real numbers
    training_only  does something in training only (dropout, spec_augment): left out of exports
    saves       inputs and outputs that the backward pass needs, by name; None: all inputs
    loops       works through a sequence token by token in a loop: its step leaves in an export, the loop does not
    autoregressive  a search that chooses tokens one after the other and feeds each to the decoder
    likelihoods  a loss that also tells how likely the model finds each example's target
    average     a loss: what the sum over a batch is divided by, "examples" or "tokens"
    exact       what it sums and normalises within is float32 whatever it computes in
    constants   parameters that stand among the numbers that it computes with (a factor, a clip)
    weighs      the input over whose places it takes a softmax, the shares of which are in what it computes in
    reads_all   a result can depend on places of a sequence at any distance
    normalizes  whatever the size of its inputs, that of its outputs is about 1
    folds       a batch norm that alone reads it becomes part of its weights in an export
    opset       the first ONNX operator set that it can leave in; None: it has no ONNX form
    """

    signature: ClassVar[str]
    letters: ClassVar[Mapping[str, str]] = LETTERS
    precision: ClassVar[Precision] = "follow"
    mixes_time: ClassVar[bool | tuple[str, ...]] = False
    keeps_zero: ClassVar[bool] = False
    cleans: ClassVar[bool] = False
    tokens: ClassVar[tuple[str, ...]] = ()
    training_only: ClassVar[bool] = False
    saves: ClassVar[tuple[str, ...] | None] = None
    loops: ClassVar[bool] = False
    autoregressive: ClassVar[bool] = False
    likelihoods: ClassVar[bool] = False
    average: str = "examples"
    exact: ClassVar[bool] = False
    constants: ClassVar[tuple[str, ...]] = ()
    weighs: ClassVar[str] = ""
    reads_all: ClassVar[bool] = False
    normalizes: ClassVar[bool] = False
    opset: ClassVar[int | None] = 18

    @property
    def folds(self) -> bool:
        return False

    def bounds(self, inputs: Mapping[str, tuple[float, ...]]) -> Mapping[str, float]:
        """The largest size of the numbers in each output, by what is known of those of its inputs; left out: any."""
        return {}

    def infer(self, inputs: Mapping[str, tuple[TensorType, ...]]) -> dict[str, TensorType] | None:
        """Output types where the signature's letters do not say them; None: the signature says all."""
        return None

    def mixes(self, name: str) -> bool:
        """Whether the padding of an input must be zero."""
        return name in self.mixes_time if isinstance(self.mixes_time, tuple) else self.mixes_time

    def check(self, inputs: Mapping[str, tuple[TensorType, ...]]) -> None:
        """Raise Mismatch where sizes do not fit the parameters (groups that do not divide)."""

    def weights(self, inputs: Mapping[str, tuple[TensorType, ...]]) -> dict[str, tuple[int, ...]]:
        """Trained tensors and their shapes, as the torch side names them."""
        return {}

    def tied_shape(self, inputs: Mapping[str, tuple[TensorType, ...]]) -> tuple[int, ...]:
        """The shape that the weight of a module in a "module" parameter must have."""
        raise NotImplementedError(f"{self.name} uses no weight of another module")

    def macs(self, inputs: Mapping[str, tuple[tuple[int, ...], ...]], outputs: Mapping[str, tuple[int, ...]]) -> int:
        """Multiply-accumulates of one forward pass at concrete shapes, as torch's FLOP counter counts them.

        That is matrix products and convolutions only.
        """
        return 0

    def scratch_bytes(
        self, inputs: Mapping[str, tuple[tuple[int, ...], ...]], outputs: Mapping[str, tuple[int, ...]], item_bytes: int
    ) -> int:
        """Bytes kept for the backward pass besides `saves` (masks, copies); `item_bytes` is the size of one number."""
        return 0

    def window(self) -> Window:
        """Reach along time; the default sees one frame. An operation that ends the time axis has no reach along it."""
        return POINTWISE

    def out_time(self, time: Dim) -> Dim:
        """Frames after it for `time` frames before it."""
        return time

    def most_places(self) -> int | None:
        """Places of the longest sequence that it can read; None: as many as there are."""
        return None

    def step_form(self, inputs: Mapping[str, tuple[TensorType, ...]], stepped: frozenset[str]) -> StepForm:
        """How it works one target token at a time.

        stepped  the inputs that come token by token; all others are there as a whole from the start

        Raises Mismatch where a result needs tokens that come later (S2S414; S2S415 for a bidirectional layer).
        """
        if self.mixes_time or self.window() != POINTWISE:
            raise self.looks_ahead()
        return PLAIN

    def looks_ahead(self, why: str = "", *, setting: str = "", code: str = "S2S414", help: str = "") -> Mismatch:
        """The complaint about an operation that reads target tokens which a decoder has yet to choose.

        why      "lstm(bidirectional = true) reads the target from its end too"; by default how far it looks ahead
        setting  what makes it do so, where `why` does not say it: 'pad = "same"'
        """
        ahead = self.window().after
        name = f"{self.name}({setting})" if setting else self.name
        known = f"{name} reads {ahead} later target {'token' if ahead == 1 else 'tokens'}" if ahead else ""
        return Mismatch(
            code,
            why or known or f"{name} reads target tokens that come later",
            at="looks ahead",
            helps=(help,) if help else (),
        )


ComponentType = TypeVar("ComponentType", bound=type[Component])


def component(name: str, *, family: str = "component") -> Callable[[ComponentType], ComponentType]:
    """Register a class as the component `name`; being in the folder is being in the catalogue."""

    def register(cls: ComponentType) -> ComponentType:
        declare(cls, name, family)
        return cls

    return register

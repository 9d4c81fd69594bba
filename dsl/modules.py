"""What an expression can stand for besides a static value or a part: tensors, modules, blocks, sections."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from . import syntax
from .signature import Signature
from .source import Span
from .statics import describe as describe_static
from .values import ModuleReference, PartValue, Ref, Static


class Unknown:
    """The value of an expression that had an error; whatever uses it stays silent."""


UNKNOWN = Unknown()


class LimitReached(Exception):
    """A cap of the language; resolution stops with this one error."""

    def __init__(self, code: str, message: str, span: Span, notes: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.span = span
        self.notes = notes


@dataclass(frozen=True)
class TensorValue:
    """An edge, or several named results of which the first stands for all.

    facts     static facts of a data stream (`data.text.vocab`)
    children  streams below a data stream (`data.audio.waveform`)
    modules   results of a block that are modules (`encoder.emb`)
    """

    results: Mapping[str, Ref]
    facts: Mapping[str, Static] = field(default_factory=dict)
    children: Mapping[str, TensorValue] = field(default_factory=dict)
    modules: Mapping[str, ModuleValue] = field(default_factory=dict)

    @property
    def ref(self) -> Ref:
        return next(iter(self.results.values()))


class Scope:
    """A place that hands out names below it: a second `conv1d` becomes `conv1d_2`.

    path     where nodes stand
    weights  where their weights stand; another place inside a shared module
    blocks   the blocks on the way here
    """

    def __init__(self, path: str, weights: str | None = None, blocks: tuple[syntax.Block, ...] = ()) -> None:
        self.path = path
        self.weights = path if weights is None else weights
        self.blocks = blocks
        self.transparent = False  # a block that is expanded right here adds no name
        self._counts: dict[str, int] = {}

    def take(self, name: str) -> str:
        """A free name for one more `name` here."""
        count = self._counts[name] = self._counts.get(name, 0) + 1
        return name if count == 1 else f"{name}_{count}"

    @property
    def reached(self) -> tuple[str, ...]:
        """The names of the blocks on the way here, outermost first."""
        return tuple(block.name for block in self.blocks)

    def inside(self, block: syntax.Block) -> bool:
        """Whether this very block is on the way here; one of another file may have its name."""
        return any(one is block for one in self.blocks)

    def below(self, name: str, *, weights: str | None = None, block: syntax.Block | None = None) -> Scope:
        """The scope of a name that was taken here."""
        through = self.blocks if block is None else (*self.blocks, block)
        return Scope(f"{self.path}.{name}", f"{self.weights}.{name}" if weights is None else weights, through)

    def through(self, block: syntax.Block) -> Scope:
        """This same place, seen from inside a block."""
        scope = Scope(self.path, self.weights, (*self.blocks, block))
        scope._counts = self._counts
        return scope


@dataclass
class Thunk:
    """A named value that is computed when it is first asked for.

    path    how messages call it: "encoder.out" for `out`
    edge    it stands for a tensor or module, not for a static value: a loop through it is a circle of tensors
    silent  it stands for something that is missing and was reported; it hides nothing
    """

    name: str
    span: Span
    compute: Callable[[], Value]
    state: str = "waiting"
    value: Value | None = None
    used: bool = False
    path: str = ""
    edge: bool = False
    silent: bool = False

    @property
    def spelt(self) -> str:
        return self.path or self.name


@dataclass
class Environment:
    """Names that an expression sees: its own first, then those around it.

    imported  at the top of a file that others import: it sees no data, encoder, decoder or loss
    imports   at the top of a file: what it imports, by alias
    """

    names: dict[str, Thunk]
    parent: Environment | None = None
    imported: bool = False
    imports: dict[str, Namespace] = field(default_factory=dict)

    def find(self, name: str) -> Thunk | None:
        environment: Environment | None = self
        while environment is not None:
            if name in environment.names:
                return environment.names[name]
            environment = environment.parent
        return None

    @property
    def root(self) -> Environment:
        """The names of the whole file."""
        return self.parent.root if self.parent else self

    def hides(self, name: str) -> bool:
        """Whether a name stands for something that is missing, so that nobody can mean it."""
        thunk = self.find(name)
        return thunk is not None and thunk.silent

    def all_names(self) -> set[str]:
        found = set(self.names)
        return found | self.parent.all_names() if self.parent else found


@dataclass(frozen=True)
class BlockValue:
    """A block of the spec with the names that it sees, and those that the types in its signature mention."""

    block: syntax.Block
    environment: Environment
    axis_names: frozenset[str] = frozenset()


@dataclass(frozen=True)
class SignatureValue:
    """A component or part of the catalogue, named but not called."""

    signature: Signature


@dataclass(frozen=True)
class FunctionValue:
    """A built-in function of static values."""

    name: str


@dataclass
class Namespace:
    """A section: `encoder`, `hyperparameters`; or an imported file. `get` computes one of its names."""

    what: str
    names: Callable[[], set[str]]
    get: Callable[[str], Value | None]
    kind: str = "section"


@dataclass(eq=False)
class ModuleValue:
    """Something with weights (or a chain of such things) that waits for its inputs.

    home       the scope of a named module; an unnamed one takes the scope of the place where it is applied
    shared     said with `shared`; applying a module twice without it is an error
    name_span  where its name is written; None for an unnamed one
    uses       where it is applied; `tied` is where its weights are used by another module
    """

    span: Span
    what: str
    home: Scope | None = None
    shared: bool = False
    name: str = ""
    name_span: Span | None = None
    uses: list[Span] = field(default_factory=list)
    tied: list[Span] = field(default_factory=list)


@dataclass(eq=False)
class ComponentModule(ModuleValue):
    """A component with its parameters bound and inputs missing."""

    signature: Signature = field(kw_only=True)
    params: Mapping[str, Static | PartValue | ModuleReference] = field(kw_only=True)
    inputs: Mapping[str, tuple[Ref, ...]] = field(kw_only=True)


@dataclass(eq=False)
class BlockModule(ModuleValue):
    """A block with its static parameters bound and tensors missing."""

    block: BlockValue = field(kw_only=True)
    statics: Mapping[str, Value] = field(kw_only=True)
    inputs: Mapping[str, TensorValue] = field(kw_only=True)


@dataclass(eq=False)
class PipeModule(ModuleValue):
    """Modules one after the other."""

    steps: tuple[ModuleValue, ...] = field(kw_only=True)


@dataclass(eq=False)
class RepeatModule(ModuleValue):
    """`repeat count as index { body }`: fresh weights each time; `alike` when no copy knows its number."""

    count: int = field(kw_only=True)
    body_span: Span = field(kw_only=True)
    alike: bool = field(kw_only=True)
    body: Callable[[int, Scope], Value] = field(kw_only=True)


@dataclass(eq=False)
class TableModule(ModuleValue):
    """The rows of a table, one after the other; a row computes its cells when it is called, None after an error."""

    rows: tuple[Callable[[], Row | None], ...] = field(kw_only=True)


@dataclass(frozen=True)
class Row:
    """A row of a table: a block with its arguments, and how often it is repeated."""

    count: int
    module: BlockModule
    span: Span


Value = (
    Static
    | PartValue
    | TensorValue
    | ModuleValue
    | BlockValue
    | SignatureValue
    | FunctionValue
    | Namespace
    | tuple[TensorValue, ...]
    | Unknown
)


def describe(value: Value) -> str:
    """What kind of thing a value is, for messages: "a tensor", "the module conv1d"."""
    if isinstance(value, Static):
        return describe_static(value)
    if isinstance(value, PartValue):
        return f"the {value.family} {value.name}" if value.family != "section" else f"the section {value.name}"
    if isinstance(value, TensorValue):
        return "a tensor" if value.results else "a stream"
    if isinstance(value, ModuleValue):
        return f"a module ({value.what})"
    if isinstance(value, BlockValue):
        return f"the block {value.block.name}"
    if isinstance(value, SignatureValue):
        return f"the {value.signature.family} {value.signature.name}"
    if isinstance(value, FunctionValue):
        return f"the function {value.name}"
    if isinstance(value, Namespace):
        return f"the {value.kind} {value.what}"
    return "a tuple of tensors" if isinstance(value, tuple) else "an unknown value"

"""Unification of a signature's letters with the types that an operation is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ..dsl.syntax import Attribute, Binary, Expression, Name, Number, TypeExpression
from .component import Component
from .dim import Dim
from .signatures import TypedInput
from .tensor_type import LETTERS, Axis, TensorType

_TIMES = ("time", "samples", "target_time", "source_time")


@dataclass(frozen=True)
class Side:
    """One of the facts that disagree: an axis of an input."""

    input: str
    position: int
    axis: int


class Clash(Exception):
    """Two facts that disagree."""

    def __init__(
        self, code: str, message: str, *, at: str = "", sides: tuple[Side, ...] = (), helps: tuple[str, ...] = ()
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.at = at
        self.sides = sides
        self.helps = helps


@dataclass(frozen=True)
class _Bound:
    axis: Axis
    side: Side


@dataclass
class Letters:
    """What the letters of one signature stand for at one use."""

    bound: dict[str, _Bound] = field(default_factory=dict)
    leading: tuple[Axis, ...] | None = None
    leading_side: Side | None = None
    kind: str = ""
    first: TensorType | None = None

    def unify(self, one: TypedInput, given: TensorType, operation: Component, position: int) -> None:
        """Bind the letters of one input; raises Clash."""
        name = operation.name
        label = one.name if not one.variadic else f"input {position + 1}"
        if self.first is None:
            self.first = given
        if given.element == "index" and one.name not in operation.tokens:
            held = "token numbers" if given.is_seq else "lengths"
            raise Clash(
                "S2S301",
                f"{name} computes on real numbers, but `{label}` holds {held}",
                at=f"{label} is {given} of {held}",
                sides=(Side(one.name, position, 0),),
            )
        wanted = one.type
        if wanted.kind == "seq" and not given.is_seq:
            raise Clash(
                "S2S403",
                f"{name} needs a sequence, but `{label}` has no time axis",
                at=f"{label} is {given}",
                sides=(Side(one.name, position, 0),),
            )
        if wanted.axes is None:
            self.kind = self.kind or given.kind
            return
        axes = list(wanted.axes)
        start = 0
        if axes and isinstance(axes[0], Name) and axes[0].name == "..":
            axes = axes[1:]
            start = given.rank - len(axes)
            self._bind_leading(given, start, name, label, Side(one.name, position, 0))
        if given.rank - start != len(axes) or start < 0:
            raise Clash(
                "S2S401",
                f"{name} needs {_spelt(wanted)}, but `{label}` is {given}",
                at=f"{given.rank} axes",
                sides=(Side(one.name, position, given.rank - 1),),
            )
        for offset, expression in enumerate(axes):
            index = start + offset
            self._bind(expression, given.axes[index], Side(one.name, position, index), operation, label)

    def _bind_leading(self, given: TensorType, count: int, name: str, label: str, side: Side) -> None:
        leading = given.axes[: max(count, 0)]
        self.kind = self.kind or given.kind
        if self.leading is None:
            self.leading = leading
            self.leading_side = side
            return
        if len(leading) != len(self.leading):
            ours = ", ".join(str(axis.dim) for axis in self.leading)
            theirs = ", ".join(str(axis.dim) for axis in leading)
            raise Clash(
                "S2S401", f"{name} needs equal axes: [{ours}] and [{theirs}]", at=f"{label} differs", sides=(side,)
            )
        assert self.leading_side is not None
        for index, (first, second) in enumerate(zip(self.leading, leading, strict=True)):
            if first.dim != second.dim:
                before, now = replace(self.leading_side, axis=index), replace(side, axis=index)
                raise _disagreement(name, label, _Bound(first, before), _Bound(second, now))

    def _bind(self, expression: Expression, axis: Axis, side: Side, operation: Component, label: str) -> None:
        if isinstance(expression, Name):
            if expression.name == "_":
                return
            if expression.name in operation.letters:
                self._bind_letter(expression.name, axis, side, operation, label)
                return
        wanted = size(expression, self, operation)
        if wanted is not None and wanted != axis.dim:
            raise Clash(
                "S2S401",
                f"{operation.name} needs {wanted} {axis.name}, but `{label}` has {axis.dim}",
                at=f"{wanted} and {axis.dim}",
                sides=(side,),
            )

    def _bind_letter(self, letter: str, axis: Axis, side: Side, operation: Component, label: str) -> None:
        name, meaning = operation.name, operation.letters[letter]
        if _role(meaning) != _role(axis.name):
            wanted = _role(meaning)
            wanted = meaning if wanted == "features" else wanted
            raise Clash(
                "S2S403",
                f"{name} needs the {wanted} axis here, but `{label}` has {axis.name} ({axis.dim})",
                at=f"axis {side.axis + 1} of {label}",
                sides=(side,),
            )
        if _role(axis.name) == "features" and not axis.dim.is_known:
            raise Clash("S2S403", f"{name} needs a number of {axis.name}, but `{label}` has {axis.dim}", sides=(side,))
        before = self.bound.get(letter)
        if before is None:
            self.bound[letter] = _Bound(axis, side)
        elif before.axis.dim != axis.dim:
            raise _disagreement(name, label, before, _Bound(axis, side))


def _disagreement(name: str, label: str, before: _Bound, now: _Bound) -> Clash:
    ours, theirs = before.axis.dim, now.axis.dim
    sides = (before.side, now.side)
    other = before.side.input if before.side.input != now.side.input else f"input {before.side.position + 1}"
    if ours.symbols != theirs.symbols and ours.symbols and theirs.symbols:
        return Clash(
            "S2S403",
            f"{name} needs one {_role(now.axis.name)} axis, but `{other}` runs over {_over(before.axis, now.axis)} "
            f"and `{label}` over {_over(now.axis, before.axis)}",
            at=f"{ours} is not {theirs}",
            sides=sides,
        )
    helps: tuple[str, ...] = ()
    if _role(now.axis.name) == "time":
        helps = ("give both branches the same strides and padding",)
    elif ours.is_known and theirs.is_known:
        helps = (f"make both {ours} or both {theirs}, for instance with linear({ours})",)
    return Clash(
        "S2S401",
        f"{name} needs equal {_plural(now.axis.name)}, but `{other}` has {ours} and `{label}` has {theirs}",
        at=f"{ours} is not {theirs}",
        sides=sides,
        helps=helps,
    )


def _over(axis: Axis, other: Axis) -> str:
    """The size of an axis, with its name where the other one has another."""
    return f"{axis.dim}" if axis.name == other.name else f"{axis.dim} ({axis.name})"


def result_type(wanted: TypeExpression | None, letters: Letters, operation: Component) -> TensorType:
    """The type of a result from what the letters stand for."""
    assert wanted is not None, f"{operation.name}: a result needs a type, or infer()"
    assert wanted.axes is not None, f"{operation.name}: a result needs its axes, or infer()"
    axes: list[Axis] = []
    kind = wanted.kind
    for expression in wanted.axes:
        if isinstance(expression, Name) and expression.name == "..":
            assert letters.leading is not None, f"{operation.name}: `..` stands for nothing"
            axes.extend(letters.leading)
            kind = letters.kind
        elif isinstance(expression, Name) and expression.name in letters.bound:
            axes.append(letters.bound[expression.name].axis)
        else:
            dim = size(expression, letters, operation)
            assert dim is not None, f"{operation.name}: the signature leaves a size open; infer() has to say it"
            axes.append(Axis("features", dim))
    return TensorType("seq" if kind == "seq" else "tensor", tuple(axes))


def size(expression: Expression, letters: Letters, operation: Component) -> Dim | None:
    """A size from letters, numbers and the operation's parameters; None if it is open."""
    if isinstance(expression, Number):
        return Dim(int(expression.value))
    if isinstance(expression, Name):
        if expression.name in letters.bound:
            return letters.bound[expression.name].axis.dim
        value = operation.values().get(expression.name, getattr(operation, expression.name, None))
        return Dim(value) if isinstance(value, int) and not isinstance(value, bool) else None
    if isinstance(expression, Binary):
        left, right = size(expression.left, letters, operation), size(expression.right, letters, operation)
        return None if left is None or right is None else arithmetic(expression.operator, left, right)
    assert not isinstance(expression, Attribute)
    return None


def arithmetic(operator: str, left: Dim, right: Dim) -> Dim | None:
    """Left operator right, for what keeps a size a linear form."""
    if operator == "+":
        return left + right
    if operator == "-":
        return left - right
    if operator == "*" and right.is_known:
        return left * right.known
    if operator == "*" and left.is_known:
        return right * left.known
    if operator in ("//", "/") and right.is_known and right.known > 0:
        return left // right.known
    return None


def _role(name: str) -> str:
    if name == "batch":
        return "batch"
    return "time" if name in _TIMES else "features"


def role(axis_name: str) -> str | None:
    """What a name says about an axis ("batch", "time", "features"); None for a name that says nothing."""
    known: Mapping[str, str] = {name: _role(name) for name in LETTERS.values()}
    return known.get(axis_name)


def _plural(name: str) -> str:
    return name if name.endswith("s") or name == "time" else f"{name} sizes"


def _spelt(wanted: TypeExpression) -> str:
    return wanted.span.text

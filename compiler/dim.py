"""Sizes of axes: integers, symbols and linear forms with floor and ceiling division, kept canonical."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import total_ordering


@total_ordering
@dataclass(frozen=True)
class Symbol:
    """An unknown, non-negative size: B, T, N."""

    name: str

    def __str__(self) -> str:
        return self.name

    def __lt__(self, other: Atom) -> bool:
        return str(self) < str(other)


@total_ordering
@dataclass(frozen=True)
class Floor:
    """floor(numerator / divisor), divisor above 1, not reducible."""

    numerator: Dim
    divisor: int

    def __str__(self) -> str:
        """Written as ceil where the numerator's constant says so: floor((T+1)/2) = ceil(T/2)."""
        rest = self.numerator - (self.divisor - 1)
        if rest.const == 0 and self.numerator.const == self.divisor - 1:
            return f"ceil({_bracketed(rest)}/{self.divisor})"
        return f"floor({_bracketed(self.numerator)}/{self.divisor})"

    def __lt__(self, other: Atom) -> bool:
        return str(self) < str(other)


Atom = Symbol | Floor


@dataclass(frozen=True)
class Dim:
    """const + sum of coefficient * atom, atoms sorted and coefficients non-zero: equal sizes compare equal."""

    const: int
    terms: tuple[tuple[Atom, int], ...] = ()

    @staticmethod
    def of(value: int | str | Dim) -> Dim:
        """A number, a symbol's name, or a Dim as it is."""
        if isinstance(value, Dim):
            return value
        if isinstance(value, str):
            return Dim(0, ((Symbol(value), 1),))
        return Dim(value)

    @property
    def is_known(self) -> bool:
        return not self.terms

    @property
    def known(self) -> int:
        """The number; only for a Dim without symbols."""
        assert not self.terms, f"{self} is not a number"
        return self.const

    def __add__(self, other: int | Dim) -> Dim:
        other = Dim.of(other)
        terms = dict(self.terms)
        for atom, coefficient in other.terms:
            terms[atom] = terms.get(atom, 0) + coefficient
        return _canonical(self.const + other.const, terms)

    def __neg__(self) -> Dim:
        return self * -1

    def __sub__(self, other: int | Dim) -> Dim:
        return self + (-Dim.of(other))

    def __mul__(self, factor: int) -> Dim:
        return _canonical(self.const * factor, {atom: coefficient * factor for atom, coefficient in self.terms})

    def __floordiv__(self, divisor: int) -> Dim:
        """floor(self / divisor) with everything divisible taken out and nested divisions merged."""
        assert divisor > 0
        if divisor == 1 or self.is_known:
            return Dim(self.const // divisor, () if self.is_known else self.terms)
        whole = {atom: coefficient // divisor for atom, coefficient in self.terms if coefficient % divisor == 0}
        rest = {atom: coefficient for atom, coefficient in self.terms if coefficient % divisor != 0}
        outside = _canonical(self.const // divisor, whole)
        if not rest:
            return outside
        inside = _canonical(self.const % divisor, rest)
        # floor(floor(x / a) / b) = floor(x / ab), also with an integer added inside
        if len(rest) == 1:
            ((atom, coefficient),) = rest.items()
            if isinstance(atom, Floor) and coefficient == 1:
                merged = (atom.numerator + inside.const * atom.divisor) // (atom.divisor * divisor)
                return outside + merged
        return outside + Dim(0, ((Floor(inside, divisor), 1),))

    def ceildiv(self, divisor: int) -> Dim:
        """ceil(self / divisor)."""
        return (self + (divisor - 1)) // divisor

    def value(self, sizes: Mapping[str, int]) -> int:
        """The number for given symbols; KeyError names a symbol without a size."""
        total = self.const
        for atom, coefficient in self.terms:
            inner = sizes[atom.name] if isinstance(atom, Symbol) else atom.numerator.value(sizes) // atom.divisor
            total += coefficient * inner
        return total

    def substitute(self, dims: Mapping[str, Dim]) -> Dim:
        """Replace symbols by other sizes."""
        total = Dim(self.const)
        for atom, coefficient in self.terms:
            if isinstance(atom, Symbol):
                inner = dims.get(atom.name, Dim.of(atom.name))
            else:
                inner = atom.numerator.substitute(dims) // atom.divisor
            total = total + inner * coefficient
        return total

    @property
    def symbols(self) -> frozenset[str]:
        found: set[str] = set()
        for atom, _ in self.terms:
            found |= {atom.name} if isinstance(atom, Symbol) else atom.numerator.symbols
        return frozenset(found)

    def __str__(self) -> str:
        pieces = [_term(atom, coefficient) for atom, coefficient in self.terms]
        if self.const or not pieces:
            pieces.append(str(self.const))
        return " + ".join(pieces).replace("+ -", "- ")


def _canonical(const: int, terms: Mapping[Atom, int]) -> Dim:
    kept = [(atom, coefficient) for atom, coefficient in terms.items() if coefficient]
    return Dim(const, tuple(sorted(kept, key=lambda term: str(term[0]))))


def _term(atom: Atom, coefficient: int) -> str:
    if coefficient == 1:
        return str(atom)
    return f"-{atom}" if coefficient == -1 else f"{coefficient}*{atom}"


def _bracketed(dim: Dim) -> str:
    text = str(dim)
    return f"({text})" if " " in text else text

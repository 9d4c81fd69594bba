"""A parser that is fed tokens one by one, driven by the tables of the grammar."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .parse_tables import ParseTables, Rule
from .tokens import Token

Build = Callable[[list[Any]], Any]


class UnexpectedToken(Exception):
    """A token that cannot stand where it stands."""


class Automaton:
    """The state of a parse. Both stacks may be copied and put back, which undoes what was fed in between.

    states  numbers of states, one more than values
    values  tokens, and what was built of complete rules
    """

    def __init__(self, tables: ParseTables, builds: tuple[Build | None, ...]) -> None:
        self.tables = tables
        self.builds = builds
        self.states = [tables.start]
        self.values: list[Any] = []

    def feed(self, token: Token) -> Any:
        """Take a token; with $END, return what was built. Raises UnexpectedToken: complete rules are built by then."""
        table, rules, states, values, terminal = (
            self.tables.states,
            self.tables.rules,
            self.states,
            self.values,
            token.type,
        )
        while True:
            shift, reduce, _ = table[states[-1]]
            if terminal in shift:
                states.append(shift[terminal])
                values.append(token)
                return None
            if terminal not in reduce:
                raise UnexpectedToken
            number = reduce[terminal]
            build = self.builds[number]
            if build is None:
                states[-1] = table[states[-2]].goto[rules[number].origin]
            else:
                first = len(values) - rules[number].size
                value = build(values[first:])
                del values[first:]
                _complete(self.tables, states, number)
                values.append(value)
            if terminal == "$END" and states[-1] == self.tables.end:
                return values[-1]

    def has_choice(self, terminal: str) -> bool:
        """Whether the parser could do something with a terminal; all that it accepts are among these."""
        shift, reduce, _ = self.tables.states[self.states[-1]]
        return terminal in shift or terminal in reduce

    def accepts(self) -> set[str]:
        """The terminals that may stand here."""
        shift, reduce, _ = self.tables.states[self.states[-1]]
        return {terminal for terminal in (*shift, *reduce) if self._takes(terminal)}

    def _takes(self, terminal: str) -> bool:
        states = list(self.states)
        while True:
            shift, reduce, _ = self.tables.states[states[-1]]
            if terminal in shift:
                return True
            if terminal not in reduce:
                return False
            _complete(self.tables, states, reduce[terminal])
            if terminal == "$END" and states[-1] == self.tables.end:
                return True


def _complete(tables: ParseTables, states: list[int], number: int) -> None:
    """Replace the states of a rule's children by the one after the rule."""
    rule = tables.rules[number]
    del states[len(states) - rule.size :]
    states.append(tables.states[states[-1]].goto[rule.origin])


def builds(tables: ParseTables, builder: object) -> tuple[Build | None, ...]:
    """What makes a value of each complete rule's children; None where its only child stands for the whole."""
    return tuple(_build(rule, builder) for rule in tables.rules)


def _build(rule: Rule, builder: object) -> Build | None:
    if rule.passes and rule.size == 1 and not rule.inlined:
        return None
    # the children of a rule that begins with `_` wait in a list
    make: Build = list if rule.origin.startswith("_") else getattr(builder, rule.builds)

    def build(children: list[Any]) -> Any:
        for index in reversed(rule.inlined):
            children[index : index + 1] = children[index]
        return children[0] if rule.passes and len(children) == 1 else make(children)

    return build

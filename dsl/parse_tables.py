"""The LALR tables of s2s.lark: made by lark, kept in s2s.tables.json so that a start need not make them again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

GRAMMAR = Path(__file__).with_name("s2s.lark")
TABLES = Path(__file__).with_name("s2s.tables.json")


class Rule(NamedTuple):
    """One alternative of a rule.

    origin    the rule; one that begins with `_` gives its children to the rule that uses it
    builds    the method of TreeBuilder that is called for it
    size      how many children it has
    inlined   which of them are rules that begin with `_`
    passes    whether a single child stands for the whole (`?rule`)
    """

    origin: str
    builds: str
    size: int
    inlined: tuple[int, ...]
    passes: bool


class State(NamedTuple):
    """What the parser does in one state.

    shift    terminal to the state after it
    reduce   terminal to the number of the rule that is complete before it
    goto     rule to the state after it
    """

    shift: dict[str, int]
    reduce: dict[str, int]
    goto: dict[str, int]


class ParseTables(NamedTuple):
    """What parsing and lexing need of the grammar.

    patterns  terminals with a regular expression: NAME, NUMBER, STRING, COMMENT, COMPARISON
    words     "->" and "let" to the names of their terminals, ARROW and LET
    """

    states: tuple[State, ...]
    rules: tuple[Rule, ...]
    start: int
    end: int
    patterns: dict[str, str]
    words: dict[str, str]


def parse_tables() -> ParseTables:
    """The tables from their file; made anew if that is missing or of another grammar."""
    grammar = GRAMMAR.read_bytes()
    try:
        kept = json.loads(TABLES.read_bytes())
        if kept["made_from"] == sha256(grammar).hexdigest():
            return _from_json(kept)
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return made_tables(grammar.decode())


def tables_json() -> str:
    """What s2s.tables.json should hold; `make docs` writes it."""
    grammar = GRAMMAR.read_bytes()
    tables = made_tables(grammar.decode())
    head = {
        "made_from": sha256(grammar).hexdigest(),
        "start": tables.start,
        "end": tables.end,
        "patterns": tables.patterns,
        "words": tables.words,
    }
    lines = [f'"{name}": {json.dumps(value)}' for name, value in head.items()]
    lines += [f'"{name}": [\n{_rows(getattr(tables, name))}\n]' for name in ("rules", "states")]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _rows(rows: tuple[Any, ...]) -> str:
    return ",\n".join(json.dumps(row, separators=(",", ":"), sort_keys=True) for row in rows)


def _from_json(kept: dict[str, Any]) -> ParseTables:
    rules = tuple(
        Rule(origin, builds, size, tuple(inlined), passes) for origin, builds, size, inlined, passes in kept["rules"]
    )
    states = tuple(State(*state) for state in kept["states"])
    return ParseTables(states, rules, kept["start"], kept["end"], kept["patterns"], kept["words"])


# ---------------------------------------------------------------- made by lark


def made_tables(grammar: str) -> ParseTables:
    """Have lark make the tables of a grammar."""
    # lark is needed only where the tables are made: importing it and making them is a third of the time of a lint
    from lark import Lark
    from lark.grammar import Rule as LarkRule
    from lark.lexer import Lexer, TerminalDef

    class Unused(Lexer):
        """Tokens are made by dsl.lexing; a lexer of lark's would want patterns for END and QUANTITY."""

        def __init__(self, configuration: Any) -> None:
            pass

        def lex(self, *_: Any) -> Iterator[Any]:
            return iter(())

    lark = Lark(grammar, parser="lalr", lexer=Unused, start="document", keep_all_tokens=True, maybe_placeholders=False)
    content, memo = lark.memo_serialize([LarkRule, TerminalDef])
    table = content["parser"]["parser"]
    made = [(key, entry) for key, entry in memo.items() if entry["__type__"] == "Rule"]
    made.sort(key=lambda rule: (rule[1]["origin"]["name"], rule[1]["order"]))
    numbers = {key: number for number, (key, _) in enumerate(made)}
    states = {key: _state(actions, table["tokens"], numbers) for key, actions in table["states"].items()}
    order = _in_order(states, table["start_states"]["document"])
    patterns = {terminal.name: terminal.pattern for terminal in lark.terminals}
    words = {pattern.value: name for name, pattern in sorted(patterns.items()) if pattern.type == "str"}
    words |= dict.fromkeys(patterns["COMPARISON"].value.split("|"), "COMPARISON")
    return ParseTables(
        tuple(_renumbered(states[key], order) for key in order),
        tuple(_rule(entry) for _, entry in made),
        order[table["start_states"]["document"]],
        order[table["end_states"]["document"]],
        {name: pattern.value for name, pattern in sorted(patterns.items()) if pattern.type == "re"},
        words,
    )


def _in_order(states: dict[int, State], start: int) -> dict[int, int]:
    """Map the numbers that lark gave states to ones that are the same each time: the order of reaching them."""
    order = {start: 0}
    # grows while it is read
    reached = [start]
    for key in reached:
        state = states[key]
        for after in (*state.shift.values(), *state.goto.values()):
            if after not in order:
                order[after] = len(order)
                reached.append(after)
    return order


def _renumbered(state: State, order: dict[int, int]) -> State:
    shift = {name: order[after] for name, after in state.shift.items()}
    goto = {name: order[after] for name, after in state.goto.items()}
    return State(shift, state.reduce, goto)


def _rule(entry: dict[str, Any]) -> Rule:
    expansion = [symbol["name"] for symbol in entry["expansion"]]
    rules = [symbol["__type__"] == "NonTerminal" for symbol in entry["expansion"]]
    return Rule(
        entry["origin"]["name"],
        entry["alias"] or entry["origin"]["name"],
        len(expansion),
        tuple(index for index, name in enumerate(expansion) if rules[index] and name.startswith("_")),
        entry["options"]["expand1"] and not entry["alias"],
    )


def _state(actions: dict[int, Any], names: dict[int, str], numbers: dict[int, int]) -> State:
    shift: dict[str, int] = {}
    reduce: dict[str, int] = {}
    goto: dict[str, int] = {}
    for key, (reduces, argument) in sorted(actions.items(), key=lambda action: names[action[0]]):
        name = names[key]
        if reduces:
            reduce[name] = numbers[argument["@"]]
        elif name.isupper():
            shift[name] = argument
        else:
            goto[name] = argument
    return State(shift, reduce, goto)

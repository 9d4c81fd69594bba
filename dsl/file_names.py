"""The names that one file defines: its lets, its blocks, the files that it imports and the modules that it uses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from . import syntax
from .diagnostics import Label
from .evaluator import Evaluator
from .expansion import axis_names, look_into
from .modules import (
    UNKNOWN,
    BlockValue,
    Environment,
    ModuleValue,
    Namespace,
    Scope,
    SignatureValue,
    TensorValue,
    Thunk,
    Value,
    describe,
)
from .references import names_in
from .sections import override_part
from .signature import Signature
from .values import PartValue


@dataclass
class FileNames:
    """What a file defines, and the environment in which all of it is seen.

    imported  another file asked for it: its lets are no paths that a profile or `--set` may set
    """

    evaluator: Evaluator
    environment: Environment
    imported: bool = False
    lets: dict[str, Thunk] = field(default_factory=dict)
    blocks: dict[str, Thunk] = field(default_factory=dict)
    imports: dict[str, Thunk] = field(default_factory=dict)
    uses: dict[str, Thunk] = field(default_factory=dict)
    _written: dict[str, syntax.Expression] = field(default_factory=dict)

    def declare_import(self, statement: syntax.Import, names: FileNames | None) -> None:
        """An imported file under its alias; None for one that could not be had, of which all uses stay silent."""
        if names is None:
            self.add(
                self.imports, Thunk(statement.alias, statement.alias_span, lambda: UNKNOWN, used=True, silent=True)
            )
            return
        namespace = names.namespace(statement.alias)
        self.environment.imports.setdefault(statement.alias, namespace)
        self.add(self.imports, Thunk(statement.alias, statement.alias_span, lambda: namespace))

    def declare_use(self, statement: syntax.Use, modules: Mapping[str, Signature] | None) -> None:
        """Users' modules under an alias; None for a file that could not be had, of which all uses stay silent."""
        if modules is None:
            self.add(self.uses, Thunk(statement.alias, statement.alias_span, lambda: UNKNOWN, used=True, silent=True))
            return

        def get(name: str) -> Value | None:
            return SignatureValue(modules[name]) if name in modules else None

        namespace = Namespace(statement.alias, lambda: set(modules), get, kind="package")
        self.environment.imports.setdefault(statement.alias, namespace)
        self.add(self.uses, Thunk(statement.alias, statement.alias_span, lambda: namespace))

    def declare_block(self, statement: syntax.Block) -> None:
        value = BlockValue(statement, self.environment, axis_names(statement))
        self.add(self.blocks, Thunk(statement.name, statement.name_span, lambda: value))

    def declare_let(self, statement: syntax.Let) -> None:
        self._written.setdefault(statement.name, statement.value)
        self.add(self.lets, Thunk(statement.name, statement.name_span, lambda: self._let(statement)))

    def add(self, kind: dict[str, Thunk], thunk: Thunk) -> None:
        """Put a name into the file's environment, and report one that is there already."""
        first = self.environment.names.get(thunk.name)
        if first is not None and first.silent:
            kind[thunk.name] = self.environment.names[thunk.name] = thunk
            return
        if first is not None:
            self.evaluator.findings.error(
                "S2S204", f"`{thunk.name}` is defined twice", thunk.span, labels=(Label(first.span, "first here"),)
            )
            # which of them is meant is unknown; both are looked at
            kind[f"{thunk.name} again at {thunk.span.start}"] = thunk
            thunk.used = True
            self.environment.names[thunk.name] = Thunk(thunk.name, first.span, lambda: UNKNOWN, used=True, silent=False)
            first.used = True
            return
        kind[thunk.name] = thunk
        self.environment.names[thunk.name] = thunk

    def namespace(self, alias: str) -> Namespace:
        """`gnmt.…`: the lets and blocks of this file, as another one sees them."""

        def get(name: str) -> Value | None:
            thunk = self.lets.get(name) or self.blocks.get(name)
            return None if thunk is None else self.evaluator.force(thunk)

        return Namespace(alias, lambda: {*self.lets, *self.blocks}, get, kind="import")

    def force_lets(self) -> None:
        """Compute all lets, each after those that it mentions: a chain of them has no depth, however long it is."""
        done: set[str] = set()
        for name in self.lets:
            waiting = [(name, self._mentioned_lets(name))]
            while waiting:
                current, mentioned = waiting[-1]
                done.add(current)
                following = next((one for one in mentioned if one not in done), None)
                if following is not None:
                    waiting.append((following, self._mentioned_lets(following)))
                    continue
                waiting.pop()
                thunk = self.lets[current]
                used = thunk.used
                self.evaluator.force(thunk)
                thunk.used = used

    def look_into_blocks(self) -> None:
        """Find the mistakes in blocks that nothing uses."""
        for thunk in self.blocks.values():
            used = thunk.used
            block = self.evaluator.force(thunk)
            assert isinstance(block, BlockValue)
            look_into(self.evaluator, block)
            thunk.used = used

    def _let(self, statement: syntax.Let) -> Value:
        name, evaluator = statement.name, self.evaluator
        expression, kind = statement.value, evaluator.origin_kind
        if not self.imported:
            evaluator.paths[name] = statement.name_span
            expression, kind = evaluator.overrides.get(name, (statement.value, "spec"))
            if name in evaluator.overrides:
                evaluator.consumed.add(name)
        outer, evaluator.origin_kind = evaluator.origin_kind, kind
        value = evaluator.evaluate(expression, self.environment, Scope(f"let.{name}"))
        evaluator.origin_kind = outer
        value = evaluator.mentioned(value, expression.span)
        if isinstance(value, PartValue) and not self.imported:
            changed = override_part(evaluator, value, name, self.environment, Scope(name))
            return UNKNOWN if changed is None else changed
        if isinstance(value, ModuleValue) and value.home is None:
            value.name, value.name_span = name, statement.name_span
        if isinstance(value, TensorValue | tuple):
            evaluator.findings.error(
                "S2S301",
                f"`{name}` is {describe(value)}, a let holds a static value, a part or a module",
                statement.value.span,
                helps=("name a tensor in the encoder or the decoder",),
            )
            return UNKNOWN
        return value

    def _mentioned_lets(self, name: str) -> Iterator[str]:
        expression = self._written.get(name)
        if not self.imported and name in self.evaluator.overrides:
            expression = self.evaluator.overrides[name][0]
        return iter([] if expression is None else [one for one in names_in(expression) if one in self.lets])

"""A syntax tree into a resolved spec: names bound, blocks expanded, defaults filled, provenance kept."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from . import syntax
from .declarations import check_declarations
from .diagnostics import Diagnostic, Findings, Fix, Label
from .evaluator import Evaluator
from .expansion import statement_thunks
from .file_names import FileNames
from .fixes import instead, meant, without_statement
from .imports import ImportRefused, Imports, Loader, load_imports
from .limits import LIMITS
from .modules import (
    UNKNOWN,
    Environment,
    LimitReached,
    ModuleValue,
    Namespace,
    Scope,
    TensorValue,
    Thunk,
    Unknown,
    Value,
)
from .parser import parse_expression
from .sections import bind_section, data_namespace, settings_namespace
from .signature import Catalogue, Signature
from .source import Source, Span
from .spec import Spec
from .suggest import closest, did_you_mean, listing, possessive
from .values import OriginKind, PartValue, Ref, Static

_REQUIRED = {
    "data": "data speech { … }",
    "loss": "loss = ctc_loss(…)",
    "hyperparameters": "hyperparameters { … }",
}
MODEL_SECTIONS = ("encoder", "decoder")
SECTIONS = ("data", "encoder", "decoder", "loss", "hyperparameters", "export", "profile")
IMPORTABLE = (syntax.Edition, syntax.Import, syntax.Use, syntax.Let, syntax.Block)


def resolve(
    document: syntax.Document,
    catalogue: Catalogue,
    findings: Findings,
    *,
    loader: Loader,
    profile: str | Sequence[str] | None = None,
    sets: Sequence[str] = (),
    name: str = "",
) -> Spec | None:
    """Bind and expand a document; None when there are errors (all of them are in `findings`).

    loader   what finds the files that it imports
    profile  the profile to apply, or several that set different things
    sets     "path=expression", stronger than the profile
    name     what the spec is called, its file's stem
    """
    chosen = (profile,) if isinstance(profile, str) else tuple(dict.fromkeys(profile or ()))

    def run() -> Spec | None:
        imports = load_imports(document, loader, findings)
        return _Resolution(document, imports, loader, Evaluator(catalogue, findings), chosen, name).run(sets)

    return _within_limits(run, findings)


def resolve_blocks(document: syntax.Document, catalogue: Catalogue, findings: Findings, *, loader: Loader) -> None:
    """Look at a file that only defines what others import: as far as that goes without knowing who does."""

    def run() -> None:
        imports = load_imports(document, loader, findings)
        _Resolution(document, imports, loader, Evaluator(catalogue, findings), (), "").run_alone()

    _within_limits(run, findings)


def only_blocks(document: syntax.Document) -> bool:
    """Whether a file defines what others import, and no spec."""
    kinds = {type(statement) for statement in document.statements}
    return kinds <= set(IMPORTABLE) and not kinds.isdisjoint((syntax.Let, syntax.Block))


def _within_limits(run: Callable[[], Spec | None], findings: Findings) -> Spec | None:
    """What `run` gives; None after an error when it reaches a limit of the language."""
    try:
        with _deep_recursion():
            return run()
    except LimitReached as limit:
        findings.error(limit.code, limit.message, limit.span, at="the limit is reached here", notes=limit.notes)
        return None


@contextmanager
def _deep_recursion() -> Iterator[None]:
    # evaluation depth is capped by the language's limits; Python's default is below them
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, 20_000))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


@dataclass
class _Resolution:
    """The top level of one document.

    chosen      the profiles to apply
    names       what it defines; `files` are the same of all files that it imports
    signatures  the signature files that were asked for, and what they declare
    """

    document: syntax.Document
    imports: Imports
    loader: Loader
    evaluator: Evaluator
    chosen: tuple[str, ...]
    name: str
    environment: Environment = field(default_factory=lambda: Environment({}))
    files: dict[Source, FileNames] = field(default_factory=dict)
    sections: dict[str, Thunk] = field(default_factory=dict)
    members: dict[str, dict[str, Thunk]] = field(default_factory=dict)
    bound: dict[str, PartValue] = field(default_factory=dict)
    exports: dict[str, syntax.Section] = field(default_factory=dict)
    profiles: dict[str, syntax.Section] = field(default_factory=dict)
    assigned: set[str] = field(default_factory=set)
    signatures: dict[str, tuple[Source, Mapping[str, Signature] | None]] = field(default_factory=dict)
    edition: int = 1

    def __post_init__(self) -> None:
        self.names = FileNames(self.evaluator, self.environment)
        self.evaluator.imported = frozenset(self.imports.documents)

    def run(self, sets: Sequence[str]) -> Spec | None:
        findings = self.evaluator.findings
        self._declare_files()
        for statement in self.document.statements:
            self._declare(statement)
        self._declare_missing()
        self._let_files_see_hyperparameters()
        self._check_declarations()
        targets = self._overrides(sets)
        self._force_lets()
        values = {section: self._section(section, thunk) for section, thunk in self._in_order(self.sections)}
        exports = self._exports()
        self._check_targets(targets)
        self._look_into_blocks()
        loss = self._loss(values.get("loss", UNKNOWN))
        infer = self._infer()
        if not findings.has_errors:
            self._report_unused()
        if findings.has_errors or "data" not in self.bound or "hyperparameters" not in self.bound:
            return None
        return Spec(
            name=self.name,
            edition=self.edition,
            sources=(
                self.document.source,
                *self.imports.documents,
                *(source for source, _ in self.signatures.values()),
            ),
            data=self.bound["data"],
            instances=tuple(self.evaluator.instances),
            constraints=tuple(self.evaluator.constraints),
            names=self._named_tensors(),
            loss=loss,
            infer=infer,
            hyperparameters=self.bound["hyperparameters"],
            exports=exports,
            profile="+".join(sorted(self.chosen)) or None,
            lets={
                name: thunk.value
                for name, thunk in self.names.lets.items()
                if isinstance(thunk.value, Static | PartValue)
            },
        )

    def run_alone(self) -> None:
        """Look at the document as a file that others import."""
        self._declare_files()
        for statement in self.document.statements:
            self._declare(statement)
        end = Span(self.document.source, len(self.document.source.text), len(self.document.source.text))
        self._stand_in("hyperparameters", end)
        self.environment.imported = True
        self._let_files_see_hyperparameters()
        self._check_declarations()
        self._force_lets()
        self._look_into_blocks()
        if not self.evaluator.findings.has_errors:
            self._report_unused_imports()

    # ------------------------------------------------------------ files

    def _declare_files(self) -> None:
        """What imported files define; names among files are lazy, so their order does not matter."""
        for source in self.imports.documents:
            self.files[source] = FileNames(self.evaluator, Environment({}, imported=True), imported=True)
        for source, document in self.imports.documents.items():
            for statement in document.statements:
                self._declare_imported(self.files[source], statement)

    def _declare_imported(self, names: FileNames, statement: syntax.Statement) -> None:
        if isinstance(statement, syntax.Import):
            names.declare_import(statement, self._target(statement))
        elif isinstance(statement, syntax.Let):
            names.declare_let(statement)
        elif isinstance(statement, syntax.Block):
            names.declare_block(statement)
        elif isinstance(statement, syntax.Use):
            names.declare_use(statement, self._used(statement))
        elif not isinstance(statement, syntax.Edition):
            what, span = f"a {type(statement).__name__.lower()}", statement.span
            if isinstance(statement, syntax.Section):
                what, span = f"a section `{statement.kind}`", statement.kind_span
            elif isinstance(statement, syntax.Assign):
                what, span = f"`{statement.name}`", statement.name_span
            self.evaluator.findings.error(
                "S2S201",
                f"{what} cannot stand in an imported file",
                span,
                helps=("it holds `edition`, `import`, `use`, `let` and `block`; the rest belongs to the spec",),
            )

    def _target(self, statement: syntax.Import) -> FileNames | None:
        source = self.imports.targets.get(statement.span)
        return None if source is None else self.files[source]

    def _let_files_see_hyperparameters(self) -> None:
        for names in self.files.values():
            names.environment.names.setdefault("hyperparameters", self.environment.names["hyperparameters"])

    def _check_declarations(self) -> None:
        check_declarations(self.evaluator, self.document.statements, self.environment)
        for source, document in self.imports.documents.items():
            check_declarations(self.evaluator, document.statements, self.files[source].environment)

    def _force_lets(self) -> None:
        for names in (*self.files.values(), self.names):
            names.force_lets()

    def _look_into_blocks(self) -> None:
        for names in (self.names, *self.files.values()):
            names.look_into_blocks()

    # ------------------------------------------------------------ declarations

    def _declare(self, statement: syntax.Statement) -> None:
        if isinstance(statement, syntax.Edition):
            self.edition = statement.number
        elif isinstance(statement, syntax.Import):
            self.names.declare_import(statement, self._target(statement))
        elif isinstance(statement, syntax.Use):
            self.names.declare_use(statement, self._used(statement))
        elif isinstance(statement, syntax.Let):
            self.names.declare_let(statement)
        elif isinstance(statement, syntax.Block):
            self.names.declare_block(statement)
        elif isinstance(statement, syntax.Section):
            self._declare_section(statement)
        elif isinstance(statement, syntax.Assign):
            self._declare_assign(statement)
        elif isinstance(statement, syntax.Module):
            self.evaluator.findings.error(
                "S2S201",
                "a `module` stands in a signature file",
                statement.name_span,
                helps=("put it into a file such as my_layers/layers.s2s-sig, and name that with `use`",),
            )
        else:
            self.evaluator.findings.error(
                "S2S201", "a table stands in an encoder, a decoder or a block", statement.span
            )

    def _used(self, statement: syntax.Use) -> Mapping[str, Signature] | None:
        """What a signature file declares, by name; None after an error. Each file is read once."""
        if statement.module not in self.signatures:
            evaluator, span = self.evaluator, statement.module_span
            try:
                source = self.loader.load_signature(statement.module, statement.span.source)
            except ImportRefused as refused:
                evaluator.findings.error(refused.code, refused.message, span, at="used here", helps=refused.helps)
                return None
            num_bytes = sum(len(one.text.encode()) for one in (source, *(one for one, _ in self.signatures.values())))
            if len(self.signatures) >= LIMITS.includes or num_bytes > LIMITS.total_bytes:
                most = f"{LIMITS.includes} signature files of {LIMITS.total_bytes // 1024} KiB together"
                evaluator.findings.error("S2S110", f"a spec uses at most {most}", span, at="this is more")
                return None
            found = None
            parsed = self.loader.parse(source)
            evaluator.findings.take(parsed.problems, unless=lambda place: False)
            if not parsed.problems.has_errors:
                found = evaluator.catalogue.declare(statement.module, parsed.document, evaluator.findings)
            self.signatures[statement.module] = (source, found)
        return self.signatures[statement.module][1]

    def _declare_missing(self) -> None:
        """Report sections that every spec has; what uses them stays silent."""
        source = self.document.source
        end = Span(source, len(source.text), len(source.text))
        for section, example in _REQUIRED.items():
            if section not in self.environment.names:
                self.evaluator.findings.error(
                    "S2S305",
                    f"the spec has no `{section}`",
                    end,
                    at="the file ends here",
                    helps=(f"add {example}",),
                )
                self._stand_in(section, end)

    def _stand_in(self, name: str, span: Span) -> None:
        """Let a name that was reported stand for something unknown."""
        self.environment.names.setdefault(name, Thunk(name, span, lambda: UNKNOWN, used=True, silent=True))

    def _declare_section(self, section: syntax.Section) -> None:
        findings = self.evaluator.findings
        kind = section.kind
        if kind == "profile" or kind == "export":
            known = self.profiles if kind == "profile" else self.exports
            if section.label is None:
                findings.error(
                    "S2S305", f"`{kind}` needs a label", section.kind_span, helps=(f"write {kind} name {{ … }}",)
                )
            elif section.label in known:
                first = known[section.label].kind_span
                findings.error(
                    "S2S204",
                    f"`{kind} {section.label}` is defined twice",
                    section.kind_span,
                    labels=(Label(first, "first here"),),
                )
            else:
                known[section.label] = section
            return
        computes: dict[str, Callable[[], Value]] = {
            "data": lambda: self._settings(section),
            "hyperparameters": lambda: self._settings(section),
            "encoder": lambda: self._model(section),
            "decoder": lambda: self._model(section),
        }
        if kind == "loss":
            findings.error("S2S301", "`loss` is a value", section.kind_span, helps=("write loss = ctc_loss(…)",))
            self._meant(kind, section.kind_span)
        elif kind not in computes:
            planned = self.evaluator.catalogue.planned(kind)
            notes = (planned,) if planned else ()
            helps = () if planned else did_you_mean(kind, SECTIONS) or (f"a spec has {listing(SECTIONS)}",)
            code = "S2S214" if planned else "S2S201"
            findings.error(
                code,
                f"unknown section `{kind}`",
                section.kind_span,
                at="unknown section",
                notes=notes,
                helps=helps,
                fixes=() if planned else meant(kind, section.kind_span, SECTIONS),
            )
            self._meant(kind, section.kind_span)
        else:
            self.names.add(self.sections, Thunk(kind, section.kind_span, computes[kind]))

    def _declare_assign(self, statement: syntax.Assign) -> None:
        name = statement.name
        if name not in (*MODEL_SECTIONS, "loss"):
            findings = self.evaluator.findings
            helps = did_you_mean(name, SECTIONS) or (f"write let {name} = …",)
            if name in SECTIONS:
                helps = (f"write {name} {{ … }}",)
            findings.error(
                "S2S201",
                f"`{name}` is not a value of a spec" if name in SECTIONS else f"`{name}` is not a part of a spec",
                statement.name_span,
                at="a section" if name in SECTIONS else "unknown",
                helps=helps,
                fixes=() if name in SECTIONS else meant(name, statement.name_span, SECTIONS),
            )
            self._meant(name, statement.name_span)
            return

        def compute() -> Value:
            scope = Scope(name)
            scope.transparent = name in MODEL_SECTIONS
            self.evaluator.paths[name] = statement.name_span
            expression, kind = self.evaluator.overrides.get(name, (statement.value, "spec"))
            if name in self.evaluator.overrides:
                self.evaluator.consumed.add(name)
            outer, self.evaluator.origin_kind = self.evaluator.origin_kind, kind
            value = self.evaluator.evaluate(expression, self.environment, scope)
            self.evaluator.origin_kind = outer
            return self._assigned(statement, value)

        self.names.add(self.sections, Thunk(name, statement.name_span, compute))

    def _assigned(self, statement: syntax.Assign, value: Value) -> Value:
        if statement.name == "loss" or isinstance(value, Unknown):
            return value
        tensor = self.evaluator.tensor(value, statement.value.span, f"tensors for `{statement.name}`")
        if tensor is None:
            return UNKNOWN
        self.assigned.add(statement.name)
        made: dict[str, Value] = {result: TensorValue({result: ref}) for result, ref in tensor.results.items()}
        made.update(tensor.modules)
        thunks = {
            result: Thunk(result, statement.name_span, lambda: UNKNOWN, "done", one) for result, one in made.items()
        }
        self.members[statement.name] = thunks

        def get(name: str) -> Value | None:
            return self.evaluator.force(thunks[name]) if name in thunks else None

        return Namespace(statement.name, lambda: set(made), get)

    def _meant(self, name: str, span: Span) -> None:
        """Take an unknown part for the one that was meant, or for what its name says, so that its uses stay silent."""
        self._stand_in(name if name in SECTIONS else closest(name, SECTIONS) or name, span)

    # ------------------------------------------------------------ sections

    def _settings(self, section: syntax.Section) -> Value:
        catalogue, findings = self.evaluator.catalogue, self.evaluator.findings
        signature = catalogue.section(section.kind, section.label)
        if signature is None:
            labels = catalogue.section_labels(section.kind)
            span = section.label_span or section.kind_span
            planned = catalogue.planned(section.label) if section.label else None
            if planned:
                findings.error(
                    "S2S214",
                    f"`{section.kind} {section.label}` is not in this version",
                    span,
                    at="not built yet",
                    notes=(planned,),
                )
            elif section.label is None:
                ways = tuple(f"write {section.kind} {label} {{ … }}" for label in labels)
                findings.error("S2S305", f"`{section.kind}` needs a label", span, helps=ways)
            else:
                helps = did_you_mean(section.label, labels) or (f"one of {listing(labels)}",)
                message = f"unknown {section.kind} layer `{section.label}`"
                fixes = meant(section.label, span, labels)
                findings.error("S2S201", message, span, at="unknown", helps=helps, fixes=fixes)
            return UNKNOWN
        bound = bind_section(self.evaluator, signature, section.body, section.kind_span, self.environment, section.kind)
        if bound is None:
            return UNKNOWN
        self.bound[section.kind] = bound
        if section.kind == "data":
            return data_namespace(self.evaluator, bound)
        return settings_namespace(section.kind, bound)

    def _model(self, section: syntax.Section) -> Value:
        environment = Environment({}, self.environment)
        thunks = statement_thunks(self.evaluator, section.body, environment, Scope(section.kind), section=section.kind)
        self.members[section.kind] = thunks

        def get(name: str) -> Value | None:
            return self.evaluator.force(thunks[name]) if name in thunks else None

        return Namespace(section.kind, lambda: set(thunks), get)

    def _exports(self) -> dict[str, PartValue]:
        exports: dict[str, PartValue] = {}
        for label, section in self.exports.items():
            signature = self.evaluator.catalogue.section("export", label)
            if signature is None:
                labels = self.evaluator.catalogue.section_labels("export")
                span = section.label_span or section.kind_span
                helps = did_you_mean(label, labels) or (f"one of {listing(labels)}",)
                fixes = meant(label, span, labels)
                self.evaluator.findings.error("S2S201", f"unknown export `{label}`", span, helps=helps, fixes=fixes)
                continue
            path = f"export.{label}"
            bound = bind_section(self.evaluator, signature, section.body, section.kind_span, self.environment, path)
            if bound is not None:
                exports[label] = bound
        return exports

    def _in_order(self, thunks: dict[str, Thunk]) -> list[tuple[str, Thunk]]:
        return sorted(thunks.items(), key=lambda item: item[1].span.start)

    def _section(self, name: str, thunk: Thunk) -> Value:
        """A section's value; the tensors of an encoder or decoder are computed at once, in the order of the file."""
        value = self.evaluator.force(thunk)
        if isinstance(value, Namespace) and name in MODEL_SECTIONS:
            for _, member in self._in_order(self.members[name]):
                used = member.used
                self.evaluator.force(member)
                member.used = used
        return value

    def _named_tensors(self) -> dict[str, Ref]:
        names: dict[str, Ref] = {}
        for section, thunks in self.members.items():
            for name, thunk in thunks.items():
                value = thunk.value
                if not isinstance(value, TensorValue) or not value.results:
                    continue
                names[f"{section}.{name}"] = value.ref
                if len(value.results) > 1:
                    names.update({f"{section}.{name}.{result}": ref for result, ref in value.results.items()})
        return names

    def _family(self, ref: Ref) -> str:
        return next((instance.family for instance in self.evaluator.instances if instance.path == ref.path), "")

    def _loss(self, value: Value) -> Ref | None:
        thunk = self.sections.get("loss")
        if thunk is None:
            return None
        tensor = self.evaluator.tensor(value, thunk.span, "a loss")
        if tensor is None:
            return None
        if self._family(tensor.ref) != "loss":
            self.evaluator.findings.error(
                "S2S301",
                "`loss` is not the result of a loss",
                thunk.span,
                at=f"this is a tensor of `{tensor.ref.path}`",
                helps=("write loss = ctc_loss(…)",),
            )
        return tensor.ref

    def _infer(self) -> Ref | None:
        thunk = self.members.get("decoder", {}).get("infer")
        if thunk is None or not isinstance(thunk.value, TensorValue):
            return None
        if self._family(thunk.value.ref) != "search":
            self.evaluator.findings.error(
                "S2S301",
                "`infer` is not the result of a search",
                thunk.span,
                helps=("write infer = log_probs -> greedy_ctc(…)",),
            )
        return thunk.value.ref

    # ------------------------------------------------------------ overrides

    def _overrides(self, sets: Sequence[str]) -> list[tuple[str, Span, str]]:
        """Fill the evaluator's overrides; gives every path that any profile or flag sets, with where it says so."""
        findings = self.evaluator.findings
        targets: list[tuple[str, Span, str]] = []
        overrides: dict[str, tuple[syntax.Expression, OriginKind]] = {}
        for profile in self.chosen:
            if profile not in self.profiles:
                known = listing(self.profiles) or "none"
                helps = did_you_mean(profile, self.profiles)
                start = Span(self.document.source, 0, 0)
                findings.error(
                    "S2S203", f"unknown profile `{profile}`", start, notes=(f"profiles: {known}",), helps=helps
                )
        setting: dict[str, tuple[str, Span]] = {}
        for label, section in self.profiles.items():
            first: dict[str, Span] = {}
            for path, assign in self._flatten(section.body, ""):
                if path in first:
                    findings.error(
                        "S2S204",
                        f"`{path}` is set twice",
                        assign.name_span,
                        labels=(Label(first[path], "first here"),),
                    )
                first.setdefault(path, assign.name_span)
                targets.append((path, assign.name_span, f"profile `{label}`"))
                if label in self.chosen:
                    self._set_by_one(path, label, assign, setting)
                    overrides[path] = (assign.value, "profile")
        for text in sets:
            found = self._parse_set(text)
            if found is not None:
                path, expression = found
                targets.append((path, expression.span, "--set"))
                overrides[path] = (expression, "set")
        self.evaluator.overrides = overrides
        return targets

    def _set_by_one(self, path: str, label: str, assign: syntax.Assign, setting: dict[str, tuple[str, Span]]) -> None:
        """Report a path that two of the chosen profiles set."""
        other, span = setting.setdefault(path, (label, assign.name_span))
        if other != label:
            self.evaluator.findings.error(
                "S2S204",
                f"`{path}` is set by profile `{other}` and by profile `{label}`",
                assign.name_span,
                labels=(Label(span, f"set by `{other}` here"),),
                helps=("choose one of the profiles",),
            )

    def _flatten(self, body: tuple[syntax.Statement, ...], prefix: str) -> Iterator[tuple[str, syntax.Assign]]:
        for statement in body:
            if isinstance(statement, syntax.Assign):
                yield prefix + statement.name, statement
            elif isinstance(statement, syntax.Section):
                label = f"{statement.label}." if statement.label and statement.kind == "export" else ""
                yield from self._flatten(statement.body, f"{prefix}{statement.kind}.{label}")
            else:
                self.evaluator.findings.error("S2S211", "a profile sets paths: path = value", statement.span)

    def _parse_set(self, text: str) -> tuple[str, syntax.Expression] | None:
        path, equals, _ = text.partition("=")
        source = Source("<command line>", " " * (len(path) + 1) + text[len(path) + 1 :], text)
        if not equals or not path.strip():
            whole = Source("<command line>", text)
            self.evaluator.findings.error(
                "S2S104",
                "--set wants path=value",
                Span(whole, 0, len(text)),
                helps=('write --set hyperparameters.stop="20 steps"',),
            )
            return None
        expression = parse_expression(source, self.evaluator.findings)
        return None if expression is None else (path.strip(), expression)

    def _check_targets(self, targets: list[tuple[str, Span, str]]) -> None:
        """Report paths that do not exist, and chosen ones that cannot be set."""
        findings, evaluator = self.evaluator.findings, self.evaluator
        for path, span, who in targets:
            if path not in evaluator.paths and path not in evaluator.consumed and not self._in_doubt(path):
                helps = did_you_mean(path, evaluator.paths)
                findings.error(
                    "S2S211", f"{who} sets `{path}`, which does not exist", span, at="no such path", helps=helps
                )
            elif path in evaluator.overrides and path not in evaluator.consumed and not findings.has_errors:
                below = [known for known in evaluator.paths if known.startswith(f"{path}.")]
                findings.error(
                    "S2S211",
                    f"{who} sets `{path}`, which is a section",
                    span,
                    at="not a value",
                    helps=(f"set its values: {listing(below)}",) if below else (),
                )

    def _in_doubt(self, path: str) -> bool:
        """Whether a path is unknown only because of an error in what it belongs to."""
        if not self.evaluator.findings.has_errors:
            return False
        head, *rest = path.split(".")
        if not rest:
            return False
        if head in ("data", "hyperparameters"):
            return head not in self.bound
        return head == "export" or head in self.names.lets

    # ------------------------------------------------------------ what is not used

    def _report_unused(self) -> None:
        for what, thunks in (("block", self.names.blocks), ("let", self.names.lets)):
            for name, thunk in thunks.items():
                if not thunk.used:
                    self._unused(what, name, thunk.span)
        self._report_unused_imports()
        self._report_unused_in_blocks()
        for section, members in self.members.items():
            if section in self.assigned:
                continue  # a block has the results that it has
            for name, thunk in members.items():
                if not thunk.used and name != "infer":
                    self._report_unused_member(section, name, thunk)
        for module in self.evaluator.shared_modules:
            assert module.name_span is not None
            # who uses a module of an imported block, and how often, is another file's choice
            if len(module.uses) == 1 and not module.tied and module.name_span.source is self.document.source:
                self.evaluator.findings.add(
                    Diagnostic(
                        "S2S307",
                        "info",
                        f"`{module.name}` is shared but applied once",
                        module.name_span,
                        helps=("remove `shared`",),
                        fixes=_unshared(module.name_span),
                    )
                )

    def _report_unused_imports(self) -> None:
        for names in (self.names, *self.files.values()):
            for what, thunks in (("import", names.imports), ("use", names.uses)):
                for name, thunk in thunks.items():
                    if not thunk.used:
                        self._unused(what, name, thunk.span)

    def _unused(self, what: str, name: str, span: Span, said: str = "never used") -> None:
        fixes = self._removed(span) if what in ("let", "block", "import") else ()
        message = f"{what} `{name}` is {said}"
        self.evaluator.findings.warning("S2S210", message, span, at="unused", helps=("remove it",), fixes=fixes)

    def _removed(self, name_span: Span) -> tuple[Fix, ...]:
        """Take out the statement that defines a name at the top of a file."""
        for document in (self.document, *self.imports.documents.values()):
            for statement in document.statements:
                span = getattr(statement, "alias_span", None) or getattr(statement, "name_span", None)
                if span == name_span:
                    return without_statement(statement.span)
        return ()

    def _report_unused_in_blocks(self) -> None:
        """Parameters and names of blocks that no use of the block looks at."""
        for statement in self.document.statements:
            if not isinstance(statement, syntax.Block):
                continue
            inside = [one for one in statement.body if isinstance(one, syntax.Let | syntax.Assign | syntax.Table)]
            names = [(f"{possessive(statement.name)} parameter", one.name, one.span) for one in statement.parameters]
            names += [(f"{possessive(statement.name)} name", one.name, one.name_span) for one in inside]
            for what, name, span in names:
                if self.evaluator.used_names.get((statement.name_span, name)) is False:
                    self._unused(what, name, span)

    def _report_unused_member(self, section: str, name: str, thunk: Thunk) -> None:
        """A name of an encoder or decoder that nobody asks for; tensors with nodes of their own are connect's."""
        value, place = thunk.value, f"{section}.{name}"
        if isinstance(value, ModuleValue):
            if not value.uses and not value.tied:
                self._unused("module", place, thunk.span, "never applied")
        elif isinstance(value, TensorValue):
            if value.results and not any(ref.path.startswith(f"{place}.") for ref in value.results.values()):
                self._unused("name", place, thunk.span)
        else:
            self._unused("name", place, thunk.span)


def _unshared(name_span: Span) -> tuple[Fix, ...]:
    """Take the word `shared` away from before a name: the same weights, at another place of the model."""
    word = re.search(r"\bshared[ \t]+\Z", name_span.source.text[: name_span.start])
    return () if word is None else instead(Span(name_span.source, word.start(), name_span.start), "", safe=False)

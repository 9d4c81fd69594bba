"""A file put right as far as programs can: rounds of fixes to a fixed point, and a proof that the model stayed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...dsl.diagnostics import Diagnostic, Fix
from ...dsl.escapes import clipped, visible_characters
from ...dsl.reading import Unreadable, read_source
from ...dsl.values import PartValue, Quantity, Range, Static
from ..front import Analysis
from ..whole_file import rewrite
from .edits import Round, apply
from .linter import Linted, Linter

_MOST_ROUNDS = 100


@dataclass(frozen=True)
class Fixed:
    """What became of a file.

    old, new  its text before and after; the same where nothing was done
    fixes     what was applied
    refused   why what was tried was not done; empty otherwise
    """

    path: Path
    old: str
    new: str
    fixes: tuple[tuple[Diagnostic, Fix], ...] = ()
    refused: str = ""

    def diff(self) -> str:
        """What changes, as `diff -u` shows it."""
        import difflib

        name = clipped(str(self.path))
        old, new = (["".join(visible_characters(line)) for line in text.split("\n")] for text in (self.old, self.new))
        return "\n".join(difflib.unified_diff(old, new, name, name, lineterm=""))

    def write(self) -> None:
        """Replace the file, or none of it. Raises OSError, also if it is not what it was when it was read."""
        if read_source(self.path).text != self.old:
            raise OSError("it was changed meanwhile")
        rewrite(self.path, self.new)


def fix_all(linter: Linter, linted: Sequence[Linted], *, unsafe: bool) -> Iterator[Fixed]:
    """Put each file right; `linter` takes the new texts for the files' own from then on, wherever they are imported.

    unsafe  also with fixes that may change the model or its training
    """
    for one in linted:
        if not any(fix.safe or unsafe for finding in one.findings for fix in finding.fixes):
            continue
        fixed = _fix(linter, one, unsafe=unsafe)
        why = fixed.refused or _spoilt(linter, one, linted, fixed.fixes, unsafe=unsafe)
        if why:
            linter.files.replace(one.path, None)
            fixed = Fixed(one.path, one.source.text, one.source.text, refused=why)
        yield fixed


def _fix(linter: Linter, before: Linted, *, unsafe: bool) -> Fixed:
    """Apply what can be applied, look again, and again, until there is no more.

    The result is refused if there is an error where something was changed and, with safe fixes only, if the model or a
    setting changed.
    """
    path, old = before.path, before.source.text
    now = sound = before
    done: list[tuple[Diagnostic, Fix]] = []
    seen, bad, single = {old}, dict[tuple[str, str], str](), False
    for _ in range(_MOST_ROUNDS):
        found = [one for one in now.findings if (one.code, one.message) not in bad]
        step = apply(found, now.source, unsafe=unsafe, most=1 if single else None)
        if not step.fixes or step.text in seen:
            break
        linter.files.replace(path, step.text)
        try:
            after = linter.lint(path)
            why = _worse(now, after, step)
        except Unreadable as error:
            why = error.message
        if why:
            # one of them does harm: from here on they are tried one by one, and that one is left out
            if single or len(step.fixes) == 1:
                bad[step.fixes[0][0].code, step.fixes[0][0].message] = why
            single = True
            continue
        seen.add(step.text)
        # what had errors is no model that could have changed
        sound = sound if _is_model(sound) else now
        changed = "" if unsafe else _changed(sound.analyses, after.analyses, [*done, *step.fixes])
        if changed:
            return Fixed(path, old, old, refused=changed)
        done += step.fixes
        now = after
    if bad and not done:
        return Fixed(path, old, old, refused=next(iter(bad.values())))
    linter.files.replace(path, now.source.text)
    return Fixed(path, old, now.source.text, tuple(done))


def _spoilt(
    linter: Linter,
    fixed: Linted,
    linted: Sequence[Linted],
    fixes: Sequence[tuple[Diagnostic, Fix]],
    *,
    unsafe: bool,
) -> str:
    """Why a file cannot be changed for the sake of those that import it."""
    for other in linted:
        if other is fixed or fixed.source not in other.sources:
            continue
        try:
            after = linter.lint(other.path)
        except Unreadable as error:
            return error.message
        if _errors(after) and not _errors(other):
            return f"{other.path} would have an error: {_errors(after)[0].message}"
        why = "" if unsafe else _changed(other.analyses, after.analyses, fixes)
        if why:
            return f"{why} in {other.path}"
    return ""


def _is_model(linted: Linted) -> bool:
    return all(one.checked is not None for one in linted.analyses)


def _worse(before: Linted, after: Linted, step: Round) -> str:
    """Why a step is no progress: it made an error where it changed something, or text that cannot be read."""
    errors = _errors(after)
    if errors and not _errors(before):
        return f"there would be an error: {errors[0].message}"
    places: list[tuple[int, int]] = []
    moved = 0
    for edit in sorted(step.edits, key=lambda one: one.span.start):
        start = edit.span.start + moved
        places.append((start, start + len(edit.text)))
        moved += len(edit.text) - (edit.span.end - edit.span.start)
    known = {(one.code, one.message) for one in _errors(before)}
    for error in errors:
        span = error.span
        if span is None or span.source is not after.source or (error.code, error.message) in known:
            continue
        if any(start < span.end and span.start < end for start, end in places):
            return f"there would be another error: {error.message}"
    if _num_unreadable(after) > _num_unreadable(before):
        return "there would be more syntax errors"
    return ""


def _errors(linted: Linted) -> list[Diagnostic]:
    return [one for one in linted.findings if one.severity == "error"]


def _num_unreadable(linted: Linted) -> int:
    return sum(one.code.startswith("S2S1") for one in _errors(linted))


def _changed(before: Sequence[Analysis], after: Sequence[Analysis], fixes: Sequence[tuple[Diagnostic, Fix]]) -> str:
    """What is another model or another training; nothing can be said of what had errors.

    A fix may change what its finding is about: how it is written is not what it does.
    """
    about = [finding.place for finding, _ in fixes if finding.place]
    for old, new in zip(before, after, strict=False):
        if old.checked is None or new.checked is None:
            continue
        if old.checked.architecture_hash != new.checked.architecture_hash:
            return "the architecture would change"
        was, is_ = _settings(old), _settings(new)
        for path in sorted(was.keys() | is_.keys()):
            if was.get(path) != is_.get(path) and not any(f"{path}.".startswith(f"{place}.") for place in about):
                return f"`{path}` would change"
    return ""


def _settings(analysis: Analysis) -> Mapping[str, object]:
    """Every value of the data and of the training, by its path."""
    assert analysis.graph is not None
    found: dict[str, object] = {}
    origins = analysis.graph.origins
    for name, part in (("data", origins.data), ("hyperparameters", origins.hyperparameters)):
        if part is not None:
            _collect(name, part, found)
    return found


def _collect(path: str, value: object, found: dict[str, object]) -> None:
    if isinstance(value, PartValue):
        found[path] = value.name
        for name, inner in value.params.items():
            _collect(f"{path}.{name}", inner, found)
    elif isinstance(value, Static) and isinstance(value.value, tuple):
        found[path] = len(value.value)
        for index, inner in enumerate(value.value):
            _collect(f"{path}.{index}", inner, found)
    elif isinstance(value, Static):
        found[path] = _plain(value.value)


def _plain(value: object) -> object:
    """Without how it was written: 20ms is 0.02s."""
    if isinstance(value, Quantity):
        return value.amount, value.family
    return (_plain(value.low), _plain(value.high)) if isinstance(value, Range) else value

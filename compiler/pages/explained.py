"""What `s2sc explain` says of a name: a code, a part, a section, a parameter, a word or a unit of the language."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from textwrap import indent, wrap
from typing import Any

from ...dsl.functions import SIGNATURES
from ...dsl.signature import Param
from ...dsl.source import Source
from ...dsl.suggest import closest
from ...dsl.units import UNITS
from ..catalogue import builtin
from ..component import Component
from ..front import analyse
from ..part import Part
from ..rulebook import Page, complete, pages
from .codes import FAMILIES as CODE_FAMILIES
from .cost import FEATURES, FRAMES, cost_of
from .parts import FAMILIES, PRECISION
from .sample import sample
from .spelling import bounds_of, default_of, kind_of
from .words import WORDS

_WIDTH = 100


@dataclass(frozen=True)
class Explained:
    """One answer: the same facts as text and as JSON."""

    text: str
    facts: dict[str, Any]


class UnknownName(Exception):
    """Nothing has this name; `meant` is what was probably meant."""

    def __init__(self, name: str, meant: str | None) -> None:
        super().__init__(name)
        self.name = name
        self.meant = meant


def explain(name: str) -> Explained:
    """What is known of a name; raises UnknownName."""
    code = next((page for page in pages() if page.code == name.upper()), None)
    if code is not None:
        return _code(code)
    classes = {cls.name: cls for cls in builtin().classes() if cls.family != "internal"}
    for spelling in (name, name.replace(" ", "."), name.lower()):
        if spelling in classes:
            return _part(classes[spelling])
        if spelling in WORDS:
            return _word(spelling)
        members = list(_members(spelling, classes))
        if members:
            return _several(spelling, members)
        owners = [cls for cls in classes.values() if any(one.name == spelling for one in cls.params)]
        if owners:
            return _parameter(spelling, owners)
        owner, _, parameter = spelling.rpartition(".")
        if owner in classes and any(one.name == parameter for one in classes[owner].params):
            return _parameter(parameter, [classes[owner]])
        if spelling in UNITS:
            return _unit(spelling)
    raise UnknownName(name, meant(name, names()))


def names() -> list[str]:
    """Everything that can be asked for."""
    classes = [cls for cls in builtin().classes() if cls.family != "internal"]
    parameters = [one.name for cls in classes for one in cls.params]
    codes = [page.code for page in pages()]
    return sorted({*codes, *WORDS, *UNITS, *FAMILIES, *parameters, *(cls.name for cls in classes)})


def meant(name: str, known: list[str]) -> str | None:
    """What was probably meant by a name: what other toolkits call it, or the closest one."""
    synonym = builtin().synonym(name)
    return synonym if synonym in known else closest(name, known)


def everything() -> Explained:
    """All names, by family."""
    lines = ["codes: what can be found in a spec", ""]
    for digit, family in CODE_FAMILIES.items():
        found = [page for page in pages() if page.code[3] == digit]
        if found:
            lines += [f"  {family}", *(f"    {page.code}  {page.severity:<7}  {page.title}" for page in found), ""]
    facts: dict[str, Any] = {
        "codes": [{"code": page.code, "severity": page.severity, "title": page.title} for page in pages()]
    }
    lines += ["parts: what a spec can name", ""]
    facts["parts"] = []
    for family, title in FAMILIES.items():
        found_parts = [cls for cls in builtin().classes() if cls.family == family]
        width = max(len(cls.name) for cls in found_parts)
        lines += [f"  {title}", *(f"    {cls.name:<{width}}  {_first_line(cls)}" for cls in found_parts), ""]
        facts["parts"] += [{"name": cls.name, "family": family, "doc": _first_line(cls)} for cls in found_parts]
    lines += ["words of the language", "", *(f"  {line}" for line in wrap(" ".join(WORDS), _WIDTH))]
    facts["words"] = list(WORDS)
    lines += ["", "s2sc explain NAME says more of each: s2sc explain S2S402, s2sc explain lstm"]
    return Explained("\n".join(lines), facts)


# ---------------------------------------------------------------- a code


def _code(page: Page) -> Explained:
    bad, good = page.example("bad").rstrip("\n"), page.example("good").rstrip("\n")
    fixes = _fixes(page)
    facts = {
        "kind": "code",
        "code": page.code,
        "severity": page.severity,
        "title": page.title,
        "what": page.paragraph("What it does"),
        "why": page.paragraph("Why it is bad"),
        "bad": bad,
        "good": good,
        "fixes": [{"text": text, "safe": safe} for text, safe in fixes],
    }
    lines = [f"{page.severity}[{page.code}]: {page.title}", ""]
    lines += [*wrap(f"What it does: {facts['what']}", _WIDTH), ""]
    lines += [*wrap(f"Why it is bad: {facts['why']}", _WIDTH), ""]
    lines += ["Bad:", "", indent(bad, "    "), "", "Good:", "", indent(good, "    "), ""]
    if fixes:
        lines += [
            f"Fix: {text} ({'safe: s2sc lint --fix does it' if safe else 'changes the model or its training'})"
            for text, safe in fixes
        ]
    else:
        lines += ["Fix: none that a program could choose; each finding names the ways out it knows"]
    if page.severity == "error":
        lines += ["An error: nothing is planned, trained or exported, and it cannot be allowed."]
    else:
        lines += [f"Allowed with a reason behind the line: # s2sc: allow {page.code} -- why"]
    return Explained("\n".join(lines), facts)


def _fixes(page: Page) -> list[tuple[str, bool]]:
    """The ways out that a program can take, from the findings in its own example."""
    findings = analyse(Source("example.s2s", complete(page.example("bad"))), select=[page.code]).findings
    found = ((fix.text, fix.safe) for one in findings if one.code == page.code for fix in one.fixes)
    return list(dict.fromkeys(found))


# ---------------------------------------------------------------- a part


def _part(cls: type[Part]) -> Explained:
    facts: dict[str, Any] = {
        "kind": "section" if cls.family == "section" else "part",
        "name": cls.name,
        "family": cls.family,
        "doc": inspect.getdoc(cls) or "",
        "parameters": [_param_facts(one) for one in cls.params],
        "example": sample(cls),
    }
    component = cls if issubclass(cls, Component) and cls.family != "augment" else None
    head = f"{cls.name} {component.signature}" if component else f"{cls.name}: {_kind(cls)}"
    lines = [head, "", *facts["doc"].splitlines(), ""]
    lines += _parameter_lines(cls.params)
    rows: list[tuple[str, str]] = []
    if component:
        facts |= {"signature": component.signature, "precision": component.precision}
        rows.append(("precision", f"computes in {PRECISION[component.precision].replace('`', '')}"))
        cost = cost_of(component)
        if cost:
            facts |= {"parameters_of_example": cost.parameters, "macs_of_example": cost.macs, "step": cost.step}
            if component.training_only:
                rows.append(("export", "left out: it does something in training only"))
            given = f"{FRAMES} frames of {FEATURES} features" if "256" in cost.inputs[0] else f"{FRAMES} tokens"
            rows.append(("cost", f"{cost.parameters:,} parameters, {_macs(cost.macs)} on {given}, as in the example"))
            rows.append(("gives", f"{cost.output} where {', '.join(cost.inputs)}"))
            rows.append(("by token", cost.step))
    rows.append(("example", sample(cls)))
    lines += [f"{name:<10} {text}" for name, text in rows]
    return Explained("\n".join(lines), facts)


def _kind(cls: type[Part]) -> str:
    return "a section" if cls.family == "section" else f"{'an' if cls.family[0] in 'aeiou' else 'a'} {cls.family}"


def _macs(macs: int) -> str:
    if not macs:
        return "no products of matrices"
    for unit, size in (("GMAC", 10**9), ("MMAC", 10**6), ("kMAC", 10**3)):
        if macs >= size:
            return f"{macs / size:.3g} {unit}"
    return f"{macs} MAC"


def _parameter_lines(params: tuple[Param, ...]) -> list[str]:
    if not params:
        return []
    rows = [(one.name, kind_of(one).replace("`", ""), default_of(one).strip("`*"), one) for one in params]
    name_width = max(len(name) for name, *_ in rows)
    default_width = min(24, max(len(default) for _, _, default, _ in rows))
    lines = ["parameters", ""]
    for name, kind, default, one in rows:
        lines += [f"  {name:<{name_width}}  {default:<{default_width}}  {one.doc}"]
        unit = f", in {one.unit_doc}" if one.unit_doc else ""
        lines += [f"  {'':<{name_width}}  {'':<{default_width}}  {kind}{unit}{bounds_of(one)}"]
    return [*lines, ""]


def _param_facts(one: Param) -> dict[str, Any]:
    default = None if one.required else default_of(one).strip("`")
    bounds = {
        key: getattr(one, key) for key in ("minimum", "maximum", "above", "below") if getattr(one, key) is not None
    }
    return {
        "name": one.name,
        "type": one.type,
        "takes": kind_of(one).replace("`", ""),
        "required": one.required,
        "default": default,
        "units": list(one.units),
        "counts": one.unit_doc,
        **bounds,
        "doc": one.doc,
        "changes": "training" if one.training else "architecture",
    }


# ---------------------------------------------------------------- other names


def _members(name: str, classes: dict[str, type[Part]]) -> Iterator[type[Part]]:
    """The parts of a family, or the sections of a kind that has labels."""
    for cls in classes.values():
        if cls.family == name or cls.name.startswith(f"{name}."):
            yield cls


def _several(name: str, members: list[type[Part]]) -> Explained:
    width = max(len(cls.name) for cls in members)
    settings = [
        (cls.name, one) for cls in builtin().classes() for one in cls.params if one.name == name or name in one.families
    ]
    lines = [f"{name}: one of", "", *(f"  {cls.name:<{width}}  {_first_line(cls)}" for cls in members), ""]
    lines += [f"set as {owner}.{one.name}: {one.doc}" for owner, one in settings]
    lines += [f"example: {sample(members[0])}"]
    facts = {
        "kind": "family",
        "name": name,
        "members": [{"name": cls.name, "doc": _first_line(cls)} for cls in members],
    }
    return Explained("\n".join(lines), facts)


def _parameter(name: str, owners: list[type[Part]]) -> Explained:
    lines = [f"{name}: a parameter of {', '.join(cls.name for cls in owners)}", ""]
    found = []
    for cls in owners:
        one = next(one for one in cls.params if one.name == name)
        found.append({"of": cls.name, **_param_facts(one)})
        default = "required" if one.required else f"default {default_of(one).strip('`*')}"
        lines += [
            f"  {cls.name}.{name}  {one.doc}",
            f"      {kind_of(one).replace('`', '')}{bounds_of(one)}; {default}",
        ]
    return Explained("\n".join(lines), {"kind": "parameter", "name": name, "owners": found})


def _word(name: str) -> Explained:
    word = WORDS[name]
    lines = [f"{name}: {word.what}", ""]
    if name in SIGNATURES:
        lines += [f"    {SIGNATURES[name]}", ""]
    lines += ["example", "", indent(word.example, "    ")]
    return Explained("\n".join(lines), {"kind": "word", "name": name, "doc": word.what, "example": word.example})


def _unit(name: str) -> Explained:
    family, times, over = UNITS[name]
    others = [unit for unit, (kind, _, _) in UNITS.items() if kind == family]
    text = f"{name}: a unit of {family}; the others of its kind are {', '.join(one for one in others if one != name)}"
    return Explained(text, {"kind": "unit", "name": name, "family": family, "base_units": times / over})


def _first_line(cls: type[Part]) -> str:
    return (inspect.getdoc(cls) or "").splitlines()[0]

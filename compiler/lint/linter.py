"""Many specs in one process: what is found in each, less what is allowed, known or not asked for."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from ...dsl.diagnostics import Diagnostic, Severity
from ...dsl.limits import tightened
from ...dsl.loading import Files
from ...dsl.project_file import LintSettings, Project, project_of
from ...dsl.source import Source
from ...dsl.suggest import did_you_mean
from ...dsl.syntax import Document, Section
from ..front import Analysis, analyse_file
from .baseline import BadBaseline, Baseline, read_baseline
from .choice import Choice
from .codes import is_known, is_looked_for, known_codes, matches, unknown
from .suppressions import Suppressions


@dataclass(frozen=True)
class Linted:
    """One file: its findings, and whether they make the exit code 1.

    analyses  the file with no profile, or with each of those that were asked for
    sources   all that was read for it
    """

    path: Path
    source: Source
    findings: list[Diagnostic]
    analyses: tuple[Analysis, ...]
    sources: tuple[Source, ...]
    fail_on: Severity

    @property
    def failed(self) -> bool:
        """Whether something was found that counts."""
        counted: dict[Severity, tuple[Severity, ...]] = {
            "error": ("error",),
            "warning": ("error", "warning"),
            "info": ("error", "warning", "info"),
        }
        return any(finding.severity in counted[self.fail_on] for finding in self.findings)


@dataclass
class Linter:
    """Looks at one spec after the other; files that several of them share are read, parsed and reported once.

    files      what was read
    baseline   the findings that are known already, if the command line names a file of them
    all_known  show what the project's baseline knows, too
    """

    choice: Choice = field(default_factory=Choice)
    files: Files = field(default_factory=Files)
    baseline: Baseline | None = None
    all_known: bool = False
    _suppressions: Suppressions = field(default_factory=lambda: Suppressions(is_known, known_codes))
    _projects: dict[Path, Project] = field(default_factory=dict)
    _faulty: dict[Path, Path] = field(default_factory=dict)
    _baselines: dict[Path, Baseline | None] = field(default_factory=dict)
    _bad: dict[Path, str] = field(default_factory=dict)
    _reported: dict[tuple[object, ...], Path] = field(default_factory=dict)

    def lint(self, path: Path, source: Source | None = None, *, within: str | None = None) -> Linted:
        """Everything about one file. Raises dsl.reading.Unreadable and NoRevision.

        source  a text that stands for what is in the file
        within  a folder (without links) that the file lies in
        """
        project = self._project(path)
        settings = project.lint
        with tightened(settings.limits):
            source = source or self.files.read(path, str(path), within=within)
            profiles: list[Sequence[str]] = [self.choice.profiles, *([one] for one in self._profiles(source))]
            analyses = tuple(self._analysis(path, source, profile, settings) for profile in profiles)
            found = _united(analyses, [", ".join(one) for one in profiles])
            sources = dict.fromkeys(one for read in analyses if read.loader for one in read.loader.sources)
            if self.choice.since:
                found = self._new(found, path)
            found = self._suppressions.remaining(found, self._document)
            finished = all(one.checked is not None for one in analyses) and not self.choice.since
            looked_for = partial(is_looked_for, select=self._select(settings))
            document = self._document(source)
            found += self._suppressions.problems(source, document, finished=finished, looked_for=looked_for)
        found = [one for one in found if one.severity == "error" or self._is_asked_for(one, settings)]
        baseline = self.baseline or self._baseline_of(project)
        found = [*self._faults_of(project, path), *sorted(found, key=_file_order)]
        found = [one for one in found if self._is_first(one, path)]
        found = baseline.remaining(found, path) if baseline else found
        fail_on = self.choice.fail_on or settings.fail_on
        return Linted(path, source, found, analyses, tuple(sources), fail_on)

    def gone(self, linted: Sequence[Linted]) -> list[Diagnostic]:
        """Remarks on what the baselines know and these files no longer have."""
        sources = [one.source for one in linted]
        known = [self.baseline, *self._baselines.values()]
        return [gone for baseline in known if baseline for gone in baseline.gone(sources)]

    # ------------------------------------------------------------ one step each

    def _analysis(self, path: Path, source: Source, profiles: Sequence[str], settings: LintSettings) -> Analysis:
        return analyse_file(
            path,
            profile=profiles,
            sets=self.choice.sets,
            blocks_too=True,
            with_lock=True,
            with_files=self.choice.with_files,
            select=self._select(settings),
            source=source,
            files=self.files,
        )

    def _select(self, settings: LintSettings) -> tuple[str, ...]:
        return settings.select if self.choice.select is None else self.choice.select

    def _profiles(self, source: Source) -> list[str]:
        if not self.choice.all_profiles:
            return []
        statements = self._document(source).statements
        profiles = (one for one in statements if isinstance(one, Section) and one.kind == "profile" and one.label)
        return list(dict.fromkeys(str(one.label) for one in profiles))

    def _document(self, source: Source) -> Document:
        return self.files.parse(source).document

    def _new(self, found: Sequence[Diagnostic], path: Path) -> list[Diagnostic]:
        # git is asked for this alone
        from .since import findings_at

        select = self._select(self._project(path).lint)
        before = Counter(_content(one) for one in findings_at(path, self.choice, select))
        return _less(found, before)

    def _is_asked_for(self, one: Diagnostic, settings: LintSettings) -> bool:
        select = self._select(settings)
        if select and not matches(one.code, select):
            return False
        return not matches(one.code, (*settings.ignore, *self.choice.ignore))

    def _is_first(self, one: Diagnostic, path: Path) -> bool:
        """Whether a finding was not reported for another spec that shares the file it is in."""
        if one.span is None:
            return True
        key = (one.code, one.message, os.path.normpath(one.span.source.name), one.span.start, one.span.end)
        return self._reported.setdefault(key, path) == path

    # ------------------------------------------------------------ the project

    def _project(self, path: Path) -> Project:
        folder = path.parent
        if folder not in self._projects:
            self._projects[folder] = project_of(path.parent)
        return self._projects[folder]

    def _faults_of(self, project: Project, path: Path) -> list[Diagnostic]:
        """What is wrong with its settings; said with the first of its specs."""
        if self._faulty.setdefault(project.root, path) != path:
            return []
        faults = list(project.findings)
        for name, codes in (("select", project.lint.select), ("ignore", project.lint.ignore)):
            span = project.places.get(f"lint.{name}")
            for code in unknown(codes):
                helps = did_you_mean(code, known_codes())
                faults.append(
                    Diagnostic("S2S903", "warning", f"`{name}` names `{code}`, which no code is", span, helps=helps)
                )
        if project.root in self._bad:
            faults.append(Diagnostic("S2S605", "error", self._bad[project.root], project.places.get("lint.baseline")))
        return faults

    def _baseline_of(self, project: Project) -> Baseline | None:
        if self.all_known or self.baseline is not None or not project.lint.baseline:
            return None
        if project.root not in self._baselines:
            self._baselines[project.root] = None
            try:
                self._baselines[project.root] = read_baseline(_shown(project))
            except BadBaseline as problem:
                self._bad[project.root] = str(problem)
        return self._baselines[project.root]


def _united(analyses: Sequence[Analysis], profiles: Sequence[str]) -> list[Diagnostic]:
    """What is found in any of them; what only a profile brings says which."""
    found: dict[tuple[object, ...], Diagnostic] = {}
    for number, (analysis, profile) in enumerate(zip(analyses, profiles, strict=True)):
        for one in analysis.findings:
            key = (one.code, one.message, one.span)
            if key not in found:
                found[key] = replace(one, notes=(*one.notes, f"with profile `{profile}`")) if number else one
    return list(found.values())


def _content(one: Diagnostic) -> tuple[str, str, str]:
    return one.code, one.place, one.message


def _less(found: Sequence[Diagnostic], before: Counter[tuple[str, str, str]]) -> list[Diagnostic]:
    new = []
    for one in found:
        if before[_content(one)] > 0:
            before[_content(one)] -= 1
        else:
            new.append(one)
    return new


def _file_order(one: Diagnostic) -> tuple[str, int, str]:
    return ("", 0, one.code) if one.span is None else (one.span.source.name, one.span.start, one.code)


def _shown(project: Project) -> Path:
    """Where a project's baseline is, as messages call it."""
    path = project.root / project.lint.baseline
    here = os.path.realpath(os.curdir)
    return Path(os.path.relpath(path, here)) if str(path).startswith(here + os.sep) else path

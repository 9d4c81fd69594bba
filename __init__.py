"""s2sc: a small language for sequence models, checked before anything runs.

>>> import s2sc
>>> s2sc.lint("specs/wav2letter.s2s")           # what is wrong, as a list of diagnostics
>>> graph = s2sc.compile("specs/wav2letter.s2s")  # the checked graph, or SpecError
>>> model = s2sc.load("runs/wav2letter/latest")   # transcribes or translates; a run or exported files

Importing s2sc loads no torch; `load` of a run does.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .compiler.graph import CheckedGraph
    from .dsl.diagnostics import Diagnostic
    from .runtime.onnx_recogniser import OnnxRecogniser
    from .runtime.onnx_translator import OnnxTranslator
    from .runtime.run_recogniser import RunRecogniser
    from .runtime.run_translator import RunTranslator

__version__ = "0.1.0"
__all__ = ["SpecError", "__version__", "compile", "lint", "load"]


class SpecError(Exception):
    """A spec has errors. `diagnostics` holds them all, the message shows them as `s2sc lint` does."""

    def __init__(self, message: str, diagnostics: Sequence[Diagnostic]) -> None:
        super().__init__(message)
        self.diagnostics = list(diagnostics)


def lint(path: str | Path, *, profile: str | None = None, sets: Sequence[str] = ()) -> list[Diagnostic]:
    """All problems of a spec in file order; empty for a clean one. Runs nothing and opens no file but the spec and
    what it imports. A file that only defines what others import is looked at alone.

    profile  which of the spec's profiles to apply
    sets     "path=value" overrides, as after `--set`

    Raises dsl.reading.Unreadable for what is no readable spec.
    """
    from .compiler.lint.choice import Choice
    from .compiler.lint.linter import Linter

    choice = Choice(profiles=() if profile is None else (profile,), sets=tuple(_several(sets)))
    return Linter(choice).lint(Path(path)).findings


def compile(path: str | Path, *, profile: str | None = None, sets: Sequence[str] = ()) -> CheckedGraph:
    """The spec's checked graph: every shape, precision and cost known. Raises SpecError with all problems."""
    from .compiler.front import analyse_file
    from .dsl.report.full import render

    analysis = analyse_file(Path(path), profile=profile, sets=_several(sets))
    if analysis.checked is None:
        found = list(analysis.findings)
        raise SpecError(render(found), found)
    return analysis.checked


def load(
    path: str | Path,
    *,
    device: str = "cpu",
    allow_plugins: bool = False,
    warn: Callable[[str], None] = warnings.warn,
) -> RunRecogniser | RunTranslator | OnnxRecogniser | OnnxTranslator:
    """A trained run's folder or an exported file as something that transcribes or translates.

    `.transcribe([Path("a.wav")])` goes with a model of speech, `.translate(["a line"])` with one of texts. Of the two
    files of a model that writes token by token either one is named, or a folder that holds both.

    device         "cpu", "cuda", or "auto" for a GPU where there is one
    allow_plugins  run code of the packages that s2sc.toml of the current folder's project names; a run with users'
                   modules needs it, an exported file never does
    warn           takes a line for each damaged checkpoint that an older one stands in for

    An exported file needs the extra "serve", a run the extra "train"; MissingExtra says how to install them.
    """
    from .runtime.export.pair_metadata import pair_beside

    found = Path(path)
    # a run's folder may hold exported files too
    pair = None if (found / "graph.json").exists() else pair_beside(found)
    if pair is not None:
        from .runtime.onnx_session import onnx_device
        from .runtime.onnx_translator import OnnxTranslator

        return OnnxTranslator(*pair, device=onnx_device(device))
    if found.is_dir():
        from .runtime.extras import extra

        with extra("train", "using a run"):
            from .dsl.project_file import project_of
            from .runtime.device import torch_device
            from .runtime.plugins import layers_for
            from .runtime.run_folder import open_run
            from .runtime.run_recogniser import RunRecogniser
            from .runtime.run_translator import RunTranslator

        run = open_run(found)
        checked, project = run.graph(), project_of(Path.cwd())
        layers = layers_for(checked, root=project.root, packages=project.plugins, allowed=allow_plugins)
        kind = RunTranslator if checked.graph.data.name == "data.parallel_text" else RunRecogniser
        return kind(run, torch_device(device), layer_of=layers, warn=warn)
    from .runtime.onnx_recogniser import OnnxRecogniser
    from .runtime.onnx_session import onnx_device

    return OnnxRecogniser(found, device=onnx_device(device))


def _several(sets: Sequence[str]) -> Sequence[str]:
    if isinstance(sets, str):
        raise TypeError(f"sets is a list of texts, not one: [{sets!r}]")
    return sets

"""The analysis of the one spec that a verb is about."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ..compiler.front import Analysis, analyse_file
from .terminal import colour


def analysis_of(options: argparse.Namespace, *, show: bool = True) -> Analysis:
    """The analysis of one spec; what is wrong with it goes to the error stream."""
    analysis = analyse_file(Path(options.spec), profile=options.profile, sets=options.set)
    if show:
        show_findings(analysis)
    return analysis


def show_findings(analysis: Analysis) -> None:
    """Errors and warnings of an analysis, on the error stream."""
    shown = [finding for finding in analysis.findings if finding.severity != "info"]
    if shown:
        from ..dsl.report.full import render

        print(render(shown, colour=colour(sys.stderr)), file=sys.stderr)

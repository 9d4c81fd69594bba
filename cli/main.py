"""The command line. Only the verb that is asked for is imported, because linting is bound by its start."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

from .. import __version__
from ..dsl.reading import Unreadable
from .failures import INTERRUPTED, OK, STORAGE, Refused, internal, known
from .status import reported
from .terminal import drop, make_streams_usable, say
from .verbs import VERBS

_EXAMPLES = """examples:
  s2sc lint specs/
  s2sc plan specs/wav2letter.s2s
  s2sc compile specs/wav2letter.s2s --train
  s2sc export runs/wav2letter/latest --onnx
  s2sc infer runs/wav2letter/latest/model.onnx clip.wav

exit codes: 0 fine, 1 findings, 2 usage, 70 internal error, 74 storage failed, 75 stopped and resumable, 76 diverged,
77 refused for security, 130 interrupted"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb and give its exit code."""
    return reported(_code(arguments), os.environ)


def _code(arguments: Sequence[str] | None) -> int:
    make_streams_usable()
    words = sys.argv[1:] if arguments is None else list(arguments)
    try:
        # verbs are imported here, which can be interrupted as all else
        options = _options(words)
        run: Callable[[argparse.Namespace], int] = options.run
        code = run(options)
        sys.stdout.flush()
        return code
    except (Refused, Unreadable) as error:
        return say(str(error), error.code if isinstance(error, Refused) else error.exit_code)
    except BrokenPipeError:
        # whoever read our output has enough
        drop(sys.stdout)
        return OK
    except KeyboardInterrupt:
        return say("interrupted", INTERRUPTED)
    except Exception as problem:
        code_known = known(problem)
        if isinstance(problem, OSError) and code_known == STORAGE:
            drop(sys.stdout)
            message = f"{problem.filename or 'the output cannot be written'}: {problem.strerror or problem}"
            return say(message, code_known)
        return internal(problem) if code_known is None else say(str(problem), code_known)


def _options(words: Sequence[str]) -> argparse.Namespace:
    """The words of a command; files may stand behind options, which argparse alone does not see after MODEL."""
    top = parser(words[0] if words else "")
    options, others = top.parse_known_args(words)
    if others and (not hasattr(options, "files") or any(word.startswith("-") and word != "-" for word in others)):
        top.error(f"unrecognized arguments: {' '.join(others)}")
    if others:
        options.files += others
    return options


def parser(only: str = "") -> argparse.ArgumentParser:
    """All verbs with their options, or all verbs and the options of the one that is asked for."""
    top = argparse.ArgumentParser(
        prog="s2sc",
        description="Compile .s2s specs into sequence models: check, plan, train, export.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"s2sc {__version__}")
    verbs = top.add_subparsers(title="verbs", metavar="VERB", required=True)
    for name, what in VERBS.items():
        if only in VERBS and name != only:
            verbs.add_parser(name, help=what)
        else:
            _add(verbs, name, what)
    return top


def _add(verbs: Any, name: str, what: str) -> None:
    verb = import_module(f".{name}", __package__)
    made: argparse.ArgumentParser = verbs.add_parser(
        name,
        help=what,
        description=what[0].upper() + what[1:] + ".",
        epilog=verb.EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verb.add(made)
    made.set_defaults(run=verb.run)

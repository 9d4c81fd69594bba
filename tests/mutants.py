"""Small faults put into code that much depends on, one at a time: how many of them do the tests notice?

    python -m s2sc.tests.mutants [--only NAME] [--processes 2] [--most 60]

Each trial changes one comparison, number, `not`, `and`, `or`, sign, or leaves one statement out, in a copy of the
package, and runs the tests that are to notice. What survives is listed by its line: a case that no test has, or a
change that makes no difference to anybody.
"""

from __future__ import annotations

import argparse
import ast
import copy
import os
import random
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
SECONDS = 120

_READING = ("tests/dsl/test_reading.py", "tests/dsl/test_imports.py", "tests/security/test_text.py")
_CHECKPOINT = tuple(
    f"tests/runtime/{name}.py"
    for name in ("test_storage", "training/test_checkpoint", "training/test_checkpoint_parts")
)
_SCALERS = ("tests/runtime/precision/test_scalers.py", "tests/runtime/precision/test_steps.py")
# what is changed, and the tests that are to notice
TARGETS = {
    "limits": (("dsl/reading.py",), _READING),
    "confinement": (("dsl/imports.py",), ("tests/dsl/test_imports.py", "tests/security/test_paths.py")),
    "checkpoint": (("runtime/checkpoint.py", "runtime/storage.py"), _CHECKPOINT),
    "scaler": (tuple(f"runtime/training/scaling/{name}.py" for name in ("backoff", "logmax", "guarded")), _SCALERS),
}

_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_SIGNS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
}


@dataclass(frozen=True)
class Mutant:
    """One fault: where it is, what it is, and the whole file with it."""

    path: str
    line: int
    what: str
    text: str


def mutants(path: str) -> Iterator[Mutant]:
    """All faults of a file of the package, in the order of its lines."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    for number, node in enumerate(_changeable(tree)):
        for kind in range(2):
            changed = copy.deepcopy(tree)
            what = _change(list(_changeable(changed))[number], kind)
            if what:
                line = getattr(node, "lineno", 0)
                yield Mutant(path, line, what, ast.unparse(ast.fix_missing_locations(changed)))


def _changeable(tree: ast.AST) -> Iterator[ast.AST]:
    """Nodes below functions; what is only typed or said is left as it is."""
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef):
            for statement in function.body:
                if isinstance(statement, ast.FunctionDef):
                    continue
                yield from (one for one in ast.walk(statement) if isinstance(one, _KINDS))


_KINDS = (ast.Compare, ast.BoolOp, ast.UnaryOp, ast.BinOp, ast.Constant, ast.If, ast.Expr, ast.Raise, ast.Return)


def _change(node: ast.AST, kind: int) -> str:
    """Put a fault into a node; what it is, or nothing where this kind has none."""
    match node:
        case ast.Compare(ops=[op]) if kind == 0 and type(op) in _COMPARISONS:
            node.ops = [_COMPARISONS[type(op)]()]
            return f"{type(op).__name__} becomes {type(node.ops[0]).__name__}"
        case ast.BoolOp() if kind == 0:
            node.op = ast.And() if isinstance(node.op, ast.Or) else ast.Or()
            return "and and or exchanged"
        case ast.BinOp(op=op) if kind == 0 and type(op) in _SIGNS and not _is_text(node):
            node.op = _SIGNS[type(op)]()
            return f"{type(op).__name__} becomes {type(node.op).__name__}"
        case ast.Constant(value=bool(value)) if kind == 0:
            node.value = not value
            return f"{value} becomes {not value}"
        case ast.Constant(value=int(value)) if kind == 0:
            node.value = value + 1
            return f"{value} becomes {value + 1}"
        case ast.If() if kind == 0:
            node.test = ast.UnaryOp(ast.Not(), node.test)
            return "if turned round"
        case ast.Expr(value=ast.Call()) | ast.Expr(value=ast.Yield()) if kind == 1:
            node.value = ast.Constant(None)
            return "statement left out"
    return ""


def _is_text(node: ast.BinOp) -> bool:
    return any(isinstance(one, ast.JoinedStr) or isinstance(getattr(one, "value", None), str) for one in ast.walk(node))


def survives(mutant: Mutant, tests: tuple[str, ...], home: Path) -> bool:
    """Do the tests pass with this fault? `home` is a folder with a copy of the package, which is put back."""
    target = home / "s2sc" / mutant.path
    whole = target.read_bytes()
    try:
        target.write_text(mutant.text, encoding="utf-8")
        child = os.fork()
        if child == 0:
            os._exit(_tested(home, tests))
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    finally:
        target.write_bytes(whole)


def _tested(home: Path, tests: tuple[str, ...]) -> int:
    """In a process of its own, which ends by itself where a fault makes it run for ever."""
    import pytest

    signal.alarm(SECONDS)
    for name in [name for name in sys.modules if name.split(".")[0] == "s2sc"]:
        del sys.modules[name]
    sys.path.insert(0, str(home))
    os.environ["PYTHONPATH"] = str(home)
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    sys.dont_write_bytecode = True
    os.chdir(home / "s2sc")
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    return int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", *tests]))


def survivors(found: Sequence[Mutant], tests: tuple[str, ...], processes: int) -> list[Mutant]:
    """Those that no test notices; so many are tried at a time, each in a copy of the package."""
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(processes) as pool:
        homes = [Path(folder, str(number)) for number in range(processes)]
        for home in homes:
            shutil.copytree(ROOT, home / "s2sc", ignore=shutil.ignore_patterns(".*", "__pycache__", "runs"))

        def tried(number: int) -> list[Mutant]:
            return [one for one in found[number::processes] if survives(one, tests, homes[number])]

        return [one for lived in pool.map(tried, range(processes)) for one in lived]


def main() -> int:
    """0 where nothing survives but what is listed; prints a line for each survivor and the score of each target."""
    parser = argparse.ArgumentParser(prog="python -m s2sc.tests.mutants", description=__doc__)
    parser.add_argument("--only", choices=sorted(TARGETS))
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--most", type=int, default=10_000, help="mutants of a target, drawn by chance from all")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    # what every trial needs is loaded once, before the forks
    __import__("torch")
    __import__("pytest")
    for target, (paths, tests) in TARGETS.items():
        if given.only not in (None, target):
            continue
        found = [mutant for path in paths for mutant in mutants(path)]
        if len(found) > given.most:
            found = random.Random(given.seed).sample(found, given.most)
        left = survivors(found, tests, given.processes)
        for one in sorted(left, key=lambda one: (one.path, one.line)):
            print(f"{one.path}:{one.line}: {one.what}", flush=True)
        killed = len(found) - len(left)
        print(f"{target}: {killed} of {len(found)} noticed ({100 * killed // max(1, len(found))} %)", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

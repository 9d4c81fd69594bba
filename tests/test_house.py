"""The house keeps its promises: who imports what, what nothing may do, and that no list has fallen behind."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import networkx
import pytest
from s2sc.compiler.catalogue import builtin
from s2sc.compiler.part import Part

ROOT = Path(__file__).parent.parent
ROOMS = ("dsl", "compiler", "runtime", "cli")
FACE = sorted(ROOT.glob("*.py"))
MODULES = sorted([*FACE, *(file for room in ROOMS for file in (ROOT / room).rglob("*.py"))])
HEAVY = ("torch", "numpy", "onnx", "onnxruntime", "rich", "soundfile", "soxr", "safetensors", "tensorboard")

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


# ---------------------------------------------------------------- lists that could fall behind


def test_every_folder_of_the_package_is_in_the_wheel() -> None:
    code = {file.parent for file in MODULES}
    data = {file.parent for file in (ROOT / "specs").rglob("*.s2s")}
    folders = {".".join(("s2sc", *folder.relative_to(ROOT).parts)) for folder in code | data}
    listed = PROJECT["tool"]["setuptools"]["packages"]
    assert sorted(folders) == listed


def test_every_kind_of_file_of_the_package_is_in_the_wheel() -> None:
    kept = PROJECT["tool"]["setuptools"]["package-data"]
    files = [file for room in (*ROOMS, "specs") for file in (ROOT / room).rglob("*") if file.is_file()]
    for file in files:
        if file.suffix == ".py" or "__pycache__" in file.parts:
            continue
        package = ".".join(("s2sc", *file.parent.relative_to(ROOT).parts))
        assert any(file.match(pattern) for pattern in kept.get(package, ())), f"{file} would be left out"


def test_every_dependency_is_pinned() -> None:
    pinned = {
        _normal(line.split("==")[0])
        for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#")
    }
    project = PROJECT["project"]
    wanted = [*project["dependencies"], *(one for extra in project["optional-dependencies"].values() for one in extra)]
    names = {_normal(re.split(r"[\[<>=!~ ;]", requirement)[0]) for requirement in wanted}
    assert names - {"s2sc"} <= pinned


def test_constraints_name_no_place() -> None:
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines():
        assert re.fullmatch(r"#.*|[A-Za-z0-9._-]+==[0-9][A-Za-z0-9.]*", line), line


def test_the_map_in_the_readme_names_every_room() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    rooms = {file.parent.relative_to(ROOT) for file in MODULES} - {Path()}
    parts = Path("compiler/parts")
    for room in sorted(rooms):
        shown = parts if parts in room.parents else room
        shown = Path("runtime/data") if shown == Path("runtime/data/augment") else shown
        shown = Path("dsl") if shown == Path("dsl/report") else shown
        assert f"`{shown.as_posix()}/`" in readme, f"the README's map lacks {shown}/"
    for folder in ("specs", "tests", "docs", "benchmarks"):
        assert f"`{folder}/`" in readme


def test_nothing_lies_in_the_house_that_its_map_does_not_name() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("only a checkout knows which files are kept")
    kept = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True).stdout
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    paths = [Path(name) for name in kept.split("\0") if name]
    folders = {path.parts[0] for path in paths if len(path.parts) > 1}
    assert [name for name in sorted(folders) if f"`{name}/`" not in readme and not name.startswith(".")] == []
    files = [path for path in paths if len(path.parts) == 1]
    assert {path.name for path in files if not path.suffix and path.name[0] != "."} <= {"LICENSE", "Makefile"}


@pytest.mark.parametrize("cls", builtin().classes(), ids=lambda cls: cls.name)
def test_everything_in_the_catalogue_runs(cls: type[Part]) -> None:
    if cls.family in ("section", "precision", "schedule", "guard") and not cls.name.startswith("data."):
        return
    file = f"{cls.name.rpartition('.')[2]}.py"
    rooms = [
        ROOT / "runtime" / room
        for room in ("layers", "features", "losses", "search", "metrics", "optim", "init", "data", "training/scaling")
    ]
    found = [room for room in (*rooms, ROOT / "runtime" / "data" / "augment") if (room / file).is_file()]
    assert len(found) == 1, f"{cls.name} needs one file {file} in runtime, found {len(found)}"


# ---------------------------------------------------------------- how files are written


@pytest.mark.parametrize("module", MODULES, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_a_file_says_in_its_first_line_what_it_is(module: Path) -> None:
    text = module.read_text(encoding="utf-8")
    if module.name == "__init__.py" and module.parent != ROOT:
        assert len(text.splitlines()) <= 2, "a package's own file holds a guard or nothing"
        return
    docstring = ast.get_docstring(_tree(module))
    assert docstring
    assert text.startswith('"""'), "its docstring is its first line"
    assert docstring.splitlines()[0].endswith((".", ":")), "its first line is a sentence"


def test_no_file_is_called_after_nothing() -> None:
    nothing = {"utils", "util", "helpers", "helper", "common", "base", "misc", "manager", "managers", "core"}
    assert [file for file in MODULES if file.stem in nothing] == []


def test_a_room_seen_from_a_bare_checkout_says_its_right_name() -> None:
    for room in ROOMS:
        run = subprocess.run(
            [sys.executable, "-S", "-c", f"import {room}"], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert run.returncode == 1
        assert f"import s2sc.{room}" in run.stderr.splitlines()[-1]


# ---------------------------------------------------------------- what nothing may do


@pytest.mark.parametrize("module", MODULES, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_nothing_turns_data_into_code(module: Path) -> None:
    forbidden_modules = {
        "pickle",
        "cPickle",
        "dill",
        "cloudpickle",
        "joblib",
        "shelve",
        "marshal",
        "yaml",
        "jsonpickle",
    }
    forbidden_calls = {"eval", "exec", "__import__"}
    forbidden_attributes = {"torch.load", "torch.save", "numpy.load", "np.load", "torch.jit.load", "os.system"}
    for name, line in _imports(module):
        assert name.split(".")[0] not in forbidden_modules, f"line {line} imports {name}"
    for node in ast.walk(_tree(module)):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert called not in forbidden_calls | forbidden_attributes, f"line {node.lineno} calls {called}"
            shell = any(word.arg == "shell" and ast.unparse(word.value) != "False" for word in node.keywords)
            assert not shell, f"line {node.lineno} starts a shell"
        elif isinstance(node, ast.Name) and module.parent != ROOT:
            assert node.id not in forbidden_calls, f"line {node.lineno} names {node.id}"


def test_text_and_meaning_import_nothing_heavy_anywhere() -> None:
    for module in MODULES:
        if module.relative_to(ROOT).parts[0] in ("dsl", "compiler"):
            for name, line in _imports(module):
                assert name.split(".")[0] not in HEAVY, f"{module}:{line} imports {name}"


def test_no_files_import_each_other_in_a_circle() -> None:
    """Imports as files are loaded; what stands in a function or under TYPE_CHECKING is no circle."""
    names = {_name(module): module for module in MODULES}
    graph = networkx.DiGraph()
    for name, module in names.items():
        for target, _ in _imports(module, loading=True):
            # `from .x import y` may name a file y or something that x holds
            for found in (target, target.rpartition(".")[0]):
                if found in names and found != name:
                    graph.add_edge(name, found)
                    break
    circles = [sorted(circle) for circle in networkx.strongly_connected_components(graph) if len(circle) > 1]
    assert circles == []


# ---------------------------------------------------------------- what is loaded when


def test_checking_a_spec_loads_only_what_checking_needs() -> None:
    loaded = _loaded_by(
        "from pathlib import Path\n"
        "from s2sc.compiler.front import analyse_file\n"
        f"assert analyse_file(Path({str(ROOT / 'specs' / 'wav2letter.s2s')!r})).checked\n"
    )
    allowed = {"s2sc", "lark", "networkx", "jsonschema", *_JSONSCHEMA, *sys.stdlib_module_names}
    assert {name for name in loaded if name.isidentifier()} - allowed - _STARTUP == set()


def test_linting_on_the_command_line_loads_only_what_checking_needs() -> None:
    loaded = _loaded_by(f"from s2sc.cli.main import main\nassert main(['lint', {str(ROOT / 'specs')!r}]) == 0\n")
    assert loaded.isdisjoint(HEAVY)
    assert "shtab" not in loaded


def test_importing_the_package_loads_nothing_else() -> None:
    loaded = _loaded_by("import s2sc\n")
    assert loaded.isdisjoint({*HEAVY, "lark", "networkx", "jsonschema"})


def test_opening_an_exported_file_needs_no_torch() -> None:
    pytest.importorskip("onnxruntime")
    loaded = _loaded_by("import s2sc.runtime.onnx_recogniser, s2sc.runtime.onnx_translator\n")
    assert loaded.isdisjoint({"torch", "onnx", "onnxscript", "safetensors"})


# jsonschema's own needs
_JSONSCHEMA = ("jsonschema_specifications", "referencing", "rpds", "attr", "attrs", "typing_extensions")
# what the interpreter of an environment loads before the first line
_STARTUP = {"__main__", "sitecustomize", "usercustomize", "distutils_hack", "_distutils_hack"}


def _loaded_by(code: str) -> set[str]:
    """The top-level modules that a fresh interpreter holds after running code."""
    show = "import sys\nprint('\\n'.join({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)"
    run = subprocess.run(
        [sys.executable, "-c", code + show], cwd=ROOT / "tests", capture_output=True, text=True, check=True
    )
    return {name for name in run.stderr.splitlines() if not name.startswith("__editable__")}


# ---------------------------------------------------------------- reading code


@cache
def _tree(module: Path) -> ast.Module:
    return ast.parse(module.read_text(encoding="utf-8"))


def _name(module: Path) -> str:
    """`dsl/parser.py` as s2sc.dsl.parser."""
    parts = module.relative_to(ROOT).with_suffix("").parts
    return ".".join(("s2sc", *(parts[:-1] if parts[-1] == "__init__" else parts)))


def _imports(module: Path, *, loading: bool = False) -> Iterator[tuple[str, int]]:
    """What a file imports, by full name, and on which line; with `loading` only what is imported with the file."""
    package = _name(module) if module.name == "__init__.py" else _name(module).rpartition(".")[0]
    for node in _loading(_tree(module).body) if loading else ast.walk(_tree(module)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            start = ".".join((*above, *([node.module] if node.module else [])))
            for alias in node.names:
                yield f"{start}.{alias.name}", node.lineno


def _loading(statements: list[ast.stmt]) -> Iterator[ast.AST]:
    """The statements that run when a file is loaded, those of `if`, `try` and `with` among them."""
    for statement in statements:
        yield statement
        if isinstance(statement, ast.If) and "TYPE_CHECKING" in ast.unparse(statement.test):
            continue
        if isinstance(statement, ast.If | ast.With | ast.Try):
            yield from _loading(statement.body)
            yield from _loading(getattr(statement, "orelse", []))


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()

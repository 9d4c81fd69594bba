"""What lint, fmt and plan touch, as the kernel and the interpreter saw it; secrets lie all around."""

from __future__ import annotations

import os
import re
import shutil
import site
import subprocess
import sys
from pathlib import Path

import pytest
from s2sc.tests.small_spec import SPEC, changed

ROOT = Path(__file__).parents[2]
CANARY = "canary-7d2f91"
VERBS = (
    ("lint", "."),
    ("lint", "--format", "json", "--all-profiles", "hostile.s2s"),
    ("fmt", "--check"),
    ("fmt", "--diff", "small.s2s"),
    ("plan", "small.s2s"),
    ("plan", "--json", "reads.s2s"),
    ("plan", "--why", "data.train", "reads.s2s"),
)
HOSTILE = f"""edition 1
import "../secret.s2s" as a
import "{{outside}}/secret.s2s" as b
import "link.s2s" as c
import "folder/secret.s2s" as d
import "hard.s2s" as e
import "/proc/self/environ" as f
import "/dev/zero" as g
import "pipe.s2s" as h
import "~/secret.s2s" as i
import "${{{{CANARY}}}}.s2s" as j
import "file:///etc/passwd" as k
use os as l
use plugin.layers as m
let home = env("HOME")
let key  = env("CANARY", default = "none")
{SPEC.removeprefix("edition 1")}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project, beside and around it what is nobody's business."""
    inner = tmp_path / "project"
    inner.mkdir()
    outside = tmp_path / "outside"
    outside.mkdir()
    for path in (tmp_path / "secret.s2s", outside / "secret.s2s", outside / ".netrc", outside / ".env"):
        path.write_text(f'edition 1\nlet a = "{CANARY}"\n')
    (inner / "link.s2s").symlink_to("../secret.s2s")
    (inner / "folder").symlink_to("../outside")
    os.link(tmp_path / "secret.s2s", inner / "hard.s2s")
    os.mkfifo(inner / "pipe.s2s")
    (inner / "plugin").mkdir()
    for name in ("__init__.py", "layers.py"):
        (inner / "plugin" / name).write_text(f"raise SystemExit('{CANARY}: imported')\n")
    (inner / "sitecustomize.py").write_text("")
    (inner / "small.s2s").write_text(SPEC)
    (inner / "reads.s2s").write_text(
        changed(('train = ["train.jsonl"]', 'train = [path(env("CANARY", default = "a"), "b.jsonl")]'))
    )
    wrong = sorted(path for path in (ROOT / "tests" / "ui").rglob("*.s2s") if path.is_file())[::2]
    assert len(wrong) >= 300
    for number, path in enumerate(wrong):
        shutil.copyfile(path, inner / f"wrong{number}.s2s")
    (inner / "hostile.s2s").write_text(HOSTILE.replace("{outside}", str(outside)))
    return inner


def surroundings(project: Path) -> dict[str, str]:
    """The environment of the verbs."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": str(project.parent / "outside"),
        "CANARY": CANARY,
        "AWS_SECRET_ACCESS_KEY": CANARY,
        "LC_ALL": "C.UTF-8",
    }


@pytest.mark.parametrize("words", VERBS, ids=" ".join)
@pytest.mark.skipif(sys.platform != "linux", reason="strace shows system calls of Linux")
@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")
def test_the_kernel_saw_no_file_elsewhere_no_process_and_no_connection(words: tuple[str, ...], project: Path) -> None:
    log = project.parent / "trace"
    traced = ["strace", "-f", "-qq", "-s", "4096", "-o", str(log), "-e", "trace=%file,%process,%network"]
    try:
        run = subprocess.run(
            [*traced, sys.executable, "-m", "s2sc", *words],
            cwd=project,
            env=surroundings(project),
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )
    except PermissionError:
        pytest.skip("strace may not run here")
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    if not any("execve(" in line for line in lines):
        pytest.skip(f"strace may not trace here: {run.stderr[-200:]}")
    assert run.returncode in (0, 1, 2), run.stderr
    assert "Traceback" not in run.stderr
    assert CANARY not in run.stdout + run.stderr
    calls = [line.split(maxsplit=1)[1] for line in lines]
    assert sum(call.startswith("execve(") for call in calls) == 1
    started = [call for call in calls if re.match(r"(fork|vfork|clone3?)\(", call) and "CLONE_THREAD" not in call]
    assert started == []
    assert [call for call in calls if re.match(r"(socket|connect|bind|sendto|listen)\(", call)] == []
    opened = [found[1] for call in calls if (found := _OPENED.match(call)) and " = -1 " not in call]
    assert str(project / "small.s2s") in {os.path.join(project, one) for one in opened} or words[-1] != "small.s2s"
    assert [one for one in opened if not _is_allowed(os.path.join(project, one), project)] == []
    written = [call for call in calls if "O_WRONLY" in call or "O_RDWR" in call or "O_CREAT" in call]
    assert [call for call in written if "/dev/null" not in call and "/dev/tty" not in call] == []


_OPENED = re.compile(r'open(?:at2?)?\((?:AT_FDCWD, |\d+, )?"([^"]*)"')


def _is_allowed(path: str, project: Path) -> bool:
    """Whether a path is the project's, s2sc's, the interpreter's or of an installed package."""
    real = os.path.normpath(path)
    if real.startswith(f"{project}/folder/"):
        return False
    folders: list[str | Path] = [project, ROOT, sys.prefix, sys.base_prefix, *site.getsitepackages(), *_SYSTEM]
    folders += [one for one in os.environ.get("PYTHONPATH", "").split(os.pathsep) if one]
    spellings = {str(one) for one in folders} | {os.path.realpath(one) for one in folders}
    return real in _SINGLE or any(real == one or real.startswith(f"{one}/") for one in spellings)


# where libraries of the system, its languages and its clock are
_SYSTEM = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/share/locale", "/usr/share/zoneinfo")
_SINGLE = frozenset(
    {"/etc/ld.so.cache", "/etc/ld.so.preload", "/etc/localtime", "/dev/null", "/dev/urandom", "/proc/meminfo"}
    | {"/proc/filesystems", "/sys/devices/system/cpu/online", "/sys/devices/system/cpu/possible", "/etc/gnutls/config"}
)

CHILD = """
import os, sys
from s2sc.cli.main import main

def run(words):
    try:
        return main(words)
    except SystemExit as ended:
        return ended.code

project, words = sys.argv[1], sys.argv[2:]
# once before, so that what s2sc itself imports is there
run(words)
known, seen = set(sys.modules), []

def hook(event, arguments):
    if event == "import" and arguments[0] in known:
        return
    if event in ("exec", "compile", "marshal.loads", "pickle.find_class", "code.__new__", "os.fork", "import"):
        seen.append((event, str(arguments)[:200]))
    if event.split(".")[0] in ("subprocess", "socket", "ctypes", "urllib", "ftplib", "http", "webbrowser", "pty"):
        seen.append((event, str(arguments)[:200]))
    if event in ("os.system", "os.posix_spawn", "os.putenv", "os.remove", "os.rename", "os.mkdir", "shutil.rmtree"):
        seen.append((event, str(arguments)[:200]))

sys.addaudithook(hook)
code = run(words)
watched, seen = seen, []
if watched or code not in (0, 1, 2):
    print("AUDIT", code, watched, file=sys.stderr)
    sys.exit(9)
"""


@pytest.mark.parametrize("words", VERBS, ids=" ".join)
def test_the_interpreter_saw_no_code_and_the_secrets_stay_where_they_are(words: tuple[str, ...], project: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-c", CHILD, str(project), *words],
        cwd=project,
        env=surroundings(project),
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-3000:]
    assert CANARY not in run.stdout + run.stderr
    assert "Traceback" not in run.stderr


def test_a_hook_that_sees_code_says_so(project: Path) -> None:
    changed_child = CHILD.replace("code = run(words)\nwatched", "code = run(words); exec('1')\nwatched")
    run = subprocess.run(
        [sys.executable, "-c", changed_child, str(project), *VERBS[4]],
        cwd=project,
        env=surroundings(project),
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 9
    assert "exec" in run.stderr


@pytest.mark.parametrize("written", ["/dev/zero", "/proc/self/environ", "pipe.s2s", "folder/nothing.s2s", "."])
def test_a_file_that_is_none_is_refused_at_once(
    written: str, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from s2sc.cli.main import main

    if written == ".":
        assert main(["lint", str(project / "plugin")]) == 2
        return
    code = main(["lint", written if written.startswith("/") else str(project / written)])
    told = capsys.readouterr()
    assert code in (1, 2)
    assert "Traceback" not in told.err
    assert CANARY not in told.out + told.err

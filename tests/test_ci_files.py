"""What brings s2sc into other projects' CI: the action's steps run as they stand, the hooks call verbs that exist."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from s2sc.cli.verbs import VERBS

ROOT = Path(__file__).parent.parent
BAD = "edition 1\nendoder { }\n"


@pytest.fixture(scope="module")
def action() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    return found


def step(action: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in action["runs"]["steps"] if one.get("name") == name)
    return found


def run_step(action: dict[str, Any], name: str, folder: Path, **inputs: str) -> subprocess.CompletedProcess[str]:
    """Run a step's script with `s2sc` on the path, and the action's defaults for inputs that are not given."""
    one = step(action, name)
    values = {key: facts["default"] for key, facts in action["inputs"].items()} | inputs
    given = {
        key: re.sub(r"\$\{\{ inputs\.([\w-]+) \}\}", lambda found: values[found[1]], text)
        for key, text in one["env"].items()
    }
    commands = folder / "commands"
    commands.mkdir(exist_ok=True)
    (commands / "s2sc").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m s2sc "$@"\n', encoding="utf-8")
    (commands / "s2sc").chmod(0o755)
    environment = {**os.environ, **given, "PATH": f"{commands}:{os.environ['PATH']}"}
    environment["GITHUB_OUTPUT"] = str(folder / "output")
    # as GitHub runs `shell: bash`
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", one["run"]],
        cwd=folder,
        env=environment,
        text=True,
        capture_output=True,
        check=False,
    )


def test_the_action_writes_sarif_and_goes_on(action: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "bad.s2s").write_text(BAD, encoding="utf-8")
    done = run_step(action, "Write SARIF", tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "output").read_text(encoding="utf-8") == "code=1\n"
    found = json.loads((tmp_path / "s2sc.sarif").read_text(encoding="utf-8"))["runs"][0]["results"]
    place = found[0]["locations"][0]["physicalLocation"]["artifactLocation"]
    assert place == {"uri": "bad.s2s", "uriBaseId": "%SRCROOT%"}


def test_the_action_fails_where_there_are_findings(action: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "bad.s2s").write_text(BAD, encoding="utf-8")
    done = run_step(action, "Show findings", tmp_path)
    assert done.returncode == 1
    assert done.stdout.startswith("::error title=s2sc S2S")
    (tmp_path / "bad.s2s").unlink()
    (tmp_path / "a b.s2s").write_text("edition 1\nblock f(x: seq) => y { y = x -> relu }\n", encoding="utf-8")
    assert run_step(action, "Show findings", tmp_path, paths="a b.s2s\n\n").returncode == 0


@pytest.mark.parametrize("paths", ["$(touch owned)", "; touch owned", "--format\nfull", "`touch owned`"])
def test_a_path_is_no_command(action: dict[str, Any], tmp_path: Path, paths: str) -> None:
    done = run_step(action, "Show findings", tmp_path, paths=paths)
    assert done.returncode == 2
    assert not (tmp_path / "owned").exists()


def test_no_value_is_put_into_a_script(action: dict[str, Any]) -> None:
    for one in action["runs"]["steps"]:
        assert "${{" not in one.get("run", "")


def test_foreign_actions_are_pinned_by_commit(action: dict[str, Any]) -> None:
    for one in action["runs"]["steps"]:
        assert "uses" not in one or re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", one["uses"])


def test_hooks_call_verbs_that_exist() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    assert [hook["id"] for hook in hooks] == ["s2sc-lint", "s2sc-fmt"]
    for hook in hooks:
        program, verb = hook["entry"].split()
        assert program == "s2sc"
        assert verb in VERBS
        assert re.search(hook["files"], "specs/wav2letter.s2s")

"""Users' modules at work: who may run them, how they are held against their signatures, and the example of the docs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest
import torch
from s2sc.compiler.front import analyse_file
from s2sc.compiler.graph import CheckedGraph
from s2sc.compiler.rulebook import complete
from s2sc.runtime.emit import emit_torch
from s2sc.runtime.layers.layer import layer_class
from s2sc.runtime.lower import lower
from s2sc.runtime.plugins import PluginError, PluginRefused, layers_for

EXAMPLE = Path(__file__).parent.parent.parent / "docs" / "plugin"
SIGNATURE = """edition 1
module gate(x: seq[batch, time, d], ratio: int = 4) => y: seq[batch, time, d] {
  class  = "Gate"
  params = d + 1
  fp16   = "half"
  onnx   = 18
  step   = "plain"
}
"""
CLASS = """
import torch
from torch import nn

class Gate(nn.Module):
    def __init__(self, *, d, ratio):
        super().__init__()
        self.share = nn.Linear(d, 1)

    def forward(self, x):
        return x * self.share(x).sigmoid()
"""
_numbers = count()

Make = Callable[..., tuple[CheckedGraph, Path, str]]


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """A project whose package nobody imported before: its graph, its folder, the package's name."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def made(
        code: str = CLASS, signature: str = SIGNATURE, call: str = "gate", precision: str = "fp32"
    ) -> tuple[CheckedGraph, Path, str]:
        name = f"made_layers_{next(_numbers)}"
        (tmp_path / name).mkdir()
        (tmp_path / name / "layers.py").write_text(code)
        (tmp_path / name / "layers.s2s-sig").write_text(signature)
        (tmp_path / "s2sc.toml").write_text(f'[plugins]\nallow = ["{name}"]\n')
        text = f"use {name}.layers as own\nencoder {{ out = data.audio -> conv1d(8, kernel = 5) -> own.{call} }}\n"
        (tmp_path / "spec.s2s").write_text(complete(text))
        found = analyse_file(tmp_path / "spec.s2s", sets=[f"hyperparameters.precision={precision}"])
        assert found.checked is not None, [one.message for one in found.findings]
        return found.checked, tmp_path, name

    return made


def problem(checked: CheckedGraph, root: Path, name: str) -> str:
    with pytest.raises(PluginError) as caught:
        layers_for(checked, root=root, packages=[name], allowed=True)
    return str(caught.value)


# ---------------------------------------------------------------- who may run it


def test_a_graph_without_user_modules_asks_nobody(make: Make) -> None:
    found = analyse_file(EXAMPLE.parent.parent / "specs" / "wav2letter.s2s").checked
    assert found is not None
    assert layers_for(found, root=Path(), packages=[], allowed=False) is layer_class


def test_both_the_project_and_the_command_line_allow_it(make: Make) -> None:
    checked, root, name = make()
    with pytest.raises(PluginRefused, match="add --allow-plugins if you trust it"):
        layers_for(checked, root=root, packages=[name], allowed=False)
    with pytest.raises(PluginRefused, match=r"s2sc.toml does not allow: .*allow = \[\"made_layers"):
        layers_for(checked, root=root, packages=["other"], allowed=True)
    assert name not in sys.modules
    layers_for(checked, root=root, packages=[name], allowed=True)
    assert f"{name}.layers" in sys.modules


def test_another_package_of_that_name_is_not_run_for_it(make: Make, tmp_path: Path) -> None:
    checked, root, name = make()
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(root / name, elsewhere / name)
    sys.path.insert(0, str(elsewhere))
    assert "Python finds another one" in problem(checked, root, name)


def test_a_file_of_the_project_replaces_no_installed_module(make: Make) -> None:
    checked, root, name = make()
    layers_for(checked, root=root, packages=[name], allowed=True)
    assert sys.path[-1] == os.path.realpath(root)


# ---------------------------------------------------------------- held against its signature

LINES = "        return x * self.share(x).sigmoid()"
DIFFERENCES = {
    "no such class": (("class Gate", "class Gates"), "its class Gate is not there"),
    "no module": (("nn.Module)", "object)"), "its class Gate is no torch module"),
    "no import": (("import torch\n", "import no_such_thing\n"), "cannot be imported: ModuleNotFoundError"),
    "a fault at import": (("import torch\n", "import torch; 1 / 0\n"), "cannot be imported: ZeroDivisionError"),
    "a parameter less": (("*, d, ratio", "*, d"), "Gate(…) takes no ratio"),
    "a parameter more": (("*, d, ratio", "*, d, ratio, heads"), "Gate(…) wants heads too"),
    "a fault when made": (
        ("super().__init__()", "super().__init__(); 1 / 0"),
        "Gate(d=8, ratio=4) fails: ZeroDivision",
    ),
    "a weight more": (("Linear(d, 1)", "Linear(d, 2)"), "it has 18 trained numbers, and `params` gives 9"),
    "a fault at work": ((LINES, "        return x.no"), "forward fails: AttributeError"),
    "another shape": (
        (LINES, "        return (x * self.share(x))[:, 1:]"),
        "its result `y` is [3, 6, 8] for 3 rows of 7 frames, not [3, 7, 8]",
    ),
    "another dtype": ((LINES, LINES + ".double()"), "its result `y` is torch.float64 for inputs of torch.float32"),
    "two results": ((LINES, LINES + ", x"), "it gives 2 results, 1 are declared"),
    "no tensor": ((LINES, "        return 3"), "it gives a int, no tensor"),
    "not a number": ((LINES, LINES + " / 0"), "holds NaN or infinite numbers"),
    "its input changed": ((LINES, "        self.share(x); return x.mul_(2)"), "it changes its input `x`"),
    "all frames at once": ((LINES, LINES + " + x.mean(1, keepdim=True)"), "padding changes its result `y`"),
    "its place": (
        (LINES, LINES + " + torch.arange(x.shape[1])[:, None]"),
        'its result `y` for a token depends on other tokens, and `step = "plain"` says it does not',
    ),
}


@pytest.mark.parametrize("what", DIFFERENCES)
def test_a_class_that_is_not_what_its_signature_says_is_refused(make: Make, what: str) -> None:
    change, words = DIFFERENCES[what]
    assert change[0] in CLASS
    assert words in problem(*make(CLASS.replace(*change)))


def test_a_module_over_all_frames_reads_the_mask(make: Make) -> None:
    signature = SIGNATURE.replace('step   = "plain"', 'needs = ["mask", "lengths"]')
    pooled = "        return x * self.share((x * mask).sum(1, keepdim=True) / lengths[:, None, None]).sigmoid()"
    code = CLASS.replace(LINES, pooled).replace("forward(self, x)", "forward(self, x, *, mask, lengths)")
    checked, root, name = make(code, signature)
    layers_for(checked, root=root, packages=[name], allowed=True)
    careless = code.replace("lengths[:, None, None]", "x.shape[1]")
    assert "padding changes its result" in problem(*make(careless, signature))


def test_several_inputs_and_results(make: Make) -> None:
    signature = """edition 1
module pair(x: seq[batch, time, d], other: seq[batch, time, e], size: int) => (
  y: seq[batch, time, 2 * size], last: [batch, d + e]
) { class = "Pair"; params = (d + e) * 2 * size; needs = "mask"; fp16 = "half" }
"""
    code = """
import torch
from torch import nn
class Pair(nn.Module):
    def __init__(self, d, e, size):
        super().__init__()
        self.both = nn.Linear(d + e, 2 * size, bias=False)
    def forward(self, x, other, *, mask):
        both = torch.cat([x, other], 2)
        return self.both(both), (both * mask).sum(1)
"""
    name = "pair"
    checked, root, package = make(code, signature, f"{name}(other = data.audio, size = 3)", "autocast(bf16)")
    layers = layers_for(checked, root=root, packages=[package], allowed=True)
    node = checked.graph.nodes["encoder.out.pair"]
    assert node.cost.parameters == 24 * 6
    module = lower(checked, layer_of=layers).module
    assert dict(module.named_parameters())["encoder.out.pair.both.weight"].shape == (6, 24)


@pytest.mark.parametrize("precision", ["fp32", "autocast(bf16)", "autocast(fp16)"])
def test_weights_come_in_the_precision_of_the_inputs(make: Make, precision: str) -> None:
    checked, root, name = make(precision=precision)
    layers = layers_for(checked, root=root, packages=[name], allowed=True)
    module = lower(checked, layer_of=layers).module
    weight = dict(module.named_parameters())["encoder.out.gate.share.weight"]
    assert weight.dtype == torch.float32
    waveform = torch.randn(2, 16000)
    module(waveform, torch.tensor([16000, 9000]))["decoder.log_probs"].sum().backward()
    assert weight.grad is not None
    assert weight.grad.dtype == torch.float32
    assert bool(weight.grad.isfinite().all())


def test_the_check_leaves_the_random_numbers_of_training_alone(make: Make) -> None:
    checked, root, name = make()
    torch.manual_seed(5)
    before = torch.get_rng_state()
    layers_for(checked, root=root, packages=[name], allowed=True)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_emitted_code_imports_the_class_and_gives_the_same(make: Make) -> None:
    checked, root, name = make()
    layers = layers_for(checked, root=root, packages=[name], allowed=True)
    text = emit_torch(checked, layer_of=layers)
    assert f"from {name}.layers import Gate" in text
    scope: dict[str, object] = {"__name__": "written"}
    exec(compile(text, "model.py", "exec"), scope)
    written, lowered = scope["Model"](), lower(checked, layer_of=layers).module  # type: ignore[operator]  # a class
    written.load_state_dict(lowered.state_dict())
    batch = (torch.randn(2, 16000), torch.tensor([16000, 9000]))
    ours, theirs = lowered.eval()(*batch), written.eval()(*batch)
    assert all(torch.equal(ours[key], theirs[key]) for key in ours)


# ---------------------------------------------------------------- the example of the docs


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example in a folder of its own, trained for a few steps."""
    folder = tmp_path_factory.mktemp("example") / "plugin"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("runs", "__pycache__"))
    done = command(folder, "compile", "digits.s2s", "--train", "--allow-plugins", *FEW)
    assert done.returncode == 0, done.stderr
    return folder


FEW = ["--out", "run", "--set", "hyperparameters.stop=6 steps", "--set", "hyperparameters.seed=2"]


def command(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "s2sc", *words],
        cwd=folder,
        text=True,
        capture_output=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def test_the_example_is_clean_and_can_be_planned() -> None:
    done = command(EXAMPLE, "lint", "digits.s2s", "acme_layers/layers.s2s-sig")
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert json.loads(command(EXAMPLE, "plan", "digits.s2s", "--json").stdout)["parameters"] == 101_928


@pytest.mark.parametrize(
    "words",
    [
        ["compile", "digits.s2s", "--emit", "torch"],
        ["compile", "digits.s2s", "--train", "--out", "other"],
        ["eval", "run"],
        ["infer", "run"],
        ["export", "run", "--onnx"],
    ],
    ids=" ".join,
)
def test_without_the_flag_nothing_runs(example: Path, words: list[str]) -> None:
    done = command(example, *words)
    assert done.returncode == 77, done.stderr
    assert done.stderr.splitlines()[-1] == (
        "s2sc: this would run code of `acme_layers`: add --allow-plugins if you trust it"
    )
    assert not (example / "other").exists()
    assert done.stdout == ""


def test_a_run_brings_no_allow_list_of_its_own(example: Path, tmp_path: Path) -> None:
    shutil.copytree(example, tmp_path / "stranger")
    done = command(tmp_path, "eval", "stranger/run", "--allow-plugins")
    assert done.returncode == 77, done.stderr
    assert "does not allow" in done.stderr


def test_the_example_is_measured_and_asked(example: Path) -> None:
    done = command(example, "eval", "run", "--allow-plugins", "--json")
    assert done.returncode == 0, done.stderr
    (example / "lines.txt").write_text("3 1 4\n")
    assert command(example, "infer", "run", "lines.txt", "--allow-plugins").returncode == 0


def test_a_run_holds_the_signatures_of_its_spec(example: Path) -> None:
    assert command(example / "run" / "sources", "lint", "digits.s2s").returncode == 0


def test_the_example_resumes(example: Path) -> None:
    done = command(example, "compile", "digits.s2s", "--train", "--resume", "--allow-plugins", *FEW)
    assert done.returncode == 0, done.stderr


def test_the_example_is_exported_in_half_precision_with_parity(example: Path) -> None:
    done = command(example, "export", "run", "--onnx", "--allow-plugins", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["passed"]
    assert report["greedy_tokens"]["equal_share"] > 0.99
    assert report["probabilities"]["max_abs_diff"] < 2e-2
    assert report["weights"]["fp16"] > 100_000
    (example / "lines.txt").write_text("3 1 4\n2 7\n")
    asked = command(example, "infer", "run/encoder.onnx", "lines.txt")
    assert asked.returncode == 0, asked.stderr
    assert len(asked.stdout.splitlines()) == 2


def test_a_class_that_lies_is_found_before_there_is_a_run(example: Path, tmp_path: Path) -> None:
    folder = tmp_path / "plugin"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("runs", "__pycache__"))
    code = folder / "acme_layers" / "layers.py"
    code.write_text(code.read_text().replace("x.chunk(2, dim=2)", "x.flip(1).chunk(2, dim=2)"))
    done = command(folder, "compile", "digits.s2s", "--train", "--allow-plugins", *FEW)
    assert done.returncode == 1
    assert "acme_layers.layers.rotary is not what its signature file says: padding changes" in done.stderr
    assert not (folder / "run").exists()


def test_a_module_without_an_onnx_form_is_not_exported(example: Path, tmp_path: Path) -> None:
    folder = tmp_path / "plugin"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("runs", "__pycache__"))
    signature = folder / "acme_layers" / "layers.s2s-sig"
    signature.write_text(signature.read_text().replace("onnx     = 18", "onnx     = none"))
    assert command(folder, "compile", "digits.s2s", "--train", "--allow-plugins", *FEW).returncode == 0
    done = command(folder, "export", "run", "--onnx", "--allow-plugins")
    assert done.returncode == 1
    assert "acme_layers.layers.rotary says in its signature file that it has no ONNX form" in done.stderr

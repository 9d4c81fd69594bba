"""The catalogue: what is in the folders can be named, and nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import s2sc.compiler.catalogue
from s2sc.compiler.catalogue import builtin
from s2sc.compiler.component import Component
from s2sc.compiler.part import Part
from s2sc.compiler.planned import _PLANNED
from s2sc.compiler.signatures import signature_of
from s2sc.compiler.synonyms import _SYNONYMS

CATALOGUE = builtin()
CLASSES = {cls.name: cls for cls in CATALOGUE.classes()}
PARAM_NAMES = {param.name for cls in CLASSES.values() for param in cls.params}
INPUT_NAMES = {one.name for cls in CATALOGUE.component_classes() for one in signature_of(cls).inputs}


def test_every_file_holds_one_part_that_is_found_by_its_name() -> None:
    folder = Path(s2sc.compiler.catalogue.__file__).parent
    files = [*folder.glob("components/[!_]*.py"), *folder.glob("parts/*/[!_]*.py")]
    assert len(files) == len(CLASSES)
    for name, cls in CLASSES.items():
        assert CATALOGUE.part_class(name) is cls


@pytest.mark.parametrize("name", CLASSES)
def test_everything_is_documented(name: str) -> None:
    cls = CLASSES[name]
    first = (cls.__doc__ or "").strip().splitlines()[0]
    assert first.endswith((".", "):", ")."))
    for param in cls.params:
        assert param.doc, f"{name}.{param.name}"
        assert param.doc[-1] != "."
        assert (param.doc[0].islower() or not param.doc[0].isalpha()) or param.doc.startswith("ONNX"), param.doc


@pytest.mark.parametrize("name", CLASSES)
def test_what_a_spec_can_name_has_a_signature(name: str) -> None:
    cls = CLASSES[name]
    callable_ = CATALOGUE.callable(name)
    if cls.family in ("internal", "section"):
        assert callable_ is None
        return
    assert callable_ is not None
    assert (callable_.name, callable_.family, callable_.params) == (name, cls.family, cls.params)
    piped = issubclass(cls, Component) and cls.family not in ("feature", "augment")
    assert bool(callable_.inputs) == piped
    assert bool(callable_.results) == piped


@pytest.mark.parametrize("cls", CATALOGUE.component_classes(), ids=lambda cls: cls.name)
def test_every_signature_can_be_read(cls: type[Component]) -> None:
    signature = signature_of(cls)
    assert signature.inputs
    assert signature.results
    names = {one.name for one in signature.inputs}
    assert set(cls.tokens) <= names
    assert set(cls.saves or ()) <= names | set(signature.results)
    assert not names & {param.name for param in cls.params}


def test_sections_are_found_by_kind_and_label() -> None:
    for kind, label in (("hyperparameters", None), ("data", "speech"), ("export", "onnx"), ("checkpoint", None)):
        section = CATALOGUE.section(kind, label)
        assert section is not None
        assert section.family == "section"
    assert CATALOGUE.section("data", "spoken_numbers") is None
    assert CATALOGUE.section("linear", None) is None
    assert CATALOGUE.section_labels("data") == ["parallel_text", "speech"]
    assert CATALOGUE.section_labels("export") == ["onnx"]
    assert CATALOGUE.section_labels("hyperparameters") == []


def test_nested_sections_are_named_after_their_parameter() -> None:
    for cls in CLASSES.values():
        for param in cls.params:
            if "section" in param.families:
                nested = CATALOGUE.section(param.name, None)
                assert nested is not None, param.name
                assert not any(inner.required for inner in nested.params)


def test_families_of_parameters_exist() -> None:
    families = {cls.family for cls in CLASSES.values()}
    for cls in CLASSES.values():
        for param in cls.params:
            assert set(param.families) <= families
            assert bool(param.families) == (param.type == "part" or param.item == "part")


def test_a_name_that_comes_later_is_not_there_yet() -> None:
    for name in _PLANNED:
        assert name not in CLASSES
        assert "comes with a later version" in (CATALOGUE.planned(name) or "")
        owner, _, parameter = name.partition(".")
        if parameter:
            assert parameter not in {param.name for param in CLASSES[owner].params}
    assert CATALOGUE.planned("linear") is None
    assert CATALOGUE.planned("nonsense") is None


def test_what_a_planned_name_offers_instead_exists() -> None:
    assert "mixed(fp16, loss_scale = …)" in (CATALOGUE.planned("autocast.loss_scale") or "")
    assert CATALOGUE.callable("mixed") is not None


def test_synonyms_lead_to_names_that_exist() -> None:
    for other, ours in _SYNONYMS.items():
        assert ours in PARAM_NAMES | INPUT_NAMES | CLASSES.keys(), (other, ours)
    assert CATALOGUE.synonym("learning_rate") == "lr"
    assert CATALOGUE.synonym("n_mels") == "bins"
    assert CATALOGUE.synonym("num_heads") == "heads"
    assert CATALOGUE.synonym("batch_size") == "batch"
    assert CATALOGUE.synonym("embedding.vocab_size") == "vocab"
    assert CATALOGUE.synonym("vocab_size") == "size"
    assert CATALOGUE.synonym("lr") is None


def test_a_part_refuses_what_it_does_not_declare() -> None:
    relu: type[Part] = CLASSES["relu"]
    with pytest.raises(TypeError, match="has no parameter slope"):
        relu(slope=1)
    with pytest.raises(TypeError, match="needs the parameter rate"):
        CLASSES["dropout"]()
    with pytest.raises(AttributeError, match="frozen"):
        relu().max = 3.0


def test_a_parameter_may_have_the_name_of_a_method() -> None:
    logmel = CLASSES["logmel"](window=0.025)
    assert isinstance(logmel, Component)
    assert logmel.values()["window"] == 0.025
    assert logmel.window().reach == 400


def test_the_catalogue_imports_neither_torch_nor_networkx_nor_jsonschema() -> None:
    code = (
        "import sys; from s2sc.compiler.catalogue import builtin; builtin().classes();"
        "print(sorted({'torch', 'networkx', 'jsonschema', 'numpy', 'onnx'} & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd="/")
    assert shown.stdout.strip() == "[]"

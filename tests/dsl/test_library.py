"""The library of blocks that comes with s2sc: each of its files is sound, and each of its blocks makes a model."""

from __future__ import annotations

from pathlib import Path

import pytest
from s2sc.compiler.front import Analysis, analyse, analyse_file
from s2sc.compiler.plan import plan
from s2sc.dsl.diagnostics import Findings
from s2sc.dsl.loading import LIBRARY
from s2sc.dsl.parser import parse
from s2sc.dsl.reading import read_source
from s2sc.dsl.source import Source
from s2sc.dsl.syntax import Block

FILES = sorted(LIBRARY.glob("*.s2s"))
SPEC = """edition 1
import "lib/{file}.s2s" as parts

data parallel_text {{
  corpus = reversal
  tokens = words(size = 16)
}}

encoder = parts.{encoder}
decoder = parts.{decoder}
loss    = parts.{loss}(decoder.logits, data.target)

hyperparameters {{
  batch = 32 examples; {settings}seed = 1; stop = 100 steps
  optimizer = adam(lr = 0.0008)
}}
"""
MODELS = {
    "gnmt": (
        "gnmt_like_encoder_with_embedding(data.source, layers = 4, size = 16)",
        "rnn_decoder_with_attention(data.target.shifted, encoder.out, layers = 4, size = 16{tie})",
    ),
    "rnn": (
        "bidirectional_rnn_encoder_with_embedding(data.source, layers = 2, size = 16)",
        "rnn_decoder_with_attention(data.target.shifted, encoder.out, layers = 2, size = 16{tie})",
    ),
    "transformer": (
        "transformer_encoder(data.source, layers = 2, size = 16, inner = 32, heads = 2)",
        "transformer_decoder(data.target.shifted, encoder.out, layers = 2, size = 16, inner = 32, heads = 2{tie})",
    ),
    "convs2s": (
        "convs2s_encoder(data.source, size = 16, channels = 16, narrow = 2, middle = 1, wide = 1)",
        "convs2s_decoder(data.target.shifted, encoder.out, encoder.values, size = 16, channels = 16, narrow = 2, "
        "middle = 1, wide = 1{tie})",
    ),
}
LOSSES = ("basic_sequence_loss", "padded_cross_entropy_loss_with_smoothing")


def model(
    file: str,
    *,
    tied: bool = False,
    settings: str = "dropout = 0.2; ",
    loss: str = LOSSES[0],
    replaced: tuple[str, str] = ("parts", "parts"),
) -> Analysis:
    """A small translator made of one file of the library."""
    tie = ", emb = encoder.emb" if tied else ""
    encoder, decoder = (text.replace(*replaced).replace("{tie}", tie) for text in MODELS[file])
    text = SPEC.format(file=file, encoder=encoder, decoder=decoder, settings=settings, loss=loss)
    return analyse(Source("spec.s2s", text))


def said(analysis: Analysis) -> list[str]:
    return [f"{one.code} {one.message}" for one in analysis.findings]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_of_the_library_has_no_findings(path: Path) -> None:
    assert said(analyse_file(path, blocks_too=True)) == []


@pytest.mark.parametrize("settings", ["dropout = 0.2; ", ""], ids=["dropout", "no dropout"])
@pytest.mark.parametrize("tied", [True, False], ids=["tied", "untied"])
@pytest.mark.parametrize("file", MODELS)
def test_a_short_spec_of_its_parts_has_no_findings(file: str, tied: bool, settings: str) -> None:
    analysis = model(file, tied=tied, settings=settings)
    assert said(analysis) == []
    assert analysis.checked is not None
    assert analysis.checked.graph.steps
    embeddings = {node.weights for node in analysis.checked.graph.nodes.values() if node.operation.name == "embedding"}
    assert len(embeddings) == (1 if tied else 2)


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("rnn", "bidirectional", "unidirectional"),
        ("rnn", "layers = 2", "layers = 1"),
        ("gnmt", "layers = 4", "layers = 2"),
        ("gnmt", "layers = 4", "layers = 1"),
        ("convs2s", "middle = 1, wide = 1", "middle = 0, wide = 0"),
    ],
)
def test_the_other_ways_of_its_blocks_have_no_findings(file: str, old: str, new: str) -> None:
    assert said(model(file, replaced=(old, new))) == []


def test_gnmt_gives_the_upper_layers_what_the_step_before_attended_to() -> None:
    analysis = model("gnmt", replaced=("layers = 4, size = 16{tie}", 'layers = 4, size = 16, version = "gnmt"'))
    assert said(analysis) == []
    assert analysis.spec is not None
    fed = {ref.port for one in analysis.spec.instances for refs in one.inputs.values() for ref in refs}
    assert "previous" in fed
    assert "context" not in fed


def test_every_block_of_the_library_is_used_by_these_tests() -> None:
    made = [model(file) for file in MODELS]
    made += [model("rnn", replaced=("bidirectional", "unidirectional")), model("transformer", loss=LOSSES[1])]
    used = {
        name
        for analysis in made
        if analysis.spec is not None
        for instance in analysis.spec.instances
        for name in instance.reached
    }
    blocks = {
        statement.name
        for path in FILES
        for statement in parse(read_source(path), Findings()).statements
        if isinstance(statement, Block)
    }
    assert blocks - used == set()


FULL = {
    "transformer_base": (
        "transformer",
        "transformer_encoder(data.source)",
        "transformer_decoder(data.target.shifted, encoder.out, emb = encoder.emb)",
    ),
    "transformer_big": (
        "transformer",
        "transformer_encoder(data.source, size = 1024, inner = 4096, heads = 16)",
        "transformer_decoder(data.target.shifted, encoder.out, size = 1024, inner = 4096, heads = 16, "
        "emb = encoder.emb)",
    ),
    "gnmt": (
        "gnmt",
        "gnmt_like_encoder_with_embedding(data.source)",
        "rnn_decoder_with_attention(data.target.shifted, encoder.out)",
    ),
}


@pytest.mark.parametrize("recipe", FULL)
def test_the_full_sizes_have_as_many_parameters_as_the_recipes_that_are_written_out(recipe: str) -> None:
    file, encoder, decoder = FULL[recipe]
    text = SPEC.format(file=file, encoder=encoder, decoder=decoder, settings="", loss=LOSSES[0])
    text = text.replace("corpus = reversal\n", 'train = pair("a", "b"); valid = pair("c", "d")\n')
    text = text.replace("words(size = 16)", "sentencepiece(size = 32768, joint = true)")
    short = analyse(Source("spec.s2s", text))
    assert said(short) == []
    written_out = analyse_file(LIBRARY.parent / "translation" / f"{recipe}.s2s")
    assert short.checked is not None
    assert written_out.checked is not None
    assert plan(short.checked).parameters == plan(written_out.checked).parameters

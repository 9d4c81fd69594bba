"""The derived step: token by token it gives what the whole decoder gives at once, for decoders nobody thought of."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from s2sc.compiler.front import analyse
from s2sc.compiler.graph import CheckedGraph
from s2sc.dsl.source import Source
from s2sc.runtime.lower import lower
from s2sc.runtime.lower_step import lower_step
from s2sc.runtime.stepping import TorchStepper
from torch import Tensor

VOCABULARY = 16
WIDTH = 8

SPEC = """
edition 1
data parallel_text {{
  tokens = words(size = {vocabulary})
  train  = pair("train.en", "train.de")
  keep   = 1 .. 40 tokens
}}
encoder {{
  shared emb = embedding(data.source.vocab, {width}, scale = true)
  out  = data.source -> emb -> positions -> {encoder}
}}
decoder {{
  x0 = data.target.shifted -> encoder.emb{start}
{lines}
  logits = x{last} -> linear(data.target.vocab)
  infer  = logits -> greedy
}}
loss = cross_entropy(decoder.logits, data.target)
hyperparameters {{
  batch = 4 examples
  stop = 1 steps
  optimizer = adam(lr = 1e-3)
}}
"""

# What a decoder's layer may be: {x} is what it reads, {n} its number; all keep WIDTH features.
LAYERS = {
    "self_attention": "x{m} = x{n} + (x{n} -> layer_norm -> self_attention(2, causal = true))",
    "cross_attention": "x{m} = x{n} + cross_attention(x{n}, encoder.out, heads = 2)",
    "causal convolution": 'x{m} = x{n} + (x{n} -> conv1d(16, kernel = 3, pad = "causal") -> glu)',
    "dilated convolution": 'x{m} = x{n} -> conv1d(8, kernel = 2, dilation = 3, pad = "causal", weight_norm = true)',
    "lstm": "x{m} = x{n} -> dropout(0.3) -> lstm(8, layers = 2)",
    "gru": "x{m} = x{n} -> gru(8)",
    "rnn": "x{m} = x{n} -> rnn(8)",
    "feed forward": "x{m} = x{n} + (x{n} -> rms_norm -> linear(12) -> gelu -> linear(8))",
    "additive attention": 'a{m} = attention(x{n}, encoder.out, kind = "bahdanau", size = 6)\n'
    "  x{m} = (x{n}, a{m}.context) -> concat -> linear(8)",
    "dot attention": 'x{m} = x{n} + attention(x{n}, encoder.out, kind = "dot").context',
    "attention with feeding": "a{m} = attention_rnn(x{n}, encoder.out, size = 8, attention_size = 6)\n"
    "  x{m} = a{m}.y + a{m}.context",
    "attention of the step before": 'a{m} = attention_rnn(x{n}, encoder.out, size = 8, cell = "gru")\n'
    "  x{m} = (a{m}.y, a{m}.previous) -> concat -> linear(8)",
    "attentional vector": 'a{m} = attention_rnn(x{n}, encoder.out, size = 8, kind = "general", attention_size = 8, '
    'feed = "attentional")\n  x{m} = a{m}.y',
}
ENCODERS = ("lstm(4, bidirectional = true)", "self_attention(2)", "conv1d(8, kernel = 3)", "repeat 2 { gru(8) }")


def checked_decoder(layers: list[str], *, encoder: str = ENCODERS[0], positions: bool = True) -> CheckedGraph:
    lines = "\n".join("  " + LAYERS[layer].format(n=n, m=n + 1) for n, layer in enumerate(layers))
    text = SPEC.format(
        vocabulary=VOCABULARY,
        width=WIDTH,
        encoder=encoder,
        start=" -> positions" if positions else "",
        lines=lines,
        last=len(layers),
    )
    analysis = analyse(Source("random.s2s", text))
    errors = [finding.message for finding in analysis.findings if finding.severity == "error"]
    assert analysis.checked is not None, (errors, text)
    return analysis.checked


def batch(lengths: list[tuple[int, int]], seed: int, *, pad: int = 0) -> dict[str, Tensor]:
    """Random sentences by (source, target) length; `pad` more places of garbage behind the longest."""
    generator = np.random.default_rng(seed)
    sources, targets = (max(pair[side] for pair in lengths) + pad for side in (0, 1))
    made = {
        "source": torch.from_numpy(generator.integers(3, VOCABULARY, (len(lengths), sources))),
        "source_lengths": torch.tensor([source for source, _ in lengths]),
        "target_shifted": torch.from_numpy(generator.integers(3, VOCABULARY, (len(lengths), targets))),
        "target_shifted_lengths": torch.tensor([target for _, target in lengths]),
    }
    made["target_lengths"] = made["target_shifted_lengths"]
    made["target"] = made["target_shifted"]
    return made


def all_at_once(
    checked: CheckedGraph, module: torch.nn.Module, inputs: tuple[str, ...], given: dict[str, Tensor]
) -> Tensor:
    with torch.no_grad():
        outputs: dict[str, Tensor] = module(*(given[name] for name in inputs))
    return outputs["decoder.logits"]


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    layers=st.lists(st.sampled_from(sorted(LAYERS)), min_size=1, max_size=4),
    encoder=st.sampled_from(ENCODERS),
    positions=st.booleans(),
    lengths=st.lists(st.tuples(st.integers(1, 7), st.integers(1, 19)), min_size=1, max_size=3),
    seed=st.integers(0, 1000),
)
def test_step_by_step_equals_all_at_once(
    layers: list[str], encoder: str, positions: bool, lengths: list[tuple[int, int]], seed: int
) -> None:
    torch.manual_seed(seed)
    checked = checked_decoder(layers, encoder=encoder, positions=positions)
    lowered = lower(checked)
    lowered.module.eval()
    given = batch(lengths, seed)
    whole_BUV = all_at_once(checked, lowered.module, lowered.inputs, given)
    step = lower_step(checked, lowered.module)
    stepper = TorchStepper(step, [given[name] for name in step.takes], num_rows=len(given["source"]))
    for place in range(whole_BUV.shape[1]):
        step_BV = stepper.logits(given["target_shifted"][:, place])
        real_B = given["target_lengths"] > place
        torch.testing.assert_close(step_BV[real_B], whole_BUV[real_B, place], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("layer", sorted(LAYERS))
def test_neither_order_nor_padding_nor_neighbours_matter(layer: str) -> None:
    torch.manual_seed(3)
    checked = checked_decoder([layer, layer])
    lowered = lower(checked)
    lowered.module.eval()
    lengths = [(5, 6), (2, 9), (7, 3)]
    given = batch(lengths, seed=1, pad=4)
    whole_BUV = all_at_once(checked, lowered.module, lowered.inputs, given)
    step = lower_step(checked, lowered.module)
    order = torch.tensor([2, 0])
    turned = {name: value[order] for name, value in given.items()}
    stepper = TorchStepper(step, [turned[name] for name in step.takes], num_rows=len(order))
    for place in range(6):
        step_BV = stepper.logits(turned["target_shifted"][:, place])
        for row, before in enumerate(order.tolist()):
            if place < lengths[before][1]:
                torch.testing.assert_close(step_BV[row], whole_BUV[before, place], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("layer", sorted(LAYERS))
def test_state_follows_the_rows_of_a_beam(layer: str) -> None:
    """Rows that are doubled, swapped and dropped, as a beam does, go on from their parents' state."""
    torch.manual_seed(5)
    checked = checked_decoder([layer, "feed forward"])
    lowered = lower(checked)
    lowered.module.eval()
    given = batch([(5, 6), (3, 6)], seed=2)
    step = lower_step(checked, lowered.module)
    stepper = TorchStepper(step, [given[name] for name in step.takes], num_rows=len(given["source"]))
    prefixes = [[1], [1]]
    sentences = [0, 1]
    moves = [([0, 1, 1, 0], [5, 6, 7, 8]), ([3, 2, 0], [9, 4, 4]), ([2, 1], [3, 12]), ([1], [5])]
    stepper.advance(np.array([1, 1]), np.array([0, 1]), 3)
    for parents, tokens in moves:
        found, chosen = stepper.advance(np.array(tokens), np.array(parents), VOCABULARY)
        prefixes = [[*prefixes[parent], token] for parent, token in zip(parents, tokens, strict=True)]
        sentences = [sentences[parent] for parent in parents]
        for row, prefix in enumerate(prefixes):
            alone = {
                "source": given["source"][sentences[row]][None],
                "source_lengths": given["source_lengths"][sentences[row]][None],
                "target_shifted": torch.tensor([prefix]),
                "target_shifted_lengths": torch.tensor([len(prefix)]),
                "target_lengths": torch.tensor([len(prefix)]),
                "target": torch.tensor([prefix]),
            }
            logits = all_at_once(checked, lowered.module, lowered.inputs, alone)[0, -1]
            expected = torch.log_softmax(logits, -1)[torch.from_numpy(chosen[row])]
            torch.testing.assert_close(torch.from_numpy(found[row]), expected, atol=2e-5, rtol=1e-5)


REFUSED = {
    "x{m} = x{n} -> self_attention(2)": ("S2S414", "self_attention"),
    "x{m} = x{n} -> conv1d(8, kernel = 3)": ("S2S414", "conv1d"),
    "x{m} = x{n} -> lstm(4, bidirectional = true)": ("S2S415", "lstm"),
    "x{m} = data.target -> encoder.emb": ("S2S414", "data.target"),
}


@pytest.mark.parametrize("line", sorted(REFUSED))
def test_what_looks_ahead_is_found_by_analysis(line: str) -> None:
    code, named = REFUSED[line]
    lines = "  " + line.format(n=0, m=1) + "\n  x2 = x0 + x1"
    text = SPEC.format(vocabulary=VOCABULARY, width=WIDTH, encoder=ENCODERS[1], start="", lines=lines, last=2)
    findings = analyse(Source("ahead.s2s", text)).findings
    errors = [(finding.code, finding.message) for finding in findings if finding.severity == "error"]
    assert len(errors) == 1, errors
    assert errors[0][0] == code
    assert named in errors[0][1]


def test_copies_that_look_ahead_are_reported_once() -> None:
    lines = "  x1 = x0 -> repeat 3 { layer_norm -> self_attention(2) }"
    text = SPEC.format(vocabulary=VOCABULARY, width=WIDTH, encoder=ENCODERS[1], start="", lines=lines, last=1)
    (finding,) = (one for one in analyse(Source("copies.s2s", text)).findings if one.severity == "error")
    assert finding.code == "S2S414"
    assert any("2 more copies" in note for note in finding.notes)


def test_only_the_first_that_changes_the_number_of_tokens_is_named() -> None:
    lines = "  x1 = x0 -> stack_frames(2) -> relu -> linear(8)"
    text = SPEC.format(vocabulary=VOCABULARY, width=WIDTH, encoder=ENCODERS[1], start="", lines=lines, last=1)
    found = [one.message for one in analyse(Source("fewer.s2s", text)).findings if one.code == "S2S414"]
    assert len(found) == 1
    assert "stack_frames" in found[0]

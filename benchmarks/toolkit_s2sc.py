"""s2sc in a comparison of translation: a spec of the wanted sizes, its data, the trainer's loop, its search."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from s2sc.benchmarks.made_up import STEPS, TrainerOverBatches
from s2sc.compiler.front import analyse_file
from s2sc.runtime.data.batch import Batch
from s2sc.runtime.data.opening import open_data
from s2sc.runtime.lower import placeholder_name
from s2sc.runtime.lower_step import LoweredStep, lower_step
from s2sc.runtime.stepping import TorchStepper

from .sentences import BEGIN, END, Sentences, Tokens, padded, word
from .toolkit import BEAM, CLIP, LENGTH, LENGTH_PENALTY, SMOOTHING, Count, Sizes, Toolkit

SOURCE, TARGET, SHIFTED = "data.source", "data.target", "data.target.shifted"

_HEAD = """edition 1

let d    = {width}
let drop = hyperparameters.dropout

data parallel_text {{
  tokens = words(size = {vocabulary})
  train  = pair("train.en", "train.de")
  keep   = 1 .. 100 tokens
}}
"""

_TAIL = """
loss = cross_entropy(decoder.logits, data.target, smoothing = {smoothing})

hyperparameters {{
  batch     = {budget} tokens
  dropout   = {dropout}
  stop      = {steps} steps
  optimizer = adam(lr = 5e-4, beta2 = 0.98)
  clip      = {clip}
  seed      = 1
  metrics   = [perplexity]
  checkpoint {{ every = {steps} steps }}
}}
"""

# pre-norm, biases in the attention: Joey NMT's Transformer layer for layer
_TRANSFORMER = """
block feed_forward(x: seq) => y {{
  y = x + (x -> layer_norm -> linear({inner}) -> relu -> dropout(drop) -> linear(d) -> dropout(drop))
}}

block encoder_layer(x: seq) => y {{
  a = x + (x -> layer_norm -> self_attention({heads}, dropout = drop, bias = true) -> dropout(drop))
  y = a -> feed_forward
}}

block decoder_layer(x: seq, memory: seq) => y {{
  a = x + (x -> layer_norm -> self_attention({heads}, causal = true, dropout = drop, bias = true) -> dropout(drop))
  c = a + (((a -> layer_norm), memory) -> cross_attention({heads}, dropout = drop, bias = true) -> dropout(drop))
  y = c -> feed_forward
}}

encoder {{
  shared emb = embedding({vocabulary}, d, scale = true)
  out = data.source -> emb -> positions -> dropout(drop) -> repeat {layers} {{ encoder_layer }} -> layer_norm
}}

decoder {{
  h = data.target.shifted
    -> encoder.emb -> positions -> dropout(drop)
    -> repeat {layers} {{ decoder_layer(memory = encoder.out) }} -> layer_norm
  logits = h -> linear({vocabulary}, tie = encoder.emb, bias = false)
  infer  = logits -> beam(width = {beam}, length_penalty = {penalty}, min_tokens = {length}, max_tokens = {length})
}}
"""

# input feeding of what Luong et al. (2015) call the attentional vector, as in Joey NMT
_RECURRENT = """
encoder {{
  shared emb = embedding({vocabulary}, d)
  out = data.source -> emb -> dropout(drop) -> lstm({half}, layers = {layers}, bidirectional = true)
}}

decoder {{
  att = (data.target.shifted -> encoder.emb -> dropout(drop), encoder.out)
    -> attention_rnn({inner}, cell = "lstm", kind = "{attention}", attention_size = {inner}, feed = "attentional")
  logits = att.y -> dropout(drop) -> linear({vocabulary}, bias = false)
  infer  = logits -> beam(width = {beam}, length_penalty = {penalty}, min_tokens = {length}, max_tokens = {length})
}}
"""


class S2SC(Toolkit):
    """What `s2sc train` does with a spec, without its evaluations and checkpoints.

    folder  where `Sentences.write` has written; the spec and the run's files go there too
    """

    name = "s2sc"

    def __init__(self, sizes: Sizes, sentences: Sentences, folder: Path) -> None:
        self.sizes, self.sentences = sizes, sentences
        spec = folder / "spec.s2s"
        spec.write_text(spec_of(sizes), encoding="utf-8")
        found = analyse_file(spec)
        assert found.checked is not None, [f"{finding.span}: {finding.message}" for finding in found.findings]
        self.checked = found.checked
        data = open_data(found.checked, base=folder, environment={"S2SC_CACHE": str(folder)}, splits=("train",))
        self.loop = TrainerOverBatches(found.checked, folder / "run", device=torch.device("cpu"), data=data)
        self.model = self.loop.trainer.state.model
        self._lowered: LoweredStep | None = None

    def batches(self) -> Iterator[Batch]:
        return self.loop.epoch()

    def step(self, batch: Batch) -> float:
        self.model.module.train()
        self.loop.step(batch)
        return self.loop.last_loss()

    def count(self, batch: Batch) -> Count:
        return Count(
            len(batch),
            int(batch.lengths[TARGET].sum()),
            batch.inputs[TARGET].numel(),
            int(batch.lengths[SOURCE].sum()),
            batch.inputs[SOURCE].numel(),
        )

    def generate(self, sources: Sequence[Tokens]) -> Sequence[Sequence[int]]:
        self.model.module.eval()
        batch = batch_of(sources)
        with torch.inference_mode():
            return self.model.hypotheses({}, batch)

    def write_by_step(self, sources: Sequence[Tokens], length: int) -> list[list[int]]:
        """Greedy tokens [length][B] by the derived step, end marks or not."""
        stepper = self._stepper(sources)
        tokens_B = torch.full((len(sources),), BEGIN)
        found = []
        for _ in range(length):
            tokens_B = stepper.logits(tokens_B).argmax(-1)
            found.append(tokens_B.tolist())
        return found

    def write_by_prefix(self, sources: Sequence[Tokens], length: int) -> list[list[int]]:
        """The same by the whole graph over the prefix, for every token."""
        rows: list[list[int]] = [[] for _ in sources]
        found = []
        for _ in range(length):
            found.append(self._logits(sources, rows)[:, -1].argmax(-1).tolist())
            rows = [[*row, token] for row, token in zip(rows, found[-1], strict=True)]
        return found

    def step_differs_by(self, sources: Sequence[Tokens], *, length: int) -> float:
        """The largest difference between the logits of both ways, over the tokens that the step chooses."""
        stepper, found = self._stepper(sources), []
        tokens_B = torch.full((len(sources),), BEGIN)
        given = [tokens_B]
        for _ in range(length):
            found.append(stepper.logits(given[-1]))
            given.append(found[-1].argmax(-1))
        rows = torch.stack(given[1:-1], 1).tolist()
        return float((torch.stack(found, 1) - self._logits(sources, rows)).abs().max())

    def _stepper(self, sources: Sequence[Tokens]) -> TorchStepper:
        self.model.module.eval()
        if self._lowered is None:
            self._lowered = lower_step(self.checked, self.model.module)
        batch = batch_of(sources)
        known = {placeholder_name(path): value for path, value in batch.inputs.items()}
        known |= {f"{placeholder_name(path)}_lengths": value for path, value in batch.lengths.items()}
        return TorchStepper(self._lowered, [known[name] for name in self._lowered.takes])

    def _logits(self, sources: Sequence[Tokens], prefixes: Sequence[Sequence[int]]) -> torch.Tensor:
        """Logits [B, U, V] behind the begin mark and every token of the prefixes."""
        self.model.module.eval()
        batch = batch_of(sources, [tuple(prefix) for prefix in prefixes])
        with torch.inference_mode():
            return self.model(batch)["decoder.logits"]

    def num_weights(self) -> int:
        return sum(weight.numel() for weight in self.loop.weights())

    def close(self) -> None:
        self.loop.close()


def spec_of(sizes: Sizes) -> str:
    """A spec of these sizes, with a search whose results have LENGTH tokens."""
    values: Mapping[str, Any] = {
        "width": sizes.width,
        "inner": sizes.inner,
        "half": sizes.inner // 2,
        "heads": sizes.heads,
        "layers": sizes.layers,
        "vocabulary": sizes.vocabulary,
        "attention": {"luong": "general"}.get(sizes.kind, sizes.kind),
        "budget": sizes.budget,
        "dropout": sizes.dropout,
        "smoothing": SMOOTHING,
        "beam": BEAM,
        "penalty": LENGTH_PENALTY,
        "length": LENGTH,
        "clip": CLIP,
        "steps": STEPS,
    }
    return (_HEAD + (_RECURRENT if sizes.recurrent else _TRANSFORMER) + _TAIL).format(**values)


def batch_of(sources: Sequence[Tokens], targets: Sequence[Tokens] | None = None) -> Batch:
    """A batch to translate, or with targets, one whose logits can be computed at once."""
    inputs = {SOURCE: [[*source, END] for source in sources]}
    if targets is not None:
        inputs |= {TARGET: [[*target, END] for target in targets], SHIFTED: [[BEGIN, *target] for target in targets]}
    return Batch(
        inputs={path: torch.tensor(padded(rows, 0)) for path, rows in inputs.items()},
        lengths={path: torch.tensor(list(map(len, rows))) for path, rows in inputs.items()},
        ids=tuple(map(str, range(len(sources)))),
        texts=tuple(" ".join(map(word, target)) for target in targets or sources),
        seconds=(0.0,) * len(sources),
        epoch=0,
        number=0,
    )

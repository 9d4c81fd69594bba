"""Joey NMT (Kreutzer et al. 2019) in a comparison: its data set, sampler, model, training step and beam search."""

from __future__ import annotations

import logging
import math
import warnings
from collections.abc import Iterator, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch

from .sentences import NUM_MARKS, Sentences, Tokens, word
from .toolkit import BEAM, CLIP, LENGTH, LENGTH_PENALTY, SMOOTHING, Count, Sizes, Toolkit

_CPU = torch.device("cpu")
_MARKS = SimpleNamespace(
    unk_id=0,
    unk_token="<unk>",
    pad_id=1,
    pad_token="<pad>",
    bos_id=2,
    bos_token="<s>",
    eos_id=3,
    eos_token="</s>",
    sep_id=None,
    sep_token=None,
    lang_tags=[],
)


class JoeyNMT(Toolkit):
    """Model, batches and step are Joey NMT's own functions; only the lines of its loop between them are repeated here.

    folder  where `Sentences.write` has written; its TensorBoard file goes there too
    """

    name = "Joey NMT"

    def __init__(self, sizes: Sizes, sentences: Sentences, folder: Path) -> None:
        _be_quiet()
        self.sizes, self.sentences = sizes, sentences
        tokens = [word(number) for number in range(NUM_MARKS, sentences.vocabulary)]
        self.vocabulary = import_module("joeynmt.vocabulary").Vocabulary(tokens, _MARKS)
        self.model = import_module("joeynmt.model").build_model(
            _model_settings(sizes), self.vocabulary, self.vocabulary
        )
        self.model.loss_function = ("crossentropy", SMOOTHING)
        self.data = self._data_set(folder)
        self.manager = import_module("joeynmt.training").TrainManager(
            rank=0,
            model=self.model,
            model_dir=folder,
            device=_CPU,
            autocast={"device_type": "cpu", "enabled": False},
            train_args=import_module("joeynmt.config").parse_train_args(_training_settings(sizes)),
        )
        self._epoch = 0

    def _data_set(self, folder: Path) -> Any:
        tokenizer = import_module("joeynmt.tokenizers").BasicTokenizer(level="word", normalize=False, lowercase=False)
        encode = self.vocabulary.sentences_to_ids
        return import_module("joeynmt.datasets").build_dataset(
            "plain",
            path=str(folder / "train"),
            src_lang="en",
            trg_lang="de",
            split="train",
            tokenizer={"en": tokenizer, "de": tokenizer},
            sequence_encoder={"en": partial(encode), "de": partial(encode)},
        )

    def batches(self) -> Iterator[Any]:
        self._epoch += 1
        return iter(
            self.data.make_iter(
                batch_size=self.sizes.budget,
                batch_type="token",
                seed=self._epoch,
                shuffle=True,
                num_workers=0,
                device=_CPU,
                eos_index=self.vocabulary.eos_index,
                pad_index=self.vocabulary.pad_index,
            )
        )

    def step(self, batch: Any) -> float:
        manager = self.manager
        loss, _ = manager._train_step(batch)
        # as the loop of its train_and_validate goes on
        manager.clip_grad_fun(parameters=self.model.parameters())
        manager.optimizer.step()
        manager.scheduler.step(manager.stats.steps)
        self.model.zero_grad()
        manager.stats.steps += 1
        return float(loss) + _entropy_of_smoothed(len(self.vocabulary))

    def count(self, batch: Any) -> Count:
        return Count(
            batch.nseqs,
            int(batch.ntokens),
            batch.trg.numel(),
            int(batch.src_length.sum()),
            batch.src.numel(),
        )

    def generate(self, sources: Sequence[Tokens]) -> Sequence[Sequence[int]]:
        self.model.eval()
        rows, lengths, _ = self.vocabulary.sentences_to_ids([list(map(word, source)) for source in sources], bos=False)
        batch = import_module("joeynmt.batch").Batch(
            src=torch.tensor(rows),
            src_length=torch.tensor(lengths),
            src_prompt_mask=None,
            trg=None,
            trg_prompt_mask=None,
            indices=torch.arange(len(rows)),
            device=_CPU,
            pad_index=self.vocabulary.pad_index,
            eos_index=self.vocabulary.eos_index,
            is_train=False,
        )
        order = batch.sort_by_src_length()
        found, _, _ = import_module("joeynmt.search").search(
            self.model,
            batch,
            max_output_length=LENGTH,
            min_output_length=LENGTH,
            beam_size=BEAM,
            beam_alpha=LENGTH_PENALTY,
            n_best=1,
            generate_unk=True,
        )
        answers: list[list[int]] = found[order].tolist()
        return answers

    def num_weights(self) -> int:
        return sum(weight.numel() for weight in self.model.parameters() if weight.requires_grad)

    def close(self) -> None:
        self.manager.tb_writer.close()


def _be_quiet() -> None:
    """Each of its modules has a logger with a level of its own; what it uses of torch has been deprecated since."""
    warnings.filterwarnings("ignore", module="joeynmt")
    import_module("joeynmt.training")
    for name in [name for name in logging.root.manager.loggerDict if name.startswith("joeynmt")]:
        logging.getLogger(name).setLevel(logging.ERROR)


def _model_settings(sizes: Sizes) -> dict[str, Any]:
    """The section `model` of its configuration."""
    embeddings = {"embedding_dim": sizes.width, "scale": not sizes.recurrent, "dropout": sizes.dropout}
    if sizes.recurrent:
        shared = {"type": "recurrent", "rnn_type": "lstm", "num_layers": sizes.layers, "dropout": sizes.dropout}
        return {
            "tied_embeddings": True,
            "encoder": {
                **shared,
                "embeddings": embeddings,
                "hidden_size": sizes.inner // 2,
                "bidirectional": True,
            },
            "decoder": {
                **shared,
                "embeddings": embeddings,
                "hidden_size": sizes.inner,
                "hidden_dropout": sizes.dropout,
                "attention": sizes.kind,
                "input_feeding": True,
                "init_hidden": "zeros",
            },
        }
    shared = {
        "type": "transformer",
        "num_layers": sizes.layers,
        "num_heads": sizes.heads,
        "hidden_size": sizes.width,
        "ff_size": sizes.inner,
        "dropout": sizes.dropout,
        "layer_norm": "pre",
    }
    return {
        "tied_embeddings": True,
        "tied_softmax": True,
        "encoder": {**shared, "embeddings": embeddings},
        "decoder": {**shared, "embeddings": embeddings},
    }


def _training_settings(sizes: Sizes) -> dict[str, Any]:
    """The section `training` of its configuration."""
    return {
        "optimizer": "adam",
        "adam_betas": [0.9, 0.98],
        "learning_rate": 5e-4,
        "learning_rate_warmup": 4000,
        "scheduling": "warmupinversesquareroot",
        "clip_grad_norm": CLIP,
        "normalization": "tokens",
        "label_smoothing": SMOOTHING,
        "batch_size": sizes.budget,
        "batch_type": "token",
        "keep_best_ckpts": 0,
    }


def _entropy_of_smoothed(vocabulary: int) -> float:
    """Its loss is a divergence from the smoothed target; this more makes it the cross-entropy that others report."""
    rest = SMOOTHING / (vocabulary - 2)
    return -(1 - SMOOTHING) * math.log(1 - SMOOTHING) - SMOOTHING * math.log(rest)

"""transformers' Marian (Junczys-Dowmunt et al. 2018) in a comparison, built from a configuration."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any

import torch
from torch.utils.data import DataLoader

from .sentences import END, UNKNOWN, Sentences, Tokens, word
from .toolkit import BEAM, CLIP, LENGTH, LENGTH_PENALTY, SMOOTHING, Count, Sizes, Toolkit

# Marian starts a target with its padding; number 1 is the begin mark elsewhere
_PAD = 1
_IGNORED = -100


class Marian(Toolkit):
    """Its model, collator, sampler by length, smoothing and generation.

    The few lines of its Trainer's step between them are repeated here, since Trainer wants the package accelerate:
    fused AdamW without decay, clipping and a schedule are what it does by default. It knows no budget of tokens; a
    batch has as many sentences as fill the budget on average.
    """

    name = "Marian"

    def __init__(self, sizes: Sizes, sentences: Sentences) -> None:
        transformers = import_module("transformers")
        transformers.logging.set_verbosity_error()
        self.sizes, self.sentences = sizes, sentences
        config = transformers.MarianConfig(
            vocab_size=sizes.vocabulary,
            d_model=sizes.width,
            encoder_layers=sizes.layers,
            decoder_layers=sizes.layers,
            encoder_attention_heads=sizes.heads,
            decoder_attention_heads=sizes.heads,
            encoder_ffn_dim=sizes.inner,
            decoder_ffn_dim=sizes.inner,
            dropout=sizes.dropout,
            attention_dropout=sizes.dropout,
            activation_dropout=sizes.dropout,
            activation_function="relu",
            scale_embedding=True,
            max_position_embeddings=512,
            pad_token_id=_PAD,
            decoder_start_token_id=_PAD,
            eos_token_id=END,
            forced_eos_token_id=None,
        )
        self.model = transformers.MarianMTModel(config)
        self.model.set_attn_implementation("sdpa")
        tokenizer = transformers.PreTrainedTokenizerFast(
            tokenizer_object=_tokenizer(sizes.vocabulary), pad_token=word(_PAD), eos_token=word(END)
        )
        self.collate = transformers.DataCollatorForSeq2Seq(tokenizer, self.model, return_tensors="pt")
        pieces = import_module("transformers.trainer_pt_utils")
        self.smooth = pieces.LabelSmoother(epsilon=SMOOTHING, ignore_index=_IGNORED)
        self.examples = [
            {"input_ids": [*source, END], "attention_mask": [1] * (len(source) + 1), "labels": [*target, END]}
            for source, target in zip(sentences.sources, sentences.targets, strict=True)
        ]
        lengths = [len(example["input_ids"]) for example in self.examples]
        self.rows = self._rows(pieces.LengthGroupedSampler, lengths)
        self.sampler = pieces.LengthGroupedSampler(self.rows, lengths=lengths)
        weights = [weight for weight in self.model.parameters() if weight.requires_grad]
        self.optimizer = torch.optim.AdamW(weights, lr=5e-4, betas=(0.9, 0.98), weight_decay=0.0, fused=True)
        self.schedule = transformers.get_inverse_sqrt_schedule(self.optimizer, num_warmup_steps=4000)
        self.weights = weights

    def _rows(self, sampler: Any, lengths: list[int]) -> int:
        """Sentences of a batch whose longest side times its rows comes to the budget on average."""
        rows = max(1, self.sizes.budget // round(statistics.mean(lengths)))
        longest = [max(len(example["input_ids"]), len(example["labels"])) for example in self.examples]
        for _ in range(3):
            order = list(sampler(rows, lengths=lengths))
            batches = [order[place : place + rows] for place in range(0, len(order), rows)]
            width = statistics.mean(max(longest[example] for example in batch) for batch in batches)
            rows = max(1, round(self.sizes.budget / width))
        return rows

    def batches(self) -> Iterator[Any]:
        return iter(
            DataLoader(
                self.examples,  # type: ignore[arg-type]  # a list is a data set, but does not say so
                batch_size=self.rows,
                sampler=self.sampler,
                collate_fn=self.collate,
                num_workers=0,
            )
        )

    def step(self, batch: Any) -> float:
        self.model.train()
        labels = batch["labels"]
        output = self.model(
            input_ids=batch["input_ids"],
            attention_mask=batch["attention_mask"],
            decoder_input_ids=batch["decoder_input_ids"],
            use_cache=False,
        )
        loss = self.smooth(output, labels)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.weights, CLIP)
        self.optimizer.step()
        self.schedule.step()
        self.optimizer.zero_grad()
        return float(loss.detach())

    def count(self, batch: Any) -> Count:
        return Count(
            len(batch["labels"]),
            int((batch["labels"] != _IGNORED).sum()),
            batch["labels"].numel(),
            int(batch["attention_mask"].sum()),
            batch["input_ids"].numel(),
        )

    def generate(self, sources: Sequence[Tokens]) -> Sequence[Sequence[int]]:
        self.model.eval()
        batch = self.collate(
            [{"input_ids": [*source, END], "attention_mask": [1] * (len(source) + 1)} for source in sources]
        )
        with torch.inference_mode():
            found = self.model.generate(
                input_ids=batch["input_ids"],
                attention_mask=batch["attention_mask"],
                num_beams=BEAM,
                length_penalty=LENGTH_PENALTY,
                do_sample=False,
                min_new_tokens=LENGTH,
                max_new_tokens=LENGTH,
            )
        answers: list[list[int]] = found[:, 1:].tolist()
        return answers

    def num_weights(self) -> int:
        return sum(weight.numel() for weight in self.weights)

    def close(self) -> None:
        """It keeps no file open."""


def _tokenizer(vocabulary: int) -> Any:
    """The collator asks a tokenizer for padding; the text is cut already."""
    tokenizers = import_module("tokenizers")
    words = {word(number): number for number in range(vocabulary)}
    return tokenizers.Tokenizer(tokenizers.models.WordLevel(words, unk_token=word(UNKNOWN)))

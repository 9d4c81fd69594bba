"""Sentences and their translations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....dsl.signature import StreamFacts
from ....dsl.values import PairOf, Plain, Range, Ref
from ...data_layer import SHIFTED, DataLayer, Streams, Symbolic
from ...part import Mismatch, Pairs, Part, PathValue, param, part, plain_ends
from ...tensor_type import tokens
from ...trained_tokenizer import NUM_MARKS, TrainedTokenizer

_SOURCE = "data.source"
_TARGET = "data.target"


@part("data.parallel_text", family="section")
class ParallelText(DataLayer):
    """Sentences in two languages, one a line: `pair("train.en", "train.de")`, or one file that holds both.

    A single file has two columns with a tab between them, or, if its name ends in .jsonl or .jsonl.gz, a JSON object a
    line. Files may be compressed by gzip. `data.source` and `data.target` are the tokens with an end mark behind them,
    `data.target.shifted` the target with a begin mark before it and without its end mark, for the decoder to read.
    """

    root: PathValue = param(default=".", doc="folder that the files are in", training=True)
    tokens: Part | None = param(
        default=None, doc="how texts of both languages are cut into tokens", families=("tokenizer",)
    )
    source: Part | None = param(default=None, doc="how source texts are cut into tokens", families=("tokenizer",))
    target: Part | None = param(default=None, doc="how target texts are cut into tokens", families=("tokenizer",))
    train: Pairs | None = param(default=None, doc="files to train on", training=True)
    valid: Pairs | None = param(default=None, doc="files to choose by, or split(train, 10%)", training=True)
    test: Pairs | None = param(default=None, doc="files to test on; they choose nothing", training=True)
    corpus: Part | None = param(
        default=None, doc="a ready-made corpus instead of files", families=("corpus",), training=True
    )
    keys: tuple[str, ...] = param(
        default=("source", "target"), doc="names of both texts in files of JSON lines", training=True
    )
    keep: Range = param(
        default=Range(1, 100),
        doc="numbers of tokens that are kept for training, on either side, marks not counted",
        unit="tokens",
        minimum=1,
        maximum=10000,
        training=True,
    )
    on_bad: str = param(
        default="fail", doc="what a line that cannot be used does", choices=("fail", "skip"), training=True
    )
    buckets: int = param(
        default=100,
        doc="groups of like lengths that batches are made from, 1 for none",
        minimum=1,
        maximum=10000,
        training=True,
    )
    shuffle: bool = param(default=True, doc="mix the training examples anew in each epoch", training=True)

    def check_params(self) -> None:
        self._check_files()
        self._check_tokenizers()
        low, high = plain_ends(self.keep)
        if not (float(low).is_integer() and float(high).is_integer()):
            raise Mismatch("S2S301", "data parallel_text keeps whole numbers of tokens", param="keep")
        if len(self.keys) != 2 or len(set(self.keys)) != 2 or not all(self.keys):
            raise Mismatch(
                "S2S301",
                "data parallel_text reads two different keys, that of the source and that of the target",
                param="keys",
                helps=('write keys = ["source", "target"]',),
            )

    def _check_files(self) -> None:
        if self.corpus is None and self.train is None:
            raise Mismatch(
                "S2S305",
                "data parallel_text has nothing to train on",
                helps=('add train = pair("train.en", "train.de")', "or corpus = reversal"),
            )
        given = [name for name in ("train", "valid", "test") if getattr(self, name) is not None]
        given += ["root"] if self.root != "." else []
        if self.corpus is not None and given:
            raise Mismatch(
                "S2S301",
                f"data parallel_text takes a corpus or files, got `corpus` and `{given[0]}`",
                param=given[0],
                helps=(f"leave out corpus, or {' and '.join(given)}",),
            )
        if self.corpus is not None and self.corpus.name != "reversal":
            raise Mismatch(
                "S2S301",
                f"the corpus {self.corpus.name} holds no pairs of texts",
                param="corpus",
                helps=("write corpus = reversal",),
            )
        self.check_names()
        self.check_shares()
        for name in ("train", "valid", "test"):
            files = getattr(self, name)
            for item in files if isinstance(files, tuple) else ():
                if isinstance(item, PairOf) and item.source == item.target:
                    raise Mismatch(
                        "S2S301",
                        f"{name} pairs a file with itself",
                        at="both sides are the same file",
                        param=name,
                        helps=("a file that holds both languages stands there without pair(…)",),
                    )

    def _check_tokenizers(self) -> None:
        sides = [name for name in ("source", "target") if getattr(self, name) is not None]
        if self.tokens is not None and sides:
            raise Mismatch(
                "S2S301",
                f"data parallel_text takes `tokens` for both languages or one tokenizer each, got `{sides[0]}` besides",
                param=sides[0],
                helps=(f"leave out tokens, or {' and '.join(sides)}",),
            )
        if self.tokens is None and len(sides) < 2:
            missing = "tokens" if not sides else "target" if sides == ["source"] else "source"
            of_what = "its texts" if not sides else f"the {missing} texts"
            raise Mismatch(
                "S2S305",
                f"data parallel_text does not say how {of_what} are cut into tokens",
                helps=(f"add {missing} = sentencepiece(size = 8000)",),
            )
        for name in ("tokens", "source", "target"):
            tokenizer = getattr(self, name)
            if tokenizer is not None and not isinstance(tokenizer, TrainedTokenizer):
                raise Mismatch(
                    "S2S301",
                    f"{tokenizer.name} has no marks for begin and end, which translations need",
                    param=name,
                    helps=("use sentencepiece, words or characters",),
                )

    @property
    def tokenizers(self) -> tuple[TrainedTokenizer, TrainedTokenizer]:
        """What cuts source and target texts; twice the same where one is for both."""
        source, target = self.source or self.tokens, self.target or self.tokens
        assert isinstance(source, TrainedTokenizer)
        assert isinstance(target, TrainedTokenizer)
        return source, target

    @property
    def joint(self) -> bool:
        """Whether both languages share one vocabulary."""
        return isinstance(self.tokens, TrainedTokenizer) and self.tokens.joint

    def streams(self) -> Streams:
        least, most = (int(end) for end in plain_ends(self.keep))
        of_source, of_target = (tokenizer.num_tokens for tokenizer in self.tokenizers)
        target = tokens("U", of_target, axis="target_time")
        inputs = {
            _SOURCE: tokens("S", of_source, axis="source_time"),
            _TARGET: target,
            _TARGET + SHIFTED: target,
        }
        return Streams(
            inputs=inputs,
            features=(),
            names={path: Ref(path) for path in inputs},
            symbols=(
                Symbolic("B", "pairs in a batch", minimum=1),
                Symbolic("S", "tokens of a source text and its end mark", minimum=least + 1, maximum=most + 1),
                Symbolic("U", "tokens of a target text and its end mark", minimum=least + 1, maximum=most + 1),
            ),
            targets=(_TARGET, _TARGET + SHIFTED),
        )

    @classmethod
    def stream_facts(
        cls, settings: Mapping[str, Mapping[str, Plain]], values: Mapping[str, Any]
    ) -> Mapping[str, StreamFacts]:
        def facts(side: str) -> dict[str, Plain]:
            # without a tokenizer check_params says so, and what reads this size has nothing more to say
            return {"vocab": {**settings.get("tokens", {}), **settings.get(side, {})}.get("size", NUM_MARKS + 1)}

        return {
            "source": StreamFacts(facts=facts("source")),
            "target": StreamFacts(
                facts=facts("target"), children={SHIFTED.removeprefix("."): StreamFacts(facts=facts("target"))}
            ),
        }

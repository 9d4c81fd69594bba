"""Recorded speech and what was said in it."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil, floor
from typing import Any

from ....dsl.signature import StreamFacts
from ....dsl.values import Plain, Range, Ref
from ...component import Component
from ...data_layer import AudioFeature, DataLayer, Feature, Streams, Symbolic, Tokenizer
from ...dim import Dim
from ...part import Files, Mismatch, Part, PathValue, param, part, plain_ends
from ...tensor_type import tokens, waveform

_WAVEFORM = "data.audio.waveform"
_TEXT = "data.text"


@part("data.speech", family="section")
class Speech(DataLayer):
    """Speech from manifests: JSON lines with `audio`, `text` and, if known, `duration` and `speaker`.

    `data.audio` is the sequence of features, `data.audio.waveform` the samples they are computed from, `data.text` the
    tokens of what was said. Instead of files a corpus may be named, which brings its own splits.
    """

    root: PathValue = param(default=".", doc="folder that the manifests and recordings are in", training=True)
    archive: PathValue | None = param(default=None, doc="zip below root that holds the recordings", training=True)
    audio: Part = param(doc="features of the recordings", families=("feature",))
    text: Part = param(doc="how texts are cut into tokens", families=("tokenizer",))
    train: Files | None = param(default=None, doc="manifests to train on", training=True)
    valid: Files | None = param(default=None, doc="manifests to choose by, or split(train, 10%)", training=True)
    test: Files | None = param(default=None, doc="manifests to test on; they choose nothing", training=True)
    corpus: Part | None = param(
        default=None, doc="a ready-made corpus instead of files", families=("corpus",), training=True
    )
    keep: Range = param(
        default=Range(0.1, 16.7),
        doc="lengths of recordings that are kept",
        unit="time",
        minimum=0,
        maximum=120,
        training=True,
    )
    labels: int | None = param(
        default=None,
        doc="greatest number of tokens in a text that is kept",
        unit_doc="tokens",
        minimum=1,
        training=True,
    )
    on_bad: str = param(
        default="fail",
        doc="what a recording or line that cannot be read does",
        choices=("fail", "skip"),
        training=True,
    )
    augment: tuple[Part, ...] = param(
        default=(), doc="changes made while training, in this order", families=("augment",), training=True
    )
    buckets: int = param(
        default=10,
        doc="groups of like lengths that batches are made from, 1 for none",
        minimum=1,
        maximum=1000,
        training=True,
    )
    pad_to: int = param(
        default=8,
        doc="batches are padded to a multiple of so many frames",
        unit_doc="frames",
        minimum=1,
        maximum=4096,
        training=True,
    )
    shuffle: bool = param(default=True, doc="mix the training examples anew in each epoch", training=True)

    def check_params(self) -> None:
        if self.corpus is None and self.train is None:
            raise Mismatch(
                "S2S305",
                "data speech has nothing to train on",
                helps=('add train = ["train.jsonl"]', "or corpus = spoken_numbers"),
            )
        given = [name for name in ("train", "valid", "test", "archive") if getattr(self, name) is not None]
        given += ["root"] if self.root != "." else []
        if self.corpus is not None and given:
            raise Mismatch(
                "S2S301",
                f"data speech takes a corpus or files, got `corpus` and `{given[0]}`",
                param=given[0],
                helps=(f"leave out corpus, or {' and '.join(given)}",),
            )
        self.check_names()
        self.check_shares()
        if sum(change.name == "join_clips" for change in self.augment) > 1:
            raise Mismatch(
                "S2S301", "data speech joins clips twice", param="augment", helps=("raise max of the first",)
            )
        masks = [index for index, change in enumerate(self.augment) if isinstance(change, Component)]
        if masks and masks[0] < len(self.augment) - len(masks):
            raise Mismatch(
                "S2S301",
                "data speech changes features before the waveform they come from",
                param="augment",
                helps=(f"put {self.augment[masks[0]].name} last",),
            )

    @property
    def feature(self) -> AudioFeature:
        """What turns samples into features."""
        assert isinstance(self.audio, AudioFeature)
        return self.audio

    @property
    def tokenizer(self) -> Tokenizer:
        """What turns texts into tokens."""
        assert isinstance(self.text, Tokenizer)
        return self.text

    @property
    def waveform_augment(self) -> tuple[Part, ...]:
        """Changes of the samples, made by the workers."""
        return tuple(change for change in self.augment if not isinstance(change, Component))

    @property
    def feature_augment(self) -> tuple[Component, ...]:
        """Changes of the features, made in the model."""
        return tuple(change for change in self.augment if isinstance(change, Component))

    def streams(self) -> Streams:
        rate, samples = self.feature.rate, Dim.of("N")
        frames = self.feature.out_time(samples)
        # Kept by length in seconds; the samples that this gives at the features' rate.
        shortest, longest = plain_ends(self.keep)
        least, most = max(1, ceil(shortest * rate - 1e-6)), floor(longest * rate + 1e-6)
        features = [Feature(f"data.audio.{self.feature.name}", self.feature, {"x": (Ref(_WAVEFORM),)})]
        taken = {self.feature.name: 1}
        for change in self.feature_augment:
            number = taken[change.name] = taken.get(change.name, 0) + 1
            name = change.name if number == 1 else f"{change.name}_{number}"
            features.append(Feature(f"data.audio.{name}", change, {"x": (Ref(features[-1].path, "y"),)}))
        return Streams(
            inputs={_WAVEFORM: waveform("N"), _TEXT: tokens("U", self.tokenizer.num_tokens)},
            features=tuple(features),
            names={
                "data.audio": Ref(features[-1].path, "y"),
                _WAVEFORM: Ref(_WAVEFORM),
                _TEXT: Ref(_TEXT),
            },
            symbols=(
                Symbolic("B", "clips in a batch", minimum=1),
                Symbolic("N", f"samples at {rate} Hz", minimum=least, maximum=most, seconds=1 / rate),
                Symbolic(
                    "T",
                    "frames of features",
                    definition=frames,
                    minimum=frames.value({"N": least}),
                    maximum=frames.value({"N": most}),
                    seconds=self.feature.hop,
                ),
                Symbolic("U", "tokens of a text", minimum=0, maximum=self.labels),
            ),
            targets=(_TEXT,),
        )

    @classmethod
    def stream_facts(
        cls, settings: Mapping[str, Mapping[str, Plain]], values: Mapping[str, Any]
    ) -> Mapping[str, StreamFacts]:
        audio, text = settings.get("audio", {}), settings.get("text", {})
        waveform_facts = {name: fact for name, fact in audio.items() if name == "rate"}
        vocabulary = {"vocab": text["size"]} if "size" in text else {}
        return {
            "audio": StreamFacts(facts=audio, children={"waveform": StreamFacts(facts=waveform_facts)}),
            "text": StreamFacts(facts={**text, **vocabulary}),
        }

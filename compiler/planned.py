"""Names of the language that this version does not have yet, and what there is today."""

from __future__ import annotations


def planned(name: str) -> str | None:
    """Say that a name comes with a later version; a parameter is asked for with its owner: "autocast.loss_scale"."""
    sentence = _PLANNED.get(name)
    if sentence is None:
        return None
    return f"{sentence[0]} comes with a later version" + (f"; {sentence[1]}" if sentence[1] else "")


_CONVOLUTIONS = "conv1d and sep_conv1d are there today"

_PLANNED: dict[str, tuple[str, str]] = {
    # training
    "lion": ("the optimizer lion", 'adamw and torch("NAdam", …) are there today'),
    "autocast.loss_scale": ("a choice of loss scaler for autocast", "mixed(fp16, loss_scale = …) has one"),
    # components
    "conv2d": ("the component conv2d", _CONVOLUTIONS),
    "conv_transpose1d": ("the component conv_transpose1d", _CONVOLUTIONS),
    "row_conv": ("the component row_conv", _CONVOLUTIONS),
    "group_norm": ("the component group_norm", "batch_norm and layer_norm are there today"),
    "instance_norm": ("the component instance_norm", "batch_norm and layer_norm are there today"),
    "softmax": ("the component softmax", "log_softmax is there today, and losses take logits as they are"),
    "swish": ("the component swish", "relu, gelu and glu are there today"),
    "silu": ("the component silu", "relu, gelu and glu are there today"),
    "squeeze_excite": ("the component squeeze_excite", ""),
    # losses, search, metrics
    "transducer_loss": ("the loss transducer_loss", "ctc_loss and cross_entropy are there today"),
    "mse": ("the loss mse", "ctc_loss and cross_entropy are there today"),
    "beam_ctc": ("beam search over frames", "greedy_ctc is there today"),
    "sample": ("sampling", "greedy and beam are there today"),
    "accuracy": ("the metric accuracy", "wer, cer, bleu, chrf and perplexity are there today"),
    # data
    "bpe": ("the tokenizer bpe", 'sentencepiece(kind = "bpe") is there today'),
    "mfcc": ("the feature mfcc", "logmel is there today"),
    "spectrogram": ("the feature spectrogram", "logmel is there today"),
    "text": ("the data layer text", "data speech and data parallel_text are there today"),
    "speech_synthesis": ("the data layer speech_synthesis", "data speech and data parallel_text are there today"),
    "images": ("the data layer images", "data speech and data parallel_text are there today"),
    "labelled_speech": ("the data layer labelled_speech", "data speech and data parallel_text are there today"),
    "reverb": ("the augmentation reverb", "noise, gain, shift, speed_perturb and spec_augment are there today"),
    "pitch_shift": ("the augmentation pitch_shift", "speed_perturb is there today and moves the pitch too"),
}

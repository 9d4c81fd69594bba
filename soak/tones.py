"""A run that takes a second: eight clips of tones, a small model, checkpoints every few steps."""

from __future__ import annotations

import json
import wave
from pathlib import Path

import numpy as np

RATE = 8000
TONES = {"a": 300.0, "b": 900.0, "c": 2200.0, " ": 0.0}
TEXTS = ("a", "b", "c", "a b", "b a", "c b", "a c", "b c")

SPEC = """edition 1
let chars = alphabet("abc ")
data speech {
  audio   = logmel(rate = 8kHz, bins = 8, window = 20ms, hop = 10ms, dither = 0)
  text    = chars
  train   = ["train.jsonl"]
  valid   = ["valid.jsonl"]
  keep    = 0.05s .. 1s
  augment = [noise(20 .. 40, chance = 50%)]
}
encoder {
  out = data.audio -> conv1d(8, kernel = 3, stride = 2, bias = false) -> batch_norm -> relu -> dropout(0.02)
}
decoder {
  logits    = encoder.out -> linear(pad_to(8, chars.size + 1))
  log_probs = logits -> log_softmax
  infer     = log_probs -> greedy_ctc(blank = chars.size)
}
loss = ctc_loss(logits = decoder.logits, target = data.text, blank = chars.size)
hyperparameters {
  batch = 3 examples; stop = 30 steps; seed = 3; optimizer = adam(lr = 2e-2); metrics = [wer]
  evaluate = 10 steps; log = 3 steps; workers = 0
  checkpoint { every = 4 steps; best = min(valid.wer) }
}
"""


def write_tones(folder: Path) -> None:
    """A tone for each letter; the valid split is the training split."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(1)
    lines = []
    for number, text in enumerate(TEXTS):
        time = np.arange(RATE // 10) / RATE
        samples = np.concatenate([0.4 * np.sin(2 * np.pi * TONES[letter] * time) for letter in text])
        samples = samples + 1e-3 * random.standard_normal(len(samples))
        with wave.open(str(folder / f"{number}.wav"), "wb") as file:
            file.setparams((1, 2, RATE, 0, "NONE", ""))
            file.writeframes((samples * 32767).clip(-32768, 32767).astype("<i2").tobytes())
        lines.append(json.dumps({"audio": f"{number}.wav", "text": text}) + "\n")
    for name in ("train.jsonl", "valid.jsonl"):
        (folder / name).write_text("".join(lines), encoding="utf-8")

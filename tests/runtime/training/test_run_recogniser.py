"""Transcription with a trained run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from s2sc.runtime.no_answer import NoAnswer
from s2sc.runtime.run_folder import Run
from s2sc.runtime.run_recogniser import RunRecogniser


def test_broken_weights_give_no_text_instead_of_an_empty_one(kit: Any, corpus: Path, tmp_path: Path) -> None:
    kit.trained(corpus, tmp_path, "hyperparameters.stop=2 steps")
    recogniser = RunRecogniser(Run(tmp_path), torch.device("cpu"))
    clip = np.zeros(1600, np.float32)
    assert isinstance(recogniser.recognise([clip])[0], str)
    with torch.no_grad():
        next(recogniser._model.module.parameters()).fill_(float("nan"))
    assert isinstance(recogniser.recognise([clip])[0], NoAnswer)

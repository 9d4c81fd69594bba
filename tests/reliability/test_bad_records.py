"""A tenth of a corpus is broken in twenty ways: all of it is named, and training is that of the corpus without it."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from s2sc.compiler.parts.data.speech import Speech
from s2sc.runtime.data.speech import SpeechData, open_speech
from s2sc.runtime.data.tally import BadData, BadLimit

from ..nightly import tries
from ..runtime.data import conftest as audio
from ..runtime.training import conftest as kit

RATE = kit.RATE
TEXT = kit.SPEC.replace('  valid   = ["valid.jsonl"]', '  on_bad  = "skip"').replace("; best = min(valid.wer)", "")
SETS = ("hyperparameters.batch=30 examples", "hyperparameters.stop=2 epochs")
NUM_RECORDS = 200


def good(folder: Path, seed: int) -> list[bytes]:
    """Nine tenths of the corpus: clips of noise, and their lines of the manifest."""
    draw = np.random.default_rng(seed)
    lines = []
    for number in range(NUM_RECORDS * 9 // 10):
        samples = 0.1 * draw.standard_normal(RATE // 10 * (1 + number % 3))
        (folder / f"good_{number}.wav").write_bytes(audio.wav_bytes(audio.pcm16(samples)))
        record = {"audio": f"good_{number}.wav", "text": "abc"[number % 3], "duration": len(samples) / RATE}
        lines.append(json.dumps(record).encode())
    return lines


def bad(folder: Path) -> list[tuple[str, bytes]]:
    """The reason and the manifest's line of one record of each kind."""
    body = audio.pcm16(audio.tone(0.3))
    whole = audio.wav_bytes(body)
    nan = audio.tone(0.3).astype("<f4")
    nan[7] = np.nan
    flac = audio.encoded(np.zeros(600 * RATE, np.int16), "FLAC", "PCM_16")
    # two hours that a file of some kilobytes unpacks to
    bomb = audio.encoded(np.zeros(7200 * RATE, np.int16), "FLAC", "PCM_16")
    (folder.parent / "outside.wav").write_bytes(whole)
    (folder / "link.wav").symlink_to(folder.parent / "outside.wav")
    (folder / "folder.wav").mkdir()
    recordings: dict[str, tuple[str, bytes]] = {
        "empty": ("empty_file", b""),
        "cut_header": ("truncated", whole[:30]),
        "cut_body": ("truncated", whole[: len(whole) // 2]),
        "wrong_magic": ("not_audio", b"WAVE" + whole[4:]),
        "no_channels": ("broken_header", audio.wav_bytes(body, channels=0)),
        "absurd_rate": ("over_budget", audio.wav_bytes(body, rate=2_000_000_000)),
        "nan": ("not_finite", audio.wav_bytes(nan.tobytes(), bits=32, tag=3)),
        "no_samples": ("zero_length", audio.wav_bytes(b"")),
        "ten_minutes_of_silence": ("over_budget", flac),
        "bomb": ("over_budget", bomb),
        # the header counts in the other order of bytes
        "mixed_endianness": ("unsupported", b"RIFX" + whole[4:]),
    }
    lines = []
    for name, (reason, data) in recordings.items():
        (folder / f"{name}.wav").write_bytes(data)
        lines.append((reason, json.dumps({"audio": f"{name}.wav", "text": "a", "duration": 0.3}).encode()))
    (folder / "whole.wav").write_bytes(whole)
    others: list[tuple[str, dict[str, Any] | bytes]] = [
        ("wrong_duration", {"audio": "whole.wav", "id": "long", "text": "a", "duration": 9.0}),
        ("not_utf8", b'{"audio": "whole.wav", "text": "a\xe9"}'),
        ("empty_text", {"audio": "whole.wav", "id": "mute", "text": ""}),
        ("not_in_alphabet", {"audio": "whole.wav", "id": "token", "text": "aXb"}),
        ("duplicate_id", {"audio": "good_0.wav", "text": "a", "duration": 0.1}),
        ("missing_file", {"audio": "absent.wav", "text": "a", "duration": 0.3}),
        ("not_a_file", {"audio": "folder.wav", "text": "a", "duration": 0.3}),
        ("outside_root", {"audio": "link.wav", "text": "a", "duration": 0.3}),
        ("unreadable", {"audio": "nul\0.wav", "text": "a", "duration": 0.3}),
    ]
    return lines + [(reason, line if isinstance(line, bytes) else json.dumps(line).encode()) for reason, line in others]


def opened(folder: Path, **settings: Any) -> SpeechData:
    section = kit.graph_of(*SETS, text=TEXT).graph.data
    assert isinstance(section, Speech)
    return open_speech(section, base=folder, environment={}, **settings)


@pytest.mark.parametrize("seed", range(tries(1, 100)))
def test_twenty_kinds_of_bad_records_are_named_and_leave_no_trace(tmp_path: Path, seed: int) -> None:
    folder = tmp_path / "corpus"
    folder.mkdir()
    sound, broken = good(folder, seed), bad(folder)
    random.Random(seed).shuffle(broken)
    assert len(broken) == 20
    lines, expected = list[bytes](), dict[int, str]()
    for number, line in enumerate(sound):
        lines.append(line)
        if number % 9 == 8:
            reason, one = broken[number // 9]
            lines.append(one)
            expected[len(lines)] = reason
    assert len(lines) == NUM_RECORDS
    (folder / "train.jsonl").write_bytes(b"\n".join(lines) + b"\n")

    data = opened(folder)
    assert {problem.line: problem.reason for problem in data.tally.refused} == expected
    assert data.num_examples("train") == len(sound)
    result = kit.trained(folder, tmp_path / "spoilt", *SETS, text=TEXT, data=data)
    assert sum(result["data"]["refused"].values()) == 20
    for limit in (BadLimit(share=0.01, count=0), BadLimit(share=0.09, count=19)):
        with pytest.raises(BadData, match=r"20 of 200 records are bad \(10.0 %\)") as caught:
            opened(folder, limit=limit)
        assert caught.value.code == "too_many_bad_records"
        assert {problem.line: problem.reason for problem in caught.value.problems} == expected

    (folder / "train.jsonl").write_bytes(b"\n".join(sound) + b"\n")
    clean = opened(folder)
    assert clean.tally.refused == []
    kit.trained(folder, tmp_path / "clean", *SETS, text=TEXT, data=clean)
    assert kit.state_of(kit.newest(tmp_path / "spoilt")) == kit.state_of(kit.newest(tmp_path / "clean"))
    assert kit.metrics_of(tmp_path / "spoilt") == kit.metrics_of(tmp_path / "clean")

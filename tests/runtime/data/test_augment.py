"""Waveform augmentations do what they say, at random, and the same for the same example and epoch."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import s2sc.compiler.parts.augment
from s2sc.compiler.component import Component
from s2sc.compiler.part import Part
from s2sc.compiler.parts.augment.gain import Gain
from s2sc.compiler.parts.augment.join_clips import JoinClips
from s2sc.compiler.parts.augment.noise import Noise
from s2sc.compiler.parts.augment.shift import Shift
from s2sc.compiler.parts.augment.speed_perturb import SpeedPerturb
from s2sc.dsl.values import Range
from s2sc.runtime.data.augment import gain, join_clips, noise, shift, speed_perturb
from s2sc.runtime.data.clips import Clips
from s2sc.runtime.data.example import Example
from s2sc.runtime.data.root import Root
from s2sc.runtime.data.rows import generator, make_row

RATE = 8000
EACH = ((speed_perturb, SpeedPerturb()), (gain, Gain()), (shift, Shift()), (noise, Noise()))


def test_every_augmentation_of_samples_in_the_catalogue_has_its_file() -> None:
    for path in Path(s2sc.compiler.parts.augment.__path__[0]).glob("[a-z]*.py"):
        declared = import_module(f"s2sc.compiler.parts.augment.{path.stem}")
        parts = [value for value in vars(declared).values() if isinstance(value, type) and issubclass(value, Part)]
        if not any(issubclass(value, Component) and value is not Component for value in parts):
            import_module(f"s2sc.runtime.data.augment.{path.stem}")


@pytest.mark.parametrize(("module", "settings"), EACH)
def test_the_same_draw_gives_the_same_samples_and_leaves_the_original_alone(
    kit: Any, module: Any, settings: Part
) -> None:
    clip_N = kit.tone(0.4)
    clip_N.flags.writeable = False
    first, again, other = (module.apply(settings, clip_N, generator(seed), rate=RATE) for seed in (1, 1, 2))
    assert first.dtype == np.float32
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert np.isfinite(first).all()


def test_gain_stays_within_its_decibels(kit: Any) -> None:
    clip_N = kit.tone(0.1)
    factors = [gain.apply(Gain(level=Range(-6, 6)), clip_N, generator(n), rate=RATE)[5] / clip_N[5] for n in range(200)]
    assert 10 ** (-6 / 20) <= min(factors) < 0.6
    assert 1.8 < max(factors) <= 10 ** (6 / 20) + 1e-6


def test_noise_has_the_asked_ratio_to_speech(kit: Any) -> None:
    clip_N = kit.tone(2.0)
    noisy_N = noise.apply(Noise(snr=Range(20, 20)), clip_N, generator(0), rate=RATE)
    ratio = 10 * np.log10(np.mean(clip_N**2) / np.mean((noisy_N - clip_N) ** 2))
    assert ratio == pytest.approx(20, abs=0.3)  # the estimate from 16,000 samples has a deviation of 0.05 dB


def test_shift_moves_and_fills_with_silence() -> None:
    clip_N = np.arange(1, 101, dtype=np.float32)
    moves = set()
    for number in range(100):
        shifted_N = shift.apply(Shift(max=3 / RATE), clip_N, generator(number), rate=RATE)
        later = int(shifted_N[50] * -1 + 51)
        moves.add(later)
        expected = np.concatenate(
            [np.zeros(max(later, 0)), clip_N[max(-later, 0) : 100 - max(later, 0)], np.zeros(max(-later, 0))]
        )
        assert np.array_equal(shifted_N, expected)
    assert moves == set(range(-3, 4))


def test_speed_changes_length_and_pitch_together(kit: Any) -> None:
    faster_N = speed_perturb.apply(SpeedPerturb(speed=Range(1.25, 1.25)), kit.tone(1.0), generator(0), rate=RATE)
    assert len(faster_N) == pytest.approx(0.8 * RATE, abs=2)
    spectrum_F = np.abs(np.fft.rfft(faster_N * np.hanning(len(faster_N))))
    assert spectrum_F.argmax() * RATE / len(faster_N) == pytest.approx(1.25 * 440, abs=3)


def test_joined_clips_follow_each_other_with_short_pauses(kit: Any) -> None:
    clips = [np.full(100, value, np.float32) for value in (1, 2, 3)]
    joined_N = join_clips.join(clips, generator(4), rate=RATE)
    assert joined_N[joined_N > 0].tolist() == [1.0] * 100 + [2.0] * 100 + [3.0] * 100
    assert 300 < len(joined_N) <= 300 + 2 * join_clips.LONGEST_PAUSE * RATE


def test_the_number_of_joined_clips_is_uniform() -> None:
    drawn = [join_clips.num_followers(JoinClips(max=4, chance=1.0), generator(number)) for number in range(2000)]
    assert np.bincount(drawn, minlength=4) / 2000 == pytest.approx([0.25] * 4, abs=0.04)  # 4 deviations
    assert sum(join_clips.num_followers(JoinClips(max=4, chance=0.0), generator(number)) for number in range(50)) == 0


def test_a_chance_is_the_share_of_examples_that_change(kit: Any, tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(kit.wav_bytes(kit.pcm16(kit.tone(0.1))))
    clips = Clips(Root(tmp_path), None, rate=RATE)
    changed = 0
    for number in range(400):
        example = Example(f"id{number}", "a.wav", "x", (0,), "m", number)
        row, _ = make_row([example], clips, (Gain(chance=0.25),), space=None, seed=1, epoch=0)
        assert row is not None
        changed += not np.array_equal(row.samples, clips.read(example))
    assert changed / 400 == pytest.approx(0.25, abs=0.09)  # 4 deviations

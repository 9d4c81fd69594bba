"""What `s2sc bench` counts and compares, and the data that it makes up."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from s2sc.cli import main as cli
from s2sc.compiler.front import analyse, analyse_file
from s2sc.compiler.graph import CheckedGraph
from s2sc.compiler.training_cost import training_macs
from s2sc.dsl.source import Source
from s2sc.dsl.values import Quantity
from s2sc.runtime.benchmark import Contents, Speed, measure_speed
from s2sc.runtime.clock import Clock
from s2sc.runtime.data.generated import generated_data
from s2sc.runtime.data.opening import frames_of_loss
from s2sc.runtime.data.speech import num_needed
from s2sc.runtime.peak import measured_peak, published_peak
from s2sc.runtime.peak_memory import begin, peak_bytes

CPU = torch.device("cpu")

SPEECH = """edition 1
let chars = alphabet("abc ")
data speech {
  audio = logmel(rate = 8kHz, bins = 8, window = 20ms, hop = 10ms)
  text  = chars
  train = ["train.jsonl"]
  keep  = 0.2s .. 2s
}
encoder { out = data.audio -> conv1d(4, kernel = 3, stride = 2) -> relu }
decoder {
  logits = encoder.out -> linear(pad_to(4, chars.size + 1))
  infer  = logits -> log_softmax -> greedy_ctc(blank = chars.size)
}
loss = ctc_loss(logits = decoder.logits, target = data.text, blank = chars.size)
hyperparameters { batch = BATCH; stop = 100 steps; seed = 1; optimizer = adam(lr = 1e-2); workers = 0 }
"""

TEXT = """edition 1
data parallel_text {
  tokens = characters(size = 20)
  train  = pair("train.en", "train.de")
  keep   = 1 .. 40 tokens
}
encoder { out = data.source -> embedding(data.source.vocab, 6) -> lstm(6) }
decoder {
  q      = data.target.shifted -> embedding(data.target.vocab, 6) -> lstm(6)
  att    = attention(query = q, memory = encoder.out, kind = "dot")
  logits = att -> linear(data.target.vocab)
  infer  = logits -> beam(width = 2)
}
loss = cross_entropy(decoder.logits, data.target)
hyperparameters { batch = BATCH; stop = 100 steps; seed = 1; optimizer = adam(lr = 1e-2) }
"""

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run a command in a fresh folder that holds both specs; its exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    Path("speech.s2s").write_text(SPEECH.replace("BATCH", "4 examples"), encoding="utf-8")
    Path("text.s2s").write_text(TEXT.replace("BATCH", "200 tokens"), encoding="utf-8")

    def run_command(*words: str) -> tuple[int, str, str]:
        code = cli.main(words)
        out, err = capsys.readouterr()
        return code, out, err

    return run_command


def checked(spec: str, batch: str) -> CheckedGraph:
    found = analyse(Source("bench.s2s", spec.replace("BATCH", batch)))
    assert found.checked is not None, [finding.message for finding in found.findings]
    return found.checked


# ---------------------------------------------------------------- made-up data


def test_made_up_recordings_keep_to_the_limits_of_the_data_and_of_ctc() -> None:
    graph = checked(SPEECH, "5 examples")
    data = generated_data(graph)
    frames = frames_of_loss(graph.graph)
    assert frames is not None
    for batch in list(data.batches("train", batch=5))[:10]:
        samples, tokens = batch.lengths["data.audio.waveform"], batch.lengths["data.text"]
        assert len(batch) == 5
        assert all(0.1999 <= seconds <= 2.0001 for seconds in batch.seconds)
        for row, count in enumerate(tokens.tolist()):
            needed = num_needed(tuple(batch.inputs["data.text"][row, :count].tolist()))
            assert needed <= int(frames(np.array([int(samples[row])]))[0])
        assert int(batch.inputs["data.text"].max()) < 4


def test_made_up_texts_keep_to_the_limits_and_the_batch_to_its_budget() -> None:
    data = generated_data(checked(TEXT, "200 tokens"))
    batches = list(data.batches("train", batch=_tokens(200)))
    assert len(batches) == data.num_batches("train", batch=_tokens(200))
    assert sum(map(len, batches)) == data.num_examples("train")
    for batch in batches:
        source, target = batch.inputs["data.source"], batch.inputs["data.target"]
        assert len(batch) * max(source.shape[1], target.shape[1]) <= 200
        assert max(source.shape[1], target.shape[1]) <= 41
        assert int(source.max()) < 20


def test_made_up_data_is_the_same_for_the_same_seed() -> None:
    graph = checked(SPEECH, "3 examples")
    first, second = (next(generated_data(graph, seed=7).batches("train", batch=3)) for _ in range(2))
    other = next(generated_data(graph, seed=8).batches("train", batch=3))
    assert torch.equal(first.inputs["data.audio.waveform"], second.inputs["data.audio.waveform"])
    assert first.seconds != other.seconds


# ---------------------------------------------------------------- what is counted


def test_arithmetic_of_the_longest_example_is_that_of_the_plan_and_grows_with_length() -> None:
    graph = analyse_file(Path(__file__).parents[2] / "specs/speech/wav2letter_plus.s2s").checked
    assert graph is not None
    # 31.9 GFLOP for a second of audio, forward and backward, by hand from the table of layers
    assert 2 * training_macs(graph.graph, {"N": 16_000 * 10}) == pytest.approx(10 * 31.9e9, rel=0.01)


def test_contents_count_real_tokens_and_what_padding_adds() -> None:
    graph = checked(TEXT, "200 tokens")
    batch = next(generated_data(graph).batches("train", batch=_tokens(200)))
    contents = Contents()
    contents.add(batch, graph.graph)
    assert contents.source_tokens == int(batch.lengths["data.source"].sum())
    assert contents.target_tokens == int(batch.lengths["data.target"].sum())
    assert contents.real == contents.source_tokens + contents.target_tokens
    assert contents.padded == batch.inputs["data.source"].numel() + batch.inputs["data.target"].numel()
    each = [
        2 * training_macs(graph.graph, {"S": source, "U": target})
        for source, target in zip(
            batch.lengths["data.source"].tolist(), batch.lengths["data.target"].tolist(), strict=True
        )
    ]
    assert contents.flops == sum(each)


def test_contents_of_speech_are_seconds_frames_and_labels() -> None:
    graph = checked(SPEECH, "4 examples")
    batch = next(generated_data(graph).batches("train", batch=4))
    contents = Contents()
    contents.add(batch, graph.graph)
    samples = batch.lengths["data.audio.waveform"].tolist()
    assert contents.frames == sum(-(-count // 80) for count in samples)
    assert contents.seconds == pytest.approx(sum(samples) / 8000)
    assert contents.target_tokens == int(batch.lengths["data.text"].sum())
    assert contents.real == sum(samples)


def test_a_speed_up_is_of_steps_over_the_same_batches() -> None:
    def speed(*seconds: float) -> Speed:
        return Speed("fp32", seconds, 0.0, Contents(), 1.0, None, None, 0)

    assert speed(1.0, 5.0, 3.0).speed_up(speed(2.0, 5.0, 9.0)) == 2.0


def test_measuring_takes_so_many_steps_of_training() -> None:
    graph = checked(SPEECH, "4 examples")
    found = measure_speed(graph, generated_data(graph), precision="fp32", device=CPU, steps=3, warmup=2)
    assert len(found.step_seconds) == 3
    assert found.contents.examples == 12
    assert found.skipped == 0
    assert 0 <= found.waited_seconds <= found.total_seconds


def test_a_clock_on_the_cpu_tells_each_interval() -> None:
    clock = Clock(CPU)
    for _ in range(4):
        clock.mark()
    assert len(clock.seconds()) == 3
    assert min(clock.seconds()) >= 0


def test_the_peak_of_a_cpu_is_measured_and_no_maker_is_quoted() -> None:
    assert measured_peak(CPU, "fp32") > 1e8
    assert published_peak(CPU) is None


def test_peak_memory_sees_what_was_allocated_since() -> None:
    begin(CPU)
    before = peak_bytes(CPU)
    if before is None:
        pytest.skip("this system does not tell a process its high-water mark")
    held = torch.ones(32 * 2**20)
    after = peak_bytes(CPU)
    assert after is not None
    assert after - before >= 0.9 * held.numel() * 4


# ---------------------------------------------------------------- the verb


def test_bench_falls_back_on_made_up_data_and_says_so(run: Run) -> None:
    code, out, _ = run("bench", "speech.s2s", "--steps", "2", "--warmup", "1", "--device", "cpu")
    assert code == 0
    assert "generated" in out
    assert "the spec's own cannot be read" in out
    for word in ("examples/s", "frames/s", "target tokens/s", "share of peak", "real / padded", "waiting for data"):
        assert word in out
    assert "source tokens/s" not in out
    assert "speed-up" not in out


def test_bench_says_what_its_steps_go_without(run: Run) -> None:
    words = ("--generated", "--steps", "1", "--warmup", "1", "--device", "cpu")
    code, _, err = run("bench", "text.s2s", *words, "--set", "hyperparameters.cuda_graphs=true")
    assert code == 0
    assert "cuda_graphs are for one process with a GPU: this run goes without" in err


def test_bench_compares_precisions_with_the_first(run: Run) -> None:
    words = ("--generated", "--steps", "2", "--warmup", "1", "--device", "cpu")
    code, out, _ = run("bench", "text.s2s", *words, "--precision", "fp32, autocast(bf16)", "--json")
    assert code == 0
    found = json.loads(out)
    assert [one["precision"] for one in found["precisions"]] == ["fp32", "autocast(bf16)"]
    assert found["precisions"][0]["speed_up"] == 1.0
    assert found["precisions"][0]["contents"] == found["precisions"][1]["contents"]
    for one in found["precisions"]:
        assert one["steps"] == 2
        assert one["source_tokens_per_second"] > 0
        assert 0 < one["padding_efficiency"] <= 1


def test_bench_leaves_nothing_behind(run: Run, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    assert run("bench", "text.s2s", "--generated", "--steps", "1", "--warmup", "1", "--device", "cpu")[0] == 0
    assert sorted(tmp_path.rglob("*")) == before


def test_bench_shows_what_is_wrong_with_a_precision(run: Run) -> None:
    code, _, err = run("bench", "text.s2s", "--precision", "fp32,fp17")
    assert code == 1
    assert "fp17" in err


def test_bench_refuses_a_list_with_a_gap(run: Run) -> None:
    code, _, err = run("bench", "text.s2s", "--precision", "fp32,,autocast(bf16)")
    assert code == 2
    assert "comma" in err


def _tokens(count: int) -> Quantity:
    return Quantity(count, "tokens", f"{count} tokens")

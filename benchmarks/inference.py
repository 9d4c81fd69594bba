"""An exported file in onnxruntime against the same model in torch, on the CPU: time and size."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import torch
from s2sc.benchmarks.report import CHECKOUT, Report, hand_over, options_of, say
from s2sc.benchmarks.spread import paired_ratio, spread
from s2sc.runtime.data.audio import Samples
from s2sc.runtime.data.opening import open_data
from s2sc.runtime.data.speech import SpeechData
from s2sc.runtime.export.onnx import ExportReport
from s2sc.runtime.export.run import export_run
from s2sc.runtime.onnx_recogniser import OnnxRecogniser
from s2sc.runtime.recognition import Recogniser
from s2sc.runtime.run_folder import Run, open_run, safe_name
from s2sc.runtime.run_recogniser import RunRecogniser

TARGET = 0.52

METHOD = """Samples in, text out (features, model, greedy search), of real clips, for the trained run in torch
(`inference_mode`, in the precision that it was trained in) and its exported files in onnxruntime (CPU provider), FP16
as users get it and the same graph in FP32, with equal numbers of threads. Clips of the test split, evenly spread, in
batches of like length; the three take turns at every pass over all clips, forwards and backwards. Time is of a pass,
median with the middle half; the real-time factor (RTF) is time / length of the audio; a ratio is of neighbouring
passes, with its bootstrap interval. Speed does not depend on what the weights are: without `--run`, a model is
trained for some steps first."""

MODELS = ("torch", "ONNX FP16", "ONNX FP32")


def main() -> None:
    """Train if need be, export, measure, hand over."""
    parser = options_of(__doc__)
    parser.add_argument("--run", type=Path, metavar="RUN", help="a trained run; default: one is trained for a moment")
    parser.add_argument("--clips", type=int, help="clips; default 200, short 32")
    parser.add_argument("--passes", type=int, help="passes over them for each model; default 20, short 4")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="threads of each")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as folder:
        run = trained(options.run, Path(folder, "run"))
        report = Report(
            f"inference_{safe_name(run.graph().graph.name)}",
            f"Inference on the CPU: {run.graph().graph.name}",
            METHOD,
            ("batch", *MODELS, "FP16 / torch", "FP32 / torch", "FP16 / FP32"),
        )
        measure(
            run,
            report,
            num_clips=options.clips or (32 if options.short else 200),
            rounds=max(1, (options.passes or (4 if options.short else 20)) // 2),
            threads=options.threads,
        )
    hand_over(report, options)


def trained(given: Path | None, folder: Path) -> Run:
    """A copy of a run, or a new one: of real recordings where S2SC_DATA holds fsdd/, else of the generated corpus."""
    if given is not None:
        shutil.copytree(open_run(given).folder, folder)
        return open_run(folder)
    if os.environ.get("S2SC_DATA") and Path(os.environ["S2SC_DATA"], "fsdd").is_dir():
        what = ["specs/spoken_digits.s2s"]
        what += ["--set", "hyperparameters.stop=60 steps", "--set", "hyperparameters.evaluate=60 steps"]
    else:
        what = ["specs/wav2letter.s2s", "--profile", "quick"]
    say(f"training {' '.join(what)}")
    command = [sys.executable, "-m", "s2sc", "compile", *what, "--train", "--device", "cpu", "--out", str(folder)]
    environment = {**os.environ}
    if "S2SC_DATA" in environment:
        environment["S2SC_DATA"] = str(Path(environment["S2SC_DATA"]).resolve())
    subprocess.run(command, cwd=CHECKOUT, env=environment, stdout=sys.stderr, check=True)
    return open_run(folder)


def measure(run: Run, report: Report, *, num_clips: int, rounds: int, threads: int) -> None:
    """Export, then time the three in turn at each batch size."""
    exported = export_run(run, environment=os.environ, fp32_too=True, on_progress=say)
    assert isinstance(exported, ExportReport), "a model of speech is one file"
    models: list[Recogniser] = [
        RunRecogniser(run, torch.device("cpu")),
        OnnxRecogniser(run.folder / "model.onnx", threads=threads),
        OnnxRecogniser(run.folder / "model.fp32.onnx", threads=threads),
    ]
    clips = test_clips(run, num_clips)
    seconds = sum(map(len, clips)) / models[0].rate
    for batch in (1, 16):
        found = in_turn(models, clips, batch=batch, rounds=rounds)
        cells = [str(batch)]
        for times in found:
            pass_time = spread(times)
            a_clip = pass_time.text("ms", scale=1e3 / len(clips), digits=2)
            cells.append(f"{a_clip} a clip, RTF {pass_time.median / seconds:.4f}")
        ratios = [paired_ratio(found[ours], found[theirs]) for ours, theirs in ((1, 0), (2, 0), (1, 2))]
        report.rows.append((*cells, *(ratio.text() for ratio in ratios)))
        report.figures[f"batch {batch}"] = {
            "pass_seconds": {name: asdict(spread(times)) for name, times in zip(MODELS, found, strict=True)},
            "ratios": dict(zip(("fp16_torch", "fp32_torch", "fp16_fp32"), map(asdict, ratios), strict=True)),
        }
    heard = [[text for part in groups(clips, 16) for text in model.recognise(part)] for model in models]
    same = [sum(map(str.__eq__, map(str, heard[0]), map(str, texts))) / len(clips) for texts in heard]
    share = exported.bytes / exported.bytes_fp32
    report.figures |= {
        "clips": len(clips),
        "audio_seconds": seconds,
        "threads": threads,
        "bytes": {"fp16": exported.bytes, "fp32": exported.bytes_fp32, "share": share, "target": TARGET},
        "same_text_as_torch": dict(zip(MODELS[1:], same[1:], strict=True)),
        "parity": exported.to_json(),
    }
    report.notes += [
        f"{len(clips)} clips of {seconds:.1f} s together, {threads} threads. The same text as torch: "
        f"{same[1]:.1%} of the clips in FP16, {same[2]:.1%} in FP32.",
        f"Size: FP16 {exported.bytes:,} bytes, FP32 {exported.bytes_fp32:,} bytes, "
        f"ratio {share:.3f} (target ≤ {TARGET:g}).",
    ]


def test_clips(run: Run, number: int) -> list[Samples]:
    """Recordings of the test split, evenly spread over it, the longest first."""
    data = open_data(run.graph(), base=run.base(), environment=os.environ, splits=["test"], warn=say)
    assert isinstance(data, SpeechData), "recordings are compared"
    examples = data.examples("test")
    step = max(1, len(examples) // number)
    clips = [data.clips.read(example).copy() for example in examples[::step][:number]]
    return sorted(clips, key=len, reverse=True)


def in_turn(models: Sequence[Recogniser], clips: Sequence[Samples], *, batch: int, rounds: int) -> list[list[float]]:
    """Seconds of every pass, in the order A B C C B A …, after one round that does not count."""
    found: list[list[float]] = [[] for _ in models]
    order = [*range(len(models)), *reversed(range(len(models)))]
    for number in range(rounds + 1):
        for place in order:
            begun = time.perf_counter()
            for part in groups(clips, batch):
                models[place].recognise(part)
            if number:
                found[place].append(time.perf_counter() - begun)
        say(f"batch {batch}: round {number} of {rounds}")
    return found


def groups(clips: Sequence[Samples], size: int) -> list[Sequence[Samples]]:
    """Batches of neighbours."""
    return [clips[start : start + size] for start in range(0, len(clips), size)]


if __name__ == "__main__":
    main()

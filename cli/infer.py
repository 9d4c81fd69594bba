"""Texts of recordings or of lines, by a run or exported files."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .failures import FINDINGS, OK, Refused
from .options import device, positive
from .plugins import plugins
from .terminal import as_json, counter, note, say, write

if TYPE_CHECKING:
    from ..runtime.whole_file import WholeFile

EXAMPLES = """examples:
  s2sc infer runs/wav2letter/latest clip1.wav clip2.flac
  s2sc infer runs/wav2letter/latest/model.onnx --manifest calls.jsonl --output heard.jsonl
  s2sc infer runs/multi30k_transformer/latest source.en > translated.de
  s2sc infer runs/multi30k_transformer/latest source.en --n-best 4"""


def add(verb: argparse.ArgumentParser) -> None:
    """Its options."""
    verb.add_argument("model", metavar="MODEL", help="a run's folder, or an exported file")
    verb.add_argument(
        "files",
        nargs="*",
        metavar="FILE",
        help="WAV, FLAC or OGG recordings; or text, a sentence a line (default: stdin)",
    )
    verb.add_argument("--json", action="store_true", help="a JSON object for each recording or line")
    verb.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="where the answers to lines go, or the manifest's lines with `hypothesis`; default: stdout",
    )
    group = verb.add_argument_group("for models that read recordings")
    group.add_argument("--manifest", metavar="FILE.jsonl", help="JSON lines with `audio` relative to the manifest")
    group.add_argument("--archive", metavar="ZIP", help="a zip beside the manifest that holds its recordings")
    group = verb.add_argument_group(
        "for models that read text", "A line that cannot be used is named on stderr; an empty one stands in its place."
    )
    group.add_argument(
        "--n-best", type=positive, metavar="N", help="up to N texts for a line, each as `LINE ||| TEXT ||| SCORE`"
    )
    group.add_argument("--scores", action="store_true", help="`SCORE<tab>TEXT` for each line")
    device(verb)
    plugins(verb)


def run(options: argparse.Namespace) -> int:
    """Texts of recordings or of lines, by a run or an exported file."""
    from ..runtime.export.pair_metadata import ENCODER, STEP
    from ..runtime.extras import MissingExtra

    model = Path(options.model)
    if not model.exists():
        raise Refused(f"there is no run or model at {model}")
    # a single file reads recordings: say what is missing before it is read
    if model.is_file() and model.name not in (ENCODER, STEP):
        _check_speech_options(options)
    try:
        from .. import load

        loaded = load(
            model,
            device=_device_for(options, model),
            allow_plugins=options.allow_plugins,
            warn=lambda message: note(f"warning: {message}"),
        )
    except MissingExtra as missing:
        raise Refused(str(missing)) from None
    if options.device.startswith("cuda") and getattr(loaded, "device", "cuda") == "cpu":
        raise Refused("onnxruntime sees no GPU: use --device cpu")
    return _infer_speech(options, loaded) if hasattr(loaded, "transcribe") else _infer_text(options, loaded)


def _device_for(options: argparse.Namespace, model: Path) -> str:
    return options.device if options.device != "auto" or model.is_dir() else "cpu"


def _infer_speech(options: argparse.Namespace, recogniser: Any) -> int:
    _check_speech_options(options)
    if options.manifest:
        return _infer_manifest(options, recogniser)
    failed = False
    for transcript in recogniser.transcribe(Path(file) for file in options.files):
        if transcript.text is None:
            failed = True
            say(f"{transcript.name}: {transcript.message}", FINDINGS)
        elif options.json:
            write(as_json({"audio": transcript.name, "hypothesis": transcript.text}, indent=None))
        else:
            write(transcript.text if len(options.files) == 1 else f"{transcript.name}\t{transcript.text}")
    return FINDINGS if failed else OK


def _check_speech_options(options: argparse.Namespace) -> None:
    for given, name in ((options.n_best, "--n-best"), (options.scores, "--scores")):
        if given:
            raise Refused(f"{name} goes with a model that reads text, and {options.model} reads recordings")
    if bool(options.files) == bool(options.manifest):
        raise Refused("give recordings, or --manifest FILE.jsonl")
    if options.output and not options.manifest:
        raise Refused("--output goes with --manifest, or with a model that reads text")
    if options.archive and not options.manifest:
        raise Refused("--archive goes with --manifest")


def _infer_text(options: argparse.Namespace, translator: Any) -> int:
    from ..runtime.line_reader import LinesOfFiles

    for given, name in ((options.manifest, "--manifest"), (options.archive, "--archive")):
        if given:
            raise Refused(f"{name} goes with a model that reads recordings, and {options.model} reads text")
    n_best = options.n_best or translator.n_best
    if n_best > translator.most_texts:
        most = translator.most_texts
        raise Refused(f"--n-best goes up to {most}: the spec's search finds no more than {most} texts for a line")
    file = _output_file(options)
    files = options.files or ["-"]
    for name in files:
        _refuse_what_is_no_text(name, options.model)
        if file and name != "-" and os.path.realpath(file.path) == os.path.realpath(name):
            raise Refused(f"{file.path} is what is read: name another --output")
    if "-" in files and sys.stdin.isatty():
        note("reading lines; end with Ctrl-D")
    lines = LinesOfFiles(_streams(files))
    show = _line_counter(to_file=file is not None)
    failed, number = False, 0
    for number, answer in enumerate(translator.translate(lines, n_best=n_best, ready=lines.ready), 1):
        if answer.text is None:
            failed = True
            say(f"{answer.line.place}: {answer.message}", FINDINGS)
        for text in _answer_lines(answer, number, options):
            if file:
                file.write(text)
            else:
                sys.stdout.write(text + "\n")
        if not file:
            # who reads through a pipe gets each answer when it is known
            sys.stdout.flush()
        show(number, False)
    show(number, True)
    if file:
        file.finish()
        note(f"wrote the answers to {number} lines to {file.path}")
    return FINDINGS if failed else OK


def _output_file(options: argparse.Namespace) -> WholeFile | None:
    """Where --output says that answers go; None for stdout. A folder is refused before anything is computed."""
    from ..runtime.whole_file import WholeFile

    if not options.output or options.output == "-":
        return None
    if os.path.isdir(options.output):
        raise Refused(f"{options.output} is a folder: name a file for --output")
    return WholeFile(Path(options.output))


def _answer_lines(answer: Any, number: int, options: argparse.Namespace) -> Iterator[str]:
    """What is written for a line: without --n-best always one line, so that answers stand beside what they answer."""
    found = answer.found
    if options.json:
        record: dict[str, object] = {"file": answer.line.file} if answer.line.file else {}
        record |= {"line": answer.line.number, "source": answer.source, "hypothesis": answer.text}
        record |= {"score": found[0].score} if found else {"reason": answer.reason, "message": answer.message}
        if options.n_best:
            record["n_best"] = [{"hypothesis": one.text, "score": one.score} for one in found]
        yield as_json(record, indent=None)
    elif options.n_best:
        yield from (f"{number} ||| {one.text} ||| {one.score:.4f}" for one in found)
    elif options.scores:
        yield f"{found[0].score:.4f}\t{found[0].text}" if found else "\t"
    else:
        yield answer.text or ""


_RECORDINGS = (b"RIFF", b"fLaC", b"OggS")


def _refuse_what_is_no_text(name: str, model: str) -> None:
    """Say of a file that cannot be read, or is a recording, before anything is translated."""
    if name == "-":
        return
    try:
        if not os.path.exists(name):
            raise Refused(f"there is no file {name}")
        if os.path.isdir(name):
            raise Refused(f"{name} is a folder: give files of text")
        # what is read from a pipe is gone
        if os.path.isfile(name):
            with open(name, "rb") as file:
                if file.read(4) in _RECORDINGS:
                    raise Refused(f"{name} is a recording, and {model} reads text, one sentence a line")
    except OSError as error:
        raise Refused(f"{name} cannot be read: {error.strerror or error}") from None


def _streams(names: Sequence[str]) -> Iterator[tuple[str, Any]]:
    for name in names:
        if name == "-":
            yield "", sys.stdin.buffer
            continue
        with open(name, "rb") as file:
            yield name, file


def _line_counter(*, to_file: bool) -> Callable[[int, bool], None]:
    """Lines that are done, on a terminal's line on which nothing else is written; nothing elsewhere."""
    if not sys.stderr.isatty() or (sys.stdout.isatty() and not to_file):
        return lambda done, last: None

    def show(done: int, last: bool) -> None:
        if last or done % 10 == 0:
            sys.stderr.write(f"\rtranslated {done} lines" + ("\n" if last else ""))
            sys.stderr.flush()

    return show


def _infer_manifest(options: argparse.Namespace, recogniser: Any) -> int:
    from ..runtime.transcripts import transcribe_manifest

    file = _output_file(options)
    if file and os.path.realpath(file.path) == os.path.realpath(options.manifest):
        raise Refused(f"{file.path} is the manifest itself: name another --output")
    put = file.write if file else write
    progress = counter("transcribing") if file else lambda done, of: None
    outcome = transcribe_manifest(
        Path(options.manifest), recogniser.transcribe, put, archive=options.archive, on_progress=progress
    )
    if file:
        file.finish()
        note(f"wrote {outcome.transcribed} transcripts to {file.path}")
    for problem in outcome.problems:
        say(str(problem), FINDINGS)
    return FINDINGS if outcome.problems else OK

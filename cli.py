"""The command line. A verb imports what only it needs, because linting is bound by its start."""

from __future__ import annotations

import argparse
import gc
import io
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from . import __version__
from .compiler.front import Analysis, analyse_file
from .dsl.diagnostics import Diagnostic
from .dsl.reading import Unreadable

OK, FINDINGS, USAGE, INTERNAL, STORAGE, STOPPED, DIVERGED = 0, 1, 2, 70, 74, 75, 76
INTERRUPTED = 130
LEVELS = ("error", "warning", "info")


class Refused(Exception):
    """A request that cannot be met, with its exit code."""

    def __init__(self, message: str, code: int = USAGE) -> None:
        super().__init__(message)
        self.code = code


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb and give its exit code."""
    _make_streams_usable()
    options = _options(arguments)
    try:
        run: Callable[[argparse.Namespace], int] = options.run
        code = run(options)
        sys.stdout.flush()
        return code
    except (Refused, Unreadable) as error:
        return _say(str(error), error.code if isinstance(error, Refused) else error.exit_code)
    except BrokenPipeError:
        # whoever read our output has enough
        _drop(sys.stdout)
        return OK
    except KeyboardInterrupt:
        return _say("interrupted", INTERRUPTED)
    except Exception as problem:
        known = _known(problem)
        if isinstance(problem, OSError) and known == STORAGE:
            _drop(sys.stdout)
            return _say(f"{problem.filename or 'the output cannot be written'}: {problem.strerror or problem}", known)
        return _internal(problem) if known is None else _say(str(problem), known)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The words of a command; files may stand behind options, which argparse alone does not see after MODEL."""
    words = parser()
    options, others = words.parse_known_args(arguments)
    if others and (not hasattr(options, "files") or any(word.startswith("-") and word != "-" for word in others)):
        words.error(f"unrecognized arguments: {' '.join(others)}")
    if others:
        options.files += others
    return options


# ---------------------------------------------------------------- lint, plan, compile


def lint(options: argparse.Namespace) -> int:
    """Every problem of every file."""
    # what was imported stays: looking for garbage among it, now and when the process ends, is a twentieth of a lint
    gc.freeze()
    findings: list[Diagnostic] = []
    unreadable: list[Unreadable] = []
    paths = list(_specs(options.paths))
    for path in paths:
        try:
            analysis = analyse_file(path, profile=options.profile, sets=options.set, blocks_too=True)
            findings.extend(analysis.findings)
        except Unreadable as error:
            unreadable.append(error)
    if len(unreadable) < len(paths) or options.format == "json":
        _report(findings, options.format)
    for refused in unreadable:
        _say(refused.message, refused.exit_code)
    counted = LEVELS[: LEVELS.index(options.fail_on) + 1]
    code = FINDINGS if any(finding.severity in counted for finding in findings) else OK
    return max([code, *(refused.exit_code for refused in unreadable)])


def plan(options: argparse.Namespace) -> int:
    """Nodes, shapes, parameters, cost and memory."""
    from .compiler.plan import plan as make_plan

    analysis = _analysis(options)
    if analysis.checked is None:
        return FINDINGS
    made = make_plan(analysis.checked)
    _write(_json(made.to_json()) if options.json else made.to_text())
    return OK


def compile_(options: argparse.Namespace) -> int:
    """Check a spec, and write its graph, show its code or train it."""
    if options.resume and not options.train:
        raise Refused("--resume goes with --train")
    if options.step and not options.emit:
        raise Refused("--step goes with --emit torch")
    analysis = _analysis(options)
    if analysis.checked is None:
        return FINDINGS
    if options.emit:
        with _extra("emitting torch code"):
            from .runtime.emit import emit_step, emit_torch
        if options.step and not analysis.checked.graph.steps:
            raise Refused(f"{options.spec} has no search that chooses token by token, so there is no step to show")
        _write(emit_step(analysis.checked) if options.step else emit_torch(analysis.checked))
    if options.train:
        return _train(options, analysis)
    if options.out:
        from .compiler.graph_file import write_graph

        folder = Path(options.out)
        if (folder / "run.json").exists():
            raise Refused(f"{folder} holds a run, whose graph this would replace: name another --out")
        try:
            write_graph(analysis.checked, folder)
        except OSError as error:
            raise Refused(f"cannot write a graph into {folder}: {error.strerror or error}", STORAGE) from None
        _note(f"wrote {folder / 'graph.json'} and {folder / 'graph.map.json'}")
    elif not options.emit:
        _note(f"{options.spec} is sound; --out DIR writes its graph, --emit torch shows its code, --train trains it")
    return OK


def _train(options: argparse.Namespace, analysis: Analysis) -> int:
    with _extra("training"):
        from .runtime.data.opening import open_data
        from .runtime.device import torch_device
        from .runtime.progress import progress_for, words_for
        from .runtime.run_folder import Run, new_run, newest_run, open_run, safe_name
        from .runtime.trainer import Stopped, train
    checked = analysis.checked
    assert checked is not None
    spec = Path(options.spec)
    device = torch_device(options.device)
    name = safe_name(spec.stem)
    run = Run(Path(options.out)) if options.out else None
    if options.resume:
        run = open_run(run.folder) if run else newest_run(Path("runs"), name)
        if run.graph().architecture_hash != checked.architecture_hash:
            message = f"{run.folder} was trained with another architecture: start a new run without --resume"
            raise Refused(message, FINDINGS)
    elif run:
        _refuse_taken(run)
    progress = progress_for(words=words_for(checked.graph))
    # before there is a folder: bad data leaves no run behind that `latest` would point to
    data = open_data(
        checked,
        base=spec.parent,
        environment=os.environ,
        tokens=run.tokens if options.resume and run and run.tokens.is_dir() else None,
        on_progress=progress.preparing,
        warn=progress.warn,
    )
    run = run or new_run(Path("runs"), name)
    progress.say(f"run {run.folder}")
    started_with = {"profile": options.profile, "set": list(options.set), "device": str(device), "version": __version__}
    with run.held():
        if not options.resume:
            _refuse_taken(run)
        data.save_codecs(run.tokens)
        run.begin(checked, spec_text=analysis.source.text, base=spec.parent, started_with=started_with)
        try:
            train(checked, run, data, device=device, progress=progress, resume=options.resume)
        except Stopped as stopped:
            _note(f"{stopped}; go on with: {_go_on(options, run.folder)}")
            return STOPPED
        except KeyboardInterrupt:
            _note(f"ended at once; go on from the last checkpoint with: {_go_on(options, run.folder)}")
            return INTERRUPTED
        finally:
            run.write_refused(data.tally.refused)
    for line in data.tally.lines():
        progress.say(line)
    if data.tally.refused:
        progress.say(f"each bad record is named in {run.refused}")
    use = "translate with: s2sc infer" if checked.graph.steps else "transcribe with: s2sc infer"
    progress.say(f"result in {run.result}; {use} {run.folder} {'FILE.txt' if checked.graph.steps else 'FILE.wav'}")
    return OK


def _refuse_taken(run: Any) -> None:
    """A new run takes no folder in which another one's checkpoints would be mixed with its own."""
    if (run.folder / "graph.json").exists():
        raise Refused(f"{run.folder} holds a run already: --resume goes on with it, another --out starts anew")
    if run.checkpoints.exists():
        raise Refused(f"{run.folder} holds another run's checkpoints: name another --out")


# ---------------------------------------------------------------- eval, infer, export


def evaluate(options: argparse.Namespace) -> int:
    """Metrics of a run on a split."""
    with _extra("evaluating a run"):
        from .dsl.values import Quantity
        from .runtime.data.opening import open_data
        from .runtime.device import torch_device
        from .runtime.evaluation import evaluate as measure
        from .runtime.progress import figures_line, progress_for, words_for
        from .runtime.run_folder import open_run
        from .runtime.trained import load_trained
    run = open_run(Path(options.folder))
    checked = run.graph()
    progress = progress_for()
    data = open_data(
        checked,
        base=run.base(),
        environment=os.environ,
        splits=[options.split],
        tokens=run.tokens if run.tokens.is_dir() else None,
        on_progress=progress.preparing,
        warn=progress.warn,
    )
    if options.split not in data.splits:
        raise Refused(f"the spec has no {options.split} split")
    settings = checked.graph.hyperparameters.values()
    device = torch_device(options.device)
    batch = Quantity(options.batch, "examples", f"{options.batch} examples") if options.batch else settings["batch"]
    found = measure(
        load_trained(run, device, warn=progress.warn),
        data,
        options.split,
        metrics=settings["metrics"],
        batch=batch,
        device=device,
        on_batch=lambda done: progress.preparing("evaluating", done, data.num_examples(options.split)),
    )
    if options.json:
        _write(_json(found.to_json()))
    else:
        for _, reference, hypothesis in found.pairs[: options.show]:
            for word, text in zip(words_for(checked.graph), (reference, hypothesis), strict=True):
                _write(f"{word:<6} {text}")
        _write(f"{options.split}  {figures_line(found.to_json())}")
    for line in data.tally.lines():
        progress.say(line)
    return OK


def infer(options: argparse.Namespace) -> int:
    """Texts of recordings or of lines, by a run or an exported file."""
    from .runtime.export.pair_metadata import ENCODER, STEP
    from .runtime.extras import MissingExtra

    model = Path(options.model)
    if not model.exists():
        raise Refused(f"there is no run or model at {model}")
    # a single file reads recordings: say what is missing before it is read
    if model.is_file() and model.name not in (ENCODER, STEP):
        _check_speech_options(options)
    try:
        from . import load

        loaded = load(model, device=_device_for(options, model), warn=lambda message: _note(f"warning: {message}"))
    except MissingExtra as missing:
        raise Refused(str(missing)) from None
    if options.device.startswith("cuda") and getattr(loaded, "device", "cuda") == "cpu":
        raise Refused("onnxruntime sees no GPU: use --device cpu")
    return _infer_speech(options, loaded) if hasattr(loaded, "transcribe") else _infer_text(options, loaded)


def _infer_speech(options: argparse.Namespace, recogniser: Any) -> int:
    _check_speech_options(options)
    if options.manifest:
        return _infer_manifest(options, recogniser)
    failed = False
    for transcript in recogniser.transcribe(Path(file) for file in options.files):
        if transcript.text is None:
            failed = True
            _say(f"{transcript.name}: {transcript.message}", FINDINGS)
        elif options.json:
            _write(_json({"audio": transcript.name, "hypothesis": transcript.text}, indent=None))
        else:
            _write(transcript.text if len(options.files) == 1 else f"{transcript.name}\t{transcript.text}")
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
    from .runtime.line_reader import LinesOfFiles
    from .runtime.whole_file import WholeFile

    for given, name in ((options.manifest, "--manifest"), (options.archive, "--archive")):
        if given:
            raise Refused(f"{name} goes with a model that reads recordings, and {options.model} reads text")
    n_best = options.n_best or translator.n_best
    if n_best > translator.most_texts:
        most = translator.most_texts
        raise Refused(f"--n-best goes up to {most}: the spec's search finds no more than {most} texts for a line")
    file = WholeFile(Path(options.output)) if options.output and options.output != "-" else None
    files = options.files or ["-"]
    for name in files:
        _refuse_what_is_no_text(name, options.model)
        if file and name != "-" and os.path.realpath(file.path) == os.path.realpath(name):
            raise Refused(f"{file.path} is what is read: name another --output")
    if "-" in files and sys.stdin.isatty():
        _note("reading lines; end with Ctrl-D")
    lines = LinesOfFiles(_streams(files))
    show = _line_counter(to_file=file is not None)
    failed, number = False, 0
    for number, answer in enumerate(translator.translate(lines, n_best=n_best, ready=lines.ready), 1):
        if answer.text is None:
            failed = True
            _say(f"{answer.line.place}: {answer.message}", FINDINGS)
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
        _note(f"wrote the answers to {number} lines to {file.path}")
    return FINDINGS if failed else OK


def _answer_lines(answer: Any, number: int, options: argparse.Namespace) -> Iterator[str]:
    """What is written for a line: without --n-best always one line, so that answers stand beside what they answer."""
    found = answer.found
    if options.json:
        record: dict[str, object] = {"file": answer.line.file} if answer.line.file else {}
        record |= {"line": answer.line.number, "source": answer.source, "hypothesis": answer.text}
        record |= {"score": found[0].score} if found else {"reason": answer.reason, "message": answer.message}
        if options.n_best:
            record["n_best"] = [{"hypothesis": one.text, "score": one.score} for one in found]
        yield _json(record, indent=None)
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
    from .runtime.transcripts import transcribe_manifest
    from .runtime.whole_file import WholeFile

    file = WholeFile(Path(options.output)) if options.output and options.output != "-" else None
    if file and os.path.realpath(file.path) == os.path.realpath(options.manifest):
        raise Refused(f"{file.path} is the manifest itself: name another --output")
    write = file.write if file else _write
    progress = _counter("transcribing") if file else lambda done, of: None
    outcome = transcribe_manifest(
        Path(options.manifest), recogniser.transcribe, write, archive=options.archive, on_progress=progress
    )
    if file:
        file.finish()
        _note(f"wrote {outcome.transcribed} transcripts to {file.path}")
    for problem in outcome.problems:
        _say(str(problem), FINDINGS)
    return FINDINGS if outcome.problems else OK


def export(options: argparse.Namespace) -> int:
    """ONNX of a run's best weights, one file or an encoder and a step, compared with the run."""
    with _extra("exporting", "export"):
        from .runtime.export.run import export_run
        from .runtime.run_folder import newest_run, open_run
    run = open_run(Path(options.folder)) if options.folder else newest_run(Path("runs"))
    report = export_run(run, environment=os.environ, on_progress=_note)
    _write(_json(report.to_json()) if options.json else report.to_text())
    return OK


def schema(options: argparse.Namespace) -> int:
    """The JSON Schema of graph.json."""
    from .compiler.catalogue import builtin
    from .compiler.graph_schema import graph_schema

    _write(_json(graph_schema(builtin())))
    return OK


def completion(options: argparse.Namespace) -> int:
    """A completion script for a shell."""
    import shtab

    _write(shtab.complete(parser(), options.shell))
    return OK


# ---------------------------------------------------------------- the parser


def parser() -> argparse.ArgumentParser:
    """All verbs with their options."""
    top = argparse.ArgumentParser(
        prog="s2sc",
        description="Compile .s2s specs into sequence models: check, plan, train, export.",
        epilog=_EXAMPLES[""],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"s2sc {__version__}")
    verbs = top.add_subparsers(title="verbs", metavar="VERB", required=True)

    verb = _verb(verbs, "lint", lint, "find every problem of specs, without running anything")
    verb.add_argument("paths", nargs="+", metavar="PATH", help="specs, or folders that are searched for *.s2s")
    verb.add_argument("--format", choices=("full", "concise", "json"), default="full", help="how findings are shown")
    verb.add_argument("--fail-on", choices=LEVELS, default="error", help="least severity that makes the exit code 1")
    _variants(verb)

    verb = _verb(verbs, "plan", plan, "show nodes, shapes, parameters, cost, memory and receptive field")
    verb.add_argument("spec", metavar="SPEC", help="a .s2s file")
    verb.add_argument("--json", action="store_true", help="as JSON")
    _variants(verb)

    verb = _verb(verbs, "compile", compile_, "check a spec; write its graph, show its code, or train it")
    verb.add_argument("spec", metavar="SPEC", help="a .s2s file")
    verb.add_argument("--out", metavar="DIR", help="where the graph, or with --train the run, goes")
    verb.add_argument("--emit", choices=("torch",), help="print the lowered module as Python")
    verb.add_argument("--step", action="store_true", help="with --emit: the decoder's one-token step instead")
    verb.add_argument("--train", action="store_true", help="train; without --out into runs/SPEC/N")
    verb.add_argument("--resume", action="store_true", help="go on with the run of --out, or with the newest of SPEC")
    _device(verb)
    _variants(verb)

    verb = _verb(verbs, "eval", evaluate, "measure a run on a split")
    verb.add_argument("folder", metavar="RUN", help="a run's folder")
    verb.add_argument("--split", choices=("train", "valid", "test"), default="test", help="default: test")
    verb.add_argument("--batch", type=_positive, metavar="N", help="examples in a batch; default: as trained")
    verb.add_argument(
        "--show",
        type=_positive,
        default=0,
        metavar="N",
        help="first print N texts, each under its reference",
    )
    verb.add_argument("--json", action="store_true", help="as JSON")
    _device(verb)

    verb = _verb(verbs, "infer", infer, "transcribe recordings or translate lines with a run or an exported file")
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
        "--n-best", type=_positive, metavar="N", help="up to N texts for a line, each as `LINE ||| TEXT ||| SCORE`"
    )
    group.add_argument("--scores", action="store_true", help="`SCORE<tab>TEXT` for each line")
    _device(verb)

    verb = _verb(verbs, "export", export, "write a run as FP16 ONNX, one file or encoder and step, and compare the two")
    verb.add_argument("folder", nargs="?", metavar="RUN", help="a run's folder; default: the newest below runs/")
    verb.add_argument("--onnx", action="store_true", required=True, help="the only form that there is today")
    verb.add_argument("--json", action="store_true", help="the report as JSON")

    verb = _verb(verbs, "schema", schema, "print the JSON Schema of graph.json")
    verb = _verb(verbs, "completion", completion, "print a shell's completion script")
    verb.add_argument("shell", choices=("bash", "zsh", "tcsh"))
    return top


_EXAMPLES = {
    "": """examples:
  s2sc lint specs/
  s2sc plan specs/wav2letter.s2s
  s2sc compile specs/wav2letter.s2s --train
  s2sc export runs/wav2letter/latest --onnx
  s2sc infer runs/wav2letter/latest/model.onnx clip.wav

exit codes: 0 fine, 1 findings, 2 usage, 70 internal error, 74 storage failed, 75 stopped and resumable, 76 diverged""",
    "lint": """examples:
  s2sc lint specs/
  s2sc lint model.s2s --format concise --fail-on warning
  s2sc lint model.s2s --set hyperparameters.batch="8 examples\"""",
    "plan": """examples:
  s2sc plan specs/wav2letter.s2s
  s2sc plan specs/wav2letter.s2s --json --profile quick""",
    "compile": """examples:
  s2sc compile specs/wav2letter.s2s --out build/w2l
  s2sc compile specs/wav2letter.s2s --emit torch
  s2sc compile specs/toy/reversal_tt.s2s --emit torch --step
  s2sc compile specs/wav2letter.s2s --train --set hyperparameters.stop="20 steps"
  s2sc compile specs/wav2letter.s2s --train --resume""",
    "eval": """examples:
  s2sc eval runs/wav2letter/latest
  s2sc eval runs/wav2letter/3 --split valid --json""",
    "infer": """examples:
  s2sc infer runs/wav2letter/latest clip1.wav clip2.flac
  s2sc infer runs/wav2letter/latest/model.onnx --manifest calls.jsonl --output heard.jsonl
  s2sc infer runs/multi30k_transformer/latest source.en > translated.de
  s2sc infer runs/multi30k_transformer/latest source.en --n-best 4""",
    "export": """examples:
  s2sc export --onnx
  s2sc export runs/wav2letter/3 --onnx --json""",
    "schema": """examples:
  s2sc schema > graph.schema.json""",
    "completion": """examples:
  s2sc completion bash > ~/.local/share/bash-completion/completions/s2sc
  s2sc completion zsh > ~/.zfunc/_s2sc""",
}


def _verb(verbs: Any, name: str, run: Callable[[argparse.Namespace], int], what: str) -> argparse.ArgumentParser:
    made: argparse.ArgumentParser = verbs.add_parser(
        name,
        help=what,
        description=what[0].upper() + what[1:] + ".",
        epilog=_EXAMPLES[name],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.set_defaults(run=run)
    return made


def _variants(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--profile", metavar="NAME", help="apply one of the spec's profiles")
    verb.add_argument("--set", action="append", default=[], metavar="PATH=VALUE", help="override a value; repeatable")


def _device(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--device", default="auto", help="cpu, cuda, cuda:N or auto (the default)")


def _positive(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) >= 1):
        raise argparse.ArgumentTypeError(f"must be a whole number of 1 or more, not {text!r}")
    return int(text)


# ---------------------------------------------------------------- reading and writing


def _specs(paths: Sequence[str]) -> Iterator[Path]:
    for path in map(Path, paths):
        # a name that is too long is none, and is named when it is read
        if not os.path.isdir(path):
            yield path
            continue
        found = sorted(path.rglob("*.s2s"))
        if not found:
            raise Refused(f"there is no .s2s file below {path}")
        yield from found


def _analysis(options: argparse.Namespace) -> Analysis:
    """The analysis of one spec; what is wrong with it goes to the error stream."""
    analysis = analyse_file(Path(options.spec), profile=options.profile, sets=options.set)
    shown = [finding for finding in analysis.findings if finding.severity != "info"]
    if shown:
        from .dsl.report.full import render

        print(render(shown, colour=_colour(sys.stderr)), file=sys.stderr)
    return analysis


def _report(findings: Sequence[Diagnostic], form: str) -> None:
    if form == "json":
        from .dsl.report.json import render as render_json

        _write(render_json(findings))
        return
    if form == "concise":
        from .dsl.report.concise import render
    else:
        from .dsl.report.full import render

    _write(render(findings, colour=_colour(sys.stdout)))


def _go_on(options: argparse.Namespace, folder: Path) -> str:
    """The command that goes on with a run."""
    import shlex

    words = ["s2sc", "compile", options.spec, "--train", "--resume", "--out", str(folder)]
    words += ["--profile", options.profile] if options.profile else []
    words += ["--device", options.device] if options.device != "auto" else []
    for text in options.set:
        words += ["--set", text]
    return shlex.join(words)


def _device_for(options: argparse.Namespace, model: Path) -> str:
    return options.device if options.device != "auto" or model.is_dir() else "cpu"


def _counter(what: str) -> Callable[[int, int], None]:
    """Progress on one line of a terminal; nothing elsewhere."""
    if not sys.stderr.isatty():
        return lambda done, of: None

    def show(done: int, of: int) -> None:
        sys.stderr.write(f"\r{what} {done} of {of}" + ("\n" if done == of else ""))
        sys.stderr.flush()

    return show


def _extra(what: str, name: str = "train") -> Any:
    from .runtime.extras import extra

    return extra(name, what)


def _json(value: object, indent: int | None = 2) -> str:
    import json

    # an escape of JSON's own where the output's encoding would lack a letter
    readable = sys.stdout.encoding.lower().replace("-", "") == "utf8"
    return json.dumps(value, indent=indent, ensure_ascii=not readable, allow_nan=False)


def _write(text: str) -> None:
    sys.stdout.write(text.rstrip("\n") + "\n")


def _make_streams_usable() -> None:
    """Let output take any text and be there, even where a shell closed it or its encoding knows few letters."""
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            descriptor = os.open(os.devnull, os.O_RDWR)
            setattr(sys, name, os.fdopen(descriptor, "r" if name == "stdin" else "w", encoding="utf-8"))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _drop(stream: Any) -> None:
    """Let what could not be written to a stream go nowhere, or the interpreter tries again when it ends."""
    try:
        stream.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _note(text: str) -> None:
    from .dsl.escapes import visible

    try:
        print("\n".join(visible(line) for line in text.split("\n")), file=sys.stderr)
    except OSError:
        # there is nobody left to tell
        _drop(sys.stderr)


def _say(message: str, code: int) -> int:
    _note(f"s2sc: {message}")
    return code


def _colour(stream: Any) -> bool:
    return stream.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"


# ---------------------------------------------------------------- what went wrong


_CODES = {
    "MissingExtra": USAGE,
    "RunError": USAGE,
    "BadDevice": USAGE,
    "BadModelFile": FINDINGS,
    "BadManifest": FINDINGS,
    "BadArchive": FINDINGS,
    "BadAudio": FINDINGS,
    "BadData": FINDINGS,
    "CorpusError": FINDINGS,
    "GraphFileError": FINDINGS,
    "CheckpointError": FINDINGS,
    "ExportFailed": FINDINGS,
    "TooLong": FINDINGS,
    "WorkerFailed": FINDINGS,
    "StorageError": STORAGE,
    "Diverged": DIVERGED,
}


def _known(error: Exception) -> int | None:
    """The exit code of an error that a user can do something about, by the name of its class (no import needed)."""
    for kind in type(error).__mro__:
        if kind.__module__.startswith("s2sc.") and kind.__name__ in _CODES:
            return _CODES[kind.__name__]
    return STORAGE if isinstance(error, OSError) else None


def _internal(error: Exception) -> int:
    import traceback

    traceback.print_exception(error)
    return _say(
        f"internal error, which is a bug of s2sc {__version__}: please report it with the lines above and the spec",
        INTERNAL,
    )

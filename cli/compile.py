"""A spec's graph, its code, or its training."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from .. import __version__
from ..compiler.front import Analysis
from ..compiler.lock import lock_path
from .analysis import analysis_of
from .failures import FINDINGS, INTERNAL, INTERRUPTED, OK, STOPPED, STORAGE, Refused, extra
from .options import device, processes, repeated, variants
from .plugins import layers_of, plugins
from .terminal import note, write

_MOST_WARNINGS = 5

EXAMPLES = """examples:
  s2sc compile specs/wav2letter.s2s --out build/w2l
  s2sc compile specs/wav2letter.s2s --emit torch
  s2sc compile specs/toy/reversal_tt.s2s --emit torch --step
  s2sc compile specs/wav2letter.s2s --train --set hyperparameters.stop="20 steps"
  s2sc compile specs/wav2letter.s2s --train --resume
  s2sc compile specs/wav2letter.s2s --train --devices 8"""


def add(verb: argparse.ArgumentParser) -> None:
    """Its options."""
    verb.add_argument("spec", metavar="SPEC", help="a .s2s file")
    verb.add_argument("--out", metavar="DIR", help="where the graph, or with --train the run, goes")
    verb.add_argument("--emit", choices=("torch",), help="print the lowered module as Python")
    verb.add_argument("--step", action="store_true", help="with --emit: the decoder's one-token step instead")
    verb.add_argument("--train", action="store_true", help="train; without --out into runs/SPEC/N")
    verb.add_argument(
        "--devices",
        type=processes,
        metavar="N",
        help="with --train: N processes on this machine, each with a GPU of its own",
    )
    verb.add_argument("--resume", action="store_true", help="go on with the run of --out, or with the newest of SPEC")
    device(verb)
    variants(verb)
    plugins(verb)


def run(options: argparse.Namespace) -> int:
    """Check a spec, and write its graph, show its code or train it."""
    if options.resume and not options.train:
        raise Refused("--resume goes with --train")
    if options.devices and not options.train:
        raise Refused("--devices goes with --train")
    if (options.devices or 1) > 1 and "RANK" not in os.environ:
        return _launch(options)
    if options.step and not options.emit:
        raise Refused("--step goes with --emit torch")
    analysis = analysis_of(options, show=_talks())
    if analysis.checked is None:
        return FINDINGS
    if options.emit:
        with extra("emitting torch code"):
            from ..runtime.emit import emit_step, emit_torch
        if options.step and not analysis.checked.graph.steps:
            raise Refused(f"{options.spec} has no search that chooses token by token, so there is no step to show")
        layers = layers_of(analysis.checked, options, Path(options.spec))
        emit = emit_step if options.step else emit_torch
        write(emit(analysis.checked, layer_of=layers))
    if options.train:
        return _train(options, analysis)
    if options.out:
        from ..compiler.graph_file import write_graph

        folder = Path(options.out)
        if (folder / "run.json").exists():
            raise Refused(f"{folder} holds a run, whose graph this would replace: name another --out")
        try:
            write_graph(analysis.checked, folder)
        except OSError as error:
            raise Refused(f"cannot write a graph into {folder}: {error.strerror or error}", STORAGE) from None
        note(f"wrote {folder / 'graph.json'} and {folder / 'graph.map.json'}")
    elif not options.emit:
        note(f"{options.spec} is sound; --out DIR writes its graph, --emit torch shows its code, --train trains it")
    return OK


def _talks() -> bool:
    """Whether findings are this process's to show: of several, the supervisor has, or the first does."""
    from .status import VARIABLE

    return VARIABLE not in os.environ and os.environ.get("RANK", "0") == "0"


def _launch(options: argparse.Namespace) -> int:
    """Train in several processes; the code that they wrote down."""
    import tempfile

    from .status import codes

    with extra("training"):
        from ..runtime.launch import launch
    if analysis_of(options).checked is None:
        return FINDINGS
    with tempfile.TemporaryDirectory(prefix="s2sc-status-") as folder:
        status = Path(folder)
        ending = launch(_words(options, options.out), processes=options.devices, status=status)
        found = codes(status)
        run = (status / "run").read_text(encoding="utf-8") if (status / "run").exists() else ""
    ends = [code for code in found.values() if code != OK]
    if ends:
        return ends[0]
    if len(found) == options.devices:
        return OK
    if ending.signal:
        return _asked_to_end(options, ending.signal, run)
    note(f"training failed: {ending.problem or 'a process ended without a word'}")
    if run:
        note(f"go on from the last checkpoint with: {_go_on(options, Path(run))}")
    return INTERNAL


def _asked_to_end(options: argparse.Namespace, signal: str, run: str) -> int:
    """A signal came when the processes could not answer it yet, as while they start; how to go on."""
    import shlex

    if run:
        note(f"ended at once by {signal}; go on from the last checkpoint with: {_go_on(options, Path(run))}")
    else:
        again = shlex.join(["s2sc", *_words(options, options.out)])
        note(f"ended by {signal} before training began; start again with: {again}")
    return INTERRUPTED if signal == "SIGINT" else STOPPED


def _train(options: argparse.Namespace, analysis: Analysis) -> int:
    """Train in this process, alone or as one of several."""
    from .status import VARIABLE, ended

    with extra("training"):
        from ..runtime.distributed import joined
        from ..runtime.launch import end_with_parent
    if VARIABLE in os.environ:
        end_with_parent()
        if ended(os.environ) is not None:
            return OK
    with joined(os.environ, options.device) as world:
        if not world.alone and not options.out and VARIABLE not in os.environ:
            raise Refused("several processes need one folder for their run: name it with --out")
        if world.is_first:
            return _train_first(options, analysis, world)
        return _train_with(options, analysis, world)


def _train_with(options: argparse.Namespace, analysis: Analysis, world: Any) -> int:
    """Train as a process that neither writes nor talks."""
    with extra("training"):
        from ..runtime.data.opening import open_data
        from ..runtime.run_folder import Run
        from ..runtime.training.ended import Stopped
        from ..runtime.training.quiet import QuietProgress
        from ..runtime.training.trainer import train
    assert analysis.checked is not None
    folder, resume = world.tell()
    run, progress, spec = Run(Path(folder)), QuietProgress(), Path(options.spec)
    layers = layers_of(analysis.checked, options, spec)
    tokens = run.tokens if run.tokens.is_dir() else None
    data = open_data(analysis.checked, base=spec.parent, environment=os.environ, tokens=tokens)
    try:
        train(
            analysis.checked,
            run,
            data,
            device=world.device,
            progress=progress,
            resume=resume,
            layer_of=layers,
            world=world,
        )
    except Stopped:
        return STOPPED
    except KeyboardInterrupt:
        return INTERRUPTED
    return OK


def _started_again(options: argparse.Namespace) -> None:
    """A process that takes the place of one that died goes on with its run, if that had begun."""
    from .status import VARIABLE

    if os.environ.get("TORCHELASTIC_RESTART_COUNT", "0") == "0":
        return
    known = Path(os.environ.get(VARIABLE, "")) / "run"
    if VARIABLE in os.environ and known.exists():
        options.out = known.read_text(encoding="utf-8")
    if options.out and (Path(options.out) / "graph.json").exists():
        options.resume = True


def _train_first(options: argparse.Namespace, analysis: Analysis, world: Any) -> int:
    from .status import VARIABLE

    _started_again(options)
    with extra("training"):
        from ..runtime.data.opening import open_data
        from ..runtime.environment import environment, times
        from ..runtime.progress import progress_for, words_for
        from ..runtime.run_folder import Run, new_run, newest_run, open_run, safe_name, texts_of
        from ..runtime.run_status import status_kept
        from ..runtime.training.ended import Stopped
        from ..runtime.training.trainer import train
    checked = analysis.checked
    assert checked is not None
    spec = Path(options.spec)
    device = world.device
    name = safe_name(spec.stem)
    run = Run(Path(options.out)) if options.out else None
    if options.resume:
        run = open_run(run.folder) if run else newest_run(Path("runs"), name)
        if run.graph().architecture_hash != checked.architecture_hash:
            message = f"{run.folder} was trained with another architecture: start a new run without --resume"
            raise Refused(message, FINDINGS)
    elif run:
        _refuse_taken(run)
    layers = layers_of(checked, options, spec)
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
    started_with: dict[str, Any] = {
        "profile": "+".join(options.profile) or None,
        "set": list(options.set),
        "device": str(device),
        "version": __version__,
        "environment": environment(device, spec, analysis.source.text),
    }
    locked = _lock_of(options, analysis)
    if locked:
        started_with["lock"] = locked
        for message in locked["differs"][:_MOST_WARNINGS]:
            progress.warn(f"{lock_path(spec)}: {message}")
        if len(locked["differs"]) > _MOST_WARNINGS:
            progress.warn(f"{lock_path(spec)}: {len(locked['differs']) - _MOST_WARNINGS} more; see s2sc lock --check")
    with run.held():
        if not options.resume:
            _refuse_taken(run)
        data.save_codecs(run.tokens)
        run.begin(
            checked,
            spec_text=analysis.source.text,
            base=spec.parent,
            started_with={**started_with, **times(run.folder)},
            texts=None if analysis.loader is None else texts_of(analysis.loader, spec),
        )
        if VARIABLE in os.environ:
            (Path(os.environ[VARIABLE]) / "run").write_text(str(run.folder), encoding="utf-8")
        world.tell([str(run.folder), options.resume])
        try:
            with status_kept(run, device):
                train(
                    checked,
                    run,
                    data,
                    device=device,
                    progress=progress,
                    resume=options.resume,
                    layer_of=layers,
                    world=world,
                )
        except Stopped as stopped:
            note(f"{stopped}; go on with: {_go_on(options, run.folder)}")
            return STOPPED
        except KeyboardInterrupt:
            note(f"ended at once; go on from the last checkpoint with: {_go_on(options, run.folder)}")
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


def _lock_of(options: argparse.Namespace, analysis: Analysis) -> dict[str, Any]:
    """What run.json says of the spec's lock: its hash and what differs from it; empty where there is none."""
    import hashlib

    from ..compiler.lock import held_against

    assert analysis.checked is not None
    assert analysis.loader is not None
    spec = Path(options.spec)
    chosen = bool(options.profile or options.set)
    graph = analysis.checked.graph
    # another profile has an architecture and a batch of its own: that is no difference from the lock
    architecture = "" if chosen else analysis.checked.architecture_hash
    found = held_against(spec, graph, architecture, analysis.loader, tool=__version__, hashed=True)
    if not found.path:
        return {}
    differs = [found.problem] if found.problem else []
    differs += [one.message for one in found.changed if not (chosen and one.kind == "batch") and not one.absent]
    read = b"" if found.problem else lock_path(spec).read_bytes()
    return {"sha256": hashlib.sha256(read).hexdigest() if read else None, "differs": differs}


def _refuse_taken(run: Any) -> None:
    """A new run takes no folder in which another one's checkpoints would be mixed with its own."""
    if run.folder.is_symlink() and not run.folder.exists():
        raise Refused(f"{run.folder} is a link that leads nowhere: name another --out")
    if run.folder.exists() and not run.folder.is_dir():
        raise Refused(f"{run.folder} is a file, and a run needs a folder: name another --out")
    if (run.folder / "graph.json").exists():
        raise Refused(f"{run.folder} holds a run already: --resume goes on with it, another --out starts anew")
    if run.checkpoints.exists():
        raise Refused(f"{run.folder} holds another run's checkpoints: name another --out")


def _go_on(options: argparse.Namespace, folder: Path) -> str:
    """The command that goes on with a run."""
    import shlex

    return shlex.join(["s2sc", *_words(options, str(folder), resume=True)])


def _words(options: argparse.Namespace, out: str | None, *, resume: bool = False) -> list[str]:
    """The words of a command that trains."""
    words = ["compile", options.spec, "--train"]
    words += ["--resume"] if resume or options.resume else []
    words += ["--out", out] if out else []
    words += ["--devices", str(options.devices)] if options.devices else []
    return words + repeated(options)

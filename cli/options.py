"""Options that several verbs share."""

from __future__ import annotations

import argparse
import os

from ..dsl.escapes import clipped

# of processes, however few processors there are; machines have up to sixteen GPUs
MOST_TO_TRY = 16


def variants(verb: argparse.ArgumentParser) -> None:
    """Which variant of the spec is meant."""
    verb.add_argument(
        "--profile",
        action="append",
        default=[],
        metavar="NAME",
        help="apply one of the spec's profiles; repeatable, for profiles that set different things",
    )
    verb.add_argument("--set", action="append", default=[], metavar="PATH=VALUE", help="override a value; repeatable")


def device(verb: argparse.ArgumentParser) -> None:
    """Where it runs."""
    verb.add_argument("--device", default="auto", help="cpu, cuda, cuda:N or auto (the default)")


def repeated(options: argparse.Namespace) -> list[str]:
    """The words behind which `device`, `variants` and --allow-plugins read the same once more."""
    words = [word for profile in options.profile for word in ("--profile", profile)]
    words += ["--device", options.device] if options.device != "auto" else []
    words += ["--allow-plugins"] if options.allow_plugins else []
    return words + [word for text in options.set for word in ("--set", text)]


def processes(text: str) -> int:
    """How many processes this machine is to start: as many as it has processors or GPUs, or a few more to try it."""
    most = max(MOST_TO_TRY, os.cpu_count() or 1)
    number = positive(text)
    if number > most:
        raise argparse.ArgumentTypeError(f"{number} processes are more than this machine has work for: {most} at most")
    return number


def positive(text: str) -> int:
    """A whole number of 1 or more, of at most 11 digits."""
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 12 else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 to 99999999999, not {clipped(text, 40)}")
    return number

"""Options that several verbs share."""

from __future__ import annotations

import argparse


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


def positive(text: str) -> int:
    """A whole number of 1 or more."""
    if not (text.isascii() and text.isdigit() and int(text) >= 1):
        raise argparse.ArgumentTypeError(f"must be a whole number of 1 or more, not {text!r}")
    return int(text)

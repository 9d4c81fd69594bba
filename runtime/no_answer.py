"""That a model gave nothing a text can be read from."""

from __future__ import annotations


class NoAnswer(Exception):
    """A model gave numbers that no text can be read from."""

"""A missing extra is named with the command that installs it."""

from __future__ import annotations

import subprocess
import sys

import pytest
from s2sc.runtime.extras import MissingExtra, extra

# The imports below must fail: that is what is tested, so neither their absence nor their disuse is a finding.


def test_a_missing_library_names_the_extra() -> None:
    with pytest.raises(MissingExtra) as caught, extra("speech", "reading audio"):
        import no_such_library_at_all  # type: ignore[import-not-found]  # noqa: F401
    assert caught.value.command == 'pip install "s2sc[speech]"'
    assert str(caught.value) == (
        'reading audio needs the extra "speech" (no_such_library_at_all is not installed): pip install "s2sc[speech]"'
    )


def test_our_own_mistakes_stay_what_they_are() -> None:
    with pytest.raises(ModuleNotFoundError), extra("speech", "reading audio"):
        import s2sc.no_such_module  # type: ignore[import-not-found]  # noqa: F401


@pytest.mark.parametrize("library", ["numpy", "soundfile", "soxr"])
def test_reading_audio_without_its_libraries_says_what_to_install(library: str) -> None:
    code = f"import sys; sys.modules['{library}'] = None; import s2sc.runtime.data.audio"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert 'pip install "s2sc[speech]"' in done.stderr.splitlines()[-1]


def test_pieces_of_words_without_their_library_say_what_to_install() -> None:
    code = "import sys; sys.modules['sentencepiece'] = None; import s2sc.runtime.data.sentencepiece"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert 'pip install "s2sc[text]"' in done.stderr.splitlines()[-1]


def test_the_outer_task_names_the_extra() -> None:
    with pytest.raises(MissingExtra) as caught, extra("train", "training"), extra("speech", "reading audio"):
        import no_such_library_at_all  # noqa: F401
    assert caught.value.command == 'pip install "s2sc[train]"'

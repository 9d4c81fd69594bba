"""An ONNX file of unknown origin, opened in onnxruntime: nothing but its bytes is read."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

from .export.properties import BadModelFile
from .extras import extra

with extra("serve", "running an exported file"):
    import onnxruntime as ort

# ONNX is protobuf, which holds no more; larger models keep their weights in other files, which are never opened.
LARGEST_BYTES = 2**31 - 1
Facts = TypeVar("Facts")


class BadDevice(ValueError):
    """A device that onnxruntime is not run on."""


def onnx_device(name: str) -> Literal["cpu", "cuda"]:
    """A device by name, as for a run; BadDevice where there is no such kind. "auto" is a GPU where there is one."""
    kind = name.partition(":")[0]
    if kind not in ("cpu", "cuda", "auto"):
        raise BadDevice(f"there is no kind of device called {name!r}: use cpu, cuda or auto")
    return "cpu" if kind == "cpu" else "cuda"


def open_session(
    model: bytes, *, name: str = "the model", device: Literal["cpu", "cuda"] = "cpu", threads: int = 0
) -> Any:
    """An onnxruntime session over a file's bytes that reads no other file and prints nothing; raises BadModelFile.

    threads  0 leaves the number to onnxruntime
    """
    # what the CUDA provider says about a machine without a GPU comes from the default logger
    ort.set_default_logger_severity(4)
    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = threads
    # weights in other files are looked for below a path that cannot be a folder
    options.add_session_config_entry("session.model_external_initializers_file_folder_path", os.devnull)
    providers: list[Any] = ["CPUExecutionProvider"]
    if device == "cuda" and "CUDAExecutionProvider" in ort.get_available_providers():
        # TF32 would bury the quiet bins of a spectrum
        providers.insert(0, ("CUDAExecutionProvider", {"use_tf32": "0"}))
    try:
        return ort.InferenceSession(model, options, providers=providers)
    except Exception as error:  # onnxruntime's errors have no common type of their own
        raise BadModelFile(f"{name}: onnxruntime refuses it: {words(error)}") from None


def read_model(path: Path) -> bytes:
    """A regular file's bytes, up to 2 GiB; BadModelFile."""
    try:
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise BadModelFile(f"{path}: not a regular file")
            if status.st_size > LARGEST_BYTES:
                raise BadModelFile(f"{path}: larger than 2 GiB")
            return file.read(LARGEST_BYTES + 1)
    except OSError as error:
        raise BadModelFile(f"{path}: {(error.strerror or 'cannot be read').lower()}") from None


def checked_facts(read: Callable[[Mapping[str, str]], Facts], session: Any, name: str) -> Facts:
    """What a session's file says of itself; BadModelFile names the file."""
    try:
        return read(session.get_modelmeta().custom_metadata_map)
    except BadModelFile as error:
        raise BadModelFile(f"{name}: {error}") from None


def words(error: Exception) -> str:
    """What onnxruntime complains of, on one line, without its C++ places."""
    text = str(error).rpartition("] : ")[2].split(" : ", 2)[-1]
    text = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return text[:200] or type(error).__name__

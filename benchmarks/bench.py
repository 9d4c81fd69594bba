"""Run every benchmark in its short form, one after the other: what `make bench` does.

`--full` takes the long form, which writes to benchmarks/results.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPTS = ("lint", "peers", "memory", "inference")


def main() -> int:
    """Give the exit code of the first benchmark that fails, else 0."""
    form = [] if "--full" in sys.argv[1:] else ["--short"]
    for name in SCRIPTS:
        print(f"== {name}", flush=True)
        code = subprocess.run(
            [sys.executable, str(Path(__file__).with_name(f"{name}.py")), *form], check=False
        ).returncode
        if code:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main())

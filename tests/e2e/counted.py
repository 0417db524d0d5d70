# SPDX-License-Identifier: MIT
"""`python counted.py FILE ARGUMENTS`: the command, which leaves its number of calls in FILE.

The calls of functions say what a command costs, nearly the same on every machine, however busy.
"""

import atexit
import runpy
import sys
from pathlib import Path
from types import FrameType

calls = 0


def count(frame: FrameType, event: str, argument: object) -> None:
    global calls
    if event in ("call", "c_call"):
        calls += 1


def leave(file: Path) -> None:
    sys.setprofile(None)
    file.write_text(str(calls))


if __name__ == "__main__":
    atexit.register(leave, Path(sys.argv.pop(1)))
    sys.setprofile(count)
    runpy.run_module("triage", run_name="__main__", alter_sys=True)

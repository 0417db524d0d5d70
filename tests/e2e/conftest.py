# SPDX-License-Identifier: MIT
"""The command as users run it: a process of its own, outside of the source tree."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
COUNTED = Path(__file__).with_name("counted.py")


@dataclass(frozen=True, slots=True)
class Done:
    """What a command left, and how many functions it called (see counted.py)."""

    code: int
    out: str
    err: str
    calls: int

    def json(self) -> Any:
        return json.loads(self.out)


Command = Callable[..., Done]


@pytest.fixture
def mmfarm(tmp_path: Path) -> Command:
    """Run `mmfarm ARGUMENTS` in an empty folder with a data folder of its own."""
    here = tmp_path / "here"
    here.mkdir()
    environment = {
        key: value
        for key, value in os.environ.items()
        if key == "MMFARM_MODEL" or not key.startswith(("MMFARM_", "PYTEST_"))
    }
    environment |= {"MMFARM_DATA": str(tmp_path / "data"), "PYTHONPATH": str(ROOT)}

    def run(*arguments: object, counted: bool = False) -> Done:
        calls = tmp_path / "calls"
        calls.write_text("0")
        program = [str(COUNTED), str(calls)] if counted else ["-m", "triage"]
        done = subprocess.run(
            [sys.executable, *program, *map(str, arguments)],
            cwd=here,
            env=environment,
            capture_output=True,
            check=False,
        )
        return Done(
            done.returncode, done.stdout.decode(), done.stderr.decode(), int(calls.read_text())
        )

    return run

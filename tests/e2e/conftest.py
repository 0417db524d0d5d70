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
LIMIT_SECONDS = 120  # of wall time; a command that hangs fails its test, not the whole suite


@dataclass(frozen=True, slots=True)
class Done:
    """What a command left. `cpu_seconds` is its own and its children's."""

    code: int
    out: str
    err: str
    cpu_seconds: float

    def json(self) -> Any:
        return json.loads(self.out)


Command = Callable[..., Done]


@pytest.fixture
def mmfarm(tmp_path: Path) -> Command:
    """Run `mmfarm ARGUMENTS` in an empty folder with a data folder of its own."""
    here = tmp_path / "here"
    here.mkdir()
    environment = {
        key: value for key, value in os.environ.items()
        if key == "MMFARM_MODEL" or not key.startswith(("MMFARM_", "PYTEST_"))
    }
    environment |= {"MMFARM_DATA": str(tmp_path / "data"), "PYTHONPATH": str(ROOT)}

    def run(*arguments: object) -> Done:
        words = [sys.executable, "-m", "triage", *map(str, arguments)]
        before = os.times()
        done = subprocess.run(
            words, cwd=here, env=environment, capture_output=True, timeout=LIMIT_SECONDS,
            check=False,
        )
        after = os.times()
        return Done(
            done.returncode,
            done.stdout.decode(),
            done.stderr.decode(),
            after.children_user + after.children_system
            - before.children_user - before.children_system,
        )

    return run



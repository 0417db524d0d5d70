# SPDX-License-Identifier: MIT
"""A slice that asks this machine's kernel, as its supervisor sees it: a real child."""

import os
import signal
from pathlib import Path

import pytest

from conformance import executor
from conformance.slice import KernelSpec, run_kernel_slice
from fuzz.slice import ExitKind
from fuzz.statistics import Statistics

SOME = 20  # scenarios: it has asked
LONG_SECONDS = 3600.0  # these slices end by what they have done, not by the clock

pytestmark = pytest.mark.skipif(bool(executor.why_not()), reason=executor.why_not())


def test_a_slice_compares_until_it_is_told_to_stop(tmp_path: Path) -> None:
    last: list[Statistics] = []
    result = run_kernel_slice(
        KernelSpec(LONG_SECONDS, tmp_path, seed=1),
        last.append,
        stop=lambda: bool(last) and last[-1].executions >= SOME,
    )
    assert result.findings == []
    assert result.statistics.executions >= SOME
    assert result.statistics.steps > result.statistics.executions, "ops that were compared"
    assert result.statistics.internal_errors == [], result.log_tail
    assert result.exit_kind in (ExitKind.OK, ExitKind.KILLED), result


def test_a_killed_slice_is_no_verdict_about_the_model(tmp_path: Path) -> None:
    killed: list[int] = []

    def kill(statistics: Statistics) -> None:
        if statistics.executions and not killed:
            for task in Path("/proc/self/task").iterdir():
                for pid in (task / "children").read_text().split():
                    if b"conformance.slice" in Path(f"/proc/{pid}/cmdline").read_bytes():
                        killed.append(int(pid))
                        os.kill(int(pid), signal.SIGKILL)

    result = run_kernel_slice(KernelSpec(LONG_SECONDS, tmp_path, seed=2), kill)
    assert killed
    assert result.findings == []
    assert result.exit_kind is ExitKind.KILLED, result

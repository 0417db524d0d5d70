# SPDX-License-Identifier: MIT
"""What all tests share: the same generated examples on every run and every machine, and what is
left to `make soak`.

MMFARM_TEST_CLOCK=20 makes the clock that is passed into our code run 20 times as fast as the
machine, in the processes of the tests: no verdict may depend on it.

A test that fetches more than 50 MB, builds a kernel, or starts PostgreSQL, Chromium or more than
one QEMU says so: `@pytest.mark.soak("which part of mmfarm it is")`. It runs when asked for, by
`-m soak`; otherwise each part that was left out gets a line at the end.
"""

import os
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

import pytest
from hypothesis import settings

from tests.soak.frame import programs

# No deadline: how long an example takes depends on the machine. No database: an example that
# failed once belongs into the test's source, not into a folder beside it.
settings.register_profile("mmfarm", deadline=None, derandomize=True, database=None)
settings.load_profile("mmfarm")

CLOCK: Final = float(os.environ.get("MMFARM_TEST_CLOCK", "1"))
if CLOCK != 1:

    def fast_clock(real: Callable[[], float] = time.monotonic) -> float:
        return CLOCK * real()

    time.monotonic = fast_clock  # before anything of ours is imported and takes it as a default

SOAK: Final = "soak"
LEFT_OUT: Final = pytest.StashKey[dict[str, int]]()  # how many tests of which part


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", f"{SOAK}(part): only `make soak` runs it, see conftest.py")
    config.stash[LEFT_OUT] = {}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if SOAK in config.option.markexpr:
        return
    marks = [(item, item.get_closest_marker(SOAK)) for item in items]
    left_out = Counter(mark.args[0] for _, mark in marks if mark is not None)
    config.stash[LEFT_OUT].update(left_out)
    items[:] = [item for item, mark in marks if mark is None]
    config.hook.pytest_deselected(items=[item for item, mark in marks if mark is not None])


def pytest_sessionfinish(session: pytest.Session) -> None:
    told = getattr(session.config, "workeroutput", None)  # xdist's, in its workers
    if told is not None:
        told[SOAK] = session.config.stash[LEFT_OUT]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """xdist's end of a worker, perhaps by a crash. Each of them has seen all tests."""
    node.config.stash[LEFT_OUT].update(getattr(node, "workeroutput", {}).get(SOAK, {}))


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    for part, tests in sorted(config.stash[LEFT_OUT].items()):
        terminalreporter.line(f"left to `make soak`: {part} ({tests} test{'s' * (tests > 1)})")
    if config.args_source is pytest.Config.ArgsSource.TESTPATHS:  # all tests, so all that is not
        terminalreporter.line(f"left to `make soak WHAT=...`: {', '.join(programs())}")

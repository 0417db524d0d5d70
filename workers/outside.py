# SPDX-License-Identifier: MIT
"""Whether a process was ended from outside, or by what it did.

Contract: SIGTERM, SIGINT, SIGHUP and SIGQUIT come from people and service managers. SIGKILL does,
too, unless the kernel has a record that it killed somebody for memory meanwhile: a process that
took all memory did that itself.

It does not promise to tell whose memory it was: another process' record counts as ours.
"""

import signal
from pathlib import Path
from typing import Final

_POLITE: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)


def from_outside(return_code: int, killed_for_memory: bool) -> bool:
    """By what `Popen.returncode` says; the second: whether `oom_kills` has grown meanwhile."""
    if return_code == -signal.SIGKILL:
        return not killed_for_memory
    return -return_code in _POLITE


def oom_kills(path: Path = Path("/proc/vmstat")) -> int:
    """How many processes this system has killed for memory since it started; 0 where it does
    not say."""
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))

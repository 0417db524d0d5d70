# SPDX-License-Identifier: MIT
"""What a slice child may use: limits that the child puts on itself before the first input.

Contract: `confine` bounds address space, CPU time, files and core dumps, and takes away the
right to gain privileges; `forbid_processes` ends the making of threads and processes, and
is called when the engine has started its own. Neither can be undone by what runs later.

The child confines itself, and not its supervisor in a `preexec_fn`, because that is not safe
in a threaded worker; until it reads an input it runs only our own code. This is no sandbox
against native code that was taken over: that is the container's part (deploy/).
"""

import ctypes
import os
import resource
from typing import Final

# Interpreter, Atheris' libraries and libFuzzer's tables as address space, beside what the
# scenarios use. Address space is not memory: the engine bounds resident memory itself.
BASE_ADDRESS_SPACE_MIB: Final = 1024
MAX_FILE_BYTES: Final = 64 << 20  # a log that floods ends here
MAX_OPEN_FILES: Final = 64
_PR_SET_NO_NEW_PRIVS: Final = 38


def confine(*, cpu_seconds: int, rss_limit_mib: int) -> None:
    """Bound this process for good. Raises OSError where the system refuses."""
    address_space = (rss_limit_mib + BASE_ADDRESS_SPACE_MIB) << 20
    _lower(resource.RLIMIT_AS, address_space)
    _lower(resource.RLIMIT_CPU, cpu_seconds)
    _lower(resource.RLIMIT_NOFILE, MAX_OPEN_FILES)
    _lower(resource.RLIMIT_FSIZE, MAX_FILE_BYTES)
    _lower(resource.RLIMIT_CORE, 0)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"PR_SET_NO_NEW_PRIVS: {os.strerror(error)}")


def forbid_processes() -> None:
    """No thread and no process can be made any more (root excepted: the system exempts it)."""
    _lower(resource.RLIMIT_NPROC, 0)


def _lower(which: int, value: int) -> None:
    hard = resource.getrlimit(which)[1]
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    resource.setrlimit(which, (value, value))

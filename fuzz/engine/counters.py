# SPDX-License-Identifier: MIT
"""The model's own counters as libFuzzer's, and what it says of memory.

Contract: whoever calls `register` has loaded Atheris the way it needs it; nothing is imported here
that would load any of it.
"""

import ctypes
import importlib
from pathlib import Path
from resource import RUSAGE_SELF, getpagesize, getrusage


def register(feedback: "ctypes.Array[ctypes.c_uint8]") -> None:
    """Tell libFuzzer where it finds what was new in a run; it zeroes that between runs."""
    core = importlib.import_module("atheris.core_with_libfuzzer")
    library = ctypes.CDLL(core.__file__)
    begin = ctypes.addressof(feedback)
    library.__sanitizer_cov_8bit_counters_init(
        ctypes.c_void_p(begin), ctypes.c_void_p(begin + len(feedback))
    )


def inherited_mib() -> int:
    """How far the peak of this process, which libFuzzer looks at, is above what it has: exec()
    hands on the peak of whoever made it."""
    resident = int(Path("/proc/self/statm").read_text().split()[1]) * getpagesize()
    return max(0, (getrusage(RUSAGE_SELF).ru_maxrss << 10) - resident) >> 20

# SPDX-License-Identifier: MIT
"""Atheris: libFuzzer drives a session, guided by the model's own counter map.

Contract: `run` returns when the session is over; libFuzzer writes new inputs into `corpus`
and reads starting ones from `seeds`. It runs at most once in a process (libFuzzer's state is
global). Deaths are libFuzzer's: 77 crash, 70 one input took too long, 71 out of memory.

Importing this module imports Atheris.
"""

import ctypes
import importlib
import sys
from pathlib import Path
from typing import Final

# libFuzzer's core looks for a custom mutator when it is loaded, and silently does without
# if there is none, so the modules that export one come first and export it to everybody.
_flags = sys.getdlopenflags()
sys.setdlopenflags(_flags | ctypes.RTLD_GLOBAL)
import atheris  # noqa: E402
import atheris.custom_crossover  # noqa: E402
import atheris.custom_mutator  # noqa: E402

sys.setdlopenflags(_flags)

from fuzz.codec import MAX_SIZE  # noqa: E402
from fuzz.session import Finished, Session  # noqa: E402

NAME: Final = "atheris"
INPUT_TIMEOUT_SECONDS: Final = 20  # a run is bounded in steps and takes milliseconds
# Inputs after which libFuzzer must have asked for a mutation; seeds come before that.
_MUTATOR_DUE: Final = 1000


def run(session: Session, *, seed: int, corpus: Path, seeds: Path, rss_limit_mib: int) -> None:
    """Fuzz until the session is over."""
    _register(session.feedback)
    nr_seeds = sum(1 for _ in seeds.iterdir())
    tested = 0

    def test(data: bytes) -> None:
        nonlocal tested
        tested += 1
        if tested == 2 * nr_seeds + _MUTATOR_DUE and session.mutator_calls == 0:
            session.internal_error("engine", "libFuzzer never called the mutator")
            raise KeyboardInterrupt
        try:
            session.test(data)
        except Finished:
            raise KeyboardInterrupt from None  # what Atheris takes for a wish to end
        except Exception as e:  # a crash would end the slice
            session.internal_error("engine", f"{type(e).__name__}: {e}")

    arguments = [
        "fuzz",
        f"-seed={seed & 0x7FFFFFFF or 1}",
        f"-max_len={MAX_SIZE}",
        "-len_control=0",  # sizes are the mutators' business
        f"-timeout={INPUT_TIMEOUT_SECONDS}",
        f"-rss_limit_mb={rss_limit_mib}",
        # Entropic stays on: it takes a tenth of the time, and deep bugs are found in a quarter.
        "-verbosity=0",
        "-reload=0",  # nobody else writes into this corpus
        "-detect_leaks=0",
        "-print_final_stats=0",
        f"-artifact_prefix={corpus.parent}/crash-",
        str(corpus),
        str(seeds),
    ]
    atheris.Setup(
        arguments,
        test,
        custom_mutator=session.mutate,
        custom_crossover=session.crossover,
    )
    try:
        atheris.Fuzz()
    except (SystemExit, KeyboardInterrupt):
        return


def _register(feedback: "ctypes.Array[ctypes.c_uint8]") -> None:
    """Tell libFuzzer where it finds what a run did; it zeroes that between runs."""
    core = importlib.import_module("atheris.core_with_libfuzzer")
    library = ctypes.CDLL(core.__file__)
    begin = ctypes.addressof(feedback)
    library.__sanitizer_cov_8bit_counters_init(
        ctypes.c_void_p(begin), ctypes.c_void_p(begin + len(feedback))
    )

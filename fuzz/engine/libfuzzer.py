# SPDX-License-Identifier: MIT
"""Atheris: libFuzzer drives a session, guided by what is new in the model's own counter map.

Contract: `run` returns when the session is over. It works in the current folder, and runs at
most once in a process (libFuzzer's state is global). Deaths are libFuzzer's: 77 crash, 70 one
input took too long, 71 out of memory.

libFuzzer's corpus is in memory only; the session writes what is to be kept.

Importing this module imports Atheris.
"""

import ctypes
import os
import sys
from pathlib import Path
from typing import Final, final

# libFuzzer's core looks for a custom mutator when it is loaded, and silently does without
# if there is none, so the modules that export one come first and export it to everybody.
_flags = sys.getdlopenflags()
sys.setdlopenflags(_flags | ctypes.RTLD_GLOBAL)
import atheris  # noqa: E402
import atheris.custom_crossover  # noqa: E402
import atheris.custom_mutator  # noqa: E402

sys.setdlopenflags(_flags)

from fuzz.codec import MAX_SIZE  # noqa: E402
from fuzz.engine.counters import inherited_mib, register  # noqa: E402
from fuzz.session import Finished, Session  # noqa: E402

NAME: Final = "atheris"
INPUT_TIMEOUT_SECONDS: Final = 20  # a run is bounded in steps and takes milliseconds
# Inputs after the seeds until which libFuzzer must have asked for a mutation.
_MUTATOR_DUE: Final = 1000
_SEED_FILE: Final = "seed"
_SEED_LIST: Final = "seed-list"  # that file's name, once for each seed


def run(session: Session, *, seed: int, rss_limit_mib: int) -> None:
    """Fuzz until the session is over."""
    register(session.feedback)
    seeds = _SeedFile(session)
    tested = 0

    def test(data: bytes) -> None:
        nonlocal tested
        tested += 1
        if tested == session.nr_seeds + _MUTATOR_DUE and session.mutator_calls == 0:
            session.internal_error("engine", "libFuzzer never called the mutator")
            raise KeyboardInterrupt
        try:
            session.test(data)
        except Finished:
            raise KeyboardInterrupt from None  # what Atheris takes for a wish to end
        except Exception as e:  # a crash would end the slice
            session.internal_error("engine", f"{type(e).__name__}: {e}")
        seeds.ran(data)

    arguments = [
        "fuzz",
        f"-seed={seed & 0x7FFFFFFF or 1}",
        f"-max_len={MAX_SIZE}",
        "-len_control=0",  # sizes are the mutators' business
        f"-timeout={INPUT_TIMEOUT_SECONDS}",
        f"-rss_limit_mb={rss_limit_mib + inherited_mib()}",
        # Energy by rarity is learnt from all features of all runs, of which it hears the new ones
        # alone; and each new feature costs a look at all inputs, a tenth of the time. Without it
        # recent inputs come more often.
        "-entropic=0",
        "-verbosity=0",
        "-detect_leaks=0",
        "-print_final_stats=0",
    ]
    if session.nr_seeds:
        Path(_SEED_LIST).write_text(",".join([_SEED_FILE] * session.nr_seeds))
        arguments.append(f"-seed_inputs=@{_SEED_LIST}")
    atheris.Setup(
        arguments, test, custom_mutator=session.mutate, custom_crossover=session.crossover
    )
    try:
        atheris.Fuzz()
    except (SystemExit, KeyboardInterrupt):
        return


@final
class _SeedFile:
    """Seeds on their way into libFuzzer, which reads one from a file, runs it, and goes on to the
    next file of its list. All of these are the same one, which holds the seed that is next."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._file = os.open(_SEED_FILE, os.O_CREAT | os.O_WRONLY)
        self._seed: bytes | None = None
        self._next()

    def ran(self, data: bytes) -> None:
        """An input has run; libFuzzer runs some of its own before the seeds."""
        if data == self._seed:
            self._next()

    def _next(self) -> None:
        self._seed = self._session.next_seed()
        if self._seed is not None:
            os.pwrite(self._file, self._seed, 0)
            os.ftruncate(self._file, len(self._seed))

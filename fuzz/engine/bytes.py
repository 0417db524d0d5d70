# SPDX-License-Identifier: MIT
"""Plain Atheris on bytes, to compare with: libFuzzer's own mutators and choice of inputs, and none
of what this fuzzer knows of scenarios.

Contract: as the libFuzzer engine, but an input is whatever libFuzzer makes of bytes, and it runs
under the directives that these decode to, once. The feedback is the same counters.

Importing this module imports Atheris, without the modules that would look for a mutator of ours.
"""

from typing import Final

import atheris

from fuzz.codec import MAX_SIZE
from fuzz.engine.counters import inherited_mib, register
from fuzz.session import Finished, Session

NAME: Final = "bytes"
INPUT_TIMEOUT_SECONDS: Final = 20  # as the libFuzzer engine


def run(session: Session, *, seed: int, rss_limit_mib: int) -> None:
    """Fuzz until the session is over. It starts from nothing."""
    register(session.feedback)

    def test(data: bytes) -> None:
        try:
            session.test(data)
        except Finished:
            raise KeyboardInterrupt from None  # what Atheris takes for a wish to end
        except Exception as e:  # a crash would end the slice
            session.internal_error("engine", f"{type(e).__name__}: {e}")

    atheris.Setup(
        [
            "fuzz",
            f"-seed={seed & 0x7FFFFFFF or 1}",
            f"-max_len={MAX_SIZE}",
            f"-timeout={INPUT_TIMEOUT_SECONDS}",
            f"-rss_limit_mb={rss_limit_mib + inherited_mib()}",
            "-verbosity=0",
            "-detect_leaks=0",
            "-print_final_stats=0",
        ],
        test,
    )
    try:
        atheris.Fuzz()
    except (SystemExit, KeyboardInterrupt):
        return

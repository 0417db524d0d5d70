# SPDX-License-Identifier: MIT
"""`python -m simulator.build [--quick]`: compile the model, if that has not been done for these
sources. compiler.py says what the two builds are for.

Exit codes: 0 compiled or up to date; also where no C compiler is found, which is said, for the
interpreted model serves as well; 2 usage; 3 the sources do not compile.
"""

import sys
import threading
import time
from collections.abc import Callable
from typing import Final, final

from simulator.build import ROOT, home, is_checkout, sources
from simulator.build.compiler import CompileError, compile_model, why_not

REPEAT_SECONDS: Final = 8.0  # nobody should wait for ten without a word


@final
class Told:
    """Says on stderr what is being done, and says it again as long as nothing new is."""

    def __init__(self, wait: Callable[[float], bool], clock: Callable[[], float]) -> None:
        self._wait: Final = wait  # seconds; whether all is over
        self._clock: Final = clock
        self._began: Final = clock()
        self._what = ""

    def tell(self, what: str) -> None:
        self._what = what
        seconds = self._clock() - self._began
        print(f"mmfarm: {what} ({seconds:.0f} s)", file=sys.stderr, flush=True)

    def repeat(self) -> None:
        while not self._wait(REPEAT_SECONDS):
            if self._what:
                self.tell(self._what)


def main() -> int:
    if sys.argv[1:] not in ([], ["--quick"]):
        print("usage: python -m simulator.build [--quick]", file=sys.stderr)
        return 2
    if not is_checkout():
        print(f"{ROOT} is no checkout; an installed model is not compiled again", file=sys.stderr)
        return 2
    reason = why_not()
    if reason:
        slow = "the model will be interpreted, about thirty times slower"
        print(f"{reason}: {slow}", file=sys.stderr)
        return 0
    began = time.monotonic()
    over = threading.Event()
    told = Told(over.wait, time.monotonic)
    threading.Thread(target=told.repeat, daemon=True).start()
    try:
        if compile_model(home(), quick=bool(sys.argv[1:]), tell=told.tell):
            print(f"compiled {len(sources())} modules in {time.monotonic() - began:.0f} s")
    except CompileError as error:
        print(f"mmfarm: {error}", file=sys.stderr)
        return 3
    finally:
        over.set()
    return 0


if __name__ == "__main__":
    sys.exit(main())

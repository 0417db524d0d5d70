# SPDX-License-Identifier: MIT
"""`python -m simulator.build`: compile the model, if that has not been done for these sources.

Exit codes: 0 compiled or up to date; also where no C compiler is found, which is said, for the
interpreted model serves as well; 2 usage; 3 the sources do not compile.
"""

import sys
import time

from simulator.build import ROOT, home, is_checkout, sources
from simulator.build.compiler import CompileError, compile_model, why_not


def main() -> int:
    if len(sys.argv) > 1:
        print("python -m simulator.build takes no arguments", file=sys.stderr)
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
    try:
        if compile_model(home()):
            print(f"compiled {len(sources())} modules in {time.monotonic() - began:.0f} s")
    except CompileError as error:
        print(f"mmfarm: {error}", file=sys.stderr)
        return 3
    return 0


sys.exit(main())

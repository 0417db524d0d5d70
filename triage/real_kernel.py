# SPDX-License-Identifier: MIT
"""Whether this machine's kernel can be asked at all, for the verbs that do."""

import sys

from conformance import executor
from triage.terminal import write_json


def skipped(as_json: bool) -> bool:
    """Whether this machine cannot run scenarios on its kernel; says why."""
    reason = executor.why_not()
    if not reason:
        return False
    print(f"mmfarm: skipped: {reason}", file=sys.stderr)
    if as_json:
        write_json({"skipped": reason})
    return True

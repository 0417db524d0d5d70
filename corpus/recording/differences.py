# SPDX-License-Identifier: MIT
"""An answer of the log that is not the one that was expected.

Contract: plain data. `reason` is empty for a disagreement; otherwise it names the call or the
property of the recording that can be the cause (`corpus.recording.causes`).
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Difference:
    """`op` is what the call became, or its name where no op says it; `model` what the model, or
    the rules of the call, answer."""

    line: int
    call: str
    log: str
    model: str
    op: str
    reason: str = ""

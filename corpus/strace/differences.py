# SPDX-License-Identifier: MIT
"""Known reasons why the model answers a real log's call differently.

Contract: one row a difference, with the kernel version or the reason. A row that no log needs
any more fails a test, so that the table does not outlive its reasons.
"""

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final


@dataclass(frozen=True, slots=True)
class Known:
    """`log` is a pattern for file names; `line` 0 means any line."""

    log: str
    line: int
    op: str
    answer: str
    model: str
    reason: str


KNOWN: Final[tuple[Known, ...]] = ()


def reason_for(log: str, line: int, op: str, answer: str, model: str) -> str:
    """The reason for a difference, or nothing."""
    for known in KNOWN:
        if fnmatchcase(log, known.log) and known.line in (0, line) and (
            (known.op, known.answer, known.model) == (op, answer, model)
        ):
            return known.reason
    return ""

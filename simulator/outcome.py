# SPDX-License-Identifier: MIT
"""What a run leaves: results, digest, and at most one Violation.

Results are integers: 0 and up is the op's value, -errno a failed call, and the codes below
what the kernel has no number for. `result_name` prints them.
"""

import errno
from dataclasses import dataclass, field
from typing import Final

from simulator.errno import EHWPOISON
from simulator.scenario import Directive

SIGSEGV: Final = -1001
SIGBUS: Final = -1002
SKIPPED: Final = -1003  # the actor does not exist, the handle is not open
UNFINISHED: Final = -1004  # the run ended inside or before the op
SIGKILL: Final = -1005  # the access was not made: its process has been killed

_NAMES: Final = {
    SIGSEGV: "SIGSEGV",
    SIGBUS: "SIGBUS",
    SKIPPED: "skipped",
    UNFINISHED: "unfinished",
    SIGKILL: "SIGKILL",
    -EHWPOISON: "EHWPOISON",  # which Python knows from 3.14 on
}


def result_name(value: int) -> str | int:
    """A JSON-ready result: the value itself, or the name of the errno or signal."""
    if value >= 0:
        return value
    return _NAMES.get(value) or errno.errorcode[-value]


@dataclass(frozen=True, slots=True)
class Signature:
    """(oracle, culprit, object class): groups failures."""

    oracle: str
    culprit: str
    object_class: str

    def __str__(self) -> str:
        return f"{self.oracle} {self.culprit} {self.object_class}"


@dataclass(frozen=True, slots=True)
class Violation:
    """A broken promise. `promise` is one sentence for people; `uid` is the op that was
    running when it was noticed, 0 at the End."""

    signature: Signature
    promise: str
    uid: int
    step: int


@dataclass(frozen=True, slots=True)
class TraceEvent:
    """One line of a trace: who, where, in which op, and what (`text` may be empty). `calls` are
    the functions of Linux around it, outermost first, each with a number of its own; empty in a
    compiled model (simulator/calls.py)."""

    step: int
    actor: int
    cpu: int
    uid: int
    site: str
    calls: tuple[tuple[int, str], ...]
    text: str


@dataclass(slots=True)
class Outcome:
    """Everything about one run. `digest` is 16 hex digits; `results[i]` belongs to
    `scenario.ops[i]`; `dead` are directives that did nothing; `recorded` is what a strategy
    decided, as directives that replay it without the strategy."""

    violation: Violation | None
    digest: str
    steps: int
    results: list[int]
    dead: list[Directive] = field(default_factory=list)
    recorded: list[Directive] = field(default_factory=list)
    trace: list[TraceEvent] = field(default_factory=list)
    state_before: str = ""
    state_after: str = ""

    @property
    def kind(self) -> str:
        return "violation" if self.violation else "clean"

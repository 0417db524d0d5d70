# SPDX-License-Identifier: MIT
"""What user space can have a kernel do, whatever that kernel offers.

Contract: `why_not` names the first thing in a scenario that no system call does; `inside` are
the directives that no user space can carry out, for they reach inside an op.
"""

from functools import cache
from typing import Final

from corpus import cform
from simulator import features, ops
from simulator.mm.mmap import RLIMIT_MEMLOCK_PAGES
from simulator.run import Machine
from simulator.scenario import ACTOR_NAMES, NR_USER_ACTORS, PARK, SWITCH, Directive, Scenario
from simulator.sites import NAMES, OP__BEGIN, OP__END
from simulator.validate import arena_pages

PMD_ORDER: Final = 9  # of x86-64
STACK_GAP: Final = 256  # Linux's default
MAX_PAGES: Final = 4096  # of the arena: control.h

_USERFAULT: Final = features.NAMED_SITUATIONS[features.Z_USERFAULT]
_BETWEEN_OPS: Final = (NAMES[OP__BEGIN], NAMES[OP__END])


def why_not(scenario: Scenario) -> str:
    """Why user space cannot do the ops of a scenario, or the model what a kernel does with them;
    empty when both can."""
    pages = arena_pages(scenario.config)
    if pages > MAX_PAGES:
        return f"an arena of {pages} pages: {MAX_PAGES} is the most"
    if scenario.config.stack_gap not in (0, STACK_GAP):
        return f"stack_gap={scenario.config.stack_gap}: Linux's is {STACK_GAP}"
    for op in scenario.ops:
        if op.actor >= NR_USER_ACTORS:
            return f"op {op.uid} is {ACTOR_NAMES[op.actor]}'s, who acts inside the kernel"
        reason = cform.why_not(op)
        if reason:
            return f"op {op.uid}: {reason}"
    return _locked(scenario) or _reclaimed(scenario) or _waits(scenario)


def _locked(scenario: Scenario) -> str:
    """Nobody in the model has CAP_IPC_LOCK. Who runs an executor that may lock all of it has."""
    locks = any(
        op.code in (ops.OP_MLOCK, ops.OP_MLOCK2, ops.OP_MLOCKALL)
        or (op.code == ops.OP_MMAP and op.args[6] & ops.MMAP_LOCKED)
        for op in scenario.ops
    )
    if locks and arena_pages(scenario.config) > RLIMIT_MEMLOCK_PAGES:
        return f"may lock more than {RLIMIT_MEMLOCK_PAGES} pages: root has no RLIMIT_MEMLOCK"
    return ""


def _reclaimed(scenario: Scenario) -> str:
    """MADV_PAGEOUT takes pages that a kernel can do without even when it has no swap: those that
    MADV_FREE has made clean, those of MAP_DROPPABLE, and mapped pages of memory files."""
    advised = {op.args[2] for op in scenario.ops if op.code == ops.OP_MADVISE}
    if ops.MADV_PAGEOUT not in advised:
        return ""
    lost = ops.MADV_FREE in advised or any(
        op.code == ops.OP_MMAP and (op.args[3] or op.args[4] or op.args[6] & ops.MMAP_DROPPABLE)
        for op in scenario.ops
    )
    return "MADV_PAGEOUT of pages that can be dropped: the model has no reclaim" if lost else ""


@cache
def _machine() -> Machine:
    return Machine()


def _waits(scenario: Scenario) -> str:
    """Executors and selftests have one op after the other, each to its end."""
    if not any(op.code == ops.OP_UFFD_REGISTER for op in scenario.ops):
        return ""
    machine = _machine()
    asleep = machine.named_seen()[_USERFAULT]
    machine.execute(scenario)
    if machine.named_seen()[_USERFAULT] == asleep:
        return ""
    return "an actor waits inside an op until another one resolves its fault"


def inside(scenario: Scenario) -> list[Directive]:
    """The directives that are more than an order of whole ops."""
    return [
        d for d in scenario.directives if d.site not in _BETWEEN_OPS or d.kind not in (SWITCH, PARK)
    ]

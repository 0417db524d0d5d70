# SPDX-License-Identifier: MIT
"""Actors, and what the scheduler keeps of a run: struct task_struct and struct rq as far as mm and
the scheduler (sched/core.py) need them.

A `Schedule` is made for each run. Tasks are reused: `Task.reset` is beside what it resets.
"""

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from simulator import sites
from simulator.build.native import final, vec
from simulator.lock_classes import NR_LOCK_CLASSES
from simulator.mm.mm_types import Mm, Page, Stale
from simulator.outcome import UNFINISHED, Violation
from simulator.scenario import Op

if TYPE_CHECKING:
    from greenlet import greenlet

    from simulator.mm.mmu_notifier import MmuIntervalNotifier
    from simulator.observer import Observer

# States of an actor.
ABSENT: Final = 0  # no such process or thread yet
READY: Final = 1  # between two ops, or preempted inside one
BLOCKED: Final = 2  # waits for a lock or an acknowledgement
PARKED: Final = 3  # by a directive
GONE: Final = 4  # exited, or has no more ops


@final
class Planned:
    """A directive as the scheduler uses it."""

    def __init__(self, index: i64, site: i64, visit: i64, kind: i64, arg: i64) -> None:
        self.index: i64 = index  # in Scenario.directives
        self.site: i64 = site
        self.visit: i64 = visit
        self.kind: i64 = kind
        self.arg: i64 = arg


@final
class Task:
    """An actor: struct task_struct as far as mm and the scheduler need it."""

    def __init__(self, ident: i64) -> None:
        self.id: Final[i64] = ident
        self.cpu: i64 = 0
        self.state: i64 = ABSENT
        self.mm: Mm | None = None
        self.ops: list[i64] = []  # indices of its ops in the scenario, in text order
        self.next: i64 = 0  # place in `ops`: the running op, or the next one
        self.in_op: bool = False
        self.pos: i64 = 0  # index of that op in the scenario: its priority
        self.uid: i64 = 0
        self.device: MmuIntervalNotifier | None = None  # what a driver's actor has opened
        self.stack: greenlet | None = None  # suspended inside an op
        self.site: i64 = 0
        self.retries: i64 = 0
        self.retried_at: i64 = 0  # site of the last of them
        self.idle_rounds: i64 = 0  # rounds of a loop that found the same as the one before
        self.idle_since: i64 = 0  # Schedule.nr_ended when the first of them began
        self.met: i64 = -1  # what the last round found
        self.watch: bool = False
        self.planned: list[Planned] = []
        self.visits: Final[vec[i64]] = vec[i64]([0] * sites.NR_SITES)
        self.visited: Final[vec[i64]] = vec[i64]([0] * sites.NR_SITES)  # the first `nr_visited`
        self.nr_visited: i64 = 0
        self.parked_until: i64 = -1  # op index
        self.inject_fail: bool = False
        self.inject_tlb: i64 = 0
        self.inject_ipi: i64 = 0
        self.inject_index: i64 = 0  # the directive behind them
        self.preempt_count: i64 = 0
        self.rcu_readers: i64 = 0
        self.rcu_at: i64 = 0  # site of who began the last read-side section
        self.held_mask: i64 = 0
        self.held: Final[vec[i64]] = vec[i64]([0] * NR_LOCK_CLASSES)
        self.took: Final[vec[i64]] = vec[i64]([0] * NR_LOCK_CLASSES)  # site of the last acquisition
        self.missed: Final[vec[i64]] = vec[i64]([0] * NR_LOCK_CLASSES)  # of one that failed; 0 none
        self.waits_for: i64 = -1  # actor that holds what this one waits for
        self.waits_class: i64 = 0
        self.began_seq: i64 = 0  # Kernel.seq when the op began
        self.alone: i64 = 0  # Schedule.nr_begun then, if nobody else was inside an op; else 0
        self.in_switch: bool = False  # inside context_switch()
        self.killed: bool = False  # fatal_signal_pending()
        self.killable: bool = False  # blocked so that a fatal signal wakes it
        self.userfault: bool = False  # blocked until user space has resolved its fault
        self.closes_uffds: bool = False  # woken to close all of them, for nobody else can run
        self.acks_missing: i64 = 0  # IPIs sent and not yet handled
        self.gathering: i64 = 0  # mmu_gathers in progress
        self.ubc_cpus: i64 = 0  # tlb_ubc: CPUs that it has still to flush
        self.ubc_writable: bool = False  # they may store to pages of which it has unmapped
        self.mm_gets: i64 = 0  # users of an mm that its op has added, and must drop
        self.mm_got_at: i64 = 0  # site after which it last did
        self.reclaimed: i64 = 0  # uid of the last op in which it had to, and could
        self.through_stale: Stale | None = None  # what the last translation came from
        # Pages whose mapping changed under the current page table lock: the first `nr_recheck`.
        self.recheck: list[Page] = []
        self.nr_recheck: i64 = 0

    def reset(self) -> None:
        """No such process or thread. What every op sets when it begins is left alone."""
        self.cpu = 0
        self.state = ABSENT
        self.mm = None
        if self.ops:
            self.ops = []
        self.next = 0
        self.in_op = False
        self.pos = 0
        self.uid = 0
        self.device = None
        self.stack = None
        self.site = 0
        self.retries = 0
        self.reclaimed = 0
        self.retried_at = 0
        self.idle_rounds = 0
        self.idle_since = 0
        self.met = -1
        self.watch = False
        self.parked_until = -1
        self.inject_fail = False
        self.inject_tlb = 0
        self.inject_ipi = 0
        self.preempt_count = 0
        self.rcu_readers = 0
        self.rcu_at = 0
        if self.held_mask:
            self.held_mask = 0
            for i in range(NR_LOCK_CLASSES):
                self.held[i] = 0
        self.waits_for = -1
        self.waits_class = 0
        self.in_switch = False
        self.killed = False
        self.killable = False
        self.userfault = False
        self.closes_uffds = False
        self.acks_missing = 0
        self.gathering = 0
        self.ubc_cpus = 0
        self.ubc_writable = False
        self.mm_gets = 0
        self.through_stale = None
        self.nr_recheck = 0


@final
class Schedule:
    """What the scheduler keeps of one run."""

    def __init__(self, ops: list[Op], directives: i64) -> None:
        n = len(ops)
        self.ops: Final[list[Op]] = ops
        self.results: Final[list[i64]] = [UNFINISHED] * n
        self.op_done: Final[vec[i64]] = vec[i64]([0] * n)  # by op index
        self.no_plan: Final[list[Planned]] = []
        self.plan: Final[list[list[Planned]]] = [self.no_plan] * n  # by op index
        self.used: Final[vec[i64]] = vec[i64]([0] * directives)  # by directive: it did something
        self.recorded: list[Planned] = []  # what a strategy decided; `index` is the op's uid
        # Masks of actors.
        self.runnable: i64 = 0
        self.existing: i64 = 0  # that exist and may still run
        self.being_forked: i64 = 0  # whose fork is under way: their ops wait for it
        self.parked: i64 = 0
        self.blocked: i64 = 0
        self.alarm_due: i64 = 0  # Kernel.alarm without what an op's directives ask for
        self.ipi_due: i64 = 0  # earliest delivery of a delayed IPI; 0 none
        self.max_steps: i64 = 0  # then the schedule becomes fair
        self.fair: bool = False
        self.fair_steps: i64 = 0  # that may pass without an op ending
        self.fair_left: i64 = 0
        self.turn: i64 = 0
        self.turn_left: i64 = 0
        self.nr_ended: i64 = 0  # ops that have ended
        self.nr_begun: i64 = 0  # ops that actors have begun to run
        self.nr_inside: i64 = 0  # those that have not returned yet
        self.hint: Task | None = None  # whom the next executor runs
        self.observer: Observer | None = None
        self.ending: bool = False
        self.over: bool = False
        self.goes_on: bool = False  # whatever is broken
        self.failed: Violation | None = None

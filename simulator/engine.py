# SPDX-License-Identifier: MIT
"""One run from the first op to the End.

The executors are here: greenlets that run op after op of whatever actor the scheduler
(sched/core.py) names, and the End when it names none.
"""

from typing import TYPE_CHECKING

from greenlet import getcurrent, greenlet
from mypy_extensions import i64

from simulator import features, sites, syscalls
from simulator.fs import userfaultfd
from simulator.kernel import context_switch
from simulator.kernel import exit as kernel_exit
from simulator.lock_classes import LOCK_CLASS_NAMES
from simulator.machine import ipi
from simulator.machine.cpu import Cpu
from simulator.mm import pins, shmem, swap, swapfile
from simulator.objects import OBJ_NONE
from simulator.outcome import SKIPPED
from simulator.scenario import Op
from simulator.sched import core
from simulator.sched.core import Upcalls
from simulator.state import READ
from simulator.task import ABSENT, GONE, READY, Task

if TYPE_CHECKING:
    from simulator.state import Kernel


def executor(k: "Kernel") -> None:
    """The body of one executor; lives until the Kernel's stacks are thrown away."""
    me = getcurrent()
    while True:
        if k.sched.over:
            core.park_executor(k, me)
            hub = k.hub
            assert hub is not None
            hub.switch()
            continue
        t = k.sched.hint
        k.sched.hint = None
        if t is None:
            t = core.pick(k)
            if t is None:
                end_run(k)
                k.sched.over = True
                continue
        stack = t.stack
        if stack is not None:
            t.stack = None
            core.park_executor(k, me)
            stack.switch()
            continue
        run_op(k, t)


class Engine(Upcalls):
    """What the scheduler asks for."""

    def new_executor(self, k: "Kernel") -> greenlet:
        return greenlet(executor, k.hub)

    def context_switch(self, k: "Kernel", cpu: Cpu, t: Task) -> None:
        context_switch.context_switch(k, cpu, t)

    def enter_idle(self, k: "Kernel", t: Task) -> None:
        context_switch.enter_idle(k, t)

    def deliver_due(self, k: "Kernel", now: i64) -> None:
        ipi.deliver_due(k, now)

    def holder_of_irqs(self, k: "Kernel", source: i64) -> i64:
        return ipi.holder_of_irqs(k, source)

    def close_userfaultfds(self, k: "Kernel") -> None:
        userfaultfd.close_all(k)


def run_op(k: "Kernel", t: Task) -> None:
    """Run the next op of `t` to its end; others may run in between."""
    index = t.pos
    op = k.sched.ops[index]
    if t.state == ABSENT or t.state == GONE:
        finish_op(k, t, op, index, SKIPPED)
        return
    begin_op(k, t, op, index)
    core.set_current(k, t)
    k.step(sites.OP__BEGIN, OBJ_NONE, READ)
    result: i64 = SKIPPED
    if not t.killed:
        result = syscalls.call(k, t, op)
        end_of_op(k, t)
    k.watch.op_returns(k, t, op, result)
    if t.killed and t.mm is not None:  # before it is in user space again
        kernel_exit.do_exit(k, t)
        end_of_op(k, t)
    k.sched.nr_inside -= 1
    if k.sched.observer is not None:
        k.sched.observer.op_ended(k, t, index)
    k.step(sites.OP__END, OBJ_NONE, READ)
    finish_op(k, t, op, index, result)


def begin_op(k: "Kernel", t: Task, op: Op, index: i64) -> None:
    t.in_op = True
    t.uid = op.uid
    k.sched.nr_begun += 1
    k.sched.nr_inside += 1
    t.alone = 0
    if k.sched.nr_inside == 1:
        t.alone = k.sched.nr_begun
    t.retries = 0
    t.idle_rounds = 0
    t.met = -1
    t.site = sites.OP__BEGIN
    t.began_seq = k.seq
    t.planned = k.sched.plan[index]
    s = k.strategy
    t.watch = index >= s.quiet if s is not None else len(t.planned) > 0
    if t.watch:
        for i in range(t.nr_visited):
            t.visits[t.visited[i]] = 0
        t.nr_visited = 0
    core.arm(k, t)


def end_of_op(k: "Kernel", t: Task) -> None:
    """What no op may leave behind in its actor (O9, O20)."""
    if t.held_mask:
        cls: i64 = 0
        while not (t.held_mask >> cls) & 1:
            cls += 1
        k.violate(
            "deadlock",
            t.took[cls],
            LOCK_CLASS_NAMES[cls],
            f"op {t.uid} returns to user space with {LOCK_CLASS_NAMES[cls]} held",
        )
    if t.rcu_readers or t.preempt_count:
        k.violate(
            "kernel-assertion",
            t.rcu_at,
            "task",
            f"op {t.uid} returns with preemption off or inside an RCU section",
        )
    if t.mm_gets:
        k.violate(
            "leak", t.mm_got_at, "mm", f"op {t.uid} returns as a user of an mm that it worked in"
        )
    if t.gathering:
        k.violate(
            "kernel-assertion",
            sites.TLB_GATHER_MMU__PENDING,
            "task",
            f"op {t.uid} returns without the end of its mmu_gather",
        )
    if t.ubc_cpus:
        k.violate(
            "kernel-assertion",
            sites.SET_TLB_UBC_FLUSH_PENDING__PENDING,
            "task",
            f"op {t.uid} returns with TLB flushes put off that it owes",
        )


def finish_op(k: "Kernel", t: Task, op: Op, index: i64, result: i64) -> None:
    """Book the result and move the actor to its next op."""
    k.sched.results[index] = result
    k.fold(result)
    key: i64 = 1
    if -2000 < result < 0:
        key = result
    k.feature(features.OUTCOME + (op.code * 4096 - key) % features.OUTCOME_SIZE)
    k.sched.op_done[index] = 1
    t.in_op = False
    t.watch = False
    if t.state == GONE:
        k.sched.existing &= ~(1 << t.id)
    # What a directive at op:end asks for is not for the op that comes next, nor for the End.
    t.inject_fail = False
    t.inject_tlb = 0
    t.inject_ipi = 0
    t.next += 1
    if t.next < len(t.ops):
        t.pos = t.ops[t.next]
    else:
        k.sched.runnable &= ~(1 << t.id)
        if t.state == READY:
            t.pos = len(k.sched.ops)
    core.op_ended(k, index)


def end_run(k: "Kernel") -> None:
    """The End: faults stop, IPIs arrive, handles close, processes exit, audits run."""
    k.sched.ending = True
    k.sched.alarm_due = 0 if k.tracing else core.NO_ALARM
    ipi.deliver_due(k, core.NO_ALARM)
    for t in k.tasks:
        t.watch = False
        t.uid = 0
    t0 = k.tasks[0]
    k.cur = t0
    if k.sched.observer is not None:
        k.sched.observer.end_begins(k)
    swap.lru_add_drain_all(k)
    k.watch.end_begins(k)
    userfaultfd.release_all(k)
    pins.release_all(k)
    for t in k.tasks:
        if (k.sched.existing >> t.id) & 1 and t.mm is not None:
            t.uid = 0
            core.set_current(k, t)
            kernel_exit.do_exit(k, t)
    core.set_current(k, t0)
    kernel_exit.release_lazy_mms(k)
    shmem.release_all(k)
    swap.lru_add_drain_all(k)
    swapfile.reclaim_all(k)
    k.watch.end_ends(k)

# SPDX-License-Identifier: MIT
"""Inter-processor interrupts: sent, held back by irq-off CPUs, acknowledged.

A CPU with interrupts enabled handles an IPI at once, unless a directive (`ipi +K`) makes it
late; one with interrupts disabled handles it when they come back on. The sender spins until
all have answered (smp_call_function_many_cond() with wait).
"""

from typing import TYPE_CHECKING

from mypy_extensions import i64

from simulator import features
from simulator.machine.cpu import CallSingleData, Cpu
from simulator.objects import OBJ_NONE
from simulator.scenario import IPI
from simulator.sched import core
from simulator.state import WRITE

if TYPE_CHECKING:
    from simulator.state import Kernel


def send(k: "Kernel", site: i64, cpu: Cpu, info: CallSingleData) -> None:
    """One IPI; a step, whose directive may delay it."""
    k.step(site, cpu.obj, WRITE)
    t = k.cur
    late = t.inject_ipi
    t.inject_ipi = 0
    if late:
        k.sched.used[t.inject_index] = 1
    s = k.strategy
    if s is not None and t.watch and not k.sched.fair:
        late = s.ipi(site)
        if late:
            core.record_choice(k, t, site, IPI, late)
    if late and not k.sched.ending:
        info.due = k.nr_steps + late
        if k.sched.ipi_due == 0 or info.due < k.sched.ipi_due:
            k.sched.ipi_due = info.due
            set_alarm(k)
    cpu.pending.append(info)
    if k.tracing:
        k.watch.ipi_sent(k, cpu, late)
    if cpu.irqs_off:
        k.sometimes(features.Z_IPI_WAITED_FOR_IRQ_OFF)
    elif not late:
        deliver(k, cpu, k.nr_steps)


def deliver(k: "Kernel", cpu: Cpu, now: i64) -> None:
    """Run the handler for every pending IPI of this CPU that is due."""
    i: i64 = 0
    while i < len(cpu.pending):
        info = cpu.pending[i]
        if info.due > now:
            i += 1
            continue
        del cpu.pending[i]
        info.func(k, cpu)
        acknowledged(k, info)


def acknowledged(k: "Kernel", info: CallSingleData) -> None:
    t = k.tasks[info.source]
    t.acks_missing -= 1
    if t.acks_missing == 0:
        core.wake(k, 1 << t.id)


def deliver_due(k: "Kernel", now: i64) -> None:
    """Delayed IPIs whose time has come; also called when nothing else can run."""
    k.sched.ipi_due = 0
    for cpu in k.cpus:
        if cpu.pending and not cpu.irqs_off:
            deliver(k, cpu, now)
        for info in cpu.pending:
            if info.due > now and (k.sched.ipi_due == 0 or info.due < k.sched.ipi_due):
                k.sched.ipi_due = info.due
    set_alarm(k)


def set_alarm(k: "Kernel") -> None:
    due = k.sched.max_steps
    if k.sched.fair or k.tracing:
        due = 0
    elif k.sched.ipi_due and k.sched.ipi_due < due:
        due = k.sched.ipi_due
    k.sched.alarm_due = due
    core.arm(k, k.cur)


def wait_for_acks(k: "Kernel", site: i64) -> None:
    """Spin until every IPI sent by the current actor has been handled."""
    t = k.cur
    while t.acks_missing > 0:
        core.block(k, holder_of_irqs(k, t.id), 0, OBJ_NONE, sleeps=False)


def holder_of_irqs(k: "Kernel", source: i64) -> i64:
    """The actor on whose irq-off CPU an IPI of `source` waits; -1 when it is only late."""
    for cpu in k.cpus:
        if cpu.irqs_off:
            for info in cpu.pending:
                if info.source == source:
                    return cpu.curr
    return -1


def local_irq_disable(k: "Kernel") -> None:
    k.cpus[k.cur.cpu].irqs_off += 1
    k.cur.preempt_count += 1


def local_irq_enable(k: "Kernel") -> None:
    cpu = k.cpus[k.cur.cpu]
    cpu.irqs_off -= 1
    k.cur.preempt_count -= 1
    if cpu.irqs_off == 0 and cpu.pending:
        deliver(k, cpu, k.nr_steps)

# SPDX-License-Identifier: MIT
"""kernel/sched/core.c (7.2) as far as mm sees it: a CPU goes over to another task, or idles.

The scheduler of this model (sched/core.py) decides who runs; the engine hands it these functions.
"""

from typing import TYPE_CHECKING

from simulator import sites
from simulator.kernel import exit as kernel_exit
from simulator.machine import ipi
from simulator.machine.cpu import Cpu
from simulator.mm.tlb import enter_lazy_tlb, switch_mm_irqs_off
from simulator.state import WRITE
from simulator.task import Task

if TYPE_CHECKING:
    from simulator.state import Kernel


def context_switch(k: "Kernel", cpu: Cpu, t: Task) -> None:
    """kernel/sched/core.c:context_switch() as far as mm sees it: `t` is what runs next."""
    if t.in_switch:
        return
    t.in_switch = True
    ipi.local_irq_disable(k)
    cpu.curr = t.id
    k.step(sites.CONTEXT_SWITCH__BEGIN, cpu.obj, WRITE)
    mm = t.mm
    if mm is None:
        enter_lazy_tlb(cpu)
    else:
        switch_mm_irqs_off(k, cpu, mm)
    ipi.local_irq_enable(k)
    t.in_switch = False
    if mm is not None and cpu.lazy_mm is not None:
        kernel_exit.drop_lazy_mm(k, cpu)


def enter_idle(k: "Kernel", t: Task) -> None:
    """The current actor sleeps and nobody else wants its CPU: the idle task borrows the mm."""
    cpu = k.cpus[t.cpu]
    if cpu.curr == t.id:
        enter_lazy_tlb(cpu)

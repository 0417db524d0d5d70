# SPDX-License-Identifier: MIT
"""One logical CPU: what it runs, what its MMU has loaded, and the kernel's per-CPU data."""

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64, mypyc_attr

from simulator.build.native import final, vec
from simulator.mm.mm_types import Folio, Mm
from simulator.objects import cpu_obj

if TYPE_CHECKING:
    from simulator.state import Kernel

TLB_NR_DYN_ASIDS: Final = 6  # arch/x86/include/asm/tlbflush.h


@mypyc_attr(acyclic=True)
class CallSingleData:
    """An IPI on its way to one CPU (call_single_data_t), and what it is to do there."""

    def __init__(self, source: i64) -> None:
        self.source: i64 = source  # actor that waits for the acknowledgement
        self.due: i64 = 0  # step before which it is not delivered

    def func(self, k: "Kernel", cpu: "Cpu") -> None:
        """The handler, interrupts off on `cpu`. Runs no other actor."""
        raise NotImplementedError


@final
class Cpu:
    """`loaded_mm`, `switching`, `is_lazy`, `asid` and `ctx_*` are cpu_tlbstate; `cr3` is what
    the hardware walks, which differs from `loaded_mm` inside switch_mm_irqs_off()."""

    def __init__(self, ident: i64) -> None:
        self.id: Final[i64] = ident
        self.obj: Final[i64] = cpu_obj(ident)
        self.curr: i64 = -1  # actor, -1 idle
        self.loaded_mm: Mm | None = None
        self.cr3: Mm | None = None
        self.switching: bool = False  # loaded_mm == LOADED_MM_SWITCHING
        self.is_lazy: bool = False
        self.lazy_mm: Mm | None = None  # borrowed from a thread that has exited, with a count
        self.asid: i64 = 0
        self.next_asid: i64 = 1
        self.ctx_mm: Final[vec[i64]] = vec[i64]([-1] * TLB_NR_DYN_ASIDS)
        self.ctx_gen: Final[vec[i64]] = vec[i64]([0] * TLB_NR_DYN_ASIDS)
        self.pending: list[CallSingleData] = []
        self.flushes: i64 = 0  # TLB flushes so far
        self.irqs_off: i64 = 0
        self.lru_add: list[Folio] = []  # cpu_fbatches.lru_add
        self.lru_lazyfree: list[Folio] = []

    def reset(self) -> None:
        self.curr = -1
        self.loaded_mm = None
        self.cr3 = None
        self.switching = False
        self.is_lazy = False
        self.lazy_mm = None
        self.asid = 0
        self.next_asid = 1
        for i in range(TLB_NR_DYN_ASIDS):
            self.ctx_mm[i] = -1
            self.ctx_gen[i] = 0
        if self.pending:
            self.pending = []
        self.flushes = 0
        self.irqs_off = 0
        if self.lru_add:
            self.lru_add = []
        if self.lru_lazyfree:
            self.lru_lazyfree = []


def bring_up(k: "Kernel", n: i64, shared: bool) -> None:
    """A machine with `n` CPUs, which idle; `shared` if several actors run on one of them."""
    while len(k.cpu_pool) < n:
        k.cpu_pool.append(Cpu(len(k.cpu_pool)))
    k.cpus = k.cpu_pool[:n]
    k.shared_cpus = shared
    for cpu in k.cpus:
        cpu.reset()

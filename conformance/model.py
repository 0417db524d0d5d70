# SPDX-License-Identifier: MIT
"""The model's side: runs a scenario and tells what /proc would show of it.

Contract: `ModelKernel.run` takes a scenario without directives that `comparable` has made and
returns an `Observed`. It looks at the machine and changes nothing. A promise that the model
itself finds broken raises `Broken`: then there is nothing to compare.
"""

from dataclasses import replace
from functools import cache
from typing import Final

from conformance.observation import (
    EMPTY_PTE,
    FILE,
    GUARD,
    IN_CORE,
    MAPPED_ONCE,
    PAGE_IS_FILE,
    PAGE_IS_GUARD,
    PAGE_IS_HUGE,
    PAGE_IS_PFNZERO,
    PAGE_IS_PRESENT,
    PAGE_IS_SOFT_DIRTY,
    PAGE_IS_SWAPPED,
    PAGE_IS_WPALLOWED,
    PAGE_IS_WRITTEN,
    PRESENT,
    SOFT_DIRTY,
    SWAP,
    UFFD_WP,
    Checkpoint,
    Observed,
    Region,
)
from conformance.userland import PMD_ORDER
from conformance.vm_flags import VM_FLAGS
from simulator.bugs import BY_ID, apart, in_kernel
from simulator.fs import proc
from simulator.kernels import nearest
from simulator.lib import xarray
from simulator.mm import mm_types as mt
from simulator.mm.shmem import FIRST_OTHER
from simulator.observer import Observer
from simulator.ops import FIRST_OTHER_FILE, NR_FILES, OPS, TOKEN, UFFD_WP_ASYNC
from simulator.outcome import Outcome, Violation
from simulator.run import Machine  # first: it loads the model's modules in an order that works
from simulator.scenario import NR_USER_ACTORS, Config, Scenario
from simulator.state import Kernel
from simulator.task import Task
from simulator.validate import MAX_FRAMES, arena_pages

LOADS: Final = frozenset(spec.number for spec in OPS if spec.returns == TOKEN)

_PAGEMAP_BITS: Final = (
    (proc.PM_SOFT_DIRTY, SOFT_DIRTY),
    (proc.PM_MMAP_EXCLUSIVE, MAPPED_ONCE),
    (proc.PM_UFFD_WP, UFFD_WP),
    (proc.PM_GUARD_REGION, GUARD),
    (proc.PM_FILE, FILE),
    (proc.PM_SWAP, SWAP),
    (proc.PM_PRESENT, PRESENT),
)


def _page_bits(entry: int) -> int:
    return sum(bit for pm, bit in _PAGEMAP_BITS if entry & pm)


# By pagemap entry, for this is asked for every page of every process.
_FROM_PAGEMAP: Final = tuple(_page_bits(entry) for entry in range(2 * proc.PM_PRESENT))
_PTE_FLAGS: Final = (1 << mt.PFN_SHIFT) - 1


@cache
def _category(pte: int) -> int:
    """pagemap_page_category() of an entry without its frame number, so there are few; whether it
    is PAGE_IS_FILE its page says."""
    kind = mt.pte_kind(pte)
    category = PAGE_IS_PRESENT if mt.pte_present(pte) else PAGE_IS_SWAPPED
    if not pte & mt.PTE_UFFD_WP and kind != mt.SWP_MARKER_UFFD_WP:
        category |= PAGE_IS_WRITTEN
    if pte & mt.PTE_SPECIAL:
        category |= PAGE_IS_PFNZERO
    if kind == mt.SWP_MARKER_GUARD:
        category |= PAGE_IS_GUARD
    if pte & mt.PTE_SOFT_DIRTY:
        category |= PAGE_IS_SOFT_DIRTY
    return category


class Broken(Exception):
    """The model found a promise broken, and ended the run there."""

    def __init__(self, violation: Violation) -> None:
        super().__init__(f"{violation.signature}: {violation.promise}")
        self.violation = violation


def comparable(scenario: Scenario, version: str = "") -> Scenario:
    """The scenario on the machine that a real kernel of that version runs on: page tables of
    512 entries, Linux's constants, memory enough for everything. The arena keeps its size. Of a
    full version ("6.12.118") the model has exactly the known bugs; without one it has none."""
    kernel = nearest(version) if version else ""
    config = Config(
        pmd_order=PMD_ORDER,
        frames=MAX_FRAMES,
        pages=arena_pages(scenario.config),
        steps=0,
        kernel=kernel,
        bugs=apart(kernel, version),
        thp=scenario.config.thp,
    )
    return replace(scenario, config=config)


class ModelKernel:
    """The model, to be asked like `conformance.kernel.RealKernel`. Not thread-safe."""

    def __init__(self) -> None:
        self._machine = Machine()

    def run(self, scenario: Scenario, *, every_op: bool) -> Observed:
        """What the model answers. Checkpoints are of the acting process after each op, unless
        its actor is gone; or, without `every_op`, of every process that is left at the end.
        A promise that this kernel is known to break is not in its way. Raises Broken."""
        watcher = _Watcher(scenario, every_op)
        outcome = self._machine.run(scenario, observer=watcher)
        if outcome.violation is None:
            return watcher.observed(scenario, outcome)
        if not _known(scenario.config, outcome.violation):
            raise Broken(outcome.violation)
        return self.go_on(scenario, every_op=every_op)[0]

    def go_on(self, scenario: Scenario, *, every_op: bool = False) -> tuple[Observed, Outcome]:
        """What the model answers when nobody stops it at a broken promise, with the trace;
        checkpoints as for `run`. Raises what the model does then."""
        watcher = _Watcher(scenario, every_op)
        outcome = self._machine.run(scenario, observer=watcher, trace=True, goes_on=True)
        return watcher.observed(scenario, outcome), outcome


def _known(config: Config, violation: Violation) -> bool:
    """Whether a bug that the kernel of the config has, or its own, is known to break this."""
    there = in_kernel(config.kernel) + list(config.bugs)
    signature = violation.signature
    return any(
        signature.oracle in BY_ID[bug].oracles and signature.culprit in BY_ID[bug].culprits
        for bug in there
        if bug in BY_ID and f"-{bug}" not in there
    )


class _Watcher(Observer):
    """Takes checkpoints, and notes which op has stored which token."""

    def __init__(self, scenario: Scenario, every_op: bool) -> None:
        super().__init__()
        self.uids = [op.uid for op in scenario.ops]
        self.every_op = every_op
        self.writers = [0]  # by token: the op that stored it
        self.checkpoints: list[Checkpoint] = []

    def observed(self, scenario: Scenario, outcome: Outcome) -> Observed:
        results = [
            self.writers[value] if op.code in LOADS and value >= 0 else value
            for op, value in zip(scenario.ops, outcome.results, strict=True)
        ]
        return Observed(tuple(results), tuple(self.checkpoints))

    def op_ended(self, k: Kernel, t: Task, index: int) -> None:
        uid = self.uids[index]
        self.writers += [uid] * (k.tokens + 1 - len(self.writers))
        if self.every_op and t.mm is not None:
            self.checkpoints.append(_checkpoint(k, t.mm, uid, t.id))

    def end_begins(self, k: Kernel) -> None:
        if self.every_op:
            return
        seen: set[int] = set()
        for t in k.tasks[:NR_USER_ACTORS]:
            if t.mm is not None and k.sched.existing >> t.id & 1 and t.mm.id not in seen:
                seen.add(t.mm.id)
                self.checkpoints.append(_checkpoint(k, t.mm, 0, t.id))


def _checkpoint(k: Kernel, mm: mt.Mm, uid: int, actor: int) -> Checkpoint:
    pages = [0] * k.nr_arena
    regions = tuple(_region(k, mm, vma, pages) for vma in mm.vmas)
    return Checkpoint(uid, actor, regions, tuple(pages))


def _region(k: Kernel, mm: mt.Mm, vma: mt.Vma, pages: list[int]) -> Region:
    """One line of smaps; fills in the bits of its pages."""
    rss = 0
    anonymous = 0
    inode = vma.inode
    every = SOFT_DIRTY | PAGE_IS_SOFT_DIRTY if vma.flags & mt.VM_SOFTDIRTY else 0
    unwritten = k.linux.written_needs_uffd_wp and not vma.flags & mt.VM_UFFD_WP
    uffd = vma.uffd
    if uffd is not None and uffd.features & UFFD_WP_ASYNC and vma.flags & mt.VM_UFFD_WP:
        every |= PAGE_IS_WPALLOWED
    table: mt.PageTable | None = None
    for va in range(vma.start, vma.end):
        slot = va & (k.ptrs_per_pte - 1)
        if slot == 0 or va == vma.start:
            table = mm.tables[va >> k.pmd_order]
        pmd = mm.pmd[va >> k.pmd_order]
        pte = table.pte[slot] if table is not None else mt.pmd_pte(pmd, slot) if pmd else 0
        bits = every
        if not pte and (table is not None or vma.flags & mt.VM_UFFD_WP):
            bits |= EMPTY_PTE  # write protection counts what has no page table as written, too
        if pte:
            entry = proc.pmd_to_pagemap_entry(k, pmd) if pmd else proc.pte_to_pagemap_entry(k, pte)
            bits |= _FROM_PAGEMAP[entry] | _category(pte & _PTE_FLAGS)
            if unwritten:
                bits &= ~PAGE_IS_WRITTEN
            if pmd:
                bits |= PAGE_IS_HUGE
            if bits & FILE and not mt.is_huge_zero_pmd(pmd):
                bits |= PAGE_IS_FILE
            if bits & PRESENT:
                bits |= IN_CORE
                if not pte & mt.PTE_SPECIAL:
                    rss += 1
                    if not bits & FILE:
                        anonymous += 1
        if inode is not None and not bits & (PRESENT | IN_CORE):
            if _in_page_cache(inode, vma.pgoff + va - vma.start):
                bits |= IN_CORE
        pages[va] = bits
    return Region(
        vma.start,
        vma.end,
        vma.flags & mt.VM_ACCESS_FLAGS,
        bool(vma.flags & mt.VM_MAYSHARE),
        _backing(inode),
        vma.pgoff if inode is not None else 0,
        tuple(sorted(name for flag, name in VM_FLAGS.items() if vma.flags & flag)),
        rss,
        anonymous,
    )


def _in_page_cache(inode: mt.Inode, index: int) -> bool:
    """mincore_page(): whether the cache has the folio, complete."""
    folio = xarray.load(inode.i_pages, index)
    return folio is not None and folio.flags & mt.PG_UPTODATE != 0


def _backing(inode: mt.Inode | None) -> int:
    """The BACKING slot of a VMA's file; -1 is the unnamed file of shared anonymous memory."""
    if inode is None:
        return 0
    if inode.id < NR_FILES:
        return 1 + inode.id
    if inode.opaque:
        return FIRST_OTHER_FILE + inode.id - FIRST_OTHER
    return -1

# SPDX-License-Identifier: MIT
"""arch/x86/mm/fault.c (7.2), and the user accesses that lead there."""

from typing import TYPE_CHECKING

from mypy_extensions import i64

from simulator import features, sites
from simulator.lib.maple_tree import find_vma
from simulator.machine import mmu
from simulator.mm import mmap, mmap_lock
from simulator.mm.memory import handle_mm_fault
from simulator.mm.mm_types import (
    PFN_SHIFT,
    VM_EXEC,
    VM_GROWSDOWN,
    VM_READ,
    VM_WRITE,
    Mm,
    Vma,
    pte_present,
)
from simulator.mm.pgtable import peek, pfn_to_page
from simulator.mm.vm_fault import (
    FAULT_FLAG_ALLOW_RETRY,
    FAULT_FLAG_TRIED,
    FAULT_FLAG_USER,
    FAULT_FLAG_VMA_LOCK,
    FAULT_FLAG_WRITE,
    VM_FAULT_COMPLETED,
    VM_FAULT_ERROR,
    VM_FAULT_HWPOISON,
    VM_FAULT_OOM,
    VM_FAULT_RETRY,
    VM_FAULT_SIGBUS,
)
from simulator.outcome import SIGBUS, SIGKILL, SIGSEGV
from simulator.state import READ, WRITE
from simulator.task import Task

if TYPE_CHECKING:
    from simulator.state import Kernel


def user_load(k: "Kernel", t: Task, mm: Mm, word: i64) -> i64:
    """Load one word (page * 4 + word); the token it holds, or SIGSEGV/SIGBUS."""
    va = word >> 2
    while True:
        pte = mmu.translate(k, t, mm, va, READ)
        if pte:
            page = pfn_to_page(k, pte >> PFN_SHIFT)
            value = page.words[word & 3]
            k.watch.user_loaded(k, mm, va, page, word & 3, value, t.through_stale)
            return value
        ret = do_user_addr_fault(k, t, mm, va, FAULT_FLAG_USER)
        if t.killed:
            return SIGKILL
        if ret:
            return ret
        again(k, mm, va)


def user_store(k: "Kernel", t: Task, mm: Mm, word: i64) -> i64:
    """Store a new token into one word; 0, or SIGSEGV/SIGBUS."""
    va = word >> 2
    while True:
        pte = mmu.translate(k, t, mm, va, WRITE)
        if pte:
            page = pfn_to_page(k, pte >> PFN_SHIFT)
            token = k.new_token()
            page.words[word & 3] = token
            k.watch.user_stored(k, mm, va, page, word & 3, token, t.through_stale)
            return 0
        ret = do_user_addr_fault(k, t, mm, va, FAULT_FLAG_USER | FAULT_FLAG_WRITE)
        if t.killed:
            return SIGKILL
        if ret:
            return ret
        again(k, mm, va)


def again(k: "Kernel", mm: Mm, va: i64) -> None:
    """The instruction is restarted after its fault. An entry that is still not present has
    been seen to by do_swap_page()."""
    pte = peek(k, mm, va)
    site = sites.DO_USER_ADDR_FAULT__BEGIN
    if pte and not pte_present(pte):
        site = sites.DO_SWAP_PAGE__DEVICE_LOCK
    k.retry_on(site, pte)


def access_error(vma: Vma, write: bool) -> bool:
    if write:
        return not vma.flags & VM_WRITE
    return not vma.flags & (VM_READ | VM_EXEC | VM_WRITE)


def lock_mm_and_find_vma(k: "Kernel", mm: Mm, va: i64) -> Vma | None:
    """The VMA of a faulting address, grown to it if it is a stack, with mmap_lock held for
    read; None without the lock."""
    if mmap_lock.mmap_read_lock_killable(k, mm, sites.LOCK_MM_AND_FIND_VMA__LOCK):
        return None
    vma = find_vma(mm, va)
    if vma is not None and vma.start <= va:
        return vma
    if vma is None or not vma.flags & VM_GROWSDOWN:
        mmap_lock.mmap_read_unlock(k, mm)
        return None
    if k.bug.expand_stack_vs_munmap_downgrade:
        if mmap.expand_downwards(k, vma, va) == 0:
            return vma
        mmap_lock.mmap_read_unlock(k, mm)
        return None
    # There is no atomic upgrade: somebody else may come first.
    return mmap.expand_stack(k, mm, va)


def do_user_addr_fault(k: "Kernel", t: Task, mm: Mm, va: i64, flags: i64) -> i64:
    """One page fault at an address of user space, by user code if `flags` have FAULT_FLAG_USER: 0
    to try the access again, SIGSEGV or SIGBUS."""
    write = flags & FAULT_FLAG_WRITE != 0
    flags |= FAULT_FLAG_ALLOW_RETRY
    if k.tracing:
        k.note(f"page fault at {va}")
    vma = mmap_lock.lock_vma_under_rcu(k, mm, va)
    if vma is not None:
        if access_error(vma, write):
            mmap_lock.vma_end_read(k, vma)
            return SIGSEGV
        fault = handle_mm_fault(k, vma, mm, va, flags | FAULT_FLAG_VMA_LOCK)
        if not fault & (VM_FAULT_RETRY | VM_FAULT_COMPLETED):
            mmap_lock.vma_end_read(k, vma)
        if not fault & VM_FAULT_RETRY:
            return fault_result(k, fault)
        if t.killed:  # fault_signal_pending(); so below
            return 0
    k.sometimes(features.Z_VMA_LOCK_FALLBACK)
    while True:
        vma = lock_mm_and_find_vma(k, mm, va)
        if vma is None:
            return SIGSEGV
        if access_error(vma, write):
            mmap_lock.mmap_read_unlock(k, mm)
            return SIGSEGV
        fault = handle_mm_fault(k, vma, mm, va, flags)
        if fault & VM_FAULT_COMPLETED:
            return 0
        if not fault & VM_FAULT_RETRY:
            mmap_lock.mmap_read_unlock(k, mm)
            return fault_result(k, fault)
        if t.killed:
            return 0
        flags |= FAULT_FLAG_TRIED
        k.retry(sites.DO_USER_ADDR_FAULT__BEGIN)


def fault_result(k: "Kernel", fault: i64) -> i64:
    """mm_fault_error(): what user code sees. Out of memory retries after the OOM killer in
    Linux; here it ends the access with SIGBUS, and a named situation tells."""
    if not fault & VM_FAULT_ERROR:
        return 0
    if fault & VM_FAULT_OOM:
        k.sometimes(features.Z_OOM)
        return SIGBUS
    if fault & (VM_FAULT_SIGBUS | VM_FAULT_HWPOISON):
        return SIGBUS
    return SIGSEGV

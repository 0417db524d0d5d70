# SPDX-License-Identifier: MIT
"""From rows of the op table to functions of the model."""

from typing import TYPE_CHECKING

from mypy_extensions import i64

from simulator import ops
from simulator.drivers import dmirror, exclusive
from simulator.fs import proc, userfaultfd
from simulator.kernel import context_switch, fork, swapoff
from simulator.kernel import exit as kernel_exit
from simulator.mm import (
    fault,
    khugepaged,
    madvise,
    mincore,
    mlock,
    mmap,
    mprotect,
    mremap,
    pins,
    shmem,
    shmem_file,
    vmscan,
)
from simulator.mm.mm_types import Mm
from simulator.mm.sched_mm import mmdrop, mmgrab
from simulator.mm.util import vm_mmap_pgoff
from simulator.outcome import SKIPPED
from simulator.scenario import Op
from simulator.task import Task

if TYPE_CHECKING:
    from simulator.state import Kernel


def call(k: "Kernel", t: Task, op: Op) -> i64:
    """Run one op in its actor's context; its result (outcome.py). Hot ops stand first."""
    code: i64 = op.code
    a = op.args
    if code == ops.OP_MIGRATE_TO_DEVICE:
        return dmirror.migrate_to_device(k, t, a[0], a[1])
    if code == ops.OP_MIGRATE_TO_RAM:
        return dmirror.migrate_to_ram(k, t, a[0], a[1])
    if code == ops.OP_DEVICE_READ:
        return dmirror.device_read(k, t, a[0])
    if code == ops.OP_DEVICE_WRITE:
        return dmirror.device_write(k, t, a[0])
    if code == ops.OP_DEVICE_EXCLUSIVE:
        return exclusive.device_exclusive(k, t, a[0], a[1])
    if code == ops.OP_DEVICE_ATOMIC:
        return exclusive.device_atomic(k, t, a[0])
    if code == ops.OP_SCAN:
        return khugepaged_scan(k, a[0])
    if code == ops.OP_SWAPOFF:
        return swapoff.sys_swapoff(k)
    if code == ops.OP_RECLAIM:
        return vmscan.balance_pgdat(k, a[0])
    if code == ops.OP_DEVICE_OPEN:
        return dmirror.dmirror_fops_open(k, t, k.tasks[a[0]].mm)
    if code == ops.OP_DEVICE_CLOSE:
        return dmirror.dmirror_fops_release(k, t)
    mm = t.mm
    if mm is None:
        return SKIPPED
    if code == ops.OP_WRITE:
        return fault.user_store(k, t, mm, a[0])
    if code == ops.OP_READ:
        return fault.user_load(k, t, mm, a[0])
    if code == ops.OP_MADVISE:
        return madvise.do_madvise(k, mm, a[0], a[1], a[2])
    if code == ops.OP_MMAP:
        return vm_mmap_pgoff(k, mm, a[0], a[1], a[2], a[3], a[4], a[5], a[6])
    if code == ops.OP_MUNMAP:
        return mmap.do_munmap(k, mm, a[0], a[1])
    if code == ops.OP_MPROTECT:
        return mprotect.do_mprotect(k, mm, a[0], a[1], a[2])
    if code == ops.OP_MREMAP:
        return mremap.do_mremap(k, mm, a[0], a[1], a[2], a[3], a[4])
    if code == ops.OP_FORK:
        return fork.do_fork(k, t, a[0])
    if code == ops.OP_EXIT:
        return kernel_exit.do_exit(k, t)
    if code == ops.OP_MEMFD:
        return shmem.memfd_create(k, a[0], a[1])
    if code == ops.OP_PREAD:
        return shmem_file.pread(k, a[0] >> 2, a[1], a[0] & 3)
    if code == ops.OP_PWRITE:
        return shmem_file.pwrite(k, mm, a[0] >> 2, a[1], a[0] & 3)
    if code == ops.OP_FTRUNCATE:
        return shmem_file.ftruncate(k, a[0] >> 2, a[1], a[0] & 3)
    if code == ops.OP_FALLOCATE:
        return shmem_file.fallocate(k, a[0], a[1], a[1] + a[2], a[3])
    if code == ops.OP_LSEEK:
        return shmem_file.lseek(k, a[0] >> 2, a[1], a[0] & 3, a[2])
    if code == ops.OP_FILE_READ:
        return shmem_file.read(k, a[0])
    if code == ops.OP_FILE_WRITE:
        return shmem_file.write(k, mm, a[0])
    if code == ops.OP_FSTAT:
        return shmem_file.fstat(k, a[0], a[1])
    if code == ops.OP_CLEAR_REFS:
        return proc.clear_refs(k, mm, a[0])
    if code == ops.OP_PAGEMAP:
        return proc.pagemap(k, mm, a[0])
    if code == ops.OP_KILL:
        return kernel_exit.kill(k, k.tasks[a[0]].mm)
    if code == ops.OP_PROCMAP:
        return proc.do_procmap_query(k, mm, a[0], a[1])
    if code == ops.OP_MEM_READ:
        return proc.mem_read(k, mm, a[0])
    if code == ops.OP_MEM_WRITE:
        return proc.mem_write(k, mm, a[0])
    if code == ops.OP_MLOCK:
        return mlock.mlock(k, mm, a[0], a[1])
    if code == ops.OP_MUNLOCK:
        return mlock.munlock(k, mm, a[0], a[1])
    if code == ops.OP_MLOCK2:
        return mlock.mlock2(k, mm, a[0], a[1], a[2])
    if code == ops.OP_MLOCKALL:
        return mlock.mlockall(k, mm, a[0])
    if code == ops.OP_MUNLOCKALL:
        return mlock.munlockall(k, mm)
    if code == ops.OP_MINCORE:
        return mincore.mincore(k, mm, a[0], a[1])
    if code == ops.OP_PIN:
        return pins.pin(k, mm, a[0], a[1], a[2], a[3], False)
    if code == ops.OP_PIN_FAST:
        return pins.pin(k, mm, a[0], a[1], a[2], a[3], True)
    if code == ops.OP_UNPIN:
        return pins.unpin(k, mm, a[0])
    if code == ops.OP_DMA_READ:
        return pins.dma_read(k, mm, a[0] >> 2, a[0] & 3)
    if code == ops.OP_DMA_WRITE:
        return pins.dma_write(k, mm, a[0] >> 2, a[0] & 3)
    if code == ops.OP_VMSPLICE:
        return pins.vmsplice(k, mm, a[0], a[1])
    if code == ops.OP_PIPE_READ:
        return pins.pipe_read(k, mm, a[0] >> 2, a[0] & 3)
    if ops.OP_USERFAULTFD <= code <= ops.OP_UFFD_POISON:
        return userfaultfd_call(k, t, mm, code, a)
    if code == ops.OP_SLEEP:
        context_switch.enter_idle(k, t)
        return 0
    raise AssertionError(f"syscalls.call() has no function for {ops.BY_NUMBER[op.code].name}")


def userfaultfd_call(k: "Kernel", t: Task, mm: Mm, code: i64, a: tuple[int, ...]) -> i64:
    if code == ops.OP_UFFD_COPY:
        return userfaultfd.copy(k, t, mm, a[0], a[1], a[2], a[3], a[5])
    if code == ops.OP_UFFD_ZEROPAGE:
        return userfaultfd.zeropage(k, t, mm, a[0], a[1], a[2], a[3])
    if code == ops.OP_UFFD_WRITEPROTECT:
        return userfaultfd.writeprotect(k, a[0], a[1], a[2], a[3])
    if code == ops.OP_UFFD_CONTINUE:
        return userfaultfd.continue_(k, t, mm, a[0], a[1], a[2], a[3])
    if code == ops.OP_UFFD_POISON:
        return userfaultfd.poison(k, t, mm, a[0], a[1], a[2], a[3])
    if code == ops.OP_UFFD_REGISTER:
        return userfaultfd.register(k, a[0], a[1], a[2], a[3])
    if code == ops.OP_UFFD_UNREGISTER:
        return userfaultfd.unregister(k, a[0], a[1], a[2])
    if code == ops.OP_UFFD_WAKE:
        return userfaultfd.wake(k, a[0], a[1], a[2])
    if code == ops.OP_UFFD_READ:
        return userfaultfd.read(k, a[0])
    if code == ops.OP_USERFAULTFD:
        return userfaultfd.new_userfaultfd(k, mm, a[0], a[1])
    assert code == ops.OP_UFFD_CLOSE
    return userfaultfd.close(k, a[0])


def khugepaged_scan(k: "Kernel", whose: i64) -> i64:
    """khugepaged has a count on the mms of its list."""
    mm = k.tasks[whose].mm
    if mm is None:
        return SKIPPED
    mmgrab(mm)
    result = khugepaged.scan(k, mm)
    mmdrop(k, mm)
    return result


def open_device(k: "Kernel", t: Task, mm: Mm) -> None:
    """The device of an actor is open before the first op, and mirrors this mm."""
    dmirror.is_open_at_first(k, t, mm)

# SPDX-License-Identifier: MIT
"""O9 deadlock, of those who wait for user space: whoever resolves a fault wakes all who wait.

Who resolves a fault writes the entry and wakes then; who waits queues and looks at the entry then.
So nobody sleeps who was under way when a wakeup came and the entry was there already: it would
sleep until somebody closes the userfaultfd. Wakeups before the entry is there promise nothing, nor
does UFFDIO_COPY where it is told not to wake.
"""

from typing import TYPE_CHECKING

from mypy_extensions import i64

from simulator import sites
from simulator.mm.mm_types import UserfaultfdCtx, UserfaultWait
from simulator.mm.pgtable import peek
from simulator.mm.userfaultfd import unresolved

if TYPE_CHECKING:
    from simulator.state import Kernel


def begins(ctx: UserfaultfdCtx, wait: UserfaultWait) -> None:
    """The running actor is about to queue."""
    ctx.waiting.append(wait)


def ends(ctx: UserfaultfdCtx, wait: UserfaultWait) -> None:
    """It waits no more."""
    ctx.waiting.remove(wait)


def sleeps(k: "Kernel", ctx: UserfaultfdCtx, wait: UserfaultWait) -> None:
    """It goes to sleep. What it was woken for while it was under way still stands if nothing has
    been taken away since."""
    if (
        wait.missed_at
        and wait.missed_seq == k.seq
        and not unresolved(peek(k, ctx.mm, wait.va), wait.reason)
    ):
        lost(k, wait.missed_at, wait)


def woken(k: "Kernel", ctx: UserfaultfdCtx, start: i64, end: i64) -> None:
    """All in the range have been woken, or all."""
    for wait in ctx.waiting:
        if wait.waken or (end and not start <= wait.va < end):
            continue
        if end and unresolved(peek(k, ctx.mm, wait.va), wait.reason):
            continue
        if wait.asleep:
            lost(k, sites.WAKE_USERFAULT__WAKE, wait)
        wait.missed_at = sites.HANDLE_USERFAULT__QUEUE
        wait.missed_seq = k.seq


def lost(k: "Kernel", culprit: i64, wait: UserfaultWait) -> None:
    k.violate(
        "deadlock",
        culprit,
        "userfault",
        f"the fault at page {wait.va} is resolved, its waiters are woken, and one of them sleeps",
    )

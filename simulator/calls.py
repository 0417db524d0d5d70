# SPDX-License-Identifier: MIT
"""Which functions of Linux an actor is inside of when it tells a drawing something.

Contract: nesting is known, not inferred: it is read off the interpreter's own stack, so that the
model says nothing of it and a run that nobody draws pays nothing. The compiled model has no such
stack: there the answers are empty, and who draws runs the interpreted one, which does the same
(triage/traced.py).

A frame stands for a call of the function of Linux that it is named after, if that has sites. Where
the model has written a function into its caller, or gives it another name, it is the sites passed
there that say so: from the first of them on the frame stands for a call of that function too.
"""

import sys
from typing import Any, Final, final

from mypy_extensions import i64

from simulator import sites
from simulator.build import mode

Call = tuple[int, str]  # the number of a call, which no other one has, and the function

_ROOMS: Final = frozenset(("mm", "kernel", "fs", "machine", "drivers"))
_OUTERMOST: Final = frozenset(("run_op", "end_run"))
_NO_CALLS: Final = frozenset(("op", "mmu", ""))  # what sites name that is no function
FUNCTIONS: Final = frozenset(sites.FUNCTION) - _NO_CALLS
# Functions that the model has written into their callers and that call nothing: they are over when
# the caller calls somebody, or lets go of a lock.
LEAVES: Final = frozenset(
    (
        "dmirror_devmem_alloc_page",
        "guard_install_set_pte",
        "hmm_vma_handle_pte",
        "madvise_lock",
        "map_pte",
        "migrate_vma_check_page",
        "mincore_page",
        "ptep_set_access_flags",
        "ptep_test_and_clear_young",
        "shmem_add_to_page_cache",
        "shmem_alloc_folio",
        "tlb_remove_table",
        "unpin_user_page",
        "vma_start_read",
        "wake_up_new_task",
    )
)
assert LEAVES <= FUNCTIONS


@final
class _Frame:
    """One frame of the model's code. `written_in` is a function that stands in it."""

    def __init__(self, frame: Any, number: int) -> None:
        self.frame: Final = frame  # kept, so that no later one is taken for it
        self.number: Final = number
        name: str = frame.f_code.co_name
        self.function: Final = name if name in FUNCTIONS else ""
        self.written_in: str = ""
        self.written_number: int = 0


@final
class Calls:
    """The stacks of all actors of one run."""

    def __init__(self) -> None:
        self._known: Final = mode() == "interpreted"
        self._stacks: Final[dict[int, list[_Frame]]] = {}
        self._nr: int = 0

    def at_site(self, actor: i64, site: i64) -> tuple[Call, ...]:
        """The calls that `actor`, which runs, is inside of at `site`, outermost first."""
        if not self._known:
            return ()
        stack = self._look(int(actor))
        function = sites.FUNCTION[site]
        if function not in _NO_CALLS:
            self._passed(stack, function, sites.NAMES[site].upper().replace(":", "__"))
        return _calls(stack, leaf=True)

    def now(self, actor: i64, *, leaf: bool = True) -> tuple[Call, ...]:
        """The calls that `actor`, which runs, is inside of; not `leaf`: it has left those that
        stand in their callers and call nothing."""
        if not self._known:
            return ()
        return _calls(self._look(int(actor)), leaf=leaf)

    def _look(self, actor: int) -> list[_Frame]:
        frames: list[Any] = []
        frame: Any = sys._getframe()
        while frame is not None and frame.f_code.co_name not in _OUTERMOST:
            name: str = frame.f_globals["__name__"]
            if name.split(".")[1:2] and name.split(".")[1] in _ROOMS:
                frames.append(frame)
            frame = frame.f_back
        frames.reverse()
        stack = self._stacks.setdefault(actor, [])
        same = 0
        while same < len(stack) and same < len(frames) and stack[same].frame is frames[same]:
            same += 1
        del stack[same:]
        for new in frames[same:]:
            self._nr += 1
            stack.append(_Frame(new, self._nr))
        return stack

    def _passed(self, stack: list[_Frame], function: str, constant: str) -> None:
        """A site of `function`, whose constant in `simulator.sites` is `constant`."""
        for frame in reversed(stack):
            if frame.function == function:
                frame.written_in = ""  # what stood in it is over
                return
            if frame.written_in == function:
                return
        for frame in reversed(stack):
            if constant in frame.frame.f_code.co_names:
                break
        else:
            if not stack:
                return
            frame = stack[-1]
        self._nr += 1
        frame.written_in = function
        frame.written_number = self._nr


def _calls(stack: list[_Frame], *, leaf: bool) -> tuple[Call, ...]:
    calls: list[Call] = []
    for i, frame in enumerate(stack):
        if frame.function:
            calls.append((frame.number, frame.function))
        inner = frame.written_in
        if inner and (inner not in LEAVES or (leaf and not _goes_on(stack, i + 1))):
            calls.append((frame.written_number, inner))
    return tuple(calls)


def _goes_on(stack: list[_Frame], start: int) -> bool:
    """Whether some frame from `start` on is a function of Linux."""
    return any(frame.function or frame.written_in for frame in stack[start:])

# SPDX-License-Identifier: MIT
"""Accesses to memory that a recording shows: those that failed, and those that faulted.

Contract: `failed` makes the access that ended in a signal, `Faults.served` the one whose page
fault was served, or a reason why not. A page fault's text does not tell loads from stores, so:
a fault of a kernel function that copies to or from user memory is what its name says; on a page
that may not be written it is a load. A page that faults again while nothing happened to it was
missing at first and protected then: first a load, now a store. All other faults on writable
memory are taken for stores; a program may have only read there.

Not promised: accesses without a fault, which are most. They change no mapping, but what they
read, wrote, or made dirty and young is not in a recording.
"""

import re
from dataclasses import dataclass
from typing import Final

from corpus.recording import values
from corpus.recording.arguments import NO_FILE_PAGES, WORD_SIZE, Listed, small_memfd
from corpus.recording.events import Fault, Signal
from corpus.recording.follow import MEMFD, File
from corpus.recording.layout import ANON, Layout, Region
from corpus.recording.rules import PAGE_SIZE, TASK_PAGES
from corpus.recording.steps import OK, SIGNAL, Answer, Step
from simulator import ops
from simulator.scenario import WORDS_PER_PAGE

# What recordings call memory without a file; addresses in it are addresses of the process.
_ANONYMOUS: Final = re.compile(r"|//anon|\[(heap|stack|anon.*)\]|/dev/zero.*|/SYSV.*")
_STARTS_MAPPED: Final = re.compile(r"//anon|\[(heap|stack)\]")


def failed(signal: Signal, space: int, layout: Layout, files: list[File]) -> Step | None:
    """The access that ended in a signal for a bad address, if the log shows which it was.

    SEGV_ACCERR at a readable page was a store; where neither may pass, a load says the same.
    """
    address = values.number(signal.fields.get("si_addr", ""))
    code = signal.fields.get("si_code", "")
    wanted = {"SIGSEGV": ("SEGV_MAPERR", "SEGV_ACCERR"), "SIGBUS": ("BUS_ADRERR",)}
    if address is None or code not in wanted.get(signal.name, ()):
        return None
    if not 0 <= address < TASK_PAGES * PAGE_SIZE:
        return None
    page = address // PAGE_SIZE
    regions = list(layout.within(page, page + 1))
    if not regions and layout.untold(page, page + 1):
        return None
    op, why = ops.OP_READ, ""
    if regions:
        region = regions[0]
        if code == "SEGV_ACCERR" and region.prot & 1:
            op = ops.OP_WRITE
        other_file = region.file != ANON and not small_memfd(files[region.file])
        if other_file and signal.name == "SIGBUS":
            why = NO_FILE_PAGES
    text = f"{signal.name} {code} at {address:#x}"
    return Step(
        signal.line,
        space,
        op,
        (address // WORD_SIZE,),
        text,
        Answer(SIGNAL, 0, signal.name),
        why_not_compared=why,
    )


@dataclass(slots=True)
class _Seen:
    """The last fault of a page: in which steps it is and where, and whether that it was a store is
    told. `protected`: the page may have become read-only since."""

    steps: list[Step]
    step: int
    told: bool
    protected: bool = False


class Faults:
    """What the faults of a recording were. `steps` are those of now, of which earlier ones become
    loads when a later fault tells."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self._seen: dict[int, dict[int, _Seen]] = {}  # space -> page

    def served(self, fault: Fault, space: int, layout: Layout, files: list[File]) -> Step | Listed:
        """The access, which will stand next in `steps`, or why there is none."""
        page = fault.address // PAGE_SIZE
        if fault.where.startswith("/memfd:"):
            pages = _of_memory_files(page, layout, files)
            if len(pages) != 1:
                return Listed(f"{len(pages)} mapped memory files have that page")
            page = pages[0]
        elif not _ANONYMOUS.fullmatch(fault.where):
            return Listed(NO_FILE_PAGES)
        if not 0 <= page < TASK_PAGES:
            return Listed("the address is none of user memory")
        region = next(iter(layout.within(page, page + 1)), None)
        if region is None:
            if not _STARTS_MAPPED.fullmatch(fault.where):
                return Listed("what is mapped there is not in the log")
            if not layout.untold(page, page + 1):
                return Listed("nothing is mapped there according to the log")
            region = Region(page, page + 1, 3, False, ANON, 0)
        if region.file != ANON and not small_memfd(files[region.file]):
            return Listed(NO_FILE_PAGES)
        code = self._access(fault, space, page, region)
        word = fault.address % PAGE_SIZE // WORD_SIZE
        return Step(
            fault.line,
            space,
            code,
            (page * WORDS_PER_PAGE + word,),
            f"{fault.name} at {fault.where}@{fault.address:#x}",
            Answer(OK),
        )

    def _access(self, fault: Fault, space: int, page: int, region: Region) -> int:
        """Load or store, and what that tells about the fault before."""
        if fault.access == "load" or not fault.access and not region.prot & 2:
            return ops.OP_READ
        seen = self._seen.setdefault(space, {})
        before = seen.get(page)
        if before and not before.protected and not before.told:
            if before.step < len(before.steps):  # those that were handed on are empty
                step = before.steps[before.step]
                if step.code == ops.OP_WRITE:
                    before.steps[before.step] = step._replace(code=ops.OP_READ)
        seen[page] = _Seen(self.steps, len(self.steps), told=bool(before or fault.access))
        return ops.OP_WRITE

    def changed(self, step: Step) -> None:
        """A step of the recording that may take pages away, or make them read-only."""
        if not self._seen:
            return
        pages = self._seen.get(step.space, {})
        if step.code == ops.OP_FORK:
            for seen in pages.values():
                seen.protected = True
            self._seen[step.args[0]] = {
                page: _Seen(seen.steps, seen.step, seen.told, True) for page, seen in pages.items()
            }
        elif step.code == ops.OP_CLEAR_REFS:
            for seen in pages.values():
                seen.protected = True
        elif step.code == ops.OP_MPROTECT:
            for page in _within(pages, step.args[0], step.args[1]):
                pages[page].protected = True
        elif step.code in (ops.OP_MMAP, ops.OP_MUNMAP, ops.OP_MADVISE):
            for page in _within(pages, step.args[0], step.args[1]):
                del pages[page]
        elif step.code == ops.OP_MREMAP:
            for start, end in (step.args[:2], step.args[2:4]):
                for page in _within(pages, start, end):
                    del pages[page]


def _of_memory_files(index: int, layout: Layout, files: list[File]) -> list[int]:
    """Where page `index` of a memory file is mapped; the text may not say which file it is."""
    return [
        region.start + index - region.offset
        for region in layout.regions
        if region.file != ANON
        and files[region.file].kind == MEMFD
        and region.offset <= index < region.offset + region.end - region.start
    ]


def _within(pages: dict[int, _Seen], start: int, end: int) -> list[int]:
    return [page for page in pages if start <= page < end]
